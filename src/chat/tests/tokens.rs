//! Tokens, invite codes, reset links: made, used, ended.

use super::*;

pub(super) fn create(name: &str, number: u8, expires_at: Option<Millis>) -> Operation {
    Operation::CreateToken {
        scopes: None,
        user: user(name),
        hash: hash(number),
        name: Title::trusted("phone"),
        password: Some("x".to_owned()),
        expires_at,
    }
}

/// Signs somebody in with a token that `hash(number)` is of.
pub(super) fn sign_in(
    town: &mut Town,
    name: &str,
    number: u8,
    expires_at: Option<Millis>,
) -> TokenId {
    match town
        .want(None, create(name, number, expires_at))
        .unwrap()
        .answer
    {
        Answer::Token(id, token) if id == town.id(name) => token,
        other => panic!("{other:?}"),
    }
}

pub(super) fn is_good(town: &Town, number: u8) -> bool {
    let at = town.at;
    town.look(|it| people::identity(it, &hash(number), at))
        .is_some()
}

fn revoke(name: &str, which: Tokens) -> Operation {
    Operation::RevokeTokens {
        user: user(name),
        which,
    }
}

fn invite(number: u8, name: Option<&str>, uses: u32, expires_at: Option<Millis>) -> Operation {
    Operation::CreateInvite {
        hash: hash(number),
        room: name.map(room),
        uses,
        expires_at,
    }
}

fn reset(number: u8, password: &str) -> Operation {
    Operation::Reset {
        hash: hash(number),
        password: password.to_owned(),
    }
}

fn create_reset(name: &str, number: u8, expires_at: Millis) -> Operation {
    Operation::CreateReset {
        user: user(name),
        hash: hash(number),
        expires_at,
    }
}

#[test]
fn a_token_is_its_person_until_it_ends() {
    let mut town = Town::new(&["root", "bo"]);
    let end = town.at + 100;
    let token = sign_in(&mut town, "bo", 1, Some(end));
    let expected = Identity {
        scopes: None,
        user: town.id("bo"),
        name: user("bo"),
        display_name: Title::trusted("BO"),
        role: Role::Member,
        avatar: None,
        token,
        expires_at: Some(end),
        used_at: None,
    };
    let found = |at| town.look(|it| people::identity(it, &hash(1), at));
    assert_eq!(found(end - 1), Some(expected));
    assert_eq!(found(end), None);
    assert_eq!(town.look(|it| people::identity(it, &hash(2), 0)), None);
    let late = create("bo", 3, Some(town.at));
    assert_eq!(code(town.want(None, late)), Code::BadField);
    assert_eq!(
        code(town.want(None, create("nobody", 3, None))),
        Code::NotFound
    );
}

#[test]
fn a_use_is_noted_once_an_hour() {
    let mut town = Town::new(&["root"]);
    let token = sign_in(&mut town, "root", 1, None);
    let noted = |town: &Town, at: Millis| {
        let note = move |it: &Connection| people::note_uses(it, &[(token, at)]);
        town.database.run(note).unwrap();
        let root = town.id("root");
        town.look(|it| people::tokens_of(it, root))[0].used_at
    };
    let hour = people::NOTED_AGAIN_MS;
    assert_eq!(noted(&town, 1), Some(1));
    assert_eq!(noted(&town, hour), Some(1));
    assert_eq!(noted(&town, hour + 1), Some(hour + 1));
    let found = town.look(|it| people::identity(it, &hash(1), 0)).unwrap();
    assert_eq!(found.used_at, Some(hour + 1));
}

#[test]
fn who_signs_in_knows_the_password_of_now() {
    let mut town = Town::new(&["root", "bo"]);
    let with = |name: &str, password: Option<&str>| Operation::CreateToken {
        scopes: None,
        user: user(name),
        hash: hash(1),
        name: Title::trusted("phone"),
        password: password.map(ToOwned::to_owned),
        expires_at: None,
    };
    let helper = Operation::AddUser {
        name: user("helper"),
        display_name: Title::trusted("Helper"),
        email: None,
        password: None,
        role: Role::Bot,
    };
    town.order(helper).unwrap();
    for (name, password) in [("bo", Some("y")), ("bo", None), ("helper", None)] {
        let refused = town.want(None, with(name, password));
        assert_eq!(code(refused), Code::Unauthenticated, "{name} {password:?}");
    }
    assert!(town.want(None, with("bo", Some("x"))).is_ok());
    // Others have shown already who they are.
    assert!(town.want(Some("root"), create("helper", 2, None)).is_ok());
    assert!(town.order(create("helper", 3, None)).is_ok());
}

