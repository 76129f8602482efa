//! # Event streams: Server-Sent Events, as browsers read them
//!
//! What the HTML standard calls `text/event-stream` (WHATWG HTML 9.2): lines of fields, and an
//! empty line behind each event. A page reads it with `EventSource`, which comes back by itself and
//! tells what it has seen last ([`last_id`]).
//!
//! Promises
//! 1. Nothing that is put into an event can end its field or its event: data of several lines is
//!    several fields, and a name or an id that has lines is refused.
//! 2. An event that is refused has written nothing.

use std::fmt;

use super::body::push_decimal;
use super::{Fields, Response, Status};

/// The media type.
pub const CONTENT_TYPE: &str = "text/event-stream";

/// What can not be said in an event stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventFault {
    /// The name of an event has a line end.
    BrokenName,
    /// An id has a line end, or a NUL, for which browsers ignore it.
    BrokenId,
}

impl fmt::Display for EventFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BrokenName => "the name of an event must not have a line end",
            Self::BrokenId => "the id of an event must not have a line end or a NUL",
        })
    }
}

impl std::error::Error for EventFault {}

/// One event, before it is bytes.
///
/// ```
/// use parlour::http::event_stream::Event;
///
/// let mut out = Vec::new();
/// Event::new("first\nsecond").named("chat").id("7").push(&mut out).unwrap();
/// assert_eq!(out, b"event: chat\nid: 7\ndata: first\ndata: second\n\n");
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Event<'a> {
    data: Option<&'a str>,
    name: Option<&'a str>,
    id: Option<&'a str>,
    retry_ms: Option<u64>,
}

impl<'a> Event<'a> {
    /// An event with this data. The default has none: it tells an id or a time to wait, and a page
    /// hears nothing of it.
    pub fn new(data: &'a str) -> Self {
        Self {
            data: Some(data),
            ..Self::default()
        }
    }

    /// Which listeners of the page hear it; `message` if nothing is said.
    #[must_use]
    pub const fn named(mut self, name: &'a str) -> Self {
        self.name = Some(name);
        self
    }

    /// What the browser tells when it comes back. An empty one makes it forget.
    #[must_use]
    pub const fn id(mut self, id: &'a str) -> Self {
        self.id = Some(id);
        self
    }

    /// How long the browser is to wait before it comes back.
    #[must_use]
    pub const fn retry_ms(mut self, retry_ms: u64) -> Self {
        self.retry_ms = Some(retry_ms);
        self
    }

    /// Appends it.
    pub fn push(&self, out: &mut Vec<u8>) -> Result<(), EventFault> {
        if self.name.is_some_and(|name| name.contains(['\r', '\n'])) {
            return Err(EventFault::BrokenName);
        }
        if self.id.is_some_and(|id| id.contains(['\r', '\n', '\0'])) {
            return Err(EventFault::BrokenId);
        }
        if let Some(name) = self.name {
            push_line(b"event: ", name.as_bytes(), out);
        }
        if let Some(id) = self.id {
            push_line(b"id: ", id.as_bytes(), out);
        }
        if let Some(retry_ms) = self.retry_ms {
            out.extend_from_slice(b"retry: ");
            push_decimal(out, retry_ms);
            out.push(b'\n');
        }
        if let Some(data) = self.data {
            push_lines(b"data: ", data, out);
        }
        out.push(b'\n');
        Ok(())
    }
}

/// Appends a comment, which pages do not see: a line of them now and then keeps proxies from
/// thinking that the stream is dead.
pub fn push_comment(text: &str, out: &mut Vec<u8>) {
    push_lines(b": ", text, out);
    out.push(b'\n');
}

/// The id of the last event that the browser saw before it came back. What was never said by us
/// may stand here: any client may send it.
pub fn last_id(fields: Fields<'_>) -> Option<&str> {
    let id = str::from_utf8(fields.first("last-event-id")?).ok()?;
    (!id.is_empty()).then_some(id)
}

/// 200 with a stream of events, which nobody on the way may keep or hold back.
pub fn response() -> Response {
    Response::new(Status::OK)
        .field("Content-Type", CONTENT_TYPE)
        .field("Cache-Control", "no-store")
        // What nginx is told so that it passes on what it gets at once.
        .field("X-Accel-Buffering", "no")
        .stream(None)
}

