//! # WebSockets whose input waits, by hand

use super::*;

fn texts(texts: &[&str]) -> Vec<u8> {
    let frames = texts.iter().map(|text| frame(1, text.as_bytes()));
    frames.collect::<Vec<_>>().concat()
}

#[test]
fn what_is_held_waits_and_comes_in_order() {
    let mut world = World::new();
    let id = world.open();
    world.app_heard();
    let mut bytes = texts(&["a", "hold", "b", "hold"]);
    bytes.extend(&texts(&["c", "d"])[..9]);
    world.say(id, bytes);
    assert_eq!(world.app_heard(), ["message a", "message hold"]);
    assert!(!world.wire(id).wanted);
    world.say(id, &texts(&["d"])[2..]);
    assert!(!world.wire(id).wanted);
    assert!(world.app_heard().is_empty());
    world.act(move |net| {
        assert_eq!(net.send(id, Message::Text("still spoken to")), Sent::Queued);
        net.release_input(id);
    });
    assert_eq!(world.app_heard(), ["message b", "message hold"]);
    assert!(!world.wire(id).wanted, "it is held again");
    world.act(move |net| net.release_input(id));
    assert_eq!(world.app_heard(), ["message c", "message d"]);
    assert!(world.wire(id).wanted);
    world.act(move |net| {
        net.hold_input(id);
        net.release_input(id);
        net.release_input(id);
    });
    assert!(world.wire(id).wanted);
}

#[test]
fn no_deadline_runs_against_whoever_is_held() {
    for path in ["/ws", "/beats"] {
        let mut world = World::new();
        let id = world.open_at(path, "");
        world.pass(29);
        world.act(move |net| assert!(net.hold_input(id)));
        world.app_heard();
        world.pass(300);
        assert!(world.app_heard().is_empty());
        assert_eq!(world.end(id), None, "{path}");
        assert!(world.hear(id).len() > 20, "it is asked, and not judged");
        world.act(move |net| net.release_input(id));
        world.pass(18);
        assert_eq!(world.end(id), None, "{path}");
        world.pass(60);
        assert_eq!(world.end(id), Some(Effect::Reset(id)), "{path}");
    }
}

#[test]
fn the_end_of_whoever_is_held_is_heard_when_it_is_released() {
    let mut world = World::new();
    let id = world.open();
    world.app_heard();
    world.say(id, texts(&["hold", "last"]));
    world.finish(id);
    assert_eq!(world.app_heard(), ["message hold"]);
    world.act(move |net| net.release_input(id));
    assert_eq!(world.app_heard(), ["message last", "closed None"]);
    assert_eq!(world.end(id), Some(Effect::Close(id)));
}

#[test]
fn a_close_releases_what_is_held() {
    let mut world = World::new();
    let id = world.open();
    world.app_heard();
    world.say(id, texts(&["hold"]));
    world.say(id, frame(8, &[0x0f, 0xa1]));
    world.act(move |net| net.close(id, 4001, "signed out"));
    assert_eq!(world.app_heard(), ["message hold", "closed Some(4001)"]);
    assert!(world.wire(id).shut);
    world.act(move |net| assert!(!net.hold_input(id), "it is over"));
}
