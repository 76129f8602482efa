//! # World: the network, the clock, and everything that goes wrong
//!
//! One turn has the same steps as the real driver's. First there is a storm: people want things while
//! connections break, the process is killed, and the disk fails. Then it is calm, and by the end of
//! that everybody must have everything.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::io::{self, ErrorKind, IoSlice};
use std::panic::{self, AssertUnwindSafe};

use super::device::{Device, Mood};
use super::ledger::Bug;
use super::link::{Link, News};
use super::model::Model;
use super::town::{self, LIVES, Town};
use super::{Report, wishes};
use crate::chat::{Entry, Operation, RoomName, Text, TokenId, Tokens, UserId, UserName};
use crate::ground::seed::Seed;
use crate::ground::time::{Instant, Now};
use crate::reactor::{ConnId, Effect, Peer as Address};
use crate::sim::network::{End, Parcel, Wire};
use crate::sim::trace::Trace;

/// Some day in 2026.
const UNIX_MS: u64 = 1_780_000_000_000;
/// How long it is calm: longer than anybody waits for anything.
const CALM_MS: u64 = 150_000;
/// How long those who come last have to be told everything.
const PROBE_MS: u64 = 5000;
/// Silence after which a client takes its connection for broken.
const PATIENCE_MS: u64 = 45_000;
/// Turns of a run, before it counts as endless.
const TURNS_MAX: u64 = 200_000;
/// Bytes that are said at once at most, beside what is broadcast: a page of history, or `hello`.
const LARGEST: usize = 64 << 10;

const PEOPLE: [&str; 4] = ["ana", "bo", "cy", "dee"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Knock(usize),
    Arrive(usize),
    Take(usize),
    Writable(usize),
    /// A device's turn to do something.
    Act(usize),
    /// The scribe commits what waits.
    Commit,
    /// The loop hears that something was committed.
    Ring,
    Begin,
    Fault,
    Fill(bool),
    Jam(bool),
    Calm,
    Probe,
    End,
}

/// One connection, and how its network is.
#[derive(Debug)]
struct Peer {
    wire: Wire,
    device: usize,
    /// It only signs its device out.
    visit: Option<Link>,
    latency_ms: u64,
    pieces_max: u64,
    take_max: usize,
    take_ms: u64,
}

/// Where a device is.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    /// Its connection.
    peer: Option<usize>,
    heard_at: u64,
    resume_said: bool,
    is_probe: bool,
}

pub(super) struct World {
    trace: Trace,
    chance: Seed,
    now: u64,
    town: Town,
    devices: Vec<Device>,
    places: Vec<Place>,
    peers: Vec<Peer>,
    events: BinaryHeap<Reverse<(u64, u64, Event)>>,
    serial: u64,
    names: BTreeMap<ConnId, usize>,
    knocking: Vec<usize>,
    reads: Vec<usize>,
    writable: Vec<usize>,
    rung: bool,
    commit_due: bool,
    is_calm: bool,
    wishes_left: u64,
    wishes: u64,
    /// Between two things that somebody does, at most.
    pace_ms: u64,
    /// One of so many connections is slow.
    slow_once_in: u64,
    /// Of the disk, and of the way back to the loop.
    lag_ms: u64,
    /// How often something goes wrong.
    fault_ms: u64,
    over: bool,
    report: Report,
}

