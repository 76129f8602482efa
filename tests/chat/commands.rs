//! # Commands over `/ws`, one after the other
//!
//! What each is answered, what each member hears of it on each device, that nobody else does, and
//! how it is refused.

use serde_json::{Value, json};

use crate::support::{Line, Parlour};

/// Ana owns the room "den" and has two devices, Bo is in it with one, Cy is not. Who has the first
/// account, and so is admin, is nowhere.
struct Den {
    parlour: Parlour,
    ana: Line,
    phone: Line,
    bo: Line,
    cy: Line,
}

impl Den {
    fn open() -> Self {
        let parlour = Parlour::start();
        parlour.sign_up("root");
        let ana = parlour.sign_up("ana");
        let bo = parlour.sign_up("bo");
        let cy = parlour.sign_up("cy");
        let mut line = ana.line();
        line.ask(json!({"do": "create_room", "room": "den", "title": "The den"}));
        let phone = ana.line();
        let mut bo = bo.line();
        bo.ask(json!({"do": "join", "room": "den"}));
        let mut den = Self {
            parlour,
            ana: line,
            phone,
            bo,
            cy: cy.line(),
        };
        den.quiet();
        den
    }

    /// Nobody is owed anything any more.
    fn quiet(&mut self) {
        for line in [&mut self.ana, &mut self.phone, &mut self.bo, &mut self.cy] {
            line.drain();
        }
    }

    /// What everybody has heard: Ana twice, Bo, Cy. Who is there is left out, it comes when it
    /// comes.
    fn heard(&mut self) -> [Vec<Value>; 4] {
        [&mut self.ana, &mut self.phone, &mut self.bo, &mut self.cy].map(|line| {
            let mut heard = line.drain();
            heard.retain(|event| event["event"] != "presence");
            heard
        })
    }

    /// The members have heard exactly this one event, and Cy nothing.
    #[track_caller]
    fn members_heard(&mut self, name: &str) -> Value {
        let [ana, phone, bo, cy] = self.heard();
        assert_eq!(ana.len(), 1, "{ana:?}");
        assert_eq!(ana[0]["event"], name);
        assert_eq!(ana[0]["room"], "den");
        assert_eq!((&ana, &ana), (&phone, &bo), "all hear the same");
        assert_eq!(cy, Vec::<Value>::new());
        ana[0].clone()
    }

    #[track_caller]
    fn nobody_heard(&mut self) {
        assert_eq!(self.heard(), [const { Vec::<Value>::new() }; 4]);
    }

    /// Ana says something; what she is answered.
    fn said(&mut self, text: &str) -> Value {
        let said = self
            .ana
            .ask(json!({"do": "send", "room": "den", "text": text}));
        self.quiet();
        said
    }
}

fn names(events: &[Value]) -> Vec<&str> {
    events
        .iter()
        .filter_map(|it| it["event"].as_str())
        .collect()
}

/// Whatever acts on a room refuses who may not see it, who is not in it, and what is no name.
fn refuses_strangers(den: &mut Den, command: &Value, outside: &str) {
    den.cy.refused(command.clone(), outside);
    let mut elsewhere = command.clone();
    elsewhere["room"] = "nowhere".into();
    den.ana.refused(elsewhere.clone(), "not_found");
    elsewhere["room"] = "..".into();
    let error = den.ana.refused(elsewhere.clone(), "bad_field");
    assert_eq!(error["field"], "room");
    elsewhere["room"] = 7.into();
    den.ana.refused(elsewhere.clone(), "bad_field");
    elsewhere.as_object_mut().unwrap().remove("room");
    let error = den.ana.refused(elsewhere, "bad_field");
    assert_eq!(error["field"], "room");
    den.nobody_heard();
}

// -------------------------------------------------------------------------------- rooms and people

#[test]
fn join_tells_the_members_and_answers_with_the_room() {
    let mut den = Den::open();
    let room = den.cy.ask(json!({"do": "join", "room": "den"}));
    assert_eq!(
        (&room["room"], &room["title"]),
        (&json!("den"), &json!("The den"))
    );
    assert_eq!((&room["members"], &room["seq"]), (&json!(3), &json!(0)));
    assert_eq!(room["joined"], true);
    let [ana, phone, bo, cy] = den.heard();
    let event = ana[0].clone();
    assert_eq!(
        (&event["event"], &event["user"]),
        (&json!("joined"), &json!("cy"))
    );
    let after = room["version"].as_u64().unwrap() + 1;
    assert_eq!(
        event["version"], after,
        "live goes on where the answer ends"
    );
    assert!(event["op"].is_u64() && event["at"].is_string());
    assert_eq!(
        [&phone, &bo, &cy],
        [&ana, &ana, &ana],
        "who joins hears it as well"
    );
    // Who is in it already is told so, and nobody else is.
    let again = den.cy.ask(json!({"do": "join", "room": "den"}));
    assert_eq!(again["version"], event["version"]);
    den.nobody_heard();
    den.ana
        .ask(json!({"do": "create_room", "room": "own", "kind": "private"}));
    den.quiet();
    refuses_strangers(&mut den, &json!({"do": "join", "room": "own"}), "not_found");
}

