//! # Error: why something was not stored, or not found
//!
//! One enum for the room. SQLite's codes end here. Every text says what to do.

use std::fmt;
use std::path::PathBuf;

use rusqlite::{ErrorCode, ffi};

/// Why a job, a query or the opening of a database failed.
///
/// In the words of whoever waits for the answer: is the name taken, is the row gone, is the disk full.
/// Each text says what to do. A handler that ends with one answers 404 for what is not there, 503 for what
/// may work later, and 500 for the rest, so that what a visitor can do something about is looked at first:
///
/// ```
/// use parlour::store::{Database, Migration, Migrations, StoreError};
/// use parlour::web::Error;
///
/// const USERS: Migrations = Migrations {
///     set: "users",
///     steps: &[Migration { name: "users", sql: "CREATE TABLE users (name TEXT UNIQUE) STRICT" }],
/// };
///
/// fn sign_up(database: &Database, name: &'static str) -> Result<(), Error> {
///     let stored = database.run(move |connection| {
///         if name.len() < 2 {
///             return Err(StoreError::app("a name has two letters at least"));
///         }
///         connection.execute("INSERT INTO users VALUES (?)", [name])?;
///         Ok(())
///     });
///     stored.map_err(|error| match error {
///         StoreError::App(text) => Error::bad_request(text),
///         taken if taken.is_unique() => Error::bad_request("that name is taken"),
///         other => other.into(),
///     })
/// }
///
/// let database = Database::in_memory(&[USERS])?;
/// assert!(sign_up(&database, "ann").is_ok());
/// assert_eq!(sign_up(&database, "ann").unwrap_err().message(), "that name is taken");
/// assert_eq!(sign_up(&database, "a").unwrap_err().message(), "a name has two letters at least");
/// # Ok::<(), StoreError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// The scribe has as many jobs waiting as it takes. Nothing was done: try again later.
    Busy,
    /// Somebody else holds the file's lock for longer than we wait. Nothing was done.
    Locked,
    /// The database was closed.
    Closed,
    /// The system could not keep the data. Nothing of the job was stored.
    Storage {
        /// What gave out.
        outage: Outage,
        /// The system's words.
        detail: String,
    },
    /// The data break a rule of the schema.
    Constraint {
        /// Which kind of rule.
        rule: Rule,
        /// What it stands on, such as `users.name`; empty where SQLite does not tell.
        on: String,
    },
    /// What was asked for does not exist; the text says what that was.
    NotFound(String),
    /// A value is not what it has to be: another type, out of range, too long.
    BadData(String),
    /// The model has no such column.
    NoColumn {
        /// The model's table.
        table: &'static str,
        /// The name that was given.
        column: String,
        /// The names that would do.
        known: &'static [&'static str],
    },
    /// The SQL is wrong, or does what a job may not do: a mistake in the program.
    Sql(String),
    /// The file is a database, and damaged.
    Corrupt(String),
    /// The file is something else.
    NotADatabase,
    /// A newer program has been at work on this database.
    NewerSchema {
        /// The set of migrations.
        set: String,
        /// The number of the newest migration in the file.
        found: usize,
        /// The newest one that this program knows.
        known: usize,
    },
    /// The migrations in the file are others than the program's.
    OtherHistory {
        /// The set of migrations.
        set: String,
        /// The number at which they part.
        number: usize,
        /// The name that the file has.
        found: String,
        /// The name that the program has.
        known: String,
    },
    /// A migration failed and was undone.
    Migration {
        /// The set of migrations.
        set: String,
        /// Its number.
        number: usize,
        /// Its name.
        name: String,
        /// What went wrong.
        why: Box<Self>,
    },
    /// The job panicked; its writes were undone. The text is the panic's.
    Panicked(String),
    /// What the app itself said: see [`StoreError::app`].
    App(String),
}

/// What gave out when storing failed.
///
/// ```
/// use parlour::store::{Outage, StoreError};
///
/// /// What people read while somebody is on the way.
/// fn told(error: &StoreError) -> &'static str {
///     match error {
///         StoreError::Storage { outage: Outage::DiskFull, .. } => "we are out of room, come back soon",
///         StoreError::Storage { .. } => "we cannot store anything at the moment",
///         _ => "something went wrong",
///     }
/// }
///
/// let full = StoreError::Storage {
///     outage: Outage::DiskFull,
///     detail: "database or disk is full".to_owned(),
/// };
/// assert_eq!(told(&full), "we are out of room, come back soon");
/// // The log has the system's words and what to do.
/// assert!(full.to_string().starts_with("database or disk is full: make room"));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outage {
    /// No room left, on the disk or under a quota.
    DiskFull,
    /// The file or its file system cannot be written.
    ReadOnly,
    /// Any other refusal of the system.
    Io,
}

