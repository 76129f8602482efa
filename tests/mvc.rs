//! # The example `mvc`, from outside
//!
//! People who register, keep lists and write posts, and others who try what is not theirs. The real
//! program answers, each test's own, on a folder that goes with it.

#![allow(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::Read;

use flate2::read::GzDecoder;
use parlour::store::rusqlite;
use people::{Answer, Browser, Example, escaped};

mod people;

const PAGE: [(&str, &str); 1] = [("Accept", "text/html")];

/// Text that means something in pages, addresses, fields of answers, statements and templates.
const NASTY: &str = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>&amp;{{ 7*7 }}{% raw %}'); \
                     DROP TABLE users; --";

fn start() -> Example {
    Example::with_data("mvc", &[])
}

/// Loads a page as a browser would.
fn page(browser: &mut Browser, path: &str) -> Answer {
    browser.ask("GET", path, &PAGE, b"")
}

/// Sends a form as a browser would, with whatever token.
fn send(browser: &mut Browser, path: &str, form: &[(&str, &str)]) -> Answer {
    let pairs = form
        .iter()
        .map(|(name, value)| format!("{}={}", escaped(name), escaped(value)));
    let body = pairs.collect::<Vec<_>>().join("&");
    let kind = ("Content-Type", "application/x-www-form-urlencoded");
    browser.ask("POST", path, &[PAGE[0], kind], body.as_bytes())
}

/// A token that is good for what this browser sends.
fn token(browser: &mut Browser) -> String {
    let asked = page(browser, "/login").expect(200);
    asked.input("csrf_token").unwrap().to_owned()
}

/// Sends a form with a good token.
fn submit(browser: &mut Browser, path: &str, form: &[(&str, &str)]) -> Answer {
    let token = token(browser);
    send(browser, path, &[form, &[("csrf_token", &token)]].concat())
}

/// Somebody new, who is signed in.
fn member(example: &Example, name: &str) -> Browser {
    let mut browser = example.browser();
    let answer = submit(
        &mut browser,
        "/register",
        &[("name", name), ("password", "correct horse")],
    );
    assert_eq!(answer.expect(303).field("location"), Some("/todo"));
    assert!(is_signed_in(&mut browser));
    browser
}

fn is_signed_in(browser: &mut Browser) -> bool {
    let answer = page(browser, "/profile");
    match answer.status {
        200 => true,
        303 => {
            assert_eq!(answer.field("location"), Some("/login?next=/profile"));
            false
        }
        other => panic!("{other}: {}", answer.text()),
    }
}

/// What the layout has on every page.
#[track_caller]
fn in_layout(answer: &Answer) {
    let text = answer.text();
    assert!(text.contains("<nav aria-label=\"Main\">"), "{text}");
    assert!(text.contains("/static/app.css?v="), "{text}");
}

#[track_caller]
fn tells(answer: &Answer, words: &str) {
    assert!(answer.text().contains(words), "{words}: {}", answer.text());
}

#[track_caller]
fn hides(answer: &Answer, words: &str) {
    assert!(!answer.text().contains(words), "{words}: {}", answer.text());
}

// ---- people -----------------------------------------------------------------------------------

#[test]
fn people_register_log_out_and_log_in() {
    let example = start();
    let mut ann = member(&example, "ann");
    let before = ann.cookies["sid"].clone();
    let answer = submit(&mut ann, "/logout", &[]).expect(303);
    assert_eq!(answer.field("location"), Some("/"));
    assert!(!is_signed_in(&mut ann));
    tells(&page(&mut ann, "/").expect(200), "You are logged out.");

    let wrong = submit(
        &mut ann,
        "/login",
        &[("name", "ann"), ("password", "wrong")],
    )
    .expect(422);
    tells(&wrong, "Name and password do not fit.");
    assert_eq!(wrong.input("name"), Some("ann"));
    hides(&wrong, "value=\"wrong\"");
    let nobody = submit(
        &mut ann,
        "/login",
        &[("name", "nobody"), ("password", "wrong")],
    )
    .expect(422);
    tells(&nobody, "Name and password do not fit.");
    assert!(!is_signed_in(&mut ann));

    let form = [
        ("name", " Ann "),
        ("password", "correct horse"),
        ("next", "/profile?a=1"),
    ];
    let answer = submit(&mut ann, "/login", &form).expect(303);
    assert_eq!(answer.field("location"), Some("/profile?a=1"));
    assert!(is_signed_in(&mut ann));
    // Whoever has the cookie from before has nothing.
    let mut thief = example.browser();
    thief.cookies.insert("sid".into(), before);
    assert!(!is_signed_in(&mut thief));
}

