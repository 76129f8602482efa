//! # Head: a request line and its fields
//!
//! The bytes stay where they came in; a head is a view over them and a few offsets. The scan for
//! line ends is separate from the reading, so that a head that comes in pieces is scanned once.
//!
//! Promises
//! 1. Every line ends in CRLF, and no CR or LF stands anywhere else.
//! 2. The request line is exactly method, SP, target, SP, version; an HTTP/1.1 head has one Host.
//! 3. Whatever the head says about its body was decided by `framing`, once.

use std::ops::Range;

use super::fields::{self, FieldIter, Fields, Named, Tokens};
use super::framing::Announced;
use super::letters;
use super::target::{self, Target};
use super::{BodyLength, Fault, Method};

/// A stretch of the head's bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u32,
    pub(super) end: u32,
}

impl Span {
    pub(super) fn new(start: usize, end: usize) -> Self {
        Self {
            start: Self::offset(start),
            end: Self::offset(end),
        }
    }

    /// An offset inside a head, which the receiver never lets grow beyond 32 bits.
    pub(super) fn offset(at: usize) -> u32 {
        u32::try_from(at).expect("a head is cut off at 32 bits by `Limits::head_bytes`")
    }

    pub(super) const fn range(self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    const fn behind(self, distance: u32) -> Self {
        Self {
            start: self.start + distance,
            end: self.end + distance,
        }
    }
}

/// Where the parts of a head are. Kept beside a copy of the bytes, it makes a [`Head`] again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HeadShape {
    method: Method,
    minor_version: u8,
    marks: u8,
    path: Span,
    query_end: u32,
    authority: Span,
    fields: Span,
}

/// What the fields said about the connection, one bit each.
mod mark {
    pub(super) const KEEP_ALIVE: u8 = 1;
    pub(super) const EXPECTS_CONTINUE: u8 = 2;
    pub(super) const UPGRADES: u8 = 4;
    pub(super) const ABSOLUTE: u8 = 8;
    pub(super) const ANNOUNCES_BODY: u8 = 16;
}

/// A request without its body: a view over validated bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head<'i> {
    bytes: &'i [u8],
    shape: HeadShape,
}

impl<'i> Head<'i> {
    /// The same head over a copy of its bytes: `shape` must come from a head with these bytes.
    pub fn rebind(bytes: &'i [u8], shape: HeadShape) -> Self {
        assert_eq!(
            bytes.len(),
            shape.fields.end as usize + 2,
            "these bytes are another head's"
        );
        Self { bytes, shape }
    }

