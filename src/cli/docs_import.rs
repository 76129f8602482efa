//! # `parlour docs import`: documents from files
//!
//! Promises
//! 1. What did not change is not written again, whatever its file says about its time.
//! 2. What is left out is named, with why; the others are read all the same.
//! 3. Some files at a time are read and stored, so that memory is bounded by them and nobody who
//!    writes waits long.
//! 4. A server that talks meanwhile goes before.

use std::collections::HashSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

use super::command::Given;
use super::data::now_ms;
use super::desk::failed;
use super::docs::{Shelf, counted};
use super::progress::Progress;
use super::{CliError, say};
use crate::ground::priority;
use crate::knowledge::{
    DOCUMENT_BYTES_MAX, Format, Kept, decode, hash, is_known, keep_all, sources,
};

/// Bytes of text that are stored in one go. Each commit is waited for by whoever else writes to the
/// same disk: many short waits delay a chat less than a few long ones, and cost the import nothing.
const BATCH_BYTES: usize = 128 << 10;

/// A file that may be read.
struct Found {
    path: PathBuf,
    source: String,
    bytes: u64,
    /// It was named itself, and not found in a folder.
    is_named: bool,
}

/// A document that was read.
struct New {
    source: String,
    format: Format,
    text: String,
}

/// What came of it.
#[derive(Default)]
struct Told {
    added: u64,
    replaced: u64,
    same: u64,
    left_out: u64,
    pruned: u64,
}

pub(super) fn run(given: &Given) -> Result<(), CliError> {
    let paths = given.all()?;
    let title = given.value("title")?;
    if title.is_some() && (paths.len() > 1 || Path::new(paths[0]).is_dir()) {
        let tell = "'--title' is for a single file: leave it away, or name one".to_owned();
        return Err(CliError::Usage(tell));
    }
    let mut found = Vec::new();
    let mut told = Told::default();
    for path in &paths {
        look_for(path, &mut found, &mut told)?;
    }
    // What the database starts does as whoever opens it.
    priority::after_others();
    let shelf = Shelf::open(given)?;
    let all: HashSet<String> = import(&shelf, found, title, &mut told)?;
    if given.has("prune") {
        prune(&shelf, &paths, &all, &mut told)?;
    }
    let mut said = format!(
        "{} new, {} changed, {} as before, {} left out",
        told.added, told.replaced, told.same, told.left_out
    );
    if given.has("prune") {
        said.push_str(&format!(", {} forgotten", counted(told.pruned)));
    }
    say(&format!("{said}\n"))
}

// --------------------------------------------------------------------------------------- finding

/// A path as documents are known by it.
pub(super) fn normal(path: &str) -> String {
    let parts = Path::new(path).components();
    let parts: PathBuf = parts.filter(|part| *part != Component::CurDir).collect();
    parts.to_string_lossy().into_owned()
}

/// Whether what is known by a source was found in a folder. The folder that one is in has no name.
pub(super) fn is_below(source: &str, folder: &str) -> bool {
    match folder {
        "" => !source.starts_with('/'),
        _ => source
            .strip_prefix(folder)
            .is_some_and(|rest| folder.ends_with('/') || rest.starts_with('/')),
    }
}

/// Looks for what a word of the command line means.
fn look_for(word: &str, found: &mut Vec<Found>, told: &mut Told) -> Result<(), CliError> {
    let blame = |error| CliError::Failed(format!("{word}: {error}"));
    let metadata = fs::metadata(word).map_err(blame)?;
    if !metadata.is_dir() {
        found.push(Found {
            path: word.into(),
            source: normal(word),
            bytes: metadata.len(),
            is_named: true,
        });
        return Ok(());
    }
    let mut folders = vec![PathBuf::from(word)];
    while let Some(folder) = folders.pop() {
        let mut inside =
            match fs::read_dir(&folder).and_then(Iterator::collect::<Result<Vec<_>, _>>) {
                Ok(inside) => inside,
                Err(error) => {
                    leave_out(&folder, &error.to_string(), told);
                    continue;
                }
            };
        inside.sort_by_key(fs::DirEntry::file_name);
        for entry in inside {
            // What begins with a dot is the system's or a tool's.
            let is_hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            // Not where links lead: that may be a circle.
            let metadata = entry.metadata().ok().filter(|_| !is_hidden);
            let path = entry.path();
            match metadata {
                Some(it) if it.is_dir() => folders.push(path),
                Some(it) if it.is_file() => found.push(Found {
                    source: normal(&path.to_string_lossy()),
                    path,
                    bytes: it.len(),
                    is_named: false,
                }),
                _ => {}
            }
        }
    }
    Ok(())
}

