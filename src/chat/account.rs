//! # Accounts: who there is, and what they may do
//!
//! Promises
//! 1. The first account of a server is its admin, and there is always one who can sign in.
//! 2. A name is used once, also after its person is gone.

use super::apply::Stop;
use super::id::UserId;
use super::name::{Title, UserName};
use super::operation::{Hash, Operation, Role, SignUp};
use super::outcome::Answer;
use super::refusal::{Code, Refusal};
use super::work::Work;

pub(super) fn perform(work: &mut Work<'_>, operation: &Operation) -> Result<Answer, Stop> {
    match operation {
        Operation::SignUp {
            name,
            display_name,
            email,
            password,
            invite,
        } => {
            let role = admit(work, invite.as_ref())?;
            let account = Account {
                name,
                display_name,
                email: email.as_deref(),
                password: Some(password),
                role,
            };
            add(work, &account)
        }
        Operation::AddUser {
            name,
            display_name,
            email,
            password,
            role,
        } => {
            work.must_be_admin("add people")?;
            let account = Account {
                name,
                display_name,
                email: email.as_deref(),
                password: password.as_deref(),
                role: *role,
            };
            add(work, &account)
        }
        _ => Err(Refusal::new(Code::NotSupported, "Not yet.").into()),
    }
}

struct Account<'a> {
    name: &'a UserName,
    display_name: &'a Title,
    email: Option<&'a str>,
    password: Option<&'a str>,
    role: Role,
}

/// Whether somebody may make an account, and as what.
fn admit(work: &mut Work<'_>, invite: Option<&Hash>) -> Result<Role, Stop> {
    if work.value::<u32>("SELECT count(*) FROM users", ())? == 0 {
        return Ok(Role::Admin);
    }
    let sql = "SELECT value FROM settings WHERE name = 'sign_up'";
    let setting = work.row(sql, (), |row| row.get(0))?;
    match setting.unwrap_or_default() {
        SignUp::Open => Ok(Role::Member),
        SignUp::Closed => Err(Refusal::forbidden(
            "This server takes no new accounts. Ask its admin for one.",
        )
        .into()),
        SignUp::Invite => {
            let used = match invite {
                None => 0,
                Some(hash) => work.execute(
                    "UPDATE invites SET uses_left = uses_left - 1
                     WHERE hash = ? AND uses_left > 0
                       AND (expires_at IS NULL OR expires_at > ?)",
                    (hash, work.at()),
                )?,
            };
            if used > 0 {
                return Ok(Role::Member);
            }
            let tell = "This server takes new accounts by invitation, and this is no invite code \
                        that is still good. Ask somebody there for one.";
            Err(Refusal::forbidden(tell).into())
        }
    }
}

fn add(work: &mut Work<'_>, account: &Account<'_>) -> Result<Answer, Stop> {
    let sql = "SELECT count(*) FROM users WHERE name = ?";
    if work.value::<u32>(sql, [account.name.as_str()])? > 0 {
        let tell = format!("The name \"{}\" is taken. Choose another.", account.name);
        return Err(Refusal::new(Code::Exists, tell).into());
    }
    if let Some(email) = account.email {
        let sql = "SELECT count(*) FROM users WHERE email = ?";
        if work.value::<u32>(sql, [email])? > 0 {
            let tell = "There is an account with this address already. Sign in with it.";
            return Err(Refusal::new(Code::Exists, tell).into());
        }
    }
    let id = work.value(
        "INSERT INTO users (name, display_name, email, password, role, created_at)
         VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (
            account.name.as_str(),
            account.display_name.as_str(),
            account.email,
            account.password,
            account.role,
            work.at(),
        ),
    )?;
    Ok(Answer::User(UserId(id)))
}

pub(super) fn tidy(_: &mut Work<'_>) -> Result<(), Stop> {
    Ok(())
}
