//! # Part: what the head of a part says
//!
//! Browsers write a disposition as the HTML standard says: UTF-8 in quotes, with `%22`,
//! `%0D` and `%0A` for what would break out, and a backslash that is just a backslash. Older tools
//! write `\"`, which is understood where it cannot be the end of the value. `filename*` is not
//! looked at (RFC 7578 4.2).

use super::MultipartFault;
use crate::http::{Fields, fields, file_name, letters};

/// One field or file of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// The name of the field; several may have the same.
    pub name: String,
    /// The name of the file as it was sent, if it is a file: it may be empty, a path, or worse. A
    /// form in which no file was chosen has an empty one.
    pub file_name: Option<String>,
    /// What the client thinks that the content is.
    pub content_type: Option<String>,
}

impl Part {
    /// The name of the file, fit for a disk and a page, if it is a file: see [`file_name::safe`].
    pub fn safe_name(&self) -> Option<String> {
        self.file_name.as_deref().map(file_name::safe)
    }

    /// Reads a head, which ends in an empty line.
    pub(super) fn read(head: &[u8], fields_max: usize) -> Result<Self, MultipartFault> {
        fields::validate(head, fields_max, |_, _| Ok(()))?;
        let fields = Fields::new(head.strip_suffix(b"\r\n").unwrap_or(head));
        let encoding = only(fields, "content-transfer-encoding")?.unwrap_or(b"binary");
        let plain: [&[u8]; 3] = [b"binary", b"7bit", b"8bit"];
        if !plain.iter().any(|name| encoding.eq_ignore_ascii_case(name)) {
            return Err(MultipartFault::Encoded);
        }
        let content_type = only(fields, "content-type")?;
        let content_type = content_type.map(|value| text(value.to_vec())).transpose()?;
        let disposition = only(fields, "content-disposition")?;
        let (name, file_name) = names(disposition.ok_or(MultipartFault::NoDisposition)?)?;
        Ok(Self {
            name,
            file_name,
            content_type,
        })
    }
}

fn only<'i>(fields: Fields<'i>, name: &str) -> Result<Option<&'i [u8]>, MultipartFault> {
    let mut values = fields.named(name);
    let value = values.next();
    if values.next().is_some() {
        return Err(MultipartFault::Repeated);
    }
    Ok(value)
}

fn text(bytes: Vec<u8>) -> Result<String, MultipartFault> {
    String::from_utf8(bytes).map_err(|_| MultipartFault::NotText)
}

/// The name and the file name of a disposition.
fn names(disposition: &[u8]) -> Result<(String, Option<String>), MultipartFault> {
    let end = memchr::memchr(b';', disposition).unwrap_or(disposition.len());
    let (kind, mut rest) = disposition.split_at(end);
    if !letters::trimmed(kind).eq_ignore_ascii_case(b"form-data") {
        return Err(MultipartFault::OtherDisposition);
    }
    let (mut name, mut file_name) = (None, None);
    while let Some((parameter, value)) = next_parameter(&mut rest)? {
        let place = match parameter {
            _ if parameter.eq_ignore_ascii_case(b"name") => &mut name,
            _ if parameter.eq_ignore_ascii_case(b"filename") => &mut file_name,
            _ => continue,
        };
        if place.replace(text(unescaped(value))?).is_some() {
            return Err(MultipartFault::Repeated);
        }
    }
    Ok((name.ok_or(MultipartFault::NoName)?, file_name))
}

/// A name and its value, which is still escaped.
type Parameter<'i> = (&'i [u8], &'i [u8]);

/// Takes the next parameter off, with the semicolon before it.
fn next_parameter<'i>(rest: &mut &'i [u8]) -> Result<Option<Parameter<'i>>, MultipartFault> {
    let Some(parameter) = letters::trimmed(rest).strip_prefix(b";") else {
        return Ok(None);
    };
    let parameter = letters::trimmed(parameter);
    if parameter.is_empty() {
        *rest = parameter;
        return Ok(None);
    }
    let broken = MultipartFault::BadDisposition;
    let equals = memchr::memchr(b'=', parameter).ok_or(broken)?;
    let (name, value) = (&parameter[..equals], &parameter[equals + 1..]);
    if !letters::token(name) {
        return Err(broken);
    }
    if let Some(quoted) = value.strip_prefix(b"\"") {
        let end = closing_quote(quoted).ok_or(broken)?;
        *rest = &quoted[end + 1..];
        return Ok(Some((name, &quoted[..end])));
    }
    let end = memchr::memchr(b';', value).unwrap_or(value.len());
    let plain = letters::trimmed(&value[..end]);
    if !letters::token(plain) {
        return Err(broken);
    }
    *rest = &value[end..];
    Ok(Some((name, plain)))
}

/// Where a quoted value ends: at a quote behind which comes another parameter or nothing. A quote
/// elsewhere must have a backslash before it.
fn closing_quote(quoted: &[u8]) -> Option<usize> {
    for at in memchr::memchr_iter(b'"', quoted) {
        let mut after = &quoted[at + 1..];
        while let [b' ' | b'\t', rest @ ..] = after {
            after = rest;
        }
        if matches!(after, [] | [b';', ..]) {
            return Some(at);
        }
        if !quoted[..at].ends_with(b"\\") {
            return None;
        }
    }
    None
}

