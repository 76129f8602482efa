//! # Handler: a function that answers

use super::cx::Cx;
use super::reply::{IntoReply, Reply};

/// Something that answers requests: any function of a [`Cx`] whose result can be said. A closure has
/// to name its argument: `|cx: &mut Cx<'_, Book>| …`; a `fn` needs nothing.
///
/// ```
/// use parlour::web::{App, Cx, Handler};
///
/// fn twice<S: 'static>(inner: impl Handler<S>) -> impl Handler<S> {
///     move |cx: &mut Cx<'_, S>| {
///         let _ = inner.call(cx);
///         inner.call(cx)
///     }
/// }
///
/// let app = App::new(()).get("/", twice(|_: &mut Cx<'_, ()>| "hello"));
/// # drop(app);
/// ```
pub trait Handler<S>: 'static {
    /// Answers.
    fn call(&self, cx: &mut Cx<'_, S>) -> Reply<S>;

    /// What the body of a request may measure, if not what the app says for all: see [`takes`].
    fn body_bytes_max(&self) -> Option<u64> {
        None
    }

    /// Whether a body that is no form is a file all the same: see [`takes_file`].
    fn body_is_file(&self) -> bool {
        false
    }
}

impl<S, R, F> Handler<S> for F
where
    R: IntoReply<S>,
    F: Fn(&mut Cx<'_, S>) -> R + 'static,
{
    fn call(&self, cx: &mut Cx<'_, S>) -> Reply<S> {
        self(cx).into_reply()
    }
}

/// A handler that takes bodies of up to so many bytes: more than others, or less. It stands outside of
/// guards, because it is asked before anything else is.
///
/// ```
/// use parlour::web::{App, Cx, login_required, takes};
///
/// fn upload(_: &mut Cx<'_, ()>) -> &'static str {
///     "thank you"
/// }
/// let app = App::new(()).post("/pictures", takes(32 << 20, login_required(upload)));
/// # drop(app);
/// ```
pub fn takes<S: 'static>(bytes_max: u64, inner: impl Handler<S>) -> impl Handler<S> {
    Taking {
        bytes_max,
        is_file: false,
        inner,
    }
}

/// The same for a handler to which files are sent, in a form or as the body itself. Either way they are
/// [`Request::uploads`](super::Request::uploads), a large one in a temporary file instead of in memory;
/// one that is the body has no field and no name.
///
/// ```
/// use parlour::web::{App, Cx, takes_file};
///
/// fn upload(cx: &mut Cx<'_, ()>) -> String {
///     let file = cx.request.take_upload("").or_else(|| cx.request.take_upload("file"));
///     format!("{} bytes, thank you", file.map_or(0, |file| file.len()))
/// }
/// let app = App::new(()).put("/backup", takes_file(1 << 30, upload));
/// # drop(app);
/// ```
pub fn takes_file<S: 'static>(bytes_max: u64, inner: impl Handler<S>) -> impl Handler<S> {
    Taking {
        bytes_max,
        is_file: true,
        inner,
    }
}

struct Taking<H> {
    bytes_max: u64,
    is_file: bool,
    inner: H,
}

impl<S, H: Handler<S>> Handler<S> for Taking<H> {
    fn call(&self, cx: &mut Cx<'_, S>) -> Reply<S> {
        self.inner.call(cx)
    }

    fn body_bytes_max(&self) -> Option<u64> {
        Some(self.bytes_max)
    }

    fn body_is_file(&self) -> bool {
        self.is_file
    }
}
