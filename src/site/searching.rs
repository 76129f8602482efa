//! # Searching: off the loop, in what is indexed by then
//!
//! Words are indexed behind the acknowledgement, in groups, because that costs several times what
//! storing a message does. A search first has the index brought up to date, so that it finds what
//! was acknowledged before it was asked.

use super::fields::Fields;
use super::hall::Hall;
use super::questions::find_own;
use super::wire::{self, Object};
use crate::chat::{Code, Hit, Part, Query, Refusal, RoomId, Style, UserId, search};
use crate::store::StoreError;
use crate::web::{Tick, Wait};

/// Events that are indexed in one go: some 20 ms of the scribe's time.
const INDEX_EVENTS: u32 = 500;

/// Hits of an answer.
const HITS_USUAL: u32 = 20;
const HITS_MAX: u32 = 100;

/// What is searched for, by whom.
#[derive(Debug)]
pub(super) struct Asked {
    user: UserId,
    query: Query,
    room: Option<RoomId>,
    limit: u32,
}

impl Asked {
    /// A search in a room that somebody is in.
    pub(super) const fn in_room(user: UserId, room: RoomId, query: Query, limit: u32) -> Self {
        Self {
            user,
            query,
            room: Some(room),
            limit,
        }
    }
}

/// Finds out what is searched for.
pub(super) fn asked(hall: &Hall, user: UserId, fields: Fields<'_>) -> Result<Asked, Refusal> {
    let query = Query::parse("query", fields.text("query")?)?;
    let room = match fields.has("room") {
        false => None,
        true => Some(find_own(hall, user, &fields.room()?)?),
    };
    Ok(Asked {
        user,
        query,
        room,
        limit: fields.limit(HITS_USUAL, HITS_MAX)?,
    })
}

/// Searches; `then` gets the answer as JSON.
pub(super) fn search(
    tick: &mut Tick<'_, Hall>,
    asked: Asked,
    then: impl FnOnce(&mut Tick<'_, Hall>, Result<String, Refusal>) + 'static,
) {
    find(tick, asked, |tick, found| {
        then(tick, found.map(|hits| written(&hits)));
    });
}

/// Brings the index up to date, and searches; `then` gets what was found.
pub(super) fn find(
    tick: &mut Tick<'_, Hall>,
    asked: Asked,
    then: impl FnOnce(&mut Tick<'_, Hall>, Result<Part<Hit>, Refusal>) + 'static,
) {
    index(tick, move |tick, indexed| {
        if let Err(error) = indexed {
            return then(tick, Err(error.into()));
        }
        let database = tick.state.database.clone();
        let look = move || -> Result<Part<Hit>, StoreError> {
            database.reader()?.query(|tables| {
                search::search(
                    tables,
                    asked.user,
                    &asked.query,
                    asked.room,
                    asked.limit,
                    None,
                )
            })
        };
        tick.house.wait(Wait::on_helper(look), move |tick, found| {
            let answer = match found {
                Ok(Ok(hits)) => Ok(hits),
                Ok(Err(error)) => Err(error.into()),
                Err(_) => {
                    let tell = "Too many are searching just now. Try again in a moment.";
                    Err(Refusal::later(Code::Busy, tell, 1000))
                }
            };
            then(tick, answer);
        });
    });
}

/// Indexes what was said lately: all of it when nothing waits to be stored, and a little otherwise,
/// because it costs as much as storing.
pub(super) fn index_in_passing(tick: &mut Tick<'_, Hall>) {
    if !std::mem::take(&mut tick.state.unindexed) {
        return;
    }
    let is_busy = tick.state.is_busy();
    let job = Wait::stored(&tick.state.database, |tables| {
        search::index(tables, None, INDEX_EVENTS)
    });
    tick.house.wait(job, move |tick, done| match done {
        Ok(Ok(indexed)) if !indexed.left => {}
        Ok(Ok(_)) if is_busy => tick.state.unindexed = true,
        Ok(Ok(_)) => index_in_passing_on(tick),
        Ok(Err(error)) => {
            tick.state.unindexed = true;
            log::warn!("new messages are not found yet: {error}");
        }
        Err(_) => tick.state.unindexed = true,
    });
}

fn index_in_passing_on(tick: &mut Tick<'_, Hall>) {
    tick.state.unindexed = true;
    index_in_passing(tick);
}

/// Indexes what is not indexed yet, in pieces between which others may store things.
pub(super) fn index(
    tick: &mut Tick<'_, Hall>,
    then: impl FnOnce(&mut Tick<'_, Hall>, Result<(), StoreError>) + 'static,
) {
    let job = Wait::stored(&tick.state.database, |tables| {
        search::index(tables, None, INDEX_EVENTS)
    });
    tick.house.wait(job, move |tick, done| match done {
        Ok(Ok(indexed)) if indexed.left => index_on(tick, Box::new(then)),
        Ok(Ok(_)) => then(tick, Ok(())),
        Ok(Err(error)) => then(tick, Err(error)),
        Err(_) => then(tick, Err(StoreError::Busy)),
    });
}

type Then = Box<dyn FnOnce(&mut Tick<'_, Hall>, Result<(), StoreError>)>;

fn index_on(tick: &mut Tick<'_, Hall>, then: Then) {
    index(tick, then);
}

fn written(hits: &Part<Hit>) -> String {
    let hit = |hit: &Hit| {
        let object = Object::new()
            .text("room", &hit.name)
            .number("seq", hit.message.seq)
            .text("from", &hit.message.from.name)
            .text("display_name", &hit.message.from.display_name)
            .text("at", &wire::time::rfc3339(hit.message.at))
            .text("text", &hit.message.text)
            .text("snippet", &marked(&hit.snippet.text, &hit.snippet.marks));
        match hit.message.style {
            Style::Action => object.flag("action", true).end(),
            Style::Plain | Style::Poll => object.end(),
        }
    };
    Object::new()
        .array("hits", hits.items.iter().map(hit))
        .flag("more", hits.more)
        .end()
}

/// A snippet as HTML: escaped, with what was found in `<mark>`.
pub(super) fn marked(snippet: &str, marks: &[std::ops::Range<usize>]) -> String {
    let mut html = String::with_capacity(snippet.len() + 13 * marks.len());
    let mut at = 0;
    for mark in marks {
        escape(&mut html, &snippet[at..mark.start]);
        html.push_str("<mark>");
        escape(&mut html, &snippet[mark.clone()]);
        html.push_str("</mark>");
        at = mark.end;
    }
    escape(&mut html, &snippet[at..]);
    html
}

fn escape(html: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '<' => html.push_str("&lt;"),
            '>' => html.push_str("&gt;"),
            '&' => html.push_str("&amp;"),
            '"' => html.push_str("&quot;"),
            c => html.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_marks_what_was_found_and_nothing_else() {
        let html = marked("a <b> & b", &[3..4, 8..9]);
        assert_eq!(html, "a &lt;<mark>b</mark>&gt; &amp; <mark>b</mark>");
        let whole = 0..2;
        assert_eq!(marked("é", &[whole]), "<mark>é</mark>");
    }
}
