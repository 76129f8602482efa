//! Notifications: what is listed, and what waits to be seen.

use super::*;
use crate::chat::notifications::*;

#[test]
fn notifications_are_listed_newest_first_up_to_what_was_announced() {
    let mut town = Town::new(&["ana", "bo", "cy"]);
    town.room("ana", "general", &["bo", "cy"]);
    let note = |to: &str, text: &str| Operation::Notify {
        to: user(to),
        text: Text::trusted(text),
    };
    town.want(Some("ana"), note("bo", "one")).unwrap();
    let before = town.announced().op;
    town.say("ana", "general", "@bo @cy two").unwrap();
    town.want(None, note("bo", "three")).unwrap();
    let now = town.announced().op;
    let bo = town.id("bo");
    let list = |before, upto, limit| {
        town.look(|connection| notifications(connection, bo, before, upto, limit))
    };
    let texts = |part: &Part<Notification>| -> Vec<String> {
        part.items.iter().map(|it| it.text.to_string()).collect()
    };
    let all = list(None, now, 10);
    assert_eq!(
        (texts(&all), all.more),
        (
            vec!["three".into(), "@bo @cy two".into(), "one".into()],
            false
        )
    );
    let [three, two, one] = all.items.as_slice() else {
        panic!("{all:?}")
    };
    assert_eq!((three.from.as_ref(), three.kind), (None, Notice::Note));
    assert_eq!(
        (&two.room, two.kind),
        (&Some((room("general"), 1)), Notice::Mention)
    );
    assert_eq!(one.from.as_ref().map(|it| it.name.as_str()), Some("ana"));
    let page = list(None, now, 2);
    assert!(page.more);
    assert_eq!(texts(&list(Some(page.items[1].id), now, 2)), ["one"]);
    // What is stored and not announced is not there yet.
    assert_eq!(texts(&list(None, before, 10)), ["one"]);
    let waiting = |upto| town.look(|connection| unseen(connection, bo, upto));
    assert_eq!((waiting(now), waiting(before)), (3, 1));
    let seen = Operation::Seen { id: two.id };
    town.want(Some("bo"), seen).unwrap();
    let waiting = |upto| town.look(|connection| unseen(connection, bo, upto));
    assert_eq!((waiting(now), waiting(before)), (1, 0));
    let cy = town.id("cy");
    assert_eq!(town.look(|connection| unseen(connection, cy, now)), 1);
}
