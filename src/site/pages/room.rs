//! # Room: reading what was said
//!
//! The last messages, those before or after one, or those around one. Reading here marks nothing as
//! read: a page that is only looked at changes nothing, and a form beside it does.

use minijinja::Value;

use super::form::Form;
use super::rooms::{beside, line, path_of};
use super::talk::{self, Reader};
use super::{Paged, identity};
use crate::chat::{
    History, Identity, Refusal, Role, RoomId, RoomName, RoomSummary, Seq, Standing, Whence,
    history, summary,
};
use crate::site::hall::Hall;
use crate::site::questions;
use crate::site::rest::asking;
use crate::site::secret;
use crate::web::Cx;
use crate::web::context;

/// Messages of a page.
const MESSAGES: u32 = 50;

pub(super) const TEMPLATE: &str = "room.html";

/// The room that a path names, as whoever asks sees it.
pub(super) fn found(cx: &Cx<'_, Hall>, me: &Identity) -> Result<RoomSummary, Refusal> {
    let name = RoomName::parse("room", &asking::segment(cx, "room")?)
        .map_err(|_| Refusal::not_found("There is no such room."))?;
    let (room, _): (RoomId, _) = questions::find(cx.state, me.user, &name)?;
    let found = cx
        .state
        .look(|tables, horizon| summary::summary(tables, room, me.user, horizon))?;
    found.ok_or_else(|| Refusal::not_found("The room is gone."))
}

/// `GET /r/{room}`, perhaps with `?before=` or `?after=`.
pub(super) fn show(cx: &mut Cx<'_, Hall>) -> Paged {
    let number = |name: &str| cx.request.query(name).and_then(|it| it.parse().ok());
    let whence = match (number("before"), number("after")) {
        (Some(seq), _) => Whence::Before(seq),
        (None, Some(seq)) => Whence::After(seq),
        (None, None) => Whence::Latest,
    };
    page(cx, whence, &Form::default())
}

/// `GET /r/{room}/{seq}`
pub(super) fn show_around(cx: &mut Cx<'_, Hall>) -> Paged {
    let seq = asking::segment(cx, "seq")?;
    let seq = seq
        .parse()
        .map_err(|_| Refusal::not_found("Messages have numbers."))?;
    page(cx, Whence::Around(seq), &Form::default())
}

fn page(cx: &mut Cx<'_, Hall>, whence: Whence, form: &Form) -> Paged {
    let me = identity(cx)?;
    let page = content(cx, &me, whence)?;
    form.page(cx, TEMPLATE, page)
}

/// What the page of a room says.
pub(super) fn content(cx: &Cx<'_, Hall>, me: &Identity, whence: Whence) -> Result<Value, Refusal> {
    let room = found(cx, me)?;
    let beside = beside(cx, me)?;
    let path = path_of(&room.name);
    let Some(joined) = &room.joined else {
        return Ok(context! {
            room => line(&room),
            path,
            days => (),
            may_speak => false,
            ..beside
        });
    };
    let (said, answered) = cx.state.look(|tables, _| {
        let said = history::history(tables, room.id, whence, MESSAGES)?;
        let reply: Option<Seq> = cx.request.query("reply").and_then(|it| it.parse().ok());
        let answered = match reply {
            Some(seq) => history::history(tables, room.id, Whence::Around(seq), 1)?
                .messages
                .into_iter()
                .find(|message| message.seq == seq),
            None => None,
        };
        Ok((said, answered))
    })?;
    let reader = Reader {
        name: &me.name,
        moderates: joined.standing >= Standing::Moderator || me.role == Role::Admin,
        read: joined.read,
    };
    let now = cx.house.now().unix_ms;
    let is_muted = joined.muted_until.is_some_and(|until| until > now);
    let answering = answered.map(|message| {
        let name = message.from.display_name.as_str().to_owned();
        context! { seq => message.seq, name, gist => talk::gist(&message) }
    });
    let History {
        messages,
        more,
        more_after,
    } = &said;
    Ok(context! {
        room => line(&room),
        path,
        days => talk::days(cx.state, messages, &reader),
        older => messages.first().filter(|_| *more).map(|it| it.seq),
        newer => messages.last().filter(|_| *more_after).map(|it| it.seq),
        around => match whence { Whence::Around(seq) => Some(seq), _ => None },
        latest => room.seq,
        may_speak => !is_muted && !room.facts.archived,
        archived => room.facts.archived,
        answering,
        key => secret::fresh_id()?,
        ..beside
    })
}
