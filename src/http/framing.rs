//! # Framing: where the body ends
//!
//! Every decision about Content-Length and Transfer-Encoding is taken here (RFC 9112 6.3), because
//! two places that decide alike today are a smuggler's door tomorrow. Where the RFC lets a server
//! repair a message, this one refuses it.
//!
//! Promises
//! 1. A request has one length or the coding `chunked`, never both, never in two lines.
//! 2. A number is digits only and never wraps.

use super::Fault;
use super::fields;

/// How the body of a request is delimited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyLength {
    /// There is none: nothing was announced, or a length of zero. No `End` follows.
    None,
    /// So many bytes, at least one.
    Length(u64),
    /// Chunks, until the last of size zero.
    Chunked,
}

/// What the fields seen so far say about the body.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Announced {
    length: Option<u64>,
    coded: bool,
    chunked: bool,
}

impl Announced {
    /// A Content-Length was seen.
    pub(super) fn see_length(&mut self, value: &[u8]) -> Result<(), Fault> {
        if self.length.is_some() {
            return Err(Fault::TwoLengths);
        }
        self.length = Some(decimal(value)?);
        Ok(())
    }

    /// A Transfer-Encoding was seen; several lines are one list.
    pub(super) fn see_coding(&mut self, value: &[u8]) -> Result<(), Fault> {
        self.coded = true;
        let mut list = value;
        while let Some(coding) = fields::next_member(&mut list) {
            if self.chunked {
                return Err(Fault::ChunkedNotLast);
            }
            if !coding.eq_ignore_ascii_case(b"chunked") {
                return Err(Fault::UnknownCoding);
            }
            self.chunked = true;
        }
        Ok(())
    }

    /// Whether anything was said about a body.
    pub(super) const fn anything(&self) -> bool {
        self.length.is_some() || self.coded
    }

    /// The verdict, once all fields were seen.
    pub(super) const fn decide(&self, minor_version: u8) -> Result<BodyLength, Fault> {
        match (self.coded, self.length) {
            (false, None | Some(0)) => Ok(BodyLength::None),
            (false, Some(length)) => Ok(BodyLength::Length(length)),
            (true, Some(_)) => Err(Fault::LengthAndCoding),
            (true, None) if minor_version == 0 => Err(Fault::CodingInOldVersion),
            (true, None) if self.chunked => Ok(BodyLength::Chunked),
            // A coding without a name: whatever it is, we do not know it.
            (true, None) => Err(Fault::UnknownCoding),
        }
    }
}

/// One run of digits, as Content-Length demands.
fn decimal(value: &[u8]) -> Result<u64, Fault> {
    if value.is_empty() || !value.iter().all(u8::is_ascii_digit) {
        return Err(Fault::BadLength);
    }
    value
        .iter()
        .try_fold(0_u64, |n, digit| {
            n.checked_mul(10)?.checked_add(u64::from(digit - b'0'))
        })
        .ok_or(Fault::LengthOverflow)
}

#[cfg(test)]
mod tests {
    use super::BodyLength::{Chunked, Length, None};
    use super::*;

    fn check(fields: &[(&str, &str)], expected: Result<BodyLength, Fault>) {
        let mut announced = Announced::default();
        let found = fields
            .iter()
            .try_for_each(|(name, value)| match *name {
                "CL" => announced.see_length(value.as_bytes()),
                _ => announced.see_coding(value.as_bytes()),
            })
            .and_then(|()| announced.decide(1));
        assert_eq!(found, expected, "{fields:?}");
        assert!(found.is_err() || announced.anything() != fields.is_empty());
    }

    #[test]
    fn a_body_is_framed_by_one_length_or_by_chunks() {
        check(&[], Ok(None));
        check(&[("CL", "0")], Ok(None));
        check(&[("CL", "5")], Ok(Length(5)));
        check(&[("CL", "0005")], Ok(Length(5)));
        check(&[("CL", "18446744073709551615")], Ok(Length(u64::MAX)));
        check(&[("TE", "chunked")], Ok(Chunked));
        check(&[("TE", "CHUNKED")], Ok(Chunked));
        check(&[("TE", ", chunked ,")], Ok(Chunked));
    }

    #[test]
    fn what_could_be_read_in_two_ways_is_refused() {
        check(&[("CL", "5"), ("CL", "5")], Err(Fault::TwoLengths));
        check(&[("CL", "5"), ("CL", "6")], Err(Fault::TwoLengths));
        check(
            &[("CL", "18446744073709551616")],
            Err(Fault::LengthOverflow),
        );
        check(
            &[("CL", "18446744073709551621")],
            Err(Fault::LengthOverflow),
        );
        check(
            &[("CL", "5"), ("TE", "chunked")],
            Err(Fault::LengthAndCoding),
        );
        check(
            &[("TE", "chunked"), ("CL", "0")],
            Err(Fault::LengthAndCoding),
        );
        check(&[("TE", "chunked, chunked")], Err(Fault::ChunkedNotLast));
        check(
            &[("TE", "chunked"), ("TE", "chunked")],
            Err(Fault::ChunkedNotLast),
        );
        check(&[("TE", "chunked, gzip")], Err(Fault::ChunkedNotLast));
        check(&[("TE", "gzip, chunked")], Err(Fault::UnknownCoding));
        check(&[("TE", "identity")], Err(Fault::UnknownCoding));
        check(&[("TE", "xchunked")], Err(Fault::UnknownCoding));
        check(&[("TE", "chunked;q=1")], Err(Fault::UnknownCoding));
        check(&[("TE", "")], Err(Fault::UnknownCoding));
        let mut old = Announced::default();
        old.see_coding(b"chunked").unwrap();
        assert_eq!(old.decide(0), Err(Fault::CodingInOldVersion));
    }

    #[test]
    fn a_length_is_nothing_but_digits() {
        for value in [
            "", "-1", "+5", "0x5", "5 0", "5, 6", "5,5", "5;", "five", "٥", "1e3", "5\t",
        ] {
            assert_eq!(
                decimal(value.as_bytes()),
                Err(Fault::BadLength),
                "{value:?}"
            );
        }
    }
}
