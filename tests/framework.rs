//! # The framework, from outside
//!
//! Apps made for the purpose, each served on a thread of this process and talked to over sockets:
//! what handlers, middleware, consumers, feeds and timers are promised, also when something panics.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::cell::Cell;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::panic::catch_unwind;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::mpsc::{Receiver, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use parlour::client::ConnectError;
use parlour::http::{Method, Response, Status, event_stream};
use parlour::store::{Database, StoreError};
use parlour::web::{
    App, Connect, Consumer, Cx, Error, Event, Feed, Flow, Live, Middleware, Reply, Routes, Running,
    Scope, Wait, accept_websocket, events, guard, login_required, methods, rate_limit,
    require_websocket, stream, takes,
};
use parlour::ws::Message;
use people::{Browser, hear, serve};
use serde_json::json;

mod people;

fn hello(_: &mut Cx<'_, ()>) -> &'static str {
    "hello"
}

// ---- requests ---------------------------------------------------------------------------------

#[test]
fn tables_of_routes_are_set_under_prefixes() {
    fn item(cx: &mut Cx<'_, ()>) -> Result<String, Error> {
        let id: u32 = cx.request.param("id")?;
        Ok(format!("item {id}"))
    }
    fn file(cx: &mut Cx<'_, ()>) -> Result<String, Error> {
        cx.request.param("path")
    }
    let (running, address) = serve(|| {
        let todo = Routes::new()
            .get("/", hello)
            .get("/{id}", item)
            .post("/", hello);
        App::new(())
            .nest("/todo", todo)
            .get("/files/{path..}", file)
    });
    let mut browser = Browser::at(address);
    assert_eq!(browser.get("/todo").expect(200).text(), "hello");
    assert_eq!(browser.get("/todo/7").expect(200).text(), "item 7");
    assert_eq!(
        browser.get("/files/a/b%20c.css").expect(200).text(),
        "a/b c.css"
    );
    browser.get("/todo/seven").expect(404);
    browser.get("/nothing").expect(404);
    let wrong = browser.ask("DELETE", "/todo", &[], b"").expect(405);
    assert_eq!(wrong.field("allow"), Some("GET, HEAD, OPTIONS, POST"));
    let options = browser.ask("OPTIONS", "/todo", &[], b"").expect(204);
    assert_eq!(options.field("allow"), Some("GET, HEAD, OPTIONS, POST"));
    let head = browser.ask("HEAD", "/todo", &[], b"").expect(200);
    assert_eq!(
        (head.field("content-length"), head.body.len()),
        (Some("5"), 0)
    );
    running.stop().unwrap();
}

#[test]
fn routes_that_contradict_each_other_are_refused_before_anything_is_served() {
    let any = "127.0.0.1:0".parse().unwrap();
    let app = || App::new(()).get("/{a}", hello).get("/{b}", hello);
    let running = Running::start(&[any], app).unwrap();
    let error = running.stop().unwrap_err().to_string();
    assert!(error.contains("/{b}"), "{error}");
}

#[test]
fn a_panic_costs_one_answer_that_names_what_the_log_has() {
    fn panics(_: &mut Cx<'_, ()>) -> &'static str {
        panic!("as the test wants it")
    }
    log::set_logger(&Keeping).unwrap();
    log::set_max_level(log::LevelFilter::Info);
    let (running, address) = serve(|| App::new(()).get("/", hello).get("/panics", panics));
    let mut browser = Browser::at(address);
    let answer = browser.get("/panics").expect(500);
    assert!(answer.text().contains("(E"), "{}", answer.text());
    assert!(!answer.text().contains("as the test wants it"));
    browser.get("/").expect(200);
    running.stop().unwrap();
    let id = answer.text().split(['(', ')']).nth(1).unwrap();
    let lines = LINES.lock().unwrap();
    let told = lines.iter().find(|line| line.starts_with(id)).unwrap();
    assert!(
        told.contains("GET /panics") && told.contains("as the test wants it"),
        "{told}"
    );
}

/// What this process has logged.
static LINES: Mutex<Vec<String>> = Mutex::new(Vec::new());

struct Keeping;

impl log::Log for Keeping {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &log::Record<'_>) {
        LINES.lock().unwrap().push(record.args().to_string());
    }

    fn flush(&self) {}
}

#[test]
fn errors_get_the_face_that_the_app_gives_them() {
    let (running, address) = serve(|| {
        App::new(()).get("/", hello).on_error(|_, error| {
            let page = format!("<h1>{}</h1>", error.status().code());
            Some(Response::html(page).with_status(error.status()))
        })
    });
    let mut browser = Browser::at(address);
    assert_eq!(browser.get("/nothing").expect(404).text(), "<h1>404</h1>");
    let wrong = browser.ask("PUT", "/", &[], b"").expect(405);
    assert_eq!(
        (wrong.text(), wrong.field("allow")),
        ("<h1>405</h1>", Some("GET, HEAD, OPTIONS"))
    );
    running.stop().unwrap();
}

#[test]
fn json_and_forms_are_read_with_errors_that_say_what_is_wrong() {
    #[derive(serde::Deserialize)]
    struct Point {
        x: i32,
    }
    fn json(cx: &mut Cx<'_, ()>) -> Result<serde_json::Value, Error> {
        let point: Point = cx.request.json()?;
        Ok(json!({ "x": point.x + 1 }))
    }
    fn form(cx: &mut Cx<'_, ()>) -> Result<String, Error> {
        let pairs = cx.request.form()?;
        Ok(format!("{pairs:?}"))
    }
    let (running, address) = serve(|| App::new(()).post("/json", json).post("/form", form));
    let mut browser = Browser::at(address);
    assert_eq!(
        browser
            .send("POST", "/json", &json!({ "x": 1 }))
            .expect(200)
            .json()["x"],
        2
    );
    let wrong = browser
        .send("POST", "/json", &json!({ "x": "one" }))
        .expect(400);
    assert!(wrong.text().contains("expected i32"), "{}", wrong.text());
    let pairs = browser.post("/form", &[("a b", "c&d=é")]).expect(200);
    assert_eq!(pairs.text(), r#"[("a b", "c&d=é")]"#);
    browser.send("POST", "/form", &json!({})).expect(415);
    running.stop().unwrap();
}

/// A form in parts: fields, and files with a name.
fn parts(fields: &[(&str, &str)], files: &[(&str, &str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in fields {
        let head = format!("--sep\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
        body.extend(format!("{head}{value}\r\n").bytes());
    }
    for (name, file, bytes) in files {
        let head = format!(
            "--sep\r\nContent-Disposition: form-data; name=\"{name}\"; filename=\"{file}\"\r\n\
             Content-Type: image/png\r\n\r\n"
        );
        body.extend(head.bytes());
        body.extend(*bytes);
        body.extend(b"\r\n");
    }
    body.extend(b"--sep--\r\n");
    body
}

#[test]
fn files_come_with_forms_and_large_ones_wait_on_the_disk() {
    fn upload(cx: &mut Cx<'_, PathBuf>) -> Reply<PathBuf> {
        let title = cx.request.form_value("title").unwrap_or_default();
        let count = cx.request.uploads().len();
        let Some(file) = cx.request.take_upload("file") else {
            return Reply::of(format!("{title}: no file of {count}"));
        };
        let (memory, name) = (file.bytes().is_some(), file.file_name().to_owned());
        let path = cx.state.join("saved");
        file.save(&path).then(move |_, saved| {
            let length = saved.map_err(Error::internal)?;
            let same = std::fs::read(&path).map_err(Error::internal)?;
            std::fs::remove_file(&path).map_err(Error::internal)?;
            let sum: u64 = same.iter().map(|byte| u64::from(*byte)).sum();
            Ok::<_, Error>(format!(
                "{title}: {name} of {count}, {length} bytes, {sum}, {memory}"
            ))
        })
    }
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let (running, address) = serve(move || {
        App::new(path.clone())
            .spill_folder(path)
            .post("/small", upload)
            .post("/large", takes(4 << 20, upload))
    });
    let mut browser = Browser::at(address);
    let mut ask = |path: &str, body: &[u8]| {
        let fields = [("Content-Type", "multipart/form-data; boundary=sep")];
        browser.ask("POST", path, &fields, body)
    };
    let small = parts(&[("title", "é")], &[("file", "../a.png", b"abc")]);
    assert_eq!(
        ask("/small", &small).expect(200).text(),
        "é: a.png of 1, 3 bytes, 294, true"
    );
    let large = vec![1; 3 << 20];
    let form = parts(
        &[("title", "t")],
        &[
            ("file", "a", &large),
            ("b", "b", b"2"),
            ("c", "c", &large[..9]),
        ],
    );
    let answer = ask("/large", &form).expect(200);
    assert_eq!(answer.text(), "t: a of 3, 3145728 bytes, 3145728, false");
    assert_eq!(
        ask("/small", &parts(&[], &[("file", "", b"")]))
            .expect(200)
            .text(),
        ": no file of 0"
    );
    let refused = catch_unwind(|| {
        Browser::at(address).ask(
            "POST",
            "/small",
            &[("Content-Type", "multipart/form-data; boundary=sep")],
            &form,
        )
    });
    // Refused while it is still being sent: who goes on sending may not hear why.
    assert!(refused.is_err() || refused.is_ok_and(|answer| answer.status == 413));
    let cut = &small[..small.len() - 6];
    ask("/small", cut).expect(400);
    let long = "x".repeat(2 << 20);
    let mut other = Browser::at(address);
    let fields = [("Content-Type", "multipart/form-data; boundary=sep")];
    other
        .ask("POST", "/large", &fields, &parts(&[("title", &long)], &[]))
        .expect(413);
    // One that vanishes in the middle leaves nothing behind.
    let mut stream = TcpStream::connect(address).unwrap();
    let head = format!(
        "POST /large HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\
         Content-Type: multipart/form-data; boundary=sep\r\n\r\n",
        form.len()
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&form[..2 << 20]).unwrap();
    drop(stream);
    let mut last = Browser::at(address);
    while last
        .ask("POST", "/small", &fields, &small)
        .expect(200)
        .status
        != 200
        || std::fs::read_dir(folder.path()).unwrap().count() > 0
    {}
    running.stop().unwrap();
}

// ---- guards and middleware --------------------------------------------------------------------

#[test]
fn guards_stand_before_handlers() {
    let (running, address) = serve(|| {
        let few = rate_limit(2, Duration::from_secs(3600), hello);
        let never = guard(
            |_: &mut Cx<'_, ()>| Err::<(), _>(Error::forbidden("never")),
            hello,
        );
        let limited = methods(&[Method::Get], hello);
        App::new(())
            .get("/few", few)
            .get("/never", never)
            .get("/members", login_required(hello))
            .post("/methods", limited)
            .on_error(|_, error| {
                let text = format!("face of: {}", error.message());
                Some(Response::text(text).with_status(error.status()))
            })
    });
    let mut browser = Browser::at(address);
    browser.get("/few").expect(200);
    browser.get("/few").expect(200);
    let refused = browser.get("/few").expect(429);
    assert!(
        refused
            .field("retry-after")
            .unwrap()
            .parse::<u32>()
            .unwrap()
            > 3000
    );
    assert_eq!(refused.text(), "face of: too often, come again later");
    browser.get("/never").expect(403);
    let stranger = browser.get("/members").expect(401);
    assert_eq!(stranger.text(), "face of: sign in first");
    assert_eq!(
        browser.post("/methods", &[]).expect(405).field("allow"),
        Some("GET")
    );
    running.stop().unwrap();
}

/// Notes which of its hooks ran, in a field of the answer.
struct Noted(&'static str);

#[derive(Default)]
struct Trace(String);

impl Noted {
    fn note(&self, cx: &mut Cx<'_, ()>, hook: &str) {
        if cx.request.carried::<Trace>().is_none() {
            cx.request.carry(Trace::default());
        }
        let trace = &mut cx.request.carried_mut::<Trace>().unwrap().0;
        *trace += &format!("{}.{hook} ", self.0);
    }
}

impl Middleware<()> for Noted {
    fn request(&self, cx: &mut Cx<'_, ()>) -> Option<Reply<()>> {
        self.note(cx, "request");
        (cx.request.query("stop").as_deref() == Some(self.0)).then(|| Reply::of("stopped"))
    }

    fn view(&self, cx: &mut Cx<'_, ()>) -> Option<Reply<()>> {
        self.note(cx, "view");
        None
    }

    fn response(&self, cx: &mut Cx<'_, ()>, response: Response) -> Response {
        self.note(cx, "response");
        let trace = cx.request.carried::<Trace>().map(|trace| trace.0.clone());
        response.field(&format!("X-{}", self.0), trace.unwrap_or_default())
    }

    fn exception(&self, cx: &mut Cx<'_, ()>, error: &Error) -> Option<Response> {
        self.note(cx, "exception");
        (self.0 == "outer").then(|| Response::text("caught").with_status(error.status()))
    }
}

#[test]
fn hooks_run_inwards_on_the_way_in_and_outwards_on_the_way_out() {
    fn fails(_: &mut Cx<'_, ()>) -> Error {
        Error::bad_request("no")
    }
    let (running, address) = serve(|| {
        App::new(())
            .wrap(Noted("outer"))
            .wrap(Noted("inner"))
            .get("/", hello)
            .get("/fails", fails)
    });
    let mut browser = Browser::at(address);
    let trace = |answer: people::Answer| answer.field("x-outer").unwrap().to_owned();
    let whole = "outer.request inner.request outer.view inner.view inner.response outer.response";
    assert_eq!(trace(browser.get("/").expect(200)), whole);
    let stopped = "outer.request inner.request inner.response outer.response";
    assert_eq!(trace(browser.get("/?stop=inner").expect(200)), stopped);
    let failed = "outer.request inner.request outer.view inner.view inner.exception \
                  outer.exception inner.response outer.response";
    assert_eq!(trace(browser.get("/fails").expect(400)), failed);
    running.stop().unwrap();
}

/// Refuses what asks for it in the query, on the way in or when the handler is known.
struct Refuses;

impl Middleware<()> for Refuses {
    fn request(&self, cx: &mut Cx<'_, ()>) -> Option<Reply<()>> {
        let asked = cx.request.query("refuse")?;
        (asked == "request").then(|| Reply::of(Error::forbidden("not today")))
    }

    fn view(&self, cx: &mut Cx<'_, ()>) -> Option<Reply<()>> {
        cx.request.query("refuse")?;
        let waiting = Wait::on_helper(|| ()).then(|_, ()| Error::forbidden("not now"));
        Some(waiting)
    }
}

#[test]
fn what_hooks_and_guards_refuse_has_the_face_of_other_errors() {
    let (running, address) = serve(|| {
        let methods = methods(&[Method::Get], hello);
        App::new(())
            .wrap(Refuses)
            .on_error(|_, error| {
                let page = format!("a page about {}: {}", error.status(), error.message());
                Some(Response::text(page).with_status(error.status()))
            })
            .get("/", hello)
            .get("/few", rate_limit(0, Duration::from_secs(3600), hello))
            .get("/members", login_required(hello))
            .post("/methods", methods)
    });
    let mut browser = Browser::at(address);
    let faced = |answer: people::Answer, status, told: &str| {
        let answer = answer.expect(status);
        assert!(answer.text().starts_with("a page about"), "{told}");
        assert!(answer.text().ends_with(told), "{}", answer.text());
        answer
    };
    faced(browser.get("/?refuse=request"), 403, "not today");
    faced(browser.get("/?refuse=view"), 403, "not now");
    faced(browser.get("/members"), 401, "sign in first");
    let refused = faced(browser.get("/few"), 429, "come again later");
    assert!(refused.field("retry-after").is_some());
    let refused = faced(
        browser.post("/methods", &[]),
        405,
        "does not take that method",
    );
    assert_eq!(refused.field("allow"), Some("GET"));
    running.stop().unwrap();
}

// ---- waiting ----------------------------------------------------------------------------------

#[test]
fn a_handler_goes_on_when_a_helper_is_done_and_the_loop_does_not_wait() {
    fn sum(cx: &mut Cx<'_, u32>) -> Reply<u32> {
        let upto: u64 = cx.request.param("upto").unwrap();
        Wait::on_helper(move || (1..=upto).sum::<u64>()).then(|cx, sum| {
            *cx.state += 1;
            // And once more, with what is known now.
            Wait::on_helper(move || sum * 2)
                .then(|cx: &mut Cx<'_, u32>, twice| format!("{} {twice}", cx.request.path()))
        })
    }
    fn panics(_: &mut Cx<'_, u32>) -> Reply<u32> {
        Wait::on_helper(|| -> u32 { panic!("as the test wants it") }).then(|_, _| "never")
    }
    fn dropped(_: &mut Cx<'_, u32>) -> Reply<u32> {
        Wait::<u32>::on(|_| Ok(())).then(|_, _| "never")
    }
    let (running, address) = serve(|| {
        App::new(0)
            .get("/sum/{upto}", sum)
            .get("/panics", panics)
            .get("/dropped", dropped)
    });
    let mut browser = Browser::at(address);
    assert_eq!(browser.get("/sum/10").expect(200).text(), "/sum/10 110");
    browser.get("/panics").expect(500);
    browser.get("/dropped").expect(500);
    assert_eq!(browser.get("/sum/3").expect(200).text(), "/sum/3 12");
    assert_eq!(running.stop().unwrap(), 2);
}

/// Has what it hears done by a helper that waits for the gate, and says it to all then.
struct Slow(Arc<Mutex<Receiver<()>>>);

impl Consumer<()> for Slow {
    fn opened(&mut self, live: &mut Live<'_, ()>) {
        live.join("all").unwrap();
        live.send("in");
    }

    fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, ()>) {
        let Message::Text(text) = message else {
            return;
        };
        let (gate, text) = (Arc::clone(&self.0), text.to_owned());
        let job = move || {
            gate.lock().unwrap().recv().unwrap();
            assert_ne!(text, "panic", "as the test wants it");
            text
        };
        live.house.wait(Wait::on_helper(job), |tick, done| {
            let done = done.unwrap();
            assert_ne!(done, "panic later", "as the test wants it");
            tick.house.group_send("all", &Event::new("said", done));
        });
    }

    fn disconnect(&mut self, _: Option<u16>, live: &mut Live<'_, ()>) {
        live.house.group_send("all", &Event::new("gone", "gone"));
    }
}

#[test]
fn what_the_house_waits_for_goes_on_in_order_when_whoever_asked_has_gone() {
    let (open, gate) = channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let (running, address) =
        serve(move || App::new(()).consumer("/ws", move || Slow(Arc::clone(&gate))));
    let browser = Browser::at(address);
    let enter = || {
        let mut socket = browser.socket("/ws").unwrap();
        assert_eq!(socket.read().unwrap().unwrap().text(), Some("in"));
        socket
    };
    let mut stays = enter();
    let mut leaves = enter();
    for text in ["one", "panic", "two", "panic later", "three"] {
        leaves.write(text).unwrap();
    }
    leaves.close(1000, "").unwrap();
    while leaves.read().unwrap().is_some() {}
    let mut hear = || stays.read().unwrap().unwrap().text().unwrap().to_owned();
    assert_eq!(hear(), "gone");
    for _ in 0..5 {
        open.send(()).unwrap();
    }
    assert_eq!([hear(), hear(), hear()], ["one", "two", "three"]);
    running.stop().unwrap();
}

#[test]
fn a_handler_goes_on_when_whoever_asked_has_gone() {
    let (open, gate) = channel::<()>();
    let gate = Arc::new(Mutex::new(gate));
    let (running, address) = serve(move || {
        let store = move |_: &mut Cx<'_, Vec<&'static str>>| {
            let gate = Arc::clone(&gate);
            Wait::on_helper(move || gate.lock().unwrap().recv().is_ok()).then(
                |cx: &mut Cx<'_, Vec<&'static str>>, _| {
                    cx.state.push("stored");
                    Wait::on_helper(|| ()).then(|cx: &mut Cx<'_, Vec<&'static str>>, ()| {
                        cx.state.push("told");
                        "done"
                    })
                },
            )
        };
        let seen = |cx: &mut Cx<'_, Vec<&'static str>>| cx.state.join(" ");
        App::new(Vec::new()).get("/", store).get("/seen", seen)
    });
    let asking = Asking::get(address);
    // Closed with a reset, so that the server knows it before the next answer leaves.
    let socket = socket2::SockRef::from(&asking.0);
    socket.set_linger(Some(Duration::ZERO)).unwrap();
    let mut other = Browser::at(address);
    assert_eq!(other.get("/seen").expect(200).text(), "");
    drop(asking);
    assert_eq!(other.get("/seen").expect(200).text(), "");
    open.send(()).unwrap();
    let mut goes_on = (0..10_000).map(|_| other.get("/seen").expect(200).text() == "stored told");
    assert!(goes_on.any(|it| it), "it was dropped with whoever asked");
    running.stop().unwrap();
}

#[test]
fn an_answer_is_held_until_what_it_says_is_true() {
    fn held(cx: &mut Cx<'_, ()>) -> &'static str {
        let fails = cx.request.query("fails").is_some();
        cx.request.hold(Wait::on_helper(|| Ok::<(), String>(())));
        cx.request.hold(Wait::on_helper(move || match fails {
            true => Err("the disk is full"),
            false => Ok(()),
        }));
        "done"
    }
    let (running, address) = serve(|| App::new(()).get("/", held));
    let mut browser = Browser::at(address);
    assert_eq!(browser.get("/").expect(200).text(), "done");
    let failed = browser.get("/?fails").expect(500);
    assert!(!failed.text().contains("disk"), "{}", failed.text());
    running.stop().unwrap();
}

#[test]
fn more_than_may_wait_is_told_to_come_again() {
    let (start, gate) = channel::<()>();
    let gate = Mutex::new(gate);
    let gate = Arc::new(gate);
    let (running, address) = serve(move || {
        App::new(()).get("/", move |_: &mut Cx<'_, ()>| {
            let gate = Arc::clone(&gate);
            Wait::on_helper(move || gate.lock().unwrap().recv().is_ok()).then(|_, _| "done")
        })
    });
    // One is at work, 1024 wait, and then there is no room.
    let mut waiting = Vec::new();
    let refused = loop {
        assert!(waiting.len() <= 1100, "the queue has a bound");
        let mut asking = Asking::get(address);
        match asking.status_within(Duration::from_millis(if waiting.len() < 1000 {
            0
        } else {
            300
        })) {
            None => waiting.push(asking),
            Some(status) => break status,
        }
    };
    assert_eq!(refused, 503);
    drop(start);
    for mut asking in waiting {
        assert_eq!(asking.status_within(people::PATIENCE), Some(200));
    }
    running.stop().unwrap();
}

/// A request whose answer may be long in coming.
struct Asking(TcpStream);

impl Asking {
    fn get(address: SocketAddr) -> Self {
        let mut stream = TcpStream::connect(address).unwrap();
        stream
            .write_all(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            .unwrap();
        Self(stream)
    }

    fn status_within(&mut self, time: Duration) -> Option<u16> {
        use std::io::Read;
        if time.is_zero() {
            return None;
        }
        self.0.set_read_timeout(Some(time)).unwrap();
        let mut line = [0; 12];
        self.0.read_exact(&mut line).ok()?;
        std::str::from_utf8(&line[9..]).unwrap().parse().ok()
    }
}

#[test]
fn a_databases_job_is_something_to_wait_for() {
    fn double(cx: &mut Cx<'_, Database>) -> Reply<Database> {
        let number = cx.request.param::<String>("number").unwrap();
        Wait::stored(cx.state, move |connection| {
            let number: i64 = number
                .parse()
                .map_err(|_| StoreError::NotFound("no such number".to_owned()))?;
            Ok(connection.query_row("SELECT 10 / nullif(?, 0)", [number], |row| row.get(0))?)
        })
        .then(|_, found: Result<i64, StoreError>| found.map(|found| found.to_string()))
    }
    let database = Database::in_memory(&[]).unwrap();
    let closed = database.clone();
    let (running, address) = serve(|| App::new(database).get("/{number}", double));
    let mut browser = Browser::at(address);
    assert_eq!(browser.get("/5").expect(200).text(), "2");
    assert!(
        browser
            .get("/five")
            .expect(404)
            .text()
            .contains("no such number")
    );
    let failed = browser.get("/0").expect(500);
    assert!(!failed.text().contains("Null"), "{}", failed.text());
    closed.close().unwrap();
    let refused = browser.get("/5").expect(503);
    assert_eq!(refused.field("retry-after"), Some("1"));
    running.stop().unwrap();
}

// ---- consumers --------------------------------------------------------------------------------

/// What consumers did, for a test to read in the end.
#[derive(Default)]
struct Log {
    opened: u32,
    ended: Vec<Option<u16>>,
    ticks: u32,
}

/// Talks in the room that its path names.
#[derive(Default)]
struct Talker {
    room: String,
}

impl Consumer<Log> for Talker {
    fn connect(&mut self, scope: &mut Scope<'_, Log>) -> Connect {
        self.room = scope.request.param("room").unwrap();
        match self.room.as_str() {
            "closed" => Connect::Reject(Status::FORBIDDEN, "nobody gets in here".into()),
            "protocol" => Connect::Protocol("chat.v1".into()),
            "panics" => panic!("as the test wants it"),
            _ => Connect::Accept,
        }
    }

    fn opened(&mut self, live: &mut Live<'_, Log>) {
        live.state.opened += 1;
        live.join(&self.room).unwrap();
        let members = live.house.group_len(&self.room);
        live.send_json(&json!({ "members": members }));
    }

    fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, Log>) {
        let Message::Text(text) = message else { return };
        match text {
            "panic" => panic!("as the test wants it"),
            "count" => {
                live.send_json(&json!({ "members": live.house.group_len(&self.room) }));
            }
            "slow" => live.wait(Wait::on_helper(|| 42), |_: &mut Self, live, answer| {
                live.send_json(&json!({ "answer": answer.unwrap() }));
            }),
            "slow panic" => live.wait(
                Wait::on_helper(|| -> u32 { panic!("as the test wants it") }),
                |_: &mut Self, _, _| unreachable!("nothing comes back"),
            ),
            "close" => live.close(4000, "as you like"),
            text => {
                let event = Event::json(&json!({ "type": "said", "text": text }));
                live.house.group_send(&self.room, &event);
            }
        }
    }

    fn disconnect(&mut self, code: Option<u16>, live: &mut Live<'_, Log>) {
        live.state.ended.push(code);
        // Whatever it does on its way out ends with it.
        live.join("graveyard").unwrap();
    }
}

fn rooms() -> App<Log> {
    let graves = |cx: &mut Cx<'_, Log>| cx.house.group_len("graveyard").to_string();
    App::new(Log::default())
        .consumer("/room/{room}", Talker::default)
        .get("/graves", graves)
}

#[test]
fn a_consumer_takes_or_refuses_its_connection() {
    let (running, address) = serve(rooms);
    let mut browser = Browser::at(address);
    let status = |refused| match refused {
        Err(ConnectError::Refused { status, .. }) => status,
        other => panic!("not refused: {other:?}"),
    };
    assert_eq!(status(browser.socket("/room/closed").map(drop)), 403);
    assert_eq!(status(browser.socket("/room/panics").map(drop)), 500);
    browser.get("/room/a").expect(426);
    let mut socket = browser.socket("/room/a").unwrap();
    assert_eq!(hear(&mut socket)["members"], 1);
    drop(socket);
    running.stop().unwrap();
}

#[test]
fn whose_join_was_answered_hears_everything_after_it() {
    let (running, address) = serve(rooms);
    let browser = Browser::at(address);
    let mut first = browser.socket("/room/a").unwrap();
    assert_eq!(hear(&mut first)["members"], 1);
    let mut second = browser.socket("/room/a").unwrap();
    assert_eq!(hear(&mut second)["members"], 2);
    for number in 0..100 {
        first.write(number.to_string().as_str()).unwrap();
    }
    for socket in [&mut first, &mut second] {
        for number in 0..100 {
            assert_eq!(hear(socket)["text"], number.to_string());
        }
    }
    second.close(1000, "").unwrap();
    while second.read().unwrap().is_some() {}
    first.write("count").unwrap();
    assert_eq!(hear(&mut first)["members"], 1);
    drop((first, second));
    running.stop().unwrap();
}

#[test]
fn disconnect_comes_once_whatever_ended_the_connection() {
    let (running, address) = serve(rooms);
    let mut browser = Browser::at(address);
    let open = || {
        let mut socket = Browser::at(address).socket("/room/a").unwrap();
        hear(&mut socket);
        socket
    };
    // Its own panic, a helper's panic, its own close, the peer's close, the peer's vanishing.
    for (says, code) in [("panic", 1011), ("slow panic", 1011), ("close", 4000)] {
        let mut socket = open();
        socket.write(says).unwrap();
        while socket.read().unwrap().is_some() {}
        assert_eq!(socket.closed().unwrap().0, Some(code), "{says}");
    }
    let mut socket = open();
    socket.write("slow").unwrap();
    assert_eq!(hear(&mut socket)["answer"], 42);
    socket.close(4321, "").unwrap();
    while socket.read().unwrap().is_some() {}
    let vanishing = open();
    drop(vanishing);
    // One that asks a helper and does not wait for the answer.
    let mut hasty = open();
    hasty.write("slow").unwrap();
    drop(hasty);
    // Until the server has seen it: the room is empty again.
    let mut last = browser.socket("/room/a").unwrap();
    while hear(&mut last)["members"] != 1 {
        last.write("count").unwrap();
    }
    drop(last);
    assert_eq!(browser.get("/graves").text(), "0");
    let log = running.stop().unwrap();
    assert_eq!((log.opened, log.ended.len()), (7, 7), "{:?}", log.ended);
    assert!(log.ended.contains(&Some(4321)));
}

#[test]
fn other_threads_act_on_the_loop() {
    let (running, address) = serve(rooms);
    let mut socket = Browser::at(address).socket("/room/a").unwrap();
    hear(&mut socket);
    let remote = running.remote().clone();
    remote.act(|_| panic!("as the test wants it")).unwrap();
    for number in 0..5000 {
        remote
            .act(move |tick| {
                tick.state.ticks += 1;
                let event = Event::json(&json!({ "type": "news", "number": number }));
                tick.house.group_send("a", &event);
            })
            .unwrap();
    }
    for number in 0..5000 {
        assert_eq!(hear(&mut socket)["number"], number);
    }
    drop(socket);
    assert_eq!(running.stop().unwrap().ticks, 5000);
    assert!(remote.act(|_| {}).is_err(), "nobody is there any more");
}

// ---- views, feeds and timers ------------------------------------------------------------------

#[test]
fn a_view_serves_a_page_and_its_websocket() {
    fn either(cx: &mut Cx<'_, u32>) -> Reply<u32> {
        let Some(socket) = cx.request.websocket() else {
            return Reply::of("the page");
        };
        for message in socket.messages() {
            *cx.state += 1;
            match message.text() {
                Some("bye") => socket.close(4000, "bye"),
                Some("panic") => panic!("as the test wants it"),
                _ => socket.write(message),
            }
        }
        Reply::Nothing
    }
    let (running, address) = serve(|| {
        App::new(0)
            .get("/either", accept_websocket(either))
            .get("/only", require_websocket(either))
    });
    let mut browser = Browser::at(address);
    assert_eq!(browser.get("/either").expect(200).text(), "the page");
    browser.get("/only").expect(400);
    for path in ["/either", "/only"] {
        let mut socket = browser.socket(path).unwrap();
        socket.write("one").unwrap();
        socket.write("two").unwrap();
        assert_eq!(socket.read().unwrap().unwrap().text(), Some("one"));
        assert_eq!(socket.read().unwrap().unwrap().text(), Some("two"));
        socket.write("bye").unwrap();
        assert_eq!(socket.read().unwrap(), None);
        assert_eq!(socket.closed().unwrap(), (Some(4000), "bye"));
    }
    let mut socket = browser.socket("/either").unwrap();
    socket.write("panic").unwrap();
    assert_eq!(socket.read().unwrap(), None);
    assert_eq!(socket.closed().unwrap().0, Some(1011));
    assert_eq!(running.stop().unwrap(), 7);
}

/// Counts as far as it is asked to, a piece at a time, the pieces from a helper.
struct Counter {
    next: u32,
    end: u32,
}

impl Feed<Log> for Counter {
    fn more(&mut self, flow: &mut Flow<'_, Log>) {
        if self.next == self.end {
            return flow.end();
        }
        let number = self.next;
        self.next += 1;
        let piece = Wait::on_helper(move || format!("{number}\n").repeat(1000));
        flow.wait(piece, move |feed: &mut Self, flow, piece| {
            assert!(number != 13, "as the test wants it");
            if flow.write(piece.unwrap().as_bytes()) == parlour::reactor::Sent::Queued {
                feed.more(flow);
            }
        });
    }

    fn ended(&mut self, flow: &mut Flow<'_, Log>) {
        flow.state.ended.push(None);
    }
}

#[test]
fn a_feed_writes_its_answer_piece_by_piece() {
    fn count(cx: &mut Cx<'_, Log>) -> Reply<Log> {
        let end = cx.request.param("end").unwrap();
        stream(Response::text(""), None, Counter { next: 0, end })
    }
    let (running, address) = serve(|| App::new(Log::default()).get("/count/{end}", count));
    let mut browser = Browser::at(address);
    let wanted: String = (0..10)
        .map(|number| format!("{number}\n").repeat(1000))
        .collect();
    assert_eq!(browser.get("/count/10").expect(200).text(), wanted);
    assert_eq!(browser.get("/count/0").expect(200).text(), "");
    assert_eq!(
        browser.ask("HEAD", "/count/5", &[], b"").expect(200).body,
        b""
    );
    // One that panics in the middle must not look whole.
    let broken = catch_unwind(|| Browser::at(address).get("/count/20"));
    assert!(broken.is_err(), "{broken:?}");
    browser.get("/count/1").expect(200);
    running.stop().unwrap();
}

#[test]
fn pages_listen_to_groups_without_a_websocket() {
    fn news(cx: &mut Cx<'_, Log>) -> Reply<Log> {
        let topic: String = cx.request.param("topic").unwrap();
        events(move |flow| {
            flow.join(&topic).unwrap();
            flow.say(&event_stream::Event::new("welcome").id("7"));
        })
    }
    let (running, address) = serve(|| rooms().get("/news/{topic}", news));
    let mut stream = BufReader::new(TcpStream::connect(address).unwrap());
    stream
        .get_ref()
        .set_read_timeout(Some(people::PATIENCE))
        .unwrap();
    stream
        .get_mut()
        .write_all(b"GET /news/a HTTP/1.0\r\nHost: a\r\n\r\n")
        .unwrap();
    let mut lines = stream.lines().map(Result::unwrap);
    assert!(lines.any(|line| line == "Content-Type: text/event-stream"));
    assert!(lines.any(|line| line == "id: 7"));
    assert_eq!(lines.next().unwrap(), "data: welcome");
    let mut browser = Browser::at(address);
    let mut socket = browser.socket("/room/a").unwrap();
    assert_eq!(hear(&mut socket)["members"], 2, "the page and the socket");
    socket.write("one\ntwo").unwrap();
    assert!(lines.any(|line| line == "event: said"));
    let said = r#"data: {"text":"one\ntwo","type":"said"}"#;
    assert_eq!(lines.next().unwrap(), said);
    drop(lines);
    // The page has gone, and its place in the room with it.
    while hear(&mut socket)["members"] != 1 {
        socket.write("count").unwrap();
    }
    drop(socket);
    browser.get("/graves").expect(200);
    running.stop().unwrap();
}

#[test]
fn timers_come_once_or_again_and_can_be_taken_back() {
    fn start(cx: &mut Cx<'_, Log>) -> Reply<Log> {
        let millis = Duration::from_millis(1);
        let never = cx
            .house
            .after(Duration::from_secs(3600), |tick| tick.state.ticks += 1000);
        assert!(cx.house.cancel(never) && !cx.house.cancel(never));
        cx.house.after(Duration::ZERO, |tick| {
            tick.state.ticks += 100;
            tick.house
                .after(Duration::ZERO, |tick| tick.state.ticks += 100);
        });
        cx.house.every(millis, |_| panic!("as the test wants it"));
        let timer = Rc::new(Cell::new(None));
        let own = Rc::clone(&timer);
        timer.set(Some(cx.house.every(millis, move |tick| {
            tick.state.ticks += 1;
            if tick.state.ticks % 100 == 5 {
                tick.house.cancel(own.get().unwrap());
            }
        })));
        Reply::of("started")
    }
    fn ticks(cx: &mut Cx<'_, Log>) -> String {
        cx.state.ticks.to_string()
    }
    let (running, address) = serve(|| {
        App::new(Log::default())
            .get("/start", start)
            .get("/", ticks)
    });
    let mut browser = Browser::at(address);
    browser.get("/start").expect(200);
    while browser.get("/").text() != "205" {}
    browser.get("/").expect(200);
    assert_eq!(running.stop().unwrap().ticks, 205);
}
