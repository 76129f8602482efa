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
