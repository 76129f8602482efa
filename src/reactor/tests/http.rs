//! # HTTP, by hand: answers at once, later and in pieces, and how long who may take

use super::*;

#[test]
fn an_answer_that_misses_a_piece_is_never_taken_for_whole() {
    for fields in ["", "Connection: close\r\n"] {
        let mut world = World::new();
        let id = world.connect();
        world.say(
            id,
            format!("GET /stream HTTP/1.1\r\nHost: h\r\n{fields}\r\n"),
        );
        world.hear(id);
        let call = world.call();
        // An app that does not look at what becomes of its words.
        world.act(move |net| {
            net.write(call, &[b'1'; 1 << 19]);
            assert_eq!(net.write(call, &[b'2'; 1 << 20]), Sent::Gone);
            net.write(call, b"3");
            net.end(call, &[]);
        });
        assert_eq!(world.end(id), Some(Effect::Reset(id)), "{fields}");
        assert_eq!(world.hear(id), "", "{fields}");
    }
}

#[test]
fn a_later_answer_holds_back_the_requests_behind_it() {
    let mut world = World::new();
    let id = world.connect();
    world.say(id, get("/later") + &get("/now"));
    assert_eq!(world.app_heard(), ["asked /later 0"]);
    assert!(!world.wire(id).wanted && world.hear(id).is_empty());
    let call = world.call();
    world.act(move |net| net.answer(call, Response::text("later").into()));
    assert_eq!(world.app_heard(), ["asked /now 0"]);
    let said = world.hear(id);
    assert!(
        said.find("later").unwrap() < said.find("now").unwrap(),
        "{said}"
    );
    assert!(world.wire(id).wanted);
    world.act(move |net| net.answer(call, Response::text("again").into()));
    assert_eq!(world.hear(id), "", "each is answered once");
}

#[test]
fn a_stream_goes_on_as_fast_as_it_is_taken() {
    let mut world = World::new();
    let id = world.connect();
    world.say(id, get("/stream"));
    assert_eq!(world.app_heard(), ["asked /stream 0", "drained"]);
    world.wire(id).room = 1000;
    let call = world.call();
    world.act(move |net| {
        assert_eq!(net.write(call, &[b'x'; 100_000]), Sent::Full);
    });
    world.take(id, 50_000);
    assert!(world.app_heard().is_empty(), "there is no room yet");
    world.take(id, ENOUGH);
    assert_eq!(world.app_heard(), ["drained"]);
    world.act(move |net| net.end(call, &[]));
    assert!(world.hear(id).ends_with("\r\n0\r\n\r\n"));
    world.say(id, get("/now"));
    assert!(world.hear(id).ends_with("now"));
}

#[test]
fn a_peer_that_is_gone_aborts_what_waits_for_it_once() {
    for path in ["/later", "/stream"] {
        let mut world = World::new();
        let id = world.connect();
        world.say(id, get(path));
        world.app_heard();
        world.engine.failed(id);
        world.engine.failed(id);
        world.turn();
        assert_eq!(world.app_heard(), ["aborted"], "{path}");
        assert_eq!(world.end(id), Some(Effect::Close(id)));
    }
}

#[test]
fn a_peer_that_has_ended_still_gets_its_later_answer() {
    let mut world = World::new();
    let id = world.connect();
    world.say(id, get("/later"));
    world.finish(id);
    assert_eq!(world.end(id), None);
    let call = world.call();
    world.act(move |net| net.answer(call, Response::text("later").into()));
    assert!(world.hear(id).ends_with("later"));
    assert_eq!(world.end(id), Some(Effect::Close(id)));
}

#[test]
fn a_head_has_a_total_deadline_however_it_trickles() {
    let mut world = World::new();
    let id = world.connect();
    for byte in get("/a-long-path").as_bytes().iter().take(11) {
        world.say(id, [*byte]);
        world.pass(1);
    }
    assert!(world.hear(id).starts_with("HTTP/1.1 408"));
    world.finish(id);
    assert_eq!(world.end(id), Some(Effect::Close(id)));
}