/// The kinds of rules that a schema has.
///
/// ```
/// use parlour::store::{Database, Migration, Migrations, Rule, StoreError};
///
/// const SHOP: Migrations = Migrations {
///     set: "shop",
///     steps: &[Migration {
///         name: "stock",
///         sql: "CREATE TABLE stock (
///                   ware TEXT NOT NULL PRIMARY KEY,
///                   pieces INTEGER NOT NULL CHECK (pieces >= 0)
///               ) STRICT;
///               INSERT INTO stock VALUES ('lamp', 1)",
///     }],
/// };
///
/// let database = Database::in_memory(&[SHOP])?;
/// let sell = || {
///     database.run(|it| Ok(it.execute("UPDATE stock SET pieces = pieces - 1 WHERE ware = 'lamp'", ())?))
/// };
/// assert_eq!(sell(), Ok(1));
/// let Err(StoreError::Constraint { rule: Rule::Check, .. }) = sell() else {
///     panic!("there was one lamp");
/// };
/// # Ok::<(), StoreError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The value is there already: `UNIQUE` or `PRIMARY KEY`.
    Unique,
    /// The row refers to one that is not there, or others refer to it.
    ForeignKey,
    /// A `CHECK` says no.
    Check,
    /// The value is missing.
    NotNull,
    /// A `STRICT` table does not take values of this type.
    Datatype,
    /// A trigger says no.
    Trigger,
}

impl StoreError {
    /// What an app says to undo its job: the text comes back in `on_done` as it is.
    pub fn app(text: impl Into<String>) -> Self {
        Self::App(text.into())
    }

    /// The value is taken.
    pub const fn is_unique(&self) -> bool {
        self.breaks(Rule::Unique)
    }

    /// The row refers to one that is not there, or others refer to it.
    pub const fn is_foreign_key(&self) -> bool {
        self.breaks(Rule::ForeignKey)
    }

    /// What was asked for does not exist.
    pub const fn is_not_found(&self) -> bool {
        matches!(self, Self::NotFound(_))
    }

    /// Trying again later may do.
    pub const fn is_busy(&self) -> bool {
        matches!(self, Self::Busy | Self::Locked)
    }

    /// The system could not keep the data: no fault of whoever asked.
    pub const fn is_storage(&self) -> bool {
        matches!(self, Self::Storage { .. })
    }

    const fn breaks(&self, wanted: Rule) -> bool {
        matches!(self, Self::Constraint { rule, .. } if *rule as u8 == wanted as u8)
    }

    pub(super) fn io(error: &std::io::Error) -> Self {
        use std::io::ErrorKind as Kind;
        let outage = match error.kind() {
            Kind::StorageFull | Kind::QuotaExceeded => Outage::DiskFull,
            Kind::ReadOnlyFilesystem | Kind::PermissionDenied => Outage::ReadOnly,
            _ => Outage::Io,
        };
        let detail = error.to_string();
        Self::Storage { outage, detail }
    }

    fn from_code(code: ffi::Error, text: String) -> Self {
        let storage = |outage| Self::Storage {
            outage,
            detail: text.clone(),
        };
        match code.code {
            ErrorCode::DiskFull => storage(Outage::DiskFull),
            ErrorCode::ReadOnly | ErrorCode::PermissionDenied => storage(Outage::ReadOnly),
            ErrorCode::SystemIoFailure | ErrorCode::CannotOpen | ErrorCode::OutOfMemory => {
                storage(Outage::Io)
            }
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Self::Locked,
            ErrorCode::ConstraintViolation => constraint(code.extended_code, &text),
            ErrorCode::DatabaseCorrupt => Self::Corrupt(text),
            ErrorCode::NotADatabase => Self::NotADatabase,
            ErrorCode::TooBig | ErrorCode::TypeMismatch => Self::BadData(text),
            ErrorCode::AuthorizationForStatementDenied => Self::Sql(format!(
                "{text}: the scribe begins and ends transactions, a job only fills them"
            )),
            _ => Self::Sql(text),
        }
    }
}

