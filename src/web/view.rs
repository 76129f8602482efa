//! # Views that talk: one function for a page and its WebSocket
//!
//! A view is called as a consumer ([`Viewer`]) that keeps the request, so that the function sees the
//! same one each time.
//!
//! Promises
//! 1. What a view says leaves when it returns, in order, and a close behind it.
//! 2. What it leaves unread is bounded ([`UNREAD_BYTES_MAX`]): beyond that the connection is closed.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use super::consumer::{Consumer, Live, Opening};
use super::cx::Cx;
use super::guard::User;
use super::handler::Handler;
use super::reply::Reply;
use super::request::Request;
use crate::ws::Message;

/// A message, as a view holds it.
///
/// ```
/// use parlour::client::{Incoming, Socket};
/// use parlour::web::{App, Cx, OwnedMessage, Running};
///
/// fn shout(cx: &mut Cx<'_, ()>) {
///     let Some(socket) = cx.request.websocket() else { return };
///     for message in socket.messages() {
///         match message {
///             OwnedMessage::Text(text) => socket.write(text.to_uppercase()),
///             OwnedMessage::Binary(_) => socket.close(1003, "there is nothing to shout in that"),
///         }
///     }
/// }
///
/// let any = "127.0.0.1:0".parse()?;
/// let running = Running::start(&[any], || App::new(()).view("/shout", shout))?;
/// let url = running.addresses()[0].to_string().replacen("http", "ws", 1) + "/shout";
/// let mut socket = Socket::connect(&url)?;
/// socket.write("hello")?;
/// assert_eq!(socket.read()?, Some(Incoming::Text("HELLO".into())));
/// # drop(socket);
/// # running.stop()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedMessage {
    /// UTF-8 text.
    Text(String),
    /// Any bytes.
    Binary(Vec<u8>),
}

impl OwnedMessage {
    /// The text, if it is text.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }

    fn borrowed(&self) -> Message<'_> {
        match self {
            Self::Text(text) => Message::Text(text),
            Self::Binary(bytes) => Message::Binary(bytes),
        }
    }
}

impl From<Message<'_>> for OwnedMessage {
    fn from(message: Message<'_>) -> Self {
        match message {
            Message::Text(text) => Self::Text(text.to_owned()),
            Message::Binary(bytes) => Self::Binary(bytes.to_vec()),
        }
    }
}

impl From<&str> for OwnedMessage {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for OwnedMessage {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<Vec<u8>> for OwnedMessage {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}

const UNREAD_BYTES_MAX: usize = 4 << 20;

#[derive(Debug, Default)]
struct Inner {
    arrived: VecDeque<OwnedMessage>,
    said: Vec<OwnedMessage>,
    closing: Option<(u16, String)>,
    closed: bool,
}

/// A view's end of a WebSocket. Clones are the same socket.
///
/// A view under [`accept_websocket`](super::accept_websocket) is called for a plain request with
/// [`Request::websocket`](super::Request::websocket) being none, and for a WebSocket with the handle
/// of it: once when the connection opens, again whenever messages have arrived, and a last time when
/// it has [`closed`](Self::closed).
///
/// There is no thread per connection, so a loop over [`messages`](Self::messages) is a loop over *what
/// has arrived*. It ends when that is handled, the view returns, and is called again for what comes
/// next. What has to be remembered between two calls belongs into the app's state, or the app uses a
/// [`Consumer`], which has fields of its own. What is left unread may have 4 MiB; then the connection
/// is closed with 1008.
///
/// ```
/// use parlour::web::{App, Cx};
///
/// fn echo(cx: &mut Cx<'_, ()>) {
///     let Some(socket) = cx.request.websocket() else { return };
///     while socket.has_messages() {
///         match socket.read() {
///             Some(message) if message.text() == Some("bye") => socket.close(1000, "bye"),
///             Some(message) => socket.write(message),
///             None => {}
///         }
///     }
/// }
///
/// let app = App::new(()).view("/echo", echo);
/// # drop(app);
/// ```
#[derive(Clone, Debug, Default)]
pub struct WebSocket(Rc<RefCell<Inner>>);

impl WebSocket {
    /// The next message that has arrived.
    pub fn read(&self) -> Option<OwnedMessage> {
        self.0.borrow_mut().arrived.pop_front()
    }

