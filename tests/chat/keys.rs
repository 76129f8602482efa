//! # Keys: whatever is wanted twice happens once
//!
//! Every changing command takes a key. The same person's same key gives the first answer, from
//! whichever device and however it is said; for anything else it is refused and nothing stored.

use serde_json::{Value, json};

use crate::support::{Line, Parlour};

/// A command, what has to be done before it, and whether Bo wants it instead of Ana.
fn changing() -> Vec<(Vec<Value>, Value)> {
    let say = json!({"do": "send", "room": "den", "text": "hi"});
    vec![
        (vec![], json!({"do": "create_room", "room": "new"})),
        (vec![], json!({"do": "dm", "user": "cy"})),
        (vec![], json!({"do": "invite", "room": "den", "user": "cy"})),
        (vec![], json!({"do": "remove", "room": "den", "user": "bo"})),
        (vec![], json!({"do": "ban", "room": "den", "user": "bo"})),
        (
            vec![],
            json!({"do": "mute", "room": "den", "user": "bo", "until": "2999-01-01T00:00:00Z"}),
        ),
        (
            vec![],
            json!({"do": "role", "room": "den", "user": "bo", "role": "moderator"}),
        ),
        (
            vec![],
            json!({"do": "level", "room": "den", "level": "nothing"}),
        ),
        (
            vec![],
            json!({"do": "change_room", "room": "den", "topic": "tea"}),
        ),
        (vec![], json!({"do": "delete_room", "room": "den"})),
        (vec![], json!({"do": "leave", "room": "den"})),
        (vec![], json!({"do": "join", "room": "hall"})),
        (vec![], say.clone()),
        (
            vec![say.clone()],
            json!({"do": "edit", "room": "den", "seq": 1, "text": "ho"}),
        ),
        (
            vec![say.clone()],
            json!({"do": "delete", "room": "den", "seq": 1}),
        ),
        (
            vec![say.clone()],
            json!({"do": "react", "room": "den", "seq": 1, "emoji": "x"}),
        ),
        (vec![say], json!({"do": "read", "room": "den", "seq": 1})),
        (vec![], json!({"do": "notify", "to": "cy", "text": "hey"})),
    ]
}

/// Ana's two devices, and Bo's; all of them are in the room "den", and "hall" is Bo's own.
fn den(parlour: &Parlour) -> (Line, Line, Line) {
    let ana = parlour.sign_up("ana");
    let bo = parlour.sign_up("bo");
    parlour.sign_up("cy");
    let (mut line, mut bo) = (ana.line(), bo.line());
    line.ask(json!({"do": "create_room", "room": "den"}));
    bo.ask(json!({"do": "join", "room": "den"}));
    bo.ask(json!({"do": "create_room", "room": "hall"}));
    let phone = ana.line();
    (line, phone, bo)
}

#[test]
fn every_changing_command_is_done_once_for_its_key() {
    for (before, command) in changing() {
        let parlour = Parlour::start();
        let (mut line, mut phone, mut bo) = den(&parlour);
        for first in before {
            line.ask(first);
        }
        let mut with_key = command.clone();
        with_key["key"] = "k1".into();
        let first = line.ask(with_key.clone());
        assert_eq!(first.get("repeat"), None, "{command}: {first}");
        for line in [&mut line, &mut phone, &mut bo] {
            line.drain();
        }
        for again in [&mut line, &mut phone] {
            let repeat = again.ask(with_key.clone());
            assert_eq!(repeat["repeat"], true, "{command}");
            // A room is told as it is by then.
            for name in ["seq", "version", "id", "at", "read"] {
                if first.get("room").is_none() || first.get("at").is_some() {
                    assert_eq!(repeat[name], first[name], "{command}");
                }
            }
            assert_eq!(repeat["room"], first["room"], "{command}");
        }
        // Under another name of what is the same, such as the room's with a `#`.
        if with_key.get("room").is_some() {
            let mut named = with_key.clone();
            named["room"] = format!("#{}", named["room"].as_str().unwrap().to_uppercase()).into();
            assert_eq!(line.ask(named)["repeat"], true, "{command}");
        }
        // For something else it is not good any more, whoever was first.
        phone.refused(
            json!({"do": "send", "room": "den", "text": "other", "key": "k1"}),
            "key_reused",
        );
        line.refused(
            json!({"do": "create_room", "room": "fresh", "key": "k1"}),
            "key_reused",
        );
        for line in [&mut line, &mut phone, &mut bo] {
            let heard: Vec<Value> = line.drain();
            let lasting = heard.iter().filter(|it| it.get("op").is_some()).count();
            assert_eq!(lasting, 0, "{command}: {heard:?}");
        }
        // Another person's key of the same name is another one.
        bo.ask(json!({"do": "send", "room": "hall", "text": "mine", "key": "k1"}));
    }
}

#[test]
fn a_key_is_remembered_across_an_end_and_a_kill() {
    let mut parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let token = ana.token.clone().unwrap();
    let mut line = ana.line();
    line.ask(json!({"do": "create_room", "room": "den"}));
    let say = json!({"do": "send", "room": "den", "text": "once", "key": "k"});
    let first = line.ask(say.clone());
    for is_killed in [true, false] {
        if is_killed {
            parlour.kill();
        } else {
            parlour.stop();
        }
        parlour.begin();
        let mut line = parlour.with_token("ana", &token).line();
        let again = line.ask(say.clone());
        assert_eq!((&again["seq"], &again["at"]), (&first["seq"], &first["at"]));
        assert_eq!(again["repeat"], true);
        let page = line.ask(json!({"do": "history", "room": "den"}));
        assert_eq!(page["messages"].as_array().unwrap().len(), 1);
    }
}

#[test]
fn a_refused_command_leaves_its_key_free() {
    let parlour = Parlour::start();
    let (mut line, ..) = den(&parlour);
    line.refused(
        json!({"do": "send", "room": "hall", "text": "x", "key": "k"}),
        "not_a_member",
    );
    line.ask(json!({"do": "join", "room": "hall"}));
    let sent = line.ask(json!({"do": "send", "room": "hall", "text": "x", "key": "k"}));
    assert_eq!(sent.get("repeat"), None);
}

#[test]
fn keys_of_a_socket_and_of_requests_are_the_same() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let mut line = ana.line();
    line.ask(json!({"do": "create_room", "room": "den"}));
    let first = line.ask(json!({"do": "send", "room": "den", "text": "one", "key": "k"}));
    let fields = [("Idempotency-Key", "k")];
    let again = ana.send(
        "POST",
        "/rooms/den/messages",
        &fields,
        &json!({"text": "one"}),
    );
    assert_eq!(again.expect(200)["seq"], first["seq"]);
    let other = ana.send(
        "POST",
        "/rooms/den/messages",
        &fields,
        &json!({"text": "two"}),
    );
    other.refuses(409, "key_reused");
}
