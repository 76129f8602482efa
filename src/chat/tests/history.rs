//! History: pages, and what is on them.

use super::*;
use crate::chat::history::history;

fn page(town: &Town, id: RoomId, whence: Whence, limit: u32) -> (Vec<Seq>, bool, bool) {
    let page = town.look(move |connection| history(connection, id, whence, limit));
    let seqs = page.messages.iter().map(|message| message.seq).collect();
    (seqs, page.more, page.more_after)
}

#[test]
fn a_page_says_what_is_there_and_whether_there_is_more() {
    use Whence::{After, Around, Before, Latest};
    let mut town = Town::new(&["ana"]);
    // Rooms on both sides, whose messages are no neighbours.
    let before = town.room("ana", "before", &[]);
    let id = town.room("ana", "general", &[]);
    let empty = town.room("ana", "empty", &[]);
    let after = town.room("ana", "after", &[]);
    assert!(before < id && id < empty && empty < after);
    for room in ["before", "after"] {
        town.say("ana", room, "hi").unwrap();
    }
    for n in 1..=10 {
        town.say("ana", "general", &format!("hi {n}")).unwrap();
    }
    let check = |whence, limit, seqs: std::ops::RangeInclusive<Seq>, more, more_after| {
        let expected = (seqs.collect::<Vec<_>>(), more, more_after);
        assert_eq!(
            page(&town, id, whence, limit),
            expected,
            "{whence:?} {limit}"
        );
    };
    #[expect(clippy::reversed_empty_ranges, reason = "a page may be empty")]
    let none = 1..=0;
    check(Latest, 3, 8..=10, true, false);
    check(Latest, 10, 1..=10, false, false);
    check(Latest, 200, 1..=10, false, false);
    check(Before(5), 3, 2..=4, true, true);
    check(Before(4), 3, 1..=3, false, true);
    check(Before(1), 3, none.clone(), false, true);
    check(Before(0), 3, none.clone(), false, true);
    check(Before(99), 3, 8..=10, true, false);
    check(After(0), 3, 1..=3, false, true);
    check(After(7), 3, 8..=10, true, false);
    check(After(10), 3, none.clone(), true, false);
    check(After(Seq::MAX), 3, none, true, false);
    check(Around(5), 4, 3..=6, true, true);
    check(Around(5), 5, 3..=7, true, true);
    check(Around(10), 4, 7..=10, true, false);
    check(Around(1), 4, 1..=2, false, true);
    check(Around(Seq::MAX), 4, 7..=10, true, false);
    check(Around(5), 1, 5..=5, true, true);
    for whence in [Latest, Before(5), After(0), Around(1)] {
        assert_eq!(page(&town, empty, whence, 5), (vec![], false, false));
    }
}

#[test]
fn a_page_has_reactions_and_what_was_deleted_keeps_its_place() {
    let mut town = Town::new(&["ana", "bo"]);
    let id = town.room("ana", "general", &["bo"]);
    for n in 1..=3 {
        town.say("ana", "general", &format!("hi {n}")).unwrap();
    }
    for (by, seq, emoji) in [
        ("bo", 3, "🎉"),
        ("ana", 3, "+1"),
        ("ana", 3, "🎉"),
        ("bo", 1, "+1"),
    ] {
        town.want(Some(by), react("general", seq, emoji, true))
            .unwrap();
    }
    let operation = Operation::Delete {
        room: room("general"),
        seq: 2,
    };
    town.want(Some("ana"), operation).unwrap();
    let page = town.look(move |connection| history(connection, id, Whence::Latest, 50));
    let told: Vec<_> = page
        .messages
        .iter()
        .map(|message| {
            let reactions: Vec<String> = message
                .reactions
                .iter()
                .map(|it| {
                    let users: Vec<&str> = it.users.iter().map(UserName::as_str).collect();
                    format!("{} {}", it.emoji, users.join("+"))
                })
                .collect();
            (
                &*message.text,
                message.deleted_at.is_some(),
                reactions.join(", "),
            )
        })
        .collect();
    let expected = [
        ("hi 1", false, "+1 bo".to_owned()),
        ("", true, String::new()),
        ("hi 3", false, "🎉 bo+ana, +1 ana".to_owned()),
    ];
    assert_eq!(told, expected);
    // One at a time is the same.
    let alone = town.look(move |connection| reading::message(connection, id.key(3)));
    assert_eq!(alone.as_ref(), page.messages.last());
}
