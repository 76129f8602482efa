//! # Event: what happened, for those whom it concerns
//!
//! Applying an operation causes events. Each has the server's next [`Op`]; one that happened in a
//! room has the room's next [`Version`] as well, and is for every member; the others are for one
//! person's devices.
//!
//! The same event can be made again from what is stored ([`missed`](super::missed)): whoever was
//! away is told the same as those who were there, but what a message says is what it says by then.

use super::id::{Millis, NotificationId, Op, RoomId, Seq, UserId, Version};
use super::name::{Emoji, Key, RoomName, Text, Title, Topic, UserName};
use super::operation::{Kind, Level, Role, Standing, Style};

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// Its place in the server.
    pub op: Op,
    /// When.
    pub at: Millis,
    /// Whom it concerns.
    pub to: To,
    /// What it was.
    pub what: What,
}

/// Whom an event concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum To {
    /// Every member of a room.
    Room {
        /// Its number.
        id: RoomId,
        /// Its name.
        name: RoomName,
        /// The event's place in it.
        version: Version,
    },
    /// One person's devices.
    User(UserId),
}

/// A person, as others see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// Their number.
    pub id: UserId,
    /// Their name.
    pub name: UserName,
    /// What they want to be called.
    pub display_name: Title,
}

/// A message, as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Its number in the room.
    pub seq: Seq,
    /// The place of its last change.
    pub version: Version,
    /// Who said it.
    pub from: Person,
    /// When.
    pub at: Millis,
    /// What; nothing once it is deleted.
    pub text: Text,
    /// How that is meant.
    pub style: Style,
    /// What its sender called it.
    pub key: Option<Key>,
    /// Which message it answers.
    pub reply_to: Option<Seq>,
    /// A file that goes with it.
    pub attachment: Option<Attachment>,
    /// When it was last changed.
    pub edited_at: Option<Millis>,
    /// When it was deleted.
    pub deleted_at: Option<Millis>,
    /// Who thinks what of it, by emoji in the order of their first use.
    pub reactions: Vec<Reaction>,
}

/// Who reacted with one emoji.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reaction {
    /// The emoji.
    pub emoji: Emoji,
    /// In the order in which they did.
    pub users: Vec<UserName>,
}

/// A file that was uploaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    /// The upload's id.
    pub id: Box<str>,
    /// The file's name.
    pub name: Box<str>,
    /// Its media type.
    pub media: Box<str>,
    /// Its length.
    pub bytes: u64,
    /// Width and height, if it is a picture.
    pub size: Option<(u32, u32)>,
}

/// What a room is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// For people.
    pub title: Title,
    /// What it is about.
    pub topic: Topic,
    /// Who may see it.
    pub kind: Kind,
    /// Nobody can say anything any more.
    pub archived: bool,
    /// The message that is to be seen first.
    pub pinned: Option<Seq>,
}

/// How somebody left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// They wanted to.
    Left,
    /// Somebody removed them.
    Removed,
    /// Somebody removed them for good.
    Banned,
    /// Somebody deleted the room. That is for whoever it says has left: all of them have.
    Closed,
}

/// A notification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notification {
    /// Its number.
    pub id: NotificationId,
    /// Whether somebody wrote it, or a message mentions the person.
    pub kind: Notice,
    /// Who wrote it or the message.
    pub from: Option<Person>,
    /// Where the message is.
    pub room: Option<(RoomName, Seq)>,
    /// What it says.
    pub text: Box<str>,
    /// When.
    pub at: Millis,
    /// Whether it was seen.
    pub seen: bool,
}

/// Why there is a notification.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Somebody wrote it.
    Note,
    /// A message mentions the person.
    Mention,
}

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    // ------------------------------------------------------------------------- in a room
    /// Somebody said something.
    Message(Message),
    /// A message was changed; this is how it is now.
    Edited {
        /// By whom.
        by: Person,
        /// What it is now.
        message: Message,
    },
    /// A message was deleted.
    Deleted {
        /// By whom.
        by: Person,
        /// Which.
        seq: Seq,
    },
    /// Somebody reacted to a message, or took that back.
    Reaction {
        /// Who.
        by: Person,
        /// To which.
        seq: Seq,
        /// How.
        emoji: Emoji,
        /// Whether it was taken back.
        on: bool,
    },
    /// Somebody is a member now.
    Joined {
        /// Who.
        user: Person,
        /// By whom, if not by themselves.
        by: Option<Person>,
        /// What they are.
        standing: Standing,
    },
    /// Somebody is no member any more.
    Left {
        /// Who.
        user: Person,
        /// By whom, if not by themselves.
        by: Option<Person>,
        /// How.
        exit: Exit,
    },
    /// A member may do more or less than before.
    Member {
        /// Who.
        user: Person,
        /// By whom.
        by: Option<Person>,
        /// What they are now.
        standing: Standing,
        /// Until when they may only read.
        muted_until: Option<Millis>,
    },
    /// The room is changed; this is how it is now.
    Changed {
        /// By whom.
        by: Option<Person>,
        /// What it is now.
        facts: Facts,
    },
    // --------------------------------------------------------------- for a person's devices
    /// They are a member of this room now, which they or somebody else opened for them.
    Opened {
        /// Which.
        room: RoomName,
        /// Its number.
        id: RoomId,
    },
    /// Somebody made them a member of this room.
    Invited {
        /// Which.
        room: RoomName,
        /// Its number.
        id: RoomId,
        /// Who.
        by: Option<Person>,
    },
    /// They are to know something.
    Notified(Notification),
    /// They have seen all notifications up to this one.
    Seen(NotificationId),
    /// They have read a room up to there.
    Read {
        /// Which.
        room: RoomName,
        /// Its number.
        id: RoomId,
        /// Up to where.
        seq: Seq,
    },
    /// They want to be told of other things in this room.
    Level {
        /// Which.
        room: RoomName,
        /// Of what; nothing for what the room's kind suggests.
        level: Option<Level>,
    },
    /// Their account is changed; this is how it is now.
    Account {
        /// Who they are.
        user: Person,
        /// What they may do.
        role: Role,
        /// Whether they may sign in.
        disabled: bool,
    },
    /// Some of their tokens have ended.
    SignedOut,
}

/// The numbers under which events are stored. They never change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum EventKind {
    Message = 1,
    Edited = 2,
    Deleted = 3,
    Reacted = 4,
    Unreacted = 5,
    Joined = 6,
    Left = 7,
    Removed = 8,
    Banned = 9,
    Member = 10,
    Changed = 11,
    Closed = 12,
    Opened = 20,
    Invited = 21,
    Notified = 22,
    Seen = 23,
    Read = 24,
    Level = 25,
    Account = 26,
    SignedOut = 27,
}

impl EventKind {
    const ALL: [Self; 20] = [
        Self::Message,
        Self::Edited,
        Self::Deleted,
        Self::Reacted,
        Self::Unreacted,
        Self::Joined,
        Self::Left,
        Self::Removed,
        Self::Banned,
        Self::Member,
        Self::Changed,
        Self::Closed,
        Self::Opened,
        Self::Invited,
        Self::Notified,
        Self::Seen,
        Self::Read,
        Self::Level,
        Self::Account,
        Self::SignedOut,
    ];

    /// The kind with a number.
    pub(super) fn of(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| *kind as i64 == number)
    }
}
