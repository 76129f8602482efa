//! # Messages: saying, changing, removing, reacting, reading
//!
//! Promises
//! 1. A room's messages are numbered 1, 2, 3, …; a number is never used twice and never missing,
//!    also when what it stands for is deleted.
//! 2. What is deleted is gone: its text, its reactions, its mentions, its attachment.
//! 3. Only who said something changes it; who keeps order may remove it.

use super::apply::Stop;
use super::event::{Attachment, EventKind, Message, Person, What};
use super::id::{RoomId, Seq};
use super::limits::{EMOJI_PER_MESSAGE_MAX, ROOM_MENTION_MEMBERS_MAX};
use super::mention::{Mentions, mentions};
use super::name::{Emoji, Key, RoomName, Text};
use super::notification;
use super::operation::{Level, Operation, Role, Standing, Style};
use super::outcome::Answer;
use super::place::Place;
use super::reading;
use super::refusal::{Code, Refusal};
use super::work::{Actor, Note, Work};

pub(super) fn perform(work: &mut Work<'_>, operation: &Operation) -> Result<Answer, Stop> {
    match operation {
        Operation::Send {
            room,
            text,
            reply_to,
            attachment,
            style,
        } => {
            let saying = Saying {
                text,
                reply_to: *reply_to,
                attachment: attachment.as_deref(),
                style: *style,
                client_key: work.entry().key.as_ref(),
            };
            send(work, room, saying)
        }
        Operation::Edit { room, seq, text } => edit(work, room, *seq, text),
        Operation::Delete { room, seq } => delete(work, room, *seq),
        Operation::React {
            room,
            seq,
            emoji,
            on,
        } => react(work, room, *seq, emoji, *on),
        Operation::Read { room, seq } => read(work, room, *seq),
        other => unreachable!("{other:?} is not about messages"),
    }
}

/// What is said.
pub(super) struct Saying<'a> {
    pub(super) text: &'a Text,
    pub(super) reply_to: Option<Seq>,
    pub(super) attachment: Option<&'a str>,
    pub(super) style: Style,
    /// What its author calls it.
    pub(super) client_key: Option<&'a Key>,
}

fn send(work: &mut Work<'_>, room: &RoomName, saying: Saying<'_>) -> Result<Answer, Stop> {
    let (place, actor) = work.inside(room, "sending to it")?;
    may_speak(work, &place)?;
    if saying.text.is_empty() && saying.attachment.is_none() {
        return Err(Refusal::field("text", "`text` is empty.").into());
    }
    if let Some(seq) = saying.reply_to {
        must_exist(work, &place, seq, "reply_to")?;
    }
    store(work, &place, &actor.person, saying)
}

/// Stores a message of somebody who may speak there, and tells it.
pub(super) fn store(
    work: &mut Work<'_>,
    place: &Place,
    author: &Person,
    saying: Saying<'_>,
) -> Result<Answer, Stop> {
    let Saying {
        text,
        reply_to,
        attachment,
        style,
        client_key,
    } = saying;
    let (op, seq, version) = work.tell_message(place)?;
    let key = place.id.key(seq);
    let file = attachment.map(|id| attach(work, id, key)).transpose()?;
    work.execute(
        "INSERT INTO messages (key, version, author, at, text, client_key, reply_to, attachment,
             style)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            key,
            version,
            author.id.0,
            work.at(),
            text.as_str(),
            client_key.map(Key::as_str),
            reply_to,
            attachment,
            (style != Style::Plain).then_some(style),
        ),
    )?;
    let message = Message {
        seq,
        version,
        from: author.clone(),
        at: work.at(),
        text: text.clone(),
        style,
        key: client_key.cloned(),
        reply_to,
        attachment: file,
        edited_at: None,
        deleted_at: None,
        reactions: Vec::new(),
    };
    work.tell_members(place, op, version, What::Message(message));
    call(work, place, author, seq, text, &Mentions::default())?;
    Ok(Answer::Sent {
        room: place.id,
        seq,
        version,
        at: work.at(),
    })
}

