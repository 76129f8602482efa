//! # Accounts: who there is, and what they may do
//!
//! Promises
//! 1. The first account of a server that is a person's is its admin, however it is made, and there
//!    is always an admin who can sign in.
//! 2. A name is used once, also after its person is gone.
//! 3. Whoever may not sign in any more, or has another password, has no token of before.

use sha2::{Digest, Sha256};

use super::apply::Stop;
use super::erase;
use super::event::{EventKind, Person, What};
use super::id::{Op, RoomId, TokenId, UserId};
use super::name::{Email, Title, UserName};
use super::operation::{Hash, Operation, Role, Setting, SignUp};
use super::outcome::Answer;
use super::refusal::{Code, Refusal};
use super::work::{Work, person};
use super::{hook, people, room, token};

/// What may be an avatar. Other images are documents with scripts in them, or nobody can show them.
const AVATARS: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

pub(super) fn perform(work: &mut Work<'_>, operation: &Operation) -> Result<Answer, Stop> {
    match operation {
        Operation::SignUp {
            name,
            display_name,
            email,
            password,
            invite,
        } => {
            let (role, room) = admit(work, invite.as_ref())?;
            let account = Account {
                name,
                display_name,
                email: email.as_ref(),
                password: Some(password),
                role,
            };
            let person = add(work, &account)?;
            if let Some(room) = room {
                room::welcome(work, room, &person)?;
            }
            Ok(Answer::User(person.id))
        }
        Operation::AddUser {
            name,
            display_name,
            email,
            password,
            role,
        } => {
            work.must_be_admin("add people")?;
            let is_first = *role != Role::Bot && people::is_empty(work.connection())?;
            let account = Account {
                name,
                display_name,
                email: email.as_ref(),
                password: password.as_deref(),
                role: if is_first { Role::Admin } else { *role },
            };
            Ok(Answer::User(add(work, &account)?.id))
        }
        Operation::SetPassword {
            user,
            password,
            keep,
        } => {
            let person = work.subject(user, "change this password")?;
            set_password(work, person.id, password, *keep)?;
            Ok(Answer::Done)
        }
        Operation::SetProfile {
            display_name,
            avatar,
        } => {
            let avatar = avatar.as_ref().map(Option::as_deref);
            set_profile(work, display_name.as_ref(), avatar)
        }
        Operation::SetRole { user, role } => set_role(work, user, *role),
        Operation::Disable { user, disabled } => disable(work, user, *disabled),
        Operation::Erase { user, messages } => {
            let person = work.subject(user, "erase this person")?;
            must_leave_an_admin(work, &person)?;
            erase::erase(work, &person, *messages)?;
            Ok(Answer::Done)
        }
        Operation::Set { setting } => set(work, setting),
        other => unreachable!("{other:?} is not about accounts"),
    }
}

// ----------------------------------------------------------------------------------- coming in

pub(super) struct Account<'a> {
    pub(super) name: &'a UserName,
    pub(super) display_name: &'a Title,
    pub(super) email: Option<&'a Email>,
    pub(super) password: Option<&'a str>,
    pub(super) role: Role,
}

/// Whether somebody may make an account, and as what, and which room they come into.
fn admit(work: &Work<'_>, invite: Option<&Hash>) -> Result<(Role, Option<RoomId>), Stop> {
    if work.by().is_some() {
        let tell = "You have an account already. Sign out before you make another.";
        return Err(Refusal::forbidden(tell).into());
    }
    let is_first = people::is_empty(work.connection())?;
    let setting = people::settings(work.connection())?.sign_up;
    if setting == SignUp::Closed && !is_first {
        let tell = "This server takes no new accounts. Ask its admin for one.";
        return Err(Refusal::forbidden(tell).into());
    }
    // Where everybody may come in, a code that is too old keeps nobody out.
    let used = match invite {
        None => None,
        Some(hash) => token::use_invite(work, hash)?,
    };
    match (is_first, setting, used) {
        (true, _, used) => Ok((Role::Admin, used.flatten())),
        (false, SignUp::Invite, None) => {
            let tell = "This server takes new accounts by invitation, and this is no invite code \
                        that is still good. Ask somebody there for one.";
            Err(Refusal::forbidden(tell).into())
        }
        (false, _, used) => Ok((Role::Member, used.flatten())),
    }
}

/// What is remembered of a name whose person is gone.
pub(super) fn past_name(name: &UserName) -> Hash {
    Sha256::digest(name.as_str()).into()
}

