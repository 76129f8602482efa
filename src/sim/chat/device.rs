//! # Device: somebody's client, as the protocol wants clients to be
//!
//! It connects, says where it was, wants things under keys of its own, and says again what was not
//! answered. What it is answered and told is judged on the spot: answers here, events by its
//! [`Ear`].

mod hearing;

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::ear::{Ear, Memory, Was};
use super::errand::{Errand, Visit};
use super::fact::Fact;
use super::link::Link;
use super::model::Model;
use super::wishes::Wish;
use crate::ground::seed::Seed;

/// Above all numbers of notifications.
const ID_MIN: i64 = 1 << 32;

/// What became of something that was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fate {
    /// It is to be said (again).
    Open,
    Done,
    Refused,
    /// It had no key, and nobody will ever know.
    Unknown,
}

/// Something that a device wants.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    pub(super) wish: Wish,
    pub(super) fate: Fate,
    /// How often it was said.
    pub(super) said: u32,
    /// It was answered as no repeat.
    is_done_anew: bool,
    /// It was said by a request as well, and what that is answered may be lost.
    pub(super) is_errand: bool,
}

/// A command that waits for its reply.
#[derive(Clone, Copy, Debug)]
struct Pending {
    id: i64,
    intent: usize,
    /// It was answered before.
    was_done: bool,
}

/// A question that waits for its reply.
#[derive(Clone, Debug)]
pub(super) enum Question {
    /// The version and the number of the last message that it knows of.
    History {
        least: (u32, u32),
    },
    Notifications,
    Other,
}

#[derive(Debug)]
pub(super) struct Device {
    pub(super) user: usize,
    pub(super) id: u32,
    pub(super) name: String,
    pub(super) number: usize,
    /// How often it has signed in.
    pub(super) life: usize,
    /// Its tokens' numbers, by life.
    pub(super) tokens: Vec<u32>,
    pub(super) memory: Memory,
    pub(super) ear: Ear,
    pub(super) link: Option<Link>,
    pub(super) intents: Vec<Intent>,
    pending: VecDeque<Pending>,
    asked: BTreeMap<i64, Question>,
    was: Option<(i64, Was, bool)>,
    /// What it resumes from is said one too far, and the answer taken for the right one.
    pub(super) resumes_too_far: bool,
    /// All is quiet: what it is told first is exactly what is.
    pub(super) must_be_exact: bool,
    /// What it said and heard, if anybody listens.
    pub(super) lines: Option<Vec<String>>,
    next_id: i64,
    pub(super) replies: u64,
    pub(super) connections: u64,
}

/// What is the matter with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mood {
    Fine,
    /// It is over: connect again.
    Over,
}

impl Device {
    pub(super) fn new(user: usize, id: u32, name: &str, number: usize, tokens: Vec<u32>) -> Self {
        Self {
            user,
            id,
            name: name.to_owned(),
            number,
            life: 0,
            tokens,
            memory: Memory::default(),
            ear: Ear::default(),
            link: None,
            intents: Vec::new(),
            pending: VecDeque::new(),
            asked: BTreeMap::new(),
            was: None,
            resumes_too_far: false,
            must_be_exact: false,
            lines: None,
            next_id: 0,
            replies: 0,
            connections: 0,
        }
    }

    pub(super) fn token(&self) -> String {
        super::town::token(self.user, self.number, self.life)
    }

    fn owner(&self) -> (u32, u32) {
        (self.id, self.tokens[self.life])
    }

    /// Opens a connection: the request.
    pub(super) fn connect(&mut self, hold: bool, seed: u64) -> Vec<u8> {
        for pending in std::mem::take(&mut self.pending) {
            let intent = &mut self.intents[pending.intent];
            if intent.wish.key.is_none() && intent.fate == Fate::Open {
                intent.fate = Fate::Unknown;
            }
        }
        self.asked.clear();
        self.was = None;
        self.ear = Ear::new(hold);
        self.link = Some(Link::new(seed));
        self.connections += 1;
        Link::upgrade(&self.token(), hold)
    }

