//! What was missed: told again, it is what was told then.
//!
//! People do things at random; what comes of it live is kept, and everything that was missed from
//! any moment on is compared with it.

use super::*;
use crate::chat::history::history;
use crate::chat::missed::*;
use crate::chat::summary::*;
use proptest::prelude::*;

const PEOPLE: [&str; 4] = ["root", "ana", "bo", "cy"];
const ROOMS: [&str; 2] = ["general", "den"];

/// What somebody may do: any combination, sensible or not.
fn deeds() -> impl Strategy<Value = Vec<(usize, Operation)>> {
    let room = || prop::sample::select(&ROOMS[..]).prop_map(room);
    let user = || prop::sample::select(&PEOPLE[..]).prop_map(user);
    let seq = || 1..10u32;
    let text = || {
        let said = ["hi", "@bo look", "@room all", "@ana and @cy"];
        prop::sample::select(said.to_vec()).prop_map(Text::trusted)
    };
    let emoji = || prop::sample::select(vec!["+1", "🎉"]).prop_map(Emoji::trusted);
    let level = || prop::option::of(prop::sample::select(Level::ALL));
    let standing = || prop::sample::select(Standing::ALL);
    let said = prop_oneof![
        6 => (room(), text(), prop::option::of(seq()), prop::sample::select(Style::ALL)).prop_map(
            |(room, text, reply_to, style)| {
                Operation::Send { room, text, reply_to, attachment: None, style }
            },
        ),
        2 => (room(), text()).prop_map(|(room, text)| {
            Operation::BotSay { room, asked: text.clone(), text }
        }),
        3 => (room(), seq(), text()).prop_map(|(room, seq, text)| Operation::Edit { room, seq, text }),
        2 => (room(), seq()).prop_map(|(room, seq)| Operation::Delete { room, seq }),
        4 => (room(), seq(), emoji(), any::<bool>())
            .prop_map(|(room, seq, emoji, on)| Operation::React { room, seq, emoji, on }),
        2 => (room(), seq()).prop_map(|(room, seq)| Operation::Read { room, seq }),
        1 => (user(), text()).prop_map(|(to, text)| Operation::Notify { to, text }),
        1 => seq().prop_map(|id| Operation::Seen { id: NotificationId(id) }),
    ];
    let order = prop_oneof![
        2 => room().prop_map(|room| Operation::Join { room }),
        1 => room().prop_map(|room| Operation::Leave { room }),
        2 => (room(), user()).prop_map(|(room, user)| Operation::Invite { room, user }),
        1 => (room(), user()).prop_map(|(room, user)| Operation::Remove { room, user }),
        1 => (room(), user(), any::<bool>())
            .prop_map(|(room, user, messages)| Operation::Ban { room, user, messages }),
        1 => (room(), user()).prop_map(|(room, user)| Operation::Unban { room, user }),
        1 => (room(), user(), standing())
            .prop_map(|(room, user, role)| Operation::SetStanding { room, user, role }),
        1 => (room(), user(), prop::option::of(0..10_000u64))
            .prop_map(|(room, user, until)| Operation::Mute { room, user, until }),
        1 => (room(), level())
            .prop_map(|(room, level)| Operation::SetLevel { room, level }),
        1 => (room(), prop::option::of(seq())).prop_map(|(room, pinned)| Operation::ChangeRoom {
            room,
            title: None,
            topic: Some(Topic::trusted("it")),
            kind: None,
            archived: None,
            pinned: Some(pinned),
        }),
        1 => user().prop_map(|user| Operation::Direct { users: vec![user] }),
    ];
    // Nobody is the command line, whose doings the server finds by itself.
    prop::collection::vec(
        (0..=PEOPLE.len(), prop_oneof![2 => said, 1 => order]),
        1..60,
    )
}

/// What happened, and how each message was after each event of its room.
struct Lived {
    town: Town,
    events: Vec<Event>,
    /// The ops of what the command line did.
    outside: Vec<Op>,
    states: BTreeMap<RoomId, Vec<State>>,
}

type State = BTreeMap<Seq, Message>;

