//! Outgoing webhooks, against a receiver that does what it should and what it should not.

use std::process::Command;

use serde_json::{Value, json};

use crate::receiver::{Does, Letter, Receiver};
use crate::strict::eventually;
use crate::support::{Parlour, Person};

const ALLOW: &[&str] = &["--webhooks-allow", "127.0.0.1"];
const OK: Does = Does::Answers(200, "ok");

/// Ana and her room `den`, on a server that may send to this machine.
fn town() -> (Parlour, Person) {
    let parlour = Parlour::start_with(ALLOW);
    let ana = parlour.sign_up("ana");
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    (parlour, ana)
}

/// A hook of hers; its path and its secret.
fn hook(ana: &Person, url: &str, events: &[&str]) -> (String, String) {
    let wanted = json!({"direction": "outgoing", "name": "relay", "room": "den", "url": url, "events": events});
    let made = ana.post("/webhooks", wanted).expect(201);
    let path = format!("/webhooks/{}", made["webhook"]["id"]);
    (path, made["secret"].as_str().unwrap().to_owned())
}

fn say(person: &Person, text: &str) {
    person
        .post("/rooms/den/messages", json!({"text": text}))
        .expect(201);
}

fn text_of(letter: &Letter) -> String {
    letter.json()["event"]["text"].as_str().unwrap().to_owned()
}

fn deliveries(ana: &Person, path: &str) -> Vec<Value> {
    let found = ana.get(&format!("{path}/deliveries")).expect(200);
    found["deliveries"].as_array().unwrap().clone()
}

/// What it says of a delivery in the end, once it says so.
#[track_caller]
fn comes_to(ana: &Person, path: &str, state: &str, told: &str) {
    eventually(told, || {
        let found = deliveries(ana, path);
        found.iter().any(|it| {
            it["state"] == state && it["error"].as_str().is_some_and(|it| it.contains(told))
        })
    });
}

#[test]
fn what_is_said_is_sent_signed_and_the_answer_is_said() {
    let (_parlour, ana) = town();
    let answer = Does::Answers(200, r#"{"text":"I heard you"}"#);
    let receiver = Receiver::start(&[answer, OK]);
    let (path, secret) = hook(&ana, &receiver.url(), &["message"]);
    let mut line = ana.line();
    say(&ana, "hello");
    let told = line.event("message");
    let letter = receiver.letter();
    let body = letter.json();
    assert_eq!(body["event"], told);
    assert_eq!(
        (&body["id"], &body["kind"]),
        (&told["op"], &json!("message"))
    );
    assert_eq!(letter.field("Parlour-Event"), "message");
    assert_eq!(letter.field("Content-Type"), "application/json");
    let heard = line.event("message");
    assert_eq!(
        (&heard["text"], &heard["from"]),
        (&json!("I heard you"), &json!("hook-1"))
    );
    // Its own words are not sent to it.
    say(&ana, "again");
    assert_eq!(text_of(&receiver.letter()), "again");
    eventually("all has arrived", || deliveries(&ana, &path).is_empty());

    let signed = letter.field("Parlour-Signature");
    let (at, mac) = signed
        .strip_prefix("t=")
        .unwrap()
        .split_once(",v1=")
        .unwrap();
    let python = Command::new("python3")
        .args([
            "-c",
            "import sys,hmac;print(hmac.new(sys.argv[1].encode(),(sys.argv[2]+'.'+sys.argv[3]).encode(),'sha256').hexdigest())",
            &secret,
            at,
            &letter.body,
        ])
        .output();
    // Where there is no Python, a unit test has a known signature.
    if let Ok(output) = python {
        assert_eq!(String::from_utf8_lossy(&output.stdout).trim(), mac);
    }
}

#[test]
fn a_hook_is_sent_what_it_wants_of_its_room() {
    let (parlour, ana) = town();
    ana.post("/rooms", json!({"room": "attic"})).expect(201);
    let receiver = Receiver::start(&[OK]);
    hook(&ana, &receiver.url(), &["mention", "join"]);
    ana.post("/rooms/attic/messages", json!({"text": "@hook-1"}))
        .expect(201);
    say(&ana, "nobody is meant");
    say(&ana, "you there, @hook-1");
    assert_eq!(text_of(&receiver.letter()), "you there, @hook-1");
    let bo = parlour.sign_up("bo");
    bo.put("/rooms/den/members/me", json!({})).expect(200);
    let letter = receiver.letter().json();
    assert_eq!(
        (&letter["kind"], &letter["event"]["user"]),
        (&json!("join"), &json!("bo"))
    );
    assert!(receiver.is_empty());
}

#[test]
fn a_bot_hears_all_its_rooms() {
    let (_parlour, ana) = town();
    ana.post("/rooms", json!({"room": "attic"})).expect(201);
    ana.post("/users", json!({"name": "ear", "role": "bot"}))
        .expect(201);
    let receiver = Receiver::start(&[OK]);
    let wanted = json!({"direction": "outgoing", "name": "ear", "bot": "ear", "url": receiver.url(), "events": ["message"]});
    ana.post("/webhooks", wanted).expect(201);
    say(&ana, "before it came");
    for room in ["den", "attic"] {
        ana.put(&format!("/rooms/{room}/members/ear"), json!({}))
            .expect(204);
        let path = format!("/rooms/{room}/messages");
        ana.post(&path, json!({"text": room})).expect(201);
        assert_eq!(text_of(&receiver.letter()), room);
    }
}

#[test]
fn what_fails_is_tried_again_until_it_arrives() {
    let (_parlour, ana) = town();
    let receiver = Receiver::start(&[Does::HangsUp, Does::BreaksOff, Does::Answers(503, ""), OK]);
    let (path, _) = hook(&ana, &receiver.url(), &["message"]);
    say(&ana, "stubborn");
    let ids: Vec<Value> = (0..3)
        .map(|_| receiver.letter().json()["id"].clone())
        .collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "the id tells repeats");
    comes_to(&ana, &path, "waiting", "503");
    assert_eq!(receiver.letter().json()["id"], ids[0]);
    eventually("it has arrived", || deliveries(&ana, &path).is_empty());
    let about = ana.get(&path).expect(200);
    assert_eq!(about["webhook"]["failures"], 0);
}

