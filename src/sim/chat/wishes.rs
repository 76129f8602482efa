//! # Wishes: what people want of a chat
//!
//! Each message says something that nobody else says, so that it can be recognised wherever it is.

use serde_json::{Value, json};

use super::model::Model;
use crate::ground::seed::Seed;
use crate::site::rfc3339;

/// Something that is to last.
#[derive(Clone, Debug)]
pub(super) struct Wish {
    pub(super) key: Option<String>,
    /// The key was used for something else before.
    pub(super) is_reused: bool,
    command: Value,
}

impl Wish {
    /// The command, but for its id.
    pub(super) fn command(&self) -> Value {
        let mut command = self.command.clone();
        if let Some(key) = &self.key {
            command["key"] = json!(key);
        }
        command
    }

    /// The same as the body of a request to the room.
    pub(super) fn body(&self) -> Value {
        let mut body = self.command.clone();
        let fields = body.as_object_mut().expect("a command is an object");
        fields.retain(|name, _| name == "text" || name == "reply_to");
        body
    }

    /// The room and the text, of a message, as it is said.
    pub(super) fn said(&self) -> Option<(&str, &str)> {
        if self.command["do"] != "send" {
            return None;
        }
        let typed = self.command["text"].as_str()?;
        let said = typed.strip_prefix(DOES).unwrap_or(typed);
        let said = if said.starts_with("//") {
            &said[1..]
        } else {
            said
        };
        Some((self.command["room"].as_str()?, said))
    }
}

/// What somebody types before what they do.
const DOES: &str = "/me ";

/// Names of rooms that somebody may make.
const ROOMS: [&str; 4] = ["attic", "cellar", "garden", "kitchen"];

const EMOJI: [&str; 3] = ["👍", "🎉", "👀"];

/// A room that exists, or may.
pub(super) fn some_room(model: &Model, chance: &mut Seed, user: u32) -> String {
    let own: Vec<&str> = model
        .rooms
        .iter()
        .filter(|room| room.members.contains_key(&user))
        .map(|room| room.name.as_str())
        .collect();
    if own.is_empty() || chance.once_in(6) {
        return pick(chance, &ROOMS).to_owned();
    }
    pick(chance, &own).to_owned()
}

fn pick<'a>(chance: &mut Seed, of: &[&'a str]) -> &'a str {
    of[chance.below(of.len() as u64) as usize]
}

fn some_person(model: &Model, chance: &mut Seed) -> String {
    let which = chance.below(model.people.len() as u64) as usize;
    model.people[which].name.clone()
}

/// A text that nobody else says.
fn some_text(model: &Model, chance: &mut Seed, serial: u64) -> String {
    let mut text = format!("#{serial}");
    // Some fill a slow connection; those call nobody, so that `hello` stays short.
    if chance.once_in(if model.is_wordy { 2 } else { 8 }) {
        text.push_str(&" and so on".repeat(1 + chance.below(400) as usize));
        return text;
    }
    for _ in 0..chance.below(3) {
        text.push_str(" @");
        text.push_str(&some_person(model, chance));
    }
    if chance.once_in(12) {
        text.push_str(" @room");
    }
    text
}

/// What is done to members of a room.
fn some_order(chance: &mut Seed, room: &str, person: &str, now: u64) -> Value {
    match chance.below(12) {
        0..=1 => json!({"do": "remove", "room": room, "user": person}),
        2..=3 => {
            let messages = chance.once_in(2);
            json!({"do": "ban", "room": room, "user": person, "messages": messages})
        }
        4..=5 => json!({"do": "unban", "room": room, "user": person}),
        6..=7 => {
            let role = pick(chance, &["owner", "moderator", "member"]);
            json!({"do": "role", "room": room, "user": person, "role": role})
        }
        8 => {
            let until = rfc3339(now + chance.below(3000));
            json!({"do": "mute", "room": room, "user": person, "until": until})
        }
        9 => json!({"do": "mute", "room": room, "user": person, "until": null}),
        _ => {
            let level = pick(chance, &["everything", "mentions", "nothing"]);
            let level = if chance.once_in(4) {
                json!(null)
            } else {
                json!(level)
            };
            json!({"do": "level", "room": room, "level": level})
        }
    }
}

/// What is done to a room.
fn some_change(chance: &mut Seed, room: &str, seq: u32, serial: u64) -> Value {
    let mut change = json!({"do": "change_room", "room": room});
    match chance.below(10) {
        0..=2 => return json!({"do": "delete_room", "room": room}),
        3 => change["title"] = json!(format!("title {serial}")),
        4 => change["topic"] = json!(format!("topic {serial}")),
        5 => change["kind"] = json!(pick(chance, &["public", "private"])),
        6 => change["archived"] = json!(true),
        7..=8 => change["archived"] = json!(false),
        _ if chance.once_in(2) => change["pinned"] = json!(null),
        _ => change["pinned"] = json!(seq),
    }
    change
}

/// What somebody wants now. `serial` is different each time; `used` is a key of theirs.
pub(super) fn some_wish(
    model: &Model,
    chance: &mut Seed,
    user: u32,
    (serial, now): (u64, u64),
    used: Option<String>,
) -> Wish {
    let room = some_room(model, chance, user);
    let last = model.room(&room).map_or(0, super::model::Room::seq);
    let seq = match chance.once_in(15) {
        true => last + 1,
        false => {
            last - chance
                .below(u64::from(last.clamp(1, 12)))
                .min(u64::from(last)) as u32
        }
    };
    let person = some_person(model, chance);
    let command = match chance.below(100) {
        0..=44 => {
            let said = some_text(model, chance, serial);
            // Some is done by the server's commands, and some only looks so.
            let text = match chance.below(16) {
                0 => format!("{DOES}{said}"),
                1 => format!("//{said}"),
                _ => said,
            };
            let reply_to = chance.once_in(6).then_some(seq);
            json!({"do": "send", "room": room, "text": text, "reply_to": reply_to})
        }
        45..=52 => {
            let text = some_text(model, chance, serial);
            json!({"do": "edit", "room": room, "seq": seq, "text": text})
        }
        53..=55 => json!({"do": "delete", "room": room, "seq": seq}),
        56..=64 => {
            let emoji = pick(chance, &EMOJI);
            let name = if chance.once_in(3) {
                "unreact"
            } else {
                "react"
            };
            json!({"do": name, "room": room, "seq": seq, "emoji": emoji})
        }
        65..=70 => json!({"do": "read", "room": room, "seq": seq}),
        71..=73 => {
            let text = some_text(model, chance, serial);
            json!({"do": "notify", "to": person, "text": text})
        }
        74..=75 => {
            let note = 1 + chance.below(model.notes.len() as u64 + 1);
            json!({"do": "seen", "id": note})
        }
        76..=81 => json!({"do": "join", "room": pick(chance, &ROOMS)}),
        82..=84 => json!({"do": "leave", "room": room}),
        85..=87 => {
            let kind = if chance.once_in(3) {
                "private"
            } else {
                "public"
            };
            json!({"do": "create_room", "room": pick(chance, &ROOMS), "kind": kind})
        }
        88..=90 => json!({"do": "invite", "room": room, "user": person}),
        91..=96 => some_order(chance, &room, &person, now),
        97..=98 => some_change(chance, &room, seq, serial),
        _ => json!({"do": "dm", "users": [person]}),
    };
    let is_reused = used.is_some() && chance.once_in(25);
    let key = match chance.below(5) {
        _ if is_reused => used,
        0 => None,
        _ => Some(format!("k{serial}")),
    };
    Wish {
        key,
        is_reused,
        command,
    }
}
