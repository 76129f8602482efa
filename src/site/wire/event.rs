//! # Events as JSON
//!
//! `{"event":…}` and what happened, without `re`. Those of a room have `room`, `version` and `op`,
//! those of a person `op`.

use super::object::Object;
use super::things::{message_members, notification};
use super::time::rfc3339;
use crate::chat::{Event, Exit, Message, Person, To, What};

/// An event as it is said.
#[derive(Clone, Debug)]
pub(in crate::site) struct Told {
    /// Its name: the value of `event`.
    pub(in crate::site) name: &'static str,
    /// The whole.
    pub(in crate::site) json: String,
}

/// Writes an event. `summary` is what a person's device is told of a room that is new to it.
pub(in crate::site) fn event(event: &Event, summary: Option<&str>) -> Told {
    let name = name(&event.what);
    let mut object = Object::new().text("event", name);
    if let To::Room { name, version, .. } = &event.to {
        object = object.text("room", name).number("version", *version);
    }
    let at = rfc3339(event.at);
    let object = match &event.what {
        What::Message(message) => message_members(object, message),
        What::Edited { by, message } => message_members(object.text("by", &by.name), message),
        What::Deleted { by, seq } => object
            .number("seq", *seq)
            .text("by", &by.name)
            .text("at", &at),
        What::Reaction { by, seq, emoji, on } => object
            .number("seq", *seq)
            .text("from", &by.name)
            .text("emoji", emoji)
            .flag("on", *on)
            .text("at", &at),
        What::Joined { user, by, standing } => of_whom(object, user, by.as_ref())
            .text("role", standing.as_str())
            .text("at", &at),
        What::Left { user, by, exit } => {
            let how = match exit {
                Exit::Left => "left",
                Exit::Removed => "removed",
                Exit::Banned => "banned",
                Exit::Closed => "closed",
            };
            of_whom(object, user, by.as_ref())
                .text("how", how)
                .text("at", &at)
        }
        What::Member {
            user,
            by,
            standing,
            muted_until,
        } => of_whom(object, user, by.as_ref())
            .text("role", standing.as_str())
            .maybe_text("muted_until", muted_until.map(rfc3339).as_deref())
            .text("at", &at),
        What::Changed { by, facts } => object
            .text("title", &facts.title)
            .text("topic", &facts.topic)
            .text("kind", facts.kind.as_str())
            .flag("archived", facts.archived)
            .maybe_number("pinned", facts.pinned)
            .maybe_text("by", by.as_ref().map(|by| by.name.as_str()))
            .text("at", &at),
        What::Opened { room, .. } => opened(object, room, summary),
        What::Invited { room, by, .. } => {
            let by = by.as_ref().map(|by| by.name.as_str());
            opened(object, room, summary).maybe_text("by", by)
        }
        What::Notified(it) => object
            .json("notification", &notification(it))
            .number("id", it.id.0)
            .maybe_text("from", it.from.as_ref().map(|from| from.name.as_str()))
            .text("text", &it.text)
            .text("at", &at),
        What::Seen(id) => object.number("id", id.0),
        What::Read { room, seq, .. } => object.text("room", room).number("seq", *seq),
        What::Level { room, level } => object
            .text("room", room)
            .maybe_text("level", level.map(|level| level.as_str())),
        What::Account {
            user,
            role,
            disabled,
        } => object
            .text("user", &user.name)
            .text("display_name", &user.display_name)
            .text("role", role.as_str())
            .flag("disabled", *disabled),
        What::SignedOut => object,
    };
    Told {
        name,
        json: object.number("op", event.op).end(),
    }
}

/// A message as it is now, for whoever missed too much to be told how it became so.
pub(in crate::site) fn state(room: &str, message: &Message) -> Told {
    let object = Object::new()
        .text("event", "message")
        .text("room", room)
        .number("version", message.version);
    Told {
        name: "message",
        json: message_members(object, message).flag("state", true).end(),
    }
}

fn opened(object: Object, room: &str, summary: Option<&str>) -> Object {
    let object = object.text("room", room);
    match summary {
        Some(summary) => object.json("summary", summary),
        None => object,
    }
}

fn of_whom(object: Object, user: &Person, by: Option<&Person>) -> Object {
    object
        .text("user", &user.name)
        .text("display_name", &user.display_name)
        .maybe_text("by", by.map(|by| by.name.as_str()))
}

fn name(what: &What) -> &'static str {
    match what {
        What::Message(_) => "message",
        What::Edited { .. } => "edited",
        What::Deleted { .. } => "deleted",
        What::Reaction { .. } => "reaction",
        What::Joined { .. } => "joined",
        What::Left { .. } => "left",
        What::Member { .. } => "member",
        What::Changed { .. } | What::Opened { .. } => "room",
        What::Invited { .. } => "invited",
        What::Notified(_) => "notification",
        What::Seen(_) => "seen",
        What::Read { .. } => "read",
        What::Level { .. } => "level",
        What::Account { .. } => "account",
        What::SignedOut => "signed_out",
    }
}
