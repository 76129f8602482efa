//! # Watching: what a device wants to hear of while its person looks at a few rooms
//!
//! A device that says which rooms it shows is told of who is there and who types in these alone. Of the
//! others it hears everything else as ever, or, on a phone or a bad line, only how much is unread
//! there, at most once a second per room.
//!
//! Promises
//! 1. Where a device hears of a room again, it hears everything from the version on that it is answered,
//!    and `resume` tells it what came before.
//! 2. It hears of its own person's coming and going in any room.
//! 3. In one beat a bounded number of summaries is looked up; the rest comes with the next.

use std::collections::BTreeSet;

use super::announce::room_group;
use super::fields::{Fields, wrong};
use super::hall::Hall;
use super::questions::find_own;
use super::wire::Object;
use crate::chat::{Code, Op, Refusal, RoomId, RoomName, UserId, summary};
use crate::layer::Channel;
use crate::web::{Event, House, Tick};

/// Rooms that a device may watch: as many as a screen shows.
const ROOMS_MAX: usize = 8;

/// Summaries that are told in one beat: some 25 ms.
const SUMMARIES_MAX: usize = 500;

/// What a device watches.
#[derive(Debug)]
pub(super) struct Watch {
    rooms: Vec<RoomId>,
    /// Of other rooms it is told only how much is unread.
    sums_up: bool,
    /// Up to which op it had not heard of rooms that it hears of again.
    deaf_up_to: Vec<(RoomId, Op)>,
}

impl Watch {
    /// Whether its person sees the room.
    pub(super) fn shows(&self, room: RoomId) -> bool {
        self.rooms.contains(&room)
    }

    /// Whether it hears of all that happens in a room.
    pub(super) fn hears(&self, room: RoomId) -> bool {
        !self.sums_up || self.shows(room)
    }

    /// Since when it hears of a room, if it does; 0 for since it is here.
    pub(super) fn heard_since(&self, room: RoomId) -> Option<Op> {
        let mut deaf = self.deaf_up_to.iter();
        let since = deaf.find(|(of, _)| *of == room).map_or(0, |(_, op)| *op);
        self.hears(room).then_some(since)
    }
}

/// What those are still to be told who hear only how much is unread.
#[derive(Debug, Default)]
pub(super) struct Summaries {
    /// Where something was said.
    rooms: BTreeSet<RoomId>,
    pairs: BTreeSet<(UserId, RoomId)>,
}

impl Summaries {
    /// Something was said in a room.
    pub(super) fn changed(&mut self, room: RoomId) {
        self.rooms.insert(room);
    }
}

/// A device says which rooms it shows.
pub(super) fn watch(
    hall: &mut Hall,
    house: &mut House<'_, Hall>,
    user: UserId,
    channel: Channel,
    fields: Fields<'_>,
) -> Result<String, Refusal> {
    let expected = format!("an array of at most {ROOMS_MAX} rooms");
    let texts = fields.maybe_texts("rooms")?;
    let texts = texts.filter(|texts| texts.len() <= ROOMS_MAX);
    let texts = texts.ok_or_else(|| wrong("rooms", &expected))?;
    let known = |word: &str| match word {
        "all" => Some(false),
        "summary" => Some(true),
        _ => None,
    };
    let sums_up = fields.maybe_word("others", known, "`all` or `summary`")?;
    let sums_up = sums_up.unwrap_or(false);
    let mut names = Vec::with_capacity(texts.len());
    let mut rooms = Vec::with_capacity(texts.len());
    for text in texts {
        let name = RoomName::parse("rooms", text)?;
        rooms.push(find_own(hall, user, &name)?);
        names.push(name);
    }
    let own = hall
        .reader
        .query(|tables| summary::rooms_of(tables, user))?;
    let gone = || Refusal::not_found("This connection is about to end.");
    let seat = hall.crowd.seat_mut(user, channel).ok_or_else(gone)?;
    let before = seat.watch.as_deref();
    let heard = |room| before.map_or(Some(0), |it: &Watch| it.heard_since(room));
    let own: Vec<_> = own.into_iter().map(|room| (room, heard(room))).collect();
    let mut watch = Watch {
        rooms,
        sums_up,
        deaf_up_to: Vec::new(),
    };
    for (room, heard) in own {
        let group = room_group(room);
        match (heard, watch.hears(room)) {
            (None, true) => {
                house
                    .group_add(&group, channel)
                    .map_err(|refusal| Refusal::new(Code::TooMany, refusal.to_string()))?;
                watch.deaf_up_to.push((room, hall.announced));
                let head = hall.head(room).version;
                let seat = hall.crowd.seat_mut(user, channel);
                if let Some(behind) = seat.and_then(|seat| seat.behind.as_mut()) {
                    behind.enter(room, head);
                }
            }
            (Some(_), false) => drop(house.group_discard(&group, channel)),
            (Some(since), true) if since > 0 => watch.deaf_up_to.push((room, since)),
            _ => {}
        }
    }
    let each = watch.rooms.iter().zip(&names);
    let told = each.fold(Object::new(), |object, (room, name)| {
        let head = hall.head(*room);
        let at = Object::new()
            .number("seq", head.seq)
            .number("version", head.version);
        object.named_by(name, &at.end())
    });
    let rooms = watch.rooms.clone();
    let seat = hall.crowd.seat_mut(user, channel).ok_or_else(gone)?;
    if sums_up && let Some(behind) = &mut seat.behind {
        behind.only(&rooms);
    }
    seat.only = sums_up.then(|| names.into());
    hall.crowd.watches(user, channel, watch);
    Ok(Object::new()
        .json("rooms", &told.end())
        .text("others", if sums_up { "summary" } else { "all" })
        .end())
}

/// Tells those who do not hear of a room how much is unread there.
pub(super) fn sum_up(tick: &mut Tick<'_, Hall>) {
    let hall = &mut *tick.state;
    for room in std::mem::take(&mut hall.summaries.rooms) {
        for user in hall.presence.here(room) {
            if !deaf_to(hall, user, room).is_empty() {
                hall.summaries.pairs.insert((user, room));
            }
        }
    }
    for _ in 0..SUMMARIES_MAX {
        let Some((user, room)) = tick.state.summaries.pairs.pop_first() else {
            return;
        };
        let hall = &mut *tick.state;
        let found = hall.look(|tables, horizon| summary::summary(tables, room, user, horizon));
        match found {
            Ok(Some(summary)) => {
                let Some(own) = &summary.joined else { continue };
                let json = Object::new()
                    .text("event", "room")
                    .text("room", &summary.name)
                    .number("seq", summary.seq)
                    .number("unread", summary.unread())
                    .number("mentions", own.mentions)
                    .end();
                let event = Event::new("room", json).numbered(hall.announced + 1);
                let devices = deaf_to(hall, user, room);
                tick.house.send_each(&devices, &event);
            }
            Ok(None) => {}
            Err(error) => log::warn!("how much is unread is not told: {error}"),
        }
    }
}

/// The devices of somebody that do not hear of a room.
pub(super) fn deaf_to(hall: &Hall, user: UserId, room: RoomId) -> Vec<Channel> {
    let is_deaf = |watch: &Watch| !watch.hears(room);
    let seats = hall.crowd.seats(user).iter();
    seats
        .filter(|seat| seat.watch.as_deref().is_some_and(is_deaf))
        .map(|seat| seat.channel)
        .collect()
}
