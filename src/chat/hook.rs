//! # Hooks: ways for programs into a room and out of it
//!
//! An incoming hook has a secret in its address, and a bot that says what is sent there. An outgoing
//! hook has an address of somebody else's, to which events of rooms are sent; the answer is said by its
//! bot. How they are sent is not known here: [`deliveries`](super::deliveries) keeps what is to be.
//!
//! Promises
//! 1. A hook says and hears what its bot may, and nothing else: who removes the bot from a room has
//!    ended that.
//! 2. A hook of somebody who may not sign in any more is paused.
//! 3. A bot that was made for a hook goes with it.

use rusqlite::Connection;

use super::account::{add_bot, tell_account};
use super::apply::Stop;
use super::event::{Exit, Person};
use super::id::{HookId, RoomId, UserId};
use super::limits::{HOOK_URL_BYTES_MAX, HOOKS_MAX};
use super::message::{self, Saying};
use super::name::{HookUrl, RoomName, Text, Title, UserName};
use super::operation::{HookEvent, HookWay, Kind, Operation, Role, Standing, Style};
use super::outcome::Answer;
use super::place::Place;
use super::refusal::{Code, Refusal};
use super::room;
use super::work::Work;
use crate::store::{StoreError, rusqlite};

pub(super) fn perform(work: &mut Work<'_>, operation: &Operation) -> Result<Answer, Stop> {
    match operation {
        Operation::CreateHook {
            name,
            room,
            bot,
            way,
        } => create(work, name, room.as_ref(), bot.as_ref(), way),
        Operation::PauseHook { hook, paused } => pause(work, *hook, *paused),
        Operation::DeleteHook { hook } => delete(work, *hook),
        Operation::HandOver {
            room,
            command,
            text,
        } => hand_over(work, room, command, text),
        other => unreachable!("{other:?} is not about hooks"),
    }
}

impl HookUrl {
    /// Where events are sent: `http://` or `https://`, a host, and no name or password.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Refusal> {
        let wrong = |why: &str| Err(Refusal::field(field, format!("`{field}` {why}.")));
        if text.len() > HOOK_URL_BYTES_MAX {
            return Err(Refusal::too_long(field, text.len(), HOOK_URL_BYTES_MAX));
        }
        let rest = text
            .strip_prefix("https://")
            .or_else(|| text.strip_prefix("http://"));
        let Some(rest) = rest else {
            return wrong("has to begin with `https://` or `http://`");
        };
        if text.bytes().any(|byte| !(b'!'..=b'~').contains(&byte)) {
            return wrong("has a character in it that has to be percent-encoded");
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.is_empty() || authority.starts_with(':') {
            return wrong("names no host");
        }
        if authority.contains('@') {
            return wrong("has a name or password in it; put a secret into its path instead");
        }
        if text.contains('#') {
            return wrong("has a `#` in it, which no server is told of");
        }
        Ok(Self::trusted(text))
    }
}

fn create(
    work: &mut Work<'_>,
    name: &Title,
    room: Option<&RoomName>,
    bot: Option<&UserName>,
    way: &HookWay,
) -> Result<Answer, Stop> {
    let owner = match work.is_command_line() {
        true => None,
        false => Some(work.actor()?),
    };
    let is_admin = owner.as_ref().is_none_or(|it| it.role == Role::Admin);
    let place = match room {
        Some(room) => Some(hookable(work, room)?),
        None if matches!(way, HookWay::Incoming { .. }) => {
            let tell = "`room` is missing: an incoming hook says everything in one room.";
            return Err(Refusal::field("room", tell).into());
        }
        None if !is_admin => {
            let tell = "Only an admin may send events of more than one room. Name a `room`.";
            return Err(Refusal::forbidden(tell).into());
        }
        None if bot.is_none() => {
            let tell = "`bot` is missing: without a `room`, a hook hears what its bot hears.";
            return Err(Refusal::field("bot", tell).into());
        }
        None => None,
    };
    if let Some(owner) = &owner {
        let sql = "SELECT count(*) FROM hooks WHERE owner = ?";
        if work.value::<u32>(sql, [owner.person.id.0])? >= HOOKS_MAX {
            let tell = format!("Nobody has more than {HOOKS_MAX} hooks. Delete one first.");
            return Err(Refusal::new(Code::TooMany, tell).into());
        }
    }
    let number = 1 + work.value::<u32>(
        "SELECT coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'hooks'), 0)",
        (),
    )?;
    let (person, is_own) = match bot {
        Some(bot) if is_admin => (existing_bot(work, bot)?, false),
        Some(_) => {
            let tell = "Only an admin may give a hook a bot that is there already.";
            return Err(Refusal::forbidden(tell).into());
        }
        None => (add_bot(work, &format!("hook-{number}"), name)?, true),
    };
    let at = work.at();
    let (hash, url, events, command, secret) = match way {
        HookWay::Incoming { hash } => (Some(hash), None, None, None, None),
        HookWay::Outgoing {
            url,
            events,
            command,
            secret,
        } => {
            let events: Vec<&str> = events.iter().map(|event| event.as_str()).collect();
            let command = command.as_deref();
            (
                None,
                Some(url),
                Some(events.join(" ")),
                command,
                Some(secret),
            )
        }
    };
    work.execute(
        "INSERT INTO hooks (id, direction, name, bot, own_bot, owner, room, created_at, hash, url,
             events, command, secret, cursor)
         SELECT ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, op FROM server",
        (
            number,
            way.as_str(),
            name.as_str(),
            person.id.0,
            is_own,
            owner.as_ref().map(|it| it.person.id.0),
            place.as_ref().map(|place| place.id.0),
            at,
            hash,
            url.map(|url| &**url),
            events,
            command,
            secret,
        ),
    )?;
    if let Some(place) = &place {
        let by = owner.map(|it| it.person);
        enter(work, place, &person, by.as_ref())?;
    }
    Ok(Answer::Hook(HookId(number)))
}

