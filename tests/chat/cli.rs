//! # The command line beside a server that runs

use std::path::Path;

use parlour::chat::Files;
use parlour::chat::archive::SORTS;
use serde_json::{Value, json};

use crate::strict::{Said, eventually, run_in};
use crate::support::{Line, PASSWORD, Parlour, Person};

#[track_caller]
fn says(parlour: &Parlour, arguments: &[&str]) -> Said {
    let data = parlour.data().to_str().unwrap();
    let input = format!("{PASSWORD}, another\n");
    let home = tempfile::tempdir().unwrap();
    run_in(
        home.path(),
        &[arguments, &["--data", data]].concat(),
        &input,
    )
}

/// What a command says that has to succeed.
#[track_caller]
fn does(parlour: &Parlour, arguments: &[&str]) -> String {
    let said = says(parlour, arguments);
    assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
    said.stdout
}

/// The SHA-256 of `what is in it`.
const FILE_HASH: &str = "e622b638981da7028155bd0d32817f480b73249427539f797d4de918f19d50d0";

fn lines_of(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn whoever_is_connected_sees_what_a_command_did() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    let mut line = ana.line();
    does(&parlour, &["room", "archive", "den"]);
    let event = line.event("room");
    assert_eq!(
        (&event["room"], &event["archived"]),
        (&"den".into(), &true.into())
    );
    does(&parlour, &["room", "archive", "den", "--undo"]);
    assert_eq!(line.event("room")["archived"], false);
    // What the server stores itself goes on behind that.
    line.ask(json!({"do": "send", "room": "den", "text": "hi"}));
    assert_eq!(line.event("message")["text"], "hi");
    does(&parlour, &["room", "delete", "den", "--yes"]);
    line.event("left");
}

#[test]
fn what_a_command_made_can_be_used_at_once() {
    let parlour = Parlour::start();
    does(&parlour, &["user", "add", "ana"]);
    does(&parlour, &["user", "add", "ci", "--role", "bot"]);
    let token = does(&parlour, &["token", "create", "ci"]);
    let ci = parlour.with_token("ci", token.trim_end());
    assert_eq!(ci.get("/me").expect(200)["user"]["role"], "bot");
    does(&parlour, &["room", "create", "den", "--owner", "ana"]);
    let mut line = ci.line();
    line.ask(json!({"do": "join", "room": "den"}));
    line.ask(json!({"do": "send", "room": "den", "text": "built"}));
    let ana = parlour.sign_in("ana", &format!("{PASSWORD}, another"));
    assert_eq!(ana.line().hello["rooms"][0]["unread"], 1);
    does(&parlour, &["settings", "sign_up", "closed"]);
    let asked = json!({"name": "cy", "password": PASSWORD});
    parlour
        .nobody()
        .post("/users", asked)
        .refuses(403, "forbidden");
}

#[test]
fn whoever_is_signed_out_by_a_command_is_gone() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let mut ana_line = ana.line();
    let ends: [&[&str]; 4] = [
        &["user", "disable", "bo"],
        &["user", "password", "bo"],
        &["token", "revoke", "bo"],
        &["user", "erase", "bo", "--messages", "--yes"],
    ];
    for (at, end) in ends.into_iter().enumerate() {
        let name = format!("bo{at}");
        let bo = parlour.sign_up(&name);
        bo.post("/rooms", json!({"room": format!("den{at}")}))
            .expect(201);
        let mut line = bo.line();
        line.ask(json!({"do": "send", "room": format!("den{at}"), "text": "hi"}));
        let end: Vec<&str> = end
            .iter()
            .map(|it| if *it == "bo" { &name } else { *it })
            .collect();
        does(&parlour, &end);
        assert_eq!(
            line.find("bye", |it| it["event"] == "bye")["code"],
            4001,
            "{end:?}"
        );
        assert_eq!(line.close_code(), Some(4001), "{end:?}");
        bo.get("/me").refuses(401, "unauthenticated");
    }
    // Nothing of that has kept others from hearing what comes behind it.
    ana.post("/rooms", json!({"room": "mine"})).expect(201);
    ana_line.find("the room", |it| {
        it["event"] == "joined" && it["room"] == "mine"
    });
}

