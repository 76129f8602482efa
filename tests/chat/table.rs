//! # The table of commands, row by row
//!
//! What holds for each command alike: members that nobody knows are ignored, each member that it needs
//! is named when it is missing or of another type, and who may not is refused with the code of the
//! contract, as is whatever acts on a room that is not there.

use serde_json::{Value, json};

use crate::support::{Line, PASSWORD, Parlour};

/// A command that Ana may say, the members that it needs, and why a member who keeps no order and
/// somebody outside may not; nothing where they may, or where it is about themselves.
struct Row {
    command: Value,
    needs: &'static [&'static str],
    member: &'static str,
    outside: &'static str,
}

fn row(
    command: Value,
    needs: &'static [&'static str],
    member: &'static str,
    outside: &'static str,
) -> Row {
    Row {
        command,
        needs,
        member,
        outside,
    }
}

const STRANGER: &str = "not_a_member";

/// All commands, in an order in which each may be said; message 1 is Ana's.
#[rustfmt::skip] // a table
fn table() -> Vec<Row> {
    let later = "2999-01-01T00:00:00Z";
    vec![
        row(json!({"do": "ping"}), &[], "", ""),
        row(json!({"do": "me"}), &[], "", ""),
        row(json!({"do": "rooms"}), &[], "", ""),
        row(json!({"do": "notifications"}), &[], "", ""),
        row(json!({"do": "create_room", "room": "new"}), &["room"], "", ""),
        row(json!({"do": "members", "room": "den"}), &["room"], "", ""),
        row(json!({"do": "history", "room": "den"}), &["room"], "", STRANGER),
        row(json!({"do": "search", "query": "hi", "room": "den"}), &["query"], "", STRANGER),
        row(json!({"do": "presence", "room": "den"}), &["room"], "", STRANGER),
        row(json!({"do": "watch", "rooms": ["den"]}), &["rooms"], "", STRANGER),
        row(json!({"do": "resume", "rooms": {"den": 1}}), &[], "", ""),
        row(json!({"do": "send", "room": "den", "text": "hi"}), &["room", "text"], "", STRANGER),
        row(json!({"do": "edit", "room": "den", "seq": 1, "text": "ho"}), &["room", "seq", "text"], "forbidden", STRANGER),
        row(json!({"do": "react", "room": "den", "seq": 1, "emoji": "+1"}), &["room", "seq", "emoji"], "", STRANGER),
        row(json!({"do": "unreact", "room": "den", "seq": 1, "emoji": "+1"}), &["room", "seq", "emoji"], "", STRANGER),
        row(json!({"do": "read", "room": "den", "seq": 1}), &["room", "seq"], "", STRANGER),
        row(json!({"do": "level", "room": "den", "level": "mentions"}), &["room"], "", STRANGER),
        row(json!({"do": "notify", "to": "bo", "text": "hey"}), &["to", "text"], "", ""),
        row(json!({"do": "dm", "user": "bo"}), &["user"], "", ""),
        row(json!({"do": "invite", "room": "den", "user": "dee"}), &["room", "user"], "", STRANGER),
        row(json!({"do": "change_room", "room": "den", "topic": "tea"}), &["room"], "forbidden", "forbidden"),
        row(json!({"do": "mute", "room": "den", "user": "dee", "until": later}), &["room", "user"], "forbidden", "forbidden"),
        row(json!({"do": "role", "room": "den", "user": "dee", "role": "moderator"}), &["room", "user", "role"], "forbidden", "forbidden"),
        row(json!({"do": "remove", "room": "den", "user": "dee"}), &["room", "user"], "forbidden", "forbidden"),
        row(json!({"do": "ban", "room": "den", "user": "dee"}), &["room", "user"], "forbidden", "forbidden"),
        row(json!({"do": "unban", "room": "den", "user": "dee"}), &["room", "user"], "forbidden", "forbidden"),
        row(json!({"do": "delete", "room": "den", "seq": 1}), &["room", "seq"], "forbidden", STRANGER),
        row(json!({"do": "join", "room": "hall"}), &["room"], "", ""),
        row(json!({"do": "leave", "room": "hall"}), &["room"], "", STRANGER),
        row(json!({"do": "delete_room", "room": "den"}), &["room"], "forbidden", "forbidden"),
    ]
}

/// Ana, whose room "den" is, Bo, who is in it, and Cy, who is not.
fn people(parlour: &Parlour) -> [Line; 3] {
    parlour.sign_up("root");
    let lines = ["ana", "bo", "cy"].map(|name| parlour.sign_up(name).line());
    parlour.sign_up("dee");
    let [mut ana, mut bo, cy] = lines;
    ana.ask(json!({"do": "create_room", "room": "den"}));
    bo.ask(json!({"do": "join", "room": "den"}));
    bo.ask(json!({"do": "create_room", "room": "hall"}));
    ana.ask(json!({"do": "send", "room": "den", "text": "hi"}));
    [ana, bo, cy]
}

/// What was heard that lasts.
fn lasting(line: &mut Line) -> Vec<Value> {
    let mut heard = line.drain();
    heard.retain(|event| event.get("op").is_some());
    heard
}

