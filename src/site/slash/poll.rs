//! # `/poll`: a question with answers to choose from
//!
//! An ordinary message, whose last lines begin with the numbers from 1️⃣ on; whoever reacts with one of
//! them has voted.
//!
//! Promises
//! 1. What is said can be read, and voted on, by clients that know nothing of polls.

use super::registry::Command;
use super::reply::{Asked, Reply};
use crate::chat::{Refusal, Style};
use crate::site::hall::Hall;
use crate::web::Tick;

const HELP: &str = "Ask something, with answers to choose from\n\
    /poll Tea or coffee? Tea, Coffee, Neither\n\
    /poll \"When do we meet?\" \"Monday, at 9\" \"Tuesday\"\n\
    Up to nine answers; without any they are Yes and No. A click on a number votes.";

const WRONG: &str = "Say a question and its answers: /poll Tea or coffee? Tea, Coffee";

/// As many as there are keys with a number.
const OPTIONS_MAX: usize = 9;

/// The command.
pub(super) fn command() -> Command {
    Command::built_in("poll", HELP, poll).usage("QUESTION? A, B, C")
}

fn poll(_: &mut Tick<'_, Hall>, asked: &Asked) -> Result<Reply, Refusal> {
    Ok(match read(asked.rest()) {
        None => Reply::wrong(WRONG),
        Some((_, options)) if options.len() == 1 => {
            Reply::wrong("One answer is no choice: say at least two.")
        }
        Some((_, options)) if options.len() > OPTIONS_MAX => {
            Reply::wrong(format!("A poll has at most {OPTIONS_MAX} answers."))
        }
        Some((question, options)) => Reply::say_as(written(&question, &options), Style::Poll),
    })
}

/// The question and the answers.
fn read(text: &str) -> Option<(String, Vec<String>)> {
    let parts = match text.starts_with(QUOTES) {
        true => quoted(text)?,
        false => plain(text),
    };
    let mut parts = parts.into_iter().map(|part| one_line(&part));
    let question = parts.next().filter(|it| !it.is_empty())?;
    let mut options: Vec<String> = parts.filter(|it| !it.is_empty()).collect();
    if options.is_empty() {
        options = vec!["Yes".to_owned(), "No".to_owned()];
    }
    Some((question, options))
}

/// What begins a quoted text, as keyboards write it.
const QUOTES: [char; 4] = ['"', '“', '”', '„'];

/// Texts between quotes, with nothing but blanks and commas between them.
fn quoted(text: &str) -> Option<Vec<String>> {
    let mut parts = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if rest.is_empty() {
            return Some(parts);
        }
        let inside = rest.strip_prefix(QUOTES)?;
        let (part, behind) = inside.split_once(QUOTES)?;
        parts.push(part.to_owned());
        rest = behind;
    }
}

/// A question up to its mark, and answers with commas, or lines, between them.
fn plain(text: &str) -> Vec<String> {
    let is_mark = |c: char| matches!(c, '?' | '？');
    let between = |c: char| matches!(c, ',' | '，' | '、' | '\n');
    // The last mark before the answers begin; a question may have commas of its own.
    let first = text.find(between).unwrap_or(text.len());
    let mark = text[..first].rfind(is_mark).or_else(|| text.find(is_mark));
    let end = mark.or_else(|| text.find('\n')).map_or(text.len(), |at| {
        at + text[at..].chars().next().map_or(0, char::len_utf8)
    });
    let (question, answers) = text.split_at(end);
    let answers = answers.split(between).map(str::to_owned);
    std::iter::once(question.to_owned())
        .chain(answers)
        .collect()
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn written(question: &str, options: &[String]) -> String {
    let lines = (1..).zip(options).map(|(number, option)| {
        // A digit on a key.
        format!("\n{number}\u{fe0f}\u{20e3} {option}")
    });
    std::iter::once(format!("{question}\n"))
        .chain(lines)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_and_answers_are_told_apart() {
        let check = |text: &str, expected: &str| {
            let found = read(text).map(|(question, options)| {
                std::iter::once(question)
                    .chain(options)
                    .collect::<Vec<_>>()
                    .join("|")
            });
            assert_eq!(found.unwrap_or_default(), expected, "{text:?}");
        };
        check("Tea or coffee? Tea, Coffee", "Tea or coffee?|Tea|Coffee");
        check("Tea?", "Tea?|Yes|No");
        check("Why? Or what? A, B", "Why? Or what?|A|B");
        check("Tea, or coffee? A, B", "Tea, or coffee?|A|B");
        check("喝什么？茶，咖啡", "喝什么？|茶|咖啡");
        check("Which\nA, b\nC", "Which|A|b|C");
        check(
            "\"When?\" \"Monday, at 9\" \"Tuesday\"",
            "When?|Monday, at 9|Tuesday",
        );
        check("“When?” “Monday”,“Tuesday”", "When?|Monday|Tuesday");
        check("\"When?", "");
        check("\"When?\" Monday", "");
        check("", "");
        check("\"\" \"a\"", "");
    }

    #[test]
    fn a_poll_is_a_text_that_can_be_read() {
        let options = ["A".to_owned(), "B".to_owned()];
        assert_eq!(written("Q?", &options), "Q?\n\n1️⃣ A\n2️⃣ B");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read(text in "[\"“”?,a\né ]{0,20}") {
            if let Some((question, options)) = read(&text) {
                proptest::prop_assert!(!question.is_empty() && !options.is_empty());
            }
        }
    }
}
