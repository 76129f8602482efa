//! # Scribe: the one thread that writes
//!
//! Everybody's writes become one transaction, because what costs is not the writing but the disk's
//! promise at the end: a tenth of a millisecond on a good day, four on a bad one, and the same for
//! a hundred jobs as for one. Nobody waits for company: a group is what came while the last one
//! was being committed, so it grows by itself with the load and with the disk's slowness.
//!
//! ```text
//!     recv ─► begin ─► attempt … attempt ─► commit ─► finish … finish ─┐
//!      ▲                  under savepoints                             │
//!      └───────────────────────────────────────────────────────────────┘
//! ```
//!
//! A savepoint is what a job is undone by, and costs as much as its writes: SQLite keeps a copy of
//! each page that is written under it. So jobs that may be attempted again share one, or have none
//! where they are the group's first and the transaction itself can be begun anew: if one of them has
//! to be undone, which is rare, all of them are, and the others are done again.
//!
//! Promises
//! 1. Jobs are done in the order in which they were submitted, and so are their ends told.
//! 2. Whoever hears `Ok` hears it after the commit. Whoever hears an error stored nothing.
//! 3. A job that errs or panics is undone alone. If the transaction is lost (the disk is full, the
//!    commit fails), every job of its group hears why, and the scribe goes on.
//! 4. Every job that was taken ends once, also those that wait when the database is closed.
//! 5. A group that only reads writes nothing to the disk.
//! 6. Another program's lock is waited for once, not by each job anew.
//! 7. What the ends of jobs give is dropped when all of the group have been told: a bell that rings
//!    then rings once for all of them.
//!
//! Never knows: tables, the loop, what a job is for. Start reading at `Scribe::run`.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;

use super::connection::{Guard, PATIENCE};
use super::error::{Outage, StoreError};
use super::log::Log;
use super::tables::{Statements, Tables};

/// Jobs in a group: enough that the commit is a small part of the cost, few enough that the first
/// does not wait long for the last.
const GROUP_JOBS_MAX: usize = 256;

/// Rows that a group changes before it is committed without further jobs: some 25 ms of work.
const GROUP_CHANGES_MAX: u64 = 2000;

/// How long nothing comes before the log is emptied into the file. Otherwise some later commit
/// would have to, with somebody waiting.
const QUIET: Duration = Duration::from_secs(1);

/// What the end of a job gives: dropped when all of its group have been told.
pub(super) type Keepsake = Box<dyn Any + Send>;

/// A job on its way: first done, then told how it ended.
pub(super) trait Task: Send {
    /// Whether it may be attempted again after everything that it wrote was undone.
    fn is_repeatable(&self) -> bool;

    /// Does the job and keeps its result. An error says that the writes are to be undone.
    fn attempt(&mut self, tables: Tables<'_>) -> Result<(), StoreError>;

    /// Tells how the job ended, now that it is known how its group did.
    fn finish(self: Box<Self>, group: Result<(), StoreError>) -> Keepsake;
}

pub(super) struct Scribe {
    pub(super) connection: Connection,
    pub(super) guard: Guard,
    pub(super) log: Log,
    pub(super) queue: Receiver<Box<dyn Task>>,
}

impl Scribe {
    /// Works until the queue is empty and nobody can submit any more; then leaves one tidy file.
    pub(super) fn run(mut self) -> Result<(), StoreError> {
        // What migrations wrote is in the log already.
        let mut is_log_empty = false;
        loop {
            let first = if is_log_empty {
                self.queue.recv().ok()
            } else {
                match self.queue.recv_timeout(QUIET) {
                    Ok(first) => Some(first),
                    Err(RecvTimeoutError::Disconnected) => None,
                    Err(RecvTimeoutError::Timeout) => {
                        self.log.end(&self.connection);
                        // What is kept of the file is for who writes much, and has a bound; who is
                        // quiet has no use for it.
                        let _ = self.say("PRAGMA shrink_memory");
                        is_log_empty = true;
                        continue;
                    }
                }
            };
            let Some(first) = first else { break };
            let before = self.connection.total_changes();
            self.group(first);
            if self.connection.total_changes() != before {
                is_log_empty = false;
                self.wait_for_locks(PATIENCE);
                self.log.carry(&self.connection);
            }
        }
        self.log.settle();
        // A reader that is still open may keep the log from being cut, which harms nothing.
        self.wait_for_locks(Duration::ZERO);
        self.say("PRAGMA wal_checkpoint(TRUNCATE)")?;
        self.connection.close().map_err(|(_, error)| error.into())
    }

