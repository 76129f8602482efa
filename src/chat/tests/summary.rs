//! Summaries: what somebody's rooms are like, and who sees which.

use super::*;
use crate::chat::summary::*;

fn names(rooms: &Part<RoomSummary>) -> Vec<&str> {
    rooms.items.iter().map(|room| room.name.as_str()).collect()
}

/// What `by` is told of a room when this much is announced.
fn told(town: &Town, announced: &Announced, id: RoomId, by: &str) -> Option<RoomSummary> {
    let by = town.id(by);
    let announced = announced.clone();
    town.look(move |connection| announced.with(|horizon| summary(connection, id, by, horizon)))
}

fn private(name: &str) -> Operation {
    Operation::CreateRoom {
        room: room(name),
        title: None,
        topic: None,
        kind: Kind::Private,
    }
}

#[test]
fn hello_lists_the_latest_rooms_first_and_says_if_there_are_more() {
    let mut town = Town::new(&["ana", "bo"]);
    for name in ["one", "two", "three"] {
        town.room("ana", name, &["bo"]);
    }
    town.room("ana", "hers", &[]);
    town.say("ana", "one", "hi").unwrap();
    let bo = town.id("bo");
    let announced = town.announced();
    let hello = |limit| {
        let announced = announced.clone();
        town.look(move |connection| announced.with(|horizon| hello(connection, bo, limit, horizon)))
    };
    let all = hello(200);
    assert_eq!(
        (names(&all), all.more),
        (vec!["one", "three", "two"], false)
    );
    assert_eq!(all.items[0].op, announced.op);
    let some = hello(2);
    assert_eq!((names(&some), some.more), (vec!["one", "three"], true));
    let ids: Vec<RoomId> = town.look(move |connection| rooms_of(connection, bo));
    assert_eq!(ids.len(), 3);
}

#[test]
fn unread_and_mentions_are_counted_up_to_what_was_announced() {
    let mut town = Town::new(&["ana", "bo"]);
    let id = town.room("ana", "general", &["bo"]);
    for text in ["hi", "@bo you", "hi", "@bo @bo again", "@room"] {
        town.say("ana", "general", text).unwrap();
    }
    let read = |seq| Operation::Read {
        room: room("general"),
        seq,
    };
    let count = |town: &Town, seq: Seq| {
        let mut announced = town.announced();
        announced.heads.insert(id, (seq, seq));
        announced.op = 7;
        let room = told(town, &announced, id, "bo").unwrap();
        assert_eq!((room.seq, room.version, room.op), (seq, seq, 7));
        (room.unread(), room.joined.unwrap().mentions)
    };
    assert_eq!(count(&town, 5), (5, 3));
    assert_eq!(count(&town, 4), (4, 2));
    assert_eq!(count(&town, 0), (0, 0));
    town.want(Some("bo"), read(2)).unwrap();
    assert_eq!(count(&town, 5), (3, 2));
    // What was read is more than what was announced.
    assert_eq!(count(&town, 1), (0, 0));
    let delete = Operation::Delete {
        room: room("general"),
        seq: 4,
    };
    town.want(Some("ana"), delete).unwrap();
    assert_eq!(count(&town, 5), (3, 1));
    // Nothing calls whoever said it.
    let hers = told(&town, &town.announced(), id, "ana").unwrap();
    assert_eq!((hers.unread(), hers.joined.unwrap().mentions), (5, 0));
}

#[test]
fn a_room_is_told_to_who_may_see_it() {
    let mut town = Town::new(&["root", "ana", "bo"]);
    let open = town.room("ana", "open", &[]);
    let made = town.want(Some("ana"), private("den")).unwrap();
    let Answer::Room(den) = made.answer else {
        panic!("{made:?}")
    };
    let direct = Operation::Direct {
        users: vec![user("bo")],
    };
    let Answer::Room(direct) = town.want(Some("ana"), direct).unwrap().answer else {
        panic!("no room")
    };
    let check = |town: &Town, by: &str, expected: [bool; 3]| {
        let id = town.id(by);
        for (at, room) in [open, den, direct].into_iter().enumerate() {
            let seen = town.look(move |connection| may_see(connection, room, id));
            assert_eq!(seen, expected[at], "{by} {at}");
            let summary = told(town, &town.announced(), room, by);
            assert_eq!(summary.is_some(), expected[at], "{by} {at}");
        }
        let named = town.look(move |connection| room_named(connection, &room("den"), id));
        assert_eq!(named.is_some(), expected[1], "{by}");
    };
    check(&town, "root", [true, true, false]);
    check(&town, "ana", [true, true, true]);
    check(&town, "bo", [true, false, true]);
    let delete = Operation::DeleteRoom { room: room("den") };
    town.want(Some("ana"), delete).unwrap();
    check(&town, "root", [true, false, false]);
    check(&town, "ana", [true, false, true]);
    // The name is free again.
    town.want(Some("bo"), private("den")).unwrap();
}

