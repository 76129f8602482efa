//! # Driver: the loop around the engine, on mio
//!
//! The only place that polls, reads the clock, and moves bytes. One page tells what a turn is:
//! `Driver::turn`.
//!
//! Promises
//! 1. Readiness is edge-triggered, so whatever is left over in a turn is remembered: a socket that
//!    may still have input, a listener that may still have peers. No step waits for a second edge.
//! 2. Work per turn is bounded: one buffer per connection, [`listeners::ACCEPTS_MAX`] per listener.
//! 3. Sockets are closed after the turn, never inside it; a name that comes back later finds nobody.

mod leaving;
pub mod listeners;
mod sockets;
mod stop;

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use mio::{Events, Poll, Token, Waker};

use crate::ground::memory;
use crate::ground::time::{Instant, Now};
use crate::reactor::app::App;
use crate::reactor::engine::{Effect, Engine};
use crate::reactor::net::nearest;
use crate::reactor::settings::Settings;
use crate::reactor::token::ConnId;
use listeners::{Address, Listeners};
use sockets::Sockets;
use stop::Signals;

/// What one read takes at most. Pages of it that no read ever filled are never touched.
const READ_BYTES: usize = 256 * 1024;
/// Events taken from the kernel at a time.
const EVENTS: usize = 1024;
/// Tokens of what is no connection: no connection has such a generation and slot.
const BELL: Token = Token(usize::MAX);
const SIGNALS: Token = Token(usize::MAX - 1);
const FIRST_LISTENER: usize = usize::MAX - 1024;
/// After so many connections have ended, memory is given back at the next quiet moment.
const ENDS_WORTH_A_TRIM: usize = 256;
/// How long nothing much must happen for a moment to count as quiet.
const QUIET: Duration = Duration::from_secs(1);
/// How long answers and close handshakes may take once the server stops.
const GRACE: Duration = Duration::from_secs(10);

/// Rings from any thread: the app hears [`App::woken`] in the next turn.
#[derive(Clone, Debug)]
pub struct Bell {
    waker: Arc<Waker>,
    /// The loop was woken and has not looked yet.
    rung: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
}

impl Bell {
    /// Wakes the loop. Rings that come before it wakes are one.
    pub fn ring(&self) {
        if self.rung.swap(true, Ordering::AcqRel) {
            return;
        }
        // A poll that is gone needs no waking.
        let _ = self.waker.wake();
    }

    /// Whatever is rung for from now on rings again.
    fn hear(&self) {
        self.rung.swap(false, Ordering::AcqRel);
    }

    /// Stops the server as SIGTERM would.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.ring();
    }
}

/// The loop, its listeners and its sockets.
#[derive(Debug)]
pub struct Driver {
    poll: Poll,
    listeners: Listeners,
    sockets: Sockets,
    signals: Option<Signals>,
    bell: Bell,
    clock: Clock,
}

impl Driver {
    /// A loop that serves what `listeners` bring.
    pub fn open(addresses: &[Address]) -> Result<Self, listeners::ListenError> {
        let poll = Poll::new().map_err(listeners::ListenError::Loop)?;
        let waker = Waker::new(poll.registry(), BELL).map_err(listeners::ListenError::Loop)?;
        let listeners = Listeners::open(addresses, poll.registry(), FIRST_LISTENER)?;
        let bell = Bell {
            waker: Arc::new(waker),
            rung: Arc::default(),
            stop: Arc::default(),
        };
        let sockets = Sockets::default();
        Ok(Self {
            poll,
            listeners,
            sockets,
            signals: None,
            bell,
            clock: Clock::start(),
        })
    }

    /// Ends on SIGTERM and SIGINT: with grace on the first, at once on the second.
    pub fn stop_on_signals(&mut self) -> io::Result<()> {
        self.signals = Some(Signals::open(self.poll.registry(), SIGNALS)?);
        Ok(())
    }

    /// Where it listens, with the ports that the system chose.
    pub fn addresses(&self) -> Vec<Address> {
        self.listeners.addresses()
    }

    /// What other threads ring.
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Serves `app` until it is stopped.
    pub fn run<A: App>(mut self, app: A, settings: Settings, seed: u64) -> io::Result<A> {
        let mut engine = Engine::new(app, settings, seed);
        let mut turn = Turn::default();
        let mut stopping = Stopping::No;
        engine.begin(self.clock.now());
        engine.start();
        loop {
            self.turn(&mut engine, &mut turn)?;
            let asked = self.bell.stop.load(Ordering::Acquire) || turn.signals > 0;
            if asked && matches!(stopping, Stopping::No) {
                turn.signals = turn.signals.saturating_sub(1);
                self.listeners.close(self.poll.registry());
                engine.shut_down();
                stopping = Stopping::Until(engine.net().now().instant + GRACE);
            }
            if let Stopping::Until(end) = stopping {
                let over = engine.net().now().instant >= end || turn.signals > 0;
                if over || engine.net().connections() == 0 {
                    return Ok(engine.into_app());
                }
            }
            turn.no_longer_than = match stopping {
                Stopping::Until(end) => Some(end),
                Stopping::No => turn.trim_at,
            };
        }
    }

