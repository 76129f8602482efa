//! # Peers who speak bytes as they are

use super::*;

#[test]
fn what_comes_is_told_as_it_came_and_what_is_said_leaves_as_it_is() {
    let mut world = World::new();
    let id = world.connect_plain();
    world.say(id, "GET / HT");
    world.say(id, "TP/1.1\r\n\r\n");
    world.act(move |net| {
        assert_eq!(net.send(id, Message::Binary(b"\x04\0\0\x01")), Sent::Queued);
        assert_eq!(net.send(id, Message::Binary(b"")), Sent::Queued);
        assert_eq!(net.send(id, Message::Text("x")), Sent::Queued);
    });
    assert_eq!(world.hear(id), "\u{4}\0\0\u{1}x");
    world.finish(id);
    let heard = [
        "connected",
        "message GET / HT",
        "message TP/1.1\r\n\r\n",
        "closed None",
    ];
    assert_eq!(world.app_heard(), heard);
    assert_eq!(world.end(id), Some(Effect::Close(id)));
}

#[test]
fn a_broadcast_reaches_both_kinds_of_peers() {
    let mut world = World::new();
    let (plain, other, socket) = (world.connect_plain(), world.connect_plain(), world.open());
    world.act(move |net| {
        net.broadcast([plain, socket, other], Message::Binary(b""));
        net.broadcast([plain, socket, other], Message::Binary(b"abc"));
    });
    assert_eq!(world.hear(plain), "abc");
    assert_eq!(world.hear(other), "abc");
    assert!(world.hear(socket).ends_with("\u{3}abc"), "in a frame");
}

#[test]
fn an_app_ends_it_behind_what_it_said_and_hears_of_that_once() {
    let mut world = World::new();
    let id = world.connect_plain();
    world.app_heard();
    world.act(move |net| {
        net.send(id, Message::Binary(b"bye"));
        net.close(id, 1000, "");
        net.close(id, 1000, "");
        assert_eq!(net.send(id, Message::Binary(b"late")), Sent::Gone);
        net.broadcast([id], Message::Binary(b"late"));
    });
    assert_eq!(world.hear(id), "bye");
    assert_eq!(world.app_heard(), ["closed None"]);
    assert!(world.wire(id).shut);
    world.say(id, "whatever");
    world.finish(id);
    assert!(world.app_heard().is_empty());
    assert!(world.end(id).is_some());
}

#[test]
fn who_takes_too_little_is_cut_off_and_who_takes_nothing_is_reset() {
    let settings = Settings {
        outbox_bytes_max: 1000,
        ..Settings::default()
    };
    let mut world = World::with(settings);
    let (slow, stuck) = (world.connect_plain(), world.connect_plain());
    for id in [slow, stuck] {
        world.wire(id).room = 0;
    }
    world.app_heard();
    world.act(move |net| {
        net.send(slow, Message::Binary(&[b'x'; 900]));
        assert_eq!(net.send(slow, Message::Binary(&[b'y'; 900])), Sent::Gone);
        net.send(stuck, Message::Binary(b"z"));
        assert_eq!(net.cut_off(), 1);
    });
    assert_eq!(world.app_heard(), ["closed None"]);
    world.take(slow, ENOUGH);
    assert_eq!(world.hear(slow).len(), 900, "what was queued still leaves");
    world.pass(31);
    assert_eq!(world.end(stuck), Some(Effect::Reset(stuck)));
    assert_eq!(world.app_heard(), ["closed None"]);
}

#[test]
fn silence_is_for_the_app_to_judge_and_a_shutdown_ends_it() {
    let mut world = World::new();
    let id = world.connect_plain();
    world.pass(100_000);
    assert_eq!(world.app_heard(), ["connected"]);
    world.engine.shut_down();
    world.turn();
    assert_eq!(world.app_heard(), ["stopping", "closed None"]);
    world.finish(id);
    assert!(world.end(id).is_some());
    assert_eq!(world.engine.net().connections(), 0);
}
