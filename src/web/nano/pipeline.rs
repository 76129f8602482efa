//! # Pipelines: hooks that every message passes
//!
//! Inbound ones see what clients send, outbound ones what is sent to them; both in their order. They
//! may change the data, or reject the message.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::rc::Rc;

use super::session::Record;
use crate::nano::Kind;

/// A message on its way.
///
/// ```
/// use parlour::web::nano::Nano;
///
/// /// Nobody says more than this at once.
/// const BYTES_MAX: usize = 4096;
///
/// let nano = Nano::<()>::new()
///     .inbound(|_, passing| match passing.data.len() {
///         0..=BYTES_MAX => Ok(()),
///         long => Err(format!("{long} bytes are too many")),
///     })
///     .outbound(|record, passing| {
///         if record.has("quiet") && passing.route == "onMessage" {
///             passing.data.to_mut().make_ascii_lowercase();
///         }
///         Ok(())
///     });
/// # drop(nano);
/// ```
#[derive(Clone, Debug)]
pub struct Passing<'a> {
    /// What it is for.
    pub kind: Kind,
    /// Which request it is, or answers; 0 for others.
    pub id: u64,
    /// What it is about; empty for a response.
    pub route: &'a str,
    /// What it says.
    pub data: Cow<'a, [u8]>,
}

/// What sees messages and may reject them, and why.
pub(super) type Hook = Box<dyn Fn(&mut Record, &mut Passing<'_>) -> Result<(), String>>;

/// Hooks in their order.
#[derive(Default)]
pub(super) struct Pipeline(VecDeque<Hook>);

impl Pipeline {
    pub(super) fn push_back(&mut self, hook: Hook) {
        self.0.push_back(hook);
    }

    pub(super) fn push_front(&mut self, hook: Hook) {
        self.0.push_front(hook);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Has a message pass. Why it was rejected, if it was.
    pub(super) fn pass(
        &self,
        record: &mut Record,
        passing: &mut Passing<'_>,
    ) -> Result<(), String> {
        self.0.iter().try_for_each(|hook| hook(record, passing))
    }
}

/// The pipeline that what is said passes.
pub(super) type Outbound = Rc<Pipeline>;
