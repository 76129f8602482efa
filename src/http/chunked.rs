//! # Chunked: the line before each chunk
//!
//! Size and extensions, read strictly: what one server takes for a size and another does not is
//! how requests are smuggled (RFC 9112 7.1). Extensions mean nothing here; they are checked, and
//! counted by the receiver, and forgotten.

use super::Fault;
use super::letters;

/// What a chunk line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ChunkLine {
    /// Bytes of data to come; zero in the last one.
    pub(super) size: u64,
    /// Bytes of extensions, which count against a limit of their own.
    pub(super) extension_bytes: usize,
}

/// Reads a chunk line, given without its CRLF.
pub(super) fn read_line(line: &[u8]) -> Result<ChunkLine, Fault> {
    let digits = line
        .iter()
        .take_while(|byte| byte.is_ascii_hexdigit())
        .count();
    if digits == 0 || digits > 16 {
        return Err(Fault::BadChunkSize);
    }
    let (size, extensions) = line.split_at(digits);
    // BWS may stand before the semicolon, but not in place of it.
    if !extensions.is_empty() && !letters::trimmed(extensions).starts_with(b";") {
        return Err(Fault::BadChunkSize);
    }
    check_extensions(extensions)?;
    let size = size
        .iter()
        .fold(0, |n, digit| n << 4 | u64::from(hex(*digit)));
    Ok(ChunkLine {
        size,
        extension_bytes: extensions.len(),
    })
}

const fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// `*( BWS ";" BWS token [ BWS "=" BWS ( token / quoted-string ) ] )`
fn check_extensions(extensions: &[u8]) -> Result<(), Fault> {
    let mut rest = extensions;
    while !rest.is_empty() {
        rest = after_white_space(rest)
            .strip_prefix(b";")
            .ok_or(Fault::BadChunkExtension)?;
        rest = after_token(after_white_space(rest))?;
        if let Some(value) = after_white_space(rest).strip_prefix(b"=") {
            let value = after_white_space(value);
            rest = match value {
                [b'"', quoted @ ..] => after_quoted(quoted)?,
                _ => after_token(value)?,
            };
        }
    }
    Ok(())
}

fn after_white_space(bytes: &[u8]) -> &[u8] {
    let count = bytes
        .iter()
        .take_while(|byte| matches!(byte, b' ' | b'\t'))
        .count();
    &bytes[count..]
}

fn after_token(bytes: &[u8]) -> Result<&[u8], Fault> {
    let count = bytes
        .iter()
        .take_while(|&&byte| letters::is(letters::TOKEN, byte))
        .count();
    if count == 0 {
        Err(Fault::BadChunkExtension)
    } else {
        Ok(&bytes[count..])
    }
}

/// What follows a quoted string whose first quote was taken (RFC 9110 5.6.4).
fn after_quoted(bytes: &[u8]) -> Result<&[u8], Fault> {
    let mut rest = bytes;
    loop {
        rest = match rest {
            [b'"', rest @ ..] => return Ok(rest),
            [b'\\', escaped, rest @ ..] if letters::is(letters::VALUE, *escaped) => rest,
            [byte, rest @ ..] if *byte != b'\\' && letters::is(letters::VALUE, *byte) => rest,
            _ => return Err(Fault::BadChunkExtension),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(line: &str, expected: Result<u64, Fault>) {
        assert_eq!(
            read_line(line.as_bytes()).map(|line| line.size),
            expected,
            "{line:?}"
        );
    }

    #[test]
    fn a_size_is_one_to_sixteen_hexadecimal_digits() {
        check("0", Ok(0));
        check("5", Ok(5));
        check("00a", Ok(10));
        check("A", Ok(10));
        check("fF", Ok(255));
        check("0000000000000005", Ok(5));
        check("ffffffffffffffff", Ok(u64::MAX));
        for bad in [
            "", "zz", "-5", "+5", " 5", "5 ", "5\t", "0x5", "5h", "5,", "5\r", "5\0", "5 5",
        ] {
            check(bad, Err(Fault::BadChunkSize));
        }
        check("10000000000000005", Err(Fault::BadChunkSize));
        check("00000000000000005", Err(Fault::BadChunkSize));
    }

    #[test]
    fn extensions_are_checked_and_forgotten() {
        for good in [
            "5;a",
            "5;a=b",
            "5;a=b;c",
            "5;a=\"b;c\"",
            "5;a=\"\"",
            "5;a=\"\\\"\"",
            "5 ; a = b",
            "5;a=\"b\" ;c",
            "5\t;a",
        ] {
            check(good, Ok(5));
        }
        for bad in [
            "5;",
            "5;a=",
            "5;=b",
            "5;a=\"b",
            "5;a=\"b\\",
            "5;a b",
            "5;a=b c",
            "5;a;",
            "5;a=\"b\"c",
            "5;a ",
            "5;a\r",
            "5;a=\"\r\"",
            "5;(",
            "5;a=\"\0\"",
        ] {
            check(bad, Err(Fault::BadChunkExtension));
        }
    }
}
