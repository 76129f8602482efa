//! # Events: `/events`, for clients without WebSockets

use std::rc::Rc;
use std::time::Duration;

use super::asking::{Answered, query};
use crate::chat::{Code, Refusal, RoomName};
use crate::http::{Response, event_stream};
use crate::site::auth::identity;
use crate::site::feed::{EventFeed, POLL_EVENTS_MAX, Way};
use crate::site::fields::{Fields, wrong};
use crate::site::hall::Hall;
use crate::site::resume::{self, Start, Was};
use crate::web::{Cx, stream};

/// How long an answer may be waited for: below what proxies allow.
const WAIT_S_MAX: u32 = 60;

/// Rooms that may be named in a query.
const ROOMS_MAX: usize = 200;

/// The rooms of which somebody wants to be told, if not of all.
type Only = Option<Rc<[RoomName]>>;

/// `GET /events`: Server-Sent Events, or with `wait` one answer.
pub(super) fn listen(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = identity(cx)?;
    let map = query(cx, &["rooms", "since"], &["wait", "limit"], &["durable"]);
    let fields = Fields(&map);
    let limit = fields.limit(POLL_EVENTS_MAX, POLL_EVENTS_MAX)? as usize;
    let way = match fields.maybe_number("wait")? {
        None => Way::Stream,
        Some(seconds) if seconds <= WAIT_S_MAX => {
            Way::Poll(Duration::from_secs(seconds.into()), limit)
        }
        Some(_) => {
            return Err(wrong(
                "wait",
                &format!("a number of seconds up to {WAIT_S_MAX}"),
            ));
        }
    };
    let (start, only) = start(cx, fields)?;
    let is_durable = fields.maybe_flag("durable")?.unwrap_or(false);
    if is_durable {
        must_be_known(cx.state, &start)?;
    }
    if !cx.state.crowd.has_seat(identity.user) {
        let tell = "You have too many connections. Close some of your other devices.";
        return Err(Refusal::later(Code::TooMany, tell, 10_000));
    }
    let response = match way {
        Way::Stream => event_stream::response(),
        Way::Poll(..) => Response::json("").field("Cache-Control", "no-store"),
    };
    Ok(stream(
        response,
        None,
        EventFeed::new(identity, start, only, way).durable(is_durable),
    ))
}

/// Whoever must not miss anything is told so before it goes on as if nothing were missing.
fn must_be_known(hall: &Hall, start: &Start) -> Result<(), Refusal> {
    let tell = match start {
        Start::Elsewhere => {
            "`since` is of another database: this server was restored or made anew. Begin without it, \
             and read what there is."
        }
        Start::Since(op) if !resume::is_known(hall, *op)? => {
            "`since` is too old, or ahead of this server: what happened since cannot all be told. Begin \
             without it, and read what there is."
        }
        Start::Since(_) | Start::Now => return Ok(()),
        Start::Rooms(_) => {
            return Err(wrong(
                "since",
                "there, and not versions in `rooms`, with `durable`",
            ));
        }
    };
    Err(Refusal::new(Code::Gone, tell))
}

/// Where the client says that it was, and of which rooms it wants to be told, if not of all. What a
/// browser says by itself when it comes back is newer than what its page once said.
fn start(cx: &Cx<'_, Hall>, fields: Fields<'_>) -> Result<(Start, Only), Refusal> {
    let rooms = fields.maybe_text("rooms")?.map(rooms).transpose()?;
    let names = |rooms: &Vec<(RoomName, Was)>| rooms.iter().map(|(name, _)| name.clone()).collect();
    let only = rooms.as_ref().map(names);
    let last = cx
        .request
        .field("Last-Event-ID")
        .filter(|id| !id.is_empty());
    if let Some(cursor) = last.or(fields.maybe_text("since")?) {
        return Ok((cursor_of(cx.state, cursor)?, only));
    }
    Ok((rooms.map_or(Start::Now, Start::Rooms), only))
}

fn cursor_of(hall: &Hall, cursor: &str) -> Result<Start, Refusal> {
    let expected = "`EPOCH.OP`, the id of the last event that you have";
    let (epoch, op) = cursor
        .rsplit_once('.')
        .ok_or_else(|| wrong("since", expected))?;
    let op = op.parse().map_err(|_| wrong("since", expected))?;
    if epoch == &*hall.epoch {
        Ok(Start::Since(op))
    } else {
        Ok(Start::Elsewhere)
    }
}

/// `general:133,dev:now,other`.
fn rooms(text: &str) -> Result<Vec<(RoomName, Was)>, Refusal> {
    let expected = "rooms with versions, such as `general:133,dev:now`";
    let each = |part: &str| {
        let (name, was) = match part.rsplit_once(':') {
            None | Some((_, "now")) => (part.trim_end_matches(":now"), Was::Now),
            Some((name, version)) => {
                let version = version.parse().map_err(|_| wrong("rooms", expected))?;
                (name, Was::At(version))
            }
        };
        Ok((RoomName::parse("rooms", name)?, was))
    };
    let rooms: Vec<_> = text
        .split(',')
        .filter(|part| !part.is_empty())
        .map(each)
        .collect::<Result<_, Refusal>>()?;
    if rooms.is_empty() || rooms.len() > ROOMS_MAX {
        return Err(wrong("rooms", expected));
    }
    Ok(rooms)
}