#[test]
fn leave_ends_what_one_hears() {
    let mut den = Den::open();
    assert_eq!(den.bo.ask(json!({"do": "leave", "room": "den"})), json!({}));
    let event = den.members_heard("left");
    assert_eq!(
        (&event["user"], &event["how"]),
        (&json!("bo"), &json!("left"))
    );
    den.ana
        .ask(json!({"do": "send", "room": "den", "text": "gone?"}));
    let [ana, phone, bo, cy] = den.heard();
    assert_eq!(
        (names(&ana), names(&phone)),
        (vec!["message"], vec!["message"])
    );
    assert_eq!((bo, cy), (vec![], vec![]));
    refuses_strangers(
        &mut den,
        &json!({"do": "leave", "room": "den"}),
        "not_a_member",
    );
}

#[test]
fn rooms_lists_what_one_may_see() {
    let mut den = Den::open();
    den.ana
        .ask(json!({"do": "create_room", "room": "own", "kind": "private"}));
    let seen = |line: &mut Line| {
        let all = line.ask(json!({"do": "rooms"}));
        assert_eq!(all["more"], false);
        let rooms = all["rooms"].as_array().unwrap().clone();
        rooms
            .iter()
            .map(|room| {
                (
                    room["room"].as_str().unwrap().to_owned(),
                    room["joined"] == true,
                )
            })
            .collect::<Vec<_>>()
    };
    let (den_in, den_out) = (("den".to_owned(), true), ("den".to_owned(), false));
    assert_eq!(
        seen(&mut den.ana),
        [den_in.clone(), ("own".to_owned(), true)]
    );
    assert_eq!(seen(&mut den.bo), [den_in]);
    assert_eq!(seen(&mut den.cy), [den_out]);
    let page = den
        .ana
        .ask(json!({"do": "rooms", "limit": 1, "after": "den"}));
    assert_eq!(page["rooms"][0]["room"], "own");
    den.ana
        .refused(json!({"do": "rooms", "limit": 0}), "bad_field");
}

#[test]
fn create_room_opens_it_on_every_device() {
    let mut den = Den::open();
    let room = den
        .cy
        .ask(json!({"do": "create_room", "room": "New", "title": " New one "}));
    assert_eq!(
        (&room["room"], &room["title"]),
        (&json!("new"), &json!("New one"))
    );
    assert_eq!(
        (&room["kind"], &room["role"]),
        (&json!("public"), &json!("owner"))
    );
    assert_eq!(room["members"], 1);
    let [ana, phone, bo, cy] = den.heard();
    assert_eq!([ana, phone, bo], [const { Vec::<Value>::new() }; 3]);
    assert_eq!(names(&cy), ["joined", "room"]);
    assert_eq!(cy[1]["summary"]["room"], "new");
    den.bo
        .refused(json!({"do": "create_room", "room": "new"}), "exists");
    for (field, value, code) in [
        ("room", json!("dm-x"), "bad_field"),
        ("room", json!("a b"), "bad_field"),
        ("room", json!("x".repeat(65)), "too_long"),
        ("title", json!("x".repeat(121)), "too_long"),
        ("title", json!("  "), "bad_field"),
        ("kind", json!("direct"), "bad_field"),
        ("kind", json!("secret"), "bad_field"),
    ] {
        let mut command = json!({"do": "create_room", "room": "fine"});
        command[field] = value;
        let error = den.bo.refused(command, code);
        assert_eq!(error["field"], field);
    }
    den.nobody_heard();
}

