//! # Pages: what a browser is shown
//!
//! Plain pages from templates, for everybody. Where scripts run, `main.js` takes over the pages of
//! whoever is signed in; they work without it.
//!
//! Promises
//! 1. Nothing that somebody said is markup, and a page runs no script but this site's files.
//! 2. A form changes something only if a page of this site sent it.

mod safety;

use super::auth;
use super::hall::Hall;
use crate::http::Response;
pub(super) use safety::Safety;

use crate::web::{Cx, Error, Routes, context};

/// All pages.
pub(super) fn routes() -> Routes<Hall> {
    Routes::new().get("/", room).get("/r/{rest..}", room)
}

fn room(cx: &mut Cx<'_, Hall>) -> Result<Response, Error> {
    match auth::identity(cx) {
        Ok(_) => cx.render("room.html", context! {}),
        Err(_) => Ok(Response::redirect("/sign-in")),
    }
}
