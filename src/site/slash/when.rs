//! # When: times and spans of time as people type them
//!
//! Clocks are those of UTC unless an offset stands behind the time, or the client has said how far its
//! own are from that.
//!
//! Promises
//! 1. What is understood is understood in one way; the rest is refused, not guessed.

use crate::chat::{Millis, Moment};
use crate::site::wire::time::{parse, rfc3339};

const MINUTE_MS: u64 = 60 * 1000;
const HOUR_MS: u64 = 60 * MINUTE_MS;
const DAY_MS: u64 = 24 * HOUR_MS;

/// A time, and how far the clocks that were meant are from UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct When {
    pub(super) moment: Moment,
    /// Minutes before UTC.
    pub(super) offset: i16,
    /// A time of day was typed without an offset.
    pub(super) is_bare: bool,
}

/// When clocks show this is meant, if only a day is.
const MORNING: u16 = 9 * 60;

/// A time at the beginning of a text, and what stands behind it: `in 10 minutes`, `at 17:30`,
/// `tomorrow 9:00 +02:00`, `2026-12-01 09:00`. `home` is the offset of clocks where it was typed.
pub(super) fn when(text: &str, home: Option<i16>) -> Option<(When, &str)> {
    let (word, rest) = word(text);
    match word.to_ascii_lowercase().as_str() {
        "in" => {
            let (ms, rest) = spans(rest)?;
            let moment = Moment::After { ms };
            let when = When {
                moment,
                offset: here(home).0,
                is_bare: false,
            };
            Some((when, rest))
        }
        "at" => clock(rest, None, home),
        "today" => clock(without(rest, "at"), Some(0), home),
        "tomorrow" => clock(without(rest, "at"), Some(1), home).or_else(|| {
            let (offset, is_bare) = here(home);
            let moment = at_clock(Some(1), MORNING, offset);
            let when = When {
                moment,
                offset,
                is_bare,
            };
            Some((when, rest))
        }),
        _ => date(word, rest, home).or_else(|| clock(text, None, home)),
    }
}

/// The first word, and what stands behind it.
fn word(text: &str) -> (&str, &str) {
    let text = text.trim_start();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    (word, rest.trim_start())
}

/// The same text without a word that may stand before it.
fn without<'a>(text: &'a str, what: &str) -> &'a str {
    match word(text) {
        (first, rest) if first.eq_ignore_ascii_case(what) => rest,
        _ => text,
    }
}

const fn at_clock(days: Option<u16>, minute: u16, offset: i16) -> Moment {
    Moment::Clock {
        days,
        minute,
        offset,
    }
}

/// `17:30`, `5pm`, `9:00 +02:00`
fn clock(text: &str, days: Option<u16>, home: Option<i16>) -> Option<(When, &str)> {
    let (time, rest) = word(text);
    let minute = minute(time)?;
    let (offset, rest, is_bare) = zone(rest, home);
    let moment = at_clock(days, minute, offset);
    let when = When {
        moment,
        offset,
        is_bare,
    };
    Some((when, rest))
}

/// `2026-12-01 09:00`, `2026-12-01T09:00:00Z`
fn date<'a>(first: &str, rest: &'a str, home: Option<i16>) -> Option<(When, &'a str)> {
    let at = |at, offset, is_bare| When {
        moment: Moment::At { at },
        offset,
        is_bare,
    };
    if let Some(exact) = parse(first) {
        return Some((at(exact, 0, false), rest));
    }
    let midnight = parse(&format!("{first}T00:00:00Z"))?;
    let (time, behind) = word(without(rest, "at"));
    let (minute, (offset, rest, is_bare)) = match minute(time) {
        Some(minute) => (minute, zone(behind, home)),
        None => {
            let (offset, is_bare) = here(home);
            (MORNING, (offset, rest, is_bare))
        }
    };
    let minutes = i64::from(minute) - i64::from(offset);
    let ms = midnight.checked_add_signed(minutes * MINUTE_MS as i64)?;
    Some((at(ms, offset, is_bare), rest))
}

