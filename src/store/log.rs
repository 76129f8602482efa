//! # Log: carrying what is written into the file
//!
//! SQLite writes to a log, which has to be carried into the file from time to time; by itself it does so
//! within a commit, while everybody waits: some milliseconds each thousand pages, and several times as
//! many when the disk has other things to do. Here another thread carries most of it, beside the
//! scribe, and the scribe only what came meanwhile, so that the log can begin anew.
//!
//! ```text
//!     pages ≥ due ─► another thread carries ─► the scribe carries the rest ─► the log begins anew
//! ```
//!
//! Promises
//! 1. The log does not grow without end: if carrying is too slow, the scribe waits for it.
//! 2. There is no thread while there is nothing to carry.
//! 3. What cannot be carried stays in the log, and nothing is lost.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};

use rusqlite::config::DbConfig;
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, MAIN_DB, OpenFlags};

use super::Durability;
use super::connection::Place;
use super::error::StoreError;

/// Pages of the log at which it is carried: twice SQLite's own number, because nobody waits for it. What
/// changes all the time is carried half as often.
pub(super) const DUE_PAGES: u32 = 2000;

/// The same for a database that others on the same disk go before: the disk promises less at a time, so
/// that their commits wait less.
pub(super) const DUE_PAGES_BEHIND: u32 = 128;

/// Pages that may come while others are carried.
const MEANWHILE_PAGES: u32 = 4000;

/// The log of the connection that writes.
pub(super) struct Log {
    place: Place,
    durability: Durability,
    /// As of the last commit.
    pages: Arc<AtomicU32>,
    seen: u32,
    /// So many are carried at a time, and the next time at this many.
    step: u32,
    due: u32,
    carrying: Option<JoinHandle<()>>,
}

impl Log {
    /// From now on the connection's commits do not carry anything by themselves.
    pub(super) fn of(
        connection: &mut Connection,
        place: Place,
        durability: Durability,
        step: u32,
    ) -> Result<Self, StoreError> {
        let pages = Arc::new(AtomicU32::new(0));
        let told = Arc::clone(&pages);
        connection.wal_hook(Some(move |_: &mut _, pages: i32| {
            told.store(pages.unsigned_abs(), Ordering::Relaxed);
            Ok(())
        }))?;
        Ok(Self {
            place,
            durability,
            pages,
            seen: 0,
            step,
            due: step,
            carrying: None,
        })
    }

    /// To be called between transactions.
    pub(super) fn carry(&mut self, connection: &Connection) {
        let pages = self.pages.load(Ordering::Relaxed);
        if pages < self.seen {
            self.due = self.step;
        }
        self.seen = pages;
        match &self.carrying {
            None if pages >= self.due => self.begin(connection),
            Some(it) if it.is_finished() || pages >= self.due + MEANWHILE_PAGES => {
                self.end(connection);
            }
            _ => {}
        }
    }

    /// Waits for what is under way.
    pub(super) fn settle(&mut self) {
        if let Some(carrying) = self.carrying.take()
            && carrying.join().is_err()
        {
            log::error!("the thread that carries the log has panicked");
        }
    }

    fn begin(&mut self, connection: &Connection) {
        let (place, durability) = (self.place.clone(), self.durability);
        #[expect(
            clippy::disallowed_methods,
            reason = "the scribe is what waits for the disk, and here it is not to"
        )]
        let thread = thread::Builder::new()
            .name("carrier".to_owned())
            .spawn(move || {
                // Where it fails the log keeps everything, and the next commit says what is wrong.
                let _ = carry_beside(&place, durability);
            });
        match thread {
            Ok(thread) => self.carrying = Some(thread),
            Err(_) => self.end(connection),
        }
    }

    /// Carries all that there is, behind what is under way.
    pub(super) fn end(&mut self, connection: &Connection) {
        self.settle();
        // Takes what readers allow and waits for nobody.
        let _ = connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE);
        // Where readers keep the log from beginning anew, not at once again.
        self.due = self.seen + self.step;
    }
}

fn carry_beside(place: &Place, durability: Durability) -> Result<(), StoreError> {
    let connection = place.open(OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    connection.pragma_update(None, "synchronous", durability.pragma())?;
    connection.wal_checkpoint_v2(Some(MAIN_DB), CheckpointMode::PASSIVE)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::connection::{open_reader, open_writer};
    use super::*;

    /// A file whose log is carried by this.
    fn new_file() -> (tempfile::TempDir, Place, Connection, Log) {
        let folder = tempfile::tempdir().unwrap();
        let place = Place::File(folder.path().join("notes.db"));
        let (mut connection, _) = open_writer(&place, &[], Durability::Full).unwrap();
        let log = Log::of(&mut connection, place.clone(), Durability::Full, 50).unwrap();
        connection
            .execute_batch("CREATE TABLE notes (text TEXT)")
            .unwrap();
        (folder, place, connection, log)
    }

    /// Writes until the log is carried, and is carried wholly as far as readers allow; how many pages it
    /// had.
    fn write_until_carried(connection: &Connection, log: &mut Log) -> u32 {
        while log.carrying.is_none() {
            write(connection);
            log.carry(connection);
        }
        while log.carrying.is_some() {
            thread::yield_now();
            log.carry(connection);
        }
        log.seen
    }

    fn write(connection: &Connection) {
        let sql = "INSERT INTO notes VALUES (hex(zeroblob(2000)))";
        connection.execute(sql, ()).unwrap();
    }

    #[test]
    fn a_log_that_was_carried_begins_anew() {
        let (_folder, _, connection, mut log) = new_file();
        for _ in 0..3 {
            assert!(write_until_carried(&connection, &mut log) < 60);
            write(&connection);
            log.carry(&connection);
            assert!(log.seen < 10, "{}", log.seen);
            assert_eq!(log.due, 50);
        }
    }

    #[test]
    fn under_a_reader_it_grows_and_is_not_carried_at_once_again() {
        let (_folder, place, connection, mut log) = new_file();
        write(&connection);
        let reader = open_reader(&place).unwrap();
        reader.execute_batch("BEGIN").unwrap();
        let count = "SELECT count(*) FROM notes";
        let counted = || reader.query_row(count, (), |row| row.get::<_, u32>(0));
        assert_eq!(counted(), Ok(1));
        let first = write_until_carried(&connection, &mut log);
        write(&connection);
        log.carry(&connection);
        assert!(log.seen > first && log.carrying.is_none());
        let second = write_until_carried(&connection, &mut log);
        assert!((first + 50..first + 60).contains(&second));
        assert_eq!(counted(), Ok(1));
        reader.execute_batch("COMMIT").unwrap();
        write_until_carried(&connection, &mut log);
        write(&connection);
        log.carry(&connection);
        assert!(log.seen < 10);
    }

    #[test]
    fn what_cannot_be_carried_stays() {
        let (_folder, _, connection, mut log) = new_file();
        log.place = Place::File("/nowhere/notes.db".into());
        log.begin(&connection);
        log.settle();
        let rows = |connection: &Connection| {
            let sql = "SELECT count(*) FROM notes";
            connection.query_row(sql, (), |row| row.get::<_, u32>(0))
        };
        write(&connection);
        assert_eq!(rows(&connection), Ok(1));
    }
}
