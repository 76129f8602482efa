//! # Connection: what one peer costs
//!
//! Small, because there may be a hundred thousand: what only some need is boxed, what nobody needs
//! between two events is not kept.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use crate::ground::time::Instant;
use crate::reactor::outbox::Outbox;
use crate::reactor::settings::Waits;
use crate::reactor::stage::{Closing, Http, Stage, Turn, Upload};
use crate::reactor::token::ConnId;

/// The part of the linger that is waited for a peer whose answer had left before a shutdown: a quarter
/// of a second, and clients that see the end go at once.
const BRIEF: u32 = 8;

/// Where a connection comes from, in 20 bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// An IPv4 address and port; IPv4 that was mapped into IPv6 too.
    V4([u8; 4], u16),
    /// An IPv6 address and port.
    V6([u8; 16], u16),
    /// A Unix socket: somebody on this machine.
    Local,
}

impl Peer {
    /// The address; none for a Unix socket.
    pub fn ip(self) -> Option<IpAddr> {
        match self {
            Self::V4(octets, _) => Some(Ipv4Addr::from(octets).into()),
            Self::V6(octets, _) => Some(Ipv6Addr::from(octets).into()),
            Self::Local => None,
        }
    }
}

impl From<SocketAddr> for Peer {
    fn from(address: SocketAddr) -> Self {
        match address.ip().to_canonical() {
            IpAddr::V4(ip) => Self::V4(ip.octets(), address.port()),
            IpAddr::V6(ip) => Self::V6(ip.octets(), address.port()),
        }
    }
}

/// A hundred thousand of them are to fit.
const _: () = assert!(size_of::<Connection>() <= 192);

/// One connection.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) generation: u32,
    pub(crate) peer: Peer,
    pub(crate) stage: Stage,
    pub(crate) outbox: Outbox,
    /// Input that could not be handled yet: part of a head, or what came during a pause.
    pub(crate) rest: Vec<u8>,
    /// When the stage, or the part of it that has a total deadline, began.
    pub(crate) since: Instant,
    /// When the peer was last heard of.
    pub(crate) heard: Instant,
    /// When the peer last took something; while something waits for it, at the earliest since then.
    pub(crate) moved: Instant,
    /// The time of its entry in the wheel.
    pub(crate) armed: Instant,
    /// On the turn's list of those with something to say.
    pub(crate) dirty: bool,
    /// The transport takes nothing more until it says so.
    pub(crate) blocked: bool,
    /// Handling stopped with input left over; [`Connection::may_go_on`] says until when.
    pub(crate) paused: bool,
    /// The peer has said its last.
    pub(crate) ended: bool,
    /// Who writes a stream, or feeds a deaf reader, was told that there is no room.
    pub(crate) full: bool,
}

impl Connection {
    pub(crate) fn new(generation: u32, peer: Peer, stage: Stage, now: Instant) -> Self {
        Self {
            generation,
            peer,
            stage,
            outbox: Outbox::default(),
            rest: Vec::new(),
            since: now,
            heard: now,
            moved: now,
            armed: Instant::NEVER,
            dirty: false,
            blocked: false,
            paused: false,
            ended: false,
            full: false,
        }
    }

    pub(crate) const fn id(&self, slot: usize) -> ConnId {
        ConnId {
            slot: slot as u32,
            generation: self.generation,
        }
    }

    /// Whether more input may be handled now: the outbox has room, no answer is awaited, and the app
    /// holds neither a body nor a WebSocket's input. What is thrown away needs no room.
    #[inline]
    pub(crate) fn may_go_on(&self, pause_bytes: usize) -> bool {
        let has_room = self.outbox.queued() < pause_bytes;
        match &self.stage {
            Stage::Http(Http {
                turn: Turn::Awaiting(_) | Turn::Streaming(..),
                ..
            }) => false,
            Stage::Http(Http {
                turn: Turn::Receiving(upload),
                ..
            }) => has_room && upload.held.is_none(),
            Stage::Http(_) => has_room,
            Stage::WebSocket(socket) => has_room && !socket.held,
            Stage::Plain(plain) => has_room && !plain.is_closing,
            Stage::Closing(_) => true,
            Stage::Upgrading(_) | Stage::Buried => false,
        }
    }

    /// Leaves the rest of a body unread.
    pub(crate) fn hold_body(&mut self, number: u32, now: Instant) {
        if let Some(upload) = self.upload(number)
            && upload.held.is_none()
        {
            upload.held = Some(now);
            self.paused = true;
        }
    }

    /// Ends [`Connection::hold_body`]; whether it was held. The peer is as far with its deadlines as it
    /// was then.
    pub(crate) fn release_body(&mut self, number: u32, now: Instant) -> bool {
        let held = self.upload(number).and_then(|upload| upload.held.take());
        if let Some(since) = held {
            self.since = self.since + now.since(since);
            self.heard = now;
        }
        held.is_some()
    }

    /// The body that request `number` brings.
    fn upload(&mut self, number: u32) -> Option<&mut Upload> {
        match &mut self.stage {
            Stage::Http(Http {
                number: present,
                turn: Turn::Receiving(upload),
                ..
            }) if *present == number => Some(upload),
            _ => None,
        }
    }

    /// Whether the rest of a body is awaited.
    #[inline]
    pub(crate) const fn is_receiving(&self) -> bool {
        matches!(
            &self.stage,
            Stage::Http(Http {
                turn: Turn::Receiving(_),
                ..
            })
        )
    }

    /// The nearest moment at which something has to happen if nothing is heard until then.
    pub(crate) fn deadline(&self, waits: &Waits) -> Instant {
        let stage = match &self.stage {
            Stage::Http(http) => match &http.turn {
                Turn::Reading if http.begun => self.since + waits.head,
                Turn::Reading => self.heard + waits.keep_alive,
                Turn::Receiving(upload) => {
                    let earned = upload.bytes.saturating_mul(1000) / waits.body_rate.max(1);
                    let total = Instant((self.since + waits.body).0.saturating_add(earned));
                    total.min(self.heard + waits.body_progress)
                }
                Turn::Awaiting(_) | Turn::Streaming(..) => Instant::NEVER,
            },
            Stage::Upgrading(_) => Instant::NEVER,
            Stage::WebSocket(socket) if socket.session.is_open() => {
                self.next_sign(socket.terms.heartbeat.as_ref(), waits)
            }
            Stage::Closing(Closing {
                shut: true,
                brief: true,
                ..
            }) => self.since + waits.linger / BRIEF,
            Stage::Closing(Closing { shut: true, .. }) => {
                (self.since + waits.close).min(self.heard.max(self.since) + waits.linger)
            }
            // Its close frame waits behind what it has not taken yet.
            Stage::WebSocket(_) if self.blocked => Instant::NEVER,
            Stage::WebSocket(_) => self.since + waits.close,
            // As long as the last word takes to leave: only who takes nothing is too slow.
            Stage::Closing(_) | Stage::Buried => Instant::NEVER,
            // Its app knows what silence means.
            Stage::Plain(_) => Instant::NEVER,
        };
        // A pause makes the peer wait for itself: what it does not send is no fault of it then.
        let stage = match &self.stage {
            Stage::Http(_) if self.paused => Instant::NEVER,
            _ => stage,
        };
        if self.blocked {
            stage.min(self.moved + waits.stalled)
        } else {
            stage
        }
    }
}
