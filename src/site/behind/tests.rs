//! What a connection is told that was away: everything, once, in order, in few pages.

use serde_json::{Value, json};

use super::*;
use crate::chat::{
    Entry, Keepsake, Kind, Op, Operation, Style, Text, Title, TokenId, UserName, Verdict,
    open_in_memory, summary,
};
use crate::ground::time::Instant;
use crate::layer::Channel;
use crate::site::crowd::Seat;
use crate::site::fields::Fields;
use crate::site::hall::Head;
use crate::site::resume;

/// A server without connections, in which whatever is stored is announced at once.
struct Town {
    hall: Hall,
    at: u64,
}

const ANA: UserId = UserId(1);
const LINE: Channel = Channel(7);

impl Town {
    /// A server with Ana in it.
    fn new() -> Self {
        let database = open_in_memory("e", 1).unwrap();
        let hall = Hall::open(database, 1).unwrap();
        let mut town = Self { hall, at: 1000 };
        town.want(
            None,
            Operation::SignUp {
                name: ana(),
                display_name: Title::trusted("Ana"),
                email: None,
                password: "x".to_owned(),
                invite: None,
            },
        );
        town
    }

    fn want(&mut self, by: Option<UserId>, operation: Operation) {
        self.at += 1;
        let entry = Entry {
            by,
            at: self.at,
            key: None,
            random: [0; 16],
            outside: false,
            operation,
        };
        let (sender, receiver) = std::sync::mpsc::channel::<Verdict>();
        let done = Box::new(move |verdict| -> Keepsake { Box::new(sender.send(verdict).is_ok()) });
        self.hall.log.append(entry, done).unwrap();
        receiver.recv().unwrap().unwrap();
        let (op, heads) = self
            .hall
            .reader
            .query(|tables| Ok((summary::position(tables)?.1, summary::heads(tables)?)))
            .unwrap();
        self.hall.announced = op;
        let heads = heads.into_iter();
        self.hall.heads = heads
            .map(|(room, seq, version)| (room, Head { seq, version }))
            .collect();
    }

    /// Makes a room of Ana's.
    fn room(&mut self, name: &str) -> RoomId {
        let room = named(name);
        let operation = Operation::CreateRoom {
            room: room.clone(),
            title: None,
            topic: None,
            kind: Kind::Public,
        };
        self.want(Some(ANA), operation);
        let found = self
            .hall
            .reader
            .query(|tables| summary::room_named(tables, &room, ANA));
        found.unwrap().unwrap().0
    }

    fn say(&mut self, room: &str, text: &str) {
        let operation = Operation::Send {
            room: named(room),
            text: Text::trusted(text),
            reply_to: None,
            attachment: None,
            style: Style::Plain,
        };
        self.want(Some(ANA), operation);
    }

    fn notify(&mut self, text: &str) -> Op {
        let operation = Operation::Notify {
            to: ana(),
            text: Text::trusted(text),
        };
        self.want(Some(ANA), operation);
        self.hall.announced
    }

    fn version(&self, room: RoomId) -> Version {
        self.hall.head(room).version
    }

    /// Ana has a connection, which hears, and says where she was. `since` is what had been told when
    /// it opened.
    fn resumes(&mut self, since: Op, was: &Value) -> Behind {
        let seat = Seat {
            channel: LINE,
            token: TokenId(1),
            expires_at: None,
            away: false,
            active: Instant::default(),
            idle: false,
            in_flight: 0,
            scopes: None,
            only: None,
            watch: None,
            behind: None,
        };
        let title = Title::trusted("Ana");
        self.hall.crowd.sit(ANA, &ana(), &title, seat);
        let fields = Fields(was.as_object().unwrap());
        let rooms = resume::rooms_of(&self.hall, ANA, None).unwrap();
        let hears = (LINE, &rooms[..]);
        resume::resume(&mut self.hall, ANA, hears, Some(since), fields).unwrap();
        let seat = self.hall.crowd.seat_mut(ANA, LINE).unwrap();
        *seat.behind.take().unwrap()
    }

    /// The next page.
    fn page(&self, behind: &mut Behind) -> Vec<Value> {
        let page = behind.page(&self.hall, ANA).unwrap();
        let mut told = Vec::new();
        for parcel in &page {
            behind.advance(parcel);
            if !parcel.is_silent() {
                told.push(serde_json::from_str(&parcel.told.json).unwrap());
            }
        }
        assert!(
            !page.is_empty() || behind.is_over(&self.hall),
            "it is stuck"
        );
        told
    }

    /// Everything that is left, and the number of its pages.
    fn rest(&self, behind: &mut Behind) -> (Vec<Value>, usize) {
        let (mut told, mut pages) = (Vec::new(), 0);
        while !behind.is_over(&self.hall) {
            told.extend(self.page(behind));
            pages += 1;
            assert!(pages < 10_000, "it does not end");
        }
        assert!(self.page(behind).is_empty());
        (told, pages)
    }
}

fn ana() -> UserName {
    UserName::parse("name", "ana").unwrap()
}

