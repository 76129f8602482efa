//! # A page of history out of a room of a million messages
//!
//! 50 messages before one that is chosen by chance, asked for over the WebSocket.

use crate::Outcome;
use crate::client::{Step, scratch, until};
use crate::crowd;
use crate::durable::{TEXT, place};
use crate::measure::micros;
use crate::server::Server;
use crate::town::{Town, room_name};

const MESSAGES: u32 = 1_000_000;
const PAGES: u32 = 3000;
const LIMIT: usize = 50;

pub(crate) fn run() -> Outcome {
    let folder = tempfile::tempdir_in(place()?)?;
    Town::new(folder.path(), 2, 1, "x", |_| vec![1, 2])?.finish()?;
    Town::say(folder.path(), (0..MESSAGES).map(|it| (1 + it % 2, 0)), TEXT)?;
    let server = Server::chat(folder.path())?;
    let mut scratch = scratch();
    let mut clients = crowd::connect(&server.address, "/ws", 1..=1, &mut scratch)?;
    let client = &mut clients[0];
    let room = room_name(0);
    let mut place: u64 = 1;
    let mut page = || -> Outcome {
        // The usual multiplier: far apart, and the same in each run.
        place = place
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        let before = LIMIT as u64 + 1 + (place >> 33) % u64::from(MESSAGES - LIMIT as u32);
        client.say(&format!(
            r#"{{"id":1,"do":"history","room":"{room}","before":{before},"limit":{LIMIT}}}"#
        ));
        client.flush()?;
        let mut is_there = false;
        until("a page", || {
            client.take(&mut scratch, |text| {
                if text.starts_with(b"{\"re\":") {
                    let messages = memchr::memmem::find_iter(text, b"\"seq\":").count();
                    if messages < LIMIT {
                        return Err(format!("a page of {messages}").into());
                    }
                    is_there = true;
                }
                Ok(())
            })?;
            Ok(if is_there { Step::Done } else { Step::Idle })
        })
    };
    for _ in 0..20 {
        page()?;
    }
    // What is not told yet is made findable meanwhile, on a thread of its own.
    let cpu = server.cpu_of("parlour");
    for _ in 0..PAGES {
        page()?;
    }
    let cpu = server.cpu_of("parlour") - cpu;
    println!(
        "  {:.0} us of CPU for a page of {LIMIT} out of {MESSAGES} (at most 1000)",
        micros(cpu) / f64::from(PAGES)
    );
    Ok(())
}
