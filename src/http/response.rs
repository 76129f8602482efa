//! # Response: what we say, and how it is framed
//!
//! A [`Response`] is built without knowing who asked; [`respond`] fits it to the [`Exchange`]: no
//! chunks for HTTP/1.0, no body for HEAD, `Connection` where silence would be misread.
//!
//! Promises
//! 1. One status line, one Date, at most one of Content-Length and Transfer-Encoding, and these
//!    always as the body is: a handler cannot contradict the framing.
//! 2. Nothing that a handler puts in a field can end that field.
//! 3. If the end of this answer cannot be told from its bytes, the exchange says that the
//!    connection ends.

use std::rc::Rc;

use super::body::{push_decimal, push_field};
use super::fields::Fields;
use super::{BodyWriter, Fault, Head, Method, Status};

/// What a client that sent `Expect: 100-continue` waits for.
pub const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// An answer: a status, fields, a body.
///
/// ```
/// use parlour::http::{Exchange, Response, date, respond};
///
/// let response = Response::text("hello\n").field("Cache-Control", "no-store");
/// let mut out = Vec::new();
/// respond(&mut Exchange::default(), &response, &date::format(784_111_777), &mut out);
/// assert_eq!(
///     str::from_utf8(&out).unwrap(),
///     "HTTP/1.1 200 OK\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n\
///      Content-Type: text/plain; charset=utf-8\r\nCache-Control: no-store\r\n\
///      Content-Length: 6\r\n\r\nhello\n",
/// );
/// ```
#[derive(Clone, Debug)]
pub struct Response {
    status: Status,
    close: bool,
    /// Field lines, ready for the wire.
    fields: Vec<u8>,
    body: Body,
}

/// The body of an answer.
#[derive(Clone, Debug, Default)]
pub enum Body {
    /// No bytes.
    #[default]
    Empty,
    /// Bytes of the program itself.
    Static(&'static [u8]),
    /// Bytes of this answer.
    Owned(Vec<u8>),
    /// Bytes that many answers share.
    Shared(Rc<[u8]>),
    /// Bytes that follow through a [`BodyWriter`].
    Stream {
        /// How many, if that is known beforehand.
        length: Option<u64>,
    },
}

impl Body {
    /// The bytes that are here already; nothing of a stream.
    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Empty | Self::Stream { .. } => &[],
            Self::Static(bytes) => bytes,
            Self::Owned(bytes) => bytes,
            Self::Shared(bytes) => bytes,
        }
    }

    /// How long it is, if that is known.
    pub fn length(&self) -> Option<u64> {
        match self {
            Self::Stream { length } => *length,
            _ => Some(self.bytes().len() as u64),
        }
    }
}

impl From<&'static str> for Body {
    fn from(text: &'static str) -> Self {
        Self::Static(text.as_bytes())
    }
}

impl From<&'static [u8]> for Body {
    fn from(bytes: &'static [u8]) -> Self {
        Self::Static(bytes)
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::Owned(text.into_bytes())
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Owned(bytes)
    }
}

impl From<Rc<[u8]>> for Body {
    fn from(bytes: Rc<[u8]>) -> Self {
        Self::Shared(bytes)
    }
}

impl Response {
    /// An answer with this status and nothing else.
    pub const fn new(status: Status) -> Self {
        Self {
            status,
            close: false,
            fields: Vec::new(),
            body: Body::Empty,
        }
    }

    /// 200 with plain text.
    pub fn text(body: impl Into<Body>) -> Self {
        Self::of_type("text/plain; charset=utf-8", body)
    }

    /// 200 with a page.
    pub fn html(body: impl Into<Body>) -> Self {
        Self::of_type("text/html; charset=utf-8", body)
    }

    /// 200 with JSON that is serialised already.
    pub fn json(body: impl Into<Body>) -> Self {
        Self::of_type("application/json", body)
    }

    /// 303: look there, with GET. For other kinds, and for a location that may be broken, there is
    /// [`Redirect`](super::Redirect).
    pub fn redirect(location: &str) -> Self {
        Self::new(Status::SEE_OTHER).field("Location", location)
    }

    /// No, and why, in one line.
    pub fn refusal(status: Status, reason: &str) -> Self {
        let mut line = String::with_capacity(reason.len() + 1);
        line.push_str(reason);
        line.push('\n');
        Self::text(line).with_status(status)
    }

    fn of_type(content_type: &str, body: impl Into<Body>) -> Self {
        Self::new(Status::OK)
            .field("Content-Type", content_type)
            .body(body)
    }

    /// The same with another status.
    #[must_use]
    pub const fn with_status(mut self, status: Status) -> Self {
        self.status = status;
        self
    }

