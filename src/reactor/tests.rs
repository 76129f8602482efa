//! # The engine, driven by hand
//!
//! A world of wires and a clock around one engine: what a test says, hears, and lets pass.

use std::cell::RefCell;
use std::io::{self, IoSlice};
use std::rc::Rc;
use std::time::Duration;

use super::{
    Answer, App, Call, ConnId, Effect, Engine, Net, Peer, Reception, Request, Sent, Settings,
    Upgrade,
};
use crate::ground::time::{Instant, Now};
use crate::http::{Head, Response, Status};
use crate::ws::Message;

mod hearing;
mod heartbeat;
mod held;
mod http;
mod plain;
mod uploads;
mod websocket;

const ENOUGH: usize = usize::MAX;
const SHAKE: &str = "Host: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

type Act = Box<dyn FnOnce(&mut Net)>;
type Feed = Rc<dyn Fn(ConnId, &mut Net)>;

/// What the app heard, and what it is to do when it is next called to do something.
#[derive(Default)]
struct Script {
    heard: Vec<String>,
    calls: Vec<Call>,
    acts: Vec<Act>,
    /// Done when a body has begun, a piece of it has come, a stream has room, or a WebSocket has
    /// ended.
    on_reception: Option<Act>,
    on_body: Option<Act>,
    on_drained: Option<Act>,
    on_closed: Option<Act>,
    /// Done whenever a deaf reader has room.
    feed: Option<Feed>,
    /// Gives up whatever it is asked, and answers it nevertheless.
    aborts: bool,
    /// Said when the server stops.
    last_words: Vec<(ConnId, &'static str)>,
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
    fn reception(&mut self, call: Call, head: &Head<'_>, net: &mut Net) -> Reception {
        let mut script = self.0.borrow_mut();
        script.calls.push(call);
        let act = script.on_reception.take();
        drop(script);
        act.into_iter().for_each(|act| act(net));
        match head.path() {
            "/upload" => Reception::Stream { bytes_max: 1000 },
            "/unwanted" => Reception::Refuse(Response::refusal(Status::FORBIDDEN, "not here")),
            _ => Reception::Collect { bytes_max: 1 << 20 },
        }
    }

    fn body(&mut self, call: Call, bytes: &[u8], net: &mut Net) {
        assert_eq!(call, *self.0.borrow().calls.last().unwrap());
        self.hear(format!("piece {}", String::from_utf8_lossy(bytes)));
        let act = self.0.borrow_mut().on_body.take();
        act.into_iter().for_each(|act| act(net));
    }

    fn request(&mut self, call: Call, request: &Request<'_>, net: &mut Net) -> Answer {
        let path = request.head.path();
        self.hear(format!("asked {path} {}", request.body.len()));
        let mut script = self.0.borrow_mut();
        script.calls.push(call);
        let aborts = script.aborts;
        drop(script);
        if aborts {
            net.abort(call);
        }
        match path {
            "/later" => Answer::Later,
            "/stream" => Response::text("").stream(None).into(),
            "/ws" => Answer::Upgrade(Upgrade::new(7)),
            "/beats" => {
                let every = Duration::from_secs(20);
                Answer::Upgrade(Upgrade::new(7).heartbeat_text(every, "{}"))
            }
            "/patient" => Answer::Upgrade(Upgrade::new(7).may_fall_behind()),
            "/chosen" => Answer::Upgrade(
                Upgrade::new(7)
                    .protocol(request.head.query().unwrap_or_default())
                    .field("Set-Cookie", "a=b\r\nX: y")
                    .field("Sec-WebSocket-Accept", "mine")
                    .field("upgrade", "mine"),
            ),
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

    fn hung_up(&mut self, _: Call, _: &mut Net) {
        self.hear("hung up".into());
    }

    fn opened(&mut self, _: ConnId, tag: u64, _: &mut Net) {
        self.hear(format!("opened {tag}"));
    }

    fn connected(&mut self, _: ConnId, _: &mut Net) {
        self.hear("connected".into());
    }

    fn message(&mut self, id: ConnId, message: Message<'_>, net: &mut Net) {
        let text = String::from_utf8_lossy(message.bytes());
        self.hear(format!("message {text}"));
        if text == "hold" {
            net.hold_input(id);
        }
    }

    fn closed(&mut self, _: ConnId, code: Option<u16>, net: &mut Net) {
        self.hear(format!("closed {code:?}"));
        let act = self.0.borrow_mut().on_closed.take();
        act.into_iter().for_each(|act| act(net));
    }

    fn unanswered(&mut self, id: ConnId, net: &mut Net) {
        self.hear("unanswered".into());
        net.send(id, Message::Text("bye"));
    }

    fn fell_behind(&mut self, _: ConnId, missed: u64, _: &mut Net) {
        self.hear(format!("missed {missed}"));
    }

    fn has_room(&mut self, id: ConnId, net: &mut Net) {
        self.hear("has room".into());
        let feed = self.0.borrow().feed.clone();
        feed.into_iter().for_each(|feed| feed(id, net));
    }

    fn woken(&mut self, net: &mut Net) {
        self.act(net);
    }

    fn started(&mut self, _: &mut Net) {
        self.hear("started".into());
    }

    fn stopping(&mut self, net: &mut Net) {
        self.hear("stopping".into());
        for (id, text) in std::mem::take(&mut self.0.borrow_mut().last_words) {
            net.send(id, Message::Text(text));
        }
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
    /// In how many stretches it was offered what was last said.
    stretches: usize,
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
        let id = self.engine.accepted(Peer::Local);
        self.wired(id)
    }

    /// The same without HTTP.
    fn connect_plain(&mut self) -> ConnId {
        let id = self.engine.accepted_plain(Peer::Local);
        self.wired(id)
    }

    fn wired(&mut self, id: Option<ConnId>) -> ConnId {
        let id = id.unwrap();
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
        self.open_at("/ws", "")
    }

    fn open_at(&mut self, path: &str, fields: &str) -> ConnId {
        let id = self.connect();
        self.say(id, format!("GET {path} HTTP/1.1\r\n{fields}{SHAKE}"));
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
    wire.stretches = slices.len();
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

#[test]
fn a_shutdown_ends_each_stage_in_its_way() {
    let mut world = World::new();
    let (idle, socket, waiting) = (world.connect(), world.open(), world.connect());
    world.say(waiting, get("/later"));
    let call = world.call();
    world.app_heard();
    world.probe.0.borrow_mut().last_words.push((socket, "bye"));
    world.engine.shut_down();
    world.engine.shut_down();
    world.turn();
    assert_eq!(world.app_heard(), ["stopping"], "once");
    assert_eq!(world.end(idle), Some(Effect::Close(idle)));
    assert!(world.wire(socket).said.starts_with(b"\x81\x03bye\x88"));
    assert_eq!(world.end(socket), None);
    world.say(socket, frame(8, &[0x03, 0xe9]));
    world.finish(socket);
    assert_eq!(world.end(socket), Some(Effect::Close(socket)));
    world.act(move |net| net.answer(call, Response::text("later").into()));
    assert!(world.hear(waiting).contains("Connection: close"));
    world.finish(waiting);
    assert_eq!(world.engine.net().connections(), 0);
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
fn an_app_hears_when_all_begins_and_says_farewell_in_its_own_way() {
    let mut world = World::with(Settings {
        farewell: (4004, "back soon".into()),
        ..Settings::default()
    });
    world.engine.start();
    assert_eq!(world.app_heard(), ["started"]);
    let (one, other) = (world.open(), world.open());
    world.act(move |net| net.close(other, 4001, "signed out"));
    world.hear(other);
    world.engine.shut_down();
    world.turn();
    assert_eq!(world.wire(one).said, b"\x88\x0b\x0f\xa4back soon");
    assert_eq!(world.hear(other), "", "it has had its close");
}

/// What has just left may still be on its way, and so may the next request. To close over that would
/// reset the connection, and the peer might lose the end of its answer.
#[test]
fn a_shutdown_lets_the_last_answer_arrive() {
    let mut world = World::new();
    let long_ago = world.connect();
    world.say(long_ago, get("/"));
    world.pass(Settings::default().waits.linger.as_secs());
    let (leaving, deaf) = (world.connect(), world.connect());
    for id in [leaving, deaf] {
        world.say(id, get("/"));
    }
    world.engine.shut_down();
    world.turn();
    assert_eq!(world.end(long_ago), Some(Effect::Close(long_ago)));
    for id in [leaving, deaf] {
        assert_eq!(world.end(id), None);
        assert!(world.wire(id).shut && world.wire(id).wanted);
    }
    world.say(leaving, get("/too/late"));
    world.finish(leaving);
    assert_eq!(world.end(leaving), Some(Effect::Close(leaving)));
    world.pass(1);
    assert_eq!(world.end(deaf), Some(Effect::Close(deaf)));
}
