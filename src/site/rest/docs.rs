//! # Documents: `/docs`, `/docs/search`
//!
//! What questions are answered from, and answering one. Whoever brings a document waits until it is
//! taken apart and stored.

use std::sync::Arc;

use super::asking::{Answered, answer, done, query, segment, settled};
use crate::chat::{Code, Refusal, RoomName};
use crate::http::Status;
use crate::knowledge::{self, Base, DOCUMENT_BYTES_MAX, DocumentId, Format, Kept};
use crate::site::auth;
use crate::site::docs::{self, QUESTION_CHARS_MAX};
use crate::site::fields::{Fields, object};
use crate::site::hall::Hall;
use crate::site::wire::{self, Object};
use crate::store::{Database, StoreError};
use crate::web::{Cx, Reply, Upload, Wait};

/// Bytes of a request: a document, and what JSON or a form make of it.
pub(super) const REQUEST_BYTES_MAX: u64 = 2 * DOCUMENT_BYTES_MAX + (64 << 10);

/// Bytes of a room's documents, which anybody may have who makes a room: some hundred books.
const ROOM_BYTES_MAX: u64 = 128 << 20;

/// Documents of a page.
const PAGE_MAX: u32 = 200;

/// Hits of an answer.
const HITS_USUAL: u32 = 3;
const HITS_MAX: u32 = 20;

/// Characters of a source and of a title.
const SOURCE_CHARS_MAX: usize = 500;
const TITLE_CHARS_MAX: usize = 200;

fn room_of(fields: Fields<'_>) -> Result<Option<RoomName>, Refusal> {
    fields.has("room").then(|| fields.room()).transpose()
}

/// `GET /docs`: by their sources, which are for those who bring them.
pub(super) fn list(cx: &mut Cx<'_, Hall>) -> Answered {
    let me = auth::identity(cx)?;
    let map = query(cx, &["room", "after"], &["limit"], &[]);
    let fields = Fields(&map);
    let room = room_of(fields)?;
    let base = docs::changeable(cx.state, &me, room.as_ref())?;
    let after = fields.maybe_text("after")?.map(str::to_owned);
    let limit = fields.limit(PAGE_MAX, PAGE_MAX)?;
    let found = docs::look(docs::library(cx.state)?, move |tables| {
        knowledge::documents(tables, base, after.as_deref(), limit + 1)
    });
    Ok(found.then(move |_, found: Result<_, Refusal>| {
        settled(found.map(|found| {
            let mut found = found.unwrap_or_default();
            let more = found.len() > limit as usize;
            found.truncate(limit as usize);
            let room = room.as_ref().map(RoomName::as_str);
            let each = found.iter().map(|it| wire::document(it, room).end());
            let json = Object::new()
                .maybe_text("room", room)
                .array("documents", each)
                .flag("more", more)
                .end();
            Reply::of(answer(Status::OK, json))
        }))
    }))
}

/// `GET /docs/search`: answers a question.
pub(super) fn search(cx: &mut Cx<'_, Hall>) -> Answered {
    let me = auth::identity(cx)?;
    let map = query(cx, &["q", "room"], &["limit"], &[]);
    let fields = Fields(&map);
    let question = fields.text("q")?.to_owned();
    let length = question.chars().count();
    if length > QUESTION_CHARS_MAX {
        return Err(Refusal::too_long("q", length, QUESTION_CHARS_MAX));
    }
    let room = room_of(fields)?;
    let base = docs::readable(cx.state, me.user, room.as_ref())?;
    let limit = fields.limit(HITS_USUAL, HITS_MAX)? as usize;
    let library = docs::library(cx.state)?;
    let found = docs::ask(library, docs::asked(base), question.clone(), limit);
    Ok(found.then(move |_, found: Result<_, Refusal>| {
        settled(found.map(|found| {
            let json = wire::found(&question, &found, room.as_ref().map(RoomName::as_str));
            Reply::of(answer(Status::OK, json))
        }))
    }))
}

// -------------------------------------------------------------------------------------- bringing

/// What somebody says about a document that they bring.
struct About {
    room: Option<RoomName>,
    source: Option<String>,
    title: Option<String>,
    format: Option<Format>,
}

