//! # `parlour user`: accounts

use super::CliError;
use super::ask::{self, PASSWORD_STDIN, YES};
use super::command::{Command, Given, JSON};
use super::data::now_ms;
use super::desk::{Desk, refused};
use super::line::ends_at;
use super::progress::Progress;
use super::say;
use super::table::{Table, moment, words};
use crate::chat::limits::PEOPLE_MAX;
use crate::chat::{Email, Event, Operation, Outcome, Role, Title, UserName, What, people, removal};
use crate::site::{RESET_MS, Secret, SecretKind, reset_link};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "user add",
        about: "Make an account",
        arguments: &["NAME"],
        options: &[
            ("role ROLE", "'admin', 'member' or 'bot' [default: member]"),
            ("bot", "The same as '--role bot'"),
            ("display-name TEXT", "What they are called [default: NAME]"),
            ("email ADDRESS", "With which they may sign in, too"),
            PASSWORD_STDIN,
            ("no-password", "They sign in with tokens alone, as bots do"),
        ],
        more: "The first account of a server is its admin, whatever the role. The password is asked \
               for on\nthe terminal, or read from standard input; a bot needs none.",
        examples: &[
            "parlour user add ana --role admin",
            "parlour user add bo --display-name 'Bo Diddley' --email bo@example.org",
            "parlour user add ci --bot",
            "pass show chat/ci | parlour user add ci --role bot --password-stdin",
        ],
        run: add,
    },
    Command {
        name: "user list",
        about: "List accounts",
        arguments: &[],
        options: &[JSON],
        more: "",
        examples: &["parlour user list", "parlour user list --json"],
        run: list,
    },
    Command {
        name: "user password",
        about: "Give somebody another password",
        arguments: &["NAME"],
        options: &[PASSWORD_STDIN],
        more: "They are signed out everywhere.",
        examples: &["parlour user password ana"],
        run: password,
    },
    Command {
        name: "user reset",
        about: "Make a link for a forgotten password",
        arguments: &["NAME"],
        options: &[
            (
                "at URL",
                "The server's address, to put in front of the link",
            ),
            ("expires TIME", "When it ends: 30m, 12h, 7d [default: 1d]"),
        ],
        more: "Whoever has the link chooses a new password with it, once, and is signed out everywhere \
               else.\nA new link ends the one before it. It is shown once: only its hash is stored.",
        examples: &[
            "parlour user reset ana",
            "parlour user reset ana --at https://chat.example.org --expires 2h",
        ],
        run: reset,
    },
    Command {
        name: "user role",
        about: "Say what somebody may do",
        arguments: &["NAME", "ROLE"],
        options: &[],
        more: "ROLE is 'admin', 'member' or 'bot'.",
        examples: &["parlour user role bo admin"],
        run: role,
    },
    Command {
        name: "user disable",
        about: "Let nobody sign in with an account",
        arguments: &["NAME"],
        options: &[],
        more: "They are signed out everywhere at once, and their tokens are gone for good. What they \
               said stays.",
        examples: &["parlour user disable bo"],
        run: |given| set_disabled(given, true),
    },
    Command {
        name: "user enable",
        about: "Let somebody sign in again",
        arguments: &["NAME"],
        options: &[],
        more: "",
        examples: &["parlour user enable bo"],
        run: |given| set_disabled(given, false),
    },
    Command {
        name: "user erase",
        about: "Forget a person",
        arguments: &["NAME"],
        options: &[("messages", "Also remove what they said, everywhere"), YES],
        more: "Name, address, picture, password and tokens are gone for good; the name is not given \
               again.",
        examples: &[
            "parlour user erase bo",
            "parlour user erase bo --messages --yes",
        ],
        run: erase,
    },
];

/// The first argument, a person who is there.
fn named(given: &Given) -> Result<UserName, CliError> {
    UserName::parse("NAME", given.word(0)?).map_err(refused)
}

fn role_of(word: &str) -> Result<Role, CliError> {
    Role::of(word).ok_or_else(|| {
        CliError::Usage(format!(
            "there is no role '{word}': it is 'admin', 'member' or 'bot'"
        ))
    })
}

