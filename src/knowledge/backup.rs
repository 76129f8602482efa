//! # Backup: the documents in the file that a backup is
//!
//! A backup of the chat is one file. The documents are a database of their own, whose bytes go into that
//! file, in a table in pieces; restored, they are a database again.
//!
//! Promises
//! 1. What is saved is the database at one instant, while others write to it.
//! 2. What was damaged takes nobody's place.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags};

use super::library::{FILE, Library};
use crate::store::{OpenError, StoreError, backup, rusqlite};

/// The table of pieces. Whoever restores the chat takes it away.
const TABLE: &str = "CREATE TABLE backup_docs (
    number INTEGER PRIMARY KEY,
    content BLOB NOT NULL
) STRICT";

/// Bytes of a piece.
const PIECE_BYTES: usize = 1 << 20;

/// Puts the documents of a folder into the backup of its chat. Without documents nothing is done.
pub fn save(folder: &Path, into: &Path, tell: &mut dyn FnMut(u64, u64)) -> Result<(), OpenError> {
    let from = folder.join(FILE);
    if !from.exists() {
        return Ok(());
    }
    let copy = beside(into, ".docs");
    remove(&copy).map_err(|error| blame(&copy, &error))?;
    let saved = backup(&from, &copy, tell, |_| Ok(())).and_then(|()| {
        pack(&copy, into).map_err(|why| OpenError {
            path: into.to_owned(),
            why,
        })
    });
    let removed = remove(&copy).map_err(|error| blame(&copy, &error));
    saved.and(removed)
}

fn pack(copy: &Path, into: &Path) -> Result<(), StoreError> {
    let io = |error: std::io::Error| StoreError::app(error.to_string());
    let mut file = File::open(copy).map_err(io)?;
    let connection = Connection::open_with_flags(into, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.execute_batch("BEGIN")?;
    connection.execute_batch(TABLE)?;
    let mut piece = Vec::with_capacity(PIECE_BYTES);
    loop {
        piece.clear();
        let limit = PIECE_BYTES as u64;
        if (&mut file)
            .take(limit)
            .read_to_end(&mut piece)
            .map_err(io)?
            == 0
        {
            break;
        }
        connection.execute("INSERT INTO backup_docs (content) VALUES (?)", [&piece])?;
    }
    connection.execute_batch("COMMIT")?;
    Ok(())
}

/// Brings the documents of a backup beside those of a folder, where [`put_back`] finds them. Nothing
/// comes from a backup without documents.
pub fn restore(from: &Path, folder: &Path) -> Result<(), OpenError> {
    let to = arriving(folder);
    remove(&to).map_err(|error| blame(&to, &error))?;
    let is_there = unpack(from, &to).map_err(|why| OpenError {
        path: from.to_owned(),
        why,
    });
    let judged = is_there.and_then(|is_there| match is_there {
        true => Library::judge(&to),
        false => Ok(()),
    });
    if judged.is_err() {
        // Why it is no good tells more than why it cannot be removed.
        drop(remove(&to));
    }
    judged
}

/// Whether there were any documents.
fn unpack(from: &Path, to: &Path) -> Result<bool, StoreError> {
    let io = |error: std::io::Error| StoreError::app(error.to_string());
    let connection = Connection::open_with_flags(from, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    if !connection.table_exists(None, "backup_docs")? {
        return Ok(false);
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
        .map_err(io)?;
    let mut pieces = connection.prepare("SELECT content FROM backup_docs ORDER BY number")?;
    let mut pieces = pieces.query(())?;
    while let Some(piece) = pieces.next()? {
        let piece: Vec<u8> = piece.get(0)?;
        file.write_all(&piece).map_err(io)?;
    }
    file.sync_all().map_err(io)?;
    let restored = Connection::open_with_flags(to, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    let verdict: String = restored.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
    match verdict.as_str() {
        "ok" => Ok(true),
        _ => Err(StoreError::Corrupt(verdict)),
    }
}

/// Puts what [`restore`] has brought in the place of the documents that are there, which are kept under
/// the name that is given. Nobody else may have them open.
pub fn put_back(folder: &Path, old: &str) -> Result<(), OpenError> {
    let there = folder.join(FILE);
    let old = folder.join(old);
    let moves = [
        (beside(&there, "-wal"), beside(&old, "-wal")),
        (there.clone(), old),
        (arriving(folder), there.clone()),
    ];
    for (from, to) in moves {
        match fs::rename(from, to) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(blame(&there, &error)),
            _ => {}
        }
    }
    remove(&beside(&there, "-shm"))
        .and_then(|()| File::open(folder)?.sync_all())
        .map_err(|error| blame(&there, &error))
}

/// Takes away what [`restore`] has brought.
pub fn give_up(folder: &Path) {
    let arriving = arriving(folder);
    if let Err(error) = remove(&arriving) {
        log::warn!("{} cannot be removed: {error}", arriving.display());
    }
}

fn arriving(folder: &Path) -> PathBuf {
    folder.join("docs-restoring.db")
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

fn blame(path: &Path, error: &std::io::Error) -> OpenError {
    OpenError {
        path: path.to_owned(),
        why: StoreError::app(error.to_string()),
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
