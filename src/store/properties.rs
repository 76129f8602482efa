//! # Property: the scribe is a plain list
//!
//! A random series of jobs, in random bursts, against a `Vec` to which the same is done one after
//! the other, each change on a copy that is thrown away when the job fails.

use std::convert::Infallible;
use std::sync::mpsc;

use proptest::prelude::*;
use rusqlite::Connection;

use super::tests::{Home, note, notes};
use super::{Durability, StoreError, Tables};

/// What a job does to the notes.
#[derive(Clone, Copy, Debug)]
enum Step {
    /// Fails where the number is taken.
    Insert(i64),
    Delete(i64),
    Count,
}

#[derive(Clone, Copy, Debug)]
enum End {
    Well,
    Error,
    Panic,
}

#[derive(Clone, Debug)]
struct Job {
    steps: Vec<Step>,
    end: End,
    /// Whether the scribe is given time to commit before the next.
    waits: bool,
    /// Whether it may be done again, and so shares a savepoint.
    repeats: bool,
}

/// What a job gives: the counts that it saw.
type Counts = Vec<usize>;

fn in_store(job: &Job, connection: &Connection) -> Result<Counts, StoreError> {
    let mut counts = Vec::new();
    for step in &job.steps {
        match *step {
            Step::Insert(number) => note(connection, number)?,
            Step::Delete(number) => {
                connection.execute("DELETE FROM notes WHERE number = ?", [number])?;
            }
            Step::Count => counts.push(notes(connection)?.len()),
        }
    }
    match job.end {
        End::Well => Ok(counts),
        End::Error => Err(StoreError::app("no")),
        End::Panic => panic!("on purpose"),
    }
}

fn in_model(job: &Job, stored: &mut Vec<i64>) -> Result<Counts, &'static str> {
    let mut copy = stored.clone();
    let mut counts = Vec::new();
    for step in &job.steps {
        match *step {
            Step::Insert(number) if copy.contains(&number) => return Err("taken"),
            Step::Insert(number) => copy.push(number),
            Step::Delete(number) => copy.retain(|&other| other != number),
            Step::Count => counts.push(copy.len()),
        }
    }
    match job.end {
        End::Well => {
            *stored = copy;
            Ok(counts)
        }
        End::Error => Err("app"),
        End::Panic => Err("panic"),
    }
}

fn kind(error: &StoreError) -> &'static str {
    match error {
        error if error.is_unique() => "taken",
        StoreError::App(_) => "app",
        StoreError::Panicked(_) => "panic",
        _ => "something else",
    }
}

fn jobs() -> impl Strategy<Value = Vec<Job>> {
    let step = prop_oneof![
        4 => (0..12_i64).prop_map(Step::Insert),
        2 => (0..12_i64).prop_map(Step::Delete),
        1 => Just(Step::Count),
    ];
    let end = prop_oneof![5 => Just(End::Well), 1 => Just(End::Error), 1 => Just(End::Panic)];
    let job = (
        prop::collection::vec(step, 0..5),
        end,
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.7),
    );
    let job = job.prop_map(|(steps, end, waits, repeats)| Job {
        steps,
        end,
        waits,
        repeats,
    });
    prop::collection::vec(job, 0..60)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_scribe_is_a_plain_list(jobs in jobs()) {
        // What a power cut may take is not asked here, and a slow disk would be felt.
        let home = Home::with(Durability::Relaxed);
        let (sender, receiver) = mpsc::channel();
        let mut model = Vec::new();
        let mut expected = Vec::new();
        for (number, job) in jobs.into_iter().enumerate() {
            expected.push((number, in_model(&job, &mut model)));
            let waits = job.waits;
            let sender = sender.clone();
            let tell = move |result: Result<Counts, StoreError>| {
                let result = result.map_err(|error| kind(&error));
                sender.send((number, result)).unwrap();
            };
            if job.repeats {
                let done = move |tables: Tables<'_>| in_store(&job, &tables).map(Ok::<_, Infallible>);
                let tell = move |result: Result<Result<Counts, Infallible>, _>| {
                    tell(result.map(|Ok(counts)| counts));
                };
                home.database.submit_repeatable(done, tell).unwrap();
            } else {
                home.database.submit(move |connection| in_store(&job, connection), tell).unwrap();
            }
            if waits {
                prop_assert!(home.database.run(notes).is_ok());
            }
        }
        drop(sender);
        prop_assert_eq!(receiver.iter().collect::<Vec<_>>(), expected);
        model.sort_unstable();
        prop_assert_eq!(home.database.reader().unwrap().query(notes), Ok(model));
    }
}
