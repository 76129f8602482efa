//! # Announcing: telling those whom it concerns
//!
//! Events are told in the order of their ops. What another process has stored (the command line) is
//! found by the gap that it leaves, or once a second.
//!
//! Promises
//! 1. Each event is told once, and none before those that were stored before it.
//! 2. Who joins hears everything from their own `joined` on; who leaves hears nothing behind their
//!    own `left`.
//! 3. A connection whose sign-in has ended hears nothing that was stored afterwards, also where
//!    another process has ended it.

use std::time::Duration;

use super::behind::Parting;
use super::crowd::State;
use super::hall::Hall;
use super::{courier, players, watching, wire};
use crate::chat::{
    Ended, Event, Exit, Outcome, RoomId, RoomName, To, TokenId, UserId, Version, What, missed,
    people, summary,
};
use crate::layer::Channel;
use crate::web::{Event as Said, House, Tick};

/// Events of another process that are told in one go.
const OUTSIDE_MAX: u32 = 1000;

/// The group of a room's members.
pub(super) fn room_group(room: RoomId) -> String {
    format!("r/{}", room.0)
}

/// The rooms of which a connection hears.
pub(super) fn rooms_heard(house: &House<'_, Hall>, channel: Channel) -> Vec<RoomId> {
    let numbers = house.groups_of(channel).into_iter();
    let numbers = numbers.filter_map(|group| group.strip_prefix("r/")?.parse().ok());
    numbers.map(RoomId).collect()
}

/// Tells everybody what came of an operation.
pub(super) fn announce(tick: &mut Tick<'_, Hall>, outcome: Outcome) {
    for event in outcome.events {
        while event.op > tick.state.announced + 1 && announce_outside(tick) {}
        tell_next(tick, &event);
    }
    for ended in outcome.ended {
        end(tick, ended);
    }
    courier::nudge(tick);
}

/// Tells what another process has stored, some of it in one go; whether that was anything.
pub(super) fn announce_outside(tick: &mut Tick<'_, Hall>) -> bool {
    let after = tick.state.announced;
    let found = tick
        .state
        .reader
        .query(|tables| missed::outside(tables, after, OUTSIDE_MAX));
    let found = found.unwrap_or_else(|error| {
        log::error!("what another process stored is not told yet: {error}");
        Vec::new()
    });
    for it in found {
        // What the server stores itself comes by its outcome, in its turn.
        if it.op != tick.state.announced + 1 {
            break;
        }
        if let Some(event) = &it.event {
            tell_next(tick, event);
        }
        tick.state.announced = it.op;
        if let Some(user) = it.user {
            end_lost(tick, user, it.event.as_ref());
        }
    }
    tick.state.announced > after
}

/// Ends connections whose token is gone by now. Which ones an event of another process has ended is
/// stored nowhere; but a token's number never comes again, so that whatever is missing has ended.
fn end_lost(tick: &mut Tick<'_, Hall>, user: UserId, event: Option<&Event>) {
    let may_end =
        event.is_none_or(|event| matches!(event.what, What::SignedOut | What::Account { .. }));
    let is_here = !tick.state.crowd.seats(user).is_empty() || tick.state.players.has(user);
    if !may_end || !is_here {
        return;
    }
    match tick
        .state
        .reader
        .query(|tables| people::tokens_of(tables, user))
    {
        Ok(left) => end_where(tick, user, |token| left.iter().all(|it| it.id != token)),
        Err(error) => {
            // Nobody can be known to be signed in still; who is comes back at once.
            log::error!("user {} is signed out everywhere: {error}", user.0);
            end(tick, Ended::User(user, None));
        }
    }
}

