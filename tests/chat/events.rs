//! # Events without WebSockets: streams and answers that wait
//!
//! Whoever listens in one of the three ways is told the same, and goes on where they broke off.

use std::thread;

use serde_json::{Value, json};

use crate::strict::{Dialogue, eventually};
use crate::support::{Line, Parlour, Person};

/// A stream of events, read piece by piece.
struct Stream {
    dialogue: Dialogue,
    text: Vec<u8>,
}

/// One event of a stream.
#[derive(Clone, Debug, PartialEq)]
struct Told {
    name: String,
    id: Option<String>,
    data: Value,
}

impl Stream {
    #[track_caller]
    fn open(who: &Person, query: &str, fields: &[(&str, &str)]) -> Self {
        let mut dialogue = who.begin("GET", &format!("/events{query}"), fields, b"");
        let head = dialogue.head_alone();
        assert_eq!(head.status, 200);
        assert_eq!(head.field("Content-Type"), Some("text/event-stream"));
        assert_eq!(head.field("Access-Control-Allow-Origin"), None);
        assert!(head.lists("Transfer-Encoding", "chunked"));
        let text = Vec::new();
        Self { dialogue, text }
    }

    /// One that goes on behind an id.
    #[track_caller]
    fn since(who: &Person, id: &str) -> Self {
        Self::open(who, "", &[("Last-Event-ID", id)])
    }

    /// The next piece; none when the answer has ended.
    #[track_caller]
    fn chunk(&mut self) -> Option<Vec<u8>> {
        let mut size = Vec::new();
        while !size.ends_with(b"\r\n") {
            size.extend(self.dialogue.exactly(1));
        }
        let digits = std::str::from_utf8(&size[..size.len() - 2]).unwrap();
        let size = usize::from_str_radix(digits, 16).unwrap();
        let piece = self.dialogue.exactly(size);
        assert_eq!(self.dialogue.exactly(2), b"\r\n");
        (size > 0).then_some(piece)
    }

    /// The next event; none when the stream has ended. Comments are passed over.
    #[track_caller]
    fn heard(&mut self) -> Option<Told> {
        loop {
            let end = self.text.windows(2).position(|pair| pair == b"\n\n");
            let Some(end) = end else {
                let piece = self.chunk()?;
                self.text.extend(piece);
                continue;
            };
            let block: Vec<u8> = self.text.drain(..end + 2).collect();
            let block = String::from_utf8(block).unwrap();
            if block.starts_with(':') {
                continue;
            }
            let field = |name: &str| {
                let mut lines = block.lines();
                lines
                    .find_map(|line| line.strip_prefix(name))
                    .map(str::to_owned)
            };
            return Some(Told {
                name: field("event: ").unwrap(),
                id: field("id: "),
                data: serde_json::from_str(&field("data: ").unwrap()).unwrap(),
            });
        }
    }

    #[track_caller]
    fn next(&mut self) -> Told {
        self.heard().expect("the stream goes on")
    }

    /// What lasts, up to a message with this text, the last of it included.
    #[track_caller]
    fn until(&mut self, text: &str) -> Vec<Told> {
        let mut told = Vec::new();
        loop {
            let next = self.next();
            assert_eq!(next.data["event"], next.name.as_str());
            let Some(op) = next.data["op"].as_u64().filter(|_| lasts(&next.data)) else {
                continue;
            };
            let id = next.id.clone().unwrap();
            assert!(id.ends_with(&format!(".{op}")), "{id} is not of op {op}");
            let is_last = next.data["text"] == text;
            told.push(next);
            if is_last {
                return told;
            }
        }
    }
}

fn lasts(event: &Value) -> bool {
    let passing = ["hello", "caught_up", "presence", "person", "typing", "bye"];
    !passing.iter().any(|name| event["event"] == *name)
}

fn json_of(told: &[Told]) -> Vec<Value> {
    told.iter().map(|it| it.data.clone()).collect()
}

