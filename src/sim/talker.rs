//! # Talker: who speaks WebSocket
//!
//! Asks for the upgrade, then says its lines, and compares what comes back with what it is owed:
//! its own words in an echo, everybody's words in a room, pongs, closes.

use std::collections::VecDeque;

use crate::ground::seed::Seed;
use crate::sim::network::End;
use crate::sim::people::{Deed, Habit, View, size};
use crate::sim::reader::Reader;
use crate::sim::subject::{self, ECHO, MESSAGE_BYTES_MAX};
use crate::ws::handshake::{self, Request};
use crate::ws::{Deflate, DeflatePolicy, Event, Limits, Message, Role, Session, Step, frame};

/// How a talker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Leave {
    /// Says close, and waits for the answer.
    Close(u16),
    /// Has the server close.
    AskedClose(u16),
    /// Ends its side without a close.
    End,
    /// The same in the middle of a frame.
    CutShort,
    /// Breaks a rule; the server says this code.
    Fault(u8, u16),
    /// Resets.
    Reset,
    /// Does not even answer pings any more.
    Silent,
}

/// What comes next.
#[derive(Debug, PartialEq, Eq)]
enum Owed {
    Message(bool, Vec<u8>),
    Pong(Vec<u8>),
}

#[derive(Debug)]
enum Line {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Burst(usize, usize),
    Rest(u64),
}

#[derive(Debug)]
enum Stage {
    Asking(Reader),
    Open,
    /// Was told no.
    Refused,
}

/// Somebody who talks over a WebSocket.
#[derive(Debug)]
pub(super) struct Talker {
    stage: Stage,
    session: Session,
    deflate: Deflate,
    policy: DeflatePolicy,
    chance: Seed,
    key: String,
    target: String,
    room: u64,
    /// May fall behind its room.
    patient: bool,
    granted: bool,
    eager: bool,
    script: VecDeque<Line>,
    gap_ms: u64,
    leave: Leave,
    left: bool,
    owed: VecDeque<Owed>,
    /// The next number of its room.
    next: Option<usize>,
    /// The server's close, with its code.
    closed: Option<Option<u16>>,
    /// The most that it made the server say in one breath.
    largest: usize,
}

impl Talker {
    pub(super) fn new(chance: &mut Seed, habit: &Habit, rooms: u64) -> Self {
        let mut chance = Seed::new(chance.bits());
        let room = if rooms > 0 && chance.once_in(2) {
            1 + chance.below(rooms)
        } else {
            ECHO
        };
        let policy = DeflatePolicy {
            enabled: chance.once_in(3),
            bytes_min: 16,
            context_takeover: chance.once_in(2),
            ..DeflatePolicy::default()
        };
        let ms = if chance.once_in(4) {
            1 + chance.below(3000)
        } else {
            0
        };
        let granted = ms == 0 || !chance.once_in(6);
        let no = u8::from(!granted);
        let nonce = u128::from(chance.bits()) << 64 | u128::from(chance.bits());
        let patient = room != ECHO && chance.once_in(2);
        let hold = room != ECHO && chance.once_in(4);
        let count = chance.below(12);
        let mut script: VecDeque<Line> =
            (0..count).map(|_| line(&mut chance, room, habit)).collect();
        if hold {
            let at = chance.below(count.min(3) + 1) as usize;
            script.insert(at, Line::Text("resume".into()));
        }
        let leave = match chance.below(10) {
            0..4 => Leave::Close(1000 + 2000 * chance.below(2) as u16),
            4 => Leave::AskedClose(4000),
            5 => Leave::End,
            6 => Leave::CutShort,
            7 => {
                let codes = [1002, 1007, 1002, 1009];
                let kind = chance.below(4);
                Leave::Fault(kind as u8, codes[kind as usize])
            }
            8 => Leave::Reset,
            _ => Leave::Silent,
        };
        Self {
            stage: Stage::Asking(Reader::default()),
            session: Session::new(Role::Client, None),
            deflate: Deflate::new(policy),
            policy,
            key: handshake::key(nonce.to_be_bytes()),
            target: format!(
                "/ws?room={room}&ms={ms}&no={no}&patient={}&hold={}",
                u8::from(patient),
                u8::from(hold)
            ),
            room,
            patient,
            granted,
            eager: granted && !policy.enabled && chance.once_in(3),
            script,
            gap_ms: if chance.once_in(2) {
                0
            } else {
                chance.below(2000)
            },
            leave,
            left: false,
            owed: VecDeque::new(),
            next: None,
            closed: None,
            largest: 0,
            chance,
        }
    }

