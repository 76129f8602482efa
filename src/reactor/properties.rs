//! # Properties of the whole engine
//!
//! Bytes decode into a script of what a world may do to a server: a few peers speak, fall silent,
//! take nothing, end or vanish, and time passes. An app echoes, answers late and streams; beside it
//! stands what must be true of every run. The world keeps the driver's order of a turn, and nothing
//! else of it. The fuzzer calls the same as the tests do.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::io::{self, ErrorKind, IoSlice};
use std::time::Duration;

use crate::ground::time::Now;
use crate::http::{self, Head, Response, Status};
use crate::reactor::stage::Stage;
use crate::reactor::{
    Answer, App, Call, ConnId, Effect, Engine, Net, Peer, Reception, Request, Sent, Settings,
    Upgrade,
};
use crate::ws::properties::{End, Heard, POLICY};
use crate::ws::{Agreed, DeflatePolicy, Message, Role, frame};

/// Any script leaves the engine in order after each turn, and every connection ends once the
/// world falls silent. The same script gives the same effects, byte for byte (promise 2).
pub fn engine(input: &[u8]) {
    let first = World::new(input).play();
    assert!(first == World::new(input).play(), "the same twice");
}

/// How many peers there may be at a time.
const WIRES: usize = 4;
/// One fewer than would come.
const CONNECTIONS_MAX: usize = 3;
const BODY_BYTES_MAX: u64 = 300;
const MESSAGE_BYTES_MAX: usize = 300;
/// Small, so that scripts meet it.
const OUTBOX_BYTES_MAX: usize = 2000;
/// What one input can add beyond the budget: an answer or an echo, and a word of the protocol.
const SURPLUS_BYTES_MAX: usize = 1500;
/// How much is read at once.
const BUFFER_BYTES_MAX: usize = 512;
/// A head, and a few readings.
const REST_BYTES_MAX: usize = 600 + 4 * BUFFER_BYTES_MAX;
/// How much a peer says before somebody reads it.
const INBOX_BYTES_MAX: usize = 8192;
/// Turns in which everything has to end: each of the small requests of all inboxes may take two.
const TURNS_MAX: usize = 4000;
/// What a peer may wait for.
const WAITS_MS: [u64; 8] = [0, 1, 127, 1000, 2000, 5000, 10_000, 60_000];
/// What is tedious to spell in a script.
const REQUESTS: [&str; 16] = [
    "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    "POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 200\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n40\r\n",
    "POST /refused HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n",
    "GET /stream HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /stream HTTP/1.0\r\n\r\n",
    "HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /measured HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    "GET /later HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /later/stream HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /later/ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
    "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
     Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    "GET /ws HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
     Sec-WebSocket-Version: 8\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
];

/// Bodies that the app takes in pieces, and streams that it writes to all at once.
const STREAMS: [&str; 6] = [
    "GET /feed HTTP/1.1\r\nHost: h\r\n\r\n",
    "GET /feed HTTP/1.0\r\n\r\n",
    "POST /upload HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n.to hold.",
    "POST /upload HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhold\r\n1\r\n",
    "POST /upload/held HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n.\r\n0\r\n\r\n",
    "POST /upload HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 200\r\n\r\n",
];

// ------------------------------------------------------------------------------------- the app

/// Echoes what it gets, at once, later, or in pieces, and sees that the promises to it are kept.
#[derive(Debug, Default)]
struct Echo {
    stopped: bool,
    /// Bodies that come in pieces: how much has come, and whether they are held.
    uploads: BTreeMap<Call, (u64, bool)>,
    open: BTreeSet<ConnId>,
    /// What each WebSocket was sent, whether or not it is open still.
    sent: BTreeMap<ConnId, Vec<Heard>>,
    /// Where frames begin in what a WebSocket is sent, and how they are compressed; for the world.
    begun: Vec<(ConnId, usize, Option<Agreed>)>,
    /// What is to be answered when the bell rings: the rest of the path.
    waiting: BTreeMap<Call, String>,
    /// Streams that all get the same.
    feeds: BTreeSet<Call>,
    /// Those whose peers have ended their side.
    hung_up: BTreeSet<Call>,
    /// How many pieces each stream still gets.
    streams: BTreeMap<Call, u8>,
    /// Streams that nobody takes: to HEAD, or by one who will be cut off.
    gone: BTreeSet<Call>,
}