/// What lasts of what a WebSocket is told, up to a message with this text.
fn heard_until(line: &mut Line, text: &str) -> Vec<Value> {
    let mut told = Vec::new();
    loop {
        let next = line.next();
        if next["event"].is_string() && lasts(&next) {
            let is_last = next["text"] == text;
            told.push(next);
            if is_last {
                return told;
            }
        }
    }
}

/// What somebody who asks again and again is told, up to a message with this text.
fn polled_until(who: &Person, from: &str, more: &str, text: &str) -> Vec<Value> {
    let (mut told, mut next) = (Vec::new(), from.to_owned());
    loop {
        let page = who.get(&format!("/events?since={next}&wait=10{more}"));
        let mut page = page.expect(200);
        assert_eq!(page["reset"], Value::Null);
        for event in page["events"].as_array_mut().unwrap() {
            let is_last = event["text"] == text;
            told.push(event.take());
            if is_last {
                return told;
            }
        }
        next = page["next"].as_str().unwrap().to_owned();
    }
}

/// An admin, an owner of rooms and a member of them.
fn people(parlour: &Parlour, rooms: &[&str]) -> [Person; 3] {
    let [root, ana, bo] = ["root", "ana", "bo"].map(|name| parlour.sign_up(name));
    for room in rooms {
        ana.post("/rooms", json!({"room": room})).expect(201);
        bo.put(&format!("/rooms/{room}/members/me"), json!({}))
            .expect(200);
    }
    [root, ana, bo]
}

fn say(who: &Person, room: &str, text: &str) {
    who.post(&format!("/rooms/{room}/messages"), json!({"text": text}))
        .expect(201);
}

/// The cursor of now.
fn now(who: &Person) -> String {
    let page = who.get("/events?wait=0").expect(200);
    page["next"].as_str().unwrap().to_owned()
}

fn epoch(who: &Person) -> String {
    now(who).rsplit_once('.').unwrap().0.to_owned()
}

/// Something of every kind, in two rooms and to a person.
fn live(ana: &Person, bo: &Person) {
    say(ana, "den", "one");
    say(bo, "attic", "hi @ana");
    bo.put("/rooms/den/messages/1/reactions/+1", json!({}))
        .expect(200);
    ana.patch("/rooms/den/messages/1", json!({"text": "uno"}))
        .expect(200);
    ana.post("/notifications", json!({"to": "bo", "text": "psst"}))
        .expect(201);
    bo.put("/rooms/den/read", json!({"seq": 1})).expect(200);
    bo.put("/rooms/den/level", json!({"level": "mentions"}))
        .expect(204);
    ana.patch("/rooms/den", json!({"topic": "wood"}))
        .expect(200);
    ana.put("/rooms/cellar/members/bo", json!({})).expect(204);
    say(ana, "cellar", "welcome");
    ana.put("/rooms/cellar/members/bo", json!({"role": "moderator"}))
        .expect(204);
    bo.delete("/rooms/den/messages/1/reactions/+1").expect(200);
    bo.delete("/rooms/attic/messages/1").expect(200);
    say(ana, "den", "the end");
}

#[test]
fn three_ways_tell_the_same() {
    let parlour = Parlour::start();
    let [_, ana, bo] = people(&parlour, &["den", "attic"]);
    ana.post("/rooms", json!({"room": "cellar"})).expect(201);
    let start = now(&bo);
    let mut line = bo.line();
    let mut stream = Stream::open(&bo, "", &[]);
    let hello = stream.next();
    assert_eq!(
        (hello.name.as_str(), &hello.id),
        ("hello", &Some(start.clone()))
    );
    live(&ana, &bo);
    let said = heard_until(&mut line, "the end");
    assert!(said.len() >= 15, "{said:?}");
    assert_eq!(json_of(&stream.until("the end")), said);

    // And once more for who was away. What was said is told as it is by now.
    let again = Stream::since(&bo, &start).until("the end");
    let polled = polled_until(&bo, &start, "", "the end");
    assert_eq!(json_of(&again), polled);
    let mut away = bo.line_to("/ws?hold=1");
    let op: u64 = start.rsplit_once('.').unwrap().1.parse().unwrap();
    away.ask(json!({"do": "resume", "since": op}));
    assert_eq!(heard_until(&mut away, "the end"), polled);
    let place = |event: &Value| (event["event"].clone(), event["op"].clone());
    let places = |events: &[Value]| events.iter().map(place).collect::<Vec<_>>();
    assert_eq!(places(&polled), places(&said));
}

