//! # The command line
//!
//! One file per command; this one finds out which is meant. Errors of usage end with status 2 and
//! say what to do, errors of the world with status 1.

mod data;
mod log_sink;
mod program;
mod serve;

use std::fmt;
use std::io::{self, Write};
use std::process::ExitCode;

use lexopt::Parser;
use serve::Next;

pub use log_sink::log_to_stderr;
pub use program::{Args, Program};
pub use serve::{example, serve_app};

const HELP: &str = "\
parlour: chat and notifications for a small machine

Usage: parlour [COMMAND] [OPTIONS]

Commands:
  serve    Serve until stopped (the default command)
  help     Show this help

Options of serve:
  --listen ADDR    Where to listen: HOST:PORT, unix:PATH or systemd. May be given
                   several times; port 0 picks a free one [default: 127.0.0.1:8080]
  --data DIR       Folder for everything that is kept [default: parlour-data]
  --durability D   What a power cut may cost: 'full', nothing that was acknowledged;
                   'relaxed', the last moments, for more messages a second
                   [default: full]
  --echo           Also answer at /echo: WebSocket messages and POSTs come back as sent

Options:
  -h, --help       Show this help
  -V, --version    Show the version

Examples:
  parlour
  parlour serve --listen 0.0.0.0:80 --listen [::]:80
  parlour serve --listen unix:/run/parlour.sock
";

/// Why a command did not do what it should.
#[derive(Debug)]
pub enum CliError {
    /// The words are off; the text says how.
    Usage(String),
    /// The words are right, but the world is not.
    Failed(String),
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) => write!(f, "{text}\nTry '{} --help'.", log_sink::name()),
            Self::Failed(text) => f.write_str(text),
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
    exit_code(dispatch(Parser::from_env()))
}

fn exit_code(result: Result<(), CliError>) -> ExitCode {
    let Err(error) = result else {
        return ExitCode::SUCCESS;
    };
    // Where even the error cannot be written, the status still tells.
    let _ = writeln!(io::stderr(), "{}: {error}", log_sink::name());
    ExitCode::from(match error {
        CliError::Usage(_) => 2,
        CliError::Failed(_) => 1,
    })
}

/// The first word that is no option names the command; options may stand before and behind it.
fn dispatch(mut words: Parser) -> Result<(), CliError> {
    let mut options = serve::Options::default();
    let mut command: Option<String> = None;
    loop {
        match options.read(&mut words)? {
            Next::Noted => {}
            Next::Said => return Ok(()),
            Next::Word(word) if command.is_none() => {
                command = Some(word.to_string_lossy().into_owned());
            }
            Next::Word(word) => {
                let word = word.to_string_lossy();
                return Err(CliError::Usage(format!("unexpected argument '{word}'")));
            }
            Next::End => break,
        }
    }
    match command.as_deref() {
        None | Some("serve") => serve::run(&options),
        Some("help") => say(HELP),
        Some(other) => Err(CliError::Usage(format!("there is no command '{other}'"))),
    }
}

fn say(text: &str) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    written.map_err(|error| CliError::Failed(format!("cannot write to standard output: {error}")))
}
