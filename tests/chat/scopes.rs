//! What tokens with scopes are good for, over REST and over WebSockets.

use serde_json::{Value, json};

use crate::strict::parlour;
use crate::support::{PASSWORD, Parlour, Person};

/// Ana, who owns `den` and `attic`, with one message in each and a note.
fn town(parlour: &Parlour) -> Person {
    let ana = parlour.sign_up("ana");
    for room in ["den", "attic"] {
        ana.post("/rooms", json!({"room": room})).expect(201);
        let path = format!("/rooms/{room}/messages");
        ana.post(&path, json!({"text": format!("in {room}")}))
            .expect(201);
    }
    ana
}

/// Ana with another token.
fn with(parlour: &Parlour, scopes: &[&str]) -> Person {
    let wish = json!({"name": "ana", "password": PASSWORD, "scopes": scopes});
    let made = parlour.nobody().post("/tokens", wish).expect(201);
    parlour.with_token("ana", made["token"].as_str().unwrap())
}

fn say(person: &Person, room: &str) -> crate::support::Answer {
    person.post(&format!("/rooms/{room}/messages"), json!({"text": "hi"}))
}

#[test]
fn a_token_is_good_for_its_scopes_alone() {
    let parlour = Parlour::start();
    let ana = town(&parlour);
    let reads = with(&parlour, &["read"]);
    reads.get("/rooms/den/messages").expect(200);
    reads.get("/rooms").expect(200);
    say(&reads, "den").refuses(403, "forbidden");
    reads.get("/tokens").refuses(403, "forbidden");
    let writes = with(&parlour, &["write"]);
    say(&writes, "den").expect(201);
    writes.get("/rooms/den/messages").refuses(403, "forbidden");
    writes
        .patch("/me", json!({"display_name": "x"}))
        .refuses(403, "forbidden");
    assert!(writes.connect("/ws").is_err(), "it would hear");
    let keeps = with(&parlour, &["admin"]);
    keeps.get("/tokens").expect(200);
    keeps.patch("/settings", json!({"name": "Den"})).expect(200);
    say(&keeps, "den").refuses(403, "forbidden");
    // Any tells whose it is, and may be given back.
    for person in [&reads, &writes, &keeps] {
        assert_eq!(person.get("/me").expect(200)["user"]["name"], "ana");
        person.delete("/tokens/current").expect(204);
    }
    with(&parlour, &["read", "write"]);
    let listed = ana.get("/tokens").expect(200);
    assert_eq!(listed["tokens"][0]["scopes"], json!(["read", "write"]));
    assert_eq!(listed["tokens"][1]["scopes"], Value::Null);
    let wish = json!({"name": "ana", "password": PASSWORD, "scopes": ["all"]});
    parlour
        .nobody()
        .post("/tokens", wish)
        .refuses_field("scopes");
}

