//! # Programs: an app with the command line that people expect
//!
//! What the examples and other people's servers have in common: `--listen ADDR` as often as wanted,
//! `--data DIR` where something is kept, options of their own, `--help`, the line that says where
//! they listen, and an end with grace on SIGTERM.

use std::ffi::OsString;
use std::fmt::{Display, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt};

use super::serve::DEFAULT_LISTEN;
use super::{CliError, exit_code, log_to_stderr, say};
use crate::reactor::driver::listeners::Address;
use crate::web::App;

/// A program in the making.
///
/// It knows `--listen ADDR`, as often as wanted, `--data DIR` if it [keeps data](Self::keeps_data),
/// [options](Self::option) of its own, and `--help`. When it is ready it says `listening on
/// http://ADDR` on standard output, a line for each address; its log goes to standard error. It ends
/// with grace on SIGTERM. Words that it does not know end it with status 2 and say what would do, and
/// what the world refuses with status 1.
///
/// ```no_run
/// use parlour::cli::Program;
/// use parlour::web::{App, Cx};
///
/// fn main() -> std::process::ExitCode {
///     Program::new("greeter", "says hello")
///         .option("name WHOM", "world", "Whom to greet")
///         .run(|args| {
///             let hello = format!("Hello, {}!\n", args.option("name"));
///             Ok::<_, String>(App::new(()).get("/", move |_: &mut Cx<'_, ()>| hello.clone()))
///         })
/// }
/// ```
#[derive(Debug)]
pub struct Program {
    name: &'static str,
    about: &'static str,
    /// Where it listens if nothing is said.
    listen: &'static str,
    /// The folder for data if no other is named.
    data: Option<PathBuf>,
    options: Vec<Choice>,
}

/// An option of a program's own.
#[derive(Debug)]
struct Choice {
    name: &'static str,
    /// What the help calls its value.
    value_name: String,
    value: String,
    help: &'static str,
}

/// What a program was asked for.
///
/// ```no_run
/// use parlour::cli::Program;
/// use parlour::store::Database;
/// use parlour::web::{App, Cx};
///
/// fn main() -> std::process::ExitCode {
///     Program::new("diary", "keeps a diary").keeps_data("diary-data").run(|args| {
///         let database = Database::open(args.data().join("diary.db"), &[])?;
///         let text = format!("kept in {}", args.data().display());
///         // Scripts on this machine find it here, wherever people do.
///         args.listen_also(format!("unix:{}/socket", args.data().display()).parse()?);
///         let page = move |_: &mut Cx<'_, Database>| text.clone();
///         Ok::<_, Box<dyn std::error::Error>>(App::new(database).get("/", page))
///     })
/// }
/// ```
#[derive(Debug)]
pub struct Args {
    listen: Vec<Address>,
    also: Vec<Address>,
    data: Option<PathBuf>,
    options: Vec<Choice>,
}

impl Args {
    /// The folder for data. It exists.
    ///
    /// # Panics
    ///
    /// If the program did not say that it [keeps data](Program::keeps_data).
    pub fn data(&self) -> &Path {
        self.data
            .as_deref()
            .expect("a program that asks for its folder says that it keeps data")
    }

    /// Where to listen.
    pub fn listen(&self) -> &[Address] {
        &self.listen
    }

    /// The value of an option of the program's own.
    ///
    /// # Panics
    ///
    /// If there is no such option.
    pub fn option(&self, name: &str) -> &str {
        let found = self.options.iter().find(|option| option.name == name);
        &found
            .expect("a program asks for options that it named")
            .value
    }

    /// Listens there too, besides where it is asked to.
    pub fn listen_also(&mut self, address: Address) {
        self.also.push(address);
    }
}

impl Program {
    /// A program: its name, and what it does, in a few words.
    pub const fn new(name: &'static str, about: &'static str) -> Self {
        Self {
            name,
            about,
            listen: DEFAULT_LISTEN,
            data: None,
            options: Vec::new(),
        }
    }

    /// Where it listens if nothing is said, as `127.0.0.1:8080`.
    pub const fn listens_at(mut self, address: &'static str) -> Self {
        self.listen = address;
        self
    }

    /// It keeps something: there is `--data DIR`, and without it a folder of this name.
    pub fn keeps_data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// There is an option with a value, written as the help shows it but for the dashes: `port PORT`
    /// is `--port PORT`, and [`Args::option`] knows it as `port`. A default of no characters is for
    /// what need not be said.
    pub fn option(mut self, option: &'static str, default: &str, help: &'static str) -> Self {
        let (name, value_name) = match option.split_once(' ') {
            Some((name, value_name)) => (name, value_name.to_owned()),
            None => (option, option.to_uppercase()),
        };
        self.options.push(Choice {
            name,
            value_name,
            value: default.to_owned(),
            help,
        });
        self
    }

    /// Reads the command line for a program with a main loop of its own. Without arguments there is
    /// nothing left to do: help was asked for, or something is wrong, and was said.
    pub fn args(self) -> Result<Args, ExitCode> {
        log_to_stderr(self.name);
        match self.read(Parser::from_env()) {
            Ok(Some(args)) => Ok(args),
            Ok(None) => Err(ExitCode::SUCCESS),
            Err(error) => Err(exit_code(Err(error))),
        }
    }