fn named(name: &str) -> RoomName {
    RoomName::parse("room", name).unwrap()
}

fn texts(told: &[Value]) -> Vec<&str> {
    told.iter().filter_map(|it| it["text"].as_str()).collect()
}

#[test]
fn what_happens_just_before_it_hears_again_is_told_also_behind_states() {
    // As many messages as fit into pages of states without rest.
    let mut town = Town::new();
    let den = town.room("den");
    let start = town.version(den);
    for number in 0..ROOM_EVENTS {
        town.say("den", &number.to_string());
    }
    let mut behind = Behind::since(town.hall.announced);
    let head = town.version(den);
    behind.resume(den, named("den"), start, None, Some(head));
    assert_eq!(town.page(&mut behind).len(), ROOM_EVENTS as usize);
    assert_eq!(town.page(&mut behind)[0]["event"], "caught_up");
    town.say("den", "late");
    let (told, _) = town.rest(&mut behind);
    assert_eq!(texts(&told), ["late"]);
}

#[test]
fn what_concerns_a_person_is_told_around_what_they_heard() {
    let mut town = Town::new();
    let before = town.hall.announced;
    town.notify("missed");
    town.room("den");
    // The last event before it opened is none of the person's own.
    town.say("den", "hi");
    let opened = town.hall.announced;
    town.notify("heard");
    let mut behind = town.resumes(opened, &json!({"since": before}));
    town.notify("while it is fed");
    let (told, _) = town.rest(&mut behind);
    let notes: Vec<_> = told
        .iter()
        .filter(|it| it["event"] == "notification")
        .filter_map(|it| it["text"].as_str())
        .collect();
    assert_eq!(notes, ["missed", "while it is fed"]);
}

#[test]
fn what_was_heard_is_not_told_again_behind_states() {
    let mut town = Town::new();
    let den = town.room("den");
    let start = town.version(den);
    for number in 0..510 {
        town.say("den", &number.to_string());
    }
    let opened = town.hall.announced;
    town.say("den", "heard");
    let mut behind = town.resumes(opened, &json!({"rooms": {"den": start}}));
    town.say("den", "while it is fed");
    let (told, _) = town.rest(&mut behind);
    let mut expected: Vec<String> = (0..510).map(|number| number.to_string()).collect();
    expected.push("while it is fed".to_owned());
    assert_eq!(texts(&told), expected);
    assert_eq!(told[0]["state"], true);
}

/// That Ana has left a room, as of its last event.
fn parting(town: &Town, room: RoomId) -> Parting {
    let version = town.version(room);
    let event = town
        .hall
        .reader
        .query(|connection| missed::room_events(connection, room, version - 1, version, 1));
    let event = event.unwrap().pop().unwrap();
    Parting {
        room,
        name: named("den"),
        version,
        op: event.op,
        told: wire::event(&event, None),
    }
}

fn exits(told: &[Value]) -> usize {
    told.iter().filter(|it| it["event"] == "left").count()
}

#[test]
fn who_left_and_came_back_while_behind_hears_of_it_once() {
    let mut town = Town::new();
    let den = town.room("den");
    let start = town.version(den);
    let mut behind = resume::at_head(&town.hall, &[den]);
    town.want(Some(ANA), Operation::Leave { room: named("den") });
    behind.leave(&parting(&town, den));
    town.want(Some(ANA), Operation::Join { room: named("den") });
    behind.enter(den, town.version(den) - 1);
    // Told event by event from before they left; or only from when they were back.
    let name = || named("den");
    behind.resume(den, name(), start, None, None);
    assert_eq!(exits(&town.rest(&mut behind).0), 1);

    let mut behind = resume::at_head(&town.hall, &[den]);
    town.want(Some(ANA), Operation::Leave { room: named("den") });
    behind.leave(&parting(&town, den));
    town.want(Some(ANA), Operation::Join { room: named("den") });
    behind.enter(den, town.version(den) - 1);
    assert_eq!(exits(&town.rest(&mut behind).0), 1);
}

#[test]
fn who_is_back_and_reads_anew_is_not_told_that_they_left() {
    let mut town = Town::new();
    let den = town.room("den");
    let mut behind = resume::at_head(&town.hall, &[den]);
    town.want(Some(ANA), Operation::Leave { room: named("den") });
    behind.leave(&parting(&town, den));
    town.want(Some(ANA), Operation::Join { room: named("den") });
    behind.enter(den, town.version(den) - 1);
    behind.resume(den, named("den"), town.version(den), None, None);
    assert_eq!(exits(&town.rest(&mut behind).0), 0);
}

#[test]
fn who_reads_a_room_anew_is_not_told_how_they_left_another_that_was_called_so() {
    let mut town = Town::new();
    let old = town.room("den");
    let mut behind = resume::at_head(&town.hall, &[old]);
    town.want(Some(ANA), Operation::Leave { room: named("den") });
    behind.leave(&parting(&town, old));
    town.want(Some(ANA), Operation::Join { room: named("den") });
    town.want(Some(ANA), Operation::DeleteRoom { room: named("den") });
    let den = town.room("den");
    assert_ne!(den, old);
    behind.resume(den, named("den"), town.version(den), None, None);
    assert_eq!(exits(&town.rest(&mut behind).0), 0);
}

