//! # Support: a server with a database, people who are signed in, and their lines
//!
//! ```ignore
//! let parlour = Parlour::start();
//! let ana = parlour.sign_up("ana");
//! ana.post("/rooms", json!({"room": "den"})).expect(201);
//! let mut line = ana.line();
//! line.ask(json!({"do": "send", "room": "den", "text": "hi"}));
//! assert_eq!(line.event("message")["text"], "hi");
//! ```
//!
//! Whatever should come has [`PATIENCE`](crate::strict::PATIENCE) to do so; nothing sleeps.

#![allow(dead_code, reason = "shared by several files, none of which needs all")]

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Command;

use parlour::client::{Connect, ConnectError, Incoming, ReadError, Socket, WriteError};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::contract;
use crate::strict::{Dialogue, PATIENCE, Response, Server, parlour};

/// Everybody's password.
pub(crate) const PASSWORD: &str = "correct horse battery";

// ----------------------------------------------------------------------------------- the server

/// A running `parlour` with a database of its own; both are gone when it is dropped.
#[derive(Debug)]
pub(crate) struct Parlour {
    server: Option<Server>,
    data: TempDir,
    arguments: Vec<String>,
}

impl Parlour {
    /// A server without anybody in it.
    #[track_caller]
    pub(crate) fn start() -> Self {
        Self::start_with(&[])
    }

    /// The same with more arguments.
    #[track_caller]
    pub(crate) fn start_with(arguments: &[&str]) -> Self {
        let mut parlour = Self {
            server: None,
            data: tempfile::tempdir().unwrap(),
            arguments: arguments.iter().map(|it| (*it).to_owned()).collect(),
        };
        parlour.begin();
        parlour
    }

    /// Starts it, after [`kill`](Self::kill) or [`stop`](Self::stop), with what it has stored.
    #[track_caller]
    pub(crate) fn begin(&mut self) {
        assert!(self.server.is_none(), "it runs already");
        let data = self.data.path().to_str().unwrap();
        let mut arguments = vec!["--data", data];
        arguments.extend(self.arguments.iter().map(String::as_str));
        self.server = Some(Server::start(&arguments));
    }

    /// Starts it in a way of its own: by a shell that is told how and ends in `exec "$@"`.
    #[track_caller]
    pub(crate) fn begin_by(&mut self, how: &[&str]) {
        assert!(self.server.is_none(), "it runs already");
        let mut command = Command::new(how[0]);
        command
            .args(&how[1..])
            .arg("sh")
            .arg(parlour().get_program())
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(self.data.path());
        self.server = Some(Server::start_as(command, 1));
    }

    /// A server of an example, which cargo builds beside the tests, with more arguments.
    #[track_caller]
    pub(crate) fn start_example(name: &str, arguments: &[&str]) -> Self {
        let test = std::env::current_exe().unwrap();
        let profile = test.parent().and_then(Path::parent).unwrap();
        let program = profile.join("examples").join(name);
        let tell = "cargo build --examples";
        assert!(program.exists(), "{} is missing: {tell}", program.display());
        let mut parlour = Self::not_started();
        let mut command = Command::new(program);
        command
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(parlour.data())
            .args(arguments);
        parlour.server = Some(Server::start_as(command, 1));
        parlour
    }

    /// A folder in which no server runs yet.
    pub(crate) fn not_started() -> Self {
        Self {
            server: None,
            data: tempfile::tempdir().unwrap(),
            arguments: Vec::new(),
        }
    }

    /// Ends it at once, as a power cut of the process does.
    pub(crate) fn kill(&mut self) {
        // Dropping kills with SIGKILL and waits.
        self.server = None;
    }

    /// Asks it to end, and waits until it has.
    #[track_caller]
    pub(crate) fn stop(&mut self) {
        self.server().terminate();
        self.stopped();
    }

    /// Waits until it has ended, which it was asked to.
    #[track_caller]
    pub(crate) fn stopped(&mut self) {
        let mut server = self.server.take().unwrap();
        let status = server.exit_within(PATIENCE);
        assert!(status.success(), "{status}: {}", server.stderr());
    }

