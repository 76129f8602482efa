//! # The example `consumers`, from outside
//!
//! People with browsers register, chat in groups and notify each other; what does not work is tried
//! too. Whether somebody heard nothing is told by what they hear next.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![allow(
    clippy::disallowed_methods,
    reason = "many clients at once are threads, which live in real time"
)]

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use parlour::client::{ConnectError, Socket};
use parlour::store::rusqlite::Connection;
use people::{Answer, Browser, Example, PATIENCE, hear};
use serde_json::{Value, json};

mod people;

const PASSWORD: &str = "correct horse";

fn start() -> Example {
    Example::with_data("consumers", &[])
}

fn credentials(name: &str) -> Value {
    json!({ "username": name, "password": PASSWORD })
}

/// A new person, signed in.
fn register(example: &Example, name: &str) -> Browser {
    let mut browser = example.browser();
    let answer = browser.send("POST", "/register", &credentials(name));
    let person = answer.expect(201).json();
    assert_eq!(person, json!({ "username": name, "display_name": name }));
    browser
}

/// Another browser of somebody who has registered.
fn login(example: &Example, name: &str) -> Browser {
    let mut browser = example.browser();
    let answer = browser.send("POST", "/login", &credentials(name));
    assert_eq!(answer.expect(200).json()["username"], name);
    browser
}

fn join(browser: &Browser, group: &str) -> Socket {
    let mut socket = browser.socket(&format!("/ws/chat/{group}")).unwrap();
    socket.set_timeout(Some(PATIENCE));
    socket
}

fn chat(group: &str, message: &str) -> String {
    json!({ "cate": "chat", "group_name": group, "message": message }).to_string()
}

fn notification(user: &str, message: &str) -> String {
    json!({ "cate": "notification", "user_name": user, "message": message }).to_string()
}

/// The message of the next event, which has this type.
#[track_caller]
fn hear_a(kind: &str, socket: &mut Socket) -> String {
    let event = hear(socket);
    assert_eq!(event["type"], kind, "{event}");
    event["message"].as_str().unwrap().to_owned()
}

fn is_date(date: &Value) -> bool {
    let shape: String = date
        .as_str()
        .unwrap()
        .chars()
        .map(|c| if c.is_ascii_digit() { '0' } else { c })
        .collect();
    shape == "0000-00-00T00:00:00.000Z"
}

/// What a list has, without what differs from run to run.
fn texts(list: &Answer) -> Vec<String> {
    let list = list.json();
    let list = list.as_array().unwrap().iter();
    list.map(|it| it["message"].as_str().unwrap().to_owned())
        .collect()
}

/// How many connections a group has, by somebody who is signed in.
fn connections(browser: &mut Browser, path: &str) -> u64 {
    browser.get(path).expect(200).json()["connections"]
        .as_u64()
        .unwrap()
}

#[track_caller]
fn expect_connections(browser: &mut Browser, path: &str, wanted: u64) {
    let deadline = Instant::now() + PATIENCE;
    while connections(browser, path) != wanted {
        assert!(Instant::now() < deadline, "{path}: there are others");
    }
}

#[track_caller]
fn refusal(result: Result<Socket, ConnectError>) -> u16 {
    match result {
        Err(ConnectError::Refused { status, .. }) => status,
        other => panic!("not refused: {other:?}"),
    }
}

#[track_caller]
fn expect_error(answer: Answer, status: u16) -> String {
    let answer = answer.expect(status);
    assert_eq!(answer.field("content-type"), Some("application/json"));
    let error = answer.json();
    assert_eq!(error["type"], "error");
    error["message"].as_str().unwrap().to_owned()
}

// ---- what works ------------------------------------------------------------------------------

#[test]
fn members_of_a_group_hear_what_is_said_there_and_others_do_not() {
    let example = start();
    let (ann, bob) = (register(&example, "ann"), register(&example, "bob"));
    let mut anns = join(&ann, "kitchen");
    let mut bobs = join(&bob, "kitchen");
    let mut elsewhere = join(&bob, "cellar");
    anns.write(chat("kitchen", "is there <b>tea</b>?").as_str())
        .unwrap();
    for socket in [&mut anns, &mut bobs] {
        let mut event = hear(socket);
        assert!(is_date(&event["date"]), "{event}");
        event.as_object_mut().unwrap().remove("date");
        let wanted = json!({
            "type": "chat", "group_name": "kitchen", "display_name": "kitchen",
            "message": "is there <b>tea</b>?", "from_user": "ann",
        });
        assert_eq!(event, wanted);
    }
    elsewhere
        .write(chat("cellar", "cold here").as_str())
        .unwrap();
    assert_eq!(hear_a("chat", &mut elsewhere), "cold here");
    let mut with_a_slash = join(&ann, "cellar/");
    elsewhere.write(chat("cellar", "come in").as_str()).unwrap();
    assert_eq!(hear_a("chat", &mut with_a_slash), "come in");
}

