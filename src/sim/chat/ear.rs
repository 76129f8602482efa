//! # Ear: what a device is told over one connection, and whether that is what it must be
//!
//! Promises that are checked here, of the site
//! 1. Each event is one that was committed, under its own op and version, and says what its message
//!    said then or later.
//! 2. Nothing is told twice over one connection. With `hold`, nothing before the device said where
//!    it was, and then everything in order, without a gap but for when its person was away from the
//!    room.
//! 3. Nothing is told of a room to who has left it, nor to who has signed out.
//!
//! What was told is kept in [`Memory`], which outlives connections.

mod beginning;

use std::collections::{BTreeMap, BTreeSet};

use super::fact::{Body, Fact, Heard};
use super::model::{Model, Room};

/// What a device knows of a room.
#[derive(Clone, Debug, Default)]
pub(super) struct Known {
    /// It knows everything behind this version.
    pub(super) base: u32,
    pub(super) have: BTreeMap<u32, (Fact, Option<Body>)>,
}

impl Known {
    /// Up to here nothing is missing, but for when `name` was away.
    pub(super) fn upto(&self, room: &Room, name: &str) -> u32 {
        let mut at = self.base;
        while self.have.contains_key(&(at + 1))
            || at < room.version() && !was_inside(room, name, at + 1)
        {
            at += 1;
        }
        at
    }
}

/// What a device knows, from connection to connection.
#[derive(Clone, Debug, Default)]
pub(super) struct Memory {
    pub(super) epoch: Option<String>,
    pub(super) rooms: BTreeMap<String, Known>,
    /// Everything up to this op was told, where that is so.
    pub(super) cursor: Option<u64>,
}

/// Where a device says that it was.
#[derive(Clone, Debug)]
pub(super) enum Was {
    Versions(BTreeMap<String, u32>),
    Since(u64),
}

/// Whose connection it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Owner<'a> {
    pub(super) id: u32,
    pub(super) name: &'a str,
    pub(super) token: u32,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Ear {
    pub(super) hold: bool,
    /// What the database is called to which it was opened.
    pub(super) epoch: String,
    /// How far everything was when it opened; nothing before it has.
    pub(super) hello_op: Option<u64>,
    /// What hello said of each room.
    hello: BTreeMap<String, u32>,
    pub(super) resumed: bool,
    /// It said where it was in everything.
    is_since: bool,
    /// Everything behind these versions is told, or is to be.
    low: BTreeMap<String, u32>,
    /// The same where its person has left and come back.
    anew: BTreeMap<String, u32>,
    got: BTreeMap<String, BTreeSet<u32>>,
    /// With `hold`: the last that was told.
    last: BTreeMap<String, u32>,
    last_op: u64,
    own_low: u64,
    own: BTreeSet<u64>,
    /// Rooms whose end of catching up is awaited, and how far they were when that began.
    catching_up: BTreeMap<String, u32>,
    /// Those that are told as states: behind and up to which version, and which messages were told.
    states: BTreeMap<String, (u32, u32, BTreeSet<u32>)>,
    pub(super) events: u64,
}

/// Whether somebody was in a room when its event with this version happened, coming and going
/// included.
fn was_inside(room: &Room, name: &str, version: u32) -> bool {
    let Some((_, fact)) = room.event(version) else {
        return false;
    };
    let mut is_inside = false;
    for (_, fact) in room.between(0, version - 1) {
        match fact {
            Fact::Joined { user, .. } if user == name => is_inside = true,
            Fact::Left { user, .. } if user == name => is_inside = false,
            _ => {}
        }
    }
    is_inside || matches!(fact, Fact::Joined { user, .. } if user == name)
}

impl Ear {
    pub(super) fn new(hold: bool) -> Self {
        Self {
            hold,
            ..Self::default()
        }
    }

    // --------------------------------------------------------------------------- events

