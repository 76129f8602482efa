//! Incoming hooks: programs that say something in a room.

use serde_json::json;

use crate::strict::Dialogue;
use crate::support::{Parlour, Person};

const JSON: &[(&str, &str)] = &[("Content-Type", "application/json")];

/// A hook into a room of its maker's; the path to send to, and its number.
fn hook(person: &Person, room: &str) -> (String, u64) {
    let made = person
        .post(
            "/webhooks",
            json!({"direction": "incoming", "name": "Builds", "room": room}),
        )
        .expect(201);
    let path = made["path"].as_str().unwrap().to_owned();
    (path, made["webhook"]["id"].as_u64().unwrap())
}

fn room(person: &Person, name: &str) {
    person.post("/rooms", json!({"room": name})).expect(201);
}

fn texts(person: &Person, room: &str) -> Vec<(String, String)> {
    let page = person.get(&format!("/rooms/{room}/messages")).expect(200);
    let messages = page["messages"].as_array().unwrap().iter();
    messages
        .map(|it| {
            let text = |name: &str| it[name].as_str().unwrap().to_owned();
            (text("display_name"), text("text"))
        })
        .collect()
}

#[test]
fn what_a_program_sends_is_said_by_the_hooks_bot() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    room(&ana, "den");
    let (path, id) = hook(&ana, "den");
    let nobody = parlour.nobody();
    let mut line = ana.line();
    let sent = nobody.ask("POST", &path, JSON, br#"{"text":"built <https://a.b|#7>"}"#);
    assert_eq!(
        (sent.response.status, sent.response.text()),
        (200, "ok".into())
    );
    let heard = line.event("message");
    assert_eq!(heard["text"], "built [#7](https://a.b)");
    assert_eq!(heard["from"], "hook-1");
    let form = &[("Content-Type", "application/x-www-form-urlencoded")];
    let body = b"payload=%7B%22text%22%3A%22two%22%2C%22username%22%3A%22ci%22%7D";
    assert_eq!(nobody.ask("POST", &path, form, body).response.status, 200);
    assert_eq!(
        nobody.ask("POST", &path, &[], b"three").response.status,
        200
    );
    let expected = ["built [#7](https://a.b)", "**ci**: two", "three"];
    let expected = expected.map(|text| ("Builds".to_owned(), text.to_owned()));
    assert_eq!(texts(&ana, "den"), expected);
    // The same at the root, which is what is handed out.
    let mut dialogue = Dialogue::open(parlour.address());
    dialogue.send(format!(
        "POST {path} HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nfour"
    ));
    assert_eq!(dialogue.response().status, 200);
    assert_eq!(texts(&ana, "den").len(), 4);
    let listed = ana.get("/webhooks").expect(200);
    assert_eq!(listed["webhooks"][0]["id"], id);
    assert_eq!(listed["webhooks"][0]["bot"], "hook-1");
    assert!(!listed.to_string().contains("ph_"), "{listed}");
}

#[test]
fn a_key_is_used_once_also_after_a_kill() {
    let mut parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    room(&ana, "den");
    let (path, _) = hook(&ana, "den");
    let key = &[
        ("Content-Type", "text/plain"),
        ("Idempotency-Key", "\"k1\""),
    ];
    let send = |parlour: &Parlour, body: &[u8]| parlour.nobody().ask("POST", &path, key, body);
    assert_eq!(send(&parlour, b"once").response.status, 200);
    assert_eq!(send(&parlour, b"once").response.status, 200);
    parlour.kill();
    parlour.begin();
    assert_eq!(send(&parlour, b"once").response.status, 200);
    send(&parlour, b"another").refuses(409, "key_reused");
    let ana = parlour.with_token("ana", ana.token.as_deref().unwrap());
    assert_eq!(texts(&ana, "den").len(), 1);
}

