//! # Uploads: files that go with messages, or are somebody's picture
//!
//! A file arrives in a form, in the field `file`, or is the body itself, and lies in a temporary file
//! before anybody is asked for anything. A helper brings it to its place; then it gets its row.
//!
//! Promises
//! 1. A file is shown only to whoever may see the message that it goes with, to whoever uploaded it,
//!    and, if it is a picture of a person, to everybody who is signed in.
//! 2. What a browser would run is never shown as a page of this site, whatever its sender called it.

use std::fs::File;
use std::io::{self, ErrorKind, Read};
use std::path::Path;

use super::asking::{Answered, answer, query, segment, settled, want};
use crate::chat::limits::UPLOAD_BYTES_MAX;
use crate::chat::{Code, Files, Kept, Operation, Refusal, Upload, summary, uploaded};
use crate::http::{Status, file_name, media};
use crate::site::fields::Fields;
use crate::site::hall::{Hall, want as want_at_last};
use crate::site::picture::{self, Size};
use crate::site::{auth, docs};
use crate::site::{questions, secret, wire};
use crate::store::{Database, StoreError};
use crate::web::{Busy, Cx, Reply, Tick, Upload as Sent, Wait};

/// Bytes of a request with a file: what a form adds to it.
pub(super) const REQUEST_BYTES_MAX: u64 = UPLOAD_BYTES_MAX + (64 << 10);

/// What is shown in its place: browsers play it and run nothing of it. All else is saved.
const SHOWN: [&str; 18] = [
    "audio/aac",
    "audio/flac",
    "audio/mp4",
    "audio/mpeg",
    "audio/ogg",
    "audio/wav",
    "audio/webm",
    "image/avif",
    "image/bmp",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "image/x-icon",
    "text/plain",
    "video/mp4",
    "video/ogg",
    "video/webm",
];

/// Nothing of it may run or load anything.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; sandbox";

/// This server keeps no files.
fn nowhere() -> Refusal {
    Refusal::new(Code::NotSupported, "This server keeps no files.")
}

// -------------------------------------------------------------------------------------- bringing

/// `POST /uploads`: keeps a file.
pub(super) fn add(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let files = cx.state.files.clone().ok_or_else(nowhere)?;
    let map = query(cx, &["name"], &[], &[]);
    let said = Fields(&map).maybe_text("name")?;
    // As the body itself it has no field.
    let upload = cx
        .request
        .take_upload("file")
        .or_else(|| cx.request.take_upload(""));
    let Some(upload) = upload else {
        let tell = "There is no `file`. Send one in a form, in the field `file`, or as the body.";
        return Err(Refusal::field("file", tell));
    };
    if upload.len() > UPLOAD_BYTES_MAX {
        return Err(too_large(upload.len()));
    }
    let name = file_name::safe(said.unwrap_or_else(|| upload.file_name()));
    let media = media_of(upload.media_type(), &name);
    let id = secret::fresh_id()?;
    let is_picture = media.starts_with("image/");
    let bringing = Wait::on_helper(move || keep(&files, upload, is_picture));
    Ok(bringing.then(move |cx: &mut Cx<'_, Hall>, kept| {
        settled(kept.map_err(|error| failed(&error)).map(|(kept, size)| {
            let json = wire::upload(&id, &name, &media, kept.bytes, size);
            let operation = Operation::AddUpload {
                id,
                hash: kept.hash,
                name,
                media,
                bytes: kept.bytes,
                size,
            };
            want(cx, Some(identity.user), None, operation, move |_, _| {
                Ok(Reply::of(answer(Status::CREATED, json)))
            })
        }))
    }))
}

fn keep(files: &Files, upload: Sent, is_picture: bool) -> io::Result<(Kept, Option<Size>)> {
    let mut incoming = files.arrive(UPLOAD_BYTES_MAX)?;
    upload.copy_to(&mut incoming)?;
    let kept = incoming.keep()?;
    let size = match files.path(&kept.hash) {
        Some(path) if is_picture => size_of(&path)?,
        _ => None,
    };
    Ok((kept, size))
}

fn size_of(path: &Path) -> io::Result<Option<Size>> {
    let mut head = Vec::new();
    let file = File::open(path)?;
    file.take(picture::HEAD_BYTES).read_to_end(&mut head)?;
    Ok(picture::size(&head))
}