#[test]
fn nonsense_is_a_failure_and_a_flood_is_cut_off() {
    let (_parlour, ana) = town();
    let receiver = Receiver::start(&[Does::Babbles, Does::Floods, OK]);
    let (path, _) = hook(&ana, &receiver.url(), &["message"]);
    say(&ana, "one");
    comes_to(&ana, &path, "waiting", "not HTTP");
    receiver.letter();
    receiver.letter();
    // It did arrive; its answer is of no use to anybody.
    eventually("it has arrived", || deliveries(&ana, &path).is_empty());
    let said = ana.get("/rooms/den/messages").expect(200);
    assert_eq!(said["messages"].as_array().unwrap().len(), 1);
}

#[test]
fn redirections_are_not_followed_and_dead_letters_are_sent_again() {
    let (_parlour, ana) = town();
    let elsewhere = Receiver::start(&[OK]);
    let receiver = Receiver::start(&[Does::Redirects(elsewhere.url()), OK]);
    let (path, _) = hook(&ana, &receiver.url(), &["message"]);
    say(&ana, "follow me");
    comes_to(&ana, &path, "dead", "not followed");
    assert!(elsewhere.is_empty());
    receiver.letter();
    assert_eq!(ana.get(&path).expect(200)["webhook"]["dead"], 1);
    let again =
        |body| ana.post(&format!("{path}/redeliver"), body).expect(200)["redelivered"].clone();
    assert_eq!(again(json!({"id": 1})), 0);
    assert_eq!(again(json!({})), 1);
    assert_eq!(text_of(&receiver.letter()), "follow me");
    eventually("it has arrived", || deliveries(&ana, &path).is_empty());
}

#[test]
fn who_wants_nothing_more_is_sent_nothing_more_and_the_owner_told() {
    let (_parlour, ana) = town();
    let receiver = Receiver::start(&[Does::Answers(410, ""), OK]);
    let (path, _) = hook(&ana, &receiver.url(), &["message"]);
    let mut line = ana.line();
    say(&ana, "one");
    let note = line.event("notification");
    assert!(
        note["text"].as_str().unwrap().contains("given up"),
        "{note}"
    );
    receiver.letter();
    say(&ana, "two");
    ana.post(&format!("{path}/test"), json!({}))
        .refuses(403, "forbidden");
    assert!(ana.get(&path).expect(200)["webhook"]["failed_at"].is_string());
    // Let go on, it goes on where it stopped.
    ana.patch(&path, json!({"paused": false})).expect(200);
    assert_eq!(text_of(&receiver.letter()), "two");
}

