//! # Sockets: the transports of the engine's connections
//!
//! Indexed by slot like the connections themselves, and smaller than they: a descriptor, the
//! generation that it belongs to, and what edge-triggered readiness obliges us to remember.

use std::io::{self, IoSlice, Read, Write};
use std::net::Shutdown;

use mio::event::Event;
use mio::net::{TcpStream, UnixStream};
use mio::{Interest, Registry, Token};

use crate::reactor::app::App;
use crate::reactor::engine::{Effect, Engine};
use crate::reactor::token::ConnId;

/// A connected socket of either family.
#[derive(Debug)]
pub(super) enum Transport {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Transport {
    pub(super) fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Tcp(stream) => stream.read(buffer),
            Self::Unix(stream) => stream.read(buffer),
        }
    }

    pub(super) fn write(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        // A plain write is cheaper than a vectored one, and one slice is the usual case.
        match (self, slices) {
            (Self::Tcp(stream), [slice]) => stream.write(slice),
            (Self::Tcp(stream), slices) => stream.write_vectored(slices),
            (Self::Unix(stream), [slice]) => stream.write(slice),
            (Self::Unix(stream), slices) => stream.write_vectored(slices),
        }
    }

    pub(super) fn shut_down(&self) -> io::Result<()> {
        match self {
            Self::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Self::Unix(stream) => stream.shutdown(Shutdown::Write),
        }
    }

    fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        let interest = Interest::READABLE | Interest::WRITABLE;
        match self {
            Self::Tcp(stream) => registry.register(stream, token, interest),
            Self::Unix(stream) => registry.register(stream, token, interest),
        }
    }

    /// Has the kernel drop what was not sent, and tell the peer with a reset.
    fn reset_on_close(&self) {
        if let Self::Tcp(stream) = self {
            // Without it the close is a polite one, which is only slower.
            let _ = socket2::SockRef::from(stream).set_linger(Some(std::time::Duration::ZERO));
        }
    }
}

#[derive(Debug)]
struct Socket {
    transport: Transport,
    generation: u32,
    /// The kernel may have input for us.
    readable: bool,
    /// The kernel has announced the end of input.
    ending: bool,
    /// The kernel has announced that the connection is broken.
    broken: bool,
    /// The engine takes input: it has not said otherwise, or has asked for it since.
    wanted: bool,
    /// On the list of those to be read.
    listed: bool,
    /// The peer's end has been read.
    ended: bool,
    /// The engine has been told of an end that it does not read yet.
    told: bool,
}

impl Socket {
    /// Whether the engine is to hear now of an end that it does not read yet.
    const fn tells(&mut self) -> bool {
        let tells = self.ending && !self.wanted && !self.told;
        self.told |= tells;
        tells
    }
}

/// All transports.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    slots: Vec<Option<Socket>>,
    /// Those that may have input and whose engine side wants it.
    reads: Vec<ConnId>,
    /// Those whose end is announced and not wanted yet.
    hung_up: Vec<ConnId>,
}

impl Sockets {
    fn get(&mut self, id: ConnId) -> Option<&mut Socket> {
        self.slots
            .get_mut(id.slot())?
            .as_mut()
            .filter(|it| it.generation == id.generation)
    }

    /// Takes in a new connection's transport.
    pub(super) fn insert(
        &mut self,
        id: ConnId,
        mut transport: Transport,
        registry: &Registry,
    ) -> io::Result<()> {
        transport.register(registry, Token(id.to_bits() as usize))?;
        if self.slots.len() <= id.slot() {
            self.slots.resize_with(id.slot() + 1, || None);
        }
        self.slots[id.slot()] = Some(Socket {
            transport,
            generation: id.generation,
            readable: false,
            ending: false,
            broken: false,
            wanted: true,
            listed: false,
            ended: false,
            told: false,
        });
        Ok(())
    }

