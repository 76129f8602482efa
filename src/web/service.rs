//! # Service: an app put together, as the reactor sees it
//!
//! Takes a request through middleware, router, guards and handler to its answer, and keeps those
//! that wait for a helper. How an answer leaves is in [`answers`](super::answers), what happens to
//! connections that stay in [`guests`](super::guests).
//!
//! Promises
//! 1. A request is answered once, or was ended by its peer.
//! 2. What a handler waits for comes back to it, also if whoever asked has gone; other things that
//!    are waited for come back to whoever waits, or to nobody if it ended.
//! 3. What an app panics over costs one answer or one connection.

use std::any::Any;
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;
use std::sync::mpsc::Receiver;

use slab::Slab;

use super::app::{MakeConsumer, Parts, ServeError};
use super::assets::Assets;
use super::consumer::Consumer;
use super::cx::{Cx, Desk, House};
use super::error::Error;
use super::helper::{Outcome, Unpack};
use super::intakes::Receiving;
use super::middleware::Middleware;
use super::middleware::order::in_order;
use super::nano;
use super::pages::Pages;
use super::remote::Act;
use super::reply::{GoOn, Reply};
use super::request::Request;
use super::router::{Found, Router};
use super::seats::{GuestGoOn, HouseGoOn, Seats};
use super::stream::Feed;
use super::timer::{Due, Once, Tick};
use crate::ground::time::Instant;
use crate::http::{Fault, Head, Method, Response, Status};
use crate::reactor::driver::Bell;
use crate::reactor::{self, Answer, Call, ConnId, Net, Reception};
use crate::ws::Message;

/// Acts of other threads that are done in one turn.
const ACTS_A_TURN: usize = 1000;

/// Somebody who waits for a helper.
pub(super) enum Parked<S> {
    /// A handler that goes on then.
    Request {
        call: Call,
        request: Request,
        go_on: GoOn<S, Outcome>,
    },
    /// An answer that must not leave before.
    Answer {
        call: Call,
        request: Request,
        leaving: Leaving<S>,
        done: Unpack<Result<(), String>>,
    },
    /// A form with files that are being written.
    Intake { call: Call },
    /// A consumer or a feed.
    Guest { call: Call, go_on: GuestGoOn<S> },
    /// Nobody in particular.
    House { go_on: HouseGoOn<S> },
}

/// An answer on its way out, and what writes its body.
pub(super) struct Leaving<S> {
    pub(super) response: Response,
    pub(super) feed: Option<Box<dyn Feed<S>>>,
}

/// A consumer whose connection is about to open, and who it is for.
pub(super) struct Newcomer<S> {
    pub(super) consumer: Box<dyn Consumer<S>>,
    pub(super) user: Option<String>,
    pub(super) intercepts: bool,
}

/// An app, put together.
pub(crate) struct Service<S> {
    pub(super) state: S,
    router: Rc<Router<S>>,
    pub(super) middleware: Rc<[Box<dyn Middleware<S>>]>,
    body_bytes_max: u64,
    pub(super) intakes: HashMap<Call, Receiving>,
    pub(super) desk: Desk<S>,
    pub(super) seats: Seats<S>,
    /// Feeds whose answer has not begun, and whose they are.
    pub(super) beginning: HashMap<Call, Option<String>>,
    pub(super) opening: Slab<(Call, Newcomer<S>)>,
    pub(super) parked: HashMap<u64, Parked<S>>,
    waiting: HashMap<Call, u64>,
    tickets: u64,
    /// What other threads want done, if there are any.
    acts: Option<Receiver<Act<S>>>,
    /// Numbers for errors, so that a client can name what the log has.
    pub(super) errors: u64,
    /// Tells the errors of this run from those of others.
    pub(super) errors_since: u64,
    /// What sits at connections of plain bytes.
    plain: Option<MakeConsumer<S>>,
    on_start: Vec<Once<S>>,
    on_stopping: Vec<Once<S>>,
}

