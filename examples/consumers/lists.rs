//! # Lists: what was stored, and what groups are called

use parlour::web::{Cx, Error, Reply, Wait};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::kept::{self, Kept, Stretch};
use crate::rules;

/// How much comes if nothing is said, and at most.
const USUAL: u32 = 50;
const MOST: u32 = 100;

/// What the query says: `?before=ID&limit=N`.
fn stretch(cx: &Cx<'_, Kept>) -> Result<Stretch, Error> {
    let before = match cx.request.query("before") {
        None => i64::MAX,
        Some(text) => text
            .parse()
            .map_err(|_| Error::bad_request("before is the id of something in the list"))?,
    };
    let limit = match cx.request.query("limit") {
        None => Some(USUAL),
        Some(text) => text.parse().ok().filter(|limit| (1..=MOST).contains(limit)),
    };
    let limit =
        limit.ok_or_else(|| Error::bad_request(format!("limit is a number from 1 to {MOST}")))?;
    Ok(Stretch { before, limit })
}

fn group_of(cx: &Cx<'_, Kept>) -> Result<String, Error> {
    let group: String = cx.request.param("group")?;
    rules::group_name(&group)?;
    Ok(group)
}

pub(crate) fn messages(cx: &mut Cx<'_, Kept>) -> Result<Value, Error> {
    let (group, stretch) = (group_of(cx)?, stretch(cx)?);
    let list = |connection: &_| kept::messages(connection, &group, stretch);
    Ok(cx.state.reader.query(list)?.into())
}

pub(crate) fn notifications(cx: &mut Cx<'_, Kept>) -> Result<Value, Error> {
    let stretch = stretch(cx)?;
    let user = cx.user().unwrap_or_default();
    let list = |connection: &_| kept::notifications(connection, user, stretch);
    Ok(cx.state.reader.query(list)?.into())
}

pub(crate) fn group(cx: &mut Cx<'_, Kept>) -> Result<Value, Error> {
    let group = group_of(cx)?;
    let title = cx.state.reader.query(|it| kept::title(it, &group))?;
    Ok(json!({
        "group_name": group,
        "display_name": title,
        "connections": cx.house.group_len(&group),
    }))
}

#[derive(Deserialize)]
struct Title {
    display_name: String,
}

pub(crate) fn title_group(cx: &mut Cx<'_, Kept>) -> Result<Reply<Kept>, Error> {
    let group = group_of(cx)?;
    let Title { display_name } = cx.request.json()?;
    rules::display_name(&display_name)?;
    let stored = Wait::stored(&cx.state.database, move |connection| {
        kept::set_title(connection, &group, &display_name)?;
        Ok(json!({ "group_name": group, "display_name": display_name }))
    });
    Ok(stored.then(|_, stored| stored))
}