#[test]
fn each_command_ignores_what_it_does_not_know() {
    let parlour = Parlour::start();
    let [mut ana, ..] = people(&parlour);
    for row in table() {
        let mut command = row.command;
        command["unknown"] = json!({"id": [1, {"do": "delete_room"}]});
        command["Room"] = json!(7);
        ana.ask(command);
    }
}

#[test]
fn each_member_that_is_missing_or_odd_is_named() {
    let parlour = Parlour::start();
    let [mut ana, ..] = people(&parlour);
    ana.drain();
    for row in table() {
        for needed in row.needs {
            let odd = [
                json!({}),
                json!([[1]]),
                json!(-1),
                json!(1.5),
                json!(true),
                Value::Null,
            ];
            for value in odd {
                let mut command = row.command.clone();
                command[*needed] = value;
                let error = ana.refused(command, "bad_field");
                // What may be said in two ways is named as either.
                let names = [*needed, "users"];
                let field = error["field"].as_str().unwrap();
                assert!(names.contains(&field), "{}: {error}", row.command);
            }
            let mut command = row.command.clone();
            command.as_object_mut().unwrap().remove(*needed);
            ana.refused(command, "bad_field");
        }
        // Nothing of that was done.
        if let Some(room) = row.command["room"].as_str() {
            let rooms = ana.ask(json!({"do": "rooms"}));
            let mut rooms = rooms["rooms"].as_array().unwrap().iter();
            assert_eq!(rooms.any(|it| it["room"] == room), room != "new");
        }
    }
    assert_eq!(lasting(&mut ana), Vec::<Value>::new());
}

#[test]
fn whoever_may_not_is_refused_and_nothing_is_told() {
    let parlour = Parlour::start();
    let [mut ana, mut bo, mut cy] = people(&parlour);
    for line in [&mut ana, &mut bo, &mut cy] {
        line.drain();
    }
    for row in table() {
        if !row.member.is_empty() {
            bo.refused(row.command.clone(), row.member);
        }
        if !row.outside.is_empty() {
            cy.refused(row.command.clone(), row.outside);
        }
        let acts_on_room = row.command.get("room").is_some() && row.command["do"] != "create_room";
        if acts_on_room {
            let mut elsewhere = row.command.clone();
            elsewhere["room"] = "cellar".into();
            ana.refused(elsewhere.clone(), "not_found");
            elsewhere["room"] = "No Name".into();
            assert_eq!(ana.refused(elsewhere, "bad_field")["field"], "room");
        }
        if row.command.get("user").is_some() {
            let mut nobody = row.command.clone();
            nobody["user"] = "nobody".into();
            ana.refused(nobody, "not_found");
        }
        if row.needs.contains(&"seq") {
            let mut beyond = row.command.clone();
            beyond["seq"] = 99.into();
            let code = if row.command["do"] == "read" {
                "bad_field"
            } else {
                "not_found"
            };
            ana.refused(beyond, code);
        }
    }
    for line in [&mut ana, &mut bo, &mut cy] {
        assert_eq!(lasting(line), Vec::<Value>::new());
    }
}

#[test]
fn each_request_ignores_what_it_does_not_know() {
    let parlour = Parlour::start();
    let [ana, bo] = ["ana", "bo"].map(|name| parlour.sign_up(name));
    bo.post("/notifications", json!({"to": "ana", "text": "hey"}))
        .expect(201);
    for (method, path, body) in [
        ("POST", "/rooms", json!({"room": "den"})),
        ("PATCH", "/rooms/den", json!({"topic": "tea"})),
        ("PUT", "/rooms/den/members/bo", json!({})),
        ("POST", "/rooms/den/messages", json!({"text": "hi"})),
        ("PATCH", "/rooms/den/messages/1", json!({"text": "ho"})),
        ("PUT", "/rooms/den/messages/1/reactions/x", json!({})),
        ("PUT", "/rooms/den/read", json!({"seq": 1})),
        ("PUT", "/rooms/den/level", json!({"level": "nothing"})),
        ("PUT", "/rooms/den/bans/bo", json!({})),
        ("POST", "/dms", json!({"user": "bo"})),
        ("POST", "/notifications", json!({"to": "bo", "text": "hey"})),
        ("PUT", "/notifications/1/seen", json!({})),
        ("POST", "/invites", json!({"uses": 2})),
        ("PATCH", "/settings", json!({"sign_up": "open"})),
        ("PATCH", "/users/bo", json!({"role": "member"})),
        ("POST", "/users/bo/tokens", json!({"name": "ci"})),
        ("POST", "/users/bo/reset", json!({})),
        ("PATCH", "/me", json!({"display_name": "Ana"})),
        (
            "POST",
            "/tokens",
            json!({"name": "ana", "password": PASSWORD}),
        ),
        (
            "POST",
            "/users",
            json!({"name": "cy", "password": PASSWORD, "role": "member"}),
        ),
    ] {
        let mut body = body;
        body["unknown"] = json!({"id": [1, {"role": "admin"}]});
        body["Text"] = json!(7);
        let status = ana.send(method, path, &[], &body).response.status;
        assert!((200..300).contains(&status), "{method} {path}: {status}");
    }
}
