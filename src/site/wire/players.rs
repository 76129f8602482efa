//! # The words of the game protocol
//!
//! What its clients are told about chat things: fewer words than the others', and those that public
//! clients of its kind know.

use serde_json::{Map, Value};

use super::Object;
use super::time::rfc3339;
use crate::chat::{Identity, Message, Millis, Person, Refusal, Seq};

/// Who somebody is, in the answer to a handshake.
pub(in crate::site) fn user(identity: &Identity) -> Map<String, Value> {
    let text = |text: &str| Value::String(text.to_owned());
    let members = [
        ("name".to_owned(), text(&identity.name)),
        ("display_name".to_owned(), text(&identity.display_name)),
    ];
    members.into_iter().collect()
}

/// It is done; more may be said.
pub(in crate::site) fn success() -> Object {
    Object::new().number("code", 0).text("result", "success")
}

/// A message is stored.
pub(in crate::site) fn sent(seq: Seq, at: Millis) -> String {
    success().number("seq", seq).text("at", &rfc3339(at)).end()
}

/// It is not done.
pub(in crate::site) fn refused(code: u16, refusal: &Refusal) -> String {
    Object::new()
        .number("code", code)
        .text("error", &refusal.message)
        .end()
}

/// Who is in a room.
pub(in crate::site) fn members<'p>(room: &str, people: impl Iterator<Item = &'p Person>) -> String {
    Object::new()
        .text("room", room)
        .texts("members", people.map(|person| person.name.as_str()))
        .end()
}

/// Somebody is a member now.
pub(in crate::site) fn newcomer(room: &str, person: &Person) -> String {
    Object::new()
        .text("room", room)
        .text("name", &person.name)
        .text("content", &format!("New user: {}", &*person.name))
        .end()
}

/// Somebody has said something.
pub(in crate::site) fn message(room: &str, message: &Message) -> String {
    Object::new()
        .text("room", room)
        .number("seq", message.seq)
        .text("name", &message.from.name)
        .text("display_name", &message.from.display_name)
        .text("content", &message.text)
        .text("at", &rfc3339(message.at))
        .end()
}

/// Why somebody has to go.
pub(in crate::site) fn kicked(reason: &str) -> String {
    Object::new().text("reason", reason).end()
}
