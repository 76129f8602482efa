//! # Everybody at their own pace, from outside
//!
//! Clients that read slowly, fall silent or ask for too much at once, over real sockets: each gets
//! what it is owed, and none is a burden for the others.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::mpsc::channel;
use std::time::Duration;

use parlour::client::Socket;
use parlour::http::Response;
use parlour::reactor::{Sent, Settings};
use parlour::web::{App, Consumer, Cx, Event, Feed, Flow, Live, Tick, Wait, stream};
use parlour::ws::Message;
use people::{Browser, serve};
use socket2::{Domain, Type};

mod people;

fn text(socket: &mut Socket) -> String {
    let message = socket.read().unwrap().expect("the socket is open");
    message.text().expect("it is text").to_owned()
}

/// A client for which the kernel keeps little, so that it is soon slow. It only listens.
struct Slow(BufReader<TcpStream>);

impl Slow {
    fn connect(address: SocketAddr) -> Self {
        let socket = socket2::Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.set_recv_buffer_size(16 << 10).unwrap();
        socket.connect(&address.into()).unwrap();
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(people::PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }

    fn open(address: SocketAddr, path: &str) -> Self {
        let mut slow = Self::connect(address);
        write!(
            slow.0.get_mut(),
            "GET {path} HTTP/1.1\r\nHost: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        .unwrap();
        slow.skip_head();
        slow
    }

    fn skip_head(&mut self) {
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            assert!(self.0.read_line(&mut line).unwrap() > 0);
        }
    }

    /// The next text, of less than 64 KiB.
    fn text(&mut self) -> String {
        let mut head = [0; 2];
        self.0.read_exact(&mut head).unwrap();
        assert_eq!(head[0], 0x81, "a whole text");
        let mut len = usize::from(head[1]);
        if len == 126 {
            self.0.read_exact(&mut head).unwrap();
            len = usize::from(u16::from_be_bytes(head));
        }
        let mut text = vec![0; len];
        self.0.read_exact(&mut text).unwrap();
        String::from_utf8(text).unwrap()
    }
}

// ---- falling behind -----------------------------------------------------------------------------

/// What was said, and how often somebody fell behind.
#[derive(Default)]
struct Book {
    said: Vec<String>,
    falls: u32,
}

/// Writes what is said into the book, and reads from there what its client has missed.
#[derive(Default)]
struct Reader {
    next: u64,
}

impl Consumer<Book> for Reader {
    fn opened(&mut self, live: &mut Live<'_, Book>) {
        live.join("all").unwrap();
        live.send("welcome");
    }

    fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, Book>) {
        let Message::Text(text) = message else { return };
        match text {
            "hold" => assert!(live.deafen()),
            "resume" => self.catch_up(live),
            "falls" => drop(live.send(&live.state.falls.to_string())),
            text => {
                let number = live.state.said.len() as u64;
                live.state.said.push(text.to_owned());
                let event = Event::new("said", text).numbered(number);
                live.house.group_send("all", &event);
            }
        }
    }

    fn may_fall_behind(&self) -> bool {
        true
    }

    fn fell_behind(&mut self, missed: u64, live: &mut Live<'_, Book>) {
        live.state.falls += 1;
        self.next = missed;
    }

    fn catch_up(&mut self, live: &mut Live<'_, Book>) {
        while let Some(text) = live.state.said.get(self.next as usize).cloned() {
            self.next += 1;
            if live.send(&text) == Sent::Full {
                return;
            }
        }
        live.hear();
    }
}

fn book() -> App<Book> {
    let settings = Settings {
        outbox_bytes_max: 256 << 10,
        ..Settings::default()
    };
    App::new(Book::default())
        .consumer("/book", Reader::default)
        .settings(settings)
}

#[test]
fn a_slow_reader_falls_behind_and_misses_nothing() {
    let (running, address) = serve(book);
    let browser = Browser::at(address);
    let mut slow = Slow::open(address, "/book");
    assert_eq!(slow.text(), "welcome");
    let mut quick = browser.socket("/book").unwrap();
    assert_eq!(text(&mut quick), "welcome");
    let page = "x".repeat(20_000);
    let mut count = 0;
    let mut say = |quick: &mut Socket| {
        let said = format!("{count} {page}");
        quick.write(said.as_str()).unwrap();
        assert_eq!(text(quick), said);
        count += 1;
    };
    // Until the kernel keeps no more for it, and some more.
    let mut falls = String::from("0");
    while falls == "0" {
        (0..20).for_each(|_| say(&mut quick));
        quick.write("falls").unwrap();
        falls = text(&mut quick);
    }
    (0..20).for_each(|_| say(&mut quick));
    for number in 0..count {
        assert!(slow.text().starts_with(&format!("{number} ")));
    }
    // It hears again as the others do.
    quick.write("the end").unwrap();
    assert_eq!(slow.text(), "the end");
    assert_eq!(text(&mut quick), "the end");
    drop((slow, quick));
    running.stop().unwrap();
}

