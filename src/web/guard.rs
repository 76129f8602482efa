//! # Guards: what stands before a handler
//!
//! A guard takes a handler and gives one. Writing one's own is writing a function:
//!
//! ```
//! use parlour::web::{Cx, Error, Handler, guard};
//!
//! fn at_night<S: 'static>(inner: impl Handler<S>) -> impl Handler<S> {
//!     guard(
//!         |cx: &mut Cx<'_, S>| match cx.house.now().unix_ms / 3_600_000 % 24 {
//!             0..6 => Ok(()),
//!             _ => Err(Error::forbidden("come back at night")),
//!         },
//!         inner,
//!     )
//! }
//! # let _ = at_night(|_: &mut Cx<'_, ()>| "psst");
//! ```

use std::cell::RefCell;
use std::hash::Hash;
use std::net::IpAddr;
use std::time::Duration;

use super::cx::Cx;
use super::error::Error;
use super::handler::Handler;
use super::origin;
use super::reply::{IntoReply, Reply};
use super::request::Request;
use super::view;
use super::windows::Windows;
use crate::http::{Method, Response, Status, wants_html};

/// Who is signed in, as guards and handlers ask for it: see [`Cx::user`].
///
/// ```
/// use parlour::http::Response;
/// use parlour::web::{Cx, Middleware, User};
///
/// /// Behind a proxy that signs people in.
/// struct FromProxy;
///
/// impl Middleware<()> for FromProxy {
///     fn request(&self, cx: &mut Cx<'_, ()>) -> Option<parlour::web::Reply<()>> {
///         let name = cx.request.field("X-Remote-User")?.to_owned();
///         cx.request.carry(User(name));
///         None
///     }
/// }
/// # let _: (FromProxy, Option<Response>) = (FromProxy, None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User(pub String);

/// A handler behind a question: what the question answers instead is said. It may be an error, or
/// anything else that a handler may say.
///
/// ```
/// use parlour::http::Response;
/// use parlour::web::{App, Cx, guard};
///
/// /// The state is whether the shop is open.
/// fn is_open(cx: &mut Cx<'_, bool>) -> Result<(), Response> {
///     match cx.state {
///         true => Ok(()),
///         false => Err(Response::redirect("/opening-hours")),
///     }
/// }
///
/// let order = |_: &mut Cx<'_, bool>| "coming up";
/// let app = App::new(true).post("/order", guard(is_open, order));
/// # drop(app);
/// ```
pub fn guard<S: 'static, E: IntoReply<S> + 'static>(
    question: impl Fn(&mut Cx<'_, S>) -> Result<(), E> + 'static,
    inner: impl Handler<S>,
) -> impl Handler<S> {
    move |cx: &mut Cx<'_, S>| -> Reply<S> {
        match question(cx) {
            Ok(()) => inner.call(cx),
            Err(instead) => instead.into_reply(),
        }
    }
}

/// Only for those who are signed in. A browser is sent to `/login?next=PATH`, everybody else gets
/// 401. See [`Request::next_page`](super::Request::next_page) for the way back.
///
/// ```
/// use parlour::web::{App, Cx, login_required};
///
/// fn secret(cx: &mut Cx<'_, ()>) -> String {
///     format!("only for you, {}", cx.user().unwrap_or_default())
/// }
///
/// let app = App::new(()).get("/secret", login_required(secret));
/// # drop(app);
/// ```
pub fn login_required<S: 'static>(inner: impl Handler<S>) -> impl Handler<S> {
    login_required_at("/login", inner)
}

/// The same with another page for signing in.
///
/// ```
/// use parlour::web::{App, Cx, login_required_at};
///
/// let secret = |_: &mut Cx<'_, ()>| "only for members";
/// let app = App::new(()).get("/secret", login_required_at("/sign-in", secret));
/// # drop(app);
/// ```
pub fn login_required_at<S: 'static>(
    page: &'static str,
    inner: impl Handler<S>,
) -> impl Handler<S> {
    guard(
        move |cx: &mut Cx<'_, S>| {
            if cx.user().is_some() {
                return Ok(());
            }
            let is_page = wants_html(cx.request.head().all_fields());
            Err(if is_page && !cx.request.is_upgrade() {
                Reply::of(Response::redirect(&format!(
                    "{page}{}",
                    way_back(cx.request)
                )))
            } else {
                Reply::of(Error::new(Status::UNAUTHORIZED, "sign in first"))
            })
        },
        inner,
    )
}

