//! # Town: the server process, what it has stored, and the model beside it
//!
//! The database outlives the process: [`Town::kill`] throws away the engine and whatever waited to
//! be stored, [`Town::begin`] starts the next process on what is left. Each verdict of the log is
//! compared with the model's at once.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::fact::Heard;
use super::ledger::{Bug, Flaw, Judged, Ledger};
use super::model::{Happened, Model, Person};
use crate::chat::{
    self, CHAT, Code, Entry, Keepsake, Log, Operation, Role, Title, To, UserName, Verdict,
};
use crate::ground::seed::Seed;
use crate::reactor::{Engine, Settings};
use crate::site::{self, Choices, Hall};
use crate::store::{Connection, Database, Hand, StoreError};
use crate::web::Service;

/// How often a device may sign in.
pub(super) const LIVES: usize = 4;

pub(super) type Process = Engine<Service<Hall>>;

/// One server and its database.
pub(super) struct Town {
    pub(super) model: Model,
    pub(super) process: Option<Process>,
    pub(super) settings: Settings,
    database: Database,
    hand: Hand,
    /// Another process: the command line.
    beside: (Database, Hand),
    pub(super) jammed: Rc<Cell<bool>>,
    is_doomed: bool,
    flaw: Option<Arc<Flaw>>,
    sender: Sender<Judged>,
    receiver: Receiver<Judged>,
    pub(super) commits: u64,
}

/// The token of somebody's `number`-th device in its `turn`-th life.
pub(super) fn token(user: usize, device: usize, turn: usize) -> String {
    format!("pt_{user}_{device}_{turn}")
}

impl Town {
    /// A town with these people, each of whom has tokens for so many devices and lives.
    pub(super) fn new(
        people: &[&str],
        devices: usize,
        settings: Settings,
        bug: Option<Bug>,
    ) -> Self {
        let (database, hand) = chat::open_by_hand("the first", 1).expect("memory can be opened");
        let beside = hand.open_again(&[CHAT]).expect("memory can be opened");
        let (sender, receiver) = mpsc::channel();
        let mut town = Self {
            model: Model::default(),
            process: None,
            settings,
            database,
            hand,
            beside,
            jammed: Rc::default(),
            is_doomed: false,
            flaw: bug.map(|bug| Arc::new(Flaw::new(bug))),
            sender,
            receiver,
            commits: 0,
        };
        town.model.epochs.push("the first".to_owned());
        for (user, name) in people.iter().enumerate() {
            town.settle(user, name, devices);
        }
        town.hand.group();
        let ready = town.look(chat::summary::position);
        assert_eq!(ready, ("the first".into(), 0), "nothing has happened yet");
        town
    }

    fn settle(&mut self, user: usize, name: &str, devices: usize) {
        let is_admin = user == 0;
        self.set_up(Operation::AddUser {
            name: UserName::trusted(name),
            display_name: Title::trusted(name.to_uppercase()),
            email: None,
            password: Some("x".to_owned()),
            role: if is_admin { Role::Admin } else { Role::Member },
        });
        self.model.people.push(Person {
            id: user as u32 + 1,
            name: name.to_owned(),
            admin: is_admin,
        });
        for number in 0..devices * LIVES {
            let token = token(user, number / LIVES, number % LIVES);
            self.set_up(Operation::CreateToken {
                scopes: None,
                user: UserName::trusted(name),
                hash: Sha256::digest(token.as_bytes()).into(),
                name: Title::trusted("device"),
                password: None,
                expires_at: None,
            });
        }
    }

    /// Has something done before anybody is there.
    fn set_up(&self, operation: Operation) {
        let entry = Entry {
            by: None,
            at: 1,
            key: None,
            random: [0; 16],
            outside: true,
            operation,
        };
        let on_done = |verdict: Verdict| -> Keepsake {
            Box::new(verdict.expect("who sets up a server may do so"))
        };
        let taken = self.database.append(entry, Box::new(on_done));
        assert_eq!(taken, Ok(()), "few things wait yet");
    }

    // ------------------------------------------------------------------------------- process

    /// Starts a process.
    pub(super) fn begin(&mut self, chance: &mut Seed) {
        let log = Ledger {
            database: self.database.clone(),
            told: self.sender.clone(),
            jammed: Rc::clone(&self.jammed),
            flaw: self.flaw.clone(),
        };
        let hall = Hall::with_log(self.database.clone(), Rc::new(log), chance.bits());
        let hall = hall.expect("memory can be read").far(self.model.far);
        let app = site::app(hall, Choices::default());
        let put = app.settings(self.settings.clone()).put_together(None);
        let (service, settings) = put.expect("the app is whole");
        self.process = Some(Engine::new(service, settings, chance.bits()));
    }

