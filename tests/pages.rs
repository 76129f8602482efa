//! # Pages, from outside
//!
//! Apps made for the purpose, with templates, named routes and files, as browsers see them; what
//! must not be seen is asked for in many ways.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::fs;
use std::path::Path;
use std::sync::{Arc, Barrier};
use std::time::{Duration, SystemTime};

use parlour::http::{Response, Status};
use parlour::web::{
    App, Asset, CsrfToken, Cx, Error, Feed, Flash, Flow, Middleware, Reply, Routes, Running,
    SendFile, Serde, Templates, User, Wait, context, stream,
};
use people::{Answer, Browser, escaped};

mod people;

/// An app that runs until the end of a test, and somebody who visits it.
fn serve<S: Send + 'static>(
    make: impl FnOnce() -> App<S> + Send + 'static,
) -> (Running<S>, Browser) {
    let (running, address) = people::serve(make);
    (running, Browser::at(address))
}

/// Why an app is not served.
fn refusal(make: impl FnOnce() -> App<()> + Send + 'static) -> String {
    let any = "127.0.0.1:0".parse().unwrap();
    let running = Running::start(&[any], make).unwrap();
    running.stop().unwrap_err().to_string()
}

fn hello(_: &mut Cx<'_, ()>) -> &'static str {
    "hello"
}

// ---- templates --------------------------------------------------------------------------------

const PAGES: &[(&str, &str)] = &[
    (
        "base.html",
        "{% block body %}{% endblock %}|{{ user or 'nobody' }}|{{ path }}",
    ),
    (
        "index.html",
        "{% extends 'base.html' %}{% block body %}<a href=\"{{ url_for('todo.show', id=id) }}\">\
         {% endblock %}",
    ),
    (
        "form.html",
        "{% macro form() %}<form>{{ csrf_field() }}</form>{% endmacro %}{{ form() }}{{ csrf_token }}",
    ),
    (
        "flash.html",
        "{% for text in messages %}<p>{{ text }}{% endfor %}",
    ),
    ("quiet.html", "{% if messages %}some{% endif %}"),
    ("static.html", "{{ static_url('css/app.css') }}"),
    ("nowhere.html", "{{ url_for('nowhere') }}"),
    ("unknown.html", "\n\n{{ unknown }}"),
    (
        "xss.html",
        "<p title=\"{{ x }}\" class='{{ x }}'>{{ x }}</p><a href=\"{{ url_for('q', q=x) }}\">\
         <script>let x = {{ x|tojson }};{% include 'x.js' %}</script>",
    ),
    ("x.js", "let y = {{ x }}, z = {{ url_for('q', q=x) }};"),
    ("error.html", "<h1>{{ status }}</h1>{{ message }}"),
];

/// Renders the template that the query names.
fn page(cx: &mut Cx<'_, ()>) -> Result<Response, Error> {
    let name = cx.request.query("page").unwrap();
    let id = cx.request.query("id").unwrap_or_default();
    let x = cx.request.query("x").unwrap_or_default();
    cx.render(&name, context! { id, x })
}

fn pages() -> App<()> {
    let todo = Routes::new().get("/{id}", hello).named("show");
    App::new(())
        .get("/page", page)
        .get("/q", hello)
        .named("q")
        .nest("/todo", todo.names_under("todo"))
        .templates(Templates::embedded(PAGES))
}

/// Leaves what other middleware leaves for pages.
struct Known;

impl Middleware<()> for Known {
    fn request(&self, cx: &mut Cx<'_, ()>) -> Option<Reply<()>> {
        cx.request.carry(User("<Ann>".into()));
        cx.request.carry(CsrfToken("t\"<".into()));
        cx.request.carry(Flash(vec!["saved".into(), "<b>".into()]));
        None
    }

    fn response(&self, cx: &mut Cx<'_, ()>, response: Response) -> Response {
        let left = cx.request.carried::<Flash>().unwrap().0.len();
        response.field("X-Left", left.to_string())
    }
}

#[test]
fn a_page_has_its_parts_and_what_is_always_there() {
    let (running, mut browser) = serve(|| pages().wrap(Known));
    let index = browser.get("/page?page=index.html&id=a%20b").expect(200);
    assert_eq!(
        index.text(),
        "<a href=\"/todo/a%20b\">|&lt;Ann&gt;|&#x2f;page"
    );
    assert_eq!(
        index.field("content-type"),
        Some("text/html; charset=utf-8")
    );
    let form = browser.get("/page?page=form.html").expect(200);
    let field = "<form><input type=\"hidden\" name=\"csrf_token\" value=\"t&quot;&lt;\"></form>";
    assert_eq!(form.text(), format!("{field}t&quot;&lt;"));
    let script = browser.get("/page?page=x.js").expect(200);
    assert_eq!(
        script.field("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    running.stop().unwrap();
}

#[test]
fn what_can_be_serialised_can_be_shown() {
    #[derive(serde::Serialize)]
    struct Item {
        text: &'static str,
        tags: Vec<u8>,
    }
    const LIST: &[(&str, &str)] = &[(
        "list.html",
        "{% for item in items %}{{ item.text }}{{ item.tags }}{% endfor %}",
    )];
    let (running, mut browser) = serve(|| {
        let list = |cx: &mut Cx<'_, ()>| {
            let items = vec![Item {
                text: "<a>",
                tags: vec![1, 2],
            }];
            cx.render("list.html", context! { items => Serde(&items) })
        };
        App::new(())
            .get("/", list)
            .templates(Templates::embedded(LIST))
    });
    assert_eq!(browser.get("/").expect(200).text(), "&lt;a&gt;[1, 2]");
    running.stop().unwrap();
}

#[test]
fn messages_are_gone_when_a_page_has_shown_them() {
    let (running, mut browser) = serve(|| pages().wrap(Known));
    let shown = browser.get("/page?page=flash.html").expect(200);
    assert_eq!(shown.text(), "<p>saved<p>&lt;b&gt;");
    assert_eq!(shown.field("x-left"), Some("0"));
    let quiet = browser.get("/page?page=quiet.html").expect(200);
    assert_eq!((quiet.text(), quiet.field("x-left")), ("some", Some("2")));
    let other = browser.get("/page?page=index.html&id=1").expect(200);
    assert_eq!(other.field("x-left"), Some("2"));
    running.stop().unwrap();
}

#[test]
fn what_a_visitor_says_stays_text_wherever_it_is_written() {
    let (running, mut browser) = serve(pages);
    for evil in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</script><script>alert(1)//",
        "<!--<script>",
        "]]>",
        "\\\";alert(1);//",
        "\u{2028}alert(1)",
        "&lt;script&gt;",
        "{{ 7 * 7 }}",
        "javascript:alert(1)",
    ] {
        let page = browser
            .get(&format!("/page?page=xss.html&x={}", escaped(evil)))
            .expect(200);
        let text = page.text();
        let (html, script) = text.split_once("<script>").unwrap();
        let script = script.strip_suffix("</script>").unwrap();
        assert!(!script.contains(['<', '>', '&', '\'']), "{evil}: {script}");
        // Quotes and brackets are those of the template.
        let count = |of: char| html.matches(of).count();
        assert_eq!(
            (count('<'), count('"'), count('\'')),
            (3, 4, 2),
            "{evil}: {html}"
        );
        // What a browser reads in the script is what was said.
        let value = script.strip_prefix("let x = ").unwrap();
        let mut values = serde_json::Deserializer::from_str(value).into_iter::<String>();
        assert_eq!(values.next().unwrap().unwrap(), evil);
        let address = html.split("href=\"").nth(1).unwrap();
        assert_eq!(address, format!("/q?q={}\">", escaped(evil)));
    }
    running.stop().unwrap();
}

#[test]
fn what_is_wrong_in_a_template_is_told_to_the_log_and_not_to_the_client() {
    let (running, mut browser) = serve(pages);
    for page in [
        "nowhere.html",
        "unknown.html",
        "missing.html",
        "static.html",
        "form.html",
        "index.html&id=..",
    ] {
        let answer = browser.get(&format!("/page?page={page}")).expect(500);
        let text = answer.text();
        assert!(text.starts_with("something went wrong here"), "{text}");
        assert!(!text.contains("html"), "{text}");
    }
    assert_eq!(
        browser.get("/page?page=quiet.html").expect(200).text(),
        "",
        "without middleware there are no messages"
    );
    running.stop().unwrap();
}

#[test]
fn what_the_log_is_told_says_what_to_do() {
    fn show(cx: &mut Cx<'_, ()>) -> Result<Response, Error> {
        cx.render("a.html", context! { item => context! { title => "milk" } })
    }
    let told = |text: Option<&'static str>| {
        let (running, mut browser) = serve(move || {
            let app = App::new(()).get("/", show).on_error(|_, error| {
                let cause = error.cause().unwrap().to_owned();
                Some(Response::text(cause).with_status(error.status()))
            });
            match text {
                Some(text) => {
                    let templates: &'static [_] = Vec::leak(vec![("a.html", text)]);
                    app.templates(Templates::embedded(templates))
                }
                None => app,
            }
        });
        let told = browser.get("/").expect(500).text().to_owned();
        running.stop().unwrap();
        told
    };
    let check = |text, parts: &[&str]| {
        let told = told(text);
        assert!(parts.iter().all(|part| told.contains(part)), "{told}");
    };
    check(None, &["a.html", "no templates", "write App::templates("]);
    check(Some("one\n{{ itm }}"), &["`itm` is undefined", "a.html:2"]);
    check(
        Some("{{ item.titel }}"),
        &["`item.titel` is undefined", "a.html:1"],
    );
}

