//! # CSRF: what only pages of this app can send
//!
//! A browser sends cookies along with whatever any page makes it send. So a request that changes
//! something has to bring a token that only pages of this app can read: in the form's field
//! `csrf_token`, or in the field `X-CSRF-Token` of the head.
//!
//! A token is made of an *anchor*, 16 random bytes. Who has a session has the anchor in it, on the
//! server. Everybody else is given it in a signed cookie, because a visitor who has stored nothing is
//! to have no session. When such a visitor gets one, it takes the anchor over.
//!
//! Promises
//! 1. A token is worth nothing with another session or another visitor's cookie.
//! 2. The text of a token is another one in each answer (the anchor under a random mask), so that
//!    the length of compressed pages tells nothing about it.
//! 3. Where a browser says that a request comes from another site, no token helps.

use data_encoding::BASE64URL_NOPAD;
use memchr::memmem;

use super::{Compression, Kind, Middleware, Sessions};
use crate::http::cookie::SetCookie;
use crate::http::{Body, Method, Response};
use crate::web::cx::Cx;
use crate::web::error::Error;
use crate::web::origin;
use crate::web::reply::Reply;
use crate::web::request::Request;
use crate::web::secret::{self, Secret};

/// The field of a form that has the token.
const FIELD: &str = "csrf_token";

/// The field of a head that has it, for scripts.
const HEADER: &str = "X-CSRF-Token";

const ANCHOR_BYTES: usize = 16;
const PURPOSE: &str = "csrf";

/// The token of this request's answer, for forms: carried for handlers and templates.
///
/// In a template `{{ csrf_field() }}` writes the whole input, and `{{ csrf_token }}` only this. A page
/// that is made without one asks for it:
///
/// ```
/// use parlour::http::Response;
/// use parlour::web::{Cx, CsrfToken};
///
/// fn form(cx: &mut Cx<'_, ()>) -> Response {
///     let token = cx.request.carried::<CsrfToken>().map_or("", |token| &token.0);
///     Response::html(format!(
///         r#"<form method="post" action="/leave">
///            <input type="hidden" name="csrf_token" value="{token}"><button>Leave</button></form>"#
///     ))
/// }
/// # let _ = form;
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CsrfToken(pub String);

/// What tokens are made of, and whether the browser has it.
#[derive(Clone, Copy, Debug)]
pub(in crate::web) struct Anchor {
    pub(in crate::web) bytes: [u8; ANCHOR_BYTES],
    kept: bool,
}

/// Refuses what changes something and does not come from a page of this app. Wrap it after
/// [`Sessions`], so that it finds the session, and after [`Compression`], so that it finds the token
/// in what leaves: an app with another order is refused. The token stands in the form's field
/// `csrf_token` (`{{ csrf_field() }}` of a template writes it), or in the field `X-CSRF-Token` of the
/// request's head.
///
/// Asked for a token is whoever sends something other than GET, HEAD, OPTIONS or TRACE with cookies,
/// or a form without them. Not asked is who shows an `Authorization` and has no cookies, and who has
/// neither and sends no form: a page of another site gains nothing by such requests. Where the browser
/// itself says that a request comes from another site, no token helps.
///
/// The text of a token is another one in each answer. It belongs to the session, and is worth nothing
/// after the next sign-in. A visitor without a session is sent a signed cookie along with the first
/// token; a session that begins afterwards takes that over, so that pages that are open stay good.
///
/// ```
/// use parlour::web::middleware::Csrf;
/// use parlour::web::{App, Secret};
///
/// let secret = Secret::random();
/// let app = App::new(()).wrap(Csrf::new(&secret));
/// # drop(app);
/// ```
#[derive(Debug)]
pub struct Csrf {
    secret: Secret,
    secure: bool,
    trusted: Vec<String>,
}

impl Csrf {
    /// Tokens under this key.
    pub fn new(secret: &Secret) -> Self {
        Self {
            secret: secret.clone(),
            secure: false,
            trusted: Vec::new(),
        }
    }

