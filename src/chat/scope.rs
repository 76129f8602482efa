//! # Scopes: what a token is good for
//!
//! A token without scopes lets its holder do what its person may. With some, it is good for these alone:
//! `read`, `write`, `admin`, and `room:NAME`, which limits the first two to rooms. A scope gives nobody
//! more than they may by themselves.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::name::RoomName;
use super::refusal::Refusal;

/// Scopes of a token: more rooms than that are all.
const SCOPES_MAX: usize = 50;

/// What something takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Looks at what was said and who is there, and hears what happens.
    Read,
    /// Says something, and does what people do in rooms.
    Write,
    /// Everything else: accounts, tokens, settings, hooks.
    Admin,
}

impl Scope {
    /// As it is written.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Admin => "admin",
        }
    }
}

/// What a token is good for.
///
/// ```
/// use parlour::chat::{RoomName, Scope, Scopes};
///
/// let scopes = Scopes::parse("scopes", ["read", "write", "room:builds"]).unwrap().unwrap();
/// assert!(scopes.has(Scope::Write) && !scopes.has(Scope::Admin));
/// assert!(scopes.has_room(&RoomName::parse("room", "builds").unwrap()));
/// assert!(!scopes.has_room(&RoomName::parse("room", "general").unwrap()));
/// assert_eq!(scopes.to_string(), "read write room:builds");
/// // Without any, a token is good for everything.
/// assert_eq!(Scopes::parse("scopes", [""; 0]).unwrap(), None);
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scopes {
    kinds: Vec<Scope>,
    rooms: Vec<RoomName>,
}

impl Scopes {
    /// Reads scopes, each a word; nothing if there are none.
    pub fn parse<'a>(
        field: &'static str,
        words: impl IntoIterator<Item = &'a str>,
    ) -> Result<Option<Self>, Refusal> {
        let (mut kinds, mut rooms) = (Vec::new(), Vec::new());
        let words = words.into_iter().flat_map(str::split_whitespace);
        for word in words {
            let kind = match word {
                "read" => Scope::Read,
                "write" => Scope::Write,
                "admin" => Scope::Admin,
                _ => {
                    let Some(room) = word.strip_prefix("room:") else {
                        let tell = format!(
                            "`{field}` cannot be \"{}\": there are `read`, `write`, `admin` and \
                             `room:NAME`.",
                            word.escape_debug()
                        );
                        return Err(Refusal::field(field, tell));
                    };
                    rooms.push(RoomName::parse(field, room)?);
                    continue;
                }
            };
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        if kinds.len() + rooms.len() > SCOPES_MAX {
            return Err(Refusal::too_long(
                field,
                kinds.len() + rooms.len(),
                SCOPES_MAX,
            ));
        }
        if kinds.is_empty() && rooms.is_empty() {
            return Ok(None);
        }
        if kinds.is_empty() {
            let tell = format!("`{field}` names rooms alone: say `read` or `write`, too.");
            return Err(Refusal::field(field, tell));
        }
        if kinds.contains(&Scope::Admin) && !rooms.is_empty() {
            let tell = format!("`{field}`: `admin` is not limited to rooms; leave one out.");
            return Err(Refusal::field(field, tell));
        }
        rooms.dedup();
        Ok(Some(Self { kinds, rooms }))
    }

    /// Those that were stored.
    pub(super) fn stored(text: &str) -> Self {
        let read = Self::parse("scopes", [text]).ok().flatten();
        // What cannot be read is good for nothing.
        read.unwrap_or_else(|| Self {
            kinds: Vec::new(),
            rooms: Vec::new(),
        })
    }

    /// Whether it is good for this.
    pub fn has(&self, scope: Scope) -> bool {
        self.kinds.contains(&scope)
    }

    /// Whether it is good in this room.
    pub fn has_room(&self, room: &RoomName) -> bool {
        self.rooms.is_empty() || self.rooms.contains(room)
    }

    /// Whether it is limited to rooms.
    pub fn is_limited(&self) -> bool {
        !self.rooms.is_empty()
    }

    /// Each as it is written.
    pub fn words(&self) -> impl Iterator<Item = String> {
        let rooms = self.rooms.iter().map(|room| format!("room:{room}"));
        let kinds = self.kinds.iter().map(|kind| kind.as_str().to_owned());
        kinds.chain(rooms)
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words().collect::<Vec<_>>().join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_scope_is_refused() {
        for bad in ["all", "room", "room:", "room:a b", "room:x", "admin room:x"] {
            assert!(Scopes::parse("scopes", [bad]).is_err(), "{bad}");
        }
        let many: Vec<String> = (0..51).map(|n| format!("room:r{n}")).collect();
        let many = many.iter().map(String::as_str).chain(["read"]);
        assert!(Scopes::parse("scopes", many).is_err());
    }

    #[test]
    fn what_was_stored_is_read_and_what_is_damaged_is_good_for_nothing() {
        for text in ["read", "read write", "write room:a room:b"] {
            assert_eq!(Scopes::stored(text).to_string(), text);
        }
        let none = Scopes::stored("damaged");
        assert!(
            ![Scope::Read, Scope::Write, Scope::Admin]
                .iter()
                .any(|it| none.has(*it))
        );
    }
}
