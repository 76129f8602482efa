//! # Support: the real program, a socket with deadlines, and frames of our own
//!
//! Nothing here uses the library, so that a mistake in it cannot be made twice: frames are built by
//! [`frame`] and read by a reader that insists on every rule a server must keep.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// How long anything may take before a test calls it missing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

/// The key of RFC 6455, section 1.3, and the answer given there.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub(crate) const CONTINUATION: u8 = 0;
pub(crate) const TEXT: u8 = 1;
pub(crate) const BINARY: u8 = 2;
pub(crate) const CLOSE: u8 = 8;
pub(crate) const PING: u8 = 9;
pub(crate) const PONG: u8 = 10;

/// What a close without a code is called (RFC 6455, section 7.1.5); never on the wire.
pub(crate) const NO_CODE: u16 = 1005;

// ---- the server -------------------------------------------------------------------------------

/// A running program that told where it listens. It is ended on drop, and must not have ended
/// before by itself.
pub(crate) struct Server {
    child: Child,
    said: File,
    pub(crate) address: SocketAddr,
    /// Goes with the server.
    data: Option<tempfile::TempDir>,
}

impl Server {
    /// The real binary with the echo endpoint.
    pub(crate) fn echo() -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_parlour"));
        let data = tempfile::tempdir().expect("a temporary folder");
        command.args(["serve", "--listen", "127.0.0.1:0", "--echo", "--data"]);
        command.arg(data.path());
        let mut server = Self::start(command);
        server.data = Some(data);
        server
    }

    /// Runs `command` and waits for its line `listening on http://ADDRESS`.
    pub(crate) fn start(mut command: Command) -> Self {
        let said = tempfile::tempfile().expect("a temporary file");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(said.try_clone().expect("a second handle"))
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let line = first_line(&mut child);
        let mut server = Self {
            child,
            said,
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            data: None,
        };
        let line = line.unwrap_or_else(|| panic!("no ready line; errors: {}", server.errors()));
        server.address = line
            .strip_prefix("listening on http://")
            .and_then(|address| address.trim_end().parse().ok())
            .unwrap_or_else(|| panic!("not a ready line: {line:?}"));
        server
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end and says how it ended.
    pub(crate) fn terminate(mut self) -> std::process::ExitStatus {
        let pid = self.pid().to_string();
        let asked = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &pid])
            .status();
        assert!(
            asked.expect("sh runs").success(),
            "SIGTERM could not be sent"
        );
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.child.try_wait().expect("the child can be waited for") {
                return status;
            }
            assert!(
                Instant::now() < deadline,
                "still running 10 s after SIGTERM"
            );
            std::thread::park_timeout(Duration::from_millis(5));
        }
    }

    /// What it wrote to standard error so far.
    fn errors(&mut self) -> String {
        let mut text = String::new();
        // Only for a message on the way to a panic: unreadable is as good as empty.
        let _ = self.said.rewind();
        let _ = self.said.read_to_string(&mut text);
        text
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let ended = self.child.try_wait().ok().flatten();
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!(
                "the server ended: {ended:?}; its errors:\n{}",
                self.errors()
            );
        } else if let Some(status) = ended {
            assert!(
                status.success(),
                "the server died ({status}): {}",
                self.errors()
            );
        }
    }
}

/// The child's first line, if it comes in time. Whatever follows is read and dropped, so that the
/// pipe never fills.
fn first_line(child: &mut Child) -> Option<String> {
    let mut out = io::BufReader::new(child.stdout.take().expect("a pipe"));
    let (tell, told) = mpsc::channel();
    std::thread::spawn(move || {
        let mut line = String::new();
        if io::BufRead::read_line(&mut out, &mut line).is_ok_and(|length| length > 0) {
            // The other side may have given up waiting.
            let _ = tell.send(line);
        }
        let _ = io::copy(&mut out, &mut io::sink());
    });
    told.recv_timeout(PATIENCE).ok()
}

// ---- frames out -------------------------------------------------------------------------------