    fn asks(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.request().write(&[], &mut out);
        out
    }

    fn request(&self) -> Request<'_> {
        Request {
            host: "sim.example",
            target: &self.target,
            key: &self.key,
            protocols: &[],
            policy: self.policy,
        }
    }

    pub(super) fn act(&mut self, deeds: &mut Vec<Deed>) {
        if self.left {
            return;
        }
        match &self.stage {
            Stage::Asking(reader) if reader.idle() && self.key.len() == 24 => {
                deeds.push(Deed::Say(self.asks()));
                // Asked once.
                self.key.push(' ');
                if self.eager {
                    self.speak(deeds);
                }
            }
            Stage::Asking(_) if self.eager => self.speak(deeds),
            Stage::Asking(_) | Stage::Refused => {}
            Stage::Open => self.speak(deeds),
        }
    }

    /// Says its lines, all at once or one at a time.
    fn speak(&mut self, deeds: &mut Vec<Deed>) {
        if self.closed.is_some() {
            return;
        }
        while let Some(line) = self.script.pop_front() {
            let rest_ms = if let Line::Rest(ms) = line { ms } else { 0 };
            let said = self.say(line);
            if !said.is_empty() {
                deeds.push(Deed::Say(said));
            }
            if rest_ms + self.gap_ms > 0 {
                deeds.push(Deed::Wait(rest_ms + self.gap_ms));
                return;
            }
        }
        self.left = true;
        let mut out = Vec::new();
        match self.leave {
            Leave::Close(code) => self.session.close(code, "bye", &mut self.chance, &mut out),
            Leave::AskedClose(code) => {
                let text = format!("close {code}");
                let (deflate, chance) = (&mut self.deflate, &mut self.chance);
                self.session
                    .send(Message::Text(&text), deflate, chance, &mut out);
            }
            Leave::End | Leave::Silent | Leave::Reset => {}
            Leave::CutShort => {
                push_frame(&mut out, 0x82, &[7; 200], &mut self.chance);
                out.truncate(1 + self.chance.below(150) as usize);
            }
            Leave::Fault(0, _) => out.extend_from_slice(b"\x81\x02hi"),
            Leave::Fault(1, _) => push_frame(&mut out, 0x81, b"so \xff far", &mut self.chance),
            Leave::Fault(2, _) => push_frame(&mut out, 0x83, b"?", &mut self.chance),
            Leave::Fault(_, _) => {
                let huge = vec![b'x'; MESSAGE_BYTES_MAX + 1];
                push_frame(&mut out, 0x82, &huge, &mut self.chance);
            }
        }
        if !out.is_empty() {
            deeds.push(Deed::Say(out));
        }
        match self.leave {
            Leave::End | Leave::CutShort => deeds.push(Deed::End),
            Leave::Reset => deeds.push(Deed::Reset),
            _ => {}
        }
    }

    /// One line as bytes, in as many frames as it likes; what it makes others owe is noted.
    fn say(&mut self, line: Line) -> Vec<u8> {
        let mut out = Vec::new();
        let (text, bytes) = match line {
            Line::Rest(_) => return out,
            Line::Ping(payload) => {
                self.session.ping(&payload, &mut self.chance, &mut out);
                self.owed.push_back(Owed::Pong(payload));
                return out;
            }
            Line::Burst(count, size) => {
                let total: usize = subject::burst(count, size).map(|text| text.len() + 4).sum();
                self.largest = self.largest.max(total);
                if self.room == ECHO {
                    let owed = subject::burst(count, size);
                    self.owed
                        .extend(owed.map(|text| Owed::Message(true, text.into_bytes())));
                }
                (true, format!("burst {count} {size}").into_bytes())
            }
            Line::Text(text) => (true, text.into_bytes()),
            Line::Binary(bytes) => (false, bytes),
        };
        let message = match str::from_utf8(&bytes) {
            Ok(text_of_it) if text => Message::Text(text_of_it),
            _ => Message::Binary(&bytes),
        };
        let (deflate, chance) = (&mut self.deflate, &mut self.chance);
        let sent = self.session.send(message, deflate, chance, &mut out);
        assert!(sent, "it has not closed");
        self.largest = self.largest.max(bytes.len() + 20);
        if self.room == ECHO && !bytes.starts_with(b"burst ") {
            self.owed.push_back(Owed::Message(text, bytes));
        }
        if self.chance.once_in(3) {
            out = self.fragments(&out);
        }
        out
    }

    /// The same message in several frames, with a ping between some.
    fn fragments(&mut self, whole: &[u8]) -> Vec<u8> {
        let head = frame::Head::read(whole).expect("a frame was just made");
        let key = head.mask.expect("a client masks");
        let payload: Vec<u8> = whole[head.size..]
            .iter()
            .enumerate()
            .map(|(at, byte)| byte ^ key[at % 4])
            .collect();
        let mut out = Vec::new();
        let (mut first, mut rest) = (head.first & 0x7f, &payload[..]);
        for _ in 0..self.chance.below(5) {
            let cut = self.chance.below(rest.len() as u64 + 1) as usize;
            push_frame(&mut out, first, &rest[..cut], &mut self.chance);
            (first, rest) = (0, &rest[cut..]);
        }
        push_frame(&mut out, first | 0x80, rest, &mut self.chance);
        out
    }

    pub(super) fn hear(&mut self, bytes: &[u8], view: &View<'_>, deeds: &mut Vec<Deed>) -> u64 {
        match &mut self.stage {
            Stage::Asking(reader) => {
                reader.feed(bytes);
                let Some(answer) = reader.next(false, false) else {
                    return 0;
                };
                if answer.status != 101 {
                    let allowed = match answer.status {
                        403 => !self.granted,
                        503 => view.shut_down,
                        _ => false,
                    };
                    assert!(allowed, "the upgrade is answered with {}", answer.status);
                    self.stage = Stage::Refused;
                    self.left = true;
                    deeds.push(Deed::End);
                    return 1;
                }
                assert!(self.granted, "what is refused does not open");
                let key = self.key.trim().to_owned();
                let request = Request {
                    key: &key,
                    ..self.request()
                };
                let fields = answer.fields.iter();
                let fields = fields.map(|(name, value)| (name.as_str(), value.as_slice()));
                let welcome = request.check(101, fields);
                let welcome = welcome.expect("the server's handshake is right");
                if !self.eager {
                    self.session = Session::new(Role::Client, welcome.agreed);
                }
                let reader = std::mem::replace(&mut self.stage, Stage::Open);
                if !self.eager {
                    deeds.push(Deed::Wait(self.gap_ms));
                }
                let Stage::Asking(reader) = reader else {
                    return 1;
                };
                1 + self.listen(reader.into_rest(), view, deeds)
            }
            Stage::Open => self.listen(bytes.to_vec(), view, deeds),
            Stage::Refused => 0,
        }
    }

    fn listen(&mut self, mut bytes: Vec<u8>, view: &View<'_>, deeds: &mut Vec<Deed>) -> u64 {
        let mut compared = 0;
        let mut at = 0;
        let mut out = Vec::new();
        let limits = Limits::default();
        // Behind a close may come a pong that was due (RFC 6455, 5.5.2), and nobody reads it.
        while at < bytes.len() && self.closed.is_none() {
            let mut replies = Vec::new();
            let step = self.session.decode(
                &mut bytes[at..],
                &limits,
                &mut self.deflate,
                &mut self.chance,
                &mut replies,
            );
            out.append(&mut replies);
            let (used, event) = match step {
                Step::Event { used, event } => (used, event),
                Step::More => break,
                Step::Broken(fault) => panic!("the server breaks a rule: {fault}"),
            };
            at += used;
            match event {
                Event::Text(text) => check_owed(
                    &mut self.owed,
                    &Owed::Message(true, text.into_owned().into_bytes()),
                ),
                Event::Binary(message) if self.room == ECHO => {
                    check_owed(&mut self.owed, &Owed::Message(false, message.into_owned()));
                }
                Event::Binary(message) => check_room(self.room, &mut self.next, &message, view),
                Event::Pong(payload) => {
                    check_owed(&mut self.owed, &Owed::Pong(payload.into_owned()))
                }
                Event::Ping(_) => {}
                Event::Closed { code, .. } => {
                    self.closed = Some(code);
                    self.judge_close(code, view);
                }
            }
            compared += 1;
        }
        let may_answer = !self.left || !self.is_mute();
        if may_answer && !out.is_empty() {
            deeds.push(Deed::Say(out));
        }
        compared
    }

    /// Whether its own side has ended, or it has fallen silent.
    const fn is_mute(&self) -> bool {
        matches!(
            self.leave,
            Leave::End | Leave::CutShort | Leave::Silent | Leave::Reset
        )
    }

    /// Whether more may pile up for it, while it does what it may, than its budget allows.
    fn may_be_too_slow(&self, view: &View<'_>) -> bool {
        !self.patient && self.room != ECHO
            || self.room == ECHO && view.pause_bytes + self.largest + 200 > view.outbox_bytes_max
    }

    fn judge_close(&self, code: Option<u16>, view: &View<'_>) {
        let asked = match self.leave {
            Leave::Close(own) | Leave::AskedClose(own) | Leave::Fault(_, own) => {
                self.left && code == Some(own)
            }
            _ => false,
        };
        match code {
            _ if asked => {
                assert!(self.owed.is_empty(), "promise 3: {:?} is owed", self.owed);
            }
            Some(4002) => assert!(self.may_be_too_slow(view), "it was not too slow"),
            Some(1001) => assert!(view.shut_down, "the server was not going away"),
            other => panic!("a close that nobody asked for: {other:?}"),
        }
    }

    pub(super) fn end(&mut self, end: End, excused: bool, view: &View<'_>, deeds: &mut Vec<Deed>) {
        self.left = true;
        deeds.push(Deed::End);
        if excused || matches!(self.leave, Leave::Reset | Leave::Silent) {
            return;
        }
        let closed = match (&self.stage, self.closed) {
            (Stage::Refused, _) => return,
            (Stage::Asking(_), _) if view.shut_down => return,
            (Stage::Asking(_), _) => panic!("promise 3: the upgrade is not answered"),
            (Stage::Open, closed) => closed,
        };
        if matches!(closed, Some(Some(4002 | 1001))) {
            return;
        }
        assert_eq!(end, End::Clean, "who keeps the rules is not reset");
        let own_end = matches!(self.leave, Leave::End | Leave::CutShort);
        assert!(closed.is_some() || own_end, "the end comes with a close");
        assert!(self.owed.is_empty(), "promise 3: {:?} is owed", self.owed);
        let Some(stay) = view.stay else { return };
        let heard = self.next.unwrap_or(stay.from);
        if !matches!(self.leave, Leave::AskedClose(_)) {
            assert_eq!(
                Some(heard),
                stay.to,
                "promise 3: all of its room until its end"
            );
        }
    }
}

