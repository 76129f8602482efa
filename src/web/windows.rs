//! # Windows: how often somebody came lately
//!
//! One window for each key, from its first time on. Promises: a key is admitted a fixed number of
//! times in each window of its own, and what is remembered is bounded.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::Duration;

use crate::ground::time::Instant;

/// Keys that are remembered at a time. When there are more, the oldest window ends.
const KEYS_MAX: usize = 10_000;

/// Counts how often each key comes.
#[derive(Debug)]
pub(super) struct Windows<K> {
    times: u32,
    period: Duration,
    /// When each began, and how often its key came.
    counts: HashMap<K, (Instant, u32)>,
    /// The oldest first.
    began: VecDeque<(Instant, K)>,
}

impl<K: Hash + Eq + Clone> Windows<K> {
    pub(super) fn new(times: u32, period: Duration) -> Self {
        Self {
            times,
            period,
            counts: HashMap::new(),
            began: VecDeque::new(),
        }
    }

    /// Whether a key may come once more, or how long it has to wait.
    pub(super) fn admit(&mut self, key: K, now: Instant) -> Result<(), Duration> {
        while let Some((began, oldest)) = self.began.front() {
            let over = now.since(*began) >= self.period;
            let crowded = self.counts.len() >= KEYS_MAX && !self.counts.contains_key(&key);
            if !over && !crowded {
                break;
            }
            self.counts.remove(oldest);
            self.began.pop_front();
        }
        if !self.counts.contains_key(&key) {
            self.began.push_back((now, key.clone()));
        }
        let (began, count) = self.counts.entry(key).or_insert((now, 0));
        if *count < self.times {
            *count += 1;
            return Ok(());
        }
        Err(self.period.saturating_sub(now.since(*began)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Instant = Instant(7);
    const MINUTE: Duration = Duration::from_secs(60);

    #[test]
    fn each_key_has_a_window_of_its_own() {
        let mut windows = Windows::new(2, MINUTE);
        let half = START + MINUTE / 2;
        assert_eq!(windows.admit("a", START), Ok(()));
        assert_eq!(windows.admit("b", half), Ok(()));
        assert_eq!(windows.admit("a", half), Ok(()));
        assert_eq!(windows.admit("a", half), Err(MINUTE / 2));
        assert_eq!(windows.admit("a", START + MINUTE), Ok(()));
        assert_eq!(windows.admit("b", START + MINUTE), Ok(()));
        assert_eq!(windows.admit("b", START + MINUTE), Err(MINUTE / 2));
        assert_eq!(Windows::new(0, MINUTE).admit("a", START), Err(MINUTE));
    }

    #[test]
    fn when_there_are_too_many_the_oldest_is_forgotten() {
        let mut windows = Windows::new(1, MINUTE);
        for key in 0..=KEYS_MAX {
            assert_eq!(windows.admit(key, START), Ok(()));
        }
        assert_eq!(windows.counts.len(), KEYS_MAX);
        assert_eq!(windows.began.len(), KEYS_MAX);
        assert_eq!(windows.admit(0, START), Ok(()), "forgotten");
        assert!(windows.admit(KEYS_MAX, START).is_err());
    }
}