    pub(super) fn event(
        &mut self,
        heard: &Heard,
        model: &Model,
        owner: Owner<'_>,
        memory: &mut Memory,
    ) {
        self.events += 1;
        let hello_op = self.hello_op.expect("nothing comes before hello");
        assert!(
            !self.hold || self.resumed,
            "hold: {heard:?} comes before resume"
        );
        if let Some(ended) = model.ended.get(&owner.token) {
            assert!(
                heard.op <= *ended,
                "signed out: {heard:?} comes behind op {ended}"
            );
        }
        if self.hold {
            assert!(
                heard.op > self.last_op,
                "order: {heard:?} comes behind op {}",
                self.last_op
            );
            self.last_op = heard.op;
        }
        match &heard.place {
            None => self.own_event(heard, model, owner),
            Some((name, version)) => {
                self.room_event(heard, (name, *version), model, owner, memory);
            }
        }
        let is_whole = heard.op >= hello_op && self.catching_up.is_empty();
        if self.hold && (self.is_since || is_whole) {
            memory.cursor = Some(heard.op);
        }
    }

    fn own_event(&mut self, heard: &Heard, model: &Model, owner: Owner<'_>) {
        let own = model.own.get(&owner.id).map_or(&[][..], Vec::as_slice);
        let fact = own.iter().find(|(op, _)| *op == heard.op);
        let fact = fact.map(|(_, fact)| fact);
        assert_eq!(
            fact,
            Some(&heard.fact),
            "event: {heard:?} is not {}'s",
            owner.name
        );
        assert!(heard.op > self.own_low, "double: {heard:?} is in hello");
        assert!(self.own.insert(heard.op), "double: {heard:?}");
    }

    fn room_event(
        &mut self,
        heard: &Heard,
        (name, version): (&str, u32),
        model: &Model,
        owner: Owner<'_>,
        memory: &mut Memory,
    ) {
        let room = model.room_at(name, version);
        let committed = room.and_then(|room| room.event(version));
        assert_eq!(
            committed,
            Some(&(heard.op, heard.fact.clone())),
            "event: {heard:?} was not committed so"
        );
        let room = room.expect("it has the event");
        check_body(room, heard, version);
        assert!(
            room.may_hear(owner.name, version),
            "left: {} hears {heard:?}",
            owner.name
        );
        let is_entry = matches!(&heard.fact, Fact::Joined { user, .. } if user == owner.name);
        // Who is behind may be told of a new room from before they came on.
        if !self.low.contains_key(name) {
            self.low.insert(name.to_owned(), version - 1);
            self.last.insert(name.to_owned(), version - 1);
            let known = memory.rooms.entry(name.to_owned()).or_default();
            known.base = version - 1;
            known.have.clear();
        }
        let low = self.low[name];
        assert!(version > low, "double: {heard:?} is behind {low}");
        let got = self.got.entry(name.to_owned()).or_default();
        assert!(got.insert(version), "double: {heard:?}");
        let begin = low.max(self.anew.get(name).copied().unwrap_or_default());
        let missed =
            (begin + 1..version).find(|it| !got.contains(it) && was_inside(room, owner.name, *it));
        let is_exit = matches!(&heard.fact, Fact::Left { user, .. } if user == owner.name);
        let is_back = is_entry && room.has_left(owner.name, begin, version);
        if is_exit && self.catching_up.get(name).is_some_and(|to| version > *to) {
            // Nobody waits for the rest of a room that they have left meanwhile.
            self.catching_up.remove(name);
            self.states.remove(name);
        }
        if missed.is_some() && (is_exit || is_back) {
            // Who leaves while being fed is not fed the rest, hears at most that they have left, and
            // begins anew when they are back.
            self.anew.insert(name.to_owned(), version - 1);
            self.catching_up.remove(name);
            memory.rooms.remove(name);
        } else if self.hold {
            let last = self.last.get(name).copied().unwrap_or(low);
            assert!(
                version > last,
                "order: {heard:?} comes behind version {last}"
            );
            assert_eq!(missed, None, "gap: {heard:?} comes behind version {last}");
        }
        self.last.insert(name.to_owned(), version);
        let low = self.low[name].max(self.anew.get(name).copied().unwrap_or_default());
        let known = memory
            .rooms
            .entry(name.to_owned())
            .or_insert_with(|| Known {
                base: low,
                ..Known::default()
            });
        let kept = (heard.fact.clone(), heard.body.clone());
        known.have.insert(version, kept);
    }

