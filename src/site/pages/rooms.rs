//! # Rooms: where somebody is, where they could be, and what they are to know

use minijinja::Value;

use super::form::Form;
use super::{Paged, door, first, identity, moment, render, see, settings, talk};
use crate::chat::limits::HELLO_ROOMS_MAX;
use crate::chat::{
    Answer, Code, Identity, Kind, NotificationId, Operation, Refusal, RoomName, RoomSummary,
    notifications as notes, summary,
};
use crate::http::Representation;
use crate::http::form::push_encoded;
use crate::site::hall::Hall;
use crate::site::rest::asking::{Done, wanted};
use crate::site::wire::time::rfc3339;
use crate::site::{commands, secret};
use crate::web::{Cx, Reply, context, made_s};

/// Public rooms of a page.
const BROWSED_MAX: u32 = 100;

/// Notifications of the page.
const NOTES_MAX: u32 = 50;

/// The path of a room.
pub(super) fn path_of(room: &str) -> String {
    let mut path = "/r/".to_owned();
    push_encoded(&mut path, room);
    path
}

/// What stands beside every page of whoever is signed in: their rooms, and how much is new.
pub(super) fn beside(cx: &Cx<'_, Hall>, me: &Identity) -> Result<Value, Refusal> {
    let (mine, unseen) = cx.state.look(|tables, horizon| {
        let mine = summary::hello(tables, me.user, HELLO_ROOMS_MAX, horizon)?;
        let unseen = notes::unseen(tables, me.user, horizon.op)?;
        Ok((mine.items, unseen))
    })?;
    let (mut direct, mut rooms): (Vec<_>, Vec<_>) = mine
        .into_iter()
        .filter(|room| !room.facts.archived)
        .partition(|room| room.facts.kind == Kind::Direct);
    rooms.sort_by(|one, other| one.name.cmp(&other.name));
    direct.sort_by(|one, other| one.facts.title.cmp(&other.facts.title));
    Ok(context! {
        server => settings(cx)?.name,
        me => context! {
            name => me.name.as_str(),
            display_name => me.display_name.as_str(),
            face => talk::face(cx.state, &me.name, &me.display_name),
        },
        rooms => rooms.iter().map(line).collect::<Vec<_>>(),
        direct => direct.iter().map(line).collect::<Vec<_>>(),
        unseen,
    })
}

/// A room in a list.
pub(super) fn line(room: &RoomSummary) -> Value {
    let joined = room.joined.as_ref();
    context! {
        name => room.name.as_str(),
        path => path_of(&room.name),
        title => room.facts.title.as_str(),
        topic => room.facts.topic.as_str(),
        kind => room.facts.kind.as_str(),
        members => room.members,
        joined => joined.is_some(),
        unread => room.unread(),
        mentions => joined.map_or(0, |it| it.mentions),
    }
}

/// `GET /`
pub(super) fn show(cx: &mut Cx<'_, Hall>) -> Paged {
    let me = match identity(cx) {
        Err(refusal) if refusal.code == Code::Unauthenticated => return for_strangers(cx),
        known => known?,
    };
    let beside = beside(cx, &me)?;
    Form::default().page(cx, "home.html", beside)
}

/// What whoever is not signed in sees first: how to begin, or the door. It is the same for all of them,
/// so that it may be asked for again, or in part, as any file.
fn for_strangers(cx: &mut Cx<'_, Hall>) -> Paged {
    let paged = match settings(cx)?.is_empty {
        true => first::blank(cx),
        false => door::blank(cx),
    };
    let page = match paged? {
        Reply::Respond(page) => page,
        other => return Ok(other),
    };
    let html = page.content().bytes();
    let hash = secret::hash(&String::from_utf8_lossy(html));
    let tag = format!("\"{}\"", data_encoding::HEXLOWER.encode(&hash[..8]));
    let front = Representation {
        length: html.len() as u64,
        content_type: "text/html; charset=utf-8",
        etag: Some(&tag),
        last_modified_s: made_s(),
    };
    let served = front.serve(&cx.request.head(), cx.house.now().unix_ms, html.to_vec());
    Ok(Reply::of(served.field("Cache-Control", "no-cache")))
}

