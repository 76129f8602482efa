//! # Clients that cost little: a socket, and frames by hand
//!
//! Masked with nothing, so that the server unmasks and the client need not mask.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::time::Instant;

use crate::{NAP, Outcome, PATIENCE};

pub(crate) struct Client {
    stream: TcpStream,
    /// What came and is no whole frame.
    rest: Vec<u8>,
}

impl Client {
    /// Opens a WebSocket.
    pub(crate) fn open(address: &str, path: &str) -> Outcome<Self> {
        let mut stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let ask = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        );
        stream.write_all(ask.as_bytes())?;
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte)?;
            head.push(byte[0]);
        }
        if !head.starts_with(b"HTTP/1.1 101") {
            return Err(String::from_utf8_lossy(&head).into());
        }
        stream.set_nonblocking(true)?;
        let rest = Vec::new();
        Ok(Self { stream, rest })
    }

    pub(crate) fn say(&mut self, bytes: &[u8]) -> Outcome {
        self.say_all(bytes, 1)
    }

    /// Says the same so many times, in one write.
    pub(crate) fn say_all(&mut self, bytes: &[u8], times: usize) -> Outcome {
        let mut frame = vec![0x82];
        match bytes.len() {
            len @ 0..126 => frame.push(0x80 | len as u8),
            len => {
                frame.push(0x80 | 126);
                frame.extend_from_slice(&u16::try_from(len)?.to_be_bytes());
            }
        }
        frame.extend_from_slice(&[0; 4]);
        frame.extend_from_slice(bytes);
        // What is said is far below what a socket takes at once.
        Ok(self.stream.write_all(&frame.repeat(times))?)
    }

    /// Takes what is there. Whether there was anything.
    pub(crate) fn take(&mut self, mut each: impl FnMut(&[u8])) -> Outcome<bool> {
        let mut buffer = [0; 16 * 1024];
        let count = match self.stream.read(&mut buffer) {
            Ok(0) => return Err("the server has ended the connection".into()),
            Ok(count) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(false),
            Err(error) => return Err(error.into()),
        };
        let mut bytes = std::mem::take(&mut self.rest);
        bytes.extend_from_slice(&buffer[..count]);
        let (mut at, mut pings) = (0, 0);
        while let Some((from, len)) = frame(&bytes[at..]) {
            match bytes[at] & 0x0f {
                0..3 => each(&bytes[at + from..at + from + len]),
                // Who answers nothing is taken for dead.
                _ => pings += 1,
            }
            at += from + len;
        }
        let pong = [0x8a, 0x80, 0, 0, 0, 0];
        self.stream.write_all(&pong.repeat(pings))?;
        self.rest = bytes.split_off(at);
        Ok(true)
    }

    /// Waits for something of a kind; what else comes is passed over.
    pub(crate) fn wait_for(&mut self, is_it: impl Fn(&[u8]) -> bool) -> Outcome {
        let begun = Instant::now();
        let mut found = false;
        while !found {
            if !self.take(|bytes| found |= is_it(bytes))? {
                nap(begun)?;
            }
        }
        Ok(())
    }

    /// Waits for so many messages; heartbeats, which are shorter than any of them, are answered.
    pub(crate) fn wait_for_data(&mut self, count: usize) -> Outcome {
        let begun = Instant::now();
        let (mut missing, mut beats) = (count, 0);
        while missing > 0 {
            let took = self.take(|bytes| match bytes.len() {
                4 => beats += 1,
                _ => missing = missing.saturating_sub(1),
            })?;
            if !took {
                nap(begun)?;
            }
        }
        match beats {
            0 => Ok(()),
            _ => self.say(b"\x03\0\0\0"),
        }
    }
}

fn nap(begun: Instant) -> Outcome {
    if begun.elapsed() > PATIENCE {
        return Err("what should come does not".into());
    }
    std::thread::sleep(NAP);
    Ok(())
}

/// Where the payload of a whole frame is.
fn frame(bytes: &[u8]) -> Option<(usize, usize)> {
    let (from, len) = match *bytes {
        [_, 126, high, low, ..] => (4, usize::from(u16::from_be_bytes([high, low]))),
        [_, len @ 0..126, ..] => (2, usize::from(len)),
        _ => return None,
    };
    (bytes.len() >= from + len).then_some((from, len))
}
