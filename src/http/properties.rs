//! # Properties that hold for all bytes
//!
//! A connection played to its end, as text, and what must be true of it however the bytes were cut.
//! The fuzzer calls the same as the tests do.

use super::{Ended, Limits, Receiver, Step};

/// Any bytes are requests or one fault, the same ones however they were cut. The first four bytes
/// choose the limits (0: the usual ones), two sizes of pieces, and the longest body.
pub fn requests(input: &[u8]) {
    let Some((&[tight, a, b, body], input)) = input.split_first_chunk() else {
        return;
    };
    let limits = match usize::from(tight) {
        0 => Limits::default(),
        tight => Limits {
            line_bytes_max: tight,
            head_bytes_max: tight * 2,
            fields_max: tight % 5,
            chunk_line_bytes_max: tight / 8,
            chunk_extension_bytes_max: u32::from(tight as u8 % 16),
            trailer_bytes_max: tight / 4,
            empty_lines_max: tight as u8 % 3,
        },
    };
    let body_bytes_max = if body == 255 { u64::MAX } else { body.into() };
    let sizes = [a, b].map(usize::from);
    let whole = steps(&[input], &limits, body_bytes_max);
    let pieces = cut_into(input, |n| sizes[n % 2]);
    assert_eq!(steps(&pieces, &limits, body_bytes_max), whole, "in pieces");
    let singles = cut_into(input, |_| 1);
    assert_eq!(
        steps(&singles, &limits, body_bytes_max),
        whole,
        "byte by byte"
    );
}

/// Any bytes of a form are parts or one fault, the same ones however they were cut.
pub fn multipart(input: &[u8]) {
    super::multipart::properties::forms(input);
}

/// Plays a connection that receives these pieces and then ends, and writes down what happened.
/// Body pieces that follow each other are joined, for where they are cut is not promised.
pub(super) fn steps(pieces: &[&[u8]], limits: &Limits, body_bytes_max: u64) -> Vec<String> {
    let mut receiver = Receiver::new();
    let mut input: Vec<u8> = Vec::new();
    let mut steps: Vec<String> = Vec::new();
    let mut body: Vec<u8> = Vec::new();
    for piece in pieces {
        input.extend_from_slice(piece);
        let most = input.len() + 2;
        for asked in 0.. {
            assert!(asked <= most, "every step but the last takes bytes");
            let step = receiver.decode(&mut input, limits);
            if !matches!(step, Step::Body { .. } | Step::More { .. }) {
                flush(&mut body, &mut steps);
            }
            let used = match step {
                Step::Head { used, head, body } => {
                    let mut text = format!("{} {}", head.method(), head.path());
                    if let Some(query) = head.query() {
                        text += &format!(" ?{query}");
                    }
                    if let Some(authority) =
                        head.authority().filter(|it| head.field("host") != Some(it))
                    {
                        text += &format!(" @{authority}");
                    }
                    if head.minor_version() == 0 {
                        text += " 1.0";
                    }
                    if head.expects_continue() {
                        text += " continue";
                    }
                    steps.push(format!("{text} {body:?}"));
                    receiver.body_bytes_max(body_bytes_max);
                    used
                }
                Step::Body { used, bytes } => {
                    assert!(!bytes.is_empty(), "no piece of a body is empty");
                    body.extend_from_slice(bytes);
                    used
                }
                Step::End { used, trailers } => {
                    let mut text = "End".to_owned();
                    for (name, value) in trailers {
                        text += &format!(" {name}={}", value.escape_ascii());
                    }
                    steps.push(text);
                    used
                }
                Step::More { used } => {
                    input.drain(..used);
                    receiver.check(input.len());
                    break;
                }
                Step::Broken(fault) => {
                    steps.push(format!("{fault:?}"));
                    return steps;
                }
            };
            input.drain(..used);
        }
    }
    flush(&mut body, &mut steps);
    let clean = receiver.idle();
    let ended = receiver.ended();
    assert_eq!(
        clean,
        ended == Ended::Clean,
        "only between requests may a connection end"
    );
    steps.push(format!("{ended:?}"));
    steps
}

pub(super) fn flush(body: &mut Vec<u8>, steps: &mut Vec<String>) {
    if !body.is_empty() {
        steps.push(format!("\"{}\"", body.escape_ascii()));
        body.clear();
    }
}

