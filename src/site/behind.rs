//! # Behind: what a connection has not been told yet
//!
//! A connection that was away, or that takes less than is said to it, is deaf to what is told now
//! and is fed from the store instead: a page at a time, when there is room. When it has everything
//! up to what was told last it hears again, and in between nothing is lost and nothing told twice.
//!
//! ```text
//!     held ──resume──► behind ──every room and the person at their head──► hears
//!                        ▲                                                   │
//!                        └──────────── more waits than may wait ─────────────┘
//! ```
//!
//! Promises
//! 1. A room's events come in the order of their versions, and, where rooms are not told as states,
//!    all events in the order of their ops: whoever breaks off can go on from the last op.
//! 2. A page is bounded, however many rooms there are and however much was missed.
//! 3. Nothing is told of a room that its person is no member of.
//!
//! Never knows: what it is written to. Start reading at [`Behind::page`].

use super::hall::Hall;
use super::wire::{self, Object, Told};
use crate::chat::{Op, RoomId, RoomName, To, UserId, Version, missed};
use crate::store::StoreError;

/// Events of a page, over all rooms.
const PAGE_EVENTS: u32 = 512;

/// Events of one room, or of the person, in a page, at most; and how many of each room are looked for
/// if there are many rooms. Looking is cheap, and where too few were looked for a page ends early.
const ROOM_EVENTS: u32 = 64;
const ROOM_EVENTS_MIN: u32 = 16;

/// What a connection has not been told yet.
#[derive(Debug)]
pub(super) struct Behind {
    /// Nothing is told before the client says where it was.
    pub(super) held: bool,
    lags: Vec<Lag>,
    /// The last of the person's own events that it has been told.
    person: Op,
    /// Those that it was told before it fell behind, like a room's.
    person_told: Option<(Op, Op)>,
    partings: Vec<Parting>,
}

/// That the person is no member of a room any more.
#[derive(Clone, Debug)]
pub(super) struct Parting {
    pub(super) room: RoomId,
    pub(super) name: RoomName,
    pub(super) version: Version,
    pub(super) op: Op,
    pub(super) told: Told,
}

/// How far a connection is in a room.
#[derive(Debug)]
struct Lag {
    room: RoomId,
    /// The last event that it has been told.
    version: Version,
    /// Events that it was told before it fell behind: after the first, up to the second.
    told: Option<(Version, Version)>,
    mode: Mode,
    /// Its name, if it is to be told once it has caught up.
    tell: Option<RoomName>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Events,
    /// Each changed message once, as it is now, up to this version; then events.
    States(Version),
}

/// What is to be told next, and where the connection is then.
#[derive(Debug)]
pub(super) struct Parcel {
    pub(super) told: Told,
    /// The op, for what has one of its own.
    pub(super) op: Option<Op>,
    step: Step,
}

#[derive(Debug)]
enum Step {
    Room(RoomId, Version),
    /// A state: there may be more before the version that ends the states.
    State(RoomId, Version),
    StatesEnd(RoomId, Version),
    Person(Op),
    Parted(Op),
    CaughtUp(RoomId),
}

impl Parcel {
    /// It only says where the connection is.
    pub(super) const fn is_silent(&self) -> bool {
        self.told.json.is_empty()
    }

    /// It concerns its person, and no room.
    pub(super) const fn is_personal(&self) -> bool {
        matches!(self.step, Step::Person(_))
    }
}

impl Behind {
    /// A connection that has been told everything up to here, and no room yet.
    pub(super) fn since(person: Op) -> Self {
        Self {
            held: false,
            lags: Vec::new(),
            person,
            person_told: None,
            partings: Vec::new(),
        }
    }

    /// The connection is in a room, and has been told everything up to `version`.
    pub(super) fn enter(&mut self, room: RoomId, version: Version) {
        if !self.lags.iter().any(|lag| lag.room == room) {
            self.lags.push(Lag {
                room,
                version,
                told: None,
                mode: Mode::Events,
                tell: None,
            });
        }
    }

    /// The rooms that the connection is in.
    pub(super) fn rooms(&self) -> Vec<RoomId> {
        self.lags.iter().map(|lag| lag.room).collect()
    }

    /// The connection is to be told of no other rooms than these.
    pub(super) fn only(&mut self, rooms: &[RoomId]) {
        self.lags.retain(|lag| rooms.contains(&lag.room));
    }

    /// The connection is not in a room any more, and is told nothing of it but this event.
    pub(super) fn leave(&mut self, parting: &Parting) {
        let before = self.lags.len();
        self.lags.retain(|lag| lag.room != parting.room);
        if self.lags.len() < before {
            self.partings.push(parting.clone());
        }
    }