    /// Does `first` and what waits behind it in one transaction.
    pub(super) fn group(&self, first: Box<dyn Task>) {
        // Deferred: the lock is taken at the first write, and jobs that only read need none.
        if let Err(error) = self.say("BEGIN DEFERRED") {
            drop(finish(first, Err(error)));
            return;
        }
        let before = self.connection.total_changes();
        let statements = Statements::of(&self.connection);
        let mut attempted = Vec::new();
        // Where those begin that are undone together.
        let mut sharing = None;
        let mut next = Some(first);
        let mut outcome = Ok(());
        while let Some(task) = next {
            attempted.push(task);
            outcome = self.attempt_last(&mut attempted, &mut sharing, statements.tables());
            let changes = self.connection.total_changes() - before;
            let is_full = attempted.len() >= GROUP_JOBS_MAX || changes >= GROUP_CHANGES_MAX;
            next = match outcome {
                Ok(()) if !is_full => self.queue.try_recv().ok(),
                _ => None,
            };
        }
        let outcome = outcome.and_then(|()| self.say("COMMIT")).map_err(lost);
        if outcome.is_err() {
            self.abandon();
        }
        let tell = |task| finish(task, outcome.clone());
        let told: Vec<_> = attempted.into_iter().filter_map(tell).collect();
        drop(told);
    }

    /// The last of these jobs. An error says that the whole transaction is lost.
    fn attempt_last(
        &self,
        tasks: &mut [Box<dyn Task>],
        sharing: &mut Option<usize>,
        tables: Tables<'_>,
    ) -> Result<(), StoreError> {
        let Some(last) = tasks.len().checked_sub(1) else {
            return Ok(());
        };
        if !tasks[last].is_repeatable() {
            if sharing.take().is_some_and(|first| first > 0) {
                self.say("RELEASE \"the job\"")?;
            }
            return self.attempt_alone(&mut *tasks[last], tables);
        }
        if sharing.is_none() && last > 0 {
            self.say("SAVEPOINT \"the job\"")?;
        }
        let first = *sharing.get_or_insert(last);
        let before = self.connection.total_changes();
        let job = self.attempt(&mut *tasks[last], tables)?;
        if job.is_ok() || self.connection.total_changes() == before {
            return Ok(());
        }
        if first == 0 {
            self.say("ROLLBACK")?;
            self.say("BEGIN DEFERRED")?;
        } else {
            self.say("ROLLBACK TO \"the job\"")?;
            self.say("RELEASE \"the job\"")?;
        }
        *sharing = None;
        let again = &mut tasks[first..];
        again
            .iter_mut()
            .try_for_each(|task| self.attempt_alone(&mut **task, tables))
    }

    /// One job in a savepoint of its own. An error says that the whole transaction is lost.
    fn attempt_alone(&self, task: &mut dyn Task, tables: Tables<'_>) -> Result<(), StoreError> {
        self.say("SAVEPOINT \"the job\"")?;
        if self.attempt(task, tables)?.is_err() {
            self.say("ROLLBACK TO \"the job\"")?;
        }
        self.say("RELEASE \"the job\"")
    }

    /// What became of a job. An error outside says that the whole transaction is lost.
    fn attempt(
        &self,
        task: &mut dyn Task,
        tables: Tables<'_>,
    ) -> Result<Result<(), StoreError>, StoreError> {
        let job = self.guard.during(|| task.attempt(tables));
        if self.connection.is_autocommit() {
            // SQLite has rolled back everything, as it does when the disk is full.
            let unsaid = || StoreError::app("a statement rolled back");
            return Err(job.err().unwrap_or_else(unsaid));
        }
        if job == Err(StoreError::Locked) {
            // Waited for once: those behind it are not to wait as long again, each for itself.
            self.wait_for_locks(Duration::ZERO);
        }
        Ok(job)
    }

    /// Ends a transaction of which nothing is to stay, if it has not ended by itself.
    fn abandon(&self) {
        if self.connection.is_autocommit() {
            return;
        }
        if let Err(error) = self.say("ROLLBACK") {
            log::error!("the database cannot roll back: {error}");
        }
    }

    fn wait_for_locks(&self, patience: Duration) {
        if let Err(error) = self.connection.busy_timeout(patience) {
            log::error!("the database does not take a timeout: {error}");
        }
    }

    fn say(&self, sql: &str) -> Result<(), StoreError> {
        let mut statement = self.connection.prepare_cached(sql)?;
        // As a query, because a checkpoint answers with a row.
        statement.query(())?.next()?;
        Ok(())
    }
}

/// What every job of a lost group hears: the outage itself, but nobody else's broken constraint.
fn lost(why: StoreError) -> StoreError {
    if why.is_storage() || why.is_busy() {
        return why;
    }
    StoreError::Storage {
        outage: Outage::Io,
        detail: format!("all that was to be stored together was undone ({why})"),
    }
}

fn finish(task: Box<dyn Task>, group: Result<(), StoreError>) -> Option<Keepsake> {
    let told = catch_unwind(AssertUnwindSafe(|| task.finish(group)));
    if told.is_err() {
        // The panic's message is on standard error already; other jobs are not to suffer from it.
        log::error!("what was to be done after storing something panicked");
    }
    told.ok()
}
