//! # Who somebody is, from outside
//!
//! Apps made for the purpose, each with a database in a folder of its own: sessions and what ends
//! them, forgery of every kind, other origins, compression, and a rush of sign-ins.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::cell::RefCell;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::rc::Rc;
use std::time::Duration;

use flate2::read::GzDecoder;
use parlour::client::ConnectError;
use parlour::http::{Method, Response, Status};
use parlour::store::{Database, Reader};
use parlour::web::middleware::{Compression, Cors, Csrf, CsrfToken, Kind, Sessions};
use parlour::web::{
    App, Connect, Consumer, Cx, Error, Live, Middleware, Reply, Return, Running, Scope, Secret,
    Templates, Wait, context, flash, login, login_required, logout, logout_everywhere, password,
    rate_limit_by, same_origin_required, take_flashes,
};
use parlour::ws::Message;
use people::{Answer, Browser, serve};

mod people;

// ---- the app ----------------------------------------------------------------------------------

fn database(folder: &Path) -> Database {
    Database::open(folder.join("app.db"), &[Sessions::MIGRATIONS]).unwrap()
}

fn members(database: &Database, folder: &Path, secure: bool) -> App<()> {
    let secret = Secret::in_folder(folder).unwrap();
    let sessions = Sessions::new(database, &secret).unwrap();
    let csrf = Csrf::new(&secret).trust("https://friend.example");
    let (sessions, csrf) = match secure {
        true => (sessions.secure(), csrf.secure()),
        false => (sessions, csrf),
    };
    App::new(())
        .wrap(sessions.trust("https://friend.example"))
        .wrap(csrf)
        .get("/", page)
        .get("/plain", |_: &mut Cx<'_, ()>| "plain")
        .get("/who", who)
        .get("/value", value)
        .post("/value", store)
        .post("/broken", broken)
        .post("/login", sign_in)
        .post("/logout", sign_out)
        .post("/everywhere", everywhere)
        .post("/flash", told)
        .route(Method::Delete, "/value", store)
        .get("/members", login_required(who))
        .get("/guarded", same_origin_required(who))
        .consumer("/ws", Greeter::default)
}

/// A page with a token, and with what is to be told.
fn page(cx: &mut Cx<'_, ()>) -> Response {
    let told = take_flashes(cx).join("|");
    let token = cx.request.carried::<CsrfToken>().unwrap();
    let token = &token.0;
    Response::html(format!(
        "<p>{told}</p><input name=\"csrf_token\" value=\"{token}\">"
    ))
}

fn who(cx: &mut Cx<'_, ()>) -> String {
    cx.user().unwrap_or("nobody").to_owned()
}

fn field(cx: &Cx<'_, ()>, name: &str) -> String {
    cx.request.form_value(name).unwrap_or_default()
}

fn value(cx: &mut Cx<'_, ()>) -> String {
    let key = cx.request.query("key").unwrap_or_default();
    cx.session()
        .get(&key)
        .unwrap_or_else(|| "nothing".to_owned())
}

fn store(cx: &mut Cx<'_, ()>) -> &'static str {
    let (key, value) = (field(cx, "key"), field(cx, "value"));
    match value.is_empty() {
        true => cx.session().remove(&key),
        false => cx.session().insert(&key, value),
    }
    "stored"
}

fn broken(cx: &mut Cx<'_, ()>) -> Result<String, Error> {
    login(cx, "mallory");
    Err(Error::internal("as the test wants it"))
}

fn sign_in(cx: &mut Cx<'_, ()>) -> Response {
    let name = field(cx, "name");
    login(cx, &name);
    Response::redirect(&cx.request.next_page("/"))
}

fn sign_out(cx: &mut Cx<'_, ()>) -> String {
    logout(cx);
    who(cx)
}

fn everywhere(cx: &mut Cx<'_, ()>) -> Result<String, Error> {
    let user = who(cx);
    logout_everywhere(cx, &user)?;
    Ok(who(cx))
}

fn told(cx: &mut Cx<'_, ()>) -> Response {
    let text = field(cx, "text");
    flash(cx, text);
    Response::redirect("/")
}

/// Tells who it is that has opened it.
#[derive(Default)]
struct Greeter(String);

impl Consumer<()> for Greeter {
    fn connect(&mut self, scope: &mut Scope<'_, ()>) -> Connect {
        self.0 = scope.user().unwrap_or("nobody").to_owned();
        Connect::Accept
    }

    fn opened(&mut self, live: &mut Live<'_, ()>) {
        live.send(&self.0);
    }

    fn receive(&mut self, _: Message<'_>, _: &mut Live<'_, ()>) {}
}

/// The app on a folder of its own, and what stands in its database.
struct Club {
    running: Running<()>,
    address: SocketAddr,
    database: Database,
    folder: tempfile::TempDir,
}

impl Club {
    fn open() -> Self {
        Self::on(tempfile::tempdir().unwrap(), false)
    }

    fn on(folder: tempfile::TempDir, secure: bool) -> Self {
        let database = database(folder.path());
        let (theirs, path) = (database.clone(), folder.path().to_owned());
        let (running, address) = serve(move || members(&theirs, &path, secure));
        Self {
            running,
            address,
            database,
            folder,
        }
    }

    fn restart(self) -> Self {
        self.running.stop().unwrap();
        self.database.close().unwrap();
        Self::on(self.folder, false)
    }

    fn browser(&self) -> Browser {
        Browser::at(self.address)
    }

    /// Somebody who has signed in.
    fn member(&self, name: &str) -> Browser {
        let mut browser = self.browser();
        browser.submit("/", "/login", &[("name", name)]).expect(303);
        assert_eq!(browser.get("/who").text(), name);
        browser
    }

    fn change(&self, sql: &'static str) {
        let changed = self.database.run(move |it| Ok(it.execute(sql, ())?));
        assert!(changed.unwrap() > 0, "{sql} changes something");
    }

    fn number(&self, sql: &str) -> i64 {
        let reader = self.database.reader().unwrap();
        number(&reader, sql)
    }
}

fn number(reader: &Reader, sql: &str) -> i64 {
    let found = reader.query(|it| Ok(it.query_row(sql, (), |row| row.get(0))?));
    found.unwrap()
}

// ---- sessions ---------------------------------------------------------------------------------

#[test]
fn who_stores_nothing_has_no_session_and_no_cookie() {
    let club = Club::open();
    let mut browser = club.browser();
    for path in ["/plain", "/who", "/value?key=a"] {
        let answer = browser.get(path).expect(200);
        assert_eq!(answer.field("set-cookie"), None, "{path}");
        assert_eq!(answer.field("vary"), Some("Cookie"), "{path}");
    }
    // What changes nothing is nothing, and a page with a token gives that cookie alone.
    browser
        .submit("/", "/value", &[("key", "a"), ("value", "")])
        .expect(200);
    assert_eq!(browser.cookies.keys().collect::<Vec<_>>(), ["csrf"]);
    assert_eq!(club.number("SELECT count(*) FROM web_sessions"), 0);
    club.running.stop().unwrap();
}

#[test]
fn values_are_there_with_the_next_request_and_after_a_restart() {
    let club = Club::open();
    let mut browser = club.browser();
    let answer = browser
        .submit("/", "/value", &[("key", "a"), ("value", "ü \"1\"; b=2")])
        .expect(200);
    let cookie = answer.field("set-cookie").unwrap();
    let attributes = "; Path=/; Max-Age=1209600; HttpOnly; SameSite=Lax";
    assert!(
        cookie.starts_with("sid=") && cookie.ends_with(attributes),
        "{cookie}"
    );
    assert_eq!(answer.field("cache-control"), Some("private"));
    assert_eq!(browser.get("/value?key=a").text(), "ü \"1\"; b=2");
    let club = club.restart();
    let mut again = club.browser();
    again.cookies = browser.cookies.clone();
    assert_eq!(again.get("/value?key=a").text(), "ü \"1\"; b=2");
    // The page that is open since before is good, too.
    again
        .submit("/", "/value", &[("key", "a"), ("value", "")])
        .expect(200);
    assert_eq!(again.get("/value?key=a").text(), "nothing");
    club.running.stop().unwrap();
}

#[test]
fn a_request_that_changes_nothing_writes_nothing() {
    let club = Club::open();
    let mut ann = club.member("ann");
    let reader = club.database.reader().unwrap();
    let version = || number(&reader, "PRAGMA data_version");
    let before = version();
    for path in ["/who", "/", "/value?key=a", "/members"] {
        assert_eq!(
            ann.get(path).expect(200).field("set-cookie"),
            None,
            "{path}"
        );
    }
    ann.submit("/", "/value", &[("key", "a"), ("value", "")])
        .expect(200);
    assert_eq!(version(), before);
    ann.submit("/", "/value", &[("key", "a"), ("value", "1")])
        .expect(200);
    let stored = version();
    assert_ne!(stored, before, "the version tells of writes");
    ann.submit("/", "/value", &[("key", "a"), ("value", "1")])
        .expect(200);
    assert_eq!(version(), stored);
    drop(reader);
    club.running.stop().unwrap();
}

#[test]
fn a_session_in_use_goes_on_and_is_noted_once_an_hour() {
    let club = Club::open();
    let mut ann = club.member("ann");
    club.change("UPDATE web_sessions SET seen_s = seen_s - 3600, began_s = began_s - 86400 * 80");
    let answer = ann.get("/who").expect(200);
    let cookie = answer
        .field("set-cookie")
        .expect("the browser keeps it longer");
    let (_, rest) = cookie.split_once("Max-Age=").unwrap();
    let (max_age, _) = rest.split_once(';').unwrap();
    let max_age: u64 = max_age.parse().unwrap();
    let ten_days = 86_400 * 10;
    assert!(
        (ten_days - 3600..=ten_days).contains(&max_age),
        "no longer than it lives in all: {max_age}"
    );
    assert_eq!(ann.get("/who").expect(200).field("set-cookie"), None);
    assert_eq!(
        club.number("SELECT seen_s - began_s - 86400 * 80 FROM web_sessions") / 60,
        0
    );
    club.running.stop().unwrap();
}

#[test]
fn sessions_end_when_they_are_idle_or_old() {
    let club = Club::open();
    let (mut ann, mut bob) = (club.member("ann"), club.member("bob"));
    club.change("UPDATE web_sessions SET seen_s = seen_s - 86400 * 14 - 60 WHERE user = 'ann'");
    club.change("UPDATE web_sessions SET began_s = began_s - 86400 * 90 WHERE user = 'bob'");
    assert_eq!(ann.get("/who").text(), "nobody");
    assert_eq!(bob.get("/who").text(), "nobody");
    // A new session sweeps what is idle, and has another id.
    let old = ann.cookies["sid"].clone();
    ann.submit("/", "/login", &[("name", "ann")]).expect(303);
    assert_ne!(ann.cookies["sid"], old);
    assert_eq!(
        club.number("SELECT count(*) FROM web_sessions WHERE user = 'ann'"),
        1
    );
    club.running.stop().unwrap();
}

#[test]
fn signing_in_changes_the_id_and_keeps_the_values() {
    let club = Club::open();
    let mut ann = club.browser();
    ann.submit("/", "/value", &[("key", "cart"), ("value", "tea")])
        .expect(200);
    let before = ann.cookies["sid"].clone();
    let landed = ann.submit("/", "/login", &[("name", "ann")]).expect(303);
    assert_eq!(landed.field("location"), Some("/"));
    let first = ann.cookies["sid"].clone();
    assert_ne!(first, before);
    assert_eq!(ann.get("/value?key=cart").text(), "tea");
    // Who has planted the id of before has nothing.
    let mut mallory = club.browser();
    mallory.cookies.insert("sid".to_owned(), before);
    assert_eq!(mallory.get("/who").text(), "nobody");
    assert_eq!(mallory.get("/value?key=cart").text(), "nothing");
    // Again as the same: another id, the same values. As somebody else: nothing of the first one's.
    ann.submit("/", "/login", &[("name", "ann")]).expect(303);
    assert_ne!(ann.cookies["sid"], first);
    assert_eq!(ann.get("/value?key=cart").text(), "tea");
    ann.submit("/", "/login", &[("name", "bob")]).expect(303);
    assert_eq!(ann.get("/who").text(), "bob");
    assert_eq!(ann.get("/value?key=cart").text(), "nothing");
    assert_eq!(club.number("SELECT count(*) FROM web_sessions"), 1);
    club.running.stop().unwrap();
}

#[test]
fn a_cookie_from_before_the_end_is_worth_nothing() {
    let club = Club::open();
    let mut ann = club.member("ann");
    let replay = ann.cookies.clone();
    assert_eq!(ann.submit("/", "/logout", &[]).expect(200).text(), "nobody");
    assert!(!ann.cookies.contains_key("sid"));
    let mut mallory = club.browser();
    mallory.cookies = replay;
    assert_eq!(mallory.get("/who").text(), "nobody");
    assert_eq!(club.number("SELECT count(*) FROM web_sessions"), 0);
    club.running.stop().unwrap();
}

#[test]
fn all_browsers_of_one_user_are_signed_out_at_once() {
    let club = Club::open();
    let (mut here, mut there, mut bob) =
        (club.member("ann"), club.member("ann"), club.member("bob"));
    assert_eq!(
        here.submit("/", "/everywhere", &[]).expect(200).text(),
        "nobody"
    );
    assert_eq!(here.get("/who").text(), "nobody");
    assert_eq!(there.get("/who").text(), "nobody");
    assert_eq!(bob.get("/who").text(), "bob");
    club.running.stop().unwrap();
}

#[test]
fn a_cookie_that_we_did_not_make_is_nobodys() {
    let club = Club::open();
    let ann = club.member("ann");
    let good = &ann.cookies["sid"];
    let (id, signature) = good.split_once('.').unwrap();
    let flipped = |text: &str| {
        let (first, rest) = text.split_at(1);
        let first = if first == "A" { "B" } else { "A" };
        format!("{first}{rest}")
    };
    let spoilt = [
        String::new(),
        ".".to_owned(),
        id.to_owned(),
        format!("{id}."),
        format!(".{signature}"),
        format!("{}.{signature}", flipped(id)),
        format!("{id}.{}", flipped(signature)),
        format!("{id}.{signature}."),
        format!("{id}.{signature}.{signature}"),
        format!("\"{good}\""),
        good.to_ascii_lowercase(),
        // Signed by us, for something else.
        ann.cookies["csrf"].clone(),
        "x".repeat(4000),
        "%00\t".to_owned(),
    ];
    for cookie in spoilt {
        let mut mallory = club.browser();
        mallory.cookies.insert("sid".to_owned(), cookie.clone());
        assert_eq!(mallory.get("/who").expect(200).text(), "nobody", "{cookie}");
    }
    // Another app's key makes other cookies.
    let other = Club::open();
    let mut stranger = other.browser();
    stranger.cookies = ann.cookies.clone();
    assert_eq!(stranger.get("/who").text(), "nobody");
    other.running.stop().unwrap();
    club.running.stop().unwrap();
}

#[test]
fn cookies_are_found_among_others_of_any_kind() {
    let club = Club::open();
    let ann = club.member("ann");
    let sid = format!("sid={}", ann.cookies["sid"]);
    let lines = [
        (format!("a=b; {sid}; c=d"), "ann"),
        (format!("a=b;{sid};c=d"), "ann"),
        (format!(" ;; =x; nameless; {sid}"), "ann"),
        (format!("SID=1; {sid}"), "ann"),
        (format!("sid=first; {sid}"), "nobody"),
        (format!("xsid=1; {}", sid.replace("sid", "sidx")), "nobody"),
        (format!("a={}; {sid}", "x".repeat(5000)), "ann"),
    ];
    for (line, expected) in lines {
        let mut browser = club.browser();
        let answer = browser.ask("GET", "/who", &[("Cookie", &line)], b"");
        assert_eq!(answer.expect(200).text(), expected, "{line}");
    }
    let mut browser = club.browser();
    let two = [("Cookie", "a=b"), ("Cookie", &sid)];
    assert_eq!(browser.ask("GET", "/who", &two, b"").text(), "ann");
    club.running.stop().unwrap();
}

#[test]
fn over_tls_the_cookie_belongs_to_the_host() {
    let club = Club::on(tempfile::tempdir().unwrap(), true);
    let mut ann = club.browser();
    let answer = ann.submit("/", "/login", &[("name", "ann")]).expect(303);
    let cookie = answer.field("set-cookie").unwrap();
    assert!(
        cookie.starts_with("__Host-sid=") && cookie.contains("; Secure"),
        "{cookie}"
    );
    assert!(ann.cookies.contains_key("__Host-csrf"));
    assert_eq!(ann.get("/who").text(), "ann");
    ann.submit("/", "/logout", &[]).expect(200);
    assert!(!ann.cookies.contains_key("__Host-sid"));
    club.running.stop().unwrap();
}

#[test]
fn an_answer_that_is_our_mistake_stores_nothing() {
    let club = Club::open();
    let mut browser = club.browser();
    let answer = browser.submit("/", "/broken", &[]).expect(500);
    assert_eq!(answer.field("set-cookie"), None);
    assert_eq!(club.number("SELECT count(*) FROM web_sessions"), 0);
    let mut ann = club.member("ann");
    let much = "x".repeat(70_000);
    ann.submit("/", "/value", &[("key", "a"), ("value", &much)])
        .expect(500);
    assert_eq!(ann.get("/value?key=a").text(), "nothing");
    club.running.stop().unwrap();
}

#[test]
fn what_cannot_be_stored_is_told_and_not_remembered() {
    let club = Club::open();
    let mut ann = club.member("ann");
    let page = ann.get("/");
    let token = page.input("csrf_token").unwrap();
    club.database.close().unwrap();
    let form = [("key", "a"), ("value", "1"), ("csrf_token", token)];
    ann.post("/value", &form).expect(500);
    assert_eq!(ann.get("/value?key=a").expect(200).text(), "nothing");
    club.running.stop().unwrap();
}

/// An app in which a request waits until another opens the gate, and then stores a value.
fn gated(database: &Database, folder: &Path) -> App<()> {
    let waiting: Rc<RefCell<Vec<Return<()>>>> = Rc::default();
    let (kept, counted) = (Rc::clone(&waiting), Rc::clone(&waiting));
    let wait = move |_: &mut Cx<'_, ()>| -> Reply<()> {
        let kept = Rc::clone(&kept);
        let gate = Wait::on(move |back| {
            kept.borrow_mut().push(back);
            Ok(())
        });
        gate.then(|cx, ()| {
            cx.session().insert("late", "1");
            "done"
        })
    };
    let open = move |_: &mut Cx<'_, ()>| -> Response {
        let waiting = std::mem::take(&mut *waiting.borrow_mut());
        waiting.into_iter().for_each(|back| back.hand(()));
        Response::text("open")
    };
    let secret = Secret::in_folder(folder).unwrap();
    App::new(())
        .wrap(Sessions::new(database, &secret).unwrap())
        .get("/wait", wait)
        .get("/waiting", move |_: &mut Cx<'_, ()>| {
            counted.borrow().len().to_string()
        })
        .get("/open", open)
        .get("/value", value)
        .get("/who", who)
        .post("/value", store)
        .post("/login", sign_in)
        .post("/logout", sign_out)
}

