//! # Middleware: what stands around every request
//!
//! Four hooks, each optional. `request` and `view` run in the order in which middleware was wrapped,
//! `response` and `exception` in the opposite one, so that the first to see a request is the last to
//! see its answer. What there is stands best in this order:
//!
//! ```
//! use parlour::store::Database;
//! use parlour::web::middleware::{AccessLog, Compression, Csrf, SecurityHeaders, Sessions};
//! use parlour::web::{App, Secret};
//!
//! let database = Database::in_memory(&[Sessions::MIGRATIONS])?;
//! let secret = Secret::random();
//! let app = App::new(())
//!     .wrap(AccessLog)
//!     .wrap(Compression::new())
//!     .wrap(SecurityHeaders::new())
//!     .wrap(Sessions::new(&database, &secret)?)
//!     .wrap(Csrf::new(&secret));
//! # drop(app);
//! # Ok::<(), parlour::store::StoreError>(())
//! ```
//!
//! [`Cors`] belongs between the headers and the sessions. Writing one's own is implementing
//! [`Middleware`].

mod access_log;
mod compression;
mod cors;
pub(super) mod csrf;
pub(super) mod order;
mod security;
mod sessions;

use super::cx::Cx;
use super::error::Error;
use super::reply::Reply;
use crate::http::Response;

pub use access_log::AccessLog;
pub use compression::Compression;
pub use cors::Cors;
pub use csrf::{Csrf, CsrfToken};
pub use order::Kind;
pub use security::SecurityHeaders;
pub use sessions::Sessions;

/// Something that stands around every request.
///
/// ```
/// use parlour::http::Response;
/// use parlour::web::{App, Cx, Middleware};
///
/// struct PoweredBy(&'static str);
///
/// impl<S> Middleware<S> for PoweredBy {
///     fn response(&self, _: &mut Cx<'_, S>, response: Response) -> Response {
///         response.field("X-Powered-By", self.0)
///     }
/// }
///
/// let app = App::new(()).wrap(PoweredBy("Parlour"));
/// # drop(app);
/// ```
pub trait Middleware<S>: 'static {
    /// Which others have to be wrapped before this one. They need not be there, but an app that
    /// has one of them behind this one is refused.
    fn comes_after(&self) -> Vec<Kind> {
        Vec::new()
    }

    /// A request has come. May answer at once; an [`Error`] gets the face of all others:
    /// `Some(Reply::of(error))`.
    fn request(&self, cx: &mut Cx<'_, S>) -> Option<Reply<S>> {
        let _ = cx;
        None
    }

    /// It is known who will answer; the path's parameters are there. May answer instead.
    fn view(&self, cx: &mut Cx<'_, S>) -> Option<Reply<S>> {
        let _ = cx;
        None
    }

    /// An answer is about to leave. May change it.
    fn response(&self, cx: &mut Cx<'_, S>, response: Response) -> Response {
        let _ = cx;
        response
    }

    /// A handler failed or panicked. May give the answer a face.
    fn exception(&self, cx: &mut Cx<'_, S>, error: &Error) -> Option<Response> {
        let _ = (cx, error);
        None
    }
}

/// Keeps an answer that sets a cookie out of caches that serve several.
fn keep_private(response: &mut Response) {
    response.vary("Cookie");
    if response.fields().first("Cache-Control").is_none() || is_public(response) {
        response.set_field("Cache-Control", b"private");
    }
}

/// Whether an answer is said to be the same for everybody.
fn is_public(response: &Response) -> bool {
    let mut rules = response.fields().tokens("cache-control");
    rules.any(|rule| rule.eq_ignore_ascii_case("public"))
}
