//! # Connection: how a file is opened, and what is set on it
//!
//! Two kinds: the one that writes, which belongs to the scribe, and those that only read. Here are
//! the settings with their reasons, and the guard that keeps a job inside of its transaction.
//!
//! Promises
//! 1. A file that is refused (newer, damaged, no database, not writable) is left as it was.
//! 2. While [`Guard::during`] runs, nothing can be committed and no transaction be begun or ended.
//! 3. A new file is its owner's alone, like the folders made for it.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::{Connection, OpenFlags};

use super::Durability;
use super::error::{Outage, StoreError};
use super::migration::{self, Migrations};

/// How long the scribe waits for another program's lock. SQLite's users mostly take 5 s.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);

/// How long a reader waits, on the loop. With a write-ahead log readers do not wait for writers, so
/// this is for the moments in which another program recovers the log.
const READER_PATIENCE: Duration = Duration::from_millis(50);

/// Pages that a connection keeps which reads, in KiB. Measured from 512 to 16384: reads by key hardly
/// care.
const READER_CACHE_KIB: i64 = 1024;

/// The same for the one that writes. What does not fit SQLite writes into the log before the commit, and
/// reads again: for a full group of chat messages in 50 rooms 1024 are 1.5 times as many writes and
/// four times as many reads as 2048, and 4096 no fewer.
const WRITER_CACHE_KIB: i64 = 2048;

/// Statements that a connection keeps prepared, a few KiB each. rusqlite has 16.
const STATEMENTS_MAX: usize = 64;

/// The log's size when it begins anew; a rush may make it longer for a while.
const LOG_BYTES_MAX: i64 = 16 << 20;

/// Files up to this size are checked from end to end when they are opened, which takes some
/// milliseconds; larger ones would delay the start, and their damage is told when it is met.
const CHECKED_BYTES_MAX: u64 = 4 << 20;

/// Where a database is.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// An absolute path.
    File(PathBuf),
    /// A name that SQLite knows within this process.
    Memory(String),
}

impl Place {
    /// A place in memory that nobody else has.
    pub(super) fn memory() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        Self::Memory(format!("file:/parlour-{number}?vfs=memdb"))
    }

    pub(super) fn open(&self, flags: OpenFlags) -> Result<Connection, StoreError> {
        let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match self {
            Self::File(path) => Connection::open_with_flags(path, flags)?,
            Self::Memory(name) => {
                Connection::open_with_flags(name, flags | OpenFlags::SQLITE_OPEN_URI)?
            }
        };
        // A schema may have been written by somebody who wishes us ill.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
        // Otherwise a misspelt "column" is silently a text.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
        // Otherwise a statement whose plan may depend on a value, which is each with a condition and
        // an order, is prepared anew whenever it comes from the cache.
        connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        connection.set_prepared_statement_cache_capacity(STATEMENTS_MAX);
        Ok(connection)
    }
}

/// Settings for which SQLite reads the file, unlike those of [`Place::open`].
fn bound_memory(connection: &Connection, cache_kib: i64) -> Result<(), StoreError> {
    connection.pragma_update(None, "cache_size", -cache_kib)?;
    connection.pragma_update(None, "temp_store", "memory")?;
    Ok(())
}