#[test]
fn a_stream_goes_on_from_each_position_while_others_write() {
    let parlour = Parlour::start();
    let [_, ana, bo] = people(&parlour, &["den", "attic"]);
    let start = now(&bo);
    for number in 0..20 {
        say(&ana, ["den", "attic"][number % 2], &number.to_string());
    }
    let ids: Vec<String> = {
        let mut stream = Stream::since(&bo, &start);
        let told = stream.until("19").into_iter();
        told.map(|it| it.id.unwrap()).collect()
    };
    let streams: Vec<Stream> = thread::scope(|scope| {
        scope.spawn(|| {
            for number in 20..60 {
                say(&ana, ["den", "attic"][number % 3 / 2], &number.to_string());
            }
            say(&ana, "den", "the end");
        });
        ids.iter().map(|id| Stream::since(&bo, id)).collect()
    });
    let all = Stream::since(&bo, &start).until("the end");
    let texts: Vec<_> = all
        .iter()
        .map(|it| it.data["text"].as_str().unwrap())
        .collect();
    let expected: Vec<String> = (0..60).map(|number| number.to_string()).collect();
    assert_eq!(texts[..60], expected);
    for (number, mut stream) in streams.into_iter().enumerate() {
        assert_eq!(stream.until("the end"), all[number + 1..], "from {number}");
    }
}

#[test]
fn versions_say_where_a_client_was_in_each_room() {
    let parlour = Parlour::start();
    let [_, ana, bo] = people(&parlour, &["den", "attic", "cellar"]);
    for number in 0..6 {
        say(
            &ana,
            ["den", "attic", "cellar"][number % 3],
            &number.to_string(),
        );
    }
    let version = |room: &str| {
        let room = bo.get(&format!("/rooms/{room}")).expect(200);
        room["version"].as_u64().unwrap()
    };
    let query = format!("?rooms=den:{},attic:now,nowhere:1", version("den") - 2);
    let mut stream = Stream::open(&bo, &query, &[]);
    let hello = stream.next();
    let rooms = &hello.data["resume"]["rooms"];
    assert_eq!(rooms["den"]["mode"], "events");
    assert_eq!(rooms["nowhere"]["error"], "not_found");
    assert_eq!(rooms["cellar"], Value::Null);
    assert_eq!((&hello.id, &hello.data["reset"]), (&None, &Value::Null));
    for text in ["0", "3"] {
        assert_eq!(stream.next().data["text"], text);
    }
    // Where it has caught up is a place to go on from.
    let mark = stream.next();
    assert_eq!(mark.name, "caught_up");
    let id = mark.id.unwrap();
    assert_eq!(id, now(&bo));
    say(&ana, "cellar", "not asked for");
    say(&ana, "attic", "asked for");
    let told = stream.until("asked for");
    assert_eq!(told.len(), 1, "{told:?}");
    // The rooms that were asked for stay so.
    let mut again = Stream::open(&bo, &query, &[("Last-Event-ID", &id)]);
    assert_eq!(again.until("asked for"), told);
    let polled = polled_until(&bo, &id, "&rooms=attic", "asked for");
    assert_eq!(polled, json_of(&told));
}

