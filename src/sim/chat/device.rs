//! # Device: somebody's client, as the protocol wants clients to be
//!
//! It connects, says where it was, wants things under keys of its own, and says again what was not
//! answered. What it is answered and told is judged on the spot: answers here, events by its
//! [`Ear`].

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value, json};

use super::ear::{Ear, Memory, Owner, Was};
use super::errand::{Errand, Visit};
use super::fact::{Fact, Heard, body_of_wire, text};
use super::link::{Link, News};
use super::model::Model;
use super::wishes::Wish;
use crate::chat::Answer;
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
    said: u32,
    /// It was answered as no repeat.
    is_done_anew: bool,
}

/// A command that waits for its reply.
#[derive(Clone, Copy, Debug)]
struct Pending {
    id: i64,
    intent: usize,
    /// It was never said before.
    is_fresh: bool,
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
        let is_fresh = intent.said == 1;
        let was_done = intent.fate == Fate::Done;
        let command = intent.wish.command();
        let (id, bytes) = self.say(command);
        self.pending.push_back(Pending {
            id,
            intent: which,
            is_fresh,
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

    /// A request was answered.
    pub(super) fn come_back(&mut self, errand: &Errand, status: u16, json: Value, model: &Model) {
        if let Some(lines) = &mut self.lines {
            lines.push(format!("◄ {status} {json}"));
        }
        let code = json["error"]["code"].as_str();
        match (errand, status) {
            (_, 401 | 503) | (Errand::SignOut, 204 | 404) => {}
            (Errand::Say(which, _), 200 | 201) => self.check_ok(*which, false, &json, model),
            (Errand::Say(which, was_done), 403 | 404 | 409) => {
                self.check_refusal(*which, *was_done, code.unwrap_or_default());
            }
            (Errand::Ask(question), 200) => {
                check_answer(question, &json!({"ok": json}), model, self.id);
            }
            (Errand::Ask(question), 403 | 404) => check_answer(question, &json, model, self.id),
            (errand, status) => panic!("reply: {errand:?} is answered {status} {json}"),
        }
    }

    pub(super) fn types(&mut self, room: &str) -> Vec<u8> {
        let link = self.link.as_mut().expect("who speaks is connected");
        link.frame(&json!({"do": "typing", "room": room}).to_string())
    }

    // ------------------------------------------------------------------------------- hearing

    /// Bytes have come. What is to be said to them is appended to `out`.
    pub(super) fn hear(&mut self, bytes: &[u8], model: &Model, out: &mut Vec<u8>) -> Mood {
        let Some(link) = &mut self.link else {
            return Mood::Over;
        };
        for news in link.hear(bytes, out) {
            match news {
                News::Opened => {}
                News::Status(401) => {
                    let token = self.tokens[self.life];
                    assert!(
                        model.ended.contains_key(&token),
                        "signed out: {}'s token is refused though it is good",
                        self.name
                    );
                    self.sign_in();
                    return Mood::Over;
                }
                News::Status(other) => panic!("an upgrade is answered {other}"),
                News::Closed(code) => {
                    assert_ne!(code, Some(1011), "the server has failed");
                    return Mood::Over;
                }
                News::Text(text) if text == "{}" => {
                    if let Some(link) = &mut self.link {
                        out.extend(link.frame("{}"));
                    }
                }
                News::Text(text) => {
                    if let Some(lines) = &mut self.lines {
                        lines.push(format!("◄ {text}"));
                    }
                    let json: Value = serde_json::from_str(&text).expect("texts are JSON");
                    self.told(&json, model);
                }
            }
        }
        Mood::Fine
    }

    /// Takes a new token.
    fn sign_in(&mut self) {
        self.life += 1;
        assert!(self.life < self.tokens.len(), "there are tokens enough");
    }

    fn told(&mut self, json: &Value, model: &Model) {
        if let Some(id) = json["re"].as_i64() {
            return self.answered(id, json, model);
        }
        if json["error"].is_object() {
            // Who types somewhere has no id for the answer.
            return assert!(json["re"].is_null(), "reply: {json}");
        }
        let (id, token) = self.owner();
        let name = self.name.clone();
        let owner = Owner {
            id,
            name: &name,
            token,
        };
        match json["event"].as_str() {
            Some("hello") => {
                if self.must_be_exact {
                    super::checks::hello(json, model, id);
                }
                self.ear.hello(json, model, &mut self.memory);
            }
            Some("caught_up") => self.ear.caught_up(json, model, owner),
            Some("bye") => {
                let is_out = model.ended.contains_key(&token);
                assert!(
                    json["code"] != 4001 || is_out,
                    "signed out: {name} is though the token is good"
                );
                assert_ne!(json["code"], 4003, "nobody has that many devices");
            }
            Some("message") if json["state"] == true => self.ear.state(json, model),
            Some(_) => {
                if let Some(heard) = Heard::of_wire(json) {
                    self.check_not_early(&heard);
                    self.ear.event(&heard, model, owner, &mut self.memory);
                }
            }
            None => panic!("neither reply nor event: {json}"),
        }
    }

    /// The `ok` of something comes before what it causes.
    fn check_not_early(&self, heard: &Heard) {
        let Fact::Message { by, key, .. } = &heard.fact else {
            return;
        };
        let waits = self.pending.iter().any(|pending| {
            let wish = &self.intents[pending.intent].wish;
            let is_new = pending.is_fresh && !wish.is_reused;
            is_new && wish.key.is_some() && wish.key == *key && wish.said().is_some()
        });
        assert!(*by != self.name || !waits, "early: {heard:?} before its ok");
    }

    fn answered(&mut self, id: i64, json: &Value, model: &Model) {
        self.replies += 1;
        if let Some((_, was, is_ours)) = self.was.take_if(|(it, ..)| *it == id) {
            if json["error"].is_object() {
                let code = text(&json["error"], "code");
                assert!(matches!(code.as_str(), "not_found"), "resume: {json}");
                return;
            }
            let mut ok = json["ok"].clone();
            if let (Was::Versions(asked), true) = (&was, self.resumes_too_far) {
                for (name, room) in ok["rooms"].as_object_mut().into_iter().flatten() {
                    if let (Some(at), true) = (asked.get(name), room["from"].is_u64()) {
                        room["from"] = json!(at);
                    }
                }
            }
            let (id, token) = self.owner();
            let name = self.name.clone();
            let owner = Owner {
                id,
                name: &name,
                token,
            };
            let memory = &mut self.memory;
            self.ear.resumed(&was, is_ours, &ok, model, owner, memory);
            return;
        }
        if let Some(question) = self.asked.remove(&id) {
            return check_answer(&question, json, model, self.id);
        }
        let code = json["error"]["code"].as_str();
        let at = self.pending.iter().position(|it| it.id == id);
        let at = at.unwrap_or_else(|| panic!("reply: nobody waits for {json}"));
        // What is not taken at all is told at once; all else in the order in which it was wanted.
        assert!(
            at == 0 || code == Some("busy"),
            "order: the reply {json} comes before others"
        );
        let pending = self.pending.remove(at).expect("it was found");
        match code {
            None => self.check_ok(pending.intent, true, &json["ok"], model),
            Some("busy" | "storage") => {
                let intent = &mut self.intents[pending.intent];
                if intent.wish.key.is_none() && intent.fate == Fate::Open {
                    intent.fate = Fate::Refused;
                }
            }
            Some(code) => self.check_refusal(pending.intent, pending.was_done, code),
        }
    }

    fn check_refusal(&mut self, which: usize, was_done: bool, code: &str) {
        assert_ne!(code, "internal", "the server has failed");
        let intent = &mut self.intents[which];
        assert!(
            !was_done,
            "once: {:?} was done, and is refused now: {code}",
            intent.wish
        );
        if intent.fate == Fate::Open {
            intent.fate = Fate::Refused;
        }
    }

    /// `is_in_line`: on the connection on which its event comes as well.
    fn check_ok(&mut self, which: usize, is_in_line: bool, ok: &Value, model: &Model) {
        let intent = &mut self.intents[which];
        let wish = &intent.wish;
        let is_repeat = ok["repeat"].as_bool().unwrap_or_default();
        assert!(
            is_repeat || !intent.is_done_anew,
            "once: {wish:?} was done twice"
        );
        assert!(
            !is_repeat || intent.said > 1 || wish.is_reused,
            "once: {wish:?} repeats nothing"
        );
        intent.fate = Fate::Done;
        intent.is_done_anew |= !is_repeat;
        let number = |name: &str| ok[name].as_u64().unwrap_or_default() as u32;
        if let Some((room, said)) = wish.said() {
            let found = model.room_at(room, number("version"));
            let at = number("seq") as usize;
            let message = found.and_then(|it| it.messages.get(at.checked_sub(1)?));
            let is_there = message.is_some_and(|message| {
                let (version, body) = &message.bodies[0];
                message.by == self.name && body.text == said && *version == number("version")
            });
            assert!(is_there, "acknowledged: {wish:?} as {ok}, and not stored");
            let heard = self.ear.has(room, number("version"));
            assert!(
                is_repeat || !heard || !is_in_line,
                "early: {ok} behind its event"
            );
        }
        let Some(key) = &wish.key else { return };
        let kept = model.keys.get(&(self.id, key.clone()));
        let Some((_, answer)) = kept else {
            panic!("acknowledged: {wish:?} as {ok}, and its key is not stored");
        };
        let is_same = match answer {
            Answer::Sent { seq, version, .. } => {
                number("seq") == *seq && number("version") == *version
            }
            Answer::Changed { version, .. } => number("version") == *version,
            Answer::Noted { id, .. } => number("id") == id.0,
            Answer::Read { seq, .. } => number("read") == *seq,
            _ => true,
        };
        assert!(is_same, "acknowledged: {wish:?} as {ok}, not as {answer:?}");
    }

    /// All is quiet, and this must be so.
    pub(super) fn check_quiet(&self, model: &Model) -> u64 {
        assert!(
            self.is_content(),
            "quiet: {} still waits: {:?} {:?}",
            self.name,
            self.pending,
            self.link
        );
        let (id, token) = self.owner();
        let name = &self.name;
        self.ear.check_quiet(model, Owner { id, name, token });
        super::state::check(&self.memory, model, id, name)
    }
}

/// Whether a question was answered with what is there.
fn check_answer(question: &Question, json: &Value, model: &Model, user: u32) {
    if json["error"].is_object() {
        let code = text(&json["error"], "code");
        let may = matches!(code.as_str(), "not_a_member" | "not_found");
        assert!(may, "question: {json}");
        return;
    }
    let ok = &json["ok"];
    match question {
        Question::History { least } => {
            let messages = ok["messages"].as_array().expect("messages");
            let mut next = None;
            let mut is_same = false;
            for message in messages {
                let seq = message["seq"].as_u64().expect("a number") as u32;
                assert!(next.is_none_or(|next| next == seq), "history: {json}");
                next = Some(seq + 1);
                let version = message["version"].as_u64().expect("a version") as u32;
                let room = model
                    .room_at(&text(ok, "room"), version)
                    .expect("a room that was there");
                is_same = room.event(least.0).is_some();
                let said = room.messages[seq as usize - 1].bodies.iter();
                let is_true = said
                    .clone()
                    .any(|(at, body)| *at == version && *body == body_of_wire(message));
                assert!(is_true, "history: {message} was never so");
            }
            let last = next.map_or(0, |next| next - 1);
            assert!(
                !is_same || last >= least.1,
                "history: {json} ends before {least:?}"
            );
        }
        Question::Notifications => {
            for note in ok["notifications"].as_array().into_iter().flatten() {
                let id = note["id"].as_u64().expect("a number") as usize;
                let is = &model.notes[id - 1];
                assert!(
                    is.user == user && is.text == text(note, "text"),
                    "notification: {note}"
                );
            }
        }
        Question::Other => {}
    }
}
