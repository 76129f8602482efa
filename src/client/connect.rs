//! # Connect: from a URL to a socket
//!
//! Promises
//! 1. All of it, from the host's name to the last header, ends within the timeout.
//! 2. A refusal is told with its status and the first line of its body.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};
use std::{error, fmt};

use crate::client::Socket;
use crate::client::socket::{is_over, is_timeout, left, now};
use crate::ground::seed::Seed;
use crate::ws::handshake::{Request, Unfit, key};
use crate::ws::{Deflate, DeflatePolicy, Role, Session};

/// The most bytes of an answer's head, and fields in it: what servers are known to send fits.
const HEAD_BYTES_MAX: usize = 16 * 1024;
const FIELDS_MAX: usize = 100;
/// How much of a refusal's body is read for its first line.
const BODY_BYTES_MAX: usize = 1024;

/// How to connect.
///
/// ```no_run
/// use std::time::Duration;
///
/// use parlour::client::Connect;
///
/// let socket = Connect::to("ws://localhost:8000/ws")
///     .header("Authorization", "Bearer 1234")
///     .subprotocol("parlour.v1")
///     .deflate(false)
///     .timeout(Duration::from_secs(3))
///     .connect()?;
/// # Ok::<(), parlour::client::ConnectError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Connect {
    url: String,
    fields: Vec<(String, String)>,
    protocols: Vec<String>,
    policy: DeflatePolicy,
    timeout: Duration,
}

impl Connect {
    /// A connection to `ws://host:port/path`; an IPv6 host stands in brackets.
    pub fn to(url: &str) -> Self {
        Self {
            url: url.to_owned(),
            fields: Vec::new(),
            protocols: Vec::new(),
            policy: DeflatePolicy::default(),
            timeout: Duration::from_secs(10),
        }
    }

    /// Adds a header field, such as `Cookie` or `Origin`.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Offers a subprotocol, after those offered before.
    #[must_use]
    pub fn subprotocol(mut self, protocol: &str) -> Self {
        self.protocols.push(protocol.to_owned());
        self
    }

    /// Whether compression is offered, as it is by default.
    #[must_use]
    pub const fn deflate(mut self, enabled: bool) -> Self {
        self.policy.enabled = enabled;
        self
    }

    /// Whether and how to compress, in detail.
    #[must_use]
    pub const fn deflate_policy(mut self, policy: DeflatePolicy) -> Self {
        self.policy = policy;
        self
    }

    /// How long connecting may take in all: ten seconds by default.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Connects and shakes hands.
    pub fn connect(&self) -> Result<Socket, ConnectError> {
        let deadline = now().checked_add(self.timeout);
        let place = Place::read(&self.url)?;
        self.check_fields()?;
        // std's hasher has the only source of entropy that needs no crate. Masks must be
        // unpredictable to those who choose the payload (RFC 6455, 10.3), not secret.
        let mut nonce = [0; 16];
        for half in nonce.chunks_exact_mut(8) {
            half.copy_from_slice(&RandomState::new().build_hasher().finish().to_le_bytes());
        }
        let key = key(nonce);
        let request = Request {
            host: place.authority,
            target: &place.target,
            key: &key,
            protocols: &self.protocols,
            policy: self.policy,
        };

        let mut stream = place.open(deadline)?;
        let mut text = Vec::new();
        request.write(&self.fields, &mut text);
        write_all(&mut stream, &text, deadline)?;
        let mut input = Vec::new();
        let (head_size, welcome) = loop {
            read_some(&mut stream, &mut input, deadline)?;
            let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
            let mut head = httparse::Response::new(&mut fields);
            match head.parse(&input) {
                Ok(httparse::Status::Complete(size)) => {
                    let status = head.code.unwrap_or(0);
                    let fields = head.headers.iter().map(|field| (field.name, field.value));
                    match request.check(status, fields) {
                        Ok(welcome) => break (size, welcome),
                        Err(Unfit::Status(status)) => {
                            let line = first_line(&mut stream, input.split_off(size), deadline);
                            return Err(ConnectError::Refused { status, line });
                        }
                        Err(unfit) => return Err(ConnectError::Unfit(unfit)),
                    }
                }
                Ok(httparse::Status::Partial) if input.len() < HEAD_BYTES_MAX => {}
                Ok(httparse::Status::Partial) | Err(_) => return Err(ConnectError::NotHttp),
            }
        };
        let input = input.split_off(head_size);
        let session = Session::new(Role::Client, welcome.agreed);
        let seed = Seed::new(RandomState::new().build_hasher().finish());
        let deflate = Deflate::new(self.policy);
        Ok(Socket::new(
            stream,
            session,
            deflate,
            seed,
            welcome.protocol,
            input,
        ))
    }

