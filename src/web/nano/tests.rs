//! # Tests of the app's side: sessions, groups, pipelines, lifecycles, timers

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Value, json};

use super::*;
use crate::ground::time::{Instant, Now};
use crate::nano::{Dictionary, Kind, Message as Words, Packet, Packets, packet};
use crate::reactor::{ConnId, Engine, Peer, Settings};
use crate::web::{App, Service, Tick};

/// What was called, in its order.
type Log = Rc<RefCell<Vec<String>>>;

fn note(log: &Log, line: impl Into<String>) {
    log.borrow_mut().push(line.into());
}

/// An engine with a nano, and clients who speak bytes.
struct Bench {
    engine: Engine<Service<Log>>,
    log: Log,
    now: u64,
    said: Vec<(ConnId, u8)>,
    /// Whoever takes nothing of what is said.
    deaf: Option<ConnId>,
}

impl Bench {
    fn new(make: impl FnOnce(&Log) -> Nano<Log>, settings: Settings) -> Self {
        let log = Log::default();
        let nano = make(&log);
        let app = App::new(Rc::clone(&log))
            .nano("/nano", nano)
            .settings(settings);
        let put = app.put_together(None);
        let (service, settings) = put.unwrap_or_else(|error| panic!("{error}"));
        let mut engine = Engine::new(service, settings, 1);
        engine.start();
        Self {
            engine,
            log,
            now: 0,
            said: Vec::new(),
            deaf: None,
        }
    }

    fn turn<T>(&mut self, happens: impl FnOnce(&mut Engine<Service<Log>>) -> T) -> T {
        let instant = Instant(self.now);
        let unix_ms = self.now;
        self.engine.begin(Now { instant, unix_ms });
        self.engine.go_on();
        let result = happens(&mut self.engine);
        self.engine.elapse();
        let (said, deaf) = (&mut self.said, self.deaf);
        self.engine.flush(|id, slices| {
            if deaf == Some(id) {
                return Err(std::io::ErrorKind::WouldBlock.into());
            }
            let bytes: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
            said.extend(bytes.iter().map(|byte| (id, *byte)));
            Ok(bytes.len())
        });
        self.engine.take_effects(&mut Vec::new());
        self.engine.check();
        result
    }

