//! # Letter: one event as a hook is sent it
//!
//! Written, signed, and with all that is needed to go on when it is back. The signature is over the time
//! and the body, so that nobody sends an old one again: `t=SECONDS,v1=HMAC-SHA256(secret, "t.body")`.

use std::fmt::Write;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Parcel;
use crate::chat::deliveries::{Due, Outgoing};
use crate::chat::{HookEvent, HookId, Millis, RoomName};
use crate::site::wire::Object;

/// The header field with the signature.
const SIGNATURE: &str = "Parlour-Signature";

/// One event on its way.
#[derive(Clone, Debug)]
pub(in crate::site) struct Letter {
    pub(super) hook: Outgoing,
    pub(super) due: Due,
    pub(super) room: RoomName,
    parcel: Parcel,
}

impl Letter {
    /// What happened in a room, for a hook; `event` as any client is told it.
    pub(super) fn new(
        hook: Outgoing,
        due: Due,
        (room, event): (RoomName, &str),
        epoch: &str,
        at: Millis,
    ) -> Self {
        let kind = due.kind.as_str();
        let body = Object::new()
            .number("id", due.op)
            .text("epoch", epoch)
            .text("kind", kind)
            .number("webhook", hook.id.0)
            .text("bot", &hook.bot_name)
            .text("room", &room);
        let command = hook.command.as_deref();
        let command = command.filter(|_| due.kind == HookEvent::Command);
        let body = body
            .maybe_text("command", command)
            .json("event", event)
            .end();
        let parcel = parcel(&hook, kind, &format!("{epoch}.{}", due.op), body, at);
        Self {
            hook,
            due,
            room,
            parcel,
        }
    }

    pub(super) const fn hook(&self) -> HookId {
        self.hook.id
    }

    pub(super) const fn parcel(&self) -> &Parcel {
        &self.parcel
    }
}

/// What shows whether a hook arrives.
pub(super) fn test(hook: &Outgoing, epoch: &str, at: Millis) -> Parcel {
    let event = Object::new().text("event", "test").end();
    let body = Object::new()
        .number("id", 0)
        .text("epoch", epoch)
        .text("kind", "test")
        .number("webhook", hook.id.0)
        .text("bot", &hook.bot_name)
        .json("event", &event)
        .end();
    parcel(hook, "test", &format!("{epoch}.0"), body, at)
}

fn parcel(hook: &Outgoing, kind: &str, id: &str, body: String, at: Millis) -> Parcel {
    Parcel {
        url: hook.url.as_str().to_owned(),
        fields: vec![
            ("Content-Type", "application/json".to_owned()),
            ("Parlour-Event", kind.to_owned()),
            ("Parlour-Delivery", id.to_owned()),
            (SIGNATURE, signature(&hook.secret, at / 1000, &body)),
        ],
        body,
    }
}

fn signature(secret: &str, at_s: u64, body: &str) -> String {
    let mut mac =
        Hmac::<Sha256>::new_from_slice(secret.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(at_s.to_string().as_bytes());
    mac.update(b".");
    mac.update(body.as_bytes());
    let mut text = format!("t={at_s},v1=");
    for byte in mac.finalize().into_bytes() {
        write!(text, "{byte:02x}").expect("a string takes everything");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_what_others_make_of_the_same() {
        // From Python: hmac.new(b'ps_key', b'1700000000.{"id":1}', 'sha256').hexdigest().
        let expected =
            "t=1700000000,v1=652df935720b4a43bfed99c3102eb24bb2ca92f25985fa0cf680c9fed83a78a5";
        assert_eq!(signature("ps_key", 1_700_000_000, "{\"id\":1}"), expected);
    }
}