#[test]
fn an_app_with_a_broken_part_is_refused() {
    const BROKEN: &[(&str, &str)] = &[("a.html", "fine"), ("b.html", "one\n{% for %}")];
    let error = refusal(|| App::new(()).templates(Templates::embedded(BROKEN)));
    assert!(error.contains("b.html:2"), "{error}");
    let error = refusal(|| App::new(()).templates(Templates::folder("/no/such/folder")));
    assert!(error.contains("/no/such/folder"), "{error}");
    let error = refusal(|| App::new(()).assets("/static", "/no/such/folder"));
    assert!(error.contains("/no/such/folder"), "{error}");
    let twice = || {
        let routes = App::new(()).get("/a", hello).named("same");
        routes.get("/b", hello).named("same")
    };
    let error = refusal(twice);
    assert!(error.contains("two routes are named 'same'"), "{error}");
}

#[test]
fn templates_are_seen_as_they_change_where_that_is_wanted() {
    let folder = tempfile::tempdir().unwrap();
    let (templates, files) = (folder.path().join("pages"), folder.path().join("static"));
    fs::create_dir_all(files.join("css")).unwrap();
    fs::create_dir_all(&templates).unwrap();
    fs::write(templates.join("a.html"), "{{ static_url('css/app.css') }}").unwrap();
    fs::write(files.join("css/app.css"), "a {}").unwrap();
    let page = templates.clone();
    let style = files.clone();
    let (running, mut browser) = serve(move || {
        App::new(())
            .get("/page", |cx: &mut Cx<'_, ()>| {
                cx.render("a.html", context! {})
            })
            .templates(Templates::folder(templates).reload(true))
            .assets("/static", files)
    });
    let first = browser.get("/page").expect(200).text().to_owned();
    fs::write(style.join("css/app.css"), "a { color: red }").unwrap();
    let second = browser.get("/page").expect(200).text().to_owned();
    assert!(first != second, "{first}");
    let kept = browser.get(&second).expect(200);
    assert_eq!(kept.text(), "a { color: red }");
    assert!(kept.field("cache-control").unwrap().contains("immutable"));
    let old = browser.get(&first).expect(200);
    assert_eq!(old.field("cache-control"), Some("no-cache"));
    fs::write(page.join("a.html"), "{% new").unwrap();
    browser.get("/page").expect(500);
    fs::write(page.join("a.html"), "newer").unwrap();
    assert_eq!(browser.get("/page").expect(200).text(), "newer");
    running.stop().unwrap();
}