#[test]
fn every_connection_of_a_user_hears_a_notification_and_nobody_else_does() {
    let example = start();
    let ann = register(&example, "ann");
    let bob = [register(&example, "bob"), login(&example, "bob")];
    let cem = register(&example, "cem");
    let mut anns = join(&ann, "kitchen");
    let mut bobs = [
        join(&bob[0], "kitchen"),
        join(&bob[0], "garden"),
        join(&bob[1], "kitchen"),
    ];
    let mut cems = join(&cem, "kitchen");
    // In any spelling of the name.
    anns.write(notification("Bob", "dinner").as_str()).unwrap();
    for socket in &mut bobs {
        let event = hear(socket);
        assert!(is_date(&event["date"]), "{event}");
        let wanted = json!({
            "type": "notification", "message": "dinner", "from_user": "ann",
            "date": event["date"], "id": event["id"],
        });
        assert!(event["id"].is_i64());
        assert_eq!(event, wanted);
    }
    anns.write(chat("kitchen", "next").as_str()).unwrap();
    assert_eq!(hear_a("chat", &mut anns), "next");
    assert_eq!(hear_a("chat", &mut cems), "next");
}

#[test]
fn what_was_stored_is_listed_page_by_page_newest_last() {
    let example = start();
    let (mut ann, mut bob) = (register(&example, "ann"), register(&example, "bob"));
    let mut socket = join(&ann, "kitchen");
    for number in 0..60 {
        socket
            .write(chat("kitchen", &format!("m{number}")).as_str())
            .unwrap();
        socket
            .write(notification("bob", &format!("n{number}")).as_str())
            .unwrap();
    }
    for number in 0..60 {
        assert_eq!(hear_a("chat", &mut socket), format!("m{number}"));
    }
    // Behind the last of all, so that it is stored by now.
    socket.write(notification("ann", "mine").as_str()).unwrap();
    assert_eq!(hear_a("notification", &mut socket), "mine");

    let numbered = |letter: &str, numbers: std::ops::Range<u32>| -> Vec<String> {
        numbers.map(|number| format!("{letter}{number}")).collect()
    };
    for (path, letter) in [("/messages/kitchen", "m"), ("/notifications", "n")] {
        let newest = bob.get(path).expect(200);
        assert_eq!(
            texts(&newest),
            numbered(letter, 10..60),
            "50 if nothing is said"
        );
        let before = newest.json()[0]["id"].to_string();
        let older = bob
            .get(&format!("{path}?before={before}&limit=3"))
            .expect(200);
        assert_eq!(texts(&older), numbered(letter, 7..10));
        let first = older.json()[0].clone();
        assert!(is_date(&first["date"]));
        assert_eq!(first["from_user"], "ann");
        let none = bob.get(&format!("{path}?before=0")).expect(200);
        assert_eq!(none.json(), json!([]));
        for wrong in [
            "limit=0",
            "limit=101",
            "limit=x",
            "limit=",
            "before=x",
            "before=1e3",
        ] {
            expect_error(bob.get(&format!("{path}?{wrong}")), 400);
        }
    }
    assert_eq!(
        texts(&ann.get("/notifications")),
        ["mine"],
        "everybody has their own"
    );
    assert_eq!(ann.get("/messages/cellar").expect(200).json(), json!([]));
}

