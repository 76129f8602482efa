//! # Close frames: code and reason
//!
//! Promises
//! 1. Only codes that may be on the wire pass, in both directions.
//! 2. A reason that is too long is cut at a character, never inside one.

use crate::ws::Fault;

/// The most bytes that a reason may have: a control frame's 125, less the code's two.
pub const CLOSE_REASON_BYTES_MAX: usize = 123;

/// Whether `code` may stand in a close frame (RFC 6455, 7.4; 1012 to 1014 came by registration).
///
/// ```
/// use parlour::ws::is_close_code;
///
/// assert!(is_close_code(1000) && is_close_code(4000));
/// assert!(!is_close_code(1005) && !is_close_code(1006), "those are told to apps, never sent");
/// ```
pub const fn is_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Code and reason of a close frame's payload.
pub(super) fn read(payload: &[u8]) -> Result<(Option<u16>, &str), Fault> {
    match payload {
        [] => Ok((None, "")),
        [_] => Err(Fault::HalfCloseCode),
        [high, low, reason @ ..] => {
            let code = u16::from_be_bytes([*high, *low]);
            if !is_close_code(code) {
                return Err(Fault::InvalidCloseCode(code));
            }
            let reason = str::from_utf8(reason).map_err(|_| Fault::InvalidReason)?;
            Ok((Some(code), reason))
        }
    }
}

/// The payload of a close frame, the reason cut to fit.
pub(super) fn payload(code: u16, reason: &str) -> Vec<u8> {
    let reason = &reason[..reason.floor_char_boundary(CLOSE_REASON_BYTES_MAX)];
    [&code.to_be_bytes(), reason.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use tungstenite::protocol::frame::coding::CloseCode;

    use super::*;

    #[test]
    fn codes_are_those_that_a_foreign_implementation_allows() {
        // It does not know the youngest registered one.
        assert!(is_close_code(1014));
        for code in (0..=u16::MAX).filter(|code| *code != 1014) {
            assert_eq!(
                is_close_code(code),
                CloseCode::from(code).is_allowed(),
                "{code}"
            );
        }
    }

    #[test]
    fn payloads_are_read_or_refused_by_name() {
        let check = |payload: &[u8], expected| assert_eq!(read(payload), expected, "{payload:x?}");
        check(b"", Ok((None, "")));
        check(b"\x03", Err(Fault::HalfCloseCode));
        check(b"\x03\xe8", Ok((Some(1000), "")));
        check(b"\x0f\xa0bye", Ok((Some(4000), "bye")));
        check(b"\x03\xedno", Err(Fault::InvalidCloseCode(1005)));
        check(b"\x03\xe8\xce", Err(Fault::InvalidReason));
    }

    #[test]
    fn a_long_reason_is_cut_at_a_character() {
        let long = "ä".repeat(100);
        let made = payload(1000, &long);
        assert_eq!(read(&made), Ok((Some(1000), &long[..122])));
    }
}