#[test]
fn a_token_is_good_in_its_rooms_alone() {
    let parlour = Parlour::start();
    let ana = town(&parlour);
    let bo = parlour.sign_up("bo");
    for room in ["den", "attic"] {
        bo.put(&format!("/rooms/{room}/members/me"), json!({}))
            .expect(200);
    }
    let den = with(&parlour, &["read", "write", "room:den"]);
    say(&den, "den").expect(201);
    say(&den, "attic").refuses(403, "forbidden");
    // A command might tell of elsewhere.
    let command = json!({"text": "/search in"});
    den.post("/rooms/den/messages", command)
        .refuses(403, "forbidden");
    den.get("/rooms/attic/messages").refuses(403, "forbidden");
    den.get("/rooms").refuses(403, "forbidden");
    den.get("/notifications").refuses(403, "forbidden");
    den.get("/search?query=in").refuses(403, "forbidden");
    den.get("/search?query=in&room=den").expect(200);
    den.get("/search?query=in&room=attic")
        .refuses(403, "forbidden");

    let mut line = den.line();
    let rooms: Vec<&Value> = line.hello["rooms"].as_array().unwrap().iter().collect();
    assert_eq!(rooms.len(), 1, "{rooms:?}");
    assert_eq!(rooms[0]["room"], "den");
    let history = |room: &str| json!({"do": "history", "room": room});
    line.ask(history("den"));
    line.refused(history("attic"), "forbidden");
    line.refused(json!({"do": "rooms"}), "forbidden");
    line.refused(
        json!({"do": "send", "room": "den", "text": "/search in"}),
        "forbidden",
    );
    line.refused(json!({"do": "watch", "rooms": ["attic"]}), "forbidden");
    line.refused(json!({"do": "dm", "user": "bo"}), "forbidden");
    let told = line.ask(json!({"do": "resume", "rooms": {"den": 0, "attic": 0}}));
    assert_eq!(told["attic"]["error"], "not_found");
    line.drain();
    // What others say elsewhere, and what concerns her alone, is not heard; neither is it fed.
    say(&bo, "attic").expect(201);
    bo.post("/notifications", json!({"to": "ana", "text": "psst"}))
        .expect(201);
    bo.post("/rooms/attic/messages", json!({"text": "@ana"}))
        .expect(201);
    say(&bo, "den").expect(201);
    let heard = line.event("message");
    assert_eq!(heard["room"], "den");
    let rest = line.drain_lasting();
    assert!(rest.is_empty(), "{rest:?}");
    let epoch = line.hello["epoch"].as_str().unwrap();
    let page = den
        .get(&format!("/events?wait=1&since={epoch}.0"))
        .expect(200);
    let events = page["events"].as_array().unwrap();
    assert!(
        events.len() > 3 && events.iter().all(|it| it["room"] == "den"),
        "{page}"
    );
    let whole = ana
        .get(&format!("/events?wait=1&since={epoch}.0"))
        .expect(200);
    let names: Vec<_> = whole["events"].as_array().unwrap().iter().collect();
    assert!(
        names.iter().any(|it| it["event"] == "notification"),
        "{whole}"
    );
}

#[test]
fn scopes_hold_on_an_open_line_and_after_a_restart() {
    let mut parlour = Parlour::start();
    let ana = town(&parlour);
    let reads = with(&parlour, &["read"]);
    let mut line = reads.line();
    line.ask(json!({"do": "rooms"}));
    let send = json!({"do": "send", "room": "den", "text": "x"});
    line.refused(send.clone(), "forbidden");
    line.refused(json!({"do": "typing", "room": "den"}), "forbidden");
    // It does not become more than it is.
    let all = ana.token.as_deref().unwrap();
    line.refused(json!({"do": "auth", "token": all}), "forbidden");
    parlour.kill();
    parlour.begin();
    let reads = parlour.with_token("ana", reads.token.as_deref().unwrap());
    say(&reads, "den").refuses(403, "forbidden");
    reads.line().refused(send, "forbidden");
}

#[test]
fn the_command_line_makes_bots_and_tokens_with_scopes() {
    let parlour_ = Parlour::start();
    let ana = town(&parlour_);
    let run = |words: &[&str]| {
        let output = parlour()
            .args(words)
            .arg("--data")
            .arg(parlour_.data())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.success(), text)
    };
    assert!(run(&["user", "add", "ci", "--bot"]).0);
    ana.put("/rooms/den/members/ci", json!({})).expect(204);
    let scopes = ["--scope", "write", "--scope", "room:den"];
    let (made, token) = run(&[&["token", "create", "ci"][..], &scopes].concat());
    assert!(made);
    let ci = parlour_.with_token("ci", token.trim());
    say(&ci, "den").expect(201);
    ci.get("/rooms/den/messages").refuses(403, "forbidden");
    let (_, listed) = run(&["token", "list", "ci", "--json"]);
    assert!(listed.contains("write room:den"), "{listed}");
    assert!(!run(&["token", "create", "ci", "--scope", "all"]).0);
    assert!(!run(&["user", "add", "x", "--bot", "--role", "admin"]).0);
}
