//! # House: what the compiler cannot guard
//!
//! Reads the source and ARCHITECTURE.md. Rooms are the folders (or files) right below `src/`;
//! [`FLOORS`] says which rooms each may know. A room that does not exist yet is no error; a room
//! that is in no table is one.

#![allow(
    clippy::unwrap_used,
    reason = "in a test a broken assumption ends the test, and the panic says where"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Each room and the rooms that it may know.
const FLOORS: [(&str, &[&str]); 14] = [
    ("ground", &[]),
    ("http", &["ground"]),
    ("ws", &["ground"]),
    ("nano", &["ground"]),
    ("layer", &["ground"]),
    ("store", &["ground"]),
    ("client", &["http", "ws", "nano", "ground"]),
    ("reactor", &["http", "ws", "ground"]),
    (
        "web",
        &["reactor", "store", "layer", "nano", "http", "ws", "ground"],
    ),
    ("chat", &["store", "layer", "ground"]),
    ("knowledge", &["store", "ground"]),
    (
        "site",
        &[
            "web",
            "chat",
            "knowledge",
            "store",
            "layer",
            "nano",
            "reactor",
            "http",
            "ws",
            "ground",
        ],
    ),
    (
        "cli",
        &[
            "site",
            "chat",
            "knowledge",
            "store",
            "web",
            "reactor",
            "client",
            "nano",
            "http",
            "ws",
            "ground",
        ],
    ),
    (
        "sim",
        &[
            "site", "chat", "store", "web", "reactor", "client", "nano", "http", "ws", "ground",
        ],
    ),
];

/// Where the crate that talks to the kernel's poller may be named.
const MIO: [&str; 2] = ["src/reactor/driver.rs", "src/reactor/driver/"];

/// Where the database may be named: in its room, where the domain's tables are, where the framework
/// keeps one of its own, and where handlers meet it.
const SQLITE: [&str; 5] = [
    "src/store/",
    "src/chat/",
    "src/knowledge/",
    "src/web/session/ledger.rs",
    "src/web/stored.rs",
];

/// Where the machine's clock may be read.
const CLOCK: [&str; 5] = [
    "src/reactor/driver",
    "src/client/",
    "src/client.rs",
    "src/cli/",
    "src/cli.rs",
];

// --------------------------------------------------------------------------------- the promises

#[test]
fn every_room_has_its_line_in_the_table_and_in_architecture_md() {
    let text = read(Path::new("ARCHITECTURE.md"));
    let mut wrong = Vec::new();
    for room in rooms() {
        if !FLOORS.iter().any(|(name, _)| *name == room) {
            wrong.push(format!(
                "src/{room}:1: a room without a floor: say in FLOORS of tests/house.rs which \
                 rooms it may know"
            ));
        }
        let names = [
            format!("`{room}`"),
            format!("`{room}/`"),
            format!("src/{room}"),
        ];
        if !names.iter().any(|name| text.contains(name)) {
            wrong.push(format!(
                "ARCHITECTURE.md:1: the room `{room}/` is not named: give it a paragraph"
            ));
        }
    }
    report(&wrong);
}

#[test]
fn every_path_in_architecture_md_exists() {
    let text = read(Path::new("ARCHITECTURE.md"));
    let mut wrong = Vec::new();
    for (number, line) in text.lines().enumerate() {
        // Every second piece between backticks is inside them.
        for path in line
            .split('`')
            .skip(1)
            .step_by(2)
            .filter(|path| path.starts_with("src/"))
        {
            let plain = |c: char| c.is_ascii_alphanumeric() || "_-./".contains(c);
            if path.chars().all(plain) && !root().join(path).exists() {
                let number = number + 1;
                wrong.push(format!(
                    "ARCHITECTURE.md:{number}: `{path}` does not exist: name what is there now"
                ));
            }
        }
    }
    report(&wrong);
}

#[test]
fn rooms_know_only_lower_floors() {
    let rooms = rooms();
    check_lines(|source| {
        let Some(&(room, may_know)) = FLOORS.iter().find(|(name, _)| *name == source.room()) else {
            return Vec::new();
        };
        let mut wrong = Vec::new();
        for (at, known) in edges(&source.code, &rooms) {
            if known != room && !may_know.contains(&known.as_str()) {
                wrong.push((
                    at,
                    format!(
                        "`{room}` may not know `{known}`: turn the dependency round, or argue the \
                         new edge in the commit and in FLOORS of tests/house.rs"
                    ),
                ));
            }
        }
        for (at, known) in climbs(&source.code, &rooms) {
            if known != room {
                wrong.push((
                    at,
                    format!("another room by `super`: write `crate::{known}`"),
                ));
            }
        }
        wrong
    });
}

#[test]
fn mio_is_named_only_in_the_driver() {
    check_lines(|source| {
        if MIO.iter().any(|place| source.path.starts_with(place)) {
            return Vec::new();
        }
        let tell = "`mio` outside of the driver: hand bytes and readiness up instead";
        words(&source.code, "mio")
            .map(|at| (at, tell.to_owned()))
            .collect()
    });
}

