//! # Check files: whether uploaded files are there, and are what was uploaded
//!
//! Reads every file that a row names, once, and looks for files that no row names. It may take as long
//! as the disk needs for all of them: rows are read in pages, so that nobody who writes has to wait.
//!
//! Promises
//! 1. A file that is lost, longer, shorter or changed is found, and named by what shows it.
//! 2. A file whose row goes away meanwhile is no damage.

use std::io::ErrorKind;

use super::check::{Damage, Finding, Told};
use super::files::Files;
use super::id::{RoomId, number_of_key};
use super::upload::is_in_use;
use crate::store::{Connection, Reader, StoreError};

/// Rows that are read at a time.
const ROWS: u32 = 500;

/// An upload as its row tells.
struct Row {
    id: String,
    hash: String,
    bytes: u64,
    place: String,
}

/// Tells which files of uploads are lost or changed, and which nobody needs.
///
/// ```
/// use parlour::chat::{self, Files, Told};
///
/// let folder = tempfile::tempdir()?;
/// let database = chat::open(folder.path(), parlour::store::Durability::Full, "e", 0)?;
/// let files = Files::beside(folder.path());
/// let mut wrong = 0;
/// chat::check_files(&database.reader()?, &files, &mut |told| {
///     wrong += u32::from(matches!(told, Told::Found(_)));
/// })?;
/// assert_eq!(wrong, 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn check_files(
    reader: &Reader,
    files: &Files,
    tell: &mut dyn FnMut(Told),
) -> Result<(), StoreError> {
    let sql = "SELECT coalesce(sum(bytes), 0) FROM
                   (SELECT max(bytes) AS bytes FROM uploads GROUP BY hash)";
    let of = reader.query(|tables| Ok(tables.query_row(sql, (), |row| row.get::<_, u64>(0))?))?;
    let mut done = 0;
    let mut last = (String::new(), String::new());
    // What was found of the last content: several uploads may have the same.
    let mut content = None;
    loop {
        let page = reader.query(|tables| rows(tables, &last))?;
        let Some(end) = page.last() else { break };
        last = (end.hash.clone(), end.id.clone());
        for row in page {
            let found = match content.take() {
                Some((hash, found)) if hash == row.hash => found,
                _ => look_at(files, &row.hash, &mut |bytes| {
                    // A file that grew is read to its end.
                    done = of.min(done + bytes);
                    tell(Told::Progress { done, of });
                }),
            };
            if let Some(damage) = damage(&found, row.bytes)
                && reader.query(|tables| is_in_use(tables, &row.hash))?
            {
                let place = match &found {
                    Content::Unreadable(why) => format!("{} ({why})", row.place),
                    _ => row.place,
                };
                tell(Told::Found(Finding { damage, place }));
            }
            content = Some((row.hash, found));
        }
    }
    needless(reader, files, tell)
}

/// A page of uploads in the order of their contents, each with what shows it.
fn rows(tables: &Connection, after: &(String, String)) -> Result<Vec<Row>, StoreError> {
    let mut look = tables.prepare_cached(
        "SELECT id, hash, bytes, name, message FROM uploads
         WHERE (hash, id) > (?, ?) ORDER BY hash, id LIMIT ?",
    )?;
    let found = look.query_map((&after.0, &after.1, ROWS), |row| {
        let id: String = row.get(0)?;
        let name: String = row.get(3)?;
        let shown = row.get::<_, Option<i64>>(4)?.map(|key| {
            let (room, seq) = (RoomId::of_key(key), number_of_key(key));
            format!("room {}, message {seq}, ", room.0)
        });
        Ok(Row {
            place: format!(
                "{}upload {id}, \"{}\"",
                shown.unwrap_or_default(),
                name.escape_debug()
            ),
            id,
            hash: row.get(1)?,
            bytes: row.get(2)?,
        })
    })?;
    Ok(found.collect::<Result<_, _>>()?)
}

/// What a file turned out to be.
enum Content {
    Whole(u64),
    Changed,
    Lost,
    Unreadable(String),
}

fn look_at(files: &Files, hash: &str, read: &mut dyn FnMut(u64)) -> Content {
    match files.verify(hash, read) {
        Ok((bytes, true)) => Content::Whole(bytes),
        Ok((_, false)) => Content::Changed,
        Err(error) if error.kind() == ErrorKind::NotFound => Content::Lost,
        Err(error) => Content::Unreadable(error.to_string()),
    }
}

fn damage(found: &Content, bytes: u64) -> Option<Damage> {
    match found {
        Content::Whole(there) if *there == bytes => None,
        Content::Whole(_) | Content::Changed => Some(Damage::FileChanged),
        Content::Lost => Some(Damage::FileLost),
        Content::Unreadable(_) => Some(Damage::FileUnreadable),
    }
}

/// Tells of files without a row: what has just come gets one, all else goes by itself.
fn needless(reader: &Reader, files: &Files, tell: &mut dyn FnMut(Told)) -> Result<(), StoreError> {
    for folder in 0..=u8::MAX {
        let names = files.names_in(folder).map_err(|error| {
            let detail = format!("the folder of uploaded files cannot be read: {error}");
            StoreError::app(detail)
        })?;
        for name in names {
            let hash = name.rsplit('/').next().unwrap_or(&name);
            if !reader.query(|tables| is_in_use(tables, hash))? {
                tell(Told::Needless(format!("file uploads/{name}")));
            }
        }
    }
    Ok(())
}
