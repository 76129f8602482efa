//! # Files: styles, scripts and pictures, the manifest and the worker

use crate::people::Browser;
use crate::support::{Place, between};

const GZIP: (&str, &str) = ("Accept-Encoding", "gzip");

#[test]
fn files_are_compressed_and_asked_for_again_or_kept_for_ever() {
    let place = Place::empty();
    let mut browser = place.browser();
    let path = "/assets/css/base.css";
    let plain = browser.get(path).expect(200);
    let packed = browser.ask("GET", path, &[GZIP], b"").expect(200);
    assert_eq!(plain.field("content-encoding"), None);
    assert_eq!(packed.field("content-encoding"), Some("gzip"));
    assert!(packed.body.len() * 2 < plain.body.len());
    assert_ne!(packed.field("etag"), plain.field("etag"));
    for (answer, coding) in [(&plain, None), (&packed, Some(GZIP))] {
        assert_eq!(answer.field("cache-control"), Some("no-cache"));
        assert_eq!(answer.field("vary"), Some("Accept-Encoding"));
        assert_eq!(
            answer.field("content-type"),
            Some("text/css; charset=utf-8")
        );
        let mut fields = vec![("If-None-Match", answer.field("etag").unwrap())];
        fields.extend(coding);
        let again = browser.ask("GET", path, &fields, b"").expect(304);
        assert_eq!(again.field("etag"), answer.field("etag"));
    }
    // Pictures gain nothing by it.
    let picture = browser.ask("GET", "/assets/icons/parlour-192.png", &[GZIP], b"");
    let picture = picture.expect(200);
    assert_eq!(picture.field("content-encoding"), None);
    assert_eq!(picture.field("content-type"), Some("image/png"));
    // By its hash a file is kept.
    let page = browser.get("/first").expect(200);
    let versioned = between(page.text(), "href=\"/assets/icons/parlour.svg?v=", "\"");
    let path = format!("/assets/icons/parlour.svg?v={}", versioned[0]);
    let kept = browser.get(&path).expect(200);
    assert!(kept.field("cache-control").unwrap().contains("immutable"));
    browser.get("/assets/nothing.css").expect(404);
    browser.get("/assets/pages/base.html").expect(404);
    browser.get("/assets/../Cargo.toml").expect(404);
}

#[test]
fn pages_are_compressed() {
    let place = Place::empty();
    let mut browser = place.browser();
    let page = browser.ask("GET", "/first", &[GZIP], b"").expect(200);
    assert_eq!(page.field("content-encoding"), Some("gzip"));
}

#[test]
fn it_can_be_installed() {
    let (_place, mut ana) = Place::begun();
    let manifest = ana.get("/manifest.webmanifest").expect(200);
    assert_eq!(
        manifest.field("content-type"),
        Some("application/manifest+json")
    );
    let manifest = manifest.json();
    assert_eq!(manifest["name"], "Quilt & Co");
    assert_eq!(manifest["display"], "standalone");
    let icons = manifest["icons"].as_array().unwrap();
    for size in ["any", "192x192", "512x512"] {
        assert!(icons.iter().any(|icon| icon["sizes"] == size), "{size}");
    }
    for icon in icons {
        let picture = ana.get(icon["src"].as_str().unwrap()).expect(200);
        let head: &[u8] = if icon["sizes"] == "any" {
            b"<svg"
        } else {
            b"\x89PNG"
        };
        assert!(picture.body.starts_with(head), "{icon}");
    }
    let page = ana.get("/").expect(200);
    assert!(
        page.text()
            .contains("<link rel=\"manifest\" href=\"/manifest.webmanifest\">")
    );
    assert_eq!(
        ana.get("/favicon.ico").expect(303).field("location"),
        Some("/assets/icons/parlour.svg")
    );
}

/// The addresses that the worker keeps.
fn shell(browser: &mut Browser) -> Vec<String> {
    let worker = browser.get("/sw.js").expect(200);
    assert_eq!(
        worker.field("content-type"),
        Some("text/javascript; charset=utf-8")
    );
    assert_eq!(worker.field("cache-control"), Some("no-cache"));
    let list = between(worker.text(), "const SHELL = [", "]")[0].to_owned();
    let texts = list.split('"').skip(1).step_by(2);
    texts.map(str::to_owned).collect()
}

#[test]
fn the_worker_keeps_the_shell_as_it_is_and_nothing_else() {
    let place = Place::empty();
    let mut browser = place.browser();
    let kept = shell(&mut browser);
    assert!(
        kept.iter()
            .any(|path| path.starts_with("/assets/js/all.js?v=")),
        "{kept:?}"
    );
    assert!(
        kept.iter().any(|path| path.starts_with("/offline?v=")),
        "{kept:?}"
    );
    for path in &kept {
        assert!(
            path.starts_with("/assets/") || path.starts_with("/offline?"),
            "{path}"
        );
        let file = browser.get(path).expect(200);
        if path.starts_with("/assets/") {
            // The hash is that of the content, so that another content is another list.
            assert!(
                file.field("cache-control").unwrap().contains("immutable"),
                "{path}"
            );
        }
    }
    assert_eq!(
        shell(&mut Place::empty().browser()),
        kept,
        "the same program keeps the same"
    );
}

#[test]
fn whoever_works_on_the_files_sees_them_as_they_are() {
    let folder = tempfile::tempdir().unwrap();
    let from = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/site/assets");
    copy(&from, folder.path());
    let place = Place::with(&["--assets", folder.path().to_str().unwrap()]);
    let mut browser = place.browser();
    browser.get("/first").expect(200);
    std::fs::write(folder.path().join("css/base.css"), "/* new */").unwrap();
    std::fs::write(folder.path().join("pages/first.html"), "<p>new page").unwrap();
    assert_eq!(
        browser.get("/assets/css/base.css").expect(200).text(),
        "/* new */"
    );
    assert_eq!(browser.get("/first").expect(200).text(), "<p>new page");
    let kept = shell(&mut browser);
    assert_eq!(kept.len(), 1, "no file that is worked on is kept: {kept:?}");
}

fn copy(from: &std::path::Path, to: &std::path::Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}
