//! # Engine: the whole server as a state machine
//!
//! A driver feeds it what the world did and carries out what it wants: [`Engine::begin`] a turn,
//! any number of inputs, [`Engine::go_on`], [`Engine::elapse`], [`Engine::flush`],
//! [`Engine::take_effects`], then wait for [`Engine::sleep`]. The laws are in the room's header.

use std::io::{self, ErrorKind, IoSlice};
use std::time::Duration;

use crate::ground::seed::Seed;
use crate::ground::time::{Instant, Now};
use crate::http::{self, BodyLength, Ended, Exchange, Head, Response, Status, Trailers};
use crate::reactor::app::{Answer, App, Reception, Request};
use crate::reactor::connection::{Connection, Peer};
use crate::reactor::net::{Net, Notice, nearest};
use crate::reactor::settings::Settings;
use crate::reactor::stage::{Http, Stage, Taker, Turn, Upgrading, Upload};
use crate::reactor::token::{Call, ConnId};
use crate::reactor::upgrade;
use crate::ws::{self, Event, Message};

/// What the engine wants of its driver, besides what [`Engine::flush`] writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Input of this connection is wanted again: read if something is there.
    Read(ConnId),
    /// Shut our side: the peer is to see the end when it has read everything.
    HalfClose(ConnId),
    /// Close. The name means nobody from now on.
    Close(ConnId),
    /// Close without a word: the peer is too slow even for that.
    Reset(ConnId),
}

/// How far handling got with some input.
enum Flow {
    /// So many bytes are consumed; there may be more to do.
    Used(usize),
    /// So many bytes are consumed, and nothing can be done with the rest now.
    Stop(usize),
}

/// The server without its sockets: connections, stages, deadlines, and the app on top.
#[derive(Debug)]
pub struct Engine<A> {
    app: A,
    net: Net,
}

impl<A: App> Engine<A> {
    /// An engine without connections. All of its chance comes from `seed`.
    pub fn new(app: A, settings: Settings, seed: u64) -> Self {
        Self {
            app,
            net: Net::new(settings, Seed::new(seed)),
        }
    }

    /// The app.
    pub const fn app(&self) -> &A {
        &self.app
    }

    /// Ends the engine, and gives back the app, which has heard of the end of every connection.
    pub fn into_app(mut self) -> A {
        for id in self.ids() {
            self.bury(id, Effect::Close(id));
            self.tell_notices();
        }
        self.app
    }

    /// The connections, for a driver that has something to tell them.
    pub const fn net(&self) -> &Net {
        &self.net
    }

    // ---------------------------------------------------------------- inputs

    /// A turn begins. All of it happens at this moment.
    pub fn begin(&mut self, now: Now) {
        assert!(now.instant >= self.net.now.instant, "time does not go back");
        self.net.now = now;
    }

    /// A peer has connected. Nothing if there is no place for it.
    pub fn accepted(&mut self, peer: Peer) -> Option<ConnId> {
        if self.net.draining || self.net.connections.len() >= self.net.settings.connections_max {
            return None;
        }
        let id = self.net.insert(peer);
        self.net.arm(id);
        Some(id)
    }

    /// Bytes have come. Whether more of them are wanted now; if not, [`Effect::Read`] will say so.
    #[inline]
    pub fn received(&mut self, id: ConnId, input: &mut [u8]) -> bool {
        let now = self.net.now.instant;
        let Some(connection) = self.net.get_mut(id) else {
            return false;
        };
        connection.heard = now;
        if connection.rest.is_empty() && !connection.paused {
            let used = self.handle(id, input);
            if used < input.len()
                && let Some(connection) = self.net.get_mut(id)
                && !matches!(connection.stage, Stage::Closing(_) | Stage::Buried)
            {
                connection.rest = input[used..].to_vec();
            }
        } else {
            connection.rest.extend_from_slice(input);
            if !connection.paused {
                self.digest(id);
            }
        }
        self.look_up(id)
    }

