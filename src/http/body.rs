//! # Body writer: the body of an answer, piece by piece
//!
//! What frames a body was decided when its head was written; here the pieces get that frame.
//! Writing more than was announced is our mistake: it asserts in tests, and in a release the
//! surplus is dropped, because a client would read it as the next answer.

use super::letters;

/// Frames the rest of a streamed body. Small and plain: keep it beside the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyWriter {
    /// The body is written, or there is none.
    None,
    /// So many bytes are still owed.
    Length(u64),
    /// Each piece is a chunk.
    Chunked,
    /// The end of the connection is the end of the body.
    UntilClose,
    /// The answer to HEAD: pieces are taken and not sent.
    Discard,
}

impl BodyWriter {
    /// Whether nothing more would reach the wire: a producer may stop.
    pub const fn is_done(self) -> bool {
        matches!(self, Self::None | Self::Length(0) | Self::Discard)
    }

    /// Appends a piece of the body.
    pub fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        match self {
            Self::Length(left) => {
                let count = bytes.len() as u64;
                debug_assert!(count <= *left, "a body is as long as it was announced");
                let fits = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                out.extend_from_slice(&bytes[..fits]);
                *left = left.saturating_sub(count);
            }
            // A chunk of size zero would end the body.
            Self::Chunked if !bytes.is_empty() => {
                push_hex(out, bytes.len());
                out.extend_from_slice(b"\r\n");
                out.extend_from_slice(bytes);
                out.extend_from_slice(b"\r\n");
            }
            Self::Chunked | Self::Discard => {}
            Self::UntilClose => out.extend_from_slice(bytes),
            Self::None => debug_assert!(bytes.is_empty(), "nothing follows a whole body"),
        }
    }

    /// The body ends here; trailers are sent if it is chunked. False if less was written than was
    /// announced: then only the end of the connection can tell the client.
    #[must_use = "a body that stayed short must end its connection"]
    pub fn end(&mut self, trailers: &[(&str, &str)], out: &mut Vec<u8>) -> bool {
        let whole = !matches!(self, Self::Length(1..));
        if *self == Self::Chunked {
            out.extend_from_slice(b"0\r\n");
            for (name, value) in trailers {
                push_field(out, name.as_bytes(), value.as_bytes());
            }
            out.extend_from_slice(b"\r\n");
        }
        *self = Self::None;
        whole
    }
}

/// Appends a field line. A name that is no token leaves it out; a byte that may not stand in a
/// value becomes SP, as RFC 9110 5.5 has recipients do: so nobody can end a field early.
pub(super) fn push_field(out: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    if !letters::token(name) {
        debug_assert!(false, "the name of a field is a token");
        return;
    }
    out.extend_from_slice(name);
    out.extend_from_slice(b": ");
    let value = letters::trimmed(value);
    if letters::all(letters::VALUE, value) {
        out.extend_from_slice(value);
    } else {
        let clean = |&byte| {
            if letters::is(letters::VALUE, byte) {
                byte
            } else {
                b' '
            }
        };
        out.extend(value.iter().map(clean));
    }
    out.extend_from_slice(b"\r\n");
}

/// Appends a number in decimal.
pub(super) fn push_decimal(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let (mut at, mut rest) = (digits.len(), number);
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Appends a number in hexadecimal, without leading zeros.
fn push_hex(out: &mut Vec<u8>, number: usize) {
    let digits = (usize::BITS - number.leading_zeros()).div_ceil(4).max(1);
    out.extend(
        (0..digits)
            .rev()
            .map(|n| b"0123456789abcdef"[number >> (4 * n) & 15]),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mut writer: BodyWriter, pieces: &[&str], expected: &str, whole: bool) {
        let mut out = Vec::new();
        for piece in pieces {
            writer.write(piece.as_bytes(), &mut out);
        }
        assert_eq!(writer.end(&[], &mut out), whole);
        assert_eq!(str::from_utf8(&out).unwrap(), expected);
        assert!(writer.is_done());
    }

    #[test]
    fn each_frame_holds_its_pieces() {
        check(BodyWriter::None, &[], "", true);
        check(BodyWriter::Length(5), &["he", "", "llo"], "hello", true);
        check(BodyWriter::Length(5), &["he"], "he", false);
        check(
            BodyWriter::Chunked,
            &["he", "", "llo"],
            "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            true,
        );
        check(BodyWriter::Chunked, &[], "0\r\n\r\n", true);
        check(BodyWriter::UntilClose, &["he", "llo"], "hello", true);
        check(BodyWriter::Discard, &["he", "llo"], "", true);
    }

    #[test]
    fn trailers_follow_the_last_chunk() {
        let mut out = Vec::new();
        assert!(BodyWriter::Chunked.end(&[("X-Sum", "1\r\nEvil: 2")], &mut out));
        assert_eq!(out, b"0\r\nX-Sum: 1  Evil: 2\r\n\r\n");
    }

    #[test]
    #[should_panic(expected = "as long as it was announced")]
    fn a_body_longer_than_announced_is_our_mistake() {
        BodyWriter::Length(3).write(b"hello", &mut Vec::new());
    }

    #[test]
    fn numbers_are_written_as_the_standard_library_does() {
        for number in [
            0,
            1,
            9,
            10,
            15,
            16,
            255,
            256,
            4096,
            65_535,
            1 << 32,
            usize::MAX,
        ] {
            let mut out = Vec::new();
            push_decimal(&mut out, number as u64);
            out.push(b' ');
            push_hex(&mut out, number);
            assert_eq!(
                str::from_utf8(&out).unwrap(),
                format!("{number} {number:x}")
            );
        }
    }
}
