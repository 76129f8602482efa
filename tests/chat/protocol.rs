//! # The protocol `parlour.v1` itself
//!
//! Getting in, the `hello`, what is no command, and how connections end.

use parlour::chat;
use parlour::store::Database;
use serde_json::{Value, json};

use crate::strict::Dialogue;
use crate::support::{PASSWORD, Parlour, Person};

/// Asks for a WebSocket with these fields; the status and body of the answer.
fn knock(parlour: &Parlour, fields: &str) -> (u16, String) {
    let mut dialogue = Dialogue::open(parlour.address());
    dialogue.send(format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{fields}\r\n",
        parlour.address()
    ));
    // An upgrade has no body and goes on with frames.
    let response = dialogue.head_alone();
    let protocol = response.field("Sec-WebSocket-Protocol").unwrap_or_default();
    (response.status, protocol.to_owned())
}

fn token(person: &Person) -> &str {
    person.token.as_deref().unwrap()
}

// -------------------------------------------------------------------------------------- getting in

#[test]
fn without_a_good_token_there_is_no_upgrade() {
    let mut parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let status = |fields: &str| knock(&parlour, fields).0;
    assert_eq!(status(""), 401);
    assert_eq!(status("Authorization: Bearer nonsense\r\n"), 401);
    assert_eq!(status("Authorization: Basic YW5hOng=\r\n"), 401);
    assert_eq!(status("Cookie: parlour_token=nonsense\r\n"), 401);
    assert_eq!(
        status("Sec-WebSocket-Protocol: parlour.v1, bearer.nonsense\r\n"),
        401
    );
    let bearer = format!("Authorization: Bearer {}\r\n", token(&ana));
    assert_eq!(status(&bearer), 101);
    ana.delete("/tokens/current").expect(204);
    assert_eq!(status(&bearer), 401, "it was revoked");
    // Nor does it come back with the server.
    parlour.kill();
    parlour.begin();
    assert_eq!(knock(&parlour, &bearer).0, 401);
}

#[test]
fn a_token_that_has_expired_is_none() {
    let mut parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let bearer = format!("Authorization: Bearer {}\r\n", token(&ana));
    let expires = |parlour: &mut Parlour, at_ms: u64| {
        parlour.stop();
        let database = Database::open(parlour.data().join(chat::FILE), &[chat::CHAT]).unwrap();
        let set = "UPDATE tokens SET expires_at = ?";
        let changed = database.run(move |tables| Ok(tables.execute(set, [at_ms])?));
        assert_eq!(changed, Ok(1));
        drop(database);
        parlour.begin();
    };
    expires(&mut parlour, 1 << 50);
    assert_eq!(knock(&parlour, &bearer).0, 101);
    expires(&mut parlour, 1);
    assert_eq!(knock(&parlour, &bearer).0, 401);
}

#[test]
fn a_browser_of_another_origin_brings_its_token_as_a_subprotocol() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let bearer = format!("parlour.v1, bearer.{}", token(&ana));
    let fields =
        format!("Origin: https://elsewhere.example\r\nSec-WebSocket-Protocol: {bearer}\r\n");
    assert_eq!(
        knock(&parlour, &fields),
        (101, "parlour.v1".to_owned()),
        "the token is not repeated"
    );
    let fields = format!("Sec-WebSocket-Protocol: bearer.{}\r\n", token(&ana));
    assert_eq!(
        knock(&parlour, &fields).0,
        400,
        "it has to say what it speaks"
    );
    let fields = format!(
        "Authorization: Bearer {}\r\nSec-WebSocket-Protocol: graphql-ws\r\n",
        token(&ana)
    );
    assert_eq!(knock(&parlour, &fields).0, 400);
}

#[test]
fn a_cookie_counts_for_pages_of_this_origin_only() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let cookie = format!("Cookie: parlour_token={}\r\n", token(&ana));
    let own = format!("Origin: http://{}\r\n{cookie}", parlour.address());
    assert_eq!(knock(&parlour, &own).0, 101);
    for foreign in ["https://elsewhere.example", "null", "http://127.0.0.1:1"] {
        let fields = format!("Origin: {foreign}\r\n{cookie}");
        assert_eq!(knock(&parlour, &fields).0, 403, "{foreign}");
    }
}

// --------------------------------------------------------------------------------------- the hello

