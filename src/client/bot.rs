//! # Bot: a program that talks in rooms
//!
//! What a bot needs beside its own wits: it connects, comes back when the line breaks, goes on where it
//! was, and says each answer once.
//!
//! Promises
//! 1. Each message of its rooms is given at least once, whatever happens to the line or to the server; one
//!    that is given again is answered once, because an answer's key is made of what it answers.
//! 2. With a file to [remember](Bot::remember), that holds for a bot that is killed, too: a message counts
//!    as handled when the next one is asked for.
//! 3. It does not hear itself.
//!
//! Where more than 5,000 messages of a room were missed, or the server was restored from a backup, a bot
//! goes on from now: see `reset` in the protocol.

use std::collections::VecDeque;
use std::collections::hash_map::RandomState;
use std::fmt;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::client::{Connect, ConnectError, Incoming, Socket};
use crate::ground::seed::Seed;

/// Before it comes back; each time twice as long.
const FIRST_WAIT_MS: u64 = 250;
const LONGEST_WAIT_MS: u64 = 30_000;

/// How long a server may be silent that says nothing of its heartbeat.
const SILENCE: Duration = Duration::from_secs(60);

/// A message that was said in a room.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Where.
    pub room: String,
    /// Its number there.
    pub seq: u64,
    /// Who said it.
    pub from: String,
    /// What it says.
    pub text: String,
    /// All that the server tells of it.
    pub event: Map<String, Value>,
}

/// Where a bot was.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Place {
    epoch: String,
    op: u64,
}

/// A bot.
///
/// ```no_run
/// use parlour::client::Bot;
///
/// let mut bot = Bot::new("http://localhost:8080", "pt_…").remember("bot.state");
/// loop {
///     let message = bot.next_message()?;
///     if message.text.contains("ping") {
///         bot.reply(&message, "pong")?;
///     }
/// }
/// # Ok::<(), parlour::client::BotError>(())
/// ```
#[derive(Debug)]
pub struct Bot {
    url: String,
    token: String,
    file: Option<PathBuf>,
    socket: Option<Socket>,
    name: String,
    /// Everything up to here was given out.
    place: Option<Place>,
    /// Everything up to here is handled, as far as the file knows.
    stored: Option<Place>,
    /// What came while an answer was waited for.
    waiting: VecDeque<Map<String, Value>>,
    /// What was answered of the message that was given last.
    answered: u32,
    asked: i64,
    /// When to come back, if the server has said so.
    retry_ms: Option<u64>,
    failures: u32,
    seed: Seed,
}

impl Bot {
    /// A bot of a server, such as `http://localhost:8080`, with its token.
    pub fn new(url: &str, token: &str) -> Self {
        Self {
            url: url.to_owned(),
            token: token.to_owned(),
            file: None,
            socket: None,
            name: String::new(),
            place: None,
            stored: None,
            waiting: VecDeque::new(),
            answered: 0,
            asked: 0,
            retry_ms: None,
            failures: 0,
            seed: Seed::new(RandomState::new().build_hasher().finish()),
        }
    }

    /// Keeps in a file where it was, so that it goes on from there when it is started anew.
    #[must_use]
    pub fn remember(mut self, file: impl AsRef<Path>) -> Self {
        self.file = Some(file.as_ref().to_owned());
        self
    }

    /// Its name; empty before it was connected.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The next message that somebody else says in one of its rooms; waits for it, and comes back as
    /// often as it has to. The one before counts as handled.
    pub fn next_message(&mut self) -> Result<Message, BotError> {
        self.handled()?;
        loop {
            let event = match self.waiting.pop_front() {
                Some(event) => event,
                None => match self.hear()? {
                    Some(event) => event,
                    None => continue,
                },
            };
            if let Some(message) = self.take(event) {
                self.answered = 0;
                return Ok(message);
            }
        }
    }

    /// Gives each message to a function, for ever, or until that or the server says no.
    pub fn run(
        &mut self,
        mut on_message: impl FnMut(&mut Self, Message) -> Result<(), BotError>,
    ) -> Result<(), BotError> {
        loop {
            let message = self.next_message()?;
            on_message(self, message)?;
        }
    }

