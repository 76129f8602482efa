//! # `parlour room`: rooms

use super::CliError;
use super::ask::{self, YES};
use super::command::{Command, Given, JSON};
use super::desk::{Desk, refused};
use super::say;
use super::table::{Table, moment};
use crate::chat::limits::PEOPLE_MAX;
use crate::chat::{Kind, Operation, RoomName, Title, Topic, UserId, UserName, roster, summary};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "room list",
        about: "List rooms",
        arguments: &[],
        options: &[JSON],
        more: "",
        examples: &["parlour room list", "parlour room list --json"],
        run: list,
    },
    Command {
        name: "room create",
        about: "Make a room",
        arguments: &["NAME"],
        options: &[
            ("title TEXT", "What it is called [default: NAME]"),
            ("topic TEXT", "What it is about"),
            ("private", "Only who is invited comes in"),
            ("owner USER", "Whose it is [default: whoever joins first]"),
        ],
        more: "",
        examples: &[
            "parlour room create general --title General",
            "parlour room create board --private --owner ana",
        ],
        run: create,
    },
    Command {
        name: "room members",
        about: "List who is in a room",
        arguments: &["NAME"],
        options: &[JSON],
        more: "",
        examples: &["parlour room members general"],
        run: members,
    },
    Command {
        name: "room archive",
        about: "Let nobody say anything in a room any more",
        arguments: &["NAME"],
        options: &[("undo", "Let them speak again")],
        more: "",
        examples: &[
            "parlour room archive old-plans",
            "parlour room archive old-plans --undo",
        ],
        run: archive,
    },
    Command {
        name: "room delete",
        about: "Take a room away from everybody",
        arguments: &["NAME"],
        options: &[YES],
        more: "Its name is free again.",
        examples: &["parlour room delete old-plans --yes"],
        run: delete,
    },
];

fn named(given: &Given) -> Result<RoomName, CliError> {
    RoomName::parse("NAME", given.word(0)?).map_err(refused)
}

fn list(given: &Given) -> Result<(), CliError> {
    let desk = Desk::open(given)?;
    let mut table = Table::new(&[
        "room",
        "kind",
        "archived",
        "members",
        "messages",
        "title",
        "created_at",
    ]);
    for room in desk.look(roster::rooms)? {
        table.add([
            room.name.as_str().into(),
            room.kind.as_str().into(),
            room.archived.into(),
            room.members.into(),
            room.seq.into(),
            room.title.as_str().into(),
            moment(Some(room.created_at)),
        ]);
    }
    table.say(given)
}

fn create(given: &Given) -> Result<(), CliError> {
    let room = RoomName::parse_new("NAME", given.word(0)?).map_err(refused)?;
    let title = given.value("title")?.map(|it| Title::parse("title", it));
    let topic = given.value("topic")?.map(|it| Topic::parse("topic", it));
    let owner = given.value("owner")?.map(|it| UserName::parse("owner", it));
    let owner = owner.transpose().map_err(refused)?;
    let operation = Operation::CreateRoom {
        room: room.clone(),
        title: title.transpose().map_err(refused)?,
        topic: topic.transpose().map_err(refused)?,
        kind: if given.has("private") {
            Kind::Private
        } else {
            Kind::Public
        },
    };
    let desk = Desk::open_or_make(given)?;
    // Who makes a room is its owner.
    let by = owner.map(|owner| desk.user(&owner)).transpose()?;
    desk.want_as(by, operation)?;
    say(&format!("made {room}\n"))
}

fn members(given: &Given) -> Result<(), CliError> {
    let name = named(given)?;
    let desk = Desk::open(given)?;
    let room = desk.room(&name)?;
    let mut table = Table::new(&["user", "display_name", "role", "joined_at", "muted_until"]);
    let mut after: Option<UserId> = None;
    loop {
        let page = desk.look(|tables| summary::members(tables, room, after, PEOPLE_MAX))?;
        after = page.items.last().map(|member| member.person.id);
        for member in page.items {
            table.add([
                member.person.name.as_str().into(),
                member.person.display_name.as_str().into(),
                member.standing.as_str().into(),
                moment(Some(member.joined_at)),
                moment(member.muted_until),
            ]);
        }
        if !page.more {
            return table.say(given);
        }
    }
}

fn archive(given: &Given) -> Result<(), CliError> {
    let room = named(given)?;
    let archived = !given.has("undo");
    let desk = Desk::open(given)?;
    desk.want(Operation::ChangeRoom {
        room: room.clone(),
        title: None,
        topic: None,
        kind: None,
        archived: Some(archived),
        pinned: None,
    })?;
    let state = if archived { "archived" } else { "open again" };
    say(&format!("{room} is {state}\n"))
}

fn delete(given: &Given) -> Result<(), CliError> {
    let room = named(given)?;
    let desk = Desk::open(given)?;
    desk.room(&room)?;
    ask::must_be_wanted(given, &format!("Deleting the room {room}"))?;
    desk.want(Operation::DeleteRoom { room: room.clone() })?;
    say(&format!("{room} is deleted\n"))
}
