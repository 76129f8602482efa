//! # Folder: the files that anybody may have
//!
//! Promises
//! 1. Nothing outside of the folder is opened, whatever a path or a link says; nothing whose name
//!    begins with a dot is there.
//! 2. A file that lies beside another as `.br` or `.gz` and is not older stands in for it where the
//!    client takes that.
//! 3. A content's hash is that of the file as it is: one that changed is read again before an answer
//!    may be kept for ever.

use std::collections::BTreeMap;
use std::fs;
use std::hash::Hasher;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::file::{Asked, Found, Stamp, is_absence, open, whole};
use crate::http::{Coding, media, preferred_coding};

/// What is hashed. A larger file is asked for anew each time, and mostly not sent again.
const HASHED_BYTES_MAX: u64 = 1024 * 1024;

/// What is hashed in all while an app is put together, so that a large folder does not hold it up.
const SURVEY_BYTES_MAX: u64 = 256 * 1024 * 1024;

/// Files that are known by name at most.
const KNOWN_MAX: usize = 10_000;

/// The forms of a file that may lie beside it, best first.
pub(super) const BESIDE: [(Coding, &str); 2] = [(Coding::Brotli, "br"), (Coding::Gzip, "gz")];

/// A folder whose files are served.
#[derive(Debug)]
pub(super) struct Folder {
    /// Without links and dots in it.
    root: PathBuf,
    known: Mutex<BTreeMap<String, Version>>,
}

/// What a file was when it was last looked at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Version {
    stamp: Stamp,
    /// Of the content; none if that is too much to be hashed.
    hash: Option<u64>,
}

/// What is at a path.
#[derive(Debug)]
pub(super) enum Looked {
    Nothing,
    /// A folder with a page of its own, asked for without the slash at its end.
    Folder,
    File {
        found: Found,
        /// Whether other clients may get another form of it.
        varies: bool,
        /// Of the content as it is.
        hash: Option<u64>,
    },
}

/// The hash of a content, as `static_url` shows it.
pub(super) fn hash_of(bytes: &[u8]) -> u64 {
    // With fixed keys: the same content has the same hash on each machine and after each start.
    let mut hasher = std::hash::DefaultHasher::new();
    hasher.write(bytes);
    hasher.finish()
}

impl Folder {
    /// Opens a folder and looks at what is in it, or says why it cannot be served.
    pub(super) fn open(path: &Path) -> Result<Self, String> {
        let failed = |error: io::Error| {
            let path = path.display();
            format!("the folder of files {path}: {error}: make it, or name another one")
        };
        let root = fs::canonicalize(path).map_err(failed)?;
        let folder = Self {
            root,
            known: Mutex::default(),
        };
        fs::read_dir(&folder.root).map_err(failed)?;
        folder.survey();
        Ok(folder)
    }

