//! Accounts: who comes in, who may change what, who stays an admin.

use super::*;

pub(super) fn sign_up(name: &str, invite: Option<Hash>) -> Operation {
    Operation::SignUp {
        name: user(name),
        display_name: Title::trusted(name),
        email: None,
        password: "p".to_owned(),
        invite,
    }
}

fn add(name: &str, role: Role) -> Operation {
    Operation::AddUser {
        name: user(name),
        display_name: Title::trusted(name),
        email: None,
        password: Some("p".to_owned()),
        role,
    }
}

pub(super) fn set_sign_up(sign_up: SignUp) -> Operation {
    Operation::Set {
        setting: Setting::SignUp(sign_up),
    }
}

pub(super) fn disable(name: &str, disabled: bool) -> Operation {
    Operation::Disable {
        user: user(name),
        disabled,
    }
}

fn set_role(name: &str, role: Role) -> Operation {
    Operation::SetRole {
        user: user(name),
        role,
    }
}

fn set_password(name: &str, password: &str, keep: Option<TokenId>) -> Operation {
    Operation::SetPassword {
        user: user(name),
        password: password.to_owned(),
        keep,
    }
}

fn set_name(name: &str) -> Operation {
    Operation::SetProfile {
        display_name: Some(Title::trusted(name)),
        avatar: None,
    }
}

fn set_avatar(id: Option<&str>) -> Operation {
    Operation::SetProfile {
        display_name: None,
        avatar: Some(id.map(ToOwned::to_owned)),
    }
}

fn profile(town: &Town, name: &str) -> people::Profile {
    town.look(|it| people::profile(it, &user(name))).unwrap()
}

fn password(town: &Town, who: &str) -> Option<String> {
    let found = town.look(|it| people::password_of(it, who));
    found.map(|it| it.password.into())
}

/// Who wants something: an admin, the person whom it is about, another, nobody, the command line.
const WHO: [&str; 5] = ["root", "bo", "cy", "nobody", "command line"];

/// What each of them is told; `None` is that it was done.
#[track_caller]
fn check(operation: &Operation, expected: [Option<Code>; 5]) {
    for (who, expected) in WHO.into_iter().zip(expected) {
        let mut town = Town::new(&["root", "bo", "cy"]);
        let token = Operation::CreateToken {
            scopes: None,
            user: user("bo"),
            hash: hash(1),
            name: Title::trusted("phone"),
            password: Some("x".to_owned()),
            expires_at: None,
        };
        let invite = Operation::CreateInvite {
            hash: hash(2),
            room: None,
            uses: 1,
            expires_at: None,
        };
        town.want(None, token).unwrap();
        town.want(Some("bo"), invite).unwrap();
        let events = town.count("SELECT op FROM server");
        let verdict = match who {
            "nobody" => town.want(None, operation.clone()),
            "command line" => town.order(operation.clone()),
            name => town.want(Some(name), operation.clone()),
        };
        let told = verdict.err().map(|refusal| refusal.code);
        assert_eq!(told, expected, "{who} wants {operation:?}");
        if expected.is_some() {
            assert_eq!(town.count("SELECT op FROM server"), events);
        }
    }
}

#[test]
fn who_may_what() {
    use Code::{Forbidden, NotFound, Unauthenticated};
    let admins = [
        None,
        Some(Forbidden),
        Some(Forbidden),
        Some(Unauthenticated),
        None,
    ];
    let theirs = [None, None, Some(Forbidden), Some(Unauthenticated), None];
    check(&add("di", Role::Member), admins);
    check(&set_role("bo", Role::Admin), admins);
    check(&disable("bo", true), admins);
    check(&set_sign_up(SignUp::Closed), admins);
    let reset = Operation::CreateReset {
        user: user("bo"),
        hash: hash(3),
        expires_at: 1_000_000,
    };
    check(&reset, admins);
    check(&set_password("bo", "q", None), theirs);
    let erase = Operation::Erase {
        user: user("bo"),
        messages: true,
    };
    check(&erase, theirs);
    for which in [
        Tokens::All,
        Tokens::AllBut(TokenId(1)),
        Tokens::One(TokenId(1)),
    ] {
        let user = user("bo");
        check(&Operation::RevokeTokens { user, which }, theirs);
    }
    let create = Operation::CreateToken {
        scopes: None,
        user: user("bo"),
        hash: hash(4),
        name: Title::trusted("script"),
        password: Some("x".to_owned()),
        expires_at: None,
    };
    // Nobody is who signs in.
    check(&create, [None, None, Some(Forbidden), None, None]);
    let revoke = Operation::RevokeInvite { number: 1 };
    let others = Some(NotFound);
    check(&revoke, [None, None, others, Some(Unauthenticated), None]);
    let invite = Operation::CreateInvite {
        hash: hash(5),
        room: None,
        uses: 1,
        expires_at: None,
    };
    check(&invite, [None, None, None, Some(Unauthenticated), None]);
    // A profile is one's own, and the command line is nobody who has one.
    let nobody = Some(Unauthenticated);
    check(&set_name("Bo"), [None, None, None, nobody, nobody]);
    let upload = uploads::add(1, "image/png");
    check(&upload, [None, None, None, nobody, nobody]);
    // Who has an account makes no other.
    let has = Some(Forbidden);
    check(&sign_up("di", None), [has, has, has, None, None]);
}