/// The room, for whoever may connect programs to it.
fn hookable(work: &Work<'_>, room: &RoomName) -> Result<Place, Stop> {
    let (place, _) = work.keeping_order(room, Standing::Owner, "connect programs to it")?;
    room::must_be_open(&place, "be connected to it")?;
    Ok(place)
}

fn existing_bot(work: &Work<'_>, name: &UserName) -> Result<Person, Stop> {
    let person = work.person_named(name)?;
    let sql = "SELECT role FROM users WHERE id = ? AND disabled_at IS NULL";
    if work.row(sql, [person.id.0], |row| row.get(0))? == Some(Role::Bot) {
        return Ok(person);
    }
    let tell = format!("`bot`: \"{name}\" is no bot that may sign in.");
    Err(Refusal::field("bot", tell).into())
}

fn enter(
    work: &mut Work<'_>,
    place: &Place,
    person: &Person,
    by: Option<&Person>,
) -> Result<(), Stop> {
    room::must_not_be_banned(work, place, person)?;
    if work.standing(place.id, person.id)?.is_none() {
        room::enter(work, place, person, by, Standing::Member)?;
    }
    Ok(())
}

/// A hook that somebody wants to change.
struct Found {
    bot: UserId,
    own_bot: bool,
    room: Option<RoomId>,
}

/// A hook, for those who may change it: who made it, owners of its room, admins.
fn changeable(work: &Work<'_>, hook: HookId) -> Result<Found, Stop> {
    let sql = "SELECT bot, own_bot, room, owner FROM hooks WHERE id = ?";
    let found = work.row(sql, [hook.0], |row| {
        let found = Found {
            bot: UserId(row.get(0)?),
            own_bot: row.get(1)?,
            room: row.get::<_, Option<u32>>(2)?.map(RoomId),
        };
        Ok((found, row.get::<_, Option<u32>>(3)?))
    })?;
    let none = || Refusal::not_found(format!("There is no hook {} of yours.", hook.0));
    let (found, owner) = found.ok_or_else(none)?;
    if work.is_command_line() {
        return Ok(found);
    }
    let actor = work.actor()?;
    let is_theirs = actor.role == Role::Admin || owner == Some(actor.person.id.0);
    let keeps_room = match found.room {
        Some(room) => work.standing(room, actor.person.id)? == Some(Standing::Owner),
        None => false,
    };
    if is_theirs || keeps_room {
        return Ok(found);
    }
    Err(none().into())
}

/// One that was given up goes on, too.
fn pause(work: &Work<'_>, hook: HookId, paused: bool) -> Result<Answer, Stop> {
    changeable(work, hook)?;
    let at = paused.then(|| work.at());
    match paused {
        true => {
            let sql = "UPDATE hooks SET paused_at = coalesce(paused_at, ?) WHERE id = ?";
            work.execute(sql, (at, hook.0))?
        }
        false => {
            let sql = "UPDATE hooks SET paused_at = NULL, failed_at = NULL, failures = 0
                       WHERE id = ?";
            work.execute(sql, [hook.0])?
        }
    };
    Ok(Answer::Done)
}

fn delete(work: &mut Work<'_>, hook: HookId) -> Result<Answer, Stop> {
    let found = changeable(work, hook)?;
    work.execute("DELETE FROM hooks WHERE id = ?", [hook.0])?;
    let sql = "SELECT EXISTS (SELECT 1 FROM hooks WHERE bot = ?)";
    if !found.own_bot || work.value(sql, [found.bot.0])? {
        return Ok(Answer::Done);
    }
    let person = work.person(found.bot)?;
    let by = work.teller()?;
    if let Some(room) = found.room
        && work.standing(room, person.id)?.is_some()
    {
        let place = work.place_numbered(room)?;
        if place.kind != Kind::Direct {
            room::exit(work, &place, &person, by, Exit::Removed)?;
        }
    }
    let sql = "UPDATE users SET disabled_at = ? WHERE id = ? AND disabled_at IS NULL";
    if work.execute(sql, (work.at(), person.id.0))? > 0 {
        super::token::sign_out(work, person.id, None)?;
        tell_account(work, person.id)?;
    }
    Ok(Answer::Done)
}

