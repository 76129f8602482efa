//! # Tokens, invite codes, reset links: secrets that were handed out
//!
//! Whoever has a token is its person; whoever has an invite code may make an account; whoever has a
//! reset link chooses a new password. Only hashes are stored, so that a copy of the database lets
//! nobody in.
//!
//! Promises
//! 1. A token's number is never used again.
//! 2. Whoever loses a token loses the connections that were made with it, and their other devices
//!    are told.

use super::apply::Stop;
use super::event::{EventKind, Person, What};
use super::id::{Millis, RoomId, TokenId, UserId};
use super::limits::{INVITE_USES_MAX, INVITES_MAX, TOKENS_MAX};
use super::name::{RoomName, Title, UserName};
use super::operation::{Hash, Operation, Role, SignUp, Tokens};
use super::outcome::{Answer, Ended};
use super::refusal::{Code, Refusal};
use super::room::must_be_open;
use super::scope::Scopes;
use super::work::Work;
use super::{account, people};

pub(super) fn perform(work: &mut Work<'_>, operation: &Operation) -> Result<Answer, Stop> {
    match operation {
        Operation::CreateToken {
            user,
            hash,
            name,
            password,
            expires_at,
            scopes,
        } => {
            let person = match work.by() {
                None if !work.is_command_line() => signing_in(work, user, password.as_deref())?,
                _ => work.subject(user, "create tokens for them")?,
            };
            create(work, &person, hash, name, (*expires_at, scopes.as_ref()))
        }
        Operation::RevokeTokens { user, which } => revoke(work, user, *which),
        Operation::CreateInvite {
            hash,
            room,
            uses,
            expires_at,
        } => create_invite(work, hash, room.as_ref(), *uses, *expires_at),
        Operation::RevokeInvite { number } => revoke_invite(work, *number),
        Operation::CreateReset {
            user,
            hash,
            expires_at,
        } => create_reset(work, user, hash, *expires_at),
        Operation::Reset { hash, password } => reset(work, hash, password),
        other => unreachable!("{other:?} is not about secrets"),
    }
}

fn must_be_ahead(work: &Work<'_>, expires_at: Option<Millis>) -> Result<(), Stop> {
    if expires_at.is_some_and(|end| end <= work.at()) {
        let tell = "`expires_at` has passed already. Choose a time that is still to come.";
        return Err(Refusal::field("expires_at", tell).into());
    }
    Ok(())
}

fn must_be_enabled(work: &Work<'_>, user: UserId) -> Result<(), Stop> {
    let sql = "SELECT disabled_at IS NULL FROM users WHERE id = ?";
    if work.value(sql, [user.0])? {
        return Ok(());
    }
    let tell = "This account is disabled: nobody can sign in with it. Ask the server's admin.";
    Err(Refusal::forbidden(tell).into())
}

// -------------------------------------------------------------------------------------- tokens

/// Who is somebody only with the token that they are about to get.
fn signing_in(work: &Work<'_>, user: &UserName, password: Option<&str>) -> Result<Person, Stop> {
    let person = work.person_named(user)?;
    let sql = "SELECT EXISTS (SELECT 1 FROM users WHERE id = ? AND password = ?)";
    if work.value(sql, (person.id.0, password))? {
        return Ok(person);
    }
    let tell = "The password was changed at this moment. Sign in with the new one.";
    Err(Refusal::new(Code::Unauthenticated, tell).into())
}

fn create(
    work: &mut Work<'_>,
    person: &Person,
    hash: &Hash,
    name: &Title,
    (expires_at, scopes): (Option<Millis>, Option<&Scopes>),
) -> Result<Answer, Stop> {
    must_be_enabled(work, person.id)?;
    must_be_ahead(work, expires_at)?;
    let sql = "SELECT count(*) FROM tokens WHERE user = ?";
    if work.value::<u32>(sql, [person.id.0])? >= TOKENS_MAX {
        // A browser signs in again; a program's token, which has no end, was set up by hand.
        let sql = "SELECT id FROM tokens WHERE user = ? ORDER BY expires_at IS NULL, id LIMIT 1";
        let oldest = work.value(sql, [person.id.0])?;
        end_token(work, person.id, TokenId(oldest))?;
    }
    let id = work.value(
        "INSERT INTO tokens (hash, user, name, created_at, expires_at, scopes)
         VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (
            hash,
            person.id.0,
            name.as_str(),
            work.at(),
            expires_at,
            scopes.map(Scopes::to_string),
        ),
    )?;
    Ok(Answer::Token(person.id, TokenId(id)))
}

fn revoke(work: &mut Work<'_>, user: &UserName, which: Tokens) -> Result<Answer, Stop> {
    let person = work.subject(user, "sign them out")?;
    match which {
        Tokens::All => sign_out(work, person.id, None)?,
        Tokens::AllBut(keep) => sign_out(work, person.id, Some(keep))?,
        Tokens::One(id) => {
            if !end_token(work, person.id, id)? {
                let tell = format!("\"{user}\" has no token {}.", id.0);
                return Err(Refusal::not_found(tell).into());
            }
        }
    }
    Ok(Answer::Done)
}

/// Ends one token of somebody's; whether they had it.
fn end_token(work: &mut Work<'_>, user: UserId, id: TokenId) -> Result<bool, Stop> {
    let sql = "DELETE FROM tokens WHERE id = ? AND user = ?";
    if work.execute(sql, (id.0, user.0))? == 0 {
        return Ok(false);
    }
    work.end(Ended::Token(user, id));
    work.tell_user(user, EventKind::SignedOut, None, None, What::SignedOut)?;
    Ok(true)
}

