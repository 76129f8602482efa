//! # Markdown: what people write, as HTML
//!
//! The same small and safe part of it that `markdown.js` knows: paragraphs, quotes, lists, fenced
//! code, and in lines emphasis, code and links. Whatever is not understood stays text.
//!
//! Promises
//! 1. All that somebody wrote is text in what comes out, or an address that begins with `http://`,
//!    `https://` or `mailto:`, or is that of a document of this site.
//! 2. The work is bounded by the length of the text, whatever is in it.

mod inline;

use inline::inline;

/// Quotes and lists in one another, beyond which they are text.
const DEPTH_MAX: usize = 6;

/// A text as HTML.
pub(super) fn html(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let lines: Vec<&str> = text.split('\n').collect();
    let mut out = String::with_capacity(text.len() * 2);
    blocks(&lines, 0, &mut out);
    out
}

/// Appends a text so that it is nothing but text, also in an attribute.
fn push_escaped(out: &mut String, text: &str) {
    for letter in text.chars() {
        match letter {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(letter),
        }
    }
}

/// How a line begins.
enum Opening<'l> {
    Blank,
    /// With which letter, and how often.
    Fence(char, usize),
    Quote,
    Item(Item<'l>),
    Text,
}

struct Item<'l> {
    indent: usize,
    /// None for bullets.
    number: Option<&'l str>,
    rest: &'l str,
}

fn opening(line: &str, depth: usize) -> Opening<'_> {
    if line.trim().is_empty() {
        return Opening::Blank;
    }
    if let Some((letter, length)) = fence(line) {
        return Opening::Fence(letter, length);
    }
    if depth >= DEPTH_MAX {
        return Opening::Text;
    }
    if quoted(line).is_some() {
        return Opening::Quote;
    }
    match item(line) {
        Some(item) => Opening::Item(item),
        None => Opening::Text,
    }
}

/// How many blanks a line begins with.
fn indent(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

fn fence(line: &str) -> Option<(char, usize)> {
    let rest = line.get(indent(line)..).filter(|_| indent(line) <= 3)?;
    let letter = rest.chars().next().filter(|it| "`~".contains(*it))?;
    let about = rest.trim_start_matches(letter);
    let length = rest.len() - about.len();
    (length >= 3 && !about.contains('`')).then_some((letter, length))
}

fn quoted(line: &str) -> Option<&str> {
    let rest = line.get(indent(line)..).filter(|_| indent(line) <= 3)?;
    let rest = rest.strip_prefix('>')?;
    Some(rest.strip_prefix(' ').unwrap_or(rest))
}

fn item(line: &str) -> Option<Item<'_>> {
    let indent = indent(line);
    let rest = line.get(indent..).filter(|_| indent <= 3)?;
    let (number, rest) = match rest.strip_prefix(['-', '*', '+', '•']) {
        Some(rest) => (None, rest),
        None => {
            let behind = rest.trim_start_matches(|c: char| c.is_ascii_digit());
            let digits = &rest[..rest.len() - behind.len()];
            let is_number = (1..=9).contains(&digits.len());
            (
                Some(digits),
                behind.strip_prefix(['.', ')']).filter(|_| is_number)?,
            )
        }
    };
    let text = rest.trim_start_matches(' ');
    let is_item = rest.len() > text.len() && !text.is_empty();
    is_item.then_some(Item {
        indent,
        number,
        rest: text,
    })
}

fn blocks(lines: &[&str], depth: usize, out: &mut String) {
    let mut at = 0;
    while at < lines.len() {
        at = match opening(lines[at], depth) {
            Opening::Blank => at + 1,
            Opening::Fence(letter, length) => code(lines, at, letter, length, out),
            Opening::Quote => quote(lines, at, depth, out),
            Opening::Item(item) => list(lines, at, depth, &item, out),
            Opening::Text => paragraph(lines, at, depth, out),
        };
    }
}

fn code(lines: &[&str], at: usize, letter: char, length: usize, out: &mut String) -> usize {
    let is_end = |line: &&str| {
        let bare = line.trim();
        bare.chars().all(|c| c == letter) && bare.len() >= length
    };
    let inner = &lines[at + 1..];
    let count = inner.iter().position(is_end).unwrap_or(inner.len());
    out.push_str("<div class=\"code-block\"><pre dir=\"ltr\" tabindex=\"0\"><code>");
    push_escaped(out, &inner[..count].join("\n"));
    out.push_str("</code></pre></div>");
    at + 1 + count + 1
}

fn quote(lines: &[&str], at: usize, depth: usize, out: &mut String) -> usize {
    let inner: Vec<&str> = lines[at..].iter().map_while(|line| quoted(line)).collect();
    out.push_str("<blockquote dir=\"auto\">");
    blocks(&inner, depth + 1, out);
    out.push_str("</blockquote>");
    at + inner.len()
}