#[test]
fn a_forgotten_password_is_replaced_by_a_link_of_the_command_line() {
    let parlour = Parlour::start();
    let [_, bo] = ["ana", "bo"].map(|name| parlour.sign_up(name));
    let mut line = bo.line();
    let at = ["user", "reset", "bo", "--at", "https://chat.example.org/"];
    let old = does(&parlour, &at);
    let old = old.strip_prefix("https://chat.example.org/reset/").unwrap();
    let link = does(&parlour, &["user", "reset", "bo"]);
    let secret = link.strip_prefix("/reset/").unwrap().trim_end();
    let nobody = parlour.nobody();
    let reset = |secret: &str| {
        nobody.post(
            "/resets",
            json!({"secret": secret, "password": "a new password"}),
        )
    };
    reset(old.trim_end()).refuses(404, "not_found");
    bo.get("/me").expect(200);
    reset(secret).expect(204);
    reset(secret).refuses(404, "not_found");
    assert_eq!(line.close_code(), Some(4001));
    parlour.sign_in("bo", "a new password");

    let gone = says(&parlour, &["user", "reset", "nobody"]);
    assert_eq!(gone.code, Some(1), "{gone:?}");
    assert!(gone.stderr.contains("nobody called \"nobody\""), "{gone:?}");
    let odd = says(&parlour, &["user", "reset", "bo", "--expires", "soon"]);
    assert_eq!((odd.code, odd.stdout.as_str()), (Some(2), ""), "{odd:?}");
    does(&parlour, &["user", "disable", "bo"]);
    let disabled = says(&parlour, &["user", "reset", "bo"]);
    assert_eq!(disabled.code, Some(1), "{disabled:?}");
}

#[test]
fn one_token_ends_without_the_others() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let again = parlour.sign_in("ana", PASSWORD);
    let (mut stays, mut goes) = (ana.line(), again.line());
    let id = again.get("/me").expect(200)["token"]["id"].to_string();
    does(&parlour, &["token", "revoke", "ana", &id]);
    assert_eq!(goes.close_code(), Some(4001));
    stays.event("signed_out");
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    stays.event("joined");
}

#[test]
fn a_second_server_and_what_needs_the_data_alone_are_refused() {
    let mut parlour = Parlour::start();
    parlour.sign_up("ana");
    let home = tempfile::tempdir().unwrap();
    let [backup, export] = ["backup", "export"].map(|name| home.path().join(name));
    let [backup, export] = [&backup, &export].map(|path| path.to_str().unwrap());
    does(&parlour, &["backup", backup]);
    does(&parlour, &["export", export]);
    let alone: [&[&str]; 3] = [
        &["serve", "--listen", "127.0.0.1:0"],
        &["restore", backup, "--force"],
        &["import", export],
    ];
    for arguments in alone {
        let said = says(&parlour, arguments);
        assert_eq!(said.code, Some(1), "{said:?}");
        assert!(
            said.stderr.contains("a server is running on this data"),
            "{said:?}"
        );
    }
    parlour.kill();
    does(&parlour, &["restore", backup, "--force"]);
    parlour.begin();
    parlour.sign_in("ana", PASSWORD);
}

#[test]
fn a_backup_is_whole_while_the_server_writes() {
    let mut parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    let mut line = ana.line();
    let epoch = line.hello["epoch"].clone();
    let home = tempfile::tempdir().unwrap();
    let copy = home.path().join("copy");
    let other = home.path().join("other");
    let mut wanted = 0;
    let mut say = |line: &mut Line| {
        wanted += 1;
        let text = format!("number {wanted} {}", "x".repeat(4000));
        line.command(json!({"do": "send", "room": "den", "text": text}));
    };
    for _ in 0..100 {
        say(&mut line);
    }
    std::thread::scope(|scope| {
        let backup = scope.spawn(|| does(&parlour, &["backup", copy.to_str().unwrap()]));
        while !backup.is_finished() {
            say(&mut line);
        }
        backup.join().unwrap();
    });
    let home = home.path();
    let run = |words: &[&str]| {
        let said = run_in(home, words, "");
        assert_eq!(said.code, Some(0), "{said:?}");
        said.stdout
    };
    run(&["restore", "copy", "--data", "other"]);
    assert_eq!(run(&["check", "--data", "other"]), "nothing is wrong\n");
    let rooms: Value =
        serde_json::from_str(&run(&["room", "list", "--json", "--data", "other"])).unwrap();
    let messages = rooms[0]["messages"].as_u64().unwrap();
    assert!((100..=wanted).contains(&messages), "{messages} of {wanted}");
    // What goes on from the copy is not what clients know.
    parlour.kill();
    does(&parlour, &["restore", copy.to_str().unwrap(), "--force"]);
    parlour.begin();
    let ana = parlour.sign_in("ana", PASSWORD);
    assert_ne!(ana.line().hello["epoch"], epoch);
    let export = |data: &Path, to: &str| {
        run(&["export", to, "--data", data.to_str().unwrap()]);
        lines_of(&home.join(to))
    };
    let text = export(&other, "one");
    let said = text
        .lines()
        .filter(|it| it.contains("\"type\":\"message\""));
    assert_eq!(said.count() as u64, messages);
}