    /// Fields and subprotocols must not bring lines of their own.
    fn check_fields(&self) -> Result<(), ConnectError> {
        let texts = self.fields.iter().flat_map(|(name, value)| [name, value]);
        for text in texts.chain(&self.protocols) {
            if text
                .bytes()
                .any(|byte| byte < b' ' && byte != b'\t' || byte == 0x7f)
            {
                return Err(ConnectError::Field(text.escape_debug().to_string()));
            }
        }
        Ok(())
    }
}

/// What a URL names.
#[derive(Debug, PartialEq, Eq)]
struct Place<'u> {
    /// Host and port as written, for `Host`.
    authority: &'u str,
    /// Without brackets.
    host: &'u str,
    port: u16,
    /// Path and query.
    target: String,
}

impl<'u> Place<'u> {
    fn read(url: &'u str) -> Result<Self, ConnectError> {
        let wrong = |why| ConnectError::Url {
            url: url.escape_debug().to_string(),
            why,
        };
        if url.bytes().any(|byte| byte <= b' ' || byte == 0x7f) {
            return Err(wrong(
                "it contains a space or a control character: percent-encode it",
            ));
        }
        let (scheme, rest) = url
            .split_once("://")
            .ok_or_else(|| wrong("it needs ws:// first"))?;
        if scheme.eq_ignore_ascii_case("wss") {
            return Err(wrong("TLS is not spoken here: use ws:// or a proxy"));
        }
        if !scheme.eq_ignore_ascii_case("ws") {
            return Err(wrong("its scheme must be ws"));
        }
        // A fragment means nothing to a WebSocket (RFC 6455, 3).
        if rest.contains('#') {
            return Err(wrong("a WebSocket has no fragment: encode # as %23"));
        }
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(wrong(
                "a WebSocket has no user name: use the Authorization header",
            ));
        }
        let slash = if target.starts_with('/') { "" } else { "/" };
        let target = format!("{slash}{target}");
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => rest
                .split_once(']')
                .ok_or_else(|| wrong("its bracket does not close"))?,
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => 80,
            Some("") => 80,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
                .parse()
                .map_err(|_| wrong("its port is over 65535"))?,
            Some(_) | None => return Err(wrong("its port is not a number")),
        };
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        Ok(Self {
            authority,
            host,
            port,
            target,
        })
    }

    /// The addresses of the host.
    fn look_up(&self, deadline: Option<Instant>) -> Result<Vec<SocketAddr>, ConnectError> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(vec![(ip, self.port).into()]);
        }
        let name = (self.host.to_owned(), self.port);
        let search = move || name.to_socket_addrs().map(Vec::from_iter);
        let found = in_time(deadline, search).ok_or(ConnectError::TimedOut)?;
        found.map_err(|error| ConnectError::Outage {
            authority: self.authority.to_owned(),
            error,
        })
    }

    /// A stream to the first address that answers.
    fn open(&self, deadline: Option<Instant>) -> Result<TcpStream, ConnectError> {
        let outage = |error| ConnectError::Outage {
            authority: self.authority.to_owned(),
            error,
        };
        let mut last = io::Error::new(io::ErrorKind::NotFound, "the host has no address");
        for address in self.look_up(deadline)? {
            let stream = match left(deadline) {
                Some(left) => TcpStream::connect_timeout(&address, left),
                None => TcpStream::connect(address),
            };
            match stream {
                Ok(stream) => {
                    // Small messages must not wait for the acknowledgement of the one before.
                    stream.set_nodelay(true).map_err(outage)?;
                    return Ok(stream);
                }
                Err(error) => last = error,
            }
            if is_over(deadline) {
                return Err(ConnectError::TimedOut);
            }
        }
        Err(if is_timeout(&last) {
            ConnectError::TimedOut
        } else {
            outage(last)
        })
    }
}

