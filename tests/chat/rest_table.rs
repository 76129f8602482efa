//! # The table of REST operations, row by row
//!
//! What holds for each operation alike, taken from `/openapi.json`, so that a new one is a row as well:
//! nobody is told to sign in, a body of another kind and one that is no JSON are refused as such, and
//! who may not is refused. Who may not stands in a table: an operation that is about others and is in
//! neither list fails the test.

use serde_json::{Value, json};

use crate::support::{Parlour, Person};

/// An operation, with a path that leads to something of Ana's.
struct Operation {
    method: String,
    pattern: String,
    path: String,
    is_open: bool,
    takes_json: bool,
}

fn operations(parlour: &Parlour) -> Vec<Operation> {
    let document = parlour.nobody().get("/openapi.json").expect(200);
    let mut all = Vec::new();
    for (pattern, operations) in document["paths"].as_object().unwrap() {
        for (method, it) in operations.as_object().unwrap() {
            let body = &it["requestBody"]["content"];
            all.push(Operation {
                method: method.to_uppercase(),
                pattern: pattern.clone(),
                path: filled(pattern),
                is_open: it["security"].as_array().is_some_and(Vec::is_empty),
                takes_json: body.get("application/json").is_some(),
            });
        }
    }
    all
}

/// A path to something that is there: the first of each kind is Ana's.
fn filled(pattern: &str) -> String {
    let named = pattern
        .replace("/rooms/{room}", "/rooms/den")
        .replace("/members/{user}", "/members/bo")
        .replace("/bans/{user}", "/bans/bo")
        .replace("/users/{name}", "/users/bo")
        .replace("{emoji}", "%F0%9F%91%8D")
        .replace("{secret}", "ph_nothing")
        .replace("{name}", "a.txt");
    ["{seq}", "{id}", "{number}"]
        .iter()
        .fold(named, |path, name| path.replace(name, "1"))
}

/// What is about oneself, or for everybody who is signed in.
const OWN: &[&str] = &[
    "POST /dms",
    "GET /events",
    "GET /invites",
    "POST /invites",
    "GET /me",
    "PATCH /me",
    "PUT /me/password",
    "PUT /me/presence",
    "GET /notifications",
    "POST /notifications",
    "GET /rooms",
    "POST /rooms",
    "GET /tokens",
    "DELETE /tokens",
    "DELETE /tokens/current",
    "POST /uploads",
    "GET /users",
    "GET /users/{name}",
    "GET /search",
    "GET /commands",
    "GET /webhooks",
    "GET /docs/search",
];

/// A body that is right but for who sends it.
fn body(operation: &Operation) -> Value {
    match (operation.method.as_str(), operation.pattern.as_str()) {
        ("PATCH", "/settings") => json!({"sign_up": "open"}),
        ("PATCH", "/users/{name}") => json!({"role": "admin"}),
        ("POST", "/users/{name}/tokens") => json!({"label": "x"}),
        ("PATCH", "/rooms/{room}") => json!({"topic": "x"}),
        ("PUT", "/rooms/{room}/level") => json!({"level": "nothing"}),
        ("PUT", "/rooms/{room}/read") => json!({"seq": 1}),
        ("POST" | "PATCH", path) if path.contains("/messages") => json!({"text": "x"}),
        ("POST", "/webhooks") => json!({"direction": "incoming", "name": "x", "room": "den"}),
        ("PATCH", "/webhooks/{id}") => json!({"paused": true}),
        ("POST", "/docs") => json!({"title": "x", "text": "y", "source": "z"}),
        _ => json!({}),
    }
}

/// Ana, who is the admin, with one of everything; Bo, who is in her room; Cy, who is nowhere.
fn town(parlour: &Parlour) -> (Person, Person) {
    let (ana, _bo) = (parlour.sign_up("ana"), parlour.sign_up("bo"));
    let cy = parlour.sign_up("cy");
    ana.post("/rooms", json!({"room": "den", "kind": "private"}))
        .expect(201);
    ana.put("/rooms/den/members/bo", json!({})).expect(204);
    ana.post("/rooms/den/messages", json!({"text": "hi"}))
        .expect(201);
    ana.post("/invites", json!({})).expect(201);
    ana.post("/notifications", json!({"to": "ana", "text": "x"}))
        .expect(201);
    // Nobody is mentioned, so nothing is sent.
    let hook = json!({"direction": "outgoing", "name": "x", "room": "den",
                      "url": "https://example.org/", "events": ["mention"]});
    ana.post("/webhooks", hook).expect(201);
    (ana, cy)
}

const JSON: (&str, &str) = ("Content-Type", "application/json");

#[test]
fn nobody_is_told_to_sign_in() {
    let parlour = Parlour::start();
    let _ = town(&parlour);
    for it in operations(&parlour).iter().filter(|it| !it.is_open) {
        let body = body(it).to_string();
        let answer = parlour
            .nobody()
            .ask(&it.method, &it.path, &[JSON], body.as_bytes());
        answer.refuses(401, "unauthenticated");
    }
}

#[test]
fn a_body_that_is_no_json_is_refused_as_such() {
    let parlour = Parlour::start();
    let (ana, _) = town(&parlour);
    for it in operations(&parlour).iter().filter(|it| it.takes_json) {
        let ask = |media, body: &str| {
            let fields = [("Content-Type", media)];
            ana.ask(&it.method, &it.path, &fields, body.as_bytes())
        };
        ask("text/plain", "{}").refuses(415, "not_supported");
        ask("application/json", "{\"a\":").refuses(400, "bad_json");
        ask("application/json", "[]").refuses(400, "bad_json");
    }
}

#[test]
fn who_may_not_is_refused() {
    let parlour = Parlour::start();
    let (_, cy) = town(&parlour);
    let mut rows = 0;
    for it in operations(&parlour) {
        let name = format!("{} {}", it.method, it.pattern);
        if it.is_open || OWN.contains(&name.as_str()) {
            continue;
        }
        let answer = cy.ask(
            &it.method,
            &it.path,
            &[JSON],
            body(&it).to_string().as_bytes(),
        );
        let status = answer.response.status;
        assert!(
            matches!(status, 403 | 404),
            "{name}: {status}, {}",
            answer.response.text()
        );
        rows += 1;
    }
    assert!(rows > 30, "{rows} operations are about others");
}