/// Has one browser wait at the gate while another of the same person does something.
fn meanwhile(deed: impl FnOnce(&mut Browser), then: impl FnOnce(&mut Browser, Answer)) {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path());
    let path = folder.path().to_owned();
    let (running, address) = serve(move || gated(&database, &path));
    let mut here = Browser::at(address);
    here.post("/login", &[("name", "ann")]).expect(303);
    let mut there = Browser::at(address);
    there.cookies = here.cookies.clone();
    let answer = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| there.get("/wait"));
        while here.get("/waiting").text() == "0" {}
        deed(&mut here);
        here.get("/open").expect(200);
        waiting.join().unwrap()
    });
    then(&mut here, answer);
    running.stop().unwrap();
}

#[test]
fn what_two_requests_store_at_a_time_is_kept_from_both() {
    let store = |here: &mut Browser| {
        here.post("/value", &[("key", "early"), ("value", "2")])
            .expect(200);
    };
    meanwhile(store, |here, answer| {
        answer.expect(200);
        assert_eq!(here.get("/value?key=early").text(), "2");
        assert_eq!(here.get("/value?key=late").text(), "1");
        assert_eq!(here.get("/who").text(), "ann");
    });
}

#[test]
fn a_session_that_ends_meanwhile_does_not_come_back() {
    let replay = Rc::new(RefCell::new(None));
    let cookies = Rc::clone(&replay);
    let leave = move |here: &mut Browser| {
        *cookies.borrow_mut() = Some(here.cookies.clone());
        here.post("/logout", &[]).expect(200);
    };
    meanwhile(leave, move |here, answer| {
        // The browser may have another session by now: its cookie is left alone.
        assert_eq!(answer.expect(200).field("set-cookie"), None);
        here.cookies = replay.borrow_mut().take().unwrap();
        assert_eq!(here.get("/who").text(), "nobody");
        assert_eq!(here.get("/value?key=late").text(), "nothing");
    });
}

