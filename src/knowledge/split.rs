//! # Split: a document as passages
//!
//! A passage is what is quoted as an answer: long enough to say something, short enough to be read.
//! It begins at a heading, or at a paragraph where a section is long; a paragraph that is too long
//! itself is cut behind a sentence.
//!
//! Promises
//! 1. All letters of a document's blocks are in its passages or their headings, in order.
//! 2. No passage is wider than [`WIDTH_MAX`], or empty.

use super::blocks::{Block, Format, blocks};
use crate::ground::words::stands_alone;

/// How wide a passage may be, where an ideograph counts as two letters: it says as much.
pub(super) const WIDTH_MAX: usize = 1200;

/// How wide it is to be before another paragraph begins the next one.
const WIDTH_GOOD: usize = 600;

/// Characters of a title and of a passage's headings.
const TITLE_CHARS_MAX: usize = 200;

/// What stands between headings that are in one another.
const BETWEEN: &str = " › ";

/// A part of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passage {
    /// The line of the document on which it begins, from 1.
    pub line: u32,
    /// The headings that it stands below, without the document's title.
    pub heading: String,
    /// What it says.
    pub text: String,
}

/// A document that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// What it calls itself, if it does.
    pub title: Option<String>,
    /// What it says, in parts.
    pub passages: Vec<Passage>,
}

/// Takes a document apart.
///
/// ```
/// use parlour::knowledge::{Format, read};
///
/// let guide = "# Ropes\n\nDry them first.\n\n## Splices\n\nAn eye splice takes five tucks.\n";
/// let reading = read(guide, Format::Markdown);
/// assert_eq!(reading.title.as_deref(), Some("Ropes"));
/// assert_eq!(reading.passages[1].heading, "Splices");
/// assert_eq!(reading.passages[1].line, 7);
/// ```
pub fn read(text: &str, format: Format) -> Reading {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let taken = blocks(text, format);
    let mut title = taken.title.map(|title| short(&title));
    if title.is_none() {
        let first = taken
            .blocks
            .iter()
            .find_map(|block| block.level.map(|_| &block.text));
        title = first.map(|first| short(first));
    }
    let mut splitting = Splitting {
        title: title.clone(),
        ..Splitting::default()
    };
    for block in taken.blocks {
        match block.level {
            Some(level) => splitting.heading(level, block),
            None => splitting.paragraph(&block),
        }
    }
    splitting.close_section(0);
    Reading {
        title: title.filter(|title| !title.is_empty()),
        passages: splitting.passages,
    }
}

/// As much of a title as is shown, in one line.
fn short(title: &str) -> String {
    let words: Vec<&str> = title.split_whitespace().collect();
    words.join(" ").chars().take(TITLE_CHARS_MAX).collect()
}

/// How wide a text is.
pub(super) fn width(text: &str) -> usize {
    text.chars().map(width_of).sum()
}

fn width_of(c: char) -> usize {
    1 + usize::from(stands_alone(c))
}

#[derive(Default)]
struct Splitting {
    title: Option<String>,
    /// The headings that hold, each with its level.
    headings: Vec<(u8, Block)>,
    /// Whether the last of them has something below it.
    is_filled: bool,
    /// What the passage in the making says so far, and where it begins.
    line: u32,
    text: String,
    passages: Vec<Passage>,
}

impl Splitting {
    fn heading(&mut self, level: u8, block: Block) {
        self.close_section(level);
        self.headings.retain(|(above, _)| *above < level);
        self.headings.push((level, block));
        self.is_filled = false;
    }

    /// Ends a section, because one of this level begins. A heading with nothing below it is all that its
    /// section says.
    fn close_section(&mut self, level: u8) {
        self.close();
        let Some((above, block)) = self.headings.last() else {
            return;
        };
        if !self.is_filled && level <= *above {
            let block = block.clone();
            self.paragraph(&block);
            self.close();
        }
        self.is_filled = true;
    }

    fn paragraph(&mut self, block: &Block) {
        self.is_filled = true;
        let wide = width(&block.text);
        let before = width(&self.text);
        if before > 0 && (before >= WIDTH_GOOD || before + wide + 2 > WIDTH_MAX) {
            self.close();
        }
        let mut line = block.line;
        let mut rest = block.text.as_str();
        while width(rest) > WIDTH_MAX {
            let (piece, behind) = rest.split_at(cut(rest));
            self.add(line, piece);
            self.close();
            line += u32::try_from(piece.matches('\n').count()).unwrap_or(0);
            rest = behind;
        }
        self.add(line, rest);
    }

    fn add(&mut self, line: u32, text: &str) {
        let text = text.trim_matches(['\n', '\r']);
        if text.trim().is_empty() {
            return;
        }
        if self.text.is_empty() {
            self.line = line;
        } else {
            self.text.push_str("\n\n");
        }
        self.text.push_str(text);
    }

