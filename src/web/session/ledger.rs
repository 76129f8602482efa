//! # Ledger: where sessions are kept
//!
//! A table in the app's database. Reading is one look by key, on the loop; writing is a job for the
//! scribe. Until a write is committed, its result is remembered here.
//!
//! Promises
//! 1. Whoever looks sees the last write, whether it has reached the disk or not.
//! 2. The key of a session is a hash of its id: who reads the table can sign in as nobody.
//! 3. A session that has ended stays ended, whatever is written to it afterwards.
//! 4. What is too old is not found, and with each new session some that are too old are removed.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::mpsc::{Receiver, Sender, channel};

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::store::rusqlite::{self, Connection, OptionalExtension, params};
use crate::store::{Database, Migration, Migrations, Reader, StoreError};
use crate::web::helper::Wait;
use crate::web::promise::promise;

/// The tables of sessions; their names begin with `web_`, because the file is the app's.
pub(super) const MIGRATIONS: Migrations = Migrations {
    set: "web sessions",
    steps: &[Migration {
        name: "sessions",
        sql: "CREATE TABLE web_sessions (
                  key BLOB PRIMARY KEY,
                  user TEXT,
                  anchor BLOB NOT NULL,
                  data TEXT NOT NULL,
                  began_s INTEGER NOT NULL,
                  seen_s INTEGER NOT NULL
              ) STRICT, WITHOUT ROWID;
              CREATE INDEX web_sessions_by_user ON web_sessions (user) WHERE user IS NOT NULL;
              CREATE INDEX web_sessions_by_seen ON web_sessions (seen_s);",
    }],
};

/// Sessions that are too old and go when a new one comes: more than come, so that none stay.
const SWEPT: u32 = 20;

/// What a session is known by: SHA-256 of its id. The id is random, so that no salt is needed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key([u8; 32]);

impl Key {
    pub(super) fn of(id: &str) -> Self {
        Self(Sha256::digest(id).into())
    }
}

/// However long sessions live, use is noted this often.
const NOTED_S_MAX: u64 = 3600;

/// How long sessions live.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lives {
    /// Without being used.
    pub(super) idle_s: u64,
    /// In all.
    pub(super) whole_s: u64,
}

impl Default for Lives {
    fn default() -> Self {
        let day_s = 24 * 3600;
        Self {
            idle_s: 14 * day_s,
            whole_s: 90 * day_s,
        }
    }
}

impl Lives {
    /// How much later than it was noted a session may have been seen: so long nothing is written when
    /// nothing changes. A small part of what it may be idle, so that one in use does not end.
    pub(super) fn noted_s(&self) -> u64 {
        NOTED_S_MAX.min(self.idle_s / 8)
    }

    /// How long a session lives from now on if it is not used again.
    pub(super) fn left_s(&self, record: &Record, now_s: u64) -> u64 {
        let idle = record
            .seen_s
            .saturating_add(self.idle_s)
            .saturating_sub(now_s);
        let whole = record
            .began_s
            .saturating_add(self.whole_s)
            .saturating_sub(now_s);
        idle.min(whole)
    }
}

/// A session as it is kept.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Record {
    pub(super) user: Option<String>,
    /// What its tokens against forgery are made of.
    pub(super) anchor: [u8; 16],
    pub(super) data: Map<String, Value>,
    pub(super) began_s: u64,
    pub(super) seen_s: u64,
}

/// What becomes of a session.
#[derive(Debug)]
pub(super) enum Change {
    Begin(Key, Record),
    /// Its data and when it was seen last.
    Update(Key, Record),
    End(Key),
    /// All sessions of a user.
    EndAll(String),
}

/// Keeps sessions.
pub(super) struct Ledger {
    database: Database,
    reader: Reader,
    lives: Lives,
    under_way: RefCell<UnderWay>,
    committed_by: Sender<u64>,
    committed: Receiver<u64>,
}

impl fmt::Debug for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ledger").finish_non_exhaustive()
    }
}

/// What was written and may not be committed yet, each with the number of its write.
#[derive(Default)]
struct UnderWay {
    number: u64,
    /// What a session is then; nothing if it has ended.
    sessions: BTreeMap<Key, (u64, Option<Record>)>,
    ended_users: BTreeMap<String, u64>,
}

