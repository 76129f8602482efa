//! # Heartbeat: whether a silent WebSocket is still there
//!
//! Its peer is asked for a sign of life: with pings, one of which may stay without an answer for as
//! long as between two; or with a text, which a page can hear and answer, and by which it knows that
//! the server is there.
//!
//! Promises
//! 1. Where a text is agreed on, the server says something at least so often.
//! 2. Who answers nothing, not the next either where it is a text, is ended. Any frame is an answer.
//!    Of one whose input is held none is expected.
//! 3. Nothing is done for a message that comes or goes: the deadline of a connection comes up, is
//!    compared with when it last heard and said something, and goes in again.
//!
//! Never knows: what the text means.

use std::rc::Rc;

use crate::ground::time::Instant;
use crate::reactor::app::App;
use crate::reactor::connection::Connection;
use crate::reactor::engine::{Effect, Engine};
use crate::reactor::net::{Net, open_socket};
use crate::reactor::settings::Waits;
use crate::reactor::stage::{Stage, WebSocket};
use crate::reactor::terms::Heartbeat;
use crate::reactor::token::ConnId;
use crate::ws::Message;

/// The close code for who answers no heartbeat.
const IDLE: u16 = 4008;
/// Heartbeats are spread over the last quarter of their time, in so many steps.
const STEPS: u32 = 16;

impl Connection {
    /// When an open WebSocket is next asked for a sign of life, or given up.
    pub(crate) fn next_sign(&self, heartbeat: Option<&Heartbeat>, waits: &Waits) -> Instant {
        let heard = self.heard.max(self.since);
        match heartbeat {
            None => heard + waits.heartbeat,
            // What it has not taken yet is something said; that it takes nothing has its own deadline.
            Some(_) if self.blocked => Instant::NEVER,
            Some(heartbeat) => {
                let early = heartbeat.every / 4 * (self.generation % STEPS) / STEPS;
                // What waits here leaves at the end of this turn.
                let said = if self.outbox.is_empty() {
                    self.moved
                } else {
                    Instant::NEVER
                };
                heard.min(said) + (heartbeat.every - early)
            }
        }
    }
}

impl Net {
    /// Asks the WebSocket `id` for a sign of life.
    fn beat(&mut self, id: ConnId) {
        let Self {
            connections,
            blocks,
            seed,
            ..
        } = self;
        let Some(WebSocket { session, terms, .. }) = open_socket(connections, id) else {
            return;
        };
        let terms = Rc::clone(terms);
        if let Some(heartbeat) = &terms.heartbeat {
            self.send(id, Message::Text(&heartbeat.text));
        } else {
            let (_, piece) = blocks.write(|out| session.ping(b"", seed, out));
            self.push(id, piece);
        }
    }
}

impl<A: App> Engine<A> {
    /// An open WebSocket has been silent for as long as it may.
    pub(crate) fn ask_for_a_sign(&mut self, id: ConnId) {
        let now = self.net.now.instant;
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        let Stage::WebSocket(socket) = &mut connection.stage else {
            return;
        };
        match (&socket.terms.heartbeat, socket.unanswered) {
            // Whatever it answers is not heard.
            _ if socket.held => {
                connection.since = now;
                self.net.beat(id);
            }
            (None, 1..) => return self.bury(id, Effect::Reset(id)),
            (Some(_), 2..) => {
                self.app.unanswered(id, &mut self.net);
                self.net.close(id, IDLE, "no heartbeat was answered");
            }
            _ => {
                socket.unanswered += 1;
                connection.since = now;
                self.net.beat(id);
            }
        }
        self.net.arm(id);
    }
}