fn list(lines: &[&str], mut at: usize, depth: usize, first: &Item<'_>, out: &mut String) -> usize {
    let is_numbered = first.number.is_some();
    match first.number.map(|digits| digits.trim_start_matches('0')) {
        None => out.push_str("<ul>"),
        Some("1") => out.push_str("<ol>"),
        Some(digits) => {
            let digits = if digits.is_empty() { "0" } else { digits };
            out.push_str(&format!("<ol start=\"{digits}\">"));
        }
    }
    while at < lines.len() {
        let Some(found) = item(lines[at]).filter(|it| it.number.is_some() == is_numbered) else {
            break;
        };
        let width = lines[at].len() - found.rest.len();
        let mut inner = vec![found.rest];
        at += 1;
        // What is indented under it belongs to it.
        while at < lines.len() {
            let line = lines[at];
            let text = line.trim_start();
            let depth_of_line = line.len() - text.len();
            let belongs = !text.is_empty() && (indent(line) >= 2 || line.starts_with('\t'));
            let is_sibling = item(line).is_some_and(|it| it.indent <= found.indent);
            if !belongs || is_sibling {
                break;
            }
            inner.push(line.get(width.min(depth_of_line)..).unwrap_or(text));
            at += 1;
        }
        out.push_str("<li dir=\"auto\">");
        match inner[..] {
            [line] if matches!(opening(line, depth + 1), Opening::Text) => inline(line, out),
            _ => blocks(&inner, depth + 1, out),
        }
        out.push_str("</li>");
    }
    out.push_str(if is_numbered { "</ol>" } else { "</ul>" });
    at
}

fn paragraph(lines: &[&str], at: usize, depth: usize, out: &mut String) -> usize {
    let goes_on = |line: &&&str| matches!(opening(line, depth), Opening::Text);
    let count = 1 + lines[at + 1..].iter().take_while(goes_on).count();
    out.push_str("<p dir=\"auto\">");
    inline(&lines[at..at + count].join("\n"), out);
    out.push_str("</p>");
    at + count
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn p(inner: &str) -> String {
        format!("<p dir=\"auto\">{inner}</p>")
    }

    #[test]
    fn lines_are_paragraphs_quotes_lists_and_code() {
        let check = |text: &str, expected: &str| assert_eq!(html(text), expected, "{text:?}");
        check("", "");
        check("a\nb\n\nc", &(p("a<br>b") + &p("c")));
        check(
            "```rust\nlet a = '<';\n```\nb",
            &("<div class=\"code-block\"><pre dir=\"ltr\" \
            tabindex=\"0\"><code>let a = &#39;&lt;&#39;;</code></pre></div>"
                .to_owned()
                + &p("b")),
        );
        check(
            "> a\n> b",
            &format!("<blockquote dir=\"auto\">{}</blockquote>", p("a<br>b")),
        );
        check(
            "- a\n- b",
            "<ul><li dir=\"auto\">a</li><li dir=\"auto\">b</li></ul>",
        );
        check("3. a", "<ol start=\"3\"><li dir=\"auto\">a</li></ol>");
        check(
            "1) a\n2) b",
            "<ol><li dir=\"auto\">a</li><li dir=\"auto\">b</li></ol>",
        );
        check(
            "- a\n  - b",
            &format!(
                "<ul><li dir=\"auto\">{}<ul><li dir=\"auto\">b</li></ul></li></ul>",
                p("a")
            ),
        );
        check("-a", &p("-a"));
        check("1234567890. a", &p("1234567890. a"));
    }

    #[test]
    fn nothing_is_markup() {
        for text in [
            "<script>alert(1)</script>",
            "[x](javascript:alert(1))",
            "![x](data:text/html,1)",
            "http://a/\"onmouseover=\"alert(1)",
            "`<b>`",
            "> <img src=x onerror=alert(1)>",
            "- <a href='x'>",
            "```\n</code></pre><script>\n```",
            "[<b>](http://a.example/?<script>)",
        ] {
            let html = html(text);
            for foul in [
                "<script",
                "<img",
                "<b>",
                "<a href='",
                "javascript:alert(1)\"",
                "\"on",
            ] {
                assert!(!html.contains(foul), "{text:?}: {html}");
            }
        }
    }

    /// Elements that are closed in the order in which they were opened, and nothing else with a `<`.
    fn is_sound(html: &str) -> bool {
        let mut open = Vec::new();
        let mut pieces = html.split('<');
        pieces.next();
        pieces.all(|piece| {
            let Some((tag, _)) = piece.split_once('>') else {
                return false;
            };
            let name: String = tag.chars().take_while(|c| *c != ' ').collect();
            match name.strip_prefix('/') {
                Some(name) => open.pop().is_some_and(|it| it == name),
                None => {
                    let known = [
                        "p",
                        "br",
                        "div",
                        "pre",
                        "code",
                        "blockquote",
                        "ul",
                        "ol",
                        "li",
                        "em",
                        "strong",
                        "s",
                        "a",
                    ];
                    let is_known = known.contains(&&*name);
                    if name != "br" {
                        open.push(name);
                    }
                    is_known
                }
            }
        }) && open.is_empty()
    }

    proptest! {
        #[test]
        fn whatever_is_written_the_page_stays_whole(
            text in "([ \n>*_~`\\[\\]()#@:.\\\\<\"'&/-]|[a-c1é]|http://a|\\]\\(http://b\\)|- |\\*\\*){0,120}",
        ) {
            let html = html(&text);
            prop_assert!(is_sound(&html), "{text:?}: {html}");
        }
    }
}
