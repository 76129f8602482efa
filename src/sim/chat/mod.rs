//! # The chat in a world of its own, beside a model of it
//!
//! People with several devices use the real site on the real engine and a real SQLite, in memory;
//! a model that is a few plain lists says what must come of it. Everything is decided by one seed.
//!
//! ```text
//!   Device ──frames──► network ──► Engine ──► site ──Entry──► Ledger ──► scribe, by hand
//!     │                                                          └──Entry, Verdict──► Model
//!     └── Ear: what is told, against what was committed ◄─────────────────────────────┘
//! ```
//!
//! What goes wrong here: connections are cut, half-open, slow, in pieces; the process is killed
//! before a commit, between a commit and its acknowledgement, and after; commits fail, the disk is
//! full, the queue is full; another process writes as well; tokens end; the database is called something
//! else, as one that was restored. Rooms are deleted and made again under their names.
//!
//! Promises
//! 1. The same seed gives the same run: [`Report::hash`] is over all of it.
//! 2. Each verdict of the log is what the model says, to the number.
//! 3. Whatever a device is told was committed so, comes once and in order, and in the end every
//!    device has everything.
//! 4. What was acknowledged is stored, once.
//! 5. A server with a [`Bug`] does not pass.
//!
//! Never knows: a clock, a thread, a socket, a file. Start reading at `World::run`, then `Ear`.

mod checks;
mod device;
mod ear;
mod errand;
mod fact;
mod ledger;
mod link;
mod model;
mod state;
#[cfg(test)]
mod strangers;
#[cfg(test)]
mod tests;
mod town;
mod wishes;
mod world;

pub use ledger::Bug;

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Over everything that happened, in its order.
    pub hash: u64,
    /// Turns of the loop.
    pub turns: u64,
    /// Virtual milliseconds.
    pub lasted_ms: u64,
    /// Events that were stored.
    pub operations: u64,
    /// Transactions.
    pub commits: u64,
    /// Times that the process was killed.
    pub kills: u64,
    /// WebSockets that were asked for.
    pub connections: u64,
    /// Replies that were judged.
    pub replies: u64,
    /// Events that the last connections were told, each judged.
    pub events: u64,
    /// Messages that devices knew in the end, each compared with the model's.
    pub compared: u64,
    /// Devices that came in the end knowing nothing.
    pub probes: u64,
}

/// Lets a world run to its end. Panics where a promise is broken.
pub fn run(seed: u64) -> Report {
    world::World::new(seed, false, None).run()
}

/// The same, and if it panics what happened last is told on standard error.
pub fn run_aloud(seed: u64) -> Report {
    world::World::new(seed, true, None).run()
}

/// The same with a server that makes a mistake.
pub fn run_with(seed: u64, bug: Bug) -> Report {
    world::World::new(seed, false, Some(bug)).run()
}
