//! # Rooms: reading and writing without scripts

use serde_json::json;

use crate::people::{Answer, Browser};
use crate::support::{Place, between, leads_to, say, wrong};

/// The numbers of the messages on a page, in its order.
fn seqs(page: &Answer) -> Vec<u32> {
    let ids = between(page.text(), "id=\"m-", "\"");
    ids.iter().map(|id| id.parse().unwrap()).collect()
}

/// Where a link with this text leads.
#[track_caller]
fn link<'p>(page: &'p Answer, text: &str) -> Option<&'p str> {
    let (before, _) = page.text().split_once(&format!(">{text}</a>"))?;
    let tag = &before[before.rfind("<a ")?..];
    Some(between(tag, "href=\"", "\"")[0])
}

/// The key that a page gives its form.
fn key(page: &Answer) -> String {
    page.input("key").unwrap().to_owned()
}

fn history(who: &mut Browser, room: &str) -> Vec<String> {
    let path = format!("/api/v1/rooms/{room}/messages");
    let page = who.get(&path).expect(200).json();
    let messages = page["messages"].as_array().unwrap();
    let text = |it: &serde_json::Value| it["text"].as_str().unwrap().to_owned();
    messages.iter().map(text).collect()
}

#[test]
fn a_form_says_something_once_however_often_it_is_sent() {
    let (_place, mut ana) = Place::begun();
    let page = ana.get("/r/general").expect(200);
    let first = key(&page);
    let form = [("key", &*first), ("text", "hello\r\nthere")];
    leads_to(&ana.post("/r/general", &form), "/r/general#m-1");
    leads_to(&ana.post("/r/general", &form), "/r/general#m-1");
    assert_eq!(history(&mut ana, "general"), ["hello\nthere"]);
    // Another page has another key.
    let page = ana.get("/r/general").expect(200);
    let second = key(&page);
    assert_ne!(first, second);
    leads_to(
        &ana.post("/r/general", &[("key", &*second), ("text", "again")]),
        "/r/general#m-2",
    );
    // The old page sent with other words is told, and loses none of them.
    let page = ana.post("/r/general", &[("key", &*first), ("text", "other words")]);
    let page = page.expect(409);
    assert!(
        page.text().contains("\nother words</textarea>"),
        "{}",
        page.text()
    );
    let third = key(&page);
    assert!(third != first && third != second);
    leads_to(
        &ana.post("/r/general", &[("key", &*third), ("text", "other words")]),
        "/r/general#m-3",
    );
    assert_eq!(
        history(&mut ana, "general"),
        ["hello\nthere", "again", "other words"]
    );
}

#[test]
fn a_form_has_commands_done_and_shows_what_is_for_one_alone() {
    let (_place, mut ana) = Place::begun();
    leads_to(
        &ana.post("/r/general", &[("key", "1"), ("text", "/me waves")]),
        "/r/general#m-1",
    );
    let page = ana.get("/r/general").expect(200);
    assert!(
        page.text()
            .contains("<div class=\"text action\"><b dir=\"auto\">"),
        "{}",
        page.text()
    );
    let page = ana.post("/r/general", &[("key", "2"), ("text", "/topic Tea & <b>")]);
    let page = page.expect(200);
    let told = "role=\"status\" dir=\"auto\">The topic is changed.</p>";
    assert!(page.text().contains(told), "{}", page.text());
    assert!(page.text().contains("Tea &amp; &lt;b&gt;"));
    // Sent again it is done once, and the page that is looked at again says nothing of it.
    ana.post("/r/general", &[("key", "2"), ("text", "/topic Tea & <b>")])
        .expect(200);
    let page = ana.get("/r/general").expect(200);
    assert!(!page.text().contains("The topic is changed"));
    let page = ana.post("/r/general", &[("key", "3"), ("text", "/<b>")]);
    leads_to(&page, "/r/general#m-2");
    let page = ana
        .post("/r/general", &[("key", "4"), ("text", "/nothing")])
        .expect(200);
    assert!(page.text().contains("There is no command &#x2f;nothing."));
    // What was typed wrongly comes back, with how it is right.
    let page = ana
        .post("/r/general", &[("key", "5"), ("text", "/mute")])
        .expect(400);
    assert!(
        page.text()
            .contains("It goes like this: &#x2f;mute @NAME [TIME]"),
        "{}",
        page.text()
    );
    assert!(page.text().contains("\n&#x2f;mute</textarea>"));
    let remind = [("key", "6"), ("text", "/remind me in 2 hours tea")];
    for _ in 0..2 {
        let page = ana.post("/r/general", &remind).expect(200);
        assert!(
            page.text().contains("&#x2f;remind cancel 1."),
            "{}",
            page.text()
        );
    }
    assert_eq!(history(&mut ana, "general"), ["waves", "/<b>"]);
}