    /// The peer will send no more.
    pub fn ended(&mut self, id: ConnId) {
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        connection.ended = true;
        if !connection.paused {
            self.input_is_over(id);
        }
        self.tell_notices();
    }

    /// The peer has ended its side, as the transport knows before everything in front of that is
    /// read. Says something only to an app that owes an answer: everybody else reads on.
    pub fn hung_up(&mut self, id: ConnId) {
        let Some(connection) = self.net.get(id) else {
            return;
        };
        let number = match &connection.stage {
            Stage::Http(Http {
                number,
                turn: Turn::Awaiting(_) | Turn::Streaming(..),
                ..
            }) => *number,
            Stage::Upgrading(upgrading) => upgrading.http.number,
            _ => return,
        };
        self.app.hung_up(Call { id, number }, &mut self.net);
        self.tell_notices();
    }

    /// The transport is broken: nothing can be said or heard any more.
    pub fn failed(&mut self, id: ConnId) {
        self.bury(id, Effect::Close(id));
        self.tell_notices();
    }

    /// The transport takes bytes again.
    pub fn writable(&mut self, id: ConnId) {
        let now = self.net.now.instant;
        if let Some(connection) = self.net.get_mut(id)
            && connection.blocked
        {
            connection.blocked = false;
            // There is room because the peer has taken something: it lives.
            connection.heard = now;
            if let Stage::WebSocket(socket) = &connection.stage
                && socket.session.awaits_close()
            {
                connection.since = now;
            }
            self.net.mark(id);
            self.net.arm(id);
        }
    }

    /// Another thread has something for the app.
    pub fn woken(&mut self) {
        self.app.woken(&mut self.net);
        self.tell_notices();
    }

    /// Goes on with input that waited for an answer or for room.
    pub fn go_on(&mut self) {
        let mut ready = std::mem::take(&mut self.net.ready);
        for id in ready.drain(..) {
            let pause_bytes = self.net.settings.pause_bytes;
            let Some(connection) = self.net.get_mut(id) else {
                continue;
            };
            if !connection.paused || !connection.may_go_on(pause_bytes) {
                continue;
            }
            connection.paused = false;
            // A body may be over though nothing is left of it.
            if !connection.rest.is_empty() || connection.is_receiving() {
                self.digest(id);
            }
            if self.look_up(id) {
                self.net.effects.push(Effect::Read(id));
            }
            if self.net.get(id).is_some_and(|it| it.ended && !it.paused) {
                self.input_is_over(id);
                self.tell_notices();
            }
        }
        self.tell_notices();
        // Whoever became ready meanwhile has its turn in the next round.
        ready.append(&mut self.net.ready);
        self.net.ready = ready;
    }

    /// Does what time has come for.
    pub fn elapse(&mut self) {
        let now = self.net.now.instant;
        if self.app.deadline().is_some_and(|at| at <= now) {
            self.app.elapsed(&mut self.net);
            // An upgrade that was granted is told before its connection can end below.
            self.tell_notices();
        }
        if self.net.deadlines.next().is_some_and(|at| at <= now) {
            let mut due = Vec::new();
            self.net.deadlines.elapse(now, &mut due);
            for (id, at) in due {
                self.overdue(id, at);
                self.tell_notices();
            }
        }
    }

    /// Stops: takes no more connections, lets the app say its last words, ends idle ones, lets
    /// answers finish, says 1001.
    pub fn shut_down(&mut self) {
        if !std::mem::replace(&mut self.net.draining, true) {
            self.app.stopping(&mut self.net);
            self.tell_notices();
        }
        for id in self.ids() {
            let now = self.net.now.instant;
            let linger = self.net.settings.waits.linger;
            let Some(connection) = self.net.get_mut(id) else {
                continue;
            };
            match &connection.stage {
                Stage::Http(http) => {
                    let idle = matches!(http.turn, Turn::Reading)
                        && http.receiver.idle()
                        && connection.rest.is_empty();
                    // The last answer may still be on its way, and a close over the next request
                    // would take it along.
                    let told = http.number == 0 || connection.heard + linger <= now;
                    if idle && told && connection.outbox.is_empty() {
                        self.bury(id, Effect::Close(id));
                    } else if idle {
                        self.net.begin_closing(id);
                    }
                }
                Stage::WebSocket(_) => self.net.close(id, 1001, "the server is going away"),
                Stage::Upgrading(_) | Stage::Closing(_) | Stage::Buried => {}
            }
        }
        self.tell_notices();
    }

