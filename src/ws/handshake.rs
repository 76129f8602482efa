//! # Handshake: from HTTP to WebSocket
//!
//! Pure functions over headers that somebody else parsed: the server's [`accept`] (RFC 6455, 4.2)
//! and the client's [`Request`] with its check of the answer (4.1). Which origin may come and
//! which subprotocol is spoken are an upper floor's questions.
//!
//! Promises
//! 1. Names of fields, and the tokens of `Upgrade` and `Connection`, match in any case and over
//!    several lines.
//! 2. A key is exactly sixteen bytes in base64, and there is exactly one.
//! 3. A refusal says what is wrong; an unknown version is answered with the known one.

use std::fmt;

use tungstenite::handshake::derive_accept_key;

use crate::ws::{Agreed, DeflatePolicy, extension};

/// The version that is spoken, for `Sec-WebSocket-Version`.
pub const VERSION: &str = "13";

/// An upgrade that can be answered with 101.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The value of `Sec-WebSocket-Accept`.
    pub accept_key: String,
    /// What was negotiated, for [`Session::new`](crate::ws::Session::new).
    pub agreed: Option<Agreed>,
    /// The value of `Sec-WebSocket-Extensions`, if one is due.
    pub extensions: Option<String>,
    /// The offered subprotocols in the client's order, to choose one or none.
    pub protocols: Vec<String>,
}

