//! # Files: sending one without the loop waiting for the disk
//!
//! A helper opens the file and looks at it; the loop decides what the answer is. A small file comes
//! with that look, a large one piece by piece while the client takes it.
//!
//! Promises
//! 1. The loop never touches the disk.
//! 2. What is not a plain file is not there: a device or a pipe is never opened for reading.
//! 3. An answer whose file changes its length under way is broken off and never looks whole.

use std::fs::{File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::cx::Cx;
use super::error::Error;
use super::event::Event;
use super::helper::{Busy, Wait};
use super::reply::{IntoReply, Reply};
use super::stream::{Feed, Flow, stream};
use crate::http::{
    Coding, Head, HeadShape, Method, Representation, Response, Selection, Status, media,
};
use crate::reactor::Sent;

/// What is read whole, in one visit to the helper. Larger ones would keep it from others' jobs, and
/// would lie in memory for as long as their slowest reader takes.
const WHOLE_BYTES_MAX: u64 = 256 * 1024;

/// What a large file is read in.
const PIECE_BYTES: u64 = 64 * 1024;

/// How long a file waits that finds the helper's queue full.
const BUSY_WAIT: Duration = Duration::from_millis(50);

/// What tells whether a file is still the one that was looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    pub(super) length: u64,
    pub(super) modified_s: i64,
    pub(super) modified_ns: i64,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            length: metadata.len(),
            modified_s: metadata.mtime(),
            modified_ns: metadata.mtime_nsec(),
        }
    }

    /// As an entity tag. The forms of a file that differ by their coding differ by their tags.
    fn tag(&self, coding: Coding) -> String {
        let Self {
            length,
            modified_s,
            modified_ns,
        } = self;
        let form = coding
            .name()
            .map_or_else(String::new, |it| format!("-{it}"));
        format!("\"{modified_s:x}.{modified_ns:x}-{length:x}{form}\"")
    }
}

/// What is asked of a file, so that a helper can look at it too.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    head: Vec<u8>,
    shape: HeadShape,
    unix_ms: u64,
}

impl Asked {
    pub(super) fn of<S>(cx: &Cx<'_, S>) -> Self {
        let head = cx.request.head();
        Self {
            head: head.bytes().to_vec(),
            shape: head.shape(),
            unix_ms: cx.house.now().unix_ms,
        }
    }

    pub(super) fn head(&self) -> Head<'_> {
        Head::rebind(&self.head, self.shape)
    }

    pub(super) const fn unix_ms(&self) -> u64 {
        self.unix_ms
    }
}

/// A file that was found, and as much of it as the answer needs.
#[derive(Debug)]
pub(super) struct Found {
    stamp: Stamp,
    content_type: String,
    coding: Coding,
    content: Content,
}

#[derive(Debug)]
enum Content {
    /// The answer is about the file and has none of it.
    Nothing,
    Whole(Vec<u8>),
    Open(File),
}

/// Opens a plain file, or finds that there is none. Waits for the disk.
pub(super) fn open(path: &Path, follows_links: bool) -> io::Result<Option<(File, Stamp)>> {
    // Opening a pipe would wait until somebody writes into it.
    let mut flags = libc::O_NONBLOCK;
    if !follows_links {
        flags |= libc::O_NOFOLLOW;
    }
    let opened = OpenOptions::new().read(true).custom_flags(flags).open(path);
    let file = match opened {
        Err(error) if is_absence(&error) => return Ok(None),
        opened => opened?,
    };
    let metadata = file.metadata()?;
    Ok(metadata.is_file().then(|| (file, Stamp::of(&metadata))))
}

/// Whether an error means that there is nothing at the path, for all that a client may know.
pub(super) fn is_absence(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidFilename, InvalidInput, NotADirectory, NotFound, PermissionDenied};
    let kinds = [
        InvalidFilename,
        InvalidInput,
        NotADirectory,
        NotFound,
        PermissionDenied,
    ];
    // A socket cannot be opened, a link that goes round in circles not followed.
    let codes = [libc::ELOOP, libc::ENXIO];
    kinds.contains(&error.kind()) || error.raw_os_error().is_some_and(|it| codes.contains(&it))
}

impl Found {
    /// Reads as much of a file as the answer needs. Waits for the disk.
    pub(super) fn read(
        (file, stamp): (File, Stamp),
        content_type: String,
        coding: Coding,
        asked: &Asked,
    ) -> io::Result<Self> {
        let tag = stamp.tag(coding);
        let thing = representation(stamp, &content_type, &tag);
        let (_, selected) = thing.answer(&asked.head(), asked.unix_ms);
        let content = match selected {
            Selection::Nothing => Content::Nothing,
            _ if stamp.length > WHOLE_BYTES_MAX => Content::Open(file),
            _ => Content::Whole(whole(&file, stamp.length)?),
        };
        Ok(Self {
            stamp,
            content_type,
            coding,
            content,
        })
    }

