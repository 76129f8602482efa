//! # Hall: the chat's live state, and the way into its log
//!
//! What the loop knows without asking the disk: how far each room has come, who is connected, what
//! is on its way. Whatever is to last goes through [`want`], and comes back as an outcome: first
//! whoever wanted it is answered, then those whom it concerns are told.
//!
//! Promises
//! 1. `announced` is the op of the last event that was told, and each room's head the last of its
//!    own: events are told in the order of their ops, each once.
//! 2. Whoever is answered `ok` hears it before the event that it caused.
//! 3. What waits to be stored is bounded, in number by the log and in bytes here.

use std::collections::HashMap;
use std::fmt;
use std::rc::Rc;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use super::announce::announce;
use super::behind::Parting;
use super::counts::Counts;
use super::courier::{Carrier, Courier};
use super::crowd::Crowd;
use super::faces::Faces;
use super::players::Players;
use super::presence::Presence;
use super::rate::Rates;
use super::resume::Far;
use super::slash::Commands;
use super::uses::Uses;
use super::watching::Summaries;
use crate::chat::{
    Code, Entry, Files, Key, Log, Op, Operation, Refusal, RoomId, Seq, UserId, Verdict, Version,
    summary::{self, Horizon},
};
use crate::ground::seed::Seed;
use crate::knowledge::Library;
use crate::store::{Connection as Tables, Database, Reader, StoreError};
use crate::web::{Busy, House, Tick, Wait};

/// Bytes of what waits to be stored: a quarter of what a small machine can spare.
const WAITING_BYTES_MAX: usize = 16 << 20;

/// When to come again while too much is waiting.
const AGAIN_MS: u64 = 500;

/// How far a room has come, as far as it was told.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Head {
    pub(super) seq: Seq,
    pub(super) version: Version,
}

/// The chat's live state.
pub struct Hall {
    /// Ends before the database does.
    pub(super) courier: Option<Courier>,
    /// Who carries what hooks are sent, once it begins.
    carrier: Option<Arc<dyn Carrier>>,
    pub(super) log: Rc<dyn Log>,
    pub(super) database: Database,
    pub(super) reader: Reader,
    /// Where uploaded files are; nothing if none are kept.
    pub(super) files: Option<Files>,
    /// Documents that questions are answered from; nothing if none are kept.
    pub(super) library: Option<Arc<Library>>,
    pub(super) epoch: Box<str>,
    pub(super) announced: Op,
    pub(super) heads: HashMap<RoomId, Head>,
    pub(super) crowd: Crowd,
    pub(super) presence: Presence,
    pub(super) players: Players,
    pub(super) faces: Faces,
    /// Who has left which room in this turn.
    pub(super) partings: Vec<(UserId, Parting)>,
    pub(super) summaries: Summaries,
    pub(super) rates: Rates,
    pub(super) counts: Counts,
    pub(super) uses: Uses,
    pub(super) far: Far,
    pub(super) commands: Commands,
    /// Messages were said that are not found yet.
    pub(super) unindexed: bool,
    /// Something that is to go is going.
    pub(super) removing: bool,
    /// A reminder is being told.
    pub(super) reminding: bool,
    seed: Seed,
    /// Makes what is drawn for a key another thing on each server.
    salt: u64,
    waiting_bytes: usize,
}

impl fmt::Debug for Hall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hall")
            .field("announced", &self.announced)
            .finish_non_exhaustive()
    }
}

impl Hall {
    /// A hall for what is in a database. `seed` is where its random bytes come from.
    pub fn open(database: Database, seed: u64) -> Result<Self, StoreError> {
        let log = Rc::new(database.clone());
        Self::with_log(database, log, seed)
    }

    /// The same with another log than the database's own.
    pub fn with_log(database: Database, log: Rc<dyn Log>, seed: u64) -> Result<Self, StoreError> {
        let reader = database.reader()?;
        let (epoch, announced, heads) = reader.query(|connection| {
            let (epoch, op) = summary::position(connection)?;
            Ok((epoch, op, summary::heads(connection)?))
        })?;
        let heads = heads
            .into_iter()
            .map(|(room, seq, version)| (room, Head { seq, version }))
            .collect();
        Ok(Self {
            courier: None,
            carrier: None,
            log,
            database,
            reader,
            files: None,
            library: None,
            epoch,
            announced,
            heads,
            crowd: Crowd::default(),
            presence: Presence::default(),
            players: Players::default(),
            faces: Faces::default(),
            partings: Vec::new(),
            summaries: Summaries::default(),
            rates: Rates::default(),
            counts: Counts::default(),
            uses: Uses::default(),
            far: Far::default(),
            commands: Commands::new(),
            // Those of the last run may be left.
            unindexed: true,
            removing: false,
            reminding: false,
            seed: Seed::new(seed),
            salt: Seed::new(seed).bits(),
            waiting_bytes: 0,
        })
    }

