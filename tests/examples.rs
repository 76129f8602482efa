//! # The examples, from outside
//!
//! Each example is a program that people start from; so each is started here, and talked to.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![allow(clippy::unwrap_in_result, reason = "in a test a panic is the report")]
#![allow(
    clippy::disallowed_methods,
    reason = "a client of the real program lives in real time"
)]

use std::process::Command;

use support::*;

#[path = "websocket/support.rs"]
#[expect(
    dead_code,
    reason = "shared with the other black-box tests, which use the rest"
)]
mod support;

/// An example; cargo builds them beside the tests.
fn program(name: &str) -> Command {
    let test = std::env::current_exe().expect("this program has a path");
    let profile = test
        .parent()
        .and_then(|deps| deps.parent())
        .expect("target/PROFILE/deps/TEST");
    let program = profile.join("examples").join(name);
    assert!(
        program.exists(),
        "{} is missing: cargo build --examples",
        program.display()
    );
    Command::new(program)
}

/// Starts an example.
fn example(name: &str) -> Server {
    let mut command = program(name);
    command.args(["--listen", "127.0.0.1:0"]);
    Server::start(command)
}

#[test]
fn each_says_what_it_is_when_it_is_asked() {
    let names = [
        "broadcast",
        "commands",
        "consumers",
        "echo",
        "embed",
        "mvc",
        "rooms",
        "sessions",
        "websocket_view",
    ];
    for name in names {
        let said = program(name).arg("--help").output().unwrap();
        let told = String::from_utf8(said.stderr).unwrap();
        assert!(said.status.success() && told.is_empty(), "{name}: {told}");
        let help = String::from_utf8(said.stdout).unwrap();
        assert!(help.starts_with(&format!("{name}: ")), "{help}");
        // Where the words of each line begin, behind two blanks that no word has in it.
        let options = help.lines().filter_map(|line| line.strip_prefix("  "));
        let columns: Vec<_> = options
            .map(|line| {
                let gap = line.find("  ").unwrap_or_else(|| panic!("{line}"));
                gap + line[gap..].find(|c| c != ' ').unwrap()
            })
            .collect();
        assert!(columns.len() >= 2, "{help}");
        assert!(columns.iter().all(|it| *it == columns[0]), "{help}");
    }
}

/// A member of a room.
fn join(server: &Server, room: &str) -> Peer {
    Peer::open_at(server, &format!("/room/{room}"))
}

#[test]
fn echo_says_what_it_hears() {
    let server = example("echo");
    let sent = [
        text("some words"),
        binary(b"\xff\x00"),
        ping(b"p"),
        text("more"),
    ]
    .concat();
    let wanted = [
        say("some words"),
        bytes(b"\xff\x00"),
        ponged(b"p"),
        say("more"),
    ];
    check(&server, "echo", &sent, &wanted);
    check(
        &server,
        "not text",
        &frame(true, 0, TEXT, MASK, b"\xff"),
        &[NOT_TEXT],
    );
}

#[test]
fn echo_serves_many_at_once() {
    let server = example("echo");
    let mut peers: Vec<Peer> = (0..100).map(|_| Peer::open(&server)).collect();
    for (number, peer) in peers.iter_mut().enumerate() {
        peer.send(&text(&format!("from {number}")));
    }
    for (number, mut peer) in peers.into_iter().enumerate() {
        peer.expect(&say(&format!("from {number}")));
        peer.hear("one of many", &[]);
    }
}

#[test]
fn all_in_a_room_hear_what_one_says() {
    let server = example("broadcast");
    let mut peers: Vec<Peer> = (0..5).map(|_| join(&server, "blue")).collect();
    for speaker in 0..peers.len() {
        let words = format!("{speaker} says κόσμε");
        peers[speaker].send(&text(&words));
        peers.iter_mut().for_each(|peer| peer.expect(&say(&words)));
        let body = pattern(1000 * (speaker + 1));
        peers[speaker].send(&binary(&body));
        peers.iter_mut().for_each(|peer| peer.expect(&bytes(&body)));
    }
    peers
        .into_iter()
        .for_each(|peer| peer.hear("nothing more", &[]));
}

#[test]
fn other_rooms_hear_nothing() {
    let server = example("broadcast");
    let mut blue = join(&server, "blue");
    let green = join(&server, "green");
    let mut bluer = join(&server, "bluer");
    blue.send(&text("only for blue"));
    blue.expect(&say("only for blue"));
    bluer.send(&text("only for bluer"));
    // `hear` insists that nothing else came before the close is answered.
    bluer.hear("bluer", &[say("only for bluer")]);
    green.hear("green", &[]);
    blue.hear("blue", &[]);
}

#[test]
fn all_in_a_room_hear_the_same_order() {
    const EACH: usize = 100;
    let server = example("broadcast");
    let mut peers: Vec<Peer> = (0..5).map(|_| join(&server, "busy")).collect();
    for number in 0..EACH {
        for (speaker, peer) in peers.iter_mut().enumerate() {
            peer.send(&text(&format!("{speaker} {number}")));
        }
    }
    let total = EACH * peers.len();
    let heard: Vec<Vec<Event>> = peers
        .iter_mut()
        .map(|peer| (0..total).map(|_| peer.event()).collect())
        .collect();
    for (listener, events) in heard.iter().enumerate() {
        assert!(*events == heard[0], "{listener} heard another order than 0");
    }
    for speaker in 0..peers.len() {
        let own: Vec<Event> = (0..EACH)
            .map(|n| Event::Text(format!("{speaker} {n}")))
            .collect();
        let theirs: Vec<&Event> = heard[0]
            .iter()
            .filter(|event| own.contains(event))
            .collect();
        assert!(
            theirs == own.iter().collect::<Vec<_>>(),
            "{speaker} was heard out of order"
        );
    }
    peers
        .into_iter()
        .for_each(|peer| peer.hear("nothing more", &[]));
}

#[test]
fn a_leaver_is_forgotten() {
    let server = example("broadcast");
    let mut stays = join(&server, "hall");
    stays.send(&text("first"));
    stays.expect(&say("first"));
    let before = descriptors(&server);
    join(&server, "hall").hear("leaves politely", &[]);
    drop(join(&server, "hall"));
    let reset = join(&server, "hall");
    socket2::SockRef::from(reset.stream())
        .set_linger(Some(std::time::Duration::ZERO))
        .unwrap();
    drop(reset);
    let deadline = std::time::Instant::now() + PATIENCE;
    while descriptors(&server) > before {
        assert!(
            std::time::Instant::now() < deadline,
            "leavers are still held"
        );
        stays.send(&text("anyone?"));
        stays.expect(&say("anyone?"));
    }
    let mut comes = join(&server, "hall");
    comes.send(&text("hello"));
    comes.hear("comes", &[say("hello")]);
    stays.hear("stays", &[say("hello")]);
}

#[test]
fn a_room_whose_last_member_left_can_be_entered_again() {
    let server = example("broadcast");
    for round in 0..20 {
        let mut peer = join(&server, "shed");
        let words = format!("round {round}");
        peer.send(&text(&words));
        peer.hear("alone", &[say(&words)]);
    }
}

#[test]
fn examples_end_when_asked() {
    for (name, path) in [("echo", "/echo"), ("broadcast", "/room/hall")] {
        let server = example(name);
        let mut peer = Peer::open_at(&server, path);
        peer.send(&text("before"));
        peer.expect(&say("before"));
        let status = server.terminate();
        assert!(status.success(), "{name} ended with {status}");
        while peer.event() != Event::End {}
    }
}

fn descriptors(server: &Server) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.pid()))
        .expect("a live process")
        .count()
}
