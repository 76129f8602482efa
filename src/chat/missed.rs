//! # Missed: what happened while somebody was away
//!
//! The same events as those who were there were told, made again from what is stored; or, where
//! that would be too many, how each message is that changed.
//!
//! Promises
//! 1. Events come in order, each once, none left out between `after` and `upto`.
//! 2. What a message says, who reacted to it, what a room is like and what people are called is told
//!    as it is by now: what was deleted is nowhere. All the rest is as it was told then.
//! 3. Whoever knows the state at `after` and is told what [`changed`] knows the state at `upto`.
//!
//! The caller says up to where, because a reader may be ahead of what is announced.

use std::collections::BTreeMap;

use rusqlite::{Connection, Row};

use super::event::{
    Event, EventKind, Exit, Facts, Message, Notice, Notification, Person, To, What,
};
use super::id::{Millis, NotificationId, Op, RoomId, Seq, UserId, Version, number_of_key};
use super::name::{Emoji, RoomName};
use super::operation::{Level, Standing};
use super::reading::{messages, room_name, row, rows};
use super::work::person;
use crate::store::{StoreError, rusqlite};

/// Messages that [`changed`] tells at most: whoever missed more begins anew.
pub const CHANGED_MAX: u32 = 5000;

/// An event as it is stored.
struct Stored {
    version: Version,
    op: Op,
    at: Millis,
    kind: EventKind,
    seq: Option<Seq>,
    text: Option<String>,
    by: Option<Person>,
    subject: Option<Person>,
}

fn stored(row: &Row<'_>) -> rusqlite::Result<Stored> {
    Ok(Stored {
        version: number_of_key(row.get(0)?),
        op: row.get(1)?,
        at: row.get(2)?,
        kind: kind(row, 3)?,
        seq: row.get(4)?,
        text: row.get(5)?,
        by: perhaps(row, 6)?,
        subject: perhaps(row, 9)?,
    })
}

fn kind(row: &Row<'_>, at: usize) -> rusqlite::Result<EventKind> {
    let number = row.get(at)?;
    EventKind::of(number).ok_or(rusqlite::Error::IntegralValueOutOfRange(at, number))
}

/// A person, where the join found one.
pub(super) fn perhaps(row: &Row<'_>, at: usize) -> rusqlite::Result<Option<Person>> {
    match row.get::<_, Option<u32>>(at)? {
        None => Ok(None),
        Some(_) => person(row, at).map(Some),
    }
}

/// The first `limit` events of a room after one version and up to another.
pub fn room_events(
    connection: &Connection,
    room: RoomId,
    after: Version,
    upto: Version,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let sql = "SELECT e.key, e.op, e.at, e.kind, e.seq, e.text,
                      b.id, b.name, b.display_name, s.id, s.name, s.display_name
               FROM events e LEFT JOIN users b ON b.id = e.by LEFT JOIN users s ON s.id = e.subject
               WHERE e.key > ? AND e.key <= ? ORDER BY e.key LIMIT ?";
    let found = rows(
        connection,
        sql,
        (room.key(after), room.key(upto), limit),
        stored,
    )?;
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT name, title, topic, kind, archived_at IS NOT NULL, pinned
               FROM rooms WHERE id = ?";
    let now = row(connection, sql, [room.0], |row| {
        let facts = Facts {
            title: row.get(1)?,
            topic: row.get(2)?,
            kind: row.get(3)?,
            archived: row.get(4)?,
            pinned: row.get(5)?,
        };
        Ok((room_name(&row.get::<_, String>(0)?), facts))
    })?;
    let (name, facts) = now.ok_or_else(|| damaged(room, "has events and is not there"))?;
    let mut keys: Vec<i64> = found
        .iter()
        .filter_map(|it| message_key(room, it))
        .collect();
    keys.sort_unstable();
    keys.dedup();
    let now = Now {
        room,
        name,
        facts,
        messages: messages(connection, &keys)?,
    };
    found.into_iter().map(|event| now.tell(event)).collect()
}

/// Where the first `limit` events of a room after one version and up to another have their place in
/// the server.
pub fn room_ops(
    connection: &Connection,
    room: RoomId,
    after: Version,
    upto: Version,
    limit: u32,
) -> Result<Vec<(Version, Op)>, StoreError> {
    let sql = "SELECT key, op FROM events WHERE key > ? AND key <= ? ORDER BY key LIMIT ?";
    let values = (room.key(after), room.key(upto), limit);
    rows(connection, sql, values, |row| {
        Ok((number_of_key(row.get(0)?), row.get(1)?))
    })
}

