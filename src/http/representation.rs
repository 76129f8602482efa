//! # Representation: something that may be asked for in part, or only if it changed
//!
//! One place decides between 200, 206, 304, 412 and 416 (RFC 9110 13 and 14), for bytes in memory
//! ([`Representation::serve`]) as for bytes that are read from elsewhere
//! ([`Representation::answer`]).
//!
//! Promises
//! 1. Conditions come before ranges, in the order of RFC 9110 13.2.2.
//! 2. Ranges are honoured for GET alone, and never if the client holds parts of something else.
//! 3. An answer in parts is never much longer than the whole.

use super::body::{push_decimal, push_field};
use super::conditional::{self, Verdict};
use super::range::{self, Asked, ByteRange};
use super::{Body, Head, Method, Response, Status, date};

/// What is known of some bytes before they are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Representation<'a> {
    /// How many bytes it has.
    pub length: u64,
    /// Its media type.
    pub content_type: &'a str,
    /// Its entity tag, quotes and all: `"x"`, or `W/"x"` if equal tags do not mean equal bytes.
    pub etag: Option<&'a str>,
    /// When it last changed, in seconds since 1970.
    pub last_modified_s: Option<u64>,
}

/// Which bytes an answer needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// None: the body of the answer, if any, is in it.
    Nothing,
    /// All of them.
    Whole,
    /// These.
    Part(ByteRange),
}

impl Representation<'_> {
    /// The answer for bytes that the caller streams, without its body: the caller sends what is
    /// selected through the [`BodyWriter`](super::BodyWriter), or nothing for HEAD. Several ranges
    /// are answered with the whole.
    pub fn answer(&self, head: &Head<'_>, unix_ms: u64) -> (Response, Selection) {
        let (response, selected) = self.decide(head, unix_ms);
        match selected {
            Selected::Nothing => (response, Selection::Nothing),
            Selected::Parts(parts) if let [part] = parts[..] => {
                let response = self.part(response, part).stream(Some(part.length()));
                (response, Selection::Part(part))
            }
            Selected::Whole | Selected::Parts(_) => (
                self.whole(response).stream(Some(self.length)),
                Selection::Whole,
            ),
        }
    }

    /// The answer for bytes in memory; `length` is taken from them.
    pub fn serve(&self, head: &Head<'_>, unix_ms: u64, body: impl Into<Body>) -> Response {
        let body = body.into();
        let have = Self {
            length: body.bytes().len() as u64,
            ..*self
        };
        let (response, selected) = have.decide(head, unix_ms);
        match selected {
            Selected::Nothing => response,
            Selected::Whole => have.whole(response).body(body),
            Selected::Parts(parts) => match parts[..] {
                [part] => have.part(response, part).body(cut(&body, part)),
                _ => have.parts(response, &parts, body.bytes()),
            },
        }
    }

    fn decide(&self, head: &Head<'_>, unix_ms: u64) -> (Response, Selected) {
        let now_s = unix_ms / 1000;
        match conditional::judge(head, self, now_s) {
            Verdict::Proceed => {}
            Verdict::NotModified => {
                return (
                    self.validators(Response::new(Status::NOT_MODIFIED)),
                    Selected::Nothing,
                );
            }
            Verdict::Failed => {
                let reason = "it is not what the request expects";
                let response = Response::refusal(Status::PRECONDITION_FAILED, reason);
                return (response, Selected::Nothing);
            }
        }
        let selected = self.selected(head, now_s);
        if selected == Selected::Nothing {
            let mut range = b"bytes */".to_vec();
            push_decimal(&mut range, self.length);
            let reason = "the range lies behind the end";
            let response = Response::refusal(Status::RANGE_NOT_SATISFIABLE, reason);
            return (response.field("Content-Range", range), selected);
        }
        (self.validators(Response::new(Status::OK)), selected)
    }

    fn selected(&self, head: &Head<'_>, now_s: u64) -> Selected {
        let mut ranges = head.fields_named("range");
        let (Method::Get, Some(range), None) = (head.method(), ranges.next(), ranges.next()) else {
            return Selected::Whole;
        };
        if !conditional::range_applies(head, self, now_s) {
            return Selected::Whole;
        }
        match range::read(range, self.length) {
            Asked::Whole => Selected::Whole,
            Asked::Parts(parts) => Selected::Parts(parts),
            Asked::Nothing => Selected::Nothing,
        }
    }

    /// The fields that a 200 has and a 304 repeats (RFC 9110 15.4.5).
    fn validators(&self, mut response: Response) -> Response {
        if let Some(etag) = self.etag {
            response.push_field("ETag", etag.as_bytes());
        }
        if let Some(modified_s) = self.last_modified_s {
            response.push_field("Last-Modified", &date::format(modified_s));
        }
        response
    }

    fn whole(&self, response: Response) -> Response {
        response
            .field("Content-Type", self.content_type)
            .field("Accept-Ranges", "bytes")
    }

    fn part(&self, response: Response, part: ByteRange) -> Response {
        response
            .with_status(Status::PARTIAL_CONTENT)
            .field("Content-Type", self.content_type)
            .field("Content-Range", self.content_range(part))
    }

    fn parts(&self, response: Response, parts: &[ByteRange], bytes: &[u8]) -> Response {
        let boundary = boundary(bytes);
        let mut body = Vec::new();
        for &part in parts {
            body.extend_from_slice(b"--");
            body.extend_from_slice(boundary.as_bytes());
            body.extend_from_slice(b"\r\n");
            push_field(&mut body, b"Content-Type", self.content_type.as_bytes());
            push_field(&mut body, b"Content-Range", &self.content_range(part));
            body.extend_from_slice(b"\r\n");
            body.extend_from_slice(slice(bytes, part));
            body.extend_from_slice(b"\r\n");
        }
        body.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
        response
            .with_status(Status::PARTIAL_CONTENT)
            .field(
                "Content-Type",
                format!("multipart/byteranges; boundary={boundary}"),
            )
            .body(body)
    }

    fn content_range(&self, part: ByteRange) -> Vec<u8> {
        format!("bytes {}-{}/{}", part.first, part.last, self.length).into_bytes()
    }
}

/// What conditions and ranges leave of a representation.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Selected {
    Nothing,
    Whole,
    Parts(Vec<ByteRange>),
}

/// A delimiter that does not occur in what it delimits; the first try is one in practice.
fn boundary(bytes: &[u8]) -> String {
    (0_u64..)
        .map(|n| format!("part-of-parlour-{n:x}"))
        .find(|boundary| memchr::memmem::find(bytes, boundary.as_bytes()).is_none())
        .expect("bytes in memory cannot hold every number")
}

fn cut(body: &Body, part: ByteRange) -> Body {
    match body {
        Body::Static(bytes) => Body::Static(slice(bytes, part)),
        _ => Body::Owned(slice(body.bytes(), part).to_vec()),
    }
}

/// The bytes of a range that was cut to their length.
fn slice(bytes: &[u8], part: ByteRange) -> &[u8] {
    &bytes[part.first as usize..=part.last as usize]
}
