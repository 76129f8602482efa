//! # Receiver: the reading half of one connection
//!
//! ```text
//! Head ──decode──▶ Length ──────────────────────────────▶ Head
//!  │  └──decode──▶ ChunkLine ◀──▶ ChunkData, ChunkEnd
//!  │                   └────────▶ Trailers ─────────────▶ Head
//!  └─ any of them, a broken rule ▶ Broken, for good
//! ```

use super::chunked;
use super::fields::{self, Trailers};
use super::head::{self, Head, RequestLine};
use super::{BodyLength, Fault, Limits};

/// Reads the requests of one connection, one after the other, bodies in pieces.
///
/// ```
/// use parlour::http::{BodyLength, Limits, Receiver, Step};
///
/// let mut receiver = Receiver::new();
/// let mut input = *b"GET /rooms?new HTTP/1.1\r\nHost: a.example\r\n\r\n";
/// match receiver.decode(&mut input, &Limits::default()) {
///     Step::Head { used, head, body } => {
///         assert_eq!((head.path(), head.query()), ("/rooms", Some("new")));
///         assert_eq!((used, body), (44, BodyLength::None));
///     }
///     other => panic!("{other:?}"),
/// }
/// assert!(receiver.idle());
/// ```
#[derive(Debug)]
pub struct Receiver {
    stage: Stage,
    body_bytes: u64,
    body_bytes_max: u64,
    extension_bytes: u32,
    empty_lines: u8,
}

/// Where in a request we are. `scanned` counts bytes of the unconsumed input in which no line end
/// is left to be found: what comes byte by byte is looked at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// `line_end` is zero until the request line was read.
    Head {
        scanned: u32,
        line_end: u32,
    },
    Length {
        left: u64,
    },
    ChunkLine {
        scanned: u32,
    },
    ChunkData {
        left: u64,
    },
    ChunkEnd,
    Trailers {
        scanned: u32,
    },
    Broken(Fault),
}

/// What the next bytes are. `used` of them belong to it: the caller takes these away, keeps the
/// rest, and asks again until it hears `More`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'i> {
    /// A request begins. Without a body it is whole, and the next thing is another head.
    Head {
        /// Bytes of input that are done with.
        used: usize,
        /// The request without its body.
        head: Head<'i>,
        /// How the body is delimited.
        body: BodyLength,
    },
    /// The next piece of the body, never empty.
    Body {
        /// Bytes of input that are done with.
        used: usize,
        /// The piece, without its framing.
        bytes: &'i [u8],
    },
    /// The body is whole.
    End {
        /// Bytes of input that are done with.
        used: usize,
        /// The fields behind a chunked body, seldom any.
        trailers: Trailers<'i>,
    },
    /// Nothing can be said without more input.
    More {
        /// Bytes of input that are done with.
        used: usize,
    },
    /// A rule was broken, and the same is said from now on.
    Broken(Fault),
}

/// What it means that the peer sends no more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It stopped between requests.
    Clean,
    /// It stopped in the middle of one, which must not be taken for whole.
    CutShort,
}

const START: Stage = Stage::Head {
    scanned: 0,
    line_end: 0,
};

impl Receiver {
    /// A connection on which nothing was received.
    pub const fn new() -> Self {
        Self {
            stage: START,
            body_bytes: 0,
            body_bytes_max: u64::MAX,
            extension_bytes: 0,
            empty_lines: 0,
        }
    }

