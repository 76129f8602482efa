//! # Blocks: a document as headings and paragraphs
//!
//! What a format means is known here and in [`html`](super::html); whoever splits documents sees
//! blocks only. Paragraphs of Markdown stay as they are written: whoever is shown one reads Markdown.
//!
//! Promise: whatever is no heading's mark is in some block, in order.

use super::html;

/// How a document is written.
///
/// ```
/// use parlour::knowledge::Format;
///
/// assert_eq!(Format::of_name("guide/ROPES.md"), Some(Format::Markdown));
/// assert_eq!(Format::of_name("photo.jpg"), None);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Paragraphs with blank lines between them.
    Text,
    /// Markdown: its headings are read, everything else is left as it is.
    Markdown,
    /// A page, of which the text is read.
    Html,
}

impl Format {
    /// As it is called in tables and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Markdown => "markdown",
            Self::Html => "html",
        }
    }

    /// The format that is called so.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::Text, Self::Markdown, Self::Html]
            .into_iter()
            .find(|format| format.as_str() == name)
    }

    /// The format of a file by the end of its name; nothing for what is no text.
    pub fn of_name(name: &str) -> Option<Self> {
        let (_, end) = name.rsplit_once('.')?;
        match &*end.to_ascii_lowercase() {
            "txt" | "text" | "log" | "rst" | "adoc" | "org" => Some(Self::Text),
            "md" | "markdown" | "mdown" | "mkd" => Some(Self::Markdown),
            "html" | "htm" | "xhtml" => Some(Self::Html),
            _ => None,
        }
    }
}

/// A heading or a paragraph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Block {
    /// The line on which it begins, from 1.
    pub(super) line: u32,
    /// From 1 to 6; nothing for a paragraph.
    pub(super) level: Option<u8>,
    pub(super) text: String,
}

/// A document taken apart.
#[derive(Debug, Default)]
pub(super) struct Blocks {
    /// What the document calls itself, where that is no heading.
    pub(super) title: Option<String>,
    pub(super) blocks: Vec<Block>,
}

pub(super) fn blocks(text: &str, format: Format) -> Blocks {
    match format {
        Format::Text => plain(text),
        Format::Markdown => markdown(text),
        Format::Html => html::blocks(text),
    }
}

fn plain(text: &str) -> Blocks {
    let mut gathering = Gathering::default();
    for (number, line) in (1..).zip(text.lines()) {
        gathering.line(number, line);
    }
    gathering.end()
}

fn markdown(text: &str) -> Blocks {
    let mut gathering = Gathering::default();
    let mut lines = (1..).zip(text.lines()).peekable();
    if lines.peek().is_some_and(|(_, line)| *line == "---") && text.matches("\n---").count() > 0 {
        gathering.front_matter(&mut lines);
    }
    // The letters that a fence is made of, which end what it began.
    let mut fence: Option<String> = None;
    for (number, line) in lines {
        let trimmed = line.trim();
        if let Some(open) = &fence {
            gathering.solid(number, line);
            if trimmed.starts_with(&**open) && trimmed.trim_matches(['`', '~']).is_empty() {
                fence = None;
            }
            continue;
        }
        let marks: String = trimmed
            .chars()
            .take_while(|c| trimmed.starts_with(*c))
            .collect();
        if marks.len() >= 3 && (marks.starts_with('`') || marks.starts_with('~')) {
            gathering.solid(number, line);
            fence = Some(marks);
        } else if let Some((level, title)) = heading(line) {
            gathering.heading(number, level, title);
        } else if let Some(level) = underline(trimmed)
            && gathering.is_one_line()
        {
            gathering.make_heading(level);
        } else {
            gathering.line(number, line);
        }
    }
    gathering.end()
}

/// `## Title ##`
fn heading(line: &str) -> Option<(u8, &str)> {
    let line = line
        .strip_prefix("   ")
        .unwrap_or_else(|| line.trim_start_matches(' '));
    let level = line.bytes().take_while(|byte| *byte == b'#').count();
    let rest = &line[level..];
    if !(1..=6).contains(&level) || !rest.starts_with([' ', '\t']) {
        return None;
    }
    let title = rest.trim();
    let bare = title.trim_end_matches('#');
    let is_closed = bare.is_empty() || bare.ends_with([' ', '\t']);
    let title = if is_closed { bare.trim_end() } else { title };
    Some((u8::try_from(level).unwrap_or(6), title))
}