impl<S: 'static> Service<S> {
    /// An app that is rung from `outside`, if there is anything, and does the acts that come from
    /// there.
    pub(super) fn new(
        parts: Parts<S>,
        outside: Option<(Bell, Receiver<Act<S>>)>,
    ) -> Result<Self, ServeError> {
        let names = parts.routes.names().map_err(ServeError::Routes)?;
        let assets = Assets::open(parts.mounts).map_err(ServeError::Assets)?;
        let routes = assets.route(parts.routes);
        let pages = Pages::new(names, assets, parts.templates).map_err(ServeError::Templates)?;
        let mut desk = Desk::new(pages, parts.bounds, parts.spill_folder);
        if let Some(nano) = parts.nano {
            nano.furnish(&mut desk.nano);
        }
        let acts = outside.map(|(bell, acts)| {
            desk.helpers.set_bell(bell);
            acts
        });
        Ok(Self {
            state: parts.state,
            router: Rc::new(Router::new(routes).map_err(ServeError::Routes)?),
            middleware: in_order(parts.middleware)
                .map_err(ServeError::Middleware)?
                .into(),
            body_bytes_max: parts.body_bytes_max,
            intakes: HashMap::new(),
            desk,
            seats: Seats::default(),
            beginning: HashMap::new(),
            opening: Slab::new(),
            parked: HashMap::new(),
            waiting: HashMap::new(),
            tickets: 0,
            acts,
            errors: 0,
            errors_since: 0,
            plain: parts.plain,
            on_start: parts.on_start,
            on_stopping: parts.on_stopping,
        })
    }

    /// The app's own, for tests that drive an engine.
    #[cfg(test)]
    pub(crate) const fn state(&self) -> &S {
        &self.state
    }

    /// For how many sessions and heartbeats there is room.
    #[cfg(test)]
    pub(crate) fn nano_room(&self) -> (usize, usize) {
        self.desk.nano.room()
    }

    /// How many sessions there are.
    #[cfg(test)]
    pub(crate) fn sessions_len(&self) -> usize {
        self.desk.nano.sessions_len()
    }

    pub(super) fn into_state(self) -> S {
        self.state
    }

    pub(super) fn cx<'a>(&'a mut self, request: &'a mut Request, net: &'a mut Net) -> Cx<'a, S> {
        let house = House {
            desk: &mut self.desk,
            net,
        };
        Cx {
            state: &mut self.state,
            request,
            house,
        }
    }

    pub(super) fn ticket(&mut self) -> u64 {
        self.tickets += 1;
        self.tickets
    }

    pub(super) fn park(&mut self, ticket: u64, parked: Parked<S>) {
        if let Parked::Request { call, .. } | Parked::Answer { call, .. } = &parked {
            self.waiting.insert(*call, ticket);
        }
        self.parked.insert(ticket, parked);
    }

    /// What becomes of a request that is whole.
    pub(super) fn begin(&mut self, call: Call, mut request: Request, net: &mut Net) -> Answer {
        let reply = self.guarded(|me| me.reply(&mut request, net));
        self.work_off(net);
        let answer = self.settle(call, request, reply, net);
        self.work_off(net);
        answer
    }

    /// What the hooks and the handler say to a new request.
    fn reply(&mut self, request: &mut Request, net: &mut Net) -> Reply<S> {
        let middleware = Rc::clone(&self.middleware);
        let router = Rc::clone(&self.router);
        let mut cx = self.cx(request, net);
        if let Some(reply) = middleware.iter().find_map(|it| it.request(&mut cx)) {
            return reply;
        }
        let method = cx.request.method();
        let handler = match router.find(method, cx.request.path()) {
            Found::Handler { handler, params } => {
                cx.request.params = params;
                handler
            }
            Found::OtherMethods(allow) if method == Method::Options => {
                return Reply::Respond(Response::new(Status::NO_CONTENT).field("Allow", allow));
            }
            Found::OtherMethods(allow) => return Reply::Fail(Error::method_not_allowed(allow)),
            Found::Nothing => return Reply::Fail(Error::not_found()),
        };
        if let Some(reply) = middleware.iter().find_map(|it| it.view(&mut cx)) {
            return reply;
        }
        handler.call(&mut cx)
    }

    /// Calls what an app wrote; a panic is an error like others.
    fn guarded(&mut self, call: impl FnOnce(&mut Self) -> Reply<S>) -> Reply<S> {
        catch_unwind(AssertUnwindSafe(|| call(self)))
            .unwrap_or_else(|panic| Reply::Fail(Error::internal(told(&*panic))))
    }

    /// Calls something that has no request or connection of its own. Nothing comes of a panic.
    pub(super) fn ticked<T>(
        &mut self,
        net: &mut Net,
        what: impl FnOnce(&mut Tick<'_, S>) -> T,
    ) -> Option<T> {
        let house = House {
            desk: &mut self.desk,
            net,
        };
        let mut tick = Tick {
            state: &mut self.state,
            house,
        };
        catch_unwind(AssertUnwindSafe(|| what(&mut tick)))
            .map_err(|panic| {
                log::error!(
                    "a timer, an act, a wait or a hook panicked: {}",
                    told(&*panic)
                )
            })
            .ok()
    }

    /// What a helper has done comes back.
    fn come_back(&mut self, ticket: u64, outcome: Option<Outcome>, net: &mut Net) {
        let unheard = || Error::internal("a helper's job panicked");
        match self.parked.remove(&ticket) {
            Some(Parked::Request {
                call,
                mut request,
                go_on,
            }) => {
                let is_heard = self.waiting.remove(&call).is_some();
                let reply = match outcome {
                    Some(it) => self.guarded(|me| go_on(&mut me.cx(&mut request, net), it)),
                    None => Reply::Fail(unheard()),
                };
                self.work_off(net);
                if is_heard {
                    let answer = self.settle(call, request, reply, net);
                    net.answer(call, answer);
                } else {
                    self.settle_unheard(call, request, reply, net);
                }
            }
            Some(Parked::Answer {
                call,
                mut request,
                leaving,
                done,
            }) => {
                self.waiting.remove(&call);
                let done = match outcome {
                    Some(outcome) => catch_unwind(AssertUnwindSafe(|| done(outcome)))
                        .unwrap_or_else(|panic| Err(told(&*panic)))
                        .map_err(Error::internal),
                    None => Err(unheard()),
                };
                let answer = match done {
                    Ok(()) => self.hold(call, request, leaving, net),
                    Err(error) => Answer::Respond(self.face(&mut request, error, net)),
                };
                net.answer(call, answer);
            }
            Some(Parked::Intake { call }) => self.intake_goes_on(call, outcome, net),
            Some(Parked::Guest { call, go_on }) => self.guest_goes_on(call, go_on, outcome, net),
            Some(Parked::House { go_on }) => match outcome {
                Some(outcome) => drop(self.ticked(net, |tick| go_on(tick, Ok(outcome)))),
                None => log::error!("a helper's job panicked"),
            },
            // Whoever waited has ended.
            None => {}
        }
        self.work_off(net);
    }
}

