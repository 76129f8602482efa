//! # Table: documents and passages in rows
//!
//! Functions over a connection: those that write are for a job of the [`Library`](super::Library)'s
//! scribe, the others for a reader.
//!
//! Promises
//! 1. A document is kept wholly or not at all, and what is the same as before is not written again.
//! 2. Whoever comes again under the same source keeps the number, so that links stay good.

use std::collections::HashSet;

use rusqlite::{Connection, OptionalExtension, Row};
use sha2::{Digest, Sha256};

use super::blocks::Format;
use super::split::{Reading, read, width};
use super::terms::{indexed, may_be_misspelt, tokens};
use crate::store::{StoreError, rusqlite};

/// Whose documents: the server's or a room's, by its number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Base(pub u32);

impl Base {
    /// What everybody may ask for. No room has this number.
    pub const SERVER: Self = Self(0);

    pub(super) const fn key(self, number: u32) -> i64 {
        (self.0 as i64) << 32 | number as i64
    }

    pub(super) const fn of_key(key: i64) -> Self {
        Self((key >> 32) as u32)
    }
}

/// The number of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct DocumentId(pub u64);

/// A document, but for what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its number.
    pub id: DocumentId,
    /// Whose it is.
    pub base: Base,
    /// What it is known by.
    pub source: String,
    /// What it is called.
    pub title: String,
    /// How it is written.
    pub format: Format,
    /// The SHA-256 of what was imported.
    pub hash: [u8; 32],
    /// Its length.
    pub bytes: u64,
    /// How many parts it has.
    pub passages: u32,
    /// When it was imported, in milliseconds since 1970.
    pub at: u64,
}

/// A document that is to be kept.
#[derive(Clone, Debug)]
pub(super) struct New<'a> {
    pub(super) base: Base,
    pub(super) source: &'a str,
    pub(super) title: &'a str,
    pub(super) format: Format,
    pub(super) hash: [u8; 32],
    pub(super) bytes: u64,
    pub(super) at: u64,
}

/// What became of a document that came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kept {
    /// It is new.
    Added(DocumentId),
    /// It takes the place of what it was before.
    Replaced(DocumentId),
    /// It was there already.
    Same(DocumentId),
}

impl Kept {
    /// Its number.
    pub const fn id(self) -> DocumentId {
        match self {
            Self::Added(id) | Self::Replaced(id) | Self::Same(id) => id,
        }
    }
}

/// What tells whether a document has changed: of its content, and of what it is to be called.
pub fn hash(content: &[u8], title: Option<&str>) -> [u8; 32] {
    let mut hash = Sha256::new();
    hash.update(content);
    if let Some(title) = title {
        hash.update([0]);
        hash.update(title);
    }
    hash.finalize().into()
}

/// Keeps a document. Without a title it is called what it calls itself, or else as its source ends. A job
/// for the scribe.
///
/// ```
/// use parlour::knowledge::{Base, Format, Kept, Library, documents, keep};
///
/// let library = Library::in_memory()?;
/// let guide = "# Ropes\n\nDry a rope before it is stowed.\n";
/// let kept = library.database().run(move |tables| {
///     keep(tables, Base::SERVER, "ropes.md", None, Format::Markdown, guide, 1000)
/// })?;
/// assert!(matches!(kept, Kept::Added(_)));
/// let all = library.database().reader()?.query(|tables| documents(tables, Base::SERVER, None, 10))?;
/// assert_eq!(all[0].title, "Ropes");
/// # Ok::<(), parlour::store::StoreError>(())
/// ```
pub fn keep(
    connection: &Connection,
    base: Base,
    source: &str,
    title: Option<&str>,
    format: Format,
    text: &str,
    at: u64,
) -> Result<Kept, StoreError> {
    let hash = hash(text.as_bytes(), title);
    if let Some((id, same)) = known(connection, base, source)?
        && same == hash
    {
        return Ok(Kept::Same(id));
    }
    let reading = read(text, format);
    let called = title
        .or(reading.title.as_deref())
        .unwrap_or_else(|| stem_of(source));
    let new = New {
        base,
        source,
        title: called,
        format,
        hash,
        bytes: text.len() as u64,
        at,
    };
    put(connection, &new, &reading)
}

/// Keeps several in one go: see [`keep`].
pub fn keep_all<'a>(
    connection: &Connection,
    base: Base,
    all: impl IntoIterator<Item = (&'a str, Option<&'a str>, Format, &'a str)>,
    at: u64,
) -> Result<Vec<Kept>, StoreError> {
    let one =
        |(source, title, format, text)| keep(connection, base, source, title, format, text, at);
    all.into_iter().map(one).collect()
}

