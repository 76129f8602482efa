//! # Assets: the files that pages are made of
//!
//! Styles, scripts, pictures and templates lie in `src/site/assets/` and are part of the program. Both
//! lists are complete: a test compares them with the folder. They are sent without comments
//! ([`lean`]), and what a first visit needs as one file ([`Bundle`]). Somebody who works on them has them read from the folder instead, as they are, and sees a
//! change at the next visit.
//!
//! Never knows: what a page says.

use std::borrow::Cow;
use std::hash::{Hash, Hasher};
use std::path::PathBuf;
use std::sync::LazyLock;

use super::bundle::{Bundle, Modules};
use super::hall::Hall;
use super::lean::lean;
use crate::http::{Response, Status};
use crate::web::{App, Asset, Cx, Templates};

/// What is served at `/assets/…`.
pub(super) const FILES: &[Asset] = crate::assets!("assets": [
    "css/app.css",
    "css/base.css",
    "css/document.css",
    "css/door.css",
    "css/over.css",
    "css/pages.css",
    "css/poll.css",
    "css/room.css",
    "css/settings.css",
    "css/tools.css",
    "icons.svg",
    "icons/parlour-192.png",
    "icons/parlour-512.png",
    "icons/parlour-mask-512.png",
    "icons/parlour.svg",
    "js/admin.js",
    "js/alert.js",
    "js/anchor.js",
    "js/announce.js",
    "js/api.js",
    "js/asked.js",
    "js/attach.js",
    "js/attend.js",
    "js/avatar.js",
    "js/badge.js",
    "js/banner.js",
    "js/browse.js",
    "js/change.js",
    "js/charts.js",
    "js/choices.js",
    "js/complete.js",
    "js/composer.js",
    "js/create.js",
    "js/dashboard.js",
    "js/dealing.js",
    "js/deeds.js",
    "js/device.js",
    "js/devices.js",
    "js/dialog.js",
    "js/documents.js",
    "js/dom.js",
    "js/drafts.js",
    "js/emoji.js",
    "js/emoji_find.js",
    "js/emoji_table.js",
    "js/events.js",
    "js/files.js",
    "js/finding.js",
    "js/folk.js",
    "js/form.js",
    "js/header.js",
    "js/help.js",
    "js/invites.js",
    "js/keeping.js",
    "js/keys.js",
    "js/lightbox.js",
    "js/link.js",
    "js/log.js",
    "js/main.js",
    "js/markdown.js",
    "js/members.js",
    "js/menu.js",
    "js/message.js",
    "js/notices.js",
    "js/obey.js",
    "js/outbox.js",
    "js/ownmenu.js",
    "js/page.js",
    "js/panel.js",
    "js/parts.js",
    "js/people.js",
    "js/person.js",
    "js/picker.js",
    "js/placeholder.js",
    "js/poll.js",
    "js/profile.js",
    "js/quotes.js",
    "js/reading.js",
    "js/render.js",
    "js/rest.js",
    "js/room.js",
    "js/roommenu.js",
    "js/route.js",
    "js/scopes.js",
    "js/search.js",
    "js/settings.js",
    "js/sheet.js",
    "js/sidebar.js",
    "js/since.js",
    "js/slash.js",
    "js/sources.js",
    "js/store.js",
    "js/stream.js",
    "js/switcher.js",
    "js/time.js",
    "js/timeline.js",
    "js/toast.js",
    "js/typing.js",
    "js/users.js",
    "js/webhooks.js",
    "js/window.js",
]);

/// The same as they are sent: made once in a program, and kept as long as it runs.
static SENT: LazyLock<Vec<Asset>> =
    LazyLock::new(|| sent().expect("a test puts these very files together"));

/// The module that begins, and the file that it is sent in with all that it needs for that.
const BEGIN: &str = "main";
const ALL: &str = "all";