    /// Adds a field. In a value, bytes that may not stand there (CR, LF, NUL and the other
    /// controls) become spaces; a name that is no token asserts in tests and leaves the field out.
    /// `Content-Length`, `Transfer-Encoding`, `Date` and `Keep-Alive` are left out, because
    /// [`respond`] says them; `Connection: close` is understood as [`close`](Self::close).
    #[must_use]
    pub fn field(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.push_field(name, value.as_ref());
        self
    }

    /// Adds a field to an answer that is built already, as [`field`](Self::field) does.
    pub fn push_field(&mut self, name: &str, value: &[u8]) {
        if self.fields.capacity() == 0 {
            // Most answers have two or three fields: one allocation instead of a growing one.
            self.fields.reserve(128);
        }
        let ours = ["content-length", "transfer-encoding", "date", "keep-alive"];
        if ours.iter().any(|ours| name.eq_ignore_ascii_case(ours)) {
            return;
        }
        if name.eq_ignore_ascii_case("connection") {
            let mut list = value;
            while let Some(option) = super::fields::next_member(&mut list) {
                let silent = option.eq_ignore_ascii_case(b"keep-alive");
                if option.eq_ignore_ascii_case(b"close") {
                    self.close = true;
                } else if !silent {
                    push_field(&mut self.fields, name.as_bytes(), option);
                }
            }
            return;
        }
        push_field(&mut self.fields, name.as_bytes(), value);
    }

    /// Replaces all fields of this name by one, which is taken as [`field`](Self::field) takes it.
    pub fn set_field(&mut self, name: &str, value: &[u8]) {
        self.remove_field(name);
        self.push_field(name, value);
    }

    /// Takes all fields of this name away.
    pub fn remove_field(&mut self, name: &str) {
        let mut at = 0;
        while let Some(length) = memchr::memchr(b'\n', &self.fields[at..]) {
            let end = at + length + 1;
            if Fields::new(&self.fields[at..end]).first(name).is_some() {
                self.fields.drain(at..end);
            } else {
                at = end;
            }
        }
    }

    /// Says that the answer would be another one if the request's field of this name were: caches
    /// keep both. A name that is said already is not said again.
    pub fn vary(&mut self, name: &str) {
        let mut names: Vec<&str> = self.fields().tokens("vary").collect();
        let says = |said: &&str| *said == "*" || said.eq_ignore_ascii_case(name);
        if !names.iter().any(says) {
            names.push(name);
            let list = names.join(", ");
            self.set_field("Vary", list.as_bytes());
        }
    }

    /// Gives it a body.
    #[must_use]
    pub fn body(mut self, body: impl Into<Body>) -> Self {
        self.body = body.into();
        self
    }

    /// Gives it a body whose bytes follow through the [`BodyWriter`] of [`respond`].
    #[must_use]
    pub fn stream(mut self, length: Option<u64>) -> Self {
        self.body = Body::Stream { length };
        self
    }

    /// Makes it the last answer of its connection.
    #[must_use]
    pub const fn close(mut self) -> Self {
        self.close = true;
        self
    }

    /// Its status.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// Whether it wants to be the last of its connection.
    pub const fn closes(&self) -> bool {
        self.close
    }

    /// The fields that it was given.
    pub fn fields(&self) -> Fields<'_> {
        Fields::new(&self.fields)
    }

    /// The body that it was given.
    pub const fn content(&self) -> &Body {
        &self.body
    }
}

impl From<Fault> for Response {
    /// The refusal of a broken rule, and the end of the connection.
    fn from(fault: Fault) -> Self {
        Self::refusal(fault.status(), fault.reason()).close()
    }
}

/// What of a request decides the form of its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Of the request: HTTP/1.0 knows no chunks and closes unless told otherwise.
    pub minor_version: u8,
    /// Whether the request was HEAD.
    pub head_only: bool,
    /// Whether another request may follow: from the request first, then from the answer.
    pub keep_alive: bool,
}

impl Default for Exchange {
    /// A plain GET in HTTP/1.1.
    fn default() -> Self {
        Self {
            minor_version: 1,
            head_only: false,
            keep_alive: true,
        }
    }
}

impl From<&Head<'_>> for Exchange {
    fn from(head: &Head<'_>) -> Self {
        Self {
            minor_version: head.minor_version(),
            head_only: head.method() == Method::Head,
            keep_alive: head.keep_alive(),
        }
    }
}

impl Exchange {
    /// For an answer to what was no request: nothing follows it.
    pub const BROKEN: Self = Self {
        minor_version: 1,
        head_only: false,
        keep_alive: false,
    };