    fn connect(&mut self) -> ConnId {
        let mut hello = Vec::new();
        packet::write(Packet::Handshake, br#"{"sys":{}}"#, &mut hello);
        packet::write(Packet::HandshakeAck, b"", &mut hello);
        self.turn(|engine| {
            let conn = engine.accepted_plain(Peer::V4([10, 0, 0, 1], 5)).unwrap();
            engine.received(conn, &mut hello);
            conn
        })
    }

    fn say(&mut self, conn: ConnId, id: u64, route: &str, value: &Value) {
        let data = value.to_string();
        let data = data.as_bytes();
        let kind = if id > 0 { Kind::Request } else { Kind::Notify };
        let mut bytes = Vec::new();
        packet::write_with(Packet::Data, &mut bytes, |out| {
            Words {
                kind,
                id,
                route,
                data,
            }
            .write(&Dictionary::default(), out);
        });
        self.turn(|engine| engine.received(conn, &mut bytes));
    }

    /// What a client has been told, as text.
    fn heard(&mut self, conn: ConnId) -> Vec<String> {
        let said = std::mem::take(&mut self.said);
        let (own, others): (Vec<_>, Vec<_>) = said.into_iter().partition(|(id, _)| *id == conn);
        self.said = others;
        let bytes: Vec<u8> = own.into_iter().map(|(_, byte)| byte).collect();
        let (mut packets, mut heard) = (Packets::default(), Vec::new());
        let mut input = &bytes[..];
        while let Some((kind, body)) = packets.next(&mut input, 1 << 20).unwrap() {
            match kind {
                Packet::Data => {
                    let dictionary = Dictionary::default();
                    let words = Words::read(body, &dictionary).unwrap();
                    let data = String::from_utf8_lossy(words.data);
                    heard.push(format!("{} {} {data}", words.route, words.id));
                }
                Packet::Handshake => {}
                other => heard.push(format!("{other:?} {}", body.escape_ascii())),
            }
        }
        heard
    }

    fn logged(&self) -> Vec<String> {
        std::mem::take(&mut *self.log.borrow_mut())
    }
}

#[test]
fn who_comes_and_goes_leaves_nothing() {
    let nothing = |_: &mut Play<'_, Log>, _| Ok(());
    let mut bench = Bench::new(|_| nano(nothing), Settings::default());
    for _ in 0..2000 {
        let conn = bench.connect();
        bench.turn(|engine| engine.failed(conn));
        bench.said.clear();
    }
    let (sessions, beats) = bench.engine.app().nano_room();
    assert!(sessions < 200 && beats < 200, "{sessions} {beats}");
    assert_eq!(bench.engine.app().sessions_len(), 0);
}

/// A component that is made of what a test does when it is called.
struct Does<F> {
    name: &'static str,
    what: F,
}

impl<F> Component<Log> for Does<F>
where
    F: FnMut(&mut Play<'_, Log>, Value) -> Result<(), Failure> + 'static,
{
    fn handlers(handlers: &mut Handlers<Self, Log>) {
        handlers.on("Do", |me, play, value: Value| (me.what)(play, value));
    }

    fn init(&mut self, tick: &mut Tick<'_, Log>) {
        note(tick.state, format!("{} init", self.name));
    }

    fn after_init(&mut self, tick: &mut Tick<'_, Log>) {
        note(tick.state, format!("{} after_init", self.name));
    }

    fn closed(&mut self, play: &mut Play<'_, Log>) {
        let id = play.id;
        note(play.state, format!("{} closed {id}", self.name));
    }

    fn before_shutdown(&mut self, tick: &mut Tick<'_, Log>) {
        note(tick.state, format!("{} before_shutdown", self.name));
    }

    fn shutdown(&mut self, tick: &mut Tick<'_, Log>) {
        note(tick.state, format!("{} shutdown", self.name));
    }
}

fn does<F>(name: &'static str, what: F) -> Does<F>
where
    F: FnMut(&mut Play<'_, Log>, Value) -> Result<(), Failure> + 'static,
{
    Does { name, what }
}

fn nano<F>(what: F) -> Nano<Log>
where
    F: FnMut(&mut Play<'_, Log>, Value) -> Result<(), Failure> + 'static,
{
    Nano::new().component("it", does("it", what)).lower_case()
}

#[test]
fn components_begin_in_their_order_and_end_in_the_reverse() {
    let both = |_: &Log| {
        let nothing = |_: &mut Play<'_, Log>, _| Ok(());
        let nano = Nano::new().component("a", does("a", nothing));
        nano.component("b", does("b", nothing))
    };
    let mut bench = Bench::new(both, Settings::default());
    assert_eq!(
        bench.logged(),
        ["a init", "b init", "a after_init", "b after_init"]
    );
    bench.turn(Engine::shut_down);
    let end = [
        "b before_shutdown",
        "a before_shutdown",
        "b shutdown",
        "a shutdown",
    ];
    assert_eq!(bench.logged(), end);
}

#[test]
fn a_session_knows_what_it_is_told_to_remember() {
    let check = |play: &mut Play<'_, Log>, _| {
        let mut session = play.session();
        assert_eq!(
            (session.id().0, session.uid(), session.last_mid()),
            (1, 0, 7)
        );
        assert!(session.bind(0).is_err() && session.bind(-1).is_err());
        session.bind(9)?;
        assert_eq!(session.uid(), 9);
        assert_eq!(session.remote_addr(), Some(Peer::V4([10, 0, 0, 1], 5)));
        session.set("level", 3).unwrap();
        session.set("name", "ann").unwrap();
        assert_eq!(session.get::<i64>("level"), Some(3));
        assert_eq!(session.get::<String>("level"), None);
        assert!(session.has("name") && !session.has("age"));
        let state = session.state();
        assert!(session.remove("name") && !session.remove("name"));
        session.clear();
        assert!(!session.has("level") && session.state().is_empty());
        session.restore(state);
        assert_eq!(session.get::<String>("name"), Some("ann".to_owned()));
        Ok(session.response(&json!("fine"))?)
    };
    let mut bench = Bench::new(|_| nano(check), Settings::default());
    let conn = bench.connect();
    bench.say(conn, 7, "it.do", &json!(0));
    assert_eq!(bench.heard(conn), [" 7 \"fine\""]);
}

#[test]
fn answers_may_come_later_and_a_notify_has_none() {
    let later = |play: &mut Play<'_, Log>, wait: Value| {
        let (id, mid) = (play.id, play.mid());
        if mid == 0 {
            assert_eq!(play.session().response(&json!(1)), Err(SayError::NotAsked));
            return Ok(());
        }
        let wait = Duration::from_millis(wait.as_u64().unwrap_or_default());
        play.house.after(wait, move |tick| {
            let mut session = tick.house.session(id).unwrap();
            session.response_mid(mid, &json!(mid)).unwrap();
        });
        Ok(())
    };
    let mut bench = Bench::new(|_| nano(later), Settings::default());
    let conn = bench.connect();
    bench.say(conn, 1, "it.do", &json!(20));
    bench.say(conn, 2, "it.do", &json!(10));
    bench.say(conn, 0, "it.do", &json!(0));
    for now in [10, 20] {
        bench.now = now;
        bench.turn(|_| ());
    }
    assert_eq!(bench.heard(conn), [" 2 2", " 1 1"]);
}

#[test]
fn a_panic_costs_one_answer_and_a_kick_the_session() {
    let what = |play: &mut Play<'_, Log>, value: Value| match value.as_str() {
        Some("panic") => panic!("on purpose"),
        Some("fail") => Err(Failure::new(503, "no")),
        Some("kick") => {
            play.session().kick(&json!({ "reason": "r" }));
            assert_eq!(play.session().push("late", &json!(0)), Err(SayError::Gone));
            Ok(())
        }
        _ => Ok(play.session().response(&json!("ok"))?),
    };
    let mut bench = Bench::new(|_| nano(what), Settings::default());
    let conn = bench.connect();
    bench.say(conn, 1, "it.do", &json!("panic"));
    bench.say(conn, 2, "it.do", &json!("fail"));
    bench.say(conn, 3, "it.do", &json!(1));
    let heard = bench.heard(conn);
    assert!(heard[0].starts_with(" 1 {\"code\":500"), "{heard:?}");
    assert_eq!(
        heard[1..],
        [" 2 {\"code\":503,\"error\":\"no\"}", " 3 \"ok\""]
    );
    bench.logged();
    bench.say(conn, 4, "it.do", &json!("kick"));
    assert_eq!(bench.heard(conn), ["Kick {\\\"reason\\\":\\\"r\\\"}"]);
    bench.say(conn, 5, "it.do", &json!(1));
    bench.turn(|engine| engine.failed(conn));
    assert_eq!(bench.heard(conn), Vec::<String>::new());
    assert_eq!(bench.logged(), ["it closed 1"], "once, whatever ended it");
}

#[test]
fn a_full_queue_fails_a_push_and_nobody_is_cut_off() {
    let what = |play: &mut Play<'_, Log>, _| {
        let long = "x".repeat(1000);
        let mut said = 0;
        let full = loop {
            match play.session().push("long", long.as_str()) {
                Ok(()) => said += 1,
                Err(error) => break error,
            }
        };
        assert_eq!((full.to_string().as_str(), said), ("buffer exceeded", 9));
        Ok(())
    };
    let settings = Settings {
        outbox_bytes_max: 10_000,
        ..Settings::default()
    };
    let mut bench = Bench::new(|_| nano(what), settings);
    let conn = bench.connect();
    bench.deaf = Some(conn);
    bench.say(conn, 0, "it.do", &json!(0));
    bench.deaf = None;
    bench.turn(|engine| engine.writable(conn));
    assert_eq!(bench.heard(conn).len(), 9);
    assert_eq!(bench.engine.app().sessions_len(), 1);
}

#[test]
fn groups_do_what_the_specification_says() {
    let mut group = Group::new("g");
    let what = move |play: &mut Play<'_, Log>, value: Value| {
        let id = play.id;
        let house = &mut play.house;
        match value.as_str().unwrap() {
            "add" => {
                house.session(id).unwrap().bind(10 + id.0 as i64)?;
                group.add(house, id)?;
                assert_eq!(group.add(house, id), Err(GroupError::Already));
            }
            "look" => {
                assert_eq!(group.members(house), [11, 12, 13]);
                assert_eq!(group.count(house), 3);
                assert!(group.contains(house, 12) && !group.contains(house, 14));
                assert_eq!(group.member(house, 12), Some(SessionId(2)));
            }
            "say" => group.broadcast(house, "all", &json!("a"))?,
            "odd" => group.multicast(house, "odd", &json!(1), |it| it.uid() % 2 == 1)?,
            "leave" => {
                assert_eq!(group.leave(house, id), Ok(true));
                assert_eq!(group.leave(house, id), Ok(false), "no error");
            }
            "all" => group.leave_all(house)?,
            _ => {
                group.close(house)?;
                assert_eq!(group.add(house, id), Err(GroupError::Closed));
                let said = group.broadcast(house, "x", &json!(1));
                assert_eq!(said, Err(GroupError::Closed));
                assert_eq!(group.count(house), 0);
            }
        }
        Ok(())
    };
    let mut bench = Bench::new(|_| nano(what), Settings::default());
    let conns: Vec<ConnId> = (0..3).map(|_| bench.connect()).collect();
    for conn in &conns {
        bench.say(*conn, 0, "it.do", &json!("add"));
    }
    for word in ["look", "say", "odd"] {
        bench.say(conns[0], 0, "it.do", &json!(word));
    }
    bench.say(conns[1], 0, "it.do", &json!("leave"));
    bench.say(conns[0], 0, "it.do", &json!("say"));
    let (all, odd) = ("all 0 \"a\"", "odd 0 1");
    assert_eq!(bench.heard(conns[0]), [all, odd, all]);
    assert_eq!(bench.heard(conns[1]), [all]);
    assert_eq!(bench.heard(conns[2]), [all, odd, all]);
    // Who has gone is in no group.
    bench.turn(|engine| engine.failed(conns[2]));
    bench.say(conns[0], 0, "it.do", &json!("all"));
    bench.say(conns[0], 0, "it.do", &json!("close"));
    assert_eq!(bench.engine.app().sessions_len(), 2);
}

