//! # Database: the handle that everybody has
//!
//! Hands jobs to the scribe and opens readers.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{self, Path};
use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{self, JoinHandle, ThreadId};

use rusqlite::Connection;

use super::Durability;
use super::connection::{self, Place};
use super::error::{OpenError, StoreError};
use super::log::{DUE_PAGES, DUE_PAGES_BEHIND, Log};
use super::migration::{self, Migrations};
use super::reader::Reader;
use super::scribe::{Keepsake, Scribe, Task};
use super::tables::Tables;

/// Jobs that may wait: a second's worth on a slow disk. Beyond that a wait would help nobody.
pub(super) const WAITING_MAX: usize = 1024;

/// A database and its scribe, the one thread that writes.
///
/// A handle is cheap to clone, and everybody may have one. Whoever drops the last one, or
/// [closes](Self::close) any, waits until what was submitted is stored. A new file, and the folders
/// made for it, can be read by its owner alone.
///
/// ```
/// use parlour::store::{Database, Migration, Migrations};
///
/// const NOTES: Migrations = Migrations {
///     set: "notes",
///     steps: &[Migration {
///         name: "notes",
///         sql: "CREATE TABLE notes (text TEXT NOT NULL) STRICT",
///     }],
/// };
///
/// let database = Database::in_memory(&[NOTES])?;
/// let (sender, receiver) = std::sync::mpsc::channel();
/// database.submit(
///     |connection| Ok(connection.execute("INSERT INTO notes VALUES ('milk')", ())?),
///     move |stored| drop(sender.send(stored)), // on the scribe's thread: wake the loop here
/// )?;
/// assert_eq!(receiver.recv()?, Ok(1));
///
/// let count: i64 = database.reader()?.query(|connection| {
///     Ok(connection.query_row("SELECT count(*) FROM notes", (), |row| row.get(0))?)
/// })?;
/// assert_eq!(count, 1);
/// database.close()?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Database(Arc<Shared>);

struct Shared {
    place: Place,
    /// Nothing once the database is closed.
    queue: Mutex<Option<SyncSender<Box<dyn Task>>>>,
    /// Nothing once somebody has waited for its end.
    thread: Mutex<Option<JoinHandle<Result<(), StoreError>>>>,
    /// Nothing where the scribe is in somebody's hand.
    scribe: OnceLock<ThreadId>,
}

impl Database {
    /// Opens the file at `path`, creates it and its folder where they are missing, and migrates it.
    /// [`Durability::Full`] holds.
    pub fn open(path: impl AsRef<Path>, migrations: &[Migrations]) -> Result<Self, OpenError> {
        Self::open_with(path, migrations, Durability::Full)
    }

    /// Like [`Database::open`], with a choice of what a power cut may cost.
    pub fn open_with(
        path: impl AsRef<Path>,
        migrations: &[Migrations],
        durability: Durability,
    ) -> Result<Self, OpenError> {
        Self::open_in_steps(path.as_ref(), migrations, durability, DUE_PAGES)
    }

    /// Like [`Database::open`], for a database that another one on the same disk goes before: what much is
    /// written to at once, and nobody waits for.
    pub(crate) fn open_behind(path: &Path, migrations: &[Migrations]) -> Result<Self, OpenError> {
        Self::open_in_steps(path, migrations, Durability::Full, DUE_PAGES_BEHIND)
    }

    fn open_in_steps(
        path: &Path,
        migrations: &[Migrations],
        durability: Durability,
        step: u32,
    ) -> Result<Self, OpenError> {
        // Absolute, because SQLite takes some relative names for something else.
        path::absolute(path)
            .map_err(|error| StoreError::io(&error))
            .and_then(|path| Self::start(Place::File(path), migrations, durability, step))
            .map_err(|why| OpenError {
                path: path.to_owned(),
                why,
            })
    }

