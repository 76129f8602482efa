//! # Consumers: one object per WebSocket
//!
//! What an app's author is told about them stands at [`Consumer`]; how they are called is in `guests`.
//!
//! Promises
//! 1. Nobody but the consumer that asked goes on with what it waited for.
//! 2. What is not a request for a WebSocket never reaches `connect`.

use std::any::Any;
use std::time::Duration;

use serde_json::Value;

use super::cx::{Cx, House};
use super::error::Error;
use super::event::Event;
use super::handler::Handler;
use super::helper::{Busy, Wait};
use super::reply::Reply;
use super::seats::{Asked, GuestGoOn, GuestWait};
use super::timer::Tick;
use crate::http::Status;
use crate::layer::{Channel, Refusal};
use crate::reactor::{Call, Sent, upgrade_refusal};
use crate::ws::Message;

/// What the request's own context is called when a consumer decides about it.
///
/// The request is at hand only then: what is needed of it later is kept by the consumer.
///
/// ```
/// use parlour::client::Socket;
/// use parlour::http::Status;
/// use parlour::web::{App, Connect, Consumer, Live, Running, Scope};
/// use parlour::ws::Message;
///
/// #[derive(Default)]
/// struct Talker {
///     room: String,
/// }
///
/// /// The state is which rooms there are.
/// impl Consumer<Vec<String>> for Talker {
///     fn connect(&mut self, scope: &mut Scope<'_, Vec<String>>) -> Connect {
///         self.room = scope.request.param("room").unwrap_or_default();
///         match scope.state.contains(&self.room) {
///             true => Connect::Accept,
///             false => Connect::Reject(Status::NOT_FOUND, "there is no such room".into()),
///         }
///     }
///
///     fn opened(&mut self, live: &mut Live<'_, Vec<String>>) {
///         live.send(&format!("this is the {}", self.room));
///     }
///
///     fn receive(&mut self, _: Message<'_>, _: &mut Live<'_, Vec<String>>) {}
/// }
///
/// let any = "127.0.0.1:0".parse()?;
/// let running = Running::start(&[any], || {
///     App::new(vec!["kitchen".to_owned()]).consumer("/rooms/{room}", Talker::default)
/// })?;
/// let rooms = running.addresses()[0].to_string().replacen("http", "ws", 1) + "/rooms";
/// let greeting = Socket::connect(&format!("{rooms}/kitchen"))?.read()?;
/// assert_eq!(greeting.unwrap().text(), Some("this is the kitchen"));
/// assert!(Socket::connect(&format!("{rooms}/attic")).is_err());
/// # running.stop()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub type Scope<'a, S> = Cx<'a, S>;

/// Whether a connection is taken.
///
/// ```
/// use parlour::http::Status;
/// use parlour::web::{Connect, Scope};
///
/// fn connect(scope: &Scope<'_, ()>) -> Connect {
///     match scope.user() {
///         None => Connect::Reject(Status::FORBIDDEN, "sign in first".into()),
///         Some(_) if scope.request.offers_protocol("chat.v2") => Connect::Protocol("chat.v2".into()),
///         Some(_) => Connect::Accept,
///     }
/// }
/// # let _ = connect;
/// ```
#[derive(Debug)]
pub enum Connect {
    /// Yes.
    Accept,
    /// Yes, with this subprotocol, which must be one of those that were offered.
    Protocol(String),
    /// No, and why.
    Reject(Status, String),
}

