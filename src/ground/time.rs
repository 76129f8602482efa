//! # Time as a value
//!
//! Nothing above a driver reads a clock. A driver looks once a turn and hands a [`Now`] in, so a
//! whole turn happens at one instant, and the simulator's clock is as good as the machine's.

use std::ops::Add;
use std::time::Duration;

/// A moment on the monotonic clock: milliseconds since the driver began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(pub u64);

impl Instant {
    /// A moment so far away that nothing waits for it.
    pub const NEVER: Self = Self(u64::MAX);

    /// How long it is from `earlier` to `self`; nothing if `earlier` is later.
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Instant {
    type Output = Self;

    fn add(self, wait: Duration) -> Self {
        let wait_ms = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(wait_ms))
    }
}

/// What the clocks said at the beginning of a turn.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Now {
    /// The monotonic clock: for deadlines.
    pub instant: Instant,
    /// Milliseconds since 1970, UTC: for people and for `Date`.
    pub unix_ms: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_end_at_never_and_do_not_wrap() {
        assert_eq!(Instant(5) + Duration::from_millis(7), Instant(12));
        assert_eq!(Instant::NEVER + Duration::from_secs(1), Instant::NEVER);
        assert_eq!(Instant(5).since(Instant(9)), Duration::ZERO);
    }
}
