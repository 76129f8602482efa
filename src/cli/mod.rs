//! # The command line
//!
//! One file per command; this one finds out which is meant. Errors of usage end with status 2 and
//! say what to do, errors of the world with status 1.

mod ask;
mod backup;
mod check;
mod command;
mod commands;
mod data;
mod desk;
mod docs;
mod docs_import;
mod export;
mod import;
mod invite;
mod line;
mod log_sink;
mod post;
mod program;
mod progress;
mod restore;
mod room;
mod send;
mod serve;
mod settings;
mod table;
mod token;
mod user;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use lexopt::Parser;
use serve::Next;
use signal_hook::consts::SIGXFSZ;

pub use log_sink::log_to_stderr;
pub use program::{Args, Program};
pub use serve::{example, serve_app};

/// Why a command did not do what it should.
#[derive(Debug)]
pub enum CliError {
    /// The words are off; the text says how.
    Usage(String),
    /// The words are right, but the world is not.
    Failed(String),
    /// One of both, of the command with this name.
    Of(&'static str, Box<Self>),
}

impl CliError {
    /// The same, as the error of a command.
    fn of(self, command: &'static str) -> Self {
        Self::Of(command, Box::new(self))
    }

    fn is_usage(&self) -> bool {
        match self {
            Self::Usage(_) => true,
            Self::Failed(_) => false,
            Self::Of(_, error) => error.is_usage(),
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => write!(f, "{text}\nTry '{} --help'.", log_sink::name()),
            Self::Failed(text) => f.write_str(text),
            Self::Of(command, error) => match &**error {
                Self::Usage(text) => write!(
                    f,
                    "{command}: {text}\nTry '{} {command} --help'.",
                    log_sink::name()
                ),
                other => write!(f, "{command}: {other}"),
            },
        }
    }
}

impl From<lexopt::Error> for CliError {
    fn from(error: lexopt::Error) -> Self {
        Self::Usage(error.to_string())
    }
}

/// Runs the command that the process was started with.
pub fn run() -> ExitCode {
    log_to_stderr("parlour");
    outlive_full_files();
    exit_code(dispatch(Parser::from_env()))
}

/// A file that may not grow any more is an error of the write, like a full disk, and not the end of
/// the process, which the system makes of it if nobody listens.
fn outlive_full_files() {
    let nobody_looks = Arc::new(AtomicBool::new(false));
    if let Err(error) = signal_hook::flag::register(SIGXFSZ, nobody_looks) {
        log::warn!("a limit on the size of files will end this process: {error}");
    }
}

fn exit_code(result: Result<(), CliError>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    // Where even the error cannot be written, the status still tells.
    let _ = writeln!(io::stderr(), "{}: {error}", log_sink::name());
    ExitCode::from(if error.is_usage() { 2 } else { 1 })
}

/// The first word that is no option names the command; options may stand before and behind it.
fn dispatch(mut words: Parser) -> Result<(), CliError> {
    let mut options = serve::Options::default();
    let mut is_named = false;
    loop {
        match options.read(&mut words)? {
            Next::Noted => {}
            Next::Help if is_named => return say(&serve::help()),
            Next::Help => return say(&commands::top_help()),
            Next::Version => return say(concat!("parlour ", env!("CARGO_PKG_VERSION"), "\n")),
            Next::Word(word) if is_named => {
                let word = word.to_string_lossy();
                return Err(CliError::Usage(format!("unexpected argument '{word}'")));
            }
            Next::Word(word) => match &*word.to_string_lossy() {
                "serve" => is_named = true,
                "help" => return commands::help(&mut words),
                other => return commands::run(other, &mut words, options.only_data()?),
            },
            Next::End => return serve::run(&options),
        }
    }
}

fn say(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| CliError::Failed(format!("cannot write to standard output: {error}")))
}
