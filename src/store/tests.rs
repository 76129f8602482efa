//! # Tests of the whole room: jobs, groups and readers
//!
//! Most of them hold the scribe in a job until everything that is to share its group waits.

mod files;
mod migrations;

use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use std::{fs, thread};

use rusqlite::{Connection, StatementStatus};
use tempfile::TempDir;

use super::database::WAITING_MAX;
use super::*;

pub(super) const NOTES: Migrations = Migrations {
    set: "notes",
    steps: &[Migration {
        name: "notes",
        sql: "CREATE TABLE notes (number INTEGER PRIMARY KEY, text TEXT NOT NULL) STRICT",
    }],
};

/// A database in a folder of its own.
pub(super) struct Home {
    folder: TempDir,
    pub(super) database: Database,
}

impl Home {
    pub(super) fn new() -> Self {
        Self::with(Durability::Full)
    }

    pub(super) fn with(durability: Durability) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database = Database::open_with(path(&folder), &[NOTES], durability).unwrap();
        Self { folder, database }
    }

    fn path(&self) -> PathBuf {
        path(&self.folder)
    }

    /// The numbers of all notes, as a reader sees them.
    fn notes(&self) -> Vec<i64> {
        self.database.reader().unwrap().query(notes).unwrap()
    }
}

fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("notes.db")
}

pub(super) fn notes(connection: &Connection) -> Result<Vec<i64>, StoreError> {
    let mut notes = connection.prepare_cached("SELECT number FROM notes ORDER BY number")?;
    let numbers = notes.query_map((), |row| row.get(0))?;
    Ok(numbers.collect::<Result<_, _>>()?)
}

pub(super) fn note(connection: &Connection, number: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO notes (number, text) VALUES (?, 'a note')";
    connection.prepare_cached(sql)?.execute([number])?;
    Ok(())
}

/// Says how jobs ended, in the order in which that was told.
struct Ends {
    sender: Sender<(usize, Result<(), StoreError>)>,
    receiver: Receiver<(usize, Result<(), StoreError>)>,
    submitted: usize,
}

impl Ends {
    fn new() -> Self {
        let (sender, receiver) = mpsc::channel();
        Self {
            sender,
            receiver,
            submitted: 0,
        }
    }

    fn submit<J>(&mut self, database: &Database, job: J)
    where
        J: FnOnce(&Connection) -> Result<(), StoreError> + Send + 'static,
    {
        let (sender, number) = (self.sender.clone(), self.submitted);
        let tell = move |result| drop(sender.send((number, result)));
        database.submit(job, tell).unwrap();
        self.submitted += 1;
    }

    /// Waits for all; checks that each was told once and in order.
    fn wait(self) -> Vec<Result<(), StoreError>> {
        drop(self.sender);
        // Ends when the last job is gone with its sender.
        let ends: Vec<_> = self.receiver.iter().collect();
        let numbers: Vec<usize> = ends.iter().map(|(number, _)| *number).collect();
        assert_eq!(numbers, (0..self.submitted).collect::<Vec<_>>());
        ends.into_iter().map(|(_, result)| result).collect()
    }
}

/// Has the scribe wait in a job until the sender is dropped: what is submitted meanwhile shares
/// that job's group.
fn hold(database: &Database) -> Sender<()> {
    let (release, released) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    let job = move |_: &Connection| {
        begin.send(()).unwrap();
        let _ = released.recv();
        Ok(())
    };
    database.submit(job, drop).unwrap();
    begun.recv().unwrap();
    release
}

/// The log's salt, which changes when the log begins anew, and its frames that end a commit.
fn log(path: &Path) -> (Vec<u8>, usize) {
    let bytes = fs::read(path.with_extension("db-wal")).unwrap();
    let Some((header, frames)) = bytes.split_at_checked(32) else {
        return (Vec::new(), 0);
    };
    let salt = &header[16..24];
    let page_bytes = u32::from_be_bytes(header[8..12].try_into().unwrap()) as usize;
    let is_commit = |frame: &&[u8]| &frame[8..16] == salt && frame[4..8] != [0; 4];
    let commits = frames.chunks_exact(24 + page_bytes).filter(is_commit);
    (salt.to_owned(), commits.count())
}

