//! # Scope: what a token has to be good for
//!
//! The one place that knows what a request or a command takes of a token with scopes. Tokens without
//! are not asked.
//!
//! Promises
//! 1. What is not known here takes `admin`, and what is not about a room is not for a token that is
//!    limited to rooms.

use super::fields::Fields;
use crate::chat::{Code, Refusal, RoomName, Scope, Scopes};
use crate::http::{Method, form};

/// What something takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Need {
    /// Nothing for what any token is good for.
    scope: Option<Scope>,
    place: Place,
}

/// Where it is done.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    /// In the room with this name.
    Room(String),
    /// Nowhere in particular, and it shows nothing of other rooms.
    Nowhere,
    /// Everywhere.
    Everywhere,
}

const fn need(scope: Scope, place: Place) -> Need {
    Need {
        scope: Some(scope),
        place,
    }
}

const ANY: Need = Need {
    scope: None,
    place: Place::Nowhere,
};

/// What a request takes.
pub(super) fn of_request(method: Method, path: &str, room_asked: Option<&str>) -> Need {
    let does = match method {
        Method::Get | Method::Head => Scope::Read,
        _ => Scope::Write,
    };
    let Some(path) = path.strip_prefix("/api/v1/") else {
        return match path {
            "/ws" => need(Scope::Read, Place::Nowhere),
            // Pages are for people.
            _ => need(Scope::Admin, Place::Everywhere),
        };
    };
    let segments = form::decoded_segments(path).unwrap_or_default();
    let segments: Vec<&str> = segments.iter().map(|it| &**it).collect();
    match (&segments[..], does) {
        (["me"], Scope::Read) | (["tokens", "current"], Scope::Write) => ANY,
        (["events"], _) => need(does, Place::Nowhere),
        (["me", "presence"], _) => need(Scope::Read, Place::Nowhere),
        (["uploads"], _) => need(does, Place::Nowhere),
        (["rooms", room, ..], _) => need(does, Place::Room((*room).to_owned())),
        (["search" | "commands"] | ["docs", "search"], _) => match room_asked {
            Some(room) => need(does, Place::Room(room.to_owned())),
            None => need(does, Place::Everywhere),
        },
        (["rooms" | "dms" | "notifications" | "uploads", ..], _) | (["users", ..], Scope::Read) => {
            need(does, Place::Everywhere)
        }
        _ => need(Scope::Admin, Place::Everywhere),
    }
}

/// What a command over a WebSocket takes.
pub(super) fn of_command(name: &str, fields: Fields<'_>) -> Need {
    let in_room = |scope| match fields.maybe_text("room") {
        Ok(Some(room)) => need(scope, Place::Room(room.to_owned())),
        _ => need(scope, Place::Everywhere),
    };
    match name {
        "ping" | "me" | "auth" => ANY,
        // What it names is looked up by who may hear of it.
        "resume" => need(Scope::Read, Place::Nowhere),
        "rooms" | "watch" | "notifications" => need(Scope::Read, Place::Everywhere),
        "members" | "bans" | "history" | "search" => in_room(Scope::Read),
        "presence" if fields.has("away") => need(Scope::Read, Place::Nowhere),
        "presence" => in_room(Scope::Read),
        "notify" | "seen" | "dm" | "create_room" => need(Scope::Write, Place::Everywhere),
        _ => in_room(Scope::Write),
    }
}

/// Whether a token is good for something.
pub(super) fn must_have(scopes: Option<&Scopes>, need: &Need) -> Result<(), Refusal> {
    let Some(scopes) = scopes else {
        return Ok(());
    };
    if let Some(scope) = need.scope
        && !scopes.has(scope)
    {
        let tell = format!(
            "This token is good for \"{scopes}\", and this takes `{}`. Use another token.",
            scope.as_str()
        );
        return Err(Refusal::new(Code::Forbidden, tell));
    }
    let is_inside = match &need.place {
        Place::Nowhere => true,
        Place::Everywhere => !scopes.is_limited(),
        // What is no name is told by whoever reads it.
        Place::Room(room) => RoomName::parse("room", room).map_or(true, |it| scopes.has_room(&it)),
    };
    if is_inside {
        return Ok(());
    }
    let tell =
        format!("This token is good for \"{scopes}\", and not elsewhere. Use another token.");
    Err(Refusal::new(Code::Forbidden, tell))
}