#[test]
fn the_first_person_is_the_admin_however_they_come() {
    let role = |town: &Town, name| profile(town, name).role;
    let mut town = Town::new(&[]);
    assert!(town.look(people::is_empty));
    town.order(add("helper", Role::Bot)).unwrap();
    assert!(town.look(people::is_empty));
    town.order(set_sign_up(SignUp::Closed)).unwrap();
    town.want(None, sign_up("ana", None)).unwrap();
    assert!(!town.look(people::is_empty));
    assert_eq!(role(&town, "ana"), Role::Admin);
    assert_eq!(role(&town, "helper"), Role::Bot);

    let mut town = Town::new(&[]);
    assert_eq!(
        code(town.want(None, add("ana", Role::Admin))),
        Code::Unauthenticated
    );
    town.order(add("ana", Role::Member)).unwrap();
    town.order(add("bo", Role::Member)).unwrap();
    assert_eq!(role(&town, "ana"), Role::Admin);
    assert_eq!(role(&town, "bo"), Role::Member);
}

#[test]
fn a_name_or_address_is_one_persons() {
    let mut town = Town::new(&["root"]);
    let with = |name: &str, email: &str| Operation::SignUp {
        name: user(name),
        display_name: Title::trusted(name),
        email: Some(Email::parse("email", email).unwrap()),
        password: name.to_owned(),
        invite: None,
    };
    town.want(None, with("bo", "bo@example.org")).unwrap();
    assert_eq!(code(town.want(None, sign_up("bo", None))), Code::Exists);
    assert_eq!(
        code(town.want(None, with("cy", "BO@example.org"))),
        Code::Exists
    );
    assert!(town.want(None, with("cy", "cy@example.org")).is_ok());
    for who in ["bo", "@Bo", "bo@example.org", " BO@Example.org "] {
        assert_eq!(password(&town, who).as_deref(), Some("bo"), "{who}");
    }
    assert_eq!(password(&town, "di"), None);
}

#[test]
fn who_may_come_in_is_a_setting() {
    let mut town = Town::new(&["root"]);
    assert!(town.want(None, sign_up("ana", Some(hash(9)))).is_ok());
    town.want(Some("root"), set_sign_up(SignUp::Invite))
        .unwrap();
    assert_eq!(code(town.want(None, sign_up("bo", None))), Code::Forbidden);
    assert_eq!(
        code(town.want(None, sign_up("bo", Some(hash(9))))),
        Code::Forbidden
    );
    town.want(Some("root"), set_sign_up(SignUp::Closed))
        .unwrap();
    assert_eq!(code(town.want(None, sign_up("bo", None))), Code::Forbidden);
    assert_eq!(town.look(people::settings).sign_up, SignUp::Closed);
    town.want(Some("root"), set_sign_up(SignUp::Open)).unwrap();
    assert!(town.want(None, sign_up("bo", None)).is_ok());
    let name = Setting::Name(Title::trusted("Ours"));
    town.order(Operation::Set { setting: name }).unwrap();
    let expected = people::Settings {
        sign_up: SignUp::Open,
        name: Some(Title::trusted("Ours")),
    };
    assert_eq!(town.look(people::settings), expected);
}