    /// Says what the next bytes are. `input` is everything that was received and not yet used: the
    /// receiver keeps no byte and expects the unused ones again, in front of what came since.
    pub fn decode<'i>(&mut self, input: &'i mut [u8], limits: &Limits) -> Step<'i> {
        let input: &'i [u8] = input;
        let step = match self.stage {
            Stage::Head { scanned, line_end } => {
                self.head(input, scanned as usize, line_end as usize, limits)
            }
            Stage::Length { left } => Ok(self.length(input, left)),
            Stage::Broken(fault) => Err(fault),
            _ => self.chunked(input, limits),
        };
        step.unwrap_or_else(|fault| {
            self.stage = Stage::Broken(fault);
            Step::Broken(fault)
        })
    }

    /// The peer sends no more; said after `decode` has answered `More`, for a body that is all here
    /// still has its `End` to come. In the middle of a request it breaks the connection.
    pub fn ended(&mut self) -> Ended {
        match self.stage {
            START => Ended::Clean,
            Stage::Broken(_) => Ended::CutShort,
            _ => {
                self.stage = Stage::Broken(Fault::CutShort);
                Ended::CutShort
            }
        }
    }

    /// Takes no body longer than `max` for this request. Said after the head: a length that is
    /// announced breaks the connection with the next `decode`, chunks do when they pass it.
    pub fn body_bytes_max(&mut self, max: u64) {
        self.body_bytes_max = max;
        if matches!(self.stage, Stage::Length { left } if self.body_bytes.saturating_add(left) > max)
        {
            self.stage = Stage::Broken(Fault::BodyTooLong);
        }
    }

    /// Whether it is between requests, with nothing begun.
    pub const fn idle(&self) -> bool {
        matches!(self.stage, START)
    }

    /// Asserts that of the `kept` bytes which `More` left, none is searched for a line end again.
    #[cfg(any(test, fuzzing))]
    pub(super) fn check(&self, kept: usize) {
        let scanned = match self.stage {
            Stage::Head { scanned, .. }
            | Stage::ChunkLine { scanned }
            | Stage::Trailers { scanned } => scanned as usize,
            Stage::Length { .. } | Stage::ChunkData { .. } | Stage::Broken(_) => 0,
            Stage::ChunkEnd => kept.min(1),
        };
        assert_eq!(scanned, kept, "promise 2: each byte is looked at once");
    }

    fn head<'i>(
        &mut self,
        input: &'i [u8],
        scanned: usize,
        line_end: usize,
        limits: &Limits,
    ) -> Result<Step<'i>, Fault> {
        let mut used = 0;
        if line_end == 0 {
            used = self.skip_empty_lines(input, limits)?;
        }
        let (rest, scanned) = (&input[used..], if used > 0 { 0 } else { scanned });
        let mut line = None;
        let mut at = line_end;
        if line_end == 0 {
            match head::next_line(rest, scanned, limits.line_bytes())? {
                Some(end) => {
                    line = Some(RequestLine::read(&rest[..end - 2])?);
                    at = end;
                }
                None if rest.len() >= limits.line_bytes() => {
                    return Err(RequestLine::too_long(&rest[..limits.line_bytes()]));
                }
                None => return Ok(self.wait_for_head(used, rest.len(), 0)),
            }
        }
        let head_bytes_max = limits.head_bytes();
        let line_end = at;
        at = at.max(scanned);
        loop {
            match head::next_line(rest, at, head_bytes_max)? {
                // The line is empty: this CRLF stands directly behind another line end.
                Some(end) if rest[end - 3] == b'\n' => {
                    at = end;
                    break;
                }
                Some(end) => at = end,
                None if rest.len() >= head_bytes_max => return Err(Fault::LongHead),
                None => return Ok(self.wait_for_head(used, rest.len(), line_end)),
            }
        }
        let line = match line {
            Some(line) => line,
            // It came in pieces and was found good before; only its parts were not kept.
            None => RequestLine::read(&rest[..line_end - 2])?,
        };
        let (head, body) = Head::read(&rest[..at], line, limits.fields_max)?;
        self.begin_body(body);
        Ok(Step::Head {
            used: used + at,
            head,
            body,
        })
    }

    fn wait_for_head<'i>(&mut self, used: usize, scanned: usize, line_end: usize) -> Step<'i> {
        self.stage = Stage::Head {
            scanned: head::Span::offset(scanned),
            line_end: head::Span::offset(line_end),
        };
        Step::More { used }
    }

    /// RFC 9112 2.2: some clients send a CRLF too many behind a body.
    fn skip_empty_lines(&mut self, input: &[u8], limits: &Limits) -> Result<usize, Fault> {
        let mut used = 0;
        while input[used..].starts_with(b"\r\n") {
            if self.empty_lines >= limits.empty_lines_max {
                return Err(Fault::EmptyLines);
            }
            self.empty_lines += 1;
            used += 2;
        }
        Ok(used)
    }

    const fn begin_body(&mut self, body: BodyLength) {
        self.body_bytes = 0;
        self.body_bytes_max = u64::MAX;
        self.extension_bytes = 0;
        self.empty_lines = 0;
        self.stage = match body {
            BodyLength::None => START,
            BodyLength::Length(left) => Stage::Length { left },
            BodyLength::Chunked => Stage::ChunkLine { scanned: 0 },
        };
    }

    fn length<'i>(&mut self, input: &'i [u8], left: u64) -> Step<'i> {
        if left == 0 {
            self.stage = START;
            return Step::End {
                used: 0,
                trailers: Trailers::default(),
            };
        }
        let bytes = up_to(input, left);
        if bytes.is_empty() {
            return Step::More { used: 0 };
        }
        let count = bytes.len() as u64;
        self.body_bytes += count;
        self.stage = Stage::Length { left: left - count };
        Step::Body {
            used: bytes.len(),
            bytes,
        }
    }

    fn chunked<'i>(&mut self, input: &'i [u8], limits: &Limits) -> Result<Step<'i>, Fault> {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            match self.stage {
                Stage::ChunkLine { scanned } => {
                    match head::next_line(rest, scanned as usize, limits.chunk_line_bytes())? {
                        Some(end) => {
                            self.begin_chunk(&rest[..end - 2], limits)?;
                            used += end;
                        }
                        None if rest.len() >= limits.chunk_line_bytes() => {
                            return Err(Fault::LongChunkLine);
                        }
                        None => {
                            self.stage = Stage::ChunkLine {
                                scanned: head::Span::offset(rest.len()),
                            };
                            return Ok(Step::More { used });
                        }
                    }
                }
                Stage::ChunkData { left } => {
                    let bytes = up_to(rest, left);
                    if bytes.is_empty() {
                        return Ok(Step::More { used });
                    }
                    let left = left - bytes.len() as u64;
                    self.stage = if left == 0 {
                        Stage::ChunkEnd
                    } else {
                        Stage::ChunkData { left }
                    };
                    return Ok(Step::Body {
                        used: used + bytes.len(),
                        bytes,
                    });
                }
                Stage::ChunkEnd => match rest {
                    [] | [b'\r'] => return Ok(Step::More { used }),
                    [b'\r', b'\n', ..] => {
                        self.stage = Stage::ChunkLine { scanned: 0 };
                        used += 2;
                    }
                    _ => return Err(Fault::BadChunkEnd),
                },
                Stage::Trailers { scanned } => {
                    return self.trailers(rest, used, scanned as usize, limits);
                }
                Stage::Head { .. } | Stage::Length { .. } | Stage::Broken(_) => {
                    unreachable!("`decode` sends only the stages of a chunked body here")
                }
            }
        }
    }

    fn begin_chunk(&mut self, line: &[u8], limits: &Limits) -> Result<(), Fault> {
        let line = chunked::read_line(line)?;
        let extension_bytes = u32::try_from(line.extension_bytes).unwrap_or(u32::MAX);
        self.extension_bytes = self.extension_bytes.saturating_add(extension_bytes);
        if self.extension_bytes > limits.chunk_extension_bytes_max {
            return Err(Fault::LongChunkLine);
        }
        if line.size == 0 {
            self.stage = Stage::Trailers { scanned: 0 };
            return Ok(());
        }
        // Data pays for what is said about it, so that a long body may have its chunks signed.
        let paid = u32::try_from(line.size).unwrap_or(u32::MAX);
        self.extension_bytes = self.extension_bytes.saturating_sub(paid);
        self.body_bytes = self.body_bytes.saturating_add(line.size);
        if self.body_bytes > self.body_bytes_max {
            return Err(Fault::BodyTooLong);
        }
        self.stage = Stage::ChunkData { left: line.size };
        Ok(())
    }

    fn trailers<'i>(
        &mut self,
        rest: &'i [u8],
        used: usize,
        scanned: usize,
        limits: &Limits,
    ) -> Result<Step<'i>, Fault> {
        let trailer_bytes_max = limits.trailer_bytes();
        let mut at = scanned;
        loop {
            match head::next_line(rest, at, trailer_bytes_max)? {
                Some(end) if end == 2 || rest[end - 3] == b'\n' => {
                    fields::validate(&rest[..end], limits.fields_max, |_, _| Ok(()))?;
                    self.stage = START;
                    let trailers = Trailers::new(&rest[..end - 2]);
                    return Ok(Step::End {
                        used: used + end,
                        trailers,
                    });
                }
                Some(end) => at = end,
                None if rest.len() >= trailer_bytes_max => return Err(Fault::LongTrailers),
                None => {
                    self.stage = Stage::Trailers {
                        scanned: head::Span::offset(rest.len()),
                    };
                    return Ok(Step::More { used });
                }
            }
        }
    }
}

