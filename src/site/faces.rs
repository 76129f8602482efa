//! # Faces: others hear of another name or picture
//!
//! Whoever shares a room with somebody is told what they are called and which picture they have, as soon
//! as that changes. Ephemeral, as presence is: whoever is not there reads it when they come.
//!
//! Promises
//! 1. A person is told of at most once in a beat, and of so many people in one beat; the rest comes
//!    with the next.
//! 2. It is written once, and each device is told once, however many rooms are shared.

use std::collections::BTreeSet;

use super::hall::Hall;
use super::wire;
use crate::chat::{UserId, people, summary};
use crate::layer::Channel;
use crate::store::StoreError;
use crate::web::{Event, Tick};

/// People that are told of in one beat. Each may share a room with everybody.
const TOLD_MAX: usize = 20;

/// Whose face has changed and was not told yet.
#[derive(Debug, Default)]
pub(super) struct Faces {
    changed: BTreeSet<UserId>,
}

impl Faces {
    /// Somebody has another name or picture, perhaps.
    pub(super) fn changed(&mut self, user: UserId) {
        self.changed.insert(user);
    }
}

/// Tells of those whose face has changed.
pub(super) fn tell_changes(tick: &mut Tick<'_, Hall>) {
    for _ in 0..TOLD_MAX {
        let Some(user) = tick.state.faces.changed.pop_first() else {
            return;
        };
        if let Err(error) = tell(tick, user) {
            log::warn!(
                "others are not told what user {} is called: {error}",
                user.0
            );
        }
    }
}

fn tell(tick: &mut Tick<'_, Hall>, user: UserId) -> Result<(), StoreError> {
    let hall = &*tick.state;
    let (face, rooms) = hall.reader.query(|tables| {
        Ok((
            people::face(tables, user)?,
            summary::rooms_of(tables, user)?,
        ))
    })?;
    let Some((person, avatar)) = face else {
        return Ok(());
    };
    let mut those = BTreeSet::from([user]);
    let mut devices: BTreeSet<Channel> = BTreeSet::new();
    for room in rooms {
        let mut name = None;
        for other in hall.presence.here(room) {
            let is_new = those.insert(other);
            for seat in hall.crowd.seats(other) {
                // Who listens to some rooms alone is told of the people in these.
                if seat.only.is_some() || seat.is_limited() {
                    if name.is_none() {
                        name = hall.reader.query(|tables| summary::name(tables, room))?;
                    }
                    if name.as_ref().is_some_and(|name| seat.wants(name)) {
                        devices.insert(seat.channel);
                    }
                } else if is_new {
                    devices.insert(seat.channel);
                }
            }
        }
    }
    devices.extend(hall.crowd.seats(user).iter().map(|seat| seat.channel));
    let json = wire::face(&person, avatar.as_deref());
    let event = Event::new("person", json).numbered(hall.announced + 1);
    let devices: Vec<Channel> = devices.into_iter().collect();
    tick.house.send_each(&devices, &event);
    Ok(())
}
