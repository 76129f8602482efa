//! # Floods: whoever behaves is served, whatever the others do
//!
//! Idle thousands, requests that never end, a reader that never reads, storms of resets. Through all
//! of it a probe asks for a page and says a word to the echo, and is answered; afterwards the server
//! holds what it held before. The numbers follow the limit on open files, so that the test runs
//! wherever it can say something; on a machine of 20,000 it opens 15,000 connections.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![allow(clippy::unwrap_in_result, reason = "in a test a panic is the report")]
#![allow(
    clippy::disallowed_methods,
    reason = "a client of the real program lives in real time"
)]

use std::io::{ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use socket2::{Domain, SockRef, Socket, Type};
use support::*;

#[path = "websocket/support.rs"]
#[expect(
    dead_code,
    reason = "shared with the other black-box tests, which use the rest"
)]
mod support;

const CONNECTIONS_MAX: u64 = 15_000;
const HALF_OPEN_MAX: usize = 5_000;
const STORM: usize = 5_000;
/// Descriptors this process leaves to the rest of itself.
const SPARE: u64 = 1_000;
/// A probe after so many connections.
const PROBE_EVERY: usize = 500;
/// What the allocator may keep of a flood that is over.
const KEPT_BYTES_MAX: usize = 8 << 20;
/// What a reader that never reads may cost: one message of the largest size, and then some.
const DEAF_BYTES_MAX: usize = 48 << 20;

/// How many connections the limit on open files allows, raised as far as it goes.
fn connections() -> usize {
    let limit = rlimit::increase_nofile_limit(CONNECTIONS_MAX + SPARE).expect("a readable limit");
    let connections = CONNECTIONS_MAX.min(limit.saturating_sub(SPARE)).max(50);
    eprintln!("{limit} open files allowed: {connections} connections");
    connections as usize
}

/// A connection from one of many addresses, so that ports never run out, that ends by RST, so that
/// none is left waiting.
fn flood_socket(server: &Server, number: usize) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a descriptor");
    let source = Ipv4Addr::new(127, 0, 0, 2 + (number % 8) as u8);
    socket
        .bind(&SocketAddr::from((source, 0)).into())
        .expect("a loopback address");
    socket
        .connect(&server.address.into())
        .expect("the server accepts");
    socket
        .set_linger(Some(Duration::ZERO))
        .expect("a live socket");
    socket.into()
}

/// The well-behaved: a page and an echo, each within the patience of [`Peer`].
fn probe(server: &Server, during: &str) {
    let host = server.address;
    let page = ask(
        server,
        &format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n\r\n"),
    );
    assert_eq!(page.status, 200, "{during}");
    let mut peer = Peer::open(server);
    peer.send(&text(during));
    peer.hear(during, &[say(during)]);
}

fn descriptors(server: &Server) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.pid()))
        .expect("a live process")
        .count()
}

fn resident_bytes(server: &Server) -> usize {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .expect("VmRSS");
    line.trim()
        .trim_end_matches(" kB")
        .parse::<usize>()
        .expect("a number")
        * 1024
}

/// What the server held before, to which it has to come back.
struct Held {
    descriptors: usize,
    resident_bytes: usize,
}

impl Held {
    fn now(server: &Server) -> Self {
        // The first requests make the server allocate what it will always have.
        (0..20).for_each(|_| probe(server, "before"));
        Self {
            descriptors: descriptors(server),
            resident_bytes: resident_bytes(server),
        }
    }

    fn check_given_back(&self, server: &Server, after: &str) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let (open, bytes) = (descriptors(server), resident_bytes(server));
            let fits = bytes <= self.resident_bytes + KEPT_BYTES_MAX;
            if open <= self.descriptors && fits {
                return;
            }
            assert!(
                Instant::now() < deadline,
                "after {after}: {open} descriptors (before: {}), {bytes} bytes (before: {})",
                self.descriptors,
                self.resident_bytes,
            );
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }
}