#[test]
fn a_way_back_leads_nowhere_else() {
    let example = start();
    let mut ann = member(&example, "ann");
    for next in [
        "//evil.example",
        "https://evil.example/",
        "/\\evil.example",
        "/a\r\nSet-Cookie: a=b",
        "javascript:alert(1)",
    ] {
        let form = [
            ("name", "ann"),
            ("password", "correct horse"),
            ("next", next),
        ];
        let answer = submit(&mut ann, "/login", &form).expect(303);
        assert_eq!(answer.field("location"), Some("/todo"), "{next:?}");
    }
}

#[test]
fn what_is_wrong_with_a_registration_is_said_beside_the_field() {
    let example = start();
    member(&example, "ann");
    let mut browser = example.browser();
    let long = "a".repeat(21);
    for (name, password, told) in [
        ("", "correct horse", "Write something here."),
        ("two words", "correct horse", "Letters from a to z"),
        ("ännchen", "correct horse", "Letters from a to z"),
        (long.as_str(), "correct horse", "At most 20 letters."),
        ("bob", "short", "At least 8 letters."),
        ("bob", &"x".repeat(1025), "too long for a password"),
        (
            "ann",
            "correct horse",
            "Somebody else has this name already.",
        ),
        (
            "ANN",
            "correct horse",
            "Somebody else has this name already.",
        ),
    ] {
        let form = [("name", name), ("password", password)];
        let answer = submit(&mut browser, "/register", &form).expect(422);
        let text = answer.text();
        let field = text
            .find("aria-invalid=\"true\"")
            .expect("a field is marked");
        let error = text.find(told).unwrap_or_else(|| panic!("{told}: {text}"));
        assert!(field < error, "the reason stands behind its field");
        assert_eq!(answer.input("name"), Some(name));
        hides(&answer, password);
        in_layout(&answer);
    }
    assert!(!is_signed_in(&mut browser));
}

#[test]
fn a_profile_changes_and_others_see_it() {
    let example = start();
    let mut ann = member(&example, "ann");
    submit(&mut ann, "/weibo", &[("text", "hello")]).expect(303);
    let form = [("shown_as", "Ann Lee"), ("about", "gardens\r\nand trains")];
    submit(&mut ann, "/profile", &form).expect(303);
    let answer = page(&mut ann, "/profile").expect(200);
    tells(&answer, "Your profile is changed.");
    tells(&answer, "gardens\nand trains</textarea>");
    tells(
        &page(&mut example.browser(), "/weibo").expect(200),
        "<b>Ann Lee</b> @ann",
    );

    let form = [("shown_as", " "), ("about", "kept")];
    let refused = submit(&mut ann, "/profile", &form).expect(422);
    tells(&refused, "kept</textarea>");
    tells(&refused, "Write something here.");
    tells(&page(&mut ann, "/profile"), "gardens");
}