#[test]
fn hello_says_where_one_is() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let mut line = ana.line();
    line.ask(json!({"do": "create_room", "room": "den", "title": "The den"}));
    line.ask(json!({"do": "send", "room": "den", "text": "one"}));
    let bo = parlour.sign_up("bo");
    bo.put("/rooms/den/members/me", json!({})).expect(200);
    line.ask(json!({"do": "send", "room": "den", "text": "two @bo"}));
    let op = line.event("message")["op"].as_u64().unwrap();
    let hello = bo.line().hello;
    assert_eq!(hello["protocol"], "parlour.v1");
    assert!(hello["server"].as_str().unwrap().starts_with("parlour/"));
    assert_eq!(
        hello["user"],
        json!({"name": "bo", "display_name": "bo", "role": "member", "admin": false})
    );
    assert_eq!(hello["heartbeat"], 30);
    assert!(hello["op"].as_u64().unwrap() > op && hello["epoch"].is_string());
    assert_eq!(hello["limits"]["text"], 8000);
    for name in ["frame", "in_flight"] {
        assert!(hello["limits"][name].is_u64());
    }
    let room = &hello["rooms"][0];
    assert_eq!(
        (&room["room"], &room["title"], &room["kind"]),
        (&json!("den"), &json!("The den"), &json!("public"))
    );
    assert_eq!(
        (&room["first"], &room["seq"], &room["version"]),
        (&json!(1), &json!(2), &json!(4))
    );
    assert_eq!(
        (&room["read"], &room["unread"], &room["mentions"]),
        (&json!(1), &json!(1), &json!(1))
    );
    assert_eq!(
        (hello["rooms"].as_array().unwrap().len(), &hello["more"]),
        (1, &json!(false))
    );
    assert_eq!(hello["notifications"]["unread"], 1);
    assert_eq!(hello["notifications"]["latest"][0]["text"], "two @bo");
    assert_eq!(hello["epoch"], ana.line().hello["epoch"]);
}

#[test]
fn hello_lists_two_hundred_rooms_the_most_recent_first() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let mut line = ana.line();
    for n in 0..200 {
        line.ask(json!({"do": "create_room", "room": format!("r{n}")}));
    }
    let hello = ana.line().hello;
    assert_eq!(
        (hello["rooms"].as_array().unwrap().len(), &hello["more"]),
        (200, &json!(false))
    );
    line.ask(json!({"do": "create_room", "room": "last"}));
    line.ask(json!({"do": "send", "room": "r0", "text": "up"}));
    let mut other = ana.line();
    let rooms = other.hello["rooms"].as_array().unwrap().clone();
    assert_eq!((rooms.len(), &other.hello["more"]), (200, &json!(true)));
    assert_eq!(
        (&rooms[0]["room"], &rooms[1]["room"]),
        (&json!("r0"), &json!("last"))
    );
    assert!(
        rooms.iter().all(|room| room["room"] != "r1"),
        "the one that is left out"
    );
    // It hears what happens there all the same.
    line.ask(json!({"do": "send", "room": "r1", "text": "hello"}));
    assert_eq!(other.event("message")["room"], "r1");
    let all = other.ask(json!({"do": "rooms"}));
    assert_eq!(
        (all["rooms"].as_array().unwrap().len(), &all["more"]),
        (200, &json!(true))
    );
    let after = all["rooms"][199]["room"].clone();
    let rest = other.ask(json!({"do": "rooms", "after": after}));
    assert_eq!(
        (rest["rooms"].as_array().unwrap().len(), &rest["more"]),
        (1, &json!(false))
    );
}

// ------------------------------------------------------------------------------ what is no command

#[test]
fn what_is_wrong_is_answered_and_never_ends_the_connection() {
    let parlour = Parlour::start();
    let mut line = parlour.sign_up("ana").line();
    let deep = format!(
        "{{\"id\":1,\"do\":\"ping\",\"x\":{}{}}}",
        "[".repeat(5000),
        "]".repeat(5000)
    );
    let long = format!("{{\"id\":1,\"do\":\"{}\"}}", "x".repeat(100_000));
    for (said, re, code) in [
        ("", None, "bad_json"),
        ("nonsense", None, "bad_json"),
        ("{", None, "bad_json"),
        ("[]", None, "bad_json"),
        ("null", None, "bad_json"),
        ("{\"id\":1,\"do\":\"ping\"}x", None, "bad_json"),
        ("{\"id\":1,\"do\":\"\\ud800\"}", None, "bad_json"),
        (&deep, None, "bad_json"),
        (&long, Some(1), "bad_command"),
        ("{\"id\":1,\"do\":\"dance\"}", Some(1), "bad_command"),
        ("{\"id\":-5,\"do\":\"\"}", Some(-5), "bad_command"),
        ("{\"id\":1}", Some(1), "bad_field"),
        ("{\"id\":1,\"do\":7}", Some(1), "bad_field"),
        ("{\"id\":1,\"do\":null}", Some(1), "bad_field"),
        ("{\"do\":\"ping\"}", None, "bad_field"),
        ("{\"id\":\"1\",\"do\":\"ping\"}", None, "bad_field"),
        ("{\"id\":1.5,\"do\":\"ping\"}", None, "bad_field"),
        ("{\"id\":1.0,\"do\":\"ping\"}", None, "bad_field"),
        ("{\"id\":null,\"do\":\"ping\"}", None, "bad_field"),
        (
            "{\"id\":9223372036854775808,\"do\":\"ping\"}",
            None,
            "bad_field",
        ),
        (
            "{\"id\":true,\"do\":\"typing\",\"room\":\"x\"}",
            None,
            "bad_field",
        ),
        (
            "{\"id\":2,\"do\":\"typing\",\"room\":\"x\"}",
            Some(2),
            "not_found",
        ),
    ] {
        line.say_text(said);
        let answer = line.next();
        let shown = &said[..said.len().min(60)];
        assert_eq!(answer["re"], json!(re), "{shown}: {answer}");
        assert_eq!(answer["error"]["code"], code, "{shown}: {answer}");
        assert!(answer["error"]["message"].is_string() && answer["error"]["retry"].is_boolean());
        assert!(answer.to_string().len() < 200_000);
    }
    line.say_bytes(b"{\"id\":1,\"do\":\"ping\"}");
    assert_eq!(line.next()["error"]["code"], "bad_json");
    for id in [0, i64::MAX, i64::MIN] {
        line.say(&json!({"id": id, "do": "ping", "unknown": {"field": [1]}}));
        let answer = line.next();
        assert_eq!(answer["re"], id);
        assert!(answer["ok"]["at"].is_string());
    }
    // A heartbeat is nothing to be answered.
    line.say_text("{}");
    line.say_text(" {} ");
    assert_eq!(line.drain_lasting(), Vec::<Value>::new());
}

