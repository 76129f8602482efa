//! # Checks: what is stored in the end, against the model and against what was acknowledged

use serde_json::Value;

use super::device::{Fate, Intent};
use super::fact::text;
use super::model::Model;
use super::town::Town;
use crate::chat::{self, RoomId, Told, Whence, history};

/// A device that knew nothing is told exactly what is.
pub(super) fn hello(hello: &Value, model: &Model, user: u32) {
    assert_eq!(hello["op"], model.op, "hello: all is announced");
    let rooms = hello["rooms"].as_array().expect("rooms");
    let own = model
        .rooms
        .iter()
        .filter(|room| !room.deleted && room.members.contains_key(&user));
    assert_eq!(rooms.len(), own.count(), "hello: {rooms:?}");
    for summary in rooms {
        let room = model.room(&text(summary, "room"));
        let room = room.expect("a room that is there");
        let member = room.members.get(&user).expect("their own room");
        let expected = [
            ("seq", room.seq()),
            ("version", room.version()),
            ("members", room.members.len() as u32),
            ("read", member.read),
            ("unread", room.seq() - member.read),
            ("mentions", room.mentions(user, member.read)),
        ];
        for (name, number) in expected {
            assert_eq!(summary[name], number, "hello: {name} of {summary}");
        }
    }
    let unseen = &hello["notifications"]["unread"];
    assert_eq!(*unseen, model.unseen(user), "hello: notifications");
}

/// Everything in the database is what the model says, and what was acknowledged is there once.
pub(super) fn stored<'a>(town: &Town, intents: impl Iterator<Item = &'a Intent>) {
    let model = &town.model;
    town.look(|tables| {
        let (_, op) = chat::summary::position(tables)?;
        assert_eq!(op, model.op, "stored: the op");
        chat::check(tables, &mut |told| {
            if let Told::Found(finding) = told {
                panic!("stored: {finding:?}");
            }
        })
    });
    for room in &model.rooms {
        let id = RoomId(room.id);
        let whence = Whence::After(0);
        let page = town.look(|tables| history::history(tables, id, whence, 200));
        for (message, is) in page.messages.iter().zip(&room.messages) {
            let place = format!("{} {}", room.name, message.seq);
            assert_eq!(*message.text, *is.now().text, "stored: {place}");
            assert_eq!(*message.from.name, *is.by, "stored: {place}");
            let deleted = message.deleted_at.is_some();
            assert_eq!(deleted, is.now().deleted, "stored: {place}");
        }
        let most = room.messages.len().min(200);
        assert_eq!(page.messages.len(), most, "stored: {}", room.name);
    }
    for intent in intents {
        once(model, intent);
    }
}

/// What was acknowledged is there once, what was refused is not, and the rest is not twice.
fn once(model: &Model, intent: &Intent) {
    let Some((_, said)) = intent.wish.said() else {
        return;
    };
    let messages = model.rooms.iter().flat_map(|room| &room.messages);
    let count = messages
        .filter(|message| message.bodies[0].1.text == said)
        .count();
    let may = match intent.fate {
        Fate::Done => count == 1,
        // Each saying is judged by itself: another may have come when it was allowed, even the first,
        // out of a connection that was given up.
        Fate::Refused if intent.is_errand || intent.said > 1 => count <= 1,
        Fate::Refused => count == 0,
        Fate::Open | Fate::Unknown => count <= 1,
    };
    assert!(may, "once: {intent:?} is there {count} times");
}