#[test]
fn a_new_password_ends_all_other_sessions() {
    let example = start();
    let mut ann = member(&example, "ann");
    let mut elsewhere = example.browser();
    let old = [("name", "ann"), ("password", "correct horse")];
    submit(&mut elsewhere, "/login", &old).expect(303);

    let form = [("current", "wrong"), ("new", "battery staple")];
    tells(
        &submit(&mut ann, "/profile/password", &form).expect(422),
        "That is not your password.",
    );
    let form = [("current", "correct horse"), ("new", "short")];
    tells(
        &submit(&mut ann, "/profile/password", &form).expect(422),
        "At least 8 letters.",
    );
    assert!(is_signed_in(&mut elsewhere));

    let form = [("current", "correct horse"), ("new", "battery staple")];
    submit(&mut ann, "/profile/password", &form).expect(303);
    assert!(is_signed_in(&mut ann));
    assert!(!is_signed_in(&mut elsewhere));
    submit(&mut elsewhere, "/login", &old).expect(422);
    let new = [("name", "ann"), ("password", "battery staple")];
    submit(&mut elsewhere, "/login", &new).expect(303);
}

#[test]
fn what_is_kept_outlasts_the_program() {
    let example = start();
    let mut ann = member(&example, "ann");
    submit(&mut ann, "/todo", &[("title", "milk"), ("notes", "")]).expect(303);
    submit(&mut ann, "/weibo", &[("text", "hello")]).expect(303);
    let open = token(&mut ann);
    let example = example.restart("mvc", &[]);
    let mut again = example.browser();
    again.cookies = ann.cookies.clone();
    tells(&page(&mut again, "/todo").expect(200), "milk");
    // A page that was open meanwhile is still good.
    let form = [("title", "bread"), ("notes", ""), ("csrf_token", &open)];
    send(&mut again, "/todo", &form).expect(303);
    let mut other = example.browser();
    let form = [("name", "ann"), ("password", "correct horse")];
    submit(&mut other, "/login", &form).expect(303);
    tells(&page(&mut other, "/todo").expect(200), "bread");
    tells(&page(&mut other, "/weibo").expect(200), "hello");
}

// ---- the list ---------------------------------------------------------------------------------

#[test]
fn a_list_is_added_to_edited_ticked_off_and_emptied() {
    let example = start();
    let mut ann = member(&example, "ann");
    tells(&page(&mut ann, "/todo").expect(200), "Nothing to do.");
    let form = [("title", " milk "), ("notes", "two\r\nbottles")];
    let answer = submit(&mut ann, "/todo", &form).expect(303);
    assert_eq!(answer.field("location"), Some("/todo"));
    let list = page(&mut ann, "/todo").expect(200);
    tells(&list, "“milk” is on your list.");
    tells(&list, "href=\"/todo/1\">milk</a>");
    tells(&list, "1 to do, 0 done");
    tells(
        &page(&mut ann, "/todo/1").expect(200),
        "two\nbottles</textarea>",
    );

    let form = [("title", "oat milk"), ("notes", "")];
    submit(&mut ann, "/todo/1", &form).expect(303);
    submit(&mut ann, "/todo/1/done", &[]).expect(303);
    let list = page(&mut ann, "/todo").expect(200);
    tells(&list, "oat milk");
    tells(&list, "0 to do, 1 done");
    submit(&mut ann, "/todo/1/done", &[]).expect(303);
    tells(&page(&mut ann, "/todo"), "1 to do, 0 done");

    let asked = page(&mut ann, "/todo/1/delete").expect(200);
    tells(&asked, "oat milk");
    tells(
        &asked,
        "method=\"post\" action=\"&#x2f;todo&#x2f;1&#x2f;delete\"",
    );
    tells(&page(&mut ann, "/todo"), "oat milk");
    submit(&mut ann, "/todo/1/delete", &[]).expect(303);
    tells(&page(&mut ann, "/todo"), "Nothing to do.");
    page(&mut ann, "/todo/1").expect(404);
    submit(&mut ann, "/todo/1/delete", &[]).expect(404);
}