fn add(given: &Given) -> Result<(), CliError> {
    let name = UserName::parse_new("NAME", given.word(0)?).map_err(refused)?;
    let role = match (given.value("role")?, given.has("bot")) {
        (None | Some("bot"), true) => Role::Bot,
        (Some(_), true) => {
            let tell = "--bot: a bot has no other role; leave '--role' out";
            return Err(CliError::Usage(tell.to_owned()));
        }
        (role, false) => role.map_or(Ok(Role::Member), role_of)?,
    };
    let display_name = given.value("display-name")?.unwrap_or(name.as_str());
    let display_name = Title::parse("display-name", display_name).map_err(refused)?;
    let email = given.value("email")?;
    let email = email.map(|text| Email::parse("email", text)).transpose();
    let email = email.map_err(refused)?;
    let needs_none = role == Role::Bot && !given.has(PASSWORD_STDIN.0);
    let password = match needs_none || given.has("no-password") {
        true => None,
        false => Some(ask::new_password(given)?),
    };
    let desk = Desk::open_or_make(given)?;
    desk.want(Operation::AddUser {
        name: name.clone(),
        display_name,
        email,
        password,
        role,
    })?;
    let profile = desk.look(|tables| people::profile(tables, &name))?;
    let role = profile.map_or(role, |profile| profile.role);
    say(&format!("added {name}, {}\n", role.as_str()))
}

fn list(given: &Given) -> Result<(), CliError> {
    let desk = Desk::open(given)?;
    let mut table = Table::new(&[
        "name",
        "role",
        "disabled",
        "display_name",
        "email",
        "created_at",
    ]);
    let mut after: Option<UserName> = None;
    loop {
        let page = desk.look(|tables| people::people(tables, after.as_ref(), PEOPLE_MAX, None))?;
        let Some(last) = page.last() else { break };
        after = Some(last.person.name.clone());
        for profile in page {
            table.add([
                profile.person.name.as_str().into(),
                profile.role.as_str().into(),
                profile.disabled.into(),
                profile.person.display_name.as_str().into(),
                words(profile.email),
                moment(Some(profile.created_at)),
            ]);
        }
    }
    table.say(given)
}

fn password(given: &Given) -> Result<(), CliError> {
    let user = named(given)?;
    let desk = Desk::open(given)?;
    // Before anybody types a password for nobody.
    desk.user(&user)?;
    let password = ask::new_password(given)?;
    let operation = Operation::SetPassword {
        user: user.clone(),
        password,
        keep: None,
    };
    desk.want(operation)?;
    say(&format!("{user} has another password\n"))
}

fn reset(given: &Given) -> Result<(), CliError> {
    let user = named(given)?;
    let at = given.value("at")?.unwrap_or_default().trim_end_matches('/');
    let expires_at = ends_at(given)?.unwrap_or_else(|| now_ms() + RESET_MS);
    let desk = Desk::open(given)?;
    let secret = Secret::fresh(SecretKind::Reset).map_err(refused)?;
    desk.want(Operation::CreateReset {
        user,
        hash: secret.hash,
        expires_at,
    })?;
    say(&format!("{at}{}\n", reset_link(&secret)))
}

fn role(given: &Given) -> Result<(), CliError> {
    let user = named(given)?;
    let role = role_of(given.word(1)?)?;
    let desk = Desk::open(given)?;
    let operation = Operation::SetRole {
        user: user.clone(),
        role,
    };
    desk.want(operation)?;
    say(&format!("{user} is {} now\n", role.as_str()))
}

fn set_disabled(given: &Given, disabled: bool) -> Result<(), CliError> {
    let user = named(given)?;
    let desk = Desk::open(given)?;
    let operation = Operation::Disable {
        user: user.clone(),
        disabled,
    };
    desk.want(operation)?;
    let state = if disabled { "disabled" } else { "enabled" };
    say(&format!("{user} is {state}\n"))
}

fn erase(given: &Given) -> Result<(), CliError> {
    let user = named(given)?;
    let desk = Desk::open(given)?;
    let id = desk.user(&user)?;
    ask::must_be_wanted(given, &format!("Erasing {user}"))?;
    let messages = given.has("messages");
    let of = match messages {
        true => desk.look(|tables| removal::said_by(tables, id))?,
        false => 0,
    };
    let mut progress = Progress::new("erasing", "messages");
    let mut done = 0;
    let mut count = |outcome: &Outcome| {
        let removed = |event: &&Event| matches!(event.what, What::Deleted { .. });
        done += outcome.events.iter().filter(removed).count() as u64;
        progress.step(done.min(of), of);
    };
    count(&desk.want(Operation::Erase {
        user: user.clone(),
        messages,
    })?);
    // A server that runs goes on with it, too, and so does the next if this ends before its time.
    while let Some((removal, by)) = desk.look(removal::pending)? {
        count(&desk.want_as(by, Operation::GoOn { removal })?);
    }
    drop(progress);
    say(&format!("{user} is forgotten\n"))
}
