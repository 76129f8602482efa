//! # Invites: codes with which people sign up

use super::asking::{Answered, answer, at, body, done, ok, query, segment, want};
use crate::chat::limits::PEOPLE_MAX;
use crate::chat::{Answer, Operation, Refusal, Role, people};
use crate::http::Status;
use crate::site::auth;
use crate::site::fields::Fields;
use crate::site::hall::Hall;
use crate::site::secret::{Secret, SecretKind};
use crate::site::wire::Object;
use crate::web::{Cx, Reply};

/// `POST /invites`: a new code.
pub(super) fn create(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let map = body(cx)?;
    let fields = Fields(&map);
    let code = Secret::fresh(SecretKind::Invite)?;
    let expires_at = fields.maybe_time("expires_at")?;
    let uses = fields.maybe_number("uses")?.unwrap_or(1);
    let operation = Operation::CreateInvite {
        hash: code.hash,
        room: fields.has("room").then(|| fields.room()).transpose()?,
        uses,
        expires_at,
    };
    let by = Some(identity.user);
    Ok(want(cx, by, None, operation, move |_, made| {
        let Answer::Invite(number) = made.answer else {
            unreachable!("a code was made");
        };
        let json = Object::new()
            .number("number", number)
            .text("code", &code.text)
            .text("link", &format!("/invite/{}", code.text))
            .number("uses_left", uses);
        let json = at(json, "expires_at", expires_at).end();
        Ok(Reply::of(answer(Status::CREATED, json)))
    }))
}

/// `GET /invites`: one's own codes, an admin's everybody's; the newest first.
pub(super) fn list(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let map = query(cx, &[], &["before", "limit"], &[]);
    let fields = Fields(&map);
    let before = fields.maybe_number("before")?;
    let limit = fields.limit(PEOPLE_MAX, PEOPLE_MAX)?;
    let by = (identity.role != Role::Admin).then_some(identity.user);
    let found = cx
        .state
        .reader
        .query(|tables| people::invites(tables, by, before, limit))?;
    let more = found.len() == limit as usize;
    let each = found.iter().map(|invite| {
        let json = Object::new()
            .number("number", invite.number)
            .maybe_text("by", invite.by.as_deref())
            .maybe_text("room", invite.room.as_deref())
            .number("uses_left", invite.uses_left);
        let json = at(json, "created_at", Some(invite.created_at));
        at(json, "expires_at", invite.expires_at).end()
    });
    ok(Object::new()
        .array("invites", each)
        .flag("more", more)
        .end())
}

/// `DELETE /invites/{number}`: the code is good for nobody any more.
pub(super) fn revoke(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let text = segment(cx, "number")?;
    let number = text
        .parse()
        .map_err(|_| Refusal::field("number", "`number` is no number of an invite code."))?;
    let operation = Operation::RevokeInvite { number };
    Ok(want(cx, Some(identity.user), None, operation, |_, _| {
        done()
    }))
}
