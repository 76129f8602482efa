//! Messages: numbers, keys, changes, mentions, reading.

use super::*;

#[test]
fn messages_and_events_are_numbered_without_gaps() {
    let mut town = Town::new(&["ana", "bo"]);
    let id = town.room("ana", "general", &["bo"]);
    for n in 1..=3 {
        let done = town.say("bo", "general", &format!("hi {n}")).unwrap();
        let at = town.at;
        // Two have joined before.
        let version = n + 2;
        let expected = Answer::Sent {
            room: id,
            seq: n,
            version,
            at,
        };
        assert_eq!(done.answer, expected);
        let [event] = done.events.as_slice() else {
            panic!("{done:?}")
        };
        assert!(
            matches!(&event.what, What::Message(it) if it.seq == n && it.from.name == user("bo"))
        );
        assert_eq!(
            event.to,
            To::Room {
                id,
                name: room("general"),
                version
            }
        );
    }
}

#[test]
fn the_same_key_is_done_once() {
    let mut town = Town::new(&["ana", "bo"]);
    town.room("ana", "general", &["bo"]);
    let first = town
        .want_once(Some("ana"), Some("k"), send("general", "hi"))
        .unwrap();
    let again = town
        .want_once(Some("ana"), Some("k"), send("general", "hi"))
        .unwrap();
    assert!(again.repeat && again.events.is_empty());
    assert_eq!(again.answer, first.answer);
    let other = town.want_once(Some("ana"), Some("k"), send("general", "ho"));
    assert_eq!(code(other), Code::KeyReused);
    // A key is its user's.
    let another = town
        .want_once(Some("bo"), Some("k"), send("general", "ho"))
        .unwrap();
    assert!(matches!(another.answer, Answer::Sent { seq: 2, .. }));
}

#[test]
fn who_may_not_speak_is_told_why() {
    let mut town = Town::new(&["ana", "bo", "cy"]);
    town.room("ana", "general", &["bo"]);
    assert_eq!(code(town.say("cy", "general", "hi")), Code::NotAMember);
    assert_eq!(code(town.say("bo", "nowhere", "hi")), Code::NotFound);
    let until = Some(town.at + 1_000_000);
    let mute = Operation::Mute {
        room: room("general"),
        user: user("bo"),
        until,
    };
    assert_eq!(code(town.want(Some("cy"), mute.clone())), Code::Forbidden);
    town.want(Some("ana"), mute).unwrap();
    let refused = town.say("bo", "general", "hi").unwrap_err();
    assert_eq!(refused.code, Code::Forbidden);
    assert!(refused.retry_after_ms.is_some());
}

#[test]
fn what_is_deleted_is_gone_and_keeps_its_number() {
    let mut town = Town::new(&["ana", "bo"]);
    town.room("ana", "general", &["bo"]);
    town.say("bo", "general", "@ana secret").unwrap();
    let delete = Operation::Delete {
        room: room("general"),
        seq: 1,
    };
    town.want(Some("bo"), delete.clone()).unwrap();
    assert_eq!(code(town.want(Some("bo"), delete)), Code::Gone);
    let edit = Operation::Edit {
        room: room("general"),
        seq: 1,
        text: Text::trusted("x"),
    };
    assert_eq!(code(town.want(Some("bo"), edit)), Code::Gone);
    let next = town.say("bo", "general", "new").unwrap();
    assert!(matches!(next.answer, Answer::Sent { seq: 2, .. }));
    let left: i64 = town
        .database
        .run(|connection| {
            let sql = "SELECT (SELECT count(*) FROM messages WHERE text LIKE '%secret%')
                            + (SELECT count(*) FROM notifications WHERE text LIKE '%secret%')";
            Ok(connection.query_row(sql, (), |row| row.get(0))?)
        })
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn who_is_mentioned_is_notified_once() {
    let mut town = Town::new(&["ana", "bo", "cy"]);
    town.room("ana", "general", &["bo", "cy"]);
    let notified = |done: &Outcome| -> Vec<UserId> {
        let to = |event: &Event| match (&event.to, &event.what) {
            (To::User(user), What::Notified(_)) => Some(*user),
            _ => None,
        };
        done.events.iter().filter_map(to).collect()
    };
    let done = town
        .say("ana", "general", "@bo and @bo and @ana and @nobody")
        .unwrap();
    assert_eq!(notified(&done), [town.id("bo")]);
    let done = town.say("ana", "general", "@room and @bo").unwrap();
    assert_eq!(notified(&done), [town.id("bo"), town.id("cy")]);
    let quiet = Operation::SetLevel {
        room: room("general"),
        level: Some(Level::Nothing),
    };
    town.want(Some("bo"), quiet).unwrap();
    let done = town.say("ana", "general", "@room").unwrap();
    assert_eq!(notified(&done), [town.id("cy")]);
}

#[test]
fn a_marker_only_goes_forward() {
    let mut town = Town::new(&["ana", "bo"]);
    let id = town.room("ana", "general", &["bo"]);
    for _ in 0..3 {
        town.say("bo", "general", "hi").unwrap();
    }
    let read = |seq| Operation::Read {
        room: room("general"),
        seq,
    };
    let done = town.want(Some("ana"), read(2)).unwrap();
    assert_eq!(done.answer, Answer::Read { room: id, seq: 2 });
    assert_eq!(done.events.len(), 1);
    let done = town.want(Some("ana"), read(1)).unwrap();
    assert_eq!(done.answer, Answer::Read { room: id, seq: 2 });
    assert!(done.events.is_empty());
    assert_eq!(code(town.want(Some("ana"), read(4))), Code::BadField);
}

#[test]
fn a_reaction_counts_once() {
    let mut town = Town::new(&["ana", "bo"]);
    town.room("ana", "general", &["bo"]);
    town.say("bo", "general", "hi").unwrap();
    let react = |on| Operation::React {
        room: room("general"),
        seq: 1,
        emoji: Emoji::parse("emoji", "👍").unwrap(),
        on,
    };
    assert_eq!(town.want(Some("ana"), react(true)).unwrap().events.len(), 1);
    assert_eq!(town.want(Some("ana"), react(true)).unwrap().events.len(), 0);
    assert_eq!(
        town.want(Some("ana"), react(false)).unwrap().events.len(),
        1
    );
    assert_eq!(
        town.want(Some("ana"), react(false)).unwrap().events.len(),
        0
    );
}