/// How many commits `work` writes, which may assume a scribe that is held.
fn commits(path: &Path, work: impl FnOnce()) -> usize {
    let (salt, before) = log(path);
    work();
    let (salt_after, after) = log(path);
    after - if salt_after == salt { before } else { 0 }
}

fn is_storage(result: &Result<(), StoreError>) -> bool {
    result.as_ref().is_err_and(StoreError::is_storage)
}

// ------------------------------------------------------------------------------ groups and jobs

#[test]
fn what_waits_together_is_one_commit() {
    let home = Home::new();
    let check = |jobs: i64, expected: usize| {
        let held = hold(&home.database);
        let mut ends = Ends::new();
        let commits = commits(&home.path(), || {
            let start = home.notes().len() as i64;
            for number in start..start + jobs {
                ends.submit(&home.database, move |connection| note(connection, number));
            }
            drop(held);
            assert!(ends.wait().iter().all(Result::is_ok));
        });
        assert_eq!(commits, expected, "{jobs} jobs");
    };
    check(1, 1);
    check(100, 1);
    // The job that holds the scribe is of the group.
    check(255, 1);
    check(256, 2);
    check(600, 3);
    assert_eq!(home.notes(), (0..1212).collect::<Vec<_>>());
}

#[test]
fn a_group_that_has_changed_much_is_committed_before_it_is_full() {
    let home = Home::new();
    let held = hold(&home.database);
    let mut ends = Ends::new();
    let commits = commits(&home.path(), || {
        for round in 0..4 {
            ends.submit(&home.database, move |connection| {
                (0..1000).try_for_each(|at| note(connection, round * 1000 + at))
            });
        }
        drop(held);
        assert!(ends.wait().iter().all(Result::is_ok));
    });
    assert_eq!(commits, 2);
}

#[test]
fn jobs_that_only_read_write_nothing() {
    let home = Home::new();
    home.database.run(|connection| note(connection, 7)).unwrap();
    let held = hold(&home.database);
    let before = fs::read(home.path().with_extension("db-wal")).unwrap();
    let mut ends = Ends::new();
    for _ in 0..10 {
        ends.submit(&home.database, |connection| {
            assert_eq!(notes(connection)?, [7]);
            Ok(())
        });
    }
    drop(held);
    assert_eq!(ends.wait(), vec![Ok(()); 10]);
    assert_eq!(
        fs::read(home.path().with_extension("db-wal")).unwrap(),
        before
    );
}

#[test]
fn a_job_that_fails_or_panics_is_undone_alone() {
    let home = Home::new();
    let held = hold(&home.database);
    let mut ends = Ends::new();
    let database = &home.database;
    ends.submit(database, |connection| note(connection, 1));
    ends.submit(database, |connection| {
        note(connection, 2)?;
        Err(StoreError::app("no"))
    });
    ends.submit(database, |connection| {
        note(connection, 3)?;
        panic!("on purpose");
    });
    ends.submit(database, |connection| {
        note(connection, 4)?;
        note(connection, 1)
    });
    // Nothing of those before is left to stumble over.
    ends.submit(database, |connection| {
        assert_eq!(notes(connection)?, [1]);
        (2..5).try_for_each(|number| note(connection, number))
    });
    drop(held);
    let [first, no, panic, taken, last]: [_; 5] = ends.wait().try_into().unwrap();
    assert_eq!((first, last), (Ok(()), Ok(())));
    assert_eq!(no, Err(StoreError::app("no")));
    assert_eq!(panic, Err(StoreError::Panicked("on purpose".to_owned())));
    assert!(taken.unwrap_err().is_unique());
    assert_eq!(home.notes(), [1, 2, 3, 4]);
}

