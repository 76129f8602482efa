//! # Backup: a copy of a database while others write to it
//!
//! Promises
//! 1. The copy is the database at one instant, however long copying takes and whoever writes
//!    meanwhile; they do not wait.
//! 2. The copy is one file without a log beside it, and only its owner can read it.
//! 3. Afterwards the copy is on the disk. What failed half-way is for whoever asked to remove.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{self, Path};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags};

use super::connection::{PATIENCE, Place, open_reader};
use super::error::{OpenError, StoreError};

/// Pages between two looks at how far it has come: some milliseconds.
const STEP_PAGES: i32 = 1000;

/// Copies the database at `from` to the new file `to`, and has `finish` look at the copy and add to
/// it, before it is kept. `tell` hears how many pages are done, and of how many.
///
/// ```
/// use parlour::store::{Database, backup};
///
/// let folder = tempfile::tempdir()?;
/// let [from, to] = ["notes.db", "copy.db"].map(|name| folder.path().join(name));
/// let database = Database::open(&from, &[])?;
/// database.run(|it| Ok(it.execute_batch("CREATE TABLE notes (text TEXT)")?))?;
/// backup(&from, &to, &mut |_, _| {}, |_| Ok(()))?;
/// let copy = Database::open(&to, &[])?;
/// assert!(copy.reader()?.query(|it| Ok(it.table_exists(None, "notes")?))?);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn backup<T>(
    from: impl AsRef<Path>,
    to: impl AsRef<Path>,
    tell: &mut dyn FnMut(u64, u64),
    finish: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, OpenError> {
    let (from, to) = (from.as_ref(), to.as_ref());
    let blame = |path: &Path, why| OpenError {
        path: path.to_owned(),
        why,
    };
    let source = open_source(from).map_err(|why| blame(from, why))?;
    copy(&source, to, tell, finish).map_err(|why| blame(to, why))
}

fn open_source(path: &Path) -> Result<Connection, StoreError> {
    let path = path::absolute(path).map_err(|error| StoreError::io(&error))?;
    let source = open_reader(&Place::File(path))?;
    source.busy_timeout(PATIENCE)?;
    // One look, held until the end: otherwise whatever another program writes would make the copying
    // begin anew.
    source.execute_batch("BEGIN")?;
    source.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
    Ok(source)
}

fn copy<T>(
    source: &Connection,
    to: &Path,
    tell: &mut dyn FnMut(u64, u64),
    finish: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let to = path::absolute(to).map_err(|error| StoreError::io(&error))?;
    let new = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&to);
    drop(new.map_err(|error| StoreError::io(&error))?);
    let mut copy = Connection::open_with_flags(
        &to,
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    {
        let backup = Backup::new(source, &mut copy)?;
        loop {
            let step = backup.step(STEP_PAGES)?;
            let progress = backup.progress();
            let of = u64::try_from(progress.pagecount).unwrap_or_default();
            let left = u64::try_from(progress.remaining).unwrap_or_default();
            tell(of.saturating_sub(left), of);
            match step {
                StepResult::Done => break,
                StepResult::More => {}
                // The source is held already and nobody knows of the copy.
                _ => return Err(StoreError::Locked),
            }
        }
    }
    // The copy says of itself that it has a log, as its source does: it is to be one file.
    copy.pragma_update_and_check(None, "journal_mode", "delete", |_| Ok(()))?;
    let result = finish(&copy)?;
    copy.close().map_err(|(_, error)| error)?;
    File::open(&to)
        .and_then(|file| file.sync_all())
        .map_err(|error| StoreError::io(&error))?;
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Database;

    #[test]
    fn the_copy_is_of_one_instant_whoever_writes() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from.db", "to.db"].map(|name| folder.path().join(name));
        let database = Database::open(&from, &[]).unwrap();
        let add = |database: &Database| {
            database.run(|it| {
                let sql = "INSERT INTO notes SELECT randomblob(1000) FROM (VALUES (1), (2), (3))";
                Ok(it.execute(sql, ())?)
            })
        };
        database
            .run(|it| {
                Ok(it.execute_batch(
                    "CREATE TABLE notes (text BLOB);
                     WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 12000)
                     INSERT INTO notes SELECT zeroblob(1000) FROM n",
                )?)
            })
            .unwrap();
        let mut steps = Vec::new();
        let mut tell = |done, of| {
            steps.push((done, of));
            add(&database).unwrap();
        };
        let count = |it: &Connection| {
            Ok(it.query_row("SELECT count(*) FROM notes", (), |row| row.get::<_, u32>(0))?)
        };
        assert_eq!(backup(&from, &to, &mut tell, count).unwrap(), 12_000);
        assert!(steps.len() > 2, "{steps:?}");
        let (done, of) = steps[steps.len() - 1];
        assert_eq!(done, of);
        assert!(steps.is_sorted() && steps.iter().all(|step| step.1 == of));
        let later = database.reader().unwrap().query(count).unwrap();
        assert_eq!(later as usize, 12_000 + 3 * steps.len());
        // Nothing lies beside it, and it is nobody else's.
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(to.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!folder.path().join("to.db-wal").exists());
    }

    #[test]
    fn what_is_there_is_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let [from, to] = ["from.db", "to.db"].map(|name| folder.path().join(name));
        drop(Database::open(&from, &[]).unwrap());
        std::fs::write(&to, "letters").unwrap();
        let refused = backup(&from, &to, &mut |_, _| {}, |_| Ok(())).unwrap_err();
        assert_eq!(refused.path, to);
        assert_eq!(std::fs::read(&to).unwrap(), b"letters");
        let missing = folder.path().join("missing.db");
        let refused = backup(&missing, &from, &mut |_, _| {}, |_| Ok(())).unwrap_err();
        assert_eq!(refused.path, missing);
        assert!(!missing.exists());
    }
}