#[test]
fn what_is_refused_is_not_typed_again() {
    let example = start();
    let mut ann = member(&example, "ann");
    submit(&mut ann, "/todo", &[("title", "milk"), ("notes", "")]).expect(303);
    let long = "x".repeat(121);
    for path in ["/todo", "/todo/1"] {
        let form = [("title", long.as_str()), ("notes", "my <notes>")];
        let refused = submit(&mut ann, path, &form).expect(422);
        assert_eq!(refused.input("title"), Some(&*long));
        tells(&refused, "At most 120 letters.");
        tells(&refused, "my &lt;notes&gt;</textarea>");
        for title in ["", " \r\n ", "a\nb", "a\u{7}b"] {
            submit(&mut ann, path, &[("title", title), ("notes", "")]).expect(422);
        }
    }
    tells(&page(&mut ann, "/todo"), "1 to do, 0 done");
}

#[test]
fn a_list_is_nobody_elses() {
    let example = start();
    let (mut ann, mut bob) = (member(&example, "ann"), member(&example, "bob"));
    let form = [("title", "a secret"), ("notes", "")];
    submit(&mut ann, "/todo", &form).expect(303);
    hides(&page(&mut bob, "/todo").expect(200), "a secret");
    for path in ["/todo/1", "/todo/1/delete"] {
        let refused = page(&mut bob, path).expect(403);
        in_layout(&refused);
        hides(&refused, "a secret");
    }
    for path in ["/todo/1", "/todo/1/done", "/todo/1/delete"] {
        let refused = submit(&mut bob, path, &form).expect(403);
        in_layout(&refused);
    }
    for method in ["PUT", "PATCH", "DELETE"] {
        let held = token(&mut bob);
        let fields = [("X-CSRF-Token", held.as_str())];
        bob.ask(method, "/todo/1", &fields, b"").expect(405);
    }
    // Nobody at all is asked to sign in, and comes back to where they were.
    let mut nobody = example.browser();
    let answer = page(&mut nobody, "/todo/1/delete").expect(303);
    assert_eq!(answer.field("location"), Some("/login?next=/todo/1/delete"));
    for path in ["/todo", "/todo/1", "/todo/1/done", "/todo/1/delete"] {
        let answer = submit(&mut nobody, path, &form).expect(303);
        assert_eq!(answer.field("location"), Some("/login"), "{path}");
        nobody
            .get(path.strip_suffix("/done").unwrap_or(path))
            .expect(401);
    }
    let list = page(&mut ann, "/todo").expect(200);
    tells(&list, "a secret");
    tells(&list, "1 to do, 0 done");
}

// ---- the micro-blog ---------------------------------------------------------------------------

#[test]
fn posts_and_comments_are_deleted_by_their_owners_only() {
    let example = start();
    let (mut ann, mut bob) = (member(&example, "ann"), member(&example, "bob"));
    let mut nobody = example.browser();
    submit(&mut ann, "/weibo", &[("text", "first words")]).expect(303);
    let all = page(&mut nobody, "/weibo").expect(200);
    tells(&all, "first words");
    tells(&all, "<time datetime=\"20");
    hides(&all, "/weibo/1/delete");
    submit(&mut bob, "/weibo/1", &[("text", "an answer")]).expect(303);
    submit(&mut ann, "/weibo/1", &[("text", "thanks")]).expect(303);
    let post = page(&mut nobody, "/weibo/1").expect(200);
    tells(&post, "an answer");
    tells(&post, "2 comments");
    hides(&post, "delete");
    let post = page(&mut bob, "/weibo/1").expect(200);
    tells(&post, "/weibo/comments/1/delete");
    hides(&post, "/weibo/comments/2/delete");
    hides(&post, "/weibo/1/delete");

    for (path, owner, other) in [
        ("/weibo/comments/1/delete", "bob", "ann"),
        ("/weibo/comments/2/delete", "ann", "bob"),
        ("/weibo/1/delete", "ann", "bob"),
    ] {
        let other = if other == "ann" { &mut ann } else { &mut bob };
        in_layout(&page(other, path).expect(403));
        in_layout(&submit(other, path, &[]).expect(403));
        page(&mut nobody, path).expect(303);
        submit(&mut nobody, path, &[]).expect(303);
        page(&mut nobody, "/weibo/1").expect(200);
        let owner = if owner == "ann" { &mut ann } else { &mut bob };
        tells(
            &page(owner, path).expect(200),
            "<button class=\"danger\">Delete</button>",
        );
        submit(owner, path, &[]).expect(303);
        submit(owner, path, &[]).expect(404);
    }
    page(&mut nobody, "/weibo/1").expect(404);
    submit(&mut bob, "/weibo/1", &[("text", "too late")]).expect(404);
    tells(
        &page(&mut nobody, "/weibo"),
        "Nobody has said anything yet.",
    );
}

