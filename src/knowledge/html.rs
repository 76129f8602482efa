//! # HTML: the text of a page
//!
//! Reads what browsers would show: without scripts, styles and tags, headings apart, paragraphs where
//! blocks end. Bad markup is read as far as it goes; it is never an error.
//!
//! Promise: the work is bounded by the length of the page, whatever is in it.

use super::blocks::{Blocks, Gathering};

/// Elements whose content is nothing to read.
const SILENT: [&str; 6] = ["script", "style", "template", "noscript", "svg", "math"];

/// Elements within a line; all others end a paragraph.
const INLINE: [&str; 32] = [
    "a", "abbr", "b", "bdi", "bdo", "cite", "code", "data", "del", "dfn", "em", "font", "i", "img",
    "ins", "kbd", "label", "mark", "q", "rp", "rt", "ruby", "s", "samp", "small", "span", "strong",
    "sub", "sup", "time", "u", "var",
];

/// Letters that pages write by name, but for those of XML.
const NAMED: [(&str, &str); 22] = [
    ("amp", "&"),
    ("lt", "<"),
    ("gt", ">"),
    ("quot", "\""),
    ("apos", "'"),
    ("nbsp", " "),
    ("copy", "©"),
    ("deg", "°"),
    ("euro", "€"),
    ("hellip", "…"),
    ("laquo", "«"),
    ("ldquo", "“"),
    ("lsquo", "‘"),
    ("mdash", "—"),
    ("middot", "·"),
    ("ndash", "–"),
    ("raquo", "»"),
    ("rdquo", "”"),
    ("rsquo", "’"),
    ("shy", ""),
    ("times", "×"),
    ("pound", "£"),
];

pub(super) fn blocks(text: &str) -> Blocks {
    let mut page = Page::default();
    let mut rest = text;
    while !rest.is_empty() {
        let (said, behind) = rest.split_at(rest.find('<').unwrap_or(rest.len()));
        page.say(said);
        rest = page.tag(behind);
    }
    page.end_paragraph();
    page.gathering.end()
}

/// A page being read.
#[derive(Default)]
struct Page {
    gathering: Gathering,
    /// Lines that were read.
    lines: u32,
    /// The paragraph so far, and on which line it began.
    text: String,
    line: u32,
    /// The heading that it is.
    level: Option<u8>,
    in_title: bool,
    /// Depth of elements that keep blanks.
    pre: u32,
}

impl Page {
    fn say(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let text = letters(text);
        if self.text.is_empty() {
            let blank = text.len() - text.trim_start().len();
            self.line = self.lines + newlines(&text[..blank]) + 1;
        }
        self.lines += newlines(&text);
        if self.pre > 0 {
            self.text.push_str(&text);
            return;
        }
        for c in text.chars() {
            let c = if c.is_whitespace() { ' ' } else { c };
            if c != ' ' || !(self.text.is_empty() || self.text.ends_with([' ', '\n'])) {
                self.text.push(c);
            }
        }
    }