#[test]
fn a_group_is_called_by_its_name_until_somebody_titles_it() {
    let example = start();
    let mut ann = register(&example, "ann");
    let mut socket = join(&ann, "kitchen");
    assert_eq!(ann.get("/groups/kitchen").json()["display_name"], "kitchen");
    for title in ["Küche", "Die <i>große</i> Küche"] {
        let named = json!({ "display_name": title });
        let answer = ann.send("PUT", "/groups/kitchen", &named).expect(200);
        assert_eq!(answer.json()["display_name"], title);
        socket.write(chat("kitchen", "hello").as_str()).unwrap();
        assert_eq!(hear(&mut socket)["display_name"], title);
        assert_eq!(ann.get("/groups/kitchen").json()["display_name"], title);
        let list = ann.get("/messages/kitchen").json();
        assert_eq!(list[0]["display_name"], title);
    }
    for wrong in [
        json!(""),
        json!("  "),
        json!("a\nb"),
        json!("x".repeat(101)),
        json!(5),
        json!(null),
    ] {
        let named = json!({ "display_name": wrong });
        expect_error(ann.send("PUT", "/groups/kitchen", &named), 400);
    }
    expect_error(
        ann.send(
            "PUT",
            "/groups/kitchen%20sink",
            &json!({ "display_name": "a" }),
        ),
        400,
    );
    expect_error(
        example
            .browser()
            .send("PUT", "/groups/kitchen", &json!({ "display_name": "a" })),
        401,
    );
}

#[test]
fn people_register_once_and_sign_in_and_out() {
    let example = start();
    let mut ann = example.browser();
    let asked = json!({ "username": "ann", "password": PASSWORD, "display_name": "Ann <3" });
    let person = json!({ "username": "ann", "display_name": "Ann <3" });
    assert_eq!(
        ann.send("POST", "/register", &asked).expect(201).json(),
        person
    );
    assert_eq!(ann.get("/me").expect(200).json()["display_name"], "Ann <3");
    for taken in ["ann", "ANN"] {
        let told = expect_error(
            example
                .browser()
                .send("POST", "/register", &credentials(taken)),
            409,
        );
        assert!(told.contains("taken"), "{told}");
    }
    let mut again = example.browser();
    let answer = again
        .send("POST", "/login", &credentials("Ann"))
        .expect(200);
    assert_eq!(answer.json(), person, "in their own spelling");
    let cookie = answer.field("set-cookie").unwrap().to_ascii_lowercase();
    assert!(
        cookie.contains("httponly") && cookie.contains("samesite=lax"),
        "{cookie}"
    );

    let mut stranger = example.browser();
    let wrong = json!({ "username": "ann", "password": "wrong horse" });
    let known = expect_error(stranger.send("POST", "/login", &wrong), 401);
    let unknown = expect_error(stranger.send("POST", "/login", &credentials("bob")), 401);
    assert_eq!(known, unknown);
    assert!(stranger.cookies.is_empty());

    again.ask("POST", "/logout", &[], b"").expect(204);
    expect_error(again.get("/me"), 401);
    assert_eq!(refusal(again.socket("/ws/chat/kitchen")), 403);
    ann.get("/me").expect(200);
}

#[test]
fn whoever_leaves_is_in_no_group_any_more() {
    let example = start();
    let (mut ann, bob) = (register(&example, "ann"), register(&example, "bob"));
    let mut stays = join(&ann, "kitchen");
    let mut closes = join(&bob, "kitchen");
    let vanishes = join(&bob, "kitchen");
    assert_eq!(connections(&mut ann, "/groups/kitchen"), 3);
    closes.close(1000, "").unwrap();
    assert!(closes.read().unwrap().is_none());
    expect_connections(&mut ann, "/groups/kitchen", 2);
    drop(vanishes);
    expect_connections(&mut ann, "/groups/kitchen", 1);
    let mut bob = bob;
    assert_eq!(connections(&mut bob, "/me"), 0);
    assert_eq!(connections(&mut ann, "/me"), 1);
    // Stored for later all the same.
    stays
        .write(notification("bob", "come back").as_str())
        .unwrap();
    stays.write(chat("kitchen", "alone").as_str()).unwrap();
    assert_eq!(hear_a("chat", &mut stays), "alone");
    assert_eq!(texts(&bob.get("/notifications")), ["come back"]);
}

