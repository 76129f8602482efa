//! # Who asks: a token in one of three places
//!
//! `Authorization: Bearer`, the cookie of a browser that has signed in here, or, for pages of other
//! origins that open a WebSocket, a subprotocol `bearer.TOKEN`.
//!
//! Promises
//! 1. A cookie counts for what changes something, and for WebSockets, only if the page that asks is
//!    of this origin: a browser sends it along wherever it is sent.
//! 2. Tokens are compared by their hashes, in the database.

use std::rc::Rc;

use super::fields::Fields;
use super::hall::Hall;
use super::scope;
use super::secret::hash;
use super::wire::Object;
use super::wire::time::rfc3339;
use crate::chat::{Code, Identity, Millis, Refusal, UserId, people};
use crate::http::Method;
use crate::layer::Channel;
use crate::web::Cx;

/// What a subprotocol with a token begins with.
const BEARER_PROTOCOL: &str = "bearer.";

/// The cookie of those who signed in here.
pub(super) const COOKIE: &str = "parlour_token";

/// Who asks.
pub(super) fn identity(cx: &Cx<'_, Hall>) -> Result<Identity, Refusal> {
    let unknown = |tell: &str| Refusal::new(Code::Unauthenticated, tell);
    let Some((token, is_cookie)) = token(cx) else {
        return Err(unknown(
            "Sign in first, and send your token as `Authorization: Bearer TOKEN`.",
        ));
    };
    if is_cookie && is_risky(cx) && cx.request.is_from_elsewhere() {
        return Err(elsewhere());
    }
    let hash = hash(&token);
    let at = cx.house.now().unix_ms;
    let found = cx
        .state
        .reader
        .query(|tables| people::identity(tables, &hash, at))?;
    let found =
        found.ok_or_else(|| unknown("This token is not good, or not any more. Sign in again."))?;
    let room = cx.request.query("room");
    let need = scope::of_request(cx.request.method(), cx.request.path(), room.as_deref());
    scope::must_have(found.scopes.as_ref(), &need)?;
    cx.state.uses.asked(&found, at);
    Ok(found)
}

/// A connection goes on with a fresh token of the same person's, so that it outlasts the one with which
/// it was opened.
pub(super) fn renew(
    hall: &mut Hall,
    user: UserId,
    channel: Channel,
    fields: Fields<'_>,
    at: Millis,
) -> Result<String, Refusal> {
    let hash = hash(fields.text("token")?);
    let found = hall
        .reader
        .query(|tables| people::identity(tables, &hash, at))?;
    let Some(fresh) = found else {
        let tell =
            "This token is not good, or not any more. The connection goes on with its old one.";
        return Err(Refusal::new(Code::Unauthenticated, tell));
    };
    if fresh.user != user {
        let tell = "This token is somebody else's. Open another connection with it.";
        return Err(Refusal::forbidden(tell));
    }
    let seat = hall.crowd.seat_mut(user, channel);
    if seat.is_some_and(|seat| seat.scopes != fresh.scopes.as_ref().map(|it| Rc::new(it.clone()))) {
        let tell = "This token has other scopes. Open another connection with it.";
        return Err(Refusal::forbidden(tell));
    }
    let end = fresh.expires_at.map(rfc3339);
    hall.uses.asked(&fresh, at);
    hall.crowd
        .renew(user, channel, fresh.token, fresh.expires_at);
    Ok(Object::new()
        .number("token", fresh.token.0)
        .maybe_text("expires_at", end.as_deref())
        .end())
}

/// Another site's page wants what only this one's may.
pub(super) fn elsewhere() -> Refusal {
    Refusal::forbidden(
        "A page of another origin asks for this with a cookie. Send a token instead.",
    )
}

/// What a foreign page could do harm with: it cannot see answers, but it can cause things, and a
/// WebSocket it can read.
fn is_risky(cx: &Cx<'_, Hall>) -> bool {
    cx.request.is_upgrade() || !matches!(cx.request.method(), Method::Get | Method::Head)
}

/// The token, and whether a browser sent it by itself.
fn token(cx: &Cx<'_, Hall>) -> Option<(String, bool)> {
    if let Some(field) = cx.request.field("Authorization")
        && let Some((scheme, token)) = field.split_once(' ')
        && scheme.eq_ignore_ascii_case("bearer")
    {
        return Some((token.trim().to_owned(), false));
    }
    let offered = cx
        .request
        .field("Sec-WebSocket-Protocol")
        .unwrap_or_default();
    let bearer = offered
        .split(',')
        .find_map(|it| it.trim().strip_prefix(BEARER_PROTOCOL));
    if let Some(token) = bearer {
        return Some((token.to_owned(), false));
    }
    cx.request
        .cookie(COOKIE)
        .map(|token| (token.to_owned(), true))
}
