//! # Net: what an app may do to connections
//!
//! Everything of the engine except the app itself. The app is handed it at each call and speaks
//! through it to any connection, not only the one it is called for. What would call the app again
//! (a reader that proves too slow, an upgrade granted later) is noted and done by the engine when
//! the app has returned: an app is never called while it is called.

use std::collections::VecDeque;

use slab::Slab;

use crate::ground::seed::Seed;
use crate::ground::time::{Instant, Now};
use crate::http::date::DateCache;
use crate::http::{self, Body, BodyWriter, Exchange, Response, Status};
use crate::reactor::app::{Answer, Upgrade};
use crate::reactor::connection::{Connection, Peer};
use crate::reactor::deadlines::Deadlines;
use crate::reactor::engine::Effect;
use crate::reactor::outbox::{Blocks, Piece};
use crate::reactor::settings::Settings;
use crate::reactor::stage::{Closing, Hearing, Http, Stage, Turn, Upgrading, WebSocket};
use crate::reactor::terms;
use crate::reactor::token::{Call, ConnId};
use crate::reactor::upgrade;
use crate::ws::handshake::{Accepted, Refused};
use crate::ws::{self, Deflate, Message, Session};

/// The close code for a reader that lets too much pile up: come back and resume.
const TOO_SLOW: u16 = 4002;

/// The close code for what went wrong on this side.
const OUR_FAULT: u16 = 1011;

/// What became of something that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It leaves at the end of the turn, or as fast as the peer takes it.
    Queued,
    /// It leaves later: enough waits already. A stream should wait for
    /// [`App::drained`](crate::reactor::App::drained), who feeds a deaf reader for
    /// [`App::has_room`](crate::reactor::App::has_room).
    Full,
    /// Nobody is there to take it: closed, closing, or cut off for being too slow.
    Gone,
}

/// What the engine has to tell the app as soon as the app is not being called.
#[derive(Debug)]
pub(crate) enum Notice {
    /// An upgrade was granted.
    Opened(ConnId, u64),
    /// A streamed answer has room.
    Drained(Call),
    /// A reader was too slow.
    TooSlow(ConnId),
    /// A reader did not get the broadcast of this number.
    FellBehind(ConnId, u64),
    /// A deaf reader has room.
    HasRoom(ConnId),
}

/// The connections, and everything that serves them.
#[derive(Debug)]
pub struct Net {
    pub(crate) settings: Settings,
    pub(crate) now: Now,
    pub(crate) connections: Slab<Connection>,
    pub(crate) blocks: Blocks,
    pub(crate) deflate: Deflate,
    pub(crate) seed: Seed,
    /// Those with something to say at the end of this turn.
    pub(crate) dirty: Vec<ConnId>,
    /// Those that may go on with input they already have.
    pub(crate) ready: Vec<ConnId>,
    pub(crate) notices: VecDeque<Notice>,
    pub(crate) deadlines: Deadlines,
    pub(crate) effects: Vec<Effect>,
    pub(crate) draining: bool,
    terms: terms::Shared,
    /// Readers that were cut off because too much waited for them.
    cut_off: u64,
    generation: u32,
    date: DateCache,
}

impl Net {
    pub(crate) fn new(settings: Settings, seed: Seed) -> Self {
        let deflate = Deflate::new(settings.deflate);
        Self {
            settings,
            now: Now::default(),
            connections: Slab::new(),
            blocks: Blocks::default(),
            deflate,
            seed,
            dirty: Vec::new(),
            ready: Vec::new(),
            notices: VecDeque::new(),
            deadlines: Deadlines::default(),
            effects: Vec::new(),
            draining: false,
            terms: terms::Shared::default(),
            cut_off: 0,
            generation: 0,
            date: DateCache::new(),
        }
    }

    /// What the clocks said at the beginning of this turn.
    pub const fn now(&self) -> Now {
        self.now
    }

