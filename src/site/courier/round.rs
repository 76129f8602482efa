//! # Round: what the courier does, without waiting for anybody
//!
//! Looks for what hooks are to be sent, says what is next, and notes what came of it. Time comes in as a
//! value, so that hours pass in a test as fast as it likes.

use std::collections::BTreeMap;
use std::sync::mpsc;
use std::time::Duration;

use super::letter::{self, Letter};
use super::{Parcel, Receipt, Undelivered};
use crate::chat::deliveries::{self, ANSWER_KEY, Failed, Outgoing, WAITING_MAX};
use crate::chat::limits::TEXT_CHARS_MAX;
use crate::chat::{Entry, HookId, Key, Log, Millis, Op, Operation, Style, Text, UserId, Verdict};
use crate::ground::seed::Seed;
use crate::site::wire;
use crate::store::{Database, Reader, StoreError};

/// Before the second try; each time three times as long, up to an hour.
const FIRST_WAIT: Duration = Duration::from_secs(1);
const LONGEST_WAIT: Duration = Duration::from_secs(60 * 60);

/// Tries of one delivery: over some nine hours.
const TRIES_MAX: u32 = 16;

/// Failures in a row after which a hook is given up: more than one delivery has.
const FAILURES_MAX: u32 = 50;

/// Ops after which a cursor is stored although nothing was found.
const UNNOTED_MAX: Op = 10_000;

/// What a receiver says that wants nothing more.
const GONE: u16 = 410;

pub(super) struct Round {
    database: Database,
    /// Opened when it is first needed.
    reader: Option<Reader>,
    epoch: Box<str>,
    seed: Seed,
    at: Millis,
    hooks: Vec<Outgoing>,
    /// Up to where hooks have looked, where that is further than what is stored.
    looked: BTreeMap<HookId, Op>,
    /// The hook that was sent something last: the next is another's turn.
    last: HookId,
}

/// Why a delivery has not arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Why {
    pub(super) told: String,
    /// It is of no use to try again.
    pub(super) for_ever: bool,
    /// Nothing else will arrive either.
    pub(super) ends_hook: bool,
}

/// Whether something has arrived: its status, or why not.
pub(super) fn judged(result: &Result<Receipt, Undelivered>) -> Result<u16, Why> {
    let why = |told: String, for_ever: bool| Why {
        told,
        for_ever,
        ends_hook: false,
    };
    match result {
        Ok(receipt) => match receipt.status {
            200..=299 => Ok(receipt.status),
            300..=399 => Err(why(
                format!(
                    "the receiver answered {} and wants it sent elsewhere: redirections are not \
                     followed, change the address",
                    receipt.status
                ),
                true,
            )),
            GONE => Err(Why {
                told: "the receiver answered 410 and wants nothing more".to_owned(),
                for_ever: true,
                ends_hook: true,
            }),
            status => Err(why(format!("the receiver answered {status}"), false)),
        },
        Err(Undelivered::Now(told)) => Err(why(told.clone(), false)),
        Err(Undelivered::Ever(told)) => Err(why(told.clone(), true)),
    }
}

impl Round {
    pub(super) fn new(database: Database, epoch: &str, seed: u64) -> Self {
        Self {
            database,
            reader: None,
            epoch: epoch.into(),
            seed: Seed::new(seed),
            at: 0,
            hooks: Vec::new(),
            looked: BTreeMap::new(),
            last: HookId(0),
        }
    }

    fn query<T>(
        &mut self,
        look: impl FnOnce(&crate::store::Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => self.database.reader()?,
        };
        let found = reader.query(look);
        self.reader = Some(reader);
        found
    }

    /// Finds what hooks are to be sent of what happened up to an op; whether there are hooks.
    pub(super) fn look(&mut self, at: Millis, upto: Op) -> Result<bool, StoreError> {
        self.at = at;
        let hooks = self.query(deliveries::outgoing)?;
        let bots: Vec<UserId> = hooks.iter().map(|hook| hook.bot).collect();
        self.looked
            .retain(|id, _| hooks.iter().any(|hook| hook.id == *id));
        for hook in &hooks {
            while self.look_for(hook, &bots, upto)? {}
        }
        self.hooks = hooks;
        Ok(!self.hooks.is_empty())
    }

    /// One hook looks some way further; whether it has not come to the end.
    fn look_for(&mut self, hook: &Outgoing, bots: &[UserId], upto: Op) -> Result<bool, StoreError> {
        let stored = hook.cursor;
        let after = self
            .looked
            .get(&hook.id)
            .copied()
            .unwrap_or(stored)
            .max(stored);
        if after >= upto {
            return Ok(false);
        }
        let found = self.query(|tables| {
            if deliveries::waiting(tables, hook.id)? >= WAITING_MAX {
                return Ok(None);
            }
            deliveries::find(tables, hook, bots, (after, upto)).map(Some)
        })?;
        let Some((come_to, found)) = found else {
            return Ok(false);
        };
        if !found.is_empty() || come_to >= stored + UNNOTED_MAX {
            let id = hook.id;
            self.database
                .run(move |tables| deliveries::note(tables, id, come_to, &found))?;
        }
        self.looked.insert(hook.id, come_to);
        Ok(come_to < upto)
    }