#[test]
fn a_frame_of_two_mebibytes_is_too_large() {
    let parlour = Parlour::start();
    let mut line = parlour.sign_up("ana").line();
    line.say_text(&" ".repeat(2 << 20));
    assert_eq!(line.close_code(), Some(1009));
}

#[test]
fn commands_said_all_at_once_are_answered_in_their_order() {
    let parlour = Parlour::start();
    let mut line = parlour.sign_up("ana").line();
    line.ask(json!({"do": "create_room", "room": "den"}));
    line.drain();
    // More than may be under way at a time.
    for id in 1..=300 {
        line.say(&json!({"id": 1000 + id, "do": "send", "room": "den", "text": id.to_string()}));
    }
    let mut answered = 0;
    let mut heard = 0;
    while heard < 300 {
        let value = line.next();
        if let Some(re) = value["re"].as_i64() {
            answered += 1;
            assert_eq!(
                (re, &value["ok"]["seq"]),
                (1000 + answered, &json!(answered))
            );
        } else {
            heard += 1;
            assert_eq!(value["seq"], heard);
            assert!(heard <= answered, "an answer comes before what it caused");
        }
    }
}

// ------------------------------------------------------------------------------------------- ends

#[test]
fn signing_out_ends_the_connections_of_that_token() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let phone = parlour.sign_in("ana", PASSWORD);
    let (mut line, mut other) = (ana.line(), phone.line());
    ana.delete("/tokens/current").expect(204);
    let (said, code) = line.rest();
    let bye = said.last().unwrap();
    assert_eq!(
        (&bye["event"], &bye["code"], &bye["reconnect"]),
        (&json!("bye"), &json!(4001), &json!(false))
    );
    assert_eq!(code, Some(4001));
    other.ask(json!({"do": "ping"}));
    // Nothing more is heard from then on, also of what the other device does at once.
    let mut third = phone.line();
    other.ask(json!({"do": "create_room", "room": "den"}));
    phone.delete("/tokens").expect(204);
    assert_eq!(
        (third.close_code(), other.close_code()),
        (Some(4001), Some(4001))
    );
}

#[test]
fn sixty_four_connections_are_enough_for_anybody() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let lines: Vec<_> = (0..64).map(|_| ana.line()).collect();
    let mut socket = ana.connect("/ws").unwrap();
    let bye = socket.read().unwrap().unwrap();
    let bye: Value = serde_json::from_str(bye.text().unwrap()).unwrap();
    assert_eq!(
        (&bye["event"], &bye["code"], &bye["reconnect"]),
        (&json!("bye"), &json!(4003), &json!(false))
    );
    assert!(socket.read().unwrap().is_none());
    assert_eq!(socket.closed().unwrap().0, Some(4003));
    drop(lines);
    crate::strict::eventually("a seat is free again", || {
        let mut socket = ana.connect("/ws").unwrap();
        let first = socket.read().unwrap().unwrap();
        first.text().unwrap().contains("hello")
    });
}

#[test]
fn whoever_is_there_when_the_server_ends_is_told_when_to_come_back() {
    let mut parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let mut lines: Vec<_> = (0..20).map(|_| ana.line()).collect();
    parlour.server().terminate();
    let mut waits: Vec<u64> = lines
        .iter_mut()
        .map(|line| {
            let (said, code) = line.rest();
            let bye = said.last().unwrap();
            assert_eq!((&bye["event"], &bye["code"]), (&json!("bye"), &json!(4004)));
            assert_eq!((&bye["reconnect"], code), (&json!(true), Some(4004)));
            (bye["retry_after"].as_f64().unwrap() * 1000.0) as u64
        })
        .collect();
    waits.sort_unstable();
    assert!(
        waits.iter().all(|ms| (500..=1500).contains(ms)),
        "{waits:?}"
    );
    waits.dedup();
    assert!(waits.len() > 10, "they come back spread out: {waits:?}");
    drop(lines);
    parlour.stopped();
}
