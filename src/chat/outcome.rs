//! # Outcome: what came of an operation
//!
//! An answer for whoever wanted it, and events for everybody. Only the log makes one, after the
//! commit: whoever holds an [`Outcome`] may acknowledge and tell.

use super::event::Event;
use super::id::{HookId, Millis, NotificationId, RoomId, Seq, TokenId, UserId, Version};

/// What came of an operation that was done, or had been done before under the same key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// For whoever wanted it.
    pub answer: Answer,
    /// It was done before, and this is the answer that it got then.
    pub repeat: bool,
    /// What happened, in order. A repeat causes nothing.
    pub events: Vec<Event>,
    /// Whose connections are to end, because of whoever they signed in as or with.
    pub ended: Vec<Ended>,
}

/// Connections that are to end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Those of one token.
    Token(UserId, TokenId),
    /// Those of a person, but for one token's.
    User(UserId, Option<TokenId>),
}

/// What whoever wanted an operation is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A message is stored.
    Sent {
        /// In which room.
        room: RoomId,
        /// Its number.
        seq: Seq,
        /// Its place.
        version: Version,
        /// When.
        at: Millis,
    },
    /// A room is at this version now; it was before if there was nothing to do.
    Changed {
        /// Which room.
        room: RoomId,
        /// Its version.
        version: Version,
    },
    /// There is this room; who asks is told what it is like.
    Room(RoomId),
    /// A notification is stored.
    Noted {
        /// Its number.
        id: NotificationId,
        /// When.
        at: Millis,
    },
    /// There is this reminder.
    Reminder {
        /// Its number.
        id: u32,
        /// When it is due.
        due: Millis,
    },
    /// A room is read up to somewhere; who asks is told what is left.
    Read {
        /// Which room.
        room: RoomId,
        /// Up to where, now.
        seq: Seq,
    },
    /// Notifications were seen; who asks is told what is left.
    Seen,
    /// There is this account.
    User(UserId),
    /// There is this token.
    Token(UserId, TokenId),
    /// There is an invite with this number.
    Invite(u32),
    /// There is a hook with this number.
    Hook(HookId),
    /// It is done, and there is nothing more to tell.
    Done,
}
