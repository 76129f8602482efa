//! # Dates: the three forms that HTTP reads, and the one it writes
//!
//! RFC 9110 5.6.7. Time comes in as a number; nothing here looks at a clock.

const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const LONG_DAYS: [&str; 7] = [
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "Monday",
    "Tuesday",
    "Wednesday",
];
const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];
const DAY_S: i64 = 86_400;
/// The last second that four digits of a year can say.
const LAST_S: u64 = 253_402_300_799;

/// The date of this second as IMF-fixdate: `Sun, 06 Nov 1994 08:49:37 GMT`.
///
/// ```
/// assert_eq!(&parlour::http::date::format(784_111_777), b"Sun, 06 Nov 1994 08:49:37 GMT");
/// ```
pub fn format(unix_s: u64) -> [u8; 29] {
    let unix_s = unix_s.min(LAST_S);
    let (days, second) = (unix_s / 86_400, unix_s % 86_400);
    let (year, month, day) = civil(days as i64);
    let mut text = *b"---, -- --- ---- --:--:-- GMT";
    text[..3].copy_from_slice(DAYS[(days % 7) as usize].as_bytes());
    two_digits(&mut text, 5, u64::from(day));
    text[8..11].copy_from_slice(MONTHS[month as usize - 1].as_bytes());
    two_digits(&mut text, 12, year as u64 / 100);
    two_digits(&mut text, 14, year as u64 % 100);
    two_digits(&mut text, 17, second / 3600);
    two_digits(&mut text, 20, second / 60 % 60);
    two_digits(&mut text, 23, second % 60);
    text
}

fn two_digits(text: &mut [u8; 29], at: usize, number: u64) {
    text[at] = b'0' + (number / 10) as u8;
    text[at + 1] = b'0' + (number % 10) as u8;
}

/// The date of the current second, formatted once a second.
#[derive(Clone, Debug)]
pub struct DateCache {
    second: u64,
    text: [u8; 29],
}

impl DateCache {
    /// A cache that knows 1970.
    pub fn new() -> Self {
        Self {
            second: 0,
            text: format(0),
        }
    }

    /// The date at this moment, for [`respond`](super::respond).
    pub fn at(&mut self, unix_ms: u64) -> &[u8; 29] {
        let second = unix_ms / 1000;
        if second != self.second {
            *self = Self {
                second,
                text: format(second),
            };
        }
        &self.text
    }
}

impl Default for DateCache {
    fn default() -> Self {
        Self::new()
    }
}

/// The second that a date names, in any of the three forms, or nothing if it is no date. `now_s`
/// decides the century of a two-digit year: no more than 50 years ahead.
///
/// ```
/// # use parlour::http::date::parse;
/// assert_eq!(parse(b"Sun, 06 Nov 1994 08:49:37 GMT", 0), Some(784_111_777));
/// assert_eq!(parse(b"yesterday", 0), None);
/// ```
pub fn parse(text: &[u8], now_s: u64) -> Option<i64> {
    // The comma stands at 3 in IMF-fixdate, behind the long day in RFC 850's, nowhere in asctime's.
    let text = str::from_utf8(text).ok()?;
    let (weekday, date) = match memchr::memchr(b',', text.as_bytes()) {
        Some(3) => (named(&DAYS, &text[..3])?, imf(text.get(4..)?)?),
        Some(comma) => (
            named(&LONG_DAYS, &text[..comma])?,
            rfc_850(text.get(comma + 1..)?, now_s)?,
        ),
        None => (named(&DAYS, text.get(..3)?)?, asctime(text.get(3..)?)?),
    };
    // A day that does not fit its date is no reason to refuse it: the date decides.
    let _ = weekday;
    Some(date)
}

/// ` 06 Nov 1994 08:49:37 GMT`
fn imf(rest: &str) -> Option<i64> {
    let [b' ', _, _, b' ', _, _, _, b' ', _, _, _, _, b' ', ..] = rest.as_bytes() else {
        return None;
    };
    let time = rest.get(13..)?.strip_suffix(" GMT")?;
    second(
        number(rest.get(8..12)?)?,
        rest.get(4..7)?,
        number(rest.get(1..3)?)?,
        time,
    )
}

/// ` 06-Nov-94 08:49:37 GMT`
fn rfc_850(rest: &str, now_s: u64) -> Option<i64> {
    let [b' ', _, _, b'-', _, _, _, b'-', _, _, b' ', ..] = rest.as_bytes() else {
        return None;
    };
    let time = rest.get(11..)?.strip_suffix(" GMT")?;
    let (now_year, ..) = civil((now_s.min(LAST_S) / 86_400) as i64);
    let short = number(rest.get(8..10)?)?;
    // The latest year with these two digits that is not more than 50 years ahead.
    let latest = now_year + 50;
    let year = latest - (latest - short).rem_euclid(100);
    second(year, rest.get(4..7)?, number(rest.get(1..3)?)?, time)
}

/// ` Nov  6 08:49:37 1994`
fn asctime(rest: &str) -> Option<i64> {
    let [b' ', _, _, _, b' ', _, _, b' ', ..] = rest.as_bytes() else {
        return None;
    };
    let day = rest.get(5..7)?;
    let (time, year) = rest.get(8..)?.split_once(' ')?;
    if year.len() != 4 {
        return None;
    }
    second(
        number(year)?,
        rest.get(1..4)?,
        number(day.strip_prefix(' ').unwrap_or(day))?,
        time,
    )
}

