//! # WebSocket, by hand: upgrades, signs of life, slow readers, ends

use super::*;

#[test]
fn an_upgrade_may_be_decided_later_with_frames_waiting() {
    let mut world = World::new();
    let id = world.connect();
    let mut bytes = format!("GET /later HTTP/1.1\r\n{SHAKE}").into_bytes();
    bytes.extend(frame(1, b"early"));
    world.say(id, bytes);
    assert_eq!(world.app_heard(), ["asked /later 0"]);
    let call = world.call();
    world.act(move |net| net.answer(call, Answer::Upgrade(Upgrade::new(9))));
    assert_eq!(world.app_heard(), ["opened 9", "message early"]);
    assert!(world.hear(id).starts_with("HTTP/1.1 101"));
    assert!(world.wire(id).wanted);
    world.say(id, frame(8, &[0x03, 0xe8]));
    assert_eq!(world.app_heard(), ["closed Some(1000)"]);
    assert!(world.wire(id).shut);
    world.finish(id);
    assert_eq!(world.end(id), Some(Effect::Close(id)));
    assert!(world.app_heard().is_empty());
}

#[test]
fn a_silent_peer_is_pinged_and_then_dead() {
    let mut world = World::new();
    let id = world.open();
    world.pass(29);
    assert_eq!(world.hear(id), "");
    world.pass(2);
    assert_eq!(world.hear(id), String::from_utf8_lossy(b"\x89\0"));
    world.say(id, frame(10, b""));
    world.pass(31);
    assert_eq!(world.end(id), None, "its pong was a sign of life");
    world.pass(31);
    assert_eq!(world.end(id), Some(Effect::Reset(id)));
    assert_eq!(
        world.app_heard(),
        ["asked /ws 0", "opened 7", "closed None"]
    );
}

#[test]
fn a_close_waits_for_its_reader_before_it_waits_for_an_answer() {
    let mut world = World::new();
    let id = world.open();
    world.wire(id).room = 0;
    world.act(move |net| {
        net.send(id, Message::Binary(&[b'x'; 50_000]));
        net.close(id, 4001, "signed out");
    });
    for _ in 0..5 {
        world.pass(9);
        world.take(id, 10_000);
        assert_eq!(world.end(id), None);
    }
    world.take(id, 10_000);
    assert!(world.hear(id).ends_with("signed out"));
    world.pass(4);
    assert_eq!(world.end(id), None);
    world.pass(2);
    assert_eq!(
        world.end(id),
        Some(Effect::Reset(id)),
        "and no longer for its answer"
    );
}

#[test]
fn what_a_peer_takes_is_a_sign_of_life() {
    let mut world = World::new();
    let id = world.open();
    world.wire(id).room = 0;
    world.act(move |net| {
        net.send(id, Message::Binary(&[b'x'; 100_000]));
    });
    for _ in 0..10 {
        world.pass(20);
        world.take(id, 10_000);
        assert_eq!(world.end(id), None, "it reads slowly, and is paused itself");
    }
    world.take(id, ENOUGH);
    world.pass(29);
    assert_eq!(world.end(id), None);
}

#[test]
fn a_peer_has_the_time_of_a_heartbeat_to_answer_its_ping() {
    // The machine slept, or the app took its time to decide.
    let mut world = World::new();
    let id = world.open();
    world.now_ms += 1_000_000;
    world.begin();
    world.turn();
    world.pass(29);
    assert_eq!(world.end(id), None);
    assert_eq!(world.hear(id), String::from_utf8_lossy(b"\x89\0"));
    world.pass(2);
    assert_eq!(world.end(id), Some(Effect::Reset(id)));
}

#[test]
fn nothing_follows_what_a_slow_reader_missed() {
    let mut world = World::new();
    let id = world.open();
    world.app_heard();
    world.wire(id).room = 0;
    world.act(move |net| {
        assert_eq!(
            net.send(id, Message::Binary(&[b'1'; 1 << 19])),
            Sent::Queued
        );
        assert_eq!(net.send(id, Message::Binary(&[b'2'; 1 << 20])), Sent::Gone);
        assert_eq!(net.send(id, Message::Text("3")), Sent::Gone);
        net.broadcast([id], Message::Text("4"));
    });
    assert_eq!(world.app_heard(), ["closed None"]);
    world.take(id, ENOUGH);
    let said = std::mem::take(&mut world.wire(id).said);
    assert_eq!(
        said[10 + (1 << 19)],
        0x88,
        "a close frame follows the first"
    );
    assert_eq!(said[12 + (1 << 19)..][..2], 4002_u16.to_be_bytes());
    world.finish(id);
    assert_eq!(world.end(id), Some(Effect::Close(id)));
}

