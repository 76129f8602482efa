//! # Questions: what is answered from what there is
//!
//! Each answer is bounded. What is always fast is looked up on the loop; searching is not, and is
//! done by a helper. REST asks the same and gets the same.

use super::commands::Question;
use super::crowd::{Seat, State};
use super::fields::{Fields, wrong};
use super::hall::Hall;
use super::socket::{refuse, reply};
use super::wire::{self, Object};
use super::{auth, presence, searching, watching};
use crate::chat::limits::HISTORY_MAX;
use crate::chat::{
    Code, Identity, NotificationId, Refusal, RoomId, RoomName, Standing, UserId, Whence, bans,
    history, notifications, summary,
};
use crate::web::{Live, Tick};

/// Rooms, members or notifications of a page.
const PAGE_MAX: u32 = 200;

/// Messages of a page of history if nothing is said.
const HISTORY_USUAL: u32 = 50;

/// Answers a question over a WebSocket.
pub(super) fn ask(
    live: &mut Live<'_, Hall>,
    user: UserId,
    id: Option<i64>,
    question: Question,
    fields: Fields<'_>,
) {
    let channel = live.channel();
    let hall = &mut *live.state;
    let answer = match question {
        Question::Rooms => rooms(hall, user, fields),
        Question::Members => members(hall, user, fields),
        Question::Bans => bans(hall, user, fields),
        Question::History => history_page(hall, user, fields),
        Question::Notifications => notes(hall, user, fields),
        Question::Ping => Ok(ping(live.house.now().unix_ms)),
        Question::Me => me(hall, user),
        Question::Watch => watching::watch(hall, &mut live.house, user, channel, fields),
        Question::Auth => auth::renew(hall, user, channel, fields, live.house.now().unix_ms),
        Question::Presence => {
            let mut tick = Tick {
                state: hall,
                house: live.house.again(),
            };
            present(&mut tick, user, channel, fields)
        }
        Question::Typing => {
            let mut tick = Tick {
                state: hall,
                house: live.house.again(),
            };
            let typed = fields
                .room()
                .and_then(|name| type_in(&mut tick, user, &name));
            return match typed {
                Ok(()) => {}
                Err(refusal) => refuse(live, channel, id, &refusal),
            };
        }
        Question::Search => {
            let asked = match searching::asked(hall, user, fields) {
                Ok(asked) => asked,
                Err(refusal) => return refuse(live, channel, id, &refusal),
            };
            let mut tick = Tick {
                state: hall,
                house: live.house.again(),
            };
            return searching::search(&mut tick, asked, move |tick, found| {
                let found = found.as_deref();
                reply(&mut tick.house, channel, id, found);
            });
        }
        Question::Resume => unreachable!("the socket itself resumes"),
    };
    match answer {
        Ok(answer) => reply(&mut live.house, channel, id, Ok(&answer)),
        Err(refusal) => refuse(live, channel, id, &refusal),
    }
}

/// The room of that name, which somebody may see, and what they are in it.
pub(super) fn find(
    hall: &Hall,
    user: UserId,
    name: &RoomName,
) -> Result<(RoomId, Option<Standing>), Refusal> {
    let found = hall.look(|tables, _| summary::room_named(tables, name, user))?;
    found.ok_or_else(|| {
        Refusal::not_found(format!(
            "There is no room \"{name}\", or you may not see it."
        ))
    })
}

/// The same for members only.
pub(super) fn find_own(hall: &Hall, user: UserId, name: &RoomName) -> Result<RoomId, Refusal> {
    match find(hall, user, name)? {
        (room, Some(_)) => Ok(room),
        (_, None) => Err(not_inside(name)),
    }
}

/// What is in a room, and not only that it is there, is for members.
pub(super) fn not_inside(name: &RoomName) -> Refusal {
    let tell = format!("Join room \"{name}\" before looking into it.");
    Refusal::new(Code::NotAMember, tell)
}

