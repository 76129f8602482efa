//! # WebSocket: a frame, from its bytes to the app
//!
//! The stage `WebSocket`: what the session makes of input, and its own replies. And the stage `Plain`,
//! where bytes are all that there is.

use super::{Engine, Flow};
use crate::reactor::app::App;
use crate::reactor::net::Net;
use crate::reactor::stage::Stage;
use crate::reactor::token::ConnId;
use crate::ws::{self, Event, Message};

impl<A: App> Engine<A> {
    /// Hands over bytes as they are.
    pub(super) fn hear_bytes(&mut self, id: ConnId, input: &[u8]) -> Flow {
        self.app.message(id, Message::Binary(input), &mut self.net);
        Flow::Used(input.len())
    }

    /// Handles the next frame, or the part of it that is there.
    #[inline]
    pub(super) fn hear_frame(&mut self, id: ConnId, input: &mut [u8]) -> Flow {
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
        socket.unanswered = 0;
        let (step, reply) = blocks.write(|out| {
            socket
                .session
                .decode(input, &socket.terms.limits, deflate, seed, out)
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
}
