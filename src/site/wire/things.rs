//! # Things as JSON: messages, rooms, people, notifications, refusals

use super::object::Object;
use super::time::rfc3339;
use crate::chat::{
    Attachment, Member, Message, Millis, Notice, Notification, Person, Reaction, Refusal, Role,
    RoomSummary, Style, bans::Ban, deliveries::Delivery, hooks::Hook, people::Profile,
};
use crate::site::crowd::State;

/// A message, as it stands in a page of history.
pub(in crate::site) fn message(message: &Message) -> String {
    message_members(Object::new(), message)
        .number("version", message.version)
        .end()
}

/// What an event about a message says as well; its version is the event's.
pub(super) fn message_members(object: Object, message: &Message) -> Object {
    let mut object = object
        .number("seq", message.seq)
        .text("from", &message.from.name)
        .text("display_name", &message.from.display_name)
        .text("text", &message.text)
        .maybe_number("reply_to", message.reply_to)
        .maybe_text("key", message.key.as_deref())
        .text("at", &rfc3339(message.at));
    match message.style {
        Style::Plain => {}
        Style::Action => object = object.flag("action", true),
        Style::Poll => object = object.flag("poll", true),
    }
    if let Some(file) = &message.attachment {
        object = object.json("attachment", &attachment(file));
    }
    if let Some(at) = message.edited_at {
        object = object.text("edited_at", &rfc3339(at));
    }
    if let Some(at) = message.deleted_at {
        object = object
            .flag("deleted", true)
            .text("deleted_at", &rfc3339(at));
    }
    if !message.reactions.is_empty() {
        object = object.json("reactions", &reactions(&message.reactions));
    }
    object
}

fn reactions(reactions: &[Reaction]) -> String {
    let each =
        |object: Object, reaction: &Reaction| object.texts_by(&reaction.emoji, &reaction.users);
    reactions.iter().fold(Object::new(), each).end()
}

fn attachment(file: &Attachment) -> String {
    upload(&file.id, &file.name, &file.media, file.bytes, file.size)
}

/// A file, where it is, and, of a picture, how large.
pub(in crate::site) fn upload(
    id: &str,
    name: &str,
    media: &str,
    bytes: u64,
    size: Option<(u32, u32)>,
) -> String {
    Object::new()
        .text("id", id)
        .text("name", name)
        .text("type", media)
        .number("bytes", bytes)
        .maybe_number("width", size.map(|(width, _)| width))
        .maybe_number("height", size.map(|(_, height)| height))
        .text("url", &format!("/api/v1/uploads/{id}/{}", escaped(name)))
        .end()
}

/// A file's name as a segment of a path.
fn escaped(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
    }
    text
}

/// What somebody is called, and their picture or `null`, for those who knew it otherwise.
pub(in crate::site) fn face(person: &Person, avatar: Option<&str>) -> String {
    let avatar = avatar.map_or_else(|| "null".to_owned(), Object::string);
    Object::new()
        .text("event", "person")
        .text("name", &person.name)
        .text("display_name", &person.display_name)
        .json("avatar", &avatar)
        .end()
}

/// Somebody's profile; `is_private` for themselves and admins.
pub(in crate::site) fn profile(
    profile: &Profile,
    state: State,
    last_seen: Option<Millis>,
    is_private: bool,
) -> String {
    let object = Object::new()
        .text("name", &profile.person.name)
        .text("display_name", &profile.person.display_name)
        .text("role", profile.role.as_str())
        .flag("admin", profile.role == Role::Admin)
        .maybe_text("avatar", profile.avatar.as_deref())
        .text("created_at", &rfc3339(profile.created_at))
        .text("presence", state.as_str())
        .maybe_text("last_seen", last_seen.map(rfc3339).as_deref());
    if !is_private {
        return object.end();
    }
    object
        .maybe_text("email", profile.email.as_deref())
        .flag("disabled", profile.disabled)
        .end()
}

/// A room, as one of those who may see it does.
pub(in crate::site) fn room(room: &RoomSummary) -> Object {
    let mut object = Object::new()
        .text("room", &room.name)
        .text("title", &room.facts.title)
        .text("topic", &room.facts.topic)
        .text("kind", room.facts.kind.as_str())
        .flag("archived", room.facts.archived)
        .maybe_number("pinned", room.facts.pinned)
        .number("first", room.first)
        .number("seq", room.seq)
        .number("version", room.version)
        .number("members", room.members)
        .flag("joined", room.joined.is_some());
    if !room.people.is_empty() {
        object = object.texts("people", &room.people);
    }
    if let Some(membership) = &room.joined {
        object = object
            .number("read", membership.read)
            .number("unread", room.unread())
            .number("mentions", membership.mentions)
            .text("role", membership.standing.as_str())
            .maybe_text("level", membership.level.map(|level| level.as_str()));
        if let Some(until) = membership.muted_until {
            object = object.text("muted_until", &rfc3339(until));
        }
    }
    object
}

