//! # Rooms: `/rooms`, `/dms` and who is in them

use super::asking::{
    Answered, Done, answer, body, created, done, idempotency_key, ok, query, segment, want,
};
use crate::chat::{Answer, Key, Operation, Refusal, RoomName, UserId, UserName};
use crate::http::Status;
use crate::site::auth::identity;
use crate::site::commands;
use crate::site::fields::{Fields, with};
use crate::site::hall::Hall;
use crate::site::questions;
use crate::site::socket::answer_json;
use crate::web::{Cx, Reply, Tick};

/// `GET /rooms`: those that somebody may see, with `?all=true` an admin's private ones, too.
pub(super) fn list(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let map = query(cx, &["after"], &["limit"], &["all"]);
    ok(questions::rooms(cx.state, user, Fields(&map))?)
}

/// `POST /rooms`: makes one.
pub(super) fn create(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let map = body(cx)?;
    let operation = commands::create_room(Fields(&map))?;
    change(cx, user, operation, Status::CREATED)
}

/// `POST /dms`: the direct room of these people.
pub(super) fn direct(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let map = body(cx)?;
    let operation = commands::direct(Fields(&map))?;
    change(cx, user, operation, Status::OK)
}

/// `GET /rooms/{room}`.
pub(super) fn show(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let name = room(cx)?;
    let (room, _) = questions::find(cx.state, user, &name)?;
    ok(questions::room(cx.state, user, room)?.end())
}

/// `PATCH /rooms/{room}`.
pub(super) fn update(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let name = room(cx)?;
    let map = with(body(cx)?, "room", &name);
    let operation = commands::change_room(Fields(&map))?;
    change(cx, user, operation, Status::OK)
}

/// `DELETE /rooms/{room}`.
pub(super) fn delete(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let operation = Operation::DeleteRoom { room: room(cx)? };
    change(cx, user, operation, Status::OK)
}

/// `GET /rooms/{room}/members`.
pub(super) fn members(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let name = room(cx)?;
    let map = with(query(cx, &[], &["after", "limit"], &[]), "room", &name);
    ok(questions::members(cx.state, user, Fields(&map))?)
}

/// `PUT /rooms/{room}/members/{user}`: joins, invites; with a body, says what a member may do.
pub(super) fn enter(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = identity(cx)?;
    let (room, who) = (room(cx)?, person(cx)?);
    let map = body(cx)?;
    let fields = Fields(&map);
    let user = who.name(&identity.name);
    let operation = match (fields.has("role"), fields.has("muted_until")) {
        (false, false) if user == identity.name => Operation::Join { room },
        (false, false) => Operation::Invite { room, user },
        (true, false) => commands::role_of(room, user, fields)?,
        (false, true) => Operation::Mute {
            room,
            user,
            until: fields.maybe_time("muted_until")?,
        },
        (true, true) => {
            let tell = "Send `role` or `muted_until`, one after the other.";
            return Err(Refusal::field("muted_until", tell));
        }
    };
    change(cx, identity.user, operation, Status::OK)
}

/// `DELETE /rooms/{room}/members/{user}`: leaves, removes.
pub(super) fn leave(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = identity(cx)?;
    let (room, who) = (room(cx)?, person(cx)?);
    let user = who.name(&identity.name);
    let operation = if user == identity.name {
        Operation::Leave { room }
    } else {
        Operation::Remove { room, user }
    };
    change(cx, identity.user, operation, Status::OK)
}

/// `GET /rooms/{room}/bans`.
pub(super) fn bans(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let name = room(cx)?;
    let map = with(query(cx, &[], &["after", "limit"], &[]), "room", &name);
    ok(questions::bans(cx.state, user, Fields(&map))?)
}

/// `PUT /rooms/{room}/bans/{user}`: removes for good, with `?messages=1` what was said there, too.
pub(super) fn ban(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = identity(cx)?;
    let map = query(cx, &[], &[], &["messages"]);
    let messages = Fields(&map).maybe_flag("messages")?.unwrap_or(false);
    let operation = Operation::Ban {
        room: room(cx)?,
        user: person(cx)?.name(&identity.name),
        messages,
    };
    change(cx, identity.user, operation, Status::OK)
}

/// `DELETE /rooms/{room}/bans/{user}`.
pub(super) fn unban(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = identity(cx)?;
    let operation = Operation::Unban {
        room: room(cx)?,
        user: person(cx)?.name(&identity.name),
    };
    change(cx, identity.user, operation, Status::OK)
}

/// `PUT /rooms/{room}/read`: everything up to `seq` is read.
pub(super) fn read(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let name = room(cx)?;
    let map = with(body(cx)?, "room", &name);
    let operation = commands::read(Fields(&map))?;
    change(cx, user, operation, Status::OK)
}

/// `PUT /rooms/{room}/level`: what somebody wants to be told of.
pub(super) fn level(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let name = room(cx)?;
    let map = with(body(cx)?, "room", &name);
    let operation = commands::level_of(Fields(&map))?;
    change(cx, user, operation, Status::OK)
}

/// `POST /rooms/{room}/typing`: tells others that somebody types, as often as a WebSocket may.
pub(super) fn typing(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let name = room(cx)?;
    let mut tick = Tick {
        state: cx.state,
        house: cx.house.again(),
    };
    questions::type_in(&mut tick, user, &name)?;
    done()
}

/// The room of the path.
pub(super) fn room(cx: &Cx<'_, Hall>) -> Result<RoomName, Refusal> {
    RoomName::parse("room", &segment(cx, "room")?)
}

enum Who {
    Me,
    Other(UserName),
}

impl Who {
    fn name(self, own: &UserName) -> UserName {
        match self {
            Self::Me => own.clone(),
            Self::Other(name) => name,
        }
    }
}

fn person(cx: &Cx<'_, Hall>) -> Result<Who, Refusal> {
    match segment(cx, "user")?.as_str() {
        "me" => Ok(Who::Me),
        name => Ok(Who::Other(UserName::parse("user", name)?)),
    }
}

/// Has something done and answers what it gave: `made` for what was not there before.
pub(super) fn change(
    cx: &mut Cx<'_, Hall>,
    user: UserId,
    operation: Operation,
    made: Status,
) -> Answered {
    let key = idempotency_key(cx)?;
    change_under(cx, user, key, operation, made)
}

/// The same under a key that came elsewhere.
pub(super) fn change_under(
    cx: &mut Cx<'_, Hall>,
    user: UserId,
    key: Option<Key>,
    operation: Operation,
    made: Status,
) -> Answered {
    let name = operation.room().cloned();
    Ok(want(
        cx,
        Some(user),
        key,
        operation,
        move |cx, came: Done| {
            let Done {
                answer: given,
                repeat,
            } = came;
            if given == Answer::Done && !repeat {
                return done();
            }
            let json = answer_json(cx.state, user, name.as_ref(), &given, repeat)?;
            let status = if repeat { Status::OK } else { made };
            match status {
                Status::CREATED => created(json),
                status => Ok(Reply::of(answer(status, json))),
            }
        },
    ))
}
