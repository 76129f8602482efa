//! # Handshake: who comes, and on what terms
//!
//! JSON both ways. What is unknown in a request is passed over; `user` is the app's.

use serde_json::{Map, Value, json};

use super::Dictionary;
use super::text::mended;

/// The code of a handshake that went well.
pub const OK: u16 = 200;
/// The code for who may not come in.
pub const REFUSED: u16 = 500;
/// The code for a client that does not suit.
pub const UNSUITABLE: u16 = 501;

/// What a client says of itself.
///
/// ```
/// use parlour::nano::handshake::Hello;
///
/// let body = br#"{"sys":{"type":"js-websocket","version":"1.1.1"},"user":{"token":"t"}}"#;
/// let hello = Hello::read(body).expect("this is JSON");
/// assert_eq!(hello.client(), Some("js-websocket"));
/// assert_eq!(hello.user("token").and_then(|it| it.as_str()), Some("t"));
/// assert!(Hello::read(b"hello").is_none());
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Hello {
    /// What the client's library says of itself.
    pub sys: Map<String, Value>,
    /// What the app's client says.
    pub user: Map<String, Value>,
}

impl Hello {
    /// What is in the body of a handshake; nothing if it is no JSON object.
    pub fn read(body: &[u8]) -> Option<Self> {
        let mut all: Map<String, Value> = serde_json::from_slice(&mended(body)).ok()?;
        let mut part = |name| match all.remove(name) {
            Some(Value::Object(part)) => part,
            _ => Map::new(),
        };
        Some(Self {
            sys: part("sys"),
            user: part("user"),
        })
    }

    /// The kind of client, as `js-websocket`.
    pub fn client(&self) -> Option<&str> {
        self.sys.get("type")?.as_str()
    }

    /// The version of the client.
    pub fn version(&self) -> Option<&str> {
        self.sys.get("version")?.as_str()
    }

    /// Something that the app's client says.
    pub fn user(&self, name: &str) -> Option<&Value> {
        self.user.get(name)
    }
}

/// What a client that may come in is told.
pub fn welcome(
    heartbeat_s: u64,
    servertime_s: u64,
    dictionary: &Dictionary,
    user: &Map<String, Value>,
) -> String {
    let mut sys = Map::new();
    if heartbeat_s > 0 {
        sys.insert("heartbeat".to_owned(), json!(heartbeat_s));
    }
    sys.insert("servertime".to_owned(), json!(servertime_s));
    if !dictionary.is_empty() {
        let codes = dictionary.entries();
        let codes = codes.map(|(route, code)| (route.to_owned(), json!(code)));
        sys.insert("dict".to_owned(), Value::Object(codes.collect()));
    }
    json!({ "code": OK, "sys": sys, "user": user }).to_string()
}

/// What a client that may not come in is told.
pub fn refusal(code: u16, reason: &str) -> String {
    json!({ "code": code, "message": reason }).to_string()
}