#[test]
fn a_room_that_is_joined_later_is_told_of_if_it_was_asked_for() {
    let parlour = Parlour::start();
    let [_, ana, bo] = people(&parlour, &["den"]);
    for room in ["attic", "cellar"] {
        ana.post("/rooms", json!({"room": room})).expect(201);
    }
    let mut all = Stream::open(&bo, "", &[]);
    let mut some = Stream::open(&bo, "?rooms=den,attic", &[]);
    let rooms = some.next().data["resume"]["rooms"].take();
    assert_eq!(rooms["attic"]["error"], "not_a_member");
    all.next();
    for room in ["cellar", "attic"] {
        bo.put(&format!("/rooms/{room}/members/me"), json!({}))
            .expect(200);
        say(&ana, room, room);
    }
    say(&ana, "den", "the end");
    let heard = |told: Vec<Told>| -> Vec<(String, Value)> {
        let each = told.into_iter();
        each.map(|it| (it.name, it.data["room"].clone())).collect()
    };
    let pair = |name: &str, room: &str| (name.to_owned(), json!(room));
    let expected = [
        pair("joined", "cellar"),
        pair("message", "cellar"),
        pair("joined", "attic"),
        pair("message", "attic"),
        pair("message", "den"),
    ];
    assert_eq!(heard(all.until("the end")), expected);
    assert_eq!(heard(some.until("the end")), expected[2..]);
}

#[test]
fn who_breaks_off_before_anything_happened_goes_on_from_hello() {
    let parlour = Parlour::start();
    let [_, ana, bo] = people(&parlour, &["den"]);
    let id = Stream::open(&bo, "", &[]).next().id.unwrap();
    say(&ana, "den", "while nobody listened");
    let told = Stream::since(&bo, &id).until("while nobody listened");
    assert_eq!(told.len(), 1);
}

#[test]
fn an_answer_waits_for_something_to_happen() {
    let parlour = Parlour::start();
    let [_, ana, bo] = people(&parlour, &["den"]);
    let start = now(&bo);
    // Nothing happened, and there is no time.
    let page = bo.get(&format!("/events?since={start}&wait=0")).expect(200);
    assert_eq!(page, json!({"events": [], "next": start, "more": false}));
    let mut waiting = bo.begin("GET", &format!("/events?since={start}&wait=60"), &[], b"");
    // It is there, and waits.
    eventually("bo is online", || {
        ana.get("/users/bo").expect(200)["presence"] == "online"
    });
    say(&ana, "den", "at last");
    let answer = waiting.response();
    assert_eq!(answer.field("Cache-Control"), Some("no-store"));
    let page: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(page["events"][0]["text"], "at last");
    let next = page["next"].as_str().unwrap();
    let op = page["events"][0]["op"].as_u64().unwrap();
    assert!(next.ends_with(&format!(".{op}")));
    // The same connection asks again.
    let token = bo.token.as_ref().unwrap();
    waiting.send(format!(
        "GET /api/v1/events?since={next}&wait=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n"
    ));
    let page: Value = serde_json::from_slice(&waiting.response().body).unwrap();
    assert_eq!(page, json!({"events": [], "next": next, "more": false}));
}

#[test]
fn an_answer_is_bounded() {
    let parlour = Parlour::start();
    let [_, ana, bo] = people(&parlour, &["den"]);
    let start = now(&bo);
    let mut line = ana.line();
    for number in 0..510 {
        line.ask(json!({"do": "send", "room": "den", "text": number.to_string()}));
    }
    let page = bo
        .get(&format!("/events?since={start}&wait=60"))
        .expect(200);
    assert_eq!(page["events"].as_array().unwrap().len(), 500);
    assert_eq!(page["more"], true);
    let next = page["next"].as_str().unwrap();
    let page = bo.get(&format!("/events?since={next}&wait=60")).expect(200);
    assert_eq!(page["events"].as_array().unwrap().len(), 10);
    assert_eq!(
        (&page["more"], &page["events"][0]["text"]),
        (&json!(false), &json!("500"))
    );
}

