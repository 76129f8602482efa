//! # `/remind` and `/poll`: what is told later, and what is chosen
//!
//! A reminder is told once, whatever happens to the server in between.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;

use parlour::chat::{self, Entry, Log, Moment, Operation, Text, UserId, Whom};
use parlour::store::Durability;
use serde_json::{Value, json};

use crate::strict::eventually;
use crate::support::{Line, Parlour, Person};

fn send(text: &str) -> Value {
    json!({"do": "send", "room": "den", "text": text})
}

/// Ana owns the room "den", Bo is in it.
fn den(parlour: &Parlour) -> [Person; 2] {
    let people = ["ana", "bo"].map(|name| parlour.sign_up(name));
    let [ana, bo] = &people;
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    bo.put("/rooms/den/members/me", json!({})).expect(200);
    people
}

/// What somebody types that is for them alone.
#[track_caller]
fn told(line: &mut Line, text: &str) -> String {
    line.ask(send(text));
    let answer = line.event("answer");
    answer["text"].as_str().unwrap().to_owned()
}

/// How often somebody was told what.
fn notes(person: &Person) -> BTreeMap<String, u32> {
    let page = person.get("/notifications?limit=200").expect(200);
    let mut notes = BTreeMap::new();
    for note in page["notifications"].as_array().unwrap() {
        *notes
            .entry(note["text"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    notes
}

#[test]
fn people_and_rooms_are_reminded() {
    let parlour = Parlour::start();
    let [ana, bo] = den(&parlour);
    let (mut ana, mut bo) = (ana.line(), bo.line());
    let said = told(&mut ana, "/remind me in 1 second to look");
    assert!(
        said.starts_with("I will remind you in 1 second, at 2"),
        "{said}"
    );
    assert!(
        said.ends_with(" UTC. To take it back: /remind cancel 1."),
        "{said}"
    );
    let note = ana.event("notification");
    assert_eq!(
        (&note["text"], &note["from"]),
        (&"Reminder: look".into(), &Value::Null)
    );
    told(&mut ana, "/remind @bo in 1s tea");
    let note = bo.event("notification");
    assert_eq!(
        (&note["text"], &note["from"]),
        (&"Reminder: tea".into(), &"ana".into())
    );
    told(&mut ana, "/remind here in 1s @bo is to speak");
    let said = bo.event("message");
    assert_eq!(said["text"], "Reminder by @ana: @bo is to speak");
    assert_eq!(said["from"], "parlour");
    assert_eq!(
        bo.event("notification")["notification"]["seq"],
        1,
        "who is called is called"
    );
    assert_eq!(told(&mut ana, "/remind list"), "You have no reminders.");
    // Two people alone are reminded, too, by somebody who is not there.
    let dm = ana.ask(json!({"do": "dm", "user": "bo"}))["room"].clone();
    ana.ask(json!({"do": "send", "room": dm, "text": "/remind here in 1s us"}));
    let said = bo.find("the reminder", |it| {
        it["event"] == "message" && it["room"] == dm
    });
    assert_eq!(
        (&said["text"], &said["from"]),
        (&"Reminder by @ana: us".into(), &"parlour".into())
    );
}

#[test]
fn what_waits_is_listed_and_taken_back() {
    let parlour = Parlour::start();
    let [ana, bo] = den(&parlour);
    let (mut ana, mut bo) = (ana.line(), bo.line());
    for (wrong, code) in [
        ("/remind", "bad_field"),
        ("/remind me", "bad_field"),
        ("/remind me tea", "bad_field"),
        ("/remind me in 10 minutes", "bad_field"),
        ("/remind me 2001-01-01 9:00 tea", "bad_field"),
        ("/remind me 2999-01-01 9:00 tea", "bad_field"),
        ("/remind @nobody in 10m tea", "not_found"),
        ("/remind cancel", "bad_field"),
        ("/remind cancel 77", "not_found"),
    ] {
        ana.refused(send(wrong), code);
    }
    let long = format!("/remind me in 1h {}", "x".repeat(1001));
    ana.refused(send(&long), "too_long");
    let said = told(&mut ana, "/remind tomorrow 9:00 tea");
    assert!(
        said.contains(" 09:00 UTC. To take it back: /remind cancel 1. For clocks"),
        "{said}"
    );
    let said = told(&mut ana, "/remind here tomorrow at 8am +02:00 cake");
    assert!(said.starts_with("I will remind this room at 2"), "{said}");
    assert!(
        said.ends_with(" 08:00 UTC+02:00. To take it back: /remind cancel 2."),
        "{said}"
    );
    // Clocks are those of the client, if it says so.
    for (offset, zone) in [
        (json!(-150), "UTC-02:30"),
        (json!(0), "UTC"),
        (json!(840), "UTC+14:00"),
    ] {
        let mut there = send("/remind tomorrow 9:00 tea");
        there["offset"] = offset;
        let id = ana.ask(there)["id"].clone();
        let said = ana.event("answer")["text"].as_str().unwrap().to_owned();
        assert!(
            said.ends_with(&format!(
                " 09:00 {zone}. To take it back: /remind cancel {id}."
            )),
            "{said}"
        );
        told(&mut ana, &format!("/remind cancel {id}"));
    }
    let mut nowhere = send("/remind tomorrow 9:00 tea");
    for odd in [json!(841), json!("UTC"), json!(1.5)] {
        nowhere["offset"] = odd;
        assert_eq!(ana.refused(nowhere.clone(), "bad_field")["field"], "offset");
    }
    let mut under = send("/remind @bo in 3 days call");
    under["key"] = "k".into();
    let first = ana.ask(under.clone());
    assert_eq!(
        (&first["id"], &first["command"]),
        (&6.into(), &"remind".into())
    );
    assert!(first["due"].as_str().unwrap().ends_with('Z'), "{first}");
    let words = ana.event("answer")["text"].clone();
    assert_eq!(ana.ask(under.clone())["repeat"], true);
    assert_eq!(ana.event("answer")["text"], words, "the same time, too");
    under["text"] = "/remind @bo in 4 days call".into();
    ana.refused(under, "key_reused");
    let list = told(&mut ana, "/remind list");
    let lines: Vec<&str> = list.lines().collect();
    assert_eq!(lines.len(), 3, "{list}");
    assert!(
        lines
            .iter()
            .any(|it| it.starts_with("1. 2") && it.ends_with(" 09:00 UTC, you: tea"))
    );
    assert!(
        lines
            .iter()
            .any(|it| it.ends_with(" 06:00 UTC, #den: cake")),
        "{list}"
    );
    assert!(
        lines[2].starts_with("6. 2") && lines[2].ends_with(", @bo: call"),
        "{list}"
    );
    assert_eq!(told(&mut bo, "/remind list"), "You have no reminders.");
    bo.refused(send("/remind cancel 1"), "not_found");
    assert_eq!(
        told(&mut ana, "/remind cancel 1"),
        "Reminder 1 is taken back."
    );
    ana.refused(send("/remind cancel 1"), "not_found");
    assert_eq!(told(&mut ana, "/remind list").lines().count(), 2);
    // Who is muted reminds no room, only people.
    ana.ask(send("/mute bo 1h"));
    bo.refused(send("/remind here in 1h tea"), "forbidden");
    told(&mut bo, "/remind me in 1h tea");
}

#[test]
fn each_is_told_once_however_often_the_server_is_killed() {
    const MANY: u32 = 40;
    let mut parlour = Parlour::start();
    let [ana, bo] = den(&parlour);
    let tokens = [&ana, &bo].map(|it| it.token.clone().unwrap());
    let mut line = ana.line();
    for n in 0..MANY {
        // Over all the time in which it is killed and started again.
        let ms = ["1s", "2s"][n as usize % 2];
        told(&mut line, &format!("/remind @bo in {ms} n{n}"));
        told(&mut line, &format!("/remind here in {ms} m{n}"));
    }
    for told in [1, MANY / 2] {
        eventually("some are told", || {
            notes(&bo_of(&parlour, &tokens)).len() >= told as usize
        });
        parlour.kill();
        parlour.begin();
    }
    let bo = bo_of(&parlour, &tokens);
    eventually("all are told", || {
        let page = bo.get("/rooms/den/messages?limit=200").expect(200);
        page["messages"].as_array().unwrap().len() >= MANY as usize
            && notes(&bo).len() >= MANY as usize
    });
    let mut line = bo.line();
    assert_eq!(told(&mut line, "/remind list"), "You have no reminders.");
    // On a slow machine one may come late, and says so.
    let notes = notes(&bo);
    let page = bo.get("/rooms/den/messages?limit=200").expect(200);
    let said = page["messages"].as_array().unwrap();
    for n in 0..MANY {
        let is_it = |text: &&String| text.ends_with(&format!(": n{n}"));
        let times: u32 = notes.keys().filter(is_it).map(|text| notes[text]).sum();
        assert_eq!(times, 1, "n{n}: {notes:?}");
        let end = format!(": m{n}");
        let is_it = |it: &&Value| it["text"].as_str().unwrap().ends_with(&end);
        assert_eq!(said.iter().filter(is_it).count(), 1, "m{n}");
    }
}

fn bo_of(parlour: &Parlour, tokens: &[String; 2]) -> Person {
    parlour.with_token("bo", &tokens[1])
}

#[test]
fn what_became_due_while_the_server_was_down_is_told_when_it_is_back() {
    let mut parlour = Parlour::start();
    let [ana, _] = den(&parlour);
    let token = ana.token.unwrap();
    parlour.kill();
    // As if it had been made hours ago, and the server had not run since.
    let database = chat::open(parlour.data(), Durability::Full, "e", 1).unwrap();
    let entry = |whom| Entry {
        by: Some(UserId(1)),
        at: 1_700_000_000_000,
        key: None,
        random: [0; 16],
        outside: false,
        operation: Operation::Remind {
            whom,
            when: Moment::After { ms: 60_000 },
            text: Text::parse("text", "tea").unwrap(),
        },
    };
    let room = chat::RoomName::parse("room", "den").unwrap();
    for whom in [Whom::Oneself, Whom::Room(room)] {
        let (done, verdict) = channel();
        let done = move |verdict| -> chat::Keepsake { Box::new(done.send(verdict)) };
        database.append(entry(whom), Box::new(done)).unwrap();
        verdict.recv().unwrap().unwrap();
    }
    drop(database);
    parlour.begin();
    let ana = parlour.with_token("ana", &token);
    eventually("both are told", || {
        let page = ana.get("/rooms/den/messages").expect(200);
        notes(&ana).len() == 2 && page["messages"].as_array().unwrap().len() == 1
    });
    let late = " late: the server was not running): tea";
    let notes = notes(&ana);
    assert!(notes.keys().all(|text| text.ends_with(late)), "{notes:?}");
}

// ------------------------------------------------------------------------------------------ polls

#[test]
fn a_poll_is_a_message_on_which_people_vote_by_reactions() {
    let parlour = Parlour::start();
    let [ana, bo] = den(&parlour);
    let (mut ana, mut line) = (ana.line(), bo.line());
    let mut poll = send("/poll Tea or coffee? Tea, Coffee");
    poll["key"] = "k".into();
    assert_eq!(ana.ask(poll.clone())["seq"], 1);
    assert_eq!(ana.ask(poll)["repeat"], true);
    let heard = line.event("message");
    assert_eq!(heard["poll"], true);
    assert_eq!(heard["text"], "Tea or coffee?\n\n1️⃣ Tea\n2️⃣ Coffee");
    for line in [&mut ana, &mut line] {
        line.ask(json!({"do": "react", "room": "den", "seq": 1, "emoji": "2️⃣"}));
    }
    let page = bo.get("/rooms/den/messages").expect(200);
    let message = &page["messages"][0];
    assert_eq!(message["reactions"]["2️⃣"], json!(["ana", "bo"]));
    assert_eq!(message["poll"], true);
    ana.ask(send("/poll \"When?\" \"Monday, at 9\" \"Tuesday\""));
    let heard = line.event("message");
    assert_eq!(heard["text"], "When?\n\n1️⃣ Monday, at 9\n2️⃣ Tuesday");
    for wrong in [
        "/poll",
        "/poll Tea? Tea",
        "/poll \"unfinished",
        "/poll Q? 1,2,3,4,5,6,7,8,9,10",
    ] {
        let error = ana.refused(send(wrong), "bad_field");
        assert_eq!(error["field"], "text");
    }
    ana.ask(send("/mute bo 1h"));
    line.refused(send("/poll Tea?"), "forbidden");
}