impl<S: 'static> reactor::App for Service<S> {
    fn reception(&mut self, call: Call, head: &Head<'_>, net: &mut Net) -> Reception {
        if head.path() == "*" {
            let bytes_max = self.body_bytes_max;
            return Reception::Collect { bytes_max };
        }
        let found = self.router.find(head.method(), head.path());
        let (own, is_file) = match &found {
            Found::Handler { handler, .. } => (handler.body_bytes_max(), handler.body_is_file()),
            Found::OtherMethods(_) | Found::Nothing => (None, false),
        };
        let bytes_max = own.unwrap_or(self.body_bytes_max);
        self.take_in(call, head, bytes_max, is_file, net)
    }

    fn broken(&mut self, call: Call, head: &Head<'_>, fault: Fault, net: &mut Net) -> Response {
        let mut request = bodiless(call, head, net);
        let error = Error::new(fault.status(), fault.reason());
        let response = self.face(&mut request, error, net);
        self.work_off(net);
        response
    }

    fn body(&mut self, call: Call, bytes: &[u8], net: &mut Net) {
        self.take_piece(call, bytes, net);
    }

    fn request(&mut self, call: Call, request: &reactor::Request<'_>, net: &mut Net) -> Answer {
        if request.head.path() == "*" {
            let allow = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS";
            return Response::new(Status::NO_CONTENT)
                .field("Allow", allow)
                .into();
        }
        let request = Request::new(&request.head, request.body, peer(call, net));
        self.taken_in(call, request, net)
    }

    fn drained(&mut self, call: Call, net: &mut Net) {
        self.feed_more(call, net);
    }

    fn aborted(&mut self, call: Call, net: &mut Net) {
        if let Some(ticket) = self.waiting.remove(&call) {
            // A handler goes on without whoever asked: what it stores and says to others does not
            // depend on somebody's patience.
            if let Some(Parked::Answer { .. }) = self.parked.get(&ticket)
                && let Some(Parked::Answer { request, .. }) = self.parked.remove(&ticket)
            {
                self.hold_unheard(request);
            }
        }
        self.intakes.remove(&call);
        self.feed_ended(call, net);
    }

    fn hung_up(&mut self, call: Call, net: &mut Net) {
        self.feed_hung_up(call, net);
    }

    fn opened(&mut self, id: ConnId, tag: u64, net: &mut Net) {
        let (call, newcomer) = self.opening.remove(tag as usize);
        debug_assert_eq!(call.id, id, "a tag belongs to one connection");
        self.consumer_opened(call, newcomer, net);
    }

    fn connected(&mut self, id: ConnId, net: &mut Net) {
        let Some(make) = &self.plain else {
            return net.close(id, 1000, "");
        };
        let consumer = make();
        let newcomer = Newcomer {
            intercepts: consumer.intercepts(),
            consumer,
            user: None,
        };
        self.consumer_opened(Call::of(id), newcomer, net);
    }

    fn message(&mut self, id: ConnId, message: Message<'_>, net: &mut Net) {
        self.consume(id, net, |consumer, live| consumer.receive(message, live));
    }

    fn unanswered(&mut self, id: ConnId, net: &mut Net) {
        self.consume(id, net, |consumer, live| consumer.unanswered(live));
    }

    fn fell_behind(&mut self, id: ConnId, missed: u64, net: &mut Net) {
        self.consume(id, net, |consumer, live| consumer.fell_behind(missed, live));
    }

    fn has_room(&mut self, id: ConnId, net: &mut Net) {
        self.consume(id, net, |consumer, live| consumer.catch_up(live));
    }

    fn closed(&mut self, id: ConnId, code: Option<u16>, net: &mut Net) {
        self.consumer_closed(id, code, net);
    }

    fn started(&mut self, net: &mut Net) {
        self.errors_since = net.seed().bits() & 0xff_ffff;
        for then in std::mem::take(&mut self.on_start) {
            self.ticked(net, then);
        }
        if let Some(kit) = self.desk.nano.kit() {
            self.ticked(net, |tick| kit.begin(tick));
        }
        self.work_off(net);
    }

    fn stopping(&mut self, net: &mut Net) {
        if let Some(kit) = self.desk.nano.kit() {
            self.ticked(net, |tick| kit.end(tick));
        }
        for then in std::mem::take(&mut self.on_stopping) {
            self.ticked(net, then);
        }
        self.work_off(net);
    }

    fn woken(&mut self, net: &mut Net) {
        while let Some((ticket, outcome)) = self.desk.helpers.done() {
            self.come_back(ticket, outcome, net);
        }
        if self.desk.nano.has_cluster() {
            self.ticked(net, nano::listen);
        }
        // What is rung for while these are done rings again.
        let acts = self.acts.iter().flat_map(Receiver::try_iter);
        let waiting: Vec<Act<S>> = acts.take(ACTS_A_TURN).collect();
        if waiting.len() == ACTS_A_TURN {
            self.desk.helpers.ring();
        }
        for act in waiting {
            self.ticked(net, act);
        }
        self.work_off(net);
    }

    fn deadline(&self) -> Option<Instant> {
        self.desk.timers.next()
    }

    fn elapsed(&mut self, net: &mut Net) {
        let now = net.now().instant;
        while let Some(due) = self.desk.timers.due(now) {
            let repeated = match &due {
                Due::Once(_) => None,
                Due::Each(timer, _) => Some(*timer),
            };
            let again = self.ticked(net, |tick| match due {
                Due::Once(then) => {
                    then(tick);
                    None
                }
                Due::Each(timer, mut each) => {
                    each(tick);
                    Some((timer, each))
                }
            });
            match again {
                Some(Some((timer, each))) => self.desk.timers.again(now, timer, each),
                Some(None) => {}
                None => {
                    repeated.map(|timer| self.desk.timers.cancel(timer));
                }
            }
        }
        self.work_off(net);
    }
}

/// A request whose body is not here, or not yet.
pub(super) fn bodiless(call: Call, head: &Head<'_>, net: &Net) -> Request {
    Request::new(head, &[], peer(call, net))
}

fn peer(call: Call, net: &Net) -> reactor::Peer {
    net.peer(call.id).unwrap_or(reactor::Peer::Local)
}

/// What a panic said.
pub(super) fn told(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned())
        .map_or_else(|| "a panic".to_owned(), |text| format!("a panic: {text}"))
}