/// Makes an account, whose name nobody has or had.
pub(super) fn add(work: &Work<'_>, account: &Account<'_>) -> Result<Person, Stop> {
    let sql = "SELECT EXISTS (SELECT 1 FROM users WHERE name = ?)
                   OR EXISTS (SELECT 1 FROM past_names WHERE hash = ?)";
    if work.value(sql, (account.name.as_str(), past_name(account.name)))? {
        let tell = format!("The name \"{}\" is taken. Choose another.", account.name);
        return Err(Refusal::exists("name", tell).into());
    }
    let email = account.email.map(Email::as_str);
    let sql = "SELECT EXISTS (SELECT 1 FROM users WHERE email = ?)";
    if work.value(sql, [email])? {
        let tell = "There is an account with this address already. Sign in with it.";
        return Err(Refusal::exists("email", tell).into());
    }
    let id = work.value(
        "INSERT INTO users (name, display_name, email, password, role, created_at)
         VALUES (?, ?, ?, ?, ?, ?) RETURNING id",
        (
            account.name.as_str(),
            account.display_name.as_str(),
            email,
            account.password,
            account.role,
            work.at(),
        ),
    )?;
    Ok(Person {
        id: UserId(id),
        name: account.name.clone(),
        display_name: account.display_name.clone(),
    })
}

/// Makes the account of a program, under a name that nobody has yet.
pub(super) fn add_bot(work: &Work<'_>, name: &str, display_name: &Title) -> Result<Person, Stop> {
    let mut free = UserName::trusted(name);
    let mut next = 2;
    let sql = "SELECT EXISTS (SELECT 1 FROM users WHERE name = ?)
                   OR EXISTS (SELECT 1 FROM past_names WHERE hash = ?)";
    while work.value(sql, (free.as_str(), past_name(&free)))? {
        free = UserName::trusted(format!("{name}-{next}"));
        next += 1;
    }
    let account = Account {
        name: &free,
        display_name,
        email: None,
        password: None,
        role: Role::Bot,
    };
    add(work, &account)
}

// ------------------------------------------------------------------------------------ changing

/// Gives somebody another password, which ends what the old one opened.
pub(super) fn set_password(
    work: &mut Work<'_>,
    user: UserId,
    password: &str,
    keep: Option<TokenId>,
) -> Result<(), Stop> {
    let sql = "UPDATE users SET password = ? WHERE id = ?";
    work.execute(sql, (password, user.0))?;
    work.execute("DELETE FROM resets WHERE user = ?", [user.0])?;
    token::sign_out(work, user, keep)
}

fn set_profile(
    work: &mut Work<'_>,
    display_name: Option<&Title>,
    avatar: Option<Option<&str>>,
) -> Result<Answer, Stop> {
    let user = work.actor()?.person.id;
    let mut changed = 0;
    if let Some(name) = display_name {
        let sql = "UPDATE users SET display_name = ?1 WHERE id = ?2 AND display_name <> ?1";
        changed += work.execute(sql, (name.as_str(), user.0))?;
    }
    if let Some(avatar) = avatar {
        if let Some(id) = avatar {
            must_be_an_image(work, user, id)?;
        }
        let sql = "UPDATE users SET avatar = ?1 WHERE id = ?2 AND avatar IS NOT ?1";
        changed += work.execute(sql, (avatar, user.0))?;
    }
    if changed > 0 {
        tell_account(work, user)?;
    }
    Ok(Answer::Done)
}

fn must_be_an_image(work: &Work<'_>, user: UserId, id: &str) -> Result<(), Stop> {
    let sql = "SELECT media FROM uploads WHERE id = ? AND by = ? AND message IS NULL";
    let media = work.row(sql, (id, user.0), |row| row.get::<_, String>(0))?;
    let mut refusal = match media {
        Some(media) if AVATARS.contains(&media.as_str()) => return Ok(()),
        Some(media) => {
            let tell = format!(
                "`avatar`: a file of type \"{media}\" is no picture that everybody sees. \
                 Take one of {}.",
                AVATARS.join(", ")
            );
            Refusal::new(Code::BadField, tell)
        }
        None => Refusal::not_found(
            "`avatar`: there is no such upload of yours, or it is in a message. Upload the \
             picture first.",
        ),
    };
    refusal.field = Some("avatar");
    Err(refusal.into())
}

fn set_role(work: &mut Work<'_>, user: &UserName, role: Role) -> Result<Answer, Stop> {
    work.must_be_admin("say what others may do")?;
    let person = work.person_named(user)?;
    if role != Role::Admin {
        must_leave_an_admin(work, &person)?;
    }
    let sql = "UPDATE users SET role = ?1 WHERE id = ?2 AND role <> ?1";
    if work.execute(sql, (role, person.id.0))? > 0 {
        tell_account(work, person.id)?;
    }
    Ok(Answer::Done)
}

