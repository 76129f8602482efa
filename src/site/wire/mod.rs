//! # Wire: how chat is written in JSON
//!
//! The one place that knows the form of events, answers and refusals; the WebSocket protocol, REST
//! and Server-Sent Events all say the same.

mod docs;
mod event;
mod object;
pub(super) mod players;
mod things;
pub(super) mod time;

pub(super) use docs::{document, found};
pub(super) use event::{Told, event, state};
pub(super) use object::Object;
pub(super) use things::{
    answer, ban, delivery, face, hook, member, message, notification, profile, refusal, room,
    upload,
};