#[test]
fn an_answer_with_a_cookie_is_in_no_cache_of_several() {
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path());
    let path = folder.path().to_owned();
    let public = || Response::text("for all").field("Cache-Control", "public, max-age=60");
    let (running, address) = serve(move || {
        let secret = Secret::in_folder(path).unwrap();
        App::new(())
            .wrap(Sessions::new(&database, &secret).unwrap())
            .get("/public", move |_: &mut Cx<'_, ()>| public())
            .get("/count", move |cx: &mut Cx<'_, ()>| {
                cx.session().insert("count", 1);
                public()
            })
    });
    let mut browser = Browser::at(address);
    let plain = browser.get("/public").expect(200);
    assert_eq!(plain.field("cache-control"), Some("public, max-age=60"));
    assert_eq!(plain.field("vary"), None);
    let own = browser.get("/count").expect(200);
    assert!(own.field("set-cookie").is_some());
    assert_eq!(own.field("cache-control"), Some("private"));
    running.stop().unwrap();
}

#[test]
fn middleware_in_the_wrong_order_refuses_the_app() {
    struct Late;
    impl Middleware<()> for Late {
        fn comes_after(&self) -> Vec<Kind> {
            vec![Kind::of::<Csrf>()]
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let refusal = |wrap: fn(App<()>, Sessions, Csrf) -> App<()>| {
        let database = database(folder.path());
        let (running, _) = serve(move || {
            let secret = Secret::random();
            let sessions = Sessions::new(&database, &secret).unwrap();
            wrap(App::new(()), sessions, Csrf::new(&secret))
        });
        running.stop().err().map(|error| error.to_string())
    };
    let check = |wrap, expected: &str| {
        let error = refusal(wrap).unwrap();
        assert!(error.ends_with(expected), "{error}");
    };
    check(
        |app, sessions, csrf| app.wrap(csrf).wrap(sessions),
        "write .wrap(Sessions…) before .wrap(Csrf…)",
    );
    check(
        |app, sessions, csrf| app.wrap(sessions).wrap(csrf).wrap(Compression::new()),
        "write .wrap(Compression…) before .wrap(Csrf…)",
    );
    check(
        |app, _, csrf| app.wrap(Late).wrap(csrf),
        "write .wrap(Csrf…) before .wrap(Late…)",
    );
    let right = refusal(|app, sessions, csrf| app.wrap(sessions).wrap(csrf).wrap(Late));
    assert_eq!(right, None);
}

/// Middleware may hold middleware, and then nobody knows the order before a request comes.
#[test]
fn a_hidden_wrong_order_is_told_in_every_answer() {
    struct Hiding(Csrf);
    impl Middleware<()> for Hiding {
        fn request(&self, cx: &mut Cx<'_, ()>) -> Option<Reply<()>> {
            self.0.request(cx)
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path());
    let (running, address) = serve(move || {
        let secret = Secret::random();
        App::new(())
            .wrap(Hiding(Csrf::new(&secret)))
            .wrap(Sessions::new(&database, &secret).unwrap())
            .get("/who", who)
    });
    Browser::at(address).get("/who").expect(500);
    running.stop().unwrap();
}

// ---- messages, ways back, rate limits ---------------------------------------------------------

#[test]
fn messages_are_told_once_on_the_next_page() {
    let club = Club::open();
    let mut browser = club.browser();
    browser
        .submit("/", "/flash", &[("text", "saved")])
        .expect(303);
    browser.get("/plain").expect(200);
    let page = browser.get("/").expect(200);
    assert!(page.text().contains("<p>saved</p>"), "{}", page.text());
    assert!(browser.get("/").text().contains("<p></p>"));
    // Both wait if there is no page between them.
    let token = browser.get("/").input("csrf_token").unwrap().to_owned();
    for text in ["one", "two"] {
        browser
            .post("/flash", &[("text", text), ("csrf_token", &token)])
            .expect(303);
    }
    assert!(browser.get("/").text().contains("<p>one|two</p>"));
    club.running.stop().unwrap();
}

#[test]
fn templates_show_who_it_is_what_is_told_and_the_token() {
    const PAGE: &str = "{{ user or 'nobody' }}{% for text in messages %}<p>{{ text }}</p>{% endfor %}\
                        <form>{{ csrf_field() }}</form>";
    let folder = tempfile::tempdir().unwrap();
    let database = database(folder.path());
    let (running, address) = serve(move || {
        let secret = Secret::random();
        App::new(())
            .templates(Templates::embedded(&[("page.html", PAGE)]))
            .wrap(Sessions::new(&database, &secret).unwrap())
            .wrap(Csrf::new(&secret))
            .get("/", |cx: &mut Cx<'_, ()>| {
                cx.render("page.html", context! {})
            })
            .post("/login", |cx: &mut Cx<'_, ()>| {
                login(cx, "ann");
                flash(cx, "<welcome>");
                Response::redirect("/")
            })
    });
    let mut ann = Browser::at(address);
    assert!(ann.get("/").text().starts_with("nobody<form>"));
    ann.submit("/", "/login", &[]).expect(303);
    let page = ann.get("/").expect(200);
    assert!(
        page.text().starts_with("ann<p>&lt;welcome&gt;</p><form>"),
        "{}",
        page.text()
    );
    let page = ann.get("/").expect(200);
    assert!(page.text().starts_with("ann<form>"), "{}", page.text());
    running.stop().unwrap();
}

#[test]
fn who_has_to_sign_in_first_comes_back_to_where_they_were_going() {
    let club = Club::open();
    let mut ann = club.browser();
    let html = [("Accept", "text/html,*/*;q=0.8")];
    let sent = ann.ask("GET", "/members?a=b&c=%2F", &html, b"").expect(303);
    let to_login = "/login?next=/members%3Fa%3Db%26c%3D%252F";
    assert_eq!(sent.field("location"), Some(to_login));
    ann.get("/members").expect(401);
    let landed = ann.submit("/", to_login, &[("name", "ann")]).expect(303);
    assert_eq!(landed.field("location"), Some("/members?a=b&c=%2F"));
    assert_eq!(ann.get("/members").expect(200).text(), "ann");
    club.running.stop().unwrap();
}

#[test]
fn nobody_is_led_elsewhere_by_a_sign_in() {
    let club = Club::open();
    let mut ann = club.browser();
    let foul = [
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "https://evil.example/",
        "javascript:alert(1)",
        "evil.example",
        "/\t/evil.example",
        "/a\r\nSet-Cookie: sid=1",
        "/%",
        " /a",
        "",
    ];
    for next in foul {
        let form = [("name", "ann"), ("next", next)];
        let landed = ann.submit("/", "/login", &form).expect(303);
        assert_eq!(landed.field("location"), Some("/"), "{next:?}");
    }
    club.running.stop().unwrap();
}

#[test]
fn sign_ins_are_counted_by_name() {
    let name = |cx: &mut Cx<'_, ()>| cx.request.form_value("name");
    let (running, address) = serve(move || {
        let inner = |_: &mut Cx<'_, ()>| "tried";
        App::new(()).post(
            "/login",
            rate_limit_by(2, Duration::from_secs(3600), name, inner),
        )
    });
    let mut browser = Browser::at(address);
    for (name, status) in [
        ("ann", 200),
        ("ann", 200),
        ("ann", 429),
        ("bob", 200),
        ("ann", 429),
    ] {
        let answer = browser.post("/login", &[("name", name)]).expect(status);
        assert_eq!(answer.field("retry-after").is_some(), status == 429);
    }
    running.stop().unwrap();
}

// ---- forgery ----------------------------------------------------------------------------------

#[test]
fn only_pages_of_this_app_can_send_forms() {
    let club = Club::open();
    let mut ann = club.member("ann");
    let mut bob = club.member("bob");
    let own = ann.get("/").input("csrf_token").unwrap().to_owned();
    let others = bob.get("/").input("csrf_token").unwrap().to_owned();
    let mut visitor = club.browser();
    let visitors = visitor.get("/").input("csrf_token").unwrap().to_owned();
    let mut post = |token: &str| ann.post("/value", &[("csrf_token", token)]).status;
    assert_eq!(post(&own), 200);
    assert_eq!(post(&own), 200, "a token is good for more than one form");
    let longer = format!("{own}A");
    for wrong in [
        "",
        "x",
        &others,
        &visitors,
        &own[1..],
        &longer,
        &"A".repeat(43),
    ] {
        assert_eq!(post(wrong), 403, "{wrong}");
    }
    ann.post("/value", &[]).expect(403);
    // With each method that changes something, and whatever the body is.
    for (method, kind) in [("POST", "application/json"), ("DELETE", "text/plain")] {
        let fields = [("Content-Type", kind)];
        ann.ask(method, "/value", &fields, b"{}").expect(403);
        let fields = [("Content-Type", kind), ("X-CSRF-Token", &own)];
        ann.ask(method, "/value", &fields, b"{}").expect(200);
    }
    ann.ask("DELETE", "/value", &[], b"").expect(403);
    // In a form of parts, too.
    let kind = [("Content-Type", "multipart/form-data; boundary=x")];
    for (token, status) in [(&own, 200), (&others, 403)] {
        let part = "Content-Disposition: form-data; name=\"csrf_token\"";
        let body = format!("--x\r\n{part}\r\n\r\n{token}\r\n--x--\r\n");
        ann.ask("POST", "/value", &kind, body.as_bytes())
            .expect(status);
    }
    // Two texts of one page's token are different, and both are good.
    let again = ann.get("/").input("csrf_token").unwrap().to_owned();
    assert_ne!(again, own);
    ann.post("/value", &[("csrf_token", &again)]).expect(200);
    // A page from before the sign-in is not good after it.
    visitor
        .post("/login", &[("name", "carol"), ("csrf_token", &visitors)])
        .expect(303);
    visitor
        .post("/value", &[("csrf_token", &visitors)])
        .expect(403);
    club.running.stop().unwrap();
}

#[test]
fn who_has_no_cookie_is_asked_only_for_what_a_form_can_send() {
    let club = Club::open();
    let mut anybody = club.browser();
    let json = ("Content-Type", "application/json");
    anybody.ask("POST", "/value", &[json], b"{}").expect(200);
    let bearer = ("Authorization", "Bearer abc");
    let parts = b"--x\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nb\r\n--x--\r\n";
    for (kind, body) in [
        ("application/x-www-form-urlencoded", &b"a=b"[..]),
        ("multipart/form-data; boundary=x", parts),
        ("Text/Plain", b"a=b"),
    ] {
        let kind = ("Content-Type", kind);
        let mut ask = |fields: &[_]| anybody.ask("POST", "/value", fields, body);
        ask(&[kind]).expect(403);
        ask(&[kind, bearer]).expect(200);
        ask(&[kind, bearer, ("Cookie", "sid=x")]).expect(403);
    }
    // Somebody's page for reading stays what it is.
    anybody
        .ask("GET", "/value", &[("Cookie", "a=b")], b"")
        .expect(200);
    // And what does not exist is not forbidden.
    anybody.post("/nothing", &[]).expect(404);
    anybody.post("/who", &[]).expect(405);
    club.running.stop().unwrap();
}

#[test]
fn a_token_does_not_help_another_site() {
    let club = Club::open();
    let mut ann = club.member("ann");
    let token = ann.get("/").input("csrf_token").unwrap().to_owned();
    let host = club.address.to_string();
    let own = format!("http://{host}");
    let own_over_tls = format!("https://{host}");
    let cases = [
        (Some(own.as_str()), Some("same-origin"), 200),
        (Some(&own_over_tls), None, 200),
        (Some("https://friend.example"), Some("cross-site"), 200),
        (Some("https://evil.example"), None, 403),
        (Some("http://127.0.0.1:1"), None, 403),
        (Some("null"), None, 403),
        (Some(""), None, 403),
        (None, Some("same-origin"), 200),
        (None, Some("none"), 200),
        (None, Some("same-site"), 403),
        (None, Some("cross-site"), 403),
        (None, None, 200),
    ];
    for (origin, site, status) in cases {
        let mut fields = vec![
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("X-CSRF-Token", &token),
        ];
        fields.extend(origin.map(|origin| ("Origin", origin)));
        fields.extend(site.map(|site| ("Sec-Fetch-Site", site)));
        let found = ann.ask("POST", "/value", &fields, b"").status;
        assert_eq!(found, status, "{origin:?} {site:?}");
    }
    club.running.stop().unwrap();
}

#[test]
fn a_refusal_says_what_to_do_in_the_form_that_is_wanted() {
    let club = Club::open();
    let mut ann = club.member("ann");
    let html = [("Accept", "text/html"), ("Content-Type", "text/plain")];
    let page = ann.ask("POST", "/value", &html, b"").expect(403);
    assert!(page.field("content-type").unwrap().starts_with("text/html"));
    assert!(
        page.text().contains("load the page again"),
        "{}",
        page.text()
    );
    let line = ann.ask("POST", "/value", &[], b"").expect(403);
    assert!(line.text().contains("X-CSRF-Token"), "{}", line.text());
    club.running.stop().unwrap();
}

#[test]
fn a_page_of_another_site_opens_no_socket_with_a_session() {
    let club = Club::open();
    let ann = club.member("ann");
    let who = |browser: &Browser, origin: &str| {
        let mut socket = browser.socket_from("/ws", origin)?;
        let message = socket.read().unwrap().unwrap();
        Ok(message.text().unwrap().to_owned())
    };
    let own = format!("http://{}", club.address);
    assert_eq!(who(&ann, &own).unwrap(), "ann");
    assert_eq!(who(&ann, "https://friend.example").unwrap(), "ann");
    for origin in ["https://evil.example", "null", "http://127.0.0.1:1"] {
        let refused: Result<String, ConnectError> = who(&ann, origin);
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("403"), "{origin}: {text}");
    }
    // Without a session there is nothing to misuse.
    assert_eq!(
        who(&club.browser(), "https://evil.example").unwrap(),
        "nobody"
    );
    club.running.stop().unwrap();
}