    /// The rooms that hello told of, and their versions.
    pub(super) fn rooms_of_hello(&self) -> &BTreeMap<String, u32> {
        &self.hello
    }

    /// Whether an event was told.
    pub(super) fn has(&self, room: &str, version: u32) -> bool {
        self.got.get(room).is_some_and(|got| got.contains(&version))
    }

    // --------------------------------------------------------------------------- checks

    /// Who was told of a room has been told how they left it, if that was while they listened.
    fn must_know_end(&self, room: &Room, owner: Owner<'_>) {
        let left = |(_, (_, fact)): &(u32, &(u64, Fact))| matches!(fact, Fact::Left { user, .. } if user == owner.name);
        let exits = (room.floor + 1..).zip(&room.events).filter(left);
        let Some((version, (op, _))) = exits.last() else {
            return;
        };
        let listened = self.hello_op.is_some_and(|hello| hello < *op);
        let knows = self.low.get(&room.name).is_some_and(|low| *low < version);
        assert!(
            !listened || !knows || self.has(&room.name, version),
            "missing: {} was not told that they left {} by version {version}",
            owner.name,
            room.name
        );
    }

    /// Nothing of a room may be missing up to a version.
    fn must_have(&self, model: &Model, owner: Owner<'_>, name: &str, upto: u32) {
        let Some(room) = model.room_at(name, upto) else {
            return;
        };
        let low = self.low.get(name).copied().unwrap_or_default();
        let low = low.max(self.anew.get(name).copied().unwrap_or_default());
        let nothing = BTreeSet::new();
        let got = self.got.get(name).unwrap_or(&nothing);
        let missing = (low + 1..=upto)
            .find(|version| !got.contains(version) && was_inside(room, owner.name, *version));
        assert_eq!(
            missing, None,
            "missing: {} was not told all of {name} up to {upto}",
            owner.name
        );
    }

    /// All is quiet: everything there is must have been told.
    pub(super) fn check_quiet(&self, model: &Model, owner: Owner<'_>) {
        for room in &model.rooms {
            let is_member = room.members.contains_key(&owner.id);
            if !is_member {
                self.must_know_end(room, owner);
            }
            if is_member {
                let waits = self.catching_up.contains_key(&room.name);
                assert!(
                    !waits,
                    "missing: {} still catches up in {}",
                    owner.name, room.name
                );
                let knows = self.low.contains_key(&room.name);
                assert!(
                    knows,
                    "missing: {} was not told of {}",
                    owner.name, room.name
                );
            }
            if is_member {
                self.must_have(model, owner, &room.name, room.version());
            }
        }
        for (op, fact) in model.own.get(&owner.id).into_iter().flatten() {
            let gone = matches!(fact, Fact::Notified { id, .. }
                if model.notes[*id as usize - 1].gone);
            assert!(
                *op <= self.own_low || gone || self.own.contains(op),
                "missing: {} was not told op {op}: {fact:?}",
                owner.name
            );
        }
    }
}

/// A message may be told as it was then, or as it was later.
fn check_body(room: &Room, heard: &Heard, version: u32) {
    let (Some(body), Fact::Message { seq, .. } | Fact::Edited { seq, .. }) =
        (&heard.body, &heard.fact)
    else {
        return;
    };
    let message = &room.messages[*seq as usize - 1];
    let mut bodies = message.bodies.iter();
    assert!(
        bodies.any(|(at, said)| *at >= version && said == body),
        "event: {heard:?} never said so"
    );
}