/// Ends all tokens of somebody but one.
pub(super) fn sign_out(
    work: &mut Work<'_>,
    user: UserId,
    keep: Option<TokenId>,
) -> Result<(), Stop> {
    let sql = "DELETE FROM tokens WHERE user = ? AND id IS NOT ?";
    let ended = work.execute(sql, (user.0, keep.map(|id| id.0)))?;
    work.end(Ended::User(user, keep));
    if ended > 0 {
        work.tell_user(user, EventKind::SignedOut, None, None, What::SignedOut)?;
    }
    Ok(())
}

// ------------------------------------------------------------------------------------- invites

fn create_invite(
    work: &Work<'_>,
    hash: &Hash,
    room: Option<&RoomName>,
    uses: u32,
    expires_at: Option<Millis>,
) -> Result<Answer, Stop> {
    if !work.is_command_line() {
        let actor = work.actor()?;
        let may = match actor.role {
            Role::Admin => true,
            Role::Member => people::settings(work.connection())?.sign_up != SignUp::Closed,
            Role::Bot => false,
        };
        if !may {
            let tell = "Only an admin may invite people to this server.";
            return Err(Refusal::forbidden(tell).into());
        }
        let sql = "SELECT count(*) FROM invites WHERE by = ?";
        if work.value::<u32>(sql, [actor.person.id.0])? >= INVITES_MAX {
            let tell =
                format!("Nobody has more than {INVITES_MAX} invite codes. Revoke one first.");
            return Err(Refusal::new(Code::TooMany, tell).into());
        }
    }
    must_be_ahead(work, expires_at)?;
    if !(1..=INVITE_USES_MAX).contains(&uses) {
        let tell = format!("`uses` is {uses}, and has to be from 1 to {INVITE_USES_MAX}.");
        return Err(Refusal::field("uses", tell).into());
    }
    let room = match room {
        None => None,
        Some(name) => {
            let place = match work.by() {
                None => work.any_place(name)?,
                Some(_) => work.inside(name, "inviting people to it")?.0,
            };
            must_be_open(&place, "be invited")?;
            Some(place.id.0)
        }
    };
    let number = work.value(
        "INSERT INTO invites (hash, by, room, uses_left, created_at, expires_at)
         VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (
            hash,
            work.by().map(|id| id.0),
            room,
            uses,
            work.at(),
            expires_at,
        ),
    )?;
    Ok(Answer::Invite(number))
}

/// Uses a code once; nothing if it is not good any more, otherwise the room that it leads to, if
/// that can still be joined.
pub(super) fn use_invite(work: &Work<'_>, hash: &Hash) -> Result<Option<Option<RoomId>>, Stop> {
    work.row(
        "UPDATE invites SET uses_left = uses_left - 1
         WHERE hash = ? AND uses_left > 0 AND (expires_at IS NULL OR expires_at > ?)
         RETURNING (SELECT id FROM rooms WHERE id = room
                    AND deleted_at IS NULL AND archived_at IS NULL)",
        (hash, work.at()),
        |row| Ok(row.get::<_, Option<u32>>(0)?.map(RoomId)),
    )
}

/// One's own, or for an admin anybody's.
fn revoke_invite(work: &Work<'_>, number: u32) -> Result<Answer, Stop> {
    let (sees_all, by) = if work.is_command_line() {
        (true, None)
    } else {
        let actor = work.actor()?;
        (actor.role == Role::Admin, Some(actor.person.id.0))
    };
    let sql = "DELETE FROM invites WHERE id = ? AND (? OR by = ?)";
    if work.execute(sql, (number, sees_all, by))? == 0 {
        let tell = format!("You have no invite code with number {number}.");
        return Err(Refusal::not_found(tell).into());
    }
    Ok(Answer::Done)
}

// -------------------------------------------------------------------------------------- resets

fn create_reset(
    work: &Work<'_>,
    user: &UserName,
    hash: &Hash,
    expires_at: Millis,
) -> Result<Answer, Stop> {
    work.must_be_admin("make links for forgotten passwords")?;
    let person = work.person_named(user)?;
    must_be_enabled(work, person.id)?;
    must_be_ahead(work, Some(expires_at))?;
    // The newest is the one that its person has been sent.
    let sql = "INSERT OR REPLACE INTO resets (user, hash, expires_at) VALUES (?, ?, ?)";
    work.execute(sql, (person.id.0, hash, expires_at))?;
    Ok(Answer::Done)
}

fn reset(work: &mut Work<'_>, hash: &Hash, password: &str) -> Result<Answer, Stop> {
    let sql = "DELETE FROM resets WHERE hash = ? AND expires_at > ? RETURNING user";
    let user = work.row(sql, (hash, work.at()), |row| Ok(UserId(row.get(0)?)))?;
    let Some(user) = user else {
        let tell = "This link was used already, or is too old. Ask the server's admin for another.";
        return Err(Refusal::not_found(tell).into());
    };
    account::set_password(work, user, password, None)?;
    Ok(Answer::User(user))
}

// -------------------------------------------------------------------------------- housekeeping

pub(super) fn tidy(work: &mut Work<'_>) -> Result<(), Stop> {
    let at = work.at();
    let sql = "DELETE FROM tokens WHERE expires_at <= ? RETURNING user, id";
    let expired = work.rows(sql, [at], |row| {
        Ok((UserId(row.get(0)?), TokenId(row.get(1)?)))
    })?;
    for (user, id) in expired {
        work.end(Ended::Token(user, id));
    }
    let sql = "DELETE FROM invites WHERE expires_at <= ? OR uses_left = 0";
    work.execute(sql, [at])?;
    work.execute("DELETE FROM resets WHERE expires_at <= ?", [at])?;
    Ok(())
}
