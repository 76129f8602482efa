//! # How long a server waits for whom, with a clock in the test's hand
//!
//! The real site on the real engine, with one connection at a time: two heartbeats that nobody
//! answers, a token that expires, a peer that takes nothing.

use std::io::{self, ErrorKind, IoSlice};
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::link::{Link, News};
use crate::chat::{
    self, Entry, Kind, Log, Millis, Operation, RoomName, Style, Text, Title, UserId, UserName,
};
use crate::ground::time::{Instant, Now};
use crate::reactor::{ConnId, Effect, Engine, Peer, Settings};
use crate::site::{self, Choices, Hall};
use crate::store::{Database, Hand};
use crate::web::Service;

/// Some day in 2026.
const UNIX_MS: u64 = 1_780_000_000_000;

/// Longer than the server waits for anybody.
const LONG_S: u64 = 200;

/// A server, and one connection to it.
struct World {
    engine: Engine<Service<Hall>>,
    database: Database,
    hand: Hand,
    now_ms: u64,
    id: Option<ConnId>,
    link: Link,
    /// Bytes that the peer takes before it blocks.
    room: usize,
    said: Vec<u8>,
    heard: Vec<Value>,
    answers_beats: bool,
    beats: u32,
    code: Option<u16>,
    end: Option<Effect>,
}

impl World {
    /// Ana, who is in a room, with a token that may expire.
    fn new(expires_at: Option<Millis>) -> Self {
        let (database, hand) = chat::open_by_hand("e", 1).unwrap();
        let log = Rc::new(database.clone());
        let hall = Hall::with_log(database.clone(), log, 1).unwrap();
        let app = site::app(hall, Choices::default()).settings(Settings {
            outbox_bytes_max: 64 << 10,
            pause_bytes: 64 << 10,
            ..Settings::default()
        });
        let (service, settings) = app.put_together(None).unwrap();
        let mut world = Self {
            engine: Engine::new(service, settings, 1),
            database,
            hand,
            now_ms: 1000,
            id: None,
            link: Link::new(1),
            room: usize::MAX,
            said: Vec::new(),
            heard: Vec::new(),
            answers_beats: true,
            beats: 0,
            code: None,
            end: None,
        };
        world.store(None, add("ana"));
        world.store(None, add("bo"));
        world.store(
            None,
            Operation::CreateToken {
                scopes: None,
                user: UserName::trusted("ana"),
                hash: Sha256::digest(b"pt_ana").into(),
                name: Title::trusted("device"),
                password: None,
                expires_at,
            },
        );
        let create = Operation::CreateRoom {
            room: RoomName::trusted("den"),
            title: None,
            topic: None,
            kind: Kind::Public,
        };
        world.store(Some(1), create);
        world.begin();
        world.engine.start();
        world
    }

    fn store(&self, by: Option<u32>, operation: Operation) {
        let at = UNIX_MS + self.now_ms;
        store_from_outside(&self.database, &self.hand, at, by, operation);
    }

    fn begin(&mut self) {
        self.engine.begin(Now {
            instant: Instant(self.now_ms),
            unix_ms: UNIX_MS + self.now_ms,
        });
    }

    /// A WebSocket, up to its `hello`.
    fn open(&mut self) {
        self.id = Some(self.engine.accepted(Peer::Local).unwrap());
        self.turn();
        self.send(&Link::upgrade("pt_ana", false));
        assert_eq!(self.heard[0]["event"], "hello");
    }

    fn send(&mut self, bytes: &[u8]) {
        let id = self.id.unwrap();
        self.engine.received(id, &mut bytes.to_vec());
        self.turn();
    }

    /// Turns until there is nothing left to do at this moment.
    fn turn(&mut self) {
        for _ in 0..1000 {
            self.engine.go_on();
            self.engine.elapse();
            if self.hand.group() {
                self.engine.woken();
            }
            let (said, room) = (&mut self.said, &mut self.room);
            self.engine.flush(|_, slices| take(said, room, slices));
            let mut effects = Vec::new();
            self.engine.take_effects(&mut effects);
            self.end = effects
                .into_iter()
                .find(|it| matches!(it, Effect::Close(_) | Effect::Reset(_)))
                .or(self.end);
            self.engine.check();
            self.listen();
            if self.engine.sleep().is_none_or(|sleep| !sleep.is_zero()) {
                return;
            }
            self.begin();
        }
        panic!("it finds no rest");
    }

    /// What has arrived is read, and answered as a client does.
    fn listen(&mut self) {
        let bytes = std::mem::take(&mut self.said);
        let mut out = Vec::new();
        for news in self.link.hear(&bytes, &mut out) {
            match news {
                News::Text(text) if text == "{}" => {
                    self.beats += 1;
                    if self.answers_beats {
                        out.extend(self.link.frame("{}"));
                    }
                }
                News::Text(text) => self.heard.push(serde_json::from_str(&text).unwrap()),
                News::Closed(code) => self.code = code,
                News::Opened => {}
                News::Status(status) => panic!("refused: {status}"),
            }
        }
        if let (Some(id), None, false) = (self.id, self.end, out.is_empty()) {
            self.engine.received(id, &mut out);
        }
    }