#[test]
fn no_value_can_end_its_field() {
    let club = Club::open();
    let foul = "a\r\nSet-Cookie: evil=1\r\n\r\n<script>";
    let mut browser = club.browser();
    for (path, form) in [
        ("/login", vec![("name", foul)]),
        ("/login", vec![("name", "ann"), ("next", foul)]),
        ("/value", vec![("key", foul), ("value", foul)]),
        ("/flash", vec![("text", foul)]),
    ] {
        let answer = browser.submit("/", path, &form);
        assert!(answer.status < 400, "{path}: {}", answer.status);
        let set = answer
            .fields
            .iter()
            .filter(|(name, _)| name == "set-cookie");
        assert!(
            set.map(|(_, value)| value).all(|it| !it.contains("evil")),
            "{path}"
        );
        assert!(!browser.cookies.contains_key("evil"), "{path}");
    }
    club.running.stop().unwrap();
}

// ---- other origins, and compression -----------------------------------------------------------

#[test]
fn other_origins_read_what_they_may() {
    fn api(_: &mut Cx<'_, ()>) -> Response {
        Response::text("answer").field("X-Total", "7")
    }
    let ask = |cors: fn() -> Cors, method: &str, path: &str, fields: &[(&str, &str)]| {
        let (running, address) = serve(move || App::new(()).wrap(cors()).post("/api", api));
        let answer = Browser::at(address).ask(method, path, fields, b"");
        running.stop().unwrap();
        answer
    };
    let listed: fn() -> Cors = || {
        Cors::origins(["https://a.example"])
            .credentials()
            .expose(&["X-Total"])
            .max_age_s(60)
    };
    let origin = ("Origin", "https://a.example");
    let wants = ("Access-Control-Request-Method", "POST");

    let answer = ask(listed, "POST", "/api", &[origin]).expect(200);
    assert_eq!(answer.field("access-control-allow-origin"), Some(origin.1));
    assert_eq!(
        answer.field("access-control-allow-credentials"),
        Some("true")
    );
    assert_eq!(
        answer.field("access-control-expose-headers"),
        Some("X-Total")
    );
    assert_eq!(answer.field("vary"), Some("Origin"));

    // A preflight for a path that knows POST alone, and for one that nobody knows.
    for path in ["/api", "/nothing"] {
        let answer = ask(listed, "OPTIONS", path, &[origin, wants]).expect(204);
        assert_eq!(answer.field("access-control-allow-origin"), Some(origin.1));
        assert_eq!(
            answer.field("access-control-allow-credentials"),
            Some("true")
        );
        assert_eq!(answer.field("access-control-max-age"), Some("60"));
        let methods = answer.field("access-control-allow-methods").unwrap();
        assert!(
            methods.contains("POST") && methods.contains("DELETE"),
            "{methods}"
        );
        let vary = answer.field("vary").unwrap();
        assert!(vary.contains("Origin"), "{vary}");
    }
    // An error is an answer, too: the script may read what is wrong.
    let answer = ask(listed, "POST", "/nothing", &[origin]).expect(404);
    assert_eq!(answer.field("access-control-allow-origin"), Some(origin.1));

    for origin in [
        "https://b.example",
        "null",
        "https://a.example.b.example",
        "",
    ] {
        let origin = ("Origin", origin);
        let answer = ask(listed, "POST", "/api", &[origin]).expect(200);
        assert_eq!(answer.field("access-control-allow-origin"), None);
        assert_eq!(answer.field("access-control-allow-credentials"), None);
        assert_eq!(answer.field("vary"), Some("Origin"));
        let answer = ask(listed, "OPTIONS", "/api", &[origin, wants]).expect(403);
        assert_eq!(answer.field("access-control-allow-origin"), None);
    }
    // No origin, no preflight: what OPTIONS always says, and still its Vary.
    let answer = ask(listed, "OPTIONS", "/api", &[wants]).expect(204);
    assert_eq!(answer.field("allow"), Some("OPTIONS, POST"));
    assert_eq!(answer.field("vary"), Some("Origin"));

    let any: fn() -> Cors = Cors::any;
    let answer = ask(any, "POST", "/api", &[("Origin", "null")]).expect(200);
    assert_eq!(answer.field("access-control-allow-origin"), Some("*"));
    assert_eq!(answer.field("access-control-allow-credentials"), None);
    assert_eq!(answer.field("vary"), None);

    let local: fn() -> Cors = || Cors::local().headers(&["X-A"]).methods(&[Method::Post]);
    let origin = ("Origin", "http://localhost:5173");
    let answer = ask(local, "OPTIONS", "/api", &[origin, wants]).expect(204);
    assert_eq!(answer.field("access-control-allow-origin"), Some(origin.1));
    assert_eq!(answer.field("access-control-allow-headers"), Some("X-A"));
    assert_eq!(answer.field("access-control-allow-methods"), Some("POST"));
}

