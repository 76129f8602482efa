//! # `parlour token`: what people and programs sign in with

use super::CliError;
use super::command::{Command, Given, JSON};
use super::desk::{Desk, refused};
use super::line::{ends_at, number};
use super::say;
use super::table::{Table, moment, words};
use crate::chat::limits::PEOPLE_MAX;
use crate::chat::{Operation, Scopes, Title, TokenId, Tokens, UserId, UserName, people};
use crate::site::{Secret, SecretKind};

pub(super) const COMMANDS: &[Command] = &[
    Command {
        name: "token create",
        about: "Make a token for a person or a bot",
        arguments: &["USER"],
        options: &[
            ("name TEXT", "What it is for [default: command line]"),
            (
                "expires TIME",
                "When it ends: 30m, 12h, 90d [default: never]",
            ),
            (
                "scope SCOPE",
                "'read', 'write', 'admin' or 'room:NAME'; may be given several times",
            ),
        ],
        more: "Without a scope it is good for everything that its person may; with some for these alone,\nand \
               with rooms for what is read and written there.\n\nThe token is shown once: only its hash is stored. It is all of what is said on standard \
               output,\nso that it can be piped.",
        examples: &[
            "parlour token create ci --name 'build server'",
            "parlour token create ana --expires 12h",
            "parlour token create ci --scope write --scope room:builds",
        ],
        run: create,
    },
    Command {
        name: "token list",
        about: "List tokens, of everybody or of one",
        arguments: &["[USER]"],
        options: &[JSON],
        more: "",
        examples: &["parlour token list", "parlour token list ci --json"],
        run: list,
    },
    Command {
        name: "token revoke",
        about: "End a token, or all of a person's",
        arguments: &["USER", "[NUMBER]"],
        options: &[],
        more: "Numbers are those of 'parlour token list'; without one, all end. Whoever is connected with \
               it\nis signed out within a second.",
        examples: &["parlour token revoke ci 7", "parlour token revoke ci"],
        run: revoke,
    },
];

fn create(given: &Given) -> Result<(), CliError> {
    let user = UserName::parse("USER", given.word(0)?).map_err(refused)?;
    let name = given.value("name")?.unwrap_or("command line");
    let name = Title::parse("name", name).map_err(refused)?;
    let expires_at = ends_at(given)?;
    let scopes = Scopes::parse("scope", given.values("scope")?).map_err(refused)?;
    let desk = Desk::open(given)?;
    let token = Secret::fresh(SecretKind::Token).map_err(refused)?;
    desk.want(Operation::CreateToken {
        user,
        hash: token.hash,
        name,
        password: None,
        expires_at,
        scopes,
    })?;
    say(&format!("{}\n", token.text))
}

fn list(given: &Given) -> Result<(), CliError> {
    let user = given.perhaps(0)?;
    let user = user.map(|text| UserName::parse("USER", text)).transpose();
    let user = user.map_err(refused)?;
    let desk = Desk::open(given)?;
    let mut table = Table::new(&[
        "number",
        "user",
        "name",
        "created_at",
        "expires_at",
        "scopes",
    ]);
    let mut add = |id: UserId, name: &UserName| -> Result<(), CliError> {
        for token in desk.look(|tables| people::tokens_of(tables, id))? {
            table.add([
                token.id.0.into(),
                name.as_str().into(),
                token.name.as_str().into(),
                moment(Some(token.created_at)),
                moment(token.expires_at),
                words(token.scopes.as_ref().map(Scopes::to_string)),
            ]);
        }
        Ok(())
    };
    if let Some(user) = user {
        add(desk.user(&user)?, &user)?;
        return table.say(given);
    }
    let mut after: Option<UserName> = None;
    loop {
        let page = desk.look(|tables| people::people(tables, after.as_ref(), PEOPLE_MAX, None))?;
        let Some(last) = page.last() else { break };
        after = Some(last.person.name.clone());
        for profile in &page {
            add(profile.person.id, &profile.person.name)?;
        }
    }
    table.say(given)
}

fn revoke(given: &Given) -> Result<(), CliError> {
    let user = UserName::parse("USER", given.word(0)?).map_err(refused)?;
    let which = match given.perhaps(1)? {
        None => Tokens::All,
        Some(text) => Tokens::One(TokenId(number("NUMBER", text)?)),
    };
    let desk = Desk::open(given)?;
    let operation = Operation::RevokeTokens {
        user: user.clone(),
        which,
    };
    desk.want(operation)?;
    match which {
        Tokens::One(id) => say(&format!("token {} of {user} is revoked\n", id.0)),
        _ => say(&format!("all tokens of {user} are revoked\n")),
    }
}
