//! # Limits: how long, how many
//!
//! Each with its reason. They are part of what `hello` tells clients.

/// Characters of a message. Slack has 40,000 and recommends 4,000; Discord has 2,000, Matrix 64 KiB
/// an event. Long enough for a page of log, short enough that a screen can show it.
pub const TEXT_CHARS_MAX: usize = 8000;

/// Characters of a name of a person or room: fits a line of a phone.
pub const NAME_CHARS_MAX: usize = 64;

/// Characters of a display name or title.
pub const TITLE_CHARS_MAX: usize = 120;

/// Characters of a topic.
pub const TOPIC_CHARS_MAX: usize = 500;

/// Bytes of a key: a UUID has 36.
pub const KEY_BYTES_MAX: usize = 64;

/// Bytes of a reaction: emoji that are made of several have up to 35, custom names are of this size.
pub const EMOJI_BYTES_MAX: usize = 64;

/// Different reactions to one message.
pub const EMOJI_PER_MESSAGE_MAX: u32 = 50;

/// Members of a direct room, whoever opened it included. Above that it wants a name.
pub const DIRECT_PEOPLE_MAX: usize = 10;

/// Members that one message may notify by `@room` when whoever sends it is an ordinary member.
pub const ROOM_MENTION_MEMBERS_MAX: u32 = 200;

/// People that one message may mention by name.
pub const MENTIONS_MAX: usize = 50;

/// Characters of a password. Shorter than 8 is guessed, longer than 1024 costs time to hash.
pub const PASSWORD_CHARS: std::ops::RangeInclusive<usize> = 8..=1024;

/// Messages of a page of history.
pub const HISTORY_MAX: u32 = 200;

/// Reminders of a person that wait at once.
pub const REMINDERS_MAX: u32 = 100;

/// Characters of what somebody is reminded of: with what is said around it, it is a message.
pub const REMINDER_CHARS_MAX: usize = 1000;

/// How far ahead somebody can be reminded: five years.
pub const REMINDER_MS_MAX: u64 = 5 * 366 * 24 * 60 * 60 * 1000;

/// Rooms that `hello` lists.
pub const HELLO_ROOMS_MAX: u32 = 200;

/// Tokens that a person may have at once.
pub const TOKENS_MAX: u32 = 100;

/// Rooms that a person may be a member of.
pub const ROOMS_PER_PERSON_MAX: u32 = 1000;

/// Bytes of an attachment.
pub const UPLOAD_BYTES_MAX: u64 = 25 << 20;

/// Invite codes that a person may have handed out at once.
pub const INVITES_MAX: u32 = 100;

/// People that one invite code may let in: a large company at once.
pub const INVITE_USES_MAX: u32 = 10_000;

/// Bytes of an email address: what a mail server takes.
pub const EMAIL_BYTES_MAX: usize = 254;

/// Bytes that a person may upload within a day, so that one account does not fill the disk at once.
pub const UPLOAD_BYTES_PER_DAY_MAX: u64 = 1 << 30;

/// Files that a person may upload within a day.
pub const UPLOADS_PER_DAY_MAX: u64 = 1000;

/// Hooks that a person may have made.
pub const HOOKS_MAX: u32 = 100;

/// Bytes of an address to which events are sent.
pub const HOOK_URL_BYTES_MAX: usize = 2000;

/// People of a page.
pub const PEOPLE_MAX: u32 = 200;