#[test]
fn this_machine_is_reached_only_if_it_is_allowed() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    let receiver = Receiver::start(&[OK]);
    let port = receiver.address.port();
    let urls = [
        receiver.url(),
        format!("http://localhost:{port}/"),
        format!("http://[::ffff:127.0.0.1]:{port}/"),
        format!("http://127.1:{port}/"),
        format!("http://2130706433:{port}/"),
        "http://169.254.169.254/latest/meta-data".to_owned(),
    ];
    for (at, url) in urls.iter().enumerate() {
        let (path, _) = hook(&ana, url, &["message"]);
        let tested = ana.post(&format!("{path}/test"), json!({})).expect(200);
        let why = tested["error"]
            .as_str()
            .unwrap_or_else(|| panic!("{url}: {tested}"));
        assert!(
            why.contains("not allowed") || why.contains("cannot reach"),
            "{url}: {why}"
        );
        if at == 0 {
            say(&ana, "psst");
            comes_to(&ana, &path, "dead", "--webhooks-allow");
        }
    }
    assert!(receiver.is_empty());
}

#[test]
fn whoever_waits_holds_up_nobody_else() {
    let (mut parlour, ana) = town();
    let slow = Receiver::start(&[Does::Waits]);
    let quick = Receiver::start(&[OK]);
    hook(&ana, &slow.url(), &["message"]);
    let (path, _) = hook(&ana, &quick.url(), &["message"]);
    for n in 0..20 {
        say(&ana, &n.to_string());
    }
    for n in 0..20 {
        assert_eq!(text_of(&quick.letter()), n.to_string());
    }
    let tested = ana.post(&format!("{path}/test"), json!({})).expect(200);
    assert_eq!(tested["status"], 200);
    assert_eq!(quick.letter().json()["kind"], "test");
    assert_eq!(text_of(&slow.letter()), "0");
    parlour.stop();
}

