//! # Chat: accounts, rooms, messages and notifications that are never lost
//!
//! The domain. Everything durable that somebody wants is an [`Operation`]; it is appended to the
//! [`Log`], applied there in order, and what came of it is an [`Outcome`]: an answer for whoever
//! wanted it and events for everybody. What is there is looked up beside that, by readers.
//!
//! ```text
//!     Entry ──Log::append──► apply, in a transaction with others ──commit──► Outcome { answer, events }
//!     Reader ───────────────► history, missed, summary, search
//! ```
//!
//! Promises
//! 1. Whoever has an [`Outcome`] may acknowledge: what it tells is stored.
//! 2. In a room there is one order without gaps: of messages by `seq`, of events by `version`.
//! 3. What is wanted twice under one key is done once.
//! 4. Whoever says where they were can be told what they missed, and nothing else.
//!
//! Never knows: JSON, HTTP, sockets, clocks. Start reading at [`Operation`], then `apply`.

mod account;
mod apply;
pub mod archive;
pub mod backup;
pub mod bans;
mod bot;
pub mod check;
mod check_files;
mod column;
pub mod deliveries;
mod erase;
mod event;
mod files;
pub mod history;
mod hook;
pub mod hooks;
mod id;
pub mod limits;
mod log;
mod mention;
mod message;
pub mod missed;
mod name;
mod notification;
pub mod notifications;
mod operation;
mod outcome;
pub mod people;
mod place;
mod query;
mod reading;
mod refusal;
pub mod reminder;
pub mod removal;
mod room;
pub mod roster;
mod schema;
mod scope;
pub mod search;
mod snippet;
pub mod summary;
mod token;
mod upload;
mod work;

#[cfg(test)]
mod tests;

pub use apply::is_used;
pub use check::{Damage, Finding, Told, check};
pub use check_files::check_files;
pub use event::{
    Attachment, Event, Exit, Facts, Message, Notice, Notification, Person, Reaction, To, What,
};
pub use files::{Files, Incoming, Kept, STALE_MS, is_hash};
pub use history::{History, Whence};
pub use id::{HookId, Millis, NotificationId, Op, RoomId, Seq, TokenId, UserId, Version};
pub use log::{Full, Keepsake, Log, OnDone, Verdict};
pub use mention::{Mentions, mentions};
pub use name::{DIRECT_PREFIX, Email, Emoji, HookUrl, Key, RoomName, Text, Title, Topic, UserName};
pub use operation::{
    Entry, Hash, HookEvent, HookWay, Kind, Level, Moment, Operation, Role, Setting, SignUp,
    Standing, Style, Tokens, Whom,
};
pub use outcome::{Answer, Ended, Outcome};
pub use people::Identity;
pub use query::Query;
pub use reading::Part;
pub use refusal::{Code, Refusal};
pub(crate) use schema::open_by_hand;
pub use schema::{CHAT, FILE, is_current, open, open_in_memory};
pub use scope::{Scope, Scopes};
pub use search::{Hit, HitPlace};
pub use snippet::Snippet;
pub use summary::{Horizon, Member, Membership, RoomSummary};
pub use upload::{Upload, is_in_use, uploaded};
