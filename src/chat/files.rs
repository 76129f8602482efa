//! # Files: what was uploaded, by its content
//!
//! A folder beside the database in which each file has the name of its SHA-256, in one of 256
//! folders by the first two digits: what is uploaded twice is there once. Everything here waits for
//! the disk and belongs on a helper thread.
//!
//! Promises
//! 1. A file that [`Incoming::keep`] has given is whole and lasts, so that a row may name it.
//! 2. A file without a row is removed once it is old ([`Files::sweep`]), and never while somebody
//!    is about to give it one.
//! 3. No text leads outside of the folder.
//!
//! Never knows: who may see a file, or what it is.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use sha2::{Digest, Sha256};

use super::id::Millis;

/// The folder beside the database.
const FOLDER: &str = "uploads";

/// Bytes of a file that are read at a time.
const PIECE_BYTES: usize = 256 << 10;

/// What names of files that are still arriving begin with.
const ARRIVING: &str = "arriving-";

/// How old a file without a row has to be to go: longer than any upload may take to get its row.
pub const STALE_MS: u64 = 60 * 60 * 1000;

/// Whether a text is the name of a content: a SHA-256 in small hexadecimal digits.
pub fn is_hash(text: &str) -> bool {
    text.len() == 64
        && text
            .bytes()
            .all(|it| matches!(it, b'0'..=b'9' | b'a'..=b'f'))
}

/// The folder of uploaded files.
///
/// ```
/// use std::io::Write;
/// use parlour::chat::Files;
///
/// let folder = tempfile::tempdir()?;
/// let files = Files::beside(folder.path());
/// let mut incoming = files.arrive(1000)?;
/// incoming.write_all(b"a picture")?;
/// let kept = incoming.keep()?;
/// assert_eq!(kept.bytes, 9);
/// assert_eq!(std::fs::read(files.path(&kept.hash).unwrap())?, b"a picture");
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Files {
    folder: PathBuf,
}

/// A file that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Kept {
    /// The SHA-256 of its content.
    pub hash: String,
    /// Its length.
    pub bytes: u64,
}

impl Files {
    /// The files that belong to the database in `data`. The folder is made with the first file.
    pub fn beside(data: &Path) -> Self {
        Self {
            folder: data.join(FOLDER),
        }
    }

    /// Where the content with this hash is, if it is there; nothing for what is no hash.
    pub fn path(&self, hash: &str) -> Option<PathBuf> {
        is_hash(hash).then(|| self.folder.join(&hash[..2]).join(hash))
    }