    /// Whether every migration was done on the file at `path`, so that opening it changes nothing: for
    /// programs beside the one whose file it is. Only looks.
    ///
    /// ```
    /// use parlour::store::{Database, Migration, Migrations};
    ///
    /// let folder = tempfile::tempdir()?;
    /// let path = folder.path().join("notes.db");
    /// drop(Database::open(&path, &[])?);
    /// let notes = Migrations {
    ///     set: "notes",
    ///     steps: &[Migration { name: "notes", sql: "CREATE TABLE notes (text TEXT) STRICT" }],
    /// };
    /// assert!(!Database::is_current(&path, &[notes])?);
    /// drop(Database::open(&path, &[notes])?);
    /// assert!(Database::is_current(&path, &[notes])?);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn is_current(
        path: impl AsRef<Path>,
        migrations: &[Migrations],
    ) -> Result<bool, OpenError> {
        let path = path.as_ref();
        path::absolute(path)
            .map_err(|error| StoreError::io(&error))
            .and_then(|path| connection::open_reader(&Place::File(path)))
            .and_then(|reader| migration::are_done(&reader, migrations))
            .map_err(|why| OpenError {
                path: path.to_owned(),
                why,
            })
    }

    /// A database without a file, for tests: gone with its last handle. Readers and the scribe
    /// wait for each other there.
    pub fn in_memory(migrations: &[Migrations]) -> Result<Self, StoreError> {
        Self::start(Place::memory(), migrations, Durability::Full, DUE_PAGES)
    }

    fn start(
        place: Place,
        migrations: &[Migrations],
        durability: Durability,
        step: u32,
    ) -> Result<Self, StoreError> {
        let (mut connection, guard) = connection::open_writer(&place, migrations, durability)?;
        let log = Log::of(&mut connection, place.clone(), durability, step)?;
        let (database, queue) = Self::waiting_at(place);
        let scribe = Scribe {
            connection,
            guard,
            log,
            queue,
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "a commit may take as long as the disk likes, and the loop may not wait"
        )]
        let thread = thread::Builder::new()
            .name("scribe".to_owned())
            .spawn(|| scribe.run())
            .map_err(|error| StoreError::io(&error))?;
        let _ = database.0.scribe.set(thread.thread().id());
        *lock(&database.0.thread) = Some(thread);
        Ok(database)
    }

    /// A handle whose jobs wait for whoever takes them.
    pub(super) fn waiting_at(place: Place) -> (Self, Receiver<Box<dyn Task>>) {
        let (sender, queue) = mpsc::sync_channel(WAITING_MAX);
        let shared = Shared {
            place,
            queue: Mutex::new(Some(sender)),
            thread: Mutex::new(None),
            scribe: OnceLock::new(),
        };
        (Self(Arc::new(shared)), queue)
    }

    /// Has `job` done by the scribe, in a transaction with what others want stored at the time.
    ///
    /// `on_done` is called on the scribe's thread, once: after the commit, or with the reason why
    /// nothing was stored. What it gives is dropped when everybody has been told whose jobs were stored
    /// together with this one, so that something that wakes another thread as it is dropped does so
    /// once they all are. A job that gives an error or panics is undone. A job may look and write
    /// as it likes, but not begin or end transactions, nor say `OR ROLLBACK`, which would undo
    /// what others have done.
    ///
    /// [`StoreError::Busy`] and [`StoreError::Closed`] come at once; then neither is ever called.
    pub fn submit<T, J, D, R>(&self, job: J, on_done: D) -> Result<(), StoreError>
    where
        T: Send + 'static,
        J: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        D: FnOnce(Result<T, StoreError>) -> R + Send + 'static,
        R: Send + 'static,
    {
        self.queue(Errand {
            job: once(job),
            is_repeatable: false,
            is_undone: |_| false,
            result: None,
            on_done,
        })
    }

    /// Like [`submit`](Self::submit), for a job that may find out half-way that it is not to be
    /// done: an `Err` within its `Ok` undoes what it wrote, and comes to `on_done` as it is.
    ///
    /// ```
    /// use parlour::store::Database;
    ///
    /// let database = Database::in_memory(&[])?;
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// database.submit_or_undo(
    ///     |connection| {
    ///         connection.execute_batch("CREATE TABLE things (name TEXT)")?;
    ///         Ok(Err::<(), _>("on second thoughts, no"))
    ///     },
    ///     move |done| drop(sender.send(done)),
    /// )?;
    /// assert_eq!(receiver.recv()?, Ok(Err("on second thoughts, no")));
    /// let is_there = database.reader()?.query(|reader| Ok(reader.table_exists(None, "things")?))?;
    /// assert!(!is_there);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn submit_or_undo<T, E, J, D, R>(&self, job: J, on_done: D) -> Result<(), StoreError>
    where
        T: Send + 'static,
        E: Send + 'static,
        J: FnOnce(&Connection) -> Result<Result<T, E>, StoreError> + Send + 'static,
        D: FnOnce(Result<Result<T, E>, StoreError>) -> R + Send + 'static,
        R: Send + 'static,
    {
        self.queue(Errand {
            job: once(job),
            is_repeatable: false,
            is_undone: Result::is_err,
            result: None,
            on_done,
        })
    }

    /// Like [`submit_or_undo`](Self::submit_or_undo), for a job that may be done again: what it wrote
    /// may be undone because of another job, and then it is called once more. It does the same
    /// whenever it finds the same tables, and leaves nothing behind but rows. In return it costs
    /// less, where many are stored together about half. Its [`Tables`] are a connection that keeps
    /// statements at hand for all of them.
    ///
    /// ```
    /// use parlour::store::Database;
    ///
    /// let database = Database::in_memory(&[])?;
    /// database.run(|connection| Ok(connection.execute_batch("CREATE TABLE visits (who TEXT)")?))?;
    /// let (sender, receiver) = std::sync::mpsc::channel();
    /// let who = "ana".to_owned();
    /// database.submit_repeatable(
    ///     move |tables| {
    ///         tables.with("INSERT INTO visits VALUES (?)", |insert| insert.execute([&who]))?;
    ///         Ok(Ok::<_, String>(()))
    ///     },
    ///     move |done| drop(sender.send(done)),
    /// )?;
    /// assert_eq!(receiver.recv()?, Ok(Ok(())));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn submit_repeatable<T, E, J, D, R>(&self, job: J, on_done: D) -> Result<(), StoreError>
    where
        T: Send + 'static,
        E: Send + 'static,
        J: Fn(Tables<'_>) -> Result<Result<T, E>, StoreError> + Send + 'static,
        D: FnOnce(Result<Result<T, E>, StoreError>) -> R + Send + 'static,
        R: Send + 'static,
    {
        self.queue(Errand {
            job,
            is_repeatable: true,
            is_undone: Result::is_err,
            result: None,
            on_done,
        })
    }

    fn queue(&self, task: impl Task + 'static) -> Result<(), StoreError> {
        let task: Box<dyn Task> = Box::new(task);
        // The lock ends with this statement: what is not taken is dropped without it, because it
        // may own anything.
        let refused = match &*lock(&self.0.queue) {
            Some(queue) => queue.try_send(task).err(),
            None => Some(TrySendError::Disconnected(task)),
        };
        match refused {
            None => Ok(()),
            Some(TrySendError::Full(_)) => Err(StoreError::Busy),
            Some(TrySendError::Disconnected(_)) => Err(StoreError::Closed),
        }
    }

    /// Has `job` done and waits for it: for commands, tests and the time before the loop begins. A
    /// handler says [`Wait::stored`](crate::web::Wait::stored) instead.
    ///
    /// # Panics
    ///
    /// On the scribe's thread, which would wait for itself.
    pub fn run<T, J>(&self, job: J) -> Result<T, StoreError>
    where
        T: Send + 'static,
        J: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        assert!(
            !self.0.is_scribe(),
            "a job or its end does not wait for another job"
        );
        let (sender, receiver) = mpsc::sync_channel(1);
        self.submit(job, move |result| drop(sender.send(result)))?;
        receiver.recv().unwrap_or(Err(StoreError::Closed))
    }

    /// A connection of its own that reads without waiting for the scribe.
    pub fn reader(&self) -> Result<Reader, StoreError> {
        if lock(&self.0.queue).is_none() {
            return Err(StoreError::Closed);
        }
        Reader::open(&self.0.place)
    }

    /// Takes no more jobs, finishes those that wait, empties the log into the file and waits for
    /// all of that. Other handles hear [`StoreError::Closed`] from now on.
    ///
    /// From within a job or its `on_done` it returns at once and the rest follows.
    pub fn close(&self) -> Result<(), StoreError> {
        self.0.close()
    }
}

