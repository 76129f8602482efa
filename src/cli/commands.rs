//! # Commands: which there are
//!
//! One table of all commands but `serve`, found by their words; and the help that tells of them.

use std::path::PathBuf;

use lexopt::{Arg, Parser};

use super::command::{Command, nearest};
use super::serve;
use super::{
    CliError, backup, check, docs, export, import, invite, restore, room, say, send, settings,
    token, user,
};

/// All commands, in the order in which the help tells of them.
fn all() -> impl Iterator<Item = &'static Command> {
    [
        user::COMMANDS,
        room::COMMANDS,
        send::COMMANDS,
        token::COMMANDS,
        invite::COMMANDS,
        settings::COMMANDS,
        docs::COMMANDS,
        backup::COMMANDS,
        restore::COMMANDS,
        export::COMMANDS,
        import::COMMANDS,
        check::COMMANDS,
    ]
    .into_iter()
    .flatten()
}

/// What begins with a word: the command itself, or those that have it as their first word.
fn beginning_with(first: &str) -> Vec<&'static Command> {
    all()
        .filter(|it| it.name.split(' ').next() == Some(first))
        .collect()
}

/// Runs the command that begins with a word; `words` are those behind it.
pub(super) fn run(first: &str, words: &mut Parser, data: Option<PathBuf>) -> Result<(), CliError> {
    let found = beginning_with(first);
    let Some(one) = found.first() else {
        return Err(unknown(first));
    };
    if one.name == first {
        return run_one(one, words, data);
    }
    let group = &one.name[..first.len()];
    match second(group, &found, words, data).map_err(|error| error.of(group))? {
        Some((command, data)) => run_one(command, words, data),
        None => Ok(()),
    }
}

fn run_one(command: &Command, words: &mut Parser, data: Option<PathBuf>) -> Result<(), CliError> {
    let done = match command.read(words, data) {
        Ok(Some(given)) => (command.run)(&given),
        Ok(None) => say(&command.help()),
        Err(error) => Err(error),
    };
    done.map_err(|error| error.of(command.name))
}

type Found = Option<(&'static Command, Option<PathBuf>)>;

/// The command of two words. Without a result only help was asked for.
fn second(
    first: &str,
    found: &[&'static Command],
    words: &mut Parser,
    mut data: Option<PathBuf>,
) -> Result<Found, CliError> {
    let names = || found.iter().map(|it| &it.name[first.len() + 1..]);
    loop {
        match words.next()? {
            None => {
                let names: Vec<_> = names().collect();
                let tell = format!("say what to do: one of {}", names.join(", "));
                return Err(CliError::Usage(tell));
            }
            Some(Arg::Long("data")) => data = Some(words.value()?.into()),
            Some(Arg::Short('h') | Arg::Long("help")) => {
                say(&group_help(first, found))?;
                return Ok(None);
            }
            Some(Arg::Value(word)) => {
                let word = word.to_string_lossy().into_owned();
                let name = format!("{first} {word}");
                if let Some(command) = found.iter().find(|it| it.name == name) {
                    return Ok(Some((command, data)));
                }
                let tell = match nearest(&word, names()) {
                    Some(near) => {
                        format!("there is no command '{name}'; did you mean '{first} {near}'?")
                    }
                    None => format!("there is no command '{name}'"),
                };
                return Err(CliError::Usage(tell));
            }
            Some(other) => return Err(other.unexpected().into()),
        }
    }
}

fn unknown(word: &str) -> CliError {
    let known = all().map(|it| it.name.split(' ').next().unwrap_or(it.name));
    let tell = match nearest(word, known.chain(["serve", "help"])) {
        Some(near) => format!("there is no command '{word}'; did you mean '{near}'?"),
        None => format!("there is no command '{word}'"),
    };
    CliError::Usage(tell)
}

// ---------------------------------------------------------------------------------------- help

/// Says the help that the words behind `help` ask for.
pub(super) fn help(words: &mut Parser) -> Result<(), CliError> {
    let mut asked: Vec<String> = Vec::new();
    while let Some(word) = words.next()? {
        match word {
            Arg::Value(word) => asked.push(word.to_string_lossy().into_owned()),
            Arg::Short('h') | Arg::Long("help") => {}
            other => return Err(other.unexpected().into()),
        }
    }
    let Some(first) = asked.first() else {
        return say(&top_help());
    };
    if first == "serve" {
        return say(&serve::help());
    }
    let name = asked.join(" ");
    let found = beginning_with(first);
    if let Some(command) = found.iter().find(|it| it.name == name) {
        return say(&command.help());
    }
    match &found[..] {
        [] => Err(unknown(first)),
        found if asked.len() == 1 => say(&group_help(first, found)),
        _ => Err(CliError::Usage(format!("there is no command '{name}'"))),
    }
}

fn group_help(first: &str, found: &[&Command]) -> String {
    format!(
        "Usage: parlour {first} COMMAND [OPTIONS]\n\nCommands:\n{list}\n\
         'parlour {first} COMMAND --help' tells more of each.\n",
        list = list(found.iter().copied())
    )
}

/// One line for each command.
fn list<'a>(commands: impl Iterator<Item = &'a Command>) -> String {
    commands
        .map(|it| {
            let shown = [&[it.name][..], it.arguments].concat().join(" ");
            format!("  {shown:27} {}\n", it.about)
        })
        .collect()
}

/// The help of the whole program.
pub(super) fn top_help() -> String {
    format!(
        "\
parlour: chat and notifications for a small machine

Usage: parlour [COMMAND] [OPTIONS]

Commands:
  serve                       Serve until stopped (the default command)
{list}  help [COMMAND]              Show this help, or that of a command

All commands take '--data DIR', the folder of the server's data, and may be used while the
server runs, but for 'restore' and 'import'.

Options of serve:
{serve}
Options:
  -h, --help       Show this help
  -V, --version    Show the version

Examples:
  parlour
  parlour serve --listen 0.0.0.0:80 --listen [::]:80
  parlour user add ana --role admin
  parlour help user
",
        list = list(all()),
        serve = serve::OPTIONS
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_told_of_and_has_examples_of_itself() {
        let top = top_help();
        for command in all() {
            assert!(top.contains(command.about), "{}", command.name);
            let begins = format!("parlour {}", command.name);
            assert!(!command.examples.is_empty(), "{}", command.name);
            for example in command.examples {
                assert!(example.contains(&begins), "{example}");
            }
            let asks = |it: &&&str| !it.starts_with('[');
            let needed = command.arguments.iter().take_while(asks).count();
            assert_eq!(
                command.arguments.iter().filter(asks).count(),
                needed,
                "{}: what may be left out comes last",
                command.name
            );
        }
    }

    #[test]
    fn lines_of_the_help_fit_a_terminal() {
        let helps = all().map(Command::help);
        for help in helps.chain([top_help(), serve::help()]) {
            for line in help.lines() {
                assert!(line.chars().count() <= 100, "{line}");
            }
        }
    }
}
