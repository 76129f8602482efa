//! # The data folder, as commands open it

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::CliError;
use crate::chat;
use crate::reactor::driver::fresh_seed;
use crate::store::{Database, Durability};

/// The folder for everything that is kept, if nothing is said.
pub(super) const DEFAULT_DATA: &str = "parlour-data";

/// The file that whoever needs the data alone has locked.
const LOCK: &str = "server.lock";

/// Opens the chat's database in a folder, and makes both if they are not there.
pub(super) fn open(folder: &Path, durability: Durability) -> Result<Database, CliError> {
    make(folder)?;
    chat::open(folder, durability, &fresh_epoch(), now_ms())
        .map_err(|error| CliError::Failed(error.to_string()))
}

/// What a new or restored database is called.
pub(super) fn fresh_epoch() -> String {
    format!("{:016x}", fresh_seed())
}

/// Bytes that are different each time; no secrets.
pub(super) fn random() -> [u8; 16] {
    let mut bytes = [0; 16];
    bytes[..8].copy_from_slice(&fresh_seed().to_le_bytes());
    bytes[8..].copy_from_slice(&fresh_seed().to_le_bytes());
    bytes
}

/// Keeps others, a server above all, from working on a folder's data as long as the file is open.
pub(super) fn alone(folder: &Path) -> Result<File, CliError> {
    make(folder)?;
    let failed = |error: &dyn std::fmt::Display| {
        let folder = folder.display();
        CliError::Failed(format!(
            "--data {folder}: cannot lock {LOCK} there: {error}"
        ))
    };
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(folder.join(LOCK))
        .map_err(|error| failed(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let folder = folder.display();
            Err(CliError::Failed(format!(
                "--data {folder}: a server is running on this data: stop it first, or name another \
                 folder"
            )))
        }
        Err(TryLockError::Error(error)) => Err(failed(&error)),
    }
}

fn make(folder: &Path) -> Result<(), CliError> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| {
        let folder = folder.display();
        CliError::Failed(format!("--data {folder}: cannot make this folder: {error}"))
    })
}

/// Milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "a command is at the edge: what it wants is wanted now"
)]
pub(super) fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
