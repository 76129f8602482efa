//! # Check: whether a database keeps what the chat promises
//!
//! Reads all of it, and tells what is wrong, one thing after the other. It changes nothing, and may
//! take minutes: it is for the command line, or for a reader on a helper thread.
//!
//! Promises
//! 1. A database in which only operations were at work has no finding.
//! 2. Each kind of [`Damage`] is found wherever it is.
//! 3. Memory is that of the largest room's message numbers, and a bit for each op.
//!
//! Rules that one statement can tell are in `RULES`; what needs a room's events beside its
//! messages is in `room`.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use rusqlite::Connection;

use super::event::EventKind;
use super::id::{Op, RoomId, Seq, Version, number_of_key};
use crate::store::{StoreError, rusqlite};

/// Rows after which progress is told.
const ROWS_PER_STEP: u64 = 10_000;

/// A kind of damage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Damage {
    /// The file itself, or a value that its table does not allow.
    File,
    /// Something belongs to something that is not there.
    Orphan,
    /// The row that says who the database is.
    Identity,
    /// The room of a message or event is not there.
    RoomLost,
    /// A room's messages are not numbered one after the other up to its `seq`.
    MessageGap,
    /// A room's events are not numbered one after the other up to its `version`.
    EventGap,
    /// Two events have the same place in the server.
    OpTwice,
    /// An event is behind the server's last.
    OpAhead,
    /// Events of a room are in another order than in the server, or the room has another last op.
    OpOrder,
    /// An event of no known kind, or of a message that the room does not have.
    OddEvent,
    /// A message's version is not that of its last event.
    MessageVersion,
    /// A message was stored under a key that is not kept, or kept for another one.
    Key,
    /// A message answers one that is not before it.
    Reply,
    /// A deleted message still says something, or is reacted to or mentions somebody.
    DeletedSpeaks,
    /// A message's attachment is not there, or belongs to another one.
    Attachment,
    /// Somebody has read more than was said.
    MarkerAhead,
    /// A room has members and no owner.
    NoOwner,
    /// A room counts its members wrongly.
    MemberCount,
    /// A reminder is for a room that is deleted.
    ReminderLost,
    /// A room's words are indexed further than it is.
    IndexAhead,
    /// There are people, and nobody who can act as an admin.
    NoAdmin,
    /// The file of an upload is not there.
    FileLost,
    /// The file of an upload is not what was uploaded.
    FileChanged,
    /// The file of an upload cannot be read.
    FileUnreadable,
}

impl Damage {
    /// What is wrong, in a few words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::File => "the file is damaged",
            Self::Orphan => "it belongs to something that is not there",
            Self::Identity => "the database does not say who it is",
            Self::RoomLost => "its room is not there",
            Self::MessageGap => "messages are missing or too many",
            Self::EventGap => "events are missing or too many",
            Self::OpTwice => "another event has the same op",
            Self::OpAhead => "its op is behind the server's last",
            Self::OpOrder => "its op is not in the room's order",
            Self::OddEvent => "the event cannot be told",
            Self::MessageVersion => "its version is not that of its last event",
            Self::Key => "its key is not kept for it",
            Self::Reply => "it answers a message that is not before it",
            Self::DeletedSpeaks => "it is deleted and not all of it is gone",
            Self::Attachment => "its attachment is not there or not its own",
            Self::MarkerAhead => "more is read than was said",
            Self::NoOwner => "it has members and no owner",
            Self::MemberCount => "its members are counted wrongly",
            Self::ReminderLost => "its room is deleted",
            Self::IndexAhead => "it is indexed further than it is",
            Self::NoAdmin => "nobody can act as an admin",
            Self::FileLost => "its file is not there",
            Self::FileChanged => "its file is not what was uploaded",
            Self::FileUnreadable => "its file cannot be read",
        }
    }
}

/// Something that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What.
    pub damage: Damage,
    /// Where.
    pub place: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.damage.as_str())
    }
}

