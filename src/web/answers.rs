//! # Answers: from what a handler gives to what the reactor is told
//!
//! Errors get their face and answers pass the hooks here, on their way out; those that promise
//! something wait until it is true.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

use super::consumer::Opening;
use super::error::Error;
use super::error_page;
use super::guard::User;
use super::helper::{Busy, Pending};
use super::reply::Reply;
use super::request::Request;
use super::seats::{Asked, Guest, HouseWait};
use super::service::{Leaving, Newcomer, Parked, Service, told};
use super::stream::{Feed, Streaming};
use crate::http::{Body, Response, Status};
use crate::reactor::{self, Answer, Call, Net, Upgrade};

impl<S: 'static> Service<S> {
    /// Turns what was said into what the reactor is told.
    pub(super) fn settle(
        &mut self,
        call: Call,
        mut request: Request,
        reply: Reply<S>,
        net: &mut Net,
    ) -> Answer {
        match reply {
            Reply::Respond(response) => self.leave(call, request, response, None, net),
            Reply::Stream(Streaming { response, feed }) => {
                self.leave(call, request, response, Some(feed), net)
            }
            Reply::Nothing => {
                let response = Response::new(Status::NO_CONTENT);
                self.leave(call, request, response, None, net)
            }
            Reply::Fail(error) => {
                let response = self.face(&mut request, error, net);
                self.leave(call, request, response, None, net)
            }
            Reply::Wait(Pending { errand, go_on }) => {
                let ticket = self.ticket();
                match errand(&mut self.desk.helpers, ticket) {
                    Ok(()) => {
                        self.park(
                            ticket,
                            Parked::Request {
                                call,
                                request,
                                go_on,
                            },
                        );
                        Answer::Later
                    }
                    Err(busy) => self.settle(call, request, Reply::Fail(busy.into()), net),
                }
            }
            Reply::Accept(opening) => self.accept(call, request, opening, net),
        }
    }

    /// What is left to do when whoever asked has gone: to wait on, to store, to tell the log.
    pub(super) fn settle_unheard(
        &mut self,
        call: Call,
        mut request: Request,
        reply: Reply<S>,
        net: &mut Net,
    ) {
        let response = match reply {
            Reply::Wait(Pending { errand, go_on }) => {
                let ticket = self.ticket();
                match errand(&mut self.desk.helpers, ticket) {
                    Ok(()) => {
                        let parked = Parked::Request {
                            call,
                            request,
                            go_on,
                        };
                        self.parked.insert(ticket, parked);
                        return;
                    }
                    Err(busy) => self.face(&mut request, busy.into(), net),
                }
            }
            Reply::Fail(error) => self.face(&mut request, error, net),
            Reply::Respond(response) | Reply::Stream(Streaming { response, .. }) => response,
            Reply::Nothing => Response::new(Status::NO_CONTENT),
            Reply::Accept(_) => return,
        };
        let middleware = Rc::clone(&self.middleware);
        let mut cx = self.cx(&mut request, net);
        let hooked = catch_unwind(AssertUnwindSafe(|| {
            let hooks = middleware.iter().rev();
            hooks.fold(response, |response, it| it.response(&mut cx, response));
        }));
        if let Err(panic) = hooked {
            log::error!("a hook panicked: {}", told(&*panic));
        }
        self.hold_unheard(request);
    }

    /// What was held is done also where nobody hears that it is.
    pub(super) fn hold_unheard(&mut self, mut request: Request) {
        for wait in request.held.drain(..).rev() {
            let (errand, done) = wait.into_parts();
            self.desk.waits.push(Asked::House(HouseWait {
                errand,
                go_on: Box::new(move |_, outcome| {
                    if let Ok(Err(error)) = outcome.map(done) {
                        log::error!("nobody hears that something was not stored: {error}");
                    }
                }),
            }));
        }
    }

    /// An answer passes the hooks on its way out.
    fn leave(
        &mut self,
        call: Call,
        mut request: Request,
        response: Response,
        feed: Option<Box<dyn Feed<S>>>,
        net: &mut Net,
    ) -> Answer {
        let middleware = Rc::clone(&self.middleware);
        let mut cx = self.cx(&mut request, net);
        let hooked = catch_unwind(AssertUnwindSafe(|| {
            middleware
                .iter()
                .rev()
                .fold(response, |response, it| it.response(&mut cx, response))
        }));
        match hooked {
            Ok(response) => self.hold(call, request, Leaving { response, feed }, net),
            Err(panic) => {
                let response = self.face(&mut request, Error::internal(told(&*panic)), net);
                Answer::Respond(response)
            }
        }
    }

    /// An answer waits for what it says to be true.
    pub(super) fn hold(
        &mut self,
        call: Call,
        mut request: Request,
        leaving: Leaving<S>,
        net: &mut Net,
    ) -> Answer {
        let Some(wait) = request.held.pop() else {
            return self.say(call, &request, leaving);
        };
        let ticket = self.ticket();
        let (errand, done) = wait.into_parts();
        match errand(&mut self.desk.helpers, ticket) {
            Ok(()) => {
                self.park(
                    ticket,
                    Parked::Answer {
                        call,
                        request,
                        leaving,
                        done,
                    },
                );
                Answer::Later
            }
            Err(Busy) => Answer::Respond(self.face(&mut request, Busy.into(), net)),
        }
    }

    fn say(&mut self, call: Call, request: &Request, leaving: Leaving<S>) -> Answer {
        let Leaving { response, feed } = leaving;
        // A hook may have put another answer in the place of a stream.
        if let (Some(feed), Body::Stream { .. }) = (feed, response.content()) {
            let user = request.carried::<User>().map(|user| user.0.clone());
            self.beginning.insert(call, user);
            self.seats.take(call, Guest::Feed(feed));
        }
        Answer::Respond(response)
    }

    /// Writes an error of ours to the log, under an id that the client gets too.
    pub(super) fn note(&mut self, error: Error, what: &str) -> Error {
        let Some(cause) = error.cause() else {
            return error;
        };
        self.errors += 1;
        let id = format!("E{:x}-{}", self.errors_since, self.errors);
        log::error!("{id}: {what}: {cause}");
        error.known_as(&id)
    }

    /// The answer to an error: what a hook makes of it, or the plain one. One that is ours gets an
    /// id, and the log has the rest under it.
    pub(super) fn face(&mut self, request: &mut Request, error: Error, net: &mut Net) -> Response {
        let what = format!("{} {}", request.method(), request.path());
        let error = self.note(error, &what);
        let middleware = Rc::clone(&self.middleware);
        let mut cx = self.cx(request, net);
        let hooked = catch_unwind(AssertUnwindSafe(|| {
            middleware
                .iter()
                .rev()
                .find_map(|it| it.exception(&mut cx, &error))
        }));
        match hooked {
            Ok(Some(response)) => error.dress(response),
            Ok(None) => error_page::answer(request, &error),
            Err(panic) => {
                log::error!("an exception hook panicked: {}", told(&*panic));
                error_page::answer(request, &error)
            }
        }
    }

    /// Grants an upgrade whose handshake is right, so that what is kept for it will be opened.
    fn accept(
        &mut self,
        call: Call,
        request: Request,
        opening: Opening<S>,
        net: &mut Net,
    ) -> Answer {
        if let Some(refusal) = reactor::upgrade_refusal(&request.head()) {
            return self.leave(call, request, refusal, None, net);
        }
        let Opening { consumer, protocol } = opening;
        let asked = catch_unwind(AssertUnwindSafe(|| {
            let mut upgrade = Upgrade::new(0).message_bytes_max(consumer.message_bytes_max());
            upgrade.may_fall_behind = consumer.may_fall_behind();
            if let Some((every, text)) = consumer.heartbeat() {
                upgrade = upgrade.heartbeat_text(every, text);
            }
            (upgrade, consumer.intercepts())
        }));
        let (mut upgrade, intercepts) = match asked {
            Ok(asked) => asked,
            Err(panic) => {
                let error = Error::internal(told(&*panic));
                return self.settle(call, request, Reply::Fail(error), net);
            }
        };
        let user = request.carried::<User>().map(|user| user.0.clone());
        upgrade.tag = self.opening.insert((
            call,
            Newcomer {
                consumer,
                user,
                intercepts,
            },
        )) as u64;
        Answer::Upgrade(match protocol {
            Some(protocol) => upgrade.protocol(protocol),
            None => upgrade,
        })
    }
}