/// Whoever is no longer allowed to speak is told until when, or why.
pub(super) fn may_speak(work: &Work<'_>, place: &Place) -> Result<(), Stop> {
    if place.archived {
        let tell = format!(
            "Room \"{}\" is archived: it can be read, not written.",
            place.name
        );
        return Err(Refusal::forbidden(tell).into());
    }
    match place.muted_until {
        Some(until) if until > work.at() => {
            let tell = format!("You are muted in \"{}\" for now.", place.name);
            let mut refusal = Refusal::forbidden(tell);
            refusal.retry_after_ms = Some(until - work.at());
            Err(refusal.into())
        }
        _ => Ok(()),
    }
}

fn must_exist(work: &Work<'_>, place: &Place, seq: Seq, field: &'static str) -> Result<(), Stop> {
    let sql = "SELECT count(*) FROM messages WHERE key = ?";
    if work.value::<u32>(sql, [place.id.key(seq)])? > 0 {
        return Ok(());
    }
    let tell = format!(
        "`{field}`: there is no message {seq} in \"{}\".",
        place.name
    );
    let mut refusal = Refusal::not_found(tell);
    refusal.field = Some(field);
    Err(refusal.into())
}

/// Gives an upload to a message: its own uploader's, and only once. An avatar is none: it would go
/// with the message.
fn attach(work: &Work<'_>, id: &str, key: i64) -> Result<Attachment, Stop> {
    let by = work.by().map(|id| id.0);
    let found = work.row(
        "UPDATE uploads SET message = ? WHERE id = ? AND by = ? AND message IS NULL
           AND (SELECT avatar FROM users WHERE users.id = uploads.by) IS NOT uploads.id
         RETURNING id, name, media, bytes, width, height",
        (key, id, by),
        reading::attachment,
    )?;
    Ok(found.ok_or_else(|| {
        let mut refusal = Refusal::not_found(
            "`attachment`: there is no such upload of yours, or it is in another message or your \
             avatar already. Upload the file first.",
        );
        refusal.field = Some("attachment");
        refusal
    })?)
}

/// Notes whom a text calls, and tells them; `before` were called already.
fn call(
    work: &mut Work<'_>,
    place: &Place,
    by: &Person,
    seq: Seq,
    text: &Text,
    before: &Mentions,
) -> Result<(), Stop> {
    let now = mentions(text);
    let mut called = Vec::new();
    for name in now.names.iter().filter(|name| !before.names.contains(name)) {
        let sql = "SELECT m.user, m.level FROM members m JOIN users u ON u.id = m.user
                   WHERE u.name = ? AND m.room = ?";
        called.extend(work.row(sql, (name.as_str(), place.id.0), listener)?);
    }
    if now.everybody && !before.everybody && may_call_everybody(work, place)? {
        let sql = "SELECT user, level FROM members WHERE room = ? ORDER BY user";
        called.extend(work.rows(sql, [place.id.0], listener)?);
    }
    called.sort_unstable_by_key(|(user, _)| *user);
    called.dedup_by_key(|(user, _)| *user);
    for (user, level) in called {
        if user == by.id || level == Some(Level::Nothing) {
            continue;
        }
        let sql = "INSERT OR IGNORE INTO mentions (user, message) VALUES (?, ?)";
        if work.execute(sql, (user.0, place.id.key(seq)))? > 0 {
            notification::mention(work, user, by, place, seq, text)?;
        }
    }
    Ok(())
}

fn listener(row: &rusqlite::Row<'_>) -> rusqlite::Result<(super::id::UserId, Option<Level>)> {
    Ok((super::id::UserId(row.get(0)?), row.get(1)?))
}

/// In a large room only who keeps order wakes everybody.
fn may_call_everybody(work: &Work<'_>, place: &Place) -> Result<bool, Stop> {
    if place.standing.is_some_and(|it| it >= Standing::Moderator) {
        return Ok(true);
    }
    let sql = "SELECT count(*) FROM members WHERE room = ?";
    Ok(work.value::<u32>(sql, [place.id.0])? <= ROOM_MENTION_MEMBERS_MAX)
}

