//! # Rooms over REST: making them, coming and going, keeping order

use serde_json::{Value, json};

use crate::support::{Parlour, Person};

/// An admin, who is first, an owner and two others.
fn people(parlour: &Parlour) -> [Person; 4] {
    ["root", "ana", "bo", "cy"].map(|name| parlour.sign_up(name))
}

fn names<'a>(list: &'a Value, of: &str) -> Vec<&'a str> {
    let items = list.as_array().unwrap().iter();
    items.map(|it| it[of].as_str().unwrap()).collect()
}

#[test]
fn rooms_are_made_found_changed_and_deleted() {
    let parlour = Parlour::start();
    let [_, ana, bo, _] = people(&parlour);
    let made = ana
        .post(
            "/rooms",
            json!({"room": "den", "title": "The den", "topic": "wood", "more": true}),
        )
        .expect(201);
    assert_eq!(made["room"], "den");
    assert_eq!(made["title"], "The den");
    assert_eq!(made["topic"], "wood");
    assert_eq!(made["kind"], "public");
    assert_eq!(made["role"], "owner");
    ana.post("/rooms", json!({"room": "den"}))
        .refuses(409, "exists");
    ana.post("/rooms", json!({})).refuses_field("room");
    ana.post("/rooms", json!({"room": 1})).refuses_field("room");
    ana.post("/rooms", json!({"room": "a b"}))
        .refuses_field("room");
    ana.post("/rooms", json!({"room": "x", "kind": "direct"}))
        .refuses_field("kind");
    ana.post("/rooms", json!({"room": "x", "title": "t".repeat(121)}))
        .refuses(413, "too_long");
    assert_eq!(ana.get("/rooms/den").expect(200)["room"], "den");
    let seen = bo.get("/rooms/den").expect(200);
    assert_eq!(
        (&seen["joined"], &seen["members"]),
        (&json!(false), &json!(1))
    );
    bo.get("/rooms/attic").refuses(404, "not_found");
    bo.get("/rooms/a%20b").refuses_field("room");

    let changed = ana
        .patch("/rooms/den", json!({"title": "Den", "archived": true}))
        .expect(200);
    assert_eq!(
        (&changed["title"], &changed["archived"]),
        (&json!("Den"), &json!(true))
    );
    assert_eq!(changed["topic"], "wood", "what is not said stays");
    bo.patch("/rooms/den", json!({"title": "Mine"}))
        .refuses(403, "forbidden");
    ana.patch("/rooms/den", json!({"archived": "yes"}))
        .refuses_field("archived");
    ana.patch("/rooms/den", json!({"pinned": 7}))
        .refuses(404, "not_found");
    bo.put("/rooms/den/members/me", json!({}))
        .refuses(403, "forbidden");

    bo.delete("/rooms/den").refuses(403, "forbidden");
    ana.delete("/rooms/den").expect(204);
    ana.get("/rooms/den").refuses(404, "not_found");
    ana.delete("/rooms/den").refuses(404, "not_found");
}

