//! # Readers that fall behind, by hand

use std::cell::Cell;

use super::*;
use crate::ground::seed::Seed;
use crate::ws::{Deflate, DeflatePolicy, Event, Limits, Role, Session, Step};

const KIB: usize = 1 << 10;

/// A budget of 4 KiB; at 1 KiB nothing more is read; below 512 bytes a deaf reader is fed.
fn small() -> Settings {
    Settings {
        outbox_bytes_max: 4 * KIB,
        pause_bytes: KIB,
        ..Settings::default()
    }
}

fn of(number: u64) -> Vec<u8> {
    let mut message = vec![b'.'; KIB];
    message[..8].copy_from_slice(format!("{number:08}").as_bytes());
    message
}

fn say_to_all(net: &mut Net, ids: &[ConnId], numbers: std::ops::Range<u64>) {
    for number in numbers {
        let ids = ids.iter().copied();
        net.broadcast_numbered(ids, Message::Binary(&of(number)), number);
    }
}

/// The numbers of what a reader was sent.
fn heard(world: &mut World, id: ConnId) -> Vec<u64> {
    let said = world.hear(id);
    let numbers = said.split(|it: char| !it.is_ascii_digit());
    numbers.filter_map(|it| it.parse().ok()).collect()
}

#[test]
fn who_may_fall_behind_misses_all_from_one_broadcast_on() {
    let mut world = World::with(small());
    let (slow, quick) = (world.open_at("/patient", ""), world.open());
    world.app_heard();
    world.wire(slow).room = 0;
    world.act(move |net| {
        say_to_all(net, &[slow, quick], 1..4);
    });
    world.act(move |net| {
        say_to_all(net, &[slow, quick], 4..5);
        assert!(!net.hear(slow), "the app does not know yet what it missed");
        net.broadcast_numbered([slow], Message::Text("small"), 5);
    });
    assert_eq!(world.app_heard(), ["missed 4"], "once");
    world.act(move |net| say_to_all(net, &[slow, quick], 5..8));
    assert!(world.app_heard().is_empty(), "once");
    assert_eq!(heard(&mut world, quick), [1, 2, 3, 4, 5, 6, 7]);
    world.act(move |net| {
        assert_eq!(net.send(slow, Message::Text("00000077")), Sent::Full);
        say_to_all(net, &[slow, quick], 9..10);
    });
    world.take(slow, 2 * KIB);
    assert!(world.app_heard().is_empty(), "it took something, not most");
    world.take(slow, ENOUGH);
    assert_eq!(world.app_heard(), ["has room"]);
    assert_eq!(heard(&mut world, slow), [1, 2, 3, 77]);
    world.act(move |net| {
        assert_eq!(net.send(slow, Message::Text("now")), Sent::Queued);
        let large = [b'x'; 20 * KIB];
        assert_eq!(net.send(slow, Message::Binary(&large)), Sent::Full);
    });
    assert_eq!(world.app_heard(), ["has room"]);
    assert!(heard(&mut world, slow).is_empty());
    world.act(move |net| {
        assert_eq!(net.send(slow, Message::Binary(&of(4))), Sent::Full);
        assert!(net.hear(slow));
        say_to_all(net, &[slow], 10..11);
    });
    assert_eq!(heard(&mut world, slow), [4, 10]);
    assert!(world.app_heard().is_empty(), "who hears is not fed");
    assert_eq!(world.engine.net().cut_off(), 0);
}

#[test]
fn who_is_fed_whenever_there_is_room_gets_everything_once_and_in_order() {
    let mut world = World::with(small());
    let slow = world.open_at("/patient", "");
    world.wire(slow).room = 0;
    let next = Rc::new(Cell::new(4));
    let fed = Rc::clone(&next);
    world.probe.0.borrow_mut().feed = Some(Rc::new(move |id, net| {
        while fed.get() < 40 {
            let sent = net.send(id, Message::Binary(&of(fed.get())));
            fed.set(fed.get() + 1);
            if sent != Sent::Queued {
                return;
            }
        }
        assert!(net.hear(id));
    }));
    world.act(move |net| say_to_all(net, &[slow], 1..40));
    for _ in 0..100 {
        world.take(slow, 700);
        assert!(world.engine.net().queued_bytes(slow) < 6 * KIB);
    }
    world.act(move |net| say_to_all(net, &[slow], 40..41));
    world.take(slow, ENOUGH);
    assert_eq!(heard(&mut world, slow), (1..41).collect::<Vec<u64>>());
}

