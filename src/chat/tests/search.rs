//! Search: what is found, by whom, and in which order.

use super::*;
use crate::chat::search::*;
use proptest::prelude::*;

/// A town whose words are indexed.
fn indexed(town: &Town) {
    let all = |connection: &Connection| index(connection, None, 1000);
    let done = town.database.run(all).unwrap();
    assert!(!done.left);
}

fn found(town: &Town, by: &str, query: &str, room: Option<RoomId>) -> Vec<(String, Seq)> {
    let user = town.id(by);
    let query = Query::parse("query", query).unwrap();
    let part = town.look(|connection| search(connection, user, &query, room, 10, None));
    part.items
        .iter()
        .map(|hit| (hit.name.to_string(), hit.message.seq))
        .collect()
}

fn at(name: &str, seq: Seq) -> (String, Seq) {
    (name.to_owned(), seq)
}

#[test]
fn messages_of_ones_own_rooms_are_found_newest_first() {
    let mut town = Town::new(&["root", "ana", "bo"]);
    let one = town.room("ana", "one", &["bo"]);
    town.room("ana", "two", &["bo"]);
    town.room("ana", "hers", &[]);
    for (by, name, text) in [
        ("ana", "one", "Milk and honey"),
        ("bo", "two", "no milk today"),
        ("ana", "hers", "secret milk"),
        ("bo", "one", "Café au lait"),
        ("ana", "two", "今日は牛乳がない"),
        ("ana", "one", "milkshake"),
    ] {
        town.say(by, name, text).unwrap();
    }
    assert!(found(&town, "bo", "milk", None).is_empty());
    indexed(&town);
    let check = |by, query, room, expected: &[(String, Seq)]| {
        assert_eq!(found(&town, by, query, room), expected, "{by} {query}");
    };
    check(
        "bo",
        "milk",
        None,
        &[at("one", 3), at("two", 1), at("one", 1)],
    );
    check("bo", "milk", Some(one), &[at("one", 3), at("one", 1)]);
    check("bo", "\"milk\"", None, &[at("two", 1), at("one", 1)]);
    check("bo", "honey mil", None, &[at("one", 3), at("one", 1)][1..]);
    check("bo", "\"and honey\"", None, &[at("one", 1)]);
    check("bo", "\"honey and\"", None, &[]);
    check("bo", "from:bo milk", None, &[at("two", 1)]);
    check("bo", "from:nobody milk", None, &[]);
    check("bo", "CAFE", None, &[at("one", 2)]);
    check("bo", "牛乳", None, &[at("two", 2)]);
    check("bo", "乳牛", None, &[]);
    check("ana", "secret", None, &[at("hers", 1)]);
    check("root", "milk", None, &[]);
}

#[test]
fn what_is_changed_or_deleted_is_found_as_it_is() {
    let mut town = Town::new(&["ana"]);
    town.room("ana", "general", &[]);
    town.say("ana", "general", "old words").unwrap();
    town.say("ana", "general", "old secret").unwrap();
    indexed(&town);
    let edit = Operation::Edit {
        room: room("general"),
        seq: 1,
        text: Text::trusted("new words"),
    };
    let delete = Operation::Delete {
        room: room("general"),
        seq: 2,
    };
    town.want(Some("ana"), edit).unwrap();
    town.want(Some("ana"), delete).unwrap();
    // What is deleted is not found, whether the index knows it or not.
    assert_eq!(found(&town, "ana", "old", None), [at("general", 1)]);
    indexed(&town);
    assert!(found(&town, "ana", "old", None).is_empty());
    assert_eq!(found(&town, "ana", "new", None), [at("general", 1)]);
}

#[test]
fn indexing_goes_on_where_it_was() {
    let mut town = Town::new(&["ana"]);
    let one = town.room("ana", "one", &[]);
    let two = town.room("ana", "two", &[]);
    for n in 0..5 {
        town.say("ana", "one", &format!("word {n}")).unwrap();
        town.say("ana", "two", &format!("word {n}")).unwrap();
    }
    // Each room has an event for the first member too.
    let steps = [(4, true), (4, true), (4, false)];
    for (done, left) in steps {
        let some = town
            .database
            .run(|connection| index(connection, None, 4))
            .unwrap();
        assert_eq!(some, Indexed { done, left });
    }
    assert_eq!(found(&town, "ana", "word", None).len(), 10);
    town.say("ana", "one", "word again").unwrap();
    town.say("ana", "two", "word again").unwrap();
    let only = move |connection: &Connection| index(connection, Some(&[two]), 100);
    let some = town.database.run(only).unwrap();
    assert_eq!((some.done, some.left), (1, false));
    assert!(found(&town, "ana", "again", Some(one)).is_empty());
    assert_eq!(found(&town, "ana", "again", None), [at("two", 6)]);
}

#[test]
fn a_search_goes_on_behind_its_last_hit() {
    let mut town = Town::new(&["ana"]);
    for name in ["one", "two", "three"] {
        town.room("ana", name, &[]);
    }
    for n in 0..10 {
        let name = ["one", "two", "three", "two"][n % 4];
        town.say("ana", name, "word").unwrap();
    }
    indexed(&town);
    let ana = town.id("ana");
    let query = Query::parse("query", "word").unwrap();
    let all = town.look(|connection| search(connection, ana, &query, None, 100, None));
    assert_eq!((all.items.len(), all.more), (10, false));
    assert!(all.items.is_sorted_by(|a, b| a.message.at > b.message.at));
    let mut paged: Vec<Hit> = Vec::new();
    loop {
        let before = paged.last().map(Hit::place);
        let part = town.look(|connection| search(connection, ana, &query, None, 3, before));
        let more = part.more;
        paged.extend(part.items);
        if !more {
            break;
        }
    }
    assert_eq!(paged, all.items);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_query_is_a_mistake(texts in prop::collection::vec("\\PC{0,30}|[\"*:()^+{}a-c \0-]{0,20}", 1..20)) {
        let mut town = Town::new(&["ana"]);
        let id = town.room("ana", "general", &[]);
        town.say("ana", "general", "a b c").unwrap();
        indexed(&town);
        let ana = town.id("ana");
        for text in texts {
            if let Ok(query) = Query::parse("query", &text) {
                town.look(|connection| search(connection, ana, &query, Some(id), 5, None));
            }
        }
    }

    #[test]
    fn every_word_that_was_said_is_found(text in "([a-eé世界ー'!. ]|[à-ÿ]|[а-я]){1,40}") {
        let mut town = Town::new(&["ana"]);
        town.room("ana", "general", &[]);
        if town.say("ana", "general", &text).is_err() {
            // A blank text is no message; here it only has to be one that is looked up.
            town.say("ana", "general", &format!("{text}.")).unwrap();
        }
        indexed(&town);
        for word in text.split_whitespace() {
            if Query::parse("query", word).is_ok() {
                prop_assert_eq!(found(&town, "ana", word, None), [at("general", 1)], "{}", word);
            }
        }
    }
}
