//! # Courier: events on their way to outgoing hooks
//!
//! A thread of its own that looks for what hooks are to be sent, sends it, and notes how that went. It
//! reads no clock: the loop tells it what time it is, and up to where events were told. A few deliveries
//! are under way at a time, one of each hook at most, each on a thread that ends with it, because any of
//! them may wait for somebody's server.
//!
//! ```text
//!     loop ──Beat { now, op }──► courier ──find, note──► deliveries
//!                                   │ ──a thread each──► Carrier ──► somebody's server
//!                                   └─ answered: Send as the bot ─► failed: again later, or given up
//! ```
//!
//! Promises
//! 1. What a hook is to be sent is sent at least once, whatever ends the process in between; the event's
//!    op tells repeats.
//! 2. An answer is said once, under a key that is made of the hook and the op, before the delivery counts
//!    as arrived.
//! 3. What fails is tried again for some hours, further and further apart, and then kept with the reason.
//!    A hook that fails and fails is given up, and its owner told.
//!
//! Never knows: sockets, TLS, which addresses are allowed. That is a [`Carrier`]'s.

mod letter;
mod round;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};

use super::announce;
use super::hall::Hall;
use crate::chat::{HookId, Millis, Op};
use crate::store::Database;
use crate::web::{Busy, Return, Tick, Wait};

pub(super) use letter::Letter;
use round::Round;

/// Deliveries that are under way at a time.
const UNDER_WAY_MAX: usize = 4;

/// Something that is sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// Where to.
    pub url: String,
    /// Header fields, beside those that any request has.
    pub fields: Vec<(&'static str, String)>,
    /// The body: JSON.
    pub body: String,
}

/// What the receiver answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The status.
    pub status: u16,
    /// The body, if it was short enough to be of use.
    pub body: Option<Vec<u8>>,
}

/// Why there was no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undelivered {
    /// The same may arrive later.
    Now(String),
    /// It never will.
    Ever(String),
}

/// Brings what is sent to where it goes; may block, for a bounded time. Redirections are not followed.
pub trait Carrier: Send + Sync {
    /// Brings it there, and gives what was answered.
    fn carry(&self, parcel: &Parcel) -> Result<Receipt, Undelivered>;
}

/// What the courier is told.
enum Word {
    /// This is the time, and up to here events were told.
    Beat(Millis, Op),
    /// To be rung when something is stored that the loop has not heard of.
    Bell(Return<()>),
    /// A delivery came to its end.
    Back(Box<Letter>, Result<Receipt, Undelivered>),
    /// Somebody wants to know whether a hook arrives at all.
    Test(HookId, Millis, Return<Tested>),
}

/// What came of a test: nothing for a hook that sends nothing now.
pub(super) type Tested = Option<Result<u16, String>>;

/// The loop's end of the courier.
pub(super) struct Courier {
    /// Nothing once it is to end.
    sender: Option<Sender<Word>>,
    /// It has been told of something that it has not looked at yet.
    told: Arc<AtomicBool>,
    /// There are hooks.
    needed: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Courier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Courier")
    }
}

