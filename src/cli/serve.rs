//! # `parlour serve`

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use lexopt::{Arg, Parser, ValueExt};

use super::data::{self, DEFAULT_DATA};
use super::post::Post;
use super::{CliError, Program, exit_code, say};
use crate::chat::Files;
use crate::client::Allowed;
use crate::knowledge::Library;
use crate::reactor::driver::listeners::{Address, ListenError};
use crate::reactor::driver::{Driver, fresh_seed};
use crate::reactor::{App, Settings};
use crate::site::{self, Choices, Commands, Hall};
use crate::store::Durability;
use crate::web::made_s;

/// Where a server listens if nothing is said.
pub(super) const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

/// The options, as the help tells of them.
pub(super) const OPTIONS: &str =
    "  --listen ADDR    Where to listen: HOST:PORT, unix:PATH or systemd. May be given
                   several times; port 0 picks a free one [default: 127.0.0.1:8080]
  --data DIR       Folder for everything that is kept [default: parlour-data]
  --durability D   What a power cut may cost: 'full', nothing that was acknowledged;
                   'relaxed', the last moments, for more messages a second
                   [default: full]
  --assets DIR     Read the pages' files from there and not from the program, anew at
                   each visit: for work on them
  --webhooks-allow ADDR
                   Also send webhooks to this address or network, which is not of the
                   public internet: 127.0.0.1, 10.0.0.0/8. May be given several times
  --nano-tcp ADDR  Also serve the game protocol at /nano straight over TCP, at HOST:PORT.
                   May be given several times
  --echo           Also answer at /echo: WebSocket messages and POSTs come back as sent
";

/// The command's help.
pub(super) fn help() -> String {
    format!(
        "\
Serve until stopped

Usage: parlour [serve] [OPTIONS]

Options:
{OPTIONS}  --help           Show this help

Examples:
  parlour serve --listen 0.0.0.0:80 --listen [::]:80
  parlour serve --listen unix:/run/parlour.sock
"
    )
}

/// What `serve` was asked for.
#[derive(Debug, Default)]
pub(super) struct Options {
    listen: Vec<Address>,
    data: Option<PathBuf>,
    durability: Durability,
    echo: bool,
    nano_tcp: Vec<Address>,
    assets: Option<PathBuf>,
    webhooks_allow: Vec<Allowed>,
    /// One of those that other commands do not have.
    own: Option<&'static str>,
}

/// What came of the next word of the command line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// An option, which is noted.
    Noted,
    /// Help is asked for.
    Help,
    /// The version is asked for.
    Version,
    /// No option.
    Word(OsString),
    /// There are no more.
    End,
}

impl Options {
    /// Reads the next word.
    pub(super) fn read(&mut self, words: &mut Parser) -> Result<Next, CliError> {
        match words.next()? {
            None => return Ok(Next::End),
            Some(Arg::Long("listen")) => {
                self.own = Some("--listen");
                self.listen.push(words.value()?.parse_with(str::parse)?);
            }
            Some(Arg::Long("data")) => self.data = Some(words.value()?.into()),
            Some(Arg::Long("durability")) => {
                self.own = Some("--durability");
                let word = words.value()?;
                self.durability = match word.to_str() {
                    Some("full") => Durability::Full,
                    Some("relaxed") => Durability::Relaxed,
                    _ => {
                        let word = word.to_string_lossy();
                        let tell = format!("--durability {word}: it is 'full' or 'relaxed'");
                        return Err(CliError::Usage(tell));
                    }
                };
            }
            Some(Arg::Long("assets")) => {
                self.own = Some("--assets");
                self.assets = Some(words.value()?.into());
            }
            Some(Arg::Long("webhooks-allow")) => {
                self.own = Some("--webhooks-allow");
                self.webhooks_allow
                    .push(words.value()?.parse_with(str::parse)?);
            }
            Some(Arg::Long("nano-tcp")) => {
                self.own = Some("--nano-tcp");
                let place = words.value()?;
                let place = format!("tcp:{}", place.to_string_lossy());
                let plain = place.parse().map_err(CliError::Usage)?;
                self.nano_tcp.push(plain);
            }
            Some(Arg::Long("echo")) => {
                self.own = Some("--echo");
                self.echo = true;
            }
            Some(Arg::Short('h') | Arg::Long("help")) => return Ok(Next::Help),
            Some(Arg::Short('V') | Arg::Long("version")) => return Ok(Next::Version),
            Some(Arg::Value(word)) => return Ok(Next::Word(word)),
            Some(other) => return Err(other.unexpected().into()),
        }
        Ok(Next::Noted)
    }

