//! # Commands that begin with `/`, over `/ws` and REST
//!
//! Each does what it says, with the rights of whoever typed it; what is for one person alone nobody
//! else hears; said again under the same key it is done once.

use serde_json::{Value, json};

use crate::support::{Line, Parlour, Person};

/// Ana owns the room "den", Bo is in it, Cy is not. Root is the admin and nowhere.
struct Den {
    parlour: Parlour,
    people: [Person; 3],
    ana: Line,
    bo: Line,
}

impl Den {
    fn open() -> Self {
        let parlour = Parlour::start();
        parlour.sign_up("root");
        let people = ["ana", "bo", "cy"].map(|name| parlour.sign_up(name));
        let [ana, bo, _] = &people;
        let mut ana = ana.line();
        ana.ask(json!({"do": "create_room", "room": "den", "topic": "tea"}));
        let mut bo = bo.line();
        bo.ask(json!({"do": "join", "room": "den"}));
        let mut den = Self {
            parlour,
            people,
            ana,
            bo,
        };
        den.heard();
        den
    }

    /// What both have heard; who is there is left out.
    fn heard(&mut self) -> [Vec<Value>; 2] {
        [&mut self.ana, &mut self.bo].map(Line::drain_lasting)
    }

    /// Ana types something that is for her alone: what she is told, and that nobody hears it.
    #[track_caller]
    fn told(&mut self, text: &str) -> String {
        let said = self.ana.ask(send(text));
        let command = said["command"].as_str().unwrap().to_owned();
        assert!(said["seq"].is_null(), "{said}");
        let [ana, bo] = self.heard();
        assert_eq!(bo, Vec::<Value>::new(), "nobody else hears of {text}");
        let [answer] = ana.as_slice() else {
            panic!("{text}: {ana:?}");
        };
        assert_eq!(
            (&answer["event"], &answer["room"]),
            (&"answer".into(), &"den".into())
        );
        assert_eq!(answer["command"], command.as_str());
        assert!(
            answer["version"].is_null() && answer["op"].is_null(),
            "{answer}"
        );
        answer["text"].as_str().unwrap().to_owned()
    }

    /// Ana types something that is done: what everybody hears of it.
    #[track_caller]
    fn done(&mut self, text: &str) -> Value {
        self.ana.ask(send(text));
        let [mut ana, bo] = self.heard();
        ana.retain(|event| event["event"] != "answer");
        assert_eq!(ana, bo, "{text}");
        let [event] = ana.as_slice() else {
            panic!("{text}: {ana:?}");
        };
        event.clone()
    }
}

fn send(text: &str) -> Value {
    json!({"do": "send", "room": "den", "text": text})
}

fn under(key: &str, text: &str) -> Value {
    json!({"do": "send", "room": "den", "text": text, "key": key})
}

// ------------------------------------------------------------------------------ what is a command

#[test]
fn a_text_with_two_slashes_or_a_path_is_said() {
    let mut den = Den::open();
    for (typed, said) in [
        ("//help", "/help"),
        ("/etc/passwd is broken", "/etc/passwd is broken"),
        ("/", "/"),
        ("/ or not", "/ or not"),
        (" /help", " /help"),
        ("// a note", "// a note"),
    ] {
        let event = den.done(typed);
        assert_eq!(
            (&event["event"], &event["text"]),
            (&"message".into(), &said.into())
        );
    }
}

#[test]
fn what_is_unknown_is_answered_in_private_with_what_was_meant() {
    let mut den = Den::open();
    let ok = den.ana.ask(send("/hepl me"));
    assert_eq!(
        ok,
        json!({"room": "den", "command": "hepl", "unknown": true})
    );
    let answer = den.ana.event("answer");
    assert_eq!(
        answer["text"],
        "There is no command /hepl. Did you mean /help? /help shows those that there are. To say \
         it, begin with two slashes: //hepl"
    );
    let told = den.told("/Xyzzy");
    assert!(
        told.starts_with("There is no command /xyzzy. /help shows"),
        "{told}"
    );
    // What somebody may not use is not suggested to them.
    den.bo.ask(send("/kik @ana"));
    let answer = den.bo.event("answer");
    assert!(
        !answer["text"].as_str().unwrap().contains("/kick"),
        "{answer}"
    );
}

