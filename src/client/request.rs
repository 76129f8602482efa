//! # Request: one request over HTTP/1.1, and its answer
//!
//! Small and blocking: a connection for each request, over TLS where the URL says so. It is for hooks
//! and commands, which say something now and then.
//!
//! Promises
//! 1. All of it, from the host's name to the last byte, ends within the timeout, however slowly the
//!    server trickles.
//! 2. No more of an answer's body is kept than was asked for.
//! 3. With [`Request::public_only`], what is connected to is an address of the public internet or one that
//!    is allowed: the address itself is judged, after the name was looked up.
//! 4. Redirections are answers, and not followed.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs};
use std::time::{Duration, Instant};

use crate::client::address::{Allowed, is_public};
use crate::client::connect::in_time;
use crate::client::socket::{is_over, is_timeout, left, now};
use crate::client::tls;

/// The most bytes of an answer's head, and fields in it.
const HEAD_BYTES_MAX: usize = 16 * 1024;
const FIELDS_MAX: usize = 100;

/// Bytes of a body that are kept if nothing is said.
const BODY_BYTES_MAX: usize = 1 << 20;

/// Answers before the answer, such as `100 Continue`.
const EARLY_MAX: u32 = 8;

/// A request.
///
/// ```no_run
/// use parlour::client::Request;
///
/// let answer = Request::post("http://localhost:8080/hooks/ph_secret", "hello")
///     .header("Content-Type", "text/plain")
///     .send()?;
/// assert_eq!(answer.status, 200);
/// # Ok::<(), parlour::client::RequestError>(())
/// ```
#[derive(Clone, Debug)]
pub struct Request {
    method: &'static str,
    url: String,
    fields: Vec<(String, String)>,
    body: Option<Vec<u8>>,
    timeout: Duration,
    body_bytes_max: usize,
    /// What is allowed beside the public internet; nothing if everything is.
    allowed: Option<Vec<Allowed>>,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The status.
    pub status: u16,
    fields: Vec<(String, String)>,
    /// The body, or its beginning.
    pub body: Vec<u8>,
    /// Whether that is all of it.
    pub is_whole: bool,
}

impl Answer {
    /// A field, if it is there once or more: the first.
    pub fn field(&self, name: &str) -> Option<&str> {
        let found = self
            .fields
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }
}

impl Request {
    /// Asks for something.
    pub fn get(url: &str) -> Self {
        Self::new("GET", url, None)
    }

    /// Sends something.
    pub fn post(url: &str, body: impl Into<Vec<u8>>) -> Self {
        Self::new("POST", url, Some(body.into()))
    }

    fn new(method: &'static str, url: &str, body: Option<Vec<u8>>) -> Self {
        Self {
            method,
            url: url.to_owned(),
            fields: Vec::new(),
            body,
            timeout: Duration::from_secs(10),
            body_bytes_max: BODY_BYTES_MAX,
            allowed: None,
        }
    }

    /// Adds a header field.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    /// How long it may take in all: ten seconds by default.
    #[must_use]
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How much of the answer's body is kept: a megabyte by default.
    #[must_use]
    pub const fn body_bytes_max(mut self, bytes: usize) -> Self {
        self.body_bytes_max = bytes;
        self
    }

    /// Connects to addresses of the public internet alone, and to those that are allowed besides.
    #[must_use]
    pub fn public_only(mut self, allowed: &[Allowed]) -> Self {
        self.allowed = Some(allowed.to_vec());
        self
    }

    /// Sends it and reads the answer.
    pub fn send(&self) -> Result<Answer, RequestError> {
        let deadline = now().checked_add(self.timeout);
        let place = Place::read(&self.url)?;
        self.check_fields()?;
        let stream = Timed {
            stream: self.connect(&place, deadline)?,
            deadline,
        };
        let mut stream = match place.is_tls {
            false => Stream::Plain(stream),
            true => Stream::Tls(Box::new(
                tls::open(place.host, stream).map_err(RequestError::Tls)?,
            )),
        };
        let sent = self.write(&place, &mut stream);
        // A server may have answered, and closed, before it took everything.
        match (sent, read_answer(&mut stream, self.body_bytes_max)) {
            (_, Ok(answer)) => Ok(answer),
            (Err(error), Err(_)) | (Ok(()), Err(error)) => Err(error),
        }
    }

