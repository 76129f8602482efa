//! # Web: what an app author writes
//!
//! Routes, guards, middleware, sessions, templates, models, consumers and the channel layer, on top
//! of the reactor. An [`App`] is put together from functions and then serves them:
//!
//! ```no_run
//! use parlour::web::{App, Cx, Error};
//!
//! fn hello(cx: &mut Cx<'_, u32>) -> Result<String, Error> {
//!     *cx.state += 1;
//!     let name: String = cx.request.param("name")?;
//!     Ok(format!("Hello, {name}! You are visitor number {}.", cx.state))
//! }
//!
//! fn main() -> Result<(), parlour::web::ServeError> {
//!     App::new(0).get("/hello/{name}", hello).serve("127.0.0.1:8080").map(drop)
//! }
//! ```
//!
//! A handler is a function of a [`Cx`]: the app's state, the request, and everything it may do. It
//! runs on the loop, so it must not wait; what takes time goes to a helper thread, and the handler
//! says what comes then ([`Wait::then`]).
//!
//! Promises
//! 1. Handlers, hooks and consumers run one at a time: the state needs no lock.
//! 2. A handler that panics costs one answer, with an id that is in the log; the server goes on.
//! 3. A consumer hears `opened`, then what arrives, then `disconnect`, once each.
//! 4. What a request waits for is bounded: a full queue answers 503 with `Retry-After`.
//!
//! Never knows: sockets, mio. Start reading at [`App`], then `service`.

mod answers;
mod app;
mod assets;
mod consumer;
mod cx;
mod error;
mod error_page;
mod event;
mod event_feed;
mod file;
mod flash;
mod folder;
pub mod guard;
mod guests;
mod handler;
mod helper;
mod intake;
mod intakes;
pub mod middleware;
mod names;
pub mod nano;
mod origin;
mod page;
mod pages;
pub mod password;
mod promise;
mod remote;
mod reply;
mod request;
mod router;
mod seats;
mod secret;
mod service;
mod session;
mod shelf;
mod spill;
mod stored;
mod stream;
mod templates;
mod timer;
mod upload;
mod view;
mod windows;

pub use app::{App, Running, ServeError};
pub use consumer::{Connect, Consumer, Live, Opening, Scope, consumer};
pub use cx::{Cx, House};
pub use error::Error;
pub use event::Event;
pub use event_feed::events;
pub use file::SendFile;
pub use flash::{Flash, flash, take_flashes};
pub use guard::{
    User, accept_websocket, guard, login_required, login_required_at, methods, rate_limit,
    rate_limit_by, require_websocket, same_origin_required, same_user_required,
};
pub use handler::{Handler, takes, takes_file};
pub use helper::{Busy, Pending, Return, Ring, Wait};
pub use middleware::{CsrfToken, Middleware};
/// What a handler says to a template: names and values, for [`Cx::render`].
///
/// ```
/// use parlour::web::context;
///
/// let page = context! { title => "Things to do", open => vec!["milk", "bread"] };
/// assert_eq!(page.get_attr("title")?.as_str(), Some("Things to do"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(inline)]
pub use minijinja::context;
/// A value of an app's own type for a template, by way of `serde`.
///
/// ```
/// use parlour::web::{Serde, context};
///
/// #[derive(serde::Serialize)]
/// struct Todo {
///     title: &'static str,
/// }
///
/// let page = context! { todo => Serde(&Todo { title: "milk" }) };
/// assert_eq!(page.get_attr("todo")?.get_attr("title")?.as_str(), Some("milk"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[doc(inline)]
pub use minijinja::value::Serde;
pub use promise::{Promise, promise};
pub use remote::Remote;
pub use reply::{IntoReply, Reply};
pub use request::{Pairs, Request};
pub use router::Routes;
pub use secret::Secret;
pub(crate) use service::Service;
pub use session::{Session, login, logout, logout_everywhere};
pub use shelf::{Asset, made_s};
pub use stream::{Feed, Flow, Streaming, stream};
pub use templates::Templates;
pub use timer::{Tick, TimerId};
pub use upload::Upload;
pub use view::{OwnedMessage, WebSocket};
