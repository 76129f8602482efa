//! # Everybody comes back after a restart
//!
//! 10,000 people in rooms of ten, who have each missed 20 messages, connect as fast as they can, say
//! where they were, and are told what they missed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::Outcome;
use crate::client::{Client, Step, scratch, until};
use crate::durable::{TEXT, place};
use crate::measure::{Durations, micros};
use crate::server::Server;
use crate::town::{Town, room_name, token};

const PEOPLE: u32 = 10_000;
const MEMBERS: u32 = 10;
const MISSED: u32 = 20;

/// Handshakes under way at once: fewer than wait for a server to accept them.
const UNDER_WAY_MAX: usize = 128;

/// Somebody who comes back.
struct Guest {
    client: Client,
    room: u32,
    since: Instant,
    heard: u32,
    is_greeted: bool,
    is_done: bool,
}

pub(crate) fn run() -> Outcome {
    let folder = tempfile::tempdir_in(place()?)?;
    let rooms = PEOPLE / MEMBERS;
    let is_in = |room| (room * MEMBERS + 1..=(room + 1) * MEMBERS).collect();
    Town::new(folder.path(), PEOPLE, rooms, "x", is_in)?.finish()?;
    let versions = versions(folder.path())?;
    Town::say(
        folder.path(),
        (0..MISSED * rooms).map(|it| (it % rooms * MEMBERS + 1, it % rooms)),
        TEXT,
    )?;

    let server = Server::chat(folder.path())?;
    let before = server.kib("VmRSS")?;
    let mut scratch = scratch();
    let mut guests: Vec<Guest> = Vec::new();
    let mut pending: Vec<usize> = Vec::new();
    let mut times = Durations::default();
    let mut shaking = 0;
    let begun = Instant::now();
    until("resuming", || {
        let mut step = Step::Idle;
        while shaking < UNDER_WAY_MAX && guests.len() < PEOPLE as usize {
            let user = guests.len() as u32 + 1;
            pending.push(guests.len());
            shaking += 1;
            guests.push(Guest {
                client: Client::ask(&server.address, "/ws?hold=1", Some(&token(user)))?,
                room: (user - 1) / MEMBERS,
                since: Instant::now(),
                heard: 0,
                is_greeted: false,
                is_done: false,
            });
            step = Step::Moved;
        }
        for &at in &pending {
            let guest = &mut guests[at];
            let was_greeted = guest.is_greeted;
            let (heard, is_greeted, is_done) =
                (&mut guest.heard, &mut guest.is_greeted, &mut guest.is_done);
            let moved = guest.client.take(&mut scratch, |text| {
                if text.starts_with(b"{\"event\":\"hello\"") {
                    *is_greeted = true;
                } else if text.starts_with(b"{\"event\":\"message\"") {
                    *heard += 1;
                } else if text.starts_with(b"{\"event\":\"caught_up\"") {
                    *is_done = true;
                } else if memchr::memmem::find(text, b"\"error\"").is_some() {
                    return Err(String::from_utf8_lossy(text).into());
                }
                Ok(())
            })?;
            if guest.is_greeted && !was_greeted {
                shaking -= 1;
                let name = room_name(guest.room);
                let version = versions.get(&name).ok_or("a room without a version")?;
                guest.client.say(&format!(
                    r#"{{"id":1,"do":"resume","rooms":{{"{name}":{version}}}}}"#
                ));
            }
            guest.client.flush()?;
            if moved {
                step = Step::Moved;
            }
            if guest.is_done {
                times.add(guest.since.elapsed());
                if guest.heard != MISSED {
                    return Err(format!("{} messages of {MISSED}", guest.heard).into());
                }
            }
        }
        pending.retain(|at| !guests[*at].is_done);
        let is_done = pending.is_empty() && guests.len() == PEOPLE as usize;
        Ok(if is_done { Step::Done } else { step })
    })?;
    let took = begun.elapsed();
    println!(
        "  {PEOPLE} clients, {MISSED} missed messages each: {:.1} s in all (at most 10), p99 {:.2} s; \
         {:.0} us of CPU each; {before} KiB of RSS before, {} KiB at most",
        took.as_secs_f64(),
        times.quantile(0.99).as_secs_f64(),
        micros(server.cpu()) / f64::from(PEOPLE),
        server.kib("VmHWM")?
    );
    if took > Duration::from_secs(10) {
        println!("    that is too long");
    }
    Ok(())
}

/// How far each room has come.
fn versions(folder: &std::path::Path) -> Outcome<HashMap<String, u32>> {
    let connection = Connection::open(folder.join("parlour.db"))?;
    let mut rooms = connection.prepare("SELECT name, version FROM rooms")?;
    let rows = rooms.query_map((), |row| Ok((row.get(0)?, row.get(1)?)))?;
    Ok(rows.collect::<rusqlite::Result<_>>()?)
}
