//! # Slack: what is said by what was made for Slack
//!
//! Programs that can tell Slack something can tell it here: a body is read as Slack's incoming
//! webhooks read it, and what it shows becomes one text. Where there are blocks they are what is shown,
//! as there, and `text` stands in for them; attachments come behind it.
//!
//! Promises
//! 1. Any body gives a text or a [`Refusal`] that says what to send; none is a panic.
//! 2. Nesting is followed to a bounded depth, which JSON of blocks never has.

use serde_json::{Map, Value};

use super::fields;
use crate::chat::{Code, Refusal};
use crate::http::form;

/// Fields of a form: `payload`, and what nobody asked for.
const FIELDS_MAX: usize = 16;

/// Rich text nests lists in sections in quotes.
const DEPTH_MAX: u32 = 8;

/// What somebody wants said, and under which name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) text: String,
    pub(super) username: Option<String>,
}

/// Reads a body of this media type.
pub(super) fn read(media: Option<&str>, body: &[u8]) -> Result<Said, Refusal> {
    let begins_object = body.trim_ascii_start().starts_with(b"{");
    match media {
        Some("application/json") => of_object(&fields::object(body)?),
        // `curl -d` says that everything is a form.
        Some("application/x-www-form-urlencoded") if begins_object => {
            of_object(&fields::object(body)?)
        }
        Some("application/x-www-form-urlencoded") => of_form(body),
        Some("text/plain") | None => {
            let text = std::str::from_utf8(body)
                .map_err(|_| Refusal::field("text", "The body is no text in UTF-8."))?;
            said(text.to_owned(), None)
        }
        Some(_) => {
            let tell = "Send JSON such as {\"text\":\"hello\"}, a form with `payload`, or plain text, \
                        and say which in `Content-Type`.";
            Err(Refusal {
                field: Some(super::rest::asking::MEDIA),
                ..Refusal::new(Code::NotSupported, tell)
            })
        }
    }
}

fn of_form(body: &[u8]) -> Result<Said, Refusal> {
    let mut text = None;
    for (name, value) in form::pairs(body, FIELDS_MAX) {
        match &*name {
            "payload" => return of_object(&fields::object(value.as_bytes())?),
            "text" => text = Some(value.into_owned()),
            _ => {}
        }
    }
    said(text.unwrap_or_default(), None)
}

fn said(text: String, username: Option<String>) -> Result<Said, Refusal> {
    if text.trim().is_empty() {
        let tell = "There is no `text`. Send JSON such as {\"text\":\"hello\"}, or plain text.";
        return Err(Refusal::field("text", tell));
    }
    Ok(Said { text, username })
}

fn of_object(object: &Map<String, Value>) -> Result<Said, Refusal> {
    for (name, value) in object {
        if name == "text" && !(value.is_string() || value.is_null()) {
            return Err(fields::wrong("text", "a text"));
        }
    }
    let mut parts = Vec::new();
    let blocks = object.get("blocks").map(blocks).unwrap_or_default();
    match (blocks.is_empty(), text(object, "text")) {
        (true, Some(text)) => parts.push(plain(text)),
        (true, None) => {}
        (false, _) => parts.push(blocks),
    }
    for one in array(object, "attachments").filter_map(Value::as_object) {
        let attachment = attachment(one);
        if !attachment.is_empty() {
            parts.push(attachment);
        }
    }
    said(
        parts.join("\n"),
        text(object, "username").map(|name| name.trim().to_owned()),
    )
}

fn text<'a>(object: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    let text = object.get(name)?.as_str()?;
    (!text.trim().is_empty()).then_some(text)
}

fn array<'a>(object: &'a Map<String, Value>, name: &str) -> impl Iterator<Item = &'a Value> {
    object
        .get(name)
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
}

