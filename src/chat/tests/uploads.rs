//! Uploads: their limits, and when they go.

use super::*;

/// An upload with the id `u1` and so on.
pub(super) fn add(number: u32, media: &str) -> Operation {
    Operation::AddUpload {
        id: format!("u{number}"),
        hash: format!("{number:064x}"),
        name: "cat.png".to_owned(),
        media: media.to_owned(),
        bytes: 5,
        size: Some((40, 30)),
    }
}

pub(super) fn send(name: &str, id: &str) -> Operation {
    Operation::Send {
        room: room(name),
        text: Text::trusted(""),
        reply_to: None,
        attachment: Some(id.to_owned()),
        style: Style::Plain,
    }
}

fn of(town: &Town, id: &str) -> Option<Upload> {
    town.look(|it| uploaded(it, id))
}

#[test]
fn an_upload_is_its_uploaders_until_a_message_shows_it() {
    let mut town = Town::new(&["root", "bo"]);
    let general = town.room("root", "general", &["bo"]);
    town.want(Some("bo"), add(1, "image/png")).unwrap();
    let before = Upload {
        hash: format!("{:064x}", 1).into(),
        name: "cat.png".into(),
        media: "image/png".into(),
        bytes: 5,
        by: town.id("bo"),
        message: None,
        is_avatar: false,
    };
    assert_eq!(of(&town, "u1").as_ref(), Some(&before));
    assert_eq!(of(&town, "u2"), None);
    assert_eq!(
        code(town.want(Some("root"), send("general", "u1"))),
        Code::NotFound
    );
    town.want(Some("bo"), send("general", "u1")).unwrap();
    let shown = Upload {
        message: Some((general, 1)),
        ..before
    };
    assert_eq!(of(&town, "u1"), Some(shown));
    let delete = Operation::Delete {
        room: room("general"),
        seq: 1,
    };
    assert!(town.look(|it| is_in_use(it, &format!("{:064x}", 1))));
    town.want(Some("bo"), delete).unwrap();
    assert_eq!(of(&town, "u1"), None);
    assert!(!town.look(|it| is_in_use(it, &format!("{:064x}", 1))));
}

#[test]
fn what_is_too_much_is_refused() {
    let mut town = Town::new(&["root", "bo"]);
    let with = |number: u32, hash: &str, bytes| Operation::AddUpload {
        id: format!("u{number}"),
        hash: hash.to_owned(),
        name: "a".to_owned(),
        media: "text/plain".to_owned(),
        bytes,
        size: None,
    };
    let hash = "a".repeat(64);
    let most = limits::UPLOAD_BYTES_MAX;
    assert_eq!(
        code(town.want(Some("bo"), with(1, &hash, most + 1))),
        Code::TooLong
    );
    assert_eq!(
        code(town.want(Some("bo"), with(1, "../x", 1))),
        Code::BadField
    );
    let fit = (limits::UPLOAD_BYTES_PER_DAY_MAX / most) as u32;
    for number in 1..=fit {
        town.want(Some("bo"), with(number, &hash, most)).unwrap();
    }
    assert_eq!(
        code(town.want(Some("bo"), with(0, &hash, most))),
        Code::TooMany
    );
    // It is a person's limit, and a day's.
    assert_eq!(
        code(town.want(Some("root"), with(1, &hash, 1))),
        Code::Exists
    );
    assert!(town.want(Some("root"), with(0, &hash, most)).is_ok());
    town.at += 24 * 60 * 60 * 1000;
    assert!(town.want(Some("bo"), with(fit + 1, &hash, most)).is_ok());
}

#[test]
fn what_is_never_used_is_forgotten_after_a_day() {
    let mut town = Town::new(&["root", "bo"]);
    town.room("root", "general", &["bo"]);
    for number in 1..=3 {
        town.want(Some("bo"), add(number, "image/png")).unwrap();
    }
    let avatar = Operation::SetProfile {
        display_name: None,
        avatar: Some(Some("u1".to_owned())),
    };
    town.want(Some("bo"), avatar).unwrap();
    town.want(Some("bo"), send("general", "u2")).unwrap();
    town.want(None, Operation::Tidy).unwrap();
    assert!(of(&town, "u3").is_some());
    town.at += 24 * 60 * 60 * 1000;
    town.want(None, Operation::Tidy).unwrap();
    assert_eq!(of(&town, "u3"), None);
    assert!(of(&town, "u1").is_some_and(|it| it.is_avatar));
    assert!(of(&town, "u2").is_some());
}