#[test]
fn uploaded_files_are_backed_up_and_exported() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let kind = [("Content-Type", "text/plain")];
    let upload = ana.ask("POST", "/uploads?name=a.txt", &kind, b"what is in it");
    let upload = upload.expect(201);
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    let path = "/rooms/den/messages";
    let said = json!({"text": "look", "attachment": upload["id"]});
    ana.post(path, said).expect(201);
    let home = tempfile::tempdir().unwrap();
    let [copy, lines] = ["copy", "lines"].map(|name| home.path().join(name));
    does(&parlour, &["backup", copy.to_str().unwrap()]);
    does(&parlour, &["export", lines.to_str().unwrap()]);
    for words in [["restore", "copy"], ["import", "lines"]] {
        let data = home.path().join(format!("from-{}", words[1]));
        let words = [&words[..], &["--data", data.to_str().unwrap()]].concat();
        let made = run_in(home.path(), &words, "");
        assert_eq!(made.code, Some(0), "{made:?}");
        let file = Files::beside(&data).path(FILE_HASH).unwrap();
        assert_eq!(std::fs::read(file).unwrap(), b"what is in it", "{words:?}");
        let check = run_in(
            home.path(),
            &["check", "--data", data.to_str().unwrap()],
            "",
        );
        assert_eq!(check.code, Some(0), "{check:?}");
    }
    // A file that was changed on its way is refused.
    let text = lines_of(&lines);
    let wrong = text.replace("d2hhdCBpcyBpbiBpdA==", "d2hhdCB3YXMgaW4gaXQ=");
    assert_ne!(wrong, text);
    std::fs::write(&lines, wrong).unwrap();
    let refused = run_in(home.path(), &["import", "lines", "--data", "third"], "");
    assert_eq!(refused.code, Some(1));
    assert!(refused.stderr.contains("is damaged"), "{refused:?}");
}

