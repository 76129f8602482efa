//! # Model: the chat as a child would keep it
//!
//! Plain lists, told what was committed, in order. From an entry alone it says what must come of it:
//! which answer, which events, under which numbers. Nothing is shared with the chat's own code but
//! the types that entries and answers are made of.

mod messages;
mod removal;
mod rooms;

use std::collections::{BTreeMap, BTreeSet};

use removal::Removal;

use super::fact::{Body, Fact};
use crate::chat::{Answer, Code, Entry, Kind, Level, Operation, Standing};
use crate::site::Far;

/// Beyond this nobody counts.
const UNSEEN_MAX: usize = 1000;

/// Somebody with an account.
#[derive(Clone, Debug)]
pub(super) struct Person {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) admin: bool,
}

/// Who is in a room.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub(super) standing: Standing,
    joined_at: u64,
    pub(super) read: u32,
    level: Option<Level>,
    muted_until: Option<u64>,
}

/// A message, with all that it ever said.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) by: String,
    /// What it said from which version on.
    pub(super) bodies: Vec<(u32, Body)>,
    pub(super) calls: BTreeSet<u32>,
}

impl Message {
    pub(super) fn now(&self) -> &Body {
        &self.bodies.last().expect("a message says something").1
    }

    fn change(&mut self, version: u32, change: impl FnOnce(&mut Body)) {
        let mut body = self.now().clone();
        change(&mut body);
        self.bodies.push((version, body));
    }
}

#[derive(Clone, Debug)]
pub(super) struct Room {
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) kind: Kind,
    people: Vec<u32>,
    title: String,
    topic: String,
    archived: bool,
    pinned: Option<u32>,
    pub(super) deleted: bool,
    /// Versions that rooms had which were called so before.
    pub(super) floor: u32,
    /// Each event's op and what it says; the first has the version above the floor.
    pub(super) events: Vec<(u64, Fact)>,
    pub(super) messages: Vec<Message>,
    pub(super) members: BTreeMap<u32, Member>,
    bans: BTreeSet<u32>,
}

impl Room {
    pub(super) fn version(&self) -> u32 {
        self.floor + self.events.len() as u32
    }

    /// The event with this version.
    pub(super) fn event(&self, version: u32) -> Option<&(u64, Fact)> {
        let at = version.checked_sub(self.floor + 1)?;
        self.events.get(at as usize)
    }

    /// The events behind a version and up to another.
    pub(super) fn between(&self, after: u32, upto: u32) -> &[(u64, Fact)] {
        let at = |version: u32| version.saturating_sub(self.floor) as usize;
        &self.events[at(after)..at(upto).max(at(after))]
    }

    pub(super) fn seq(&self) -> u32 {
        self.messages.len() as u32
    }

    /// How far messages had come at a version.
    pub(super) fn seq_at(&self, version: u32) -> u32 {
        let is_message = |(_, fact): &&(u64, Fact)| matches!(fact, Fact::Message { .. });
        let events = self.between(0, version).iter();
        events.filter(is_message).count() as u32
    }

    /// How far the room had come at an op.
    pub(super) fn version_at(&self, op: u64) -> u32 {
        let told = self.events.iter().take_while(|(at, _)| *at <= op);
        self.floor + told.count() as u32
    }

    pub(super) fn mentions(&self, user: u32, read: u32) -> u32 {
        let unread = self.messages.iter().skip(read as usize);
        unread.filter(|it| it.calls.contains(&user)).count() as u32
    }

    /// Whether somebody has left behind a version and before another.
    pub(super) fn has_left(&self, name: &str, after: u32, before: u32) -> bool {
        let between = self.between(after, before);
        let left = |fact: &Fact| matches!(fact, Fact::Left { user, .. } if user == name);
        after < self.floor || between.iter().any(|(_, fact)| left(fact))
    }

    /// Whether somebody may ever have been told the event with this version: they were a member when
    /// it happened, or became one later.
    pub(super) fn may_hear(&self, name: &str, version: u32) -> bool {
        let mut is_inside = false;
        for (at, (_, fact)) in (self.floor + 1..).zip(&self.events) {
            match fact {
                Fact::Joined { user, .. } if user == name => is_inside = true,
                // Who goes hears that they go.
                Fact::Left { user, .. } if user == name && at == version => return true,
                Fact::Left { user, .. } if user == name => is_inside = false,
                _ => {}
            }
            if at >= version && is_inside {
                return true;
            }
        }
        false
    }
}

/// Something that somebody is to know.
#[derive(Clone, Debug)]
pub(super) struct Note {
    pub(super) id: u32,
    pub(super) user: u32,
    message: Option<(u32, u32)>,
    pub(super) text: String,
    pub(super) seen: bool,
    /// The message that it was about was deleted.
    pub(super) gone: bool,
}

/// An event that must come of an entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Happened {
    pub(super) op: u64,
    /// The room and its version, or the person.
    pub(super) to: Result<(u32, u32), u32>,
    pub(super) fact: Fact,
}

/// What must come of an entry.
pub(super) type Expected = Result<(Answer, bool, Vec<Happened>), Code>;

