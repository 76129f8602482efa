//! # REST: the same operations over plain requests
//!
//! Below `/api/v1`, as JSON, with the same refusals as the WebSocket protocol.

pub(super) mod admin;
pub(super) mod asking;
mod commands;
mod docs;
mod events;
mod hooks;
pub(super) mod invites;
pub(super) mod me;
mod messages;
mod metrics;
mod notes;
mod openapi;
pub(super) mod people;
mod rooms;
pub(super) mod tokens;
pub(super) mod tries;
pub(super) mod uploads;

use asking::api;

use super::hall::Hall;
use super::wire::{self, Object};
use crate::chat::{Code, Refusal};
use crate::http::{Method, Response, Status};
use crate::web::{Cx, Error, Handler, Routes, takes_file};

/// The routes below `/api/v1`.
pub(super) fn routes() -> Routes<Hall> {
    Routes::new()
        .get("/openapi.json", |_: &mut Cx<'_, Hall>| {
            Response::json(openapi::DOCUMENT.clone())
        })
        .post("/users", api(people::sign_up))
        .get("/users", api(people::list))
        .get("/users/{name}", api(people::show))
        .patch("/users/{name}", api(admin::change))
        .delete("/users/{name}", api(admin::erase))
        .post("/users/{name}/tokens", api(admin::create_token))
        .delete("/users/{name}/tokens", api(admin::revoke_tokens))
        .post("/users/{name}/reset", api(admin::create_reset))
        .post("/resets", api(admin::reset))
        .get("/settings", api(admin::settings))
        .patch("/settings", api(admin::set))
        .get("/invites", api(invites::list))
        .post("/invites", api(invites::create))
        .delete("/invites/{number}", api(invites::revoke))
        .route(
            Method::Post,
            "/uploads",
            takes_file(uploads::REQUEST_BYTES_MAX, api(uploads::add)),
        )
        .get("/uploads/{id}/{name}", api(uploads::show))
        .get("/me", api(me::show))
        .patch("/me", api(me::change))
        .put("/me/password", api(me::set_password))
        .put("/me/presence", api(me::attend))
        .post("/tokens", api(tokens::sign_in))
        .get("/tokens", api(tokens::list))
        .delete("/tokens", api(tokens::sign_all_out))
        .delete("/tokens/current", api(tokens::sign_out))
        .delete("/tokens/{id}", api(tokens::sign_one_out))
        .get("/rooms", api(rooms::list))
        .post("/rooms", api(rooms::create))
        .post("/dms", api(rooms::direct))
        .get("/rooms/{room}", api(rooms::show))
        .patch("/rooms/{room}", api(rooms::update))
        .delete("/rooms/{room}", api(rooms::delete))
        .get("/rooms/{room}/members", api(rooms::members))
        .put("/rooms/{room}/members/{user}", api(rooms::enter))
        .delete("/rooms/{room}/members/{user}", api(rooms::leave))
        .get("/rooms/{room}/bans", api(rooms::bans))
        .put("/rooms/{room}/bans/{user}", api(rooms::ban))
        .delete("/rooms/{room}/bans/{user}", api(rooms::unban))
        .post("/rooms/{room}/typing", api(rooms::typing))
        .put("/rooms/{room}/read", api(rooms::read))
        .put("/rooms/{room}/level", api(rooms::level))
        .get("/rooms/{room}/messages", api(messages::list))
        .post("/rooms/{room}/messages", api(messages::send))
        .get("/rooms/{room}/messages/{seq}", api(messages::show))
        .patch("/rooms/{room}/messages/{seq}", api(messages::edit))
        .delete("/rooms/{room}/messages/{seq}", api(messages::delete))
        .put(
            "/rooms/{room}/messages/{seq}/reactions/{emoji}",
            api(messages::react),
        )
        .delete(
            "/rooms/{room}/messages/{seq}/reactions/{emoji}",
            api(messages::unreact),
        )
        .get("/notifications", api(notes::list))
        .post("/notifications", api(notes::notify))
        .put("/notifications/{id}/seen", api(notes::seen))
        .get("/webhooks", api(hooks::list))
        .post("/webhooks", api(hooks::create))
        .get("/webhooks/{id}", api(hooks::show))
        .patch("/webhooks/{id}", api(hooks::change))
        .delete("/webhooks/{id}", api(hooks::delete))
        .get("/webhooks/{id}/deliveries", api(hooks::deliveries))
        .post("/webhooks/{id}/redeliver", api(hooks::redeliver))
        .post("/webhooks/{id}/test", api(hooks::test))
        .post("/hooks/{secret}", api(hooks::say))
        .get("/search", api(notes::search))
        .get("/commands", api(commands::list))
        .get("/docs", api(docs::list))
        .route(
            Method::Post,
            "/docs",
            takes_file(docs::REQUEST_BYTES_MAX, api(docs::add)),
        )
        .get("/docs/search", api(docs::search))
        .delete("/docs/{id}", api(docs::remove))
        .get("/events", api(events::listen))
}

