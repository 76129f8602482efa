//! # Support: a server of one's own, and a strict client
//!
//! Everything has a deadline of [`PATIENCE`]; nothing sleeps for a fixed time, conditions are
//! polled by [`eventually`]. The client refuses every answer that RFC 9112 would not let it send.

#![expect(
    clippy::disallowed_methods,
    reason = "a black box test lives in real time: it reads the clock for its deadlines"
)]

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

/// How long anything may take before it counts as never.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Waits until `condition` holds; panics with `what` when it does not within [`PATIENCE`].
#[track_caller]
pub(crate) fn eventually(what: &str, condition: impl FnMut() -> bool) {
    assert!(
        holds_within(PATIENCE, condition),
        "not within {PATIENCE:?}: {what}"
    );
}

/// True as soon as `condition` holds, false when it does not within `limit`.
pub(crate) fn holds_within(limit: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + limit;
    loop {
        if condition() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        // Only to leave the processor to the server between two looks.
        thread::park_timeout(Duration::from_millis(2));
    }
}

/// Seconds since 1970 by this machine's clock.
pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap()
        .as_secs()
}

// ---------------------------------------------------------------------------------- the command

/// The binary under test.
pub(crate) fn parlour() -> Command {
    Command::new(env!("CARGO_BIN_EXE_parlour"))
}

/// What a command said that ended by itself.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Runs `parlour` with `arguments` to its end, which must come within [`PATIENCE`], in an empty folder
/// that is gone afterwards.
#[track_caller]
pub(crate) fn run(arguments: &[&str]) -> Said {
    let home = tempfile::tempdir().unwrap();
    run_in(home.path(), arguments, "")
}

/// The same in a folder, with something to read on standard input.
#[track_caller]
pub(crate) fn run_in(folder: &Path, arguments: &[&str], input: &str) -> Said {
    let mut child = parlour()
        .args(arguments)
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Whoever does not want to read it has ended, which is seen below.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let ended = holds_within(PATIENCE, || child.try_wait().unwrap().is_some());
    if !ended {
        child.kill().unwrap();
    }
    let output = child.wait_with_output().unwrap();
    let said = Said {
        code: output.status.code(),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    };
    assert!(
        ended,
        "parlour {arguments:?} did not end by itself: {said:?}"
    );
    said
}

// ----------------------------------------------------------------------------------- the server

/// A running `parlour` with a directory of its own; killed when dropped.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    home: TempDir,
    ready: Vec<String>,
}

impl Server {
    /// `parlour serve` with `arguments`, on a free port of 127.0.0.1 unless they say `--listen`.
    #[track_caller]
    pub(crate) fn start(arguments: &[&str]) -> Self {
        let mut command = parlour();
        command.arg("serve");
        let count = |option| arguments.iter().filter(|&&it| it == option).count();
        let listens = count("--listen");
        if listens == 0 {
            command.args(["--listen", "127.0.0.1:0"]);
        }
        command.args(arguments).stdin(Stdio::null());
        Self::start_as(command, listens.max(1) + count("--nano-tcp"))
    }

    /// The server that most tests ask: with `--echo`.
    #[track_caller]
    pub(crate) fn echo() -> Self {
        Self::start(&["--echo"])
    }

    /// Any command that ends up as a server and prints `lines` ready lines.
    #[track_caller]
    pub(crate) fn start_as(mut command: Command, lines: usize) -> Self {
        let home = tempfile::tempdir().unwrap();
        let child = command
            .current_dir(home.path())
            .stdout(File::create(home.path().join("stdout")).unwrap())
            .stderr(File::create(home.path().join("stderr")).unwrap())
            .spawn()
            .unwrap();
        let mut server = Self {
            child,
            home,
            ready: Vec::new(),
        };
        let ready = holds_within(PATIENCE, || {
            let ended = server.child.try_wait().unwrap();
            assert!(
                ended.is_none(),
                "parlour ended before it was ready: {ended:?}"
            );
            server.stdout().matches('\n').count() >= lines
        });
        assert!(
            ready,
            "parlour said {:?}, not {lines} ready lines",
            server.stdout()
        );
        server.ready = server.stdout().lines().map(str::to_owned).collect();
        server
    }

