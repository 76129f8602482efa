//! # Client: a blocking WebSocket client, one of the game protocol, and requests
//!
//! For bots, hooks, tests and the bench: the same protocol core as the server's, over a `TcpStream`.
//!
//! ```text
//!     Connect ──connect──► Socket ──read / write──► Socket ──close──► read until `None`
//! ```
//!
//! Promises
//! 1. `connect` ends within its timeout, however slowly the server trickles; so does each `read`
//!    and each `write` once a timeout is set. A `read` or `write` that timed out can be repeated.
//! 2. Pings and closes are answered while reading, without being asked.
//! 3. `read` gives `None` after the peer's close frame, and an error if the connection ends
//!    without one.
//! 4. An error says what was wrong and what to do.
//!
//! Never knows: the server's rooms. Start reading at [`Connect::connect`], then [`Socket::read`].

mod address;
mod bot;
mod connect;
mod nano;
mod request;
mod socket;
mod tls;

pub use address::{Allowed, is_public};
pub use bot::{Bot, BotError, Message};
pub use connect::{Connect, ConnectError};
pub use nano::{Nano, NanoError, Said};
pub use request::{Answer, Request, RequestError};
pub use socket::{Incoming, ReadError, Socket, WriteError};
