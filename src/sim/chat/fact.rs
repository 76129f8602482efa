//! # Fact: what an event says, the same from wherever it was heard
//!
//! Made of what the log tells, and of what a device reads on the wire, so that both can be compared
//! with what the model expects.

use serde_json::Value;

use crate::chat::{Event, Exit, Message, Person, Style, To, What};

/// What happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fact {
    Message {
        seq: u32,
        by: String,
        key: Option<String>,
        reply_to: Option<u32>,
    },
    Edited {
        seq: u32,
        by: String,
    },
    Deleted {
        seq: u32,
        by: String,
    },
    Reaction {
        seq: u32,
        by: String,
        emoji: String,
        on: bool,
    },
    Joined {
        user: String,
        by: Option<String>,
        role: String,
    },
    Left {
        user: String,
        by: Option<String>,
        how: &'static str,
    },
    Member {
        user: String,
        by: Option<String>,
        role: String,
        muted: bool,
    },
    Changed {
        by: Option<String>,
    },
    Opened {
        room: String,
    },
    Invited {
        room: String,
        by: Option<String>,
    },
    Notified {
        id: u32,
        from: Option<String>,
        text: String,
    },
    Seen {
        id: u32,
    },
    Read {
        room: String,
        seq: u32,
    },
    Level {
        room: String,
        level: Option<String>,
    },
    SignedOut,
}

/// What a message says, as somebody was told of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Body {
    pub(super) text: String,
    pub(super) deleted: bool,
    /// It is what its author does.
    pub(super) action: bool,
    /// Who reacted how, in no order.
    pub(super) reactions: Vec<(String, String)>,
}

impl Body {
    pub(super) fn react(&mut self, emoji: &str, by: &str, on: bool) {
        self.reactions.retain(|(e, b)| !(e == emoji && b == by));
        if on {
            self.reactions.push((emoji.to_owned(), by.to_owned()));
            self.reactions.sort_unstable();
        }
    }

    pub(super) fn delete(&mut self) {
        *self = Self {
            deleted: true,
            ..Self::default()
        };
    }
}

/// An event, as somebody was told of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Heard {
    /// The room and the event's version in it.
    pub(super) place: Option<(String, u32)>,
    pub(super) op: u64,
    pub(super) fact: Fact,
    pub(super) body: Option<Body>,
}

impl Heard {
    /// What the log tells.
    pub(super) fn of_log(event: &Event) -> Self {
        let place = match &event.to {
            To::Room { name, version, .. } => Some((name.to_string(), *version)),
            To::User(_) => None,
        };
        let (fact, body) = fact_of(&event.what);
        Self {
            place,
            op: event.op,
            fact,
            body,
        }
    }

    /// What a device reads. Nothing for what is ephemeral.
    pub(super) fn of_wire(json: &Value) -> Option<Self> {
        let name = text(json, "event");
        let place = json["version"]
            .as_u64()
            .map(|version| (text(json, "room"), version as u32));
        let seq = json["seq"].as_u64().unwrap_or_default() as u32;
        let by = || maybe(json, "by");
        let (fact, body) = match name.as_str() {
            "message" => {
                let fact = Fact::Message {
                    seq,
                    by: text(json, "from"),
                    key: maybe(json, "key"),
                    reply_to: json["reply_to"].as_u64().map(|seq| seq as u32),
                };
                (fact, Some(body_of_wire(json)))
            }
            "edited" => {
                let by = text(json, "by");
                (Fact::Edited { seq, by }, Some(body_of_wire(json)))
            }
            "deleted" => {
                let by = text(json, "by");
                (Fact::Deleted { seq, by }, None)
            }
            "reaction" => {
                let fact = Fact::Reaction {
                    seq,
                    by: text(json, "from"),
                    emoji: text(json, "emoji"),
                    on: json["on"].as_bool().unwrap_or_default(),
                };
                (fact, None)
            }
            "joined" => {
                let fact = Fact::Joined {
                    user: text(json, "user"),
                    by: by(),
                    role: text(json, "role"),
                };
                (fact, None)
            }
            "left" => {
                let how = match text(json, "how").as_str() {
                    "left" => "left",
                    "removed" => "removed",
                    "closed" => "closed",
                    _ => "banned",
                };
                let user = text(json, "user");
                let by = by();
                (Fact::Left { user, by, how }, None)
            }
            "member" => {
                let fact = Fact::Member {
                    user: text(json, "user"),
                    by: by(),
                    role: text(json, "role"),
                    muted: json["muted_until"].is_string(),
                };
                (fact, None)
            }
            "room" if place.is_some() => (Fact::Changed { by: by() }, None),
            "room" => {
                let room = text(json, "room");
                (Fact::Opened { room }, None)
            }
            "invited" => {
                let room = text(json, "room");
                (Fact::Invited { room, by: by() }, None)
            }
            "notification" => {
                let fact = Fact::Notified {
                    id: json["id"].as_u64().unwrap_or_default() as u32,
                    from: maybe(json, "from"),
                    text: text(json, "text"),
                };
                (fact, None)
            }
            "seen" => {
                let id = json["id"].as_u64().unwrap_or_default() as u32;
                (Fact::Seen { id }, None)
            }
            "read" => {
                let room = text(json, "room");
                (Fact::Read { room, seq }, None)
            }
            "level" => {
                let room = text(json, "room");
                let level = maybe(json, "level");
                (Fact::Level { room, level }, None)
            }
            "signed_out" => (Fact::SignedOut, None),
            "presence" | "typing" => {
                let lasts = json["op"].is_u64() || json["version"].is_u64();
                assert!(!lasts, "ephemeral: {json} has a place");
                return None;
            }
            other => panic!("nobody knows the event {other:?}: {json}"),
        };
        let op = json["op"].as_u64();
        Some(Self {
            place,
            op: op.unwrap_or_else(|| panic!("what lasts has an op: {json}")),
            fact,
            body,
        })
    }
}

