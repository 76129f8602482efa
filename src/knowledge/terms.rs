//! # Terms: what texts are indexed by, and what a question looks for
//!
//! Words of languages that part them with blanks are terms without their endings; of Chinese and
//! Japanese each two characters that stand together are one. A question says more than it looks for,
//! so each of its terms has a weight, and those that only make it a question have none.

use std::collections::HashSet;
use std::ops::Range;

use super::stem::stem;
use crate::ground::words::{fold, stands_alone, words};

/// Terms of a question: more than anybody asks for.
const TERMS_MAX: usize = 40;

/// A term of a text.
#[derive(Debug)]
pub(super) struct Token<'a> {
    /// Where it stands.
    pub(super) at: Range<usize>,
    /// The word as it is compared, with its ending.
    pub(super) word: &'a str,
    /// What it is found by.
    pub(super) term: &'a str,
    /// Whether it is the last character of several that stand together: in the index, so that each can
    /// be looked for alone.
    pub(super) is_tail: bool,
}

/// Tells each term of a text, in order.
pub(super) fn tokens(text: &str, mut tell: impl FnMut(Token<'_>)) {
    // A character that waits for the next, and whether one stood before it.
    let mut wide: Option<(Range<usize>, String, bool)> = None;
    for (at, word) in words(text) {
        let is_wide = word.chars().next().is_some_and(stands_alone);
        let follows = is_wide && wide.as_ref().is_some_and(|(last, ..)| last.end == at.start);
        if let Some((last, before, is_tail)) = wide.take() {
            if follows {
                let pair = format!("{before}{word}");
                tell(Token {
                    at: last.start..at.end,
                    word: &pair,
                    term: &pair,
                    is_tail: false,
                });
            } else {
                tell(Token {
                    at: last,
                    word: &before,
                    term: &before,
                    is_tail,
                });
            }
        }
        if is_wide {
            wide = Some((at, word, follows));
        } else {
            tell(Token {
                at,
                word: &word,
                term: &stem(&word),
                is_tail: false,
            });
        }
    }
    if let Some((last, before, is_tail)) = wide {
        tell(Token {
            at: last,
            word: &before,
            term: &before,
            is_tail,
        });
    }
}

/// A text as it is indexed: its terms with a blank between them.
pub(super) fn indexed(text: &str) -> String {
    let mut folded = String::with_capacity(text.len() + text.len() / 2);
    tokens(text, |token| {
        if !folded.is_empty() {
            folded.push(' ');
        }
        folded.push_str(token.term);
    });
    folded
}

/// What a question looks for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Term {
    pub(super) text: String,
    /// The word that it was made of.
    pub(super) word: String,
    /// How much it matters, up to 1.
    pub(super) weight: f64,
}

impl Term {
    /// Of characters that stand together without blanks.
    pub(super) fn is_wide(&self) -> bool {
        self.text.chars().next().is_some_and(stands_alone)
    }

    /// A single character of those that stand together: found by the pairs that it begins.
    pub(super) fn is_single(&self) -> bool {
        self.is_wide() && self.text.chars().nth(1).is_none()
    }

    /// In the language of FTS5: in quotes, in which nothing has a meaning.
    pub(super) fn to_fts(&self) -> String {
        match self.is_single() {
            true => format!("\"{}\" *", self.text),
            false => format!("\"{}\"", self.text),
        }
    }

    /// Whether a token is what is looked for.
    pub(super) fn is(&self, token: &str) -> bool {
        token == self.text || (self.is_single() && token.starts_with(&*self.text))
    }
}

/// What a question looks for, each once. Where it has nothing but words that make it a question, those.
pub(super) fn terms(question: &str) -> Vec<Term> {
    let mut stripped = question.to_lowercase();
    for phrase in PHRASES {
        if stripped.contains(phrase) {
            stripped = stripped.replace(phrase, " ");
        }
    }
    let found = distinct(&stripped);
    let (some, none): (Vec<_>, Vec<_>) = found.into_iter().partition(|term| term.weight > 0.0);
    if !some.is_empty() {
        return some;
    }
    let all = if none.is_empty() {
        distinct(question)
    } else {
        none
    };
    let as_it_is = |term| Term {
        weight: 1.0,
        ..term
    };
    all.into_iter().map(as_it_is).collect()
}

/// Pairs first, in their order, then the single characters that say something by themselves: where a
/// question and its answer mean the same with other words, they often share those.
fn distinct(text: &str) -> Vec<Term> {
    let mut found = pairs(text);
    let wide: Vec<char> = found
        .iter()
        .filter(|term| term.is_wide() && !term.is_single())
        .flat_map(|term| term.text.chars())
        .collect();
    let mut seen = HashSet::new();
    for letter in wide {
        let says = !is_hiragana(letter) && !EMPTY.contains(letter);
        if says && seen.insert(letter) && found.len() < 2 * TERMS_MAX {
            found.push(Term {
                text: letter.to_string(),
                word: letter.to_string(),
                weight: ALONE,
            });
        }
    }
    found
}

fn pairs(text: &str) -> Vec<Term> {
    let mut seen = HashSet::new();
    let mut found: Vec<Term> = Vec::new();
    tokens(text, |token| {
        if found.len() < TERMS_MAX && !token.is_tail && seen.insert(token.term.to_owned()) {
            found.push(Term {
                weight: weight(token.word),
                text: token.term.to_owned(),
                word: token.word.to_owned(),
            });
        }
    });
    found
}

/// What a single character matters of one that stands alone in a question.
const ALONE: f64 = 0.4;