#[test]
fn pipelines_see_change_and_reject_in_their_order() {
    let make = |log: &Log| {
        let (first, second) = (Rc::clone(log), Rc::clone(log));
        let echo = |play: &mut Play<'_, Log>, value: Value| {
            let group = Group::new("g");
            let _ = group.add(&mut play.house, play.id);
            group.broadcast(&mut play.house, "echo", &value)?;
            Ok(play.session().response(&value)?)
        };
        nano(echo)
            .inbound(move |record, passing| {
                note(&second, format!("2nd {} {}", record.id(), passing.route));
                match &*passing.data {
                    b"\"bad\"" => Err("not that word".to_owned()),
                    b"\"swap\"" => {
                        passing.data = b"\"swapped\"".to_vec().into();
                        Ok(())
                    }
                    _ => Ok(()),
                }
            })
            .inbound_first(move |_, passing| {
                note(&first, format!("1st {:?} {}", passing.kind, passing.id));
                Ok(())
            })
            .outbound(|record, passing| {
                if passing.kind == Kind::Push && record.id().0 == 2 {
                    passing.data.to_mut().make_ascii_uppercase();
                }
                match &*passing.data {
                    b"\"secret\"" if passing.kind == Kind::Push => Err("hush".to_owned()),
                    _ => Ok(()),
                }
            })
    };
    let mut bench = Bench::new(make, Settings::default());
    let (ann, bob) = (bench.connect(), bench.connect());
    bench.logged();
    bench.say(ann, 3, "it.do", &json!("swap"));
    assert_eq!(bench.logged(), ["1st Request 3", "2nd 1 it.do"]);
    assert_eq!(bench.heard(ann), ["echo 0 \"swapped\"", " 3 \"swapped\""]);
    bench.say(ann, 4, "it.do", &json!("bad"));
    assert_eq!(
        bench.heard(ann),
        [" 4 {\"code\":403,\"error\":\"not that word\"}"]
    );
    bench.say(bob, 5, "it.do", &json!("hi"));
    assert_eq!(bench.heard(bob), ["echo 0 \"HI\"", " 5 \"hi\""]);
    assert_eq!(bench.heard(ann), ["echo 0 \"hi\""]);
    bench.say(ann, 6, "it.do", &json!("secret"));
    assert_eq!(bench.heard(ann), [" 6 \"secret\""]);
    assert_eq!(bench.heard(bob), ["echo 0 \"SECRET\""]);
}

