//! # Work: an operation while it is applied
//!
//! Holds the transaction and the entry, finds out who wants something and what they may, and
//! collects what happened.

use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, Params, Row};

use super::apply::Stop;
use super::event::{Event, EventKind, Person, To, What};
use super::id::{Millis, Op, RoomId, Seq, UserId, Version};
use super::name::UserName;
use super::operation::{Entry, Role};
use super::outcome::{Answer, Ended, Outcome};
use super::place::Place;
use super::refusal::{Code, Refusal};
use crate::store::{Tables, rusqlite};

pub(super) struct Work<'a> {
    tables: Tables<'a>,
    entry: &'a Entry,
    events: Vec<Event>,
    ended: Vec<Ended>,
}

/// Whoever wants something.
#[derive(Clone, Debug)]
pub(super) struct Actor {
    pub(super) person: Person,
    pub(super) role: Role,
}

/// What is stored of an event in a room, beside what [`Work`] knows by itself.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Note<'a> {
    pub(super) seq: Option<Seq>,
    pub(super) subject: Option<UserId>,
    pub(super) text: Option<&'a str>,
}

impl<'a> Work<'a> {
    pub(super) fn new(tables: Tables<'a>, entry: &'a Entry) -> Self {
        Self {
            tables,
            entry,
            events: Vec::new(),
            ended: Vec::new(),
        }
    }

    pub(super) fn into_outcome(self, answer: Answer) -> Outcome {
        Outcome {
            answer,
            repeat: false,
            events: self.events,
            ended: self.ended,
        }
    }

    /// When it was wanted.
    pub(super) fn at(&self) -> Millis {
        self.entry.at
    }

    /// Who wants it; nobody for the command line and for who has no account.
    pub(super) fn by(&self) -> Option<UserId> {
        self.entry.by
    }

