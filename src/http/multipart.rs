//! # Multipart forms: files and fields from a browser
//!
//! `multipart/form-data` (RFC 7578, RFC 2046 5.1), read while it arrives: a part of any size passes
//! through in pieces that borrow from the input. Start reading at [`Multipart::decode`].
//!
//! Promises
//! 1. The same bytes give the same parts, however they were cut; each byte is looked at a bounded
//!    number of times.
//! 2. A line that begins with the boundary is a delimiter, wherever it stands: nobody can read a
//!    part where another reads content.
//! 3. Between two calls nothing is kept but how much of a delimiter was seen, and the head of a part
//!    until it is whole, which has its bound.
//! 4. Any bytes end in steps or one [`MultipartFault`], which is final and remembered.
//!
//! Never knows: where parts go, how many bytes all of them may have (the bound of the body), what a
//! content type means.

mod boundary;
mod fault;
mod part;
#[cfg(any(test, fuzzing))]
pub(super) mod properties;

use std::ops::Range;

use memchr::memmem::Finder;

pub use boundary::Boundary;
pub use fault::MultipartFault;
pub use part::Part;

/// What stands before a boundary, and behind whatever comes before.
const LEAD: &[u8] = b"\r\n--";
/// The CRLF of it, which a body, or a part whose head just ended, does not have to repeat.
const CRLF: usize = 2;

/// Bounds of what is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MultipartLimits {
    /// Parts of a form; more are 413. Go reads 1000 of them.
    pub parts_max: u32,
    /// Bytes of a part's head with its line ends; longer ones are 413. A file's name has 255 bytes,
    /// of which each may come as three, and the name of its field is as long as the app likes.
    pub head_bytes_max: usize,
    /// Fields of a part's head; more are 413. Browsers send two.
    pub fields_max: usize,
}

impl Default for MultipartLimits {
    fn default() -> Self {
        Self {
            parts_max: 1000,
            head_bytes_max: 4 << 10,
            fields_max: 16,
        }
    }
}

/// What the next bytes of a form are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step<'i> {
    /// A part begins.
    Begin {
        /// How many bytes of the input are done with.
        used: usize,
        /// What its head says.
        part: Part,
    },
    /// A piece of the part's content, never empty.
    Piece {
        /// How many bytes of the input are done with.
        used: usize,
        /// The piece.
        bytes: &'i [u8],
    },
    /// The part is whole.
    End {
        /// How many bytes of the input are done with.
        used: usize,
    },
    /// That was the last part; what may still come is thrown away.
    Finished {
        /// How many bytes of the input are done with.
        used: usize,
    },
    /// All of the input is done with, and more is needed.
    More,
    /// A rule was broken, and nothing that follows can be understood.
    Broken(MultipartFault),
}

/// Reads one form.
///
/// ```
/// use parlour::http::multipart::{Boundary, Multipart, MultipartLimits, Step};
///
/// let boundary = Boundary::of(b"multipart/form-data; boundary=xyz").unwrap();
/// let mut form = Multipart::new(&boundary, MultipartLimits::default());
/// let mut input: &[u8] =
///     b"--xyz\r\nContent-Disposition: form-data; name=\"say\"\r\n\r\nhello\r\n--xyz--\r\n";
/// let mut said = Vec::new();
/// loop {
///     let used = match form.decode(input) {
///         Step::Begin { used, part } => {
///             assert_eq!(part.name, "say");
///             used
///         }
///         Step::Piece { used, bytes } => {
///             said.extend_from_slice(bytes);
///             used
///         }
///         Step::End { used } | Step::Finished { used } => used,
///         Step::More => break,
///         Step::Broken(fault) => panic!("{fault}"),
///     };
///     input = &input[used..];
/// }
/// assert_eq!((said.as_slice(), form.ended()), (&b"hello"[..], Ok(())));
/// ```
#[derive(Debug)]
pub struct Multipart {
    /// Looks for CRLF, two hyphens and the boundary.
    delimiter: Finder<'static>,
    limits: MultipartLimits,
    stage: Stage,
    parts: u32,
    /// The head of a part, as far as it came.
    head: Vec<u8>,
}

