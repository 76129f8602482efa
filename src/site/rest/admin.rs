//! # Admin: what is done to other people's accounts, and to the server
//!
//! Who may is found out by the operation; what only costs time without that is asked here first.

use super::asking::{Answered, Done, answer, body, done, ok, query, settled, want, wanted};
use super::people::{display_name, email, hashed, named, new_password, profile_of};
use super::tokens;
use crate::chat::{
    Hash, Identity, Operation, Refusal, Role, Setting, SignUp, Title, Tokens, UserName, people,
};
use crate::http::Status;
use crate::site::auth;
use crate::site::fields::{Fields, wrong};
use crate::site::hall::Hall;
use crate::site::secret::{self, RESET_MS, Secret, SecretKind, reset_link};
use crate::site::wire::{Object, time::rfc3339};
use crate::web::{Cx, Reply};

/// What a role may be.
const ROLES: &str = "`admin`, `member` or `bot`";

/// Who asks, who has to be an admin.
fn admin(cx: &Cx<'_, Hall>) -> Result<Identity, Refusal> {
    let identity = auth::identity(cx)?;
    if identity.role == Role::Admin {
        return Ok(identity);
    }
    Err(Refusal::forbidden("Only an admin may do this."))
}

// ---------------------------------------------------------------------------------------- people

/// `POST /users` with a role: makes an account for somebody else, or for a program.
pub(super) fn add(cx: &mut Cx<'_, Hall>, fields: Fields<'_>) -> Answered {
    let identity = admin(cx)?;
    let name = UserName::parse_new("name", fields.text("name")?)?;
    let display_name = display_name(fields, &name)?;
    let email = email(fields)?;
    let role = role(fields)?.unwrap_or(Role::Member);
    let make = move |cx: &mut Cx<'_, Hall>, password| {
        let operation = Operation::AddUser {
            name: name.clone(),
            display_name,
            email,
            password,
            role,
        };
        want(cx, Some(identity.user), None, operation, move |cx, _| {
            let about = profile_of(cx.state, &name, true)?;
            let json = Object::new().json("user", &about).end();
            Ok(Reply::of(answer(Status::CREATED, json)))
        })
    };
    if fields.maybe_text("password")?.is_none() {
        return Ok(make(cx, None));
    }
    let hashed = hashed(new_password(fields, "password")?, "password");
    Ok(hashed.then(|cx: &mut Cx<'_, Hall>, hashed| {
        settled(hashed.map(|password| make(cx, Some(password))))
    }))
}

fn role(fields: Fields<'_>) -> Result<Option<Role>, Refusal> {
    fields.maybe_word("role", Role::of, ROLES)
}

/// `PATCH /users/{name}`: one thing at a time, so that it is done or not.
pub(super) fn change(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = admin(cx)?;
    let user = named(cx)?;
    let map = body(cx)?;
    let fields = Fields(&map);
    let role = role(fields)?;
    let disabled = fields.maybe_flag("disabled")?;
    let password = fields.maybe_text("password")?;
    match (role, disabled, password) {
        (Some(role), None, None) => Ok(changed(cx, identity, Operation::SetRole { user, role })),
        (None, Some(disabled), None) => {
            Ok(changed(cx, identity, Operation::Disable { user, disabled }))
        }
        (None, None, Some(_)) => {
            let hashed = hashed(new_password(fields, "password")?, "password");
            Ok(hashed.then(move |cx: &mut Cx<'_, Hall>, hashed| {
                settled(hashed.map(|password| {
                    let operation = Operation::SetPassword {
                        user,
                        password,
                        keep: None,
                    };
                    changed(cx, identity, operation)
                }))
            }))
        }
        _ => {
            let tell = "Change `role`, `disabled` or `password`: one of them at a time.";
            Err(Refusal::field("role", tell))
        }
    }
}

/// Has an account changed, and tells what it is like then.
fn changed(cx: &mut Cx<'_, Hall>, identity: Identity, operation: Operation) -> Reply<Hall> {
    want(cx, Some(identity.user), None, operation, |cx, _| {
        let about = profile_of(cx.state, &named(cx)?, true)?;
        ok(Object::new().json("user", &about).end())
    })
}

/// `DELETE /users/{name}`: forgets somebody, with `?messages=1` also what they said.
pub(super) fn erase(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let user = named(cx)?;
    let map = query(cx, &[], &[], &["messages"]);
    let messages = Fields(&map).maybe_flag("messages")?.unwrap_or(false);
    let operation = Operation::Erase { user, messages };
    Ok(want(cx, Some(identity.user), None, operation, |_, _| {
        done()
    }))
}

// --------------------------------------------------------------------------------------- secrets