/// What a check tells while it runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    /// Something is wrong.
    Found(Finding),
    /// Something that nobody needs, and that does no harm.
    Needless(String),
    /// It has come so far with the rules, and then with the events and messages of all rooms; or, with
    /// files, with their bytes.
    Progress {
        /// What was done.
        done: u64,
        /// Of how much.
        of: u64,
    },
}

/// A rule that a statement tells: each of its rows is a place that breaks it.
type Rule = (Damage, &'static str);

const RULES: &[Rule] = &[
    (
        Damage::File,
        "SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check != 'ok'",
    ),
    (
        Damage::Orphan,
        "SELECT format('table %s, row %s, of %s', \"table\", coalesce(rowid, '?'), parent)
         FROM pragma_foreign_key_check",
    ),
    (
        Damage::Identity,
        "SELECT 'table server' WHERE NOT EXISTS (SELECT 1 FROM server WHERE epoch != '')",
    ),
    (
        Damage::RoomLost,
        "SELECT format('room %d', room) FROM (
             SELECT DISTINCT key >> 32 AS room FROM messages
             UNION SELECT DISTINCT key >> 32 FROM events)
         WHERE room NOT IN (SELECT id FROM rooms)",
    ),
    (
        Damage::Key,
        "SELECT format('room %d, message %d', m.key >> 32, m.key & 4294967295)
         FROM messages m JOIN users u ON u.id = m.author
         WHERE m.client_key IS NOT NULL AND u.erased_at IS NULL AND NOT EXISTS (
             SELECT 1 FROM keys k WHERE k.user = m.author AND k.key = m.client_key
               AND k.room = m.key >> 32 AND k.seq = m.key & 4294967295)",
    ),
    (
        Damage::Reply,
        "SELECT format('room %d, message %d', key >> 32, key & 4294967295) FROM messages
         WHERE reply_to NOT BETWEEN 1 AND (key & 4294967295) - 1",
    ),
    (
        Damage::DeletedSpeaks,
        "SELECT format('room %d, message %d', m.key >> 32, m.key & 4294967295) FROM messages m
         WHERE m.deleted_at IS NOT NULL
           AND (m.text != '' OR m.attachment IS NOT NULL
             OR EXISTS (SELECT 1 FROM reactions r WHERE r.message = m.key)
             OR EXISTS (SELECT 1 FROM mentions n WHERE n.message = m.key))",
    ),
    (
        Damage::Attachment,
        "SELECT format('room %d, message %d', m.key >> 32, m.key & 4294967295)
         FROM messages m LEFT JOIN uploads f ON f.id = m.attachment
         WHERE m.attachment IS NOT NULL AND f.message IS NOT m.key",
    ),
    (
        Damage::MarkerAhead,
        "SELECT format('room %d, user %d', m.room, m.user)
         FROM members m JOIN rooms r ON r.id = m.room WHERE m.read > r.seq",
    ),
    (
        Damage::NoOwner,
        "SELECT format('room %d', r.id) FROM rooms r
         WHERE r.kind != 'direct'
           AND EXISTS (SELECT 1 FROM members m WHERE m.room = r.id)
           AND NOT EXISTS (SELECT 1 FROM members m WHERE m.room = r.id AND m.role = 'owner')",
    ),
    (
        Damage::MemberCount,
        "SELECT format('room %d', r.id) FROM rooms r
         WHERE r.members != (SELECT count(*) FROM members m WHERE m.room = r.id)",
    ),
    (
        Damage::ReminderLost,
        "SELECT format('reminder %d', m.id)
         FROM reminders m JOIN rooms r ON r.id = m.room WHERE r.deleted_at IS NOT NULL",
    ),
    (
        Damage::IndexAhead,
        "SELECT format('room %d', i.room) FROM indexed i JOIN rooms r ON r.id = i.room
         WHERE i.version > r.version",
    ),
    (
        Damage::NoAdmin,
        "SELECT 'table users' WHERE EXISTS (SELECT 1 FROM users WHERE role <> 'bot')
             AND NOT EXISTS (
               SELECT 1 FROM users u WHERE role = 'admin'
                 AND disabled_at IS NULL AND erased_at IS NULL
                 AND (password IS NOT NULL OR EXISTS (
                   SELECT 1 FROM tokens WHERE user = u.id
                     AND (expires_at IS NULL OR expires_at > unixepoch() * 1000))))",
    ),
];

