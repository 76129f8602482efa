//! # Document: a page with what a document says
//!
//! For whoever follows the link of an answer, with the passage marked that the answer quotes. A document
//! is shown as text, some passages at a time; nothing in it is markup.

use super::rooms::beside;
use super::{Paged, identity, render, settled};
use crate::chat::Refusal;
use crate::knowledge::{Base, Document, DocumentId, Shown};
use crate::site::docs;
use crate::site::hall::Hall;
use crate::site::rest::asking::segment;
use crate::web::{Cx, Reply, context};

/// Passages of a page.
const PASSAGES: u32 = 40;

/// `GET /docs/{id}`, perhaps with `?passage=`
pub(super) fn show(cx: &mut Cx<'_, Hall>) -> Paged {
    identity(cx)?;
    let id = segment(cx, "id")?.parse().map_err(|_| nothing())?;
    let asked = cx.request.query("passage").and_then(|it| it.parse().ok());
    let from = asked.map_or(0, |number: u32| {
        number.saturating_sub(1) / PASSAGES * PASSAGES
    });
    let library = docs::library(cx.state)?;
    let found = docs::shown(library, DocumentId(id), from, PASSAGES);
    Ok(found.then(move |cx: &mut Cx<'_, Hall>, found| {
        let paged = match found {
            Ok(found) => found.ok_or_else(nothing),
            Err(refusal) => Err(refusal),
        };
        let paged = paged.and_then(|(document, passages)| page(cx, &document, &passages, asked));
        settled(cx, paged)
    }))
}

fn nothing() -> Refusal {
    Refusal::not_found("There is no such document, or you may not see it.")
}

fn page(
    cx: &mut Cx<'_, Hall>,
    document: &Document,
    passages: &[Shown],
    asked: Option<u32>,
) -> Result<Reply<Hall>, Refusal> {
    let me = identity(cx)?;
    let room = match document.base {
        Base::SERVER => None,
        base => Some(docs::room_of(cx.state, me.user, base)?.ok_or_else(nothing)?),
    };
    let path = format!("/docs/{}", document.id.0);
    let turned = |number: u32| format!("{path}?passage={number}");
    let first = passages.first().map_or(0, |it| it.place);
    let behind = passages.last().map_or(0, |it| it.place + 1);
    let mut heading = "";
    let each = passages.iter().map(|it| {
        // A heading stands once above all that is below it.
        let above = Some(&*it.heading).filter(|it| *it != heading && !it.is_empty());
        heading = &it.heading;
        let number = it.place + 1;
        context! {
            number,
            heading => above,
            text => it.text.as_str(),
            line => it.line,
            is_asked => asked == Some(number),
        }
    });
    let each: Vec<_> = each.collect();
    let page = context! {
        title => document.title.as_str(),
        source => document.source.rsplit('/').next(),
        room => room.as_ref().map(|room| room.as_str()),
        passages => each,
        before => (first > 0).then(|| turned(first)),
        after => (behind < document.passages).then(|| turned(behind + 1)),
        ..beside(cx, &me)?
    };
    Ok(render(cx, "document.html", page))
}
