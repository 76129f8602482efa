//! # Cycles: whoever comes and goes leaves nothing behind
//!
//! Connections open, join a room and a group of their own, say something, hear it, and end in each of
//! the ways in which connections end. Afterwards there are no groups, no consumers, and no more
//! memory than after the first of them. A file of its own, because it reads this process's memory.
//!
//! `PARLOUR_CYCLES=1000000 cargo test --release --test cycles` is the long run.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};

use parlour::reactor::driver::listeners::Address;
use parlour::web::{App, Connect, Consumer, Cx, Event, Live, Running, Scope};
use parlour::ws::Message;

/// Cycles of an ordinary run.
const CYCLES: u64 = 10_000;

/// What memory may grow by after the first tenth: what an allocator keeps for itself.
const GROWTH_KIB_MAX: u64 = 1024;

#[derive(Default)]
struct Count {
    opened: u64,
    ended: u64,
}

#[derive(Default)]
struct Visitor {
    name: String,
}

impl Consumer<Count> for Visitor {
    fn connect(&mut self, scope: &mut Scope<'_, Count>) -> Connect {
        self.name = scope.request.param("name").unwrap();
        Connect::Accept
    }

    fn opened(&mut self, live: &mut Live<'_, Count>) {
        live.state.opened += 1;
        live.join("everybody").unwrap();
        live.join(&self.name).unwrap();
    }

    fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, Count>) {
        let Message::Text(text) = message else { return };
        let event = Event::new("said", text);
        live.house.group_send(&self.name, &event);
    }

    fn disconnect(&mut self, _: Option<u16>, live: &mut Live<'_, Count>) {
        live.state.ended += 1;
    }
}

fn app() -> App<Count> {
    let members = |cx: &mut Cx<'_, Count>| cx.house.group_len("everybody").to_string();
    App::new(Count::default())
        .consumer("/{name}", Visitor::default)
        .get("/", members)
}

/// How one visit goes.
fn visit(address: SocketAddr, number: u64) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_nodelay(true).unwrap();
    let head = format!(
        "GET /visitor-{number} HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    // A masked text frame of "hi", with a mask of nothing; behind it, sometimes, a close frame.
    let mut said = b"\x81\x82\0\0\0\0hi".to_vec();
    if number.is_multiple_of(4) {
        said.extend(b"\x88\x82\0\0\0\0\x03\xe8");
    }
    stream
        .write_all(&[head.as_bytes(), &said].concat())
        .unwrap();
    // One in eight does not wait for an answer.
    if number % 8 != 3 {
        let mut heard: Vec<u8> = Vec::new();
        let mut piece = [0; 512];
        while !heard.windows(4).any(|bytes| bytes == b"\x81\x02hi") {
            let length = stream.read(&mut piece).unwrap();
            assert_ne!(length, 0, "the server ended before it spoke");
            heard.extend(&piece[..length]);
        }
    }
    // They vanish with a reset, which also keeps the ports from running out.
    let socket = socket2::SockRef::from(&stream);
    socket.set_linger(Some(std::time::Duration::ZERO)).unwrap();
}

fn resident_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}

/// How many are in the room.
fn members(address: SocketAddr) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .write_all(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
        .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer.rsplit("\r\n").next().unwrap().to_owned()
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "how long to run is the caller's choice"
)]
fn whoever_comes_and_goes_leaves_nothing_behind() {
    let cycles = std::env::var("PARLOUR_CYCLES");
    let cycles = cycles.map_or(CYCLES, |text| text.parse().unwrap());
    let any: Address = "127.0.0.1:0".parse().unwrap();
    let running = Running::start(&[any], app).unwrap();
    let address = running.addresses()[0].tcp().unwrap();
    // The first half lets tables and the allocator find their size; what leaks goes on.
    (0..cycles / 2).for_each(|number| visit(address, number));
    let before = resident_kib();
    (cycles / 2..cycles).for_each(|number| visit(address, number));
    while members(address) != "0" {}
    let after = resident_kib();
    let count = running.stop().unwrap();
    assert_eq!(count.opened, count.ended);
    // Whoever did not wait may have vanished before it was taken in.
    assert!(
        count.opened >= cycles - cycles / 8,
        "{} of {cycles}",
        count.opened
    );
    assert!(
        after <= before + GROWTH_KIB_MAX,
        "memory grew from {before} to {after} KiB"
    );
}
