//! # Quote: what a passage says around what was asked
//!
//! A few sentences of the passage's own text, with where the terms of the question stand in them.

use std::ops::Range;

use super::search::{Found, Hit};
use super::terms::tokens;
use crate::ground::words::stands_alone;

/// Characters of a quote, but for its dots: what is read at a glance.
pub const QUOTE_CHARS: usize = 420;

/// A part of a passage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// What it says, with dots where something is left out.
    pub text: String,
    /// The bytes of it that were looked for: in order, apart from each other.
    pub marks: Vec<Range<usize>>,
}

/// The part of a hit that says most about what was asked.
pub fn quote(found: &Found, hit: &Hit, chars_max: usize) -> Quote {
    let mut marks: Vec<Range<usize>> = Vec::new();
    tokens(&hit.text, |token| {
        let Range { start, end } = token.at;
        let first = token.term.chars().next().map_or(0, char::len_utf8);
        let is_sought = |term: &str| found.terms.iter().any(|sought| sought == term);
        let end = match () {
            () if is_sought(token.term) => end,
            // Of a pair only the character that was looked for alone.
            () if is_sought(&token.term[..first]) && is_wide(token.term) => start + first,
            () => return,
        };
        match marks.last_mut() {
            // Pairs of one word lie over each other.
            Some(last) if start <= last.end => last.end = last.end.max(end),
            _ => marks.push(start..end),
        }
    });
    let window = window(&hit.text, &marks, chars_max);
    let lead = if window.start > 0 { "…" } else { "" };
    let tail = if window.end < hit.text.len() {
        "…"
    } else {
        ""
    };
    let inside = hit.text[window.clone()].trim_end();
    let shift = |at: usize| at - window.start + lead.len();
    let end = window.start + inside.len();
    Quote {
        text: format!("{lead}{inside}{tail}"),
        marks: marks
            .iter()
            .filter(|mark| mark.start >= window.start && mark.end <= end)
            .map(|mark| shift(mark.start)..shift(mark.end))
            .collect(),
    }
}

fn is_wide(term: &str) -> bool {
    term.starts_with(stands_alone)
}

/// The stretch of so many characters with most marks, from the beginning of a sentence on.
fn window(text: &str, marks: &[Range<usize>], chars_max: usize) -> Range<usize> {
    let fits = |from: usize| {
        let end = text[from..].char_indices().nth(chars_max);
        end.map_or(text.len(), |(at, _)| from + at)
    };
    if fits(0) == text.len() {
        return 0..text.len();
    }
    // Which marks are within, and what for.
    let mut best = (0..0, 0..fits(0));
    for start in sentences(text) {
        let end = fits(start);
        let first = marks.partition_point(|mark| mark.start < start);
        let behind = marks.partition_point(|mark| mark.end <= end).max(first);
        // With the same marks the later one has less before them.
        let is_same = first == best.0.start && behind == best.0.end;
        if behind - first > best.0.len() || is_same {
            best = (first..behind, start..end);
        }
    }
    let (within, Range { start, end }) = best;
    if end == text.len() {
        return start..end;
    }
    // Whole sentences, if some end before that; otherwise whole words.
    let inside = &text[start..end];
    let said = marks[within].last().map_or(0, |mark| mark.end - start);
    let is_far = |at: &usize| *at >= said.max(inside.len() / 3);
    let last = sentences(inside).last().filter(is_far);
    let blank = || inside.rfind(char::is_whitespace).filter(is_far);
    start..start + last.or_else(blank).unwrap_or(inside.len())
}

/// Where sentences begin.
fn sentences(text: &str) -> impl Iterator<Item = usize> {
    let mut before = ' ';
    let mut is_end = true;
    text.char_indices().filter_map(move |(at, c)| {
        let begins = is_end && !c.is_whitespace();
        if begins {
            is_end = false;
        }
        if matches!(c, '。' | '！' | '？' | '\n')
            || (c.is_whitespace() && matches!(before, '.' | '!' | '?'))
        {
            is_end = true;
        }
        before = c;
        begins.then_some(at)
    })
}

#[cfg(test)]
mod tests {
    use super::super::{Base, DocumentId};
    use super::*;
    use proptest::prelude::*;

    fn hit(text: &str) -> Hit {
        Hit {
            base: Base::SERVER,
            document: DocumentId(1),
            title: String::new(),
            source: String::new(),
            heading: String::new(),
            place: 0,
            line: 1,
            text: text.to_owned(),
            about: 1.0,
            score: 1.0,
        }
    }

    fn quoted(text: &str, terms: &[&str], chars_max: usize) -> String {
        let found = Found {
            terms: terms.iter().map(|it| (*it).to_owned()).collect(),
            ..Found::default()
        };
        let quote = quote(&found, &hit(text), chars_max);
        let mut shown = String::new();
        let mut at = 0;
        for mark in &quote.marks {
            shown += &quote.text[at..mark.start];
            shown += &format!("[{}]", &quote.text[mark.clone()]);
            at = mark.end;
        }
        shown + &quote.text[at..]
    }

    #[test]
    fn a_quote_marks_what_was_asked() {
        let check = |text, terms: &[&str], expected: &str| {
            assert_eq!(quoted(text, terms, 40), expected);
        };
        check("Tar the Ropes.", &["rop"], "Tar the [Ropes].");
        check("缆绳要保养。", &["保养", "缆绳"], "[缆绳]要[保养]。");
        check("船舶与汽船", &["船"], "[船]舶与汽[船]");
        let long = "Nothing is here at all. The rope is dry and good. Then more follows.";
        check(long, &["rop", "dry"], "…The [rope] is [dry] and good.…");
    }

    proptest! {
        #[test]
        fn any_text_has_a_quote(text in "([a-c世。. \n]|\\PC){0,300}", most in 1usize..80) {
            let found = Found { terms: vec!["a".to_owned(), "世".to_owned()], ..Found::default() };
            let quote = quote(&found, &hit(&text), most);
            prop_assert!(quote.text.chars().count() <= most + 2);
            let mut last = 0;
            for mark in &quote.marks {
                prop_assert!(last <= mark.start && mark.start < mark.end);
                prop_assert!(quote.text.get(mark.clone()).is_some());
                last = mark.end;
            }
        }
    }
}