/// A field for each line of a text that may have any line ends.
fn push_lines(field: &[u8], text: &str, out: &mut Vec<u8>) {
    let mut rest = text.as_bytes();
    while let Some(end) = memchr::memchr2(b'\r', b'\n', rest) {
        push_line(field, &rest[..end], out);
        let length = if rest[end..].starts_with(b"\r\n") {
            2
        } else {
            1
        };
        rest = &rest[end + length..];
    }
    push_line(field, rest, out);
}

fn push_line(field: &[u8], line: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(field);
    out.extend_from_slice(line);
    out.push(b'\n');
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(event: &Event<'_>, expected: &str) {
        let mut out = Vec::new();
        event.push(&mut out).unwrap();
        assert_eq!(str::from_utf8(&out).unwrap(), expected);
    }

    #[test]
    fn each_line_of_data_is_a_field() {
        check(&Event::new("a"), "data: a\n\n");
        check(&Event::new(""), "data: \n\n");
        check(&Event::new(" a "), "data:  a \n\n");
        check(&Event::new("a\nb"), "data: a\ndata: b\n\n");
        check(
            &Event::new("a\rb\r\nc\n"),
            "data: a\ndata: b\ndata: c\ndata: \n\n",
        );
        check(&Event::new("\n\r"), "data: \ndata: \ndata: \n\n");
        check(
            &Event::new("a\n\nid: 1"),
            "data: a\ndata: \ndata: id: 1\n\n",
        );
        check(&Event::default().retry_ms(10), "retry: 10\n\n");
        check(&Event::default().id(""), "id: \n\n");
    }

    #[test]
    fn what_would_break_out_is_refused_and_writes_nothing() {
        let check = |event: Event<'_>, fault| {
            let mut out = b"before".to_vec();
            assert_eq!(event.push(&mut out), Err(fault));
            assert_eq!(out, b"before");
        };
        check(Event::new("a").named("x\ndata: y"), EventFault::BrokenName);
        check(Event::new("a").named("x\r"), EventFault::BrokenName);
        check(Event::new("a").id("1\n2"), EventFault::BrokenId);
        check(Event::new("a").id("1\r2"), EventFault::BrokenId);
        check(Event::new("a").id("1\x002"), EventFault::BrokenId);
    }

    #[test]
    fn comments_are_no_events() {
        let mut out = Vec::new();
        push_comment("alive\r\n\ndata: x", &mut out);
        assert_eq!(out, b": alive\n: \n: data: x\n\n");
        assert_eq!(read(&out), []);
    }

    #[test]
    fn a_browser_tells_what_it_saw_last() {
        let last = |lines: &'static [u8]| last_id(Fields::new(lines));
        assert_eq!(last(b"Last-Event-ID: 7\r\n"), Some("7"));
        assert_eq!(last(b"last-event-id: caf\xc3\xa9\r\n"), Some("café"));
        assert_eq!(last(b"Last-Event-ID:\r\n"), None);
        assert_eq!(last(b"Last-Event-ID: \xff\r\n"), None);
        assert_eq!(last(b"X: 7\r\n"), None);
    }

    /// What a page hears: name, data, last id. Written down from the standard (9.2.6).
    fn read(stream: &[u8]) -> Vec<(String, String, String)> {
        let text = str::from_utf8(stream).unwrap().replace("\r\n", "\n");
        let (mut name, mut data, mut id) = (String::new(), String::new(), String::new());
        let mut heard = Vec::new();
        for line in text.split(['\r', '\n']) {
            if line.is_empty() {
                if let Some(lines) = data.strip_suffix('\n') {
                    heard.push((name.clone(), lines.to_owned(), id.clone()));
                }
                (name, data) = (String::new(), String::new());
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut name),
                "data" => data += &format!("{value}\n"),
                "id" if !value.contains('\0') => value.clone_into(&mut id),
                _ => {}
            }
        }
        heard
    }

    proptest! {
        #[test]
        fn a_page_hears_what_was_put_in(
            events in prop::collection::vec(
                ("[a-z:\r\n]{0,4}", "[a-z: \r\n\0é]{0,12}", "[0-9: \r\n\0]{0,4}", any::<bool>()),
                0..5,
            ),
        ) {
            let (mut out, mut expected) = (Vec::new(), Vec::new());
            for (name, data, id, comment) in &events {
                if *comment {
                    push_comment(data, &mut out);
                }
                let event = Event::new(data).named(name).id(id).retry_ms(5);
                if event.push(&mut out).is_ok() {
                    let lines = data.replace("\r\n", "\n").replace('\r', "\n");
                    expected.push((name.clone(), lines, id.clone()));
                }
            }
            prop_assert_eq!(read(&out), expected);
        }
    }
}
