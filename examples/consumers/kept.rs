//! # Kept: people, titles of groups, messages and notifications
//!
//! Functions on a connection, each a statement or two. Who calls them from a job of the scribe writes;
//! the lists only read. What is said comes back as the event that tells of it.

use parlour::store::rusqlite::{Connection, OptionalExtension, params};
use parlour::store::{Database, Migration, Migrations, Reader, StoreError};
use serde_json::{Value, json};

/// User names are one whatever their case. SQLite says when something was stored.
pub(crate) const TABLES: Migrations = Migrations {
    set: "consumers",
    steps: &[Migration {
        name: "people, titles, messages, notifications",
        sql: "CREATE TABLE people (
                  name TEXT PRIMARY KEY COLLATE NOCASE,
                  display_name TEXT NOT NULL,
                  password TEXT NOT NULL
              ) STRICT;
              CREATE TABLE titles (
                  group_name TEXT PRIMARY KEY,
                  display_name TEXT NOT NULL
              ) STRICT;
              CREATE TABLE messages (
                  id INTEGER PRIMARY KEY,
                  group_name TEXT NOT NULL,
                  from_user TEXT NOT NULL,
                  message TEXT NOT NULL,
                  date TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
              ) STRICT;
              CREATE INDEX messages_by_group ON messages (group_name, id);
              CREATE TABLE notifications (
                  id INTEGER PRIMARY KEY,
                  to_user TEXT NOT NULL,
                  from_user TEXT NOT NULL,
                  message TEXT NOT NULL,
                  date TEXT NOT NULL DEFAULT (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))
              ) STRICT;
              CREATE INDEX notifications_by_user ON notifications (to_user, id);",
    }],
};

/// The app's state: where everything is.
pub(crate) struct Kept {
    pub(crate) database: Database,
    /// For what is looked up on the loop: rows by a key, and pages of at most a hundred.
    pub(crate) reader: Reader,
}

impl Kept {
    pub(crate) fn new(database: Database) -> Result<Self, StoreError> {
        let reader = database.reader()?;
        Ok(Self { database, reader })
    }
}

/// Somebody who has registered.
pub(crate) struct Person {
    pub(crate) name: String,
    pub(crate) display_name: String,
    /// Hashed.
    pub(crate) password: String,
}

impl Person {
    pub(crate) fn add(&self, connection: &Connection) -> Result<(), StoreError> {
        let mut add = connection.prepare_cached("INSERT INTO people VALUES (?, ?, ?)")?;
        add.execute((&self.name, &self.display_name, &self.password))?;
        Ok(())
    }

    /// Whoever has this name, in their own spelling of it.
    pub(crate) fn find(connection: &Connection, name: &str) -> Result<Option<Self>, StoreError> {
        let sql = "SELECT name, display_name, password FROM people WHERE name = ?";
        let person = connection.prepare_cached(sql)?.query_row([name], |row| {
            Ok(Self {
                name: row.get(0)?,
                display_name: row.get(1)?,
                password: row.get(2)?,
            })
        });
        Ok(person.optional()?)
    }
}

/// What a group is called on pages: its name until somebody titles it.
pub(crate) fn title(connection: &Connection, group: &str) -> Result<String, StoreError> {
    let sql = "SELECT display_name FROM titles WHERE group_name = ?";
    let found = connection
        .prepare_cached(sql)?
        .query_row([group], |row| row.get(0));
    Ok(found.optional()?.unwrap_or_else(|| group.to_owned()))
}

pub(crate) fn set_title(
    connection: &Connection,
    group: &str,
    title: &str,
) -> Result<(), StoreError> {
    let sql = "INSERT INTO titles VALUES (?, ?)
               ON CONFLICT DO UPDATE SET display_name = excluded.display_name";
    connection.prepare_cached(sql)?.execute((group, title))?;
    Ok(())
}

/// Stores what somebody says in a group.
pub(crate) fn add_message(
    connection: &Connection,
    group: &str,
    from: &str,
    message: &str,
) -> Result<Value, StoreError> {
    let sql = "INSERT INTO messages (group_name, from_user, message) VALUES (?, ?, ?)
               RETURNING date";
    let date: String = connection
        .prepare_cached(sql)?
        .query_row((group, from, message), |row| row.get(0))?;
    let title = title(connection, group)?;
    Ok(json!({
        "type": "chat", "group_name": group, "display_name": title,
        "message": message, "from_user": from, "date": date,
    }))
}

/// Stores what somebody wants somebody else to know.
pub(crate) fn add_notification(
    connection: &Connection,
    to: &Person,
    from: &str,
    message: &str,
) -> Result<Value, StoreError> {
    let sql = "INSERT INTO notifications (to_user, from_user, message) VALUES (?, ?, ?)
               RETURNING id, date";
    let (id, date): (i64, String) = connection
        .prepare_cached(sql)?
        .query_row((&to.name, from, message), |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    Ok(json!({
        "type": "notification", "message": message, "from_user": from, "date": date, "id": id,
    }))
}

/// A stretch of a list: the newest of those that are older than `before`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stretch {
    pub(crate) before: i64,
    pub(crate) limit: u32,
}

/// What was said in a group, newest last.
pub(crate) fn messages(
    connection: &Connection,
    group: &str,
    stretch: Stretch,
) -> Result<Vec<Value>, StoreError> {
    let title = title(connection, group)?;
    let sql = "SELECT id, message, from_user, date FROM messages
               WHERE group_name = ? AND id < ? ORDER BY id DESC LIMIT ?";
    let mut list = connection.prepare_cached(sql)?;
    let rows = list.query_map(params![group, stretch.before, stretch.limit], |row| {
        Ok(json!({
            "type": "chat", "group_name": group, "display_name": title,
            "id": row.get::<_, i64>(0)?, "message": row.get::<_, String>(1)?,
            "from_user": row.get::<_, String>(2)?, "date": row.get::<_, String>(3)?,
        }))
    })?;
    let mut newest_first: Vec<Value> = rows.collect::<Result<_, _>>()?;
    newest_first.reverse();
    Ok(newest_first)
}

/// What somebody was told, newest last.
pub(crate) fn notifications(
    connection: &Connection,
    user: &str,
    stretch: Stretch,
) -> Result<Vec<Value>, StoreError> {
    let sql = "SELECT id, message, from_user, date FROM notifications
               WHERE to_user = ? AND id < ? ORDER BY id DESC LIMIT ?";
    let mut list = connection.prepare_cached(sql)?;
    let rows = list.query_map(params![user, stretch.before, stretch.limit], |row| {
        Ok(json!({
            "type": "notification",
            "id": row.get::<_, i64>(0)?, "message": row.get::<_, String>(1)?,
            "from_user": row.get::<_, String>(2)?, "date": row.get::<_, String>(3)?,
        }))
    })?;
    let mut newest_first: Vec<Value> = rows.collect::<Result<_, _>>()?;
    newest_first.reverse();
    Ok(newest_first)
}
