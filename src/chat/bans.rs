//! # Bans: who may not come into a room
//!
//! Looked up for those who keep order there. Who may ask is for whoever calls this to know.

use rusqlite::Connection;

use super::event::Person;
use super::id::{Millis, RoomId, UserId};
use super::name::UserName;
use super::reading::{Part, rows};
use super::work::person;
use crate::store::{StoreError, rusqlite};

/// Somebody who may not come into a room.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ban {
    /// Who.
    pub person: Person,
    /// Who banned them; nobody for the command line.
    pub by: Option<UserName>,
    /// When.
    pub at: Millis,
}

/// Who is banned from a room, by their numbers. `after` is the last one's of the part before.
pub fn bans(
    connection: &Connection,
    room: RoomId,
    after: Option<UserId>,
    limit: u32,
) -> Result<Part<Ban>, StoreError> {
    let sql = "SELECT u.id, u.name, u.display_name, o.name, b.at
               FROM bans b JOIN users u ON u.id = b.user LEFT JOIN users o ON o.id = b.by
               WHERE b.room = ? AND b.user > ? ORDER BY b.user LIMIT ?";
    let after = after.map_or(0, |user| user.0);
    let found = rows(connection, sql, (room.0, after, limit + 1), |row| {
        Ok(Ban {
            person: person(row, 0)?,
            by: row.get::<_, Option<String>>(3)?.map(UserName::trusted),
            at: row.get(4)?,
        })
    })?;
    Ok(Part::cut(found, limit))
}