#[test]
fn who_speaks_of_another_database_is_told_to_read_anew() {
    let parlour = Parlour::start();
    let [_, ana, bo] = people(&parlour, &["den"]);
    say(&ana, "den", "one");
    let here = now(&bo);
    let epoch = epoch(&bo);
    for since in ["elsewhere.1", &format!("{epoch}.999999")] {
        let page = bo
            .get(&format!("/events?since={since}&wait=60"))
            .expect(200);
        assert_eq!(
            (&page["reset"], &page["events"]),
            (&json!(true), &json!([]))
        );
        assert_eq!(page["next"], here.as_str());
        let mut stream = Stream::since(&bo, since);
        let hello = stream.next();
        assert_eq!(hello.data["reset"], true);
        assert_eq!(hello.data["resume"]["rooms"]["den"]["mode"], "reset");
        assert_eq!(hello.id.as_deref(), Some(&*here), "from here it goes on");
    }
    // Also who is in no room.
    let alone = parlour.sign_up("alone");
    assert_eq!(
        Stream::since(&alone, "elsewhere.1").next().data["reset"],
        true
    );
    let page = bo.get("/events?rooms=den:99&wait=60").expect(200);
    assert_eq!(page["reset"], true);
    assert_eq!(page["resume"]["rooms"]["den"]["mode"], "reset");
}

#[test]
fn what_is_wrong_with_a_question_is_said() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let many: Vec<String> = (0..201).map(|number| format!("r{number}")).collect();
    let many = format!("rooms={}", many.join(","));
    for (query, field) in [
        ("wait=61", "wait"),
        ("wait=x", "wait"),
        ("wait=-1", "wait"),
        ("since=1", "since"),
        ("since=e.x", "since"),
        ("since=e.-1", "since"),
        ("rooms=", "rooms"),
        ("rooms=,", "rooms"),
        ("rooms=den:x", "rooms"),
        ("rooms=a%20b:1", "rooms"),
        (&many, "rooms"),
    ] {
        ana.get(&format!("/events?{query}")).refuses_field(field);
    }
}

#[test]
fn a_person_has_so_many_seats() {
    let parlour = Parlour::start();
    let [_, ana, bo] = people(&parlour, &["den"]);
    let mut streams: Vec<Stream> = (0..64).map(|_| Stream::open(&bo, "", &[])).collect();
    for stream in &mut streams {
        stream.next();
    }
    for query in ["/events", "/events?wait=0"] {
        let refused = bo.get(query).refuses(429, "too_many");
        assert!(refused["retry_after"].is_number());
    }
    Stream::open(&ana, "", &[]);
    streams.pop();
    eventually("a seat is free", || {
        bo.get("/events?wait=0").response.status == 200
    });
}

#[test]
fn who_asks_only_for_the_head_leaves_nothing_behind() {
    let parlour = Parlour::start();
    let [_, ana, bo] = people(&parlour, &["den"]);
    for query in ["/events", "/events?wait=60"] {
        for _ in 0..65 {
            let head = bo.ask("HEAD", query, &[], b"");
            assert_eq!(head.response.status, 200);
        }
    }
    let there = ana.get("/users/bo").expect(200);
    assert_eq!(there["presence"], "offline");
    assert_eq!(there["last_seen"], Value::Null, "they were never there");
    Stream::open(&bo, "", &[]);
}

#[test]
fn who_is_signed_out_hears_nothing_more() {
    let parlour = Parlour::start();
    let [_, ana, bo] = people(&parlour, &["den"]);
    let mut stream = Stream::open(&bo, "", &[]);
    stream.next();
    let start = now(&bo);
    let path = format!("/events?since={start}&wait=60");
    let mut waiting = bo.begin("GET", &path, &[], b"");
    // When all seats are taken, the one that waits has its own.
    let mut streams: Vec<Stream> = (0..62).map(|_| Stream::open(&bo, "", &[])).collect();
    eventually("the other waits", || {
        bo.get("/events?wait=0").response.status == 429
    });
    bo.delete("/tokens/current").expect(204);
    say(&ana, "den", "not for bo");
    let mut told = Vec::new();
    while let Some(next) = stream.heard() {
        told.extend((next.name != "presence").then_some(next));
    }
    let names: Vec<_> = told.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["signed_out", "bye"]);
    assert_eq!(told[1].data["code"], 4001);
    assert_eq!(told[1].data["reconnect"], false);
    let page: Value = serde_json::from_slice(&waiting.response().body).unwrap();
    assert_eq!(page["events"].as_array().unwrap().len(), 1, "{page}");
    assert_eq!(page["events"][0]["event"], "signed_out");
    streams.clear();
    bo.get("/events?wait=0").refuses(401, "unauthenticated");
}

