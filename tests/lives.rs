//! # Lives: whatever happens to a consumer, at whatever step
//!
//! At each step of a consumer's life it panics, closes, waits for a slow helper, or its peer
//! vanishes. Each time `disconnect` comes once for whoever opened, its groups and its user's
//! connections are gone, and the next visitor is served as if nothing had been. And what is said to
//! a group arrives, or whoever missed it is told.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};

use parlour::client::Socket;
use parlour::ground::seed::Seed;
use parlour::web::{
    App, Connect, Consumer, Cx, Event, Live, Middleware, Reply, Running, Scope, User, Wait,
};
use parlour::ws::Message;
use people::Browser;

mod people;

/// What is done at a step: named by the path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Plan {
    step: String,
    what: String,
}

/// What happened in all.
#[derive(Debug, Default)]
struct Book {
    opened: u32,
    ended: u32,
    dropped: Arc<Mutex<u32>>,
}

struct Mortal {
    plan: Plan,
    /// Tells of the end of the object itself.
    dropped: Arc<Mutex<u32>>,
    gate: Arc<Mutex<Receiver<()>>>,
    is_ended: bool,
}

impl Drop for Mortal {
    fn drop(&mut self) {
        *self.dropped.lock().unwrap() += 1;
    }
}

impl Mortal {
    fn do_at(&self, step: &str, live: &mut Live<'_, Book>) {
        if self.plan.step != step {
            return;
        }
        match self.plan.what.as_str() {
            "panic" => panic!("as the test wants it"),
            "close" => live.close(4000, "as the test wants it"),
            "slow" => {
                let gate = Arc::clone(&self.gate);
                let slow = Wait::on_helper(move || gate.lock().unwrap().recv().is_ok());
                live.wait(slow, |me: &mut Self, _, _| {
                    assert!(!me.is_ended, "nothing comes back to who has gone");
                });
            }
            _ => {}
        }
    }
}

impl Consumer<Book> for Mortal {
    fn connect(&mut self, scope: &mut Scope<'_, Book>) -> Connect {
        self.plan.step = scope.request.param("step").unwrap();
        self.plan.what = scope.request.param("what").unwrap();
        self.dropped = Arc::clone(&scope.state.dropped);
        match (self.plan.step.as_str(), self.plan.what.as_str()) {
            ("connect", "panic") => panic!("as the test wants it"),
            ("connect", "close") => Connect::Reject(parlour::http::Status::FORBIDDEN, "no".into()),
            _ => Connect::Accept,
        }
    }

    fn intercepts(&self) -> bool {
        self.plan.step == "event"
    }

    fn opened(&mut self, live: &mut Live<'_, Book>) {
        live.state.opened += 1;
        live.join("room").unwrap();
        live.join(&self.plan.step).unwrap();
        self.do_at("opened", live);
        live.send("welcome");
    }

    fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, Book>) {
        self.do_at("receive", live);
        if let Message::Text(text) = message {
            live.house.group_send("room", &Event::new("said", text));
        }
        if self.plan.step == "go on" {
            live.wait(Wait::on_helper(|| ()), |me: &mut Self, live, _| {
                me.do_at("go on", live)
            });
        }
    }

    fn event(&mut self, event: &Event, live: &mut Live<'_, Book>) {
        self.do_at("event", live);
        live.send(event.text());
    }

    fn disconnect(&mut self, _: Option<u16>, live: &mut Live<'_, Book>) {
        assert!(!std::mem::replace(&mut self.is_ended, true), "once");
        live.state.ended += 1;
        live.join("graveyard").unwrap();
        self.do_at("disconnect", live);
    }
}

/// Everybody is Ana.
struct Ana;

impl Middleware<Book> for Ana {
    fn request(&self, cx: &mut Cx<'_, Book>) -> Option<Reply<Book>> {
        cx.request.carry(User("ana".into()));
        None
    }
}

/// Opens gates of slow helpers as long as it lives; what waits then fails.
type Gate = Sender<()>;

fn serve() -> (Running<Book>, SocketAddr, Gate) {
    let (gate, opens) = channel();
    let opens = Arc::new(Mutex::new(opens));
    let any = "127.0.0.1:0".parse().unwrap();
    let running = Running::start(&[any], move || {
        let mortal = move || Mortal {
            plan: Plan::default(),
            dropped: Arc::default(),
            gate: Arc::clone(&opens),
            is_ended: false,
        };
        let counts = |cx: &mut Cx<'_, Book>| {
            let groups = [
                "room",
                "graveyard",
                "opened",
                "receive",
                "event",
                "go on",
                "disconnect",
            ];
            let members: usize = groups.iter().map(|group| cx.house.group_len(group)).sum();
            format!("{members} {}", cx.house.user_len("ana"))
        };
        App::new(Book::default())
            .wrap(Ana)
            .get("/", counts)
            .get("/missed", |cx: &mut Cx<'_, Book>| {
                cx.house.cut_off().to_string()
            })
            .consumer("/{step}/{what}", mortal)
    })
    .unwrap();
    let address = running.addresses()[0].tcp().unwrap();
    (running, address, gate)
}