    /// Keeps files that are uploaded, too.
    #[must_use]
    pub fn files(mut self, files: Files) -> Self {
        self.files = Some(files);
        self
    }

    /// Keeps documents that questions are answered from, too.
    #[must_use]
    pub fn library(mut self, library: Library) -> Self {
        self.library = Some(Arc::new(library));
        self
    }

    /// Sends events to outgoing hooks, by this carrier.
    #[must_use]
    pub fn carrier(mut self, carrier: impl Carrier + 'static) -> Self {
        self.carrier = Some(Arc::new(carrier));
        self
    }

    pub(super) fn begin_courier(&mut self) {
        if let Some(carrier) = self.carrier.take() {
            let (database, seed) = (self.database.clone(), self.seed.bits());
            self.courier = Some(Courier::begin(database, carrier, &self.epoch, seed));
        }
    }

    /// Tells more, or less, to whoever missed it.
    #[must_use]
    pub(crate) const fn far(mut self, far: Far) -> Self {
        self.far = far;
        self
    }

    /// Looks something up, as far as it was told.
    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&Tables, Horizon<'_>) -> Result<T, StoreError>,
    ) -> Result<T, Refusal> {
        let head = |room| {
            let head = self.head(room);
            (head.seq, head.version)
        };
        let horizon = Horizon {
            op: self.announced,
            head: &head,
        };
        Ok(self.reader.query(|tables| look(tables, horizon))?)
    }

    /// How far a room has come; nothing for one that was not told of yet.
    pub(super) fn head(&self, room: RoomId) -> Head {
        self.heads.get(&room).copied().unwrap_or_default()
    }

    /// Bytes of what waits to be stored.
    pub(super) const fn waiting_bytes(&self) -> usize {
        self.waiting_bytes
    }

    /// Whether something waits to be stored.
    pub(super) const fn is_busy(&self) -> bool {
        self.waiting_bytes > 0
    }

    /// A number below `bound`, by chance.
    pub(super) fn draw(&mut self, bound: u64) -> u64 {
        self.seed.below(bound)
    }

    /// Bytes that are different each time; no secrets.
    pub(super) fn random(&mut self) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.seed.bits().to_le_bytes());
        bytes[8..].copy_from_slice(&self.seed.bits().to_le_bytes());
        bytes
    }

    /// The same, but alike for what is wanted again under the same key.
    pub(super) fn drawn_for(&self, user: UserId, key: &Key) -> [u8; 16] {
        let hash = Sha256::new()
            .chain_update(self.salt.to_le_bytes())
            .chain_update(user.0.to_le_bytes())
            .chain_update(key.as_str())
            .finalize();
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        bytes
    }
}

/// Has something done that is to last. `then` is called with what came of it, in the order of
/// commits, whoever is still there by then; after it the others are told.
pub(super) fn want(
    hall: &mut Hall,
    house: &mut House<'_, Hall>,
    by: Option<UserId>,
    key: Option<Key>,
    operation: Operation,
    then: impl FnOnce(&mut Tick<'_, Hall>, &Verdict) + 'static,
) {
    let bytes = weight(&operation);
    if hall.waiting_bytes + bytes > WAITING_BYTES_MAX {
        let mut tick = Tick {
            state: hall,
            house: house.again(),
        };
        let verdict = Err(busy());
        tick.state.counts.judged(&verdict);
        return then(&mut tick, &verdict);
    }
    hall.waiting_bytes += bytes;
    let entry = Entry {
        by,
        at: house.now().unix_ms,
        key,
        random: hall.random(),
        outside: false,
        operation,
    };
    let log = Rc::clone(&hall.log);
    let since = house.now().instant;
    let wait = Wait::on(move |back| {
        log.append(
            entry,
            Box::new(move |verdict| Box::new(back.hand_quietly(verdict))),
        )
        .map_err(|_| Busy)
    });
    house.wait(wait, move |tick, done: Result<Verdict, Busy>| {
        tick.state.waiting_bytes -= bytes;
        tick.state
            .counts
            .took(tick.house.now().instant.since(since));
        let verdict = done.unwrap_or_else(|_| Err(busy()));
        tick.state.counts.judged(&verdict);
        then(tick, &verdict);
        if let Ok(outcome) = verdict {
            announce(tick, outcome);
        }
    });
}

fn busy() -> Refusal {
    let tell = "Too much is waiting to be stored. Nothing of this was; try again in a moment.";
    Refusal::later(Code::Busy, tell, AGAIN_MS)
}

/// What an operation takes while it waits, roughly.
fn weight(operation: &Operation) -> usize {
    let text = match operation {
        Operation::Send { text, .. }
        | Operation::BotSay { text, .. }
        | Operation::Edit { text, .. }
        | Operation::Notify { text, .. } => text.len(),
        _ => 0,
    };
    text + 256
}