    fn write(&self, place: &Place<'_>, stream: &mut Stream) -> Result<(), RequestError> {
        let mut head = format!(
            "{} {} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\nUser-Agent: parlour/{}\r\n",
            self.method,
            place.target,
            place.authority,
            env!("CARGO_PKG_VERSION")
        );
        for (name, value) in &self.fields {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if let Some(body) = &self.body {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        let mut bytes = head.into_bytes();
        bytes.extend_from_slice(self.body.as_deref().unwrap_or_default());
        stream.write_all(&bytes).map_err(lost)?;
        stream.flush().map_err(lost)
    }

    /// Fields must not bring lines of their own.
    fn check_fields(&self) -> Result<(), RequestError> {
        let odd = |byte: u8| byte < b' ' && byte != b'\t' || byte == 0x7f;
        for (name, value) in &self.fields {
            let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
            if name.is_empty() || !name.bytes().all(is_token) || value.bytes().any(odd) {
                return Err(RequestError::Field(
                    format!("{name}: {value}").escape_debug().to_string(),
                ));
            }
        }
        Ok(())
    }

    /// A stream to the first address that is allowed and answers.
    fn connect(
        &self,
        place: &Place<'_>,
        deadline: Option<Instant>,
    ) -> Result<TcpStream, RequestError> {
        let outage = |error| RequestError::Outage {
            authority: place.authority.to_owned(),
            error,
        };
        let mut last = None;
        for address in place.look_up(deadline)? {
            if !self.may_reach(address.ip()) {
                last.get_or_insert_with(|| RequestError::NotAllowed(address.ip()));
                continue;
            }
            if is_over(deadline) {
                return Err(RequestError::TimedOut);
            }
            let stream = match left(deadline) {
                Some(left) => TcpStream::connect_timeout(&address, left),
                None => TcpStream::connect(address),
            };
            match stream {
                Ok(stream) => {
                    // What is connected to is what counts, whatever it was looked up by.
                    let there = stream.peer_addr().map_err(outage)?.ip();
                    if !self.may_reach(there) {
                        return Err(RequestError::NotAllowed(there));
                    }
                    stream.set_nodelay(true).map_err(outage)?;
                    return Ok(stream);
                }
                Err(error) if is_timeout(&error) => last = Some(RequestError::TimedOut),
                Err(error) => last = Some(outage(error)),
            }
        }
        let nowhere = || {
            outage(io::Error::new(
                ErrorKind::NotFound,
                "the host has no address",
            ))
        };
        Err(last.unwrap_or_else(nowhere))
    }

    fn may_reach(&self, address: IpAddr) -> bool {
        let Some(allowed) = &self.allowed else {
            return true;
        };
        is_public(address) || allowed.iter().any(|it| it.has(address))
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
    is_tls: bool,
}

impl<'u> Place<'u> {
    fn read(url: &'u str) -> Result<Self, RequestError> {
        let wrong = |why| RequestError::Url {
            url: url.escape_debug().to_string(),
            why,
        };
        if url.bytes().any(|byte| !(b'!'..=b'~').contains(&byte)) {
            return Err(wrong(
                "it has a character in it that has to be percent-encoded",
            ));
        }
        let (rest, is_tls) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(rest), _) => (rest, true),
            (None, Some(rest)) => (rest, false),
            (None, None) => return Err(wrong("it has to begin with https:// or http://")),
        };
        let rest = rest.split('#').next().unwrap_or_default();
        let (authority, target) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
        if authority.contains('@') {
            return Err(wrong("a name and password do not belong into it"));
        }
        let slash = if target.starts_with('/') { "" } else { "/" };
        let (host, port) = match authority.strip_prefix('[') {
            Some(rest) => rest
                .split_once(']')
                .ok_or_else(|| wrong("its bracket does not close"))?,
            None => authority.split_at(authority.find(':').unwrap_or(authority.len())),
        };
        let usual = if is_tls { 443 } else { 80 };
        let port = match port.strip_prefix(':') {
            None if port.is_empty() => usual,
            Some("") => usual,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits
                .parse()
                .map_err(|_| wrong("its port is over 65535"))?,
            _ => return Err(wrong("its port is not a number")),
        };
        if host.is_empty() {
            return Err(wrong("it names no host"));
        }
        Ok(Self {
            authority,
            host,
            port,
            target: format!("{slash}{target}"),
            is_tls,
        })
    }

    fn look_up(&self, deadline: Option<Instant>) -> Result<Vec<SocketAddr>, RequestError> {
        if let Ok(ip) = self.host.parse::<IpAddr>() {
            return Ok(vec![(ip, self.port).into()]);
        }
        let name = (self.host.to_owned(), self.port);
        let search = move || name.to_socket_addrs().map(Vec::from_iter);
        let found = in_time(deadline, search).ok_or(RequestError::TimedOut)?;
        found.map_err(|error| RequestError::Outage {
            authority: self.authority.to_owned(),
            error,
        })
    }
}

/// A stream whose every call ends at the deadline.
#[derive(Debug)]
pub(super) struct Timed {
    stream: TcpStream,
    deadline: Option<Instant>,
}

impl Timed {
    fn must_go_on(&self) -> io::Result<Option<Duration>> {
        match is_over(self.deadline) {
            true => Err(ErrorKind::TimedOut.into()),
            false => Ok(left(self.deadline)),
        }
    }
}

impl Read for Timed {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        self.stream.set_read_timeout(self.must_go_on()?)?;
        self.stream.read(piece)
    }
}