#[test]
fn handlers_make_addresses_by_name() {
    fn show(cx: &mut Cx<'_, ()>) -> Result<String, Error> {
        let id: String = cx.request.param("id")?;
        cx.url_for("show", &[("id", &id), ("from", "a&b")])
    }
    fn wrong(cx: &mut Cx<'_, ()>) -> Result<String, Error> {
        cx.url_for("show", &[])
    }
    let (running, mut browser) = serve(|| {
        let app = App::new(()).get("/todo/{id}", show).named("show");
        app.get("/wrong", wrong)
    });
    let path = browser.get("/todo/%C3%A9%20%3F").expect(200);
    assert_eq!(path.text(), "/todo/%C3%A9%20%3F?from=a%26b");
    browser.get("/wrong").expect(500);
    running.stop().unwrap();
}

// ---- errors -----------------------------------------------------------------------------------

const BROWSES: (&str, &str) = ("Accept", "text/html,application/xhtml+xml,*/*;q=0.8");

#[test]
fn browsers_get_a_page_for_errors_and_others_a_line() {
    fn says(cx: &mut Cx<'_, ()>) -> Error {
        Error::bad_request(cx.request.query("x").unwrap())
    }
    fn panics(_: &mut Cx<'_, ()>) -> &'static str {
        panic!("as the test wants it")
    }
    let (running, mut browser) = serve(|| {
        let app = App::new(()).get("/", hello).get("/says", says);
        app.get("/panics", panics)
    });
    let missing = browser.ask("GET", "/nothing", &[BROWSES], b"").expect(404);
    assert_eq!(
        missing.field("content-type"),
        Some("text/html; charset=utf-8")
    );
    let title = "<title>404 Not Found</title>";
    assert!(missing.text().contains(title), "{}", missing.text());
    let plain = browser.get("/nothing").expect(404);
    assert_eq!(plain.text(), "there is nothing at this path\n");
    let wrong = browser.ask("POST", "/", &[BROWSES], b"").expect(405);
    assert_eq!(wrong.field("allow"), Some("GET, HEAD, OPTIONS"));
    assert!(wrong.text().contains("<h1>"), "{}", wrong.text());
    let panicked = browser.ask("GET", "/panics", &[BROWSES], b"").expect(500);
    assert!(panicked.text().contains("(E"), "{}", panicked.text());
    assert!(!panicked.text().contains("as the test wants it"));
    let evil = "/says?x=%3Cscript%3E%22%27%26";
    let escaped = browser.ask("GET", evil, &[BROWSES], b"").expect(400);
    let text = "&lt;script&gt;&quot;&#x27;&amp;";
    assert!(escaped.text().contains(text), "{}", escaped.text());
    let head = browser.ask("HEAD", "/nothing", &[BROWSES], b"").expect(404);
    assert_eq!(
        head.field("content-length"),
        missing.field("content-length")
    );
    running.stop().unwrap();
}

#[test]
fn an_app_gives_errors_a_face_by_template() {
    let (running, mut browser) = serve(|| {
        pages().on_error(|cx, error| {
            let (status, message) = (error.status(), error.message());
            let own = context! { status => status.code(), message };
            Some(cx.render("error.html", own).ok()?.with_status(status))
        })
    });
    let missing = browser.ask("GET", "/nothing", &[BROWSES], b"").expect(404);
    assert_eq!(missing.text(), "<h1>404</h1>there is nothing at this path");
    let broken = browser.get("/page?page=unknown.html").expect(500);
    assert!(broken.text().starts_with("<h1>500</h1>"));
    running.stop().unwrap();
}

// ---- files ------------------------------------------------------------------------------------

/// Larger than what is read at once, and no two of its pieces are equal.
fn large() -> Vec<u8> {
    (0..100_000_u32).flat_map(u32::to_be_bytes).collect()
}

/// A folder of files, with secrets beside it.
fn site(folder: &Path) -> std::path::PathBuf {
    let site = folder.join("site");
    fs::create_dir_all(site.join("css")).unwrap();
    fs::create_dir_all(site.join("docs")).unwrap();
    fs::create_dir_all(site.join("empty")).unwrap();
    fs::create_dir_all(site.join(".git")).unwrap();
    fs::write(site.join("css/app.css"), "body {}").unwrap();
    fs::write(site.join("docs/index.html"), "<h1>docs").unwrap();
    fs::write(site.join("a b é.txt"), "spaces").unwrap();
    fs::write(site.join("large.bin"), large()).unwrap();
    fs::write(site.join(".env"), "SECRET").unwrap();
    fs::write(site.join(".git/config"), "SECRET").unwrap();
    fs::write(folder.join("secret.txt"), "SECRET").unwrap();
    fs::create_dir_all(folder.join("site2")).unwrap();
    fs::write(folder.join("site2/secret.txt"), "SECRET").unwrap();
    let link = |to: &str, name: &str| std::os::unix::fs::symlink(to, site.join(name)).unwrap();
    link("../secret.txt", "out.txt");
    link("..", "up");
    link("../site2", "beside");
    link("/etc", "etc");
    link("css/app.css", "inside.css");
    link("round", "round");
    site
}

fn files() -> (tempfile::TempDir, Running<()>, Browser) {
    let folder = tempfile::tempdir().unwrap();
    let site = site(folder.path());
    let (running, browser) = serve(move || App::new(()).assets("/static", site));
    (folder, running, browser)
}

#[test]
fn files_have_their_kinds_and_validators() {
    let (_folder, running, mut browser) = files();
    let style = browser.get("/static/css/app.css").expect(200);
    assert_eq!(style.text(), "body {}");
    assert_eq!(style.field("content-type"), Some("text/css; charset=utf-8"));
    assert_eq!(style.field("cache-control"), Some("no-cache"));
    assert!(style.field("last-modified").is_some());
    let tag = style.field("etag").unwrap();
    let same = browser
        .ask("GET", "/static/css/app.css", &[("If-None-Match", tag)], b"")
        .expect(304);
    assert_eq!(same.field("etag"), Some(tag));
    assert_eq!(same.field("cache-control"), Some("no-cache"));
    assert_eq!(same.field("content-type"), None);
    let head = browser
        .ask("HEAD", "/static/css/app.css", &[], b"")
        .expect(200);
    assert_eq!(head.field("content-length"), Some("7"));
    assert!(head.body.is_empty());
    let spaces = browser.get("/static/a%20b%20%C3%A9.txt").expect(200);
    assert_eq!(spaces.text(), "spaces");
    let inside = browser.get("/static/inside.css").expect(200);
    assert_eq!(inside.text(), "body {}");
    browser
        .ask("POST", "/static/css/app.css", &[], b"")
        .expect(405);
    running.stop().unwrap();
}

#[test]
fn nothing_outside_of_the_folder_is_served() {
    let (_folder, running, mut browser) = files();
    for path in [
        "/static/.env",
        "/static/.git/config",
        "/static/%2egit/config",
        "/static/out.txt",
        "/static/up/secret.txt",
        "/static/beside/secret.txt",
        "/static/etc/passwd",
        "/static/round",
        "/static/../secret.txt",
        "/static/css/../../secret.txt",
        "/static/%2e%2e/secret.txt",
        "/static/.%2e/secret.txt",
        "/static/..%2fsecret.txt",
        "/static/..%5csecret.txt",
        "/static/..\\secret.txt",
        "/static/....//secret.txt",
        "/static//etc/passwd",
        "/static/%2fetc/passwd",
        "/static/%252e%252e/secret.txt",
        "/static/css/app.css/",
        "/static/css/app.css/x",
        "/static/css/app.css%00",
        "/static/css/app.css%00.txt",
        "/static/css",
        "/static/css/",
        "/static/empty",
        "/static/empty/",
        "/static/",
        "/static",
        "/static2/secret.txt",
        "/site2/secret.txt",
        "/static/%ff",
        "/static/%c0%ae%c0%ae/secret.txt",
        "/static/nothing",
    ] {
        let answer = browser.get(path);
        assert_eq!(answer.status, 404, "{path}");
        assert!(!answer.text().contains("SECRET"), "{path}");
    }
    let long = format!("/static/{}", "a".repeat(4000));
    browser.get(&long).expect(404);
    running.stop().unwrap();
}

#[test]
fn a_pipe_in_the_folder_holds_nobody_up() {
    let (folder, running, mut browser) = files();
    let pipe = folder.path().join("site/pipe");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.unwrap().success());
    browser.get("/static/pipe").expect(404);
    browser.get("/static/css/app.css").expect(200);
    running.stop().unwrap();
}