/// What happens on one WebSocket.
///
/// A consumer decides whether a connection is taken, and then hears what arrives on it and what is
/// said to its groups. There is one for each connection: it is made when the request comes and dropped
/// after `disconnect`, so that its fields are what is remembered of the connection. Where a page and
/// its WebSocket are one thing, a function under [`accept_websocket`](super::accept_websocket) may say
/// it more simply.
///
/// ```
/// use parlour::web::{App, Consumer, Event, Live};
/// use parlour::ws::Message;
///
/// struct Talker;
///
/// impl Consumer<()> for Talker {
///     fn opened(&mut self, live: &mut Live<'_, ()>) {
///         if live.join("everybody").is_err() {
///             live.close(1013, "there are too many here already");
///         }
///     }
///
///     fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, ()>) {
///         if let Message::Text(text) = message {
///             live.house.group_send("everybody", &Event::new("said", text));
///         }
///     }
///
///     fn disconnect(&mut self, code: Option<u16>, live: &mut Live<'_, ()>) {
///         let left = Event::new("left", format!("somebody left ({code:?})"));
///         live.house.group_send("everybody", &left);
///     }
/// }
///
/// let app = App::new(()).consumer("/talk", || Talker);
/// # drop(app);
/// ```
pub trait Consumer<S>: Any {
    /// Takes the connection or not. Nothing can be said yet: joining and greeting are for
    /// [`Consumer::opened`].
    fn connect(&mut self, scope: &mut Scope<'_, S>) -> Connect {
        let _ = scope;
        Connect::Accept
    }

    /// The connection is open. Whatever is said to a group that is joined here is heard.
    fn opened(&mut self, live: &mut Live<'_, S>) {
        let _ = live;
    }

    /// A message has come.
    fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, S>);

    /// Whether this consumer wants to see events before its client does. If not, which is the
    /// usual case, they go to the client as they are: encoded once for all members of a group.
    fn intercepts(&self) -> bool {
        false
    }

    /// Something was said to this channel or to a group of it, and this consumer intercepts.
    fn event(&mut self, event: &Event, live: &mut Live<'_, S>) {
        live.send(event.text());
    }

    /// Whether a client that takes less than is said to it stays, and misses what is said to its
    /// groups and its user from some event on, instead of being cut off with close code 4002.
    fn may_fall_behind(&self) -> bool {
        false
    }

    /// The client has not been given an event, nor any since: it is deaf to them. `missed` is the
    /// [number](Event::numbered) of that event. Where numbers grow in the order in which events are
    /// said, the client has all that are below it, and none from there on: nothing is lost or doubled
    /// if it is sent these, up to the last that was said so far and no further, and then
    /// [hears](House::hear) again in the same call. It is sent them with [`Live::send`] or
    /// [`House::send_text`], until [`Sent::Full`], and on when [`Consumer::catch_up`] comes, as it does
    /// once after this in any case. Whoever takes nothing at all for half a minute is reset.
    ///
    /// ```
    /// use parlour::reactor::Sent;
    /// use parlour::web::{Consumer, Event, Live};
    /// use parlour::ws::Message;
    ///
    /// /// What is said is kept, and its place is its number.
    /// #[derive(Default)]
    /// struct Patient {
    ///     next: u64,
    /// }
    ///
    /// impl Consumer<Vec<String>> for Patient {
    ///     fn opened(&mut self, live: &mut Live<'_, Vec<String>>) {
    ///         let _ = live.join("all");
    ///     }
    ///
    ///     fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, Vec<String>>) {
    ///         let Message::Text(text) = message else { return };
    ///         let number = live.state.len() as u64;
    ///         live.state.push(text.to_owned());
    ///         live.house.group_send("all", &Event::new("said", text).numbered(number));
    ///     }
    ///
    ///     fn may_fall_behind(&self) -> bool {
    ///         true
    ///     }
    ///
    ///     fn fell_behind(&mut self, missed: u64, _: &mut Live<'_, Vec<String>>) {
    ///         self.next = missed;
    ///     }
    ///
    ///     fn catch_up(&mut self, live: &mut Live<'_, Vec<String>>) {
    ///         while let Some(text) = live.state.get(self.next as usize).cloned() {
    ///             self.next += 1;
    ///             if live.send(&text) == Sent::Full {
    ///                 return;
    ///             }
    ///         }
    ///         live.hear();
    ///     }
    /// }
    /// # let _ = Patient::default();
    /// ```
    fn fell_behind(&mut self, missed: u64, live: &mut Live<'_, S>) {
        let _ = (missed, live);
    }

    /// A client that is deaf to events has taken most of what waited for it: send on what it missed,
    /// until [`Sent::Full`]. Comes once after [`Consumer::fell_behind`] and once after each
    /// [`Sent::Full`].
    fn catch_up(&mut self, live: &mut Live<'_, S>) {
        let _ = live;
    }

    /// How often the client is said something when all is quiet, and what: a heartbeat that a page can
    /// hear and answer, by any message; see [`Upgrade::heartbeat_text`](crate::reactor::Upgrade::heartbeat_text).
    /// Without it there are pings, which browsers answer by themselves.
    fn heartbeat(&self) -> Option<(Duration, String)> {
        None
    }

    /// The client has not answered two heartbeats: time for a last word. The connection is closed
    /// behind it, with code 4008 if no other is chosen here.
    fn unanswered(&mut self, live: &mut Live<'_, S>) {
        let _ = live;
    }

    /// The connection has ended, with the peer's code or without a word. Exactly once after
    /// `opened`. Its groups are left already, and it is its user's no more.
    fn disconnect(&mut self, code: Option<u16>, live: &mut Live<'_, S>) {
        let _ = (code, live);
    }

    /// What a message may measure.
    fn message_bytes_max(&self) -> usize {
        1 << 20
    }
}

