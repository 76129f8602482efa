//! # Names and texts: parsed once, at the edge
//!
//! Whoever has one of these knows that it is well-formed. Each is made by `parse`, which says what
//! is wrong and with which field. A clone is the same text once more and not another one: what goes
//! to the scribe's thread in an operation comes back in its events.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::limits::{
    EMAIL_BYTES_MAX, EMOJI_BYTES_MAX, KEY_BYTES_MAX, NAME_CHARS_MAX, TEXT_CHARS_MAX,
    TITLE_CHARS_MAX, TOPIC_CHARS_MAX,
};
use super::refusal::Refusal;

/// What names of direct rooms begin with, and no other's do.
pub const DIRECT_PREFIX: &str = "dm-";

/// Names that would be mistaken for something else in a path or a mention.
const RESERVED: [&str; 8] = [
    "me",
    "room",
    "here",
    "everyone",
    "all",
    "channel",
    "current",
    super::bot::NAME,
];

macro_rules! word {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(
            Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(Arc<str>);

        impl $name {
            /// What came out of the database, where only what was parsed gets in.
            pub fn trusted(text: impl Into<Arc<str>>) -> Self {
                Self(text.into())
            }

            /// The text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl Deref for $name {
            type Target = str;

            fn deref(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

word! {
    /// What a person signs in with and is mentioned by: small letters, digits, `_`, `.`, `-`.
    UserName
}
word! {
    /// Where a person gets mail: in small letters, so that one address is one account's.
    Email
}
word! {
    /// What a room is addressed by: small letters and digits of any script, `_`, `.`, `-`.
    RoomName
}
word! {
    /// One line for people: a display name, a room's title. Not empty.
    Title
}
word! {
    /// What a room is about: one line, perhaps empty.
    Topic
}
word! {
    /// What somebody says. Not empty, but for a message with an attachment.
    Text
}
word! {
    /// A reaction.
    Emoji
}
word! {
    /// Where an outgoing hook sends events: an address of the web.
    HookUrl
}
word! {
    /// What a client calls an operation, so that it is done once.
    Key
}

impl UserName {
    /// A name as somebody types it; capitals are made small.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Refusal> {
        let name = text.strip_prefix('@').unwrap_or(text).to_lowercase();
        let may = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_.-".contains(c);
        judge_name(field, &name, may)?;
        Ok(Self(name.into()))
    }

    /// The same for a new account, where some words are not allowed.
    pub fn parse_new(field: &'static str, text: &str) -> Result<Self, Refusal> {
        let name = Self::parse(field, text)?;
        if RESERVED.contains(&&*name) || name.starts_with("erased-") {
            let tell = format!("The name \"{name}\" means something else here. Choose another.");
            return Err(Refusal::field(field, tell));
        }
        Ok(name)
    }
}

impl Email {
    /// An address as somebody types it; capitals are made small. Whether mail arrives there is
    /// found out by sending some, so only what cannot be one is refused.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Refusal> {
        let address = text.trim().to_lowercase();
        if address.len() > EMAIL_BYTES_MAX {
            return Err(Refusal::too_long(field, address.len(), EMAIL_BYTES_MAX));
        }
        let odd = |c: char| c.is_whitespace() || c.is_control();
        let parts = address.rsplit_once('@');
        let is_whole = parts.is_some_and(|(person, host)| !person.is_empty() && !host.is_empty());
        if !is_whole || address.contains(odd) {
            let tell = format!(
                "`{field}` cannot be \"{}\": an address is like ana@example.org.",
                address.escape_debug()
            );
            return Err(Refusal::field(field, tell));
        }
        Ok(Self(address.into()))
    }
}

impl RoomName {
    /// A name as somebody types it; capitals are made small and a `#` before it goes.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Refusal> {
        let name = text.strip_prefix('#').unwrap_or(text).to_lowercase();
        let may = |c: char| c.is_alphanumeric() || "_.-".contains(c);
        judge_name(field, &name, may)?;
        Ok(Self(name.into()))
    }

    /// The same for a new room, where direct rooms' names are not allowed.
    pub fn parse_new(field: &'static str, text: &str) -> Result<Self, Refusal> {
        let name = Self::parse(field, text)?;
        if name.starts_with(DIRECT_PREFIX) {
            let tell =
                format!("Names that begin with \"{DIRECT_PREFIX}\" are those of direct rooms.");
            return Err(Refusal::field(field, tell));
        }
        Ok(name)
    }
}

fn judge_name(field: &'static str, name: &str, may: impl Fn(char) -> bool) -> Result<(), Refusal> {
    let length = name.chars().count();
    if length > NAME_CHARS_MAX {
        return Err(Refusal::too_long(field, length, NAME_CHARS_MAX));
    }
    let begins = name.chars().next().is_some_and(|c| c.is_alphanumeric());
    if begins && name.chars().all(may) && !name.contains("..") {
        return Ok(());
    }
    let tell = format!(
        "`{field}` cannot be \"{}\": a name begins with a letter or digit and goes on with \
         letters, digits, \"_\", \"-\" and single dots.",
        name.escape_debug()
    );
    Err(Refusal::field(field, tell))
}

impl Title {
    /// One line, trimmed.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Refusal> {
        let line = one_line(field, text, TITLE_CHARS_MAX)?;
        if line.is_empty() {
            return Err(Refusal::field(field, format!("`{field}` is empty.")));
        }
        Ok(Self(line.into()))
    }
}

