//! # Search: messages by their words
//!
//! Words are indexed behind the acknowledgement, in jobs of their own: [`index`] works off what
//! happened in rooms since it was last there. [`search`] looks them up, and may be long: it is for a
//! reader on a helper thread.
//!
//! Promises
//! 1. Only messages of rooms that somebody is a member of are found, and none that is deleted.
//! 2. Indexing may be broken off anywhere and goes on where it was.
//! 3. The newest comes first, and `before` goes on where a part ended.

use std::collections::BTreeSet;

use rusqlite::Connection;

use super::event::{EventKind, Message};
use super::id::{Millis, RoomId, Seq, UserId, Version};
use super::name::RoomName;
use super::query::Query;
use super::reading::{Part, messages, row, rows};
use super::snippet::{Snippet, snippet};
use crate::ground::words::fold;
use crate::store::{StoreError, rusqlite};

/// How far a job of indexing has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Indexed {
    /// Events that were worked off.
    pub done: u32,
    /// Whether there are more.
    pub left: bool,
}

/// Works off at most `budget` events of these rooms, or of all. A job for the scribe.
pub fn index(
    connection: &Connection,
    rooms: Option<&[RoomId]>,
    budget: u32,
) -> Result<Indexed, StoreError> {
    let behind = match rooms {
        None => all_behind(connection)?,
        Some(rooms) => some_behind(connection, rooms)?,
    };
    let mut indexed = Indexed::default();
    for (room, from, head) in behind {
        let upto = head.min(from.saturating_add(budget - indexed.done));
        index_room(connection, room, from, upto)?;
        indexed.done += upto - from;
        if upto < head {
            indexed.left = true;
            break;
        }
    }
    Ok(indexed)
}

/// A room, the version up to which it is indexed, and its version.
type Behind = (RoomId, Version, Version);

const BEHIND: &str = "SELECT r.id, coalesce(i.version, 0), r.version
    FROM rooms r LEFT JOIN indexed i ON i.room = r.id
    WHERE r.version > coalesce(i.version, 0)";

fn behind(row: &rusqlite::Row<'_>) -> rusqlite::Result<Behind> {
    Ok((RoomId(row.get(0)?), row.get(1)?, row.get(2)?))
}

fn all_behind(connection: &Connection) -> Result<Vec<Behind>, StoreError> {
    let mut look = connection.prepare_cached(BEHIND)?;
    let found = look.query_map((), behind)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn some_behind(connection: &Connection, rooms: &[RoomId]) -> Result<Vec<Behind>, StoreError> {
    let sql = format!("{BEHIND} AND r.id = ?");
    let mut found = Vec::new();
    for room in rooms {
        found.extend(row(connection, &sql, [room.0], behind)?);
    }
    Ok(found)
}

fn index_room(
    connection: &Connection,
    room: RoomId,
    from: Version,
    upto: Version,
) -> Result<(), StoreError> {
    let sql = "SELECT seq FROM events
               WHERE key > ? AND key <= ? AND kind IN (?, ?, ?) AND seq IS NOT NULL";
    let values = (
        room.key(from),
        room.key(upto),
        EventKind::Message as i64,
        EventKind::Edited as i64,
        EventKind::Deleted as i64,
    );
    let changed: Vec<Seq> = rows(connection, sql, values, |row| row.get(0))?;
    // Each once, as it is by now.
    for seq in changed.into_iter().collect::<BTreeSet<_>>() {
        index_message(connection, room.key(seq))?;
    }
    let sql = "INSERT INTO indexed (room, version) VALUES (?, ?)
               ON CONFLICT (room) DO UPDATE SET version = excluded.version";
    connection.prepare_cached(sql)?.execute((room.0, upto))?;
    Ok(())
}

fn index_message(connection: &Connection, key: i64) -> Result<(), StoreError> {
    let sql = "SELECT text FROM messages WHERE key = ? AND deleted_at IS NULL";
    let text: Option<String> = row(connection, sql, [key], |row| row.get(0))?;
    match text {
        Some(text) => {
            let sql = "INSERT OR REPLACE INTO words (rowid, text) VALUES (?, ?)";
            connection
                .prepare_cached(sql)?
                .execute((key, fold(&text)))?;
        }
        None => {
            let sql = "DELETE FROM words WHERE rowid = ?";
            connection.prepare_cached(sql)?.execute([key])?;
        }
    }
    Ok(())
}

/// A message that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// In which room.
    pub room: RoomId,
    /// Its name.
    pub name: RoomName,
    /// The message.
    pub message: Message,
    /// What it says around what was looked for.
    pub snippet: Snippet,
}