    /// The process is killed: what was not committed is lost.
    pub(super) fn kill(&mut self) {
        self.process = None;
        let next = self.hand.open_again(&[CHAT]);
        (self.database, self.hand) = next.expect("memory can be opened");
    }

    /// The database is called something else from now on, as when it was restored. No process runs.
    pub(super) fn rename(&mut self) {
        let epoch = format!("epoch {}", self.model.epochs.len());
        self.model.epochs.push(epoch.clone());
        let rename = move |tables: &Connection| {
            tables.execute("UPDATE server SET epoch = ?", [epoch])?;
            Ok(())
        };
        let renamed = |done: Result<(), StoreError>| done.expect("nothing is in the way");
        let taken = self.beside.0.submit(rename, renamed);
        taken.expect("nobody else waits there");
        self.beside.1.group();
    }

    // ------------------------------------------------------------------------------- storing

    /// The scribe commits what waits. Whether anything did.
    pub(super) fn commit(&mut self) -> bool {
        let some = match std::mem::take(&mut self.is_doomed) {
            // Whoever reads keeps a commit from being made, in memory.
            true => self.look(|tables| {
                chat::summary::position(tables)?;
                Ok(self.hand.group())
            }),
            false => self.hand.group(),
        };
        self.commits += u64::from(some);
        self.judge();
        some
    }

    /// Another process stores something.
    pub(super) fn store_beside(&mut self, entry: Entry) {
        let told = self.sender.clone();
        let kept = entry.clone();
        let on_done =
            move |verdict: Verdict| -> Keepsake { Box::new(told.send((kept, verdict)).is_ok()) };
        let taken = self.beside.0.append(entry, Box::new(on_done));
        assert_eq!(taken, Ok(()), "nobody else waits there");
        self.beside.1.group();
        self.judge();
    }

    /// The next commit fails, and with it all that waits by then.
    pub(super) const fn doom(&mut self) {
        self.is_doomed = true;
    }

    /// The disk is full, or not any more.
    pub(super) fn fill_the_disk(&self, full: bool) {
        self.hand.fill_the_disk(full).expect("a number is taken");
    }

    // ------------------------------------------------------------------------------- judging

    /// Compares what the log said with what the model says.
    fn judge(&mut self) {
        while let Ok((entry, verdict)) = self.receiver.try_recv() {
            if let Err(refusal) = &verdict
                && matches!(refusal.code, Code::Storage | Code::Busy)
            {
                continue;
            }
            let expected = self.model.apply(&entry);
            match (&verdict, expected) {
                (Ok(outcome), Ok((answer, repeat, events))) => {
                    assert_eq!(outcome.answer, answer, "model: the answer to {entry:?}");
                    assert_eq!(outcome.repeat, repeat, "model: a repeat of {entry:?}");
                    let told: Vec<_> = outcome.events.iter().map(happened).collect();
                    assert_eq!(told, events, "model: the events of {entry:?}");
                }
                (Err(refusal), Err(code)) => {
                    assert_eq!(refusal.code, code, "model: {entry:?}: {refusal}");
                }
                (verdict, expected) => {
                    panic!("model: {entry:?} gave {verdict:?}, not {expected:?}");
                }
            }
        }
    }

    /// Looks something up in the database, as it is.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Connection) -> Result<T, StoreError>) -> T {
        let reader = self.database.reader().expect("memory can be opened");
        reader.query(look).expect("memory can be read")
    }
}

fn happened(event: &chat::Event) -> Happened {
    Happened {
        op: event.op,
        to: match &event.to {
            To::Room { id, version, .. } => Ok((id.0, *version)),
            To::User(id) => Err(id.0),
        },
        fact: Heard::of_log(event).fact,
    }
}

/// More than `hello` and what comes with it have here: who cannot be said that is cut off.
const HELLO_BYTES: usize = 9000;

/// Settings under which connections are soon full.
pub(super) fn settings(chance: &mut Seed) -> Settings {
    let pause_bytes = [1000, 8000, 64 << 10][chance.below(3) as usize];
    let mut settings = Settings {
        pause_bytes,
        outbox_bytes_max: pause_bytes + [HELLO_BYTES, 20_000, 1 << 20][chance.below(3) as usize],
        ..Settings::default()
    };
    settings.waits.stalled = Duration::from_secs(60);
    settings
}
