//! # Store: what is to outlast the process
//!
//! One SQLite file per app. Writing waits for the disk, so it is done by a thread of its own, the
//! scribe, for everybody together; reading by key is fast enough for the loop.
//!
//! ```text
//!     Database::submit ──job──► scribe: many jobs, one commit ──on_done──► (wake the loop)
//!     Database::reader ───────► Reader::query, on the thread that asks
//! ```
//!
//! Jobs and queries are handed a connection of [`rusqlite`], so that all of SQL is at hand, and an
//! error of either room ends them with `?`:
//!
//! ```
//! use parlour::store::rusqlite::{Connection, params};
//! use parlour::store::{Database, Migration, Migrations, StoreError};
//!
//! const USERS: Migrations = Migrations {
//!     set: "users",
//!     steps: &[Migration {
//!         name: "users",
//!         sql: "CREATE TABLE users (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
//!               INSERT INTO users (name) VALUES ('ann')",
//!     }],
//! };
//!
//! fn rename(connection: &Connection, id: i64, name: &str) -> Result<(), StoreError> {
//!     match connection.execute("UPDATE users SET name = ? WHERE id = ?", params![name, id])? {
//!         0 => Err(StoreError::NotFound(format!("user {id}"))),
//!         _ => Ok(()),
//!     }
//! }
//!
//! let database = Database::in_memory(&[USERS])?;
//! assert_eq!(database.run(|connection| rename(connection, 1, "anna")), Ok(()));
//! assert!(database.run(|connection| rename(connection, 2, "bo")).is_err_and(|it| it.is_not_found()));
//! # Ok::<(), StoreError>(())
//! ```
//!
//! Promises
//! 1. What `on_done` was told to be stored is stored: with [`Durability::Full`] it outlasts a
//!    power cut, and every reader sees it.
//! 2. A job is stored wholly or not at all, and one that fails takes nobody with it.
//! 3. Nothing here grows without bound: a full queue says [`StoreError::Busy`] at once.
//! 4. A file that cannot be used (newer, damaged, something else) is left as it was.
//!
//! Never knows: the loop, people, requests, what the tables mean. Start reading at
//! [`Database::submit`], then `Scribe::run`; apps begin with [`Model`].

mod backup;
mod by_hand;
mod connection;
mod database;
mod error;
mod log;
mod migration;
mod model;
#[cfg(test)]
mod properties;
mod reader;
mod scribe;
mod select;
mod tables;
#[cfg(test)]
mod tests;

pub use backup::backup;
pub(crate) use by_hand::Hand;
pub use database::Database;
pub use error::{OpenError, Outage, Rule, StoreError};
pub use migration::{Migration, Migrations};
pub use model::Model;
pub use reader::Reader;
pub use rusqlite;
pub use rusqlite::Connection;
pub use select::{Listing, Order, Page, Select};
#[cfg(test)]
pub(crate) use tables::Statements;
pub use tables::Tables;

/// What a power cut may cost. A crash of the program costs nothing either way.
///
/// ```
/// use parlour::store::{Database, Durability};
///
/// // How often a page was looked at may lose its last second; what people wrote may not.
/// let folder = tempfile::tempdir()?;
/// let views = Database::open_with(folder.path().join("views.db"), &[], Durability::Relaxed)?;
/// let posts = Database::open(folder.path().join("posts.db"), &[])?;
/// # drop((views, posts));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Durability {
    /// Nothing that was told to be stored.
    #[default]
    Full,
    /// The last commits, never the file. Several times as many groups a second.
    Relaxed,
}

impl Durability {
    const fn pragma(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Relaxed => "normal",
        }
    }
}