    /// Begins a file of at most this length; writing more fails with [`ErrorKind::FileTooLarge`].
    pub fn arrive(&self, bytes_max: u64) -> io::Result<Incoming> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        make_folder(&self.folder)?;
        loop {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let name = format!("{ARRIVING}{}-{number}", std::process::id());
            let path = self.folder.join(name);
            let new = OpenOptions::new()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path);
            match new {
                // One that a crash left behind, of a process with the same number.
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(error),
                Ok(file) => {
                    return Ok(Incoming {
                        files: self.clone(),
                        path,
                        file,
                        hash: Sha256::new(),
                        bytes: 0,
                        bytes_max,
                    });
                }
            }
        }
    }

    /// Reads a file whole: its length and whether its content is what its name says. `read` is told how
    /// much was read at a time.
    pub(super) fn verify(&self, hash: &str, read: &mut dyn FnMut(u64)) -> io::Result<(u64, bool)> {
        let path = self.path(hash).ok_or(ErrorKind::NotFound)?;
        let mut file = File::open(path)?;
        let mut piece = vec![0; PIECE_BYTES];
        let mut found = Sha256::new();
        let mut bytes = 0;
        loop {
            match file.read(&mut piece) {
                Ok(0) => return Ok((bytes, written(&found.finalize()) == hash)),
                Ok(count) => {
                    found.update(&piece[..count]);
                    bytes += count as u64;
                    read(count as u64);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// The names of what is in one of the 256 folders; for the first one also of what is in no folder.
    pub(super) fn names_in(&self, folder: u8) -> io::Result<Vec<String>> {
        let mut all = Vec::new();
        if folder == 0 {
            let outside = names(&self.folder)?
                .into_iter()
                .filter(|(_, path)| path.is_file());
            all.extend(outside.map(|(name, _)| name));
        }
        let inside = names(&self.folder.join(format!("{folder:02x}")))?;
        all.extend(
            inside
                .into_iter()
                .map(|(name, _)| format!("{folder:02x}/{name}")),
        );
        all.sort_unstable();
        Ok(all)
    }

    /// Removes old files that `is_in_use` does not know, of one of the 256 folders; in the first
    /// one's turn also what has begun to arrive and never did. How many there were.
    pub fn sweep<E: From<io::Error>>(
        &self,
        folder: u8,
        now: Millis,
        mut is_in_use: impl FnMut(&str) -> Result<bool, E>,
    ) -> Result<u32, E> {
        let mut removed = 0;
        if folder == 0 {
            for (name, path) in names(&self.folder)? {
                removed += u32::from(name.starts_with(ARRIVING) && remove_stale(&path, now)?);
            }
        }
        for (name, path) in names(&self.folder.join(format!("{folder:02x}")))? {
            if !is_hash(&name) || !is_stale(&path, now)? || is_in_use(&name)? {
                continue;
            }
            // Meanwhile the same content may have come again, and got its row: it is young then.
            let _lock = self.lock()?;
            removed += u32::from(remove_stale(&path, now)?);
        }
        Ok(removed)
    }

    /// Keeps others, also other processes, from moving files in and out, until it is dropped.
    fn lock(&self) -> io::Result<File> {
        let folder = File::open(&self.folder)?;
        folder.lock()?;
        Ok(folder)
    }
}

/// A file that is arriving: written to, then kept. Dropped before that, it is gone.
#[derive(Debug)]
pub struct Incoming {
    files: Files,
    path: PathBuf,
    file: File,
    hash: Sha256,
    bytes: u64,
    bytes_max: u64,
}

impl Write for Incoming {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if bytes.len() as u64 > self.bytes_max - self.bytes {
            return Err(ErrorKind::FileTooLarge.into());
        }
        let count = self.file.write(bytes)?;
        self.hash.update(&bytes[..count]);
        self.bytes += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Incoming {
    /// Keeps the file: afterwards it lasts, whatever happens to the machine.
    pub fn keep(mut self) -> io::Result<Kept> {
        self.file.sync_all()?;
        let hash = written(&self.hash.finalize_reset());
        let root = &self.files.folder;
        let folder = root.join(&hash[..2]);
        make_folder(&folder)?;
        {
            let _lock = self.files.lock()?;
            // What is there already has the same content; but this one is young.
            fs::rename(&self.path, folder.join(&hash))?;
        }
        // All the way up: any of these may be new, and a folder lasts once its own folder does.
        for folder in folder.ancestors().take(3) {
            File::open(folder)?.sync_all()?;
        }
        Ok(Kept {
            hash,
            bytes: self.bytes,
        })
    }
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // Kept, it is elsewhere; otherwise nobody wants it, and what cannot be removed now is old
        // some time.
        drop(fs::remove_file(&self.path));
    }
}

/// A hash as names of files have it.
fn written(hash: &[u8]) -> String {
    hash.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Makes a folder that is its owner's alone, if there is none.
fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// The files in a folder; none where there is no folder.
fn names(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        let entry = entry?;
        if let Ok(name) = entry.file_name().into_string() {
            names.push((name, entry.path()));
        }
    }
    Ok(names)
}

/// Whether a file was written long ago; one that is gone was not.
fn is_stale(path: &Path, now: Millis) -> io::Result<bool> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        metadata => metadata?,
    };
    let limit = UNIX_EPOCH + Duration::from_millis(now.saturating_sub(STALE_MS));
    Ok(metadata.is_file() && metadata.modified()? < limit)
}

fn remove_stale(path: &Path, now: Millis) -> io::Result<bool> {
    if !is_stale(path, now)? {
        return Ok(false);
    }
    match fs::remove_file(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        removed => removed.map(|()| true),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keep(files: &Files, content: &[u8]) -> Kept {
        let mut incoming = files.arrive(100).unwrap();
        incoming.write_all(content).unwrap();
        incoming.keep().unwrap()
    }

    fn sweep(files: &Files, now: Millis, used: &[&str]) -> u32 {
        let is_in_use = |hash: &str| Ok::<_, io::Error>(used.contains(&hash));
        let sweep = |folder| files.sweep(folder, now, is_in_use).unwrap();
        (0..=255).map(sweep).sum()
    }

    /// When the file was written, and then some.
    fn after(path: &Path, ms: u64) -> Millis {
        let modified = fs::metadata(path).unwrap().modified().unwrap();
        let at = modified.duration_since(UNIX_EPOCH).unwrap();
        at.as_millis() as u64 + ms
    }

    #[test]
    fn the_same_content_is_there_once() {
        let data = tempfile::tempdir().unwrap();
        let files = Files::beside(data.path());
        let first = keep(&files, b"abc");
        // FIPS 180-2, appendix B.1.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(
            first,
            Kept {
                hash: known.to_owned(),
                bytes: 3
            }
        );
        assert_eq!(keep(&files, b"abc"), first);
        let path = files.path(known).unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"abc");
        assert_eq!(names(path.parent().unwrap()).unwrap().len(), 1);
        // Nothing but the one folder is left.
        assert_eq!(names(&data.path().join(FOLDER)).unwrap().len(), 1);
    }

    #[test]
    fn what_is_too_long_or_given_up_leaves_nothing() {
        let data = tempfile::tempdir().unwrap();
        let files = Files::beside(data.path());
        let mut incoming = files.arrive(4).unwrap();
        incoming.write_all(b"abcd").unwrap();
        let error = incoming.write_all(b"e").unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FileTooLarge);
        assert_eq!(names(&data.path().join(FOLDER)).unwrap().len(), 1);
        drop(incoming);
        assert!(names(&data.path().join(FOLDER)).unwrap().is_empty());
    }

    #[test]
    fn nothing_leads_outside() {
        let files = Files::beside(Path::new("/data"));
        assert!(files.path(&"a".repeat(64)).is_some());
        for bad in [
            "",
            "../../etc/passwd",
            &"A".repeat(64),
            &"a".repeat(63),
            &"é".repeat(32),
        ] {
            assert_eq!(files.path(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn what_nobody_uses_goes_when_it_is_old() {
        let data = tempfile::tempdir().unwrap();
        let files = Files::beside(data.path());
        let used = keep(&files, b"used").hash;
        let unused = keep(&files, b"unused").hash;
        let arriving = files.arrive(1).unwrap();
        let path = files.path(&unused).unwrap();
        assert_eq!(sweep(&files, after(&path, STALE_MS / 2), &[&used]), 0);
        assert_eq!(sweep(&files, after(&path, STALE_MS * 2), &[&used]), 2);
        assert!(!path.exists() && !arriving.path.exists());
        assert!(files.path(&used).unwrap().exists());
    }

    #[test]
    fn what_comes_again_while_it_is_swept_stays() {
        let data = tempfile::tempdir().unwrap();
        let files = Files::beside(data.path());
        let hash = keep(&files, b"abc").hash;
        let path = files.path(&hash).unwrap();
        let written = after(&path, 0);
        let old = UNIX_EPOCH + Duration::from_millis(written - 2 * STALE_MS);
        File::open(&path).unwrap().set_modified(old).unwrap();
        let is_in_use = |hash: &str| {
            assert_eq!(keep(&files, b"abc").hash, hash);
            Ok::<_, io::Error>(false)
        };
        let folder = u8::from_str_radix(&hash[..2], 16).unwrap();
        assert_eq!(files.sweep(folder, written, is_in_use).unwrap(), 0);
        assert!(path.exists());
    }
}
