//! # Roster: rooms, for whoever keeps the server
//!
//! What the command line lists, who sees everything. It grows with the server and is not for the
//! loop.

use rusqlite::{Connection, OptionalExtension};

use super::id::{Millis, RoomId, Seq};
use super::name::{RoomName, Title};
use super::operation::Kind;
use crate::store::{StoreError, rusqlite};

/// A room as its keeper sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Room {
    /// Its name.
    pub name: RoomName,
    /// For people.
    pub title: Title,
    /// Who may see it.
    pub kind: Kind,
    /// Whether nobody can say anything any more.
    pub archived: bool,
    /// How many members it has.
    pub members: u32,
    /// The last message.
    pub seq: Seq,
    /// Since when there is one.
    pub created_at: Millis,
}

/// All rooms that are not deleted, by name.
pub fn rooms(connection: &Connection) -> Result<Vec<Room>, StoreError> {
    let mut look = connection.prepare(
        "SELECT name, title, kind, archived_at IS NOT NULL, members, seq, created_at
         FROM rooms WHERE deleted_at IS NULL ORDER BY name",
    )?;
    let rows = look.query_map((), |row| {
        Ok(Room {
            name: row.get(0)?,
            title: row.get(1)?,
            kind: row.get(2)?,
            archived: row.get(3)?,
            members: row.get(4)?,
            seq: row.get(5)?,
            created_at: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// The number of the room with this name.
pub fn room(connection: &Connection, name: &RoomName) -> Result<Option<RoomId>, StoreError> {
    let sql = "SELECT id FROM rooms WHERE name = ? AND deleted_at IS NULL";
    let found = connection.query_row(sql, [name.as_str()], |row| row.get(0));
    Ok(found.optional()?.map(RoomId))
}
