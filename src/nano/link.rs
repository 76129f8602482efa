//! # Link: the server's end of one connection
//!
//! What is allowed in which state is one table: [`Link::decode`]. The one who owns the link says what
//! a handshake comes to ([`Link::accept`], [`Link::end`]) and asks at each [`Link::next_tick`] whether the peer is
//! still there.

use std::time::Duration;

use super::packet::BODY_BYTES_MAX;
use super::{Dictionary, Fault, Kind, Message, Packet, Packets};
use crate::ground::time::Instant;

/// What all links of a server have in common.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The longest body of a packet that a client may send.
    pub body_bytes_max: usize,
    /// The time between two heartbeats; none are sent if it is nothing.
    pub heartbeat: Duration,
    /// Codes for routes.
    pub dictionary: Dictionary,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            body_bytes_max: BODY_BYTES_MAX,
            heartbeat: Duration::from_secs(30),
            dictionary: Dictionary::default(),
        }
    }
}

/// Where a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Start,
    Handshake,
    Working,
    /// Its first fault is remembered; none if it was ended from here.
    Over(Option<Fault>),
}

/// What a peer has said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// A handshake with this body: [`Link::accept`] or [`Link::end`] is what comes next.
    Handshake(&'a [u8]),
    /// The handshake is done.
    Ready,
    /// A request or a notify.
    Message(Message<'a>),
}

/// What came of some input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// This happened; there may be more.
    Event(Event<'a>),
    /// All input is taken, and more is needed.
    More,
    /// A rule is broken. The connection ends.
    Broken(Fault),
}

/// What is due at a tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Beat {
    /// It is too early.
    Wait,
    /// Say a heartbeat.
    Say,
    /// Nothing was heard for too long: close.
    Dead,
}

/// The server's end of a connection.
///
/// ```
/// use parlour::ground::time::Instant;
/// use parlour::nano::{Event, Link, Rules, Step};
///
/// let rules = Rules::default();
/// let mut link = Link::new(Instant(0), &rules);
/// let mut input = &b"\x01\0\0\x02{}\x02\0\0\0\x04\0\0\x08\x02\x03r.m\"a\""[..];
/// assert_eq!(link.decode(&mut input, &rules, Instant(5)), Step::Event(Event::Handshake(b"{}")));
/// link.accept();
/// assert_eq!(link.decode(&mut input, &rules, Instant(5)), Step::Event(Event::Ready));
/// let Step::Event(Event::Message(message)) = link.decode(&mut input, &rules, Instant(5)) else {
///     panic!("a notify is next");
/// };
/// assert_eq!((message.route, message.data), ("r.m", &b"\"a\""[..]));
/// assert_eq!(link.decode(&mut input, &rules, Instant(5)), Step::More);
/// ```
#[derive(Debug)]
pub struct Link {
    packets: Packets,
    state: State,
    /// When anything was heard last.
    heard: Instant,
    /// When the next tick is.
    tick_at: Instant,
}

impl Link {
    /// The end of a connection that has just begun.
    pub fn new(now: Instant, rules: &Rules) -> Self {
        Self {
            packets: Packets::default(),
            state: State::Start,
            heard: now,
            tick_at: next_tick(now, rules),
        }
    }

    /// What the next packet says. Call it until it says [`Step::More`].
    pub fn decode<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
        rules: &'s Rules,
        now: Instant,
    ) -> Step<'s> {
        let body = loop {
            match self.state {
                State::Over(Some(fault)) => return Step::Broken(fault),
                State::Over(None) => {
                    *input = &[];
                    return Step::More;
                }
                State::Start | State::Handshake | State::Working => {}
            }
            let (kind, body) = match self.packets.advance(input, rules.body_bytes_max) {
                Ok(Some(found)) => found,
                Ok(None) => return Step::More,
                Err(fault) => return self.broken(fault),
            };
            self.heard = now;
            match (kind, self.state) {
                (Packet::Handshake, _) => {
                    let body = body.unwrap_or_else(|| self.packets.body());
                    return Step::Event(Event::Handshake(body));
                }
                (Packet::HandshakeAck, State::Start | State::Handshake) => {
                    self.state = State::Working;
                    return Step::Event(Event::Ready);
                }
                (Packet::Data, State::Working) => break body,
                (Packet::Data, _) => return self.broken(Fault::DataBeforeHandshake),
                (Packet::HandshakeAck | Packet::Heartbeat | Packet::Kick, _) => {}
            }
        };
        let body = body.unwrap_or_else(|| self.packets.body());
        let fault = match Message::read(body, &rules.dictionary) {
            Ok(message) if matches!(message.kind, Kind::Request | Kind::Notify) => {
                return Step::Event(Event::Message(message));
            }
            Ok(_) => Fault::ServersMessage,
            Err(fault) => fault,
        };
        self.state = State::Over(Some(fault));
        Step::Broken(fault)
    }

    /// The handshake that was told is good: its answer leaves, and the ack is awaited.
    pub const fn accept(&mut self) {
        if !self.is_over() {
            self.state = State::Handshake;
        }
    }

    /// The connection ends from here: whatever still comes is passed over.
    pub const fn end(&mut self) {
        if !self.is_over() {
            self.state = State::Over(None);
        }
    }

    /// Whether nothing is heard any more.
    pub const fn is_over(&self) -> bool {
        matches!(self.state, State::Over(_))
    }

    /// Whether messages may come and go.
    pub const fn is_working(&self) -> bool {
        matches!(self.state, State::Working)
    }

    /// When [`Link::tick`] has something to say.
    pub const fn next_tick(&self) -> Instant {
        self.tick_at
    }

    /// Bytes that came and are no packet yet are a sign of life, too.
    pub const fn heard(&mut self, now: Instant) {
        self.heard = now;
    }

    /// What is due by now. The next tick is a heartbeat after the time of this one, so that whoever
    /// looks a little late takes nothing from the peer's time.
    pub fn tick(&mut self, now: Instant, rules: &Rules) -> Beat {
        let due = self.tick_at;
        if now < due || self.is_over() {
            return Beat::Wait;
        }
        self.tick_at = match next_tick(due, rules) {
            next if next > now => next,
            _ => next_tick(now, rules),
        };
        if due.since(self.heard) > rules.heartbeat * 2 {
            self.state = State::Over(None);
            return Beat::Dead;
        }
        Beat::Say
    }

    /// Bytes that are kept: the beginning of a packet.
    pub const fn held_bytes(&self) -> usize {
        self.packets.held_bytes()
    }

    const fn broken(&mut self, fault: Fault) -> Step<'static> {
        self.state = State::Over(Some(fault));
        Step::Broken(fault)
    }
}

fn next_tick(now: Instant, rules: &Rules) -> Instant {
    if rules.heartbeat.is_zero() {
        Instant::NEVER
    } else {
        now + rules.heartbeat
    }
}
