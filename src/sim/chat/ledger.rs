//! # Ledger: the log that the simulated server appends to
//!
//! The database's own, and beside it whoever wants to know what was committed. It can be jammed, and
//! for the proof that the checks are not empty it can have a [`Bug`].

use std::cell::Cell;
use std::rc::Rc;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};

use crate::chat::{
    Answer, Code, Entry, Full, Keepsake, Log, OnDone, Operation, Outcome, Seq, UserId, Verdict,
    Version, What,
};
use crate::store::Database;

/// A mistake that a server could make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A message is stored, and nobody is told.
    DropsMessages,
    /// Two messages are told in the wrong order.
    SwapsTwo,
    /// A message is acknowledged before it is committed, and then the commit fails.
    AcknowledgesEarly,
    /// Keys are not kept.
    ForgetsKeys,
    /// Who has left a room goes on hearing what happens there.
    TellsWhoLeft,
    /// Connections outlive the token that they were opened with.
    KeepsSignedOut,
    /// Who resumes is told from one event too far on.
    ResumesTooFar,
}

/// What was committed, or refused, in its order.
pub(super) type Judged = (Entry, Verdict);

pub(super) struct Ledger {
    pub(super) database: Database,
    pub(super) told: Sender<Judged>,
    /// Nothing is taken while this is set.
    pub(super) jammed: Rc<Cell<bool>>,
    pub(super) flaw: Option<Arc<Flaw>>,
}

impl Log for Ledger {
    fn append(&self, mut entry: Entry, on_done: OnDone) -> Result<(), Full> {
        if self.jammed.get() {
            return Err(Full);
        }
        let flaw = self.flaw.clone();
        if flaw.as_ref().is_some_and(|it| it.bug == Bug::ForgetsKeys) {
            entry.key = None;
        }
        let told = self.told.clone();
        let kept = entry.clone();
        let judged = move |verdict: Verdict| {
            // The world may have ended.
            drop(told.send((kept.clone(), verdict.clone())));
            match flaw {
                None => on_done(verdict),
                Some(flaw) => flaw.spoil(&kept, verdict, on_done),
            }
        };
        self.database.append(entry, Box::new(judged))
    }
}

/// A bug at work.
pub(super) struct Flaw {
    pub(super) bug: Bug,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    messages: u32,
    /// What waits to be told in the wrong order.
    held: Option<(Verdict, OnDone)>,
    /// The last message that was stored.
    last: Option<(crate::chat::RoomId, Seq, Version)>,
}

impl Flaw {
    pub(super) fn new(bug: Bug) -> Self {
        Self {
            bug,
            state: Mutex::default(),
        }
    }

    fn spoil(&self, entry: &Entry, mut verdict: Verdict, on_done: OnDone) -> Keepsake {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_message = matches!(entry.operation, Operation::Send { .. });
        state.messages += u32::from(is_message);
        let is_due = is_message && state.messages.is_multiple_of(4);
        match (self.bug, &mut verdict) {
            (Bug::DropsMessages, Ok(outcome)) if is_due => {
                outcome
                    .events
                    .retain(|it| !matches!(it.what, What::Message(_)));
            }
            (Bug::TellsWhoLeft, Ok(outcome)) => {
                for event in &mut outcome.events {
                    if let What::Left { user, .. } = &mut event.what {
                        user.id = UserId(u32::MAX);
                    }
                }
            }
            (Bug::KeepsSignedOut, Ok(outcome)) => outcome.ended.clear(),
            (Bug::AcknowledgesEarly, Ok(outcome)) => {
                if let Answer::Sent {
                    room, seq, version, ..
                } = outcome.answer
                {
                    state.last = Some((room, seq, version));
                }
            }
            (Bug::AcknowledgesEarly, Err(refusal))
                if is_message && refusal.code == Code::Storage =>
            {
                if let Some((room, seq, version)) = state.last {
                    verdict = Ok(too_early(entry, room, seq + 1, version + 1));
                }
            }
            (Bug::SwapsTwo, _) if is_due && state.held.is_none() => {
                state.held = Some((verdict, on_done));
                return Box::new(());
            }
            _ => {}
        }
        let told = on_done(verdict);
        let held = state.held.take();
        Box::new((told, held.map(|(verdict, on_done)| on_done(verdict))))
    }
}

fn too_early(entry: &Entry, room: crate::chat::RoomId, seq: Seq, version: Version) -> Outcome {
    Outcome {
        answer: Answer::Sent {
            room,
            seq,
            version,
            at: entry.at,
        },
        repeat: false,
        events: Vec::new(),
        ended: Vec::new(),
    }
}