/// One frame: `rsv` holds RSV1 to RSV3 as 4, 2, 1; without a `mask` it goes unmasked.
pub(crate) fn frame(fin: bool, rsv: u8, opcode: u8, mask: Option<[u8; 4]>, body: &[u8]) -> Vec<u8> {
    let size = match body.len() {
        0..=125 => Size::Seven,
        126..=0xffff => Size::Sixteen,
        _ => Size::SixtyFour,
    };
    let mut bytes = header(fin, rsv, opcode, mask, size, body.len() as u64);
    let mask = mask.unwrap_or_default();
    bytes.extend(
        body.iter()
            .zip(mask.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    bytes
}

/// The three ways to write a length.
#[derive(Clone, Copy)]
pub(crate) enum Size {
    Seven,
    Sixteen,
    SixtyFour,
}

/// A frame's header alone, with a length that may be a lie and may be written too long.
pub(crate) fn header(
    fin: bool,
    rsv: u8,
    opcode: u8,
    mask: Option<[u8; 4]>,
    size: Size,
    length: u64,
) -> Vec<u8> {
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![u8::from(fin) << 7 | rsv << 4 | opcode];
    match size {
        Size::Seven => bytes.push(masked | length as u8),
        Size::Sixteen => {
            bytes.push(masked | 126);
            bytes.extend((length as u16).to_be_bytes());
        }
        Size::SixtyFour => {
            bytes.push(masked | 127);
            bytes.extend(length.to_be_bytes());
        }
    }
    bytes.extend(
        mask.unwrap_or_default()
            .iter()
            .take(if mask.is_some() { 4 } else { 0 }),
    );
    bytes
}

/// A mask with four different bytes, none of them zero: a server that forgets to unmask, or turns
/// the mask by the wrong amount, is noticed.
pub(crate) const MASK: Option<[u8; 4]> = Some([0x37, 0xfa, 0x21, 0x3d]);

pub(crate) fn text(text: &str) -> Vec<u8> {
    frame(true, 0, TEXT, MASK, text.as_bytes())
}

pub(crate) fn binary(body: &[u8]) -> Vec<u8> {
    frame(true, 0, BINARY, MASK, body)
}

pub(crate) fn ping(body: &[u8]) -> Vec<u8> {
    frame(true, 0, PING, MASK, body)
}

pub(crate) fn pong(body: &[u8]) -> Vec<u8> {
    frame(true, 0, PONG, MASK, body)
}

/// The first fragment of a message.
pub(crate) fn first(opcode: u8, body: &[u8]) -> Vec<u8> {
    frame(false, 0, opcode, MASK, body)
}

/// A fragment in the middle of a message.
pub(crate) fn middle(body: &[u8]) -> Vec<u8> {
    frame(false, 0, CONTINUATION, MASK, body)
}

/// The last fragment of a message.
pub(crate) fn last(body: &[u8]) -> Vec<u8> {
    frame(true, 0, CONTINUATION, MASK, body)
}

pub(crate) fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    frame(
        true,
        0,
        CLOSE,
        MASK,
        &[&code.to_be_bytes(), reason].concat(),
    )
}

/// `length` bytes in which a lost, doubled or displaced piece shows.
pub(crate) fn pattern(length: usize) -> Vec<u8> {
    (0..length as u32)
        .map(|at| (at.wrapping_mul(2_654_435_761) >> 19) as u8)
        .collect()
}

/// The same as text of one byte per character.
pub(crate) fn prose(length: usize) -> String {
    pattern(length)
        .iter()
        .map(|byte| char::from(b' ' + byte % 95))
        .collect()
}

// ---- answers ----------------------------------------------------------------------------------

/// What the server said next.
#[derive(Clone, PartialEq)]
pub(crate) enum Event {
    Text(String),
    Binary(Vec<u8>),
    /// A compressed message as it travelled: text or not, and its body.
    Deflated(bool, Vec<u8>),
    Pong(Vec<u8>),
    Close(u16),
    /// The connection ended, by FIN or by RST.
    End,
}

impl std::fmt::Debug for Event {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (kind, body): (_, &[u8]) = match self {
            Self::Text(text) => ("text", text.as_bytes()),
            Self::Binary(body) => ("binary", body),
            Self::Deflated(_, body) => ("deflated", body),
            Self::Pong(body) => ("pong", body),
            Self::Close(code) => return write!(out, "close {code}"),
            Self::End => return write!(out, "end"),
        };
        let start = &body[..body.len().min(60)];
        write!(
            out,
            "{kind} of {} bytes \"{}\"",
            body.len(),
            start.escape_ascii()
        )
    }
}

