//! # `parlour restore`: the data folder from a backup

use super::backup::Progresses;
use super::command::{Command, Given};
use super::data::{alone, fresh_epoch, now_ms};
use super::desk::{Desk, failed};
use super::{CliError, say};
use crate::chat::{self, backup};
use crate::knowledge;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "restore",
    about: "Make the data of a backup the server's, while none runs",
    arguments: &["FILE"],
    options: &[(
        "force",
        "Replace the database that is there; it is kept beside",
    )],
    more: "Clients begin anew, because what they have seen since the backup was made is gone.",
    examples: &[
        "parlour restore /backups/parlour-2026-01-02.db --data new-folder",
        "parlour restore latest.db --force",
    ],
    run,
}];

fn run(given: &Given) -> Result<(), CliError> {
    let folder = given.data.as_path();
    let from = std::path::absolute(given.word(0)?).map_err(failed)?;
    if !from.is_file() {
        let tell = format!("there is no file {}", from.display());
        return Err(CliError::Failed(tell));
    }
    let lock = alone(folder)?;
    let is_there = folder.join(chat::FILE).exists();
    if is_there && !given.has("force") {
        let tell = format!(
            "there is a database in {} already: name another folder with '--data DIR', or say \
             '--force' to replace it",
            folder.display()
        );
        return Err(CliError::Failed(tell));
    }
    let now = now_ms();
    let old = format!("{}.before-{now}", chat::FILE);
    let mut progress = Progresses::new();
    // Documents are judged before anything is replaced, and replaced once the rest is.
    knowledge::restore(&from, folder).map_err(failed)?;
    let restored = backup::restore(&from, folder, &fresh_epoch(), &old, &mut |step| {
        progress.step(step)
    });
    if let Err(error) = restored {
        knowledge::give_up(folder);
        return Err(failed(error));
    }
    progress.clear();
    let old_docs = format!("{}.before-{now}", knowledge::FILE);
    knowledge::put_back(folder, &old_docs).map_err(failed)?;
    drop(lock);
    // A backup of an older version is brought up to date.
    drop(Desk::open(given)?);
    if is_there {
        say(&format!("the database that was there is {old} now\n"))?;
    }
    say(&format!("restored {}\n", folder.display()))
}
