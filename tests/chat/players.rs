//! # Clients of the game protocol, in the same rooms as everybody else

use parlour::client::{Nano, NanoError, Said};
use serde_json::{Value, json};

use crate::strict::PATIENCE;
use crate::support::{PASSWORD, Parlour, Person};

/// The address of the game protocol, with the chat behind it.
fn door(parlour: &Parlour) -> String {
    format!("ws://{}/nano", parlour.address())
}

/// Somebody comes in by the game protocol.
fn enter(door: &str, person: &Person) -> Nano {
    let mut player = Nano::connect(door, json!({ "token": person.token })).unwrap();
    player.set_timeout(Some(PATIENCE));
    assert_eq!(player.handshake()["user"]["name"], person.name);
    player
}

fn ask(player: &mut Nano, route: &str, body: &Value) -> Value {
    player.request(route, body).unwrap()
}

#[track_caller]
fn done(player: &mut Nano, route: &str, body: &Value) -> Value {
    let answer = ask(player, route, body);
    assert_eq!(
        (&answer["code"], &answer["result"]),
        (&json!(0), &json!("success")),
        "{answer}"
    );
    answer
}

fn pushed(player: &mut Nano, wanted: &str) -> Value {
    let (route, value) = player.push().unwrap();
    assert_eq!(route, wanted, "{value}");
    value
}

#[test]
fn a_player_and_a_browser_talk_in_one_room() {
    let parlour = Parlour::start();
    let [ana, bo, cy] = ["ana", "bo", "cy"].map(|name| parlour.sign_up(name));
    ana.post("/rooms", json!({ "room": "den" })).expect(201);
    let mut line = ana.line();
    let mut player = enter(&door(&parlour), &bo);
    let answer = done(&mut player, "chat.join", &json!({ "room": "den" }));
    assert_eq!(answer["room"], "den");
    let members = pushed(&mut player, "onMembers");
    assert_eq!(members, json!({ "room": "den", "members": ["ana"] }));
    assert_eq!(line.event("joined")["user"], "bo");
    // From the player to the browser, and back.
    let sent = done(
        &mut player,
        "chat.message",
        &json!({ "room": "den", "content": "hi ☃" }),
    );
    assert_eq!(sent["seq"], 1);
    assert_eq!(line.event("message")["text"], "hi ☃");
    line.ask(json!({ "do": "send", "room": "den", "text": "hello bo" }));
    assert_eq!(pushed(&mut player, "onMessage")["content"], "hi ☃");
    let heard = pushed(&mut player, "onMessage");
    assert_eq!(heard["name"], "ana");
    assert_eq!(
        (&heard["content"], &heard["seq"]),
        (&json!("hello bo"), &json!(2))
    );
    // Somebody else comes, over REST; the player is told.
    cy.put("/rooms/den/members/me", json!({})).expect(200);
    let newcomer = pushed(&mut player, "onNewUser");
    assert_eq!(newcomer["content"], "New user: cy");
    // A notify says something too, and history has it.
    player
        .notify(
            "chat.message",
            &json!({ "room": "den", "content": "and this" }),
        )
        .unwrap();
    assert_eq!(pushed(&mut player, "onMessage")["seq"], 3);
    let page = ask(
        &mut player,
        "chat.history",
        &json!({ "room": "den", "limit": 2 }),
    );
    let texts: Vec<_> = page["messages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| &it["text"])
        .collect();
    assert_eq!(texts, ["hello bo", "and this"]);
    // Whoever leaves hears no more.
    done(&mut player, "chat.leave", &json!({ "room": "den" }));
    line.ask(json!({ "do": "send", "room": "den", "text": "gone?" }));
    let answer = ask(&mut player, "chat.history", &json!({ "room": "den" }));
    assert_eq!(answer["code"], 403);
    done(&mut player, "chat.join", &json!({ "room": "den" }));
    assert_eq!(
        pushed(&mut player, "onMembers")["members"],
        json!(["ana", "cy"])
    );
}

#[test]
fn straight_over_tcp_it_is_the_same_room() {
    let parlour = Parlour::start_with(&["--nano-tcp", "127.0.0.1:0"]);
    let [ana, bo] = ["ana", "bo"].map(|name| parlour.sign_up(name));
    ana.post("/rooms", json!({ "room": "den" })).expect(201);
    let tcp = parlour.server().listening_on()[1];
    let mut by_tcp = enter(tcp, &bo);
    let mut by_websocket = enter(&door(&parlour), &ana);
    done(&mut by_websocket, "chat.join", &json!({ "room": "den" }));
    pushed(&mut by_websocket, "onMembers");
    done(&mut by_tcp, "chat.join", &json!({ "room": "den" }));
    pushed(&mut by_tcp, "onMembers");
    assert_eq!(pushed(&mut by_websocket, "onNewUser")["name"], "bo");
    done(
        &mut by_tcp,
        "chat.message",
        &json!({ "room": "den", "text": "by wire", "key": "k1" }),
    );
    // Under the same key it is the same message.
    let again = json!({ "room": "den", "text": "by wire", "key": "k1" });
    assert_eq!(done(&mut by_tcp, "chat.message", &again)["seq"], 1);
    for player in [&mut by_tcp, &mut by_websocket] {
        assert_eq!(pushed(player, "onMessage")["content"], "by wire");
    }
}

#[test]
fn who_says_no_token_may_do_nothing_and_a_bad_one_does_not_come_in() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    ana.post("/rooms", json!({ "room": "den" })).expect(201);
    let mut nobody = Nano::connect(&door(&parlour), json!({})).unwrap();
    nobody.set_timeout(Some(PATIENCE));
    for route in ["chat.join", "chat.message", "chat.leave", "chat.history"] {
        let answer = ask(
            &mut nobody,
            route,
            &json!({ "room": "den", "content": "hi" }),
        );
        assert_eq!(answer["code"], 401, "{route}");
    }
    let refused = Nano::connect(&door(&parlour), json!({ "token": "pt_wrong" }));
    let Err(NanoError::Refused(answer)) = refused else {
        panic!("a wrong token comes in");
    };
    assert_eq!(answer["code"], 500);
}