#[test]
fn who_left_before_it_was_known_that_they_fell_behind_hears_of_it_once() {
    let mut town = Town::new();
    let den = town.room("den");
    let told = town.hall.announced;
    town.say("den", "no room for this");
    let missed = town.version(den);
    town.want(Some(ANA), Operation::Leave { room: named("den") });
    let left = parting(&town, den);
    let mut behind = Behind::since(told);
    behind.has_left(&left);
    assert_eq!(exits(&town.rest(&mut behind).0), 1);

    town.want(Some(ANA), Operation::Join { room: named("den") });
    let mut behind = Behind::since(told);
    behind.enter(den, missed - 1);
    behind.has_left(&left);
    assert_eq!(exits(&town.rest(&mut behind).0), 1);
}

#[test]
fn a_room_is_heard_from_when_ones_own_entry_is_told() {
    let mut town = Town::new();
    let den = town.room("den");
    town.want(Some(ANA), Operation::Leave { room: named("den") });
    let (told, heads) = (town.hall.announced, town.hall.heads.clone());
    town.want(Some(ANA), Operation::Join { room: named("den") });
    assert_eq!(resume::rooms_of(&town.hall, ANA, None).unwrap(), [den]);
    // It is stored, and nobody was told yet.
    (town.hall.announced, town.hall.heads) = (told, heads);
    assert_eq!(resume::rooms_of(&town.hall, ANA, None).unwrap(), []);
}

#[test]
fn a_room_is_heard_until_ones_own_exit_is_told() {
    let mut town = Town::new();
    let den = town.room("den");
    let (told, heads) = (town.hall.announced, town.hall.heads.clone());
    town.say("den", "once more");
    town.want(Some(ANA), Operation::Leave { room: named("den") });
    assert_eq!(resume::rooms_of(&town.hall, ANA, None).unwrap(), []);
    town.want(Some(ANA), Operation::Join { room: named("den") });
    (town.hall.announced, town.hall.heads) = (told, heads);
    assert_eq!(resume::rooms_of(&town.hall, ANA, None).unwrap(), [den]);
}

#[test]
fn who_was_in_a_room_of_the_same_name_begins_anew() {
    let mut town = Town::new();
    let old = town.room("den");
    town.say("den", "hi");
    let was = town.version(old);
    town.want(Some(ANA), Operation::DeleteRoom { room: named("den") });
    let last = was + 1;
    let den = town.room("den");
    for _ in 0..9 {
        town.say("den", "ho");
    }
    let (from, head) = (town.version(den) - 9, town.version(den));
    let first = town.hall.reader.query(|it| summary::first_version(it, den));
    let first = first.unwrap();
    let mode = |from, to, first| resume::mode(resume::Far::default(), from, to, first);
    for version in 0..=last {
        assert_eq!(mode(version, head, first), resume::Mode::Reset);
    }
    assert_eq!(mode(from, head, first), resume::Mode::Events);
    assert_eq!(mode(first - 1, head, first), resume::Mode::Events);
}

#[test]
fn many_rooms_take_few_pages() {
    let mut town = Town::new();
    let start = town.hall.announced;
    let names: Vec<String> = (0..300).map(|number| format!("room-{number}")).collect();
    for name in &names {
        town.room(name);
    }
    for round in ["first", "second"] {
        for name in &names {
            town.say(name, round);
        }
    }
    let mut behind = town.resumes(town.hall.announced, &json!({"since": start}));
    // It has heard nothing since it opened, which was just now.
    let (told, pages) = town.rest(&mut behind);
    let ops: Vec<u64> = told
        .iter()
        .filter(|it| it["event"] != "caught_up")
        .map(|it| it["op"].as_u64().unwrap())
        .collect();
    let all: Vec<u64> = (start + 1..=town.hall.announced).collect();
    assert_eq!(ops, all, "each once, in order");
    assert!(pages < 20, "{pages} pages");
}

#[test]
fn what_was_heard_is_left_out_wherever_one_is() {
    let check = |at, told, head, expected: &[(u32, u32)]| {
        let found: Vec<_> = untold(at, told, head).collect();
        assert_eq!(found, expected, "at {at}, told {told:?}, head {head}");
    };
    check(3, None, 9, &[(3, 9)]);
    check(9, None, 9, &[]);
    check(3, Some((5, 7)), 9, &[(3, 5), (7, 9)]);
    check(5, Some((5, 7)), 9, &[(7, 9)]);
    check(6, Some((5, 7)), 9, &[(7, 9)]);
    check(8, Some((5, 7)), 9, &[(8, 9)]);
    check(3, Some((5, 7)), 7, &[(3, 5)]);
    check(3, Some((5, 5)), 9, &[(3, 5), (5, 9)]);
}
