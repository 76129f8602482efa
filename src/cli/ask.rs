//! # Asking: passwords and consent
//!
//! On a terminal a password is asked for twice and not shown; otherwise it is the first line of
//! standard input. It is never an argument, because everybody on the machine can read those.
//!
//! Promises
//! 1. The terminal is as it was afterwards, also when Ctrl-C is typed.
//! 2. What cannot be taken back is done only after a yes, or where `--yes` was said.

use std::io::{self, BufRead, IsTerminal, Read, Write};
use std::process::{Command, Stdio};

use super::CliError;
use super::command::Given;
use super::desk::failed;
use crate::chat::limits::PASSWORD_CHARS;
use crate::web::password;

/// The option with which programs give a password.
pub(super) const PASSWORD_STDIN: (&str, &str) = (
    "password-stdin",
    "Read the password from standard input, also on a terminal",
);

/// The option that stands for a yes.
pub(super) const YES: (&str, &str) = ("yes", "Do not ask whether this is really wanted");

/// Bytes of a line that may be a password.
const LINE_BYTES_MAX: u64 = 16 << 10;

/// A new password, hashed.
pub(super) fn new_password(given: &Given) -> Result<String, CliError> {
    let stdin = io::stdin();
    let password = if stdin.is_terminal() && !given.has(PASSWORD_STDIN.0) {
        let first = hidden("Password: ")?;
        if hidden("The same again: ")? != first {
            let tell = "these are two different passwords; nothing was changed";
            return Err(CliError::Failed(tell.to_owned()));
        }
        first
    } else {
        first_line(stdin.lock())?
    };
    let length = password.chars().count();
    if !PASSWORD_CHARS.contains(&length) {
        return Err(CliError::Failed(format!(
            "the password has {length} characters, and has to have {} to {}",
            PASSWORD_CHARS.start(),
            PASSWORD_CHARS.end()
        )));
    }
    password::hash_now(&password).map_err(failed)
}

fn first_line(input: impl BufRead) -> Result<String, CliError> {
    let mut line = String::new();
    input
        .take(LINE_BYTES_MAX)
        .read_line(&mut line)
        .map_err(|error| CliError::Failed(format!("cannot read the password: {error}")))?;
    let line = line.strip_suffix('\n').unwrap_or(&line);
    let line = line.strip_suffix('\r').unwrap_or(line);
    if line.is_empty() {
        let tell =
            "there is no password on standard input: type it on a terminal, or write it there";
        return Err(CliError::Failed(tell.to_owned()));
    }
    Ok(line.to_owned())
}

/// A line from the terminal that is not shown.
fn hidden(prompt: &str) -> Result<String, CliError> {
    let ask = |text: &str| {
        let mut out = io::stderr().lock();
        // Whoever cannot be asked does not answer.
        let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    };
    ask(prompt);
    let line = {
        let _silent = Silent::begin()?;
        typed(io::stdin().lock())
    };
    ask("\n");
    match line.map_err(|error| CliError::Failed(format!("cannot read the password: {error}")))? {
        Some(line) => Ok(line),
        None => Err(CliError::Failed("stopped; nothing was changed".to_owned())),
    }
}

/// A terminal that hands over each key and shows none, until it is dropped.
struct Silent {
    before: String,
}

impl Silent {
    fn begin() -> Result<Self, CliError> {
        let before = stty(&["-g"])?;
        stty(&["-echo", "-icanon", "-isig", "min", "1"])?;
        Ok(Self { before })
    }
}

impl Drop for Silent {
    fn drop(&mut self) {
        if let Err(error) = stty(&[self.before.trim()]) {
            log::error!("the terminal stays silent, 'stty sane' mends it: {error}");
        }
    }
}

/// Sets the terminal by the program that every system has for it.
fn stty(words: &[&str]) -> Result<String, CliError> {
    let silence = |why: &dyn std::fmt::Display| {
        CliError::Failed(format!(
            "the terminal cannot be made to hide the password ({why}): use --password-stdin"
        ))
    };
    let said = Command::new("stty")
        .args(words)
        .stdin(Stdio::inherit())
        .output()
        .map_err(|error| silence(&error))?;
    if !said.status.success() {
        return Err(silence(&String::from_utf8_lossy(&said.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&said.stdout).into_owned())
}

/// What is typed up to Enter, with the keys that correct it; nothing after Ctrl-C, or Ctrl-D at the
/// beginning.
fn typed(input: impl BufRead) -> io::Result<Option<String>> {
    let mut line: Vec<u8> = Vec::new();
    for byte in input.bytes() {
        match byte? {
            b'\r' | b'\n' => break,
            0x03 => return Ok(None),
            0x04 if line.is_empty() => return Ok(None),
            // Ctrl-U.
            0x15 => line.clear(),
            // Backspace takes a whole character.
            0x08 | 0x7f => while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            byte if line.len() as u64 >= LINE_BYTES_MAX => {
                let tell = format!("the line is too long at byte {byte:#x}");
                return Err(io::Error::new(io::ErrorKind::InvalidData, tell));
            }
            byte => line.push(byte),
        }
    }
    let text = String::from_utf8(line);
    text.map(Some)
        .map_err(|_| io::Error::new(io::ErrorKind::InvalidData, "it is no text in UTF-8"))
}

/// Asks whether something is really wanted that cannot be taken back.
pub(super) fn must_be_wanted(given: &Given, what: &str) -> Result<(), CliError> {
    if given.has(YES.0) {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        let tell = format!("{what} cannot be taken back: say '--yes' to do it");
        return Err(CliError::Failed(tell));
    }
    let _ = write!(
        io::stderr(),
        "{what} cannot be taken back. Type 'yes' to do it: "
    );
    let mut answer = String::new();
    io::stdin()
        .lock()
        .take(LINE_BYTES_MAX)
        .read_line(&mut answer)
        .map_err(failed)?;
    if answer.trim() == "yes" {
        return Ok(());
    }
    Err(CliError::Failed("nothing was done".to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_correct_what_is_typed() {
        let check = |keys: &[u8], line: Option<&str>| {
            let typed = typed(keys).unwrap();
            assert_eq!(typed.as_deref(), line, "{}", keys.escape_ascii());
        };
        check(b"secret\nmore", Some("secret"));
        check("sé\x7fecret\r".as_bytes(), Some("secret"));
        check(b"x\x7f\x7f\x08y\n", Some("y"));
        check(b"wrong\x15right\n", Some("right"));
        check(b"abc\x03\n", None);
        check(b"\x04", None);
        check(b"a\x04\n", Some("a\x04"));
        check(b"the end", Some("the end"));
        assert!(typed(&b"\xff\n"[..]).is_err());
    }

    #[test]
    fn the_first_line_is_the_password() {
        assert_eq!(first_line(&b"one two\r\nthree\n"[..]).unwrap(), "one two");
        assert_eq!(first_line(&b" x "[..]).unwrap(), " x ");
        assert!(first_line(&b""[..]).is_err());
        assert!(first_line(&b"\nlate\n"[..]).is_err());
    }
}
