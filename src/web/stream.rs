//! # Streams: answers that come piece by piece
//!
//! A [`Feed`] writes; it is called like a consumer, see `guests`.
//!
//! Promises
//! 1. Nothing is written behind an end, and an answer that is broken off never looks whole.
//! 2. Nobody but the feed that asked goes on with what it waited for.

use std::any::Any;

use super::cx::House;
use super::event::Event;
use super::helper::{Busy, Wait};
use super::reply::Reply;
use super::seats::{Asked, GuestGoOn, GuestWait};
use super::timer::Tick;
use crate::http::Response;
use crate::layer::{Channel, Refusal};
use crate::reactor::{Call, Sent};

/// What writes a streamed answer.
///
/// It is asked for more whenever the client has taken what there was, and may say more at any time: it
/// is a channel like a WebSocket, and hears what is said to its groups. For Server-Sent Events there is
/// [`events`](super::events).
///
/// ```
/// use parlour::http::Response;
/// use parlour::reactor::Sent;
/// use parlour::web::{Cx, Feed, Flow, Reply, stream};
///
/// /// Writes numbers as fast as they are taken.
/// struct Numbers(u32);
///
/// impl Feed<()> for Numbers {
///     fn more(&mut self, flow: &mut Flow<'_, ()>) {
///         while self.0 < 1_000_000 {
///             self.0 += 1;
///             if flow.write(format!("{}\n", self.0).as_bytes()) != Sent::Queued {
///                 return;
///             }
///         }
///         flow.end();
///     }
/// }
///
/// fn numbers(_: &mut Cx<'_, ()>) -> Reply<()> {
///     stream(Response::text(""), None, Numbers(0))
/// }
/// # let _ = numbers;
/// ```
pub trait Feed<S>: Any {
    /// The client has room: write what there is, until [`Sent::Full`], or leave it for later. Comes
    /// first when the answer has begun.
    fn more(&mut self, flow: &mut Flow<'_, S>);

    /// Something was said to this channel or to a group of it. After [`Sent::Full`] nothing more
    /// should be written before [`Feed::more`] comes: what is said meanwhile is to be remembered, or
    /// found again where it is stored. A feed that keeps to that is never cut off for being too slow;
    /// one that writes on is, when more waits than may.
    fn event(&mut self, event: &Event, flow: &mut Flow<'_, S>) {
        let _ = (event, flow);
    }

    /// The client has ended its side. It may still be reading what is to come; who listens to
    /// something without an end has most likely gone.
    fn hung_up(&mut self, flow: &mut Flow<'_, S>) {
        let _ = flow;
    }

    /// The client has gone before the end. Its groups are left already.
    fn ended(&mut self, flow: &mut Flow<'_, S>) {
        let _ = flow;
    }
}

/// What a feed has at hand.
///
/// ```
/// use parlour::http::Response;
/// use parlour::web::{Cx, Event, Feed, Flow, Reply, stream};
///
/// /// What is said in the kitchen, line by line, until it closes.
/// struct Kitchen;
///
/// /// The state is how many lines were read by anybody.
/// impl Feed<u32> for Kitchen {
///     fn more(&mut self, flow: &mut Flow<'_, u32>) {
///         if flow.join("kitchen").is_err() {
///             flow.abort(); // and not `end`, which would say that this was all
///         }
///     }
///
///     fn event(&mut self, event: &Event, flow: &mut Flow<'_, u32>) {
///         *flow.state += 1;
///         flow.write(format!("{}\n", event.text()).as_bytes());
///         if event.kind() == "closed" {
///             flow.end();
///         }
///     }
///
///     fn hung_up(&mut self, flow: &mut Flow<'_, u32>) {
///         flow.end();
///     }
/// }
///
/// fn listen(_: &mut Cx<'_, u32>) -> Reply<u32> {
///     stream(Response::text(""), None, Kitchen)
/// }
/// # let _ = listen;
/// ```
#[derive(Debug)]
pub struct Flow<'a, S> {
    /// The app's own.
    pub state: &'a mut S,
    /// Groups, timers and time.
    pub house: House<'a, S>,
    pub(super) call: Call,
    /// Nothing more can be said.
    pub(super) over: bool,
}