    /// For an app that is reached over TLS only: the cookie is, too, and pages without are foreign.
    pub fn secure(mut self) -> Self {
        self.secure = true;
        self
    }

    /// Pages of this origin, such as `https://app.example.org`, may send what ours may, if they
    /// have a token.
    pub fn trust(mut self, origin: &str) -> Self {
        self.trusted.push(origin.to_owned());
        self
    }

    const fn cookie(&self) -> &'static str {
        if self.secure { "__Host-csrf" } else { "csrf" }
    }

    /// The anchor that the visitor's cookie has.
    fn visitors(&self, request: &Request) -> Option<Anchor> {
        let cookie = request.cookie(self.cookie())?;
        let text = self.secret.unsign(PURPOSE, cookie)?;
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        Some(Anchor {
            bytes: bytes.try_into().ok()?,
            kept: true,
        })
    }

    /// Why a request is refused, if it is.
    fn objection(&self, request: &Request) -> Option<&'static str> {
        if !is_asked(request) {
            return None;
        }
        if origin::is_from_elsewhere(request, &self.trusted, self.secure) {
            return Some("The request comes from a page of another site.");
        }
        let anchor = request.carried::<Anchor>().filter(|anchor| anchor.kept);
        let Some(anchor) = anchor else {
            return Some("Your browser sent no cookie of this site: allow cookies.");
        };
        let token = request.field(HEADER).map(str::to_owned);
        let Some(token) = token.or_else(|| request.form_value(FIELD)) else {
            return Some("The request has no token.");
        };
        let fits = unmask(&token).is_some_and(|bytes| secret::same(&bytes, &anchor.bytes));
        (!fits).then_some("The request's token is not yours, or from before you signed in.")
    }
}

/// Whether a request needs a token.
fn is_asked(request: &Request) -> bool {
    use Method::{Get, Head, Options, Trace};
    if matches!(request.method(), Get | Head | Options | Trace) {
        return false;
    }
    if request.field("Cookie").is_some() {
        return true;
    }
    // What a form of any page can send, without asking us first.
    let forms = [
        "application/x-www-form-urlencoded",
        "multipart/form-data",
        "text/plain",
    ];
    let kind = request.media_type();
    let is_form = kind.is_some_and(|kind| forms.contains(&kind.as_str()));
    // Browsers send names and passwords along like cookies, whatever page asks.
    let shown = request.field("Authorization").unwrap_or_default();
    let by_itself = ["basic ", "digest ", "negotiate ", "ntlm "];
    let lower = shown.to_ascii_lowercase();
    by_itself.iter().any(|it| lower.starts_with(it)) || is_form && shown.is_empty()
}

impl Anchor {
    pub(in crate::web) fn random() -> Self {
        Self {
            bytes: secret::random_bytes(),
            kept: false,
        }
    }

    /// The anchor of a session.
    pub(in crate::web) const fn of_session(bytes: [u8; ANCHOR_BYTES]) -> Self {
        Self { bytes, kept: true }
    }

    /// Takes the place of another one while a request is handled. Tokens are for apps that check
    /// them.
    pub(in crate::web) fn replace(self, request: &mut Request) {
        if request.carried::<CsrfToken>().is_some() {
            request.carry(CsrfToken(mask(&self.bytes)));
        }
        request.carry(self);
    }
}

/// A new text for the anchor: a mask, and the anchor under it.
fn mask(anchor: &[u8; ANCHOR_BYTES]) -> String {
    let mut text: [u8; 2 * ANCHOR_BYTES] = secret::random_bytes();
    for at in 0..ANCHOR_BYTES {
        text[ANCHOR_BYTES + at] = text[at] ^ anchor[at];
    }
    BASE64URL_NOPAD.encode(&text)
}

