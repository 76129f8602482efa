//! # Commands: `/commands`, what can be done by a text that begins with `/`

use super::asking::{Answered, ok, query};
use crate::chat::{Kind, Standing, hooks, summary};
use crate::site::auth::identity;
use crate::site::fields::Fields;
use crate::site::hall::Hall;
use crate::site::questions::find_own;
use crate::site::slash;
use crate::web::Cx;

/// `GET /commands`: those that somebody may use, with `?room=` in that one.
pub(super) fn list(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let map = query(cx, &["room"], &[], &[]);
    let fields = Fields(&map);
    let is_admin = cx.state.look(|tables, _| summary::is_admin(tables, user))?;
    let mut of_hooks = Vec::new();
    let (kind, standing) = match fields.has("room") {
        // As in a room of their own.
        false => (Kind::Public, Standing::Owner),
        true => {
            let room = find_own(cx.state, user, &fields.room()?)?;
            let found = cx
                .state
                .look(|tables, horizon| summary::summary(tables, room, user, horizon))?;
            of_hooks = cx.state.look(|tables, _| hooks::commands(tables, room))?;
            let joined = found.and_then(|it| Some((it.facts.kind, it.joined?.standing)));
            joined.unwrap_or((Kind::Public, Standing::Member))
        }
    };
    let commands = &cx.state.commands;
    ok(slash::listed(commands, kind, standing, is_admin, &of_hooks))
}