impl Ledger {
    pub(super) fn open(database: &Database) -> Result<Self, StoreError> {
        let (committed_by, committed) = channel();
        let reader = database.reader()?;
        if !reader.query(|it| Ok(it.table_exists(None, "web_sessions")?))? {
            let tell =
                "there is no table for sessions: open the database with Sessions::MIGRATIONS";
            return Err(StoreError::app(tell));
        }
        Ok(Self {
            database: database.clone(),
            reader,
            lives: Lives::default(),
            under_way: RefCell::default(),
            committed_by,
            committed,
        })
    }

    /// Other lives than the usual ones.
    pub(super) const fn set_lives(&mut self, lives: Lives) {
        self.lives = lives;
    }

    pub(super) const fn lives(&self) -> Lives {
        self.lives
    }

    /// The session with this key, if it lives.
    pub(super) fn find(&self, key: Key, now_s: u64) -> Result<Option<Record>, StoreError> {
        self.forget_committed();
        let under_way = self.under_way.borrow();
        let found = match under_way.sessions.get(&key) {
            Some((_, record)) => record.clone(),
            None => self
                .reader
                .query(|connection| select(connection, key))?
                .filter(|record| match &record.user {
                    Some(user) => !under_way.ended_users.contains_key(user),
                    None => true,
                }),
        };
        Ok(found.filter(|record| self.lives.left_s(record, now_s) > 0))
    }

    /// Writes, all or nothing. The wait ends with the commit; the write does not need anybody to
    /// wait.
    pub(super) fn write(
        &self,
        changes: Vec<Change>,
        now_s: u64,
    ) -> Result<Wait<Result<(), StoreError>>, StoreError> {
        self.forget_committed();
        let mut under_way = self.under_way.borrow_mut();
        let number = under_way.number + 1;
        let mut then = Vec::new();
        for change in &changes {
            then.push(match change {
                Change::Begin(key, record) | Change::Update(key, record) => {
                    Then::Is(*key, Some(record.clone()))
                }
                Change::End(key) => Then::Is(*key, None),
                Change::EndAll(user) => Then::AllEnded(user.clone()),
            });
        }
        let too_old_s = now_s.saturating_sub(self.lives.idle_s);
        let committed_by = self.committed_by.clone();
        let (promise, wait) = promise();
        self.database.submit(
            move |connection| {
                let mut changes = changes.iter();
                changes.try_for_each(|change| change.make(connection, too_old_s))
            },
            move |result| {
                // The app may have ended meanwhile, and with it whoever remembers.
                let _ = committed_by.send(number);
                promise.keep(result);
            },
        )?;
        under_way.number = number;
        for then in then {
            under_way.note(number, then);
        }
        Ok(wait)
    }

    /// What is committed, or failed to be, is in the table as it is.
    fn forget_committed(&self) {
        let mut under_way = self.under_way.borrow_mut();
        for number in self.committed.try_iter() {
            under_way.sessions.retain(|_, (of, _)| *of != number);
            under_way.ended_users.retain(|_, of| *of != number);
        }
    }
}

/// What a write leads to.
enum Then {
    Is(Key, Option<Record>),
    AllEnded(String),
}

impl UnderWay {
    fn note(&mut self, number: u64, then: Then) {
        match then {
            Then::Is(key, record) => {
                self.sessions.insert(key, (number, record));
            }
            Then::AllEnded(user) => {
                for (of, record) in self.sessions.values_mut() {
                    if record
                        .as_ref()
                        .is_some_and(|it| it.user.as_deref() == Some(&user))
                    {
                        (*of, *record) = (number, None);
                    }
                }
                self.ended_users.insert(user, number);
            }
        }
    }
}

