//! # Socket: a WebSocket connection to read from and write to
//!
//! Promises
//! 1. Bytes leave in the order in which they came, also after a write that timed out.
//! 2. What a read did not finish, the next one finishes.
//! 3. Two ends that both write and do not read come to an end: a read never waits for its own words
//!    to be taken, and a write waits for ever only if it is told to.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use std::{error, fmt};

use socket2::SockRef;

use crate::client::{Connect, ConnectError};
use crate::ground::seed::Seed;
use crate::ws::{Deflate, Event, Fault, Limits, Message, Session, Step};

/// How long a write waits where no timeout is set.
const WRITE_WAIT: Duration = Duration::from_secs(30);
/// How much of answers to pings waits to be taken; what is beyond it is not said.
const PONGS_BYTES_MAX: usize = 4096;
/// Room for one read.
const INPUT_BYTES: usize = 16 * 1024;

/// A message that arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Incoming {
    /// UTF-8 text.
    Text(String),
    /// Any bytes.
    Binary(Vec<u8>),
}

impl Incoming {
    /// The text, if it is one.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Binary(_) => None,
        }
    }
}

/// A connection after its handshake.
///
/// ```no_run
/// use parlour::client::Socket;
///
/// let mut socket = Socket::connect("ws://localhost:8000/ws")?;
/// socket.write("Hello")?;
/// for message in &mut socket {
///     println!("{:?}", message?);
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Socket {
    stream: TcpStream,
    session: Session,
    limits: Limits,
    deflate: Deflate,
    seed: Seed,
    protocol: Option<String>,
    /// What was read; from `input_at` to `input_end` it is not decoded.
    input: Vec<u8>,
    input_at: usize,
    input_end: usize,
    /// What is to be written.
    out: Vec<u8>,
    timeout: Option<Duration>,
    closed: Option<(Option<u16>, String)>,
    /// An iteration met its last error.
    is_lost: bool,
}

impl Socket {
    /// Connects with a timeout of ten seconds and compression; [`Connect`] has the choices.
    pub fn connect(url: &str) -> Result<Self, ConnectError> {
        Connect::to(url).connect()
    }

    /// A socket whose handshake is done and which has read `input` beyond it.
    pub(super) fn new(
        stream: TcpStream,
        session: Session,
        deflate: Deflate,
        seed: Seed,
        protocol: Option<String>,
        mut input: Vec<u8>,
    ) -> Self {
        let input_end = input.len();
        input.resize(INPUT_BYTES.max(input_end), 0);
        Self {
            stream,
            session,
            limits: Limits::default(),
            deflate,
            seed,
            protocol,
            input,
            input_at: 0,
            input_end,
            out: Vec::new(),
            timeout: None,
            closed: None,
            is_lost: false,
        }
    }

    /// The next message; waits for it. `None` after the server's close: see [`Socket::closed`].
    pub fn read(&mut self) -> Result<Option<Incoming>, ReadError> {
        let deadline = self.deadline();
        let mut tries = 0;
        loop {
            if self.closed.is_some() {
                self.offer();
                return Ok(None);
            }
            if let Some(message) = self.decode()? {
                return Ok(Some(message));
            }
            if self.closed.is_none() {
                // A server that trickles would start each wait anew.
                if tries > 0 && is_over(deadline) {
                    return Err(ReadError::TimedOut);
                }
                self.offer();
                self.fill(deadline)?;
                tries += 1;
            }
        }
    }

