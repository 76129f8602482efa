//! # Terms: on what WebSockets were granted
//!
//! Limits and habits of a connection, which hardly ever differ from those of the others: kept once
//! for all that have the same, because a connection is to stay small.

use std::rc::Rc;
use std::time::Duration;

use crate::reactor::app::Upgrade;
use crate::ws::Limits;

/// The shortest time between two heartbeats.
const EVERY_MIN: Duration = Duration::from_millis(10);

/// What an upgrade asked for.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    pub(crate) limits: Limits,
    /// Misses broadcasts when too much waits for it, instead of being cut off.
    pub(crate) may_fall_behind: bool,
    /// Asks for signs of life with a text, not with pings.
    pub(crate) heartbeat: Option<Heartbeat>,
}

/// A text that is said when all is quiet.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Heartbeat {
    pub(crate) every: Duration,
    pub(crate) text: Box<str>,
}

/// All that are in use, and perhaps some that were.
#[derive(Debug, Default)]
pub(crate) struct Shared(Vec<Rc<Terms>>);

impl Shared {
    /// The terms of an upgrade.
    pub(crate) fn of(&mut self, granted: &Upgrade) -> Rc<Terms> {
        let wanted = Terms {
            limits: granted.limits,
            may_fall_behind: granted.may_fall_behind,
            heartbeat: granted.heartbeat.as_ref().map(|(every, text)| Heartbeat {
                every: (*every).max(EVERY_MIN),
                text: text.as_str().into(),
            }),
        };
        if let Some(known) = self.0.iter().find(|known| ***known == wanted) {
            return Rc::clone(known);
        }
        self.0.retain(|it| Rc::strong_count(it) > 1);
        let wanted = Rc::new(wanted);
        self.0.push(Rc::clone(&wanted));
        wanted
    }
}