#[test]
fn timers_count_wait_for_conditions_and_stop() {
    let what = |play: &mut Play<'_, Log>, _| {
        let ms = Duration::from_millis;
        play.house
            .count(ms(100), 3, |tick| note(tick.state, "count"));
        play.house
            .count(ms(100), 0, |tick| note(tick.state, "never"));
        let stopped = play
            .house
            .every(ms(100), |tick| note(tick.state, "stopped"));
        assert!(play.house.cancel(stopped));
        play.house.every(ms(100), |_| panic!("the others go on"));
        play.house.when(
            |tick| tick.house.now().instant == Instant(400),
            |tick| note(tick.state, "when"),
        );
        Ok(())
    };
    let mut bench = Bench::new(|_| nano(what), Settings::default());
    let conn = bench.connect();
    bench.say(conn, 0, "it.do", &json!(0));
    bench.logged();
    for now in (100..=1000).step_by(100) {
        bench.now = now;
        bench.turn(|_| ());
    }
    assert_eq!(bench.logged(), ["count", "count", "count", "when"]);
}

#[test]
fn an_rpc_is_called_when_its_caller_has_returned() {
    let make = |_: &Log| {
        let asks = |play: &mut Play<'_, Log>, _| {
            play.session().rpc("b.Do", &json!("x"))?;
            note(play.state, "a returns");
            Ok(())
        };
        let hears = |play: &mut Play<'_, Log>, value: Value| {
            assert_eq!((play.id, play.mid()), (SessionId(1), 0));
            note(play.state, format!("b hears {value}"));
            Ok(())
        };
        Nano::new()
            .component("a", does("a", asks))
            .component("b", does("b", hears))
    };
    let mut bench = Bench::new(make, Settings::default());
    let conn = bench.connect();
    bench.logged();
    bench.say(conn, 1, "a.Do", &json!(0));
    assert_eq!(bench.logged(), ["a returns", "b hears \"x\""]);
}
