//! # Rules: what names and texts may be
//!
//! Checked where something comes in, so that everything that is stored keeps to them. Each says what
//! would do.

use parlour::web::Error;

/// Characters of a message.
pub(crate) const MESSAGE_CHARS_MAX: usize = 4000;

/// What Channels takes as the name of a group, so that old names stay good.
pub(crate) fn group_name(name: &str) -> Result<(), Error> {
    is_name(name, 99, "-_.").then_some(()).ok_or_else(|| {
        Error::bad_request("the name of a group is 1 to 99 letters (a to z), digits, - _ or .")
    })
}

/// Letters of one alphabet, so that nobody looks like somebody else.
pub(crate) fn user_name(name: &str) -> Result<(), Error> {
    is_name(name, 64, "-_.+@").then_some(()).ok_or_else(|| {
        Error::bad_request("a user name is 1 to 64 letters (a to z), digits, - _ . + or @")
    })
}

/// What people and groups are called on pages: a line that has something on it.
pub(crate) fn display_name(name: &str) -> Result<(), Error> {
    let fits = (1..=100).contains(&name.chars().count());
    let is_line = !name.trim().is_empty() && !name.chars().any(char::is_control);
    (fits && is_line).then_some(()).ok_or_else(|| {
        Error::bad_request("a display name is a line of 1 to 100 characters, not only spaces")
    })
}

/// How short a password may be. How long is for the hasher to say.
pub(crate) fn password(password: &str) -> Result<(), Error> {
    let is_long = password.chars().count() >= 8;
    is_long
        .then_some(())
        .ok_or_else(|| Error::bad_request("a password has at least 8 characters"))
}

pub(crate) fn message(text: &str) -> Result<(), Error> {
    if text.trim().is_empty() {
        return Err(Error::bad_request("the message is empty"));
    }
    match text.chars().count() {
        0..=MESSAGE_CHARS_MAX => Ok(()),
        long => Err(Error::bad_request(format!(
            "the message has {long} characters: {MESSAGE_CHARS_MAX} may be sent at once"
        ))),
    }
}

fn is_name(name: &str, bytes_max: usize, others: &str) -> bool {
    let may_be = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
    (1..=bytes_max).contains(&name.len()) && name.chars().all(may_be)
}
