//! # Saying: what a form does in a room
//!
//! Promises
//! 1. A form that is sent twice says it once: the page gave it a key.

use super::form::Form;
use super::room::{TEMPLATE, content, found};
use super::rooms::path_of;
use super::{Paged, identity, see};
use crate::chat::{Answer, Identity, Key, Operation, Refusal, RoomName, RoomSummary, Seq, Whence};
use crate::site::commands::{self, Saying};
use crate::site::fields::Fields;
use crate::site::hall::Hall;
use crate::site::rest::asking::{Done, ran, segment, wanted};
use crate::site::slash;
use crate::web::{Cx, Reply, context};

/// `POST /r/{room}`
pub(super) fn say(cx: &mut Cx<'_, Hall>) -> Paged {
    let form = Form::sent(cx)?;
    let me = identity(cx)?;
    let room = found(cx, &me)?;
    let (key, saying) = match read(&form, &room) {
        Ok(read) => read,
        Err(refusal) => return again(cx, form, &me, &refusal),
    };
    let operation = match saying {
        Saying::Say(operation) => operation,
        Saying::Run(typed) => {
            let done = ran(cx, me.user, key, typed);
            return Ok(done.then(move |cx, done| answered(cx, form, me, room, done)));
        }
    };
    let sent = wanted(cx, Some(me.user), key, operation);
    let then = move |cx: &mut Cx<'_, Hall>, sent: Result<Done, Refusal>| match sent {
        Ok(done) => {
            let Answer::Sent { seq, .. } = done.answer else {
                unreachable!("a message was sent");
            };
            see_said(cx, &me, room.name, seq)
        }
        Err(refusal) => {
            let paged = again(cx, form, &me, &refusal);
            super::settled(cx, paged)
        }
    };
    Ok(sent.then(then))
}

/// Whoever answers has read, and the page that comes now shows what came between.
fn see_said(cx: &mut Cx<'_, Hall>, me: &Identity, room: RoomName, seq: Seq) -> Reply<Hall> {
    let to = format!("{}#m-{seq}", path_of(&room));
    let read = wanted(cx, Some(me.user), None, Operation::Read { room, seq });
    read.then(move |_, _| see(&to))
}

/// What came of a command: what it said in the room, or the room with what is for one person alone,
/// which is gone when they look again.
fn answered(
    cx: &mut Cx<'_, Hall>,
    form: Form,
    me: Identity,
    room: RoomSummary,
    done: Result<slash::Done, Refusal>,
) -> Reply<Hall> {
    let done = match done {
        Ok(done) => done,
        Err(refusal) => {
            let paged = again(cx, form, &me, &refusal);
            return super::settled(cx, paged);
        }
    };
    if let Some((Answer::Sent { seq, .. }, _)) = done.stored {
        return see_said(cx, &me, room.name, seq);
    }
    let paged = content(cx, &me, Whence::Latest).and_then(|page| {
        let page = context! { answer => done.told, ..page };
        Form::default().page(cx, TEMPLATE, page)
    });
    super::settled(cx, paged)
}

fn read(form: &Form, room: &RoomSummary) -> Result<(Option<Key>, Saying), Refusal> {
    let mut sent = form.fields().0.clone();
    sent.insert("room".to_owned(), room.name.as_str().into());
    let reply = form.text("reply_to").and_then(|it| it.parse::<u32>().ok());
    match reply {
        Some(seq) => sent.insert("reply_to".to_owned(), seq.into()),
        None => sent.remove("reply_to"),
    };
    // An attachment is no part of the form.
    sent.remove("attachment");
    let fields = Fields(&sent);
    Ok((fields.key()?, commands::send(fields)?))
}

/// The room once more, with what was typed. Under another key: what was refused under the old one may
/// be said differently.
fn again(cx: &mut Cx<'_, Hall>, form: Form, me: &Identity, refusal: &Refusal) -> Paged {
    let page = content(cx, me, Whence::Latest)?;
    Ok(form.without("key").again(cx, TEMPLATE, page, refusal))
}

/// Does something in the room that the path names, and goes somewhere then.
fn act(
    cx: &mut Cx<'_, Hall>,
    to: impl FnOnce(&RoomSummary) -> String,
    operation: impl FnOnce(&RoomSummary) -> Result<Operation, Refusal>,
) -> Paged {
    let me = identity(cx)?;
    let room = found(cx, &me)?;
    let to = to(&room);
    let operation = operation(&room)?;
    let done = wanted(cx, Some(me.user), None, operation);
    Ok(
        done.then(move |cx: &mut Cx<'_, Hall>, done: Result<Done, Refusal>| {
            let paged = done.map(|_| Reply::of(see(&to)));
            super::settled(cx, paged)
        }),
    )
}

/// `POST /r/{room}/join`
pub(super) fn join(cx: &mut Cx<'_, Hall>) -> Paged {
    Form::sent(cx)?;
    let operation = |room: &RoomSummary| {
        let room = room.name.clone();
        Ok(Operation::Join { room })
    };
    act(cx, |room| path_of(&room.name), operation)
}

/// `POST /r/{room}/leave`
pub(super) fn leave(cx: &mut Cx<'_, Hall>) -> Paged {
    Form::sent(cx)?;
    let operation = |room: &RoomSummary| {
        let room = room.name.clone();
        Ok(Operation::Leave { room })
    };
    act(cx, |_| "/".to_owned(), operation)
}

/// `POST /r/{room}/read`: all that there was on the page.
pub(super) fn read_upto(cx: &mut Cx<'_, Hall>) -> Paged {
    let form = Form::sent(cx)?;
    let seq = form.text("seq").and_then(|seq| seq.parse().ok());
    let seq = seq.ok_or_else(|| Refusal::field("seq", "`seq` is missing."))?;
    let operation = |room: &RoomSummary| {
        let room = room.name.clone();
        Ok(Operation::Read { room, seq })
    };
    act(cx, |room| path_of(&room.name), operation)
}

/// `POST /r/{room}/{seq}/delete`
pub(super) fn delete(cx: &mut Cx<'_, Hall>) -> Paged {
    Form::sent(cx)?;
    let seq = segment(cx, "seq")?;
    let seq = seq
        .parse()
        .map_err(|_| Refusal::not_found("Messages have numbers."))?;
    let operation = |room: &RoomSummary| {
        let room = room.name.clone();
        Ok(Operation::Delete { room, seq })
    };
    act(
        cx,
        |room| format!("{}#m-{seq}", path_of(&room.name)),
        operation,
    )
}
