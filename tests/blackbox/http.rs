//! # HTTP/1.1 as RFC 9110 and RFC 9112 have it
//!
//! Tables by section. Every row is asked twice, whole and byte by byte, each time with a second
//! request right behind it: what happens to that one shows where the server thinks that the first
//! ended. Where an RFC leaves a choice the row lists every permitted status.

use std::io::Write as _;
use std::thread;

use parlour::ground::seed::Seed;

use crate::support::{Dialogue, Response, Server, eventually, shown, unix_seconds};

/// The request behind every request of a table.
const FOLLOW: &str = "GET /healthz HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n";
const GET: &str = "GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r\n";
const HELLO_CHUNKS: &str = "5\r\nhello\r\n0\r\n\r\n";

// ------------------------------------------------------------------------------------ the tables

/// What becomes of the connection after the answer.
#[derive(Clone, Copy, Debug)]
enum End {
    /// The request behind it is answered.
    Stays,
    /// `Connection: close`, and nothing more.
    Closes,
    /// The server may choose, and does as its `Connection` field says.
    Says,
}

/// One question.
#[derive(Debug)]
struct Case {
    name: &'static str,
    request: Vec<u8>,
    statuses: &'static [u16],
    end: End,
    body: Option<&'static str>,
}

/// A row: its name, its request (each char is one byte), the permitted statuses, the end.
fn row(name: &'static str, request: impl AsRef<str>, statuses: &'static [u16], end: End) -> Case {
    let byte = |c: char| u8::try_from(c).expect("requests are written in latin-1");
    let request = request.as_ref().chars().map(byte).collect();
    Case {
        name,
        request,
        statuses,
        end,
        body: None,
    }
}

impl Case {
    /// The body that a 200 must have.
    const fn with_body(mut self, body: &'static str) -> Self {
        self.body = Some(body);
        self
    }

    fn method(&self) -> &str {
        let text = std::str::from_utf8(&self.request).unwrap_or_default();
        text.trim_start().split(' ').next().unwrap_or_default()
    }

    /// Asks once; the answer, or what is wrong.
    fn ask(&self, server: &Server, slowly: bool) -> Result<Response, String> {
        let mut dialogue = server.dialogue();
        if slowly {
            dialogue.send_slowly(&self.request);
            dialogue.send(FOLLOW);
        } else {
            dialogue.send([&self.request, FOLLOW.as_bytes()].concat());
        }
        let answer = dialogue.try_response_to(self.method())?;
        self.judge(&answer)?;
        let stays = match self.end {
            End::Stays => true,
            End::Closes => false,
            End::Says => !answer.says_close(),
        };
        if stays {
            let follow = dialogue
                .try_response_to("GET")
                .map_err(|w| format!("then {w}"))?;
            if follow.status != 200 || follow.body != b"ok\n" {
                return Err(format!("the request behind it got {follow:?}"));
            }
        } else if !answer.says_close() && !self.request.windows(8).any(|w| w == b"HTTP/1.0") {
            return Err("it closes without Connection: close".to_owned());
        }
        dialogue.try_closed()?;
        Ok(answer)
    }

    fn judge(&self, answer: &Response) -> Result<(), String> {
        if !self.statuses.contains(&answer.status) {
            let (got, reason) = (answer.status, answer.text());
            return Err(format!(
                "got {got} ({:?}), expected {:?}",
                reason.trim(),
                self.statuses
            ));
        }
        if let Some(body) = self.body
            && answer.status == 200
            && answer.body != body.as_bytes()
        {
            return Err(format!(
                "the body is {:?}, not {body:?}",
                shown(&answer.body)
            ));
        }
        well_formed(answer, self.method())
    }
}

/// What is true of every answer: a date, and one line of reason for an error.
fn well_formed(answer: &Response, method: &str) -> Result<(), String> {
    if answer.status >= 200 && answer.all("Date").count() != 1 {
        return Err(format!(
            "{} without exactly one Date (9110 6.6.1)",
            answer.status
        ));
    }
    let text = answer.text();
    let one_line = !text.trim().is_empty() && !text.trim_end_matches('\n').contains('\n');
    if answer.status >= 400 && method != "HEAD" && !one_line {
        return Err(format!(
            "the reason of a {} is not one line: {text:?}",
            answer.status
        ));
    }
    Ok(())
}

