//! # Target: what is asked for, and of whom
//!
//! The four forms of RFC 9112 3.2 and the grammar of Host. Offsets, not copies: the head keeps the
//! bytes.
//!
//! Promises
//! 1. A path begins with `/` or is `*`, and each `%` in it has its two digits.
//! 2. An authority is `uri-host [":" port]` without userinfo.

use std::net::Ipv6Addr;

use super::head::Span;
use super::letters;
use super::{Fault, Method};

/// Where in the target its parts are, counted from the target's first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    /// Empty where absolute-form has none: then it is `/`, or `*` for OPTIONS.
    pub(super) path: Span,
    /// Where the query ends; where the path ends if there is none.
    pub(super) query_end: u32,
    /// The authority of absolute-form.
    pub(super) authority: Option<Span>,
}

impl Target {
    /// Reads a target whose characters are checked already.
    pub(super) fn read(method: Method, target: &[u8]) -> Result<Self, Fault> {
        match target {
            [b'/', ..] => Self::path_and_query(target, 0, None),
            b"*" if method == Method::Options => Ok(Self {
                path: Span::new(0, 1),
                query_end: 1,
                authority: None,
            }),
            _ => Self::absolute(target),
        }
    }

    fn absolute(target: &[u8]) -> Result<Self, Fault> {
        let start = [&b"http://"[..], b"https://"]
            .iter()
            .find(|scheme| {
                target
                    .get(..scheme.len())
                    .is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            })
            .ok_or(Fault::BadTarget)?
            .len();
        let rest = &target[start..];
        let length = memchr::memchr2(b'/', b'?', rest).unwrap_or(rest.len());
        let authority = &rest[..length];
        // An http URI without a host is invalid (RFC 9110 4.2.1); an empty Host is not.
        if authority.is_empty() || authority.starts_with(b":") || !is_authority(authority) {
            return Err(Fault::BadHost);
        }
        let end = start + length;
        Self::path_and_query(target, end, Some(Span::new(start, end)))
    }

    fn path_and_query(target: &[u8], start: usize, authority: Option<Span>) -> Result<Self, Fault> {
        let rest = &target[start..];
        let length = memchr::memchr(b'?', rest).unwrap_or(rest.len());
        if !letters::percents_are_whole(&rest[..length]) {
            return Err(Fault::BrokenPercent);
        }
        Ok(Self {
            path: Span::new(start, start + length),
            query_end: Span::offset(target.len()),
            authority,
        })
    }
}

/// Whether `value` is `uri-host [":" port]` (RFC 9110 7.2). An empty host is one, by its grammar.
pub(super) fn is_authority(value: &[u8]) -> bool {
    if let [b'[', rest @ ..] = value {
        let Some(end) = memchr::memchr(b']', rest) else {
            return false;
        };
        return is_ip_literal(&rest[..end]) && is_port(&rest[end + 1..]);
    }
    let length = memchr::memchr(b':', value).unwrap_or(value.len());
    let (host, port) = value.split_at(length);
    is_registered_name(host) && is_port(port)
}

fn is_registered_name(host: &[u8]) -> bool {
    letters::all(letters::HOST, host)
        || (host
            .iter()
            .all(|&byte| byte == b'%' || letters::is(letters::HOST, byte))
            && letters::percents_are_whole(host))
}

/// What may stand between `[` and `]`: an IPv6 address, or the future (RFC 3986 3.2.2).
fn is_ip_literal(literal: &[u8]) -> bool {
    if let [b'v' | b'V', rest @ ..] = literal {
        let Some(dot) = memchr::memchr(b'.', rest) else {
            return false;
        };
        let (version, address) = (&rest[..dot], &rest[dot + 1..]);
        return !version.is_empty()
            && version.iter().all(u8::is_ascii_hexdigit)
            && !address.is_empty()
            && address
                .iter()
                .all(|&byte| byte == b':' || letters::is(letters::HOST, byte));
    }
    str::from_utf8(literal).is_ok_and(|text| text.parse::<Ipv6Addr>().is_ok())
}