    fn ids(&self) -> Vec<ConnId> {
        let connections = self.net.connections.iter();
        connections.map(|(slot, it)| it.id(slot)).collect()
    }

    // ---------------------------------------------------------------- effects

    /// Writes everything that the turn has to say: `write` is called once for each connection that
    /// has something, again while it takes all that it is given.
    pub fn flush(&mut self, mut write: impl FnMut(ConnId, &[IoSlice<'_>]) -> io::Result<usize>) {
        let mut dirty = std::mem::take(&mut self.net.dirty);
        for id in dirty.drain(..) {
            let now = self.net.now.instant;
            let Some(connection) = self.net.get_mut(id) else {
                continue;
            };
            connection.dirty = false;
            let mut broken = false;
            while !connection.outbox.is_empty() && !connection.blocked && !broken {
                let mut offered = 0;
                let written = connection.outbox.show(|slices| {
                    offered = slices.iter().map(|slice| slice.len()).sum();
                    write(id, slices)
                });
                match written {
                    Ok(0) => broken = true,
                    Ok(sent) => {
                        connection.outbox.advance(sent);
                        connection.moved = now;
                        // A short write means that the transport is full: asking again is a
                        // system call that says just that.
                        connection.blocked = sent < offered;
                    }
                    Err(error) if error.kind() == ErrorKind::WouldBlock => {
                        connection.blocked = true;
                    }
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) => broken = true,
                }
            }
            if broken {
                self.failed(id);
            } else {
                self.has_spoken(id);
            }
        }
        // What was said meanwhile, by apps that were told of it, waits for the next turn.
        dirty.append(&mut self.net.dirty);
        self.net.dirty = dirty;
        self.net.blocks.end_turn();
        self.tell_notices();
    }

    /// Hands over what else is to be done. Connections that are closed by it are gone.
    pub fn take_effects(&mut self, into: &mut Vec<Effect>) {
        into.append(&mut self.net.effects);
        for effect in &*into {
            if let Effect::Close(id) | Effect::Reset(id) = *effect
                && self.net.get(id).is_some()
            {
                self.net.connections.remove(id.slot());
            }
        }
    }

    /// How long the driver may wait for the world; for ever if nothing is due.
    pub fn sleep(&self) -> Option<Duration> {
        if !self.net.dirty.is_empty() || !self.net.ready.is_empty() || !self.net.effects.is_empty()
        {
            return Some(Duration::ZERO);
        }
        nearest(self.net.deadlines.next(), self.app.deadline())
            .map(|at| at.since(self.net.now.instant))
    }

    /// Gives back memory that only a past rush needed.
    pub fn shrink(&mut self) {
        self.net.connections.shrink_to_fit();
        self.net.blocks.shrink();
        self.net.dirty.shrink_to(64);
        self.net.ready.shrink_to(64);
    }

    /// Asserts what must hold between two turns.
    pub fn check(&self) {
        for (slot, connection) in &self.net.connections {
            connection.outbox.check();
            assert!(
                !matches!(connection.stage, Stage::Buried),
                "slot {slot} is gone"
            );
            assert!(
                connection.outbox.is_empty() || connection.blocked || connection.dirty,
                "slot {slot} has something to say and nobody will look at it"
            );
            assert!(
                connection.armed < Instant::NEVER
                    || connection.deadline(&self.net.settings.waits) == Instant::NEVER,
                "slot {slot} has a deadline that nobody waits for"
            );
            if let Stage::WebSocket(socket) = &connection.stage {
                socket.session.check();
            }
        }
    }

    // ---------------------------------------------------------------- handling input

    /// Handles as much of `input` as can be now; how much that was.
    #[inline]
    fn handle(&mut self, id: ConnId, input: &mut [u8]) -> usize {
        let pause_bytes = self.net.settings.pause_bytes;
        let mut used = 0;
        loop {
            let Some(connection) = self.net.get_mut(id) else {
                return input.len();
            };
            // A body may be over, or refused, without another byte of input.
            let may_end = used == input.len() && !connection.is_receiving();
            if may_end || !connection.may_go_on(pause_bytes) {
                return used;
            }
            let flow = match &connection.stage {
                Stage::WebSocket(_) => self.hear_frame(id, &mut input[used..]),
                Stage::Http(_) => self.hear_request(id, &mut input[used..]),
                _ => self.overhear(id, input.len() - used),
            };
            self.tell_notices();
            match flow {
                Flow::Used(more) => used += more,
                Flow::Stop(more) => return used + more,
            }
        }
    }

    /// Handles input that was kept.
    fn digest(&mut self, id: ConnId) {
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        let mut rest = std::mem::take(&mut connection.rest);
        let used = self.handle(id, &mut rest);
        if used == rest.len() {
            return;
        }
        if let Some(connection) = self.net.get_mut(id)
            && !matches!(connection.stage, Stage::Closing(_) | Stage::Buried)
        {
            rest.drain(..used);
            connection.rest = rest;
        }
    }

    /// After input was handled: may more be read?
    #[inline]
    fn look_up(&mut self, id: ConnId) -> bool {
        self.tell_notices();
        let pause_bytes = self.net.settings.pause_bytes;
        let Some(connection) = self.net.get_mut(id) else {
            return false;
        };
        let go_on = connection.may_go_on(pause_bytes);
        connection.paused = !go_on;
        self.net.arm(id);
        go_on
    }

    /// Everything that the peer sent is handled, and no more will come.
    fn input_is_over(&mut self, id: ConnId) {
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        match &mut connection.stage {
            Stage::Http(http) => match &http.turn {
                Turn::Reading | Turn::Receiving(_) => match http.receiver.ended() {
                    Ended::Clean if connection.outbox.is_empty() => {
                        self.bury(id, Effect::Close(id));
                    }
                    Ended::Clean => self.net.begin_closing(id),
                    Ended::CutShort => {
                        let response =
                            Response::refusal(Status::BAD_REQUEST, "the request was cut short");
                        self.refuse(id, &response);
                    }
                },
                Turn::Awaiting(_) | Turn::Streaming(..) => {}
            },
            Stage::Upgrading(_) => {}
            Stage::WebSocket(_) => {
                self.depart(id, None);
                self.net.begin_closing(id);
            }
            Stage::Closing(closing) if closing.shut => self.bury(id, Effect::Close(id)),
            Stage::Closing(_) | Stage::Buried => {}
        }
    }

    // ---------------------------------------------------------------- HTTP

    /// Handles the next part of a request. A function of its own also in the machine's code: within
    /// `handle` it would cost each frame some instructions.
    #[inline(never)]
    fn hear_request(&mut self, id: ConnId, input: &mut [u8]) -> Flow {
        let Net {
            connections,
            settings,
            now,
            ..
        } = &mut self.net;
        let connection = &mut connections[id.slot()];
        let Stage::Http(http) = &mut connection.stage else {
            return Flow::Stop(0);
        };
        let available = input.len();
        match http.receiver.decode(input, &settings.http) {
            http::Step::Head { used, head, body } => {
                let exchange = Exchange::from(&head);
                if matches!(body, BodyLength::None) {
                    let request = Request {
                        head,
                        body: &[],
                        trailers: Trailers::default(),
                    };
                    self.ask(id, exchange, &request);
                } else {
                    connection.since = now.instant;
                    self.receive_body(id, exchange, &head, body, used < available);
                }
                Flow::Used(used)
            }
            http::Step::Body { used, bytes } => {
                let number = http.number;
                if let Turn::Receiving(upload) = &mut http.turn {
                    upload.bytes += bytes.len() as u64;
                    match &mut upload.taker {
                        Taker::Memory(body) => body.extend_from_slice(bytes),
                        Taker::App => self.app.body(Call { id, number }, bytes, &mut self.net),
                    }
                }
                Flow::Used(used)
            }
            http::Step::End { used, trailers } => {
                let turn = std::mem::take(&mut http.turn);
                if let Turn::Receiving(upload) = turn {
                    let body = match upload.taker {
                        Taker::Memory(body) => body,
                        Taker::App => Vec::new(),
                    };
                    let request = Request {
                        head: Head::rebind(&upload.head, upload.shape),
                        body: &body,
                        trailers,
                    };
                    self.ask(id, upload.exchange, &request);
                }
                Flow::Used(used)
            }
            http::Step::More { used } => {
                if matches!(http.turn, Turn::Reading) && !http.begun {
                    http.begun = true;
                    connection.since = now.instant;
                }
                Flow::Stop(used)
            }
            http::Step::Broken(fault) => {
                let response = Response::refusal(fault.status(), fault.reason());
                self.refuse(id, &response);
                Flow::Stop(available)
            }
        }
    }

    /// A request with a body has begun: asks the app whether it wants the body.
    fn receive_body(
        &mut self,
        id: ConnId,
        exchange: Exchange,
        head: &Head<'_>,
        body: BodyLength,
        has_begun: bool,
    ) {
        let Some(Connection {
            stage: Stage::Http(http),
            ..
        }) = self.net.get_mut(id)
        else {
            return;
        };
        // In place before the app is asked, so that it can hold or end the body at once.
        http.turn = Turn::Receiving(Box::new(Upload {
            exchange,
            head: head.bytes().to_vec(),
            shape: head.shape(),
            bytes: 0,
            taker: Taker::Memory(Vec::new()),
            held: None,
        }));
        let call = Call {
            id,
            number: http.number,
        };
        let reception = self.app.reception(call, head, &mut self.net);
        let Some(Connection {
            stage:
                Stage::Http(Http {
                    receiver,
                    turn: Turn::Receiving(upload),
                    ..
                }),
            ..
        }) = self.net.get_mut(id)
        else {
            return;
        };
        let bytes_max = match reception {
            Reception::Collect { bytes_max } => bytes_max,
            Reception::Stream { bytes_max } => {
                upload.taker = Taker::App;
                bytes_max
            }
            Reception::Refuse(response) => {
                let last = exchange.last();
                return self.net.respond(id, last, &response);
            }
        };
        receiver.body_bytes_max(bytes_max);
        let fits = !matches!(body, BodyLength::Length(length) if length > bytes_max);
        if head.expects_continue() && !has_begun && fits {
            let (_, piece) = self
                .net
                .blocks
                .write(|out| out.extend_from_slice(http::CONTINUE));
            self.net.push(id, piece);
        }
    }

    /// Hands a whole request to the app.
    fn ask(&mut self, id: ConnId, exchange: Exchange, request: &Request<'_>) {
        let Some(Connection {
            stage: Stage::Http(http),
            ..
        }) = self.net.get_mut(id)
        else {
            return;
        };
        http.begun = false;
        let call = Call {
            id,
            number: http.number,
        };
        let answer = self.app.request(call, request, &mut self.net);
        match answer {
            Answer::Respond(response) => self.net.respond(id, exchange, &response),
            Answer::Upgrade(granted) => {
                let handshake = upgrade::handshake(&request.head, &self.net.settings.deflate);
                self.net.upgrade(id, exchange, handshake, granted);
            }
            Answer::Later => self.await_answer(id, exchange, request),
        }
    }

    fn await_answer(&mut self, id: ConnId, exchange: Exchange, request: &Request<'_>) {
        let deflate = self.net.settings.deflate;
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        let Stage::Http(http) = &mut connection.stage else {
            return;
        };
        http.turn = Turn::Awaiting(exchange);
        if request.head.wants_upgrade_to("websocket") {
            let http = std::mem::take(http);
            let handshake = upgrade::handshake(&request.head, &deflate);
            connection.stage = Stage::Upgrading(Box::new(Upgrading {
                http,
                exchange,
                handshake,
            }));
        }
    }

    // ---------------------------------------------------------------- WebSocket

    /// Handles the next frame, or the part of it that is there.
    #[inline]
    fn hear_frame(&mut self, id: ConnId, input: &mut [u8]) -> Flow {
        let available = input.len();
        let Net {
            connections,
            blocks,
            deflate,
            seed,
            ..
        } = &mut self.net;
        let Stage::WebSocket(socket) = &mut connections[id.slot()].stage else {
            return Flow::Stop(0);
        };
        socket.pinged = false;
        let (step, reply) = blocks.write(|out| {
            socket
                .session
                .decode(input, &socket.limits, deflate, seed, out)
        });
        if reply.is_some() {
            self.net.push(id, reply);
        }
        match step {
            ws::Step::Event { used, event } => {
                match event {
                    Event::Text(text) => {
                        self.app.message(id, Message::Text(&text), &mut self.net);
                    }
                    Event::Binary(bytes) => {
                        self.app.message(id, Message::Binary(&bytes), &mut self.net);
                    }
                    Event::Ping(_) | Event::Pong(_) => {}
                    Event::Closed { code, .. } => {
                        self.depart(id, code);
                        self.net.begin_closing(id);
                    }
                }
                Flow::Used(used)
            }
            ws::Step::More => Flow::Stop(available),
            ws::Step::Broken(_) => {
                self.depart(id, None);
                self.net.begin_closing(id);
                Flow::Stop(available)
            }
        }
    }

    // ---------------------------------------------------------------- ends

    /// Answers a broken request and ends its connection. An app that has begun with it hears that it
    /// comes no further.
    fn refuse(&mut self, id: ConnId, response: &Response) {
        if let Some(Connection {
            stage: Stage::Http(http),
            ..
        }) = self.net.get_mut(id)
            && std::mem::take(&mut http.turn).concerns_app()
        {
            let call = Call {
                id,
                number: http.number,
            };
            self.app.aborted(call, &mut self.net);
        }
        self.net.respond(id, Exchange::BROKEN, response);
    }

    /// Tells the app that what it knows of `id` has ended. The stage is over with it.
    fn depart(&mut self, id: ConnId, code: Option<u16>) {
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        match std::mem::replace(&mut connection.stage, Stage::Buried) {
            Stage::WebSocket(_) => self.app.closed(id, code, &mut self.net),
            Stage::Http(http) if http.turn.concerns_app() => {
                let call = Call {
                    id,
                    number: http.number,
                };
                self.app.aborted(call, &mut self.net);
            }
            Stage::Upgrading(upgrading) => {
                self.app.aborted(
                    Call {
                        id,
                        number: upgrading.http.number,
                    },
                    &mut self.net,
                );
            }
            Stage::Http(_) | Stage::Closing(_) | Stage::Buried => {}
        }
    }

    /// The end of a connection: the app hears of it, the driver will be told.
    fn bury(&mut self, id: ConnId, how: Effect) {
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        if matches!(connection.stage, Stage::Buried) {
            return;
        }
        connection.outbox.clear();
        connection.rest = Vec::new();
        self.depart(id, None);
        self.net.effects.push(how);
    }

    /// What was queued has left, or all of it that the transport takes now.
    #[inline]
    fn has_spoken(&mut self, id: ConnId) {
        let pause_bytes = self.net.settings.pause_bytes;
        let now = self.net.now.instant;
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        if connection.blocked {
            connection.outbox.settle();
            self.net.arm(id);
            return;
        }
        if let Stage::Closing(closing) = &mut connection.stage
            && !closing.shut
        {
            closing.shut = true;
            connection.since = now;
            if connection.ended {
                self.bury(id, Effect::Close(id));
            } else {
                self.net.effects.push(Effect::HalfClose(id));
                self.net.arm(id);
            }
            return;
        }
        if connection.paused && connection.may_go_on(pause_bytes) {
            self.net.ready.push(id);
        } else if connection.full {
            connection.full = false;
            if let Stage::Http(http) = &connection.stage {
                let call = Call {
                    id,
                    number: http.number,
                };
                self.net.notices.push_back(Notice::Drained(call));
            }
        }
    }

    /// Throws away what comes after the last word was said, up to a bound.
    fn overhear(&mut self, id: ConnId, bytes: usize) -> Flow {
        if let Some(Connection {
            stage: Stage::Closing(closing),
            ..
        }) = self.net.get_mut(id)
        {
            match closing.patience_bytes.checked_sub(bytes) {
                Some(patience_bytes) => closing.patience_bytes = patience_bytes,
                None => self.bury(id, Effect::Close(id)),
            }
        }
        Flow::Stop(bytes)
    }

    /// Asks a connection whose entry has come up what it is due for.
    fn overdue(&mut self, id: ConnId, at: Instant) {
        let now = self.net.now.instant;
        let waits = self.net.settings.waits;
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        if connection.armed != at {
            return;
        }
        connection.armed = Instant::NEVER;
        if connection.deadline(&waits) > now {
            return self.net.arm(id);
        }
        if connection.blocked && connection.moved + waits.stalled <= now {
            return self.bury(id, Effect::Reset(id));
        }
        match &mut connection.stage {
            Stage::Http(http) => match &http.turn {
                Turn::Reading
                    if !http.begun || http.receiver.idle() && connection.rest.is_empty() =>
                {
                    self.bury(id, Effect::Close(id));
                }
                _ => {
                    let response = Response::refusal(
                        Status::REQUEST_TIMEOUT,
                        "the request did not arrive in time",
                    );
                    self.refuse(id, &response);
                }
            },
            Stage::WebSocket(socket) if socket.session.is_open() && !socket.pinged => {
                socket.pinged = true;
                connection.since = now;
                self.net.ping(id);
                self.net.arm(id);
            }
            Stage::WebSocket(_) => self.bury(id, Effect::Reset(id)),
            Stage::Upgrading(_) | Stage::Closing(_) | Stage::Buried => {
                self.bury(id, Effect::Close(id));
            }
        }
    }

    /// Tells the app what could not be told while it was being called.
    #[inline]
    fn tell_notices(&mut self) {
        if !self.net.notices.is_empty() {
            self.tell_all_notices();
        }
    }

    #[cold]
    fn tell_all_notices(&mut self) {
        while let Some(notice) = self.net.notices.pop_front() {
            match notice {
                Notice::Opened(id, tag) => self.app.opened(id, tag, &mut self.net),
                Notice::Drained(call) => self.app.drained(call, &mut self.net),
                Notice::TooSlow(id) => self.cut_off(id),
            }
        }
    }

    /// A reader let too much pile up. What is queued and the last word may still reach it.
    fn cut_off(&mut self, id: ConnId) {
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        match &connection.stage {
            Stage::WebSocket(_) => {
                self.depart(id, None);
                self.net.begin_closing(id);
            }
            // A stream that misses a piece must not end as if it were whole, even where its app has
            // said its end meanwhile.
            Stage::Http(_) | Stage::Closing(_) => self.bury(id, Effect::Reset(id)),
            Stage::Upgrading(_) | Stage::Buried => {}
        }
    }
}
