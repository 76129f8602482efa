//! # Nano: games and whatever else pomelo's and nano's clients talk to
//!
//! A [`Nano`] is put together from components and served by an [`App`](super::App), at a path for
//! WebSockets and at any address of plain TCP that the app listens at. Each connection has a session;
//! what clients ask and tell are calls of the components' handlers.
//!
//! ```
//! use parlour::web::App;
//! use parlour::web::nano::{Component, Failure, Group, Handlers, Json, Nano, Play};
//! use serde_json::{Value, json};
//!
//! struct Room {
//!     group: Group,
//! }
//!
//! impl Component<()> for Room {
//!     fn handlers(handlers: &mut Handlers<Self, ()>) {
//!         handlers.on("Join", Self::join).on("Say", Self::say);
//!     }
//! }
//!
//! impl Room {
//!     fn join(&mut self, play: &mut Play<'_, ()>, _: Vec<u8>) -> Result<(), Failure> {
//!         self.group.add(&mut play.house, play.id)?;
//!         Ok(play.session().response(&json!({ "code": 0 }))?)
//!     }
//!
//!     fn say(&mut self, play: &mut Play<'_, ()>, words: Json<Value>) -> Result<(), Failure> {
//!         Ok(self.group.broadcast(&mut play.house, "onSaid", &words)?)
//!     }
//! }
//!
//! let room = Room { group: Group::new("room") };
//! let app = App::new(()).nano("/nano", Nano::new().component("room", room).lower_case());
//! # drop(app);
//! // Clients call room.join and room.say.
//! ```
//!
//! Promises
//! 1. Handlers run one at a time, those of a session in the order of its messages.
//! 2. A request is answered, if only with 400, 404, 429, 500 or 503: by its handler, at once or later, or by
//!    the house, which also answers what a node had that is no more.
//! 3. What ends a session runs its closed hooks once; it is in no group afterwards.
//! 4. What is broadcast is written once and shared by all members that are connected here.
//! 5. Nothing that a handler calls calls a handler: what is for others waits until it returns.
//!
//! Never knows: sockets, frames; where other nodes are ([`Cluster`]). Start reading at [`Nano`], then
//! `endpoint`; of other nodes, at `abroad`.

mod abroad;
mod asked;
mod cluster;
mod component;
mod data;
mod endpoint;
mod group;
mod lobby;
mod pipeline;
mod play;
mod session;
mod setup;
#[cfg(test)]
mod tests;

pub use cluster::{Cluster, Heard, Word};
pub use component::{Component, Handlers};
#[cfg(feature = "protobuf")]
pub use data::Protobuf;
pub use data::{Decode, Encode, Json};
pub use group::{Group, GroupError};
pub use pipeline::Passing;
pub use play::{Failure, Play};
pub use session::{Record, SayError, Session, SessionId};
pub use setup::Nano;

pub(super) use abroad::listen;
pub(super) use endpoint::{Endpoint, call_later};
pub(super) use lobby::Lobby;