/// What a search finds, if it does in time. The system's takes no timeout, so it goes on in a thread of
/// its own if it is not done then, until the system gives it up.
#[expect(
    clippy::disallowed_methods,
    reason = "a search that blocks cannot be bounded otherwise"
)]
pub(super) fn in_time<T: Send + 'static>(
    deadline: Option<Instant>,
    search: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> Option<io::Result<T>> {
    let (found, finds) = mpsc::channel();
    let thread = thread::Builder::new().name("look-up".to_owned());
    let spawned = thread.spawn(move || {
        // Nobody may be waiting any more.
        let _ = found.send(search());
    });
    if let Err(error) = spawned {
        return Some(Err(error));
    }
    match left(deadline) {
        Some(left) => finds.recv_timeout(left).ok(),
        None => finds.recv().ok(),
    }
}

fn write_all(
    stream: &mut TcpStream,
    mut bytes: &[u8],
    deadline: Option<Instant>,
) -> Result<(), ConnectError> {
    while !bytes.is_empty() {
        if is_over(deadline) {
            return Err(ConnectError::TimedOut);
        }
        stream
            .set_write_timeout(left(deadline))
            .map_err(ConnectError::Lost)?;
        match stream.write(bytes) {
            Ok(0) => return Err(ConnectError::Lost(io::ErrorKind::WriteZero.into())),
            Ok(count) => bytes = &bytes[count..],
            Err(error) => retry(error)?,
        }
    }
    Ok(())
}

/// Reads once, and at least a byte.
fn read_some(
    stream: &mut TcpStream,
    input: &mut Vec<u8>,
    deadline: Option<Instant>,
) -> Result<(), ConnectError> {
    let mut piece = [0; 4096];
    loop {
        // A server that trickles would start each read's own timeout anew.
        if is_over(deadline) {
            return Err(ConnectError::TimedOut);
        }
        stream
            .set_read_timeout(left(deadline))
            .map_err(ConnectError::Lost)?;
        match stream.read(&mut piece) {
            Ok(0) => return Err(ConnectError::Lost(io::ErrorKind::UnexpectedEof.into())),
            Ok(count) => {
                input.extend_from_slice(&piece[..count]);
                return Ok(());
            }
            Err(error) => retry(error)?,
        }
    }
}

/// Nothing, if it is worth another try.
fn retry(error: io::Error) -> Result<(), ConnectError> {
    match error.kind() {
        io::ErrorKind::Interrupted => Ok(()),
        _ if is_timeout(&error) => Err(ConnectError::TimedOut),
        _ => Err(ConnectError::Lost(error)),
    }
}

/// The first line of a refusal's body, as far as it comes in time.
fn first_line(stream: &mut TcpStream, mut body: Vec<u8>, deadline: Option<Instant>) -> String {
    let is_whole =
        |body: &[u8]| body.trim_ascii_start().contains(&b'\n') || body.len() >= BODY_BYTES_MAX;
    // Someone who keeps the connection open after a short body need not be waited for.
    let soon = now().checked_add(Duration::from_millis(500));
    let deadline = deadline.min(soon).or(soon);
    while !is_whole(&body) && read_some(stream, &mut body, deadline).is_ok() {}
    body.truncate(BODY_BYTES_MAX);
    let text = String::from_utf8_lossy(&body);
    text.trim().lines().next().unwrap_or_default().to_owned()
}

