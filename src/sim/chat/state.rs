//! # State: rooms made of nothing but events, compared with rooms as they are
//!
//! Whoever has been told each event of a room since some version knows the state of every message
//! that was said since then. This is how each device's knowledge is judged in the end.

use std::collections::BTreeMap;

use super::ear::{Known, Memory};
use super::fact::{Body, Fact};
use super::model::{Model, Room};

/// Messages as events made them.
fn fold(known: &Known, floor: u32) -> BTreeMap<u32, Body> {
    let mut messages: BTreeMap<u32, Body> = BTreeMap::new();
    for (fact, body) in known.have.range(floor..).map(|(_, it)| it) {
        match fact {
            Fact::Message { seq, .. } => {
                messages.insert(*seq, body.clone().unwrap_or_default());
            }
            Fact::Edited { seq, .. } => {
                if let (Some(message), Some(body)) = (messages.get_mut(seq), body) {
                    *message = body.clone();
                }
            }
            Fact::Deleted { seq, .. } => {
                if let Some(message) = messages.get_mut(seq) {
                    message.delete();
                }
            }
            Fact::Reaction { seq, by, emoji, on } => {
                if let Some(message) = messages.get_mut(seq) {
                    message.react(emoji, by, *on);
                }
            }
            _ => {}
        }
    }
    messages
}

/// Members as events made them: who came, and who went.
fn members(known: &Known, floor: u32) -> BTreeMap<&str, bool> {
    let mut members = BTreeMap::new();
    for (fact, _) in known.have.range(floor..).map(|(_, it)| it) {
        match fact {
            Fact::Joined { user, .. } => drop(members.insert(user.as_str(), true)),
            Fact::Left { user, .. } => drop(members.insert(user.as_str(), false)),
            _ => {}
        }
    }
    members
}

/// Compares what a device knows with how it is. How many messages were compared.
pub(super) fn check(memory: &Memory, model: &Model, id: u32, name: &str) -> u64 {
    let mut compared = 0;
    for (room_name, known) in &memory.rooms {
        let Some(room) = model.room(room_name) else {
            continue;
        };
        if !room.members.contains_key(&id) || known.upto(room, name) < room.version() {
            continue;
        }
        compared += check_room(known, room, model, name);
    }
    compared
}

fn check_room(known: &Known, room: &Room, model: &Model, name: &str) -> u64 {
    let mut compared = 0;
    for (seq, body) in fold(known, room.floor) {
        let is = room.messages[seq as usize - 1].now();
        // Who was away may not have been told what became of it.
        let mut bodies = room.messages[seq as usize - 1].bodies.iter();
        if !bodies.all(|(version, _)| known.have.contains_key(version)) {
            continue;
        }
        assert_eq!(
            body, *is,
            "state: {name} takes message {seq} of {} for something else",
            room.name
        );
        compared += 1;
    }
    for (member, is_in) in members(known, room.floor) {
        let id = model.person(member).expect("somebody").id;
        // Only where the last of their comings and goings was told.
        let last = (room.floor + 1..).zip(&room.events).filter(|(_, (_, fact))| {
            matches!(fact, Fact::Joined { user, .. } | Fact::Left { user, .. } if user == member)
        });
        let told = last
            .last()
            .is_some_and(|(at, _)| known.have.contains_key(&at));
        assert!(
            !told || room.members.contains_key(&id) == is_in,
            "state: {name} takes {member} for a member of {} or not",
            room.name
        );
    }
    compared
}