    /// Whether it may say what it wants.
    pub(super) fn is_ready(&self) -> bool {
        self.link.is_some() && self.ear.hello_op.is_some() && (self.ear.resumed || !self.ear.hold)
    }

    /// Whether everything it wanted was answered.
    pub(super) fn is_content(&self) -> bool {
        let open = |intent: &Intent| intent.fate == Fate::Open;
        self.is_ready() && self.pending.is_empty() && !self.intents.iter().any(open)
    }

    // ------------------------------------------------------------------------------- saying

    fn say(&mut self, mut command: Value) -> (i64, Vec<u8>) {
        self.next_id += 1;
        // `seen` has an `id` of its own, which is the command's as well.
        let id = command["id"].as_i64().unwrap_or(ID_MIN + self.next_id);
        command["id"] = json!(id);
        let link = self.link.as_mut().expect("who speaks is connected");
        let text = command.to_string();
        if let Some(lines) = &mut self.lines {
            lines.push(format!("► {text}"));
        }
        (id, link.frame(&text))
    }

    /// Says where it was.
    pub(super) fn resume(&mut self, model: &Model, chance: &mut Seed) -> Vec<u8> {
        let epoch = match chance.once_in(25) {
            true => "the last".to_owned(),
            false => self.memory.epoch.clone().unwrap_or_default(),
        };
        let is_ours = epoch == self.ear.epoch;
        let cursor = self.memory.cursor.filter(|_| chance.once_in(2));
        let was = match cursor {
            Some(op) => Was::Since(op),
            None => Was::Versions(self.versions(model, chance)),
        };
        let off = u32::from(self.resumes_too_far);
        let command = match &was {
            Was::Since(op) => {
                json!({"do": "resume", "epoch": epoch, "since": op})
            }
            Was::Versions(rooms) => {
                let off = |name: &str| match model.room(name) {
                    Some(room) if rooms[name] < room.version() => off,
                    _ => 0,
                };
                let rooms: BTreeMap<_, _> = rooms
                    .iter()
                    .map(|(name, at)| (name, at + off(name)))
                    .collect();
                json!({"do": "resume", "epoch": epoch, "rooms": rooms})
            }
        };
        let (id, bytes) = self.say(command);
        self.was = Some((id, was, is_ours));
        bytes
    }

    fn versions(&self, model: &Model, chance: &mut Seed) -> BTreeMap<String, u32> {
        let mut versions = BTreeMap::new();
        for (name, known) in &self.memory.rooms {
            let Some(room) = model.room(name) else {
                continue;
            };
            let upto = known.upto(room, &self.name);
            // Some have lost what they were told last.
            let lost = if chance.once_in(3) {
                chance.below(4)
            } else {
                0
            };
            versions.insert(name.clone(), upto.saturating_sub(lost as u32));
        }
        for (name, version) in self.ear.rooms_of_hello() {
            if !versions.contains_key(name) && chance.once_in(2) {
                versions.insert(name.clone(), chance.below(u64::from(*version) + 1) as u32);
            }
        }
        versions
    }

    /// Wants something: anew, or again what was not answered.
    pub(super) fn want(&mut self, wish: Wish) -> Vec<u8> {
        if !self.is_id_free(&wish) {
            return Vec::new();
        }
        self.intents.push(Intent {
            wish,
            fate: Fate::Open,
            said: 0,
            is_done_anew: false,
            is_errand: false,
        });
        self.say_intent(self.intents.len() - 1)
    }

    /// A command with an id of its own is not said while another with it waits.
    fn is_id_free(&self, wish: &Wish) -> bool {
        let id = wish.command()["id"].as_i64();
        !self.pending.iter().any(|pending| Some(pending.id) == id)
    }

