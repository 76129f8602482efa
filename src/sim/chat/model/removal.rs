//! # The model's removals: what somebody said goes a bounded piece at a time

use super::{Judged, Model};
use crate::chat::Answer;

/// Messages that go at once.
const MESSAGES_MAX: usize = 200;

/// What somebody has said in a room and is still to go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Removal {
    at: usize,
    author: u32,
    /// From this message on, and up to that one.
    next: u32,
    last: u32,
}

impl Model {
    /// All that somebody has said in a room by now is to go.
    pub(super) fn unsay(&mut self, at: usize, by: u32, author: u32) {
        let last = self.rooms[at].seq();
        let removal = Removal {
            at,
            author,
            next: 1,
            last,
        };
        let id = self.removals.last_key_value().map_or(1, |(id, _)| id + 1);
        self.removals.insert(id, removal);
        self.take_piece(by, id, removal);
    }

    pub(super) fn go_on(&mut self, by: u32, id: u32) -> Judged {
        if let Some(removal) = self.removals.get(&id).copied() {
            self.take_piece(by, id, removal);
        }
        Ok(Answer::Done)
    }

    fn take_piece(&mut self, by: u32, id: u32, removal: Removal) {
        let room = &self.rooms[removal.at];
        let author = self.name(removal.author);
        let goes = |seq: &u32| {
            let message = &room.messages[*seq as usize - 1];
            !room.deleted && message.by == author && !message.now().deleted
        };
        let seqs = (removal.next..=removal.last).filter(goes);
        let piece: Vec<u32> = seqs.take(MESSAGES_MAX).collect();
        for seq in &piece {
            self.take_back(removal.at, by, *seq);
        }
        match piece.last() {
            Some(last) if piece.len() == MESSAGES_MAX => {
                let next = last + 1;
                self.removals.insert(id, Removal { next, ..removal });
            }
            _ => drop(self.removals.remove(&id)),
        }
    }
}