impl World {
    pub(super) fn new(seed: u64, aloud: bool, bug: Option<Bug>) -> Self {
        let mut chance = Seed::new(seed ^ 0xc4a7);
        let people = 2 + chance.below(3) as usize;
        let each = 1 + chance.below(2) as usize;
        let settings = town::settings(&mut chance);
        let mut town = Town::new(&PEOPLE[..people], each, settings, bug);
        let mut devices = Vec::new();
        for (user, name) in PEOPLE.iter().enumerate().take(people) {
            for number in 0..each {
                let first = (user * each + number) * LIVES + 1;
                let tokens = (first..first + LIVES).map(|token| token as u32).collect();
                let id = user as u32 + 1;
                let mut device = Device::new(user, id, name, number, tokens);
                device.resumes_too_far = bug == Some(Bug::ResumesTooFar);
                devices.push(device);
            }
        }
        town.begin(&mut chance);
        let mut world = Self {
            trace: Trace::new(aloud),
            now: 0,
            town,
            places: vec![Place::default(); devices.len()],
            devices,
            peers: Vec::new(),
            events: BinaryHeap::new(),
            serial: 0,
            names: BTreeMap::new(),
            knocking: Vec::new(),
            reads: Vec::new(),
            writable: Vec::new(),
            rung: false,
            commit_due: false,
            is_calm: false,
            wishes_left: if chance.once_in(12) {
                300
            } else {
                30 + chance.below(90)
            },
            wishes: 0,
            pace_ms: [10, 100, 1000][chance.below(3) as usize],
            slow_once_in: 4,
            lag_ms: [1, 10, 100][chance.below(3) as usize],
            fault_ms: [100, 1000, 100_000][chance.below(3) as usize],
            over: false,
            report: Report::default(),
            chance,
        };
        if world.chance.once_in(5) {
            world.pace_ms = 3;
            world.slow_once_in = 2;
            world.town.model.is_wordy = true;
        }
        for device in 0..world.devices.len() {
            world.devices[device].lines = aloud.then(Vec::new);
            let at = world.chance.below(world.pace_ms * 4);
            world.at(at, Event::Act(device));
        }
        let at = world.chance.below(world.fault_ms);
        world.at(at, Event::Fault);
        world.start();
        world
    }

    fn start(&mut self) {
        let now = self.moment();
        if let Some(engine) = &mut self.town.process {
            engine.begin(now);
            engine.start();
        }
    }

    pub(super) fn run(mut self) -> Report {
        while !self.over {
            let (wake, by_clock) = self.wake();
            self.now = self.now.max(wake);
            self.trace.now = self.now;
            let moved = self.happen();
            if moved || by_clock {
                self.turn();
            }
            assert!(self.report.turns < TURNS_MAX, "the world comes to no end");
        }
        self.check_end();
        self.report.hash = self.trace.hash;
        self.report.lasted_ms = self.now;
        self.report.commits = self.town.commits;
        self.report.operations = self.town.model.op;
        for device in &self.devices {
            self.report.replies += device.replies;
            self.report.connections += device.connections;
        }
        self.report
    }

    /// When something happens next, and whether the engine itself wants to be woken then.
    fn wake(&self) -> (u64, bool) {
        let Reverse((next, ..)) = *self.events.peek().expect("the end is awaited");
        let next = next.max(self.now);
        let sleep = self.town.process.as_ref().and_then(|engine| engine.sleep());
        let end = sleep.map(|sleep| self.now + sleep.as_millis() as u64);
        if !self.reads.is_empty() || !self.writable.is_empty() {
            return (self.now, true);
        }
        match end {
            Some(end) if end <= next => (end, true),
            _ => (next, false),
        }
    }

    fn at(&mut self, at: u64, event: Event) {
        self.serial += 1;
        self.events.push(Reverse((at, self.serial, event)));
    }

    fn soon(&mut self, within_ms: u64, event: Event) {
        let at = self.now + self.chance.below(within_ms + 1);
        self.at(at, event);
    }

    const fn moment(&self) -> Now {
        Now {
            instant: Instant(self.now),
            unix_ms: UNIX_MS + self.now,
        }
    }

    /// Lets everything happen whose time has come. Whether the process has to look.
    fn happen(&mut self) -> bool {
        let mut moved = false;
        while let Some(Reverse((at, _, event))) = self.events.peek().copied()
            && at <= self.now
        {
            self.events.pop();
            moved |= event != Event::Commit;
            match event {
                Event::Knock(peer) => self.knocking.push(peer),
                Event::Arrive(peer) => self.arrive(peer),
                Event::Take(peer) => self.take(peer),
                Event::Writable(peer) => {
                    let wire = &mut self.peers[peer].wire;
                    wire.writable_due = false;
                    wire.starved = false;
                    self.writable.push(peer);
                }
                Event::Act(device) => self.act(device),
                Event::Commit => self.commit(),
                Event::Ring => self.rung = true,
                Event::Begin => self.begin(),
                Event::Fault => self.fault(),
                Event::Fill(full) => {
                    self.trace.note("disk full", 0, u64::from(full));
                    self.town.fill_the_disk(full && !self.is_calm);
                }
                Event::Jam(jammed) => self.town.jammed.set(jammed && !self.is_calm),
                Event::Calm => self.calm(),
                Event::Probe => self.probe(),
                Event::End => self.over = true,
            }
        }
        moved
    }

