//! # Regressions: what was wrong in the framework once
//!
//! Each test is named by what holds now, and failed before it did.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]
#![allow(
    clippy::disallowed_methods,
    reason = "clients and slow helpers live in real time"
)]

use parlour::http::Response;
use parlour::store::Database;
use parlour::web::middleware::{Csrf, Sessions};
use parlour::web::*;
use parlour::ws::Message;
use people::{Browser, serve};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;
mod people;

/// Waits until something is so.
fn eventually(mut is_so: impl FnMut() -> bool) {
    for _ in 0..2000 {
        if is_so() {
            return;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    panic!("it never was so");
}

/// What takes as long as a test wants it to.
struct Slow {
    begun: mpsc::Receiver<()>,
    release: mpsc::Sender<()>,
}

/// The job of it, for each helper that is to do it.
#[derive(Clone)]
struct Job {
    begin: mpsc::Sender<()>,
    released: Arc<Mutex<mpsc::Receiver<()>>>,
}

fn slow() -> (Slow, Job) {
    let (begin, begun) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let released = Arc::new(Mutex::new(released));
    (Slow { begun, release }, Job { begin, released })
}

impl Slow {
    /// Waits until somebody is at it.
    fn begun(&self) {
        self.begun.recv().unwrap();
    }

    fn end(&self) {
        self.release.send(()).unwrap();
    }
}

impl Job {
    fn wait(&self) {
        self.begin.send(()).unwrap();
        self.released.lock().unwrap().recv().unwrap();
    }
}

fn len<S: 'static>(cx: &mut Cx<'_, S>) -> String {
    cx.house.group_len("all").to_string()
}

#[test]
fn options_star_with_a_form_leaves_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let (_running, address) = serve(move || App::new(()).spill_folder(path));
    let mut body =
        b"--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x\"\r\n\r\n".to_vec();
    body.extend(vec![b'x'; 600_000]);
    body.extend(b"\r\n--b--\r\n");
    let mut browser = Browser::at(address);
    for _ in 0..3 {
        let a = browser.ask(
            "OPTIONS",
            "*",
            &[("Content-Type", "multipart/form-data; boundary=b")],
            &body,
        );
        println!("{}", a.status);
    }
    drop(browser);
    eventually(|| std::fs::read_dir(folder.path()).unwrap().count() == 0);
}

#[test]
fn head_of_events_leaves_a_member() {
    let (_running, address) = serve(|| {
        App::new(())
            .get("/len", len)
            .get("/news", |_: &mut Cx<'_, ()>| {
                events(|flow| {
                    flow.join("all").unwrap();
                })
            })
    });
    Browser::at(address)
        .ask("HEAD", "/news", &[], b"")
        .expect(200);
    eventually(|| Browser::at(address).get("/len").text() == "0");
}

struct Plain;
impl Middleware<()> for Plain {
    fn response(&self, _: &mut Cx<'_, ()>, _: Response) -> Response {
        Response::text("closed for today")
    }
}
struct Held(Arc<AtomicUsize>);
impl Drop for Held {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
impl Feed<()> for Held {
    fn more(&mut self, flow: &mut Flow<'_, ()>) {
        flow.end();
    }
}
#[test]
fn a_replaced_stream_leaves_its_feed() {
    let drops = Arc::new(AtomicUsize::new(0));
    let d = Arc::clone(&drops);
    let (_running, address) = serve(move || {
        App::new(())
            .wrap(Plain)
            .get("/", move |_: &mut Cx<'_, ()>| {
                stream(Response::text(""), None, Held(Arc::clone(&d)))
            })
    });
    Browser::at(address).get("/").expect(200);
    eventually(|| drops.load(Ordering::SeqCst) == 1);
}

