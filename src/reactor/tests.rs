//! # The engine, driven by hand
//!
//! A world of wires and a clock around one engine: what a test says, hears, and lets pass.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::rc::Rc;

use super::{Answer, App, Call, ConnId, Effect, Engine, Net, Peer, Request, Settings, Upgrade};
use crate::ground::time::{Instant, Now};
use crate::http::Response;
use crate::ws::Message;

const ENOUGH: usize = usize::MAX;
const SHAKE: &str = "Host: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

type Act = Box<dyn FnOnce(&mut Net)>;

/// What the app heard, and what it is to do when it is next called to do something.
#[derive(Default)]
struct Script {
    heard: Vec<String>,
    calls: Vec<Call>,
    acts: Vec<Act>,
    /// Done when a stream has room or a WebSocket has ended.
    on_drained: Option<Act>,
    on_closed: Option<Act>,
    deadline: Option<Instant>,
}

/// Answers as the path says.
#[derive(Clone, Default)]
struct Probe(Rc<RefCell<Script>>);

impl Probe {
    fn hear(&self, what: String) {
        self.0.borrow_mut().heard.push(what);
    }

    fn act(&self, net: &mut Net) {
        let acts = std::mem::take(&mut self.0.borrow_mut().acts);
        acts.into_iter().for_each(|act| act(net));
    }
}

impl App for Probe {
    fn request(&mut self, call: Call, request: &Request<'_>, _: &mut Net) -> Answer {
        let path = request.head.path();
        self.hear(format!("asked {path} {}", request.body.len()));
        self.0.borrow_mut().calls.push(call);
        match path {
            "/later" => Answer::Later,
            "/stream" => Response::text("").stream(None).into(),
            "/ws" => Answer::Upgrade(Upgrade::new(7)),
            "/large" => Response::text("x".repeat(100_000)).into(),
            _ => Response::text("now").into(),
        }
    }

    fn drained(&mut self, _: Call, net: &mut Net) {
        self.hear("drained".into());
        let act = self.0.borrow_mut().on_drained.take();
        act.into_iter().for_each(|act| act(net));
    }

    fn aborted(&mut self, _: Call, _: &mut Net) {
        self.hear("aborted".into());
    }

    fn opened(&mut self, _: ConnId, tag: u64, _: &mut Net) {
        self.hear(format!("opened {tag}"));
    }

    fn message(&mut self, _: ConnId, message: Message<'_>, _: &mut Net) {
        let text = String::from_utf8_lossy(message.bytes());
        self.hear(format!("message {text}"));
    }

    fn closed(&mut self, _: ConnId, code: Option<u16>, net: &mut Net) {
        self.hear(format!("closed {code:?}"));
        let act = self.0.borrow_mut().on_closed.take();
        act.into_iter().for_each(|act| act(net));
    }

    fn woken(&mut self, net: &mut Net) {
        self.act(net);
    }

    fn deadline(&self) -> Option<Instant> {
        self.0.borrow().deadline
    }

    fn elapsed(&mut self, net: &mut Net) {
        self.0.borrow_mut().deadline = None;
        self.act(net);
    }
}

/// One peer's end of the transport.
#[derive(Debug, Default)]
struct Wire {
    /// How many bytes it takes before it blocks.
    room: usize,
    said: Vec<u8>,
    /// The engine wants to be told what comes.
    wanted: bool,
    shut: bool,
    end: Option<Effect>,
}

struct World {
    engine: Engine<Probe>,
    probe: Probe,
    now_ms: u64,
    wires: Vec<(ConnId, Wire)>,
}

impl World {
    fn new() -> Self {
        Self::with(Settings::default())
    }

    fn with(settings: Settings) -> Self {
        let probe = Probe::default();
        let mut world = Self {
            engine: Engine::new(probe.clone(), settings, 1),
            probe,
            now_ms: 1_000_000,
            wires: Vec::new(),
        };
        world.begin();
        world
    }

    fn begin(&mut self) {
        self.engine.begin(Now {
            instant: Instant(self.now_ms),
            unix_ms: self.now_ms,
        });
    }

