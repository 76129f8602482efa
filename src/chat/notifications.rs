//! # Notifications of somebody: looking them up
//!
//! Newest first, and how many wait to be seen. Only what is announced counts: a reader may be ahead
//! of the loop, and who is told of a notification here would be told of it again.

use rusqlite::Connection;

use super::event::Notification;
use super::id::{NotificationId, Op, UserId};
use super::missed::{notice, perhaps};
use super::name::RoomName;
use super::reading::{Part, room_name, row, rows};
use crate::store::{StoreError, rusqlite};

/// Unseen notifications are counted up to here: more is told as this many.
pub const UNSEEN_COUNTED_MAX: u32 = 1000;

/// The newest notifications of somebody, of those before one, and up to an op.
pub fn notifications(
    connection: &Connection,
    user: UserId,
    before: Option<NotificationId>,
    upto: Op,
    limit: u32,
) -> Result<Part<Notification>, StoreError> {
    let sql = "SELECT n.id, n.kind, b.id, b.name, b.display_name, r.name, n.seq, n.text, n.at,
                      n.seen_at IS NOT NULL
               FROM notifications n
               LEFT JOIN users b ON b.id = n.by LEFT JOIN rooms r ON r.id = n.room
               WHERE n.user = ? AND n.id < ? AND n.op <= ? ORDER BY n.id DESC LIMIT ?";
    let before = before.map_or(u32::MAX, |id| id.0);
    let found = rows(connection, sql, (user.0, before, upto, limit + 1), |row| {
        let room: Option<RoomName> = row
            .get::<_, Option<String>>(5)?
            .map(|stored| room_name(&stored));
        Ok(Notification {
            id: NotificationId(row.get(0)?),
            kind: notice(row, 1)?,
            from: perhaps(row, 2)?,
            room: room.zip(row.get(6)?),
            text: row.get(7)?,
            at: row.get(8)?,
            seen: row.get(9)?,
        })
    })?;
    Ok(Part::cut(found, limit))
}

/// How many notifications somebody has not seen, up to an op and up to [`UNSEEN_COUNTED_MAX`].
pub fn unseen(connection: &Connection, user: UserId, upto: Op) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM (
                   SELECT 1 FROM notifications
                   WHERE user = ? AND seen_at IS NULL AND op <= ? LIMIT ?)";
    let count = row(connection, sql, (user.0, upto, UNSEEN_COUNTED_MAX), |row| {
        row.get(0)
    })?;
    Ok(count.unwrap_or_default())
}