#[test]
fn another_password_ends_what_the_old_one_opened() {
    let mut town = Town::new(&["root", "bo"]);
    let kept = tokens::sign_in(&mut town, "bo", 1, None);
    tokens::sign_in(&mut town, "bo", 2, None);
    let done = town
        .want(Some("bo"), set_password("bo", "new", Some(kept)))
        .unwrap();
    let id = town.id("bo");
    assert_eq!(done.ended, [Ended::User(id, Some(kept))]);
    assert_eq!(done.events.len(), 1);
    assert_eq!(done.events[0].what, What::SignedOut);
    assert_eq!(password(&town, "bo").as_deref(), Some("new"));
    assert!(tokens::is_good(&town, 1) && !tokens::is_good(&town, 2));
    // An admin keeps nothing of somebody's.
    let done = town
        .want(Some("root"), set_password("bo", "newer", None))
        .unwrap();
    assert_eq!(done.ended, [Ended::User(id, None)]);
    assert!(!tokens::is_good(&town, 1));
}

#[test]
fn a_profile_is_told_to_ones_own_devices() {
    let mut town = Town::new(&["root", "bo"]);
    let id = town.id("bo");
    let done = town.want(Some("bo"), set_name("Bo the Great")).unwrap();
    let [event] = done.events.as_slice() else {
        panic!("{done:?}")
    };
    assert_eq!(event.to, To::User(id));
    let expected = What::Account {
        user: Person {
            id,
            name: user("bo"),
            display_name: Title::trusted("Bo the Great"),
        },
        role: Role::Member,
        disabled: false,
    };
    assert_eq!(event.what, expected);
    let again = town.want(Some("bo"), set_name("Bo the Great")).unwrap();
    assert!(again.events.is_empty());
    let display_name = profile(&town, "bo").person.display_name;
    assert_eq!(display_name, Title::trusted("Bo the Great"));
}

#[test]
fn an_avatar_is_a_picture_of_ones_own_and_in_no_message() {
    let mut town = Town::new(&["root", "bo"]);
    town.room("root", "general", &["bo"]);
    town.want(Some("bo"), uploads::add(1, "image/png")).unwrap();
    town.want(Some("bo"), uploads::add(2, "image/svg+xml"))
        .unwrap();
    town.want(Some("bo"), uploads::add(3, "image/png")).unwrap();
    town.want(Some("bo"), uploads::send("general", "u3"))
        .unwrap();
    let refused = town.want(Some("root"), set_avatar(Some("u1"))).unwrap_err();
    assert_eq!(
        (refused.code, refused.field),
        (Code::NotFound, Some("avatar"))
    );
    assert_eq!(
        code(town.want(Some("bo"), set_avatar(Some("u2")))),
        Code::BadField
    );
    assert_eq!(
        code(town.want(Some("bo"), set_avatar(Some("u3")))),
        Code::NotFound
    );
    let done = town.want(Some("bo"), set_avatar(Some("u1"))).unwrap();
    assert_eq!(done.events.len(), 1);
    assert_eq!(profile(&town, "bo").avatar.as_deref(), Some("u1"));
    // It would go with the message.
    assert_eq!(
        code(town.want(Some("bo"), uploads::send("general", "u1"))),
        Code::NotFound
    );
    town.want(Some("bo"), set_avatar(None)).unwrap();
    assert_eq!(profile(&town, "bo").avatar, None);
    assert!(
        town.want(Some("bo"), uploads::send("general", "u1"))
            .is_ok()
    );
}

#[test]
fn who_is_disabled_is_out_until_enabled() {
    let mut town = Town::new(&["root", "bo"]);
    town.room("root", "general", &["bo"]);
    tokens::sign_in(&mut town, "bo", 1, None);
    let id = town.id("bo");
    let done = town.want(Some("root"), disable("bo", true)).unwrap();
    assert_eq!(done.ended, [Ended::User(id, None)]);
    let disabled = |event: &Event| matches!(event.what, What::Account { disabled: true, .. });
    assert!(done.events.iter().any(disabled));
    assert!(!tokens::is_good(&town, 1));
    assert_eq!(code(town.say("bo", "general", "hi")), Code::Unauthenticated);
    assert_eq!(
        code(town.want(None, tokens::create("bo", 2, None))),
        Code::Forbidden
    );
    assert!(
        town.look(|it| people::password_of(it, "bo"))
            .unwrap()
            .disabled
    );
    let again = town.want(Some("root"), disable("bo", true)).unwrap();
    assert!(again.events.is_empty() && again.ended.is_empty());
    town.want(Some("root"), disable("bo", false)).unwrap();
    assert!(town.say("bo", "general", "hi").is_ok());
    assert!(!tokens::is_good(&town, 1));
}

