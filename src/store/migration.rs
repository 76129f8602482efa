//! # Migration: the schema's way from nothing to now
//!
//! A set of migrations is a list that only grows at its end; a migration's number is its place in
//! the list, from 1. The table `migrations` has a row for each that was done.
//!
//! Promises
//! 1. Each is done once, in order, in a transaction of its own with its row.
//! 2. A file with a migration that the program does not know, or knows by another name, is refused.
//! 3. Afterwards every foreign key leads somewhere, although they are not watched meanwhile: a
//!    table can only be rebuilt while nobody watches.

use rusqlite::{Connection, Transaction, TransactionBehavior};

use super::connection::Guard;
use super::error::{Rule, StoreError};

/// One step of a schema.
///
/// Several statements are one step: a table that changes its shape is made anew.
///
/// ```
/// use parlour::store::{Database, Migration, Migrations};
///
/// const NAMES: Migration = Migration {
///     name: "names",
///     sql: "CREATE TABLE people (name TEXT) STRICT; INSERT INTO people VALUES ('Ann'), (NULL)",
/// };
/// const NO_NAMELESS: Migration = Migration {
///     name: "nobody is nameless",
///     sql: "CREATE TABLE named (name TEXT NOT NULL) STRICT;
///           INSERT INTO named SELECT name FROM people WHERE name IS NOT NULL;
///           DROP TABLE people;
///           ALTER TABLE named RENAME TO people;",
/// };
///
/// let database = Database::in_memory(&[Migrations { set: "people", steps: &[NAMES, NO_NAMELESS] }])?;
/// let people: i64 = database.reader()?.query(|connection| {
///     Ok(connection.query_row("SELECT count(*) FROM people", (), |row| row.get(0))?)
/// })?;
/// assert_eq!(people, 1);
/// # Ok::<(), parlour::store::StoreError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Migration {
    /// What it does, for people; recorded in the file.
    pub name: &'static str,
    /// The statements, without `BEGIN` and `COMMIT`.
    pub sql: &'static str,
}

/// The steps of one app or part, first to last. New ones come at the end, and those that were ever
/// released stay as they are.
///
/// Each is done once, when a database is opened, in a transaction of its own. Sets are independent of
/// each other, so that an app and the parts that it uses (such as
/// [`Sessions`](crate::web::middleware::Sessions::MIGRATIONS)) keep their tables in one file. A file in
/// which a step was done that the program does not know, or knows by another name, is refused.
///
/// ```
/// use parlour::store::{Migration, Migrations};
///
/// const TODO: Migrations = Migrations {
///     set: "todo",
///     steps: &[
///         Migration {
///             name: "todos",
///             sql: "CREATE TABLE todos (id INTEGER PRIMARY KEY, title TEXT NOT NULL) STRICT",
///         },
///         Migration {
///             name: "done",
///             sql: "ALTER TABLE todos ADD COLUMN done INTEGER NOT NULL DEFAULT 0",
///         },
///     ],
/// };
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Migrations {
    /// Whose they are; unique in the file.
    pub set: &'static str,
    /// The migrations by number.
    pub steps: &'static [Migration],
}

impl Migrations {
    /// How many of the set are done, if those are the set's first.
    fn done(&self, connection: &Connection) -> Result<usize, StoreError> {
        if !connection.table_exists(None, "migrations")? {
            return Ok(0);
        }
        let mut recorded =
            connection.prepare("SELECT name FROM migrations WHERE of = ? ORDER BY number")?;
        let names = recorded
            .query_map([self.set], |row| row.get::<_, String>(0))?
            .collect::<Result<Vec<_>, _>>()?;
        if names.len() > self.steps.len() {
            return Err(StoreError::NewerSchema {
                set: self.set.to_owned(),
                found: names.len(),
                known: self.steps.len(),
            });
        }
        for (at, (found, step)) in names.iter().zip(self.steps).enumerate() {
            if found != step.name {
                return Err(StoreError::OtherHistory {
                    set: self.set.to_owned(),
                    number: at + 1,
                    found: found.clone(),
                    known: step.name.to_owned(),
                });
            }
        }
        Ok(names.len())
    }

    /// Does the first that is not done yet; says whether there was one.
    fn advance(&self, connection: &Connection, guard: &Guard) -> Result<bool, StoreError> {
        if self.done(connection)? == self.steps.len() {
            return Ok(false);
        }
        // Asked again behind the lock: another program may have been faster.
        let transaction = Transaction::new_unchecked(connection, TransactionBehavior::Immediate)?;
        let done = self.done(&transaction)?;
        let Some(step) = self.steps.get(done) else {
            return Ok(false);
        };
        let number = done + 1;
        let fail = |why: StoreError| StoreError::Migration {
            set: self.set.to_owned(),
            number,
            name: step.name.to_owned(),
            why: Box::new(why),
        };
        guard
            .during(|| transaction.execute_batch(step.sql))
            .map_err(|error| fail(error.into()))?;
        check_schema(&transaction).map_err(fail)?;
        transaction.execute_batch(
            "CREATE TABLE IF NOT EXISTS migrations (
                 of TEXT NOT NULL, number INTEGER NOT NULL, name TEXT NOT NULL,
                 PRIMARY KEY (of, number)
             ) STRICT, WITHOUT ROWID",
        )?;
        transaction.execute(
            "INSERT INTO migrations (of, number, name) VALUES (?, ?, ?)",
            (self.set, number as i64, step.name),
        )?;
        transaction.commit()?;
        Ok(true)
    }
}

/// Refuses a file that this program is too old for; changes nothing.
pub(super) fn judge(connection: &Connection, sets: &[Migrations]) -> Result<(), StoreError> {
    sets.iter()
        .try_for_each(|set| set.done(connection).map(drop))
}

/// Whether there is nothing left to do.
pub(super) fn are_done(connection: &Connection, sets: &[Migrations]) -> Result<bool, StoreError> {
    for set in sets {
        if set.done(connection)? < set.steps.len() {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Brings every set to its end.
pub(super) fn migrate(
    connection: &Connection,
    guard: &Guard,
    sets: &[Migrations],
) -> Result<(), StoreError> {
    connection.pragma_update(None, "foreign_keys", false)?;
    for set in sets {
        while set.advance(connection, guard)? {}
    }
    connection.pragma_update(None, "foreign_keys", true)?;
    Ok(())
}

/// What a migration may not leave behind.
fn check_schema(connection: &Connection) -> Result<(), StoreError> {
    let mut dangling = connection.prepare("PRAGMA foreign_key_check")?;
    let mut rows = dangling.query(())?;
    if let Some(row) = rows.next()? {
        let (from, to): (String, String) = (row.get(0)?, row.get(2)?);
        return Err(StoreError::Constraint {
            rule: Rule::ForeignKey,
            on: format!("{from} to {to}"),
        });
    }
    // SQLite judges such a key at the commit, which is too late to undo a single job of a group.
    let deferred = "SELECT name FROM sqlite_schema WHERE sql LIKE '%INITIALLY DEFERRED%'";
    let mut deferred = connection.prepare(deferred)?;
    let mut rows = deferred.query(())?;
    match rows.next()? {
        Some(row) => {
            let table: String = row.get(0)?;
            Err(StoreError::Sql(format!(
                "{table} has a key that is INITIALLY DEFERRED: leave that out, because a job that \
                 broke it would undo others"
            )))
        }
        None => Ok(()),
    }
}
