//! # Deadlines: when which connection wants to be asked
//!
//! A wheel of slots, each a stretch of time with the names of those whose deadline lies in it.
//! A connection has one entry, for the nearest of its deadlines. Nothing is moved when a connection
//! is heard of: its entry comes up, the connection is asked when it really is due, and if that is
//! later the entry goes back in. So a busy connection costs nothing per message, and one that ends
//! leaves an entry behind that finds nobody.
//!
//! Promises
//! 1. An entry comes up at its time or less than [`SLOT_MS`] after it, never before.
//! 2. `next` is never later than the nearest entry's slot.
//! 3. Entries of one slot come up in the order in which they went in.
//!
//! Never knows: what a deadline is for. A wheel rather than a queue per kind of deadline, because a
//! queue that is not moved at each message loses its order (see ARCHITECTURE.md).

use crate::ground::time::Instant;
use crate::reactor::token::ConnId;

/// How long a slot is. A tenth of a second is nothing to a deadline of seconds.
pub(crate) const SLOT_MS: u64 = 128;
/// One turn of the wheel: 65 s. What lies further ahead waits in the last slot and goes in again.
const SLOTS: u64 = 512;

/// The wheel.
#[derive(Debug)]
pub(crate) struct Deadlines {
    slots: Vec<Vec<(ConnId, Instant)>>,
    /// Which slots hold something: a bit each.
    occupied: [u64; (SLOTS / 64) as usize],
    /// Number, since the beginning of time, of the first slot that has not come up yet.
    cursor: u64,
}

impl Default for Deadlines {
    fn default() -> Self {
        Self {
            slots: (0..SLOTS).map(|_| Vec::new()).collect(),
            occupied: [0; 8],
            cursor: 0,
        }
    }
}

impl Deadlines {
    /// Will ask `id` at `due`.
    pub(crate) fn arm(&mut self, id: ConnId, due: Instant) {
        let number = due
            .0
            .div_ceil(SLOT_MS)
            .clamp(self.cursor, self.cursor + SLOTS - 1);
        let slot = (number % SLOTS) as usize;
        self.slots[slot].push((id, due));
        self.occupied[slot / 64] |= 1 << (slot % 64);
    }

    /// When to look again.
    pub(crate) fn next(&self) -> Option<Instant> {
        let start = (self.cursor % SLOTS) as usize;
        let words = self.occupied.len();
        for step in 0..=words {
            let index = (start / 64 + step) % words;
            let mask = match step {
                0 => u64::MAX << (start % 64),
                // Round once: what lies before the start in the first word.
                s if s == words => !(u64::MAX << (start % 64)),
                _ => u64::MAX,
            };
            let word = self.occupied[index] & mask;
            if word != 0 {
                let slot = index as u64 * 64 + u64::from(word.trailing_zeros());
                let ahead = (slot + SLOTS - start as u64) % SLOTS;
                return Some(Instant((self.cursor + ahead) * SLOT_MS));
            }
        }
        None
    }

    /// Takes out everything that has come up by `now`, each with the time it was armed for.
    pub(crate) fn elapse(&mut self, now: Instant, due: &mut Vec<(ConnId, Instant)>) {
        let last = now.0 / SLOT_MS;
        let mut again = Vec::new();
        while self.cursor <= last {
            let Some(next) = self
                .next()
                .map(|at| at.0 / SLOT_MS)
                .filter(|next| *next <= last)
            else {
                self.cursor = last + 1;
                break;
            };
            let slot = (next % SLOTS) as usize;
            self.occupied[slot / 64] &= !(1 << (slot % 64));
            self.cursor = next + 1;
            for (id, at) in std::mem::take(&mut self.slots[slot]) {
                if at <= now {
                    due.push((id, at));
                } else {
                    again.push((id, at));
                }
            }
        }
        for (id, at) in again {
            self.arm(id, at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn id(slot: u32) -> ConnId {
        ConnId {
            slot,
            generation: 0,
        }
    }

    #[test]
    fn an_empty_wheel_waits_for_nothing() {
        assert_eq!(Deadlines::default().next(), None);
    }

    proptest! {
        /// Whatever is armed and however time jumps: each comes up once, on time.
        #[test]
        fn each_comes_up_once_and_on_time(
            waits in prop::collection::vec(0..300_000u64, 1..60),
            jumps in prop::collection::vec(1..90_000u64, 1..40),
        ) {
            let mut wheel = Deadlines::default();
            let mut now = Instant(0);
            let mut armed: Vec<Option<Instant>> = Vec::new();
            let mut waits = waits.into_iter();
            for jump in jumps {
                for wait in waits.by_ref().take(3) {
                    let due = Instant(now.0 + wait);
                    wheel.arm(id(armed.len() as u32), due);
                    armed.push(Some(due));
                }
                let before = now;
                now = Instant(now.0 + jump);
                if let Some(nearest) = armed.iter().flatten().min() {
                    let next = wheel.next().expect("something is armed");
                    prop_assert!(next.0 < nearest.0.max(before.0) + 2 * SLOT_MS, "promise 2");
                }
                let mut due = Vec::new();
                wheel.elapse(now, &mut due);
                for (id, _) in due {
                    let at = armed[id.slot()].take().expect("comes up once");
                    prop_assert!(at <= now, "promise 1: not before its time");
                }
                for at in armed.iter().flatten() {
                    prop_assert!(at.0 + SLOT_MS > now.0, "promise 1: not late");
                }
            }
        }
    }
}