/// SQLite says `UNIQUE constraint failed: users.name`; some kinds say nothing behind the colon.
fn constraint(code: i32, text: &str) -> StoreError {
    let rule = match code {
        ffi::SQLITE_CONSTRAINT_UNIQUE
        | ffi::SQLITE_CONSTRAINT_PRIMARYKEY
        | ffi::SQLITE_CONSTRAINT_ROWID => Rule::Unique,
        ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Rule::ForeignKey,
        ffi::SQLITE_CONSTRAINT_CHECK => Rule::Check,
        ffi::SQLITE_CONSTRAINT_NOTNULL => Rule::NotNull,
        ffi::SQLITE_CONSTRAINT_DATATYPE => Rule::Datatype,
        ffi::SQLITE_CONSTRAINT_TRIGGER => Rule::Trigger,
        _ => return StoreError::Sql(text.to_owned()),
    };
    let on = match (rule, text.split_once("constraint failed: ")) {
        (_, Some((_, on))) => on,
        (Rule::Datatype | Rule::Trigger, None) => text,
        (_, None) => "",
    };
    let on = on.to_owned();
    StoreError::Constraint { rule, on }
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::Error as E;
        match error {
            E::SqliteFailure(code, text) => {
                let text = text.unwrap_or_else(|| code.to_string());
                Self::from_code(code, text)
            }
            E::SqlInputError {
                error, msg, sql, ..
            } => Self::from_code(error, format!("{msg}, in: {sql}")),
            E::QueryReturnedNoRows => Self::NotFound("the row".to_owned()),
            E::FromSqlConversionFailure(..)
            | E::IntegralValueOutOfRange(..)
            | E::Utf8Error(..)
            | E::NulError(_)
            | E::InvalidColumnType(..)
            | E::ToSqlConversionFailure(_) => Self::BadData(error.to_string()),
            other => Self::Sql(other.to_string()),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy => f.write_str("too much waits to be stored: try again in a moment"),
            Self::Locked => f.write_str(
                "another program holds the database's lock: try again, or end that program",
            ),
            Self::Closed => f.write_str("the database is closed: the server is about to end"),
            Self::Storage { outage, detail } => write!(f, "{detail}: {}", outage.advice()),
            Self::Constraint { rule, on } => match (rule, on.as_str()) {
                (Rule::Datatype | Rule::Trigger, on) => f.write_str(on),
                (_, "") => f.write_str(rule.sentence()),
                (_, on) => write!(f, "{on}: {}", rule.sentence()),
            },
            Self::NotFound(what) => write!(f, "{what} does not exist"),
            Self::BadData(text) => write!(f, "a value does not fit: {text}"),
            Self::NoColumn {
                table,
                column,
                known,
            } => {
                let known = known.join(", ");
                write!(f, "{table} has no column {column:?}: it has {known}")
            }
            Self::Sql(text) => write!(f, "the SQL is wrong: {text}"),
            Self::Corrupt(text) => write!(
                f,
                "the database is damaged ({text}): restore a backup, or save what can be read \
                 with `sqlite3 FILE .recover`"
            ),
            Self::NotADatabase => {
                f.write_str("the file is no SQLite database: give another path, or move it away")
            }
            Self::NewerSchema { set, found, known } => write!(
                f,
                "a newer program wrote this database ({set:?} is at migration {found}, known here \
                 are {known}): start that program, or restore a backup"
            ),
            Self::OtherHistory {
                set,
                number,
                found,
                known,
            } => write!(
                f,
                "migration {number} of {set:?} is {found:?} in the file and {known:?} in the \
                 program: migrations are only ever added at the end"
            ),
            Self::Migration {
                set,
                number,
                name,
                why,
            } => write!(
                f,
                "migration {number} of {set:?}, {name:?}, failed and was undone: {why}"
            ),
            Self::Panicked(text) => write!(f, "the job panicked and was undone: {text}"),
            Self::App(text) => f.write_str(text),
        }
    }
}

impl std::error::Error for StoreError {}

impl Outage {
    const fn advice(self) -> &'static str {
        match self {
            Self::DiskFull => "make room; what comes afterwards is stored again",
            Self::ReadOnly => "give this user the right to write the file and its folder",
            Self::Io => "look at the disk and at the system's log",
        }
    }
}

impl Rule {
    const fn sentence(self) -> &'static str {
        match self {
            Self::Unique => "is taken already",
            Self::ForeignKey => "refers to a row that is not there, or is still referred to",
            Self::Check => "is not allowed",
            Self::NotNull => "has to be given",
            Self::Datatype => "has the wrong type",
            Self::Trigger => "was refused",
        }
    }
}

