//! # stub

use super::command::Command;

pub(super) const COMMANDS: &[Command] = &[];