impl About {
    /// The same, where nothing is said with what another says.
    fn or(self, other: Self) -> Self {
        Self {
            room: self.room.or(other.room),
            source: self.source.or(other.source),
            title: self.title.or(other.title),
            format: self.format.or(other.format),
        }
    }

    fn read(fields: Fields<'_>) -> Result<Self, Refusal> {
        let format = fields.maybe_text("format")?.map(|name| {
            let tell = "`format` is `text`, `markdown` or `html`.";
            Format::parse(name).ok_or_else(|| Refusal::field("format", tell))
        });
        Ok(Self {
            room: room_of(fields)?,
            source: short(fields, "source", SOURCE_CHARS_MAX)?,
            title: short(fields, "title", TITLE_CHARS_MAX)?,
            format: format.transpose()?,
        })
    }
}

/// A text of one line.
fn short(
    fields: Fields<'_>,
    name: &'static str,
    chars_max: usize,
) -> Result<Option<String>, Refusal> {
    let Some(text) = fields.maybe_text(name)? else {
        return Ok(None);
    };
    let text = text.trim();
    let length = text.chars().count();
    if length > chars_max {
        return Err(Refusal::too_long(name, length, chars_max));
    }
    if text.is_empty() || text.contains(char::is_control) {
        return Err(Refusal::field(
            name,
            format!("`{name}` has to be a line of text."),
        ));
    }
    Ok(Some(text.to_owned()))
}

/// A document that has come whole.
struct Brought {
    room: Option<RoomName>,
    source: String,
    title: Option<String>,
    format: Format,
    text: String,
}

/// `POST /docs`: keeps a document. What is known by the same source in the same place is replaced.
pub(super) fn add(cx: &mut Cx<'_, Hall>) -> Answered {
    let me = auth::identity(cx)?;
    let library = docs::library(cx.state)?;
    let map = query(cx, &["room", "source", "title", "format"], &[], &[]);
    let about = About::read(Fields(&map))?;
    // As the body itself it has no field.
    let upload = cx
        .request
        .take_upload("file")
        .or_else(|| cx.request.take_upload(""));
    let Some(upload) = upload else {
        let tell = "There is no document. Send a JSON object with `text`, or a file, in a form in the \
                    field `file` or as the body.";
        return Err(Refusal::field("file", tell));
    };
    let bringing = Wait::on_helper(move || bring(upload, about));
    Ok(bringing.then(move |cx: &mut Cx<'_, Hall>, brought| {
        settled(brought.and_then(|brought| {
            let base = docs::changeable(cx.state, &me, brought.room.as_ref())?;
            let opened = docs::open(library);
            Ok(opened.then(move |cx: &mut Cx<'_, Hall>, opened| {
                settled(opened.map(|database| store(cx, &database, base, brought)))
            }))
        }))
    }))
}

/// Reads what has come: an object of JSON with the text in it, or the text itself.
fn bring(upload: Upload, about: About) -> Result<Brought, Refusal> {
    let name = upload.file_name().to_owned();
    let media = upload.media_type().unwrap_or_default();
    let media = media
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase();
    let is_json = upload.field().is_empty() && media == "application/json";
    let mut bytes = Vec::new();
    upload.copy_to(&mut bytes).map_err(|error| {
        log::error!("a document cannot be read: {error}");
        let tell = "The server cannot read the document; why is in its log.";
        Refusal::later(Code::Storage, tell, 5000)
    })?;
    if is_json {
        let map = object(&bytes)?;
        let said = About::read(Fields(&map))?;
        let text = Fields(&map).text("text")?.to_owned();
        return whole(text, "", &media, said.or(about));
    }
    let text = knowledge::decode(bytes)
        .map_err(|why| Refusal::field("file", format!("The document cannot be read: {why}.")))?;
    whole(text, &name, &media, about)
}

