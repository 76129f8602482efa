//! # Nano: a blocking client of the game protocol
//!
//! Over WebSocket or straight over TCP, for tests and benches. Heartbeats are answered while reading.
//!
//! Promises
//! 1. What a read did not finish, the next one finishes.
//! 2. What comes while an answer is awaited is kept, in its order.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use std::{error, fmt};

use serde_json::{Map, Value, json};

use super::socket::{is_over, is_timeout, left, now};
use super::{Connect, ConnectError, Incoming, ReadError, Socket, WriteError};
use crate::nano::{Dictionary, Fault, Kind, Message, Packet, Packets, packet};

/// What a server may put into one packet: all that its length can say.
const BODY_BYTES_MAX: usize = (1 << 24) - 1;
/// Room for one read.
const INPUT_BYTES: usize = 16 * 1024;

/// What a server has said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Said {
    /// Something by itself.
    Push {
        /// What it is about.
        route: String,
        /// What it says.
        data: Vec<u8>,
    },
    /// An answer.
    Response {
        /// To which request.
        id: u64,
        /// What it says.
        data: Vec<u8>,
    },
    /// That this client has to go, and why.
    Kick(Vec<u8>),
}

/// Why something did not work.
#[derive(Debug)]
pub enum NanoError {
    /// There is no connection.
    Connect(ConnectError),
    /// The server has refused the handshake: what it answered.
    Refused(Value),
    /// The server has broken the protocol.
    Fault(Fault),
    /// The handshake's answer is no JSON, or not one of these.
    BadHandshake,
    /// Nothing came within the timeout: read again.
    TimedOut,
    /// The connection is over.
    Ended,
    /// An answer is no JSON.
    NotJson(serde_json::Error),
    /// The network failed.
    Outage(io::Error),
}

impl fmt::Display for NanoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::Refused(answer) => write!(f, "the handshake was refused: {answer}"),
            Self::Fault(fault) => write!(f, "the server broke the protocol: {fault}"),
            Self::BadHandshake => f.write_str("the answer to the handshake cannot be understood"),
            Self::TimedOut => f.write_str("nothing came within the timeout; read again"),
            Self::Ended => f.write_str("the connection is over; connect again"),
            Self::NotJson(error) => write!(f, "an answer is no JSON: {error}"),
            Self::Outage(error) => write!(f, "the network failed: {error}; connect again"),
        }
    }
}

impl error::Error for NanoError {}

#[derive(Debug)]
enum Transport {
    WebSocket(Box<Socket>),
    Tcp(TcpStream),
}

/// A client of the game protocol, after its handshake.
///
/// ```no_run
/// use parlour::client::{Nano, Said};
/// use serde_json::json;
///
/// let mut player = Nano::connect("tcp://127.0.0.1:3250", json!({}))?;
/// let answer = player.request("room.join", &json!({}))?;
/// assert_eq!(answer["code"], 0);
/// player.notify("room.message", &json!({ "name": "ann", "content": "hello" }))?;
/// while let Some(said) = player.read()? {
///     println!("{said:?}");
/// }
/// # Ok::<(), parlour::client::NanoError>(())
/// ```
#[derive(Debug)]
pub struct Nano {
    transport: Transport,
    packets: Packets,
    /// What was read and not taken apart.
    input: Vec<u8>,
    /// What came while something else was awaited.
    said: VecDeque<Said>,
    handshake: Value,
    dictionary: Dictionary,
    requests: u64,
    timeout: Option<Duration>,
    heartbeats: u64,
    answers_heartbeats: bool,
    is_over: bool,
}

impl Nano {
    /// Connects to `ws://HOST:PORT/PATH` or `tcp://HOST:PORT` and shakes hands; `user` is what the
    /// app is told.
    pub fn connect(url: &str, user: Value) -> Result<Self, NanoError> {
        let mut client = Self::connect_only(url)?;
        let sys = json!({ "type": "parlour", "version": env!("CARGO_PKG_VERSION") });
        client.shake(&json!({ "sys": sys, "user": user }))?;
        Ok(client)
    }

