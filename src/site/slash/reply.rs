//! # Reply: what a command was asked, and what it does about it

use std::fmt;

use sha2::{Digest, Sha256};

use crate::chat::{
    Answer, Kind, Millis, Operation, Refusal, RoomId, RoomName, Standing, Style, Title, UserId,
    UserName,
};
use crate::site::searching;

/// A command as somebody typed it, and where.
#[derive(Clone, Debug)]
pub struct Asked {
    pub(super) rest: String,
    pub(super) room: RoomName,
    pub(super) room_id: RoomId,
    pub(super) kind: Kind,
    pub(super) user: UserId,
    pub(super) name: UserName,
    pub(super) display_name: Title,
    pub(super) standing: Standing,
    pub(super) is_admin: bool,
    pub(super) at: Millis,
    pub(super) offset: Option<i16>,
    pub(super) random: [u8; 16],
}

impl Asked {
    /// What stands behind the command's name, without blanks around it.
    pub fn rest(&self) -> &str {
        &self.rest
    }

    /// The same, word by word.
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.rest.split_whitespace()
    }

    /// The room's name.
    pub fn room(&self) -> &str {
        &self.room
    }

    /// The name of whoever asks.
    pub fn user(&self) -> &str {
        &self.name
    }

    /// What they want to be called.
    pub fn display_name(&self) -> &str {
        &self.display_name
    }

    /// What they are in the room.
    pub const fn standing(&self) -> Standing {
        self.standing
    }

    /// Milliseconds since 1970.
    pub const fn unix_ms(&self) -> u64 {
        self.at
    }

    /// A number below `bound`, by chance, and zero below zero; the same whenever the same command is
    /// asked for once more because no answer came. For dice, not for secrets.
    pub fn draw(&self, bound: u64) -> u64 {
        let hash = Sha256::digest(self.random);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&hash[..16]);
        let number = u128::from_le_bytes(bytes).checked_rem(bound.into());
        number.map_or(0, |number| number as u64)
    }
}

/// What comes of a command.
pub struct Reply(pub(super) Does);

/// What somebody is told when it is done.
pub(super) type Tell = Box<dyn FnOnce(&Answer) -> String + Send>;

pub(super) enum Does {
    Unknown(String),
    Tell(String),
    Refuse(Refusal),
    Say(String, Style),
    Bot(String),
    Want(Operation, Option<Tell>),
    Search(searching::Asked),
    Later(Box<dyn FnOnce() -> Reply + Send>),
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match &self.0 {
            Does::Unknown(_) => "Reply::unknown",
            Does::Tell(_) => "Reply::private",
            Does::Refuse(_) => "Reply::wrong",
            Does::Say(..) => "Reply::say",
            Does::Bot(_) => "Reply::bot",
            Does::Want(..) => "Reply::operation",
            Does::Search(_) => "Reply::search",
            Does::Later(_) => "Reply::later",
        })
    }
}

impl Reply {
    /// Tells only whoever asked.
    pub fn private(text: impl Into<String>) -> Self {
        Self(Does::Tell(text.into()))
    }

    /// Nothing is done: what was typed is wrong in this way. Say how it is right.
    pub fn wrong(text: impl Into<String>) -> Self {
        Self(Does::Refuse(Refusal::field("text", text)))
    }

    /// Nothing is done, for this reason.
    pub const fn refused(refusal: Refusal) -> Self {
        Self(Does::Refuse(refusal))
    }

    /// Whoever asked says this in the room.
    pub fn say(text: impl Into<String>) -> Self {
        Self(Does::Say(text.into(), Style::Plain))
    }

    pub(super) const fn say_as(text: String, style: Style) -> Self {
        Self(Does::Say(text, style))
    }

    /// The server's bot says this in the room, if whoever asked may speak there. What is too long for
    /// a message is cut.
    pub fn bot(text: impl Into<String>) -> Self {
        Self(Does::Bot(text.into()))
    }

    /// Does something that lasts, as whoever asked and with their rights, and tells them so.
    pub fn operation(operation: Operation, told: impl Into<String>) -> Self {
        let told = told.into();
        Self::want(operation, move |_| told)
    }

    pub(super) fn want(
        operation: Operation,
        tell: impl FnOnce(&Answer) -> String + Send + 'static,
    ) -> Self {
        Self(Does::Want(operation, Some(Box::new(tell))))
    }

    pub(super) const fn search(asked: searching::Asked) -> Self {
        Self(Does::Search(asked))
    }

    /// Finds out off the loop what to reply: what reads files or databases, or takes more than a
    /// fraction of a millisecond. One thread does this, one job after the other.
    ///
    /// ```
    /// use parlour::site::{Asked, Command, Reply};
    ///
    /// let command = Command::new("motd", "Show the message of the day", |_: &Asked| {
    ///     Reply::later(|| match std::fs::read_to_string("/etc/motd") {
    ///         Ok(text) => Reply::private(text),
    ///         Err(_) => Reply::private("There is none today."),
    ///     })
    /// });
    /// # let _ = command;
    /// ```
    pub fn later(job: impl FnOnce() -> Self + Send + 'static) -> Self {
        Self(Does::Later(Box::new(job)))
    }
}
