//! # Schema: the tables, and how a new database becomes this server's
//!
//! Migrations are numbered and go forward only; what was released stays as it is.

use super::id::Millis;
use crate::store::{
    Connection, Database, Durability, Hand, Migration, Migrations, OpenError, StoreError,
};
use std::path::Path;
use std::sync::mpsc;

/// The chat's tables.
pub const CHAT: Migrations = Migrations {
    set: "chat",
    steps: &[
        Migration {
            name: "chat",
            sql: include_str!("schema.sql"),
        },
        Migration {
            name: "removals",
            sql: include_str!("removals.sql"),
        },
        Migration {
            name: "open rooms",
            sql: include_str!("open_rooms.sql"),
        },
        Migration {
            name: "uses of tokens",
            sql: include_str!("uses.sql"),
        },
        Migration {
            name: "sizes of pictures",
            sql: include_str!("sizes.sql"),
        },
        Migration {
            name: "styles of messages",
            sql: include_str!("styles.sql"),
        },
        Migration {
            name: "reminders",
            sql: include_str!("reminders.sql"),
        },
        Migration {
            name: "hooks",
            sql: include_str!("hooks.sql"),
        },
        Migration {
            name: "scopes of tokens",
            sql: include_str!("scopes.sql"),
        },
    ],
};

/// The database's file in its folder.
pub const FILE: &str = "parlour.db";

/// Opens the chat's database in a folder, and makes it if there is none. `epoch` is what a new one
/// is called from then on: a random name.
pub fn open(
    folder: &Path,
    durability: Durability,
    epoch: &str,
    at: Millis,
) -> Result<Database, OpenError> {
    let path = folder.join(FILE);
    let database = Database::open_with(&path, &[CHAT], durability)?;
    found(&database, epoch, at).map_err(|why| OpenError { path, why })?;
    Ok(database)
}

/// Whether the database in a folder has this program's tables, so that opening it changes nothing.
pub fn is_current(folder: &Path) -> Result<bool, OpenError> {
    Database::is_current(folder.join(FILE), &[CHAT])
}

/// A database without a file, for tests.
pub fn open_in_memory(epoch: &str, at: Millis) -> Result<Database, StoreError> {
    let database = Database::in_memory(&[CHAT])?;
    found(&database, epoch, at)?;
    Ok(database)
}

/// The same, with the scribe in the caller's hand.
pub(crate) fn open_by_hand(epoch: &str, at: Millis) -> Result<(Database, Hand), StoreError> {
    let (database, hand) = Database::by_hand(&[CHAT])?;
    let (sender, receiver) = mpsc::channel();
    database.submit(founding(epoch, at), move |done| drop(sender.send(done)))?;
    hand.group();
    receiver.recv().unwrap_or(Err(StoreError::Closed))?;
    Ok((database, hand))
}

fn found(database: &Database, epoch: &str, at: Millis) -> Result<(), StoreError> {
    database.run(founding(epoch, at))
}

fn founding(
    epoch: &str,
    at: Millis,
) -> impl FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static {
    let epoch = epoch.to_owned();
    move |connection| {
        let sql = "INSERT OR IGNORE INTO server (id, epoch, op, created_at) VALUES (1, ?, 0, ?)";
        connection.execute(sql, (epoch, at))?;
        Ok(())
    }
}
