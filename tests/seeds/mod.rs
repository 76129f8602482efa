//! # Seeds: which worlds a run is about, and how it tells of those that fail
//!
//! `PARLOUR_SEED=7` repeats one world and tells what happened last; `PARLOUR_SEEDS=10000` runs that
//! many, from `PARLOUR_FIRST_SEED` on. A failing seed is printed with the command that repeats it;
//! the others still run.

use std::env;
use std::panic::{self, AssertUnwindSafe};
use std::time::SystemTime;

/// Seeds between two words about how far a long run is.
const STEP: usize = 1000;

/// A simulation, by its test's name.
pub(crate) struct Worlds<R> {
    pub(crate) test: &'static str,
    pub(crate) run: fn(u64) -> R,
    /// The same, and if it panics what happened last is told on standard error.
    pub(crate) aloud: fn(u64) -> R,
}

impl<R> Worlds<R> {
    /// Runs one world; a failing one is told by its number, first and last.
    pub(crate) fn check(&self, seed: u64) -> R {
        self.try_one(seed, true)
            .unwrap_or_else(|| panic!("{}", self.again(seed)))
    }

    /// Runs all of them, what each came to goes to `sum`.
    pub(crate) fn check_all(&self, seeds: &[u64], mut sum: impl FnMut(R)) {
        let mut failed = Vec::new();
        for (done, &seed) in (1..).zip(seeds) {
            match self.try_one(seed, failed.is_empty()) {
                Some(report) => sum(report),
                None => failed.push(self.again(seed)),
            }
            if done % STEP == 0 {
                eprintln!("{done} of {} worlds, {} failed", seeds.len(), failed.len());
            }
        }
        assert!(failed.is_empty(), "{}", failed.join("\n"));
    }

    fn try_one(&self, seed: u64, aloud: bool) -> Option<R> {
        let done = panic::catch_unwind(|| (self.run)(seed));
        if done.is_err() {
            eprintln!("\n{}", self.again(seed));
            if aloud {
                eprintln!("What happened last:\n");
                drop(panic::catch_unwind(AssertUnwindSafe(|| (self.aloud)(seed))));
            }
        }
        done.ok()
    }

    fn again(&self, seed: u64) -> String {
        let test = self.test;
        format!("seed {seed} fails: repeat it with PARLOUR_SEED={seed} cargo test --test {test}")
    }
}

/// The seeds that this run is about: those that the caller wants, or these and so many fresh ones.
pub(crate) fn seeds(usual: impl Iterator<Item = u64>, fresh: u64) -> Vec<u64> {
    if let Some(seed) = number("PARLOUR_SEED") {
        return vec![seed];
    }
    if let Some(count) = number("PARLOUR_SEEDS") {
        let first = number("PARLOUR_FIRST_SEED").unwrap_or(0);
        return (first..first + count).collect();
    }
    let since = SystemTime::UNIX_EPOCH.elapsed().expect("it is after 1970");
    let first = since.as_millis() as u64;
    eprintln!("fresh seeds: {first} to {}", first + fresh - 1);
    usual.chain(first..first + fresh).collect()
}

fn number(name: &str) -> Option<u64> {
    Some(env::var(name).ok()?.parse().expect("a number"))
}