struct Ann;
impl<S> Middleware<S> for Ann {
    fn request(&self, cx: &mut Cx<'_, S>) -> Option<Reply<S>> {
        cx.request.carry(User("ann".into()));
        None
    }
}
#[test]
fn a_talking_view_belongs_to_its_user() {
    let (_running, address) = serve(|| {
        App::new(())
            .wrap(Ann)
            .get("/people", |cx: &mut Cx<'_, ()>| {
                cx.house.user_len("ann").to_string()
            })
            .view("/talk", |cx: &mut Cx<'_, ()>| {
                if let Some(s) = cx.request.websocket() {
                    s.write("hi");
                }
            })
    });
    let mut socket = Browser::at(address).socket("/talk").unwrap();
    assert_eq!(socket.read().unwrap().unwrap().text(), Some("hi"));
    assert_eq!(Browser::at(address).get("/people").text(), "1");
}

#[test]
fn a_panic_where_a_wait_begins() {
    let (_running, address) = serve(|| {
        App::new(())
            .get("/ok", len)
            .get("/", |_: &mut Cx<'_, ()>| -> Reply<()> {
                Wait::<u8>::on(|_| panic!("as the test wants it")).then(|_, _| "done")
            })
    });
    let asked = std::panic::catch_unwind(|| Browser::at(address).get("/").status);
    println!("asked {asked:?}");
    Browser::at(address).get("/ok").expect(200);
    assert_eq!(asked.unwrap(), 500);
}
#[test]
fn a_panic_in_what_is_made_of_a_held_wait() {
    let (_running, address) = serve(|| {
        App::new(())
            .get("/ok", len)
            .get("/", |cx: &mut Cx<'_, ()>| {
                cx.request.hold(
                    Wait::on_helper(|| 1)
                        .map(|_| -> Result<(), String> { panic!("as the test wants it") }),
                );
                "done"
            })
    });
    let asked = std::panic::catch_unwind(|| Browser::at(address).get("/").status);
    println!("asked {asked:?}");
    Browser::at(address).get("/ok").expect(200);
    assert_eq!(asked.unwrap(), 500);
}

/// Joins when it is let, which is after it has gone. Its state is what happened.
struct Late(Job);
impl Consumer<String> for Late {
    fn receive(&mut self, _: Message<'_>, live: &mut Live<'_, String>) {
        let me = live.channel();
        let held = self.0.clone();
        live.house
            .wait(Wait::on_helper(move || held.wait()), move |tick, _| {
                let _ = tick.house.group_add("all", me);
                *tick.state += &format!(", {} there", tick.house.group_len("all"));
            });
    }
    fn disconnect(&mut self, _: Option<u16>, live: &mut Live<'_, String>) {
        *live.state += "gone";
    }
}
#[test]
fn who_has_gone_joins_nothing() {
    let (slow, held) = slow();
    let (_running, address) = serve(|| {
        App::new(String::new())
            .get("/", |cx: &mut Cx<'_, String>| cx.state.clone())
            .consumer("/ws", move || Late(held.clone()))
    });
    let mut socket = Browser::at(address).socket("/ws").unwrap();
    socket.write("x").unwrap();
    socket.close(1000, "").unwrap();
    while socket.read().unwrap().is_some() {}
    drop(socket);
    let mut browser = Browser::at(address);
    eventually(|| browser.get("/").text() == "gone");
    slow.end();
    eventually(|| browser.get("/").text() != "gone");
    assert_eq!(browser.get("/").text(), "gone, 0 there");
}

struct Orderly;
impl Consumer<Arc<Mutex<Vec<u8>>>> for Orderly {
    fn receive(&mut self, _: Message<'_>, live: &mut Live<'_, Arc<Mutex<Vec<u8>>>>) {
        let (a, b) = (Arc::clone(live.state), Arc::clone(live.state));
        live.house.wait(
            Wait::on_helper(move || a.lock().unwrap().push(1)),
            |_, _| (),
        );
        live.wait(
            Wait::on_helper(move || b.lock().unwrap().push(2)),
            |_: &mut Self, live, _| {
                live.send("done");
            },
        );
    }
}
#[test]
fn waits_begin_in_order() {
    let list = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&list);
    let (_running, address) = serve(move || {
        App::new(list).consumer("/ws", || Orderly).get(
            "/",
            |cx: &mut Cx<'_, Arc<Mutex<Vec<u8>>>>| {
                let (a, b) = (Arc::clone(cx.state), Arc::clone(cx.state));
                cx.house.wait(
                    Wait::on_helper(move || a.lock().unwrap().push(1)),
                    |_, _| (),
                );
                Wait::on_helper(move || b.lock().unwrap().push(2)).then(|_, ()| "done")
            },
        )
    });
    let mut socket = Browser::at(address).socket("/ws").unwrap();
    socket.write("x").unwrap();
    socket.read().unwrap();
    eventually(|| seen.lock().unwrap().len() == 2);
    let one = std::mem::take(&mut *seen.lock().unwrap());
    Browser::at(address).get("/").expect(200);
    eventually(|| seen.lock().unwrap().len() == 2);
    let two = std::mem::take(&mut *seen.lock().unwrap());
    assert_eq!((one, two), (vec![1, 2], vec![1, 2]));
}