/// What a test wants to hear.
#[derive(Clone, Debug)]
pub(crate) enum Want {
    Say(Event),
    /// A close with one of these codes, then the end of the connection.
    Close(&'static [u16]),
}

impl Want {
    fn is_met_by(&self, event: &Event) -> bool {
        match (self, event) {
            (Self::Say(wanted), event) => wanted == event,
            (Self::Close(codes), Event::Close(code)) => codes.contains(code),
            (Self::Close(_), _) => false,
        }
    }
}

pub(crate) fn say(text: &str) -> Want {
    Want::Say(Event::Text(text.to_owned()))
}

pub(crate) fn bytes(body: &[u8]) -> Want {
    Want::Say(Event::Binary(body.to_vec()))
}

pub(crate) fn ponged(body: &[u8]) -> Want {
    Want::Say(Event::Pong(body.to_vec()))
}

/// The peer broke the protocol.
pub(crate) const BROKEN: Want = Want::Close(&[1002]);
/// The peer sent text that is none.
pub(crate) const NOT_TEXT: Want = Want::Close(&[1007]);
/// The peer sent more than fits.
pub(crate) const TOO_BIG: Want = Want::Close(&[1009]);

/// An answer to a plain HTTP request.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// All values of a field, names compared without case.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let same = |(field, _): &&(String, String)| field.eq_ignore_ascii_case(name);
        self.fields
            .iter()
            .filter(same)
            .map(|(_, value)| value.as_str())
            .collect()
    }

    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        let values = self.all(name);
        assert!(values.len() < 2, "{name} came {} times", values.len());
        values.first().copied()
    }
}

// ---- a connection -----------------------------------------------------------------------------

/// A client's side of one connection.
pub(crate) struct Peer {
    stream: TcpStream,
    unread: Vec<u8>,
    at: usize,
    message: Option<(u8, bool, Vec<u8>)>,
    /// permessage-deflate was agreed.
    pub(crate) deflate: bool,
}

