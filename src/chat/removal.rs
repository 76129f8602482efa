//! # Removal: what somebody said goes, some of it at a time
//!
//! Who has talked for years has said more than one transaction should remove while everybody else
//! waits. So what is to go is noted where the first of it goes, and [`Operation::GoOn`] removes the
//! next, until nothing is left.
//!
//! Promises
//! 1. Each go changes and looks at a bounded number of rows.
//! 2. What was noted is done, whatever ends the process in between: the note goes with the last row.
//! 3. What somebody says after they were banned, and let in again, stays.
//!
//! [`Operation::GoOn`]: super::operation::Operation::GoOn

use rusqlite::Connection;

use super::apply::Stop;
use super::event::Person;
use super::id::{RoomId, UserId, number_of_key};
use super::message;
use super::outcome::Answer;
use super::work::Work;
use crate::store::{StoreError, rusqlite};

/// Messages of a go: some 20 ms of the scribe's time.
pub(super) const MESSAGES_MAX: usize = 200;

/// Other rows of a go.
const ROWS_MAX: usize = 1000;

/// Rows that are looked at in a go.
const LOOKED_AT_MAX: u32 = 10_000;

/// What has to go.
struct Removal {
    id: u32,
    user: UserId,
    next: i64,
    last: i64,
    erases: bool,
    note: u32,
}

/// Removes what somebody has said from one message on up to another, as much as is one go.
pub(super) fn unsay(
    work: &mut Work<'_>,
    person: &Person,
    (first, last): (i64, i64),
) -> Result<(), Stop> {
    begin(work, person, (first, last), false, 0)
}

/// Removes what is somebody's, as much as is one go, and with `messages` what they said.
pub(super) fn erase(work: &mut Work<'_>, person: &Person, messages: bool) -> Result<(), Stop> {
    let last = |sql| work.value::<i64>(sql, ());
    let (key, note) = match messages {
        true => (last("SELECT coalesce(max(key), 0) FROM messages")?, 0),
        false => (-1, last("SELECT coalesce(max(id), 0) FROM notifications")?),
    };
    begin(work, person, (0, key), true, note)
}

fn begin(
    work: &mut Work<'_>,
    person: &Person,
    (next, last): (i64, i64),
    erases: bool,
    note: i64,
) -> Result<(), Stop> {
    let id = work.value(
        "INSERT INTO removals (user, by, next, last, erases, note) VALUES (?, ?, ?, ?, ?, ?)
         RETURNING id",
        (
            person.id.0,
            work.by().map(|id| id.0),
            next,
            last,
            erases,
            note,
        ),
    )?;
    go(work, person, id)
}

/// Goes on with a removal. One that has ended meanwhile is done.
pub(super) fn go_on(work: &mut Work<'_>, id: u32) -> Result<Answer, Stop> {
    let sql = "SELECT user FROM removals WHERE id = ?";
    if let Some(user) = work.row(sql, [id], |row| Ok(UserId(row.get(0)?)))? {
        let person = work.person(user)?;
        go(work, &person, id)?;
    }
    Ok(Answer::Done)
}

/// One go; `person` under the name by which others know them.
fn go(work: &mut Work<'_>, person: &Person, id: u32) -> Result<(), Stop> {
    let sql = "SELECT user, next, last, erases, note FROM removals WHERE id = ?";
    let found = work.row(sql, [id], |row| {
        Ok(Removal {
            id,
            user: UserId(row.get(0)?),
            next: row.get(1)?,
            last: row.get(2)?,
            erases: row.get(3)?,
            note: row.get(4)?,
        })
    })?;
    let Some(removal) = found else {
        return Ok(());
    };
    let is_forgotten = !removal.erases || (forget(work, &removal)? && unnotify(work, &removal)?);
    if is_forgotten && remove(work, &removal, person)? {
        work.execute("DELETE FROM removals WHERE id = ?", [id])?;
    }
    Ok(())
}

