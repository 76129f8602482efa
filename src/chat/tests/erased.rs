//! Erasing: what is left of a person.

use super::*;

fn erase(name: &str, messages: bool) -> Operation {
    Operation::Erase {
        user: user(name),
        messages,
    }
}

/// Bo, who has been everywhere: in a room, in one that they left, in one that is gone, in a direct
/// one.
fn town() -> Town {
    let mut town = Town::new(&["root", "ana"]);
    let sign_up = Operation::SignUp {
        name: user("bo"),
        display_name: Title::trusted("Bo Boson"),
        email: Some(Email::trusted("bo@boson.org")),
        password: "x".to_owned(),
        invite: None,
    };
    town.want(None, sign_up).unwrap();
    for name in ["general", "left", "gone"] {
        town.room("ana", name, &["bo"]);
        town.say("bo", name, "I said so").unwrap();
    }
    town.say("ana", "general", "as @bo said").unwrap();
    let leave = Operation::Leave { room: room("left") };
    town.want(Some("bo"), leave).unwrap();
    let delete = Operation::DeleteRoom { room: room("gone") };
    town.want(Some("ana"), delete).unwrap();
    let direct = Operation::Direct {
        users: vec![user("ana")],
    };
    town.want(Some("bo"), direct).unwrap();
    let note = Operation::Notify {
        to: user("ana"),
        text: Text::trusted("I said so"),
    };
    town.want_once(Some("bo"), Some("bo-key"), note).unwrap();
    tokens::sign_in(&mut town, "bo", 1, None);
    town.want(Some("bo"), uploads::add(1, "image/png")).unwrap();
    town.want(Some("bo"), uploads::add(2, "image/png")).unwrap();
    let avatar = Operation::SetProfile {
        display_name: None,
        avatar: Some(Some("u1".to_owned())),
    };
    town.want(Some("bo"), avatar).unwrap();
    town
}

