//! # Recall: whether questions find the passages that answer them
//!
//! The documents of `set/` and the questions of `questions.tsv`, of which it is known which passage is
//! right, or that none is. The bench tells the figures, and a test holds them.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use parlour::knowledge::{Base, Format, Library, keep, search};
use parlour::store::Connection;

type Outcome<T = ()> = Result<T, Box<dyn Error>>;

/// How many of how many questions.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Part {
    pub(crate) of: u32,
    /// The first hit is the right one.
    first: u32,
    /// One of the first three is.
    third: u32,
    /// They were answered.
    answered: u32,
}

impl Part {
    pub(crate) fn first(self) -> f64 {
        f64::from(self.first) / f64::from(self.of)
    }

    pub(crate) fn third(self) -> f64 {
        f64::from(self.third) / f64::from(self.of)
    }

    pub(crate) fn answered(self) -> f64 {
        f64::from(self.answered) / f64::from(self.of)
    }

    fn add(&mut self, place: Option<usize>, is_answered: bool) {
        self.of += 1;
        self.first += u32::from(place == Some(0));
        self.third += u32::from(place.is_some());
        self.answered += u32::from(is_answered);
    }
}

/// What came of all questions.
#[derive(Debug, Default)]
pub(crate) struct Recall {
    pub(crate) passages: u32,
    /// Questions with a right passage: in English, and in Chinese and Japanese.
    pub(crate) latin: Part,
    pub(crate) wide: Part,
    /// Questions without one.
    pub(crate) unknown: Part,
    /// A line for each question.
    pub(crate) lines: Vec<String>,
}

impl Recall {
    pub(crate) fn all(&self) -> Part {
        Part {
            of: self.latin.of + self.wide.of,
            first: self.latin.first + self.wide.first,
            third: self.latin.third + self.wide.third,
            answered: self.latin.answered + self.wide.answered,
        }
    }
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/docs")
}

/// All of the documents, as they are imported.
fn library() -> Outcome<Library> {
    let library = Library::in_memory()?;
    let files = fs::read_dir(folder().join("set"))?;
    let mut files: Vec<PathBuf> = files
        .map(|entry| Ok(entry?.path()))
        .collect::<Outcome<_>>()?;
    files.sort();
    for file in files {
        let name = file.file_name().ok_or("a file without a name")?;
        let source = name.to_string_lossy().into_owned();
        let text = fs::read_to_string(&file)?;
        library.database().run(move |tables| {
            let base = Base::SERVER;
            keep(tables, base, &source, None, Format::Markdown, &text, 1)
        })?;
    }
    Ok(library)
}

/// Asks all questions.
pub(crate) fn measure() -> Outcome<Recall> {
    let library = library()?;
    let reader = library.database().reader()?;
    let mut recall = Recall {
        passages: reader.query(|tables| {
            let sql = "SELECT count(*) FROM passages";
            Ok(tables.query_row(sql, (), |row| row.get(0))?)
        })?,
        ..Recall::default()
    };
    for line in fs::read_to_string(folder().join("questions.tsv"))?.lines() {
        let parts: Vec<&str> = line.split('\t').collect();
        let [question, source, heading] = parts[..] else {
            return Err(format!("not three parts: {line}").into());
        };
        let look = |tables: &Connection| search(tables, &[Base::SERVER], question, 3);
        let found = reader.query(look)?;
        let is_right =
            |hit: &parlour::knowledge::Hit| hit.source == source && hit.heading == heading;
        let place = found.hits.iter().position(is_right);
        let part = match (source, question.is_ascii()) {
            ("-", _) => &mut recall.unknown,
            (_, true) => &mut recall.latin,
            (_, false) => &mut recall.wide,
        };
        part.add(place, found.is_good);
        let place = place.map_or(0, |place| place + 1);
        let best = found.hits.first();
        let (about, heading) = best.map_or((0.0, ""), |hit| (hit.about, &*hit.heading));
        let answered = if found.is_good { "answered" } else { "not" };
        recall.lines.push(format!(
            "{place} {answered:8} {about:.2} {question} | {heading}"
        ));
    }
    Ok(recall)
}
