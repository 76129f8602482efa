//! # Cookies: what a browser is told to keep, and what it brings back
//!
//! Writing is strict ([`SetCookie`], RFC 6265bis 4.1), so that a browser keeps exactly what was
//! meant. Reading is lenient ([`pairs`], RFC 6265bis 4.2 and 5.6), because other sites of a domain
//! may have set what comes back.
//!
//! Promises
//! 1. No name, value or attribute can end itself: what might is refused, never changed.
//! 2. What browsers would silently drop is refused here: broken prefixes, `SameSite=None` without
//!    `Secure`, cookies that are too long.

use std::fmt;

use super::{Fields, Response, letters};

/// Name and value together; browsers drop what is longer (RFC 6265bis 5.6).
const COOKIE_BYTES_MAX: usize = 4096;
/// An attribute's value; browsers ignore longer ones (RFC 6265bis 5.6).
const ATTRIBUTE_BYTES_MAX: usize = 1024;
/// No more cookies of one request are read: browsers keep some 180 for a domain.
pub const PAIRS_MAX: usize = 200;

/// Why a cookie is not written. All of them are our own mistakes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CookieFault {
    /// The name is no token (RFC 6265bis 4.1.1).
    BadName,
    /// The value has a control, a space, a quote, a comma, a semicolon, a backslash or what is not
    /// ASCII (RFC 6265bis 4.1.1).
    BadValue,
    /// The path does not begin with a slash, or has a control, a space, a semicolon or what is not
    /// ASCII.
    BadPath,
    /// The domain is not letters, digits and hyphens with dots between them.
    BadDomain,
    /// Name and value have more than 4096 bytes, or an attribute more than 1024.
    TooLong,
    /// `__Secure-` without `Secure` (RFC 6265bis 4.1.3.1).
    PrefixWantsSecure,
    /// `__Host-` without `Secure` and `Path=/`, or with a `Domain` (RFC 6265bis 4.1.3.2).
    PrefixWantsHost,
    /// `SameSite=None` without `Secure` (RFC 6265bis 5.7).
    NoneWantsSecure,
}

impl fmt::Display for CookieFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BadName => "the name of a cookie must be a token",
            Self::BadValue => {
                "a cookie's value must be visible ASCII without quotes, commas, semicolons and \
                 backslashes: encode it, for example in Base64"
            }
            Self::BadPath => {
                "a cookie's path must begin with / and be visible ASCII without semicolons"
            }
            Self::BadDomain => {
                "a cookie's domain must be letters, digits and hyphens with dots between them"
            }
            Self::TooLong => "browsers drop cookies of more than 4096 bytes",
            Self::PrefixWantsSecure => "a cookie named __Secure- must be secure",
            Self::PrefixWantsHost => {
                "a cookie named __Host- must be secure, with the path / and no domain"
            }
            Self::NoneWantsSecure => "a cookie with SameSite=None must be secure",
        })
    }
}

impl std::error::Error for CookieFault {}

/// Whether a cookie comes along when another site caused the request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameSite {
    /// Never.
    Strict,
    /// When somebody follows a link to here.
    #[default]
    Lax,
    /// Always; only for secure cookies.
    None,
}

/// A cookie for the browser to keep: for all paths of this host, not for scripts, `SameSite=Lax`
/// and until the browser ends, unless said otherwise.
///
/// ```
/// use parlour::http::Response;
/// use parlour::http::cookie::SetCookie;
///
/// let cookie = SetCookie::new("__Host-session", "c2VjcmV0").secure().max_age_s(3600);
/// assert_eq!(
///     cookie.to_value().unwrap(),
///     "__Host-session=c2VjcmV0; Path=/; Max-Age=3600; Secure; HttpOnly; SameSite=Lax",
/// );
/// let response = Response::text("welcome\n").cookie(&cookie).unwrap();
/// assert!(response.fields().first("Set-Cookie").is_some());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SetCookie<'a> {
    name: &'a str,
    value: &'a str,
    path: &'a str,
    domain: Option<&'a str>,
    max_age_s: Option<u64>,
    secure: bool,
    http_only: bool,
    same_site: SameSite,
}

