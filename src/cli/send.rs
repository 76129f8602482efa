//! # `parlour send`: what a program or a script has to say
//!
//! Says something in a room, or lets somebody know something: on this machine by the database itself,
//! whether the server runs or not, and with `--url` on another by its API.
//!
//! Promises
//! 1. What was said is stored when the command ends with success.
//! 2. With a key, the same again is said once.

use std::io::{self, BufRead, Read};

use serde_json::{Value, json};

use super::CliError;
use super::command::{Command, Given};
use super::desk::{Desk, failed, refused};
use super::say;
use crate::chat::limits::TEXT_CHARS_MAX;
use crate::chat::{
    Answer, Code, Key, Operation, Refusal, Role, RoomName, Style, Text, Title, UserId, UserName,
    people,
};
use crate::client::Request;

/// Who says it if nobody is named: a bot that is made when it is first needed.
const USUAL: &str = "console";

/// Where a token may be, so that no list of processes shows it.
const TOKEN: &str = "PARLOUR_TOKEN";

/// Bytes of standard input as one text: no text that fits has more.
const INPUT_BYTES_MAX: u64 = 4 * TEXT_CHARS_MAX as u64;

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "send",
    about: "Say something in a room, or to somebody",
    arguments: &["[TEXT]"],
    options: &[
        ("room NAME", "Where to say it"),
        ("user NAME", "Whom to notify instead"),
        (
            "as NAME",
            "Who says it [default: the bot 'console', made when needed]",
        ),
        ("lines", "Each line of standard input is a message"),
        (
            "key KEY",
            "Say it once, however often it is sent with this key",
        ),
        ("url URL", "Another server's address, with a token"),
        (
            "token TOKEN",
            "With which to ask it [default: $PARLOUR_TOKEN]",
        ),
    ],
    more: "Without TEXT it is read from standard input. A bot that is not in the room yet comes into \
           it.\nWith '--lines', line 3 has the key KEY-3.",
    examples: &[
        "parlour send --room builds 'all green'",
        "make 2>&1 | tail -1 | parlour send --room builds --as ci",
        "tail -f errors.log | parlour send --room ops --lines",
        "parlour send --user ana 'the backup is done'",
        "parlour send --room builds --url https://chat.example.org --token pt_… hello",
    ],
    run: send,
}];

/// Where something goes.
#[derive(Clone, Debug)]
enum Goal {
    Room(RoomName),
    User(UserName),
}

fn send(given: &Given) -> Result<(), CliError> {
    let goal = match (given.value("room")?, given.value("user")?) {
        (Some(room), None) => Goal::Room(RoomName::parse("room", room).map_err(refused)?),
        (None, Some(user)) => Goal::User(UserName::parse("user", user).map_err(refused)?),
        _ => {
            let tell = "say where to: '--room NAME' or '--user NAME'";
            return Err(CliError::Usage(tell.to_owned()));
        }
    };
    let key = given.value("key")?;
    let mut way = match given.value("url")? {
        Some(url) => Way::there(given, url)?,
        None => Way::here(given, &goal)?,
    };
    if !given.has("lines") {
        let text = match given.perhaps(0)? {
            Some(text) => text.to_owned(),
            None => whole_input()?,
        };
        let number = way.send(&goal, text.trim_end(), key)?;
        return match goal {
            Goal::Room(room) => say(&format!("said in {room} as message {number}\n")),
            Goal::User(user) => say(&format!("{user} is notified\n")),
        };
    }
    if given.perhaps(0)?.is_some() {
        let tell = "with '--lines' the messages come from standard input, and not as TEXT";
        return Err(CliError::Usage(tell.to_owned()));
    }
    let mut count = 0u64;
    for (line, number) in io::stdin().lock().lines().zip(1u64..) {
        let line = line.map_err(|error| failed(format!("standard input: {error}")))?;
        if line.trim().is_empty() {
            continue;
        }
        let key = key.map(|key| format!("{key}-{number}"));
        way.send(&goal, &line, key.as_deref())
            .map_err(|error| failed(format!("line {number}: {error}")))?;
        count += 1;
    }
    say(&format!("sent {count} messages\n"))
}

fn whole_input() -> Result<String, CliError> {
    let mut text = String::new();
    let mut input = io::stdin().lock().take(INPUT_BYTES_MAX + 1);
    input
        .read_to_string(&mut text)
        .map_err(|error| failed(format!("standard input: {error}")))?;
    Ok(text)
}

/// How it gets there.
enum Way {
    Here { desk: Box<Desk>, by: Option<UserId> },
    There { url: String, token: String },
}

