//! # Timers: once, again and again, not any more

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::fmt;
use std::time::Duration;

use slab::Slab;

use super::cx::House;
use crate::ground::time::Instant;

/// What a timer has at hand.
///
/// ```
/// use std::time::Duration;
/// use parlour::web::{Cx, Event};
///
/// fn start(cx: &mut Cx<'_, u32>) -> &'static str {
///     cx.house.every(Duration::from_secs(1), |tick| {
///         *tick.state += 1;
///         tick.house.group_send("clock", &Event::new("tick", tick.state.to_string()));
///     });
///     "ticking"
/// }
/// # let _ = start;
/// ```
#[derive(Debug)]
pub struct Tick<'a, S> {
    /// The app's own.
    pub state: &'a mut S,
    /// Groups, timers and time.
    pub house: House<'a, S>,
}

/// The name of a timer, for taking it back: see [`House::cancel`].
///
/// ```
/// use std::time::Duration;
/// use parlour::web::{Cx, Event, TimerId};
///
/// /// The time that is left for an answer.
/// type Quiz = Option<TimerId>;
///
/// fn ask(cx: &mut Cx<'_, Quiz>) -> &'static str {
///     *cx.state = Some(cx.house.after(Duration::from_secs(30), |tick| {
///         tick.house.group_send("quiz", &Event::new("over", "nobody knew"));
///     }));
///     "What has keys and cannot open doors?"
/// }
///
/// fn answer(cx: &mut Cx<'_, Quiz>) -> &'static str {
///     match cx.state.take() {
///         Some(timer) if cx.house.cancel(timer) => "in time",
///         _ => "too late",
///     }
/// }
/// # let _ = (ask, answer);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TimerId {
    slot: usize,
    number: u64,
}

pub(super) type Once<S> = Box<dyn FnOnce(&mut Tick<'_, S>)>;
type Each<S> = Box<dyn FnMut(&mut Tick<'_, S>)>;

/// What is to be called.
pub(super) enum Due<S> {
    Once(Once<S>),
    Each(TimerId, Each<S>),
}

enum What<S> {
    Once(Once<S>),
    Each(Duration, Each<S>),
    /// It is being called just now, which was due at that time.
    Called(Duration, Instant),
}

struct Timer<S> {
    number: u64,
    what: What<S>,
}

/// All timers of an app.
pub(super) struct Timers<S> {
    timers: Slab<Timer<S>>,
    /// By time, then by age. Entries of timers that were taken back find nobody.
    order: BinaryHeap<Reverse<(Instant, u64, usize)>>,
    number: u64,
}

impl<S> Default for Timers<S> {
    fn default() -> Self {
        Self {
            timers: Slab::new(),
            order: BinaryHeap::new(),
            number: 0,
        }
    }
}

impl<S> fmt::Debug for Timers<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Timers")
            .field("len", &self.timers.len())
            .finish()
    }
}

impl<S> Timers<S> {
    fn insert(&mut self, at: Instant, what: What<S>) -> TimerId {
        self.number += 1;
        let slot = self.timers.insert(Timer {
            number: self.number,
            what,
        });
        self.order.push(Reverse((at, self.number, slot)));
        TimerId {
            slot,
            number: self.number,
        }
    }

    pub(super) fn after(&mut self, at: Instant, then: Once<S>) -> TimerId {
        self.insert(at, What::Once(then))
    }

    pub(super) fn every(&mut self, now: Instant, period: Duration, each: Each<S>) -> TimerId {
        // A period of nothing would keep the loop from everything else.
        let period = period.max(Duration::from_millis(1));
        self.insert(now + period, What::Each(period, each))
    }

    pub(super) fn cancel(&mut self, timer: TimerId) -> bool {
        let known = self
            .timers
            .get(timer.slot)
            .is_some_and(|it| it.number == timer.number);
        if known {
            self.timers.remove(timer.slot);
            // Timers that are set anew with each message must not pile up until they come up.
            if self.order.len() > 64 + 2 * self.timers.len() {
                let timers = &self.timers;
                self.order.retain(|Reverse((_, number, slot))| {
                    timers.get(*slot).is_some_and(|it| it.number == *number)
                });
            }
        }
        known
    }

    /// When the next comes up.
    pub(super) fn next(&self) -> Option<Instant> {
        self.order.peek().map(|Reverse((at, ..))| *at)
    }

    /// The next that has come up by `now`.
    pub(super) fn due(&mut self, now: Instant) -> Option<Due<S>> {
        loop {
            let Reverse((at, number, slot)) = *self.order.peek()?;
            if at > now {
                return None;
            }
            self.order.pop();
            let Some(timer) = self.timers.get_mut(slot).filter(|it| it.number == number) else {
                continue;
            };
            let period = match &timer.what {
                What::Each(period, _) => *period,
                What::Once(_) | What::Called(..) => Duration::ZERO,
            };
            match std::mem::replace(&mut timer.what, What::Called(period, at)) {
                What::Each(_, each) => return Some(Due::Each(TimerId { slot, number }, each)),
                What::Once(then) => {
                    self.timers.remove(slot);
                    return Some(Due::Once(then));
                }
                What::Called(..) => {}
            }
        }
    }

    /// Puts a repeated timer back, unless it was taken back while it was called. That it was called a
    /// little late does not move the next time; what was missed while the loop was busy is not made up
    /// for.
    pub(super) fn again(&mut self, now: Instant, timer: TimerId, each: Each<S>) {
        let known = self
            .timers
            .get_mut(timer.slot)
            .filter(|it| it.number == timer.number);
        let Some(Timer { what, .. }) = known else {
            return;
        };
        if let What::Called(period, due) = *what {
            *what = What::Each(period, each);
            let next = match due + period {
                next if next > now => next,
                _ => now + period,
            };
            self.order.push(Reverse((next, timer.number, timer.slot)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn being_late_does_not_move_the_next_time() {
        let mut timers = Timers::<()>::default();
        timers.every(Instant(0), Duration::from_millis(50), Box::new(|_| ()));
        for (now, next) in [(52, 100), (149, 150), (151, 200), (333, 383)] {
            let now = Instant(now);
            let Some(Due::Each(timer, each)) = timers.due(now) else {
                panic!("it is due");
            };
            timers.again(now, timer, each);
            assert_eq!(timers.next(), Some(Instant(next)));
        }
    }

    #[test]
    fn what_is_taken_back_leaves_nothing() {
        let mut timers = Timers::<()>::default();
        for _ in 0..10_000 {
            let timer = timers.after(Instant(1_000_000), Box::new(|_| ()));
            assert!(timers.cancel(timer));
        }
        assert!(timers.order.len() < 100, "{} entries", timers.order.len());
    }
}
