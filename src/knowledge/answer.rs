//! # Answer: what is said to a question
//!
//! A message: the best passage as a quote, where it stands, and where else to look. Where nothing good
//! was found, that is what is said.

use super::quote::{QUOTE_CHARS, quote};
use super::search::{Found, Hit};

/// How many others are named.
const OTHERS: usize = 2;

/// The path of a page with a passage on it.
pub fn link(hit: &Hit) -> String {
    let number = hit.place + 1;
    format!("/docs/{}?passage={number}#p-{number}", hit.document.0)
}

/// What is said to a question, in Markdown, after a [`search`](super::search) for it. See
/// [`Library`](super::Library) for an example.
pub fn answer(question: &str, found: &Found) -> String {
    let question = question.trim();
    if found.is_empty {
        return "There are no documents here yet that could answer this.".to_owned();
    }
    let Some(best) = found.hits.first().filter(|_| found.is_good) else {
        return nothing(question, found);
    };
    let quote = quote(found, best, QUOTE_CHARS);
    let mut said = String::new();
    for line in quote.text.lines() {
        said.push_str("> ");
        said.push_str(line);
        said.push('\n');
    }
    said.push_str(&format!("\nFrom {}.", linked(best)));
    let others: Vec<String> = found.hits.iter().skip(1).take(OTHERS).map(linked).collect();
    if !others.is_empty() {
        said.push_str(&format!("\nSee also: {}.", others.join(", ")));
    }
    said
}

fn nothing(question: &str, found: &Found) -> String {
    let near: Vec<String> = found.hits.iter().take(OTHERS).map(linked).collect();
    let asked: String = question
        .chars()
        .take(100)
        .filter(|c| !c.is_control())
        .collect();
    let mut said = format!("I found nothing good about “{asked}” in the documents here.");
    if !near.is_empty() {
        said.push_str(&format!(" What comes nearest: {}.", near.join(", ")));
    }
    said
}

/// What a hit is called, as a link.
fn linked(hit: &Hit) -> String {
    let mut name = hit.title.clone();
    if !hit.heading.is_empty() {
        name.push_str(" › ");
        name.push_str(&hit.heading);
    }
    // What would end the link's name.
    let name = name.replace(['[', ']', '\n'], " ");
    format!("[{name}]({})", link(hit))
}

#[cfg(test)]
mod tests {
    use super::super::{Base, Format, Library, keep, search};
    use super::*;
    use crate::store::Connection;

    const YARD: &str = "# The yard\n\nIt is by the river.\n\n## Ropes [old]\n\nDry a rope before it is \
                        stowed.\nA wet rope rots.\n\n## Paint\n\nPaint the hull in May, when it is \
                        dry.\n\n## Slipway\n\nThe slipway is free on Sundays.\n";

    fn ask(library: &Library, bases: &[Base], question: &str) -> (String, Found) {
        let look = |tables: &Connection| search(tables, bases, question, 3);
        let found = library.database().reader().unwrap().query(look).unwrap();
        (answer(question, &found), found)
    }

    fn library(texts: &[(Base, &'static str)]) -> Library {
        let library = Library::in_memory().unwrap();
        for (number, (base, text)) in texts.iter().copied().enumerate() {
            let source = format!("{number}.md");
            let job = move |tables: &Connection| {
                keep(tables, base, &source, None, Format::Markdown, text, 1)
            };
            library.database().run(job).unwrap();
        }
        library
    }

    #[test]
    fn an_answer_quotes_names_and_links() {
        let library = library(&[(Base::SERVER, YARD)]);
        let (said, found) = ask(&library, &[Base::SERVER], "Why should I dry ropes?");
        let expected = "> Dry a rope before it is stowed.\n> A wet rope rots.\n\n\
                        From [The yard ›  Ropes  old ](/docs/1?passage=2#p-2).\n\
                        See also: [The yard › Paint](/docs/1?passage=3#p-3).";
        assert_eq!(said, expected.replace("›  Ropes", "› Ropes"));
        assert!(found.is_good);
    }

    #[test]
    fn nothing_good_is_said_plainly() {
        let library = library(&[(Base::SERVER, YARD)]);
        let (said, found) = ask(&library, &[Base::SERVER], "Which river has crocodiles?");
        assert!(!found.is_good);
        assert!(
            said.starts_with("I found nothing good about “Which river has crocodiles?”"),
            "{said}"
        );
        let (said, _) = ask(&library, &[Base(7)], "Ropes?");
        assert!(said.starts_with("There are no documents"), "{said}");
        for question in ["", "?!", "\"", "AND", "NEAR(a", "terms:"] {
            let (said, _) = ask(&library, &[Base::SERVER], question);
            assert!(!said.is_empty());
        }
    }

    #[test]
    fn a_rooms_documents_come_first_and_are_no_other_rooms() {
        let own = "# Our ropes\n\nOur ropes hang in the loft, dry.\n";
        let library = library(&[(Base::SERVER, YARD), (Base(7), own)]);
        let question = "Where are dry ropes?";
        let (said, found) = ask(&library, &[Base(7), Base::SERVER], question);
        assert!(said.contains("in the loft"), "{said}");
        assert_eq!(found.hits[1].base, Base::SERVER);
        let (said, found) = ask(&library, &[Base(8), Base::SERVER], question);
        assert!(!said.contains("loft"), "{said}");
        assert!(found.hits.iter().all(|hit| hit.base == Base::SERVER));
    }

    #[test]
    fn misspelt_words_are_found() {
        let library = library(&[(Base::SERVER, YARD)]);
        let (_, found) = ask(&library, &[Base::SERVER], "When is the slipwya fre?");
        assert!(found.is_good);
        assert_eq!(found.hits[0].heading, "Slipway");
    }
}