/// The line below a heading.
fn underline(line: &str) -> Option<u8> {
    let is_of = |mark: char| line.len() >= 3 && line.chars().all(|c| c == mark);
    match () {
        () if is_of('=') => Some(1),
        () if is_of('-') => Some(2),
        () => None,
    }
}

/// Paragraphs in the making.
#[derive(Default)]
pub(super) struct Gathering {
    made: Blocks,
    begun: Option<Block>,
}

impl Gathering {
    /// A line of a paragraph, or a blank one, which ends it.
    pub(super) fn line(&mut self, number: u32, line: &str) {
        if line.trim().is_empty() {
            self.close();
        } else {
            self.solid(number, line);
        }
    }

    /// A line of a paragraph, even if it is blank.
    fn solid(&mut self, number: u32, line: &str) {
        let block = self.begun.get_or_insert_with(|| Block {
            line: number,
            level: None,
            text: String::new(),
        });
        if number > block.line {
            block.text.push('\n');
        }
        block.text.push_str(line.trim_end());
    }

    pub(super) fn heading(&mut self, number: u32, level: u8, title: &str) {
        self.close();
        if !title.is_empty() {
            self.made.blocks.push(Block {
                line: number,
                level: Some(level),
                text: title.to_owned(),
            });
        }
    }

    fn is_one_line(&self) -> bool {
        let begun = self.begun.as_ref();
        begun.is_some_and(|block| !block.text.contains('\n'))
    }

    /// The paragraph was a heading.
    fn make_heading(&mut self, level: u8) {
        if let Some(block) = self.begun.take() {
            self.heading(block.line, level, block.text.trim());
        }
    }

    /// What some programs write above a document: a paragraph, perhaps with a title in it.
    fn front_matter<'a>(&mut self, lines: &mut impl Iterator<Item = (u32, &'a str)>) {
        lines.next();
        for (number, line) in lines {
            if line == "---" {
                break;
            }
            if let Some(title) = line.strip_prefix("title:") {
                let title = title.trim().trim_matches(['"', '\'']);
                self.made.title = Some(title.to_owned());
            }
            self.line(number, line);
        }
        self.close();
    }

    pub(super) fn set_title(&mut self, title: String) {
        self.made.title.get_or_insert(title);
    }

    pub(super) fn close(&mut self) {
        self.made.blocks.extend(self.begun.take());
    }

    pub(super) fn end(mut self) -> Blocks {
        self.close();
        self.made
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, format: Format) -> Vec<(u32, u8, String)> {
        let of = |block: Block| (block.line, block.level.unwrap_or(0), block.text);
        blocks(text, format).blocks.into_iter().map(of).collect()
    }

    #[test]
    fn markdown_has_headings_and_paragraphs() {
        let text = "# Boats\n\nOne\ntwo\n\n## Ropes ##\nthree\n\nHulls\n=====\nfour\n---\n#no";
        let expected = [
            (1, 1, "Boats"),
            (3, 0, "One\ntwo"),
            (6, 2, "Ropes"),
            (7, 0, "three"),
            (9, 1, "Hulls"),
            (11, 2, "four"),
            (13, 0, "#no"),
        ];
        let expected = expected.map(|(line, level, text)| (line, level, text.to_owned()));
        assert_eq!(read(text, Format::Markdown), expected);
    }

    #[test]
    fn code_is_no_heading_and_stays_together() {
        let text = "```sh\n# a comment\n\nls\n```\n\nafter";
        let found = read(text, Format::Markdown);
        assert_eq!(found.len(), 2, "{found:?}");
        assert_eq!(found[0].2, "```sh\n# a comment\n\nls\n```");
        assert_eq!(found[1], (7, 0, "after".to_owned()));
    }

    #[test]
    fn front_matter_may_have_the_title() {
        let text = "---\ntitle: \"All about ropes\"\ntags: x\n---\nText";
        let found = blocks(text, Format::Markdown);
        assert_eq!(found.title.as_deref(), Some("All about ropes"));
        assert_eq!(found.blocks.len(), 2);
        // A line alone is no front matter.
        assert_eq!(read("---\nText", Format::Markdown).len(), 1);
    }

    #[test]
    fn a_plain_text_has_only_paragraphs() {
        let expected = [
            (1, 0, "# one".to_owned()),
            (3, 0, "two\n  three".to_owned()),
        ];
        assert_eq!(read("# one\n\ntwo\n  three\n\n", Format::Text), expected);
    }
}