const PIECE: [u8; 150] = [b'.'; 150];
const PIECES: u8 = 40;

impl Echo {
    fn answer(path: &str, body: &[u8]) -> Answer {
        let length = u64::from(PIECES) * PIECE.len() as u64;
        Answer::Respond(match path {
            "/ws" => return Answer::Upgrade(Upgrade::new(7).message_bytes_max(MESSAGE_BYTES_MAX)),
            "/stream" => Response::new(Status::OK).stream(None),
            "/measured" => Response::new(Status::OK).stream(Some(length)),
            _ => Response::new(Status::OK).body(body.to_vec()),
        })
    }

    /// Whether or not it is taken: once something was not, nothing after it may be.
    fn send(&mut self, id: ConnId, message: Message<'_>, net: &mut Net) {
        net.send(id, message);
        self.note(id, message);
    }

    fn note(&mut self, id: ConnId, message: Message<'_>) {
        self.sent.entry(id).or_default().push(match message {
            Message::Text(text) => Heard::Text(text.to_owned()),
            Message::Binary(bytes) => Heard::Binary(bytes.to_owned()),
        });
    }
}

impl App for Echo {
    fn reception(&mut self, call: Call, head: &Head<'_>, net: &mut Net) -> Reception {
        if head.path() == "/refused" {
            return Reception::Refuse(Response::refusal(Status::FORBIDDEN, "not here"));
        }
        if head.path().starts_with("/upload") {
            let is_held = head.path() == "/upload/held";
            if is_held {
                net.pause(call);
            }
            let before = self.uploads.insert(call, (0, is_held));
            assert_eq!(before, None, "each request has a name of its own");
            return Reception::Stream {
                bytes_max: BODY_BYTES_MAX,
            };
        }
        Reception::Collect {
            bytes_max: BODY_BYTES_MAX,
        }
    }

    fn body(&mut self, call: Call, bytes: &[u8], net: &mut Net) {
        let (count, is_held) = self.uploads.get_mut(&call).expect("it has begun");
        *count += bytes.len() as u64;
        assert!(!*is_held && !bytes.is_empty() && *count <= BODY_BYTES_MAX);
        match bytes {
            [b'!', ..] => {
                self.uploads.remove(&call);
                net.abort(call);
            }
            [b'?', ..] => {
                self.uploads.remove(&call);
                net.answer(call, Self::answer("/stream", b""));
            }
            [b'.', ..] => {
                net.pause(call);
                net.resume(call);
            }
            _ => {
                *is_held = true;
                net.pause(call);
            }
        }
    }

    fn request(&mut self, call: Call, request: &Request<'_>, net: &mut Net) -> Answer {
        if let Some((_, is_held)) = self.uploads.remove(&call) {
            assert!(!is_held && request.body.is_empty(), "all of it has come");
        }
        assert!(request.body.len() as u64 <= BODY_BYTES_MAX);
        if let Some(path) = request.head.path().strip_prefix("/later") {
            let before = self.waiting.insert(call, path.to_owned());
            assert_eq!(before, None, "each request has a name of its own");
            return Answer::Later;
        }
        if request.head.path() == "/feed" {
            self.feeds.insert(call);
            return Response::new(Status::OK).stream(None).into();
        }
        let count = net.write_all(self.feeds.iter().copied(), &PIECE);
        assert!(count <= self.feeds.len(), "nobody else takes it");
        Self::answer(request.head.path(), request.body)
    }

    fn drained(&mut self, call: Call, net: &mut Net) {
        if self.feeds.contains(&call) {
            return;
        }
        let left = self.streams.entry(call).or_insert(PIECES);
        while *left > 0 {
            match net.write(call, &PIECE) {
                Sent::Queued => *left -= 1,
                Sent::Full => {
                    *left -= 1;
                    return;
                }
                Sent::Gone => {
                    self.streams.remove(&call);
                    self.gone.insert(call);
                    return;
                }
            }
        }
        net.end(call, &[("X-Sum", "1")]);
        self.streams.remove(&call);
    }

