//! # World: the driver of the simulated server, and its clock
//!
//! One turn has the same steps in the same order as the real driver's. Between two turns time
//! jumps to whatever comes first: something in the network, or what the engine sleeps until.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind, IoSlice};
use std::time::Duration;

use crate::ground::seed::Seed;
use crate::ground::time::{Instant, Now};
use crate::reactor::{ConnId, Effect, Engine, Peer, Settings, Waits};
use crate::sim::Report;
use crate::sim::agenda::Agenda;
use crate::sim::network::{End, Parcel, Wire, pieces};
use crate::sim::people::{Asker, Deed, Habit, Person, View};
use crate::sim::subject::{BODY_BYTES_MAX, Subject};
use crate::sim::talker::Talker;
use crate::sim::trace::Trace;
use crate::ws::DeflatePolicy;

/// Turns in which nothing moves and time stands still, before the loop counts as busy.
const IDLE_TURNS_MAX: u32 = 8;
/// Turns of a run, before it counts as endless.
const TURNS_MAX: u64 = 2_000_000;
/// Some day in 2026, so that dates are of today's form.
const UNIX_MS: u64 = 1_780_000_000_000;

/// What will happen in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Knock(usize),
    Arrive(usize),
    Take(usize),
    Writable(usize),
    Act(usize),
    /// Readiness for nothing.
    Spurious(usize),
    /// The peer is gone, whatever it was about to do.
    Sever(usize),
    Ring,
    ShutDown,
}

/// Somebody, its wire, and what is known about both.
#[derive(Debug)]
struct Guest {
    person: Person,
    habit: Habit,
    wire: Wire,
    /// The engine's name for it, also when it has gone.
    was: Option<ConnId>,
    taken: usize,
    /// It broke a rule in a way that excuses the server from what it owes.
    excused: bool,
    /// When the server must have ended it at the latest.
    gone_by: Option<u64>,
}

#[derive(Debug)]
pub(super) struct World {
    trace: Trace,
    chance: Seed,
    now: u64,
    engine: Engine<Subject>,
    settings: Settings,
    guests: Vec<Guest>,
    agenda: Agenda<Event>,
    names: BTreeMap<ConnId, usize>,
    knocking: Vec<usize>,
    reads: Vec<usize>,
    writable: Vec<usize>,
    effects: Vec<Effect>,
    buffer_bytes: usize,
    shut_down: bool,
    /// To shut down behind this turn.
    asked: bool,
    rung: bool,
    /// Bytes and inputs that moved in this turn.
    moved: u64,
    largest: usize,
    report: Report,
}

impl World {
    pub(super) fn new(seed: u64, aloud: bool) -> Self {
        let mut chance = Seed::new(seed);
        let settings = settings(&mut chance);
        let engine = Engine::new(Subject::default(), settings.clone(), chance.bits());
        let rooms = chance.below(3);
        let count = match chance.below(8) {
            0 => 1,
            1 => 25,
            _ => 2 + chance.below(9),
        };
        let shutdown_ms = chance.once_in(5).then(|| chance.below(30_000));
        let mut world = Self {
            trace: Trace::new(aloud),
            now: 0,
            engine,
            guests: Vec::new(),
            agenda: Agenda::new(),
            names: BTreeMap::new(),
            knocking: Vec::new(),
            reads: Vec::new(),
            writable: Vec::new(),
            effects: Vec::new(),
            buffer_bytes: [7, 100, 1000, 20_000][chance.below(4) as usize],
            shut_down: false,
            asked: false,
            rung: false,
            moved: 0,
            // Nothing that is said at once is longer, but for heads and frames.
            largest: 65_000,
            report: Report::default(),
            settings,
            chance,
        };
        let spread_ms = [1, 200, 20_000][world.chance.below(3) as usize];
        for number in 0..count as usize {
            let guest = guest(&mut world.chance, &world.settings.waits, rooms);
            let at = world.chance.below(spread_ms);
            world.agenda.put(at, Event::Knock(number));
            if world.chance.once_in(15) {
                let when = at + world.chance.below(20_000);
                world.agenda.put(when, Event::Sever(number));
            }
            world.guests.push(guest);
        }
        if let Some(at) = shutdown_ms {
            world.agenda.put(at, Event::ShutDown);
        }
        if world.chance.once_in(3) {
            let at = world.chance.below(10_000);
            world.agenda.put(at, Event::Ring);
        }
        world
    }