#[test]
fn a_post_goes_with_all_its_comments() {
    let example = start();
    let (mut ann, mut bob) = (member(&example, "ann"), member(&example, "bob"));
    submit(&mut ann, "/weibo", &[("text", "words")]).expect(303);
    submit(&mut bob, "/weibo/1", &[("text", "an answer")]).expect(303);
    submit(&mut ann, "/weibo/1/delete", &[]).expect(303);
    page(&mut bob, "/weibo/comments/1/delete").expect(404);
}

#[test]
fn posts_come_in_pages_newest_first() {
    let example = start();
    let mut ann = member(&example, "ann");
    for number in 1..=21 {
        let text = format!("number {number}.");
        submit(&mut ann, "/weibo", &[("text", &text)]).expect(303);
    }
    let mut shown = Vec::new();
    for number in 1..=3 {
        let asked = page(&mut ann, &format!("/weibo?page={number}")).expect(200);
        tells(&asked, &format!("Page {number} of 3"));
        assert_eq!(asked.text().contains("rel=\"prev\""), number > 1);
        assert_eq!(asked.text().contains("rel=\"next\""), number < 3);
        let texts = asked.text().split("number ").skip(1);
        shown.extend(texts.map(|text| text.split('.').next().unwrap().parse::<u32>().unwrap()));
    }
    assert_eq!(shown, (1..=21).rev().collect::<Vec<_>>());
    for number in ["0", "-1", "x", ""] {
        let asked = page(&mut ann, &format!("/weibo?page={number}")).expect(200);
        tells(&asked, "Page 1 of 3");
    }
    for number in ["4", "18446744073709551615"] {
        in_layout(&page(&mut ann, &format!("/weibo?page={number}")).expect(404));
    }
}

#[test]
fn a_post_is_neither_empty_nor_long_and_who_is_nobody_writes_none() {
    let example = start();
    let mut ann = member(&example, "ann");
    let (most, long) = ("é".repeat(280), "é".repeat(281));
    submit(&mut ann, "/weibo", &[("text", &most)]).expect(303);
    for path in ["/weibo", "/weibo/1"] {
        submit(&mut ann, path, &[("text", "  ")]).expect(422);
        let refused = submit(&mut ann, path, &[("text", &long)]).expect(422);
        tells(&refused, &format!("{long}</textarea>"));
        tells(&refused, "At most 280 letters.");
        let mut nobody = example.browser();
        submit(&mut nobody, path, &[("text", "words")]).expect(303);
        hides(&page(&mut nobody, path).expect(200), "words");
    }
}

#[test]
fn times_are_shown_for_people_and_for_machines() {
    let example = start();
    let mut ann = member(&example, "ann");
    submit(&mut ann, "/weibo", &[("text", "words")]).expect(303);
    let asked = page(&mut ann, "/weibo/1").expect(200);
    tells(&asked, ">just now</time>");
    let database = rusqlite::Connection::open(example.data().join("mvc.db")).unwrap();
    for (second, exact, text) in [
        (0_i64, "1970-01-01T00:00:00Z", "1 January 1970"),
        (-1, "1969-12-31T23:59:59Z", "31 December 1969"),
        (951_868_799, "2000-02-29T23:59:59Z", "29 February 2000"),
        (1_735_689_599, "2024-12-31T23:59:59Z", "31 December 2024"),
        (4_107_542_399, "2100-02-28T23:59:59Z", "just now"),
        (4_107_542_400, "2100-03-01T00:00:00Z", "just now"),
    ] {
        let write = "UPDATE posts SET written_ms = ?";
        assert_eq!(database.execute(write, [second * 1000]).unwrap(), 1);
        let asked = page(&mut ann, "/weibo").expect(200);
        tells(&asked, &format!("<time datetime=\"{exact}\">{text}</time>"));
    }
}