#[test]
fn invite_makes_somebody_a_member() {
    let mut den = Den::open();
    let done = den
        .bo
        .ask(json!({"do": "invite", "room": "den", "user": "@Cy"}));
    assert_eq!(done, json!({}));
    let [ana, phone, bo, cy] = den.heard();
    assert_eq!(names(&ana), ["joined"]);
    assert_eq!(
        (&ana[0]["user"], &ana[0]["by"]),
        (&json!("cy"), &json!("bo"))
    );
    assert_eq!([&phone, &bo], [&ana, &ana]);
    assert_eq!(names(&cy), ["joined", "invited"]);
    assert_eq!(
        (&cy[1]["room"], &cy[1]["by"]),
        (&json!("den"), &json!("bo"))
    );
    assert_eq!(cy[1]["summary"]["title"], "The den");
    // Once more is the same as once.
    den.bo
        .ask(json!({"do": "invite", "room": "den", "user": "cy"}));
    den.nobody_heard();
    den.bo.refused(
        json!({"do": "invite", "room": "den", "user": "nobody"}),
        "not_found",
    );
    let error = den
        .bo
        .refused(json!({"do": "invite", "room": "den"}), "bad_field");
    assert_eq!(error["field"], "user");
    den.cy.ask(json!({"do": "leave", "room": "den"}));
    den.quiet();
    refuses_strangers(
        &mut den,
        &json!({"do": "invite", "room": "den", "user": "root"}),
        "not_a_member",
    );
}

#[test]
fn remove_is_for_who_keeps_order() {
    let mut den = Den::open();
    den.bo.refused(
        json!({"do": "remove", "room": "den", "user": "ana"}),
        "forbidden",
    );
    den.ana.refused(
        json!({"do": "remove", "room": "den", "user": "cy"}),
        "not_found",
    );
    refuses_strangers(
        &mut den,
        &json!({"do": "remove", "room": "den", "user": "bo"}),
        "forbidden",
    );
    assert_eq!(
        den.ana
            .ask(json!({"do": "remove", "room": "den", "user": "bo"})),
        json!({})
    );
    let event = den.members_heard("left");
    assert_eq!(
        (&event["user"], &event["by"]),
        (&json!("bo"), &json!("ana"))
    );
    assert_eq!(event["how"], "removed");
    den.bo.refused(
        json!({"do": "send", "room": "den", "text": "hey"}),
        "not_a_member",
    );
}

#[test]
fn dm_is_one_room_for_the_same_people() {
    let mut den = Den::open();
    let room = den.ana.ask(json!({"do": "dm", "user": "cy"}));
    assert_eq!(
        (&room["kind"], &room["title"]),
        (&json!("direct"), &json!("cy"))
    );
    let [ana, phone, bo, cy] = den.heard();
    assert_eq!(names(&ana), ["joined", "room", "joined"]);
    assert_eq!((phone, bo), (ana, vec![]));
    assert_eq!(names(&cy), ["joined", "room"]);
    assert_eq!(cy[1]["room"], room["room"]);
    let other = den.cy.ask(json!({"do": "dm", "users": ["ana"]}));
    assert_eq!(other["room"], room["room"]);
    den.nobody_heard();
    let den_of_two = room["room"].clone();
    den.bo
        .refused(json!({"do": "history", "room": den_of_two}), "not_found");
    den.bo
        .refused(json!({"do": "join", "room": den_of_two}), "not_found");
    den.ana
        .refused(json!({"do": "leave", "room": den_of_two}), "forbidden");
    den.ana.refused(
        json!({"do": "invite", "room": den_of_two, "user": "bo"}),
        "forbidden",
    );
    den.ana
        .refused(json!({"do": "dm", "user": "nobody"}), "not_found");
    den.ana.refused(json!({"do": "dm"}), "bad_field");
    den.ana
        .refused(json!({"do": "dm", "users": "cy"}), "bad_field");
}

// ---------------------------------------------------------------------------------------- messages

