//! # What somebody who is there and says nothing takes
//!
//! 10,000 people who are signed in, each in three rooms, 100 people to a room. What the second half
//! takes more than the first is told of each: the database's page cache, which the first fill, grows
//! no further.

use std::time::{Duration, Instant};

use crate::Outcome;
use crate::client::{Client, scratch};
use crate::crowd;
use crate::durable::place;
use crate::server::Server;
use crate::town::Town;

const PEOPLE: u32 = 10_000;
const ROOMS: u32 = 300;

/// Until the last has been told of and memory was given back.
const SETTLES: Duration = Duration::from_secs(5);

pub(crate) fn run() -> Outcome {
    let folder = tempfile::tempdir_in(place()?)?;
    // People with the same rest are in a room, so that of each hundred rooms everybody is in one.
    let is_in = |room: u32| {
        (1..=PEOPLE)
            .filter(|user| match room / 100 {
                0 => user % 100 == room % 100,
                1 => user / 100 % 100 == room % 100,
                _ => (user + user / 100) % 100 == room % 100,
            })
            .collect()
    };
    Town::new(folder.path(), PEOPLE, ROOMS, "x", is_in)?.finish()?;
    let server = Server::chat(folder.path())?;
    let mut scratch = scratch();
    let empty = server.kib("VmRSS")?;
    let begun = Instant::now();
    let mut clients = crowd::connect(&server.address, "/ws", 1..=PEOPLE / 2, &mut scratch)?;
    settle(&mut clients, &mut scratch)?;
    let half = server.kib("VmRSS")?;
    let others = PEOPLE / 2 + 1..=PEOPLE;
    clients.extend(crowd::connect(
        &server.address,
        "/ws",
        others,
        &mut scratch,
    )?);
    settle(&mut clients, &mut scratch)?;
    let full = server.kib("VmRSS")?;
    let each = |more: u64, people: u32| more * 1024 / u64::from(people);
    println!(
        "  {} bytes of RSS each (at most 1024): {empty} KiB without anybody, {half} KiB with half of \
         them, {full} KiB with all: {} bytes each from the first on; {} s in all",
        each(full.saturating_sub(half), PEOPLE / 2),
        each(full.saturating_sub(empty), PEOPLE),
        begun.elapsed().as_secs()
    );
    Ok(())
}

/// Waits until everybody was told of everybody.
fn settle(clients: &mut [Client], scratch: &mut [u8]) -> Outcome {
    let begun = Instant::now();
    while begun.elapsed() < SETTLES {
        crowd::drain(clients, scratch)?;
        std::thread::sleep(Duration::from_millis(100));
    }
    Ok(())
}
