//! # Compression: answers made smaller for those who take that
//!
//! Which answers are worth it, and what is said about it, is in [`Gzip`].

use std::cell::RefCell;

use super::Middleware;
use crate::http::{Gzip, Response};
use crate::web::cx::Cx;

/// The level: a page of 37 KB takes a quarter of a millisecond with 6, and half of that with 3 for
/// some percent more bytes.
const LEVEL: u8 = 3;

/// Compresses pages, JSON and other text with gzip for clients that take it. Wrap it before everything
/// that writes into answers, because what is wrapped first sees an answer last.
///
/// One compressor, of some 300 KB, serves the whole app. What comes as a stream, has a coding
/// already, is a part of something or says `Cache-Control: no-transform` stays as it is.
///
/// ```
/// use parlour::web::App;
/// use parlour::web::middleware::Compression;
///
/// let app = App::new(()).wrap(Compression::new());
/// # drop(app);
/// ```
#[derive(Debug)]
pub struct Compression(RefCell<Gzip>);

impl Compression {
    /// Compression at the usual level.
    pub fn new() -> Self {
        Self::level(LEVEL)
    }

    /// The same at another level, from 1 (fast) to 9 (small).
    pub fn level(level: u8) -> Self {
        Self(RefCell::new(Gzip::new(level)))
    }
}

impl Default for Compression {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Middleware<S> for Compression {
    fn response(&self, cx: &mut Cx<'_, S>, response: Response) -> Response {
        let head = cx.request.head();
        self.0.borrow_mut().suit(head.all_fields(), response)
    }
}
