//! # Nano: the example `nano_room` from outside, over WebSocket and straight over TCP
//!
//! What the specification's section 12 says of it, whatever carries it and however it is cut.

#![allow(
    clippy::unwrap_used,
    reason = "in a test a broken assumption ends the test, and the panic says where"
)]

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use parlour::client::{Nano, NanoError, Said};
use parlour::nano::{Dictionary, Fault, Kind, Message, Packet, packet};
use parlour::web::nano::{Component, Failure, Handlers, Json, Nano as Games};
use parlour::web::{App, Running, Tick};
use serde_json::{Map, Value, json};

mod people;
use people::{Example, PATIENCE};

/// The room, and where it is reached.
struct Room {
    example: Example,
    doors: [String; 2],
}

fn open(options: &[&str]) -> Room {
    let tcp = ["--nano-tcp", "127.0.0.1:0"];
    let mut example = Example::with_options("nano_room", &[&tcp, options].concat());
    let line = example.line();
    let tcp = line.strip_prefix("also listening on ").unwrap().to_owned();
    let doors = [format!("ws://{}/nano", example.address), tcp];
    Room { example, doors }
}

impl Room {
    /// Somebody comes in by one of the doors.
    fn enter(&self, door: usize) -> Nano {
        let mut player = Nano::connect(&self.doors[door], json!({})).unwrap();
        player.set_timeout(Some(PATIENCE));
        player
    }
}

/// Joins, and says who was there already and which number one has.
fn join(player: &mut Nano) -> Vec<Value> {
    let answer = player.request("room.join", &json!({})).unwrap();
    assert_eq!(answer, json!({ "code": 0, "result": "success" }));
    let (route, mut value) = player.push().unwrap();
    assert_eq!(route, "onMembers");
    value["members"].as_array_mut().unwrap().split_off(0)
}

/// The number in "New user: 7".
fn newcomer(player: &mut Nano) -> u64 {
    let (route, value) = player.push().unwrap();
    assert_eq!(route, "onNewUser");
    let content = value["content"].as_str().unwrap();
    content.strip_prefix("New user: ").unwrap().parse().unwrap()
}

#[test]
fn who_joins_is_announced_and_what_is_said_reaches_all_by_either_door() {
    let room = open(&[]);
    let (mut ann, mut bob) = (room.enter(0), room.enter(1));
    assert_eq!(join(&mut ann), Vec::<Value>::new());
    let members = join(&mut bob);
    assert_eq!(members.len(), 1);
    let bobs = newcomer(&mut ann);
    assert!(bobs > members[0].as_u64().unwrap());
    let words = json!({ "name": "ann", "content": "grüß dich ☃", "more": [1, 2] });
    ann.notify("room.message", &words).unwrap();
    for player in [&mut ann, &mut bob] {
        assert_eq!(
            player.push().unwrap(),
            ("onMessage".to_owned(), words.clone())
        );
    }
}

#[test]
fn before_joining_nothing_is_said_and_the_connection_stays() {
    let room = open(&[]);
    for door in 0..2 {
        let mut early = room.enter(door);
        early
            .notify("room.message", &json!({ "content": "hello?" }))
            .unwrap();
        // A request of the same is told what is wrong.
        let answer = early.request("room.message", &json!({})).unwrap();
        assert_eq!(answer["code"], 500);
        assert!(answer["error"].as_str().unwrap().contains("join"));
        join(&mut early);
    }
}

#[test]
fn what_is_wrong_is_answered_and_only_what_breaks_the_protocol_ends_it() {
    let room = open(&[]);
    let mut player = room.enter(0);
    let answer = player.request("room.nothing", &json!({})).unwrap();
    assert_eq!(answer["code"], 404);
    let answer = player.request("nothing", &json!({})).unwrap();
    assert_eq!(answer["code"], 404);
    join(&mut player);
    let id = player.ask("room.message", b"no JSON").unwrap();
    let Some(Said::Response { id: answered, data }) = player.read().unwrap() else {
        panic!("an answer is due");
    };
    let answer: Value = serde_json::from_slice(&data).unwrap();
    assert_eq!((answered, &answer["code"]), (id, &json!(400)));
    assert_eq!(
        player.request("room.join", &json!({})).unwrap()["code"],
        500
    );
    player.notify("room.nothing", &json!({})).unwrap();
    player.notify("room.message", &json!("still here")).unwrap();
    assert_eq!(player.push().unwrap().1, json!("still here"));
    // A type of message that there is none of.
    player.say(Packet::Data, b"\x0e").unwrap();
    assert!(player.read().unwrap().is_none());
}

