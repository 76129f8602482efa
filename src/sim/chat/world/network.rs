//! # Network: bytes on their way between devices and the server

use super::{Event, Peer, World};
use crate::sim::chat::errand::Visit;
use crate::sim::network::{End, Parcel, Wire, pieces};

impl World {
    pub(super) fn look_down(&mut self, peer: usize) {
        let it = &mut self.peers[peer];
        let delay = self.chance.below(it.latency_ms + 1);
        if it.wire.tell_peer() {
            self.at(self.now + delay.max(1), Event::Take(peer));
        }
        if self.peers[peer].wire.tell_room() {
            self.at(self.now + delay, Event::Writable(peer));
        }
    }

    pub(super) fn arrive(&mut self, peer: usize) {
        let now = self.now;
        let wire = &mut self.peers[peer].wire;
        if wire.arrive(now) {
            if wire.id.is_none() && wire.down == Some(End::Reset) {
                self.look_down(peer);
            }
            self.list(peer);
        }
    }

    pub(super) fn take(&mut self, peer: usize) {
        let it = &mut self.peers[peer];
        it.wire.take_due = false;
        if it.wire.left {
            return;
        }
        let count = it.take_max.min(it.wire.pipe.len());
        let bytes: Vec<u8> = it.wire.pipe.drain(..count).collect();
        if count > 0 {
            self.trace.note("takes", peer, count as u64);
            self.heard(peer, &bytes);
        }
        let it = &mut self.peers[peer];
        if it.wire.pipe.is_empty() && it.wire.down.is_some() {
            it.wire.left = true;
            // Its own end, so that the server is rid of it.
            self.send_up(peer, Parcel::End);
            self.lost(peer);
        }
        let it = &mut self.peers[peer];
        if it.wire.tell_peer() {
            let at = self.now + it.take_ms;
            self.at(at, Event::Take(peer));
        }
        self.look_down(peer);
    }

    pub(super) fn send_up(&mut self, peer: usize, parcel: Parcel) {
        let it = &mut self.peers[peer];
        let at = self.now + 1 + self.chance.below(it.latency_ms + 1);
        let due = it.wire.send(at, parcel);
        self.at(due, Event::Arrive(peer));
    }

    /// Sends bytes in pieces.
    pub(super) fn say(&mut self, peer: usize, bytes: &[u8]) {
        for piece in pieces(bytes, self.peers[peer].pieces_max, &mut self.chance) {
            self.send_up(peer, Parcel::Bytes(piece.to_vec()));
        }
    }

    pub(super) fn new_peer(&mut self, device: usize, visit: Option<Visit>) -> usize {
        let chance = &mut self.chance;
        let is_slow = !self.is_calm && chance.once_in(self.slow_once_in);
        let pipe_max = match is_slow {
            true => [100, 1000][chance.below(2) as usize],
            false => 1 << 20,
        };
        self.peers.push(Peer {
            wire: Wire::new(100_000, pipe_max),
            device,
            visit,
            latency_ms: [0, 5, 50][chance.below(3) as usize],
            pieces_max: [1, 1, 4][chance.below(3) as usize],
            take_max: if is_slow { 100 } else { usize::MAX },
            take_ms: if is_slow { 1 + chance.below(600) } else { 1 },
        });
        let peer = self.peers.len() - 1;
        self.at(self.now, Event::Knock(peer));
        peer
    }
}