#[test]
fn lists_come_in_pages() {
    let parlour = Parlour::start();
    let [root, ana, bo, cy] = people(&parlour);
    for name in ["a", "b", "c"] {
        ana.post("/rooms", json!({"room": name})).expect(201);
    }
    let first = bo.get("/rooms?limit=2").expect(200);
    assert_eq!(names(&first["rooms"], "room"), ["a", "b"]);
    assert_eq!(first["more"], true);
    let rest = bo.get("/rooms?limit=2&after=b").expect(200);
    assert_eq!(rest["rooms"][0]["room"], "c");
    for limit in ["0", "201", "-1", "x", "1.5", "99999999999"] {
        bo.get(&format!("/rooms?limit={limit}"))
            .refuses_field("limit");
    }
    bo.get("/rooms?after=%20").refuses_field("after");
    ana.post("/rooms", json!({"room": "b2", "kind": "private"}))
        .expect(201);
    ana.get("/rooms?all=true").refuses(403, "forbidden");
    root.get("/rooms?all=all").refuses_field("all");
    let open = root.get("/rooms").expect(200);
    assert_eq!(names(&open["rooms"], "room"), ["a", "b", "c"]);
    let all = root.get("/rooms?all=true&after=a").expect(200);
    assert_eq!(names(&all["rooms"], "room"), ["b", "b2", "c"]);
    let hidden = &all["rooms"][1];
    assert_eq!(
        (&hidden["kind"], &hidden["members"]),
        (&json!("private"), &json!(1))
    );

    for who in [&bo, &cy] {
        who.put("/rooms/a/members/me", json!({})).expect(200);
    }
    let first = ana.get("/rooms/a/members?limit=2").expect(200);
    assert_eq!(names(&first["members"], "name"), ["ana", "bo"]);
    let after = first["next"].as_u64().unwrap();
    let rest = ana
        .get(&format!("/rooms/a/members?after={after}"))
        .expect(200);
    assert_eq!(names(&rest["members"], "name"), ["cy"]);
    assert_eq!(rest["more"], false);
    ana.get("/rooms/a/members?after=bo").refuses_field("after");
    ana.get("/rooms/attic/members").refuses(404, "not_found");
}

#[test]
fn people_come_and_go() {
    let parlour = Parlour::start();
    let [_, ana, bo, cy] = people(&parlour);
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    let joined = bo.put("/rooms/den/members/me", json!({})).expect(200);
    assert_eq!(
        (&joined["room"], &joined["role"]),
        (&json!("den"), &json!("member"))
    );
    // One's own name is oneself, and what is not known is nobody's business.
    bo.put("/rooms/den/members/bo", json!({"more": 1}))
        .expect(200);
    bo.put("/rooms/den/members/cy", json!({})).expect(204);
    assert_eq!(cy.get("/rooms/den").expect(200)["joined"], true);
    bo.put("/rooms/den/members/nobody", json!({}))
        .refuses(404, "not_found");

    bo.delete("/rooms/den/members/cy").refuses(403, "forbidden");
    ana.delete("/rooms/den/members/cy").expect(204);
    ana.delete("/rooms/den/members/cy")
        .refuses(404, "not_found");
    bo.delete("/rooms/den/members/me").expect(204);
    bo.delete("/rooms/den/members/me")
        .refuses(403, "not_a_member");
    cy.put("/rooms/den/members/bo", json!({}))
        .refuses(403, "not_a_member");
    cy.put("/rooms/attic/members/me", json!({}))
        .refuses(404, "not_found");
}

#[test]
fn owners_say_what_members_may() {
    let parlour = Parlour::start();
    let [_, ana, bo, cy] = people(&parlour);
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    for who in [&bo, &cy] {
        who.put("/rooms/den/members/me", json!({})).expect(200);
    }
    let bos = "/rooms/den/members/bo";
    ana.put(bos, json!({"role": "moderator"})).expect(204);
    assert_eq!(bo.get("/rooms/den").expect(200)["role"], "moderator");
    cy.put(bos, json!({"role": "owner"}))
        .refuses(403, "forbidden");
    ana.put(bos, json!({"role": "king"})).refuses_field("role");
    ana.put(bos, json!({"role": null})).refuses_field("role");
    ana.put("/rooms/den/members/root", json!({"role": "owner"}))
        .refuses(404, "not_found");
    ana.put("/rooms/den/members/me", json!({"role": "member"}))
        .refuses(403, "forbidden");

    let cys = "/rooms/den/members/cy";
    let until = json!({"muted_until": "2999-01-01T00:00:00Z"});
    bo.put(cys, until.clone()).expect(204);
    let say = json!({"text": "hm"});
    let muted = cy.post("/rooms/den/messages", say.clone());
    assert!(muted.refuses(403, "forbidden")["retry_after"].is_number());
    bo.put(cys, json!({"muted_until": null})).expect(204);
    cy.post("/rooms/den/messages", say).expect(201);
    cy.put(bos, until).refuses(403, "forbidden");
    bo.put(cys, json!({"muted_until": "soon"}))
        .refuses_field("muted_until");
    // Nothing of what was sent is passed over in silence.
    ana.put(cys, json!({"role": "moderator", "muted_until": null}))
        .refuses_field("muted_until");
    assert_eq!(cy.get("/rooms/den").expect(200)["role"], "member");
}

