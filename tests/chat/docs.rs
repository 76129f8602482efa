//! # Documents: bringing them, asking them, and who may

use serde_json::{Value, json};

use crate::support::{Parlour, Person};

const YARD: &str = "# The yard\n\nIt is by the river.\n\n## Ropes\n\nDry a rope before it is stowed, or it \
                    <rots>.\n\n## Slipway\n\nThe slipway is free on Sundays.\n";

const CLUB: &str = "# The club\n\n## Slipway\n\nOur slipway is free on Mondays only.\n";

/// A server with an admin and somebody who is none, who share a room that the latter owns.
#[track_caller]
fn town() -> (Parlour, Person, Person) {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let bo = parlour.sign_up("bo");
    bo.post("/rooms", json!({"room": "den"})).expect(201);
    (parlour, ana, bo)
}

fn sources(listed: &Value) -> Vec<&str> {
    let documents = listed["documents"].as_array().unwrap();
    documents
        .iter()
        .map(|it| it["source"].as_str().unwrap())
        .collect()
}

#[test]
fn documents_are_brought_asked_and_forgotten() {
    let (_parlour, ana, bo) = town();
    let asked = "/docs/search?q=when+is+the+slipway+free";
    // Without documents there is no database of them either.
    let none = bo.get(asked).expect(200);
    assert_eq!((&none["good"], &none["hits"]), (&false.into(), &json!([])));
    assert!(sources(&ana.get("/docs").expect(200)).is_empty());
    bo.get("/docs").refuses(403, "forbidden");

    let yard = json!({"source": "yard.md", "text": YARD});
    let made = ana.post("/docs", yard.clone()).expect(201);
    assert_eq!(made["title"], "The yard");
    assert_eq!(
        (&made["format"], &made["passages"]),
        (&"markdown".into(), &3.into())
    );
    let again = ana.post("/docs", yard).expect(200);
    assert_eq!(
        (&again["id"], &again["repeat"]),
        (&made["id"], &true.into())
    );

    let found = bo.get(asked).expect(200);
    assert_eq!(found["good"], true);
    let hit = &found["hits"][0];
    assert_eq!(
        (&hit["heading"], &hit["passage"], &hit["line"]),
        (&"Slipway".into(), &3.into(), &11.into())
    );
    assert_eq!(
        hit["snippet"],
        "The <mark>slipway</mark> is <mark>free</mark> on Sundays."
    );
    let said = found["answer"].as_str().unwrap();
    assert!(
        said.starts_with(
            "> The slipway is free on Sundays.\n\nFrom [The yard › Slipway](/docs/1?passage=3#p-3)."
        ),
        "{said}"
    );
    let found = bo.get("/docs/search?q=zebras").expect(200);
    assert_eq!(found["good"], false);

    // Another text under the same source takes its place.
    let other =
        json!({"source": "yard.md", "title": "Yard", "text": YARD.replace("Sundays", "Tuesdays")});
    let changed = ana.post("/docs", other).expect(200);
    assert_eq!(
        (&changed["id"], &changed["title"]),
        (&made["id"], &"Yard".into())
    );
    assert!(changed["repeat"].is_null());
    let found = bo.get(asked).expect(200);
    assert!(found["answer"].as_str().unwrap().contains("Tuesdays"));

    let path = format!("/docs/{}", made["id"]);
    bo.delete(&path).refuses(403, "forbidden");
    ana.delete(&path).expect(204);
    ana.delete(&path).refuses(404, "not_found");
    assert_eq!(bo.get(asked).expect(200)["hits"], json!([]));
}

#[test]
fn files_are_documents_too() {
    let (_parlour, ana, _) = town();
    let page = "<title>Knots</title><h1>Bowline</h1><p>A bowline makes a loop.</p>";
    let made = ana
        .ask(
            "POST",
            "/docs?source=knots.html",
            &[("Content-Type", "text/html")],
            page.as_bytes(),
        )
        .expect(201);
    assert_eq!(
        (&made["title"], &made["format"]),
        (&"Knots".into(), &"html".into())
    );
    let form = "--x\r\nContent-Disposition: form-data; name=\"file\"; filename=\"ropes.md\"\r\n\r\n\
                # Ropes\n\nTar them.\r\n--x--\r\n";
    let made = ana
        .ask(
            "POST",
            "/docs",
            &[("Content-Type", "multipart/form-data; boundary=x")],
            form.as_bytes(),
        )
        .expect(201);
    assert_eq!(
        (&made["source"], &made["format"]),
        (&"ropes.md".into(), &"markdown".into())
    );
    let listed = ana.get("/docs?limit=1").expect(200);
    assert_eq!(
        (sources(&listed), &listed["more"]),
        (vec!["knots.html"], &true.into())
    );
    let listed = ana.get("/docs?after=knots.html").expect(200);
    assert_eq!(
        (sources(&listed), &listed["more"]),
        (vec!["ropes.md"], &false.into())
    );
    // What is no text is told so.
    let sent = |media: &str, body: &[u8]| {
        ana.ask("POST", "/docs?source=a", &[("Content-Type", media)], body)
    };
    sent("text/plain", b"a\0b").refuses(400, "bad_field");
    sent("text/plain", b"caf\xe9").refuses(400, "bad_field");
    sent("text/plain", b" \n").refuses(400, "bad_field");
    sent("application/json", b"{").refuses(400, "bad_json");
    sent("application/json", b"{}").refuses(400, "bad_field");
    ana.post("/docs", json!({"text": "no source"}))
        .refuses(400, "bad_field");
    ana.post(
        "/docs",
        json!({"text": "a", "source": "a", "format": "pdf"}),
    )
    .refuses(400, "bad_field");
    ana.post("/docs", json!({"text": "a", "source": "a\nb"}))
        .refuses(400, "bad_field");
    sent("text/plain", &vec![b'a'; (8 << 20) + 1]).refuses(413, "too_long");
}