    /// The answer, dressed with what else is to be said when it is one about the file.
    pub(super) fn reply<S: 'static>(
        self,
        asked: &Asked,
        dress: impl FnOnce(Response) -> Response,
    ) -> Reply<S> {
        let Self {
            stamp,
            content_type,
            coding,
            content,
        } = self;
        let tag = stamp.tag(coding);
        let thing = representation(stamp, &content_type, &tag);
        let (head, unix_ms) = (asked.head(), asked.unix_ms);
        let dress = |mut response: Response| {
            let status = response.status();
            let has_content = matches!(status, Status::OK | Status::PARTIAL_CONTENT);
            if let (true, Some(coding)) = (has_content, coding.name()) {
                response.push_field("Content-Encoding", coding.as_bytes());
            }
            if has_content || status == Status::NOT_MODIFIED {
                return dress(response);
            }
            response
        };
        match content {
            Content::Nothing => Reply::Respond(dress(thing.answer(&head, unix_ms).0)),
            Content::Whole(bytes) => Reply::Respond(dress(thing.serve(&head, unix_ms, bytes))),
            Content::Open(file) => {
                let (response, selected) = thing.answer(&head, unix_ms);
                let (at, length) = match selected {
                    Selection::Nothing => return Reply::Respond(dress(response)),
                    Selection::Whole => (0, stamp.length),
                    Selection::Part(part) => (part.first, part.length()),
                };
                let is_wanted = head.method() != Method::Head;
                let feed = Reading {
                    file: Arc::new(file),
                    at,
                    left: if is_wanted { length } else { 0 },
                    is_away: false,
                };
                stream(dress(response), Some(length), feed)
            }
        }
    }
}

fn representation<'a>(stamp: Stamp, content_type: &'a str, tag: &'a str) -> Representation<'a> {
    Representation {
        length: stamp.length,
        content_type,
        etag: Some(tag),
        last_modified_s: stamp.modified_s.try_into().ok(),
    }
}

/// All of a file that has this length. Waits for the disk.
pub(super) fn whole(file: &File, length: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length as usize];
    file.read_exact_at(&mut bytes, 0)?;
    match file.read_at(&mut [0], length)? {
        0 => Ok(bytes),
        _ => Err(changed()),
    }
}

fn changed() -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        "the file changed while it was read",
    )
}

/// What a handler is told of a file that could not be read.
pub(super) fn failed(error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::UnexpectedEof {
        let told = "the file is changing just now, come again in a moment";
        return Error::new(Status::SERVICE_UNAVAILABLE, told).field("Retry-After", "1");
    }
    Error::internal(format!("a file cannot be read: {error}"))
}

/// The body of an answer that is read while it is sent.
struct Reading {
    file: Arc<File>,
    at: u64,
    left: u64,
    /// A helper reads the next piece.
    is_away: bool,
}

/// Says that a file may ask the helper again.
const AGAIN: &str = "parlour.file.again";

impl<S: 'static> Feed<S> for Reading {
    fn more(&mut self, flow: &mut Flow<'_, S>) {
        self.go_on(flow);
    }

    fn event(&mut self, event: &Event, flow: &mut Flow<'_, S>) {
        if event.kind() == AGAIN {
            self.is_away = false;
            self.go_on(flow);
        }
    }
}

impl Reading {
    fn go_on<S: 'static>(&mut self, flow: &mut Flow<'_, S>) {
        if self.is_away {
            return;
        }
        if self.left == 0 {
            return flow.end();
        }
        self.is_away = true;
        let (file, at, length) = (Arc::clone(&self.file), self.at, self.left.min(PIECE_BYTES));
        let piece = Wait::on_helper(move || {
            let mut piece = vec![0; length as usize];
            file.read_exact_at(&mut piece, at).map(|()| piece)
        });
        flow.wait(piece, |reading: &mut Self, flow, piece| {
            reading.hand_on(piece, flow)
        });
    }

    fn hand_on<S: 'static>(
        &mut self,
        piece: Result<io::Result<Vec<u8>>, Busy>,
        flow: &mut Flow<'_, S>,
    ) {
        let piece = match piece {
            Ok(Ok(piece)) => piece,
            Ok(Err(error)) => {
                log::warn!("a file that is being sent cannot be read to its end: {error}");
                return flow.abort();
            }
            Err(Busy) => {
                let channel = flow.channel();
                flow.house.after(BUSY_WAIT, move |tick| {
                    tick.house.send(channel, &Event::new(AGAIN, ""));
                });
                return;
            }
        };
        self.is_away = false;
        self.at += piece.len() as u64;
        self.left -= piece.len() as u64;
        let sent = flow.write(&piece);
        if sent == Sent::Queued || self.left == 0 {
            self.go_on(flow);
        }
    }
}

