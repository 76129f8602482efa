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
    takes_body: bool,
    takes_json: bool,
    /// Names in the query, with their types.
    asks: Vec<(String, String)>,
    /// Each status with its codes.
    refuses: Vec<(u16, String)>,
}

impl Operation {
    fn name(&self) -> String {
        format!("{} {}", self.method, self.pattern)
    }

    /// The path once for each of its parts, with something else there.
    fn with_each_as(&self, other: impl Fn(&str) -> &'static str) -> Vec<(String, String)> {
        let each = self.pattern.split(['{', '}']).skip(1).step_by(2);
        each.map(|name| {
            let part = format!("{{{name}}}");
            (
                name.to_owned(),
                filled(&self.pattern.replace(&part, other(name))),
            )
        })
        .collect()
    }

    fn may_refuse(&self, status: u16, code: &str) -> bool {
        let mut all = self.refuses.iter();
        all.any(|(its, name)| *its == status && name == code)
    }
}

fn operations(parlour: &Parlour) -> Vec<Operation> {
    let document = parlour.nobody().get("/openapi.json").expect(200);
    let mut all = Vec::new();
    for (pattern, operations) in document["paths"].as_object().unwrap() {
        for (method, it) in operations.as_object().unwrap() {
            let body = &it["requestBody"]["content"];
            let mut refuses = Vec::new();
            for (status, answer) in it["responses"].as_object().unwrap() {
                for code in answer["x-codes"].as_array().into_iter().flatten() {
                    let code = code.as_str().unwrap().to_owned();
                    refuses.push((status.parse().unwrap(), code));
                }
            }
            all.push(Operation {
                method: method.to_uppercase(),
                pattern: pattern.clone(),
                path: filled(pattern),
                is_open: it["security"].as_array().is_some_and(Vec::is_empty),
                takes_body: body.is_object(),
                asks: asks(it),
                takes_json: body.get("application/json").is_some(),
                refuses,
            });
        }
    }
    all
}