/// A message that somebody wants to do something with, and whether it is their own.
fn existing(
    work: &Work<'_>,
    place: &Place,
    actor: &Actor,
    seq: Seq,
) -> Result<(Message, bool), Stop> {
    let found = reading::message(work.connection(), place.id.key(seq))?;
    let Some(message) = found else {
        let tell = format!("There is no message {seq} in \"{}\".", place.name);
        return Err(Refusal::not_found(tell).into());
    };
    if message.deleted_at.is_some() {
        let tell = format!("Message {seq} in \"{}\" was deleted.", place.name);
        return Err(Refusal::new(Code::Gone, tell).into());
    }
    let own = message.from.id == actor.person.id;
    Ok((message, own))
}

fn edit(work: &mut Work<'_>, room: &RoomName, seq: Seq, text: &Text) -> Result<Answer, Stop> {
    let (place, actor) = work.inside(room, "changing messages in it")?;
    may_speak(work, &place)?;
    let (mut message, own) = existing(work, &place, &actor, seq)?;
    if !own {
        return Err(Refusal::forbidden("Only who sent a message may change it.").into());
    }
    if text.is_empty() && message.attachment.is_none() {
        return Err(Refusal::field("text", "`text` is empty.").into());
    }
    let before = mentions(&message.text);
    message.text = text.clone();
    message.edited_at = Some(work.at());
    message.version = room_version(work, place.id)? + 1;
    let note = Note {
        seq: Some(seq),
        ..Note::default()
    };
    let what = What::Edited {
        by: actor.person.clone(),
        message,
    };
    let version = work.tell_room(&place, EventKind::Edited, note, what)?;
    work.execute(
        "UPDATE messages SET text = ?, edited_at = ?, version = ? WHERE key = ?",
        (text.as_str(), work.at(), version, place.id.key(seq)),
    )?;
    forget_mentions(work, &place, seq, text)?;
    call(work, &place, &actor.person, seq, text, &before)?;
    Ok(Answer::Changed {
        room: place.id,
        version,
    })
}

/// Whom a changed text does not call any more is not counted any more; a notification stays.
fn forget_mentions(work: &Work<'_>, place: &Place, seq: Seq, text: &Text) -> Result<(), Stop> {
    let now = mentions(text);
    if now.everybody {
        return Ok(());
    }
    let key = place.id.key(seq);
    let sql = "SELECT u.id, u.name FROM mentions m JOIN users u ON u.id = m.user
               JOIN members b ON b.room = ? AND b.user = u.id WHERE m.message = ?";
    let counted: Vec<(u32, String)> =
        work.rows(sql, (place.id.0, key), |row| Ok((row.get(0)?, row.get(1)?)))?;
    for (user, name) in counted {
        if !now.names.iter().any(|now| now.as_str() == name) {
            let sql = "DELETE FROM mentions WHERE user = ? AND message = ?";
            work.execute(sql, (user, key))?;
        }
    }
    Ok(())
}

fn delete(work: &mut Work<'_>, room: &RoomName, seq: Seq) -> Result<Answer, Stop> {
    let (place, actor) = work
        .inside(room, "removing messages from it")
        .or_else(|stop| {
            // An admin keeps order wherever they can look.
            let (place, actor) = work.place(room)?;
            if actor.role == Role::Admin {
                Ok((place, actor))
            } else {
                Err(stop)
            }
        })?;
    let (_, own) = existing(work, &place, &actor, seq)?;
    let keeps_order =
        actor.role == Role::Admin || place.standing.is_some_and(|it| it >= Standing::Moderator);
    if !own && !keeps_order {
        let tell = "Only who sent a message, or who keeps order in the room, may remove it.";
        return Err(Refusal::forbidden(tell).into());
    }
    let version = remove(work, &place, seq, actor.person)?;
    Ok(Answer::Changed {
        room: place.id,
        version,
    })
}

