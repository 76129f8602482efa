//! # Time: RFC 3339, UTC, with milliseconds
//!
//! `2026-01-02T03:04:05.678Z`, and nothing else, is what the server says; what it reads may leave
//! the fraction out or name another offset.

use crate::chat::Millis;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

/// A moment as it is said.
pub fn rfc3339(at: Millis) -> String {
    let (year, month, day) = civil((at / DAY_MS) as i64);
    let ms = at % DAY_MS;
    let (hour, minute) = (ms / 3_600_000, ms / 60_000 % 60);
    let (second, ms) = (ms / 1000 % 60, ms % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// A moment as somebody else says it; nothing before 1970 or after 9999.
pub(in crate::site) fn parse(text: &str) -> Option<Millis> {
    let bytes = text.as_bytes();
    let shape = b"dddd-dd-ddTdd:dd:dd";
    let head = bytes.get(..shape.len())?;
    let fits = head.iter().zip(shape).all(|(byte, shape)| match shape {
        b'd' => byte.is_ascii_digit(),
        b'T' => matches!(byte, b'T' | b't' | b' '),
        other => byte == other,
    });
    if !fits {
        return None;
    }
    let number = |from: usize, to: usize| text[from..to].parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    let (hour, minute, second) = (number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let days = days(year, month, day);
    // A day that is none, such as 30 February, becomes another one.
    if civil(days) != (year, month, day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let mut rest = &text[shape.len()..];
    let mut ms = 0;
    if let Some(fraction) = rest.strip_prefix('.') {
        let digits = fraction.bytes().take_while(u8::is_ascii_digit).count();
        if digits == 0 {
            return None;
        }
        let padded = format!("{:0<3}", &fraction[..digits]);
        ms = padded[..3].parse::<i64>().ok()?;
        rest = &fraction[digits..];
    }
    let offset = offset_minutes(rest)?;
    let at = ((days * 24 + hour) * 60 + minute - offset) * 60_000 + second * 1000 + ms;
    u64::try_from(at).ok()
}

fn offset_minutes(text: &str) -> Option<i64> {
    if matches!(text, "Z" | "z") {
        return Some(0);
    }
    let bytes = text.as_bytes();
    let sign = match bytes.first()? {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let is_shaped = bytes.len() == 6 && bytes[3] == b':' && text.is_ascii();
    if !is_shaped {
        return None;
    }
    let hours: i64 = text[1..3].parse().ok()?;
    let minutes: i64 = text[4..6].parse().ok()?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// The date of a day since 1970, in the Gregorian calendar. Counted in eras of 400 years that
/// begin in March, so that the odd day comes last.
const fn civil(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let of_era = days.rem_euclid(146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let day = of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    let year = year + era * 400 + if month <= 2 { 1 } else { 0 };
    (year, month, day)
}

/// The day since 1970 of a date.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let month = (month + 9) % 12;
    let of_year = (153 * month + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_and_read() {
        let check = |at: Millis, text: &str| {
            assert_eq!(rfc3339(at), text);
            assert_eq!(parse(text), Some(at));
        };
        check(0, "1970-01-01T00:00:00.000Z");
        check(951_782_400_000, "2000-02-29T00:00:00.000Z");
        check(1_767_323_045_678, "2026-01-02T03:04:05.678Z");
        check(253_402_300_799_999, "9999-12-31T23:59:59.999Z");
    }

    #[test]
    fn what_others_write_is_read() {
        let at = 1_767_323_045_000;
        for text in ["2026-01-02T03:04:05Z", "2026-01-02t05:04:05.0+02:00"] {
            assert_eq!(parse(text), Some(at), "{text}");
        }
        for bad in [
            "",
            "2026-02-30T00:00:00Z",
            "2026-01-02",
            "2026-01-02T25:00:00Z",
            "x",
            "2026-01-02T03:04:05",
            "2026-01-02T03:04:05.Z",
            "1960-01-02T03:04:05Z",
            "2026-01-02T03:04:05+2:00é",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_moment_comes_back(at in 0u64..253_402_300_799_999) {
            proptest::prop_assert_eq!(parse(&rfc3339(at)), Some(at));
        }

        #[test]
        fn any_text_is_judged(text in "[0-9TZ:.+é-]{0,30}") {
            let _ = parse(&text);
        }
    }
}