#[test]
fn pages_are_compressed_for_who_takes_that() {
    let text = || "a line of text, again and again\n".repeat(200);
    let (running, address) = serve(move || {
        App::new(())
            .wrap(Compression::new())
            .get("/page", move |_: &mut Cx<'_, ()>| {
                Response::html(text())
                    .field("ETag", "\"1\"")
                    .field("Vary", "Cookie")
            })
            .get("/small", |_: &mut Cx<'_, ()>| "small")
            .get("/image", move |_: &mut Cx<'_, ()>| {
                Response::new(Status::OK)
                    .field("Content-Type", "image/png")
                    .body(text())
            })
            .get("/packed", move |_: &mut Cx<'_, ()>| {
                Response::html(text()).field("Content-Encoding", "br")
            })
            .get("/part", move |_: &mut Cx<'_, ()>| {
                Response::html(text())
                    .with_status(Status::PARTIAL_CONTENT)
                    .field("Content-Range", "bytes 0-6399/9000")
            })
    });
    let mut browser = Browser::at(address);
    let gzip = [("Accept-Encoding", "gzip, deflate, br")];
    let page = browser.ask("GET", "/page", &gzip, b"").expect(200);
    assert_eq!(page.field("content-encoding"), Some("gzip"));
    assert_eq!(page.field("etag"), Some("W/\"1\""));
    assert_eq!(page.field("vary"), Some("Cookie, Accept-Encoding"));
    let mut unpacked = String::new();
    GzDecoder::new(&page.body[..])
        .read_to_string(&mut unpacked)
        .unwrap();
    assert_eq!(unpacked, text());
    let head = browser.ask("HEAD", "/page", &gzip, b"").expect(200);
    assert_eq!(head.field("content-length"), page.field("content-length"));
    assert_eq!(head.field("content-encoding"), Some("gzip"));

    for accepts in ["identity", "br", "gzip;q=0", "*;q=0, identity"] {
        let page = browser
            .ask("GET", "/page", &[("Accept-Encoding", accepts)], b"")
            .expect(200);
        assert_eq!(page.field("content-encoding"), None, "{accepts}");
        assert_eq!(page.field("etag"), Some("\"1\""), "{accepts}");
        assert_eq!(
            page.field("vary"),
            Some("Cookie, Accept-Encoding"),
            "{accepts}"
        );
        assert_eq!(page.text(), text(), "{accepts}");
    }
    for path in ["/small", "/image", "/part"] {
        let answer = browser.ask("GET", path, &gzip, b"");
        assert_eq!(answer.field("content-encoding"), None, "{path}");
    }
    let packed = browser.ask("GET", "/packed", &gzip, b"").expect(200);
    assert_eq!(packed.field("content-encoding"), Some("br"));
    running.stop().unwrap();
}

