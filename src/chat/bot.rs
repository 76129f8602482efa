//! # Bot: who answers what people ask of the server itself
//!
//! An account like others, but for that nobody signs in with it. It is in no room and answers in all
//! of them, with the rights of whoever asks.
//!
//! Promises
//! 1. It is made when it is needed first, by the operation that needs it, and stays the same.
//! 2. It is called [`NAME`], unless somebody was before nobody could be.

use super::account::{self, Account};
use super::apply::Stop;
use super::event::Person;
use super::message::{self, Saying, may_speak};
use super::name::{Title, UserName};
use super::operation::{Operation, Role, Style};
use super::outcome::Answer;
use super::refusal::{Code, Refusal};
use super::work::{Work, person};

/// What it is called. Nobody else can be any more.
pub(super) const NAME: &str = "parlour";

/// What others see.
const DISPLAY_NAME: &str = "Parlour";

pub(super) fn perform(work: &mut Work<'_>, operation: &Operation) -> Result<Answer, Stop> {
    let Operation::BotSay { room, text, .. } = operation else {
        unreachable!("{operation:?} is not about the bot");
    };
    let (place, _) = work.inside(room, "asking in it")?;
    may_speak(work, &place)?;
    let bot = bot(work)?;
    let saying = Saying {
        text,
        reply_to: None,
        attachment: None,
        style: Style::Plain,
        client_key: None,
    };
    message::store(work, &place, &bot, saying)
}

/// The bot, which is made if there is none.
pub(super) fn bot(work: &Work<'_>) -> Result<Person, Stop> {
    let sql = "SELECT u.id, u.name, u.display_name, u.disabled_at IS NOT NULL
               FROM settings s JOIN users u ON u.id = CAST(s.value AS INTEGER)
               WHERE s.name = 'bot' AND u.erased_at IS NULL";
    let found = work.row(sql, (), |row| Ok((person(row, 0)?, row.get(3)?)))?;
    match found {
        None => make(work),
        Some((bot, false)) => Ok(bot),
        Some((bot, true)) => {
            let tell = format!("An admin has disabled the bot \"{}\".", bot.name);
            Err(Refusal::forbidden(tell).into())
        }
    }
}

fn make(work: &Work<'_>) -> Result<Person, Stop> {
    let bot = (1..).find_map(|turn: u32| match named(work, turn) {
        Err(Stop::Refused(refusal)) if refusal.code == Code::Exists => None,
        made => Some(made),
    });
    let bot = bot.expect("there are more names than people")?;
    work.execute(
        "INSERT INTO settings (name, value) VALUES ('bot', ?)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        [bot.id.0.to_string()],
    )?;
    Ok(bot)
}

/// The bot with the first, the second, … name that it may have.
fn named(work: &Work<'_>, turn: u32) -> Result<Person, Stop> {
    let name = match turn {
        1 => NAME.to_owned(),
        2 => format!("{NAME}-bot"),
        _ => format!("{NAME}-bot-{turn}"),
    };
    let account = Account {
        name: &UserName::trusted(name),
        display_name: &Title::trusted(DISPLAY_NAME),
        email: None,
        password: None,
        role: Role::Bot,
    };
    account::add(work, &account)
}