#[test]
fn sqlite_is_named_only_in_the_store() {
    check_lines(|source| {
        if SQLITE.iter().any(|place| source.path.starts_with(place)) {
            return Vec::new();
        }
        let tell = "`rusqlite` outside of the store: give it a job, or argue the place in the \
                    commit and in SQLITE of tests/house.rs";
        words(&source.code, "rusqlite")
            .map(|at| (at, tell.to_owned()))
            .collect()
    });
}

#[test]
fn the_clock_is_read_only_at_the_edge() {
    check_lines(|source| {
        if CLOCK.iter().any(|place| source.path.starts_with(place)) {
            return Vec::new();
        }
        let tell = "a clock is read here: take the time as an argument (`ground::time::Now`)";
        ["Instant::now", "SystemTime::now"]
            .iter()
            .flat_map(|call| words(&source.code, call))
            .map(|at| (at, tell.to_owned()))
            .collect()
    });
}

#[test]
fn every_file_tells_at_its_head_what_it_is_for() {
    check_lines(|source| {
        if source.text.starts_with("//!") {
            return Vec::new();
        }
        vec![(
            0,
            "no `//!` at the head: say what the file is for and promises".to_owned(),
        )]
    });
}

#[test]
fn unsafe_is_only_where_a_reason_is_given() {
    check_lines(|source| {
        let folded: String = source.code.split_whitespace().collect();
        if folded.contains("expect(unsafe_code") {
            return Vec::new();
        }
        let tell = "`unsafe` in a file without `#[expect(unsafe_code, reason = …)]`: do without, \
                    or give the reason";
        words(&source.code, "unsafe")
            .map(|at| (at, tell.to_owned()))
            .collect()
    });
}

// ----------------------------------------------------------------------------- reading the source

/// One file of the source.
struct Source {
    /// From the root of the repository, such as `src/http/head.rs`.
    path: String,
    text: String,
    /// The text with blanks for comments and literals, at the same places.
    code: String,
}

impl Source {
    fn room(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap();
        let first = below.split('/').next().unwrap();
        first.strip_suffix(".rs").unwrap_or(first)
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &Path) -> String {
    let path = root().join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names right below `src/`, without the roots of the two crates.
fn rooms() -> Vec<String> {
    let mut rooms: Vec<String> = sources()
        .iter()
        .map(|source| source.room().to_owned())
        .filter(|room| room != "lib" && room != "main")
        .collect();
    rooms.sort();
    rooms.dedup();
    rooms
}

/// Every file of Rust below `src/`, in the order of its path.
fn sources() -> Vec<Source> {
    let mut folders = vec![root().join("src")];
    let mut paths = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                paths.push(path.strip_prefix(root()).unwrap().to_owned());
            }
        }
    }
    paths.sort();
    let open = |path: PathBuf| {
        let text = read(&path);
        Source {
            path: path.to_str().unwrap().to_owned(),
            code: code_of(&text),
            text,
        }
    };
    paths.into_iter().map(open).collect()
}

/// Collects what `judge` finds in every file, each with its place, and reports all of it.
#[track_caller]
fn check_lines(judge: impl Fn(&Source) -> Vec<(usize, String)>) {
    let mut wrong = Vec::new();
    for source in sources() {
        for (at, tell) in judge(&source) {
            let line = source.text[..at].matches('\n').count() + 1;
            wrong.push(format!("{}:{line}: {tell}", source.path));
        }
    }
    report(&wrong);
}

#[track_caller]
fn report(wrong: &[String]) {
    assert!(
        wrong.is_empty(),
        "the house is not in order:\n{}",
        wrong.join("\n")
    );
}

const fn in_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The word that begins at `at`; empty when none does.
fn word_at(code: &str, at: usize) -> &str {
    let rest = &code[at..];
    let end = rest
        .bytes()
        .position(|byte| !in_word(byte))
        .unwrap_or(rest.len());
    &rest[..end]
}

/// Where `word` stands as a word of its own.
fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    code.match_indices(word)
        .map(|(at, _)| at)
        .filter(move |&at| {
            let before = at.checked_sub(1).map(|before| code.as_bytes()[before]);
            let after = code.as_bytes().get(at + word.len());
            !before.is_some_and(in_word) && !after.is_some_and(|&byte| in_word(byte))
        })
}