    /// Notes what the kernel said. Whether the engine is to know that it can write. Input that the
    /// engine does not want stays in the kernel, however often its arrival is announced: only so
    /// can the peer feel that it is to wait.
    #[inline]
    pub(super) fn ready(&mut self, id: ConnId, event: &Event) -> bool {
        let Some(socket) = self.get(id) else {
            return false;
        };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            socket.readable = true;
            socket.ending |= event.is_read_closed() || event.is_error();
            socket.broken |= event.is_error();
            let tells = socket.tells();
            let lists = !socket.listed && (socket.wanted || socket.broken);
            socket.listed |= lists;
            if tells {
                self.hung_up.push(id);
            }
            if lists {
                self.reads.push(id);
            }
        }
        event.is_writable()
    }

    /// Whether a read was put off to this turn.
    pub(super) fn left_over(&self) -> bool {
        !self.reads.is_empty() || !self.hung_up.is_empty()
    }

    /// Reads once, into the shared buffer, for each connection that may have input.
    #[inline]
    pub(super) fn read<A: App>(&mut self, engine: &mut Engine<A>, buffer: &mut [u8]) {
        for id in std::mem::take(&mut self.hung_up) {
            engine.hung_up(id);
        }
        let mut reads = std::mem::take(&mut self.reads);
        for id in reads.drain(..) {
            let Some(socket) = self.get(id) else { continue };
            socket.listed = false;
            if !socket.readable || socket.ended {
                continue;
            }
            if !socket.wanted {
                // Broken, or it would not be listed: nobody waits for what it has left behind.
                socket.ended = true;
                engine.failed(id);
                continue;
            }
            let go_on = match socket.transport.read(buffer) {
                Ok(0) => {
                    socket.ended = true;
                    engine.ended(id);
                    false
                }
                Ok(count) => {
                    // A short read has emptied the socket: whatever comes later is a new edge. The
                    // end of input has been announced already and takes a read of its own.
                    socket.readable = count == buffer.len() || socket.ending;
                    let wanted = engine.received(id, &mut buffer[..count]);
                    self.want(id, wanted)
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    socket.readable = false;
                    false
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => true,
                Err(_) => {
                    socket.ended = true;
                    engine.failed(id);
                    false
                }
            };
            if go_on {
                self.list(id);
            }
        }
        // What was listed meanwhile is for the next turn: one buffer a turn is everybody's share.
        reads.append(&mut self.reads);
        self.reads = reads;
    }

    /// Notes whether the engine takes input; whether the socket is to be looked at again.
    fn want(&mut self, id: ConnId, wanted: bool) -> bool {
        let Some(socket) = self.get(id) else {
            return false;
        };
        socket.wanted = wanted;
        // Whatever is asked behind what is read now is another matter.
        socket.told &= !wanted;
        let (tells, again) = (socket.tells(), socket.wanted || socket.broken);
        if tells {
            self.hung_up.push(id);
        }
        again
    }

    fn list(&mut self, id: ConnId) {
        if let Some(socket) = self.get(id)
            && socket.readable
            && !socket.listed
        {
            socket.listed = true;
            self.reads.push(id);
        }
    }

    /// Writes for the engine.
    #[inline]
    pub(super) fn write(&mut self, id: ConnId, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        match self.get(id) {
            Some(socket) => socket.transport.write(slices),
            None => Err(io::ErrorKind::NotConnected.into()),
        }
    }

    /// Does what the engine wants done; how many connections ended by it.
    pub(super) fn carry_out(&mut self, effects: &mut Vec<Effect>) -> usize {
        let mut ends = 0;
        for effect in effects.drain(..) {
            match effect {
                Effect::Read(id) => {
                    if self.want(id, true) {
                        self.list(id);
                    }
                }
                Effect::HalfClose(id) => {
                    if let Some(socket) = self.get(id) {
                        // A peer that is gone already needs no end of ours; its own comes as one.
                        let _ = socket.transport.shut_down();
                    }
                }
                Effect::Close(id) => ends += usize::from(self.drop(id).is_some()),
                Effect::Reset(id) => {
                    if let Some(socket) = self.drop(id) {
                        socket.transport.reset_on_close();
                        ends += 1;
                    }
                }
            }
        }
        ends
    }

    /// The socket of `id`, which closes when it is dropped. The kernel forgets its registration
    /// with the descriptor.
    fn drop(&mut self, id: ConnId) -> Option<Socket> {
        self.get(id)?;
        self.slots[id.slot()].take()
    }

    /// Gives back memory that only a past rush needed.
    pub(super) fn shrink(&mut self) {
        while let Some(None) = self.slots.last() {
            self.slots.pop();
        }
        self.slots.shrink_to_fit();
        self.reads.shrink_to(64);
        self.hung_up.shrink_to(64);
    }
}
