//! # World: the network, the clock, and everything that goes wrong
//!
//! One turn has the same steps as the real driver's. First there is a storm: people want things while
//! connections break, the process is killed, and the disk fails. Then it is calm, and by the end of
//! that everybody must have everything.

mod ending;
mod faults;
mod network;
mod people;
mod process;

use std::collections::BTreeMap;

use super::Report;
use super::device::Device;
use super::errand::Visit;
use super::ledger::Bug;
use super::town::{self, LIVES, Town};
use crate::ground::seed::Seed;
use crate::ground::time::{Instant, Now};
use crate::reactor::ConnId;
use crate::sim::agenda::Agenda;
use crate::sim::network::Wire;
use crate::sim::trace::Trace;
use crate::site::Far;

/// Some day in 2026.
const UNIX_MS: u64 = 1_780_000_000_000;
/// When it becomes calm at the latest: where hardly anybody is heard, wishes take their time.
const TROUBLE_MS: u64 = 200_000;
/// Turns of a run, before it counts as endless.
const TURNS_MAX: u64 = 200_000;

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
    /// It is for one request.
    visit: Option<Visit>,
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
    agenda: Agenda<Event>,
    names: BTreeMap<ConnId, usize>,
    knocking: Vec<usize>,
    reads: Vec<usize>,
    writable: Vec<usize>,
    rung: bool,
    commit_due: bool,
    is_calm: bool,
    /// There is no room on the disk.
    is_full: bool,
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
        if chance.once_in(2) {
            let events_max = 1 + chance.below(12) as u32;
            let states_max = events_max + chance.below(30) as u32;
            town.model.far = Far {
                events_max,
                states_max,
            };
        }
        town.begin(&mut chance);
        let mut world = Self {
            trace: Trace::new(aloud),
            now: 0,
            town,
            places: vec![Place::default(); devices.len()],
            devices,
            peers: Vec::new(),
            agenda: Agenda::new(),
            names: BTreeMap::new(),
            knocking: Vec::new(),
            reads: Vec::new(),
            writable: Vec::new(),
            rung: false,
            commit_due: false,
            is_calm: false,
            is_full: false,
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
        world.at(TROUBLE_MS, Event::Calm);
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
        let next = self.agenda.next_at().expect("the end is awaited");
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
        self.agenda.put(at, event);
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
        while let Some(event) = self.agenda.take_due(self.now) {
            moved |= event != Event::Commit;
            match event {
                Event::Knock(peer) => self.knocking.push(peer),
                Event::Arrive(peer) => self.arrive(peer),
                Event::Take(peer) => self.take(peer),
                Event::Writable(peer) => {
                    self.peers[peer].wire.room_is_told();
                    self.writable.push(peer);
                }
                Event::Act(device) => self.act(device),
                Event::Commit => self.commit(),
                Event::Ring => self.rung = true,
                Event::Begin => self.begin(),
                Event::Fault => self.fault(),
                Event::Fill(full) => {
                    self.trace.note("disk full", 0, u64::from(full));
                    self.is_full = full && !self.is_calm;
                    self.town.fill_the_disk(self.is_full);
                }
                Event::Jam(jammed) => self.town.jammed.set(jammed && !self.is_calm),
                Event::Calm => self.calm(),
                Event::Probe => self.probe(),
                Event::End => self.over = true,
            }
        }
        moved
    }
}
