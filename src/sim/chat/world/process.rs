//! # Process: one turn of the server's loop, with the same steps as the real driver's

use std::io::{self, ErrorKind, IoSlice};

use super::{Event, World};
use crate::ground::seed::Seed;
use crate::reactor::{ConnId, Effect, Peer as Address};
use crate::sim::chat::town;
use crate::sim::network::{End, Wire};
use crate::sim::trace::Trace;

/// Bytes that are said at once at most, beside what is broadcast: a page of history, or `hello`.
const LARGEST: usize = 64 << 10;

impl World {
    pub(super) fn turn(&mut self) {
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

    pub(super) fn engine(&mut self) -> &mut town::Process {
        self.town.process.as_mut().expect("a process runs")
    }

    /// Whoever knocks is told that nobody is there.
    pub(super) fn nobody_there(&mut self) {
        self.reads.clear();
        self.writable.clear();
        self.rung = false;
        for peer in std::mem::take(&mut self.knocking) {
            self.peers[peer].wire.down = Some(End::Reset);
            self.look_down(peer);
        }
    }

    pub(super) fn commit(&mut self) {
        self.commit_due = false;
        if self.town.commit() {
            self.trace.note("commit", 0, self.town.model.op);
            let lag_ms = self.lag_ms;
            self.soon(lag_ms, Event::Ring);
        }
    }

    /// The process is killed, wherever it is.
    pub(super) fn kill(&mut self) {
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
        if self.chance.once_in(6) && !self.is_full {
            self.trace.note("is renamed", 0, 0);
            self.town.rename();
        }
        for peer in std::mem::take(&mut self.names).into_values() {
            self.peers[peer].wire.close(End::Reset, &mut self.chance);
            self.look_down(peer);
        }
        self.soon(3000, Event::Begin);
    }

    pub(super) fn begin(&mut self) {
        if self.town.process.is_none() {
            self.town.begin(&mut self.chance);
            self.start();
        }
    }

    pub(super) fn accept(&mut self) {
        for peer in std::mem::take(&mut self.knocking) {
            let address = Address::V4([10, 0, 0, 1], peer as u16);
            let id = self.engine().accepted(address).expect("there is room");
            self.trace.note("accepted", peer, id.to_bits());
            self.peers[peer].wire.id = Some(id);
            self.names.insert(id, peer);
            self.list(peer);
        }
    }

    pub(super) fn list(&mut self, peer: usize) {
        if self.peers[peer].wire.list(false) {
            self.reads.push(peer);
        }
    }

    pub(super) fn read(&mut self) {
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

    pub(super) fn flush(&mut self) {
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

    pub(super) fn carry_out(&mut self) {
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

    pub(super) fn close(&mut self, id: ConnId, end: End) {
        let peer = self.names.remove(&id).expect("what is closed was open");
        self.trace.note("close", peer, u64::from(end == End::Reset));
        self.peers[peer].wire.close(end, &mut self.chance);
        self.look_down(peer);
    }

    pub(super) fn check_bounds(&self) {
        let settings = &self.town.settings;
        let most = settings.outbox_bytes_max.max(settings.pause_bytes) + LARGEST;
        let engine = self.town.process.as_ref().expect("a process runs");
        for id in self.names.keys() {
            let queued = engine.net().queued_bytes(*id);
            assert!(queued <= most, "bounds: {queued} bytes wait for one client");
        }
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
    let count = wire.write_slices(slices, limit)?;
    let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
    trace.bytes("wrote", peer, &bytes[..count]);
    Ok(count)
}