    /// A peer connects; its transport takes all that is said.
    fn connect(&mut self) -> ConnId {
        let id = self.engine.accepted(Peer::Local).unwrap();
        let wire = Wire {
            room: ENOUGH,
            wanted: true,
            ..Wire::default()
        };
        self.wires.push((id, wire));
        self.turn();
        id
    }

    /// A WebSocket; what was said for it is forgotten.
    fn open(&mut self) -> ConnId {
        let id = self.connect();
        self.say(id, format!("GET /ws HTTP/1.1\r\n{SHAKE}"));
        let said = self.hear(id);
        assert!(said.starts_with("HTTP/1.1 101"), "{said}");
        id
    }

    fn wire(&mut self, id: ConnId) -> &mut Wire {
        let found = self.wires.iter_mut().find(|(name, _)| *name == id);
        &mut found.unwrap().1
    }

    fn say(&mut self, id: ConnId, bytes: impl AsRef<[u8]>) {
        let mut bytes = bytes.as_ref().to_vec();
        let wanted = self.engine.received(id, &mut bytes);
        self.wire(id).wanted = wanted;
        self.turn();
    }

    fn finish(&mut self, id: ConnId) {
        self.engine.ended(id);
        self.turn();
    }

    /// Has the app do something.
    fn act(&mut self, act: impl FnOnce(&mut Net) + 'static) {
        self.probe.0.borrow_mut().acts.push(Box::new(act));
        self.engine.woken();
        self.turn();
    }

    /// The peer takes so many more bytes.
    fn take(&mut self, id: ConnId, bytes: usize) {
        self.wire(id).room = bytes;
        self.engine.writable(id);
        self.turn();
    }

    /// What was said to the peer since it was last asked for.
    fn hear(&mut self, id: ConnId) -> String {
        let said = std::mem::take(&mut self.wire(id).said);
        String::from_utf8_lossy(&said).into_owned()
    }

    /// What the app heard since it was last asked for.
    fn app_heard(&self) -> Vec<String> {
        std::mem::take(&mut self.probe.0.borrow_mut().heard)
    }

    fn call(&self) -> Call {
        *self.probe.0.borrow().calls.last().unwrap()
    }

    /// Turns, until there is nothing left to do at this moment.
    fn turn(&mut self) {
        for _ in 0..100 {
            self.engine.go_on();
            self.engine.elapse();
            let wires = &mut self.wires;
            self.engine.flush(|id, slices| write(wires, id, slices));
            let mut effects = Vec::new();
            self.engine.take_effects(&mut effects);
            for effect in effects {
                match effect {
                    Effect::Read(id) => self.wire(id).wanted = true,
                    Effect::HalfClose(id) => self.wire(id).shut = true,
                    Effect::Close(id) | Effect::Reset(id) => {
                        let wire = self.wire(id);
                        assert_eq!(wire.end, None, "a connection ends once");
                        wire.end = Some(effect);
                    }
                }
            }
            self.engine.check();
            if self.engine.sleep().is_none_or(|sleep| !sleep.is_zero()) {
                return;
            }
            self.begin();
        }
        panic!("it finds no rest: {:?}", self.engine.net());
    }

    /// Time passes, and the engine is called whenever it asked for it.
    fn pass(&mut self, seconds: u64) {
        let end_ms = self.now_ms + seconds * 1000;
        while self.now_ms < end_ms {
            let left_ms = end_ms - self.now_ms;
            let sleep_ms = self
                .engine
                .sleep()
                .map_or(u64::MAX, |sleep| sleep.as_millis() as u64);
            self.now_ms += sleep_ms.clamp(1, left_ms);
            self.begin();
            self.turn();
        }
    }

    fn end(&mut self, id: ConnId) -> Option<Effect> {
        self.wire(id).end
    }
}

fn write(wires: &mut [(ConnId, Wire)], id: ConnId, slices: &[IoSlice<'_>]) -> io::Result<usize> {
    let (_, wire) = wires.iter_mut().find(|(name, _)| *name == id).unwrap();
    assert!(!wire.shut, "nothing is said after the end");
    if wire.room == 0 {
        return Err(io::ErrorKind::WouldBlock.into());
    }
    let mut taken = 0;
    for slice in slices {
        let count = slice.len().min(wire.room);
        wire.said.extend_from_slice(&slice[..count]);
        wire.room -= count;
        taken += count;
    }
    Ok(taken)
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: h\r\n\r\n")
}

/// A masked frame, final and short.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = vec![0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    frame.extend_from_slice(payload);
    frame
}