/// The same bytes in pieces, each as long as `size` says for its number, at least one byte.
pub(super) fn cut_into(input: &[u8], mut size: impl FnMut(usize) -> usize) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let mut rest = input;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(size(pieces.len()).clamp(1, rest.len()));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::cookie::SetCookie;
    use crate::http::{Body, BodyWriter, Exchange, Redirect, Response, Status, date, respond};

    /// Pieces of which requests, good and bad, are made.
    const WORDS: &[&str] = &[
        "GET ",
        "POST ",
        "HEAD ",
        "OPTIONS ",
        "/",
        "/a?b",
        "*",
        "http://a/",
        " HTTP/1.1",
        " HTTP/1.0",
        "\r\n",
        "\r\n\r\n",
        "\r",
        "\n",
        " ",
        "\t",
        ":",
        "Host: h\r\n",
        "Content-Length: 5\r\n",
        "Content-Length: 0\r\n",
        "Transfer-Encoding: chunked\r\n",
        "Expect: 100-continue\r\n",
        "Connection: close\r\n",
        "X: y\r\n",
        "5\r\nhello\r\n",
        "0\r\n\r\n",
        "0\r\n",
        "a;b=\"c\"\r\n",
        "hello",
        "\0",
        "%",
        "GET / HTTP/1.1\r\nHost: h\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello",
    ];

    fn conversation() -> impl Strategy<Value = Vec<u8>> {
        let word = prop_oneof![
            12 => prop::sample::select(WORDS).prop_map(|word| word.as_bytes().to_vec()),
            1 => prop::collection::vec(any::<u8>(), 1..4),
        ];
        prop::collection::vec(word, 0..20).prop_map(|words| words.concat())
    }

    /// Limits so small that conversations meet them.
    fn limits() -> impl Strategy<Value = Limits> {
        (
            0_usize..60,
            0_usize..120,
            0_usize..4,
            0_usize..12,
            0_u32..12,
            0_usize..20,
            0_u8..3,
        )
            .prop_map(
                |(line, head, fields, chunk, extension, trailer, empty)| Limits {
                    line_bytes_max: line,
                    head_bytes_max: head,
                    fields_max: fields,
                    chunk_line_bytes_max: chunk,
                    chunk_extension_bytes_max: extension,
                    trailer_bytes_max: trailer,
                    empty_lines_max: empty,
                },
            )
    }

    #[test]
    fn the_corpus_keeps_every_promise() {
        crate::ground::corpus::replay("http_requests", requests);
    }

    proptest! {
        #[test]
        fn the_same_bytes_give_the_same_steps_however_they_were_cut(
            input in conversation(),
            sizes in prop::collection::vec(1_usize..40, 1..8),
            tight in limits(),
            body_bytes_max in prop_oneof![Just(u64::MAX), 0_u64..10],
        ) {
            for limits in [Limits::default(), tight] {
                let whole = steps(&[&input], &limits, body_bytes_max);
                let pieces = cut_into(&input, |n| sizes[n % sizes.len()]);
                prop_assert_eq!(&steps(&pieces, &limits, body_bytes_max), &whole);
                let bytes = cut_into(&input, |_| 1);
                prop_assert_eq!(&steps(&bytes, &limits, body_bytes_max), &whole);
            }
        }

        #[test]
        fn any_bytes_end_in_steps(input in prop::collection::vec(any::<u8>(), 0..300)) {
            let found = steps(&[&input], &Limits::default(), u64::MAX);
            prop_assert!(!found.is_empty() && found.len() <= input.len() + 1);
        }

        #[test]
        fn what_is_answered_can_be_read(
            code in prop::sample::select(&[200_u16, 204, 205, 206, 304, 404, 500, 599][..]),
            exchange in (0_u8..2, any::<bool>(), any::<bool>()),
            fields in prop::collection::vec(("[A-Za-z-]{1,12}", ".{0,20}"), 0..6),
            pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..300), 0..5),
            form in 0..3,
        ) {
            let (minor_version, head_only, keep_alive) = exchange;
            let status = Status::new(code).unwrap();
            let content = pieces.concat();
            let body = match form {
                0 => Body::Owned(content.clone()),
                1 => Body::Stream { length: Some(content.len() as u64) },
                _ => Body::Stream { length: None },
            };
            let mut response = Response::new(status).body(body);
            for (name, value) in &fields {
                response.push_field(name, value.as_bytes());
            }
            let asked = Exchange { minor_version, head_only, keep_alive };
            let mut after = asked;
            let mut out = Vec::new();
            let mut writer = respond(&mut after, &response, &date::format(0), &mut out);
            if form > 0 {
                for piece in &pieces {
                    writer.write(piece, &mut out);
                }
            }
            prop_assert!(writer.end(&[], &mut out));
            prop_assert_eq!(writer, BodyWriter::None);
            prop_assert!(asked.keep_alive || !after.keep_alive, "nothing closed is opened again");

            let bodiless = head_only || matches!(code, 204 | 205 | 304);
            let expected = if bodiless { Vec::new() } else { content };
            let read = read_back(&out, code, bodiless, after.keep_alive);
            prop_assert_eq!(read, expected);
        }
    }

    proptest! {
        #[test]
        fn nothing_that_is_put_in_adds_a_field(text in "[a-z/;=, \"%é\r\n:\0]{0,24}") {
            let ok = Response::new(Status::OK);
            let mut replaced = ok.clone().field("X", "y");
            replaced.set_field("x", text.as_bytes());
            let mut varied = ok.clone();
            varied.vary(&text);
            let cookie = SetCookie::new("a", &text);
            let built = [
                Some(ok.clone().field("X", &text)),
                Some(replaced),
                Some(varied),
                Some(Response::redirect(&text)),
                Redirect::Temporary.to(&text).ok(),
                Some(ok.clone().attachment(&text)),
                ok.cookie(&cookie).ok(),
            ];
            for response in built.into_iter().flatten() {
                prop_assert_eq!(response.fields().iter().count(), 1);
                let mut out = Vec::new();
                respond(&mut Exchange::default(), &response, &date::format(0), &mut out);
                let mut fields = [httparse::EMPTY_HEADER; 8];
                let mut head = httparse::Response::new(&mut fields);
                let end = head.parse(&out).unwrap().unwrap();
                prop_assert_eq!(end, out.len(), "nothing in it is a body");
                prop_assert_eq!(head.headers.len(), 3, "Date, Content-Length and what was put in");
            }
        }
    }

    /// The body of an answer, as a client reads it that does not know our code.
    fn read_back(out: &[u8], code: u16, bodiless: bool, keep_alive: bool) -> Vec<u8> {
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut head = httparse::Response::new(&mut fields);
        let start = head.parse(out).unwrap().unwrap();
        assert_eq!(head.code, Some(code));
        let value = |name: &str| {
            let mut values = head
                .headers
                .iter()
                .filter(|h| h.name.eq_ignore_ascii_case(name));
            let first = values.next().map(|h| str::from_utf8(h.value).unwrap());
            assert!(values.next().is_none(), "{name} is said once");
            first
        };
        let (length, coding) = (value("content-length"), value("transfer-encoding"));
        assert!(length.is_none() || coding.is_none(), "one framing");
        assert!(value("date").is_some());
        let rest = &out[start..];
        if bodiless {
            assert!(rest.is_empty(), "no body where none may be");
            return Vec::new();
        }
        match (length, coding) {
            (Some(length), _) => {
                assert_eq!(length.parse(), Ok(rest.len()));
                rest.to_vec()
            }
            (None, Some(_)) => read_chunks(rest),
            (None, None) => {
                assert!(!keep_alive, "without a frame only the end tells");
                rest.to_vec()
            }
        }
    }

    fn read_chunks(chunks: &[u8]) -> Vec<u8> {
        let (mut rest, mut body) = (chunks, Vec::new());
        loop {
            let (start, size) = httparse::parse_chunk_size(rest).unwrap().unwrap();
            let (chunk, after) = rest[start..].split_at(size as usize);
            body.extend_from_slice(chunk);
            rest = after.strip_prefix(b"\r\n").unwrap();
            if size == 0 {
                assert!(rest.is_empty(), "nothing follows the last chunk");
                return body;
            }
        }
    }

    #[test]
    fn what_one_side_chunks_the_other_side_joins() {
        let mut input =
            b"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n".to_vec();
        let mut writer = BodyWriter::Chunked;
        writer.write(b"hello ", &mut input);
        writer.write(&[b'x'; 300], &mut input);
        assert!(writer.end(&[("X-Sum", "1")], &mut input));
        let found = steps(&[&input], &Limits::default(), u64::MAX);
        let body = format!("\"hello {}\"", "x".repeat(300));
        assert_eq!(found, ["POST / Chunked", &body, "End X-Sum=1", "Clean"]);
    }
}
