//! # Heartbeats that a page can hear, by hand

use super::*;

const BEAT: &str = "\u{fffd}\u{2}{}";

#[test]
fn who_is_quiet_is_said_a_text_and_lives_as_long_as_it_says_anything() {
    let mut world = World::new();
    let id = world.open_at("/beats", "");
    for answer in [frame(1, b"{}"), frame(10, b""), frame(1, b"{}")] {
        world.pass(14);
        assert_eq!(world.hear(id), "", "not yet");
        world.pass(7);
        assert_eq!(world.hear(id), BEAT, "and no ping");
        world.say(id, answer);
    }
    world.say(id, frame(9, b"?"));
    assert_eq!(world.hear(id), "\u{fffd}\u{1}?", "pings are answered");
    assert_eq!(world.end(id), None);
}

#[test]
fn who_answers_neither_of_two_is_closed_behind_the_last_word_of_the_app() {
    let mut world = World::new();
    let id = world.open_at("/beats", "");
    world.app_heard();
    world.pass(44);
    assert_eq!(world.hear(id), format!("{BEAT}{BEAT}"));
    assert!(world.app_heard().is_empty(), "the second is not due yet");
    world.pass(20);
    assert_eq!(world.app_heard(), ["unanswered"]);
    let said = std::mem::take(&mut world.wire(id).said);
    assert!(said.starts_with(b"\x81\x03bye\x88"));
    assert_eq!(said[7..9], 4008_u16.to_be_bytes());
    world.pass(6);
    assert_eq!(world.end(id), Some(Effect::Reset(id)), "not even the close");
    assert_eq!(world.app_heard(), ["closed None"]);
}

#[test]
fn what_is_said_anyway_needs_no_heartbeat_but_who_only_listens_is_asked() {
    let mut world = World::new();
    let (speaks, listens) = (world.open_at("/beats", ""), world.open_at("/beats", ""));
    for _ in 0..4 {
        world.act(move |net| net.broadcast([speaks, listens], Message::Text("news")));
        world.say(speaks, frame(1, b"yes"));
        world.pass(14);
    }
    assert_eq!(world.hear(speaks).matches(BEAT).count(), 0);
    assert_eq!(world.hear(listens).matches(BEAT).count(), 2);
    for _ in 0..2 {
        world.act(move |net| net.broadcast([speaks, listens], Message::Text("news")));
        world.say(speaks, frame(1, b"yes"));
        world.pass(14);
    }
    assert!(world.app_heard().contains(&"unanswered".to_owned()));
    assert_eq!(world.end(speaks), None);
    assert_eq!(world.hear(speaks).matches(BEAT).count(), 0);
}

#[test]
fn heartbeats_are_spread() {
    let mut world = World::new();
    let ids: Vec<ConnId> = (0..32).map(|_| world.open_at("/beats", "")).collect();
    let mut beats = Vec::new();
    for _ in 0..21 {
        world.pass(1);
        let heard = ids.iter().filter(|id| world.wire(**id).said.len() > 2);
        beats.push(heard.count());
    }
    assert_eq!(beats[..14], [0; 14], "{beats:?}");
    assert!(beats[15..20].is_sorted_by(|a, b| a < b), "{beats:?}");
    assert_eq!(beats[20], 32, "{beats:?}");
}

#[test]
fn whoever_is_blocked_has_something_to_hear_already() {
    let mut world = World::new();
    let id = world.open_at("/beats", "");
    world.wire(id).room = 0;
    world.act(move |net| {
        net.send(id, Message::Binary(&[b'x'; 5000]));
    });
    for _ in 0..4 {
        world.pass(25);
        world.take(id, 1000);
        assert_eq!(world.end(id), None);
    }
    world.take(id, ENOUGH);
    let said = std::mem::take(&mut world.wire(id).said);
    assert_eq!(said.len(), 4 + 5000, "no heartbeat: {:?}", &said[4980..]);
    world.pass(21);
    assert_eq!(world.hear(id), BEAT);
}