fn leave_out(path: &Path, why: &str, told: &mut Told) {
    told.left_out += 1;
    log::warn!("{} is left out: {why}", path.display());
}

// --------------------------------------------------------------------------------------- reading

/// Reads and stores all that was found. Gives what that is known by.
fn import(
    shelf: &Shelf,
    found: Vec<Found>,
    title: Option<&str>,
    told: &mut Told,
) -> Result<HashSet<String>, CliError> {
    let mut progress = Progress::new("importing", "bytes");
    let of = found.iter().map(|it| it.bytes).sum();
    let mut done = 0;
    let mut all = HashSet::new();
    let mut batch = Vec::new();
    let mut waiting = 0;
    for file in found {
        done += file.bytes;
        // Also what cannot be read now is still there.
        all.insert(file.source.clone());
        match read(&file) {
            Ok(new) => {
                let hash = hash(new.text.as_bytes(), title);
                if shelf.look(|tables| is_known(tables, shelf.base, &new.source, &hash))? {
                    told.same += 1;
                } else {
                    waiting += new.text.len();
                    batch.push(new);
                }
            }
            Err(why) => {
                progress.clear();
                leave_out(&file.path, &why, told);
            }
        }
        if waiting >= BATCH_BYTES {
            waiting = 0;
            store(shelf, std::mem::take(&mut batch), title, told)?;
        }
        progress.step(done, of);
    }
    store(shelf, batch, title, told)?;
    progress.clear();
    Ok(all)
}

fn store(
    shelf: &Shelf,
    batch: Vec<New>,
    title: Option<&str>,
    told: &mut Told,
) -> Result<(), CliError> {
    if batch.is_empty() {
        return Ok(());
    }
    let (base, title, at) = (shelf.base, title.map(str::to_owned), now_ms());
    let kept = shelf.database.run(move |tables| {
        let title = title.as_deref();
        let each = batch
            .iter()
            .map(|new| (&*new.source, title, new.format, &*new.text));
        keep_all(tables, base, each, at)
    });
    for kept in kept.map_err(failed)? {
        match kept {
            Kept::Added(_) => told.added += 1,
            Kept::Replaced(_) => told.replaced += 1,
            Kept::Same(_) => told.same += 1,
        }
    }
    Ok(())
}

/// A file as a document, or why it is none.
fn read(file: &Found) -> Result<New, String> {
    let format = match Format::of_name(&file.source) {
        Some(format) => format,
        None if file.source.to_ascii_lowercase().ends_with(".pdf") => {
            return Err("it is a PDF: import the text that 'pdftotext' makes of it".to_owned());
        }
        // Whoever names a file knows what is in it.
        None if file.is_named => Format::Text,
        None => {
            return Err("its name does not end as those of text, Markdown or HTML do".to_owned());
        }
    };
    if file.bytes > DOCUMENT_BYTES_MAX {
        let (bytes, most) = (file.bytes, DOCUMENT_BYTES_MAX);
        return Err(format!(
            "it has {bytes} bytes, and at most {most} are read: split it"
        ));
    }
    let bytes = fs::read(&file.path).map_err(|error| error.to_string())?;
    let text = decode(bytes)?;
    if text.trim().is_empty() {
        return Err("there is nothing in it".to_owned());
    }
    Ok(New {
        source: file.source.clone(),
        format,
        text,
    })
}

// --------------------------------------------------------------------------------------- pruning

/// Forgets what was read from these paths once and is not there any more.
fn prune(
    shelf: &Shelf,
    paths: &[&str],
    all: &HashSet<String>,
    told: &mut Told,
) -> Result<(), CliError> {
    let folders: Vec<String> = paths.iter().map(|path| normal(path)).collect();
    for (source, id) in shelf.look(|tables| sources(tables, shelf.base))? {
        let was_here = folders
            .iter()
            .any(|folder| source == *folder || is_below(&source, folder));
        if was_here && !all.contains(&source) {
            shelf.forget(id)?;
            told.pruned += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_known_without_detours() {
        let check = |path, expected| assert_eq!(normal(path), expected, "{path}");
        check("./a/./b.md", "a/b.md");
        check("a/", "a");
        check("/srv/a", "/srv/a");
        check("../a", "../a");
        check(".", "");
    }

    #[test]
    fn what_is_in_a_folder_is_below_it() {
        assert!(is_below("a/b.md", "a") && is_below("a/b/c", "a") && is_below("/x/y", "/"));
        assert!(!is_below("ab/c", "a") && !is_below("a", "a") && !is_below("/a/b", ""));
        assert!(is_below("a", ""));
    }
}