#[test]
fn who_is_banned_stays_outside() {
    let parlour = Parlour::start();
    let [root, ana, bo, _] = people(&parlour);
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    bo.put("/rooms/den/members/me", json!({})).expect(200);
    bo.post("/rooms/den/messages", json!({"text": "spam"}))
        .expect(201);
    bo.put("/rooms/den/bans/ana", json!({}))
        .refuses(403, "forbidden");
    ana.put("/rooms/den/bans/me", json!({}))
        .refuses_field("user");
    ana.put("/rooms/den/bans/bo?messages=perhaps", json!({}))
        .refuses_field("messages");
    ana.put("/rooms/den/bans/nobody", json!({}))
        .refuses(404, "not_found");
    ana.put("/rooms/den/bans/bo", json!({})).expect(204);
    let said = "/rooms/den/messages/1";
    assert_eq!(ana.get(said).expect(200)["text"], "spam");
    ana.put("/rooms/den/bans/bo?messages=1", json!({}))
        .expect(204);
    assert_eq!(ana.get(said).expect(200)["deleted"], true);
    bo.get(said).refuses(403, "not_a_member");
    bo.put("/rooms/den/members/me", json!({}))
        .refuses(403, "forbidden");
    ana.put("/rooms/den/members/bo", json!({}))
        .refuses(403, "forbidden");
    bo.delete("/rooms/den/bans/bo").refuses(403, "forbidden");
    bo.get("/rooms/den/bans").refuses(403, "forbidden");
    ana.put("/rooms/den/bans/cy", json!({})).expect(204);
    let first = ana.get("/rooms/den/bans?limit=1").expect(200);
    let ban = &first["bans"][0];
    assert_eq!((&ban["name"], &ban["by"]), (&json!("bo"), &json!("ana")));
    assert_eq!(first["more"], true);
    let rest = json!({"do": "bans", "room": "den", "after": first["next"]});
    let rest = root.line().ask(rest);
    assert_eq!(names(&rest["bans"], "name"), ["cy"]);
    ana.delete("/rooms/den/bans/bo").expect(204);
    let left = ana.get("/rooms/den/bans").expect(200);
    assert_eq!(names(&left["bans"], "name"), ["cy"]);
    ana.delete("/rooms/den/bans/bo").refuses(404, "not_found");
    bo.put("/rooms/den/members/me", json!({})).expect(200);
}

#[test]
fn members_say_what_they_have_read_and_want_to_be_told_of() {
    let parlour = Parlour::start();
    let [_, ana, bo, cy] = people(&parlour);
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    bo.put("/rooms/den/members/me", json!({})).expect(200);
    for text in ["one", "@bo two", "three"] {
        ana.post("/rooms/den/messages", json!({"text": text}))
            .expect(201);
    }
    let room = bo.get("/rooms/den").expect(200);
    assert_eq!((&room["unread"], &room["mentions"]), (&json!(3), &json!(1)));
    let read = bo.put("/rooms/den/read", json!({"seq": 2})).expect(200);
    assert_eq!(read, json!({"read": 2, "unread": 1, "mentions": 0}));
    // A device that is behind the others takes nothing back.
    let read = bo.put("/rooms/den/read", json!({"seq": 1})).expect(200);
    assert_eq!(read["read"], 2);
    bo.put("/rooms/den/read", json!({"seq": 4}))
        .refuses_field("seq");
    bo.put("/rooms/den/read", json!({"seq": "2"}))
        .refuses_field("seq");
    bo.put("/rooms/den/read", json!({})).refuses_field("seq");
    cy.put("/rooms/den/read", json!({"seq": 1}))
        .refuses(403, "not_a_member");

    bo.put("/rooms/den/level", json!({"level": "mentions"}))
        .expect(204);
    assert_eq!(bo.get("/rooms/den").expect(200)["level"], "mentions");
    bo.put("/rooms/den/level", json!({"level": null}))
        .expect(204);
    assert!(bo.get("/rooms/den").expect(200)["level"].is_null());
    bo.put("/rooms/den/level", json!({"level": "loud"}))
        .refuses_field("level");
    cy.put("/rooms/den/level", json!({"level": "nothing"}))
        .refuses(403, "not_a_member");
}

