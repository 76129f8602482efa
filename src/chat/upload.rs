//! # Uploads: files that go with messages
//!
//! A file is in its folder ([`Files`](super::Files)) before it has a row here, and goes after its
//! row is gone.

use rusqlite::{Connection, OptionalExtension};

use super::apply::Stop;
use super::files::is_hash;
use super::id::{RoomId, Seq, UserId, number_of_key};
use super::limits::{UPLOAD_BYTES_MAX, UPLOAD_BYTES_PER_DAY_MAX, UPLOADS_PER_DAY_MAX};
use super::operation::Operation;
use super::outcome::Answer;
use super::refusal::{Code, Refusal};
use super::work::Work;
use crate::store::{StoreError, rusqlite};

const DAY_MS: u64 = 24 * 60 * 60 * 1000;

pub(super) fn perform(work: &Work<'_>, operation: &Operation) -> Result<Answer, Stop> {
    match operation {
        Operation::AddUpload {
            id,
            hash,
            name,
            media,
            bytes,
            size,
        } => {
            let user = work.actor()?.person.id;
            must_fit(work, user, *bytes)?;
            if !is_hash(hash) {
                let tell = "`hash` is a SHA-256 in 64 small hexadecimal digits.";
                return Err(Refusal::field("hash", tell).into());
            }
            let added = work.execute(
                "INSERT OR IGNORE INTO uploads
                     (id, hash, name, media, bytes, by, at, width, height)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    id,
                    hash,
                    name,
                    media,
                    *bytes,
                    user.0,
                    work.at(),
                    size.map(|(width, _)| width),
                    size.map(|(_, height)| height),
                ),
            )?;
            if added == 0 {
                let tell = "There is an upload with this id already. Upload the file again.";
                return Err(Refusal::new(Code::Exists, tell).into());
            }
            Ok(Answer::Done)
        }
        other => unreachable!("{other:?} is not about uploads"),
    }
}

fn must_fit(work: &Work<'_>, user: UserId, bytes: u64) -> Result<(), Stop> {
    if bytes > UPLOAD_BYTES_MAX {
        let tell =
            format!("The file has {bytes} bytes, and at most {UPLOAD_BYTES_MAX} are allowed.");
        return Err(Refusal::new(Code::TooLong, tell).into());
    }
    let since = work.at().saturating_sub(DAY_MS);
    let (files, before): (u64, u64) = work
        .row(
            "SELECT count(*), coalesce(sum(bytes), 0) FROM uploads WHERE by = ? AND at > ?",
            (user.0, since),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .unwrap_or_default();
    if files < UPLOADS_PER_DAY_MAX && before + bytes <= UPLOAD_BYTES_PER_DAY_MAX {
        return Ok(());
    }
    let tell = format!(
        "You have uploaded {files} files with {before} bytes within a day, and at most \
         {UPLOADS_PER_DAY_MAX} with {UPLOAD_BYTES_PER_DAY_MAX} are allowed. Try again tomorrow."
    );
    Err(Refusal::new(Code::TooMany, tell).into())
}

/// Forgets what was uploaded and never used.
pub(super) fn tidy(work: &Work<'_>) -> Result<(), Stop> {
    let sql = "DELETE FROM uploads WHERE message IS NULL AND at < ?
                 AND (SELECT avatar FROM users WHERE users.id = uploads.by) IS NOT uploads.id";
    work.execute(sql, [work.at().saturating_sub(DAY_MS)])?;
    Ok(())
}

// -------------------------------------------------------------------------------------- reading

/// A file that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upload {
    /// The SHA-256 of its content, by which it is found in its folder.
    pub hash: Box<str>,
    /// Its name.
    pub name: Box<str>,
    /// Its media type, as whoever uploaded it said.
    pub media: Box<str>,
    /// Its length.
    pub bytes: u64,
    /// Who uploaded it.
    pub by: UserId,
    /// The message that shows it, which says who may see it; nothing until there is one.
    pub message: Option<(RoomId, Seq)>,
    /// Whether it is somebody's picture, which everybody may see.
    pub is_avatar: bool,
}

/// The upload with this id.
pub fn uploaded(connection: &Connection, id: &str) -> Result<Option<Upload>, StoreError> {
    let mut look = connection.prepare_cached(
        "SELECT f.hash, f.name, f.media, f.bytes, f.by, f.message, u.avatar IS f.id
         FROM uploads f JOIN users u ON u.id = f.by WHERE f.id = ?",
    )?;
    let found = look.query_row([id], |row| {
        let message: Option<i64> = row.get(5)?;
        Ok(Upload {
            hash: row.get(0)?,
            name: row.get(1)?,
            media: row.get(2)?,
            bytes: row.get(3)?,
            by: UserId(row.get(4)?),
            message: message.map(|key| (RoomId::of_key(key), number_of_key(key))),
            is_avatar: row.get(6)?,
        })
    });
    Ok(found.optional()?)
}

/// Whether a file's content is any upload's: what is not can go.
pub fn is_in_use(connection: &Connection, hash: &str) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM uploads WHERE hash = ?)";
    let mut look = connection.prepare_cached(sql)?;
    Ok(look.query_row([hash], |row| row.get(0))?)
}
