//! # Commands: what the command line does without a server

use std::fs;
use std::path::Path;

use serde_json::Value;
use tempfile::TempDir;

use crate::support::{Said, run_in};

const PASSWORD: &str = "correct horse battery\n";

/// A folder in which commands run, and keep their data if nothing is said.
struct Desk(TempDir);

impl Desk {
    /// With an admin, a bot and a room.
    #[track_caller]
    fn new() -> Self {
        let desk = Self(tempfile::tempdir().unwrap());
        desk.does_with(
            &["user", "add", "ana", "--email", "ana@example.org"],
            PASSWORD,
        );
        desk.does(&["user", "add", "ci", "--role", "bot"]);
        desk.does(&["room", "create", "general", "--owner", "ana"]);
        desk
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn says(&self, arguments: &[&str]) -> Said {
        run_in(self.path(), arguments, "")
    }

    /// What a command says that has to succeed.
    #[track_caller]
    fn does(&self, arguments: &[&str]) -> String {
        self.does_with(arguments, "")
    }

    #[track_caller]
    fn does_with(&self, arguments: &[&str], input: &str) -> String {
        let said = run_in(self.path(), arguments, input);
        assert_eq!(said.code, Some(0), "{arguments:?}: {said:?}");
        said.stdout
    }

    #[track_caller]
    fn list(&self, arguments: &[&str]) -> Vec<Value> {
        let text = self.does(&[arguments, &["--json"]].concat());
        serde_json::from_str(&text).unwrap()
    }

    /// A command fails with this status and says this.
    #[track_caller]
    fn refuses(&self, arguments: &[&str], code: i32, told: &str) {
        let said = self.says(arguments);
        assert_eq!(said.code, Some(code), "{arguments:?}: {said:?}");
        assert!(said.stderr.contains(told), "{arguments:?}: {said:?}");
        assert_eq!(said.stdout, "", "{arguments:?}");
    }

    fn lines(&self, file: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path().join(file)).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    fn write(&self, file: &str, lines: &[String]) {
        fs::write(self.path().join(file), lines.join("\n") + "\n").unwrap();
    }
}

#[test]
fn every_command_has_a_help_of_its_own() {
    let desk = Desk(tempfile::tempdir().unwrap());
    let top = desk.does(&["help"]);
    let listed = top.lines().skip_while(|line| *line != "Commands:").skip(1);
    let mut commands = 0;
    for line in listed.take_while(|line| !line.is_empty()) {
        let shown = line.split("  ").find(|it| !it.is_empty()).unwrap();
        let words = shown
            .split(' ')
            .filter(|word| word.chars().all(|c| c.is_ascii_lowercase()));
        let words: Vec<&str> = words.collect();
        if words == ["help"] {
            continue;
        }
        let help = desk.does(&[&words[..], &["--help"]].concat());
        assert!(help.contains("\nExamples:\n  "), "{words:?}: {help}");
        assert_eq!(desk.does(&[&["help"], &words[..]].concat()), help);
        let group = desk.does(&["help", words[0]]);
        assert_eq!(desk.does(&[words[0], "--help"]), group);
        commands += 1;
    }
    assert!(commands > 20, "{top}");
    assert_eq!(
        fs::read_dir(desk.path()).unwrap().count(),
        0,
        "help makes nothing"
    );
}

#[test]
fn what_is_typed_wrong_is_named_with_its_command() {
    let desk = Desk::new();
    let rows: &[(&[&str], &str)] = &[
        (&["usre"], "did you mean 'user'?\nTry 'parlour --help'."),
        (&["user"], "user: say what to do: one of add, list"),
        (
            &["user", "lsit"],
            "did you mean 'user list'?\nTry 'parlour user --help'.",
        ),
        (
            &["user", "list", "--jsn"],
            "did you mean '--json'?\nTry 'parlour user list --help'.",
        ),
        (&["user", "add"], "user add: NAME is missing"),
        (&["user", "add", "a b"], "`NAME` cannot be \"a b\""),
        (&["user", "add", "me"], "something else here"),
        (
            &["user", "role", "ana", "king"],
            "'admin', 'member' or 'bot'",
        ),
        (&["user", "list", "more"], "more"),
        (&["room", "create", "dm-x"], "direct rooms"),
        (&["token", "revoke", "ana", "x"], "'x'"),
        (&["token", "create", "ana", "--expires", "soon"], "90d"),
        (&["invite", "create", "--uses", "0"], "uses"),
        (&["settings", "sign_pu"], "did you mean 'sign_up'?"),
        (
            &["settings", "sign_up", "maybe"],
            "'open', 'invite' or 'closed'",
        ),
        (
            &["--echo", "user", "list"],
            "'--echo' is an option of 'serve' alone",
        ),
        (&["help", "usre"], "did you mean 'user'?"),
    ];
    for (arguments, told) in rows {
        desk.refuses(arguments, 2, told);
    }
}

#[test]
fn what_the_world_refuses_ends_with_another_status() {
    let desk = Desk::new();
    let rows: &[(&[&str], &str)] = &[
        (
            &["user", "list", "--data", "nowhere"],
            "there is no database in nowhere",
        ),
        (&["user", "add", "ci", "--role", "bot"], "taken"),
        (&["user", "add", "bo"], "no password on standard input"),
        (&["user", "password", "nobody"], "nobody called \"nobody\""),
        (&["user", "disable", "ana"], "last admin"),
        (&["user", "erase", "ci"], "--yes"),
        (&["room", "members", "den"], "no room \"den\""),
        (&["room", "delete", "general"], "--yes"),
        (&["token", "revoke", "ana", "9"], "no token 9"),
        (&["invite", "revoke", "9"], "number 9"),
        (&["restore", "nowhere.db", "--data", "x"], "nowhere.db"),
        (&["import", "nowhere.jsonl"], "nowhere.jsonl"),
    ];
    for (arguments, told) in rows {
        desk.refuses(arguments, 1, told);
    }
    assert!(!desk.path().join("nowhere").exists());
    let short = run_in(desk.path(), &["user", "add", "bo"], "short\n");
    assert_eq!(short.code, Some(1));
    assert!(short.stderr.contains("8 to 1024"), "{short:?}");
}

#[test]
fn accounts_are_kept() {
    let desk = Desk::new();
    let users = desk.list(&["user", "list"]);
    assert_eq!(users.len(), 2);
    assert_eq!(users[0]["name"], "ana");
    assert_eq!(users[0]["role"], "admin", "the first one");
    assert_eq!(users[0]["email"], "ana@example.org");
    assert_eq!(
        (&users[1]["role"], &users[1]["email"]),
        (&"bot".into(), &Value::Null)
    );
    desk.does_with(&["user", "add", "bo", "--display-name", "Bo D."], PASSWORD);
    desk.does(&["user", "role", "bo", "admin"]);
    desk.does(&["user", "disable", "ci"]);
    desk.does_with(&["user", "password", "bo"], "another horse\n");
    desk.does(&["user", "erase", "ana", "--messages", "--yes"]);
    let users = desk.list(&["user", "list"]);
    let told: Vec<_> = users
        .iter()
        .map(|it| {
            (
                it["name"].as_str(),
                it["role"].as_str(),
                it["disabled"].as_bool(),
            )
        })
        .collect();
    let bo = (Some("bo"), Some("admin"), Some(false));
    assert_eq!(told, [bo, (Some("ci"), Some("bot"), Some(true))]);
    desk.does(&["user", "enable", "ci"]);
    let text = desk.does(&["user", "list"]);
    let lines: Vec<&str> = text.lines().collect();
    assert!(
        lines[0].starts_with("NAME  ROLE   DISABLED  DISPLAY NAME"),
        "{text}"
    );
    assert!(
        lines[1].starts_with("bo    admin  no        Bo D."),
        "{text}"
    );
}

#[test]
fn rooms_tokens_codes_and_settings_are_kept() {
    let desk = Desk::new();
    desk.does(&[
        "room",
        "create",
        "board",
        "--private",
        "--title",
        "The board",
    ]);
    let rooms = desk.list(&["room", "list"]);
    assert_eq!(
        (&rooms[0]["room"], &rooms[0]["kind"]),
        (&"board".into(), &"private".into())
    );
    assert_eq!(
        (&rooms[1]["members"], &rooms[0]["members"]),
        (&1.into(), &0.into())
    );
    let members = desk.list(&["room", "members", "general"]);
    assert_eq!(
        (&members[0]["user"], &members[0]["role"]),
        (&"ana".into(), &"owner".into())
    );
    desk.does(&["room", "archive", "general"]);
    assert_eq!(desk.list(&["room", "list"])[1]["archived"], true);
    desk.does(&["room", "archive", "general", "--undo"]);
    desk.does(&["room", "delete", "board", "--yes"]);
    assert_eq!(desk.list(&["room", "list"]).len(), 1);

    let token = desk.does(&[
        "token",
        "create",
        "ci",
        "--name",
        "build",
        "--expires",
        "1h",
    ]);
    assert!(
        token.starts_with("pt_") && token.trim_end().len() == 46,
        "{token}"
    );
    desk.does(&["token", "create", "ana"]);
    let tokens = desk.list(&["token", "list"]);
    assert_eq!(
        (&tokens[1]["name"], &tokens[1]["user"]),
        (&"build".into(), &"ci".into())
    );
    assert!(tokens[1]["expires_at"].is_string() && tokens[0]["expires_at"].is_null());
    let stored = fs::read(desk.path().join("parlour-data/parlour.db")).unwrap();
    let secret = token.trim_end().as_bytes();
    assert!(
        !stored.windows(secret.len()).any(|it| it == secret),
        "only a hash is stored"
    );
    desk.does(&["token", "revoke", "ci", &tokens[1]["number"].to_string()]);
    assert_eq!(desk.list(&["token", "list", "ci"]).len(), 0);

    desk.does(&[
        "invite",
        "create",
        "--room",
        "general",
        "--uses",
        "3",
        "--expires",
        "7d",
    ]);
    let invites = desk.list(&["invite", "list"]);
    assert_eq!(
        (&invites[0]["uses_left"], &invites[0]["room"]),
        (&3.into(), &"general".into())
    );
    desk.does(&["invite", "revoke", "1"]);
    assert_eq!(desk.list(&["invite", "list"]).len(), 0);

    desk.does(&["settings", "sign_up", "closed"]);
    desk.does(&["settings", "name", "The Parlour"]);
    let settings = desk.list(&["settings"]);
    assert_eq!(settings[0]["value"], "closed");
    assert_eq!(settings[1]["value"], "The Parlour");
    assert_eq!(desk.list(&["settings", "name"]).len(), 1);
    assert_eq!(desk.does(&["check"]), "nothing is wrong\n");
}

#[test]
fn what_is_imported_is_exported_the_same() {
    let desk = Desk::new();
    desk.does(&["token", "create", "ci"]);
    desk.does(&["token", "revoke", "ci"]);
    desk.does(&["export", "one"]);
    desk.does(&["import", "one", "--data", "other"]);
    desk.does(&["export", "two", "--data", "other"]);
    assert_eq!(desk.lines("one"), desk.lines("two"));
    assert_eq!(
        desk.does(&["export"]).lines().collect::<Vec<_>>(),
        desk.lines("one")
    );
    assert_eq!(
        desk.does(&["check", "--data", "other"]),
        "nothing is wrong\n"
    );
    // A token's number is not given again there either.
    desk.does(&["token", "create", "ci", "--data", "other"]);
    assert_eq!(
        desk.list(&["token", "list", "--data", "other"])[0]["number"],
        2
    );
    desk.refuses(&["export", "one"], 1, "--force");
    desk.does(&["export", "one", "--force"]);
}

#[test]
fn what_was_imported_before_is_there_already() {
    let desk = Desk::new();
    desk.does(&["export", "one"]);
    let all = desk.does(&["import", "one", "--data", "other"]);
    assert!(all.starts_with("imported "), "{all}");
    let again = ["import", "one", "--data", "other"];
    assert_eq!(desk.does(&again), "all of it is there already\n");
    desk.does(&["room", "create", "den", "--owner", "ana", "--data", "other"]);
    desk.refuses(&again, 1, "line 2: the database is not empty");
}

#[test]
fn a_line_that_is_wrong_is_named_and_nothing_is_imported() {
    let desk = Desk::new();
    desk.does(&["export", "one"]);
    let right = desk.lines("one");
    let at = |kind: &str| {
        let kind = format!("\"type\":\"{kind}\"");
        right.iter().position(|line| line.contains(&kind)).unwrap()
    };
    let (room, member) = (at("room"), at("member"));
    let rows: [(usize, &str, &str, &str); 8] = [
        (0, "\"format\":1", "\"format\":2", "format"),
        (0, "parlour", "somebody", "no export"),
        (
            room,
            "\"seq\":0",
            "\"seq\":\"0\"",
            "`seq` has to be a whole number",
        ),
        (room, "\"kind\":\"public\"", "\"kind\":\"odd\"", "kind"),
        (
            room,
            "\"type\":\"room\"",
            "\"type\":\"roof\"",
            "is it 'room'?",
        ),
        (room, "\"seq\":0", "\"sequel\":0", "`sequel`"),
        (
            member,
            "\"room\":1",
            "\"room\":7",
            "a row that is not there",
        ),
        (room, "}", "", "no JSON object"),
    ];
    for (line, old, new, told) in rows {
        let mut wrong = right.clone();
        assert!(wrong[line].contains(old), "{}", wrong[line]);
        wrong[line] = wrong[line].replacen(old, new, 1);
        desk.write("wrong", &wrong);
        let named = format!("wrong: line {}: ", line + 1);
        let import = ["import", "wrong", "--data", "other"];
        desk.refuses(&import, 1, &named);
        desk.refuses(&import, 1, told);
    }
    desk.write("wrong", &right[..right.len() - 1]);
    desk.refuses(&["import", "wrong", "--data", "other"], 1, "cut off");
    let mut missing = right.clone();
    missing.remove(member);
    desk.write("wrong", &missing);
    desk.refuses(&["import", "wrong", "--data", "other"], 1, "`lines`");
    assert!(desk.list(&["user", "list", "--data", "other"]).is_empty());
    desk.does(&["import", "one", "--data", "other"]);
}

#[test]
fn a_backup_is_one_file_and_becomes_another_server() {
    let desk = Desk::new();
    desk.does(&["backup", "copy"]);
    assert!(
        fs::read(desk.path().join("copy"))
            .unwrap()
            .starts_with(b"SQLite format 3\0")
    );
    let beside = fs::read_dir(desk.path()).unwrap().count();
    assert_eq!(beside, 2, "the data and the copy");
    desk.refuses(&["backup", "copy"], 1, "--force");
    desk.does(&["backup", "copy", "--force"]);
    desk.refuses(&["backup", "."], 1, "folder");
    desk.does(&["restore", "copy", "--data", "other"]);
    let exported = desk.does(&["export", "--data", "other"]);
    assert_eq!(exported, desk.does(&["export"]));
    assert_eq!(
        desk.does(&["check", "--data", "other"]),
        "nothing is wrong\n"
    );
}

#[test]
fn restoring_replaces_only_when_it_is_told_to() {
    let desk = Desk::new();
    desk.does(&["backup", "copy"]);
    desk.does(&["room", "create", "den"]);
    desk.refuses(&["restore", "copy"], 1, "--force");
    // What is no backup replaces nothing.
    fs::write(desk.path().join("letter"), "dear all").unwrap();
    desk.refuses(&["restore", "letter", "--force"], 1, "letter");
    assert_eq!(desk.list(&["room", "list"]).len(), 2);
    let said = desk.does(&["restore", "copy", "--force"]);
    assert_eq!(desk.list(&["room", "list"]).len(), 1);
    let old = said
        .split(' ')
        .find(|word| word.starts_with("parlour.db.before-"));
    assert!(
        desk.path().join("parlour-data").join(old.unwrap()).exists(),
        "{said}"
    );
}

#[test]
fn damage_is_told_line_by_line() {
    let desk = Desk::new();
    desk.does(&["export", "one"]);
    let wrong = desk.lines("one");
    let wrong: Vec<String> = wrong
        .iter()
        .map(|line| line.replace("\"role\":\"owner\"", "\"role\":\"member\""))
        .collect();
    desk.write("wrong", &wrong);
    desk.does(&["import", "wrong", "--data", "other"]);
    let said = desk.says(&["check", "--data", "other"]);
    assert_eq!(said.code, Some(1), "{said:?}");
    assert_eq!(said.stdout, "room 1: it has members and no owner\n");
    assert!(said.stderr.contains("1 thing"), "{said:?}");
}

// ---------------------------------------------------------------------------------- documents

const ROPES: &str = "# Ropes\n\nHow we treat them.\n\n## Drying\n\nDry a rope before it is stowed, or it \
                     rots.\n\n## Splices\n\nAn eye splice takes five tucks.\n";

impl Desk {
    fn put(&self, name: &str, content: impl AsRef<[u8]>) {
        let path = self.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
    }
}

#[test]
fn documents_are_imported_by_what_is_in_them() {
    let desk = Desk::new();
    desk.put("yard/ropes.md", ROPES);
    desk.put(
        "yard/more/页.html",
        "<title>船坞</title><h1>缆绳</h1><p>缆绳要晾干再收。</p>",
    );
    desk.put("yard/more/wide.txt", b"\xff\xfeP\0a\0i\0n\0t\0");
    desk.put("yard/photo.jpg", b"\xff\xd8\xff");
    desk.put("yard/latin.txt", b"caf\xe9");
    desk.put("yard/binary.txt", b"a\0b");
    desk.put("yard/.hidden.md", "# No\n\nnot this");
    let said = desk.says(&["docs", "import", "yard/"]);
    assert_eq!(said.code, Some(0), "{said:?}");
    assert_eq!(said.stdout, "3 new, 0 changed, 0 as before, 3 left out\n");
    for told in ["photo.jpg is left out", "not in UTF-8", "it is binary"] {
        assert!(said.stderr.contains(told), "{told}: {said:?}");
    }
    let listed = desk.list(&["docs", "list"]);
    let sources: Vec<_> = listed
        .iter()
        .map(|it| it["source"].as_str().unwrap())
        .collect();
    assert_eq!(
        sources,
        ["yard/more/wide.txt", "yard/more/页.html", "yard/ropes.md"]
    );
    assert_eq!(
        (&listed[1]["title"], &listed[2]["passages"]),
        (&"船坞".into(), &3.into())
    );
    // What did not change is as before; what did takes its place, under its number.
    desk.put("yard/ropes.md", ROPES.replace("five", "six"));
    let said = desk.does(&["docs", "import", "./yard"]);
    assert_eq!(said, "0 new, 1 changed, 2 as before, 3 left out\n");
    assert_eq!(
        desk.list(&["docs", "list"])[2]["number"],
        listed[2]["number"]
    );
    let said = desk.does(&["docs", "search", "how many tucks has a splice"]);
    assert!(
        said.starts_with("> An eye splice takes six tucks.\n"),
        "{said}"
    );
    fs::remove_file(desk.path().join("yard/ropes.md")).unwrap();
    let said = desk.does(&["docs", "import", "yard"]);
    assert_eq!(said, "0 new, 0 changed, 2 as before, 3 left out\n");
    let said = desk.does(&["docs", "import", "--prune", "yard"]);
    assert!(
        said.ends_with("3 left out, 1 document forgotten\n"),
        "{said}"
    );
    assert_eq!(
        desk.does(&["docs", "remove", "yard/"]),
        "forgot 2 documents\n"
    );
    assert!(desk.list(&["docs", "list"]).is_empty());
    desk.refuses(
        &["docs", "remove", "yard"],
        1,
        "there is no document 'yard'",
    );
    assert_eq!(desk.does(&["check"]), "nothing is wrong\n");
}

#[test]
fn documents_of_a_room_are_its_own() {
    let desk = Desk::new();
    desk.put("ours.md", ROPES);
    desk.put("all.md", "# Paint\n\nPaint the hull in May.\n");
    let said = desk.does(&[
        "docs",
        "import",
        "--room",
        "general",
        "--title",
        "Our ropes",
        "ours.md",
    ]);
    assert!(said.starts_with("1 new"), "{said}");
    desk.does(&["docs", "import", "all.md"]);
    let ask = |more: &[&str]| desk.list(&[&["docs", "search", "dry ropes"], more].concat());
    assert_eq!(ask(&["--room", "general"])[0]["title"], "Our ropes");
    assert!(ask(&[]).is_empty());
    assert_eq!(
        desk.list(&["docs", "list", "--room", "general"])[0]["source"],
        "ours.md"
    );
    assert_eq!(desk.list(&["docs", "list"])[0]["source"], "all.md");
    let said = desk.does(&["docs", "search", "zebras", "--room", "general"]);
    assert!(
        said.starts_with("I found nothing good about “zebras”"),
        "{said}"
    );
    desk.refuses(
        &["docs", "list", "--room", "nowhere"],
        1,
        "no room \"nowhere\"",
    );
    desk.refuses(&["docs", "import", "absent.md"], 1, "absent.md");
    desk.put("book.PDF", "%PDF-1.7");
    let said = desk.says(&["docs", "import", "book.PDF"]);
    assert!(said.stderr.contains("pdftotext"), "{said:?}");
    desk.refuses(&["docs", "import"], 2, "PATH... is missing");
    desk.refuses(
        &["docs", "import", "--title", "x", "ours.md", "all.md"],
        2,
        "single file",
    );
}

#[test]
fn a_backup_has_the_documents_too() {
    let desk = Desk::new();
    desk.put("ropes.md", ROPES);
    desk.does(&["docs", "import", "ropes.md"]);
    desk.does(&["backup", "all.db"]);
    desk.does(&["restore", "all.db", "--data", "other"]);
    let there = |data: &str| desk.list(&["docs", "list", "--data", data]);
    assert_eq!(there("other"), there("parlour-data"));
    let said = desk.does(&["docs", "search", "splice", "--data", "other"]);
    assert!(said.contains("five tucks"), "{said}");
    assert_eq!(
        desk.does(&["check", "--data", "other"]),
        "nothing is wrong\n"
    );
    // What is restored over them is kept aside, also by a backup that has none.
    desk.does(&["docs", "remove", "ropes.md"]);
    desk.does(&["backup", "none.db"]);
    desk.does(&["restore", "none.db", "--force", "--data", "other"]);
    assert!(there("other").is_empty());
    let kept = fs::read_dir(desk.path().join("other")).unwrap();
    let names = kept.map(|it| it.unwrap().file_name().into_string().unwrap());
    let aside = |name: &String| name.starts_with("docs.db.before-") && !name.ends_with("-wal");
    assert_eq!(names.filter(aside).count(), 1);
}