/// The message that has to be looked up to tell an event.
fn message_key(room: RoomId, event: &Stored) -> Option<i64> {
    let is_told_by_it = match event.kind {
        EventKind::Message | EventKind::Edited => true,
        // Nobody is named who removes what somebody said, but for whoever said it.
        EventKind::Deleted => event.by.is_none(),
        _ => false,
    };
    event.seq.filter(|_| is_told_by_it).map(|seq| room.key(seq))
}

fn damaged(room: RoomId, what: &str) -> StoreError {
    StoreError::Corrupt(format!("room {} {what}", room.0))
}

/// What events are told with, as it is by now.
struct Now {
    room: RoomId,
    name: RoomName,
    facts: Facts,
    messages: BTreeMap<i64, Message>,
}

impl Now {
    fn tell(&self, event: Stored) -> Result<Event, StoreError> {
        let (op, at, version) = (event.op, event.at, event.version);
        let to = To::Room {
            id: self.room,
            name: self.name.clone(),
            version,
        };
        let what = self.what(event).ok_or_else(|| {
            damaged(
                self.room,
                &format!("has an event, version {version}, that cannot be told"),
            )
        })?;
        Ok(Event { op, at, to, what })
    }

    /// Nothing if what belongs to it is missing, which is damage.
    fn what(&self, event: Stored) -> Option<What> {
        let key = event.seq.map(|seq| self.room.key(seq));
        let message = || {
            let mut message = self.messages.get(&key?)?.clone();
            message.version = event.version;
            Some(message)
        };
        let others = |by: Option<Person>, user: &Person| by.filter(|by| by.id != user.id);
        Some(match event.kind {
            EventKind::Message => What::Message(message()?),
            EventKind::Edited => What::Edited {
                by: event.by.clone()?,
                message: message()?,
            },
            EventKind::Deleted => What::Deleted {
                by: event.by.clone().or_else(|| Some(message()?.from))?,
                seq: event.seq?,
            },
            EventKind::Reacted | EventKind::Unreacted => What::Reaction {
                by: event.by?,
                seq: event.seq?,
                emoji: Emoji::trusted(event.text?),
                on: event.kind == EventKind::Reacted,
            },
            EventKind::Joined => {
                let user = event.subject?;
                What::Joined {
                    by: others(event.by, &user),
                    standing: Standing::of(event.text.as_deref()?)?,
                    user,
                }
            }
            EventKind::Left => {
                let user = event.subject?;
                let by = others(event.by, &user);
                let exit = Exit::Left;
                What::Left { user, by, exit }
            }
            EventKind::Removed | EventKind::Banned | EventKind::Closed => What::Left {
                user: event.subject?,
                by: event.by,
                exit: match event.kind {
                    EventKind::Banned => Exit::Banned,
                    EventKind::Closed => Exit::Closed,
                    _ => Exit::Removed,
                },
            },
            EventKind::Member => {
                let (standing, muted_until) = allowed(event.text.as_deref()?)?;
                What::Member {
                    user: event.subject?,
                    by: event.by,
                    standing,
                    muted_until,
                }
            }
            EventKind::Changed => What::Changed {
                by: event.by,
                facts: self.facts.clone(),
            },
            EventKind::Opened
            | EventKind::Invited
            | EventKind::Notified
            | EventKind::Seen
            | EventKind::Read
            | EventKind::Level
            | EventKind::Account
            | EventKind::SignedOut => return None,
        })
    }
}

/// What a member may do, as it is stored with an event.
fn allowed(text: &str) -> Option<(Standing, Option<Millis>)> {
    match text.split_once(' ') {
        None => Some((Standing::of(text)?, None)),
        Some((standing, until)) => Some((Standing::of(standing)?, Some(until.parse().ok()?))),
    }
}