    /// Turn after turn, until nothing will ever happen again.
    pub(super) fn run(mut self) -> Report {
        let mut idle_turns = 0;
        self.engine.begin(self.moment());
        self.engine.start();
        while let Some(wake) = self.wake() {
            if wake > self.now {
                self.check_rest();
                idle_turns = 0;
                // A machine is busy with other things, too.
                let late = if self.chance.once_in(8) {
                    self.chance.below(60)
                } else {
                    0
                };
                self.now = wake + late;
            }
            self.moved = 0;
            self.trace.now = self.now;
            self.happen();
            self.turn();
            if std::mem::take(&mut self.asked) {
                self.trace.note("shut down", 0, 0);
                self.shut_down = true;
                self.engine.shut_down();
            }
            idle_turns = if self.moved > 0 { 0 } else { idle_turns + 1 };
            assert!(
                idle_turns <= IDLE_TURNS_MAX,
                "promise 5: the loop is busy with nothing"
            );
            assert!(self.report.turns < TURNS_MAX, "the world comes to no end");
        }
        self.check_end();
        self.report.hash = self.trace.hash;
        self.report.shared = self.engine.app().shared;
        self.report.lasted_ms = self.now;
        self.report
    }

    /// When the next turn is due.
    fn wake(&self) -> Option<u64> {
        if !self.reads.is_empty() {
            return Some(self.now);
        }
        let sleep = self.engine.sleep();
        let end = sleep.map(|sleep| self.now + ms(sleep));
        let next = self.agenda.next_at();
        match (end, next) {
            (Some(end), Some(next)) => Some(end.min(next.max(self.now))),
            (end, next) => end.or(next),
        }
    }

    /// Lets everything happen in the network whose time has come.
    fn happen(&mut self) {
        while let Some(event) = self.agenda.take_due(self.now) {
            self.moved += 1;
            match event {
                Event::Knock(who) => self.knocking.push(who),
                Event::Arrive(who) => self.arrive(who),
                Event::Take(who) => self.take(who),
                Event::Writable(who) => {
                    self.guests[who].wire.room_is_told();
                    self.writable.push(who);
                }
                Event::Spurious(who) => {
                    self.list(who, true);
                    self.writable.push(who);
                }
                Event::Act(who) => {
                    let mut deeds = Vec::new();
                    self.guests[who].person.act(&mut deeds);
                    self.carry(who, deeds);
                }
                Event::Sever(who) => self.carry(who, vec![Deed::Reset]),
                Event::Ring => self.rung = true,
                Event::ShutDown => self.asked = true,
            }
        }
    }

    /// One turn, in the order of the real driver's.
    fn turn(&mut self) {
        self.report.turns += 1;
        self.engine.begin(self.moment());
        self.accept();
        self.engine.go_on();
        self.read();
        self.engine.elapse();
        if std::mem::take(&mut self.rung) {
            self.engine.woken();
        }
        for who in std::mem::take(&mut self.writable) {
            if let Some(id) = self.guests[who].wire.id {
                self.trace.note("writable", who, 0);
                self.engine.writable(id);
            }
        }
        self.check_bounds();
        self.flush();
        self.carry_out();
        self.engine.check();
        self.engine.app().check(self.engine.net());
    }

    const fn moment(&self) -> Now {
        Now {
            instant: Instant(self.now),
            unix_ms: UNIX_MS + self.now,
        }
    }

    fn accept(&mut self) {
        for who in std::mem::take(&mut self.knocking) {
            let peer = Peer::V4([10, 0, 0, 1], who as u16);
            let guest = &mut self.guests[who];
            if guest.wire.up.is_some() {
                guest.wire.left = true;
                continue;
            }
            let Some(id) = self.engine.accepted(peer) else {
                self.trace.note("no place", who, 0);
                guest.excused = true;
                guest.wire.close(End::Clean, &mut self.chance);
                guest.wire.left = true;
                continue;
            };
            self.trace.note("accepted", who, id.to_bits());
            self.report.served += 1;
            guest.wire.id = Some(id);
            guest.was = Some(id);
            if let Person::Asker(asker) = &guest.person
                && asker.says_nothing()
            {
                guest.gone_by = Some(self.now + ms(self.settings.waits.head) + 1000);
            }
            self.names.insert(id, who);
            let wait = self.chance.below(guest.habit.patience_ms);
            self.agenda.put(self.now + wait, Event::Act(who));
        }
    }

