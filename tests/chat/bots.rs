//! The bot library and its example: each message is answered once, whatever is killed.

use std::io::copy;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use parlour::client::{Bot, BotError};
use serde_json::{Value, json};

use crate::strict::eventually;
use crate::support::{Parlour, Person};

/// One address for a server that is started anew at another each time.
struct Door {
    address: SocketAddr,
    behind: Arc<Mutex<Option<SocketAddr>>>,
}

impl Door {
    #[expect(
        clippy::disallowed_methods,
        reason = "each line through the door is carried by two threads"
    )]
    fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let behind = Arc::new(Mutex::new(None));
        let goal = Arc::clone(&behind);
        std::thread::spawn(move || {
            for outside in listener.incoming().flatten() {
                let goal = *goal.lock().unwrap();
                let Some(Ok(inside)) = goal.map(TcpStream::connect) else {
                    continue;
                };
                for (mut from, mut to) in [
                    (outside.try_clone().unwrap(), inside.try_clone().unwrap()),
                    (inside, outside),
                ] {
                    std::thread::spawn(move || {
                        let _ = copy(&mut from, &mut to);
                        let _ = to.shutdown(Shutdown::Both);
                        let _ = from.shutdown(Shutdown::Both);
                    });
                }
            }
        });
        Self { address, behind }
    }

    fn leads_to(&self, parlour: Option<&Parlour>) {
        *self.behind.lock().unwrap() = parlour.map(Parlour::address);
    }

    fn url(&self) -> String {
        format!("http://{}", self.address)
    }
}

/// Ana, her room, and a bot in it with this token.
fn town(parlour: &Parlour) -> (Person, String) {
    let ana = parlour.sign_up("ana");
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    ana.post("/users", json!({"name": "counter", "role": "bot"}))
        .expect(201);
    let made = ana
        .post("/users/counter/tokens", json!({"label": "x"}))
        .expect(201);
    ana.put("/rooms/den/members/counter", json!({})).expect(204);
    (ana, made["token"].as_str().unwrap().to_owned())
}

fn say(ana: &Person, text: &str) {
    ana.post("/rooms/den/messages", json!({"text": text}))
        .expect(201);
}

/// What the bot has said in answer to each message: its number, and the answers.
fn answers(ana: &Person) -> Vec<(u64, Vec<String>)> {
    let page = ana.get("/rooms/den/messages?limit=200").expect(200);
    let messages = page["messages"].as_array().unwrap();
    let of = |seq: u64| {
        let to = messages.iter().filter(|it| it["reply_to"] == seq);
        to.map(|it| it["text"].as_str().unwrap().to_owned())
            .collect()
    };
    let asked = messages.iter().filter(|it| it["from"] == "ana");
    let seqs = asked.map(|it| it["seq"].as_u64().unwrap());
    seqs.map(|seq| (seq, of(seq))).collect()
}

struct Program(Child);

impl Program {
    /// The example, which cargo builds beside the tests.
    fn start(url: &str, token: &str, file: &Path) -> Self {
        let test = std::env::current_exe().unwrap();
        let program = test
            .parent()
            .unwrap()
            .parent()
            .unwrap()
            .join("examples/bot");
        assert!(program.exists(), "cargo build --examples");
        let child = Command::new(program)
            .arg(url)
            .arg(file)
            .env("PARLOUR_TOKEN", token)
            .stderr(Stdio::null())
            .spawn();
        Self(child.unwrap())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_bot_answers_each_message_once_whoever_is_killed() {
    let mut parlour = Parlour::start();
    let (mut ana, token) = town(&parlour);
    let door = Door::open();
    door.leads_to(Some(&parlour));
    let file = parlour.data().join("bot.state");
    let mut program = Program::start(&door.url(), &token, &file);
    // What was said before it came for the first time is not for it.
    eventually("the bot", || {
        let page = ana.get("/rooms/den/members").expect(200);
        let members = page["members"].as_array().unwrap();
        let is_here = |it: &Value| it["name"] == "counter" && it["presence"] == "online";
        members.iter().any(is_here)
    });
    say(&ana, "are you there");
    eventually("the first answer", || answers(&ana)[0].1 == ["3 words"]);
    for round in 0..3 {
        for n in 0..20 {
            say(&ana, &"word ".repeat(1 + n));
        }
        if round != 1 {
            door.leads_to(None);
            parlour.kill();
            parlour.begin();
            ana = parlour.with_token("ana", ana.token.as_deref().unwrap());
        }
        if round != 0 {
            drop(program);
            say(&ana, "while you were away");
            program = Program::start(&door.url(), &token, &file);
        }
        door.leads_to(Some(&parlour));
    }
    eventually("every answer", || {
        answers(&ana).iter().all(|(_, all)| !all.is_empty())
    });
    let all = answers(&ana);
    assert_eq!(all.len(), 63);
    assert!(all.iter().all(|(_, all)| all.len() == 1), "{all:?}");
}

#[test]
fn a_bot_is_told_why_it_cannot_go_on() {
    let parlour = Parlour::start();
    let (ana, token) = town(&parlour);
    let url = format!("http://{}", parlour.address());
    let wrong = Bot::new(&url, "pt_wrong").next_message();
    assert!(matches!(wrong, Err(BotError::SignedOut(_))), "{wrong:?}");
    let wrong = Bot::new("ftp://x", &token).next_message();
    assert!(matches!(wrong, Err(BotError::Connect(_))), "{wrong:?}");
    let mut bot = Bot::new(&url, &token);
    assert_eq!(bot.send("den", "hello").unwrap(), 1);
    assert_eq!(bot.name(), "counter");
    let refused = bot.send("attic", "hello");
    assert!(
        matches!(refused, Err(BotError::Refused { ref code, .. }) if code == "not_found"),
        "{refused:?}"
    );
    ana.post("/rooms", json!({"room": "attic"})).expect(201);
    bot.join("attic").unwrap();
    ana.post("/rooms/attic/messages", json!({"text": "welcome"}))
        .expect(201);
    let message = bot.next_message().unwrap();
    assert_eq!((&*message.room, &*message.text), ("attic", "welcome"));
    ana.delete("/users/counter/tokens").expect(204);
    let gone = bot.next_message();
    assert!(matches!(gone, Err(BotError::SignedOut(_))), "{gone:?}");
}
