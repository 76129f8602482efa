//! # Progress: how far something long has come, on a terminal
//!
//! One line on standard error that is written over: how much is done, how fast, how long it will
//! take. Nothing is said where standard error is no terminal, and nothing of what is over at once.

use std::io::{self, IsTerminal, Write};
use std::time::{Duration, Instant};

/// How often the line is written anew.
const EVERY: Duration = Duration::from_millis(200);

/// How far it has come.
pub(super) struct Progress {
    what: &'static str,
    /// What is counted.
    unit: &'static str,
    is_shown: bool,
    begun: Instant,
    said: Option<Instant>,
}

impl Progress {
    #[expect(
        clippy::disallowed_methods,
        reason = "a command has no loop that could tell it the time"
    )]
    pub(super) fn new(what: &'static str, unit: &'static str) -> Self {
        Self {
            what,
            unit,
            is_shown: io::stderr().is_terminal(),
            begun: Instant::now(),
            said: None,
        }
    }

    /// So much is done, of so much.
    pub(super) fn step(&mut self, done: u64, of: u64) {
        if !self.is_shown {
            return;
        }
        #[expect(
            clippy::disallowed_methods,
            reason = "a command has no loop that could tell it the time"
        )]
        let now = Instant::now();
        if now - self.said.unwrap_or(self.begun) < EVERY {
            return;
        }
        self.said = Some(now);
        let line = line(done, of, self.unit, now - self.begun);
        // What cannot be shown is no reason to stop.
        let _ = write!(io::stderr(), "\r\x1b[K{}: {line}", self.what);
    }

    /// Takes the line away, so that something else can be said.
    pub(super) fn clear(&mut self) {
        if self.said.take().is_some() {
            let _ = write!(io::stderr(), "\r\x1b[K");
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.clear();
    }
}

fn line(done: u64, of: u64, unit: &str, taken: Duration) -> String {
    let percent = (done * 100).checked_div(of).unwrap_or(100).min(100);
    let rate = done as f64 / taken.as_secs_f64().max(0.001);
    let left = of.saturating_sub(done) as f64 / rate.max(0.001);
    format!(
        "{percent:3} %, {done} of {of} {unit}, {rate:.0} a second, {} left",
        spell(left)
    )
}

fn spell(seconds: f64) -> String {
    // Far beyond what anybody waits for.
    let seconds = seconds.clamp(0.0, 360_000.0).round() as u64;
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, _) => format!("{minutes} min {} s", seconds % 60),
        _ => format!("{hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_says_how_far_how_fast_and_how_long() {
        let told = line(50, 200, "pages", Duration::from_secs(5));
        assert_eq!(told, " 25 %, 50 of 200 pages, 10 a second, 15 s left");
        let told = line(0, 0, "pages", Duration::ZERO);
        assert_eq!(told, "100 %, 0 of 0 pages, 0 a second, 0 s left");
    }

    #[test]
    fn times_are_as_long_as_they_need_to_be() {
        assert_eq!(spell(59.4), "59 s");
        assert_eq!(spell(61.0), "1 min 1 s");
        assert_eq!(spell(7260.0), "2 h 1 min");
        assert_eq!(spell(f64::MAX), "100 h 0 min");
    }
}