impl Default for Receiver {
    fn default() -> Self {
        Self::new()
    }
}

/// The first `left` bytes, or all if there are fewer.
fn up_to(bytes: &[u8], left: u64) -> &[u8] {
    let count = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
    &bytes[..count]
}

#[cfg(test)]
mod tests {
    use super::super::properties::{cut_into, steps};
    use super::*;

    /// What a connection that ends after `input` comes to, the same whole and byte by byte.
    fn check(input: impl AsRef<[u8]>, expected: &str) {
        let input = input.as_ref();
        let whole = steps(&[input], &Limits::default(), u64::MAX);
        assert_eq!(
            whole.join(" | "),
            expected,
            "{:?}",
            input.escape_ascii().to_string()
        );
        let bytes = steps(&cut_into(input, |_| 1), &Limits::default(), u64::MAX);
        assert_eq!(
            bytes,
            whole,
            "byte by byte: {:?}",
            input.escape_ascii().to_string()
        );
    }

    /// What the request line `line` comes to, with a Host behind it.
    fn check_line(line: &str, expected: &str) {
        check(format!("{line}\r\nHost: h\r\n\r\n"), expected);
    }

    /// What the field lines `fields` come to, with a request line and a Host before them.
    fn check_fields(fields: impl AsRef<[u8]>, expected: &str) {
        let head = [b"GET / HTTP/1.1\r\nHost: h\r\n", fields.as_ref(), b"\r\n"].concat();
        check(head, expected);
    }