    fn aborted(&mut self, call: Call, _: &mut Net) {
        let waited = self.waiting.remove(&call).is_some();
        let streamed = self.streams.remove(&call).is_some() || self.gone.remove(&call);
        let uploaded = self.uploads.remove(&call).is_some();
        let fed = self.feeds.remove(&call);
        assert!(
            waited || streamed || uploaded || fed,
            "once for what waits or streams"
        );
    }

    fn opened(&mut self, id: ConnId, tag: u64, net: &mut Net) {
        assert_eq!(tag, 7);
        assert!(self.open.insert(id), "a WebSocket opens once");
        let Some(Stage::WebSocket(socket)) = net.get(id).map(|it| &it.stage) else {
            panic!("it is open");
        };
        let agreed = socket.session.agreed();
        self.begun.push((id, net.queued_bytes(id), agreed));
        self.send(id, Message::Text("welcome"), net);
    }

    fn message(&mut self, id: ConnId, message: Message<'_>, net: &mut Net) {
        assert!(self.open.contains(&id) && message.bytes().len() <= MESSAGE_BYTES_MAX);
        match message.bytes() {
            [b'*', ..] => {
                net.broadcast(self.open.iter().copied(), message);
                for id in self.open.clone() {
                    self.note(id, message);
                }
            }
            [b'!', ..] => net.close(id, 4000, "as you wish"),
            [b'+', ..] => {
                for _ in 0..20 {
                    self.send(id, message, net);
                    self.send(id, Message::Binary(b"."), net);
                }
            }
            _ => self.send(id, message, net),
        }
    }

    fn closed(&mut self, id: ConnId, _: Option<u16>, _: &mut Net) {
        assert!(self.open.remove(&id), "what opened closes once");
    }

    fn hung_up(&mut self, call: Call, _: &mut Net) {
        let streams = self.streams.contains_key(&call) || self.feeds.contains(&call);
        let is_owed = streams || self.waiting.contains_key(&call) || self.gone.contains(&call);
        assert!(
            is_owed && self.hung_up.insert(call),
            "once for what is owed"
        );
    }

    fn stopping(&mut self, net: &mut Net) {
        assert!(!std::mem::replace(&mut self.stopped, true), "said once");
        net.broadcast(self.open.iter().copied(), Message::Text("bye"));
        for id in self.open.clone() {
            self.note(id, Message::Text("bye"));
        }
    }

    fn woken(&mut self, net: &mut Net) {
        for (call, path) in std::mem::take(&mut self.waiting) {
            net.answer(call, Self::answer(&path, b"at last"));
        }
        for call in std::mem::take(&mut self.feeds) {
            // For whom it was too slow, the end of it comes too late, and is a reset.
            if net.write(call, b".") == Sent::Gone {
                self.gone.insert(call);
            }
            net.end(call, &[]);
        }
        for (call, (_, is_held)) in &mut self.uploads {
            *is_held = false;
            net.resume(*call);
        }
    }
}

// ----------------------------------------------------------------------------------- the world

/// The transport of one peer.
#[derive(Debug)]
struct Wire {
    id: ConnId,
    /// What the peer has said and nobody has read.
    inbox: Vec<u8>,
    /// The engine wants to read.
    wanted: bool,
    /// The peer says no more.
    ended: bool,
    /// The transport is broken.
    broken: bool,
    /// The engine knows of either.
    told: bool,
    /// We say no more.
    shut: bool,
    /// The engine was told of an end that it does not read yet.
    hung_up: bool,
    /// How many bytes the transport takes.
    room: usize,
    blocked: bool,
    /// What it has taken.
    said: Vec<u8>,
}