/// The query that leads back to what was asked for. What was to be done is not done again.
fn way_back(request: &Request) -> String {
    if !matches!(request.method(), Method::Get | Method::Head) {
        return String::new();
    }
    let head = request.head();
    let mut query = String::from("?next=");
    push_escaped(&mut query, head.path());
    if let Some(asked) = head.query() {
        push_escaped(&mut query, "?");
        push_escaped(&mut query, asked);
    }
    query
}

/// A value as it stands in a query.
fn push_escaped(out: &mut String, text: &str) {
    for byte in text.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
                out.push(char::from(byte));
            }
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

/// Only for the user to whom it belongs: `owner` says who that is, or that it is not there.
///
/// ```
/// use std::collections::HashMap;
/// use parlour::web::{App, Cx, Error, login_required, same_user_required};
///
/// /// Notes, and whose they are.
/// type Notes = HashMap<u32, (String, String)>;
///
/// fn owner(cx: &mut Cx<'_, Notes>) -> Result<String, Error> {
///     let id: u32 = cx.request.param("id")?;
///     cx.state.get(&id).map(|(owner, _)| owner.clone()).ok_or_else(Error::not_found)
/// }
///
/// fn show(cx: &mut Cx<'_, Notes>) -> Result<String, Error> {
///     let id: u32 = cx.request.param("id")?;
///     Ok(cx.state[&id].1.clone())
/// }
///
/// let guarded = login_required(same_user_required(owner, show));
/// let app = App::new(Notes::new()).get("/notes/{id}", guarded);
/// # drop(app);
/// ```
pub fn same_user_required<S: 'static>(
    owner: impl Fn(&mut Cx<'_, S>) -> Result<String, Error> + 'static,
    inner: impl Handler<S>,
) -> impl Handler<S> {
    guard(
        move |cx: &mut Cx<'_, S>| {
            let owner = owner(cx)?;
            match cx.user() {
                Some(user) if *user == owner => Ok(()),
                _ => Err(Error::forbidden("that belongs to somebody else")),
            }
        },
        inner,
    )
}

/// Not for pages of other sites, by what browsers say about where a request comes from: for what
/// scripts send as JSON and what changes something. Forms of pages are for
/// [`Csrf`](super::middleware::Csrf), whose token also convinces where a browser says nothing.
///
/// ```
/// use parlour::web::{App, Cx, same_origin_required};
///
/// let rename = |_: &mut Cx<'_, ()>| "renamed";
/// let app = App::new(()).put("/groups/{group}", same_origin_required(rename));
/// # drop(app);
/// ```
pub fn same_origin_required<S: 'static>(inner: impl Handler<S>) -> impl Handler<S> {
    guard(
        |cx: &mut Cx<'_, S>| match origin::is_from_elsewhere(cx.request, &[], false) {
            true => Err(Error::forbidden(
                "the request comes from a page of another site",
            )),
            false => Ok(()),
        },
        inner,
    )
}

/// Only with these methods, for a handler that is routed for more.
///
/// ```
/// use parlour::http::Method;
/// use parlour::web::{App, Cx, methods};
///
/// fn read(_: &mut Cx<'_, ()>) -> &'static str {
///     "read only"
/// }
///
/// let app = App::new(()).get("/", methods(&[Method::Get], read)).post("/", methods(&[Method::Get], read));
/// # drop(app);
/// ```
pub fn methods<S: 'static>(allowed: &'static [Method], inner: impl Handler<S>) -> impl Handler<S> {
    guard(
        move |cx: &mut Cx<'_, S>| {
            if allowed.contains(&cx.request.method()) {
                return Ok(());
            }
            let allow: Vec<&str> = allowed.iter().map(|method| method.name()).collect();
            Err(Error::method_not_allowed(allow.join(", ")))
        },
        inner,
    )
}

