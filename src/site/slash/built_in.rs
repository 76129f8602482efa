//! # Built-in commands
//!
//! Those that stand for something that can be done otherwise are that operation, under another name:
//! whoever may not do the one may not do the other.

use super::registry::{Command, Where, Who};
use super::reply::{Asked, Reply};
use super::{ask, poll, remind, when};
use crate::chat::{Operation, Query, Refusal, Style, Topic, UserName, summary};
use crate::site::crowd::State;
use crate::site::hall::Hall;
use crate::site::searching;
use crate::web::Tick;

/// All of them.
pub(super) fn all() -> Vec<Command> {
    vec![
        Command::built_in("help", "See which commands there are, or what one does", help)
            .usage("[COMMAND]"),
        Command::built_in("me", "Say what you do: \"/me waves\" is \"Ana waves\"", me)
            .usage("TEXT"),
        Command::built_in("shrug", "Say it with ¯\\_(ツ)_/¯ behind it", shrug).usage("[TEXT]"),
        Command::built_in(
            "topic",
            "Change what this room is about, or see it\n\"/topic -\" takes it away.",
            topic,
        )
        .usage("[TEXT]")
        .place(Where::Rooms),
        Command::built_in("invite", "Bring somebody into this room", invite)
            .usage("@NAME")
            .place(Where::Rooms),
        Command::built_in(
            "kick",
            "Send somebody out of this room; they may come back",
            kick,
        )
        .usage("@NAME")
        .who(Who::Moderators)
        .place(Where::Rooms),
        Command::built_in("ban", "Send somebody out of this room for good", ban)
            .usage("@NAME")
            .who(Who::Moderators)
            .place(Where::Rooms),
        Command::built_in(
            "mute",
            "Let somebody only read for a while\n\
             The time is like 30m, 2h or 1d; without one it is an hour. With \"off\" they may speak \
             again.",
            mute,
        )
        .usage("@NAME [TIME]")
        .who(Who::Moderators)
        .place(Where::Rooms),
        Command::built_in("who", "See who is here just now", who),
        Command::built_in("search", "Look for what was said in this room", search)
            .usage("WORDS"),
        ask::command(),
        remind::command(),
        poll::command(),
    ]
}

/// How a command is used, for whom has not used it so.
fn usage(tick: &Tick<'_, Hall>, name: &str) -> Reply {
    let how = tick.state.commands.find(name).map(|it| it.how());
    Reply::wrong(format!("It goes like this: {}", how.unwrap_or_default()))
}

fn help(tick: &mut Tick<'_, Hall>, asked: &Asked) -> Result<Reply, Refusal> {
    let commands = &tick.state.commands;
    let wanted = asked.rest().trim_start_matches('/').to_lowercase();
    if wanted.is_empty() {
        let open = commands.open_to(asked.kind, asked.standing, asked.is_admin);
        let lines = open.map(|it| format!("{} – {}", it.how(), it.about()));
        return Ok(Reply::private(lines.collect::<Vec<_>>().join("\n")));
    }
    Ok(Reply::private(match commands.find(&wanted) {
        Some(command) => format!("{}\n{}", command.how(), command.help()),
        None => commands.unknown(asked, &wanted),
    }))
}

fn me(tick: &mut Tick<'_, Hall>, asked: &Asked) -> Result<Reply, Refusal> {
    Ok(match asked.rest() {
        "" => usage(tick, "me"),
        text => Reply::say_as(text.to_owned(), Style::Action),
    })
}

fn shrug(_: &mut Tick<'_, Hall>, asked: &Asked) -> Result<Reply, Refusal> {
    // What would be emphasis is not.
    let text = format!("{} ¯\\\\\\_(ツ)\\_/¯", asked.rest());
    Ok(Reply::say(text.trim()))
}

fn topic(tick: &mut Tick<'_, Hall>, asked: &Asked) -> Result<Reply, Refusal> {
    let change = |topic: &str, told: &str| {
        let operation = Operation::ChangeRoom {
            room: asked.room.clone(),
            title: None,
            topic: Some(Topic::parse("text", topic)?),
            kind: None,
            archived: None,
            pinned: None,
        };
        Ok(Reply::operation(operation, told))
    };
    match asked.rest() {
        "" => {
            let found = tick.state.look(|tables, horizon| {
                summary::summary(tables, asked.room_id, asked.user, horizon)
            })?;
            let topic = found.map(|it| it.facts.topic);
            Ok(Reply::private(match topic.as_deref() {
                None | Some("") => "This room has no topic.".to_owned(),
                Some(topic) => format!("This room is about: {topic}"),
            }))
        }
        "-" => change("", "This room has no topic any more."),
        topic => change(topic, "The topic is changed."),
    }
}