/// A member of a room.
pub(in crate::site) fn member(member: &Member, state: State, last_seen: Option<Millis>) -> String {
    Object::new()
        .number("id", member.person.id.0)
        .text("name", &member.person.name)
        .text("display_name", &member.person.display_name)
        .text("role", member.standing.as_str())
        .maybe_text("muted_until", member.muted_until.map(rfc3339).as_deref())
        .text("presence", state.as_str())
        .maybe_text("last_seen", last_seen.map(rfc3339).as_deref())
        .end()
}

/// Somebody who may not come into a room.
pub(in crate::site) fn ban(ban: &Ban) -> String {
    Object::new()
        .number("id", ban.person.id.0)
        .text("name", &ban.person.name)
        .text("display_name", &ban.person.display_name)
        .maybe_text("by", ban.by.as_ref().map(|by| by.as_str()))
        .text("at", &rfc3339(ban.at))
        .end()
}

/// A hook, for those who may change it; never its secret.
pub(in crate::site) fn hook(hook: &Hook) -> String {
    let direction = match &hook.sends {
        Some(_) => "outgoing",
        None => "incoming",
    };
    let mut object = Object::new()
        .number("id", hook.id.0)
        .text("direction", direction)
        .text("name", &hook.name)
        .text("bot", &hook.bot.name)
        .maybe_text("by", hook.owner.as_ref().map(|by| by.name.as_str()))
        .maybe_text("room", hook.room.as_deref())
        .text("created_at", &rfc3339(hook.created_at))
        .flag("paused", hook.paused_at.is_some());
    if let Some(sends) = &hook.sends {
        object = object
            .text("url", &sends.url)
            .texts("events", sends.events.iter().map(|event| event.as_str()))
            .maybe_text("command", sends.command.as_deref())
            .number("failures", sends.failures)
            .maybe_text("failed_at", sends.failed_at.map(rfc3339).as_deref())
            .number("waiting", sends.waiting)
            .number("dead", sends.dead);
    }
    object.end()
}

/// Something that an outgoing hook has not been sent yet, or will not be.
pub(in crate::site) fn delivery(it: &Delivery) -> String {
    let state = match it.next_at {
        Some(_) => "waiting",
        None => "dead",
    };
    Object::new()
        .number("id", it.op)
        .text("kind", it.kind.as_str())
        .text("room", &it.room)
        .text("state", state)
        .number("tries", it.tries)
        .maybe_text("next_at", it.next_at.map(rfc3339).as_deref())
        .maybe_text("tried_at", it.tried_at.map(rfc3339).as_deref())
        .maybe_text("error", it.error.as_deref())
        .end()
}

/// What a command answers whoever typed it, and nobody else: it has no version.
pub(in crate::site) fn answer(
    room: &str,
    command: &str,
    text: &str,
    key: Option<&str>,
    at: Millis,
) -> String {
    Object::new()
        .text("event", "answer")
        .text("room", room)
        .text("command", command)
        .text("text", text)
        .maybe_text("key", key)
        .text("at", &rfc3339(at))
        .end()
}

/// A notification.
pub(in crate::site) fn notification(it: &Notification) -> String {
    let mut object = Object::new()
        .number("id", it.id.0)
        .text(
            "kind",
            match it.kind {
                Notice::Note => "note",
                Notice::Mention => "mention",
            },
        )
        .maybe_text("from", it.from.as_ref().map(|from| from.name.as_str()));
    if let Some((room, seq)) = &it.room {
        object = object.text("room", room).number("seq", *seq);
    }
    object
        .text("text", &it.text)
        .text("at", &rfc3339(it.at))
        .flag("seen", it.seen)
        .end()
}

/// Why something was not done.
pub(in crate::site) fn refusal(refusal: &Refusal) -> String {
    let mut object = Object::new()
        .text("code", refusal.code.as_str())
        .text("message", &refusal.message)
        .maybe_text("field", refusal.field)
        .flag(
            "retry",
            refusal.code.may_retry() || refusal.retry_after_ms.is_some(),
        );
    if let Some(ms) = refusal.retry_after_ms {
        // Seconds, with as many digits as are of use.
        object = object.json("retry_after", &format!("{}.{:03}", ms / 1000, ms % 1000));
    }
    object.end()
}