#[test]
fn what_was_heard_has_been_stored_whatever_happens_then() {
    let mut example = start();
    let mut ann = register(&example, "ann");
    register(&example, "bob");
    for round in 0..3 {
        let mut socket = join(&ann, "kitchen");
        socket
            .write(chat("kitchen", &format!("m{round}")).as_str())
            .unwrap();
        assert_eq!(hear_a("chat", &mut socket), format!("m{round}"));
        socket
            .write(notification("ann", &format!("n{round}")).as_str())
            .unwrap();
        assert_eq!(hear_a("notification", &mut socket), format!("n{round}"));
        // Killed, not asked.
        let cookies = ann.cookies.clone();
        example = example.restart("consumers", &[]);
        ann = example.browser();
        ann.cookies = cookies;
        let all = |letter| {
            (0..=round)
                .map(|it| format!("{letter}{it}"))
                .collect::<Vec<_>>()
        };
        assert_eq!(texts(&ann.get("/messages/kitchen").expect(200)), all('m'));
        assert_eq!(texts(&ann.get("/notifications").expect(200)), all('n'));
    }
    login(&example, "bob");
    assert!(example.terminate().success());
}

#[test]
fn what_one_sends_is_stored_and_heard_in_its_order_even_if_they_leave_at_once() {
    let example = start();
    let (ann, mut bob) = (register(&example, "ann"), register(&example, "bob"));
    let mut bobs = join(&bob, "kitchen");
    let wanted: Vec<String> = (0..300).map(|number| format!("m{number}")).collect();
    let mut anns = join(&ann, "kitchen");
    for text in &wanted {
        anns.write(chat("kitchen", text).as_str()).unwrap();
    }
    anns.close(1000, "").unwrap();
    while let Ok(Some(_)) = anns.read() {}
    let heard: Vec<String> = wanted.iter().map(|_| hear_a("chat", &mut bobs)).collect();
    assert_eq!(heard, wanted);
    let mut stored = Vec::new();
    let mut before = String::from("9223372036854775807");
    while stored.len() < wanted.len() {
        let page = bob.get(&format!("/messages/kitchen?limit=100&before={before}"));
        before = page.json()[0]["id"].to_string();
        stored = [texts(&page), stored].concat();
    }
    assert_eq!(stored, wanted);
}

// ---- what must not work ----------------------------------------------------------------------

#[test]
fn without_a_session_nothing_opens() {
    let example = start();
    let mut ann = register(&example, "ann");
    let mut stranger = example.browser();
    assert_eq!(refusal(stranger.socket("/ws/chat/kitchen")), 403);
    for path in [
        "/me",
        "/notifications",
        "/messages/kitchen",
        "/groups/kitchen",
    ] {
        let told = expect_error(stranger.get(path), 401);
        assert!(told.contains("sign in"), "{told}");
    }
    let (name, value) = ann.cookies.first_key_value().unwrap();
    let (name, value) = (name.clone(), value.clone());
    let mut forged = vec![String::new(), "ann".to_owned(), format!("{value}A")];
    for at in [0, value.len() / 2, value.len() - 1] {
        let mut spoilt = value.clone().into_bytes();
        spoilt[at] = if spoilt[at] == b'A' { b'B' } else { b'A' };
        forged.push(String::from_utf8(spoilt).unwrap());
    }
    for value in forged {
        stranger.cookies.insert(name.clone(), value.clone());
        assert_eq!(refusal(stranger.socket("/ws/chat/kitchen")), 403, "{value}");
        assert_eq!(stranger.get("/me").status, 401, "{value}");
    }
    ann.get("/me").expect(200);
}

#[test]
fn pages_of_other_sites_reach_nothing() {
    let example = start();
    let mut ann = register(&example, "ann");
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        assert_eq!(refusal(ann.socket_from("/ws/chat/kitchen", origin)), 403);
        for (method, path) in [
            ("POST", "/register"),
            ("POST", "/login"),
            ("POST", "/logout"),
            ("PUT", "/groups/kitchen"),
        ] {
            let body = json!({ "username": "eve", "password": PASSWORD, "display_name": "Eve" });
            // What a form of another site can send without being asked.
            let fields = [("Origin", origin), ("Content-Type", "text/plain")];
            let answer = ann.ask(method, path, &fields, body.to_string().as_bytes());
            expect_error(answer, 403);
        }
    }
    assert_eq!(ann.get("/me").expect(200).json()["username"], "ann");
    let eve = example
        .browser()
        .send("POST", "/login", &credentials("eve"));
    expect_error(eve, 401);
}

