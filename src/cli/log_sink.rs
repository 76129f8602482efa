//! # Where log lines go: standard error, one line each
//!
//! A line is written at once, because every piece of it would be a call of the system's, and what
//! others write there at the same time would come between the pieces.

use std::fmt::Arguments;
use std::io::{self, Write};
use std::sync::OnceLock;

use log::{Level, LevelFilter, Log, Metadata, Record};

/// Whose lines they are.
static NAME: OnceLock<&str> = OnceLock::new();

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        write_line(&mut io::stderr(), record.level(), record.args());
    }

    fn flush(&self) {}
}

fn write_line(out: &mut impl Write, level: Level, words: &Arguments<'_>) {
    let level = match level {
        Level::Error => "error",
        Level::Warn => "warn",
        Level::Info => "info",
        Level::Debug => "debug",
        Level::Trace => "trace",
    };
    let line = format!("{}: {level}: {words}\n", name());
    // A log that cannot be written must not stop what it is about.
    let _ = out.write_all(line.as_bytes());
}

/// What the program is called.
pub(super) fn name() -> &'static str {
    NAME.get().copied().unwrap_or("parlour")
}

/// Has what is logged written to standard error, a line each, behind the program's name. A second
/// call changes nothing. [`Program`](super::Program) does this by itself.
pub fn log_to_stderr(name: &'static str) {
    // The first name stays.
    let _ = NAME.set(name);
    if log::set_logger(&Stderr).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Keeps each write apart.
    #[derive(Default)]
    struct Writes(Vec<Vec<u8>>);

    impl Write for Writes {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.push(bytes.to_vec());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_write() {
        let mut writes = Writes::default();
        let (who, status) = ("127.0.0.1", 200);
        write_line(
            &mut writes,
            Level::Info,
            &format_args!("{who} GET / {status}"),
        );
        write_line(&mut writes, Level::Error, &format_args!("{}", "no"));
        let lines: [&[u8]; 2] = [
            b"parlour: info: 127.0.0.1 GET / 200\n",
            b"parlour: error: no\n",
        ];
        assert_eq!(writes.0, lines);
    }
}
