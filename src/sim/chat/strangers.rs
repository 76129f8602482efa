//! # Requests from afar, and of a server that has less
//!
//! What a test on one machine cannot show: who asks from another machine is counted by address, and a
//! server inside another product may keep no files and no documents and send nothing.

use std::rc::Rc;

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::tests::store_from_outside;
use crate::chat::{self, Operation, Role, Title, UserName};
use crate::ground::time::{Instant, Now};
use crate::reactor::{Engine, Peer};
use crate::site::{self, Choices, Hall};
use crate::store::{Database, Hand};
use crate::web::Service;

/// Some day in 2026.
const UNIX_MS: u64 = 1_780_000_000_000;

/// An address that is nobody's.
const AFAR: [u8; 4] = [192, 0, 2, 1];

/// A server that keeps its database and nothing else.
struct World {
    engine: Engine<Service<Hall>>,
    database: Database,
    hand: Hand,
}

impl World {
    fn new() -> Self {
        let (database, hand) = chat::open_by_hand("e", 1).unwrap();
        let log = Rc::new(database.clone());
        let hall = Hall::with_log(database.clone(), log, 1).unwrap();
        let app = site::app(hall, Choices::default());
        let (service, settings) = app.put_together(None).unwrap();
        let mut world = Self {
            engine: Engine::new(service, settings, 1),
            database,
            hand,
        };
        world.engine.begin(Now {
            instant: Instant(1000),
            unix_ms: UNIX_MS,
        });
        world.engine.start();
        world
    }

    fn store(&self, operation: Operation) {
        store_from_outside(&self.database, &self.hand, UNIX_MS, None, operation);
    }

    /// Asks, on a connection of its own, and gives the status and the error's code.
    fn ask(&mut self, from: [u8; 4], request: &str, body: &str) -> (u16, String) {
        let id = self.engine.accepted(Peer::V4(from, 4000)).unwrap();
        let length = body.len();
        let head = format!(
            "{request} HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer pt_ana\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n"
        );
        self.engine
            .received(id, &mut [head.as_bytes(), body.as_bytes()].concat());
        let mut said = Vec::new();
        for _ in 0..100 {
            self.engine.go_on();
            if self.hand.group() {
                self.engine.woken();
            }
            self.engine.flush(|_, slices| {
                said.extend(slices.iter().flat_map(|it| it.iter().copied()));
                Ok(slices.iter().map(|it| it.len()).sum())
            });
        }
        let text = String::from_utf8(said).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").expect("an answer");
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let body: Value = serde_json::from_str(body).unwrap_or_default();
        let code = body["error"]["code"].as_str().unwrap_or_default();
        (status, code.to_owned())
    }
}

#[test]
fn who_guesses_from_one_address_guesses_nothing_else_from_there() {
    let mut world = World::new();
    let guess = "POST /hooks/ph_nothing";
    for _ in 0..100 {
        assert_eq!(world.ask(AFAR, guess, "").0, 404);
    }
    let too_many = (429, "too_many".to_owned());
    assert_eq!(world.ask(AFAR, guess, ""), too_many);
    for (request, body) in [
        (
            "POST /api/v1/resets",
            r#"{"secret": "x", "password": "long enough"}"#,
        ),
        (
            "POST /api/v1/users",
            r#"{"name": "bo", "password": "long enough", "invite": "x"}"#,
        ),
        (
            "POST /api/v1/tokens",
            r#"{"name": "bo", "password": "long enough"}"#,
        ),
    ] {
        assert_eq!(world.ask(AFAR, request, body), too_many, "{request}");
    }
    // Somebody else's guesses are their own.
    assert_eq!(world.ask([192, 0, 2, 2], guess, "").0, 404);
}

#[test]
fn a_server_without_files_documents_and_courier_says_so() {
    let mut world = World::new();
    world.store(Operation::AddUser {
        name: UserName::trusted("ana"),
        display_name: Title::trusted("Ana"),
        email: None,
        password: None,
        role: Role::Admin,
    });
    world.store(Operation::CreateToken {
        scopes: None,
        user: UserName::trusted("ana"),
        hash: Sha256::digest(b"pt_ana").into(),
        name: Title::trusted("device"),
        password: None,
        expires_at: None,
    });
    let room = world.ask(AFAR, "POST /api/v1/rooms", r#"{"room": "den"}"#);
    assert_eq!(room.0, 201);
    let hook = r#"{"direction": "outgoing", "name": "x", "room": "den",
                   "url": "https://example.org/", "events": ["mention"]}"#;
    for (request, body) in [
        ("POST /api/v1/uploads?name=a.txt", "x"),
        ("GET /api/v1/docs", ""),
        ("POST /api/v1/docs", r#"{"source": "a", "text": "b"}"#),
        ("GET /api/v1/docs/search?q=x", ""),
        ("DELETE /api/v1/docs/1", ""),
        ("POST /api/v1/webhooks", hook),
    ] {
        let answer = world.ask(AFAR, request, body);
        assert_eq!(answer, (501, "not_supported".to_owned()), "{request}");
    }
}