#[test]
fn a_folder_has_its_page_behind_a_slash() {
    let (_folder, running, mut browser) = files();
    let page = browser.get("/static/docs/").expect(200);
    assert_eq!(page.text(), "<h1>docs");
    let elsewhere = browser.get("/static/docs?a=b").expect(308);
    assert_eq!(elsewhere.field("location"), Some("/static/docs/?a=b"));
    running.stop().unwrap();
}

fn part(browser: &mut Browser, path: &str, range: &str) -> Answer {
    browser.ask("GET", path, &[("Range", range)], b"")
}

#[test]
fn parts_of_files_are_had_whether_they_are_small_or_large() {
    let (_folder, running, mut browser) = files();
    let small = part(&mut browser, "/static/css/app.css", "bytes=1-3").expect(206);
    assert_eq!(small.text(), "ody");
    assert_eq!(small.field("content-range"), Some("bytes 1-3/7"));
    part(&mut browser, "/static/css/app.css", "bytes=7-").expect(416);
    let all = large();
    let path = "/static/large.bin";
    let whole = browser.get(path).expect(200);
    assert!(whole.body == all);
    assert_eq!(whole.field("accept-ranges"), Some("bytes"));
    let head = browser.ask("HEAD", path, &[], b"").expect(200);
    assert_eq!(head.field("content-length"), Some("400000"));
    let middle = part(&mut browser, path, "bytes=65530-140000").expect(206);
    assert!(middle.body == all[65530..=140_000]);
    let end = part(&mut browser, path, "bytes=-5").expect(206);
    assert!(end.body == all[all.len() - 5..]);
    part(&mut browser, path, "bytes=400000-").expect(416);
    let tag = whole.field("etag").unwrap();
    browser
        .ask("GET", path, &[("If-None-Match", tag)], b"")
        .expect(304);
    let fields = [("Range", "bytes=0-0"), ("If-Range", tag)];
    browser.ask("GET", path, &fields, b"").expect(206);
    let fields = [("Range", "bytes=0-0"), ("If-Range", "\"other\"")];
    browser.ask("GET", path, &fields, b"").expect(200);
    browser.get("/static/css/app.css").expect(200);
    running.stop().unwrap();
}

