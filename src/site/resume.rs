//! # Resume: a client says where it was
//!
//! In versions per room, or in one op for everything. Each room is told in one of three ways: event
//! by event; where too many were missed, each changed message once as it is now; and where even
//! that is too much, or the client speaks of another database, not at all: it is to read anew.

use std::rc::Rc;

use super::behind::Behind;
use super::fields::{Fields, wrong};
use super::hall::Hall;
use super::wire::Object;
use crate::chat::{Op, Refusal, RoomId, RoomName, Scopes, UserId, Version, missed, summary};
use crate::layer::Channel;
use crate::store::{Connection as Tables, StoreError};

/// How much of a room is told to whoever missed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Far {
    /// Events that are told one by one.
    pub(crate) events_max: Version,
    /// Events beyond which a client is to read anew.
    pub(crate) states_max: Version,
}

impl Default for Far {
    fn default() -> Self {
        Self {
            events_max: 500,
            states_max: 5000,
        }
    }
}

/// Rooms that may be named at once: as many as somebody may be in.
const ROOMS_MAX: usize = 1000;

/// How a room is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Events,
    State,
    Reset,
}

impl Mode {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::State => "state",
            Self::Reset => "reset",
        }
    }
}

/// How a client that has everything up to `from` is told what it missed up to `to`.
pub(super) fn mode(far: Far, from: Version, to: Version, first: Version) -> Mode {
    match to.checked_sub(from) {
        // It is ahead of us: what it has was said in another database.
        None => Mode::Reset,
        Some(_) if from + 1 < first => Mode::Reset,
        Some(missed) if missed <= far.events_max => Mode::Events,
        Some(missed) if missed <= far.states_max => Mode::State,
        Some(_) => Mode::Reset,
    }
}

/// Where a client says that it was in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Was {
    At(Version),
    Now,
}

/// Where a client says that it was.
#[derive(Clone, Debug)]
pub(super) enum Start {
    /// It has read what there is, and wants what comes.
    Now,
    /// It has everything up to this op.
    Since(Op),
    /// It has everything up to these versions of rooms.
    Rooms(Vec<(RoomName, Was)>),
    /// It speaks of another database.
    Elsewhere,
}

/// What a client is told of where it is now.
#[derive(Debug)]
pub(super) struct Resumed {
    /// Room by room.
    pub(super) json: String,
    /// The rooms of which it will be told.
    pub(super) rooms: Vec<RoomId>,
    /// Something has to be read anew.
    pub(super) is_reset: bool,
    /// Nothing was missed that can be told.
    pub(super) is_current: bool,
}

/// Puts a WebSocket where its client says that it was; what it is answered. It hears what happens in
/// these rooms, and, if it was not held, has done so since `heard`: that is not told again.
pub(super) fn resume(
    hall: &mut Hall,
    user: UserId,
    hears: (Channel, &[RoomId]),
    heard: Option<Op>,
    fields: Fields<'_>,
) -> Result<String, Refusal> {
    let (channel, rooms) = hears;
    let is_ours = fields
        .maybe_text("epoch")?
        .is_none_or(|epoch| epoch == &*hall.epoch);
    let start = match (fields.maybe_long("since")?, fields.maybe_object("rooms")?) {
        (Some(_), Some(_)) => {
            return Err(wrong("since", "left out where `rooms` says where you were"));
        }
        (None, None) => return Err(Refusal::field("rooms", "`rooms` or `since` is missing.")),
        (Some(op), None) => Start::Since(op),
        (None, Some(rooms)) => Start::Rooms(versions(rooms)?),
    };
    let Some(seat) = hall.crowd.seat_mut(user, channel) else {
        return Err(Refusal::not_found("This connection is about to end."));
    };
    let before = seat.behind.take();
    let behind = match before {
        Some(behind) => *behind,
        None => at_head(hall, rooms),
    };
    let way = Way {
        user,
        channel,
        is_ours,
        heard,
        states: true,
        is_durable: false,
    };
    Ok(put_all(hall, channel, behind, &start, way)?.json)
}

/// Puts a stream of events where its client says that it was. All of it is told as events: whoever
/// breaks off goes on from the last one. With `only` it is told of no other rooms than these; with
/// `is_durable` of all that is there, however much it is.
pub(super) fn start(
    hall: &mut Hall,
    (user, channel): (UserId, Channel),
    start: &Start,
    only: Option<&[RoomName]>,
    is_durable: bool,
) -> Result<Resumed, Refusal> {
    let scopes = scopes_of(hall, user, channel);
    let mut behind = at_head(hall, &rooms_of(hall, user, scopes.as_deref())?);
    if let Some(only) = only {
        behind.only(&own_rooms(hall, user, only)?);
    }
    let way = Way {
        user,
        channel,
        is_ours: !matches!(start, Start::Elsewhere),
        heard: None,
        states: false,
        is_durable,
    };
    put_all(hall, channel, behind, start, way)
}

