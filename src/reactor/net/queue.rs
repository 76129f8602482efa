//! # Queue: what was said waits for the end of the turn
//!
//! What a protocol says is always taken; what an app says has a budget.

use super::{Net, Notice, Sent, named};
use crate::ground::time::Instant;
use crate::reactor::connection::Connection;
use crate::reactor::outbox::Piece;
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

    /// Queues what an app says. A reader that has let too much pile up is cut off; one message is
    /// always taken, so that the budget does not forbid a large one.
    #[inline]
    pub(super) fn push_within_budget(&mut self, id: ConnId, piece: &Piece) -> Sent {
        // Found by its whole name a moment ago: see the callers.
        let connection = &mut self.connections[id.slot()];
        debug_assert_eq!(connection.generation, id.generation, "nobody else is meant");
        let queued = connection.outbox.queued();
        if queued > 0 && queued + piece.len() > self.settings.outbox_bytes_max {
            self.notices.push_back(Notice::TooSlow(id));
            self.cut_off += 1;
            // At once: what still fits must not follow what was left out.
            let reason = "too slow: what waited for this reader exceeded its budget";
            self.close(id, TOO_SLOW, reason);
            return Sent::Gone;
        }
        queue(connection, id, piece, self.now.instant, &mut self.dirty);
        Sent::Queued
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
