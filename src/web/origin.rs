//! # Origin: where the page is from that asks
//!
//! Browsers say it with every request that could do harm, and no page can make them say another
//! one. What has no `Origin` is no page.

use super::request::Request;

/// Scheme, host and port, as `Origin` has them.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Origin<'a> {
    https: bool,
    host: &'a str,
    port: u16,
}

impl<'a> Origin<'a> {
    /// An origin of the web. Others, such as `null`, are nobody's.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (scheme, authority) = text.split_once("://")?;
        let https = scheme.eq_ignore_ascii_case("https");
        if !https && !scheme.eq_ignore_ascii_case("http") {
            return None;
        }
        let (host, port) = host_and_port(authority)?;
        Some(Self {
            https,
            host,
            port: port.unwrap_or(if https { 443 } else { 80 }),
        })
    }

    /// Whether it is the host that a request was sent to. TLS may end before us, so that both
    /// schemes are right unless `https_only`.
    fn is_at(&self, authority: &str, https_only: bool) -> bool {
        let Some((host, port)) = host_and_port(authority) else {
            return false;
        };
        let usual = if self.https { 443 } else { 80 };
        self.host.eq_ignore_ascii_case(host)
            && self.port == port.unwrap_or(usual)
            && (self.https || !https_only)
    }

    /// Whether it is this machine, whatever the port.
    pub(super) fn is_local(&self) -> bool {
        let names = ["localhost", "127.0.0.1", "[::1]"];
        names
            .iter()
            .any(|name| self.host.eq_ignore_ascii_case(name))
    }
}

/// The host, and the port if there is one.
fn host_and_port(authority: &str) -> Option<(&str, Option<u16>)> {
    let end_of_host = match authority.strip_prefix('[') {
        Some(rest) => rest.find(']')? + 2,
        None => authority.find(':').unwrap_or(authority.len()),
    };
    let (host, rest) = authority.split_at(end_of_host);
    let foul = |c: char| !c.is_ascii_graphic() || "/?#@\\,".contains(c);
    if host.is_empty() || host.contains(foul) {
        return None;
    }
    let digits = match rest.strip_prefix(':') {
        None if rest.is_empty() => return Some((host, None)),
        None => return None,
        Some("") => return Some((host, None)),
        Some(digits) => digits,
    };
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let port = digits.parse().ok().filter(|_| plain)?;
    Some((host, Some(port)))
}

/// Whether the request comes from a page of another site: its `Origin` is neither the host that it
/// was sent to nor one of those that are `trusted`.
pub(super) fn is_foreign(request: &Request, trusted: &[String], https_only: bool) -> bool {
    let head = request.head();
    let mut origins = head.fields_named("origin");
    let Some(origin) = origins.next() else {
        return false;
    };
    // Two origins are a proxy's mistake or a trick.
    let Some(origin) = str::from_utf8(origin)
        .ok()
        .filter(|_| origins.next().is_none())
    else {
        return true;
    };
    if trusted.iter().any(|it| it.eq_ignore_ascii_case(origin)) {
        return false;
    }
    let authority = head.authority().unwrap_or_default();
    !Origin::parse(origin).is_some_and(|it| it.is_at(authority, https_only))
}

/// Whether it comes from a page of another site, by all that browsers say about that: some leave
/// `Origin` out where they say `Sec-Fetch-Site`.
pub(super) fn is_from_elsewhere(request: &Request, trusted: &[String], https_only: bool) -> bool {
    let foreign = is_foreign(request, trusted, https_only);
    if foreign || request.field("Origin").is_some() {
        return foreign;
    }
    let site = request.field("Sec-Fetch-Site");
    site.is_some_and(|site| !matches!(site, "same-origin" | "none"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_its_own_with_any_spelling_of_its_port() {
        let check = |origin: &str, authority: &str, same: bool| {
            let found = Origin::parse(origin).is_some_and(|it| it.is_at(authority, false));
            assert_eq!(found, same, "{origin} at {authority}");
        };
        check("http://a.org", "a.org", true);
        check("https://a.org", "a.org", true);
        check("https://a.org", "A.ORG:443", true);
        check("https://a.org:443", "a.org", true);
        check("http://a.org", "a.org:443", false);
        check("http://a.org:8080", "a.org:8080", true);
        check("http://a.org:8080", "a.org", false);
        check("http://a.org", "a.org:8080", false);
        check("http://a.org:8080", "a.org:8081", false);
        check("http://[::1]:8080", "[::1]:8080", true);
        check("http://[::1]", "[::2]", false);
        check("http://b.a.org", "a.org", false);
        check("http://a.org.evil.org", "a.org", false);
        check("http://evil.org", "a.org", false);
        check("null", "null", false);
        check("file://", "", false);
        check("http://", "", false);
        check("http://a.org@evil.org", "a.org", false);
        check("http://a.org/", "a.org", false);
        check("http://a.org:80:80", "a.org", false);
        check("http://a.org:+80", "a.org", false);
        check("http://a.org:99999", "a.org:99999", false);
    }

    #[test]
    fn where_all_is_tls_plain_pages_are_foreign() {
        let at = |origin: &str| Origin::parse(origin).unwrap().is_at("a.org", true);
        assert!(at("https://a.org"));
        assert!(!at("http://a.org"));
    }

    #[test]
    fn this_machine_has_three_names() {
        let local = |origin: &str| Origin::parse(origin).is_some_and(|it| it.is_local());
        for origin in [
            "http://localhost:3000",
            "https://127.0.0.1",
            "http://[::1]:1",
        ] {
            assert!(local(origin), "{origin}");
        }
        for origin in [
            "http://localhost.evil.org",
            "http://127.0.0.1.evil.org",
            "null",
        ] {
            assert!(!local(origin), "{origin}");
        }
    }
}