#[test]
fn signing_out_after_a_wait_ends_the_session_without_a_listener() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let (slow, held) = slow();
    let (_running, address) = serve(move || {
        let db = Database::open(path.join("a.db"), &[Sessions::MIGRATIONS]).unwrap();
        let secret = Secret::in_folder(&path).unwrap();
        App::new(())
            .wrap(Sessions::new(&db, &secret).unwrap())
            .get("/in", |cx: &mut Cx<'_, ()>| {
                login(cx, "ann");
                "in"
            })
            .get("/who", |cx: &mut Cx<'_, ()>| {
                cx.user().unwrap_or("nobody").to_owned()
            })
            .get("/out", move |_: &mut Cx<'_, ()>| {
                let held = held.clone();
                Wait::on_helper(move || held.wait()).then(|cx: &mut Cx<'_, ()>, ()| {
                    logout(cx);
                    "out"
                })
            })
    });
    let mut browser = Browser::at(address);
    browser.get("/in").expect(200);
    let (name, value) = browser.cookies.iter().next().unwrap();
    let mut raw = TcpStream::connect(address).unwrap();
    raw.write_all(
        format!("GET /out HTTP/1.1\r\nHost: a\r\nCookie: {name}={value}\r\n\r\n").as_bytes(),
    )
    .unwrap();
    slow.begun();
    socket2::SockRef::from(&raw)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(raw);
    // Whoever asks now is answered after the other was seen to have gone.
    assert_eq!(browser.get("/who").text(), "ann");
    slow.end();
    eventually(|| browser.get("/who").text() == "nobody");
}

