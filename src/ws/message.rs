//! # Words of the room: messages, events, limits
//!
//! What goes in and out of a session, without how.

use std::borrow::Cow;

use crate::ws::Fault;

/// Which end of the connection a session is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Reads masked frames and writes plain ones.
    Server,
    /// Reads plain frames and writes masked ones.
    Client,
}

/// How much a peer may make us hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The most bytes of a message, inflated. Chat needs far less; a mebibyte is the least that
    /// other servers allow by default.
    pub message_bytes_max: usize,
    /// The most payload bytes of a frame, as sent.
    pub frame_bytes_max: usize,
    /// The most frames of a message. Each may be empty, so bytes alone do not bound the work.
    /// Autobahn cuts 64 KiB into single bytes; twice that is allowed.
    pub fragments_max: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            message_bytes_max: 1 << 20,
            frame_bytes_max: 1 << 20,
            fragments_max: 131_072,
        }
    }
}

/// A message to send, or to hand to an app.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// UTF-8 text.
    Text(&'a str),
    /// Any bytes.
    Binary(&'a [u8]),
}

impl<'a> Message<'a> {
    /// The payload.
    pub const fn bytes(self) -> &'a [u8] {
        match self {
            Self::Text(text) => text.as_bytes(),
            Self::Binary(bytes) => bytes,
        }
    }
}

/// What came of decoding.
#[derive(Debug, PartialEq, Eq)]
pub enum Step<'i> {
    /// Something happened, after `used` bytes of the input; decode the rest after handling it.
    Event {
        /// Bytes of the input that are done with.
        used: usize,
        /// What happened.
        event: Event<'i>,
    },
    /// All of the input is consumed.
    More,
    /// The peer broke a rule: now, or earlier. The close frame, if one was due, is in `out`.
    Broken(Fault),
}

/// What a peer did. Whole frames are borrowed from the input, what arrived in pieces is owned.
#[derive(Debug, PartialEq, Eq)]
pub enum Event<'i> {
    /// A text message.
    Text(Cow<'i, str>),
    /// A binary message.
    Binary(Cow<'i, [u8]>),
    /// A ping; its pong is in `out` already.
    Ping(Cow<'i, [u8]>),
    /// A pong, asked for or not: a sign of life.
    Pong(Cow<'i, [u8]>),
    /// The peer's close, or 1006 from [`Session::ended`](crate::ws::Session::ended). Our answer,
    /// if one was due, is in `out` already. Nothing comes after it.
    Closed {
        /// The peer's code, if it gave one.
        code: Option<u16>,
        /// The peer's reason, for logs.
        reason: Cow<'i, str>,
    },
}

impl Event<'_> {
    /// The event as a message, if it is one.
    pub fn message(&self) -> Option<Message<'_>> {
        match self {
            Self::Text(text) => Some(Message::Text(text)),
            Self::Binary(bytes) => Some(Message::Binary(bytes)),
            Self::Ping(_) | Self::Pong(_) | Self::Closed { .. } => None,
        }
    }
}

impl<'a> From<&'a str> for Message<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a [u8]> for Message<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Binary(bytes)
    }
}

impl<'a> From<&'a String> for Message<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text)
    }
}

impl<'a> From<&'a Vec<u8>> for Message<'a> {
    fn from(bytes: &'a Vec<u8>) -> Self {
        Self::Binary(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Message<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Binary(bytes)
    }
}
