//! # Sim: the whole server in a world of its own
//!
//! Runs the real [`Engine`](crate::reactor::Engine) with a virtual clock and a virtual network, and
//! lets people loose on it: some ask, some talk, some misbehave. Everything is decided by one seed,
//! so a failure is repeated by its number.
//!
//! ```text
//!   people ──deeds──► network ──arrivals, in any pieces──► world ──inputs──► Engine ──► Subject
//!          ◄──takes──         ◄──writes, as many as fit──        ◄──effects──
//! ```
//!
//! The faults that we are obliged to survive, and that happen here:
//! bytes in any pieces, with any delay; transport buffers of any size (short writes, a transport
//! that takes nothing, and says so late); half-close; an end in the middle of anything; a reset at
//! any moment; peers that stop reading, that dribble, that are silent until a deadline; readiness
//! that comes late or for nothing; a loop that wakes late; many peers at once; no place for one
//! more; a shutdown in the middle.
//!
//! Promises
//! 1. The same seed gives the same run, byte for byte: [`Report::hash`] is over all of it.
//! 2. Every turn ends with [`Engine::check`](crate::reactor::Engine::check), and with what a
//!    connection may hold.
//! 3. Who keeps the rules gets what it is owed, whole and in order: every answer, every echo,
//!    every message of its room, also if it falls behind and is fed. Who does not gets a beginning of that, never something else.
//! 4. The app hears what it is promised, and nothing after an end.
//! 5. No deadline passes unheeded, and no turn is made for nothing.
//! 6. When everybody has gone, nothing is left.
//!
//! Never knows: sockets, the machine's clock. Start reading at [`run`], then `World::turn`.

mod agenda;
pub mod chat;
mod feed;
mod network;
#[cfg(test)]
mod nodes;
mod people;
mod reader;
mod subject;
mod talker;
mod trace;
mod world;

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Over everything that happened, in its order.
    pub hash: u64,
    /// Turns of the loop.
    pub turns: u64,
    /// Virtual milliseconds until all was over.
    pub lasted_ms: u64,
    /// People who found a place.
    pub served: u64,
    /// Answers and messages that reached somebody, each compared with what was owed.
    pub compared: u64,
    /// Bytes that went either way.
    pub bytes: u64,
    /// Pieces of streams that several read together.
    pub shared: u64,
}

/// Lets a world run to its end. Panics where a promise is broken.
///
/// ```
/// assert_eq!(parlour::sim::run(7), parlour::sim::run(7));
/// ```
pub fn run(seed: u64) -> Report {
    world::World::new(seed, false).run()
}

/// The same, and if it panics what happened last is told on standard error.
pub fn run_aloud(seed: u64) -> Report {
    world::World::new(seed, true).run()
}
