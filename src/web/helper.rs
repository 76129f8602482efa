//! # Helpers: what must not wait on the loop
//!
//! What takes time is a [`Wait`]. It leaves under a ticket, and what it gave comes back with that
//! ticket and a bell for the loop.
//!
//! Promises
//! 1. Jobs of the helper thread are done in the order in which they were given.
//! 2. Each [`Return`] comes back exactly once: with a value, or without one if whoever held it
//!    panicked or dropped it.
//! 3. What waits is bounded: a full queue is [`Busy`] at once.

use std::any::Any;
use std::fmt;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};

use super::cx::Cx;
use super::error::Error;
use super::reply::{GoOn, IntoReply, Reply};
use super::spill::Spill;
use crate::http::Status;
use crate::reactor::driver::Bell;

/// Jobs that may wait for the helper. Whoever comes later is told to come again.
const QUEUE_MAX: usize = 1024;

/// A value that crossed from a helper to the loop.
pub(super) type Outcome = Box<dyn Any + Send>;

/// What came back for a ticket; nothing if a job panicked.
pub(super) type Done = (u64, Option<Outcome>);

/// A wait on its way to whoever does it.
pub(super) type Errand = Box<dyn FnOnce(&mut Helpers, u64) -> Result<(), Busy>>;

type Job = Box<dyn FnOnce() + Send>;

/// Too much is waiting already: nothing was done.
///
/// A handler that ends with it answers 503 with `Retry-After`. Whoever has a queue of his own says the
/// same when it is full:
///
/// ```
/// use std::sync::mpsc::{SyncSender, sync_channel};
/// use parlour::http::Status;
/// use parlour::web::{Busy, Error};
///
/// fn print(printer: &SyncSender<String>, page: &str) -> Result<(), Busy> {
///     printer.try_send(page.to_owned()).map_err(|_| Busy)
/// }
///
/// let (printer, _pages) = sync_channel(1);
/// assert_eq!(print(&printer, "one"), Ok(()));
/// assert_eq!(print(&printer, "two"), Err(Busy));
/// assert_eq!(Error::from(Busy).status(), Status::SERVICE_UNAVAILABLE);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

impl fmt::Display for Busy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("too much is waiting to be done, come again in a moment")
    }
}

impl std::error::Error for Busy {}

impl From<Busy> for Error {
    fn from(busy: Busy) -> Self {
        Self::new(Status::SERVICE_UNAVAILABLE, busy.to_string()).field("Retry-After", "1")
    }
}

/// Something that takes time, and gives a `T`. Nothing happens before it is waited for.
///
/// It is a job for the helper thread ([`on_helper`](Self::on_helper)), a database's job
/// ([`stored`](Self::stored)), or anything else that hands its value to a [`Return`]. A handler says
/// what comes [`then`](Self::then) and returns; the loop goes on, and calls that when the value is
/// here. If a job panics, the answer is a 500; if too many wait, it is 503 ([`Busy`]).
///
/// Jobs of the helper are done one by one, in the order in which they were given, and files that are
/// sent are among them. What takes seconds is for a thread of its own, which is handed a [`Return`].
///
/// ```
/// use parlour::web::{Cx, Reply, Wait};
///
/// fn slow(cx: &mut Cx<'_, ()>) -> Reply<()> {
///     let number: u64 = cx.request.param("number").unwrap_or(1);
///     Wait::on_helper(move || (1..=number).sum::<u64>())
///         .then(|_, sum| format!("{sum}"))
/// }
/// ```
///
/// # Reading a database off the loop
///
/// A row by its key is read on the loop, by a [`Reader`](crate::store::Reader) in the app's state. What
/// may take long, such as a search, is read by the helper with a reader of its own: the loop does not
/// wait for it, and neither does the scribe.
///
/// ```
/// use parlour::store::Database;
/// use parlour::web::{Cx, Reply, Wait};
///
/// fn search(cx: &mut Cx<'_, Database>) -> Reply<Database> {
///     let word = cx.request.query("word").unwrap_or_default();
///     let database = cx.state.clone();
///     let found = Wait::on_helper(move || {
///         database.reader()?.query(|connection| {
///             let mut notes = connection.prepare("SELECT text FROM notes WHERE instr(text, ?)")?;
///             let texts = notes.query_map([&word], |row| row.get(0))?;
///             Ok(texts.collect::<Result<Vec<String>, _>>()?)
///         })
///     });
///     found.and_then(|_, texts| Ok(texts.join("\n")))
/// }
/// # let _ = search;
/// ```
#[must_use = "nothing happens before somebody waits: see `then`"]
pub struct Wait<T> {
    errand: Errand,
    unpack: Unpack<T>,
}

