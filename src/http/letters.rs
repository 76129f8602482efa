//! # Letters: which bytes may stand where
//!
//! One table, one bit per kind of place, so that every check in the room is a lookup.

/// A character of a token (RFC 9110 5.6.2).
pub(super) const TOKEN: u8 = 1;
/// A character of a request target: visible ASCII but `#`, `"`, `<` and `>`. RFC 3986 allows
/// fewer, but browsers leave `[ ] | ^ { }`, the backtick and the backslash of a query as they are.
pub(super) const TARGET: u8 = 2;
/// A character of a registered host name (RFC 3986 3.2.2), but for `%`, which needs a closer look.
pub(super) const HOST: u8 = 4;
/// A byte of a field value (RFC 9110 5.5): everything but the controls, HTAB allowed.
pub(super) const VALUE: u8 = 8;

static KINDS: [u8; 256] = kinds();

const fn kinds() -> [u8; 256] {
    let mut kinds = [0; 256];
    let mut n = 0;
    while n < 256 {
        let byte = n as u8;
        let alphanumeric = byte.is_ascii_alphanumeric();
        if alphanumeric
            || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~')
        {
            kinds[n] |= TOKEN;
        }
        if byte.is_ascii_graphic() && !matches!(byte, b'#' | b'"' | b'<' | b'>') {
            kinds[n] |= TARGET;
        }
        if alphanumeric
            || matches!(
                byte,
                b'-' | b'.' | b'_' | b'~' | b'!' | b'$' | b'&'..=b',' | b';' | b'='
            )
        {
            kinds[n] |= HOST;
        }
        if byte == b'\t' || (byte >= b' ' && byte != 0x7f) {
            kinds[n] |= VALUE;
        }
        n += 1;
    }
    kinds
}

/// Whether `byte` may stand in a place of this kind.
pub(super) fn is(kind: u8, byte: u8) -> bool {
    KINDS[usize::from(byte)] & kind != 0
}

/// Whether all of `bytes` may stand in a place of this kind.
pub(super) fn all(kind: u8, bytes: &[u8]) -> bool {
    bytes.iter().all(|&byte| is(kind, byte))
}

/// Whether `bytes` is a token: not empty, and nothing but token characters.
pub(super) fn token(bytes: &[u8]) -> bool {
    !bytes.is_empty() && all(TOKEN, bytes)
}

/// `bytes` without the spaces and tabs around it (RFC 9110 5.6.3).
pub(super) fn trimmed(bytes: &[u8]) -> &[u8] {
    let mut bytes = bytes;
    while let [b' ' | b'\t', rest @ ..] = bytes {
        bytes = rest;
    }
    while let [rest @ .., b' ' | b'\t'] = bytes {
        bytes = rest;
    }
    bytes
}

/// Whether each `%` in `bytes` has two hexadecimal digits behind it.
pub(super) fn percents_are_whole(bytes: &[u8]) -> bool {
    memchr::memchr_iter(b'%', bytes).all(|at| match bytes.get(at + 1..at + 3) {
        Some(digits) => digits.iter().all(u8::is_ascii_hexdigit),
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: u8, expected: &str) {
        let found: String = (0..=0x7f)
            .filter(|&b| is(kind, b))
            .map(char::from)
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn the_kinds_are_those_of_the_grammars() {
        let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
        let lower = "abcdefghijklmnopqrstuvwxyz";
        check(TOKEN, &format!("!#$%&'*+-.0123456789{letters}^_`{lower}|~"));
        check(HOST, &format!("!$&'()*+,-.0123456789;={letters}_{lower}~"));
        assert!((0x80..=0xff).all(|b| is(VALUE, b) && !is(TOKEN | TARGET | HOST, b)));
        assert!(!is(VALUE, 0) && !is(VALUE, b'\r') && !is(VALUE, b'\n') && !is(VALUE, 0x7f));
    }
}
