//! # Disks that are full, read-only or damaged
//!
//! What cannot be stored is refused with `storage` and nothing of it is there; the server goes on,
//! and stores again once it can. A file that is not what it has to be is refused and left as it is.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use parlour::chat;
use parlour::store::{Database, Durability, Migration, Migrations};
use serde_json::{Value, json};

use crate::strict::{Said, run};
use crate::support::{Line, Parlour, Person};

const FILE: &str = chat::FILE;

// -------------------------------------------------------------------------------------- a full disk

/// Says things until the disk takes no more; how many it took.
fn until_full(line: &mut Line) -> u64 {
    for n in 1..5000 {
        let say = json!({"do": "send", "room": "den", "text": text(n), "key": format!("k{n}")});
        let answer = line.command(say);
        if answer["error"].is_object() {
            assert_eq!(answer["error"]["code"], "storage", "{answer}");
            assert_eq!(answer["error"]["retry"], true, "{answer}");
            return n - 1;
        }
        assert_eq!(answer["ok"]["seq"], n);
    }
    panic!("the disk is not full yet");
}

fn text(n: u64) -> String {
    format!("{n} {}", "x".repeat(6000))
}

/// The numbers of all messages.
fn seqs(line: &mut Line) -> Vec<u64> {
    let mut seqs: Vec<u64> = Vec::new();
    loop {
        let after = seqs.last().copied().unwrap_or_default();
        let page = line.ask(json!({"do": "history", "room": "den", "after": after, "limit": 200}));
        for message in page["messages"].as_array().unwrap() {
            seqs.push(message["seq"].as_u64().unwrap());
        }
        if page["more"] == false {
            return seqs;
        }
    }
}

/// Fills the disk of a server, which is given space again by `free`. Who has said how much in the end.
fn fill_up(parlour: &Parlour, free: impl FnOnce()) -> (Person, u64) {
    let ana = parlour.sign_up("ana");
    let bo = parlour.sign_up("bo");
    let mut line = ana.line();
    line.ask(json!({"do": "create_room", "room": "den"}));
    let mut bo_line = bo.line();
    bo_line.ask(json!({"do": "join", "room": "den"}));
    bo_line.drain();
    let stored = until_full(&mut line);
    assert!(stored > 10, "{stored}");
    // Nothing of what was refused is there, nobody heard of it, and everything else goes on.
    for command in [
        json!({"do": "send", "room": "den", "text": text(1), "key": "more"}),
        json!({"do": "create_room", "room": "two", "topic": "x".repeat(500)}),
    ] {
        let answer = line.command(command.clone());
        let code = &answer["error"]["code"];
        assert!(
            code == "storage" || answer["ok"].is_object(),
            "{command}: {answer}"
        );
    }
    let heard: Vec<u64> = bo_line
        .drain()
        .iter()
        .filter_map(|it| it["seq"].as_u64())
        .collect();
    let there = seqs(&mut line);
    assert_eq!(heard, there, "what is stored is told, and nothing else");
    assert!(there.iter().copied().eq(1..=there.len() as u64));
    assert_eq!(
        ana.line().hello["rooms"][0]["seq"].as_u64(),
        there.last().copied()
    );
    line.ask(json!({"do": "ping"}));
    // Space is back.
    free();
    let next = there.len() as u64 + 1;
    let say = json!({"do": "send", "room": "den", "text": text(stored + 1), "key": format!("k{}", stored + 1)});
    let sent = line.ask(say.clone());
    assert_eq!(
        (&sent["seq"], sent.get("repeat")),
        (&json!(next), None),
        "it was never stored"
    );
    assert_eq!(bo_line.event("message")["seq"], next);
    assert_eq!(line.ask(say)["repeat"], true);
    (ana, next)
}

/// The limit on the size of files is what every system has.
#[test]
fn a_full_disk_refuses_and_recovers() {
    let mut parlour = Parlour::start();
    let limit = |parlour: &Parlour, bytes: &str| {
        let pid = parlour.server().pid().to_string();
        let status = Command::new("prlimit")
            .args(["--pid", &pid, &format!("--fsize={bytes}:unlimited")])
            .status()
            .unwrap();
        assert!(status.success());
    };
    limit(&parlour, "1000000");
    let (ana, said) = fill_up(&parlour, || limit(&parlour, "unlimited"));
    parlour.kill();
    check(parlour.data());
    parlour.begin();
    let token = ana.token.unwrap();
    let mut line = parlour.with_token("ana", &token).line();
    assert_eq!(seqs(&mut line).len() as u64, said);
}

