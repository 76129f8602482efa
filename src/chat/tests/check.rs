//! Check: a sound database has no finding, and every kind of damage is found.

use super::*;
use crate::chat::apply::apply;
use crate::chat::search::index;
use crate::store::Statements;

fn findings(connection: &Connection) -> Vec<Damage> {
    let mut found = Vec::new();
    check(connection, &mut |told| match told {
        Told::Found(finding) => found.push(finding.damage),
        Told::Progress { done, of } => assert!(done <= of),
        Told::Needless(what) => panic!("{what}"),
    })
    .unwrap();
    found
}

/// Nothing is wrong here.
#[track_caller]
pub(super) fn must_be_sound(town: &Town) {
    let mut found = Vec::new();
    town.look(|connection| {
        check(connection, &mut |told| {
            if let Told::Found(finding) = told {
                found.push(finding.to_string());
            }
        })
    });
    assert!(found.is_empty(), "{found:?}");
}

/// A database that nobody guards, in which something of everything happened.
fn lived() -> Connection {
    let connection = Connection::open_in_memory().unwrap();
    for step in CHAT.steps {
        connection.execute_batch(step.sql).unwrap();
    }
    connection
        .execute_batch(
            "PRAGMA foreign_keys = off; PRAGMA ignore_check_constraints = on;
             INSERT INTO server (id, epoch, op, created_at) VALUES (1, 'e', 0, 1)",
        )
        .unwrap();
    let sign_up = |name: &str| Operation::SignUp {
        name: user(name),
        display_name: Title::trusted(name),
        email: None,
        password: "x".to_owned(),
        invite: None,
    };
    let create = Operation::CreateRoom {
        room: room("general"),
        title: None,
        topic: None,
        kind: Kind::Public,
    };
    let join = Operation::Join {
        room: room("general"),
    };
    let delete = Operation::Delete {
        room: room("general"),
        seq: 2,
    };
    let deeds = [
        (None, sign_up("ana")),
        (None, sign_up("bo")),
        (Some(1), create),
        (Some(2), join),
        (Some(1), send("general", "hi @bo")),
        (Some(2), send("general", "ho")),
        (Some(2), send("general", "@ana")),
        (Some(1), react("general", 1, "+1", true)),
        (Some(2), delete),
    ];
    for (at, (by, operation)) in (1..).zip(deeds) {
        let entry = Entry {
            by: by.map(UserId),
            at,
            key: Some(Key::trusted(format!("k{at}"))),
            random: [0; 16],
            outside: false,
            operation,
        };
        apply(
            Statements::of(&connection).tables(),
            &entry,
            entry.content(),
        )
        .unwrap();
    }
    index(&connection, None, 1000).unwrap();
    connection
}