#[test]
fn the_same_people_have_one_direct_room() {
    let parlour = Parlour::start();
    let [_, ana, bo, cy] = people(&parlour);
    let opened = ana.post("/dms", json!({"user": "bo"})).expect(200);
    assert_eq!(
        (&opened["kind"], &opened["members"]),
        (&json!("direct"), &json!(2))
    );
    let again = bo.post("/dms", json!({"users": ["ana"]})).expect(200);
    assert_eq!(again["room"], opened["room"]);
    let three = ana.post("/dms", json!({"users": ["bo", "cy"]})).expect(200);
    assert_ne!(three["room"], opened["room"]);
    let path = format!("/rooms/{}", opened["room"].as_str().unwrap());
    cy.get(&path).refuses(404, "not_found");
    ana.put(&format!("{path}/members/cy"), json!({}))
        .refuses(403, "forbidden");
    ana.delete(&format!("{path}/members/me"))
        .refuses(403, "forbidden");
    ana.post("/dms", json!({})).refuses_field("user");
    ana.post("/dms", json!({"users": "bo"}))
        .refuses_field("users");
    ana.post("/dms", json!({"user": "nobody"}))
        .refuses(404, "not_found");
}

/// What may be asked of a room, as somebody who is not in it.
fn everything(room: &str) -> Vec<(&'static str, String, Value)> {
    let at = |rest: &str| format!("/rooms/{room}{rest}");
    vec![
        ("GET", at(""), Value::Null),
        ("PATCH", at(""), json!({"topic": "x"})),
        ("DELETE", at(""), Value::Null),
        ("GET", at("/members"), Value::Null),
        ("PUT", at("/members/me"), json!({})),
        ("PUT", at("/members/bo"), json!({})),
        ("PUT", at("/members/bo"), json!({"role": "owner"})),
        ("PUT", at("/members/bo"), json!({"muted_until": null})),
        ("DELETE", at("/members/me"), Value::Null),
        ("DELETE", at("/members/ana"), Value::Null),
        ("PUT", at("/bans/ana"), json!({})),
        ("DELETE", at("/bans/ana"), Value::Null),
        ("PUT", at("/read"), json!({"seq": 1})),
        ("PUT", at("/level"), json!({"level": "nothing"})),
        ("GET", at("/messages"), Value::Null),
        ("POST", at("/messages"), json!({"text": "x"})),
        ("GET", at("/messages/1"), Value::Null),
        ("PATCH", at("/messages/1"), json!({"text": "x"})),
        ("DELETE", at("/messages/1"), Value::Null),
        ("PUT", at("/messages/1/reactions/+1"), json!({})),
        ("DELETE", at("/messages/1/reactions/+1"), Value::Null),
    ]
}