    /// The process.
    #[track_caller]
    pub(crate) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    /// Where it listens.
    #[track_caller]
    pub(crate) fn address(&self) -> SocketAddr {
        self.server().address()
    }

    /// The folder of its data.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// Somebody who is not signed in.
    #[track_caller]
    pub(crate) fn nobody(&self) -> Person {
        Person {
            address: self.address(),
            name: String::new(),
            token: None,
        }
    }

    /// Makes an account; the first one is the admin's.
    #[track_caller]
    pub(crate) fn sign_up(&self, name: &str) -> Person {
        let made = self
            .nobody()
            .post("/users", json!({"name": name, "password": PASSWORD}))
            .expect(201);
        self.with_token(name, made["token"].as_str().unwrap())
    }

    /// Signs in once more.
    #[track_caller]
    pub(crate) fn sign_in(&self, name: &str, password: &str) -> Person {
        let made = self
            .nobody()
            .post("/tokens", json!({"name": name, "password": password}))
            .expect(201);
        self.with_token(name, made["token"].as_str().unwrap())
    }

    /// Somebody with a token; also where the server listens by now.
    #[track_caller]
    pub(crate) fn with_token(&self, name: &str, token: &str) -> Person {
        Person {
            address: self.address(),
            name: name.to_owned(),
            token: Some(token.to_owned()),
        }
    }
}

// ------------------------------------------------------------------------------------- requests

/// Somebody who asks.
#[derive(Clone, Debug)]
pub(crate) struct Person {
    address: SocketAddr,
    pub(crate) name: String,
    pub(crate) token: Option<String>,
}

/// What they are answered.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) response: Response,
    asked: String,
}

impl Answer {
    /// The JSON of an answer that has this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        let (asked, got, text) = (&self.asked, self.response.status, self.response.text());
        assert_eq!(got, status, "{asked}: {text}");
        if self.response.body.is_empty() {
            return Value::Null;
        }
        let kind = self.response.field("Content-Type");
        assert_eq!(kind, Some("application/json"), "{asked}: {text}");
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{asked}: {error}: {text}"))
    }

    /// The error of an answer that refuses, which has this status and this code.
    #[track_caller]
    pub(crate) fn refuses(&self, status: u16, code: &str) -> Value {
        let error = self.expect(status)["error"].take();
        assert_eq!(error["code"], code, "{}: {error}", self.asked);
        assert!(error["message"].is_string() && error["retry"].is_boolean());
        error
    }

    /// The same for a field that is wrong.
    #[track_caller]
    pub(crate) fn refuses_field(&self, field: &str) -> Value {
        let error = self.expect(400)["error"].take();
        assert_eq!(error["code"], "bad_field", "{}: {error}", self.asked);
        assert_eq!(error["field"], field, "{}: {error}", self.asked);
        error
    }
}

