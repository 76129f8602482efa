//! # CPU per delivery in a room of 1,000
//!
//! Beside the broadcast example, which does no more than hand on what it hears: same number of
//! members, same number of bytes in each delivery, in turns.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::client::{Client, PATIENCE, Step, scratch, until};
use crate::crowd;
use crate::durable::{TEXT, place};
use crate::measure::{median, micros};
use crate::server::Server;
use crate::town::{Town, room_name};

const MEMBERS: u32 = 1000;
const ROUNDS: usize = 5;
const LASTS: Duration = Duration::from_secs(3);

pub(crate) fn run() -> Outcome {
    let folder = tempfile::tempdir_in(place()?)?;
    Town::new(folder.path(), MEMBERS, 1, "x", |_| (1..=MEMBERS).collect())?.finish()?;
    let mut scratch = scratch();
    let chat = Server::chat(folder.path())?;
    let mut chatters = crowd::connect(&chat.address, "/ws", 1..=MEMBERS, &mut scratch)?;
    let broadcast = Server::broadcast()?;
    let mut others = strangers(&broadcast.address, &mut scratch)?;
    // Who is there is told at most once a second: that is not to be measured.
    let quiet = Instant::now();
    while quiet.elapsed() < Duration::from_secs(3) {
        crowd::drain(&mut chatters, &mut scratch)?;
        std::thread::sleep(Duration::from_millis(50));
    }
    let room = room_name(0);
    let mut number = 0;
    let mut command = || {
        number += 1;
        format!(
            r#"{{"id":{number},"do":"send","room":"{room}","key":"run-{number}","text":"{TEXT}"}}"#
        )
    };
    let mut size = 0;
    deliver(&mut chatters, &mut scratch, 1, &mut command, |text| {
        size = text.len();
        text.starts_with(b"{\"event\":\"message\"")
    })?;
    for window in [1, 16] {
        let mut ratios = Vec::new();
        let mut costs = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            let is_event = |text: &[u8]| text.starts_with(b"{\"event\":\"message\"");
            let chat_each = cost(
                &chat,
                &mut chatters,
                &mut scratch,
                window,
                &mut command,
                is_event,
            )?;
            let mut words = || "x".repeat(size);
            let bare_each = cost(
                &broadcast,
                &mut others,
                &mut scratch,
                window,
                &mut words,
                |_| true,
            )?;
            ratios.push(chat_each / bare_each);
            costs.0.push(chat_each);
            costs.1.push(bare_each);
        }
        println!(
            "  {window} under way, {size} bytes: {:.2} us a delivery, broadcast {:.2} us: {:.2} \
             (at most 1.25)",
            median(&costs.0),
            median(&costs.1),
            median(&ratios)
        );
    }
    Ok(())
}

/// Clients of the example.
fn strangers(address: &str, scratch: &mut [u8]) -> Outcome<Vec<Client>> {
    let mut clients = Vec::new();
    for _ in 0..MEMBERS {
        let mut client = Client::ask(address, "/room/bench", None)?;
        until("connecting", || {
            client.take(scratch, |_| Ok(()))?;
            Ok(if client.is_open() {
                Step::Done
            } else {
                Step::Idle
            })
        })?;
        clients.push(client);
    }
    Ok(clients)
}

/// The server's CPU time for a delivery, in microseconds.
fn cost(
    server: &Server,
    clients: &mut [Client],
    scratch: &mut [u8],
    window: usize,
    words: &mut impl FnMut() -> String,
    mut is_one: impl FnMut(&[u8]) -> bool,
) -> Outcome<f64> {
    let before = server.cpu();
    let begun = Instant::now();
    let mut delivered = 0;
    while begun.elapsed() < LASTS {
        deliver(clients, scratch, window, words, &mut is_one)?;
        delivered += window * clients.len();
    }
    Ok(micros(server.cpu() - before) / delivered as f64)
}

/// One of them says so many things, and each hears all of them.
fn deliver(
    clients: &mut [Client],
    scratch: &mut [u8],
    window: usize,
    words: &mut impl FnMut() -> String,
    mut is_one: impl FnMut(&[u8]) -> bool,
) -> Outcome {
    for _ in 0..window {
        clients[0].say(&words());
    }
    clients[0].flush()?;
    let mut missing = vec![window; clients.len()];
    let mut first = 0;
    let begun = Instant::now();
    while first < clients.len() {
        let heard = clients[first].take(scratch, |text| {
            if is_one(text) {
                missing[first] = missing[first]
                    .checked_sub(1)
                    .ok_or("one delivery too many")?;
            }
            Ok(())
        })?;
        if missing[first] == 0 {
            first += 1;
        } else if !heard {
            if begun.elapsed() > PATIENCE {
                return Err("a delivery does not come".into());
            }
            std::thread::sleep(crate::client::NAP);
        }
    }
    Ok(())
}