/// Nothing, or a colon and digits that make a port; no digits are the default port.
fn is_port(rest: &[u8]) -> bool {
    match rest {
        [] => true,
        [b':', digits @ ..] => {
            let mut port = 0_u32;
            digits.iter().all(|digit| {
                port = port * 10 + u32::from(digit.wrapping_sub(b'0'));
                digit.is_ascii_digit() && port <= 65_535
            })
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_authority(value: &str, expected: bool) {
        assert_eq!(is_authority(value.as_bytes()), expected, "{value:?}");
    }

    #[test]
    fn an_authority_is_a_host_and_perhaps_a_port() {
        for good in [
            "",
            "a",
            "a.example",
            "a.example:80",
            "a.example:",
            "a.example:065",
            "127.0.0.1:65535",
            "[::1]",
            "[::1]:8080",
            "[::ffff:1.2.3.4]",
            "[v1.a:b]",
            "a%2eb",
            "a_b",
            ":80",
        ] {
            check_authority(good, true);
        }
        for bad in [
            "a b",
            "a.example/b",
            "me@a.example",
            "a.example:8a",
            "[::1",
            "::1",
            "[::1]8080",
            "[]",
            "[a]",
            "[fe80::1%25eth0]",
            "[v1]",
            "[v.a]",
            "a:80:80",
            "a:65536",
            "a:99999999999",
            "a%2",
            "a%zz",
            "a\\b",
            "a?b",
            "a,b c",
            "é",
            "a:-1",
            "a: 80",
        ] {
            check_authority(bad, false);
        }
    }

    fn check(method: Method, target: &str, expected: Result<(&str, Option<&str>, &str), Fault>) {
        let found = Target::read(method, target.as_bytes());
        let found = found.as_ref().map_err(|fault| *fault).map(|found| {
            let path = &target[found.path.range()];
            let query = &target[found.path.end as usize..found.query_end as usize];
            (
                path,
                found.authority.map(|span| &target[span.range()]),
                query,
            )
        });
        assert_eq!(found, expected, "{method} {target}");
    }

    #[test]
    fn targets_come_in_their_forms() {
        use Method::{Get, Options};
        check(Get, "/", Ok(("/", None, "")));
        check(Get, "/a/b?c=d?e", Ok(("/a/b", None, "?c=d?e")));
        check(Get, "/?", Ok(("/", None, "?")));
        check(Get, "//a/b", Ok(("//a/b", None, "")));
        check(Get, "/%41", Ok(("/%41", None, "")));
        check(Get, "/?q=100%", Ok(("/", None, "?q=100%")));
        check(
            Get,
            "http://a.example/x?y",
            Ok(("/x", Some("a.example"), "?y")),
        );
        check(Get, "HTTPS://a:1", Ok(("", Some("a:1"), "")));
        check(Get, "http://a?q", Ok(("", Some("a"), "?q")));
        check(Options, "*", Ok(("*", None, "")));
        check(Get, "*", Err(Fault::BadTarget));
        check(Get, "x", Err(Fault::BadTarget));
        check(Get, "ftp://a/", Err(Fault::BadTarget));
        check(Get, "a:80", Err(Fault::BadTarget));
        check(Get, "http:/a/", Err(Fault::BadTarget));
        check(Get, "http:///a", Err(Fault::BadHost));
        check(Get, "http://:80/a", Err(Fault::BadHost));
        check(Get, "http://me@a/", Err(Fault::BadHost));
        check(Get, "/%", Err(Fault::BrokenPercent));
        check(Get, "/a%2", Err(Fault::BrokenPercent));
        check(Get, "/%zz", Err(Fault::BrokenPercent));
        check(Get, "/%2%41", Err(Fault::BrokenPercent));
    }
}
