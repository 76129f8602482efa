//! # `parlour backup`: everything in one file, while the server runs

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::command::{Command, Given};
use super::desk::{failed, must_be_there};
use super::progress::Progress;
use super::{CliError, say};
use crate::chat::backup::{Step, save};
use crate::knowledge;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "backup",
    about: "Copy everything into one file, while the server runs",
    arguments: &["FILE"],
    options: &[("force", "Replace FILE if it is there")],
    more: "The file is an SQLite database: that of the server, with the uploaded files and the \
           documents in\ntables of their own. 'parlour restore' makes a data folder of it. FILE is there once it is whole. Keep it\n\
           as safe as the server: it has everything that was said.",
    examples: &[
        "parlour backup /backups/parlour-$(date +%F).db",
        "parlour backup --force latest.db --data /var/lib/parlour",
    ],
    run,
}];

fn run(given: &Given) -> Result<(), CliError> {
    must_be_there(&given.data)?;
    let to = target(given)?;
    let progress = &mut Progresses::new();
    let missing = whole(&to, |arriving| {
        let missing = save(&given.data, arriving, &mut |step| progress.step(step));
        let missing = missing.map_err(failed)?;
        let mut pages = |done, of| progress.step(Step::Pages(done, of));
        knowledge::save(&given.data, arriving, &mut pages).map_err(failed)?;
        Ok(missing)
    })?;
    progress.clear();
    for hash in &missing {
        log::warn!("the uploaded file {hash} is not in the backup: it was removed");
    }
    say(&format!("saved {}\n", to.display()))
}

/// The file that is asked for, which is not there or may be replaced.
pub(super) fn target(given: &Given) -> Result<PathBuf, CliError> {
    let to = given.path(0).unwrap_or_else(|| Path::new(""));
    if to.is_dir() || to.file_name().is_none() {
        let tell = format!("'{}' is a folder: name a file in it", to.display());
        return Err(CliError::Failed(tell));
    }
    if to.exists() && !given.has("force") {
        let tell = format!(
            "{} is there already: name another file, or say '--force' to replace it",
            to.display()
        );
        return Err(CliError::Failed(tell));
    }
    std::path::absolute(to).map_err(failed)
}

/// Has a file made under another name, which gets its own once it is whole.
pub(super) fn whole<T>(
    to: &Path,
    make: impl FnOnce(&Path) -> Result<T, CliError>,
) -> Result<T, CliError> {
    let mut name = to.as_os_str().to_owned();
    name.push(format!(".{}.part", std::process::id()));
    let arriving = PathBuf::from(name);
    let made = make(&arriving).and_then(|made| {
        fs::rename(&arriving, to)
            .map_err(|error| CliError::Failed(format!("cannot write {}: {error}", to.display())))?;
        Ok(made)
    });
    if made.is_err() {
        // Why it was not made tells more than why it is not gone, if it was there at all.
        let _ = fs::remove_file(&arriving);
    } else if let Some(folder) = to.parent() {
        // The name lasts once its folder does.
        let synced = File::open(folder).and_then(|folder| folder.sync_all());
        synced.map_err(|error| CliError::Failed(format!("{}: {error}", folder.display())))?;
    }
    made
}

/// Progress of the two steps of backups, and of restoring.
pub(super) struct Progresses {
    pages: Progress,
    files: Progress,
}

impl Progresses {
    pub(super) fn new() -> Self {
        Self {
            pages: Progress::new("database", "pages"),
            files: Progress::new("uploads", "files"),
        }
    }

    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Pages(done, of) => self.pages.step(done, of),
            Step::Files(done, of) => self.files.step(done, of),
        }
    }

    pub(super) fn clear(&mut self) {
        self.pages.clear();
        self.files.clear();
    }
}
