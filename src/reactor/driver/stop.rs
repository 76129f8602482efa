//! # Stop: how the operating system asks for an end

use std::io::{self, Read};

use mio::net::UnixStream;
use mio::{Interest, Registry, Token};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::low_level::pipe;

/// SIGTERM and SIGINT, as bytes that arrive on a socket pair: a byte a signal.
#[derive(Debug)]
pub(super) struct Signals {
    stream: UnixStream,
}

impl Signals {
    pub(super) fn open(registry: &Registry, token: Token) -> io::Result<Self> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        pipe::register(SIGTERM, theirs.try_clone()?)?;
        pipe::register(SIGINT, theirs)?;
        let mut stream = UnixStream::from_std(ours);
        registry.register(&mut stream, token, Interest::READABLE)?;
        Ok(Self { stream })
    }

    /// How many have come since the last look.
    pub(super) fn count(&mut self) -> usize {
        let mut bytes = [0; 64];
        self.stream.read(&mut bytes).unwrap_or(0)
    }
}
