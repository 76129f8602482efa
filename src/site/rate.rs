//! # Rates: how often somebody may try
//!
//! Whatever guesses (a password, an invite code, a link) is slowed down: by who asks and by what is
//! guessed. Each name has a bucket that fills again with time; what was not used for long is
//! forgotten, and how many are remembered is bounded.

use std::collections::HashMap;
use std::time::Duration;

use crate::ground::time::Instant;

/// Names that are remembered. Whoever fills this with made-up ones only forgets their own.
const NAMES_MAX: usize = 10_000;

/// How often something may be done.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rate {
    /// In a row.
    pub(super) burst: u32,
    /// After that, once in this time.
    pub(super) every: Duration,
}

/// What was done how often of late.
#[derive(Debug, Default)]
pub(super) struct Rates {
    /// For each name, when its bucket will be full again.
    full_at: HashMap<String, Instant>,
}

impl Rates {
    /// Notes one more try under a name; or how long to wait before the next.
    pub(super) fn note(&mut self, name: &str, rate: Rate, now: Instant) -> Result<(), Duration> {
        self.may(name, rate, now)?;
        self.count(name, rate, now);
        Ok(())
    }

    /// Whether one more try is allowed under a name; or how long to wait before it is.
    pub(super) fn may(&self, name: &str, rate: Rate, now: Instant) -> Result<(), Duration> {
        let full_at = self.full_at.get(name).copied().unwrap_or_default().max(now);
        let allowed = rate.every.saturating_mul(rate.burst);
        let over = (full_at + rate.every).since(now).saturating_sub(allowed);
        if over.is_zero() { Ok(()) } else { Err(over) }
    }

    /// Counts a try under a name, whether or not it was allowed.
    pub(super) fn count(&mut self, name: &str, rate: Rate, now: Instant) {
        let full_at = self.full_at.get(name).copied().unwrap_or_default().max(now);
        if self.full_at.len() >= NAMES_MAX && !self.full_at.contains_key(name) {
            self.full_at.retain(|_, full_at| *full_at > now);
            if self.full_at.len() >= NAMES_MAX {
                self.full_at.clear();
            }
        }
        self.full_at.insert(name.to_owned(), full_at + rate.every);
    }

    /// What was tried under a name was right: the tries before it are forgotten.
    pub(super) fn forgive(&mut self, name: &str) {
        self.full_at.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_allowed_and_then_one_in_a_while() {
        let rate = Rate {
            burst: 3,
            every: Duration::from_secs(10),
        };
        let mut rates = Rates::default();
        let now = Instant(1_000_000);
        for _ in 0..3 {
            assert_eq!(rates.note("ana", rate, now), Ok(()));
        }
        assert_eq!(rates.note("ana", rate, now), Err(Duration::from_secs(10)));
        assert_eq!(rates.note("bo", rate, now), Ok(()));
        let later = now + Duration::from_secs(10);
        assert_eq!(rates.note("ana", rate, later), Ok(()));
        assert!(rates.note("ana", rate, later).is_err());
        rates.forgive("ana");
        assert_eq!(rates.note("ana", rate, later), Ok(()));
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let rate = Rate {
            burst: 1,
            every: Duration::from_secs(10),
        };
        let mut rates = Rates::default();
        for n in 0..3 * NAMES_MAX {
            let _ = rates.note(&n.to_string(), rate, Instant(1));
            assert!(rates.full_at.len() <= NAMES_MAX);
        }
    }
}