#[test]
fn what_cannot_be_said_is_told_beside_the_field() {
    let (_place, mut ana) = Place::begun();
    let page = ana
        .post("/r/general", &[("key", "a"), ("text", " \n ")])
        .expect(400);
    assert!(
        page.text()
            .contains("id=\"text-about\">Write something here.<"),
        "{}",
        page.text()
    );
    let long = "é".repeat(8001);
    let page = ana
        .post("/r/general", &[("key", "b"), ("text", &long)])
        .expect(413);
    assert!(page.text().contains("at most 8000"));
    assert!(page.text().contains(&long), "nobody writes that again");
    assert_eq!(history(&mut ana, "general"), [""; 0]);
}

#[test]
fn a_room_is_read_from_end_to_end() {
    let (_place, mut ana) = Place::begun();
    for n in 1..=120 {
        say(&mut ana, "general", &format!("number {n}"));
    }
    let latest = ana.get("/r/general").expect(200);
    assert_eq!(seqs(&latest), (71..=120).collect::<Vec<_>>());
    assert_eq!(link(&latest, "Newer messages"), None);
    let older = ana
        .get(link(&latest, "Older messages").unwrap())
        .expect(200);
    assert_eq!(seqs(&older), (21..=70).collect::<Vec<_>>());
    let oldest = ana.get(link(&older, "Older messages").unwrap()).expect(200);
    assert_eq!(seqs(&oldest), (1..=20).collect::<Vec<_>>());
    assert_eq!(link(&oldest, "Older messages"), None);
    let newer = ana
        .get(link(&oldest, "Newer messages").unwrap())
        .expect(200);
    assert_eq!(seqs(&newer), (21..=70).collect::<Vec<_>>());
    // Around one, with its place on the page.
    let around = ana.get("/r/general/60").expect(200);
    assert_eq!(seqs(&around), (35..=84).collect::<Vec<_>>());
    assert!(
        around
            .text()
            .contains("<li class=\"message follows own\" id=\"m-60\">")
    );
    ana.get("/r/general/x").expect(404);
    assert_eq!(
        seqs(&ana.get("/r/general/9999").expect(200)).last(),
        Some(&120)
    );
    // One person within a few minutes is named once.
    assert_eq!(
        between(latest.text(), "<header class=\"head\">", "</header>").len(),
        1
    );
    let days = between(latest.text(), "<section aria-labelledby=\"day-", ">");
    assert_eq!(days.len(), 1);
}

#[test]
fn somebody_answers_and_takes_back() {
    let (place, mut ana) = Place::begun();
    let mut bo = place.friend(&mut ana, "bo");
    say(&mut ana, "general", "shall we?");
    let page = bo.get("/r/general").expect(200);
    assert!(!page.text().contains("/1/delete"), "it is not theirs");
    let page = bo.get("/r/general?reply=1").expect(200);
    assert_eq!(page.input("reply_to"), Some("1"));
    assert!(
        page.text().contains("shall we?</span> <a"),
        "{}",
        page.text()
    );
    let form = [("key", &*key(&page)), ("reply_to", "1"), ("text", "yes")];
    leads_to(&bo.post("/r/general", &form), "/r/general#m-2");
    let page = ana.get("/r/general").expect(200);
    assert!(
        page.text()
            .contains("class=\"quote\" href=\"/r/general/1#m-1\"")
    );
    // Not somebody else's, but one's own, and whoever moderates also others'.
    bo.post("/r/general/1/delete", &[]).expect(403);
    leads_to(&bo.post("/r/general/2/delete", &[]), "/r/general#m-2");
    assert!(ana.get("/r/general").text().contains("Message deleted"));
    say(&mut bo, "general", "spam");
    assert!(ana.get("/r/general").text().contains("/r/general/3/delete"));
    leads_to(&ana.post("/r/general/3/delete", &[]), "/r/general#m-3");
    assert_eq!(history(&mut ana, "general"), ["shall we?", "", ""]);
}