impl Wire {
    fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        assert!(!bytes.is_empty() && !self.shut && !self.blocked);
        if self.broken {
            return Err(ErrorKind::BrokenPipe.into());
        }
        let count = bytes.len().min(self.room);
        self.room -= count;
        self.blocked = count < bytes.len();
        self.said.extend_from_slice(&bytes[..count]);
        if count == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(count)
    }
}

/// What comes next, as bytes say.
#[derive(Debug)]
struct Script<'s>(&'s [u8]);

impl<'s> Script<'s> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    /// As many bytes as the next one says, or all there are.
    fn bytes(&mut self) -> &'s [u8] {
        let count = self.byte().map_or(0, usize::from).min(self.0.len());
        let (bytes, rest) = self.0.split_at(count);
        self.0 = rest;
        bytes
    }
}

#[derive(Debug)]
struct World<'s> {
    engine: Engine<Echo>,
    script: Script<'s>,
    wires: [Option<Wire>; WIRES],
    now: Now,
    rung: bool,
    /// How much is read at once.
    buffer_bytes: usize,
    /// Whether peers take everything once the script is over, or nothing.
    generous: bool,
    room: usize,
    effects: Vec<Effect>,
    /// What the peers of WebSockets hear, and where in what was said it begins.
    ends: BTreeMap<ConnId, (usize, End)>,
    met: usize,
    log: String,
}

impl<'s> World<'s> {
    fn new(input: &'s [u8]) -> Self {
        let mut script = Script(input);
        let bits = script.byte().unwrap_or(0);
        let settings = Settings {
            http: http::Limits {
                line_bytes_max: 200,
                head_bytes_max: 600,
                ..http::Limits::default()
            },
            deflate: DeflatePolicy {
                enabled: bits & 1 == 0,
                context_takeover: bits & 2 != 0,
                ..POLICY
            },
            connections_max: CONNECTIONS_MAX,
            outbox_bytes_max: OUTBOX_BYTES_MAX,
            pause_bytes: OUTBOX_BYTES_MAX / 2,
            ..Settings::default()
        };
        Self {
            engine: Engine::new(Echo::default(), settings, 1),
            script,
            wires: Default::default(),
            now: Now::default(),
            rung: false,
            buffer_bytes: if bits & 4 == 0 { BUFFER_BYTES_MAX } else { 7 },
            generous: bits & 8 == 0,
            room: if bits & 16 == 0 { 1 << 20 } else { 0 },
            effects: Vec::new(),
            ends: BTreeMap::new(),
            met: 0,
            log: String::new(),
        }
    }

    /// Plays the script to its end, and on until nobody is left; everything that was done.
    fn play(mut self) -> String {
        while let Some(step) = self.script.byte() {
            self.act(step);
            if step & 64 == 0 {
                self.turn();
            }
        }
        self.fall_silent();
        self.log
    }

    /// One thing that the world does. Two bits say who, four say what.
    fn act(&mut self, step: u8) {
        let at = usize::from(step & 3);
        if self.wires[at].is_none() {
            self.engine.begin(self.now);
            let id = self.engine.accepted(Peer::Local);
            self.wires[at] = id.map(|id| Wire {
                id,
                inbox: Vec::new(),
                wanted: true,
                ended: false,
                broken: false,
                told: false,
                shut: false,
                hung_up: false,
                room: self.room,
                blocked: false,
                said: Vec::new(),
            });
        }
        let Some(wire) = &mut self.wires[at] else {
            return;
        };
        let mut says: Vec<u8> = Vec::new();
        match step >> 2 & 15 {
            0..=2 => says.extend_from_slice(self.script.bytes()),
            3..=4 => {
                let which = usize::from(self.script.byte().unwrap_or(0));
                let of = if which < 128 {
                    &REQUESTS[..]
                } else {
                    &STREAMS[..]
                };
                says.extend_from_slice(of[which % of.len()].as_bytes());
            }
            5..=7 => {
                let first = self.script.byte().unwrap_or(0x81);
                frame::write(first, Some([0; 4]), self.script.bytes(), &mut says);
            }
            8 => {
                wire.ended = true;
            }
            9 => {
                wire.broken = true;
            }
            10 => wire.room += usize::from(self.script.byte().unwrap_or(0)) * 16,
            11 => wire.room = 0,
            12 => self.rung = true,
            13 | 14 => {
                let which = usize::from(self.script.byte().unwrap_or(0));
                self.pass(Duration::from_millis(WAITS_MS[which % WAITS_MS.len()]));
            }
            _ => self.engine.shut_down(),
        }
        if let Some(wire) = &mut self.wires[at]
            && !wire.ended
            && wire.inbox.len() < INBOX_BYTES_MAX
        {
            wire.inbox.append(&mut says);
        }
    }

