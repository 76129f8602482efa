//! # CORS: which other sites' scripts may read answers
//!
//! The protocol of the Fetch standard.
//!
//! Promises
//! 1. Preflights are answered here, for every path and before anything else sees them.
//! 2. `*` never goes with credentials, and whatever depends on the origin says `Vary: Origin`.
//! 3. Whom an origin is refused to is told nothing but that: the request itself is served as it
//!    would be without CORS, and the browser keeps the answer from the script.

use std::fmt;

use super::Middleware;
use crate::http::{Method, Response, Status};
use crate::web::cx::Cx;
use crate::web::origin::Origin;
use crate::web::reply::Reply;

/// How long a browser may go without asking again. Chromium caps it at two hours.
const MAX_AGE_S: u32 = 600;

enum Origins {
    Any,
    Listed(Vec<String>),
    Judged(Box<dyn Fn(&str) -> bool>),
}

/// Lets scripts of other sites read this app's answers.
///
/// Browsers keep answers from scripts of other origins unless an answer says otherwise, and ask first (a
/// *preflight*) before they send what a form could not. Preflights are answered here, for every path.
/// The request of an origin that is refused is served as it would be without this, and the browser keeps
/// the answer from the script. So this lets others in, and keeps nobody out: for that there are
/// [`Csrf`](super::Csrf) and [`same_origin_required`](crate::web::same_origin_required).
///
/// ```
/// use parlour::web::{App, middleware::Cors};
///
/// let cors = Cors::origins(["https://app.example.org"]).credentials();
/// let app = App::new(()).wrap(cors).post("/api", |_: &mut parlour::web::Cx<'_, ()>| "done");
/// # drop(app);
/// ```
pub struct Cors {
    origins: Origins,
    methods: String,
    headers: String,
    exposed: String,
    credentials: bool,
    max_age_s: u32,
}

impl fmt::Debug for Cors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cors").finish_non_exhaustive()
    }
}

impl Cors {
    fn new(origins: Origins) -> Self {
        Self {
            origins,
            methods: "GET, HEAD, POST, PUT, PATCH, DELETE".to_owned(),
            headers: "Authorization, Content-Type, X-CSRF-Token".to_owned(),
            exposed: String::new(),
            credentials: false,
            max_age_s: MAX_AGE_S,
        }
    }

    /// Everybody: for what is public anyway.
    pub fn any() -> Self {
        Self::new(Origins::Any)
    }

    /// These, each as `https://host` or `https://host:port`.
    ///
    /// # Panics
    ///
    /// If one of them is no origin: it would never be met.
    pub fn origins<'a>(origins: impl IntoIterator<Item = &'a str>) -> Self {
        let checked = origins.into_iter().map(|origin| {
            assert!(
                Origin::parse(origin).is_some(),
                "'{origin}' is no origin: write https://host or https://host:port"
            );
            origin.to_owned()
        });
        Self::new(Origins::Listed(checked.collect()))
    }

    /// Those that a function likes. It sees the origin as the browser says it, also `null`.
    pub fn when(judge: impl Fn(&str) -> bool + 'static) -> Self {
        Self::new(Origins::Judged(Box::new(judge)))
    }

    /// Pages of this machine, at any port: for development.
    pub fn local() -> Self {
        Self::when(|origin| Origin::parse(origin).is_some_and(|origin| origin.is_local()))
    }

    /// Only these methods, instead of all that apps have handlers for.
    pub fn methods(mut self, methods: &[Method]) -> Self {
        let names: Vec<&str> = methods.iter().map(|method| method.name()).collect();
        self.methods = names.join(", ");
        self
    }

    /// Only these fields of requests, instead of `Authorization`, `Content-Type` and
    /// `X-CSRF-Token`. Some simple ones are always allowed.
    pub fn headers(mut self, names: &[&str]) -> Self {
        self.headers = names.join(", ");
        self
    }

    /// These fields of answers can be read by scripts too.
    pub fn expose(mut self, names: &[&str]) -> Self {
        self.exposed = names.join(", ");
        self
    }

    /// With cookies: those scripts act as whoever is signed in. Middleware against forgery has to
    /// [trust](super::Csrf::trust) them as well.
    ///
    /// # Panics
    ///
    /// If every origin is allowed: then every page of the web could act as whoever visits it.
    pub fn credentials(mut self) -> Self {
        assert!(
            !matches!(self.origins, Origins::Any),
            "any origin with credentials lets every page act as its visitor: list the origins"
        );
        self.credentials = true;
        self
    }

    /// How long browsers may keep the answer to a preflight.
    pub fn max_age_s(mut self, seconds: u32) -> Self {
        self.max_age_s = seconds;
        self
    }

    fn allows(&self, origin: &str) -> bool {
        match &self.origins {
            Origins::Any => true,
            Origins::Listed(listed) => listed.iter().any(|it| it.eq_ignore_ascii_case(origin)),
            Origins::Judged(judge) => judge(origin),
        }
    }
}

impl<S> Middleware<S> for Cors {
    fn request(&self, cx: &mut Cx<'_, S>) -> Option<Reply<S>> {
        if cx.request.method() != Method::Options {
            return None;
        }
        cx.request.field("Access-Control-Request-Method")?;
        let origin = cx.request.field("Origin")?;
        if !self.allows(origin) {
            let reason = "pages of this origin may not read answers from here";
            return Some(Reply::of(Response::refusal(Status::FORBIDDEN, reason)));
        }
        let mut response = Response::new(Status::NO_CONTENT)
            .field("Access-Control-Allow-Methods", &self.methods)
            .field("Access-Control-Allow-Headers", &self.headers)
            .field("Access-Control-Max-Age", self.max_age_s.to_string());
        response.vary("Access-Control-Request-Method");
        response.vary("Access-Control-Request-Headers");
        Some(Reply::of(response))
    }

    fn response(&self, cx: &mut Cx<'_, S>, mut response: Response) -> Response {
        let origin = cx.request.field("Origin");
        if matches!(self.origins, Origins::Any) {
            response.set_field("Access-Control-Allow-Origin", b"*");
        } else {
            response.vary("Origin");
            let Some(origin) = origin.filter(|origin| self.allows(origin)) else {
                return response;
            };
            response.set_field("Access-Control-Allow-Origin", origin.as_bytes());
            if self.credentials {
                response.set_field("Access-Control-Allow-Credentials", b"true");
            }
        }
        if !self.exposed.is_empty() {
            let exposed = self.exposed.as_bytes();
            response.set_field("Access-Control-Expose-Headers", exposed);
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_who_are_meant_are_let_in() {
        let listed = Cors::origins(["https://a.org", "http://b.org:8080"]);
        for origin in ["https://a.org", "HTTPS://A.org", "http://b.org:8080"] {
            assert!(listed.allows(origin), "{origin}");
        }
        for origin in [
            "",
            "null",
            "http://a.org",
            "https://a.org.evil.org",
            "http://b.org",
        ] {
            assert!(!listed.allows(origin), "{origin}");
            assert!(!Cors::local().allows(origin), "{origin}");
        }
        assert!(Cors::local().allows("http://localhost:5173"));
        assert!(Cors::any().allows("null"));
    }

    #[test]
    #[should_panic(expected = "list the origins")]
    fn everybody_with_credentials_is_refused() {
        let _ = Cors::any().credentials();
    }

    #[test]
    #[should_panic(expected = "is no origin")]
    fn what_no_browser_would_say_is_refused() {
        let _ = Cors::origins(["https://a.org/"]);
    }
}