fn whole(text: String, name: &str, media: &str, about: About) -> Result<Brought, Refusal> {
    if text.len() as u64 > DOCUMENT_BYTES_MAX {
        let length = text.len();
        let tell = format!(
            "The document has {length} bytes, and at most {DOCUMENT_BYTES_MAX} are allowed. Split it."
        );
        return Err(Refusal::new(Code::TooLong, tell));
    }
    if text.trim().is_empty() {
        return Err(Refusal::field("text", "There is nothing in the document."));
    }
    let named = Some(name.to_owned()).filter(|name| !name.is_empty());
    let Some(source) = about.source.or(named).or_else(|| about.title.clone()) else {
        let tell =
            "Say in `source` by what the document is known, so that it can be replaced later.";
        return Err(Refusal::field("source", tell));
    };
    let by_media = match media {
        "text/html" | "application/xhtml+xml" => Some(Format::Html),
        "text/markdown" => Some(Format::Markdown),
        _ => None,
    };
    let by_name = Format::of_name(&source).or(by_media);
    let usual = match media {
        "application/json" => Format::Markdown,
        _ => Format::Text,
    };
    Ok(Brought {
        room: about.room,
        format: about.format.or(by_name).unwrap_or(usual),
        title: about.title,
        source,
        text,
    })
}

/// Takes a document apart and stores it, on the scribe of documents.
fn store(cx: &Cx<'_, Hall>, database: &Database, base: Base, brought: Brought) -> Reply<Hall> {
    let at = cx.house.now().unix_ms;
    let Brought {
        room,
        source,
        title,
        format,
        text,
    } = brought;
    let stored = Wait::stored(database, move |tables| {
        let bytes = text.len() as u64;
        if base != Base::SERVER && knowledge::bytes(tables, base)? + bytes > ROOM_BYTES_MAX {
            return Ok(None);
        }
        let title = title.as_deref();
        let kept = knowledge::keep(tables, base, &source, title, format, &text, at)?;
        let document = knowledge::document(tables, kept.id())?;
        Ok(document.map(|document| (kept, document)))
    });
    stored.then(move |_, stored| {
        let made = stored.map_err(Refusal::from).and_then(|stored| {
            let tell = format!(
                "The documents of a room may have {ROOM_BYTES_MAX} bytes. Remove some, or have an \
                 admin bring this one for everybody."
            );
            let (kept, document) = stored.ok_or_else(|| Refusal::new(Code::TooLong, tell))?;
            let status = match kept {
                Kept::Added(_) => Status::CREATED,
                Kept::Replaced(_) | Kept::Same(_) => Status::OK,
            };
            let json = wire::document(&document, room.as_ref().map(RoomName::as_str));
            let is_same = matches!(kept, Kept::Same(_));
            let json = if is_same {
                json.flag("repeat", true)
            } else {
                json
            };
            Ok(Reply::of(answer(status, json.end())))
        });
        settled(made)
    })
}

// -------------------------------------------------------------------------------------- removing

/// `DELETE /docs/{id}`
pub(super) fn remove(cx: &mut Cx<'_, Hall>) -> Answered {
    let me = auth::identity(cx)?;
    let nothing = || Refusal::not_found("There is no such document, or you may not see it.");
    let no_number = || Refusal::field("id", "`id` is no number of a document.");
    let id = DocumentId(segment(cx, "id")?.parse().map_err(|_| no_number())?);
    let library = docs::library(cx.state)?;
    let found = docs::look(Arc::clone(&library), move |tables| {
        knowledge::document(tables, id)
    });
    Ok(
        found.then(move |cx: &mut Cx<'_, Hall>, found: Result<_, Refusal>| {
            settled(found.and_then(|found| {
                let document = found.flatten().ok_or_else(nothing)?;
                let room = match document.base {
                    Base::SERVER => None,
                    base => Some(docs::room_of(cx.state, me.user, base)?.ok_or_else(nothing)?),
                };
                docs::changeable(cx.state, &me, room.as_ref())?;
                let gone = Wait::stored(&library.database(), move |tables| {
                    knowledge::forget(tables, id)
                });
                Ok(gone.then(|_, gone: Result<bool, StoreError>| {
                    settled(gone.map_err(Refusal::from).and_then(|_| done()))
                }))
            }))
        }),
    )
}
