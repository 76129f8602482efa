//! # `parlour invite`: codes with which people make accounts

use super::CliError;
use super::command::{Command, Given, JSON};
use super::desk::{Desk, refused};
use super::line::{ends_at, number};
use super::say;
use super::table::{Table, moment, words};
use crate::chat::limits::PEOPLE_MAX;
use crate::chat::{Operation, RoomName, people};
use crate::site::{Secret, SecretKind};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "invite create",
        about: "Make a code with which people sign up",
        arguments: &[],
        options: &[
            ("room ROOM", "Who signs up with it is a member there"),
            ("uses N", "How many it lets in [default: 1]"),
            (
                "expires TIME",
                "When it ends: 30m, 12h, 90d [default: never]",
            ),
        ],
        more: "The code is shown once: only its hash is stored.",
        examples: &[
            "parlour invite create",
            "parlour invite create --room general --uses 20 --expires 7d",
        ],
        run: create,
    },
    Command {
        name: "invite list",
        about: "List codes that were handed out",
        arguments: &[],
        options: &[JSON],
        more: "",
        examples: &["parlour invite list"],
        run: list,
    },
    Command {
        name: "invite revoke",
        about: "End a code",
        arguments: &["NUMBER"],
        options: &[],
        more: "Numbers are those of 'parlour invite list'.",
        examples: &["parlour invite revoke 3"],
        run: revoke,
    },
];

fn create(given: &Given) -> Result<(), CliError> {
    let room = given.value("room")?.map(|it| RoomName::parse("room", it));
    let room = room.transpose().map_err(refused)?;
    let uses = given.value("uses")?.map(|it| number("--uses", it));
    let uses = uses.transpose()?.unwrap_or(1);
    let expires_at = ends_at(given)?;
    let desk = Desk::open(given)?;
    let code = Secret::fresh(SecretKind::Invite).map_err(refused)?;
    desk.want(Operation::CreateInvite {
        hash: code.hash,
        room,
        uses,
        expires_at,
    })?;
    say(&format!("{}\n", code.text))
}

fn list(given: &Given) -> Result<(), CliError> {
    let desk = Desk::open(given)?;
    let mut table = Table::new(&[
        "number",
        "uses_left",
        "room",
        "by",
        "created_at",
        "expires_at",
    ]);
    let mut before = None;
    loop {
        let page = desk.look(|tables| people::invites(tables, None, before, PEOPLE_MAX))?;
        let Some(last) = page.last() else { break };
        before = Some(last.number);
        for invite in page {
            table.add([
                invite.number.into(),
                invite.uses_left.into(),
                words(invite.room.as_deref()),
                words(invite.by.as_deref()),
                moment(Some(invite.created_at)),
                moment(invite.expires_at),
            ]);
        }
    }
    table.say(given)
}

fn revoke(given: &Given) -> Result<(), CliError> {
    let number = number("NUMBER", given.word(0)?)?;
    let desk = Desk::open(given)?;
    desk.want(Operation::RevokeInvite { number })?;
    say(&format!("invite {number} is revoked\n"))
}