/// Asks every row in both ways and reports all that fails.
#[track_caller]
fn check(cases: impl IntoIterator<Item = Case>) {
    let server = Server::echo();
    let mut wrong = Vec::new();
    for case in cases {
        let whole = case.ask(&server, false);
        let slowly = case.ask(&server, true);
        match (whole, slowly) {
            (Ok(whole), Ok(slowly)) if whole.lasting() == slowly.lasting() => {}
            (Ok(whole), Ok(slowly)) => {
                let name = case.name;
                wrong.push(format!(
                    "{name}: whole {whole:?}, but byte by byte {slowly:?}"
                ));
            }
            (whole, slowly) => {
                let ways = [("whole", whole), ("byte by byte", slowly)];
                for (way, answer) in ways {
                    if let Err(error) = answer {
                        wrong.push(format!("{} ({way}): {error}", case.name));
                    }
                }
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} answers are wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// A request whose first line is the whole question.
fn line(line: &str) -> String {
    format!("{line}\r\nHost: a.example\r\n\r\n")
}

/// `GET /healthz` with these field lines.
fn get(fields: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n")
}

/// `GET /healthz` with these field lines and no `Host` but theirs.
fn bare(fields: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\n{fields}\r\n")
}

/// `POST /echo` with these field lines and this body.
fn post(fields: &str, body: &str) -> String {
    format!("POST /echo HTTP/1.1\r\nHost: a.example\r\n{fields}\r\n{body}")
}

/// `POST /echo` with a body in chunks as written.
fn chunked(body: &str) -> String {
    post("Transfer-Encoding: chunked\r\n", body)
}

// --------------------------------------------------------------------- the request line (9112 3)

#[test]
#[rustfmt::skip] // a table
fn a_request_line_is_method_target_version() {
    use End::{Closes, Says, Stays};
    check([
        row("a plain GET", GET, &[200], Stays).with_body("ok\n"),
        row("one empty line before it", format!("\r\n{GET}"), &[200], Stays).with_body("ok\n"),
        row("two empty lines before it", format!("\r\n\r\n{GET}"), &[200, 400], Says),
        row("a space inside the target", line("GET /heal thz HTTP/1.1"), &[400], Closes),
        row("no version", line("GET /healthz"), &[400], Closes),
        row("only a method", line("GET"), &[400], Closes),
        row("an empty method", line(" /healthz HTTP/1.1"), &[400], Closes),
        row("two spaces", line("GET  /healthz HTTP/1.1"), &[400], Closes),
        row("tabs for spaces", line("GET\t/healthz\tHTTP/1.1"), &[400], Closes),
        row("a space at the end", line("GET /healthz HTTP/1.1 "), &[200, 400], Says),
        row("a method that is no token", line("GE(T /healthz HTTP/1.1"), &[400, 501], Closes),
        row("NUL in the method", line("G\0T /healthz HTTP/1.1"), &[400, 501], Closes),
        row("NUL in the target", line("GET /heal\0thz HTTP/1.1"), &[400], Closes),
        row("a bare CR as line end", "GET / HTTP/1.1\rHost: a\r\n\r\n", &[400], Closes),
        row("a bare CR in the target", line("GET /heal\rthz HTTP/1.1"), &[400], Closes),
        row("bare LF as line ends", GET.replace('\r', ""), &[200, 400], Says),
        row("a lower-case version", line("GET /healthz http/1.1"), &[400, 505], Closes),
        row("another protocol", line("GET /healthz HTTQ/1.1"), &[400, 505], Closes),
        row("two digits of minor", line("GET /healthz HTTP/1.10"), &[400, 505], Closes),
        row("no minor version", line("GET /healthz HTTP/1"), &[400, 505], Closes),
        row("letters behind the version", line("GET /healthz HTTP/1.1x"), &[400, 505], Closes),
        row("HTTP/0.9 by name", line("GET /healthz HTTP/0.9"), &[400, 505], Closes),
        row("HTTP/2.0", line("GET /healthz HTTP/2.0"), &[505], Closes),
        row("HTTP/3.0", line("GET /healthz HTTP/3.0"), &[505], Closes),
        row("a higher minor version", line("GET /healthz HTTP/1.9"), &[200, 505], Says),
        row("the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &[400, 505], Closes),
        row("a TLS hello", "\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03\r\n\r\n", &[400], Closes),
    ]);
}

#[test]
#[rustfmt::skip] // a table
fn a_method_that_the_path_does_not_take_is_refused_by_name() {
    use End::{Says, Stays};
    check([
        row("DELETE", line("DELETE / HTTP/1.1"), &[405], Stays),
        row("PATCH without a body", line("PATCH / HTTP/1.1"), &[405, 411], Says),
        row("TRACE", line("TRACE / HTTP/1.1"), &[405, 501], Says),
        row("POST where only GET is", post("Content-Length: 0\r\n", "").replace("echo", ""),
            &[405], Stays),
        row("PUT on the echo", line("PUT /echo HTTP/1.1\r\nContent-Length: 0"), &[405], Stays),
        row("an unknown method", line("BREW / HTTP/1.1"), &[405, 501], Says),
        row("get is not GET", line("get / HTTP/1.1"), &[400, 405, 501], Says),
        row("CONNECT", line("CONNECT 127.0.0.1:9 HTTP/1.1"), &[400, 405, 501], Says),
        row("CONNECT with a path", line("CONNECT / HTTP/1.1"), &[400, 405, 501], Says),
    ]);
    let server = Server::echo();
    for (path, allowed) in [("/", "GET"), ("/healthz", "GET"), ("/echo", "POST")] {
        let mut dialogue = server.dialogue();
        dialogue.send(line(&format!("DELETE {path} HTTP/1.1")));
        let answer = dialogue.response();
        assert_eq!(answer.status, 405, "{path}: {answer:?}");
        assert!(
            answer.lists("Allow", allowed),
            "{path} takes {allowed}: {answer:?}"
        );
        assert!(
            !answer.lists("Allow", "DELETE"),
            "{path} refused DELETE: {answer:?}"
        );
    }
}

// ------------------------------------------------------------------------- targets (9112 3.2)

#[test]
#[rustfmt::skip] // a table
fn a_target_is_a_path_or_absolute() {
    use End::{Closes, Says, Stays};
    let target = |target: &str| line(&format!("GET {target} HTTP/1.1"));
    check([
        row("a query", target("/healthz?a=b&c=%ff"), &[200], Stays).with_body("ok\n"),
        row("an empty query", target("/healthz?"), &[200], Stays).with_body("ok\n"),
        row("a query with a path in it", target("/healthz?/../x"), &[200], Stays),
        row("an encoded letter", target("/%68ealthz"), &[200, 404], Stays),
        row("absolute", target("http://a.example/healthz"), &[200], Stays).with_body("ok\n"),
        row("absolute, HTTP://", target("HTTP://a.example/healthz"), &[200], Stays),
        row("absolute wins over Host", target("http://b.example/healthz"), &[200], Stays),
        row("absolute with a port", target("http://a.example:80/healthz"), &[200], Stays),
        row("absolute without a path", target("http://a.example"), &[200], Stays),
        row("absolute without authority", target("http:///healthz"), &[400], Closes),
        row("absolute with userinfo", target("http://u@a.example/healthz"), &[200, 400], Says),
        row("absolute still needs Host", "GET http://a.example/healthz HTTP/1.1\r\n\r\n", &[400],
            Closes),
        row("a star for GET", target("*"), &[400, 404], Says),
        row("no slash", target("healthz"), &[400], Closes),
        row("only a query", target("?a"), &[400], Closes),
        row("a fragment", target("/healthz#part"), &[400], Closes),
        row("a raw byte 0xFF", target("/healthz\u{ff}"), &[400, 404], Says),
        row("an unknown path", target("/no-such-thing"), &[404], Stays),
        row("two slashes", target("//healthz"), &[400, 404], Says),
        row("a slash too many", target("/healthz/"), &[404], Stays),
        row("dots", target("/../healthz"), &[200, 400, 404], Says),
        row("dots to the passwords", target("/../../../../etc/passwd"), &[400, 404], Says),
        row("encoded dots", target("/%2e%2e/%2e%2e/etc/passwd"), &[400, 404], Says),
        row("encoded NUL", target("/healthz%00"), &[400, 404], Says),
        row("a broken encoding", target("/%zz"), &[400, 404], Says),
        row("half an encoding", target("/healthz%2"), &[400, 404], Says),
    ]);
}

// ---------------------------------------------------------------------------- Host (9112 3.2)

#[test]
#[rustfmt::skip] // a table
fn exactly_one_valid_host_is_needed() {
    use End::{Closes, Says, Stays};
    check([
        row("missing", bare(""), &[400], Closes),
        row("two different", bare("Host: a.example\r\nHost: b.example\r\n"), &[400], Closes),
        row("two equal", bare("Host: a.example\r\nHost: a.example\r\n"), &[400], Closes),
        row("a name twice in two cases", bare("host: a\r\nHOST: a\r\n"), &[400], Closes),
        row("with a port", bare("Host: a.example:8080\r\n"), &[200], Stays),
        row("an address of version 6", bare("Host: [::1]:8080\r\n"), &[200], Stays),
        row("an address of version 4", bare("Host: 127.0.0.1\r\n"), &[200], Stays),
        row("upper case", bare("Host: A.EXAMPLE\r\n"), &[200], Stays),
        row("an empty port", bare("Host: a.example:\r\n"), &[200, 400], Says),
        row("empty", bare("Host:\r\n"), &[200, 400], Says),
        row("a space inside", bare("Host: a b\r\n"), &[400], Closes),
        row("a path", bare("Host: a.example/b\r\n"), &[400], Closes),
        row("a query", bare("Host: a.example?b\r\n"), &[400], Closes),
        row("userinfo", bare("Host: me@a.example\r\n"), &[400], Closes),
        row("a port that is no number", bare("Host: a.example:8a\r\n"), &[400], Closes),
        row("an unclosed bracket", bare("Host: [::1\r\n"), &[400], Closes),
    ]);
}

// -------------------------------------------------------------------- fields (9110 5, 9112 5)

#[test]
#[rustfmt::skip] // a table
fn fields_are_read_as_written_and_nothing_is_repaired() {
    use End::{Closes, Says, Stays};
    check([
        row("names in any case", bare("hOsT: a.example\r\n"), &[200], Stays),
        row("white space around a value", bare("Host:\t a.example \t\r\n"), &[200], Stays),
        row("no white space", bare("Host:a.example\r\nX-A:b\r\n"), &[200], Stays),
        row("an empty value", get("X-A:\r\n"), &[200], Stays),
        row("a value of white space", get("X-A: \t \r\n"), &[200], Stays),
        row("bytes above 0x7F in a value", get("X-A: caf\u{e9}\r\n"), &[200], Stays),
        row("every token character in a name", get("!#$%&'*+-.^_`|~09aZ: b\r\n"), &[200], Stays),
        row("a colon in a value", get("X-A: b:c\r\n"), &[200], Stays),
        row("a space before the colon", get("X-A : b\r\n"), &[400], Closes),
        row("a tab before the colon", get("X-A\t: b\r\n"), &[400], Closes),
        row("an indented first field", bare(" Host: a.example\r\n"), &[400], Closes),
        row("a line of a space before the fields", bare(" \r\nHost: a\r\n"), &[400], Closes),
        row("a folded line", get("X-A: b\r\n c\r\n"), &[400], Closes),
        row("a line folded by a tab", get("X-A: b\r\n\tc\r\n"), &[400], Closes),
        row("a folded Host", bare("Host:\r\n a.example\r\n"), &[400], Closes),
        row("no colon", get("nonsense\r\n"), &[400], Closes),
        row("no name", get(": b\r\n"), &[400], Closes),
        row("a name that is no token", get("X(a: b\r\n"), &[400], Closes),
        row("a name with a space", get("X a: b\r\n"), &[400], Closes),
        row("a name with 0xFF", get("X\u{ff}: b\r\n"), &[400], Closes),
        row("NUL in a name", get("X\0A: b\r\n"), &[400], Closes),
        row("NUL in a value", get("X-A: a\0b\r\n"), &[400], Closes),
        row("a bare CR in a name", get("X\rA: b\r\n"), &[400], Closes),
        row("a bare CR in a value", get("X-A: a\rb\r\n"), &[400], Closes),
        row("a bare CR before CRLF", get("X-A: a\r\r\n"), &[400], Closes),
        row("a bare LF as line end", get("X-A: a\nX-B: b\r\n"), &[200, 400], Says),
        row("a control character in a value", get("X-A: a\x01b\r\n"), &[200, 400], Says),
        row("DEL in a value", get("X-A: a\x7fb\r\n"), &[200, 400], Says),
    ]);
}

// ------------------------------------------------------------- Content-Length (9112 6.2, 6.3)

#[test]
#[rustfmt::skip] // a table
fn a_length_is_one_number_in_digits() {
    use End::{Closes, Says, Stays};
    let length = |value: &str| post(&format!("Content-Length: {value}\r\n"), "hello");
    check([
        row("five", length("5"), &[200], Stays).with_body("hello"),
        row("none at all", post("Content-Length: 0\r\n", ""), &[200], Stays).with_body(""),
        row("white space around", length(" \t5 \t"), &[200], Stays).with_body("hello"),
        row("leading zeros", length("0005"), &[200, 400], Says).with_body("hello"),
        row("a POST without any", post("", ""), &[200, 411], Says).with_body(""),
        row("a body with GET", get("Content-Length: 5\r\n") + "hello", &[200], Says)
            .with_body("ok\n"),
        row("twice the same", length("5\r\nContent-Length: 5"), &[200, 400], Says)
            .with_body("hello"),
        row("twice the same in a list", length("5, 5"), &[200, 400], Says).with_body("hello"),
        row("two different", length("5\r\nContent-Length: 6"), &[400], Closes),
        row("two different, the longer first", length("6\r\nContent-Length: 5"), &[400], Closes),
        row("two different in a list", length("5, 6"), &[400], Closes),
        row("negative", length("-1"), &[400], Closes),
        row("with a plus", length("+5"), &[400], Closes),
        row("in hex", length("0x5"), &[400], Closes),
        row("a space inside", length("5 0"), &[400], Closes),
        row("empty", length(""), &[400], Closes),
        row("a comma alone", length(","), &[400], Closes),
        row("an exponent", length("1e1"), &[400], Closes),
        row("a decimal point", length("5.0"), &[400], Closes),
        row("a parameter", length("5;a"), &[400], Closes),
        row("a vertical tab", length("\x0b5"), &[400], Closes),
        row("a superscript", length("\u{b2}"), &[400], Closes),
        row("2^64 + 5 is not 5", length("18446744073709551621"), &[400, 413], Closes),
        row("2^63 is no offset", length("9223372036854775808"), &[400, 413], Closes),
        row("a space before the colon", post("Content-Length : 5\r\n", "hello"), &[400], Closes),
        row("NUL in the name", post("Content-Length\0: 5\r\n", "hello"), &[400], Closes),
        row("folded", length("\r\n 5"), &[400], Closes),
    ]);
}

#[test]
#[rustfmt::skip] // a table
fn a_body_that_nobody_wants_is_never_taken_for_a_request() {
    use End::{Says, Stays};
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n".repeat(20);
    let fields = format!("Content-Length: {}\r\n", smuggled.len());
    let chunks = format!("{:x}\r\n{smuggled}\r\n0\r\n\r\n", smuggled.len());
    let (lengths, coded) = (post(&fields, &smuggled), chunked(&chunks));
    check([
        row("for a path that is not there", lengths.replace("/echo", "/no"), &[404], Says),
        row("for a method that is not there", lengths.replace("/echo", "/"), &[405], Says),
        row("for GET", lengths.replace("POST /echo", "GET /healthz"), &[200], Says),
        row("for HEAD", lengths.replace("POST /echo", "HEAD /healthz"), &[200], Says),
        row("for OPTIONS", lengths.replace("POST /echo", "OPTIONS /"), &[200, 204], Says),
        row("in chunks, for a path", coded.replace("/echo", "/no"), &[404], Says),
        row("in chunks, for a method", coded.replace("/echo", "/"), &[405], Says),
        row("in chunks, for GET", coded.replace("POST /echo", "GET /healthz"), &[200], Says),
        row("taken by the echo", lengths, &[200], Stays),
        row("in chunks, taken by the echo", coded, &[200], Stays),
    ]);
}

// -------------------------------------------------------------- Transfer-Encoding (9112 6.1, 7)

#[test]
#[rustfmt::skip] // a table
fn chunks_are_joined_and_their_decoration_is_dropped() {
    use End::{Says, Stays};
    let ones = "1\r\nx\r\n".repeat(200) + "0\r\n\r\n";
    check([
        row("one chunk", chunked(HELLO_CHUNKS), &[200], Stays).with_body("hello"),
        row("two chunks", chunked("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n"), &[200], Stays)
            .with_body("hello"),
        row("no chunk", chunked("0\r\n\r\n"), &[200], Stays).with_body(""),
        row("two hundred of one byte", chunked(&ones), &[200], Stays),
        row("CRLF in the data", chunked("4\r\n\r\n\r\n\r\n0\r\n\r\n"), &[200], Stays)
            .with_body("\r\n\r\n"),
        row("a coding in capitals", post("transfer-encoding: CHUNKED\r\n", HELLO_CHUNKS), &[200],
            Stays).with_body("hello"),
        row("sizes in both cases", chunked("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n"),
            &[200], Stays).with_body("01234567890123456789"),
        row("leading zeros", chunked("0005\r\nhello\r\n0000\r\n\r\n"), &[200, 400], Says)
            .with_body("hello"),
        row("an extension", chunked("5;a=b;c\r\nhello\r\n0;last\r\n\r\n"), &[200], Stays)
            .with_body("hello"),
        row("a quoted extension", chunked("5;a=\"b;c\"\r\nhello\r\n0\r\n\r\n"), &[200], Stays)
            .with_body("hello"),
        row("an escaped quote in it", chunked("5;a=\"\\\"\"\r\nhello\r\n0\r\n\r\n"), &[200], Stays)
            .with_body("hello"),
        row("white space in an extension", chunked("5 ; a = b\r\nhello\r\n0\r\n\r\n"), &[200, 400],
            Says).with_body("hello"),
        row("a space behind the size", chunked("5 \r\nhello\r\n0\r\n\r\n"), &[200, 400], Says)
            .with_body("hello"),
        row("trailers", chunked("5\r\nhello\r\n0\r\nX-Sum: 1\r\nX-Two: 2\r\n\r\n"), &[200], Stays)
            .with_body("hello"),
        row("a length in the trailer", chunked("5\r\nhello\r\n0\r\nContent-Length: 90\r\n\r\n"),
            &[200, 400], Says).with_body("hello"),
        row("a coding in the trailer",
            chunked("5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"), &[200, 400], Says)
            .with_body("hello"),
        row("a Host in the trailer", chunked("0\r\nHost: b\r\n\r\n"), &[200, 400], Says)
            .with_body(""),
        row("an empty list member", post("Transfer-Encoding: , chunked\r\n", HELLO_CHUNKS),
            &[200, 400, 501], Says).with_body("hello"),
    ]);
}

#[test]
#[rustfmt::skip] // a table
fn broken_chunks_end_the_connection() {
    let rows = [
        ("a size that is no number", "zz\r\nhello\r\n0\r\n\r\n"),
        ("a negative size", "-5\r\nhello\r\n0\r\n\r\n"),
        ("a size with a plus", "+5\r\nhello\r\n0\r\n\r\n"),
        ("a size of 0x5", "0x5\r\nhello\r\n0\r\n\r\n"),
        ("an underscore", "0_5\r\nhello\r\n0\r\n\r\n"),
        ("an empty size line", "\r\nhello\r\n0\r\n\r\n"),
        ("an extension without a size", ";a\r\nhello\r\n0\r\n\r\n"),
        ("a space before the size", " 5\r\nhello\r\n0\r\n\r\n"),
        ("NUL behind the size", "5\0\r\nhello\r\n0\r\n\r\n"),
        ("letters behind the size", "5g\r\nhello\r\n0\r\n\r\n"),
        ("two sizes", "5 5\r\nhello\r\n0\r\n\r\n"),
        ("a bare CR behind the size", "5\rhello\r\n0\r\n\r\n"),
        ("a bare LF behind the size", "5\nhello\r\n0\r\n\r\n"),
        ("a bare LF in an extension", "5;a\nb\r\nhello\r\n0\r\n\r\n"),
        ("a bare CR in an extension", "5;a\rb\r\nhello\r\n0\r\n\r\n"),
        ("data longer than its size", "3\r\nhello\r\n0\r\n\r\n"),
        ("data shorter than its size", "6\r\nhello\r\n0\r\n\r\n"),
        ("no CRLF behind the data", "5\r\nhello0\r\n\r\n"),
        ("a bare LF behind the data", "5\r\nhello\n0\r\n\r\n"),
        ("a bare CR behind the data", "5\r\nhello\r0\r\n\r\n"),
        ("a trailer without colon", "0\r\nnonsense\r\n\r\n"),
        ("a trailer without name", "0\r\n: b\r\n\r\n"),
        (
            "a trailer with a space before the colon",
            "0\r\nX-A : b\r\n\r\n",
        ),
        ("a folded trailer", "0\r\nX-A: b\r\n c\r\n\r\n"),
        ("a bare CR in a trailer", "0\r\nX-A: b\rc\r\n\r\n"),
        ("NUL in a trailer", "0\r\nX-A: b\0c\r\n\r\n"),
    ];
    check(rows.map(|(name, body)| row(name, chunked(body), &[400], End::Closes)));
    check([
        row("2^64 + 5 in hex is not 5", chunked("10000000000000005\r\nhello\r\n0\r\n\r\n"),
            &[400, 413], End::Closes),
        row("2^64 - 1 in hex", chunked("ffffffffffffffff\r\nhello\r\n0\r\n\r\n"), &[400, 413],
            End::Closes),
        row("a thousand leading zeros", chunked(&format!("{}5\r\nhello\r\n", "0".repeat(1000))),
            &[400], End::Closes),
        row("an extension without end", chunked(&format!("5;{}", "a".repeat(100_000))),
            &[400, 413, 431], End::Closes),
        row("a trailer without end", chunked(&format!("0\r\nX-A: {}", "a".repeat(100_000))),
            &[400, 413, 431], End::Closes),
        row("a thousand trailers", chunked(&format!("0\r\n{}\r\n", "X-A: b\r\n".repeat(1000))),
            &[400, 413, 431], End::Closes),
    ]);
}

// ---------------------------------------------------------------- smuggling (9112 6.3, 11.2)

#[test]
#[rustfmt::skip] // a table
fn two_ways_to_frame_a_body_are_one_too_many() {
    use End::Closes;
    let te = |value: &str| post(&format!("Transfer-Encoding: {value}\r\n"), HELLO_CHUNKS);
    let both = |fields: &str| post(fields, "0\r\n\r\n");
    let old = post("Transfer-Encoding: chunked\r\n", HELLO_CHUNKS).replace("HTTP/1.1", "HTTP/1.0");
    check([
        row("a coding, then a length", both("Transfer-Encoding: chunked\r\nContent-Length: 4\r\n"),
            &[200, 400], Closes),
        row("a length, then a coding", both("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n"),
            &[200, 400], Closes),
        row("a coding and a right length",
            post("Content-Length: 15\r\nTransfer-Encoding: chunked\r\n", HELLO_CHUNKS),
            &[200, 400], Closes),
        row("an unknown coding and a length",
            post("Content-Length: 5\r\nTransfer-Encoding: xyz\r\n", "hello"), &[400, 501], Closes),
        row("chunked is not the last", te("chunked, gzip"), &[400, 501], Closes),
        row("gzip below chunked", te("gzip, chunked"), &[400, 501], Closes),
        row("gzip and chunked in two lines", te("gzip\r\nTransfer-Encoding: chunked"), &[400, 501],
            Closes),
        row("chunked and gzip in two lines", te("chunked\r\nTransfer-Encoding: gzip"), &[400, 501],
            Closes),
        row("an unknown coding", te("xyz"), &[400, 501], Closes),
        row("an unknown coding below chunked", te("xyz, chunked"), &[400, 501], Closes),
        row("identity", te("identity"), &[400, 501], Closes),
        row("chunked, identity", te("chunked, identity"), &[400, 501], Closes),
        row("xchunked", te("xchunked"), &[400, 501], Closes),
        row("chunkedx", te("chunkedx"), &[400, 501], Closes),
        row("a vertical tab before chunked", te("\x0bchunked"), &[400, 501], Closes),
        row("a no-break space before chunked", te("\u{a0}chunked"), &[400, 501], Closes),
        row("chunked in quotes", te("\"chunked\""), &[400, 501], Closes),
        row("chunked with a parameter", te("chunked;q=1"), &[400, 501], Closes),
        row("chunked twice", te("chunked, chunked"), &[400, 501], Closes),
        row("chunked twice in two lines", te("chunked\r\nTransfer-Encoding: chunked"), &[400, 501],
            Closes),
        row("an empty coding", te(""), &[400, 501], Closes),
        row("a space before the colon", post("Transfer-Encoding : chunked\r\n", HELLO_CHUNKS),
            &[400], Closes),
        row("a folded coding", te("\r\n chunked"), &[400], Closes),
        row("a coding hidden behind a bare CR", both("X: y\rTransfer-Encoding: chunked\r\n"),
            &[400], Closes),
        row("a coding in HTTP/1.0", old, &[200, 400], Closes),
    ]);
}

#[test]
fn nothing_behind_broken_framing_is_answered() {
    let server = Server::echo();
    for broken in [
        "BAD\r\n\r\n".to_owned(),
        bare(""),
        get("X-A : b\r\n"),
        post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"),
        chunked("zz\r\n"),
        post("Transfer-Encoding: xyz\r\n", ""),
    ] {
        let mut dialogue = server.dialogue();
        dialogue.send(GET.repeat(3) + &broken + &GET.repeat(50));
        for _ in 0..3 {
            assert_eq!(
                dialogue.response().status,
                200,
                "a good request before {broken:?}"
            );
        }
        let answer = dialogue.response();
        assert!(matches!(answer.status, 400 | 501), "{broken:?}: {answer:?}");
        assert!(answer.says_close(), "{broken:?}: {answer:?}");
        dialogue.closed();
    }
}

// --------------------------------------------------------------------------- Expect (9110 10.1.1)

#[test]
#[rustfmt::skip] // a table
fn expectations_are_met_or_refused() {
    use End::{Closes, Says, Stays};
    let expect = |value: &str| {
        post(
            &format!("Expect: {value}\r\nContent-Length: 5\r\n"),
            "hello",
        )
    };
    check([
        row("no body", get("Expect: 100-continue\r\n"), &[200], Stays).with_body("ok\n"),
        row("an unknown one", get("Expect: miracles\r\n"), &[417], Closes),
        row("an unknown one with a body", expect("miracles"), &[417], Closes),
        row("in HTTP/1.0 it is ignored", expect("100-continue").replace("P/1.1", "P/1.0"), &[200],
            Closes).with_body("hello"),
        row("with a body that nobody takes", expect("100-continue").replace("/echo", "/no"),
            &[404, 417], Says),
    ]);
    let server = Server::echo();
    let mut dialogue = server.dialogue();
    dialogue.send_slowly(expect("100-continue").replace("P/1.1", "P/1.0"));
    assert_eq!(dialogue.response().interim, [], "HTTP/1.0 knows no 100");
}

#[test]
fn a_body_that_waits_is_asked_for() {
    let server = Server::echo();
    let framings = [
        ("Content-Length: 5\r\nExpect: 100-continue\r\n", "hello"),
        ("Content-Length: 5\r\nexpect: 100-Continue\r\n", "hello"),
        (
            "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n",
            HELLO_CHUNKS,
        ),
    ];
    let mut dialogue = server.dialogue();
    for (fields, body) in framings {
        dialogue.send(post(fields, ""));
        assert_eq!(dialogue.head_alone().status, 100, "{fields:?}");
        dialogue.send(body);
        let answer = dialogue.response();
        assert_eq!(
            (answer.status, answer.text().as_str()),
            (200, "hello"),
            "{fields:?}"
        );
        assert!(answer.interim.is_empty(), "a second 100 for {fields:?}");
    }
}

#[test]
fn a_body_that_does_not_wait_needs_no_100() {
    let server = Server::echo();
    let mut dialogue = server.dialogue();
    for _ in 0..3 {
        dialogue.send(post(
            "Content-Length: 5\r\nExpect: 100-continue\r\n",
            "hello",
        ));
        let answer = dialogue.response();
        assert_eq!((answer.status, answer.text().as_str()), (200, "hello"));
        assert!(
            answer.interim.iter().all(|interim| interim.status == 100),
            "{answer:?}"
        );
        assert!(answer.interim.len() <= 1, "{answer:?}");
    }
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_sent() {
    let server = Server::echo();
    for fields in [
        "Content-Length: 16777217\r\nExpect: 100-continue\r\n",
        "Content-Length: 16777217\r\n",
        "Content-Length: 1099511627776\r\n",
    ] {
        let mut dialogue = server.dialogue();
        dialogue.send(post(fields, ""));
        let answer = dialogue.response();
        assert_eq!(answer.status, 413, "{fields:?}");
        assert!(
            answer.interim.is_empty(),
            "a 100 before the 413 for {fields:?}"
        );
        assert!(answer.says_close(), "{answer:?}");
        dialogue.closed();
    }
}

// ----------------------------------------------------------- persistence, pipelining (9112 9)

#[test]
#[rustfmt::skip] // a table
fn a_connection_stays_until_somebody_says_close() {
    use End::{Closes, Stays};
    let old = |fields: &str| get(fields).replace("HTTP/1.1", "HTTP/1.0");
    check([
        row("by default", GET, &[200], Stays),
        row("keep-alive in 1.1", get("Connection: keep-alive\r\n"), &[200], Stays),
        row("an unknown option", get("Connection: x-a\r\n"), &[200], Stays),
        row("close", get("Connection: close\r\n"), &[200], Closes),
        row("Close", get("Connection: Close\r\n"), &[200], Closes),
        row("close without white space", get("Connection:close\r\n"), &[200], Closes),
        row("close in a list", get("Connection: x-a, CLOSE\r\n"), &[200], Closes),
        row("close in an untidy list", get("Connection: ,\tx-a ,,close,\r\n"), &[200], Closes),
        row("close in a second line", get("Connection: x-a\r\nConnection: close\r\n"), &[200],
            Closes),
        row("close wins over keep-alive", get("Connection: keep-alive, close\r\n"), &[200],
            Closes),
        row("closed is not close", get("Connection: closed\r\n"), &[200], Stays),
        row("close with an error", get("Connection: close\r\n").replace("/healthz", "/no"), &[404],
            Closes),
        row("close with a body", post("Connection: close\r\nContent-Length: 5\r\n", "hello"),
            &[200], Closes).with_body("hello"),
        row("1.0 closes", old(""), &[200], Closes).with_body("ok\n"),
        row("1.0 closes with an unknown option", old("Connection: x-a\r\n"), &[200], Closes),
        row("1.0 with a body", post("Content-Length: 5\r\n", "hello").replace("P/1.1", "P/1.0"),
            &[200], Closes).with_body("hello"),
        row("1.0 needs no Host", "GET /healthz HTTP/1.0\r\n\r\n", &[200], Closes),
        row("1.0 has at most one Host", old("Host: b\r\n"), &[400], Closes),
        row("1.0 does not know a path", old("").replace("/healthz", "/no"), &[404], Closes),
    ]);
}

#[test]
fn http_1_0_stays_open_only_when_that_is_promised() {
    let server = Server::echo();
    let mut dialogue = server.dialogue();
    dialogue.send("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    let answer = dialogue.response();
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.field("Transfer-Encoding"),
        None,
        "1.0 knows no chunks"
    );
    if answer.lists("Connection", "keep-alive") {
        dialogue.send("GET /healthz HTTP/1.0\r\n\r\n");
        assert_eq!(dialogue.response().status, 200);
    }
    dialogue.closed();
}

#[test]
fn a_connection_serves_one_request_after_the_other() {
    let server = Server::echo();
    let mut dialogue = server.dialogue();
    for number in 0..200 {
        let body = format!("number {number}");
        let length = format!("Content-Length: {}\r\n", body.len());
        dialogue.send(post(&length, &body));
        let answer = dialogue.response();
        assert_eq!((answer.status, answer.text()), (200, body));
    }
}

#[test]
fn a_hundred_pipelined_requests_are_answered_in_order() {
    let server = Server::echo();
    let request = |number: usize| {
        let body = format!("number {number}");
        let size = body.len();
        match number % 6 {
            0 => ("GET", get(""), 200, "ok\n".to_owned()),
            1 => (
                "POST",
                post(&format!("Content-Length: {size}\r\n"), &body),
                200,
                body,
            ),
            2 => ("HEAD", get("").replace("GET", "HEAD"), 200, String::new()),
            3 => (
                "POST",
                chunked(&format!("{size:x}\r\n{body}\r\n0\r\n\r\n")),
                200,
                body,
            ),
            4 => ("HEAD", line("HEAD /no HTTP/1.1"), 404, String::new()),
            _ => (
                "POST",
                post("Content-Length: 0\r\n", ""),
                200,
                String::new(),
            ),
        }
    };
    let requests: Vec<_> = (0..100).map(request).collect();
    let all: String = requests.iter().map(|(_, text, ..)| text.as_str()).collect();
    for piece in [all.len(), 1000, 61, 1] {
        let mut dialogue = server.dialogue();
        for part in all.as_bytes().chunks(piece) {
            dialogue.send(part);
        }
        for (number, (method, _, status, body)) in requests.iter().enumerate() {
            let answer = dialogue.response_to(method);
            assert_eq!(
                answer.status, *status,
                "answer {number} in pieces of {piece}"
            );
            assert_eq!(&answer.text(), body, "answer {number} in pieces of {piece}");
        }
        dialogue.send(get("Connection: close\r\n"));
        assert_eq!(dialogue.response().status, 200);
        dialogue.closed();
    }
}

#[test]
fn nothing_behind_a_close_in_the_middle_is_answered() {
    let server = Server::echo();
    let mut dialogue = server.dialogue();
    dialogue.send(GET.repeat(4) + &get("Connection: close\r\n") + &GET.repeat(50));
    for number in 0..5 {
        let answer = dialogue.response();
        assert_eq!(answer.status, 200, "answer {number}");
        assert_eq!(
            answer.says_close(),
            number == 4,
            "answer {number}: {answer:?}"
        );
    }
    dialogue.closed();
}

#[test]
fn a_pipeline_larger_than_the_sockets_hold_flows() {
    let server = Server::echo();
    let mut dialogue = server.dialogue();
    let body = "x".repeat(65536);
    let requests = post("Content-Length: 65536\r\n", &body).repeat(200);
    let mut sender = dialogue.sender();
    thread::scope(|scope| {
        // Fails when the reader below has given up, and then that is the failure to read about.
        scope.spawn(move || _ = sender.write_all(requests.as_bytes()));
        for number in 0..200 {
            let answer = dialogue.response();
            assert_eq!(
                (answer.status, answer.body.len()),
                (200, 65536),
                "answer {number}"
            );
        }
    });
}

// -------------------------------------------------------------------- HEAD, OPTIONS, the pages

#[test]
fn head_says_what_get_would_say() {
    let server = Server::echo();
    for path in ["/", "/robots.txt", "/healthz", "/no-such-thing"] {
        let mut dialogue = server.dialogue();
        dialogue.send(line(&format!("HEAD {path} HTTP/1.1")));
        let head = dialogue.response_to("HEAD");
        dialogue.send(line(&format!("GET {path} HTTP/1.1")));
        let whole = dialogue.response();
        assert_eq!(head.status, whole.status, "{path}");
        for name in [
            "Content-Type",
            "Content-Length",
            "ETag",
            "Last-Modified",
            "Accept-Ranges",
        ] {
            assert_eq!(head.field(name), whole.field(name), "{name} of {path}");
        }
        dialogue.send(line("HEAD /healthz HTTP/1.1\r\nConnection: close"));
        assert_eq!(dialogue.response_to("HEAD").status, 200);
        dialogue.closed();
    }
}

#[test]
#[rustfmt::skip] // a table
fn options_lists_what_can_be_done() {
    use End::Stays;
    let options = |target: &str| line(&format!("OPTIONS {target} HTTP/1.1"));
    check([
        row("of a page", options("/"), &[200, 204], Stays),
        row("of the server", options("*"), &[200, 204], Stays),
        row("of the server, absolute", options("http://a.example"), &[200, 204], Stays),
        row("with a body", options("/").replace("\r\n\r\n", "\r\nContent-Length: 2\r\n\r\nhi"),
            &[200, 204], Stays),
    ]);
    let server = Server::echo();
    let mut dialogue = server.dialogue();
    dialogue.send(options("/"));
    let answer = dialogue.response();
    for method in ["GET", "HEAD", "OPTIONS"] {
        assert!(
            answer.lists("Allow", method),
            "{method} is missing: {answer:?}"
        );
    }
}

#[test]
fn the_pages_say_what_they_are() {
    let server = Server::echo();
    let mut dialogue = server.dialogue();
    dialogue.send(line("GET /robots.txt HTTP/1.1"));
    let page = dialogue.response();
    assert_eq!(page.status, 200);
    assert!(
        page.field("Content-Type")
            .unwrap()
            .starts_with("text/plain"),
        "{page:?}"
    );
    assert!(page.text().contains("Disallow: /\n"), "{page:?}");
    assert!(page.field("ETag").unwrap().ends_with('"'), "{page:?}");
    assert!(
        http_date(page.field("Last-Modified").unwrap()) <= unix_seconds(),
        "{page:?}"
    );

    dialogue.send(GET);
    let health = dialogue.response();
    assert_eq!((health.status, health.text().as_str()), (200, "ok\n"));
    assert!(
        health
            .field("Content-Type")
            .unwrap()
            .starts_with("text/plain"),
        "{health:?}"
    );

    for kind in [
        "application/octet-stream",
        "text/plain; charset=utf-8",
        "x/y",
    ] {
        dialogue.send(post(
            &format!("Content-Type: {kind}\r\nContent-Length: 2\r\n"),
            "hi",
        ));
        let echo = dialogue.response();
        assert_eq!(
            (echo.field("Content-Type"), echo.text().as_str()),
            (Some(kind), "hi")
        );
        assert_eq!(echo.field("Content-Length"), Some("2"));
    }
}

#[test]
fn without_the_flag_there_is_no_echo() {
    let server = Server::start(&[]);
    let mut dialogue = server.dialogue();
    dialogue.send(post("Content-Length: 5\r\n", "hello"));
    let answer = dialogue.response();
    assert_eq!(answer.status, 404, "{answer:?}");
}

// ----------------------------------------------------------------------------- dates (9110 5.6.7)

/// The seconds since 1970 of an IMF-fixdate; panics when it is none.
#[track_caller]
fn http_date(text: &str) -> u64 {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    let shape: String = text
        .chars()
        .map(|c| match c {
            '0'..='9' => '0',
            'A'..='Z' => 'A',
            'a'..='z' => 'a',
            other => other,
        })
        .collect();
    assert_eq!(
        shape, "Aaa, 00 Aaa 0000 00:00:00 AAA",
        "not a date: {text:?}"
    );
    let number = |from: usize, to: usize| text[from..to].parse::<u64>().unwrap();
    let month = MONTHS
        .iter()
        .position(|&month| month == &text[8..11])
        .unwrap();
    let (year, day) = (number(12, 16), number(5, 7));
    let leap =
        |year: u64| year.is_multiple_of(4) && !year.is_multiple_of(100) || year.is_multiple_of(400);
    let lengths = [
        31,
        if leap(year) { 29 } else { 28 },
        31,
        30,
        31,
        30,
        31,
        31,
        30,
        31,
        30,
        31,
    ];
    let years: u64 = (1970..year)
        .map(|year| if leap(year) { 366 } else { 365 })
        .sum();
    let days = years + lengths[..month].iter().sum::<u64>() + day - 1;
    assert_eq!(
        &text[..3],
        DAYS[usize::try_from(days % 7).unwrap()],
        "the wrong day: {text:?}"
    );
    assert!(text.ends_with(" GMT"), "not a date: {text:?}");
    days * 86400 + number(17, 19) * 3600 + number(20, 22) * 60 + number(23, 25)
}

#[test]
fn every_answer_says_what_time_it_is() {
    assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), 784_111_777);
    let server = Server::echo();
    for request in [
        GET,
        "GET /no HTTP/1.1\r\nHost: a\r\n\r\n",
        "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n",
        "BAD\r\n\r\n",
    ] {
        let mut dialogue = server.dialogue();
        dialogue.send(request);
        let answer = dialogue.response();
        let date = http_date(answer.field("Date").unwrap());
        assert!(
            date.abs_diff(unix_seconds()) <= 5,
            "{request:?} at {date}: {answer:?}"
        );
    }
}

// ----------------------------------------------------------------- conditional requests (9110 13)

/// A file that is always there, and questions about it.
struct Page {
    server: Server,
    whole: Response,
    tag: String,
    modified: String,
}

impl Page {
    fn new() -> Self {
        let server = Server::echo();
        let mut dialogue = server.dialogue();
        dialogue.send(line("GET /robots.txt HTTP/1.1"));
        let whole = dialogue.response();
        assert_eq!(whole.status, 200);
        assert!(
            whole.body.len() >= 16,
            "the page is too small for these tests"
        );
        let tag = whole
            .field("ETag")
            .expect("the page has an ETag")
            .to_owned();
        let modified = whole
            .field("Last-Modified")
            .expect("and a Last-Modified")
            .to_owned();
        Self {
            server,
            whole,
            tag,
            modified,
        }
    }

    /// The answer to `method /` with `fields`, in which TAG, OPAQUE and MODIFIED are replaced; the
    /// connection must stay in step.
    #[track_caller]
    fn ask(&self, method: &str, fields: &str) -> Response {
        let fields = fields
            .replace("OPAQUE", self.tag.trim_start_matches("W/"))
            .replace("TAG", &self.tag)
            .replace("MODIFIED", &self.modified);
        let mut dialogue = self.server.dialogue();
        let request = line(&format!("{method} /robots.txt HTTP/1.1\r\n{fields}"));
        dialogue.send(request.clone() + FOLLOW);
        let answer = dialogue.response_to(method);
        if let Err(wrong) = well_formed(&answer, method) {
            panic!("{method} {fields:?}: {wrong}");
        }
        assert_eq!(
            dialogue.response().text(),
            "ok\n",
            "behind {method} {fields:?}"
        );
        let mut slowly = self.server.dialogue();
        slowly.send_slowly(request);
        let again = slowly.response_to(method);
        // The boundary between parts is the server's to choose, each time anew.
        if !answer
            .field("Content-Type")
            .is_some_and(|kind| kind.starts_with("multipart/"))
        {
            assert_eq!(
                answer.lasting().fields,
                again.lasting().fields,
                "{fields:?}"
            );
        }
        assert_eq!(
            answer.status, again.status,
            "{method} {fields:?} byte by byte"
        );
        answer
    }
}

#[test]
fn preconditions_are_judged_in_the_order_of_the_rfc() {
    let page = Page::new();
    let past = "Sat, 29 Oct 1994 19:43:31 GMT";
    let tags: [(&str, &str, &[u16]); 30] = [
        ("GET", "If-None-Match: TAG", &[304]),
        ("HEAD", "If-None-Match: TAG", &[304]),
        ("GET", "If-None-Match: \"a\", TAG, W/\"b,c\"", &[304]),
        ("GET", "If-None-Match: \"a\"\r\nIf-None-Match: TAG", &[304]),
        ("GET", "If-None-Match: W/OPAQUE", &[304]),
        ("GET", "If-None-Match: OPAQUE", &[304]),
        ("GET", "If-None-Match:\tTAG \t", &[304]),
        ("GET", "If-None-Match: *", &[304]),
        ("GET", "If-None-Match: \"other\"", &[200]),
        ("GET", "If-None-Match: \"a, b\", \"c\"", &[200]),
        ("GET", "If-None-Match: \"*\"", &[200]),
        (
            "GET",
            "If-None-Match: \"other\"\r\nIf-Modified-Since: MODIFIED",
            &[200],
        ),
        (
            "GET",
            "If-None-Match: TAG\r\nIf-Modified-Since: PAST",
            &[304],
        ),
        ("GET", "If-Modified-Since: MODIFIED", &[304]),
        ("HEAD", "If-Modified-Since: MODIFIED", &[304]),
        ("GET", "If-Modified-Since: PAST", &[200]),
        (
            "GET",
            "If-Modified-Since: Saturday, 29-Oct-94 19:43:31 GMT",
            &[200],
        ),
        ("GET", "If-Modified-Since: Sat Oct 29 19:43:31 1994", &[200]),
        ("GET", "If-Modified-Since: yesterday", &[200]),
        ("GET", "If-Modified-Since: ", &[200]),
        ("GET", "If-Match: TAG", &[200, 412]), // 412 only when TAG is weak, see below
        ("GET", "If-Match: *", &[200]),
        ("GET", "If-Match: \"other\"", &[412]),
        ("GET", "If-Match: W/OPAQUE", &[412]),
        ("HEAD", "If-Match: \"other\"", &[412]),
        ("GET", "If-Unmodified-Since: MODIFIED", &[200]),
        ("GET", "If-Unmodified-Since: PAST", &[412]),
        ("GET", "If-Unmodified-Since: yesterday", &[200]),
        ("GET", "If-Match: *\r\nIf-Unmodified-Since: PAST", &[200]),
        ("GET", "If-Match: \"other\"\r\nIf-None-Match: TAG", &[412]),
    ];
    for (method, fields, statuses) in tags {
        let answer = page.ask(method, &fields.replace("PAST", past));
        assert!(
            statuses.contains(&answer.status),
            "{method} {fields:?}: {answer:?}"
        );
        if answer.status == 304 {
            assert_eq!(answer.field("ETag"), Some(page.tag.as_str()), "{fields:?}");
            assert!(answer.body.is_empty());
        }
        if answer.status == 200 && method == "GET" {
            assert_eq!(answer.body, page.whole.body, "{fields:?}");
        }
    }
    let strong = !page.tag.starts_with("W/");
    let matched = page.ask("GET", "If-Match: TAG").status;
    assert_eq!(
        matched,
        if strong { 200 } else { 412 },
        "If-Match compares strongly"
    );
}

// ------------------------------------------------------------------------------ ranges (9110 14)

#[test]
fn a_single_range_is_exactly_those_bytes() {
    let page = Page::new();
    let size = page.whole.body.len();
    assert!(
        page.whole.lists("Accept-Ranges", "bytes"),
        "the page does not offer ranges"
    );
    for (range, first, last) in [
        ("bytes=0-3", 0, 3),
        ("bytes=2-4", 2, 4),
        ("bytes=0-0", 0, 0),
        ("bytes=4-", 4, size - 1),
        ("bytes=0-", 0, size - 1),
        ("bytes=-3", size - 3, size - 1),
        ("bytes=-1", size - 1, size - 1),
        ("bytes=2-99999999999", 2, size - 1),
        ("bytes=-99999999999", 0, size - 1),
    ] {
        let answer = page.ask("GET", &format!("Range: {range}"));
        let content = format!("bytes {first}-{last}/{size}");
        assert_eq!(answer.status, 206, "{range}: {answer:?}");
        assert_eq!(
            answer.field("Content-Range"),
            Some(content.as_str()),
            "{range}"
        );
        assert_eq!(answer.body, page.whole.body[first..=last], "{range}");
        assert_eq!(answer.field("ETag"), Some(page.tag.as_str()), "{range}");
    }
}

#[test]
fn a_range_that_cannot_be_met_is_refused_or_ignored() {
    let page = Page::new();
    let size = page.whole.body.len();
    let outside = format!("bytes={size}-");
    let rows: [(&str, &str, &[u16]); 19] = [
        ("GET", &outside, &[416]),
        ("GET", "bytes=99999999999-", &[416]),
        ("GET", "bytes=18446744073709551616-", &[200, 400, 416]),
        ("GET", "bytes=0-18446744073709551616", &[200, 206, 400, 416]),
        ("GET", "bytes=-0", &[200, 416]),
        ("GET", "lines=0-3", &[200]),
        ("GET", "bytes", &[200, 400, 416]),
        ("GET", "bytes=", &[200, 400, 416]),
        ("GET", "bytes=-", &[200, 400, 416]),
        ("GET", "bytes=abc", &[200, 400, 416]),
        ("GET", "bytes=5-2", &[200, 400, 416]),
        ("GET", "bytes=0-1-2", &[200, 400, 416]),
        ("GET", "bytes=+0-3", &[200, 400, 416]),
        ("GET", "bytes=0x0-3", &[200, 400, 416]),
        ("GET", "bytes=--3", &[200, 400, 416]),
        ("GET", "bytes:0-3", &[200, 400, 416]),
        ("GET", "bytes = 0-3", &[200, 206, 400, 416]),
        ("HEAD", "bytes=0-3", &[200]),
        ("HEAD", &outside, &[200]),
    ];
    for (method, range, statuses) in rows {
        let answer = page.ask(method, &format!("Range: {range}"));
        assert!(
            statuses.contains(&answer.status),
            "{method} {range}: {answer:?}"
        );
        match answer.status {
            416 => {
                let content = format!("bytes */{size}");
                assert_eq!(
                    answer.field("Content-Range"),
                    Some(content.as_str()),
                    "{range}"
                );
            }
            200 if method == "GET" => assert_eq!(answer.body, page.whole.body, "{range}"),
            _ => {}
        }
    }
}

#[test]
fn several_ranges_come_in_parts_or_as_the_whole() {
    let page = Page::new();
    let size = page.whole.body.len();
    let answer = page.ask("GET", "Range: bytes=0-1, 4-5");
    if answer.status == 206 {
        let kind = answer.field("Content-Type").unwrap();
        let (_, boundary) = kind
            .split_once("multipart/byteranges; boundary=")
            .expect(kind);
        let text = answer.text();
        let parts: Vec<_> = text
            .split(&format!("--{}", boundary.trim_matches('"')))
            .collect();
        assert_eq!(parts.len(), 4, "a preamble, two parts and an end: {text}");
        assert!(
            parts[3].starts_with("--"),
            "the last boundary says that it is: {text}"
        );
        for (part, (first, last)) in parts[1..3].iter().zip([(0, 1), (4, 5)]) {
            let (head, body) = part.split_once("\r\n\r\n").unwrap();
            let content = format!("content-range: bytes {first}-{last}/{size}");
            assert!(
                head.to_lowercase().contains(&content),
                "{content} is not in {head}"
            );
            let wanted = String::from_utf8_lossy(&page.whole.body[first..=last]);
            assert_eq!(body.strip_suffix("\r\n"), Some(&*wanted));
        }
    } else {
        assert_eq!((answer.status, &answer.body), (200, &page.whole.body));
    }
    // One of two can be met: that one, or all.
    let answer = page.ask("GET", "Range: bytes=0-1, 99999999-");
    assert!(matches!(answer.status, 200 | 206), "{answer:?}");
    // Five hundred times the page is an attack (9110 14.2).
    let flood = vec!["0-"; 500].join(",");
    let answer = page.ask("GET", &format!("Range: bytes={flood}"));
    assert!(matches!(answer.status, 200 | 206 | 400 | 416), "{answer:?}");
    assert!(
        answer.body.len() <= 2 * size + 2000,
        "{} bytes of {size}",
        answer.body.len()
    );
}

#[test]
fn if_range_gives_the_part_only_of_what_one_has() {
    let page = Page::new();
    let strong: &[u16] = if page.tag.starts_with("W/") {
        &[200]
    } else {
        &[206]
    };
    let rows: [(&str, &[u16]); 9] = [
        ("Range: bytes=0-3\r\nIf-Range: TAG", strong),
        ("Range: bytes=0-3\r\nIf-Range: \"other\"", &[200]),
        ("Range: bytes=0-3\r\nIf-Range: W/OPAQUE", &[200]),
        ("Range: bytes=0-3\r\nIf-Range: MODIFIED", &[200, 206]),
        (
            "Range: bytes=0-3\r\nIf-Range: Sat, 29 Oct 1994 19:43:31 GMT",
            &[200],
        ),
        ("If-Range: TAG", &[200]),
        ("Range: bytes=0-3\r\nIf-None-Match: TAG", &[304]),
        ("Range: bytes=0-3\r\nIf-Match: \"other\"", &[412]),
        ("Range: bytes=99999999-\r\nIf-Range: \"other\"", &[200]),
    ];
    for (fields, statuses) in rows {
        let answer = page.ask("GET", fields);
        assert!(statuses.contains(&answer.status), "{fields:?}: {answer:?}");
    }
}

// --------------------------------------------------------------------------------------- limits

#[test]
#[rustfmt::skip] // a table
fn heads_have_limits_and_the_answer_names_them() {
    use End::{Closes, Stays};
    let target = |size: usize| line(&format!("GET /{} HTTP/1.1", "a".repeat(size)));
    let count = |count: usize| get(&"X-A: b\r\n".repeat(count));
    let size = |size: usize| get(&format!("X-A: {}\r\n", "b".repeat(size)));
    let many =
        |lines: usize, size: usize| get(&format!("X-A: {}\r\n", "b".repeat(size)).repeat(lines));
    check([
        row("a target of 4 KiB", target(4096), &[404], Stays),
        row("a target of 8000 bytes", target(8000), &[404], Stays),
        row("a target of 9000 bytes", target(9000), &[414], Closes),
        row("a target of 128 KiB", target(131_072), &[414], Closes),
        row("a target without end", "GET /".to_owned() + &"a".repeat(20_000), &[414], Closes),
        row("a query of 9000 bytes", line(&format!("GET /?{} HTTP/1.1", "a".repeat(9000))), &[414],
            Closes),
        row("a method of 9000 bytes", line(&format!("{} / HTTP/1.1", "A".repeat(9000))),
            &[400, 414, 431, 501], Closes),
        row("a hundred fields", count(99), &[200], Stays),
        row("a hundred and one fields", count(100), &[431], Closes),
        row("two thousand fields", count(2000), &[431], Closes),
        row("a field of 20 KiB", size(20 << 10), &[200], Stays),
        row("a field of 30 KiB", size(30 << 10), &[200], Stays),
        row("a field of 34 KiB", size(34 << 10), &[431], Closes),
        row("a field of 256 KiB", size(256 << 10), &[431], Closes),
        row("34 KiB in 34 fields", many(34, 1024), &[431], Closes),
        row("28 KiB in 28 fields", many(28, 1000), &[200], Stays),
        row("a field without end",
            bare("Host: a\r\nX-A: ").trim_end().to_owned() + &"b".repeat(40_000), &[431], Closes),
        row("a name of 34 KiB", get(&format!("{}: b\r\n", "X".repeat(34 << 10))), &[431], Closes),
    ]);
}

#[test]
fn a_body_in_chunks_over_the_limit_is_refused_on_the_way() {
    let server = Server::echo();
    let mut dialogue = server.dialogue();
    let mut sender = dialogue.sender();
    dialogue.send(chunked(""));
    thread::scope(|scope| {
        scope.spawn(move || {
            let chunk = format!("10000\r\n{}\r\n", "x".repeat(65536));
            // 24 MiB, or as much of it as the server lets in.
            (0..384).all(|_| sender.write_all(chunk.as_bytes()).is_ok())
        });
        let answer = dialogue.response();
        assert_eq!(answer.status, 413, "{answer:?}");
        assert!(answer.says_close(), "{answer:?}");
        dialogue.closed();
    });
    assert!(
        server.rss_kib() < 256 << 10,
        "{} KiB for a body of 16 MiB",
        server.rss_kib()
    );
}

// ------------------------------------------------------------------------------- ends, big bodies

#[test]
fn a_client_that_has_said_all_still_gets_its_answer() {
    let server = Server::echo();
    for (request, body) in [
        (get(""), "ok\n"),
        (post("Content-Length: 5\r\n", "hello"), "hello"),
        (chunked(HELLO_CHUNKS), "hello"),
        (
            post("Content-Length: 5\r\nExpect: 100-continue\r\n", "hello"),
            "hello",
        ),
    ] {
        let mut dialogue = server.dialogue();
        dialogue.send(request.repeat(3));
        dialogue.finish();
        for number in 0..3 {
            let answer = dialogue.response();
            assert_eq!(
                (answer.status, answer.text().as_str()),
                (200, body),
                "{number}"
            );
        }
        dialogue.closed();
    }
}

#[test]
fn a_request_cut_short_is_not_taken_for_a_whole_one() {
    let server = Server::echo();
    for part in [
        "GET /healthz HTT".to_owned(),
        "GET /healthz HTTP/1.1\r\nHost: a.example\r\n".to_owned(),
        "GET /healthz HTTP/1.1\r\nHost: a.example\r\n\r".to_owned(),
        post("Content-Length: 10\r\n", "hello"),
        chunked("5\r\nhel"),
        chunked("5\r\nhello\r\n"),
        chunked("5\r\nhello\r\n0\r\n"),
        chunked("5\r\nhello\r\n0\r\nX-A: b\r\n"),
    ] {
        let mut dialogue = server.dialogue();
        dialogue.send(&part);
        dialogue.finish();
        if dialogue.try_closed().is_err() {
            let answer = dialogue.response();
            assert!((400..500).contains(&answer.status), "{part:?}: {answer:?}");
            assert!(answer.says_close(), "{part:?}: {answer:?}");
            dialogue.closed();
        }
    }
}

#[test]
fn a_connection_without_a_request_ends_without_a_word() {
    let server = Server::echo();
    let mut dialogue = server.dialogue();
    dialogue.finish();
    dialogue.closed();
    let mut dialogue = server.dialogue();
    dialogue.send(GET);
    assert_eq!(dialogue.response().status, 200);
    dialogue.finish();
    dialogue.closed();
}

#[test]
fn clients_that_leave_leave_nothing_behind() {
    let server = Server::echo();
    let ask = || {
        let mut dialogue = server.dialogue();
        dialogue.send(GET);
        assert_eq!(dialogue.response().status, 200);
        dialogue
    };
    drop(ask());
    let before = server.descriptors();
    for number in 0..100 {
        let mut dialogue = ask();
        match number % 5 {
            0 => dialogue.send("GET /heal"),
            1 => dialogue.send(post("Content-Length: 1000000\r\n", "hello")),
            2 => dialogue.send(chunked("ffff\r\nhello")),
            3 => dialogue.send(GET.repeat(20)), // and closes with answers unread: a reset
            _ => {}
        }
    }
    eventually("every descriptor is given back", || {
        server.descriptors() <= before
    });
    drop(ask());
}

#[test]
fn a_hundred_connections_are_served_side_by_side() {
    let server = Server::echo();
    let mut dialogues: Vec<Dialogue> = (0..100).map(|_| server.dialogue()).collect();
    for (number, dialogue) in dialogues.iter_mut().enumerate() {
        dialogue.send(post("Content-Length: 8\r\n", &format!("{number:04}")));
    }
    for (number, dialogue) in dialogues.iter_mut().enumerate().rev() {
        dialogue.send(format!("{number:04}"));
        assert_eq!(
            dialogue.response().text(),
            format!("{number:04}{number:04}")
        );
    }
}

/// Bytes that differ everywhere, so that a piece lost, doubled or moved shows.
fn noise(seed: &mut Seed, size: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..size.div_ceil(8))
        .flat_map(|_| seed.bits().to_le_bytes())
        .collect();
    bytes.truncate(size);
    bytes
}

#[test]
fn five_mebibytes_come_back_to_a_slow_reader() {
    let server = Server::echo();
    let body = noise(&mut Seed::new(1), 5 << 20);
    let mut dialogue = server.dialogue();
    dialogue.send(post(&format!("Content-Length: {}\r\n", body.len()), ""));
    // All of it goes out before anything is read back: the answer waits in the server.
    dialogue.send(&body);
    let head = dialogue.head_alone();
    assert_eq!(head.status, 200);
    assert_eq!(
        head.field("Content-Length"),
        Some(body.len().to_string().as_str())
    );
    for (number, piece) in body.chunks(4099).enumerate() {
        assert!(
            dialogue.exactly(piece.len()) == piece,
            "piece {number} differs"
        );
    }
    dialogue.send(FOLLOW);
    assert_eq!(dialogue.response().text(), "ok\n");
    dialogue.closed();
}

#[test]
fn the_largest_permitted_body_comes_back() {
    let server = Server::echo();
    let body = noise(&mut Seed::new(2), 16 << 20);
    let mut dialogue = server.dialogue();
    let mut sender = dialogue.sender();
    let request = [post("Content-Length: 16777216\r\n", "").as_bytes(), &body].concat();
    thread::scope(|scope| {
        // Fails when the reader below has given up, and then that is the failure to read about.
        scope.spawn(move || _ = sender.write_all(&request));
        let answer = dialogue.response();
        assert_eq!(answer.status, 200);
        assert!(answer.body == body, "the body differs");
    });
}

#[test]
fn bodies_in_random_chunks_and_random_pieces_come_back_identically() {
    let server = Server::echo();
    let mut dialogue = server.dialogue();
    for number in 0..40 {
        let mut seed = Seed::new(number);
        let size = [0, 1, 100, 5000, 70_000][usize::try_from(number % 5).unwrap()];
        let body = noise(&mut seed, size);
        let up_to = |seed: &mut Seed, most: u64| usize::try_from(1 + seed.below(most)).unwrap();
        let chunk_max = [3, 50, 4096, 40_000][usize::try_from(number % 4).unwrap()];
        let mut request = chunked("").into_bytes();
        let mut rest = body.as_slice();
        while !rest.is_empty() {
            let (chunk, more) = rest.split_at(up_to(&mut seed, chunk_max).min(rest.len()));
            let extension = if seed.once_in(4) { ";a=\"b\"" } else { "" };
            request.extend(format!("{:x}{extension}\r\n", chunk.len()).bytes());
            request.extend(chunk);
            request.extend(b"\r\n");
            rest = more;
        }
        request.extend(b"0\r\n");
        request.extend(if seed.once_in(3) {
            &b"X-A: b\r\n\r\n"[..]
        } else {
            b"\r\n"
        });
        let mut rest = request.as_slice();
        while !rest.is_empty() {
            let (piece, more) = rest.split_at(up_to(&mut seed, 3000).min(rest.len()));
            dialogue.send(piece);
            rest = more;
        }
        let answer = dialogue.response();
        assert_eq!(answer.status, 200, "seed {number}");
        assert!(answer.body == body, "seed {number}: the body differs");
    }
}

// ---------------------------------------------------- the handshake of WebSockets (6455 4.2, 4.4)

/// A right handshake, and the same with one piece replaced.
fn upgrade(from: &str, to: &str) -> String {
    let right = "GET /echo HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\n\
                 Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
                 Sec-WebSocket-Version: 13\r\n\r\n";
    assert!(right.contains(from), "{from:?} is not in a handshake");
    right.replacen(from, to, 1)
}

#[test]
fn a_right_handshake_is_switched() {
    let server = Server::echo();
    for request in [
        upgrade("", ""),
        upgrade("websocket", "WebSocket"),
        upgrade("Connection: Upgrade", "Connection: keep-alive, upgrade"),
        upgrade("Sec-WebSocket-Key", "sec-websocket-key"),
    ] {
        let mut dialogue = server.dialogue();
        // A ping in the same packet: the hand-over loses nothing.
        dialogue.send([request.as_bytes(), b"\x89\x82\0\0\0\0hi"].concat());
        let answer = dialogue.response();
        assert_eq!(answer.status, 101, "{request}");
        assert!(answer.lists("Upgrade", "websocket"), "{answer:?}");
        assert!(answer.lists("Connection", "upgrade"), "{answer:?}");
        assert_eq!(
            answer.field("Sec-WebSocket-Accept"),
            Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        );
        assert_eq!(
            answer.field("Sec-WebSocket-Extensions"),
            None,
            "nothing was offered"
        );
        assert_eq!(
            answer.field("Sec-WebSocket-Protocol"),
            None,
            "nothing was offered"
        );
        assert_eq!(dialogue.exactly(4), b"\x8a\x02hi");
    }
}

#[test]
#[rustfmt::skip] // a table
fn a_wrong_handshake_is_an_ordinary_request() {
    use End::Says;
    let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    check([
        row("no upgrade at all", line("GET /echo HTTP/1.1"), &[426], Says),
        row("no Upgrade", upgrade("Upgrade: websocket\r\n", ""), &[400, 426], Says),
        row("no Connection", upgrade("Connection: Upgrade\r\n", ""), &[400, 426], Says),
        row("another protocol", upgrade("websocket", "h2c"), &[400, 426], Says),
        row("no key", upgrade(key, ""), &[400], Says),
        row("two keys", upgrade(key, &key.repeat(2)), &[400], Says),
        row("a short key", upgrade("dGhlIHNhbXBsZSBub25jZQ==", "OCBieXRlcy4="), &[400], Says),
        row("a key that is no base64", upgrade("dGhlIHNhbXBs", "!!!!!!!!!!!!"), &[400], Says),
        row("no version", upgrade("Sec-WebSocket-Version: 13\r\n", ""), &[400, 426], Says),
        row("another version", upgrade("Version: 13", "Version: 12"), &[400, 426], Says),
        row("POST", upgrade("GET", "POST"), &[400, 405, 411, 426], Says),
    ]);
    let server = Server::echo();
    for (request, name, value) in [
        (line("GET /echo HTTP/1.1"), "Upgrade", "websocket"),
        (
            upgrade("Version: 13", "Version: 12"),
            "Sec-WebSocket-Version",
            "13",
        ),
    ] {
        let mut dialogue = server.dialogue();
        dialogue.send(&request);
        let answer = dialogue.response();
        assert_eq!(answer.status, 426, "{request}");
        assert!(
            answer.lists(name, value),
            "{name} does not say {value}: {answer:?}"
        );
    }
    let mut dialogue = server.dialogue();
    dialogue.send(upgrade("HTTP/1.1", "HTTP/1.0"));
    assert_ne!(
        dialogue.response().status,
        101,
        "HTTP/1.0 cannot be upgraded (9110 7.8)"
    );
    dialogue.closed();
}
