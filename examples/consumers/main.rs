//! A chat for groups, with notifications for people, as clients of Django Channels know it.
//!
//! `cargo run --example consumers -- --listen 127.0.0.1:8080`, then open it in two windows, register
//! two people and join one group.
//!
//! | path | what |
//! | --- | --- |
//! | `POST /register` | `{"username","password","display_name"?}`: 201, and signed in |
//! | `POST /login` | `{"username","password"}`: 200, and signed in |
//! | `POST /logout` | 204 |
//! | `GET /me` | who is signed in |
//! | `GET /groups/{group}` | its title, and how many connections it has |
//! | `PUT /groups/{group}` | `{"display_name"}` titles it |
//! | `GET /messages/{group}` | what was said there, newest last; `?before=ID&limit=N` for more |
//! | `GET /notifications` | what one was told, in the same way |
//! | `/ws/chat/{group}` | the WebSocket: see [`chat`] |
//!
//! Whoever is signed in may join any group, read what was said there and title it. Errors are
//! `{"type":"error","message":…}`. Where to look: [`chat`] has the consumer, [`accounts`] who people
//! are, [`lists`] what was stored, [`kept`] how, [`rules`] what names and texts may be.

mod accounts;
mod chat;
mod kept;
mod lists;
mod rules;

use std::error::Error as StdError;
use std::path::Path;
use std::process::ExitCode;

use parlour::cli::Program;
use parlour::http::{Method, Response, wants_html};
use parlour::store::Database;
use parlour::web::middleware::{SecurityHeaders, Sessions};
use parlour::web::{
    App, Asset, Cx, Error, Handler, Secret, login_required_at, same_origin_required,
};
use serde_json::json;

use chat::Chat;
use kept::Kept;

const ASSETS: &[Asset] = parlour::assets!("page": ["app.js", "app.css"]);

fn page(_: &mut Cx<'_, Kept>) -> Response {
    Response::html(include_str!("page/index.html"))
}

/// Browsers that look for a page get one, everybody else gets JSON.
fn face(cx: &mut Cx<'_, Kept>, error: &Error) -> Option<Response> {
    if wants_html(cx.request.head().all_fields()) {
        return None;
    }
    let told = json!({ "type": "error", "message": error.message() });
    Some(Response::json(told.to_string()).with_status(error.status()))
}

/// For those who are signed in; the page is where one signs in.
fn members(handler: impl Handler<Kept>) -> impl Handler<Kept> {
    login_required_at("/", handler)
}

fn app(folder: &Path) -> Result<App<Kept>, Box<dyn StdError>> {
    let database = Database::open(
        folder.join("consumers.db"),
        &[Sessions::MIGRATIONS, kept::TABLES],
    )?;
    let sessions = Sessions::new(&database, &Secret::in_folder(folder)?)?;
    // Clients send JSON without a token, so what browsers say about its origin has to do.
    let title = same_origin_required(members(lists::title_group));
    Ok(App::new(Kept::new(database)?)
        .wrap(SecurityHeaders::default())
        .wrap(sessions)
        .on_error(face)
        .get("/", page)
        .embedded("/static", ASSETS)
        .post("/register", same_origin_required(accounts::register))
        .post("/login", same_origin_required(accounts::login()))
        .post("/logout", same_origin_required(accounts::sign_out))
        .get("/me", members(accounts::me))
        .get("/groups/{group}", members(lists::group))
        .route(Method::Put, "/groups/{group}", title)
        .get("/messages/{group}", members(lists::messages))
        .get("/notifications", members(lists::notifications))
        .consumer("/ws/chat/{group}", Chat::default)
        // Django's paths end with a slash more often than not.
        .consumer("/ws/chat/{group}/", Chat::default))
}

fn main() -> ExitCode {
    Program::new("consumers", "chat groups and personal notifications")
        .keeps_data("consumers-data")
        .run(|args| app(args.data()))
}
