//! # Search: the passages that say most about a question
//!
//! The index gives candidates: passages with any of the question's terms, the best by BM25, where the
//! title and the headings count several times. Those are read and ranked again by what BM25 does not
//! see: how much of the question a passage is about, and whether words stand together as in the question.
//!
//! Promises
//! 1. Only passages of the bases that are named are looked at.
//! 2. What is found is `good` only if enough of what the question is about was found; the measure is in
//!    [`GOOD`].
//! 3. Words that are nowhere are looked for as they may have been meant, if nothing good is found
//!    without that.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension};

use super::spelling::near;
use super::split::width;
use super::table::{Base, DocumentId};
use super::terms::{Term, is_empty, terms, tokens};
use crate::store::{StoreError, rusqlite};

/// Passages that are read and ranked again.
const CANDIDATES_MAX: u32 = 60;

/// How much of a question a passage has to be about to be an answer, by the weight of its terms.
/// Measured on `benches/docs/`: see there.
const GOOD: f64 = 0.47;

/// BM25's own two numbers: how soon more of the same term stops counting, and how much length does.
const MORE: f64 = 1.2;
const LENGTH: f64 = 0.5;

/// What a term in the title or a heading counts in the text.
const HEADING: f64 = 2.0;

/// What two terms that stand together as in the question add, of the rarer one's weight.
const TOGETHER: f64 = 0.35;

/// What a pair of characters that is nowhere is worth of one that is a word.
const NO_WORD: f64 = 0.4;

/// Passages beyond which a term is common: it tells little, and takes long to look up.
const COMMON_PART: u64 = 6;
const COMMON_MIN: u64 = 2000;

/// A passage that was found.
#[derive(Clone, Debug, PartialEq)]
pub struct Hit {
    /// Whose it is.
    pub base: Base,
    /// Of which document.
    pub document: DocumentId,
    /// What that is called.
    pub title: String,
    /// What it is known by.
    pub source: String,
    /// The headings that the passage stands below.
    pub heading: String,
    /// Its place in the document, from 0.
    pub place: u32,
    /// The line on which it begins.
    pub line: u32,
    /// What it says.
    pub text: String,
    /// How much of the question it is about, from 0 to 1.
    pub about: f64,
    /// By what it was ranked.
    pub score: f64,
}

/// What was found.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// The best first; those that are no answer come behind those that are.
    pub hits: Vec<Hit>,
    /// Whether the first is an answer.
    pub is_good: bool,
    /// The terms that were looked for.
    pub(super) terms: Vec<String>,
    /// Whether there was anything to be found.
    pub(super) is_empty: bool,
}

impl Found {
    /// What is found where there are no documents.
    pub fn nothing() -> Self {
        Self {
            is_empty: true,
            ..Self::default()
        }
    }
}

/// Looks for passages that answer a question, in these bases: what is good in the first comes before
/// what is good in the next. May be long, and belongs on a helper.
pub fn search(
    connection: &Connection,
    bases: &[Base],
    question: &str,
    limit: usize,
) -> Result<Found, StoreError> {
    let mut found = Found::nothing();
    if is_empty(question) {
        return Ok(found);
    }
    let (mut good, mut other) = (Vec::new(), Vec::new());
    for base in bases {
        let size = Size::of(connection, *base)?;
        if size.passages == 0 {
            continue;
        }
        found.is_empty = false;
        let (hits, looked_for) = in_base(connection, *base, size, question)?;
        for term in looked_for {
            if !found.terms.contains(&term) {
                found.terms.push(term);
            }
        }
        let is_good = hits.first().is_some_and(|hit| hit.about >= GOOD);
        let (answers, rest): (Vec<_>, Vec<_>) = hits
            .into_iter()
            .partition(|hit| is_good && hit.about >= GOOD);
        good.extend(answers);
        other.extend(rest);
    }
    found.is_good = !good.is_empty();
    good.append(&mut other);
    good.truncate(limit);
    found.hits = good;
    Ok(found)
}