/// What a file is called without its folders and its ending.
fn stem_of(source: &str) -> &str {
    let name = source.rsplit('/').next().unwrap_or(source);
    match name.rsplit_once('.') {
        Some((stem, _)) if !stem.is_empty() => stem,
        _ => name,
    }
}

fn put(connection: &Connection, new: &New<'_>, reading: &Reading) -> Result<Kept, StoreError> {
    let before = known(connection, new.base, new.source)?.map(|(id, _)| id);
    let width: usize = reading.passages.iter().map(|it| width(&it.text)).sum();
    let values = (
        new.base.0,
        new.source,
        new.title,
        new.format.as_str(),
        new.hash,
        new.bytes,
        reading.passages.len(),
        width,
        new.at,
    );
    let sql =
        "INSERT INTO documents (base, source, title, format, hash, bytes, passages, width, at)
               VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
               ON CONFLICT (base, source) DO UPDATE SET title = excluded.title,
                   format = excluded.format, hash = excluded.hash, bytes = excluded.bytes,
                   passages = excluded.passages, width = excluded.width, at = excluded.at
               RETURNING id";
    let mut insert = connection.prepare_cached(sql)?;
    let id = DocumentId(insert.query_row(values, |row| row.get(0))?);
    if before.is_some() {
        empty(connection, id)?;
    }
    fill(connection, new, id, reading)?;
    Ok(match before {
        Some(_) => Kept::Replaced(id),
        None => Kept::Added(id),
    })
}

