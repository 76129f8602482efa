//! # Spelling: words that somebody may have meant
//!
//! For a word that is in no document: those that are, and begin with it, or differ from it by a letter
//! or two. Candidates come by their threes of letters, so that it makes no difference where the mistake is.
//! Words are compared with their endings, in which there are mistakes too, and without.

use rusqlite::Connection;

use super::stem::stem;
use super::terms::may_be_misspelt;
use crate::ground::words::distance;
use crate::store::{StoreError, rusqlite};

/// Candidates that are compared letter by letter.
const CANDIDATES_MAX: u32 = 60;

/// Words that are tried instead of one.
const TRIED_MAX: usize = 3;

/// Terms that may have been meant by a word, the nearest first.
pub(super) fn near(connection: &Connection, word: &str) -> Result<Vec<String>, StoreError> {
    if !may_be_misspelt(word) {
        return Ok(Vec::new());
    }
    let mut found: Vec<(usize, String)> = Vec::new();
    let candidates = beginning(connection, word)?;
    for candidate in candidates.into_iter().chain(sharing(connection, word)?) {
        let far = match candidate.starts_with(word) {
            // Unfinished, which is no mistake.
            true => 1,
            false => distance(word, &candidate).min(distance(&stem(word), &stem(&candidate))),
        };
        let term = stem(&candidate).into_owned();
        if far <= allowed(word) && !found.iter().any(|(_, known)| *known == term) {
            found.push((far, term));
        }
    }
    found.sort();
    let nearest = found.first().map_or(0, |(far, _)| *far);
    let as_near = found.into_iter().take_while(|(far, _)| *far == nearest);
    Ok(as_near.take(TRIED_MAX).map(|(_, term)| term).collect())
}

/// Mistakes that leave a word what it is.
fn allowed(word: &str) -> usize {
    match word.chars().count() {
        0..7 => 1,
        _ => 2,
    }
}

fn beginning(connection: &Connection, word: &str) -> Result<Vec<String>, StoreError> {
    let sql =
        "SELECT word FROM spellings WHERE word >= ? AND word < ? ORDER BY length(word) LIMIT ?";
    let end = format!("{word}\u{10ffff}");
    let mut look = connection.prepare_cached(sql)?;
    let found = look.query_map((word, end, TRIED_MAX), |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

fn sharing(connection: &Connection, word: &str) -> Result<Vec<String>, StoreError> {
    let letters: Vec<char> = word.chars().collect();
    let threes: Vec<String> = letters
        .windows(3)
        .map(|three| format!("\"{}\"", three.iter().collect::<String>()))
        .collect();
    let sql = "SELECT s.word FROM threes JOIN spellings s ON s.id = threes.rowid
               WHERE threes MATCH ? ORDER BY rank LIMIT ?";
    let mut look = connection.prepare_cached(sql)?;
    let found = look.query_map((threes.join(" OR "), CANDIDATES_MAX), |row| row.get(0))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

#[cfg(test)]
mod tests {
    use super::super::{Base, Format, Library, keep};
    use super::*;

    #[test]
    fn a_misspelt_word_is_near_the_right_one() {
        let library = Library::in_memory().unwrap();
        let text = "Caulking, rudders and halyards: a halibut is a fish. Capstan.";
        let database = library.database();
        let keeping =
            |tables: &Connection| keep(tables, Base::SERVER, "a", None, Format::Text, text, 1);
        database.run(keeping).unwrap();
        let reader = database.reader().unwrap();
        let check = |term: &str, expected: &[&str]| {
            assert_eq!(
                reader.query(|it| near(it, term)).unwrap(),
                expected,
                "{term}"
            );
        };
        check("ruder", &["rudder"]);
        check("caulkign", &["caulk"]);
        check("hlayard", &["halyard"]);
        check("halyad", &["halyard"]);
        check("capst", &["capstan"]);
        check("zebra", &[]);
        check("abc", &[]);
    }
}