    /// The number of its process.
    #[allow(dead_code, reason = "the chat's tests share this file, and kill")]
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The lines on standard output so far that say where it listens, without `listening on `.
    #[track_caller]
    pub(crate) fn listening_on(&self) -> Vec<&str> {
        self.ready
            .iter()
            .map(|line| {
                line.strip_prefix("listening on ")
                    .unwrap_or_else(|| panic!("not a ready line: {line:?}"))
            })
            .collect()
    }

    /// The address in the first ready line.
    #[track_caller]
    pub(crate) fn address(&self) -> SocketAddr {
        let first = self.listening_on()[0];
        let address = first
            .strip_prefix("http://")
            .and_then(|text| text.parse().ok());
        address.unwrap_or_else(|| panic!("no http://ADDRESS:PORT in the ready line: {first:?}"))
    }

    /// A new connection to [`Self::address`].
    #[track_caller]
    pub(crate) fn dialogue(&self) -> Dialogue {
        Dialogue::open(self.address())
    }

    /// What it printed so far.
    pub(crate) fn stdout(&self) -> String {
        fs::read_to_string(self.home.path().join("stdout")).unwrap()
    }

    /// What it complained about so far.
    pub(crate) fn stderr(&self) -> String {
        let bytes = fs::read(self.home.path().join("stderr")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// Sends SIGTERM. The shell's `kill` is there on every machine that has a shell.
    pub(crate) fn terminate(&self) {
        let pid = self.child.id().to_string();
        let status = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &pid])
            .status()
            .unwrap();
        assert!(status.success(), "kill could not send SIGTERM to {pid}");
    }

    /// True while the process has not ended.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// True while something accepts connections at [`Self::address`].
    pub(crate) fn accepts(&self) -> bool {
        TcpStream::connect(self.address()).is_ok()
    }

    /// The exit status, which must come within `limit`.
    #[track_caller]
    pub(crate) fn exit_within(&mut self, limit: Duration) -> ExitStatus {
        let ended = holds_within(limit, || !self.is_running());
        assert!(
            ended,
            "still running after {limit:?}; standard error:\n{}",
            self.stderr()
        );
        self.child.wait().unwrap()
    }

    /// Resident memory now.
    pub(crate) fn rss_kib(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))
            .unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// Open descriptors now.
    pub(crate) fn descriptors(&self) -> usize {
        fs::read_dir(format!("/proc/{}/fd", self.child.id()))
            .unwrap()
            .count()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already, which is what is wanted.
        let _ = self.child.kill();
        let _ = self.child.wait();
        if thread::panicking() {
            eprintln!("--- standard error of parlour\n{}---", self.stderr());
        }
    }
}

// ----------------------------------------------------------------------------------- the answer

/// One answer, whole.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Response {
    pub(crate) version: String,
    pub(crate) status: u16,
    pub(crate) reason: String,
    pub(crate) fields: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// The 1xx answers before it.
    pub(crate) interim: Vec<Self>,
}

impl Response {
    /// Every value of a field, in order.
    pub(crate) fn all<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a str> {
        let named = self
            .fields
            .iter()
            .filter(move |(field, _)| field.eq_ignore_ascii_case(name));
        named
            .map(|(_, value)| value.as_str())
            .collect::<Vec<_>>()
            .into_iter()
    }

    /// The first value of a field.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// True when a list field has this member, in any case.
    pub(crate) fn lists(&self, name: &str, member: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(','))
            .any(|token| token.trim().eq_ignore_ascii_case(member))
    }

    /// True when the server announces that it closes.
    pub(crate) fn says_close(&self) -> bool {
        self.lists("Connection", "close")
    }

    /// The body as text, for messages and comparisons.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// What must not depend on how the request was cut: all but the date, and but the 100s, which
    /// are needed only when the body comes later.
    pub(crate) fn lasting(&self) -> Self {
        let mut same = self.clone();
        same.interim.clear();
        same.fields
            .retain(|(name, _)| !name.eq_ignore_ascii_case("date"));
        same
    }
}

