//! Reminders: made, taken back, told once.

use super::check::must_be_sound;
use super::*;
use crate::chat::notifications::notifications;
use crate::chat::reminder::{due_by, made_by};

const MINUTE: u64 = 60 * 1000;

fn remind(whom: Whom, ms: u64, text: &str) -> Operation {
    Operation::Remind {
        whom,
        when: Moment::After { ms },
        text: Text::trusted(text),
    }
}

fn here(ms: u64, text: &str) -> Operation {
    remind(Whom::Room(room("den")), ms, text)
}

/// Ana owns "den", Bo is in it.
fn town() -> Town {
    let mut town = Town::new(&["root", "ana", "bo"]);
    town.room("ana", "den", &["bo"]);
    town
}

/// Time goes on, and what is due by then is told as the server does it.
fn pass(town: &mut Town, ms: u64) -> Vec<Answer> {
    town.at += ms;
    let mut told = Vec::new();
    loop {
        let now = town.at;
        let Some((id, by)) = town.look(|it| due_by(it, now)) else {
            return told;
        };
        let by = town.look(|it| {
            let sql = "SELECT name FROM users WHERE id = ?";
            Ok(it.query_row(sql, [by.0], |row| row.get::<_, String>(0))?)
        });
        let fired = town
            .want(Some(&by), Operation::FireReminder { id })
            .unwrap();
        told.push(fired.answer);
    }
}

fn notes(town: &Town, name: &str) -> Vec<(Option<String>, String)> {
    let user = town.id(name);
    let found = town.look(|it| notifications(it, user, None, Op::MAX >> 1, 50));
    let told = found.items.into_iter().map(|it| {
        let from = it.from.map(|from| from.name.to_string());
        (from, it.text.into())
    });
    told.collect()
}

fn said(town: &Town) -> Vec<String> {
    let sql = "SELECT u.name || ': ' || m.text FROM messages m JOIN users u ON u.id = m.author
               ORDER BY m.key";
    town.look(|it| {
        let mut look = it.prepare(sql)?;
        let rows = look.query_map((), |row| row.get(0))?;
        Ok(rows.collect::<Result<_, _>>()?)
    })
}

#[test]
fn people_and_rooms_are_reminded_once_when_it_is_time() {
    let mut town = town();
    for (whom, ms) in [
        (Whom::Oneself, 3 * MINUTE),
        (Whom::User(user("bo")), 2 * MINUTE),
        (Whom::Room(room("den")), MINUTE),
    ] {
        town.want(Some("ana"), remind(whom, ms, "tea")).unwrap();
    }
    assert_eq!(pass(&mut town, MINUTE - 10).len(), 0);
    assert_eq!(pass(&mut town, 10).len(), 1);
    assert_eq!(said(&town), ["parlour: Reminder by @ana: tea"]);
    assert_eq!(pass(&mut town, MINUTE).len(), 1);
    assert_eq!(
        notes(&town, "bo"),
        [(Some("ana".to_owned()), "Reminder: tea".to_owned())]
    );
    assert_eq!(pass(&mut town, MINUTE).len(), 1);
    let (from, text) = &notes(&town, "ana")[0];
    assert_eq!((from, text.as_str()), (&None, "Reminder: tea"));
    assert_eq!(pass(&mut town, 100 * MINUTE).len(), 0);
    // One that is gone, or not due, is told by nobody.
    let again = town.want(Some("ana"), Operation::FireReminder { id: 1 });
    assert_eq!(again.unwrap().answer, Answer::Done);
    town.want(Some("ana"), here(MINUTE, "early")).unwrap();
    let early = town.want(Some("ana"), Operation::FireReminder { id: 4 });
    assert_eq!(early.unwrap().answer, Answer::Done);
    assert_eq!(said(&town).len(), 1);
    must_be_sound(&town);
}

#[test]
fn one_that_comes_late_says_so() {
    let mut town = town();
    town.want(Some("ana"), here(MINUTE, "tea")).unwrap();
    town.want(Some("ana"), here(4 * 60 * MINUTE, "cake"))
        .unwrap();
    pass(&mut town, 4 * 60 * MINUTE + MINUTE / 2);
    assert_eq!(
        said(&town),
        [
            "parlour: Reminder by @ana (3 hours late: the server was not running): tea",
            "parlour: Reminder by @ana: cake",
        ]
    );
}

#[test]
fn the_same_key_makes_one_and_is_answered_the_same_time() {
    let mut town = town();
    let first = town
        .want_once(Some("ana"), Some("k"), here(MINUTE, "tea"))
        .unwrap();
    town.at += 10 * MINUTE;
    let again = town
        .want_once(Some("ana"), Some("k"), here(MINUTE, "tea"))
        .unwrap();
    assert_eq!((&again.answer, again.repeat), (&first.answer, true));
    assert_eq!(pass(&mut town, 0).len(), 1);
    let again = town
        .want_once(Some("ana"), Some("k"), here(MINUTE, "tea"))
        .unwrap();
    assert!(again.repeat);
    assert_eq!(town.count("SELECT count(*) FROM reminders"), 0);
}

