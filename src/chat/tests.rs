//! # Tests of applying: what comes of operations, one after the other
//!
//! [`Town`] has a database in memory and a clock of its own; `want` has something done and waits.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

use super::summary::{heads, position};
use super::*;
use crate::store::rusqlite::{self, Connection};
use crate::store::{Database, Reader, StoreError};

mod accounts;
mod bot;
mod check;
mod erased;
mod history;
mod messages;
mod missed;
mod notifications;
mod reminders;
mod rooms;
mod search;
mod summary;
mod tokens;
mod uploads;

/// A server without a server.
pub(super) struct Town {
    pub(super) database: Database,
    reader: Reader,
    pub(super) at: Millis,
}

impl Town {
    /// A server with these people; the first is its admin.
    pub(super) fn new(people: &[&str]) -> Self {
        let database = open_in_memory("e", 1).unwrap();
        let mut town = Self {
            reader: database.reader().unwrap(),
            database,
            at: 1000,
        };
        for name in people {
            town.want(
                None,
                Operation::SignUp {
                    name: user(name),
                    display_name: Title::trusted(name.to_uppercase()),
                    email: None,
                    password: "x".to_owned(),
                    invite: None,
                },
            )
            .unwrap();
        }
        town
    }

    /// Has something done.
    pub(super) fn want(&mut self, by: Option<&str>, operation: Operation) -> Verdict {
        self.want_once(by, None, operation)
    }

    /// Has something done under a key.
    pub(super) fn want_once(
        &mut self,
        by: Option<&str>,
        key: Option<&str>,
        operation: Operation,
    ) -> Verdict {
        let by = by.map(|name| self.id(name));
        self.append(by, key, operation, false)
    }

    /// Has something done, perhaps by another process than the server.
    pub(super) fn want_from(
        &mut self,
        by: Option<&str>,
        outside: bool,
        operation: Operation,
    ) -> Verdict {
        let by = by.map(|name| self.id(name));
        self.append(by, None, operation, outside)
    }

    /// Has something done from the command line.
    pub(super) fn order(&mut self, operation: Operation) -> Verdict {
        self.append(None, None, operation, true)
    }

    #[expect(
        clippy::unwrap_in_result,
        reason = "a refusal is what tests ask for; that nothing came of it at all is not"
    )]
    fn append(
        &mut self,
        by: Option<UserId>,
        key: Option<&str>,
        operation: Operation,
        outside: bool,
    ) -> Verdict {
        self.at += 1;
        let mut random = [0; 16];
        random[..8].copy_from_slice(&self.at.to_le_bytes());
        let entry = Entry {
            by,
            at: self.at,
            key: key.map(Key::trusted),
            random,
            outside,
            operation,
        };
        let (sender, receiver) = std::sync::mpsc::channel();
        let done = Box::new(move |verdict| -> Keepsake { Box::new(sender.send(verdict).is_ok()) });
        self.database.append(entry, done).unwrap();
        receiver.recv().unwrap()
    }

    pub(super) fn id(&self, name: &str) -> UserId {
        let sql = "SELECT id FROM users WHERE name = ?";
        UserId(self.look(|it| Ok(it.query_row(sql, [name], |row| row.get(0))?)))
    }

    /// The number that a statement gives.
    pub(super) fn count(&self, sql: &str) -> u64 {
        self.look(|it| Ok(it.query_row(sql, (), |row| row.get(0))?))
    }

    /// Makes a public room of `by`'s with these others in it.
    pub(super) fn room(&mut self, by: &str, name: &str, others: &[&str]) -> RoomId {
        let operation = Operation::CreateRoom {
            room: room(name),
            title: None,
            topic: None,
            kind: Kind::Public,
        };
        let made = self.want(Some(by), operation).unwrap();
        for other in others {
            self.want(Some(other), Operation::Join { room: room(name) })
                .unwrap();
        }
        match made.answer {
            Answer::Room(id) => id,
            other => panic!("{other:?}"),
        }
    }

    /// Says something; what came of it.
    pub(super) fn say(&mut self, by: &str, name: &str, text: &str) -> Verdict {
        self.want(Some(by), send(name, text))
    }
}

/// What is read, with everything announced that is stored.
impl Town {
    pub(super) fn look<T>(&self, look: impl FnOnce(&Connection) -> Result<T, StoreError>) -> T {
        self.reader.query(look).unwrap()
    }

    /// How far each room is, and the server.
    pub(super) fn announced(&self) -> Announced {
        let (heads, (_, op)) =
            self.look(|connection| Ok((heads(connection)?, position(connection)?)));
        let heads = heads.into_iter();
        Announced {
            op,
            heads: heads
                .map(|(room, seq, version)| (room, (seq, version)))
                .collect(),
        }
    }
}

/// How far everything was announced.
#[derive(Clone)]
pub(super) struct Announced {
    pub(super) op: Op,
    pub(super) heads: BTreeMap<RoomId, (Seq, Version)>,
}

impl Announced {
    pub(super) fn with<T>(&self, then: impl FnOnce(Horizon<'_>) -> T) -> T {
        let head = |room| self.heads.get(&room).copied().unwrap_or_default();
        then(Horizon {
            op: self.op,
            head: &head,
        })
    }
}

/// Whatever is read goes to its rows by a key or an index, but for tables with a row for each room.
#[track_caller]
pub(super) fn must_not_scan(connection: &Connection, sql: &str) {
    thread_local! {
        static EXPLAINED: RefCell<BTreeSet<String>> = const { RefCell::new(BTreeSet::new()) };
    }
    if !EXPLAINED.with_borrow_mut(|known| known.insert(sql.to_owned())) {
        return;
    }
    let mut explain = connection
        .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
        .unwrap();
    let values = explain.parameter_count();
    let nothing = rusqlite::params_from_iter(std::iter::repeat_n(None::<i64>, values));
    let steps = explain.query_map(nothing, |row| row.get(3)).unwrap();
    for step in steps {
        let step: String = step.unwrap();
        let may = |name: &str| step.starts_with(&format!("SCAN {name}"));
        let is_small = ["rooms", "server", "page", "(subquery", "CONSTANT ROW"]
            .iter()
            .any(|name| may(name));
        let is_index = step.contains("VIRTUAL TABLE INDEX");
        assert!(!may("") || is_small || is_index, "{step}: {sql}");
    }
}

pub(super) fn user(name: &str) -> UserName {
    UserName::parse("name", name).unwrap()
}

/// A hash that is told from others by one number.
pub(super) fn hash(number: u8) -> Hash {
    [number; 32]
}

pub(super) fn room(name: &str) -> RoomName {
    RoomName::parse("room", name).unwrap()
}

pub(super) fn send(name: &str, text: &str) -> Operation {
    Operation::Send {
        room: room(name),
        text: Text::trusted(text),
        reply_to: None,
        attachment: None,
        style: Style::Plain,
    }
}

/// What refused it.
#[track_caller]
pub(super) fn code(verdict: Verdict) -> Code {
    verdict.expect_err("it was not refused").code
}

pub(super) fn react(name: &str, seq: Seq, emoji: &str, on: bool) -> Operation {
    Operation::React {
        room: room(name),
        seq,
        emoji: Emoji::trusted(emoji),
        on,
    }
}

#[test]
#[should_panic(expected = "SCAN messages")]
fn a_statement_that_scans_is_found() {
    let town = Town::new(&[]);
    town.look(|connection| {
        must_not_scan(connection, "SELECT key FROM messages WHERE author = ?");
        Ok(())
    });
}
