//! # People: who speaks HTTP
//!
//! A person is a script and a model: it knows what it is owed before it asks. What it does goes out
//! as [`Deed`]s; the world cuts, delays and delivers them.

use std::collections::VecDeque;

use crate::ground::seed::Seed;
use crate::sim::feed;
use crate::sim::network::End;
use crate::sim::reader::Reader;
use crate::sim::subject::{self, BODY_BYTES_MAX, Subject};
use crate::sim::talker::Talker;

/// What somebody does.
#[derive(Debug)]
pub(super) enum Deed {
    Say(Vec<u8>),
    /// Sends no more.
    End,
    /// Is gone.
    Reset,
    /// Wants to be asked again after so many milliseconds.
    Wait(u64),
}

/// How somebody is: fast or slow, in pieces or as a whole.
#[derive(Clone, Debug)]
pub(super) struct Habit {
    pub(super) latency_ms: u64,
    /// Between two pieces of what is said.
    pub(super) gap_ms: u64,
    pub(super) pieces_max: u64,
    /// Bytes taken at a time.
    pub(super) take_max: usize,
    /// Between two takes.
    pub(super) take_ms: u64,
    /// Stops reading after so many bytes.
    pub(super) stops_after: Option<usize>,
    /// Does not end when the other side has.
    pub(super) deaf: bool,
    /// The longest that it may be silent and still keep the rules.
    pub(super) patience_ms: u64,
}

/// What somebody is told of the world while it judges what it heard.
pub(super) struct View<'w> {
    pub(super) subject: &'w Subject,
    /// Its own stay in a room.
    pub(super) stay: Option<subject::Stay>,
    /// The first piece that it is owed of a feed.
    pub(super) fed_from: Option<usize>,
    pub(super) shut_down: bool,
    pub(super) outbox_bytes_max: usize,
    pub(super) pause_bytes: usize,
}

/// Who is there.
#[derive(Debug)]
pub(super) enum Person {
    Asker(Asker),
    Talker(Box<Talker>),
}

impl Person {
    /// Its turn to do something.
    pub(super) fn act(&mut self, deeds: &mut Vec<Deed>) {
        match self {
            Self::Asker(asker) => asker.act(deeds),
            Self::Talker(talker) => talker.act(deeds),
        }
    }

    /// Bytes have reached it. How many answers and messages they completed.
    pub(super) fn hear(&mut self, bytes: &[u8], view: &View<'_>, deeds: &mut Vec<Deed>) -> u64 {
        match self {
            Self::Asker(asker) => asker.hear(bytes, view, deeds),
            Self::Talker(talker) => talker.hear(bytes, view, deeds),
        }
    }

    /// The server's side has ended.
    pub(super) fn end(&mut self, end: End, excused: bool, view: &View<'_>, deeds: &mut Vec<Deed>) {
        match self {
            Self::Asker(asker) => asker.end(end, excused, view, deeds),
            Self::Talker(talker) => talker.end(end, excused, view, deeds),
        }
    }
}

/// An answer that is owed.
#[derive(Debug)]
struct Owed {
    status: u16,
    /// None where the words are the server's own.
    body: Option<Vec<u8>>,
    /// So many pieces of this feed, from where it came in.
    feed: Option<(usize, usize)>,
    head_only: bool,
    closes: bool,
    /// May break off: the app does not look at what becomes of what it writes.
    fragile: bool,
    /// Must break off: the app gives it up.
    aborted: bool,
}

impl Owed {
    const fn ok(body: Vec<u8>) -> Self {
        Self {
            status: 200,
            body: Some(body),
            feed: None,
            head_only: false,
            closes: false,
            fragile: false,
            aborted: false,
        }
    }

    /// The beginning of this at most.
    fn aborted(body: Vec<u8>) -> Self {
        Self {
            closes: true,
            fragile: true,
            aborted: true,
            ..Self::ok(body)
        }
    }

    /// Pieces of a feed. Those who say it to all do not look at what becomes of it.
    fn feed(name: usize, count: usize) -> Self {
        Self {
            body: None,
            feed: Some((name, count)),
            closes: true,
            fragile: true,
            ..Self::ok(Vec::new())
        }
    }

