//! # From sending to delivery, at a steady pace
//!
//! 1,000 messages a second, one every millisecond, over 100 rooms of 10. Each of the ten deliveries
//! is timed from the moment at which its message was to be sent, so a server that stalls is not
//! spared what came due meanwhile.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::Outcome;
use crate::client::{Client, NAP, PATIENCE, scratch};
use crate::crowd;
use crate::durable::{TEXT, place};
use crate::measure::{Durations, disk, millis};
use crate::server::Server;
use crate::town::{Town, room_name};

const ROOMS: u32 = 100;
const MEMBERS: u32 = 10;
const LASTS: Duration = Duration::from_secs(15);
const PACE: Duration = Duration::from_millis(1);

pub(crate) fn run() -> Outcome {
    let folder = tempfile::tempdir_in(place()?)?;
    town(folder.path(), "x")?;
    let server = Server::chat(folder.path())?;
    let mut scratch = scratch();
    println!("    {}", disk(folder.path())?);
    let mut talk = Talk::begin(&server, &mut scratch)?;
    talk.go_on(Duration::from_secs(2), &mut scratch, |_| Ok(true))?;
    let cpu = server.cpu();
    let mut each = talk.go_on(LASTS, &mut scratch, |_| Ok(true))?;
    let cpu = server.cpu() - cpu;
    println!(
        "  {} deliveries: p50 {:.2} ms, p99 {:.2} ms (at most 10), p99.9 {:.2} ms, worst {:.2} ms; \
         {:.0} % of a core",
        each.len(),
        millis(each.quantile(0.5)),
        millis(each.quantile(0.99)),
        millis(each.quantile(0.999)),
        millis(each.quantile(1.0)),
        100.0 * cpu.as_secs_f64() / LASTS.as_secs_f64()
    );
    Ok(())
}

/// Fills a database with the rooms and those who talk in them.
pub(crate) fn town(folder: &std::path::Path, password: &str) -> Outcome {
    let is_in = |room| (room * MEMBERS + 1..=(room + 1) * MEMBERS).collect();
    Town::new(folder, ROOMS * MEMBERS, ROOMS, password, is_in)?.finish()
}

/// A conversation that is timed.
pub(crate) struct Talk {
    clients: Vec<Client>,
    number: u32,
}

/// A message of which some deliveries are missing.
struct Sent {
    room: u32,
    due: Instant,
}

impl Talk {
    /// Everybody comes, and is told that the others have come.
    pub(crate) fn begin(server: &Server, scratch: &mut [u8]) -> Outcome<Self> {
        let people = 1..=ROOMS * MEMBERS;
        let mut clients = crowd::connect(&server.address, "/ws", people, scratch)?;
        let quiet = Instant::now();
        while quiet.elapsed() < Duration::from_secs(3) {
            crowd::drain(&mut clients, scratch)?;
            std::thread::sleep(Duration::from_millis(20));
        }
        Ok(Self { clients, number: 0 })
    }

    /// Talks for a while, or as long as `meanwhile` says; how long each delivery took.
    pub(crate) fn go_on(
        &mut self,
        lasts: Duration,
        scratch: &mut [u8],
        mut meanwhile: impl FnMut(&mut [u8]) -> Outcome<bool>,
    ) -> Outcome<Durations> {
        let begun = Instant::now();
        let mut due = begun;
        let mut times = Durations::default();
        let mut sent: VecDeque<Sent> = VecDeque::new();
        // For each member, which of its room's messages come next.
        let mut next: Vec<VecDeque<Instant>> = vec![VecDeque::new(); self.clients.len()];
        let mut is_going_on = true;
        while is_going_on || !sent.is_empty() {
            let now = Instant::now();
            is_going_on = meanwhile(scratch)? && now - begun < lasts;
            let mut is_idle = true;
            while is_going_on && due <= now {
                let room = self.number % ROOMS;
                self.say(room)?;
                for member in members(room) {
                    next[member].push_back(due);
                }
                sent.push_back(Sent { room, due });
                due += PACE;
                is_idle = false;
            }
            sent.retain(|it| {
                members(it.room)
                    .any(|member| next[member].front().is_some_and(|due| *due <= it.due))
            });
            for it in &sent {
                for member in members(it.room) {
                    if next[member].front().is_none_or(|due| *due > it.due) {
                        continue;
                    }
                    is_idle &= !self.clients[member].take(scratch, |text| {
                        if text.starts_with(b"{\"event\":\"message\"") {
                            let due = next[member].pop_front().ok_or("one delivery too many")?;
                            times.add(due.elapsed());
                        } else if memchr::memmem::find(text, b"\"error\"").is_some() {
                            return Err(String::from_utf8_lossy(text).into());
                        }
                        Ok(())
                    })?;
                }
                if it.due.elapsed() > PATIENCE {
                    return Err("a delivery does not come".into());
                }
            }
            if is_idle {
                std::thread::sleep(NAP);
            }
        }
        Ok(times)
    }

    /// The next message, by the member whose turn it is.
    fn say(&mut self, room: u32) -> Outcome {
        let number = self.number;
        self.number += 1;
        let by = room * MEMBERS + number / ROOMS % MEMBERS;
        let name = room_name(room);
        let client = &mut self.clients[by as usize];
        client.say(&format!(
            r#"{{"id":{number},"do":"send","room":"{name}","key":"run-{number}","text":"{TEXT}"}}"#
        ));
        client.flush()
    }
}

/// Where a room's members are among the clients.
fn members(room: u32) -> std::ops::Range<usize> {
    let first = (room * MEMBERS) as usize;
    first..first + MEMBERS as usize
}