/// A room as somebody sees it, with those who are in it just now.
pub(super) fn room(hall: &Hall, user: UserId, room: RoomId) -> Result<Object, Refusal> {
    let found = hall.look(|tables, horizon| {
        let members = summary::members_len(tables, room)?;
        Ok((summary::summary(tables, room, user, horizon)?, members))
    })?;
    let (Some(mut summary), members) = found else {
        return Err(Refusal::not_found("The room is gone."));
    };
    // Whoever asks may have come in just now, which is told to everybody only afterwards.
    summary.members = members;
    let comes = summary.joined.is_some() && hall.crowd.state(user) != State::Offline;
    let is_new = comes && !hall.presence.here(room).any(|here| here == user);
    let here = hall.presence.here(room).chain(is_new.then_some(user));
    let online = here.take(PAGE_MAX as usize);
    let names = online
        .filter_map(|user| hall.crowd.name(user))
        .map(|(name, _)| name);
    let count = hall.presence.len(room) + usize::from(is_new);
    Ok(wire::room(&summary)
        .texts("online", names)
        .number("online_count", count as u64))
}

/// The rooms that somebody may see, in the order of their names.
pub(super) fn rooms(hall: &Hall, user: UserId, fields: Fields<'_>) -> Result<String, Refusal> {
    let after = match fields.maybe_text("after")? {
        None => None,
        Some(name) => Some(RoomName::parse("after", name)?),
    };
    let all = fields.maybe_flag("all")?.unwrap_or(false);
    if all && !hall.look(|tables, _| summary::is_admin(tables, user))? {
        let tell = "Only an admin may see `all` rooms.";
        return Err(Refusal::forbidden(tell));
    }
    let limit = fields.limit(PAGE_MAX, PAGE_MAX)?;
    let rooms = hall.look(|tables, horizon| {
        summary::visible_rooms(tables, user, all, after.as_ref(), limit, horizon)
    })?;
    Ok(Object::new()
        .array(
            "rooms",
            rooms.items.iter().map(|room| wire::room(room).end()),
        )
        .flag("more", rooms.more)
        .end())
}

/// The members of a room.
pub(super) fn members(hall: &Hall, user: UserId, fields: Fields<'_>) -> Result<String, Refusal> {
    let name = fields.room()?;
    let (room, _) = find(hall, user, &name)?;
    let after = fields.maybe_number("after")?.map(UserId);
    let limit = fields.limit(PAGE_MAX, PAGE_MAX)?;
    let members = hall.look(|tables, _| summary::members(tables, room, after, limit))?;
    let next = members
        .items
        .last()
        .filter(|_| members.more)
        .map(|last| last.person.id.0);
    let each = members.items.iter().map(|member| {
        let id = member.person.id;
        wire::member(member, hall.crowd.state(id), hall.crowd.last_seen(id))
    });
    Ok(Object::new()
        .text("room", &name)
        .array("members", each)
        .flag("more", members.more)
        .maybe_number("next", next)
        .end())
}

/// Who is banned from a room, for those who keep order there.
pub(super) fn bans(hall: &Hall, user: UserId, fields: Fields<'_>) -> Result<String, Refusal> {
    let name = fields.room()?;
    let (room, _) = find(hall, user, &name)?;
    if !hall.look(|tables, _| summary::may_moderate(tables, room, user))? {
        let tell = format!("Only an owner or moderator of \"{name}\" may see who is banned.");
        return Err(Refusal::forbidden(tell));
    }
    let after = fields.maybe_number("after")?.map(UserId);
    let limit = fields.limit(PAGE_MAX, PAGE_MAX)?;
    let bans = hall.look(|tables, _| bans::bans(tables, room, after, limit))?;
    let last = bans.items.last().filter(|_| bans.more);
    Ok(Object::new()
        .text("room", &name)
        .array("bans", bans.items.iter().map(wire::ban))
        .flag("more", bans.more)
        .maybe_number("next", last.map(|last| last.person.id.0))
        .end())
}

/// A page of what was said in a room.
pub(super) fn history_page(
    hall: &Hall,
    user: UserId,
    fields: Fields<'_>,
) -> Result<String, Refusal> {
    let name = fields.room()?;
    let room = find_own(hall, user, &name)?;
    let limit = fields.limit(HISTORY_USUAL, HISTORY_MAX)?;
    let before = fields.maybe_number("before")?.map(Whence::Before);
    let after = fields.maybe_number("after")?.map(Whence::After);
    let around = fields.maybe_number("around")?.map(Whence::Around);
    let mut whence = [before, after, around].into_iter().flatten();
    let from = whence.next().unwrap_or(Whence::Latest);
    if whence.next().is_some() {
        return Err(wrong(
            "before",
            "alone: only one of `before`, `after` and `around` is of use",
        ));
    }
    let page = hall.look(|tables, _| history::history(tables, room, from, limit))?;
    let is_after = matches!(from, Whence::After(_));
    Ok(Object::new()
        .text("room", &name)
        .array("messages", page.messages.iter().map(wire::message))
        .flag("more", if is_after { page.more_after } else { page.more })
        .flag("more_before", page.more)
        .flag("more_after", page.more_after)
        .end())
}

