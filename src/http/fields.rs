//! # Fields: names and values, as they stand in the head
//!
//! A view over lines that were validated once; looking a field up walks the lines again, which for
//! the handful that a request has is cheaper than any table.
//!
//! Promises
//! 1. Names are tokens, values have no control characters but HTAB and no white space around them.
//! 2. Names are compared without regard to case; the order is that of the wire.

use super::Fault;
use super::letters;

/// How many fields are checked without touching the heap; browsers send about twenty.
const FEW: usize = 32;

/// Fields of a head, or of the trailer section of a chunked body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields<'i> {
    /// Field lines, each with its CRLF, without the empty line at the end.
    lines: &'i [u8],
}

/// The fields behind a chunked body. They are never merged into those of the head: what stands
/// here must not frame, route or authenticate anything (RFC 9110 6.5.1).
pub type Trailers<'i> = Fields<'i>;

impl<'i> Fields<'i> {
    pub(super) const fn new(lines: &'i [u8]) -> Self {
        Self { lines }
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// All fields, in order.
    pub const fn iter(&self) -> FieldIter<'i> {
        FieldIter { rest: self.lines }
    }

    /// The values of all fields with this name, in order.
    pub fn named<'n>(&self, name: &'n str) -> Named<'i, 'n> {
        Named {
            rest: self.lines,
            name: name.as_bytes(),
        }
    }

    /// The first value of this name.
    pub fn first(&self, name: &str) -> Option<&'i [u8]> {
        self.named(name).next()
    }

    /// The members of the comma-separated lists in all fields of this name (RFC 9110 5.6.1), without
    /// the empty ones and those that are not UTF-8. Not for lists whose members are quoted.
    pub fn tokens<'n>(&self, name: &'n str) -> Tokens<'i, 'n> {
        Tokens {
            lines: self.named(name),
            line: b"",
        }
    }
}

impl<'i> IntoIterator for Fields<'i> {
    type Item = (&'i str, &'i [u8]);
    type IntoIter = FieldIter<'i>;

    fn into_iter(self) -> FieldIter<'i> {
        self.iter()
    }
}

/// See [`Fields::iter`].
#[derive(Clone, Debug)]
pub struct FieldIter<'i> {
    rest: &'i [u8],
}

impl<'i> Iterator for FieldIter<'i> {
    type Item = (&'i str, &'i [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let line = next_line(&mut self.rest)?;
        let colon = memchr::memchr(b':', line)?;
        let name = str::from_utf8(&line[..colon]).ok()?;
        Some((name, letters::trimmed(&line[colon + 1..])))
    }
}

/// See [`Fields::named`].
#[derive(Clone, Debug)]
pub struct Named<'i, 'n> {
    rest: &'i [u8],
    name: &'n [u8],
}

impl<'i> Iterator for Named<'i, '_> {
    type Item = &'i [u8];

    fn next(&mut self) -> Option<&'i [u8]> {
        let length = self.name.len();
        while let Some(line) = next_line(&mut self.rest) {
            // The colon first: it sorts nearly all lines out with one look.
            if line.get(length) == Some(&b':') && line[..length].eq_ignore_ascii_case(self.name) {
                return Some(letters::trimmed(&line[length + 1..]));
            }
        }
        None
    }
}

/// See [`Fields::tokens`].
#[derive(Clone, Debug)]
pub struct Tokens<'i, 'n> {
    lines: Named<'i, 'n>,
    line: &'i [u8],
}

impl<'i> Iterator for Tokens<'i, '_> {
    type Item = &'i str;

    fn next(&mut self) -> Option<&'i str> {
        loop {
            while let Some(member) = next_member(&mut self.line) {
                if let Ok(text) = str::from_utf8(member) {
                    return Some(text);
                }
            }
            self.line = self.lines.next()?;
        }
    }
}

/// Takes the next member off a comma-separated list; empty ones are no members.
pub(super) fn next_member<'i>(list: &mut &'i [u8]) -> Option<&'i [u8]> {
    while !list.is_empty() {
        let end = memchr::memchr(b',', list).unwrap_or(list.len());
        let member = letters::trimmed(&list[..end]);
        *list = list.get(end + 1..).unwrap_or_default();
        if !member.is_empty() {
            return Some(member);
        }
    }
    None
}

/// Takes the next line off, without its CRLF.
fn next_line<'i>(rest: &mut &'i [u8]) -> Option<&'i [u8]> {
    let end = memchr::memchr(b'\n', rest)?;
    let line = &rest[..end];
    *rest = &rest[end + 1..];
    Some(line.strip_suffix(b"\r").unwrap_or(line))
}

/// Checks a block of field lines, the empty one at its end included, and shows each field to `each`.
pub(super) fn validate<'i>(
    block: &'i [u8],
    fields_max: usize,
    mut each: impl FnMut(&'i str, &'i [u8]) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut few = [httparse::EMPTY_HEADER; FEW];
    let room = fields_max.min(FEW);
    match httparse::parse_headers(block, &mut few[..room]) {
        Ok(httparse::Status::Complete((_, fields))) => {
            return fields
                .iter()
                .try_for_each(|field| each(field.name, field.value));
        }
        Err(httparse::Error::TooManyHeaders) if fields_max > room => {}
        Err(httparse::Error::TooManyHeaders) => return Err(Fault::TooManyFields),
        _ => return Err(broken_rule(block)),
    }
    // No more than the lines there are, so that a generous limit costs nothing.
    let room = fields_max.min(memchr::memchr_iter(b'\n', block).count());
    let mut many = vec![httparse::EMPTY_HEADER; room];
    match httparse::parse_headers(block, &mut many) {
        Ok(httparse::Status::Complete((_, fields))) => fields
            .iter()
            .try_for_each(|field| each(field.name, field.value)),
        Err(httparse::Error::TooManyHeaders) => Err(Fault::TooManyFields),
        _ => Err(broken_rule(block)),
    }
}

