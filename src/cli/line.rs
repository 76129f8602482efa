//! # Words of the command line that mean numbers and times

use super::CliError;
use super::command::Given;
use super::data::now_ms;

/// A number that is written in digits.
pub(super) fn number(what: &str, text: &str) -> Result<u32, CliError> {
    text.parse().map_err(|_| {
        CliError::Usage(format!(
            "{what} is '{text}', and has to be a number such as 7"
        ))
    })
}

/// When something ends that was given `--expires`.
pub(super) fn ends_at(given: &Given) -> Result<Option<u64>, CliError> {
    let Some(text) = given.value("expires")? else {
        return Ok(None);
    };
    let ms = duration_ms(text).ok_or_else(|| {
        CliError::Usage(format!(
            "--expires {text}: it is a number with a unit, such as 30m, 12h or 90d"
        ))
    })?;
    Ok(Some(now_ms().saturating_add(ms)))
}

fn duration_ms(text: &str) -> Option<u64> {
    let at = text.find(|c: char| !c.is_ascii_digit())?;
    let unit = match &text[at..] {
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let ms = text[..at].parse::<u64>().ok()?.checked_mul(unit)?;
    // SQLite's numbers have a sign; a hundred years are for ever.
    (1..=100 * 366 * 86_400_000).contains(&ms).then_some(ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        let check = |text: &str, ms: Option<u64>| assert_eq!(duration_ms(text), ms, "{text}");
        check("30m", Some(1_800_000));
        check("12h", Some(43_200_000));
        check("90d", Some(7_776_000_000));
        for bad in [
            "",
            "m",
            "30",
            "1.5h",
            "-1d",
            "0d",
            "30 m",
            "1y",
            "99999999999d",
        ] {
            check(bad, None);
        }
    }
}
