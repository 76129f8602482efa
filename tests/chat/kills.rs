//! # Kills: what was acknowledged is there, whatever happens to the server
//!
//! People talk, somebody listens, and the server is killed in the middle of it, again and again.
//! After each start every acknowledged message has to be there once and in its place, the same keys
//! have to get the same answers, and who listened goes on where they were. Somebody else changes things
//! meanwhile, edits, reacts, comes and goes, reads, lets others know: what was acknowledged of that
//! has to be so, and what was on its way is done once, whether it had been or not. `PARLOUR_KILLS` says how
//! often; the seed of a run is part of every failure.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use parlour::chat;
use parlour::ground::seed::Seed;
use parlour::store::Durability;
use serde_json::{Value, json};

use crate::strict::eventually;
use crate::support::{Line, Parlour, Person};

/// How many talk at once, each with so many messages on their way.
const TALKERS: usize = 3;
const ON_THEIR_WAY_MAX: usize = 24;

/// Kills of a run of `cargo test`.
const KILLS: u64 = if cfg!(debug_assertions) { 3 } else { 20 };

/// Rounds after which the whole database is looked through.
const CHECK_EVERY: u64 = 25;

#[test]
fn nothing_acknowledged_is_lost_when_the_server_is_killed() {
    let kills = kills();
    let seed = RandomState::new().hash_one(std::process::id());
    let mut world = World::new(seed);
    for round in 0..kills {
        println!("seed {seed}, round {round}");
        world.round(round);
        if round % CHECK_EVERY == 0 || round + 1 == kills {
            world.check();
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one setting that a test run takes from outside"
)]
fn kills() -> u64 {
    std::env::var("PARLOUR_KILLS").map_or(KILLS, |kills| kills.parse().unwrap())
}

/// A room, who talks in it, and who listens.
struct World {
    parlour: Parlour,
    seed: Seed,
    /// Names and tokens.
    talkers: Vec<(String, String)>,
    listener: (String, String),
    /// Who does everything else.
    busy: (String, String),
    deeds: Deeds,
    epoch: Value,
    /// The listener has everything up to this version, and has heard these messages: by number, the
    /// key and the text.
    version: u64,
    heard: BTreeMap<u64, (String, String)>,
}

/// What became of one person's messages in a round.
#[derive(Default)]
struct Talk {
    /// Keys in the order in which they were sent.
    sent: Vec<String>,
    /// What was acknowledged.
    acknowledged: BTreeMap<String, u64>,
}

impl World {
    fn new(seed: u64) -> Self {
        let parlour = Parlour::start();
        let signed_up = |person: Person| (person.name, person.token.unwrap());
        let listener = parlour.sign_up("listener");
        listener.post("/rooms", json!({"room": "den"})).expect(201);
        let talkers = (0..TALKERS).map(|n| {
            let person = parlour.sign_up(&format!("talker{n}"));
            person.put("/rooms/den/members/me", json!({})).expect(200);
            signed_up(person)
        });
        let talkers: Vec<_> = talkers.collect();
        let busy = parlour.sign_up("busy");
        busy.post("/rooms", json!({"room": "attic"})).expect(201);
        let host = parlour.with_token(&talkers[0].0, &talkers[0].1);
        host.post("/rooms", json!({"room": "porch"})).expect(201);
        let line = listener.line();
        Self {
            epoch: line.hello["epoch"].clone(),
            version: line.hello["rooms"][0]["version"].as_u64().unwrap(),
            listener: signed_up(listener),
            busy: signed_up(busy),
            deeds: Deeds::default(),
            parlour,
            seed: Seed::new(seed),
            talkers,
            heard: BTreeMap::new(),
        }
    }

    fn person(&self, (name, token): &(String, String)) -> Person {
        self.parlour.with_token(name, token)
    }

    /// They talk until the server is killed; then it is started and asked.
    fn round(&mut self, round: u64) {
        let enough = self.seed.below(400);
        let line = self.listening();
        let acknowledged = AtomicU64::new(0);
        // They are there before it can be killed.
        let talkers = self.talkers.iter().map(|it| self.person(it));
        let lines: Vec<(String, Line)> = talkers
            .map(|person| (person.name.clone(), person.line()))
            .collect();
        let busy = self.person(&self.busy).line();
        let mut deeds = std::mem::take(&mut self.deeds);
        let (talks, heard) = thread::scope(|scope| {
            let does = scope.spawn(|| deeds.go_on(busy));
            let listens = scope.spawn(|| listen(line, self.version));
            let acknowledged = &acknowledged;
            let talks: Vec<_> = lines
                .into_iter()
                .map(|(name, line)| scope.spawn(move || talk(&name, line, round, acknowledged)))
                .collect();
            eventually("enough is acknowledged", || {
                acknowledged.load(Ordering::Relaxed) >= enough
            });
            self.parlour.kill();
            let talks: Vec<Talk> = talks.into_iter().map(|it| it.join().unwrap()).collect();
            does.join().unwrap();
            (talks, listens.join().unwrap())
        });
        self.hear(heard);
        self.parlour.begin();
        deeds.repeat(&mut self.person(&self.busy).line());
        deeds.check(&self.person(&self.busy), &self.person(&self.listener));
        self.deeds = deeds;
        for (talker, talk) in self.talkers.iter().zip(&talks) {
            repeat(&mut self.person(talker).line(), talk);
        }
        self.catch_up();
        let stored = self.stored(&talks);
        for (seq, said) in &stored {
            assert_eq!(
                self.heard.get(seq),
                Some(said),
                "{seq} was heard as it is stored"
            );
        }
    }

    /// Where the listener was, it goes on.
    fn listening(&self) -> Line {
        let mut line = self.person(&self.listener).line_to("/ws?hold=1");
        assert_eq!(line.hello["epoch"], self.epoch);
        let rooms = json!({"den": self.version});
        let ok = line.ask(json!({"do": "resume", "epoch": self.epoch, "rooms": rooms}));
        let mode = ok["rooms"]["den"]["mode"].as_str().unwrap();
        assert!(mode != "reset", "{ok}");
        line
    }

    /// Everything that was not heard before the kill.
    fn catch_up(&mut self) {
        let mut line = self.listening();
        let mut events = Vec::new();
        loop {
            let event = line.next();
            if event["event"] == "caught_up" {
                self.hear(events);
                assert_eq!(event["version"], self.version);
                return;
            }
            events.push(event);
        }
    }

    /// What came has to go on where the last left off.
    fn hear(&mut self, events: Vec<Value>) {
        for event in events {
            let Some(version) = event["version"].as_u64() else {
                continue;
            };
            // Where much was missed it comes as messages, and versions of comings and goings are
            // left out: here there are none.
            assert_eq!(version, self.version + 1, "{event}");
            self.version = version;
            if event["event"] == "message" {
                let before = self
                    .heard
                    .insert(event["seq"].as_u64().unwrap(), said(&event));
                assert_eq!(before, None, "heard twice: {event}");
            }
        }
    }

    /// What is stored of a round: each message once, under its key, where it was acknowledged.
    fn stored(&self, talks: &[Talk]) -> BTreeMap<u64, (String, String)> {
        let first = talks
            .iter()
            .flat_map(|talk| talk.acknowledged.values())
            .min();
        let mut after = first.map_or(0, |first| first - 1);
        let mut stored = BTreeMap::new();
        let person = self.person(&self.listener);
        let mut line = person.line();
        loop {
            let page =
                line.ask(json!({"do": "history", "room": "den", "after": after, "limit": 200}));
            for message in page["messages"].as_array().unwrap() {
                after += 1;
                assert_eq!(message["seq"], after, "no gap");
                stored.insert(after, said(message));
            }
            if page["more"] == false {
                break;
            }
        }
        let mut by_key = BTreeMap::new();
        for (seq, (key, _)) in &stored {
            assert_eq!(
                by_key.insert(key.as_str(), *seq),
                None,
                "{key} is there twice"
            );
        }
        for talk in talks {
            for key in &talk.sent {
                assert!(by_key.contains_key(key.as_str()), "{key} is not there");
            }
            for (key, seq) in &talk.acknowledged {
                assert_eq!(by_key[key.as_str()], *seq, "{key}");
            }
            let in_order: Vec<u64> = talk.sent.iter().map(|key| by_key[key.as_str()]).collect();
            assert!(
                in_order.is_sorted(),
                "in the order in which they were said: {in_order:?}"
            );
        }
        stored
    }

    /// The database keeps its promises: a copy of it as a kill leaves it.
    fn check(&mut self) {
        self.parlour.kill();
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(self.parlour.data()).unwrap() {
            let entry = entry.unwrap();
            if entry.file_type().unwrap().is_file() {
                std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
            }
        }
        let database = chat::open(copy.path(), Durability::Full, "unused", 0).unwrap();
        let mut found = Vec::new();
        let mut tell = |told| {
            if let chat::Told::Found(finding) = told {
                found.push(finding);
            }
        };
        let reader = database.reader().unwrap();
        reader
            .query(|tables| chat::check(tables, &mut tell))
            .unwrap();
        assert_eq!(found, []);
        self.parlour.begin();
    }
}

/// What somebody has done beside talking, one thing after the other.
#[derive(Default)]
struct Deeds {
    /// How many were acknowledged.
    done: u64,
    /// The next one, if it is on its way.
    pending: Option<Value>,
    last: Option<(Value, Value)>,
    said: u64,
    text: String,
    reacts: bool,
    is_on_porch: bool,
    read: u64,
    notes: Vec<String>,
}

impl Deeds {
    /// What comes next: an id and a key of its own make it one thing, however often it is said.
    fn next(&self) -> Value {
        let number = self.done;
        let mut deed = match number % 6 {
            0 => json!({"do": "send", "room": "attic", "text": "up here"}),
            1 => json!({"do": "edit", "room": "attic", "seq": 1, "text": format!("edit {number}")}),
            2 => {
                let what = if self.reacts { "unreact" } else { "react" };
                json!({"do": what, "room": "attic", "seq": 1, "emoji": "+1"})
            }
            3 => {
                let what = if self.is_on_porch { "leave" } else { "join" };
                json!({"do": what, "room": "porch"})
            }
            4 => json!({"do": "read", "room": "attic", "seq": self.said}),
            _ => json!({"do": "notify", "to": "listener", "text": format!("note {number}")}),
        };
        deed["id"] = number.into();
        deed["key"] = format!("busy-{number}").into();
        deed
    }

    /// It was acknowledged.
    fn acknowledged(&mut self, deed: &Value, ok: Value) {
        match self.done % 6 {
            0 => {
                self.said += 1;
                assert_eq!(ok["seq"], self.said);
            }
            1 => self.text = deed["text"].as_str().unwrap().to_owned(),
            2 => self.reacts = !self.reacts,
            3 => self.is_on_porch = !self.is_on_porch,
            4 => self.read = self.said,
            _ => self.notes.push(deed["text"].as_str().unwrap().to_owned()),
        }
        self.done += 1;
        self.last = Some((deed.clone(), ok));
    }

    /// Does one thing after the other until the connection breaks.
    fn go_on(&mut self, mut line: Line) {
        loop {
            let deed = self.next();
            self.pending = Some(deed.clone());
            if line.try_say(&deed).is_err() {
                return;
            }
            let answer = loop {
                match line.heard_or_broken() {
                    None => return,
                    Some(value) if value["re"] == deed["id"] => break value,
                    Some(_) => {}
                }
            };
            assert!(answer["ok"].is_object(), "{deed}: {answer}");
            self.acknowledged(&deed, answer["ok"].clone());
            self.pending = None;
        }
    }

    /// What was on its way is said again, and so is the last that was acknowledged.
    fn repeat(&mut self, line: &mut Line) {
        if let Some((deed, first)) = &self.last {
            let again = line.ask(deed.clone());
            assert_eq!(again["repeat"], true, "{deed}: {again}");
            // Whoever joins is told what the room is like by now.
            let members = ["seq", "version", "id", "at"].iter();
            for member in members.filter(|_| deed["do"] != "join") {
                assert_eq!(again[member], first[member], "{deed}: {again}");
            }
        }
        if let Some(deed) = self.pending.take() {
            let ok = line.ask(deed.clone());
            self.acknowledged(&deed, ok);
        }
    }

    /// All of it is so.
    fn check(&self, busy: &Person, listener: &Person) {
        let about = format!("after {} deeds", self.done);
        if self.said > 0 {
            let first = busy.get("/rooms/attic/messages/1").expect(200);
            let text = if self.text.is_empty() {
                "up here"
            } else {
                &self.text
            };
            assert_eq!(first["text"], text, "{about}");
            assert_eq!(
                first["reactions"].is_object(),
                self.reacts,
                "{about}: {first}"
            );
        }
        let attic = busy.get("/rooms/attic").expect(200);
        assert_eq!(
            (&attic["seq"], &attic["read"]),
            (&self.said.into(), &self.read.into()),
            "{about}"
        );
        let porch = busy.get("/rooms/porch").expect(200);
        assert_eq!(porch["joined"], self.is_on_porch, "{about}: {porch}");
        let page = listener.get("/notifications?limit=200").expect(200);
        assert_eq!(page["unread"], self.notes.len(), "{about}");
        let told = page["notifications"].as_array().unwrap().iter();
        let told: Vec<&str> = told.map(|note| note["text"].as_str().unwrap()).collect();
        let newest = self.notes.iter().rev().take(200);
        assert!(newest.eq(told.iter().copied()), "{about}: {told:?}");
    }
}

fn said(message: &Value) -> (String, String) {
    let text = |name: &str| message[name].as_str().unwrap().to_owned();
    (text("key"), text("text"))
}

/// Everything that comes until the connection breaks.
fn listen(mut line: Line, mut version: u64) -> Vec<Value> {
    let mut events = Vec::new();
    while let Some(event) = line.heard_or_broken() {
        if event["event"] == "caught_up" {
            continue;
        }
        if let Some(next) = event["version"].as_u64() {
            assert_eq!(next, version + 1, "{event}");
            version = next;
        }
        events.push(event);
    }
    events
}

/// Talks until the connection breaks.
fn talk(name: &str, mut line: Line, round: u64, acknowledged: &AtomicU64) -> Talk {
    let mut talk = Talk::default();
    loop {
        while talk.sent.len() - talk.acknowledged.len() < ON_THEIR_WAY_MAX {
            let number = talk.sent.len();
            let key = format!("{name}-{round}-{number}");
            let text = format!("{key} says {}", "blah ".repeat(number % 50));
            let say = json!({"id": number, "do": "send", "room": "den", "text": text, "key": key});
            // Whether it arrives is not known; that it was wanted is.
            talk.sent.push(key);
            if line.try_say(&say).is_err() {
                return talk;
            }
        }
        let Some(value) = line.heard_or_broken() else {
            return talk;
        };
        if let Some(id) = value["re"].as_u64() {
            assert!(value["ok"].is_object(), "{value}");
            let key = talk.sent[id as usize].clone();
            let seq = value["ok"]["seq"].as_u64().unwrap();
            talk.acknowledged.insert(key, seq);
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Says everything once more: what was acknowledged gets the same answer.
fn repeat(line: &mut Line, talk: &Talk) {
    for (number, key) in talk.sent.iter().enumerate() {
        let text = format!("{key} says {}", "blah ".repeat(number % 50));
        let ok = line.ask(json!({"do": "send", "room": "den", "text": text, "key": key}));
        if let Some(seq) = talk.acknowledged.get(key) {
            assert_eq!(
                (&ok["seq"], &ok["repeat"]),
                (&json!(seq), &json!(true)),
                "{key}"
            );
        }
    }
}
