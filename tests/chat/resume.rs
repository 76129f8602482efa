//! # Resuming: nothing is missed and nothing told twice
//!
//! Somebody was away, or too slow, while others went on, and says where they were.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};

use crate::support::{Line, Parlour, Person};

/// Ana and Bo in the room "den".
fn den(parlour: &Parlour) -> (Person, Person) {
    let (ana, bo) = (parlour.sign_up("ana"), parlour.sign_up("bo"));
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    bo.put("/rooms/den/members/me", json!({})).expect(200);
    (ana, bo)
}

/// Says so many things in a room, many at a time.
fn fill(line: &mut Line, room: &str, count: u64, text: &str) {
    let mut said = 0;
    while said < count {
        let some = (count - said).min(50);
        for n in 0..some {
            line.say(&json!({"id": 1_000_000 + n, "do": "send", "room": room, "text": text}));
        }
        for n in 0..some {
            let answer = line.find("an answer", |it| it["re"] == 1_000_000 + n);
            assert!(answer["ok"].is_object(), "{answer}");
        }
        said += some;
    }
    line.drain();
}

fn version(value: &Value) -> u64 {
    value["version"].as_u64().unwrap()
}

fn head(person: &Person, room: &str) -> u64 {
    version(&person.get(&format!("/rooms/{room}")).expect(200))
}

/// What is told of a room up to its `caught_up`, which ends it.
fn told(line: &mut Line, room: &str) -> Vec<Value> {
    let mut told = Vec::new();
    loop {
        let event = line.next();
        if event["event"] == "presence" {
            continue;
        }
        assert_eq!(event["room"], room, "{event}");
        let is_over = event["event"] == "caught_up";
        told.push(event);
        if is_over {
            return told;
        }
    }
}

fn versions(events: &[Value]) -> Vec<u64> {
    events.iter().map(version).collect()
}

/// Resumes one room; how, and what is told of it but for the `caught_up`.
fn resumed(person: &Person, room: &str, from: u64) -> (Value, Vec<Value>, Line) {
    let mut line = person.line_to("/ws?hold=1");
    let ok = line.ask(json!({"do": "resume", "rooms": {room: from}}));
    let mut events = told(&mut line, room);
    let caught_up = events.pop().unwrap();
    assert_eq!(version(&caught_up), ok["rooms"][room]["to"]);
    (ok["rooms"][room].clone(), events, line)
}

// ------------------------------------------------------------------------------- from each version

/// Goes on talking until it is told to stop.
fn talk(mut line: Line, stop: &AtomicBool) {
    let mut last = 0;
    while !stop.load(Ordering::Relaxed) {
        let said = line.ask(json!({"do": "send", "room": "den", "text": "on and on"}));
        if last > 0 {
            line.ask(json!({"do": "edit", "room": "den", "seq": last, "text": "and on"}));
        }
        last = said["seq"].as_u64().unwrap();
        line.drain();
    }
}

#[test]
fn from_each_version_everything_comes_once_while_others_go_on() {
    let parlour = Parlour::start();
    let (ana, bo) = den(&parlour);
    let mut line = ana.line();
    fill(&mut line, "den", 20, "before");
    line.ask(json!({"do": "edit", "room": "den", "seq": 3, "text": "changed"}));
    line.ask(json!({"do": "react", "room": "den", "seq": 4, "emoji": "x"}));
    line.ask(json!({"do": "delete", "room": "den", "seq": 5}));
    let head = head(&ana, "den");
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| talk(line, &stop));
        let checked = thread::scope(|scope| {
            let held = scope.spawn(|| (0..=head).for_each(|from| held_from(&bo, from)));
            let heard = scope.spawn(|| (0..=head).for_each(|from| heard_from(&bo, from)));
            [held.join(), heard.join()]
        });
        stop.store(true, Ordering::Relaxed);
        for it in checked {
            it.unwrap();
        }
    });
}