/// Why there is no connection.
#[derive(Debug)]
pub enum ConnectError {
    /// The URL is not one that can be connected to.
    Url {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A header field or subprotocol with a control character.
    Field(String),
    /// The timeout passed.
    TimedOut,
    /// The host is not known or takes no connections.
    Outage {
        /// Host and port.
        authority: String,
        /// What the system said.
        error: io::Error,
    },
    /// The connection was lost during the handshake.
    Lost(io::Error),
    /// The server answered with another status than 101.
    Refused {
        /// The status.
        status: u16,
        /// The first line of the body: often the reason.
        line: String,
    },
    /// The server's 101 is not what was asked for.
    Unfit(Unfit),
    /// The answer is no HTTP, or its head is too large.
    NotHttp,
}

impl fmt::Display for ConnectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url, why } => write!(f, "cannot connect to {url:?}: {why}"),
            Self::Field(text) => {
                write!(
                    f,
                    "the header text \"{text}\" has a control character: remove it"
                )
            }
            Self::TimedOut => f.write_str("the server took too long; try again or wait longer"),
            Self::Outage { authority, error } => {
                write!(
                    f,
                    "cannot reach {authority}: {error}; is the server running?"
                )
            }
            Self::Lost(error) => write!(f, "the connection was lost in the handshake: {error}"),
            Self::Refused { status, line } if line.is_empty() => {
                write!(f, "the server refused the WebSocket with status {status}")
            }
            Self::Refused { status, line } => {
                write!(
                    f,
                    "the server refused the WebSocket with status {status}: {line}"
                )
            }
            Self::Unfit(unfit) => write!(f, "{unfit}; is this a WebSocket server?"),
            Self::NotHttp => f.write_str("the answer is not HTTP; check the port"),
        }
    }
}

