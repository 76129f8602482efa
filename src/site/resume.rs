//! # Resume: a client says where it was
//!
//! In versions per room, or in one op for everything. Each room is told in one of three ways: event
//! by event; where too many were missed, each changed message once as it is now; and where even
//! that is too much, or the client speaks of another database, not at all: it is to read anew.

use super::behind::Behind;
use super::fields::{Fields, wrong};
use super::hall::Hall;
use super::wire::Object;
use crate::chat::{Op, Refusal, RoomId, RoomName, UserId, Version, missed, summary};
use crate::layer::Channel;

/// Events of a room that are told one by one.
const EVENTS_MAX: Version = 500;

/// Events of a room beyond which its client is to read anew.
const STATES_MAX: Version = 5000;

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
pub(super) fn mode(from: Version, to: Version, first: Version) -> Mode {
    match to.checked_sub(from) {
        // It is ahead of us: what it has was said in another database.
        None => Mode::Reset,
        Some(_) if from + 1 < first => Mode::Reset,
        Some(missed) if missed <= EVENTS_MAX => Mode::Events,
        Some(missed) if missed <= STATES_MAX => Mode::State,
        Some(_) => Mode::Reset,
    }
}

/// Where a client says that it was in a room.
enum Was {
    At(Version),
    Now,
}

/// Puts a connection where its client says that it was; what it is answered. `heard` is since
/// when it hears what happens, if it was not held: that is not told again.
pub(super) fn resume(
    hall: &mut Hall,
    user: UserId,
    channel: Channel,
    heard: Option<Op>,
    fields: Fields<'_>,
) -> Result<String, Refusal> {
    let is_ours = fields
        .maybe_text("epoch")?
        .is_none_or(|epoch| epoch == &*hall.epoch);
    let wanted = match (fields.maybe_long("since")?, fields.maybe_object("rooms")?) {
        (Some(_), Some(_)) => {
            return Err(wrong("since", "left out where `rooms` says where you were"));
        }
        (None, None) => return Err(Refusal::field("rooms", "`rooms` or `since` is missing.")),
        (Some(op), None) => Wanted::Since(op),
        (None, Some(rooms)) => Wanted::Rooms(versions(rooms)?),
    };
    let seat = hall.crowd.seat_mut(user, channel);
    let Some(seat) = seat else {
        return Err(Refusal::not_found("This connection is about to end."));
    };
    let before = seat.behind.take();
    let mut behind = match before {
        Some(behind) => *behind,
        None => at_head(hall, user)?,
    };
    behind.held = false;
    let rooms = match wanted {
        Wanted::Since(op) => {
            let is_ours = is_ours && is_known(hall, op)?;
            if is_ours {
                behind.resume_person(op, heard);
            }
            let rooms = hall.reader.query(|tables| {
                let mut rooms = Vec::new();
                for room in summary::rooms_of(tables, user)? {
                    let version = missed::version_at(tables, room, op)?;
                    let Some(name) = summary::name(tables, room)? else {
                        continue;
                    };
                    rooms.push((name, Ok((room, version))));
                }
                Ok(rooms)
            })?;
            (is_ours, rooms)
        }
        Wanted::Rooms(rooms) => {
            let mut found = Vec::with_capacity(rooms.len());
            for (name, was) in rooms {
                let room = hall
                    .reader
                    .query(|tables| summary::room_named(tables, &name, user))?;
                let at = match room {
                    None => Err("not_found"),
                    Some((_, None)) => Err("not_a_member"),
                    Some((room, Some(_))) => Ok((
                        room,
                        match was {
                            Was::At(version) => version,
                            Was::Now => hall.head(room).version,
                        },
                    )),
                };
                found.push((name, at));
            }
            (is_ours, found)
        }
    };
    let (is_ours, rooms) = rooms;
    let mut told = Vec::with_capacity(rooms.len());
    for (name, at) in rooms {
        let json = match at {
            Err(why) => Object::new().text("error", why).end(),
            Ok((room, from)) => {
                let place = Place {
                    room,
                    name: name.clone(),
                    from,
                    is_ours,
                };
                put(hall, &mut behind, place, user, heard)?
            }
        };
        told.push((name, json));
    }
    if let Some(seat) = hall.crowd.seat_mut(user, channel) {
        seat.behind = Some(Box::new(behind));
    }
    Ok(written(hall, &told))
}

/// Whether somebody who has everything up to this op can be told the rest.
pub(super) fn is_known(hall: &Hall, op: Op) -> Result<bool, Refusal> {
    let forgotten = hall.reader.query(missed::forgotten)?;
    Ok((forgotten..=hall.announced).contains(&op))
}

enum Wanted {
    Since(Op),
    Rooms(Vec<(RoomName, Was)>),
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

/// A connection that has been told everything so far.
pub(super) fn at_head(hall: &Hall, user: UserId) -> Result<Behind, Refusal> {
    let rooms = hall
        .reader
        .query(|tables| summary::rooms_of(tables, user))?;
    let mut behind = Behind::since(hall.announced);
    for room in rooms {
        behind.enter(room, hall.head(room).version);
    }
    Ok(behind)
}

/// Where a client says that it was in one room.
struct Place {
    room: RoomId,
    name: RoomName,
    from: Version,
    /// It speaks of this database.
    is_ours: bool,
}

fn put(
    hall: &Hall,
    behind: &mut Behind,
    place: Place,
    user: UserId,
    heard: Option<Op>,
) -> Result<String, Refusal> {
    let Place {
        room,
        name,
        from,
        is_ours,
    } = place;
    let to = hall.head(room).version;
    let (first, heard) = hall.reader.query(|tables| {
        let first = summary::first_version(tables, room)?;
        let Some(op) = heard else {
            return Ok((first, None));
        };
        // Who joined in between has heard what came from then on.
        let opened = missed::version_at(tables, room, op)?.min(to);
        let joined = missed::joined(tables, room, user, opened, to)?;
        Ok((first, Some(joined.map_or(opened, |joined| joined - 1))))
    })?;
    // What is missing ends where hearing began.
    let end = heard.unwrap_or(to).max(from.min(to));
    let mode = if is_ours {
        mode(from, to, first)
    } else {
        Mode::Reset
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
    Ok(match mode {
        Mode::Reset => object.flag("reset", true).number("first", first),
        _ => object,
    }
    .end())
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