impl<S> Flow<'_, S> {
    /// The answer's name as a channel: that of its connection, until the answer ends.
    pub const fn channel(&self) -> Channel {
        Channel(self.call.id.to_bits())
    }

    /// What a timer would have at hand: for functions that serve streams and timers alike.
    pub fn tick(&mut self) -> Tick<'_, S> {
        Tick {
            state: self.state,
            house: self.house.again(),
        }
    }

    /// Joins a group.
    pub fn join(&mut self, group: &str) -> Result<bool, Refusal> {
        let channel = self.channel();
        self.house.group_add(group, channel)
    }

    /// Leaves a group.
    pub fn leave(&mut self, group: &str) -> bool {
        let channel = self.channel();
        self.house.group_discard(group, channel)
    }

    /// Writes a piece. [`Sent::Full`] means that it leaves later, and that [`Feed::more`] will say when
    /// there is room.
    pub fn write(&mut self, bytes: &[u8]) -> Sent {
        if self.over {
            return Sent::Gone;
        }
        // Who is cut off here hears of it by `ended`.
        self.house.net.write(self.call, bytes)
    }

    /// Ends the answer: it is whole.
    pub fn end(&mut self) {
        if !self.over {
            self.over = true;
            self.house.net.end(self.call, &[]);
        }
    }

    /// Breaks the answer off: the client sees that something is missing.
    pub fn abort(&mut self) {
        if !self.over {
            self.over = true;
            self.house.net.abort(self.call);
        }
    }

    /// Has a helper do something, and goes on with what came of it, unless the answer has ended
    /// meanwhile. A full queue is told at once, as [`Busy`].
    pub fn wait<F: Feed<S>, T: 'static>(
        &mut self,
        wait: Wait<T>,
        go_on: impl FnOnce(&mut F, &mut Flow<'_, S>, Result<T, Busy>) + 'static,
    ) {
        let (errand, unpack) = wait.into_parts();
        self.house.desk.waits.push(Asked::Guest(GuestWait {
            call: self.call,
            errand,
            go_on: GuestGoOn::Feed(Box::new(move |feed, flow, outcome| {
                let feed = feed
                    .downcast_mut::<F>()
                    .expect("a feed waits with a continuation of its own type");
                go_on(feed, flow, outcome.map(unpack));
            })),
        }));
    }
}

/// An answer whose body a feed writes.
///
/// What [`stream`] and [`events`](super::events) answer with. Whoever stands around a handler can tell it
/// from a page:
///
/// ```
/// use parlour::http::Status;
/// use parlour::web::{Cx, Error, Handler, Reply};
///
/// /// The page for everybody, the news for a thousand listeners at a time.
/// fn bounded<S: 'static>(inner: impl Handler<S>) -> impl Handler<S> {
///     move |cx: &mut Cx<'_, S>| match inner.call(cx) {
///         Reply::Stream(_) if cx.house.group_len("news") >= 1000 => {
///             Reply::of(Error::new(Status::SERVICE_UNAVAILABLE, "too many listen already"))
///         }
///         reply => reply,
///     }
/// }
/// # let _ = bounded(|_: &mut Cx<'_, ()>| "a page");
/// ```
pub struct Streaming<S> {
    pub(super) response: Response,
    pub(super) feed: Box<dyn Feed<S>>,
}

/// Answers with `response` and a body that `feed` writes. With a `length` the body has to have just
/// that many bytes; without, it is as long as it turns out.
///
/// ```
/// use parlour::http::Response;
/// use parlour::web::{Feed, Flow, Reply, stream};
///
/// struct Once;
///
/// impl Feed<()> for Once {
///     fn more(&mut self, flow: &mut Flow<'_, ()>) {
///         flow.write(b"all there is\n");
///         flow.end();
///     }
/// }
///
/// let reply: Reply<()> = stream(Response::text(""), Some(13), Once);
/// # drop(reply);
/// ```
pub fn stream<S>(response: Response, length: Option<u64>, feed: impl Feed<S>) -> Reply<S> {
    Reply::Stream(Streaming {
        response: response.stream(length),
        feed: Box::new(feed),
    })
}
