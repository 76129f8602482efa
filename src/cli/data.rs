//! # The data folder, as commands open it

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::CliError;
use crate::chat;
use crate::reactor::driver::fresh_seed;
use crate::store::{Database, Durability};

/// Opens the chat's database in a folder, and makes both if they are not there.
pub(super) fn open(folder: &Path, durability: Durability) -> Result<Database, CliError> {
    std::fs::create_dir_all(folder).map_err(|error| {
        let folder = folder.display();
        CliError::Failed(format!("--data {folder}: cannot make this folder: {error}"))
    })?;
    let epoch = format!("{:016x}", fresh_seed());
    chat::open(folder, durability, &epoch, now_ms())
        .map_err(|error| CliError::Failed(error.to_string()))
}

/// Milliseconds since 1970.
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
