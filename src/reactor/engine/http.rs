//! # HTTP: a request, from its bytes to the app
//!
//! The stage `Http`: heads and bodies as they come, what the app says to them, and what becomes of a
//! request that breaks the rules.

use super::{Engine, Flow};
use crate::http::{self, BodyLength, Exchange, Head, Response, Trailers};
use crate::reactor::app::{Answer, App, Reception, Request};
use crate::reactor::connection::Connection;
use crate::reactor::net::Net;
use crate::reactor::stage::{Http, Stage, Taker, Turn, Upgrading, Upload};
use crate::reactor::token::{Call, ConnId};
use crate::reactor::upgrade;

impl<A: App> Engine<A> {
    /// Handles the next part of a request. A function of its own also in the machine's code: within
    /// `handle` it would cost each frame some instructions.
    #[inline(never)]
    pub(super) fn hear_request(&mut self, id: ConnId, input: &mut [u8]) -> Flow {
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
                let response = match &http.turn {
                    Turn::Receiving(upload) => {
                        let number = http.number;
                        let (bytes, shape) = (upload.head.clone(), upload.shape);
                        let head = Head::rebind(&bytes, shape);
                        let call = Call { id, number };
                        self.app.broken(call, &head, fault, &mut self.net)
                    }
                    _ => Response::refusal(fault.status(), fault.reason()),
                };
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

    /// Answers a broken request and ends its connection. An app that has begun with it hears that it
    /// comes no further.
    pub(super) fn refuse(&mut self, id: ConnId, response: &Response) {
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
}
