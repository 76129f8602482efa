//! # Coming in: first run, invitations, signing up, in and out, passwords

use serde_json::json;

use crate::support::{
    PASSWORD, Place, begin, between, invitation, is_the_door, leads_to, set, wrong,
};

#[test]
fn the_first_run_makes_a_place_and_an_invitation_and_is_there_once() {
    let place = Place::empty();
    let mut ana = place.browser();
    let front = ana.get("/").expect(200);
    assert!(
        front.text().contains(r#"action="/first""#),
        "one can begin at once"
    );
    leads_to(&ana.get("/sign-in"), "/first");
    leads_to(&ana.get("/sign-up"), "/first");
    ana.get("/first").expect(200);
    leads_to(&begin(&mut ana), "/welcome?room=general");
    let page = ana.get("/welcome?room=general").expect(200);
    let links = between(page.text(), "id=\"link\" value=\"", "\"");
    let link = links[0].replace("&#x2f;", "/");
    let origin = format!("http://{}", ana.address());
    let path = link.strip_prefix(&origin).unwrap();
    assert!(page.text().contains("Quilt &amp; Co"), "{}", page.text());
    leads_to(&ana.get("/first"), "/");
    leads_to(&begin(&mut place.browser()), "/");
    // The link brings somebody straight into the room, and says who sent it as they want to be called.
    ana.send("PATCH", "/api/v1/me", &json!({"display_name": "Ana Ruiz"}))
        .expect(200);
    let mut bo = place.browser();
    let page = bo.get(path).expect(200);
    assert!(
        page.text().contains(">Ana Ruiz</b> invites you"),
        "{}",
        page.text()
    );
    assert!(page.text().contains("#general"));
    let came = bo.post(path, &[("name", "bo"), ("password", PASSWORD)]);
    leads_to(&came, "/r/general");
    let page = bo.get("/r/general").expect(200);
    assert!(page.text().contains("<textarea"), "{}", page.text());
    let settings = bo.get("/api/v1/settings").expect(200).json();
    assert_eq!(settings["name"], "Quilt & Co");
    assert_eq!(settings["sign_up"], "invite");
    assert_eq!(settings["first"], false);
    // Nobody else sees the page with the link.
    leads_to(&bo.get("/welcome?room=general"), "/");
}

#[test]
fn what_is_wrong_with_the_first_run_is_told_and_nothing_is_made() {
    let place = Place::empty();
    let mut ana = place.browser();
    let good = [
        ("name", "ana"),
        ("display_name", "Ana \"<b>\""),
        ("password", PASSWORD),
        ("server", "Home"),
        ("room", "general"),
    ];
    let mut check = |field: &str, value: &str, tell: &str| {
        let form = good.map(|(name, was)| (name, if name == field { value } else { was }));
        let page = ana.post("/first", &form);
        assert!(matches!(page.status, 400 | 413), "{}", page.status);
        assert!(
            wrong(&page, field).contains(tell),
            "{}",
            wrong(&page, field)
        );
        if field != "display_name" {
            let kept = page.input("display_name").unwrap();
            assert_eq!(kept, "Ana &quot;&lt;b&gt;&quot;");
        }
        assert!(!page.text().contains(PASSWORD));
        ana.get("/first").expect(200);
    };
    check("name", "a b", "begins with a letter");
    check("name", "", "Write something here");
    check("name", "everyone", "means something else");
    check("password", "short", "at least 8");
    check("server", "", "Write something here");
    check("server", &"x".repeat(121), "at most 120");
    check("room", "dm-x", "direct rooms");
    check("display_name", &"x".repeat(121), "at most 120");
    leads_to(&begin(&mut ana), "/welcome?room=general");
}

#[test]
fn an_invitation_that_is_none_says_so() {
    let (place, mut ana) = Place::begun();
    let link = invitation(&mut ana, "general");
    let mut bo = place.browser();
    let form = [("name", "bo"), ("password", PASSWORD)];
    leads_to(&bo.post(&link, &form), "/r/general");
    // It was good for one.
    let mut cy = place.browser();
    let html = [("Accept", "text/html")];
    for path in [&*link, "/invite/pi_nothing", "/invite/%3Cscript%3E"] {
        let page = cy.ask("GET", path, &html, b"").expect(404);
        assert!(page.text().contains("used up"), "{}", page.text());
        let form = [("name", "cy"), ("password", PASSWORD)];
        cy.post(path, &form).expect(404);
    }
    // Whoever is in already goes where it leads.
    let link = invitation(&mut ana, "general");
    leads_to(&bo.get(&link), "/r/general");
    // A name that is taken costs nobody an invitation.
    let page = cy.post(&link, &[("name", "Bo"), ("password", PASSWORD)]);
    assert!(wrong(&page.clone().expect(409), "name").contains("taken"));
    assert_eq!(page.input("name"), Some("Bo"));
    leads_to(
        &cy.post(&link, &[("name", "cy"), ("password", PASSWORD)]),
        "/r/general",
    );
}

#[test]
fn who_may_sign_up_is_what_the_admin_says() {
    let (place, mut ana) = Place::begun();
    let form = |name| [("name", name), ("password", PASSWORD)];
    // By invitation: with the link or its code typed in.
    let mut bo = place.browser();
    assert!(
        bo.get("/sign-up")
            .expect(200)
            .text()
            .contains("by invitation")
    );
    assert!(!bo.get("/sign-in").text().contains("/sign-up"));
    let page = bo.post("/sign-up", &form("bo")).expect(400);
    assert!(wrong(&page, "invite").contains("Write something"));
    let mut with_code = form("bo").to_vec();
    with_code.push(("invite", "pi_wrong"));
    let page = bo.post("/sign-up", &with_code).expect(403);
    assert!(page.text().contains("no invite code"), "{}", page.text());
    let link = format!("https://chat.example{}", invitation(&mut ana, "general"));
    let mut with_link = form("bo").to_vec();
    with_link.push(("invite", &link));
    leads_to(&bo.post("/sign-up", &with_link), "/");
    bo.get("/r/general").expect(200);
    // Nobody.
    set(&mut ana, &json!({"sign_up": "closed"}));
    let mut cy = place.browser();
    let page = cy.get("/sign-up").expect(200);
    assert!(!page.text().contains("<form"), "{}", page.text());
    cy.post("/sign-up", &form("cy")).expect(403);
    let html = [("Accept", "text/html")];
    let link = invitation(&mut ana, "general");
    let page = cy.ask("GET", &link, &html, b"").expect(403);
    assert!(page.text().contains("takes no new accounts"));
    // Everybody, and from there to where they wanted to go.
    set(&mut ana, &json!({"sign_up": "open"}));
    assert!(
        cy.get("/sign-in?next=/rooms")
            .text()
            .contains("/sign-up?next=%2Frooms")
    );
    let page = cy.get("/sign-up?next=/rooms").expect(200);
    assert_eq!(page.input("next"), Some("&#x2f;rooms"));
    let mut on = form("cy").to_vec();
    on.push(("next", "/rooms"));
    leads_to(&cy.post("/sign-up", &on), "/rooms");
    leads_to(&cy.get("/sign-up"), "/");
}

#[test]
fn whoever_signs_in_is_where_they_wanted_to_go() {
    let (place, _ana) = Place::begun();
    let mut here = place.browser();
    is_the_door(&here.get("/"));
    leads_to(
        &here.get("/r/general?before=7"),
        "/sign-in?next=%2Fr%2Fgeneral%3Fbefore%3D7",
    );
    leads_to(
        &here.get("/settings/profile"),
        "/sign-in?next=%2Fsettings%2Fprofile",
    );
    let page = here
        .get("/sign-in?next=%2Fr%2Fgeneral%3Fbefore%3D7")
        .expect(200);
    assert_eq!(page.input("next"), Some("&#x2f;r&#x2f;general?before=7"));
    let good = [("name", "ana"), ("password", PASSWORD)];
    for (next, to) in [
        ("/r/general?before=7", "/r/general?before=7"),
        ("https://evil.example/", "/"),
        ("//evil.example", "/"),
        ("/\\evil.example", "/"),
        ("javascript:alert(1)", "/"),
        ("", "/"),
    ] {
        let mut browser = place.browser();
        let mut form = good.to_vec();
        form.push(("next", next));
        leads_to(&browser.post("/sign-in", &form), to);
        let again = format!("/sign-in?next={}", crate::people::escaped(next));
        leads_to(&browser.get(&again), to);
    }
    // By address as well, and with another spelling of the name.
    let mut browser = place.browser();
    leads_to(
        &browser.post("/sign-in", &[("name", "@ANA"), ("password", PASSWORD)]),
        "/",
    );
}

#[test]
fn a_wrong_password_says_nothing_about_who_there_is() {
    let (place, _ana) = Place::begun();
    let mut here = place.browser();
    let mut tell = |name: &str| {
        let page = here.post("/sign-in", &[("name", name), ("password", "wrong horse")]);
        let page = page.expect(401);
        assert_eq!(page.input("name"), Some(name));
        assert!(!page.text().contains("wrong horse"));
        between(page.text(), "role=\"alert\" dir=\"auto\">", "<")[0].to_owned()
    };
    assert_eq!(tell("ana"), tell("nobody"));
    let page = here.post("/sign-in", &[("name", ""), ("password", "")]);
    assert!(wrong(&page.expect(400), "name").contains("Write something"));
    assert!(here.cookies.is_empty());
    // Guessing has an end, for a while.
    let guess = || {
        place
            .browser()
            .post("/sign-in", &[("name", "ana"), ("password", "x")])
    };
    let slowed = (0..30).map(|_| guess()).find(|answer| answer.status == 429);
    let slowed = slowed.expect("somebody who guesses is slowed down");
    assert!(slowed.field("retry-after").is_some());
    assert!(slowed.text().contains("too often"));
}

#[test]
fn signing_out_ends_the_token() {
    let (place, mut ana) = Place::begun();
    let mut other = place.browser();
    other
        .post("/sign-in", &[("name", "ana"), ("password", PASSWORD)])
        .expect(303);
    let stolen = other.cookies.clone();
    other.get("/sign-out").expect(200);
    let out = other.post("/sign-out", &[]);
    leads_to(&out, "/sign-in");
    assert!(out.field("clear-site-data").is_some());
    assert!(!other.cookies.contains_key("parlour_token"));
    let mut thief = place.browser();
    thief.cookies = stolen;
    thief.get("/api/v1/me").expect(401);
    is_the_door(&thief.get("/"));
    // Twice is no harm, and the first browser is still in.
    leads_to(&other.post("/sign-out", &[]), "/sign-in");
    ana.get("/").expect(200);
    // Everywhere.
    let mut other = place.browser();
    other
        .post("/sign-in", &[("name", "ana"), ("password", PASSWORD)])
        .expect(303);
    leads_to(&other.post("/sign-out", &[("everywhere", "1")]), "/sign-in");
    is_the_door(&ana.get("/"));
}

#[test]
fn a_password_is_changed_by_who_knows_it() {
    let (place, mut ana) = Place::begun();
    let mut other = place.browser();
    other
        .post("/sign-in", &[("name", "ana"), ("password", PASSWORD)])
        .expect(303);
    ana.get("/password").expect(200);
    let page = ana.post(
        "/password",
        &[("old", "wrong horse"), ("new", "battery staple")],
    );
    assert!(wrong(&page.expect(400), "old").contains("is not your password"));
    let page = ana.post("/password", &[("old", PASSWORD), ("new", "short")]);
    assert!(wrong(&page.expect(400), "new").contains("at least 8"));
    let form = [("old", PASSWORD), ("new", "battery staple")];
    leads_to(&ana.post("/password", &form), "/password?done=1");
    assert!(
        ana.get("/password?done=1")
            .expect(200)
            .text()
            .contains("role=\"status\"")
    );
    is_the_door(&other.get("/"));
    other
        .post("/sign-in", &[("name", "ana"), ("password", PASSWORD)])
        .expect(401);
    other
        .post(
            "/sign-in",
            &[("name", "ana"), ("password", "battery staple")],
        )
        .expect(303);
}

#[test]
fn a_link_gives_another_password_once() {
    let (place, mut ana) = Place::begun();
    let mut bo = place.friend(&mut ana, "bo");
    let made = ana
        .send("POST", "/api/v1/users/bo/reset", &json!({}))
        .expect(201);
    let link = made.json()["link"].as_str().unwrap().to_owned();
    let mut new = place.browser();
    new.get(&link).expect(200);
    let page = new.post(&link, &[("password", "short")]);
    assert!(wrong(&page.expect(400), "password").contains("at least 8"));
    leads_to(
        &new.post(&link, &[("password", "battery staple")]),
        "/sign-in?reset=1",
    );
    assert!(
        new.get("/sign-in?reset=1")
            .text()
            .contains("role=\"status\"")
    );
    is_the_door(&bo.get("/"));
    new.post(
        "/sign-in",
        &[("name", "bo"), ("password", "battery staple")],
    )
    .expect(303);
    let again = place
        .browser()
        .post(&link, &[("password", "third password")]);
    assert!(
        again.status >= 400 && again.text().contains("role=\"alert\""),
        "{}",
        again.text()
    );
}
