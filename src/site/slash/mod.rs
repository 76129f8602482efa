//! # Slash: texts that are done instead of said
//!
//! Whoever says `/topic Tea` in a room has the server do something there. What there is stands in a
//! registry, [`Commands`], to which whoever builds an app on this adds their own; what a command
//! does it says by a [`Reply`].
//!
//! ```text
//!     text ─► meant ─► Typed ─► run ─► Command ─► Reply ─► operation ─► want
//!                                                   └────► words for whoever asked
//! ```
//!
//! Promises
//! 1. The same text means the same by whatever way it comes: WebSocket, REST, a form.
//! 2. What a command changes it changes by an operation, with the rights of whoever typed it.
//! 3. What is for one person is told to the one connection that asked, and stored nowhere.

mod ask;
mod built_in;
mod poll;
mod registry;
mod remind;
mod reply;
mod run;
mod typed;
mod when;

pub(super) use registry::listed;
pub use registry::{Command, Commands, Where, Who};
pub use reply::{Asked, Reply};
pub(super) use run::{Done, done_json, run, told};
pub(super) use typed::{Typed, Typing, is_name, typing};