impl<'a> SetCookie<'a> {
    /// This value below this name.
    pub const fn new(name: &'a str, value: &'a str) -> Self {
        Self {
            name,
            value,
            path: "/",
            domain: None,
            max_age_s: None,
            secure: false,
            http_only: true,
            same_site: SameSite::Lax,
        }
    }

    /// Makes the browser forget the cookie. It is the same one only with the path and the domain
    /// with which it was set, and a prefix wants what it always wants.
    pub const fn removal(name: &'a str) -> Self {
        Self::new(name, "").max_age_s(0)
    }

    /// Only for paths below this one.
    #[must_use]
    pub const fn path(mut self, path: &'a str) -> Self {
        self.path = path;
        self
    }

    /// Also for all hosts below this one.
    #[must_use]
    pub const fn domain(mut self, domain: &'a str) -> Self {
        self.domain = Some(domain);
        self
    }

    /// Kept for so long, even when the browser ends; at most 400 days in browsers of today.
    #[must_use]
    pub const fn max_age_s(mut self, max_age_s: u64) -> Self {
        self.max_age_s = Some(max_age_s);
        self
    }

    /// Only over TLS.
    #[must_use]
    pub const fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// Scripts of the page may read it.
    #[must_use]
    pub const fn for_scripts(mut self) -> Self {
        self.http_only = false;
        self
    }

    /// Whether it comes along from other sites.
    #[must_use]
    pub const fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// The value of its `Set-Cookie`.
    pub fn to_value(&self) -> Result<String, CookieFault> {
        self.check()?;
        let mut text = format!("{}={}; Path={}", self.name, self.value, self.path);
        if let Some(domain) = self.domain {
            text += "; Domain=";
            text += domain;
        }
        if let Some(max_age_s) = self.max_age_s {
            text += &format!("; Max-Age={max_age_s}");
        }
        if self.secure {
            text += "; Secure";
        }
        if self.http_only {
            text += "; HttpOnly";
        }
        text += match self.same_site {
            SameSite::Strict => "; SameSite=Strict",
            SameSite::Lax => "; SameSite=Lax",
            SameSite::None => "; SameSite=None",
        };
        Ok(text)
    }

    fn check(&self) -> Result<(), CookieFault> {
        let (name, value) = (self.name.as_bytes(), self.value.as_bytes());
        let holds = |rule: bool, fault| if rule { Ok(()) } else { Err(fault) };
        holds(letters::token(name), CookieFault::BadName)?;
        holds(
            value.iter().all(|&byte| is_octet(byte)),
            CookieFault::BadValue,
        )?;
        let clean_path = self.path.starts_with('/')
            && self
                .path
                .bytes()
                .all(|byte| byte.is_ascii_graphic() && byte != b';');
        holds(clean_path, CookieFault::BadPath)?;
        holds(self.domain.is_none_or(is_domain), CookieFault::BadDomain)?;
        let domain_bytes = self.domain.map_or(0, str::len);
        holds(
            name.len() + value.len() <= COOKIE_BYTES_MAX
                && self.path.len().max(domain_bytes) <= ATTRIBUTE_BYTES_MAX,
            CookieFault::TooLong,
        )?;
        // Browsers compare prefixes without regard to case (RFC 6265bis 5.7).
        let begins = |prefix: &[u8]| {
            let start = name.get(..prefix.len());
            start.is_some_and(|start| start.eq_ignore_ascii_case(prefix))
        };
        holds(
            !begins(b"__Secure-") || self.secure,
            CookieFault::PrefixWantsSecure,
        )?;
        let of_host = self.secure && self.path == "/" && self.domain.is_none();
        holds(!begins(b"__Host-") || of_host, CookieFault::PrefixWantsHost)?;
        holds(
            self.same_site != SameSite::None || self.secure,
            CookieFault::NoneWantsSecure,
        )
    }
}

/// `cookie-octet` of RFC 6265bis 4.1.1.
const fn is_octet(byte: u8) -> bool {
    byte.is_ascii_graphic() && !matches!(byte, b'"' | b',' | b';' | b'\\')
}

fn is_domain(domain: &str) -> bool {
    domain.split('.').all(|label| {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.bytes().all(plain)
    })
}