/// The status that goes with a code.
pub(super) const fn status(code: Code) -> Status {
    match code {
        Code::BadJson | Code::BadCommand | Code::BadField => Status::BAD_REQUEST,
        Code::Unauthenticated => Status::UNAUTHORIZED,
        Code::Forbidden | Code::NotAMember => Status::FORBIDDEN,
        Code::NotFound => Status::NOT_FOUND,
        Code::Exists | Code::KeyReused => Status::CONFLICT,
        Code::Gone => Status::GONE,
        Code::NotSupported => Status::NOT_IMPLEMENTED,
        Code::TooLong => Status::CONTENT_TOO_LARGE,
        Code::TooMany => Status::TOO_MANY_REQUESTS,
        Code::Busy | Code::Storage => Status::SERVICE_UNAVAILABLE,
        Code::Internal => Status::INTERNAL_SERVER_ERROR,
    }
}

/// A refusal as an answer.
pub(super) fn refused(refusal: &Refusal) -> Response {
    let json = Object::new().json("error", &wire::refusal(refusal)).end();
    let status = match refusal.field {
        Some(asking::MEDIA) => Status::UNSUPPORTED_MEDIA_TYPE,
        _ => status(refusal.code),
    };
    let response = Response::json(json).with_status(status);
    let response = match refusal.code {
        Code::Unauthenticated => response.field("WWW-Authenticate", "Bearer"),
        _ => response,
    };
    match refusal.retry_after_ms {
        Some(ms) => response.field("Retry-After", ms.div_ceil(1000).to_string()),
        None => response,
    }
}

/// How the server is, at the root, where programs look for it.
pub(super) fn metrics() -> impl Handler<Hall> {
    api(metrics::show)
}

/// Where programs say something, at the root: an address that is short.
pub(super) fn hook() -> impl Handler<Hall> {
    api(hooks::say)
}

/// Whether the server is well enough to be sent people.
pub(super) fn ready(cx: &mut Cx<'_, Hall>) -> Response {
    match cx.state.reader.query(crate::chat::summary::position) {
        Ok(_) => Response::text("ok\n"),
        Err(error) => {
            log::warn!("not ready: {error}");
            Response::refusal(Status::SERVICE_UNAVAILABLE, "the database cannot be read")
        }
    }
}

/// An error of the framework as an answer of the API.
pub(super) fn error(error: &Error) -> Response {
    let code = match error.status().code() {
        401 => Code::Unauthenticated,
        403 => Code::Forbidden,
        404 => Code::NotFound,
        405 | 415 | 501 => Code::NotSupported,
        413 => Code::TooLong,
        429 => Code::TooMany,
        503 => Code::Busy,
        500.. => Code::Internal,
        _ => Code::BadField,
    };
    let refusal = Refusal::new(code, error.message());
    let json = Object::new().json("error", &wire::refusal(&refusal)).end();
    Response::json(json).with_status(error.status())
}