/// What a file is: as its sender says, if that can be a type, or as its name says.
fn media_of(sent: Option<&str>, name: &str) -> String {
    let essence = |text: &str| {
        let essence = text.split(';').next().unwrap_or_default();
        essence.trim().to_ascii_lowercase()
    };
    let is_type = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "!#$&-^_.+".contains(c);
        text.split_once('/').is_some_and(|(kind, sub)| {
            let parts = [kind, sub];
            parts
                .iter()
                .all(|it| !it.is_empty() && it.chars().all(plain))
        })
    };
    let sent = sent.map(essence).filter(|it| is_type(it));
    // What tools call everything says nothing.
    let sent =
        sent.filter(|it| it != media::OCTET_STREAM && it != "application/x-www-form-urlencoded");
    sent.filter(|it| it.len() <= 127)
        .unwrap_or_else(|| essence(media::by_path(name)))
}

fn too_large(bytes: u64) -> Refusal {
    let tell = format!("The file has {bytes} bytes, and at most {UPLOAD_BYTES_MAX} are allowed.");
    Refusal::new(Code::TooLong, tell)
}

fn failed(error: &io::Error) -> Refusal {
    match error.kind() {
        ErrorKind::FileTooLarge => too_large(UPLOAD_BYTES_MAX + 1),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::ReadOnlyFilesystem => {
            let tell = format!("The file cannot be stored: {error}.");
            Refusal::later(Code::Storage, tell, 5000)
        }
        _ => {
            log::error!("a file cannot be stored: {error}");
            let tell = "The server cannot store the file; why is in its log.";
            Refusal::later(Code::Storage, tell, 5000)
        }
    }
}

// --------------------------------------------------------------------------------------- showing

/// `GET /uploads/{id}/{name}`: the file. Its name in the path is for people.
pub(super) fn show(cx: &mut Cx<'_, Hall>) -> Answered {
    let identity = auth::identity(cx)?;
    let nothing = || Refusal::not_found("There is no such file, or you may not see it.");
    let id = segment(cx, "id")?;
    let (upload, room) = cx.state.look(|tables, horizon| {
        let upload = uploaded(tables, &id)?;
        let room = match upload.as_ref().and_then(|upload| upload.message) {
            Some((room, _)) => summary::summary(tables, room, identity.user, horizon)?,
            None => None,
        };
        Ok((upload, room))
    })?;
    let upload = upload.ok_or_else(nothing)?;
    if !upload.is_avatar && upload.by != identity.user {
        let room = room.ok_or_else(nothing)?;
        if room.joined.is_none() {
            return Err(questions::not_inside(&room.name));
        }
    }
    let files = cx.state.files.as_ref().ok_or_else(nowhere)?;
    let path = files.path(&upload.hash).ok_or_else(nothing)?;
    let file = cx
        .file(path)
        .content_type(shown_as(&upload))
        .field("X-Content-Type-Options", "nosniff")
        .field("Content-Security-Policy", POLICY)
        .field("Cross-Origin-Resource-Policy", "same-origin");
    Ok(Reply::of(match is_shown(&upload.media) {
        true => file,
        false => file.save_as(upload.name),
    }))
}

fn is_shown(media: &str) -> bool {
    SHOWN.contains(&media)
}

/// The type that a browser is told.
fn shown_as(upload: &Upload) -> String {
    match &*upload.media {
        "text/plain" => "text/plain; charset=utf-8".to_owned(),
        media if is_shown(media) => media.to_owned(),
        // Some programs show what is saved as what it is said to be.
        _ => media::OCTET_STREAM.to_owned(),
    }
}

// ---------------------------------------------------------------------------------- housekeeping

/// Folders of files that are looked through in one go: some milliseconds of a helper's time.
const FOLDERS: u8 = 16;

/// Forgets what has had its time, and then the files that nothing is left of.
pub(in crate::site) fn tidy(tick: &mut Tick<'_, Hall>) {
    let operation = Operation::Tidy;
    want_at_last(
        tick.state,
        &mut tick.house,
        None,
        None,
        operation,
        |tick, verdict| match verdict {
            Ok(_) => {
                sweep(tick, 0);
                docs::tidy(tick);
            }
            Err(refusal) => log::warn!("what has had its time stays for now: {refusal}"),
        },
    );
}

fn sweep(tick: &mut Tick<'_, Hall>, first: u8) {
    let Some(files) = tick.state.files.clone() else {
        return;
    };
    let database = tick.state.database.clone();
    let now = tick.house.now().unix_ms;
    let last = first.saturating_add(FOLDERS - 1);
    let job = move || -> Result<(), Unswept> {
        for folder in first..=last {
            sweep_folder(&files, &database, folder, now)?;
        }
        Ok(())
    };
    let swept = Wait::on_helper(job);
    tick.house.wait(swept, move |tick, swept| match swept {
        Ok(Ok(())) => {
            if let Some(next) = last.checked_add(1) {
                sweep(tick, next);
            }
        }
        Ok(Err(error)) => log::warn!("files that nobody needs stay for now: {error}"),
        Err(Busy) => log::warn!("files that nobody needs stay for now: {Busy}"),
    });
}