/// Every text in every table but what others have said, on one line each.
fn texts(town: &Town) -> Vec<String> {
    town.look(|connection| {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table'
                     AND name NOT LIKE 'words%' AND name NOT LIKE 'sqlite%'";
        let mut tables = connection.prepare(sql)?;
        let tables: Vec<String> = tables
            .query_map((), |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let mut texts = Vec::new();
        for table in tables {
            let mut all = connection.prepare(&format!("SELECT * FROM {table}"))?;
            let columns = all.column_count();
            let mut rows = all.query(())?;
            while let Some(row) = rows.next()? {
                for column in 0..columns {
                    if let Ok(text) = row.get::<_, String>(column) {
                        texts.push(format!("{table}: {text}"));
                    }
                }
            }
        }
        Ok(texts)
    })
}

#[test]
fn nothing_is_left_of_who_is_erased_with_what_they_said() {
    let mut town = town();
    let id = town.id("bo");
    let has_bo = |text: &String| {
        text.to_lowercase().contains("bo") && !text.ends_with(": as @bo said")
            || text.contains("I said so")
    };
    assert!(texts(&town).iter().filter(|it| has_bo(it)).count() > 8);
    let done = town.want(Some("bo"), erase("bo", true)).unwrap();
    let left: Vec<String> = texts(&town).into_iter().filter(has_bo).collect();
    assert!(left.is_empty(), "{left:?}");
    // Those of the two others.
    assert_eq!(town.count("SELECT count(password) FROM users"), 2);
    assert!(done.ended.contains(&Ended::User(id, None)));
    assert!(!tokens::is_good(&town, 1));
    let count = |is: fn(&What) -> bool| done.events.iter().filter(|it| is(&it.what)).count();
    assert_eq!(count(|it| matches!(it, What::Deleted { .. })), 3);
    // Those who are there hear the name that they know.
    let exits = done.events.iter().filter_map(|event| match &event.what {
        What::Left { user, exit, .. } => Some((user.name.clone(), *exit)),
        _ => None,
    });
    assert_eq!(exits.collect::<Vec<_>>(), [(user("bo"), Exit::Left)]);
    assert_eq!(town.count("SELECT count(*) FROM uploads"), 0);
    let sql = format!("SELECT count(*) FROM user_events WHERE user = {}", id.0);
    assert_eq!(town.count(&sql), 1);
}

#[test]
fn what_was_said_may_stay_under_another_name() {
    let mut town = town();
    let id = town.id("bo");
    town.want(Some("root"), erase("bo", false)).unwrap();
    let key = town.count("SELECT min(key) FROM messages") as i64;
    let message = town.look(|it| reading::message(it, key)).unwrap();
    assert_eq!(&*message.text, "I said so");
    assert_eq!(message.from.name.as_str(), format!("erased-{}", id.0));
    assert_eq!(message.from.display_name.as_str(), "Erased person");
    // The direct room is still the other's.
    let title = "SELECT title FROM rooms WHERE kind = 'direct'";
    let title: String = town.look(|it| Ok(it.query_row(title, (), |row| row.get(0))?));
    assert_eq!(title, "ANA, Erased person");
    let sql = format!("SELECT count(*) FROM members WHERE user = {}", id.0);
    assert_eq!(town.count(&sql), 1);
}

#[test]
fn the_name_is_nobody_elses() {
    let mut town = town();
    town.order(erase("bo", true)).unwrap();
    let again = accounts::sign_up("bo", None);
    assert_eq!(code(town.want(None, again)), Code::Exists);
    assert_eq!(code(town.order(erase("bo", true))), Code::NotFound);
    let password = town.look(|it| people::password_of(it, "bo@boson.org"));
    assert!(password.is_none());
}

#[test]
fn an_erasure_from_the_command_line_is_found_by_the_server() {
    let mut town = town();
    let id = town.id("bo");
    town.order(erase("bo", true)).unwrap();
    let found = town.look(|it| crate::chat::missed::outside(it, 0, 1000));
    // Not an op is missing, although most of what concerned the person is forgotten.
    let ops: Vec<_> = found.iter().map(|it| it.op).collect();
    assert!(ops.windows(2).all(|two| two[1] == two[0] + 1), "{ops:?}");
    assert_eq!(
        ops.last().copied(),
        Some(town.count("SELECT op FROM server"))
    );
    let theirs: Vec<_> = found.iter().filter(|it| it.user == Some(id)).collect();
    assert!(theirs.len() > 1 && theirs[0].event.is_none(), "{theirs:?}");
    let last = theirs[theirs.len() - 1].event.as_ref().unwrap();
    assert!(matches!(last.what, What::Account { disabled: true, .. }));
}

/// Goes on with what is to go, as a server does; in how many goes.
fn go_on(town: &mut Town) -> u32 {
    let mut goes = 0;
    while let Some((removal, by)) = town.look(removal::pending) {
        let by = by.map(|id| format!("erased-{}", id.0));
        let by = by.filter(|name| town.look(|it| has(it, name)));
        let done = town
            .want(by.as_deref(), Operation::GoOn { removal })
            .unwrap();
        assert!(
            done.events.len() <= removal::MESSAGES_MAX,
            "{}",
            done.events.len()
        );
        goes += 1;
    }
    goes
}

fn has(connection: &Connection, name: &str) -> Result<bool, StoreError> {
    let sql = "SELECT EXISTS (SELECT 1 FROM users WHERE name = ?)";
    Ok(connection.query_row(sql, [name], |row| row.get(0))?)
}

#[test]
fn who_has_said_much_is_erased_in_many_goes() {
    let mut town = town();
    let id = town.id("bo");
    let much = 3 * removal::MESSAGES_MAX + 50;
    for n in 0..much {
        let say = send("general", "I said so, @ana");
        town.want_once(Some("bo"), Some(&format!("bo-{n}")), say)
            .unwrap();
        town.say("ana", "general", "@bo, you did").unwrap();
        let note = Operation::Notify {
            to: user("ana"),
            text: Text::trusted("I said so"),
        };
        town.want(Some("bo"), note).unwrap();
    }
    let done = town.want(Some("bo"), erase("bo", true)).unwrap();
    // They are gone at once, and the rest cannot be lost: it is noted.
    let few = removal::MESSAGES_MAX + 10;
    assert!(done.events.len() < few, "{}", done.events.len());
    assert_eq!(town.count("SELECT count(*) FROM removals"), 1);
    assert_eq!(code(town.order(erase("bo", true))), Code::NotFound);
    // Others go on meanwhile, and what they say stays.
    town.say("ana", "general", "as I said").unwrap();
    assert!(go_on(&mut town) >= 3);
    for sql in [
        format!(
            "SELECT count(*) FROM messages WHERE author = {} AND deleted_at IS NULL",
            id.0
        ),
        format!("SELECT count(*) FROM keys WHERE user = {}", id.0),
        format!("SELECT count(*) FROM mentions WHERE user = {}", id.0),
        format!(
            "SELECT count(*) FROM notifications WHERE {} IN (user, by)",
            id.0
        ),
        format!("SELECT count(*) - 1 FROM user_events WHERE user = {}", id.0),
    ] {
        assert_eq!(town.count(&sql), 0, "{sql}");
    }
    let sql = "SELECT count(*) FROM messages WHERE deleted_at IS NULL";
    assert_eq!(town.count(sql), much as u64 + 2);
    check::must_be_sound(&town);
    // One that has ended is no mistake: two may have been at it.
    let again = Operation::GoOn { removal: 1 };
    assert!(town.want(None, again).unwrap().events.is_empty());
}

#[test]
fn what_is_said_after_a_ban_stays() {
    let mut town = town();
    for _ in 0..=removal::MESSAGES_MAX {
        town.say("bo", "general", "spam").unwrap();
    }
    let ban = Operation::Ban {
        room: room("general"),
        user: user("bo"),
        messages: true,
    };
    town.want(Some("ana"), ban).unwrap();
    let unban = Operation::Unban {
        room: room("general"),
        user: user("bo"),
    };
    town.want(Some("ana"), unban).unwrap();
    let join = Operation::Join {
        room: room("general"),
    };
    town.want(Some("bo"), join).unwrap();
    town.say("bo", "general", "sorry").unwrap();
    assert_eq!(go_on(&mut town), 1);
    let id = town.id("bo").0;
    let sql = format!(
        "SELECT count(*) FROM messages WHERE author = {id} AND deleted_at IS NULL
           AND key >> 32 = (SELECT id FROM rooms WHERE name = 'general')"
    );
    assert_eq!(town.count(&sql), 1);
    check::must_be_sound(&town);
}