impl Peer {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("the server accepts");
        Self::over(stream)
    }

    pub(crate) fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a live socket");
        stream
            .set_write_timeout(Some(PATIENCE))
            .expect("a lawful timeout");
        Self {
            stream,
            unread: Vec::new(),
            at: 0,
            message: None,
            deflate: false,
        }
    }

    /// A WebSocket at `/echo` without extensions.
    pub(crate) fn open(server: &Server) -> Self {
        Self::open_at(server, "/echo")
    }

    pub(crate) fn open_at(server: &Server, path: &str) -> Self {
        let mut peer = Self::connect(server.address);
        peer.send(upgrade(server.address, path, "").as_bytes());
        let response = peer.response();
        assert_eq!(response.status, 101, "{path}: {response:?}");
        assert_eq!(response.one("sec-websocket-accept"), Some(ACCEPT));
        peer
    }

    /// Writes everything; that the server has ended the connection meanwhile is no error, for
    /// what it said before can still be read.
    pub(crate) fn send(&mut self, bytes: &[u8]) {
        if let Err(error) = self.stream.write_all(bytes) {
            let gone = matches!(
                error.kind(),
                io::ErrorKind::BrokenPipe | io::ErrorKind::ConnectionReset
            );
            assert!(gone, "sending {} bytes: {error}", bytes.len());
        }
    }

    pub(crate) fn send_in_pieces(&mut self, bytes: &[u8], piece: usize) {
        bytes.chunks(piece).for_each(|piece| self.send(piece));
    }

    /// Reads more, false at the end.
    fn fill(&mut self, deadline: Instant) -> bool {
        if self.at > 0 && self.at == self.unread.len() {
            self.unread.clear();
            self.at = 0;
        }
        let left = deadline.saturating_duration_since(Instant::now());
        self.stream
            .set_read_timeout(Some(left.max(Duration::from_millis(1))))
            .expect("lawful");
        let mut buffer = [0; 64 * 1024];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(length) => {
                self.unread.extend_from_slice(&buffer[..length]);
                true
            }
            Err(error) if error.kind() == io::ErrorKind::ConnectionReset => false,
            Err(error) => {
                let rest = &self.unread[self.at..];
                panic!(
                    "nothing came ({error}); unread: \"{}\"",
                    rest.escape_ascii()
                )
            }
        }
    }

    /// The next `length` bytes, or none at a clean end.
    fn take(&mut self, length: usize, deadline: Instant) -> Option<Vec<u8>> {
        while self.unread.len() - self.at < length {
            if !self.fill(deadline) {
                let rest = self.unread.len() - self.at;
                assert_eq!(rest, 0, "the connection ended inside a frame");
                return None;
            }
        }
        let taken = self.unread[self.at..self.at + length].to_vec();
        self.at += length;
        Some(taken)
    }

    /// The answer to a request; its body by Content-Length.
    pub(crate) fn response(&mut self) -> Response {
        let deadline = Instant::now() + PATIENCE;
        let end = loop {
            let unread = &self.unread[self.at..];
            if let Some(end) = unread.windows(4).position(|window| window == b"\r\n\r\n") {
                break end;
            }
            assert!(
                self.fill(deadline),
                "no answer: \"{}\"",
                self.rest().escape_ascii()
            );
        };
        let head = self.take(end + 4, deadline).expect("it is there");
        let head = String::from_utf8(head).expect("a head is text");
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().expect("a first line");
        let status = status
            .strip_prefix("HTTP/1.1 ")
            .and_then(|rest| rest.get(..3)?.parse().ok());
        let fields = lines
            .map(|line| line.split_once(':').expect("a field has a colon"))
            .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
            .collect();
        let status = status.unwrap_or_else(|| panic!("not a status line: {head:?}"));
        let mut response = Response {
            status,
            fields,
            body: Vec::new(),
        };
        if let Some(length) = response.one("content-length") {
            let length = length.parse().expect("a number");
            response.body = self.take(length, deadline).expect("the whole body");
        }
        response
    }

    fn rest(&self) -> &[u8] {
        &self.unread[self.at..]
    }

    /// The next frame, held against RFC 6455, section 5: what a server may send.
    fn read_frame(&mut self, deadline: Instant) -> Option<(bool, bool, u8, Vec<u8>)> {
        let head = self.take(2, deadline)?;
        let (fin, rsv, opcode) = (head[0] & 0x80 != 0, head[0] >> 4 & 7, head[0] & 15);
        assert_eq!(head[1] & 0x80, 0, "a server never masks");
        assert_eq!(rsv & 3, 0, "RSV2 and RSV3 mean nothing here");
        let mut whole = |length| self.take(length, deadline).expect("the rest of the frame");
        let length = match head[1] {
            126 => {
                let length = u16::from_be_bytes(whole(2).try_into().expect("two bytes"));
                assert!(length >= 126, "{length} is written too long");
                usize::from(length)
            }
            127 => {
                let length = u64::from_be_bytes(whole(8).try_into().expect("eight bytes"));
                assert!(length > 0xffff, "{length} is written too long");
                usize::try_from(length).expect("a sane length")
            }
            short => usize::from(short),
        };
        if opcode >= CLOSE {
            assert!(
                fin && rsv == 0 && length <= 125,
                "a bad control frame: {head:?}"
            );
        }
        let body = whole(length);
        Some((fin, rsv == 4, opcode, body))
    }

    /// What the server says next. Its own pings are passed over.
    pub(crate) fn event(&mut self) -> Event {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let Some((fin, deflated, opcode, body)) = self.read_frame(deadline) else {
                return Event::End;
            };
            match opcode {
                PING => {}
                PONG => return Event::Pong(body),
                CLOSE => return Event::Close(close_code(&body)),
                TEXT | BINARY => {
                    assert!(self.message.is_none(), "a message inside a message");
                    assert!(!deflated || self.deflate, "RSV1 without an agreement");
                    self.message = Some((opcode, deflated, body));
                }
                CONTINUATION => {
                    assert!(!deflated, "RSV1 on a continuation");
                    let (_, _, whole) = self.message.as_mut().expect("a message to continue");
                    whole.extend(body);
                }
                other => panic!("opcode {other} does not exist"),
            }
            if fin && opcode <= BINARY {
                let (opcode, deflated, body) = self.message.take().expect("a message");
                return match (deflated, opcode) {
                    (true, opcode) => Event::Deflated(opcode == TEXT, body),
                    (_, TEXT) => Event::Text(String::from_utf8(body).expect("text is UTF-8")),
                    _ => Event::Binary(body),
                };
            }
        }
    }

    /// Hears everything that is wanted and the end of the connection, which the client asks for
    /// where the server has no reason to close. Nothing else may come.
    pub(crate) fn hear(mut self, name: &str, wanted: &[Want]) {
        for (index, want) in wanted.iter().enumerate() {
            let event = self.event();
            assert!(
                want.is_met_by(&event),
                "{name}: {index}: wanted {want:?}, heard {event:?}"
            );
        }
        if !matches!(wanted.last(), Some(Want::Close(_))) {
            self.send(&close(1000, b""));
            assert_eq!(
                self.event(),
                Event::Close(1000),
                "{name}: the answer to our close"
            );
        }
        assert_eq!(self.event(), Event::End, "{name}: after the close");
    }

    pub(crate) fn expect(&mut self, want: &Want) {
        let event = self.event();
        assert!(want.is_met_by(&event), "wanted {want:?}, heard {event:?}");
    }

    /// The socket itself, for what only it can do.
    pub(crate) fn stream(&self) -> &TcpStream {
        &self.stream
    }
}