#[test]
fn rooms_are_paged_by_name() {
    let mut town = Town::new(&["root", "ana", "bo"]);
    for name in ["d", "a", "c"] {
        town.room("ana", name, &[]);
    }
    town.room("bo", "b", &[]);
    town.want(Some("ana"), private("hidden")).unwrap();
    town.want(Some("bo"), private("e")).unwrap();
    let bo = town.id("bo");
    let page = |after: Option<&str>, limit| {
        let announced = town.announced();
        let after = after.map(room);
        town.look(move |connection| {
            announced.with(|horizon| {
                visible_rooms(connection, bo, false, after.as_ref(), limit, horizon)
            })
        })
    };
    let first = page(None, 3);
    assert_eq!((names(&first), first.more), (vec!["a", "b", "c"], true));
    let joined: Vec<bool> = first
        .items
        .iter()
        .map(|room| room.joined.is_some())
        .collect();
    assert_eq!(joined, [false, true, false]);
    let rest = page(Some("c"), 3);
    assert_eq!((names(&rest), rest.more), (vec!["d", "e"], false));
    let (root, announced) = (town.id("root"), town.announced());
    let all = town.look(move |connection| {
        announced.with(|horizon| visible_rooms(connection, root, true, None, 9, horizon))
    });
    assert_eq!(names(&all), ["a", "b", "c", "d", "e", "hidden"]);
}

#[test]
fn a_direct_room_is_called_after_the_others() {
    let mut town = Town::new(&["root", "ana", "bo", "cy"]);
    let mut called = |others: &[&str], by: &str| {
        let users = others.iter().map(|name| user(name)).collect();
        let made = town.want(Some("ana"), Operation::Direct { users }).unwrap();
        let Answer::Room(id) = made.answer else {
            panic!("{made:?}")
        };
        let room = told(&town, &town.announced(), id, by).unwrap();
        let people: Vec<_> = room.people.iter().map(|name| name.as_str()).collect();
        format!("{}: {}", room.facts.title, people.join(" "))
    };
    assert_eq!(called(&["bo"], "ana"), "BO: bo");
    assert_eq!(called(&["bo"], "bo"), "ANA: ana");
    assert_eq!(called(&["bo", "cy"], "bo"), "ANA, CY: ana cy");
    assert_eq!(called(&[], "ana"), "ANA: ana");
}

#[test]
fn members_are_counted_and_paged() {
    let mut town = Town::new(&["ana", "bo", "cy"]);
    let id = town.room("ana", "general", &["bo", "cy"]);
    let count = |town: &Town| told(town, &town.announced(), id, "ana").unwrap().members;
    assert_eq!(count(&town), 3);
    let page = town.look(move |connection| members(connection, id, None, 2));
    let first: Vec<_> = page
        .items
        .iter()
        .map(|it| (it.person.name.as_str(), it.standing))
        .collect();
    assert_eq!(first, [("ana", Standing::Owner), ("bo", Standing::Member)]);
    assert!(page.more);
    let last = page.items[1].person.id;
    let rest = town.look(move |connection| members(connection, id, Some(last), 2));
    assert_eq!((rest.items.len(), rest.more), (1, false));
    let ids = town.look(move |connection| member_ids(connection, id, None, 10));
    assert_eq!(ids.items, ["ana", "bo", "cy"].map(|name| town.id(name)));
    let leave = Operation::Leave {
        room: room("general"),
    };
    town.want(Some("bo"), leave).unwrap();
    assert_eq!(count(&town), 2);
}

/// Whoever hears of somebody's coming or going counts it then.
#[test]
fn members_are_those_of_the_version() {
    let mut town = Town::new(&["ana", "bo", "cy"]);
    let id = town.room("ana", "general", &["bo", "cy"]);
    let leave = Operation::Leave {
        room: room("general"),
    };
    town.want(Some("bo"), leave.clone()).unwrap();
    town.say("ana", "general", "hi").unwrap();
    town.want(Some("cy"), leave).unwrap();
    let count = |version: Version| {
        let mut announced = town.announced();
        announced.heads.insert(id, (0, version));
        told(&town, &announced, id, "ana").unwrap().members
    };
    let counted: Vec<u32> = (0..=6).map(count).collect();
    assert_eq!(counted, [0, 1, 2, 3, 2, 2, 1]);
}
