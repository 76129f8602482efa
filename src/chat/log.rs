//! # Log: the one way in which something becomes durable
//!
//! Whoever has an entry appends it, and is told what came of it once that will last. On one machine
//! the log is SQLite's own, behind the scribe; on several it may be a replicated stream, which is
//! why nobody knows more of it than this trait.
//!
//! Promises
//! 1. Entries are applied in the order in which they are appended, each once, and so are their ends
//!    told.
//! 2. `on_done` comes once for each entry that was taken: with an [`Outcome`] after the commit that
//!    holds it, or with a [`Refusal`], and then nothing of it is stored.

use std::any::Any;

use super::apply::{Stop, apply};
use super::operation::Entry;
use super::outcome::Outcome;
use super::refusal::{Code, Refusal};
use crate::store::{Database, StoreError, Tables};

/// What comes of an entry.
pub type Verdict = Result<Outcome, Refusal>;

/// Dropped when everybody has been told whose entries became durable together.
pub type Keepsake = Box<dyn Any + Send>;

/// Whoever waits for what comes of an entry; called on the log's thread.
pub type OnDone = Box<dyn FnOnce(Verdict) -> Keepsake + Send>;

/// Too much is waiting already: the entry was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Full;

/// Where entries become durable.
pub trait Log {
    /// Appends an entry. A refusal to take it comes at once, and then `on_done` never does.
    fn append(&self, entry: Entry, on_done: OnDone) -> Result<(), Full>;
}

/// The log of one machine: its database.
impl Log for Database {
    fn append(&self, entry: Entry, on_done: OnDone) -> Result<(), Full> {
        // Here and not in the job, because the scribe has the most to do.
        let content = entry.content();
        let job = move |tables: Tables<'_>| match apply(tables, &entry, content) {
            Ok(outcome) => Ok(Ok(outcome)),
            Err(Stop::Refused(refusal)) => Ok(Err(refusal)),
            Err(Stop::Failed(error)) => Err(error),
        };
        let judged = move |result: Result<Verdict, StoreError>| {
            on_done(result.unwrap_or_else(|error| Err(error.into())))
        };
        self.submit_repeatable(job, judged).map_err(|_| Full)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        if error.is_busy() {
            return Self::later(Code::Busy, error.to_string(), 1000);
        }
        if error.is_storage() || matches!(error, StoreError::Closed) {
            return Self::later(Code::Storage, error.to_string(), 5000);
        }
        log::error!("the database: {error}");
        if matches!(error, StoreError::Corrupt(_) | StoreError::NotADatabase) {
            let tell =
                "The server's disk is failing: what is there cannot be read. Tell its admin.";
            return Self::later(Code::Storage, tell, 60_000);
        }
        Self::new(
            Code::Internal,
            "The server has made a mistake; it is in its log.",
        )
    }
}
