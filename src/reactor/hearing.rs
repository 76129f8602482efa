//! # Hearing: readers that fall behind what is broadcast
//!
//! A reader that takes less than is said in its rooms could be cut off, and come back for the rest.
//! One that may fall behind stays: from the first broadcast for which it has no room it is *deaf*.
//! Its app is told, feeds it with what it missed whenever there is room, and has it hear again.
//!
//! ```text
//!              no room for a broadcast            fell_behind is told
//!     All ─────────────────────────────► Missed ─────────────────────► Deaf
//!      ▲ │                                                             ▲ │
//!      │ └─────────────────────────── deafen ──────────────────────────┘ │
//!      └─────────────────────────────── hear ────────────────────────────┘
//! ```
//!
//! Promises
//! 1. What is broadcast reaches a reader in state `All`, and nobody else.
//! 2. `fell_behind` comes once for each way to `Missed`, before the app is called for anything that
//!    happens later; nobody hears again before it has come.
//! 3. `has_room` comes when less than [`Settings::refill_bytes`] waits, once after `fell_behind` and
//!    once after each time that a direct word was told that there is no room; only to the deaf.
//!
//! So nothing is lost or doubled for an app that numbers its broadcasts in their order: a reader has
//! been given all that is below the number which `fell_behind` names. From there the app feeds it, up
//! to what it has broadcast last and no further, and says [`Net::hear`] in the call in which the last
//! of that is sent.
//!
//! Never knows: what is missed, where it is kept.

use std::collections::VecDeque;

use crate::reactor::connection::Connection;
use crate::reactor::net::{Net, Notice, Sent, open_socket};
use crate::reactor::settings::Settings;
use crate::reactor::stage::{Hearing, Stage, WebSocket};
use crate::reactor::token::ConnId;
use crate::ws::Message;

impl Settings {
    /// Unsaid bytes below which a deaf reader is fed. Half of what may wait before nothing more is
    /// read from it, so that who catches up for long is listened to meanwhile.
    pub(crate) fn refill_bytes(&self) -> usize {
        (self.pause_bytes.min(self.outbox_bytes_max) / 2).max(1)
    }
}

impl Connection {
    /// Its reader has no room for the broadcast `number`.
    pub(crate) fn miss(&mut self, id: ConnId, number: u64, notices: &mut VecDeque<Notice>) {
        if let Stage::WebSocket(socket) = &mut self.stage {
            socket.hearing = Hearing::Missed;
            self.full = true;
            notices.push_back(Notice::FellBehind(id, number));
        }
    }

    /// A reader has taken something: is there room, if it is a deaf one?
    #[cold]
    pub(crate) fn look_for_room(
        &mut self,
        id: ConnId,
        settings: &Settings,
        notices: &mut VecDeque<Notice>,
    ) {
        if matches!(self.stage, Stage::WebSocket(_))
            && self.outbox.queued() < settings.refill_bytes()
        {
            self.full = false;
            notices.push_back(Notice::HasRoom(id));
        }
    }
}

impl Net {
    /// Has broadcasts pass the WebSocket `id` by, until [`hear`](Self::hear): who is to be told first
    /// what it missed, for example. What is said to it with [`send`](Self::send) reaches it. Whether
    /// there is such a WebSocket, and it is open.
    pub fn deafen(&mut self, id: ConnId) -> bool {
        let Some(socket) = open_socket(&mut self.connections, id) else {
            return false;
        };
        if socket.hearing == Hearing::All {
            socket.hearing = Hearing::Deaf;
        }
        true
    }

    /// Has the WebSocket `id` hear what is broadcast from now on. Not if it is gone; nor if it has
    /// missed something of which the app is still to be told, by
    /// [`App::fell_behind`](crate::reactor::App::fell_behind). Whether it hears.
    pub fn hear(&mut self, id: ConnId) -> bool {
        let Some(socket) = open_socket(&mut self.connections, id) else {
            return false;
        };
        if socket.hearing == Hearing::Missed {
            return false;
        }
        socket.hearing = Hearing::All;
        self.connections[id.slot()].full = false;
        true
    }

    /// Something was said to a deaf reader: is it enough for now?
    pub(crate) fn fill(&mut self, id: ConnId) -> Sent {
        let refill_bytes = self.settings.refill_bytes();
        match self.get_mut(id) {
            Some(connection) if connection.outbox.queued() >= refill_bytes => {
                connection.full = true;
                Sent::Full
            }
            _ => Sent::Queued,
        }
    }

    /// The app is about to be told that `id` fell behind, if that is so.
    pub(crate) fn admit_deafness(&mut self, id: ConnId) -> bool {
        match open_socket(&mut self.connections, id) {
            Some(WebSocket { hearing, .. }) if *hearing == Hearing::Missed => {
                *hearing = Hearing::Deaf;
                true
            }
            _ => false,
        }
    }

    /// Whether `id` still is deaf and has room.
    pub(crate) fn may_be_fed(&mut self, id: ConnId) -> bool {
        open_socket(&mut self.connections, id).is_some_and(|it| it.hearing == Hearing::Deaf)
            && !self.connections[id.slot()].full
    }

    /// Whether the reader `id` has no room for a broadcast whose size is known only when it is
    /// compressed: then it misses it.
    pub(crate) fn falls_behind(&mut self, id: ConnId, message: Message<'_>, number: u64) -> bool {
        let len = message.bytes().len();
        // Bytes that do not compress are stored, with a few more for each block of them.
        let at_worst = len + len / 1000 + 64;
        let bytes_max = self.settings.outbox_bytes_max;
        let may_fall_behind = open_socket(&mut self.connections, id)
            .is_some_and(|socket| socket.terms.may_fall_behind);
        let connection = &mut self.connections[id.slot()];
        let queued = connection.outbox.queued();
        let falls = may_fall_behind && queued > 0 && queued + at_worst > bytes_max;
        if falls {
            connection.miss(id, number, &mut self.notices);
        }
        falls
    }
}