fn disable(work: &mut Work<'_>, user: &UserName, disabled: bool) -> Result<Answer, Stop> {
    work.must_be_admin("say who may sign in")?;
    let person = work.person_named(user)?;
    if disabled {
        must_leave_an_admin(work, &person)?;
    }
    let at = disabled.then(|| work.at());
    let sql = "UPDATE users SET disabled_at = ?1
               WHERE id = ?2 AND (disabled_at IS NULL) <> (?1 IS NULL)";
    if work.execute(sql, (at, person.id.0))? == 0 {
        return Ok(Answer::Done);
    }
    if disabled {
        take_back(work, person.id)?;
    }
    tell_account(work, person.id)?;
    Ok(Answer::Done)
}

/// Ends all that somebody can come in with, or has let others come in with.
pub(super) fn take_back(work: &mut Work<'_>, user: UserId) -> Result<(), Stop> {
    work.execute("DELETE FROM resets WHERE user = ?", [user.0])?;
    work.execute("DELETE FROM invites WHERE by = ?", [user.0])?;
    hook::pause_those_of(work, user)?;
    token::sign_out(work, user, None)
}

/// A server without an admin could only be helped from its command line.
fn must_leave_an_admin(work: &Work<'_>, person: &Person) -> Result<(), Stop> {
    let sql = "SELECT EXISTS (SELECT 1 FROM users
                              WHERE id = ?1 AND role = 'admin' AND disabled_at IS NULL)
              AND NOT EXISTS (SELECT 1 FROM users
                              WHERE id <> ?1 AND role = 'admin' AND disabled_at IS NULL
                                AND erased_at IS NULL
                                AND (password IS NOT NULL
                                     OR EXISTS (SELECT 1 FROM tokens
                                                WHERE user = users.id AND expires_at IS NULL)))";
    if !work.value(sql, [person.id.0])? {
        return Ok(());
    }
    let tell = format!(
        "\"{}\" is the last admin who can sign in: make somebody else an admin first.",
        person.name
    );
    Err(Refusal::forbidden(tell).into())
}

/// Has somebody's devices told what their account is like now.
pub(super) fn tell_account(work: &mut Work<'_>, user: UserId) -> Result<(), Stop> {
    let sql = "SELECT id, name, display_name, role, disabled_at IS NOT NULL FROM users
               WHERE id = ?";
    let what = work
        .row(sql, [user.0], |row| {
            Ok(What::Account {
                user: person(row, 0)?,
                role: row.get(3)?,
                disabled: row.get(4)?,
            })
        })?
        .expect("people are never removed from their table");
    work.tell_user(user, EventKind::Account, None, None, what)?;
    Ok(())
}

fn set(work: &Work<'_>, setting: &Setting) -> Result<Answer, Stop> {
    work.must_be_admin("change settings")?;
    let (name, value) = match setting {
        Setting::SignUp(sign_up) => ("sign_up", sign_up.as_str()),
        Setting::Name(name) => ("name", name.as_str()),
    };
    work.execute(
        "INSERT INTO settings (name, value) VALUES (?, ?)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        (name, value),
    )?;
    Ok(Answer::Done)
}

// -------------------------------------------------------------------------------- housekeeping

/// How long events of people are kept. Whoever was away for longer has all that matters from
/// `hello`: what is read, what is new, which rooms there are.
const EVENTS_MS: u64 = 30 * 24 * 60 * 60 * 1000;

/// How long events of other processes wait for the server, which looks every second. Longer than
/// that it is not running, and finds everything when it starts.
const OUTSIDE_MS: u64 = 24 * 60 * 60 * 1000;

pub(super) fn tidy(work: &Work<'_>) -> Result<(), Stop> {
    let sql = "INSERT OR REPLACE INTO marks (at, op) SELECT ?, op FROM server";
    work.execute(sql, [work.at()])?;
    if let Some((_, op)) = mark_before(work, OUTSIDE_MS)? {
        work.execute("DELETE FROM outside WHERE op <= ?", [op])?;
    }
    let Some((at, op)) = mark_before(work, EVENTS_MS)? else {
        return Ok(());
    };
    // With `IN` each person's oldest events are found by the table's key.
    let sql = "DELETE FROM user_events WHERE user IN (SELECT id FROM users) AND op <= ?";
    work.execute(sql, [op])?;
    work.execute("UPDATE server SET forgotten = ?", [op])?;
    work.execute("DELETE FROM marks WHERE at < ?", [at])?;
    Ok(())
}

/// The latest mark that is at least this old.
fn mark_before(work: &Work<'_>, age: u64) -> Result<Option<(u64, Op)>, Stop> {
    let sql = "SELECT at, op FROM marks WHERE at <= ? ORDER BY at DESC LIMIT 1";
    let old = work.at().saturating_sub(age);
    work.row(sql, [old], |row| Ok((row.get(0)?, row.get(1)?)))
}
