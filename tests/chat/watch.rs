//! # Watching some rooms, and going on with a fresh token

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use parlour::site::rfc3339;
use serde_json::{Value, json};

use crate::support::{Line, PASSWORD, Parlour};

/// Ana and Bo are in both rooms; their lines.
fn two_rooms(parlour: &Parlour) -> [Line; 2] {
    let [ana, bo] = ["ana", "bo"].map(|name| parlour.sign_up(name));
    for room in ["den", "attic"] {
        ana.post("/rooms", json!({"room": room})).expect(201);
        let path = format!("/rooms/{room}/members/me");
        bo.put(&path, json!({})).expect(200);
    }
    [ana.line(), bo.line()]
}

fn say(line: &mut Line, room: &str, text: &str) -> Value {
    line.ask(json!({"do": "send", "room": room, "text": text}))
}

/// What was heard until a message in the den.
fn until_said(line: &mut Line, text: &str) -> Vec<Value> {
    let mut heard = Vec::new();
    loop {
        let event = line.next();
        if event["text"] == text {
            return heard;
        }
        heard.push(event);
    }
}

#[test]
fn whoever_watches_a_room_hears_of_typing_there_alone() {
    let parlour = Parlour::start();
    let [mut ana, mut bo] = two_rooms(&parlour);
    let features = ana.hello["features"].as_array().unwrap();
    for feature in ["watch", "auth"] {
        assert!(features.contains(&json!(feature)), "{features:?}");
    }
    let ok = ana.ask(json!({"do": "watch", "rooms": ["den"]}));
    assert_eq!(ok["others"], "all");
    assert_eq!(ok["rooms"]["den"], json!({"seq": 0, "version": 2}));
    bo.say(&json!({"do": "typing", "room": "attic"}));
    bo.say(&json!({"do": "typing", "room": "den"}));
    // The others' messages come as ever.
    say(&mut bo, "attic", "up here");
    assert_eq!(ana.event("message")["text"], "up here");
    say(&mut bo, "den", "down here");
    let heard = ana.drain();
    let typing: Vec<_> = heard.iter().filter(|it| it["event"] == "typing").collect();
    assert_eq!(typing.len(), 1, "{heard:?}");
    assert_eq!(typing[0]["room"], "den");
    // The same for who is there: Bo goes, and that is told of the den alone.
    bo.ask(json!({"do": "presence", "away": true}));
    let told = ana.find("that bo is away", |it| it["changes"]["bo"] == "away");
    assert_eq!(told["room"], "den");
    say(&mut bo, "den", "I am away");
    let rest = until_said(&mut ana, "I am away");
    let attic = |it: &&Value| it["event"] == "presence" && it["room"] == "attic";
    assert_eq!(rest.iter().find(attic), None);
    // And of both again.
    ana.ask(json!({"do": "watch", "rooms": ["attic", "den"], "others": "all"}));
    bo.ask(json!({"do": "presence", "away": false}));
    for room in ["attic", "den"] {
        let back = |it: &Value| it["changes"]["bo"] == "online" && it["room"] == room;
        ana.find(room, back);
    }
}

#[test]
fn other_rooms_are_summed_up_and_heard_again_without_a_gap() {
    let parlour = Parlour::start();
    let [mut ana, mut bo] = two_rooms(&parlour);
    let before = say(&mut bo, "attic", "first")["version"].as_u64().unwrap();
    ana.event("message");
    let watch = json!({"do": "watch", "rooms": ["den"], "others": "summary"});
    assert_eq!(ana.ask(watch)["others"], "summary");
    say(&mut bo, "attic", "hi @ana");
    let told = ana.find("how much is unread", |it| it["unread"] == 2);
    assert_eq!(
        told,
        json!({"event": "room", "room": "attic", "seq": 2, "unread": 2, "mentions": 1})
    );
    say(&mut bo, "attic", "third");
    let told = ana.find("how much is unread", |it| it["unread"] == 3);
    assert_eq!((&told["seq"], &told["mentions"]), (&json!(3), &json!(1)));
    ana.ask(json!({"do": "read", "room": "attic", "seq": 3}));
    // Nothing else of that room came.
    say(&mut bo, "den", "down here");
    let heard = until_said(&mut ana, "down here");
    let attic = |it: &&Value| it["room"] == "attic" && it["version"].is_u64();
    assert_eq!(heard.iter().find(attic), None, "{heard:?}");

    // Heard again: live from the version on that is answered, and what came before is resumed.
    let ok = ana.ask(json!({"do": "watch", "rooms": ["attic"], "others": "summary"}));
    let version = ok["rooms"]["attic"]["version"].as_u64().unwrap();
    assert_eq!(version, before + 2);
    let live = say(&mut bo, "attic", "fourth")["version"].clone();
    assert_eq!(ana.event("message")["version"], live);
    let ok = ana.ask(json!({"do": "resume", "rooms": {"attic": before}}));
    assert_eq!(ok["attic"]["from"], before);
    for text in ["hi @ana", "third"] {
        assert_eq!(ana.event("message")["text"], text);
    }
    let caught_up = ana.event("caught_up");
    assert_eq!(
        (&caught_up["room"], &caught_up["version"]),
        (&json!("attic"), &live)
    );
    let again = ana.drain();
    assert!(again.iter().all(|it| it["event"] != "message"), "{again:?}");

    // The den is summed up now, and one's own going is told from anywhere.
    say(&mut bo, "den", "are you there?");
    ana.find("how much is unread", |it| {
        it["room"] == "den" && it["unread"] == 2
    });
    let mut phone = parlour.sign_in("bo", PASSWORD).line();
    phone.ask(json!({"do": "watch", "rooms": [], "others": "summary"}));
    bo.ask(json!({"do": "leave", "room": "den"}));
    assert_eq!(phone.event("left")["room"], "den");
    bo.ask(json!({"do": "join", "room": "den"}));
    assert_eq!(phone.event("joined")["room"], "den");
    say(&mut bo, "den", "back");
    phone.find("how much is unread", |it| {
        it["event"] == "room" && it["room"] == "den" && it["seq"] == 3
    });
}