/// Those of these rooms that somebody is in.
pub(super) fn own_rooms(
    hall: &Hall,
    user: UserId,
    names: &[RoomName],
) -> Result<Vec<RoomId>, Refusal> {
    Ok(hall.reader.query(|tables| {
        let mut own = Vec::with_capacity(names.len());
        for name in names {
            if let Some((room, Some(_))) = summary::room_named(tables, name, user)? {
                own.push(room);
            }
        }
        Ok(own)
    })?)
}

/// What a connection's token is good for, if that is not everything.
fn scopes_of(hall: &mut Hall, user: UserId, channel: Channel) -> Option<Rc<Scopes>> {
    let seat = hall.crowd.seat_mut(user, channel);
    seat.and_then(|seat| seat.scopes.clone())
}

/// How a client is told what it missed.
#[derive(Clone, Copy, Debug)]
struct Way {
    user: UserId,
    channel: Channel,
    /// It speaks of this database.
    is_ours: bool,
    /// From here on it has heard everything already.
    heard: Option<Op>,
    /// It is told event by event, however many were missed.
    is_durable: bool,
    /// Where too many were missed, it may be told how messages are by now.
    states: bool,
}

fn put_all(
    hall: &mut Hall,
    channel: Channel,
    mut behind: Behind,
    start: &Start,
    mut way: Way,
) -> Result<Resumed, Refusal> {
    behind.held = false;
    let user = way.user;
    let rooms = match start {
        Start::Now => Vec::new(),
        Start::Since(op) => {
            way.is_ours = way.is_ours && is_known(hall, *op)?;
            if way.is_ours {
                behind.resume_person(*op, way.heard);
            }
            positions(hall, &behind.rooms(), *op)?
        }
        Start::Elsewhere => positions(hall, &behind.rooms(), 0)?,
        Start::Rooms(rooms) => {
            let mut found = Vec::with_capacity(rooms.len());
            let scopes = scopes_of(hall, user, channel);
            for (name, was) in rooms {
                let room = match scopes.as_ref().is_none_or(|it| it.has_room(name)) {
                    true => hall
                        .reader
                        .query(|tables| summary::room_named(tables, name, user))?,
                    false => None,
                };
                let at = match (room, was) {
                    (None, _) => Err("not_found"),
                    (Some((_, None)), _) => Err("not_a_member"),
                    (Some((room, Some(_))), Was::At(version)) => Ok((room, *version)),
                    (Some((room, Some(_))), Was::Now) => Ok((room, hall.head(room).version)),
                };
                found.push((name.clone(), at));
            }
            found
        }
    };
    let mut told = Vec::with_capacity(rooms.len());
    let mut is_reset = !way.is_ours;
    for (name, at) in rooms {
        let json = match at {
            Err(why) => Object::new().text("error", why).end(),
            Ok((room, from)) => {
                let place = Place {
                    room,
                    name: name.clone(),
                    from,
                };
                let (mode, json) = put(hall, &mut behind, place, way)?;
                is_reset |= mode == Mode::Reset;
                json
            }
        };
        told.push((name, json));
    }
    let rooms = behind.rooms();
    let is_current = behind.misses_nothing(hall);
    if let Some(seat) = hall.crowd.seat_mut(user, channel) {
        seat.behind = Some(Box::new(behind));
    }
    Ok(Resumed {
        json: written(hall, &told),
        rooms,
        is_reset,
        is_current,
    })
}