/// `POST /users/{name}/tokens`: a token for a program.
pub(super) fn create_token(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = admin(cx)?;
    let name = named(cx)?;
    let map = body(cx)?;
    let wish = tokens::wish(cx, Fields(&map))?.without_cookie();
    let by = Some(identity.user);
    Ok(tokens::hand_out(cx, by, name, None, wish))
}

/// `DELETE /users/{name}/tokens`: signs somebody out everywhere.
pub(super) fn revoke_tokens(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = admin(cx)?;
    let operation = Operation::RevokeTokens {
        user: named(cx)?,
        which: Tokens::All,
    };
    Ok(want(cx, Some(identity.user), None, operation, |_, _| {
        done()
    }))
}

/// `POST /users/{name}/reset`: a link with which somebody chooses a new password, once.
pub(super) fn create_reset(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = admin(cx)?;
    let user = named(cx)?;
    let secret = Secret::fresh(SecretKind::Reset)?;
    let expires_at = cx.house.now().unix_ms + RESET_MS;
    let operation = Operation::CreateReset {
        user,
        hash: secret.hash,
        expires_at,
    };
    Ok(want(
        cx,
        Some(identity.user),
        None,
        operation,
        move |_, _| {
            let json = Object::new()
                .text("secret", &secret.text)
                .text("link", &reset_link(&secret))
                .text("expires_at", &rfc3339(expires_at))
                .end();
            Ok(Reply::of(answer(Status::CREATED, json)))
        },
    ))
}

/// `POST /resets`: whoever has the link chooses a new password.
pub(super) fn reset(cx: &mut Cx<'_, Hall>) -> Answered {
    let map = body(cx)?;
    let fields = Fields(&map);
    let hash = secret::hash(fields.text("secret")?);
    let password = new_password(fields, "password")?;
    Ok(use_reset(cx, hash, password, |_, used| {
        settled(used.and_then(|()| done()))
    }))
}

/// Gives whoever has such a link another password.
pub(in crate::site) fn use_reset(
    cx: &mut Cx<'_, Hall>,
    hash: Hash,
    password: &str,
    then: impl FnOnce(&mut Cx<'_, Hall>, Result<(), Refusal>) -> Reply<Hall> + 'static,
) -> Reply<Hall> {
    if let Err(refusal) = super::tries::note(cx) {
        return then(cx, Err(refusal));
    }
    hashed(password, "password").then(move |cx: &mut Cx<'_, Hall>, hashed| match hashed {
        Ok(password) => {
            let operation = Operation::Reset { hash, password };
            wanted(cx, None, None, operation)
                .then(|cx: &mut Cx<'_, Hall>, used: Result<Done, Refusal>| then(cx, used.map(drop)))
        }
        Err(refusal) => then(cx, Err(refusal)),
    })
}

// -------------------------------------------------------------------------------------- settings

/// `GET /settings`: what a page for signing in has to know, for everybody.
pub(super) fn settings(cx: &mut Cx<'_, Hall>) -> Answered {
    let (settings, is_empty) = cx
        .state
        .reader
        .query(|tables| Ok((people::settings(tables)?, people::is_empty(tables)?)))?;
    ok(Object::new()
        .text("name", settings.name.as_deref().unwrap_or("Parlour"))
        .text("sign_up", settings.sign_up.as_str())
        // The first account is the admin's, whatever the settings say.
        .flag("first", is_empty)
        .end())
}

/// `PATCH /settings`: who may sign up, and what the server is called.
pub(super) fn set(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = admin(cx)?;
    let map = body(cx)?;
    let fields = Fields(&map);
    let known = "`open`, `invite` or `closed`";
    let sign_up = fields.maybe_word("sign_up", SignUp::of, known)?;
    let name: Option<Title> = fields.maybe_title("name")?;
    let changes = sign_up.map(Setting::SignUp).into_iter();
    let mut changes = changes.chain(name.map(Setting::Name));
    let Some(first) = changes.next() else {
        return Err(wrong("sign_up", known));
    };
    let by = Some(identity.user);
    let first = wanted(cx, by, None, Operation::Set { setting: first });
    let Some(second) = changes.next() else {
        return Ok(first.then(|cx: &mut Cx<'_, Hall>, set| settled(set.and_then(|_| settings(cx)))));
    };
    // In this order, whoever reads along.
    let second = wanted(cx, by, None, Operation::Set { setting: second });
    Ok(first.then(move |_, first| match first {
        Err(refusal) => settled(Err(refusal)),
        Ok(_) => second.then(|cx: &mut Cx<'_, Hall>, set| settled(set.and_then(|_| settings(cx)))),
    }))
}
