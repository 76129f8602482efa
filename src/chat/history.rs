//! # History: pages of what was said
//!
//! Promises
//! 1. A page is whole: between its first and its last message none is missing. What was deleted has
//!    its place and no text.
//! 2. A page costs two statements by key and one or two looks beyond its ends, however much was said.

use rusqlite::Connection;

use super::event::Message;
use super::id::{RoomId, Seq};
use super::reading::{MESSAGE, MESSAGE_FROM, add_reactions, message_row, row, rows};
use crate::store::{StoreError, rusqlite};

/// Which page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whence {
    /// The last messages.
    Latest,
    /// Those before this one.
    Before(Seq),
    /// Those after this one.
    After(Seq),
    /// This one in the middle, as far as there is enough on both sides.
    Around(Seq),
}

/// A page of a room's messages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    /// Oldest first.
    pub messages: Vec<Message>,
    /// Whether there are older ones.
    pub more: bool,
    /// Whether there are newer ones.
    pub more_after: bool,
}

/// A page of at most `limit` messages.
pub fn history(
    connection: &Connection,
    room: RoomId,
    whence: Whence,
    limit: u32,
) -> Result<History, StoreError> {
    let mut found = match whence {
        Whence::Latest => older(connection, room, Seq::MAX, limit)?,
        Whence::Before(seq) => older(connection, room, seq.saturating_sub(1), limit)?,
        Whence::After(seq) => newer(connection, room, seq, limit)?,
        Whence::Around(seq) => {
            let before = seq.saturating_sub(1);
            let after = newer(connection, room, before, limit - limit / 2)?;
            let mut found = older(connection, room, before, limit - after.len() as u32)?;
            found.extend(after);
            found
        }
    };
    add_reactions(connection, &mut found)?;
    let (first, last) = match (found.first(), found.last()) {
        (Some((first, _)), Some((last, _))) => (*first, *last),
        _ => {
            // Whatever there is lies on the other side of where the page would be.
            let border = match whence {
                Whence::Latest => room.key(Seq::MAX),
                Whence::Before(seq) | Whence::Around(seq) => room.key(seq.saturating_sub(1)),
                Whence::After(seq) => room.key(seq),
            };
            (border.saturating_add(1), border)
        }
    };
    Ok(History {
        messages: found.into_iter().map(|(_, message)| message).collect(),
        more: is_any(connection, room.key(0), first - 1)?,
        more_after: is_any(connection, last + 1, room.key(Seq::MAX))?,
    })
}

/// The last messages up to `upto`, oldest first.
fn older(
    connection: &Connection,
    room: RoomId,
    upto: Seq,
    limit: u32,
) -> Result<Vec<(i64, Message)>, StoreError> {
    let sql = format!(
        "SELECT {MESSAGE} FROM {MESSAGE_FROM}
         WHERE m.key >= ? AND m.key <= ? ORDER BY m.key DESC LIMIT ?"
    );
    let values = (room.key(0), room.key(upto), limit);
    let mut found = rows(connection, &sql, values, message_row)?;
    found.reverse();
    Ok(found)
}

/// The first messages after one, oldest first.
fn newer(
    connection: &Connection,
    room: RoomId,
    after: Seq,
    limit: u32,
) -> Result<Vec<(i64, Message)>, StoreError> {
    let sql = format!(
        "SELECT {MESSAGE} FROM {MESSAGE_FROM}
         WHERE m.key > ? AND m.key <= ? ORDER BY m.key LIMIT ?"
    );
    let values = (room.key(after), room.key(Seq::MAX), limit);
    rows(connection, &sql, values, message_row)
}

fn is_any(connection: &Connection, from: i64, upto: i64) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM messages WHERE key >= ? AND key <= ? LIMIT 1";
    Ok(row(connection, sql, (from, upto), |_| Ok(()))?.is_some())
}