/// Minutes since midnight: `9:00`, `17.30`, `5pm`, `5:30pm`.
fn minute(text: &str) -> Option<u16> {
    let text = text.to_ascii_lowercase();
    let half = text
        .strip_suffix("am")
        .map(|it| (it, 0))
        .or_else(|| text.strip_suffix("pm").map(|it| (it, 12)));
    let digits = half.map_or(text.as_str(), |(it, _)| it);
    let (hour, minute) = match digits.split_once(':') {
        Some((hour, minute)) if minute.len() == 2 => (hour, minute),
        None if half.is_some() => (digits, "00"),
        _ => return None,
    };
    let number = |text: &str| -> Option<u16> {
        let is_number = matches!(text.len(), 1..=2) && text.bytes().all(|it| it.is_ascii_digit());
        is_number.then(|| text.parse().ok()).flatten()
    };
    let (hour, minute) = (number(hour)?, number(minute)?);
    let hour = match half {
        None if hour < 24 => hour,
        Some((_, more)) if (1..=12).contains(&hour) => hour % 12 + more,
        _ => return None,
    };
    (minute < 60).then_some(hour * 60 + minute)
}

/// The offset that counts where none is typed, and whether nobody knows it.
const fn here(home: Option<i16>) -> (i16, bool) {
    match home {
        Some(offset) => (offset, false),
        None => (0, true),
    }
}

/// The offset that may stand behind a time, in minutes; what stands behind that; and whether nobody
/// knows which is meant.
fn zone(text: &str, home: Option<i16>) -> (i16, &str, bool) {
    let (first, rest) = word(text);
    match offset(first) {
        Some(offset) => (offset, rest, false),
        None => {
            let (offset, is_bare) = here(home);
            (offset, text, is_bare)
        }
    }
}

/// `UTC`, `Z`, `+02:00`, `-5`, `UTC+1`
fn offset(text: &str) -> Option<i16> {
    let text = text.to_ascii_uppercase();
    let text = text
        .strip_prefix("UTC")
        .or_else(|| text.strip_prefix("GMT"))
        .map_or_else(|| (text.as_str(), false), |it| (it, true));
    let (digits, sign) = match text {
        ("", true) | ("Z", false) => return Some(0),
        (text, _) if text.starts_with('+') => (&text[1..], 1),
        (text, _) if text.starts_with('-') => (&text[1..], -1),
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        1 | 2 => (digits, "00"),
        4 => digits.split_at_checked(2)?,
        5 => digits
            .split_once(':')
            .filter(|(hours, _)| hours.len() == 2)?,
        _ => return None,
    };
    let number = |text: &str| -> Option<i16> {
        let is_number = text.bytes().all(|it| it.is_ascii_digit());
        is_number.then(|| text.parse().ok()).flatten()
    };
    let (hours, minutes) = (number(hours)?, number(minutes)?);
    (hours <= 14 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

/// A moment as it is said on clocks that far from UTC: `2026-12-01 09:00 UTC`.
pub(super) fn said_moment(at: Millis, offset: i16) -> String {
    let shown = at.saturating_add_signed(i64::from(offset) * MINUTE_MS as i64);
    let text = rfc3339(shown);
    let (day, clock) = (&text[..10], &text[11..16]);
    let zone = match (offset, offset.unsigned_abs()) {
        (0, _) => "UTC".to_owned(),
        (_, minutes) => {
            let sign = if offset < 0 { '-' } else { '+' };
            format!("UTC{sign}{:02}:{:02}", minutes / 60, minutes % 60)
        }
    };
    format!("{day} {clock} {zone}")
}

/// `90s`, `30 minutes`, `1h30m`, `2 days`: how long that is.
pub(super) fn span(text: &str) -> Option<u64> {
    spans(text)
        .filter(|(_, rest)| rest.is_empty())
        .map(|(ms, _)| ms)
}

/// Spans at the beginning of a text, one behind the other, and what stands behind them.
fn spans(text: &str) -> Option<(u64, &str)> {
    let (mut ms, mut rest) = one_span(text.trim_start())?;
    while let Some((more, behind)) = one_span(rest) {
        ms = ms.checked_add(more)?;
        rest = behind;
    }
    Some((ms, rest))
}

fn one_span(text: &str) -> Option<(u64, &str)> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (count, rest): (u64, &str) = match digits {
        0 => (1, one(text)?),
        _ => (text[..digits].parse().ok()?, text[digits..].trim_start()),
    };
    let letters = rest
        .find(|c: char| !c.is_alphanumeric())
        .unwrap_or(rest.len());
    let letters = rest[..letters]
        .bytes()
        .take_while(u8::is_ascii_alphabetic)
        .count();
    let (unit, behind) = rest.split_at(letters);
    // `5mañana` is no span: a unit ends where a word or a number does.
    if behind.starts_with(|c: char| c.is_alphabetic()) {
        return None;
    }
    let unit = match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1000,
        "m" | "min" | "mins" | "minute" | "minutes" => MINUTE_MS,
        "h" | "hr" | "hrs" | "hour" | "hours" => HOUR_MS,
        "d" | "day" | "days" => DAY_MS,
        "w" | "week" | "weeks" => 7 * DAY_MS,
        _ => return None,
    };
    Some((count.checked_mul(unit)?, behind.trim_start()))
}