fn tell_next(tick: &mut Tick<'_, Hall>, event: &Event) {
    if event.op <= tick.state.announced {
        return;
    }
    tick.state.announced = event.op;
    match &event.to {
        To::Room { id, version, name } => {
            let head = tick.state.heads.entry(*id).or_default();
            head.version = *version;
            if let What::Message(message) = &event.what {
                head.seq = message.seq;
            }
            let (id, version) = (*id, *version);
            tick.state.unindexed = true;
            if let What::Joined { user, .. } = &event.what {
                joined(tick, user.id, id, name, version);
            }
            let told = wire::event(event, None);
            let said = numbered(&told, event.op);
            match &event.what {
                // Nobody cares who else has lost the room: a word to each member about each would be
                // as many as members squared.
                What::Left {
                    user,
                    exit: Exit::Closed,
                    ..
                } => {
                    let seats = tick.state.crowd.seats(user.id).iter();
                    let seats = seats.filter(|seat| seat.wants(name));
                    let devices: Vec<_> = seats.map(|seat| seat.channel).collect();
                    tick.house.send_each(&devices, &said);
                }
                _ => tick.house.group_send(&room_group(id), &said),
            }
            players::tell(tick, id, name, &event.what);
            if tick.state.crowd.is_watching() {
                tell_deaf(tick, id, event, &said);
            }
            match &event.what {
                What::Left { user, .. } => {
                    let parting = Parting {
                        room: id,
                        name: name.clone(),
                        version,
                        op: event.op,
                        told,
                    };
                    left(tick, user.id, parting);
                }
                What::Message(message) => tick.state.presence.said(id, message.from.id),
                _ => {}
            }
        }
        To::User(user) => {
            if let What::Account { user: person, .. } = &event.what {
                tick.state.crowd.rename(*user, &person.display_name);
                tick.state.faces.changed(*user);
            }
            let summary = room_of(tick.state, *user, &event.what);
            let told = wire::event(event, summary.as_deref());
            // No group: nearly everybody has one device, and a group for each would take more than
            // all else that is kept of them.
            let seats = tick.state.crowd.seats(*user).iter();
            let seats = seats.filter(|seat| !seat.is_limited());
            let devices: Vec<_> = seats.map(|seat| seat.channel).collect();
            tick.house.send_each(&devices, &numbered(&told, event.op));
        }
    }
}

/// Those who do not hear of a room hear how much is unread there, and of their own coming and going.
fn tell_deaf(tick: &mut Tick<'_, Hall>, room: RoomId, event: &Event, said: &Said) {
    match &event.what {
        What::Message(_) | What::Edited { .. } | What::Deleted { .. } => {
            tick.state.summaries.changed(room);
        }
        What::Joined { user, .. } | What::Left { user, .. } => {
            let devices = watching::deaf_to(tick.state, user.id, room);
            tick.house.send_each(&devices, said);
        }
        _ => {}
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

fn joined(
    tick: &mut Tick<'_, Hall>,
    user: UserId,
    room: RoomId,
    name: &RoomName,
    version: Version,
) {
    let group = room_group(room);
    let seats = tick.state.crowd.seats_mut(user).iter_mut();
    for seat in seats.filter(|seat| seat.wants(name)) {
        if let Err(refusal) = tick.house.group_add(&group, seat.channel) {
            log::error!("a member does not hear room {}: {refusal}", room.0);
        }
        if let Some(behind) = &mut seat.behind {
            behind.enter(room, version - 1);
        }
    }
    if tick.state.crowd.state(user) != State::Offline {
        tick.state.presence.enter(room, user);
    }
}

fn left(tick: &mut Tick<'_, Hall>, user: UserId, parting: Parting) {
    let group = room_group(parting.room);
    for seat in tick.state.crowd.seats_mut(user) {
        tick.house.group_discard(&group, seat.channel);
        if let Some(behind) = &mut seat.behind {
            behind.leave(&parting);
        }
    }
    tick.state.presence.leave(parting.room, user);
    // Who has no room for this hears of that when all is told, and is in the room no more by then.
    if tick.state.partings.is_empty() {
        tick.house
            .after(Duration::ZERO, |tick| tick.state.partings.clear());
    }
    tick.state.partings.push((user, parting));
}

/// Ends connections whose sign-in has ended.
fn end(tick: &mut Tick<'_, Hall>, ended: Ended) {
    match ended {
        Ended::Token(user, token) => end_where(tick, user, |it| it == token),
        Ended::User(user, keep) => end_where(tick, user, |it| Some(it) != keep),
    }
}

/// Ends connections whose token has had its time.
pub(super) fn end_expired(tick: &mut Tick<'_, Hall>) {
    let now = tick.house.now().unix_ms;
    for (user, channel) in tick.state.crowd.expired(now) {
        super::socket::part(tick, user, channel, super::socket::EXPIRED);
    }
    players::end_expired(tick);
}

fn end_where(tick: &mut Tick<'_, Hall>, user: UserId, goes: impl Fn(TokenId) -> bool) {
    let seats = tick.state.crowd.seats(user).iter();
    let gone: Vec<_> = seats
        .filter(|seat| goes(seat.token))
        .map(|seat| seat.channel)
        .collect();
    for channel in gone {
        super::socket::part(tick, user, channel, super::socket::SIGNED_OUT);
    }
    players::end_where(tick, user, goes);
}
