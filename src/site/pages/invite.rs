//! # Invite: making an account
//!
//! By a link that somebody shared, or, where everybody may come, without one.

use minijinja::Value;

use super::form::Form;
use super::{Paged, next_query, see, settings};
use crate::chat::{Refusal, SignUp, people};
use crate::http::form::push_encoded;
use crate::site::hall::Hall;
use crate::site::rest::people::{Newcomer, enter};
use crate::site::rest::tokens::Wish;
use crate::site::rest::{asking, tries};
use crate::site::{auth, secret};
use crate::web::{Cx, Reply, context};

const TEMPLATE: &str = "sign-up.html";

/// Whoever has an account already needs no other.
fn is_inside(cx: &Cx<'_, Hall>) -> bool {
    auth::identity(cx).is_ok()
}

/// `GET /sign-up`
pub(super) fn show_open(cx: &mut Cx<'_, Hall>) -> Paged {
    let settings = settings(cx)?;
    if settings.is_empty {
        return Ok(Reply::of(see("/first")));
    }
    if is_inside(cx) {
        return Ok(Reply::of(see(&cx.request.next_page("/"))));
    }
    let beside = open(cx)?;
    Form::default().page(cx, TEMPLATE, beside)
}

/// What the page says where no link led to it.
fn open(cx: &Cx<'_, Hall>) -> Result<Value, Refusal> {
    let mode = settings(cx)?.sign_up.as_str();
    let next = cx.request.next_page("");
    let next_query = next_query(&next);
    Ok(context! { mode, next, next_query, by => (), room => (), action => "/sign-up" })
}

/// `POST /sign-up`
pub(super) fn sign_up(cx: &mut Cx<'_, Hall>) -> Paged {
    let form = Form::sent(cx)?;
    // Somebody who was given a code may have been given all of the link.
    let code = form
        .text("invite")
        .map(|code| code.rsplit('/').next().unwrap_or(code).trim().to_owned());
    let form = match code {
        Some(code) => form.with("invite", &code),
        None => form,
    };
    let settings = settings(cx)?;
    if settings.is_empty {
        return Ok(Reply::of(see("/first")));
    }
    let beside = open(cx)?;
    if settings.sign_up == SignUp::Invite && form.text("invite").is_none() {
        let tell = "`invite` is missing.";
        let refusal = Refusal::field("invite", tell);
        return Ok(form.again(cx, TEMPLATE, beside, &refusal));
    }
    let to = cx.request.next_page("/");
    Ok(come_in(cx, form, beside, to))
}

/// An invite that is still good.
fn invited(cx: &mut Cx<'_, Hall>) -> Result<(String, people::Invite), Refusal> {
    let code = asking::segment(cx, "code")?;
    let hash = secret::hash(&code);
    let at = cx.house.now().unix_ms;
    let reader = &cx.state.reader;
    let found = reader.query(|tables| people::invited(tables, &hash, at))?;
    match found {
        Some(invite) => Ok((code, invite)),
        None => {
            tries::note(cx)?;
            Err(Refusal::not_found(
                "This invitation has been used up, has ended or was taken back. Ask whoever sent it for \
                 another one.",
            ))
        }
    }
}

/// What the page says about an invite.
fn beside(code: &str, invite: &people::Invite) -> Value {
    context! {
        mode => "link",
        next => "",
        next_query => "",
        by => invite.by_display_name.as_deref(),
        room => invite.room.as_deref(),
        action => format!("/invite/{code}"),
    }
}

/// `GET /invite/{code}`
pub(super) fn show(cx: &mut Cx<'_, Hall>) -> Paged {
    let (code, invite) = invited(cx)?;
    if is_inside(cx) {
        return Ok(Reply::of(see(&room_of(&invite))));
    }
    if settings(cx)?.sign_up == SignUp::Closed {
        let tell = "This server takes no new accounts. Ask its admin for one.";
        return Err(Refusal::forbidden(tell));
    }
    Form::default().page(cx, TEMPLATE, beside(&code, &invite))
}

/// `POST /invite/{code}`
pub(super) fn accept(cx: &mut Cx<'_, Hall>) -> Paged {
    let form = Form::sent(cx)?;
    let (code, invite) = invited(cx)?;
    let beside = beside(&code, &invite);
    let to = room_of(&invite);
    Ok(come_in(cx, form.with("invite", &code), beside, to))
}

/// Where an invite leads.
fn room_of(invite: &people::Invite) -> String {
    let Some(room) = &invite.room else {
        return "/".to_owned();
    };
    let mut path = "/r/".to_owned();
    push_encoded(&mut path, room);
    path
}

fn come_in(cx: &mut Cx<'_, Hall>, form: Form, beside: Value, to: String) -> Reply<Hall> {
    let newcomer = match Newcomer::read(form.fields()) {
        Ok(newcomer) => newcomer,
        Err(refusal) => return form.again(cx, TEMPLATE, beside, &refusal),
    };
    enter(cx, newcomer, Wish::browser(), move |cx, made| match made {
        Ok(made) => Reply::of(made.keep(cx, see(&to))),
        Err(refusal) => form.again(cx, TEMPLATE, beside, &refusal),
    })
}
