//! # Where log lines go: standard error, one line each

use std::io::{self, Write};

use log::{LevelFilter, Log, Metadata, Record};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let level = record.level().as_str().to_ascii_lowercase();
        // A log that cannot be written must not stop what it is about.
        let _ = writeln!(io::stderr(), "parlour: {level}: {}", record.args());
    }

    fn flush(&self) {}
}

/// Has warnings and errors written to standard error. A second call changes nothing.
pub(super) fn install() {
    if log::set_logger(&Stderr).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}
