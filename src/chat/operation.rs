//! # Operation: everything durable that can be wanted
//!
//! An [`Entry`] is an operation with all that applying it needs: who wants it, when, under which
//! key, and 16 random bytes. So applying looks at nothing but the entry and the database, and does
//! the same wherever it is done again.
//!
//! Promises
//! 1. What is in an operation has the shape that it must have (names are names, texts have their
//!    length): it was parsed once, at the edge. Whether it is *allowed* is found out by applying it.
//! 2. An entry can be written down and read again.
//! 3. Two operations with the same content have the same [`Entry::content`], whenever and by
//!    whomever they are wanted.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::id::{HookId, Millis, NotificationId, Seq, TokenId, UserId};
use super::name::{Email, Emoji, HookUrl, Key, RoomName, Text, Title, Topic, UserName};
use super::scope::Scopes;

/// A SHA-256 of something secret that was handed out.
pub type Hash = [u8; 32];

/// An operation on its way into the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Who wants it; nobody for who has no account yet, for the server itself, and for the command
    /// line, which may do what admins may and is the one of them that is `outside`.
    pub by: Option<UserId>,
    /// When it was wanted.
    pub at: Millis,
    /// Under which key.
    pub key: Option<Key>,
    /// For whatever has to be different each time, such as the name of a direct room.
    pub random: [u8; 16],
    /// Whether another process than the server stores it, so that the server has to be told.
    pub outside: bool,
    /// What is wanted.
    pub operation: Operation,
}

/// What is wanted, in short.
pub(super) type Content = [u8; 16];

impl Entry {
    /// What its key may be used for again: the same content. Nothing where it has no key.
    pub(super) fn content(&self) -> Option<Content> {
        self.key.as_ref()?;
        let asked = match &self.operation {
            // What is answered may be another thing by now.
            Operation::BotSay { room, asked, .. } => Some(Operation::BotSay {
                room: room.clone(),
                asked: asked.clone(),
                text: Text::trusted(""),
            }),
            _ => None,
        };
        let operation = asked.as_ref().unwrap_or(&self.operation);
        let text = serde_json::to_vec(operation).expect("an operation has no odd map keys");
        let hash = Sha256::digest(&text);
        let mut content = [0; 16];
        content.copy_from_slice(&hash[..16]);
        Some(content)
    }
}

/// What somebody may be in the whole server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// May do everything that the server offers.
    Admin,
    /// An ordinary person.
    Member,
    /// A program.
    Bot,
}

/// Who may see a room and come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Everybody.
    Public,
    /// Who is invited.
    Private,
    /// The people for whom it was opened, for ever.
    Direct,
}

/// What somebody may be in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Standing {
    /// Speaks.
    Member,
    /// Also keeps order: removes messages and people, mutes, bans.
    Moderator,
    /// Also changes the room and says who moderates.
    Owner,
}

/// What somebody wants to be told of in a room. Stored by number with events: new ones come last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Every message.
    Everything,
    /// When they are mentioned.
    Mentions,
    /// Nothing.
    Nothing,
}

/// Who may make an account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SignUp {
    /// Everybody.
    #[default]
    Open,
    /// Who has an invite code.
    Invite,
    /// Nobody; an admin adds people.
    Closed,
}

/// How what a message says is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    /// As it is.
    #[default]
    Plain,
    /// As what its author does: "waves" by Ana is "Ana waves".
    Action,
    /// As a question and what can be answered, by reactions.
    Poll,
}

impl Style {
    /// Whether it says nothing beyond the text. What is left out of an operation then is content that
    /// has the same hash as before there were styles, so that old keys stay good.
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
    fn is_plain(&self) -> bool {
        *self == Self::Plain
    }
}

/// Who is reminded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whom {
    /// Whoever makes the reminder.
    Oneself,
    /// Somebody else.
    User(UserName),
    /// Everybody in a room.
    Room(RoomName),
}

/// When something is due, as it was said. What it comes to depends on when it is wanted, so that the
/// same said again is the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// So long from then on.
    After {
        /// Milliseconds.
        ms: u64,
    },
    /// When clocks show this.
    Clock {
        /// So many days from that day on; the next time if it is not said.
        days: Option<u16>,
        /// Minutes since midnight.
        minute: u16,
        /// How many minutes those clocks are before UTC.
        offset: i16,
    },
    /// Then.
    At {
        /// When.
        at: Millis,
    },
}

const MINUTE_MS: i64 = 60 * 1000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

