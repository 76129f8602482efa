//! # Moment: when something was, for people
//!
//! In UTC, and said so: a page without scripts does not know where its reader is.

use crate::chat::Millis;
use crate::site::wire::time::rfc3339;

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

/// The day, such as `2026-01-02`.
pub(super) fn day(at: Millis) -> String {
    let mut text = rfc3339(at);
    text.truncate(10);
    text
}

/// The day as it is said: `2 January 2026`.
pub(super) fn said_day(at: Millis) -> String {
    let text = day(at);
    let mut parts = text.split('-').map(|part| part.parse::<usize>());
    match (parts.next(), parts.next(), parts.next()) {
        (Some(Ok(year)), Some(Ok(month)), Some(Ok(day))) => {
            let month = MONTHS.get(month.wrapping_sub(1)).copied();
            format!("{day} {} {year}", month.unwrap_or_default())
        }
        _ => text,
    }
}

/// The time of the day: `03:04`.
pub(super) fn clock(at: Millis) -> String {
    rfc3339(at)[11..16].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_has_a_day_and_a_time() {
        let at = 1_767_323_045_678;
        assert_eq!(day(at), "2026-01-02");
        assert_eq!(said_day(at), "2 January 2026");
        assert_eq!(clock(at), "03:04");
    }
}