#[test]
fn an_app_may_have_a_reader_miss_everything_from_the_beginning() {
    let mut world = World::with(small());
    let id = world.open();
    world.act(move |net| {
        assert!(net.deafen(id) && net.deafen(id));
        say_to_all(net, &[id], 1..3);
        assert_eq!(net.send(id, Message::Text("00000007")), Sent::Queued);
    });
    assert_eq!(heard(&mut world, id), [7]);
    world.act(move |net| {
        assert!(net.hear(id) && net.hear(id));
        say_to_all(net, &[id], 3..4);
    });
    assert_eq!(heard(&mut world, id), [3]);
    world.say(id, frame(8, &[0x03, 0xe8]));
    world.act(move |net| assert!(!net.deafen(id) && !net.hear(id), "it is gone"));
    assert_eq!(
        world.app_heard(),
        ["asked /ws 0", "opened 7", "closed Some(1000)"]
    );
}

#[test]
fn what_is_said_to_one_who_may_fall_behind_is_bounded_too() {
    let mut world = World::with(small());
    let id = world.open_at("/patient", "");
    world.app_heard();
    world.wire(id).room = 0;
    world.act(move |net| {
        for number in 1..8 {
            assert_eq!(net.send(id, Message::Binary(&of(number))), Sent::Queued);
        }
        assert_eq!(net.send(id, Message::Binary(&of(8))), Sent::Gone);
    });
    assert_eq!(world.app_heard(), ["closed None"]);
    assert_eq!(world.engine.net().cut_off(), 1);
    world.take(id, ENOUGH);
    assert!(world.hear(id).contains("too slow"));
}

#[test]
fn a_reader_that_ends_is_not_said_to_have_fallen_behind() {
    let mut world = World::with(small());
    let id = world.open_at("/patient", "");
    world.app_heard();
    world.wire(id).room = 0;
    world.act(move |net| {
        say_to_all(net, &[id], 1..9);
        net.close(id, 4001, "signed out");
    });
    world.take(id, ENOUGH);
    assert_eq!(heard(&mut world, id).last(), Some(&3));
    world.say(id, frame(8, &[0x0f, 0xa1]));
    assert_eq!(world.app_heard(), ["closed Some(4001)"]);
}

#[test]
fn a_deaf_reader_that_takes_nothing_is_reset() {
    let mut world = World::with(small());
    let id = world.open_at("/patient", "");
    world.wire(id).room = 0;
    world.act(move |net| say_to_all(net, &[id], 1..9));
    world.app_heard();
    world.pass(29);
    assert_eq!(world.end(id), None);
    world.pass(2);
    assert_eq!(world.end(id), Some(Effect::Reset(id)));
    assert_eq!(world.app_heard(), ["closed None"]);
}

/// What is missed was not compressed either: what comes next does not refer to it.
#[test]
fn a_compressor_of_its_own_knows_nothing_of_what_its_reader_missed() {
    let policy = DeflatePolicy {
        bytes_min: 16,
        context_takeover: true,
        ..DeflatePolicy::default()
    };
    let mut world = World::with(Settings {
        deflate: policy,
        ..small()
    });
    let offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";
    let id = world.open_at("/patient", offer);
    world.wire(id).room = 0;
    let noise = |number: u64| {
        let mut seed = Seed::new(number);
        (0..KIB).map(|_| seed.bits() as u8).collect::<Vec<u8>>()
    };
    world.act(move |net| {
        for number in 1..9 {
            net.broadcast_numbered([id], Message::Binary(&noise(number)), number);
        }
    });
    assert!(world.app_heard().contains(&"missed 4".to_owned()));
    world.act(move |net| {
        net.send(id, Message::Binary(&noise(6)));
    });
    world.take(id, ENOUGH);
    let agreed = match &world.engine.net().connections[id.slot()].stage {
        super::super::stage::Stage::WebSocket(socket) => socket.session.agreed(),
        other => panic!("{other:?}"),
    };
    assert!(agreed.is_some_and(|it| it.sends(Role::Server).takeover));
    let mut said = std::mem::take(&mut world.wire(id).said);
    let mut reader = Session::new(Role::Client, agreed);
    let (mut deflate, mut seed) = (Deflate::new(policy), Seed::new(1));
    for number in [1, 2, 3, 6] {
        let limits = Limits::default();
        let step = reader.decode(&mut said, &limits, &mut deflate, &mut seed, &mut Vec::new());
        let Step::Event {
            used,
            event: Event::Binary(message),
        } = step
        else {
            panic!("{step:?}");
        };
        assert_eq!(*message, noise(number));
        said.drain(..used);
    }
    assert!(said.is_empty());
}
