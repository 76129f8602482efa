//! # Durable messages per second
//!
//! 50 senders in 50 rooms with one reader each; every message has a key and is acknowledged after
//! the commit that holds it. Beside it, in turns and on the same disk, a program that does nothing
//! but store the same rows in transactions of the size that the server's had.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::Connection;

use crate::client::{Client, Step, scratch, until};
use crate::crowd;
use crate::measure::{disk, median, micros};
use crate::plain::Plain;
use crate::server::Server;
use crate::town::{Town, room_name};
use crate::{Outcome, measure};

const ROOMS: u32 = 50;
/// Many short turns: the disk has moods that last for seconds.
const ROUNDS: usize = 15;
const LASTS: Duration = Duration::from_secs(1);

/// Messages that a sender has under way: commits take as long as they take.
const WINDOW: u64 = 16;

/// What is said: 64 bytes.
pub(crate) const TEXT: &str = "Sixty-four bytes are what most people need to say most things...";

/// Numbers of what was sent, acknowledged and delivered.
#[derive(Clone, Copy, Default)]
struct Count {
    sent: u64,
    acked: u64,
    heard: u64,
}

pub(crate) fn run() -> Outcome {
    let folder = tempfile::tempdir_in(place()?)?;
    let data = folder.path().join("data");
    // Each room has its sender, the person of its number and one, and a reader.
    let is_in = |room| vec![room + 1, room + 1 + ROOMS];
    Town::new(&data, 2 * ROOMS, ROOMS, "x", is_in)?.finish()?;
    let copy = folder.path().join("plain.db");
    fs::copy(data.join("parlour.db"), &copy)?;
    println!("    {}", disk(folder.path())?);

    let mut plain = Plain::open(&copy, ROOMS)?;
    let server = Server::chat(&data)?;
    let mut scratch = scratch();
    let mut clients = crowd::connect(&server.address, "/ws", 1..=2 * ROOMS, &mut scratch)?;
    let mut counts = vec![Count::default(); ROOMS as usize];
    // Warm: files grow, caches fill.
    say_for(
        &mut clients,
        &mut counts,
        Duration::from_secs(1),
        &mut scratch,
    )?;
    server.settle();
    let mut op = last_op(&data)?;
    let mut ratios = Vec::new();
    let mut rates = Vec::new();
    for _ in 0..ROUNDS {
        let before = commits(&data)?;
        let (loop_cpu, scribe_cpu) = (server.cpu_of("parlour"), server.cpu_of("scribe"));
        let own_cpu = measure::own_cpu();
        let (said, took) = say_for(&mut clients, &mut counts, LASTS, &mut scratch)?;
        let own_cpu = measure::own_cpu() - own_cpu;
        let (loop_cpu, scribe_cpu) = (
            server.cpu_of("parlour") - loop_cpu,
            server.cpu_of("scribe") - scribe_cpu,
        );
        let commits = commits(&data)?.wrapping_sub(before);
        server.settle();
        let rooms = rooms_since(&data, op)?;
        op += rooms.len() as i64;
        let group = (said as f64 / f64::from(commits.max(1))).round().max(1.0);
        let plain_cpu = measure::own_cpu();
        let stored_in = plain.store(group as usize, TEXT, &rooms)?;
        let plain_cpu = measure::own_cpu() - plain_cpu;
        let rate = said as f64 / took.as_secs_f64();
        let plain_rate = rooms.len() as f64 / stored_in.as_secs_f64();
        let each = |time: Duration| micros(time) / said as f64;
        println!(
            "    {rate:6.0}/s in groups of {group:3.0}; plain {plain_rate:6.0}/s: {:.2}; CPU each: \
             loop {:.1} us, scribe {:.1} us (plain {:.1} us), clients {:.1} us",
            rate / plain_rate,
            each(loop_cpu),
            each(scribe_cpu),
            micros(plain_cpu) / rooms.len() as f64,
            each(own_cpu),
        );
        ratios.push(rate / plain_rate);
        rates.push(rate);
    }
    println!(
        "  {:.0} durable messages/s, {:.2} of what a plain program stores (at least 0.60)",
        median(&rates),
        median(&ratios)
    );
    Ok(())
}

/// Where the databases are: a real disk, named by BENCH_FOLDER if the build folder is on none.
pub(crate) fn place() -> Outcome<std::path::PathBuf> {
    let beside = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let place = std::env::var_os("BENCH_FOLDER").map_or_else(|| beside.to_owned(), Into::into);
    fs::create_dir_all(&place)?;
    Ok(place)
}

/// Has everybody send for a while, and waits for what is on its way; how many in how long.
fn say_for(
    clients: &mut [Client],
    counts: &mut [Count],
    lasts: Duration,
    scratch: &mut [u8],
) -> Outcome<(u64, Duration)> {
    let before: u64 = counts.iter().map(|count| count.acked).sum();
    let begun = Instant::now();
    let (senders, readers) = clients.split_at_mut(ROOMS as usize);
    until("messages", || {
        let mut step = Step::Idle;
        let is_over = begun.elapsed() >= lasts;
        let mut is_done = is_over;
        for (room, count) in counts.iter_mut().enumerate() {
            let sender = &mut senders[room];
            let moved = sender.take(scratch, |text| {
                if text.starts_with(b"{\"re\":") {
                    if memchr::memmem::find(text, b"\"ok\":").is_none() {
                        return Err(String::from_utf8_lossy(text).into());
                    }
                    count.acked += 1;
                }
                Ok(())
            })?;
            while !is_over && count.sent - count.acked < WINDOW {
                count.sent += 1;
                let (id, name) = (count.sent, room_name(room as u32));
                sender.say(&format!(
                    r#"{{"id":{id},"do":"send","room":"{name}","key":"run-{id}","text":"{TEXT}"}}"#
                ));
            }
            sender.flush()?;
            let heard = readers[room].take(scratch, |text| {
                count.heard += u64::from(text.starts_with(b"{\"event\":\"message\""));
                Ok(())
            })?;
            if moved || heard {
                step = Step::Moved;
            }
            is_done &= count.acked == count.sent && count.heard == count.sent;
        }
        Ok(if is_done { Step::Done } else { step })
    })?;
    let said = counts.iter().map(|count| count.acked).sum::<u64>() - before;
    Ok((said, begun.elapsed()))
}

/// Transactions that were committed, modulo 2^32: the third word of the write-ahead log's index
/// counts them.
fn commits(data: &Path) -> Outcome<u32> {
    let index = fs::read(data.join("parlour.db-shm"))?;
    let word = index.get(8..12).ok_or("the log's index is too short")?;
    Ok(u32::from_ne_bytes(word.try_into()?))
}

/// The last event's number.
fn last_op(data: &Path) -> Outcome<i64> {
    let tables = Connection::open(data.join("parlour.db"))?;
    Ok(tables.query_row("SELECT op FROM server", (), |row| row.get(0))?)
}

/// The rooms in which something was said after an op, in that order: whoever stores the same rows in
/// another order has other pages to write.
fn rooms_since(data: &Path, op: i64) -> Outcome<Vec<i64>> {
    let tables = Connection::open(data.join("parlour.db"))?;
    let sql = "SELECT key >> 32 FROM events WHERE op > ? ORDER BY op";
    let mut events = tables.prepare(sql)?;
    let rooms = events.query_map([op], |row| row.get(0))?;
    Ok(rooms.collect::<rusqlite::Result<_>>()?)
}