#[test]
fn tokens_are_ended_one_by_one_or_all_at_once() {
    let mut town = Town::new(&["root", "bo"]);
    let id = town.id("bo");
    let ids = [1, 2, 3].map(|number| sign_in(&mut town, "bo", number, None));
    let of_root = sign_in(&mut town, "root", 9, None);
    let listed = town.look(|it| people::tokens_of(it, id));
    let newest_first = listed.iter().rev().map(|it| it.id);
    assert!(newest_first.eq(ids));
    assert_eq!(
        code(town.want(Some("bo"), revoke("bo", Tokens::One(of_root)))),
        Code::NotFound
    );
    let done = town
        .want(Some("bo"), revoke("bo", Tokens::One(ids[0])))
        .unwrap();
    assert_eq!(done.ended, [Ended::Token(id, ids[0])]);
    assert!(matches!(done.events.as_slice(), [it] if it.what == What::SignedOut));
    assert_eq!([1, 2, 3].map(|it| is_good(&town, it)), [false, true, true]);
    let done = town
        .want(Some("bo"), revoke("bo", Tokens::AllBut(ids[1])))
        .unwrap();
    assert_eq!(done.ended, [Ended::User(id, Some(ids[1]))]);
    assert_eq!([1, 2, 3].map(|it| is_good(&town, it)), [false, true, false]);
    town.want(Some("root"), revoke("bo", Tokens::All)).unwrap();
    assert_eq!(
        [1, 2, 3, 9].map(|it| is_good(&town, it)),
        [false, false, false, true]
    );
    // The highest number went and is not used again.
    town.want(Some("root"), revoke("root", Tokens::All))
        .unwrap();
    assert!(sign_in(&mut town, "bo", 4, None) > of_root);
}

#[test]
fn too_many_tokens_end_the_oldest_of_a_browser() {
    let mut town = Town::new(&["root", "bo"]);
    let id = town.id("bo");
    let far = Some(town.at + 1_000_000);
    sign_in(&mut town, "bo", 0, None);
    let first = sign_in(&mut town, "bo", 1, far);
    for number in 2..limits::TOKENS_MAX as u8 {
        sign_in(&mut town, "bo", number, far);
    }
    let done = town.want(None, create("bo", 200, far)).unwrap();
    assert_eq!(done.ended, [Ended::Token(id, first)]);
    assert!(is_good(&town, 0) && !is_good(&town, 1) && is_good(&town, 2) && is_good(&town, 200));
    let listed = town.look(|it| people::tokens_of(it, id));
    assert_eq!(listed.len(), limits::TOKENS_MAX as usize);
}

#[test]
fn an_invite_lets_in_as_many_as_it_says_and_into_its_room() {
    let mut town = Town::new(&["root", "bo"]);
    town.order(accounts::set_sign_up(SignUp::Invite)).unwrap();
    let den = Operation::CreateRoom {
        room: room("den"),
        title: None,
        topic: None,
        kind: Kind::Private,
    };
    town.want(Some("bo"), den).unwrap();
    let made = town
        .want(Some("bo"), invite(1, Some("den"), 2, None))
        .unwrap();
    assert_eq!(made.answer, Answer::Invite(1));
    let done = town
        .want(None, accounts::sign_up("cy", Some(hash(1))))
        .unwrap();
    let joined = |event: &Event| matches!(&event.what, What::Joined { user: it, .. } if it.name == user("cy"));
    assert!(matches!(done.events.as_slice(), [it] if joined(it)));
    assert!(town.say("cy", "den", "hi").is_ok());
    // A refused sign-up uses nothing up.
    let taken = accounts::sign_up("bo", Some(hash(1)));
    assert_eq!(code(town.want(None, taken)), Code::Exists);
    // Without its room the code is still good for the server.
    let delete = Operation::DeleteRoom { room: room("den") };
    town.want(Some("bo"), delete).unwrap();
    let done = town
        .want(None, accounts::sign_up("di", Some(hash(1))))
        .unwrap();
    assert!(done.events.is_empty());
    let third = accounts::sign_up("ed", Some(hash(1)));
    assert_eq!(code(town.want(None, third)), Code::Forbidden);
}

#[test]
fn an_invite_ends_with_its_time_or_its_maker() {
    let mut town = Town::new(&["root", "bo"]);
    town.order(accounts::set_sign_up(SignUp::Invite)).unwrap();
    let end = town.at + 10;
    town.want(Some("bo"), invite(1, None, 9, Some(end)))
        .unwrap();
    town.want(Some("bo"), invite(2, None, 9, None)).unwrap();
    town.order(invite(3, None, 9, None)).unwrap();
    let numbers = |town: &Town, by: Option<UserId>, before| -> Vec<u32> {
        let found = town.look(|it| people::invites(it, by, before, 9));
        found.iter().map(|it| it.number).collect()
    };
    let bo = Some(town.id("bo"));
    assert_eq!(numbers(&town, None, None), [3, 2, 1]);
    assert_eq!(numbers(&town, None, Some(3)), [2, 1]);
    assert_eq!(numbers(&town, bo, None), [2, 1]);
    town.at = end;
    let late = accounts::sign_up("cy", Some(hash(1)));
    assert_eq!(code(town.want(None, late)), Code::Forbidden);
    town.want(None, Operation::Tidy).unwrap();
    assert_eq!(numbers(&town, None, None), [3, 2]);
    town.order(accounts::disable("bo", true)).unwrap();
    assert_eq!(numbers(&town, None, None), [3]);
    assert!(
        town.want(None, accounts::sign_up("cy", Some(hash(3))))
            .is_ok()
    );
    town.want(Some("root"), Operation::RevokeInvite { number: 3 })
        .unwrap();
    let revoked = accounts::sign_up("di", Some(hash(3)));
    assert_eq!(code(town.want(None, revoked)), Code::Forbidden);
}

