//! # Docs: whose documents somebody may ask and change
//!
//! Documents know numbers of bases; here it is said which those are for whoever asks. Everything that
//! waits for the disk is done by the helper, and what is written by the documents' own scribe.
//!
//! Promises
//! 1. A room's documents are for its members: asked and shown.
//! 2. The server's are listed and changed by admins, a room's by those who keep order in it and are its members.
//! 3. A room that is gone takes its documents with it ([`tidy`]).

use std::sync::Arc;

use super::hall::Hall;
use super::questions::{find, not_inside};
use crate::chat::{Code, Identity, Refusal, Role, RoomId, RoomName, Standing, UserId, summary};
use crate::knowledge::{self, Base, Document, Found, Library, Shown};
use crate::store::{Connection, Database, OpenError, StoreError};
use crate::web::{Busy, Tick, Wait};

/// Letters of a question.
pub(super) const QUESTION_CHARS_MAX: usize = 500;

/// The documents that are kept here.
pub(super) fn library(hall: &Hall) -> Result<Arc<Library>, Refusal> {
    let none = || Refusal::new(Code::NotSupported, "This server keeps no documents.");
    hall.library.clone().ok_or_else(none)
}

/// The base that somebody names, who may read it: a room's for its members.
pub(super) fn readable(
    hall: &Hall,
    user: UserId,
    room: Option<&RoomName>,
) -> Result<Base, Refusal> {
    let Some(name) = room else {
        return Ok(Base::SERVER);
    };
    match find(hall, user, name)? {
        (room, Some(_)) => Ok(Base(room.0)),
        (_, None) => Err(not_inside(name)),
    }
}

/// The same for somebody who may change what is there.
pub(super) fn changeable(
    hall: &Hall,
    me: &Identity,
    room: Option<&RoomName>,
) -> Result<Base, Refusal> {
    let Some(name) = room else {
        return match me.role {
            Role::Admin => Ok(Base::SERVER),
            _ => Err(Refusal::forbidden(
                "Only an admin changes documents for everybody. Name a `room` for those of a room.",
            )),
        };
    };
    match find(hall, me.user, name)? {
        (room, Some(Standing::Owner | Standing::Moderator)) => Ok(Base(room.0)),
        (room, Some(_)) if me.role == Role::Admin => Ok(Base(room.0)),
        (_, Some(_)) => Err(Refusal::forbidden(
            "Only those who keep order in a room change its documents.",
        )),
        (_, None) => Err(not_inside(name)),
    }
}

/// What the room of a base is called, for its members; nothing for everybody else and for those who
/// never were in it.
pub(super) fn room_of(hall: &Hall, user: UserId, base: Base) -> Result<Option<RoomName>, Refusal> {
    let found =
        hall.look(|tables, horizon| summary::summary(tables, RoomId(base.0), user, horizon))?;
    Ok(found
        .filter(|room| room.joined.is_some())
        .map(|room| room.name))
}

/// Looks something up, off the loop; nothing where there are no documents.
pub(super) fn look<T: Send + 'static>(
    library: Arc<Library>,
    look: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
) -> Wait<Result<Option<T>, Refusal>> {
    Wait::on_helper(move || {
        let Some(database) = library.look().map_err(unopened)? else {
            return Ok(None);
        };
        Ok(Some(database.reader()?.query(look)?))
    })
}

/// Opens the documents to write to, off the loop.
pub(super) fn open(library: Arc<Library>) -> Wait<Result<Database, Refusal>> {
    Wait::on_helper(move || library.open().map_err(unopened))
}

pub(super) fn unopened(error: OpenError) -> Refusal {
    log::error!("the documents cannot be opened: {error}");
    error.why.into()
}

/// Looks for what answers a question, in these bases.
pub(super) fn ask(
    library: Arc<Library>,
    bases: Vec<Base>,
    question: String,
    limit: usize,
) -> Wait<Result<Found, Refusal>> {
    let found = look(library, move |tables| {
        knowledge::search(tables, &bases, &question, limit)
    });
    found.map(|found| found.map(|found| found.unwrap_or_else(Found::nothing)))
}

/// The bases that are asked in a room, or by somebody alone: the room's own first.
pub(super) fn asked(base: Base) -> Vec<Base> {
    match base {
        Base::SERVER => vec![base],
        room => vec![room, Base::SERVER],
    }
}

/// A document and some of its passages.
pub(super) type Opened = (Document, Vec<Shown>);

/// Opens a document at a passage.
pub(super) fn shown(
    library: Arc<Library>,
    id: knowledge::DocumentId,
    from: u32,
    limit: u32,
) -> Wait<Result<Option<Opened>, Refusal>> {
    let found = look(library, move |tables| {
        let Some(document) = knowledge::document(tables, id)? else {
            return Ok(None);
        };
        Ok(Some((
            document,
            knowledge::passages(tables, id, from, limit)?,
        )))
    });
    found.map(|found| found.map(Option::flatten))
}

/// Documents of rooms that are gone go, too: one with each tidying and the next behind it.
pub(super) fn tidy(tick: &mut Tick<'_, Hall>) {
    let Ok(library) = library(tick.state) else {
        return;
    };
    let chat = tick.state.database.clone();
    let found = look(library.clone(), move |tables| {
        let reader = chat.reader()?;
        for base in knowledge::room_bases(tables)? {
            let is_there = reader.query(|rooms| summary::name(rooms, RoomId(base.0)))?;
            if is_there.is_none() {
                let page = knowledge::documents(tables, base, None, 1)?;
                return Ok(page.first().map(|document| document.id));
            }
        }
        Ok(None)
    });
    tick.house.wait(found, move |tick, found| match found {
        Ok(Ok(Some(Some(id)))) => {
            let job = Wait::stored(&library.database(), move |tables| {
                knowledge::forget(tables, id)
            });
            tick.house.wait(job, |tick, gone| match gone {
                Ok(Ok(_)) => tidy(tick),
                Ok(Err(error)) => log::warn!("documents of a room that is gone stay: {error}"),
                Err(Busy) => {}
            });
        }
        Ok(Ok(_)) | Err(Busy) => {}
        Ok(Err(refusal)) => log::warn!("documents of rooms that are gone stay: {refusal}"),
    });
}