fn asks(operation: &Value) -> Vec<(String, String)> {
    let parameters = operation["parameters"].as_array().unwrap();
    let asked = parameters.iter().filter(|it| it["in"] == "query");
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    asked
        .map(|it| (text(&it["name"]), text(&it["schema"]["type"])))
        .collect()
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
        ("POST", "/dms") => json!({"user": "bo"}),
        ("POST", "/rooms") => json!({"room": "new"}),
        ("POST", "/notifications") => json!({"to": "bo", "text": "x"}),
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
    ana.post("/rooms", json!({"room": "square"})).expect(201);
    ana.post("/rooms/square/messages", json!({"text": "hi"}))
        .expect(201);
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
        let name = it.name();
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

/// What any token is good for.
const ANY_TOKEN: &[&str] = &["GET /me", "DELETE /tokens/current"];

#[test]
fn who_sees_a_room_from_outside_is_told_to_join() {
    let parlour = Parlour::start();
    let (_, cy) = town(&parlour);
    let mut rows = 0;
    for it in operations(&parlour) {
        if !it.may_refuse(403, "not_a_member") || !it.pattern.starts_with("/rooms/") {
            continue;
        }
        let path = it.path.replace("/den", "/square");
        // Somebody is brought in, and one leaves oneself.
        let path = match it.method.as_str() {
            "DELETE" => path.replace("members/bo", "members/me"),
            _ => path.replace("members/bo", "members/ana"),
        };
        let answer = cy.ask(&it.method, &path, &[JSON], body(&it).to_string().as_bytes());
        answer.refuses(403, "not_a_member");
        rows += 1;
    }
    assert!(rows > 10, "{rows} operations in rooms");
}

#[test]
fn a_room_that_is_asked_about_is_there_and_ones_own() {
    let parlour = Parlour::start();
    let (ana, cy) = town(&parlour);
    let mut rows = 0;
    for it in operations(&parlour) {
        let named = it.asks.iter().find(|(name, _)| name == "room");
        let Some((name, _)) = named else {
            continue;
        };
        let ask = |person: &Person, room| {
            let asked = format!("{}?{name}={room}&query=x&q=x", it.path);
            let (fields, body) = match it.method.as_str() {
                "POST" => (vec![JSON], body(&it).to_string()),
                _ => (vec![], String::new()),
            };
            person.ask(&it.method, &asked, &fields, body.as_bytes())
        };
        ask(&ana, "zed").refuses(404, "not_found");
        ask(&cy, "den").refuses(404, "not_found");
        ask(&cy, "square").refuses(403, "not_a_member");
        rows += 1;
    }
    assert!(rows > 4, "{rows} operations ask for rooms");
}

#[test]
fn a_token_that_is_good_for_something_else_is_refused() {
    let parlour = Parlour::start();
    let (ana, _) = town(&parlour);
    let with = |scopes: &[&str]| {
        let wish = json!({"label": "x", "scopes": scopes});
        let made = ana.post("/users/ana/tokens", wish).expect(201);
        parlour.with_token("ana", made["token"].as_str().unwrap())
    };
    let (reads, writes) = (with(&["read"]), with(&["write"]));
    let elsewhere = with(&["read", "write", "room:elsewhere"]);
    for it in operations(&parlour).iter().filter(|it| !it.is_open) {
        let name = it.name();
        if ANY_TOKEN.contains(&&*name) {
            continue;
        }
        let body = body(it).to_string();
        let ask = |person: &Person| person.ask(&it.method, &it.path, &[JSON], body.as_bytes());
        // How one is seen is for whoever listens.
        let takes_read = it.method == "GET" || it.pattern == "/me/presence";
        let other = if takes_read { &writes } else { &reads };
        ask(other).refuses(403, "forbidden");
        if !OWN.contains(&&*name) {
            ask(&elsewhere).refuses(403, "forbidden");
        }
    }
}

#[test]
fn a_body_that_is_too_long_is_refused_before_it_is_read() {
    let parlour = Parlour::start();
    let (ana, _) = town(&parlour);
    let long = [JSON, ("Transfer-Encoding", "chunked")];
    let spaces = vec![b' '; 0x20_0000];
    let chunk = [b"200000\r\n".as_slice(), &spaces, b"\r\n0\r\n\r\n"].concat();
    for it in operations(&parlour) {
        // Files have limits of their own.
        if it.takes_json || !it.takes_body {
            let answer = ana.ask(&it.method, &it.path, &long, &chunk);
            answer.refuses(413, "too_long");
        }
    }
}

/// What is called by any text there is.
const ANY_TEXT: &[&str] = &["/tokens/{id}", "/uploads/{id}/{name}"];

#[test]
fn what_is_nothing_in_a_path_is_refused() {
    let parlour = Parlour::start();
    let (ana, _) = town(&parlour);
    let mut rows = 0;
    for it in operations(&parlour) {
        for (name, path) in it.with_each_as(|name| match name {
            "emoji" => "thumbs%20up%20",
            "room" | "user" | "name" => "a%20b",
            _ => "x1",
        }) {
            if it.is_open || ANY_TEXT.contains(&&*it.pattern) {
                continue;
            }
            let answer = ana.ask(&it.method, &path, &[JSON], body(&it).to_string().as_bytes());
            answer.refuses_field(&name);
            rows += 1;
        }
    }
    assert!(rows > 30, "{rows} parts of paths");
}

#[test]
fn what_is_not_there_is_not_found() {
    let parlour = Parlour::start();
    let (ana, _) = town(&parlour);
    let mut rows = 0;
    for it in operations(&parlour) {
        for (name, path) in it.with_each_as(|name| match name {
            "room" | "user" | "name" => "zed",
            "emoji" => "%F0%9F%91%8D",
            _ => "999",
        }) {
            // A reaction that nobody gave is taken back as well as another.
            if it.is_open || name == "emoji" || it.pattern.starts_with("/uploads") {
                continue;
            }
            let answer = ana.ask(&it.method, &path, &[JSON], body(&it).to_string().as_bytes());
            answer.refuses(404, "not_found");
            rows += 1;
        }
    }
    assert!(rows > 30, "{rows} parts of paths");
}

#[test]
fn what_is_nothing_in_a_query_is_refused() {
    let parlour = Parlour::start();
    let (ana, _) = town(&parlour);
    let mut rows = 0;
    for it in operations(&parlour) {
        for (name, kind) in &it.asks {
            let wrong = match (kind.as_str(), name.as_str()) {
                ("integer", _) => "x",
                ("boolean", _) => "perhaps",
                (_, "room" | "rooms") => "a%20b",
                // Any other text is one.
                _ => continue,
            };
            let path = format!("{}?{name}={wrong}", it.path);
            let path = match &*it.pattern {
                "/search" => format!("{path}&query=x"),
                "/docs/search" => format!("{path}&q=x"),
                _ => path,
            };
            let body = match it.method.as_str() {
                "GET" | "DELETE" => String::new(),
                _ => body(&it).to_string(),
            };
            let answer = ana.ask(&it.method, &path, &[JSON], body.as_bytes());
            answer.refuses_field(name);
            rows += 1;
        }
    }
    assert!(rows > 20, "{rows} names in queries");
}

#[test]
fn a_key_that_is_none_is_refused() {
    let parlour = Parlour::start();
    let (ana, _) = town(&parlour);
    let mut rows = 0;
    for it in operations(&parlour) {
        if it.is_open || !it.may_refuse(409, "key_reused") {
            continue;
        }
        let key = [JSON, ("Idempotency-Key", "\"\"")];
        let answer = ana.ask(&it.method, &it.path, &key, body(&it).to_string().as_bytes());
        answer.refuses_field("Idempotency-Key");
        rows += 1;
    }
    assert!(rows > 15, "{rows} operations have keys");
}

#[test]
fn a_key_that_meant_something_else_is_refused() {
    let parlour = Parlour::start();
    let (ana, _) = town(&parlour);
    let key = [JSON, ("Idempotency-Key", "\"k\"")];
    let said = ana.ask(
        "POST",
        "/rooms/den/messages",
        &key,
        b"{\"text\": \"first\"}",
    );
    said.expect(201);
    let mut rows = 0;
    for it in operations(&parlour) {
        if it.is_open || !it.may_refuse(409, "key_reused") {
            continue;
        }
        let body = body(&it).to_string();
        let answer = ana.ask(&it.method, &it.path, &key, body.as_bytes());
        answer.refuses(409, "key_reused");
        rows += 1;
    }
    assert!(rows > 15, "{rows} operations have keys");
}