    /// The body, where it is known.
    fn body(&self, view: &View<'_>) -> Option<Vec<u8>> {
        match self.feed {
            Some((name, count)) => Some(feed::pieces(name, view.fed_from?, count)),
            None => self.body.clone(),
        }
        .filter(|_| !self.head_only)
    }

    const fn fault(status: u16) -> Self {
        Self {
            status,
            body: None,
            feed: None,
            head_only: false,
            closes: true,
            fragile: false,
            aborted: false,
        }
    }
}

/// One thing to ask.
#[derive(Debug)]
struct Ask {
    bytes: Vec<u8>,
    /// Sent when the server says 100.
    after_continue: Option<Vec<u8>>,
    owed: Option<Owed>,
}

/// How an asker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leave {
    /// Ends its side behind the last request.
    AtOnce,
    /// Ends its side when everything is answered.
    Answered,
    /// Does nothing more; the server has to end it.
    Never,
    /// Resets, some time.
    Reset,
}

/// Somebody who asks over HTTP.
#[derive(Debug)]
pub(super) struct Asker {
    script: VecDeque<Ask>,
    owed: VecDeque<Owed>,
    /// The rest of a request whose head asked for 100.
    held: Option<Vec<u8>>,
    reader: Reader,
    one_by_one: bool,
    pause_ms: u64,
    leave: Leave,
    reset_ms: u64,
    ended: bool,
    closing: bool,
}

impl Asker {
    pub(super) fn new(chance: &mut Seed, habit: &Habit) -> Self {
        let count = 1 + chance.below(6);
        let mut script: VecDeque<Ask> = (0..count).map(|_| ask(chance)).collect();
        let mut leave = match chance.below(8) {
            0..3 => Leave::AtOnce,
            3..6 => Leave::Answered,
            6 => Leave::Never,
            _ => Leave::Reset,
        };
        if leave != Leave::Reset
            && chance.once_in(2)
            && let Some(last) = last_ask(chance, &mut leave)
        {
            script.push_back(last);
        }
        // Some come for nothing but a feed, so that several read it together.
        if leave != Leave::Reset && chance.once_in(3) {
            script = VecDeque::from([feed_ask(chance)]);
        }
        // Now and then somebody who says nothing at all.
        if chance.once_in(20) {
            script.clear();
            leave = Leave::Never;
        }
        Self {
            script,
            owed: VecDeque::new(),
            held: None,
            reader: Reader::default(),
            one_by_one: chance.once_in(2),
            pause_ms: chance.below(habit.patience_ms / 2 + 1),
            leave,
            reset_ms: chance.below(8000),
            ended: false,
            closing: false,
        }
    }

    /// Whether it lets the server wait for something until a deadline.
    pub(super) fn says_nothing(&self) -> bool {
        self.script.is_empty() && self.leave == Leave::Never
    }

    fn act(&mut self, deeds: &mut Vec<Deed>) {
        if self.ended || self.closing {
            return;
        }
        if let Some(rest) = self.held.take() {
            // It has waited for 100 long enough.
            deeds.push(Deed::Say(rest));
        }
        while let Some(next) = self.script.pop_front() {
            deeds.push(Deed::Say(next.bytes));
            self.owed.extend(next.owed);
            if let Some(rest) = next.after_continue {
                self.held = Some(rest);
                deeds.push(Deed::Wait(self.pause_ms.max(1)));
                return;
            }
            if self.one_by_one && !self.script.is_empty() {
                // The answer makes it go on.
                return;
            }
        }
        match self.leave {
            Leave::AtOnce => self.leave_now(deeds),
            Leave::Answered if self.owed.is_empty() => self.leave_now(deeds),
            Leave::Answered | Leave::Never => {}
            Leave::Reset if self.reset_ms > 0 => {
                deeds.push(Deed::Wait(std::mem::take(&mut self.reset_ms)));
            }
            Leave::Reset => deeds.push(Deed::Reset),
        }
    }

    fn leave_now(&mut self, deeds: &mut Vec<Deed>) {
        self.ended = true;
        deeds.push(Deed::End);
    }

    fn hear(&mut self, bytes: &[u8], view: &View<'_>, deeds: &mut Vec<Deed>) -> u64 {
        self.reader.feed(bytes);
        self.judge(false, view, deeds)
    }