/// With `hold` everything comes in order.
fn held_from(person: &Person, from: u64) {
    let mut line = person.line_to("/ws?hold=1");
    let ok =
        line.ask(json!({"do": "resume", "epoch": line.hello["epoch"], "rooms": {"den": from}}));
    let place = &ok["rooms"]["den"];
    assert_eq!(
        (&place["from"], &place["mode"]),
        (&json!(from), &json!("events"))
    );
    let mut events = told(&mut line, "den");
    let caught_up = events.pop().unwrap();
    assert!(version(&caught_up) >= place["to"].as_u64().unwrap());
    // Then live.
    for _ in 0..3 {
        events.push(line.find("something live", |it| it.get("version").is_some()));
    }
    let last = version(events.last().unwrap());
    assert_eq!(versions(&events), (from + 1..=last).collect::<Vec<_>>());
    assert_eq!(
        last,
        version(&caught_up) + 3,
        "live goes on where it had caught up"
    );
    let ops: Vec<u64> = events.iter().map(|it| it["op"].as_u64().unwrap()).collect();
    assert!(ops.is_sorted_by(|a, b| a < b), "{ops:?}");
}

/// Without it, live comes from the hello on and the rest when it comes: each once.
fn heard_from(person: &Person, from: u64) {
    let mut line = person.line();
    let mut all = BTreeSet::new();
    // Something is heard before it says where it was.
    all.insert(version(
        &line.find("something live", |it| it.get("version").is_some()),
    ));
    line.say(&json!({"id": 1, "do": "resume", "rooms": {"den": from}}));
    let mut until = u64::MAX;
    while (all.len() as u64) < until.saturating_sub(from) {
        let value = line.next();
        if value["event"] == "caught_up" {
            until = version(&value) + 2;
        } else if value.get("version").is_some() {
            assert!(all.insert(version(&value)), "twice: {value}");
        }
    }
    assert!(
        all.into_iter().eq(from + 1..=until),
        "from {from} until {until}"
    );
}

#[test]
fn what_is_missed_is_told_as_it_was_told_then() {
    let parlour = Parlour::start();
    let (ana, bo) = den(&parlour);
    let mut there = bo.line();
    let mut line = ana.line();
    let epoch = there.hello["epoch"].clone();
    let since = there.hello["op"].as_u64().unwrap();
    line.ask(json!({"do": "create_room", "room": "own"}));
    for n in 0..20 {
        line.ask(json!({"do": "send", "room": "den", "text": format!("@bo {n}"), "key": format!("k{n}")}));
        line.ask(json!({"do": "react", "room": "den", "seq": n + 1, "emoji": "x"}));
        line.ask(json!({"do": "notify", "to": "bo", "text": n.to_string()}));
        if n == 10 {
            line.ask(json!({"do": "invite", "room": "own", "user": "bo"}));
            line.ask(json!({"do": "change_room", "room": "own", "topic": "tea"}));
        }
        if n > 10 {
            line.ask(json!({"do": "send", "room": "own", "text": n.to_string()}));
        }
    }
    there.ask(json!({"do": "read", "room": "den", "seq": 7}));
    let lasting = |events: Vec<Value>| {
        let mut events: Vec<Value> = events
            .into_iter()
            .filter(|it| it.get("op").is_some())
            .collect();
        for event in &mut events {
            // As it is by now.
            event.as_object_mut().unwrap().remove("reactions");
            event.as_object_mut().unwrap().remove("summary");
        }
        events
    };
    let live = lasting(there.drain());
    let ops: Vec<u64> = live.iter().map(|it| it["op"].as_u64().unwrap()).collect();
    assert!(ops.is_sorted_by(|a, b| a < b), "{ops:?}");
    let from: Vec<u64> = std::iter::once(since).chain(ops.iter().copied()).collect();
    for since in from {
        for path in ["/ws?hold=1", "/ws"] {
            let mut back = bo.line_to(path);
            let ok = back.ask(json!({"do": "resume", "epoch": epoch, "since": since}));
            assert_eq!(ok["rooms"].as_object().unwrap().len(), 2, "{ok}");
            let mut events = Vec::new();
            for _ in 0..2 {
                events.push(back.event("caught_up"));
            }
            drop(events);
            let missed: Vec<Value> = lasting(back.drain())
                .into_iter()
                .filter(|it| it["op"].as_u64().unwrap() > 0)
                .collect();
            let expected: Vec<&Value> = live
                .iter()
                .filter(|it| it["op"].as_u64().unwrap() > since)
                .collect();
            // Who joins a room in between hears of its past as well: it is a room of theirs.
            let missed: Vec<&Value> = missed
                .iter()
                .filter(|it| it["room"] != "own" || ops.contains(&it["op"].as_u64().unwrap()))
                .collect();
            assert_eq!(missed, expected, "since {since} at {path}");
        }
    }
}