/// How much there is in a base.
#[derive(Clone, Copy, Debug)]
struct Size {
    passages: u64,
    /// Of the usual passage.
    width: f64,
}

impl Size {
    fn of(connection: &Connection, base: Base) -> Result<Self, StoreError> {
        let sql = "SELECT coalesce(sum(passages), 0), coalesce(sum(width), 0)
                   FROM documents WHERE base = ?";
        let mut look = connection.prepare_cached(sql)?;
        let (passages, width): (u64, u64) =
            look.query_row([base.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(Self {
            passages,
            width: width as f64 / (passages.max(1)) as f64,
        })
    }
}

/// A term and what it is worth.
struct Sought {
    term: Term,
    /// What else it may have been meant to be.
    or: Vec<String>,
    /// Passages that have it; those that have it when it is common are not counted to the end.
    count: u64,
    worth: f64,
}

impl Sought {
    fn is(&self, token: &str) -> bool {
        self.term.is(token) || self.or.iter().any(|other| other == token)
    }

    fn to_fts(&self) -> String {
        let mut text = self.term.to_fts();
        for other in &self.or {
            text.push_str(&format!(" OR \"{other}\""));
        }
        text
    }
}

/// The hits of a base, the best first, and the terms by which they were found.
fn in_base(
    connection: &Connection,
    base: Base,
    size: Size,
    question: &str,
) -> Result<(Vec<Hit>, Vec<String>), StoreError> {
    let mut sought = Vec::new();
    for term in terms(question) {
        let count = count(connection, base, size, &term.to_fts())?;
        let worth = worth(&term, size, count);
        sought.push(Sought {
            term,
            or: Vec::new(),
            count,
            worth,
        });
    }
    let mut hits = ranked(connection, base, size, &sought)?;
    if hits.first().is_none_or(|hit| hit.about < GOOD) && mend(connection, base, size, &mut sought)?
    {
        hits = ranked(connection, base, size, &sought)?;
    }
    let looked_for = sought.into_iter().flat_map(|it| {
        let Sought { term, mut or, .. } = it;
        or.push(term.text);
        or
    });
    Ok((hits, looked_for.collect()))
}

/// Finds words that may have been meant by those that are nowhere. Whether there are any.
fn mend(
    connection: &Connection,
    base: Base,
    size: Size,
    sought: &mut [Sought],
) -> Result<bool, StoreError> {
    let mut is_mended = false;
    for it in sought.iter_mut().filter(|it| it.count == 0) {
        it.or = near(connection, &it.term.word)?;
        if it.or.is_empty() {
            continue;
        }
        // Another base may be the one that has it.
        it.count = count(connection, base, size, &it.to_fts())?;
        it.worth = worth(&it.term, size, it.count);
        is_mended |= it.count > 0;
    }
    Ok(is_mended)
}

/// Up to how many passages are counted.
fn common(size: Size) -> u64 {
    (size.passages / COMMON_PART).max(COMMON_MIN)
}

/// How many passages of a base have it.
fn count(connection: &Connection, base: Base, size: Size, fts: &str) -> Result<u64, StoreError> {
    let sql = "SELECT count(*) FROM (SELECT 1 FROM terms
               WHERE terms MATCH ? AND rowid BETWEEN ? AND ? LIMIT ?)";
    let values = (fts, base.key(0), base.key(u32::MAX), common(size));
    let mut look = connection.prepare_cached(sql)?;
    Ok(look.query_row(values, |row| row.get(0))?)
}

/// What a term is worth. A pair of characters that is nowhere is often no word, but the end of one and
/// the beginning of the next.
fn worth(term: &Term, size: Size, count: u64) -> f64 {
    let is_word = count > 0 || !term.is_wide();
    term.weight * rarity(size, count) * if is_word { 1.0 } else { NO_WORD }
}

/// How much finding a term tells: nothing if every passage has it.
fn rarity(size: Size, count: u64) -> f64 {
    let (all, with) = (size.passages as f64, count as f64);
    (1.0 + (all - with + 0.5).max(0.0) / (with + 0.5)).ln()
}

fn ranked(
    connection: &Connection,
    base: Base,
    size: Size,
    sought: &[Sought],
) -> Result<Vec<Hit>, StoreError> {
    let has_rare = sought
        .iter()
        .any(|it| it.count > 0 && it.count < common(size));
    let asked: Vec<String> = sought
        .iter()
        .filter(|it| it.count > 0 && (it.count < common(size) || !has_rare))
        .map(Sought::to_fts)
        .collect();
    if asked.is_empty() {
        return Ok(Vec::new());
    }
    let sql = "SELECT rowid FROM terms WHERE terms MATCH ? AND rowid BETWEEN ? AND ?
                 AND rank MATCH 'bm25(3.0, 1.0)' ORDER BY rank LIMIT ?";
    let mut look = connection.prepare_cached(sql)?;
    let values = (
        asked.join(" OR "),
        base.key(0),
        base.key(u32::MAX),
        CANDIDATES_MAX,
    );
    let keys: Vec<i64> = look
        .query_map(values, |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    let mut hits = Vec::with_capacity(keys.len());
    for key in keys {
        if let Some(mut hit) = hit(connection, key)? {
            judge(&mut hit, size, sought);
            hits.push(hit);
        }
    }
    hits.sort_by(|one, other| other.score.total_cmp(&one.score));
    Ok(hits)
}

fn hit(connection: &Connection, key: i64) -> Result<Option<Hit>, StoreError> {
    let sql = "SELECT d.base, d.id, d.title, d.source, p.heading, p.place, p.line, p.text
               FROM passages p JOIN documents d ON d.id = p.document WHERE p.key = ?";
    let mut look = connection.prepare_cached(sql)?;
    let found = look.query_row([key], |row| {
        Ok(Hit {
            base: Base(row.get(0)?),
            document: DocumentId(row.get(1)?),
            title: row.get(2)?,
            source: row.get(3)?,
            heading: row.get(4)?,
            place: row.get(5)?,
            line: row.get(6)?,
            text: row.get(7)?,
            about: 0.0,
            score: 0.0,
        })
    });
    Ok(found.optional()?)
}

/// Says how good a hit is.
fn judge(hit: &mut Hit, size: Size, sought: &[Sought]) {
    let mut times: HashMap<usize, f64> = HashMap::new();
    let mut count = |text: &str, each: f64| {
        let mut order = Vec::new();
        tokens(text, |token| {
            let mut first = None;
            for (at, _) in sought
                .iter()
                .enumerate()
                .filter(|(_, it)| it.is(token.term))
            {
                *times.entry(at).or_default() += each;
                first = first.or(Some(at));
            }
            order.push(first);
        });
        order
    };
    let order = count(&hit.text, 1.0);
    count(&hit.title, HEADING);
    count(&hit.heading, HEADING);
    let long = 1.0 - LENGTH + LENGTH * width(&hit.text) as f64 / size.width.max(1.0);
    let (mut score, mut had, mut all) = (0.0, 0.0, 0.0);
    for (at, it) in sought.iter().enumerate() {
        all += it.worth;
        if let Some(times) = times.get(&at) {
            had += it.worth;
            score += it.worth * times * (MORE + 1.0) / (times + MORE * long);
        }
    }
    score += together(&order, sought);
    hit.about = if all > 0.0 { had / all } else { 0.0 };
    hit.score = score * (0.5 + hit.about);
}

/// What it is worth that terms follow one another as in the question, perhaps with a word between them.
fn together(order: &[Option<usize>], sought: &[Sought]) -> f64 {
    let mut seen = vec![false; sought.len()];
    let mut worth = 0.0;
    for (at, first) in order.iter().enumerate() {
        let Some(first) = *first else { continue };
        let near = order.iter().skip(at + 1).take(2).flatten();
        let is_next = |next: &usize| *next == first + 1 && !sought[*next].term.is_single();
        if near.into_iter().any(is_next) && !seen[first] {
            seen[first] = true;
            worth += TOGETHER * sought[first].worth.min(sought[first + 1].worth);
        }
    }
    worth
}