/// Bytes as a readable line: the beginning only, escaped.
pub(crate) fn shown(bytes: &[u8]) -> String {
    let mut text = bytes[..bytes.len().min(120)].escape_ascii().to_string();
    if bytes.len() > 120 {
        write!(text, "… ({} bytes)", bytes.len()).unwrap();
    }
    text
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// A status line and its fields, with nothing forgiven.
fn parse_head(head: &[u8]) -> Result<Response, String> {
    let text = latin1(head);
    let mut lines = text.split("\r\n");
    let first = lines.next().unwrap_or_default();
    let wrong = || format!("not a status line: {first:?}");
    let (version, rest) = first.split_once(' ').ok_or_else(wrong)?;
    let (code, reason) = rest.split_once(' ').ok_or_else(wrong)?;
    let digits = code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_digit());
    if version != "HTTP/1.1" || !digits || reason.contains(|c: char| c.is_ascii_control()) {
        return Err(wrong());
    }
    let mut fields = Vec::new();
    for line in lines {
        let (name, value) = line
            .split_once(':')
            .ok_or_else(|| format!("no colon: {line:?}"))?;
        let token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        if name.is_empty() || !name.bytes().all(token) {
            return Err(format!("not a field name: {line:?}"));
        }
        if value.contains(|c: char| c.is_ascii_control() && c != '\t') {
            return Err(format!("a control character in a field value: {line:?}"));
        }
        fields.push((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()));
    }
    Ok(Response {
        version: version.to_owned(),
        status: code.parse().map_err(|_| wrong())?,
        reason: reason.to_owned(),
        fields,
        ..Response::default()
    })
}

// --------------------------------------------------------------------------------- the dialogue

#[derive(Debug)]
enum Wire {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// A connection: send bytes, expect answers.
#[derive(Debug)]
pub(crate) struct Dialogue {
    wire: Wire,
    /// Received and not yet consumed, from `start` on.
    buffer: Vec<u8>,
    start: usize,
    ended: bool,
}

impl Dialogue {
    /// Connects over TCP.
    #[track_caller]
    pub(crate) fn open(address: SocketAddr) -> Self {
        let stream = TcpStream::connect_timeout(&address, PATIENCE).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self::over(Wire::Tcp(stream))
    }

    /// Connects to a Unix socket.
    #[track_caller]
    pub(crate) fn open_unix(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self::over(Wire::Unix(stream))
    }

    const fn over(wire: Wire) -> Self {
        Self {
            wire,
            buffer: Vec::new(),
            start: 0,
            ended: false,
        }
    }

    /// Sends all of it in one piece. A server that has closed already is no error: it may have
    /// answered before the end, and the next `response` or `closed` will tell.
    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.send_piece(bytes.as_ref());
    }

    /// Sends byte by byte: the first 4 KiB each in a write of its own, the rest in odd pieces.
    #[track_caller]
    pub(crate) fn send_slowly(&mut self, bytes: impl AsRef<[u8]>) {
        let (slow, rest) = bytes.as_ref().split_at(bytes.as_ref().len().min(4096));
        for piece in slow.chunks(1).chain(rest.chunks(997)) {
            if !self.send_piece(piece) {
                return;
            }
        }
    }