    /// The same, with no request to follow.
    pub const fn last(self) -> Self {
        Self {
            keep_alive: false,
            ..self
        }
    }
}

/// Appends an answer: the head, and the body if it is here already. A stream's body follows through
/// the writer. Afterwards `exchange.keep_alive` says whether the connection goes on.
pub fn respond(
    exchange: &mut Exchange,
    response: &Response,
    date: &[u8; 29],
    out: &mut Vec<u8>,
) -> BodyWriter {
    let status = response.status;
    let frame = Frame::of(exchange, response);
    if !status.is_interim() {
        exchange.keep_alive &= !response.close && frame != Frame::UntilClose;
    }
    let body = response.body.bytes();
    out.reserve(160 + response.fields.len() + body.len());
    push_status_line(out, status);
    out.extend_from_slice(b"Date: ");
    out.extend_from_slice(date);
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(&response.fields);
    match frame {
        Frame::Length(length) => {
            out.extend_from_slice(b"Content-Length: ");
            push_decimal(out, length);
            out.extend_from_slice(b"\r\n");
        }
        Frame::Chunked => out.extend_from_slice(b"Transfer-Encoding: chunked\r\n"),
        Frame::Bodiless | Frame::UntilClose => {}
    }
    match (
        status.is_interim(),
        exchange.keep_alive,
        exchange.minor_version,
    ) {
        (false, false, _) => out.extend_from_slice(b"Connection: close\r\n"),
        (false, true, 0) => out.extend_from_slice(b"Connection: keep-alive\r\n"),
        _ => {}
    }
    out.extend_from_slice(b"\r\n");
    if !exchange.head_only && matches!(frame, Frame::Length(1..)) {
        out.extend_from_slice(body);
    }
    frame.writer(exchange.head_only, &response.body)
}

/// How a body is delimited (RFC 9112 6.3), whether it is sent or not.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Frame {
    Bodiless,
    Length(u64),
    Chunked,
    UntilClose,
}

impl Frame {
    fn of(exchange: &Exchange, response: &Response) -> Self {
        let status = response.status;
        if status.is_bodiless() {
            return Self::Bodiless;
        }
        // 205 has a frame and nothing in it (RFC 9110 15.3.6).
        if status == Status::RESET_CONTENT {
            return Self::Length(0);
        }
        match (response.body.length(), exchange.minor_version) {
            (Some(length), _) => Self::Length(length),
            (None, 0) if exchange.head_only => Self::Bodiless,
            (None, 0) => Self::UntilClose,
            (None, _) => Self::Chunked,
        }
    }

    const fn writer(self, head_only: bool, body: &Body) -> BodyWriter {
        match (self, body) {
            (_, Body::Empty | Body::Static(_) | Body::Owned(_) | Body::Shared(_)) => {
                BodyWriter::None
            }
            // A handler that streams into an answer without a body does no harm.
            (
                Self::Bodiless | Self::Length(0),
                Body::Stream {
                    length: None | Some(1..),
                },
            ) => BodyWriter::Discard,
            _ if head_only => BodyWriter::Discard,
            (Self::Bodiless, _) => BodyWriter::None,
            (Self::Length(length), _) => BodyWriter::Length(length),
            (Self::Chunked, _) => BodyWriter::Chunked,
            (Self::UntilClose, _) => BodyWriter::UntilClose,
        }
    }
}