    // ------------------------------------------------------------------------------- the process

    fn turn(&mut self) {
        self.report.turns += 1;
        let now = self.moment();
        if self.town.process.is_none() {
            return self.nobody_there();
        }
        self.engine().begin(now);
        self.accept();
        self.engine().go_on();
        self.read();
        self.engine().elapse();
        if std::mem::take(&mut self.rung) {
            self.engine().woken();
        }
        for peer in std::mem::take(&mut self.writable) {
            if let Some(id) = self.peers[peer].wire.id {
                self.engine().writable(id);
            }
        }
        self.check_bounds();
        self.flush();
        self.carry_out();
        self.engine().check();
        if !std::mem::replace(&mut self.commit_due, true) {
            let lag_ms = self.lag_ms;
            self.soon(lag_ms, Event::Commit);
        }
    }

    fn engine(&mut self) -> &mut town::Process {
        self.town.process.as_mut().expect("a process runs")
    }

    /// Whoever knocks is told that nobody is there.
    fn nobody_there(&mut self) {
        self.reads.clear();
        self.writable.clear();
        self.rung = false;
        for peer in std::mem::take(&mut self.knocking) {
            self.peers[peer].wire.down = Some(End::Reset);
            self.look_down(peer);
        }
    }

    fn commit(&mut self) {
        self.commit_due = false;
        if self.town.commit() {
            self.trace.note("commit", 0, self.town.model.op);
            let lag_ms = self.lag_ms;
            self.soon(lag_ms, Event::Ring);
        }
    }

    /// The process is killed, wherever it is.
    fn kill(&mut self) {
        if self.town.process.is_none() {
            return;
        }
        self.trace.note("kill", 0, self.town.model.op);
        self.report.kills += 1;
        // Perhaps between a commit and its acknowledgement.
        if self.chance.once_in(2) {
            self.town.commit();
        }
        self.town.kill();
        for peer in std::mem::take(&mut self.names).into_values() {
            self.peers[peer].wire.close(End::Reset, &mut self.chance);
            self.look_down(peer);
        }
        self.soon(3000, Event::Begin);
    }

    fn begin(&mut self) {
        if self.town.process.is_none() {
            self.town.begin(&mut self.chance);
            self.start();
        }
    }

    fn accept(&mut self) {
        for peer in std::mem::take(&mut self.knocking) {
            let address = Address::V4([10, 0, 0, 1], peer as u16);
            let id = self.engine().accepted(address).expect("there is room");
            self.trace.note("accepted", peer, id.to_bits());
            self.peers[peer].wire.id = Some(id);
            self.names.insert(id, peer);
            self.list(peer);
        }
    }

    fn list(&mut self, peer: usize) {
        let wire = &mut self.peers[peer].wire;
        let news = !wire.inbox.is_empty() || wire.up.is_some() && !wire.end_told;
        let is_broken = wire.up == Some(End::Reset);
        if (wire.wanted && news || is_broken) && wire.id.is_some() && !wire.listed {
            wire.listed = true;
            self.reads.push(peer);
        }
    }

    fn read(&mut self) {
        for peer in std::mem::take(&mut self.reads) {
            let wire = &mut self.peers[peer].wire;
            wire.listed = false;
            let Some(id) = wire.id else { continue };
            if wire.up == Some(End::Reset) {
                wire.end_told = true;
                self.engine().failed(id);
                continue;
            }
            if wire.inbox.is_empty() {
                if wire.up == Some(End::Clean) && !wire.end_told {
                    wire.end_told = true;
                    self.engine().ended(id);
                }
                continue;
            }
            let mut bytes = std::mem::take(&mut wire.inbox);
            self.trace.bytes("received", peer, &bytes);
            let wanted = self.engine().received(id, &mut bytes);
            let now = self.now;
            self.peers[peer].wire.wanted = wanted;
            self.peers[peer].wire.arrive(now);
            self.list(peer);
        }
    }

