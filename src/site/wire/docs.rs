//! # Documents as JSON: what is kept, and what a question found

use super::object::Object;
use super::time::rfc3339;
use crate::knowledge::{Base, Document, Found, Hit, QUOTE_CHARS, answer, link, quote};
use crate::site::searching::marked;

/// A document, but for what it says.
pub(in crate::site) fn document(document: &Document, room: Option<&str>) -> Object {
    Object::new()
        .number("id", document.id.0)
        .text("source", &document.source)
        .text("title", &document.title)
        .text("format", document.format.as_str())
        .maybe_text("room", room)
        .number("bytes", document.bytes)
        .number("passages", document.passages)
        .text("imported_at", &rfc3339(document.at))
        .text("url", &format!("/docs/{}", document.id.0))
}

/// What a question found. `room` is the one in which it was asked.
pub(in crate::site) fn found(question: &str, found: &Found, room: Option<&str>) -> String {
    Object::new()
        .flag("good", found.is_good)
        .text("answer", &answer(question, found))
        .array("hits", found.hits.iter().map(|it| hit(found, it, room)))
        .end()
}

/// How much of the question a hit is about is told in parts of a hundred.
fn hit(found: &Found, hit: &Hit, room: Option<&str>) -> String {
    let quote = quote(found, hit, QUOTE_CHARS);
    let room = room.filter(|_| hit.base != Base::SERVER);
    Object::new()
        .number("document", hit.document.0)
        .number("passage", hit.place + 1)
        .text("title", &hit.title)
        .text("heading", &hit.heading)
        .number("line", hit.line)
        .maybe_text("room", room)
        .text("text", &hit.text)
        .text("snippet", &marked(&quote.text, &quote.marks))
        .number("about", (hit.about * 100.0).round() as i64)
        .text("url", &link(hit))
        .end()
}
