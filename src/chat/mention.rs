//! # Mentions: whom a text calls
//!
//! `@name` calls a person and `@room` everybody. A mention begins where a word could begin, so an
//! address such as `ana@example.org` calls nobody; and what is quoted as code calls nobody either.

use super::limits::MENTIONS_MAX;
use super::name::UserName;

/// Whom a text calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mentions {
    /// Names, each once, in order; they need not exist.
    pub names: Vec<UserName>,
    /// Everybody in the room.
    pub everybody: bool,
}

/// Finds whom a text calls.
pub fn mentions(text: &str) -> Mentions {
    let mut found = Mentions::default();
    if !text.contains('@') {
        return found;
    }
    let mut before = None;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        if c == '`' {
            let (length, skip) = code(rest);
            before = Some('`');
            rest = &rest[if skip { length } else { ticks(rest) }..];
            continue;
        }
        let begins = c == '@' && !before.is_some_and(|c: char| c.is_alphanumeric() || c == '@');
        let name = if begins { name(&rest[1..]) } else { "" };
        if name.is_empty() {
            before = Some(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        note(&mut found, name);
        before = Some('a');
        rest = &rest[1 + name.len()..];
    }
    found
}

fn note(found: &mut Mentions, name: &str) {
    if matches!(
        name.to_ascii_lowercase().as_str(),
        "room" | "everyone" | "all"
    ) {
        found.everybody = true;
        return;
    }
    if let Ok(name) = UserName::parse("text", name)
        && !found.names.contains(&name)
        && found.names.len() < MENTIONS_MAX
    {
        found.names.push(name);
    }
}

/// The name at the beginning; dots and dashes at its end belong to the sentence.
fn name(text: &str) -> &str {
    let may = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    let end = text.find(|c: char| !may(c)).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', '-'])
}

fn ticks(text: &str) -> usize {
    text.bytes().take_while(|&byte| byte == b'`').count()
}

/// The length of what is quoted as code here, and whether it ends at all.
fn code(text: &str) -> (usize, bool) {
    let open = ticks(text);
    let mut at = open;
    while let Some(next) = text[at..].find('`') {
        let close = ticks(&text[at + next..]);
        at += next + close;
        if close == open {
            return (at, true);
        }
    }
    (text.len(), false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_called_is_found() {
        let check = |text: &str, names: &[&str], everybody: bool| {
            let found = mentions(text);
            let found_names: Vec<&str> = found.names.iter().map(|name| name.as_str()).collect();
            assert_eq!(
                (found_names.as_slice(), found.everybody),
                (names, everybody),
                "{text:?}"
            );
        };
        check("hi @bo", &["bo"], false);
        check("@Bo, @ana. And @bo!", &["bo", "ana"], false);
        check("@room: tea", &[], true);
        check("mail ana@example.org", &[], false);
        check("(@ana)你好@bo", &["ana"], false);
        check("a @@bo @ b", &[], false);
        check("see `@bo` and ```\n@cy\n``` but @di", &["di"], false);
        check("a ` alone @bo", &["bo"], false);
        check("@roomy", &["roomy"], false);
    }

    #[test]
    fn a_text_calls_only_so_many() {
        let text: String = (0..200).map(|n| format!("@u{n} ")).collect();
        assert_eq!(mentions(&text).names.len(), MENTIONS_MAX);
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_to_its_end(text in "[@`a-z. \né]{0,60}") {
            let _ = mentions(&text);
        }
    }
}