    /// What a chunked body comes to.
    fn check_chunks(body: &str, expected: &str) {
        let head = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
        check(
            format!("{head}{body}"),
            &format!("POST / Chunked | {expected}"),
        );
    }

    #[test]
    fn a_request_line_has_three_parts() {
        check_line("GET / HTTP/1.1", "GET / None | Clean");
        check_line("GET /x?y HTTP/1.0", "GET /x ?y 1.0 None | Clean");
        check_line("OPTIONS * HTTP/1.1", "OPTIONS * None | Clean");
        check_line("OPTIONS http://a HTTP/1.1", "OPTIONS * @a None | Clean");
        check_line("OPTIONS http://a? HTTP/1.1", "OPTIONS / ? @a None | Clean");
        check_line("GET http://a HTTP/1.1", "GET / @a None | Clean");
        check_line("GET HTTP://a:1/b?c HTTP/1.1", "GET /b ?c @a:1 None | Clean");
        check_line("GET / HTTP/1.9", "GET / None | Clean");
        check_line("GET /a b HTTP/1.1", "BadRequestLine");
        check_line("GET  / HTTP/1.1", "BadRequestLine");
        check_line("GET /  HTTP/1.1", "BadRequestLine");
        check_line("GET / HTTP/1.1 ", "BadRequestLine");
        check_line("GET /", "BadRequestLine");
        check_line("GET", "BadRequestLine");
        check_line(" GET / HTTP/1.1", "BadMethod");
        check_line("GET\t/\tHTTP/1.1", "BadRequestLine");
        check_line("GE(T / HTTP/1.1", "BadMethod");
        check_line("get / HTTP/1.1", "UnknownMethod");
        check_line("BREW / HTTP/1.1", "UnknownMethod");
        check_line("CONNECT a:1 HTTP/1.1", "Tunnel");
        check_line("GET / http/1.1", "BadVersion");
        check_line("GET / HTTP/1.10", "BadVersion");
        check_line("GET / HTTP/1", "BadVersion");
        check_line("GET / HTTP/3.0", "OtherVersion");
        check_line("GET / HTTP/0.9", "OtherVersion");
        check_line("PRI * HTTP/2.0", "OtherVersion");
        check_line("GET /#part HTTP/1.1", "BadTarget");
        check_line("GET x HTTP/1.1", "BadTarget");
        check_line("GET /\u{ff} HTTP/1.1", "BadTarget");
        check_line("GET /\0 HTTP/1.1", "BadTarget");
        check_line("GET /%zz HTTP/1.1", "BrokenPercent");
        check_line("GET / HTTP/1.1\rHost: h", "BadRequestLine");
        check_line("GET / HTTP/1.1\nHost: h", "BareLineFeed");
    }