impl Moment {
    /// When that is, for what is wanted now.
    pub fn due(self, now: Millis) -> Millis {
        match self {
            Self::After { ms } => now.saturating_add(ms),
            Self::At { at } => at,
            Self::Clock {
                days,
                minute,
                offset,
            } => {
                let now = i64::try_from(now).unwrap_or(i64::MAX / 2);
                let offset_ms = i64::from(offset) * MINUTE_MS;
                let today = (now + offset_ms).div_euclid(DAY_MS);
                let on =
                    |days: i64| (today + days) * DAY_MS + i64::from(minute) * MINUTE_MS - offset_ms;
                let due = match days {
                    Some(days) => on(days.into()),
                    None if on(0) > now => on(0),
                    None => on(1),
                };
                due.try_into().unwrap_or(0)
            }
        }
    }
}

/// A change of a setting of the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// Who may make an account.
    SignUp(SignUp),
    /// What the server is called.
    Name(Title),
}

/// What becomes of the tokens that somebody signed in with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tokens {
    /// One of them ends.
    One(TokenId),
    /// All but this one end.
    AllBut(TokenId),
    /// All of them end.
    All,
}

/// What an outgoing hook may be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum HookEvent {
    /// Every message.
    Message,
    /// Messages that mention its bot.
    Mention,
    /// A command that was handed to it.
    Command,
    /// Somebody came into a room.
    Join,
}

/// Which way a hook goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "fields have the names of the contract; unusual ones are told"
)]
pub enum HookWay {
    /// What is sent to an address with this secret is said in a room.
    Incoming { hash: Hash },
    /// What happens in rooms is sent to an address, signed with the secret.
    Outgoing {
        url: HookUrl,
        events: Vec<HookEvent>,
        /// The command that is handed to it.
        command: Option<String>,
        secret: String,
    },
}