    /// Looks at all files, so that they are known by their hashes. What cannot be looked at now is
    /// told to whoever asks for it.
    fn survey(&self) {
        let mut folders = vec![(self.root.clone(), String::new())];
        let (mut bytes, mut count) = (0, 0);
        while let Some((folder, prefix)) = folders.pop() {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            for entry in entries {
                let name = entry.file_name();
                let Some(name) = name.to_str().filter(|name| !name.starts_with('.')) else {
                    continue;
                };
                let name = format!("{prefix}{name}");
                if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                    folders.push((entry.path(), format!("{name}/")));
                } else if let Ok(Some(version)) = self.look_again(&name) {
                    bytes += version.hash.map_or(0, |_| version.stamp.length);
                }
                count += 1;
                if count >= KNOWN_MAX || bytes >= SURVEY_BYTES_MAX {
                    return;
                }
            }
        }
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Version>> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where a file really is, if that is in this folder. Waits for the disk.
    fn resolve(&self, name: &str) -> io::Result<Option<PathBuf>> {
        match fs::canonicalize(self.root.join(name)) {
            Ok(path) => Ok(path.starts_with(&self.root).then_some(path)),
            Err(error) if is_absence(&error) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The version of a file as it is now. Waits for the disk.
    pub(super) fn look_again(&self, name: &str) -> io::Result<Option<Version>> {
        let Some(path) = self.resolve(name)? else {
            return Ok(None);
        };
        let Some((file, stamp)) = open(&path, false)? else {
            return Ok(None);
        };
        self.version(name, &file, stamp).map(Some)
    }

    fn version(&self, name: &str, file: &fs::File, stamp: Stamp) -> io::Result<Version> {
        let known = self.known().get(name).copied();
        if let Some(known) = known.filter(|known| known.stamp == stamp) {
            return Ok(known);
        }
        let hash = if stamp.length > HASHED_BYTES_MAX {
            None
        } else {
            Some(hash_of(&whole(file, stamp.length)?))
        };
        let version = Version { stamp, hash };
        let mut known = self.known();
        if known.len() < KNOWN_MAX || known.contains_key(name) {
            known.insert(name.to_owned(), version);
        }
        Ok(version)
    }

    /// Whether a file of this name is known, and the hash of its content.
    pub(super) fn hash(&self, name: &str) -> Option<Option<u64>> {
        self.known().get(name).map(|version| version.hash)
    }

    /// What is at a path of plain segments, which ends with a slash if a folder is meant. Waits for
    /// the disk.
    pub(super) fn look(&self, name: &str, asked: &Asked) -> io::Result<Looked> {
        let is_folder = name.is_empty() || name.ends_with('/');
        let page = format!("{name}{}index.html", if is_folder { "" } else { "/" });
        let name = if is_folder { &page } else { name };
        let Some(path) = self.resolve(name)? else {
            return Ok(Looked::Nothing);
        };
        if path.is_dir() {
            let has_page = self.resolve(&page)?.is_some_and(|page| page.is_file());
            let is_asked = !is_folder && has_page;
            return Ok(if is_asked {
                Looked::Folder
            } else {
                Looked::Nothing
            });
        }
        let Some((file, stamp)) = open(&path, false)? else {
            return Ok(Looked::Nothing);
        };
        let hash = self.version(name, &file, stamp)?.hash;
        let content_type = media::by_path(name);
        let beside = if media::is_compressible(content_type) {
            self.beside(name, stamp)?
        } else {
            Vec::new()
        };
        let varies = !beside.is_empty();
        let codings: Vec<Coding> = beside.iter().map(|(coding, ..)| *coding).collect();
        let coding = preferred_coding(asked.head().all_fields(), &codings);
        let chosen = beside.into_iter().find(|(it, ..)| Some(*it) == coding);
        let (coding, file) = match chosen {
            Some((coding, file, stamp)) => (coding, (file, stamp)),
            None => (Coding::Identity, (file, stamp)),
        };
        let found = Found::read(file, content_type.to_owned(), coding, asked)?;
        Ok(Looked::File {
            found,
            varies,
            hash,
        })
    }

    fn beside(&self, name: &str, than: Stamp) -> io::Result<Vec<(Coding, fs::File, Stamp)>> {
        let mut beside = Vec::new();
        for (coding, ending) in BESIDE {
            let Some(path) = self.resolve(&format!("{name}.{ending}"))? else {
                continue;
            };
            let Some((file, stamp)) = open(&path, false)? else {
                continue;
            };
            let age = |stamp: &Stamp| (stamp.modified_s, stamp.modified_ns);
            if age(&stamp) >= age(&than) {
                beside.push((coding, file, stamp));
            }
        }
        Ok(beside)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_known_by_their_content_until_they_change() {
        let place = tempfile::tempdir().unwrap();
        fs::create_dir(place.path().join("css")).unwrap();
        let path = place.path().join("css/a.css");
        fs::write(&path, "one").unwrap();
        fs::write(place.path().join(".hidden"), "x").unwrap();
        let folder = Folder::open(place.path()).unwrap();
        assert_eq!(folder.hash("css/a.css"), Some(Some(hash_of(b"one"))));
        assert_eq!(folder.hash(".hidden"), None);
        assert_eq!(folder.hash("css"), None);
        fs::write(&path, "the second").unwrap();
        assert_eq!(folder.hash("css/a.css"), Some(Some(hash_of(b"one"))));
        folder.look_again("css/a.css").unwrap();
        let second = Some(Some(hash_of(b"the second")));
        assert_eq!(folder.hash("css/a.css"), second);
        assert!(folder.look_again("css/b.css").unwrap().is_none());
    }

    #[test]
    fn what_is_too_large_has_no_hash() {
        let place = tempfile::tempdir().unwrap();
        let file = fs::File::create(place.path().join("film")).unwrap();
        file.set_len(HASHED_BYTES_MAX + 1).unwrap();
        let folder = Folder::open(place.path()).unwrap();
        assert_eq!(folder.hash("film"), Some(None));
    }

    #[test]
    fn links_lead_nowhere_but_into_the_folder() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().join("root");
        fs::create_dir_all(root.join("a")).unwrap();
        fs::write(place.path().join("secret"), "x").unwrap();
        fs::write(root.join("a/file"), "x").unwrap();
        let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, root.join(name)).unwrap();
        link(&place.path().join("secret"), "out");
        link(place.path(), "up");
        link(&root.join("a"), "in");
        link(&root.join("nothing"), "broken");
        let folder = Folder::open(&root).unwrap();
        let leads = |name: &str| folder.look_again(name).unwrap().is_some();
        assert!(leads("a/file") && leads("in/file"));
        for name in [
            "out",
            "up/secret",
            "up/root/../secret",
            "../secret",
            "broken",
            "a",
            "a/file/x",
        ] {
            assert!(!leads(name), "{name}");
        }
        assert_eq!(folder.hash("out"), None);
    }
}
