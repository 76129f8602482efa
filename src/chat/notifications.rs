//! # Temporary
use super::event::Notification;
use super::id::{NotificationId, Op, UserId};
use super::reading::Part;
use crate::store::{Connection, StoreError};
/// Count.
pub fn unseen(c: &Connection, user: UserId, upto: Op) -> Result<u32, StoreError> {
    let sql = "SELECT count(*) FROM notifications WHERE user = ? AND seen_at IS NULL AND op <= ?";
    Ok(c.prepare_cached(sql)?
        .query_row((user.0, upto.min(i64::MAX as u64)), |row| row.get(0))?)
}
/// List.
pub fn notifications(
    _: &Connection,
    _: UserId,
    _: Option<NotificationId>,
    _: u32,
    _: Op,
) -> Result<Part<Notification>, StoreError> {
    Ok(Part {
        items: Vec::new(),
        more: false,
    })
}