/// Removes a message that is there: what it said is gone, its number stays.
pub(super) fn remove(
    work: &mut Work<'_>,
    place: &Place,
    seq: Seq,
    by: Person,
) -> Result<u32, Stop> {
    let note = Note {
        seq: Some(seq),
        ..Note::default()
    };
    let version = work.tell_room(place, EventKind::Deleted, note, What::Deleted { by, seq })?;
    let key = place.id.key(seq);
    work.execute(
        "UPDATE messages SET text = '', style = NULL, attachment = NULL, deleted_at = ?, version = ?
         WHERE key = ?",
        (work.at(), version, key),
    )?;
    work.execute("DELETE FROM reactions WHERE message = ?", [key])?;
    // Nobody is waited for at a message that is gone.
    work.execute(
        "DELETE FROM notifications WHERE room = ? AND seq = ?",
        (place.id.0, seq),
    )?;
    work.execute("DELETE FROM mentions WHERE message = ?", [key])?;
    work.execute("DELETE FROM uploads WHERE message = ?", [key])?;
    Ok(version)
}

fn react(
    work: &mut Work<'_>,
    room: &RoomName,
    seq: Seq,
    emoji: &Emoji,
    on: bool,
) -> Result<Answer, Stop> {
    let (place, actor) = work.inside(room, "reacting in it")?;
    may_speak(work, &place)?;
    let (message, _) = existing(work, &place, &actor, seq)?;
    let key = place.id.key(seq);
    let by = actor.person;
    let changed = if on {
        let is_new = !message.reactions.iter().any(|it| it.emoji == *emoji);
        if is_new && message.reactions.len() >= EMOJI_PER_MESSAGE_MAX as usize {
            let tell = format!("A message takes at most {EMOJI_PER_MESSAGE_MAX} different emoji.");
            return Err(Refusal::new(Code::TooMany, tell).into());
        }
        let sql = "INSERT OR IGNORE INTO reactions (message, emoji, user, at) VALUES (?, ?, ?, ?)";
        work.execute(sql, (key, emoji.as_str(), by.id.0, work.at()))?
    } else {
        let sql = "DELETE FROM reactions WHERE message = ? AND emoji = ? AND user = ?";
        work.execute(sql, (key, emoji.as_str(), by.id.0))?
    };
    let version = if changed == 0 {
        room_version(work, place.id)?
    } else {
        let kind = if on {
            EventKind::Reacted
        } else {
            EventKind::Unreacted
        };
        let note = Note {
            seq: Some(seq),
            text: Some(emoji.as_str()),
            ..Note::default()
        };
        let what = What::Reaction {
            by,
            seq,
            emoji: emoji.clone(),
            on,
        };
        let version = work.tell_room(&place, kind, note, what)?;
        work.execute(
            "UPDATE messages SET version = ? WHERE key = ?",
            (version, key),
        )?;
        version
    };
    Ok(Answer::Changed {
        room: place.id,
        version,
    })
}

pub(super) fn room_version(work: &Work<'_>, room: RoomId) -> Result<u32, Stop> {
    work.value("SELECT version FROM rooms WHERE id = ?", [room.0])
}

fn read(work: &mut Work<'_>, room: &RoomName, seq: Seq) -> Result<Answer, Stop> {
    let (place, actor) = work.inside(room, "reading it")?;
    let user = actor.person.id;
    let (last, before): (Seq, Seq) = work
        .row(
            "SELECT r.seq, m.read FROM rooms r JOIN members m ON m.room = r.id
             WHERE r.id = ? AND m.user = ?",
            (place.id.0, user.0),
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?
        .expect("a member has a row");
    if seq > last {
        let tell = format!("`seq` is {seq}, and the last message of \"{room}\" is {last}.");
        return Err(Refusal::field("seq", tell).into());
    }
    // A device that is behind the others takes nothing back.
    let seq = seq.max(before);
    if seq > before {
        let sql = "UPDATE members SET read = ? WHERE room = ? AND user = ?";
        work.execute(sql, (seq, place.id.0, user.0))?;
        let what = What::Read {
            room: place.name.clone(),
            id: place.id,
            seq,
        };
        work.tell_user(user, EventKind::Read, Some(place.id), Some(seq), what)?;
    }
    Ok(Answer::Read {
        room: place.id,
        seq,
    })
}