    /// Puts somebody on the list of those to be read, if its input is wanted or `anyway`.
    fn list(&mut self, who: usize, anyway: bool) {
        if self.guests[who].wire.list(anyway) {
            self.reads.push(who);
        }
    }

    fn read(&mut self) {
        for who in std::mem::take(&mut self.reads) {
            let wire = &mut self.guests[who].wire;
            wire.listed = false;
            let Some(id) = wire.id else { continue };
            if wire.up == Some(End::Reset) {
                self.trace.note("failed", who, 0);
                self.moved += 1;
                wire.end_told = true;
                self.engine.failed(id);
                continue;
            }
            let most = wire.inbox.len().min(self.buffer_bytes);
            if most > 0 {
                let count = match self.chance.below(3) {
                    0 => 1 + self.chance.below(most as u64) as usize,
                    _ => most,
                };
                let mut bytes: Vec<u8> = wire.inbox.drain(..count).collect();
                self.trace.bytes("received", who, &bytes);
                self.report.bytes += count as u64;
                self.moved += 1;
                wire.wanted = self.engine.received(id, &mut bytes);
                self.guests[who].wire.arrive(self.now);
            } else if wire.up == Some(End::Clean) && !wire.end_told {
                self.trace.note("ended", who, 0);
                self.moved += 1;
                wire.end_told = true;
                self.engine.ended(id);
            }
            self.list(who, false);
        }
    }

    fn flush(&mut self) {
        let Self {
            engine,
            guests,
            names,
            trace,
            chance,
            moved,
            report,
            ..
        } = self;
        let mut wrote = Vec::new();
        engine.flush(|id, slices| {
            let who = names[&id];
            let wire = &mut guests[who].wire;
            if chance.once_in(40) {
                return Err(ErrorKind::Interrupted.into());
            }
            wrote.push(who);
            let count = write(wire, slices, chance)?;
            let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
            trace.bytes("wrote", who, &bytes[..count]);
            *moved += 1;
            report.bytes += count as u64;
            Ok(count)
        });
        for who in wrote {
            self.look_down(who);
        }
    }

    /// Has the peer notice what was written, and the engine that there is room again.
    fn look_down(&mut self, who: usize) {
        let delay = self.chance.below(self.guests[who].habit.latency_ms + 1);
        let wire = &mut self.guests[who].wire;
        if wire.tell_peer() {
            self.agenda.put(self.now + delay.max(1), Event::Take(who));
        }
        if wire.tell_room() {
            self.agenda.put(self.now + delay, Event::Writable(who));
        }
    }

    fn carry_out(&mut self) {
        self.engine.take_effects(&mut self.effects);
        for effect in std::mem::take(&mut self.effects) {
            self.moved += 1;
            match effect {
                Effect::Read(id) => {
                    if let Some(&who) = self.names.get(&id) {
                        self.guests[who].wire.wanted = true;
                        self.guests[who].wire.arrive(self.now);
                        self.list(who, false);
                    }
                }
                Effect::HalfClose(id) => {
                    let Some(&who) = self.names.get(&id) else {
                        continue;
                    };
                    self.trace.note("half-close", who, 0);
                    let wire = &mut self.guests[who].wire;
                    assert!(wire.down.is_none(), "it ends once");
                    wire.down = Some(End::Clean);
                    self.look_down(who);
                }
                Effect::Close(id) => self.close(id, End::Clean),
                Effect::Reset(id) => self.close(id, End::Reset),
            }
        }
    }

    fn close(&mut self, id: ConnId, end: End) {
        let who = self.names.remove(&id).expect("what is closed was open");
        self.trace.note("close", who, u64::from(end == End::Reset));
        let guest = &mut self.guests[who];
        guest.wire.close(end, &mut self.chance);
        if let Some(by) = guest.gone_by {
            assert!(self.now <= by, "promise 5: it should have gone by {by} ms");
        }
        self.look_down(who);
        // What is in flight finds nobody.
        self.arrive(who);
    }

    // ---------------------------------------------------------------- the peers' side

    fn arrive(&mut self, who: usize) {
        let wire = &mut self.guests[who].wire;
        if wire.arrive(self.now) {
            if wire.id.is_none() && wire.down == Some(End::Reset) {
                self.look_down(who);
            }
            self.list(who, false);
        }
    }

