//! # Reader: looking something up on the loop
//!
//! A connection of its own that cannot write. It waits neither for the scribe nor for the disk's
//! promise, only for reading itself.
//!
//! Promises
//! 1. A query sees everything whose `on_done` was called before, and all of it at one instant.
//! 2. No transaction stays open behind a query: it would keep the log from being emptied.

use rusqlite::Connection;

use super::connection::{self, Place};
use super::error::StoreError;

/// Reads a database; see [`Database::reader`](super::Database::reader).
///
/// It cannot write, and waits neither for the scribe nor for a commit, only for reading itself. An app
/// keeps one in its state for what is always fast, such as a row by its key. What may be long (a
/// search, a report) is for a reader on the helper thread: see [`Wait`](crate::web::Wait). Whatever was
/// told to be stored is seen.
///
/// ```
/// use parlour::store::{Database, Migration, Migrations, Reader};
/// use parlour::web::{App, Cx, Error};
///
/// const NOTES: Migrations = Migrations {
///     set: "notes",
///     steps: &[Migration {
///         name: "notes",
///         sql: "CREATE TABLE notes (id INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
///     }],
/// };
///
/// struct Notes {
///     database: Database,
///     reader: Reader,
/// }
///
/// /// A note that is not there is a 404.
/// fn note(cx: &mut Cx<'_, Notes>) -> Result<String, Error> {
///     let id: i64 = cx.request.param("id")?;
///     Ok(cx.state.reader.query(|connection| {
///         let mut note = connection.prepare_cached("SELECT text FROM notes WHERE id = ?")?;
///         Ok(note.query_row([id], |row| row.get(0))?)
///     })?)
/// }
///
/// let database = Database::in_memory(&[NOTES])?;
/// let reader = database.reader()?;
/// let app = App::new(Notes { database, reader }).get("/notes/{id}", note);
/// # drop(app);
/// # Ok::<(), parlour::store::StoreError>(())
/// ```
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
        let _snapshot = Snapshot::begin(&self.0)?;
        look(&self.0)
    }
}

/// One state of the database, until it is dropped, also by a panic. Its statements come from the
/// cache: parsing them would cost as much as a row by its key.
struct Snapshot<'a>(&'a Connection);

impl<'a> Snapshot<'a> {
    fn begin(connection: &'a Connection) -> Result<Self, StoreError> {
        connection.prepare_cached("BEGIN")?.execute(())?;
        Ok(Self(connection))
    }
}

impl Drop for Snapshot<'_> {
    fn drop(&mut self) {
        // Some failures have ended it already.
        if self.0.is_autocommit() {
            return;
        }
        let end = self.0.prepare_cached("ROLLBACK");
        if let Err(error) = end.and_then(|mut end| end.execute(())) {
            log::error!("a look at the database does not end: {error}");
        }
    }
}