#[test]
fn a_file_that_shrinks_while_it_is_sent_does_not_look_whole() {
    use std::io::{Read, Write};
    let (folder, running, browser) = files();
    let path = folder.path().join("site/shrinks.bin");
    let length = 64 * 1024 * 1024;
    fs::File::create(&path).unwrap().set_len(length).unwrap();
    let mut stream = std::net::TcpStream::connect(browser.address()).unwrap();
    stream.set_read_timeout(Some(people::PATIENCE)).unwrap();
    let request = b"GET /static/shrinks.bin HTTP/1.1\r\nHost: h\r\n\r\n";
    stream.write_all(request).unwrap();
    let mut some = [0; 4096];
    stream.read_exact(&mut some).unwrap();
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(1024)
        .unwrap();
    let mut rest = Vec::new();
    // A reset or an end before the length that was promised: both are seen by a client.
    if let Err(error) = stream.read_to_end(&mut rest) {
        assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset);
    }
    assert!(((some.len() + rest.len()) as u64) < length);
    running.stop().unwrap();
}

/// Keeps the helper at work until the gate opens, and its queue full.
struct Filler(Arc<Barrier>);

impl Feed<()> for Filler {
    fn more(&mut self, flow: &mut Flow<'_, ()>) {
        let gate = Arc::clone(&self.0);
        let gated = Wait::on_helper(move || {
            gate.wait();
        });
        flow.wait(gated, |_: &mut Self, flow, _| flow.end());
        for _ in 0..2000 {
            flow.wait(Wait::on_helper(|| {}), |_: &mut Self, _, _| {});
        }
    }
}

