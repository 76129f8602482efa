//! # Apply: doing what is wanted, the same way wherever it is done
//!
//! Runs on the scribe's thread, inside of the transaction. What comes of an entry depends on the
//! entry and on the tables, and on nothing else: no clock, no chance, no environment.
//!
//! Promises
//! 1. A refusal undoes everything: either all of an operation is there, or nothing of it.
//! 2. A key that the same person has used before gives the first answer if the content is the same,
//!    and [`Code::KeyReused`] otherwise; nothing is stored in either case.
//! 3. Each event has the server's next op, and in a room the room's next version: no gaps.
//!
//! Start reading at [`apply`]; what each operation does is in the file of its noun.

use rusqlite::{Connection, OptionalExtension, Row};

use super::id::{HookId, Millis, NotificationId, RoomId, TokenId, UserId};
use super::name::Key;
use super::operation::{Content, Entry, Operation};
use super::outcome::{Answer, Outcome};
use super::reading::row;
use super::refusal::{Code, Refusal};
use super::work::Work;
use super::{account, bot, hook, message, notification, reminder, removal, room, token, upload};
use crate::store::{StoreError, Tables, rusqlite};

/// Why an operation was not applied.
#[derive(Debug)]
pub(super) enum Stop {
    /// It may not be done.
    Refused(Refusal),
    /// The database failed.
    Failed(StoreError),
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<StoreError> for Stop {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

impl From<rusqlite::Error> for Stop {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Does what an entry wants, of which this is the content. After a [`Stop`] the caller undoes what was
/// written.
pub(super) fn apply(
    tables: Tables<'_>,
    entry: &Entry,
    content: Option<Content>,
) -> Result<Outcome, Stop> {
    if let Some(answer) = first_answer(tables, entry, content)? {
        return Ok(Outcome {
            answer,
            repeat: true,
            events: Vec::new(),
            ended: Vec::new(),
        });
    }
    let mut work = Work::new(tables, entry);
    let answer = perform(&mut work, &entry.operation)?;
    remember(&work, entry, content, &answer)?;
    Ok(work.into_outcome(answer))
}

fn perform(work: &mut Work<'_>, operation: &Operation) -> Result<Answer, Stop> {
    use Operation as O;
    match operation {
        O::SignUp { .. }
        | O::AddUser { .. }
        | O::SetPassword { .. }
        | O::SetProfile { .. }
        | O::SetRole { .. }
        | O::Disable { .. }
        | O::Erase { .. }
        | O::Set { .. } => account::perform(work, operation),
        O::CreateToken { .. }
        | O::RevokeTokens { .. }
        | O::CreateInvite { .. }
        | O::RevokeInvite { .. }
        | O::CreateReset { .. }
        | O::Reset { .. } => token::perform(work, operation),
        O::CreateRoom { .. }
        | O::Direct { .. }
        | O::Join { .. }
        | O::Leave { .. }
        | O::Invite { .. }
        | O::Remove { .. }
        | O::Ban { .. }
        | O::Unban { .. }
        | O::ChangeRoom { .. }
        | O::DeleteRoom { .. }
        | O::SetStanding { .. }
        | O::Mute { .. }
        | O::MuteFor { .. }
        | O::SetLevel { .. } => room::perform(work, operation),
        O::Send { .. } | O::Edit { .. } | O::Delete { .. } | O::React { .. } | O::Read { .. } => {
            message::perform(work, operation)
        }
        O::BotSay { .. } => bot::perform(work, operation),
        O::Notify { .. } | O::Seen { .. } => notification::perform(work, operation),
        O::CreateHook { .. } | O::PauseHook { .. } | O::DeleteHook { .. } | O::HandOver { .. } => {
            hook::perform(work, operation)
        }
        O::Remind { .. } | O::CancelReminder { .. } | O::FireReminder { .. } => {
            reminder::perform(work, operation)
        }
        O::AddUpload { .. } => upload::perform(work, operation),
        O::GoOn { removal } => removal::go_on(work, *removal),
        O::Tidy => {
            account::tidy(work)?;
            token::tidy(work)?;
            upload::tidy(work)?;
            tidy(work)?;
            Ok(Answer::Done)
        }
    }
}

/// How long keys are remembered but for those of messages and notifications, which are for ever.
const KEYS_MS: u64 = 7 * 24 * 60 * 60 * 1000;

fn tidy(work: &Work<'_>) -> Result<(), Stop> {
    let sql = "DELETE FROM keys WHERE at < ? AND answer NOT IN (?, ?)";
    let old = work.at().saturating_sub(KEYS_MS);
    work.execute(sql, (old, Kept::Sent as i64, Kept::Noted as i64))?;
    Ok(())
}

/// The answer that the entry's key got before.
fn first_answer(
    tables: Tables<'_>,
    entry: &Entry,
    content: Option<Content>,
) -> Result<Option<Answer>, Stop> {
    let (Some(by), Some(key), Some(content)) = (entry.by, &entry.key, content) else {
        return Ok(None);
    };
    let sql = "SELECT content, answer, room, seq, version, number, at FROM keys
               WHERE user = ? AND key = ?";
    let kept = |row: &Row<'_>| {
        let first: Content = row.get(0)?;
        let room = RoomId(row.get::<_, Option<u32>>(2)?.unwrap_or_default());
        let seq = row.get::<_, Option<u32>>(3)?.unwrap_or_default();
        let version = row.get::<_, Option<u32>>(4)?.unwrap_or_default();
        let number = row.get::<_, Option<u32>>(5)?.unwrap_or_default();
        let at: Millis = row.get(6)?;
        let answer = match row.get::<_, i64>(1)? {
            n if n == Kept::Sent as i64 => Answer::Sent {
                room,
                seq,
                version,
                at,
            },
            n if n == Kept::Changed as i64 => Answer::Changed { room, version },
            n if n == Kept::Room as i64 => Answer::Room(room),
            n if n == Kept::Noted as i64 => {
                let id = NotificationId(number);
                Answer::Noted { id, at }
            }
            n if n == Kept::Read as i64 => Answer::Read { room, seq },
            n if n == Kept::Seen as i64 => Answer::Seen,
            n if n == Kept::User as i64 => Answer::User(UserId(number)),
            n if n == Kept::Token as i64 => Answer::Token(UserId(seq), TokenId(number)),
            n if n == Kept::Invite as i64 => Answer::Invite(number),
            n if n == Kept::Hook as i64 => Answer::Hook(HookId(number)),
            n if n == Kept::Reminder as i64 => Answer::Reminder {
                id: number,
                due: reminder::due(&entry.operation, at),
            },
            _ => Answer::Done,
        };
        Ok((first, answer))
    };
    let found = tables.with(sql, |it| {
        it.query_row((by.0, key.as_str()), kept).optional()
    })?;
    let Some((first, answer)) = found else {
        return Ok(None);
    };
    if first == content {
        return Ok(Some(answer));
    }
    let tell = format!(
        "The key \"{key}\" was used for something else before. Nothing was stored. Use a new, \
         random key for each thing that you want done."
    );
    Err(Refusal::new(Code::KeyReused, tell).into())
}

/// Whether somebody has had something done under a key.
pub fn is_used(connection: &Connection, user: UserId, key: &Key) -> Result<bool, StoreError> {
    let sql = "SELECT 1 FROM keys WHERE user = ? AND key = ?";
    let found = row(connection, sql, (user.0, key.as_str()), |_| Ok(()))?;
    Ok(found.is_some())
}

/// The numbers under which answers are kept. They never change.
enum Kept {
    Sent = 1,
    Changed = 2,
    Room = 3,
    Noted = 4,
    Read = 5,
    Seen = 6,
    User = 7,
    Token = 8,
    Invite = 9,
    Done = 10,
    Reminder = 11,
    Hook = 21,
}

/// Keeps the answer under the entry's key.
fn remember(
    work: &Work<'_>,
    entry: &Entry,
    content: Option<Content>,
    answer: &Answer,
) -> Result<(), Stop> {
    let (Some(by), Some(key), Some(content)) = (entry.by, &entry.key, content) else {
        return Ok(());
    };
    type Columns = (Kept, Option<u32>, Option<u32>, Option<u32>, Option<u32>);
    let (kept, room, seq, version, number): Columns = match *answer {
        Answer::Sent {
            room, seq, version, ..
        } => (Kept::Sent, Some(room.0), Some(seq), Some(version), None),
        Answer::Changed { room, version } => {
            (Kept::Changed, Some(room.0), None, Some(version), None)
        }
        Answer::Room(room) => (Kept::Room, Some(room.0), None, None, None),
        Answer::Noted { id, .. } => (Kept::Noted, None, None, None, Some(id.0)),
        Answer::Read { room, seq } => (Kept::Read, Some(room.0), Some(seq), None, None),
        Answer::Seen => (Kept::Seen, None, None, None, None),
        Answer::User(id) => (Kept::User, None, None, None, Some(id.0)),
        Answer::Token(user, id) => (Kept::Token, None, Some(user.0), None, Some(id.0)),
        Answer::Invite(number) => (Kept::Invite, None, None, None, Some(number)),
        Answer::Hook(id) => (Kept::Hook, None, None, None, Some(id.0)),
        Answer::Reminder { id, .. } => (Kept::Reminder, None, None, None, Some(id)),
        Answer::Done => (Kept::Done, None, None, None, None),
    };
    work.execute(
        "INSERT INTO keys (user, key, content, at, answer, room, seq, version, number)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            by.0,
            key.as_str(),
            content,
            entry.at,
            kept as i64,
            room,
            seq,
            version,
            number,
        ),
    )?;
    Ok(())
}