#[test]
fn a_body_must_come_at_its_rate() {
    let mut world = World::new();
    let id = world.connect();
    world.say(
        id,
        "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 100000\r\n\r\n",
    );
    for _ in 0..6 {
        world.pass(5);
        assert_eq!(world.hear(id), "");
        world.say(id, [b'x'; 10]);
    }
    world.pass(1);
    assert!(world.hear(id).starts_with("HTTP/1.1 408"));
}

#[test]
fn a_connection_between_requests_ends_without_a_word() {
    let mut world = World::new();
    let id = world.connect();
    world.say(id, get("/now"));
    world.hear(id);
    world.pass(59);
    assert_eq!(world.end(id), None);
    world.pass(2);
    assert_eq!(
        (world.end(id), world.hear(id)),
        (Some(Effect::Close(id)), String::new())
    );
}

#[test]
fn pipelined_large_answers_pause_and_go_on() {
    let mut world = World::new();
    let id = world.connect();
    world.wire(id).room = 10;
    world.say(id, get("/large").repeat(5));
    assert_eq!(world.app_heard().len(), 1, "one fills the outbox");
    assert!(!world.wire(id).wanted);
    for _ in 0..10 {
        world.take(id, 70_000);
    }
    assert_eq!(world.app_heard().len(), 4);
    assert_eq!(world.hear(id).matches("HTTP/1.1 200 OK").count(), 5);
    assert!(world.wire(id).wanted);
}

#[test]
fn a_peer_that_takes_nothing_is_cut_off() {
    let mut world = World::new();
    let id = world.connect();
    world.wire(id).room = 10;
    world.say(id, get("/large"));
    world.pass(29);
    assert_eq!(world.end(id), None);
    world.pass(2);
    assert_eq!(world.end(id), Some(Effect::Reset(id)));
}