/// Has jobs that may be done again store numbers as one group, behind a job that may not or as its
/// first.
fn share(is_behind_another: bool) {
    let (database, hand) = Database::by_hand(&[NOTES]).unwrap();
    let (sender, ends) = mpsc::channel();
    let tries = Arc::new(Mutex::new(Vec::new()));
    // A number that is written before the job changes its mind, or after.
    let submit = |number: i64, refuses: bool, writes: bool| {
        let (sender, tries) = (sender.clone(), Arc::clone(&tries));
        let job = move |tables: Tables<'_>| {
            tries.lock().unwrap().push(number);
            if writes {
                note(&tables, number)?;
            }
            Ok(if refuses { Err("no") } else { Ok(()) })
        };
        let tell = move |end| sender.send((number, end)).unwrap();
        database.submit_repeatable(job, tell).unwrap();
    };
    if is_behind_another {
        database.submit(|tables| note(tables, 9), drop).unwrap();
    }
    submit(1, false, true);
    // It has written nothing, so there is nothing to undo.
    submit(2, true, false);
    submit(3, false, true);
    submit(4, true, true);
    submit(5, false, true);
    submit(6, true, true);
    submit(7, false, true);
    assert!(hand.group());
    let no = || Ok(Err("no"));
    let told: Vec<_> = ends.try_iter().collect();
    let expected = [
        (1, Ok(Ok(()))),
        (2, no()),
        (3, Ok(Ok(()))),
        (4, no()),
        (5, Ok(Ok(()))),
        (6, no()),
        (7, Ok(Ok(()))),
    ];
    assert_eq!(told, expected);
    assert_eq!(
        *tries.lock().unwrap(),
        [1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 5, 6, 7]
    );
    let mut stored = vec![1, 3, 5, 7];
    stored.extend(is_behind_another.then_some(9));
    assert_eq!(database.reader().unwrap().query(notes), Ok(stored));
}

#[test]
fn jobs_that_share_a_savepoint_are_done_again_when_one_of_them_is_undone() {
    share(true);
}

#[test]
fn jobs_that_share_the_transaction_are_done_again_when_one_of_them_is_undone() {
    share(false);
}

#[test]
fn what_is_done_at_the_end_may_panic() {
    let home = Home::new();
    let held = hold(&home.database);
    home.database
        .submit(|connection| note(connection, 1), |_| panic!("on purpose"))
        .unwrap();
    let mut ends = Ends::new();
    ends.submit(&home.database, |connection| note(connection, 2));
    drop(held);
    assert_eq!(ends.wait(), [Ok(())]);
    assert_eq!(home.notes(), [1, 2]);
}

