//! # When: spans of time as people type them

const MINUTE_MS: u64 = 60 * 1000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// `90s`, `30 minutes`, `1h30m`, `2 days`: how long that is.
pub(super) fn span(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut ms = 0u64;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let count: u64 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = match rest[..letters].to_ascii_lowercase().as_str() {
            "s" | "sec" | "secs" | "second" | "seconds" => 1000,
            "m" | "min" | "mins" | "minute" | "minutes" => MINUTE_MS,
            "h" | "hr" | "hrs" | "hour" | "hours" => HOUR_MS,
            "d" | "day" | "days" => DAY_MS,
            "w" | "week" | "weeks" => 7 * DAY_MS,
            _ => return None,
        };
        ms = ms.checked_add(count.checked_mul(unit)?)?;
        rest = rest[letters..].trim_start();
    }
    Some(ms)
}

/// How long something is, in the largest unit that tells it exactly.
pub(super) fn said_span(ms: u64) -> String {
    let units = [
        (7 * DAY_MS, "week"),
        (DAY_MS, "day"),
        (HOUR_MS, "hour"),
        (MINUTE_MS, "minute"),
    ];
    let exact = units
        .into_iter()
        .find(|(unit, _)| ms >= *unit && ms % unit == 0);
    let (unit, name) = exact.unwrap_or((1000, "second"));
    let count = ms / unit;
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {name}{plural}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_read_and_said() {
        let check = |text: &str, expected: Option<&str>| {
            assert_eq!(span(text).map(said_span).as_deref(), expected, "{text:?}");
        };
        check("30m", Some("30 minutes"));
        check("1 hour", Some("1 hour"));
        check("1h30m", Some("90 minutes"));
        check("2 Days", Some("2 days"));
        check("14d", Some("2 weeks"));
        check("90s", Some("90 seconds"));
        for bad in [
            "",
            "x",
            "10",
            "m",
            "-1m",
            "1.5h",
            "1h later",
            "99999999999999999999m",
        ] {
            check(bad, None);
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged(text in "[0-9smhdwé .]{0,20}") {
            let _ = span(&text);
        }
    }
}
