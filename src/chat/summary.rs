//! # Summary: what somebody's rooms are like
//!
//! What `hello`, `join` and the list of rooms tell. Looked up on the loop: statements by key, and
//! nothing that grows with what was said.
//!
//! Promises
//! 1. Numbers are those of the [`Horizon`]: a reader may be ahead of what the loop has announced,
//!    and who is told of a message here would be told of it again.
//! 2. A room is told only to who may see it.

use rusqlite::{Connection, Row};

use super::event::{EventKind, Facts, Person};
use super::id::{Millis, Op, RoomId, Seq, UserId, Version};
use super::name::{RoomName, Title, UserName};
use super::operation::{Kind, Level, Role, Standing};
use super::reading::{Part, row, rows};
use super::work::person;
use crate::store::{StoreError, rusqlite};

/// Mentions are counted up to here in each room: more is told as this many.
pub const MENTIONS_COUNTED_MAX: u32 = 1000;

/// How far everything is announced.
#[derive(Clone, Copy)]
pub struct Horizon<'a> {
    /// The last event.
    pub op: Op,
    /// The last message and the last event of a room; zeros where nothing was announced.
    pub head: &'a dyn Fn(RoomId) -> (Seq, Version),
}

/// A room as somebody sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RoomSummary {
    /// Its number.
    pub id: RoomId,
    /// Its name.
    pub name: RoomName,
    /// What it is like. A direct room is called after the others in it.
    pub facts: Facts,
    /// The lowest message that is still there.
    pub first: Seq,
    /// The last message.
    pub seq: Seq,
    /// The last event.
    pub version: Version,
    /// That event's place in the server.
    pub op: Op,
    /// How many members it has.
    pub members: u32,
    /// What whoever asks is in it; nothing for who is no member.
    pub joined: Option<Membership>,
    /// Of a direct room, the others: those after whom it is called.
    pub people: Vec<UserName>,
}

/// What somebody is in a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Membership {
    /// What they may do.
    pub standing: Standing,
    /// What they want to be told of; nothing for what the room's kind suggests.
    pub level: Option<Level>,
    /// Until when they may only read.
    pub muted_until: Option<Millis>,
    /// Since when.
    pub joined_at: Millis,
    /// Up to where they have read.
    pub read: Seq,
    /// How many messages behind that call them, up to [`MENTIONS_COUNTED_MAX`].
    pub mentions: u32,
}

/// A member of a room, for others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who.
    pub person: Person,
    /// What they are in the server.
    pub role: Role,
    /// What they may do in the room.
    pub standing: Standing,
    /// Until when they may only read.
    pub muted_until: Option<Millis>,
    /// Since when.
    pub joined_at: Millis,
}

impl RoomSummary {
    /// How many messages are behind what was read; nothing is unread where somebody is no member.
    pub fn unread(&self) -> u32 {
        self.joined.as_ref().map_or(0, |it| self.seq - it.read)
    }
}

/// The last message and the last event of every room that had an event.
pub fn heads(connection: &Connection) -> Result<Vec<(RoomId, Seq, Version)>, StoreError> {
    let sql = "SELECT id, seq, version FROM rooms WHERE version > 0 AND deleted_at IS NULL";
    rows(connection, sql, (), |row| {
        Ok((RoomId(row.get(0)?), row.get(1)?, row.get(2)?))
    })
}

/// The epoch, and the last event of the whole server.
pub fn position(connection: &Connection) -> Result<(Box<str>, Op), StoreError> {
    let sql = "SELECT epoch, op FROM server";
    let found = row(connection, sql, (), |row| Ok((row.get(0)?, row.get(1)?)))?;
    found.ok_or_else(|| StoreError::Corrupt("the table `server` has no row".to_owned()))
}

/// The rooms that somebody is a member of.
pub fn rooms_of(connection: &Connection, user: UserId) -> Result<Vec<RoomId>, StoreError> {
    let sql = "SELECT room FROM members WHERE user = ? ORDER BY room";
    rows(connection, sql, [user.0], |row| Ok(RoomId(row.get(0)?)))
}