    /// The next that is to be sent, of a hook that is not under way.
    pub(super) fn next(&mut self, under_way: &[HookId]) -> Result<Option<Letter>, StoreError> {
        let (at, last) = (self.at, self.last);
        let (later, sooner): (Vec<_>, Vec<_>) =
            self.hooks.iter().cloned().partition(|hook| hook.id > last);
        for hook in later.into_iter().chain(sooner) {
            if under_way.contains(&hook.id) {
                continue;
            }
            while let Some(due) = self.query(|tables| deliveries::next(tables, hook.id, at))? {
                let found = self.query(|tables| deliveries::event(tables, hook.bot, &due))?;
                let Some((room, event)) = found else {
                    let id = hook.id;
                    self.database
                        .run(move |tables| deliveries::done(tables, id, due.op, false))?;
                    continue;
                };
                self.last = hook.id;
                let told = wire::event(&event, None);
                let letter = Letter::new(hook, due, (room, &told.json), &self.epoch, at);
                return Ok(Some(letter));
            }
        }
        Ok(None)
    }

    /// What shows whether a hook arrives; nothing for one that sends nothing now.
    pub(super) fn test(&mut self, hook: HookId, at: Millis) -> Result<Option<Parcel>, StoreError> {
        let hooks = self.query(deliveries::outgoing)?;
        let found = hooks.iter().find(|it| it.id == hook);
        Ok(found.map(|hook| letter::test(hook, &self.epoch, at)))
    }

    /// Notes what came of a delivery; whether something was stored that the loop has to hear of.
    pub(super) fn settle(
        &mut self,
        letter: &Letter,
        result: &Result<Receipt, Undelivered>,
    ) -> Result<bool, StoreError> {
        let (hook, op) = (letter.hook.id, letter.due.op);
        match judged(result) {
            Ok(_) => {
                let body = result.as_ref().ok().and_then(|it| it.body.as_deref());
                let said = match body.and_then(answer) {
                    Some(text) => self.say(letter, text)?,
                    None => false,
                };
                self.database
                    .run(move |tables| deliveries::done(tables, hook, op, true))?;
                self.count(hook, |_| 0);
                Ok(said)
            }
            Err(why) => self.failed(letter, why),
        }
    }

    fn count(&mut self, hook: HookId, change: impl FnOnce(u32) -> u32) -> u32 {
        let found = self.hooks.iter_mut().find(|it| it.id == hook);
        found.map_or(0, |it| {
            it.failures = change(it.failures);
            it.failures
        })
    }

    /// Says what the receiver answered; whether that was stored.
    fn say(&self, letter: &Letter, text: Text) -> Result<bool, StoreError> {
        let key = format!("{ANSWER_KEY}{}:{}", letter.hook.id.0, letter.due.op);
        let operation = Operation::Send {
            room: letter.room.clone(),
            text,
            reply_to: None,
            attachment: None,
            style: Style::Plain,
        };
        let said = self.want(Some(letter.hook.bot), Some(Key::trusted(key)), operation)?;
        if let Err(refusal) = &said {
            // Of use to nobody but who made the hook, and to them only once.
            log::debug!("a webhook's answer is not said: {refusal}");
            if refusal.code.may_retry() {
                return Err(StoreError::Busy);
            }
        }
        Ok(said.is_ok())
    }

    fn failed(&mut self, letter: &Letter, why: Why) -> Result<bool, StoreError> {
        let (hook, op) = (letter.hook.id, letter.due.op);
        let tries = letter.due.tries + 1;
        let failures = self.count(hook, |failures| failures + 1);
        let ends_hook = why.ends_hook || failures >= FAILURES_MAX;
        let is_over = why.for_ever || tries >= TRIES_MAX;
        let wait = self.wait(tries);
        let failed = Failed {
            at: self.at,
            next_at: (!is_over).then(|| self.at + wait),
            error: why.told,
            ends_hook,
        };
        let mut told = false;
        if ends_hook && let Some(owner) = letter.hook.owner.clone() {
            let text = format!(
                "Webhook {} ({}) is given up after {failures} failures in a row: {}. It sends nothing \
                 more until you let it go on.",
                hook.0, letter.hook.name, failed.error
            );
            let text = Text::parse("text", &text)
                .unwrap_or_else(|_| Text::trusted("A webhook is given up."));
            let noted = self.want(None, None, Operation::Notify { to: owner, text })?;
            told = noted.is_ok();
        }
        if ends_hook {
            self.hooks.retain(|it| it.id != hook);
        }
        self.database
            .run(move |tables| deliveries::failed(tables, hook, op, &failed))?;
        Ok(told)
    }

    /// How long until the next try: three times as long each time, a quarter more or less, so that many
    /// that failed together are not tried together.
    fn wait(&mut self, tries: u32) -> Millis {
        let [first, longest] = [FIRST_WAIT, LONGEST_WAIT].map(|it| it.as_millis() as u64);
        let wait = first
            .saturating_mul(3u64.saturating_pow(tries - 1))
            .min(longest);
        wait - wait / 4 + self.seed.below(wait / 2 + 1)
    }

    /// Has something done that is to last, like a command from another process: the server hears of it.
    fn want(
        &self,
        by: Option<UserId>,
        key: Option<Key>,
        operation: Operation,
    ) -> Result<Verdict, StoreError> {
        let entry = Entry {
            by,
            at: self.at,
            key,
            random: [0; 16],
            outside: true,
            operation,
        };
        let (sender, receiver) = mpsc::sync_channel(1);
        let done = Box::new(move |verdict| -> crate::chat::Keepsake {
            Box::new(sender.send(verdict).is_ok())
        });
        self.database
            .append(entry, done)
            .map_err(|_| StoreError::Busy)?;
        receiver.recv().map_err(|_| StoreError::Closed)
    }
}

/// What a receiver wants said: the `text` of a JSON object, if there is one.
fn answer(body: &[u8]) -> Option<Text> {
    let value: serde_json::Value = serde_json::from_slice(body).ok()?;
    let text = value.get("text")?.as_str()?;
    let short: String = text.chars().take(TEXT_CHARS_MAX).collect();
    Text::parse("text", &short).ok()
}