impl Courier {
    /// Begins to carry what hooks of this database are to be sent.
    pub(super) fn begin(
        database: Database,
        carrier: Arc<dyn Carrier>,
        epoch: &str,
        seed: u64,
    ) -> Self {
        let (sender, words) = channel();
        let told = Arc::new(AtomicBool::new(false));
        let needed = Arc::new(AtomicBool::new(true));
        let round = Round::new(database, epoch, seed);
        let work = Work {
            round,
            carrier,
            words,
            back: sender.clone(),
            told: Arc::clone(&told),
            needed: Arc::clone(&needed),
            under_way: Vec::new(),
            bell: None,
        };
        #[expect(
            clippy::disallowed_methods,
            reason = "looking for what is to be sent may take as long as the disk likes"
        )]
        let thread = thread::Builder::new()
            .name("courier".to_owned())
            .spawn(|| work.run());
        let thread = thread.map_err(|error| log::error!("webhooks are not sent: {error}"));
        Self {
            sender: Some(sender),
            told,
            needed,
            thread: thread.ok(),
        }
    }

    fn say(&self, word: Word) {
        if let Some(sender) = &self.sender {
            // Once it has ended nobody is told.
            let _ = sender.send(word);
        }
    }

    fn beat(&self, at: Millis, op: Op) {
        if !self.told.swap(true, Ordering::AcqRel) {
            self.say(Word::Beat(at, op));
        }
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        // Its own senders keep the channel open; that this one is gone says `End`.
        self.say(Word::Beat(Millis::MAX, 0));
        self.sender = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Once a second, and whenever something happened while there are hooks.
pub(super) fn beat(tick: &Tick<'_, Hall>) {
    if let Some(courier) = &tick.state.courier {
        courier.beat(tick.house.now().unix_ms, tick.state.announced);
    }
}

/// Something happened.
pub(super) fn nudge(tick: &Tick<'_, Hall>) {
    let needs = |courier: &&Courier| courier.needed.load(Ordering::Relaxed);
    if tick.state.courier.as_ref().is_some_and(|it| needs(&it)) {
        beat(tick);
    }
}

/// Hears of what the courier has stored, as long as there is one.
pub(super) fn listen(tick: &mut Tick<'_, Hall>) {
    let Some(courier) = &tick.state.courier else {
        return;
    };
    let Some(sender) = courier.sender.clone() else {
        return;
    };
    let bell = Wait::on(move |back| sender.send(Word::Bell(back)).map_err(|_| Busy));
    tick.house.wait(bell, |tick, rung| {
        announce::announce_outside(tick);
        if rung.is_ok() {
            listen(tick);
        }
    });
}

/// Sends something to a hook now, and tells what came of it.
pub(super) fn test(courier: &Courier, hook: HookId, at: Millis) -> Wait<Tested> {
    let sender = courier.sender.clone();
    Wait::on(move |back| {
        let sent = sender.map(|sender| sender.send(Word::Test(hook, at, back)).is_ok());
        if sent == Some(true) {
            Ok(())
        } else {
            Err(Busy)
        }
    })
}

/// The thread.
struct Work {
    round: Round,
    carrier: Arc<dyn Carrier>,
    words: Receiver<Word>,
    back: Sender<Word>,
    told: Arc<AtomicBool>,
    needed: Arc<AtomicBool>,
    under_way: Vec<HookId>,
    bell: Option<Return<()>>,
}

impl Work {
    fn run(mut self) {
        while let Ok(word) = self.words.recv() {
            match word {
                Word::Beat(Millis::MAX, _) => break,
                Word::Beat(at, upto) => {
                    self.told.store(false, Ordering::Release);
                    let found = self.round.look(at, upto);
                    match found {
                        Ok(any) => self.needed.store(any, Ordering::Relaxed),
                        Err(error) => log::warn!("webhooks wait: {error}"),
                    }
                }
                Word::Bell(bell) => self.bell = Some(bell),
                Word::Back(letter, result) => {
                    self.under_way.retain(|hook| *hook != letter.hook());
                    match self.round.settle(&letter, &result) {
                        Ok(true) => drop(self.bell.take().map(|bell| bell.hand(()))),
                        Ok(false) => {}
                        // It is tried again as if it had not been.
                        Err(error) => log::warn!("a webhook's end is not stored: {error}"),
                    }
                }
                Word::Test(hook, at, back) => self.test(hook, at, back),
            }
            self.send_next();
        }
    }

    /// Sends as much as may be under way.
    fn send_next(&mut self) {
        while self.under_way.len() < UNDER_WAY_MAX {
            let letter = match self.round.next(&self.under_way) {
                Ok(Some(letter)) => letter,
                Ok(None) => return,
                Err(error) => return log::warn!("webhooks wait: {error}"),
            };
            let (carrier, back) = (Arc::clone(&self.carrier), self.back.clone());
            let hook = letter.hook();
            let carried = in_passing(move || {
                let result = carrier.carry(letter.parcel());
                let _ = back.send(Word::Back(Box::new(letter), result));
            });
            if !carried {
                return;
            }
            self.under_way.push(hook);
        }
    }

    fn test(&mut self, hook: HookId, at: Millis, back: Return<Tested>) {
        let parcel = match self.round.test(hook, at) {
            Ok(Some(parcel)) => parcel,
            Ok(None) => return back.hand(None),
            Err(error) => return back.hand(Some(Err(error.to_string()))),
        };
        let carrier = Arc::clone(&self.carrier);
        in_passing(move || {
            let result = carrier.carry(&parcel);
            back.hand(Some(round::judged(&result).map_err(|why| why.told)));
        });
    }
}

/// Does something that may wait for somebody else; whether it was begun.
fn in_passing(job: impl FnOnce() + Send + 'static) -> bool {
    #[expect(
        clippy::disallowed_methods,
        reason = "whoever is sent something may take as long as its time allows"
    )]
    let begun = thread::Builder::new()
        .name("delivery".to_owned())
        .spawn(job);
    begun
        .map_err(|error| log::warn!("a webhook waits: {error}"))
        .is_ok()
}

#[cfg(test)]
mod tests;