    /// Compares what is whole with what is owed.
    fn judge(&mut self, ended: bool, view: &View<'_>, deeds: &mut Vec<Deed>) -> u64 {
        let mut compared = 0;
        while !self.reader.idle() {
            assert!(!self.closing, "something comes after the last answer");
            let Some(owed) = self.owed.front() else {
                panic!("an answer that nobody asked for");
            };
            let Some(answer) = self.reader.next(owed.head_only, ended) else {
                let begun = self.reader.begun();
                let so_far = begun.map_or(&[][..], |answer| &answer.body);
                if let Some(body) = owed.body.as_ref().filter(|_| !so_far.is_empty()) {
                    assert!(body.starts_with(so_far), "an answer begins as it is owed");
                }
                break;
            };
            if answer.status == 100 {
                let rest = self.held.take();
                deeds.extend(rest.map(Deed::Say));
                continue;
            }
            assert!(!owed.aborted, "what is given up is never whole");
            compared += 1;
            let status = answer.status;
            assert_eq!(status, owed.status, "another answer than is owed: {owed:?}");
            if let Some(body) = owed.body(view) {
                let same = body == answer.body;
                assert!(same, "promise 3: a body is whole and in order, {owed:?}");
            }
            assert!(
                answer.closes || !owed.closes,
                "an end that was asked for is announced, {owed:?}"
            );
            self.closing = answer.closes;
            let owed_closes = owed.closes;
            self.owed.pop_front();
            if self.closing && !owed_closes && !view.shut_down {
                assert!(
                    self.ended && self.owed.is_empty(),
                    "promise 3: the connection is closed while answers are owed"
                );
            }
            if !self.script.is_empty() && self.one_by_one {
                deeds.push(Deed::Wait(self.pause_ms));
            } else if self.leave == Leave::Answered && self.owed.is_empty() && !self.ended {
                deeds.push(Deed::Wait(0));
            }
        }
        compared
    }

    fn end(&mut self, end: End, excused: bool, view: &View<'_>, deeds: &mut Vec<Deed>) {
        self.judge(end == End::Clean, view, deeds);
        // Of what breaks off, the beginning.
        if let (Some(owed), Some(begun)) = (self.owed.front(), self.reader.begun())
            && let Some(body) = owed.body(view)
        {
            let same = body.starts_with(&begun.body);
            assert!(same, "promise 3: a body is in order, {owed:?}");
        }
        if !self.ended {
            self.leave_now(deeds);
        }
        // The reset takes along what was said in the same breath.
        let fragile = self.owed.iter().any(|owed| owed.fragile);
        // Who is idle when the server goes may just have asked again: nobody can know.
        let too_late = view.shut_down && self.reader.idle();
        if excused || self.leave == Leave::Reset || fragile || too_late {
            return;
        }
        assert_eq!(end, End::Clean, "who keeps the rules is not reset");
        assert!(self.reader.idle(), "promise 3: an answer breaks off");
        let excused = self.closing;
        assert!(
            self.owed.is_empty() || excused,
            "promise 3: answers are owed: {:?}",
            self.owed
        );
    }
}

fn request(method: &str, target: &str, fields: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\nHost: sim.example\r\n{fields}\r\n").into_bytes()
}

pub(super) fn size(chance: &mut Seed, max: u64) -> usize {
    let max = match chance.below(4) {
        0 => max,
        1 => max / 8,
        _ => max.min(200),
    };
    chance.below(max + 1) as usize
}

fn chunks(body: &[u8], chance: &mut Seed) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = body;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(1 + chance.below(rest.len() as u64) as usize);
        let extension = if chance.once_in(5) { ";a=b" } else { "" };
        out.extend_from_slice(format!("{:x}{extension}\r\n", chunk.len()).as_bytes());
        out.extend_from_slice(chunk);
        out.extend_from_slice(b"\r\n");
        rest = after;
    }
    let trailers = if chance.once_in(4) {
        "X-Sum: 1\r\n"
    } else {
        ""
    };
    out.extend_from_slice(format!("0\r\n{trailers}\r\n").as_bytes());
    out
}

/// Where a body may go: into memory, or on in pieces.
fn takes_body(chance: &mut Seed) -> &'static str {
    ["/echo", "/upload", "/upload?hold=500"][chance.below(3) as usize]
}