#[test]
fn a_file_that_finds_the_helper_busy_waits_and_is_whole() {
    use std::io::{ErrorKind, Read, Write};
    let folder = tempfile::tempdir().unwrap();
    let length = 32 * 1024 * 1024;
    let file = fs::File::create(folder.path().join("large")).unwrap();
    file.set_len(length).unwrap();
    let files = folder.path().to_owned();
    let gate = Arc::new(Barrier::new(2));
    let closed = Arc::clone(&gate);
    let (running, mut browser) = serve(move || {
        let fill = move |_: &mut Cx<'_, ()>| -> Reply<()> {
            let page = Response::new(Status::OK);
            stream(page, None, Filler(Arc::clone(&closed)))
        };
        App::new(()).get("/fill", fill).assets("/static", files)
    });
    let connect = || {
        let stream = std::net::TcpStream::connect(browser.address()).unwrap();
        stream.set_read_timeout(Some(people::PATIENCE)).unwrap();
        stream
    };
    let mut download = connect();
    let request = b"GET /static/large HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
    download.write_all(request).unwrap();
    let mut found = vec![0; 4096];
    download.read_exact(&mut found).unwrap();
    let mut filler = connect();
    filler
        .write_all(b"GET /fill HTTP/1.1\r\nHost: h\r\n\r\n")
        .unwrap();
    filler.read_exact(&mut [0; 12]).unwrap();
    // When nothing more comes, all that was read before has left, and the queue is full.
    let while_it_comes = Some(Duration::from_millis(300));
    download.set_read_timeout(while_it_comes).unwrap();
    let stopped = download.read_to_end(&mut found).map_err(|it| it.kind());
    if let Err(kind) = stopped {
        assert!(
            matches!(kind, ErrorKind::WouldBlock | ErrorKind::TimedOut),
            "{kind}"
        );
    }
    gate.wait();
    download.set_read_timeout(Some(people::PATIENCE)).unwrap();
    download.read_to_end(&mut found).unwrap();
    let body = found.windows(4).position(|it| it == b"\r\n\r\n").unwrap() + 4;
    assert_eq!((found.len() - body) as u64, length);
    browser.get("/static/nothing").expect(404);
    running.stop().unwrap();
}

