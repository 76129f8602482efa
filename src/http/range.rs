//! # Ranges: parts of what is there
//!
//! RFC 9110 14. Whoever asks for a part may get the whole, so everything doubtful is answered with
//! that; only a range that lies wholly behind the end is refused.

use super::fields;

/// More ranges than this are answered with the whole. A reader of a PDF asks for a handful; what
/// asks for hundreds wants to multiply our work (RFC 9110 14.2).
const RANGES_MAX: usize = 16;

/// Some bytes of a representation, at least one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ByteRange {
    /// The first byte.
    pub first: u64,
    /// The last byte, which belongs to it.
    pub last: u64,
}

impl ByteRange {
    /// How many bytes it is.
    pub const fn length(self) -> u64 {
        self.last - self.first + 1
    }
}

/// What a `Range` field comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    /// The whole: the field is malformed, of another unit, or asks for too much.
    Whole,
    /// These parts, in order, apart from each other: at least one.
    Parts(Vec<ByteRange>),
    /// Nothing that is there.
    Nothing,
}

/// Reads the value of a `Range` field for something of this length.
pub(super) fn read(value: &[u8], length: u64) -> Asked {
    let unit = b"bytes=";
    if !value
        .get(..unit.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(unit))
    {
        return Asked::Whole;
    }
    let (mut list, mut count) = (&value[unit.len()..], 0);
    let mut parts = Vec::new();
    while let Some(range) = fields::next_member(&mut list) {
        count += 1;
        match read_one(range, length) {
            Some(found) if count <= RANGES_MAX => parts.extend(found),
            _ => return Asked::Whole,
        }
    }
    match (count, parts.is_empty()) {
        (0, _) => Asked::Whole,
        // There is no part of nothing; a client that asks for it is told what there is.
        (_, true) if length == 0 => Asked::Whole,
        (_, true) => Asked::Nothing,
        (_, false) => Asked::Parts(joined(parts)),
    }
}

/// `first-last`, `first-` or `-suffix`: nothing if malformed, an empty option if behind the end.
fn read_one(range: &[u8], length: u64) -> Option<Option<ByteRange>> {
    let dash = memchr::memchr(b'-', range)?;
    let (first, last) = (&range[..dash], &range[dash + 1..]);
    let end = length.checked_sub(1);
    if first.is_empty() {
        let suffix = number(last)?;
        let range = |end| ByteRange {
            first: length.saturating_sub(suffix),
            last: end,
        };
        return Some(end.filter(|_| suffix > 0).map(range));
    }
    let first = number(first)?;
    let last = if last.is_empty() {
        u64::MAX
    } else {
        number(last)?
    };
    if last < first {
        return None;
    }
    Some(end.filter(|&end| first <= end).map(|end| ByteRange {
        first,
        last: last.min(end),
    }))
}

/// Digits; what is beyond 64 bits is beyond any end.
fn number(digits: &[u8]) -> Option<u64> {
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let add = |n: u64, digit: &u8| n.saturating_mul(10).saturating_add(u64::from(digit - b'0'));
    Some(digits.iter().fold(0, add))
}

/// The same bytes, each once: parts that overlap or touch become one (RFC 9110 15.3.7.2).
fn joined(mut parts: Vec<ByteRange>) -> Vec<ByteRange> {
    parts.sort_unstable_by_key(|part| part.first);
    let mut joined: Vec<ByteRange> = Vec::with_capacity(parts.len());
    for part in parts {
        match joined.last_mut() {
            Some(before) if part.first <= before.last.saturating_add(1) => {
                before.last = before.last.max(part.last);
            }
            _ => joined.push(part),
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: &str, length: u64, expected: &[(u64, u64)]) {
        let parts = expected
            .iter()
            .map(|&(first, last)| ByteRange { first, last })
            .collect();
        assert_eq!(
            read(value.as_bytes(), length),
            Asked::Parts(parts),
            "{value}"
        );
    }

    #[test]
    fn parts_are_cut_to_what_is_there() {
        check("bytes=0-3", 10, &[(0, 3)]);
        check("bytes=2-4", 10, &[(2, 4)]);
        check("bytes=4-", 10, &[(4, 9)]);
        check("bytes=-3", 10, &[(7, 9)]);
        check("bytes=2-99999999999", 10, &[(2, 9)]);
        check("bytes=2-99999999999999999999999999", 10, &[(2, 9)]);
        check("bytes=-99999999999999999999999999", 10, &[(0, 9)]);
        check("bytes=9-9", 10, &[(9, 9)]);
        check("Bytes=0-0", 10, &[(0, 0)]);
        check("bytes=0-1, ,20-,4-5", 10, &[(0, 1), (4, 5)]);
        check("bytes=0-,-0", 10, &[(0, 9)]);
    }

    #[test]
    fn parts_that_overlap_or_touch_are_one() {
        check("bytes=4-5,0-1", 10, &[(0, 1), (4, 5)]);
        check("bytes=0-4,2-6", 10, &[(0, 6)]);
        check("bytes=0-4,5-6", 10, &[(0, 6)]);
        check("bytes=0-,0-,0-", 10, &[(0, 9)]);
        check("bytes=0-8,2-3", 10, &[(0, 8)]);
    }

    #[test]
    fn what_is_malformed_is_ignored_and_what_is_behind_the_end_is_refused() {
        for value in [
            "",
            "bytes",
            "bytes=",
            "bytes=,",
            "lines=0-3",
            "bytes=abc",
            "bytes=5-2",
            "bytes=-",
            "bytes=0-1-2",
            "bytes= 0 - 1",
            "bytes=0-3;",
            "bytes=0-1,x",
            "bytes=+1-2",
            "bytes 0-1",
        ] {
            assert_eq!(read(value.as_bytes(), 10), Asked::Whole, "{value}");
        }
        for value in ["bytes=10-", "bytes=10-20", "bytes=-0", "bytes=10-,11-12"] {
            assert_eq!(read(value.as_bytes(), 10), Asked::Nothing, "{value}");
        }
        assert_eq!(read(b"bytes=0-", 0), Asked::Whole);
        let flood = format!("bytes={}", ["0-"; RANGES_MAX + 1].join(","));
        assert_eq!(read(flood.as_bytes(), 10), Asked::Whole);
    }
}