/// Somebody says a command that hooks take: it is an ordinary message for everybody, and for these in
/// the same commit something that they are to be sent.
fn hand_over(
    work: &mut Work<'_>,
    room: &RoomName,
    command: &str,
    text: &Text,
) -> Result<Answer, Stop> {
    let (place, actor) = work.inside(room, "sending to it")?;
    message::may_speak(work, &place)?;
    let hooks = taking(work.connection(), place.id, command)?;
    if hooks.is_empty() {
        let tell = format!("There is no command /{command} in \"{room}\" any more.");
        return Err(Refusal::not_found(tell).into());
    }
    let saying = Saying {
        text,
        reply_to: None,
        attachment: None,
        style: Style::Plain,
        client_key: work.entry().key.as_ref(),
    };
    let said = message::store(work, &place, &actor.person, saying)?;
    if let Answer::Sent { version, .. } = said {
        for hook in hooks {
            work.execute(
                "INSERT INTO deliveries (hook, op, kind, room, version, next_at)
                 SELECT ?, op, ?, ?, ?, ? FROM events WHERE key = ?",
                (
                    hook.0,
                    HookEvent::Command,
                    place.id.0,
                    version,
                    work.at(),
                    place.id.key(version),
                ),
            )?;
        }
    }
    Ok(said)
}

/// The outgoing hooks that take a command in a room.
fn taking(connection: &Connection, room: RoomId, command: &str) -> Result<Vec<HookId>, StoreError> {
    let mut look = connection.prepare_cached(
        "SELECT h.id FROM hooks h JOIN members m ON m.user = h.bot AND m.room = ?1
         WHERE h.direction = 'outgoing' AND h.command = ?2 AND (h.room IS NULL OR h.room = ?1)
           AND h.paused_at IS NULL AND h.failed_at IS NULL
         ORDER BY h.id",
    )?;
    let rows = look.query_map((room.0, command), |row| Ok(HookId(row.get(0)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The commands that hooks take in a room, each with what its hook is called.
pub(super) fn commands(
    connection: &Connection,
    room: RoomId,
) -> Result<Vec<(String, Title)>, StoreError> {
    let mut look = connection.prepare_cached(
        "SELECT h.command, min(h.name) FROM hooks h JOIN members m ON m.user = h.bot AND m.room = ?1
         WHERE h.direction = 'outgoing' AND h.command IS NOT NULL
           AND (h.room IS NULL OR h.room = ?1) AND h.paused_at IS NULL AND h.failed_at IS NULL
         GROUP BY h.command ORDER BY h.command LIMIT 100",
    )?;
    let rows = look.query_map([room.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// Whoever may not sign in any more has no way in that they have left open; an admin may go on with
/// their hooks.
pub(super) fn pause_those_of(work: &Work<'_>, owner: UserId) -> Result<(), Stop> {
    let sql = "UPDATE hooks SET paused_at = coalesce(paused_at, ?) WHERE owner = ?";
    work.execute(sql, (work.at(), owner.0))?;
    Ok(())
}

/// A room goes, and what was connected to it.
pub(super) fn forget_room(work: &Work<'_>, room: RoomId) -> Result<(), Stop> {
    work.execute("DELETE FROM deliveries WHERE room = ?", [room.0])?;
    work.execute("DELETE FROM hooks WHERE room = ?", [room.0])?;
    Ok(())
}

/// A bot goes, and its hooks.
pub(super) fn forget_bot(work: &Work<'_>, bot: UserId) -> Result<(), Stop> {
    work.execute("DELETE FROM hooks WHERE bot = ?", [bot.0])?;
    work.execute("UPDATE hooks SET owner = NULL WHERE owner = ?", [bot.0])?;
    Ok(())
}

impl HookWay {
    /// Its direction, as it is written.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Incoming { .. } => "incoming",
            Self::Outgoing { .. } => "outgoing",
        }
    }
}

/// The events of a text as they are stored.
pub(super) fn events_of(text: &str) -> Vec<HookEvent> {
    text.split(' ').filter_map(HookEvent::of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_of_the_web() {
        for good in [
            "https://example.org",
            "http://example.org:8080/a?b=c",
            "https://[2001:db8::1]/x",
        ] {
            assert_eq!(&*HookUrl::parse("url", good).unwrap(), good);
        }
        for bad in [
            "",
            "example.org",
            "ftp://example.org/",
            "https://",
            "https:///x",
            "http://:80/",
            "https://ana:secret@example.org/",
            "https://example.org/a b",
            "https://example.org/\r\nX: y",
            "https://exämple.org/",
            "https://example.org/#x",
        ] {
            assert!(HookUrl::parse("url", bad).is_err(), "{bad:?}");
        }
        let long = format!("https://example.org/{}", "a".repeat(HOOK_URL_BYTES_MAX));
        assert_eq!(
            HookUrl::parse("url", &long).unwrap_err().code,
            Code::TooLong
        );
    }
}
