//! # When: a time, for machines and for people
//!
//! `<time datetime="{{ at.exact }}">{{ at.text }}</time>` is how a page shows it.

use serde::Serialize;

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

#[derive(Debug, Serialize)]
pub(crate) struct When {
    /// 2026-01-31T23:59:00Z
    exact: String,
    /// 5 minutes ago, or 31 January 2026
    text: String,
}

impl When {
    /// The time `at_ms`, seen from `now_ms`; both are milliseconds since 1970, UTC.
    pub(crate) fn new(at_ms: i64, now_ms: u64) -> Self {
        let at_s = at_ms.div_euclid(1000);
        let (year, month, day) = date_of(at_s.div_euclid(86_400));
        let second = at_s.rem_euclid(86_400);
        let (hour, minute) = (second / 3600, second / 60 % 60);
        let age_s = now_ms.cast_signed() / 1000 - at_s;
        let text = match age_s {
            ..60 => "just now".to_owned(),
            60..3600 => ago(age_s / 60, "minute"),
            3600..86_400 => ago(age_s / 3600, "hour"),
            86_400..604_800 => ago(age_s / 86_400, "day"),
            _ => format!("{day} {} {year}", MONTHS[month - 1]),
        };
        Self {
            exact: format!(
                "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}Z",
                second % 60
            ),
            text,
        }
    }
}

fn ago(count: i64, unit: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{count} {unit}{plural} ago")
}

/// Year, month from 1, and day from 1 of a day since 1970. Counts in eras of 400 years that begin
/// with a March, so that the day that comes and goes is the last of its year.
fn date_of(days: i64) -> (i64, usize, i64) {
    let days = days + 719_468;
    let (era, day_of_era) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = (from_march + 2) % 12 + 1;
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month as usize, day)
}