/// One server takes all of it, one flood after the other: what one leaves behind would show in the
/// next.
#[test]
fn a_flood_passes_and_leaves_nothing_behind() {
    let connections = connections();
    let server = Server::echo();
    let held = Held::now(&server);
    for (name, flood) in [
        ("idle connections", idle as fn(&Server, usize)),
        ("requests that never end", half_open),
        ("resets", resets),
        ("a reader that never reads", deaf),
    ] {
        let started = Instant::now();
        flood(&server, connections);
        probe(&server, name);
        held.check_given_back(&server, name);
        eprintln!("{name}: {} ms", started.elapsed().as_millis());
    }
    assert!(server.terminate().success(), "a clean end after all that");
}

/// Every second connection is upgraded, and all of them are then silent.
fn idle(server: &Server, connections: usize) {
    let request = upgrade(server.address, "/echo", "");
    let mut silent = Vec::with_capacity(connections);
    let mut upgraded = Vec::new();
    for number in 0..connections {
        let stream = flood_socket(server, number);
        if number % 2 == 0 {
            let mut peer = Peer::over(stream);
            peer.send(request.as_bytes());
            assert_eq!(peer.response().status, 101, "connection {number}");
            upgraded.push(peer);
        } else {
            silent.push(stream);
        }
        if number % PROBE_EVERY == 0 {
            probe(server, "while they come");
        }
    }
    probe(server, "while all are there");
    // They are not only held but alive.
    let some = upgraded.len().div_ceil(100);
    for peer in upgraded.iter_mut().step_by(some) {
        peer.send(&text("still here"));
        peer.expect(&say("still here"));
    }
}

/// Heads without their end. The server may lose patience with them, never with the probe.
fn half_open(server: &Server, connections: usize) {
    let request = upgrade(server.address, "/echo", "X-Filler: and so on\r\n");
    let mut open = Vec::new();
    for number in 0..HALF_OPEN_MAX.min(connections) {
        let mut stream = flood_socket(server, number);
        let until = 1 + number % (request.len() - 4);
        stream
            .write_all(&request.as_bytes()[..until])
            .expect("room for a head");
        open.push(stream);
        if number % PROBE_EVERY == 0 {
            probe(server, "while heads are open");
        }
    }
    // A byte each, so that all of them have to be looked at again.
    for stream in &mut open {
        let _ = stream.write_all(b"x");
    }
    probe(server, "while all heads are open");
}

/// Connections that end by RST: at once, inside a head, inside a frame, with an echo on its way.
fn resets(server: &Server, connections: usize) {
    let request = upgrade(server.address, "/echo", "").into_bytes();
    let message = binary(&pattern(3000));
    let whole = [&request[..], &message].concat();
    for number in 0..STORM.min(connections) {
        let mut stream = flood_socket(server, number);
        let until = match number % 5 {
            0 => 0,
            1 => request.len() / 2,
            2 => request.len(),
            3 => request.len() + message.len() / 2,
            _ => whole.len(),
        };
        // The server may be quicker with its own end.
        let _ = stream.write_all(&whole[..until]);
        drop(stream);
        if number % PROBE_EVERY == 0 {
            probe(server, "while they are reset");
        }
    }
}

/// Sends and sends and reads nothing: the server has to stop reading or to hang up, and must not
/// collect the answers.
fn deaf(server: &Server, _: usize) {
    const SENT_MAX: usize = 256 << 20;
    let before = resident_bytes(server);
    let peer = Peer::open(server);
    SockRef::from(peer.stream())
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    peer.stream()
        .set_write_timeout(Some(Duration::from_millis(500)))
        .unwrap();
    let message = binary(&pattern(64 * 1024));
    let mut sent = 0;
    while sent < SENT_MAX {
        match (&mut peer.stream()).write(&message[sent % message.len()..]) {
            Ok(length) => sent += length,
            Err(error) => {
                let stopped = matches!(
                    error.kind(),
                    ErrorKind::WouldBlock
                        | ErrorKind::TimedOut
                        | ErrorKind::BrokenPipe
                        | ErrorKind::ConnectionReset
                );
                assert!(stopped, "{error}");
                break;
            }
        }
    }
    assert!(
        sent < SENT_MAX,
        "{sent} bytes were taken from one who reads nothing"
    );
    let grown = resident_bytes(server).saturating_sub(before);
    assert!(
        grown <= DEAF_BYTES_MAX,
        "{grown} bytes are kept for one who reads nothing"
    );
    probe(server, "beside one who reads nothing");
}