    fn flush(&mut self) {
        let Self {
            town,
            peers,
            names,
            trace,
            chance,
            ..
        } = self;
        let mut wrote = Vec::new();
        let engine = town.process.as_mut().expect("a process runs");
        engine.flush(|id, slices| {
            let peer = names[&id];
            wrote.push(peer);
            write(&mut peers[peer].wire, slices, chance, trace, peer)
        });
        for peer in wrote {
            self.look_down(peer);
        }
    }

    fn carry_out(&mut self) {
        let mut effects = Vec::new();
        self.engine().take_effects(&mut effects);
        for effect in effects {
            match effect {
                Effect::Read(id) => {
                    if let Some(&peer) = self.names.get(&id) {
                        self.peers[peer].wire.wanted = true;
                        let now = self.now;
                        self.peers[peer].wire.arrive(now);
                        self.list(peer);
                    }
                }
                Effect::HalfClose(id) => {
                    if let Some(&peer) = self.names.get(&id) {
                        self.peers[peer].wire.down = Some(End::Clean);
                        self.look_down(peer);
                    }
                }
                Effect::Close(id) => self.close(id, End::Clean),
                Effect::Reset(id) => self.close(id, End::Reset),
            }
        }
    }

    fn close(&mut self, id: ConnId, end: End) {
        let peer = self.names.remove(&id).expect("what is closed was open");
        self.trace.note("close", peer, u64::from(end == End::Reset));
        self.peers[peer].wire.close(end, &mut self.chance);
        self.look_down(peer);
    }

    fn check_bounds(&self) {
        let settings = &self.town.settings;
        let most = settings.outbox_bytes_max.max(settings.pause_bytes) + LARGEST;
        let engine = self.town.process.as_ref().expect("a process runs");
        for id in self.names.keys() {
            let queued = engine.net().queued_bytes(*id);
            assert!(queued <= most, "bounds: {queued} bytes wait for one client");
        }
    }

    // ------------------------------------------------------------------------------- the network

    fn look_down(&mut self, peer: usize) {
        let it = &mut self.peers[peer];
        let delay = self.chance.below(it.latency_ms + 1);
        if !it.wire.take_due
            && !it.wire.left
            && (!it.wire.pipe.is_empty() || it.wire.down.is_some())
        {
            it.wire.take_due = true;
            self.at(self.now + delay.max(1), Event::Take(peer));
        }
        let wire = &mut self.peers[peer].wire;
        if wire.starved && !wire.writable_due && wire.has_room() {
            wire.writable_due = true;
            self.at(self.now + delay, Event::Writable(peer));
        }
    }

    fn arrive(&mut self, peer: usize) {
        let now = self.now;
        let wire = &mut self.peers[peer].wire;
        if wire.arrive(now) {
            if wire.id.is_none() && wire.down == Some(End::Reset) {
                self.look_down(peer);
            }
            self.list(peer);
        }
    }

    fn take(&mut self, peer: usize) {
        let it = &mut self.peers[peer];
        it.wire.take_due = false;
        if it.wire.left {
            return;
        }
        let count = it.take_max.min(it.wire.pipe.len());
        let bytes: Vec<u8> = it.wire.pipe.drain(..count).collect();
        if count > 0 {
            self.trace.note("takes", peer, count as u64);
            self.heard(peer, &bytes);
        }
        let it = &mut self.peers[peer];
        if it.wire.pipe.is_empty() && it.wire.down.is_some() {
            it.wire.left = true;
            // Its own end, so that the server is rid of it.
            self.send_up(peer, Parcel::End);
            self.lost(peer);
        }
        let it = &mut self.peers[peer];
        let more = !it.wire.pipe.is_empty() || it.wire.down.is_some();
        if more && !it.wire.left && !it.wire.take_due {
            it.wire.take_due = true;
            let at = self.now + it.take_ms;
            self.at(at, Event::Take(peer));
        }
        self.look_down(peer);
    }