#[test]
fn who_is_banned_hears_nothing_more_of_the_room() {
    let parlour = Parlour::start();
    let [_, ana, bo] = people(&parlour, &["den", "attic"]);
    let mut stream = Stream::open(&bo, "", &[]);
    stream.next();
    ana.put("/rooms/den/bans/bo", json!({})).expect(204);
    say(&ana, "den", "not for bo");
    say(&ana, "attic", "the end");
    let told = stream.until("the end");
    let names: Vec<_> = told.iter().map(|it| it.name.as_str()).collect();
    assert_eq!(names, ["left", "message"]);
    assert_eq!(told[0].data["how"], "banned");
}

#[test]
fn who_reads_slowly_misses_nothing() {
    let parlour = Parlour::start();
    let [_, ana, bo] = people(&parlour, &["den", "attic"]);
    let mut all = Stream::open(&bo, "", &[]);
    let mut some = Stream::open(&bo, "?rooms=den", &[]);
    all.next();
    some.next();
    // More than the server and the kernel keep for somebody who does not read.
    let text = "x".repeat(7990);
    let mut line = ana.line();
    for number in 0..1600 {
        let room = ["den", "attic"][number % 2];
        line.say(
            &json!({"id": number, "do": "send", "room": room, "text": format!("{number} {text}")}),
        );
        if number % 50 == 49 {
            line.find("the answer", |it| it["re"] == number);
            line.drain();
        }
    }
    say(&ana, "den", "the end");
    let numbers = |told: Vec<Told>| -> Vec<usize> {
        let texts = told.iter().map(|it| it.data["text"].as_str().unwrap());
        texts
            .filter_map(|text| text.split_once(' ')?.0.parse().ok())
            .collect()
    };
    let expected: Vec<usize> = (0..1600).collect();
    assert_eq!(numbers(all.until("the end")), expected);
    let expected: Vec<usize> = (0..1600).step_by(2).collect();
    assert_eq!(numbers(some.until("the end")), expected);
    // Now it hears again.
    say(&ana, "den", "live");
    assert_eq!(all.until("live").len(), 1);
    assert_eq!(some.until("live").len(), 1);
}

#[test]
fn a_server_that_stops_says_goodbye() {
    let mut parlour = Parlour::start();
    let [_, _, bo] = people(&parlour, &["den"]);
    let start = now(&bo);
    let mut waiting = bo.begin("GET", &format!("/events?since={start}&wait=60"), &[], b"");
    eventually("it waits", || {
        bo.get("/users/bo").expect(200)["presence"] == "online"
    });
    let mut stream = Stream::open(&bo, "", &[]);
    stream.next();
    parlour.stop();
    let told = stream.next();
    assert_eq!(
        (told.name.as_str(), &told.data["reconnect"]),
        ("bye", &json!(true))
    );
    assert!(told.data["retry_after"].is_number());
    assert_eq!(stream.heard(), None);
    let page: Value = serde_json::from_slice(&waiting.response().body).unwrap();
    assert_eq!(page["next"], start.as_str());
}

