//! # Uploads: files that go with messages, and pictures of people; metrics

use serde_json::{Value, json};

use crate::strict::Response;
use crate::support::{Answer, Parlour, Person};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n and so on";

/// Uploads a file as the body.
fn put(person: &Person, name: &str, media: &str, bytes: &[u8]) -> Answer {
    let path = format!("/uploads?name={name}");
    person.ask("POST", &path, &[("Content-Type", media)], bytes)
}

fn get(person: &Person, upload: &Value, fields: &[(&str, &str)]) -> Response {
    let url = upload["url"].as_str().unwrap();
    let path = url.strip_prefix("/api/v1").unwrap();
    person.ask("GET", path, fields, b"").response
}

#[test]
fn a_file_comes_back_as_it_was() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    // Beyond what stays in memory while it arrives.
    let large: Vec<u8> = (0..3_000_000u32).map(|n| (n % 251) as u8).collect();
    let made = put(&ana, "holiday%20film.mp4", "video/mp4", &large).expect(201);
    assert_eq!(made["name"], "holiday film.mp4");
    assert_eq!(made["type"], "video/mp4");
    assert_eq!(made["bytes"], large.len());
    let got = get(&ana, &made, &[]);
    assert_eq!(got.status, 200);
    assert!(got.body == large, "another content");
    assert_eq!(got.field("Content-Type"), Some("video/mp4"));
    assert_eq!(got.field("X-Content-Type-Options"), Some("nosniff"));
    assert!(
        got.field("Content-Security-Policy")
            .unwrap()
            .contains("sandbox")
    );
    let part = get(&ana, &made, &[("Range", "bytes=1000000-1000009")]);
    assert_eq!(part.status, 206);
    assert_eq!(part.body, large[1_000_000..1_000_010]);
    let tag = got.field("ETag").unwrap();
    assert_eq!(get(&ana, &made, &[("If-None-Match", tag)]).status, 304);
}

/// A page has a picture's frame before the picture comes, and whoever missed the message, too.
#[test]
fn a_picture_says_how_large_it_is() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    let gif = b"GIF89a\x2c\x01\x05\0\0\0\0";
    let made = put(&ana, "a.gif", "image/gif", gif).expect(201);
    assert_eq!((&made["width"], &made["height"]), (&json!(300), &json!(5)));
    for (media, bytes) in [("text/plain", &gif[..]), ("image/png", PNG)] {
        let made = put(&ana, "a", media, bytes).expect(201);
        assert!(made.get("width").is_none(), "{made}");
    }
    let mut line = ana.line();
    ana.post("/rooms/den/messages", json!({"attachment": made["id"]}))
        .expect(201);
    assert_eq!(line.event("message")["attachment"], made);
    let said = ana.get("/rooms/den/messages/1").expect(200);
    assert_eq!(said["attachment"], made);
}

#[test]
fn a_form_brings_a_file_too() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let form = |field: &str| {
        let body = format!(
            "--xx\r\nContent-Disposition: form-data; name=\"{field}\"; filename=\"../a b.txt\"\r\n\
             Content-Type: text/plain\r\n\r\nhello\r\n--xx--\r\n"
        );
        let kind = [("Content-Type", "multipart/form-data; boundary=xx")];
        ana.ask("POST", "/uploads", &kind, body.as_bytes())
    };
    let made = form("file").expect(201);
    assert_eq!(made["name"], "a b.txt");
    assert!(made["url"].as_str().unwrap().ends_with("/a%20b.txt"));
    let got = get(&ana, &made, &[]);
    assert_eq!(got.body, b"hello");
    assert_eq!(got.field("Content-Type"), Some("text/plain; charset=utf-8"));
    form("picture").refuses_field("file");
    ana.ask("POST", "/uploads", &[], b"").refuses_field("file");
}

#[test]
fn what_could_run_is_saved() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let script = b"<script>alert(1)</script>";
    for (name, media) in [
        ("a.html", "text/html"),
        ("a.svg", "image/svg+xml"),
        ("a.html", "application/octet-stream"),
        ("a", "application/xhtml+xml"),
    ] {
        let made = put(&ana, name, media, script).expect(201);
        let got = get(&ana, &made, &[]);
        assert_eq!(
            got.field("Content-Type"),
            Some("application/octet-stream"),
            "{name}"
        );
        assert!(
            got.field("Content-Disposition")
                .unwrap()
                .starts_with("attachment"),
            "{name}"
        );
        assert_eq!(got.body, script);
    }
    let made = put(&ana, "a.png", "image/png", PNG).expect(201);
    assert!(get(&ana, &made, &[]).field("Content-Disposition").is_none());
}

#[test]
fn a_file_is_for_whoever_may_see_its_message() {
    let parlour = Parlour::start();
    let (ana, bo, cy) = (
        parlour.sign_up("ana"),
        parlour.sign_up("bo"),
        parlour.sign_up("cy"),
    );
    ana.post("/rooms", json!({"room": "den", "kind": "private"}))
        .expect(201);
    ana.put("/rooms/den/members/bo", json!({})).expect(204);
    let made = put(&ana, "a.png", "image/png", PNG).expect(201);
    assert_eq!(get(&ana, &made, &[]).status, 200);
    assert_eq!(get(&bo, &made, &[]).status, 404, "nobody has shown it yet");
    let mut line = bo.line();
    let message = json!({"text": "look", "attachment": made["id"]});
    ana.post("/rooms/den/messages", message).expect(201);
    assert_eq!(line.event("message")["attachment"], made);
    assert_eq!(get(&bo, &made, &[]).status, 200);
    assert_eq!(get(&cy, &made, &[]).status, 404);
    assert_eq!(get(&parlour.nobody(), &made, &[]).status, 401);
    ana.get("/uploads/no-such/a.png").refuses(404, "not_found");
}

