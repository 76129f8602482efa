//! # Network: one virtual connection
//!
//! Two directions with a buffer each. Up: what the peer sent is in flight, then in the inbox, until
//! the driver reads it. Down: what the engine writes is in the pipe until the peer takes it.
//!
//! Promises
//! 1. Bytes arrive in the order in which they were sent, each once, unless the connection is reset.
//! 2. Like a kernel, a socket that is closed over unread input resets its connection.

use std::collections::VecDeque;
use std::io::{self, ErrorKind, IoSlice};

use crate::ground::seed::Seed;
use crate::reactor::ConnId;

/// What travels up.
#[derive(Debug)]
pub(super) enum Parcel {
    Bytes(Vec<u8>),
    End,
    Reset,
}

/// How a direction ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Clean,
    Reset,
}

#[derive(Debug)]
pub(super) struct Wire {
    /// The engine's name for it, while it has one.
    pub(super) id: Option<ConnId>,
    flight: VecDeque<(u64, Parcel)>,
    last_arrival: u64,
    pub(super) inbox: Vec<u8>,
    inbox_max: usize,
    pub(super) up: Option<End>,
    /// The engine was told of the peer's end.
    pub(super) end_told: bool,
    /// The engine wants input.
    pub(super) wanted: bool,
    /// On the list of those to be read.
    pub(super) listed: bool,
    pub(super) pipe: VecDeque<u8>,
    pipe_max: usize,
    /// The engine waits to hear that it can write.
    starved: bool,
    writable_due: bool,
    pub(super) down: Option<End>,
    pub(super) take_due: bool,
    /// The peer has seen the end, or is itself gone.
    pub(super) left: bool,
}

impl Wire {
    pub(super) fn new(inbox_max: usize, pipe_max: usize) -> Self {
        Self {
            id: None,
            flight: VecDeque::new(),
            last_arrival: 0,
            inbox: Vec::new(),
            inbox_max,
            up: None,
            end_told: false,
            wanted: true,
            listed: false,
            pipe: VecDeque::new(),
            pipe_max,
            starved: false,
            writable_due: false,
            down: None,
            take_due: false,
            left: false,
        }
    }

    /// Sends `parcel` so that it arrives at `at`, or later if something is before it. When it does.
    pub(super) fn send(&mut self, at: u64, parcel: Parcel) -> u64 {
        let at = at.max(self.last_arrival);
        self.last_arrival = at;
        self.flight.push_back((at, parcel));
        at
    }

    /// The peer resets: what is in flight is lost.
    pub(super) fn sever(&mut self, at: u64) {
        self.flight.clear();
        self.flight.push_back((at, Parcel::Reset));
    }

    /// Takes in what has arrived and finds room. Whether there is news for the driver.
    pub(super) fn arrive(&mut self, now: u64) -> bool {
        let mut news = false;
        while let Some((at, parcel)) = self.flight.front() {
            let full = self.inbox.len() >= self.inbox_max;
            if *at > now || full && !matches!(parcel, Parcel::Reset) {
                break;
            }
            let Some((_, parcel)) = self.flight.pop_front() else {
                break;
            };
            match parcel {
                // Nobody is there any more: the peer is told so, and may lose what it did not take.
                Parcel::Bytes(_) if self.id.is_none() => self.down = Some(End::Reset),
                Parcel::Bytes(bytes) => self.inbox.extend_from_slice(&bytes),
                Parcel::End => self.up = Some(End::Clean),
                Parcel::Reset => {
                    self.up = Some(End::Reset);
                    self.flight.clear();
                }
            }
            news = true;
        }
        news
    }

    /// Takes what fits of what the engine writes; how many bytes that was.
    pub(super) fn write(&mut self, bytes: &[u8]) -> usize {
        assert!(self.down.is_none(), "nothing is said after the end");
        let room = self.pipe_max.saturating_sub(self.pipe.len());
        let count = room.min(bytes.len());
        self.pipe.extend(&bytes[..count]);
        count
    }

    /// The same of several slices, and no more than `limit` bytes.
    pub(super) fn write_slices(
        &mut self,
        slices: &[IoSlice<'_>],
        limit: usize,
    ) -> io::Result<usize> {
        let offered: usize = slices.iter().map(|slice| slice.len()).sum();
        assert!(offered > 0, "nothing is not written");
        let mut count = 0;
        for slice in slices {
            let part = slice.len().min(limit - count);
            let taken = self.write(&slice[..part]);
            count += taken;
            if taken < slice.len() {
                break;
            }
        }
        self.starved |= count < offered;
        if count == 0 {
            return Err(ErrorKind::WouldBlock.into());
        }
        Ok(count)
    }

    /// Puts it on the list of those to be read, if there is something to read or `anyway`. Whether it
    /// was not there yet.
    pub(super) fn list(&mut self, anyway: bool) -> bool {
        let news = !self.inbox.is_empty() || self.up.is_some() && !self.end_told;
        let due = self.wanted && (news || anyway) || self.up == Some(End::Reset);
        let is_new = due && self.id.is_some() && !self.listed;
        self.listed |= is_new;
        is_new
    }

    /// Whether the peer has to be told that there is something to take, which it is then.
    pub(super) fn tell_peer(&mut self) -> bool {
        let news = !self.pipe.is_empty() || self.down.is_some();
        let is_new = news && !self.left && !self.take_due;
        self.take_due |= is_new;
        is_new
    }

    /// Whether the engine has to be told that there is room, which it is then.
    pub(super) fn tell_room(&mut self) -> bool {
        let is_new = self.starved && !self.writable_due && self.pipe.len() < self.pipe_max;
        self.writable_due |= is_new;
        is_new
    }

    /// The engine is told that there is room.
    pub(super) const fn room_is_told(&mut self) {
        self.writable_due = false;
        self.starved = false;
    }

    /// The engine's side is closed.
    pub(super) fn close(&mut self, end: End, chance: &mut Seed) {
        self.id = None;
        let unread = !self.inbox.is_empty();
        self.inbox = Vec::new();
        if end == End::Reset || unread || self.up == Some(End::Reset) {
            let kept = chance.below(self.pipe.len() as u64 + 1) as usize;
            self.pipe.truncate(kept);
            self.down = Some(End::Reset);
        } else if self.down.is_none() {
            self.down = Some(End::Clean);
        }
    }
}

/// Cuts bytes into so many pieces at most.
pub(super) fn pieces<'a>(bytes: &'a [u8], most: u64, chance: &mut Seed) -> Vec<&'a [u8]> {
    let mut rest = bytes;
    let mut pieces = Vec::new();
    let mut left = 1 + chance.below(most);
    while !rest.is_empty() {
        let count = match left {
            0 | 1 => rest.len(),
            _ => 1 + chance.below(rest.len() as u64) as usize,
        };
        left -= 1;
        let (piece, after) = rest.split_at(count);
        pieces.push(piece);
        rest = after;
    }
    pieces
}