#[test]
fn who_is_held_hears_nothing_until_it_has_heard_what_it_missed() {
    let (running, address) = serve(book);
    let browser = Browser::at(address);
    let mut held = browser.socket("/book").unwrap();
    assert_eq!(text(&mut held), "welcome");
    for says in ["hold", "falls"] {
        held.write(says).unwrap();
    }
    assert_eq!(text(&mut held), "0", "what is said to it alone arrives");
    let mut other = browser.socket("/book").unwrap();
    assert_eq!(text(&mut other), "welcome");
    for says in ["a", "b", "c"] {
        other.write(says).unwrap();
        assert_eq!(text(&mut other), says);
    }
    for says in ["falls", "resume", "d"] {
        held.write(says).unwrap();
    }
    for heard in ["0", "a", "b", "c", "d"] {
        assert_eq!(text(&mut held), heard);
    }
    drop((held, other));
    running.stop().unwrap();
}

// ---- heartbeats ---------------------------------------------------------------------------------

/// Says `{}` when all is quiet, and nothing else.
struct Quiet;

impl Consumer<u32> for Quiet {
    fn receive(&mut self, _: Message<'_>, live: &mut Live<'_, u32>) {
        *live.state += 1;
    }

    fn heartbeat(&self) -> Option<(Duration, String)> {
        Some((Duration::from_millis(500), "{}".into()))
    }

    fn unanswered(&mut self, live: &mut Live<'_, u32>) {
        live.send("bye");
    }
}

#[test]
fn who_answers_heartbeats_stays_and_who_does_not_is_told_why() {
    let (running, address) = serve(|| App::new(0).consumer("/quiet", || Quiet));
    let mut socket = Browser::at(address).socket("/quiet").unwrap();
    for _ in 0..3 {
        assert_eq!(text(&mut socket), "{}");
        socket.write("{}").unwrap();
    }
    let mut heard = text(&mut socket);
    while heard == "{}" {
        heard = text(&mut socket);
    }
    assert_eq!(heard, "bye");
    assert!(socket.read().unwrap().is_none());
    assert_eq!(socket.closed().unwrap().0, Some(4008));
    assert_eq!(running.stop().unwrap(), 3);
}

// ---- more under way than may be -----------------------------------------------------------------

const UNDER_WAY_MAX: usize = 3;

/// Has a helper do each command, but only a few at a time.
#[derive(Default)]
struct Busy {
    under_way: usize,
}

impl Consumer<usize> for Busy {
    fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, usize>) {
        self.under_way += 1;
        *live.state = self.under_way.max(*live.state);
        if self.under_way == UNDER_WAY_MAX {
            live.hold_input();
        }
        let done = String::from_utf8(message.bytes().to_vec()).unwrap();
        live.wait(Wait::on_helper(|| done), |me: &mut Self, live, done| {
            me.under_way -= 1;
            live.release_input();
            live.send(&done.unwrap());
        });
    }
}

#[test]
fn who_has_enough_under_way_is_not_listened_to_until_some_of_it_is_done() {
    let (running, address) = serve(|| App::new(0).consumer("/busy", Busy::default));
    let mut socket = Browser::at(address).socket("/busy").unwrap();
    for number in 0..1000 {
        socket.write(number.to_string().as_str()).unwrap();
    }
    for number in 0..1000 {
        assert_eq!(text(&mut socket), number.to_string());
    }
    socket.close(1000, "").unwrap();
    while socket.read().unwrap().is_some() {}
    assert_eq!(running.stop().unwrap(), UNDER_WAY_MAX);
}

// ---- the beginning and the end ------------------------------------------------------------------

/// Tells who comes what was there before, and says goodbye.
struct Guest;