#[test]
fn send_is_answered_before_it_is_heard_by_all() {
    let mut den = Den::open();
    den.bo
        .ask(json!({"do": "level", "room": "den", "level": "nothing"}));
    den.quiet();
    den.ana.say(
        &json!({"id": 900, "do": "send", "room": "#den", "text": "hi @cy", "key": "c1", "more": 1}),
    );
    let answer = den.ana.next();
    assert_eq!(answer["re"], 900, "the answer comes first");
    let ok = &answer["ok"];
    assert_eq!((&ok["room"], &ok["seq"]), (&json!("den"), &json!(1)));
    let event = den.members_heard("message");
    for name in ["seq", "version", "at"] {
        assert_eq!(event[name], ok[name], "{name}");
    }
    assert_eq!(
        (&event["from"], &event["display_name"]),
        (&json!("ana"), &json!("ana"))
    );
    assert_eq!(
        (&event["text"], &event["key"]),
        (&json!("hi @cy"), &json!("c1"))
    );
    let reply = den
        .bo
        .ask(json!({"do": "send", "room": "den", "text": "yes", "reply_to": 1}));
    assert_eq!(reply["seq"], 2);
    assert_eq!(den.members_heard("message")["reply_to"], 1);
    den.ana.refused(
        json!({"do": "send", "room": "den", "text": "x", "reply_to": 9}),
        "not_found",
    );
    den.ana.refused(
        json!({"do": "send", "room": "den", "text": "x", "attachment": "none"}),
        "not_found",
    );
    for (field, value, code) in [
        ("text", json!(""), "bad_field"),
        ("text", json!(" \n"), "bad_field"),
        ("text", json!("a\u{0}b"), "bad_field"),
        ("text", json!(5), "bad_field"),
        ("text", Value::Null, "bad_field"),
        ("text", json!("x".repeat(8001)), "too_long"),
        ("reply_to", json!("1"), "bad_field"),
        ("reply_to", json!(-1), "bad_field"),
        ("reply_to", json!(1.5), "bad_field"),
        ("key", json!(1), "bad_field"),
        ("key", json!(""), "bad_field"),
        ("key", json!("k".repeat(65)), "too_long"),
        ("attachment", json!(1), "bad_field"),
    ] {
        let mut command = json!({"do": "send", "room": "den", "text": "fine"});
        command[field] = value;
        let error = den.ana.refused(command, code);
        assert_eq!(error["field"], field);
    }
    refuses_strangers(
        &mut den,
        &json!({"do": "send", "room": "den", "text": "x"}),
        "not_a_member",
    );
    // The longest text, in whatever characters, arrives as it is.
    let long = "🦀".repeat(8000);
    den.ana
        .ask(json!({"do": "send", "room": "den", "text": long}));
    assert_eq!(den.members_heard("message")["text"], long);
}

#[test]
fn a_mention_is_a_notification_on_every_device() {
    let mut den = Den::open();
    den.bo
        .ask(json!({"do": "send", "room": "den", "text": "@ana look"}));
    let [ana, phone, bo, cy] = den.heard();
    assert_eq!(names(&ana), ["message", "notification"]);
    assert_eq!((&phone, names(&bo), cy), (&ana, vec!["message"], vec![]));
    let note = &ana[1]["notification"];
    assert_eq!(
        (&note["kind"], &note["from"]),
        (&json!("mention"), &json!("bo"))
    );
    assert_eq!((&note["room"], &note["seq"]), (&json!("den"), &json!(1)));
    let read = den.ana.ask(json!({"do": "read", "room": "den", "seq": 0}));
    assert_eq!((&read["unread"], &read["mentions"]), (&json!(1), &json!(1)));
}

#[test]
fn edit_is_for_who_said_it() {
    let mut den = Den::open();
    den.said("frist");
    let edit = json!({"do": "edit", "room": "den", "seq": 1, "text": "first"});
    let ok = den.ana.ask(edit.clone());
    let event = den.members_heard("edited");
    assert_eq!(event["version"], ok["version"]);
    assert_eq!(
        (&event["seq"], &event["text"]),
        (&json!(1), &json!("first"))
    );
    assert_eq!(event["by"], "ana");
    assert!(event["edited_at"].is_string());
    den.bo.refused(edit.clone(), "forbidden");
    den.ana.refused(
        json!({"do": "edit", "room": "den", "seq": 2, "text": "x"}),
        "not_found",
    );
    den.ana.refused(
        json!({"do": "edit", "room": "den", "seq": 1, "text": ""}),
        "bad_field",
    );
    den.ana.refused(
        json!({"do": "edit", "room": "den", "text": "x"}),
        "bad_field",
    );
    den.ana
        .ask(json!({"do": "delete", "room": "den", "seq": 1}));
    den.quiet();
    den.ana.refused(edit.clone(), "gone");
    refuses_strangers(&mut den, &edit, "not_a_member");
}

#[test]
fn delete_leaves_the_number() {
    let mut den = Den::open();
    den.said("one");
    den.said("two");
    den.bo.refused(
        json!({"do": "delete", "room": "den", "seq": 1}),
        "forbidden",
    );
    let ok = den
        .ana
        .ask(json!({"do": "delete", "room": "den", "seq": 1}));
    let event = den.members_heard("deleted");
    assert_eq!(event["version"], ok["version"]);
    assert_eq!((&event["seq"], &event["by"]), (&json!(1), &json!("ana")));
    den.ana
        .refused(json!({"do": "delete", "room": "den", "seq": 1}), "gone");
    den.ana.refused(
        json!({"do": "delete", "room": "den", "seq": 3}),
        "not_found",
    );
    let page = den.bo.ask(json!({"do": "history", "room": "den"}));
    let messages = page["messages"].as_array().unwrap();
    assert_eq!(
        (&messages[0]["deleted"], &messages[0]["text"]),
        (&json!(true), &json!(""))
    );
    // Who keeps order may remove what others said.
    den.bo
        .ask(json!({"do": "send", "room": "den", "text": "three"}));
    den.quiet();
    den.ana
        .ask(json!({"do": "delete", "room": "den", "seq": 3}));
    assert_eq!(den.members_heard("deleted")["seq"], 3);
    refuses_strangers(
        &mut den,
        &json!({"do": "delete", "room": "den", "seq": 2}),
        "not_a_member",
    );
}

