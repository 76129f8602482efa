//! # Agenda: what will happen in a world, and when
//!
//! Promises
//! 1. What comes at the same time comes in the order in which it was put down.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

#[derive(Debug)]
pub(super) struct Agenda<E> {
    events: BinaryHeap<Reverse<(u64, u64, E)>>,
    serial: u64,
}

impl<E: Copy + Ord> Agenda<E> {
    pub(super) const fn new() -> Self {
        Self {
            events: BinaryHeap::new(),
            serial: 0,
        }
    }

    /// Puts down that something happens then.
    pub(super) fn put(&mut self, at: u64, event: E) {
        self.serial += 1;
        self.events.push(Reverse((at, self.serial, event)));
    }

    /// When the next thing happens.
    pub(super) fn next_at(&self) -> Option<u64> {
        self.events.peek().map(|Reverse((at, ..))| *at)
    }

    /// Takes the next thing whose time has come.
    pub(super) fn take_due(&mut self, now: u64) -> Option<E> {
        if self.next_at()? > now {
            return None;
        }
        self.events.pop().map(|Reverse((.., event))| event)
    }
}
