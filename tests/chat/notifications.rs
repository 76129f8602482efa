//! # Notifications and search over REST

use serde_json::{Value, json};

use crate::support::Parlour;

fn ids(list: &Value) -> Vec<u64> {
    let notes = list["notifications"].as_array().unwrap().iter();
    notes.map(|it| it["id"].as_u64().unwrap()).collect()
}

#[test]
fn notifications_are_kept_until_they_are_seen() {
    let parlour = Parlour::start();
    let [_, ana, bo] = ["root", "ana", "bo"].map(|name| parlour.sign_up(name));
    let mut sent = Vec::new();
    for text in ["one", "two", "three"] {
        let made = ana
            .post(
                "/notifications",
                json!({"to": "bo", "text": text, "more": 1}),
            )
            .expect(201);
        assert!(made["at"].is_string());
        sent.push(made["id"].as_u64().unwrap());
    }
    let list = bo.get("/notifications").expect(200);
    assert_eq!(ids(&list), [sent[2], sent[1], sent[0]], "newest first");
    assert_eq!(list["unread"], 3);
    let newest = &list["notifications"][0];
    assert_eq!(
        (&newest["from"], &newest["text"]),
        (&json!("ana"), &json!("three"))
    );
    let page = bo.get("/notifications?limit=1").expect(200);
    assert_eq!((ids(&page), &page["more"]), (vec![sent[2]], &json!(true)));
    let page = bo
        .get(&format!("/notifications?before={}", sent[1]))
        .expect(200);
    assert_eq!((ids(&page), &page["more"]), (vec![sent[0]], &json!(false)));

    let seen = format!("/notifications/{}/seen", sent[1]);
    assert_eq!(bo.put(&seen, json!({})).expect(200)["unread"], 1);
    assert_eq!(bo.put(&seen, json!({})).expect(200)["unread"], 1);
    let list = bo.get("/notifications").expect(200);
    let notes = list["notifications"].as_array().unwrap().iter();
    let marks: Vec<_> = notes.map(|it| it["seen"].clone()).collect();
    assert_eq!(marks, [false, true, true]);

    // What is somebody else's is not there.
    ana.put(&seen, json!({})).refuses(404, "not_found");
    assert_eq!(ids(&ana.get("/notifications").expect(200)), [0; 0]);
    bo.put("/notifications/999/seen", json!({}))
        .refuses(404, "not_found");
    bo.put("/notifications/x/seen", json!({}))
        .refuses_field("id");
}

#[test]
fn what_is_wrong_with_a_notification_is_said() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let notify = |body: Value| ana.post("/notifications", body);
    notify(json!({"text": "x"})).refuses_field("to");
    notify(json!({"to": "ana"})).refuses_field("text");
    notify(json!({"to": "ana", "text": ""})).refuses_field("text");
    notify(json!({"to": "nobody", "text": "x"})).refuses(404, "not_found");
    notify(json!({"to": "ana", "text": "x".repeat(8001)})).refuses(413, "too_long");
    let keyed = json!({"to": "ana", "text": "x", "key": "k1"});
    let first = notify(keyed.clone()).expect(201);
    let again = notify(keyed).expect(200);
    assert_eq!(
        (&again["id"], &again["repeat"]),
        (&first["id"], &json!(true))
    );
    notify(json!({"to": "ana", "text": "y", "key": "k1"})).refuses(409, "key_reused");
    assert_eq!(ana.get("/notifications").expect(200)["unread"], 1);
    for (query, field) in [
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("before=x", "before"),
    ] {
        ana.get(&format!("/notifications?{query}"))
            .refuses_field(field);
    }
}

#[test]
fn a_mention_is_a_notification_that_goes_with_its_message() {
    let parlour = Parlour::start();
    let [_, ana, bo] = ["root", "ana", "bo"].map(|name| parlour.sign_up(name));
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    bo.put("/rooms/den/members/me", json!({})).expect(200);
    ana.post("/rooms/den/messages", json!({"text": "look @bo"}))
        .expect(201);
    let list = bo.get("/notifications").expect(200);
    let note = &list["notifications"][0];
    assert_eq!(
        (&note["kind"], &note["room"]),
        (&json!("mention"), &json!("den"))
    );
    assert_eq!(note["seq"], 1);
    ana.delete("/rooms/den/messages/1").expect(200);
    assert_eq!(bo.get("/notifications").expect(200)["unread"], 0);
}

#[test]
fn everybody_finds_what_they_may_read() {
    let parlour = Parlour::start();
    let [_, ana, bo] = ["root", "ana", "bo"].map(|name| parlour.sign_up(name));
    for room in ["den", "attic"] {
        ana.post("/rooms", json!({"room": room})).expect(201);
        for text in ["a walnut table", "an oak table"] {
            ana.post(&format!("/rooms/{room}/messages"), json!({"text": text}))
                .expect(201);
        }
    }
    bo.put("/rooms/den/members/me", json!({})).expect(200);
    let found = |who: &crate::support::Person, query: &str| -> Vec<(String, u64)> {
        let answer = who.get(&format!("/search?{query}")).expect(200);
        let hits = answer["hits"].as_array().unwrap().iter();
        let place = |hit: &Value| {
            let room = hit["room"].as_str().unwrap().to_owned();
            (room, hit["seq"].as_u64().unwrap())
        };
        let mut places: Vec<_> = hits.map(place).collect();
        places.sort();
        places
    };
    let at = |places: &[(&str, u64)]| -> Vec<(String, u64)> {
        places
            .iter()
            .map(|(room, seq)| ((*room).to_owned(), *seq))
            .collect()
    };
    assert_eq!(found(&ana, "query=walnut"), at(&[("attic", 1), ("den", 1)]));
    assert_eq!(
        found(&ana, "query=table&room=den"),
        at(&[("den", 1), ("den", 2)])
    );
    assert_eq!(found(&ana, "query=table&limit=3").len(), 3);
    assert_eq!(found(&bo, "query=walnut"), at(&[("den", 1)]));
    assert_eq!(found(&bo, "query=walnuts+are+nowhere"), at(&[]));
    bo.get("/search?query=oak&room=attic")
        .refuses(403, "not_a_member");
    bo.get("/search?query=oak&room=cellar")
        .refuses(404, "not_found");
    bo.get("/search").refuses_field("query");
    bo.get("/search?query=").refuses_field("query");
    bo.get("/search?query=oak&limit=0").refuses_field("limit");
    bo.get("/search?query=oak&limit=x").refuses_field("limit");
    ana.delete("/rooms/den/messages/1").expect(200);
    assert_eq!(
        found(&bo, "query=walnut"),
        at(&[]),
        "what was removed is not found"
    );
    ana.patch("/rooms/den/messages/2", json!({"text": "a cherry table"}))
        .expect(200);
    assert_eq!(found(&bo, "query=cherry"), at(&[("den", 2)]));
    assert_eq!(found(&bo, "query=oak"), at(&[]));
}
