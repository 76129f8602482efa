//! # Answers: what is said to requests
//!
//! An answer at once or later, an upgrade, or the end of a request that gets none; and whether the
//! body that comes with it is wanted now.

use super::{Net, Notice};
use crate::http::{self, Body, Exchange, Response, Status};
use crate::reactor::app::{Answer, Upgrade};
use crate::reactor::connection::Connection;
use crate::reactor::engine::Effect;
use crate::reactor::stage::{Hearing, Stage, Turn, Upgrading, WebSocket};
use crate::reactor::token::{Call, ConnId};
use crate::reactor::upgrade;
use crate::ws::handshake::{Accepted, Refused};
use crate::ws::{self, Session};

impl Net {
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
            Stage::WebSocket(_) | Stage::Plain(_) | Stage::Closing(_) | Stage::Buried => return,
        };
        if number == call.number {
            connection.stage = Stage::Buried;
            connection.outbox.clear();
            connection.rest = Vec::new();
            self.forget(call);
            self.effects.push(Effect::Reset(call.id));
        }
    }

    /// The app is done with `call`: what it was to be told of it is not told any more.
    pub(crate) fn forget(&mut self, call: Call) {
        let is_of_call = |it: &Notice| matches!(it, Notice::Drained(other) if *other == call);
        self.notices.retain(|notice| !is_of_call(notice));
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
    pub(super) fn answered(&mut self, id: ConnId, keep_alive: bool) {
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
