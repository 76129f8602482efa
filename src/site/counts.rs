//! # Counts: what happened since the server began
//!
//! For whoever watches the server. Numbers that only grow; what is so just now is looked up where it
//! is known.

use std::time::Duration;

use crate::chat::{Answer, Code, Refusal, Verdict};

/// All codes, in the order of [`Counts::refusals`].
pub(super) const CODES: [Code; 16] = [
    Code::BadJson,
    Code::BadCommand,
    Code::BadField,
    Code::Unauthenticated,
    Code::Forbidden,
    Code::NotFound,
    Code::NotAMember,
    Code::Exists,
    Code::KeyReused,
    Code::Gone,
    Code::NotSupported,
    Code::TooLong,
    Code::TooMany,
    Code::Busy,
    Code::Storage,
    Code::Internal,
];

/// What happened so far.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// Operations that are stored; repeats are not.
    pub(super) operations: u64,
    /// Messages among them.
    pub(super) messages: u64,
    /// Operations that came back from the log, and how long they took altogether.
    pub(super) logged: u64,
    pub(super) logged_for: Duration,
    refusals: [u64; CODES.len()],
}

impl Counts {
    /// Something was wanted, and this came of it.
    pub(super) fn judged(&mut self, verdict: &Verdict) {
        match verdict {
            Ok(outcome) if outcome.repeat => {}
            Ok(outcome) => {
                self.operations += 1;
                self.messages += u64::from(matches!(outcome.answer, Answer::Sent { .. }));
            }
            Err(refusal) => self.refused(refusal),
        }
    }

    /// Something came back from the log after a while.
    pub(super) fn took(&mut self, while_: Duration) {
        self.logged += 1;
        self.logged_for += while_;
    }

    /// Something was refused.
    pub(super) fn refused(&mut self, refusal: &Refusal) {
        if let Some(at) = CODES.iter().position(|code| *code == refusal.code) {
            self.refusals[at] += 1;
        }
    }

    /// How often each code was the reason.
    pub(super) fn refusals(&self) -> impl Iterator<Item = (Code, u64)> {
        CODES.into_iter().zip(self.refusals)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::Outcome;

    fn done(answer: Answer, repeat: bool) -> Verdict {
        Ok(Outcome {
            answer,
            repeat,
            events: Vec::new(),
            ended: Vec::new(),
        })
    }

    #[test]
    fn a_repeat_counts_for_nothing() {
        let sent = |repeat| {
            let answer = Answer::Sent {
                room: crate::chat::RoomId(1),
                seq: 1,
                version: 1,
                at: 1,
            };
            done(answer, repeat)
        };
        let mut counts = Counts::default();
        counts.judged(&sent(false));
        counts.judged(&sent(true));
        counts.judged(&done(Answer::Done, false));
        counts.judged(&Err(Refusal::not_found("")));
        assert_eq!((counts.operations, counts.messages), (2, 1));
        let refused: Vec<_> = counts.refusals().filter(|(_, count)| *count > 0).collect();
        assert_eq!(refused, [(Code::NotFound, 1)]);
    }
}
