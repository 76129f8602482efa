//! # Engine: the whole server as a state machine
//!
//! A driver feeds it what the world did and carries out what it wants: [`Engine::begin`] a turn,
//! any number of inputs, [`Engine::go_on`], [`Engine::elapse`], [`Engine::flush`],
//! [`Engine::take_effects`], then wait for [`Engine::sleep`]. The laws are in the room's header.
//!
//! Here are the inputs, and the way of what was received to its stage. What a stage makes of it is in
//! `http` and `websocket`, what leaves in `flush`, and how connections go in `ends`.

mod ends;
mod flush;
mod http;
mod websocket;

use std::time::Duration;

use crate::ground::seed::Seed;
use crate::ground::time::{Instant, Now};
use crate::reactor::app::App;
use crate::reactor::connection::Peer;
use crate::reactor::net::{Net, Notice, nearest};
use crate::reactor::settings::Settings;
use crate::reactor::stage::{Http, Plain, Stage, Turn};
use crate::reactor::token::{Call, ConnId};

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
    pub(super) app: A,
    pub(super) net: Net,
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

    /// The first turn has begun, and nobody is here yet.
    pub fn start(&mut self) {
        self.app.started(&mut self.net);
        self.tell_notices();
    }

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
        let begun = true;
        let http = Http {
            begun,
            ..Http::default()
        };
        let id = self.net.insert(peer, Stage::Http(http));
        self.net.arm(id);
        Some(id)
    }

    /// The same where bytes are spoken as they are, without HTTP in front of them.
    pub fn accepted_plain(&mut self, peer: Peer) -> Option<ConnId> {
        if self.net.draining || self.net.connections.len() >= self.net.settings.connections_max {
            return None;
        }
        let id = self.net.insert(peer, Stage::Plain(Plain::default()));
        self.app.connected(id, &mut self.net);
        self.tell_notices();
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

    fn ids(&self) -> Vec<ConnId> {
        let connections = self.net.connections.iter();
        connections.map(|(slot, it)| it.id(slot)).collect()
    }

    // ---------------------------------------------------------------- effects

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
        self.net.shared.shrink();
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
                Stage::Plain(_) => self.hear_bytes(id, &input[used..]),
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
                Notice::TooSlow(id) | Notice::Ended(id) => self.cut_off(id),
                Notice::FellBehind(id, missed) => {
                    if self.net.admit_deafness(id) {
                        self.app.fell_behind(id, missed, &mut self.net);
                    }
                }
                Notice::HasRoom(id) => {
                    if self.net.may_be_fed(id) {
                        self.app.has_room(id, &mut self.net);
                    }
                }
            }
        }
    }
}
