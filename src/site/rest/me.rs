//! # Me: whoever asks, and what they change about themselves

use super::asking::{Answered, Done, at, body, done, ok, settled, want, wanted};
use super::people::{hashed, new_password, self_of};
use super::tokens::scoped;
use super::tries;
use crate::chat::{Identity, Operation, Refusal, people};
use crate::site::auth;
use crate::site::fields::Fields;
use crate::site::hall::Hall;
use crate::site::questions;
use crate::site::wire::Object;
use crate::web::{Cx, Reply, Tick, password};

/// `GET /me`: who is signed in, and with which token.
pub(super) fn show(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let token = Object::new().number("id", identity.token.0);
    let token = scoped(token, identity.scopes.as_ref());
    let token = at(token, "expires_at", identity.expires_at).end();
    let about = self_of(cx.state, &identity.name)?;
    ok(Object::new()
        .json("user", &about)
        .json("token", &token)
        .end())
}

/// `PATCH /me`: what one is called, and one's picture; `null` takes that away.
pub(super) fn change(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let map = body(cx)?;
    let fields = Fields(&map);
    let avatar = fields.maybe_text("avatar")?.map(str::to_owned);
    let operation = Operation::SetProfile {
        display_name: fields.maybe_title("display_name")?,
        avatar: fields.has("avatar").then_some(avatar),
    };
    Ok(want(
        cx,
        Some(identity.user),
        None,
        operation,
        move |cx, _| {
            let about = self_of(cx.state, &identity.name)?;
            ok(Object::new().json("user", &about).end())
        },
    ))
}

/// `PUT /me/presence`: how whoever listens with this token is seen: `away` or not.
pub(super) fn attend(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let map = body(cx)?;
    let away = Fields(&map).maybe_flag("away")?;
    let away = away.ok_or_else(|| Refusal::field("away", "`away` is missing."))?;
    let mut tick = Tick {
        state: cx.state,
        house: cx.house.again(),
    };
    questions::attend_by(&mut tick, &identity, away);
    done()
}

/// `PUT /me/password`: another one, by whoever knows the old one. All other tokens end.
pub(super) fn set_password(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let map = body(cx)?;
    let fields = Fields(&map);
    let old = fields.text("old")?.to_owned();
    let new = new_password(fields, "new")?.to_owned();
    Ok(replace_password(cx, identity, &old, new, |_, replaced| {
        settled(replaced.and_then(|()| done()))
    }))
}

/// Gives whoever knows their password another one.
pub(in crate::site) fn replace_password(
    cx: &mut Cx<'_, Hall>,
    identity: Identity,
    old: &str,
    new: String,
    then: impl FnOnce(&mut Cx<'_, Hall>, Result<(), Refusal>) -> Reply<Hall> + 'static,
) -> Reply<Hall> {
    let name = identity.name.clone();
    let found = tries::may_try_password(cx, &name).and_then(|()| {
        let reader = &cx.state.reader;
        let found = reader.query(|tables| people::password_of(tables, &name))?;
        let tell = "You have no password yet. Ask the server's admin for a link to choose one.";
        found.ok_or_else(|| Refusal::forbidden(tell))
    });
    let found = match found {
        Ok(found) => found,
        Err(refusal) => return then(cx, Err(refusal)),
    };
    let fits = password::verify(old, &found.password);
    fits.then(move |cx: &mut Cx<'_, Hall>, fits: bool| {
        if !fits {
            tries::failed_password(cx, &identity.name);
            let tell = "`old` is not your password.";
            return then(cx, Err(Refusal::field("old", tell)));
        }
        tries::forgive_password(cx, &identity.name);
        hashed(&new, "new").then(move |cx: &mut Cx<'_, Hall>, hashed| {
            let password = match hashed {
                Ok(password) => password,
                Err(refusal) => return then(cx, Err(refusal)),
            };
            let operation = Operation::SetPassword {
                user: identity.name,
                password,
                keep: Some(identity.token),
            };
            wanted(cx, Some(identity.user), None, operation)
                .then(|cx: &mut Cx<'_, Hall>, done: Result<Done, Refusal>| then(cx, done.map(drop)))
        })
    })
}