/// Says something, and reads until the end if there is one.
fn live_through(socket: &mut Socket, waits: bool) {
    if socket.write("hello").is_err() || !waits {
        return;
    }
    // What a panic or a close ends; the others hear what they said.
    while let Ok(Some(message)) = socket.read() {
        if message.text() == Some("hello") {
            return;
        }
    }
}

#[test]
fn every_life_ends_once_and_leaves_nothing() {
    let (running, address, gate) = serve();
    let steps = [
        "connect",
        "opened",
        "receive",
        "event",
        "go%20on",
        "disconnect",
    ];
    let mut lives = 0;
    for step in steps {
        for what in ["panic", "close", "slow", "nothing"] {
            for waits in [true, false] {
                let path = format!("/{step}/{what}");
                let Ok(mut socket) = Browser::at(address).socket(&path) else {
                    assert_eq!(step, "connect", "{path} is refused");
                    continue;
                };
                lives += 1;
                live_through(&mut socket, waits);
                drop(socket);
                if what == "slow" && step != "connect" {
                    gate.send(()).unwrap();
                }
                // A well-behaved visitor afterwards finds everything in order, and nobody else.
                let mut browser = Browser::at(address);
                while browser.get("/").text() != "0 0" {}
                let mut next = browser.socket("/nothing/nothing").unwrap();
                lives += 1;
                assert_eq!(browser.get("/").text(), "1 1", "after {path}");
                live_through(&mut next, true);
            }
        }
    }
    let mut browser = Browser::at(address);
    while browser.get("/").text() != "0 0" {}
    drop(gate);
    let book = running.stop().unwrap();
    assert_eq!((book.opened, book.ended), (lives, lives));
    // Whoever was refused was dropped too: twice after a panic, twice after a rejection.
    assert_eq!(*book.dropped.lock().unwrap(), lives + 4);
}

#[test]
fn who_misses_what_is_said_to_a_group_is_told_so() {
    let (running, address, _gate) = serve();
    let mut slow = Browser::at(address).socket("/nothing/nothing").unwrap();
    let mut keen = Browser::at(address).socket("/nothing/nothing").unwrap();
    assert_eq!(keen.read().unwrap().unwrap().text(), Some("welcome"));
    // Each of these goes to both; one of them never listens.
    let mut said = 0;
    let mut browser = Browser::at(address);
    let mut chance = Seed::new(7);
    while browser.get("/").text() == "2 2" {
        for _ in 0..10 {
            // Nothing that compression would make small.
            let noise = (0..6000).map(|_| format!("{:016x}", chance.bits()));
            let text = format!("{said} {}", noise.collect::<String>());
            keen.write(text.as_str()).unwrap();
            assert_eq!(keen.read().unwrap().unwrap().text(), Some(text.as_str()));
            said += 1;
        }
    }
    // The slow one has a beginning without a gap, and is told that there was more.
    assert_eq!(slow.read().unwrap().unwrap().text(), Some("welcome"));
    let mut heard = 0;
    while let Some(message) = slow.read().unwrap() {
        let number = message
            .text()
            .unwrap()
            .split(' ')
            .next()
            .unwrap()
            .to_owned();
        assert_eq!(number, heard.to_string());
        heard += 1;
    }
    assert!(heard < said);
    assert_eq!(slow.closed().unwrap().0, Some(4002));
    // And counted.
    assert_eq!(browser.get("/missed").text(), "1");
    drop(keen);
    running.stop().unwrap();
}

#[test]
fn what_is_said_to_a_user_reaches_all_that_are_the_users() {
    let (running, address, _gate) = serve();
    let mut sockets: Vec<Socket> = ["/nothing/nothing", "/event/nothing", "/nothing/nothing"]
        .iter()
        .map(|path| Browser::at(address).socket(path).unwrap())
        .collect();
    for socket in &mut sockets {
        assert_eq!(socket.read().unwrap().unwrap().text(), Some("welcome"));
    }
    // No group of this name is the user, and the user is no group.
    let act = |tick: &mut parlour::web::Tick<'_, Book>| {
        assert_eq!(
            (tick.house.user_len("ana"), tick.house.group_len("ana")),
            (3, 0)
        );
        tick.house.user_send("bo", &Event::new("note", "for bo"));
        tick.house.user_send("ana", &Event::new("note", "for ana"));
        tick.house.user_close("ana", 4001, "signed out");
    };
    running.remote().act(act).unwrap();
    for socket in &mut sockets {
        assert_eq!(socket.read().unwrap().unwrap().text(), Some("for ana"));
        assert_eq!(socket.read().unwrap(), None);
        assert_eq!(socket.closed().unwrap(), (Some(4001), "signed out"));
    }
    drop(sockets);
    running.stop().unwrap();
}