fn fill(
    connection: &Connection,
    new: &New<'_>,
    id: DocumentId,
    reading: &Reading,
) -> Result<(), StoreError> {
    let sql = "SELECT coalesce(max(key) + 1, ?1) FROM passages WHERE key BETWEEN ?1 AND ?2";
    let range = (new.base.key(0), new.base.key(u32::MAX));
    let first: i64 = connection
        .prepare_cached(sql)?
        .query_row(range, |row| row.get(0))?;
    if Base::of_key(first + reading.passages.len() as i64) != new.base {
        return Err(StoreError::app("there are too many passages already"));
    }
    let mut row = connection.prepare_cached(
        "INSERT INTO passages (key, document, place, line, heading, text) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    let mut words =
        connection.prepare_cached("INSERT INTO terms (rowid, heading, text) VALUES (?, ?, ?)")?;
    let mut spelt = HashSet::new();
    for ((key, place), it) in (first..).zip(0_u32..).zip(&reading.passages) {
        row.execute((key, id.0, place, it.line, &it.heading, &it.text))?;
        let above = indexed(&format!("{}\n{}", new.title, it.heading));
        words.execute((key, above, indexed(&it.text)))?;
        for text in [new.title, &it.heading, &it.text] {
            learn(connection, text, &mut spelt)?;
        }
    }
    Ok(())
}

/// Words that were learnt in a go are remembered up to so many, not to be looked up again.
const REMEMBERED_MAX: usize = 50_000;

/// Learns how words are spelt. What was learnt stays: it is a list of words, not of who said them.
fn learn(
    connection: &Connection,
    text: &str,
    known: &mut HashSet<String>,
) -> Result<(), StoreError> {
    let mut fresh: Vec<String> = Vec::new();
    tokens(text, |token| {
        if may_be_misspelt(token.word) && !known.contains(token.word) {
            fresh.push(token.word.to_owned());
        }
    });
    for word in fresh {
        if known.len() < REMEMBERED_MAX && !known.insert(word.clone()) {
            continue;
        }
        let sql = "INSERT OR IGNORE INTO spellings (word) VALUES (?)";
        if connection.prepare_cached(sql)?.execute([&word])? == 1 {
            let sql = "INSERT INTO threes (rowid, word) VALUES (?, ?)";
            let id = connection.last_insert_rowid();
            connection.prepare_cached(sql)?.execute((id, word))?;
        }
    }
    Ok(())
}

/// Takes away what a document says.
fn empty(connection: &Connection, id: DocumentId) -> Result<(), StoreError> {
    let sql = "DELETE FROM terms WHERE rowid IN (SELECT key FROM passages WHERE document = ?)";
    connection.prepare_cached(sql)?.execute([id.0])?;
    let sql = "DELETE FROM passages WHERE document = ?";
    connection.prepare_cached(sql)?.execute([id.0])?;
    Ok(())
}

/// Forgets a document. Whether there was one. A job for the scribe.
pub fn forget(connection: &Connection, id: DocumentId) -> Result<bool, StoreError> {
    empty(connection, id)?;
    let sql = "DELETE FROM documents WHERE id = ?";
    Ok(connection.prepare_cached(sql)?.execute([id.0])? == 1)
}

// --------------------------------------------------------------------------------------- looking

const DOCUMENT: &str =
    "SELECT id, base, source, title, format, hash, bytes, passages, at FROM documents";

fn document_of(row: &Row<'_>) -> rusqlite::Result<Document> {
    let format: String = row.get(4)?;
    Ok(Document {
        id: DocumentId(row.get(0)?),
        base: Base(row.get(1)?),
        source: row.get(2)?,
        title: row.get(3)?,
        format: Format::parse(&format).unwrap_or(Format::Text),
        hash: row.get(5)?,
        bytes: row.get(6)?,
        passages: row.get(7)?,
        at: row.get(8)?,
    })
}

/// The number and the hash of what is known by a source.
pub fn known(
    connection: &Connection,
    base: Base,
    source: &str,
) -> Result<Option<(DocumentId, [u8; 32])>, StoreError> {
    let sql = "SELECT id, hash FROM documents WHERE base = ? AND source = ?";
    let mut look = connection.prepare_cached(sql)?;
    let of = |row: &Row<'_>| Ok((DocumentId(row.get(0)?), row.get(1)?));
    Ok(look.query_row((base.0, source), of).optional()?)
}

/// Whether what is known by a source has this hash.
pub fn is_known(
    connection: &Connection,
    base: Base,
    source: &str,
    hash: &[u8; 32],
) -> Result<bool, StoreError> {
    Ok(known(connection, base, source)?.is_some_and(|(_, known)| known == *hash))
}

/// A document.
pub fn document(connection: &Connection, id: DocumentId) -> Result<Option<Document>, StoreError> {
    let mut look = connection.prepare_cached(&format!("{DOCUMENT} WHERE id = ?"))?;
    Ok(look.query_row([id.0], document_of).optional()?)
}

/// The documents of a base in the order of their sources, behind the one that is named.
pub fn documents(
    connection: &Connection,
    base: Base,
    after: Option<&str>,
    limit: u32,
) -> Result<Vec<Document>, StoreError> {
    let sql = format!("{DOCUMENT} WHERE base = ? AND source > ? ORDER BY source LIMIT ?");
    let mut look = connection.prepare_cached(&sql)?;
    let found = look.query_map((base.0, after.unwrap_or(""), limit), document_of)?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// What the documents of a base are known by, with their numbers.
pub fn sources(
    connection: &Connection,
    base: Base,
) -> Result<Vec<(String, DocumentId)>, StoreError> {
    let sql = "SELECT source, id FROM documents WHERE base = ? ORDER BY source";
    let mut look = connection.prepare_cached(sql)?;
    let found = look.query_map([base.0], |row| Ok((row.get(0)?, DocumentId(row.get(1)?))))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// How many bytes the documents of a base have.
pub fn bytes(connection: &Connection, base: Base) -> Result<u64, StoreError> {
    let sql = "SELECT coalesce(sum(bytes), 0) FROM documents WHERE base = ?";
    let mut look = connection.prepare_cached(sql)?;
    Ok(look.query_row([base.0], |row| row.get(0))?)
}

/// The bases of rooms that have documents.
pub fn room_bases(connection: &Connection) -> Result<Vec<Base>, StoreError> {
    let sql = "SELECT DISTINCT base FROM documents WHERE base > 0 ORDER BY base";
    let mut look = connection.prepare_cached(sql)?;
    let found = look.query_map((), |row| Ok(Base(row.get(0)?)))?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}

/// A passage with its place in its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// From 0.
    pub place: u32,
    /// The line on which it begins.
    pub line: u32,
    /// The headings that it stands below.
    pub heading: String,
    /// What it says.
    pub text: String,
}

/// Some passages of a document, from a place on.
pub fn passages(
    connection: &Connection,
    id: DocumentId,
    from: u32,
    limit: u32,
) -> Result<Vec<Shown>, StoreError> {
    let sql = "SELECT place, line, heading, text FROM passages
               WHERE document = ? AND place >= ? ORDER BY place LIMIT ?";
    let mut look = connection.prepare_cached(sql)?;
    let found = look.query_map((id.0, from, limit), |row| {
        Ok(Shown {
            place: row.get(0)?,
            line: row.get(1)?,
            heading: row.get(2)?,
            text: row.get(3)?,
        })
    })?;
    Ok(found.collect::<rusqlite::Result<_>>()?)
}
