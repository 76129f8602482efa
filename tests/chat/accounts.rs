//! # Accounts: signing up, signing in, signing out, profiles

use serde_json::json;

use crate::support::{PASSWORD, Parlour, Person};

const CROSS: [(&str, &str); 2] = [
    ("Origin", "https://evil.example"),
    ("Content-Type", "application/json"),
];

/// The same person with their token in a cookie.
fn cookie(person: &Person) -> (Person, String) {
    let cookie = format!("parlour_token={}", person.token.as_deref().unwrap());
    let mut bare = person.clone();
    bare.token = None;
    (bare, cookie)
}

#[test]
fn whoever_signs_up_is_signed_in() {
    let parlour = Parlour::start();
    let made = parlour.nobody().post(
        "/users",
        json!({"name": "Ana", "password": PASSWORD, "email": "Ana@Example.org", "more": 1}),
    );
    let made = made.expect(201);
    assert_eq!(made["user"]["name"], "ana");
    assert_eq!(made["user"]["display_name"], "Ana");
    assert_eq!(made["user"]["email"], "ana@example.org");
    assert_eq!(made["user"]["role"], "admin", "the first one");
    let ana = parlour.with_token("ana", made["token"].as_str().unwrap());
    let me = ana.get("/me").expect(200);
    assert_eq!(me["user"], made["user"]);
    assert_eq!(me["token"]["id"], made["id"]);
    assert_eq!(ana.line().hello["user"]["name"], "ana");
    let bo = parlour.sign_up("bo");
    assert_eq!(bo.get("/me").expect(200)["user"]["role"], "member");
}

#[test]
fn what_is_wrong_with_a_new_account_is_named() {
    let parlour = Parlour::start();
    let nobody = parlour.nobody();
    parlour.sign_up("ana");
    let with = |field: &str, value: serde_json::Value| {
        let mut body = json!({"name": "bo", "password": PASSWORD, "email": "bo@example.org"});
        body[field] = value;
        nobody.post("/users", body)
    };
    with("name", json!(null)).refuses_field("name");
    with("name", json!(7)).refuses_field("name");
    with("name", json!("me")).refuses_field("name");
    with("name", json!("a b")).refuses_field("name");
    with("password", json!("short")).refuses_field("password");
    with("email", json!("nowhere")).refuses_field("email");
    with("display_name", json!("a\nb")).refuses_field("display_name");
    with("cookie", json!("yes")).refuses_field("cookie");
    with("expires_at", json!("soon")).refuses_field("expires_at");
    with("expires_at", json!("2001-01-01T00:00:00Z")).refuses_field("expires_at");
    with("name", json!("a".repeat(65))).refuses(413, "too_long");
    with("password", json!("p".repeat(1025))).refuses(413, "too_long");
    with("password", json!("é".repeat(1000))).refuses(413, "too_long");
    with("name", json!("ana")).refuses(409, "exists");
    with("more", json!(1)).expect(201);
    with("name", json!("other")).refuses(409, "exists");
    let bodies: [&[u8]; 4] = [b"{", b"[]", b"\xff", b"{\"name\":\"a\",}"];
    for body in bodies {
        let json = [("Content-Type", "application/json")];
        nobody
            .ask("POST", "/users", &json, body)
            .refuses(400, "bad_json");
    }
    let form = [("Content-Type", "text/plain")];
    nobody
        .ask("POST", "/users", &form, b"{}")
        .refuses(415, "not_supported");
    nobody.post("/users", json!({})).refuses_field("name");
}