    fn send_up(&mut self, peer: usize, parcel: Parcel) {
        let it = &mut self.peers[peer];
        let at = self.now + 1 + self.chance.below(it.latency_ms + 1);
        let due = it.wire.send(at, parcel);
        self.at(due, Event::Arrive(peer));
    }

    /// Sends bytes in pieces.
    fn say(&mut self, peer: usize, bytes: &[u8]) {
        let mut rest = bytes;
        let mut pieces = 1 + self.chance.below(self.peers[peer].pieces_max);
        while !rest.is_empty() {
            let count = match pieces {
                0 | 1 => rest.len(),
                _ => 1 + self.chance.below(rest.len() as u64) as usize,
            };
            pieces -= 1;
            let (piece, after) = rest.split_at(count);
            self.send_up(peer, Parcel::Bytes(piece.to_vec()));
            rest = after;
        }
    }

    fn new_peer(&mut self, device: usize, visit: Option<Link>) -> usize {
        let chance = &mut self.chance;
        let is_slow = !self.is_calm && chance.once_in(self.slow_once_in);
        let pipe_max = match is_slow {
            true => [100, 1000][chance.below(2) as usize],
            false => 1 << 20,
        };
        self.peers.push(Peer {
            wire: Wire::new(100_000, pipe_max),
            device,
            visit,
            latency_ms: [0, 5, 50][chance.below(3) as usize],
            pieces_max: [1, 1, 4][chance.below(3) as usize],
            take_max: if is_slow { 100 } else { usize::MAX },
            take_ms: if is_slow { 1 + chance.below(600) } else { 1 },
        });
        let peer = self.peers.len() - 1;
        self.at(self.now, Event::Knock(peer));
        peer
    }

    // ------------------------------------------------------------------------------- devices

    /// Bytes have reached somebody.
    fn heard(&mut self, peer: usize, bytes: &[u8]) {
        let device = self.peers[peer].device;
        if let Some(visit) = &mut self.peers[peer].visit {
            for news in visit.hear(bytes, &mut Vec::new()) {
                let News::Status(status) = news else { continue };
                let may = matches!(status, 204 | 401 | 404 | 503);
                assert!(may, "signing out is answered {status}");
            }
            return;
        }
        if self.places[device].peer != Some(peer) {
            return;
        }
        self.places[device].heard_at = self.now;
        let mut out = Vec::new();
        let it = &mut self.devices[device];
        let heard = panic::catch_unwind(AssertUnwindSafe(|| {
            it.hear(bytes, &self.town.model, &mut out)
        }));
        self.tell(device);
        let mood = heard.unwrap_or_else(|panic| panic::resume_unwind(panic));
        if mood == Mood::Over {
            self.send_up(peer, Parcel::End);
            return self.lost(peer);
        }
        if !out.is_empty() {
            self.say(peer, &out);
        }
        if self.places[device].is_probe && self.devices[device].is_ready() {
            self.report.probes += 1;
        }
    }

    /// What a device said and heard goes into the trace.
    fn tell(&mut self, device: usize) {
        for line in self.devices[device]
            .lines
            .iter_mut()
            .flat_map(|it| it.drain(..))
        {
            self.trace.line(device, &line);
        }
    }

    /// A device has lost its connection.
    fn lost(&mut self, peer: usize) {
        let device = self.peers[peer].device;
        if self.peers[peer].visit.is_none() && self.places[device].peer == Some(peer) {
            self.places[device].peer = None;
            self.devices[device].link = None;
        }
    }

