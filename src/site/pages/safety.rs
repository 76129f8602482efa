//! # Safety: what browsers are told to refuse
//!
//! Pages say all of it. Answers for programs say only that they are what they say they are: they are
//! many, and nobody shows them as a page. The pages' files are many, too, and a first visit fetches them
//! all: they say, in few words, that shown by themselves they may do nothing. What somebody uploaded has a
//! stricter policy of its own.

use crate::http::Response;
use crate::site::hall::Hall;
use crate::web::middleware::SecurityHeaders;
use crate::web::{Cx, Middleware};

/// What a page may load, run and do: nothing but this site's own, and nothing that stands in its text.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data: blob:; media-src 'self' blob:; connect-src 'self'; manifest-src 'self'; \
    worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// What a page never asks for.
const PERMISSIONS: &str = "camera=(), display-capture=(), geolocation=(), microphone=(), \
    payment=(), usb=()";

/// Says it in each answer.
#[derive(Debug)]
pub(in crate::site) struct Safety(SecurityHeaders);

impl Safety {
    pub(in crate::site) fn new() -> Self {
        let headers = SecurityHeaders::policy(POLICY)
            .and("Permissions-Policy", PERMISSIONS)
            .and("Cross-Origin-Resource-Policy", "same-origin");
        Self(headers)
    }
}

impl Middleware<Hall> for Safety {
    fn response(&self, cx: &mut Cx<'_, Hall>, mut response: Response) -> Response {
        let path = cx.request.path();
        let is_for_programs = path.starts_with("/api/") || path == "/echo" || path == "/metrics";
        let is_file = path.starts_with("/assets/");
        if !is_for_programs && !is_file {
            return self.0.response(cx, response);
        }
        response.set_field("X-Content-Type-Options", b"nosniff");
        if is_file {
            response.set_field("Content-Security-Policy", b"default-src 'none'");
            response.set_field("Cross-Origin-Resource-Policy", b"same-origin");
        }
        response
    }
}