impl Shared {
    fn is_scribe(&self) -> bool {
        self.scribe.get() == Some(&thread::current().id())
    }

    fn close(&self) -> Result<(), StoreError> {
        drop(lock(&self.queue).take());
        if self.is_scribe() {
            return Ok(());
        }
        // The lock is held meanwhile, so that whoever closes at the same time waits as well.
        let mut thread = lock(&self.thread);
        match thread.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(panic)) => Err(StoreError::Panicked(text(&*panic))),
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        if let Err(error) = self.close() {
            log::error!("the database did not close well: {error}");
        }
    }
}

/// Nobody panics while holding one of these locks, so what is behind a poisoned one is whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A job that can be called once, as one that can be called by the scribe.
fn once<T>(
    job: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> impl FnMut(Tables<'_>) -> Result<T, StoreError> {
    let mut job = Some(job);
    move |tables| job.take().expect("a job is attempted once")(&tables)
}

/// A job with its end.
struct Errand<T, J, D> {
    job: J,
    is_repeatable: bool,
    /// Whether a job that gave this is undone although nothing failed.
    is_undone: fn(&T) -> bool,
    result: Option<Result<T, StoreError>>,
    on_done: D,
}

impl<T, J, D, R> Task for Errand<T, J, D>
where
    T: Send,
    J: FnMut(Tables<'_>) -> Result<T, StoreError> + Send,
    D: FnOnce(Result<T, StoreError>) -> R + Send,
    R: Send + 'static,
{
    fn is_repeatable(&self) -> bool {
        self.is_repeatable
    }

    fn attempt(&mut self, tables: Tables<'_>) -> Result<(), StoreError> {
        // Safe to go on with: the scribe rolls back to where the job began.
        let result = catch_unwind(AssertUnwindSafe(|| (self.job)(tables)))
            .unwrap_or_else(|panic| Err(StoreError::Panicked(text(&*panic))));
        let verdict = match &result {
            Ok(value) if (self.is_undone)(value) => Err(StoreError::app("undone by itself")),
            Ok(_) => Ok(()),
            Err(error) => Err(error.clone()),
        };
        self.result = Some(result);
        verdict
    }

    fn finish(self: Box<Self>, group: Result<(), StoreError>) -> Keepsake {
        let result = match self.result {
            // Its own error tells more than what became of the group.
            Some(Err(own)) => Err(own),
            Some(Ok(value)) => group.map(|()| value),
            None => Err(group.expect_err("a group that is stored has attempted all of its jobs")),
        };
        Box::new((self.on_done)(result))
    }
}

fn text(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str))
        .unwrap_or("without a text")
        .to_owned()
}