    fn say_intent(&mut self, which: usize) -> Vec<u8> {
        let intent = &mut self.intents[which];
        intent.said += 1;
        let was_done = intent.fate == Fate::Done;
        let command = intent.wish.command();
        let (id, bytes) = self.say(command);
        self.pending.push_back(Pending {
            id,
            intent: which,
            was_done,
        });
        bytes
    }

    /// Says again what waits for an answer and is not on its way.
    pub(super) fn say_again(&mut self) -> Option<Vec<u8>> {
        let open = |(at, intent): (usize, &Intent)| {
            let is_under_way = self.pending.iter().any(|it| it.intent == at);
            let may = !is_under_way && self.is_id_free(&intent.wish);
            (intent.fate == Fate::Open && may).then_some(at)
        };
        let which = self.intents.iter().enumerate().find_map(open)?;
        Some(self.say_intent(which))
    }

    /// Says something again that was answered already.
    pub(super) fn repeat(&mut self, chance: &mut Seed) -> Option<Vec<u8>> {
        let which = chance.below(self.intents.len().max(1) as u64) as usize;
        let intent = self.intents.get(which)?;
        let is_done = intent.wish.key.is_some() && intent.fate == Fate::Done;
        let may = is_done && self.is_id_free(&intent.wish);
        may.then(|| self.say_intent(which))
    }

    /// Commands that were not answered.
    pub(super) fn in_flight(&self) -> usize {
        self.pending.len() + self.asked.len()
    }

    /// The version and the number of the last message of a room that it knows of.
    fn last_message(&self, room: &str) -> (u32, u32) {
        let known = self.memory.rooms.get(room);
        let told = known.into_iter().flat_map(|known| &known.have);
        let messages = told.filter_map(|(version, (fact, _))| match fact {
            Fact::Message { seq, .. } => Some((*version, *seq)),
            _ => None,
        });
        messages.max().unwrap_or_default()
    }

    /// Asks something.
    pub(super) fn ask(&mut self, chance: &mut Seed, room: &str) -> Vec<u8> {
        let (command, question) = match chance.below(6) {
            0..=2 => {
                let limit = 1 + chance.below(8);
                let command = json!({"do": "history", "room": room, "limit": limit});
                let least = self.last_message(room);
                (command, Question::History { least })
            }
            3 => (json!({"do": "notifications"}), Question::Notifications),
            4 => (json!({"do": "rooms"}), Question::Other),
            _ => (json!({"do": "presence", "room": room}), Question::Other),
        };
        let (id, bytes) = self.say(command);
        self.asked.insert(id, question);
        bytes
    }

    /// Something to be done by a request: what it wants already, or a look into a room.
    pub(super) fn some_errand(
        &mut self,
        model: &Model,
        chance: &mut Seed,
    ) -> Option<(Errand, Vec<u8>)> {
        let token = self.token();
        let which = chance.below(self.intents.len().max(1) as u64) as usize;
        let sends = |it: &&mut Intent| it.wish.key.is_some() && it.wish.said().is_some();
        if let Some(intent) = self.intents.get_mut(which).filter(sends) {
            intent.said += 1;
            intent.is_errand = true;
            let errand = Errand::Say(which, intent.fate == Fate::Done);
            let (room, _) = intent.wish.said()?;
            let line = format!("POST /api/v1/rooms/{room}/messages");
            let body = intent.wish.body().to_string();
            let key = intent.wish.key.as_deref();
            return Some((errand, Visit::request(&line, &token, key, &body)));
        }
        let room = super::wishes::some_room(model, chance, self.id);
        let line = format!("GET /api/v1/rooms/{room}/messages?limit=5");
        let least = self.last_message(&room);
        let question = Question::History { least };
        Some((
            Errand::Ask(question),
            Visit::request(&line, &token, None, ""),
        ))
    }

    pub(super) fn types(&mut self, room: &str) -> Vec<u8> {
        let link = self.link.as_mut().expect("who speaks is connected");
        link.frame(&json!({"do": "typing", "room": room}).to_string())
    }
}
