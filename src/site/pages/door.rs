//! # Door: signing in and out
//!
//! Promises
//! 1. Whoever wanted to go somewhere is there after signing in, if that is a page of this site.
//! 2. Signing out ends the token, not only the browser's memory of it.

use minijinja::Value;

use super::form::Form;
use super::{Paged, identity, next_query, see, settings};
use crate::chat::{Operation, Refusal, SignUp, Tokens};
use crate::http::cookie::SetCookie;
use crate::site::auth::{self, COOKIE};
use crate::site::hall::Hall;
use crate::site::rest::asking::{Done, wanted};
use crate::site::rest::tokens::{self, Wish};
use crate::web::{Cx, Reply, context};

const TEMPLATE: &str = "sign-in.html";

/// What the page says beside its form.
fn beside(cx: &Cx<'_, Hall>) -> Result<Value, Refusal> {
    let may_sign_up = settings(cx)?.sign_up == SignUp::Open;
    let next = cx.request.next_page("");
    let next_query = next_query(&next);
    let is_reset = cx.request.query("reset").is_some();
    Ok(context! { may_sign_up, next, next_query, is_reset })
}

/// `GET /sign-in`
pub(super) fn show(cx: &mut Cx<'_, Hall>) -> Paged {
    if settings(cx)?.is_empty {
        return Ok(Reply::of(see("/first")));
    }
    if auth::identity(cx).is_ok() {
        return Ok(Reply::of(see(&cx.request.next_page("/"))));
    }
    blank(cx)
}

/// The page as it is at first.
pub(super) fn blank(cx: &mut Cx<'_, Hall>) -> Paged {
    let beside = beside(cx)?;
    Form::default().page(cx, TEMPLATE, beside)
}

/// `POST /sign-in`
pub(super) fn sign_in(cx: &mut Cx<'_, Hall>) -> Paged {
    let form = Form::sent(cx)?;
    let beside = beside(cx)?;
    let fields = form.fields();
    let read = fields
        .text("name")
        .and_then(|name| Ok((name, fields.text("password")?)));
    let (who, password) = match read {
        Ok((who, password)) => (who.to_owned(), password.to_owned()),
        Err(refusal) => return Ok(form.again(cx, TEMPLATE, beside, &refusal)),
    };
    let then = move |cx: &mut Cx<'_, Hall>, proved: Result<_, Refusal>| {
        let found: crate::chat::people::Password = match proved {
            Ok(found) => found,
            Err(refusal) => return form.again(cx, TEMPLATE, beside, &refusal),
        };
        let password = Some(found.password.into());
        let wish = Wish::browser();
        tokens::make(
            cx,
            None,
            found.name,
            password,
            wish,
            move |cx, made| match made {
                Ok(made) => {
                    let next = see(&cx.request.next_page("/"));
                    Reply::of(made.keep(cx, next))
                }
                Err(refusal) => form.again(cx, TEMPLATE, beside, &refusal),
            },
        )
    };
    Ok(tokens::prove(cx, &who, &password, then))
}

/// `GET /sign-out`
pub(super) fn show_out(cx: &mut Cx<'_, Hall>) -> Paged {
    let me = identity(cx)?;
    let name = me.display_name.as_str();
    Form::default().page(cx, "sign-out.html", context! { name })
}

/// `POST /sign-out`: here, or with `everywhere` on all devices.
pub(super) fn sign_out(cx: &mut Cx<'_, Hall>) -> Paged {
    let form = Form::sent(cx)?;
    let Ok(me) = identity(cx) else {
        return Ok(Reply::of(gone()));
    };
    let which = match form.text("everywhere") {
        Some(_) => Tokens::All,
        None => Tokens::One(me.token),
    };
    let user = me.name;
    let operation = Operation::RevokeTokens { user, which };
    let ended = wanted(cx, Some(me.user), None, operation);
    Ok(
        ended.then(|cx: &mut Cx<'_, Hall>, ended: Result<Done, Refusal>| {
            let paged = ended.map(|_| Reply::of(gone()));
            super::settled(cx, paged)
        }),
    )
}

/// The browser forgets who was here, and what scripts have kept for them.
fn gone() -> crate::http::Response {
    let page = see("/sign-in").field("Clear-Site-Data", "\"storage\"");
    tokens::set(page, &SetCookie::removal(COOKIE))
}