#[test]
fn a_rooms_documents_are_its_members() {
    let (parlour, ana, bo) = town();
    let cy = parlour.sign_up("cy");
    ana.post("/docs", json!({"source": "yard.md", "text": YARD}))
        .expect(201);
    let club = json!({"source": "club.md", "text": CLUB, "room": "den"});
    cy.post("/docs", club.clone()).refuses(403, "not_a_member");
    cy.put("/rooms/den/members/me", json!({})).expect(200);
    cy.post("/docs", club.clone()).refuses(403, "forbidden");
    cy.post("/docs", json!({"source": "x", "text": "x"}))
        .refuses(403, "forbidden");
    let made = bo.post("/docs", club).expect(201);
    assert_eq!(made["room"], "den");
    let asked = "/docs/search?q=when+is+the+slipway+free";
    // A room's own come first, and are asked only there.
    let found = cy.get(&format!("{asked}&room=den")).expect(200);
    let days = |found: &Value| {
        let hits = found["hits"].as_array().unwrap().iter();
        hits.map(|hit| hit["text"].as_str().unwrap().contains("Mondays"))
            .collect::<Vec<_>>()
    };
    assert_eq!(days(&found)[..2], [true, false]);
    assert_eq!(
        (&found["hits"][0]["room"], &found["hits"][1]["room"]),
        (&"den".into(), &Value::Null)
    );
    assert!(!days(&cy.get(asked).expect(200)).contains(&true));
    // An admin who is no member is not told what is in there.
    ana.get(&format!("{asked}&room=den"))
        .refuses(403, "not_a_member");
    ana.get("/docs?room=den").refuses(403, "not_a_member");
    ana.delete(&format!("/docs/{}", made["id"]))
        .refuses(404, "not_found");
    cy.get("/docs?room=den").refuses(403, "forbidden");
    assert_eq!(sources(&bo.get("/docs?room=den").expect(200)), ["club.md"]);
    assert_eq!(sources(&ana.get("/docs").expect(200)), ["yard.md"]);
    bo.delete(&format!("/docs/{}", made["id"])).expect(204);
}

#[test]
fn what_is_asked_is_bounded_and_has_to_be_asked_by_somebody() {
    let (parlour, ana, _) = town();
    for path in ["/docs", "/docs/search?q=a"] {
        parlour.nobody().get(path).refuses(401, "unauthenticated");
    }
    ana.get("/docs/search").refuses(400, "bad_field");
    ana.get(&format!("/docs/search?q={}", "a".repeat(501)))
        .refuses(413, "too_long");
    ana.get("/docs/search?q=a&limit=21")
        .refuses(400, "bad_field");
    ana.get("/docs/search?q=a&room=nowhere")
        .refuses(404, "not_found");
    ana.delete("/docs/x").refuses(400, "bad_field");
    for odd in ["%22", "AND", "NEAR(", "*", "terms%3A", "%F0%9F%8E%89", "+"] {
        ana.get(&format!("/docs/search?q={odd}")).expect(200);
    }
}

/// Documents of a room that is taken away go with it; everybody else's stay.
#[test]
fn a_room_takes_its_documents_with_it() {
    let (parlour, ana, bo) = town();
    ana.post("/docs", json!({"source": "yard.md", "text": YARD}))
        .expect(201);
    let club = json!({"source": "club.md", "text": CLUB, "room": "den"});
    let made = bo.post("/docs", club).expect(201);
    bo.delete("/rooms/den").expect(204);
    bo.get("/docs/search?q=slipway&room=den")
        .refuses(404, "not_found");
    bo.delete(&format!("/docs/{}", made["id"]))
        .refuses(404, "not_found");
    // A room of the same name is another one.
    bo.post("/rooms", json!({"room": "den"})).expect(201);
    assert!(sources(&bo.get("/docs?room=den").expect(200)).is_empty());
    let found = bo.get("/docs/search?q=slipway&room=den").expect(200);
    assert_eq!(found["hits"].as_array().unwrap().len(), 1);
    drop(parlour);
}

/// What somebody asks in a room is answered there by the bot, from the room's documents before others.
#[test]
fn a_question_in_a_room_is_answered_there() {
    let (_parlour, ana, bo) = town();
    let ask = |question: &str| bo.post("/rooms/den/messages", json!({ "text": question }));
    let last = || {
        let said = bo.get("/rooms/den/messages?limit=1").expect(200)["messages"][0].take();
        assert_ne!(said["from"], "bo");
        said["text"].as_str().unwrap().to_owned()
    };
    ask("/ask when is the slipway free?").expect(201);
    assert!(
        last().contains("There are no documents here yet"),
        "{}",
        last()
    );
    ana.post("/docs", json!({"source": "yard.md", "text": YARD}))
        .expect(201);
    ask("/ask when is the slipway free?").expect(201);
    assert!(
        last().contains("> The slipway is free on Sundays."),
        "{}",
        last()
    );
    assert!(
        last().contains("[The yard › Slipway](/docs/1?passage=3#p-3)"),
        "{}",
        last()
    );
    let club = json!({"source": "club.md", "text": CLUB, "room": "den"});
    bo.post("/docs", club).expect(201);
    ask("/ask when is the slipway free?").expect(201);
    assert!(
        last().contains("> Our slipway is free on Mondays only."),
        "{}",
        last()
    );
    ask("/ask who feeds the zebras").expect(201);
    assert!(
        last().contains("I found nothing good about “who feeds the zebras”"),
        "{}",
        last()
    );
    ask("/ask").refuses(400, "bad_field");
    ask(&format!("/ask {}", "a".repeat(501))).refuses(413, "too_long");
}
