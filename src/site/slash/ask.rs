//! # `/ask`: a question, answered from documents
//!
//! The room's own documents are asked first, then the server's. The answer is the bot's, so that
//! everybody who hears the question hears it.

use super::registry::Command;
use super::reply::{Asked, Reply};
use crate::chat::Refusal;
use crate::knowledge::{Base, Found, Library, answer, search};
use crate::site::docs::{self, QUESTION_CHARS_MAX};
use crate::site::hall::Hall;
use crate::web::Tick;

/// Passages that an answer is made of: one is quoted, two are named.
const HITS: usize = 3;

/// The command.
pub(super) fn command() -> Command {
    let help = "Ask a question, which is answered from documents\n\
                Those of this room come first. /ask When is the library open?";
    Command::built_in("ask", help, ask).usage("QUESTION")
}

fn ask(tick: &mut Tick<'_, Hall>, asked: &Asked) -> Result<Reply, Refusal> {
    let question = asked.rest().to_owned();
    if question.is_empty() {
        return Ok(Reply::wrong(
            "Say what you ask: /ask When is the library open?",
        ));
    }
    let length = question.chars().count();
    if length > QUESTION_CHARS_MAX {
        return Err(Refusal::too_long("text", length, QUESTION_CHARS_MAX));
    }
    let library = docs::library(tick.state)?;
    let bases = docs::asked(Base(asked.room_id.0));
    Ok(Reply::later(move || {
        match found(&library, &bases, &question) {
            Ok(found) => Reply::bot(answer(&question, &found)),
            Err(refusal) => Reply::refused(refusal),
        }
    }))
}

fn found(library: &Library, bases: &[Base], question: &str) -> Result<Found, Refusal> {
    let Some(database) = library.look().map_err(docs::unopened)? else {
        return Ok(Found::nothing());
    };
    let found = database
        .reader()?
        .query(|tables| search(tables, bases, question, HITS));
    Ok(found?)
}
