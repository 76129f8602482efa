//! # Conditions: whether the client wants what it asks for
//!
//! `If-Match` and its kin (RFC 9110 13), in the order of 13.2.2.

use super::date;
use super::letters;
use super::{Head, Method, Representation};

/// What the conditions of a request come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Do what was asked.
    Proceed,
    /// 304: the client has it.
    NotModified,
    /// 412: it is not what the client thinks.
    Failed,
}

/// Weighs the conditions of `head` against what we have.
pub(super) fn judge(head: &Head<'_>, have: &Representation<'_>, now_s: u64) -> Verdict {
    let reads = matches!(head.method(), Method::Get | Method::Head);
    let holds = matches(head, "if-match", have.etag, strongly)
        .or_else(|| modified_since(head, "if-unmodified-since", have, now_s).map(|later| !later));
    if holds == Some(false) {
        return Verdict::Failed;
    }
    match matches(head, "if-none-match", have.etag, weakly) {
        Some(true) if reads => Verdict::NotModified,
        Some(true) => Verdict::Failed,
        Some(false) => Verdict::Proceed,
        None if reads && modified_since(head, "if-modified-since", have, now_s) == Some(false) => {
            Verdict::NotModified
        }
        None => Verdict::Proceed,
    }
}

/// Whether `Range` may be honoured (RFC 9110 13.1.5): there is no `If-Range`, or it names exactly
/// what we have.
pub(super) fn range_applies(head: &Head<'_>, have: &Representation<'_>, now_s: u64) -> bool {
    let mut values = head.fields_named("if-range");
    let Some(value) = values.next() else {
        return true;
    };
    if values.next().is_some() {
        return false;
    }
    if let Some((tag, b"")) = take_tag(value) {
        return have.etag.is_some_and(|own| strongly(tag, own.as_bytes()));
    }
    // A date is a strong validator only if the second in which it was made is over (8.8.2.2).
    let strong = have
        .last_modified_s
        .filter(|&modified_s| modified_s < now_s);
    strong.is_some() && date::parse(value, now_s) == strong.and_then(|s| i64::try_from(s).ok())
}

/// Whether a tag in all lists of this name matches `own`, if there is such a field. `*` matches
/// whatever exists, and what is asked for here does.
fn matches(
    head: &Head<'_>,
    name: &str,
    own: Option<&str>,
    compare: fn(&[u8], &[u8]) -> bool,
) -> Option<bool> {
    let mut found = None;
    for value in head.fields_named(name) {
        let hit = value == b"*"
            || own.is_some_and(|own| Tags(value).any(|tag| compare(tag, own.as_bytes())));
        found = Some(found.unwrap_or(false) || hit);
    }
    found
}

/// RFC 9110 8.8.3.2: the same, and neither is weak.
fn strongly(one: &[u8], other: &[u8]) -> bool {
    one == other && !one.starts_with(b"W/")
}

/// RFC 9110 8.8.3.2: the same but for weakness.
fn weakly(one: &[u8], other: &[u8]) -> bool {
    opaque(one) == opaque(other)
}

fn opaque(tag: &[u8]) -> &[u8] {
    tag.strip_prefix(b"W/").unwrap_or(tag)
}

/// Whether what we have is later than the date in the field: nothing if one of them is unknown, no
/// date, or said twice, because then the field is to be ignored.
fn modified_since(
    head: &Head<'_>,
    name: &str,
    have: &Representation<'_>,
    now_s: u64,
) -> Option<bool> {
    let modified_s = i64::try_from(have.last_modified_s?).ok()?;
    let mut values = head.fields_named(name);
    let date_s = date::parse(values.next()?, now_s)?;
    values.next().is_none().then_some(modified_s > date_s)
}

/// The entity tags of a list; what comes behind one that is malformed is not read.
struct Tags<'i>(&'i [u8]);

impl<'i> Iterator for Tags<'i> {
    type Item = &'i [u8];

    fn next(&mut self) -> Option<&'i [u8]> {
        while let [b',' | b' ' | b'\t', rest @ ..] = self.0 {
            self.0 = rest;
        }
        let (tag, rest) = take_tag(self.0)?;
        let rest = letters::trimmed(rest);
        self.0 = if rest.is_empty() || rest.starts_with(b",") {
            rest
        } else {
            b""
        };
        Some(tag)
    }
}

/// `[ "W/" ] DQUOTE *etagc DQUOTE` at the beginning, and what follows it (RFC 9110 8.8.3).
fn take_tag(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let weak = if bytes.starts_with(b"W/") { 2 } else { 0 };
    let opaque = bytes[weak..].strip_prefix(b"\"")?;
    let end = memchr::memchr(b'"', opaque)?;
    let clean = opaque[..end]
        .iter()
        .all(|&byte| byte > b' ' && byte != 0x7f);
    clean.then(|| bytes.split_at(weak + end + 2))
}
