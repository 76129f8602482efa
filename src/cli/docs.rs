//! # `parlour docs`: the documents that questions are answered from

use super::command::{Command, Given, JSON};
use super::desk::{Desk, failed, must_be_there, refused};
use super::docs_import;
use super::table::{Table, moment};
use super::{CliError, data, say};
use crate::chat::RoomName;
use crate::knowledge::{
    self, Base, Document, DocumentId, Library, answer, documents, forget, known, link,
};
use crate::store::{Connection, Database, Reader, StoreError};

/// The option that names a base.
const ROOM: (&str, &str) = ("room ROOM", "Those of this room [default: of the server]");

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "docs import",
        about: "Read documents from which questions are answered",
        arguments: &["PATH..."],
        options: &[
            ("room ROOM", "For this room [default: for everybody]"),
            ("title TEXT", "What a single document is called"),
            (
                "prune",
                "Forget what was read from PATH and is not there any more",
            ),
        ],
        more: "Files of text, Markdown and HTML, and folders of them with all that is below. What is there\n\
               already and did not change is not read again; what did takes its place. A document is known\n\
               by its path as it is given here. The server may run, and answers from it at once.",
        examples: &[
            "parlour docs import handbook/",
            "parlour docs import --room kitchen --title 'Recipes' recipes.md",
            "parlour docs import --prune handbook/ rules.html",
        ],
        run: docs_import::run,
    },
    Command {
        name: "docs list",
        about: "List documents",
        arguments: &[],
        options: &[ROOM, JSON],
        more: "",
        examples: &[
            "parlour docs list",
            "parlour docs list --room kitchen --json",
        ],
        run: list,
    },
    Command {
        name: "docs remove",
        about: "Forget documents",
        arguments: &["SOURCE..."],
        options: &[ROOM],
        more: "SOURCE is a path or a number of 'parlour docs list'. A folder's name means all below it.",
        examples: &[
            "parlour docs remove handbook/old.md",
            "parlour docs remove handbook/ --room kitchen",
        ],
        run: remove,
    },
    Command {
        name: "docs search",
        about: "Try what a question is answered with",
        arguments: &["QUESTION..."],
        options: &[
            (
                "room ROOM",
                "Asked in this room, whose documents come first",
            ),
            JSON,
        ],
        more: "",
        examples: &[
            "parlour docs search 'When is the library open?'",
            "parlour docs search --room kitchen how long do I boil eggs",
        ],
        run: search,
    },
];

/// Hits that a search lists.
const HITS_MAX: usize = 10;

/// Documents that are read at a time.
const PAGE: u32 = 500;

/// The documents in the hands of a command.
pub(super) struct Shelf {
    // Ends before the database, as a desk's does.
    pub(super) reader: Reader,
    pub(super) database: Database,
    pub(super) base: Base,
}

impl Shelf {
    /// Opens the documents, and makes their database if there is none.
    pub(super) fn open(given: &Given) -> Result<Self, CliError> {
        let base = base(given)?;
        let folder = given.data.as_path();
        let library = Library::beside(folder);
        // As with the chat's, nothing is migrated under a server that runs.
        let _alone = match Library::is_current(folder).map_err(failed)? {
            true => None,
            false => Some(data::alone(folder)?),
        };
        let database = library.open().map_err(failed)?;
        let reader = database.reader().map_err(failed)?;
        Ok(Self {
            reader,
            database,
            base,
        })
    }

    /// Looks something up.
    pub(super) fn look<T>(
        &self,
        look: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, CliError> {
        self.reader.query(look).map_err(failed)
    }

    /// All documents of the base.
    fn documents(&self) -> Result<Vec<Document>, CliError> {
        let mut all: Vec<Document> = Vec::new();
        loop {
            let after = all.last().map(|last| last.source.clone());
            let page = self.look(|tables| documents(tables, self.base, after.as_deref(), PAGE))?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page);
        }
    }

    /// Forgets a document.
    pub(super) fn forget(&self, id: DocumentId) -> Result<(), CliError> {
        let forgotten = self.database.run(move |tables| forget(tables, id));
        forgotten.map(drop).map_err(failed)
    }
}

/// Whose documents are meant.
fn base(given: &Given) -> Result<Base, CliError> {
    must_be_there(&given.data)?;
    let Some(room) = given.value("room")? else {
        return Ok(Base::SERVER);
    };
    let name = RoomName::parse("room", room).map_err(refused)?;
    Ok(Base(Desk::open(given)?.room(&name)?.0))
}

fn list(given: &Given) -> Result<(), CliError> {
    let shelf = Shelf::open(given)?;
    let mut table = Table::new(&[
        "number",
        "source",
        "title",
        "format",
        "bytes",
        "passages",
        "imported_at",
    ]);
    for document in shelf.documents()? {
        table.add([
            document.id.0.into(),
            document.source.into(),
            document.title.into(),
            document.format.as_str().into(),
            document.bytes.into(),
            document.passages.into(),
            moment(Some(document.at)),
        ]);
    }
    table.say(given)
}

fn remove(given: &Given) -> Result<(), CliError> {
    let shelf = Shelf::open(given)?;
    let mut removed = 0;
    for word in given.all()? {
        let found = meant(&shelf, word)?;
        if found.is_empty() {
            let tell =
                format!("there is no document '{word}': 'parlour docs list' shows which are");
            return Err(CliError::Failed(tell));
        }
        for id in found {
            shelf.forget(id)?;
            removed += 1;
        }
    }
    say(&format!("forgot {}\n", counted(removed)))
}

/// The documents that a word means: one by its source or number, or all of a folder.
fn meant(shelf: &Shelf, word: &str) -> Result<Vec<DocumentId>, CliError> {
    let source = docs_import::normal(word);
    let one = shelf.look(|tables| known(tables, shelf.base, &source))?;
    if let Some((id, _)) = one {
        return Ok(vec![id]);
    }
    let number = word.parse().ok();
    let is_meant = |document: &Document| {
        Some(document.id.0) == number || docs_import::is_below(&document.source, &source)
    };
    let all = shelf.documents()?;
    Ok(all
        .iter()
        .filter(|it| is_meant(it))
        .map(|it| it.id)
        .collect())
}

/// So many documents, in words.
pub(super) fn counted(documents: u64) -> String {
    match documents {
        1 => "1 document".to_owned(),
        more => format!("{more} documents"),
    }
}

fn search(given: &Given) -> Result<(), CliError> {
    let shelf = Shelf::open(given)?;
    let question = given.all()?.join(" ");
    let mut bases = vec![shelf.base];
    if shelf.base != Base::SERVER {
        bases.push(Base::SERVER);
    }
    let found = shelf.look(|tables| knowledge::search(tables, &bases, &question, HITS_MAX))?;
    let mut table = Table::new(&["about", "title", "heading", "source", "line", "link"]);
    for hit in &found.hits {
        table.add([
            ((hit.about * 100.0).round() / 100.0).into(),
            hit.title.as_str().into(),
            hit.heading.as_str().into(),
            hit.source.as_str().into(),
            hit.line.into(),
            link(hit).into(),
        ]);
    }
    if !given.has("json") {
        say(&format!("{}\n\n", answer(&question, &found)))?;
    }
    table.say(given)
}