#[test]
fn a_name_or_an_address_and_the_password_let_in() {
    let parlour = Parlour::start();
    let nobody = parlour.nobody();
    let account = json!({"name": "ana", "password": PASSWORD, "email": "ana@example.org"});
    nobody.post("/users", account).expect(201);
    for who in [
        json!({"name": "ana"}),
        json!({"name": "@Ana"}),
        json!({"name": "ANA@example.org"}),
        json!({"email": "ana@example.org"}),
    ] {
        let mut body = who.clone();
        body["password"] = PASSWORD.into();
        let made = nobody.post("/tokens", body).expect(201);
        assert_eq!(made["user"]["name"], "ana", "{who}");
        assert!(made["token"].as_str().unwrap().starts_with("pt_"));
    }
    let wrong = json!({"name": "ana", "password": "something else"});
    let nobodys = json!({"name": "bo", "password": "something else"});
    let wrong = nobody
        .post("/tokens", wrong)
        .refuses(401, "unauthenticated");
    let unknown = nobody
        .post("/tokens", nobodys)
        .refuses(401, "unauthenticated");
    assert_eq!(wrong, unknown, "who exists is not told");
    nobody
        .post("/tokens", json!({"name": "ana"}))
        .refuses_field("password");
    nobody
        .post("/tokens", json!({"password": PASSWORD}))
        .refuses_field("name");
}

#[test]
fn passwords_are_not_guessed_for_long() {
    let parlour = Parlour::start();
    parlour.sign_up("ana");
    let nobody = parlour.nobody();
    let guess =
        |password: &str| nobody.post("/tokens", json!({"name": "ana", "password": password}));
    let statuses: Vec<u16> = (0..12)
        .map(|_| guess("a wrong one").response.status)
        .collect();
    assert_eq!(statuses[..10], [401; 10]);
    assert_eq!(statuses[11], 429);
    let error = guess(PASSWORD).refuses(429, "too_many");
    assert!(error["retry_after"].as_f64().unwrap() > 0.0);
    assert_eq!(error["retry"], true);
    assert!(guess(PASSWORD).response.field("Retry-After").is_some());
    parlour.sign_up("bo");
    parlour.sign_in("bo", PASSWORD);
}

#[test]
fn without_a_token_that_is_good_nothing_is_told() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    for person in [parlour.nobody(), parlour.with_token("x", "pt_made-up")] {
        for path in [
            "/me",
            "/users",
            "/users/ana",
            "/tokens",
            "/invites",
            "/uploads/a/b",
        ] {
            let answer = person.get(path);
            answer.refuses(401, "unauthenticated");
            assert_eq!(answer.response.field("WWW-Authenticate"), Some("Bearer"));
        }
        person
            .patch("/me", json!({}))
            .refuses(401, "unauthenticated");
        person
            .patch("/settings", json!({}))
            .refuses(401, "unauthenticated");
        person
            .patch("/users/ana", json!({}))
            .refuses(401, "unauthenticated");
        person.delete("/users/ana").refuses(401, "unauthenticated");
        person
            .put("/me/password", json!({}))
            .refuses(401, "unauthenticated");
        person
            .post("/invites", json!({}))
            .refuses(401, "unauthenticated");
        person
            .post("/uploads", json!({}))
            .refuses(401, "unauthenticated");
        person
            .post("/users/ana/reset", json!({}))
            .refuses(401, "unauthenticated");
    }
    ana.get("/me").expect(200);
}

#[test]
fn a_cookie_lets_only_this_site_change_things() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let body = json!({"name": "ana", "password": PASSWORD, "cookie": true});
    let made = parlour.nobody().post("/tokens", body.clone());
    made.expect(201);
    let set = made.response.field("Set-Cookie").unwrap();
    for part in [
        "parlour_token=pt_",
        "HttpOnly",
        "SameSite=Lax",
        "Max-Age=",
        "Path=/",
    ] {
        assert!(set.contains(part), "{set}");
    }
    assert!(!set.contains("Secure"), "this is not TLS: {set}");
    let tls = [("X-Forwarded-Proto", "https")];
    let made = parlour.nobody().send("POST", "/tokens", &tls, &body);
    assert!(
        made.response
            .field("Set-Cookie")
            .unwrap()
            .contains("; Secure")
    );
    let elsewhere = CROSS;
    let text = body.to_string();
    let forced = parlour
        .nobody()
        .ask("POST", "/tokens", &elsewhere, text.as_bytes());
    forced.refuses(403, "forbidden");

    let (browser, cookie) = cookie(&ana);
    let own = format!("http://{}", parlour.address());
    let with = |method: &str, path: &str, origin: &str| {
        let fields = [("Cookie", cookie.as_str()), ("Origin", origin)];
        browser.ask(method, path, &fields, b"")
    };
    with("GET", "/me", &own).expect(200);
    with("DELETE", "/tokens/current", "https://evil.example").refuses(403, "forbidden");
    let gone = with("DELETE", "/tokens/current", &own);
    gone.expect(204);
    let set = gone.response.field("Set-Cookie").unwrap();
    assert!(set.contains("Max-Age=0"), "{set}");
    with("GET", "/me", &own).refuses(401, "unauthenticated");
}