struct Loud(Arc<AtomicUsize>);
impl Feed<()> for Loud {
    fn more(&mut self, flow: &mut Flow<'_, ()>) {
        flow.join("all").unwrap();
        flow.write(b"begun");
    }
    fn event(&mut self, event: &Event, flow: &mut Flow<'_, ()>) {
        flow.write(event.text().as_bytes());
    }
    fn ended(&mut self, _: &mut Flow<'_, ()>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
#[test]
fn a_feed_that_is_cut_off_hears_of_its_end() {
    let ends = Arc::new(AtomicUsize::new(0));
    let e = Arc::clone(&ends);
    let (running, address) = serve(move || {
        App::new(())
            .get("/len", len)
            .get("/", move |_: &mut Cx<'_, ()>| {
                stream(Response::text(""), None, Loud(Arc::clone(&e)))
            })
    });
    let mut raw = TcpStream::connect(address).unwrap();
    raw.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    eventually(|| Browser::at(address).get("/len").text() == "1");
    for _ in 0..60 {
        running
            .remote()
            .act(|tick| {
                tick.house
                    .group_send("all", &Event::new("x", "x".repeat(500_000)))
            })
            .unwrap();
        // Each in a turn of its own.
        Browser::at(address).get("/len").expect(200);
    }
    eventually(|| Browser::at(address).get("/len").text() == "0");
    assert_eq!(ends.load(Ordering::SeqCst), 1, "and heard of it");
}

fn form(files: usize, length: usize) -> Vec<u8> {
    let mut body = Vec::new();
    for at in 0..files {
        body.extend(
            format!(
                "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x{at}\"\r\n\r\n"
            )
            .bytes(),
        );
        body.extend(vec![b'x'; length]);
        body.extend(b"\r\n");
    }
    body.extend(b"--b--\r\n");
    body
}
#[test]
fn a_file_that_a_crash_left_is_no_obstacle() {
    let folder = tempfile::tempdir().unwrap();
    for number in 1..20 {
        std::fs::write(
            folder
                .path()
                .join(format!("parlour-upload-{}-{number:x}", std::process::id())),
            "",
        )
        .unwrap();
    }
    let path = folder.path().to_owned();
    let (_running, address) = serve(move || {
        App::new(())
            .spill_folder(path)
            .post("/", |_: &mut Cx<'_, ()>| "taken")
    });
    Browser::at(address)
        .ask(
            "POST",
            "/",
            &[("Content-Type", "multipart/form-data; boundary=b")],
            &form(1, 600_000),
        )
        .expect(200);
}
/// An app that keeps uploads, and whose helper is busy for as long as somebody wants.
struct Busy {
    kept: Vec<Upload>,
    begun: mpsc::Sender<()>,
    /// Comes when the helper may go on.
    over: Option<mpsc::Receiver<()>>,
}

/// Three uploads in a folder, and then a helper that is busy until it is told.
fn busy_with_uploads(folder: &tempfile::TempDir) -> (Running<Busy>, SocketAddr, mpsc::Sender<()>) {
    let path = folder.path().to_owned();
    // Nowhere: the helper may come to it when the test is over, and must not leave a file behind.
    let unsaved = path.join("nowhere/never");
    let (begun, begins) = mpsc::channel();
    let (tell, over) = mpsc::channel();
    let busy = Busy {
        kept: Vec::new(),
        begun,
        over: Some(over),
    };
    let (running, address) = serve(move || {
        App::new(busy)
            .spill_folder(path)
            .post("/", |cx: &mut Cx<'_, Busy>| {
                let upload = cx.request.take_upload("f");
                cx.state.kept.extend(upload);
                "kept"
            })
            .get("/busy", |cx: &mut Cx<'_, Busy>| {
                let (begun, over) = (cx.state.begun.clone(), cx.state.over.take());
                Wait::on_helper(move || {
                    begun.send(()).unwrap();
                    over.unwrap().recv().ok();
                })
                .then(|_, ()| "over")
            })
            .get("/save", move |cx: &mut Cx<'_, Busy>| {
                let upload = cx.state.kept.pop().unwrap();
                upload.save(&unsaved).then(|_, _| "saved")
            })
            .get("/kept", |cx: &mut Cx<'_, Busy>| {
                cx.state.kept.len().to_string()
            })
            .get("/drop", |cx: &mut Cx<'_, Busy>| {
                cx.state.kept.pop();
                "dropped"
            })
    });
    let mut browser = Browser::at(address);
    let fields = [("Content-Type", "multipart/form-data; boundary=b")];
    for _ in 0..3 {
        let answer = browser.ask("POST", "/", &fields, &form(1, 600_000));
        assert_eq!(answer.expect(200).text(), "kept");
    }
    assert_eq!(count(folder), 3);
    ask_and_go(address, "/busy");
    begins.recv().unwrap();
    (running, address, tell)
}

fn ask_and_go(address: SocketAddr, path: &str) {
    let mut raw = TcpStream::connect(address).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
    raw.write_all(request.as_bytes()).unwrap();
    raw.shutdown(std::net::Shutdown::Write).unwrap();
}

fn count(folder: &tempfile::TempDir) -> usize {
    std::fs::read_dir(folder.path()).unwrap().count()
}

#[test]
fn the_loop_does_not_remove_files() {
    let folder = tempfile::tempdir().unwrap();
    let (_running, address, tell) = busy_with_uploads(&folder);
    for _ in 0..3 {
        Browser::at(address).get("/drop").expect(200);
    }
    assert_eq!(count(&folder), 3, "the helper is busy");
    tell.send(()).unwrap();
    eventually(|| count(&folder) == 0);
}