/// Makes what came back the value that was waited for, on the loop.
pub(super) type Unpack<T> = Box<dyn FnOnce(Outcome) -> T>;

impl<T> fmt::Debug for Wait<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Wait")
    }
}

impl<T: 'static> Wait<T> {
    /// A job for the helper thread: hashing, files, a slow library.
    pub fn on_helper(job: impl FnOnce() -> T + Send + 'static) -> Self
    where
        T: Send,
    {
        Self::of(|helpers, ticket| {
            let back = helpers.way_back(ticket);
            helpers.do_soon(Box::new(move || back.hand(job())))
        })
    }

    /// A value that somebody else hands over, from any thread: `begin` gets it started. See [`Return`].
    pub fn on(begin: impl FnOnce(Return<T>) -> Result<(), Busy> + 'static) -> Self
    where
        T: Send,
    {
        Self::of(|helpers, ticket| {
            let back = helpers.way_back(ticket);
            // The return that is dropped by a panic tells whoever waits.
            catch_unwind(AssertUnwindSafe(|| begin(back))).unwrap_or(Ok(()))
        })
    }

    fn of(errand: impl FnOnce(&mut Helpers, u64) -> Result<(), Busy> + 'static) -> Self {
        let unpack = |outcome: Outcome| {
            *outcome
                .downcast()
                .expect("a return hands over the type that its wait gives")
        };
        Self {
            errand: Box::new(errand),
            unpack: Box::new(unpack),
        }
    }

    /// The same with what comes of it made into something else, on the loop.
    ///
    /// ```
    /// use parlour::web::{Error, Wait};
    ///
    /// /// The answer to a file that cannot be read is the same wherever one is read.
    /// fn text(path: &'static str) -> Wait<Result<String, Error>> {
    ///     let read = Wait::on_helper(move || std::fs::read_to_string(path));
    ///     read.map(|text| text.map_err(|_| Error::not_found()))
    /// }
    /// # let _ = text;
    /// ```
    pub fn map<U>(self, change: impl FnOnce(T) -> U + 'static) -> Wait<U> {
        let Self { errand, unpack } = self;
        Wait {
            errand,
            unpack: Box::new(move |outcome| change(unpack(outcome))),
        }
    }

    /// Waits, and then goes on with what came of it and with the same request. A closure with `?` in
    /// it ends with `Ok::<_, Error>(…)`; for what may fail there is
    /// [`and_then`](Wait::and_then). Also if whoever asked
    /// has gone meanwhile: what was begun is finished, and only the answer finds nobody.
    pub fn then<S, R: IntoReply<S>>(
        self,
        go_on: impl FnOnce(&mut Cx<'_, S>, T) -> R + 'static,
    ) -> Reply<S> {
        let Self { errand, unpack } = self;
        let go_on: GoOn<S, Outcome> =
            Box::new(move |cx, outcome| go_on(cx, unpack(outcome)).into_reply());
        Reply::Wait(Pending { errand, go_on })
    }

    pub(super) fn into_parts(self) -> (Errand, Unpack<T>) {
        (self.errand, self.unpack)
    }
}

impl<T: 'static, E: Into<Error> + 'static> Wait<Result<T, E>> {
    /// [`then`](Self::then) for what may fail: a failure is the answer, and only a success goes on.
    ///
    /// ```
    /// use parlour::web::{Cx, Reply, password};
    ///
    /// fn sign_up(cx: &mut Cx<'_, Vec<String>>) -> Reply<Vec<String>> {
    ///     let text = cx.request.form_value("password").unwrap_or_default();
    ///     password::hash(&text).and_then(|cx: &mut Cx<'_, Vec<String>>, hashed| {
    ///         cx.state.push(hashed);
    ///         Ok("welcome")
    ///     })
    /// }
    /// # let _ = sign_up;
    /// ```
    pub fn and_then<S, R: IntoReply<S>>(
        self,
        go_on: impl FnOnce(&mut Cx<'_, S>, T) -> Result<R, Error> + 'static,
    ) -> Reply<S> {
        self.then(move |cx, done| go_on(cx, done.map_err(Into::into)?))
    }
}

/// The way of one value back to the loop. Whoever drops it without a value has failed, and
/// whoever waits is told so.
///
/// ```
/// use std::sync::mpsc::{SyncSender, sync_channel};
/// use parlour::web::{App, Busy, Cx, Reply, Return, Wait};
///
/// /// The way to a scale, which has a thread of its own.
/// type Scale = SyncSender<Return<u32>>;
///
/// fn weigh(cx: &mut Cx<'_, Scale>) -> Reply<Scale> {
///     let scale = cx.state.clone();
///     Wait::on(move |back| scale.try_send(back).map_err(|_| Busy))
///         .then(|_, grams| format!("{grams} g"))
/// }
///
/// let (scale, asked) = sync_channel::<Return<u32>>(16);
/// std::thread::spawn(move || asked.into_iter().for_each(|back| back.hand(42)));
/// let app = App::new(scale).get("/weight", weigh);
/// # drop(app);
/// ```
#[derive(Debug)]
pub struct Return<T> {
    way: Option<(u64, Sender<Done>, Option<Bell>)>,
    takes: PhantomData<fn(T)>,
}

impl<T: Send + 'static> Return<T> {
    /// Hands the value over.
    pub fn hand(self, value: T) {
        drop(self.hand_quietly(value));
    }

    /// Hands the value over without waking the loop, which hears of it when the [`Ring`] is dropped:
    /// for whoever has several to hand over.
    pub fn hand_quietly(mut self, value: T) -> Ring {
        self.send(Some(Box::new(value)))
    }
}

impl<T> Return<T> {
    fn send(&mut self, outcome: Option<Outcome>) -> Ring {
        let Some((ticket, done_by, bell)) = self.way.take() else {
            return Ring(None);
        };
        // Nobody listens once the server has gone, and then nobody is missing anything.
        let is_heard = done_by.send((ticket, outcome)).is_ok();
        Ring(bell.filter(|_| is_heard))
    }
}

/// Wakes the loop when it is dropped, for a value that was handed over.
///
/// Whoever hands over several keeps what [`Return::hand_quietly`] gives until the last: then the loop
/// finds all of them at once, and what they make it say to somebody is one write.
///
/// ```
/// use parlour::web::{Return, Ring};
///
/// fn hand_all(waiting: Vec<Return<u32>>) {
///     let rings: Vec<Ring> = waiting.into_iter().map(|back| back.hand_quietly(42)).collect();
///     drop(rings);
/// }
/// # let _ = hand_all;
/// ```
#[derive(Debug)]
pub struct Ring(Option<Bell>);

impl Drop for Ring {
    fn drop(&mut self) {
        if let Some(bell) = &self.0 {
            bell.ring();
        }
    }
}

impl<T> Drop for Return<T> {
    fn drop(&mut self) {
        drop(self.send(None));
    }
}

/// A reply that waits.
///
/// What [`Wait::then`] answers with. Whoever stands around a handler can see that it waits, but not
/// what it will say: that is for [`Middleware`](super::Middleware), which sees every answer.
///
/// ```
/// use parlour::web::{Cx, Handler, Reply};
///
/// /// The state is how many requests had to wait.
/// fn counted(inner: impl Handler<u64>) -> impl Handler<u64> {
///     move |cx: &mut Cx<'_, u64>| {
///         let reply = inner.call(cx);
///         if let Reply::Wait(_) = reply {
///             *cx.state += 1;
///         }
///         reply
///     }
/// }
/// # let _ = counted(|_: &mut Cx<'_, u64>| "at once");
/// ```
pub struct Pending<S> {
    pub(super) errand: Errand,
    pub(super) go_on: GoOn<S, Outcome>,
}

/// The helper thread, and the way back from everywhere.
#[derive(Debug)]
pub(super) struct Helpers {
    jobs: Option<SyncSender<Job>>,
    /// The files of uploads, which the helper thread makes and removes.
    spill: Arc<Spill>,
    done: Receiver<Done>,
    done_by: Sender<Done>,
    bell: Option<Bell>,
}

impl Helpers {
    pub(super) fn new(spill_folder: PathBuf) -> Self {
        let (done_by, done) = channel();
        Self {
            jobs: None,
            spill: Arc::new(Spill::new(spill_folder)),
            done,
            done_by,
            bell: None,
        }
    }

    /// What is rung when something is done. Without it the loop has to look by itself.
    pub(super) fn set_bell(&mut self, bell: Bell) {
        self.bell = Some(bell);
    }

    fn way_back<T>(&self, ticket: u64) -> Return<T> {
        Return {
            way: Some((ticket, self.done_by.clone(), self.bell.clone())),
            takes: PhantomData,
        }
    }

    fn do_soon(&mut self, job: Job) -> Result<(), Busy> {
        self.jobs
            .get_or_insert_with(|| start(&self.spill))
            .try_send(job)
            .map_err(|_| Busy)
    }

    /// Where uploads go that are too large for memory.
    pub(super) fn spill(&self) -> Arc<Spill> {
        Arc::clone(&self.spill)
    }

    /// Has the loop look again.
    pub(super) fn ring(&self) {
        if let Some(bell) = &self.bell {
            bell.ring();
        }
    }

    /// The next that is done.
    pub(super) fn done(&self) -> Option<Done> {
        self.done.try_recv().ok()
    }
}

impl Drop for Helpers {
    /// The loop has ended, so its thread may wait for the disk. The helper may be at a job that
    /// takes longer than anybody wants to wait.
    fn drop(&mut self) {
        self.spill.close();
    }
}

/// The thread is there from the first job on, and ends when its sender is gone. After each job it
/// sweeps, so whoever has something swept needs a job only where none waits: a queue that is full
/// is as good.
#[expect(
    clippy::disallowed_methods,
    reason = "this is where the helper thread is started"
)]
fn start(spill: &Arc<Spill>) -> SyncSender<Job> {
    let (jobs, queue) = sync_channel::<Job>(QUEUE_MAX);
    let nudges = jobs.clone();
    spill.swept_on(move || drop(nudges.try_send(Box::new(|| {}))));
    let spill = Arc::clone(spill);
    std::thread::spawn(move || {
        for job in queue {
            do_job(job);
            spill.sweep();
        }
    });
    jobs
}

/// Does a job, on the thread that is there for it. What it panics over is told by the return that
/// it drops.
pub(super) fn do_job(job: impl FnOnce()) {
    let _ = catch_unwind(AssertUnwindSafe(job));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_removed_behind_a_full_queue() {
        let folder = tempfile::tempdir().unwrap();
        let mut helpers = Helpers::new(folder.path().to_owned());
        let (file, _) = helpers.spill().create(0).unwrap();
        let path = file.path().to_owned();
        let (begun, begins) = channel();
        let (tell, over) = channel::<()>();
        let busy = move || {
            begun.send(()).unwrap();
            over.recv().ok();
        };
        helpers.do_soon(Box::new(busy)).unwrap();
        begins.recv().unwrap();
        for _ in 1..QUEUE_MAX {
            helpers.do_soon(Box::new(|| {})).unwrap();
        }
        let (look, seen) = channel();
        let last = move || look.send(path.exists()).unwrap();
        helpers.do_soon(Box::new(last)).unwrap();
        assert!(helpers.do_soon(Box::new(|| {})).is_err(), "it is full");
        drop(file);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
        drop(tell);
        assert!(!seen.recv().unwrap(), "it goes before the last job");
    }
}