/// What stands behind `a` or `an`, as in `an hour`.
fn one(text: &str) -> Option<&str> {
    let (first, rest) = word(text);
    ["a", "an", "one"]
        .iter()
        .any(|it| first.eq_ignore_ascii_case(it))
        .then_some(rest)
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
        .find(|(unit, _)| ms >= *unit && ms.is_multiple_of(*unit));
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

    #[test]
    fn times_are_read_and_said() {
        // Saturday, some seconds past noon.
        let now = parse("2026-11-21T12:00:05Z").unwrap();
        let check = |text: &str, expected: &str| {
            let found = when(text, None).map(|(when, rest)| {
                let due = said_moment(when.moment.due(now), when.offset);
                format!("{due}|{rest}")
            });
            assert_eq!(found.as_deref(), Some(expected), "{text:?}");
        };
        check("in 10 minutes tea", "2026-11-21 12:10 UTC|tea");
        check(
            "in 1h 30m  tea and 2 cups",
            "2026-11-21 13:30 UTC|tea and 2 cups",
        );
        check("in an hour", "2026-11-21 13:00 UTC|");
        check("at 17:30 tea", "2026-11-21 17:30 UTC|tea");
        check("17:30 tea", "2026-11-21 17:30 UTC|tea");
        check("at 5pm tea", "2026-11-21 17:00 UTC|tea");
        check("at 12am", "2026-11-22 00:00 UTC|");
        check("at 9:00 tea", "2026-11-22 09:00 UTC|tea");
        check("today at 9:00 tea", "2026-11-21 09:00 UTC|tea");
        check("tomorrow 9:00 tea", "2026-11-22 09:00 UTC|tea");
        check("Tomorrow tea at nine", "2026-11-22 09:00 UTC|tea at nine");
        check("at 13:30 +02:00 tea", "2026-11-22 13:30 UTC+02:00|tea");
        check("at 14:30 +2 tea", "2026-11-21 14:30 UTC+02:00|tea");
        check("tomorrow 1:00 -0530 tea", "2026-11-22 01:00 UTC-05:30|tea");
        check("at 17:30 UTC tea", "2026-11-21 17:30 UTC|tea");
        check("2026-12-01 09:00 tea", "2026-12-01 09:00 UTC|tea");
        check(
            "2026-12-01 at 09:00 UTC+1 tea",
            "2026-12-01 09:00 UTC+01:00|tea",
        );
        check("2026-12-01 tea", "2026-12-01 09:00 UTC|tea");
        check("2026-12-01T09:00:00+01:00 tea", "2026-12-01 08:00 UTC|tea");
        for bad in [
            "",
            "soon",
            "in",
            "in tea",
            "in -5m",
            "at",
            "at 24:00",
            "at 9:60",
            "at 9",
            "at 13pm",
            "2026-02-30 09:00",
            "10 minutes",
            "in 99999999999999999999m",
            "at 9:0",
            "in 5mañana",
        ] {
            assert_eq!(when(bad, None), None, "{bad:?}");
        }
    }

    #[test]
    fn clocks_are_those_of_where_it_was_typed() {
        let now = parse("2026-11-21T12:00:05Z").unwrap();
        let check = |text: &str, expected: &str| {
            let (when, _) = when(text, Some(-300)).unwrap();
            assert_eq!(said_moment(when.moment.due(now), when.offset), expected);
            assert!(!when.is_bare);
        };
        check("at 17:30", "2026-11-21 17:30 UTC-05:00");
        check("tomorrow", "2026-11-22 09:00 UTC-05:00");
        check("2026-12-01", "2026-12-01 09:00 UTC-05:00");
        check("2026-12-01 at 8:00", "2026-12-01 08:00 UTC-05:00");
        check("at 17:30 +02:00", "2026-11-21 17:30 UTC+02:00");
        check("in an hour", "2026-11-21 08:00 UTC-05:00");
        check("2026-12-01T09:00:00Z", "2026-12-01 09:00 UTC");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_judged(text in "(in |at |today |tomorrow )?[0-9a-zé:+ .-]{0,20}", now in 0u64..1 << 45) {
            let _ = span(&text);
            if let Some((when, rest)) = when(&text, None) {
                let due = when.moment.due(now);
                proptest::prop_assert!(text.ends_with(rest));
                if let Moment::Clock { days: None, .. } = when.moment {
                    proptest::prop_assert!(due > now && due <= now + DAY_MS);
                }
            }
        }
    }
}
