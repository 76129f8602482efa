//! # File names: what others call a file, made fit to be one
//!
//! A name comes in with an upload and leaves with a download ([`Response::attachment`]); neither
//! may be a path, hide something, or end the field that it stands in.

use super::Response;

/// What a name is when nothing is left of it.
const NAMELESS: &str = "file";
/// File systems take 255 bytes; some room is left for what a store puts before or behind it.
const NAME_BYTES_MAX: usize = 200;
/// An ending that is kept when a name is cut; a longer one is none.
const ENDING_BYTES_MAX: usize = 16;

/// A name that is one segment of a path on any system: what stands before the last slash or
/// backslash is gone, and so are controls and what turns the direction of writing, dots at both
/// ends and spaces around them; characters that some systems forbid are `_`. Never empty, never
/// `.` or `..`, at most 200 bytes long.
///
/// ```
/// # use parlour::http::file_name::safe;
/// assert_eq!(safe("C:\\pictures\\cat.png"), "cat.png");
/// assert_eq!(safe("../../etc/passwd"), "passwd");
/// assert_eq!(safe(".."), "file");
/// ```
pub fn safe(sent: &str) -> String {
    let last = sent.rsplit(['/', '\\']).next().unwrap_or(sent);
    let clean: String = last
        .chars()
        .filter(|&letter| !letter.is_control() && !turns_direction(letter))
        .map(|letter| match letter {
            ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
            letter => letter,
        })
        .collect();
    let is_edge = |letter: char| letter == '.' || letter.is_whitespace();
    let name = match clean.trim_matches(is_edge) {
        "" => NAMELESS.to_owned(),
        name if is_device(name) => format!("_{name}"),
        name => name.to_owned(),
    };
    if name.len() <= NAME_BYTES_MAX {
        return name;
    }
    let ending = name
        .rfind('.')
        .map(|at| &name[at..])
        .filter(|ending| ending.len() <= ENDING_BYTES_MAX)
        .unwrap_or_default();
    let stem = &name[..name.floor_char_boundary(NAME_BYTES_MAX - ending.len())];
    format!("{}{ending}", stem.trim_end_matches(is_edge))
}

/// Whether Windows would open a device by this name, whatever its ending.
fn is_device(name: &str) -> bool {
    let stem = name.split('.').next().unwrap_or(name).trim_end();
    let numbered = stem.len() == 4 && stem.ends_with(|digit: char| digit.is_ascii_digit());
    let kind = if numbered { &stem[..3] } else { stem };
    let kinds: &[&str] = if numbered {
        &["com", "lpt"]
    } else {
        &["aux", "con", "nul", "prn"]
    };
    kinds.iter().any(|known| kind.eq_ignore_ascii_case(known))
}