    fn pass(&mut self, time: Duration) {
        self.now.instant = self.now.instant + time;
        self.now.unix_ms = self.now.instant.0;
    }

    /// One turn, in the driver's order.
    fn turn(&mut self) {
        self.engine.begin(self.now);
        self.engine.go_on();
        self.read();
        self.engine.elapse();
        if std::mem::take(&mut self.rung) {
            self.engine.woken();
        }
        for wire in self.wires.iter_mut().flatten() {
            if wire.blocked && (wire.room > 0 || wire.broken) {
                wire.blocked = false;
                self.engine.writable(wire.id);
            }
        }
        self.meet();
        let wires = &mut self.wires;
        self.engine.flush(|id, slices| {
            let wire = wires.iter_mut().flatten().find(|wire| wire.id == id);
            wire.expect("only to those who are there").write(slices)
        });
        self.listen();
        self.engine.take_effects(&mut self.effects);
        self.carry_out();
        self.engine.check();
        self.check();
    }

    /// Reads once for each connection that wants it.
    fn read(&mut self) {
        for wire in self.wires.iter_mut().flatten() {
            // Nobody waits for what a broken connection has left behind.
            if wire.told || !wire.wanted && !wire.broken {
                if wire.ended && !wire.told && !wire.hung_up {
                    wire.hung_up = true;
                    self.engine.hung_up(wire.id);
                }
                continue;
            }
            wire.hung_up = false;
            if wire.broken {
                wire.told = true;
                self.engine.failed(wire.id);
            } else if !wire.inbox.is_empty() {
                let count = wire.inbox.len().min(self.buffer_bytes);
                let mut piece: Vec<u8> = wire.inbox.drain(..count).collect();
                wire.wanted = self.engine.received(wire.id, &mut piece);
            } else if wire.ended {
                wire.told = true;
                self.engine.ended(wire.id);
            }
        }
    }

    /// Gives an ear to each WebSocket that has opened.
    fn meet(&mut self) {
        for &(id, queued, agreed) in &self.engine.app().begun[self.met..] {
            let wire = self.wires.iter().flatten().find(|wire| wire.id == id);
            let from = wire.map_or(0, |wire| wire.said.len()) + queued;
            self.ends.insert(id, (from, End::new(Role::Client, agreed)));
        }
        self.met = self.engine.app().begun.len();
    }

    /// Lets the peers of WebSockets hear what was said to them.
    fn listen(&mut self) {
        for wire in self.wires.iter().flatten() {
            if let Some((from, end)) = self.ends.get_mut(&wire.id)
                && *from < wire.said.len()
            {
                end.hear(&wire.said[*from..]);
                *from = wire.said.len();
            }
        }
    }

    fn carry_out(&mut self) {
        for effect in std::mem::take(&mut self.effects) {
            writeln!(self.log, "{:?} {effect:?}", self.now.instant).expect("a string takes all");
            let (Effect::Read(id) | Effect::HalfClose(id) | Effect::Close(id) | Effect::Reset(id)) =
                effect;
            let place = self
                .wires
                .iter_mut()
                .find(|place| place.as_ref().is_some_and(|wire| wire.id == id))
                .expect("effects are for those who are there");
            match (effect, &mut *place) {
                (Effect::Read(_), Some(wire)) => wire.wanted = true,
                (Effect::HalfClose(_), Some(wire)) => {
                    assert!(!wire.shut, "an end is said once");
                    wire.shut = true;
                }
                _ => {
                    let said = place.take().map(|wire| wire.said).unwrap_or_default();
                    self.log += &said.escape_ascii().to_string();
                }
            }
        }
    }

