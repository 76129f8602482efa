//! # Commands: what a client may want over its WebSocket
//!
//! Each command has a name, `do`, and becomes either an operation, which is answered when it is
//! stored, or a question, which is answered at once.

use super::fields::{Fields, wrong};
use super::slash::{Typed, Typing, typing};
use crate::chat::{
    Code, Emoji, Kind, Level, NotificationId, Operation, Refusal, RoomName, Standing, Style, Text,
    UserName,
};

/// What a command turned out to be.
#[derive(Debug)]
pub(super) enum Command {
    /// Something that is to last.
    Want(Operation),
    /// What somebody typed to be done.
    Run(Typed),
    /// Something that is answered from what there is.
    Ask(Question),
}

/// What is answered from what there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Rooms,
    Members,
    Bans,
    History,
    Resume,
    Typing,
    Presence,
    Notifications,
    Search,
    Ping,
    Me,
    Watch,
    Auth,
}

/// Finds out what is wanted.
pub(super) fn command(name: &str, fields: Fields<'_>) -> Result<Command, Refusal> {
    let question = match name {
        "rooms" => Question::Rooms,
        "members" => Question::Members,
        "bans" => Question::Bans,
        "history" => Question::History,
        "resume" => Question::Resume,
        "typing" => Question::Typing,
        "presence" => Question::Presence,
        "notifications" => Question::Notifications,
        "search" => Question::Search,
        "ping" => Question::Ping,
        "me" => Question::Me,
        "watch" => Question::Watch,
        "auth" => Question::Auth,
        "send" => {
            return Ok(match send(fields)? {
                Saying::Say(operation) => Command::Want(operation),
                Saying::Run(typed) => Command::Run(typed),
            });
        }
        _ => return operation(name, fields).map(Command::Want),
    };
    Ok(Command::Ask(question))
}

fn operation(name: &str, fields: Fields<'_>) -> Result<Operation, Refusal> {
    Ok(match name {
        "join" => Operation::Join {
            room: fields.room()?,
        },
        "leave" => Operation::Leave {
            room: fields.room()?,
        },
        "create_room" => create_room(fields)?,
        "change_room" => change_room(fields)?,
        "delete_room" => Operation::DeleteRoom {
            room: fields.room()?,
        },
        "invite" => Operation::Invite {
            room: fields.room()?,
            user: fields.user("user")?,
        },
        "remove" => Operation::Remove {
            room: fields.room()?,
            user: fields.user("user")?,
        },
        "ban" => Operation::Ban {
            room: fields.room()?,
            user: fields.user("user")?,
            messages: fields.maybe_flag("messages")?.unwrap_or(false),
        },
        "unban" => Operation::Unban {
            room: fields.room()?,
            user: fields.user("user")?,
        },
        "mute" => Operation::Mute {
            room: fields.room()?,
            user: fields.user("user")?,
            until: fields.maybe_time("until")?,
        },
        "role" => role_of(fields.room()?, fields.user("user")?, fields)?,
        "level" => level_of(fields)?,
        "dm" => direct(fields)?,
        "edit" => Operation::Edit {
            room: fields.room()?,
            seq: fields.number("seq")?,
            text: fields.said(false)?,
        },
        "delete" => Operation::Delete {
            room: fields.room()?,
            seq: fields.number("seq")?,
        },
        "react" | "unreact" => Operation::React {
            room: fields.room()?,
            seq: fields.number("seq")?,
            emoji: Emoji::parse("emoji", fields.text("emoji")?)?,
            on: name == "react",
        },
        "read" => read(fields)?,
        "notify" => notify(fields)?,
        "seen" => Operation::Seen {
            id: NotificationId(match fields.maybe_number("notification")? {
                Some(number) => number,
                None => fields.number("id")?,
            }),
        },
        other => {
            let tell = format!("There is no command \"{}\".", other.escape_debug());
            return Err(Refusal::new(Code::BadCommand, tell));
        }
    })
}