/// What a consumer has at hand.
///
/// ```
/// use parlour::client::Socket;
/// use parlour::web::{App, Consumer, Live, Running};
/// use parlour::ws::Message;
///
/// struct Door;
///
/// /// The state is how often anybody has knocked.
/// impl Consumer<u32> for Door {
///     fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, u32>) {
///         if message == Message::Text("knock") {
///             *live.state += 1;
///             let knocks = format!("{} knocks so far", live.state);
///             live.send(&knocks);
///         } else {
///             live.close(1003, "knock, please");
///         }
///     }
/// }
///
/// let any = "127.0.0.1:0".parse()?;
/// let running = Running::start(&[any], || App::new(0).consumer("/door", || Door))?;
/// let door = running.addresses()[0].to_string().replacen("http", "ws", 1) + "/door";
/// let mut socket = Socket::connect(&door)?;
/// socket.write("knock")?;
/// assert_eq!(socket.read()?.unwrap().text(), Some("1 knocks so far"));
/// socket.write("hello?")?;
/// assert_eq!(socket.read()?, None);
/// assert_eq!(socket.closed(), Some((Some(1003), "knock, please")));
/// assert_eq!(running.stop()?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Live<'a, S> {
    /// The app's own.
    pub state: &'a mut S,
    /// Groups, timers and time.
    pub house: House<'a, S>,
    pub(super) call: Call,
}

impl<S> Live<'_, S> {
    /// The connection's name as a channel.
    pub const fn channel(&self) -> Channel {
        Channel(self.call.id.to_bits())
    }

    /// What a timer would have at hand: for functions that serve connections and timers alike.
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

    /// Sends text to the client.
    pub fn send(&mut self, text: &str) -> Sent {
        self.house.net.send(self.call.id, Message::Text(text))
    }

    /// Sends bytes to the client.
    pub fn send_binary(&mut self, bytes: &[u8]) -> Sent {
        self.house.net.send(self.call.id, Message::Binary(bytes))
    }

    /// Sends JSON to the client.
    pub fn send_json(&mut self, value: &Value) -> Sent {
        self.send(&value.to_string())
    }

    /// Has everything that is said to groups pass this client by: see [`House::deafen`].
    pub fn deafen(&mut self) -> bool {
        let channel = self.channel();
        self.house.deafen(channel)
    }

    /// Ends that: see [`House::hear`].
    pub fn hear(&mut self) -> bool {
        let channel = self.channel();
        self.house.hear(channel)
    }

    /// Has what this client says wait: see [`House::hold_input`].
    pub fn hold_input(&mut self) -> bool {
        let channel = self.channel();
        self.house.hold_input(channel)
    }

    /// Ends that: see [`House::release_input`].
    pub fn release_input(&mut self) {
        let channel = self.channel();
        self.house.release_input(channel);
    }

    /// Begins the close handshake, behind all that was said to this channel.
    pub fn close(&mut self, code: u16, reason: &str) {
        let channel = self.channel();
        self.house.close(channel, code, reason);
    }

    /// Has a helper do something, and goes on with what came of it: `go_on` is called with this
    /// consumer, unless it has ended meanwhile: what others are to hear in any case is for
    /// [`House::wait`]. If the queue is full, `go_on` gets `Err(Busy)`; what a database's job gives is
    /// `Ok(Ok(…))` or `Ok(Err(StoreError))`.
    ///
    /// ```
    /// use parlour::web::{Consumer, Live, Wait};
    /// use parlour::ws::Message;
    ///
    /// struct Sums;
    ///
    /// impl Consumer<()> for Sums {
    ///     fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, ()>) {
    ///         let upto = message.bytes().len() as u64;
    ///         live.wait(Wait::on_helper(move || (1..=upto).sum::<u64>()), |_: &mut Self, live, sum| {
    ///             match sum {
    ///                 Ok(sum) => drop(live.send(&sum.to_string())),
    ///                 Err(busy) => live.close(1013, &busy.to_string()),
    ///             }
    ///         });
    ///     }
    /// }
    /// # let _ = Sums;
    /// ```
    pub fn wait<C: Consumer<S>, T: 'static>(
        &mut self,
        wait: Wait<T>,
        go_on: impl FnOnce(&mut C, &mut Live<'_, S>, Result<T, Busy>) + 'static,
    ) {
        let (errand, unpack) = wait.into_parts();
        self.house.desk.waits.push(Asked::Guest(GuestWait {
            call: self.call,
            errand,
            go_on: GuestGoOn::Consumer(Box::new(move |consumer, live, outcome| {
                let consumer = consumer
                    .downcast_mut::<C>()
                    .expect("a consumer waits with a continuation of its own type");
                go_on(consumer, live, outcome.map(unpack));
            })),
        }));
    }
}