    /// A device does something.
    fn act(&mut self, device: usize) {
        // Who has nothing to say is left alone, but for a look now and then.
        let is_idle = self.is_calm && self.devices[device].is_content();
        let pace_ms = if is_idle { 10_000 } else { self.pace_ms };
        self.soon(pace_ms + 1, Event::Act(device));
        let Some(peer) = self.places[device].peer else {
            return self.connect(device);
        };
        if self.now > self.places[device].heard_at + PATIENCE_MS {
            self.trace.note("gives up", device, peer as u64);
            self.send_up(peer, Parcel::Reset);
            self.peers[peer].wire.left = true;
            return self.lost(peer);
        }
        if self.devices[device].ear.hello_op.is_none() {
            return;
        }
        if !self.places[device].resume_said && !self.places[device].is_probe {
            let it = &mut self.devices[device];
            if it.ear.hold || self.is_calm || self.chance.once_in(3) {
                self.places[device].resume_said = true;
                let bytes = it.resume(&self.town.model, &mut self.chance);
                return self.say(peer, &bytes);
            }
        }
        if self.devices[device].is_ready()
            && self.devices[device].in_flight() < 20
            && let Some(bytes) = self.something(device)
        {
            self.say(peer, &bytes);
        }
        self.tell(device);
    }

    fn connect(&mut self, device: usize) {
        let hold = self.chance.once_in(2) && !self.places[device].is_probe;
        let bytes = self.devices[device].connect(hold, self.chance.bits());
        let peer = self.new_peer(device, None);
        self.trace.note("connects", device, peer as u64);
        let place = &mut self.places[device];
        place.peer = Some(peer);
        place.heard_at = self.now;
        place.resume_said = false;
        self.say(peer, &bytes);
    }

    /// What a device says next.
    fn something(&mut self, device: usize) -> Option<Vec<u8>> {
        let it = &mut self.devices[device];
        if self.is_calm || self.chance.once_in(3) {
            return it.say_again();
        }
        let model: &Model = &self.town.model;
        match self.chance.below(20) {
            0 => it.repeat(&mut self.chance),
            1..=3 => {
                let room = wishes::some_room(model, &mut self.chance, it.id);
                let is_there = model.room(&room).is_some();
                is_there.then(|| it.ask(&mut self.chance, &room))
            }
            4 => {
                let room = wishes::some_room(model, &mut self.chance, it.id);
                Some(it.types(&room))
            }
            5 if self.chance.once_in(8) && it.life + 1 < LIVES => {
                let token = it.token();
                let visit = self.new_peer(device, Some(Link::new(1)));
                self.trace.note("signs out", device, visit as u64);
                self.say(visit, &Link::sign_out(&token));
                None
            }
            _ => {
                self.wishes += 1;
                self.wishes_left = self.wishes_left.saturating_sub(1);
                if self.wishes_left == 0 {
                    self.at(self.now, Event::Calm);
                    self.wishes_left = u64::MAX;
                }
                let it = &mut self.devices[device];
                let used = self.chance.below(it.intents.len().max(1) as u64) as usize;
                let used = it.intents.get(used).and_then(|it| it.wish.key.clone());
                let (serial, id) = (self.wishes, it.id);
                let wish = wishes::some_wish(&self.town.model, &mut self.chance, id, serial, used);
                Some(it.want(wish))
            }
        }
    }

    // ------------------------------------------------------------------------------- faults

    fn fault(&mut self) {
        if self.is_calm {
            return;
        }
        let fault_ms = self.fault_ms;
        self.soon(fault_ms * 2, Event::Fault);
        match self.chance.below(12) {
            0..=3 => {
                let device = self.chance.below(self.devices.len() as u64) as usize;
                let Some(peer) = self.places[device].peer else {
                    return;
                };
                self.trace.note("is cut", device, peer as u64);
                self.peers[peer].wire.left = true;
                // Half of the time the server is not told.
                if self.chance.once_in(2) {
                    self.peers[peer].wire.sever(self.now);
                    self.at(self.now, Event::Arrive(peer));
                }
                self.lost(peer);
            }
            4 => self.kill(),
            5 => {
                self.at(self.now, Event::Fill(true));
                self.soon(3000, Event::Fill(false));
            }
            6 => self.town.doom(),
            7 => {
                self.at(self.now, Event::Jam(true));
                self.soon(1000, Event::Jam(false));
            }
            8..=10 => self.outside(),
            // A slow connection.
            _ => {
                let peer = self.chance.below(self.peers.len() as u64 + 1) as usize;
                if let Some(peer) = self.peers.get_mut(peer) {
                    peer.take_max = 100;
                    peer.take_ms = 100;
                }
            }
        }
    }