// ------------------------------------------------------------------------------------------ HTTP

#[test]
fn an_answer_that_misses_a_piece_is_never_taken_for_whole() {
    for fields in ["", "Connection: close\r\n"] {
        let mut world = World::new();
        let id = world.connect();
        world.say(
            id,
            format!("GET /stream HTTP/1.1\r\nHost: h\r\n{fields}\r\n"),
        );
        world.hear(id);
        let call = world.call();
        // An app that does not look at what becomes of its words.
        world.act(move |net| {
            net.write(call, &[b'1'; 1 << 19]);
            assert_eq!(net.write(call, &[b'2'; 1 << 20]), super::Sent::Gone);
            net.write(call, b"3");
            net.end(call, &[]);
        });
        assert_eq!(world.end(id), Some(Effect::Reset(id)), "{fields}");
        assert_eq!(world.hear(id), "", "{fields}");
    }
}

#[test]
fn a_later_answer_holds_back_the_requests_behind_it() {
    let mut world = World::new();
    let id = world.connect();
    world.say(id, get("/later") + &get("/now"));
    assert_eq!(world.app_heard(), ["asked /later 0"]);
    assert!(!world.wire(id).wanted && world.hear(id).is_empty());
    let call = world.call();
    world.act(move |net| net.answer(call, Response::text("later").into()));
    assert_eq!(world.app_heard(), ["asked /now 0"]);
    let said = world.hear(id);
    assert!(
        said.find("later").unwrap() < said.find("now").unwrap(),
        "{said}"
    );
    assert!(world.wire(id).wanted);
    world.act(move |net| net.answer(call, Response::text("again").into()));
    assert_eq!(world.hear(id), "", "each is answered once");
}

#[test]
fn a_stream_goes_on_as_fast_as_it_is_taken() {
    let mut world = World::new();
    let id = world.connect();
    world.say(id, get("/stream"));
    assert_eq!(world.app_heard(), ["asked /stream 0", "drained"]);
    world.wire(id).room = 1000;
    let call = world.call();
    world.act(move |net| {
        assert_eq!(net.write(call, &[b'x'; 100_000]), super::Sent::Full);
    });
    world.take(id, 50_000);
    assert!(world.app_heard().is_empty(), "there is no room yet");
    world.take(id, ENOUGH);
    assert_eq!(world.app_heard(), ["drained"]);
    world.act(move |net| net.end(call, &[]));
    assert!(world.hear(id).ends_with("\r\n0\r\n\r\n"));
    world.say(id, get("/now"));
    assert!(world.hear(id).ends_with("now"));
}

#[test]
fn a_peer_that_is_gone_aborts_what_waits_for_it_once() {
    for path in ["/later", "/stream"] {
        let mut world = World::new();
        let id = world.connect();
        world.say(id, get(path));
        world.app_heard();
        world.engine.failed(id);
        world.engine.failed(id);
        world.turn();
        assert_eq!(world.app_heard(), ["aborted"], "{path}");
        assert_eq!(world.end(id), Some(Effect::Close(id)));
    }
}

#[test]
fn a_peer_that_has_ended_still_gets_its_later_answer() {
    let mut world = World::new();
    let id = world.connect();
    world.say(id, get("/later"));
    world.finish(id);
    assert_eq!(world.end(id), None);
    let call = world.call();
    world.act(move |net| net.answer(call, Response::text("later").into()));
    assert!(world.hear(id).ends_with("later"));
    assert_eq!(world.end(id), Some(Effect::Close(id)));
}

#[test]
fn a_head_has_a_total_deadline_however_it_trickles() {
    let mut world = World::new();
    let id = world.connect();
    for byte in get("/a-long-path").as_bytes().iter().take(11) {
        world.say(id, [*byte]);
        world.pass(1);
    }
    assert!(world.hear(id).starts_with("HTTP/1.1 408"));
    world.finish(id);
    assert_eq!(world.end(id), Some(Effect::Close(id)));
}