/// Bytes that the database takes on the disk, but for its log.
pub fn bytes(connection: &Connection) -> Result<u64, StoreError> {
    let sql = "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
    Ok(row(connection, sql, (), |row| row.get(0))?.unwrap_or_default())
}

/// The columns that [`Found`] is made of: of rooms `r`, and of `m`, who asks.
const SUMMARY: &str = "r.id, r.name, r.title, r.topic, r.kind, r.archived_at IS NOT NULL, r.pinned,
    r.first_seq, r.op, r.members, r.people,
    m.role, m.level, m.muted_until, m.joined_at, m.read, r.version";

/// Rooms `r` with who asks, `?1`: as a user `u` and as a member `m`; and which of them they may see.
const SEEN: &str = "users u, rooms r LEFT JOIN members m ON m.room = r.id AND m.user = u.id
    WHERE u.id = ?1 AND r.deleted_at IS NULL
      AND (r.kind = 'public' OR m.user IS NOT NULL OR (r.kind = 'private' AND u.role = 'admin'))";

/// A room as it is stored.
struct Found {
    room: RoomSummary,
    /// Of a direct room.
    people: Option<String>,
}

fn found(row: &Row<'_>) -> rusqlite::Result<Found> {
    let joined = match row.get(11)? {
        None => None,
        Some(standing) => Some(Membership {
            standing,
            level: row.get(12)?,
            muted_until: row.get(13)?,
            joined_at: row.get(14)?,
            read: row.get(15)?,
            mentions: 0,
        }),
    };
    let facts = Facts {
        title: row.get(2)?,
        topic: row.get(3)?,
        kind: row.get(4)?,
        archived: row.get(5)?,
        pinned: row.get(6)?,
    };
    let room = RoomSummary {
        id: RoomId(row.get(0)?),
        name: row.get(1)?,
        facts,
        first: row.get(7)?,
        seq: 0,
        version: row.get(16)?,
        op: row.get(8)?,
        members: row.get(9)?,
        joined,
        people: Vec::new(),
    };
    let people = row.get(10)?;
    Ok(Found { room, people })
}

/// The rooms that somebody is a member of, those with the latest events first.
pub fn hello(
    connection: &Connection,
    user: UserId,
    limit: u32,
    horizon: Horizon<'_>,
) -> Result<Part<RoomSummary>, StoreError> {
    let sql = format!(
        "SELECT {SUMMARY} FROM members m JOIN rooms r ON r.id = m.room
         WHERE m.user = ? AND r.deleted_at IS NULL ORDER BY r.op DESC, r.id LIMIT ?"
    );
    let found = rows(connection, &sql, (user.0, limit + 1), found)?;
    complete(connection, user, found, limit, horizon)
}

/// Whether somebody is an admin.
pub fn is_admin(connection: &Connection, user: UserId) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM users WHERE id = ? AND role = 'admin'";
    Ok(row(connection, sql, [user.0], |_| Ok(()))?.is_some())
}

/// The rooms that somebody may see by the order of their names: public ones and their own; for an
/// admin who wants `all`, private ones as well. `after` is the last one's name of the part before.
pub fn visible_rooms(
    connection: &Connection,
    user: UserId,
    all: bool,
    after: Option<&RoomName>,
    limit: u32,
    horizon: Horizon<'_>,
) -> Result<Part<RoomSummary>, StoreError> {
    // As the index of those rooms says it.
    let open = if all {
        "kind <> 'direct'"
    } else {
        "kind = 'public'"
    };
    // Each half is in order and has an end, however many rooms there are that nobody may see.
    let sql = format!(
        "SELECT {SUMMARY} FROM (
             SELECT id, name FROM (
                 SELECT id, name FROM rooms
                 WHERE {open} AND deleted_at IS NULL AND name > ?2 ORDER BY name LIMIT ?3)
             UNION
             SELECT id, name FROM (
                 SELECT o.id, o.name FROM members b JOIN rooms o ON o.id = b.room
                 WHERE b.user = ?1 AND o.deleted_at IS NULL AND o.name > ?2
                 ORDER BY o.name LIMIT ?3)
             ORDER BY name LIMIT ?3) AS page
         JOIN rooms r ON r.id = page.id LEFT JOIN members m ON m.room = r.id AND m.user = ?1
         ORDER BY r.name"
    );
    let after = after.map_or("", RoomName::as_str);
    let found = rows(connection, &sql, (user.0, after, limit + 1), found)?;
    complete(connection, user, found, limit, horizon)
}

