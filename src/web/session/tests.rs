//! # Sessions against a model of them
//!
//! Whatever visitors do, and whenever it reaches the disk, each of them finds what a plain map would
//! have, and an id that was given up finds nothing.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::ledger::MIGRATIONS;
use super::*;

const IDLE_S: u64 = 20_000;
const WHOLE_S: u64 = 60_000;
const VISITORS: usize = 3;
const USERS: [&str; 2] = ["ann", "bob"];
const KEYS: [&str; 3] = ["a", "b", "c"];

#[derive(Clone, Debug)]
enum Deed {
    Look(usize),
    Insert(usize, usize, u8),
    Remove(usize, usize),
    Clear(usize),
    Login(usize, usize),
    Logout(usize),
    Everywhere(usize),
    /// Time passes.
    Wait(u64),
    /// All that was written reaches the disk.
    Commit,
}

fn deed() -> impl Strategy<Value = Deed> {
    let (visitor, key, user) = (0..VISITORS, 0..KEYS.len(), 0..USERS.len());
    prop_oneof![
        visitor.clone().prop_map(Deed::Look),
        (visitor.clone(), key.clone(), any::<u8>())
            .prop_map(|(who, key, it)| Deed::Insert(who, key, it)),
        (visitor.clone(), key).prop_map(|(who, key)| Deed::Remove(who, key)),
        visitor.clone().prop_map(Deed::Clear),
        (visitor.clone(), user.clone()).prop_map(|(who, user)| Deed::Login(who, user)),
        visitor.prop_map(Deed::Logout),
        user.prop_map(Deed::Everywhere),
        (0..30_000_u64).prop_map(Deed::Wait),
        Just(Deed::Commit),
    ]
}

/// What a session should be.
#[derive(Clone, Debug, PartialEq)]
struct Model {
    user: Option<String>,
    values: BTreeMap<&'static str, u8>,
    began_s: u64,
    seen_s: u64,
}

struct World {
    database: Database,
    keeper: Keeper,
    now_s: u64,
    ids: [Option<String>; VISITORS],
    models: [Option<Model>; VISITORS],
    given_up: BTreeSet<String>,
}

impl World {
    fn new() -> Self {
        let database = Database::in_memory(&[MIGRATIONS]).unwrap();
        let mut keeper = Keeper::open(&database).unwrap();
        keeper.set_lifetimes(IDLE_S, WHOLE_S);
        Self {
            database,
            keeper,
            now_s: 1_000_000,
            ids: [const { None }; VISITORS],
            models: [const { None }; VISITORS],
            given_up: BTreeSet::new(),
        }
    }

    fn session(&self, who: usize) -> Session {
        self.keeper
            .session(self.ids[who].as_deref(), self.now_s)
            .unwrap()
    }

    /// One request, and what the browser makes of its answer.
    fn request(&mut self, who: usize, act: impl FnOnce(&mut Session)) {
        let mut session = self.session(who);
        act(&mut session);
        let flash = session.flash();
        match session.settle(None, flash, self.now_s).unwrap().cookie {
            Some(CookieNews::Set { id, .. }) => {
                let old = self.ids[who].replace(id.clone());
                self.given_up.extend(old.filter(|old| *old != id));
            }
            Some(CookieNews::Remove) => self.given_up.extend(self.ids[who].take()),
            None => {}
        }
    }

    /// The same request, as it should be.
    fn model(&mut self, who: usize, act: impl FnOnce(&mut Model)) {
        let now_s = self.now_s;
        let found = self.models[who].take();
        let is_new = found.is_none();
        let mut model = found.unwrap_or(Model {
            user: None,
            values: BTreeMap::new(),
            began_s: now_s,
            seen_s: now_s,
        });
        act(&mut model);
        if now_s - model.seen_s >= IDLE_S / 8 {
            model.seen_s = now_s;
        }
        if !is_new || model.user.is_some() || !model.values.is_empty() {
            self.models[who] = Some(model);
        }
    }

    fn expire(&mut self) {
        let now_s = self.now_s;
        for model in &mut self.models {
            let lives = |it: &Model| now_s < it.seen_s + IDLE_S && now_s < it.began_s + WHOLE_S;
            if !model.as_ref().is_some_and(lives) {
                *model = None;
            }
        }
    }