#[test]
fn a_private_room_is_nowhere_for_others() {
    let parlour = Parlour::start();
    let [_, ana, bo, cy] = people(&parlour);
    let room = json!({"room": "den", "kind": "private"});
    ana.post("/rooms", room).expect(201);
    ana.post("/rooms/den/messages", json!({"text": "psst"}))
        .expect(201);
    for (method, path, body) in everything("den") {
        let asked = cy.send(method, &path, &[], &body);
        let there = asked.refuses(404, "not_found");
        // Whether there is such a room cannot be told from the answer.
        let absent = path.replace("/den", "/attic");
        let absent = cy.send(method, &absent, &[], &body);
        let absent = absent.refuses(404, "not_found").to_string();
        assert_eq!(there.to_string().replace("den", "attic"), absent, "{path}");
    }
    let rooms = cy.get("/rooms").expect(200).to_string();
    assert!(!rooms.contains("den"), "{rooms}");
    ana.put("/rooms/den/members/bo", json!({})).expect(204);
    let first = "/rooms/den/messages/1";
    assert_eq!(bo.get(first).expect(200)["text"], "psst");
}

#[test]
fn nobody_gets_in_without_a_token() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    let mut all = everything("den");
    for (method, path) in [
        ("GET", "/rooms"),
        ("POST", "/rooms"),
        ("POST", "/dms"),
        ("GET", "/notifications"),
        ("POST", "/notifications"),
        ("PUT", "/notifications/1/seen"),
        ("GET", "/search?query=x"),
        ("GET", "/events"),
        ("GET", "/events?wait=0"),
    ] {
        all.push((method, path.to_owned(), json!({})));
    }
    for (method, path, body) in all {
        let nobody = parlour.nobody().send(method, &path, &[], &body);
        nobody.refuses(401, "unauthenticated");
        let stranger = parlour.with_token("stranger", "pt_wrong");
        stranger
            .send(method, &path, &[], &body)
            .refuses(401, "unauthenticated");
    }
}

#[test]
fn what_is_sent_twice_under_a_key_is_done_once() {
    let parlour = Parlour::start();
    let [_, ana, bo, _] = people(&parlour);
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    bo.put("/rooms/den/members/me", json!({})).expect(200);
    ana.post("/rooms/den/messages", json!({"text": "one"}))
        .expect(201);
    // Each with another content for the same key.
    let asked = [
        ("POST", "/rooms", json!({"room": "x"}), json!({"room": "y"})),
        (
            "PATCH",
            "/rooms/den",
            json!({"topic": "a"}),
            json!({"topic": "b"}),
        ),
        (
            "PUT",
            "/rooms/den/members/cy",
            json!({}),
            json!({"role": "owner"}),
        ),
        (
            "PUT",
            "/rooms/den/members/bo",
            json!({"role": "owner"}),
            json!({}),
        ),
        (
            "PUT",
            "/rooms/den/read",
            json!({"seq": 1}),
            json!({"seq": 0}),
        ),
        (
            "PUT",
            "/rooms/den/level",
            json!({"level": null}),
            json!({"level": "nothing"}),
        ),
        ("POST", "/dms", json!({"user": "bo"}), json!({"user": "cy"})),
        (
            "POST",
            "/rooms/den/messages",
            json!({"text": "a"}),
            json!({"text": "b"}),
        ),
        (
            "PATCH",
            "/rooms/den/messages/1",
            json!({"text": "a"}),
            json!({"text": "b"}),
        ),
        (
            "POST",
            "/notifications",
            json!({"to": "bo", "text": "a"}),
            json!({"to": "cy", "text": "a"}),
        ),
    ];
    for (number, (method, path, body, other)) in asked.into_iter().enumerate() {
        let key = format!("key-{number}");
        let fields = [("Idempotency-Key", key.as_str())];
        let first = ana.send(method, path, &fields, &body);
        assert!(
            first.response.status < 300,
            "{path}: {}",
            first.response.text()
        );
        let mut again = ana.send(method, path, &fields, &body).expect(200);
        assert_eq!(again["repeat"].take(), true, "{method} {path}");
        if !first.response.body.is_empty() && path.ends_with("messages") {
            let status = first.response.status;
            assert_eq!(first.expect(status)["seq"], again["seq"]);
        }
        ana.send(method, path, &fields, &other)
            .refuses(409, "key_reused");
        // Another's keys are others.
        let quoted = format!("\"{key}\"");
        let fields = [("Idempotency-Key", quoted.as_str())];
        let mut same = ana.send(method, path, &fields, &body).expect(200);
        assert_eq!(same["repeat"].take(), true, "a quoted key is the same");
    }
    for (number, path) in ["/rooms/den/bans/cy", "/rooms/x"].into_iter().enumerate() {
        if number == 0 {
            ana.put(path, json!({})).expect(204);
        }
        let key = format!("delete-{number}");
        let fields = [("Idempotency-Key", key.as_str())];
        ana.ask("DELETE", path, &fields, b"").expect(204);
        let again = ana.ask("DELETE", path, &fields, b"").expect(200);
        assert_eq!(again["repeat"], true, "{path}");
    }
    let long = "k".repeat(65);
    let fields = [("Idempotency-Key", long.as_str())];
    let refused = ana.send("POST", "/rooms", &fields, &json!({"room": "z"}));
    assert_eq!(refused.refuses(413, "too_long")["field"], "Idempotency-Key");
}

