//! # Desk: the database in the hands of a command
//!
//! The same log and the same operations as the server's, from another process: what is stored here
//! is marked as coming from outside, and a server that runs finds it within a second.
//!
//! Promises
//! 1. A database is made only by the commands that begin one; the others want it to be there.
//! 2. A server that runs is not disturbed: nothing is migrated under it.

use std::path::Path;
use std::sync::mpsc;

use super::CliError;
use super::command::Given;
use super::data::{self, now_ms};
use crate::chat::{
    self, Code, Entry, Key, Log, Operation, Outcome, Refusal, RoomId, RoomName, UserId, UserName,
    people,
};
use crate::store::{Connection, Database, Durability, Reader, StoreError};

/// An open database.
pub(super) struct Desk {
    // Ends before the database, whose end then leaves one tidy file.
    reader: Reader,
    pub(super) database: Database,
}

impl Desk {
    /// Opens the database that is there.
    pub(super) fn open(given: &Given) -> Result<Self, CliError> {
        must_be_there(&given.data)?;
        Self::open_or_make(given)
    }

    /// Opens the database, and makes it if there is none.
    pub(super) fn open_or_make(given: &Given) -> Result<Self, CliError> {
        let folder = given.data.as_path();
        let database =
            if folder.join(chat::FILE).exists() && !chat::is_current(folder).map_err(failed)? {
                let _alone = data::alone(folder).map_err(|_| {
                    CliError::Failed(format!(
                        "--data {}: a server of an older version is running on this data: start it \
                     anew first, with this version",
                        folder.display()
                    ))
                })?;
                data::open(folder, Durability::Full)?
            } else {
                data::open(folder, Durability::Full)?
            };
        let reader = database.reader().map_err(failed)?;
        Ok(Self { reader, database })
    }

    /// Has something done, as whoever has the database in their hands.
    pub(super) fn want(&self, operation: Operation) -> Result<Outcome, CliError> {
        self.want_as(None, operation)
    }

    /// Has something done as somebody, who may do it by themselves too.
    pub(super) fn want_as(
        &self,
        by: Option<UserId>,
        operation: Operation,
    ) -> Result<Outcome, CliError> {
        self.want_under(by, None, operation)
    }

    /// The same under a key of theirs.
    pub(super) fn want_under(
        &self,
        by: Option<UserId>,
        key: Option<Key>,
        operation: Operation,
    ) -> Result<Outcome, CliError> {
        let entry = Entry {
            by,
            at: now_ms(),
            key,
            random: data::random(),
            outside: true,
            operation,
        };
        let (sender, receiver) = mpsc::sync_channel(1);
        let taken = self.database.append(
            entry,
            Box::new(move |verdict| Box::new(sender.send(verdict).is_ok())),
        );
        // One entry fits, and an entry that was taken is answered.
        let verdict = match taken {
            Ok(()) => receiver.recv().ok(),
            Err(chat::Full) => None,
        };
        verdict
            .ok_or_else(|| CliError::Failed(StoreError::Closed.to_string()))?
            .map_err(refused)
    }

    /// Looks something up.
    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, CliError> {
        self.reader.query(look).map_err(failed)
    }

    /// For what looks several things up by itself.
    pub(super) const fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The number of who has this name.
    pub(super) fn user(&self, name: &UserName) -> Result<UserId, CliError> {
        let found = self.look(|tables| people::profile(tables, name))?;
        let unknown = || CliError::Failed(format!("there is nobody called \"{name}\""));
        Ok(found.ok_or_else(unknown)?.person.id)
    }

    /// The number of the room with this name.
    pub(super) fn room(&self, name: &RoomName) -> Result<RoomId, CliError> {
        let found = self.look(|tables| chat::roster::room(tables, name))?;
        found.ok_or_else(|| CliError::Failed(format!("there is no room \"{name}\"")))
    }
}

/// Refuses a folder without a database.
pub(super) fn must_be_there(folder: &Path) -> Result<(), CliError> {
    if folder.join(chat::FILE).exists() {
        return Ok(());
    }
    Err(CliError::Failed(format!(
        "there is no database in {}: name its folder with '--data DIR', or begin one with \
         'parlour serve' or 'parlour user add'",
        folder.display()
    )))
}

/// What the world refused.
pub(super) fn failed(error: impl std::fmt::Display) -> CliError {
    CliError::Failed(error.to_string())
}

/// What the chat refused. A word that is no name or number was typed wrong.
pub(super) fn refused(refusal: Refusal) -> CliError {
    match refusal.code {
        Code::BadField | Code::TooLong => CliError::Usage(refusal.message),
        _ => CliError::Failed(refusal.message),
    }
}
