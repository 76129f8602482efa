//! # Beginning: what a device is told first, and of what it missed

use std::collections::BTreeSet;

use serde_json::Value;

use super::{Ear, Known, Memory, Owner, Was};
use crate::sim::chat::fact::{Fact, body_of_wire, text};
use crate::sim::chat::model::{Message, Model, Room};

impl Ear {
    pub(in crate::sim::chat) fn hello(&mut self, json: &Value, model: &Model, memory: &mut Memory) {
        assert!(self.hello_op.is_none(), "hello: it is said once");
        let op = json["op"].as_u64().expect("hello has an op");
        assert!(op <= model.op, "hello: op {op} was not committed");
        self.epoch = text(json, "epoch");
        assert!(model.epochs.contains(&self.epoch), "hello: another epoch");
        memory.epoch.get_or_insert_with(|| self.epoch.clone());
        for summary in json["rooms"].as_array().into_iter().flatten() {
            let name = text(summary, "room");
            let version = summary["version"].as_u64().unwrap_or_default() as u32;
            check_summary(summary, model, op);
            if !self.hold {
                self.low.insert(name.clone(), version);
            }
            self.hello.insert(name, version);
        }
        self.hello_op = Some(op);
        self.own_low = op;
        if !self.hold {
            let own = &self.hello;
            memory.rooms.retain(|name, _| own.contains_key(name));
            for (name, version) in own {
                memory.rooms.entry(name.clone()).or_insert_with(|| Known {
                    base: *version,
                    ..Known::default()
                });
            }
        }
    }

    /// The answer to where the device said that it was.
    pub(in crate::sim::chat) fn resumed(
        &mut self,
        was: &Was,
        is_ours: bool,
        ok: &Value,
        model: &Model,
        owner: Owner<'_>,
        memory: &mut Memory,
    ) {
        self.resumed = true;
        let rooms = ok["rooms"].as_object().expect("resume lists the rooms");
        let mut heard_of = self.hello.clone();
        for (name, said) in rooms {
            if let Some(error) = said["error"].as_str() {
                assert!(
                    matches!(error, "not_a_member" | "not_found"),
                    "resume: {said}"
                );
                // Where they have just left, the last that was said comes as it does to all.
                memory.rooms.remove(name);
                continue;
            }
            let from = said["from"].as_u64().expect("a version") as u32;
            let to = said["to"].as_u64().expect("a version") as u32;
            let mode = text(said, "mode");
            assert_eq!(
                mode == "reset",
                said["reset"].as_bool().unwrap_or_default(),
                "resume: {said}"
            );
            let fresh = Known {
                base: from.min(to),
                ..Known::default()
            };
            let known = memory.rooms.entry(name.clone()).or_insert(fresh);
            let expected = match model.far {
                _ if !is_ours || from > to || from < floor(model, name, to) => "reset",
                far if to - from <= far.events_max => "events",
                far if to - from <= far.states_max => "state",
                _ => "reset",
            };
            assert_eq!(mode, expected, "resume: {said} of {name}");
            if mode == "reset" {
                // What it is to read anew is as far as this, whatever of it it had been told.
                known.base = to;
                known.have.clear();
                self.low.insert(name.clone(), to);
            } else {
                if let Was::Versions(asked) = was {
                    assert_eq!(asked.get(name), Some(&from), "resume: {said}");
                }
                let room = model.room_at(name, to);
                if let (Some(room), "state") = (room, mode.as_str()) {
                    // It knows how everything is at the end of the states, not how it came so.
                    let end = self.stated_upto(room, owner, from, to);
                    known.base = end;
                    known.have.retain(|version, _| *version > end);
                    let told = (from, end, BTreeSet::new());
                    self.states.insert(name.clone(), told);
                    let got = self.got.entry(name.clone()).or_default();
                    got.extend(from + 1..=end);
                } else {
                    known.base = known.base.min(from);
                }
                self.low.insert(name.clone(), from);
            }
            self.catching_up.insert(name.clone(), to);
            heard_of.remove(name);
        }
        if self.hold {
            // What was not spoken of goes on from hello.
            for (name, version) in heard_of {
                let known = memory.rooms.entry(name.clone()).or_default();
                if matches!(was, Was::Since(_)) {
                    memory.rooms.remove(&name);
                    continue;
                }
                known.base = version;
                known.have.clear();
                self.low.insert(name, version);
            }
            let low = &self.low;
            memory.rooms.retain(|name, _| low.contains_key(name));
            self.last = self.low.clone();
        }
        if let (Was::Since(op), true) = (was, is_ours) {
            self.own_low = self.own_low.min(*op);
            self.is_since = true;
        }
        memory.cursor = None;
        memory.epoch = Some(self.epoch.clone());
    }