/// Where in a form we are. `seen` is how many bytes of a delimiter the input ended with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Before the first delimiter.
    Preamble {
        seen: usize,
    },
    /// Behind a delimiter, in what must be the rest of its line.
    Delimiter(Line),
    /// In the head of a part; its last line begins here.
    Head {
        line: usize,
    },
    /// In the content of a part. The first `lent` bytes of what was seen are not its own: they are
    /// the end of its head.
    Content {
        seen: usize,
        lent: usize,
    },
    /// Behind the content of a part, of which nobody has been told yet that it is whole.
    Whole,
    /// Behind the last delimiter.
    Epilogue,
    Broken(MultipartFault),
}

/// The line of a delimiter behind the boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Line {
    Start,
    Hyphen,
    Padding,
    Return,
}

/// What was found, before it borrows anything.
enum Found {
    Begin(Part),
    /// Content in the input.
    Piece(Range<usize>),
    /// Content that looked like a delimiter until now: so it has the delimiter's bytes.
    Refuted(Range<usize>),
    End,
    Finished,
    More,
}

/// What a search for the next delimiter comes to.
enum Search {
    /// It is there: what stands before it, and where it ends.
    Delimiter { content: usize, end: usize },
    /// It is not there, but may begin behind this content with so many bytes.
    Open { content: usize, seen: usize },
    /// What was seen before is no delimiter.
    Refuted,
}

impl Multipart {
    /// A form that begins.
    pub fn new(boundary: &Boundary, limits: MultipartLimits) -> Self {
        let delimiter = [LEAD, boundary.as_bytes()].concat();
        Self {
            delimiter: Finder::new(&delimiter).into_owned(),
            limits,
            stage: Stage::Preamble { seen: CRLF },
            parts: 0,
            head: Vec::new(),
        }
    }

    /// Says what comes next. Call it with the rest of the input until that is [`Step::More`], then
    /// with what arrives next.
    pub fn decode<'i>(&'i mut self, input: &'i [u8]) -> Step<'i> {
        match self.advance(input) {
            Ok((used, Found::Begin(part))) => Step::Begin { used, part },
            Ok((used, Found::Piece(at))) => Step::Piece {
                used,
                bytes: &input[at],
            },
            Ok((used, Found::Refuted(at))) => Step::Piece {
                used,
                bytes: &self.delimiter.needle()[at],
            },
            Ok((used, Found::End)) => Step::End { used },
            Ok((used, Found::Finished)) => Step::Finished { used },
            Ok((_, Found::More)) => Step::More,
            Err(fault) => {
                self.stage = Stage::Broken(fault);
                self.head = Vec::new();
                Step::Broken(fault)
            }
        }
    }

    /// The body ends here: that is right only behind the last delimiter.
    pub const fn ended(&self) -> Result<(), MultipartFault> {
        match self.stage {
            Stage::Epilogue => Ok(()),
            Stage::Broken(fault) => Err(fault),
            _ => Err(MultipartFault::CutShort),
        }
    }