/// How each message is by now that changed in a room after one version and up to another, in the
/// order of its last change there: the first `limit` of them, [`CHANGED_MAX`] at most. Whoever wants
/// the next ones goes on after the version of the last.
pub fn changed(
    connection: &Connection,
    room: RoomId,
    after: Version,
    upto: Version,
    limit: u32,
) -> Result<Vec<Message>, StoreError> {
    // Changes in the range, not messages by their version: what has changed again behind `upto`
    // would be missing, and the later event alone does not tell all of it.
    let sql = "SELECT seq, max(key) FROM events
               WHERE key > ? AND key <= ? AND seq IS NOT NULL GROUP BY seq ORDER BY 2 LIMIT ?";
    let values = (room.key(after), room.key(upto), limit.min(CHANGED_MAX));
    let last: Vec<(i64, Version)> = rows(connection, sql, values, |row| {
        Ok((room.key(row.get(0)?), number_of_key(row.get(1)?)))
    })?;
    let keys: Vec<i64> = last.iter().map(|(key, _)| *key).collect();
    let mut found = messages(connection, &keys)?;
    let now = last.into_iter().map(|(key, version)| {
        let mut message = found
            .remove(&key)
            .ok_or_else(|| damaged(room, "has an event of a message that is not there"))?;
        message.version = version;
        Ok(message)
    });
    now.collect()
}

/// Up to which version a room's events are among the server's first `op`.
pub fn version_at(connection: &Connection, room: RoomId, op: Op) -> Result<Version, StoreError> {
    let sql = "SELECT version, op, first_version FROM rooms WHERE id = ?";
    let head = row(connection, sql, [room.0], |row| {
        let head: (Version, Op, Version) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(head)
    })?;
    let Some((head, last, first)) = head else {
        return Ok(0);
    };
    if last <= op {
        return Ok(head);
    }
    // Each event has an op of its own, so there are no more versions than ops behind `op`.
    let behind = Version::try_from(last - op).unwrap_or(Version::MAX);
    let mut low = head.saturating_sub(behind).max(first.saturating_sub(1));
    let mut high = head;
    // `low` is among them or below everything that is kept, `high` is not.
    while high - low > 1 {
        let middle = low + (high - low) / 2;
        let sql = "SELECT op FROM events WHERE key = ?";
        let its: Option<Op> = row(connection, sql, [room.key(middle)], |row| row.get(0))?;
        if its.ok_or_else(|| damaged(room, "lacks an event"))? <= op {
            low = middle;
        } else {
            high = middle;
        }
    }
    Ok(low)
}

/// When somebody first came into a room, after one version and up to another; nothing if they were in
/// it already at the first.
pub fn came_in(
    connection: &Connection,
    room: RoomId,
    user: UserId,
    after: Version,
    upto: Version,
) -> Result<Option<Version>, StoreError> {
    let first = first_move(connection, room, user, after, upto)?;
    // Whoever first goes was there.
    Ok(first
        .filter(|(_, kind)| *kind == EventKind::Joined as i64)
        .map(|(version, _)| version))
}

/// Whether somebody who was in a room has left it after one version and up to another.
pub fn went_out(
    connection: &Connection,
    room: RoomId,
    user: UserId,
    after: Version,
    upto: Version,
) -> Result<bool, StoreError> {
    let first = first_move(connection, room, user, after, upto)?;
    Ok(first.is_some_and(|(_, kind)| kind != EventKind::Joined as i64))
}

/// When somebody first came or went, and which of both.
fn first_move(
    connection: &Connection,
    room: RoomId,
    user: UserId,
    after: Version,
    upto: Version,
) -> Result<Option<(Version, i64)>, StoreError> {
    let (came, went) = (EventKind::Joined as i64, EventKind::Banned as i64);
    let sql = "SELECT key, kind FROM events
               WHERE key > ? AND key <= ? AND kind BETWEEN ? AND ? AND subject = ?
               ORDER BY key LIMIT 1";
    let values = (room.key(after), room.key(upto), came, went, user.0);
    row(connection, sql, values, |row| {
        Ok((number_of_key(row.get(0)?), row.get(1)?))
    })
}

/// Rooms in which something happened after an op.
pub fn rooms_since(connection: &Connection, after: Op) -> Result<Vec<RoomId>, StoreError> {
    let sql = "SELECT id FROM rooms WHERE op > ?";
    rows(connection, sql, [after], |row| Ok(RoomId(row.get(0)?)))
}

