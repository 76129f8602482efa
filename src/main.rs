//! The `parlour` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    parlour::cli::run()
}