#[test]
fn who_is_not_in_the_room_has_nothing_done_there() {
    let den = Den::open();
    let mut cy = den.people[2].line();
    let error = cy.refused(send("/help"), "not_a_member");
    assert_eq!(error["message"], "Join room \"den\" before sending to it.");
    for text in [
        "/me waves",
        "/remind me in 1h tea",
        "/who",
        "/remind list",
        "/nothing",
        "/search x",
    ] {
        cy.refused(send(text), "not_a_member");
    }
    cy.refused(send("/topic mine"), "forbidden");
    let mut nowhere = send("/help");
    nowhere["room"] = "nowhere".into();
    cy.refused(nowhere, "not_found");
    assert_eq!(cy.drain_lasting(), Vec::<Value>::new());
}

#[test]
fn a_file_goes_with_what_is_said_and_with_nothing_else() {
    let mut den = Den::open();
    let mut with = send("/topic tea");
    with["attachment"] = "none".into();
    let error = den.ana.refused(with.clone(), "bad_field");
    assert_eq!(error["field"], "attachment");
    with["text"] = "/me shows this".into();
    den.ana.refused(with, "not_found");
}

// ------------------------------------------------------------------------------------ one by one

#[test]
fn help_tells_what_somebody_may_use() {
    let mut den = Den::open();
    let all = den.told("/help");
    let lines: Vec<&str> = all.lines().collect();
    assert!(lines.contains(&"/kick @NAME – Send somebody out of this room; they may come back"));
    assert!(lines.contains(&"/me TEXT – Say what you do: \"/me waves\" is \"Ana waves\""));
    let one = den.told("/HELP /topic");
    assert!(
        one.starts_with("/topic [TEXT]\nChange what this room is about"),
        "{one}"
    );
    assert!(
        den.told("/help nothing")
            .starts_with("There is no command /nothing.")
    );
    let [ana, bo, cy] = &den.people;
    let names = |person: &Person, room: &str| -> Vec<String> {
        let listed = person.get(&format!("/commands{room}")).expect(200);
        let each = listed["commands"].as_array().unwrap().iter();
        each.map(|it| it["name"].as_str().unwrap().to_owned())
            .collect()
    };
    let has = |names: &[String], name: &str| names.iter().any(|it| it == name);
    assert!(has(&names(ana, "?room=den"), "kick"));
    assert!(!has(&names(bo, "?room=den"), "kick"));
    assert!(has(&names(bo, "?room=den"), "me"));
    assert!(has(&names(bo, ""), "kick"), "in a room of his own");
    cy.get("/commands?room=den").refuses(403, "not_a_member");
    den.parlour
        .nobody()
        .get("/commands")
        .refuses(401, "unauthenticated");
    let dm = bo.post("/dms", json!({"user": "ana"})).expect(200)["room"].clone();
    let direct = names(bo, &format!("?room={}", dm.as_str().unwrap()));
    assert!(has(&direct, "me") && !has(&direct, "invite"), "{direct:?}");
}

