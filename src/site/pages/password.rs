//! # Password: another one, by whoever knows the old one or has a link

use minijinja::Value;

use super::form::Form;
use super::{Paged, identity, see};
use crate::http::cookie::SetCookie;
use crate::site::auth::COOKIE;
use crate::site::hall::Hall;
use crate::site::rest::people::new_password;
use crate::site::rest::{admin, asking, me, tokens};
use crate::site::secret;
use crate::web::{Cx, Reply, context};

const TEMPLATE: &str = "password.html";
const RESET: &str = "reset.html";

/// `GET /password`
pub(super) fn show(cx: &mut Cx<'_, Hall>) -> Paged {
    let me = identity(cx)?;
    let name = me.name.as_str();
    let is_done = cx.request.query("done").is_some();
    Form::default().page(cx, TEMPLATE, context! { name, is_done })
}

/// `POST /password`
pub(super) fn replace(cx: &mut Cx<'_, Hall>) -> Paged {
    let form = Form::sent(cx)?;
    let me = identity(cx)?;
    let beside = context! { name => me.name.as_str(), is_done => false };
    let fields = form.fields();
    let read = fields
        .text("old")
        .and_then(|old| Ok((old, new_password(fields, "new")?)));
    let (old, new) = match read {
        Ok((old, new)) => (old.to_owned(), new.to_owned()),
        Err(refusal) => return Ok(form.again(cx, TEMPLATE, beside, &refusal)),
    };
    Ok(me::replace_password(
        cx,
        me,
        &old,
        new,
        |cx, replaced| match replaced {
            Ok(()) => Reply::of(see("/password?done=1")),
            Err(refusal) => form.again(cx, TEMPLATE, beside, &refusal),
        },
    ))
}

/// `GET /reset/{code}`
pub(super) fn show_reset(cx: &mut Cx<'_, Hall>) -> Paged {
    Form::default().page(cx, RESET, Value::UNDEFINED)
}

/// `POST /reset/{code}`
pub(super) fn reset(cx: &mut Cx<'_, Hall>) -> Paged {
    let form = Form::sent(cx)?;
    let hash = secret::hash(&asking::segment(cx, "code")?);
    let password = match new_password(form.fields(), "password") {
        Ok(password) => password.to_owned(),
        Err(refusal) => return Ok(form.again(cx, RESET, Value::UNDEFINED, &refusal)),
    };
    Ok(admin::use_reset(
        cx,
        hash,
        &password,
        |cx, used| match used {
            // Whoever was signed in with the old one is not any more.
            Ok(()) => Reply::of(tokens::set(
                see("/sign-in?reset=1"),
                &SetCookie::removal(COOKIE),
            )),
            Err(refusal) => form.again(cx, RESET, Value::UNDEFINED, &refusal),
        },
    ))
}