#[test]
fn whoever_signs_out_is_out_at_once() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let second = parlour.sign_in("ana", PASSWORD);
    let third = parlour.sign_in("ana", PASSWORD);
    let listed = ana.get("/tokens").expect(200);
    let listed = listed["tokens"].as_array().unwrap();
    assert_eq!(listed.len(), 3);
    assert_eq!(listed.iter().filter(|it| it["current"] == true).count(), 1);
    let ids: Vec<i64> = listed.iter().map(|it| it["id"].as_i64().unwrap()).collect();
    let used: Vec<bool> = listed.iter().map(|it| it["used_at"].is_string()).collect();
    assert_eq!(used, [false, false, true], "whoever asks just now");
    third.get("/me").expect(200);
    let listed = ana.get("/tokens").expect(200);
    assert!(listed["tokens"][0]["used_at"].is_string(), "{listed}");

    let mut line = second.line();
    second.delete("/tokens/current").expect(204);
    assert_eq!(line.close_code(), Some(4001));
    second.get("/me").refuses(401, "unauthenticated");

    ana.delete(&format!("/tokens/{}", ids[0])).expect(204);
    third.get("/me").refuses(401, "unauthenticated");
    ana.delete(&format!("/tokens/{}", ids[0]))
        .refuses(404, "not_found");
    ana.delete("/tokens/x").refuses(404, "not_found");

    let bo = parlour.sign_up("bo");
    let bos = bo.get("/me").expect(200)["token"]["id"].clone();
    ana.delete(&format!("/tokens/{bos}"))
        .refuses(404, "not_found");

    let fourth = parlour.sign_in("ana", PASSWORD);
    ana.delete("/tokens?keep=mine").refuses_field("keep");
    ana.delete("/tokens?keep=current").expect(204);
    fourth.get("/me").refuses(401, "unauthenticated");
    ana.get("/me").expect(200);
    ana.delete("/tokens").expect(204);
    ana.get("/me").refuses(401, "unauthenticated");
    bo.get("/me").expect(200);
}

#[test]
fn people_are_found_page_by_page() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    for name in ["bo", "bob", "cy"] {
        parlour.sign_up(name);
    }
    let names = |path: &str| {
        let page = ana.get(path).expect(200);
        let users = page["users"].as_array().unwrap().iter();
        let names: Vec<_> = users
            .map(|it| it["name"].as_str().unwrap().to_owned())
            .collect();
        names.join(" ")
    };
    assert_eq!(names("/users"), "ana bo bob cy");
    assert_eq!(names("/users?limit=2"), "ana bo");
    assert_eq!(names("/users?limit=2&after=bo"), "bob cy");
    assert_eq!(names("/users?query=bo"), "bo bob");
    ana.get("/users?limit=0").refuses_field("limit");
    ana.get("/users?limit=x").refuses_field("limit");
    ana.get("/users?after=a%20b").refuses_field("after");
    ana.get("/users/dan").refuses(404, "not_found");
    ana.get("/users/a%20b").refuses_field("name");
}

#[test]
fn an_address_is_for_oneself_and_admins() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let account = json!({"name": "bo", "password": PASSWORD, "email": "bo@example.org"});
    let made = parlour.nobody().post("/users", account).expect(201);
    let bo = parlour.with_token("bo", made["token"].as_str().unwrap());
    let cy = parlour.sign_up("cy");
    assert_eq!(ana.get("/users/bo").expect(200)["email"], "bo@example.org");
    assert_eq!(bo.get("/users/bo").expect(200)["email"], "bo@example.org");
    assert!(cy.get("/users/bo").expect(200).get("email").is_none());
    let all = cy.get("/users").expect(200);
    assert!(!all.to_string().contains("example.org"), "{all}");
    assert_eq!(cy.get("/users/bo").expect(200)["presence"], "offline");
    let _line = bo.line();
    assert_eq!(cy.get("/users/bo").expect(200)["presence"], "online");
}