/// A disk of four megabytes, in a namespace of its own where the system allows that.
#[test]
fn a_file_system_without_space_refuses_and_recovers() {
    let mut parlour = Parlour::not_started();
    let data = parlour.data().to_str().unwrap().to_owned();
    let mount = format!(
        "mount -t tmpfs -o size=4m none {data} && head -c 1500000 /dev/zero > {data}/filler"
    );
    let probe = Command::new("unshare")
        .args(["-rm", "sh", "-c", &mount])
        .status();
    if !probe.is_ok_and(|status| status.success()) {
        println!("left out: this system lets nobody mount a disk");
        return;
    }
    let mount = format!("{mount} && exec \"$@\"");
    parlour.begin_by(&["unshare", "-rm", "sh", "-c", &mount]);
    fill_up(&parlour, || {
        let inside = format!("/proc/{}/root{data}/filler", parlour.server().pid());
        fs::remove_file(inside).unwrap();
    });
}

// ----------------------------------------------------------------------------------- damaged files

/// All files of a folder, with what is in them.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_file())
        .map(|path| (path.file_name().unwrap().into(), fs::read(&path).unwrap()))
        .collect()
}

/// What is in a folder keeps its promises: a copy of it, which may be changed.
fn check(folder: &Path) {
    let copy = tempfile::tempdir().unwrap();
    for (name, bytes) in files(folder) {
        fs::write(copy.path().join(name), bytes).unwrap();
    }
    let database = chat::open(copy.path(), Durability::Full, "unused", 0).unwrap();
    let mut found = Vec::new();
    let mut tell = |told| {
        if let chat::Told::Found(finding) = told {
            found.push(finding);
        }
    };
    let reader = database.reader().unwrap();
    reader
        .query(|tables| chat::check(tables, &mut tell))
        .unwrap();
    assert_eq!(found, []);
}

/// A folder with a room of so many messages, after a clean end; and the token of who said them.
fn written(messages: u64) -> (Parlour, String) {
    let mut parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let mut line = ana.line();
    line.ask(json!({"do": "create_room", "room": "den"}));
    for n in 1..=messages {
        line.ask(json!({"do": "send", "room": "den", "text": text(n)}));
    }
    drop(line);
    parlour.stop();
    (parlour, ana.token.unwrap())
}

fn serve(folder: &Path) -> Said {
    let folder = folder.to_str().unwrap();
    run(&["serve", "--listen", "127.0.0.1:0", "--data", folder])
}

/// The program does not start with what is there, says why, and leaves every byte as it is.
#[track_caller]
fn refuses(folder: &Path, why: &str) {
    let before = files(folder);
    let said = serve(folder);
    assert_ne!(said.code, Some(0), "{said:?}");
    assert!(said.stderr.contains(why), "{said:?}");
    assert!(said.stderr.contains(FILE), "it names the file: {said:?}");
    assert_eq!(said.stderr.lines().count(), 1, "{said:?}");
    let after = files(folder);
    assert_eq!(after.get(Path::new(FILE)), before.get(Path::new(FILE)));
    let log = PathBuf::from(format!("{FILE}-wal"));
    let what_is_in =
        |files: &BTreeMap<PathBuf, Vec<u8>>| files.get(&log).cloned().unwrap_or_default();
    assert_eq!(what_is_in(&after), what_is_in(&before));
}

#[test]
fn a_damaged_file_is_refused_and_left_as_it_is() {
    let (parlour, _) = written(40);
    let path = parlour.data().join(FILE);
    let whole = fs::read(&path).unwrap();
    for (at, why) in [(0, "is no SQLite database"), (100, "damaged")] {
        let mut broken = whole.clone();
        broken[at..at + 100].fill(0xa5);
        fs::write(&path, &broken).unwrap();
        refuses(parlour.data(), why);
    }
    fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    refuses(parlour.data(), "damaged");
    fs::write(
        &path,
        b"this is a letter to my aunt, and nothing else".repeat(100),
    )
    .unwrap();
    refuses(parlour.data(), "is no SQLite database");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    let said = serve(parlour.data());
    assert!(
        said.code != Some(0) && said.stderr.contains(FILE),
        "{said:?}"
    );
}