#[test]
fn a_body_must_come_at_its_rate() {
    let mut world = World::new();
    let id = world.connect();
    world.say(
        id,
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n",
    );
    for _ in 0..6 {
        world.pass(5);
        assert_eq!(world.hear(id), "");
        world.say(id, [b'x'; 10]);
    }
    world.pass(1);
    assert!(world.hear(id).starts_with("HTTP/1.1 408"));
}

#[test]
fn a_connection_between_requests_ends_without_a_word() {
    let mut world = World::new();
    let id = world.connect();
    world.say(id, get("/now"));
    world.hear(id);
    world.pass(59);
    assert_eq!(world.end(id), None);
    world.pass(2);
    assert_eq!(
        (world.end(id), world.hear(id)),
        (Some(Effect::Close(id)), String::new())
    );
}

#[test]
fn pipelined_large_answers_pause_and_go_on() {
    let mut world = World::new();
    let id = world.connect();
    world.wire(id).room = 10;
    world.say(id, get("/large").repeat(5));
    assert_eq!(world.app_heard().len(), 1, "one fills the outbox");
    assert!(!world.wire(id).wanted);
    for _ in 0..10 {
        world.take(id, 70_000);
    }
    assert_eq!(world.app_heard().len(), 4);
    assert_eq!(world.hear(id).matches("HTTP/1.1 200 OK").count(), 5);
    assert!(world.wire(id).wanted);
}

#[test]
fn a_peer_that_takes_nothing_is_cut_off() {
    let mut world = World::new();
    let id = world.connect();
    world.wire(id).room = 10;
    world.say(id, get("/large"));
    world.pass(29);
    assert_eq!(world.end(id), None);
    world.pass(2);
    assert_eq!(world.end(id), Some(Effect::Reset(id)));
}

// ------------------------------------------------------------------------------------- WebSocket

#[test]
fn an_upgrade_may_be_decided_later_with_frames_waiting() {
    let mut world = World::new();
    let id = world.connect();
    let mut bytes = format!("GET /later HTTP/1.1\r\n{SHAKE}").into_bytes();
    bytes.extend(frame(1, b"early"));
    world.say(id, bytes);
    assert_eq!(world.app_heard(), ["asked /later 0"]);
    let call = world.call();
    world.act(move |net| net.answer(call, Answer::Upgrade(Upgrade::new(9))));
    assert_eq!(world.app_heard(), ["opened 9", "message early"]);
    assert!(world.hear(id).starts_with("HTTP/1.1 101"));
    assert!(world.wire(id).wanted);
    world.say(id, frame(8, &[0x03, 0xe8]));
    assert_eq!(world.app_heard(), ["closed Some(1000)"]);
    assert!(world.wire(id).shut);
    world.finish(id);
    assert_eq!(world.end(id), Some(Effect::Close(id)));
    assert!(world.app_heard().is_empty());
}

#[test]
fn a_silent_peer_is_pinged_and_then_dead() {
    let mut world = World::new();
    let id = world.open();
    world.pass(29);
    assert_eq!(world.hear(id), "");
    world.pass(2);
    assert_eq!(world.hear(id), String::from_utf8_lossy(b"\x89\0"));
    world.say(id, frame(10, b""));
    world.pass(31);
    assert_eq!(world.end(id), None, "its pong was a sign of life");
    world.pass(31);
    assert_eq!(world.end(id), Some(Effect::Reset(id)));
    assert_eq!(
        world.app_heard(),
        ["asked /ws 0", "opened 7", "closed None"]
    );
}

#[test]
fn a_shutdown_ends_each_stage_in_its_way() {
    let mut world = World::new();
    let (idle, socket, waiting) = (world.connect(), world.open(), world.connect());
    world.say(waiting, get("/later"));
    let call = world.call();
    world.app_heard();
    world.engine.shut_down();
    world.turn();
    assert_eq!(world.end(idle), Some(Effect::Close(idle)));
    assert!(world.wire(socket).said.starts_with(&[0x88]) && world.end(socket).is_none());
    world.say(socket, frame(8, &[0x03, 0xe9]));
    world.finish(socket);
    assert_eq!(world.end(socket), Some(Effect::Close(socket)));
    world.act(move |net| net.answer(call, Response::text("later").into()));
    assert!(world.hear(waiting).contains("Connection: close"));
    world.finish(waiting);
    assert_eq!(world.engine.net().connections(), 0);
}