#[test]
fn reactions_come_and_go_once() {
    let mut den = Den::open();
    den.said("tea?");
    let react = json!({"do": "react", "room": "den", "seq": 1, "emoji": "🍵"});
    let ok = den.bo.ask(react.clone());
    let event = den.members_heard("reaction");
    assert_eq!(event["version"], ok["version"]);
    assert_eq!(
        (&event["from"], &event["emoji"]),
        (&json!("bo"), &json!("🍵"))
    );
    assert_eq!((&event["on"], &event["seq"]), (&json!(true), &json!(1)));
    assert_eq!(den.bo.ask(react.clone())["version"], ok["version"]);
    den.nobody_heard();
    let unreact = json!({"do": "unreact", "room": "den", "seq": 1, "emoji": "🍵"});
    den.ana.ask(unreact.clone());
    den.nobody_heard();
    den.bo.ask(unreact.clone());
    assert_eq!(den.members_heard("reaction")["on"], false);
    den.bo.refused(
        json!({"do": "react", "room": "den", "seq": 2, "emoji": "🍵"}),
        "not_found",
    );
    den.bo.refused(
        json!({"do": "react", "room": "den", "seq": 1, "emoji": "a b"}),
        "bad_field",
    );
    den.bo
        .refused(json!({"do": "react", "room": "den", "seq": 1}), "bad_field");
    den.bo.refused(
        json!({"do": "react", "room": "den", "seq": 1, "emoji": "x".repeat(65)}),
        "too_long",
    );
    refuses_strangers(&mut den, &react, "not_a_member");
    refuses_strangers(&mut den, &unreact, "not_a_member");
}

#[test]
fn a_message_takes_fifty_different_emoji() {
    let mut den = Den::open();
    den.said("many");
    for n in 0..50 {
        den.bo
            .ask(json!({"do": "react", "room": "den", "seq": 1, "emoji": format!("e{n}")}));
    }
    den.quiet();
    den.bo.refused(
        json!({"do": "react", "room": "den", "seq": 1, "emoji": "e50"}),
        "too_many",
    );
    den.nobody_heard();
}

#[test]
fn history_is_a_page_oldest_first() {
    let mut den = Den::open();
    for n in 1..=10 {
        den.said(&n.to_string());
    }
    let page = |line: &mut Line, more: Value| {
        let mut command = json!({"do": "history", "room": "den"});
        command
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        let page = line.ask(command);
        let seqs: Vec<u64> = page["messages"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["seq"].as_u64().unwrap())
            .collect();
        (seqs, page["more"] == true)
    };
    let all: Vec<u64> = (1..=10).collect();
    assert_eq!(page(&mut den.bo, json!({})), (all, false));
    assert_eq!(
        page(&mut den.bo, json!({"limit": 3})),
        (vec![8, 9, 10], true)
    );
    assert_eq!(
        page(&mut den.bo, json!({"before": 4, "limit": 5})),
        (vec![1, 2, 3], false)
    );
    assert_eq!(
        page(&mut den.bo, json!({"before": 4, "limit": 3})),
        (vec![1, 2, 3], false)
    );
    assert_eq!(page(&mut den.bo, json!({"before": 1})), (vec![], false));
    assert_eq!(page(&mut den.bo, json!({"after": 8})), (vec![9, 10], false));
    assert_eq!(
        page(&mut den.bo, json!({"after": 2, "limit": 2})),
        (vec![3, 4], true)
    );
    let (around, _) = page(&mut den.bo, json!({"around": 5, "limit": 3}));
    assert!(around.contains(&5) && around.len() == 3, "{around:?}");
    for (field, value) in [
        ("limit", json!(201)),
        ("limit", json!(0)),
        ("before", json!("x")),
        ("after", json!(-1)),
    ] {
        let mut command = json!({"do": "history", "room": "den"});
        command[field] = value;
        let error = den.bo.refused(command, "bad_field");
        assert_eq!(error["field"], field);
    }
    den.bo.refused(
        json!({"do": "history", "room": "den", "before": 1, "after": 1}),
        "bad_field",
    );
    refuses_strangers(
        &mut den,
        &json!({"do": "history", "room": "den"}),
        "not_a_member",
    );
}