#[test]
fn what_cannot_be_said_any_more_is_told_to_who_wanted_it() {
    let spoils: [fn(&mut Town); 4] = [
        |town| {
            town.want(Some("bo"), Operation::Leave { room: room("den") })
                .unwrap();
        },
        |town| {
            let mute = Operation::MuteFor {
                room: room("den"),
                user: user("bo"),
                ms: 100 * MINUTE,
            };
            town.want(Some("ana"), mute).unwrap();
        },
        |town| {
            let archive = Operation::ChangeRoom {
                room: room("den"),
                title: None,
                topic: None,
                kind: None,
                archived: Some(true),
                pinned: None,
            };
            town.want(Some("ana"), archive).unwrap();
        },
        |town| {
            let disable = Operation::Disable {
                user: user("bo"),
                disabled: true,
            };
            town.want(Some("root"), disable).unwrap();
        },
    ];
    for spoil in spoils {
        let mut town = town();
        town.want(Some("bo"), here(MINUTE, "tea")).unwrap();
        spoil(&mut town);
        assert_eq!(pass(&mut town, MINUTE).len(), 1);
        assert_eq!(said(&town), [""; 0]);
        let (_, text) = &notes(&town, "bo")[0];
        assert!(text.starts_with("A reminder could not be said. "), "{text}");
        assert!(text.ends_with(" It was: tea"), "{text}");
        assert_eq!(town.count("SELECT count(*) FROM reminders"), 0);
        must_be_sound(&town);
    }
}

#[test]
fn who_and_when_are_judged_when_it_is_made() {
    let mut town = town();
    let mut refused = |by, operation| code(town.want(Some(by), operation));
    assert_eq!(refused("root", here(MINUTE, "x")), Code::NotAMember);
    let nobody = Whom::User(user("nobody"));
    assert_eq!(refused("ana", remind(nobody, MINUTE, "x")), Code::NotFound);
    assert_eq!(refused("ana", here(0, "x")), Code::BadField);
    let never = limits::REMINDER_MS_MAX + 1;
    assert_eq!(refused("ana", here(never, "x")), Code::BadField);
    assert_eq!(refused("ana", here(u64::MAX, "x")), Code::BadField);
    for _ in 0..limits::REMINDERS_MAX {
        town.want(Some("ana"), here(MINUTE, "x")).unwrap();
    }
    assert_eq!(
        code(town.want(Some("ana"), here(MINUTE, "x"))),
        Code::TooMany
    );
    let ana = town.id("ana");
    let all = town.look(|it| made_by(it, ana));
    assert_eq!(all.len(), limits::REMINDERS_MAX as usize);
    assert_eq!(
        code(town.want(Some("bo"), Operation::CancelReminder { id: all[0].id })),
        Code::NotFound
    );
    town.want(Some("ana"), Operation::CancelReminder { id: all[0].id })
        .unwrap();
    assert_eq!(
        code(town.want(Some("ana"), Operation::CancelReminder { id: all[0].id })),
        Code::NotFound
    );
    town.want(Some("ana"), here(MINUTE, "x")).unwrap();
}

#[test]
fn what_goes_with_a_room_or_a_person_goes() {
    let mut town = town();
    town.want(Some("bo"), here(MINUTE, "in the room")).unwrap();
    town.want(Some("bo"), remind(Whom::Oneself, MINUTE, "alone"))
        .unwrap();
    town.want(Some("ana"), remind(Whom::User(user("bo")), MINUTE, "to bo"))
        .unwrap();
    let delete = Operation::DeleteRoom { room: room("den") };
    town.want(Some("ana"), delete).unwrap();
    assert_eq!(town.count("SELECT count(*) FROM reminders"), 2);
    let erase = Operation::Erase {
        user: user("bo"),
        messages: false,
    };
    town.want(Some("root"), erase).unwrap();
    assert_eq!(town.count("SELECT count(*) FROM reminders"), 0);
    must_be_sound(&town);
}

#[test]
fn clocks_show_a_time_each_day() {
    const DAY: u64 = 24 * 60 * MINUTE;
    let clock = |days, minute, offset| Moment::Clock {
        days,
        minute,
        offset,
    };
    let now = 100 * DAY + 12 * 60 * MINUTE;
    let noon = 12 * 60;
    assert_eq!(clock(None, noon, 0).due(now), now + DAY, "not at once");
    assert_eq!(clock(None, noon + 1, 0).due(now), now + MINUTE);
    assert_eq!(clock(Some(0), 0, 0).due(now), 100 * DAY, "and that is past");
    assert_eq!(clock(Some(1), 60, 0).due(now), 101 * DAY + 60 * MINUTE);
    // In Sydney it is tomorrow already.
    assert_eq!(
        clock(Some(1), 0, 13 * 60).due(now),
        102 * DAY - 13 * 60 * MINUTE
    );
    assert_eq!(clock(Some(1), 0, 0).due(0), DAY);
}