#[test]
fn a_last_answer_takes_as_long_as_its_reader_needs() {
    let mut world = World::new();
    let id = world.connect();
    world.wire(id).room = 10_000;
    world.say(
        id,
        "GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    );
    for _ in 0..9 {
        world.pass(9);
        assert_eq!(world.end(id), None);
        world.take(id, 10_000);
    }
    world.take(id, 10_000);
    assert!(world.wire(id).shut && world.hear(id).len() > 100_000);
}

#[test]
fn a_close_waits_for_its_reader_before_it_waits_for_an_answer() {
    let mut world = World::new();
    let id = world.open();
    world.wire(id).room = 0;
    world.act(move |net| {
        net.send(id, Message::Binary(&[b'x'; 50_000]));
        net.close(id, 4001, "signed out");
    });
    for _ in 0..5 {
        world.pass(9);
        world.take(id, 10_000);
        assert_eq!(world.end(id), None);
    }
    world.take(id, 10_000);
    assert!(world.hear(id).ends_with("signed out"));
    world.pass(4);
    assert_eq!(world.end(id), None);
    world.pass(2);
    assert_eq!(
        world.end(id),
        Some(Effect::Reset(id)),
        "and no longer for its answer"
    );
}

#[test]
fn what_a_peer_takes_is_a_sign_of_life() {
    let mut world = World::new();
    let id = world.open();
    world.wire(id).room = 0;
    world.act(move |net| {
        net.send(id, Message::Binary(&[b'x'; 100_000]));
    });
    for _ in 0..10 {
        world.pass(20);
        world.take(id, 10_000);
        assert_eq!(world.end(id), None, "it reads slowly, and is paused itself");
    }
    world.take(id, ENOUGH);
    world.pass(29);
    assert_eq!(world.end(id), None);
}

#[test]
fn a_peer_has_the_time_of_a_heartbeat_to_answer_its_ping() {
    // The machine slept, or the app took its time to decide.
    let mut world = World::new();
    let id = world.open();
    world.now_ms += 1_000_000;
    world.begin();
    world.turn();
    world.pass(29);
    assert_eq!(world.end(id), None);
    assert_eq!(world.hear(id), String::from_utf8_lossy(b"\x89\0"));
    world.pass(2);
    assert_eq!(world.end(id), Some(Effect::Reset(id)));
}

#[test]
fn nothing_follows_what_a_slow_reader_missed() {
    let mut world = World::new();
    let id = world.open();
    world.app_heard();
    world.wire(id).room = 0;
    world.act(move |net| {
        assert_eq!(
            net.send(id, Message::Binary(&[b'1'; 1 << 19])),
            super::Sent::Queued
        );
        assert_eq!(
            net.send(id, Message::Binary(&[b'2'; 1 << 20])),
            super::Sent::Gone
        );
        assert_eq!(net.send(id, Message::Text("3")), super::Sent::Gone);
        net.broadcast([id], Message::Text("4"));
    });
    assert_eq!(world.app_heard(), ["closed None"]);
    world.take(id, ENOUGH);
    let said = std::mem::take(&mut world.wire(id).said);
    assert_eq!(
        said[10 + (1 << 19)],
        0x88,
        "a close frame follows the first"
    );
    assert_eq!(said[12 + (1 << 19)..][..2], 4002_u16.to_be_bytes());
    world.finish(id);
    assert_eq!(world.end(id), Some(Effect::Close(id)));
}

#[test]
fn a_peer_that_says_nothing_at_all_has_the_time_of_a_head() {
    let mut world = World::new();
    let id = world.connect();
    world.pass(11);
    assert_eq!(
        (world.end(id), world.hear(id)),
        (Some(Effect::Close(id)), String::new())
    );
}

#[test]
fn a_peer_that_ends_behind_a_large_last_answer_is_let_go_at_once() {
    let mut world = World::new();
    let id = world.connect();
    world.say(
        id,
        "GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    );
    assert!(world.wire(id).shut && world.wire(id).wanted);
    world.finish(id);
    assert_eq!(world.end(id), Some(Effect::Close(id)));
}

#[test]
fn a_socket_is_opened_before_it_is_closed() {
    let mut world = World::new();
    let id = world.connect();
    world.wire(id).room = 0;
    world.say(id, get("/now") + "GET /later HTTP/1.1\r\n" + SHAKE);
    world.app_heard();
    // The app decides at the very moment at which the peer has taken nothing for too long.
    let call = world.call();
    let mut script = world.probe.0.borrow_mut();
    script.acts.push(Box::new(move |net| {
        net.answer(call, Answer::Upgrade(Upgrade::new(9)))
    }));
    script.deadline = Some(Instant(world.now_ms + 30_100));
    drop(script);
    world.now_ms += 31_000;
    world.begin();
    world.turn();
    assert_eq!(world.end(id), Some(Effect::Reset(id)));
    assert_eq!(world.app_heard(), ["opened 9", "closed None"]);
}

#[test]
fn a_peer_is_stalled_only_while_something_waits_for_it() {
    let mut world = World::new();
    let id = world.open();
    for _ in 0..10 {
        world.pass(20);
        world.say(id, frame(10, b""));
    }
    world.wire(id).room = 0;
    world.act(move |net| {
        net.send(id, Message::Text("are you there?"));
    });
    world.pass(20);
    assert_eq!(world.end(id), None, "it was asked only now");
    world.pass(11);
    assert_eq!(world.end(id), Some(Effect::Reset(id)));
}

#[test]
fn an_app_hears_of_every_end_even_of_that_of_the_engine() {
    let mut world = World::new();
    world.open();
    let id = world.connect();
    world.say(id, get("/later"));
    world.app_heard();
    let probe = world.engine.into_app();
    assert_eq!(probe.0.borrow().heard, ["closed None", "aborted"]);
}

#[test]
fn a_stream_for_a_head_is_told_once_that_nobody_takes_it() {
    let mut world = World::new();
    let id = world.connect();
    let gone = Rc::new(RefCell::new(None));
    let seen = Rc::clone(&gone);
    world.probe.0.borrow_mut().on_drained = Some(Box::new(move |_| *seen.borrow_mut() = Some(())));
    world.say(id, "HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(world.app_heard(), ["asked /stream 0", "drained"]);
    let call = world.call();
    world.act(move |net| assert_eq!(net.write(call, b"x"), super::Sent::Gone));
    assert!(gone.borrow().is_some());
    world.say(id, get("/now"));
    assert!(world.hear(id).ends_with("now"));
}

#[test]
fn what_waits_for_a_blocked_peer_holds_no_more_than_itself() {
    let mut world = World::new();
    let (blocked, busy) = (world.open(), world.open());
    world.wire(blocked).room = 0;
    for _ in 0..100 {
        world.act(move |net| {
            net.broadcast([blocked, busy], Message::Text("a word"));
            net.send(busy, Message::Binary(&[b'x'; 60_000]));
        });
    }
    let outbox = &world.engine.net().connections[blocked.slot()].outbox;
    assert_eq!(outbox.queued(), 800);
    assert!(outbox.pinned_bytes() <= 1600, "{}", outbox.pinned_bytes());
    world.take(blocked, ENOUGH);
    assert_eq!(world.hear(blocked).matches("a word").count(), 100);
}

#[test]
fn a_peer_that_talks_on_behind_the_last_word_is_heard_for_so_long_and_no_longer() {
    let refused = || {
        let mut world = World::new();
        let id = world.connect();
        world.say(id, "nonsense\r\n\r\n");
        assert!(world.hear(id).starts_with("HTTP/1.1 400") && world.wire(id).shut);
        (world, id)
    };
    let (mut world, id) = refused();
    for _ in 0..4 {
        world.pass(1);
        world.say(id, "and on");
        assert_eq!(world.end(id), None);
    }
    world.pass(2);
    assert_eq!(
        world.end(id),
        Some(Effect::Close(id)),
        "for no longer than a close may take"
    );
    let (mut world, id) = refused();
    world.pass(3);
    assert_eq!(world.end(id), Some(Effect::Close(id)), "nor in silence");
    let (mut world, id) = refused();
    world.say(id, vec![b'x'; (1 << 20) + 1]);
    assert_eq!(
        world.end(id),
        Some(Effect::Close(id)),
        "nor for more than a mebibyte"
    );
}
