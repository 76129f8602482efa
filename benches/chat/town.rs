//! # Town: people and rooms, filled in through the chat's own log
//!
//! Written with relaxed durability, because nothing of it is measured. Person 0 is the admin and a
//! member of nothing; the others are `u1`, `u2`, … with the tokens of [`token`].

use std::path::Path;
use std::sync::mpsc::{Receiver, Sender, channel};

use parlour::chat::{
    self, Entry, Key, Kind, Log, Operation, Refusal, RoomName, Style, Text, Title, UserId,
    UserName, Verdict,
};
use parlour::store::{Database, Durability};
use sha2::{Digest, Sha256};

use crate::Outcome;

/// Entries that may be on their way: fewer than the log takes.
const UNDER_WAY_MAX: usize = 512;

/// When everything here was said.
const AT: u64 = 1_700_000_000_000;

/// A database while it is filled.
pub(crate) struct Town {
    database: Database,
    done: Receiver<Verdict>,
    done_by: Sender<Verdict>,
    under_way: usize,
    number: u64,
}

/// The token of a person.
pub(crate) fn token(user: u32) -> String {
    format!("pt_bench{user}")
}

/// What a room is called.
pub(crate) fn room_name(room: u32) -> String {
    format!("room{room}")
}

fn checked<T>(parsed: Result<T, Refusal>) -> Outcome<T> {
    parsed.map_err(|refusal| refusal.message.into())
}

impl Town {
    /// A new database in a folder, with so many people and rooms; `is_in` says who is in which. All sign in with the same `password`, as it is stored.
    pub(crate) fn new(
        folder: &Path,
        people: u32,
        rooms: u32,
        password: &str,
        is_in: impl Fn(u32) -> Vec<u32>,
    ) -> Outcome<Self> {
        let mut town = Self::open(folder)?;
        for user in 0..=people {
            let name = format!("u{user}");
            let sign_up = Operation::SignUp {
                name: checked(UserName::parse("name", &name))?,
                display_name: checked(Title::parse("display_name", &name))?,
                email: None,
                password: password.to_owned(),
                invite: None,
            };
            town.want(None, None, sign_up)?;
            let create_token = Operation::CreateToken {
                scopes: None,
                user: checked(UserName::parse("name", &name))?,
                hash: Sha256::digest(token(user)).into(),
                name: checked(Title::parse("name", "bench"))?,
                password: None,
                expires_at: None,
            };
            town.want(Some(user), None, create_token)?;
        }
        for room in 0..rooms {
            let create_room = Operation::CreateRoom {
                room: name_of(room)?,
                title: None,
                topic: None,
                kind: Kind::Public,
            };
            town.want(Some(0), None, create_room)?;
            for user in is_in(room) {
                let room = name_of(room)?;
                town.want(Some(user), None, Operation::Join { room })?;
            }
            // Whoever made it would be one more to be told.
            let room = name_of(room)?;
            town.want(Some(0), None, Operation::Leave { room })?;
        }
        Ok(town)
    }

    /// Has people say something in rooms of a database that is there.
    pub(crate) fn say(
        folder: &Path,
        who_where: impl Iterator<Item = (u32, u32)>,
        text: &str,
    ) -> Outcome {
        let mut town = Self::open(folder)?;
        for (user, room) in who_where {
            town.send(user, room, text)?;
        }
        town.finish()
    }

    fn open(folder: &Path) -> Outcome<Self> {
        std::fs::create_dir_all(folder)?;
        let (done_by, done) = channel();
        Ok(Self {
            database: chat::open(folder, Durability::Relaxed, "bench", AT)?,
            done,
            done_by,
            under_way: 0,
            number: 0,
        })
    }

    fn send(&mut self, user: u32, room: u32, text: &str) -> Outcome {
        self.number += 1;
        let key = checked(Key::parse("key", &format!("town-{}", self.number)))?;
        let send = Operation::Send {
            room: name_of(room)?,
            text: checked(Text::parse("text", text))?,
            reply_to: None,
            attachment: None,
            style: Style::Plain,
        };
        self.want(Some(user), Some(key), send)
    }

    /// Has something done; the ids of people are one more than their numbers.
    fn want(&mut self, user: Option<u32>, key: Option<Key>, operation: Operation) -> Outcome {
        if self.under_way == UNDER_WAY_MAX {
            self.hear()?;
        }
        let mut random = [0; 16];
        random[..8].copy_from_slice(&self.number.to_le_bytes());
        let entry = Entry {
            by: user.map(|user| UserId(user + 1)),
            at: AT,
            key,
            random,
            outside: false,
            operation,
        };
        let done_by = self.done_by.clone();
        self.database
            .append(
                entry,
                Box::new(move |verdict| Box::new(done_by.send(verdict).is_ok())),
            )
            .map_err(|_| "the log is full")?;
        self.under_way += 1;
        Ok(())
    }

    fn hear(&mut self) -> Outcome {
        self.under_way -= 1;
        checked(self.done.recv()?.map(drop))
    }

    /// Waits for everything and closes the database.
    pub(crate) fn finish(mut self) -> Outcome {
        while self.under_way > 0 {
            self.hear()?;
        }
        self.database.close()?;
        Ok(())
    }
}

fn name_of(room: u32) -> Outcome<RoomName> {
    checked(RoomName::parse("room", &room_name(room)))
}