impl Response {
    /// Gives the browser a cookie. Several are several fields.
    pub fn cookie(self, cookie: &SetCookie<'_>) -> Result<Self, CookieFault> {
        Ok(self.field("Set-Cookie", cookie.to_value()?))
    }
}

/// Names and values of all cookies of a request, in the order in which they came: the one with the
/// longest path first, which is why the first of a name counts. Pairs without a name and those that
/// are not UTF-8 are passed over, and no more than [`PAIRS_MAX`] are looked at.
///
/// ```
/// # use parlour::http::{Limits, Receiver, Step, cookie};
/// # let mut input = b"GET / HTTP/1.1\r\nHost: h\r\nCookie: a=1; b=2=3\r\n\r\n".to_vec();
/// # let Step::Head { head, .. } = Receiver::new().decode(&mut input, &Limits::default()) else { panic!() };
/// let found: Vec<_> = cookie::pairs(head.all_fields()).collect();
/// assert_eq!(found, [("a", "1"), ("b", "2=3")]);
/// assert_eq!(cookie::find(head.all_fields(), "b"), Some("2=3"));
/// ```
pub fn pairs(fields: Fields<'_>) -> impl Iterator<Item = (&str, &str)> {
    fields
        .into_iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case("cookie"))
        .flat_map(|(_, line)| line.split(|&byte| byte == b';'))
        .take(PAIRS_MAX)
        .filter_map(|pair| {
            let (name, value) = str::from_utf8(pair).ok()?.split_once('=')?;
            let blank = [' ', '\t'];
            let (name, value) = (name.trim_matches(blank), value.trim_matches(blank));
            (!name.is_empty()).then_some((name, value))
        })
}