// ---- passwords --------------------------------------------------------------------------------

/// An app with one user, whose password is checked as it should be.
fn door() -> App<Option<String>> {
    fn sign_up(cx: &mut Cx<'_, Option<String>>) -> Reply<Option<String>> {
        let text = cx.request.form_value("password").unwrap_or_default();
        password::hash(&text).then(|cx, hashed| -> Result<_, Error> {
            *cx.state = Some(hashed?);
            Ok("welcome")
        })
    }
    fn sign_in(cx: &mut Cx<'_, Option<String>>) -> Reply<Option<String>> {
        let text = cx.request.form_value("password").unwrap_or_default();
        let checked = match &*cx.state {
            Some(stored) => password::verify(&text, stored),
            None => password::verify_nobody(&text),
        };
        checked.then(|_, fits| if fits { "in" } else { "out" })
    }
    App::new(None)
        .post("/sign-up", sign_up)
        .post("/login", sign_in)
        .get("/", |_: &mut Cx<'_, Option<String>>| "here")
        .get("/helper", |_: &mut Cx<'_, Option<String>>| {
            Wait::on_helper(|| 7).then(|_, it| it.to_string())
        })
}

#[test]
fn a_password_opens_the_door_and_others_do_not() {
    let (running, address) = serve(door);
    let mut browser = Browser::at(address);
    let mut try_it = |path: &str, text: &str| browser.post(path, &[("password", text)]);
    assert_eq!(try_it("/login", "sesame").expect(200).text(), "out");
    let long = "x".repeat(1025);
    assert!(
        try_it("/sign-up", &long)
            .expect(400)
            .text()
            .contains("1024")
    );
    try_it("/sign-up", "sesame").expect(200);
    assert_eq!(try_it("/login", "sesame").expect(200).text(), "in");
    assert_eq!(try_it("/login", "Sesame").expect(200).text(), "out");
    assert_eq!(try_it("/login", &long).expect(200).text(), "out");
    let stored = running.stop().unwrap().unwrap();
    assert!(
        stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
        "{stored}"
    );
}