#[test]
fn read_is_for_ones_own_devices() {
    let mut den = Den::open();
    den.said("one");
    den.said("two");
    let ok = den.ana.ask(json!({"do": "read", "room": "den", "seq": 1}));
    assert_eq!(
        (&ok["read"], &ok["unread"], &ok["mentions"]),
        (&json!(1), &json!(1), &json!(0))
    );
    let [ana, phone, bo, cy] = den.heard();
    assert_eq!(names(&phone), ["read"]);
    assert_eq!(
        (&phone[0]["room"], &phone[0]["seq"]),
        (&json!("den"), &json!(1))
    );
    assert_eq!((ana, bo, cy), (phone, vec![], vec![]));
    // Back is nowhere.
    let ok = den
        .phone
        .ask(json!({"do": "read", "room": "den", "seq": 0}));
    assert_eq!((&ok["read"], &ok["unread"]), (&json!(1), &json!(1)));
    den.nobody_heard();
    den.ana
        .refused(json!({"do": "read", "room": "den", "seq": 3}), "bad_field");
    den.ana
        .refused(json!({"do": "read", "room": "den"}), "bad_field");
    refuses_strangers(
        &mut den,
        &json!({"do": "read", "room": "den", "seq": 1}),
        "not_a_member",
    );
}

// ------------------------------------------------------------------------------------ what is short

#[test]
fn typing_is_for_the_others_and_needs_no_id() {
    let mut den = Den::open();
    den.ana.say(&json!({"do": "typing", "room": "den"}));
    den.ana
        .say(&json!({"id": 7, "do": "typing", "room": "den"}));
    let [ana, phone, bo, cy] = den.heard();
    assert_eq!(names(&bo), ["typing"], "at most once in a while");
    assert_eq!(
        (&bo[0]["room"], &bo[0]["from"]),
        (&json!("den"), &json!("ana"))
    );
    assert!(bo[0].get("version").is_none());
    assert_eq!((ana, phone, cy), (vec![], vec![], vec![]));
    // Who has said what they were typing may begin anew.
    den.said("done");
    den.ana.say(&json!({"do": "typing", "room": "den"}));
    let [.., bo, _] = den.heard();
    assert_eq!(names(&bo), ["typing"]);
    den.cy.say(&json!({"do": "typing", "room": "den"}));
    let error = den.cy.next();
    assert_eq!(
        (&error["re"], &error["error"]["code"]),
        (&Value::Null, &json!("not_a_member"))
    );
    refuses_strangers(
        &mut den,
        &json!({"do": "typing", "room": "den"}),
        "not_a_member",
    );
}

#[test]
fn presence_tells_who_is_there() {
    let mut den = Den::open();
    let here = den.bo.ask(json!({"do": "presence", "room": "den"}));
    assert_eq!(
        (&here["online"], &here["away"]),
        (&json!(["ana", "bo"]), &json!([]))
    );
    assert_eq!(here["count"], 2);
    // Away with one of two devices is not away.
    den.ana.ask(json!({"do": "presence", "away": true}));
    let here = den.bo.ask(json!({"do": "presence", "room": "den"}));
    assert_eq!(here["online"], json!(["ana", "bo"]));
    let here = den
        .phone
        .ask(json!({"do": "presence", "room": "den", "away": true}));
    assert_eq!(
        (&here["online"], &here["away"]),
        (&json!(["bo"]), &json!(["ana"]))
    );
    let told = den
        .bo
        .find("that ana is away", |it| it["changes"]["ana"] == "away");
    assert_eq!(
        (&told["event"], &told["room"]),
        (&json!("presence"), &json!("den"))
    );
    den.phone.ask(json!({"do": "presence", "away": false}));
    den.bo
        .find("that ana is back", |it| it["changes"]["ana"] == "online");
    den.ana
        .refused(json!({"do": "presence", "away": 1}), "bad_field");
    refuses_strangers(
        &mut den,
        &json!({"do": "presence", "room": "den"}),
        "not_a_member",
    );
}

#[test]
fn changes_of_presence_are_gathered() {
    let mut den = Den::open();
    den.ana.ask(json!({"do": "presence", "away": true}));
    for _ in 0..20 {
        den.phone.ask(json!({"do": "presence", "away": true}));
        den.phone.ask(json!({"do": "presence", "away": false}));
    }
    den.phone.ask(json!({"do": "presence", "away": true}));
    den.bo
        .find("that ana is away", |it| it["changes"]["ana"] == "away");
    let told = den
        .bo
        .drain()
        .iter()
        .filter(|it| it["event"] == "presence")
        .count();
    assert!(told < 20, "forty changes, told {told} times");
}

