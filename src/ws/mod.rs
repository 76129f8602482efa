//! # WebSocket: bytes to events and back
//!
//! RFC 6455 to the letter, and permessage-deflate (RFC 7692), for both ends of a connection. A
//! [`Session`] is one end after the handshake; [`handshake`] is what comes before it.
//!
//! ```text
//!               close, or a fault with its close frame
//!        Open ────────────────────────────────────────► Closing
//!          │ the peer's close: answered at once            │ the peer's close, or `ended`
//!          └───────────────────► Closed ◄──────────────────┘
//!          any broken rule ────► Broken, for ever, with its first reason
//! ```
//!
//! Promises
//! 1. `decode` consumes what it is given, up to an event: nothing of the input has to be kept.
//! 2. The same bytes give the same events and the same answers, however they are split.
//! 3. Any bytes end in events or a [`Fault`], never in a panic; after a fault nothing else comes.
//! 4. Memory is taken as payload arrives, never because a header announces it, and never beyond
//!    [`Limits`], for inflated bytes too. An idle session owns no heap memory (but for its own
//!    compression contexts where those were allowed and negotiated).
//! 5. A ping is answered and a close is answered before their events are told.
//! 6. Text is UTF-8, refused at the very byte that makes it wrong, and never looked at twice.
//! 7. After our close frame we send no data, after the peer's we send and read nothing.
//!
//! Never knows: sockets, clocks, threads, HTTP, rooms, why something is sent. Start reading at
//! [`Session::decode`], then [`frame()`].

mod assemble;
mod close;
mod deflate;
mod extension;
mod fault;
pub mod frame;
pub mod handshake;
mod mask;
mod message;
#[cfg(any(test, fuzzing))]
pub mod properties;
mod session;
#[cfg(test)]
mod tests;
mod utf8;

pub use close::{CLOSE_REASON_BYTES_MAX, is_close_code};
pub use deflate::{Deflate, DeflatePolicy, deflated_frame};
pub use extension::{Agreed, Direction};
pub use fault::Fault;
pub use frame::frame;
pub use message::{Event, Limits, Message, Role, Step};
pub use session::Session;
