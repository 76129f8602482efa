//! # `parlour settings`: what an admin sets

use serde_json::Value;

use super::CliError;
use super::command::{Command, Given, JSON, nearest};
use super::desk::{Desk, refused};
use super::table::{Table, words};
use crate::chat::{Operation, Setting, SignUp, Title, people};

pub(super) const COMMANDS: &[Command] = &[Command {
    name: "settings",
    about: "Show or change settings",
    arguments: &["[NAME]", "[VALUE]"],
    options: &[JSON],
    more: "Settings:\n  \
           sign_up  Who may make an account: 'open', everybody; 'invite', who has a code;\n           \
           'closed', nobody\n  \
           name     What the server is called",
    examples: &[
        "parlour settings",
        "parlour settings sign_up",
        "parlour settings sign_up invite",
    ],
    run,
}];

const NAMES: [&str; 2] = ["sign_up", "name"];

fn run(given: &Given) -> Result<(), CliError> {
    let name = given.perhaps(0)?;
    if let Some(name) = name.filter(|name| !NAMES.contains(name)) {
        let tell = match nearest(name, NAMES.into_iter()) {
            Some(near) => format!("there is no setting '{name}'; did you mean '{near}'?"),
            None => format!(
                "there is no setting '{name}': there are {}",
                NAMES.join(", ")
            ),
        };
        return Err(CliError::Usage(tell));
    }
    let desk = match (name, given.perhaps(1)?) {
        (Some(name), Some(value)) => {
            let setting = setting(name, value)?;
            let desk = Desk::open_or_make(given)?;
            desk.want(Operation::Set { setting })?;
            desk
        }
        _ => Desk::open(given)?,
    };
    let settings = desk.look(people::settings)?;
    let mut table = Table::new(&["name", "value"]);
    let values: [Value; 2] = [settings.sign_up.as_str().into(), words(settings.name)];
    for (known, value) in NAMES.into_iter().zip(values) {
        if name.is_none_or(|name| name == known) {
            table.add([known.into(), value]);
        }
    }
    table.say(given)
}

fn setting(name: &str, value: &str) -> Result<Setting, CliError> {
    match name {
        "sign_up" => SignUp::of(value).map(Setting::SignUp).ok_or_else(|| {
            CliError::Usage(format!(
                "sign_up cannot be '{value}': it is 'open', 'invite' or 'closed'"
            ))
        }),
        _ => Title::parse("name", value)
            .map(Setting::Name)
            .map_err(refused),
    }
}
