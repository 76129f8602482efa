//! # Ids: numbers that are not to be mixed up
//!
//! People and rooms have small numbers inside of the server; outside they have names. A message is
//! its room's number and its own (`seq`), packed into one integer that SQLite orders rows by.

use serde::{Deserialize, Serialize};

/// Milliseconds since 1970, UTC.
pub type Millis = u64;

/// A message's number in its room: 1, 2, 3, … without a gap.
pub type Seq = u32;

/// The place of an event in its room: 1, 2, 3, … without a gap.
pub type Version = u32;

/// The place of an event in the whole server: growing, without a gap.
pub type Op = u64;

/// A person or a bot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct UserId(pub u32);

/// A room; below 2^31, so that a packed key stays positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RoomId(pub u32);

/// A token that somebody signs in with; the number is no secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TokenId(pub u32);

/// A notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct NotificationId(pub u32);

/// A way for a program in or out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HookId(pub u32);

impl RoomId {
    /// The key of the room's `number`-th message or event.
    pub const fn key(self, number: u32) -> i64 {
        (self.0 as i64) << 32 | number as i64
    }

    /// The room of a key.
    pub const fn of_key(key: i64) -> Self {
        Self((key >> 32) as u32)
    }
}

/// The message's or event's number of a key.
pub(super) const fn number_of_key(key: i64) -> u32 {
    key as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_in_the_order_of_rooms_and_numbers() {
        let last = RoomId((1 << 31) - 1);
        assert!(RoomId(1).key(u32::MAX) < RoomId(2).key(0));
        assert!(last.key(u32::MAX) > 0);
        assert_eq!(RoomId::of_key(last.key(7)), last);
        assert_eq!(number_of_key(last.key(u32::MAX)), u32::MAX);
    }
}
