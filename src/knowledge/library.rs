//! # Library: the database of documents
//!
//! A file of its own beside the chat's, with a scribe of its own: neither waits for the other. It is made
//! with the first document; a server without any has no file and no thread for it.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use crate::store::{Database, Migration, Migrations, OpenError, StoreError};

/// The tables.
const DOCS: Migrations = Migrations {
    set: "docs",
    steps: &[Migration {
        name: "docs",
        sql: include_str!("docs.sql"),
    }],
};

/// The database's file in its folder.
pub const FILE: &str = "docs.db";

/// Documents of the server and of its rooms.
///
/// ```
/// use parlour::knowledge::{Base, Format, Library, answer, keep, search};
///
/// let library = Library::in_memory()?;
/// let rules = "# Ropes\n\nDry a rope before it is stowed, or it rots.\n\n# Paint\n\nPaint in May.\n";
/// library.database().run(move |tables| {
///     keep(tables, Base::SERVER, "yard.md", None, Format::Markdown, rules, 1000)
/// })?;
/// let question = "How are ropes stowed?";
/// let found = library.database().reader()?.query(|tables| {
///     search(tables, &[Base::SERVER], question, 3)
/// })?;
/// assert!(answer(question, &found).starts_with("> Dry a rope before it is stowed"));
/// # Ok::<(), parlour::store::StoreError>(())
/// ```
pub struct Library {
    /// Nothing if it has no file.
    path: Option<PathBuf>,
    open: Mutex<Option<Database>>,
}

impl fmt::Debug for Library {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Library")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Library {
    /// The library beside the chat's database, which need not be there yet.
    pub fn beside(folder: &Path) -> Self {
        Self {
            path: Some(folder.join(FILE)),
            open: Mutex::new(None),
        }
    }

    /// A library without a file, for tests.
    pub fn in_memory() -> Result<Self, StoreError> {
        Ok(Self {
            path: None,
            open: Mutex::new(Some(Database::in_memory(&[DOCS])?)),
        })
    }

    /// The database, if there is one: it is opened when it is asked for first, which may wait for the
    /// disk.
    pub fn look(&self) -> Result<Option<Database>, OpenError> {
        let open = self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        match (&open, &self.path) {
            (None, Some(path)) if path.exists() => self.open().map(Some),
            _ => Ok(open),
        }
    }

    /// The database, made if there is none. May wait for the disk.
    pub fn open(&self) -> Result<Database, OpenError> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let (None, Some(path)) = (&*open, &self.path) {
            *open = Some(Database::open_behind(path, &[DOCS])?);
        }
        Ok(open
            .clone()
            .expect("it is open, or has a path to be opened at"))
    }

    /// The database of a library that is open.
    ///
    /// # Panics
    ///
    /// Before [`open`](Self::open).
    pub fn database(&self) -> Database {
        let open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        open.clone().expect("a library is opened before it is used")
    }

    /// Whether the file in a folder has this program's tables, or is not there: so that opening it
    /// changes nothing under a server that runs.
    pub fn is_current(folder: &Path) -> Result<bool, OpenError> {
        let path = folder.join(FILE);
        Ok(!path.exists() || Database::is_current(path, &[DOCS])?)
    }

    /// Whether a file is such a database, of this version or an older one.
    pub(super) fn judge(path: &Path) -> Result<(), OpenError> {
        Database::is_current(path, &[DOCS]).map(drop)
    }
}