#[test]
fn a_last_answer_takes_as_long_as_its_reader_needs() {
    let mut world = World::new();
    let id = world.connect();
    world.wire(id).room = 10_000;
    world.say(
        id,
        "GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    );
    for _ in 0..9 {
        world.pass(9);
        assert_eq!(world.end(id), None);
        world.take(id, 10_000);
    }
    world.take(id, 10_000);
    assert!(world.wire(id).shut && world.hear(id).len() > 100_000);
}

#[test]
fn a_peer_that_says_nothing_at_all_has_the_time_of_a_head() {
    let mut world = World::new();
    let id = world.connect();
    world.pass(11);
    assert_eq!(
        (world.end(id), world.hear(id)),
        (Some(Effect::Close(id)), String::new())
    );
}

#[test]
fn a_peer_that_ends_behind_a_large_last_answer_is_let_go_at_once() {
    let mut world = World::new();
    let id = world.connect();
    world.say(
        id,
        "GET /large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n",
    );
    assert!(world.wire(id).shut && world.wire(id).wanted);
    world.finish(id);
    assert_eq!(world.end(id), Some(Effect::Close(id)));
}

#[test]
fn a_stream_for_a_head_is_told_once_that_nobody_takes_it() {
    let mut world = World::new();
    let id = world.connect();
    let gone = Rc::new(RefCell::new(None));
    let seen = Rc::clone(&gone);
    world.probe.0.borrow_mut().on_drained = Some(Box::new(move |_| *seen.borrow_mut() = Some(())));
    world.say(id, "HEAD /stream HTTP/1.1\r\nHost: h\r\n\r\n");
    assert_eq!(world.app_heard(), ["asked /stream 0", "drained"]);
    let call = world.call();
    world.act(move |net| assert_eq!(net.write(call, b"x"), Sent::Gone));
    assert!(gone.borrow().is_some());
    world.say(id, get("/now"));
    assert!(world.hear(id).ends_with("now"));
}

#[test]
fn a_peer_that_talks_on_behind_the_last_word_is_heard_for_so_long_and_no_longer() {
    let refused = || {
        let mut world = World::new();
        let id = world.connect();
        world.say(id, "nonsense\r\n\r\n");
        assert!(world.hear(id).starts_with("HTTP/1.1 400") && world.wire(id).shut);
        (world, id)
    };
    let (mut world, id) = refused();
    for _ in 0..4 {
        world.pass(1);
        world.say(id, "and on");
        assert_eq!(world.end(id), None);
    }
    world.pass(2);
    assert_eq!(
        world.end(id),
        Some(Effect::Close(id)),
        "for no longer than a close may take"
    );
    let (mut world, id) = refused();
    world.pass(3);
    assert_eq!(world.end(id), Some(Effect::Close(id)), "nor in silence");
    let (mut world, id) = refused();
    world.say(id, vec![b'x'; (1 << 20) + 1]);
    assert_eq!(
        world.end(id),
        Some(Effect::Close(id)),
        "nor for more than a mebibyte"
    );
}

#[test]
fn many_streams_are_written_to_at_once_each_in_its_framing() {
    let mut world = World::new();
    let requests = [
        get("/stream"),
        "GET /stream HTTP/1.0\r\n\r\n".to_owned(),
        get("/later"),
    ];
    let mut calls = Vec::new();
    for request in requests {
        let id = world.connect();
        world.say(id, request);
        calls.push(world.call());
    }
    for &Call { id, .. } in &calls {
        world.hear(id);
    }
    let to = calls.clone();
    world.act(move |net| {
        assert_eq!(
            net.write_all(to.iter().copied(), b"news"),
            2,
            "the third has not begun"
        );
        assert_eq!(net.write_all(to.iter().copied(), b""), 2);
        assert_eq!(net.write_all(to, b"more"), 2);
    });
    let heard: Vec<String> = calls.iter().map(|call| world.hear(call.id)).collect();
    assert_eq!(heard, ["4\r\nnews\r\n4\r\nmore\r\n", "newsmore", ""]);
}

#[test]
fn a_slow_reader_of_many_is_cut_off_and_the_others_read_on() {
    let mut world = World::new();
    let (slow, busy) = (world.connect(), world.connect());
    let mut calls = Vec::new();
    for id in [slow, busy] {
        world.say(id, get("/stream"));
        world.hear(id);
        calls.push(world.call());
    }
    world.app_heard();
    world.wire(slow).room = 0;
    let (to, rest) = (calls.clone(), calls);
    world.act(move |net| assert_eq!(net.write_all(to, &[b'1'; 1 << 20]), 2));
    assert_eq!(
        world.app_heard(),
        ["drained"],
        "there is room for the one who reads"
    );
    world.act(move |net| assert_eq!(net.write_all(rest, b"2"), 1));
    assert_eq!(world.app_heard(), ["aborted"]);
    assert_eq!(world.end(slow), Some(Effect::Reset(slow)));
    assert!(world.hear(busy).ends_with("1\r\n2\r\n"));
}

#[test]
fn an_app_that_owes_an_answer_hears_that_its_peer_has_hung_up() {
    for (path, told) in [("/later", true), ("/stream", true), ("/now", false)] {
        let mut world = World::new();
        let id = world.connect();
        world.say(id, get(path));
        world.app_heard();
        world.engine.hung_up(id);
        let wanted: &[&str] = if told { &["hung up"] } else { &[] };
        assert_eq!(world.app_heard(), wanted, "{path}");
    }
}

#[test]
fn a_stream_that_was_not_told_to_wait_has_one_piece_taken_however_large() {
    let mut world = World::with(Settings {
        outbox_bytes_max: 4000,
        pause_bytes: 1000,
        ..Settings::default()
    });
    let id = world.connect();
    world.say(id, get("/stream"));
    let call = world.call();
    world.app_heard();
    world.wire(id).room = 0;
    world.act(move |net| {
        assert_eq!(net.write(call, &[b'a'; 100]), Sent::Queued);
        assert_eq!(net.write(call, &[b'b'; 9000]), Sent::Full);
    });
    world.take(id, ENOUGH);
    assert_eq!(world.app_heard(), ["drained"]);
    world.wire(id).room = 0;
    world.act(move |net| {
        assert_eq!(net.write(call, &[b'c'; 1000]), Sent::Full);
        assert_eq!(net.write(call, &[b'd'; 9000]), Sent::Gone, "it was told");
    });
    assert_eq!(world.app_heard(), ["aborted"]);
    assert_eq!(world.end(id), Some(Effect::Reset(id)));
}