/// The files without what only their readers need, and what a first visit needs as one.
fn sent() -> Result<Vec<Asset>, String> {
    let mut sent: Vec<Asset> = FILES.iter().map(leaned).collect();
    let one = |path: &&str| sent.iter().find(|file| file.path == *path);
    let styles = STYLES.iter().filter_map(one).map(|file| file.bytes);
    let styles = styles.collect::<Vec<_>>().concat();
    let modules: Modules<'_> = sent.iter().filter_map(as_module).collect();
    let bundle = Bundle::new(BEGIN, &modules)?;
    sent.retain(|file| as_module(file).is_none_or(|(name, _)| !bundle.has(name)));
    for file in &mut sent {
        if let Some((_, text)) = as_module(file) {
            file.bytes = bundle.lead(text, ALL)?.into_bytes().leak();
        }
    }
    sent.push(Asset {
        path: "css/all.css",
        bytes: styles.leak(),
    });
    sent.push(Asset {
        path: "js/all.js",
        bytes: bundle.text.into_bytes().leak(),
    });
    Ok(sent)
}

fn leaned(file: &Asset) -> Asset {
    let text = str::from_utf8(file.bytes).map(|text| lean(file.path, text));
    let bytes = match text {
        Ok(Cow::Owned(text)) => text.into_bytes().leak(),
        Ok(Cow::Borrowed(_)) | Err(_) => file.bytes,
    };
    Asset {
        path: file.path,
        bytes,
    }
}

fn as_module(file: &Asset) -> Option<(&'static str, &'static str)> {
    let name = file.path.strip_prefix("js/")?.strip_suffix(".js")?;
    Some((name, str::from_utf8(file.bytes).ok()?))
}

/// The styles of pages that scripts take over, in their order. They are sent as one file: it is a fifth
/// smaller than they are, and there sooner.
const STYLES: [&str; 4] = [
    "css/base.css",
    "css/app.css",
    "css/room.css",
    "css/pages.css",
];

/// Which files browsers keep for the time without a network: all but those that the system keeps, and
/// those that are part of another.
pub(super) fn shell() -> Vec<&'static str> {
    let is_needed = |path: &&str| !path.ends_with(".png") && !STYLES[1..].contains(path);
    SENT.iter()
        .map(|file| file.path)
        .filter(is_needed)
        .collect()
}

/// Where the files are a folder's, the one file of styles names the others.
fn named_styles(_: &mut Cx<'_, Hall>) -> Response {
    let each = STYLES.map(|path| format!("@import \"/assets/{path}\";\n"));
    naming("text/css; charset=utf-8", each.concat())
}

/// And so does the one of scripts.
fn named_scripts(_: &mut Cx<'_, Hall>) -> Response {
    let begin = format!("import \"/assets/js/{BEGIN}.js\";\n");
    naming("text/javascript; charset=utf-8", begin)
}

fn naming(media: &str, text: String) -> Response {
    let answer = Response::new(Status::OK).field("Content-Type", media);
    answer.field("Cache-Control", "no-cache").body(text)
}

macro_rules! templates {
    ($($name:literal),* $(,)?) => {
        &[$(($name, include_str!(concat!("assets/pages/", $name)))),*]
    };
}

/// What pages are written with.
const TEMPLATES: &[(&str, &str)] = templates![
    "app.html",
    "base.html",
    "document.html",
    "door.html",
    "error.html",
    "fields.html",
    "first.html",
    "home.html",
    "icon.html",
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

/// Differs for different templates.
pub(super) fn pages_version() -> String {
    // With fixed keys: the same after each start.
    let mut hasher = std::hash::DefaultHasher::new();
    TEMPLATES.hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}

/// Has an app serve them: out of the program, or out of a folder.
pub(super) fn add(app: App<Hall>, folder: Option<PathBuf>) -> App<Hall> {
    match folder {
        None => app
            .embedded("/assets", &SENT)
            .templates(Templates::embedded(TEMPLATES)),
        Some(folder) => {
            let templates = Templates::folder(folder.join("pages")).reload(true);
            app.get("/assets/css/all.css", named_styles)
                .get("/assets/js/all.js", named_scripts)
                .assets("/assets", folder)
                .templates(templates)
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
    fn they_can_be_put_together() {
        let sent = sent().unwrap();
        let find = |path: &str| sent.iter().find(|file| file.path == path);
        assert!(find("js/all.js").is_some() && find("js/settings.js").is_some());
        assert!(find("js/main.js").is_none(), "it is part of all.js");
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