    /// Takes bytes from the pipe, as many and as often as its habit says.
    fn take(&mut self, who: usize) {
        let guest = &mut self.guests[who];
        guest.wire.take_due = false;
        if guest.wire.left {
            return;
        }
        let mut count = guest.habit.take_max.min(guest.wire.pipe.len());
        if let Some(stop) = guest.habit.stops_after {
            count = count.min(stop.saturating_sub(guest.taken));
            if guest.taken + count >= stop {
                // From now on it reads nothing, and does nothing that the server owes a thing for.
                guest.excused = true;
                return;
            }
        }
        let mut deeds = Vec::new();
        let bytes: Vec<u8> = guest.wire.pipe.drain(..count).collect();
        guest.taken += count;
        let stay = guest.was.and_then(|id| self.engine.app().stays.get(&id));
        let fed_from = guest.was.and_then(|id| self.engine.app().fed_from.get(&id));
        let view = View {
            subject: self.engine.app(),
            stay: stay.copied(),
            fed_from: fed_from.copied(),
            shut_down: self.shut_down,
            outbox_bytes_max: self.settings.outbox_bytes_max,
            pause_bytes: self.settings.pause_bytes,
        };
        if count > 0 {
            self.trace.note("takes", who, count as u64);
            self.report.compared += guest.person.hear(&bytes, &view, &mut deeds);
        }
        if guest.wire.pipe.is_empty()
            && let Some(end) = guest.wire.down
        {
            self.trace
                .note("sees the end", who, u64::from(end == End::Reset));
            guest.wire.left = true;
            let excused = guest.excused;
            guest.person.end(end, excused, &view, &mut deeds);
            if guest.habit.deaf {
                deeds.clear();
            }
        }
        self.carry(who, deeds);
        let guest = &mut self.guests[who];
        if guest.wire.tell_peer() {
            let at = self.now + guest.habit.take_ms;
            self.agenda.put(at, Event::Take(who));
        }
        self.look_down(who);
    }

    /// Lets deeds go out.
    fn carry(&mut self, who: usize, deeds: Vec<Deed>) {
        for deed in deeds {
            let guest = &mut self.guests[who];
            let habit = &guest.habit;
            let mut at = self.now + 1 + self.chance.below(habit.latency_ms + 1);
            match deed {
                Deed::Say(bytes) => {
                    for piece in pieces(&bytes, habit.pieces_max, &mut self.chance) {
                        let guest = &mut self.guests[who];
                        let due = guest.wire.send(at, Parcel::Bytes(piece.to_vec()));
                        at = due + self.chance.below(guest.habit.gap_ms + 1);
                        self.agenda.put(due, Event::Arrive(who));
                    }
                }
                Deed::End => {
                    let due = guest.wire.send(at, Parcel::End);
                    self.agenda.put(due, Event::Arrive(who));
                }
                Deed::Reset => {
                    self.trace.note("resets", who, 0);
                    guest.excused = true;
                    guest.wire.left = true;
                    guest.wire.sever(at);
                    self.agenda.put(at, Event::Arrive(who));
                }
                Deed::Wait(wait) => self.agenda.put(self.now + wait, Event::Act(who)),
            }
            if self.chance.once_in(20) {
                let at = self.now + self.chance.below(2000);
                self.agenda.put(at, Event::Spurious(who));
            }
        }
    }

    // ---------------------------------------------------------------- checks

    /// What one connection may hold.
    fn check_bounds(&self) {
        let settings = &self.settings;
        let said = settings.outbox_bytes_max.max(settings.pause_bytes) + self.largest + 1000;
        let head = settings.http.head_bytes_max;
        let unread = head + self.buffer_bytes + BODY_BYTES_MAX as usize;
        for id in self.names.keys() {
            let queued = self.engine.net().queued_bytes(*id);
            assert!(queued <= said, "{id:?} has {queued} bytes to say");
            let rest = self.engine.net().unread_bytes(*id);
            assert!(rest <= unread, "{id:?} keeps {rest} bytes of input");
        }
    }

    /// Nothing moves for a while: nobody may wait for something that could be done now.
    fn check_rest(&self) {
        self.engine.app().check_rest(self.engine.net());
        for (id, who) in &self.names {
            let guest = &self.guests[*who];
            let wire = &guest.wire;
            if let Some(by) = guest.gone_by {
                assert!(self.now <= by, "promise 5: it should have gone by {by} ms");
            }
            if self.engine.app().owes(*id) || self.engine.net().queued_bytes(*id) > 0 {
                continue;
            }
            assert!(
                wire.wanted,
                "connection {who} has said all, and its input is not wanted"
            );
            assert!(
                !wire.end_told,
                "connection {who} is over on both sides, and is still there"
            );
        }
    }

