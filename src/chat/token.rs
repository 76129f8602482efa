//! # Tokens: what somebody signs in with
//!
//! Whoever has a token is its person. Only its hash is stored, so that a copy of the database signs
//! nobody in.

use super::apply::Stop;
use super::id::TokenId;
use super::limits::TOKENS_MAX;
use super::operation::Operation;
use super::outcome::Answer;
use super::refusal::{Code, Refusal};
use super::work::Work;

pub(super) fn perform(work: &mut Work<'_>, operation: &Operation) -> Result<Answer, Stop> {
    match operation {
        Operation::CreateToken {
            user,
            hash,
            name,
            expires_at,
        } => {
            let person = work.person_named(user)?;
            let sql = "SELECT count(*) FROM tokens WHERE user = ?";
            if work.value::<u32>(sql, [person.id.0])? >= TOKENS_MAX {
                let sql = "DELETE FROM tokens WHERE id =
                               (SELECT min(id) FROM tokens WHERE user = ?)";
                work.execute(sql, [person.id.0])?;
            }
            let id = work.value(
                "INSERT INTO tokens (hash, user, name, created_at, expires_at)
                 VALUES (?, ?, ?, ?, ?) RETURNING id",
                (hash, person.id.0, name.as_str(), work.at(), *expires_at),
            )?;
            Ok(Answer::Token(person.id, TokenId(id)))
        }
        _ => Err(Refusal::new(Code::NotSupported, "Not yet.").into()),
    }
}

pub(super) fn tidy(_: &mut Work<'_>) -> Result<(), Stop> {
    Ok(())
}