// ------------------------------------------------------------------------------- how much is told

#[test]
fn a_lot_is_told_as_state_and_too_much_not_at_all() {
    let parlour = Parlour::start();
    let (ana, bo) = den(&parlour);
    let mut line = ana.line();
    fill(&mut line, "den", 5000, "x");
    let head = head(&ana, "den");
    assert_eq!(head, 5002, "two have joined");
    for (missed, mode) in [
        (0, "events"),
        (1, "events"),
        (500, "events"),
        (501, "state"),
        (5000, "state"),
        (5001, "reset"),
    ] {
        let (place, events, mut line) = resumed(&bo, "den", head - missed);
        assert_eq!(
            (&place["mode"], &place["to"]),
            (&json!(mode), &json!(head)),
            "{missed}"
        );
        let expected = if mode == "reset" { 0 } else { missed };
        assert_eq!(events.len() as u64, expected, "{missed}");
        assert_eq!(
            place.get("reset"),
            (mode == "reset").then_some(&json!(true))
        );
        let found = versions(&events);
        assert!(
            found.iter().copied().eq(head - expected + 1..=head),
            "{found:?}"
        );
        assert!(
            events
                .iter()
                .all(|it| (it["state"] == true) == (mode == "state"))
        );
        assert_eq!(line.drain_lasting(), Vec::<Value>::new());
    }
    // Ahead, and from elsewhere.
    let (place, events, _) = resumed(&bo, "den", head + 1);
    assert_eq!((&place["mode"], events.len()), (&json!("reset"), 0));
    let mut line = bo.line_to("/ws?hold=1");
    let ok = line.ask(json!({"do": "resume", "epoch": "another", "rooms": {"den": head - 1}}));
    assert_eq!(ok["rooms"]["den"]["mode"], "reset");
    assert_eq!(told(&mut line, "den").len(), 1);
    for wrong in [
        json!({"epoch": "another", "since": 1}),
        json!({"since": 1_000_000}),
    ] {
        let mut line = bo.line_to("/ws?hold=1");
        let mut command = wrong.clone();
        command["do"] = "resume".into();
        let ok = line.ask(command);
        assert_eq!(ok["rooms"]["den"]["mode"], "reset", "{wrong}");
        assert_eq!(told(&mut line, "den").len(), 1);
    }
}

#[test]
fn states_and_later_events_make_the_present() {
    let parlour = Parlour::start();
    let (ana, bo) = den(&parlour);
    let mut line = ana.line();
    fill(&mut line, "den", 400, "x");
    for seq in 1..=60 {
        line.ask(json!({"do": "edit", "room": "den", "seq": seq, "text": format!("new {seq}")}));
        line.ask(json!({"do": "react", "room": "den", "seq": seq * 2, "emoji": "y"}));
    }
    for seq in 50..=80 {
        line.ask(json!({"do": "delete", "room": "den", "seq": seq}));
    }
    let (place, events, _) = resumed(&bo, "den", 20);
    assert_eq!(place["mode"], "state");
    let mut known = BTreeMap::new();
    for message in &events {
        assert!(
            known
                .insert(message["seq"].as_u64().unwrap(), message.clone())
                .is_none(),
            "once"
        );
    }
    assert!(versions(&events).is_sorted_by(|a, b| a < b));
    let mut page = bo
        .line()
        .ask(json!({"do": "history", "room": "den", "limit": 200, "before": 201}));
    for mut message in page["messages"].take().as_array().unwrap().clone() {
        let seq = message["seq"].as_u64().unwrap();
        message["event"] = "message".into();
        message["room"] = "den".into();
        message["state"] = true.into();
        // Nothing was changed before, so everything but the first few is told.
        match known.get(&seq) {
            Some(told) => assert_eq!(*told, message),
            None => assert!(version(&message) <= 20, "{message}"),
        }
    }
}

#[test]
fn what_was_heard_is_not_told_again_after_states() {
    let parlour = Parlour::start();
    let (ana, bo) = den(&parlour);
    let mut line = ana.line();
    fill(&mut line, "den", 600, "x");
    let mut back = bo.line();
    line.ask(json!({"do": "send", "room": "den", "text": "live"}));
    let live = back.event("message");
    let ok = back.ask(json!({"do": "resume", "rooms": {"den": 0}}));
    assert_eq!(ok["rooms"]["den"]["mode"], "state");
    let events = told(&mut back, "den");
    let again = events.iter().filter(|it| it["seq"] == live["seq"]).count();
    assert_eq!(again, 0, "heard live, and told again");
    assert_eq!(events.len(), 600 + 1);
}

