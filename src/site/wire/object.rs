//! # Object: JSON, written straight into a text
//!
//! What the server says is made of few shapes and said often, so it is written member by member
//! without building a tree first. Strings are escaped by `serde_json`.

use std::fmt::Write;

/// A JSON object that is being written.
#[derive(Debug)]
pub(in crate::site) struct Object {
    text: String,
}

impl Object {
    /// An object without members.
    pub(in crate::site) fn new() -> Self {
        let mut text = String::with_capacity(256);
        text.push('{');
        Self { text }
    }

    fn name(&mut self, name: &str) {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        self.text.push('"');
        // Names are words of the protocol: letters and underscores.
        self.text.push_str(name);
        self.text.push_str("\":");
    }

    /// A text.
    pub(in crate::site) fn text(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        push_text(&mut self.text, value);
        self
    }

    /// A text, if there is one.
    pub(in crate::site) fn maybe_text(self, name: &str, value: Option<&str>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    /// A whole number.
    pub(in crate::site) fn number(mut self, name: &str, value: impl Into<i128>) -> Self {
        self.name(name);
        write!(self.text, "{}", value.into()).expect("a string takes everything");
        self
    }

    /// A whole number, if there is one.
    pub(in crate::site) fn maybe_number<N: Into<i128>>(self, name: &str, value: Option<N>) -> Self {
        match value {
            Some(value) => self.number(name, value),
            None => self,
        }
    }

    /// Yes or no.
    pub(in crate::site) fn flag(mut self, name: &str, value: bool) -> Self {
        self.name(name);
        self.text.push_str(if value { "true" } else { "false" });
        self
    }

    /// Something that is JSON already.
    pub(in crate::site) fn json(mut self, name: &str, value: &str) -> Self {
        self.name(name);
        self.text.push_str(value);
        self
    }

    /// An array of things that are JSON already.
    pub(in crate::site) fn array<T: AsRef<str>>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.name(name);
        push_array(&mut self.text, values);
        self
    }

    /// An array of texts.
    pub(in crate::site) fn texts<T: AsRef<str>>(
        mut self,
        name: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        self.name(name);
        self.text.push('[');
        for (at, value) in values.into_iter().enumerate() {
            if at > 0 {
                self.text.push(',');
            }
            push_text(&mut self.text, value.as_ref());
        }
        self.text.push(']');
        self
    }

    /// An array of texts under a name that is anything.
    pub(in crate::site) fn texts_by<T: AsRef<str>>(
        self,
        name: &str,
        values: impl IntoIterator<Item = T>,
    ) -> Self {
        let mut texts = String::new();
        push_array(
            &mut texts,
            values.into_iter().map(|it| Self::string(it.as_ref())),
        );
        self.named_by(name, &texts)
    }

    /// A member whose name is anything, such as a room's.
    pub(in crate::site) fn named_by(mut self, name: &str, value: &str) -> Self {
        if self.text.len() > 1 {
            self.text.push(',');
        }
        push_text(&mut self.text, name);
        self.text.push(':');
        self.text.push_str(value);
        self
    }

    /// A text on its own, as JSON.
    pub(in crate::site) fn string(value: &str) -> String {
        let mut text = String::with_capacity(value.len() + 2);
        push_text(&mut text, value);
        text
    }

    /// The whole.
    pub(in crate::site) fn end(mut self) -> String {
        self.text.push('}');
        self.text
    }
}

fn push_array<T: AsRef<str>>(text: &mut String, values: impl IntoIterator<Item = T>) {
    text.push('[');
    for (at, value) in values.into_iter().enumerate() {
        if at > 0 {
            text.push(',');
        }
        text.push_str(value.as_ref());
    }
    text.push(']');
}

fn push_text(text: &mut String, value: &str) {
    let is_plain = |byte: u8| byte >= 0x20 && byte != b'"' && byte != b'\\';
    if value.bytes().all(is_plain) {
        text.push('"');
        text.push_str(value);
        text.push('"');
        return;
    }
    text.push_str(&serde_json::to_string(value).expect("a text is JSON"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let text = Object::new()
            .text("a", "x\"\\\n\u{1}é")
            .maybe_text("b", None)
            .number("c", -3)
            .maybe_number("d", Some(u64::MAX))
            .flag("e", true)
            .array("f", ["1", "{}"])
            .texts("g", ["\"", "h"])
            .named_by("o\"dd", "null")
            .end();
        let value: serde_json::Value = serde_json::from_str(&text).unwrap();
        let expected = serde_json::json!({
            "a": "x\"\\\n\u{1}é", "c": -3, "d": u64::MAX, "e": true, "f": [1, {}],
            "g": ["\"", "h"], "o\"dd": null,
        });
        assert_eq!(value, expected);
        assert_eq!(Object::new().end(), "{}");
    }

    proptest::proptest! {
        #[test]
        fn any_text_survives(text in ".*") {
            let json = Object::new().text("t", &text).end();
            let value: serde_json::Value = serde_json::from_str(&json).unwrap();
            proptest::prop_assert_eq!(value["t"].as_str(), Some(text.as_str()));
        }
    }
}
