//! The courier's rounds, in a time of their own.

use super::round::{Round, judged};
use super::*;
use crate::chat::deliveries::{Delivery, deliveries};
use crate::chat::hooks;
use crate::chat::{
    Entry, HookEvent, HookUrl, HookWay, Kind, Log, Operation, RoomName, Style, Text, Title, UserId,
    UserName, open_in_memory, summary,
};

const HOUR: Millis = 60 * 60 * 1000;

struct Town {
    database: Database,
    round: Round,
    at: Millis,
}

impl Town {
    /// Ana's room `den`, and a hook that is sent what is said there.
    fn new(events: &[HookEvent]) -> Self {
        let database = open_in_memory("e", 1).unwrap();
        let round = Round::new(database.clone(), "e", 7);
        let mut town = Self {
            database,
            round,
            at: 1_000_000,
        };
        town.want(
            None,
            Operation::SignUp {
                name: UserName::trusted("ana"),
                display_name: Title::trusted("Ana"),
                email: None,
                password: "x".to_owned(),
                invite: None,
            },
        );
        let den = RoomName::trusted("den");
        town.want(
            Some(1),
            Operation::CreateRoom {
                room: den,
                title: None,
                topic: None,
                kind: Kind::Public,
            },
        );
        town.hook(events);
        town
    }

    fn hook(&mut self, events: &[HookEvent]) {
        let way = HookWay::Outgoing {
            url: HookUrl::trusted("http://a.b/c"),
            events: events.to_vec(),
            command: None,
            secret: "s".to_owned(),
        };
        self.want(
            Some(1),
            Operation::CreateHook {
                name: Title::trusted("relay"),
                room: Some(RoomName::trusted("den")),
                bot: None,
                way,
            },
        );
    }

    fn want(&mut self, by: Option<u32>, operation: Operation) {
        self.at += 1;
        let entry = Entry {
            by: by.map(UserId),
            at: self.at,
            key: None,
            random: [0; 16],
            outside: false,
            operation,
        };
        let (sender, receiver) = channel();
        let done = Box::new(move |verdict| -> crate::chat::Keepsake {
            Box::new(sender.send(verdict).is_ok())
        });
        self.database.append(entry, done).unwrap();
        receiver.recv().unwrap().unwrap();
    }

    fn say(&mut self, by: u32, text: &str) {
        let operation = Operation::Send {
            room: RoomName::trusted("den"),
            text: Text::trusted(text),
            reply_to: None,
            attachment: None,
            style: Style::Plain,
        };
        self.want(Some(by), operation);
    }

    fn look<T>(&self, look: impl FnOnce(&crate::store::Connection) -> T) -> T {
        let look = |tables: &crate::store::Connection| Ok(look(tables));
        self.database.reader().unwrap().query(look).unwrap()
    }

    /// The next letters, one of each hook.
    fn letters(&mut self) -> Vec<Letter> {
        let upto = self.look(|tables| summary::position(tables).unwrap().1);
        self.round.look(self.at, upto).unwrap();
        let (mut letters, mut under_way) = (Vec::new(), Vec::new());
        while let Some(letter) = self.round.next(&under_way).unwrap() {
            under_way.push(letter.hook());
            letters.push(letter);
        }
        letters
    }

    fn settle(&mut self, letter: &Letter, result: Result<Receipt, Undelivered>) -> bool {
        self.round.settle(letter, &result).unwrap()
    }

    fn deliveries(&self) -> Vec<Delivery> {
        self.look(|tables| deliveries(tables, HookId(1), 100).unwrap())
    }

    fn texts(&self) -> Vec<String> {
        self.look(|tables| {
            let events =
                crate::chat::missed::room_events(tables, crate::chat::RoomId(1), 0, 1000, 1000);
            let text = |event: crate::chat::Event| match event.what {
                crate::chat::What::Message(message) => Some(message.text.to_string()),
                _ => None,
            };
            events.unwrap().into_iter().filter_map(text).collect()
        })
    }
}

fn ok(body: &str) -> Result<Receipt, Undelivered> {
    Ok(Receipt {
        status: 200,
        body: Some(body.as_bytes().to_vec()),
    })
}

fn status(status: u16) -> Result<Receipt, Undelivered> {
    Ok(Receipt { status, body: None })
}

#[test]
fn what_is_said_is_sent_once_in_order_and_the_answer_is_said() {
    let mut town = Town::new(&[HookEvent::Message]);
    town.say(1, "one");
    town.say(1, "two");
    let mut sent = Vec::new();
    for answer in ["{\"text\":\"I heard one\"}", "ok"] {
        let letter = town.letters().pop().unwrap();
        let body: serde_json::Value = serde_json::from_str(&letter.parcel().body).unwrap();
        assert_eq!(body["id"], body["event"]["op"]);
        assert_eq!(body["kind"], "message");
        sent.push(body["event"]["text"].as_str().unwrap().to_owned());
        town.settle(&letter, ok(answer));
        // Whatever comes again is answered once: the first answer stands.
        town.settle(&letter, ok("{\"text\":\"again\"}"));
    }
    assert_eq!(sent, ["one", "two"]);
    // Its own words are not heard.
    assert!(town.letters().is_empty());
    assert_eq!(town.texts(), ["one", "two", "I heard one", "again"]);
}