    /// All its bytes, from the method to the empty line.
    pub const fn bytes(&self) -> &'i [u8] {
        self.bytes
    }

    /// Where its parts are, for an owner who keeps a copy of the bytes.
    pub const fn shape(&self) -> HeadShape {
        self.shape
    }

    /// What the client wants done.
    pub const fn method(&self) -> Method {
        self.shape.method
    }

    /// The path as it was sent, percent-encoded: begins with `/`, or is `*` for a server-wide OPTIONS.
    pub fn path(&self) -> &'i str {
        let path = self.text(self.shape.path);
        match (path, self.shape.method) {
            ("", Method::Options) if self.query().is_none() => "*",
            ("", _) => "/",
            _ => path,
        }
    }

    /// What stands behind the `?`, as it was sent; nothing if there is no `?`.
    pub fn query(&self) -> Option<&'i str> {
        let (start, end) = (self.shape.path.end, self.shape.query_end);
        (start < end).then(|| {
            self.text(Span {
                start: start + 1,
                end,
            })
        })
    }

    /// Whom the client thinks it talks to: the authority of absolute-form, else Host.
    pub fn authority(&self) -> Option<&'i str> {
        if self.shape.marks & mark::ABSOLUTE != 0 {
            return Some(self.text(self.shape.authority));
        }
        self.field("host")
    }

    /// 0 or 1; a higher one is served as 1 (RFC 9110 2.5).
    pub const fn minor_version(&self) -> u8 {
        self.shape.minor_version
    }

    /// All fields.
    pub fn all_fields(&self) -> Fields<'i> {
        Fields::new(&self.bytes[self.shape.fields.range()])
    }

    /// The first value of this name, if it is text: bytes that are not UTF-8 mean nothing here.
    pub fn field(&self, name: &str) -> Option<&'i str> {
        self.field_bytes(name)
            .and_then(|value| str::from_utf8(value).ok())
    }

    /// The first value of this name, whatever bytes it has.
    pub fn field_bytes(&self, name: &str) -> Option<&'i [u8]> {
        self.all_fields().first(name)
    }

    /// All fields in order, as name and value.
    pub fn fields(&self) -> FieldIter<'i> {
        self.all_fields().iter()
    }

    /// The values of all fields with this name, in order.
    pub fn fields_named<'n>(&self, name: &'n str) -> Named<'i, 'n> {
        self.all_fields().named(name)
    }

    /// The members of the comma-separated lists in all fields with this name.
    pub fn tokens<'n>(&self, name: &'n str) -> Tokens<'i, 'n> {
        self.all_fields().tokens(name)
    }

    /// Whether the connection may serve another request after this one (RFC 9112 9.3).
    pub const fn keep_alive(&self) -> bool {
        self.shape.marks & mark::KEEP_ALIVE != 0
    }

    /// Whether the client waits for [`CONTINUE`](super::CONTINUE) before it sends the body.
    pub const fn expects_continue(&self) -> bool {
        self.shape.marks & mark::EXPECTS_CONTINUE != 0
    }

    /// Whether the client asks, in HTTP/1.1, to go on in this protocol (RFC 9110 7.8).
    pub fn wants_upgrade_to(&self, protocol: &str) -> bool {
        self.shape.marks & mark::UPGRADES != 0
            && self
                .tokens("upgrade")
                .any(|token| token.eq_ignore_ascii_case(protocol))
    }

    /// For who cannot do without a body: a fault if nothing was said about one. An announced length
    /// of zero is an announcement.
    pub const fn require_body(&self) -> Result<(), Fault> {
        if self.shape.marks & mark::ANNOUNCES_BODY == 0 {
            return Err(Fault::LengthRequired);
        }
        Ok(())
    }

    fn text(&self, span: Span) -> &'i str {
        str::from_utf8(&self.bytes[span.range()]).expect("targets are checked to be ASCII")
    }

    /// Reads a whole head whose lines were found by [`next_line`]; `line` is its request line.
    pub(super) fn read(
        bytes: &'i [u8],
        line: RequestLine,
        fields_max: usize,
    ) -> Result<(Self, BodyLength), Fault> {
        let mut seen = Seen::default();
        let fields_start = line.bytes_with_end;
        fields::validate(&bytes[fields_start..], fields_max, |name, value| {
            seen.see(line.minor_version, name.as_bytes(), value)
        })?;
        if line.minor_version > 0 && !seen.host {
            return Err(Fault::NoHost);
        }
        let body = seen.announced.decide(line.minor_version)?;
        let target = line.target;
        let offset = line.target_start;
        let shape = HeadShape {
            method: line.method,
            minor_version: line.minor_version,
            marks: seen.marks(line.minor_version, body)
                | if target.authority.is_some() {
                    mark::ABSOLUTE
                } else {
                    0
                },
            path: target.path.behind(offset),
            query_end: target.query_end + offset,
            authority: target.authority.unwrap_or_default().behind(offset),
            fields: Span::new(fields_start, bytes.len() - 2),
        };
        Ok((Self { bytes, shape }, body))
    }
}

/// What was seen while the fields went by.
#[derive(Default)]
struct Seen {
    host: bool,
    close: bool,
    keep_alive: bool,
    upgrade: bool,
    expects_continue: bool,
    announced: Announced,
}

impl Seen {
    fn see(&mut self, minor_version: u8, name: &[u8], value: &[u8]) -> Result<(), Fault> {
        // The length sorts nearly all names out before a letter is compared.
        match name.len() {
            4 if name.eq_ignore_ascii_case(b"host") => {
                if self.host {
                    return Err(Fault::TwoHosts);
                }
                if !target::is_authority(value) {
                    return Err(Fault::BadHost);
                }
                self.host = true;
            }
            // In HTTP/1.0 an expectation is ignored (RFC 9110 10.1.1).
            6 if minor_version > 0 && name.eq_ignore_ascii_case(b"expect") => {
                let mut list = value;
                while let Some(expectation) = fields::next_member(&mut list) {
                    if !expectation.eq_ignore_ascii_case(b"100-continue") {
                        return Err(Fault::UnknownExpectation);
                    }
                    self.expects_continue = true;
                }
            }
            10 if name.eq_ignore_ascii_case(b"connection") => {
                let mut list = value;
                while let Some(option) = fields::next_member(&mut list) {
                    self.close |= option.eq_ignore_ascii_case(b"close");
                    self.keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
                    self.upgrade |= option.eq_ignore_ascii_case(b"upgrade");
                }
            }
            14 if name.eq_ignore_ascii_case(b"content-length") => {
                self.announced.see_length(value)?;
            }
            17 if name.eq_ignore_ascii_case(b"transfer-encoding") => {
                self.announced.see_coding(value)?;
            }
            _ => {}
        }
        Ok(())
    }

