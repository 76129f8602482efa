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

    /// The answer, if it needs no body because the client has it already, or expects something
    /// else. For what takes time to make: ask first, and make it only if there is no answer yet.
    pub fn answer_without(&self, head: &Head<'_>, unix_ms: u64) -> Option<Response> {
        match conditional::judge(head, self, unix_ms / 1000) {
            Verdict::Proceed => None,
            Verdict::NotModified => Some(self.validators(Response::new(Status::NOT_MODIFIED))),
            Verdict::Failed => {
                let reason = "it is not what the request expects";
                Some(Response::refusal(Status::PRECONDITION_FAILED, reason))
            }
        }
    }

    fn decide(&self, head: &Head<'_>, unix_ms: u64) -> (Response, Selected) {
        let now_s = unix_ms / 1000;
        if let Some(response) = self.answer_without(head, unix_ms) {
            return (response, Selected::Nothing);
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

#[cfg(test)]
mod tests {
    use super::super::{Limits, Receiver, Step};
    use super::*;

    const BYTES: &str = "0123456789";
    /// Sun, 06 Nov 1994 08:49:37 GMT
    const MODIFIED_S: u64 = 784_111_777;
    const SAME: &str = "Sun, 06 Nov 1994 08:49:37 GMT";
    const EARLIER: &str = "Sun, 06 Nov 1994 08:49:36 GMT";
    const LATER: &str = "Sun, 06 Nov 1994 08:49:38 GMT";

    const THING: Representation<'_> = Representation {
        length: 10,
        content_type: "text/plain",
        etag: Some("\"a\""),
        last_modified_s: Some(MODIFIED_S),
    };

    fn asked<T>(method: &str, fields: &str, then: impl FnOnce(&Head<'_>) -> T) -> T {
        let lines: String = fields
            .lines()
            .map(|line| format!("{}\r\n", line.trim()))
            .collect();
        let mut input = format!("{method} / HTTP/1.1\r\nHost: h\r\n{lines}\r\n").into_bytes();
        let Step::Head { head, .. } = Receiver::new().decode(&mut input, &Limits::default()) else {
            panic!("this is a good head: {method} {fields}");
        };
        then(&head)
    }

    fn answer(thing: &Representation<'_>, method: &str, fields: &str, now_s: u64) -> Response {
        let response = asked(method, fields, |head| {
            thing.serve(head, now_s * 1000, BYTES)
        });
        let (streamed, selection) = asked(method, fields, |head| thing.answer(head, now_s * 1000));
        if !response.content().bytes().starts_with(b"--") {
            assert_eq!(
                streamed.status(),
                response.status(),
                "streamed or not is one: {fields}"
            );
            assert_eq!(streamed.fields(), response.fields());
            let selected = match selection {
                Selection::Nothing => "",
                Selection::Whole => BYTES,
                Selection::Part(part) => &BYTES[part.first as usize..=part.last as usize],
            };
            if selection != Selection::Nothing {
                assert_eq!(selected.as_bytes(), response.content().bytes());
                assert_eq!(streamed.content().length(), Some(selected.len() as u64));
            }
        }
        response
    }

    fn check_of(thing: &Representation<'_>, request: (&str, &str), expected: u16) {
        let (method, fields) = request;
        let found = answer(thing, method, fields, MODIFIED_S + 100);
        assert_eq!(found.status().code(), expected, "{method} {fields}");
    }

    fn check(fields: &str, expected: u16) {
        check_of(&THING, ("GET", fields), expected);
        // HEAD is told what GET would be, but for ranges.
        let head = if matches!(expected, 206 | 416) {
            200
        } else {
            expected
        };
        check_of(&THING, ("HEAD", fields), head);
    }

    #[test]
    fn an_answer_without_a_body_needs_none_made() {
        let answer = |fields: &str| {
            let answer = asked("GET", fields, |head| {
                THING.answer_without(head, MODIFIED_S * 1000)
            });
            answer.map(|response| response.status().code())
        };
        assert_eq!(answer("If-None-Match: \"a\""), Some(304));
        assert_eq!(answer("If-Match: \"b\""), Some(412));
        assert_eq!(answer("If-None-Match: \"b\""), None);
        assert_eq!(answer("Range: bytes=90-"), None);
    }

    #[test]
    fn if_none_match_compares_weakly() {
        check("If-None-Match: \"a\"", 304);
        check("If-None-Match: W/\"a\"", 304);
        check("If-None-Match: \"x\", \"a\", W/\"b,c\"", 304);
        check("If-None-Match: \"x\"\nIf-None-Match: \"a\"", 304);
        check("If-None-Match: W/\"b,c\",\"a\"", 304);
        check("If-None-Match: *", 304);
        check("If-None-Match: \"other\"", 200);
        check("If-None-Match: \"b,\"a\"", 200);
        check("If-None-Match: a", 200);
        check("If-None-Match: \"A\"", 200);
        check("If-None-Match:", 200);
        check_of(&THING, ("POST", "If-None-Match: *"), 412);
        check_of(&THING, ("POST", "If-None-Match: \"x\""), 200);
        let weak = Representation {
            etag: Some("W/\"a\""),
            ..THING
        };
        check_of(&weak, ("GET", "If-None-Match: \"a\""), 304);
        let untagged = Representation {
            etag: None,
            ..THING
        };
        check_of(&untagged, ("GET", "If-None-Match: \"a\""), 200);
        check_of(&untagged, ("GET", "If-None-Match: *"), 304);
    }

    #[test]
    fn if_match_compares_strongly() {
        check("If-Match: \"a\"", 200);
        check("If-Match: \"x\", \"a\"", 200);
        check("If-Match: *", 200);
        check("If-Match: W/\"a\"", 412);
        check("If-Match: \"other\"", 412);
        let weak = Representation {
            etag: Some("W/\"a\""),
            ..THING
        };
        check_of(&weak, ("GET", "If-Match: W/\"a\""), 412);
        let untagged = Representation {
            etag: None,
            ..THING
        };
        check_of(&untagged, ("GET", "If-Match: \"a\""), 412);
        check_of(&untagged, ("PUT", "If-Match: *"), 200);
    }

    #[test]
    fn dates_decide_where_no_tag_does() {
        check(&format!("If-Modified-Since: {SAME}"), 304);
        check(&format!("If-Modified-Since: {LATER}"), 304);
        check(&format!("If-Modified-Since: {EARLIER}"), 200);
        check("If-Modified-Since: Saturday, 29-Oct-94 19:43:31 GMT", 200);
        check("If-Modified-Since: Mon Nov  7 08:49:37 1994", 304);
        check("If-Modified-Since: yesterday", 200);
        check(
            &format!("If-Modified-Since: {SAME}\nIf-Modified-Since: {SAME}"),
            200,
        );
        check(&format!("If-Unmodified-Since: {SAME}"), 200);
        check(&format!("If-Unmodified-Since: {LATER}"), 200);
        check(&format!("If-Unmodified-Since: {EARLIER}"), 412);
        check("If-Unmodified-Since: yesterday", 200);
        check_of(&THING, ("POST", &format!("If-Modified-Since: {SAME}")), 200);
        let undated = Representation {
            last_modified_s: None,
            ..THING
        };
        check_of(
            &undated,
            ("GET", &format!("If-Modified-Since: {LATER}")),
            200,
        );
        check_of(
            &undated,
            ("GET", &format!("If-Unmodified-Since: {EARLIER}")),
            200,
        );
    }

    #[test]
    fn conditions_come_in_the_order_of_the_rfc() {
        check(
            &format!("If-None-Match: \"other\"\nIf-Modified-Since: {SAME}"),
            200,
        );
        check(
            &format!("If-None-Match: \"a\"\nIf-Modified-Since: {EARLIER}"),
            304,
        );
        check(
            &format!("If-Match: \"a\"\nIf-Unmodified-Since: {EARLIER}"),
            200,
        );
        check(
            &format!("If-Match: \"x\"\nIf-Unmodified-Since: {LATER}"),
            412,
        );
        check("If-Match: \"x\"\nIf-None-Match: \"a\"", 412);
        check("If-Match: \"a\"\nIf-None-Match: \"a\"", 304);
        check("If-None-Match: \"a\"\nRange: bytes=0-1", 304);
        check("If-Match: \"x\"\nRange: bytes=20-", 412);
    }

    #[test]
    fn ranges_are_for_get_and_for_what_the_client_holds() {
        check("Range: bytes=0-3", 206);
        check("Range: bytes=20-", 416);
        check("Range: lines=0-3", 200);
        check("Range: bytes=0-3\nRange: bytes=0-3", 200);
        check("Range: bytes=0-3\nIf-Range: \"a\"", 206);
        check("Range: bytes=0-3\nIf-Range: W/\"a\"", 200);
        check("Range: bytes=0-3\nIf-Range: \"other\"", 200);
        check("Range: bytes=20-\nIf-Range: \"other\"", 200);
        check("Range: bytes=0-3\nIf-Range: \"a\", \"b\"", 200);
        check(&format!("Range: bytes=0-3\nIf-Range: {SAME}"), 206);
        check(&format!("Range: bytes=0-3\nIf-Range: {LATER}"), 200);
        check("Range: bytes=0-3\nIf-Range: yesterday", 200);
        check_of(&THING, ("POST", "Range: bytes=0-3"), 200);
        let weak = Representation {
            etag: Some("W/\"a\""),
            ..THING
        };
        check_of(&weak, ("GET", "Range: bytes=0-3\nIf-Range: W/\"a\""), 200);
        // In the second in which it was made it may change again unseen.
        let fields = format!("Range: bytes=0-3\nIf-Range: {SAME}");
        assert_eq!(
            answer(&THING, "GET", &fields, MODIFIED_S).status(),
            Status::OK
        );
    }

    /// What the answer says: its status, its fields as `name=value`, its body.
    fn check_whole(fields: &str, expected: (u16, &[&str], &str)) {
        let found = answer(&THING, "GET", fields, MODIFIED_S + 100);
        let said: Vec<_> = found
            .fields()
            .iter()
            .map(|(name, value)| format!("{name}={}", str::from_utf8(value).unwrap()))
            .collect();
        let body = str::from_utf8(found.content().bytes()).unwrap();
        let said: Vec<_> = said.iter().map(String::as_str).collect();
        assert_eq!(
            (found.status().code(), said.as_slice(), body),
            expected,
            "{fields}"
        );
    }

    #[test]
    fn each_answer_has_the_fields_it_must() {
        let (etag, modified) = ("ETag=\"a\"", "Last-Modified=Sun, 06 Nov 1994 08:49:37 GMT");
        let of_type = "Content-Type=text/plain";
        check_whole(
            "",
            (
                200,
                &[etag, modified, of_type, "Accept-Ranges=bytes"],
                BYTES,
            ),
        );
        check_whole("If-None-Match: *", (304, &[etag, modified], ""));
        let range = "Content-Range=bytes 2-4/10";
        check_whole(
            "Range: bytes=2-4",
            (206, &[etag, modified, of_type, range], "234"),
        );
        let range = "Content-Range=bytes 7-9/10";
        check_whole(
            "Range: bytes=-3",
            (206, &[etag, modified, of_type, range], "789"),
        );
        check_whole(
            "Range: bytes=10-",
            (
                416,
                &[
                    "Content-Type=text/plain; charset=utf-8",
                    "Content-Range=bytes */10",
                ],
                "the range lies behind the end\n",
            ),
        );
        check_whole(
            "Range: bytes=0-1,4-5",
            (
                206,
                &[
                    etag,
                    modified,
                    "Content-Type=multipart/byteranges; boundary=part-of-parlour-0",
                ],
                "--part-of-parlour-0\r\nContent-Type: text/plain\r\n\
                 Content-Range: bytes 0-1/10\r\n\r\n01\r\n\
                 --part-of-parlour-0\r\nContent-Type: text/plain\r\n\
                 Content-Range: bytes 4-5/10\r\n\r\n45\r\n\
                 --part-of-parlour-0--\r\n",
            ),
        );
        let flood = format!("Range: bytes={}", ["0-"; 500].join(","));
        check_whole(
            &flood,
            (
                200,
                &[etag, modified, of_type, "Accept-Ranges=bytes"],
                BYTES,
            ),
        );
    }

    #[test]
    fn several_parts_are_streamed_as_the_whole() {
        let (response, selection) =
            asked("GET", "Range: bytes=0-1,4-5", |head| THING.answer(head, 0));
        assert_eq!(
            (response.status(), selection),
            (Status::OK, Selection::Whole)
        );
    }

    #[test]
    fn a_boundary_is_not_part_of_what_it_delimits() {
        assert_eq!(
            boundary(b"..part-of-parlour-0..part-of-parlour-1"),
            "part-of-parlour-2"
        );
    }
}