#[test]
fn me_is_told_as_an_action_everywhere() {
    let mut den = Den::open();
    let ok = den.ana.ask(under("k", "/me  waves at @bo"));
    assert_eq!((&ok["command"], &ok["seq"]), (&"me".into(), &1.into()));
    let heard = den.bo.event("message");
    assert_eq!(
        (&heard["text"], &heard["action"]),
        (&"waves at @bo".into(), &true.into())
    );
    assert_eq!(den.bo.event("notification")["text"], "waves at @bo");
    let again = den.ana.ask(under("k", "/me  waves at @bo"));
    assert_eq!((&again["repeat"], &again["seq"]), (&true.into(), &1.into()));
    den.ana.refused(under("k", "/me sleeps"), "key_reused");
    let bo = &den.people[1];
    let page = bo.get("/rooms/den/messages").expect(200);
    assert_eq!(page["messages"][0]["action"], true);
    let hits = bo.get("/search?query=waves").expect(200);
    assert_eq!(hits["hits"][0]["action"], true);
    // Changed, it is still an action; deleted, it is nothing.
    let edit = json!({"do": "edit", "room": "den", "seq": 1, "text": "smiles"});
    den.ana.ask(edit);
    assert_eq!(den.bo.event("edited")["action"], true);
    den.ana
        .ask(json!({"do": "delete", "room": "den", "seq": 1}));
    let page = bo.get("/rooms/den/messages").expect(200);
    assert!(page["messages"][0]["action"].is_null());
    let error = den.ana.refused(send("/me"), "bad_field");
    assert_eq!(error["message"], "It goes like this: /me TEXT");
    assert_eq!(error["field"], "text");
}

#[test]
fn shrug_says_it_so_that_it_is_shown_as_it_is() {
    let mut den = Den::open();
    assert_eq!(den.done("/shrug")["text"], "¯\\\\\\_(ツ)\\_/¯");
    let mut reply = send("/shrug who knows");
    reply["reply_to"] = 1.into();
    den.ana.ask(reply);
    let heard = den.bo.event("message");
    assert_eq!(heard["text"], "who knows ¯\\\\\\_(ツ)\\_/¯");
    assert_eq!(heard["reply_to"], 1);
}

#[test]
fn topic_is_told_changed_and_taken_away() {
    let mut den = Den::open();
    assert_eq!(den.told("/topic"), "This room is about: tea");
    assert_eq!(den.done("/topic  Coffee, too")["topic"], "Coffee, too");
    assert_eq!(den.done("/topic -")["topic"], "");
    assert_eq!(den.told("/topic"), "This room has no topic.");
    den.bo.refused(send("/topic mine"), "forbidden");
    den.ana
        .refused(send(&format!("/topic {}", "x".repeat(501))), "too_long");
}

#[test]
fn people_are_invited_sent_out_banned_and_muted() {
    let mut den = Den::open();
    for wrong in [
        "/invite",
        "/invite @",
        "/invite cy bo",
        "/kick",
        "/ban",
        "/mute",
    ] {
        den.ana.refused(send(wrong), "bad_field");
    }
    den.ana.refused(send("/invite @nobody"), "not_found");
    for above in ["/kick @ana", "/ban @ana", "/mute @ana"] {
        let error = den.bo.refused(send(above), "forbidden");
        let tell = error["message"].as_str().unwrap();
        assert!(
            tell.starts_with("Only an owner or moderator of \"den\" may "),
            "{tell}"
        );
    }
    let joined = den.done("/invite @Cy");
    assert_eq!(
        (&joined["event"], &joined["user"]),
        (&"joined".into(), &"cy".into())
    );
    let left = den.done("/kick cy");
    assert_eq!(
        (&left["how"], &left["user"]),
        (&"removed".into(), &"cy".into())
    );
    den.done("/invite cy");
    assert_eq!(den.done("/ban @cy")["how"], "banned");
    den.ana.refused(send("/invite cy"), "forbidden");
    for wrong in ["/mute bo soon", "/mute bo 0m", "/mute bo 9999d"] {
        let error = den.ana.refused(send(wrong), "bad_field");
        assert!(
            error["message"].as_str().unwrap().contains("/mute @bo 2h"),
            "{error}"
        );
    }
    den.ana.ask(under("m", "/mute @bo 90m"));
    let answer = den.ana.event("answer");
    assert_eq!(answer["text"], "bo may only read here for 90 minutes.");
    assert_eq!(answer["key"], "m");
    let again = den.ana.ask(under("m", "/mute @bo 90m"));
    assert_eq!(
        again,
        json!({"room": "den", "repeat": true, "command": "mute"})
    );
    den.heard();
    // Who is muted may look, and not say anything by another name.
    den.bo.refused(send("hm"), "forbidden");
    den.bo.refused(send("/me hums"), "forbidden");
    den.bo.ask(send("/who"));
    den.bo.event("answer");
    assert!(den.done("/mute bo off")["muted_until"].is_null());
    den.bo.ask(send("/me hums"));
}

