//! # Tests of files: what is created, what is set, what is refused

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt;

use super::*;

/// Every file of a folder with its bytes.
fn contents(folder: &TempDir) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder.path()).unwrap();
    entries
        .map(|entry| {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            (name, fs::read(entry.path()).unwrap())
        })
        .collect()
}

/// A closed database with some pages.
fn written() -> TempDir {
    let Home { folder, database } = Home::new();
    database
        .run(|connection| (0..2000).try_for_each(|number| note(connection, number)))
        .unwrap();
    drop(database);
    folder
}

/// What a crash would leave: the file and a log that was not carried into it.
fn crashed() -> TempDir {
    let home = Home::new();
    home.database.run(|connection| note(connection, 1)).unwrap();
    let held = hold(&home.database);
    let folder = tempfile::tempdir().unwrap();
    for name in ["notes.db", "notes.db-wal"] {
        fs::copy(home.folder.path().join(name), folder.path().join(name)).unwrap();
    }
    drop(held);
    folder
}

#[track_caller]
fn check_refused(folder: &TempDir, sets: &[Migrations], is_expected: fn(&StoreError) -> bool) {
    let before = contents(folder);
    let error = Database::open(path(folder), sets).map(drop).unwrap_err();
    assert!(is_expected(&error.why), "{error:?}");
    let text = error.to_string();
    assert!(text.contains("notes.db: "), "{text}");
    assert!(
        contents(folder) == before,
        "a refused file was changed: {text}"
    );
}

fn damage(folder: &TempDir, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path(folder)).unwrap();
    change(&mut bytes);
    fs::write(path(folder), bytes).unwrap();
}

#[test]
fn a_new_database_is_its_owners_alone() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("deep/below/notes.db");
    let database = Database::open(&path, &[NOTES]).unwrap();
    database.run(|connection| note(connection, 1)).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(&path.with_extension("db-wal")), 0o600);
    assert_eq!(mode(path.parent().unwrap()), 0o700);
}

#[test]
fn names_that_mean_something_to_sqlite_are_files() {
    for name in [":memory:", "file:notes.db?mode=memory"] {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open(folder.path().join(name), &[NOTES]).unwrap();
        database.run(|connection| note(connection, 1)).unwrap();
        drop(database);
        assert_eq!(contents(&folder).into_keys().collect::<Vec<_>>(), [name]);
    }
}

#[test]
fn the_settings_hold() {
    let folder = tempfile::tempdir().unwrap();
    let path = path(&folder);
    let check = |durability, synchronous: i64| {
        let database = Database::open_with(&path, &[NOTES], durability).unwrap();
        for (pragma, expected) in [
            ("synchronous", synchronous),
            ("foreign_keys", 1),
            ("trusted_schema", 0),
            ("busy_timeout", 5000),
            // Another thread does it.
            ("wal_autocheckpoint", 0),
            ("journal_size_limit", 16 << 20),
        ] {
            let ask = format!("PRAGMA {pragma}");
            let found = database
                .run(move |connection| Ok(connection.query_row(&ask, (), |row| row.get(0))?));
            assert_eq!(found, Ok::<i64, _>(expected), "{pragma}");
        }
        let mode = database.run(|connection| {
            Ok(connection.query_row("PRAGMA journal_mode", (), |row| row.get(0))?)
        });
        assert_eq!(mode, Ok::<String, _>("wal".to_owned()));
        let misspelt = |connection: &Connection| {
            Ok(connection.query_row("SELECT \"mispelt\" FROM notes", (), |_| Ok(()))?)
        };
        assert!(matches!(database.run(misspelt), Err(StoreError::Sql(_))));
    };
    check(Durability::Full, 2);
    check(Durability::Relaxed, 1);
}

#[test]
fn what_a_crash_leaves_in_the_log_is_there_again() {
    let folder = crashed();
    let database = Database::open(path(&folder), &[NOTES]).unwrap();
    assert_eq!(database.run(notes), Ok(vec![1]));
    drop(database);
    assert_eq!(
        contents(&folder).into_keys().collect::<Vec<_>>(),
        ["notes.db"]
    );
}

#[test]
fn a_file_that_is_something_else_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(path(&folder), "a letter to somebody\n".repeat(500)).unwrap();
    check_refused(&folder, &[NOTES], |why| *why == StoreError::NotADatabase);
}

#[test]
fn a_damaged_file_is_refused() {
    let is_corrupt: fn(&StoreError) -> bool = |why| matches!(why, StoreError::Corrupt(_));
    let cut_short = written();
    damage(&cut_short, |bytes| bytes.truncate(bytes.len() / 2));
    check_refused(&cut_short, &[NOTES], is_corrupt);
    // The second page belongs to the notes, which nobody reads at the start.
    let overwritten = written();
    damage(&overwritten, |bytes| bytes[4096..4160].fill(0xff));
    check_refused(&overwritten, &[NOTES], is_corrupt);
}

#[test]
fn a_file_of_a_newer_program_is_refused() {
    let none = Migrations {
        steps: &[],
        ..NOTES
    };
    let is_newer: fn(&StoreError) -> bool = |why| {
        let set = "notes".to_owned();
        let (found, known) = (1, 0);
        *why == StoreError::NewerSchema { set, found, known }
    };
    check_refused(&written(), &[none], is_newer);
    // Not even the log that a crash of the newer program left is touched, but for the index that
    // SQLite makes of it.
    let folder = crashed();
    let before = contents(&folder);
    assert!(is_newer(
        &Database::open(path(&folder), &[none])
            .map(drop)
            .unwrap_err()
            .why
    ));
    let mut after = contents(&folder);
    after.remove("notes.db-shm");
    assert!(after == before);
}

#[test]
fn a_folder_that_cannot_be_made_is_told() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("file"), "").unwrap();
    let error = Database::open(folder.path().join("file/notes.db"), &[NOTES]).map(drop);
    assert!(error.unwrap_err().why.is_storage());
}