impl error::Error for ConnectError {
    fn source(&self) -> Option<&(dyn error::Error + 'static)> {
        match self {
            Self::Outage { error, .. } | Self::Lost(error) => Some(error),
            Self::Unfit(unfit) => Some(unfit),
            Self::Url { .. }
            | Self::Field(_)
            | Self::TimedOut
            | Self::Refused { .. }
            | Self::NotHttp => None,
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::ws::handshake::{Accepted, accept};

    /// A server for one connection, on a port of its own; its URL.
    #[expect(clippy::disallowed_methods, reason = "a test's server has a thread")]
    pub(in crate::client) fn serve(talk: impl FnOnce(TcpStream) + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || talk(listener.accept().unwrap().0));
        format!("ws://{address}/chat?x=1")
    }

    /// The request's head as text, and what came after it.
    fn hear(stream: &mut TcpStream) -> (String, Vec<u8>) {
        let mut input = Vec::new();
        loop {
            read_some(stream, &mut input, None).unwrap();
            if let Some(end) = input.windows(4).position(|four| four == b"\r\n\r\n") {
                let rest = input.split_off(end + 4);
                return (String::from_utf8(input).unwrap(), rest);
            }
        }
    }

    /// The server's side of a handshake that succeeds, with the first subprotocol.
    pub(in crate::client) fn shake(stream: &mut TcpStream) -> (Accepted, Vec<u8>) {
        let (head, rest) = hear(stream);
        let fields = head.lines().filter_map(|line| line.split_once(": "));
        let fields = fields.map(|(name, value)| (name, value.as_bytes()));
        let accepted = accept("GET", 1, fields, &DeflatePolicy::default()).unwrap();
        let mut out = Vec::new();
        accepted.write(accepted.protocols.first().map(String::as_str), [], &mut out);
        stream.write_all(&out).unwrap();
        (accepted, rest)
    }

    #[test]
    fn urls_are_read_or_refused_with_a_reason() {
        let check = |url: &str, expected: Result<(&str, &str, u16, &str), &str>| {
            let place = Place::read(url).map_err(|error| error.to_string());
            match (place, expected) {
                (Ok(place), Ok((authority, host, port, target))) => {
                    let target = target.to_owned();
                    assert_eq!(
                        place,
                        Place {
                            authority,
                            host,
                            port,
                            target
                        }
                    );
                }
                (Err(error), Err(why)) => assert!(error.contains(why), "{url}: {error}"),
                (place, expected) => panic!("{url}: {place:?}, not {expected:?}"),
            }
        };
        check("ws://host", Ok(("host", "host", 80, "/")));
        check("WS://host:8000", Ok(("host:8000", "host", 8000, "/")));
        check("ws://host:/", Ok(("host:", "host", 80, "/")));
        check("ws://host?a=/b", Ok(("host", "host", 80, "/?a=/b")));
        check("ws://[::1]:9/a/b?c", Ok(("[::1]:9", "::1", 9, "/a/b?c")));
        check("ws://[::1]", Ok(("[::1]", "::1", 80, "/")));
        check("host:80", Err("needs ws://"));
        check("http://host", Err("scheme must be ws"));
        check("wss://host", Err("TLS"));
        check("ws://", Err("no host"));
        check("ws://:80/", Err("no host"));
        check("ws://[::1", Err("bracket"));
        check("ws://host:http", Err("not a number"));
        check("ws://host:70000", Err("over 65535"));
        check("ws://[::1]x", Err("not a number"));
        check("ws://host/a b", Err("percent-encode"));
        check("ws://host/\r\nX: y", Err("percent-encode"));
        check("ws://host/#top", Err("fragment"));
        check("ws://me@host/", Err("Authorization"));
    }

    #[test]
    fn headers_and_subprotocols_reach_the_server_and_its_choice_comes_back() {
        let url = serve(|mut stream| {
            let mut peeked = [0; 2000];
            let count = stream.peek(&mut peeked).unwrap();
            let head = String::from_utf8_lossy(&peeked[..count]).into_owned();
            assert!(head.starts_with("GET /chat?x=1 HTTP/1.1\r\n"), "{head}");
            shake(&mut stream);
            stream.read_exact(&mut [0]).ok();
        });
        let connect = Connect::to(&url)
            .header("Cookie", "a=b")
            .subprotocol("parlour.v1");
        let socket = connect.subprotocol("other").connect().unwrap();
        assert_eq!(socket.protocol(), Some("parlour.v1"));
    }

    #[test]
    fn a_refusal_tells_status_and_reason() {
        let check = |answer: &'static str, expected: &str| {
            let url = serve(move |mut stream| {
                hear(&mut stream);
                stream.write_all(answer.as_bytes()).unwrap();
            });
            let error = Connect::to(&url).connect().unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(
            "HTTP/1.1 403 Forbidden\r\n\r\nsign in first\nmore",
            "status 403: sign in first",
        );
        check("HTTP/1.1 404 Not Found\r\n\r\n", "with status 404");
        check("HTTP/1.1 101 Hm\r\n\r\n", "lacks Upgrade");
        check("SSH-2.0-OpenSSH\r\n", "not HTTP");
        check("HTTP/1.1 101", "lost in the handshake");
    }

    #[test]
    fn a_host_may_be_a_name() {
        let url = serve(|mut stream| {
            shake(&mut stream);
        });
        let url = url.replace("127.0.0.1", "localhost");
        Connect::to(&url).connect().unwrap();
        let error = Connect::to("ws://no-such-host.invalid/")
            .connect()
            .unwrap_err();
        assert!(
            matches!(error, ConnectError::Outage { .. } | ConnectError::TimedOut),
            "{error}"
        );
    }

    #[test]
    fn a_search_for_a_host_is_given_up_in_time() {
        let (end, over) = mpsc::channel::<()>();
        let search = move || {
            over.recv().ok();
            Ok(())
        };
        let soon = now() + Duration::from_millis(20);
        assert!(in_time(Some(soon), search).is_none());
        drop(end);
        let found = in_time(now().checked_add(Duration::from_secs(60)), || Ok(7));
        assert_eq!(found.unwrap().unwrap(), 7);
        let missing = || Err::<(), _>(io::ErrorKind::NotFound.into());
        assert!(in_time(None, missing).unwrap().is_err());
    }

    #[test]
    fn a_header_cannot_bring_lines_of_its_own() {
        let connect = Connect::to("ws://localhost:1/").header("A", "b\r\nC: d");
        assert!(matches!(connect.connect(), Err(ConnectError::Field(_))));
    }

    #[test]
    fn a_server_that_trickles_its_answer_is_given_up_in_time() {
        let begin = now();
        let url = serve(|mut stream| {
            hear(&mut stream);
            stream
                .set_read_timeout(Some(Duration::from_millis(10)))
                .unwrap();
            stream.write_all(b"HTTP/1.1 101 ").unwrap();
            while stream.write_all(b"x").is_ok() {
                stream.read_exact(&mut [0]).ok();
            }
        });
        let error = Connect::to(&url)
            .timeout(Duration::from_millis(100))
            .connect()
            .unwrap_err();
        assert!(matches!(error, ConnectError::TimedOut), "{error}");
        assert!(begin.elapsed() < Duration::from_secs(5));
    }
}