fn attachment(object: &Map<String, Value>) -> String {
    let mut lines: Vec<String> = Vec::new();
    lines.extend(text(object, "pretext").map(plain));
    match (text(object, "title"), text(object, "title_link")) {
        (Some(title), Some(link)) => lines.push(linked(link, title)),
        (Some(title), None) => lines.push(plain(title)),
        (None, _) => {}
    }
    lines.extend(text(object, "text").map(plain));
    for field in array(object, "fields").filter_map(Value::as_object) {
        let parts = [text(field, "title"), text(field, "value")];
        let parts: Vec<String> = parts.into_iter().flatten().map(plain).collect();
        if !parts.is_empty() {
            lines.push(parts.join(": "));
        }
    }
    let inner = object.get("blocks").map(blocks).unwrap_or_default();
    if !inner.is_empty() {
        lines.push(inner);
    }
    if lines.is_empty() {
        lines.extend(text(object, "fallback").map(plain));
    }
    lines.join("\n")
}

/// The text of blocks, one to a line.
fn blocks(value: &Value) -> String {
    let mut lines: Vec<String> = Vec::new();
    for block in value.as_array().into_iter().flatten() {
        let Some(block) = block.as_object() else {
            continue;
        };
        match block.get("type").and_then(Value::as_str) {
            Some("divider") => lines.push("---".to_owned()),
            Some("image") => {
                let title = block.get("title").map(|it| inline(it, 0));
                let title = title.filter(|it| !it.is_empty());
                lines.extend(title.or_else(|| text(block, "alt_text").map(plain)));
            }
            _ => {
                lines.extend(block.get("text").map(|it| inline(it, 0)));
                lines.extend(array(block, "fields").map(|it| inline(it, 0)));
                let elements: Vec<&Value> = array(block, "elements").collect();
                if block.get("type").and_then(Value::as_str) == Some("rich_text") {
                    lines.extend(elements.iter().map(|it| inline(it, 0)));
                } else {
                    let context: Vec<String> = elements.iter().map(|it| inline(it, 0)).collect();
                    lines.push(context.join(" ").trim().to_owned());
                }
            }
        }
    }
    lines.retain(|line| !line.trim().is_empty());
    lines.join("\n")
}

/// What an object of text shows, with everything in it.
fn inline(value: &Value, depth: u32) -> String {
    if depth == DEPTH_MAX {
        return String::new();
    }
    if let Some(text) = value.as_str() {
        return plain(text);
    }
    let Some(object) = value.as_object() else {
        return String::new();
    };
    let kind = object.get("type").and_then(Value::as_str);
    match kind {
        Some("link") => {
            let url = text(object, "url").unwrap_or_default();
            return linked(url, text(object, "text").unwrap_or(url));
        }
        Some("emoji") => return format!(":{}:", text(object, "name").unwrap_or_default()),
        Some("broadcast") => return "@room".to_owned(),
        _ => {}
    }
    if let Some(inner) = object.get("text") {
        return match inner {
            // Rich text is what it is; the others are marked up.
            Value::String(text) if kind == Some("text") => text.clone(),
            inner => inline(inner, depth + 1),
        };
    }
    let between = match kind {
        Some("rich_text_list") => "\n",
        _ => "",
    };
    let each: Vec<String> = array(object, "elements")
        .map(|it| match kind {
            Some("rich_text_list") => format!("- {}", inline(it, depth + 1)),
            _ => inline(it, depth + 1),
        })
        .collect();
    each.join(between)
}

fn linked(url: &str, label: &str) -> String {
    let label = plain(label);
    match label == url || label.is_empty() {
        true => url.to_owned(),
        false => format!("[{label}]({url})"),
    }
}