/// The person whom a command is about, and what stands behind their name.
fn person(asked: &Asked) -> Result<Option<(UserName, &str)>, Refusal> {
    let all = asked.rest();
    let (name, rest) = all.split_once(char::is_whitespace).unwrap_or((all, ""));
    if name.is_empty() {
        return Ok(None);
    }
    Ok(Some((UserName::parse("text", name)?, rest.trim())))
}

/// A command that takes somebody's name and nothing else.
fn about_somebody(
    tick: &Tick<'_, Hall>,
    asked: &Asked,
    name: &str,
    reply: impl FnOnce(UserName) -> Reply,
) -> Result<Reply, Refusal> {
    Ok(match person(asked)? {
        Some((user, "")) => reply(user),
        _ => usage(tick, name),
    })
}

fn invite(tick: &mut Tick<'_, Hall>, asked: &Asked) -> Result<Reply, Refusal> {
    about_somebody(tick, asked, "invite", |user| {
        let told = format!("{user} is in this room now.");
        let room = asked.room.clone();
        Reply::operation(Operation::Invite { room, user }, told)
    })
}

fn kick(tick: &mut Tick<'_, Hall>, asked: &Asked) -> Result<Reply, Refusal> {
    about_somebody(tick, asked, "kick", |user| {
        let told = format!("{user} is not in this room any more.");
        let room = asked.room.clone();
        Reply::operation(Operation::Remove { room, user }, told)
    })
}

fn ban(tick: &mut Tick<'_, Hall>, asked: &Asked) -> Result<Reply, Refusal> {
    about_somebody(tick, asked, "ban", |user| {
        let told = format!("{user} cannot come back into this room.");
        let operation = Operation::Ban {
            room: asked.room.clone(),
            user,
            messages: false,
        };
        Reply::operation(operation, told)
    })
}

/// For how long somebody is muted if nothing is said.
const MUTE_MS: u64 = 60 * 60 * 1000;

/// For how long at most: a year.
const MUTE_MS_MAX: u64 = 365 * 24 * MUTE_MS;

fn mute(tick: &mut Tick<'_, Hall>, asked: &Asked) -> Result<Reply, Refusal> {
    let Some((user, time)) = person(asked)? else {
        return Ok(usage(tick, "mute"));
    };
    let room = asked.room.clone();
    if time == "off" {
        let told = format!("{user} may speak here again.");
        let until = None;
        return Ok(Reply::operation(
            Operation::Mute { room, user, until },
            told,
        ));
    }
    let ms = match time {
        "" => Some(MUTE_MS),
        time => when::span(time).filter(|ms| (1..=MUTE_MS_MAX).contains(ms)),
    };
    let Some(ms) = ms else {
        let tell = "Say for how long: 30m, 2h or 1d, up to a year. For example: /mute @bo 2h";
        return Ok(Reply::wrong(tell));
    };
    let told = format!("{user} may only read here for {}.", when::said_span(ms));
    Ok(Reply::operation(
        Operation::MuteFor { room, user, ms },
        told,
    ))
}

/// People that are named; of more the number is told.
const NAMED_MAX: usize = 50;

fn who(tick: &mut Tick<'_, Hall>, asked: &Asked) -> Result<Reply, Refusal> {
    let hall = &*tick.state;
    let with = |state: State| {
        let here = hall.presence.here(asked.room_id);
        let here = here.filter(|user| hall.crowd.state(*user) == state);
        let names = here.filter_map(|user| hall.crowd.name(user));
        names
            .take(NAMED_MAX)
            .map(|(_, display_name)| display_name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    let (online, away) = (with(State::Online), with(State::Away));
    let all = hall.presence.len(asked.room_id);
    let mut text = match (online.as_str(), away.as_str()) {
        ("", "") => "Nobody is here just now.".to_owned(),
        (online, "") => format!("Here just now: {online}."),
        ("", away) => format!("Here, but away: {away}."),
        (online, away) => format!("Here just now: {online}. Away: {away}."),
    };
    if all > NAMED_MAX {
        text.push_str(&format!(" {all} in all."));
    }
    Ok(Reply::private(text))
}

/// Hits that are told.
const HITS: u32 = 10;

fn search(tick: &mut Tick<'_, Hall>, asked: &Asked) -> Result<Reply, Refusal> {
    if asked.rest().is_empty() {
        return Ok(usage(tick, "search"));
    }
    let query = Query::parse("text", asked.rest())?;
    Ok(Reply::search(searching::Asked::in_room(
        asked.user,
        asked.room_id,
        query,
        HITS,
    )))
}
