//! # Presence: who is in a room just now, and who is typing there
//!
//! Ephemeral: nothing of it is stored, it has no version, and it is the first to be left out when
//! too much is to be said. Changes are gathered and told at most once a second per room.
//!
//! Promises
//! 1. A room hears of changes at most once in [`BEAT`].
//! 2. In a large room only the number is told.
//! 3. Whoever types is told of at most once in [`TYPING_AGAIN`] per room.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use super::announce::room_group;
use super::crowd::State;
use super::hall::Hall;
use super::wire::Object;
use crate::chat::{RoomId, RoomName, UserId, UserName, summary};
use crate::ground::time::Instant;
use crate::layer::Channel;
use crate::web::{Event, Tick};

/// How often changes are told.
pub(super) const BEAT: Duration = Duration::from_secs(1);

/// How long somebody may be gone before others are told: a reload is no leaving.
pub(super) const GRACE: Duration = Duration::from_secs(10);

/// Silence after which a device is taken to be unattended.
pub(super) const IDLE: Duration = Duration::from_secs(600);

/// People in a room above whom only their number is told.
const NAMES_MAX: usize = 200;

/// How often the same person's typing is told in a room, and how long it holds.
const TYPING_AGAIN: Duration = Duration::from_secs(3);
const TYPING_S: u32 = 5;

/// Who is where.
#[derive(Debug, Default)]
pub(super) struct Presence {
    rooms: HashMap<RoomId, Room>,
    /// Rooms with changes that were not told yet.
    changed: BTreeSet<RoomId>,
}

#[derive(Debug, Default)]
struct Room {
    here: BTreeSet<UserId>,
    changes: BTreeMap<UserName, State>,
    typing: BTreeMap<UserId, Instant>,
}

impl Presence {
    /// Who of a room is here.
    pub(super) fn here(&self, room: RoomId) -> impl Iterator<Item = UserId> {
        self.rooms
            .get(&room)
            .into_iter()
            .flat_map(|room| room.here.iter().copied())
    }

    /// How many of a room are here.
    pub(super) fn len(&self, room: RoomId) -> usize {
        self.rooms.get(&room).map_or(0, |room| room.here.len())
    }

    /// Somebody is in a room.
    pub(super) fn enter(&mut self, room: RoomId, user: UserId) {
        self.rooms.entry(room).or_default().here.insert(user);
    }

    /// Somebody is not in a room any more.
    pub(super) fn leave(&mut self, room: RoomId, user: UserId) {
        let Some(it) = self.rooms.get_mut(&room) else {
            return;
        };
        it.here.remove(&user);
        it.typing.remove(&user);
        if it.here.is_empty() {
            self.rooms.remove(&room);
            self.changed.remove(&room);
        }
    }

    /// Others in a room are to be told how somebody is there now.
    pub(super) fn change(&mut self, room: RoomId, name: &UserName, state: State) {
        if let Some(it) = self.rooms.get_mut(&room) {
            it.changes.insert(name.clone(), state);
            self.changed.insert(room);
        }
    }

    /// Somebody has said what they were typing.
    pub(super) fn said(&mut self, room: RoomId, user: UserId) {
        if let Some(it) = self.rooms.get_mut(&room) {
            it.typing.remove(&user);
        }
    }

    /// Somebody types. Whether others are to be told.
    pub(super) fn types(&mut self, room: RoomId, user: UserId, now: Instant) -> bool {
        let Some(it) = self.rooms.get_mut(&room) else {
            return false;
        };
        if it.here.len() > NAMES_MAX {
            return false;
        }
        let before = it.typing.insert(user, now);
        let is_new = before.is_none_or(|before| now.since(before) >= TYPING_AGAIN);
        if let (false, Some(before)) = (is_new, before) {
            it.typing.insert(user, before);
        }
        is_new
    }
}