#[test]
fn people_change_their_own_profile() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let mut line = ana.line();
    let changed = ana
        .patch("/me", json!({"display_name": "Ana B.", "role": "bot"}))
        .expect(200);
    assert_eq!(changed["user"]["display_name"], "Ana B.");
    assert_eq!(changed["user"]["role"], "admin", "not by oneself");
    assert_eq!(line.event("account")["display_name"], "Ana B.");
    ana.patch("/me", json!({"display_name": ""}))
        .refuses_field("display_name");
    ana.patch("/me", json!({"display_name": "x".repeat(121)}))
        .refuses(413, "too_long");
    ana.patch("/me", json!({"avatar": "no-such"}))
        .refuses(404, "not_found");
    ana.patch("/me", json!({"avatar": null})).expect(200);
    ana.patch("/me", json!({})).expect(200);
}

#[test]
fn another_password_ends_the_other_tokens() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let other = parlour.sign_in("ana", PASSWORD);
    let new = "another good one";
    let put = |old: &str, new: &str| ana.put("/me/password", json!({"old": old, "new": new}));
    put("a wrong one", new).refuses_field("old");
    put(PASSWORD, "short").refuses_field("new");
    other.get("/me").expect(200);
    put(PASSWORD, new).expect(204);
    ana.get("/me").expect(200);
    other.get("/me").refuses(401, "unauthenticated");
    let old = json!({"name": "ana", "password": PASSWORD});
    parlour
        .nobody()
        .post("/tokens", old)
        .refuses(401, "unauthenticated");
    parlour.sign_in("ana", new);
}

#[test]
fn what_was_signed_up_outlasts_the_server() {
    let mut parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    parlour.kill();
    parlour.begin();
    let ana = parlour.with_token("ana", ana.token.as_deref().unwrap());
    ana.get("/me").expect(200);
    parlour.sign_in("ana", PASSWORD);
}

#[test]
fn errors_of_the_api_are_json() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    ana.get("/nothing").refuses(404, "not_found");
    let other = ana.put("/me", json!({}));
    other.refuses(405, "not_supported");
    assert_eq!(
        other.response.field("Allow"),
        Some("GET, HEAD, OPTIONS, PATCH")
    );
    assert_eq!(ana.ask("OPTIONS", "/me", &[], b"").response.status, 204);
    assert_eq!(ana.ask("HEAD", "/me", &[], b"").response.status, 200);
}

/// Once each, however many rooms they share; and nobody else.
#[test]
fn others_hear_of_another_name_or_picture() {
    let parlour = Parlour::start();
    let [ana, bo, cy] = ["ana", "bo", "cy"].map(|name| parlour.sign_up(name));
    for room in ["den", "attic"] {
        ana.post("/rooms", json!({"room": room})).expect(201);
        bo.put(&format!("/rooms/{room}/members/me"), json!({}))
            .expect(200);
    }
    let [mut hers, mut his, mut elsewhere] = [ana.line(), bo.line(), cy.line()];
    ana.patch("/me", json!({"display_name": "Ana Ruiz"}))
        .expect(200);
    let told = his.event("person");
    let expected =
        json!({"event": "person", "name": "ana", "display_name": "Ana Ruiz", "avatar": null});
    assert_eq!(told, expected);
    assert_eq!(hers.event("person"), expected);
    cy.patch("/me", json!({"display_name": "Cy"})).expect(200);
    assert_eq!(elsewhere.event("person")["name"], "cy");
    for line in [&mut hers, &mut his, &mut elsewhere] {
        let said = line.drain();
        assert!(!said.iter().any(|it| it["event"] == "person"), "{said:?}");
    }
    let upload = "/uploads?name=a.png";
    let made = ana.ask("POST", upload, &[("Content-Type", "image/png")], b"png");
    let made = made.expect(201);
    ana.patch("/me", json!({"avatar": made["id"]})).expect(200);
    assert_eq!(his.event("person")["avatar"], made["id"]);
}
