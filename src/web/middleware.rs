//! # Middleware: what stands around every request
//!
//! Four hooks, each optional. `request` and `view` run in the order in which middleware was wrapped,
//! `response` and `exception` in the opposite one, so that the first to see a request is the last to
//! see its answer.

mod access_log;
mod compression;
mod cors;
pub(super) mod csrf;
mod security;

use super::cx::Cx;
use super::error::Error;
use crate::http::Response;

pub use access_log::AccessLog;
pub use compression::Compression;
pub use cors::Cors;
pub use csrf::{Csrf, CsrfToken};
pub use security::SecurityHeaders;

/// Something that stands around every request.
pub trait Middleware<S>: 'static {
    /// A request has come. May answer at once.
    fn request(&self, cx: &mut Cx<'_, S>) -> Option<Response> {
        let _ = cx;
        None
    }

    /// It is known who will answer; the path's parameters are there. May answer instead.
    fn view(&self, cx: &mut Cx<'_, S>) -> Option<Response> {
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

/// Keeps an answer for one person out of caches that serve several, unless it says itself what is to
/// become of it.
fn keep_private(response: &mut Response) {
    response.vary("Cookie");
    if response.fields().first("Cache-Control").is_none() {
        response.push_field("Cache-Control", b"private");
    }
}