/// The first `limit` of what happened to somebody after one op and up to another. A notification
/// that is gone by now is not told of.
pub fn user_events(
    connection: &Connection,
    user: UserId,
    after: Op,
    upto: Op,
    limit: u32,
) -> Result<Vec<Event>, StoreError> {
    let sql = "SELECT e.op, e.at, e.kind, e.number, b.id, b.name, b.display_name, r.id, r.name,
                      u.id, u.name, u.display_name, u.role, u.disabled_at IS NOT NULL,
                      n.id, n.kind, n.at, n.seq, n.text, n.seen_at IS NOT NULL
               FROM user_events e JOIN users u ON u.id = e.user
               LEFT JOIN rooms r ON r.id = e.room
               LEFT JOIN notifications n ON n.id = e.number AND n.op = e.op
               LEFT JOIN users b ON b.id = iif(n.id IS NULL, e.by, n.by)
               WHERE e.user = ? AND e.op > ? AND e.op <= ? AND (e.kind != ? OR n.id IS NOT NULL)
               ORDER BY e.op LIMIT ?";
    let values = (user.0, after, upto, EventKind::Notified as i64, limit);
    let found = rows(connection, sql, values, |row| {
        let op = row.get(0)?;
        let what = to_user(row)?;
        Ok((op, row.get(1)?, what))
    })?;
    let to = |(op, at, what): (Op, Millis, Option<What>)| {
        let what = what.ok_or_else(|| {
            StoreError::Corrupt(format!("the event {op} of user {} cannot be told", user.0))
        })?;
        let to = To::User(user);
        Ok(Event { op, at, to, what })
    };
    found.into_iter().map(to).collect()
}

/// What a row of [`user_events`] tells; nothing if what belongs to it is missing.
fn to_user(row: &Row<'_>) -> rusqlite::Result<Option<What>> {
    let number: Option<u32> = row.get(3)?;
    let by = perhaps(row, 4)?;
    let room = match row.get::<_, Option<u32>>(7)? {
        None => None,
        Some(id) => Some((RoomId(id), room_name(&row.get::<_, String>(8)?))),
    };
    Ok(match kind(row, 2)? {
        EventKind::Opened => room.map(|(id, room)| What::Opened { room, id }),
        EventKind::Invited => room.map(|(id, room)| What::Invited { room, id, by }),
        EventKind::Notified => {
            let room = room.map(|(_, name)| name);
            Some(What::Notified(Notification {
                id: NotificationId(row.get(14)?),
                kind: notice(row, 15)?,
                from: by,
                room: room.zip(row.get(17)?),
                text: row.get(18)?,
                at: row.get(16)?,
                seen: row.get(19)?,
            }))
        }
        EventKind::Seen => number.map(|id| What::Seen(NotificationId(id))),
        EventKind::Read => room
            .zip(number)
            .map(|((id, room), seq)| What::Read { room, id, seq }),
        EventKind::Level => room.map(|(_, room)| What::Level {
            room,
            level: number.and_then(|number| Level::ALL.get(number as usize).copied()),
        }),
        EventKind::Account => Some(What::Account {
            user: person(row, 9)?,
            role: row.get(12)?,
            disabled: row.get(13)?,
        }),
        EventKind::SignedOut => Some(What::SignedOut),
        _ => None,
    })
}

/// Why there is a notification.
pub(super) fn notice(row: &Row<'_>, at: usize) -> rusqlite::Result<Notice> {
    Ok(match row.get::<_, String>(at)?.as_str() {
        "mention" => Notice::Mention,
        _ => Notice::Note,
    })
}

/// Up to this op, what happened to people is forgotten: whoever was last here before that cannot be
/// told what they missed.
pub fn forgotten(connection: &Connection) -> Result<Op, StoreError> {
    Ok(row(connection, "SELECT forgotten FROM server", (), |row| {
        row.get(0)
    })?
    .unwrap_or_default())
}

/// Something that another process than the server stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outside {
    /// Its place in the server.
    pub op: Op,
    /// Whom it concerns, if that is one person. They may have lost what they were signed in with.
    pub user: Option<UserId>,
    /// What it was; nothing if that is forgotten by now.
    pub event: Option<Event>,
}

/// The first `limit` things after `after` that another process than the server stored, in order.
pub fn outside(connection: &Connection, after: Op, limit: u32) -> Result<Vec<Outside>, StoreError> {
    let sql = "SELECT op, room, version, user FROM outside WHERE op > ? ORDER BY op LIMIT ?";
    type Whose = (Op, Option<u32>, Option<Version>, Option<u32>);
    let found: Vec<Whose> = rows(connection, sql, (after, limit), |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?))
    })?;
    let tell = |(op, room, version, user): Whose| {
        let user = user.map(UserId);
        let mut events = match (room.map(RoomId).zip(version), user) {
            (Some((room, version)), _) => {
                room_events(connection, room, version.saturating_sub(1), version, 1)?
            }
            (None, Some(user)) => user_events(connection, user, op.saturating_sub(1), op, 1)?,
            (None, None) => Vec::new(),
        };
        let event = events.pop();
        Ok(Outside { op, user, event })
    };
    found.into_iter().map(tell).collect()
}
