//! # Messages over REST: saying, reading, changing, reacting

use std::thread;

use serde_json::{Value, json};

use crate::support::{Parlour, Person};

/// An admin, an owner of `den` and a member, and somebody outside.
fn den(parlour: &Parlour) -> [Person; 3] {
    let [_, ana, bo, cy] = ["root", "ana", "bo", "cy"].map(|name| parlour.sign_up(name));
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    bo.put("/rooms/den/members/me", json!({})).expect(200);
    [ana, bo, cy]
}

const SAID: &str = "/rooms/den/messages";

fn say(who: &Person, text: &str) -> Value {
    who.post(SAID, json!({"text": text})).expect(201)
}

fn seqs(page: &Value) -> Vec<u64> {
    let messages = page["messages"].as_array().unwrap().iter();
    messages.map(|it| it["seq"].as_u64().unwrap()).collect()
}

#[test]
fn what_is_said_is_there() {
    let parlour = Parlour::start();
    let [ana, bo, cy] = den(&parlour);
    let first = say(&ana, "hello");
    assert_eq!((&first["room"], &first["seq"]), (&json!("den"), &json!(1)));
    assert!(first["version"].is_u64() && first["at"].is_string());
    let reply = json!({"text": "hi @ana", "reply_to": 1, "key": "k1", "more": [1]});
    let second = bo.post(SAID, reply).expect(201);
    let shown = ana.get(&format!("{SAID}/2")).expect(200);
    assert_eq!(
        (&shown["from"], &shown["text"]),
        (&json!("bo"), &json!("hi @ana"))
    );
    assert_eq!(
        (&shown["reply_to"], &shown["key"]),
        (&json!(1), &json!("k1"))
    );
    assert_eq!(
        (&shown["version"], &shown["at"]),
        (&second["version"], &second["at"])
    );

    cy.post(SAID, json!({"text": "x"}))
        .refuses(403, "not_a_member");
    cy.get(SAID).refuses(403, "not_a_member");
    cy.get(&format!("{SAID}/1")).refuses(403, "not_a_member");
    for body in [
        json!({}),
        json!({"text": ""}),
        json!({"text": 1}),
        json!({"text": null}),
    ] {
        ana.post(SAID, body).refuses_field("text");
    }
    let long = ana.post(SAID, json!({"text": "x".repeat(8001)}));
    assert_eq!(long.refuses(413, "too_long")["field"], "text");
    say(&ana, &"é".repeat(8000));
    let nowhere = ana.post(SAID, json!({"text": "x", "reply_to": 99}));
    assert_eq!(nowhere.refuses(404, "not_found")["field"], "reply_to");
    let nothing = ana.post(SAID, json!({"text": "x", "attachment": "up_none"}));
    assert_eq!(nothing.refuses(404, "not_found")["field"], "attachment");
    ana.post(SAID, json!({"text": "x", "reply_to": -1}))
        .refuses_field("reply_to");
    ana.get(&format!("{SAID}/99")).refuses(404, "not_found");
    ana.get(&format!("{SAID}/0")).refuses(404, "not_found");
    ana.get(&format!("{SAID}/x")).refuses_field("seq");
    ana.get("/rooms/attic/messages").refuses(404, "not_found");
}

#[test]
fn history_comes_in_pages() {
    let parlour = Parlour::start();
    let [ana, ..] = den(&parlour);
    for number in 1..=10 {
        say(&ana, &number.to_string());
    }
    let page = |query: &str| ana.get(&format!("{SAID}?{query}")).expect(200);
    assert_eq!(seqs(&page("")), (1..=10).collect::<Vec<_>>());
    let last = page("limit=3");
    assert_eq!((seqs(&last), &last["more"]), (vec![8, 9, 10], &json!(true)));
    let before = page("before=3");
    assert_eq!(
        (seqs(&before), &before["more"]),
        (vec![1, 2], &json!(false))
    );
    let after = page("after=8&limit=1");
    assert_eq!((seqs(&after), &after["more"]), (vec![9], &json!(true)));
    let around = page("around=5&limit=3");
    assert_eq!(seqs(&around), [4, 5, 6]);
    assert_eq!(seqs(&page("before=1")), [0; 0]);
    assert_eq!(seqs(&page("after=10")), [0; 0]);
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=", "limit"),
        ("before=x", "before"),
        ("after=-1", "after"),
        ("around=1.5", "around"),
        ("before=4294967296", "before"),
        ("before=3&after=1", "before"),
    ] {
        ana.get(&format!("{SAID}?{query}")).refuses_field(field);
    }
}