impl Consumer<Vec<&'static str>> for Guest {
    fn opened(&mut self, live: &mut Live<'_, Vec<&'static str>>) {
        live.join("all").unwrap();
        live.send(&live.state.join(", "));
    }

    fn receive(&mut self, _: Message<'_>, live: &mut Live<'_, Vec<&'static str>>) {
        live.send(&live.state.join(", "));
    }

    fn disconnect(&mut self, _: Option<u16>, live: &mut Live<'_, Vec<&'static str>>) {
        live.state.push("left");
    }
}

#[test]
fn an_app_has_the_first_word_and_the_last() {
    let (running, address) = serve(|| {
        App::new(Vec::new())
            .consumer("/guest", || Guest)
            .on_start(|tick| tick.state.push("first"))
            .on_start(|_| panic!("as the test wants it"))
            .on_start(|tick| {
                tick.house.wait(Wait::on_helper(|| ()), |tick, _| {
                    tick.state.push("third");
                });
                tick.state.push("second");
            })
            .on_stopping(|tick| {
                tick.house.group_send("all", &Event::new("bye", "goodbye"));
                tick.state.push("stopping");
            })
            .farewell(4004, "back soon")
    });
    let mut guest = Browser::at(address).socket("/guest").unwrap();
    assert!(text(&mut guest).starts_with("first, second"));
    // What was asked of a helper in the beginning comes back as it always does.
    let mut heard = String::new();
    while !heard.ends_with("third") {
        guest.write("?").unwrap();
        heard = text(&mut guest);
    }
    running.remote().stop();
    assert_eq!(text(&mut guest), "goodbye");
    assert!(guest.read().unwrap().is_none());
    assert_eq!(guest.closed(), Some((Some(4004), "back soon")));
    drop(guest);
    let state = running.stop().unwrap();
    assert_eq!(state, ["first", "second", "third", "stopping", "left"]);
}

// ---- streams ------------------------------------------------------------------------------------

/// Writes what is in the book and what comes, but nothing while it was told to wait.
#[derive(Default)]
struct Column {
    next: usize,
    is_full: bool,
}

impl Feed<Book> for Column {
    fn more(&mut self, flow: &mut Flow<'_, Book>) {
        if flow.join("column") == Ok(true) {
            assert!(!self.is_full, "it has just begun");
        }
        self.is_full = false;
        while let Some(text) = flow.state.said.get(self.next) {
            let line = format!("{text}\n");
            self.next += 1;
            if flow.write(line.as_bytes()) == Sent::Full {
                flow.state.falls += 1;
                self.is_full = true;
                return;
            }
        }
        if flow.state.said.last().is_some_and(|last| last == "the end") {
            flow.end();
        }
    }

    fn event(&mut self, _: &Event, flow: &mut Flow<'_, Book>) {
        if !self.is_full {
            self.more(flow);
        }
    }
}

#[test]
fn a_feed_that_waits_when_it_is_told_to_is_not_cut_off() {
    let column = |_: &mut Cx<'_, Book>| stream(Response::text(""), None, Column::default());
    let (running, address) = serve(move || book().get("/column", column));
    let mut slow = Slow::connect(address);
    write!(slow.0.get_mut(), "GET /column HTTP/1.0\r\n\r\n").unwrap();
    slow.skip_head();
    // Larger than the whole budget, now and then.
    let (page, tome) = ("x".repeat(20_000), "X".repeat(300_000));
    let mut said = Vec::new();
    let (tell, told) = channel();
    loop {
        let number = said.len();
        let text = format!("{number} {}", if number % 50 == 9 { &tome } else { &page });
        said.push(text.clone());
        let tell = tell.clone();
        let says = move |tick: &mut Tick<'_, Book>| {
            tick.state.said.push(text);
            tick.house.group_send("column", &Event::new("said", ""));
            tell.send(tick.state.falls).unwrap();
        };
        running.remote().act(says).unwrap();
        let falls = told.recv().unwrap();
        if falls > 0 && number % 50 == 30 {
            break;
        }
    }
    said.push("the end".into());
    let ends = |tick: &mut Tick<'_, Book>| {
        tick.state.said.push("the end".into());
        tick.house.group_send("column", &Event::new("said", ""));
    };
    running.remote().act(ends).unwrap();
    let mut lines = slow.0.lines();
    for text in said {
        assert!(lines.next().unwrap().unwrap() == text, "whole and in order");
    }
    assert!(lines.next().is_none());
    running.stop().unwrap();
}