    #[test]
    fn few_empty_lines_before_a_request_are_ignored() {
        let request = "GET / HTTP/1.0\r\n\r\n";
        check(format!("\r\n{request}"), "GET / 1.0 None | Clean");
        check(
            format!("{request}\r\n\r\n{request}"),
            "GET / 1.0 None | GET / 1.0 None | Clean",
        );
        check("\r\n".repeat(4), "Clean");
        check("\r\n".repeat(5), "EmptyLines");
        check("\n", "BareLineFeed");
        check("\r", "CutShort");
        check("", "Clean");
    }

    #[test]
    fn a_1_1_request_has_one_host() {
        let check_host = |lines: &str, expected: &str| {
            check(format!("GET / HTTP/1.1\r\n{lines}\r\n"), expected);
        };
        check_host("Host: a.example:80\r\n", "GET / None | Clean");
        check_host("hOsT:\t[::1]:80 \r\n", "GET / None | Clean");
        check_host("Host:\r\n", "GET / None | Clean");
        check_host("", "NoHost");
        check_host("Host: a\r\nHost: a\r\n", "TwoHosts");
        check_host("Host: a b\r\n", "BadHost");
        check_host("Host: a/b\r\n", "BadHost");
        check_host("Host: me@a\r\n", "BadHost");
        check_host("Host: a:8a\r\n", "BadHost");
        check_host("Host: [::1\r\n", "BadHost");
        check_host("Host: a, b\r\n", "BadHost");
        check_host(" Host: a\r\n", "FoldedField");
        check("GET / HTTP/1.0\r\n\r\n", "GET / 1.0 None | Clean");
        check("GET / HTTP/1.0\r\nHost: a b\r\n\r\n", "BadHost");
        check("GET http://a/ HTTP/1.1\r\n\r\n", "NoHost");
    }

    #[test]
    fn fields_are_strict() {
        check_fields(b"X: caf\xe9\r\n", "GET / None | Clean");
        check_fields("X:\r\n", "GET / None | Clean");
        check_fields("X : a\r\n", "SpaceBeforeColon");
        check_fields("X: a\r\n b\r\n", "FoldedField");
        check_fields("nonsense\r\n", "NoColon");
        check_fields(": a\r\n", "BadFieldName");
        check_fields("X: a\0\r\n", "BadFieldValue");
        check_fields("X: a\rb\r\n", "BareCarriageReturn");
        check_fields("X: a\nY: b\r\n", "BareLineFeed");
        check_fields("X: a\n\r\n", "BareLineFeed");
        check_fields("X: a\r\n\n", "BareLineFeed");
    }