#[test]
fn who_stays_away_is_offline_after_a_while() {
    let mut den = Den::open();
    den.cy.ask(json!({"do": "join", "room": "den"}));
    den.bo
        .find("that cy is there", |it| it["event"] == "joined");
    let Den {
        mut ana,
        cy,
        parlour: _parlour,
        ..
    } = den;
    cy.hang_up();
    let told = ana.find_late("that cy has gone", |it| it["changes"]["cy"] == "offline");
    assert_eq!(told["count"], 1 + 1);
}

// ---------------------------------------------------------------------------------- notifications

#[test]
fn notify_reaches_every_device_or_the_next_hello() {
    let mut den = Den::open();
    let ok = den
        .cy
        .ask(json!({"do": "notify", "to": "ana", "text": "call me"}));
    assert!(ok["id"].is_u64() && ok["at"].is_string());
    let [ana, phone, bo, cy] = den.heard();
    assert_eq!(names(&ana), ["notification"]);
    assert_eq!(
        (&ana[0]["id"], &ana[0]["text"]),
        (&ok["id"], &json!("call me"))
    );
    assert_eq!(ana[0]["from"], "cy");
    assert_eq!((phone, bo, cy), (ana, vec![], vec![]));
    den.bo
        .ask(json!({"do": "notify", "to": "root", "text": "hello"}));
    let root = den.parlour.sign_in("root", crate::support::PASSWORD).line();
    assert_eq!(root.hello["notifications"]["unread"], 1);
    assert_eq!(root.hello["notifications"]["latest"][0]["text"], "hello");
    den.bo.refused(
        json!({"do": "notify", "to": "nobody", "text": "x"}),
        "not_found",
    );
    den.bo.refused(
        json!({"do": "notify", "to": "ana", "text": ""}),
        "bad_field",
    );
    den.bo
        .refused(json!({"do": "notify", "text": "x"}), "bad_field");
    den.bo.refused(
        json!({"do": "notify", "to": "ana", "text": "x".repeat(8001)}),
        "too_long",
    );
}

#[test]
fn notifications_are_listed_newest_first_and_seen() {
    let mut den = Den::open();
    let ids: Vec<Value> = (1..=3)
        .map(|n| {
            den.bo
                .ask(json!({"do": "notify", "to": "cy", "text": n.to_string()}))["id"]
                .clone()
        })
        .collect();
    den.quiet();
    let list = den.cy.ask(json!({"do": "notifications"}));
    let texts: Vec<&str> = list["notifications"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["text"].as_str().unwrap())
        .collect();
    assert_eq!(
        (texts, &list["more"], &list["unread"]),
        (vec!["3", "2", "1"], &json!(false), &json!(3))
    );
    let page = den
        .cy
        .ask(json!({"do": "notifications", "before": ids[2], "limit": 1}));
    assert_eq!(
        (&page["notifications"][0]["text"], &page["more"]),
        (&json!("2"), &json!(true))
    );
    let other = den.parlour.sign_in("cy", crate::support::PASSWORD);
    let mut other = other.line();
    // `id` is the notification's, and the command's as well.
    den.cy.say(&json!({"id": ids[1], "do": "seen"}));
    let answer = den.cy.find("an answer", |it| it["re"] == ids[1]);
    assert_eq!(answer["ok"]["unread"], 1, "{answer}");
    assert_eq!(other.event("seen")["id"], ids[1]);
    assert_eq!(den.ana.ask(json!({"do": "notifications"}))["unread"], 0);
    // Whoever counts commands names it beside.
    let answer = den.cy.ask(json!({"do": "seen", "notification": ids[2]}));
    assert_eq!(answer["unread"], 0);
    assert_eq!(other.event("seen")["id"], ids[2]);
    // Other people's are nobody's business.
    den.bo.say(&json!({"id": ids[2], "do": "seen"}));
    let answer = den.bo.find("an answer", |it| it["re"] == ids[2]);
    assert_eq!(answer["error"]["code"], "not_found", "{answer}");
}

// ------------------------------------------------------------------------------- search, ping, me

#[test]
fn search_finds_what_one_may_read() {
    let mut den = Den::open();
    den.said("the quick brown fox");
    // What was acknowledged before is found, however little time there was to index it.
    let found = den.bo.ask(json!({"do": "search", "query": "quick"}));
    assert_eq!(
        (&found["hits"][0]["room"], &found["hits"][0]["seq"]),
        (&json!("den"), &json!(1))
    );
    let none = den.cy.ask(json!({"do": "search", "query": "quick"}));
    assert_eq!(none["hits"], json!([]));
    let none = den
        .bo
        .ask(json!({"do": "search", "query": "quick", "room": "den", "limit": 1}));
    assert_eq!(none["hits"].as_array().unwrap().len(), 1);
    den.bo.refused(json!({"do": "search"}), "bad_field");
    den.bo.refused(
        json!({"do": "search", "query": "x", "limit": 0}),
        "bad_field",
    );
    den.bo.refused(
        json!({"do": "search", "query": "x", "room": "nowhere"}),
        "not_found",
    );
    den.cy.refused(
        json!({"do": "search", "query": "x", "room": "den"}),
        "not_a_member",
    );
}

