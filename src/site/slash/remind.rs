//! # `/remind`: what somebody wants to be told later
//!
//! Parsed here, kept and told by the chat: see [`reminder`].

use super::registry::Command;
use super::reply::{Asked, Reply};
use super::when::{When, said_moment, said_span, when};
use crate::chat::limits::REMINDER_CHARS_MAX;
use crate::chat::{Answer, Moment, Operation, Refusal, Text, UserName, Whom, reminder};
use crate::site::hall::Hall;
use crate::web::Tick;

const HELP: &str = "Be reminded, or remind somebody, or this room\n\
    The time is like \"in 10 minutes\", \"in 2h\", \"at 17:30\", \"tomorrow 9:00\" or \
    \"2026-12-01 09:00\". Clocks are yours if your client says so, and else those of \
    UTC, unless an offset stands behind: \"at 17:30 +02:00\".\n\
    /remind me in 10 minutes Take the cake out\n\
    /remind here tomorrow 9:00 The kitchen is cleaned at ten\n\
    /remind list\n\
    /remind cancel 3";

const WRONG: &str = "Say whom, when and of what: /remind me in 10 minutes Take the cake out. \
    /help remind tells more.";

/// The command.
pub(super) fn command() -> Command {
    Command::built_in("remind", HELP, remind).usage("me|@NAME|here WHEN TEXT")
}

fn remind(tick: &mut Tick<'_, Hall>, asked: &Asked) -> Result<Reply, Refusal> {
    let rest = asked.rest();
    let (first, behind) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
    match first.to_ascii_lowercase().as_str() {
        "" => Ok(Reply::wrong(WRONG)),
        "list" if behind.trim().is_empty() => list(tick, asked),
        "cancel" => Ok(cancel(behind)),
        "me" => make(Whom::Oneself, asked, behind),
        "here" => make(Whom::Room(asked.room.clone()), asked, behind),
        name if name.starts_with('@') => {
            let user = UserName::parse("text", name)?;
            let whom = match user == asked.name {
                true => Whom::Oneself,
                false => Whom::User(user),
            };
            make(whom, asked, behind)
        }
        _ => make(Whom::Oneself, asked, rest),
    }
}

fn make(whom: Whom, asked: &Asked, text: &str) -> Result<Reply, Refusal> {
    let Some((when, text)) = when(text, asked.offset) else {
        return Ok(Reply::wrong(WRONG));
    };
    let text = match text.split_once(char::is_whitespace) {
        Some((first, rest)) if first.eq_ignore_ascii_case("to") => rest.trim(),
        _ => text.trim(),
    };
    if text.is_empty() {
        return Ok(Reply::wrong(WRONG));
    }
    let length = text.chars().count();
    if length > REMINDER_CHARS_MAX {
        return Err(Refusal::too_long("text", length, REMINDER_CHARS_MAX));
    }
    let who = match &whom {
        Whom::Oneself => "I will remind you".to_owned(),
        Whom::User(name) => format!("I will remind {name}"),
        Whom::Room(_) => "I will remind this room".to_owned(),
    };
    let text = Text::parse("text", text)?;
    let operation = Operation::Remind {
        whom,
        when: when.moment,
        text,
    };
    Ok(Reply::want(operation, move |answer| {
        told(&who, when, answer)
    }))
}

/// What whoever made a reminder is told.
fn told(who: &str, when: When, answer: &Answer) -> String {
    let Answer::Reminder { id, due } = *answer else {
        return format!("{who}.");
    };
    let at = said_moment(due, when.offset);
    let time = match when.moment {
        Moment::After { ms } => format!("in {}, at {at}", said_span(ms)),
        Moment::Clock { .. } | Moment::At { .. } => format!("at {at}"),
    };
    let zone = match when.is_bare {
        true => " For clocks elsewhere say so behind the time: 17:30 +02:00.",
        false => "",
    };
    format!("{who} {time}. To take it back: /remind cancel {id}.{zone}")
}

fn list(tick: &Tick<'_, Hall>, asked: &Asked) -> Result<Reply, Refusal> {
    let all = tick
        .state
        .look(|tables, _| reminder::made_by(tables, asked.user))?;
    if all.is_empty() {
        return Ok(Reply::private("You have no reminders."));
    }
    let lines = all.into_iter().map(|it| {
        let whom = match (it.user, it.room) {
            (_, Some(room)) => format!("#{room}"),
            (Some(user), None) if user != asked.name => format!("@{user}"),
            _ => "you".to_owned(),
        };
        format!(
            "{}. {}, {whom}: {}",
            it.id,
            said_moment(it.due, asked.offset.unwrap_or(0)),
            it.text
        )
    });
    Ok(Reply::private(lines.collect::<Vec<_>>().join("\n")))
}

fn cancel(number: &str) -> Reply {
    let number = number.trim();
    match number.trim_start_matches('#').parse() {
        Ok(id) => {
            let told = format!("Reminder {id} is taken back.");
            Reply::operation(Operation::CancelReminder { id }, told)
        }
        Err(_) => Reply::wrong("Say which, by its number in /remind list: /remind cancel 3"),
    }
}