    /// Connects, and says nothing yet.
    pub fn connect_only(url: &str) -> Result<Self, NanoError> {
        let transport = match url.strip_prefix("tcp://") {
            Some(place) => {
                let stream = TcpStream::connect(place).map_err(NanoError::Outage)?;
                stream.set_nodelay(true).map_err(NanoError::Outage)?;
                Transport::Tcp(stream)
            }
            None => {
                let connect = Connect::to(url).deflate(false);
                let socket = connect.connect().map_err(NanoError::Connect)?;
                Transport::WebSocket(Box::new(socket))
            }
        };
        Ok(Self {
            transport,
            packets: Packets::default(),
            input: Vec::new(),
            said: VecDeque::new(),
            handshake: Value::Null,
            dictionary: Dictionary::default(),
            requests: 0,
            timeout: None,
            heartbeats: 0,
            answers_heartbeats: true,
            is_over: false,
        })
    }

    /// Says a handshake and awaits its answer.
    pub fn shake(&mut self, hello: &Value) -> Result<(), NanoError> {
        self.say(Packet::Handshake, hello.to_string().as_bytes())?;
        self.handshake = Value::Null;
        while self.handshake.is_null() {
            self.take_in()?;
        }
        if self.handshake["code"] != 200 {
            return Err(NanoError::Refused(self.handshake.clone()));
        }
        let codes = self.handshake["sys"]["dict"].as_object();
        let entries = codes.into_iter().flatten().filter_map(|(route, code)| {
            let code = u16::try_from(code.as_u64()?).ok()?;
            Some((route.as_str(), code))
        });
        self.dictionary = Dictionary::of(entries).map_err(|_| NanoError::BadHandshake)?;
        self.say(Packet::HandshakeAck, b"")
    }

    /// What the server answered to the handshake.
    pub const fn handshake(&self) -> &Value {
        &self.handshake
    }

    /// How many heartbeats have come.
    pub const fn heartbeats(&self) -> u64 {
        self.heartbeats
    }

    /// Whether heartbeats are answered, as they are at first.
    pub const fn answer_heartbeats(&mut self, answers: bool) {
        self.answers_heartbeats = answers;
    }

    /// How long each read may take; for ever with `None`, as at first.
    pub fn set_timeout(&mut self, timeout: Option<Duration>) {
        self.timeout = timeout;
        if let Transport::WebSocket(socket) = &mut self.transport {
            socket.set_timeout(timeout);
        }
    }

    /// Asks, and waits for the answer. What else comes meanwhile is read later.
    pub fn request(&mut self, route: &str, value: &Value) -> Result<Value, NanoError> {
        let asked = self.ask(route, value.to_string().as_bytes())?;
        let mut at = 0;
        loop {
            while let Some(said) = self.said.get(at) {
                match said {
                    Said::Response { id, data } if *id == asked => {
                        let answer = serde_json::from_slice(data);
                        self.said.remove(at);
                        return answer.map_err(NanoError::NotJson);
                    }
                    _ => at += 1,
                }
            }
            self.take_in()?;
        }
    }

    /// Asks, and does not wait; the id that the answer will have.
    pub fn ask(&mut self, route: &str, data: &[u8]) -> Result<u64, NanoError> {
        self.requests += 1;
        let id = self.requests;
        let kind = Kind::Request;
        self.message(&Message {
            kind,
            id,
            route,
            data,
        })?;
        Ok(id)
    }

    /// Tells something.
    pub fn notify(&mut self, route: &str, value: &Value) -> Result<(), NanoError> {
        let data = value.to_string();
        self.message(&Message {
            kind: Kind::Notify,
            id: 0,
            route,
            data: data.as_bytes(),
        })
    }

    /// The next thing that the server says; waits for it. `None` when the connection has ended.
    pub fn read(&mut self) -> Result<Option<Said>, NanoError> {
        loop {
            if let Some(said) = self.said.pop_front() {
                return Ok(Some(said));
            }
            if self.is_over {
                return Ok(None);
            }
            match self.take_in() {
                Err(NanoError::Ended) => self.is_over = true,
                other => other?,
            }
        }
    }

    /// The next push: its route, and what it says as JSON. Answers that nobody awaits are passed over.
    pub fn push(&mut self) -> Result<(String, Value), NanoError> {
        loop {
            match self.read()? {
                Some(Said::Push { route, data }) => {
                    let value = serde_json::from_slice(&data).map_err(NanoError::NotJson)?;
                    return Ok((route, value));
                }
                Some(_) => {}
                None => return Err(NanoError::Ended),
            }
        }
    }