/// Which rule a block that did not validate broke first.
#[cold]
fn broken_rule(block: &[u8]) -> Fault {
    let mut rest = block;
    while let Some(line) = next_line(&mut rest) {
        if let Some(fault) = broken_rule_of_line(line) {
            return fault;
        }
    }
    Fault::BadFieldValue
}

fn broken_rule_of_line(line: &[u8]) -> Option<Fault> {
    if line.starts_with(b" ") || line.starts_with(b"\t") {
        return Some(Fault::FoldedField);
    }
    if memchr::memchr(b'\r', line).is_some() {
        return Some(Fault::BareCarriageReturn);
    }
    let Some(colon) = memchr::memchr(b':', line) else {
        return (!line.is_empty()).then_some(Fault::NoColon);
    };
    let (name, value) = (&line[..colon], &line[colon + 1..]);
    if !letters::token(name) {
        let without_space = letters::trimmed(name);
        let spaced = without_space.len() < name.len() && letters::token(without_space);
        return Some(if spaced {
            Fault::SpaceBeforeColon
        } else {
            Fault::BadFieldName
        });
    }
    (!letters::all(letters::VALUE, value)).then_some(Fault::BadFieldValue)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(block: &str, expected: Result<&[(&str, &str)], Fault>) {
        let block = format!("{block}\r\n");
        let mut seen = Vec::new();
        let found = validate(block.as_bytes(), 100, |name, value| {
            seen.push((name, str::from_utf8(value).unwrap()));
            Ok(())
        });
        assert_eq!(found.map(|()| seen.as_slice()), expected, "{block:?}");
        if found.is_ok() {
            let lines = &block.as_bytes()[..block.len() - 2];
            let again: Vec<_> = Fields::new(lines)
                .iter()
                .map(|(name, value)| (name, str::from_utf8(value).unwrap()))
                .collect();
            assert_eq!(again, seen, "the view sees what the check saw");
        }
    }

    #[test]
    fn each_line_has_a_token_a_colon_and_a_clean_value() {
        check("", Ok(&[]));
        check("A: b\r\n", Ok(&[("A", "b")]));
        check("A:b\r\nc:\t d \t\r\n", Ok(&[("A", "b"), ("c", "d")]));
        check("A:\r\n", Ok(&[("A", "")]));
        check("A: b: c\r\n", Ok(&[("A", "b: c")]));
        check("A: b  c\r\n", Ok(&[("A", "b  c")]));
        check("A : b\r\n", Err(Fault::SpaceBeforeColon));
        check("A\t: b\r\n", Err(Fault::SpaceBeforeColon));
        check(" A: b\r\n", Err(Fault::FoldedField));
        check("A: b\r\n\tc\r\n", Err(Fault::FoldedField));
        check("nonsense\r\n", Err(Fault::NoColon));
        check(": b\r\n", Err(Fault::BadFieldName));
        check("X(a: b\r\n", Err(Fault::BadFieldName));
        check("X a: b\r\n", Err(Fault::BadFieldName));
        check("X: a\0b\r\n", Err(Fault::BadFieldValue));
        check("X: a\x7fb\r\n", Err(Fault::BadFieldValue));
        check("X: a\x0bb\r\n", Err(Fault::BadFieldValue));
        check("X: a\rb\r\n", Err(Fault::BareCarriageReturn));
        check("X\ra: b\r\n", Err(Fault::BareCarriageReturn));
        check("X: a\r\r\n", Err(Fault::BareCarriageReturn));
    }

    #[test]
    fn a_limit_of_fields_is_exact() {
        for (count, fields_max, expected) in [
            (3, 3, Ok(())),
            (4, 3, Err(Fault::TooManyFields)),
            (0, 0, Ok(())),
            (1, 0, Err(Fault::TooManyFields)),
            (FEW, 100, Ok(())),
            (FEW + 1, FEW, Err(Fault::TooManyFields)),
            (FEW + 1, 100, Ok(())),
            (100, 100, Ok(())),
            (101, 100, Err(Fault::TooManyFields)),
        ] {
            let block = "a: b\r\n".repeat(count) + "\r\n";
            let mut seen = 0;
            let found = validate(block.as_bytes(), fields_max, |_, _| {
                seen += 1;
                Ok(())
            });
            assert_eq!(found, expected, "{count} of {fields_max}");
            assert!(found.is_err() || seen == count);
        }
    }

    #[test]
    fn lookups_ignore_case_and_lists_span_lines() {
        let fields = Fields::new(b"Accept: a , ,b\r\nX: 1\r\naccept:c;q=1,\r\nAccepts: d\r\n");
        assert_eq!(fields.first("ACCEPT"), Some(&b"a , ,b"[..]));
        assert_eq!(fields.first("accep"), None);
        assert_eq!(fields.named("accept").count(), 2);
        assert_eq!(
            fields.tokens("accept").collect::<Vec<_>>(),
            ["a", "b", "c;q=1"]
        );
    }
}