    /// Says something. Nothing happens once the socket is closed or closing.
    pub fn write(&self, message: impl Into<OwnedMessage>) {
        let mut inner = self.0.borrow_mut();
        if !inner.closed && inner.closing.is_none() {
            inner.said.push(message.into());
        }
    }

    /// Begins the close handshake, after what was said before.
    pub fn close(&self, code: u16, reason: &str) {
        self.0
            .borrow_mut()
            .closing
            .get_or_insert_with(|| (code, reason.to_owned()));
    }

    /// The messages that have arrived, one after the other; the socket can be written to meanwhile.
    pub fn messages(&self) -> impl Iterator<Item = OwnedMessage> + use<> {
        let socket = self.clone();
        std::iter::from_fn(move || socket.read())
    }

    /// Whether messages have arrived that were not read.
    pub fn has_messages(&self) -> bool {
        self.count_messages() > 0
    }

    /// How many messages have arrived that were not read.
    pub fn count_messages(&self) -> usize {
        self.0.borrow().arrived.len()
    }

    fn unread_bytes(&self) -> usize {
        let inner = self.0.borrow();
        let bytes = inner
            .arrived
            .iter()
            .map(|it| 64 + it.borrowed().bytes().len());
        bytes.sum()
    }

    /// Whether the connection has ended.
    pub fn closed(&self) -> bool {
        self.0.borrow().closed
    }
}

/// A view that is called as a consumer.
struct Viewer<H> {
    view: Rc<H>,
    request: Request,
    socket: WebSocket,
}

impl<H> Viewer<H> {
    fn look<S: 'static>(&mut self, live: &mut Live<'_, S>)
    where
        H: Handler<S>,
    {
        let reply = self.view.call(&mut Cx {
            state: live.state,
            request: &mut self.request,
            house: live.house.again(),
        });
        let (said, closing) = {
            let mut inner = self.socket.0.borrow_mut();
            (std::mem::take(&mut inner.said), inner.closing.take())
        };
        for message in said {
            live.house.net.send(live.call.id, message.borrowed());
        }
        if let Reply::Fail(error) = reply {
            log::error!("a view of a WebSocket failed: {error}");
            live.close(1011, error.message());
        } else if let Some((code, reason)) = closing {
            live.close(code, &reason);
        }
    }
}

impl<S: 'static, H: Handler<S>> Consumer<S> for Viewer<H> {
    fn opened(&mut self, live: &mut Live<'_, S>) {
        self.look(live);
    }

    fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, S>) {
        if self.socket.unread_bytes() > UNREAD_BYTES_MAX {
            // It was told so, and is closing.
            return;
        }
        self.socket.0.borrow_mut().arrived.push_back(message.into());
        self.look(live);
        if self.socket.unread_bytes() > UNREAD_BYTES_MAX {
            live.close(1008, "more came than is read here");
        }
    }

    fn disconnect(&mut self, _: Option<u16>, live: &mut Live<'_, S>) {
        self.socket.0.borrow_mut().closed = true;
        self.look(live);
    }
}

/// A handler that calls `view` for plain requests and for WebSockets alike.
pub(super) fn talking<S: 'static>(view: impl Handler<S>) -> impl Handler<S> {
    let view = Rc::new(view);
    move |cx: &mut Cx<'_, S>| -> Reply<S> {
        if !cx.request.is_upgrade() {
            return view.call(cx);
        }
        let socket = WebSocket::default();
        let user = cx.request.carried::<User>().cloned();
        let mut request = cx.request.take();
        if let Some(user) = user {
            cx.request.carry(user);
        }
        request.set_websocket(socket.clone());
        let viewer = Viewer {
            view: Rc::clone(&view),
            request,
            socket,
        };
        Reply::Accept(Opening {
            consumer: Box::new(viewer),
            protocol: None,
        })
    }
}