/// `GET /rooms`: public rooms, to come in.
pub(super) fn browse(cx: &mut Cx<'_, Hall>) -> Paged {
    let me = identity(cx)?;
    let after = cx.request.query("after");
    let after = after
        .map(|name| RoomName::parse("after", &name))
        .transpose()?;
    let found = cx.state.look(|tables, horizon| {
        summary::visible_rooms(tables, me.user, false, after.as_ref(), BROWSED_MAX, horizon)
    })?;
    let last = found.items.last().filter(|_| found.more);
    let next = last.map(|room| {
        let mut next = "/rooms?after=".to_owned();
        push_encoded(&mut next, &room.name);
        next
    });
    let is_public = |room: &&RoomSummary| room.facts.kind == Kind::Public;
    let public: Vec<_> = found.items.iter().filter(is_public).map(line).collect();
    let beside = beside(cx, &me)?;
    Ok(render(
        cx,
        "rooms.html",
        context! { public, next, ..beside },
    ))
}

/// `POST /direct`: a conversation with somebody.
pub(super) fn direct(cx: &mut Cx<'_, Hall>) -> Paged {
    let form = Form::sent(cx)?;
    let me = identity(cx)?;
    let beside = beside(cx, &me)?;
    let operation = match commands::direct(form.fields()) {
        Ok(operation) => operation,
        Err(refusal) => return Ok(form.again(cx, "home.html", beside, &of_one(refusal))),
    };
    let opened = wanted(cx, Some(me.user), None, operation);
    Ok(opened.then(
        move |cx: &mut Cx<'_, Hall>, opened: Result<Done, Refusal>| {
            let opened = opened.and_then(|done| {
                let Answer::Room(room) = done.answer else {
                    unreachable!("there is a room");
                };
                let reader = &cx.state.reader;
                let name = reader.query(|tables| summary::name(tables, room))?;
                name.ok_or_else(|| Refusal::not_found("The room is gone."))
            });
            match opened {
                Ok(room) => Reply::of(see(&path_of(&room))),
                Err(refusal) => form.again(cx, "home.html", beside, &of_one(refusal)),
            }
        },
    ))
}

/// What is wrong with those who are to be in a conversation is wrong with the one whom the form names.
fn of_one(refusal: Refusal) -> Refusal {
    match refusal.field {
        Some("users") => Refusal {
            field: Some("user"),
            message: refusal.message.replace("`users`", "`user`"),
            ..refusal
        },
        _ => refusal,
    }
}

/// `GET /notifications`
pub(super) fn notifications(cx: &mut Cx<'_, Hall>) -> Paged {
    let me = identity(cx)?;
    let found = cx.state.look(|tables, horizon| {
        notes::notifications(tables, me.user, None, horizon.op, NOTES_MAX)
    })?;
    let latest = found.items.first().map(|it| it.id.0);
    let each = found.items.iter().map(|it| {
        let place = it.room.as_ref();
        context! {
            from => it.from.as_ref().map(|from| from.display_name.as_str()),
            room => place.map(|(room, _)| room.as_str()),
            path => place.map(|(room, seq)| format!("{}/{seq}#m-{seq}", path_of(room))),
            text => &*it.text,
            at => rfc3339(it.at),
            day => moment::said_day(it.at),
            clock => moment::clock(it.at),
            seen => it.seen,
        }
    });
    let notes: Vec<_> = each.collect();
    let beside = beside(cx, &me)?;
    let page = context! { notes, latest, ..beside };
    Ok(render(cx, "notifications.html", page))
}

/// `POST /notifications`: all up to there are seen.
pub(super) fn seen(cx: &mut Cx<'_, Hall>) -> Paged {
    let form = Form::sent(cx)?;
    let me = identity(cx)?;
    let id = form.text("upto").and_then(|upto| upto.parse().ok());
    let id = NotificationId(id.ok_or_else(|| Refusal::field("upto", "`upto` is missing."))?);
    let seen = wanted(cx, Some(me.user), None, Operation::Seen { id });
    Ok(
        seen.then(|cx: &mut Cx<'_, Hall>, seen: Result<Done, Refusal>| {
            let paged = seen.map(|_| Reply::of(see("/notifications")));
            super::settled(cx, paged)
        }),
    )
}
