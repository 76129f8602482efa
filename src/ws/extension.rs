//! # Extensions: what both ends agree on about compression
//!
//! `Sec-WebSocket-Extensions` (RFC 6455, 9.1) and the four parameters of permessage-deflate
//! (RFC 7692, 7.1). An offer that we do not understand is declined and the next one tried; when
//! none fits there is no extension, never an error.
//!
//! Promises
//! 1. The server's answer holds only what the offer allows, and `Agreed` says the same.
//! 2. The client refuses an answer that it did not ask for.

use crate::ws::{DeflatePolicy, Role};

const NAME: &[u8] = b"permessage-deflate";

/// How one end compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Direction {
    /// The window's size as a power of two, 8 to 15.
    pub window_bits: u8,
    /// Whether a message may refer to those before it.
    pub takeover: bool,
}

/// The negotiated parameters of permessage-deflate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Agreed {
    /// How the server compresses.
    pub server: Direction,
    /// How the client compresses.
    pub client: Direction,
}

impl Agreed {
    /// How `role` compresses.
    pub const fn sends(&self, role: Role) -> Direction {
        match role {
            Role::Server => self.server,
            Role::Client => self.client,
        }
    }

    /// How `role`'s peer compresses.
    pub const fn receives(&self, role: Role) -> Direction {
        match role {
            Role::Server => self.client,
            Role::Client => self.server,
        }
    }
}

/// The parameters of one offer or answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Parameters {
    server_no_takeover: bool,
    client_no_takeover: bool,
    server_bits: Option<u8>,
    /// May come without a value: "I know this parameter".
    client_bits: Option<Option<u8>>,
}

/// The server's side: what it agrees to, and the field's value that says so.
pub(super) fn negotiate<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
    policy: &DeflatePolicy,
) -> Option<(Agreed, String)> {
    if !policy.enabled {
        return None;
    }
    let offer = lines.flat_map(|line| split(line, b',')).find_map(read)?;
    let server = Direction {
        window_bits: offer.server_bits.unwrap_or(15),
        takeover: policy.context_takeover && !offer.server_no_takeover,
    };
    let client_bits = offer.client_bits.flatten();
    let client = Direction {
        window_bits: client_bits.unwrap_or(15),
        takeover: policy.context_takeover && !offer.client_no_takeover,
    };
    let mut answer = String::from("permessage-deflate");
    if !server.takeover {
        answer.push_str("; server_no_context_takeover");
    }
    if !client.takeover {
        answer.push_str("; client_no_context_takeover");
    }
    if let Some(bits) = offer.server_bits {
        answer.push_str(&format!("; server_max_window_bits={bits}"));
    }
    if let Some(bits) = client_bits {
        answer.push_str(&format!("; client_max_window_bits={bits}"));
    }
    Some((Agreed { server, client }, answer))
}

/// The client's side: the field's value that offers compression.
pub(super) fn offer(policy: &DeflatePolicy) -> Option<&'static str> {
    match (policy.enabled, policy.context_takeover) {
        (false, _) => None,
        (true, true) => Some("permessage-deflate; client_max_window_bits"),
        (true, false) => Some(
            "permessage-deflate; client_max_window_bits; server_no_context_takeover; \
             client_no_context_takeover",
        ),
    }
}

/// The client's side: what the server's answer means, `Err` if it was not offered.
pub(super) fn confirm<'a>(
    lines: impl Iterator<Item = &'a [u8]>,
    policy: &DeflatePolicy,
) -> Result<Option<Agreed>, ()> {
    let mut answers = lines
        .flat_map(|line| split(line, b','))
        .filter(|answer| !answer.is_empty());
    let Some(answer) = answers.next() else {
        return Ok(None);
    };
    if !policy.enabled || answers.next().is_some() {
        return Err(());
    }
    let answer = read(answer).ok_or(())?;
    if answer.client_bits == Some(None) {
        return Err(());
    }
    Ok(Some(Agreed {
        server: Direction {
            window_bits: answer.server_bits.unwrap_or(15),
            // A server that overlooks the wish is understood all the same, at the price of an
            // inflater of our own.
            takeover: !answer.server_no_takeover,
        },
        client: Direction {
            window_bits: answer.client_bits.flatten().unwrap_or(15),
            takeover: policy.context_takeover && !answer.client_no_takeover,
        },
    }))
}

/// One extension, if it is ours and every parameter is known, single and well-formed.
fn read(extension: &[u8]) -> Option<Parameters> {
    let mut parts = split(extension, b';');
    if parts.next()? != NAME {
        return None;
    }
    let mut read = Parameters::default();
    for part in parts {
        let (name, value) = match part.iter().position(|byte| *byte == b'=') {
            Some(at) => (part[..at].trim_ascii(), Some(part[at + 1..].trim_ascii())),
            None => (part, None),
        };
        match (name, value) {
            (b"server_no_context_takeover", None) if !read.server_no_takeover => {
                read.server_no_takeover = true;
            }
            (b"client_no_context_takeover", None) if !read.client_no_takeover => {
                read.client_no_takeover = true;
            }
            (b"server_max_window_bits", Some(value)) if read.server_bits.is_none() => {
                read.server_bits = Some(window_bits(value)?);
            }
            (b"client_max_window_bits", value) if read.client_bits.is_none() => {
                read.client_bits = Some(match value {
                    Some(value) => Some(window_bits(value)?),
                    None => None,
                });
            }
            _ => return None,
        }
    }
    Some(read)
}

