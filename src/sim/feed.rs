//! # Feed: a stream that several read together
//!
//! What is written goes to all who read then, framed once for all who read it in the same way. A
//! reader comes in the middle, gets so many pieces from there on, and none of them twice or not at
//! all.
//!
//! Promises (of the engine, asserted here)
//! 1. Whoever has room for a piece takes it.
//! 2. Nobody takes it who is not there.

use std::collections::BTreeMap;

use crate::reactor::{Call, Net};
use crate::sim::subject::stream_bytes;

/// Bytes of the longest piece.
const PIECE_BYTES_MAX: usize = 300;
/// Bytes that a piece gets at most where it is framed.
const FRAMING_BYTES_MAX: usize = 16;

/// Some pieces of a feed, from one on.
pub(super) fn pieces(name: usize, from: usize, count: usize) -> Vec<u8> {
    (from..from + count)
        .flat_map(|number| {
            let begin = number * PIECE_BYTES_MAX;
            let length = 1 + (number * 37 + name * 11) % PIECE_BYTES_MAX;
            stream_bytes(name, begin, begin + length)
        })
        .collect()
}

/// Somebody's stream.
#[derive(Debug)]
pub(super) struct Feed {
    name: usize,
    /// The number of the next piece.
    next: usize,
    /// Who reads, and how many pieces each is still to get.
    readers: BTreeMap<Call, usize>,
}

impl Feed {
    pub(super) fn new(name: usize) -> Self {
        Self {
            name,
            next: 0,
            readers: BTreeMap::new(),
        }
    }

    /// Somebody reads so many pieces from now on. The number of the first.
    pub(super) fn join(&mut self, call: Call, count: usize) -> usize {
        self.readers.insert(call, count);
        self.next
    }

    pub(super) fn leave(&mut self, call: Call) {
        self.readers.remove(&call);
    }

    pub(super) fn is_empty(&self) -> bool {
        self.readers.is_empty()
    }

    /// Says the next piece to all. Those who have got all of theirs, and how many got this one.
    pub(super) fn say(&mut self, net: &mut Net) -> (Vec<Call>, usize) {
        let piece = pieces(self.name, self.next, 1);
        self.next += 1;
        let most = net.settings.outbox_bytes_max;
        let has_room =
            |call: &&Call| net.queued_bytes(call.id) + piece.len() + FRAMING_BYTES_MAX <= most;
        let at_least = self.readers.keys().filter(has_room).count();
        let took = net.write_all(self.readers.keys().copied(), &piece);
        assert!(
            at_least <= took,
            "promise 1: {took} took it, not {at_least}"
        );
        assert!(took <= self.readers.len(), "promise 2: {took} took it");
        let mut done = Vec::new();
        self.readers.retain(|call, left| {
            *left -= 1;
            if *left == 0 {
                done.push(*call);
            }
            *left > 0
        });
        for call in &done {
            net.end(*call, &[]);
        }
        (done, took)
    }
}