#[test]
fn rooms_are_found_joined_and_left() {
    let (place, mut ana) = Place::begun();
    let mut bo = place.friend(&mut ana, "bo");
    for (room, kind) in [("attic", "public"), ("safe", "private"), ("café", "public")] {
        let body = json!({"room": room, "kind": kind});
        ana.send("POST", "/api/v1/rooms", &body).expect(201);
    }
    let all = bo.get("/rooms").expect(200);
    assert!(
        all.text().contains("action=\"/r/attic/join\""),
        "{}",
        all.text()
    );
    assert!(!all.text().contains("/r/safe"), "nobody told them");
    assert!(!all.text().contains("/r/general/join"), "they are in it");
    bo.get("/r/safe").expect(404);
    bo.post("/r/safe/join", &[]).expect(404);
    let page = bo.get("/r/attic").expect(200);
    assert!(!page.text().contains("<textarea"));
    bo.post("/r/attic", &[("key", "a"), ("text", "hi")])
        .expect(403);
    leads_to(&bo.post("/r/attic/join", &[]), "/r/attic");
    assert!(bo.get("/r/attic").text().contains("<textarea"));
    leads_to(&bo.post("/r/caf%C3%A9/join", &[]), "/r/caf%C3%A9");
    let form = [("key", "a"), ("text", "hi")];
    leads_to(&bo.post("/r/caf%C3%A9", &form), "/r/caf%C3%A9#m-1");
    leads_to(&bo.post("/r/attic/leave", &[]), "/");
    assert!(!bo.get("/").text().contains("href=\"/r/attic\""));
    // Somebody alone with somebody.
    let page = bo.post("/direct", &[("user", "nobody")]).expect(404);
    assert!(page.text().contains("role=\"alert\""), "{}", page.text());
    let page = bo.post("/direct", &[("user", "a b")]).expect(400);
    assert!(page.text().contains("letters, digits"), "{}", page.text());
    let opened = bo.post("/direct", &[("user", "ana")]).expect(303);
    let path = opened.field("location").unwrap().to_owned();
    assert!(path.starts_with("/r/dm-"));
    leads_to(
        &bo.post(&path, &[("key", "b"), ("text", "psst")]),
        &format!("{path}#m-1"),
    );
    let page = ana.get("/").expect(200);
    assert!(page.text().contains(&path) && page.text().contains(">bo</span>"));
}

#[test]
fn what_is_new_is_counted_until_it_is_read() {
    let (place, mut ana) = Place::begun();
    let mut bo = place.friend(&mut ana, "bo");
    say(&mut ana, "general", "one");
    bo.send("PUT", "/api/v1/rooms/general/read", &json!({"seq": 1}))
        .expect(200);
    say(&mut ana, "general", "two");
    say(&mut ana, "general", "three, @bo");
    let home = bo.get("/").expect(200);
    assert!(
        home.text()
            .contains("1<span class=\"unseen\"> mentions</span>"),
        "{}",
        home.text()
    );
    assert!(
        home.text()
            .contains("Notifications </span><span class=\"count\">1</span>")
    );
    // Looking at it changes nothing.
    for _ in 0..2 {
        let page = bo.get("/r/general").expect(200);
        let (before, _) = page.text().split_once("id=\"m-2\"").unwrap();
        assert_eq!(between(before, "class=\"new-line\"", "<").len(), 1);
    }
    leads_to(&bo.post("/r/general/read", &[("seq", "3")]), "/r/general");
    let page = bo.get("/r/general").expect(200);
    assert!(!page.text().contains("new-line") && !page.text().contains("mentions</span>"));
    // Whoever answers has read.
    say(&mut ana, "general", "four");
    assert!(bo.get("/r/general").text().contains("Mark all as read"));
    bo.post("/r/general", &[("key", "a"), ("text", "five")])
        .expect(303);
    assert!(!bo.get("/r/general").text().contains("Mark all as read"));
    let notes = bo.get("/notifications").expect(200);
    assert!(
        notes.text().contains("href=\"/r/general/3#m-3\""),
        "{}",
        notes.text()
    );
    let upto = notes.input("upto").unwrap().to_owned();
    leads_to(
        &bo.post("/notifications", &[("upto", &upto)]),
        "/notifications",
    );
    assert!(!bo.get("/notifications").text().contains("Mark all"));
    bo.post("/notifications", &[]).expect(400);
    bo.post("/r/general/read", &[("seq", "x")]).expect(400);
}