/// A room by its name, and where somebody was in it; or why they are not told of it.
type At = (RoomName, Result<(RoomId, Version), &'static str>);

/// Where somebody was in each of these rooms who had been told everything up to an op.
fn positions(hall: &Hall, rooms: &[RoomId], op: Op) -> Result<Vec<At>, Refusal> {
    Ok(hall.reader.query(|tables| {
        let mut found = Vec::with_capacity(rooms.len());
        for &room in rooms {
            let version = missed::version_at(tables, room, op)?;
            if let Some(name) = summary::name(tables, room)? {
                found.push((name, Ok((room, version))));
            }
        }
        Ok(found)
    })?)
}

/// Whether somebody who has everything up to this op can be told the rest.
pub(super) fn is_known(hall: &Hall, op: Op) -> Result<bool, Refusal> {
    let forgotten = hall.reader.query(missed::forgotten)?;
    Ok((forgotten..=hall.announced).contains(&op))
}

fn versions(rooms: Fields<'_>) -> Result<Vec<(RoomName, Was)>, Refusal> {
    if rooms.0.len() > ROOMS_MAX {
        return Err(wrong(
            "rooms",
            &format!("an object of at most {ROOMS_MAX} rooms"),
        ));
    }
    let expected = "an object of versions, or of \"now\"";
    let each = |(name, value): (&String, &serde_json::Value)| {
        let name = RoomName::parse("rooms", name)?;
        let version = value
            .as_u64()
            .map(|version| Version::try_from(version).unwrap_or(u32::MAX));
        match (version, value.as_str()) {
            (Some(version), _) => Ok((name, Was::At(version))),
            (None, Some("now")) => Ok((name, Was::Now)),
            _ => Err(wrong("rooms", expected)),
        }
    };
    rooms.0.iter().map(each).collect()
}

/// The rooms that somebody is a member of, as far as that was told: who hears of a room before their
/// own entry is told would be told of it again, and who does not hear how they left, never.
///
/// With a token that is good for some rooms, these alone.
pub(super) fn rooms_of(
    hall: &Hall,
    user: UserId,
    scopes: Option<&Scopes>,
) -> Result<Vec<RoomId>, StoreError> {
    hall.reader.query(|tables| {
        let mut rooms = summary::rooms_of(tables, user)?;
        if summary::position(tables)?.1 > hall.announced {
            rooms = as_told(tables, hall, user, &rooms)?;
        }
        if let Some(scopes) = scopes.filter(|it| it.is_limited()) {
            let mut good = Vec::new();
            for room in rooms {
                let name = summary::name(tables, room)?;
                good.extend(
                    name.is_some_and(|name| scopes.has_room(&name))
                        .then_some(room),
                );
            }
            rooms = good;
        }
        Ok(rooms)
    })
}

/// Of which rooms somebody is a member, as far as that was told, if they are one of `rooms` by now.
fn as_told(
    tables: &Tables,
    hall: &Hall,
    user: UserId,
    rooms: &[RoomId],
) -> Result<Vec<RoomId>, StoreError> {
    let mut told = Vec::with_capacity(rooms.len());
    for &room in rooms {
        let head = hall.head(room).version;
        if missed::came_in(tables, room, user, head, Version::MAX)?.is_none() {
            told.push(room);
        }
    }
    // Whoever has left is told so like all who hear of the room.
    for room in missed::rooms_since(tables, hall.announced)? {
        let head = hall.head(room).version;
        if missed::went_out(tables, room, user, head, Version::MAX)? && !told.contains(&room) {
            told.push(room);
        }
    }
    told.sort_unstable();
    Ok(told)
}

/// A connection to these rooms that has been told everything so far.
pub(super) fn at_head(hall: &Hall, rooms: &[RoomId]) -> Behind {
    let mut behind = Behind::since(hall.announced);
    for &room in rooms {
        behind.enter(room, hall.head(room).version);
    }
    behind
}

/// Since when a connection has heard of a room; nothing if it does not.
fn heard_since(hall: &Hall, room: RoomId, way: Way) -> Option<Op> {
    let op = way.heard?;
    let mut seats = hall.crowd.seats(way.user).iter();
    let seat = seats.find(|seat| seat.channel == way.channel);
    match seat.and_then(|seat| seat.watch.as_ref()) {
        None => Some(op),
        Some(watch) => watch.heard_since(room).map(|since| since.max(op)),
    }
}

/// Where a client says that it was in one room.
struct Place {
    room: RoomId,
    name: RoomName,
    from: Version,
}

fn put(
    hall: &Hall,
    behind: &mut Behind,
    place: Place,
    way: Way,
) -> Result<(Mode, String), Refusal> {
    let Place { room, name, from } = place;
    let to = hall.head(room).version;
    let (first, heard) = hall.reader.query(|tables| {
        let first = summary::first_version(tables, room)?;
        let Some(op) = heard_since(hall, room, way) else {
            return Ok((first, None));
        };
        // Who came in in between has heard what came from then on, as far as they stayed.
        let opened = missed::version_at(tables, room, op)?.min(to);
        let joined = missed::came_in(tables, room, way.user, opened, to)?;
        Ok((first, Some(joined.map_or(opened, |joined| joined - 1))))
    })?;
    // What is missing ends where hearing began.
    let end = heard.unwrap_or(to).max(from.min(to));
    let far = match way.is_durable {
        true => Far {
            events_max: Version::MAX,
            ..hall.far
        },
        false => hall.far,
    };
    let mode = match mode(far, from, to, first) {
        _ if !way.is_ours => Mode::Reset,
        Mode::State if !way.states => Mode::Events,
        mode => mode,
    };
    match mode {
        Mode::Events => behind.resume(room, name, from, heard, None),
        Mode::State => behind.resume(room, name, from, heard, Some(end)),
        Mode::Reset => behind.resume(room, name, to, None, None),
    }
    let object = Object::new()
        .number("from", from)
        .number("to", to)
        .text("mode", mode.as_str());
    let object = match mode {
        Mode::Reset => object.flag("reset", true).number("first", first),
        Mode::Events | Mode::State => object,
    };
    Ok((mode, object.end()))
}

/// Each room by its name, and all of them once more under `rooms`, beside the position: a client
/// may look in either place, and rooms may be called anything.
fn written(hall: &Hall, told: &[(RoomName, String)]) -> String {
    let each = |object: Object, (name, json): &(RoomName, String)| object.named_by(name, json);
    let all = told.iter().fold(Object::new(), each).end();
    let own = ["rooms", "epoch", "op"];
    let plain = told
        .iter()
        .filter(|(name, _)| !own.contains(&name.as_str()));
    plain
        .fold(Object::new(), each)
        .json("rooms", &all)
        .text("epoch", &hall.epoch)
        .number("op", hall.announced)
        .end()
}