    #[test]
    fn expectations_are_met_or_refused() {
        check_fields("Expect: miracles\r\n", "UnknownExpectation");
        check_fields("Expect: 100-continue, x\r\n", "UnknownExpectation");
        check_fields("Expect: 100-Continue\r\n", "GET / None | Clean");
        check_fields(
            "Expect: 100-Continue\r\nContent-Length: 1\r\n",
            "GET / continue Length(1) | CutShort",
        );
        let old = "POST / HTTP/1.0\r\nExpect: miracles\r\nContent-Length: 1\r\n\r\nx";
        check(old, "POST / 1.0 Length(1) | \"x\" | End | Clean");
    }

    #[test]
    fn a_connection_stays_as_both_sides_want() {
        let check_connection = |version: &str, value: &str, expected: bool| {
            let input = format!("GET / HTTP/{version}\r\nHost: h\r\nConnection: {value}\r\n\r\n");
            let mut input = input.into_bytes();
            let Step::Head { head, .. } = Receiver::new().decode(&mut input, &Limits::default())
            else {
                panic!("{value} is a good field");
            };
            assert_eq!(head.keep_alive(), expected, "{version} {value}");
        };
        check_connection("1.1", "", true);
        check_connection("1.1", "close", false);
        check_connection("1.1", "x-a, CLOSE", false);
        check_connection("1.1", "closed", true);
        check_connection("1.1", "keep-alive, close", false);
        check_connection("1.0", "", false);
        check_connection("1.0", "Keep-Alive", true);
        check_connection("1.0", "keep-alive, close", false);
    }

    #[test]
    fn an_upgrade_is_wanted_in_1_1_with_both_fields() {
        let check_upgrade = |version: &str, fields: &str, expected: bool| {
            let mut input = format!("GET / HTTP/{version}\r\nHost: h\r\n{fields}\r\n").into_bytes();
            let Step::Head { head, .. } = Receiver::new().decode(&mut input, &Limits::default())
            else {
                panic!("{fields} are good fields");
            };
            assert_eq!(
                head.wants_upgrade_to("websocket"),
                expected,
                "{version} {fields}"
            );
        };
        check_upgrade("1.1", "Upgrade: websocket\r\nConnection: upgrade\r\n", true);
        check_upgrade(
            "1.1",
            "Upgrade: h2c, WebSocket\r\nConnection: x, Upgrade\r\n",
            true,
        );
        check_upgrade(
            "1.0",
            "Upgrade: websocket\r\nConnection: upgrade\r\n",
            false,
        );
        check_upgrade("1.1", "Upgrade: websocket\r\n", false);
        check_upgrade("1.1", "Connection: upgrade\r\n", false);
        check_upgrade("1.1", "Upgrade: h2c\r\nConnection: upgrade\r\n", false);
    }