#[test]
fn what_waits_is_there_after_a_kill_and_sent_at_least_once() {
    let (mut parlour, ana) = town();
    let receiver = Receiver::start(&[Does::Waits, Does::Answers(200, r#"{"text":"yes"}"#)]);
    let (path, _) = hook(&ana, &receiver.url(), &["message"]);
    for n in 0..10 {
        say(&ana, &n.to_string());
    }
    // One is under way, the others wait or were not even found yet.
    let first = receiver.letter();
    parlour.kill();
    parlour.begin();
    let ana = parlour.with_token("ana", ana.token.as_deref().unwrap());
    let mut sent = Vec::new();
    while sent.len() < 10 {
        let text = text_of(&receiver.letter());
        if !sent.contains(&text) {
            sent.push(text);
        }
    }
    assert!(sent.contains(&text_of(&first)));
    eventually("all have arrived", || deliveries(&ana, &path).is_empty());
    // Each was answered once.
    let said = ana.get("/rooms/den/messages?limit=100").expect(200);
    let answers = said["messages"].as_array().unwrap().iter();
    assert_eq!(answers.filter(|it| it["text"] == "yes").count(), 10);
}

#[test]
fn what_is_paused_waits_and_what_is_deleted_is_gone() {
    let (parlour, ana) = town();
    let receiver = Receiver::start(&[OK]);
    let (path, _) = hook(&ana, &receiver.url(), &["message"]);
    ana.patch(&path, json!({"paused": true})).expect(200);
    say(&ana, "later");
    ana.patch(&path, json!({"paused": false})).expect(200);
    assert_eq!(text_of(&receiver.letter()), "later");
    ana.delete(&path).expect(204);
    say(&ana, "never");
    ana.get(&format!("{path}/deliveries"))
        .refuses(404, "not_found");
    let bo = parlour.sign_up("bo");
    let wanted = json!({"direction": "outgoing", "name": "x", "room": "den", "url": receiver.url(), "events": ["message"]});
    bo.post("/webhooks", wanted).refuses(403, "forbidden");
    for (name, value) in [
        ("url", json!("ftp://x/")),
        ("url", json!("http://ana:x@b/")),
        ("events", json!([])),
        ("events", json!(["everything"])),
        ("room", json!("no such room")),
    ] {
        let mut wanted = json!({"direction": "outgoing", "name": "x", "room": "den", "url": "http://a/", "events": ["join"]});
        wanted[name] = value;
        ana.post("/webhooks", wanted).refuses_field(name);
    }
    assert!(receiver.is_empty());
}

#[test]
fn over_tls_whom_the_system_trusts_is_sent_events_and_nobody_else() {
    let receiver = Receiver::start_tls(&[OK]);
    let url = format!("https://localhost:{}/", receiver.address.port());
    let certificate = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/chat/tls/certificate.pem"
    );
    let mut parlour = Parlour::not_started();
    let how = format!(
        "export SSL_CERT_FILE='{certificate}'; exec \"$@\" --webhooks-allow 127.0.0.1 --webhooks-allow ::1"
    );
    parlour.begin_by(&["sh", "-c", &how]);
    let ana = parlour.sign_up("ana");
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    let (path, _) = hook(&ana, &url, &["message"]);
    let test = |path: &str| ana.post(&format!("{path}/test"), json!({})).expect(200);
    assert_eq!(test(&path)["status"], 200);
    say(&ana, "psst");
    receiver.letter();
    assert_eq!(text_of(&receiver.letter()), "psst");
    // Under another name it is somebody else.
    let (path, _) = hook(&ana, &url.replace("localhost", "127.0.0.1"), &["message"]);
    assert!(
        test(&path)["error"]
            .as_str()
            .unwrap()
            .contains("certificate"),
        "{}",
        test(&path)
    );
}

#[test]
fn a_command_is_handed_to_the_hook_that_takes_it() {
    let (parlour, ana) = town();
    let receiver = Receiver::start(&[Does::Answers(200, r#"{"text":"deployed"}"#), OK]);
    let wanted = json!({"direction": "outgoing", "name": "Deploy something", "room": "den", "url": receiver.url(), "events": ["message"], "command": "/Deploy"});
    let made = ana.post("/webhooks", wanted.clone()).expect(201);
    assert_eq!(made["webhook"]["command"], "deploy");
    let mut line = ana.line();
    let sent =
        line.ask(json!({"do": "send", "room": "den", "text": "/deploy web now", "key": "k"}));
    assert_eq!(sent["seq"], 1);
    let letter = receiver.letter().json();
    assert_eq!(
        (&letter["kind"], &letter["command"]),
        (&json!("command"), &json!("deploy"))
    );
    assert_eq!(letter["event"]["text"], "/deploy web now");
    assert_eq!(
        line.find("the answer", |it| it["text"] == "deployed")["from"],
        "hook-1"
    );
    // The same again is the same, and as a text it is a text.
    line.ask(json!({"do": "send", "room": "den", "text": "/deploy web now", "key": "k"}));
    say(&ana, "//deployed already");
    assert_eq!(receiver.letter().json()["kind"], "message");
    assert!(receiver.is_empty());
    let listed = ana.get("/commands?room=den").expect(200);
    let names: Vec<_> = listed["commands"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].clone())
        .collect();
    assert!(names.contains(&json!("deploy")), "{names:?}");
    // Where the hook is not, there is no such command; and it takes none of the server's.
    ana.post("/rooms", json!({"room": "attic"})).expect(201);
    let there = ana
        .post("/rooms/attic/messages", json!({"text": "/deploy web"}))
        .expect(200);
    assert_eq!(there["unknown"], true);
    let bo = parlour.sign_up("bo");
    bo.post("/rooms/den/messages", json!({"text": "/deploy"}))
        .refuses(403, "not_a_member");
    let mut taken = wanted.clone();
    taken["command"] = "help".into();
    ana.post("/webhooks", taken).refuses(409, "exists");
    let mut odd = wanted;
    odd["command"] = "a b".into();
    ana.post("/webhooks", odd).refuses_field("command");
}