impl Change {
    fn make(&self, connection: &Connection, too_old_s: u64) -> Result<(), StoreError> {
        match self {
            Self::Begin(key, record) => {
                let sweep = "DELETE FROM web_sessions WHERE key IN
                             (SELECT key FROM web_sessions WHERE seen_s < ? LIMIT ?)";
                let mut sweep = connection.prepare_cached(sweep)?;
                sweep.execute(params![too_old_s.cast_signed(), SWEPT])?;
                let insert = "INSERT INTO web_sessions (key, user, anchor, data, began_s, seen_s)
                              VALUES (?, ?, ?, ?, ?, ?)";
                connection.prepare_cached(insert)?.execute(params![
                    key.0,
                    record.user,
                    record.anchor,
                    text(&record.data),
                    record.began_s.cast_signed(),
                    record.seen_s.cast_signed(),
                ])?;
            }
            Self::Update(key, record) => {
                // One that has ended is not there any more, and this changes nothing.
                let update = "UPDATE web_sessions SET data = ?, seen_s = ? WHERE key = ?";
                let mut update = connection.prepare_cached(update)?;
                let seen_s = record.seen_s.cast_signed();
                update.execute(params![text(&record.data), seen_s, key.0])?;
            }
            Self::End(key) => {
                let end = "DELETE FROM web_sessions WHERE key = ?";
                connection.prepare_cached(end)?.execute([key.0])?;
            }
            Self::EndAll(user) => {
                let end = "DELETE FROM web_sessions WHERE user = ?";
                connection.prepare_cached(end)?.execute([user])?;
            }
        }
        Ok(())
    }
}

pub(super) fn text(data: &Map<String, Value>) -> String {
    serde_json::to_string(data).expect("a JSON value has a text")
}

