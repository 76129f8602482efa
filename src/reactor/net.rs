//! # Net: what an app may do to connections
//!
//! Everything of the engine except the app itself. The app is handed it at each call and speaks
//! through it to any connection, not only the one it is called for. What would call the app again
//! (a reader that proves too slow, an upgrade granted later) is noted and done by the engine when
//! the app has returned: an app is never called while it is called.
//!
//! Here is what is known of all connections. What is said to WebSockets is in `messages`, to requests
//! in `answers` and `streams`; all of it goes through `queue`.

mod answers;
mod messages;
mod queue;
mod streams;

use std::collections::VecDeque;

use slab::Slab;

use crate::ground::seed::Seed;
use crate::ground::time::Now;
use crate::http::date::DateCache;
use crate::reactor::connection::{Connection, Peer};
use crate::reactor::deadlines::Deadlines;
use crate::reactor::engine::Effect;
use crate::reactor::outbox::Blocks;
use crate::reactor::settings::Settings;
use crate::reactor::stage::{Closing, Stage};
use crate::reactor::terms;
use crate::reactor::token::{Call, ConnId};
use crate::ws::Deflate;

pub(crate) use messages::open_socket;

/// What became of something that was said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It leaves at the end of the turn, or as fast as the peer takes it.
    Queued,
    /// It leaves later: enough waits already. A stream should wait for
    /// [`App::drained`](crate::reactor::App::drained), who feeds a deaf reader for
    /// [`App::has_room`](crate::reactor::App::has_room).
    Full,
    /// Nobody is there to take it: closed, closing, or cut off for being too slow.
    Gone,
}

/// What the engine has to tell the app as soon as the app is not being called.
#[derive(Debug)]
pub(crate) enum Notice {
    /// An upgrade was granted.
    Opened(ConnId, u64),
    /// A streamed answer has room.
    Drained(Call),
    /// A reader was too slow.
    TooSlow(ConnId),
    /// The app has ended a connection of plain bytes.
    Ended(ConnId),
    /// A reader did not get the broadcast of this number.
    FellBehind(ConnId, u64),
    /// A deaf reader has room.
    HasRoom(ConnId),
}

/// The connections, and everything that serves them.
#[derive(Debug)]
pub struct Net {
    pub(crate) settings: Settings,
    pub(crate) now: Now,
    pub(crate) connections: Slab<Connection>,
    pub(crate) blocks: Blocks,
    /// What is said to many, apart from answers to one: so that what several messages say to the same
    /// members lies side by side, whoever is answered in between.
    pub(crate) shared: Blocks,
    pub(crate) deflate: Deflate,
    pub(crate) seed: Seed,
    /// Those with something to say at the end of this turn.
    pub(crate) dirty: Vec<ConnId>,
    /// Those that may go on with input they already have.
    pub(crate) ready: Vec<ConnId>,
    pub(crate) notices: VecDeque<Notice>,
    pub(crate) deadlines: Deadlines,
    pub(crate) effects: Vec<Effect>,
    pub(crate) draining: bool,
    terms: terms::Shared,
    /// Readers that were cut off because too much waited for them.
    cut_off: u64,
    generation: u32,
    date: DateCache,
}

impl Net {
    pub(crate) fn new(settings: Settings, seed: Seed) -> Self {
        let deflate = Deflate::new(settings.deflate);
        Self {
            settings,
            now: Now::default(),
            connections: Slab::new(),
            blocks: Blocks::default(),
            shared: Blocks::default(),
            deflate,
            seed,
            dirty: Vec::new(),
            ready: Vec::new(),
            notices: VecDeque::new(),
            deadlines: Deadlines::default(),
            effects: Vec::new(),
            draining: false,
            terms: terms::Shared::default(),
            cut_off: 0,
            generation: 0,
            date: DateCache::new(),
        }
    }

    /// What the clocks said at the beginning of this turn.
    pub const fn now(&self) -> Now {
        self.now
    }

    /// A seeded source of chance: for jitter, not for secrets.
    pub const fn seed(&mut self) -> &mut Seed {
        &mut self.seed
    }

    /// How many connections there are.
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// Where `id` comes from.
    pub fn peer(&self, id: ConnId) -> Option<Peer> {
        self.get(id).map(|connection| connection.peer)
    }

    /// How many readers have been cut off so far because too much waited for them: each was told.
    pub const fn cut_off(&self) -> u64 {
        self.cut_off
    }

    /// How many bytes may wait for one peer: more of what others say is not taken.
    pub const fn outbox_bytes_max(&self) -> usize {
        self.settings.outbox_bytes_max
    }

    /// How many bytes wait for `id` to take them.
    pub fn queued_bytes(&self, id: ConnId) -> usize {
        self.get(id)
            .map_or(0, |connection| connection.outbox.queued())
    }

    /// How many bytes of input are kept for `id`: the beginning of a head, or what came during a
    /// pause.
    pub fn unread_bytes(&self, id: ConnId) -> usize {
        self.get(id).map_or(0, |connection| connection.rest.len())
    }

    #[inline]
    pub(crate) fn get(&self, id: ConnId) -> Option<&Connection> {
        self.connections
            .get(id.slot())
            .filter(|it| it.generation == id.generation)
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, id: ConnId) -> Option<&mut Connection> {
        named(&mut self.connections, id)
    }

    pub(crate) fn insert(&mut self, peer: Peer, stage: Stage) -> ConnId {
        self.generation = self.generation.wrapping_add(1);
        let connection = Connection::new(self.generation, peer, stage, self.now.instant);
        let slot = self.connections.insert(connection);
        ConnId {
            slot: slot as u32,
            generation: self.generation,
        }
    }

    /// Sees to it that `id` is asked at its nearest deadline.
    #[inline]
    pub(crate) fn arm(&mut self, id: ConnId) {
        let Some(connection) = named(&mut self.connections, id) else {
            return;
        };
        let due = connection.deadline(&self.settings.waits);
        if due < connection.armed {
            connection.armed = due;
            self.deadlines.arm(id, due);
        }
    }

    /// The last word is queued: once it has left, wait for the peer's end.
    pub(crate) fn begin_closing(&mut self, id: ConnId) {
        let now = self.now.instant;
        let Some(connection) = self.get_mut(id) else {
            return;
        };
        connection.stage = Stage::Closing(Closing::new());
        connection.since = now;
        connection.rest = Vec::new();
        if connection.paused {
            connection.paused = false;
            self.effects.push(Effect::Read(id));
        }
        self.mark(id);
        self.arm(id);
    }

    /// Has a connection that is closing wait only for what is under way already.
    pub(crate) fn be_brief(&mut self, id: ConnId) {
        if let Some(Connection {
            stage: Stage::Closing(closing),
            ..
        }) = self.get_mut(id)
        {
            closing.brief = true;
        }
    }
}

/// The connection of that name. A slot alone may be another's by now.
#[inline]
pub(crate) fn named(connections: &mut Slab<Connection>, id: ConnId) -> Option<&mut Connection> {
    connections
        .get_mut(id.slot())
        .filter(|it| it.generation == id.generation)
}

/// The smaller of what is there.
pub(crate) fn nearest<T: Ord>(a: Option<T>, b: Option<T>) -> Option<T> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (a, b) => a.or(b),
    }
}