impl Person {
    /// Asks below `/api/v1`.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    #[track_caller]
    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.ask("DELETE", path, &[], b"")
    }

    #[track_caller]
    pub(crate) fn post(&self, path: &str, body: Value) -> Answer {
        self.send("POST", path, &[], &body)
    }

    #[track_caller]
    pub(crate) fn put(&self, path: &str, body: Value) -> Answer {
        self.send("PUT", path, &[], &body)
    }

    #[track_caller]
    pub(crate) fn patch(&self, path: &str, body: Value) -> Answer {
        self.send("PATCH", path, &[], &body)
    }

    /// Sends JSON, with fields such as `Idempotency-Key`.
    #[track_caller]
    pub(crate) fn send(
        &self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &Value,
    ) -> Answer {
        let mut fields = fields.to_vec();
        fields.push(("Content-Type", "application/json"));
        self.ask(method, path, &fields, body.to_string().as_bytes())
    }

    /// Asks anything, on a connection of its own. The answer is as the API's document says.
    #[track_caller]
    pub(crate) fn ask(
        &self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut dialogue = self.begin(method, path, fields, body);
        let response = dialogue.response_to(method);
        contract::hold(self.address, method, path, &response);
        Answer {
            response,
            asked: format!("{} {method} {path}", self.name),
        }
    }

    /// Asks for something that is not below `/api/v1`.
    #[track_caller]
    pub(crate) fn at_root(&self, method: &str, path: &str, fields: &[(&str, &str)]) -> Answer {
        let mut dialogue = self.begin_at(method, path, fields, b"");
        Answer {
            response: dialogue.response_to(method),
            asked: format!("{} {method} {path}", self.name),
        }
    }

    /// Asks, and leaves the answer to be read: for streams.
    #[track_caller]
    pub(crate) fn begin(
        &self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Dialogue {
        self.begin_at(method, &format!("/api/v1{path}"), fields, body)
    }

    #[track_caller]
    fn begin_at(&self, method: &str, path: &str, fields: &[(&str, &str)], body: &[u8]) -> Dialogue {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.address);
        if let Some(token) = &self.token {
            head += &format!("Authorization: Bearer {token}\r\n");
        }
        for (name, value) in fields {
            head += &format!("{name}: {value}\r\n");
        }
        let ends_itself = fields.iter().any(|(name, _)| *name == "Transfer-Encoding");
        let has_body = !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH");
        if has_body && !ends_itself {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        let mut dialogue = Dialogue::open(self.address);
        dialogue.send([head.as_bytes(), b"\r\n", body].concat());
        dialogue
    }

    /// A WebSocket, after its `hello`.
    #[track_caller]
    pub(crate) fn line(&self) -> Line {
        self.line_to("/ws")
    }

    /// A WebSocket at a path such as `/ws?hold=1`.
    #[track_caller]
    pub(crate) fn line_to(&self, path: &str) -> Line {
        let socket = self.connect(path).unwrap();
        let mut line = Line {
            socket,
            waiting: VecDeque::new(),
            hello: Value::Null,
            asked: 0,
        };
        line.hello = line.event("hello");
        line
    }

    /// A WebSocket, or why there is none.
    pub(crate) fn connect(&self, path: &str) -> Result<Socket, ConnectError> {
        let mut connect =
            Connect::to(&format!("ws://{}{path}", self.address)).subprotocol("parlour.v1");
        if let Some(token) = &self.token {
            connect = connect.header("Authorization", &format!("Bearer {token}"));
        }
        let mut socket = connect.timeout(PATIENCE).connect()?;
        socket.set_timeout(Some(PATIENCE));
        Ok(socket)
    }
}

// ---------------------------------------------------------------------------------------- lines

/// A WebSocket on which somebody speaks `parlour.v1`.
#[derive(Debug)]
pub(crate) struct Line {
    socket: Socket,
    /// What came while something else was waited for.
    waiting: VecDeque<Value>,
    /// The first thing that was said.
    pub(crate) hello: Value,
    asked: i64,
}

impl Line {
    /// Sends JSON as it is.
    #[track_caller]
    pub(crate) fn say(&mut self, what: &Value) {
        self.socket.write(what.to_string().as_str()).unwrap();
    }

    /// Sends a text as it is.
    #[track_caller]
    pub(crate) fn say_text(&mut self, text: &str) {
        self.socket.write(text).unwrap();
    }

    /// Sends bytes as they are.
    #[track_caller]
    pub(crate) fn say_bytes(&mut self, bytes: &[u8]) {
        self.socket.write(bytes).unwrap();
    }

    /// Sends JSON to a server that may be gone.
    pub(crate) fn try_say(&mut self, what: &Value) -> Result<(), WriteError> {
        self.socket.write(what.to_string().as_str())
    }

    /// The next thing that is said, or nothing once the connection is gone, in whatever way.
    #[track_caller]
    pub(crate) fn heard_or_broken(&mut self) -> Option<Value> {
        if let Some(value) = self.waiting.pop_front() {
            return Some(value);
        }
        loop {
            match self.socket.read() {
                Ok(Some(Incoming::Text(text))) if text == "{}" => {
                    let _ = self.socket.write("{}");
                }
                Ok(Some(Incoming::Text(text))) => {
                    return Some(serde_json::from_str(&text).unwrap());
                }
                Ok(Some(Incoming::Binary(bytes))) => panic!("binary: {bytes:?}"),
                Err(ReadError::TimedOut) => panic!("neither a word nor an end"),
                Ok(None) | Err(_) => return None,
            }
        }
    }