fn select(connection: &Connection, key: Key) -> Result<Option<Record>, StoreError> {
    let select = "SELECT user, anchor, data, began_s, seen_s FROM web_sessions WHERE key = ?";
    let mut select = connection.prepare_cached(select)?;
    let row = select.query_row([key.0], |row| {
        let data: String = row.get(2)?;
        let data = serde_json::from_str(&data).map_err(|error| {
            rusqlite::Error::FromSqlConversionFailure(2, rusqlite::types::Type::Text, error.into())
        })?;
        Ok(Record {
            user: row.get(0)?,
            anchor: row.get(1)?,
            data,
            began_s: row.get::<_, i64>(3)?.cast_unsigned(),
            seen_s: row.get::<_, i64>(4)?.cast_unsigned(),
        })
    });
    Ok(row.optional()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIVES: Lives = Lives {
        idle_s: 100,
        whole_s: 1000,
    };

    fn ledger() -> Ledger {
        let database = Database::in_memory(&[MIGRATIONS]).unwrap();
        let mut ledger = Ledger::open(&database).unwrap();
        ledger.set_lives(LIVES);
        ledger
    }

    fn record(user: &str, began_s: u64, seen_s: u64) -> Record {
        let Value::Object(data) = serde_json::json!({ "cart": [1, 2] }) else {
            panic!("an object")
        };
        Record {
            user: Some(user.to_owned()),
            anchor: [7; 16],
            data,
            began_s,
            seen_s,
        }
    }

    /// Waits until all that was written is committed.
    fn settle(ledger: &Ledger) {
        ledger.database.run(|_| Ok(())).unwrap();
        ledger.forget_committed();
        assert!(ledger.under_way.borrow().sessions.is_empty());
        assert!(ledger.under_way.borrow().ended_users.is_empty());
    }

    fn write(ledger: &Ledger, changes: Vec<Change>, now_s: u64) {
        drop(ledger.write(changes, now_s).unwrap());
    }

    /// The same question before and after the commit.
    #[track_caller]
    fn check(ledger: &Ledger, key: Key, now_s: u64, expected: Option<&Record>) {
        assert_eq!(ledger.find(key, now_s).unwrap().as_ref(), expected);
        settle(ledger);
        assert_eq!(ledger.find(key, now_s).unwrap().as_ref(), expected);
    }

    #[test]
    fn what_was_written_is_seen_before_and_after_the_commit() {
        let ledger = ledger();
        let key = Key::of("a");
        let mut record = record("ann", 10, 10);
        write(&ledger, vec![Change::Begin(key, record.clone())], 10);
        check(&ledger, key, 10, Some(&record));
        record.data.insert("more".to_owned(), Value::from("ü\0"));
        record.seen_s = 20;
        write(&ledger, vec![Change::Update(key, record.clone())], 20);
        check(&ledger, key, 20, Some(&record));
        write(&ledger, vec![Change::End(key)], 20);
        check(&ledger, key, 20, None);
        check(&ledger, Key::of("b"), 20, None);
    }

    #[test]
    fn one_that_has_ended_stays_ended() {
        let ledger = ledger();
        let key = Key::of("a");
        write(&ledger, vec![Change::Begin(key, record("ann", 0, 0))], 0);
        write(&ledger, vec![Change::End(key)], 0);
        settle(&ledger);
        write(&ledger, vec![Change::Update(key, record("ann", 0, 0))], 0);
        settle(&ledger);
        assert_eq!(ledger.find(key, 0).unwrap(), None);
    }

    #[test]
    fn all_sessions_of_one_user_end_and_nobody_elses() {
        let ledger = ledger();
        let keys = ["a", "b", "c", "d"].map(Key::of);
        let (ann, bob) = (record("ann", 0, 0), record("bob", 0, 0));
        write(&ledger, vec![Change::Begin(keys[0], ann.clone())], 0);
        settle(&ledger);
        let both = vec![
            Change::Begin(keys[1], ann.clone()),
            Change::Begin(keys[2], bob.clone()),
        ];
        write(&ledger, both, 0);
        write(&ledger, vec![Change::EndAll("ann".to_owned())], 0);
        // Who signs in afterwards is in.
        write(&ledger, vec![Change::Begin(keys[3], ann.clone())], 0);
        for _ in 0..2 {
            assert_eq!(ledger.find(keys[0], 0).unwrap(), None);
            assert_eq!(ledger.find(keys[1], 0).unwrap(), None);
            assert_eq!(ledger.find(keys[2], 0).unwrap().as_ref(), Some(&bob));
            assert_eq!(ledger.find(keys[3], 0).unwrap().as_ref(), Some(&ann));
            settle(&ledger);
        }
    }

    #[test]
    fn what_is_too_old_is_not_found_and_goes_one_day() {
        let ledger = ledger();
        let (idle, old) = (Key::of("idle"), Key::of("old"));
        let both = vec![
            Change::Begin(idle, record("ann", 0, 0)),
            Change::Begin(old, record("ann", 0, 950)),
        ];
        write(&ledger, both, 0);
        settle(&ledger);
        assert!(ledger.find(idle, 99).unwrap().is_some());
        assert!(ledger.find(idle, 100).unwrap().is_none());
        assert!(ledger.find(old, 999).unwrap().is_some());
        assert!(ledger.find(old, 1000).unwrap().is_none());
        write(
            &ledger,
            vec![Change::Begin(Key::of("new"), record("bob", 1000, 1000))],
            1000,
        );
        settle(&ledger);
        let count = ledger.reader.query(|connection| {
            Ok(connection.query_row("SELECT count(*) FROM web_sessions", (), |row| row.get(0))?)
        });
        assert_eq!(count, Ok(2), "the idle one was swept");
    }

    #[test]
    fn what_cannot_be_stored_is_as_it_was() {
        let ledger = ledger();
        let key = Key::of("a");
        let first = record("ann", 0, 0);
        write(&ledger, vec![Change::Begin(key, first.clone())], 0);
        settle(&ledger);
        // The same key again breaks the table's rule, and what came with it is undone.
        let other = Key::of("b");
        let both = vec![
            Change::Begin(other, record("bob", 0, 0)),
            Change::Begin(key, record("bob", 0, 0)),
        ];
        write(&ledger, both, 0);
        settle(&ledger);
        assert_eq!(ledger.find(key, 0).unwrap(), Some(first));
        assert_eq!(ledger.find(other, 0).unwrap(), None);
    }

    #[test]
    fn a_database_without_the_table_is_refused() {
        let database = Database::in_memory(&[]).unwrap();
        let error = Ledger::open(&database).unwrap_err().to_string();
        assert!(error.contains("Sessions::MIGRATIONS"), "{error}");
    }

    #[test]
    fn a_closed_database_is_told_and_nothing_is_remembered() {
        let ledger = ledger();
        ledger.database.close().unwrap();
        let change = Change::Begin(Key::of("a"), record("ann", 0, 0));
        assert_eq!(
            ledger.write(vec![change], 0).err(),
            Some(StoreError::Closed)
        );
        assert!(ledger.under_way.borrow().sessions.is_empty());
    }
}