impl Write for Timed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.stream.set_write_timeout(self.must_go_on()?)?;
        self.stream.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

enum Stream {
    Plain(Timed),
    Tls(Box<tls::Stream>),
}

impl Read for Stream {
    fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(piece),
            Self::Tls(stream) => stream.read(piece),
        }
    }
}

impl Write for Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

fn lost(error: io::Error) -> RequestError {
    match is_timeout(&error) {
        true => RequestError::TimedOut,
        false => RequestError::Lost(error),
    }
}

/// Reads once; whether anything came.
fn read_some(stream: &mut impl Read, input: &mut Vec<u8>) -> Result<bool, RequestError> {
    let mut piece = [0; 4096];
    loop {
        match stream.read(&mut piece) {
            Ok(count) => {
                input.extend_from_slice(&piece[..count]);
                return Ok(count > 0);
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            // Many servers end TLS without a word.
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(false),
            Err(error) => return Err(lost(error)),
        }
    }
}

fn read_answer(stream: &mut impl Read, body_bytes_max: usize) -> Result<Answer, RequestError> {
    let mut input = Vec::new();
    for _ in 0..EARLY_MAX {
        let (size, mut answer) = read_head(stream, &mut input)?;
        input.drain(..size);
        if (100..200).contains(&answer.status) && answer.status != 101 {
            continue;
        }
        read_body(stream, input, body_bytes_max, &mut answer)?;
        return Ok(answer);
    }
    Err(RequestError::NotHttp)
}

fn read_head(stream: &mut impl Read, input: &mut Vec<u8>) -> Result<(usize, Answer), RequestError> {
    loop {
        let mut fields = [httparse::EMPTY_HEADER; FIELDS_MAX];
        let mut head = httparse::Response::new(&mut fields);
        match head.parse(input) {
            Ok(httparse::Status::Complete(size)) => {
                let fields = head.headers.iter().map(|field| {
                    let value = String::from_utf8_lossy(field.value).into_owned();
                    (field.name.to_owned(), value)
                });
                let answer = Answer {
                    status: head.code.unwrap_or(0),
                    fields: fields.collect(),
                    body: Vec::new(),
                    is_whole: true,
                };
                return Ok((size, answer));
            }
            Ok(httparse::Status::Partial) if input.len() < HEAD_BYTES_MAX => {}
            Ok(httparse::Status::Partial) | Err(_) => return Err(RequestError::NotHttp),
        }
        if !read_some(stream, input)? {
            let early = io::Error::new(ErrorKind::UnexpectedEof, "it was closed before an answer");
            return Err(RequestError::Lost(early));
        }
    }
}

fn read_body(
    stream: &mut impl Read,
    input: Vec<u8>,
    max: usize,
    answer: &mut Answer,
) -> Result<(), RequestError> {
    if matches!(answer.status, 101 | 204 | 304) {
        return Ok(());
    }
    let is_chunked = answer
        .field("Transfer-Encoding")
        .is_some_and(|it| it.to_ascii_lowercase().contains("chunked"));
    if is_chunked {
        return read_chunks(stream, input, max, answer);
    }
    let length: Option<usize> = match answer.field("Content-Length") {
        None => None,
        Some(text) => Some(text.trim().parse().map_err(|_| RequestError::NotHttp)?),
    };
    let mut input = input;
    let wanted = length.unwrap_or(usize::MAX);
    while input.len() < wanted.min(max.saturating_add(1)) {
        if !read_some(stream, &mut input)? {
            if length.is_some() {
                return Err(cut_off());
            }
            break;
        }
    }
    input.truncate(wanted);
    answer.is_whole = input.len() <= max;
    input.truncate(max);
    answer.body = input;
    Ok(())
}

fn cut_off() -> RequestError {
    let tell = "it was closed in the middle of the answer";
    RequestError::Lost(io::Error::new(ErrorKind::UnexpectedEof, tell))
}

fn read_chunks(
    stream: &mut impl Read,
    mut input: Vec<u8>,
    max: usize,
    answer: &mut Answer,
) -> Result<(), RequestError> {
    loop {
        let (head, size) = match httparse::parse_chunk_size(&input) {
            Ok(httparse::Status::Complete(found)) => found,
            Ok(httparse::Status::Partial) if input.len() < HEAD_BYTES_MAX => {
                if !read_some(stream, &mut input)? {
                    return Err(cut_off());
                }
                continue;
            }
            Ok(httparse::Status::Partial) | Err(_) => return Err(RequestError::NotHttp),
        };
        if size == 0 {
            // What may come behind the last chunk is of no use here.
            return Ok(());
        }
        let size = usize::try_from(size).unwrap_or(usize::MAX);
        let room = max - answer.body.len();
        let wanted = size.min(room.saturating_add(1));
        while input.len() - head < wanted {
            if !read_some(stream, &mut input)? {
                return Err(cut_off());
            }
        }
        if size > room {
            answer.body.extend_from_slice(&input[head..head + room]);
            answer.is_whole = false;
            return Ok(());
        }
        // The line's end behind the chunk.
        while input.len() - head < size + 2 {
            if !read_some(stream, &mut input)? {
                return Err(cut_off());
            }
        }
        answer.body.extend_from_slice(&input[head..head + size]);
        input.drain(..head + size + 2);
    }
}

/// Why there is no answer.
#[derive(Debug)]
pub enum RequestError {
    /// The URL is not one that can be asked.
    Url {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A header field that would be more than one line, or has no name.
    Field(String),
    /// The address is not of the public internet, and not allowed.
    NotAllowed(IpAddr),
    /// The timeout passed.
    TimedOut,
    /// The host is not known or takes no connections.
    Outage {
        /// Host and port.
        authority: String,
        /// What the system said.
        error: io::Error,
    },
    /// TLS could not be spoken at all.
    Tls(String),
    /// The connection was lost.
    Lost(io::Error),
    /// The answer is no HTTP, or its head is too large.
    NotHttp,
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url, why } => write!(f, "cannot ask {url:?}: {why}"),
            Self::Field(text) => write!(f, "\"{text}\" is no header field"),
            Self::NotAllowed(address) => write!(
                f,
                "{address} is not an address of the public internet, and not allowed"
            ),
            Self::TimedOut => f.write_str("the server took too long"),
            Self::Outage { authority, error } => write!(f, "cannot reach {authority}: {error}"),
            Self::Tls(why) => write!(f, "TLS: {why}"),
            Self::Lost(error) => write!(f, "the connection was lost: {error}"),
            Self::NotHttp => f.write_str("the answer is not HTTP"),
        }
    }
}