    /// The next thing that is said; heartbeats are answered and passed over. Nothing after a close.
    #[track_caller]
    pub(crate) fn heard(&mut self) -> Option<Value> {
        if let Some(value) = self.waiting.pop_front() {
            return Some(value);
        }
        self.arrives()
    }

    /// The same where the connection must go on.
    #[track_caller]
    pub(crate) fn next(&mut self) -> Value {
        self.heard()
            .unwrap_or_else(|| panic!("closed: {:?}", self.socket.closed()))
    }

    #[track_caller]
    fn arrives(&mut self) -> Option<Value> {
        loop {
            let text = match self.socket.read().unwrap()? {
                Incoming::Text(text) => text,
                Incoming::Binary(bytes) => panic!("binary: {bytes:?}"),
            };
            if text == "{}" {
                self.socket.write("{}").unwrap();
                continue;
            }
            return Some(serde_json::from_str(&text).unwrap());
        }
    }

    /// The next thing for which `fits` holds. What comes before it waits.
    #[track_caller]
    pub(crate) fn find(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        if let Some(at) = self.waiting.iter().position(&fits) {
            return self.waiting.remove(at).unwrap();
        }
        loop {
            let Some(value) = self.arrives() else {
                panic!("closed before {what}: {:?}", self.socket.closed());
            };
            if fits(&value) {
                return value;
            }
            self.waiting.push_back(value);
        }
    }

    /// The next event with this name. What comes before it waits.
    #[track_caller]
    pub(crate) fn event(&mut self, name: &str) -> Value {
        self.find(name, |value| value["event"] == name)
    }

    /// Says a command, and gets what it was answered: `{"re":…,"ok":…}` or an error.
    #[track_caller]
    pub(crate) fn command(&mut self, mut command: Value) -> Value {
        self.asked += 1;
        let id = self.asked;
        command["id"] = id.into();
        self.say(&command);
        self.find(&format!("the answer to {command}"), |value| {
            value["re"] == id
        })
    }

    /// The same for what has to be `ok`.
    #[track_caller]
    pub(crate) fn ask(&mut self, command: Value) -> Value {
        let mut answer = self.command(command.clone());
        assert!(answer["ok"].is_object(), "{command}: {answer}");
        answer["ok"].take()
    }

    /// The same for what has to be refused.
    #[track_caller]
    pub(crate) fn refused(&mut self, command: Value, code: &str) -> Value {
        let mut answer = self.command(command.clone());
        assert_eq!(answer["error"]["code"], code, "{command}: {answer}");
        answer["error"].take()
    }

    /// What was said so far and not asked for, up to the answer to a `ping`.
    #[track_caller]
    pub(crate) fn drain(&mut self) -> Vec<Value> {
        self.ask(json!({"do": "ping"}));
        self.waiting.drain(..).collect()
    }

    /// Something that comes after a time that is as long as patience: what is asked meanwhile keeps the
    /// wait alive. Whatever else comes is passed over.
    #[track_caller]
    pub(crate) fn find_late(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        for _ in 0..300 {
            if let Some(found) = self.drain().into_iter().find(&fits) {
                return found;
            }
            std::thread::park_timeout(std::time::Duration::from_millis(100));
        }
        panic!("{what} does not come");
    }

    /// The same but for who is there, which comes when it comes.
    #[track_caller]
    pub(crate) fn drain_lasting(&mut self) -> Vec<Value> {
        let mut said = self.drain();
        said.retain(|event| event["event"] != "presence");
        said
    }

    /// The code with which the server closes; what it says before is passed over.
    #[track_caller]
    pub(crate) fn close_code(&mut self) -> Option<u16> {
        while self.heard().is_some() {}
        self.socket.closed().and_then(|(code, _)| code)
    }

    /// What it says before the server closes, and the code with which it does.
    #[track_caller]
    pub(crate) fn rest(&mut self) -> (Vec<Value>, Option<u16>) {
        let mut said = Vec::new();
        while let Some(value) = self.heard() {
            said.push(value);
        }
        (said, self.socket.closed().and_then(|(code, _)| code))
    }

    /// Ends it without a word.
    pub(crate) fn hang_up(self) {
        drop(self.socket);
    }
}