#[test]
fn who_and_search_tell_only_who_asks() {
    let mut den = Den::open();
    assert_eq!(den.told("/who"), "Here just now: ana, bo.");
    assert_eq!(den.told("/search kettle"), "Nothing was found.");
    den.done("the kettle is on");
    let found = den.told("/search kettle");
    assert!(found.starts_with("#den/1, 2"), "{found}");
    assert!(found.ends_with(", ana: the kettle is on"), "{found}");
    den.ana.refused(send("/search"), "bad_field");
}

#[test]
fn an_archived_room_is_looked_at_and_not_spoken_in() {
    let mut den = Den::open();
    den.ana
        .ask(json!({"do": "change_room", "room": "den", "archived": true}));
    den.heard();
    den.ana.refused(send("/me leaves"), "forbidden");
    den.ana.refused(send("/invite cy"), "forbidden");
    den.told("/help");
}

#[test]
fn two_people_alone_have_no_moderator() {
    let mut den = Den::open();
    let dm = den.ana.ask(json!({"do": "dm", "user": "bo"}))["room"].clone();
    den.heard();
    let there = |text: &str| json!({"do": "send", "room": dm, "text": text});
    for text in ["/kick bo", "/topic x", "/invite cy", "/mute bo", "/ban bo"] {
        den.ana.refused(there(text), "forbidden");
    }
    den.ana.ask(there("/me waves"));
    assert_eq!(den.bo.event("message")["action"], true);
    den.ana.ask(there("/help"));
    let help = den.ana.event("answer");
    assert!(!help["text"].as_str().unwrap().contains("/kick"), "{help}");
}

#[test]
fn what_is_wanted_one_after_the_other_is_done_so() {
    let mut den = Den::open();
    let mut cy = den.people[2].line();
    // Nobody waits for an answer in between.
    cy.say(&json!({"id": 71, "do": "join", "room": "den"}));
    cy.say(&json!({"id": 72, "do": "send", "room": "den", "text": "/me waves", "key": "w"}));
    cy.find("the answer", |it| it["re"] == 71);
    let waved = cy.find("the answer", |it| it["re"] == 72);
    assert_eq!(waved["ok"]["seq"], 1, "{waved}");
    cy.say(&json!({"id": 73, "do": "leave", "room": "den"}));
    cy.say(&json!({"id": 74, "do": "send", "room": "den", "text": "/me waves", "key": "w"}));
    cy.find("the answer", |it| it["re"] == 73);
    let waved = cy.find("the answer", |it| it["re"] == 74);
    assert_eq!(
        (&waved["ok"]["repeat"], &waved["ok"]["seq"]),
        (&true.into(), &1.into()),
        "{waved}"
    );
    // Under the key of something else nothing is done.
    let other = json!({"do": "send", "room": "den", "text": "/me sits", "key": "w"});
    cy.refused(other, "key_reused");
    let fresh = json!({"do": "send", "room": "den", "text": "/me sits", "key": "x"});
    cy.refused(fresh, "not_a_member");
    den.heard();
}

// ------------------------------------------------------------------------------------------ REST

