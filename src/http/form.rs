//! # Forms and paths: what is percent-encoded
//!
//! Promises
//! 1. Nothing is decoded twice.
//! 2. A decoded path segment never holds a separator, a control character, or dots that climb.

use std::borrow::Cow;
use std::fmt;

/// Why a path is not taken. All of them are the client's mistake: 400.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PathFault {
    /// A `%` without two hexadecimal digits.
    BrokenPercent,
    /// What was encoded is not UTF-8.
    NotText,
    /// A segment is `.` or `..`, however it was written.
    Dots,
    /// A slash, a backslash or a control character was encoded into a segment.
    Separator,
}

impl fmt::Display for PathFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BrokenPercent => "broken percent-encoding in the path",
            Self::NotText => "the path is not UTF-8",
            Self::Dots => "a path segment is . or ..",
            Self::Separator => "a path segment holds a separator or a control character",
        })
    }
}

impl std::error::Error for PathFault {}

/// The decoded segments of a path: `/a/b%20c` is `a` and `b c`, `/` is one empty segment, and a
/// slash at the end gives an empty one there.
///
/// ```
/// # use parlour::http::form::{PathFault, decoded_segments};
/// assert_eq!(decoded_segments("/rooms/caf%C3%A9").unwrap(), ["rooms", "café"]);
/// assert_eq!(decoded_segments("/a/%2e%2e/b"), Err(PathFault::Dots));
/// ```
pub fn decoded_segments(path: &str) -> Result<Vec<Cow<'_, str>>, PathFault> {
    path.strip_prefix('/')
        .unwrap_or(path)
        .split('/')
        .map(decoded_segment)
        .collect()
}

fn decoded_segment(segment: &str) -> Result<Cow<'_, str>, PathFault> {
    let bytes = decoded_strictly(segment.as_bytes()).ok_or(PathFault::BrokenPercent)?;
    let text = into_text(bytes).ok_or(PathFault::NotText)?;
    if text == "." || text == ".." {
        return Err(PathFault::Dots);
    }
    if text
        .chars()
        .any(|letter| matches!(letter, '/' | '\\') || letter.is_control())
    {
        return Err(PathFault::Separator);
    }
    Ok(text)
}

/// Names and values of an `application/x-www-form-urlencoded` body or a query, as the URL standard
/// reads them: `+` is a space, a broken `%` stands for itself, what is not UTF-8 is replaced. No
/// more than `pairs_max` are read.
///
/// ```
/// # use parlour::http::form::pairs;
/// let found: Vec<_> = pairs(b"q=a+b&page=%32&flag", 10).collect();
/// assert_eq!(found, [("q".into(), "a b".into()), ("page".into(), "2".into()), ("flag".into(), "".into())]);
/// ```
pub fn pairs(form: &[u8], pairs_max: usize) -> impl Iterator<Item = (Cow<'_, str>, Cow<'_, str>)> {
    form.split(|&byte| byte == b'&')
        .filter(|pair| !pair.is_empty())
        .take(pairs_max)
        .map(|pair| {
            let end = memchr::memchr(b'=', pair).unwrap_or(pair.len());
            (
                decoded_leniently(&pair[..end]),
                decoded_leniently(pair.get(end + 1..).unwrap_or_default()),
            )
        })
}

/// Appends `text` percent-encoded, so that it means itself in a segment of a path and in a name or a
/// value of a query: all but the unreserved characters of RFC 3986.
///
/// ```
/// # use parlour::http::form::push_encoded;
/// let mut path = "/rooms/".to_owned();
/// push_encoded(&mut path, "a b/é");
/// assert_eq!(path, "/rooms/a%20b%2F%C3%A9");
/// ```
pub fn push_encoded(out: &mut String, text: &str) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            let digit = |half: u8| char::from(b"0123456789ABCDEF"[usize::from(half)]);
            out.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
}

fn decoded_leniently(bytes: &[u8]) -> Cow<'_, str> {
    if memchr::memchr2(b'%', b'+', bytes).is_none() {
        return String::from_utf8_lossy(bytes);
    }
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [byte, after @ ..] = rest {
        rest = after;
        match (byte, encoded_byte(after)) {
            (b'%', Some(byte)) => {
                decoded.push(byte);
                rest = &after[2..];
            }
            (b'+', _) => decoded.push(b' '),
            _ => decoded.push(*byte),
        }
    }
    Cow::Owned(match String::from_utf8_lossy(&decoded) {
        Cow::Owned(replaced) => replaced,
        Cow::Borrowed(text) => text.to_owned(),
    })
}