#[test]
fn what_is_wrong_is_told_to_its_sender_and_the_connection_goes_on() {
    let example = start();
    let (ann, mut bob) = (register(&example, "ann"), register(&example, "bob"));
    let (mut anns, mut bobs) = (join(&ann, "kitchen"), join(&bob, "kitchen"));
    let long = "x".repeat(4001);
    for (sent, word) in [
        (String::new(), "JSON"),
        ("hello".to_owned(), "JSON"),
        ("{".to_owned(), "JSON"),
        ("5".to_owned(), "cate"),
        ("[]".to_owned(), "cate"),
        ("null".to_owned(), "cate"),
        ("{}".to_owned(), "cate"),
        ("[".repeat(10_000), "JSON"),
        (
            json!({ "cate": "dance", "message": "x" }).to_string(),
            "dance",
        ),
        (json!({ "cate": 5, "message": "x" }).to_string(), "JSON"),
        (
            json!({ "cate": "chat", "message": "x" }).to_string(),
            "group_name",
        ),
        (
            json!({ "cate": "chat", "group_name": "kitchen" }).to_string(),
            "message",
        ),
        (
            json!({ "cate": "chat", "group_name": "kitchen", "message": null }).to_string(),
            "null",
        ),
        (
            json!({ "cate": "chat", "group_name": 5, "message": "x" }).to_string(),
            "string",
        ),
        (
            json!({ "cate": "chat", "group_name": "kitchen", "message": ["x"] }).to_string(),
            "string",
        ),
        (
            json!({ "cate": "notification", "message": "x" }).to_string(),
            "user_name",
        ),
        (
            json!({ "cate": "notification", "user_name": { "a": 1 }, "message": "x" }).to_string(),
            "string",
        ),
        (chat("kitchen", ""), "empty"),
        (chat("kitchen", " \n\t "), "empty"),
        (chat("kitchen", &long), "4000"),
        (chat("cellar", "x"), "kitchen"),
        (chat("Kitchen", "x"), "kitchen"),
        (notification("bob", ""), "empty"),
        (notification("bob", &long), "4000"),
        (notification("nobody", "x"), "no user"),
        (notification("bob' OR 1=1 --", "x"), "no user"),
    ] {
        anns.write(sent.as_str()).unwrap();
        let told = hear_a("error", &mut anns);
        assert!(told.contains(word), "{sent}: {told}");
    }
    anns.write(&b"{}"[..]).unwrap();
    assert!(hear_a("error", &mut anns).contains("text"));
    // The longest that may be, however it is written.
    let longest = "😀".repeat(4000);
    let escaped = chat("kitchen", &"\\ud83d\\ude00".repeat(4000)).replace("\\\\", "\\");
    anns.write(escaped.as_str()).unwrap();
    assert_eq!(hear_a("chat", &mut anns), longest);
    // The first that Bob hears, and all that is stored.
    assert_eq!(hear_a("chat", &mut bobs), longest);
    assert_eq!(texts(&bob.get("/messages/kitchen")), [longest]);
    assert_eq!(texts(&bob.get("/notifications")), Vec::<String>::new());
}

#[test]
fn a_message_beyond_all_bounds_costs_its_connection_only() {
    let example = start();
    let (ann, bob) = (register(&example, "ann"), register(&example, "bob"));
    let mut huge = join(&ann, "kitchen");
    let (mut anns, mut bobs) = (join(&ann, "kitchen"), join(&bob, "kitchen"));
    let _ = huge.write(chat("kitchen", &"x".repeat(1 << 20)).as_str());
    while let Ok(Some(_)) = huge.read() {}
    assert_eq!(huge.closed().and_then(|(code, _)| code), Some(1009));
    anns.write(chat("kitchen", "still here").as_str()).unwrap();
    assert_eq!(hear_a("chat", &mut bobs), "still here");
}