fn sweep_folder(files: &Files, database: &Database, folder: u8, now: u64) -> Result<(), Unswept> {
    let reader = database.reader().map_err(Unswept::Store)?;
    let is_in_use = |hash: &str| {
        let used = reader.query(|tables| crate::chat::is_in_use(tables, hash));
        used.map_err(Unswept::Store)
    };
    files.sweep(folder, now, is_in_use).map(drop)
}

/// Why files were not removed.
#[derive(Debug)]
enum Unswept {
    Store(StoreError),
    Disk(io::Error),
}

impl From<io::Error> for Unswept {
    fn from(error: io::Error) -> Self {
        Self::Disk(error)
    }
}

impl std::fmt::Display for Unswept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Disk(error) => error.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::Duration;

    use super::*;
    use crate::chat::{Title, UserId, UserName};
    use crate::reactor::driver::Driver;
    use crate::store::Durability;
    use crate::web::Remote;

    #[test]
    fn a_type_is_one_or_follows_from_the_name() {
        let check = |sent: Option<&str>, name: &str, expected: &str| {
            assert_eq!(media_of(sent, name), expected, "{sent:?} {name}");
        };
        check(Some("Image/PNG; x=y"), "a.txt", "image/png");
        check(None, "a.png", "image/png");
        check(None, "a.txt", "text/plain");
        check(Some("application/octet-stream"), "a.mp4", "video/mp4");
        check(Some("text/html\r\nX: y"), "a", "application/octet-stream");
        check(Some("nonsense"), "a", "application/octet-stream");
        check(Some(""), "a.gif", "image/gif");
    }

    /// A file that nothing names, old enough to go, goes with the next tidying; one that has a row
    /// stays.
    #[test]
    fn files_without_a_row_go() {
        let data = tempfile::tempdir().unwrap();
        let files = Files::beside(data.path());
        let lay = |content: &[u8]| {
            let mut incoming = files.arrive(100).unwrap();
            incoming.write_all(content).unwrap();
            let kept = incoming.keep().unwrap();
            let path = files.path(&kept.hash).unwrap();
            let file = File::options().write(true).open(&path).unwrap();
            file.set_modified(std::time::UNIX_EPOCH).unwrap();
            (kept, path)
        };
        let (used, stays) = lay(b"used");
        let (_, goes) = lay(b"unused");
        let database = crate::chat::open(data.path(), Durability::Relaxed, "e", 1).unwrap();
        let hall = Hall::open(database, 1).unwrap().files(files.clone());
        let app = crate::site::app(hall, crate::site::Choices::default());
        let driver = Driver::open(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let make = move |tick: &mut Tick<'_, Hall>| {
            let sign_up = Operation::SignUp {
                name: UserName::trusted("ana"),
                display_name: Title::trusted("Ana"),
                email: None,
                password: "x".to_owned(),
                invite: None,
            };
            let add = Operation::AddUpload {
                id: "id".to_owned(),
                hash: used.hash,
                name: "a".to_owned(),
                media: "text/plain".to_owned(),
                bytes: used.bytes,
                size: None,
            };
            let (hall, house) = (&mut *tick.state, &mut tick.house);
            want_at_last(hall, house, None, None, sign_up, |_, _| {});
            want_at_last(hall, house, Some(UserId(1)), None, add, |tick, _| {
                tidy(tick)
            });
        };
        let gone = goes.clone();
        let begin = |_: &[_], remote: Remote<Hall>| {
            let after = remote.clone();
            let look = move |tick: &mut Tick<'_, Hall>| {
                let mut looks = 0;
                tick.house.every(Duration::from_millis(2), move |_| {
                    looks += 1;
                    if looks > 5000 || !gone.exists() {
                        after.stop();
                    }
                });
            };
            remote.act(make).unwrap();
            remote.act(look).unwrap();
        };
        app.serve_on(driver, begin).unwrap();
        assert!(!goes.exists());
        assert!(stays.exists());
    }

    #[test]
    fn what_could_run_is_saved() {
        for media in [
            "text/html",
            "image/svg+xml",
            "application/pdf",
            "text/xml",
            "",
        ] {
            assert!(!is_shown(media), "{media}");
        }
        assert!(SHOWN.is_sorted());
    }
}
