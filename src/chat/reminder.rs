//! # Reminder: what is to be told later
//!
//! Kept in a table until it is due. Who looks whether it is, and when, is the server's business; here
//! it is taken away and told in one go.
//!
//! Promises
//! 1. A reminder is told once: it goes in the same transaction.
//! 2. Whoever made one is told if it could not be said where it was to be.
//! 3. One that comes late says so.

use rusqlite::Connection;

use super::apply::Stop;
use super::bot::bot;
use super::event::{Notice, Person};
use super::id::{Millis, RoomId, UserId};
use super::limits::{REMINDER_MS_MAX, REMINDERS_MAX};
use super::message::{self, Saying, may_speak};
use super::name::{RoomName, Text, UserName};
use super::notification;
use super::operation::{Operation, Style, Whom};
use super::outcome::Answer;
use super::place::Place;
use super::reading::{room_name, row, rows};
use super::refusal::{Code, Refusal};
use super::work::Work;
use crate::store::{StoreError, rusqlite};

/// What comes later than this comes late.
const LATE_MS: u64 = 60 * 1000;

pub(super) fn perform(work: &mut Work<'_>, operation: &Operation) -> Result<Answer, Stop> {
    match operation {
        Operation::Remind { whom, text, .. } => {
            let due = due(operation, work.at());
            remind(work, whom, due, text)
        }
        Operation::CancelReminder { id } => cancel(work, *id),
        Operation::FireReminder { id } => fire(work, *id),
        other => unreachable!("{other:?} is not about reminders"),
    }
}

/// When what an operation wants is due, which was wanted then.
pub(super) fn due(operation: &Operation, at: Millis) -> Millis {
    match operation {
        Operation::Remind { when, .. } => when.due(at),
        _ => at,
    }
}

fn remind(work: &Work<'_>, whom: &Whom, due: Millis, text: &Text) -> Result<Answer, Stop> {
    let (user, room) = match whom {
        Whom::Oneself => (Some(work.actor()?.person.id), None),
        Whom::User(name) => {
            work.actor()?;
            (Some(work.person_named(name)?.id), None)
        }
        Whom::Room(name) => {
            let (place, _) = work.inside(name, "reminding it")?;
            may_speak(work, &place)?;
            (None, Some(place.id))
        }
    };
    let by = work.actor()?.person.id;
    if due <= work.at() {
        return Err(Refusal::field("text", "That time is past already.").into());
    }
    if due - work.at() > REMINDER_MS_MAX {
        return Err(Refusal::field("text", "That is more than five years ahead.").into());
    }
    let sql = "SELECT count(*) FROM reminders WHERE by = ?";
    if work.value::<u32>(sql, [by.0])? >= REMINDERS_MAX {
        let tell = format!(
            "You have {REMINDERS_MAX} reminders already. Take one back first: /remind list"
        );
        return Err(Refusal::new(Code::TooMany, tell).into());
    }
    let id = work.value(
        "INSERT INTO reminders (by, user, room, made_at, due_at, text)
         VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (
            by.0,
            user.map(|user| user.0),
            room.map(|room| room.0),
            work.at(),
            due,
            text.as_str(),
        ),
    )?;
    Ok(Answer::Reminder { id, due })
}

fn cancel(work: &Work<'_>, id: u32) -> Result<Answer, Stop> {
    let by = work.actor()?.person.id;
    let sql = "DELETE FROM reminders WHERE id = ? AND by = ?";
    if work.execute(sql, (id, by.0))? == 0 {
        let tell = format!("You have no reminder {id}. See yours with /remind list");
        return Err(Refusal::not_found(tell).into());
    }
    Ok(Answer::Done)
}

/// A reminder as it is stored.
struct Stored {
    by: UserId,
    user: Option<UserId>,
    room: Option<RoomId>,
    due: Millis,
    text: String,
}

fn fire(work: &mut Work<'_>, id: u32) -> Result<Answer, Stop> {
    let sql = "SELECT by, user, room, due_at, text FROM reminders WHERE id = ?";
    let found = work.row(sql, [id], |row| {
        Ok(Stored {
            by: UserId(row.get(0)?),
            user: row.get::<_, Option<u32>>(1)?.map(UserId),
            room: row.get::<_, Option<u32>>(2)?.map(RoomId),
            due: row.get(3)?,
            text: row.get(4)?,
        })
    })?;
    // Somebody has taken it back meanwhile.
    let Some(stored) = found.filter(|it| it.due <= work.at()) else {
        return Ok(Answer::Done);
    };
    work.execute("DELETE FROM reminders WHERE id = ?", [id])?;
    let late = late(work.at() - stored.due);
    if let Some(room) = stored.room {
        return say(work, &stored, room, &late);
    }
    let user = stored.user.unwrap_or(stored.by);
    let from = (user != stored.by).then_some(stored.by);
    let from = from.map(|by| work.person(by)).transpose()?;
    note(
        work,
        user,
        from,
        &format!("Reminder{late}: {}", stored.text),
    )
}

