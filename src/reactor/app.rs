//! # App: what upper floors implement
//!
//! The engine calls an [`App`] with what has arrived; the app answers at once, or later through
//! [`Net`], which it is handed at every call and may use to speak to any connection.
//!
//! Promises to an app
//! 1. `opened` comes once for each accepted upgrade, then messages, then `closed` once.
//! 2. A request that was answered with [`Answer::Later`] or with a stream either is answered, or
//!    `aborted` comes once for it, and nothing after that.
//! 3. The pieces of a body that is taken as a [`Reception::Stream`] come in order, each once; behind
//!    the last comes `request`, or before it `aborted` once.
//! 4. `drained` comes once when a streamed answer has begun, and whenever it has room again after it
//!    was full. Where nobody takes a stream, as with HEAD, [`Net::write`] then says
//!    [`Gone`](crate::reactor::Sent::Gone).
//! 5. A WebSocket that may fall behind gets each broadcast or, from one on, none of them;
//!    `fell_behind` names this one, before the app is called for anything else. `has_room` comes
//!    once after it, and whenever there is room again after [`Net::send`] said
//!    [`Full`](crate::reactor::Sent::Full).

use std::time::Duration;

use crate::ground::time::Instant;
use crate::http::{Fault, Head, Response, Status, Trailers};
use crate::reactor::net::Net;
use crate::reactor::token::{Call, ConnId};
use crate::ws::{Limits, Message};

/// What a request of ordinary size may carry when an app does not say otherwise: 1 MiB.
pub const BODY_BYTES_MAX: u64 = 1 << 20;

/// A whole request, as an app sees it.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Method, target and fields.
    pub head: Head<'a>,
    /// The whole body; empty where there was none, or where it came in pieces.
    pub body: &'a [u8],
    /// Fields that came after a chunked body.
    pub trailers: Trailers<'a>,
}

/// What to do with a body that is announced.
#[derive(Debug)]
pub enum Reception {
    /// Take it, up to so many bytes, and hand it over with the request.
    Collect {
        /// A longer one is refused with 413.
        bytes_max: u64,
    },
    /// Hand over each piece as it comes, with [`App::body`], and the request without a body when the
    /// last is there. An app that is slower than its peer says [`Net::pause`]; one that has heard
    /// enough answers at once, with [`Net::answer`].
    Stream {
        /// A longer one is refused with 413, when it is announced or when it has come so far.
        bytes_max: u64,
    },
    /// Answer this instead, and end the connection.
    Refuse(Response),
}

/// What an app says to a request.
#[derive(Debug)]
pub enum Answer {
    /// This. A response with a streamed body is continued with [`Net::write`] and [`Net::end`].
    Respond(Response),
    /// Become a WebSocket, if the request rightly asks for that. Else it gets 400 or 426.
    Upgrade(Upgrade),
    /// Wait: [`Net::answer`] will say.
    Later,
}

impl From<Response> for Answer {
    fn from(response: Response) -> Self {
        Self::Respond(response)
    }
}

/// How to become a WebSocket.
#[derive(Clone, Debug)]
pub struct Upgrade {
    /// The subprotocol to answer with. One that the client did not offer is left out, as if none had
    /// been chosen, and an error is logged: a client has to fail a connection that speaks something
    /// it did not ask for.
    pub protocol: Option<String>,
    /// What a message may measure.
    pub limits: Limits,
    /// Whatever the app wants to be told again when the connection is open.
    pub tag: u64,
    /// When too much waits for this reader it is not cut off but misses what is broadcast, and the
    /// app hears of it: [`App::fell_behind`].
    pub may_fall_behind: bool,
    /// Says a text when all is quiet, instead of pings: how often, and which.
    pub(crate) heartbeat: Option<(Duration, String)>,
    /// Holds the fields that the answer has besides those of the handshake.
    pub(crate) head: Response,
}

impl Upgrade {
    /// An upgrade with default limits; `tag` comes back in [`App::opened`].
    pub fn new(tag: u64) -> Self {
        Self {
            protocol: None,
            limits: Limits::default(),
            tag,
            may_fall_behind: false,
            heartbeat: None,
            head: Response::new(Status::SWITCHING_PROTOCOLS),
        }
    }

    /// The same with messages of up to `bytes`.
    pub fn message_bytes_max(mut self, bytes: usize) -> Self {
        self.limits.message_bytes_max = bytes;
        self.limits.frame_bytes_max = bytes;
        self
    }

    /// The same with a subprotocol.
    pub fn protocol(mut self, protocol: impl Into<String>) -> Self {
        self.protocol = Some(protocol.into());
        self
    }

    /// The same, with a reader that may fall behind.
    pub const fn may_fall_behind(mut self) -> Self {
        self.may_fall_behind = true;
        self
    }

    /// The same with a heartbeat that a page can hear, which pings it cannot: whenever the server has
    /// said nothing, or heard nothing, for `every`, it says `text`, or a little before, so that not
    /// all do at once. Any frame answers it. Of two in a row that nobody answers the app hears by
    /// [`App::unanswered`], and the connection is closed. The server sends no pings there, and answers
    /// the peer's.
    pub fn heartbeat_text(mut self, every: Duration, text: impl Into<String>) -> Self {
        self.heartbeat = Some((every, text.into()));
        self
    }

