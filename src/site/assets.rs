//! # Assets: the files that pages are made of
//!
//! Styles, scripts, pictures and templates lie in `src/site/assets/` and are part of the program. Both
//! lists are complete: a test compares them with the folder. Somebody who works on them has them read
//! from the folder instead, and sees a change at the next visit.
//!
//! Never knows: what a page says.

use std::path::PathBuf;

use super::hall::Hall;
use crate::web::{App, Asset, Templates};

/// What is served at `/assets/…`.
pub(super) const FILES: &[Asset] = crate::assets!("assets": [
    "css/base.css",
    "css/pages.css",
    "icons/parlour-192.png",
    "icons/parlour-512.png",
    "icons/parlour-mask-512.png",
    "icons/parlour.svg",
    "js/dom.js",
]);

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("assets/pages/", $name)))),*]
    };
}

/// What pages are written with.
const TEMPLATES: &[(&str, &str)] = templates![
    "app.html",
    "base.html",
    "door.html",
    "error.html",
    "fields.html",
    "first.html",
    "home.html",
    "inside.html",
    "message.html",
    "notifications.html",
    "offline.html",
    "password.html",
    "reset.html",
    "room.html",
    "rooms-list.html",
    "rooms.html",
    "settings.html",
    "sign-in.html",
    "sign-out.html",
    "sign-up.html",
    "sw.js",
    "welcome.html",
];

/// Has an app serve them: out of the program, or out of a folder.
pub(super) fn add(app: App<Hall>, folder: Option<PathBuf>) -> App<Hall> {
    match folder {
        None => app
            .embedded("/assets", FILES)
            .templates(Templates::embedded(TEMPLATES)),
        Some(folder) => {
            let templates = Templates::folder(folder.join("pages")).reload(true);
            app.assets("/assets", folder).templates(templates)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    use super::*;

    /// The files of a folder and of those in it, by their paths from `root`.
    fn found(root: &Path, folder: &Path, into: &mut BTreeSet<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                found(root, &path, into);
            } else {
                let path = path.strip_prefix(root).unwrap();
                into.insert(path.to_str().unwrap().to_owned());
            }
        }
    }

    #[test]
    fn every_file_is_part_of_the_program() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/site/assets");
        let mut there = BTreeSet::new();
        found(&root, &root, &mut there);
        let files = FILES.iter().map(|asset| asset.path.to_owned());
        let templates = TEMPLATES.iter().map(|(name, _)| format!("pages/{name}"));
        let listed: BTreeSet<String> = files.chain(templates).collect();
        let missing: Vec<_> = there.difference(&listed).collect();
        assert!(
            missing.is_empty(),
            "name {missing:?} in FILES or TEMPLATES of src/site/assets.rs"
        );
        assert!(FILES.is_sorted_by(|one, other| one.path < other.path));
        assert!(TEMPLATES.is_sorted());
    }
}