#[test]
fn what_cannot_be_read_any_more_is_said_and_the_server_goes_on() {
    let (mut parlour, token) = written(60);
    parlour.begin();
    let ana = parlour.with_token("ana", &token);
    let mut there = ana.line();
    let mut held = ana.line_to("/ws?hold=1");
    // Nobody has asked for the messages since the start: they are on the disk alone.
    let path = parlour.data().join(FILE);
    let mut bytes = fs::read(&path).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0xa5);
    fs::write(&path, &bytes).unwrap();
    held.say(&json!({"id": 1, "do": "resume", "rooms": {"den": 0}}));
    let (said, code) = held.rest();
    let bye = said.last().unwrap();
    assert_eq!((&bye["event"], &bye["code"]), (&json!("bye"), &json!(4002)));
    assert_eq!((&bye["reconnect"], code), (&json!(true), Some(4002)));
    let error = there.refused(json!({"do": "history", "room": "den"}), "storage");
    assert_eq!(error["retry"], true);
    let refused = ana.get("/rooms/den/messages").refuses(503, "storage");
    assert_eq!(refused["message"], error["message"]);
    there.ask(json!({"do": "ping"}));
}

#[test]
fn a_file_of_a_newer_program_is_refused_and_left_as_it_is() {
    let known = chat::CHAT.steps.iter().map(|step| (step.name, ""));
    let later = ("later", "CREATE TABLE later (x TEXT) STRICT");
    let steps = known.chain([later]);
    let steps: Vec<_> = steps.map(|(name, sql)| Migration { name, sql }).collect();
    let later = Migrations {
        set: chat::CHAT.set,
        steps: steps.leak(),
    };
    let (parlour, _) = written(1);
    let database = Database::open(parlour.data().join(FILE), &[later]).unwrap();
    database.close().unwrap();
    refuses(parlour.data(), "a newer program wrote this database");
}

#[test]
fn a_log_that_is_cut_short_gives_what_came_before() {
    let mut parlour = Parlour::start();
    let ana = parlour.sign_up("ana");
    let mut line = ana.line();
    line.ask(json!({"do": "create_room", "room": "den"}));
    for n in 1..=40 {
        line.ask(json!({"do": "send", "room": "den", "text": text(n)}));
    }
    parlour.kill();
    let log = parlour.data().join(format!("{FILE}-wal"));
    let whole = fs::read(&log).unwrap();
    let base = fs::read(parlour.data().join(FILE)).unwrap();
    let mut before = u64::MAX;
    for part in [whole.len() - 1, whole.len() - 5000, whole.len() * 3 / 4] {
        fs::write(parlour.data().join(FILE), &base).unwrap();
        let _ = fs::remove_file(parlour.data().join(format!("{FILE}-shm")));
        fs::write(&log, &whole[..part]).unwrap();
        check(parlour.data());
        parlour.begin();
        let mut line = parlour
            .with_token("ana", ana.token.as_deref().unwrap())
            .line();
        let there = seqs(&mut line);
        assert!(
            there.iter().copied().eq(1..=there.len() as u64),
            "{there:?}"
        );
        assert!((there.len() as u64) < before.min(41), "{}", there.len());
        before = there.len() as u64 + 1;
        let sent = line.ask(json!({"do": "send", "room": "den", "text": "on we go"}));
        assert_eq!(sent["seq"], there.len() + 1);
        parlour.kill();
    }
}

#[test]
fn a_disk_that_cannot_be_written_is_said_so() {
    let (mut parlour, token) = written(3);
    let data = parlour.data().to_str().unwrap().to_owned();
    let mount = "mount --bind \"$0\" \"$0\" && mount -o remount,ro,bind \"$0\"";
    let probe = Command::new("unshare")
        .args(["-rm", "sh", "-c", mount, &data])
        .status();
    if !probe.is_ok_and(|status| status.success()) {
        println!("left out: this system lets nobody mount a disk");
        return;
    }
    let before = files(parlour.data());
    let serve = format!("{mount} && exec \"$@\"");
    let binary = crate::strict::parlour();
    let said = Command::new("unshare")
        .args(["-rm", "sh", "-c", &serve, &data])
        .arg(binary.get_program())
        .args(["serve", "--listen", "127.0.0.1:0", "--data", &data])
        .output()
        .unwrap();
    let stderr = String::from_utf8(said.stderr).unwrap();
    assert!(!said.status.success());
    assert!(stderr.contains(&data), "{stderr}");
    assert!(stderr.contains("Read-only file system"), "{stderr}");
    assert_eq!(files(parlour.data()), before);
    parlour.begin();
    let hello: Value = parlour.with_token("ana", &token).line().hello;
    assert_eq!(hello["rooms"][0]["seq"], 3);
}