#[test]
fn no_file_outlasts_its_app() {
    let folder = tempfile::tempdir().unwrap();
    let (running, address, tell) = busy_with_uploads(&folder);
    Browser::at(address).get("/drop").expect(200);
    ask_and_go(address, "/save");
    eventually(|| Browser::at(address).get("/kept").text() == "1");
    let _busy = running.stop().unwrap();
    assert_eq!(count(&folder), 0);
    drop(tell);
}

#[test]
fn files_of_a_form_are_not_kept_open() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let (_running, address) = serve(move || {
        App::new(())
            .spill_folder(path)
            .get("/len", len)
            .post("/", |_: &mut Cx<'_, ()>| "taken")
    });
    let mut raw = TcpStream::connect(address).unwrap();
    let mut browser = Browser::at(address);
    raw.set_nodelay(true).unwrap();
    raw.write_all(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=b\r\nContent-Length: 900000\r\n\r\n").unwrap();
    let mut send = |at: usize, length: usize| {
        let head = format!(
            "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x{at}\"\r\n\r\n"
        );
        raw.write_all(head.as_bytes()).unwrap();
        raw.write_all(&vec![b'x'; length]).unwrap();
        // So that the loop has read it by itself.
        browser.get("/len").expect(200);
        raw.write_all(b"\r\n").unwrap();
    };
    send(0, 300_000);
    for at in 1..60 {
        send(at, 1);
    }
    eventually(|| count(&folder) > 0);
    // The one that is being written is open, and the next for a moment.
    eventually(|| {
        let files = std::fs::read_dir("/proc/self/fd").unwrap().flatten();
        let open = files.filter_map(|e| std::fs::read_link(e.path()).ok());
        open.filter(|p| p.starts_with(folder.path())).count() <= 2
    });
}
#[test]
fn a_view_that_does_not_read_is_bounded() {
    let (_running, address) = serve(|| {
        App::new(0usize)
            .get("/n", |cx: &mut Cx<'_, usize>| cx.state.to_string())
            .view("/talk", |cx: &mut Cx<'_, usize>| {
                if let Some(s) = cx.request.websocket() {
                    *cx.state = s.count_messages();
                }
            })
    });
    let mut socket = Browser::at(address).socket("/talk").unwrap();
    let text = "x".repeat(100_000);
    for _ in 0..300 {
        if socket.write(&*text).is_err() {
            break;
        }
    }
    let mut browser = Browser::at(address);
    for _ in 0..100 {
        let n: usize = browser.get("/n").text().parse().unwrap();
        assert!(n < 100, "{n} messages of 100 KB are kept");
    }
}

struct Echoing;
impl Consumer<()> for Echoing {
    fn intercepts(&self) -> bool {
        true
    }
    fn opened(&mut self, live: &mut Live<'_, ()>) {
        live.join("lobby").unwrap();
        live.send("in");
    }
    fn receive(&mut self, _: Message<'_>, _: &mut Live<'_, ()>) {}
    fn event(&mut self, event: &Event, live: &mut Live<'_, ()>) {
        if event.kind() == "came" {
            live.house
                .user_send("ann", &Event::new("note", "somebody came"));
        }
    }
}
#[test]
fn a_feed_is_told_nothing_before_its_answer_has_begun() {
    let (_running, address) = serve(|| {
        App::new(())
            .wrap(Ann)
            .consumer("/ws", || Echoing)
            .get("/news", |cx: &mut Cx<'_, ()>| {
                cx.house.group_send("lobby", &Event::new("came", ""));
                events(|flow| {
                    flow.say(&parlour::http::event_stream::Event::new("welcome"));
                })
            })
    });
    let mut socket = Browser::at(address).socket("/ws").unwrap();
    socket.read().unwrap();
    let mut raw = TcpStream::connect(address).unwrap();
    raw.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    raw.write_all(b"GET /news HTTP/1.0\r\nHost: a\r\n\r\n")
        .unwrap();
    let mut all = String::new();
    for line in BufReader::new(raw).lines() {
        let Ok(line) = line else { break };
        all += &line;
        all += "\n";
    }
    println!("{all}");
    assert!(all.contains("data: welcome"));
}
#[test]
fn who_hung_up_during_a_wait_is_known() {
    let (slow, held) = slow();
    let (_running, address) = serve(|| {
        App::new(())
            .get("/len", len)
            .get("/news", move |cx: &mut Cx<'_, ()>| {
                let open = || {
                    events(|flow| {
                        flow.join("all").unwrap();
                    })
                };
                match cx.request.query("wait") {
                    None => open(),
                    Some(_) => {
                        let held = held.clone();
                        let wait = Wait::on_helper(move || held.wait());
                        wait.then(move |_: &mut Cx<'_, ()>, ()| open())
                    }
                }
            })
    });
    let mut browser = Browser::at(address);
    let ask = |path: &str| {
        let mut raw = TcpStream::connect(address).unwrap();
        raw.write_all(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n").as_bytes())
            .unwrap();
        raw
    };
    let raw = ask("/news");
    eventually(|| browser.get("/len").text() == "1");
    drop(raw);
    eventually(|| browser.get("/len").text() == "0");
    let raw = ask("/news?wait=1");
    slow.begun();
    drop(raw);
    // Whoever asks now is answered after the other was seen to have gone.
    browser.get("/len").expect(200);
    slow.end();
    eventually(|| browser.get("/len").text() == "0");
}
#[test]
fn basic_credentials_come_along_by_themselves() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let (_running, address) = serve(move || {
        App::new(())
            .wrap(Csrf::new(&Secret::in_folder(path).unwrap()))
            .post("/pay", |_: &mut Cx<'_, ()>| "paid")
    });
    let fields = [
        ("Origin", "https://evil.example"),
        ("Sec-Fetch-Site", "cross-site"),
        ("Authorization", "Basic YW5uOnB3"),
        ("Content-Type", "application/x-www-form-urlencoded"),
    ];
    Browser::at(address)
        .ask("POST", "/pay", &fields, b"to=mallory")
        .expect(403);
}
#[test]
fn a_parameter_does_not_climb() {
    let (_running, address) = serve(|| {
        App::new(()).get("/files/{path..}", |cx: &mut Cx<'_, ()>| {
            cx.request.param::<String>("path")
        })
    });
    for p in [
        "/files/%2e%2e/etc/passwd",
        "/files/../etc/passwd",
        "/files//etc/passwd",
    ] {
        let a = Browser::at(address).get(p);
        println!("{p} {} {}", a.status, a.text());
    }
    Browser::at(address).get("/files/../etc/passwd").expect(404);
}
#[test]
fn held_waits_are_begun_without_a_listener() {
    let done = Arc::new(AtomicUsize::new(0));
    let d = Arc::clone(&done);
    let (slow, held) = slow();
    let (_running, address) = serve(move || {
        App::new(())
            .get("/len", len)
            .get("/", move |_: &mut Cx<'_, ()>| {
                let (d, held) = (Arc::clone(&d), held.clone());
                Wait::on_helper(move || held.wait()).then(move |cx: &mut Cx<'_, ()>, ()| {
                    cx.request.hold(Wait::on_helper(move || {
                        d.fetch_add(1, Ordering::SeqCst);
                        Ok::<(), String>(())
                    }));
                    "done"
                })
            })
    });
    let mut raw = TcpStream::connect(address).unwrap();
    raw.write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n").unwrap();
    slow.begun();
    socket2::SockRef::from(&raw)
        .set_linger(Some(Duration::ZERO))
        .unwrap();
    drop(raw);
    // Whoever asks now is answered after the other was seen to have gone.
    Browser::at(address).get("/len").expect(200);
    slow.end();
    eventually(|| done.load(Ordering::SeqCst) == 1);
}
struct Named;
impl Middleware<()> for Named {
    fn request(&self, cx: &mut Cx<'_, ()>) -> Option<Reply<()>> {
        if let Some(name) = cx.request.field("X-User").map(str::to_owned) {
            cx.request.carry(User(name));
        }
        None
    }
}
struct Quiet;
impl Consumer<()> for Quiet {
    fn receive(&mut self, _: Message<'_>, _: &mut Live<'_, ()>) {}
}
#[test]
fn one_connection_of_a_proxy_serves_two_users() {
    let (running, address) = serve(|| {
        App::new(())
            .wrap(Named)
            .consumer("/ws", || Quiet)
            .get("/news", |_: &mut Cx<'_, ()>| events(|_| ()))
    });
    let mut raw = TcpStream::connect(address).unwrap();
    raw.set_read_timeout(Some(people::PATIENCE)).unwrap();
    raw.write_all(b"HEAD /news HTTP/1.1\r\nHost: a\r\nX-User: ann\r\n\r\n")
        .unwrap();
    let until = |raw: &mut TcpStream, end: &str| {
        let (mut said, mut byte) = (String::new(), [0]);
        while !said.ends_with(end) {
            raw.read_exact(&mut byte).unwrap();
            said.push(char::from(byte[0]));
        }
        said
    };
    assert!(until(&mut raw, "\r\n\r\n").contains("200 OK"));
    raw.write_all(b"GET /ws HTTP/1.1\r\nHost: a\r\nX-User: bob\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n").unwrap();
    assert!(until(&mut raw, "\r\n\r\n").contains("101 Switching"));
    let tell = |user: &'static str, text: &'static str| {
        let act = move |tick: &mut Tick<'_, ()>| {
            tick.house.user_send(user, &Event::new("x", text));
        };
        running.remote().act(act).unwrap();
    };
    tell("ann", "for ann alone");
    tell("bob", "for bob");
    let text = until(&mut raw, "for bob");
    assert!(!text.contains("for ann alone"), "{text}");
}
struct Rude;
impl Consumer<()> for Rude {
    fn receive(&mut self, _: Message<'_>, _: &mut Live<'_, ()>) {}
    fn intercepts(&self) -> bool {
        panic!("as the test wants it")
    }
}
#[test]
fn a_panic_in_intercepts() {
    let (_running, address) = serve(|| App::new(()).get("/ok", len).consumer("/ws", || Rude));
    let _ = Browser::at(address).socket("/ws");
    Browser::at(address).get("/ok").expect(200);
}
#[test]
fn a_user_with_a_long_name_is_found() {
    let (_running, address) = serve(|| {
        App::new(())
            .wrap(Named)
            .consumer("/ws", || Quiet)
            .get("/n", |cx: &mut Cx<'_, ()>| {
                cx.house.user_len(&"a".repeat(201)).to_string()
            })
    });
    let name = "a".repeat(201);
    let _socket = parlour::client::Connect::to(&format!("ws://{address}/ws"))
        .header("X-User", &name)
        .connect()
        .unwrap();
    eventually(|| Browser::at(address).get("/n").text() == "1");
}
#[test]
fn an_old_answer_does_not_end_a_new_session() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let (slow, held) = slow();
    let (_running, address) = serve(move || {
        let db = Database::open(path.join("a.db"), &[Sessions::MIGRATIONS]).unwrap();
        let secret = Secret::in_folder(&path).unwrap();
        App::new(())
            .wrap(Sessions::new(&db, &secret).unwrap())
            .get("/cart", |cx: &mut Cx<'_, ()>| {
                cx.session().insert("cart", 1);
                "in"
            })
            .get("/in", |cx: &mut Cx<'_, ()>| {
                login(cx, "ann");
                "in"
            })
            .get("/slow", move |_: &mut Cx<'_, ()>| {
                let held = held.clone();
                Wait::on_helper(move || held.wait()).then(|cx: &mut Cx<'_, ()>, ()| {
                    cx.session().insert("seen", 1);
                    "out"
                })
            })
    });
    let mut browser = Browser::at(address);
    browser.get("/cart").expect(200);
    let mut tab = Browser::at(address);
    tab.cookies = browser.cookies.clone();
    let asking = std::thread::spawn(move || tab.get("/slow"));
    slow.begun();
    browser.get("/in").expect(200);
    slow.end();
    let answer = asking.join().unwrap();
    assert_eq!(
        answer.field("set-cookie"),
        None,
        "the browser has another session by now"
    );
}
