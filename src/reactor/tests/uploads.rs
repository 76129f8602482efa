//! # Bodies in pieces, by hand: handed on, held, answered early, cut short and given up

use super::*;

fn head(path: &str, fields: &str) -> String {
    format!("POST {path} HTTP/1.1\r\nHost: h\r\n{fields}\r\n\r\n")
}

/// An upload that has begun.
fn begun(fields: &str) -> (World, ConnId, Call) {
    let mut world = World::new();
    let id = world.connect();
    world.say(id, head("/upload", fields));
    let call = world.call();
    (world, id, call)
}

fn when_a_piece_comes(world: &World, act: impl FnOnce(&mut Net) + 'static) {
    world.probe.0.borrow_mut().on_body = Some(Box::new(act));
}

#[test]
fn a_body_is_handed_on_piece_by_piece_and_then_asked_about() {
    for (fields, pieces) in [
        ("Content-Length: 6", ["abc", "def"]),
        (
            "Transfer-Encoding: chunked",
            ["3\r\nabc\r\n", "3\r\ndef\r\n0\r\n\r\n"],
        ),
    ] {
        let (mut world, id, _) = begun(fields);
        assert!(world.app_heard().is_empty(), "{fields}");
        world.say(id, pieces[0]);
        assert_eq!(world.app_heard(), ["piece abc"], "{fields}");
        world.say(id, pieces[1].to_owned() + &get("/now"));
        let heard = world.app_heard();
        assert_eq!(
            heard,
            ["piece def", "asked /upload 0", "asked /now 0"],
            "{fields}"
        );
        assert_eq!(world.hear(id).matches("200 OK").count(), 2, "{fields}");
    }
}

#[test]
fn an_upload_is_invited_as_any_other() {
    let (mut world, id, _) = begun("Content-Length: 3\r\nExpect: 100-continue");
    assert_eq!(world.hear(id), "HTTP/1.1 100 Continue\r\n\r\n");
    let (mut world, id, _) = begun("Content-Length: 1001\r\nExpect: 100-continue");
    assert!(world.hear(id).starts_with("HTTP/1.1 413"));
    assert_eq!(world.app_heard(), ["aborted"]);
}

#[test]
fn an_upload_that_grows_too_long_is_refused_and_aborted() {
    let (mut world, id, _) = begun("Transfer-Encoding: chunked");
    world.say(id, "3\r\nabc\r\n");
    world.say(id, "3e6\r\nx");
    assert!(world.hear(id).starts_with("HTTP/1.1 413"));
    assert_eq!(world.app_heard(), ["piece abc", "aborted"]);
    world.finish(id);
    assert_eq!(world.end(id), Some(Effect::Close(id)));
    assert!(world.app_heard().is_empty());
}

#[test]
fn an_upload_that_comes_no_further_is_aborted_once() {
    type End = fn(&mut World, ConnId);
    let ends: [(&str, End); 4] = [
        ("400", |world, id| world.finish(id)),
        ("400", |world, id| world.say(id, "nonsense\r\n")),
        ("408", |world, _| world.pass(60)),
        ("", |world, id| {
            world.engine.failed(id);
            world.turn();
        }),
    ];
    for (status, end) in ends {
        let (mut world, id, _) = begun("Transfer-Encoding: chunked");
        world.say(id, "3\r\nabc\r\n");
        end(&mut world, id);
        assert_eq!(world.app_heard(), ["piece abc", "aborted"], "{status}");
        assert_eq!(world.hear(id).get(9..12).unwrap_or_default(), status);
        world.engine.failed(id);
        world.turn();
        assert!(world.app_heard().is_empty(), "{status}");
    }
}

#[test]
fn what_is_held_is_neither_read_nor_handed_on_until_it_is_resumed() {
    let (mut world, id, call) = begun("Content-Length: 9");
    when_a_piece_comes(&world, move |net| net.pause(call));
    world.say(id, "abc");
    assert!(!world.wire(id).wanted);
    // What the driver had read already is kept.
    world.say(id, "def");
    assert_eq!(world.app_heard(), ["piece abc"]);
    when_a_piece_comes(&world, move |net| net.pause(call));
    world.act(move |net| net.resume(call));
    assert_eq!(world.app_heard(), ["piece def"]);
    assert!(!world.wire(id).wanted);
    world.act(move |net| net.resume(call));
    assert!(world.wire(id).wanted && world.app_heard().is_empty());
    world.say(id, "ghi");
    assert_eq!(world.app_heard(), ["piece ghi", "asked /upload 0"]);
    assert!(world.hear(id).ends_with("now"));
}

#[test]
fn a_body_that_is_held_at_its_last_piece_is_over_when_it_is_resumed() {
    let (mut world, id, call) = begun("Content-Length: 3");
    when_a_piece_comes(&world, move |net| net.pause(call));
    world.say(id, "abc");
    world.finish(id);
    assert_eq!(world.app_heard(), ["piece abc"]);
    world.act(move |net| net.resume(call));
    assert_eq!(world.app_heard(), ["asked /upload 0"]);
    assert!(world.hear(id).ends_with("now"));
    assert_eq!(world.end(id), Some(Effect::Close(id)));
}

#[test]
fn a_body_may_be_held_before_its_first_piece() {
    let mut world = World::new();
    let id = world.connect();
    let probe = world.probe.clone();
    world.probe.0.borrow_mut().on_reception = Some(Box::new(move |net| {
        let call = *probe.0.borrow().calls.last().unwrap();
        net.pause(call);
    }));
    world.say(id, head("/upload", "Content-Length: 3") + "abc");
    assert!(world.app_heard().is_empty() && !world.wire(id).wanted);
    let call = world.call();
    world.act(move |net| net.resume(call));
    assert_eq!(world.app_heard(), ["piece abc", "asked /upload 0"]);
}

