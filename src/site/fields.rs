//! # Fields: what a client's JSON object has in it
//!
//! Commands and bodies of requests are objects with few members. Unknown ones are nobody's
//! business; known ones have to be what they are, and an error names the one that is not.

use serde_json::{Map, Value};

use super::wire::time;
use crate::chat::{Code, Key, Millis, Refusal, RoomName, Text, Title, Topic, UserName};

/// The members of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(pub(super) &'a Map<String, Value>);

/// Reads a JSON object.
pub(super) fn object(text: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let bad = |why: &dyn std::fmt::Display| {
        let tell = format!("This is no JSON object: {why}.");
        Refusal::new(Code::BadJson, tell)
    };
    match serde_json::from_slice(text) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(bad(&"it has to begin with `{`")),
        Err(error) => Err(bad(&error)),
    }
}

impl<'a> Fields<'a> {
    fn value(self, name: &str) -> Option<&'a Value> {
        // Nothing and `null` are the same: many clients write members that they have no value for.
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether there is a member, be it `null`.
    pub(super) fn has(self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    fn must<T>(name: &'static str, found: Option<T>) -> Result<T, Refusal> {
        found.ok_or_else(|| Refusal::field(name, format!("`{name}` is missing.")))
    }

    /// A text, if there is one.
    pub(super) fn maybe_text(self, name: &'static str) -> Result<Option<&'a str>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong(name, "a text")),
        }
    }

    /// A text.
    pub(super) fn text(self, name: &'static str) -> Result<&'a str, Refusal> {
        Self::must(name, self.maybe_text(name)?)
    }

    /// A whole number from zero on, if there is one.
    pub(super) fn maybe_number(self, name: &'static str) -> Result<Option<u32>, Refusal> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
        number
            .map(Some)
            .ok_or_else(|| wrong(name, "a whole number from 0 on"))
    }

    /// A whole number from zero on.
    pub(super) fn number(self, name: &'static str) -> Result<u32, Refusal> {
        Self::must(name, self.maybe_number(name)?)
    }

    /// A larger one, if there is one.
    pub(super) fn maybe_long(self, name: &'static str) -> Result<Option<u64>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(value) => match value.as_u64() {
                Some(number) => Ok(Some(number)),
                None => Err(wrong(name, "a whole number from 0 on")),
            },
        }
    }

    /// How many minutes clocks are before UTC, if it is said.
    pub(super) fn maybe_offset(self, name: &'static str) -> Result<Option<i16>, Refusal> {
        const MOST: i64 = 14 * 60;
        match self.value(name) {
            None => Ok(None),
            Some(value) => match value.as_i64().filter(|it| (-MOST..=MOST).contains(it)) {
                Some(minutes) => Ok(i16::try_from(minutes).ok()),
                None => Err(wrong(name, "a whole number of minutes from -840 to 840")),
            },
        }
    }

    /// Yes or no, if it is said.
    pub(super) fn maybe_flag(self, name: &'static str) -> Result<Option<bool>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Bool(flag)) => Ok(Some(*flag)),
            Some(_) => Err(wrong(name, "`true` or `false`")),
        }
    }

    /// Texts, if there are any.
    pub(super) fn maybe_texts(self, name: &'static str) -> Result<Option<Vec<&'a str>>, Refusal> {
        let Some(value) = self.value(name) else {
            return Ok(None);
        };
        let texts = value
            .as_array()
            .and_then(|values| values.iter().map(Value::as_str).collect());
        match texts {
            Some(texts) => Ok(Some(texts)),
            None => Err(wrong(name, "an array of texts")),
        }
    }

    /// The members of an object, if there is one.
    pub(super) fn maybe_object(self, name: &'static str) -> Result<Option<Self>, Refusal> {
        match self.value(name) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(Self(object))),
            Some(_) => Err(wrong(name, "an object")),
        }
    }

    /// A moment, if there is one: RFC 3339.
    pub(super) fn maybe_time(self, name: &'static str) -> Result<Option<Millis>, Refusal> {
        match self.maybe_text(name)? {
            None => Ok(None),
            Some(text) => match time::parse(text) {
                Some(at) => Ok(Some(at)),
                None => Err(wrong(name, "a time such as 2026-01-02T03:04:05Z")),
            },
        }
    }

    /// One of a few words, if there is one.
    pub(super) fn maybe_word<T>(
        self,
        name: &'static str,
        of: impl FnOnce(&str) -> Option<T>,
        known: &str,
    ) -> Result<Option<T>, Refusal> {
        match self.maybe_text(name)? {
            None => Ok(None),
            Some(word) => match of(word) {
                Some(it) => Ok(Some(it)),
                None => Err(wrong(name, known)),
            },
        }
    }

    // ------------------------------------------------------------------ words of the contract

    /// A room's name.
    pub(super) fn room(self) -> Result<RoomName, Refusal> {
        RoomName::parse("room", self.text("room")?)
    }

    /// A person's name.
    pub(super) fn user(self, name: &'static str) -> Result<UserName, Refusal> {
        UserName::parse(name, self.text(name)?)
    }

    /// What a client calls what it wants.
    pub(super) fn key(self) -> Result<Option<Key>, Refusal> {
        self.maybe_text("key")?
            .map(|text| Key::parse("key", text))
            .transpose()
    }

    /// A title, if there is one.
    pub(super) fn maybe_title(self, name: &'static str) -> Result<Option<Title>, Refusal> {
        self.maybe_text(name)?
            .map(|text| Title::parse(name, text))
            .transpose()
    }

    /// A topic, if there is one.
    pub(super) fn maybe_topic(self) -> Result<Option<Topic>, Refusal> {
        self.maybe_text("topic")?
            .map(|text| Topic::parse("topic", text))
            .transpose()
    }

    /// What somebody says; it may be empty if an attachment goes with it.
    pub(super) fn said(self, may_be_empty: bool) -> Result<Text, Refusal> {
        if may_be_empty {
            Text::parse_any("text", self.maybe_text("text")?.unwrap_or_default())
        } else {
            Text::parse("text", self.text("text")?)
        }
    }

    /// How many are wanted, up to `max`; `usual` if it is not said.
    pub(super) fn limit(self, usual: u32, max: u32) -> Result<u32, Refusal> {
        match self.maybe_number("limit")? {
            None => Ok(usual),
            Some(limit) if (1..=max).contains(&limit) => Ok(limit),
            Some(_) => Err(wrong("limit", &format!("a whole number from 1 to {max}"))),
        }
    }
}