    /// The connection left a room after the last that it has been told, and before it was known that
    /// it had fallen behind.
    pub(super) fn has_left(&mut self, parting: &Parting) {
        self.partings.push(parting.clone());
        if let Some(at) = self.lags.iter().position(|lag| lag.room == parting.room) {
            self.forget_partings(at);
        }
    }

    /// Whoever is told again what happened since is told by that how they left, and whoever says that
    /// they know, or is to read anew, not at all; only what counts as told is not told again.
    fn forget_partings(&mut self, at: usize) {
        let lag = &self.lags[at];
        let counts_as_told = |version| {
            let told = lag.told;
            told.is_some_and(|(from, to)| from < version && version <= to)
        };
        self.partings
            .retain(|it| it.room != lag.room || counts_as_told(it.version));
    }

    /// The person's own events are told from here on. What the client heard before it fell behind,
    /// from `heard` on, is not told again.
    pub(super) fn resume_person(&mut self, from: Op, heard: Option<Op>) {
        let told = self.person_told;
        let upto = told.map_or(self.person, |(_, to)| to.max(self.person));
        self.person_told = heard.map(|heard| (heard, upto));
        self.person = from;
    }

    /// A client says where it was in a room, and is told when it has caught up. What it heard before
    /// it fell behind, from `heard` on, is not told again.
    pub(super) fn resume(
        &mut self,
        room: RoomId,
        name: RoomName,
        from: Version,
        heard: Option<Version>,
        states_to: Option<Version>,
    ) {
        self.enter(room, from);
        // Another room was called so before: whoever knows of this one has done with that one.
        self.partings
            .retain(|it| it.room == room || it.name != name);
        let at = self.lags.iter().position(|lag| lag.room == room);
        let at = at.expect("a room that was entered is there");
        let lag = &mut self.lags[at];
        // Where it heard what came later, and what it has been told behind that, it goes on.
        let upto = lag.told.map_or(lag.version, |(_, to)| to.max(lag.version));
        lag.told = heard.map(|heard| (heard, upto));
        lag.version = from;
        lag.mode = states_to.map_or(Mode::Events, Mode::States);
        lag.tell = Some(name);
        self.forget_partings(at);
    }

    /// A page of what is to be told next, in order; nothing if that is everything.
    pub(super) fn page(&self, hall: &Hall, user: UserId) -> Result<Vec<Parcel>, StoreError> {
        if self.held {
            return Ok(Vec::new());
        }
        let is_late = |lag: &&Lag| lag.version < hall.head(lag.room).version;
        let late: Vec<&Lag> = self.lags.iter().filter(is_late).collect();
        let states = late
            .iter()
            .find(|lag| matches!(lag.mode, Mode::States(upto) if lag.version < upto));
        let mut parcels = match states {
            Some(lag) => states_page(hall, lag)?,
            None => self.events_page(hall, user, &late)?,
        };
        if parcels.is_empty() {
            parcels.extend(self.lags.iter().filter_map(|lag| caught_up(hall, lag)));
        }
        Ok(parcels)
    }

    fn events_page(
        &self,
        hall: &Hall,
        user: UserId,
        late: &[&Lag],
    ) -> Result<Vec<Parcel>, StoreError> {
        let each = PAGE_EVENTS / late.len().max(1) as u32;
        let each = each.clamp(ROOM_EVENTS_MIN, ROOM_EVENTS);
        // Up to here nothing is missing in the page: whatever has more ends it at its last.
        let mut horizon = hall.announced;
        let mut events = Vec::new();
        hall.reader.query(|connection| {
            let mut places = Vec::new();
            for lag in late {
                let head = hall.head(lag.room).version;
                let mut left = each;
                for (after, upto) in untold(lag.version, lag.told, head) {
                    let found = missed::room_ops(connection, lag.room, after, upto, left)?;
                    left -= found.len() as u32;
                    if left == 0
                        && let Some((_, last)) = found.last()
                    {
                        horizon = horizon.min(*last);
                    }
                    places.push((lag.room, after, found));
                }
            }
            let mut left = ROOM_EVENTS;
            for (after, upto) in untold(self.person, self.person_told, hall.announced) {
                let found = missed::user_events(connection, user, after, upto, left)?;
                left -= found.len() as u32;
                if left == 0
                    && let Some(last) = found.last()
                {
                    horizon = horizon.min(last.op);
                }
                events.extend(found);
            }
            let all = places.iter().flat_map(|(_, _, found)| found);
            let mut ops: Vec<Op> = all.map(|(_, op)| *op).collect();
            ops.sort_unstable();
            if let Some(last) = ops.get(PAGE_EVENTS as usize - 1) {
                horizon = horizon.min(*last);
            }
            for (room, after, found) in places {
                let in_page = found.partition_point(|(_, op)| *op <= horizon);
                if let Some((upto, _)) = found[..in_page].last() {
                    events.extend(missed::room_events(connection, room, after, *upto, each)?);
                }
            }
            Ok(())
        })?;
        events.retain(|event| event.op <= horizon);
        let parcel = |event: crate::chat::Event| {
            let summary = super::announce::room_of(hall, user, &event.what);
            Parcel {
                told: wire::event(&event, summary.as_deref()),
                op: Some(event.op),
                step: match &event.to {
                    To::Room { id, version, .. } => Step::Room(*id, *version),
                    To::User(_) => Step::Person(event.op),
                },
            }
        };
        let partings = self.partings.iter().filter(|it| it.op <= horizon);
        let parting = |it: &Parting| Parcel {
            told: it.told.clone(),
            op: Some(it.op),
            step: Step::Parted(it.op),
        };
        let mut parcels: Vec<Parcel> = events.into_iter().map(parcel).collect();
        parcels.extend(partings.map(parting));
        parcels.sort_unstable_by_key(|parcel| parcel.op);
        Ok(parcels)
    }

