//! # What the game protocol costs: idle sessions, broadcasts, requests
//!
//! `benches/nano.sh [ROW...]` builds and runs this. The server is this very program, told to serve: one
//! component on the framework. Beside it, in turns and with as many bytes, run the examples `echo` and
//! `broadcast`, which speak nothing but WebSocket. CPU time is the kernel's own account of the server.

#![expect(
    clippy::disallowed_methods,
    reason = "a bench reads clocks, waits, and is told by the environment where programs are"
)]
#![expect(clippy::print_stdout, reason = "its words are its result")]

mod client;
mod server;

use std::error::Error;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use client::Client;
use parlour::nano::{Dictionary, Kind, Message, Packet, packet};
use server::Server;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// A row of the table: its name, and what takes it.
type Row = (&'static str, fn() -> Outcome);

const ROWS: [Row; 3] = [
    ("idle", idle),
    ("broadcast", broadcast),
    ("request", request),
];

/// Many short rounds: what else the machine does meanwhile falls into few of them, and the median is
/// that of the others.
const ROUNDS: usize = 15;
const LASTS: Duration = Duration::from_secs(1);
const PATIENCE: Duration = Duration::from_secs(20);
const NAP: Duration = Duration::from_micros(50);

/// Sessions that say nothing but heartbeats, and for how long they are watched: two ticks of each.
const IDLE: usize = 10_000;
const WATCHED: Duration = Duration::from_secs(60);

fn main() -> ExitCode {
    // `cargo bench` adds an option of its own.
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| word != "--bench")
        .collect();
    if words.first().is_some_and(|word| word == "serve") {
        return server::serve();
    }
    let mut status = ExitCode::SUCCESS;
    for (name, run) in ROWS {
        if !words.is_empty() && !words.iter().any(|word| word == name) {
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

// -------------------------------------------------------------------------------------- the rows

fn idle() -> Outcome {
    let server = Server::nano()?;
    let empty = server.kib("VmRSS")?;
    let mut clients = Vec::with_capacity(IDLE);
    while clients.len() < IDLE / 2 {
        clients.push(enter(&server)?);
    }
    std::thread::sleep(Duration::from_secs(3));
    let half = server.kib("VmRSS")?;
    while clients.len() < IDLE {
        clients.push(enter(&server)?);
    }
    std::thread::sleep(Duration::from_secs(3));
    let full = server.kib("VmRSS")?;
    let beat = Packet::Heartbeat as u8;
    let mut answer = Vec::new();
    packet::write(Packet::Heartbeat, b"", &mut answer);
    let (begun, before) = (Instant::now(), server.cpu());
    let mut beats = 0;
    while begun.elapsed() < WATCHED {
        for client in &mut clients {
            let mut is_asked = false;
            client.take(|bytes| is_asked |= bytes.first() == Some(&beat))?;
            if is_asked {
                beats += 1;
                client.say(&answer)?;
            }
        }
        std::thread::sleep(Duration::from_secs(1));
    }
    let watched = begun.elapsed();
    let share = (server.cpu() - before).as_secs_f64() / watched.as_secs_f64() * 100.0;
    let each = |more: u64, sessions: usize| more * 1024 / sessions as u64;
    println!(
        "  {IDLE} sessions: {} bytes of RSS each (at most 1024), {} from the first on; {share:.2} % of a core \
         (at most 2) with {:.2} heartbeats each in {} s",
        each(full.saturating_sub(half), IDLE / 2),
        each(full.saturating_sub(empty), IDLE),
        f64::from(beats) / IDLE as f64,
        watched.as_secs()
    );
    Ok(())
}

fn broadcast() -> Outcome {
    const MEMBERS: usize = 1000;
    let (nano, plain) = (Server::nano()?, Server::example("broadcast")?);
    let mut players = Vec::new();
    let mut others = Vec::new();
    for _ in 0..MEMBERS {
        let mut player = enter(&nano)?;
        player.say(&message(Kind::Request, 1, "bench.join", b"{}"))?;
        player.wait_for(|bytes| bytes.first() == Some(&(Packet::Data as u8)))?;
        players.push(player);
        others.push(Client::open(&plain.address, "/room/bench")?);
    }
    let words = [b'x'; 128];
    let say = message(Kind::Notify, 0, "bench.say", &words);
    let told = message(Kind::Push, 0, "onSaid", &words).len();
    for window in [1, 16] {
        let (mut ratios, mut costs) = (Vec::new(), (Vec::new(), Vec::new()));
        for _ in 0..ROUNDS {
            let each = deliveries(&nano, &mut players, window, &say)?;
            let bare = deliveries(&plain, &mut others, window, &vec![b'x'; told])?;
            ratios.push(each / bare);
            costs.0.push(each);
            costs.1.push(bare);
        }
        println!(
            "  {window} under way, {told} bytes: {:.2} us a delivery, broadcast {:.2} us: {:.2} (at most 1.10)",
            median(&costs.0),
            median(&costs.1),
            median(&ratios)
        );
    }
    Ok(())
}

fn request() -> Outcome {
    const CLIENTS: usize = 50;
    let (nano, echo) = (Server::nano()?, Server::example("echo")?);
    let players = (0..CLIENTS).map(|_| enter(&nano));
    let mut players: Vec<Client> = players.collect::<Outcome<_>>()?;
    let others = (0..CLIENTS).map(|_| Client::open(&echo.address, "/"));
    let mut others: Vec<Client> = others.collect::<Outcome<_>>()?;
    let ask = message(Kind::Request, 7, "bench.echo", &[b'x'; 64]);
    let (mut ratios, mut costs) = (Vec::new(), (Vec::new(), Vec::new()));
    for _ in 0..ROUNDS {
        let each = answers(&nano, &mut players, &ask)?;
        let bare = answers(&echo, &mut others, &vec![b'x'; ask.len()])?;
        ratios.push(each / bare);
        costs.0.push(each);
        costs.1.push(bare);
    }
    println!(
        "  {CLIENTS} clients, {} bytes: {:.2} us a request, echo {:.2} us: {:.2} (at most 1.15)",
        ask.len(),
        median(&costs.0),
        median(&costs.1),
        median(&ratios)
    );
    Ok(())
}

// --------------------------------------------------------------------------------------- the work

/// A client whose handshake is done.
fn enter(server: &Server) -> Outcome<Client> {
    let mut client = Client::open(&server.address, "/nano")?;
    let mut hello = Vec::new();
    packet::write(Packet::Handshake, b"{\"sys\":{},\"user\":{}}", &mut hello);
    client.say(&hello)?;
    client.wait_for(|bytes| bytes.first() == Some(&(Packet::Handshake as u8)))?;
    let mut ack = Vec::new();
    packet::write(Packet::HandshakeAck, b"", &mut ack);
    client.say(&ack)?;
    Ok(client)
}

fn message(kind: Kind, id: u64, route: &str, data: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet::write_with(Packet::Data, &mut bytes, |out| {
        let message = Message {
            kind,
            id,
            route,
            data,
        };
        message.write(&Dictionary::default(), out);
    });
    bytes
}

/// One says so many things, and each hears all of them, again and again: CPU of the server for one.
fn deliveries(server: &Server, clients: &mut [Client], window: usize, say: &[u8]) -> Outcome<f64> {
    let (before, begun) = (server.cpu(), Instant::now());
    let mut delivered = 0;
    while begun.elapsed() < LASTS {
        clients[0].say_all(say, window)?;
        for client in &mut *clients {
            client.wait_for_data(window)?;
        }
        delivered += window * clients.len();
    }
    Ok(micros(server.cpu() - before) / delivered as f64)
}

/// All ask, and all are answered, again and again: CPU of the server for one.
fn answers(server: &Server, clients: &mut [Client], say: &[u8]) -> Outcome<f64> {
    let (before, begun) = (server.cpu(), Instant::now());
    let mut answered = 0;
    while begun.elapsed() < LASTS {
        for client in &mut *clients {
            client.say(say)?;
        }
        for client in &mut *clients {
            client.wait_for_data(1)?;
        }
        answered += clients.len();
    }
    Ok(micros(server.cpu() - before) / answered as f64)
}

fn micros(time: Duration) -> f64 {
    time.as_secs_f64() * 1e6
}

fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(f64::NAN)
}