#[test]
fn names_end_no_line_and_stay_text() {
    let example = start();
    let mut eve = example.browser();
    let long = "x".repeat(65);
    for name in [
        "",
        " ",
        "a b",
        "a\r\nSet-Cookie: a=b",
        "a\nb",
        "a\0",
        "é",
        "аnn",
        "<b>",
        "a/b",
        "a\"b",
        "a;b",
        &long,
    ] {
        let answer = eve.send("POST", "/register", &credentials(name));
        assert_eq!(answer.field("set-cookie"), None, "{name:?}");
        let told = expect_error(answer, 400);
        assert!(told.contains("user name"), "{told}");
    }
    for (wrong, word) in [
        (json!({ "username": "eve" }), "password"),
        (json!({ "username": "eve", "password": 12345678 }), "string"),
        (
            json!({ "username": ["eve"], "password": PASSWORD }),
            "string",
        ),
        (json!({ "username": "eve", "password": "short" }), "8"),
        (
            json!({ "username": "eve", "password": "x".repeat(1025) }),
            "1024",
        ),
        (
            json!({ "username": "eve", "password": PASSWORD, "display_name": "a\r\nb" }),
            "display name",
        ),
        (
            json!({ "username": "eve", "password": PASSWORD, "display_name": "" }),
            "display name",
        ),
        (json!([]), "JSON"),
        (json!(5), "JSON"),
    ] {
        let told = expect_error(eve.send("POST", "/register", &wrong), 400);
        assert!(told.contains(word), "{wrong}: {told}");
    }
    expect_error(eve.ask("POST", "/login", &[], b"{"), 400);
    let eve = register(&example, "eve+1@example.org");
    let long = "x".repeat(100);
    for (group, status) in [
        // Control characters are in no path.
        ("a%0d%0aX-Evil:1", 404),
        ("a%20b", 400),
        ("%3Cb%3E", 400),
        ("%C3%A9", 400),
        (&long, 400),
    ] {
        let refused = refusal(eve.socket(&format!("/ws/chat/{group}")));
        assert_eq!(refused, status, "{group}");
    }
    join(&eve, &"x".repeat(99));
    join(&eve, "A-b_c.9");
}

#[test]
fn what_cannot_be_stored_is_told_to_its_sender_and_heard_by_nobody() {
    let example = start();
    let (ann, mut bob) = (register(&example, "ann"), register(&example, "bob"));
    let (mut anns, mut bobs) = (join(&ann, "kitchen"), join(&bob, "kitchen"));
    let file = Connection::open(example.data().join("consumers.db")).unwrap();
    let break_both = ["messages", "notifications"].map(|table| {
        format!(
            "CREATE TRIGGER broken_{table} BEFORE INSERT ON {table} \
             BEGIN SELECT RAISE(ABORT, 'as the test wants it'); END;"
        )
    });
    file.execute_batch(&break_both.concat()).unwrap();
    for lost in [chat("kitchen", "lost"), notification("bob", "lost")] {
        anns.write(lost.as_str()).unwrap();
        let told = hear_a("error", &mut anns);
        assert!(told.contains("could not be stored"), "{told}");
        assert!(
            !told.contains("as the test"),
            "nothing of the inside: {told}"
        );
    }
    file.execute_batch("DROP TRIGGER broken_messages; DROP TRIGGER broken_notifications")
        .unwrap();
    anns.write(notification("bob", "now").as_str()).unwrap();
    anns.write(chat("kitchen", "again").as_str()).unwrap();
    assert_eq!(hear_a("notification", &mut bobs), "now");
    assert_eq!(hear_a("chat", &mut bobs), "again");
    assert_eq!(texts(&bob.get("/messages/kitchen")), ["again"]);
}

#[test]
fn guessing_a_password_is_slowed_down_for_that_name_only() {
    let example = start();
    register(&example, "ann");
    register(&example, "bob");
    let mut eve = example.browser();
    let guess = json!({ "username": "ann", "password": "guess after guess" });
    for _ in 0..10 {
        expect_error(eve.send("POST", "/login", &guess), 401);
    }
    let refused = eve.send("POST", "/login", &credentials("Ann"));
    assert!(refused.field("retry-after").is_some());
    expect_error(refused, 429);
    login(&example, "bob");
}

#[test]
fn the_page_shows_what_people_wrote_as_text() {
    let example = start();
    let mut browser = example.browser();
    let page = browser.get("/").expect(200);
    let policy = page.field("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    assert_eq!(page.field("x-content-type-options"), Some("nosniff"));
    let script = browser.get("/static/app.js").expect(200);
    for way in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "createContextualFragment",
        "DOMParser",
        "setHTML",
        "eval(",
        "srcdoc",
        "javascript:",
    ] {
        assert!(!script.text().contains(way), "{way}");
        assert!(!page.text().contains(way), "{way}");
    }
    assert!(script.text().contains("textContent"));
    browser.get("/static/app.css").expect(200);
    // A browser that is lost is shown a page, everything else gets JSON.
    let lost = browser
        .ask("GET", "/nothing", &[("Accept", "text/html")], b"")
        .expect(404);
    assert!(lost.text().starts_with("<!doctype html>"));
    expect_error(browser.get("/nothing"), 404);
    expect_error(browser.send("DELETE", "/login", &json!({})), 405);
}

