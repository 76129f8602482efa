//! # Errand: what a device does by a plain request, beside its WebSocket
//!
//! One connection for one request: it says something under the key that it has for it, looks into a
//! room, or signs out. What is answered is judged like an answer on the WebSocket.

use serde_json::Value;

use super::device::Question;

/// What is wanted.
#[derive(Debug)]
pub(super) enum Errand {
    SignOut,
    /// The intent with this number; whether it had been done before.
    Say(usize, bool),
    Ask(Question),
}

/// A request under way.
#[derive(Debug)]
pub(super) struct Visit {
    pub(super) errand: Errand,
    heard: Vec<u8>,
    is_over: bool,
}

impl Visit {
    pub(super) const fn new(errand: Errand) -> Self {
        Self {
            errand,
            heard: Vec::new(),
            is_over: false,
        }
    }

    /// A request in its bytes.
    pub(super) fn request(line: &str, token: &str, key: Option<&str>, body: &str) -> Vec<u8> {
        let key = key.map_or_else(String::new, |key| format!("Idempotency-Key: {key}\r\n"));
        let body = match body {
            "" => "\r\n".to_owned(),
            body => format!(
                "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            ),
        };
        format!(
            "{line} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n\
             Connection: close\r\n{key}{body}"
        )
        .into_bytes()
    }

    /// Bytes have come: the status and the body, once, when all of it is there.
    pub(super) fn hear(&mut self, bytes: &[u8]) -> Option<(u16, Value)> {
        self.heard.extend_from_slice(bytes);
        if self.is_over {
            return None;
        }
        let end = self.heard.windows(4).position(|it| it == b"\r\n\r\n")?;
        let head = String::from_utf8_lossy(&self.heard[..end]).to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|it| it.strip_prefix("content-length: "));
        let length = length.map_or(0, |it| it.parse().expect("a number"));
        let body = self.heard.get(end + 4..end + 4 + length)?;
        self.is_over = true;
        let json = match body {
            [] => Value::Null,
            body => serde_json::from_slice(body).expect("answers are JSON"),
        };
        let status = head[9..12].parse().expect("an answer has a status");
        Some((status, json))
    }
}