/// Invisible characters by which `txt.exe` can look like `exe.txt`.
const fn turns_direction(letter: char) -> bool {
    matches!(
        letter,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

impl Response {
    /// Makes it a file that browsers save below this name, which is made [`safe`] before (RFC 6266).
    ///
    /// ```
    /// use parlour::http::Response;
    ///
    /// let response = Response::text("").attachment("naïve plan.txt");
    /// assert_eq!(
    ///     response.fields().first("Content-Disposition").unwrap(),
    ///     b"attachment; filename=\"na_ve plan.txt\"; filename*=UTF-8''na%C3%AFve%20plan.txt",
    /// );
    /// ```
    #[must_use]
    pub fn attachment(mut self, name: &str) -> Self {
        self.set_field("Content-Disposition", disposition(&safe(name)).as_bytes());
        self
    }
}

/// The name twice if it has to be: plain for old clients, and as RFC 8187 writes it.
fn disposition(name: &str) -> String {
    // Some clients decode a `%` in the plain form, some take a backslash for an escape.
    let plain: String = name
        .chars()
        .map(|letter| match letter {
            '%' | '"' | '\\' => '_',
            ' '..='~' => letter,
            _ => '_',
        })
        .collect();
    let mut text = format!("attachment; filename=\"{plain}\"");
    if plain != name {
        text += "; filename*=UTF-8''";
        for byte in name.bytes() {
            if byte.is_ascii_alphanumeric() || b"!#$&+-.^_`|~".contains(&byte) {
                text.push(char::from(byte));
            } else {
                text += &format!("%{byte:02X}");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::Status;

    #[test]
    fn what_is_left_is_one_plain_name() {
        let check = |sent: &str, expected: &str| assert_eq!(safe(sent), expected, "{sent:?}");
        check("cat.png", "cat.png");
        check("Übung 1.pdf", "Übung 1.pdf");
        check("/etc/passwd", "passwd");
        check("a\\..\\b", "b");
        check("C:a.txt", "C_a.txt");
        check("a.txt:stream", "a.txt_stream");
        check("", "file");
        check(".", "file");
        check("..", "file");
        check("...", "file");
        check("a/", "file");
        check("a/..", "file");
        check(". . ", "file");
        check("\0\r\n", "file");
        check("..\0", "file");
        check(".\u{202e}.", "file");
        check(".bashrc", "bashrc");
        check("a. ", "a");
        check("a\r\nb\0c", "abc");
        check("a\u{202e}gnp.exe", "agnp.exe");
        check("<a>\"?*|.txt", "_a_____.txt");
        check("NUL", "_NUL");
        check("con .txt", "_con .txt");
        check("Com1.tar.gz", "_Com1.tar.gz");
        check("con1", "con1");
        check("com", "com");
        check("é1", "é1");
        check("é01", "é01");
    }

    #[test]
    fn a_long_name_keeps_its_ending() {
        let long = format!("{}.tar.gz", "é".repeat(200));
        let found = safe(&long);
        assert!(found.len() <= NAME_BYTES_MAX && found.len() > NAME_BYTES_MAX - 4);
        assert!(found.ends_with("é.gz"));
        let endless = format!("a.{}", "b".repeat(300));
        assert_eq!(safe(&endless).len(), NAME_BYTES_MAX);
        let dotted = format!("{}{}{}", "a".repeat(100), ".".repeat(150), "png");
        assert_eq!(safe(&dotted), format!("{}.png", "a".repeat(100)));
    }

    #[test]
    fn a_name_is_said_twice_only_if_it_has_to_be() {
        let check = |name: &str, expected: &str| assert_eq!(disposition(name), expected, "{name}");
        check("a b.txt", "attachment; filename=\"a b.txt\"");
        check(
            "50%.txt",
            "attachment; filename=\"50_.txt\"; filename*=UTF-8''50%25.txt",
        );
        check(
            "€ rates",
            "attachment; filename=\"_ rates\"; filename*=UTF-8''%E2%82%AC%20rates",
        );
        check("a;b'c(d)", "attachment; filename=\"a;b'c(d)\"");
    }

    proptest! {
        #[test]
        fn any_name_becomes_a_safe_one_and_one_field(sent in "[./\\\\ a-c\r\n\0\":é%;\u{202e}]{0,40}") {
            let name = safe(&sent);
            prop_assert!(!name.is_empty() && name.len() <= NAME_BYTES_MAX);
            prop_assert!(!name.starts_with('.') && !name.ends_with('.'));
            prop_assert!(!name.contains(['/', '\\', ':', '"']) && !name.contains(char::is_control));
            prop_assert_eq!(&safe(&name), &name, "what is safe stays as it is");
            let response = Response::new(Status::OK).attachment("x").attachment(&sent);
            prop_assert_eq!(response.fields().iter().count(), 1);
            let text = String::from_utf8(response.fields().iter().next().unwrap().1.to_vec()).unwrap();
            prop_assert_eq!(text.matches('"').count(), 2);
            if let Some((_, encoded)) = text.split_once("filename*=UTF-8''") {
                let form = encoded.replace('+', "%2B");
                let (decoded, _) = crate::http::form::pairs(form.as_bytes(), 1).next().unwrap();
                prop_assert_eq!(decoded, name);
            } else {
                prop_assert!(text.contains(&name));
            }
        }
    }
}