#[test]
fn a_request_is_answered_with_what_is_for_it_alone() {
    let mut den = Den::open();
    let ana = &den.people[0];
    let post = |text: &str, key: &str| {
        let fields = [("Idempotency-Key", key)];
        ana.send(
            "POST",
            "/rooms/den/messages",
            &fields,
            &json!({"text": text}),
        )
    };
    let said = post("/me waves", "1").expect(201);
    assert_eq!((&said["command"], &said["seq"]), (&"me".into(), &1.into()));
    let again = post("/me waves", "1").expect(200);
    assert_eq!((&again["repeat"], &again["seq"]), (&true.into(), &1.into()));
    let told = post("/topic biscuits", "2").expect(200);
    assert_eq!(told["answer"]["text"], "The topic is changed.");
    assert_eq!(
        (&told["answer"]["key"], &told["command"]),
        (&"2".into(), &"topic".into())
    );
    assert_eq!(post("/topic biscuits", "2").expect(200)["repeat"], true);
    let unknown = post("/tpic biscuits", "3").expect(200);
    assert_eq!(unknown["unknown"], true);
    let found = post("/search waves", "4").expect(200);
    assert!(found["answer"]["text"].as_str().unwrap().contains("waves"));
    post("/kick", "5").refuses_field("text");
    den.people[1]
        .post("/rooms/den/messages", json!({"text": "/kick ana"}))
        .refuses(403, "forbidden");
    den.people[2]
        .post("/rooms/den/messages", json!({"text": "/help"}))
        .refuses(403, "not_a_member");
    let [ana, bo] = den.heard();
    assert_eq!(ana, bo, "what was asked elsewhere is answered there");
    let names: Vec<_> = ana.iter().map(|event| event["event"].clone()).collect();
    assert_eq!(names, ["message", "room"]);
}

// ------------------------------------------------------------------------- commands of an app's own

#[test]
fn an_app_has_commands_of_its_own() {
    let folder = tempfile::tempdir().unwrap();
    let notice = folder.path().join("notice");
    let parlour = Parlour::start_example("commands", &["--notice", notice.to_str().unwrap()]);
    let [ana, bo] = ["ana", "bo"].map(|name| parlour.sign_up(name));
    let (mut ana, mut line) = (ana.line(), bo.line());
    ana.ask(json!({"do": "create_room", "room": "den"}));
    line.ask(json!({"do": "join", "room": "den"}));
    line.drain();
    // The bot says what came of it, once.
    let rolled = ana.ask(under("k", "/roll 20"));
    assert_eq!(
        (&rolled["command"], &rolled["seq"]),
        (&"roll".into(), &1.into())
    );
    let said = line.event("message");
    assert_eq!(
        (&said["from"], &said["display_name"]),
        (&"parlour".into(), &"Parlour".into())
    );
    let text = said["text"].as_str().unwrap();
    assert!(
        text.starts_with("ana rolls ") && text.ends_with(" of 20."),
        "{text}"
    );
    assert_eq!(ana.ask(under("k", "/roll 20"))["repeat"], true);
    ana.refused(under("k", "/roll 6"), "key_reused");
    let error = ana.refused(send("/roll a lot"), "bad_field");
    assert_eq!(
        error["message"],
        "Say how many sides it has, from 2 to 1000: /roll 20"
    );
    assert_eq!(
        bo.get("/rooms/den/messages").expect(200)["messages"][1],
        Value::Null
    );
    // Who may not use it does not.
    line.refused(send("/shout hello"), "forbidden");
    ana.ask(send("/shout hello"));
    let said = line.event("message");
    assert_eq!(
        (&said["text"], &said["from"]),
        (&"HELLO".into(), &"ana".into())
    );
    // What is looked up elsewhere comes when it comes.
    ana.ask(send("/notice"));
    assert_eq!(ana.event("answer")["text"], "There is no notice today.");
    std::fs::write(&notice, "The kettle is new.").unwrap();
    let told = bo
        .post("/rooms/den/messages", json!({"text": "/notice"}))
        .expect(200);
    assert_eq!(told["answer"]["text"], "The kettle is new.");
    let listed = bo.get("/commands?room=den").expect(200);
    let names: Vec<_> = listed["commands"].as_array().unwrap().iter().collect();
    assert!(
        names
            .iter()
            .any(|it| it["name"] == "roll" && it["usage"] == "[SIDES]")
    );
    assert!(!names.iter().any(|it| it["name"] == "shout"));
    // Who is muted has the bot say nothing.
    ana.ask(send("/mute bo 1h"));
    line.refused(send("/roll"), "forbidden");
    line.ask(send("/notice"));
}
