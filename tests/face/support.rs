//! # Support: a server, browsers in front of it, and what is on a page

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::people::{Answer, Browser};
use crate::strict::Server;

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse";

/// A running `parlour` with data of its own.
pub(crate) struct Place {
    server: Server,
    _data: TempDir,
}

impl Place {
    /// Where nobody has an account yet.
    pub(crate) fn empty() -> Self {
        Self::with(&[])
    }

    /// The same with more arguments.
    pub(crate) fn with(arguments: &[&str]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut all = vec!["--data", data.path().to_str().unwrap()];
        all.extend(arguments);
        Self {
            server: Server::start(&all),
            _data: data,
        }
    }

    /// After the first run: Ana is the admin and in the room `general`.
    pub(crate) fn begun() -> (Self, Browser) {
        let place = Self::empty();
        let mut ana = place.browser();
        begin(&mut ana).expect(303);
        (place, ana)
    }

    /// A new browser.
    pub(crate) fn browser(&self) -> Browser {
        Browser::at(self.server.address())
    }

    /// Somebody new who came in by an invitation of Ana's into `general`.
    pub(crate) fn friend(&self, ana: &mut Browser, name: &str) -> Browser {
        let link = invitation(ana, "general");
        let mut browser = self.browser();
        let form = [("name", name), ("password", PASSWORD)];
        browser.post(&link, &form).expect(303);
        browser
    }
}

/// The first run.
pub(crate) fn begin(browser: &mut Browser) -> Answer {
    let form = [
        ("name", "Ana"),
        ("password", PASSWORD),
        ("server", "Quilt & Co"),
        ("room", "general"),
        ("sign_up", "invite"),
    ];
    browser.post("/first", &form)
}

/// The path of a new invitation into a room.
pub(crate) fn invitation(ana: &mut Browser, room: &str) -> String {
    let made = ana.send("POST", "/api/v1/invites", &json!({ "room": room }));
    let made = made.expect(201).json();
    made["link"].as_str().unwrap().to_owned()
}

/// Says something by way of the API.
pub(crate) fn say(who: &mut Browser, room: &str, text: &str) -> Value {
    let path = format!("/api/v1/rooms/{room}/messages");
    who.send("POST", &path, &json!({ "text": text }))
        .expect(201)
        .json()
}

/// Changes the settings.
pub(crate) fn set(ana: &mut Browser, settings: &Value) {
    ana.send("PATCH", "/api/v1/settings", settings).expect(200);
}

/// Everything between two texts, wherever it stands on a page.
pub(crate) fn between<'p>(page: &'p str, from: &str, to: &str) -> Vec<&'p str> {
    let pieces = page.split(from).skip(1);
    pieces
        .map(|piece| piece.split(to).next().unwrap())
        .collect()
}

/// What is wrong with a field, as the page says it beside it.
#[track_caller]
pub(crate) fn wrong(answer: &Answer, field: &str) -> String {
    let page = answer.text();
    let about = format!("<p class=\"wrong\" id=\"{field}-about\" dir=\"auto\">");
    let found = between(page, &about, "</p>");
    assert_eq!(found.len(), 1, "{field}: {page}");
    let input = between(page, &format!("id=\"{field}\""), ">");
    assert!(input[0].contains("aria-invalid=\"true\""), "{}", input[0]);
    found[0].to_owned()
}

/// Whoever asked is not signed in, and may do so.
#[track_caller]
pub(crate) fn is_the_door(answer: &Answer) {
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, 200, "{text}");
    assert!(text.contains("action=\"/sign-in\""), "{text}");
}

/// Where an answer leads.
#[track_caller]
pub(crate) fn leads_to(answer: &Answer, to: &str) {
    let text = String::from_utf8_lossy(&answer.body);
    assert_eq!(answer.status, 303, "{text}");
    assert_eq!(answer.field("location"), Some(to));
}