    /// Sends a message: `&str` as text, `&[u8]` as binary.
    pub fn write<'m>(&mut self, message: impl Into<Message<'m>>) -> Result<(), WriteError> {
        let deadline = self.write_deadline();
        // First what an earlier write left over: then no queue can grow.
        self.flush(deadline)?;
        if !self.session.send(
            message.into(),
            &mut self.deflate,
            &mut self.seed,
            &mut self.out,
        ) {
            return Err(WriteError::Closed);
        }
        self.flush(deadline)
    }

    /// Sends a ping of at most 125 bytes. Its pong is read and passed over by `read`.
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), WriteError> {
        if !self.session.is_open() {
            return Err(WriteError::Closed);
        }
        self.session.ping(payload, &mut self.seed, &mut self.out);
        self.flush(self.write_deadline())
    }

    /// Begins to close: read on until `None` for the server's answer.
    pub fn close(&mut self, code: u16, reason: &str) -> Result<(), WriteError> {
        self.session
            .close(code, reason, &mut self.seed, &mut self.out);
        self.flush(self.write_deadline())
    }

    /// The server's close code and reason, once it closed.
    pub fn closed(&self) -> Option<(Option<u16>, &str)> {
        self.closed
            .as_ref()
            .map(|(code, reason)| (*code, reason.as_str()))
    }

    /// The subprotocol that the server chose.
    pub fn protocol(&self) -> Option<&str> {
        self.protocol.as_deref()
    }

    /// Whether messages travel compressed.
    pub const fn is_deflated(&self) -> bool {
        self.session.agreed().is_some()
    }

    /// How long each `read` and `write` may take. With `None`, as at first, a `read` waits for ever
    /// and a `write` for thirty seconds: a server that cannot be written to may be waiting for its
    /// own words to be read.
    pub const fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
    }

    /// How much the server may send.
    pub const fn set_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// The stream below, for its addresses or to shut it down.
    pub const fn stream(&self) -> &TcpStream {
        &self.stream
    }

    /// The next message in what was read already.
    fn decode(&mut self) -> Result<Option<Incoming>, ReadError> {
        while self.input_at < self.input_end {
            let input = &mut self.input[self.input_at..self.input_end];
            let (limits, deflate, seed) = (&self.limits, &mut self.deflate, &mut self.seed);
            let unsaid = self.out.len();
            let message = match self
                .session
                .decode(input, limits, deflate, seed, &mut self.out)
            {
                Step::More => {
                    self.input_at = self.input_end;
                    return Ok(None);
                }
                Step::Broken(fault) => {
                    self.offer();
                    return Err(ReadError::Fault(fault));
                }
                Step::Event { used, event } => {
                    self.input_at += used;
                    match event {
                        Event::Text(text) => Incoming::Text(text.into_owned()),
                        Event::Binary(bytes) => Incoming::Binary(bytes.into_owned()),
                        Event::Pong(_) => continue,
                        Event::Ping(_) => {
                            if self.out.len() > PONGS_BYTES_MAX {
                                self.out.truncate(unsaid);
                            }
                            self.offer();
                            continue;
                        }
                        Event::Closed { code, reason } => {
                            self.closed = Some((code, reason.into_owned()));
                            return Ok(None);
                        }
                    }
                }
            };
            return Ok(Some(message));
        }
        Ok(None)
    }

    /// Waits for more input.
    fn fill(&mut self, deadline: Option<Instant>) -> Result<(), ReadError> {
        self.stream
            .set_read_timeout(left(deadline))
            .map_err(ReadError::Outage)?;
        match self.stream.read(&mut self.input) {
            Ok(0) => Err(match self.session.ended() {
                Step::Broken(fault) => ReadError::Fault(fault),
                Step::Event { .. } | Step::More => ReadError::Ended,
            }),
            Ok(count) => {
                (self.input_at, self.input_end) = (0, count);
                Ok(())
            }
            Err(error) if is_timeout(&error) => Err(ReadError::TimedOut),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Ok(()),
            Err(error) => Err(ReadError::Outage(error)),
        }
    }

    /// Writes what the system takes at once. The rest is no reason not to read: it leaves with what
    /// is said next, and what is wrong with the connection the next read tells.
    fn offer(&mut self) {
        let flags = libc::MSG_DONTWAIT | libc::MSG_NOSIGNAL;
        while !self.out.is_empty() {
            match SockRef::from(&self.stream).send_with_flags(&self.out, flags) {
                Ok(count) => drop(self.out.drain(..count)),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => return,
            }
        }
    }

    fn flush(&mut self, deadline: Option<Instant>) -> Result<(), WriteError> {
        let mut written = 0;
        let result = loop {
            let rest = &self.out[written..];
            if rest.is_empty() {
                break Ok(());
            }
            if written > 0 && is_over(deadline) {
                break Err(WriteError::TimedOut);
            }
            if let Err(error) = self.stream.set_write_timeout(left(deadline)) {
                break Err(WriteError::Outage(error));
            }
            match self.stream.write(rest) {
                Ok(0) => break Err(WriteError::Outage(io::ErrorKind::WriteZero.into())),
                Ok(count) => written += count,
                Err(error) if is_timeout(&error) => break Err(WriteError::TimedOut),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(WriteError::Outage(error)),
            }
        };
        self.out.drain(..written);
        result
    }

    fn deadline(&self) -> Option<Instant> {
        self.timeout.and_then(|timeout| now().checked_add(timeout))
    }

    fn write_deadline(&self) -> Option<Instant> {
        now().checked_add(self.timeout.unwrap_or(WRITE_WAIT))
    }
}