fn unescaped(value: &[u8]) -> Vec<u8> {
    let mut plain = Vec::with_capacity(value.len());
    let mut rest = value;
    while let [byte, after @ ..] = rest {
        let (byte, length) = match rest {
            [b'%', b'2', b'2', ..] => (b'"', 3),
            [b'%', b'0', b'd' | b'D', ..] => (b'\r', 3),
            [b'%', b'0', b'a' | b'A', ..] => (b'\n', 3),
            [b'\\', b'"', ..] => (b'"', 2),
            _ => (*byte, 1),
        };
        plain.push(byte);
        rest = &after[length - 1..];
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Fault;

    fn check(head: &str, expected: Result<(&str, Option<&str>, Option<&str>), MultipartFault>) {
        let found = Part::read(format!("{head}\r\n").as_bytes(), 5);
        let found = found.as_ref().map_err(|fault| *fault).map(|part| {
            let file_name = part.file_name.as_deref();
            (part.name.as_str(), file_name, part.content_type.as_deref())
        });
        assert_eq!(found, expected, "{head}");
    }

    fn named(parameters: &str, expected: Result<(&str, Option<&str>), MultipartFault>) {
        let head = format!("Content-Disposition: form-data{parameters}\r\n");
        check(
            &head,
            expected.map(|(name, file_name)| (name, file_name, None)),
        );
    }

    #[test]
    fn a_part_has_a_name_and_perhaps_a_file() {
        named("; name=\"a\"", Ok(("a", None)));
        named(";name=a;", Ok(("a", None)));
        named(" ; NAME=\"a\" ; x=y", Ok(("a", None)));
        named("; name=\"\"", Ok(("", None)));
        named("; name=\"a\"; filename=\"\"", Ok(("a", Some(""))));
        named("; filename=b.txt; name=a", Ok(("a", Some("b.txt"))));
        named(
            "; name=\"a\"; filename=\"ü b;c.txt\"",
            Ok(("a", Some("ü b;c.txt"))),
        );
        named("; name=\"a\"; filename*=UTF-8''b", Ok(("a", None)));
        check(
            "content-disposition: Form-Data; name=a\r\nContent-Type: text/plain\r\nX: y\r\n",
            Ok(("a", None, Some("text/plain"))),
        );
        check(
            "Content-Transfer-Encoding: 8BIT\r\nContent-Disposition: form-data; name=a\r\n",
            Ok(("a", None, None)),
        );
    }

    #[test]
    fn names_are_escaped_as_browsers_and_old_tools_do() {
        let file = |sent: &str, expected: &str| {
            let parameters = format!("; name=\"{sent}\"; filename=\"{sent}\"");
            named(&parameters, Ok((expected, Some(expected))));
        };
        file("a%22b%22", "a\"b\"");
        file("a%0D%0Ab%0d%0a", "a\r\nb\r\n");
        file("100%", "100%");
        file("%2", "%2");
        file("%41%00", "%41%00");
        file("C:\\dir\\file", "C:\\dir\\file");
        file("a\\", "a\\");
        file("a\\\"b", "a\"b");
        file("a=b", "a=b");
    }

    #[test]
    fn what_can_be_read_in_two_ways_is_refused() {
        use MultipartFault::{
            BadDisposition, BadField, Encoded, NoDisposition, NoName, NotText, OtherDisposition,
            Repeated, TooManyFields,
        };
        named("", Err(NoName));
        named("; filename=\"a\"", Err(NoName));
        named("; name=\"a\"; name=\"b\"", Err(Repeated));
        named("; name=a; filename=b; filename=c", Err(Repeated));
        named("; name", Err(BadDisposition));
        named("; name=", Err(BadDisposition));
        named("; name=\"a", Err(BadDisposition));
        named("; name=\"a\"b\"", Err(BadDisposition));
        named("; name=\"a\" filename=\"b\"", Err(BadDisposition));
        named("; name=a b", Err(BadDisposition));
        named("; name =a", Err(BadDisposition));
        named("; =a; name=b", Err(BadDisposition));
        named(";; name=b", Err(BadDisposition));
        named("x; name=a", Err(OtherDisposition));
        let a = "Content-Disposition: form-data; name=a\r\n";
        check("", Err(NoDisposition));
        check("X: y\r\n", Err(NoDisposition));
        check(
            "Content-Disposition: attachment; name=a\r\n",
            Err(OtherDisposition),
        );
        check(&a.repeat(2), Err(Repeated));
        check(
            &format!("{a}Content-Type: a/b\r\nContent-Type: a/c\r\n"),
            Err(Repeated),
        );
        check(
            &format!("{a}Content-Transfer-Encoding: base64\r\n"),
            Err(Encoded),
        );
        check(&format!("{a}{}", "X: y\r\n".repeat(5)), Err(TooManyFields));
        check(
            &format!("{a} folded\r\n"),
            Err(BadField(Fault::FoldedField)),
        );
        check(
            &format!("{a}X : y\r\n"),
            Err(BadField(Fault::SpaceBeforeColon)),
        );
        check(
            &format!("{a}X: \0\r\n"),
            Err(BadField(Fault::BadFieldValue)),
        );
        check(
            &format!("{a}X: \ry\r\n"),
            Err(BadField(Fault::BareCarriageReturn)),
        );
        check(&format!("{a}junk\r\n"), Err(BadField(Fault::NoColon)));
        let not_text = b"Content-Disposition: form-data; name=\"\xff\"\r\n\r\n";
        assert_eq!(Part::read(not_text, 5), Err(NotText));
    }

    #[test]
    fn the_name_of_a_file_is_made_safe_on_demand() {
        let part = |file_name: Option<&str>| Part {
            name: "a".to_owned(),
            file_name: file_name.map(str::to_owned),
            content_type: None,
        };
        assert_eq!(part(None).safe_name(), None);
        assert_eq!(
            part(Some("../a\r\n.txt")).safe_name().as_deref(),
            Some("a.txt")
        );
        assert_eq!(part(Some("")).safe_name().as_deref(), Some("file"));
    }
}