/// Everybody is in both rooms and has said something, so that most of what follows may be done.
fn opening() -> Vec<(usize, Operation)> {
    let mut opening = Vec::new();
    for name in ROOMS {
        let create = Operation::CreateRoom {
            room: room(name),
            title: None,
            topic: None,
            kind: Kind::Public,
        };
        opening.push((1, create));
        for by in 0..PEOPLE.len() {
            opening.push((by, Operation::Join { room: room(name) }));
            opening.push((by, send(name, "hi")));
        }
    }
    opening
}

fn live(deeds: Vec<(usize, Operation)>) -> Lived {
    let mut town = Town::new(&PEOPLE);
    let mut lived = Vec::new();
    let mut outside = Vec::new();
    let mut states: BTreeMap<RoomId, Vec<State>> = BTreeMap::new();
    for (by, operation) in opening().into_iter().chain(deeds) {
        let by = PEOPLE.get(by).copied();
        let done = town.want_from(by, by.is_none(), operation);
        let Ok(outcome) = done else { continue };
        for event in outcome.events {
            if by.is_none() {
                outside.push(event.op);
            }
            lived.push(event);
        }
        // Several events of one operation have one state behind them.
        let heads = town.look(heads);
        for (id, _, version) in heads {
            let now = state(&town, id);
            let known = states.entry(id).or_insert_with(|| vec![State::new()]);
            known.resize(version as usize + 1, now);
        }
    }
    check::must_be_sound(&town);
    Lived {
        town,
        events: lived,
        outside,
        states,
    }
}

/// All messages of a room as they are, but for the versions, which a range may clamp.
fn state(town: &Town, id: RoomId) -> State {
    let page = town.look(move |connection| history(connection, id, Whence::Latest, 1000));
    page.messages
        .into_iter()
        .map(|mut message| {
            message.version = 0;
            (message.seq, message)
        })
        .collect()
}

/// A live event as it is told later: with what messages, rooms and notifications are by then.
fn by_now(town: &Town, event: &Event) -> Option<Event> {
    let mut event = event.clone();
    match (&event.to, &mut event.what) {
        (To::Room { id, version, .. }, What::Message(message) | What::Edited { message, .. }) => {
            let key = id.key(message.seq);
            *message = town.look(move |connection| reading::message(connection, key))?;
            message.version = *version;
        }
        (To::Room { id, .. }, What::Changed { facts, .. }) => {
            let announced = town.announced();
            let (id, root) = (*id, town.id("root"));
            let now = town.look(move |connection| {
                announced.with(|horizon| summary(connection, id, root, horizon))
            });
            // Whoever may not look into a direct room does not change it either.
            *facts = now?.facts;
        }
        (To::User(user), What::Notified(told)) => {
            let (user, id) = (user.0, told.id.0);
            let seen: Option<bool> = town.look(move |connection| {
                let sql = "SELECT max(seen_at IS NOT NULL) FROM notifications
                           WHERE user = ? AND id = ?";
                Ok(connection.query_row(sql, (user, id), |row| row.get(0))?)
            });
            // With its message it is gone.
            told.seen = seen?;
        }
        _ => {}
    }
    Some(event)
}

impl Lived {
    fn to_room(&self, id: RoomId) -> Vec<Event> {
        let told = self.events.iter();
        told.filter(|event| matches!(event.to, To::Room { id: it, .. } if it == id))
            .filter_map(|event| by_now(&self.town, event))
            .collect()
    }