/// A room, if somebody may see it.
pub fn summary(
    connection: &Connection,
    room: RoomId,
    user: UserId,
    horizon: Horizon<'_>,
) -> Result<Option<RoomSummary>, StoreError> {
    let sql = format!("SELECT {SUMMARY} FROM {SEEN} AND r.id = ?2");
    let found = rows(connection, &sql, (user.0, room.0), found)?;
    Ok(complete(connection, user, found, 1, horizon)?.items.pop())
}

/// The room of that name and what somebody is in it, if they may see it.
pub fn room_named(
    connection: &Connection,
    name: &RoomName,
    user: UserId,
) -> Result<Option<(RoomId, Option<Standing>)>, StoreError> {
    let sql = format!("SELECT r.id, m.role FROM {SEEN} AND r.name = ?2");
    row(connection, &sql, (user.0, name.as_str()), |row| {
        Ok((RoomId(row.get(0)?), row.get(1)?))
    })
}

/// What a room is called; nothing for one that is gone.
pub fn name(connection: &Connection, room: RoomId) -> Result<Option<RoomName>, StoreError> {
    let sql = "SELECT name FROM rooms WHERE id = ? AND deleted_at IS NULL";
    row(connection, sql, [room.0], |row| row.get(0))
}

/// How many members a room has by now, also where that is not announced yet.
pub fn members_len(connection: &Connection, room: RoomId) -> Result<u32, StoreError> {
    let sql = "SELECT members FROM rooms WHERE id = ?";
    Ok(row(connection, sql, [room.0], |row| row.get(0))?.unwrap_or_default())
}

/// The lowest event of a room that is still there.
pub fn first_version(connection: &Connection, room: RoomId) -> Result<Version, StoreError> {
    let sql = "SELECT first_version FROM rooms WHERE id = ?";
    Ok(row(connection, sql, [room.0], |row| row.get(0))?.unwrap_or(1))
}

/// Whether somebody may keep order in a room: who moderates or owns it, and admins who may see it.
pub fn may_moderate(
    connection: &Connection,
    room: RoomId,
    user: UserId,
) -> Result<bool, StoreError> {
    let sql = format!(
        "SELECT 1 FROM {SEEN} AND r.id = ?2 AND (u.role = 'admin' OR m.role IN ('owner', 'moderator'))"
    );
    Ok(row(connection, &sql, (user.0, room.0), |_| Ok(()))?.is_some())
}

/// Whether somebody may see a room.
pub fn may_see(connection: &Connection, room: RoomId, user: UserId) -> Result<bool, StoreError> {
    let sql = format!("SELECT 1 FROM {SEEN} AND r.id = ?2");
    Ok(row(connection, &sql, (user.0, room.0), |_| Ok(()))?.is_some())
}

/// The members of a room by their numbers. `after` is the last one's of the part before.
pub fn members(
    connection: &Connection,
    room: RoomId,
    after: Option<UserId>,
    limit: u32,
) -> Result<Part<Member>, StoreError> {
    let sql = "SELECT u.id, u.name, u.display_name, u.role, m.role, m.muted_until, m.joined_at
               FROM members m JOIN users u ON u.id = m.user
               WHERE m.room = ? AND m.user > ? ORDER BY m.user LIMIT ?";
    let after = after.map_or(0, |user| user.0);
    let found = rows(connection, sql, (room.0, after, limit + 1), |row| {
        Ok(Member {
            person: person(row, 0)?,
            role: row.get(3)?,
            standing: row.get(4)?,
            muted_until: row.get(5)?,
            joined_at: row.get(6)?,
        })
    })?;
    Ok(Part::cut(found, limit))
}