#[test]
fn a_file_of_a_public_room_is_for_its_members_as_its_history_is() {
    let parlour = Parlour::start();
    let [ana, bo] = ["ana", "bo"].map(|name| parlour.sign_up(name));
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    let made = put(&ana, "a.png", "image/png", PNG).expect(201);
    let message = json!({"text": "look", "attachment": made["id"]});
    ana.post("/rooms/den/messages", message).expect(201);
    let path = made["url"].as_str().unwrap();
    let path = path.strip_prefix("/api/v1").unwrap();
    let is_inside = |is_inside: bool| {
        for path in [path, "/rooms/den/messages", "/rooms/den/messages/1"] {
            let answer = bo.get(path);
            match is_inside {
                true => assert_eq!(answer.response.status, 200, "{path}"),
                false => drop(answer.refuses(403, "not_a_member")),
            }
        }
        let ask = json!({"do": "history", "room": "den"});
        match is_inside {
            true => bo.line().ask(ask),
            false => bo.line().refused(ask, "not_a_member"),
        };
    };
    is_inside(false);
    bo.put("/rooms/den/members/me", json!({})).expect(200);
    is_inside(true);
    ana.put("/rooms/den/bans/bo", json!({})).expect(204);
    is_inside(false);
    assert_eq!(get(&ana, &made, &[]).status, 200);
}

#[test]
fn a_picture_of_somebody_is_for_everybody() {
    let parlour = Parlour::start();
    let (ana, bo) = (parlour.sign_up("ana"), parlour.sign_up("bo"));
    let made = put(&ana, "a.png", "image/png", PNG).expect(201);
    let id = &made["id"];
    bo.patch("/me", json!({"avatar": id}))
        .refuses(404, "not_found");
    let me = ana.patch("/me", json!({"avatar": id})).expect(200);
    assert_eq!(me["user"]["avatar"], *id);
    assert_eq!(get(&bo, &made, &[]).status, 200);
    assert_eq!(ana.line().hello["user"]["avatar"], *id);
    let page = put(&ana, "a.html", "text/html", b"x").expect(201);
    ana.patch("/me", json!({"avatar": page["id"]}))
        .refuses_field("avatar");
    ana.patch("/me", json!({"avatar": null})).expect(200);
    assert_eq!(get(&bo, &made, &[]).status, 404);
}

#[test]
fn what_is_too_large_is_refused() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let large = vec![0; (25 << 20) + 1];
    put(&ana, "a", "image/png", &large).refuses(413, "too_long");
    let huge = vec![0; 30 << 20];
    for media in ["image/png", "multipart/form-data; boundary=b"] {
        put(&ana, "a", media, &huge).refuses(413, "too_long");
    }
    // What is no form, and what is none without its boundary.
    put(&ana, "a", "multipart/form-data; boundary=b", b"nonsense").refuses(400, "bad_field");
    put(&ana, "a", "multipart/form-data", b"nonsense").refuses(400, "bad_field");
    let exactly = &large[1..];
    put(&ana, "a", "image/png", exactly).expect(201);
}

#[test]
fn metrics_are_for_this_machine_and_admins() {
    let parlour = Parlour::start();
    let (ana, bo) = (parlour.sign_up("ana"), parlour.sign_up("bo"));
    let _line = bo.line();
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    ana.post("/rooms/den/messages", json!({"text": "hi", "key": "1"}))
        .expect(201);
    ana.post("/rooms/den/messages", json!({"text": "hi", "key": "1"}))
        .expect(200);
    bo.post("/rooms/den/messages", json!({"text": "hi"}))
        .refuses(403, "not_a_member");
    let look = |person: &Person, fields: &[(&str, &str)]| {
        person.at_root("GET", "/metrics", fields).response
    };
    let text = look(&parlour.nobody(), &[]).text();
    for line in [
        "parlour_connections 1",
        "parlour_people_online 1",
        "parlour_messages_acknowledged_total 1",
        "parlour_refusals_total{code=\"not_a_member\"} 1",
        "parlour_rooms 1",
        "parlour_catching_up 0",
    ] {
        assert!(
            text.lines().any(|it| it == line),
            "{line} is not in\n{text}"
        );
    }
    for name in ["parlour_database_bytes ", "parlour_store_seconds_count "] {
        let value = text.lines().find_map(|line| line.strip_prefix(name));
        let value: u64 = value.expect(name).parse().unwrap();
        assert!(value > 0, "{name} is nothing in\n{text}");
    }
    let proxied = [("X-Forwarded-For", "192.0.2.1")];
    assert_eq!(look(&parlour.nobody(), &proxied).status, 401);
    assert_eq!(look(&bo, &proxied).status, 403);
    assert_eq!(look(&ana, &proxied).status, 200);
}