/// The code in a close frame's body, which must be lawful.
fn close_code(body: &[u8]) -> u16 {
    match body {
        [] => NO_CODE,
        [_] => panic!("half a close code"),
        [high, low, reason @ ..] => {
            assert!(std::str::from_utf8(reason).is_ok(), "a reason is text");
            let code = u16::from_be_bytes([*high, *low]);
            let lawful = matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999);
            assert!(lawful, "close code {code} may not be sent");
            code
        }
    }
}

/// An upgrade request; `more` holds further fields, each with its line end.
pub(crate) fn upgrade(address: SocketAddr, path: &str, more: &str) -> String {
    format!(
        "GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n{more}\r\n"
    )
}

/// One request on a connection of its own.
pub(crate) fn ask(server: &Server, request: &str) -> Response {
    let mut peer = Peer::connect(server.address);
    peer.send(request.as_bytes());
    peer.response()
}

/// Up to this size a case is also played byte by byte.
const OCTETWISE_MAX: usize = 3000;

/// One case: `sent` in one write, and once more byte by byte, is answered by `wanted`.
pub(crate) fn check(server: &Server, name: &str, sent: &[u8], wanted: &[Want]) {
    check_in_pieces(server, name, sent, usize::MAX, wanted);
    if sent.len() <= OCTETWISE_MAX {
        check_in_pieces(server, &format!("{name}, byte by byte"), sent, 1, wanted);
    }
}

pub(crate) fn check_in_pieces(
    server: &Server,
    name: &str,
    sent: &[u8],
    piece: usize,
    wanted: &[Want],
) {
    let mut peer = Peer::open(server);
    peer.send_in_pieces(sent, piece);
    peer.hear(name, wanted);
}