    /// A seeded source of chance: for jitter, not for secrets.
    pub const fn seed(&mut self) -> &mut Seed {
        &mut self.seed
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Where `id` comes from.
    pub fn peer(&self, id: ConnId) -> Option<Peer> {
        self.get(id).map(|connection| connection.peer)
    }

    /// How many readers have been cut off so far because too much waited for them: each was told.
    pub const fn cut_off(&self) -> u64 {
        self.cut_off
    }

    /// How many bytes wait for `id` to take them.
    pub fn queued_bytes(&self, id: ConnId) -> usize {
        self.get(id)
            .map_or(0, |connection| connection.outbox.queued())
    }

    /// How many bytes of input are kept for `id`: the beginning of a head, or what came during a
    /// pause.
    pub fn unread_bytes(&self, id: ConnId) -> usize {
        self.get(id).map_or(0, |connection| connection.rest.len())
    }

    /// Says `message` to the WebSocket `id`, also if it is deaf to broadcasts: then enough is
    /// [`Full`](Sent::Full).
    #[inline]
    pub fn send(&mut self, id: ConnId, message: Message<'_>) -> Sent {
        let Self {
            connections,
            blocks,
            deflate,
            seed,
            ..
        } = self;
        let Some(socket) = open_socket(connections, id) else {
            return Sent::Gone;
        };
        let is_deaf = socket.hearing != Hearing::All;
        let (_, piece) = blocks.write(|out| socket.session.send(message, deflate, seed, out));
        match piece.map_or(Sent::Gone, |piece| {
            self.push_within_budget(id, &piece, None)
        }) {
            Sent::Queued if is_deaf => self.fill(id),
            sent => sent,
        }
    }

    /// Says `message` to every WebSocket of `ids` that is not deaf. It is encoded once for all of
    /// them, and once more for each window size among those who take it compressed.
    pub fn broadcast(&mut self, ids: impl IntoIterator<Item = ConnId>, message: Message<'_>) {
        self.broadcast_numbered(ids, message, 0);
    }

    /// [`broadcast`](Self::broadcast), with a number by which the app knows this message again if it
    /// is the first that a reader misses. Where numbers grow from one broadcast to the next, a reader
    /// that fell behind has been given all that is below the number it is told, and nothing from
    /// there on.
    pub fn broadcast_numbered(
        &mut self,
        ids: impl IntoIterator<Item = ConnId>,
        message: Message<'_>,
        number: u64,
    ) {
        let policy = *self.deflate.policy();
        let compress = policy.enabled && message.bytes().len() >= policy.bytes_min;
        let mut plain: Option<Piece> = None;
        let mut deflated: [Option<Piece>; 16] = Default::default();
        for id in ids {
            let Self {
                connections,
                blocks,
                deflate,
                ..
            } = self;
            let Some(WebSocket {
                session,
                hearing: Hearing::All,
                ..
            }) = open_socket(connections, id)
            else {
                continue;
            };
            let encoded = match session
                .agreed()
                .filter(|_| compress)
                .map(|_| session.shared_bits())
            {
                None => plain.get_or_insert_with(|| encode(blocks, |out| ws::frame(message, out))),
                Some(Some(bits)) => deflated[usize::from(bits & 15)].get_or_insert_with(|| {
                    encode(blocks, |out| {
                        ws::deflated_frame(message, bits, deflate, out)
                    })
                }),
                // Its window is its own, so its frames are too.
                Some(None) => {
                    // A frame that is encoded has to be sent: the next ones refer to it.
                    if !self.falls_behind(id, message, number) {
                        self.send(id, message);
                    }
                    continue;
                }
            };
            self.push_within_budget(id, encoded, Some(number));
        }
    }

    /// Begins the close handshake with the WebSocket `id`. What was said before still leaves. A code
    /// that must not be sent (RFC 6455, 7.4: see [`is_close_code`](ws::is_close_code)) becomes 1011,
    /// an error of the server's own, and is logged as one.
    pub fn close(&mut self, id: ConnId, code: u16, reason: &str) {
        let code = if ws::is_close_code(code) {
            code
        } else {
            log::error!("close code {code} must not be sent: it becomes {OUR_FAULT}");
            OUR_FAULT
        };
        let Self {
            connections,
            blocks,
            seed,
            now,
            ..
        } = self;
        let Some(WebSocket { session, .. }) = open_socket(connections, id) else {
            return;
        };
        let (_, piece) = blocks.write(|out| session.close(code, reason, seed, out));
        if let Some(connection) = named(connections, id) {
            connection.since = now.instant;
        }
        self.push(id, piece);
        // Or the peer's close would not be heard.
        self.go_on_reading(id);
        self.arm(id);
    }

    /// Answers a request that was answered with [`Answer::Later`], or one whose body is still
    /// coming: then the rest of the body is thrown away, and the connection ends behind the answer.
    /// Nothing happens if the connection is gone or the request has been answered.
    pub fn answer(&mut self, call: Call, answer: Answer) {
        let Some(connection) = self.get_mut(call.id) else {
            return;
        };
        match &mut connection.stage {
            Stage::Http(http) if http.number == call.number => {
                let exchange = match &http.turn {
                    Turn::Awaiting(exchange) => *exchange,
                    Turn::Receiving(upload) => upload.exchange.last(),
                    Turn::Reading | Turn::Streaming(..) => return,
                };
                match answer {
                    Answer::Respond(response) => self.respond(call.id, exchange, &response),
                    Answer::Upgrade(_) => {
                        self.refuse_upgrade(call.id, exchange, Refused::NoUpgrade)
                    }
                    Answer::Later => {}
                }
            }
            Stage::Upgrading(upgrading) if upgrading.http.number == call.number => {
                if matches!(answer, Answer::Later) {
                    return;
                }
                let Stage::Upgrading(upgrading) =
                    std::mem::replace(&mut connection.stage, Stage::Buried)
                else {
                    unreachable!("the stage was looked at above")
                };
                let Upgrading {
                    http,
                    exchange,
                    handshake,
                } = *upgrading;
                connection.stage = Stage::Http(http);
                match answer {
                    Answer::Respond(response) => self.respond(call.id, exchange, &response),
                    Answer::Upgrade(granted) => self.upgrade(call.id, exchange, handshake, granted),
                    Answer::Later => {}
                }
            }
            _ => return,
        }
        self.arm(call.id);
    }

    /// Writes a piece of a streamed answer. Who then waits for
    /// [`App::drained`](crate::reactor::App::drained) after each [`Full`](Sent::Full) is never cut off
    /// for being too slow; who goes on meanwhile may be.
    pub fn write(&mut self, call: Call, bytes: &[u8]) -> Sent {
        let Self {
            connections,
            blocks,
            ..
        } = self;
        let Some((_, writer)) = streaming(connections, call) else {
            return Sent::Gone;
        };
        let (_, piece) = blocks.write(|out| writer.write(bytes, out));
        piece.map_or(Sent::Queued, |piece| self.push_to_stream(call.id, &piece))
    }

    /// Writes a piece of every streamed answer of `calls`; how many took it. It is framed once for
    /// all who read chunks, and once for all who read until the end. Whoever is too slow is cut off,
    /// and [`App::aborted`](crate::reactor::App::aborted) comes for it; of whoever was gone before
    /// it has come already. Whoever has enough waiting hears
    /// [`App::drained`](crate::reactor::App::drained) when there is room, and may be written to until
    /// then.
    pub fn write_all(&mut self, calls: impl IntoIterator<Item = Call>, bytes: &[u8]) -> usize {
        let (mut chunk, mut plain): (Option<Piece>, Option<Piece>) = (None, None);
        let mut count = 0;
        for call in calls {
            let Self {
                connections,
                blocks,
                ..
            } = self;
            let Some((_, writer)) = streaming(connections, call) else {
                continue;
            };
            let shared = match writer {
                BodyWriter::Chunked => &mut chunk,
                BodyWriter::UntilClose => &mut plain,
                // How much of it is still owed is its own affair.
                BodyWriter::Length(_) | BodyWriter::Discard | BodyWriter::None => &mut None,
            };
            if shared.is_none() {
                *shared = blocks.write(|out| writer.write(bytes, out)).1;
            }
            let sent = shared
                .as_ref()
                .map_or(Sent::Queued, |piece| self.push_to_stream(call.id, piece));
            count += usize::from(sent != Sent::Gone);
        }
        count
    }

    /// Ends a streamed answer. Trailers reach those who take them: a chunked body's reader.
    pub fn end(&mut self, call: Call, trailers: &[(&str, &str)]) {
        let Self {
            connections,
            blocks,
            ..
        } = self;
        let Some((exchange, writer)) = streaming(connections, call) else {
            return;
        };
        let exchange = *exchange;
        let (whole, piece) = blocks.write(|out| writer.end(trailers, out));
        self.push(call.id, piece);
        // An answer that is shorter than it said can only be told from a whole one by the end.
        self.answered(call.id, exchange.keep_alive && whole);
        self.arm(call.id);
    }

    /// Hands out no more of the body that `call` brings until [`Net::resume`]. What comes meanwhile
    /// stays with the kernel, but for one read at most, and so makes the peer wait. None of that time
    /// counts against it. Nothing happens where no body is coming.
    pub fn pause(&mut self, call: Call) {
        let now = self.now.instant;
        if let Some(connection) = self.get_mut(call.id) {
            connection.hold_body(call.number, now);
        }
    }

    /// Goes on with the body that `call` brings, with what is here of it already. The next piece
    /// comes in the next turn at the latest.
    pub fn resume(&mut self, call: Call) {
        let now = self.now.instant;
        if let Some(connection) = self.get_mut(call.id)
            && connection.release_body(call.number, now)
        {
            self.ready.push(call.id);
        }
    }

    /// Ends a request that cannot be answered, or not to the end: its connection is reset, so that
    /// nobody takes what has left of an answer for all of it. The app hears no more of `call`; that
    /// it is over it knows. Nothing happens if the answer is complete, or the connection gone.
    pub fn abort(&mut self, call: Call) {
        let Some(connection) = self.get_mut(call.id) else {
            return;
        };
        let number = match &connection.stage {
            Stage::Http(http) => http.number,
            Stage::Upgrading(upgrading) => upgrading.http.number,
            Stage::WebSocket(_) | Stage::Closing(_) | Stage::Buried => return,
        };
        if number == call.number {
            connection.stage = Stage::Buried;
            connection.outbox.clear();
            connection.rest = Vec::new();
            self.forget(call);
            self.effects.push(Effect::Reset(call.id));
        }
    }

    // ---------------------------------------------------------------- for the engine

    /// The app is done with `call`: what it was to be told of it is not told any more.
    pub(crate) fn forget(&mut self, call: Call) {
        let is_of_call = |it: &Notice| matches!(it, Notice::Drained(other) if *other == call);
        self.notices.retain(|notice| !is_of_call(notice));
    }

    #[inline]
    pub(crate) fn get(&self, id: ConnId) -> Option<&Connection> {
        self.connections
            .get(id.slot())
            .filter(|it| it.generation == id.generation)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: ConnId) -> Option<&mut Connection> {
        named(&mut self.connections, id)
    }

    pub(crate) fn insert(&mut self, peer: Peer) -> ConnId {
        self.generation = self.generation.wrapping_add(1);
        let connection = Connection::new(self.generation, peer, self.now.instant);
        let slot = self.connections.insert(connection);
        ConnId {
            slot: slot as u32,
            generation: self.generation,
        }
    }

    /// Queues what belongs to a protocol: its own bound is the pause.
    pub(crate) fn push(&mut self, id: ConnId, piece: Option<Piece>) {
        let Some(piece) = piece else { return };
        if let Some(connection) = named(&mut self.connections, id) {
            queue(connection, id, &piece, self.now.instant, &mut self.dirty);
        }
    }

    /// Queues what an app says; what it says to many has a number. One message is always taken, so
    /// that the budget does not forbid a large one.
    #[inline]
    fn push_within_budget(&mut self, id: ConnId, piece: &Piece, number: Option<u64>) -> Sent {
        // Found by its whole name a moment ago: see the callers.
        let connection = &mut self.connections[id.slot()];
        debug_assert_eq!(connection.generation, id.generation, "nobody else is meant");
        let queued = connection.outbox.queued();
        if queued > 0 && queued + piece.len() > self.settings.outbox_bytes_max {
            return self.push_over_budget(id, piece, number);
        }
        queue(connection, id, piece, self.now.instant, &mut self.dirty);
        Sent::Queued
    }

    /// A reader has let too much pile up: it misses a broadcast if it may fall behind, and is cut off
    /// if not. What is said to it alone is then taken up to twice the budget, for most of it answers
    /// what was read from it, and nothing is read over the pause. Who writes a stream or feeds a deaf
    /// reader, and was not told to wait, has one piece taken, however large.
    #[cold]
    fn push_over_budget(&mut self, id: ConnId, piece: &Piece, number: Option<u64>) -> Sent {
        let bytes_max = self.settings.outbox_bytes_max;
        let connection = &mut self.connections[id.slot()];
        let may_be_told_to_wait = match &connection.stage {
            Stage::Http(_) => true,
            Stage::WebSocket(socket) => socket.hearing != Hearing::All,
            Stage::Upgrading(_) | Stage::Closing(_) | Stage::Buried => false,
        };
        if may_be_told_to_wait && !connection.full {
            queue(connection, id, piece, self.now.instant, &mut self.dirty);
            return Sent::Queued;
        }
        if let Stage::WebSocket(socket) = &mut connection.stage
            && socket.terms.may_fall_behind
        {
            if let Some(number) = number {
                connection.miss(id, number, &mut self.notices);
                return Sent::Full;
            }
            if connection.outbox.queued() + piece.len() <= 2 * bytes_max {
                queue(connection, id, piece, self.now.instant, &mut self.dirty);
                return Sent::Queued;
            }
        }
        self.notices.push_back(Notice::TooSlow(id));
        self.cut_off += 1;
        // At once: what still fits must not follow what was left out.
        let reason = "too slow: what waited for this reader exceeded its budget";
        self.close(id, TOO_SLOW, reason);
        Sent::Gone
    }

    /// Queues a piece of a streamed answer.
    fn push_to_stream(&mut self, id: ConnId, piece: &Piece) -> Sent {
        let sent = self.push_within_budget(id, piece, None);
        let pause_bytes = self.settings.pause_bytes;
        match self.get_mut(id) {
            Some(connection)
                if sent == Sent::Queued && connection.outbox.queued() >= pause_bytes =>
            {
                connection.full = true;
                Sent::Full
            }
            _ => sent,
        }
    }

    /// Has the end of the turn look at `id`, whether or not it has something to say.
    pub(crate) fn mark(&mut self, id: ConnId) {
        if let Some(connection) = named(&mut self.connections, id) {
            mark(connection, id, &mut self.dirty);
        }
    }

    /// Sees to it that `id` is asked at its nearest deadline.
    #[inline]
    pub(crate) fn arm(&mut self, id: ConnId) {
        let Some(connection) = named(&mut self.connections, id) else {
            return;
        };
        let due = connection.deadline(&self.settings.waits);
        if due < connection.armed {
            connection.armed = due;
            self.deadlines.arm(id, due);
        }
    }

    /// Writes a response, or the head of a streamed one. Nothing if the app has aborted the request.
    pub(crate) fn respond(&mut self, id: ConnId, mut exchange: Exchange, response: &Response) {
        let draining = self.draining;
        let Some(connection) = self.get_mut(id) else {
            return;
        };
        if !matches!(connection.stage, Stage::Http(_)) {
            return;
        }
        exchange.keep_alive &= !(draining || connection.ended && connection.rest.is_empty());
        let date = *self.date.at(self.now.unix_ms);
        let (writer, piece) = self
            .blocks
            .write(|out| http::respond(&mut exchange, response, &date, out));
        self.push(id, piece);
        let Some(Connection {
            stage: Stage::Http(http),
            ..
        }) = self.get_mut(id)
        else {
            return;
        };
        let call = Call {
            id,
            number: http.number,
        };
        if writer.is_done() {
            self.answered(id, exchange.keep_alive);
        } else {
            http.turn = Turn::Streaming(exchange, writer);
        }
        if matches!(response.content(), Body::Stream { .. }) {
            self.notices.push_back(Notice::Drained(call));
        }
    }

    /// An answer is complete: on to the next request, or to the end.
    fn answered(&mut self, id: ConnId, keep_alive: bool) {
        let now = self.now.instant;
        let Some(connection) = self.get_mut(id) else {
            return;
        };
        connection.full = false;
        match &mut connection.stage {
            Stage::Http(http) if keep_alive => {
                http.turn = Turn::Reading;
                http.begun = false;
                http.number = http.number.wrapping_add(1);
                connection.heard = now;
                if connection.paused {
                    self.ready.push(id);
                }
            }
            _ => self.begin_closing(id),
        }
    }

    /// The last word is queued: once it has left, wait for the peer's end.
    pub(crate) fn begin_closing(&mut self, id: ConnId) {
        let now = self.now.instant;
        let Some(connection) = self.get_mut(id) else {
            return;
        };
        connection.stage = Stage::Closing(Closing::new());
        connection.since = now;
        connection.rest = Vec::new();
        if connection.paused {
            connection.paused = false;
            self.effects.push(Effect::Read(id));
        }
        self.mark(id);
        self.arm(id);
    }

    /// Becomes a WebSocket if the handshake is right. Nothing if the app has aborted the request.
    pub(crate) fn upgrade(
        &mut self,
        id: ConnId,
        exchange: Exchange,
        handshake: Result<Accepted, Refused>,
        granted: Upgrade,
    ) {
        let is_asked = |it: &Connection| matches!(it.stage, Stage::Http(_));
        if !self.get(id).is_some_and(is_asked) {
            return;
        }
        let accepted = match handshake {
            Ok(accepted) if !self.draining => accepted,
            Ok(_) => {
                return self.respond(
                    id,
                    Exchange::BROKEN,
                    &Response::refusal(
                        Status::SERVICE_UNAVAILABLE,
                        "the server is going away, come again",
                    ),
                );
            }
            Err(refused) => return self.refuse_upgrade(id, exchange, refused),
        };
        let protocol = granted.protocol.as_deref().filter(|chosen| {
            let is_offered = accepted.protocols.iter().any(|offered| offered == chosen);
            if !is_offered {
                log::error!("the subprotocol '{chosen}' was not offered, so it is not spoken");
            }
            is_offered
        });
        let terms = self.terms.of(&granted);
        let (_, piece) = self
            .blocks
            .write(|out| accepted.write(protocol, granted.head.fields(), out));
        self.push(id, piece);
        let Some(connection) = self.get_mut(id) else {
            return;
        };
        connection.stage = Stage::WebSocket(WebSocket {
            session: Session::new(ws::Role::Server, accepted.agreed),
            terms,
            unanswered: 0,
            hearing: Hearing::All,
            held: false,
        });
        if connection.paused {
            self.ready.push(id);
        }
        self.notices.push_back(Notice::Opened(id, granted.tag));
    }

    fn refuse_upgrade(&mut self, id: ConnId, exchange: Exchange, refused: Refused) {
        self.respond(id, exchange, &upgrade::refusal(refused));
    }
}

fn encode(blocks: &mut Blocks, frame: impl FnOnce(&mut Vec<u8>)) -> Piece {
    blocks
        .write(frame)
        .1
        .expect("a frame has at least two bytes")
}

/// The connection of that name. A slot alone may be another's by now.
#[inline]
pub(crate) fn named(connections: &mut Slab<Connection>, id: ConnId) -> Option<&mut Connection> {
    connections
        .get_mut(id.slot())
        .filter(|it| it.generation == id.generation)
}

/// The request's own stage, if `call` is a streamed answer under way.
fn streaming(
    connections: &mut Slab<Connection>,
    call: Call,
) -> Option<(&mut Exchange, &mut BodyWriter)> {
    match &mut named(connections, call.id)?.stage {
        Stage::Http(Http {
            number,
            turn: Turn::Streaming(exchange, writer),
            ..
        }) if *number == call.number => Some((exchange, writer)),
        _ => None,
    }
}

#[inline]
pub(crate) fn open_socket(
    connections: &mut Slab<Connection>,
    id: ConnId,
) -> Option<&mut WebSocket> {
    match connections.get_mut(id.slot()) {
        Some(Connection {
            generation,
            stage: Stage::WebSocket(socket),
            ..
        }) if *generation == id.generation && socket.session.is_open() => Some(socket),
        _ => None,
    }
}

#[inline]
fn queue(
    connection: &mut Connection,
    id: ConnId,
    piece: &Piece,
    now: Instant,
    dirty: &mut Vec<ConnId>,
) {
    // From now on something waits for the peer.
    if connection.outbox.is_empty() {
        connection.moved = now;
    }
    connection.outbox.push(piece);
    mark(connection, id, dirty);
}

/// The blocked too: nothing is written for them, but what is queued has to settle.
#[inline]
fn mark(connection: &mut Connection, id: ConnId, dirty: &mut Vec<ConnId>) {
    if !connection.dirty {
        connection.dirty = true;
        dirty.push(id);
    }
}

/// The smaller of what is there.
pub(crate) fn nearest<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
