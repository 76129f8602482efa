//! # Pages: what a browser is shown
//!
//! Plain pages from templates, for everybody. Where scripts run, `main.js` takes over the pages of
//! whoever is signed in; they work without it.
//!
//! Promises
//! 1. Nothing that somebody said is markup, and a page runs no script but this site's files.
//! 2. A form changes something only if a page of this site sent it, and the answer to one that did is
//!    another page: who reloads that sends nothing twice.
//! 3. Whoever has to sign in first is brought to where they wanted to go.

mod document;
mod door;
mod first;
mod form;
mod invite;
mod markdown;
mod moment;
mod password;
mod room;
mod rooms;
mod safety;
mod saying;
mod shell;
mod talk;

use minijinja::Value;

use super::auth;
use super::hall::Hall;
use super::rest::tokens::came_over_tls;
use crate::chat::{Code, Identity, Refusal, people};
use crate::http::form::push_encoded;
use crate::http::{Response, Status};
use crate::web::{Cx, Error, Handler, Reply, Routes, context};

pub(super) use safety::Safety;

/// What a page gives.
type Paged = Result<Reply<Hall>, Refusal>;

/// All pages. The shell is kept by browsers unless somebody works on it.
pub(super) fn routes(keeps_shell: bool) -> Routes<Hall> {
    Routes::new()
        .get("/first", page(first::show))
        .post("/first", page(first::begin))
        .get("/welcome", page(first::welcome))
        .get("/sign-in", page(door::show))
        .post("/sign-in", page(door::sign_in))
        .get("/sign-out", page(door::show_out))
        .post("/sign-out", page(door::sign_out))
        .get("/sign-up", page(invite::show_open))
        .post("/sign-up", page(invite::sign_up))
        .get("/invite/{code}", page(invite::show))
        .post("/invite/{code}", page(invite::accept))
        .get("/reset/{code}", page(password::show_reset))
        .post("/reset/{code}", page(password::reset))
        .get("/password", page(password::show))
        .post("/password", page(password::replace))
        .get("/", page(rooms::show))
        .get("/rooms", page(rooms::browse))
        .post("/direct", page(rooms::direct))
        .get("/notifications", page(rooms::notifications))
        .post("/notifications", page(rooms::seen))
        .get("/r/{room}", page(room::show))
        .get("/r/{room}/{seq}", page(room::show_around))
        .post("/r/{room}", page(saying::say))
        .post("/r/{room}/join", page(saying::join))
        .post("/r/{room}/leave", page(saying::leave))
        .post("/r/{room}/read", page(saying::read_upto))
        .post("/r/{room}/{seq}/delete", page(saying::delete))
        .get("/docs/{id}", page(document::show))
        .get("/settings", page(shell::show))
        .get("/settings/{rest..}", page(shell::show))
        .get("/admin", page(shell::show))
        .get("/admin/{rest..}", page(shell::show))
        .nest("", shell::files(keeps_shell))
}

/// A page that may be refused.
fn page(route: impl Fn(&mut Cx<'_, Hall>) -> Paged + 'static) -> impl Handler<Hall> {
    move |cx: &mut Cx<'_, Hall>| {
        let paged = route(cx);
        settled(cx, paged)
    }
}

/// Whoever is not signed in is shown the door; any other refusal is a page of its own.
fn settled(cx: &Cx<'_, Hall>, paged: Paged) -> Reply<Hall> {
    let refusal = match paged {
        Ok(reply) => return reply,
        Err(refusal) => refusal,
    };
    if refusal.code == Code::Unauthenticated {
        return Reply::of(to_the_door(cx));
    }
    let error = Error::new(super::rest::status(refusal.code), refusal.message);
    Reply::Fail(match refusal.retry_after_ms {
        Some(ms) => error.field("Retry-After", ms.div_ceil(1000).to_string()),
        None => error,
    })
}

/// Who asks, who has to be signed in.
fn identity(cx: &Cx<'_, Hall>) -> Result<Identity, Refusal> {
    auth::identity(cx)
}

/// To the page for signing in, and from there back here. What was sent has no page to go back to, so
/// that is the one that the form stood on.
fn to_the_door(cx: &Cx<'_, Hall>) -> Response {
    let head = cx.request.head();
    let mut here = head.path().to_owned();
    if let Some(query) = head.query() {
        here = format!("{here}?{query}");
    }
    if here == "/" {
        return see("/sign-in");
    }
    see(&format!("/sign-in{}", next_query(&here)))
}

/// The query of a link to a page that leads on to another.
fn next_query(next: &str) -> String {
    let mut query = String::new();
    if !next.is_empty() {
        query.push_str("?next=");
        push_encoded(&mut query, next);
    }
    query
}

/// A page of this site, as somebody elsewhere finds it.
fn address(cx: &Cx<'_, Hall>, path: &str) -> String {
    let host = cx.request.field("Host").unwrap_or_default();
    let scheme = match came_over_tls(cx) {
        true => "https",
        false => "http",
    };
    format!("{scheme}://{host}{path}")
}

/// A page that nobody but whoever asks may keep.
fn render(cx: &mut Cx<'_, Hall>, template: &str, page: Value) -> Reply<Hall> {
    match cx.render(template, page) {
        Ok(page) => Reply::of(page.field("Cache-Control", "no-store")),
        Err(error) => Reply::Fail(error),
    }
}

/// Another page to go to.
fn see(location: &str) -> Response {
    Response::redirect(location).field("Cache-Control", "no-store")
}

/// What an admin has set, as pages say it.
struct Settings {
    name: String,
    sign_up: crate::chat::SignUp,
    /// Nobody has an account.
    is_empty: bool,
}

fn settings(cx: &Cx<'_, Hall>) -> Result<Settings, Refusal> {
    let (settings, is_empty) = cx
        .state
        .reader
        .query(|tables| Ok((people::settings(tables)?, people::is_empty(tables)?)))?;
    let name = settings.name.as_deref().unwrap_or("Parlour").to_owned();
    Ok(Settings {
        name,
        sign_up: settings.sign_up,
        is_empty,
    })
}

/// What the framework says in passing, as a page says it.
fn sentence(message: &str) -> String {
    let mut letters = message.chars();
    let first = letters.next().into_iter().flat_map(char::to_uppercase);
    let mut sentence: String = first.chain(letters).collect();
    if sentence.ends_with(|last: char| last.is_alphanumeric() || last == ')') {
        sentence.push('.');
    }
    sentence
}

/// An error as a page.
pub(super) fn error(cx: &mut Cx<'_, Hall>, error: &Error) -> Option<Response> {
    let status = error.status();
    let what = match status {
        Status::NOT_FOUND => "There is nothing here",
        Status::FORBIDDEN => "This is not yours to do",
        Status::TOO_MANY_REQUESTS => "Too often",
        _ => "That did not work",
    };
    let server = settings(cx).map_or_else(|_| "Parlour".to_owned(), |it| it.name);
    let message = sentence(error.message());
    let page = context! { server, what, message, code => status.code() };
    Some(cx.render("error.html", page).ok()?.with_status(status))
}