/// What is read until the server closes. An error is the last item, but for a timeout.
impl Iterator for Socket {
    type Item = Result<Incoming, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.is_lost {
            return None;
        }
        let item = self.read().transpose();
        self.is_lost = matches!(&item, Some(Err(error)) if !matches!(error, ReadError::TimedOut));
        item
    }
}

/// A blocking client is its own driver: it looks at the clock for its timeouts.
#[expect(clippy::disallowed_methods, reason = "a blocking client drives itself")]
pub(super) fn now() -> Instant {
    Instant::now()
}

/// How long a call on the stream may take: never nothing, which the system would refuse.
pub(super) fn left(deadline: Option<Instant>) -> Option<Duration> {
    let left = deadline?.saturating_duration_since(now());
    Some(left.max(Duration::from_millis(1)))
}

/// Whether the deadline has passed.
pub(super) fn is_over(deadline: Option<Instant>) -> bool {
    deadline.is_some_and(|deadline| deadline <= now())
}

/// The kinds that a stream's timeout has on one system or another.
pub(super) fn is_timeout(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut
    )
}

/// Why nothing could be read.
#[derive(Debug)]
pub enum ReadError {
    /// Nothing came within the timeout. The socket is as it was: read again.
    TimedOut,
    /// The server broke a rule and was told so.
    Fault(Fault),
    /// The connection ended without a close frame.
    Ended,
    /// The network failed.
    Outage(io::Error),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("no whole message came within the timeout; read again"),
            Self::Fault(fault) => write!(f, "the server broke the protocol: {fault}"),
            Self::Ended => f.write_str("the connection ended without a close frame; connect again"),
            Self::Outage(error) => write!(f, "reading failed: {error}; connect again"),
        }
    }
}

impl error::Error for ReadError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Outage(error) => Some(error),
            Self::Fault(fault) => Some(fault),
            Self::TimedOut | Self::Ended => None,
        }
    }
}

/// Why something could not be sent.
#[derive(Debug)]
pub enum WriteError {
    /// The server did not take it within the timeout. What was not sent goes first next time.
    TimedOut,
    /// The connection is closing: nothing was sent.
    Closed,
    /// The network failed.
    Outage(io::Error),
}

impl fmt::Display for WriteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TimedOut => f.write_str("the server took too long to take it; read, then retry"),
            Self::Closed => f.write_str("the connection is closing; connect again to send"),
            Self::Outage(error) => write!(f, "writing failed: {error}; connect again"),
        }
    }
}

