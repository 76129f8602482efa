//! # What the chat costs: one row for each promise about its speed
//!
//! `benches/chat.sh [ROW...]` builds and runs this. Each row starts the real server on a database that
//! was filled through the chat's own log, talks to it as clients do, and says what came of it beside
//! what it is to be compared with, taken in the same run. CPU time is the kernel's own account of the
//! server's threads.

#![expect(
    clippy::disallowed_methods,
    reason = "a bench reads clocks, waits, and is told by the environment where programs are"
)]
#![expect(clippy::print_stdout, reason = "its words are its result")]

mod burst;
mod client;
mod crowd;
mod docs;
mod durable;
mod history;
mod idle;
mod measure;
mod pace;
mod plain;
#[path = "../docs/recall.rs"]
mod recall;
mod resume;
mod room;
mod server;
mod town;

use std::error::Error;
use std::process::ExitCode;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A row of the table: its name, and what takes it.
type Row = (&'static str, fn() -> Outcome);

/// The rows, and what measures each.
const ROWS: [Row; 9] = [
    ("durable", durable::run),
    ("room", room::run),
    ("pace", pace::run),
    ("idle", idle::run),
    ("burst", burst::run),
    ("resume", resume::run),
    ("history", history::run),
    ("docs", docs::run),
    ("beside", docs::beside),
];

fn main() -> ExitCode {
    // `cargo bench` adds an option of its own.
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    if let Some(odd) = asked
        .iter()
        .find(|word| ROWS.iter().all(|row| row.0 != **word))
    {
        let rows = ROWS.map(|row| row.0).join(", ");
        println!("there is no row \"{odd}\"; there are {rows}");
        return ExitCode::FAILURE;
    }
    let mut status = ExitCode::SUCCESS;
    for (name, run) in ROWS {
        if !asked.is_empty() && asked.iter().all(|word| word != name) {
            continue;
        }
        println!("{name}");
        if let Err(error) = run() {
            println!("    failed: {error}");
            status = ExitCode::FAILURE;
        }
    }
    status
}