/// A file as an answer: see [`Cx::file`].
///
/// A helper opens and reads it, so that the loop never waits for the disk: a small one at once, a large
/// one piece by piece while the client takes it. What is no plain file is 404; one that changes its
/// length under way is broken off, and never looks whole.
///
/// ```
/// use parlour::web::{Cx, Error, SendFile};
///
/// fn sales(cx: &mut Cx<'_, ()>) -> Result<SendFile, Error> {
///     // A number leads nowhere else; a text would have to be looked at first.
///     let year: u16 = cx.request.param("year")?;
///     let file = cx.file(format!("exports/{year}"));
///     Ok(file.content_type("text/csv").save_as(format!("Sales of {year}.csv")))
/// }
/// # let _ = sales;
/// ```
#[derive(Debug)]
#[must_use = "nothing is sent before a handler returns it"]
pub struct SendFile {
    path: PathBuf,
    asked: Asked,
    content_type: Option<String>,
    save_as: Option<String>,
    fields: Vec<(&'static str, &'static str)>,
}

impl SendFile {
    pub(super) fn new(path: PathBuf, asked: Asked) -> Self {
        Self {
            path,
            asked,
            content_type: None,
            save_as: None,
            fields: Vec::new(),
        }
    }

    /// Has the answer carry this field too.
    pub fn field(mut self, name: &'static str, value: &'static str) -> Self {
        self.fields.push((name, value));
        self
    }

    /// Has the browser save it under this name, which may be one that a visitor chose.
    pub fn save_as(mut self, name: impl Into<String>) -> Self {
        self.save_as = Some(name.into());
        self
    }

    /// Says what it is, where its name does not.
    pub fn content_type(mut self, content_type: impl Into<String>) -> Self {
        self.content_type = Some(content_type.into());
        self
    }
}

impl<S: 'static> IntoReply<S> for SendFile {
    fn into_reply(self) -> Reply<S> {
        let Self {
            path,
            asked,
            content_type,
            save_as,
            fields,
        } = self;
        let content_type =
            content_type.unwrap_or_else(|| media::by_path(&path.to_string_lossy()).to_owned());
        let look = move || {
            let opened = open(&path, true)?;
            let found = opened
                .map(|file| Found::read(file, content_type, Coding::Identity, &asked))
                .transpose()?;
            Ok((found, asked))
        };
        Wait::on_helper(look).then(move |_, looked: io::Result<_>| match looked {
            Err(error) => Reply::Fail(failed(&error)),
            Ok((None, _)) => Reply::Fail(Error::not_found()),
            Ok((Some(found), asked)) => found.reply(&asked, |response| {
                let response = response.field("Cache-Control", "private, no-cache");
                let response = fields
                    .into_iter()
                    .fold(response, |response, (name, value)| {
                        response.field(name, value)
                    });
                match save_as {
                    Some(name) => response.attachment(&name),
                    None => response,
                }
            }),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(length: u64, modified_s: i64, modified_ns: i64) -> Stamp {
        Stamp {
            length,
            modified_s,
            modified_ns,
        }
    }

    #[test]
    fn whatever_differs_has_another_tag() {
        let tags = [
            stamp(1, 2, 3).tag(Coding::Identity),
            stamp(2, 2, 3).tag(Coding::Identity),
            stamp(1, 3, 3).tag(Coding::Identity),
            stamp(1, 2, 4).tag(Coding::Identity),
            stamp(1, -2, 3).tag(Coding::Identity),
            stamp(1, 2, 3).tag(Coding::Gzip),
            stamp(1, 2, 3).tag(Coding::Brotli),
        ];
        for (at, tag) in tags.iter().enumerate() {
            assert!(tag.starts_with('"') && tag.ends_with('"'), "{tag}");
            assert!(!tags[..at].contains(tag), "{tag}");
        }
    }

    #[test]
    fn a_file_of_another_length_is_not_read_as_whole() {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(b"12345", 0).unwrap();
        assert_eq!(whole(&file, 5).unwrap(), b"12345");
        for length in [0, 4, 6] {
            let error = whole(&file, length).unwrap_err();
            assert_eq!(failed(&error).status(), Status::SERVICE_UNAVAILABLE);
        }
    }

    #[test]
    fn only_plain_files_are_opened() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("file"), "x").unwrap();
        std::os::unix::fs::symlink(path("file"), path("link")).unwrap();
        let _socket = std::os::unix::net::UnixListener::bind(path("socket")).unwrap();
        let opens = |name: &str, follows: bool| open(&path(name), follows).unwrap().is_some();
        assert!(opens("file", false) && opens("link", true));
        assert!(!opens("link", false));
        for name in ["", "nothing", "file/x", "socket", "a\0b", &"a".repeat(300)] {
            assert!(!opens(name, true), "{name}");
        }
    }
}