// ---- who means harm ---------------------------------------------------------------------------

#[test]
fn a_form_without_a_token_or_with_another_one_changes_nothing() {
    let example = start();
    let (mut ann, mut bob) = (member(&example, "ann"), member(&example, "bob"));
    submit(&mut ann, "/todo", &[("title", "milk"), ("notes", "")]).expect(303);
    let theirs = token(&mut bob);
    for path in [
        "/todo",
        "/todo/1",
        "/todo/1/done",
        "/todo/1/delete",
        "/weibo",
        "/profile",
        "/profile/password",
        "/login",
        "/register",
        "/logout",
    ] {
        for held in [None, Some(""), Some("AAAA"), Some(theirs.as_str())] {
            let mut form = vec![
                ("title", "forged"),
                ("text", "forged"),
                ("shown_as", "forged"),
            ];
            form.extend(held.map(|held| ("csrf_token", held)));
            let refused = send(&mut ann, path, &form).expect(403);
            in_layout(&refused);
            tells(&refused, "load the page again");
        }
    }
    assert!(is_signed_in(&mut ann));
    tells(&page(&mut ann, "/todo"), "1 to do, 0 done");
    hides(&page(&mut ann, "/todo"), "forged");
    // A token of one's own is no use to a page of another site.
    let held = token(&mut ann);
    let fields = [
        PAGE[0],
        ("Origin", "https://evil.example"),
        ("X-CSRF-Token", held.as_str()),
    ];
    ann.ask("POST", "/todo/1/delete", &fields, b"").expect(403);
    // Nor does signing in come from elsewhere.
    let form = [("name", "ann"), ("password", "correct horse")];
    send(&mut example.browser(), "/login", &form).expect(403);
}

#[test]
fn a_message_is_told_once_and_to_one_person() {
    let example = start();
    let (mut ann, mut bob) = (member(&example, "ann"), member(&example, "bob"));
    page(&mut bob, "/todo");
    submit(&mut ann, "/todo", &[("title", "milk"), ("notes", "")]).expect(303);
    hides(&page(&mut bob, "/todo"), "is on your list");
    // Where no page is shown, it waits.
    ann.get("/static/app.css").expect(200);
    tells(&page(&mut ann, "/weibo"), "is on your list");
    hides(&page(&mut ann, "/todo"), "is on your list");
}

#[test]
fn what_people_write_is_text_and_nothing_else() {
    let example = start();
    let mut ann = member(&example, "ann");
    let shown = "&lt;script&gt;alert(1)&lt;";
    // Where a name is shown, one line of 40 letters.
    let name: String = NASTY.chars().take(40).collect();
    let form = [("shown_as", name.as_str()), ("about", NASTY)];
    submit(&mut ann, "/profile", &form).expect(303);
    submit(
        &mut ann,
        "/todo",
        &[("title", &NASTY[..100]), ("notes", NASTY)],
    )
    .expect(303);
    submit(&mut ann, "/weibo", &[("text", NASTY)]).expect(303);
    submit(&mut ann, "/weibo/1", &[("text", NASTY)]).expect(303);
    for path in [
        "/todo",
        "/todo/1",
        "/todo/1/delete",
        "/profile",
        "/weibo",
        "/weibo/1",
        "/weibo/1/delete",
        "/weibo/comments/1/delete",
    ] {
        let answer = page(&mut ann, path).expect(200);
        tells(&answer, shown);
        hides(&answer, "<script");
        hides(&answer, "<img");
        hides(&answer, ">49<");
        assert!(!answer.text().contains("\"'>"), "{path}");
    }
    // And what is shown only because it was refused.
    let mut nobody = example.browser();
    let form = [("name", NASTY), ("password", NASTY), ("next", NASTY)];
    for path in ["/login", "/register"] {
        let refused = submit(&mut nobody, path, &form).expect(422);
        tells(&refused, shown);
        hides(&refused, "<script");
    }
    let asked = page(&mut nobody, &format!("/login?next=/{}", escaped(NASTY))).expect(200);
    hides(&asked, "<script");
    let missed = page(&mut nobody, &format!("/{}", escaped(NASTY))).expect(404);
    hides(&missed, "<script");
}

