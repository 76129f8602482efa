//! # Admin: other people's accounts, invite codes, links for passwords, settings

use serde_json::json;

use crate::support::{PASSWORD, Parlour};

#[test]
fn only_admins_do_what_admins_do() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let bo = parlour.sign_up("bo");
    parlour.sign_up("cy");
    bo.patch("/users/cy", json!({"role": "admin"}))
        .refuses(403, "forbidden");
    bo.patch("/users/bo", json!({"role": "admin"}))
        .refuses(403, "forbidden");
    bo.delete("/users/cy").refuses(403, "forbidden");
    bo.post("/users/cy/tokens", json!({}))
        .refuses(403, "forbidden");
    bo.delete("/users/cy/tokens").refuses(403, "forbidden");
    bo.post("/users/cy/reset", json!({}))
        .refuses(403, "forbidden");
    bo.patch("/settings", json!({"sign_up": "closed"}))
        .refuses(403, "forbidden");
    bo.post("/users", json!({"name": "dan", "role": "bot"}))
        .refuses(403, "forbidden");
    ana.patch("/users/ana", json!({"role": "member"}))
        .refuses(403, "forbidden");
    ana.patch("/users/ana", json!({"disabled": true}))
        .refuses(403, "forbidden");
    ana.delete("/users/ana").refuses(403, "forbidden");
}

#[test]
fn an_admin_changes_one_thing_at_a_time() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let bo = parlour.sign_up("bo");
    let change = |body| ana.patch("/users/bo", body);
    change(json!({})).refuses_field("role");
    change(json!({"role": "admin", "disabled": true})).refuses_field("role");
    change(json!({"role": "king"})).refuses_field("role");
    change(json!({"disabled": 1})).refuses_field("disabled");
    change(json!({"password": "short"})).refuses_field("password");
    ana.patch("/users/nobody", json!({"role": "bot"}))
        .refuses(404, "not_found");

    assert_eq!(
        change(json!({"role": "admin"})).expect(200)["user"]["role"],
        "admin"
    );
    bo.patch("/users/ana", json!({"role": "member"}))
        .expect(200);
    bo.patch("/users/ana", json!({"role": "admin"})).expect(200);

    let mut line = bo.line();
    assert_eq!(
        change(json!({"disabled": true})).expect(200)["user"]["disabled"],
        true
    );
    assert_eq!(line.close_code(), Some(4001));
    bo.get("/me").refuses(401, "unauthenticated");
    let body = json!({"name": "bo", "password": PASSWORD});
    parlour
        .nobody()
        .post("/tokens", body)
        .refuses(403, "forbidden");
    change(json!({"disabled": false})).expect(200);

    let bo = parlour.sign_in("bo", PASSWORD);
    change(json!({"password": "chosen by an admin"})).expect(200);
    bo.get("/me").refuses(401, "unauthenticated");
    let bo = parlour.sign_in("bo", "chosen by an admin");
    ana.delete("/users/bo/tokens").expect(204);
    bo.get("/me").refuses(401, "unauthenticated");
}

#[test]
fn programs_get_an_account_and_a_token() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let made = ana
        .post("/users", json!({"name": "weather", "role": "bot"}))
        .expect(201);
    assert_eq!(made["user"]["role"], "bot");
    let body = json!({"label": "cron", "cookie": true});
    let made = ana.post("/users/weather/tokens", body);
    let token = made.expect(201);
    assert!(made.response.field("Set-Cookie").is_none());
    let bot = parlour.with_token("weather", token["token"].as_str().unwrap());
    assert_eq!(bot.get("/me").expect(200)["user"]["name"], "weather");
    assert_eq!(bot.get("/tokens").expect(200)["tokens"][0]["label"], "cron");
    let body = json!({"old": "whatever it is", "new": "a password"});
    bot.put("/me/password", body).refuses(403, "forbidden");
    ana.post("/users/nobody/tokens", json!({}))
        .refuses(404, "not_found");
    ana.post("/users", json!({"name": "weather", "role": "bot"}))
        .refuses(409, "exists");
    let member = json!({"name": "bo", "role": "member", "password": PASSWORD});
    ana.post("/users", member).expect(201);
    parlour.sign_in("bo", PASSWORD);
}

#[test]
fn whoever_is_erased_is_gone() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let bo = parlour.sign_up("bo");
    let cy = parlour.sign_up("cy");
    ana.delete("/users/bo?messages=perhaps")
        .refuses_field("messages");
    ana.delete("/users/bo?messages=1").expect(204);
    bo.get("/me").refuses(401, "unauthenticated");
    ana.get("/users/bo").refuses(404, "not_found");
    ana.delete("/users/bo").refuses(404, "not_found");
    let again = json!({"name": "bo", "password": PASSWORD});
    parlour
        .nobody()
        .post("/users", again)
        .refuses(409, "exists");
    cy.delete("/users/cy").expect(204);
    cy.get("/me").refuses(401, "unauthenticated");
}