#[test]
fn what_fails_is_tried_again_over_hours_and_then_kept() {
    let mut town = Town::new(&[HookEvent::Message]);
    town.say(1, "one");
    let began = town.at;
    let mut tries = 0;
    while let Some(delivery) = {
        let letters = town.letters();
        if let Some(letter) = letters.first() {
            tries += 1;
            town.settle(letter, status(500));
        }
        town.deliveries().pop()
    } {
        let Some(next_at) = delivery.next_at else {
            break;
        };
        assert!(next_at > town.at, "try {tries}");
        town.at = next_at;
    }
    assert_eq!(tries, 16);
    let took = town.at - began;
    assert!((4 * HOUR..24 * HOUR).contains(&took), "{took}");
    let dead = town.deliveries().pop().unwrap();
    assert_eq!((dead.tries, dead.next_at), (16, None));
    assert!(dead.error.unwrap().contains("500"));
    // It is there to be sent again.
    let at = town.at;
    let again = move |tables: &crate::store::Connection| {
        crate::chat::deliveries::redeliver(tables, HookId(1), None, at)
    };
    assert_eq!(town.database.run(again).unwrap(), 1);
    let letter = town.letters().pop().unwrap();
    town.settle(&letter, ok(""));
    assert!(town.deliveries().is_empty());
}

#[test]
fn a_hook_that_fails_and_fails_is_given_up_and_its_owner_told() {
    let mut town = Town::new(&[HookEvent::Message]);
    let mut told = 0;
    for n in 0.. {
        town.say(1, &n.to_string());
        let letters = town.letters();
        let Some(letter) = letters.first() else { break };
        told += usize::from(town.settle(letter, Err(Undelivered::Now("down".to_owned()))));
        assert!(n < 1000);
    }
    assert_eq!(told, 1);
    let hook = town.look(|tables| hooks::hook(tables, None, HookId(1)).unwrap().unwrap());
    assert!(hook.sends.unwrap().failed_at.is_some());
    let notes = town.look(|tables| {
        let count = "SELECT count(*) FROM notifications WHERE user = 1 AND text LIKE '%given up%'";
        tables
            .query_row(count, (), |row| row.get::<_, u32>(0))
            .unwrap()
    });
    assert_eq!(notes, 1);
    // It goes on where it stopped.
    town.want(
        Some(1),
        Operation::PauseHook {
            hook: HookId(1),
            paused: false,
        },
    );
    town.at += HOUR;
    assert_eq!(town.letters().len(), 1);
}

#[test]
fn some_answers_are_final() {
    let judge = |result| judged(&result).unwrap_err();
    let moved = judge(status(302));
    assert!(moved.for_ever && !moved.ends_hook && moved.told.contains("not followed"));
    let gone = judge(status(410));
    assert!(gone.for_ever && gone.ends_hook);
    assert!(judge(Err(Undelivered::Ever("private".to_owned()))).for_ever);
    for passing in [400, 404, 429, 500, 503] {
        assert!(!judge(status(passing)).for_ever, "{passing}");
    }
    assert_eq!(judged(&status(204)), Ok(204));
}

#[test]
fn a_hook_hears_what_it_wants_and_no_answers_of_others() {
    let mut town = Town::new(&[HookEvent::Mention]);
    town.hook(&[HookEvent::Message, HookEvent::Join]);
    town.say(1, "nobody");
    town.say(1, "you, @hook-1");
    let kinds = |letters: &[Letter]| -> Vec<(u32, String)> {
        let kind = |it: &Letter| (it.hook().0, it.due.kind.as_str().to_owned());
        letters.iter().map(kind).collect()
    };
    let letters = town.letters();
    let expected = [(1, "mention".to_owned()), (2, "message".to_owned())];
    assert_eq!(kinds(&letters), expected);
    town.settle(&letters[0], ok("{\"text\":\"@hook-1 @hook-2\"}"));
    town.settle(&letters[1], ok("{\"text\":\"@hook-1 @hook-2\"}"));
    let second = town.letters();
    assert_eq!(kinds(&second), [(2, "message".to_owned())]);
    town.settle(&second[0], ok("x"));
    assert!(town.letters().is_empty(), "answers go round");
}

#[test]
fn what_was_deleted_or_is_not_for_the_bot_any_more_is_not_sent() {
    let mut town = Town::new(&[HookEvent::Message]);
    town.say(1, "a secret");
    town.say(1, "another");
    let letter = town.letters().pop().unwrap();
    town.settle(&letter, status(500));
    let den = RoomName::trusted("den");
    let delete = Operation::Delete {
        room: den.clone(),
        seq: 1,
    };
    town.want(Some(1), delete);
    town.at += HOUR;
    for letter in town.letters() {
        assert!(!letter.parcel().body.contains("a secret"));
    }
    let remove = Operation::Remove {
        room: den,
        user: UserName::trusted("hook-1"),
    };
    town.want(Some(1), remove);
    town.at += HOUR;
    assert!(town.letters().is_empty());
    assert!(town.deliveries().is_empty());
}