#[test]
fn smaller_forms_beside_a_file_stand_in_for_it() {
    let (folder, running, mut browser) = files();
    let site = folder.path().join("site");
    let path = "/static/css/app.css";
    let ask = |browser: &mut Browser, accepts: &str| {
        browser
            .ask("GET", path, &[("Accept-Encoding", accepts)], b"")
            .expect(200)
    };
    let before = ask(&mut browser, "gzip");
    assert_eq!((before.text(), before.field("vary")), ("body {}", None));
    fs::write(site.join("css/app.css.gz"), "as gzip").unwrap();
    fs::write(site.join("css/app.css.br"), "as brotli").unwrap();
    let check = |browser: &mut Browser, accepts: &str, text: &str, coding: Option<&str>| {
        let answer = ask(browser, accepts);
        assert_eq!(answer.text(), text, "{accepts}");
        assert_eq!(answer.field("content-encoding"), coding, "{accepts}");
        assert_eq!(answer.field("vary"), Some("Accept-Encoding"), "{accepts}");
        let kind = answer.field("content-type");
        assert_eq!(kind, Some("text/css; charset=utf-8"), "{accepts}");
        answer.field("etag").unwrap().to_owned()
    };
    let brotli = check(&mut browser, "gzip, deflate, br", "as brotli", Some("br"));
    let gzip = check(&mut browser, "gzip, deflate", "as gzip", Some("gzip"));
    let plain = check(&mut browser, "", "body {}", None);
    check(&mut browser, "br;q=0.1, gzip", "as gzip", Some("gzip"));
    check(&mut browser, "br;q=0, gzip;q=0", "body {}", None);
    check(&mut browser, "identity", "body {}", None);
    assert!(brotli != gzip && gzip != plain && plain != brotli);
    let fields = [("Accept-Encoding", "br"), ("If-None-Match", &brotli)];
    let same = browser.ask("GET", path, &fields, b"").expect(304);
    assert_eq!(same.field("vary"), Some("Accept-Encoding"));
    let fields = [("Accept-Encoding", "gzip"), ("If-None-Match", &brotli)];
    browser.ask("GET", path, &fields, b"").expect(200);
    let fields = [("Accept-Encoding", "br"), ("Range", "bytes=3-")];
    let part = browser.ask("GET", path, &fields, b"").expect(206);
    assert_eq!(
        (part.text(), part.field("content-encoding")),
        ("brotli", Some("br"))
    );
    // What was made from an older file is not that file.
    let old = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000);
    for form in ["css/app.css.gz", "css/app.css.br"] {
        let form = fs::File::options()
            .write(true)
            .open(site.join(form))
            .unwrap();
        form.set_modified(old).unwrap();
    }
    assert_eq!(ask(&mut browser, "br, gzip").text(), "body {}");
    running.stop().unwrap();
}

