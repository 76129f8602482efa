//! # Tables: a connection with statements at hand
//!
//! A connection keeps prepared statements by their text, and looks each of them up by it; for a
//! small statement that is a third of its cost. Jobs of one group mostly say the same, so that what
//! one of them has taken from there stays at hand for the others, known by where its text lies.
//!
//! Promises
//! 1. What is at hand goes back to the connection with the group.
//! 2. A statement that is in use is taken by nobody else: whoever says the same meanwhile gets
//!    another.

use std::cell::RefCell;
use std::ops::Deref;
use std::ptr;

use rusqlite::{CachedStatement, Connection, Statement};

/// The database as a job sees it that shares statements with others; all of a [`Connection`] is at
/// hand as well.
#[derive(Clone, Copy)]
pub struct Tables<'a> {
    connection: &'a Connection,
    statements: &'a dyn AtHand,
}

impl Tables<'_> {
    /// Prepares a statement, or takes one that is prepared already, and gives what `say` gives.
    pub fn with<T>(
        &self,
        sql: &'static str,
        say: impl FnOnce(&mut Statement<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let mut say = Some(say);
        let mut said = None;
        self.statements.with(sql, &mut |statement| {
            said = say.take().map(|say| say(statement));
        })?;
        said.expect("whoever has the statement is called with it")
    }
}

impl Deref for Tables<'_> {
    type Target = Connection;

    fn deref(&self) -> &Connection {
        self.connection
    }
}

/// Without the lifetime of what is kept, which [`Tables`] would hand on to whoever has them.
trait AtHand {
    fn with(
        &self,
        sql: &'static str,
        say: &mut dyn FnMut(&mut Statement<'_>),
    ) -> rusqlite::Result<()>;
}

/// What a group has prepared.
pub(crate) struct Statements<'c> {
    connection: &'c Connection,
    idle: RefCell<Vec<(&'static str, CachedStatement<'c>)>>,
}

impl<'c> Statements<'c> {
    pub(crate) const fn of(connection: &'c Connection) -> Self {
        Self {
            connection,
            idle: RefCell::new(Vec::new()),
        }
    }

    pub(crate) fn tables(&self) -> Tables<'_> {
        Tables {
            connection: self.connection,
            statements: self,
        }
    }

    fn take(&self, sql: &'static str) -> rusqlite::Result<CachedStatement<'c>> {
        let mut idle = self.idle.borrow_mut();
        match idle.iter().position(|(kept, _)| ptr::eq(*kept, sql)) {
            Some(at) => Ok(idle.swap_remove(at).1),
            None => self.connection.prepare_cached(sql),
        }
    }
}

impl AtHand for Statements<'_> {
    fn with(
        &self,
        sql: &'static str,
        say: &mut dyn FnMut(&mut Statement<'_>),
    ) -> rusqlite::Result<()> {
        let mut statement = self.take(sql)?;
        say(&mut statement);
        self.idle.borrow_mut().push((sql, statement));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(tables: Tables<'_>) -> i64 {
        tables
            .with("SELECT 1", |it| it.query_row((), |row| row.get(0)))
            .unwrap()
    }

    #[test]
    fn a_statement_is_prepared_once_and_goes_back_in_the_end() {
        let connection = Connection::open_in_memory().unwrap();
        let statements = Statements::of(&connection);
        let tables = statements.tables();
        assert_eq!((one(tables), one(tables)), (1, 1));
        assert_eq!(statements.idle.borrow().len(), 1);
        drop(statements);
        assert_eq!(one(Statements::of(&connection).tables()), 1);
    }

    #[test]
    fn who_says_the_same_meanwhile_gets_another() {
        let connection = Connection::open_in_memory().unwrap();
        let statements = Statements::of(&connection);
        let tables = statements.tables();
        const COUNT: &str = "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n)
                             SELECT i FROM n LIMIT ?";
        let sum = |limit: i64, each: &dyn Fn(i64) -> i64| {
            tables.with(COUNT, |it| {
                let mut rows = it.query([limit])?;
                let mut sum = 0;
                while let Some(row) = rows.next()? {
                    sum += each(row.get(0)?);
                }
                Ok(sum)
            })
        };
        let of_sums = sum(3, &|i| sum(i, &|i| i).unwrap());
        assert_eq!(of_sums.unwrap(), 1 + 3 + 6);
    }

    #[test]
    fn what_is_wrong_is_told_and_nothing_is_kept_of_it() {
        let connection = Connection::open_in_memory().unwrap();
        let statements = Statements::of(&connection);
        let tables = statements.tables();
        assert!(tables.with("SELECT nothing", |_| Ok(())).is_err());
        let failed = tables.with("SELECT abs(?)", |it| {
            it.query_row([i64::MIN], |row| row.get::<_, i64>(0))
        });
        assert!(failed.is_err());
        let found = tables.with("SELECT abs(?)", |it| it.query_row([-3], |row| row.get(0)));
        assert_eq!(found, Ok(3));
        assert_eq!(statements.idle.borrow().len(), 1);
    }
}