    #[test]
    fn a_length_frames_a_body() {
        let check_length = |fields: &str, body: &str, expected: &str| {
            check(
                format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n{body}"),
                expected,
            );
        };
        let get = "GET / HTTP/1.0\r\n\r\n";
        check_length(
            "Content-Length: 5\r\n",
            "hello",
            "POST / Length(5) | \"hello\" | End | Clean",
        );
        check_length(
            "Content-Length: 5\r\n",
            &format!("hello{get}"),
            "POST / Length(5) | \"hello\" | End | GET / 1.0 None | Clean",
        );
        check_length(
            "Content-Length: 0\r\n",
            get,
            "POST / None | GET / 1.0 None | Clean",
        );
        check_length("", get, "POST / None | GET / 1.0 None | Clean");
        check_length(
            "Content-Length: 5\r\n",
            "hell",
            "POST / Length(5) | \"hell\" | CutShort",
        );
        check_length("Content-Length: 5\r\n", "", "POST / Length(5) | CutShort");
        check_length(
            "Content-Length: 5\r\nContent-Length: 5\r\n",
            "hello",
            "TwoLengths",
        );
        check_length("Content-Length: 5, 6\r\n", "hello", "BadLength");
        check_length("Content-Length:\r\n", "", "BadLength");
        check_length(
            "Content-Length: 18446744073709551621\r\n",
            "hello",
            "LengthOverflow",
        );
        check_length(
            "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
            "0",
            "LengthAndCoding",
        );
        check_length("Transfer-Encoding: \x0bchunked\r\n", "0", "BadFieldValue");
        check_length(
            "Transfer-Encoding : chunked\r\nContent-Length: 5\r\n",
            "0",
            "SpaceBeforeColon",
        );
        check_length("Transfer-Encoding:\r\n chunked\r\n", "0", "FoldedField");
        check(
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n",
            "CodingInOldVersion",
        );
    }

    #[test]
    fn chunks_are_joined_and_strict() {
        check_chunks("5\r\nhello\r\n0\r\n\r\n", "\"hello\" | End | Clean");
        check_chunks(
            "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            "\"hello\" | End | Clean",
        );
        check_chunks("0\r\n\r\n", "End | Clean");
        check_chunks(
            "0\r\n\r\nGET / HTTP/1.0\r\n\r\n",
            "End | GET / 1.0 None | Clean",
        );
        check_chunks("00a;x=\"\r\n", "BadChunkExtension");
        check_chunks(
            "5;a=\"b;c\"\r\nhello\r\n0;last\r\n\r\n",
            "\"hello\" | End | Clean",
        );
        check_chunks("0\r\nX-Sum: 1\r\nY:2\r\n\r\n", "End X-Sum=1 Y=2 | Clean");
        check_chunks("zz\r\n", "BadChunkSize");
        check_chunks("\r\n", "BadChunkSize");
        check_chunks("10000000000000005\r\n", "BadChunkSize");
        check_chunks("3\r\nhello\r\n0\r\n\r\n", "\"hel\" | BadChunkEnd");
        check_chunks("3\r\nhel\rlo", "\"hel\" | BadChunkEnd");
        check_chunks("5\nhello\r\n0\r\n\r\n", "BareLineFeed");
        check_chunks("5;a\nb\r\nhello\r\n", "BareLineFeed");
        check_chunks("0\r\nnonsense\r\n\r\n", "NoColon");
        check_chunks("0\r\n folded\r\n\r\n", "FoldedField");
        check_chunks("0\r\nX: a\n\r\n", "BareLineFeed");
        check_chunks("0\r\n\n", "BareLineFeed");
        check_chunks("5\r\nhel", "\"hel\" | CutShort");
        check_chunks("5\r\nhello", "\"hello\" | CutShort");
        check_chunks("0\r\n", "CutShort");
        check_chunks("", "CutShort");
    }

    #[test]
    fn what_is_longer_than_its_limit_is_refused() {
        let long = |bytes: usize| "a".repeat(bytes);
        // 8192 bytes with the CRLF are the longest line: `GET / HTTP/1.1` has 14.
        check_line(&format!("GET /{} HTTP/1.1", long(8192 - 16)), &{
            format!("GET /{} None | Clean", long(8192 - 16))
        });
        check_line(&format!("GET /{} HTTP/1.1", long(8192 - 15)), "LongTarget");
        check_line(&format!("GET /{}", long(131_072)), "LongTarget");
        check_line(&long(131_072), "UnknownMethod");
        check_line(&"(".repeat(131_072), "BadMethod");
        check_fields(format!("X: {}\r\n", long(262_144)), "LongHead");
        // Request line, Host and the empty line take 27 bytes, `X: ` and CRLF 5.
        check_fields(
            format!("X: {}\r\n", long(32_768 - 32)),
            "GET / None | Clean",
        );
        check_fields(format!("X: {}\r\n", long(32_768 - 31)), "LongHead");
        check_fields("X: 1\r\n".repeat(99), "GET / None | Clean");
        check_fields("X: 1\r\n".repeat(100), "TooManyFields");
        check_fields("X: 1\r\n".repeat(20_000), "LongHead");
        check_chunks(&format!("1;{}\r\n", long(1024)), "LongChunkLine");
        let flood = format!("1;{}\r\nx\r\n", long(1000)).repeat(17);
        check_chunks(&flood, &format!("\"{}\" | LongChunkLine", "x".repeat(16)));
        check_chunks(&format!("0\r\nX: {}\r\n\r\n", long(8192)), "LongTrailers");
    }