fn second(year: i64, month: &str, day: i64, time: &str) -> Option<i64> {
    let month = named(&MONTHS, month)? as i64 + 1;
    let [_, _, b':', _, _, b':', _, _] = time.as_bytes() else {
        return None;
    };
    let (hour, minute) = (number(time.get(..2)?)?, number(time.get(3..5)?)?);
    // 60 is a leap second, which is the one after it for all who count like POSIX.
    let second = number(time.get(6..)?)?;
    let fits =
        hour < 24 && minute < 60 && second <= 60 && (1..=month_days(year, month)).contains(&day);
    fits.then(|| days(year, month, day) * DAY_S + hour * 3600 + minute * 60 + second)
}

fn named(names: &[&str], name: &str) -> Option<usize> {
    names.iter().position(|known| *known == name)
}

fn number(digits: &str) -> Option<i64> {
    if digits.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

const fn month_days(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

// Both count years from March, so that the leap day is the last of its year, in eras of 400 years,
// which all have the same number of days.
const ERA_DAYS: i64 = 146_097;
/// From the first of March of year 0 to 1970.
const EPOCH_DAYS: i64 = 719_468;

/// Days from 1970 to this date.
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let (era, year_of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * ERA_DAYS + day_of_era - EPOCH_DAYS
}

/// Year, month and day that lie so many days behind 1970.
const fn civil(days: i64) -> (i64, u8, u8) {
    let days = days + EPOCH_DAYS;
    let (era, day) = (days.div_euclid(ERA_DAYS), days.rem_euclid(ERA_DAYS));
    let year = (day - day / 1460 + day / 36_524 - day / 146_096) / 365;
    let day_of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (
        era * 400 + year + (month <= 2) as i64,
        month as u8,
        day as u8,
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW_S: u64 = 1_767_225_600; // 2026-01-01

    fn check(text: &str, expected: Option<i64>) {
        assert_eq!(parse(text.as_bytes(), NOW_S), expected, "{text:?}");
    }

    #[test]
    fn the_three_forms_of_rfc_9110_name_the_same_second() {
        check("Sun, 06 Nov 1994 08:49:37 GMT", Some(784_111_777));
        check("Sunday, 06-Nov-94 08:49:37 GMT", Some(784_111_777));
        check("Sun Nov  6 08:49:37 1994", Some(784_111_777));
    }

    #[test]
    fn dates_out_of_the_calendar_are_none() {
        check("Thu, 01 Jan 1970 00:00:00 GMT", Some(0));
        check("Wed, 31 Dec 1969 23:59:59 GMT", Some(-1));
        check("Tue, 29 Feb 2000 00:00:00 GMT", Some(951_782_400));
        check("Sat, 31 Dec 2016 23:59:60 GMT", Some(1_483_228_800));
        check("Fri, 31 Dec 9999 23:59:59 GMT", Some(LAST_S as i64));
        for bad in [
            "",
            "yesterday",
            "Sun",
            "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC",
            "Sun, 06 Nov 1994 24:49:37 GMT",
            "Sun, 06 Nov 1994 08:60:37 GMT",
            "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 31 Nov 1994 08:49:37 GMT",
            "Sun, 29 Feb 1900 08:49:37 GMT",
            "Sun, 00 Nov 1994 08:49:37 GMT",
            "sun, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06 nov 1994 08:49:37 GMT",
            "Sun, 6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 94 08:49:37 GMT",
            "Sun,  6 Nov 1994 08:49:37 GMT",
            "Son, 06 Nov 1994 08:49:37 GMT",
            "Sunday, 06 Nov 1994 08:49:37 GMT",
            "Sun, 06-Nov-94 08:49:37 GMT",
            "Sun Nov  6 08:49:37 94",
            "Sun Nov 06 08:49:37 19944",
            "Sun, 06 Nov 1994 8:49:37 GMT",
            "Sun, +6 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49:37 GMT ",
            "Süd, 06",
        ] {
            check(bad, None);
        }
    }

    #[test]
    fn two_digits_are_the_year_that_is_not_50_years_ahead() {
        let check = |text: &str, year| {
            let found = parse(text.as_bytes(), NOW_S).unwrap();
            assert_eq!(civil(found.div_euclid(DAY_S)).0, year, "{text}");
        };
        check("Saturday, 29-Oct-94 19:43:31 GMT", 1994);
        check("Saturday, 29-Oct-26 19:43:31 GMT", 2026);
        check("Saturday, 29-Oct-76 19:43:31 GMT", 2076);
        check("Saturday, 29-Oct-77 19:43:31 GMT", 1977);
        check("Saturday, 29-Oct-00 19:43:31 GMT", 2000);
    }

    #[test]
    fn a_cache_follows_the_second() {
        let mut cache = DateCache::new();
        assert_eq!(cache.at(999), b"Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(cache.at(1000), b"Thu, 01 Jan 1970 00:00:01 GMT");
        assert_eq!(cache.at(u64::MAX), b"Fri, 31 Dec 9999 23:59:59 GMT");
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(unix_s in 0..=LAST_S) {
            prop_assert_eq!(parse(&format(unix_s), NOW_S), Some(unix_s as i64));
        }

        #[test]
        fn any_bytes_are_a_date_or_none(bytes in prop::collection::vec(any::<u8>(), 0..40)) {
            let _ = parse(&bytes, NOW_S);
        }
    }
}