impl std::error::Error for RequestError {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives what it has in pieces of this size.
    struct Pieces<'a>(&'a [u8], usize);

    impl Read for Pieces<'_> {
        fn read(&mut self, piece: &mut [u8]) -> io::Result<usize> {
            let count = self.1.min(self.0.len()).min(piece.len());
            piece[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    #[track_caller]
    fn check(text: &str, max: usize, expected: Option<(u16, &str, bool)>) {
        for size in [1, 2, 7, 4096] {
            let answer = read_answer(&mut Pieces(text.as_bytes(), size), max).ok();
            let found =
                answer.map(|it| (it.status, String::from_utf8(it.body).unwrap(), it.is_whole));
            let found = found
                .as_ref()
                .map(|(status, body, is)| (*status, &**body, *is));
            assert_eq!(found, expected, "{text:?} by {size}");
        }
    }

    #[test]
    fn an_answer_is_read_however_it_comes() {
        let ok = "HTTP/1.1 200 OK\r\n";
        check(
            &format!("{ok}Content-Length: 2\r\n\r\nhi"),
            10,
            Some((200, "hi", true)),
        );
        check(
            &format!("{ok}Content-Length: 2\r\n\r\nhi"),
            1,
            Some((200, "h", false)),
        );
        check(&format!("{ok}Content-Length: 3\r\n\r\nhi"), 10, None);
        check(&format!("{ok}Content-Length: x\r\n\r\nhi"), 10, None);
        check(
            &format!("{ok}\r\nto the end"),
            20,
            Some((200, "to the end", true)),
        );
        check(&format!("{ok}\r\nto the end"), 2, Some((200, "to", false)));
        let chunked = format!("{ok}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n3;x=y\r\n ho\r\n");
        check(
            &format!("{chunked}0\r\n\r\n"),
            10,
            Some((200, "hi ho", true)),
        );
        check(&format!("{chunked}0\r\n\r\n"), 3, Some((200, "hi ", false)));
        check(&chunked, 10, None);
        check(
            &format!("{ok}Transfer-Encoding: chunked\r\n\r\nzz"),
            10,
            None,
        );
        check("HTTP/1.1 204 No\r\n\r\nx", 10, Some((204, "", true)));
        check(
            "HTTP/1.1 100 Go\r\n\r\nHTTP/1.1 302 X\r\n\r\n",
            10,
            Some((302, "", true)),
        );
        check("SSH-2.0-x\r\n", 10, None);
        check("HTTP/1.1 200", 10, None);
        check("", 10, None);
    }

    #[test]
    fn a_url_names_a_place() {
        let read =
            |url| Place::read(url).map(|it| (it.host.to_owned(), it.port, it.target, it.is_tls));
        let place =
            |host: &str, port, target: &str, tls| (host.to_owned(), port, target.to_owned(), tls);
        assert_eq!(read("https://a.b").unwrap(), place("a.b", 443, "/", true));
        assert_eq!(
            read("http://[::1]:8080?x#y").unwrap(),
            place("::1", 8080, "/?x", false)
        );
        for bad in [
            "ws://a",
            "http://",
            "http://a:x",
            "http://a@b",
            "http://a b",
            "http://a:70000",
        ] {
            assert!(Place::read(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn our_own_addresses_are_reached_if_they_are_allowed() {
        let ask = |allowed: &[&str]| {
            let allowed: Vec<Allowed> = allowed.iter().map(|it| it.parse().unwrap()).collect();
            Request::get("http://127.0.0.1:1/")
                .public_only(&allowed)
                .send()
                .unwrap_err()
        };
        assert!(matches!(ask(&[]), RequestError::NotAllowed(_)));
        assert!(matches!(ask(&["127.0.0.1"]), RequestError::Outage { .. }));
        let named = Request::get("http://localhost:1/").public_only(&[]).send();
        assert!(matches!(
            named,
            Err(RequestError::NotAllowed(_) | RequestError::Outage { .. })
        ));
        let line = Request::get("http://a").header("X", "y\r\nZ: 1").send();
        assert!(matches!(line, Err(RequestError::Field(_))));
    }
}
