//! # Safety: foreign pages, hostile texts, and what browsers are told to refuse

use serde_json::json;

use crate::people::Answer;
use crate::support::{PASSWORD, Place, begin, between, invitation, leads_to, say, set};

/// What every page has to say.
const POLICY: [&str; 11] = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data: blob:",
    "media-src 'self' blob:",
    "connect-src 'self'",
    "manifest-src 'self'",
    "worker-src 'self'",
    "form-action 'self'",
    "frame-ancestors 'none'",
    "base-uri 'none'",
];

/// Says what it has to, and has nothing in it that the policy would refuse.
#[track_caller]
fn is_strict(path: &str, answer: &Answer) {
    let policy = answer.field("content-security-policy");
    let said: Vec<&str> = policy
        .unwrap_or_else(|| panic!("{path}"))
        .split("; ")
        .collect();
    assert_eq!(said, POLICY, "{path}");
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
    ] {
        assert_eq!(answer.field(name), Some(value), "{path}: {name}");
    }
    assert!(answer.field("permissions-policy").is_some(), "{path}");
    let page = answer.text();
    for tag in between(page, "<", ">") {
        let names: String = tag.split('"').step_by(2).collect();
        let foul = [" style=", " on"].iter().find(|it| names.contains(**it));
        assert_eq!(foul, None, "{path}: {tag}");
        assert!(!tag.contains("=\"javascript:"), "{path}: {tag}");
        assert!(!tag.starts_with("style"), "{path}: {tag}");
        assert!(
            !tag.starts_with("script") || tag.contains(" src=\"/assets/"),
            "{path}: {tag}"
        );
    }
}

#[test]
fn every_page_is_strict() {
    let place = Place::empty();
    let mut ana = place.browser();
    let html = [("Accept", "text/html")];
    let look = |browser: &mut crate::people::Browser, path: &str, status: u16| {
        let answer = browser.ask("GET", path, &html, b"");
        assert_eq!(answer.status, status, "{path}: {}", answer.text());
        is_strict(path, &answer);
    };
    look(&mut ana, "/first", 200);
    begin(&mut ana).expect(303);
    say(&mut ana, "general", "> *hi* `x` http://a.example\n\n- b");
    ana.send("POST", "/api/v1/rooms", &json!({"room": "attic"}))
        .expect(201);
    let link = invitation(&mut ana, "general");
    for path in [
        "/",
        "/rooms",
        "/notifications",
        "/r/general",
        "/r/general/1",
        "/r/general?reply=1",
        "/password",
        "/sign-out",
        "/welcome?room=general",
        "/settings",
        "/settings/profile",
        "/admin",
        "/admin/users",
        "/offline",
    ] {
        look(&mut ana, path, 200);
    }
    look(&mut ana, "/nothing", 404);
    look(&mut ana, "/r/nothing", 404);
    let mut nobody = place.browser();
    for path in ["/sign-in", "/sign-up", &*link, "/reset/x"] {
        look(&mut nobody, path, 200);
    }
    look(&mut nobody, "/invite/x", 404);
    let refused = nobody.post("/sign-in", &[("name", "ana"), ("password", "x")]);
    is_strict("a refusal", &refused.expect(401));
    let (none, all) = ("default-src 'none'".to_owned(), POLICY.join("; "));
    for (path, wanted) in [
        ("/assets/css/base.css", &none),
        ("/assets/js/all.js", &none),
        ("/assets/icons.svg", &none),
        ("/sw.js", &all),
    ] {
        let answer = nobody.get(path).expect(200);
        let policy = answer.field("content-security-policy").unwrap();
        assert_eq!(policy, wanted, "{path}");
        assert_eq!(answer.field("x-content-type-options"), Some("nosniff"));
    }
}

