//! # Site: the product's face
//!
//! What `parlour serve` shows: a welcome page, `/healthz`, and, if asked for, `/echo`.
//!
//! Promises
//! 1. Every path answers every method: with what it has, 404, 405 with `Allow`, or 501.
//! 2. What is embedded is cacheable: it has a strong validator and honours conditions and ranges.
//!
//! Never knows: sockets, frames. Start reading at [`Site`]'s `request`.

use crate::http::form::decoded_segments;
use crate::http::{Head, Method, Representation, Response, Status};
use crate::reactor::{Answer, App, Call, ConnId, Net, Reception, Request, Upgrade};
use crate::ws::Message;

const WELCOME: Asset = Asset {
    path: "/",
    content_type: "text/html; charset=utf-8",
    bytes: include_bytes!("assets/welcome.html"),
};
const STYLE: Asset = Asset {
    path: "/assets/parlour.css",
    content_type: "text/css; charset=utf-8",
    bytes: include_bytes!("assets/parlour.css"),
};
/// What may come back from `/echo`: the largest message of the public conformance suite.
const ECHO_BYTES_MAX: usize = 16 << 20;

/// A file that is part of the binary.
#[derive(Debug)]
struct Asset {
    path: &'static str,
    content_type: &'static str,
    bytes: &'static [u8],
}

impl Asset {
    fn respond(&self, head: &Head<'_>, modified_s: Option<u64>, net: &Net) -> Response {
        let etag = format!("\"{:016x}\"", fingerprint(self.bytes));
        let representation = Representation {
            length: self.bytes.len() as u64,
            content_type: self.content_type,
            etag: Some(&etag),
            last_modified_s: modified_s,
        };
        representation.serve(head, net.now().unix_ms, self.bytes)
    }
}

/// The app behind `parlour serve`.
#[derive(Debug)]
pub struct Site {
    echo: bool,
    /// When what is embedded last changed, in seconds since 1970: with the binary.
    modified_s: Option<u64>,
}

/// What there is at a path.
#[derive(Clone, Copy, Debug)]
enum Place {
    /// The server as a whole: `OPTIONS *`.
    Everywhere,
    Asset(&'static Asset),
    Health,
    Echo,
    Nothing,
}

impl Site {
    /// The site, with `/echo` or without. `modified_s` is when the binary was made.
    pub fn new(echo: bool, modified_s: Option<u64>) -> Self {
        Self { echo, modified_s }
    }

    fn place(&self, head: &Head<'_>) -> Place {
        let path = head.path();
        if !path.contains('%') {
            return self.place_at(path);
        }
        match decoded_segments(path) {
            Ok(segments) => self.place_at(&format!("/{}", segments.join("/"))),
            Err(_) => Place::Nothing,
        }
    }

    fn place_at(&self, path: &str) -> Place {
        match path {
            "*" => Place::Everywhere,
            path if path == WELCOME.path => Place::Asset(&WELCOME),
            path if path == STYLE.path => Place::Asset(&STYLE),
            "/healthz" => Place::Health,
            "/echo" if self.echo => Place::Echo,
            _ => Place::Nothing,
        }
    }
}

impl App for Site {
    fn reception(&mut self, _: Call, head: &Head<'_>, _: &mut Net) -> Reception {
        match self.place(head) {
            Place::Echo => Reception::Collect {
                bytes_max: ECHO_BYTES_MAX as u64,
            },
            // A body that nobody wants is still read, so that the connection stays in step.
            _ => Reception::Collect {
                bytes_max: crate::reactor::app::BODY_BYTES_MAX,
            },
        }
    }

    fn request(&mut self, _: Call, request: &Request<'_>, net: &mut Net) -> Answer {
        let head = &request.head;
        let place = self.place(head);
        let allow = match place {
            Place::Everywhere => "GET, HEAD, POST, OPTIONS",
            Place::Asset(_) | Place::Health => "GET, HEAD, OPTIONS",
            Place::Echo => "GET, POST, OPTIONS",
            Place::Nothing => return not_found().into(),
        };
        match (place, head.method()) {
            // Whoever asks for a WebSocket hears what is wrong with that, not about the method.
            (Place::Echo, method)
                if method == Method::Get || head.wants_upgrade_to("websocket") =>
            {
                Answer::Upgrade(Upgrade::new(0).message_bytes_max(ECHO_BYTES_MAX))
            }
            (_, Method::Options) => Response::new(Status::NO_CONTENT)
                .field("Allow", allow)
                .into(),
            (Place::Asset(asset), Method::Get | Method::Head) => {
                asset.respond(head, self.modified_s, net).into()
            }
            (Place::Health, Method::Get | Method::Head) => Response::text("ok\n").into(),
            (Place::Echo, Method::Post) => {
                let kind = head
                    .field("Content-Type")
                    .unwrap_or("application/octet-stream");
                Response::new(Status::OK)
                    .field("Content-Type", kind)
                    .body(request.body.to_vec())
                    .into()
            }
            _ => Response::refusal(
                Status::METHOD_NOT_ALLOWED,
                "this path does not take that method",
            )
            .field("Allow", allow)
            .into(),
        }
    }

    fn message(&mut self, id: ConnId, message: Message<'_>, net: &mut Net) {
        net.send(id, message);
    }
}

/// A number that differs for different bytes, the same in every run (FNV-1a).
fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn not_found() -> Response {
    Response::refusal(Status::NOT_FOUND, "there is nothing at this path")
}