    /// The connection has been told a parcel.
    pub(super) fn advance(&mut self, parcel: &Parcel) {
        let mut with = |room: RoomId, change: &dyn Fn(&mut Lag)| {
            // A room that was left meanwhile is nowhere.
            if let Some(lag) = self.lags.iter_mut().find(|lag| lag.room == room) {
                change(lag);
            }
        };
        match parcel.step {
            Step::Room(room, version) => with(room, &|lag| lag.version = version),
            Step::State(room, version) => with(room, &|lag| lag.version = version),
            Step::StatesEnd(room, version) => with(room, &|lag| {
                lag.version = version;
                lag.mode = Mode::Events;
            }),
            Step::CaughtUp(room) => with(room, &|lag| lag.tell = None),
            Step::Person(op) => self.person = op,
            Step::Parted(op) => self.partings.retain(|it| it.op != op),
        }
    }

    /// Whether there is nothing that happened and was not told yet.
    pub(super) fn misses_nothing(&self, hall: &Hall) -> bool {
        self.person >= hall.announced && self.lags.iter().all(|lag| Self::is_at_head(hall, lag))
    }

    /// Whether the connection has been told everything.
    pub(super) fn is_over(&self, hall: &Hall) -> bool {
        !self.held
            && self.partings.is_empty()
            && self
                .lags
                .iter()
                .all(|lag| lag.tell.is_none() && Self::is_at_head(hall, lag))
    }

    fn is_at_head(hall: &Hall, lag: &Lag) -> bool {
        let head = hall.head(lag.room).version;
        lag.version >= head
            || lag
                .told
                .is_some_and(|(from, to)| lag.version >= from && to >= head)
    }
}

/// The stretches that were not told, from where somebody is up to `head`.
fn untold<N: Copy + Ord>(at: N, told: Option<(N, N)>, head: N) -> impl Iterator<Item = (N, N)> {
    let stretches = match told {
        None => [(at, head), (head, head)],
        Some((from, to)) => [(at, from.min(head)), (at.max(to), head)],
    };
    stretches.into_iter().filter(|(after, upto)| after < upto)
}

/// Changed messages as they are now, in the order of their last change.
fn states_page(hall: &Hall, lag: &Lag) -> Result<Vec<Parcel>, StoreError> {
    let Mode::States(upto) = lag.mode else {
        return Ok(Vec::new());
    };
    let changed = hall.reader.query(|connection| {
        missed::changed(connection, lag.room, lag.version, upto, ROOM_EVENTS)
    })?;
    let is_last = changed.len() < ROOM_EVENTS as usize;
    let Some(name) = &lag.tell else {
        return Ok(Vec::new());
    };
    let mut parcels: Vec<Parcel> = changed
        .iter()
        .map(|message| Parcel {
            told: wire::state(name, message),
            op: None,
            step: Step::State(lag.room, message.version),
        })
        .collect();
    if is_last {
        match parcels.last_mut() {
            Some(last) => last.step = Step::StatesEnd(lag.room, upto),
            // Nothing but people coming and going, which the summary tells.
            None => parcels.push(Parcel {
                told: Told {
                    name: "",
                    json: String::new(),
                },
                op: None,
                step: Step::StatesEnd(lag.room, upto),
            }),
        }
    }
    Ok(parcels)
}

fn caught_up(hall: &Hall, lag: &Lag) -> Option<Parcel> {
    let name = lag.tell.as_ref()?;
    if !Behind::is_at_head(hall, lag) {
        return None;
    }
    let json = Object::new()
        .text("event", "caught_up")
        .text("room", name)
        .number("version", hall.head(lag.room).version)
        .number("op", hall.announced)
        .end();
    Some(Parcel {
        told: Told {
            name: "caught_up",
            json,
        },
        op: None,
        step: Step::CaughtUp(lag.room),
    })
}

#[cfg(test)]
mod tests;