/// Tells what is wrong in a database, and how far it has come.
pub fn check(connection: &Connection, tell: &mut dyn FnMut(Told)) -> Result<(), StoreError> {
    let of = RULES.len() as u64;
    for (done, (damage, sql)) in (0..).zip(RULES) {
        tell(Told::Progress { done, of });
        let mut look = connection.prepare(sql)?;
        let mut rows = look.query(())?;
        while let Some(row) = rows.next()? {
            let place = row.get(0)?;
            let damage = *damage;
            tell(Told::Found(Finding { damage, place }));
        }
    }
    Rooms::new(connection, tell)?.check()
}

/// A room as its row tells.
struct Room {
    id: RoomId,
    seq: Seq,
    version: Version,
    op: Op,
    first_seq: Seq,
    first_version: Version,
}

/// Goes through the rooms, and through what happened in each.
struct Rooms<'a> {
    connection: &'a Connection,
    tell: &'a mut dyn FnMut(Told),
    ops: Ops,
    done: u64,
    of: u64,
}

impl<'a> Rooms<'a> {
    fn new(connection: &'a Connection, tell: &'a mut dyn FnMut(Told)) -> Result<Self, StoreError> {
        let number = |sql: &str| connection.query_row(sql, (), |row| row.get::<_, u64>(0));
        let last = number("SELECT coalesce(max(op), 0) FROM server")?;
        let of = number(
            "SELECT (SELECT count(*) FROM events) + (SELECT count(*) FROM messages)
                  + (SELECT count(*) FROM user_events)",
        )?;
        Ok(Self {
            connection,
            tell,
            ops: Ops::up_to(last),
            done: 0,
            of,
        })
    }

    fn check(mut self) -> Result<(), StoreError> {
        let mut look = self.connection.prepare(
            "SELECT id, seq, version, op, first_seq, first_version FROM rooms ORDER BY id",
        )?;
        let mut rows = look.query(())?;
        while let Some(row) = rows.next()? {
            let room = Room {
                id: RoomId(row.get(0)?),
                seq: row.get(1)?,
                version: row.get(2)?,
                op: row.get(3)?,
                first_seq: row.get(4)?,
                first_version: row.get(5)?,
            };
            let last = self.events(&room)?;
            self.messages(&room, &last)?;
        }
        let mut look = self
            .connection
            .prepare("SELECT user, op FROM user_events ORDER BY user, op")?;
        let mut rows = look.query(())?;
        while let Some(row) = rows.next()? {
            let user: u32 = row.get(0)?;
            let op = row.get(1)?;
            self.take_op(op, || format!("user {user}, op {op}"));
            self.step();
        }
        let (done, of) = (self.done, self.of);
        (self.tell)(Told::Progress { done, of });
        Ok(())
    }

    fn found(&mut self, damage: Damage, place: String) {
        (self.tell)(Told::Found(Finding { damage, place }));
    }

    /// One row more was looked at.
    fn step(&mut self) {
        self.done += 1;
        if self.done.is_multiple_of(ROWS_PER_STEP) {
            let (done, of) = (self.done, self.of);
            (self.tell)(Told::Progress { done, of });
        }
    }

    fn take_op(&mut self, op: Op, place: impl FnOnce() -> String) {
        match self.ops.take(op) {
            Ok(()) => {}
            Err(damage) => self.found(damage, place()),
        }
    }