const ASSETS: &[Asset] = parlour::assets!("pages": [
    "css/app.css",
    "css/app.css.gz",
    "docs/index.html",
]);

#[test]
fn files_of_the_program_are_served_like_others() {
    let (running, mut browser) = serve(|| pages().embedded("/static", ASSETS));
    let address = browser.get("/page?page=static.html").expect(200);
    let address = address.text().to_owned();
    assert!(address.starts_with("/static/css/app.css?v="), "{address}");
    let style = browser.get(&address).expect(200);
    assert_eq!(style.text(), include_str!("pages/css/app.css"));
    assert_eq!(
        style.field("cache-control"),
        Some("public, max-age=31536000, immutable")
    );
    assert_eq!(style.field("vary"), Some("Accept-Encoding"));
    let unnamed = browser.get("/static/css/app.css?v=0").expect(200);
    assert_eq!(unnamed.field("cache-control"), Some("no-cache"));
    let fields = [("Accept-Encoding", "gzip")];
    let packed = browser.ask("GET", &address, &fields, b"").expect(200);
    assert_eq!(packed.field("content-encoding"), Some("gzip"));
    assert!(packed.body == include_bytes!("pages/css/app.css.gz"));
    let tag = style.field("etag").unwrap();
    browser
        .ask("GET", &address, &[("If-None-Match", tag)], b"")
        .expect(304);
    browser.get("/static/docs/").expect(200);
    let elsewhere = browser.get("/static/docs").expect(308);
    assert_eq!(elsewhere.field("location"), Some("/static/docs/"));
    for path in [
        "/static",
        "/static/",
        "/static/css",
        "/static/nothing",
        "/static/../x",
    ] {
        browser.get(path).expect(404);
    }
    running.stop().unwrap();
}

#[test]
fn an_apps_own_pages_come_before_files_at_the_same_place() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("index.html"), "file").unwrap();
    fs::write(folder.path().join("robots.txt"), "robots").unwrap();
    let public = folder.path().to_owned();
    let (running, mut browser) = serve(move || {
        let app = App::new(()).get("/", hello).get("/todo", hello);
        app.assets("/", public)
    });
    assert_eq!(browser.get("/").expect(200).text(), "hello");
    assert_eq!(browser.get("/todo").expect(200).text(), "hello");
    assert_eq!(browser.get("/robots.txt").expect(200).text(), "robots");
    browser.get("//evil.example").expect(404);
    running.stop().unwrap();
}

#[test]
fn a_handler_sends_any_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("report.pdf");
    fs::write(&path, "%PDF").unwrap();
    let missing = folder.path().join("missing.pdf");
    let (running, mut browser) = serve(move || {
        let (plain, saved) = (path.clone(), path);
        App::new(())
            .get("/plain", move |cx: &mut Cx<'_, ()>| cx.file(&plain))
            .get("/missing", move |cx: &mut Cx<'_, ()>| cx.file(&missing))
            .get("/saved", move |cx: &mut Cx<'_, ()>| -> SendFile {
                let name = cx.request.query("name").unwrap();
                cx.file(&saved).save_as(name).content_type("text/plain")
            })
    });
    let plain = browser.get("/plain").expect(200);
    assert_eq!(plain.field("content-type"), Some("application/pdf"));
    assert_eq!(plain.field("content-disposition"), None);
    assert_eq!(plain.field("cache-control"), Some("private, no-cache"));
    let saved = browser.get("/saved?name=a%22%0d%0aX:%20y.pdf").expect(200);
    assert_eq!(saved.field("content-type"), Some("text/plain"));
    let disposition = saved.field("content-disposition").unwrap();
    assert!(
        disposition.starts_with("attachment; filename=\""),
        "{disposition}"
    );
    assert_eq!(saved.field("x"), None);
    assert_eq!(
        part(&mut browser, "/saved?name=x", "bytes=1-2")
            .expect(206)
            .text(),
        "PD"
    );
    assert_eq!(
        browser.get("/missing").expect(404).status,
        Status::NOT_FOUND.code()
    );
    running.stop().unwrap();
}