#[test]
fn what_is_no_json_object_is_refused() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let json = [("Content-Type", "application/json")];
    for body in ["{", "[]", "1", "{\"room\":}", &"[".repeat(10_000)] {
        ana.ask("POST", "/rooms", &json, body.as_bytes())
            .refuses(400, "bad_json");
    }
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let refused = ana
        .ask("POST", "/rooms", &form, b"room=den")
        .refuses(415, "not_supported");
    assert_eq!(refused["field"], "Content-Type");
    assert!(
        refused["message"]
            .as_str()
            .unwrap()
            .contains("application/json")
    );
    let typed = [("Content-Type", "application/json; charset=utf-8")];
    ana.ask("POST", "/rooms", &typed, b"{\"room\":\"den\"}")
        .expect(201);
    let huge = format!("{{\"room\":\"{}\"}}", "x".repeat(2 << 20));
    ana.ask("POST", "/rooms", &json, huge.as_bytes())
        .refuses(413, "too_long");
    ana.ask("GET", "/me", &json, huge.as_bytes())
        .refuses(413, "too_long");
    // Its length is known only when it has come.
    let chunked = [json[0], ("Transfer-Encoding", "chunked")];
    let pieces = format!("{:x}\r\n{huge}\r\n0\r\n\r\n", huge.len());
    ana.ask("POST", "/rooms", &chunked, pieces.as_bytes())
        .refuses(413, "too_long");
    ana.ask("POST", "/rooms", &chunked, b"nonsense\r\n")
        .refuses(400, "bad_field");
    let put = ana.ask("PUT", "/rooms", &[], b"");
    put.refuses(405, "not_supported");
    assert!(put.response.lists("Allow", "POST"));
}

/// Whoever counts members from a summary on, by those who come and go behind its version, is right.
#[test]
fn members_of_a_summary_are_those_of_its_version() {
    let parlour = Parlour::start();
    let [root, ana, bo, _] = people(&parlour);
    root.post("/rooms", json!({"room": "den"})).expect(201);
    let mut line = bo.line();
    let counted = |room: &Value, said: &[Value]| {
        let after = room["version"].as_u64().unwrap();
        let later = said.iter().filter(|it| {
            it["room"] == room["room"] && it["version"].as_u64().is_some_and(|it| it > after)
        });
        let came = later.filter(|it| it["event"] == "joined").count() as u64;
        room["members"].as_u64().unwrap() + came
    };
    let joined = line.ask(json!({"do": "join", "room": "den"}));
    assert_eq!(joined["members"], 2, "an answer counts whoever it is for");
    line.drain();
    line.ask(json!({"do": "dm", "users": ["ana", "cy"]}));
    let said = line.drain();
    let opened = said.iter().find(|it| it["event"] == "room").unwrap();
    assert_eq!(counted(&opened["summary"], &said), 3);
    let dm = ana
        .post("/dms", json!({"users": ["bo", "root", "cy"]}))
        .expect(200);
    assert_eq!(dm["members"], 4);
}
