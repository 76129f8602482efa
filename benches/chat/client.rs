//! # Client: a WebSocket that costs as little as one can
//!
//! Non-blocking, no heap beyond what is unfinished, a mask of zeros, and messages looked at where
//! they were read. Who knows for whom something is on its way needs no poller: it looks there.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::thread::sleep;
use std::time::{Duration, Instant};

use crate::Outcome;

/// How long anything may take before a row has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// How long is slept where nothing has come.
pub(crate) const NAP: Duration = Duration::from_micros(50);

/// What one read may bring.
const READ_BYTES: usize = 64 << 10;

const TEXT: u8 = 1;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;

/// The buffer into which all clients read.
pub(crate) fn scratch() -> Vec<u8> {
    vec![0; READ_BYTES]
}

/// One WebSocket.
pub(crate) struct Client {
    stream: TcpStream,
    /// The beginning of what has not come wholly.
    rest: Vec<u8>,
    /// Frames to be written.
    out: Vec<u8>,
    is_open: bool,
}

impl Client {
    /// Asks for a WebSocket; the answer is read by [`take`](Self::take).
    pub(crate) fn ask(address: &str, path: &str, token: Option<&str>) -> Outcome<Self> {
        let mut stream = TcpStream::connect(address)?;
        let fields = token.map_or(String::new(), |token| {
            format!("Authorization: Bearer {token}\r\nSec-WebSocket-Protocol: parlour.v1\r\n")
        });
        let head = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n"
        );
        stream.write_all(head.as_bytes())?;
        stream.set_nodelay(true)?;
        stream.set_nonblocking(true)?;
        Ok(Self {
            stream,
            rest: Vec::new(),
            out: Vec::new(),
            is_open: false,
        })
    }

    /// Whether the handshake is done.
    pub(crate) fn is_open(&self) -> bool {
        self.is_open
    }

    /// Puts a text into the next [`flush`](Self::flush).
    pub(crate) fn say(&mut self, text: &str) {
        self.put(TEXT, text.as_bytes());
    }

    fn put(&mut self, opcode: u8, payload: &[u8]) {
        const FIN: u8 = 0x80;
        const MASKED: u8 = 0x80;
        self.out.push(FIN | opcode);
        match u8::try_from(payload.len()) {
            Ok(short) if short < 126 => self.out.push(MASKED | short),
            _ => {
                let length = u16::try_from(payload.len()).expect("what a bench says is short");
                self.out.push(MASKED | 126);
                self.out.extend(length.to_be_bytes());
            }
        }
        self.out.extend([0; 4]);
        self.out.extend(payload);
    }

    /// Writes what was said, however long the server takes to take it.
    pub(crate) fn flush(&mut self) -> Outcome {
        let mut written = 0;
        while written < self.out.len() {
            match self.stream.write(&self.out[written..]) {
                Ok(n) => written += n,
                Err(error) if error.kind() == ErrorKind::WouldBlock => sleep(NAP),
                Err(error) => return Err(error.into()),
            }
        }
        self.out.clear();
        Ok(())
    }

    /// Reads once, hands over each text that is whole, and answers heartbeats. Whether there was
    /// anything.
    pub(crate) fn take(
        &mut self,
        scratch: &mut [u8],
        mut each: impl FnMut(&[u8]) -> Outcome,
    ) -> Outcome<bool> {
        let read = match self.stream.read(scratch) {
            Ok(0) => return Err("the server has closed a connection".into()),
            Ok(read) => read,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        if self.rest.is_empty() {
            let used = self.texts(&scratch[..read], &mut each)?;
            self.rest.extend(&scratch[used..read]);
        } else {
            let mut rest = std::mem::take(&mut self.rest);
            rest.extend(&scratch[..read]);
            let used = self.texts(&rest, &mut each)?;
            rest.drain(..used);
            // Most connections have none most of the time.
            self.rest = if rest.is_empty() { Vec::new() } else { rest };
        }
        self.flush()?;
        Ok(true)
    }

    /// Hands over what is whole; how many bytes that was.
    fn texts(&mut self, bytes: &[u8], each: &mut impl FnMut(&[u8]) -> Outcome) -> Outcome<usize> {
        let mut at = 0;
        if !self.is_open {
            let Some(end) = memchr::memmem::find(bytes, b"\r\n\r\n") else {
                return Ok(0);
            };
            if !bytes.starts_with(b"HTTP/1.1 101") {
                let answer = String::from_utf8_lossy(&bytes[..end.min(200)]).into_owned();
                return Err(answer.into());
            }
            self.is_open = true;
            at = end + 4;
        }
        while let Some((opcode, start, end)) = frame(&bytes[at..]) {
            let payload = &bytes[at + start..at + end];
            match opcode {
                TEXT if payload == b"{}" => self.say("{}"),
                TEXT => each(payload)?,
                PING => self.put(PONG, payload),
                CLOSE => return Err("the server says goodbye".into()),
                _ => {}
            }
            at += end;
        }
        Ok(at)
    }
}

/// The first frame, if it is whole: its opcode, and where its payload is.
fn frame(bytes: &[u8]) -> Option<(u8, usize, usize)> {
    let (head, length) = (*bytes.first()?, *bytes.get(1)?);
    let (start, length) = match length {
        126 => (
            4,
            u16::from_be_bytes(bytes.get(2..4)?.try_into().ok()?).into(),
        ),
        127 => (10, u64::from_be_bytes(bytes.get(2..10)?.try_into().ok()?)),
        short => (2, short.into()),
    };
    let end = start + usize::try_from(length).ok()?;
    (bytes.len() >= end).then_some((head & 0xf, start, end))
}

/// Goes on until `is_done` says so; it is asked again after a nap where it did nothing.
pub(crate) fn until(what: &str, mut step: impl FnMut() -> Outcome<Step>) -> Outcome {
    let mut moved = Instant::now();
    loop {
        match step()? {
            Step::Done => return Ok(()),
            Step::Moved => moved = Instant::now(),
            Step::Idle if moved.elapsed() > PATIENCE => {
                return Err(format!("{what}: nothing came for {PATIENCE:?}").into());
            }
            Step::Idle => sleep(NAP),
        }
    }
}

/// What a look at the sockets brought.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Idle,
    Moved,
    Done,
}