/// An object with one more member, which comes from elsewhere, such as the path of a request.
pub(super) fn with(mut map: Map<String, Value>, name: &str, value: &str) -> Map<String, Value> {
    map.insert(name.to_owned(), value.into());
    map
}

/// A member is not what it has to be.
pub(super) fn wrong(name: &'static str, expected: &str) -> Refusal {
    Refusal::field(name, format!("`{name}` has to be {expected}."))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_named() {
        let map = object(br#"{"a":1,"b":"x","c":null,"d":-1,"e":[1]}"#).unwrap();
        let fields = Fields(&map);
        let field = |refusal: Refusal| (refusal.code, refusal.field.unwrap());
        assert_eq!(field(fields.text("a").unwrap_err()), (Code::BadField, "a"));
        assert_eq!(field(fields.text("z").unwrap_err()), (Code::BadField, "z"));
        assert_eq!(fields.maybe_text("c"), Ok(None));
        assert_eq!(fields.number("a"), Ok(1));
        assert_eq!(
            field(fields.number("d").unwrap_err()),
            (Code::BadField, "d")
        );
        assert_eq!(
            field(fields.maybe_texts("e").unwrap_err()),
            (Code::BadField, "e")
        );
        assert_eq!(
            field(fields.maybe_flag("b").unwrap_err()),
            (Code::BadField, "b")
        );
    }

    #[test]
    fn what_is_no_object_is_no_command() {
        for bad in ["", "[]", "1", "{", "{\"a\":}", &"[".repeat(1000)] {
            assert_eq!(object(bad.as_bytes()).unwrap_err().code, Code::BadJson);
        }
    }
}