fn unmask(token: &str) -> Option<[u8; ANCHOR_BYTES]> {
    let bytes = BASE64URL_NOPAD.decode(token.as_bytes()).ok()?;
    let bytes: [u8; 2 * ANCHOR_BYTES] = bytes.try_into().ok()?;
    Some(std::array::from_fn(|at| {
        bytes[at] ^ bytes[ANCHOR_BYTES + at]
    }))
}

/// Whether an answer has the token in it. What comes in pieces may have it.
fn has_token(response: &Response, token: &str) -> bool {
    if let Body::Stream { .. } = response.content() {
        return true;
    }
    let finder = memmem::Finder::new(token);
    let in_fields = |value: &[u8]| finder.find(value).is_some();
    in_fields(response.content().bytes())
        || response.fields().iter().any(|(_, value)| in_fields(value))
}

fn refusal(why: &str) -> Error {
    let help = "Go back, load the page again, and send it once more.";
    let how = format!("Programs send the token as {HEADER}, or as the form's {FIELD}.");
    Error::forbidden(format!("{why} {help} {how}"))
}

impl<S> Middleware<S> for Csrf {
    /// What has the session, and what makes an answer unreadable in which the token is looked for.
    fn comes_after(&self) -> Vec<Kind> {
        vec![Kind::of::<Sessions>(), Kind::of::<Compression>()]
    }

    fn request(&self, cx: &mut Cx<'_, S>) -> Option<Reply<S>> {
        // A session has left its own.
        let known = cx.request.carried::<Anchor>().copied();
        let anchor = known.or_else(|| self.visitors(cx.request));
        let anchor = anchor.unwrap_or_else(Anchor::random);
        cx.request.carry(CsrfToken(mask(&anchor.bytes)));
        cx.request.carry(anchor);
        None
    }

    fn view(&self, cx: &mut Cx<'_, S>) -> Option<Reply<S>> {
        let why = self.objection(cx.request)?;
        Some(Reply::of(refusal(why)))
    }

    fn response(&self, cx: &mut Cx<'_, S>, mut response: Response) -> Response {
        let (Some(anchor), Some(CsrfToken(token))) = (
            cx.request.carried::<Anchor>().copied(),
            cx.request.carried::<CsrfToken>(),
        ) else {
            return response;
        };
        if anchor.kept || !has_token(&response, token) {
            return response;
        }
        let text = BASE64URL_NOPAD.encode(&anchor.bytes);
        let value = self.secret.sign(PURPOSE, &text);
        let cookie = SetCookie::new(self.cookie(), &value);
        let cookie = if self.secure { cookie.secure() } else { cookie };
        let line = cookie
            .to_value()
            .expect("a name of ours and Base64 make a cookie");
        response.push_field("Set-Cookie", line.as_bytes());
        super::keep_private(&mut response);
        response
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_token_is_another_text_each_time_and_the_same_anchor(anchor: [u8; ANCHOR_BYTES]) {
            let (one, other) = (mask(&anchor), mask(&anchor));
            prop_assert_ne!(&one, &other);
            prop_assert_eq!(unmask(&one), Some(anchor));
            prop_assert_eq!(unmask(&other), Some(anchor));
            let text = BASE64URL_NOPAD.decode(one.as_bytes()).unwrap();
            let (mask, masked) = text.split_at(ANCHOR_BYTES);
            prop_assert!(mask != anchor && masked != anchor, "the anchor is in the clear");
        }

        #[test]
        fn junk_is_no_token(text in "\\PC{0,60}") {
            let anchor = Anchor::random().bytes;
            prop_assert_ne!(unmask(&text), Some(anchor));
        }
    }

    #[test]
    fn the_cookie_goes_with_the_token() {
        let page = |body: &str| Response::html(body.to_owned());
        assert!(has_token(&page("<input value=\"abc\">"), "abc"));
        assert!(!has_token(&page("<input value=\"ab\">"), "abc"));
        assert!(has_token(&page("").field("X-CSRF-Token", "abc"), "abc"));
        assert!(has_token(&page("").stream(None), "abc"));
    }
}