/// The rooms that `crate::…` names, in single paths and in groups, and where.
fn edges(code: &str, rooms: &[String]) -> Vec<(usize, String)> {
    let mut edges = Vec::new();
    for at in words(code, "crate") {
        let Some(rest) = code[at..].strip_prefix("crate::") else {
            continue;
        };
        let start = at + "crate::".len();
        if !rest.starts_with('{') {
            edges.push((start, word_at(code, start).to_owned()));
            continue;
        }
        // A group: the first word of each member.
        let (mut depth, mut first) = (0, false);
        for (offset, byte) in rest.bytes().enumerate() {
            match byte {
                b'{' => {
                    depth += 1;
                    first |= depth == 1;
                }
                b'}' => {
                    depth -= 1;
                    if depth == 0 {
                        break;
                    }
                }
                b',' if depth == 1 => first = true,
                _ if first && in_word(byte) => {
                    first = false;
                    edges.push((start + offset, word_at(code, start + offset).to_owned()));
                }
                _ => {}
            }
        }
    }
    edges.retain(|(_, name)| rooms.contains(name));
    edges
}

/// The rooms that two or more `super::` lead to, and where.
fn climbs(code: &str, rooms: &[String]) -> Vec<(usize, String)> {
    let mut climbs = Vec::new();
    for at in words(code, "super") {
        let Some(rest) = code[at..].strip_prefix("super::super::") else {
            continue;
        };
        let name = word_at(rest.trim_start_matches("super::"), 0);
        if rooms.iter().any(|room| room == name) {
            climbs.push((at, name.to_owned()));
        }
    }
    climbs
}

/// `text` with blanks for comments and literals. Line ends stay, so places are the same.
fn code_of(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut code = bytes.to_vec();
    let mut at = 0;
    while at < bytes.len() {
        let end = at + literal(&bytes[at..], at.checked_sub(1).map(|before| bytes[before]));
        if end == at {
            at += 1;
            continue;
        }
        for byte in &mut code[at..end] {
            if *byte != b'\n' {
                *byte = b' ';
            }
        }
        at = end;
    }
    String::from_utf8(code).expect("only whole comments and literals are blanked")
}

/// The length of the comment or literal that begins here; zero when none does.
fn literal(bytes: &[u8], before: Option<u8>) -> usize {
    let until = |from: usize, mark: &[u8]| {
        let found = bytes[from..]
            .windows(mark.len())
            .position(|part| part == mark);
        found.map_or(bytes.len(), |found| from + found + mark.len())
    };
    match bytes {
        [b'/', b'/', ..] => until(2, b"\n"),
        [b'/', b'*', ..] => block_comment(bytes),
        [b'"', ..] => quoted(bytes, b'"'),
        [b'r', b'"' | b'#', ..] if !before.is_some_and(|byte| in_word(byte) && byte != b'b') => {
            let hashes = bytes[1..].iter().take_while(|&&byte| byte == b'#').count();
            if bytes.get(1 + hashes) != Some(&b'"') {
                return 0; // a raw identifier
            }
            let mark = [b"\"".as_slice(), &b"#".repeat(hashes)].concat();
            until(2 + hashes, &mark)
        }
        // A char, not a lifetime: escaped, or closed behind one character.
        [b'\'', b'\\', ..] => quoted(bytes, b'\''),
        [b'\'', rest @ ..] => {
            let wide = rest
                .iter()
                .skip(1)
                .take_while(|&&byte| byte & 0xc0 == 0x80)
                .count();
            if rest.get(1 + wide) == Some(&b'\'') {
                3 + wide
            } else {
                0
            }
        }
        _ => 0,
    }
}

/// The length of a literal in `quote`s with escapes.
fn quoted(bytes: &[u8], quote: u8) -> usize {
    let mut at = 1;
    while at < bytes.len() && bytes[at] != quote {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

/// The length of a block comment, which may hold others.
fn block_comment(bytes: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0);
    while at < bytes.len() {
        match &bytes[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
        if depth == 0 {
            return at;
        }
    }
    bytes.len()
}

// -------------------------------------------------------------------- the reading itself is right

#[test]
fn comments_and_literals_are_no_code() {
    let check = |text: &str, code: &str| assert_eq!(code_of(text), code, "{text}");
    check("a // mio\nb", "a       \nb");
    check("a /* x /* mio */ y */ b", "a                     b");
    check("f(\"mio \\\" // \", 1)", "f(            , 1)");
    check("r#\"a \" b\"# r#type", "           r#type");
    check("'\"' '\\'' 'é' &'a str", "              &'a str");
    check("b\"mio\" b'x'", "b      b   ");
}

#[test]
fn edges_are_found_in_paths_and_in_groups() {
    let rooms = ["http", "ws", "ground"].map(str::to_owned);
    let found = |code: &str| -> Vec<String> {
        edges(code, &rooms)
            .into_iter()
            .map(|(_, name)| name)
            .collect()
    };
    assert_eq!(found("use crate::http::head;"), ["http"]);
    assert_eq!(found("pub(crate) fn x() { crate::ws::mask() }"), ["ws"]);
    assert_eq!(
        found("use crate::{ground::{time, ws}, http, self};"),
        ["ground", "http"]
    );
    assert_eq!(found("$crate::other!(); mycrate::http"), [""; 0]);
    assert_eq!(
        climbs("use super::super::http::x; super::ws", &rooms).len(),
        1
    );
}