#[test]
fn what_the_ends_give_is_dropped_when_all_of_the_group_were_told() {
    struct Bell(Sender<&'static str>);
    impl Drop for Bell {
        fn drop(&mut self) {
            self.0.send("rung").unwrap();
        }
    }
    let home = Home::new();
    let (sender, said) = mpsc::channel();
    let held = hold(&home.database);
    for number in 1..=3 {
        let sender = sender.clone();
        let told = move |_| {
            sender.send("told").unwrap();
            Bell(sender)
        };
        let job = move |connection: &Connection| note(connection, number);
        home.database.submit(job, told).unwrap();
    }
    drop((held, sender));
    let all = ["told", "told", "told", "rung", "rung", "rung"];
    assert!(said.iter().eq(all));
}

#[test]
fn a_job_cannot_leave_its_transaction() {
    let home = Home::new();
    for sql in [
        "COMMIT",
        "END",
        "ROLLBACK",
        "BEGIN",
        "SAVEPOINT \"the job\"",
        "RELEASE \"the job\"",
        "ROLLBACK TO \"the job\"",
        "ATTACH ':memory:' AS other",
        "PRAGMA Defer_Foreign_Keys = 1",
    ] {
        let held = hold(&home.database);
        let mut ends = Ends::new();
        ends.submit(&home.database, |connection| note(connection, 1));
        ends.submit(&home.database, |connection| {
            note(connection, 2)?;
            Ok(connection.execute_batch(sql)?)
        });
        ends.submit(&home.database, |connection| note(connection, 3));
        drop(held);
        let results = ends.wait();
        assert!(
            matches!(results[1], Err(StoreError::Sql(_))),
            "{sql}: {results:?}"
        );
        assert_eq!((&results[0], &results[2]), (&Ok(()), &Ok(())), "{sql}");
        assert_eq!(home.notes(), [1, 3], "{sql}");
        let clear = |connection: &Connection| Ok(connection.execute("DELETE FROM notes", ())?);
        home.database.run(clear).unwrap();
    }
}

#[test]
fn a_job_may_have_savepoints_of_its_own() {
    let home = Home::new();
    let job = |connection: &Connection| {
        note(connection, 1)?;
        connection.execute_batch("SAVEPOINT mine")?;
        note(connection, 2)?;
        connection.execute_batch("ROLLBACK TO mine; SAVEPOINT left_open")?;
        note(connection, 3)
    };
    home.database.run(job).unwrap();
    assert_eq!(home.notes(), [1, 3]);
}

// ------------------------------------------------------------------------- when nothing is stored

/// Room for a few pages more than there are.
fn shrink_disk(connection: &Connection) -> Result<(), StoreError> {
    let pages: i64 = connection.query_row("PRAGMA page_count", (), |row| row.get(0))?;
    let limit = format!("PRAGMA max_page_count = {}", pages + 3);
    Ok(connection.query_row(&limit, (), |_| Ok(()))?)
}

fn huge_note(connection: &Connection, number: i64) -> Result<(), StoreError> {
    let sql = "INSERT INTO notes VALUES (?, printf('%.*c', 100000, 'x'))";
    connection.execute(sql, [number])?;
    Ok(())
}

#[test]
fn a_full_disk_fails_the_group_and_what_comes_later_is_stored() {
    let home = Home::new();
    home.database.run(shrink_disk).unwrap();
    let held = hold(&home.database);
    let mut ends = Ends::new();
    ends.submit(&home.database, |connection| note(connection, 1));
    ends.submit(&home.database, |connection| huge_note(connection, 2));
    ends.submit(&home.database, |connection| note(connection, 3));
    drop(held);
    let results = ends.wait();
    for result in &results[..2] {
        let Err(StoreError::Storage { outage, .. }) = result else {
            panic!("{results:?}");
        };
        assert_eq!(*outage, Outage::DiskFull);
    }
    assert_eq!(results[2], Ok(()));
    assert_eq!(home.notes(), [3]);

    let make_room = |connection: &Connection| {
        Ok(connection.query_row("PRAGMA max_page_count = 1000000", (), |_| Ok(()))?)
    };
    home.database.run(make_room).unwrap();
    home.database
        .run(|connection| huge_note(connection, 2))
        .unwrap();
    assert_eq!(home.notes(), [2, 3]);
}

#[test]
fn a_job_that_overlooks_a_full_disk_stores_nothing_either() {
    let home = Home::new();
    home.database.run(shrink_disk).unwrap();
    let stubborn = |connection: &Connection| {
        assert!(huge_note(connection, 1).is_err());
        // SQLite has ended the transaction, so this would be committed on its own.
        assert!(note(connection, 2).is_err());
        Ok(())
    };
    assert!(is_storage(&home.database.run(stubborn)));
    assert_eq!(home.notes(), [0_i64; 0]);
}

#[test]
fn a_commit_that_fails_fails_the_whole_group() {
    let home = Home::new();
    // A key that is judged at the commit: the way to make a commit fail without a broken disk.
    home.database
        .run(|connection| {
            Ok(connection.execute_batch(
                "CREATE TABLE replies (
                     note INTEGER REFERENCES notes DEFERRABLE INITIALLY DEFERRED
                 ) STRICT",
            )?)
        })
        .unwrap();
    let held = hold(&home.database);
    let mut ends = Ends::new();
    ends.submit(&home.database, |connection| note(connection, 1));
    ends.submit(&home.database, |connection| {
        connection.execute("INSERT INTO replies VALUES (7)", ())?;
        Ok(())
    });
    ends.submit(&home.database, |_| Err(StoreError::app("its own reason")));
    drop(held);
    let results = ends.wait();
    assert!(results[..2].iter().all(is_storage), "{results:?}");
    assert_eq!(results[2], Err(StoreError::app("its own reason")));
    assert_eq!(home.notes(), [0_i64; 0]);
    home.database.run(|connection| note(connection, 1)).unwrap();
    assert_eq!(home.notes(), [1]);
}