#[test]
fn a_socket_is_opened_before_it_is_closed() {
    let mut world = World::new();
    let id = world.connect();
    world.wire(id).room = 0;
    world.say(id, get("/now") + "GET /later HTTP/1.1\r\n" + SHAKE);
    world.app_heard();
    // The app decides at the very moment at which the peer has taken nothing for too long.
    let call = world.call();
    let mut script = world.probe.0.borrow_mut();
    script.acts.push(Box::new(move |net| {
        net.answer(call, Answer::Upgrade(Upgrade::new(9)))
    }));
    script.deadline = Some(Instant(world.now_ms + 30_100));
    drop(script);
    world.now_ms += 31_000;
    world.begin();
    world.turn();
    assert_eq!(world.end(id), Some(Effect::Reset(id)));
    assert_eq!(world.app_heard(), ["opened 9", "closed None"]);
}

#[test]
fn a_peer_is_stalled_only_while_something_waits_for_it() {
    let mut world = World::new();
    let id = world.open();
    for _ in 0..10 {
        world.pass(20);
        world.say(id, frame(10, b""));
    }
    world.wire(id).room = 0;
    world.act(move |net| {
        net.send(id, Message::Text("are you there?"));
    });
    world.pass(20);
    assert_eq!(world.end(id), None, "it was asked only now");
    world.pass(11);
    assert_eq!(world.end(id), Some(Effect::Reset(id)));
}

#[test]
fn what_waits_for_a_blocked_peer_holds_no_more_than_itself() {
    let mut world = World::new();
    let (blocked, busy) = (world.open(), world.open());
    world.wire(blocked).room = 0;
    for _ in 0..100 {
        world.act(move |net| {
            net.broadcast([blocked, busy], Message::Text("a word"));
            net.send(busy, Message::Binary(&[b'x'; 60_000]));
        });
    }
    let outbox = &world.engine.net().connections[blocked.slot()].outbox;
    assert_eq!(outbox.queued(), 800);
    assert!(outbox.pinned_bytes() <= 1600, "{}", outbox.pinned_bytes());
    world.take(blocked, ENOUGH);
    assert_eq!(world.hear(blocked).matches("a word").count(), 100);
}

#[test]
fn a_subprotocol_is_spoken_only_if_it_was_offered() {
    for (chosen, spoken) in [("b", true), ("c", false), ("", false)] {
        let mut world = World::new();
        let id = world.connect();
        let offer = "Sec-WebSocket-Protocol: a, b\r\n";
        world.say(
            id,
            format!("GET /chosen?{chosen} HTTP/1.1\r\n{offer}{SHAKE}"),
        );
        let said = world.hear(id);
        assert!(said.starts_with("HTTP/1.1 101"), "{said}");
        assert_eq!(
            said.contains("Sec-WebSocket-Protocol: b\r\n"),
            spoken,
            "{said}"
        );
        assert_eq!(said.contains("Sec-WebSocket-Protocol"), spoken, "{said}");
    }
}

#[test]
fn what_is_said_to_many_is_one_stretch_also_if_somebody_is_answered_in_between() {
    let mut world = World::new();
    let (asks, listens) = (world.open(), world.open());
    world.act(move |net| {
        for word in ["one", "two", "three"] {
            net.send(asks, Message::Text("ok"));
            net.broadcast([asks, listens], Message::Text(word));
        }
    });
    let all = "\u{fffd}\u{2}ok\u{fffd}\u{3}one\u{fffd}\u{2}ok\u{fffd}\u{3}two\u{fffd}\u{2}ok\u{fffd}\u{5}three";
    assert_eq!(world.hear(asks), all, "in order");
    assert_eq!(world.hear(listens).len(), "..one..two..three".len() + 2 * 3);
    assert_eq!(world.wire(listens).stretches, 1);
}

#[test]
fn an_upgrade_may_bring_fields_but_none_of_the_handshake() {
    let mut world = World::new();
    let id = world.connect();
    world.say(id, format!("GET /chosen HTTP/1.1\r\n{SHAKE}"));
    let said = world.hear(id);
    assert!(said.contains("\r\nSet-Cookie: a=b  X: y\r\n"), "{said}");
    assert!(!said.contains("mine"), "{said}");
}

#[test]
fn a_close_code_that_must_not_be_sent_becomes_an_error_of_ours() {
    for (code, said) in [
        (4001, 4001),
        (0, 1011),
        (999, 1011),
        (1005, 1011),
        (1006, 1011),
        (1015, 1011),
    ] {
        let mut world = World::new();
        let id = world.open();
        world.act(move |net| net.close(id, code, ""));
        let bytes = std::mem::take(&mut world.wire(id).said);
        assert_eq!(bytes[2..], u16::to_be_bytes(said), "{code}");
    }
}
