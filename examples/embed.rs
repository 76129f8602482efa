//! An app inside of another program that has a main loop of its own.
//!
//! `cargo run --example embed -- --listen 127.0.0.1:8080`. The program is a brewery: its loop warms
//! a kettle, twice a second. Its page is only for looking, so it can be taken down and put up again
//! while the kettle goes on: type `stop`, `start`, `status` or `quit`.
//!
//! The app runs on a thread of its own ([`Running`]); what the loop has to show it sends there
//! ([`Remote::act`](parlour::web::Remote::act)), where it reaches every page that is open.

use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use parlour::cli::Program;
use parlour::http::Response;
use parlour::reactor::driver::listeners::Address;
use parlour::web::{App, Consumer, Cx, Event, Live, Running, ServeError};
use parlour::ws::Message;
use serde_json::json;

const PAGE: &str = include_str!("pages/embed.html");

/// What the page knows: the last that it was told.
struct Shown(String);

/// Somebody who looks at the page.
struct Viewer;

impl Consumer<Shown> for Viewer {
    fn opened(&mut self, live: &mut Live<'_, Shown>) {
        let now = live.state.0.clone();
        // A fresh connection is in no group, so this cannot be refused.
        let _ = live.join("viewers");
        live.send(&now);
    }

    fn receive(&mut self, _: Message<'_>, live: &mut Live<'_, Shown>) {
        live.close(1008, "this page is only for looking");
    }
}

fn open(addresses: &[Address], kettle: &Kettle) -> Result<Running<Shown>, ServeError> {
    let now = kettle.event();
    Running::start(addresses, move || {
        App::new(Shown(now.text().to_owned()))
            .get("/", |_: &mut Cx<'_, Shown>| Response::html(PAGE))
            .consumer("/live", || Viewer)
    })
}

/// The program's own business.
struct Kettle {
    celsius: f64,
}

impl Kettle {
    fn step(&mut self) {
        self.celsius += (78.0 - self.celsius) / 40.0;
    }

    fn event(&self) -> Event {
        Event::json(&json!({ "type": "kettle", "celsius": (self.celsius * 10.0).round() / 10.0 }))
    }
}

/// Lines that somebody types, from a thread that waits for them.
#[expect(
    clippy::disallowed_methods,
    reason = "standard input has a thread of its own"
)]
fn typed() -> Receiver<String> {
    let (lines, typed) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines().map_while(Result::ok) {
            if lines.send(line).is_err() {
                return;
            }
        }
    });
    typed
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    // Where nobody listens, the kettle goes on.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
}

fn run(addresses: &[Address]) -> Result<(), Box<dyn std::error::Error>> {
    let ending = Arc::new(AtomicBool::new(false));
    for signal in [libc::SIGTERM, libc::SIGINT] {
        signal_hook::flag::register(signal, Arc::clone(&ending))?;
    }
    let mut kettle = Kettle { celsius: 18.0 };
    let mut page = Some(open(addresses, &kettle)?);
    // The next time it is put up at the very port that the system chose.
    let addresses: Vec<Address> = page
        .iter()
        .flat_map(|page| page.addresses().to_vec())
        .collect();
    addresses
        .iter()
        .for_each(|address| say(&format!("listening on {address}")));
    let typed = typed();
    let tick = Duration::from_millis(500);
    let (_never, silence) = channel::<String>();
    let mut commands = &typed;
    while !ending.load(Ordering::Relaxed) {
        let command = match commands.recv_timeout(tick) {
            Ok(line) => line,
            Err(std::sync::mpsc::RecvTimeoutError::Timeout) => String::new(),
            Err(std::sync::mpsc::RecvTimeoutError::Disconnected) => {
                commands = &silence;
                continue;
            }
        };
        match command.trim() {
            "" => kettle.step(),
            "status" => say(&format!("the kettle has {:.1} degrees", kettle.celsius)),
            "quit" => break,
            "start" if page.is_none() => {
                page = Some(open(&addresses, &kettle)?);
                say("the page is up");
            }
            "stop" => {
                if let Some(page) = page.take() {
                    page.stop()?;
                    say("the page is down");
                }
            }
            _ => say("commands: status, start, stop, quit"),
        }
        if let Some(page) = &page {
            let event = kettle.event();
            // Should the page be too busy to be told, it is told the next time.
            let _ = page.remote().act(move |tick| {
                tick.state.0 = event.text().to_owned();
                tick.house.group_send("viewers", &event);
            });
        }
    }
    if let Some(page) = page {
        page.stop()?;
    }
    Ok(())
}

fn main() -> ExitCode {
    let program = Program::new("embed", "a kettle with a page of its own");
    let args = match program.args() {
        Ok(args) => args,
        Err(ended) => return ended,
    };
    match run(args.listen()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "embed: {error}");
            ExitCode::FAILURE
        }
    }
}