#[test]
fn what_is_wrong_is_told_and_the_connection_stays() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let mut player = enter(&door(&parlour), &ana);
    let check = |player: &mut Nano, route: &str, body: Value, code: u16| {
        let answer = ask(player, route, &body);
        assert_eq!(answer["code"], code, "{route} {body}: {answer}");
        assert!(answer["error"].as_str().unwrap().ends_with('.'), "{answer}");
    };
    check(&mut player, "chat.join", json!({ "room": "nowhere" }), 404);
    check(&mut player, "chat.join", json!({}), 400);
    check(&mut player, "chat.join", json!([1]), 400);
    check(
        &mut player,
        "chat.message",
        json!({ "room": "nowhere", "content": "x" }),
        404,
    );
    check(
        &mut player,
        "chat.message",
        json!({ "room": "nowhere", "content": "" }),
        400,
    );
    check(
        &mut player,
        "chat.history",
        json!({ "room": "nowhere" }),
        404,
    );
    assert_eq!(ask(&mut player, "chat.dance", &json!({}))["code"], 404);
    // What is wrong is told by the name that it has here.
    for content in [json!(null), json!(7), json!("x".repeat(8001))] {
        let answer = ask(
            &mut player,
            "chat.message",
            &json!({ "room": "nowhere", "content": content }),
        );
        let error = answer["error"].as_str().unwrap();
        assert!(error.contains("`content`"), "{answer}");
    }
}