    /// One turn. The order carries meaning: nothing is written before everything that came has
    /// been handled, so that what is said leaves together; and what ends is buried last, so that
    /// no event of this turn meets a stranger in its slot.
    fn turn<A: App>(&mut self, engine: &mut Engine<A>, turn: &mut Turn) -> io::Result<()> {
        self.wait(engine, turn)?;
        engine.begin(self.clock.now());
        self.sort(turn);
        self.listeners
            .accept(engine, &mut self.sockets, self.poll.registry());
        engine.go_on();
        self.sockets.read(engine, &mut turn.buffer);
        engine.elapse();
        if std::mem::take(&mut turn.rung) {
            self.bell.hear();
            engine.woken();
        }
        for id in turn.writable.drain(..) {
            engine.writable(id);
        }
        let sockets = &mut self.sockets;
        engine.flush(|id, slices| sockets.write(id, slices));
        engine.take_effects(&mut turn.effects);
        turn.ends += self.sockets.carry_out(&mut turn.effects);
        self.trim_when_quiet(engine, turn);
        Ok(())
    }

    /// Waits for the world, unless something was left over.
    fn wait<A: App>(&mut self, engine: &Engine<A>, turn: &mut Turn) -> io::Result<()> {
        let now = engine.net().now().instant;
        let left_over = self.sockets.left_over() || self.listeners.left_over();
        let sleep = if left_over {
            Some(Duration::ZERO)
        } else {
            engine.sleep()
        };
        let limit = nearest(turn.no_longer_than, self.listeners.next());
        let limit = limit.map(|end| end.since(now));
        let sleep = nearest(sleep, limit);
        match self.poll.poll(&mut turn.events, sleep) {
            Err(error) if error.kind() != io::ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Takes the kernel's events apart.
    fn sort(&mut self, turn: &mut Turn) {
        for event in &turn.events {
            match event.token() {
                BELL => turn.rung = true,
                SIGNALS => turn.signals += self.signals.as_mut().map_or(0, Signals::count),
                Token(number) if number >= FIRST_LISTENER => {
                    self.listeners.ready(number - FIRST_LISTENER);
                }
                Token(bits) => {
                    let id = ConnId::from_bits(bits as u64);
                    if self.sockets.ready(id, event) {
                        turn.writable.push(id);
                    }
                }
            }
        }
    }

    /// Gives memory back after a rush, once nothing much happens.
    fn trim_when_quiet<A: App>(&mut self, engine: &mut Engine<A>, turn: &mut Turn) {
        if turn.ends < ENDS_WORTH_A_TRIM {
            return;
        }
        let now = engine.net().now().instant;
        match turn.trim_at {
            Some(at) if now < at => {}
            Some(_) if turn.ends == turn.ends_seen => {
                engine.shrink();
                self.sockets.shrink();
                memory::trim();
                turn.trim_at = None;
                (turn.ends, turn.ends_seen) = (0, 0);
            }
            _ => {
                turn.trim_at = Some(now + QUIET);
                turn.ends_seen = turn.ends;
            }
        }
    }
}

/// Whether the server is about to end.
#[derive(Clone, Copy)]
enum Stopping {
    No,
    Until(Instant),
}

/// What a turn works with, kept for the next one.
struct Turn {
    events: Events,
    buffer: Vec<u8>,
    writable: Vec<ConnId>,
    effects: Vec<Effect>,
    rung: bool,
    /// Signals that came and were not acted on.
    signals: usize,
    /// Connections that ended since memory was given back.
    ends: usize,
    ends_seen: usize,
    trim_at: Option<Instant>,
    no_longer_than: Option<Instant>,
}

impl Default for Turn {
    fn default() -> Self {
        Self {
            events: Events::with_capacity(EVENTS),
            buffer: vec![0; READ_BYTES],
            writable: Vec::new(),
            effects: Vec::new(),
            rung: false,
            signals: 0,
            ends: 0,
            ends_seen: 0,
            trim_at: None,
            no_longer_than: None,
        }
    }
}

/// Reads the machine's clocks: once a turn, and the wall's only once a second.
#[derive(Debug)]
struct Clock {
    start: std::time::Instant,
    wall: Now,
}

impl Clock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the driver is where time comes from"
    )]
    fn start() -> Self {
        Self {
            start: std::time::Instant::now(),
            wall: Self::look(Instant(0)),
        }
    }

    fn look(instant: Instant) -> Now {
        let since_1970 = std::time::SystemTime::UNIX_EPOCH
            .elapsed()
            .unwrap_or_default();
        Now {
            instant,
            unix_ms: u64::try_from(since_1970.as_millis()).unwrap_or(u64::MAX),
        }
    }

    fn now(&mut self) -> Now {
        let instant = Instant(0) + self.start.elapsed();
        let passed_ms = instant.0 - self.wall.instant.0;
        if passed_ms >= 1000 {
            self.wall = Self::look(instant);
        }
        let passed_ms = instant.0 - self.wall.instant.0;
        Now {
            instant,
            unix_ms: self.wall.unix_ms + passed_ms,
        }
    }
}

/// A seed that differs from run to run, from the standard library's own source of chance.
pub fn fresh_seed() -> u64 {
    RandomState::new().hash_one("parlour")
}