impl Accepted {
    /// Appends the whole response with the chosen subprotocol and more fields, such as cookies.
    pub fn write<'f>(
        &self,
        protocol: Option<&str>,
        fields: impl IntoIterator<Item = (&'f str, &'f [u8])>,
        out: &mut Vec<u8>,
    ) {
        out.extend_from_slice(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n",
        );
        write_field("Sec-WebSocket-Accept", &self.accept_key, out);
        if let Some(protocol) = protocol {
            write_field("Sec-WebSocket-Protocol", protocol, out);
        }
        if let Some(extensions) = &self.extensions {
            write_field("Sec-WebSocket-Extensions", extensions, out);
        }
        for (name, value) in fields {
            write_line(name, value, out);
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Why an upgrade is refused (RFC 6455, 4.2.1 and 4.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// Not a GET.
    Method,
    /// HTTP older than 1.1.
    HttpVersion,
    /// No `Host`.
    NoHost,
    /// No `Upgrade: websocket`.
    NoUpgrade,
    /// No `Connection: Upgrade`.
    NoConnectionUpgrade,
    /// Not exactly one `Sec-WebSocket-Key`.
    KeyCount,
    /// A key that is not sixteen bytes in base64.
    InvalidKey,
    /// Not exactly one `Sec-WebSocket-Version`.
    VersionCount,
    /// A version other than 13: answer with `Sec-WebSocket-Version: 13`.
    Version,
}

impl Refused {
    /// The HTTP status to answer with. With 426 belong the fields of [`Refused::fields`].
    pub const fn status(self) -> u16 {
        match self {
            Self::Version => 426,
            Self::Method
            | Self::HttpVersion
            | Self::NoHost
            | Self::NoUpgrade
            | Self::NoConnectionUpgrade
            | Self::KeyCount
            | Self::InvalidKey
            | Self::VersionCount => 400,
        }
    }

    /// The fields that the answer needs.
    pub const fn fields(self) -> &'static [(&'static str, &'static str)] {
        match self {
            // RFC 9110, 15.5.22: a 426 says what to upgrade to.
            Self::Version => &[("Sec-WebSocket-Version", VERSION), ("Upgrade", "websocket")],
            _ => &[],
        }
    }

    /// What to tell the client.
    pub const fn reason(self) -> &'static str {
        match self {
            Self::Method => "a WebSocket begins with GET",
            Self::HttpVersion => "a WebSocket needs HTTP/1.1",
            Self::NoHost => "the Host field is missing",
            Self::NoUpgrade => "the field Upgrade: websocket is missing",
            Self::NoConnectionUpgrade => "the field Connection: Upgrade is missing",
            Self::KeyCount => "exactly one Sec-WebSocket-Key is needed",
            Self::InvalidKey => "Sec-WebSocket-Key must be sixteen bytes in base64",
            Self::VersionCount => "exactly one Sec-WebSocket-Version is needed",
            Self::Version => "only Sec-WebSocket-Version 13 is spoken here",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Refused {}

/// The server's side: judges an upgrade request by its fields, in the order of the wire.
///
/// ```
/// use parlour::ws::{DeflatePolicy, handshake};
///
/// let fields: [(&str, &[u8]); 5] = [
///     ("Host", b"server.example.com"),
///     ("Upgrade", b"websocket"),
///     ("Connection", b"keep-alive, Upgrade"),
///     ("Sec-WebSocket-Key", b"dGhlIHNhbXBsZSBub25jZQ=="),
///     ("Sec-WebSocket-Version", b"13"),
/// ];
/// let accepted =
///     handshake::accept("GET", 1, fields.iter().copied(), &DeflatePolicy::default()).unwrap();
/// assert_eq!(accepted.accept_key, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
/// ```
pub fn accept<'a>(
    method: &str,
    version_minor: u8,
    fields: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
    policy: &DeflatePolicy,
) -> Result<Accepted, Refused> {
    let lines = |name| lines(fields.clone(), name);
    let rule = |holds: bool, otherwise| if holds { Ok(()) } else { Err(otherwise) };
    rule(method == "GET", Refused::Method)?;
    rule(version_minor >= 1, Refused::HttpVersion)?;
    rule(lines("Host").next().is_some(), Refused::NoHost)?;
    rule(has_token(lines("Upgrade"), "websocket"), Refused::NoUpgrade)?;
    rule(
        has_token(lines("Connection"), "upgrade"),
        Refused::NoConnectionUpgrade,
    )?;
    let version = single(lines("Sec-WebSocket-Version")).ok_or(Refused::VersionCount)?;
    rule(version == VERSION.as_bytes(), Refused::Version)?;
    let key = single(lines("Sec-WebSocket-Key")).ok_or(Refused::KeyCount)?;
    rule(is_key(key), Refused::InvalidKey)?;
    let mut protocols: Vec<String> = Vec::new();
    for token in lines("Sec-WebSocket-Protocol").flat_map(|line| line.split(|byte| *byte == b',')) {
        if let Some(token) = token_text(token.trim_ascii())
            && !protocols.iter().any(|known| known == token)
        {
            protocols.push(token.to_owned());
        }
    }
    let (agreed, extensions) =
        extension::negotiate(lines("Sec-WebSocket-Extensions"), policy).unzip();
    Ok(Accepted {
        accept_key: derive_accept_key(key),
        agreed,
        extensions,
        protocols,
    })
}

/// The client's side: what is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Host, and the port if it is not 80; an IPv6 address in brackets.
    pub host: &'a str,
    /// Path and query.
    pub target: &'a str,
    /// Sixteen random bytes in base64: see [`key`].
    pub key: &'a str,
    /// Subprotocols in order of preference.
    pub protocols: &'a [String],
    /// Whether compression is offered.
    pub policy: DeflatePolicy,
}

/// Why an answer is not the one that was asked for (RFC 6455, 4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unfit {
    /// Not 101.
    Status(u16),
    /// No `Upgrade: websocket`.
    NoUpgrade,
    /// No `Connection: Upgrade`.
    NoConnectionUpgrade,
    /// `Sec-WebSocket-Accept` is missing or belongs to another key.
    AcceptKey,
    /// An extension, or a parameter, that was not offered.
    Extension,
    /// A subprotocol that was not offered.
    Protocol,
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => write!(f, "the server answered {status} instead of 101"),
            Self::NoUpgrade => f.write_str("the answer lacks Upgrade: websocket"),
            Self::NoConnectionUpgrade => f.write_str("the answer lacks Connection: Upgrade"),
            Self::AcceptKey => f.write_str("Sec-WebSocket-Accept does not belong to our key"),
            Self::Extension => f.write_str("the server chose an extension that was not offered"),
            Self::Protocol => f.write_str("the server chose a subprotocol that was not offered"),
        }
    }
}

