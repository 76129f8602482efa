//! # Reply: what a handler says
//!
//! Anything that can be an answer converts into a [`Reply`], which knows what is to be done with it.

use super::consumer::Opening;
use super::cx::Cx;
use super::error::Error;
use super::helper::Pending;
use super::stream::Streaming;
use crate::http::Response;

/// What a handler says.
///
/// ```
/// use parlour::http::Response;
/// use parlour::web::{Cx, Error, Reply, Wait};
///
/// fn answer(cx: &mut Cx<'_, ()>) -> Reply<()> {
///     match cx.request.query("how").as_deref() {
///         Some("text") => Reply::of("text"),
///         Some("page") => Reply::of(Response::html("<h1>A page</h1>")),
///         Some("later") => Wait::on_helper(|| 6 * 7).then(|_, answer| answer.to_string()),
///         _ => Reply::of(Error::bad_request("say how: ?how=text, page or later")),
///     }
/// }
/// # let _ = answer;
/// ```
pub enum Reply<S> {
    /// This.
    Respond(Response),
    /// That something is wrong.
    Fail(Error),
    /// Wait: a helper is at work, and then this goes on.
    Wait(Pending<S>),
    /// Become a WebSocket.
    Accept(Opening<S>),
    /// This, piece by piece.
    Stream(Streaming<S>),
    /// Nothing more: a view has said over its WebSocket what it had to say. A plain request is
    /// answered with 204.
    Nothing,
}

impl<S> std::fmt::Debug for Reply<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Respond(response) => f.debug_tuple("Respond").field(response).finish(),
            Self::Fail(error) => f.debug_tuple("Fail").field(error).finish(),
            Self::Wait(_) => f.write_str("Wait"),
            Self::Accept(_) => f.write_str("Accept"),
            Self::Stream(_) => f.write_str("Stream"),
            Self::Nothing => f.write_str("Nothing"),
        }
    }
}

/// What can be said by a handler.
///
/// Text, a [`Response`], JSON, a [`Reply`], nothing at all (204), and a `Result` of these. An app's own
/// types may join them:
///
/// ```
/// use parlour::http::Response;
/// use parlour::web::{App, Cx, IntoReply, Reply};
///
/// struct Celsius(f64);
///
/// impl<S> IntoReply<S> for Celsius {
///     fn into_reply(self) -> Reply<S> {
///         Reply::of(Response::json(format!(r#"{{"celsius":{}}}"#, self.0)))
///     }
/// }
///
/// let kettle = |cx: &mut Cx<'_, f64>| Celsius(*cx.state);
/// let app = App::new(78.5).get("/kettle", kettle);
/// # drop(app);
/// let Reply::<()>::Respond(response) = Celsius(78.5).into_reply() else {
///     panic!("there is nothing to wait for");
/// };
/// assert_eq!(response.content().bytes(), br#"{"celsius":78.5}"#);
/// ```
#[diagnostic::on_unimplemented(
    message = "a handler cannot answer with `{Self}`",
    label = "answer with text, a `Response`, a `serde_json::Value`, a `Reply`, or a `Result` of one",
    note = "a page with a status is `Response::html(page).with_status(Status::CREATED)`"
)]
pub trait IntoReply<S> {
    /// It, as a reply.
    fn into_reply(self) -> Reply<S>;
}

impl<S> IntoReply<S> for Reply<S> {
    fn into_reply(self) -> Self {
        self
    }
}

impl<S> IntoReply<S> for () {
    fn into_reply(self) -> Reply<S> {
        Reply::Nothing
    }
}

impl<S> IntoReply<S> for Response {
    fn into_reply(self) -> Reply<S> {
        Reply::Respond(self)
    }
}

impl<S> IntoReply<S> for Error {
    fn into_reply(self) -> Reply<S> {
        Reply::Fail(self)
    }
}

impl<S> IntoReply<S> for String {
    fn into_reply(self) -> Reply<S> {
        Reply::Respond(Response::text(self))
    }
}

impl<S> IntoReply<S> for &'static str {
    fn into_reply(self) -> Reply<S> {
        Reply::Respond(Response::text(self))
    }
}

impl<S> IntoReply<S> for serde_json::Value {
    fn into_reply(self) -> Reply<S> {
        Reply::Respond(Response::json(self.to_string()))
    }
}

impl<S, R: IntoReply<S>, E: Into<Error>> IntoReply<S> for Result<R, E> {
    fn into_reply(self) -> Reply<S> {
        match self {
            Ok(reply) => reply.into_reply(),
            Err(error) => Reply::Fail(error.into()),
        }
    }
}

impl<S> Reply<S> {
    /// Anything that can be said, where a handler says different things.
    pub fn of(what: impl IntoReply<S>) -> Self {
        what.into_reply()
    }
}

/// What goes on when a helper is done.
pub(super) type GoOn<S, T> = Box<dyn FnOnce(&mut Cx<'_, S>, T) -> Reply<S>>;