    /// Reads the command line, has the app made, and serves it until SIGTERM or SIGINT.
    pub fn run<S: 'static, E: Display>(
        self,
        make: impl FnOnce(&mut Args) -> Result<App<S>, E>,
    ) -> ExitCode {
        log_to_stderr(self.name);
        exit_code(self.serve(Parser::from_env(), make))
    }

    fn serve<S: 'static, E: Display>(
        self,
        words: Parser,
        make: impl FnOnce(&mut Args) -> Result<App<S>, E>,
    ) -> Result<(), CliError> {
        let failed = |error: &dyn Display| CliError::Failed(error.to_string());
        let Some(mut args) = self.read(words)? else {
            return Ok(());
        };
        let app = make(&mut args).map_err(|error| failed(&error))?;
        // Where the limit cannot be raised, fewer connections fit and the loop sheds the others.
        let _ = rlimit::increase_nofile_limit(u64::MAX);
        let mut said = Ok(());
        let addresses = [&args.listen[..], &args.also[..]].concat();
        app.serve_at(&addresses, |addresses, remote| {
            let (asked, also) = addresses.split_at(addresses.len() - args.also.len());
            let asked = asked.iter().map(|it| format!("listening on {it}\n"));
            let also = also.iter().map(|it| format!("also listening on {it}\n"));
            said = asked.chain(also).try_for_each(|line| say(&line));
            if said.is_err() {
                remote.stop();
            }
        })
        .map_err(|error| failed(&error))?;
        said
    }

    /// What the command line says; nothing if it only asked for help.
    fn read(self, mut words: Parser) -> Result<Option<Args>, CliError> {
        let help = self.help();
        let usual = self.listen;
        let mut args = Args {
            listen: Vec::new(),
            also: Vec::new(),
            data: self.data,
            options: self.options,
        };
        while let Some(word) = words.next()? {
            match word {
                Arg::Long("listen") => args.listen.push(words.value()?.parse_with(str::parse)?),
                Arg::Long("data") if args.data.is_some() => {
                    args.data = Some(words.value()?.into());
                }
                Arg::Short('h') | Arg::Long("help") => return say(&help).map(|()| None),
                Arg::Long(name) => {
                    let known = args.options.iter_mut().find(|option| option.name == name);
                    let Some(option) = known else {
                        return Err(word.unexpected().into());
                    };
                    option.value = words.value()?.into_string().map_err(not_text)?;
                }
                other => return Err(other.unexpected().into()),
            }
        }
        if args.listen.is_empty() {
            args.listen.push(usual.parse().map_err(CliError::Failed)?);
        }
        if let Some(folder) = &args.data {
            std::fs::create_dir_all(folder).map_err(|error| {
                let folder = folder.display();
                CliError::Failed(format!("--data {folder}: cannot make this folder: {error}"))
            })?;
        }
        Ok(Some(args))
    }

    fn help(&self) -> String {
        let mut lines = vec![(
            "--listen ADDR".to_owned(),
            format!(
                "Where to listen; port 0 picks a free one [default: {}]",
                self.listen
            ),
        )];
        if let Some(folder) = &self.data {
            let folder = folder.display();
            let help = format!("Folder for what is kept [default: {folder}]");
            lines.push(("--data DIR".to_owned(), help));
        }
        for option in &self.options {
            let help = match option.value.as_str() {
                "" => option.help.to_owned(),
                value => format!("{} [default: {value}]", option.help),
            };
            lines.push((format!("--{} {}", option.name, option.value_name), help));
        }
        lines.push(("-h, --help".to_owned(), "Show this help".to_owned()));
        let width = lines.iter().map(|(option, _)| option.chars().count()).max();
        let width = width.unwrap_or_default();
        let mut text = format!(
            "{}: {}\n\nUsage: {} [OPTIONS]\n\nOptions:\n",
            self.name, self.about, self.name
        );
        for (option, help) in lines {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "  {option:<width$}  {help}");
        }
        text
    }
}

fn not_text(value: OsString) -> CliError {
    CliError::Usage(format!("'{}' is not text", value.to_string_lossy()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn program() -> Program {
        Program::new("clock", "tells the time")
            .keeps_data("clock-data")
            .option("zone", "", "Where it is")
            .option("bells-and-whistles FILE", "bell.wav", "What it sounds like")
    }

    #[test]
    fn the_help_has_columns_whatever_the_options_are_called() {
        let expected = "\
clock: tells the time

Usage: clock [OPTIONS]

Options:
  --listen ADDR              Where to listen; port 0 picks a free one [default: 127.0.0.1:8080]
  --data DIR                 Folder for what is kept [default: clock-data]
  --zone ZONE                Where it is
  --bells-and-whistles FILE  What it sounds like [default: bell.wav]
  -h, --help                 Show this help
";
        assert_eq!(program().help(), expected);
    }

    #[test]
    fn options_are_known_by_their_names() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_str().unwrap();
        let read = |words: &[&str]| {
            let words = [&["clock", "--data", data], words].concat();
            program().read(Parser::from_iter(words))
        };
        let args = read(&["--bells-and-whistles", "cuckoo.wav"])
            .unwrap()
            .unwrap();
        assert_eq!(args.option("bells-and-whistles"), "cuckoo.wav");
        assert_eq!(args.option("zone"), "");
        assert!(matches!(read(&["--FILE", "a"]), Err(CliError::Usage(_))));
    }
}