#[test]
fn who_may_not_invite_is_told() {
    let mut town = Town::new(&["root", "bo", "cy"]);
    town.room("cy", "general", &[]);
    assert_eq!(
        code(town.want(Some("bo"), invite(1, None, 0, None))),
        Code::BadField
    );
    let many = limits::INVITE_USES_MAX + 1;
    assert_eq!(
        code(town.want(Some("bo"), invite(1, None, many, None))),
        Code::BadField
    );
    let past = Some(town.at);
    assert_eq!(
        code(town.want(Some("bo"), invite(1, None, 1, past))),
        Code::BadField
    );
    let general = invite(1, Some("general"), 1, None);
    assert_eq!(code(town.want(Some("bo"), general)), Code::NotAMember);
    for number in 0..limits::INVITES_MAX as u8 {
        town.want(Some("bo"), invite(number, None, 1, None))
            .unwrap();
    }
    assert_eq!(
        code(town.want(Some("bo"), invite(250, None, 1, None))),
        Code::TooMany
    );
    town.order(accounts::set_sign_up(SignUp::Closed)).unwrap();
    assert_eq!(
        code(town.want(Some("cy"), invite(250, None, 1, None))),
        Code::Forbidden
    );
    assert!(town.want(Some("root"), invite(250, None, 1, None)).is_ok());
    let closed = accounts::sign_up("di", Some(hash(250)));
    assert_eq!(code(town.want(None, closed)), Code::Forbidden);
}

#[test]
fn a_reset_is_used_once_and_ends_all_tokens() {
    let mut town = Town::new(&["root", "bo"]);
    let id = town.id("bo");
    let end = town.at + 100;
    sign_in(&mut town, "bo", 9, None);
    town.want(Some("root"), create_reset("bo", 1, end)).unwrap();
    // Only the newest link is good.
    town.want(Some("root"), create_reset("bo", 2, end)).unwrap();
    assert_eq!(code(town.want(None, reset(1, "new"))), Code::NotFound);
    let done = town.want(None, reset(2, "new")).unwrap();
    assert_eq!(done.answer, Answer::User(id));
    assert_eq!(done.ended, [Ended::User(id, None)]);
    assert!(!is_good(&town, 9));
    let found = town.look(|it| people::password_of(it, "bo")).unwrap();
    assert_eq!(&*found.password, "new");
    assert_eq!(code(town.want(None, reset(2, "newer"))), Code::NotFound);
}

#[test]
fn a_reset_ends_with_its_time_its_password_or_its_person() {
    let mut town = Town::new(&["root", "bo"]);
    let end = town.at + 100;
    town.order(create_reset("bo", 1, end)).unwrap();
    let password = Operation::SetPassword {
        user: user("bo"),
        password: "own".to_owned(),
        keep: None,
    };
    town.want(Some("bo"), password).unwrap();
    assert_eq!(code(town.want(None, reset(1, "new"))), Code::NotFound);
    town.order(create_reset("bo", 2, end)).unwrap();
    town.order(accounts::disable("bo", true)).unwrap();
    assert_eq!(code(town.want(None, reset(2, "new"))), Code::NotFound);
    assert_eq!(
        code(town.order(create_reset("bo", 3, end))),
        Code::Forbidden
    );
    town.order(accounts::disable("bo", false)).unwrap();
    town.order(create_reset("bo", 4, end)).unwrap();
    town.at = end;
    assert_eq!(code(town.want(None, reset(4, "new"))), Code::NotFound);
    assert_eq!(code(town.order(create_reset("bo", 5, end))), Code::BadField);
}

#[test]
fn what_has_expired_goes_and_ends_its_connections() {
    let mut town = Town::new(&["root", "bo"]);
    let end = town.at + 100;
    let short = sign_in(&mut town, "bo", 1, Some(end));
    let long = sign_in(&mut town, "bo", 2, None);
    town.order(create_reset("bo", 3, end)).unwrap();
    town.at = end;
    let done = town.want(None, Operation::Tidy).unwrap();
    let id = town.id("bo");
    assert_eq!(done.ended, [Ended::Token(id, short)]);
    let left = town.look(|it| people::tokens_of(it, id));
    assert!(left.iter().map(|it| it.id).eq([long]));
    assert_eq!(town.count("SELECT count(*) FROM resets"), 0);
}