/// Everything durable that can be wanted. `by` is whoever wants it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "do", rename_all = "snake_case")]
#[expect(
    missing_docs,
    reason = "fields have the names of the contract; unusual ones are told"
)]
pub enum Operation {
    // -------------------------------------------------------------------------- accounts
    /// Makes an account. The first of a server is its admin, whatever the settings say.
    SignUp {
        name: UserName,
        display_name: Title,
        email: Option<Email>,
        /// A PHC string.
        password: String,
        /// Of an invite code.
        invite: Option<Hash>,
    },
    /// An admin, or the command line, makes an account.
    AddUser {
        name: UserName,
        display_name: Title,
        email: Option<Email>,
        password: Option<String>,
        role: Role,
    },
    /// Changes one's own password, or an admin anybody's. All tokens but `keep` end.
    SetPassword {
        user: UserName,
        password: String,
        keep: Option<TokenId>,
    },
    /// Changes one's own profile. `Some(None)` takes the avatar away.
    SetProfile {
        display_name: Option<Title>,
        avatar: Option<Option<String>>,
    },
    SetRole {
        user: UserName,
        role: Role,
    },
    /// Nobody signs in with the account any more, or again.
    Disable {
        user: UserName,
        disabled: bool,
    },
    /// Oneself or an admin: forgets a person: name, address, password, tokens, and what they said
    /// if `messages`.
    Erase {
        user: UserName,
        messages: bool,
    },
    /// Oneself or an admin; or nobody, who signs in.
    CreateToken {
        user: UserName,
        hash: Hash,
        name: Title,
        /// Of who signs in: what their password was compared with. It took a while, and if it is
        /// another by now, they have to sign in with that.
        password: Option<String>,
        expires_at: Option<Millis>,
        /// What it is good for; nothing for everything.
        scopes: Option<Scopes>,
    },
    /// Oneself or an admin.
    RevokeTokens {
        user: UserName,
        which: Tokens,
    },
    /// An admin, or a member unless sign-up is closed. With a room that they may invite to, who
    /// uses the code is a member of it.
    CreateInvite {
        hash: Hash,
        room: Option<RoomName>,
        uses: u32,
        expires_at: Option<Millis>,
    },
    RevokeInvite {
        number: u32,
    },
    /// An admin makes a link with which a forgotten password is replaced, once.
    CreateReset {
        user: UserName,
        hash: Hash,
        expires_at: Millis,
    },
    /// Uses such a link.
    Reset {
        hash: Hash,
        password: String,
    },
    Set {
        setting: Setting,
    },
    // ----------------------------------------------------------------------------- rooms
    CreateRoom {
        room: RoomName,
        title: Option<Title>,
        topic: Option<Topic>,
        kind: Kind,
    },
    /// The room of these people and whoever asks, which is made if it is not there.
    Direct {
        users: Vec<UserName>,
    },
    Join {
        room: RoomName,
    },
    Leave {
        room: RoomName,
    },
    Invite {
        room: RoomName,
        user: UserName,
    },
    Remove {
        room: RoomName,
        user: UserName,
    },
    /// Removes somebody for good, and what they said there if `messages`.
    Ban {
        room: RoomName,
        user: UserName,
        messages: bool,
    },
    Unban {
        room: RoomName,
        user: UserName,
    },
    ChangeRoom {
        room: RoomName,
        title: Option<Title>,
        topic: Option<Topic>,
        kind: Option<Kind>,
        archived: Option<bool>,
        /// `Some(None)` takes the pin out.
        pinned: Option<Option<Seq>>,
    },
    /// Takes the room away from everybody; its name is free again.
    DeleteRoom {
        room: RoomName,
    },
    SetStanding {
        room: RoomName,
        user: UserName,
        role: Standing,
    },
    /// Lets somebody only read until then; `None` lets them speak again.
    Mute {
        room: RoomName,
        user: UserName,
        until: Option<Millis>,
    },
    /// The same for so long from when it is wanted: said again, it is the same.
    MuteFor {
        room: RoomName,
        user: UserName,
        ms: u64,
    },
    /// What whoever asks wants to be told of.
    SetLevel {
        room: RoomName,
        level: Option<Level>,
    },
    // -------------------------------------------------------------------------- messages
    Send {
        room: RoomName,
        text: Text,
        reply_to: Option<Seq>,
        /// An upload's id.
        attachment: Option<String>,
        #[serde(default, skip_serializing_if = "Style::is_plain")]
        style: Style,
    },
    /// The server's bot answers in a room what somebody asked there, who has to be allowed to speak.
    BotSay {
        room: RoomName,
        /// What was asked: by it, not by the answer, a key knows what it was used for.
        asked: Text,
        text: Text,
    },
    Edit {
        room: RoomName,
        seq: Seq,
        text: Text,
    },
    Delete {
        room: RoomName,
        seq: Seq,
    },
    /// Adds a reaction or takes it back.
    React {
        room: RoomName,
        seq: Seq,
        emoji: Emoji,
        on: bool,
    },
    /// Everything up to there is read.
    Read {
        room: RoomName,
        seq: Seq,
    },
    // --------------------------------------------------------------------- notifications
    Notify {
        to: UserName,
        text: Text,
    },
    Seen {
        id: NotificationId,
    },
    // ------------------------------------------------------------------------------ hooks
    /// An owner of the room, or an admin: connects a program. Without `bot`, one is made for it.
    CreateHook {
        name: Title,
        room: Option<RoomName>,
        bot: Option<UserName>,
        way: HookWay,
    },
    /// Who made it, an owner of its room, an admin.
    PauseHook {
        hook: HookId,
        paused: bool,
    },
    DeleteHook {
        hook: HookId,
    },
    /// Says a command that hooks of the room take, and hands it to them.
    HandOver {
        room: RoomName,
        command: String,
        /// All that was typed.
        text: Text,
    },
    // -------------------------------------------------------------------------- reminders
    /// Notes what somebody is to be reminded of, when it is time.
    Remind {
        whom: Whom,
        when: Moment,
        text: Text,
    },
    /// Takes back one's own.
    CancelReminder {
        id: u32,
    },
    /// Takes a reminder away that is due, and reminds: the server, as whoever made it.
    FireReminder {
        id: u32,
    },
    // --------------------------------------------------------------------------- uploads
    /// A file that lies in the folder already.
    AddUpload {
        id: String,
        hash: String,
        name: String,
        media: String,
        bytes: u64,
        /// Width and height, if it is a picture.
        size: Option<(u32, u32)>,
    },
    // ---------------------------------------------------------------------- housekeeping
    /// Forgets what has had its time: keys, ended tokens, events of people, unused uploads.
    Tidy,
    /// Removes more of what is to go: see [`removal`](super::removal). As whoever wants it.
    GoOn {
        removal: u32,
    },
}

impl Operation {
    /// The room that it is about, where it is about one.
    pub fn room(&self) -> Option<&RoomName> {
        match self {
            Self::CreateRoom { room, .. }
            | Self::Join { room }
            | Self::Leave { room }
            | Self::Invite { room, .. }
            | Self::Remove { room, .. }
            | Self::Ban { room, .. }
            | Self::Unban { room, .. }
            | Self::ChangeRoom { room, .. }
            | Self::DeleteRoom { room }
            | Self::SetStanding { room, .. }
            | Self::Mute { room, .. }
            | Self::MuteFor { room, .. }
            | Self::SetLevel { room, .. }
            | Self::Send { room, .. }
            | Self::HandOver { room, .. }
            | Self::BotSay { room, .. }
            | Self::Edit { room, .. }
            | Self::Delete { room, .. }
            | Self::React { room, .. }
            | Self::Read { room, .. } => Some(room),
            _ => None,
        }
    }
}
