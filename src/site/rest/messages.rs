//! # Messages: `/rooms/{room}/messages` and reactions to them

use super::asking::{Answered, body, created, idempotency_key, ok, query, ran, segment, settled};
use super::rooms::{change, change_under, room};
use crate::chat::{
    Answer, Code, Emoji, Identity, Key, Operation, Refusal, Seq, UserId, Whence, history,
};
use crate::http::Status;
use crate::site::auth::identity;
use crate::site::commands::{self, Saying};
use crate::site::fields::{Fields, with, wrong};
use crate::site::hall::Hall;
use crate::site::scope;
use crate::site::slash::{self, Typed};
use crate::site::{questions, wire};
use crate::web::{Cx, Reply};

/// `GET /rooms/{room}/messages`: a page of what was said.
pub(super) fn list(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let name = room(cx)?;
    let numbers = ["before", "after", "around", "limit"];
    let map = with(query(cx, &[], &numbers, &[]), "room", &name);
    ok(questions::history_page(cx.state, user, Fields(&map))?)
}

/// `POST /rooms/{room}/messages`: says something.
pub(super) fn send(cx: &mut Cx<'_, Hall>) -> Answered {
    let Identity { user, scopes, .. } = identity(cx)?;
    let name = room(cx)?;
    let map = with(body(cx)?, "room", &name);
    let fields = Fields(&map);
    let saying = commands::send(fields)?;
    let key = match idempotency_key(cx)? {
        Some(key) => Some(key),
        None => fields.key()?,
    };
    match saying {
        Saying::Say(operation) => change_under(cx, user, key, operation, Status::CREATED),
        Saying::Run(typed) => {
            scope::must_have_commands(scopes.as_ref())?;
            Ok(run(cx, user, key, typed))
        }
    }
}

/// Does what somebody typed: 201 if that said something, and in the body what is for them alone.
fn run(cx: &mut Cx<'_, Hall>, user: UserId, key: Option<Key>, typed: Typed) -> Reply<Hall> {
    let room = typed.room.clone();
    let its_key = key.clone();
    ran(cx, user, key, typed).then(move |cx, done: Result<slash::Done, Refusal>| {
        settled(done.and_then(|done| {
            let now = cx.house.now().unix_ms;
            let object = slash::done_json(cx.state, user, &room, &done)?;
            let json = match slash::told(&done, &room, its_key.as_ref(), now) {
                Some(told) => object.json("answer", &told).end(),
                None => object.end(),
            };
            match done.stored {
                Some((Answer::Sent { .. }, false)) => created(json),
                _ => ok(json),
            }
        }))
    })
}

/// `GET /rooms/{room}/messages/{seq}`.
pub(super) fn show(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let (name, seq) = (room(cx)?, seq(cx)?);
    let room = questions::find_own(cx.state, user, &name)?;
    let page = cx
        .state
        .look(|tables, _| history::history(tables, room, Whence::Around(seq), 1))?;
    match page.messages.iter().find(|message| message.seq == seq) {
        Some(message) => ok(wire::message(message)),
        None => {
            let tell = format!("There is no message {seq} in \"{name}\".");
            Err(Refusal::new(Code::NotFound, tell))
        }
    }
}

/// `PATCH /rooms/{room}/messages/{seq}`: says it differently.
pub(super) fn edit(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let (room, seq) = (room(cx)?, seq(cx)?);
    let map = body(cx)?;
    let text = Fields(&map).said(false)?;
    change(cx, user, Operation::Edit { room, seq, text }, Status::OK)
}

/// `DELETE /rooms/{room}/messages/{seq}`.
pub(super) fn delete(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let operation = Operation::Delete {
        room: room(cx)?,
        seq: seq(cx)?,
    };
    change(cx, user, operation, Status::OK)
}

/// `PUT /rooms/{room}/messages/{seq}/reactions/{emoji}`.
pub(super) fn react(cx: &mut Cx<'_, Hall>) -> Answered {
    reaction(cx, true)
}

/// `DELETE /rooms/{room}/messages/{seq}/reactions/{emoji}`.
pub(super) fn unreact(cx: &mut Cx<'_, Hall>) -> Answered {
    reaction(cx, false)
}

fn reaction(cx: &mut Cx<'_, Hall>, on: bool) -> Answered {
    let user = identity(cx)?.user;
    let operation = Operation::React {
        room: room(cx)?,
        seq: seq(cx)?,
        emoji: Emoji::parse("emoji", &segment(cx, "emoji")?)?,
        on,
    };
    change(cx, user, operation, Status::OK)
}

/// The message of the path.
fn seq(cx: &Cx<'_, Hall>) -> Result<Seq, Refusal> {
    let number = segment(cx, "seq")?.parse();
    number.map_err(|_| wrong("seq", "a whole number from 0 on"))
}