#[test]
fn what_was_told_is_not_told_again_when_another_room_is_resumed() {
    let parlour = Parlour::start();
    let (ana, bo) = den(&parlour);
    ana.post("/rooms", json!({"room": "two"})).expect(201);
    bo.put("/rooms/two/members/me", json!({})).expect(200);
    let mut line = ana.line();
    fill(&mut line, "den", 400, "x");
    fill(&mut line, "two", 400, "x");
    let mut back = bo.line();
    for room in ["den", "two"] {
        line.ask(json!({"do": "send", "room": room, "text": "live"}));
    }
    // Both at once: the first is still told when the second comes.
    back.say(&json!({"id": 1, "do": "resume", "rooms": {"den": 2}}));
    back.say(&json!({"id": 2, "do": "resume", "rooms": {"two": 2}}));
    back.event("caught_up");
    back.event("caught_up");
    let mut seen = BTreeSet::new();
    for event in back.drain().iter().filter(|it| it["event"] == "message") {
        assert!(
            seen.insert((event["room"].to_string(), version(event))),
            "twice: {event}"
        );
    }
    assert_eq!(seen.len(), 2 * 401);
}

#[test]
fn each_room_is_told_apart() {
    let parlour = Parlour::start();
    let (ana, bo) = den(&parlour);
    ana.post("/rooms", json!({"room": "public"})).expect(201);
    ana.post("/rooms", json!({"room": "own", "kind": "private"}))
        .expect(201);
    let mut line = ana.line();
    fill(&mut line, "den", 5, "x");
    let mut back = bo.line_to("/ws?hold=1");
    let rooms = json!({"den": "now", "public": 0, "own": 0, "nowhere": 0});
    let ok = back.ask(json!({"do": "resume", "rooms": rooms}));
    assert_eq!(
        ok["den"], ok["rooms"]["den"],
        "each by its own name as well"
    );
    assert_eq!(
        (&ok["den"]["from"], &ok["den"]["to"], &ok["den"]["mode"]),
        (&json!(7), &json!(7), &json!("events"))
    );
    assert_eq!(ok["public"], json!({"error": "not_a_member"}));
    assert_eq!(
        (&ok["own"], &ok["nowhere"]),
        (
            &json!({"error": "not_found"}),
            &json!({"error": "not_found"})
        )
    );
    assert_eq!(
        (&ok["epoch"], ok["op"].is_u64()),
        (&back.hello["epoch"], true)
    );
    assert_eq!(told(&mut back, "den").len(), 1);
    for wrong in [
        json!({}),
        json!({"rooms": {"den": 1}, "since": 1}),
        json!({"rooms": ["den"]}),
        json!({"rooms": {"den": "then"}}),
        json!({"rooms": {"den": -1}}),
        json!({"rooms": {"..": 1}}),
        json!({"since": "1"}),
        json!({"epoch": 7, "since": 1}),
    ] {
        let mut command = wrong.clone();
        command["do"] = "resume".into();
        back.refused(command, "bad_field");
    }
    let many: serde_json::Map<String, Value> =
        (0..1001).map(|n| (format!("r{n}"), json!(0))).collect();
    back.refused(json!({"do": "resume", "rooms": many}), "bad_field");
    // It still hears.
    line.ask(json!({"do": "send", "room": "den", "text": "live"}));
    assert_eq!(back.event("message")["text"], "live");
}

#[test]
fn who_holds_hears_nothing_before_saying_where_it_was() {
    let parlour = Parlour::start();
    let (ana, bo) = den(&parlour);
    let mut line = ana.line();
    let mut held = bo.line_to("/ws?hold=1");
    fill(&mut line, "den", 10, "x");
    line.ask(json!({"do": "notify", "to": "bo", "text": "hey"}));
    line.ask(json!({"do": "create_room", "room": "new"}));
    line.ask(json!({"do": "invite", "room": "new", "user": "bo"}));
    line.ask(json!({"do": "send", "room": "new", "text": "welcome"}));
    assert_eq!(held.drain_lasting(), Vec::<Value>::new());
    // Rooms that are not named go on from the hello, as what is for Bo alone does.
    held.ask(json!({"do": "resume", "rooms": {}}));
    let names: Vec<Value> = held
        .drain_lasting()
        .into_iter()
        .map(|it| it["event"].clone())
        .collect();
    let mut expected = vec![json!("message"); 10];
    expected.extend([
        json!("notification"),
        json!("joined"),
        json!("invited"),
        json!("message"),
    ]);
    assert_eq!(names, expected);
}