/// Opens the connection that writes, and brings the schema up to date.
pub(super) fn open_writer(
    place: &Place,
    sets: &[Migrations],
    durability: Durability,
) -> Result<(Connection, Guard), StoreError> {
    if let Place::File(path) = place {
        create(path).map_err(|error| StoreError::io(&error))?;
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    settle(place.open(flags)?, place, sets, durability)
}

/// Opens a connection that cannot write.
pub(super) fn open_reader(place: &Place) -> Result<Connection, StoreError> {
    let connection = place.open(OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    bound_memory(&connection, READER_CACHE_KIB)?;
    connection.pragma_update(None, "query_only", true)?;
    connection.busy_timeout(match place {
        Place::File(_) => READER_PATIENCE,
        // In memory there is no log, so that here readers do wait for the writer.
        Place::Memory(_) => PATIENCE,
    })?;
    Ok(connection)
}

/// Creates what is missing: the folders, and an empty file.
fn create(path: &Path) -> std::io::Result<()> {
    if let Some(folder) = path.parent() {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(folder)?;
    }
    // Only if it is new: closing a second descriptor of a file drops SQLite's locks on it.
    let new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path);
    match new {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

/// Refuses what cannot be used, and sets and migrates the rest.
fn settle(
    mut connection: Connection,
    place: &Place,
    sets: &[Migrations],
    durability: Durability,
) -> Result<(Connection, Guard), StoreError> {
    // Closing would carry a log that a crash left behind into the file, and that is a change.
    let keep_log = DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE;
    connection.set_db_config(keep_log, has_log(place))?;
    connection.busy_timeout(PATIENCE)?;
    if connection.is_readonly("main")? {
        return Err(StoreError::Storage {
            outage: Outage::ReadOnly,
            detail: "the file cannot be written".to_owned(),
        });
    }
    bound_memory(&connection, WRITER_CACHE_KIB)?;
    check(&connection, place)?;
    migration::judge(&connection, sets)?;
    connection.set_db_config(keep_log, false)?;

    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if matches!(place, Place::File(_)) && mode != "wal" {
        return Err(StoreError::Storage {
            outage: Outage::Io,
            detail: format!("the file system allows no write-ahead log (only {mode:?})"),
        });
    }
    connection.pragma_update(None, "synchronous", durability.pragma())?;
    connection.pragma_update(None, "journal_size_limit", LOG_BYTES_MAX)?;
    let guard = Guard::install(&mut connection)?;
    migration::migrate(&connection, &guard, sets)?;
    Ok((connection, guard))
}

fn has_log(place: &Place) -> bool {
    let Place::File(path) = place else {
        return false;
    };
    let mut log = path.clone().into_os_string();
    log.push("-wal");
    fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// Reads the schema, which finds what is no database or cut short, and small files wholly.
fn check(connection: &Connection, place: &Place) -> Result<(), StoreError> {
    connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
    let Place::File(path) = place else {
        return Ok(());
    };
    let bytes = fs::metadata(path)
        .map_err(|error| StoreError::io(&error))?
        .len();
    if bytes > CHECKED_BYTES_MAX {
        return Ok(());
    }
    let verdict: String = connection.query_row("PRAGMA quick_check(1)", (), |row| row.get(0))?;
    match verdict.as_str() {
        "ok" => Ok(()),
        _ => Err(StoreError::Corrupt(verdict)),
    }
}

/// Keeps what runs inside of [`Guard::during`] from leaving its transaction.
///
/// A `COMMIT` in a job would commit what others in the group have done, and a `ROLLBACK` would
/// take it from them. And where SQLite itself has rolled everything back (a full disk does that),
/// the job's next statement would be committed on its own, although the job has failed.
pub(super) struct Guard(Arc<AtomicBool>);

impl Guard {
    fn install(connection: &mut Connection) -> Result<Self, StoreError> {
        let inside = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&inside);
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            if asked.load(Ordering::Relaxed) && leads_out(context.action) {
                Authorization::Deny
            } else {
                Authorization::Allow
            }
        }))?;
        let asked = Arc::clone(&inside);
        // True makes a rollback of the commit.
        connection.commit_hook(Some(move || asked.load(Ordering::Relaxed)))?;
        Ok(Self(inside))
    }

    /// Runs `work`, which must not unwind.
    pub(super) fn during<T>(&self, work: impl FnOnce() -> T) -> T {
        self.0.store(true, Ordering::Relaxed);
        let result = work();
        self.0.store(false, Ordering::Relaxed);
        result
    }
}

fn leads_out(action: AuthAction<'_>) -> bool {
    match action {
        AuthAction::Transaction { .. } | AuthAction::Attach { .. } | AuthAction::Detach { .. } => {
            true
        }
        AuthAction::Savepoint { savepoint_name, .. } => savepoint_name == "the job",
        AuthAction::Pragma { pragma_name, .. } => {
            pragma_name.eq_ignore_ascii_case("defer_foreign_keys")
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_may_not_be_written_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.db");
        let place = Place::File(path.clone());
        drop(open_writer(&place, &[], Durability::Full).unwrap());
        let before = fs::read(&path).unwrap();
        // Opened so, because for root every file may be written.
        let connection = place.open(OpenFlags::SQLITE_OPEN_READ_ONLY).unwrap();
        let refused = settle(connection, &place, &[], Durability::Full);
        assert_eq!(
            refused.map(drop),
            Err(StoreError::Storage {
                outage: Outage::ReadOnly,
                detail: "the file cannot be written".to_owned(),
            })
        );
        assert_eq!(fs::read(&path).unwrap(), before);
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
    }
}