#[test]
fn who_signs_out_is_kicked() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let bo = parlour.sign_up("bo");
    let mut stays = enter(&door(&parlour), &bo);
    let mut player = enter(&door(&parlour), &ana);
    ana.delete("/tokens/current").expect(204);
    let Some(Said::Kick(reason)) = player.read().unwrap() else {
        panic!("the session goes on");
    };
    let reason: Value = serde_json::from_slice(&reason).unwrap();
    assert_eq!(reason["reason"], "signed out");
    assert!(player.read().unwrap().is_none());
    assert_eq!(ask(&mut stays, "chat.dance", &json!({}))["code"], 404);
}

#[test]
fn a_token_with_scopes_comes_in_if_it_is_good_for_all_rooms() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let with = |scopes: &[&str]| {
        let wish = json!({"name": "ana", "password": PASSWORD, "scopes": scopes});
        let made = parlour.nobody().post("/tokens", wish).expect(201);
        Nano::connect(&door(&parlour), json!({ "token": made["token"] }))
    };
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    assert!(with(&["read", "write"]).is_ok());
    for scopes in [
        &["read"][..],
        &["write"],
        &["admin"],
        &["read", "write", "room:den"],
    ] {
        assert!(with(scopes).is_err(), "{scopes:?}");
    }
}

#[test]
fn metrics_count_players_and_the_rules_that_they_break() {
    let parlour = Parlour::start_with(&["--nano-tcp", "127.0.0.1:0"]);
    let ana = parlour.sign_up("ana");
    let metrics = || {
        let told = parlour.nobody().at_root("GET", "/metrics", &[]);
        told.response.text()
    };
    let has = |text: &str, line: &str| {
        let found = text.lines().any(|it| it == format!("parlour_{line}"));
        assert!(found, "{line} is not in\n{text}");
    };
    let _nobody = Nano::connect(&door(&parlour), json!({})).unwrap();
    let _player = enter(&door(&parlour), &ana);
    let text = metrics();
    has(&text, "players 2");
    has(&text, "players_signed_in 1");
    has(&text, "players_faults_total{rule=\"unknown_packet\"} 0");
    let tcp = parlour.server().listening_on()[1];
    let mut stranger = Nano::connect_only(tcp).unwrap();
    stranger.set_timeout(Some(PATIENCE));
    stranger.send(b"\x09\0\0\0").unwrap();
    assert!(stranger.read().unwrap().is_none());
    let text = metrics();
    has(&text, "players 2");
    has(&text, "players_faults_total{rule=\"unknown_packet\"} 1");
    has(&text, "players_faults_total{rule=\"bad_message_id\"} 0");
}

#[test]
fn who_plays_is_there_for_others() {
    let parlour = Parlour::start();
    let [ana, bo] = ["ana", "bo"].map(|name| parlour.sign_up(name));
    ana.post("/rooms", json!({ "room": "den" })).expect(201);
    let mut line = ana.line();
    let mut player = enter(&door(&parlour), &bo);
    assert_eq!(ana.get("/users/bo").expect(200)["presence"], "online");
    done(&mut player, "chat.join", &json!({ "room": "den" }));
    line.event("joined");
    let here = line.ask(json!({ "do": "presence", "room": "den" }));
    assert_eq!(
        (&here["online"], &here["count"]),
        (&json!(["ana", "bo"]), &json!(2))
    );
    // One of two sessions is none that matters.
    drop(enter(&door(&parlour), &bo));
    assert_eq!(ana.get("/users/bo").expect(200)["presence"], "online");
    drop(player);
    // Others are told when it is no reload.
    let told = line.find_late("that bo has gone", |it| it["changes"]["bo"] == "offline");
    assert_eq!(told["count"], 1);
    let mut back = enter(&door(&parlour), &bo);
    let told = line.find("that bo is back", |it| it["changes"]["bo"] == "online");
    assert_eq!((&told["room"], &told["count"]), (&json!("den"), &json!(2)));
    // Who is signed out is gone at once.
    bo.delete("/tokens/current").expect(204);
    assert!(matches!(back.read().unwrap(), Some(Said::Kick(_))));
    assert_eq!(ana.get("/users/bo").expect(200)["presence"], "offline");
}