    /// False when the server has gone.
    #[track_caller]
    fn send_piece(&mut self, bytes: &[u8]) -> bool {
        let sent = match &mut self.wire {
            Wire::Tcp(stream) => stream.write_all(bytes),
            Wire::Unix(stream) => stream.write_all(bytes),
        };
        match sent.map_err(|error| error.kind()) {
            Ok(()) => true,
            Err(ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => false,
            Err(kind) => panic!("could not send {}: {kind}", shown(bytes)),
        }
    }

    /// A second hand on the connection, to send from another thread while this one reads.
    pub(crate) fn sender(&self) -> TcpStream {
        match &self.wire {
            Wire::Tcp(stream) => stream.try_clone().unwrap(),
            Wire::Unix(_) => panic!("only TCP dialogues have a sender"),
        }
    }

    /// Says that nothing more will be sent; answers can still be read.
    pub(crate) fn finish(&self) {
        // Fails only when the server has closed already, which the next read tells.
        let _ = match &self.wire {
            Wire::Tcp(stream) => stream.shutdown(Shutdown::Write),
            Wire::Unix(stream) => stream.shutdown(Shutdown::Write),
        };
    }

    /// The next final answer, to a GET or anything else with a body in its answer.
    #[track_caller]
    pub(crate) fn response(&mut self) -> Response {
        self.response_to("GET")
    }

    /// The next final answer, to a request with this method.
    #[track_caller]
    pub(crate) fn response_to(&mut self, method: &str) -> Response {
        self.try_response_to(method)
            .unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    /// The next final answer, or what is wrong with it.
    pub(crate) fn try_response_to(&mut self, method: &str) -> Result<Response, String> {
        let deadline = Instant::now() + PATIENCE;
        let mut interim = Vec::new();
        loop {
            let mut answer = self.head(deadline)?;
            if answer.status < 200 && answer.status != 101 {
                interim.push(answer);
                continue;
            }
            answer.interim = interim;
            self.body(&mut answer, method, deadline)?;
            return Ok(answer);
        }
    }

    /// The next head alone, even an interim one.
    #[track_caller]
    pub(crate) fn head_alone(&mut self) -> Response {
        self.head(Instant::now() + PATIENCE)
            .unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    /// The next `count` bytes as they are.
    #[track_caller]
    pub(crate) fn exactly(&mut self, count: usize) -> Vec<u8> {
        let bytes = self.take(count, Instant::now() + PATIENCE);
        bytes.unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    /// Waits for the end of the connection; anything that comes before it is wrong.
    #[track_caller]
    pub(crate) fn closed(&mut self) {
        self.try_closed().unwrap_or_else(|wrong| panic!("{wrong}"));
    }

    /// Waits for the end of the connection, or says what came instead.
    pub(crate) fn try_closed(&mut self) -> Result<(), String> {
        let deadline = Instant::now() + PATIENCE;
        while self.start == self.buffer.len() && !self.ended {
            self.fill(deadline)
                .map_err(|wrong| format!("the connection stays open: {wrong}"))?;
        }
        match &self.buffer[self.start..] {
            [] => Ok(()),
            more => Err(format!(
                "expected the end, but there is more: {}",
                shown(more)
            )),
        }
    }

    fn head(&mut self, deadline: Instant) -> Result<Response, String> {
        let bytes = self.until(b"\r\n\r\n", deadline)?;
        let answer = parse_head(&bytes)?;
        let lengths: Vec<_> = answer.all("Content-Length").collect();
        let coded = answer.field("Transfer-Encoding").is_some();
        let bare = answer.status < 200 || answer.status == 204;
        match lengths.as_slice() {
            _ if bare && (coded || !lengths.is_empty()) => Err(format!(
                "{} must not frame a body (9110 8.6)",
                answer.status
            )),
            [_, _, ..] => Err(format!("several lengths: {lengths:?}")),
            [_] if coded => Err("both Transfer-Encoding and Content-Length".to_owned()),
            [length] if !length.bytes().all(|byte| byte.is_ascii_digit()) => {
                Err(format!("not a length: {length:?}"))
            }
            _ => Ok(answer),
        }
    }

    fn body(
        &mut self,
        answer: &mut Response,
        method: &str,
        deadline: Instant,
    ) -> Result<(), String> {
        if method == "HEAD" || matches!(answer.status, 101 | 204 | 304) {
            return Ok(());
        }
        if answer.lists("Transfer-Encoding", "chunked") {
            answer.body = self.chunks(deadline)?;
        } else if let Some(length) = answer.field("Content-Length") {
            let length = length
                .parse()
                .map_err(|_| format!("not a length: {length:?}"))?;
            answer.body = self.take(length, deadline)?;
        } else {
            while !self.ended {
                self.fill(deadline)?;
            }
            answer.body = self.buffer.split_off(self.start);
        }
        Ok(())
    }

    fn chunks(&mut self, deadline: Instant) -> Result<Vec<u8>, String> {
        let mut body = Vec::new();
        loop {
            let line = latin1(&self.until(b"\r\n", deadline)?);
            let digits = line.split(';').next().unwrap_or_default();
            let size = match digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
                true => usize::from_str_radix(digits, 16).ok(),
                false => None,
            };
            let size = size.ok_or_else(|| format!("not a chunk size: {line:?}"))?;
            if size == 0 {
                break;
            }
            body.extend(self.take(size, deadline)?);
            if self.take(2, deadline)? != b"\r\n" {
                return Err("a chunk that does not end with CRLF".to_owned());
            }
        }
        while !self.until(b"\r\n", deadline)?.is_empty() {}
        Ok(body)
    }

    fn take(&mut self, count: usize, deadline: Instant) -> Result<Vec<u8>, String> {
        while self.buffer.len() - self.start < count {
            if self.ended {
                let have = self.buffer.len() - self.start;
                return Err(format!(
                    "the connection ended after {have} of {count} bytes"
                ));
            }
            self.fill(deadline)?;
        }
        let taken = self.buffer[self.start..self.start + count].to_vec();
        self.start += count;
        Ok(taken)
    }

    /// The bytes before `mark`, which is consumed too.
    fn until(&mut self, mark: &[u8], deadline: Instant) -> Result<Vec<u8>, String> {
        let mut looked = self.start;
        loop {
            let found = self.buffer[looked..]
                .windows(mark.len())
                .position(|part| part == mark);
            if let Some(at) = found {
                let before = self.buffer[self.start..looked + at].to_vec();
                self.start = looked + at + mark.len();
                return Ok(before);
            }
            // The mark may begin in what is here and end in what comes.
            looked = self
                .start
                .max((self.buffer.len() + 1).saturating_sub(mark.len()));
            if self.ended {
                let have = shown(&self.buffer[self.start..]);
                return Err(format!(
                    "the connection ended before an answer; received {have:?}"
                ));
            }
            looked -= self.fill(deadline)?;
        }
    }

    /// One read. Returns by how much the buffer's beginning moved.
    fn fill(&mut self, deadline: Instant) -> Result<usize, String> {
        // Consumed bytes are let go when they are most of the buffer, so that copying stays cheap.
        let moved = if self.start > 65536 && self.start * 2 > self.buffer.len() {
            self.buffer.drain(..self.start);
            std::mem::take(&mut self.start)
        } else {
            0
        };
        let have = shown(&self.buffer[self.start..]);
        let silent = || format!("nothing more within {PATIENCE:?}; received {have:?}");
        let left = deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(silent());
        }
        let mut piece = [0; 65536];
        let read = match &mut self.wire {
            Wire::Tcp(stream) => {
                stream
                    .set_read_timeout(Some(left))
                    .map_err(|error| error.to_string())?;
                stream.read(&mut piece)
            }
            Wire::Unix(stream) => {
                stream
                    .set_read_timeout(Some(left))
                    .map_err(|error| error.to_string())?;
                stream.read(&mut piece)
            }
        };
        match read {
            Ok(0) => self.ended = true,
            Ok(count) => self.buffer.extend_from_slice(&piece[..count]),
            Err(error) => match error.kind() {
                ErrorKind::Interrupted => {}
                ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => self.ended = true,
                ErrorKind::WouldBlock | ErrorKind::TimedOut => return Err(silent()),
                kind => return Err(format!("could not read: {kind}")),
            },
        }
        Ok(moved)
    }
}