#[test]
fn messages_are_changed_and_removed() {
    let parlour = Parlour::start();
    let [ana, bo, cy] = den(&parlour);
    say(&bo, "helo");
    let first = format!("{SAID}/1");
    let edited = bo.patch(&first, json!({"text": "hello"})).expect(200);
    let shown = ana.get(&first).expect(200);
    assert_eq!(
        (&shown["text"], &shown["version"]),
        (&json!("hello"), &edited["version"])
    );
    assert!(shown["edited_at"].is_string());
    ana.patch(&first, json!({"text": "x"}))
        .refuses(403, "forbidden");
    cy.patch(&first, json!({"text": "x"}))
        .refuses(403, "not_a_member");
    bo.patch(&first, json!({})).refuses_field("text");
    bo.patch(&first, json!({"text": ""})).refuses_field("text");
    bo.patch(&first, json!({"text": "x".repeat(8001)}))
        .refuses(413, "too_long");
    bo.patch(&format!("{SAID}/9"), json!({"text": "x"}))
        .refuses(404, "not_found");
    bo.patch(&format!("{SAID}/x"), json!({"text": "x"}))
        .refuses_field("seq");

    say(&ana, "mine");
    bo.delete(&format!("{SAID}/2")).refuses(403, "forbidden");
    cy.delete(&first).refuses(403, "not_a_member");
    // Whoever keeps order removes what others said.
    let removed = ana.delete(&first).expect(200);
    let shown = bo.get(&first).expect(200);
    assert_eq!(
        (&shown["deleted"], &shown["text"]),
        (&json!(true), &json!(""))
    );
    assert_eq!(shown["version"], removed["version"]);
    for gone in [
        bo.patch(&first, json!({"text": "x"})),
        bo.delete(&first),
        bo.put(&format!("{first}/reactions/+1"), json!({})),
    ] {
        gone.refuses(410, "gone");
    }
}

#[test]
fn people_react() {
    let parlour = Parlour::start();
    let [ana, bo, cy] = den(&parlour);
    say(&ana, "cake");
    let party = format!("{SAID}/1/reactions/%F0%9F%8E%89");
    let first = bo.put(&party, json!({})).expect(200);
    let second = ana.ask("PUT", &party, &[], b"").expect(200);
    assert!(first["version"].as_u64() < second["version"].as_u64());
    let shown = ana.get(&format!("{SAID}/1")).expect(200);
    assert_eq!(shown["reactions"], json!({"🎉": ["bo", "ana"]}));
    // Once is enough: nothing changes.
    assert_eq!(bo.put(&party, json!({})).expect(200), second);
    let third = bo.delete(&party).expect(200);
    assert_eq!(bo.delete(&party).expect(200), third);
    let shown = ana.get(&format!("{SAID}/1")).expect(200);
    assert_eq!(shown["reactions"], json!({"🎉": ["ana"]}));
    cy.put(&party, json!({})).refuses(403, "not_a_member");
    cy.delete(&party).refuses(403, "not_a_member");
    let long = format!("{SAID}/1/reactions/{}", "x".repeat(65));
    assert!(matches!(
        ana.put(&long, json!({})).response.status,
        400 | 413
    ));
    ana.put(&format!("{SAID}/1/reactions/%20"), json!({}))
        .refuses_field("emoji");
    ana.put(&format!("{SAID}/9/reactions/+1"), json!({}))
        .refuses(404, "not_found");
    ana.put(&format!("{SAID}/x/reactions/+1"), json!({}))
        .refuses_field("seq");
    for number in 1..50 {
        ana.put(&format!("{SAID}/1/reactions/e{number}"), json!({}))
            .expect(200);
    }
    ana.put(&format!("{SAID}/1/reactions/e50"), json!({}))
        .refuses(429, "too_many");
}

#[test]
fn a_message_that_is_sent_again_is_the_same() {
    let parlour = Parlour::start();
    let [ana, bo, _] = den(&parlour);
    let keyed = |text: &str| json!({"text": text, "key": "k1"});
    let first = ana.post(SAID, keyed("once")).expect(201);
    let mut again = ana.post(SAID, keyed("once")).expect(200);
    assert_eq!(again["repeat"].take(), true);
    assert_eq!((&again["seq"], &again["at"]), (&first["seq"], &first["at"]));
    ana.post(SAID, keyed("twice")).refuses(409, "key_reused");
    // The field of the request is the same key, and counts if there are both.
    let fields = [("Idempotency-Key", "k1")];
    let said = ana.send("POST", SAID, &fields, &json!({"text": "once", "key": "k2"}));
    assert_eq!(said.expect(200)["seq"], first["seq"]);
    // Another's keys are others, and so are those of other rooms.
    assert_eq!(bo.post(SAID, keyed("once")).expect(201)["seq"], 2);
    ana.post("/rooms", json!({"room": "attic"})).expect(201);
    ana.post("/rooms/attic/messages", keyed("once"))
        .refuses(409, "key_reused");
    for key in [json!(""), json!(7), json!("k".repeat(65))] {
        let refused = ana.post(SAID, json!({"text": "x", "key": key}));
        assert!(matches!(refused.response.status, 400 | 413));
    }
    assert_eq!(
        ana.get(SAID).expect(200)["messages"]
            .as_array()
            .unwrap()
            .len(),
        2
    );
}

#[test]
fn a_message_that_is_sent_many_times_at_once_is_one() {
    let parlour = Parlour::start();
    let [ana, ..] = den(&parlour);
    let answers: Vec<(u16, Value)> = thread::scope(|scope| {
        let send = || {
            let answer = ana.post(SAID, json!({"text": "once", "key": "k1"}));
            let status = answer.response.status;
            (status, answer.expect(status)["seq"].clone())
        };
        let all: Vec<_> = (0..8).map(|_| scope.spawn(send)).collect();
        all.into_iter().map(|it| it.join().unwrap()).collect()
    });
    assert!(answers.iter().all(|(_, seq)| *seq == 1), "{answers:?}");
    let made = answers.iter().filter(|(status, _)| *status == 201).count();
    assert_eq!(made, 1, "{answers:?}");
}
