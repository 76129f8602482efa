//! # Command: what a command is, as its help and its reader know it
//!
//! A command says in one table how it is called, what it takes and what it is for; the help, the
//! reading of words and what is suggested for unknown ones are made of that.
//!
//! Promises
//! 1. What a command's help names is what is taken, and nothing else.
//! 2. Whatever is wrong is named with the command, and with the word that is nearest where there is
//!    one.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use lexopt::{Arg, Parser};

use super::CliError;
use super::data::DEFAULT_DATA;
pub(super) use crate::ground::nearest::nearest;

/// One command.
pub(super) struct Command {
    /// How it is called: one word or two.
    pub(super) name: &'static str,
    /// What it does, in a line.
    pub(super) about: &'static str,
    /// What it takes; in brackets what may be left out, and that comes last. What ends with dots may come
    /// several times.
    pub(super) arguments: &'static [&'static str],
    /// Its own options, written as the help shows them but for the dashes: `email ADDRESS`.
    pub(super) options: &'static [(&'static str, &'static str)],
    /// What else there is to know.
    pub(super) more: &'static str,
    /// How it is used.
    pub(super) examples: &'static [&'static str],
    pub(super) run: fn(&Given) -> Result<(), CliError>,
}

/// What all commands take.
const COMMON: [(&str, &str); 2] = [
    (
        "data DIR",
        "Folder of the server's data [default: parlour-data]",
    ),
    ("help", "Show this help"),
];

/// The option that programs ask lists with.
pub(super) const JSON: (&str, &str) = ("json", "Write JSON, for programs");

/// What a command was given.
#[derive(Debug, Default)]
pub(super) struct Given {
    pub(super) data: PathBuf,
    words: Vec<OsString>,
    options: Vec<(&'static str, Option<OsString>)>,
}

impl Command {
    /// Reads the words behind the command's name. Without a result only its help was asked for.
    pub(super) fn read(
        &self,
        words: &mut Parser,
        data: Option<PathBuf>,
    ) -> Result<Option<Given>, CliError> {
        let mut given = Given {
            data: data.unwrap_or_else(|| PathBuf::from(DEFAULT_DATA)),
            ..Given::default()
        };
        while let Some(word) = words.next()? {
            match word {
                Arg::Short('h') | Arg::Long("help") => return Ok(None),
                Arg::Long("data") => given.data = words.value()?.into(),
                Arg::Long(name) => match self.option(name) {
                    Some((name, takes_value)) => {
                        let value = takes_value.then(|| words.value()).transpose()?;
                        given.options.push((name, value));
                    }
                    None => return Err(self.unknown(name)),
                },
                Arg::Value(word)
                    if given.words.len() < self.arguments.len() || self.takes_many() =>
                {
                    given.words.push(word);
                }
                other => return Err(other.unexpected().into()),
            }
        }
        match self.arguments.get(given.words.len()) {
            Some(missing) if !missing.starts_with('[') => {
                Err(CliError::Usage(format!("{missing} is missing")))
            }
            _ => Ok(Some(given)),
        }
    }

    fn takes_many(&self) -> bool {
        self.arguments
            .last()
            .is_some_and(|last| last.ends_with("..."))
    }

    /// The name of an option as the table has it, and whether a value follows.
    fn option(&self, name: &str) -> Option<(&'static str, bool)> {
        self.options.iter().find_map(|(option, _)| {
            let (known, value) = option
                .split_once(' ')
                .map_or((*option, false), |(known, _)| (known, true));
            (known == name).then_some((known, value))
        })
    }

    fn unknown(&self, name: &str) -> CliError {
        let known = self.options.iter().chain(&COMMON);
        let known = known.map(|(option, _)| option.split(' ').next().unwrap_or(option));
        let tell = match nearest(name, known) {
            Some(near) => format!("there is no option '--{name}'; did you mean '--{near}'?"),
            None => format!("there is no option '--{name}'"),
        };
        CliError::Usage(tell)
    }

    /// Its help.
    pub(super) fn help(&self) -> String {
        let arguments = self.arguments.join(" ");
        let gap = if arguments.is_empty() { "" } else { " " };
        let mut help = format!(
            "{about}\n\nUsage: parlour {name}{gap}{arguments} [OPTIONS]\n\nOptions:\n",
            about = self.about,
            name = self.name,
        );
        let options: Vec<_> = self.options.iter().chain(&COMMON).collect();
        let names = options.iter().map(|(option, _)| option.len());
        let width = names.max().unwrap_or_default() + 4;
        for (option, about) in options {
            let option = format!("--{option}");
            help.push_str(&format!("  {option:width$}{about}\n"));
        }
        if !self.more.is_empty() {
            help.push_str(&format!("\n{}\n", self.more));
        }
        help.push_str("\nExamples:\n");
        for example in self.examples {
            help.push_str(&format!("  {example}\n"));
        }
        help
    }
}

impl Given {
    /// An argument that has to be there.
    ///
    /// # Panics
    ///
    /// If the command's table does not ask for it.
    pub(super) fn word(&self, at: usize) -> Result<&str, CliError> {
        let word = self.words.get(at);
        text(word.expect("a command asks for the arguments of its table"))
    }