/// 8 to 15, without a leading zero. A quoted number is declined like any other oddity.
fn window_bits(value: &[u8]) -> Option<u8> {
    match value {
        [digit @ b'8'..=b'9'] => Some(digit - b'0'),
        [b'1', digit @ b'0'..=b'5'] => Some(digit - b'0' + 10),
        _ => None,
    }
}

/// The trimmed parts between separators that do not stand within quotes.
fn split(list: &[u8], separator: u8) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    let mut escaped = false;
    list.split(move |&byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = quoted,
            b'"' => quoted = !quoted,
            _ => return byte == separator && !quoted,
        }
        false
    })
    .map(<[u8]>::trim_ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARED: DeflatePolicy = DeflatePolicy {
        enabled: true,
        level: 1,
        bytes_min: 0,
        context_takeover: false,
    };
    const OWN: DeflatePolicy = DeflatePolicy {
        context_takeover: true,
        ..SHARED
    };

    fn answer(policy: &DeflatePolicy, offers: &str) -> Option<String> {
        let (agreed, answer) = negotiate(offers.lines().map(str::as_bytes), policy)?;
        // Our own client, with the same policy, understands the answer in the same way.
        let confirmed = confirm([answer.as_bytes()].into_iter(), policy);
        assert_eq!(confirmed, Ok(Some(agreed)), "{offers}");
        Some(answer)
    }

    #[test]
    fn without_takeover_every_offer_that_fits_is_answered() {
        const NONE: &str =
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover";
        let check = |offers: &str, rest: Option<&str>| {
            let expected = rest.map(|rest| format!("{NONE}{rest}"));
            assert_eq!(answer(&SHARED, offers), expected, "{offers}");
        };
        check("permessage-deflate", Some(""));
        check("permessage-deflate; client_max_window_bits", Some(""));
        check(
            "permessage-deflate; client_max_window_bits=10",
            Some("; client_max_window_bits=10"),
        );
        check(
            "permessage-deflate;server_max_window_bits = 8",
            Some("; server_max_window_bits=8"),
        );
        check("permessage-deflate; server_no_context_takeover", Some(""));
        check("foo, permessage-deflate", Some(""));
        check("foo\npermessage-deflate", Some(""));
        check(
            "foo; x=\"a, permessage-deflate; \\\" ,\", permessage-deflate",
            Some(""),
        );
        check("permessage-deflate; what, permessage-deflate", Some(""));
        check(
            "permessage-deflate; server_max_window_bits=7, permessage-deflate; \
             server_max_window_bits=15",
            Some("; server_max_window_bits=15"),
        );
        for refused in [
            "",
            "x-webkit-deflate-frame",
            "foo; x=\"permessage-deflate, permessage-deflate",
            "permessage-deflate; server_max_window_bits",
            "permessage-deflate; server_max_window_bits=16",
            "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=08",
            "permessage-deflate; server_max_window_bits=",
            "permessage-deflate; server_max_window_bits=\"10\"",
            "permessage-deflate; client_max_window_bits=1000",
            "permessage-deflate; client_max_window_bits; client_max_window_bits=10",
            "permessage-deflate; server_no_context_takeover=1",
            "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
            "permessage-deflate;",
            "permessage-deflate; unknown",
        ] {
            check(refused, None);
        }
        let off = DeflatePolicy {
            enabled: false,
            ..SHARED
        };
        assert_eq!(answer(&off, "permessage-deflate"), None);
    }

    #[test]
    fn with_takeover_the_offer_decides() {
        let check = |offers: &str, expected: &str| {
            assert_eq!(answer(&OWN, offers).as_deref(), Some(expected), "{offers}");
        };
        check("permessage-deflate", "permessage-deflate");
        check(
            "permessage-deflate; client_no_context_takeover",
            "permessage-deflate; client_no_context_takeover",
        );
        check(
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
        );
    }

    #[test]
    fn a_client_refuses_what_it_did_not_offer() {
        let check = |policy: &DeflatePolicy, answer: &str, fine: bool| {
            let lines = answer.lines().map(str::as_bytes);
            assert_eq!(confirm(lines, policy).is_ok(), fine, "{answer}");
        };
        check(&SHARED, "", true);
        check(&SHARED, "permessage-deflate", true);
        check(
            &SHARED,
            "permessage-deflate; server_max_window_bits=12",
            true,
        );
        check(&SHARED, "permessage-deflate; client_max_window_bits", false);
        check(&SHARED, "permessage-deflate; nonsense", false);
        check(&SHARED, "permessage-deflate, permessage-deflate", false);
        check(&SHARED, "permessage-deflate\nfoo", false);
        check(&SHARED, "foo", false);
        check(
            &DeflatePolicy {
                enabled: false,
                ..SHARED
            },
            "permessage-deflate",
            false,
        );
    }
}
