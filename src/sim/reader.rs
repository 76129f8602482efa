//! # Reader: responses, as a client reads them
//!
//! Written without looking at how they are made, on another parser of heads, and strict: what a
//! careless client would forgive is a failure here.

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) fields: Vec<(String, Vec<u8>)>,
    pub(super) body: Vec<u8>,
    pub(super) closes: bool,
}

#[derive(Debug, Default)]
enum Part {
    #[default]
    Head,
    Fixed(usize),
    ChunkLine,
    Chunk(usize),
    ChunkEnd,
    Trailers,
    UntilEnd,
}

/// Reads answers one after the other.
#[derive(Debug, Default)]
pub(super) struct Reader {
    bytes: Vec<u8>,
    part: Part,
    answer: Option<Answered>,
}

impl Reader {
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Whether nothing is begun.
    pub(super) const fn idle(&self) -> bool {
        self.bytes.is_empty() && self.answer.is_none()
    }

    /// What was received beyond the last answer.
    pub(super) fn into_rest(self) -> Vec<u8> {
        self.bytes
    }

    /// What is begun of an answer's body.
    pub(super) fn begun(&self) -> Option<&Answered> {
        self.answer.as_ref()
    }

    /// The next answer, if it is whole. `ended` says that nothing more will come.
    pub(super) fn next(&mut self, head_only: bool, ended: bool) -> Option<Answered> {
        loop {
            match self.part {
                Part::Head => self.head(head_only)?,
                Part::Fixed(0) => return self.whole(),
                Part::Fixed(left) => {
                    let taken = self.take_body(left)?;
                    self.part = Part::Fixed(left - taken);
                }
                Part::ChunkLine => {
                    let line = self.line()?;
                    let digits = str::from_utf8(&line).expect("a chunk line is ASCII");
                    let size = usize::from_str_radix(digits, 16).expect("a chunk size is hex");
                    self.part = if size == 0 {
                        Part::Trailers
                    } else {
                        Part::Chunk(size)
                    };
                }
                Part::Chunk(0) => self.part = Part::ChunkEnd,
                Part::Chunk(left) => {
                    let taken = self.take_body(left)?;
                    self.part = Part::Chunk(left - taken);
                }
                Part::ChunkEnd => {
                    assert_eq!(self.line()?, b"", "a chunk ends with its line");
                    self.part = Part::ChunkLine;
                }
                Part::Trailers => {
                    if self.line()?.is_empty() {
                        return self.whole();
                    }
                }
                Part::UntilEnd => {
                    self.take_body(usize::MAX);
                    return if ended { self.whole() } else { None };
                }
            }
        }
    }

    fn whole(&mut self) -> Option<Answered> {
        self.part = Part::Head;
        self.answer.take()
    }

    fn take_body(&mut self, left: usize) -> Option<usize> {
        let count = left.min(self.bytes.len());
        if let Some(answer) = &mut self.answer {
            answer.body.extend(self.bytes.drain(..count));
        }
        (count > 0).then_some(count)
    }

    fn line(&mut self) -> Option<Vec<u8>> {
        let end = self.bytes.windows(2).position(|pair| pair == b"\r\n")?;
        let mut line: Vec<u8> = self.bytes.drain(..end + 2).collect();
        line.truncate(end);
        Some(line)
    }

    fn head(&mut self, head_only: bool) -> Option<()> {
        let end = self.bytes.windows(4).position(|four| four == b"\r\n\r\n")? + 4;
        let head: Vec<u8> = self.bytes.drain(..end).collect();
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut response = httparse::Response::new(&mut fields);
        let shown = head.escape_ascii();
        response
            .parse(&head)
            .unwrap_or_else(|error| panic!("no response is read from {shown}: {error}"));
        let status = response.code.unwrap_or_default();
        let named = |name: &str| {
            let same = |field: &&httparse::Header<'_>| field.name.eq_ignore_ascii_case(name);
            let values: Vec<&[u8]> = response
                .headers
                .iter()
                .filter(same)
                .map(|f| f.value)
                .collect();
            assert!(values.len() <= 1, "{name} comes twice in {shown}");
            values.first().copied()
        };
        let closes = named("connection") == Some(b"close");
        let length = named("content-length").map(|value| {
            let digits = str::from_utf8(value).expect("a length is ASCII");
            digits.parse().expect("a length is decimal")
        });
        let chunked = named("transfer-encoding") == Some(b"chunked");
        assert!(length.is_none() || !chunked, "two lengths in {shown}");
        assert!(
            status < 200 || named("date").is_some(),
            "no date in {shown}"
        );
        self.part = match (status, length) {
            _ if head_only => Part::Fixed(0),
            (100..200 | 204 | 304, _) => Part::Fixed(0),
            _ if chunked => Part::ChunkLine,
            (_, Some(length)) => Part::Fixed(length),
            (_, None) => {
                assert!(closes, "a body until the end, and the end is not announced");
                Part::UntilEnd
            }
        };
        let fields = response
            .headers
            .iter()
            .map(|field| (field.name.to_owned(), field.value.to_vec()))
            .collect();
        self.answer = Some(Answered {
            status,
            fields,
            body: Vec::new(),
            closes,
        });
        Some(())
    }
}