impl error::Error for WriteError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Outage(error) => Some(error),
            Self::TimedOut | Self::Closed => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::client::connect::tests::{serve, shake};
    use crate::ws::frame;

    fn frames(messages: &[&str]) -> Vec<u8> {
        let mut out = Vec::new();
        messages
            .iter()
            .for_each(|text| frame(Message::Text(text), &mut out));
        out
    }

    /// Answers each message with itself, with the same session that the reactor uses.
    fn echo(mut stream: TcpStream) {
        let (accepted, mut input) = shake(&mut stream);
        let mut session = Session::new(crate::ws::Role::Server, accepted.agreed);
        let (mut deflate, mut seed) = (Deflate::new(Default::default()), Seed::new(1));
        let mut pieces = [0; 1000];
        while !session.is_over() {
            let (mut at, mut out) = (0, Vec::new());
            while let Step::Event { used, event } = session.decode(
                &mut input[at..],
                &Limits::default(),
                &mut deflate,
                &mut seed,
                &mut out,
            ) {
                at += used;
                if let Some(message) = event.message() {
                    let mut back = Vec::new();
                    session.send(message, &mut deflate, &mut seed, &mut back);
                    out.append(&mut back);
                }
            }
            stream.write_all(&out).unwrap();
            let count = if session.is_over() {
                0
            } else {
                stream.read(&mut pieces).unwrap()
            };
            input = pieces[..count].to_vec();
        }
    }

    #[test]
    fn messages_come_back_and_a_close_is_answered() {
        for deflate in [false, true] {
            let mut socket = Connect::to(&serve(echo))
                .deflate(deflate)
                .connect()
                .unwrap();
            assert_eq!(socket.is_deflated(), deflate);
            let long = "all of it ".repeat(20_000);
            socket.write("hello").unwrap();
            socket.ping(b"still there?").unwrap();
            socket.write(&long).unwrap();
            socket.write(&[1u8, 2, 3]).unwrap();
            assert_eq!(socket.read().unwrap().unwrap().text(), Some("hello"));
            assert_eq!(socket.read().unwrap(), Some(Incoming::Text(long)));
            assert_eq!(
                socket.read().unwrap(),
                Some(Incoming::Binary(vec![1, 2, 3]))
            );
            socket.close(4002, "done").unwrap();
            assert_eq!(socket.read().unwrap(), None);
            assert_eq!(socket.closed(), Some((Some(4002), "")));
            assert!(matches!(socket.write("late"), Err(WriteError::Closed)));
        }
    }

    #[test]
    fn messages_are_read_to_the_server_s_close_in_a_loop() {
        let url = serve(|mut stream| {
            shake(&mut stream);
            stream.write_all(&frames(&["one", "two"])).unwrap();
            stream.write_all(b"\x89\x01?\x88\x05\x03\xe9bye").unwrap();
            let mut heard = Vec::new();
            stream.read_to_end(&mut heard).unwrap();
            // A pong of one byte and a close of two, both masked.
            assert_eq!(heard.iter().take(2).collect::<Vec<_>>(), [&0x8a, &0x81]);
            assert_eq!(heard.len(), 7 + 8);
        });
        let mut socket = Socket::connect(&url).unwrap();
        let heard: Vec<_> = socket
            .by_ref()
            .map(|message| message.unwrap().text().map(str::to_owned))
            .collect();
        assert_eq!(heard, [Some("one".to_owned()), Some("two".to_owned())]);
        assert_eq!(socket.closed(), Some((Some(1001), "bye")));
    }

    #[test]
    fn an_end_without_a_close_and_a_broken_rule_are_errors_once_in_a_loop() {
        let check = |bytes: &'static [u8], expected: &str| {
            let url = serve(move |mut stream| {
                shake(&mut stream);
                stream.write_all(bytes).unwrap();
            });
            let mut socket = Socket::connect(&url).unwrap();
            let error = socket.next().unwrap().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(socket.next().is_none());
        };
        check(b"\x81\x05Hel", "without a close frame");
        check(b"\x81\x85maskHello", "must not mask");
    }

    #[test]
    fn a_server_that_pings_on_and_never_reads_is_read_to_the_end() {
        let (_client_is_there, end) = mpsc::channel::<()>();
        let url = serve(move |mut stream| {
            shake(&mut stream);
            let ping = [&[0x89, 125][..], &[b'?'; 125]].concat();
            for _ in 0..100 {
                stream.write_all(&ping.repeat(1000)).unwrap();
            }
            stream.write_all(&frames(&["done"])).unwrap();
            let _ = end.recv();
        });
        let mut socket = Socket::connect(&url).unwrap();
        let message = socket.read().unwrap().unwrap();
        assert_eq!(message.text(), Some("done"));
        let is_bounded = socket.out.len() <= PONGS_BYTES_MAX + 200;
        assert!(!socket.out.is_empty() && is_bounded, "{}", socket.out.len());
    }

    #[test]
    fn a_write_that_nobody_takes_ends_in_time() {
        let (_client_is_there, end) = mpsc::channel::<()>();
        let url = serve(move |mut stream| {
            shake(&mut stream);
            let _ = end.recv();
        });
        let mut socket = Connect::to(&url).deflate(false).connect().unwrap();
        assert!(socket.write_deadline().is_some(), "without being told to");
        socket.set_timeout(Some(Duration::from_millis(20)));
        let large = vec![0u8; 1 << 20];
        let error = (0..100).find_map(|_| socket.write(&large[..]).err());
        assert!(matches!(error, Some(WriteError::TimedOut)), "{error:?}");
    }

    #[test]
    fn a_read_that_timed_out_goes_on_where_it_was_although_the_server_trickles() {
        let url = serve(|mut stream| {
            shake(&mut stream);
            for byte in frames(&["slowly"]) {
                stream.write_all(&[byte]).unwrap();
                // Nothing is read here: a read with a timeout is a pause.
                stream
                    .set_read_timeout(Some(Duration::from_millis(20)))
                    .unwrap();
                stream.read(&mut [0]).unwrap_err();
            }
            stream.read_exact(&mut [0]).ok();
        });
        let mut socket = Socket::connect(&url).unwrap();
        socket.set_timeout(Some(Duration::from_millis(30)));
        let mut timeouts = 0;
        let message = loop {
            match socket.read() {
                Err(ReadError::TimedOut) => timeouts += 1,
                other => break other.unwrap().unwrap(),
            }
        };
        assert_eq!(message.text(), Some("slowly"));
        assert!(timeouts > 1, "{timeouts}");
    }
}