/// Behind which hit a search goes on: when that was said, where, and its number.
pub type HitPlace = (Millis, RoomId, Seq);

impl Hit {
    /// Where to go on behind this one.
    pub fn place(&self) -> HitPlace {
        (self.message.at, self.room, self.message.seq)
    }
}

/// The newest messages that match, of one room or of all that somebody is a member of.
pub fn search(
    connection: &Connection,
    user: UserId,
    query: &Query,
    room: Option<RoomId>,
    limit: u32,
    before: Option<HitPlace>,
) -> Result<Part<Hit>, StoreError> {
    let author = match query.from() {
        None => None,
        Some(name) => {
            let sql = "SELECT id FROM users WHERE name = ?";
            let found: Option<u32> = row(connection, sql, [name.as_str()], |row| row.get(0))?;
            let Some(id) = found else {
                return Ok(Part::cut(Vec::new(), limit));
            };
            Some(id)
        }
    };
    let wanted = Wanted {
        words: query.to_fts(),
        author,
        before: before.map_or((Millis::MAX >> 1, i64::MAX), |(at, room, seq)| {
            (at, room.key(seq))
        }),
        limit: limit + 1,
    };
    let mut found: Vec<(Millis, i64)> = Vec::new();
    for room in rooms_to_search(connection, user, room)? {
        // Rooms come by their last event: once enough is newer than all of the next one's, and so
        // of those behind it, there is nothing more to look for.
        if found
            .get(limit as usize)
            .is_some_and(|(at, _)| *at > room.last_at)
        {
            break;
        }
        found.extend(wanted.in_room(connection, room.id)?);
        found.sort_unstable_by(|a, b| b.cmp(a));
        found.truncate(wanted.limit as usize);
    }
    let Part { items, more } = Part::cut(found, limit);
    Ok(Part {
        items: hits(connection, query, &items)?,
        more,
    })
}

/// A room that is searched, and when something last happened there.
struct Searched {
    id: RoomId,
    last_at: Millis,
}

fn rooms_to_search(
    connection: &Connection,
    user: UserId,
    only: Option<RoomId>,
) -> Result<Vec<Searched>, StoreError> {
    let sql = "SELECT r.id, coalesce(e.at, 0) FROM members m JOIN rooms r ON r.id = m.room
               LEFT JOIN events e ON e.key = r.id << 32 | r.version
               WHERE m.user = ?1 AND (?2 IS NULL OR m.room = ?2) AND r.deleted_at IS NULL
               ORDER BY 2 DESC";
    rows(connection, sql, (user.0, only.map(|room| room.0)), |row| {
        Ok(Searched {
            id: RoomId(row.get(0)?),
            last_at: row.get(1)?,
        })
    })
}

/// What is looked for in each room.
struct Wanted {
    words: String,
    author: Option<u32>,
    before: (Millis, i64),
    limit: u32,
}

impl Wanted {
    /// The newest that match, with when they were said.
    fn in_room(
        &self,
        connection: &Connection,
        room: RoomId,
    ) -> Result<Vec<(Millis, i64)>, StoreError> {
        let sql = "SELECT m.at, m.key FROM words w JOIN messages m ON m.key = w.rowid
                   WHERE w.words MATCH ? AND w.rowid BETWEEN ? AND ?
                     AND m.deleted_at IS NULL AND (?4 IS NULL OR m.author = ?4)
                     AND (m.at, m.key) < (?5, ?6)
                   ORDER BY w.rowid DESC LIMIT ?7";
        let (at, key) = self.before;
        let values = (
            &self.words,
            room.key(0),
            room.key(Seq::MAX),
            self.author,
            at,
            key,
            self.limit,
        );
        rows(connection, sql, values, |row| {
            Ok((row.get(0)?, row.get(1)?))
        })
    }
}

fn hits(
    connection: &Connection,
    query: &Query,
    found: &[(Millis, i64)],
) -> Result<Vec<Hit>, StoreError> {
    let keys: Vec<i64> = found.iter().map(|(_, key)| *key).collect();
    let mut messages = messages(connection, &keys)?;
    let mut hits = Vec::with_capacity(keys.len());
    for key in keys {
        let room = RoomId::of_key(key);
        let sql = "SELECT name FROM rooms WHERE id = ?";
        let name: Option<String> = row(connection, sql, [room.0], |row| row.get(0))?;
        if let (Some(message), Some(name)) = (messages.remove(&key), name) {
            hits.push(Hit {
                room,
                name: RoomName::trusted(name),
                snippet: snippet(&message.text, query),
                message,
            });
        }
    }
    Ok(hits)
}
