//! # Me: whoever asks

use super::asking::{Answered, at, ok};
use super::people::self_of;
use crate::site::auth;
use crate::site::hall::Hall;
use crate::site::wire::Object;
use crate::web::Cx;

/// `GET /me`: who is signed in, and with which token.
pub(super) fn show(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let token = Object::new().number("id", identity.token.0);
    let token = at(token, "expires_at", identity.expires_at).end();
    let about = self_of(cx.state, &identity.name)?;
    ok(Object::new()
        .json("user", &about)
        .json("token", &token)
        .end())
}
