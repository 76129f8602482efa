//! # Weight: what a first visit transfers

use std::collections::BTreeMap;

use crate::people::Browser;
use crate::support::{Place, between, say};

/// What a first visit may transfer, in bytes of bodies as they are sent.
const WEIGHT_MAX: usize = 60_000;

#[test]
fn a_first_visit_is_light() {
    let (_place, mut ana) = Place::begun();
    for n in 0..60 {
        say(
            &mut ana,
            "general",
            &format!("This is message **{n}**, about as long as most are."),
        );
    }
    let mut visit = Visit::default();
    visit.load(&mut ana, "/r/general");
    let all: usize = visit.sizes.values().sum();
    let mut sizes: Vec<_> = visit.sizes.iter().collect();
    sizes.sort_by_key(|(_, size)| std::cmp::Reverse(**size));
    assert!(all < WEIGHT_MAX, "{all} bytes: {sizes:#?}");
    println!("{all} bytes: {sizes:#?}");
    let has = |path: &str| visit.sizes.keys().any(|it| it.starts_with(path));
    assert!(has("/assets/css/all.css") && has("/assets/js/all.js"));
}

/// What was loaded so far, and how much it was.
#[derive(Default)]
struct Visit {
    sizes: BTreeMap<String, usize>,
}

impl Visit {
    /// Loads a file and all that it says is needed at once.
    fn load(&mut self, browser: &mut Browser, path: &str) {
        if self.sizes.contains_key(path) {
            return;
        }
        let packed = browser.ask("GET", path, &[("Accept-Encoding", "gzip")], b"");
        let packed = packed.expect(200);
        self.sizes.insert(path.to_owned(), packed.body.len());
        let plain = browser.get(path).expect(200);
        let kind = plain.field("content-type").unwrap_or_default().to_owned();
        let needed = match kind.split(';').next().unwrap_or_default() {
            "text/html" => of_page(plain.text()),
            "text/javascript" => of_script(plain.text(), path),
            "text/css" => of_style(plain.text(), path),
            _ => Vec::new(),
        };
        for path in needed {
            self.load(browser, &path);
        }
    }
}

/// Styles, scripts and pictures of a page.
fn of_page(page: &str) -> Vec<String> {
    let tags = between(page, "<", ">");
    let loads = |tag: &&str| {
        tag.starts_with("link ") || tag.starts_with("script ") || tag.starts_with("img ")
    };
    let address = |tag: &str| {
        let found = [between(tag, "src=\"", "\""), between(tag, "href=\"", "\"")].concat();
        found.first().map(|it| (*it).to_owned())
    };
    let is_icon = |tag: &&str| !tag.contains("apple-touch-icon");
    tags.into_iter()
        .filter(loads)
        .filter(is_icon)
        .filter_map(address)
        .collect()
}

/// What a script imports before it runs, and the sheet of pictures that scripts use.
fn of_script(text: &str, path: &str) -> Vec<String> {
    let code: Vec<&str> = text
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let code = code.join("\n");
    let mut found = Vec::new();
    for begin in ["from \"", "import \""] {
        found.extend(
            between(&code, begin, "\"")
                .into_iter()
                .map(|it| beside(path, it)),
        );
    }
    if code.contains("/assets/icons.svg") {
        found.push("/assets/icons.svg".to_owned());
    }
    found
}

fn of_style(text: &str, path: &str) -> Vec<String> {
    let addresses = between(text, "url(", ")")
        .into_iter()
        .map(|it| it.trim_matches(['"', '\'']));
    let own = addresses.filter(|it| !it.starts_with("data:") && !it.starts_with('#'));
    own.map(|it| beside(path, it)).collect()
}

/// An address as it is meant in a file.
fn beside(path: &str, address: &str) -> String {
    if address.starts_with('/') {
        return address.to_owned();
    }
    let mut parts: Vec<&str> = path.split('/').collect();
    parts.pop();
    for part in address.split('/') {
        match part {
            "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.join("/")
}