fn check_owed(owed: &mut VecDeque<Owed>, heard: &Owed) {
    let expected = owed.pop_front();
    assert!(
        expected.as_ref() == Some(heard),
        "promise 3: heard {heard:?}, owed {expected:?}"
    );
}

/// A message of a room is the next one, and the same for all.
fn check_room(room: u64, next: &mut Option<usize>, message: &[u8], view: &View<'_>) {
    let from = view.stay.map(|stay| stay.from);
    let number = next.or(from).expect("who hears a room has entered it");
    let log = &view.subject.rooms[&room].log;
    let said = log.get(number).map(Vec::as_slice);
    assert!(
        said == Some(message),
        "promise 3: number {number} of room {room} is {}",
        message[..message.len().min(20)].escape_ascii()
    );
    *next = Some(number + 1);
}

/// A masked frame, whatever it may hold.
fn push_frame(out: &mut Vec<u8>, first: u8, payload: &[u8], chance: &mut Seed) {
    let key = chance.mask();
    out.push(first);
    match payload.len() {
        len @ 0..126 => out.push(0x80 | len as u8),
        len => {
            out.push(0x80 | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
    }
    out.extend_from_slice(&key);
    let masked = payload
        .iter()
        .enumerate()
        .map(|(at, byte)| byte ^ key[at % 4]);
    out.extend(masked);
}

fn line(chance: &mut Seed, room: u64, habit: &Habit) -> Line {
    match chance.below(12) {
        0..5 => {
            let size = size(chance, 3000);
            Line::Text(format!("say {}", "ä".repeat(size / 2)))
        }
        5..8 => {
            let size = size(chance, MESSAGE_BYTES_MAX as u64 - 20);
            Line::Binary((0..size).map(|at| (at * 7 % 251) as u8).collect())
        }
        8 if room == ECHO => Line::Ping(vec![b'p'; chance.below(126) as usize]),
        8 | 9 => Line::Burst(chance.below(30) as usize, size(chance, 1000)),
        // Quiet for longer than a heartbeat: who answers pings stays.
        10 => Line::Rest(chance.below(habit.patience_ms * 8 + 1)),
        _ => Line::Rest(chance.below(500)),
    }
}
