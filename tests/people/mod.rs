//! # People: those who use an example, and the example that they use
//!
//! [`Example`] is the real program in a process of its own, [`Browser`] a client that keeps cookies
//! and connections as browsers do, without following redirections: a test wants to see them.

#![allow(
    dead_code,
    reason = "shared by several tests, none of which needs everybody"
)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use parlour::client::{Connect, ConnectError, Socket};
use parlour::web::{App, Running};
use serde_json::Value;

/// How long anything may take before a test calls it missing.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// An app that runs until the end of a test.
pub(crate) fn serve<S: Send + 'static>(
    make: impl FnOnce() -> App<S> + Send + 'static,
) -> (Running<S>, SocketAddr) {
    let any = "127.0.0.1:0".parse().unwrap();
    let running = Running::start(&[any], make).unwrap();
    let address = running.addresses()[0].tcp().unwrap();
    (running, address)
}

/// A running example. It is ended on drop, and its data goes with it.
pub(crate) struct Example {
    child: Child,
    pub(crate) address: SocketAddr,
    /// What it said behind its first line, line by line.
    said: BufReader<std::process::ChildStdout>,
    data: tempfile::TempDir,
}

/// Where cargo puts examples: beside the tests.
pub(crate) fn program(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("this program has a path");
    let profile = test
        .parent()
        .and_then(Path::parent)
        .expect("target/PROFILE/deps/TEST");
    let program = profile.join("examples").join(name);
    assert!(
        program.exists(),
        "{} is missing: cargo build --examples",
        program.display()
    );
    program
}

impl Example {
    /// Starts an example that keeps nothing.
    pub(crate) fn start(name: &str) -> Self {
        Self::launch(name, &[], tempfile::tempdir().expect("a folder"), false)
    }

    /// Starts an example that keeps nothing, with more options.
    pub(crate) fn with_options(name: &str, options: &[&str]) -> Self {
        Self::launch(name, options, tempfile::tempdir().expect("a folder"), false)
    }

    /// Starts an example with a folder for its data, and more options.
    pub(crate) fn with_data(name: &str, options: &[&str]) -> Self {
        Self::launch(name, options, tempfile::tempdir().expect("a folder"), true)
    }

    fn launch(name: &str, options: &[&str], data: tempfile::TempDir, keeps: bool) -> Self {
        let mut command = Command::new(program(name));
        command.args(["--listen", "127.0.0.1:0"]).args(options);
        if keeps {
            command.arg("--data").arg(data.path());
        }
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?} does not start: {error}"));
        let mut said = BufReader::new(child.stdout.take().expect("a pipe"));
        let mut line = String::new();
        said.read_line(&mut line).expect("its output is text");
        let address = line
            .strip_prefix("listening on http://")
            .and_then(|address| address.trim_end().parse().ok());
        let Some(address) = address else {
            let _ = child.kill();
            panic!("not a ready line: {line:?}");
        };
        Self {
            child,
            address,
            said,
            data,
        }
    }

    /// The next line that it says.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).expect("its output is text");
        line.trim_end().to_owned()
    }

    /// Types a line into it.
    pub(crate) fn type_line(&mut self, line: &str) {
        let stdin = self.child.stdin.as_mut().expect("a pipe");
        writeln!(stdin, "{line}").expect("it reads what is typed");
    }

    /// Its folder.
    pub(crate) fn data(&self) -> &Path {
        self.data.path()
    }

    /// A new person in front of a new browser.
    pub(crate) fn browser(&self) -> Browser {
        Browser::at(self.address)
    }

    /// Asks it to end, and says how it did.
    pub(crate) fn terminate(mut self) -> ExitStatus {
        let pid = self.child.id().to_string();
        let asked = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &pid])
            .status();
        assert!(
            asked.is_ok_and(|status| status.success()),
            "it could be asked"
        );
        self.child.wait().expect("a child can be waited for")
    }

    /// Ends it and starts it again on the same data.
    pub(crate) fn restart(mut self, name: &str, options: &[&str]) -> Self {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let elsewhere = tempfile::tempdir().expect("a folder");
        let data = std::mem::replace(&mut self.data, elsewhere);
        Self::launch(name, options, data, true)
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What came back.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let found = self
            .fields
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).expect("the body is text")
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", String::from_utf8_lossy(&self.body)))
    }

    /// The answer, if it has this status.
    #[track_caller]
    pub(crate) fn expect(self, status: u16) -> Self {
        assert_eq!(
            self.status,
            status,
            "{}",
            String::from_utf8_lossy(&self.body)
        );
        self
    }

    /// The value of an input of the page, by its name: how a test finds a CSRF token.
    pub(crate) fn input(&self, name: &str) -> Option<&str> {
        let text = self.text();
        let at = text.find(&format!("name=\"{name}\""))?;
        let tag = &text[text[..at].rfind('<')?..];
        let tag = &tag[..tag.find('>')?];
        let value = &tag[tag.find("value=\"")? + 7..];
        Some(&value[..value.find('"')?])
    }
}