/// The numbers of a room's members, as [`members`] gives them.
pub fn member_ids(
    connection: &Connection,
    room: RoomId,
    after: Option<UserId>,
    limit: u32,
) -> Result<Part<UserId>, StoreError> {
    let sql = "SELECT user FROM members WHERE room = ? AND user > ? ORDER BY user LIMIT ?";
    let after = after.map_or(0, |user| user.0);
    let found = rows(connection, sql, (room.0, after, limit + 1), |row| {
        Ok(UserId(row.get(0)?))
    })?;
    Ok(Part::cut(found, limit))
}

/// Sets what depends on who asks and on the horizon.
fn complete(
    connection: &Connection,
    user: UserId,
    found: Vec<Found>,
    limit: u32,
    horizon: Horizon<'_>,
) -> Result<Part<RoomSummary>, StoreError> {
    let Part { items, more } = Part::cut(found, limit);
    let mut rooms = Vec::with_capacity(items.len());
    for Found { mut room, people } in items {
        let stored = room.version;
        (room.seq, room.version) = (horizon.head)(room.id);
        if stored > room.version {
            let since = came_since(connection, room.id, room.version)?;
            room.members = u32::try_from(i64::from(room.members) - since).unwrap_or_default();
        }
        room.op = room.op.min(horizon.op);
        if let Some(joined) = &mut room.joined {
            joined.read = joined.read.min(room.seq);
            joined.mentions = mentioned(connection, user, room.id, joined.read, room.seq)?;
        }
        if room.facts.kind == Kind::Direct {
            let others = others(connection, user, people.as_deref())?;
            let names: Vec<&str> = others.iter().map(|it| it.display_name.as_str()).collect();
            if !names.is_empty() {
                room.facts.title = Title::trusted(names.join(", "));
            }
            room.people = others.into_iter().map(|it| it.name).collect();
        }
        rooms.push(room);
    }
    Ok(Part { items: rooms, more })
}

/// How many more have come into a room than left it behind a version: whoever hears of their coming
/// counts them then. Few events are stored and not announced yet.
fn came_since(connection: &Connection, room: RoomId, version: Version) -> Result<i64, StoreError> {
    let sql = "SELECT coalesce(sum(CASE kind WHEN ? THEN 1 ELSE -1 END), 0) FROM events
               WHERE key > ? AND key <= ? AND kind IN (?1, ?, ?, ?, ?)";
    let values = (
        EventKind::Joined as i64,
        room.key(version),
        room.key(Version::MAX),
        EventKind::Left as i64,
        EventKind::Removed as i64,
        EventKind::Banned as i64,
        EventKind::Closed as i64,
    );
    Ok(row(connection, sql, values, |row| row.get(0))?.unwrap_or_default())
}

/// How many messages of a room call somebody, of those after `read` and up to `upto`.
pub fn mentioned(
    connection: &Connection,
    user: UserId,
    room: RoomId,
    read: Seq,
    upto: Seq,
) -> Result<u32, StoreError> {
    if upto <= read {
        return Ok(0);
    }
    let sql = "SELECT count(*) FROM (
                   SELECT 1 FROM mentions WHERE user = ? AND message > ? AND message <= ? LIMIT ?)";
    let values = (user.0, room.key(read), room.key(upto), MENTIONS_COUNTED_MAX);
    Ok(row(connection, sql, values, |row| row.get(0))?.unwrap_or_default())
}

/// Whom a direct room is with: oneself only if nobody else is in it.
fn others(
    connection: &Connection,
    user: UserId,
    people: Option<&str>,
) -> Result<Vec<Person>, StoreError> {
    let mut ids: Vec<u32> = people
        .unwrap_or_default()
        .split(',')
        .filter_map(|id| id.parse().ok())
        .collect();
    if ids.len() > 1 {
        ids.retain(|id| *id != user.0);
    }
    let mut found = Vec::with_capacity(ids.len());
    for id in ids {
        let sql = "SELECT id, name, display_name FROM users WHERE id = ?";
        found.extend(row(connection, sql, [id], |row| person(row, 0))?);
    }
    Ok(found)
}