#[test]
fn the_time_in_which_a_body_is_held_is_not_the_peers() {
    let (mut world, id, call) = begun("Content-Length: 100");
    for _ in 0..3 {
        world.pass(8);
        world.say(id, "x");
        world.act(move |net| net.pause(call));
        world.pass(1000);
        assert_eq!(world.hear(id), "");
        world.act(move |net| net.resume(call));
    }
    world.pass(5);
    assert_eq!(world.hear(id), "", "it has been its turn for 29 seconds");
    world.say(id, "x");
    world.pass(2);
    assert!(world.hear(id).starts_with("HTTP/1.1 408"));
}

#[test]
fn whoever_is_gone_while_its_body_is_held_aborts_it() {
    let (mut world, id, call) = begun("Content-Length: 100");
    world.act(move |net| net.pause(call));
    world.engine.failed(id);
    world.turn();
    assert_eq!(world.app_heard(), ["aborted"]);
    world.act(move |net| net.resume(call));
    assert!(world.app_heard().is_empty());
}

#[test]
fn an_answer_before_the_end_of_a_body_is_the_last() {
    let (mut world, id, call) = begun("Content-Length: 9");
    when_a_piece_comes(&world, move |net| {
        net.answer(call, Response::text("enough").into());
    });
    world.say(id, "abcdef");
    assert_eq!(world.app_heard(), ["piece abcdef"]);
    let said = world.hear(id);
    assert!(
        said.contains("Connection: close") && said.ends_with("enough"),
        "{said}"
    );
    world.say(id, "ghi".to_owned() + &get("/now"));
    world.finish(id);
    assert_eq!(world.end(id), Some(Effect::Close(id)));
    assert!(world.app_heard().is_empty() && world.hear(id).is_empty());
}

#[test]
fn what_is_aborted_is_reset_and_heard_of_no_more() {
    for path in ["/later", "/stream", "/upload"] {
        let mut world = World::new();
        let id = world.connect();
        world.say(id, head(path, "Content-Length: 1"));
        if path != "/upload" {
            world.say(id, "x");
        }
        world.app_heard();
        world.hear(id);
        let call = world.call();
        world.act(move |net| {
            net.write(call, b"begun");
            net.abort(call);
            assert_eq!(net.write(call, b"and on"), Sent::Gone);
            net.end(call, &[]);
            net.answer(call, Response::text("late").into());
            net.abort(call);
        });
        assert_eq!(world.end(id), Some(Effect::Reset(id)), "{path}");
        assert_eq!(world.hear(id), "", "{path}");
        assert!(world.app_heard().is_empty(), "{path}");
    }
}

#[test]
fn a_stream_that_is_aborted_as_it_begins_is_not_told_of_room() {
    let mut world = World::new();
    let id = world.connect();
    world.say(id, get("/later"));
    world.app_heard();
    let call = world.call();
    world.act(move |net| {
        net.answer(call, Response::text("").stream(None).into());
        net.abort(call);
    });
    assert_eq!(world.end(id), Some(Effect::Reset(id)));
    assert!(world.app_heard().is_empty());
}

#[test]
fn a_decision_on_an_upgrade_may_be_aborted() {
    let mut world = World::new();
    let id = world.connect();
    world.say(id, format!("GET /later HTTP/1.1\r\n{SHAKE}"));
    world.app_heard();
    let call = world.call();
    world.act(move |net| net.abort(call));
    assert_eq!(world.end(id), Some(Effect::Reset(id)));
    assert!(world.app_heard().is_empty());
}

#[test]
fn what_is_aborted_while_it_is_handled_is_over_whatever_the_handler_says() {
    for path in ["/upload", "/unwanted", "/now"] {
        let mut world = World::new();
        let id = world.connect();
        let probe = world.probe.clone();
        world.probe.0.borrow_mut().on_reception = Some(Box::new(move |net| {
            let call = *probe.0.borrow().calls.last().unwrap();
            net.abort(call);
        }));
        world.say(id, head(path, "Content-Length: 3") + "abc" + &get("/now"));
        assert_eq!(world.end(id), Some(Effect::Reset(id)), "{path}");
        assert!(
            world.app_heard().is_empty() && world.hear(id).is_empty(),
            "{path}"
        );
    }
}

#[test]
fn what_is_aborted_while_it_is_asked_is_over_whatever_is_answered() {
    for path in ["/now", "/stream", "/later", "/ws"] {
        let mut world = World::new();
        let id = world.connect();
        world.probe.0.borrow_mut().aborts = true;
        world.say(id, format!("GET {path} HTTP/1.1\r\n{SHAKE}"));
        assert_eq!(world.end(id), Some(Effect::Reset(id)), "{path}");
        assert_eq!(world.app_heard(), [format!("asked {path} 0")]);
        assert_eq!(world.hear(id), "", "{path}");
    }
}

#[test]
fn a_whole_answer_cannot_be_aborted() {
    let mut world = World::new();
    let id = world.connect();
    world.say(id, get("/now"));
    let call = world.call();
    world.act(move |net| net.abort(call));
    assert_eq!(world.end(id), None);
    world.say(id, get("/now"));
    assert_eq!(world.hear(id).matches("200 OK").count(), 2);
}