// ----------------------------------------------------------------------------------- slow readers

/// 32 KB on the wire.
fn long() -> String {
    "🦀".repeat(8000)
}

#[test]
fn who_is_too_slow_misses_nothing_and_costs_nothing() {
    let parlour = Parlour::start();
    let (ana, bo) = den(&parlour);
    let mut line = ana.line();
    fill(&mut line, "den", 50, &long());
    let before_kib = parlour.server().rss_kib();
    let mut slow: Vec<Line> = (0..2).map(|_| bo.line()).collect();
    fill(&mut line, "den", 500, &long());
    line.ask(json!({"do": "notify", "to": "bo", "text": "still there?"}));
    let grown_kib = parlour.server().rss_kib().saturating_sub(before_kib);
    // What they have not taken has 16 MB.
    assert!(grown_kib < 4 << 10, "{grown_kib} KiB");
    for line in &mut slow {
        let mut seqs = Vec::new();
        let mut notes = 0;
        while seqs.len() < 500 || notes == 0 {
            let event = line.next();
            match event["event"].as_str() {
                Some("message") => seqs.push(event["seq"].as_u64().unwrap()),
                Some("notification") => notes += 1,
                _ => {}
            }
        }
        assert!(seqs.into_iter().eq(51..=550));
        assert_eq!(line.drain_lasting(), Vec::<Value>::new());
    }
    line.ask(json!({"do": "send", "room": "den", "text": "live again"}));
    for line in &mut slow {
        assert_eq!(line.event("message")["text"], "live again");
    }
}

#[test]
fn what_is_for_one_person_is_not_lost_while_they_catch_up() {
    let parlour = Parlour::start();
    let (ana, bo) = den(&parlour);
    let since = bo.line().hello["op"].as_u64().unwrap();
    let mut line = ana.line();
    line.ask(json!({"do": "notify", "to": "bo", "text": "first"}));
    fill(&mut line, "den", 300, &long());
    let mut back = bo.line();
    back.say(&json!({"id": 1, "do": "resume", "since": since}));
    back.find("the answer", |it| it["re"] == 1);
    // 10 MB are on their way, and nobody takes them.
    line.ask(json!({"do": "notify", "to": "bo", "text": "second"}));
    line.ask(json!({"do": "send", "room": "den", "text": "live"}));
    back.event("caught_up");
    let heard = back.drain();
    let texts = |name: &str| -> Vec<&str> {
        let events = heard.iter().filter(|it| it["event"] == name);
        events.map(|it| it["text"].as_str().unwrap()).collect()
    };
    assert_eq!(texts("notification"), ["first", "second"]);
    assert_eq!(texts("message").len(), 301);
}

#[test]
fn who_is_banned_while_catching_up_is_told_that_and_nothing_more() {
    let parlour = Parlour::start();
    let (ana, bo) = den(&parlour);
    let mut line = ana.line();
    fill(&mut line, "den", 300, &long());
    let mut back = bo.line_to("/ws?hold=1");
    back.say(&json!({"id": 1, "do": "resume", "rooms": {"den": 0}}));
    back.find("the answer", |it| it["re"] == 1);
    line.ask(json!({"do": "ban", "room": "den", "user": "bo"}));
    line.ask(json!({"do": "send", "room": "den", "text": "among us"}));
    let told = back.drain();
    assert!(told.len() < 300, "{} of 300", told.len());
    assert!(
        told.iter()
            .all(|it| it["text"] != "among us" && it["event"] != "caught_up")
    );
    let last = told.last().unwrap();
    assert_eq!(
        (&last["event"], &last["user"], &last["how"]),
        (&json!("left"), &json!("bo"), &json!("banned"))
    );
    // The connection goes on with what is left.
    back.ask(json!({"do": "create_room", "room": "own"}));
    assert_eq!(back.event("joined")["room"], "own");
}