/// How much a word matters by itself.
fn weight(word: &str) -> f64 {
    let Some(first) = word.chars().next() else {
        return 0.0;
    };
    if !stands_alone(first) {
        return if QUESTIONING.contains(&word) {
            0.0
        } else {
            1.0
        };
    }
    // Endings and particles of Japanese are hiragana; what things are called mostly is not.
    let small = word.chars().filter(|c| is_hiragana(*c)).count();
    let empty = word.chars().filter(|c| EMPTY.contains(*c)).count();
    match (small, empty) {
        (2.., _) => 0.15,
        (1, _) => 0.4,
        (_, 0) => 1.0,
        (_, 1) => 0.35,
        _ => 0.1,
    }
}

const fn is_hiragana(c: char) -> bool {
    matches!(c, '\u{3040}'..='\u{309f}')
}

/// Words of which questions are made, folded.
const QUESTIONING: [&str; 109] = [
    "a",
    "about",
    "after",
    "all",
    "also",
    "am",
    "an",
    "and",
    "any",
    "anybody",
    "anyone",
    "anything",
    "are",
    "as",
    "at",
    "be",
    "been",
    "before",
    "by",
    "can",
    "cannot",
    "could",
    "did",
    "do",
    "does",
    "don",
    "for",
    "from",
    "get",
    "gets",
    "give",
    "go",
    "got",
    "had",
    "has",
    "have",
    "he",
    "her",
    "here",
    "his",
    "how",
    "i",
    "if",
    "in",
    "into",
    "is",
    "it",
    "its",
    "know",
    "let",
    "long",
    "make",
    "many",
    "may",
    "me",
    "mean",
    "much",
    "must",
    "my",
    "need",
    "no",
    "not",
    "of",
    "off",
    "often",
    "on",
    "one",
    "or",
    "our",
    "please",
    "s",
    "shall",
    "she",
    "should",
    "so",
    "some",
    "someone",
    "something",
    "t",
    "tell",
    "than",
    "that",
    "the",
    "their",
    "them",
    "then",
    "there",
    "these",
    "they",
    "thing",
    "things",
    "this",
    "to",
    "up",
    "us",
    "use",
    "want",
    "was",
    "we",
    "what",
    "when",
    "where",
    "which",
    "who",
    "whose",
    "why",
    "will",
    "with",
    "you",
];

/// What makes a sentence a question in Chinese and Japanese, the longer before the shorter.
const PHRASES: [&str; 60] = [
    "为什么",
    "為什麼",
    "是什么",
    "有没有",
    "是不是",
    "能不能",
    "可不可以",
    "什么时候",
    "多长时间",
    "什么",
    "甚麼",
    "怎么办",
    "怎么样",
    "怎么",
    "怎样",
    "如何",
    "哪里",
    "哪儿",
    "哪个",
    "哪些",
    "哪一",
    "多少",
    "几点",
    "几个",
    "几次",
    "多久",
    "多长",
    "多高",
    "多大",
    "请问",
    "告诉我",
    "应该",
    "需要",
    "可以",
    "吗",
    "呢",
    "？",
    "教えてください",
    "ありますか",
    "できますか",
    "ですか",
    "ますか",
    "でしょうか",
    "ください",
    "どうすれば",
    "どうやって",
    "どうして",
    "どのように",
    "どのくらい",
    "どれくらい",
    "どこ",
    "いつ",
    "なぜ",
    "何時",
    "何を",
    "何が",
    "誰が",
    "どの",
    "とは何",
    "どう",
];

/// Characters of Chinese that join words and say little, in a pair with another.
const EMPTY: &str = "的了是在有和与及就都也很把被我你您他她它们这那个要会能得着过到上下为以对从不";

/// A word that may be misspelt: in letters that are typed one by one, and long enough to be known by
/// the others.
pub(super) fn may_be_misspelt(word: &str) -> bool {
    let length = word.chars().count();
    (4..=24).contains(&length) && word.chars().all(|c| c.is_alphabetic() && !stands_alone(c))
}

/// Whether nothing can be looked for.
pub(super) fn is_empty(question: &str) -> bool {
    fold(question).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looked_for(question: &str) -> Vec<String> {
        terms(question).into_iter().map(|term| term.text).collect()
    }

    #[test]
    fn a_text_is_indexed_by_words_and_pairs() {
        let check = |text: &str, expected: &str| assert_eq!(indexed(text), expected, "{text}");
        check("The Ropes, stored!", "the rop stor");
        check("今日は", "今日 日は は");
        check("船 A船B", "船 a 船 b");
        check("東京tower東京", "東京 京 tower 東京 京");
        check("", "");
    }

    #[test]
    fn a_question_looks_for_what_it_is_about() {
        let check = |question: &str, expected: &[&str]| assert_eq!(looked_for(question), expected);
        check("How do I store ropes?", &["stor", "rop"]);
        check(
            "怎么保养缆绳？",
            &["保养", "养缆", "缆绳", "保", "养", "缆", "绳"],
        );
        check("船", &["船"]);
        check("What is this?", &["what", "is", "this"]);
        check("吗", &["吗"]);
        check("?!", &[]);
    }

    #[test]
    fn a_single_character_is_found_in_pairs() {
        let term = &terms("船")[0];
        assert!(term.is("船") && term.is("船舶") && !term.is("汽船"));
        assert_eq!(term.to_fts(), "\"船\" *");
    }

    #[test]
    fn lists_are_in_order() {
        assert!(QUESTIONING.is_sorted());
    }
}
