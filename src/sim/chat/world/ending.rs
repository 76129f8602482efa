//! # Ending: it becomes calm, and everybody has everything

use super::{Event, Place, World};
use crate::sim::chat::checks;
use crate::sim::chat::device::Device;

/// How long it is calm: longer than anybody waits for anything.
const CALM_MS: u64 = 150_000;
/// How long those who come last have to be told everything.
const PROBE_MS: u64 = 5000;

impl World {
    pub(super) fn calm(&mut self) {
        if self.is_calm {
            return;
        }
        self.trace.note("calm", 0, 0);
        self.is_calm = true;
        self.pace_ms = 200;
        self.is_full = false;
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
    pub(super) fn probe(&mut self) {
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

    pub(super) fn check_end(&self) {
        let people = self.town.model.people.len() as u64;
        assert!(
            self.report.probes >= people,
            "quiet: somebody heard no hello"
        );
        let intents = self.devices.iter().flat_map(|device| &device.intents);
        checks::stored(&self.town, intents);
    }
}