    /// Up to where a room is told as states: what this connection hears comes as events.
    fn stated_upto(&self, room: &Room, owner: Owner<'_>, from: u32, to: u32) -> u32 {
        let hello_op = self.hello_op.unwrap_or_default();
        if self.hold {
            return to;
        }
        let opened = room.version_at(hello_op).min(to);
        let concerns = |(_, fact): &&(u64, Fact)| matches!(fact, Fact::Joined { user, .. } | Fact::Left { user, .. } if user == owner.name);
        let mut later = (opened + 1..).zip(room.between(opened, to));
        let end = match later.find(|(_, event)| concerns(event)) {
            Some((joined, (_, Fact::Joined { .. }))) => joined - 1,
            _ => opened,
        };
        end.max(from)
    }

    /// A message as it is by now, where too much was missed.
    pub(in crate::sim::chat) fn state(&mut self, json: &Value, model: &Model) {
        let name = text(json, "room");
        let version = json["version"].as_u64().unwrap_or_default() as u32;
        let seq = json["seq"].as_u64().unwrap_or_default() as u32;
        let place = self.states.get_mut(&name);
        let (from, upto, told) = place.unwrap_or_else(|| panic!("states: nobody missed {json}"));
        assert!(
            (*from + 1..=*upto).contains(&version),
            "states: {json} is not behind {from} and up to {upto}"
        );
        assert!(told.insert(seq), "double: {json}");
        let room = model
            .room_at(&name, version)
            .expect("a room that was there");
        let message = &room.messages[seq as usize - 1];
        let mut bodies = message.bodies.iter();
        let body = body_of_wire(json);
        let is_true = bodies.any(|(at, said)| *at >= version && *said == body);
        assert!(is_true, "states: {json} was never so");
    }

    pub(in crate::sim::chat) fn caught_up(
        &mut self,
        json: &Value,
        model: &Model,
        owner: Owner<'_>,
    ) {
        let name = text(json, "room");
        assert!(
            self.catching_up.remove(&name).is_some(),
            "caught up: {name} was not behind"
        );
        let version = json["version"].as_u64().expect("a version") as u32;
        self.must_have(model, owner, &name, version);
        if let Some((from, upto, told)) = self.states.remove(&name) {
            let room = model
                .room_at(&name, version)
                .expect("a room that was there");
            let changed = |(_, message): &(u32, &Message)| {
                let mut bodies = message.bodies.iter();
                bodies.any(|(at, _)| (from + 1..=upto).contains(at))
            };
            let all = (1_u32..).zip(&room.messages).filter(changed);
            let all: BTreeSet<u32> = all.map(|(seq, _)| seq).collect();
            assert_eq!(told, all, "missing: states of {name} behind {from}");
        }
    }
}

/// Versions of rooms that were called so before the one that had come so far.
fn floor(model: &Model, name: &str, to: u32) -> u32 {
    model.room_at(name, to).map_or(0, |room| room.floor)
}

/// What a summary says of its room must have been so at `op`.
fn check_summary(summary: &Value, model: &Model, op: u64) {
    let name = text(summary, "room");
    let room = model
        .room_by(&name, op)
        .expect("told of a room that is there");
    let number = |name: &str| summary[name].as_u64().unwrap_or_default() as u32;
    let version = room.version_at(op);
    assert_eq!(number("version"), version, "hello: {summary} at op {op}");
    let seq = room.seq_at(version);
    assert_eq!(number("seq"), seq, "hello: {summary} at op {op}");
    let unread = number("seq") - number("read");
    assert_eq!(number("unread"), unread, "hello: {summary}");
}
