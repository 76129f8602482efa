//! # By hand: a database whose scribe works when it is told to
//!
//! For the simulator, which has no threads and decides itself when a group is stored. The scribe is
//! the same, group by group.
//!
//! Promises
//! 1. Nothing is done between two calls of [`Hand::group`].
//! 2. What waits when a hand is dropped is lost unsaid, as if its process had been killed.
//!
//! Whoever waits for a job here ([`Database::run`]) waits for ever: submit it, and call `group`.

use std::time::Duration;

use super::Durability;
use super::connection::{self, Place};
use super::database::Database;
use super::error::StoreError;
use super::log::{DUE_PAGES, Log};
use super::migration::Migrations;
use super::scribe::Scribe;

/// Holds a scribe, and the place that it writes to.
pub(crate) struct Hand {
    scribe: Scribe,
    place: Place,
}

impl Database {
    /// A database in memory, with its scribe in the caller's hand.
    pub(crate) fn by_hand(sets: &[Migrations]) -> Result<(Self, Hand), StoreError> {
        at(Place::memory(), sets)
    }
}

fn at(place: Place, sets: &[Migrations]) -> Result<(Database, Hand), StoreError> {
    let (mut connection, guard) = connection::open_writer(&place, sets, Durability::Full)?;
    // Nobody else runs meanwhile who could let go of a lock.
    connection.busy_timeout(Duration::ZERO)?;
    let log = Log::of(&mut connection, place.clone(), Durability::Full, DUE_PAGES)?;
    let (database, queue) = Database::waiting_at(place.clone());
    let scribe = Scribe {
        connection,
        guard,
        log,
        queue,
    };
    Ok((database, Hand { scribe, place }))
}

impl Hand {
    /// Opens the same database once more, as another process would, or the next one after a crash.
    pub(crate) fn open_again(&self, sets: &[Migrations]) -> Result<(Database, Self), StoreError> {
        at(self.place.clone(), sets)
    }

    /// Stores what waits, as one group. Whether anything did.
    pub(crate) fn group(&self) -> bool {
        let Ok(first) = self.scribe.queue.try_recv() else {
            return false;
        };
        self.scribe.group(first);
        true
    }

    /// Whether the disk is full from now on: what needs one more page fails.
    pub(crate) fn fill_the_disk(&self, full: bool) -> Result<(), StoreError> {
        // SQLite takes 1 for as many as there are.
        let pages_max = if full { 1 } else { u32::MAX - 1 };
        let connection = &self.scribe.connection;
        connection.pragma_update_and_check(None, "max_page_count", pages_max, |_| Ok(()))?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::store::Migration;

    const NOTES: Migrations = Migrations {
        set: "notes",
        steps: &[Migration {
            name: "notes",
            sql: "CREATE TABLE notes (text TEXT NOT NULL) STRICT",
        }],
    };

    fn note(database: &Database, text: &'static str) -> mpsc::Receiver<Result<usize, StoreError>> {
        let (sender, receiver) = mpsc::channel();
        let insert = move |connection: &super::super::Connection| {
            Ok(connection.execute("INSERT INTO notes VALUES (?)", [text])?)
        };
        database
            .submit(insert, move |done| drop(sender.send(done)))
            .unwrap();
        receiver
    }

    fn count(database: &Database) -> u32 {
        let reader = database.reader().unwrap();
        let sql = "SELECT count(*) FROM notes";
        let counted = reader.query(|tables| Ok(tables.query_row(sql, (), |row| row.get(0))?));
        counted.unwrap()
    }

    #[test]
    fn nothing_is_stored_before_the_hand_says_so() {
        let (database, hand) = Database::by_hand(&[NOTES]).unwrap();
        let done = note(&database, "milk");
        assert!(done.try_recv().is_err());
        assert!(hand.group());
        assert_eq!(done.try_recv().unwrap(), Ok(1));
        assert!(!hand.group());
    }

    #[test]
    fn what_waits_is_lost_with_its_hand_and_what_is_stored_is_not() {
        let (database, hand) = Database::by_hand(&[NOTES]).unwrap();
        let stored = note(&database, "milk");
        assert!(hand.group());
        let lost = note(&database, "bread");
        let (next, next_hand) = hand.open_again(&[NOTES]).unwrap();
        drop((database, hand));
        assert!(stored.try_recv().is_ok());
        assert!(lost.try_recv().is_err());
        assert_eq!(count(&next), 1);
        assert!(!next_hand.group());
    }

    #[test]
    fn a_full_disk_fails_what_needs_room_until_there_is_room_again() {
        let (database, hand) = Database::by_hand(&[NOTES]).unwrap();
        hand.fill_the_disk(true).unwrap();
        let long = "a text that does not fit any more".repeat(500).leak();
        let failed = note(&database, long);
        assert!(hand.group());
        assert!(failed.try_recv().unwrap().unwrap_err().is_storage());
        hand.fill_the_disk(false).unwrap();
        let done = note(&database, long);
        assert!(hand.group());
        assert_eq!(done.try_recv().unwrap(), Ok(1));
    }
}