    fn to_user(&self, id: UserId) -> Vec<Event> {
        let told = self.events.iter();
        told.filter(|event| event.to == To::User(id))
            .filter_map(|event| by_now(&self.town, event))
            .collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn what_was_missed_is_what_was_told(deeds in deeds()) {
        let lived = live(deeds);
        let town = &lived.town;
        for &id in lived.states.keys() {
            let told = lived.to_room(id);
            let head = told.len() as Version;
            for after in 0..=head {
                let missed = town.look(move |connection| room_events(connection, id, after, head, 500));
                prop_assert_eq!(&missed[..], &told[after as usize..]);
            }
            let some = town.look(move |connection| room_events(connection, id, 1, head, 2));
            prop_assert_eq!(&some[..], &told[1..(head as usize).min(3)]);
        }
        let last = lived.events.last().map_or(0, |event| event.op);
        for name in PEOPLE {
            let user = town.id(name);
            let told = lived.to_user(user);
            for after in 0..=last {
                let missed = town.look(move |connection| user_events(connection, user, after, last, 500));
                let behind: Vec<Event> =
                    told.iter().filter(|event| event.op > after).cloned().collect();
                prop_assert_eq!(missed, behind);
            }
        }
    }

    #[test]
    fn a_version_is_found_by_its_op(deeds in deeds()) {
        let lived = live(deeds);
        let last = lived.events.last().map_or(0, |event| event.op);
        for &id in lived.states.keys() {
            for op in 0..=last + 1 {
                let expected = lived.events.iter().rev().find_map(|event| match event.to {
                    To::Room { id: it, version, .. } if it == id && event.op <= op => Some(version),
                    _ => None,
                });
                let found = lived.town.look(move |connection| version_at(connection, id, op));
                prop_assert_eq!(found, expected.unwrap_or_default(), "{} at {}", id.0, op);
            }
        }
    }

    #[test]
    fn what_changed_makes_the_state_before_the_state_after(deeds in deeds(), portion in 1..9u32) {
        let lived = live(deeds);
        for (&id, states) in &lived.states {
            let now = states.last().unwrap();
            for (after, before) in states.iter().enumerate() {
                let mut state = before.clone();
                let mut at = after as Version;
                loop {
                    let upto = states.len() as Version - 1;
                    let some = lived.town.look(move |connection| {
                        changed(connection, id, at, upto, portion)
                    });
                    let Some(last) = some.last() else { break };
                    prop_assert!(some.is_sorted_by(|a, b| a.version < b.version));
                    prop_assert!(some[0].version > at && last.version <= upto);
                    at = last.version;
                    state.extend(some.into_iter().map(|mut message| {
                        message.version = 0;
                        (message.seq, message)
                    }));
                }
                prop_assert_eq!(&state, now);
            }
        }
    }

    #[test]
    fn what_the_command_line_did_is_found(deeds in deeds(), portion in 1..5u32) {
        let lived = live(deeds);
        let expected: Vec<Event> = lived
            .events
            .iter()
            .filter(|event| lived.outside.contains(&event.op))
            .filter_map(|event| by_now(&lived.town, event))
            .collect();
        let mut found = Vec::new();
        let mut at = 0;
        loop {
            let some = lived.town.look(move |connection| outside(connection, at, portion));
            let Some(last) = some.last() else { break };
            at = last.op;
            let is_right = |it: &Outside| match it.event.as_ref().map(|event| (event.op, &event.to)) {
                Some((op, To::User(user))) => op == it.op && it.user == Some(*user),
                Some((op, To::Room { .. })) => op == it.op && it.user.is_none(),
                None => true,
            };
            prop_assert!(some.iter().all(is_right));
            found.extend(some.into_iter().filter_map(|it| it.event));
        }
        prop_assert_eq!(found, expected);
        prop_assert_eq!(at, lived.outside.last().copied().unwrap_or_default());
    }
}

#[test]
fn what_changed_up_to_somewhere_is_told_although_it_changed_again_behind() {
    let mut town = Town::new(&["ana"]);
    let id = town.room("ana", "general", &[]);
    town.say("ana", "general", "hi").unwrap();
    town.say("ana", "general", "ho").unwrap();
    town.want(Some("ana"), react("general", 1, "+1", true))
        .unwrap();
    let told = town.look(move |connection| changed(connection, id, 1, 3, 10));
    let told: Vec<_> = told.iter().map(|it| (it.seq, it.version)).collect();
    assert_eq!(told, [(1, 2), (2, 3)]);
    let told = town.look(move |connection| changed(connection, id, 1, 4, 10));
    let told: Vec<_> = told.iter().map(|it| (it.seq, it.version)).collect();
    assert_eq!(told, [(2, 3), (1, 4)]);
}

#[test]
fn whoever_misses_the_end_of_a_room_is_told_its_name() {
    let mut town = Town::new(&["ana", "bo"]);
    let id = town.room("ana", "general", &["bo"]);
    let delete = Operation::DeleteRoom {
        room: room("general"),
    };
    let done = town.want(Some("ana"), delete).unwrap();
    let missed = town.look(move |connection| room_events(connection, id, 2, 4, 10));
    assert_eq!(missed, done.events);
    assert_eq!(missed.len(), 2);
}