    fn advance(&mut self, input: &[u8]) -> Result<(usize, Found), MultipartFault> {
        let mut used = 0;
        loop {
            let rest = &input[used..];
            match self.stage {
                Stage::Preamble { seen } => match self.search(seen, rest) {
                    Search::Delimiter { end, .. } => {
                        self.stage = Stage::Delimiter(Line::Start);
                        used += end;
                    }
                    Search::Open { seen, .. } => {
                        self.stage = Stage::Preamble { seen };
                        return Ok((input.len(), Found::More));
                    }
                    Search::Refuted => self.stage = Stage::Preamble { seen: 0 },
                },
                Stage::Delimiter(line) => {
                    let Some((&byte, _)) = rest.split_first() else {
                        return Ok((used, Found::More));
                    };
                    used += 1;
                    self.stage = self.behind_boundary(line, byte)?;
                    if self.stage == Stage::Epilogue {
                        return Ok((used, Found::Finished));
                    }
                }
                Stage::Head { line } => {
                    let end = memchr::memchr(b'\n', rest).map(|at| at + 1);
                    let taken = end.unwrap_or(rest.len());
                    if self.head.len() + taken > self.limits.head_bytes_max {
                        return Err(MultipartFault::LongHead);
                    }
                    self.head.extend_from_slice(&rest[..taken]);
                    used += taken;
                    if end.is_none() {
                        return Ok((used, Found::More));
                    }
                    match &self.head[line..] {
                        b"\r\n" => {
                            let part = Part::read(&self.head, self.limits.fields_max)?;
                            self.head.clear();
                            self.stage = Stage::Content {
                                seen: CRLF,
                                lent: CRLF,
                            };
                            return Ok((used, Found::Begin(part)));
                        }
                        [.., b'\r', b'\n'] => {
                            let line = self.head.len();
                            self.stage = Stage::Head { line };
                        }
                        _ => return Err(MultipartFault::BareLineFeed),
                    }
                }
                Stage::Content { seen, lent } => {
                    let content = match self.search(seen, rest) {
                        Search::Delimiter { content, end } => {
                            self.stage = Stage::Whole;
                            let at = used;
                            used += end;
                            at..at + content
                        }
                        Search::Open { content, seen } => {
                            self.stage = Stage::Content { seen, lent };
                            let at = used;
                            used = input.len();
                            at..at + content
                        }
                        Search::Refuted => {
                            self.stage = Stage::Content { seen: 0, lent: 0 };
                            if lent < seen {
                                return Ok((used, Found::Refuted(lent..seen)));
                            }
                            continue;
                        }
                    };
                    if !content.is_empty() {
                        return Ok((used, Found::Piece(content)));
                    }
                    if self.stage != Stage::Whole {
                        return Ok((used, Found::More));
                    }
                }
                Stage::Whole => {
                    self.stage = Stage::Delimiter(Line::Start);
                    return Ok((used, Found::End));
                }
                Stage::Epilogue => return Ok((input.len(), Found::More)),
                Stage::Broken(fault) => return Err(fault),
            }
        }
    }

    /// Looks for a delimiter of which the first `seen` bytes came before `rest`. Its CR stands
    /// nowhere else in it, so what is refuted behind some bytes cannot begin again among them.
    fn search(&self, seen: usize, rest: &[u8]) -> Search {
        let delimiter = self.delimiter.needle();
        if seen > 0 {
            let wanted = &delimiter[seen..];
            if rest.starts_with(wanted) {
                let end = wanted.len();
                return Search::Delimiter { content: 0, end };
            }
            if wanted.starts_with(rest) {
                let seen = seen + rest.len();
                return Search::Open { content: 0, seen };
            }
            return Search::Refuted;
        }
        if let Some(content) = self.delimiter.find(rest) {
            let end = content + delimiter.len();
            return Search::Delimiter { content, end };
        }
        let tail = rest.len().saturating_sub(delimiter.len() - 1);
        let begun = memchr::memrchr(b'\r', &rest[tail..]).map(|at| tail + at);
        let content = begun
            .filter(|&at| delimiter.starts_with(&rest[at..]))
            .unwrap_or(rest.len());
        let seen = rest.len() - content;
        Search::Open { content, seen }
    }