    /// Time passes, until `is_over` at the latest.
    fn pass(&mut self, seconds: u64, is_over: impl Fn(&Self) -> bool) {
        let end_ms = self.now_ms + seconds * 1000;
        while self.now_ms < end_ms && !is_over(self) {
            let left_ms = end_ms - self.now_ms;
            let sleep = self.engine.sleep();
            let sleep_ms = sleep.map_or(u64::MAX, |sleep| sleep.as_millis() as u64);
            self.now_ms += sleep_ms.clamp(1, left_ms);
            self.begin();
            self.turn();
        }
    }

    fn is_closed(&self) -> bool {
        self.code.is_some() || self.end.is_some()
    }
}

/// Something is stored by another process.
pub(super) fn store_from_outside(
    database: &Database,
    hand: &Hand,
    at: Millis,
    by: Option<u32>,
    operation: Operation,
) {
    let entry = Entry {
        by: by.map(UserId),
        at,
        key: None,
        random: [0; 16],
        outside: true,
        operation,
    };
    let done = |verdict: chat::Verdict| -> chat::Keepsake { Box::new(verdict.unwrap()) };
    database.append(entry, Box::new(done)).unwrap();
    hand.group();
}

fn add(name: &str) -> Operation {
    Operation::AddUser {
        name: UserName::trusted(name),
        display_name: Title::trusted(name),
        email: None,
        password: Some("x".to_owned()),
        role: chat::Role::Member,
    }
}

fn take(said: &mut Vec<u8>, room: &mut usize, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    if *room == 0 {
        return Err(ErrorKind::WouldBlock.into());
    }
    let mut taken = 0;
    for slice in slices {
        let count = slice.len().min(*room);
        said.extend_from_slice(&slice[..count]);
        *room -= count;
        taken += count;
    }
    Ok(taken)
}

#[test]
fn who_answers_heartbeats_stays_and_who_does_not_is_told_why() {
    let mut world = World::new(None);
    world.open();
    let opened_ms = world.now_ms;
    world.pass(LONG_S, World::is_closed);
    assert!(!world.is_closed(), "{:?}", world.heard.last());
    let every = world.heard[0]["heartbeat"].as_u64().unwrap();
    let passed = (world.now_ms - opened_ms) / 1000;
    assert!(u64::from(world.beats) >= passed / every, "{}", world.beats);
    world.answers_beats = false;
    world.beats = 0;
    world.pass(LONG_S, World::is_closed);
    assert_eq!(world.beats, 2);
    let bye = world.heard.last().unwrap();
    assert_eq!((&bye["event"], &bye["code"]), (&json!("bye"), &json!(4008)));
    assert_eq!(bye["reconnect"], true);
    assert_eq!(world.code, Some(4008));
}

#[test]
fn a_token_that_expires_ends_its_connection() {
    let end_ms = 60_500;
    let mut world = World::new(Some(UNIX_MS + end_ms));
    world.open();
    world.pass(LONG_S, World::is_closed);
    let bye = world.heard.last().unwrap();
    assert_eq!((&bye["event"], &bye["code"]), (&json!("bye"), &json!(4001)));
    assert_eq!((&bye["reconnect"], world.code), (&json!(false), Some(4001)));
    assert!(
        (end_ms..=end_ms + 1500).contains(&world.now_ms),
        "{}",
        world.now_ms
    );
}

#[test]
fn who_takes_nothing_is_reset_and_who_takes_little_gets_everything() {
    const MANY: u32 = 300;
    let say = |world: &World| {
        for n in 0..MANY {
            let send = Operation::Send {
                room: RoomName::trusted("den"),
                text: Text::trusted(format!("{n} {}", "x".repeat(1000))),
                reply_to: None,
                attachment: None,
                style: Style::Plain,
            };
            world.store(Some(1), send);
        }
    };
    for takes in [false, true] {
        let mut world = World::new(None);
        world.open();
        world.room = 0;
        say(&world);
        let mut waited = 0;
        while !world.is_closed() && waited < 20 {
            world.pass(10, World::is_closed);
            if takes && let Some(id) = world.id {
                world.room = 100 << 10;
                world.engine.writable(id);
                world.turn();
            }
            waited += 1;
        }
        let messages = world.heard.iter().filter(|it| it["event"] == "message");
        if takes {
            assert!(!world.is_closed(), "{:?}", world.heard.last());
            let seqs: Vec<_> = messages.map(|it| it["seq"].as_u64().unwrap()).collect();
            assert!(seqs.into_iter().eq(1..=u64::from(MANY)));
        } else {
            assert_eq!(messages.count(), 0);
            assert!(
                matches!(world.end, Some(Effect::Reset(_))),
                "{:?}",
                world.end
            );
            let stalled = Settings::default().waits.stalled;
            assert!(stalled <= Duration::from_secs(30), "{stalled:?}");
        }
    }
}