    fn check_end(&self) {
        assert_eq!(
            self.engine.net().connections(),
            0,
            "promise 6: connections are left: {:?}",
            self.names
        );
        self.engine.app().check_end();
        for (who, guest) in self.guests.iter().enumerate() {
            assert!(
                guest.wire.left || guest.excused,
                "promise 3: {who} still waits: {guest:?}"
            );
        }
    }
}

/// What the network takes of `slices`.
fn write(wire: &mut Wire, slices: &[IoSlice<'_>], chance: &mut Seed) -> io::Result<usize> {
    if wire.up == Some(End::Reset) {
        return Err(ErrorKind::BrokenPipe.into());
    }
    let offered: usize = slices.iter().map(|slice| slice.len()).sum();
    // A kernel short of memory takes little, or nothing, though there seemed to be room.
    let limit = match chance.below(12) {
        0 => 0,
        1 => 1 + chance.below(offered as u64) as usize,
        _ => offered,
    };
    wire.write_slices(slices, limit)
}

fn ms(wait: Duration) -> u64 {
    wait.as_millis() as u64
}

fn settings(chance: &mut Seed) -> Settings {
    let pick = |chance: &mut Seed, of: &[usize]| of[chance.below(of.len() as u64) as usize];
    let mut seconds = |from: u64, to: u64| Duration::from_millis(chance.below(to - from) + from);
    let waits = Waits {
        head: seconds(2000, 20_000),
        keep_alive: seconds(2000, 60_000),
        body_progress: seconds(2000, 20_000),
        body: seconds(4000, 40_000),
        body_rate: 1000,
        heartbeat: seconds(3000, 40_000),
        stalled: seconds(2000, 40_000),
        close: seconds(1000, 8000),
        linger: seconds(500, 4000),
    };
    let pause_bytes = pick(chance, &[60, 500, 4000, 64 << 10]);
    Settings {
        deflate: DeflatePolicy {
            enabled: chance.once_in(2),
            bytes_min: 16,
            context_takeover: chance.once_in(2),
            ..DeflatePolicy::default()
        },
        connections_max: pick(chance, &[3, 100, 100, 100]),
        // Room for a piece of a stream beyond the pause, or every stream would be too slow.
        outbox_bytes_max: pause_bytes + pick(chance, &[500, 5000, 50_000, 1 << 20]),
        pause_bytes,
        waits: if chance.once_in(4) {
            Waits::default()
        } else {
            waits
        },
        ..Settings::default()
    }
}

fn guest(chance: &mut Seed, waits: &Waits, rooms: u64) -> Guest {
    let least = [
        waits.head,
        waits.keep_alive,
        waits.body_progress,
        waits.body,
        waits.heartbeat,
        waits.stalled,
        waits.linger * 2,
        waits.close * 2,
    ];
    let patience_ms = least.into_iter().map(ms).min().unwrap_or_default() / 4;
    let (take_max, take_ms) = match chance.below(6) {
        // Steady, but slow: what it is owed takes many times what the server waits for a stir.
        0 => (300, 1 + chance.below(patience_ms)),
        1 => (1 + chance.below(3000) as usize, 1 + chance.below(50)),
        _ => (usize::MAX, 1),
    };
    let habit = Habit {
        latency_ms: [0, 5, patience_ms / 8][chance.below(3) as usize],
        gap_ms: [0, 2, patience_ms / 16][chance.below(3) as usize],
        pieces_max: [1, 3, 12][chance.below(3) as usize],
        take_max,
        take_ms,
        stops_after: chance.once_in(15).then(|| 1 + chance.below(3000) as usize),
        deaf: chance.once_in(10),
        patience_ms,
    };
    let person = if chance.once_in(2) {
        Person::Asker(Asker::new(chance, &habit))
    } else {
        Person::Talker(Box::new(Talker::new(chance, &habit, rooms)))
    };
    let inbox_max = [1, 200, 5000, 100_000][chance.below(4) as usize];
    // What is in the pipe the server takes for read. A large one before a slow reader is a wait that
    // no server could know of.
    let takes = patience_ms as usize / take_ms as usize / 2 + 1;
    let pipe_max = [50, 1000, 20_000, 1 << 20][chance.below(4) as usize];
    let pipe_max = takes.saturating_mul(take_max).min(pipe_max);
    Guest {
        person,
        habit,
        wire: Wire::new(inbox_max, pipe_max),
        was: None,
        taken: 0,
        excused: false,
        gone_by: None,
    }
}