    fn marks(&self, minor_version: u8, body: BodyLength) -> u8 {
        let mut marks = 0;
        if !self.close && (self.keep_alive || minor_version > 0) {
            marks |= mark::KEEP_ALIVE;
        }
        if self.expects_continue && body != BodyLength::None {
            marks |= mark::EXPECTS_CONTINUE;
        }
        if self.upgrade && minor_version > 0 {
            marks |= mark::UPGRADES;
        }
        if self.announced.anything() {
            marks |= mark::ANNOUNCES_BODY;
        }
        marks
    }
}

/// The first line of a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RequestLine {
    method: Method,
    minor_version: u8,
    target_start: u32,
    target: Target,
    bytes_with_end: usize,
}

impl RequestLine {
    /// Reads a line, given without its CRLF.
    pub(super) fn read(line: &[u8]) -> Result<Self, Fault> {
        let space = memchr::memchr(b' ', line).ok_or(Fault::BadRequestLine)?;
        let (name, rest) = (&line[..space], &line[space + 1..]);
        let known = Method::named(name);
        if known.is_none() && !letters::token(name) {
            return Err(Fault::BadMethod);
        }
        let end = memchr::memchr(b' ', rest).ok_or(Fault::BadRequestLine)?;
        let (target, version) = (&rest[..end], &rest[end + 1..]);
        if target.is_empty() {
            return Err(Fault::BadRequestLine);
        }
        if !letters::all(letters::TARGET, target) {
            return Err(Fault::BadTarget);
        }
        let minor_version = minor_version(version)?;
        let method = match known {
            Some(Method::Connect) => return Err(Fault::Tunnel),
            Some(method) => method,
            None => return Err(Fault::UnknownMethod),
        };
        Ok(Self {
            method,
            minor_version,
            target_start: Span::offset(space + 1),
            target: Target::read(method, target)?,
            bytes_with_end: line.len() + 2,
        })
    }

    /// What to say of a line that is longer than we read.
    #[cold]
    pub(super) fn too_long(start: &[u8]) -> Fault {
        match memchr::memchr(b' ', start) {
            Some(space) if !letters::token(&start[..space]) => Fault::BadMethod,
            Some(_) => Fault::LongTarget,
            // A method longer than any that we know (RFC 9112 3).
            None if letters::token(start) => Fault::UnknownMethod,
            None => Fault::BadMethod,
        }
    }
}

/// `HTTP/1.x` as 0 or 1.
fn minor_version(version: &[u8]) -> Result<u8, Fault> {
    match version {
        b"HTTP/1.1" => Ok(1),
        b"HTTP/1.0" => Ok(0),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            if *major == b'1' {
                Ok(1)
            } else {
                Err(Fault::OtherVersion)
            }
        }
        // A second space may be part of the target or of the version: either way no request line.
        _ if memchr::memchr(b' ', version).is_some() => Err(Fault::BadRequestLine),
        _ => Err(Fault::BadVersion),
    }
}

/// Looks for the end of a line from `from` on, within the first `max` bytes: the offset behind it.
pub(super) fn next_line(input: &[u8], from: usize, max: usize) -> Result<Option<usize>, Fault> {
    let window = &input[..input.len().min(max)];
    let Some(distance) = window
        .get(from..)
        .and_then(|rest| memchr::memchr(b'\n', rest))
    else {
        return Ok(None);
    };
    let at = from + distance;
    if at == 0 || window[at - 1] != b'\r' {
        return Err(Fault::BareLineFeed);
    }
    Ok(Some(at + 1))
}
