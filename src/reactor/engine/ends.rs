//! # Ends: how connections go
//!
//! By the peer's end, by a deadline, for being too slow, or because the server stops. Whoever is
//! still owed a word goes through the stage `Closing`; in the end each is buried, once.

use super::{Effect, Engine, Flow};
use crate::ground::time::Instant;
use crate::http::{Ended, Response, Status};
use crate::reactor::app::App;
use crate::reactor::connection::Connection;
use crate::reactor::stage::{Stage, Turn};
use crate::reactor::token::{Call, ConnId};

impl<A: App> Engine<A> {
    /// Stops: takes no more connections, lets the app say its last words, ends idle ones, lets
    /// answers finish, says farewell to WebSockets.
    pub fn shut_down(&mut self) {
        if !std::mem::replace(&mut self.net.draining, true) {
            self.app.stopping(&mut self.net);
            self.tell_notices();
        }
        let (code, reason) = self.net.settings.farewell.clone();
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
                    let all_left = connection.outbox.is_empty();
                    if idle && told && all_left {
                        self.bury(id, Effect::Close(id));
                    } else if idle {
                        self.net.begin_closing(id);
                        if all_left {
                            self.net.be_brief(id);
                        }
                    }
                }
                Stage::WebSocket(_) | Stage::Plain(_) => self.net.close(id, code, &reason),
                Stage::Upgrading(_) | Stage::Closing(_) | Stage::Buried => {}
            }
        }
        self.tell_notices();
    }

    /// Everything that the peer sent is handled, and no more will come.
    pub(super) fn input_is_over(&mut self, id: ConnId) {
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
            Stage::WebSocket(_) | Stage::Plain(_) => {
                self.depart(id, None);
                self.net.begin_closing(id);
            }
            Stage::Closing(closing) if closing.shut => self.bury(id, Effect::Close(id)),
            Stage::Closing(_) | Stage::Buried => {}
        }
    }

    /// Tells the app that what it knows of `id` has ended. The stage is over with it.
    pub(super) fn depart(&mut self, id: ConnId, code: Option<u16>) {
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        match std::mem::replace(&mut connection.stage, Stage::Buried) {
            Stage::WebSocket(_) | Stage::Plain(_) => self.app.closed(id, code, &mut self.net),
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
    pub(in crate::reactor) fn bury(&mut self, id: ConnId, how: Effect) {
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

    /// Throws away what comes after the last word was said, up to a bound.
    pub(super) fn overhear(&mut self, id: ConnId, bytes: usize) -> Flow {
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
    pub(super) fn overdue(&mut self, id: ConnId, at: Instant) {
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
            Stage::WebSocket(socket) if socket.session.is_open() => self.ask_for_a_sign(id),
            Stage::WebSocket(_) => self.bury(id, Effect::Reset(id)),
            Stage::Upgrading(_) | Stage::Plain(_) | Stage::Closing(_) | Stage::Buried => {
                self.bury(id, Effect::Close(id));
            }
        }
    }

    /// A reader let too much pile up. What is queued and the last word may still reach it.
    pub(super) fn cut_off(&mut self, id: ConnId) {
        let Some(connection) = self.net.get_mut(id) else {
            return;
        };
        match &connection.stage {
            Stage::WebSocket(_) | Stage::Plain(_) => {
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