/// A handler that makes a consumer for each request, so that guards can stand before it.
///
/// ```
/// use parlour::web::{App, Consumer, Live, consumer, login_required};
/// use parlour::ws::Message;
///
/// struct Echo;
///
/// impl Consumer<()> for Echo {
///     fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, ()>) {
///         live.send_binary(message.bytes());
///     }
/// }
///
/// let app = App::new(()).get("/echo", login_required(consumer(|| Echo)));
/// # drop(app);
/// ```
pub fn consumer<S: 'static, C: Consumer<S>>(make: impl Fn() -> C + 'static) -> impl Handler<S> {
    move |cx: &mut Cx<'_, S>| -> Reply<S> {
        if !cx.request.is_upgrade() {
            // Who asks for a WebSocket in the wrong way is told what is wrong.
            return match upgrade_refusal(&cx.request.head()) {
                Some(refusal) => Reply::of(refusal),
                None => Reply::Fail(Error::new(
                    Status::BAD_REQUEST,
                    "there is only a WebSocket here",
                )),
            };
        }
        let mut consumer = make();
        match consumer.connect(cx) {
            Connect::Accept => Reply::Accept(Opening {
                consumer: Box::new(consumer),
                protocol: None,
            }),
            Connect::Protocol(name) => Reply::Accept(Opening {
                consumer: Box::new(consumer),
                protocol: Some(name),
            }),
            Connect::Reject(status, why) => Reply::Fail(Error::new(status, why)),
        }
    }
}

/// A consumer whose connection is about to open.
///
/// What [`consumer`] and [`accept_websocket`](super::accept_websocket) answer with, if they take the
/// connection. Whoever stands around them can still refuse it:
///
/// ```
/// use parlour::http::Status;
/// use parlour::web::{Cx, Error, Handler, Reply};
///
/// /// Pages for everybody, but not more than five WebSockets for one user.
/// fn few<S: 'static>(inner: impl Handler<S>) -> impl Handler<S> {
///     move |cx: &mut Cx<'_, S>| match (inner.call(cx), cx.user()) {
///         (Reply::Accept(_), Some(user)) if cx.house.user_len(user) >= 5 => {
///             Reply::of(Error::new(Status::TOO_MANY_REQUESTS, "close another window first"))
///         }
///         (reply, _) => reply,
///     }
/// }
/// # let _ = few(|_: &mut Cx<'_, ()>| "a page");
/// ```
pub struct Opening<S> {
    pub(super) consumer: Box<dyn Consumer<S>>,
    pub(super) protocol: Option<String>,
}