    fn check(&self) {
        let net = self.engine.net();
        assert_eq!(net.connections(), self.wires.iter().flatten().count());
        for wire in self.wires.iter().flatten() {
            let connection = net.get(wire.id).expect("it is there");
            assert!(
                connection.outbox.queued() <= OUTBOX_BYTES_MAX + SURPLUS_BYTES_MAX,
                "promise 5: {} bytes wait to leave",
                connection.outbox.queued()
            );
            assert!(
                connection.rest.len() <= REST_BYTES_MAX,
                "promise 5: {} bytes wait to be handled",
                connection.rest.len()
            );
            assert_eq!(
                self.engine.app().open.contains(&wire.id),
                matches!(connection.stage, Stage::WebSocket(_)),
                "promise 4: the app knows what is open"
            );
        }
    }

    /// The script is over: peers say nothing more, and the app answers all that waits.
    fn fall_silent(&mut self) {
        self.buffer_bytes = BUFFER_BYTES_MAX;
        for wire in self.wires.iter_mut().flatten() {
            wire.room = if self.generous { usize::MAX } else { 0 };
        }
        for _ in 0..TURNS_MAX {
            let app = self.engine.app();
            let is_waiting = !app.waiting.is_empty() || !app.feeds.is_empty();
            self.rung = is_waiting || app.uploads.values().any(|(_, held)| *held);
            let busy = |wire: &Wire| {
                !wire.told && wire.wanted && (wire.ended || !wire.inbox.is_empty())
                    || !wire.told && wire.broken
                    || wire.blocked && wire.room > 0
            };
            let is_busy = self.rung || self.wires.iter().flatten().any(busy);
            let sleep = if is_busy {
                Some(Duration::ZERO)
            } else {
                self.engine.sleep()
            };
            let Some(sleep) = sleep else { break };
            self.pass(sleep);
            self.turn();
        }
        let app = self.engine.app();
        assert_eq!(self.engine.net().connections(), 0, "promise 7: all end");
        assert!(app.open.is_empty() && app.waiting.is_empty() && app.streams.is_empty());
        assert!(app.uploads.is_empty(), "bodies are whole or aborted");
        for (id, (_, end)) in &self.ends {
            let is_message = |heard: &&Heard| matches!(heard, Heard::Text(_) | Heard::Binary(_));
            let heard: Vec<&Heard> = end.heard.iter().filter(is_message).collect();
            let sent: Vec<&Heard> = app.sent[id].iter().take(heard.len()).collect();
            assert!(heard == sent, "in order, without a gap");
            let broken = end.heard.iter().any(|it| matches!(it, Heard::Broken(_)));
            assert!(!broken, "we break no rule");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Scripts of bodies and feeds: pieces of them, pauses, time, ends.
    #[test]
    fn streams_keep_every_promise() {
        let mut chance = crate::ground::seed::Seed::new(1);
        for _ in 0..2000 {
            let mut script = vec![chance.below(32) as u8];
            for _ in 0..1 + chance.below(12) {
                let who = chance.below(2) as u8;
                match chance.below(8) {
                    0..4 => script.extend([who | 3 << 2, 128 + chance.below(6) as u8]),
                    4 => script.extend([who, 1, b"!?.x"[chance.below(4) as usize]]),
                    _ => {
                        script.extend([who | (chance.below(15) as u8) << 2, chance.below(9) as u8])
                    }
                }
            }
            engine(&script);
        }
    }

    #[test]
    fn the_corpus_keeps_every_promise() {
        crate::ground::corpus::replay("engine", engine);
    }

    #[test]
    fn a_reader_that_is_cut_off_hears_no_gap() {
        // A WebSocket whose peer takes nothing asks for more than its budget, twenty times a long
        // message and a short one; then the peer takes everything.
        let asks = [&[5 << 2, 0x82, 250][..], &[b'+'; 250]].concat();
        engine(&[&[0, 3 << 2, 13, 11 << 2][..], &asks].concat());
    }
}