impl std::error::Error for Unfit {}

/// A server's answer that fits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Welcome {
    /// What was negotiated, for [`Session::new`](crate::ws::Session::new).
    pub agreed: Option<Agreed>,
    /// The chosen subprotocol.
    pub protocol: Option<String>,
}

impl Request<'_> {
    /// Appends the whole request, with more fields, such as cookies or `Origin`.
    pub fn write(&self, fields: &[(String, String)], out: &mut Vec<u8>) {
        for part in ["GET ", self.target, " HTTP/1.1\r\n"] {
            out.extend_from_slice(part.as_bytes());
        }
        write_field("Host", self.host, out);
        write_field("Upgrade", "websocket", out);
        write_field("Connection", "Upgrade", out);
        write_field("Sec-WebSocket-Key", self.key, out);
        write_field("Sec-WebSocket-Version", VERSION, out);
        if !self.protocols.is_empty() {
            write_field("Sec-WebSocket-Protocol", &self.protocols.join(", "), out);
        }
        if let Some(offer) = extension::offer(&self.policy) {
            write_field("Sec-WebSocket-Extensions", offer, out);
        }
        for (name, value) in fields {
            write_field(name, value, out);
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Judges the server's answer.
    pub fn check<'a>(
        &self,
        status: u16,
        fields: impl Iterator<Item = (&'a str, &'a [u8])> + Clone,
    ) -> Result<Welcome, Unfit> {
        let lines = |name| lines(fields.clone(), name);
        let rule = |holds: bool, otherwise| if holds { Ok(()) } else { Err(otherwise) };
        rule(status == 101, Unfit::Status(status))?;
        rule(has_token(lines("Upgrade"), "websocket"), Unfit::NoUpgrade)?;
        rule(
            has_token(lines("Connection"), "upgrade"),
            Unfit::NoConnectionUpgrade,
        )?;
        let accept_key = single(lines("Sec-WebSocket-Accept")).ok_or(Unfit::AcceptKey)?;
        let expected = derive_accept_key(self.key.as_bytes());
        rule(accept_key == expected.as_bytes(), Unfit::AcceptKey)?;
        let agreed = extension::confirm(lines("Sec-WebSocket-Extensions"), &self.policy)
            .map_err(|()| Unfit::Extension)?;
        let mut chosen = lines("Sec-WebSocket-Protocol");
        let protocol = match (chosen.next(), chosen.next()) {
            (None, _) => None,
            (Some(line), None) => {
                let offered = self.protocols.iter().find(|known| known.as_bytes() == line);
                Some(offered.ok_or(Unfit::Protocol)?.clone())
            }
            (Some(_), Some(_)) => return Err(Unfit::Protocol),
        };
        Ok(Welcome { agreed, protocol })
    }
}

/// A key for a [`Request`]: the sixteen bytes in base64.
pub fn key(nonce: [u8; 16]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    // 128 bits are 21 digits of six bits and one of two, which stands high.
    let bits = u128::from_be_bytes(nonce);
    let digit = |bits: u128| char::from(ALPHABET[(bits & 63) as usize]);
    let mut text: String = (0..21).map(|at| digit(bits >> (122 - 6 * at))).collect();
    text.push(digit(bits << 4));
    text.push_str("==");
    text
}

/// Whether `key` is sixteen bytes in base64. The four bits that 22 digits have over 128 may be
/// anything: some clients fill them, and nobody decodes the key.
fn is_key(key: &[u8]) -> bool {
    key.strip_suffix(b"==").is_some_and(|digits| {
        digits.len() == 22
            && digits
                .iter()
                .all(|digit| digit.is_ascii_alphanumeric() || b"+/".contains(digit))
    })
}

fn lines<'a>(
    fields: impl Iterator<Item = (&'a str, &'a [u8])>,
    name: &str,
) -> impl Iterator<Item = &'a [u8]> {
    fields
        .filter(move |(field, _)| field.eq_ignore_ascii_case(name))
        .map(|(_, value)| value.trim_ascii())
}