#[test]
fn a_link_replaces_a_password_once() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let bo = parlour.sign_up("bo");
    let made = ana.post("/users/bo/reset", json!({})).expect(201);
    let secret = made["secret"].as_str().unwrap();
    assert_eq!(made["link"], format!("/reset/{secret}"));
    let nobody = parlour.nobody();
    let reset = |secret: &str, password: &str| {
        nobody.post("/resets", json!({"secret": secret, "password": password}))
    };
    reset("made up", "a new password").refuses(404, "not_found");
    reset(secret, "short").refuses_field("password");
    bo.get("/me").expect(200);
    reset(secret, "a new password").expect(204);
    bo.get("/me").refuses(401, "unauthenticated");
    reset(secret, "a newer password").refuses(404, "not_found");
    parlour.sign_in("bo", "a new password");
    ana.post("/users/nobody/reset", json!({}))
        .refuses(404, "not_found");
    nobody.post("/resets", json!({})).refuses_field("secret");
}

#[test]
fn settings_say_who_may_sign_up() {
    let parlour = Parlour::start();
    let nobody = parlour.nobody();
    assert_eq!(
        nobody.get("/settings").expect(200),
        json!({"name": "Parlour", "sign_up": "open", "first": true})
    );
    let ana = parlour.sign_up("ana");
    ana.patch("/settings", json!({})).refuses_field("sign_up");
    ana.patch("/settings", json!({"sign_up": "half"}))
        .refuses_field("sign_up");
    ana.patch("/settings", json!({"name": ""}))
        .refuses_field("name");
    let both = json!({"sign_up": "closed", "name": "The Den"});
    let expected = json!({"name": "The Den", "sign_up": "closed", "first": false});
    assert_eq!(ana.patch("/settings", both).expect(200), expected);
    assert_eq!(nobody.get("/settings").expect(200), expected);
    let bo = json!({"name": "bo", "password": PASSWORD});
    nobody.post("/users", bo.clone()).refuses(403, "forbidden");
    ana.patch("/settings", json!({"sign_up": "open"}))
        .expect(200);
    nobody.post("/users", bo).expect(201);
}

#[test]
fn a_code_lets_in_as_many_as_it_says() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let bo = parlour.sign_up("bo");
    ana.patch("/settings", json!({"sign_up": "invite"}))
        .expect(200);
    let nobody = parlour.nobody();
    let come = |name: &str, code: &str| {
        nobody.post(
            "/users",
            json!({"name": name, "password": PASSWORD, "invite": code}),
        )
    };
    let made = bo.post("/invites", json!({"uses": 2})).expect(201);
    let code = made["code"].as_str().unwrap();
    assert_eq!(made["link"], format!("/invite/{code}"));
    come("cy", "made up").refuses(403, "forbidden");
    come("cy", code).expect(201);
    assert_eq!(bo.get("/invites").expect(200)["invites"][0]["uses_left"], 1);
    come("dan", code).expect(201);
    come("eve", code).refuses(403, "forbidden");

    bo.post("/invites", json!({"uses": 0}))
        .refuses_field("uses");
    bo.post("/invites", json!({"uses": "many"}))
        .refuses_field("uses");
    bo.post("/invites", json!({"expires_at": "2001-01-01T00:00:00Z"}))
        .refuses_field("expires_at");
    bo.post("/invites", json!({"room": "nowhere"}))
        .refuses(404, "not_found");

    ana.post("/rooms", json!({"room": "den", "kind": "private"}))
        .expect(201);
    let made = ana.post("/invites", json!({"room": "den"})).expect(201);
    let eve = come("eve", made["code"].as_str().unwrap()).expect(201);
    let eve = parlour.with_token("eve", eve["token"].as_str().unwrap());
    assert_eq!(eve.line().hello["rooms"][0]["room"], "den");

    let mine = bo.post("/invites", json!({})).expect(201);
    let path = format!("/invites/{}", mine["number"]);
    eve.delete(&path).refuses(404, "not_found");
    let everybodys = ana.get("/invites").expect(200);
    assert!(
        everybodys["invites"]
            .as_array()
            .unwrap()
            .iter()
            .any(|it| it["by"] == "bo")
    );
    ana.delete(&path).expect(204);
    ana.delete(&path).refuses(404, "not_found");
    ana.delete("/invites/x").refuses(400, "bad_field");
    come("fay", mine["code"].as_str().unwrap()).refuses(403, "forbidden");
}