/// Why a database was not opened. A file that was refused is left as it was; where a migration
/// failed, those before it stay.
///
/// ```
/// use parlour::store::{Database, StoreError};
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("shopping.txt");
/// std::fs::write(&path, "milk, bread, and a little of everything else")?;
/// let Err(refused) = Database::open(&path, &[]) else {
///     panic!("that is a list");
/// };
/// assert_eq!(refused.why, StoreError::NotADatabase);
/// assert!(refused.to_string().contains("shopping.txt"));
/// assert_eq!(std::fs::read(&path)?.len(), 44);
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenError {
    /// The file.
    pub path: PathBuf,
    /// What is wrong with it.
    pub why: StoreError,
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, why } = self;
        write!(f, "cannot open the database {}: {why}", path.display())
    }
}

impl std::error::Error for OpenError {}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::*;

    fn check(sql: &str, expected: StoreError, text: &str) {
        let connection = Connection::open_in_memory().unwrap();
        connection
            .execute_batch(
                "CREATE TABLE rooms (id INTEGER PRIMARY KEY) STRICT;
                 CREATE TABLE users (
                     name TEXT NOT NULL UNIQUE CHECK (name <> ''),
                     room INTEGER REFERENCES rooms
                 ) STRICT;
                 CREATE TRIGGER no_root BEFORE INSERT ON users WHEN new.name = 'root'
                     BEGIN SELECT RAISE(ABORT, 'root is nobody'); END;
                 INSERT INTO users (name) VALUES ('ann');",
            )
            .unwrap();
        let error = StoreError::from(connection.execute_batch(sql).unwrap_err());
        assert_eq!(error, expected);
        assert_eq!(error.to_string(), text);
    }

    fn constraint(rule: Rule, on: &str) -> StoreError {
        let on = on.to_owned();
        StoreError::Constraint { rule, on }
    }

    #[test]
    fn a_broken_rule_of_the_schema_is_named_with_its_column() {
        check(
            "INSERT INTO users (name) VALUES ('ann')",
            constraint(Rule::Unique, "users.name"),
            "users.name: is taken already",
        );
        check(
            "INSERT INTO users (name) VALUES (NULL)",
            constraint(Rule::NotNull, "users.name"),
            "users.name: has to be given",
        );
        check(
            "INSERT INTO users (name) VALUES ('')",
            constraint(Rule::Check, "name <> ''"),
            "name <> '': is not allowed",
        );
        check(
            "INSERT INTO users (name, room) VALUES ('bob', 7)",
            constraint(Rule::ForeignKey, ""),
            "refers to a row that is not there, or is still referred to",
        );
        check(
            "INSERT INTO users (name) VALUES ('root')",
            constraint(Rule::Trigger, "root is nobody"),
            "root is nobody",
        );
        check(
            "INSERT INTO users (name, room) VALUES ('bob', 'hall')",
            constraint(
                Rule::Datatype,
                "cannot store TEXT value in INTEGER column users.room",
            ),
            "cannot store TEXT value in INTEGER column users.room",
        );
    }

    #[test]
    fn wrong_sql_is_told_apart_from_wrong_data() {
        let text = "no such column: colour, in: SELECT colour FROM rooms";
        check(
            "SELECT colour FROM rooms",
            StoreError::Sql(text.to_owned()),
            &format!("the SQL is wrong: {text}"),
        );
        let connection = Connection::open_in_memory().unwrap();
        let wrong = connection.query_row("SELECT 'x'", (), |row| row.get::<_, i64>(0));
        let error = StoreError::from(wrong.unwrap_err());
        assert!(matches!(error, StoreError::BadData(_)), "{error}");
        let none = connection.query_row("SELECT 1 WHERE 0", (), |row| row.get::<_, i64>(0));
        assert!(StoreError::from(none.unwrap_err()).is_not_found());
    }

    #[test]
    fn each_question_is_answered_for_its_own_variant_only() {
        let unique = constraint(Rule::Unique, "a.b");
        assert!(unique.is_unique() && !unique.is_foreign_key() && !unique.is_storage());
        assert!(constraint(Rule::ForeignKey, "").is_foreign_key());
        assert!(StoreError::Busy.is_busy() && StoreError::Locked.is_busy());
        assert!(!StoreError::Closed.is_busy() && !StoreError::app("no").is_not_found());
    }
}