impl Way {
    /// By the database of this machine.
    fn here(given: &Given, goal: &Goal) -> Result<Self, CliError> {
        if given.value("token")?.is_some() {
            let tell = "'--token' is for another server: name it with '--url'";
            return Err(CliError::Usage(tell.to_owned()));
        }
        let desk = Box::new(Desk::open(given)?);
        let by = match (given.value("as")?, goal) {
            (Some(name), _) => Some(UserName::parse("as", name).map_err(refused)?),
            (None, Goal::Room(_)) => Some(usual(&desk)?),
            (None, Goal::User(_)) => None,
        };
        let by = match by {
            None => None,
            Some(name) => Some(speaker(&desk, &name, goal)?),
        };
        Ok(Self::Here { desk, by })
    }

    /// By another server's API.
    fn there(given: &Given, url: &str) -> Result<Self, CliError> {
        if given.value("as")?.is_some() {
            let tell = "'--as' is for this machine: there, whoever has the token says it";
            return Err(CliError::Usage(tell.to_owned()));
        }
        let in_variable = || std::env::var_os(TOKEN)?.into_string().ok();
        let token = given
            .value("token")?
            .map(str::to_owned)
            .or_else(in_variable);
        let token = token.ok_or_else(|| {
            CliError::Usage(format!("say who you are: '--token TOKEN', or in ${TOKEN}"))
        })?;
        let url = url.trim_end_matches('/').to_owned();
        Ok(Self::There { url, token })
    }

    /// Sends one text; its number there.
    fn send(&mut self, goal: &Goal, text: &str, key: Option<&str>) -> Result<u64, CliError> {
        match self {
            Self::Here { desk, by } => {
                let text = Text::parse("TEXT", text).map_err(refused)?;
                let key = key.map(|key| Key::parse("key", key)).transpose();
                let operation = match goal.clone() {
                    Goal::Room(room) => Operation::Send {
                        room,
                        text,
                        reply_to: None,
                        attachment: None,
                        style: Style::Plain,
                    },
                    Goal::User(to) => Operation::Notify { to, text },
                };
                let outcome = desk.want_under(*by, key.map_err(refused)?, operation)?;
                Ok(match outcome.answer {
                    Answer::Sent { seq, .. } => seq.into(),
                    Answer::Noted { id, .. } => id.0.into(),
                    _ => 0,
                })
            }
            Self::There { url, token } => {
                let (path, mut body) = match goal {
                    Goal::Room(room) => {
                        let room = segment(room);
                        (format!("/api/v1/rooms/{room}/messages"), json!({}))
                    }
                    Goal::User(user) => (
                        "/api/v1/notifications".to_owned(),
                        json!({"to": user.as_str()}),
                    ),
                };
                body["text"] = text.into();
                if let Some(key) = key {
                    body["key"] = key.into();
                }
                let answer = Request::post(&format!("{url}{path}"), body.to_string())
                    .header("Content-Type", "application/json")
                    .header("Authorization", &format!("Bearer {token}"))
                    .send()
                    .map_err(failed)?;
                let told: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
                if !(200..300).contains(&answer.status) {
                    let why = told["error"]["message"].as_str().map(str::to_owned);
                    let usual = || format!("{url} answered with status {}", answer.status);
                    return Err(CliError::Failed(why.unwrap_or_else(usual)));
                }
                let number = told["seq"].as_u64().or_else(|| told["id"].as_u64());
                Ok(number.unwrap_or_default())
            }
        }
    }
}

/// The bot that says what nobody in particular says.
fn usual(desk: &Desk) -> Result<UserName, CliError> {
    let name = UserName::trusted(USUAL);
    match desk.look(|tables| people::profile(tables, &name))? {
        Some(profile) if profile.role == Role::Bot && !profile.disabled => {}
        Some(_) => {
            let tell = format!("\"{USUAL}\" is no bot here: say with '--as NAME' who says it");
            return Err(CliError::Failed(tell));
        }
        None => {
            desk.want(Operation::AddUser {
                name: name.clone(),
                display_name: Title::trusted("Console"),
                email: None,
                password: None,
                role: Role::Bot,
            })?;
        }
    }
    Ok(name)
}

/// Who says it, in the room if that is where it goes: a bot comes into it.
fn speaker(desk: &Desk, name: &UserName, goal: &Goal) -> Result<UserId, CliError> {
    let unknown = || {
        refused(Refusal::new(
            Code::NotFound,
            format!("there is nobody called \"{name}\""),
        ))
    };
    let profile = desk.look(|tables| people::profile(tables, name))?;
    let profile = profile.ok_or_else(unknown)?;
    if let (Goal::Room(room), Role::Bot) = (goal, profile.role) {
        desk.want(Operation::Invite {
            room: room.clone(),
            user: name.clone(),
        })?;
    }
    Ok(profile.person.id)
}

/// A room's name as a segment of a path.
fn segment(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for byte in name.bytes() {
        match byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            true => text.push(char::from(byte)),
            false => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}