#[test]
fn a_statement_that_rolls_back_everything_fails_the_group_and_is_told_to_its_job() {
    let home = Home::new();
    let held = hold(&home.database);
    let mut ends = Ends::new();
    ends.submit(&home.database, |connection| note(connection, 1));
    ends.submit(&home.database, |connection| {
        connection.execute("INSERT OR ROLLBACK INTO notes VALUES (1, '')", ())?;
        Ok(())
    });
    ends.submit(&home.database, |connection| note(connection, 2));
    drop(held);
    let results = ends.wait();
    assert!(is_storage(&results[0]), "{results:?}");
    assert!(results[1].as_ref().is_err_and(StoreError::is_unique));
    assert_eq!(results[2], Ok(()));
    assert_eq!(home.notes(), [2]);
}

#[test]
fn a_database_that_may_not_be_written_fails_writes_and_answers_reads() {
    let home = Home::new();
    let forbid = |connection: &Connection| {
        connection.pragma_update(None, "query_only", true)?;
        Ok(())
    };
    home.database.run(forbid).unwrap();
    let Err(StoreError::Storage { outage, .. }) =
        home.database.run(|connection| note(connection, 1))
    else {
        panic!("a note was stored");
    };
    assert_eq!(outage, Outage::ReadOnly);
    assert_eq!(home.database.run(notes), Ok(vec![]));
}

#[test]
fn a_lock_of_another_program_is_told_and_waited_for_once() {
    let home = Home::new();
    let patience = || {
        let ask = |connection: &Connection| {
            Ok(connection.query_row("PRAGMA busy_timeout", (), |row| row.get::<_, i64>(0))?)
        };
        home.database.run(ask).unwrap()
    };
    assert_eq!(patience(), 5000);
    let other = Connection::open(home.path()).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let impatient = |connection: &Connection| {
        connection.busy_timeout(Duration::from_millis(1))?;
        note(connection, 1)
    };
    assert_eq!(home.database.run(impatient), Err(StoreError::Locked));
    assert_eq!(patience(), 0);
    other.execute_batch("ROLLBACK").unwrap();
    home.database.run(|connection| note(connection, 1)).unwrap();
    assert_eq!(home.notes(), [1]);
    assert_eq!(patience(), 5000);
}

// ------------------------------------------------------------------------------ the queue, the end

#[test]
fn a_full_queue_refuses_at_once_and_drops_what_it_refuses() {
    let home = Home::new();
    let held = hold(&home.database);
    let mut ends = Ends::new();
    for number in 0..WAITING_MAX as i64 {
        ends.submit(&home.database, move |connection| note(connection, number));
    }
    let (in_job, in_end) = (Arc::new(()), Arc::new(()));
    let called = Arc::new(Mutex::new(false));
    let refused = {
        let (in_job, in_end) = (Arc::clone(&in_job), Arc::clone(&in_end));
        let (by_job, by_end) = (Arc::clone(&called), Arc::clone(&called));
        home.database.submit(
            move |_| {
                *by_job.lock().unwrap() = true;
                drop(in_job);
                Ok(())
            },
            move |_| {
                *by_end.lock().unwrap() = true;
                drop(in_end);
            },
        )
    };
    assert_eq!(refused, Err(StoreError::Busy));
    assert_eq!(Arc::strong_count(&in_job), 1);
    assert_eq!(Arc::strong_count(&in_end), 1);
    drop(held);
    assert!(ends.wait().iter().all(Result::is_ok));
    assert!(!*called.lock().unwrap());
    home.database
        .run(|connection| note(connection, -1))
        .unwrap();
    assert_eq!(home.notes().len(), WAITING_MAX + 1);
}

