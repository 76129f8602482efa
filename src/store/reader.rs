//! # Reader: looking something up on the loop
//!
//! A connection of its own that cannot write. It waits neither for the scribe nor for the disk's
//! promise, only for reading itself: for what is always fast, such as a row by its key. What may
//! be long (a search, a report) is a job for the scribe, or for a reader on a helper thread.
//!
//! Promises
//! 1. A query sees everything whose `on_done` was called before, and all of it at one instant.
//! 2. No transaction stays open behind a query: it would keep the log from being emptied.

use rusqlite::Connection;

use super::connection::{self, Place};
use super::error::StoreError;

/// Reads a database; see [`Database::reader`](super::Database::reader).
pub struct Reader(Connection);

impl Reader {
    pub(super) fn open(place: &Place) -> Result<Self, StoreError> {
        connection::open_reader(place).map(Self)
    }

    /// Gives what `look` gives. Everything in it, queries within it included, sees one state of
    /// the database.
    pub fn query<T>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        if !self.0.is_autocommit() {
            return look(&self.0);
        }
        // Rolled back when it is dropped, also by a panic; nothing was written.
        let snapshot = self.0.unchecked_transaction()?;
        look(&snapshot)
    }
}