/// Whoever has no WebSocket types and is away as others are.
#[test]
fn who_types_or_is_away_says_so_by_requests() {
    let parlour = Parlour::start();
    let [root, ana, bo] = people(&parlour, &["den"]);
    let mut line = ana.line();
    let mut stream = Stream::open(&bo, "", &[]);
    stream.next();
    let typing = "/rooms/den/typing";
    bo.post(typing, json!({})).expect(204);
    // At most once in some seconds.
    bo.post(typing, json!({})).expect(204);
    say(&bo, "den", "there");
    let mut said = line.drain();
    said.retain(|event| event["event"] == "typing" || event["event"] == "message");
    let kinds: Vec<_> = said
        .iter()
        .map(|it| it["event"].as_str().unwrap())
        .collect();
    assert_eq!(kinds, ["typing", "message"]);
    assert_eq!(said[0]["from"], "bo");
    root.post(typing, json!({})).refuses(403, "not_a_member");

    bo.put("/me/presence", json!({})).refuses_field("away");
    bo.put("/me/presence", json!({"away": true})).expect(204);
    let is = |state: &'static str| {
        move |event: &Value| event["event"] == "presence" && event["changes"]["bo"] == state
    };
    line.find("bo away", is("away"));
    bo.put("/me/presence", json!({"away": false})).expect(204);
    line.find("bo back", is("online"));
}

/// Everything behind a cursor, by question after question; and the cursor behind it.
fn consumed(who: &Person, since: &str, limit: u32) -> (Vec<Value>, String) {
    let (mut events, mut since) = (Vec::new(), since.to_owned());
    loop {
        let path = format!("/events?durable=true&wait=0&limit={limit}&since={since}");
        let answer = who.get(&path).expect(200);
        assert_eq!(answer["reset"], Value::Null, "{answer}");
        let page = answer["events"].as_array().unwrap();
        assert!(page.len() <= limit as usize);
        events.extend(page.iter().cloned());
        since = answer["next"].as_str().unwrap().to_owned();
        if answer["more"] == false {
            return (events, since);
        }
    }
}

#[test]
fn a_durable_consumer_misses_nothing_whatever_happens() {
    let mut parlour = Parlour::start();
    let [_, ana, bo] = people(&parlour, &["den"]);
    let since = now(&ana);
    for n in 0..30 {
        say(&bo, "den", &n.to_string());
    }
    let (first, since) = consumed(&ana, &since, 7);
    let texts = |events: &[Value]| -> Vec<String> {
        let said = events.iter().filter(|it| it["event"] == "message");
        said.map(|it| it["text"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        texts(&first),
        (0..30).map(|n| n.to_string()).collect::<Vec<_>>()
    );
    // A room that she is invited into while she is away, a kill, and more than a page.
    bo.post("/rooms", json!({"room": "attic", "kind": "private"}))
        .expect(201);
    bo.put("/rooms/attic/members/ana", json!({})).expect(204);
    say(&bo, "attic", "new here");
    parlour.kill();
    parlour.begin();
    let [ana, bo] =
        [&ana, &bo].map(|it| parlour.with_token(&it.name, it.token.as_deref().unwrap()));
    say(&bo, "den", "after");
    let (second, end) = consumed(&ana, &since, 2);
    assert_eq!(texts(&second), ["new here", "after"]);
    assert!(
        second.iter().any(|it| it["event"] == "invited"),
        "{second:?}"
    );
    let ops: Vec<u64> = second.iter().map(|it| it["op"].as_u64().unwrap()).collect();
    assert!(ops.is_sorted(), "{ops:?}");
    assert_eq!(consumed(&ana, &end, 500).0, Vec::<Value>::new());
}

#[test]
fn a_durable_consumer_is_told_where_something_would_be_missing() {
    let parlour = Parlour::start();
    let [_, ana, _] = people(&parlour, &["den"]);
    let here = epoch(&ana);
    let ask = |since: &str| ana.get(&format!("/events?durable=true&wait=0&since={since}"));
    ask("another.7").refuses(410, "gone");
    ask(&format!("{here}.999999")).refuses(410, "gone");
    ask("nonsense").refuses_field("since");
    ask(&format!("{here}.0")).expect(200);
    ana.get("/events?durable=true&rooms=den:3")
        .refuses_field("since");
    ana.get("/events?wait=0&limit=0").refuses_field("limit");
    ana.get("/events?wait=0&durable=maybe")
        .refuses_field("durable");
}