#[test]
fn ping_tells_the_time() {
    let mut den = Den::open();
    let at = den.cy.ask(json!({"do": "ping"}))["at"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(
        (at.len(), at.ends_with('Z')),
        ("2026-01-02T03:04:05.678Z".len(), true)
    );
}

// ------------------------------------------------------------------------------------ keeping order

#[test]
fn a_ban_is_for_good_until_it_is_lifted() {
    let mut den = Den::open();
    den.bo
        .ask(json!({"do": "send", "room": "den", "text": "spam"}));
    den.quiet();
    den.bo.refused(
        json!({"do": "ban", "room": "den", "user": "ana"}),
        "forbidden",
    );
    den.ana
        .ask(json!({"do": "ban", "room": "den", "user": "bo", "messages": true}));
    let [ana, phone, bo, cy] = den.heard();
    assert_eq!(names(&ana), ["left", "deleted"]);
    assert_eq!(ana[0]["how"], "banned");
    assert_eq!(
        (phone, names(&bo), cy),
        (ana, vec!["left"], vec![]),
        "not one more event"
    );
    den.bo
        .refused(json!({"do": "join", "room": "den"}), "forbidden");
    den.ana.refused(
        json!({"do": "invite", "room": "den", "user": "bo"}),
        "forbidden",
    );
    den.ana
        .ask(json!({"do": "unban", "room": "den", "user": "bo"}));
    den.bo.ask(json!({"do": "join", "room": "den"}));
    den.ana.refused(
        json!({"do": "unban", "room": "den", "user": "bo"}),
        "not_found",
    );
}

#[test]
fn who_is_muted_may_only_read() {
    let mut den = Den::open();
    den.said("hush");
    den.ana
        .ask(json!({"do": "mute", "room": "den", "user": "bo", "until": "2999-01-01T00:00:00Z"}));
    assert_eq!(
        den.members_heard("member")["muted_until"],
        "2999-01-01T00:00:00.000Z"
    );
    let error = den.bo.refused(
        json!({"do": "send", "room": "den", "text": "no"}),
        "forbidden",
    );
    assert!(error["retry_after"].is_number(), "{error}");
    den.bo.refused(
        json!({"do": "react", "room": "den", "seq": 1, "emoji": "x"}),
        "forbidden",
    );
    den.bo.ask(json!({"do": "history", "room": "den"}));
    den.ana
        .ask(json!({"do": "mute", "room": "den", "user": "bo"}));
    den.bo
        .ask(json!({"do": "send", "room": "den", "text": "at last"}));
    den.ana.refused(
        json!({"do": "mute", "room": "den", "user": "bo", "until": "soon"}),
        "bad_field",
    );
}

#[test]
fn an_archived_room_is_read_only_and_a_deleted_one_gone() {
    let mut den = Den::open();
    den.said("old");
    den.bo.refused(
        json!({"do": "change_room", "room": "den", "archived": true}),
        "forbidden",
    );
    den.ana
        .ask(json!({"do": "change_room", "room": "den", "archived": true, "topic": "done"}));
    let event = den.members_heard("room");
    assert_eq!(
        (&event["archived"], &event["topic"]),
        (&json!(true), &json!("done"))
    );
    den.ana.refused(
        json!({"do": "send", "room": "den", "text": "x"}),
        "forbidden",
    );
    den.cy
        .refused(json!({"do": "join", "room": "den"}), "forbidden");
    den.bo
        .refused(json!({"do": "delete_room", "room": "den"}), "forbidden");
    den.ana.ask(json!({"do": "delete_room", "room": "den"}));
    let [ana, phone, bo, cy] = den.heard();
    assert_eq!((names(&ana), names(&bo)), (vec!["left"], vec!["left"]));
    assert_eq!(ana[0]["how"], "closed");
    assert_eq!(
        (
            ana.last().unwrap()["user"].as_str(),
            bo.last().unwrap()["user"].as_str()
        ),
        (Some("ana"), Some("bo"))
    );
    assert_eq!((phone.len(), cy), (ana.len(), vec![]));
    den.ana
        .refused(json!({"do": "history", "room": "den"}), "not_found");
    den.cy.ask(json!({"do": "create_room", "room": "den"}));
}
