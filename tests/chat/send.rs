//! `parlour send`: by the database beside the server, and to another machine.

use serde_json::json;

use crate::strict::{Said, run_in};
use crate::support::{Parlour, Person};

fn town() -> (Parlour, Person) {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    (parlour, ana)
}

/// Runs `parlour send` on this server's data.
fn send(parlour: &Parlour, words: &[&str], input: &str) -> Said {
    let words = [
        &["send"],
        words,
        &["--data", parlour.data().to_str().unwrap()],
    ]
    .concat();
    run_in(parlour.data(), &words, input)
}

fn texts(ana: &Person) -> Vec<String> {
    let page = ana.get("/rooms/den/messages").expect(200);
    let messages = page["messages"].as_array().unwrap().iter();
    messages
        .map(|it| {
            format!(
                "{}: {}",
                it["from"].as_str().unwrap(),
                it["text"].as_str().unwrap()
            )
        })
        .collect()
}

#[test]
fn beside_the_server_it_is_said_at_once() {
    let (parlour, ana) = town();
    let mut line = ana.line();
    let said = send(&parlour, &["--room", "den", "all green"], "");
    assert_eq!(said.stdout, "said in den as message 1\n", "{said:?}");
    assert_eq!(line.event("message")["text"], "all green");
    assert_eq!(
        send(&parlour, &["--room", "den"], "two\nlines\n").code,
        Some(0)
    );
    let said = send(&parlour, &["--room", "den", "--lines"], "three\n\nfour\n");
    assert_eq!(said.stdout, "sent 2 messages\n", "{said:?}");
    assert_eq!(
        send(&parlour, &["--room", "den", "--as", "ana", "me"], "").code,
        Some(0)
    );
    let expected = [
        "console: all green",
        "console: two\nlines",
        "console: three",
        "console: four",
        "ana: me",
    ];
    for _ in &expected[1..] {
        line.event("message");
    }
    assert_eq!(texts(&ana), expected);
    assert_eq!(send(&parlour, &["--user", "ana", "psst"], "").code, Some(0));
    assert_eq!(line.event("notification")["text"], "psst");
}

#[test]
fn with_a_key_it_is_said_once_also_while_no_server_runs() {
    let (mut parlour, ana) = town();
    parlour.stop();
    for _ in 0..2 {
        let said = send(&parlour, &["--room", "den", "--key", "k", "once"], "");
        assert_eq!(said.stdout, "said in den as message 1\n", "{said:?}");
        let lines = &["--room", "den", "--key", "l", "--lines"];
        assert_eq!(send(&parlour, lines, "a\nb\n").code, Some(0));
    }
    let said = send(&parlour, &["--room", "den", "--key", "k", "twice"], "");
    assert!(said.code == Some(1) && said.stderr.contains("used for something else"));
    parlour.begin();
    let ana = parlour.with_token("ana", ana.token.as_deref().unwrap());
    assert_eq!(texts(&ana), ["console: once", "console: a", "console: b"]);
}

#[test]
fn another_server_is_told_with_a_token() {
    let (parlour, ana) = town();
    let url = format!("http://{}", parlour.address());
    let token = ana.token.as_deref().unwrap();
    let there = ["--url", &url, "--token", token];
    let said = send(
        &parlour,
        &[&["--room", "den", "--key", "k", "hi"], &there[..]].concat(),
        "",
    );
    assert_eq!(said.stdout, "said in den as message 1\n", "{said:?}");
    let said = send(
        &parlour,
        &[&["--room", "den", "--lines"], &there[..]].concat(),
        "a\nb\n",
    );
    assert_eq!(said.stdout, "sent 2 messages\n", "{said:?}");
    assert_eq!(
        send(
            &parlour,
            &[&["--user", "ana", "psst"], &there[..]].concat(),
            ""
        )
        .code,
        Some(0)
    );
    assert_eq!(texts(&ana), ["ana: hi", "ana: a", "ana: b"]);
    let said = send(
        &parlour,
        &[&["--room", "attic", "hi"], &there[..]].concat(),
        "",
    );
    assert!(
        said.code == Some(1) && said.stderr.contains("no room"),
        "{said:?}"
    );
    let said = send(
        &parlour,
        &["--room", "den", "hi", "--url", &url, "--token", "pt_x"],
        "",
    );
    assert!(
        said.code == Some(1) && said.stderr.contains("token"),
        "{said:?}"
    );
}

#[test]
fn what_is_wrong_is_told() {
    let (parlour, ana) = town();
    let check = |words: &[&str], input: &str, code: i32, told: &str| {
        let said = send(&parlour, words, input);
        assert!(
            said.code == Some(code) && said.stderr.contains(told),
            "{words:?}: {said:?}"
        );
    };
    check(&["hi"], "", 2, "--room");
    check(&["--room", "den", "--user", "ana", "hi"], "", 2, "--room");
    check(&["--room", "den"], "", 2, "empty");
    check(&["--room", "den", "--lines", "hi"], "", 2, "standard input");
    check(&["--room", "den", "--token", "x", "hi"], "", 2, "--url");
    check(
        &["--room", "den", "--url", "http://a/", "hi"],
        "",
        2,
        "PARLOUR_TOKEN",
    );
    check(&["--room", "attic", "hi"], "", 1, "no room");
    check(&["--user", "bo", "hi"], "", 1, "nobody called");
    check(
        &["--room", "den", "--as", "bo", "hi"],
        "",
        1,
        "nobody called",
    );
    let long = "a".repeat(8001);
    check(&["--room", "den"], &long, 2, "8001");
    parlour.sign_up("bo");
    check(&["--room", "den", "--as", "bo", "hi"], "", 1, "Join room");
    assert!(texts(&ana).is_empty());
}