#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    pub(super) op: u64,
    /// Entries that were judged.
    pub(super) entries: u64,
    pub(super) people: Vec<Person>,
    pub(super) rooms: Vec<Room>,
    pub(super) notes: Vec<Note>,
    /// Events of people.
    pub(super) own: BTreeMap<u32, Vec<(u64, Fact)>>,
    pub(super) keys: BTreeMap<(u32, String), (Operation, Answer)>,
    /// Tokens that have ended, and with which op.
    pub(super) ended: BTreeMap<u32, u64>,
    /// What is still to go.
    removals: BTreeMap<u32, Removal>,
    /// What the database was called, and is.
    pub(super) epochs: Vec<String>,
    /// How much is told of a room to whoever missed it.
    pub(super) far: Far,
    /// People say long things.
    pub(super) is_wordy: bool,
    happened: Vec<Happened>,
}

type Judged = Result<Answer, Code>;

impl Model {
    pub(super) fn person(&self, name: &str) -> Option<&Person> {
        self.people.iter().find(|person| person.name == name)
    }

    /// The room that is called so now.
    pub(super) fn room(&self, name: &str) -> Option<&Room> {
        let mut rooms = self.rooms.iter();
        rooms.find(|room| room.name == name && !room.deleted)
    }

    /// The room that was called so when it had this version.
    pub(super) fn room_at(&self, name: &str, version: u32) -> Option<&Room> {
        let mut rooms = self.rooms.iter();
        rooms.find(|room| room.name == name && room.event(version).is_some())
    }

    /// The last room that was called so by this op.
    pub(super) fn room_by(&self, name: &str, op: u64) -> Option<&Room> {
        let mut rooms = self.rooms.iter().rev();
        rooms.find(|room| room.name == name && room.events.first().is_some_and(|it| it.0 <= op))
    }

    fn name(&self, id: u32) -> String {
        let person = self.people.iter().find(|person| person.id == id);
        person.map(|person| person.name.clone()).unwrap_or_default()
    }

    pub(super) fn unseen(&self, user: u32) -> usize {
        let unseen = |note: &&Note| note.user == user && !note.seen && !note.gone;
        self.notes.iter().filter(unseen).count().min(UNSEEN_MAX)
    }

    /// What comes of an entry.
    pub(super) fn apply(&mut self, entry: &Entry) -> Expected {
        self.entries += 1;
        let by = entry.by.map(|id| id.0);
        let name = entry.key.as_ref().map(ToString::to_string);
        let key = by.zip(name);
        if let Some((operation, answer)) = key.as_ref().and_then(|key| self.keys.get(key)) {
            return if *operation == entry.operation {
                Ok((answer.clone(), true, Vec::new()))
            } else {
                Err(Code::KeyReused)
            };
        }
        let answer = match (by, &entry.operation) {
            (_, Operation::RevokeTokens { user, which }) => self.revoke(user, which),
            (None, Operation::Notify { to, text }) => self.notify(None, to, text, entry.at),
            (Some(by), operation) => self.perform(by, operation, entry),
            (None, operation) => panic!("nobody wants {operation:?}"),
        }?;
        if let Some(key) = key {
            let kept = (entry.operation.clone(), answer.clone());
            self.keys.insert(key, kept);
        }
        Ok((answer, false, std::mem::take(&mut self.happened)))
    }

    fn perform(&mut self, by: u32, operation: &Operation, entry: &Entry) -> Judged {
        use Operation as O;
        match operation {
            O::CreateRoom { room, kind, .. } => self.create(by, room, *kind, entry.at),
            O::Direct { users } => self.direct(by, users, entry),
            O::Join { room } => self.join(by, room, entry.at),
            O::Leave { room } => self.leave(by, room),
            O::Invite { room, user } => self.invite(by, room, user, entry.at),
            O::Remove { room, user } => self.remove(by, room, user),
            O::Ban {
                room,
                user,
                messages,
            } => self.ban(by, room, user, *messages),
            O::SetStanding { room, user, role } => self.appoint(by, room, user, *role),
            O::Mute { room, user, until } => self.mute(by, room, user, *until),
            O::SetLevel { room, level } => self.set_level(by, room, *level),
            O::DeleteRoom { room } => self.close(by, room),
            O::Unban { room, user } => self.unban(by, room, user),
            O::ChangeRoom { room, .. } => self.change(by, room, operation),
            O::Send {
                room,
                text,
                reply_to,
                style,
                ..
            } => {
                let key = entry.key.as_ref().map(ToString::to_string);
                self.send(by, room, (text, *style), *reply_to, key, entry.at)
            }
            O::GoOn { removal } => self.go_on(by, *removal),
            O::Edit { room, seq, text } => self.edit(by, room, *seq, text, entry.at),
            O::Delete { room, seq } => self.delete(by, room, *seq),
            O::React {
                room,
                seq,
                emoji,
                on,
            } => self.react(by, room, *seq, (emoji, *on), entry.at),
            O::Read { room, seq } => self.read(by, room, *seq),
            O::Notify { to, text } => self.notify(Some(by), to, text, entry.at),
            O::Seen { id } => self.seen(by, id.0),
            other => panic!("nobody wants {other:?}"),
        }
    }

    // ------------------------------------------------------------------------------- events

    fn tell_room(&mut self, at: usize, fact: Fact) -> u32 {
        self.op += 1;
        let room = &mut self.rooms[at];
        room.events.push((self.op, fact.clone()));
        let version = room.version();
        self.happened.push(Happened {
            op: self.op,
            to: Ok((room.id, version)),
            fact,
        });
        version
    }

    fn tell(&mut self, user: u32, fact: Fact) {
        self.op += 1;
        let own = self.own.entry(user).or_default();
        own.push((self.op, fact.clone()));
        self.happened.push(Happened {
            op: self.op,
            to: Err(user),
            fact,
        });
    }
}
