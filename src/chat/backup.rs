//! # Backup: the chat in one file, and back
//!
//! A backup is a copy of the database with one table more, in which the uploaded files are, so that
//! one file is everything. It is made while the server writes, and restored while none runs.
//!
//! Promises
//! 1. A backup is the chat at one instant. A file that its uploader removed while it was made is told
//!    of, and left out.
//! 2. A database that was restored has another epoch: clients do not take it for the one that they
//!    know, which had gone on.
//! 3. What was damaged is not restored: each file has the content that its name says.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::Path;

use rusqlite::Connection;

use super::archive;
use super::files::Files;
use super::limits::UPLOAD_BYTES_MAX;
use super::schema::{CHAT, FILE};
use crate::store::{Database, OpenError, StoreError, backup, rusqlite};

/// The table of files, which only backups have.
const TABLE: &str = "CREATE TABLE backup_files (
    hash TEXT PRIMARY KEY,
    content BLOB NOT NULL
) STRICT";

/// What is being done, with how much of it is done, and of how much.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// Pages of the database.
    Pages(u64, u64),
    /// Uploaded files.
    Files(u64, u64),
}

/// Makes a backup of the chat in a folder, as a new file. Gives the hashes of files that are missing.
pub fn save(
    folder: &Path,
    to: &Path,
    tell: &mut dyn FnMut(Step),
) -> Result<Vec<String>, OpenError> {
    let files = Files::beside(folder);
    // `finish` tells too, and only one of both at a time.
    let tell = std::cell::RefCell::new(tell);
    let mut pages = |done, of| tell.borrow_mut()(Step::Pages(done, of));
    backup(folder.join(FILE), to, &mut pages, |copy| {
        collect(copy, &files, &mut |done, of| {
            tell.borrow_mut()(Step::Files(done, of));
        })
    })
}

fn collect(
    copy: &Connection,
    files: &Files,
    tell: &mut dyn FnMut(u64, u64),
) -> Result<Vec<String>, StoreError> {
    let hashes = archive::files(copy)?;
    let of = hashes.len() as u64;
    let mut missing = Vec::new();
    copy.execute_batch("BEGIN")?;
    copy.execute_batch(TABLE)?;
    for (done, hash) in (0..).zip(hashes) {
        tell(done, of);
        let content = match files.path(&hash).map(fs::read) {
            Some(Ok(content)) => content,
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => {
                return Err(StoreError::app(format!(
                    "the uploaded file {hash}: {error}"
                )));
            }
            _ => {
                missing.push(hash);
                continue;
            }
        };
        let sql = "INSERT INTO backup_files (hash, content) VALUES (?, ?)";
        copy.execute(sql, (hash, content))?;
    }
    copy.execute_batch("COMMIT")?;
    tell(of, of);
    Ok(missing)
}

/// Makes of a backup the chat of a folder, from now on called `epoch`. What is there already is kept
/// under the name that is given. Nobody else may have the folder's database open.
pub fn restore(
    from: &Path,
    folder: &Path,
    epoch: &str,
    old: &str,
    tell: &mut dyn FnMut(Step),
) -> Result<(), OpenError> {
    let arriving = folder.join("restoring.db");
    let blame = |why: StoreError| OpenError {
        path: folder.join(FILE),
        why,
    };
    let io = |error: std::io::Error| blame(StoreError::app(error.to_string()));
    // Left over from a time that was cut off.
    remove(&arriving).map_err(io)?;
    let files = Files::beside(folder);
    let tell = std::cell::RefCell::new(tell);
    let mut pages = |done, of| tell.borrow_mut()(Step::Pages(done, of));
    let copied = backup(from, &arriving, &mut pages, |copy| {
        unpack(copy, &files, epoch, &mut |done, of| {
            tell.borrow_mut()(Step::Files(done, of));
        })
    });
    // What is newer than this program is refused before it replaces anything.
    let judged = copied.and_then(|()| Database::is_current(&arriving, &[CHAT]));
    if let Err(error) = judged {
        // The reason why it is not there tells more than why it cannot be removed.
        let _ = remove(&arriving);
        // What is wrong with the copy is wrong with what was copied.
        let path = from.to_owned();
        return Err(OpenError { path, ..error });
    }
    replace(&arriving, folder, old).map_err(io)
}

fn unpack(
    copy: &Connection,
    files: &Files,
    epoch: &str,
    tell: &mut dyn FnMut(u64, u64),
) -> Result<(), StoreError> {
    let verdict: String = copy.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
    if verdict != "ok" {
        return Err(StoreError::Corrupt(verdict));
    }
    if !copy.table_exists(None, "server")? || !copy.table_exists(None, "migrations")? {
        let tell = "this is a database, but not one of parlour's: name the file that 'parlour backup' made";
        return Err(StoreError::app(tell));
    }
    if copy.table_exists(None, "backup_files")? {
        let hashes: Vec<String> = copy
            .prepare("SELECT hash FROM backup_files ORDER BY hash")?
            .query_map((), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let of = hashes.len() as u64;
        for (done, hash) in (0..).zip(hashes) {
            tell(done, of);
            let sql = "SELECT content FROM backup_files WHERE hash = ?";
            let content: Vec<u8> = copy.query_row(sql, [&hash], |row| row.get(0))?;
            keep(files, &hash, &content)?;
        }
        tell(of, of);
        // Documents were put there beside the files, and are restored by themselves.
        copy.execute_batch("DROP TABLE backup_files; DROP TABLE IF EXISTS backup_docs; VACUUM")?;
    }
    copy.execute("UPDATE server SET epoch = ?", [epoch])?;
    // Nobody waits for these.
    copy.execute("DELETE FROM outside", ())?;
    Ok(())
}

/// Keeps a file whose content is known by its hash.
pub fn keep(files: &Files, hash: &str, content: &[u8]) -> Result<(), StoreError> {
    let kept = files
        .arrive(UPLOAD_BYTES_MAX)
        .and_then(|mut incoming| {
            incoming.write_all(content)?;
            incoming.keep()
        })
        .map_err(|error| StoreError::app(format!("the uploaded file {hash}: {error}")))?;
    if kept.hash == hash {
        return Ok(());
    }
    // It has no row, so that it is swept away some time.
    let tell =
        format!("the uploaded file {hash} is damaged: it has another content than its name says");
    Err(StoreError::app(tell))
}

/// Puts a database in the place of the one that is there.
fn replace(arriving: &Path, folder: &Path, old: &str) -> std::io::Result<()> {
    let database = folder.join(FILE);
    let name = |suffix: &str| folder.join(format!("{FILE}{suffix}"));
    // The log first: a log whose database is another one would be taken for the new one's.
    let moves = [
        (name("-wal"), folder.join(format!("{old}-wal"))),
        (database.clone(), folder.join(old)),
    ];
    for (from, to) in moves {
        match fs::rename(from, to) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    remove(&name("-shm"))?;
    fs::rename(arriving, &database)?;
    File::open(folder)?.sync_all()
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}