#[test]
fn what_waits_when_the_database_is_closed_is_stored() {
    let home = Home::new();
    let held = hold(&home.database);
    let mut ends = Ends::new();
    for number in 0..300 {
        ends.submit(&home.database, move |connection| note(connection, number));
    }
    thread::scope(|scope| {
        let closing = scope.spawn(|| home.database.close());
        while home.database.submit(|_| Ok(()), drop) != Err(StoreError::Closed) {
            thread::yield_now();
        }
        drop(held);
        assert_eq!(closing.join().unwrap(), Ok(()));
    });
    assert_eq!(ends.wait(), vec![Ok(()); 300]);
    let database = Database::open(home.path(), &[NOTES]).unwrap();
    assert_eq!(database.run(notes).unwrap(), (0..300).collect::<Vec<_>>());
}

#[test]
fn the_last_handle_waits_for_what_was_submitted_and_leaves_one_file() {
    let Home { folder, database } = Home::new();
    let mut ends = Ends::new();
    let other = database.clone();
    for number in 0..100 {
        ends.submit(&other, move |connection| note(connection, number));
    }
    drop(database);
    drop(other);
    // Nothing is left to wait for.
    assert_eq!(ends.receiver.try_iter().count(), 100);
    let names: Vec<_> = fs::read_dir(folder.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .collect();
    assert_eq!(names, ["notes.db"]);
}

#[test]
fn the_end_empties_the_log_also_under_a_reader() {
    let home = Home::new();
    let reader = home.database.reader().unwrap();
    home.database.run(|connection| note(connection, 1)).unwrap();
    assert_eq!(home.database.close(), Ok(()));
    let log = fs::metadata(home.path().with_extension("db-wal")).unwrap();
    assert_eq!(log.len(), 0);
    assert_eq!(reader.query(notes), Ok(vec![1]));
}

#[test]
fn a_quiet_scribe_carries_the_log_into_the_file() {
    let home = Home::new();
    home.database
        .run(|connection| huge_note(connection, 1))
        .unwrap();
    // Asked by its length: opening the file here and closing it would drop SQLite's locks.
    let is_carried = || fs::metadata(home.path()).unwrap().len() > 100_000;
    let (_sender, pause) = mpsc::channel::<()>();
    for _ in 0..1000 {
        if is_carried() {
            break;
        }
        let _ = pause.recv_timeout(Duration::from_millis(20));
    }
    assert!(is_carried());
}

#[test]
fn a_closed_database_says_so_to_every_handle() {
    let home = Home::new();
    let other = home.database.clone();
    assert_eq!(home.database.close(), Ok(()));
    assert_eq!(home.database.close(), Ok(()));
    assert_eq!(other.run(notes), Err(StoreError::Closed));
    assert_eq!(other.submit(notes, drop), Err(StoreError::Closed));
    assert!(
        other
            .reader()
            .is_err_and(|error| error == StoreError::Closed)
    );
}

#[test]
fn the_last_handle_may_go_on_the_scribes_own_thread() {
    let Home { folder, database } = Home::new();
    let held = hold(&database);
    let (sender, receiver) = mpsc::channel();
    let last = database.clone();
    database
        .submit(
            |connection| note(connection, 1),
            move |stored| {
                assert_eq!(last.close(), Ok(()));
                drop(last);
                sender.send(stored).unwrap();
            },
        )
        .unwrap();
    drop(database.clone());
    // Goes without waiting, because another handle is left.
    drop(database);
    drop(held);
    assert_eq!(receiver.recv(), Ok(Ok(())));
    let again = Database::open(path(&folder), &[NOTES]).unwrap();
    assert_eq!(again.run(notes).unwrap(), [1]);
}

#[test]
fn a_job_that_waits_for_another_is_stopped() {
    let home = Home::new();
    let inner = home.database.clone();
    let result = home.database.run(move |_| inner.run(notes));
    assert!(matches!(result, Err(StoreError::Panicked(_))), "{result:?}");
}

// ---------------------------------------------------------------------------------------- readers

#[test]
fn a_reader_sees_what_is_stored_when_that_is_told() {
    let home = Home::new();
    let reader = home.database.reader().unwrap();
    for number in 0..200 {
        home.database
            .run(move |connection| note(connection, number))
            .unwrap();
        assert_eq!(reader.query(notes).unwrap().len() as i64, number + 1);
    }
}

#[test]
fn a_query_sees_one_state_and_keeps_none() {
    let home = Home::new();
    let reader = home.database.reader().unwrap();
    let seen = reader.query(|connection| {
        let before = notes(connection)?;
        home.database.run(|connection| note(connection, 1))?;
        let within = reader.query(notes)?;
        Ok((before, within, notes(connection)?))
    });
    assert_eq!(seen, Ok((vec![], vec![], vec![])));
    assert_eq!(reader.query(notes), Ok(vec![1]));

    let failed = reader.query(|connection| {
        notes(connection)?;
        Err::<(), _>(StoreError::app("no"))
    });
    assert_eq!(failed, Err(StoreError::app("no")));
    let panic = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = reader.query(|connection| -> Result<(), StoreError> {
            notes(connection)?;
            panic!("on purpose")
        });
    }));
    assert!(panic.is_err());
    home.database.run(|connection| note(connection, 2)).unwrap();
    assert_eq!(reader.query(notes), Ok(vec![1, 2]));
}

