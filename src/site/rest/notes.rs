//! # Notifications and search: `/notifications`, `/search`

use super::asking::{Answered, body, idempotency_key, ok, query, segment};
use super::refused;
use super::rooms::{change, change_under};
use crate::chat::{NotificationId, Operation, Refusal};
use crate::http::Status;
use crate::site::auth::identity;
use crate::site::commands;
use crate::site::fields::{Fields, wrong};
use crate::site::hall::Hall;
use crate::site::{questions, searching};
use crate::web::{Cx, Reply, Tick, promise};

/// `GET /notifications`: newest first.
pub(super) fn list(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let map = query(cx, &[], &["before", "limit"], &[]);
    ok(questions::notes(cx.state, user, Fields(&map))?)
}

/// `POST /notifications`: lets somebody know something.
pub(super) fn notify(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let map = body(cx)?;
    let fields = Fields(&map);
    let operation = commands::notify(fields)?;
    let key = match idempotency_key(cx)? {
        Some(key) => Some(key),
        None => fields.key()?,
    };
    change_under(cx, user, key, operation, Status::CREATED)
}

/// `PUT /notifications/{id}/seen`: this one and all before it.
pub(super) fn seen(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let number = segment(cx, "id")?.parse();
    let id = number.map_err(|_| wrong("id", "a whole number from 0 on"))?;
    let id = NotificationId(id);
    change(cx, user, Operation::Seen { id }, Status::OK)
}

/// `GET /search`.
pub(super) fn search(cx: &mut Cx<'_, Hall>) -> Answered {
    let user = identity(cx)?.user;
    let map = query(cx, &["query", "room"], &["limit"], &[]);
    let asked = searching::asked(cx.state, user, Fields(&map))?;
    let (promise, wait) = promise();
    let mut tick = Tick {
        state: cx.state,
        house: cx.house.again(),
    };
    searching::search(&mut tick, asked, move |_, found| promise.keep(found));
    Ok(
        wait.then(|_, found: Result<String, Refusal>| -> Reply<Hall> {
            match found {
                Ok(json) => super::asking::settled(ok(json)),
                Err(refusal) => Reply::of(refused(&refusal)),
            }
        }),
    )
}
