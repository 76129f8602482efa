//! # Limits of REST: each `too_many`, and what else is rare
//!
//! What nobody has more of than a number, and what nobody tries more often. The rows that hold for
//! each operation alike are in [`rest_table`](crate::rest_table).

use serde_json::json;

use crate::support::{PASSWORD, Parlour, Person};

/// Says many things on one line, some at a time: in a commit each.
fn many(person: &Person, commands: &[serde_json::Value]) {
    let mut line = person.line();
    for some in commands.chunks(50) {
        for command in some {
            line.say(command);
        }
        for command in some {
            let answer = line.find("an answer", |it| it["re"] == command["id"]);
            assert!(answer["error"].is_null(), "{answer}");
        }
    }
    line.hang_up();
}

#[test]
fn a_password_is_not_guessed_by_changing_it() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let change = |old| {
        let body = json!({"old": old, "new": "another long one"});
        ana.put("/me/password", body)
    };
    for _ in 0..10 {
        change("a wrong one").refuses_field("old");
    }
    change(PASSWORD).refuses(429, "too_many");
    // Who is in goes on.
    ana.get("/me").expect(200);
}

#[test]
fn nobody_is_in_too_many_rooms() {
    let parlour = Parlour::start();
    let (ana, bo) = (parlour.sign_up("ana"), parlour.sign_up("bo"));
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    let rooms =
        (0..1000).map(|it| json!({"id": it, "do": "create_room", "room": format!("r{it}")}));
    many(&bo, &rooms.collect::<Vec<_>>());
    bo.post("/rooms", json!({"room": "one-more"}))
        .refuses(429, "too_many");
    bo.post("/dms", json!({"user": "ana"}))
        .refuses(429, "too_many");
    bo.put("/rooms/den/members/me", json!({}))
        .refuses(429, "too_many");
    ana.put("/rooms/den/members/bo", json!({}))
        .refuses(429, "too_many");
    ana.post("/rooms/den/messages", json!({"text": "/invite @bo"}))
        .refuses(429, "too_many");
    bo.delete("/rooms/r7/members/me").expect(204);
    bo.put("/rooms/den/members/me", json!({})).expect(200);
}

#[test]
fn nobody_has_too_many_codes_hooks_and_files() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    let hook = json!({"direction": "incoming", "name": "x", "room": "den"});
    for _ in 0..100 {
        ana.post("/invites", json!({})).expect(201);
        ana.post("/webhooks", hook.clone()).expect(201);
    }
    ana.post("/invites", json!({})).refuses(429, "too_many");
    ana.post("/webhooks", hook).refuses(429, "too_many");
    let upload = || {
        let media = [("Content-Type", "text/plain")];
        ana.ask("POST", "/uploads?name=a.txt", &media, b"x")
    };
    for _ in 0..1000 {
        upload().expect(201);
    }
    upload().refuses(429, "too_many");
}

#[test]
fn a_hook_is_not_tried_without_end() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    let hook = json!({"direction": "outgoing", "name": "x", "room": "den",
                      "url": "http://127.0.0.1:9/", "events": ["mention"]});
    ana.post("/webhooks", hook).expect(201);
    // An address of this machine is refused before anything is sent.
    for _ in 0..10 {
        let tested = ana.post("/webhooks/1/test", json!({})).expect(200);
        assert!(tested["error"].is_string(), "{tested}");
    }
    ana.post("/webhooks/1/test", json!({}))
        .refuses(429, "too_many");
}

#[test]
fn nobody_makes_accounts_for_others_unasked() {
    let parlour = Parlour::start();
    parlour.sign_up("ana");
    let bot = json!({"name": "robo", "role": "bot"});
    parlour
        .nobody()
        .post("/users", bot)
        .refuses(401, "unauthenticated");
}

#[test]
fn a_reaction_to_what_was_deleted_stays() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    ana.post("/rooms/den/messages", json!({"text": "hi"}))
        .expect(201);
    ana.delete("/rooms/den/messages/1").expect(200);
    ana.delete("/rooms/den/messages/1/reactions/%F0%9F%91%8D")
        .refuses(410, "gone");
    ana.put("/rooms/den/messages/1/reactions/%F0%9F%91%8D", json!({}))
        .refuses(410, "gone");
}

#[test]
fn nobody_invites_to_a_room_from_outside() {
    let parlour = Parlour::start();
    let (ana, bo) = (parlour.sign_up("ana"), parlour.sign_up("bo"));
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    bo.post("/invites", json!({"room": "den"}))
        .refuses(403, "not_a_member");
}
