//! Rooms: coming, going, keeping order.

use super::*;

fn create(name: &str, kind: Kind) -> Operation {
    Operation::CreateRoom {
        room: room(name),
        title: None,
        topic: None,
        kind,
    }
}

#[test]
fn a_private_room_is_not_there_for_others() {
    let mut town = Town::new(&["root", "ana", "bo"]);
    town.want(Some("ana"), create("den", Kind::Private))
        .unwrap();
    let join = Operation::Join { room: room("den") };
    assert_eq!(code(town.want(Some("bo"), join.clone())), Code::NotFound);
    let invite = Operation::Invite {
        room: room("den"),
        user: user("bo"),
    };
    assert_eq!(code(town.want(Some("bo"), invite.clone())), Code::NotFound);
    let done = town.want(Some("ana"), invite).unwrap();
    assert_eq!(done.events.len(), 2);
    assert!(town.say("bo", "den", "hi").is_ok());
    assert!(town.want(Some("bo"), join).unwrap().events.is_empty());
}

#[test]
fn who_leaves_last_leaves_no_room_without_an_owner() {
    let mut town = Town::new(&["root", "ana", "bo", "cy"]);
    town.room("ana", "general", &["bo", "cy"]);
    let standing = Operation::SetStanding {
        room: room("general"),
        user: user("cy"),
        role: Standing::Moderator,
    };
    town.want(Some("ana"), standing).unwrap();
    let done = town
        .want(
            Some("ana"),
            Operation::Leave {
                room: room("general"),
            },
        )
        .unwrap();
    let heir = done.events.iter().find_map(|event| match &event.what {
        What::Member {
            user,
            standing: Standing::Owner,
            ..
        } => Some(user.name.clone()),
        _ => None,
    });
    assert_eq!(heir, Some(user("cy")));
}

#[test]
fn a_direct_room_is_the_same_for_the_same_people() {
    let mut town = Town::new(&["root", "ana", "bo", "cy"]);
    let direct = |names: &[&str]| Operation::Direct {
        users: names.iter().map(|name| user(name)).collect(),
    };
    let first = town.want(Some("ana"), direct(&["bo"])).unwrap();
    let again = town.want(Some("bo"), direct(&["ana", "bo"])).unwrap();
    assert_eq!(first.answer, again.answer);
    assert!(again.events.is_empty());
    let three = town.want(Some("bo"), direct(&["ana", "cy"])).unwrap();
    assert_ne!(three.answer, first.answer);
    assert_eq!(
        code(town.want(Some("bo"), direct(&["nobody"]))),
        Code::NotFound
    );
}

#[test]
fn who_is_banned_does_not_come_back_and_what_they_said_goes() {
    let mut town = Town::new(&["root", "ana", "bo"]);
    town.room("ana", "general", &["bo"]);
    town.say("bo", "general", "spam").unwrap();
    town.say("bo", "general", "spam").unwrap();
    let ban = Operation::Ban {
        room: room("general"),
        user: user("bo"),
        messages: true,
    };
    assert_eq!(code(town.want(Some("bo"), ban.clone())), Code::Forbidden);
    let done = town.want(Some("ana"), ban).unwrap();
    let deleted = done
        .events
        .iter()
        .filter(|it| matches!(it.what, What::Deleted { .. }));
    assert_eq!(deleted.count(), 2);
    let join = Operation::Join {
        room: room("general"),
    };
    assert_eq!(code(town.want(Some("bo"), join.clone())), Code::Forbidden);
    let unban = Operation::Unban {
        room: room("general"),
        user: user("bo"),
    };
    town.want(Some("ana"), unban).unwrap();
    assert!(town.want(Some("bo"), join).is_ok());
}

#[test]
fn a_deleted_room_leaves_its_name() {
    let mut town = Town::new(&["root", "ana", "bo"]);
    let first = town.room("ana", "general", &["bo"]);
    let delete = Operation::DeleteRoom {
        room: room("general"),
    };
    assert_eq!(code(town.want(Some("bo"), delete.clone())), Code::Forbidden);
    town.want(Some("ana"), delete).unwrap();
    assert_eq!(code(town.say("bo", "general", "hi")), Code::NotFound);
    assert_ne!(town.room("bo", "general", &[]), first);
}

#[test]
fn a_room_called_as_another_was_goes_on_above_it() {
    let mut town = Town::new(&["root", "ana"]);
    for (turn, least) in [(0, 1), (1, 4), (2, 7)] {
        let id = town.room("ana", "general", &[]);
        let other = town.room("ana", &format!("other-{turn}"), &[]);
        let versions = town.look(move |connection| {
            let heads = heads(connection)?;
            let of = |id| heads.iter().find(|head| head.0 == id).map(|head| head.2);
            Ok((of(id), of(other)))
        });
        assert_eq!(versions, (Some(least), Some(1)), "the {turn}th");
        let delete = Operation::DeleteRoom {
            room: room("general"),
        };
        town.want(Some("ana"), delete).unwrap();
    }
    let findings = town.look(|connection| {
        let mut found = Vec::new();
        check(connection, &mut |told| {
            if let Told::Found(it) = told {
                found.push(it);
            }
        })?;
        Ok(found)
    });
    assert_eq!(findings.len(), 0, "{findings:?}");
}