fn decoded_strictly(bytes: &[u8]) -> Option<Cow<'_, [u8]>> {
    let Some(first) = memchr::memchr(b'%', bytes) else {
        return Some(Cow::Borrowed(bytes));
    };
    let (plain, mut rest) = bytes.split_at(first);
    let mut decoded = plain.to_vec();
    while let [byte, after @ ..] = rest {
        rest = after;
        if *byte == b'%' {
            decoded.push(encoded_byte(after)?);
            rest = &after[2..];
        } else {
            decoded.push(*byte);
        }
    }
    Some(Cow::Owned(decoded))
}

/// The byte whose two digits stand at the beginning.
fn encoded_byte(digits: &[u8]) -> Option<u8> {
    let [high, low, ..] = digits else {
        return None;
    };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

fn into_text(bytes: Cow<'_, [u8]>) -> Option<Cow<'_, str>> {
    Some(match bytes {
        Cow::Borrowed(bytes) => Cow::Borrowed(str::from_utf8(bytes).ok()?),
        Cow::Owned(bytes) => Cow::Owned(String::from_utf8(bytes).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: Result<&[&str], PathFault>) {
        let found = decoded_segments(path);
        let found = found
            .as_ref()
            .map(|found| found.iter().map(|s| &**s).collect::<Vec<_>>());
        assert_eq!(
            found.as_deref().map_err(|fault| **fault),
            expected,
            "{path}"
        );
    }

    #[test]
    fn segments_are_decoded_once_and_never_climb() {
        check("/", Ok(&[""]));
        check("/a", Ok(&["a"]));
        check("/a/", Ok(&["a", ""]));
        check("//etc/passwd", Ok(&["", "etc", "passwd"]));
        check("/%61%7a", Ok(&["az"]));
        check("/a+b", Ok(&["a+b"]));
        check("/...", Ok(&["..."]));
        check("/.hidden", Ok(&[".hidden"]));
        check("/%252e%252e/x", Ok(&["%2e%2e", "x"]));
        check("/caf%C3%A9", Ok(&["café"]));
        check("/../x", Err(PathFault::Dots));
        check("/a/..", Err(PathFault::Dots));
        check("/./a", Err(PathFault::Dots));
        check("/%2e%2E/x", Err(PathFault::Dots));
        check("/.%2e/x", Err(PathFault::Dots));
        check("/..%2fx", Err(PathFault::Separator));
        check("/%2fetc", Err(PathFault::Separator));
        check("/..%5cx", Err(PathFault::Separator));
        check("/..\\x", Err(PathFault::Separator));
        check("/%00", Err(PathFault::Separator));
        check("/a%00.html", Err(PathFault::Separator));
        check("/a%0d%0ab", Err(PathFault::Separator));
        check("/%ff", Err(PathFault::NotText));
        check("/%zz", Err(PathFault::BrokenPercent));
        check("/%", Err(PathFault::BrokenPercent));
        check("/a%2", Err(PathFault::BrokenPercent));
        check("/%+1", Err(PathFault::BrokenPercent));
    }

    #[test]
    fn forms_are_read_as_browsers_write_them() {
        let check = |form: &str, expected: &[(&str, &str)]| {
            let found: Vec<_> = pairs(form.as_bytes(), 3).collect();
            let found: Vec<_> = found
                .iter()
                .map(|(name, value)| (&**name, &**value))
                .collect();
            assert_eq!(found, expected, "{form}");
        };
        check("", &[]);
        check("a", &[("a", "")]);
        check("a=", &[("a", "")]);
        check("=b", &[("", "b")]);
        check("a=b=c", &[("a", "b=c")]);
        check("a=1&&b=2&", &[("a", "1"), ("b", "2")]);
        check("a+b=c%2Bd", &[("a b", "c+d")]);
        check("a=%zz%4", &[("a", "%zz%4")]);
        check("a=%ff", &[("a", "\u{fffd}")]);
        check("a=%C3%A9", &[("a", "é")]);
        check("a&b&c&d", &[("a", ""), ("b", ""), ("c", "")]);
    }
}