/// At most `times` in each window of `period` from one address; more get 429 and are told when to
/// come again. Whoever comes over a Unix socket is on this machine and not counted. In IPv6 a
/// network of 64 bits is one address, because everybody has as many as that.
///
/// ```
/// use std::time::Duration;
/// use parlour::web::{App, Cx, rate_limit};
///
/// let search = |_: &mut Cx<'_, ()>| "three hits";
/// let app = App::new(()).get("/search", rate_limit(30, Duration::from_secs(60), search));
/// # drop(app);
/// ```
pub fn rate_limit<S: 'static>(
    times: u32,
    period: Duration,
    inner: impl Handler<S>,
) -> impl Handler<S> {
    let network = |cx: &mut Cx<'_, S>| {
        cx.request.peer().ip().map(|address| match address {
            IpAddr::V6(v6) => IpAddr::V6((v6.to_bits() & !u128::from(u64::MAX)).into()),
            v4 @ IpAddr::V4(_) => v4,
        })
    };
    rate_limit_by(times, period, network, inner)
}

/// The same for each key that a request gives, such as the name for which a password is tried. What
/// gives none is not counted.
///
/// ```
/// use std::time::Duration;
/// use parlour::web::{Cx, rate_limit_by};
///
/// let sign_in = |_: &mut Cx<'_, ()>| "welcome";
/// let name = |cx: &mut Cx<'_, ()>| cx.request.form_value("name");
/// let limited = rate_limit_by(10, Duration::from_secs(600), name, sign_in);
/// # drop(limited);
/// ```
pub fn rate_limit_by<S: 'static, K: Hash + Eq + Clone + 'static>(
    times: u32,
    period: Duration,
    key: impl Fn(&mut Cx<'_, S>) -> Option<K> + 'static,
    inner: impl Handler<S>,
) -> impl Handler<S> {
    let windows = RefCell::new(Windows::new(times, period));
    guard(
        move |cx: &mut Cx<'_, S>| {
            let Some(key) = key(cx) else {
                return Ok(());
            };
            let now = cx.house.now().instant;
            windows.borrow_mut().admit(key, now).map_err(|left| {
                Error::new(Status::TOO_MANY_REQUESTS, "too often, come again later")
                    .field("Retry-After", (left.as_secs() + 1).to_string())
            })
        },
        inner,
    )
}

/// A view for plain requests and for WebSockets: how it is called is said at
/// [`WebSocket`](super::WebSocket). Where each connection has much to remember, or waits for helpers,
/// a [`Consumer`](super::Consumer) says it better.
///
/// ```
/// use parlour::web::{App, Cx, Reply, accept_websocket};
///
/// fn either(cx: &mut Cx<'_, ()>) -> Reply<()> {
///     let Some(socket) = cx.request.websocket() else {
///         return Reply::of("a page; ask with a WebSocket to talk");
///     };
///     socket.messages().for_each(|message| socket.write(message));
///     Reply::Nothing
/// }
///
/// let app = App::new(()).get("/either", accept_websocket(either));
/// # drop(app);
/// ```
pub fn accept_websocket<S: 'static>(view: impl Handler<S>) -> impl Handler<S> {
    view::talking(view)
}

/// A view for WebSockets only: anything else gets 400.
///
/// ```
/// use parlour::web::{App, Cx, require_websocket};
///
/// fn echo(cx: &mut Cx<'_, ()>) {
///     if let Some(socket) = cx.request.websocket() {
///         socket.messages().for_each(|message| socket.write(message));
///     }
/// }
///
/// let app = App::new(()).get("/only", require_websocket(echo));
/// # drop(app);
/// ```
pub fn require_websocket<S: 'static>(view: impl Handler<S>) -> impl Handler<S> {
    guard(
        |cx: &mut Cx<'_, S>| {
            let is_upgrade = cx.request.is_upgrade() || cx.request.websocket().is_some();
            is_upgrade.then_some(()).ok_or_else(|| {
                Error::bad_request("there is only a WebSocket here: ask with Upgrade: websocket")
            })
        },
        accept_websocket(view),
    )
}