fn single<'a>(mut lines: impl Iterator<Item = &'a [u8]>) -> Option<&'a [u8]> {
    let line = lines.next()?;
    lines.next().is_none().then_some(line)
}

fn has_token<'a>(mut lines: impl Iterator<Item = &'a [u8]>, token: &str) -> bool {
    lines.any(|line| {
        line.split(|byte| *byte == b',')
            .any(|item| item.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    })
}

/// The text of a token (RFC 9110, 5.6.2).
fn token_text(bytes: &[u8]) -> Option<&str> {
    let is_token = |byte: &u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(byte);
    if bytes.is_empty() || !bytes.iter().all(is_token) {
        return None;
    }
    str::from_utf8(bytes).ok()
}

fn write_field(name: &str, value: &str, out: &mut Vec<u8>) {
    write_line(name, value.as_bytes(), out);
}

fn write_line(name: &str, value: &[u8], out: &mut Vec<u8>) {
    let breaks = |byte: &u8| matches!(byte, b'\r' | b'\n' | 0);
    assert!(
        !name.as_bytes().iter().chain(value).any(breaks),
        "a field is one line: {name}"
    );
    for part in [name.as_bytes(), b": ", value, b"\r\n"] {
        out.extend_from_slice(part);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FINE: [(&str, &str); 5] = [
        ("Host", "server.example.com"),
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
    ];

    fn ask(method: &str, minor: u8, fields: &[(&str, &str)]) -> Result<Accepted, Refused> {
        let fields = fields.iter().map(|(name, value)| (*name, value.as_bytes()));
        accept(method, minor, fields, &DeflatePolicy::default())
    }

    /// The fine request with one field changed (`None`: left away) and one more.
    fn check(
        name: &str,
        value: Option<&str>,
        more: Option<(&str, &str)>,
        refused: Option<Refused>,
    ) {
        let fields: Vec<_> = FINE
            .iter()
            .filter_map(|&(known, fine)| {
                if known == name {
                    value.map(|value| (known, value))
                } else {
                    Some((known, fine))
                }
            })
            .chain(more)
            .collect();
        assert_eq!(
            ask("GET", 1, &fields).err(),
            refused,
            "{name}: {value:?}, {more:?}"
        );
    }

    #[test]
    fn upgrades_are_judged_by_every_rule() {
        check("", None, None, None);
        check("Host", None, None, Some(Refused::NoHost));
        check("Upgrade", Some("WebSocket"), None, None);
        check("Upgrade", Some("h2c, websocket"), None, None);
        check("Upgrade", Some("h2c"), Some(("upgrade", "websocket")), None);
        check(
            "Upgrade",
            Some("websockets"),
            None,
            Some(Refused::NoUpgrade),
        );
        check("Upgrade", None, None, Some(Refused::NoUpgrade));
        check("Connection", Some("keep-alive,UPGRADE"), None, None);
        check(
            "Connection",
            Some("keep-alive"),
            Some(("CONNECTION", " upgrade ")),
            None,
        );
        check(
            "Connection",
            Some("close"),
            None,
            Some(Refused::NoConnectionUpgrade),
        );
        check(
            "Sec-WebSocket-Version",
            Some("8"),
            None,
            Some(Refused::Version),
        );
        check(
            "Sec-WebSocket-Version",
            Some("13, 8"),
            None,
            Some(Refused::Version),
        );
        check(
            "Sec-WebSocket-Version",
            None,
            None,
            Some(Refused::VersionCount),
        );
        let twice = Some(("sec-websocket-version", "13"));
        check("", None, twice, Some(Refused::VersionCount));
        check(
            "Sec-WebSocket-Key",
            Some(" dGhlIHNhbXBsZSBub25jZQ== "),
            None,
            None,
        );
        check(
            "Sec-WebSocket-Key",
            Some("dGhlIHNhbXBsZSBub25jZR=="),
            None,
            None,
        );
        for key in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25jZQ=A",
            "dGhlIHNhbXBsZSBu",
        ] {
            check(
                "Sec-WebSocket-Key",
                Some(key),
                None,
                Some(Refused::InvalidKey),
            );
        }
        check(
            "Sec-WebSocket-Key",
            Some("dGhlIHNhbXBsZSBub25jZ_=="),
            None,
            Some(Refused::InvalidKey),
        );
        check("Sec-WebSocket-Key", None, None, Some(Refused::KeyCount));
        let twice = Some(("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="));
        check("", None, twice, Some(Refused::KeyCount));
        assert_eq!(ask("POST", 1, &FINE).err(), Some(Refused::Method));
        assert_eq!(ask("GET", 0, &FINE).err(), Some(Refused::HttpVersion));
        assert_eq!(Refused::Version.status(), 426);
        assert_eq!(Refused::NoHost.status(), 400);
    }

    #[test]
    fn the_answer_is_that_of_the_rfc() {
        let mut fields = FINE.to_vec();
        fields.push(("Sec-WebSocket-Protocol", "chat, superchat, b@d,"));
        fields.push(("Sec-WebSocket-Protocol", "chat,more"));
        fields.push(("Sec-WebSocket-Extensions", "permessage-deflate"));
        let accepted = ask("GET", 1, &fields).unwrap();
        assert_eq!(accepted.protocols, ["chat", "superchat", "more"]);
        let mut out = Vec::new();
        accepted.write(Some("chat"), [("Set-Cookie", &b"a=b"[..])], &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            "HTTP/1.1 101 Switching Protocols\r\n\
             Upgrade: websocket\r\n\
             Connection: Upgrade\r\n\
             Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\
             Sec-WebSocket-Protocol: chat\r\n\
             Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
             client_no_context_takeover\r\n\
             Set-Cookie: a=b\r\n\r\n"
        );
    }

    #[test]
    fn keys_are_base64() {
        assert_eq!(key(*b"the sample nonce"), "dGhlIHNhbXBsZSBub25jZQ==");
        assert_eq!(key([0xff; 16]), "/////////////////////w==");
        assert!(is_key(key([0x5a; 16]).as_bytes()));
    }

    #[test]
    fn our_client_and_our_server_understand_each_other() {
        let protocols = ["one".to_owned(), "two".to_owned()];
        let key = key([7; 16]);
        let policy = DeflatePolicy::default();
        let request = Request {
            host: "[::1]:8000",
            target: "/ws?a=b",
            key: &key,
            protocols: &protocols,
            policy,
        };
        let mut out = Vec::new();
        request.write(&[("Origin".to_owned(), "http://x".to_owned())], &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(
            text.starts_with("GET /ws?a=b HTTP/1.1\r\nHost: [::1]:8000\r\n"),
            "{text}"
        );
        let fields = text.lines().filter_map(|line| line.split_once(": "));
        let fields = fields.map(|(name, value)| (name, value.as_bytes()));
        let accepted = accept("GET", 1, fields, &policy).unwrap();
        assert_eq!(accepted.protocols, protocols);

        let mut out = Vec::new();
        accepted.write(Some("two"), [], &mut out);
        let text = String::from_utf8(out).unwrap();
        let check = |status, from: &str, to: &str| {
            let text = text.replace(from, to);
            let fields = text.lines().filter_map(|line| line.split_once(": "));
            request.check(status, fields.map(|(name, value)| (name, value.as_bytes())))
        };
        let welcome = Welcome {
            agreed: accepted.agreed,
            protocol: Some("two".to_owned()),
        };
        assert_eq!(check(101, "", ""), Ok(welcome));
        assert_eq!(check(403, "", ""), Err(Unfit::Status(403)));
        assert_eq!(
            check(101, "Upgrade: websocket", "A: b"),
            Err(Unfit::NoUpgrade)
        );
        assert_eq!(
            check(101, "Connection: ", "A: "),
            Err(Unfit::NoConnectionUpgrade)
        );
        assert_eq!(check(101, "Accept: ", "Accept: x"), Err(Unfit::AcceptKey));
        assert_eq!(check(101, ": two", ": three"), Err(Unfit::Protocol));
        assert_eq!(
            check(101, ": permessage", ": x, permessage"),
            Err(Unfit::Extension)
        );
    }
}