#[test]
fn what_is_no_watch_is_refused() {
    let parlour = Parlour::start();
    let [mut ana, mut bo] = two_rooms(&parlour);
    let nine: Vec<_> = (0..9).map(|_| "den").collect();
    for (member, value) in [
        ("rooms", json!("den")),
        ("rooms", json!([1])),
        ("rooms", json!(nine)),
        ("rooms", json!(["No Name"])),
        ("rooms", Value::Null),
        ("others", json!("none")),
        ("others", json!(1)),
    ] {
        let mut command = json!({"do": "watch", "rooms": ["den"]});
        command[member] = value;
        let error = ana.refused(command, "bad_field");
        assert_eq!(error["field"], member);
    }
    ana.refused(json!({"do": "watch", "rooms": ["cellar"]}), "not_found");
    bo.ask(json!({"do": "leave", "room": "den"}));
    let others = json!({"do": "watch", "rooms": ["attic", "den"], "others": "summary"});
    bo.refused(others, "not_a_member");
    // What was refused has changed nothing.
    say(&mut ana, "attic", "still here");
    assert_eq!(bo.event("message")["text"], "still here");
}

#[expect(
    clippy::disallowed_methods,
    reason = "a client that wants a token for a while says when it ends"
)]
/// A moment so far from now, as clients write it.
fn in_ms(ms: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    rfc3339((now + Duration::from_millis(ms)).as_millis() as u64)
}

#[test]
fn a_token_that_expires_ends_its_connections_and_a_fresh_one_goes_on() {
    let parlour = Parlour::start();
    let [ana, bo] = ["ana", "bo"].map(|name| parlour.sign_up(name));
    let soon = in_ms(3000);
    let made = ana
        .post(
            "/tokens",
            json!({"name": "ana", "password": PASSWORD, "expires_at": soon}),
        )
        .expect(201);
    let short = parlour.with_token("ana", made["token"].as_str().unwrap());
    let (mut ends, mut stays) = (short.line(), short.line());
    let mut stream = short.begin("GET", "/events", &[], b"");

    stays.refused(json!({"do": "auth"}), "bad_field");
    stays.refused(json!({"do": "auth", "token": 1}), "bad_field");
    stays.refused(
        json!({"do": "auth", "token": "pt_made_up"}),
        "unauthenticated",
    );
    stays.refused(json!({"do": "auth", "token": bo.token}), "forbidden");
    let ok = stays.ask(json!({"do": "auth", "token": short.token}));
    assert_eq!(ok["expires_at"], soon);
    let ok = stays.ask(json!({"do": "auth", "token": ana.token}));
    assert!(
        ok["token"].is_u64() && ok.get("expires_at").is_none(),
        "{ok}"
    );

    let bye = ends.event("bye");
    assert_eq!(
        (&bye["code"], &bye["reconnect"]),
        (&json!(4001), &json!(false))
    );
    assert_eq!(ends.close_code(), Some(4001));
    let stream = stream.response();
    assert!(stream.text().contains("4001"), "{}", stream.text());
    short.get("/me").refuses(401, "unauthenticated");
    stays.ask(json!({"do": "ping"}));
    // By now it hangs on the fresh token.
    ana.delete("/tokens/current").expect(204);
    assert_eq!(stays.close_code(), Some(4001));
}
