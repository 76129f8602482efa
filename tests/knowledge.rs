//! # Knowledge: whether questions find the passages that answer them
//!
//! The documents of `benches/docs/set/`, and questions in English, Chinese and Japanese of which it is
//! known which passage is right, and some to which there is no answer. `benches/docs.sh` reports the
//! same figures; here they may not fall.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fs;
use std::path::{Path, PathBuf};

use parlour::knowledge::{Base, Format, Found, Library, keep, search};
use parlour::store::Connection;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/docs")
}

/// All of the documents, as they are imported.
fn library() -> (Library, u32) {
    let library = Library::in_memory().unwrap();
    let mut files: Vec<PathBuf> = fs::read_dir(folder().join("set"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    for file in files {
        let source = file.file_name().unwrap().to_str().unwrap().to_owned();
        let text = fs::read_to_string(&file).unwrap();
        let job = move |tables: &Connection| {
            keep(
                tables,
                Base::SERVER,
                &source,
                None,
                Format::Markdown,
                &text,
                1,
            )
        };
        library.database().run(job).unwrap();
    }
    let passages = library
        .database()
        .reader()
        .unwrap()
        .query(|tables| {
            let sql = "SELECT count(*) FROM passages";
            Ok(tables.query_row(sql, (), |row| row.get(0))?)
        })
        .unwrap();
    (library, passages)
}

/// How many of how many.
#[derive(Clone, Copy, Debug, Default)]
struct Part {
    of: u32,
    first: u32,
    third: u32,
    good: u32,
}

impl Part {
    fn first(self) -> f64 {
        f64::from(self.first) / f64::from(self.of)
    }

    fn third(self) -> f64 {
        f64::from(self.third) / f64::from(self.of)
    }

    fn good(self) -> f64 {
        f64::from(self.good) / f64::from(self.of)
    }
}

#[test]
fn questions_find_the_passages_that_answer_them() {
    let (library, passages) = library();
    assert!(passages >= 300, "{passages} passages");
    let reader = library.database().reader().unwrap();
    let ask = |question: &str| -> Found {
        let look = |tables: &Connection| search(tables, &[Base::SERVER], question, 3);
        reader.query(look).unwrap()
    };
    let [mut known, mut unknown, mut wide] = [Part::default(); 3];
    let questions = fs::read_to_string(folder().join("questions.tsv")).unwrap();
    for line in questions.lines() {
        let [question, source, heading]: [&str; 3] =
            line.split('\t').collect::<Vec<_>>().try_into().unwrap();
        let found = ask(question);
        let place = found
            .hits
            .iter()
            .position(|hit| hit.source == source && hit.heading == heading);
        if source == "-" {
            unknown.of += 1;
            unknown.good += u32::from(!found.is_good);
        } else {
            known.add(place, found.is_good);
            if !question.is_ascii() {
                wide.add(place, found.is_good);
            }
        }
        let best = found.hits.first();
        println!(
            "{:<6} {} {:.2} {:5.1} | {question} | {}",
            place.map_or("-".to_owned(), |place| (place + 1).to_string()),
            if found.is_good { "good" } else { "none" },
            best.map_or(0.0, |hit| hit.about),
            best.map_or(0.0, |hit| hit.score),
            best.map_or("", |hit| &hit.heading),
        );
    }
    println!("{passages} passages, {} questions", known.of + unknown.of);
    println!(
        "recall at 1: {:.3}, at 3: {:.3}; in Chinese and Japanese {:.3}, {:.3}",
        known.first(),
        known.third(),
        wide.first(),
        wide.third(),
    );
    println!(
        "answered: {:.3}; rightly not answered: {:.3}",
        known.good(),
        unknown.good()
    );
    assert!(known.of >= 60);
    for part in [known, wide] {
        assert!(part.first() >= 0.7 && part.third() >= 0.85, "{part:?}");
    }
    assert!(
        known.good() >= 0.85 && unknown.good() >= 0.8,
        "{known:?} {unknown:?}"
    );
}

impl Part {
    fn add(&mut self, place: Option<usize>, is_good: bool) {
        self.of += 1;
        self.first += u32::from(place == Some(0));
        self.third += u32::from(place.is_some());
        self.good += u32::from(is_good);
    }
}