#[test]
fn a_reader_does_not_wait_for_the_scribe_and_cannot_write() {
    let home = Home::new();
    let reader = home.database.reader().unwrap();
    let (begin, begun) = mpsc::channel();
    let (release, released) = mpsc::channel::<()>();
    let writes = move |connection: &Connection| {
        note(connection, 1)?;
        begin.send(()).unwrap();
        let _ = released.recv();
        Ok(())
    };
    let mut ends = Ends::new();
    ends.submit(&home.database, writes);
    begun.recv().unwrap();
    assert_eq!(reader.query(notes), Ok(vec![]));
    assert!(is_storage(&reader.query(|connection| note(connection, 2))));
    drop(release);
    assert_eq!(ends.wait(), [Ok(())]);
    assert_eq!(reader.query(notes), Ok(vec![1]));
}

#[test]
fn handles_go_from_thread_to_thread() {
    const fn shared<T: Send + Sync + Clone>() {}
    const fn moved<T: Send>() {}
    const { shared::<Database>() };
    const { moved::<Reader>() };
}

#[test]
fn databases_in_memory_are_shared_by_their_handles_only() {
    let one = Database::in_memory(&[NOTES]).unwrap();
    let other = Database::in_memory(&[NOTES]).unwrap();
    one.run(|connection| note(connection, 1)).unwrap();
    let handle = one.clone();
    assert_eq!(handle.reader().unwrap().query(notes), Ok(vec![1]));
    assert_eq!(one.run(notes), Ok(vec![1]));
    assert_eq!(other.reader().unwrap().query(notes), Ok(vec![]));
}

#[test]
fn a_statement_is_prepared_once_whatever_its_values() {
    let database = Database::in_memory(&[NOTES]).unwrap();
    let reader = database.reader().unwrap();
    let count = |connection: &Connection| {
        let sql = "SELECT number FROM notes WHERE text = ? ORDER BY number";
        let mut select = connection.prepare_cached(sql)?;
        for text in ["a", "b"] {
            select.query([text])?.next()?;
        }
        Ok(select.get_status(StatementStatus::RePrepare))
    };
    let prepared_again: Vec<_> = (0..3).map(|_| reader.query(count)).collect();
    assert_eq!(prepared_again, [Ok(0), Ok(0), Ok(0)]);
    let prepared_again: Vec<_> = (0..3).map(|_| database.run(count)).collect();
    assert_eq!(prepared_again, [Ok(0), Ok(0), Ok(0)]);
}