/// Slack's marks as they are written here: links, calls for everybody, and the three letters that are
/// escaped there.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('<') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let Some(end) = rest.find('>') else { break };
        let inner = &rest[1..end];
        let (target, label) = inner.split_once('|').unwrap_or((inner, ""));
        match target {
            "!here" | "!channel" | "!everyone" => out.push_str("@room"),
            _ if target.starts_with("https://")
                || target.starts_with("http://")
                || target.starts_with("mailto:") =>
            {
                match label {
                    "" => out.push_str(target),
                    label => out.push_str(&format!("[{label}]({target})")),
                }
            }
            _ if target.starts_with(['#', '@', '!']) && !label.is_empty() => out.push_str(label),
            _ => out.push_str(&rest[..=end]),
        }
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    out.replace("&lt;", "<")
        .replace("&gt;", ">")
        .replace("&amp;", "&")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(media: &str, body: &str, expected: &str) {
        let said = read(Some(media), body.as_bytes()).unwrap();
        assert_eq!(said.text, expected, "{body}");
    }

    #[test]
    fn a_text_is_said_however_it_comes() {
        const JSON: &str = "application/json";
        const FORM: &str = "application/x-www-form-urlencoded";
        check(JSON, r#"{"text":"hi"}"#, "hi");
        check(
            FORM,
            "payload=%7B%22text%22%3A%22hi+there%22%7D",
            "hi there",
        );
        check(FORM, r#"{"text":"hi"}"#, "hi");
        check(FORM, "text=hi+there", "hi there");
        check("text/plain", "hi\nthere", "hi\nthere");
        check(
            JSON,
            r#"{"text":"see <https://a.b/c|this> &amp; <https://d.e> <!here> a < b &lt;x&gt;"}"#,
            "see [this](https://a.b/c) & https://d.e @room a < b <x>",
        );
    }

    #[test]
    fn attachments_and_blocks_are_their_text() {
        const JSON: &str = "application/json";
        check(
            JSON,
            r#"{"text":"a","attachments":[{"fallback":"f","text":"b"},{"fallback":"c"},
                {"title":"t","title_link":"https://x.y","fields":[{"title":"k","value":"v"}]}]}"#,
            "a\nb\nc\n[t](https://x.y)\nk: v",
        );
        check(
            JSON,
            r#"{"text":"fallback","blocks":[{"type":"header","text":{"type":"plain_text","text":"H"}},
                {"type":"divider"},
                {"type":"section","text":{"type":"mrkdwn","text":"s"},"fields":[{"type":"mrkdwn","text":"f"}]},
                {"type":"context","elements":[{"type":"mrkdwn","text":"x"},{"type":"plain_text","text":"y"}]},
                {"type":"rich_text","elements":[{"type":"rich_text_section","elements":[
                    {"type":"text","text":"r "},{"type":"link","url":"https://l.m","text":"l"}]},
                  {"type":"rich_text_list","elements":[{"type":"rich_text_section","elements":[{"type":"text","text":"1"}]}]}]},
                {"type":"image","alt_text":"a picture"}]}"#,
            "H\n---\ns\nf\nx y\nr [l](https://l.m)\n- 1\na picture",
        );
        check(JSON, r#"{"text":"only this","blocks":[]}"#, "only this");
    }

    #[test]
    fn what_says_nothing_is_refused() {
        for (media, body) in [
            ("application/json", "{}"),
            ("application/json", r#"{"text":" "}"#),
            ("application/json", r#"{"text":1}"#),
            ("application/json", "[]"),
            ("application/json", "x"),
            ("application/x-www-form-urlencoded", "a=b"),
            ("application/x-www-form-urlencoded", "payload=x"),
            ("text/plain", ""),
            ("text/plain", "\u{a0}"),
            ("image/png", "x"),
        ] {
            assert!(
                read(Some(media), body.as_bytes()).is_err(),
                "{media} {body}"
            );
        }
        assert!(read(None, b"\xff").is_err());
    }

    proptest::proptest! {
        #[test]
        fn any_json_is_read(text in "[<>|!#@&;a-z \\[\\]{}:,\"]{0,60}") {
            let _ = plain(&text);
            let _ = read(Some("application/json"), text.as_bytes());
        }
    }
}
