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
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use super::cx::Cx;
use super::error::Error;
use super::handler::Handler;
use super::reply::{IntoReply, Reply};
use super::view;
use crate::ground::time::Instant;
use crate::http::{Method, Response, Status};

/// Addresses that a rate limit remembers at a time. When there are more, the oldest window ends.
const ADDRESSES_MAX: usize = 10_000;

/// Who is signed in, as guards and handlers ask for it: see [`Cx::user`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User(pub String);

/// A handler behind a question: what the question answers instead is said.
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

/// Only for those who are signed in. A browser is sent to `/login`, everybody else gets 401.
pub fn login_required<S: 'static>(inner: impl Handler<S>) -> impl Handler<S> {
    guard(
        |cx: &mut Cx<'_, S>| {
            if cx.user().is_some() {
                return Ok(());
            }
            let is_page = cx
                .request
                .field("Accept")
                .is_some_and(|it| it.contains("text/html"));
            Err(if is_page && !cx.request.is_upgrade() {
                Response::redirect("/login")
            } else {
                Response::refusal(Status::UNAUTHORIZED, "sign in first")
            })
        },
        inner,
    )
}

/// Only for the user to whom it belongs: `owner` says who that is, or that it is not there.
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

/// Only with these methods, for a handler that is routed for more.
pub fn methods<S: 'static>(allowed: &'static [Method], inner: impl Handler<S>) -> impl Handler<S> {
    guard(
        move |cx: &mut Cx<'_, S>| {
            if allowed.contains(&cx.request.method()) {
                return Ok(());
            }
            let allow: Vec<&str> = allowed.iter().map(|method| method.name()).collect();
            let reason = "this path does not take that method";
            let refusal = Response::refusal(Status::METHOD_NOT_ALLOWED, reason);
            Err(refusal.field("Allow", allow.join(", ")))
        },
        inner,
    )
}

/// At most `times` in each window of `period` from one address; more get 429 and are told when to
/// come again. Whoever comes over a Unix socket is on this machine and not counted.
pub fn rate_limit<S: 'static>(
    times: u32,
    period: Duration,
    inner: impl Handler<S>,
) -> impl Handler<S> {
    let windows: RefCell<HashMap<IpAddr, (Instant, u32)>> = RefCell::default();
    guard(
        move |cx: &mut Cx<'_, S>| {
            let Some(address) = cx.request.peer().ip() else {
                return Ok(());
            };
            let now = cx.house.now().instant;
            let mut windows = windows.borrow_mut();
            if windows.len() >= ADDRESSES_MAX && !windows.contains_key(&address) {
                windows.retain(|_, (began, _)| now.since(*began) < period);
                if windows.len() >= ADDRESSES_MAX {
                    windows.clear();
                }
            }
            let window = windows.entry(address).or_insert((now, 0));
            if now.since(window.0) >= period {
                *window = (now, 0);
            }
            window.1 += 1;
            if window.1 <= times {
                return Ok(());
            }
            let left = period.saturating_sub(now.since(window.0)).as_secs() + 1;
            let refusal =
                Response::refusal(Status::TOO_MANY_REQUESTS, "too often, come again later");
            Err(refusal.field("Retry-After", left.to_string()))
        },
        inner,
    )
}

/// A view for plain requests and for WebSockets: see [`view`](super::WebSocket).
pub fn accept_websocket<S: 'static>(view: impl Handler<S>) -> impl Handler<S> {
    view::talking(view)
}

/// A view for WebSockets only: anything else gets 400.
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