#[test]
fn every_kind_of_damage_is_found() {
    assert_eq!(findings(&lived()), []);
    // The room's number is 1; its events are two who came, three messages, a reaction, a removal.
    let check = |sql: &str, expected: Damage| {
        let connection = lived();
        connection.execute_batch(sql).unwrap();
        connection
            .execute_batch("PRAGMA ignore_check_constraints = off")
            .unwrap();
        let found = findings(&connection);
        assert!(found.contains(&expected), "{sql}: {found:?}");
        // Nothing is called damaged that is not; what belongs together may be.
        let related = |damage: &Damage| {
            let cause = [
                Damage::File,
                Damage::Orphan,
                Damage::MessageGap,
                Damage::EventGap,
            ];
            *damage == expected
                || cause.contains(damage)
                || matches!(
                    (expected, damage),
                    (
                        Damage::MessageGap,
                        Damage::OddEvent | Damage::Key | Damage::MarkerAhead
                    ) | (Damage::EventGap, Damage::MessageVersion | Damage::OpOrder)
                        | (Damage::RoomLost, _)
                        | (Damage::OpTwice | Damage::OpAhead, Damage::OpOrder)
                        | (Damage::Identity, Damage::OpAhead)
                        | (Damage::OddEvent, Damage::MessageVersion)
                        | (Damage::NoAdmin, _)
                )
        };
        assert!(found.iter().all(related), "{sql}: {found:?}");
    };
    use Damage as D;
    check("UPDATE rooms SET kind = 'odd'", D::File);
    check("INSERT INTO mentions VALUES (9, 9)", D::Orphan);
    check(
        "INSERT INTO members VALUES (7, 1, 'owner', 1, 0, NULL, NULL)",
        D::Orphan,
    );
    check("DELETE FROM server", D::Identity);
    check("UPDATE server SET epoch = ''", D::Identity);
    check(
        "UPDATE messages SET key = key + (5 << 32) WHERE key & 255 = 3",
        D::RoomLost,
    );
    check(
        "UPDATE events SET key = key + (5 << 32) WHERE key & 255 = 1",
        D::RoomLost,
    );
    check("DELETE FROM messages WHERE key & 255 = 2", D::MessageGap);
    check("DELETE FROM messages WHERE key & 255 = 3", D::MessageGap);
    check("DELETE FROM messages WHERE key & 255 = 1", D::MessageGap);
    check("UPDATE rooms SET seq = 4", D::MessageGap);
    check("UPDATE rooms SET seq = 2", D::MessageGap);
    check("DELETE FROM events WHERE key & 255 = 1", D::EventGap);
    check("DELETE FROM events WHERE key & 255 = 4", D::EventGap);
    check("DELETE FROM events WHERE key & 255 = 7", D::EventGap);
    check("UPDATE rooms SET version = 8", D::EventGap);
    check(
        "UPDATE user_events SET op = (SELECT max(op) FROM events) WHERE kind = 20",
        D::OpTwice,
    );
    check("UPDATE events SET op = 1 WHERE key & 255 = 2", D::OpTwice);
    check("UPDATE server SET op = op - 1", D::OpAhead);
    check(
        "UPDATE user_events SET op = 1000 WHERE kind = 20",
        D::OpAhead,
    );
    check(
        "UPDATE events SET op = 1001 - op WHERE key & 255 < 3; UPDATE server SET op = 2000",
        D::OpOrder,
    );
    check("UPDATE rooms SET op = op - 1", D::OpOrder);
    check(
        "UPDATE events SET kind = 99 WHERE key & 255 = 2",
        D::OddEvent,
    );
    check(
        "UPDATE events SET kind = 20 WHERE key & 255 = 2",
        D::OddEvent,
    );
    check("UPDATE events SET seq = 9 WHERE key & 255 = 6", D::OddEvent);
    check(
        "UPDATE messages SET version = version - 1 WHERE key & 255 = 3",
        D::MessageVersion,
    );
    check(
        "UPDATE messages SET client_key = 'k5' WHERE key & 255 = 3",
        D::Key,
    );
    check("DELETE FROM keys WHERE key = 'k5'", D::Key);
    check(
        "UPDATE messages SET reply_to = 3 WHERE key & 255 = 3",
        D::Reply,
    );
    check(
        "UPDATE messages SET reply_to = 0 WHERE key & 255 = 3",
        D::Reply,
    );
    check(
        "UPDATE messages SET text = 'ho' WHERE key & 255 = 2",
        D::DeletedSpeaks,
    );
    check(
        "UPDATE reactions SET message = (1 << 32) | 2",
        D::DeletedSpeaks,
    );
    check(
        "UPDATE mentions SET message = (1 << 32) | 2",
        D::DeletedSpeaks,
    );
    check(
        "UPDATE messages SET attachment = 'a' WHERE key & 255 = 1",
        D::Attachment,
    );
    check(
        "INSERT INTO uploads VALUES ('a', 'h', 'n', 'm', 1, 1, 1, (1 << 32) | 3, 2, 3);
         UPDATE messages SET attachment = 'a' WHERE key & 255 = 1",
        D::Attachment,
    );
    check("UPDATE members SET read = 4", D::MarkerAhead);
    check("UPDATE members SET role = 'member'", D::NoOwner);
    check("UPDATE rooms SET members = 3", D::MemberCount);
    check(
        "INSERT INTO reminders (by, room, made_at, due_at, text) VALUES (1, 1, 1, 2, 'x');
         UPDATE rooms SET deleted_at = 1",
        D::ReminderLost,
    );
    check("UPDATE indexed SET version = 8", D::IndexAhead);
    check("UPDATE users SET disabled_at = 1", D::NoAdmin);
    check("UPDATE users SET role = 'member'", D::NoAdmin);
    check("UPDATE users SET password = NULL", D::NoAdmin);
    check(
        "UPDATE users SET password = NULL;
         INSERT INTO tokens VALUES (1, x'01', 1, 'old', 1, 1, NULL, NULL), (2, x'02', 2, 'no admin', 1, NULL, NULL, NULL)",
        D::NoAdmin,
    );
}

#[test]
fn who_has_a_token_is_an_admin_without_a_password() {
    let connection = lived();
    connection
        .execute_batch(
            "UPDATE users SET password = NULL; INSERT INTO tokens VALUES (1, x'01', 1, 'ci', 1, NULL, NULL, NULL)",
        )
        .unwrap();
    assert_eq!(findings(&connection), []);
    // Whoever comes first is the admin, and bots are nobody.
    connection
        .execute_batch("UPDATE users SET role = 'bot'; DELETE FROM tokens")
        .unwrap();
    assert_eq!(findings(&connection), []);
}

#[test]
fn what_had_its_time_is_no_damage() {
    let connection = lived();
    connection
        .execute_batch(
            "DELETE FROM events WHERE key & 255 < 4; UPDATE rooms SET first_version = 4;
             DELETE FROM user_events",
        )
        .unwrap();
    assert_eq!(findings(&connection), []);
}