#[test]
fn a_page_of_another_site_changes_nothing() {
    let place = Place::empty();
    let mut ana = place.browser();
    let send = |browser: &mut crate::people::Browser, path: &str, form: &str, origin: &str| {
        let fields = [
            ("Content-Type", "application/x-www-form-urlencoded"),
            ("Origin", origin),
        ];
        browser.ask("POST", path, &fields, form.as_bytes())
    };
    let own = format!("http://{}", ana.address());
    let foreign = [
        "https://evil.example",
        "null",
        &own.replace("127.0.0.1", "localhost"),
    ];
    let first = "name=ana&password=correct+horse&server=Home&room=general";
    for origin in foreign {
        send(&mut ana, "/first", first, origin).expect(403);
    }
    leads_to(
        &send(&mut ana, "/first", first, &own),
        "/welcome?room=general",
    );
    say(&mut ana, "general", "hi");
    ana.send("POST", "/api/v1/rooms", &json!({"room": "attic"}))
        .expect(201);
    set(&mut ana, &json!({"sign_up": "open"}));
    let link = invitation(&mut ana, "general");
    let made = ana
        .send("POST", "/api/v1/users/ana/reset", &json!({}))
        .expect(201)
        .json();
    let reset = made["link"].as_str().unwrap().to_owned();
    let forms = [
        ("/sign-in", "name=ana&password=correct+horse"),
        ("/sign-up", "name=eve&password=correct+horse"),
        (&*link, "name=eve&password=correct+horse"),
        (&*reset, "password=battery+staple"),
        ("/password", "old=correct+horse&new=battery+staple"),
        ("/direct", "user=ana"),
        ("/notifications", "upto=1"),
        ("/r/general", "key=a&text=evil"),
        ("/r/general/1/delete", ""),
        ("/r/general/read", "seq=1"),
        ("/r/general/leave", ""),
        ("/r/attic/join", ""),
        ("/sign-out", ""),
    ];
    for (path, form) in forms {
        for origin in foreign {
            let answer = send(&mut ana, path, form, origin);
            assert_eq!(
                answer.status,
                403,
                "{path} from {origin}: {}",
                answer.text()
            );
            assert_eq!(answer.field("set-cookie"), None, "{path}");
        }
    }
    let page = ana.get("/r/general").expect(200);
    assert!(page.text().contains(">hi<") && !page.text().contains("evil"));
    let eve = place
        .browser()
        .post("/sign-in", &[("name", "eve"), ("password", PASSWORD)]);
    eve.expect(401);
    // The same from the site itself is done, so nothing else refused it.
    let statuses = forms.map(|(path, form)| send(&mut ana, path, form, &own).status);
    assert_eq!(statuses[7..10], [303, 303, 303], "{statuses:?}");
}

#[test]
fn hostile_names_and_texts_are_text() {
    let (place, mut ana) = Place::begun();
    let foul = "\"><script>alert('x')</script><img src=x onerror=alert(1)>";
    ana.send("PATCH", "/api/v1/me", &json!({"display_name": foul}))
        .expect(200);
    set(&mut ana, &json!({"name": foul}));
    let facts = json!({"title": foul, "topic": foul});
    ana.send("PATCH", "/api/v1/rooms/general", &facts)
        .expect(200);
    say(
        &mut ana,
        "general",
        &format!("{foul} `{foul}` [{foul}](http://a.example/) @ana"),
    );
    say(
        &mut ana,
        "general",
        &format!("```\n{foul}\n```\n> {foul}\n\n- {foul}"),
    );
    ana.send(
        "PUT",
        "/api/v1/rooms/general/messages/1/reactions/%3Cscript%3E",
        &json!({}),
    );
    let answer = json!({"text": "yes", "reply_to": 1});
    ana.send("POST", "/api/v1/rooms/general/messages", &answer)
        .expect(201);
    let mut bo = place.friend(&mut ana, "bo");
    bo.send("PATCH", "/api/v1/me", &json!({"display_name": foul}))
        .expect(200);
    bo.send(
        "POST",
        "/api/v1/notifications",
        &json!({"to": "ana", "text": foul}),
    );
    say(&mut bo, "general", &format!("@ana {foul}"));
    let opened = bo.post("/direct", &[("user", "ana")]).expect(303);
    let direct = opened.field("location").unwrap().to_owned();
    for path in [
        "/",
        "/rooms",
        "/notifications",
        "/r/general",
        "/r/general?reply=1",
        &direct,
        "/sign-out",
    ] {
        let page = ana.get(path).expect(200);
        let text = page.text();
        assert!(
            !text.contains("<script>") && !text.contains("<img src=x"),
            "{path}: {text}"
        );
        assert!(
            text.contains("&lt;script&gt;"),
            "{path}: it is there: {text}"
        );
        is_strict(path, &page);
    }
    // In forms that come back, and in addresses.
    let page = ana.post(
        "/r/general",
        &[("key", "a"), ("reply_to", "999"), ("text", foul)],
    );
    assert!(!page.text().contains("<script>"), "{}", page.text());
    let mut nobody = place.browser();
    let page = nobody.post(
        "/sign-in",
        &[("name", foul), ("password", "x"), ("next", foul)],
    );
    assert!(!page.text().contains("<script>") && page.text().contains("&lt;script&gt;"));
    let page = nobody
        .get("/sign-in?next=/%22%3E%3Cscript%3Ealert(1)%3C/script%3E")
        .expect(200);
    assert!(!page.text().contains("<script>"), "{}", page.text());
    let manifest = nobody.get("/manifest.webmanifest").expect(200).json();
    assert_eq!(manifest["name"], foul);
}

#[test]
fn nobody_keeps_pages_that_are_somebodys() {
    let (_place, mut ana) = Place::begun();
    for path in [
        "/",
        "/rooms",
        "/notifications",
        "/r/general",
        "/password",
        "/settings",
        "/sign-out",
    ] {
        let page = ana.get(path).expect(200);
        assert_eq!(page.field("cache-control"), Some("no-store"), "{path}");
    }
}