    /// Another process stores something.
    fn outside(&mut self) {
        self.wishes += 1;
        let model = &self.town.model;
        let which = self.chance.below(model.people.len() as u64) as usize;
        let person = model.people[which].clone();
        let text = Text::trusted(format!("#{} from outside", self.wishes));
        let mut by = None;
        let operation = match self.chance.below(8) {
            0..=2 => {
                let to = UserName::trusted(person.name);
                Operation::Notify { to, text }
            }
            3 => {
                let device = self.chance.below(self.devices.len() as u64) as usize;
                let it = &self.devices[device];
                if it.life + 1 >= LIVES {
                    return;
                }
                Operation::RevokeTokens {
                    user: UserName::trusted(it.name.clone()),
                    which: Tokens::One(TokenId(it.tokens[it.life])),
                }
            }
            _ => {
                by = Some(UserId(person.id));
                let room = wishes::some_room(model, &mut self.chance, person.id);
                Operation::Send {
                    room: RoomName::trusted(room),
                    text,
                    reply_to: None,
                    attachment: None,
                }
            }
        };
        self.trace.note("outside", which, self.wishes);
        self.town.store_beside(Entry {
            by,
            at: UNIX_MS + self.now,
            key: None,
            random: [0; 16],
            outside: true,
            operation,
        });
    }

    // ------------------------------------------------------------------------------- the end

    fn calm(&mut self) {
        self.trace.note("calm", 0, 0);
        self.is_calm = true;
        self.pace_ms = 200;
        self.town.fill_the_disk(false);
        self.town.jammed.set(false);
        for peer in &mut self.peers {
            peer.take_max = usize::MAX;
            peer.take_ms = 1;
        }
        self.at(self.now + CALM_MS, Event::Probe);
        self.at(self.now + CALM_MS + PROBE_MS, Event::End);
    }

    /// Devices that know nothing come, and have to be told exactly what is.
    fn probe(&mut self) {
        for device in 0..self.devices.len() {
            let compared = self.devices[device].check_quiet(&self.town.model);
            self.report.compared += compared;
            self.report.events += self.devices[device].ear.events;
        }
        for user in 0..self.town.model.people.len() {
            let of = |device: &&Device| device.user == user;
            let known = self.devices.iter().find(of).expect("everybody has one");
            let mut probe = Device::new(user, known.id, &known.name, 0, known.tokens.clone());
            probe.life = known.life;
            probe.must_be_exact = true;
            self.devices.push(probe);
            self.places.push(Place {
                is_probe: true,
                ..Place::default()
            });
            self.at(self.now, Event::Act(self.devices.len() - 1));
        }
    }

    fn check_end(&self) {
        let people = self.town.model.people.len() as u64;
        assert!(
            self.report.probes >= people,
            "quiet: somebody heard no hello"
        );
        let intents = self.devices.iter().flat_map(|device| &device.intents);
        super::checks::stored(&self.town, intents);
    }
}

/// What the network takes of `slices`.
fn write(
    wire: &mut Wire,
    slices: &[IoSlice<'_>],
    chance: &mut Seed,
    trace: &mut Trace,
    peer: usize,
) -> io::Result<usize> {
    if wire.up == Some(End::Reset) {
        return Err(ErrorKind::BrokenPipe.into());
    }
    let offered: usize = slices.iter().map(|slice| slice.len()).sum();
    let limit = match chance.below(20) {
        0 => 1 + chance.below(offered as u64) as usize,
        _ => offered,
    };
    let mut count = 0;
    for slice in slices {
        let part = slice.len().min(limit - count);
        let taken = wire.write(&slice[..part]);
        trace.bytes("wrote", peer, &slice[..taken]);
        count += taken;
        if taken < slice.len() {
            break;
        }
    }
    wire.starved |= count < offered;
    if count == 0 {
        return Err(ErrorKind::WouldBlock.into());
    }
    Ok(count)
}