fn push_status_line(out: &mut Vec<u8>, status: Status) {
    if status == Status::OK {
        out.extend_from_slice(b"HTTP/1.1 200 OK\r\n");
        return;
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    out.extend_from_slice(&status.digits());
    out.push(b' ');
    out.extend_from_slice(status.reason().as_bytes());
    out.extend_from_slice(b"\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    const GET: Exchange = Exchange {
        minor_version: 1,
        head_only: false,
        keep_alive: true,
    };
    const HEAD: Exchange = Exchange {
        head_only: true,
        ..GET
    };
    const OLD: Exchange = Exchange {
        minor_version: 0,
        keep_alive: false,
        ..GET
    };
    const OLD_KEPT: Exchange = Exchange {
        keep_alive: true,
        ..OLD
    };
    const LAST: Exchange = Exchange {
        keep_alive: false,
        ..GET
    };

    /// What the answer looks like, without its Date; lines end in `\n` here.
    fn check(exchange: Exchange, response: &Response, expected: &str, writer: BodyWriter) {
        let mut after = exchange;
        let mut out = Vec::new();
        let date = super::super::date::format(0);
        let found = respond(&mut after, response, &date, &mut out);
        let text = String::from_utf8(out).unwrap();
        let text = text.replacen("Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n", "", 1);
        assert_eq!(text.replace("\r\n", "\n"), expected, "{exchange:?}");
        assert_eq!(found, writer, "{exchange:?} {expected}");
        let says_close = expected.contains("Connection: close\n");
        assert!(
            after.keep_alive != says_close,
            "a close is announced, and an announced one done"
        );
    }

    fn hello() -> Response {
        Response::new(Status::OK).body("hello")
    }

    #[test]
    fn a_whole_body_has_a_length() {
        use BodyWriter::None;
        let whole = "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello";
        check(GET, &hello(), whole, None);
        check(
            HEAD,
            &hello(),
            "HTTP/1.1 200 OK\nContent-Length: 5\n\n",
            None,
        );
        let last = "HTTP/1.1 200 OK\nContent-Length: 5\nConnection: close\n\nhello";
        check(LAST, &hello(), last, None);
        check(OLD, &hello(), last, None);
        check(GET, &hello().close(), last, None);
        let kept = "HTTP/1.1 200 OK\nContent-Length: 5\nConnection: keep-alive\n\nhello";
        check(OLD_KEPT, &hello(), kept, None);
        check(OLD_KEPT, &hello().close(), last, None);
        let empty = "HTTP/1.1 404 Not Found\nContent-Length: 0\n\n";
        check(GET, &Response::new(Status::NOT_FOUND), empty, None);
        for body in [
            Body::Owned(b"hello".to_vec()),
            Body::Shared(Rc::from(&b"hello"[..])),
        ] {
            check(GET, &Response::new(Status::OK).body(body), whole, None);
        }
    }

    #[test]
    fn a_stream_is_framed_as_the_client_can_read_it() {
        let known = Response::new(Status::OK).stream(Some(5));
        let unknown = Response::new(Status::OK).stream(None);
        let length = "HTTP/1.1 200 OK\nContent-Length: 5\n\n";
        let chunked = "HTTP/1.1 200 OK\nTransfer-Encoding: chunked\n\n";
        let last = "HTTP/1.1 200 OK\nConnection: close\n\n";
        check(GET, &known, length, BodyWriter::Length(5));
        check(GET, &unknown, chunked, BodyWriter::Chunked);
        check(HEAD, &known, length, BodyWriter::Discard);
        check(HEAD, &unknown, chunked, BodyWriter::Discard);
        check(OLD, &unknown, last, BodyWriter::UntilClose);
        check(OLD_KEPT, &unknown, last, BodyWriter::UntilClose);
        let kept = "HTTP/1.1 200 OK\nContent-Length: 5\nConnection: keep-alive\n\n";
        check(OLD_KEPT, &known, kept, BodyWriter::Length(5));
        let old_head = Exchange {
            head_only: true,
            ..OLD_KEPT
        };
        let bare = "HTTP/1.1 200 OK\nConnection: keep-alive\n\n";
        check(old_head, &unknown, bare, BodyWriter::Discard);
    }

    #[test]
    fn some_statuses_never_have_a_body() {
        use BodyWriter::{Discard, None};
        let with = |status| hello().with_status(status);
        let none = "HTTP/1.1 204 No Content\n\n";
        check(GET, &with(Status::NO_CONTENT), none, None);
        check(
            GET,
            &Response::new(Status::NO_CONTENT).stream(Option::None),
            none,
            Discard,
        );
        check(
            OLD_KEPT,
            &Response::new(Status::NO_CONTENT).stream(Option::None),
            "HTTP/1.1 204 No Content\nConnection: keep-alive\n\n",
            Discard,
        );
        check(
            GET,
            &with(Status::NOT_MODIFIED),
            "HTTP/1.1 304 Not Modified\n\n",
            None,
        );
        let reset = "HTTP/1.1 205 Reset Content\nContent-Length: 0\n\n";
        check(GET, &with(Status::RESET_CONTENT), reset, None);
        check(
            GET,
            &with(Status::RESET_CONTENT).stream(Some(5)),
            reset,
            Discard,
        );
    }

    #[test]
    fn switching_protocols_says_what_the_handshake_says() {
        let response = Response::new(Status::SWITCHING_PROTOCOLS)
            .field("Upgrade", "websocket")
            .field("Connection", "Upgrade");
        let mut exchange = GET;
        let mut out = Vec::new();
        respond(&mut exchange, &response, &[b'-'; 29], &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("HTTP/1.1 101 Switching Protocols\r\nDate: "));
        assert!(text.ends_with("Upgrade: websocket\r\nConnection: Upgrade\r\n\r\n"));
    }

    #[test]
    fn a_handler_cannot_contradict_the_framing() {
        let response = hello()
            .field("content-length", "7")
            .field("Transfer-Encoding", "chunked")
            .field("Date", "never")
            .field("Keep-Alive", "timeout=5")
            .field("Connection", "keep-alive");
        check(
            GET,
            &response,
            "HTTP/1.1 200 OK\nContent-Length: 5\n\nhello",
            BodyWriter::None,
        );
        check(
            GET,
            &hello().field("Connection", "X-A, Close"),
            "HTTP/1.1 200 OK\nConnection: X-A\nContent-Length: 5\nConnection: close\n\nhello",
            BodyWriter::None,
        );
    }

    #[test]
    fn nothing_in_a_value_ends_its_field() {
        let value = |value: &str| {
            let response = Response::new(Status::OK).field("X", value);
            let fields: Vec<_> = response
                .fields()
                .iter()
                .map(|(n, v)| (n, v.to_vec()))
                .collect();
            assert_eq!(fields.len(), 1);
            String::from_utf8(fields[0].1.clone()).unwrap()
        };
        assert_eq!(value("a\r\nSet-Cookie: b"), "a  Set-Cookie: b");
        assert_eq!(value("a\0b\x7fc\x0bd"), "a b c d");
        assert_eq!(value(" a\tb "), "a\tb");
        assert_eq!(value("café"), "café");
        assert_eq!(value("\r\n"), "");
    }

    #[test]
    fn fields_are_replaced_and_removed_by_name() {
        let mut response = hello().field("A", "1").field("AB", "2").field("a", "3");
        response.set_field("a", b"4\r\nX: y");
        let lines = "HTTP/1.1 200 OK\nAB: 2\na: 4  X: y\nContent-Length: 5\n\nhello";
        check(GET, &response, lines, BodyWriter::None);
        response.remove_field("x");
        response.remove_field("b");
        response.remove_field("");
        check(GET, &response, lines, BodyWriter::None);
        response.remove_field("ab");
        response.remove_field("A");
        assert!(response.fields().is_empty());
    }

    #[test]
    fn a_name_is_varied_by_once() {
        let check = |before: &[&str], name: &str, expected: &[&[u8]]| {
            let mut response = hello();
            for value in before {
                response.push_field("Vary", value.as_bytes());
            }
            response.vary(name);
            let found: Vec<_> = response.fields().named("vary").collect();
            assert_eq!(found, expected, "{before:?}");
        };
        check(&[], "Accept", &[b"Accept"]);
        check(&["Cookie"], "Accept", &[b"Cookie, Accept"]);
        check(&["Cookie,accept"], "Accept", &[b"Cookie,accept"]);
        check(
            &["Cookie", "Origin"],
            "Accept",
            &[b"Cookie, Origin, Accept"],
        );
        check(&["*"], "Accept", &[b"*"]);
        check(
            &["Accept-Encoding"],
            "Accept",
            &[b"Accept-Encoding, Accept"],
        );
        check(&[], "a\r\nb: c", &[b"a  b: c"]);
    }

    #[test]
    fn a_fault_is_answered_in_one_line_and_ends_the_connection() {
        check(
            Exchange::BROKEN,
            &Response::from(Fault::NoHost),
            "HTTP/1.1 400 Bad Request\nContent-Type: text/plain; charset=utf-8\n\
             Content-Length: 8\nConnection: close\n\nno Host\n",
            BodyWriter::None,
        );
    }

    #[test]
    fn the_builders_say_their_type() {
        let of = |response: Response| {
            let fields = response.fields();
            let value = fields
                .first("content-type")
                .or_else(|| fields.first("location"));
            (
                response.status().code(),
                String::from_utf8(value.unwrap().to_vec()).unwrap(),
            )
        };
        assert_eq!(
            of(Response::text("")),
            (200, "text/plain; charset=utf-8".to_owned())
        );
        assert_eq!(
            of(Response::html("")),
            (200, "text/html; charset=utf-8".to_owned())
        );
        assert_eq!(
            of(Response::json("{}")),
            (200, "application/json".to_owned())
        );
        assert_eq!(of(Response::redirect("/a")), (303, "/a".to_owned()));
        let refusal = Response::refusal(Status::NOT_FOUND, "no such room");
        assert_eq!(refusal.content().bytes(), b"no such room\n");
    }

    #[test]
    fn an_unregistered_status_has_no_phrase_but_its_space() {
        let response = Response::new(Status::new(299).unwrap());
        check(
            GET,
            &response,
            "HTTP/1.1 299 \nContent-Length: 0\n\n",
            BodyWriter::None,
        );
        assert_eq!((Status::new(99), Status::new(600)), (None, None));
    }
}
