//! # Typed: what a text is
//!
//! Promises
//! 1. A text is a command if it begins with `/` and a name: a letter, then letters, digits, `-` and
//!    `_`, up to a blank or the end. So paths, such as `/etc/passwd`, are only texts.
//! 2. Whatever somebody wants to say can be said: `//x` says `/x`.

use crate::chat::{RoomName, Seq, Text};

/// A command as it came.
#[derive(Clone, Debug)]
pub(in crate::site) struct Typed {
    pub(in crate::site) room: RoomName,
    /// In small letters.
    pub(in crate::site) name: String,
    /// What stands behind the name.
    pub(in crate::site) rest: String,
    /// All of it.
    pub(in crate::site) whole: Text,
    pub(in crate::site) reply_to: Option<Seq>,
    pub(in crate::site) attachment: Option<String>,
    /// How many minutes the client's clocks are before UTC, if it says so.
    pub(in crate::site) offset: Option<i16>,
}

/// What somebody types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::site) enum Typing<'a> {
    /// To be said.
    Text(&'a str),
    /// To be done.
    Command { name: &'a str, rest: &'a str },
}

/// Finds out what a text is.
pub(in crate::site) fn typing(text: &str) -> Typing<'_> {
    let Some(after) = text.strip_prefix('/') else {
        return Typing::Text(text);
    };
    if let Some(said) = after.strip_prefix('/') {
        let is_meant = said.starts_with(|c: char| !c.is_whitespace() && c != '/');
        return Typing::Text(if is_meant { after } else { text });
    }
    let end = after.find(char::is_whitespace).unwrap_or(after.len());
    let (name, rest) = after.split_at(end);
    match is_name(name) {
        true => Typing::Command {
            name,
            rest: rest.trim(),
        },
        false => Typing::Text(text),
    }
}

/// Whether a command can be called so.
pub(in crate::site) fn is_name(word: &str) -> bool {
    let may = |c: char| c.is_alphanumeric() || "-_".contains(c);
    word.starts_with(char::is_alphabetic) && word.chars().all(may)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_said_or_done() {
        let said = |text: &str, expected: &str| {
            assert_eq!(typing(text), Typing::Text(expected), "{text:?}");
        };
        let done = |text: &str, name: &str, rest: &str| {
            assert_eq!(typing(text), Typing::Command { name, rest }, "{text:?}");
        };
        done("/help", "help", "");
        done("/me  waves\nboth hands ", "me", "waves\nboth hands");
        done("/Würfle 2", "Würfle", "2");
        said("//help", "/help");
        said("//etc/passwd is broken", "/etc/passwd is broken");
        for text in [
            "",
            " /help",
            "/",
            "/ help",
            "// a note",
            "///",
            "/etc/passwd is broken",
            "/2",
            "/help, please",
            "/-x",
            "and /help",
        ] {
            said(text, text);
        }
    }
}
