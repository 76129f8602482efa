//! # Machines: what is there for programs, and where tools may try the server
//!
//! `/echo` sends back what it is sent, and is there only if it is asked for: measuring and
//! conformance suites talk to it.

use super::hall::Hall;
use crate::http::{Method, Representation, Response, Status};
use crate::reactor::upgrade_refusal;
use crate::web::{Consumer, Cx, Live, Routes, takes};
use crate::ws::Message;

/// What may come back from `/echo`: the largest message of the public conformance suite.
const ECHO_BYTES_MAX: usize = 16 << 20;

/// What search engines are told: all that is said here is said among people who signed in.
const ROBOTS: &[u8] = b"User-agent: *\nDisallow: /\n";

/// The routes. `modified_s` is when the program was made.
pub(super) fn routes(echo: bool, modified_s: Option<u64>) -> Routes<Hall> {
    let robots = move |cx: &mut Cx<'_, Hall>| {
        let representation = Representation {
            length: ROBOTS.len() as u64,
            content_type: "text/plain; charset=utf-8",
            etag: Some("\"1\""),
            last_modified_s: modified_s,
        };
        let now_ms = cx.house.now().unix_ms;
        representation.serve(&cx.request.head(), now_ms, ROBOTS)
    };
    let routes = Routes::new().get("/robots.txt", robots);
    if echo { echoing(routes) } else { routes }
}

fn echoing(routes: Routes<Hall>) -> Routes<Hall> {
    let post = takes(ECHO_BYTES_MAX as u64, |cx: &mut Cx<'_, Hall>| {
        // Whoever asks for a WebSocket hears what is wrong with that.
        if cx.request.is_upgrade()
            && let Some(refusal) = upgrade_refusal(&cx.request.head())
        {
            return refusal;
        }
        let kind = cx
            .request
            .field("Content-Type")
            .unwrap_or("application/octet-stream");
        let answer = Response::new(Status::OK).field("Content-Type", kind);
        answer.body(cx.request.body().to_vec())
    });
    routes
        .consumer("/echo", || Echo)
        .route(Method::Post, "/echo", post)
}

/// Sends back what it is sent.
#[derive(Debug)]
struct Echo;

impl Consumer<Hall> for Echo {
    fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, Hall>) {
        match message {
            Message::Text(text) => live.send(text),
            Message::Binary(bytes) => live.send_binary(bytes),
        };
    }

    fn message_bytes_max(&self) -> usize {
        ECHO_BYTES_MAX
    }
}