#[test]
fn what_is_wrong_is_told() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    room(&ana, "den");
    let (path, id) = hook(&ana, "den");
    let nobody = parlour.nobody();
    nobody
        .ask("POST", "/hooks/ph_x", JSON, br#"{"text":"a"}"#)
        .refuses(404, "not_found");
    nobody
        .ask("POST", &path, JSON, b"{")
        .refuses(400, "bad_json");
    nobody.ask("POST", &path, JSON, b"{}").refuses_field("text");
    let png = &[("Content-Type", "image/png")];
    nobody
        .ask("POST", &path, png, b"x")
        .refuses(415, "not_supported");
    let long = "a".repeat(8001);
    nobody
        .ask("POST", &path, &[], long.as_bytes())
        .refuses(413, "too_long");
    let rest = format!("/webhooks/{id}");
    ana.patch(&rest, json!({"paused": true})).expect(200);
    nobody
        .ask("POST", &path, &[], b"x")
        .refuses(403, "forbidden");
    ana.patch(&rest, json!({"paused": false})).expect(200);
    assert_eq!(nobody.ask("POST", &path, &[], b"x").response.status, 200);
    ana.patch("/rooms/den", json!({"archived": true}))
        .expect(200);
    nobody
        .ask("POST", &path, &[], b"x")
        .refuses(403, "forbidden");
    ana.patch("/rooms/den", json!({"archived": false}))
        .expect(200);
    // Whoever removes the bot has ended it.
    ana.delete("/rooms/den/members/hook-1").expect(204);
    nobody
        .ask("POST", &path, &[], b"x")
        .refuses(403, "not_a_member");
    ana.delete(&rest).expect(204);
    ana.get(&rest).refuses(404, "not_found");
    nobody
        .ask("POST", &path, &[], b"x")
        .refuses(404, "not_found");
    assert_eq!(ana.get("/users/hook-1").expect(200)["disabled"], true);
}

#[test]
fn a_hook_takes_so_much_and_no_more() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    room(&ana, "den");
    let (path, _) = hook(&ana, "den");
    let nobody = parlour.nobody();
    let refused = (0..200)
        .map(|_| nobody.ask("POST", &path, &[], b"x"))
        .find(|answer| answer.response.status != 200)
        .expect("it has an end");
    refused.refuses(429, "too_many");
    assert!(refused.response.field("Retry-After").is_some());
}

#[test]
fn owners_of_a_room_and_admins_connect_programs_to_it() {
    let parlour = Parlour::start();
    let root = parlour.sign_up("root");
    let [ana, bo] = ["ana", "bo"].map(|name| parlour.sign_up(name));
    room(&ana, "den");
    bo.put("/rooms/den/members/me", json!({})).expect(200);
    let wanted = json!({"direction": "incoming", "name": "x", "room": "den"});
    bo.post("/webhooks", wanted.clone())
        .refuses(403, "forbidden");
    root.post("/webhooks", wanted).expect(201);
    let (path, id) = hook(&ana, "den");
    assert_eq!(bo.get("/webhooks").expect(200)["webhooks"], json!([]));
    for person in [&root, &ana] {
        let listed = person.get("/webhooks").expect(200);
        assert_eq!(listed["webhooks"].as_array().unwrap().len(), 2);
    }
    let rest = format!("/webhooks/{id}");
    bo.get(&rest).refuses(404, "not_found");
    bo.patch(&rest, json!({"paused": true}))
        .refuses(404, "not_found");
    bo.delete(&rest).refuses(404, "not_found");
    ana.post("/webhooks", json!({"direction": "incoming", "name": "x"}))
        .refuses_field("room");
    ana.post("/webhooks", json!({"direction": "up", "name": "x"}))
        .refuses_field("direction");
    // Who is shown the door has left none open.
    root.patch("/users/ana", json!({"disabled": true}))
        .expect(200);
    parlour
        .nobody()
        .ask("POST", &path, &[], b"x")
        .refuses(403, "forbidden");
    // A room goes with its hooks.
    root.delete("/rooms/den").expect(204);
    assert_eq!(root.get("/webhooks").expect(200)["webhooks"], json!([]));
}
