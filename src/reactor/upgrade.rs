//! # Upgrade: where HTTP hands over to WebSocket
//!
//! The two protocol rooms do not know each other; here a request's head becomes what the handshake
//! looks at, and a refused handshake becomes a response.

use crate::http::{Head, Response, Status};
use crate::ws::DeflatePolicy;
use crate::ws::handshake::{self, Accepted, Refused};

/// What a request gets if it is granted an upgrade now without rightly asking for one: for apps that
/// want to know before they make something for the connection.
pub fn upgrade_refusal(head: &Head<'_>) -> Option<Response> {
    handshake(head, &DeflatePolicy::default())
        .err()
        .map(refusal)
}

/// Whether the request rightly asks to become a WebSocket.
pub(crate) fn handshake(head: &Head<'_>, policy: &DeflatePolicy) -> Result<Accepted, Refused> {
    handshake::accept(
        head.method().name(),
        head.minor_version(),
        head.fields(),
        policy,
    )
}

/// What to answer to one that does not. Who did not ask at all is told what is spoken here.
pub(crate) fn refusal(refused: Refused) -> Response {
    let (status, fields): (_, &[(&str, &str)]) = match refused {
        Refused::NoUpgrade | Refused::HttpVersion => {
            (Status::UPGRADE_REQUIRED, &[("Upgrade", "websocket")])
        }
        other => (
            Status::new(other.status()).unwrap_or(Status::BAD_REQUEST),
            other.fields(),
        ),
    };
    let response = Response::refusal(status, refused.reason());
    fields.iter().fold(response, |response, (name, value)| {
        response.field(name, value)
    })
}
