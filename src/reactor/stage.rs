//! # Stage: where in its life a connection is
//!
//! Each stage owns just what that moment needs. What was read but not consumed passes from one to
//! the next: only the engine, which moves a connection between them, knows two of them.

use std::rc::Rc;

use crate::ground::time::Instant;
use crate::http::{BodyWriter, Exchange, HeadShape, Receiver};
use crate::reactor::terms::Terms;
use crate::ws::Session;
use crate::ws::handshake::{Accepted, Refused};

/// Where in its life a connection is. The picture is in the header of the room.
#[derive(Debug)]
pub(crate) enum Stage {
    /// Reading requests and answering them, one after the other.
    Http(Http),
    /// The app has been asked whether the request may become a WebSocket, and will say later.
    Upgrading(Box<Upgrading>),
    /// Speaking frames, until both have said `close` or one has vanished.
    WebSocket(WebSocket),
    /// Bytes as they are, from the first on: what they mean is the app's affair.
    Plain(Plain),
    /// The last word is said, or about to leave; waits for the peer to end.
    Closing(Closing),
    /// Over: the driver will be told to close, and then it is gone.
    Buried,
}

/// Reading requests and answering them.
#[derive(Debug, Default)]
pub(crate) struct Http {
    pub(crate) receiver: Receiver,
    /// How many requests came before: the name of the present one.
    pub(crate) number: u32,
    /// Part of a head is here. A new connection counts as begun: it has to say something.
    pub(crate) begun: bool,
    pub(crate) turn: Turn,
}

/// Whose turn it is to speak.
#[derive(Debug, Default)]
pub(crate) enum Turn {
    /// The peer's: a head is awaited.
    #[default]
    Reading,
    /// The peer's: the rest of a body is awaited.
    Receiving(Box<Upload>),
    /// The app's: it was asked and will answer later.
    Awaiting(Exchange),
    /// The app's: it has begun to answer and writes on.
    Streaming(Exchange, BodyWriter),
}

impl Turn {
    /// Whether the app is at work on the request, and so has to hear of an end that it did not make.
    pub(crate) fn concerns_app(&self) -> bool {
        match self {
            Self::Reading => false,
            Self::Receiving(upload) => matches!(upload.taker, Taker::App),
            Self::Awaiting(_) | Self::Streaming(..) => true,
        }
    }
}

/// A request whose body is still coming. The head stays as bytes and is looked at again.
#[derive(Debug)]
pub(crate) struct Upload {
    pub(crate) exchange: Exchange,
    pub(crate) head: Vec<u8>,
    pub(crate) shape: HeadShape,
    /// How much of the body has come.
    pub(crate) bytes: u64,
    pub(crate) taker: Taker,
    /// Since when the app wants no more of it for now.
    pub(crate) held: Option<Instant>,
}

/// Who gets the pieces of a body.
#[derive(Debug)]
pub(crate) enum Taker {
    /// They are kept here until the body is whole.
    Memory(Vec<u8>),
    /// The app, one by one.
    App,
}

/// An upgrade that the app decides on later: what to answer in either case.
#[derive(Debug)]
pub(crate) struct Upgrading {
    pub(crate) http: Http,
    pub(crate) exchange: Exchange,
    pub(crate) handshake: Result<Accepted, Refused>,
}

/// Speaking frames.
#[derive(Debug)]
pub(crate) struct WebSocket {
    pub(crate) session: Session,
    pub(crate) terms: Rc<Terms>,
    /// How many signs of life were asked for since the peer was last heard of.
    pub(crate) unanswered: u8,
    pub(crate) hearing: Hearing,
    /// Its input waits until the app wants it.
    pub(crate) held: bool,
}

/// Bytes as they are.
#[derive(Debug, Default)]
pub(crate) struct Plain {
    /// The app has ended it, and will be told that it has.
    pub(crate) is_closing: bool,
}

/// Whether a WebSocket gets what is broadcast.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hearing {
    /// All of it.
    All,
    /// Nothing since it had no room for something. The app will hear of that.
    Missed,
    /// Nothing, and the app knows.
    Deaf,
}

/// Waiting for the peer to end.
#[derive(Debug)]
pub(crate) struct Closing {
    /// Our side is shut: everything was said.
    pub(crate) shut: bool,
    /// How much more input is thrown away before patience ends.
    pub(crate) patience_bytes: usize,
    /// Everything had left before: only what is under way has to arrive.
    pub(crate) brief: bool,
}

impl Closing {
    /// A peer that was refused may still be sending its upload. Reading some of it lets the answer
    /// arrive: closing over unread input makes the kernel reset the connection.
    pub(crate) const PATIENCE_BYTES: usize = 1 << 20;

    pub(crate) const fn new() -> Self {
        Self {
            shut: false,
            patience_bytes: Self::PATIENCE_BYTES,
            brief: false,
        }
    }
}
