//! # Handler: a function that answers

use super::cx::Cx;
use super::reply::{IntoReply, Reply};

/// Something that answers requests: any function of a [`Cx`] whose result can be said.
pub trait Handler<S>: 'static {
    /// Answers.
    fn call(&self, cx: &mut Cx<'_, S>) -> Reply<S>;
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
