//! # Queue: what was said waits for the end of the turn
//!
//! What a protocol says is always taken; what an app says has a budget.

use super::{Net, Notice, Sent, named};
use crate::ground::time::Instant;
use crate::reactor::connection::Connection;
use crate::reactor::outbox::Piece;
use crate::reactor::stage::{Hearing, Stage};
use crate::reactor::token::ConnId;

/// The close code for a reader that lets too much pile up: come back and resume.
const TOO_SLOW: u16 = 4002;

impl Net {
    /// Queues what belongs to a protocol: its own bound is the pause.
    pub(crate) fn push(&mut self, id: ConnId, piece: Option<Piece>) {
        let Some(piece) = piece else { return };
        if let Some(connection) = named(&mut self.connections, id) {
            queue(connection, id, &piece, self.now.instant, &mut self.dirty);
        }
    }

    /// Queues what an app says; what it says to many has a number. One message is always taken, so
    /// that the budget does not forbid a large one.
    #[inline]
    pub(super) fn push_within_budget(
        &mut self,
        id: ConnId,
        piece: &Piece,
        number: Option<u64>,
    ) -> Sent {
        // Found by its whole name a moment ago: see the callers.
        let connection = &mut self.connections[id.slot()];
        debug_assert_eq!(connection.generation, id.generation, "nobody else is meant");
        let queued = connection.outbox.queued();
        if queued > 0 && queued + piece.len() > self.settings.outbox_bytes_max {
            return self.push_over_budget(id, piece, number);
        }
        queue(connection, id, piece, self.now.instant, &mut self.dirty);
        Sent::Queued
    }

    /// A reader has let too much pile up: it misses a broadcast if it may fall behind, and is cut off
    /// if not. What is said to it alone is then taken up to twice the budget, for most of it answers
    /// what was read from it, and nothing is read over the pause. Who writes a stream or feeds a deaf
    /// reader, and was not told to wait, has one piece taken, however large.
    #[cold]
    fn push_over_budget(&mut self, id: ConnId, piece: &Piece, number: Option<u64>) -> Sent {
        let bytes_max = self.settings.outbox_bytes_max;
        let connection = &mut self.connections[id.slot()];
        let may_be_told_to_wait = match &connection.stage {
            Stage::Http(_) => true,
            Stage::WebSocket(socket) => socket.hearing != Hearing::All,
            Stage::Upgrading(_) | Stage::Plain(_) | Stage::Closing(_) | Stage::Buried => false,
        };
        if may_be_told_to_wait && !connection.full {
            queue(connection, id, piece, self.now.instant, &mut self.dirty);
            return Sent::Queued;
        }
        if let Stage::WebSocket(socket) = &mut connection.stage
            && socket.terms.may_fall_behind
        {
            if let Some(number) = number {
                connection.miss(id, number, &mut self.notices);
                return Sent::Full;
            }
            if connection.outbox.queued() + piece.len() <= 2 * bytes_max {
                queue(connection, id, piece, self.now.instant, &mut self.dirty);
                return Sent::Queued;
            }
        }
        if !matches!(connection.stage, Stage::Plain(_)) {
            self.notices.push_back(Notice::TooSlow(id));
        }
        self.cut_off += 1;
        // At once: what still fits must not follow what was left out.
        let reason = "too slow: what waited for this reader exceeded its budget";
        self.close(id, TOO_SLOW, reason);
        Sent::Gone
    }

    /// Has the end of the turn look at `id`, whether or not it has something to say.
    pub(crate) fn mark(&mut self, id: ConnId) {
        if let Some(connection) = named(&mut self.connections, id) {
            mark(connection, id, &mut self.dirty);
        }
    }
}

#[inline]
fn queue(
    connection: &mut Connection,
    id: ConnId,
    piece: &Piece,
    now: Instant,
    dirty: &mut Vec<ConnId>,
) {
    // From now on something waits for the peer.
    if connection.outbox.is_empty() {
        connection.moved = now;
    }
    connection.outbox.push(piece);
    mark(connection, id, dirty);
}

/// The blocked too: nothing is written for them, but what is queued has to settle.
#[inline]
pub(super) fn mark(connection: &mut Connection, id: ConnId, dirty: &mut Vec<ConnId>) {
    if !connection.dirty {
        connection.dirty = true;
        dirty.push(id);
    }
}