    /// An argument that may be left out.
    pub(super) fn perhaps(&self, at: usize) -> Result<Option<&str>, CliError> {
        self.words.get(at).map(|word| text(word)).transpose()
    }

    /// All arguments.
    pub(super) fn all(&self) -> Result<Vec<&str>, CliError> {
        self.words.iter().map(|word| text(word)).collect()
    }

    /// An argument that names a file.
    pub(super) fn path(&self, at: usize) -> Option<&Path> {
        self.words.get(at).map(Path::new)
    }

    /// Whether an option without a value was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.options.iter().any(|(option, _)| *option == name)
    }

    /// The values of an option that may be given more than once.
    pub(super) fn values(&self, name: &str) -> Result<Vec<&str>, CliError> {
        let found = self.options.iter().filter(|(option, _)| *option == name);
        found
            .filter_map(|(_, value)| value.as_deref())
            .map(text)
            .collect()
    }

    /// The value of an option; the last one, if it was given more than once.
    pub(super) fn value(&self, name: &str) -> Result<Option<&str>, CliError> {
        let found = self.options.iter().rfind(|(option, _)| *option == name);
        let value = found.and_then(|(_, value)| value.as_deref());
        value.map(text).transpose()
    }
}

fn text(word: &OsStr) -> Result<&str, CliError> {
    word.to_str().ok_or_else(|| {
        let word = word.to_string_lossy();
        CliError::Usage(format!("'{word}' is no text in UTF-8"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greet() -> Command {
        Command {
            name: "greet",
            about: "Say hello",
            arguments: &["NAME", "[AGAIN]"],
            options: &[("loud", "Shout"), ("times N", "How often")],
            more: "",
            examples: &["parlour greet ana"],
            run: |_| Ok(()),
        }
    }

    fn read(words: &[&str]) -> Result<Option<Given>, String> {
        let mut words = Parser::from_args(words);
        greet()
            .read(&mut words, None)
            .map_err(|error| error.to_string().lines().next().unwrap().to_owned())
    }

    #[test]
    fn words_are_read_wherever_they_stand() {
        let given = read(&["--times", "3", "ana", "--data=x", "--loud", "bo"]);
        let given = given.unwrap().unwrap();
        assert_eq!(given.word(0).unwrap(), "ana");
        assert_eq!(given.perhaps(1).unwrap(), Some("bo"));
        assert_eq!(given.value("times").unwrap(), Some("3"));
        assert!(given.has("loud") && !given.has("quiet"));
        assert_eq!(given.data, Path::new("x"));
        let given = read(&["ana"]).unwrap().unwrap();
        assert_eq!(given.perhaps(1).unwrap(), None);
        assert_eq!(given.data, Path::new(DEFAULT_DATA));
        assert!(read(&["--help"]).unwrap().is_none());
    }

    #[test]
    fn what_ends_with_dots_may_come_several_times() {
        let many = Command {
            arguments: &["NAME..."],
            ..greet()
        };
        let read = |words: &[&str]| many.read(&mut Parser::from_args(words), None);
        let given = read(&["ana", "--loud", "bo", "cy"]).unwrap().unwrap();
        assert_eq!(given.all().unwrap(), ["ana", "bo", "cy"]);
        assert!(read(&[]).is_err());
    }

    #[test]
    fn what_is_wrong_is_named() {
        let check = |words: &[&str], told: &str| {
            let error = read(words).map(|_| ()).unwrap_err();
            assert!(error.contains(told), "{words:?}: {error}");
        };
        check(&[], "NAME is missing");
        check(&["a", "b", "c"], "\"c\"");
        check(&["--luod"], "did you mean '--loud'?");
        check(&["--xyz"], "there is no option '--xyz'");
        check(&["--times"], "--times");
        check(&["a", "--loud=yes"], "--loud");
    }

    #[test]
    fn the_help_names_everything() {
        let help = greet().help();
        for part in [
            "Usage: parlour greet NAME [AGAIN] [OPTIONS]\n",
            "  --loud      Shout\n",
            "  --times N   How often\n",
            "  --data DIR  Folder",
            "  parlour greet ana\n",
        ] {
            assert!(help.contains(part), "{help}");
        }
    }

    #[test]
    fn the_nearest_word_is_one_that_may_have_been_meant() {
        let known = ["user", "room", "restore", "export"];
        let check = |word: &str, expected: Option<&str>| {
            assert_eq!(nearest(word, known.into_iter()), expected, "{word}");
        };
        check("users", Some("user"));
        check("rom", Some("room"));
        check("restroe", Some("restore"));
        check("exprot", Some("export"));
        check("x", None);
        check("frobnicate", None);
    }
}