    /// Says a packet.
    pub fn say(&mut self, kind: Packet, body: &[u8]) -> Result<(), NanoError> {
        let mut bytes = Vec::new();
        packet::write(kind, body, &mut bytes);
        self.send(&bytes)
    }

    /// Sends bytes as they are, in one piece.
    pub fn send(&mut self, bytes: &[u8]) -> Result<(), NanoError> {
        match &mut self.transport {
            Transport::WebSocket(socket) => socket.write(bytes).map_err(|error| match error {
                WriteError::TimedOut => NanoError::TimedOut,
                WriteError::Closed => NanoError::Ended,
                WriteError::Outage(error) => NanoError::Outage(error),
            }),
            Transport::Tcp(stream) => stream.write_all(bytes).map_err(NanoError::Outage),
        }
    }

    fn message(&mut self, message: &Message<'_>) -> Result<(), NanoError> {
        let mut bytes = Vec::new();
        packet::write_with(Packet::Data, &mut bytes, |out| {
            message.write(&self.dictionary, out);
        });
        self.send(&bytes)
    }

    /// Reads once, and takes apart what came.
    fn take_in(&mut self) -> Result<(), NanoError> {
        if self.is_over {
            return Err(NanoError::Ended);
        }
        self.fill()?;
        let input = std::mem::take(&mut self.input);
        let mut rest = &input[..];
        let mut beats = 0;
        loop {
            let next = self.packets.next(&mut rest, BODY_BYTES_MAX);
            let Some((kind, body)) = next.map_err(NanoError::Fault)? else {
                break;
            };
            match kind {
                Packet::Handshake => {
                    let answer: Map<String, Value> =
                        serde_json::from_slice(body).map_err(|_| NanoError::BadHandshake)?;
                    self.handshake = Value::Object(answer);
                }
                Packet::Heartbeat => beats += 1,
                Packet::Kick => self.said.push_back(Said::Kick(body.to_vec())),
                Packet::HandshakeAck => {}
                Packet::Data => {
                    let message =
                        Message::read(body, &self.dictionary).map_err(NanoError::Fault)?;
                    let (route, data) = (message.route.to_owned(), message.data.to_vec());
                    self.said.push_back(match message.kind {
                        Kind::Response => {
                            let id = message.id;
                            Said::Response { id, data }
                        }
                        Kind::Push | Kind::Request | Kind::Notify => Said::Push { route, data },
                    });
                }
            }
        }
        self.heartbeats += beats;
        if beats > 0 && self.answers_heartbeats {
            self.say(Packet::Heartbeat, b"")?;
        }
        Ok(())
    }

    fn fill(&mut self) -> Result<(), NanoError> {
        match &mut self.transport {
            Transport::WebSocket(socket) => match socket.read() {
                Ok(Some(Incoming::Binary(bytes))) => self.input = bytes,
                Ok(Some(Incoming::Text(text))) => self.input = text.into_bytes(),
                Ok(None) | Err(ReadError::Ended) => return Err(NanoError::Ended),
                Err(ReadError::TimedOut) => return Err(NanoError::TimedOut),
                Err(ReadError::Fault(_)) => return Err(NanoError::Ended),
                Err(ReadError::Outage(error)) => return Err(NanoError::Outage(error)),
            },
            Transport::Tcp(stream) => {
                let deadline = self.timeout.and_then(|timeout| now().checked_add(timeout));
                self.input.resize(INPUT_BYTES, 0);
                let count = loop {
                    stream
                        .set_read_timeout(left(deadline))
                        .map_err(NanoError::Outage)?;
                    match stream.read(&mut self.input) {
                        Ok(0) => return Err(NanoError::Ended),
                        Ok(count) => break count,
                        Err(error) if is_timeout(&error) && is_over(deadline) => {
                            return Err(NanoError::TimedOut);
                        }
                        Err(error) if is_timeout(&error) => {}
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => {
                            return Err(NanoError::Ended);
                        }
                        Err(error) => return Err(NanoError::Outage(error)),
                    }
                };
                self.input.truncate(count);
            }
        }
        Ok(())
    }
}