/// A request with a body, whole or in chunks.
fn post(chance: &mut Seed, target: &str, body: &[u8]) -> Vec<u8> {
    let (fields, body) = if chance.once_in(2) {
        let length = format!("Content-Length: {}\r\n", body.len());
        (length, body.to_vec())
    } else {
        let chunked = "Transfer-Encoding: chunked\r\n".to_owned();
        (chunked, chunks(body, chance))
    };
    let mut bytes = request("POST", target, &fields);
    bytes.extend_from_slice(&body);
    bytes
}

fn stream_target(chance: &mut Seed, careless: bool) -> (String, Vec<u8>) {
    let (name, size) = (chance.below(50) as usize, size(chance, 30_000));
    let known = chance.below(2);
    let timed = chance.once_in(4);
    let piece = if timed {
        size / 200 + 1
    } else {
        1 + chance.below(240) as usize
    };
    let every = if timed { 1 + chance.below(70) } else { 0 };
    let ms = if chance.once_in(3) {
        chance.below(3000)
    } else {
        0
    };
    let careless = u8::from(careless);
    let target = format!(
        "/stream?name={name}&size={size}&piece={piece}&known={known}&every={every}&ms={ms}&careless={careless}"
    );
    (target, subject::stream_bytes(name, 0, size))
}

/// A request that keeps the rules, and what answers it.
fn ask(chance: &mut Seed) -> Ask {
    let number = chance.below(1000);
    let ms = chance.below(4000);
    let simple = |method: &str, target: &str, owed: Owed| Ask {
        bytes: request(method, target, ""),
        after_continue: None,
        owed: Some(owed),
    };
    match chance.below(12) {
        0 | 1 => {
            let target = format!("/echo?n={number}");
            simple(
                "GET",
                &target,
                Owed::ok(subject::echo_body("GET", &target, b"")),
            )
        }
        2 => {
            let target = format!("/later?ms={ms}&n={number}");
            simple(
                "GET",
                &target,
                Owed::ok(subject::echo_body("GET", &target, b"")),
            )
        }
        3 | 4 => {
            let (target, body) = stream_target(chance, false);
            simple("GET", &target, Owed::ok(body))
        }
        5 => {
            let size = size(chance, 60_000);
            let body = subject::stream_bytes(3, 0, size);
            simple("GET", &format!("/big?size={size}"), Owed::ok(body))
        }
        6 => {
            let (target, body) = if chance.once_in(2) {
                stream_target(chance, false)
            } else {
                (format!("/echo?n={number}"), Vec::new())
            };
            let owed = Owed {
                head_only: true,
                ..Owed::ok(body)
            };
            simple("HEAD", &target, owed)
        }
        7 => {
            let owed = Owed {
                status: 204,
                ..Owed::ok(Vec::new())
            };
            simple("GET", "/none", owed)
        }
        8 => {
            let owed = Owed {
                status: 404,
                body: None,
                ..Owed::ok(Vec::new())
            };
            simple("GET", "/nowhere", owed)
        }
        kind => {
            let size = size(chance, 20_000);
            let body = subject::stream_bytes(5, 0, size);
            let target = match chance.below(6) {
                0 => format!("/later?ms={ms}"),
                1 => format!("/upload?n={number}&ms={ms}"),
                2 | 3 => format!("/upload?n={number}&hold={ms}"),
                _ => format!("/echo?n={number}"),
            };
            let owed = Some(Owed::ok(subject::echo_body("POST", &target, &body)));
            let (length, body) = if kind == 9 {
                (
                    "Transfer-Encoding: chunked\r\n".to_owned(),
                    chunks(&body, chance),
                )
            } else {
                (format!("Content-Length: {size}\r\n"), body)
            };
            if kind == 11 && !body.is_empty() {
                let fields = format!("{length}Expect: 100-continue\r\n");
                return Ask {
                    bytes: request("POST", &target, &fields),
                    after_continue: Some(body),
                    owed,
                };
            }
            let mut bytes = request("POST", &target, &length);
            bytes.extend_from_slice(&body);
            Ask {
                bytes,
                after_continue: None,
                owed,
            }
        }
    }
}

/// A request for some pieces of a feed. Its connection ends behind them.
fn feed_ask(chance: &mut Seed) -> Ask {
    let (name, count) = (chance.below(2) as usize, 1 + chance.below(60) as usize);
    let (every, known) = (1 + chance.below(200), chance.below(2));
    let target = format!("/feed?name={name}&pieces={count}&every={every}&known={known}");
    let bytes = match chance.once_in(2) {
        true => request("GET", &target, "Connection: close\r\n"),
        false => format!("GET {target} HTTP/1.0\r\n\r\n").into_bytes(),
    };
    Ask {
        bytes,
        after_continue: None,
        owed: Some(Owed::feed(name, count)),
    }
}

