//! # Server: the program that is measured, and what the kernel says of it

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::Outcome;

/// A program that listens, until it is dropped.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: String,
}

impl Server {
    /// The chat on a folder with data.
    pub(crate) fn chat(data: &Path) -> Outcome<Self> {
        let program =
            std::env::var("PARLOUR").unwrap_or_else(|_| env!("CARGO_BIN_EXE_parlour").to_owned());
        let mut command = Command::new(program);
        command.args(["serve", "--data"]).arg(data);
        Self::start(command)
    }

    /// The broadcast example, which has no accounts, no names and no disk.
    pub(crate) fn broadcast() -> Outcome<Self> {
        let beside = Path::new(env!("CARGO_BIN_EXE_parlour")).with_file_name("examples/broadcast");
        if !beside.exists() {
            return Err(format!("{} is missing: build it first", beside.display()).into());
        }
        Self::start(Command::new(beside))
    }

    fn start(mut command: Command) -> Outcome<Self> {
        let mut child = command
            .args(["--listen", "127.0.0.1:0"])
            .stdout(Stdio::piped())
            .spawn()?;
        let words = child.stdout.take().ok_or("a server without words")?;
        let mut line = String::new();
        BufReader::new(words).read_line(&mut line)?;
        let address = line
            .trim()
            .rsplit("http://")
            .next()
            .and_then(|it| it.split_whitespace().last())
            .ok_or("the server does not say where it listens")?
            .to_owned();
        Ok(Self { child, address })
    }

    /// Waits until it has nothing to do any more, such as making findable what was said.
    pub(crate) fn settle(&self) {
        /// A bit more than a second, which is how often it looks for such work.
        const QUIET: Duration = Duration::from_millis(1200);
        const NOTHING: Duration = Duration::from_millis(5);
        let mut before = self.cpu();
        loop {
            std::thread::sleep(QUIET);
            let now = self.cpu();
            if now - before < NOTHING {
                return;
            }
            before = now;
        }
    }

    /// CPU time of all of its threads that live.
    pub(crate) fn cpu(&self) -> Duration {
        self.threads().iter().map(|(_, time)| *time).sum()
    }

    /// CPU time of the threads with this name.
    pub(crate) fn cpu_of(&self, name: &str) -> Duration {
        let threads = self.threads();
        threads
            .iter()
            .filter(|it| it.0 == name)
            .map(|it| it.1)
            .sum()
    }

    fn threads(&self) -> Vec<(String, Duration)> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let read =
            |path: &Path, file: &str| fs::read_to_string(path.join(file)).unwrap_or_default();
        tasks
            .into_iter()
            .flatten()
            .flatten()
            .map(|task| {
                let path = task.path();
                let ns = read(&path, "schedstat")
                    .split_whitespace()
                    .next()
                    .and_then(|word| word.parse().ok());
                let name = read(&path, "comm").trim().to_owned();
                (name, Duration::from_nanos(ns.unwrap_or(0)))
            })
            .collect()
    }

    /// A line of `/proc/PID/status` in KiB, such as `VmRSS` and `VmHWM`.
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