    /// Reads the tag that a text begins with, and gives what is behind it.
    fn tag<'a>(&mut self, text: &'a str) -> &'a str {
        let Some(inside) = text.strip_prefix('<') else {
            return text;
        };
        if let Some(comment) = inside.strip_prefix("!--") {
            return self.skip(comment, "-->");
        }
        let (is_end, name) = match inside.strip_prefix('/') {
            Some(name) => (true, name),
            None => (false, inside),
        };
        if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '!' || c == '?') {
            self.say("<");
            return inside;
        }
        let end = name.find(|c: char| c.is_whitespace() || c == '>' || c == '/');
        let word = name[..end.unwrap_or(name.len())].to_ascii_lowercase();
        let behind = self.skip(name, ">");
        if !is_end && SILENT.contains(&&*word) {
            return self.past(behind, &word);
        }
        self.element(&word, is_end);
        behind
    }

    fn element(&mut self, word: &str, is_end: bool) {
        if INLINE.contains(&word) {
            return;
        }
        match word {
            "br" => self.text.push('\n'),
            "td" | "th" if self.text.trim().is_empty() => self.text.clear(),
            "td" | "th" => self.text.push(' '),
            _ => self.end_paragraph(),
        }
        match (word, word.as_bytes()) {
            ("title", _) => self.in_title = !is_end,
            ("pre" | "textarea", _) if is_end => self.pre = self.pre.saturating_sub(1),
            ("pre" | "textarea", _) => self.pre += 1,
            ("li", _) if !is_end => {
                self.line = self.lines + 1;
                self.text.push_str("- ");
            }
            (_, [b'h', digit @ b'1'..=b'6']) if !is_end => self.level = Some(digit - b'0'),
            _ => {}
        }
    }

    fn end_paragraph(&mut self) {
        let text = std::mem::take(&mut self.text);
        let level = self.level.take();
        let said = text.trim();
        if said.is_empty() || said == "-" {
            return;
        }
        if self.in_title {
            self.gathering.set_title(said.to_owned());
        } else if let Some(level) = level {
            self.gathering
                .heading(self.line, level, &said.replace('\n', " "));
        } else {
            for (number, line) in (self.line..).zip(text.trim_end().lines()) {
                self.gathering.line(number, line);
            }
            self.gathering.close();
        }
    }

    /// What is behind a mark.
    fn skip<'a>(&mut self, text: &'a str, mark: &str) -> &'a str {
        let end = text.find(mark).map_or(text.len(), |at| at + mark.len());
        self.lines += newlines(&text[..end]);
        &text[end..]
    }

    /// What is behind the end of an element.
    fn past<'a>(&mut self, text: &'a str, word: &str) -> &'a str {
        let mut from = 0;
        while let Some(at) = text[from..].find("</") {
            let name = from + at + 2;
            let here = text.get(name..name + word.len());
            if here.is_some_and(|here| here.eq_ignore_ascii_case(word)) {
                self.lines += newlines(&text[..name]);
                return self.skip(&text[name..], ">");
            }
            from = name;
        }
        self.lines += newlines(text);
        ""
    }
}

fn newlines(text: &str) -> u32 {
    u32::try_from(memchr::memchr_iter(b'\n', text.as_bytes()).count()).unwrap_or(u32::MAX)
}

/// A text with its letters that are written by name or number.
fn letters(text: &str) -> String {
    let mut read = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        read.push_str(&rest[..at]);
        rest = &rest[at..];
        // The longest name has eight letters.
        let end = rest.bytes().take(12).position(|byte| byte == b';');
        match end.and_then(|end| Some((named(&rest[1..end])?, end))) {
            Some((letter, end)) => {
                read.push_str(&letter);
                rest = &rest[end + 1..];
            }
            None => {
                read.push('&');
                rest = &rest[1..];
            }
        }
    }
    read.push_str(rest);
    read
}

fn named(name: &str) -> Option<String> {
    if let Some(number) = name.strip_prefix('#') {
        let code = match number.strip_prefix(['x', 'X']) {
            Some(digits) => u32::from_str_radix(digits, 16),
            None => number.parse(),
        };
        let letter = code.ok().and_then(char::from_u32)?;
        return (letter != '\0').then(|| letter.to_string());
    }
    let found = NAMED.iter().find(|(known, _)| *known == name);
    found.map(|(_, letter)| (*letter).to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::{Format, read};

    #[test]
    fn a_page_is_read_as_it_is_shown() {
        let page = "<!doctype html><html><head><title>Ropes &amp; knots</title>\n\
                    <style>p { color: red }</style><script>if (a < b) alert('</p>')</script></head>\n\
                    <body><h1>About <em>ropes</em></h1>\n<p>Hemp\n  rots<!-- not this -->.\n\
                    <p>A &lt;b&gt; &#26085;&#x672c; &nope; 3 < 4</p>\n<ul><li>one<li>two</ul>\n\
                    <h2>Table</h2><table><tr><td>a<td>b</table><pre>x\n  y</pre>";
        let reading = read(page, Format::Html);
        assert_eq!(reading.title.as_deref(), Some("Ropes & knots"));
        let found: Vec<_> = reading
            .passages
            .iter()
            .map(|it| (it.line, &*it.heading, &*it.text))
            .collect();
        let expected = [
            (
                4,
                "About ropes",
                "Hemp rots.\n\nA <b> 日本 &nope; 3 < 4\n\n- one\n\n- two",
            ),
            (8, "About ropes › Table", "a b\n\nx\n  y"),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_is_cut_off_is_read_as_far_as_it_goes() {
        for page in [
            "<",
            "<p",
            "a<script>b",
            "<!--",
            "&#",
            "<pre>",
            "</",
            "&#1114112;<h7>x",
        ] {
            let _ = read(page, Format::Html);
        }
        assert_eq!(read("a<script>b", Format::Html).passages[0].text, "a");
    }
}