#[test]
fn whoever_leaves_is_a_member_no_more() {
    let room = open(&[]);
    for door in 0..2 {
        let mut stays = room.enter(door);
        join(&mut stays);
        let mut goes = room.enter(door);
        join(&mut goes);
        drop(goes);
        // The end of a connection is heard of in its time.
        let gone = (0..).find(|_| {
            let mut next = room.enter(door);
            join(&mut next).len() == 1
        });
        assert!(gone.is_some());
        drop(stays);
    }
}

fn request(id: u64, route: &str, data: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    packet::write_with(Packet::Data, &mut bytes, |out| {
        let data = data.as_bytes();
        let kind = if id > 0 { Kind::Request } else { Kind::Notify };
        Message {
            kind,
            id,
            route,
            data,
        }
        .write(&Dictionary::default(), out);
    });
    bytes
}

#[test]
fn packets_may_be_cut_and_joined_anyhow() {
    let room = open(&[]);
    let mut script = Vec::new();
    packet::write(Packet::Handshake, br#"{"sys":{},"user":{}}"#, &mut script);
    packet::write(Packet::HandshakeAck, b"", &mut script);
    script.extend(request(1, "room.join", "{}"));
    script.extend(request(0, "room.message", r#"{"content":"cut"}"#));
    for door in 0..2 {
        for size in [1, 2, 3, 5, 7, 64, 10_000] {
            let mut player = Nano::connect_only(&room.doors[door]).unwrap();
            player.set_timeout(Some(PATIENCE));
            for piece in script.chunks(size) {
                player.send(piece).unwrap();
            }
            let mut routes = Vec::new();
            loop {
                match player.read().unwrap().unwrap() {
                    Said::Push { route, .. } if route == "onMessage" => break,
                    Said::Push { route, .. } => routes.push(route),
                    Said::Response { id, .. } => routes.push(id.to_string()),
                    Said::Kick(_) => panic!("nobody is kicked"),
                }
            }
            assert_eq!(routes, ["onMembers", "1"], "in pieces of {size}");
            assert_eq!(player.handshake()["sys"]["heartbeat"], 30);
        }
    }
}

#[test]
fn a_handshake_that_is_no_json_is_refused() {
    let room = open(&[]);
    for door in &room.doors {
        let mut player = Nano::connect_only(door).unwrap();
        player.set_timeout(Some(PATIENCE));
        player.say(Packet::Handshake, b"hello").unwrap();
        assert!(player.read().unwrap().is_none());
        assert_eq!(player.handshake()["code"], 500);
        // Data without a handshake ends it without a word.
        let mut rude = Nano::connect_only(door).unwrap();
        rude.set_timeout(Some(PATIENCE));
        rude.send(&request(1, "room.join", "{}")).unwrap();
        assert!(matches!(rude.read(), Ok(None) | Err(NanoError::Outage(_))));
    }
}

#[test]
fn a_folder_of_pages_is_served_beside_it_and_bytes_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("index.html"), "<h1>a game</h1>").unwrap();
    let room = open(&["--static", folder.path().to_str().unwrap()]);
    let get = |path: &str| {
        let mut stream = TcpStream::connect(room.example.address).unwrap();
        let ask = format!("GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        stream.write_all(ask.as_bytes()).unwrap();
        let mut heard = String::new();
        stream.read_to_string(&mut heard).unwrap();
        heard
    };
    assert!(get("/").ends_with("<h1>a game</h1>"));
    join(&mut room.enter(1));
    let success = json!({ "code": 0, "result": "success" }).to_string();
    let members = json!({ "members": [] }).to_string();
    let outbound = success.len() + members.len();
    let counts = get("/counts");
    assert!(
        counts.ends_with(&format!("inbound 2\noutbound {outbound}\n")),
        "{counts}"
    );
}

#[test]
fn it_ends_with_grace() {
    let room = open(&[]);
    let (mut ann, mut bob) = (room.enter(0), room.enter(1));
    join(&mut ann);
    join(&mut bob);
    newcomer(&mut ann);
    assert!(room.example.terminate().success());
    assert!(ann.read().unwrap().is_none() && bob.read().unwrap().is_none());
}

#[test]
fn the_game_moves_everybody_and_tells_the_board_in_one_push() {
    let mut example = Example::with_options("game", &["--nano-tcp", "127.0.0.1:0"]);
    let line = example.line();
    let tcp = line.strip_prefix("also listening on ").unwrap().to_owned();
    let doors = [format!("ws://{}/nano", example.address), tcp];
    let mut players = doors.map(|door| {
        let mut player = Nano::connect(&door, json!({})).unwrap();
        player.set_timeout(Some(PATIENCE));
        player
    });
    let early = players[0].ask("game.head", br#"{"x":1,"y":0}"#).unwrap();
    assert!(early > 0);
    let numbers = players.each_mut().map(|player| {
        let joined = player.request("game.join", &json!({})).unwrap();
        joined["you"].as_u64().unwrap() as u32
    });
    // Heads for a corner until it is there: nobody gets off the board.
    players[0]
        .notify("game.head", &json!({ "x": -1, "y": -1 }))
        .unwrap();
    let place = |frame: &[u8], number: u32| {
        let mut players = frame[4..].chunks_exact(10);
        let own = players.find(|it| it[..4] == number.to_be_bytes())?;
        let at = |from: usize| u16::from_be_bytes([own[from], own[from + 1]]);
        Some((at(4), at(6)))
    };
    let mut stood = None;
    loop {
        let said = players[1].read().unwrap().unwrap();
        let Said::Push { route, data } = said else {
            continue;
        };
        if route != "onFrame" {
            continue;
        }
        let own = place(&data, numbers[1]).unwrap();
        assert_eq!(*stood.get_or_insert(own), own, "who heads nowhere stays");
        if place(&data, numbers[0]) == Some((0, 0)) {
            break;
        }
    }
}

#[test]
fn a_validator_judges_who_comes_in_and_the_dictionary_is_told() {
    let any = "127.0.0.1:0".parse().unwrap();
    let tcp = "tcp:127.0.0.1:0".parse().unwrap();
    let running = Running::start(&[any, tcp], || {
        let shout = Games::new().component("it", Shout).lower_case();
        let shout = shout.dictionary([("it.say", 1), ("onSaid", 2)]);
        App::new(()).nano(
            "/nano",
            shout.heartbeat(Duration::ZERO).validator(|play, hello| {
                match hello.user("name").and_then(Value::as_str) {
                    Some("old") => Err(Failure::new(501, "too old")),
                    Some(name) => {
                        play.session()
                            .set("name", name)
                            .map_err(|error| error.to_string())?;
                        let told = [("hello".to_owned(), json!(name))];
                        Ok(told.into_iter().collect::<Map<_, _>>())
                    }
                    None => Err("who are you?".into()),
                }
            }),
        )
    })
    .unwrap();
    let [web, tcp] = [0, 1].map(|at| running.addresses()[at].to_string());
    let web = web.replacen("http", "ws", 1) + "/nano";
    for door in [&web, &tcp] {
        let code = |user| match Nano::connect(door, user) {
            Err(NanoError::Refused(answer)) => answer["code"].as_u64(),
            _ => None,
        };
        assert_eq!(code(json!({})), Some(500));
        assert_eq!(code(json!({ "name": "old" })), Some(501));
        let mut ann = Nano::connect(door, json!({ "name": "ann" })).unwrap();
        assert_eq!(ann.handshake()["user"], json!({ "hello": "ann" }));
        let sys = &ann.handshake()["sys"];
        assert_eq!(sys["dict"], json!({ "it.say": 1, "onSaid": 2 }));
        assert!(sys.get("heartbeat").is_none());
        assert_eq!(
            ann.request("it.say", &json!("hi")).unwrap(),
            json!("ann: hi")
        );
        let Some(Said::Push { route, .. }) = ann.read().unwrap() else {
            panic!("a push came first");
        };
        assert_eq!(route, "onSaid");
        // A code that nobody knows.
        ann.say(Packet::Data, b"\x03\x00\x09{}").unwrap();
        assert!(ann.read().unwrap().is_none());
    }
    let (faults, counted) = std::sync::mpsc::channel();
    let count = move |tick: &mut Tick<'_, ()>| {
        let count = tick.house.nano_faults(Fault::UnknownRouteCode);
        let _ = faults.send(count);
    };
    running.remote().act(count).unwrap();
    assert_eq!(counted.recv().unwrap(), 2);
    running.stop().unwrap();
}

struct Shout;

impl Component<()> for Shout {
    fn handlers(handlers: &mut Handlers<Self, ()>) {
        handlers.on("Say", |_, play, Json(words): Json<String>| {
            let mut session = play.session();
            let name: String = session.get("name").unwrap_or_default();
            session.push("onSaid", &json!(words))?;
            Ok(session.response(&json!(format!("{name}: {words}")))?)
        });
    }
}
