//! # Redirections: look there instead
//!
//! Which of five statuses a redirection has decides whether browsers keep the method and whether
//! they remember it; [`Redirect`] names them by that. A location is checked, because one that is
//! made of what somebody sent is how visitors are led elsewhere.

use std::fmt;

use super::{Response, Status, letters};

/// Why a location is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LocationFault {
    /// There is nothing in it.
    Empty,
    /// A control, a space, a quote, a backslash or what is not ASCII (RFC 3986 2).
    BadCharacter,
    /// A `%` without two hexadecimal digits (RFC 3986 2.1).
    BrokenPercent,
}

impl fmt::Display for LocationFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "a location must not be empty",
            Self::BadCharacter => {
                "a location must be visible ASCII without quotes, angle brackets and backslashes: \
                 percent-encode the rest"
            }
            Self::BrokenPercent => "a % in a location must have two hexadecimal digits behind it",
        })
    }
}

impl std::error::Error for LocationFault {}

/// What a browser is to do with a redirection.
///
/// ```
/// use parlour::http::{Redirect, Status};
///
/// let moved = Redirect::Permanent.to("/rooms/7#last").unwrap();
/// assert_eq!(moved.status(), Status::PERMANENT_REDIRECT);
/// assert!(Redirect::SeeOther.to("/a\r\nSet-Cookie: b=c").is_err());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Redirect {
    /// 301: remember it; what was a POST may become a GET.
    MovedPermanently,
    /// 302: for now; what was a POST may become a GET.
    Found,
    /// 303: with GET, whatever the request was: the answer to a form.
    SeeOther,
    /// 307: for now, with the same method and body.
    Temporary,
    /// 308: remember it, with the same method and body.
    Permanent,
}

impl Redirect {
    /// The answer that leads to `location`.
    pub fn to(self, location: &str) -> Result<Response, LocationFault> {
        check(location)?;
        Ok(Response::new(self.status()).field("Location", location))
    }

    const fn status(self) -> Status {
        match self {
            Self::MovedPermanently => Status::MOVED_PERMANENTLY,
            Self::Found => Status::FOUND,
            Self::SeeOther => Status::SEE_OTHER,
            Self::Temporary => Status::TEMPORARY_REDIRECT,
            Self::Permanent => Status::PERMANENT_REDIRECT,
        }
    }
}

/// Whether a location stays on this site, however a browser reads it: a path, and not one with two
/// slashes, which is another host. Ask this of where a form or a link says to go next.
///
/// ```
/// # use parlour::http::stays_here;
/// assert!(stays_here("/rooms?sort=new"));
/// assert!(!stays_here("//evil.example/") && !stays_here("/\\evil.example/"));
/// ```
pub fn stays_here(location: &str) -> bool {
    // Browsers take a backslash for a slash and skip tabs and line ends: `check` has none of them.
    check(location).is_ok() && location.starts_with('/') && !location.starts_with("//")
}

fn check(location: &str) -> Result<(), LocationFault> {
    let bytes = location.as_bytes();
    let is_clean = |&byte: &u8| byte == b'#' || letters::is(letters::TARGET, byte) && byte != b'\\';
    if bytes.is_empty() {
        Err(LocationFault::Empty)
    } else if !bytes.iter().all(is_clean) {
        Err(LocationFault::BadCharacter)
    } else if !letters::percents_are_whole(bytes) {
        Err(LocationFault::BrokenPercent)
    } else {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_its_status() {
        for (redirect, code) in [
            (Redirect::MovedPermanently, 301),
            (Redirect::Found, 302),
            (Redirect::SeeOther, 303),
            (Redirect::Temporary, 307),
            (Redirect::Permanent, 308),
        ] {
            let response = redirect.to("/x").unwrap();
            assert_eq!(response.status().code(), code);
            assert_eq!(response.fields().first("location"), Some(&b"/x"[..]));
        }
    }

    #[test]
    fn a_location_is_what_may_stand_in_an_address() {
        let check = |location: &str, expected| {
            let found = Redirect::Found.to(location).map(|_| ());
            assert_eq!(found, expected, "{location:?}");
        };
        check("/", Ok(()));
        check("?page=2", Ok(()));
        check("https://example.org/a%20b?c=[d]#e", Ok(()));
        check("", Err(LocationFault::Empty));
        check("/a b", Err(LocationFault::BadCharacter));
        check("/é", Err(LocationFault::BadCharacter));
        check("/a\r\nX: y", Err(LocationFault::BadCharacter));
        check("/a\tb", Err(LocationFault::BadCharacter));
        check("/\0", Err(LocationFault::BadCharacter));
        check("/\\evil", Err(LocationFault::BadCharacter));
        check("/\"><script>", Err(LocationFault::BadCharacter));
        check("/%", Err(LocationFault::BrokenPercent));
        check("/%0g", Err(LocationFault::BrokenPercent));
    }

    #[test]
    fn nothing_that_stays_here_leads_elsewhere() {
        for here in ["/", "/a", "/a//b", "/?next=//b", "/#//b", "/.//b"] {
            assert!(stays_here(here), "{here}");
        }
        for elsewhere in [
            "",
            "a",
            "//a",
            "///a",
            "/\\a",
            "\\/a",
            "/\t/a",
            "\t//a",
            " //a",
            "/\n/a",
            "https://a",
            "javascript:a",
            "?a",
        ] {
            assert!(!stays_here(elsewhere), "{elsewhere:?}");
        }
    }
}
