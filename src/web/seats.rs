//! # Seats: who sits at which connection
//!
//! Consumers and feeds, by the slot of their connection. A seat is found only by the very request
//! that it was taken with: slots are used again.

use std::any::Any;

use super::consumer::{Consumer, Live};
use super::helper::{Busy, Errand, Outcome};
use super::stream::{Feed, Flow};
use super::timer::Tick;
use crate::reactor::{Call, ConnId};

/// Who sits at a connection.
pub(super) enum Guest<S> {
    Consumer(Box<dyn Consumer<S>>),
    Feed(Box<dyn Feed<S>>),
}

/// A guest, and the request that it came with.
struct Seated<S> {
    call: Call,
    guest: Guest<S>,
}

/// A guest that waits for a helper.
pub(super) struct GuestWait<S> {
    pub(super) call: Call,
    pub(super) errand: Errand,
    pub(super) go_on: GuestGoOn<S>,
}

impl<S> std::fmt::Debug for GuestWait<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "GuestWait({:?})", self.call)
    }
}

type ConsumerGoOn<S> = Box<dyn FnOnce(&mut dyn Any, &mut Live<'_, S>, Result<Outcome, Busy>)>;
type FeedGoOn<S> = Box<dyn FnOnce(&mut dyn Any, &mut Flow<'_, S>, Result<Outcome, Busy>)>;

/// Something that waits for a helper without anybody who has to be there in the end.
pub(super) struct HouseWait<S> {
    pub(super) errand: Errand,
    pub(super) go_on: HouseGoOn<S>,
}

impl<S> std::fmt::Debug for HouseWait<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HouseWait")
    }
}

/// Who asked something of helpers, in the order of asking.
#[derive(Debug)]
pub(super) enum Asked<S> {
    Guest(GuestWait<S>),
    House(HouseWait<S>),
}

/// How that goes on.
pub(super) type HouseGoOn<S> = Box<dyn FnOnce(&mut Tick<'_, S>, Result<Outcome, Busy>)>;

/// How it goes on then.
pub(super) enum GuestGoOn<S> {
    Consumer(ConsumerGoOn<S>),
    Feed(FeedGoOn<S>),
}

/// All guests.
pub(super) struct Seats<S> {
    by_slot: Vec<Option<Seated<S>>>,
}

impl<S> Default for Seats<S> {
    fn default() -> Self {
        Self {
            by_slot: Vec::new(),
        }
    }
}

impl<S> Seats<S> {
    /// Gives a guest the seat of its connection.
    pub(super) fn take(&mut self, call: Call, guest: Guest<S>) {
        let slot = call.id.slot();
        if self.by_slot.len() <= slot {
            self.by_slot.resize_with(slot + 1, || None);
        }
        self.by_slot[slot] = Some(Seated { call, guest });
    }

    /// The guest at a connection, and the request that it came with.
    pub(super) fn at(&mut self, id: ConnId) -> Option<(Call, &mut Guest<S>)> {
        let seated = self.by_slot.get_mut(id.slot())?.as_mut()?;
        (seated.call.id == id).then_some((seated.call, &mut seated.guest))
    }

    /// The guest that came with this request.
    pub(super) fn of(&mut self, call: Call) -> Option<&mut Guest<S>> {
        self.at(call.id)
            .filter(|(came_with, _)| *came_with == call)
            .map(|(_, guest)| guest)
    }

    /// Takes the guest that came with this request from its seat.
    pub(super) fn leave(&mut self, call: Call) -> Option<Guest<S>> {
        self.of(call)?;
        self.by_slot
            .get_mut(call.id.slot())?
            .take()
            .map(|seated| seated.guest)
    }
}