/// What somebody is to know, newest first.
pub(super) fn notes(hall: &Hall, user: UserId, fields: Fields<'_>) -> Result<String, Refusal> {
    let before = fields.maybe_number("before")?.map(NotificationId);
    let limit = fields.limit(HISTORY_USUAL, PAGE_MAX)?;
    let (page, unseen) = hall.look(|tables, horizon| {
        Ok((
            notifications::notifications(tables, user, before, horizon.op, limit)?,
            notifications::unseen(tables, user, horizon.op)?,
        ))
    })?;
    Ok(Object::new()
        .array("notifications", page.items.iter().map(wire::notification))
        .flag("more", page.more)
        .number("unread", unseen)
        .end())
}

/// What time it is.
pub(super) fn ping(now_ms: u64) -> String {
    Object::new().text("at", &wire::time::rfc3339(now_ms)).end()
}

fn me(hall: &Hall, user: UserId) -> Result<String, Refusal> {
    let (name, display_name) = hall
        .crowd
        .name(user)
        .ok_or_else(|| Refusal::not_found("This connection is about to end."))?;
    Ok(Object::new()
        .text("name", name)
        .text("display_name", display_name)
        .end())
}

/// Who is in a room just now; or how whoever asks wants to be seen, with `away`.
fn present(
    tick: &mut Tick<'_, Hall>,
    user: UserId,
    channel: crate::layer::Channel,
    fields: Fields<'_>,
) -> Result<String, Refusal> {
    if let Some(away) = fields.maybe_flag("away")? {
        attend(tick, user, channel, away);
        if !fields.has("room") {
            return Ok(Object::new().end());
        }
    }
    let name = fields.room()?;
    let room = find_own(tick.state, user, &name)?;
    let hall = &*tick.state;
    let with = |state: State| {
        let here = hall
            .presence
            .here(room)
            .filter(move |user| hall.crowd.state(*user) == state);
        here.take(PAGE_MAX as usize)
            .filter_map(|user| hall.crowd.name(user))
            .map(|(name, _)| name)
    };
    Ok(Object::new()
        .texts("online", with(State::Online))
        .texts("away", with(State::Away))
        .number("count", hall.presence.len(room) as u64)
        .end())
}

/// A device says whether somebody looks at it.
fn attend(tick: &mut Tick<'_, Hall>, user: UserId, channel: crate::layer::Channel, away: bool) {
    attend_where(tick, user, away, |seat| seat.channel == channel);
}

/// The same of a device that listens without a WebSocket: by the token with which it does.
pub(super) fn attend_by(tick: &mut Tick<'_, Hall>, identity: &Identity, away: bool) {
    let token = identity.token;
    attend_where(tick, identity.user, away, |seat| seat.token == token);
}

fn attend_where(
    tick: &mut Tick<'_, Hall>,
    user: UserId,
    away: bool,
    is_meant: impl Fn(&Seat) -> bool,
) {
    let before = tick.state.crowd.state(user);
    let now = tick.house.now().instant;
    for seat in tick.state.crowd.seats_mut(user) {
        if is_meant(seat) {
            seat.away = away;
            seat.active = now;
            seat.idle = false;
        }
    }
    if tick.state.crowd.state(user) != before {
        presence::tell_state(tick, user);
    }
}

/// Somebody types in a room.
pub(super) fn type_in(
    tick: &mut Tick<'_, Hall>,
    user: UserId,
    name: &RoomName,
) -> Result<(), Refusal> {
    let room = find_own(tick.state, user, name)?;
    let now = tick.house.now().instant;
    if tick.state.presence.types(room, user, now) {
        presence::tell_typing(tick, room, name, user);
    }
    Ok(())
}