/// A new room, as a command or as the body of a request.
pub(super) fn create_room(fields: Fields<'_>) -> Result<Operation, Refusal> {
    let known = "`public` or `private`";
    Ok(Operation::CreateRoom {
        room: RoomName::parse_new("room", fields.text("room")?)?,
        title: fields.maybe_title("title")?,
        topic: fields.maybe_topic()?,
        kind: fields
            .maybe_word("kind", Kind::of, known)?
            .unwrap_or(Kind::Public),
    })
}

/// What is to be different about a room.
pub(super) fn change_room(fields: Fields<'_>) -> Result<Operation, Refusal> {
    let pinned = match (fields.has("pinned"), fields.maybe_number("pinned")?) {
        (false, _) => None,
        (true, pinned) => Some(pinned),
    };
    Ok(Operation::ChangeRoom {
        room: fields.room()?,
        title: fields.maybe_title("title")?,
        topic: fields.maybe_topic()?,
        kind: fields.maybe_word("kind", Kind::of, "`public` or `private`")?,
        archived: fields.maybe_flag("archived")?,
        pinned,
    })
}

/// What a member is to be.
pub(super) fn role_of(
    room: RoomName,
    user: UserName,
    fields: Fields<'_>,
) -> Result<Operation, Refusal> {
    let known = "`owner`, `moderator` or `member`";
    let found = fields.maybe_word("role", Standing::of, known)?;
    let role = found.ok_or_else(|| wrong("role", known))?;
    Ok(Operation::SetStanding { room, user, role })
}

/// What somebody wants to be told of.
pub(super) fn level_of(fields: Fields<'_>) -> Result<Operation, Refusal> {
    let known = "`everything`, `mentions`, `nothing` or `null`";
    Ok(Operation::SetLevel {
        room: fields.room()?,
        level: fields.maybe_word("level", Level::of, known)?,
    })
}

/// Up to where somebody has read.
pub(super) fn read(fields: Fields<'_>) -> Result<Operation, Refusal> {
    Ok(Operation::Read {
        room: fields.room()?,
        seq: fields.number("seq")?,
    })
}

/// The people of a direct room: `user`, or `users`.
pub(super) fn direct(fields: Fields<'_>) -> Result<Operation, Refusal> {
    let users = match fields.maybe_texts("users")? {
        Some(users) => users,
        None => vec![fields.text("user")?],
    };
    let parse = |name: &str| UserName::parse("users", name);
    Ok(Operation::Direct {
        users: users.into_iter().map(parse).collect::<Result<_, _>>()?,
    })
}

/// What somebody says, as a command or as the body of a request.
pub(super) fn send(fields: Fields<'_>) -> Result<Saying, Refusal> {
    let attachment = fields.maybe_text("attachment")?;
    let room = fields.room()?;
    let whole = fields.said(attachment.is_some())?;
    let reply_to = fields.maybe_number("reply_to")?;
    let attachment = attachment.map(str::to_owned);
    Ok(match typing(&whole) {
        Typing::Text(text) => Saying::Say(Operation::Send {
            room,
            text: Text::trusted(text),
            reply_to,
            attachment,
            style: Style::Plain,
        }),
        Typing::Command { name, rest } => Saying::Run(Typed {
            room,
            name: name.to_lowercase(),
            rest: rest.to_owned(),
            whole: whole.clone(),
            reply_to,
            attachment,
            offset: fields.maybe_offset("offset")?,
        }),
    })
}

/// What somebody sends.
#[derive(Debug)]
pub(super) enum Saying {
    /// A message.
    Say(Operation),
    /// Something to be done.
    Run(Typed),
}

/// What somebody is to know.
pub(super) fn notify(fields: Fields<'_>) -> Result<Operation, Refusal> {
    Ok(Operation::Notify {
        to: fields.user("to")?,
        text: Text::parse("text", fields.text("text")?)?,
    })
}