#[test]
fn an_uploaded_file_is_on_the_page() {
    let (_place, mut ana) = Place::begun();
    let mut upload = |name: &str, kind: &str| {
        let path = format!("/api/v1/uploads?name={}", crate::people::escaped(name));
        let made = ana.ask("POST", &path, &[("Content-Type", kind)], b"bytes");
        let id = made.expect(201).json()["id"].as_str().unwrap().to_owned();
        let body = json!({"text": "", "attachment": id});
        ana.send("POST", "/api/v1/rooms/general/messages", &body)
            .expect(201);
    };
    upload("a \"cat\".png", "image/png");
    upload("<notes>.txt", "text/plain");
    let page = ana.get("/r/general").expect(200);
    let images = between(page.text(), "<img src=\"/api/v1/uploads/", "\"");
    assert!(images[0].ends_with(".png"), "{images:?}");
    assert!(page.text().contains("alt=\"a "), "{}", page.text());
    assert!(!page.text().contains("<notes>") && page.text().contains(".txt</span>"));
    ana.get(&format!("/api/v1/uploads/{}", images[0]))
        .expect(200);
}

#[test]
fn whoever_may_not_speak_is_not_asked_to() {
    let (place, mut ana) = Place::begun();
    let mut bo = place.friend(&mut ana, "bo");
    say(&mut ana, "general", "hi");
    ana.send("PATCH", "/api/v1/rooms/general", &json!({"archived": true}))
        .expect(200);
    let page = bo.get("/r/general").expect(200);
    assert!(page.text().contains("archived") && !page.text().contains("<textarea"));
    let page = bo.post("/r/general", &[("key", "a"), ("text", "hi")]);
    assert_eq!(page.status, 403, "{}", page.text());
}

#[test]
fn a_name_that_is_wrong_is_told_beside_the_field() {
    let (_place, mut ana) = Place::begun();
    let page = ana
        .post("/password", &[("old", "x"), ("new", "")])
        .expect(400);
    assert_eq!(wrong(&page, "new"), "Write something here.");
}

#[test]
fn a_document_is_shown_as_text_with_the_passage_that_was_asked_for() {
    let (place, mut ana) = Place::begun();
    let mut bo = place.friend(&mut ana, "bo");
    let many: String = (1..=90)
        .map(|number| format!("## Part {number}\n\nText {number} <b>&</b>\n\n"))
        .collect();
    let text = format!("# All <parts>\n\n{many}");
    let sent = json!({ "source": "parts.md", "text": text });
    ana.send("POST", "/api/v1/docs", &sent).expect(201);
    let page = bo.get("/docs/1?passage=42").expect(200);
    assert!(
        page.text()
            .contains("<h1 dir=\"auto\">All &lt;parts&gt;</h1>")
    );
    let asked = between(page.text(), "<mark>", "</mark>");
    assert_eq!(asked, ["Text 42 &lt;b&gt;&amp;&lt;&#x2f;b&gt;"]);
    assert_eq!(link(&page, "Before this"), Some("/docs/1?passage=40"));
    assert_eq!(link(&page, "After this"), Some("/docs/1?passage=81"));
    assert!(!page.text().contains("<script"));
    let page = bo.get("/docs/1").expect(200);
    assert_eq!(between(page.text(), "id=\"p-", "\"").len(), 40);
    bo.get("/docs/2").expect(404);
    bo.get("/docs/x").expect(404);
    let mut nobody = place.browser();
    leads_to(&nobody.get("/docs/1"), "/sign-in?next=%2Fdocs%2F1");
    // A room's documents are for its members.
    ana.send("POST", "/api/v1/rooms", &json!({"room": "den"}))
        .expect(201);
    let own = json!({ "source": "own.md", "text": "# Own\n\nOurs.", "room": "den" });
    ana.send("POST", "/api/v1/docs", &own).expect(201);
    assert!(ana.get("/docs/2").expect(200).text().contains("Ours."));
    bo.get("/docs/2").expect(404);
    // What answers say leads there.
    say(
        &mut ana,
        "general",
        "From [All parts](/docs/1?passage=2#p-2), not [x](/admin).",
    );
    let page = ana.get("/r/general").expect(200);
    assert_eq!(link(&page, "All parts"), Some("/docs/1?passage=2#p-2"));
    assert!(page.text().contains("[x](/admin)"));
}