    fn do_it(&mut self, deed: Deed) {
        match deed {
            Deed::Look(who) => {
                self.request(who, |_| {});
                self.model(who, |_| {});
            }
            Deed::Insert(who, key, value) => {
                self.request(who, |session| session.insert(KEYS[key], value));
                self.model(who, |model| {
                    model.values.insert(KEYS[key], value);
                });
            }
            Deed::Remove(who, key) => {
                self.request(who, |session| session.remove(KEYS[key]));
                self.model(who, |model| {
                    model.values.remove(KEYS[key]);
                });
            }
            Deed::Clear(who) => {
                self.request(who, Session::clear);
                self.model(who, |model| model.values.clear());
            }
            Deed::Login(who, user) => {
                let (user, now_s) = (USERS[user], self.now_s);
                self.request(who, |session| {
                    session.login(user);
                });
                self.model(who, |model| {
                    if model.user.as_deref().is_some_and(|other| other != user) {
                        model.values.clear();
                    }
                    model.user = Some(user.to_owned());
                    (model.began_s, model.seen_s) = (now_s, now_s);
                });
            }
            Deed::Logout(who) => {
                self.request(who, Session::logout);
                self.models[who] = None;
            }
            Deed::Everywhere(user) => {
                let ended = vec![Change::EndAll(USERS[user].to_owned())];
                drop(self.keeper.0.write(ended, self.now_s).unwrap());
                for model in &mut self.models {
                    let is_theirs = |it: &Model| it.user.as_deref() == Some(USERS[user]);
                    if model.as_ref().is_some_and(is_theirs) {
                        *model = None;
                    }
                }
            }
            Deed::Wait(seconds) => {
                self.now_s += seconds;
                self.expire();
            }
            Deed::Commit => self.database.run(|_| Ok(())).unwrap(),
        }
    }

    fn check(&self) {
        for who in 0..VISITORS {
            let session = self.session(who);
            let model = self.models[who].as_ref();
            assert_eq!(
                session.user(),
                model.and_then(|model| model.user.as_deref())
            );
            for key in KEYS {
                let expected = model.and_then(|model| model.values.get(key).copied());
                assert_eq!(session.get::<u8>(key), expected, "{key} of {who}");
            }
        }
        for id in &self.given_up {
            let session = self.keeper.session(Some(id), self.now_s).unwrap();
            assert!(
                session.record.is_none(),
                "an id that was given up finds nothing"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn each_visitor_finds_what_a_plain_map_would_have(deeds in prop::collection::vec(deed(), 1..40)) {
        let mut world = World::new();
        for deed in deeds {
            world.do_it(deed);
            world.check();
        }
        world.do_it(Deed::Commit);
        world.check();
    }
}

#[test]
fn values_come_back_as_the_type_that_is_asked_for() {
    let world = World::new();
    let mut session = world.session(0);
    session.insert("number", 7);
    session.insert("text", "seven");
    session.insert("list", vec![1, 2]);
    session.insert("nothing", Value::Null);
    assert_eq!(session.get::<u8>("number"), Some(7));
    assert_eq!(session.get::<String>("number"), None);
    assert_eq!(session.get::<String>("text").as_deref(), Some("seven"));
    assert_eq!(session.get::<Vec<u8>>("list"), Some(vec![1, 2]));
    assert_eq!(session.get::<Option<u8>>("nothing"), Some(None));
    assert_eq!(session.get::<u8>("missing"), None);
    session.clear();
    assert_eq!(session.get::<u8>("number"), None);
}

#[test]
fn a_new_session_takes_the_anchor_over_and_a_sign_in_does_not() {
    let mut world = World::new();
    let visitors = Anchor::random();
    let anchor_after = |world: &mut World, act: &dyn Fn(&mut Session)| {
        let mut session = world.session(0);
        act(&mut session);
        let settled = session
            .settle(Some(visitors), Flash::default(), world.now_s)
            .unwrap();
        if let Some(CookieNews::Set { id, .. }) = settled.cookie {
            world.ids[0] = Some(id);
        }
        world.session(0).record.map(|record| record.anchor)
    };
    let first = anchor_after(&mut world, &|session| session.insert("a", 1));
    assert_eq!(first, Some(visitors.bytes));
    let second = anchor_after(&mut world, &|session| {
        session.login("ann");
    });
    assert!(second.is_some() && second != first);
}

#[test]
fn a_session_in_use_does_not_end() {
    let mut world = World::new();
    // Shorter than the time after which use is noted at the latest.
    world.keeper.set_lifetimes(1800, WHOLE_S);
    world.do_it(Deed::Login(0, 0));
    for _ in 0..6 {
        world.now_s += 600;
        assert!(world.session(0).user().is_some(), "used ten minutes ago");
        world.do_it(Deed::Look(0));
    }
}

#[test]
fn what_is_too_much_is_refused() {
    let world = World::new();
    let mut session = world.session(0);
    session.insert("a", "x".repeat(DATA_BYTES_MAX));
    let refused = session.settle(None, Flash::default(), world.now_s);
    assert!(refused.unwrap_err().contains("65536"));
}
