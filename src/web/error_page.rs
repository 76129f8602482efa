//! # Error page: what people see when something is wrong
//!
//! A browser gets a page, everything else a line of plain text. An app that wants its own says so
//! with [`App::on_error`](super::App::on_error).

use super::error::Error;
use super::page::push_escaped;
use super::request::Request;
use crate::http::{Response, wants_html};

const STYLE: &str = "body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto;\
                     padding:0 1.5rem}h1{font-size:1.6rem;margin:0}h1 b{opacity:.45}\
                     p{margin:.6rem 0}:root{color-scheme:light dark}";

/// It loads nothing and sends nothing, whatever a message might hold.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; \
                      form-action 'none'; frame-ancestors 'none'";

/// The answer to an error for which the app has no page.
pub(super) fn answer(request: &Request, error: &Error) -> Response {
    let plain = error.respond();
    if request.is_upgrade() || !wants_html(request.head().all_fields()) {
        return plain;
    }
    error.dress(
        Response::html(page(error))
            .with_status(error.status())
            .field("Content-Security-Policy", POLICY),
    )
}

fn page(error: &Error) -> String {
    let (code, reason) = (error.status().code(), error.status().reason());
    let mut page = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{code} {reason}</title>\
         <style>{STYLE}</style></head>\n<body><h1><b>{code}</b> {reason}</h1>\n<p>"
    );
    push_escaped(&mut page, error.message());
    page.push_str("</p>\n<p><a href=\"/\">Back to the beginning</a></p></body></html>\n");
    page
}