#[test]
fn a_hundred_sign_ins_at_once_keep_nobody_else_waiting() {
    let (running, address) = serve(door);
    let request = format!(
        "POST /login HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 10\r\n\r\npassword=a"
    );
    let knock = || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    };
    let mut rush: Vec<TcpStream> = (0..100).map(|_| knock()).collect();
    let mut browser = Browser::at(address);
    assert_eq!(browser.get("/").expect(200).text(), "here");
    assert_eq!(browser.get("/helper").expect(200).text(), "7");
    // Somebody of the rush is waiting still, so the others did not wait for all of it.
    let is_waiting = |stream: &TcpStream| {
        stream.set_nonblocking(true).unwrap();
        let heard = stream.peek(&mut [0]);
        stream.set_nonblocking(false).unwrap();
        heard.is_err_and(|error| error.kind() == ErrorKind::WouldBlock)
    };
    assert!(
        rush.iter().any(is_waiting),
        "a rush takes longer than a page"
    );
    for stream in &mut rush {
        stream.set_read_timeout(Some(people::PATIENCE)).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
        assert!(answer.ends_with("\r\n\r\nout"), "{answer}");
    }
    running.stop().unwrap();
}

#[test]
fn a_guard_refuses_what_browsers_say_is_from_another_site() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_owned();
    let (running, address) = serve(move || members(&database(&path), &path, false));
    let mut browser = Browser::at(address);
    let own = format!("http://{address}");
    for (field, value, status) in [
        ("X-Nothing", "", 200),
        ("Origin", own.as_str(), 200),
        ("Origin", "https://evil.example", 403),
        ("Origin", "null", 403),
        ("Sec-Fetch-Site", "same-origin", 200),
        ("Sec-Fetch-Site", "none", 200),
        ("Sec-Fetch-Site", "same-site", 403),
        ("Sec-Fetch-Site", "cross-site", 403),
    ] {
        let answer = browser.ask("GET", "/guarded", &[(field, value)], b"");
        assert_eq!(answer.status, status, "{field}: {value}");
    }
    running.stop().unwrap();
}