impl Topic {
    /// One line, trimmed, or nothing.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Refusal> {
        Ok(Self(one_line(field, text, TOPIC_CHARS_MAX)?.into()))
    }
}

fn one_line<'a>(field: &'static str, text: &'a str, max: usize) -> Result<&'a str, Refusal> {
    let line = text.trim();
    let length = line.chars().count();
    if length > max {
        return Err(Refusal::too_long(field, length, max));
    }
    if line.chars().any(char::is_control) {
        let tell = format!("`{field}` has to be one line without control characters.");
        return Err(Refusal::field(field, tell));
    }
    Ok(line)
}

impl Text {
    /// What somebody says, as it is: lines and blanks have a meaning.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Refusal> {
        if text.trim().is_empty() {
            return Err(Refusal::field(field, format!("`{field}` is empty.")));
        }
        Self::parse_any(field, text)
    }

    /// The same for what goes with an attachment and may be empty.
    pub fn parse_any(field: &'static str, text: &str) -> Result<Self, Refusal> {
        // Bytes are at least as many as characters, and their number is known.
        if text.len() > TEXT_CHARS_MAX {
            let length = text.chars().count();
            if length > TEXT_CHARS_MAX {
                return Err(Refusal::too_long(field, length, TEXT_CHARS_MAX));
            }
        }
        if text.contains('\0') {
            let tell = format!("`{field}` has a NUL character in it, which is no text.");
            return Err(Refusal::field(field, tell));
        }
        Ok(Self(text.into()))
    }
}

impl Emoji {
    /// An emoji, or a short word for one.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Refusal> {
        if text.len() > EMOJI_BYTES_MAX {
            return Err(Refusal::too_long(field, text.len(), EMOJI_BYTES_MAX));
        }
        if text.is_empty() || text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            let tell = format!("`{field}` has to be an emoji or a word without blanks.");
            return Err(Refusal::field(field, tell));
        }
        Ok(Self(text.into()))
    }
}

impl Key {
    /// Anything printable; 128 random bits are best.
    pub fn parse(field: &'static str, text: &str) -> Result<Self, Refusal> {
        if text.len() > KEY_BYTES_MAX {
            return Err(Refusal::too_long(field, text.len(), KEY_BYTES_MAX));
        }
        if text.is_empty() || text.chars().any(char::is_control) {
            let tell = format!("`{field}` has to have at least one character, all printable.");
            return Err(Refusal::field(field, tell));
        }
        Ok(Self(text.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chat::refusal::Code;

    #[test]
    fn names_are_small_and_plain() {
        let check = |text: &str, expected: Option<&str>| {
            let name = UserName::parse_new("name", text);
            assert_eq!(name.as_deref().ok(), expected, "{text:?}");
        };
        check("ana", Some("ana"));
        check("@Ana.B-c_9", Some("ana.b-c_9"));
        for bad in [
            "", "@", ".ana", "-a", "a b", "a/b", "añа", "a..b", "me", "erased-1", "a\n",
        ] {
            check(bad, None);
        }
        check(&"a".repeat(64), Some(&"a".repeat(64)));
        check(&"a".repeat(65), None);
    }

    #[test]
    fn an_address_has_two_sides() {
        let check = |text: &str, expected: Option<&str>| {
            let email = Email::parse("email", text);
            assert_eq!(email.as_deref().ok(), expected, "{text:?}");
        };
        check(" Ana@Example.ORG ", Some("ana@example.org"));
        for bad in ["", "@", "ana", "ana@", "@b", "a b@c", "a@b\nc"] {
            check(bad, None);
        }
        check(
            &format!("{}@b", "a".repeat(252)),
            Some(&format!("{}@b", "a".repeat(252))),
        );
        check(&format!("{}@b", "a".repeat(253)), None);
    }

    #[test]
    fn rooms_may_be_named_in_any_script() {
        let check = |text: &str, expected: Option<&str>| {
            let name = RoomName::parse_new("room", text);
            assert_eq!(name.as_deref().ok(), expected, "{text:?}");
        };
        check("#General", Some("general"));
        check("café", Some("café"));
        check("聊天室", Some("聊天室"));
        check("dm-x", None);
        check("../etc", None);
        check("a?b", None);
    }

    #[test]
    fn what_is_too_long_says_so() {
        let code = |result: Result<Text, Refusal>| result.unwrap_err().code;
        assert!(Text::parse("text", &"é".repeat(8000)).is_ok());
        assert_eq!(code(Text::parse("text", &"é".repeat(8001))), Code::TooLong);
        assert_eq!(code(Text::parse("text", " \n ")), Code::BadField);
        assert_eq!(code(Text::parse("text", "a\0b")), Code::BadField);
        assert!(Text::parse_any("text", "").is_ok());
    }
}