/// Tells each room's members what has changed there.
pub(super) fn tell_changes(tick: &mut Tick<'_, Hall>) {
    for room in std::mem::take(&mut tick.state.presence.changed) {
        let Some(it) = tick.state.presence.rooms.get_mut(&room) else {
            continue;
        };
        let changes = std::mem::take(&mut it.changes);
        let count = it.here.len();
        let name = match tick
            .state
            .reader
            .query(|connection| summary::name(connection, room))
        {
            Ok(Some(name)) => name,
            Ok(None) => continue,
            Err(error) => {
                log::warn!("who is in room {} is not told: {error}", room.0);
                continue;
            }
        };
        let mut object = Object::new().text("event", "presence").text("room", &name);
        if count <= NAMES_MAX {
            let each = |object: Object, (name, state): (&UserName, &State)| {
                object.named_by(name, &Object::string(state.as_str()))
            };
            object = object.json("changes", &changes.iter().fold(Object::new(), each).end());
        }
        let json = object.number("count", count as u64).end();
        say(tick, (room, &name), "presence", json, &[]);
    }
}

/// Tells the others in a room that somebody types.
pub(super) fn tell_typing(tick: &mut Tick<'_, Hall>, room: RoomId, name: &RoomName, user: UserId) {
    let Some((from, display_name)) = tick.state.crowd.name(user) else {
        return;
    };
    let json = Object::new()
        .text("event", "typing")
        .text("room", name)
        .text("from", from)
        .text("display_name", display_name)
        .number("expires_in", TYPING_S)
        .end();
    let own: Vec<Channel> = tick
        .state
        .crowd
        .seats(user)
        .iter()
        .map(|seat| seat.channel)
        .collect();
    say(tick, (room, name), "typing", json, &own);
}

/// Says something ephemeral. Who is too full for it has missed nothing that lasts.
fn say(
    tick: &mut Tick<'_, Hall>,
    (room, name): (RoomId, &RoomName),
    kind: &str,
    json: String,
    but: &[Channel],
) {
    let event = Event::new(kind, json).numbered(tick.state.announced + 1);
    let hall = &*tick.state;
    if !hall.crowd.is_watching() {
        return tick.house.group_send_but(&room_group(room), &event, but);
    }
    let here = hall.presence.here(room);
    let seats = here.flat_map(|user| hall.crowd.seats(user));
    let devices: Vec<Channel> = seats
        .filter(|seat| seat.shows(room, name) && !but.contains(&seat.channel))
        .map(|seat| seat.channel)
        .collect();
    tick.house.send_each(&devices, &event);
}

/// Somebody's connections have changed: others are told how they are there now.
pub(super) fn changed(tick: &mut Tick<'_, Hall>, user: UserId, name: &UserName) {
    let state = tick.state.crowd.state(user);
    let rooms = tick
        .state
        .reader
        .query(|connection| summary::rooms_of(connection, user));
    match rooms {
        Ok(rooms) => {
            for room in rooms {
                if state == State::Offline {
                    tick.state.presence.change(room, name, state);
                    tick.state.presence.leave(room, user);
                } else {
                    tick.state.presence.enter(room, user);
                    tick.state.presence.change(room, name, state);
                }
            }
        }
        Err(error) => log::warn!("others are not told how \"{name}\" is there: {error}"),
    }
}

/// One of somebody's connections has ended, perhaps the last.
pub(super) fn parted(tick: &mut Tick<'_, Hall>, user: UserId, before: State, is_last: bool) {
    if is_last {
        tick.house.after(GRACE, move |tick| {
            if let Some(name) = tick.state.crowd.forget(user) {
                changed(tick, user, &name);
            }
        });
    } else if tick.state.crowd.state(user) != before {
        tell_state(tick, user);
    }
}

/// Somebody wants something, so they are there.
pub(super) fn stir(tick: &mut Tick<'_, Hall>, user: UserId, with: Option<Channel>) {
    let now = tick.house.now().instant;
    if tick.state.crowd.stir(user, with, now) {
        tell_state(tick, user);
    }
}

/// Others are told how somebody is there now.
pub(super) fn tell_state(tick: &mut Tick<'_, Hall>, user: UserId) {
    let name = tick.state.crowd.name(user).map(|(name, _)| name.clone());
    if let Some(name) = name {
        changed(tick, user, &name);
    }
}

/// Devices that nobody has touched for long are unattended from now on.
pub(super) fn sweep(tick: &mut Tick<'_, Hall>) {
    let now = tick.house.now().instant;
    let since = Instant(now.0.saturating_sub(IDLE.as_millis() as u64));
    for user in tick.state.crowd.sweep(since) {
        tell_state(tick, user);
    }
}
