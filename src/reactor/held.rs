//! # Held: WebSockets whose input has to wait
//!
//! A peer that has more under way than it may is not listened to until some of it is done.
//!
//! Promises
//! 1. No message is handed over between [`Net::hold_input`] and [`Net::release_input`]; all come
//!    later, in their order, each once.
//! 2. What waits here is the rest of one read, and what one more brings; everything else stays with
//!    the kernel, and so with the peer.
//! 3. No deadline runs against a peer that is not listened to, but for that of taking what is said.
//!    Its end is heard of when it is released.

use crate::reactor::net::{Net, open_socket};
use crate::reactor::stage::Stage;
use crate::reactor::token::ConnId;

impl Net {
    /// Hands out no more messages of the WebSocket `id` until [`release_input`](Self::release_input),
    /// from the present one on. Whether it does: not if it is none, or is closing.
    pub fn hold_input(&mut self, id: ConnId) -> bool {
        let Some(socket) = open_socket(&mut self.connections, id) else {
            return false;
        };
        socket.held = true;
        socket.unanswered = 0;
        self.connections[id.slot()].paused = true;
        true
    }

    /// Goes on with the messages of the WebSocket `id`, in the next turn at the latest. A close that
    /// the app begins does the same.
    pub fn release_input(&mut self, id: ConnId) {
        self.go_on_reading(id);
        self.arm(id);
    }

    pub(crate) fn go_on_reading(&mut self, id: ConnId) {
        let now = self.now.instant;
        if let Some(connection) = self.get_mut(id)
            && let Stage::WebSocket(socket) = &mut connection.stage
            && std::mem::take(&mut socket.held)
        {
            connection.heard = now;
            self.ready.push(id);
        }
    }
}
