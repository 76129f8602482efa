//! # Query: what somebody looks for
//!
//! Words that all have to be there, in any order; the last one may be unfinished. `"Several words"`
//! are looked for as they stand, and `from:ana` is what ana said. Everything else has no meaning of
//! its own: no text is a mistake for the index.
//!
//! Chinese and Japanese have no blanks between words, so each of their characters is a word here,
//! and several together are looked for as they stand.

use super::name::UserName;
use super::refusal::Refusal;
use crate::ground::words::words;

/// Characters of a query.
const QUERY_CHARS_MAX: usize = 500;

/// Words and quoted texts of a query: more than anybody remembers.
const TERMS_MAX: usize = 20;

/// What somebody looks for: at least one word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    terms: Vec<Term>,
    from: Option<UserName>,
}

/// Words that stand together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// As they are compared: see [`words`].
    pub(super) words: Vec<String>,
    /// Whether the last word may go on.
    pub(super) prefix: bool,
}

impl Query {
    /// What somebody typed.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Refusal> {
        let length = text.chars().count();
        if length > QUERY_CHARS_MAX {
            return Err(Refusal::too_long(field, length, QUERY_CHARS_MAX));
        }
        let mut query = Self {
            terms: Vec::new(),
            from: None,
        };
        let mut rest = text.trim_start();
        while !rest.is_empty() {
            rest = query.take(rest).trim_start();
        }
        if query.terms.is_empty() {
            let tell = format!("`{field}` has no word in it. Say at least one to look for.");
            return Err(Refusal::field(field, tell));
        }
        if query.terms.len() > TERMS_MAX {
            let tell = format!("`{field}` has more than {TERMS_MAX} words. Say fewer.");
            return Err(Refusal::field(field, tell));
        }
        Ok(query)
    }

    /// Takes what comes next, and gives what is behind it.
    fn take<'a>(&mut self, text: &'a str) -> &'a str {
        if let Some(quoted) = text.strip_prefix('"') {
            let (inside, rest) = quoted.split_once('"').unwrap_or((quoted, ""));
            self.add(inside, false);
            return rest;
        }
        let end = text
            .find(|c: char| c.is_whitespace() || c == '"')
            .unwrap_or(text.len());
        let (word, rest) = text.split_at(end);
        match word
            .strip_prefix("from:")
            .map(|it| UserName::parse("from", it))
        {
            Some(Ok(name)) => self.from = Some(name),
            _ => self.add(word, rest.trim().is_empty()),
        }
        rest
    }

    fn add(&mut self, text: &str, prefix: bool) {
        let words: Vec<String> = words(text).map(|(_, word)| word).collect();
        if !words.is_empty() {
            self.terms.push(Term { words, prefix });
        }
    }

    /// Who has to have said it.
    pub fn from(&self) -> Option<&UserName> {
        self.from.as_ref()
    }

    pub(super) fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// In the language of FTS5: every word in quotes, in which nothing has a meaning.
    pub(super) fn to_fts(&self) -> String {
        let mut text = String::new();
        for term in &self.terms {
            let blank = if text.is_empty() { "" } else { " " };
            let star = if term.prefix { " *" } else { "" };
            text.push_str(&format!("{blank}\"{}\"{star}", term.words.join(" ")));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_says_what_is_looked_for() {
        let check = |text: &str, expected: &str, from: Option<&str>| {
            let query = Query::parse("query", text).unwrap();
            assert_eq!(query.to_fts(), expected, "{text:?}");
            assert_eq!(query.from().map(UserName::as_str), from, "{text:?}");
        };
        check("hel", "\"hel\" *", None);
        check("Hello wor", "\"hello\" \"wor\" *", None);
        check("say \"Hello  World\"", "\"say\" \"hello world\"", None);
        check("\"open end", "\"open end\"", None);
        check("from:Ana milk", "\"milk\" *", Some("ana"));
        check("milk from:ana", "\"milk\"", Some("ana"));
        check("from:ä/b", "\"from a b\" *", None);
        check("東京 タワー", "\"東 京\" \"タ ワ ー\" *", None);
        check(
            "a AND (b* NOT c:d",
            "\"a\" \"and\" \"b\" \"not\" \"c d\" *",
            None,
        );
    }

    #[test]
    fn a_query_without_a_word_is_refused() {
        for bad in ["", " ", "\"", "\"\"", "!?", "from:ana", "🎉"] {
            assert!(Query::parse("query", bad).is_err(), "{bad:?}");
        }
        assert!(Query::parse("query", &"a".repeat(501)).is_err());
        assert!(Query::parse("query", &"a ".repeat(21)).is_err());
        assert!(Query::parse("query", &"a ".repeat(20)).is_ok());
    }
}