    /// The folder, for another command, before which no other option may stand.
    pub(super) fn only_data(self) -> Result<Option<PathBuf>, CliError> {
        match self.own {
            None => Ok(self.data),
            Some(option) => {
                let tell = format!("'{option}' is an option of 'serve' alone");
                Err(CliError::Usage(tell))
            }
        }
    }
}

/// Serves as the options ask.
pub(super) fn run(options: &Options) -> Result<(), CliError> {
    let failed = |error: &dyn std::fmt::Display| CliError::Failed(error.to_string());
    let folder = options
        .data
        .as_deref()
        .unwrap_or_else(|| Path::new(DEFAULT_DATA));
    // Held until the end, so that no other server and no `restore` works on the same data.
    let _alone = data::alone(folder)?;
    let database = data::open(folder, options.durability)?;
    let hall = Hall::open(database, fresh_seed()).map_err(|error| failed(&error))?;
    let hall = hall
        .files(Files::beside(folder))
        .library(Library::beside(folder))
        .carrier(Post::new(&options.webhooks_allow));
    let choices = Choices {
        echo: options.echo,
        modified_s: made_s(),
        assets: options.assets.clone(),
        commands: Commands::new(),
    };
    let app = site::app(hall, choices);
    let driver = open(&options.listen, &options.nano_tcp)?;
    // Where the limit cannot be raised, fewer connections fit and the loop sheds the others.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let mut said = Ok(());
    let served = app.serve_on(driver, |addresses, _| {
        said = addresses
            .iter()
            .try_for_each(|address| say(&format!("listening on {address}\n")));
    });
    said.and_then(|()| served.map(drop).map_err(|error| failed(&error)))
}

/// Serves `app` at `addresses` until SIGTERM or SIGINT; says where once it is ready.
pub fn serve_app<A: App>(app: A, addresses: &[Address]) -> Result<(), CliError> {
    let failed = |error: &dyn std::fmt::Display| CliError::Failed(error.to_string());
    // Where the limit cannot be raised, fewer connections fit and the loop sheds the others.
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let mut driver = open(addresses, &[])?;
    driver.stop_on_signals().map_err(|error| failed(&error))?;
    for address in driver.addresses() {
        say(&format!("listening on {address}\n"))?;
    }
    driver
        .run(app, Settings::default(), fresh_seed())
        .map_err(|error| failed(&error))?;
    Ok(())
}

/// Where to listen if nothing is said.
fn default_listen() -> Result<Address, CliError> {
    DEFAULT_LISTEN.parse().map_err(CliError::Failed)
}

/// Opens the addresses; without any, what systemd handed over, or else the default. The others come
/// behind.
fn open(addresses: &[Address], others: &[Address]) -> Result<Driver, CliError> {
    let with_others = |first: &[Address]| Driver::open(&[first, others].concat());
    let opened = if addresses.is_empty() {
        match with_others(&[Address::Systemd]) {
            Err(ListenError::NoSystemd) => with_others(&[default_listen()?]),
            other => other,
        }
    } else {
        with_others(addresses)
    };
    opened.map_err(|error| CliError::Failed(error.to_string()))
}

/// Runs an example: a small server whose only option is `--listen ADDR`.
pub fn example<A: App>(name: &'static str, about: &'static str, app: A) -> ExitCode {
    match Program::new(name, about).args() {
        Ok(args) => exit_code(serve_app(app, args.listen())),
        Err(status) => status,
    }
}