    #[test]
    fn a_body_longer_than_its_owner_takes_is_refused() {
        let check_max = |fields: &str, body: &str, expected: &str| {
            let input = format!("POST / HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n{body}");
            for pieces in [vec![input.as_bytes()], cut_into(input.as_bytes(), |_| 1)] {
                assert_eq!(steps(&pieces, &Limits::default(), 5).join(" | "), expected);
            }
        };
        check_max(
            "Content-Length: 5",
            "hello",
            "POST / Length(5) | \"hello\" | End | Clean",
        );
        check_max("Content-Length: 6", "", "POST / Length(6) | BodyTooLong");
        check_max(
            "Content-Length: 1099511627776",
            "",
            "POST / Length(1099511627776) | BodyTooLong",
        );
        let chunked = "Transfer-Encoding: chunked";
        check_max(
            chunked,
            "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
            "POST / Chunked | \"hello\" | End | Clean",
        );
        check_max(
            chunked,
            "3\r\nhel\r\n3\r\nlo!",
            "POST / Chunked | \"hel\" | BodyTooLong",
        );
        check_max(
            chunked,
            "ffffffffffffffff\r\n",
            "POST / Chunked | BodyTooLong",
        );
    }

    #[test]
    fn a_fault_is_said_again_whatever_comes() {
        let mut receiver = Receiver::new();
        let limits = Limits::default();
        assert_eq!(
            receiver.decode(&mut b"\n".to_owned(), &limits),
            Step::Broken(Fault::BareLineFeed)
        );
        let mut good = b"GET / HTTP/1.0\r\n\r\n".to_owned();
        assert_eq!(
            receiver.decode(&mut good, &limits),
            Step::Broken(Fault::BareLineFeed)
        );
        assert_eq!(receiver.ended(), Ended::CutShort);
        assert_eq!(
            receiver.decode(&mut good, &limits),
            Step::Broken(Fault::BareLineFeed)
        );
    }

    #[test]
    fn a_head_is_made_again_from_a_copy_of_its_bytes() {
        let mut input =
            b"\r\nPOST http://a/b?c HTTP/1.1\r\nHost: h\r\nX: 1\r\nx: 2\r\n\r\nrest".to_owned();
        let Step::Head { used, head, .. } = Receiver::new().decode(&mut input, &Limits::default())
        else {
            panic!("this is a good head");
        };
        let (copy, shape) = (head.bytes().to_vec(), head.shape());
        let again = Head::rebind(&copy, shape);
        assert_eq!(again, head);
        assert_eq!(
            (again.path(), again.query(), again.authority()),
            ("/b", Some("c"), Some("a"))
        );
        assert_eq!(
            (again.field("host"), again.field("X"), again.field("y")),
            (Some("h"), Some("1"), None)
        );
        assert_eq!(again.fields_named("x").collect::<Vec<_>>(), [b"1", b"2"]);
        assert_eq!(again.require_body(), Err(Fault::LengthRequired));
        assert_eq!(&input[used..], b"rest");
    }

    #[test]
    fn a_receiver_and_a_head_are_small() {
        assert!(size_of::<Receiver>() <= 48);
        assert!(size_of::<Head<'_>>() <= 64);
    }
}
