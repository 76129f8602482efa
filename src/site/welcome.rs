//! # Welcome: the page that greets, and where tools may try the server
//!
//! The page's files are part of the program. `/echo` sends back what it is sent, and is there only
//! if it is asked for: measuring and conformance suites talk to it.

use super::hall::Hall;
use crate::http::{Head, Method, Representation, Response, Status};
use crate::reactor::upgrade_refusal;
use crate::web::{Consumer, Cx, Live, Routes, takes};
use crate::ws::Message;

/// What may come back from `/echo`: the largest message of the public conformance suite.
const ECHO_BYTES_MAX: usize = 16 << 20;

/// A file that is part of the program.
#[derive(Clone, Copy, Debug)]
struct File {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

const FILES: [File; 2] = [
    File {
        path: "/",
        content_type: "text/html; charset=utf-8",
        bytes: include_bytes!("assets/welcome.html"),
    },
    File {
        path: "/assets/parlour.css",
        content_type: "text/css; charset=utf-8",
        bytes: include_bytes!("assets/parlour.css"),
    },
];

/// The routes of the page. `modified_s` is when the program was made.
pub(super) fn routes(echo: bool, modified_s: Option<u64>) -> Routes<Hall> {
    let page = |routes: Routes<Hall>, file: File| {
        let etag = format!("\"{:016x}\"", fingerprint(file.bytes));
        routes.get(file.path, move |cx: &mut Cx<'_, Hall>| {
            let now_ms = cx.house.now().unix_ms;
            respond(file, &etag, modified_s, &cx.request.head(), now_ms)
        })
    };
    let routes = FILES.into_iter().fold(Routes::new(), page);
    if echo { echoing(routes) } else { routes }
}

fn respond(
    file: File,
    etag: &str,
    modified_s: Option<u64>,
    head: &Head<'_>,
    now_ms: u64,
) -> Response {
    let representation = Representation {
        length: file.bytes.len() as u64,
        content_type: file.content_type,
        etag: Some(etag),
        last_modified_s: modified_s,
    };
    representation.serve(head, now_ms, file.bytes)
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

/// A number that differs for different bytes, the same in every run (FNV-1a).
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