#[test]
fn values_make_no_fields_of_answers() {
    let example = start();
    let mut ann = member(&example, "ann");
    let evil = "x\r\nSet-Cookie: evil=1\r\n\r\n<p>evil";
    let answers = [
        submit(&mut ann, "/todo", &[("title", evil), ("notes", evil)]),
        submit(&mut ann, "/weibo", &[("text", evil)]),
        submit(&mut ann, "/profile", &[("shown_as", evil), ("about", evil)]),
        submit(
            &mut ann,
            "/login",
            &[("name", evil), ("password", evil), ("next", evil)],
        ),
        page(&mut ann, &format!("/login?next=/{}", escaped(evil))),
        page(&mut ann, &format!("/todo/{}", escaped(evil))),
        page(&mut ann, &format!("/weibo?page={}", escaped(evil))),
        page(&mut ann, "/weibo"),
    ];
    for answer in answers {
        assert!(answer.status < 500, "{}", answer.text());
        hides(&answer, "<p>evil");
        let cookies = answer
            .fields
            .iter()
            .filter(|(name, _)| name == "set-cookie");
        for (_, cookie) in cookies {
            assert!(!cookie.starts_with("evil"), "{cookie}");
        }
    }
    assert!(!ann.cookies.contains_key("evil"));
}

#[test]
fn only_files_of_the_site_are_served() {
    let example = start();
    let mut browser = example.browser();
    let style = browser.get("/static/app.css").expect(200);
    assert_eq!(style.field("content-type"), Some("text/css; charset=utf-8"));
    let icon = browser.get("/static/icon.svg").expect(200);
    let kind = icon.field("content-type").unwrap();
    assert!(kind.starts_with("image/svg+xml"), "{kind}");
    for path in [
        "/static",
        "/static/",
        "/static/../mvc.db",
        "/static/%2e%2e/mvc.db",
        "/static/..%2fmvc.db",
        "/static/%2e%2e%2f%2e%2e%2fetc/passwd",
        "/static/..%5c..%5csecret.key",
        "/static//etc/passwd",
        "/static/app.css/",
        "/static/app.css%00",
        "/static/.hidden",
        "/secret.key",
        "/templates/base.html",
    ] {
        let answer = page(&mut browser, path);
        assert!(
            matches!(answer.status, 400 | 404),
            "{path}: {}",
            answer.status
        );
    }
}

#[test]
fn a_form_that_is_too_large_is_refused() {
    let example = start();
    let mut ann = member(&example, "ann");
    let notes = "x".repeat(70_000);
    let answer = submit(&mut ann, "/todo", &[("title", "large"), ("notes", &notes)]);
    answer.expect(413);
    hides(&page(&mut ann, "/todo").expect(200), "large");
    let other = ann.ask(
        "POST",
        "/todo",
        &[PAGE[0], ("Content-Type", "text/xml")],
        b"<a/>",
    );
    assert!(matches!(other.status, 403 | 415), "{}", other.status);
}

