//! # Leaving: peers that there is no place for
//!
//! They are told so, and let go a little later: closing over a request that is unread, or still on
//! its way, makes the kernel reset the connection, and the peer may never see what it was told.
//!
//! Promises
//! 1. Nobody is waited for: what a peer does not take or say at once is left to the kernel.
//! 2. No more than [`PEERS_MAX`] stay at a time, and none for longer than [`STAY`].
//!
//! Never knows: the engine, which has no place for them.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::time::Duration;

use super::sockets::Transport;
use crate::ground::time::Instant;

/// Each of them is a descriptor that somebody with a place could have.
const PEERS_MAX: usize = 256;
/// Time for a request that is on its way, and for its peer to read the answer.
const STAY: Duration = Duration::from_secs(1);
/// How much of a request is thrown away, and how much of it at once.
const READS_MAX: usize = 16;
const READ_BYTES: usize = 4096;
/// The first words to a peer that there is no place for.
const NO_PLACE: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\n\
    Connection: close\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 42\r\n\r\n\
    too many connections, come again a little\n";

/// Those who were told and are still there, the first to go in front.
#[derive(Debug, Default)]
pub(super) struct Leaving {
    peers: VecDeque<(Instant, Transport)>,
}

impl Leaving {
    /// Tells a peer that there is no place, and lets it stay to read that.
    pub(super) fn turn_away(&mut self, mut peer: Transport, now: Instant) {
        tell(&mut peer);
        if self.peers.len() >= PEERS_MAX
            && let Some((_, first)) = self.peers.pop_front()
        {
            part(first);
        }
        self.peers.push_back((now + STAY, peer));
    }

    /// Lets those go whose time is over.
    pub(super) fn elapse(&mut self, now: Instant) {
        while let Some((_, first)) = self.peers.pop_front_if(|(until, _)| *until <= now) {
            part(first);
        }
    }

    /// When to be called again.
    pub(super) fn next(&self) -> Option<Instant> {
        self.peers.front().map(|(until, _)| *until)
    }
}

/// Tells a peer that there is no place, and lets it go: there is no descriptor for it to stay.
pub(super) fn turn_away_at_once(mut peer: Transport) {
    tell(&mut peer);
    part(peer);
}

fn tell(peer: &mut Transport) {
    // Whoever cannot take a line at once is told by the end of the connection.
    let _ = peer.write(&[IoSlice::new(NO_PLACE)]);
    let _ = peer.shut_down();
}

/// Closes, with as little as possible unread.
fn part(mut peer: Transport) {
    let mut buffer = [0; READ_BYTES];
    for _ in 0..READS_MAX {
        if !peer.read(&mut buffer).is_ok_and(|count| count > 0) {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;
    use crate::reactor::driver::Driver;
    use crate::reactor::driver::listeners::Address;
    use crate::reactor::{Answer, App, Call, Net, Request, Settings};

    struct Nobody;

    impl App for Nobody {
        fn request(&mut self, _: Call, _: &Request<'_>, _: &mut Net) -> Answer {
            panic!("there is no place to ask from");
        }
    }

    #[test]
    fn the_answer_without_a_place_is_as_long_as_it_says() {
        let text = std::str::from_utf8(NO_PLACE).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.ends_with(&format!("Content-Length: {}", body.len())));
    }

    /// Our end of a connection, and the peer's.
    fn pair() -> (Transport, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let peer = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (ours, _) = listener.accept().unwrap();
        ours.set_nonblocking(true).unwrap();
        let ours = mio::net::TcpStream::from_std(ours);
        (Transport::Tcp(ours), peer)
    }

    #[test]
    fn a_peer_may_ask_until_its_time_is_over_and_is_not_reset() {
        let mut leaving = Leaving::default();
        let (ours, mut peer) = pair();
        leaving.turn_away(ours, Instant(5));
        for _ in 0..3 {
            peer.write_all(&[b'x'; 5000]).unwrap();
        }
        leaving.elapse(Instant(1004));
        assert_eq!(leaving.next(), Some(Instant(1005)));
        assert!(peer.take_error().unwrap().is_none());
        leaving.elapse(Instant(1005));
        assert_eq!(leaving.next(), None);
        assert!(peer.take_error().unwrap().is_none(), "all was read");
        let mut said = Vec::new();
        peer.read_to_end(&mut said).unwrap();
        assert_eq!(said, NO_PLACE);
    }

    #[test]
    fn who_has_stayed_longest_goes_when_there_are_too_many() {
        let mut leaving = Leaving::default();
        let peers: Vec<TcpStream> = (0..PEERS_MAX + 3)
            .map(|at| {
                let (ours, peer) = pair();
                leaving.turn_away(ours, Instant(at as u64));
                peer
            })
            .collect();
        assert_eq!(leaving.peers.len(), PEERS_MAX);
        assert_eq!(leaving.next(), Some(Instant(3) + STAY));
        drop(peers);
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a test's server has a thread")]
    fn whoever_there_is_no_place_for_reads_why() {
        let driver = Driver::open(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let Address::Tcp(address) = driver.addresses()[0] else {
            panic!("it listens where it was told");
        };
        let request = [b"POST / HTTP/1.1\r\nHost: h\r\n", &[b'x'; 9000][..]].concat();
        let peers: Vec<TcpStream> = (0..=PEERS_MAX + 10)
            .map(|_| {
                let mut peer = TcpStream::connect(address).unwrap();
                peer.write_all(&request).unwrap();
                peer
            })
            .collect();
        let bell = driver.bell();
        let settings = Settings {
            connections_max: 0,
            ..Settings::default()
        };
        let server = std::thread::spawn(move || driver.run(Nobody, settings, 1).map(|_| ()));
        for mut peer in peers {
            let mut said = Vec::new();
            peer.read_to_end(&mut said).unwrap();
            assert_eq!(said, NO_PLACE);
        }
        bell.stop();
        server.join().unwrap().unwrap();
    }
}