#[test]
fn check_finds_files_that_are_lost_or_changed() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    let kind = [("Content-Type", "text/plain")];
    for name in ["whole", "lost", "changed", "short", "twice"] {
        // Two that have the same content have one file.
        let content = name.replace("twice", "whole");
        let path = format!("/uploads?name={name}.txt");
        let upload = ana.ask("POST", &path, &kind, content.as_bytes());
        let said = json!({"text": name, "attachment": upload.expect(201)["id"]});
        ana.post("/rooms/den/messages", said).expect(201);
    }
    assert_eq!(does(&parlour, &["check"]), "nothing is wrong\n");
    let uploads = parlour.data().join("uploads");
    let file = |content: &str| {
        let folders = std::fs::read_dir(&uploads).unwrap();
        let files = folders.flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
        files
            .map(|file| file.unwrap().path())
            .find(|path| std::fs::read(path).unwrap() == content.as_bytes())
            .unwrap()
    };
    std::fs::remove_file(file("lost")).unwrap();
    std::fs::write(file("changed"), "CHANGED").unwrap();
    std::fs::write(file("short"), "shor").unwrap();
    std::fs::write(file("whole").with_file_name("needless"), "x").unwrap();
    let said = says(&parlour, &["check"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    let mut lines: Vec<&str> = said.stdout.lines().collect();
    lines.sort_unstable();
    let [needless, lost, changed, short] = lines[..] else {
        panic!("{said:?}");
    };
    assert!(needless.ends_with("/needless: nobody needs it, which does no harm"));
    for (line, message, name, what) in [
        (lost, 2, "lost", "its file is not there"),
        (changed, 3, "changed", "its file is not what was uploaded"),
        (short, 4, "short", "its file is not what was uploaded"),
    ] {
        let begin = format!("room 1, message {message}, upload ");
        let end = format!(", \"{name}.txt\": {what}");
        assert!(line.starts_with(&begin) && line.ends_with(&end), "{line}");
    }
    assert!(said.stderr.contains("3 things are wrong"), "{said:?}");
}

#[test]
fn all_that_people_did_is_exported() {
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let bo = parlour.sign_up("bo");
    let mut line = ana.line();
    for command in [
        json!({"do": "create_room", "room": "den", "title": "The \"den\"\u{2028}"}),
        json!({"do": "invite", "room": "den", "user": "bo"}),
        json!({"do": "send", "room": "den", "text": "hi @bo\n\u{1f600}", "key": "k1"}),
        json!({"do": "send", "room": "den", "text": "/me waves"}),
        json!({"do": "send", "room": "den", "text": "gone", "reply_to": 1}),
        json!({"do": "delete", "room": "den", "seq": 3}),
        json!({"do": "react", "room": "den", "seq": 1, "emoji": "\u{1f44d}"}),
        json!({"do": "dm", "user": "bo"}),
        json!({"do": "notify", "to": "bo", "text": "see"}),
        json!({"do": "create_room", "room": "old"}),
        json!({"do": "delete_room", "room": "old"}),
    ] {
        line.ask(command);
    }
    bo.line()
        .ask(json!({"do": "read", "room": "den", "seq": 1}));
    parlour.sign_up("cy");
    does(&parlour, &["user", "erase", "cy", "--yes"]);
    does(&parlour, &["invite", "create", "--room", "den"]);
    // A webhook to where nobody may send, so that a dead letter is left.
    let hook = json!({"direction": "outgoing", "name": "x", "room": "den", "url": "http://127.0.0.1:9/", "events": ["message"]});
    ana.post("/webhooks", hook).expect(201);
    ana.post("/rooms/den/messages", json!({"text": "to nobody"}))
        .expect(201);
    eventually("a dead letter", || {
        ana.get("/webhooks/1").expect(200)["webhook"]["dead"] == 1
    });
    let home = tempfile::tempdir().unwrap();
    let run = |words: &[&str]| {
        let said = run_in(home.path(), words, "");
        assert_eq!(said.code, Some(0), "{words:?}: {said:?}");
    };
    ana.post(
        "/rooms/den/messages",
        json!({"text": "/remind me in 1h tea"}),
    )
    .expect(200);
    let [one, two] = ["one", "two"].map(|name| home.path().join(name));
    does(&parlour, &["export", one.to_str().unwrap()]);
    run(&["import", "one", "--data", "other"]);
    run(&["export", "two", "--data", "other"]);
    let text = lines_of(&one);
    assert_eq!(text, lines_of(&two));
    for sort in SORTS {
        let is_there = text.contains(&format!("\"type\":\"{}\"", sort.name));
        // What needs a day, an admin's visit or a misdeed.
        let is_rare = ["mark", "setting", "reset", "ban", "upload", "removal"].contains(&sort.name);
        assert!(is_there || is_rare, "no {}", sort.name);
    }
    run(&["check", "--data", "other"]);
}

#[test]
fn much_that_a_command_did_is_told_without_a_gap() {
    const MANY: u64 = 1100;
    let parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let bo = parlour.sign_up("bo");
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    let mut talks = bo.line();
    talks.ask(json!({"do": "join", "room": "den"}));
    for number in 0..MANY {
        talks.ask(json!({"do": "send", "room": "den", "text": number.to_string()}));
    }
    let mut line = ana.line();
    let mut version = line.hello["rooms"][0]["version"].as_u64().unwrap();
    does(&parlour, &["user", "erase", "bo", "--messages", "--yes"]);
    // Most likely before the server has looked: then this finds the gap.
    line.ask(json!({"do": "send", "room": "den", "text": "the end"}));
    loop {
        let event = line.find("an event of the room", |it| it["version"].is_u64());
        version += 1;
        assert_eq!(event["version"], version, "{event}");
        if event["text"] == "the end" {
            break;
        }
    }
}

/// Has somebody say so much that it goes in many goes, and gives the listener's line.
fn with_much(parlour: &Parlour, many: u64) -> (Person, Person, Line) {
    let [ana, bo] = ["ana", "bo"].map(|name| parlour.sign_up(name));
    ana.post("/rooms", json!({"room": "den"})).expect(201);
    let mut talks = bo.line();
    talks.ask(json!({"do": "join", "room": "den"}));
    for number in 0..many {
        talks.ask(json!({"do": "send", "room": "den", "text": number.to_string()}));
    }
    let line = ana.line();
    (ana, bo, line)
}

/// Whether nothing is left of what was said in the room.
fn nothing_is_left(line: &mut Line) -> bool {
    let mut after = 0;
    loop {
        let ask = json!({"do": "history", "room": "den", "after": after, "limit": 200});
        let page = line.ask(ask);
        let messages = page["messages"].as_array().unwrap();
        if messages.iter().any(|message| message["deleted"] != true) {
            return false;
        }
        if page["more"] == false {
            return true;
        }
        after += messages.len();
    }
}

#[test]
fn an_erasure_that_a_kill_has_cut_short_is_finished() {
    let mut parlour = Parlour::start();
    let (ana, bo, mut line) = with_much(&parlour, 1500);
    bo.delete("/users/bo?messages=1").expect(204);
    line.event("deleted");
    parlour.kill();
    parlour.begin();
    let token = ana.token.unwrap();
    let ana = parlour.with_token("ana", &token);
    let mut line = ana.line();
    eventually("all of it is gone", || nothing_is_left(&mut line));
    // What came in between is whole: no version is missing.
    let mut held = ana.line_to("/ws?hold=1");
    let version = held.hello["rooms"][0]["version"].as_u64().unwrap();
    let ok = held.ask(json!({"do": "resume", "rooms": {"den": version - 400}}));
    assert_eq!(ok["den"]["mode"], "events");
    for next in version - 399..=version {
        assert_eq!(held.event("deleted")["version"], next);
    }
    parlour.kill();
    assert_eq!(does(&parlour, &["check"]), "nothing is wrong\n");
}
