//! # Site: the product's face
//!
//! The one place that knows the wire form of the chat: the WebSocket protocol `parlour.v1` at
//! `/ws`, REST below `/api/v1`, and the pages. All of it is an [`App`] of the framework around a
//! [`Hall`], which is the chat's live state.
//!
//! ```text
//!     command ─► operation ─► want ─► log ─► outcome ─► answer, then announce ─► groups
//!                question ─► reader ──────────────────► answer
//!     resume, or too slow ─► Behind ─► pages from the reader ─► hears again
//! ```
//!
//! Promises
//! 1. Whoever is answered `ok` hears it after the commit and before the event that it caused.
//! 2. Each connection of a member is told each event once, in the order of its room, whatever
//!    happens to the connection in between, if it says where it was.
//! 3. What is said on the wire is made in `wire` and nowhere else.
//!
//! Never knows: sockets, frames, tables. Start reading at `Socket`, then [`Hall`]. What clients have to
//! know is below.
//!
#![doc = include_str!("protocol.md")]

mod announce;
mod assets;
mod auth;
mod behind;
mod bundle;
mod commands;
mod counts;
mod courier;
mod crowd;
mod docs;
mod faces;
mod feed;
mod fields;
mod hall;
mod lean;
mod machines;
mod pages;
mod picture;
mod players;
mod presence;
mod questions;
mod rate;
mod reminding;
mod removing;
mod rest;
mod resume;
mod scope;
mod searching;
mod secret;
mod slack;
mod slash;
mod socket;
mod uses;
mod watching;
mod wire;

use std::path::PathBuf;
use std::time::Duration;

use crate::http::{Response, wants_html};
use crate::layer::Bounds;
use crate::web::middleware::Compression;
use crate::web::{App, Cx, Error, Tick};

pub use courier::{Carrier, Parcel, Receipt, Undelivered};
pub use hall::Hall;
pub(crate) use resume::Far;
pub use secret::{RESET_MS, Secret, SecretKind, hash as secret_hash, reset_link};
pub use slash::{Asked, Command, Commands, Reply, Where, Who};
pub use wire::time::rfc3339;

/// What is different from server to server.
#[derive(Clone, Debug, Default)]
pub struct Choices {
    /// Whether `/echo` is there.
    pub echo: bool,
    /// When the program was made, in seconds since 1970.
    pub modified_s: Option<u64>,
    /// Where the pages' files are read from while somebody works on them, instead of the program.
    pub assets: Option<PathBuf>,
    /// What people can have done by a text that begins with `/`.
    pub commands: Commands,
}

/// The chat as an app.
pub fn app(mut hall: Hall, choices: Choices) -> App<Hall> {
    hall.commands = choices.commands;
    let keeps_shell = choices.assets.is_none();
    let app = App::new(hall);
    assets::add(app, choices.assets)
        // Pages and histories are read over phones: some bytes less are worth a tenth of a millisecond.
        .wrap(Compression::level(6))
        .wrap(pages::Safety::new())
        .group_bounds(Bounds {
            // As many rooms as somebody may be in.
            groups_max: crate::chat::limits::ROOMS_PER_PERSON_MAX as usize,
            ..Bounds::default()
        })
        .on_error(face)
        .on_start(begin)
        .on_stopping(say_goodbye)
        .nest("", machines::routes(choices.echo, choices.modified_s))
        .nest("", pages::routes(keeps_shell))
        .get("/healthz", |_: &mut Cx<'_, Hall>| Response::text("ok\n"))
        .get("/readyz", rest::ready)
        .get("/metrics", rest::metrics())
        .post("/hooks/{secret}", rest::hook())
        .consumer("/ws", socket::Socket::new)
        .nano("/nano", players::nano())
        .nest("/api/v1", rest::routes())
}

/// Errors of the API are JSON, like everything else there; browsers are shown a page.
fn face(cx: &mut Cx<'_, Hall>, error: &Error) -> Option<Response> {
    if cx.request.path().starts_with("/api/") {
        return Some(rest::error(error));
    }
    let is_page = !cx.request.is_upgrade() && wants_html(cx.request.head().all_fields());
    is_page.then(|| pages::error(cx, error)).flatten()
}

/// How often what another process stored is looked for.
const BEAT: Duration = presence::BEAT;

/// How often what has had its time is forgotten.
const TIDY: Duration = Duration::from_secs(60 * 60);

/// How often devices that nobody touches are looked for.
const SWEEP: Duration = Duration::from_secs(30);

/// What goes on as long as the server runs.
fn begin(tick: &mut Tick<'_, Hall>) {
    tick.state.begin_courier();
    courier::listen(tick);
    // What waits from before does not wait for a second more.
    courier::beat(tick);
    tick.house.every(TIDY, rest::uploads::tidy);
    tick.house.every(BEAT, |tick| {
        announce::announce_outside(tick);
        presence::tell_changes(tick);
        faces::tell_changes(tick);
        watching::sum_up(tick);
        announce::end_expired(tick);
        searching::index_in_passing(tick);
        uses::store(tick);
        removing::go_on(tick);
        courier::beat(tick);
        reminding::go_on(tick);
    });
    tick.house.every(SWEEP, presence::sweep);
}

/// Everybody is told to come back, spread over a while that grows with their number.
fn say_goodbye(tick: &mut Tick<'_, Hall>) {
    let window_ms = (tick.state.crowd.seats_len() as u64).clamp(1000, 30_000);
    let everybody: Vec<_> = tick
        .state
        .crowd
        .everybody()
        .into_iter()
        .map(|(_, seat)| seat.channel)
        .collect();
    for channel in everybody {
        let retry_ms = 500 + tick.state.draw(window_ms);
        socket::bye_after(&mut tick.house, channel, socket::GOING_AWAY, Some(retry_ms));
    }
}