/// Forgets what is about somebody in tables that grow with what they do; whether that was all.
fn forget(work: &Work<'_>, removal: &Removal) -> Result<bool, Stop> {
    let mut left = ROWS_MAX;
    for sql in [
        "DELETE FROM mentions WHERE user = ?1 AND message IN
             (SELECT message FROM mentions WHERE user = ?1 LIMIT ?2)",
        "DELETE FROM notifications WHERE id IN
             (SELECT id FROM notifications WHERE user = ?1 LIMIT ?2)",
        // But for the last, by which the server ends their connections.
        "DELETE FROM user_events WHERE user = ?1 AND op IN
             (SELECT op FROM user_events WHERE user = ?1
                AND op < (SELECT max(op) FROM user_events WHERE user = ?1) LIMIT ?2)",
        "DELETE FROM reminders WHERE id IN
             (SELECT id FROM reminders WHERE by = ?1 LIMIT ?2)",
        "DELETE FROM reminders WHERE id IN
             (SELECT id FROM reminders WHERE user = ?1 LIMIT ?2)",
        "DELETE FROM keys WHERE user = ?1 AND key IN
             (SELECT key FROM keys WHERE user = ?1 LIMIT ?2)",
    ] {
        left -= work.execute(sql, (removal.user.0, left as u64))?;
        if left == 0 {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Removes notifications that somebody has caused; whether those were all.
fn unnotify(work: &Work<'_>, removal: &Removal) -> Result<bool, Stop> {
    let sql = "SELECT max(id) FROM (SELECT id FROM notifications WHERE id > ? ORDER BY id LIMIT ?)";
    let upto: Option<u32> = work.value(sql, (removal.note, LOOKED_AT_MAX))?;
    let Some(upto) = upto else {
        return Ok(true);
    };
    let sql = "DELETE FROM notifications WHERE id > ? AND id <= ? AND by = ?";
    work.execute(sql, (removal.note, upto, removal.user.0))?;
    let sql = "UPDATE removals SET note = ? WHERE id = ?";
    work.execute(sql, (upto, removal.id))?;
    let sql = "SELECT NOT EXISTS (SELECT 1 FROM notifications WHERE id > ?)";
    work.value(sql, [upto])
}

/// Removes messages; whether those were all.
fn remove(work: &mut Work<'_>, removal: &Removal, person: &Person) -> Result<bool, Stop> {
    let (next, last) = (removal.next, removal.last);
    let sql = "SELECT count(*), max(key) FROM
                   (SELECT key FROM messages WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?)";
    let looked = work.row(sql, (next, last, LOOKED_AT_MAX), |row| {
        Ok((row.get::<_, u32>(0)?, row.get::<_, Option<i64>>(1)?))
    })?;
    let Some((looked, Some(upto))) = looked else {
        return Ok(true);
    };
    let sql = "SELECT key FROM messages WHERE key BETWEEN ? AND ? AND author = ?
                 AND deleted_at IS NULL ORDER BY key LIMIT ?";
    let values = (next, upto, removal.user.0, MESSAGES_MAX as u64);
    let said: Vec<i64> = work.rows(sql, values, |row| row.get(0))?;
    let by = work.teller()?.unwrap_or_else(|| person.clone());
    for in_room in said.chunk_by(|one, next| RoomId::of_key(*one) == RoomId::of_key(*next)) {
        let place = work.place_numbered(RoomId::of_key(in_room[0]))?;
        for key in in_room {
            message::remove(work, &place, number_of_key(*key), by.clone())?;
        }
    }
    let upto = match said.last() {
        Some(last) if said.len() == MESSAGES_MAX => *last,
        _ if looked < LOOKED_AT_MAX => return Ok(true),
        _ => upto,
    };
    let sql = "UPDATE removals SET next = ? WHERE id = ?";
    work.execute(sql, (upto + 1, removal.id))?;
    Ok(false)
}

// -------------------------------------------------------------------------------------- reading

/// A removal that is not done, and who wants it.
pub fn pending(connection: &Connection) -> Result<Option<(u32, Option<UserId>)>, StoreError> {
    let mut look = connection.prepare_cached("SELECT id, by FROM removals ORDER BY id LIMIT 1")?;
    let mut rows = look.query(())?;
    match rows.next()? {
        None => Ok(None),
        Some(row) => Ok(Some((
            row.get(0)?,
            row.get::<_, Option<u32>>(1)?.map(UserId),
        ))),
    }
}

/// How many messages of somebody's are there. Looks at all messages.
pub fn said_by(connection: &Connection, user: UserId) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM messages WHERE author = ? AND deleted_at IS NULL";
    Ok(connection.query_row(sql, [user.0], |row| row.get(0))?)
}
