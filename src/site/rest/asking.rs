//! # Asking: what all routes of the API have in common
//!
//! A route is a function that gives a reply or a [`Refusal`]. It finds out who asks, reads what they
//! want as [`Fields`](crate::site::fields::Fields), and has it done by [`want`], or looks it up.
//!
//! Promises
//! 1. What is refused is answered in one form, whatever refused it.
//! 2. Whoever is answered hears it after the commit and after it was told to everybody.

use serde_json::{Map, Value};

use super::refused;
use crate::chat::{Answer, Code, Key, Operation, Refusal, UserId};
use crate::http::{Response, Status};
use crate::site::fields;
use crate::site::hall::{self, Hall};
use crate::site::presence;
use crate::site::slash::{self, Typed};
use crate::site::wire::{self, Object};
use crate::web::{Cx, Handler, Reply, Tick, Wait, promise};

/// The field that says what a body is.
pub(in crate::site) const MEDIA: &str = "Content-Type";

/// What a route gives.
pub(super) type Answered = Result<Reply<Hall>, Refusal>;

/// A route that gives a refusal or a reply.
pub(super) fn api(route: impl Fn(&mut Cx<'_, Hall>) -> Answered + 'static) -> impl Handler<Hall> {
    move |cx: &mut Cx<'_, Hall>| {
        let answered = route(cx);
        if let Err(refusal) = &answered {
            cx.state.counts.refused(refusal);
        }
        settled(answered)
    }
}

/// A refusal is an answer too.
pub(super) fn settled(answered: Answered) -> Reply<Hall> {
    answered.unwrap_or_else(|refusal| Reply::of(refused(&refusal)))
}

/// JSON that is there.
pub(super) fn ok(json: String) -> Answered {
    Ok(Reply::of(answer(Status::OK, json)))
}

/// JSON of what was made.
pub(super) fn created(json: String) -> Answered {
    Ok(Reply::of(answer(Status::CREATED, json)))
}

/// Done, and nothing to tell.
pub(super) fn done() -> Answered {
    Ok(Reply::of(Response::new(Status::NO_CONTENT)))
}

/// JSON as an answer. Nobody between here and the client keeps what is somebody's own.
pub(super) fn answer(status: Status, json: String) -> Response {
    Response::json(json)
        .with_status(status)
        .field("Cache-Control", "no-store")
}

/// The members of the body, which is a JSON object; none without a body.
pub(super) fn body(cx: &Cx<'_, Hall>) -> Result<Map<String, Value>, Refusal> {
    let body = cx.request.body();
    if body.is_empty() {
        return Ok(Map::new());
    }
    let media = cx.request.media_type();
    let is_json = |media: &str| media == "application/json" || media.ends_with("+json");
    if media.as_deref().is_some_and(|media| !is_json(media)) {
        let tell = "Send a JSON object, with `Content-Type: application/json`.";
        return Err(Refusal {
            field: Some(MEDIA),
            ..Refusal::new(Code::NotSupported, tell)
        });
    }
    fields::object(body)
}

/// The query's values with these names, as the members of an object: those of `numbers` are
/// numbers, and those of `flags` yes or no.
pub(super) fn query(
    cx: &Cx<'_, Hall>,
    texts: &[&str],
    numbers: &[&str],
    flags: &[&str],
) -> Map<String, Value> {
    let number = |text: String| match text.parse::<u64>() {
        Ok(number) => number.into(),
        Err(_) => Value::String(text),
    };
    let flag = |text: String| match text.as_str() {
        "1" | "true" | "" => true.into(),
        "0" | "false" => false.into(),
        _ => Value::String(text),
    };
    let mut found = Map::new();
    let mut find = |names: &[&str], read: &dyn Fn(String) -> Value| {
        for name in names {
            if let Some(text) = cx.request.query(name) {
                found.insert((*name).to_owned(), read(text));
            }
        }
    };
    find(texts, &Value::String);
    find(numbers, &number);
    find(flags, &flag);
    found
}

/// A part of the path, as a member of what is wanted: what is wrong with it is told like a member.
pub(in crate::site) fn segment(cx: &Cx<'_, Hall>, name: &str) -> Result<String, Refusal> {
    let nothing = |_| Refusal::not_found("There is nothing at this path.");
    cx.request.param(name).map_err(nothing)
}

/// What a client calls what it wants: `Idempotency-Key`, quoted or not.
pub(super) fn idempotency_key(cx: &Cx<'_, Hall>) -> Result<Option<Key>, Refusal> {
    let Some(text) = cx.request.field("Idempotency-Key") else {
        return Ok(None);
    };
    let inner = text.strip_prefix('"').and_then(|it| it.strip_suffix('"'));
    Key::parse("Idempotency-Key", inner.unwrap_or(text)).map(Some)
}

/// What came of an operation that was done.
#[derive(Clone, Debug)]
pub(in crate::site) struct Done {
    pub(in crate::site) answer: Answer,
    /// It had been done before, under the same key.
    pub(in crate::site) repeat: bool,
}

/// Has something done that is to last, and goes on with what came of it; a refusal is the answer.
pub(super) fn want(
    cx: &mut Cx<'_, Hall>,
    by: Option<UserId>,
    key: Option<Key>,
    operation: Operation,
    then: impl FnOnce(&mut Cx<'_, Hall>, Done) -> Answered + 'static,
) -> Reply<Hall> {
    wanted(cx, by, key, operation)
        .then(|cx, verdict: Result<Done, Refusal>| settled(verdict.and_then(|done| then(cx, done))))
}

/// The same as something to wait for.
pub(in crate::site) fn wanted(
    cx: &mut Cx<'_, Hall>,
    by: Option<UserId>,
    key: Option<Key>,
    operation: Operation,
) -> Wait<Result<Done, Refusal>> {
    if let Some(user) = by {
        let mut tick = Tick {
            state: cx.state,
            house: cx.house.again(),
        };
        presence::stir(&mut tick, user, None);
    }
    let (promise, wait) = promise();
    hall::want(
        cx.state,
        &mut cx.house,
        by,
        key,
        operation,
        move |_, verdict| {
            promise.keep(match verdict {
                Ok(outcome) => Ok(Done {
                    answer: outcome.answer.clone(),
                    repeat: outcome.repeat,
                }),
                Err(refusal) => Err(refusal.clone()),
            });
        },
    );
    wait
}

/// Has a command done that somebody typed.
pub(in crate::site) fn ran(
    cx: &mut Cx<'_, Hall>,
    user: UserId,
    key: Option<Key>,
    typed: Typed,
) -> Wait<Result<slash::Done, Refusal>> {
    let (promise, wait) = promise();
    let mut tick = Tick {
        state: cx.state,
        house: cx.house.again(),
    };
    presence::stir(&mut tick, user, None);
    slash::run(&mut tick, user, key, typed, move |_, done| {
        promise.keep(done)
    });
    wait
}

/// A moment as JSON members have it.
pub(super) fn at(object: Object, name: &str, at: Option<u64>) -> Object {
    object.maybe_text(name, at.map(wire::time::rfc3339).as_deref())
}
