//! # Link: one connection of a device, from its request on
//!
//! Bytes to texts and back, on the same session as every other client's.

use crate::ground::seed::Seed;
use crate::ws::{Deflate, DeflatePolicy, Event, Limits, Message, Role, Session, Step};

/// What came of some bytes.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum News {
    /// The server lets the device in.
    Opened,
    /// It does not.
    Status(u16),
    Text(String),
    Closed(Option<u16>),
}

#[derive(Debug)]
pub(super) struct Link {
    session: Session,
    deflate: Deflate,
    chance: Seed,
    /// What came before the session, or in pieces.
    head: Option<Vec<u8>>,
}

impl Link {
    pub(super) fn new(seed: u64) -> Self {
        let policy = DeflatePolicy {
            enabled: false,
            ..DeflatePolicy::default()
        };
        Self {
            session: Session::new(Role::Client, None),
            deflate: Deflate::new(policy),
            chance: Seed::new(seed),
            head: Some(Vec::new()),
        }
    }

    /// A request for a WebSocket.
    pub(super) fn upgrade(token: &str, hold: bool) -> Vec<u8> {
        let path = if hold { "/ws?hold=1" } else { "/ws" };
        format!(
            "GET {path} HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {token}\r\n\
             Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             Sec-WebSocket-Protocol: parlour.v1\r\n\r\n"
        )
        .into_bytes()
    }

    /// A text as a frame.
    pub(super) fn frame(&mut self, text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        let message = Message::Text(text);
        self.session
            .send(message, &mut self.deflate, &mut self.chance, &mut out);
        out
    }

    /// What bytes from the server mean; what is to be answered at once is appended to `out`.
    pub(super) fn hear(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Vec<News> {
        let mut news = Vec::new();
        let mut bytes = bytes.to_vec();
        if let Some(head) = &mut self.head {
            head.extend_from_slice(&bytes);
            let Some(end) = head.windows(4).position(|it| it == b"\r\n\r\n") else {
                return news;
            };
            let status = String::from_utf8_lossy(&head[9..12]).parse();
            let status = status.expect("an answer has a status");
            if status != 101 {
                news.push(News::Status(status));
                head.clear();
                return news;
            }
            bytes = head.split_off(end + 4);
            self.head = None;
            news.push(News::Opened);
        }
        let mut at = 0;
        while at < bytes.len() {
            let step = self.session.decode(
                &mut bytes[at..],
                &Limits::default(),
                &mut self.deflate,
                &mut self.chance,
                out,
            );
            let (used, event) = match step {
                Step::Event { used, event } => (used, event),
                Step::More => break,
                Step::Broken(fault) => panic!("the server breaks a rule: {fault}"),
            };
            at += used;
            match event {
                Event::Text(text) => news.push(News::Text(text.into_owned())),
                Event::Closed { code, .. } => {
                    news.push(News::Closed(code));
                    break;
                }
                _ => {}
            }
        }
        news
    }
}