/// The value of the first cookie with this name; names are compared with regard to case.
pub fn find<'i>(fields: Fields<'i>, name: &str) -> Option<&'i str> {
    let mut pairs = pairs(fields);
    pairs
        .find(|(found, _)| *found == name)
        .map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::http::Status;

    fn check(cookie: &SetCookie<'_>, expected: Result<&str, CookieFault>) {
        assert_eq!(cookie.to_value().as_deref(), expected.as_ref().copied());
    }

    #[test]
    fn attributes_are_written_as_asked() {
        let plain = SetCookie::new("a", "b");
        check(&plain, Ok("a=b; Path=/; HttpOnly; SameSite=Lax"));
        check(
            &plain
                .path("/x")
                .domain("example.org")
                .max_age_s(60)
                .secure(),
            Ok("a=b; Path=/x; Domain=example.org; Max-Age=60; Secure; HttpOnly; SameSite=Lax"),
        );
        check(
            &plain.for_scripts().same_site(SameSite::Strict),
            Ok("a=b; Path=/; SameSite=Strict"),
        );
        check(
            &plain.secure().same_site(SameSite::None),
            Ok("a=b; Path=/; Secure; HttpOnly; SameSite=None"),
        );
        check(
            &SetCookie::removal("a").path("/x"),
            Ok("a=; Path=/x; Max-Age=0; HttpOnly; SameSite=Lax"),
        );
    }

    #[test]
    fn what_could_end_itself_is_refused() {
        use CookieFault::{BadDomain, BadName, BadPath, BadValue};
        for name in ["", "a b", "a=b", "a;b", "a\r\nb", "é", "a\"", "a,b"] {
            check(&SetCookie::new(name, "b"), Err(BadName));
        }
        for value in [
            "a b",
            "a;b",
            "a,b",
            "a\r\nSet-Cookie: c=d",
            "\0",
            "\"a\"",
            "a\\b",
            "é",
            "\t",
            "\x7f",
        ] {
            check(&SetCookie::new("a", value), Err(BadValue));
        }
        for path in ["", "x", "/;Domain=x", "/\r\n", "/a b", "/é"] {
            check(&SetCookie::new("a", "b").path(path), Err(BadPath));
        }
        for domain in [
            "", ".a", "a.", "a..b", "a;b", "a\r\nb", "a b", "é.org", "a:1",
        ] {
            check(&SetCookie::new("a", "b").domain(domain), Err(BadDomain));
        }
    }

    #[test]
    fn what_browsers_drop_is_refused() {
        use CookieFault::{NoneWantsSecure, PrefixWantsHost, PrefixWantsSecure, TooLong};
        let host = SetCookie::new("__Host-a", "b");
        check(&host, Err(PrefixWantsHost));
        check(&host.secure().path("/x"), Err(PrefixWantsHost));
        check(&host.secure().domain("a.org"), Err(PrefixWantsHost));
        check(&SetCookie::new("__hOST-a", "b"), Err(PrefixWantsHost));
        check(&SetCookie::removal("__Host-a"), Err(PrefixWantsHost));
        assert!(host.secure().to_value().is_ok());
        let secure = SetCookie::new("__Secure-a", "b").domain("a.org").path("/x");
        check(&secure, Err(PrefixWantsSecure));
        assert!(secure.secure().to_value().is_ok());
        let foreign = SetCookie::new("a", "b").same_site(SameSite::None);
        check(&foreign, Err(NoneWantsSecure));
        let value = "x".repeat(COOKIE_BYTES_MAX);
        assert!(SetCookie::new("a", &value[1..]).to_value().is_ok());
        check(&SetCookie::new("a", &value), Err(TooLong));
        let path = format!("/{}", "x".repeat(ATTRIBUTE_BYTES_MAX));
        check(&SetCookie::new("a", "b").path(&path), Err(TooLong));
    }

    #[test]
    fn cookies_come_back_as_browsers_and_others_send_them() {
        let check = |lines: &str, expected: &[(&str, &str)]| {
            let found: Vec<_> = pairs(Fields::new(lines.as_bytes())).collect();
            assert_eq!(found, expected, "{lines}");
        };
        check("", &[]);
        check("Cookie: a=1\r\n", &[("a", "1")]);
        check("cookie: a=1; b=2\r\n", &[("a", "1"), ("b", "2")]);
        check("Cookie: a=1;b=2;;\r\n", &[("a", "1"), ("b", "2")]);
        check(
            "Cookie: a=1\r\nX: y=z\r\nCookie: a=2\r\n",
            &[("a", "1"), ("a", "2")],
        );
        check(
            "Cookie: a = \"b c\" ; d=\r\n",
            &[("a", "\"b c\""), ("d", "")],
        );
        check("Cookie: nameless; =x; a=b=c\r\n", &[("a", "b=c")]);
        check("Cookie: é=ü\r\n", &[("é", "ü")]);
        let broken = Fields::new(b"Cookie: a=\xff; b=1\r\n");
        assert_eq!(pairs(broken).collect::<Vec<_>>(), [("b", "1")]);
        let many = format!("Cookie: {}last=1\r\n", "a=b;".repeat(PAIRS_MAX));
        let many = Fields::new(many.as_bytes());
        assert_eq!((pairs(many).count(), find(many, "last")), (PAIRS_MAX, None));
    }

    #[test]
    fn the_first_of_a_name_counts() {
        let fields = Fields::new(b"Cookie: A=0; a=1; a=2\r\n");
        assert_eq!(find(fields, "a"), Some("1"));
        assert_eq!(find(fields, "b"), None);
    }

    proptest! {
        #[test]
        fn nothing_adds_an_attribute_or_a_field(
            name in "[a-zA-Z_;= \r\né-]{1,4}",
            value in "[ -~\r\n;,é]{0,8}",
            path in "/[ -~\r\n;]{0,6}",
            domain in "[a-z.;\r\n ]{1,6}",
        ) {
            let cookie = SetCookie::new(&name, &value).path(&path).domain(&domain);
            if let Ok(text) = cookie.to_value() {
                prop_assert_eq!(text.matches(';').count(), 4);
                let response = Response::new(Status::OK).cookie(&cookie).unwrap();
                prop_assert_eq!(response.fields().iter().count(), 1);
                prop_assert_eq!(response.fields().first("set-cookie"), Some(text.as_bytes()));
                let line = format!("Cookie: {name}={value}\r\n");
                let found: Vec<_> = pairs(Fields::new(line.as_bytes())).collect();
                prop_assert_eq!(found, [(name.as_str(), value.as_str())]);
            }
        }
    }
}
