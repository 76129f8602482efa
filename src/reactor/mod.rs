//! # Reactor: turns inputs into effects
//!
//! Owns every connection, from its first byte of HTTP through the upgrade to its last WebSocket
//! frame, and hands what arrives to an [`App`]. The [`Engine`] is a state machine without I/O;
//! [`driver`] puts sockets, clocks and signals around it, the simulator puts a virtual world there.
//!
//! ```text
//!            accepted, received, ended, writable, elapse, woken
//!  driver ───────────────────────────────────────────────────────► Engine ──► App
//!         ◄───────────────────────────────────────────────────────        ◄── Net
//!            flush (what to write), effects (what to do), sleep
//! ```
//!
//! At an address of plain bytes a connection begins in the stage `Plain` and stays there until it
//! closes. The life of every other (`stage::Stage`):
//!
//! ```text
//!   accepted ─► Http ──ask──► Upgrading ──accept──► WebSocket
//!                │ ▲             │ refuse              │ close, fault, too slow
//!                │ └─────────────┘                     ▼
//!                └──last answer, fault, too slow──► Closing ──ended, too long──► buried
//! ```
//!
//! Promises
//! 1. Inputs only *produce* effects; nothing is written while something is handled.
//! 2. The same inputs give the same effects, byte for byte.
//! 3. Requests of one connection are answered in the order in which they came, each once.
//! 4. An app hears `opened` and `closed` exactly once each for a WebSocket, in this order.
//! 5. What a connection holds is bounded: unread input by the pause, unsaid output by the budget.
//! 6. An answer that breaks off never looks whole: its connection is reset.
//! 7. A WebSocket that may fall behind gets all broadcasts up to one, and none from there on until
//!    its app says so: no hole that is followed by anything.
//! 8. A connection that makes no progress ends: each stage has a deadline, or waits for the app.
//!
//! Never knows: rooms, people, JSON, files. Start reading at [`Engine::received`].

pub mod app;
mod connection;
mod deadlines;
pub mod driver;
mod engine;
mod hearing;
mod heartbeat;
mod held;
mod net;
mod outbox;
#[cfg(any(test, fuzzing))]
pub mod properties;
pub mod settings;
mod stage;
mod terms;
#[cfg(test)]
mod tests;
pub mod token;
mod upgrade;

pub use app::{Answer, App, Reception, Request, Upgrade};
pub use connection::Peer;
pub use engine::{Effect, Engine};
pub use net::{Net, Sent};
pub use settings::{Settings, Waits};
pub use token::{Call, ConnId};
pub use upgrade::upgrade_refusal;
