//! # People: what devices say, and when they connect

use std::panic::{self, AssertUnwindSafe};

use super::{Event, UNIX_MS, World};
use crate::sim::chat::device::Mood;
use crate::sim::chat::errand::{Errand, Visit};
use crate::sim::chat::model::Model;
use crate::sim::chat::town::LIVES;
use crate::sim::chat::wishes;
use crate::sim::network::Parcel;

/// Silence after which a client takes its connection for broken.
const PATIENCE_MS: u64 = 45_000;

impl World {
    /// Bytes have reached somebody.
    pub(super) fn heard(&mut self, peer: usize, bytes: &[u8]) {
        let device = self.peers[peer].device;
        if let Some(visit) = &mut self.peers[peer].visit {
            if let Some((status, json)) = visit.hear(bytes) {
                let it = &mut self.devices[device];
                it.come_back(&visit.errand, status, json, &self.town.model);
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
    pub(super) fn tell(&mut self, device: usize) {
        for line in self.devices[device]
            .lines
            .iter_mut()
            .flat_map(|it| it.drain(..))
        {
            self.trace.line(device, &line);
        }
    }

    /// A device has lost its connection.
    pub(super) fn lost(&mut self, peer: usize) {
        let device = self.peers[peer].device;
        if self.peers[peer].visit.is_none() && self.places[device].peer == Some(peer) {
            self.places[device].peer = None;
            self.devices[device].link = None;
        }
    }

    /// A device does something.
    pub(super) fn act(&mut self, device: usize) {
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

    pub(super) fn connect(&mut self, device: usize) {
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

    /// A device asks something by a request of its own.
    fn visit(&mut self, device: usize, errand: Errand, bytes: &[u8]) {
        let visit = self.new_peer(device, Some(Visit::new(errand)));
        self.trace.note("visits", device, visit as u64);
        self.say(visit, bytes);
    }

    /// What a device says next.
    pub(super) fn something(&mut self, device: usize) -> Option<Vec<u8>> {
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
                let line = "DELETE /api/v1/tokens/current";
                let bytes = Visit::request(line, &it.token(), None, "");
                self.visit(device, Errand::SignOut, &bytes);
                None
            }
            6 => {
                let (errand, bytes) = it.some_errand(model, &mut self.chance)?;
                self.visit(device, errand, &bytes);
                None
            }
            _ => {
                self.wishes += 1;
                self.wishes_left = self.wishes_left.saturating_sub(1);
                if self.wishes_left == 0 {
                    self.at(self.now, Event::Calm);
                }
                let it = &mut self.devices[device];
                let used = self.chance.below(it.intents.len().max(1) as u64) as usize;
                let used = it.intents.get(used).and_then(|it| it.wish.key.clone());
                let (time, id) = ((self.wishes, UNIX_MS + self.now), it.id);
                let wish = wishes::some_wish(&self.town.model, &mut self.chance, id, time, used);
                Some(it.want(wish))
            }
        }
    }
}