fn note(
    work: &mut Work<'_>,
    user: UserId,
    from: Option<Person>,
    text: &str,
) -> Result<Answer, Stop> {
    let sql = "SELECT count(*) FROM users WHERE id = ? AND erased_at IS NULL";
    if work.value::<u32>(sql, [user.0])? == 0 {
        return Ok(Answer::Done);
    }
    let text = Text::trusted(text);
    let id = notification::store(work, user, Notice::Note, from, None, &text)?;
    Ok(Answer::Noted { id, at: work.at() })
}

/// Has the bot say it, if whoever made it may still speak there.
fn say(work: &mut Work<'_>, stored: &Stored, room: RoomId, late: &str) -> Result<Answer, Stop> {
    let by = work.person(stored.by)?;
    let said = speaking(work, &by, room).and_then(|place| Ok((bot(work)?, place)));
    let (bot, place) = match said {
        Ok(it) => it,
        Err(Stop::Refused(refusal)) => {
            let text = format!(
                "A reminder could not be said. {refusal} It was: {}",
                stored.text
            );
            return note(work, by.id, None, &text);
        }
        Err(failed) => return Err(failed),
    };
    let text = Text::trusted(format!("Reminder by @{}{late}: {}", by.name, stored.text));
    let saying = Saying {
        text: &text,
        reply_to: None,
        attachment: None,
        style: Style::Plain,
        client_key: None,
    };
    message::store(work, &place, &bot, saying)
}

/// The room, in which somebody has to be and to be allowed to speak.
fn speaking(work: &Work<'_>, by: &Person, room: RoomId) -> Result<Place, Stop> {
    let mut place = work.place_numbered(room)?;
    let sql = "SELECT m.role, m.muted_until FROM members m JOIN users u ON u.id = m.user
               WHERE m.room = ? AND m.user = ? AND u.disabled_at IS NULL";
    let found = work.row(sql, (room.0, by.id.0), |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some((standing, muted_until)) = found else {
        let tell = format!("You are not in \"{}\" any more.", place.name);
        return Err(Refusal::new(Code::NotAMember, tell).into());
    };
    place.standing = Some(standing);
    place.muted_until = muted_until;
    may_speak(work, &place)?;
    Ok(place)
}

/// How late something comes, and why, in a few words; nothing if it does not.
fn late(ms: u64) -> String {
    let minutes = ms / (60 * 1000);
    let (count, unit) = match minutes {
        _ if ms <= LATE_MS => return String::new(),
        0..120 => (minutes, "minute"),
        120..2880 => (minutes / 60, "hour"),
        _ => (minutes / 1440, "day"),
    };
    let plural = if count == 1 { "" } else { "s" };
    format!(" ({count} {unit}{plural} late: the server was not running)")
}

// -------------------------------------------------------------------------------------- reading

/// A reminder that waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reminder {
    /// Its number.
    pub id: u32,
    /// When it is due.
    pub due: Millis,
    /// Who is to be reminded, if that is one person.
    pub user: Option<UserName>,
    /// Which room is.
    pub room: Option<RoomName>,
    /// Of what.
    pub text: Box<str>,
}

/// The reminder that is to be told next, and whose it is, if it is due at a time.
pub fn due_by(connection: &Connection, now: Millis) -> Result<Option<(u32, UserId)>, StoreError> {
    let sql = "SELECT id, by FROM reminders WHERE due_at <= ? ORDER BY due_at, id LIMIT 1";
    row(connection, sql, [now], |row| {
        Ok((row.get(0)?, UserId(row.get(1)?)))
    })
}

/// All of somebody's, in the order in which they are due.
pub fn made_by(connection: &Connection, by: UserId) -> Result<Vec<Reminder>, StoreError> {
    let sql = "SELECT m.id, m.due_at, u.name, r.name, m.text FROM reminders m
               LEFT JOIN users u ON u.id = m.user LEFT JOIN rooms r ON r.id = m.room
               WHERE m.by = ? ORDER BY m.due_at, m.id LIMIT ?";
    rows(connection, sql, (by.0, REMINDERS_MAX), |row| {
        let room: Option<String> = row.get(3)?;
        Ok(Reminder {
            id: row.get(0)?,
            due: row.get(1)?,
            user: row.get::<_, Option<String>>(2)?.map(UserName::trusted),
            room: room.map(|stored| room_name(&stored)),
            text: row.get(4)?,
        })
    })
}
