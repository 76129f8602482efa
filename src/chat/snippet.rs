//! # Snippet: what a message says around what was looked for
//!
//! Made of the message's own text, so that it shows what is there by now, with where to mark it.

use std::ops::Range;

use super::query::{Query, Term};
use crate::ground::words::words;

/// Characters of a snippet, but for its dots: two lines of a list.
const SNIPPET_CHARS: usize = 160;

/// Characters that it shows before the first hit.
const LEAD_CHARS: usize = 40;

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet {
    /// What it says, with dots where something is left out.
    pub text: Box<str>,
    /// The bytes of it that were looked for: in order, apart from each other.
    pub marks: Vec<Range<usize>>,
}

/// The piece of a text around the first of what a query looks for; its beginning if there is nothing
/// of it, because the text was changed since it was indexed.
pub(super) fn snippet(text: &str, query: &Query) -> Snippet {
    let marks = marks(text, query);
    let first = marks.first().map_or(0, |mark| mark.start);
    let start = if text.chars().count() <= SNIPPET_CHARS {
        0
    } else {
        begin(text, first)
    };
    let end = text[start..]
        .char_indices()
        .nth(SNIPPET_CHARS)
        .map_or(text.len(), |(at, _)| start + at);
    let lead = if start > 0 { "…" } else { "" };
    let tail = if end < text.len() { "…" } else { "" };
    let marks = marks
        .into_iter()
        .filter(|mark| mark.start < end)
        .map(|mark| mark.start - start + lead.len()..mark.end.min(end) - start + lead.len());
    Snippet {
        text: format!("{lead}{}{tail}", &text[start..end]).into(),
        marks: marks.collect(),
    }
}

/// Where a piece begins that is to show what stands at `first`: a little before, at a word.
fn begin(text: &str, first: usize) -> usize {
    let before = &text[..first];
    let Some((lead, _)) = before.char_indices().rev().nth(LEAD_CHARS - 1) else {
        return 0;
    };
    if lead == 0 {
        return 0;
    }
    let word = before[lead..].find(char::is_whitespace);
    word.map_or(lead, |blank| {
        let behind = lead + blank;
        let letters = before[behind..].trim_start().len();
        first - letters
    })
}

/// Where a text says what a query looks for.
fn marks(text: &str, query: &Query) -> Vec<Range<usize>> {
    let words: Vec<(Range<usize>, String)> = words(text).collect();
    let mut found: Vec<Range<usize>> = Vec::new();
    for term in query.terms() {
        let length = term.words.len();
        for here in words.windows(length).filter(|here| says(here, term)) {
            found.push(here[0].0.start..here[length - 1].0.end);
        }
    }
    found.sort_unstable_by_key(|mark| (mark.start, mark.end));
    let mut apart: Vec<Range<usize>> = Vec::with_capacity(found.len());
    for mark in found {
        match apart.last_mut() {
            Some(last) if mark.start <= last.end => last.end = last.end.max(mark.end),
            _ => apart.push(mark),
        }
    }
    apart
}

fn says(words: &[(Range<usize>, String)], term: &Term) -> bool {
    let last = term.words.len() - 1;
    let mut pairs = words.iter().zip(&term.words).enumerate();
    pairs.all(|(at, ((_, word), wanted))| {
        if at == last && term.prefix {
            word.starts_with(wanted)
        } else {
            word == wanted
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marked(text: &str, query: &str) -> String {
        let snippet = snippet(text, &Query::parse("query", query).unwrap());
        let mut shown = String::new();
        let mut at = 0;
        for mark in &snippet.marks {
            shown += &snippet.text[at..mark.start];
            shown += &format!("[{}]", &snippet.text[mark.clone()]);
            at = mark.end;
        }
        shown + &snippet.text[at..]
    }

    #[test]
    fn what_was_looked_for_is_marked() {
        let check = |text, query, expected: &str| assert_eq!(marked(text, query), expected);
        check(
            "Buy Milk, and milkshake",
            "milk",
            "Buy [Milk], and [milkshake]",
        );
        check(
            "Buy Milk, and milkshake",
            "milk buy",
            "[Buy] [Milk], and milkshake",
        );
        check("Le Café noir", "cafe", "Le [Café] noir");
        check("Le Cafe\u{301} noir", "café noi", "Le [Cafe\u{301}] [noir]");
        check(
            "say hello, world now",
            "\"hello world\"",
            "say [hello, world] now",
        );
        check("今日は世界だ", "世界", "今日は[世界]だ");
        check("something else", "milk", "something else");
    }

    #[test]
    fn a_long_text_is_cut_around_the_first_hit() {
        let text = format!("{} needle {}", "word ".repeat(100), "more ".repeat(100));
        let shown = marked(&text, "needle");
        assert!(shown.starts_with("…word word"), "{shown}");
        assert!(shown.contains(" [needle] more"), "{shown}");
        assert!(shown.ends_with('…'), "{shown}");
        assert_eq!(shown.chars().count(), SNIPPET_CHARS + 4);
        let shown = marked(&text, "nothing");
        assert!(shown.starts_with("word word"), "{shown}");
    }

    proptest! {
        #[test]
        fn any_text_has_a_snippet(text in "([a-cé世ー ]|\\PC){0,400}", query in "[a-cé世ー ]{1,9}") {
            let Ok(query) = Query::parse("query", &query) else { return Ok(()) };
            let snippet = snippet(&text, &query);
            prop_assert!(snippet.text.chars().count() <= SNIPPET_CHARS + 2);
            let mut last = 0;
            for mark in &snippet.marks {
                prop_assert!(last <= mark.start && mark.start < mark.end);
                prop_assert!(snippet.text.get(mark.clone()).is_some());
                last = mark.end;
            }
        }
    }
}