fn fact_of(what: &What) -> (Fact, Option<Body>) {
    let name = |person: &Person| person.name.to_string();
    let named = |person: &Option<Person>| person.as_ref().map(name);
    match what {
        What::Message(message) => {
            let fact = Fact::Message {
                seq: message.seq,
                by: name(&message.from),
                key: message.key.as_deref().map(str::to_owned),
                reply_to: message.reply_to,
            };
            (fact, Some(body_of(message)))
        }
        What::Edited { by, message } => {
            let seq = message.seq;
            (Fact::Edited { seq, by: name(by) }, Some(body_of(message)))
        }
        What::Deleted { by, seq } => {
            let (seq, by) = (*seq, name(by));
            (Fact::Deleted { seq, by }, None)
        }
        What::Reaction { by, seq, emoji, on } => {
            let fact = Fact::Reaction {
                seq: *seq,
                by: name(by),
                emoji: emoji.to_string(),
                on: *on,
            };
            (fact, None)
        }
        What::Joined { user, by, standing } => {
            let fact = Fact::Joined {
                user: name(user),
                by: named(by),
                role: standing.as_str().to_owned(),
            };
            (fact, None)
        }
        What::Left { user, by, exit } => {
            let how = match exit {
                Exit::Left => "left",
                Exit::Removed => "removed",
                Exit::Banned => "banned",
                Exit::Closed => "closed",
            };
            let (user, by) = (name(user), named(by));
            (Fact::Left { user, by, how }, None)
        }
        What::Member {
            user,
            by,
            standing,
            muted_until,
        } => {
            let fact = Fact::Member {
                user: name(user),
                by: named(by),
                role: standing.as_str().to_owned(),
                muted: muted_until.is_some(),
            };
            (fact, None)
        }
        What::Changed { by, .. } => (Fact::Changed { by: named(by) }, None),
        What::Opened { room, .. } => {
            let room = room.to_string();
            (Fact::Opened { room }, None)
        }
        What::Invited { room, by, .. } => {
            let (room, by) = (room.to_string(), named(by));
            (Fact::Invited { room, by }, None)
        }
        What::Notified(note) => {
            let fact = Fact::Notified {
                id: note.id.0,
                from: named(&note.from),
                text: note.text.to_string(),
            };
            (fact, None)
        }
        What::Seen(id) => (Fact::Seen { id: id.0 }, None),
        What::Read { room, seq, .. } => {
            let (room, seq) = (room.to_string(), *seq);
            (Fact::Read { room, seq }, None)
        }
        What::SignedOut => (Fact::SignedOut, None),
        What::Level { room, level } => {
            let room = room.to_string();
            let level = level.map(|it| it.as_str().to_owned());
            (Fact::Level { room, level }, None)
        }
        What::Account { .. } => {
            panic!("nobody wanted {what:?}")
        }
    }
}

fn body_of(message: &Message) -> Body {
    let mut reactions: Vec<_> = message
        .reactions
        .iter()
        .flat_map(|it| {
            let emoji = it.emoji.to_string();
            it.users
                .iter()
                .map(move |user| (emoji.clone(), user.to_string()))
        })
        .collect();
    reactions.sort_unstable();
    Body {
        text: message.text.to_string(),
        deleted: message.deleted_at.is_some(),
        action: message.style == Style::Action,
        reactions,
    }
}

/// What a message on the wire says.
pub(super) fn body_of_wire(json: &Value) -> Body {
    let mut reactions = Vec::new();
    for (emoji, users) in json["reactions"].as_object().into_iter().flatten() {
        for user in users.as_array().into_iter().flatten() {
            let user = user.as_str().unwrap_or_default().to_owned();
            reactions.push((emoji.clone(), user));
        }
    }
    reactions.sort_unstable();
    Body {
        text: text(json, "text"),
        deleted: json["deleted"].as_bool().unwrap_or_default(),
        action: json["action"].as_bool().unwrap_or_default(),
        reactions,
    }
}

pub(super) fn text(json: &Value, name: &str) -> String {
    let text = json[name].as_str();
    text.unwrap_or_else(|| panic!("no text {name:?} in {json}"))
        .to_owned()
}

fn maybe(json: &Value, name: &str) -> Option<String> {
    json[name].as_str().map(str::to_owned)
}
