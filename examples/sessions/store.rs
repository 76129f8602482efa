//! What is kept, and how it is looked up.

use parlour::store::rusqlite::{self, Connection, OptionalExtension, Row};
use parlour::store::{Migration, Migrations, StoreError};
use serde_json::{Value, json};

pub(crate) const TABLES: Migrations = Migrations {
    set: "sessions",
    steps: &[Migration {
        name: "accounts, chats and what the bot has read",
        sql: "CREATE TABLE users (
                  id INTEGER PRIMARY KEY,
                  username TEXT NOT NULL UNIQUE,
                  email TEXT NOT NULL,
                  first_name TEXT NOT NULL DEFAULT '',
                  last_name TEXT NOT NULL DEFAULT '',
                  password TEXT NOT NULL
              ) STRICT;
              -- The bot has no password, so nobody signs in as it.
              INSERT INTO users (username, email, password) VALUES ('hubot', '', '');

              CREATE TABLE tokens (
                  hash BLOB PRIMARY KEY,
                  user INTEGER NOT NULL REFERENCES users,
                  number INTEGER NOT NULL
              ) STRICT, WITHOUT ROWID;
              CREATE INDEX tokens_of_user ON tokens (user, number);

              CREATE TABLE chats (
                  id INTEGER PRIMARY KEY,
                  uri TEXT NOT NULL UNIQUE,
                  owner INTEGER NOT NULL REFERENCES users
              ) STRICT;

              -- The owner is the first, so members in the order of their ids begin with the owner.
              CREATE TABLE members (
                  id INTEGER PRIMARY KEY,
                  chat INTEGER NOT NULL REFERENCES chats,
                  user INTEGER NOT NULL REFERENCES users,
                  UNIQUE (chat, user)
              ) STRICT;

              CREATE TABLE messages (
                  id INTEGER PRIMARY KEY,
                  chat INTEGER NOT NULL REFERENCES chats,
                  user INTEGER NOT NULL REFERENCES users,
                  text TEXT NOT NULL
              ) STRICT;
              CREATE INDEX messages_of_chat ON messages (chat, id);

              CREATE VIRTUAL TABLE passages USING fts5 (
                  source UNINDEXED, heading, text,
                  tokenize = 'porter unicode61 remove_diacritics 2'
              );",
    }],
};

/// Somebody with an account.
#[derive(Clone)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    /// The hash; nothing for the bot.
    pub(crate) password: String,
}

impl User {
    /// The columns of [`User::from_row`].
    const COLUMNS: &str = "users.id, username, email, first_name, last_name, password";

    fn from_row(row: &Row<'_>) -> Result<Self, rusqlite::Error> {
        Ok(Self {
            id: row.get(0)?,
            username: row.get(1)?,
            email: row.get(2)?,
            first_name: row.get(3)?,
            last_name: row.get(4)?,
            password: row.get(5)?,
        })
    }

    /// Somebody as others see them.
    pub(crate) fn json(&self) -> Value {
        json!({
            "id": self.id,
            "username": self.username,
            "email": self.email,
            "first_name": self.first_name,
            "last_name": self.last_name,
        })
    }
}

pub(crate) fn user_by_name(
    connection: &Connection,
    name: &str,
) -> Result<Option<User>, StoreError> {
    let sql = format!("SELECT {} FROM users WHERE username = ?", User::COLUMNS);
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([name], User::from_row).optional()?)
}

pub(crate) fn user_by_id(connection: &Connection, id: i64) -> Result<Option<User>, StoreError> {
    let sql = format!("SELECT {} FROM users WHERE id = ?", User::COLUMNS);
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([id], User::from_row).optional()?)
}

pub(crate) fn user_by_token(
    connection: &Connection,
    hash: &[u8],
) -> Result<Option<User>, StoreError> {
    let sql = format!(
        "SELECT {} FROM tokens JOIN users ON users.id = tokens.user WHERE hash = ?",
        User::COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    Ok(statement.query_row([hash], User::from_row).optional()?)
}

pub(crate) fn members(connection: &Connection, chat: i64) -> Result<Vec<User>, StoreError> {
    let sql = format!(
        "SELECT {} FROM members JOIN users ON users.id = members.user
         WHERE chat = ? ORDER BY members.id",
        User::COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let users = statement.query_map([chat], User::from_row)?;
    Ok(users.collect::<Result<_, _>>()?)
}

/// A chat's id.
pub(crate) fn chat(connection: &Connection, uri: &str) -> Result<Option<i64>, StoreError> {
    let mut statement = connection.prepare_cached("SELECT id FROM chats WHERE uri = ?")?;
    Ok(statement.query_row([uri], |row| row.get(0)).optional()?)
}

pub(crate) fn is_member(connection: &Connection, chat: i64, user: i64) -> Result<bool, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT 1 FROM members WHERE chat = ? AND user = ?")?;
    Ok(statement.exists((chat, user))?)
}

/// The id of a chat's last message, 0 if there is none.
pub(crate) fn last_message(connection: &Connection, chat: i64) -> Result<i64, StoreError> {
    let mut statement =
        connection.prepare_cached("SELECT coalesce(max(id), 0) FROM messages WHERE chat = ?")?;
    Ok(statement.query_row([chat], |row| row.get(0))?)
}

/// A chat's last messages behind the one with this id, oldest first.
pub(crate) fn messages(
    connection: &Connection,
    chat: i64,
    after: i64,
    at_most: usize,
) -> Result<Vec<(User, String)>, StoreError> {
    let sql = format!(
        "SELECT {}, text FROM messages JOIN users ON users.id = messages.user
         WHERE chat = ? AND messages.id > ? ORDER BY messages.id DESC LIMIT ?",
        User::COLUMNS
    );
    let mut statement = connection.prepare_cached(&sql)?;
    let rows = statement.query_map((chat, after, at_most as i64), |row| {
        Ok((User::from_row(row)?, row.get(6)?))
    })?;
    let mut messages = rows.collect::<Result<Vec<_>, _>>()?;
    messages.reverse();
    Ok(messages)
}

pub(crate) fn add_message(
    connection: &Connection,
    chat: i64,
    user: i64,
    text: &str,
) -> Result<(), StoreError> {
    let mut statement =
        connection.prepare_cached("INSERT INTO messages (chat, user, text) VALUES (?, ?, ?)")?;
    statement.execute((chat, user, text))?;
    Ok(())
}
