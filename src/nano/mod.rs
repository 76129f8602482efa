//! # Nano: bytes to events and back, as pomelo's and nano's clients speak
//!
//! The protocol core without I/O: packets, the messages in some of them, the dictionary of routes,
//! the handshake, and the states of one server's end of a connection ([`Link`]). What handlers,
//! sessions and groups are made of is in `web::nano`, on top of it.
//!
//! ```text
//!                handshake, accepted         ack
//!      Start ────────────────────► Handshake ───► Working
//!        │                            ▲   handshake  │
//!        │ ack                        └──────────────┘
//!        └──────────────────────────────────► Working
//!      any broken rule, or a refusal ───────► over, with its first reason
//! ```
//!
//! Promises
//! 1. The same bytes give the same events, however they are split.
//! 2. Any bytes end in events or one [`Fault`], never in a panic; after a fault nothing else comes.
//!    Packets in front of the fault are events.
//! 3. Memory is taken as bytes arrive, never because a header announces them, and never beyond the
//!    limit. A link between two packets owns no heap memory.
//! 4. Time comes in as a value: [`Link::tick`] says what is due.
//!
//! Never knows: sockets, clocks, what a route means, who is behind a session. Start reading at
//! [`Link::decode`].

mod dictionary;
mod fault;
pub mod handshake;
mod link;
mod message;
pub mod packet;
#[cfg(any(test, fuzzing))]
pub mod properties;
#[cfg(test)]
mod tests;
pub mod text;

pub use dictionary::{Dictionary, DictionaryError};
pub use fault::Fault;
pub use link::{Beat, Event, Link, Rules, Step};
pub use message::{Kind, Message};
pub use packet::{Packet, Packets};
