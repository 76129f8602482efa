//! # Reading: rows as what they mean
//!
//! What the applying side and the reading side both look up: a message with all that belongs to it.

use std::collections::BTreeMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, Params, Row};

use super::event::{Attachment, Message, Reaction};
use super::id::{Seq, number_of_key};
use super::name::{Emoji, RoomName, UserName};
use super::operation::Style;
use super::work::person;
use crate::store::{StoreError, rusqlite};

/// Some of what there is, and whether there is more behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<T> {
    /// In their order.
    pub items: Vec<T>,
    /// Whether more follow.
    pub more: bool,
}

impl<T> Part<T> {
    /// Of items that were looked up one beyond the limit.
    pub(super) fn cut(mut items: Vec<T>, limit: u32) -> Self {
        let more = items.len() > limit as usize;
        items.truncate(limit as usize);
        Self { items, more }
    }
}

/// A statement of the reading side, which runs on the loop. So it goes to what it wants by a key or
/// an index; every test that comes by here sees to that.
fn prepare<'a>(connection: &'a Connection, sql: &str) -> Result<CachedStatement<'a>, StoreError> {
    #[cfg(test)]
    super::tests::must_not_scan(connection, sql);
    Ok(connection.prepare_cached(sql)?)
}

/// All rows that a statement gives.
pub(super) fn rows<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Vec<T>, StoreError> {
    let mut look = prepare(connection, sql)?;
    let rows = look.query_map(values, read)?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}

/// The row that a statement gives, if it gives one.
pub(super) fn row<T>(
    connection: &Connection,
    sql: &str,
    values: impl Params,
    read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> Result<Option<T>, StoreError> {
    let mut look = prepare(connection, sql)?;
    Ok(look.query_row(values, read).optional()?)
}

/// A room's name as it is or was: a deleted room's is kept behind its number, so that the name is
/// free and who catches up is still told it.
pub(super) fn room_name(stored: &str) -> RoomName {
    RoomName::trusted(stored.rsplit('~').next().unwrap_or(stored))
}

/// The columns that [`message_row`] reads, of `messages m` with its author `u` and its file `f`.
pub(super) const MESSAGE: &str = "m.key, m.version, u.id, u.name, u.display_name, m.at, m.text,
    m.client_key, m.reply_to, m.edited_at, m.deleted_at, f.id, f.name, f.media, f.bytes,
    f.width, f.height, m.style";

/// Where they come from.
pub(super) const MESSAGE_FROM: &str = "messages m JOIN users u ON u.id = m.author
    LEFT JOIN uploads f ON f.id = m.attachment";

/// A message without its reactions, and its key.
pub(super) fn message_row(row: &Row<'_>) -> rusqlite::Result<(i64, Message)> {
    let key: i64 = row.get(0)?;
    let attachment = match row.get::<_, Option<String>>(11)? {
        None => None,
        Some(_) => Some(attachment_at(row, 11)?),
    };
    let message = Message {
        seq: number_of_key(key),
        version: row.get(1)?,
        from: person(row, 2)?,
        at: row.get(5)?,
        text: row.get(6)?,
        style: row.get::<_, Option<Style>>(17)?.unwrap_or_default(),
        key: row.get(7)?,
        reply_to: row.get::<_, Option<Seq>>(8)?,
        attachment,
        edited_at: row.get(9)?,
        deleted_at: row.get(10)?,
        reactions: Vec::new(),
    };
    Ok((key, message))
}

/// An attachment from six columns: id, name, media, bytes, width, height.
pub(super) fn attachment(row: &Row<'_>) -> rusqlite::Result<Attachment> {
    attachment_at(row, 0)
}

fn attachment_at(row: &Row<'_>, at: usize) -> rusqlite::Result<Attachment> {
    Ok(Attachment {
        id: row.get(at)?,
        name: row.get(at + 1)?,
        media: row.get(at + 2)?,
        bytes: row.get(at + 3)?,
        size: row
            .get::<_, Option<u32>>(at + 4)?
            .zip(row.get::<_, Option<u32>>(at + 5)?),
    })
}

/// The message with this key.
pub(super) fn message(connection: &Connection, key: i64) -> Result<Option<Message>, StoreError> {
    let sql = format!("SELECT {MESSAGE} FROM {MESSAGE_FROM} WHERE m.key = ?");
    let mut found: Vec<_> = row(connection, &sql, [key], message_row)?
        .into_iter()
        .collect();
    add_reactions(connection, &mut found)?;
    Ok(found.pop().map(|(_, message)| message))
}

/// The messages with these keys, as far as they are there.
pub(super) fn messages(
    connection: &Connection,
    keys: &[i64],
) -> Result<BTreeMap<i64, Message>, StoreError> {
    if keys.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sql = format!(
        "SELECT {MESSAGE} FROM {MESSAGE_FROM} WHERE m.key IN (SELECT value FROM json_each(?))"
    );
    let mut found = rows(connection, &sql, [list(keys)], message_row)?;
    add_reactions(connection, &mut found)?;
    Ok(found.into_iter().collect())
}

/// A list as SQLite takes one: the text of an array.
fn list(keys: &[i64]) -> String {
    let numbers: Vec<String> = keys.iter().map(i64::to_string).collect();
    format!("[{}]", numbers.join(","))
}

/// Adds to messages who reacted, by emoji in the order of their first use: one statement for all.
pub(super) fn add_reactions(
    connection: &Connection,
    messages: &mut [(i64, Message)],
) -> Result<(), StoreError> {
    let keys: Vec<i64> = messages.iter().map(|(key, _)| *key).collect();
    if keys.is_empty() {
        return Ok(());
    }
    let sql = "SELECT r.message, r.emoji, u.name FROM reactions r JOIN users u ON u.id = r.user
               WHERE r.message IN (SELECT value FROM json_each(?))
               ORDER BY r.message, r.at, r.emoji, u.id";
    let reactions: Vec<(i64, String, String)> = rows(connection, sql, [list(&keys)], |row| {
        Ok((row.get(0)?, row.get(1)?, row.get(2)?))
    })?;
    if reactions.is_empty() {
        return Ok(());
    }
    let places: BTreeMap<i64, usize> = (0..).zip(keys).map(|(at, key)| (key, at)).collect();
    for (key, emoji, user) in reactions {
        let emoji = Emoji::trusted(emoji);
        let user = UserName::trusted(user);
        let found = &mut messages[places[&key]].1.reactions;
        match found.iter_mut().find(|it| it.emoji == emoji) {
            Some(reaction) => reaction.users.push(user),
            None => found.push(Reaction {
                emoji,
                users: vec![user],
            }),
        }
    }
    Ok(())
}