    /// Answers a message in its room, once, however often it was given. The first answer to a message is
    /// another than the second.
    pub fn reply(&mut self, message: &Message, text: &str) -> Result<u64, BotError> {
        self.answered += 1;
        let what = format!("{} {} {}", message.room, message.seq, self.answered);
        let hash = Sha256::digest(what.as_bytes());
        let hex: String = hash[..16]
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let command = json!({
            "do": "send", "room": message.room, "text": text, "reply_to": message.seq,
            "key": format!("re:{hex}"),
        });
        match self.ask(command) {
            Ok(told) => Ok(told["seq"].as_u64().unwrap_or_default()),
            // It was answered, in other words.
            Err(BotError::Refused { code, .. }) if code == "key_reused" => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Says something in a room, once, also if the line breaks meanwhile; its number there.
    pub fn send(&mut self, room: &str, text: &str) -> Result<u64, BotError> {
        let key = format!("{:016x}{:016x}", self.seed.bits(), self.seed.bits());
        let told = self.ask(json!({"do": "send", "room": room, "text": text, "key": key}))?;
        Ok(told["seq"].as_u64().unwrap_or_default())
    }

    /// Comes into a room.
    pub fn join(&mut self, room: &str) -> Result<(), BotError> {
        self.ask(json!({"do": "join", "room": room})).map(drop)
    }

    /// Says a command of the protocol, and gives what it is answered. It is said again when the line
    /// breaks before that: one that changes something has a `key`.
    pub fn ask(&mut self, mut command: Value) -> Result<Value, BotError> {
        loop {
            // Connecting asks something, too.
            self.asked += 1;
            let id = self.asked;
            command["id"] = id.into();
            if !self.say(&command.to_string())? {
                continue;
            }
            match self.answer(id)? {
                None => {}
                Some(Ok(told)) => return Ok(told),
                Some(Err(refusal)) => {
                    if refusal["retry"] != true {
                        return Err(BotError::refused(&refusal));
                    }
                    let wait_s = refusal["retry_after"].as_f64().unwrap_or(1.0);
                    wait(Duration::try_from_secs_f64(wait_s).unwrap_or(SILENCE));
                }
            }
        }
    }

    // --------------------------------------------------------------------------------- hearing

    /// What a command was answered; nothing if the line broke before.
    fn answer(&mut self, id: i64) -> Result<Option<Result<Value, Value>>, BotError> {
        while self.socket.is_some() {
            let Some(mut event) = self.hear()? else {
                continue;
            };
            if event.get("re").and_then(Value::as_i64) == Some(id) {
                return Ok(Some(match (event.remove("ok"), event.remove("error")) {
                    (Some(told), _) => Ok(told),
                    (None, error) => Err(error.unwrap_or_default()),
                }));
            }
            self.waiting.push_back(event);
        }
        Ok(None)
    }

    /// The next thing that is said; nothing if it is of no concern, or the line broke.
    fn hear(&mut self) -> Result<Option<Map<String, Value>>, BotError> {
        let socket = self.connected()?;
        let text = match socket.read() {
            Ok(Some(Incoming::Text(text))) => text,
            Ok(Some(Incoming::Binary(_))) => return Ok(None),
            Ok(None) | Err(_) => {
                self.lose();
                return Ok(None);
            }
        };
        self.heard(&text)
    }

    fn heard(&mut self, text: &str) -> Result<Option<Map<String, Value>>, BotError> {
        if text.trim() == "{}" {
            self.say("{}")?;
            return Ok(None);
        }
        let Ok(Value::Object(event)) = serde_json::from_str(text) else {
            return Ok(None);
        };
        if event.get("event").and_then(Value::as_str) == Some("bye") {
            if event.get("reconnect") == Some(&Value::Bool(false)) {
                let why = event.get("reason").and_then(Value::as_str);
                return Err(BotError::SignedOut(why.unwrap_or_default().to_owned()));
            }
            let wait_s = event.get("retry_after").and_then(Value::as_f64);
            self.retry_ms = wait_s.map(|it| (it * 1000.0) as u64);
        }
        Ok(Some(event))
    }

    /// Takes note of what was said; the message, if it is one of somebody else's.
    fn take(&mut self, event: Map<String, Value>) -> Option<Message> {
        let op = event.get("op").and_then(Value::as_u64);
        let kind = event.get("event").and_then(Value::as_str)?;
        if let (Some(op), Some(place)) = (op, &mut self.place) {
            // Told again after the line broke.
            if op <= place.op && kind != "caught_up" {
                return None;
            }
            if kind != "caught_up" {
                place.op = op;
            }
        }
        let text_of = |name: &str| event.get(name)?.as_str().map(str::to_owned);
        let from = text_of("from")?;
        if kind != "message" || from == self.name || event.contains_key("deleted") {
            return None;
        }
        Some(Message {
            room: text_of("room")?,
            seq: event.get("seq")?.as_u64()?,
            from,
            text: text_of("text")?,
            event,
        })
    }

    /// What was given out is handled.
    fn handled(&mut self) -> Result<(), BotError> {
        let (Some(file), Some(place)) = (&self.file, &self.place) else {
            return Ok(());
        };
        if self.stored.as_ref() == Some(place) {
            return Ok(());
        }
        let fresh = file.with_extension("new");
        let text = format!("{}.{}\n", place.epoch, place.op);
        let stored = fs::write(&fresh, text).and_then(|()| fs::rename(&fresh, file));
        stored.map_err(|error| BotError::File(file.clone(), error))?;
        self.stored = Some(place.clone());
        Ok(())
    }

    // ------------------------------------------------------------------------------ connecting

    /// Says something; whether the line held.
    fn say(&mut self, text: &str) -> Result<bool, BotError> {
        let socket = self.connected()?;
        if socket.write(text).is_ok() {
            return Ok(true);
        }
        self.lose();
        Ok(false)
    }

    fn lose(&mut self) {
        self.socket = None;
        // All of it is told again.
        self.waiting.clear();
    }

    /// The line, which is opened if there is none.
    fn connected(&mut self) -> Result<&mut Socket, BotError> {
        while self.socket.is_none() {
            if self.failures > 0 || self.retry_ms.is_some() {
                wait(self.pause());
            }
            match self.connect() {
                Ok(true) => self.failures = 0,
                Ok(false) => {
                    self.socket = None;
                    self.failures += 1;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(self.socket.as_mut().expect("it was opened"))
    }

    /// How long to wait before coming back: longer each time, and not all bots at once.
    fn pause(&mut self) -> Duration {
        let doubled = FIRST_WAIT_MS << self.failures.saturating_sub(1).min(10);
        let own = doubled.min(LONGEST_WAIT_MS);
        let told = self
            .retry_ms
            .take()
            .unwrap_or_default()
            .min(LONGEST_WAIT_MS);
        Duration::from_millis(own.max(told) + self.seed.below(own / 2 + 1))
    }

    /// Opens a line and says where it was; whether that worked.
    fn connect(&mut self) -> Result<bool, BotError> {
        let connect = Connect::to(&address(&self.url))
            .subprotocol("parlour.v1")
            .header("Authorization", &format!("Bearer {}", self.token));
        let mut socket = match connect.connect() {
            Ok(socket) => socket,
            Err(ConnectError::Refused {
                status: 401 | 403,
                line,
            }) => {
                return Err(BotError::SignedOut(line));
            }
            Err(error @ (ConnectError::Url { .. } | ConnectError::Field(_))) => {
                return Err(BotError::Connect(error));
            }
            Err(_) => return Ok(false),
        };
        socket.set_timeout(Some(SILENCE));
        self.socket = Some(socket);
        let Some(hello) = self.first("hello")? else {
            return Ok(false);
        };
        self.name = hello["user"]["name"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        if let (Some(socket), Some(beat)) = (&mut self.socket, hello["heartbeat"].as_u64()) {
            socket.set_timeout(Some(Duration::from_secs(beat + beat / 2)));
        }
        let here = Place {
            epoch: hello["epoch"].as_str().unwrap_or_default().to_owned(),
            op: hello["op"].as_u64().unwrap_or_default(),
        };
        if self.place.is_none() {
            self.place = self.remembered()?;
        }
        let from = match &self.place {
            Some(place) if place.epoch == here.epoch => place.clone(),
            _ => here,
        };
        self.asked += 1;
        let command =
            json!({"id": self.asked, "do": "resume", "since": from.op, "epoch": from.epoch});
        self.place = Some(from);
        let socket = self.socket.as_mut().expect("it was opened");
        if socket.write(command.to_string().as_str()).is_err() {
            return Ok(false);
        }
        match self.first_answer(self.asked)? {
            Some(Ok(_)) => Ok(true),
            Some(Err(refusal)) if refusal["retry"] != true => Err(BotError::refused(&refusal)),
            Some(Err(_)) | None => Ok(false),
        }
    }

    /// What is said while the line is being opened, which is not opened again if it breaks.
    fn heard_first(&mut self) -> Result<Option<Map<String, Value>>, BotError> {
        let Some(socket) = &mut self.socket else {
            return Ok(None);
        };
        match socket.read() {
            Ok(Some(Incoming::Text(text))) if text.trim() != "{}" => self.heard(&text),
            Ok(Some(_)) => Ok(Some(Map::new())),
            Ok(None) | Err(_) => Ok(None),
        }
    }

    fn first(&mut self, name: &str) -> Result<Option<Map<String, Value>>, BotError> {
        while let Some(event) = self.heard_first()? {
            if event.get("event").and_then(Value::as_str) == Some(name) {
                return Ok(Some(event));
            }
        }
        Ok(None)
    }

    fn first_answer(&mut self, id: i64) -> Result<Option<Result<Value, Value>>, BotError> {
        while let Some(mut event) = self.heard_first()? {
            if event.get("re").and_then(Value::as_i64) == Some(id) {
                let error = event.remove("error");
                let told = event.remove("ok");
                return Ok(Some(told.ok_or_else(|| error.unwrap_or_default())));
            }
        }
        Ok(None)
    }

    /// Where it was when it was started before.
    fn remembered(&mut self) -> Result<Option<Place>, BotError> {
        let Some(file) = &self.file else {
            return Ok(None);
        };
        let text = match fs::read_to_string(file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(BotError::File(file.clone(), error)),
        };
        let found = text.trim().rsplit_once('.').and_then(|(epoch, op)| {
            Some(Place {
                epoch: epoch.to_owned(),
                op: op.parse().ok()?,
            })
        });
        self.stored.clone_from(&found);
        Ok(found)
    }
}

/// Where the WebSocket of a server is.
fn address(url: &str) -> String {
    let url = url.trim_end_matches('/');
    let rest = url
        .strip_prefix("http://")
        .map(|rest| format!("ws://{rest}"));
    let rest = rest.or_else(|| {
        url.strip_prefix("https://")
            .map(|rest| format!("wss://{rest}"))
    });
    format!("{}/ws?hold=1", rest.as_deref().unwrap_or(url))
}

#[expect(
    clippy::disallowed_methods,
    reason = "a bot that blocks has nothing else to do until it comes back"
)]
fn wait(time: Duration) {
    std::thread::sleep(time);
}

/// Why a bot cannot go on.
#[derive(Debug)]
pub enum BotError {
    /// Its URL or token cannot be sent.
    Connect(ConnectError),
    /// Its token is not good, or not any more.
    SignedOut(String),
    /// The server refuses what it wants.
    Refused {
        /// The code, for programs.
        code: String,
        /// The reason, for people.
        message: String,
    },
    /// Where it was cannot be kept.
    File(PathBuf, io::Error),
}

impl BotError {
    fn refused(refusal: &Value) -> Self {
        let text = |name: &str| refusal[name].as_str().unwrap_or_default().to_owned();
        Self::Refused {
            code: text("code"),
            message: text("message"),
        }
    }
}

impl fmt::Display for BotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connect(error) => error.fmt(f),
            Self::SignedOut(why) => write!(f, "the server takes this token no more: {why}"),
            Self::Refused { code, message } => write!(f, "{message} ({code})"),
            Self::File(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for BotError {}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(text: &str) -> Map<String, Value> {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn an_address_is_made_of_what_people_open() {
        assert_eq!(address("http://a:1/"), "ws://a:1/ws?hold=1");
        assert_eq!(address("https://a"), "wss://a/ws?hold=1");
        assert_eq!(address("ws://a/x"), "ws://a/x/ws?hold=1");
    }

    #[test]
    fn what_is_told_again_is_passed_over_and_so_is_ones_own() {
        let mut bot = Bot::new("http://a", "t");
        bot.name = "bot".to_owned();
        bot.place = Some(Place {
            epoch: "e".to_owned(),
            op: 5,
        });
        let said = |op: u64, from: &str| {
            event(&format!(
                r#"{{"event":"message","op":{op},"room":"den","seq":1,"from":"{from}","text":"hi"}}"#
            ))
        };
        assert_eq!(bot.take(said(5, "ana")), None);
        assert_eq!(bot.take(said(6, "bot")), None);
        assert_eq!(bot.take(said(7, "ana")).unwrap().text, "hi");
        assert_eq!(bot.take(said(7, "ana")), None);
        assert_eq!(
            bot.take(event(r#"{"event":"joined","op":9,"user":"bo"}"#)),
            None
        );
        assert_eq!(bot.place.unwrap().op, 9);
    }
}