    pub(super) fn entry(&self) -> &'a Entry {
        self.entry
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.tables
    }

    // ---------------------------------------------------------------------------- statements

    /// Runs a statement; how many rows it changed.
    pub(super) fn execute(&self, sql: &'static str, values: impl Params) -> Result<usize, Stop> {
        Ok(self.tables.with(sql, |it| it.execute(values))?)
    }

    /// The row that a statement gives, if it gives one.
    pub(super) fn row<T>(
        &self,
        sql: &'static str,
        values: impl Params,
        read: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Option<T>, Stop> {
        let found = self.tables.with(sql, |it| it.query_row(values, read));
        Ok(found.optional()?)
    }

    /// All rows that a statement gives.
    pub(super) fn rows<T>(
        &self,
        sql: &'static str,
        values: impl Params,
        read: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
    ) -> Result<Vec<T>, Stop> {
        let found = self
            .tables
            .with(sql, |it| it.query_map(values, read)?.collect());
        Ok(found?)
    }

    /// The one value that a statement always gives, such as a count.
    pub(super) fn value<T: FromSql>(
        &self,
        sql: &'static str,
        values: impl Params,
    ) -> Result<T, Stop> {
        let found = self
            .tables
            .with(sql, |it| it.query_row(values, |row| row.get(0)));
        Ok(found?)
    }

    // -------------------------------------------------------------------------------- people

    /// Whoever wants this, who has to have an account that is not disabled.
    pub(super) fn actor(&self) -> Result<Actor, Stop> {
        let unknown = || Refusal::new(Code::Unauthenticated, "Sign in first.");
        let id = self.by().ok_or_else(unknown)?;
        let sql = "SELECT id, name, display_name, role FROM users
                   WHERE id = ? AND disabled_at IS NULL AND erased_at IS NULL";
        let found = self.row(sql, [id.0], |row| {
            Ok(Actor {
                person: person(row, 0)?,
                role: row.get(3)?,
            })
        })?;
        Ok(found.ok_or_else(unknown)?)
    }

    /// Whoever has the database's file in their hands.
    pub(super) fn is_command_line(&self) -> bool {
        self.by().is_none() && self.entry.outside
    }

    /// Whoever wants this may do what admins may: the command line always.
    pub(super) fn must_be_admin(&self, what: &str) -> Result<(), Stop> {
        if self.is_command_line() || self.actor()?.role == Role::Admin {
            return Ok(());
        }
        Err(Refusal::forbidden(format!("Only an admin may {what}.")).into())
    }

    /// Somebody, for whoever wants to do something to their account: oneself, an admin, the
    /// command line. Others are not told whether there is such a person.
    pub(super) fn subject(&self, user: &UserName, what: &str) -> Result<Person, Stop> {
        if !self.is_command_line() {
            let actor = self.actor()?;
            if actor.person.name == *user {
                return Ok(actor.person);
            }
            if actor.role != Role::Admin {
                let tell = format!("Only \"{user}\" or an admin may {what}.");
                return Err(Refusal::forbidden(tell).into());
            }
        }
        self.person_named(user)
    }

    /// Whoever wants this, for those whom it is told to; nobody is named for the command line.
    pub(super) fn teller(&self) -> Result<Option<Person>, Stop> {
        match self.by() {
            None => Ok(None),
            Some(id) => self.person(id).map(Some),
        }
    }

    /// Who has this number. People are never removed from their table.
    pub(super) fn person(&self, id: UserId) -> Result<Person, Stop> {
        let sql = "SELECT id, name, display_name FROM users WHERE id = ?";
        let found = self.row(sql, [id.0], |row| person(row, 0))?;
        Ok(found.ok_or_else(|| Refusal::not_found("There is no such person."))?)
    }

    /// Who has this name, and can still be spoken to.
    pub(super) fn person_named(&self, name: &UserName) -> Result<Person, Stop> {
        let sql = "SELECT id, name, display_name FROM users
                   WHERE name = ? AND erased_at IS NULL";
        let found = self.row(sql, [name.as_str()], |row| person(row, 0))?;
        let tell = || Refusal::not_found(format!("There is nobody called \"{name}\"."));
        Ok(found.ok_or_else(tell)?)
    }

    // -------------------------------------------------------------------------------- events

    /// The server is one further. Asked for afterwards where it is needed: for `RETURNING` SQLite makes a
    /// table each time, which costs more than all else.
    fn count_op(&self) -> Result<(), Stop> {
        self.execute("UPDATE server SET op = op + 1 WHERE id = 1", ())?;
        Ok(())
    }

    fn next_op(&self) -> Result<Op, Stop> {
        self.count_op()?;
        self.value("SELECT op FROM server", ())
    }

    /// A room's last event and message, by what it counts of them.
    fn last_of(&self, place: &Place) -> Result<(Op, Seq, Version), Stop> {
        let sql = "SELECT op, seq, version FROM rooms WHERE id = ?";
        let last = self.row(sql, [place.id.0], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        })?;
        Ok(last.expect("a room that was looked up in this transaction is there"))
    }

    /// Something happened in a room. Gives its place there.
    pub(super) fn tell_room(
        &mut self,
        place: &Place,
        kind: EventKind,
        note: Note<'_>,
        what: What,
    ) -> Result<Version, Stop> {
        self.count_op()?;
        self.execute(
            "UPDATE rooms SET version = version + 1, op = (SELECT op FROM server) WHERE id = ?",
            [place.id.0],
        )?;
        let (op, _, version) = self.last_of(place)?;
        self.note_event(place.id, version, op, kind, note)?;
        self.tell_members(place, op, version, what);
        Ok(version)
    }

    /// Somebody says something: the room's next message. What is told is made of its number and
    /// place.
    pub(super) fn tell_message(&self, place: &Place) -> Result<(Op, Seq, Version), Stop> {
        self.count_op()?;
        self.execute(
            "UPDATE rooms SET seq = seq + 1, version = version + 1, op = (SELECT op FROM server)
             WHERE id = ?",
            [place.id.0],
        )?;
        let (op, seq, version) = self.last_of(place)?;
        let note = Note {
            seq: Some(seq),
            ..Note::default()
        };
        self.note_event(place.id, version, op, EventKind::Message, note)?;
        Ok((op, seq, version))
    }

    /// Has members told, of what is noted already.
    pub(super) fn tell_members(&mut self, place: &Place, op: Op, version: Version, what: What) {
        self.events.push(Event {
            op,
            at: self.at(),
            to: To::Room {
                id: place.id,
                name: place.name.clone(),
                version,
            },
            what,
        });
    }

    fn note_event(
        &self,
        room: RoomId,
        version: Version,
        op: Op,
        kind: EventKind,
        note: Note<'_>,
    ) -> Result<(), Stop> {
        self.execute(
            "INSERT INTO events (key, op, at, kind, by, seq, subject, text)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            (
                room.key(version),
                op,
                self.at(),
                kind as i64,
                self.by().map(|id| id.0),
                note.seq,
                note.subject.map(|id| id.0),
                note.text,
            ),
        )?;
        if self.entry.outside {
            self.execute(
                "INSERT INTO outside (op, room, version) VALUES (?, ?, ?)",
                (op, room.0, version),
            )?;
        }
        Ok(())
    }

    /// Something happened to one person. `number` is whatever the kind needs to be told again.
    pub(super) fn tell_user(
        &mut self,
        user: UserId,
        kind: EventKind,
        room: Option<RoomId>,
        number: Option<u32>,
        what: What,
    ) -> Result<Op, Stop> {
        let op = self.next_op()?;
        self.note_for_user(user, op, kind, room, number, what)?;
        Ok(op)
    }

    /// The op of what is about to be told, for those who store it elsewhere as well.
    pub(super) fn op_for_user(&self) -> Result<Op, Stop> {
        self.next_op()
    }

    /// [`tell_user`](Self::tell_user) with an op that was taken before.
    pub(super) fn note_for_user(
        &mut self,
        user: UserId,
        op: Op,
        kind: EventKind,
        room: Option<RoomId>,
        number: Option<u32>,
        what: What,
    ) -> Result<(), Stop> {
        self.execute(
            "INSERT INTO user_events (user, op, at, kind, by, room, number)
             VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                user.0,
                op,
                self.at(),
                kind as i64,
                self.by().map(|id| id.0),
                room.map(|id| id.0),
                number,
            ),
        )?;
        if self.entry.outside {
            self.execute("INSERT INTO outside (op, user) VALUES (?, ?)", (op, user.0))?;
        }
        self.events.push(Event {
            op,
            at: self.at(),
            to: To::User(user),
            what,
        });
        Ok(())
    }

    /// Has connections ended.
    pub(super) fn end(&mut self, ended: Ended) {
        self.ended.push(ended);
    }
}

/// A person from three columns: id, name, display name.
pub(super) fn person(row: &Row<'_>, at: usize) -> rusqlite::Result<Person> {
    Ok(Person {
        id: UserId(row.get(at)?),
        name: row.get(at + 1)?,
        display_name: row.get(at + 2)?,
    })
}
