//! # Announcing: telling those whom it concerns
//!
//! Events are told in the order of their ops. What another process has stored (the command line) is
//! found by the gap that it leaves, or once a second.
//!
//! Promises
//! 1. Each event is told once, and none before those that were stored before it.
//! 2. Who joins hears everything from their own `joined` on; who leaves hears nothing behind their
//!    own `left`.
//! 3. A connection whose sign-in has ended hears nothing that was stored afterwards.

use super::hall::{Hall, Head};
use super::wire;
use crate::chat::{
    Ended, Event, Outcome, RoomId, To, TokenId, UserId, Version, What, missed, summary,
};
use crate::web::{Event as Said, Tick};

/// Events of another process that are told in one go.
const OUTSIDE_MAX: u32 = 1000;

/// The group of a room's members.
pub(super) fn room_group(room: RoomId) -> String {
    format!("r/{}", room.0)
}

/// Tells everybody what came of an operation.
pub(super) fn announce(tick: &mut Tick<'_, Hall>, outcome: Outcome) {
    for event in outcome.events {
        if event.op > tick.state.announced + 1 {
            announce_outside(tick);
        }
        tell_next(tick, &event);
    }
    for ended in outcome.ended {
        end(tick, ended);
    }
}

/// Tells what another process has stored.
pub(super) fn announce_outside(tick: &mut Tick<'_, Hall>) {
    let after = tick.state.announced;
    let found = tick
        .state
        .reader
        .query(|tables| missed::outside(tables, after, OUTSIDE_MAX));
    match found {
        Ok(found) => {
            for (op, event) in found {
                // What the server stores itself comes by its outcome, in its turn.
                if op != tick.state.announced + 1 {
                    return;
                }
                match event {
                    Some(event) => tell_next(tick, &event),
                    // A notification that is gone: there is nothing to tell.
                    None => tick.state.announced = op,
                }
            }
        }
        Err(error) => log::error!("what another process stored is not told yet: {error}"),
    }
}

fn tell_next(tick: &mut Tick<'_, Hall>, event: &Event) {
    if event.op <= tick.state.announced {
        return;
    }
    tick.state.announced = event.op;
    match &event.to {
        To::Room { id, version, .. } => {
            let head = tick.state.heads.entry(*id).or_insert_with(Head::default);
            head.version = *version;
            if let What::Message(message) = &event.what {
                head.seq = message.seq;
            }
            let (id, version) = (*id, *version);
            tick.state.unindexed = true;
            if let What::Joined { user, .. } = &event.what {
                joined(tick, user.id, id, version);
            }
            let told = wire::event(event, None);
            let said = numbered(&told, event.op);
            tick.house.group_send(&room_group(id), &said);
            match &event.what {
                What::Left { user, .. } => left(tick, user.id, id),
                What::Message(message) => tick.state.presence.said(id, message.from.id),
                _ => {}
            }
        }
        To::User(user) => {
            if let What::Account { user: person, .. } = &event.what {
                tick.state.crowd.rename(*user, &person.display_name);
            }
            let summary = room_of(tick.state, *user, &event.what);
            let told = wire::event(event, summary.as_deref());
            // No group: nearly everybody has one device, and a group for each would take more than
            // all else that is kept of them.
            let seats = tick.state.crowd.seats(*user).iter();
            let devices: Vec<_> = seats.map(|seat| seat.channel).collect();
            tick.house.send_each(&devices, &numbered(&told, event.op));
        }
    }
}

/// Something durable, as it is said. Its kind tells feeds its name and op.
fn numbered(told: &wire::Told, op: u64) -> Said {
    let kind = format!("{} {op}", told.name);
    Said::new(&kind, told.json.as_str()).numbered(op)
}

/// What a device is told of a room that is new to it.
pub(super) fn room_of(hall: &Hall, user: UserId, what: &What) -> Option<String> {
    let (What::Opened { id, .. } | What::Invited { id, .. }) = what else {
        return None;
    };
    match hall.look(|tables, horizon| summary::summary(tables, *id, user, horizon)) {
        Ok(room) => room.map(|room| wire::room(&room).end()),
        Err(error) => {
            log::error!("a room is announced without a summary: {error}");
            None
        }
    }
}

fn joined(tick: &mut Tick<'_, Hall>, user: UserId, room: RoomId, version: Version) {
    let group = room_group(room);
    for seat in tick.state.crowd.seats_mut(user) {
        if let Err(refusal) = tick.house.group_add(&group, seat.channel) {
            log::error!("a member does not hear room {}: {refusal}", room.0);
        }
        if let Some(behind) = &mut seat.behind {
            behind.enter(room, version - 1);
        }
    }
    let is_here = !tick.state.crowd.seats(user).is_empty();
    if is_here {
        tick.state.presence.enter(room, user);
    }
}

fn left(tick: &mut Tick<'_, Hall>, user: UserId, room: RoomId) {
    let group = room_group(room);
    for seat in tick.state.crowd.seats_mut(user) {
        tick.house.group_discard(&group, seat.channel);
        if let Some(behind) = &mut seat.behind {
            behind.leave(room);
        }
    }
    tick.state.presence.leave(room, user);
}

/// Ends connections whose sign-in has ended.
fn end(tick: &mut Tick<'_, Hall>, ended: Ended) {
    let (user, goes): (UserId, Box<dyn Fn(TokenId) -> bool>) = match ended {
        Ended::Token(user, token) => (user, Box::new(move |it| it == token)),
        Ended::User(user, keep) => (user, Box::new(move |it| Some(it) != keep)),
    };
    let seats = tick.state.crowd.seats(user).iter();
    let gone: Vec<_> = seats
        .filter(|seat| goes(seat.token))
        .map(|seat| seat.channel)
        .collect();
    for channel in gone {
        super::socket::part(tick, user, channel, super::socket::SIGNED_OUT);
    }
}
