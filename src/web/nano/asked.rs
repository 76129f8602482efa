//! # Asked: requests that other nodes have not answered yet
//!
//! Kept where the client is connected, so that it is told when the node that has its request is no
//! more.
//!
//! Promises
//! 1. A request is here from being handed on to its answer, to the end of its session, or to that of
//!    the node: whichever comes first takes it out.
//! 2. Of each session there are at most [`ASKED_MAX`].
//! 3. What a node leaves behind is listed in the order of sessions and of their requests.

use std::collections::BTreeMap;

use super::session::SessionId;

/// Requests of a session that other nodes may have at a time.
pub(super) const ASKED_MAX: usize = 256;

/// A request: whose, and which.
pub(super) type Question = (SessionId, u64);

/// Requests that other nodes have.
#[derive(Debug, Default)]
pub(super) struct Asked(BTreeMap<Question, String>);

impl Asked {
    /// Whether one more request of a session may be handed on.
    pub(super) fn has_room(&self, id: SessionId) -> bool {
        self.of(id).count() < ASKED_MAX
    }

    /// A node has a request now.
    pub(super) fn ask(&mut self, question: Question, node: &str) {
        self.0.insert(question, node.to_owned());
    }

    /// A request is answered.
    pub(super) fn answered(&mut self, question: Question) {
        self.0.remove(&question);
    }

    /// A session has ended: nobody waits for its answers.
    pub(super) fn forget(&mut self, id: SessionId) {
        let gone: Vec<Question> = self.of(id).copied().collect();
        for question in gone {
            self.0.remove(&question);
        }
    }

    /// A node is no more: the requests that it has not answered.
    pub(super) fn left_behind(&mut self, node: &str) -> Vec<Question> {
        let lost = self.0.extract_if(.., |_, at| at == node);
        lost.map(|(question, _)| question).collect()
    }

    fn of(&self, id: SessionId) -> impl Iterator<Item = &Question> {
        self.0.range((id, 0)..=(id, u64::MAX)).map(|(it, _)| it)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANN: SessionId = SessionId(1);
    const BOB: SessionId = SessionId(2);

    #[test]
    fn a_request_is_left_behind_once_unless_something_else_came_first() {
        let mut asked = Asked::default();
        for (question, node) in [
            ((BOB, 1), "a"),
            ((ANN, 9), "a"),
            ((ANN, 3), "a"),
            ((ANN, 4), "b"),
            ((ANN, 5), "a"),
        ] {
            asked.ask(question, node);
        }
        asked.answered((ANN, 5));
        asked.answered((ANN, 77));
        assert_eq!(asked.left_behind("a"), [(ANN, 3), (ANN, 9), (BOB, 1)]);
        assert_eq!(asked.left_behind("a"), []);
        asked.forget(ANN);
        assert_eq!(asked.left_behind("b"), []);
    }

    #[test]
    fn of_each_session_so_many_are_kept() {
        let mut asked = Asked::default();
        for mid in 1..=ASKED_MAX as u64 {
            assert!(asked.has_room(ANN));
            asked.ask((ANN, mid), "a");
        }
        assert!(!asked.has_room(ANN) && asked.has_room(BOB));
        asked.answered((ANN, 7));
        assert!(asked.has_room(ANN));
    }
}
