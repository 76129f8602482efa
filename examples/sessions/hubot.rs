//! The bot: it has read some documents, and answers with the passage that fits best.
//!
//! Passages are kept in a full-text index (FTS5), which finds words by their stems and orders what
//! it finds by BM25. The documents are read anew at each start, so what lies in the folder counts.

use std::path::{Path, PathBuf};

use parlour::store::StoreError;
use parlour::store::rusqlite::{Connection, OptionalExtension};

use crate::store::{User, user_by_name};

/// What the bot knows without a folder.
const OWN: [(&str, &str); 2] = [
    ("chat.md", include_str!("docs/chat.md")),
    ("parlour.md", include_str!("docs/parlour.md")),
];

/// A passage ends at the paragraph with which it has so much.
const PASSAGE_CHARS: usize = 500;

/// What an answer quotes of a passage.
const QUOTE_CHARS: usize = 1200;

/// Documents and what each may measure: beyond that the folder is not one that somebody meant.
const FILES_MAX: usize = 2000;
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Words of a question that are looked up.
const WORDS_MAX: usize = 24;

/// Words that are in every question and say nothing about it.
const IDLE_WORDS: &str = " a about am an and any are at be can could do does for from get has have \
                          hey hi how i if in is it me my of on one or please tell that the there \
                          this to us was we what when where which who why will with you your ";

/// A piece of a document.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Passage {
    source: String,
    heading: String,
    text: String,
}

/// The bot's own documents and those of a folder, in pieces. No folder is fine.
pub(crate) fn read(folder: &str) -> Result<Vec<Passage>, String> {
    let mut passages: Vec<Passage> = OWN
        .iter()
        .flat_map(|(name, text)| pieces(name, text))
        .collect();
    if folder.is_empty() {
        return Ok(passages);
    }
    let folder = Path::new(folder);
    for path in documents(folder)? {
        let failed = |why: std::io::Error| format!("--docs: {}: {why}", path.display());
        let bytes = std::fs::metadata(&path).map_err(failed)?.len();
        if bytes > FILE_BYTES_MAX {
            let path = path.display();
            return Err(format!(
                "--docs: {path} has {bytes} bytes, more than {FILE_BYTES_MAX}: split it"
            ));
        }
        let text = std::fs::read(&path).map_err(failed)?;
        let name = path.strip_prefix(folder).unwrap_or(&path);
        passages.extend(pieces(
            &name.to_string_lossy(),
            &String::from_utf8_lossy(&text),
        ));
    }
    Ok(passages)
}

/// Text and Markdown below a folder, by name. Links are not followed.
fn documents(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut folders = vec![folder.to_owned()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        let failed = |why: std::io::Error| format!("--docs: {}: {why}", folder.display());
        for entry in std::fs::read_dir(&folder).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            let (kind, path) = (entry.file_type().map_err(failed)?, entry.path());
            let ending = path.extension().unwrap_or_default().to_ascii_lowercase();
            if kind.is_dir() {
                folders.push(path);
            } else if kind.is_file() && ["md", "markdown", "txt"].iter().any(|it| ending == *it) {
                found.push(path);
            }
            if found.len() + folders.len() > FILES_MAX {
                let path = folder.display();
                return Err(format!(
                    "--docs: more than {FILES_MAX} files by {path}: name a smaller folder"
                ));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Cuts a document at its headings and between its paragraphs.
fn pieces(source: &str, document: &str) -> Vec<Passage> {
    let mut passages = Vec::new();
    let (mut heading, mut text) = (String::new(), String::new());
    let mut end = |heading: &str, text: &mut String| {
        let whole = std::mem::take(text);
        if !whole.trim().is_empty() {
            passages.push(Passage {
                source: source.to_owned(),
                heading: heading.to_owned(),
                text: whole.trim().to_owned(),
            });
        }
    };
    for line in document.lines() {
        let line = line.trim();
        if let Some(title) = line.strip_prefix('#') {
            end(&heading, &mut text);
            heading = title.trim_matches(['#', ' ']).to_owned();
        } else if line.is_empty() && text.chars().count() >= PASSAGE_CHARS {
            end(&heading, &mut text);
        } else {
            text.push_str(line);
            text.push(if line.is_empty() { '\n' } else { ' ' });
        }
    }
    end(&heading, &mut text);
    passages
}

/// Puts the passages in the place of those that were known before.
pub(crate) fn learn(connection: &Connection, passages: &[Passage]) -> Result<(), StoreError> {
    connection.execute("DELETE FROM passages", ())?;
    let mut insert =
        connection.prepare("INSERT INTO passages (source, heading, text) VALUES (?, ?, ?)")?;
    for Passage {
        source,
        heading,
        text,
    } in passages
    {
        insert.execute((source, heading, text))?;
    }
    Ok(())
}

/// The bot, and what it says to a question.
pub(crate) fn answer(
    connection: &Connection,
    question: &str,
) -> Result<(User, String), StoreError> {
    let bot = user_by_name(connection, "hubot")?;
    let bot = bot.ok_or_else(|| StoreError::NotFound("the bot's account".to_owned()))?;
    let question = question.trim();
    let words = words(question);
    if words.is_empty() {
        let tell = "Ask me something behind the slash, such as: /how do I invite somebody";
        return Ok((bot, tell.to_owned()));
    }
    let found = connection
        .prepare_cached(
            "SELECT source, heading, text FROM passages WHERE passages MATCH ?
             ORDER BY bm25(passages, 0.0, 4.0, 1.0) LIMIT 1",
        )?
        .query_row([matching(&words)], |row| {
            Ok(Passage {
                source: row.get(0)?,
                heading: row.get(1)?,
                text: row.get(2)?,
            })
        })
        .optional()?;
    let tell = match found {
        None => format!(
            "I found nothing about “{}” in what I have read.",
            shortened(question, 200)
        ),
        Some(Passage {
            source,
            heading,
            text,
        }) => {
            let quote = shortened(&text, QUOTE_CHARS);
            match heading.is_empty() {
                true => format!("“{quote}” ({source})"),
                false => format!("“{quote}” ({source}: {})", shortened(&heading, 200)),
            }
        }
    };
    Ok((bot, tell))
}

/// The words of a question that are worth looking up.
fn words(question: &str) -> Vec<String> {
    let all = || {
        let words = question.split(|c: char| !c.is_alphanumeric());
        words.filter(|word| !word.is_empty()).map(str::to_lowercase)
    };
    let telling = all().filter(|word| !IDLE_WORDS.contains(&format!(" {word} ")));
    let mut words: Vec<String> = telling.take(WORDS_MAX).collect();
    if words.is_empty() {
        words = all().take(WORDS_MAX).collect();
    }
    words
}

/// Any of the words. They are quoted, so that none of them means something to FTS5.
fn matching(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("\"{word}\"")).collect();
    quoted.join(" OR ")
}

fn shortened(text: &str, chars: usize) -> String {
    match text.char_indices().nth(chars) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", text[..end].trim_end()),
    }
}
