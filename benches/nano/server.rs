//! # Servers: this program as one, and the examples beside it

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::Duration;

use parlour::web::App;
use parlour::web::nano::{Component, Failure, Group, Handlers, Nano, Play};
use serde_json::json;

use crate::Outcome;

/// The component that is measured.
struct Bench {
    room: Group,
}

impl Component<()> for Bench {
    fn handlers(handlers: &mut Handlers<Self, ()>) {
        handlers
            .on("Echo", |_: &mut Self, play, words: Vec<u8>| {
                Ok(play.session().response(&words)?)
            })
            .on("Join", Self::join)
            .on("Say", |me: &mut Self, play, words: Vec<u8>| {
                Ok(me.room.broadcast(&mut play.house, "onSaid", &words)?)
            });
    }
}

impl Bench {
    fn join(&mut self, play: &mut Play<'_, ()>, _: Vec<u8>) -> Result<(), Failure> {
        self.room.add(&mut play.house, play.id)?;
        Ok(play.session().response(&json!({ "code": 0 }))?)
    }
}

/// Serves until it is ended.
pub(crate) fn serve() -> ExitCode {
    let _ = rlimit::increase_nofile_limit(u64::MAX);
    let room = Group::new("room");
    let nano = Nano::new().component("bench", Bench { room }).lower_case();
    let any = ([127, 0, 0, 1], 0).into();
    let address = parlour::reactor::driver::listeners::Address::Tcp(any);
    let app = App::new(()).nano("/nano", nano);
    let served = app.serve_at(&[address], |addresses, _| {
        println!("listening on {}", addresses[0]);
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            println!("{error}");
            ExitCode::FAILURE
        }
    }
}

/// A program that listens, until it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    pub(crate) fn nano() -> Outcome<Self> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("serve");
        Self::start(command)
    }

    pub(crate) fn example(name: &str) -> Outcome<Self> {
        let beside = Path::new(env!("CARGO_BIN_EXE_parlour")).with_file_name("examples");
        let mut command = Command::new(beside.join(name));
        command.args(["--listen", "127.0.0.1:0"]);
        Self::start(command)
    }

    fn start(mut command: Command) -> Outcome<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let words = child.stdout.take().ok_or("a server without words")?;
        let mut line = String::new();
        BufReader::new(words).read_line(&mut line)?;
        let address = line.trim().rsplit("http://").next().unwrap_or_default();
        let address = address.to_owned();
        Ok(Self { child, address })
    }

    /// CPU time of all of its threads.
    pub(crate) fn cpu(&self) -> Duration {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let ns = tasks.into_iter().flatten().flatten().map(|task| {
            let told = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            let first = told.split_whitespace().next();
            first.and_then(|word| word.parse().ok()).unwrap_or(0_u64)
        });
        Duration::from_nanos(ns.sum())
    }

    /// A line of `/proc/PID/status` in KiB.
    pub(crate) fn kib(&self, line: &str) -> Outcome<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let found = status
            .lines()
            .find_map(|it| it.strip_prefix(line)?.strip_prefix(':'));
        let number = found.and_then(|it| it.split_whitespace().next()?.parse().ok());
        number.ok_or_else(|| format!("the kernel does not say {line}").into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What cannot be ended has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
