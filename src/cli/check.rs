//! # `parlour check`: whether the database keeps what the chat promises, and what lies beside it

use super::command::{Command, Given};
use super::desk::{Desk, failed};
use super::progress::Progress;
use super::{CliError, say};
use crate::chat::{Files, Told, check, check_files};
use crate::knowledge::{self, Library};
use crate::store::Connection;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "check",
    about: "Look for damage in the databases and in uploaded files",
    arguments: &[],
    options: &[],
    more: "Each thing that is wrong is a line on standard output, and so is each file that nobody needs,\n\
           which is harmless. The status is 1 if anything is wrong. Every uploaded file is read.",
    examples: &["parlour check", "parlour check --data /var/lib/parlour"],
    run,
}];

fn run(given: &Given) -> Result<(), CliError> {
    let desk = Desk::open(given)?;
    let mut report = Report::default();
    let mut progress = Progress::new("checking", "rows");
    desk.look(|tables| check(tables, &mut |told| report.hear(told, &mut progress, 1)))?;
    drop(progress);
    let mut progress = Progress::new("reading files", "KiB");
    let files = Files::beside(&given.data);
    check_files(desk.reader(), &files, &mut |told| {
        report.hear(told, &mut progress, 1024);
    })
    .map_err(failed)?;
    drop(progress);
    if let Some(documents) = Library::beside(&given.data).look().map_err(failed)? {
        let reader = documents.reader().map_err(failed)?;
        let look =
            |tables: &Connection| knowledge::check(tables, &mut |wrong| report.wrong(&wrong));
        reader.query(look).map_err(failed)?;
    }
    report.end()
}

/// What was said so far.
struct Report {
    found: u64,
    said: Result<(), CliError>,
}

impl Default for Report {
    fn default() -> Self {
        Self {
            found: 0,
            said: Ok(()),
        }
    }
}

impl Report {
    /// Says what a check tells; what it counts is shown in units of so many.
    fn hear(&mut self, told: Told, progress: &mut Progress, unit: u64) {
        let line = match told {
            Told::Progress { done, of } => return progress.step(done / unit, of / unit),
            Told::Needless(what) => format!("{what}: nobody needs it, which does no harm\n"),
            Told::Found(finding) => {
                self.found += 1;
                format!("{finding}\n")
            }
        };
        progress.clear();
        if self.said.is_ok() {
            self.said = say(&line);
        }
    }

    /// Says what is wrong.
    fn wrong(&mut self, what: &str) {
        self.found += 1;
        if self.said.is_ok() {
            self.said = say(&format!("{what}\n"));
        }
    }

    fn end(self) -> Result<(), CliError> {
        self.said?;
        match self.found {
            0 => say("nothing is wrong\n"),
            found => {
                let things = if found == 1 { "thing is" } else { "things are" };
                let tell =
                    format!("{found} {things} wrong: restore a backup if you miss something");
                Err(CliError::Failed(tell))
            }
        }
    }
}