    fn close(&mut self) {
        if self.text.is_empty() {
            return;
        }
        let text = std::mem::take(&mut self.text);
        self.passages.push(Passage {
            line: self.line,
            heading: self.path(),
            text,
        });
    }

    /// The headings, but for the title of the whole.
    fn path(&self) -> String {
        let mut path = String::new();
        for (at, (_, block)) in self.headings.iter().enumerate() {
            let heading = short(&block.text);
            if at == 0 && self.title.as_deref() == Some(&*heading) {
                continue;
            }
            if !path.is_empty() {
                path.push_str(BETWEEN);
            }
            path.push_str(&heading);
        }
        path.chars().take(TITLE_CHARS_MAX).collect()
    }
}

/// Where to cut a paragraph that is too wide: behind the last sentence that fits, or else behind the
/// last line or word, unless that would leave next to nothing.
fn cut(text: &str) -> usize {
    let (mut wide, mut sentence, mut blank, mut end) = (0, 0, 0, 0);
    let mut letters = text.char_indices().peekable();
    while let Some((at, c)) = letters.next() {
        wide += width_of(c);
        if wide > WIDTH_MAX {
            break;
        }
        end = at + c.len_utf8();
        let next = letters.peek().map(|(_, next)| *next);
        if matches!(c, '。' | '！' | '？')
            || (matches!(c, '.' | '!' | '?') && next.is_some_and(char::is_whitespace))
            || c == '\n'
        {
            sentence = end;
        }
        if c.is_whitespace() {
            blank = end;
        }
    }
    match () {
        () if sentence > end / 3 => sentence,
        () if blank > end / 3 => blank,
        () => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn passages(text: &str) -> Vec<(u32, String, String)> {
        let passages = read(text, Format::Markdown).passages;
        let of = |it: Passage| (it.line, it.heading, it.text);
        passages.into_iter().map(of).collect()
    }

    fn owned(it: &[(u32, &str, &str)]) -> Vec<(u32, String, String)> {
        let own = |(line, heading, text): &(u32, &str, &str)| {
            (*line, (*heading).to_owned(), (*text).to_owned())
        };
        it.iter().map(own).collect()
    }

    #[test]
    fn a_passage_stands_below_its_headings() {
        let text = "# Boat\nfirst\n## Ropes\n### Dry\nsecond\n\nthird\n## Last";
        let expected = [
            (2, "", "first"),
            (5, "Ropes › Dry", "second\n\nthird"),
            (8, "Last", "Last"),
        ];
        assert_eq!(passages(text), owned(&expected));
    }

    #[test]
    fn a_long_section_is_cut_at_paragraphs_and_a_long_paragraph_at_sentences() {
        let paragraph = "Tar the rope well. ".repeat(20); // 380 wide
        let found = passages(&format!("{paragraph}\n\n").repeat(4));
        assert_eq!(found.len(), 2);
        assert_eq!(found[1].0, 5);
        let found = passages(&"Tar the rope well. ".repeat(100));
        assert!(found.len() >= 2);
        for (_, _, text) in &found {
            assert!(
                text.trim().ends_with('.') && text.trim().starts_with("Tar"),
                "{text}"
            );
        }
        let found = passages(&"船は海に浮かぶ。".repeat(100));
        assert!(found.iter().all(|(_, _, text)| text.ends_with('。')));
    }

    fn letters(text: &str) -> String {
        text.chars().filter(|c| !c.is_whitespace()).collect()
    }

    proptest! {
        #[test]
        fn no_text_is_lost_and_no_passage_is_too_wide(
            text in "([a-z世。. ]{0,300}|\n|\n\n|`{3}|# |\\PC|<p>|-{3}){0,60}"
        ) {
            let reading = read(&text, Format::Text);
            let all: String = reading.passages.iter().map(|it| letters(&it.text)).collect();
            prop_assert_eq!(all, letters(&text));
            for format in [Format::Text, Format::Markdown, Format::Html] {
                let mut last = 0;
                for passage in read(&text, format).passages {
                    prop_assert!(!passage.text.trim().is_empty());
                    prop_assert!(width(&passage.text) <= WIDTH_MAX);
                    prop_assert!(passage.line >= last);
                    last = passage.line;
                }
            }
        }

        #[test]
        fn no_paragraph_of_markdown_is_lost(parts in proptest::collection::vec(("(#{1,6} )?[a-zA-Z世界]{1,9}( [a-z]{1,300}){0,9}", any::<bool>()), 0..30)) {
            let text: String = parts.iter().map(|(part, far)| format!("{part}\n{}", if *far { "\n" } else { "" })).collect();
            let reading = read(&text, Format::Markdown);
            let said: String = reading.passages.iter().map(|it| letters(&it.text)).collect();
            for (part, _) in parts.iter().filter(|(part, _)| !part.starts_with('#')) {
                prop_assert!(said.contains(&letters(part)), "{part}");
            }
        }
    }
}