// ---- a storm ---------------------------------------------------------------------------------

/// Says one number after the other, each when the one before was heard, until all others are done.
fn count_aloud(mut socket: Socket, name: &str, sent: &AtomicU64, is_over: &AtomicBool) {
    let mut number = 0;
    while !is_over.load(Ordering::SeqCst) {
        number += 1;
        sent.store(number, Ordering::SeqCst);
        let text = format!("{name} {number}");
        socket.write(chat("storm", &text).as_str()).unwrap();
        while hear_a("chat", &mut socket) != text {}
    }
}

/// Comes, hears at least three numbers of each counter, and goes.
fn listen(browser: &Browser, sent: &BTreeMap<&str, &AtomicU64>) -> Socket {
    let mut socket = join(browser, "storm");
    // What is sent from now on must be heard.
    let joined: BTreeMap<&str, u64> = sent
        .iter()
        .map(|(name, sent)| (*name, sent.load(Ordering::SeqCst)))
        .collect();
    let mut heard: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    while heard.len() < joined.len() || heard.values().any(|(_, times)| *times < 3) {
        let text = hear_a("chat", &mut socket);
        let (name, number) = text.split_once(' ').unwrap();
        let number: u64 = number.parse().unwrap();
        match heard.get_mut(name) {
            Some((last, times)) => {
                assert_eq!(number, *last + 1, "{name}: one was lost or came twice");
                (*last, *times) = (number, *times + 1);
            }
            None => {
                assert!(
                    number <= joined[name] + 1,
                    "{name}: {number} is not the first"
                );
                heard.insert(name.to_owned(), (number, 1));
            }
        }
    }
    socket
}

#[test]
fn in_a_storm_of_people_who_come_and_go_nobody_misses_anything() {
    const CLIENTS: usize = 50;
    const ROUNDS: usize = 3;
    let example = start();
    let counters = ["ann", "bob"].map(|name| (name, register(&example, name), AtomicU64::new(0)));
    let visitors = ["cem", "dia", "eli"].map(|name| register(&example, name));
    let is_over = AtomicBool::new(false);
    let sent: BTreeMap<&str, &AtomicU64> = counters
        .iter()
        .map(|(name, _, sent)| (*name, sent))
        .collect();
    std::thread::scope(|scope| {
        for (name, browser, sent) in &counters {
            let socket = join(browser, "storm");
            scope.spawn(|| count_aloud(socket, name, sent, &is_over));
        }
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (browser, sent) = (&visitors[client % visitors.len()], &sent);
                scope.spawn(move || {
                    for round in 0..ROUNDS {
                        let mut socket = listen(browser, sent);
                        // Some say goodbye, some just vanish.
                        if (client + round) % 2 == 0 {
                            socket.close(1000, "").unwrap();
                            while let Ok(Some(_)) = socket.read() {}
                        }
                    }
                })
            })
            .collect();
        let ended: Vec<_> = clients.into_iter().map(|client| client.join()).collect();
        is_over.store(true, Ordering::SeqCst);
        for end in ended {
            end.unwrap();
        }
    });
    let mut ann = login(&example, "ann");
    expect_connections(&mut ann, "/groups/storm", 0);
    let mut before = i64::MAX;
    let mut stored: BTreeMap<String, Vec<u64>> = BTreeMap::new();
    loop {
        let page = ann
            .get(&format!("/messages/storm?limit=100&before={before}"))
            .json();
        let page = page.as_array().unwrap();
        for said in page.iter().rev() {
            before = said["id"].as_i64().unwrap();
            let text = said["message"].as_str().unwrap();
            let (name, number) = text.split_once(' ').unwrap();
            stored
                .entry(name.to_owned())
                .or_default()
                .push(number.parse().unwrap());
        }
        if page.is_empty() {
            break;
        }
    }
    for (name, sent) in sent {
        let all: Vec<u64> = (1..=sent.load(Ordering::SeqCst)).rev().collect();
        assert_eq!(stored[name], all, "{name}");
    }
}