#[test]
fn what_is_not_there_is_told_in_the_layout() {
    let example = start();
    let mut ann = member(&example, "ann");
    for path in [
        "/nothing",
        "/todo/77",
        "/todo/x",
        "/todo/-1",
        "/todo/99999999999999999999",
        "/weibo/77",
        "/weibo/comments/77/delete",
        "/weibo/1%00",
    ] {
        let missed = page(&mut ann, path).expect(404);
        in_layout(&missed);
        tells(&missed, "There is no such page");
        // Programs are told in a line.
        hides(&ann.get(path).expect(404), "<");
    }
    let other = page(&mut ann, "/logout").expect(405);
    in_layout(&other);
    assert_eq!(other.field("allow"), Some("OPTIONS, POST"));
}

#[test]
fn a_page_that_breaks_tells_so_in_the_layout_and_the_reason_to_the_log() {
    // A folder of templates in which one is broken by its author.
    let folder = tempfile::tempdir().unwrap();
    let from = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/mvc/templates");
    for area in ["", "user", "todo", "weibo"] {
        std::fs::create_dir_all(folder.path().join(area)).unwrap();
        for entry in std::fs::read_dir(format!("{from}/{area}")).unwrap() {
            let path = entry.unwrap().path();
            if path.is_file() {
                let to = folder.path().join(area).join(path.file_name().unwrap());
                std::fs::copy(path, to).unwrap();
            }
        }
    }
    let options = ["--templates", folder.path().to_str().unwrap()];
    let example = Example::with_data("mvc", &options);
    let mut browser = example.browser();
    tells(&page(&mut browser, "/").expect(200), "A place for");
    let home = folder.path().join("home.html");
    let text = std::fs::read_to_string(&home).unwrap();
    std::fs::write(&home, text.replace("A place for", "{{ nothing.at.all }}")).unwrap();
    let broken = page(&mut browser, "/").expect(500);
    in_layout(&broken);
    tells(&broken, "Something broke");
    hides(&broken, "nothing.at.all");
    hides(&broken, "home.html");
    std::fs::write(&home, text.replace("A place for", "Another place for")).unwrap();
    tells(&page(&mut browser, "/").expect(200), "Another place for");
}

#[test]
fn pages_say_what_browsers_may_do_with_them() {
    let example = start();
    let mut ann = member(&example, "ann");
    for path in ["/", "/todo", "/nothing", "/static/app.css"] {
        let answer = page(&mut ann, path);
        let policy = answer.field("content-security-policy").unwrap();
        assert!(
            policy.starts_with("default-src 'none';"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe"), "{path}: {policy}");
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
        if path != "/static/app.css" {
            hides(&answer, "style=\"");
            hides(&answer, "<script");
            hides(&answer, "<style");
        }
    }
    // Who only reads gets no cookie.
    let mut reader = example.browser();
    for path in ["/", "/weibo", "/nothing"] {
        assert_eq!(page(&mut reader, path).field("set-cookie"), None, "{path}");
    }
    let packed = ann.ask("GET", "/todo", &[("Accept-Encoding", "gzip")], b"");
    assert_eq!(packed.field("content-encoding"), Some("gzip"));
    let mut text = String::new();
    GzDecoder::new(&packed.body[..])
        .read_to_string(&mut text)
        .unwrap();
    assert!(text.contains("</html>"));
}

#[test]
fn passwords_are_tried_so_often_and_no_more() {
    let example = start();
    member(&example, "ann");
    let mut guesser = example.browser();
    let held = token(&mut guesser);
    let guess = |name: &str| vec![("name", name.to_owned()), ("password", "guess".into())];
    let mut told = Vec::new();
    for number in 0..21 {
        let form = guess(["ann", " ANN"][number % 2]);
        let mut form: Vec<(&str, &str)> =
            form.iter().map(|(name, it)| (*name, it.as_str())).collect();
        form.push(("csrf_token", &held));
        told.push(send(&mut guesser, "/login", &form));
    }
    let last = told.pop().unwrap().expect(429);
    in_layout(&last);
    assert!(last.field("retry-after").is_some());
    assert!(told.iter().all(|answer| answer.status == 422));
}