    /// Checks the events of a room. Gives the last one of each message.
    fn events(&mut self, room: &Room) -> Result<HashMap<Seq, Version>, StoreError> {
        let mut look = self.connection.prepare_cached(
            "SELECT key, op, kind, seq FROM events WHERE key BETWEEN ? AND ? ORDER BY key",
        )?;
        let mut rows = look.query((room.id.key(0), room.id.key(Version::MAX)))?;
        let mut last = HashMap::new();
        let mut numbers = Numbers::from(room.first_version);
        let mut before: Op = 0;
        while let Some(row) = rows.next()? {
            let version = number_of_key(row.get(0)?);
            let (op, kind): (Op, i64) = (row.get(1)?, row.get(2)?);
            let seq: Option<Seq> = row.get(3)?;
            let place = || format!("room {}, version {version}", room.id.0);
            numbers.take(version);
            self.take_op(op, place);
            if op <= before {
                self.found(Damage::OpOrder, place());
            }
            before = op;
            let is_known = EventKind::of(kind).is_some_and(|kind| kind as i64 <= ROOM_KINDS_MAX);
            if !is_known || seq.is_some_and(|seq| seq == 0 || seq > room.seq) {
                self.found(Damage::OddEvent, place());
            }
            if let Some(seq) = seq {
                last.insert(seq, version);
            }
            self.step();
        }
        if !numbers.end_at(room.version) {
            self.found(Damage::EventGap, format!("room {}", room.id.0));
        }
        if before != room.op && before > 0 {
            self.found(Damage::OpOrder, format!("room {}", room.id.0));
        }
        Ok(last)
    }

    fn messages(&mut self, room: &Room, last: &HashMap<Seq, Version>) -> Result<(), StoreError> {
        let mut look = self.connection.prepare_cached(
            "SELECT key, version FROM messages WHERE key BETWEEN ? AND ? ORDER BY key",
        )?;
        let mut rows = look.query((room.id.key(0), room.id.key(Seq::MAX)))?;
        let mut numbers = Numbers::from(room.first_seq);
        while let Some(row) = rows.next()? {
            let seq = number_of_key(row.get(0)?);
            let version: Version = row.get(1)?;
            numbers.take(seq);
            let is_right = match last.get(&seq) {
                Some(last) => version == *last,
                // Its last event may have had its time.
                None => version < room.first_version,
            };
            if !is_right {
                let place = format!("room {}, message {seq}", room.id.0);
                self.found(Damage::MessageVersion, place);
            }
            self.step();
        }
        if !numbers.end_at(room.seq) {
            self.found(Damage::MessageGap, format!("room {}", room.id.0));
        }
        Ok(())
    }
}

/// The last kind of event that happens in rooms.
const ROOM_KINDS_MAX: i64 = EventKind::Closed as i64;

/// Numbers that have to come one after the other.
struct Numbers {
    next: u64,
    is_whole: bool,
}

impl Numbers {
    fn from(first: u32) -> Self {
        Self {
            next: u64::from(first),
            is_whole: true,
        }
    }

    fn take(&mut self, number: u32) {
        self.is_whole &= u64::from(number) == self.next;
        self.next = u64::from(number) + 1;
    }

    /// Whether none was missing up to the last one, which is this.
    fn end_at(&self, last: u32) -> bool {
        self.is_whole && self.next == u64::from(last) + 1
    }
}

/// Which ops were met: a bit for each, in pieces that are made when they are needed.
struct Ops {
    last: Op,
    pieces: BTreeMap<Op, Box<[u64; PIECE]>>,
}

/// Words of a piece.
const PIECE: usize = 1024;

impl Ops {
    fn up_to(last: Op) -> Self {
        Self {
            last,
            pieces: BTreeMap::new(),
        }
    }

    fn take(&mut self, op: Op) -> Result<(), Damage> {
        let bits = PIECE as u64 * 64;
        let piece = self
            .pieces
            .entry(op / bits)
            .or_insert_with(|| Box::new([0; PIECE]));
        let word = &mut piece[(op % bits / 64) as usize];
        let bit = 1 << (op % 64);
        if *word & bit != 0 {
            return Err(Damage::OpTwice);
        }
        *word |= bit;
        if op == 0 || op > self.last {
            return Err(Damage::OpAhead);
        }
        Ok(())
    }
}
