//! # `parlour check`: whether the database keeps what the chat promises

use super::command::{Command, Given};
use super::desk::Desk;
use super::progress::Progress;
use super::{CliError, say};
use crate::chat::{Told, check};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "check",
    about: "Look for damage in the database",
    arguments: &[],
    options: &[],
    more: "Each thing that is wrong is a line on standard output. The status is 1 if there is any.",
    examples: &["parlour check", "parlour check --data /var/lib/parlour"],
    run,
}];

fn run(given: &Given) -> Result<(), CliError> {
    let desk = Desk::open(given)?;
    let mut progress = Progress::new("checking", "rows");
    let mut found = 0_u64;
    let mut said = Ok(());
    desk.look(|tables| {
        check(tables, &mut |told| match told {
            Told::Progress { done, of } => progress.step(done, of),
            Told::Found(finding) => {
                progress.clear();
                found += 1;
                if said.is_ok() {
                    said = say(&format!("{finding}\n"));
                }
            }
        })
    })?;
    drop(progress);
    said?;
    match found {
        0 => say("nothing is wrong\n"),
        _ => {
            let things = if found == 1 { "thing is" } else { "things are" };
            let tell = format!("{found} {things} wrong: restore a backup if you miss something");
            Err(CliError::Failed(tell))
        }
    }
}