/// Whether a token is good for all that people do, in all rooms.
fn is_for_all_rooms(scopes: Option<&Scopes>) -> bool {
    scopes.is_none_or(|it| it.has(Scope::Read) && it.has(Scope::Write) && !it.is_limited())
}

/// Whether a token is good for the game protocol, which asks no further.
pub(super) fn must_be_for_all_rooms(scopes: Option<&Scopes>) -> Result<(), Refusal> {
    if is_for_all_rooms(scopes) {
        return Ok(());
    }
    let tell = "The game protocol takes a token that is good for `read` and `write` in all rooms.";
    Err(Refusal::new(Code::Forbidden, tell))
}

/// Whether a token is good for commands that begin with `/`: they tell things, and of everywhere.
pub(super) fn must_have_commands(scopes: Option<&Scopes>) -> Result<(), Refusal> {
    if is_for_all_rooms(scopes) {
        return Ok(());
    }
    let tell = "Commands take a token that is good for `read` and `write` in all rooms. To say a text \
                that begins with a slash, begin it with two.";
    Err(Refusal::new(Code::Forbidden, tell))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: Method, path: &str, good: &[&str], bad: &[&str]) {
        let need = of_request(method, path, None);
        for (all, expected) in [(good, true), (bad, false)] {
            for words in all {
                let scopes = Scopes::parse("scopes", [*words]).unwrap();
                let is = must_have(scopes.as_ref(), &need).is_ok();
                assert_eq!(is, expected, "{method} {path}: {words}");
            }
        }
    }

    #[test]
    fn a_request_takes_what_it_does() {
        use Method::{Delete, Get, Patch, Post, Put};
        let none = "";
        check(
            Get,
            "/api/v1/rooms/dev/messages",
            &[none, "read", "read room:dev", "read room:a room:dev"],
            &["write", "admin", "read room:a", "write room:dev"],
        );
        check(
            Post,
            "/api/v1/rooms/dev/messages",
            &[none, "write", "write room:dev"],
            &["read", "admin", "write room:a"],
        );
        check(
            Put,
            "/api/v1/rooms/d%65v/read",
            &["write room:dev"],
            &["write room:a"],
        );
        for path in [
            "/api/v1/tokens",
            "/api/v1/settings",
            "/api/v1/webhooks",
            "/api/v1/me",
        ] {
            check(
                Patch,
                path,
                &[none, "admin"],
                &["read write", "write room:dev"],
            );
        }
        check(Get, "/api/v1/tokens", &["admin"], &["read", "write"]);
        check(Get, "/api/v1/rooms", &["read"], &["read room:dev", "write"]);
        for path in ["/api/v1/search", "/api/v1/docs/search"] {
            check(Get, path, &["read"], &["read room:dev"]);
        }
        check(Get, "/api/v1/docs", &["admin"], &["read", "write"]);
        check(
            Get,
            "/api/v1/events",
            &["read", "read room:dev"],
            &["write"],
        );
        check(Get, "/ws", &["read", "read room:dev"], &["write", "admin"]);
        check(Get, "/api/v1/me", &["read", "write room:dev", "admin"], &[]);
        check(
            Delete,
            "/api/v1/tokens/current",
            &["read", "write room:dev"],
            &[],
        );
        check(Delete, "/api/v1/tokens/7", &["admin"], &["write"]);
        check(Get, "/room/dev", &[none, "admin"], &["read", "write"]);
        check(Post, "/api/v1/what/comes", &["admin"], &["read", "write"]);
    }
}