#[test]
fn there_is_always_an_admin_who_can_sign_in() {
    let mut town = Town::new(&["ana", "bo"]);
    let erase = Operation::Erase {
        user: user("ana"),
        messages: false,
    };
    let ends = [set_role("ana", Role::Member), disable("ana", true), erase];
    for operation in &ends {
        assert_eq!(
            code(town.want(Some("ana"), operation.clone())),
            Code::Forbidden
        );
        assert_eq!(code(town.order(operation.clone())), Code::Forbidden);
    }
    // An admin who has no way in is none.
    let without = Operation::AddUser {
        name: user("cy"),
        display_name: Title::trusted("cy"),
        email: None,
        password: None,
        role: Role::Admin,
    };
    town.order(without).unwrap();
    for operation in &ends {
        assert_eq!(code(town.order(operation.clone())), Code::Forbidden);
    }
    assert!(town.order(set_role("cy", Role::Member)).is_ok());
    let done = town.want(Some("ana"), set_role("bo", Role::Admin)).unwrap();
    let admin = |event: &Event| {
        let role = Role::Admin;
        matches!(&event.what, What::Account { role: it, .. } if *it == role)
    };
    assert!(done.events.iter().all(admin) && done.events.len() == 1);
    for operation in &ends[..2] {
        assert!(town.want(Some("bo"), operation.clone()).is_ok());
    }
    assert_eq!(
        code(town.want(Some("bo"), disable("bo", true))),
        Code::Forbidden
    );
}

#[test]
fn people_are_found_by_how_they_begin() {
    let mut town = Town::new(&["root", "ana", "anton", "bo", "cy"]);
    town.want(Some("cy"), set_name("anatol")).unwrap();
    town.want(Some("root"), disable("bo", true)).unwrap();
    let page = |town: &Town, after: Option<&str>, limit, query: Option<&str>| -> Vec<String> {
        let after = after.map(user);
        let found = town.look(|it| people::people(it, after.as_ref(), limit, query));
        found.iter().map(|it| it.person.name.to_string()).collect()
    };
    assert_eq!(
        page(&town, None, 9, None),
        ["ana", "anton", "bo", "cy", "root"]
    );
    assert_eq!(page(&town, Some("anton"), 2, None), ["bo", "cy"]);
    assert_eq!(page(&town, None, 9, Some("AN")), ["ana", "anton", "cy"]);
    assert_eq!(page(&town, None, 9, Some("@ana")), ["ana"]);
    assert_eq!(page(&town, Some("ana"), 1, Some("an")), ["anton"]);
    assert_eq!(page(&town, Some("anton"), 1, Some("an")), ["cy"]);
    assert_eq!(page(&town, None, 9, Some("%")), [""; 0]);
    town.order(Operation::Erase {
        user: user("ana"),
        messages: false,
    })
    .unwrap();
    assert_eq!(page(&town, None, 9, Some("an")), ["anton", "cy"]);
    assert_eq!(page(&town, None, 9, Some("erased")), [""; 0]);
    assert!(profile(&town, "bo").disabled);
    assert_eq!(town.look(|it| people::profile(it, &user("ana"))), None);
}

#[test]
fn what_has_had_its_time_is_forgotten() {
    const DAY: u64 = 24 * 60 * 60 * 1000;
    let mut town = Town::new(&["root", "bo"]);
    town.want(Some("bo"), set_name("One")).unwrap();
    town.order(set_role("bo", Role::Bot)).unwrap();
    town.want(None, Operation::Tidy).unwrap();
    let before = town.count("SELECT op FROM server");
    town.at += 2 * DAY;
    town.want(Some("bo"), set_name("Two")).unwrap();
    town.want(None, Operation::Tidy).unwrap();
    assert_eq!(town.count("SELECT count(*) FROM outside"), 0);
    assert_eq!(town.count("SELECT count(*) FROM user_events"), 3);
    town.at += 29 * DAY;
    town.want(None, Operation::Tidy).unwrap();
    assert_eq!(town.count("SELECT count(*) FROM user_events"), 1);
    assert_eq!(town.count("SELECT forgotten FROM server"), before);
    town.at += 31 * DAY;
    town.want(None, Operation::Tidy).unwrap();
    assert_eq!(town.count("SELECT count(*) FROM user_events"), 0);
    assert_eq!(town.count("SELECT forgotten FROM server"), before + 1);
    assert_eq!(town.count("SELECT count(*) FROM marks"), 2);
}