    /// The same with another field in the answer, such as `Set-Cookie`, by the rules of
    /// [`Response::field`]. Those of the handshake itself are left out.
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        let ours = ["upgrade", "connection", "sec-websocket-"];
        let is_ours = |ours: &&str| {
            let start = name.get(..ours.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(ours))
        };
        if !ours.iter().any(is_ours) {
            self.head.push_field(name, value.as_ref());
        }
        self
    }
}

/// What is built on the reactor.
pub trait App {
    /// A request with a body has begun: is the body wanted? `call` is what `request` will name it.
    fn reception(&mut self, call: Call, head: &Head<'_>, net: &mut Net) -> Reception {
        let _ = (call, head, net);
        Reception::Collect {
            bytes_max: BODY_BYTES_MAX,
        }
    }

    /// The next piece of a body that is taken as a [`Reception::Stream`]: what one read brought, or
    /// less, and never empty.
    fn body(&mut self, call: Call, bytes: &[u8], net: &mut Net) {
        let _ = (call, bytes, net);
    }

    /// The body of a request breaks a rule, such as how long it may be: what its sender is answered,
    /// after which the connection ends. A body that is taken in pieces is `aborted` then.
    fn broken(&mut self, call: Call, head: &Head<'_>, fault: Fault, net: &mut Net) -> Response {
        let _ = (call, head, net);
        Response::refusal(fault.status(), fault.reason())
    }

    /// A whole request is here. `call` names it for a later answer.
    fn request(&mut self, call: Call, request: &Request<'_>, net: &mut Net) -> Answer;

    /// A streamed answer has room for more.
    fn drained(&mut self, call: Call, net: &mut Net) {
        let _ = (call, net);
    }

    /// A request that waited, a streamed answer, or a body that came in pieces ended with its
    /// connection.
    fn aborted(&mut self, call: Call, net: &mut Net) {
        let _ = (call, net);
    }

    /// The peer has ended its side while it is owed an answer, or gets one in pieces. It may still be
    /// reading, as somebody who sends all there is and then waits; who listens to a stream without an
    /// end has most likely gone. Comes at most once for a request.
    fn hung_up(&mut self, call: Call, net: &mut Net) {
        let _ = (call, net);
    }

    /// A WebSocket is open. `tag` is that of the [`Upgrade`].
    fn opened(&mut self, id: ConnId, tag: u64, net: &mut Net) {
        let _ = (id, tag, net);
    }

    /// A message has come.
    fn message(&mut self, id: ConnId, message: Message<'_>, net: &mut Net) {
        let _ = (id, message, net);
    }

    /// So much waits for this WebSocket that it has not been given a broadcast, nor any since: it is
    /// deaf to them until [`Net::hear`]. `missed` is the number of the first that it did not get (see
    /// [`Net::broadcast_numbered`]), 0 for one without. What is said with [`Net::send`] still reaches
    /// it; [`App::has_room`] is when to go on with that.
    fn fell_behind(&mut self, id: ConnId, missed: u64, net: &mut Net) {
        let _ = (id, missed, net);
    }

    /// A deaf WebSocket has taken most of what waited for it: time to say what it missed, until
    /// [`Net::send`] says [`Full`](crate::reactor::Sent::Full).
    fn has_room(&mut self, id: ConnId, net: &mut Net) {
        let _ = (id, net);
    }

    /// Nobody has answered two [heartbeats](Upgrade::heartbeat_text) in a row: time for a last word.
    /// The connection is closed behind it, with code 4008 if the app chooses no other.
    fn unanswered(&mut self, id: ConnId, net: &mut Net) {
        let _ = (id, net);
    }

    /// Somebody has come to an address where bytes are spoken as they are
    /// ([`Address::Plain`](crate::reactor::driver::listeners::Address::Plain)). What it says comes as
    /// [`message`](Self::message), a read at a time and [`Binary`](Message::Binary), however it was cut
    /// by its sender; it is answered with [`Net::send`], ended with [`Net::close`], and `closed` comes
    /// in the end. Whoever is not expected is sent away, as here.
    fn connected(&mut self, id: ConnId, net: &mut Net) {
        net.close(id, 1000, "nobody speaks plain bytes here");
    }

    /// A WebSocket has ended: with the peer's code, or without a word (`None`).
    fn closed(&mut self, id: ConnId, code: Option<u16>, net: &mut Net) {
        let _ = (id, code, net);
    }

    /// Another thread has rung the [`Bell`](crate::reactor::driver::Bell).
    fn woken(&mut self, net: &mut Net) {
        let _ = net;
    }

    /// The loop begins, said once, before anybody is served.
    fn started(&mut self, net: &mut Net) {
        let _ = net;
    }

    /// The server is about to stop, said once: WebSockets are closed behind what is said here, and
    /// no upgrade is granted any more.
    fn stopping(&mut self, net: &mut Net) {
        let _ = net;
    }

    /// When the app wants to be told about time.
    fn deadline(&self) -> Option<Instant> {
        None
    }

    /// That time has come.
    fn elapsed(&mut self, net: &mut Net) {
        let _ = net;
    }
}
