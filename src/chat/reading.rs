//! # Reading: rows as what they mean
//!
//! What the applying side and the reading side both look up: a message with all that belongs to it.

use rusqlite::{Connection, OptionalExtension, Row};

use super::event::{Attachment, Message, Reaction};
use super::id::{Seq, number_of_key};
use super::name::{Emoji, UserName};
use super::work::person;
use crate::store::{StoreError, rusqlite};

/// The columns that [`message_row`] reads, of `messages m` with its author `u` and its file `f`.
pub(super) const MESSAGE: &str = "m.key, m.version, u.id, u.name, u.display_name, m.at, m.text,
    m.client_key, m.reply_to, m.edited_at, m.deleted_at, f.id, f.name, f.media, f.bytes";

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
        key: row.get(7)?,
        reply_to: row.get::<_, Option<Seq>>(8)?,
        attachment,
        edited_at: row.get(9)?,
        deleted_at: row.get(10)?,
        reactions: Vec::new(),
    };
    Ok((key, message))
}

/// An attachment from four columns: id, name, media, bytes.
pub(super) fn attachment(row: &Row<'_>) -> rusqlite::Result<Attachment> {
    attachment_at(row, 0)
}

fn attachment_at(row: &Row<'_>, at: usize) -> rusqlite::Result<Attachment> {
    Ok(Attachment {
        id: row.get(at)?,
        name: row.get(at + 1)?,
        media: row.get(at + 2)?,
        bytes: row.get(at + 3)?,
    })
}

/// The message with this key.
pub(super) fn message(connection: &Connection, key: i64) -> Result<Option<Message>, StoreError> {
    let sql = format!("SELECT {MESSAGE} FROM {MESSAGE_FROM} WHERE m.key = ?");
    let found = connection
        .prepare_cached(&sql)?
        .query_row([key], message_row)
        .optional()?;
    let Some((key, mut message)) = found else {
        return Ok(None);
    };
    message.reactions = reactions(connection, key)?;
    Ok(Some(message))
}

/// Who reacted to the message with this key, by emoji in the order of their first use.
pub(super) fn reactions(connection: &Connection, key: i64) -> Result<Vec<Reaction>, StoreError> {
    let mut look = connection.prepare_cached(
        "SELECT r.emoji, u.name FROM reactions r JOIN users u ON u.id = r.user
         WHERE r.message = ? ORDER BY r.at, r.emoji, u.id",
    )?;
    let mut rows = look.query([key])?;
    let mut found: Vec<Reaction> = Vec::new();
    while let Some(row) = rows.next()? {
        let emoji = Emoji::trusted(row.get::<_, String>(0)?);
        let user = UserName::trusted(row.get::<_, String>(1)?);
        match found.iter_mut().find(|it| it.emoji == emoji) {
            Some(reaction) => reaction.users.push(user),
            None => found.push(Reaction {
                emoji,
                users: vec![user],
            }),
        }
    }
    Ok(found)
}