/// A request that ends its connection one way or the other.
fn last_ask(chance: &mut Seed, leave: &mut Leave) -> Option<Ask> {
    let whole = |bytes: Vec<u8>, owed: Owed| {
        Some(Ask {
            bytes,
            after_continue: None,
            owed: Some(owed),
        })
    };
    match chance.below(13) {
        0 => {
            let careless = chance.once_in(2);
            let (target, body) = stream_target(chance, careless);
            let owed = Owed {
                closes: true,
                fragile: target.ends_with("careless=1"),
                ..Owed::ok(body)
            };
            whole(request("GET", &target, "Connection: close\r\n"), owed)
        }
        1 => {
            let (target, body) = stream_target(chance, false);
            let owed = Owed {
                closes: true,
                ..Owed::ok(body)
            };
            whole(format!("GET {target} HTTP/1.0\r\n\r\n").into_bytes(), owed)
        }
        2 => whole(
            b"GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n".to_vec(),
            Owed::fault(400),
        ),
        3 => whole(
            b"\x16\x03\x01 what is this\r\n\r\n".to_vec(),
            Owed::fault(400),
        ),
        4 => {
            let mut bytes = request("POST", "/refuse", "Content-Length: 900\r\n");
            bytes.resize(bytes.len() + 900, b'x');
            whole(bytes, Owed::fault(403))
        }
        5 => {
            let length = format!("Content-Length: {}\r\n", BODY_BYTES_MAX + 1);
            whole(
                request("POST", takes_body(chance), &length),
                Owed::fault(413),
            )
        }
        // The app has enough of it before its end, or breaks off what it has begun.
        9 => {
            let body = vec![b'x'; 1 + size(chance, 20_000)];
            let at = 1 + chance.below(body.len() as u64);
            if chance.once_in(2) {
                let target = format!("/upload?hold=100&answer={at}");
                whole(post(chance, &target, &body), Owed::fault(403))
            } else {
                let target = format!("/upload?hold=100&abort={at}");
                whole(post(chance, &target, &body), Owed::aborted(Vec::new()))
            }
        }
        10 => {
            let (target, body) = stream_target(chance, false);
            let at = 1 + chance.below(body.len() as u64 + 1);
            let target = format!("{target}&abort={at}");
            let owed = if at < body.len() as u64 {
                Owed::aborted(body)
            } else {
                Owed {
                    closes: true,
                    ..Owed::ok(body)
                }
            };
            let bytes = if chance.once_in(2) {
                request("GET", &target, "Connection: close\r\n")
            } else {
                format!("GET {target} HTTP/1.0\r\n\r\n").into_bytes()
            };
            whole(bytes, owed)
        }
        11 => {
            let ms = chance.below(1000);
            let target = format!("/later?ms={ms}&abort=1");
            whole(request("GET", &target, ""), Owed::aborted(Vec::new()))
        }
        12 => {
            let body = vec![b'x'; BODY_BYTES_MAX as usize + 1];
            let fields = "Transfer-Encoding: chunked\r\n";
            let mut bytes = request("POST", takes_body(chance), fields);
            bytes.extend_from_slice(&chunks(&body, chance));
            whole(bytes, Owed::fault(413))
        }
        6 => {
            let size = size(chance, 60_000);
            let owed = Owed {
                closes: true,
                ..Owed::ok(subject::stream_bytes(3, 0, size))
            };
            let target = format!("/big?size={size}");
            whole(request("GET", &target, "Connection: close\r\n"), owed)
        }
        // Ends, or falls silent, in the middle.
        kind => {
            let mut bytes = request("POST", takes_body(chance), "Content-Length: 500\r\n");
            bytes.resize(bytes.len() + 400, b'x');
            bytes.truncate(1 + chance.below(bytes.len() as u64) as usize);
            if kind == 7 {
                *leave = Leave::AtOnce;
                whole(bytes, Owed::fault(400))
            } else {
                *leave = Leave::Never;
                whole(bytes, Owed::fault(408))
            }
        }
    }
}