    /// RFC 2046 5.1.1: two hyphens behind the last boundary; behind the others the end of the line,
    /// perhaps with white space before it.
    fn behind_boundary(&mut self, line: Line, byte: u8) -> Result<Stage, MultipartFault> {
        Ok(match (line, byte) {
            (Line::Start, b'-') => Stage::Delimiter(Line::Hyphen),
            (Line::Hyphen, b'-') => Stage::Epilogue,
            (Line::Start | Line::Padding, b' ' | b'\t') => Stage::Delimiter(Line::Padding),
            (Line::Start | Line::Padding, b'\r') => Stage::Delimiter(Line::Return),
            (Line::Return, b'\n') if self.parts == self.limits.parts_max => {
                return Err(MultipartFault::TooManyParts);
            }
            (Line::Return, b'\n') => {
                self.parts += 1;
                Stage::Head { line: 0 }
            }
            _ => return Err(MultipartFault::BadDelimiter),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::properties::steps;
    use super::*;

    const A: &str = "Content-Disposition: form-data; name=\"a\"\r\n\r\n";

    /// What comes of a form whose boundary is `b`, whole and byte by byte.
    fn check_within(limits: MultipartLimits, form: &str, expected: &[&str]) {
        let boundary = Boundary::of(b"multipart/form-data; boundary=b").unwrap();
        let form = form.replace("{A}", A);
        let form = form.as_bytes();
        let found = steps(&boundary, limits, &[form]);
        assert_eq!(found, expected, "{}", form.escape_ascii());
        let singles: Vec<&[u8]> = form.chunks(1).collect();
        assert_eq!(steps(&boundary, limits, &singles), expected, "byte by byte");
    }

    fn check(form: &str, expected: &[&str]) {
        check_within(MultipartLimits::default(), form, expected);
    }

    #[test]
    fn parts_stand_between_delimiters() {
        check("--b--", &["Finished", "Ok"]);
        check("--b--\r\n", &["Finished", "Ok"]);
        check(
            "--b\r\n{A}hello\r\n--b--\r\n",
            &["Begin a", "\"hello\"", "End", "Finished", "Ok"],
        );
        check(
            "--b\r\n{A}1\r\n--b\r\n{A}\r\n--b\r\n{A}2\r\n--b--",
            &[
                "Begin a", "\"1\"", "End", "Begin a", "End", "Begin a", "\"2\"", "End", "Finished",
                "Ok",
            ],
        );
        check(
            "--b \t\r\n{A}1\r\n--b--",
            &["Begin a", "\"1\"", "End", "Finished", "Ok"],
        );
    }

    #[test]
    fn what_is_before_and_behind_is_nobodys() {
        let one = ["Begin a", "\"1\"", "End", "Finished", "Ok"];
        check("preamble\r\n--b\r\n{A}1\r\n--b--epilogue", &one);
        check("\r\n--b\r\n{A}1\r\n--b--\r\n--b\r\n{A}2", &one);
        check("--\r\n--\r\n--a\r\n--b\r\n{A}1\r\n--b--", &one);
        check("x--b\r\n--b\r\n{A}1\r\n--b--", &one);
    }

    #[test]
    fn what_only_looks_like_a_delimiter_is_content() {
        for content in [
            "--b",
            "-",
            "\r",
            "\n",
            "\r\n",
            "\r\n-",
            "\r\n--",
            "\r\n--a",
            "\r\r\n--",
            "\n--b",
            "\r--b",
            "\r\n\r\n--\r\n-",
            "x\r\n --b",
            "\r\n-\r\n--c--b",
        ] {
            let form = format!("--b\r\n{A}x{content}\r\n--b--");
            let text = format!("\"x{}\"", content.escape_default());
            check(&form, &["Begin a", &text, "End", "Finished", "Ok"]);
        }
    }

    #[test]
    fn a_line_that_begins_with_the_boundary_is_a_delimiter() {
        // Also where a part has no content and no line end of its own.
        check(
            "--b\r\n{A}--b\r\n{A}--b--",
            &["Begin a", "End", "Begin a", "End", "Finished", "Ok"],
        );
        check(
            "--b\r\n{A}-\r\n--b--",
            &["Begin a", "\"-\"", "End", "Finished", "Ok"],
        );
        check(
            "--b\r\n{A}x\r\n--bc",
            &["Begin a", "\"x\"", "End", "BadDelimiter"],
        );
        check("--bc\r\n", &["BadDelimiter"]);
        check("--b\n", &["BadDelimiter"]);
        check("--b\r\r", &["BadDelimiter"]);
        check("--b-\r\n", &["BadDelimiter"]);
        check("--b - -", &["BadDelimiter"]);
    }

    #[test]
    fn a_form_is_over_with_its_last_delimiter_only() {
        let cut = "CutShort";
        check("", &[cut]);
        check("--b", &[cut]);
        check("--b-", &[cut]);
        check("no form at all", &[cut]);
        check("--b\r\n", &[cut]);
        check("--b\r\nContent-Dis", &[cut]);
        check("--b\r\n{A}", &["Begin a", cut]);
        check("--b\r\n{A}x", &["Begin a", "\"x\"", cut]);
        check("--b\r\n{A}x\r\n--", &["Begin a", "\"x\"", cut]);
        check("--b\r\n{A}x\r\n--b", &["Begin a", "\"x\"", "End", cut]);
        check("--b\r\n{A}x\r\n--b\r\n", &["Begin a", "\"x\"", "End", cut]);
    }

    #[test]
    fn a_head_has_lines_that_end_in_crlf() {
        check(
            "--b\r\nContent-Disposition: form-data; name=a\n\n",
            &["BareLineFeed"],
        );
        check("--b\r\n\n", &["BareLineFeed"]);
        check("--b\r\n\r\nx\r\n--b--", &["NoDisposition"]);
        let within = |head_bytes_max, fields_max, parts_max| MultipartLimits {
            parts_max,
            head_bytes_max,
            fields_max,
        };
        let form = "--b\r\n{A}\r\n--b\r\n{A}\r\n--b--";
        let whole = ["Begin a", "End", "Begin a", "End", "Finished", "Ok"];
        check_within(within(A.len(), 1, 2), form, &whole);
        check_within(within(A.len() - 1, 1, 2), form, &["LongHead"]);
        check_within(within(A.len(), 0, 2), form, &["TooManyFields"]);
        let first = ["Begin a", "End", "TooManyParts"];
        check_within(within(A.len(), 1, 1), form, &first);
        check_within(within(0, 0, 0), "--b--", &["Finished", "Ok"]);
        let endless = format!("--b\r\n{}", "x".repeat(100));
        check_within(within(50, 1, 1), &endless, &["LongHead"]);
    }

    #[test]
    fn what_other_programs_write_is_read() {
        let check = |boundary: &str, form: &str, expected: &[&str]| {
            let content_type = format!("multipart/form-data; boundary={boundary}");
            let boundary = Boundary::of(content_type.as_bytes()).unwrap();
            let found = steps(&boundary, MultipartLimits::default(), &[form.as_bytes()]);
            assert_eq!(found, expected);
        };
        // curl 7.88
        check(
            "------------------------aa5ff653c64517d7",
            "--------------------------aa5ff653c64517d7\r\n\
             Content-Disposition: form-data; name=\"say\"\r\n\r\n\
             hello\r\n\
             --------------------------aa5ff653c64517d7\r\n\
             Content-Disposition: form-data; name=\"file\"; filename=\"na%22ïve\\.txt\"\r\n\
             Content-Type: text/plain\r\n\r\n\
             hi\r\n\r\n\
             --------------------------aa5ff653c64517d7--\r\n",
            &[
                "Begin say",
                "\"hello\"",
                "End",
                "Begin file file=na\\\"ïve\\\\.txt type=text/plain",
                "\"hi\\r\\n\"",
                "End",
                "Finished",
                "Ok",
            ],
        );
        // Node.js 20
        check(
            "----formdata-undici-025782100917",
            "------formdata-undici-025782100917\r\n\
             Content-Disposition: form-data; name=\"n%22é%0D%0A\"; filename=\"a%0Ab.txt\"\r\n\
             Content-Type: text/plain\r\n\r\n\
             hi\r\n\
             ------formdata-undici-025782100917\r\n\
             Content-Disposition: form-data; name=\"none\"\r\n\
             Content-Type: application/octet-stream\r\n\r\n\r\n\
             ------formdata-undici-025782100917--\r\n",
            &[
                "Begin n\\\"é\\r\\n file=a\\nb.txt type=text/plain",
                "\"hi\"",
                "End",
                "Begin none type=application/octet-stream",
                "End",
                "Finished",
                "Ok",
            ],
        );
    }

    #[test]
    fn a_fault_is_final() {
        let boundary = Boundary::of(b"multipart/form-data; boundary=b").unwrap();
        let mut form = Multipart::new(&boundary, MultipartLimits::default());
        let fault = MultipartFault::BadDelimiter;
        assert_eq!(form.decode(b"--bx"), Step::Broken(fault));
        assert_eq!(form.decode(b"--b--"), Step::Broken(fault));
        assert_eq!(form.ended(), Err(fault));
    }
}