/// A client that keeps cookies and its connection.
pub(crate) struct Browser {
    address: SocketAddr,
    stream: Option<BufReader<TcpStream>>,
    pub(crate) cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Where it looks.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn at(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
            cookies: BTreeMap::new(),
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"")
    }

    /// Sends a form, as `<form method=post>` does.
    pub(crate) fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Answer {
        let pairs: Vec<String> = form
            .iter()
            .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)))
            .collect();
        let fields = [("Content-Type", "application/x-www-form-urlencoded")];
        self.ask("POST", path, &fields, pairs.join("&").as_bytes())
    }

    /// Loads the page at `from`, fills in its CSRF token, and sends the form to `path`.
    pub(crate) fn submit(&mut self, from: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        let page = self.get(from).expect(200);
        let token = page
            .input("csrf_token")
            .expect("the page has a token")
            .to_owned();
        let mut form = form.to_vec();
        form.push(("csrf_token", &token));
        self.post(path, &form)
    }

    /// Sends JSON.
    pub(crate) fn send(&mut self, method: &str, path: &str, value: &Value) -> Answer {
        let fields = [("Content-Type", "application/json")];
        self.ask(method, path, &fields, value.to_string().as_bytes())
    }

    /// Asks for anything, with any fields, and notes what cookies come back.
    pub(crate) fn ask(
        &mut self,
        method: &str,
        path: &str,
        fields: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\n");
        if !fields
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("host"))
        {
            head += &format!("Host: {}\r\n", self.address);
        }
        if !self.cookies.is_empty() {
            head += &format!("Cookie: {}\r\n", self.cookie_line());
        }
        for (name, value) in fields {
            head += &format!("{name}: {value}\r\n");
        }
        if !body.is_empty() || matches!(method, "POST" | "PUT" | "PATCH") {
            head += &format!("Content-Length: {}\r\n", body.len());
        }
        head += "\r\n";
        let mut stream = self
            .stream
            .take()
            .unwrap_or_else(|| BufReader::new(self.connect()));
        let whole = [head.as_bytes(), body].concat();
        stream
            .get_mut()
            .write_all(&whole)
            .expect("the server takes the request");
        let (answer, goes_on) = read_answer(&mut stream, method == "HEAD");
        if goes_on {
            self.stream = Some(stream);
        }
        let set = answer
            .fields
            .iter()
            .filter(|(name, _)| name == "set-cookie");
        for (_, cookie) in set {
            let (pair, attributes) = cookie.split_once(';').unwrap_or((cookie, ""));
            let (name, value) = pair.split_once('=').expect("a cookie has a name");
            if attributes.to_ascii_lowercase().contains("max-age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }

    fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).expect("the server is there");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket has a timeout");
        stream
    }

    fn cookie_line(&self) -> String {
        let pairs = self
            .cookies
            .iter()
            .map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    /// Opens a WebSocket as a page of this server would: with cookies and the right Origin.
    pub(crate) fn socket(&self, path: &str) -> Result<Socket, ConnectError> {
        self.socket_from(path, &format!("http://{}", self.address))
    }

    /// The same from a page of another origin.
    pub(crate) fn socket_from(&self, path: &str, origin: &str) -> Result<Socket, ConnectError> {
        let connect = Connect::to(&format!("ws://{}{path}", self.address)).header("Origin", origin);
        if self.cookies.is_empty() {
            return connect.connect();
        }
        connect.header("Cookie", &self.cookie_line()).connect()
    }
}

/// One text message, as JSON.
#[track_caller]
pub(crate) fn hear(socket: &mut Socket) -> Value {
    let message = socket
        .read()
        .expect("a message comes")
        .expect("the socket is open");
    serde_json::from_str(message.text().expect("it is text")).expect("it is JSON")
}

/// A whole answer, and whether another may follow on its connection.
fn read_answer(stream: &mut BufReader<TcpStream>, head_only: bool) -> (Answer, bool) {
    let status = read_line(stream);
    let status = status.split(' ').nth(1).and_then(|code| code.parse().ok());
    let status: u16 = status.expect("an answer begins with a status line");
    let mut fields = Vec::new();
    loop {
        let line = read_line(stream);
        let Some((name, value)) = line.split_once(':') else {
            break;
        };
        fields.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut answer = Answer {
        status,
        fields,
        body: Vec::new(),
    };
    let closes = answer
        .field("connection")
        .is_some_and(|it| it.eq_ignore_ascii_case("close"));
    if head_only || matches!(status, 204 | 304) || status < 200 {
        return (answer, !closes);
    }
    if answer.field("transfer-encoding") == Some("chunked") {
        loop {
            let length = read_line(stream);
            let length = usize::from_str_radix(&length, 16).expect("a chunk has a length");
            let mut chunk = vec![0; length];
            stream.read_exact(&mut chunk).expect("a chunk is whole");
            answer.body.extend(chunk);
            read_line(stream);
            if length == 0 {
                return (answer, !closes);
            }
        }
    }
    let Some(length) = answer.field("content-length") else {
        stream.read_to_end(&mut answer.body).expect("the body ends");
        return (answer, false);
    };
    answer.body = vec![0; length.parse().expect("a length is a number")];
    stream
        .read_exact(&mut answer.body)
        .expect("the body is whole");
    (answer, !closes)
}

fn read_line(stream: &mut BufReader<TcpStream>) -> String {
    let mut line = String::new();
    stream.read_line(&mut line).expect("a line comes");
    line.trim_end_matches(['\r', '\n']).to_owned()
}

/// A value as it stands in a form or a query.
pub(crate) fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' => {
                char::from(byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect()
}
