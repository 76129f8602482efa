//! # Spill: the temporary files of uploads
//!
//! What of a form is too large for memory goes to files in one folder. A [`Spilled`] is such a file
//! and may be dropped anywhere, on the loop as well: its name is only noted, and the helper removes
//! the file when it has done the job that it is at.
//!
//! Promises
//! 1. Only threads that may wait for the disk touch it: whoever writes, whoever asks for
//!    [`Spilled::remove`], and the loop's thread when the loop has ended.
//! 2. When a spill is closed, all of its files are gone, whoever had them.
//!
//! The list of those that are to go needs no bound of its own. A name on it was that of a file
//! which somebody had, and no file is made while the list waits, because the thread that makes
//! them empties it first: it is never longer than the uploads that were in memory together.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

/// Where uploads go that are too large for memory, and all that are there.
pub(super) struct Spill {
    folder: PathBuf,
    files: Mutex<Files>,
    /// Told when a file is made.
    made: Condvar,
}

#[derive(Default)]
struct Files {
    /// Those that somebody has.
    kept: BTreeSet<Arc<Path>>,
    /// Those that nobody has any more, in the order in which they go.
    unwanted: VecDeque<Arc<Path>>,
    /// How many are being made.
    making: usize,
    closed: bool,
    /// Has a thread sweep that may wait for the disk.
    nudge: Option<Box<dyn Fn() + Send>>,
}

impl fmt::Debug for Spill {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spill")
            .field("folder", &self.folder)
            .finish_non_exhaustive()
    }
}

impl Spill {
    /// A spill in this folder, which is there.
    pub(super) fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            files: Mutex::default(),
            made: Condvar::new(),
        }
    }

    /// What to call when something is to be swept, and nothing was before.
    pub(super) fn swept_on(&self, nudge: impl Fn() + Send + 'static) {
        self.files().nudge = Some(Box::new(nudge));
    }

    /// Makes a file of its own, which nobody else may read.
    pub(super) fn create(self: &Arc<Self>, number: u64) -> io::Result<(Spilled, File)> {
        let path: Arc<Path> = Arc::from(self.folder.join(format!(
            "parlour-upload-{}-{number:x}-{:016x}",
            std::process::id(),
            u64::from_le_bytes(super::secret::random_bytes()),
        )));
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut files = self.files();
        if files.closed {
            return Err(io::Error::other("the app has ended"));
        }
        files.making += 1;
        drop(files);
        let file = options.open(&path);
        let mut files = self.files();
        files.making -= 1;
        if file.is_ok() {
            files.kept.insert(Arc::clone(&path));
        }
        drop(files);
        self.made.notify_all();
        let spill = Arc::clone(self);
        Ok((Spilled { path, spill }, file?))
    }

    /// Removes what nobody has any more. It stays on the list until it is gone, so that whoever
    /// closes the spill meanwhile removes it too.
    pub(super) fn sweep(&self) {
        loop {
            let next = self.files().unwanted.front().cloned();
            let Some(path) = next else {
                return;
            };
            remove(&path);
            self.files().unwanted.pop_front();
        }
    }

    /// Removes everything, and makes nothing any more.
    pub(super) fn close(&self) {
        let mut files = self.files();
        files.closed = true;
        files.nudge = None;
        let making = |files: &mut Files| files.making > 0;
        let mut files = self
            .made
            .wait_while(files, making)
            .unwrap_or_else(PoisonError::into_inner);
        let kept = std::mem::take(&mut files.kept);
        let unwanted = std::mem::take(&mut files.unwanted);
        drop(files);
        kept.iter().chain(&unwanted).for_each(|path| remove(path));
    }

    /// Nothing panics while it has these, so they are as they should be.
    fn files(&self) -> MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn remove(path: &Path) {
    // Somebody may have removed it before us, or the folder; there is nobody else to tell.
    let _ = fs::remove_file(path);
}

/// A temporary file. It goes soon after this does.
#[derive(Debug)]
pub(super) struct Spilled {
    path: Arc<Path>,
    spill: Arc<Spill>,
}

impl Spilled {
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes it at once: for threads that may wait for the disk.
    pub(super) fn remove(self) {
        remove(&self.path);
        self.spill.files().kept.remove(&self.path);
    }
}

impl Drop for Spilled {
    fn drop(&mut self) {
        let mut files = self.spill.files();
        if !files.kept.remove(&self.path) {
            return;
        }
        files.unwanted.push_back(Arc::clone(&self.path));
        if files.unwanted.len() == 1
            && let Some(nudge) = &files.nudge
        {
            nudge();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

    use super::*;

    fn spill() -> (tempfile::TempDir, Arc<Spill>) {
        let folder = tempfile::tempdir().unwrap();
        let spill = Arc::new(Spill::new(folder.path().to_owned()));
        (folder, spill)
    }

    fn count(folder: &tempfile::TempDir) -> usize {
        fs::read_dir(folder.path()).unwrap().count()
    }

    #[test]
    fn what_is_dropped_goes_when_it_is_swept() {
        let (folder, spill) = spill();
        let nudges = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&nudges);
        spill.swept_on(move || {
            counted.fetch_add(1, Relaxed);
        });
        let files: Vec<_> = (0..3).map(|it| spill.create(it).unwrap()).collect();
        let (kept, _) = spill.create(3).unwrap();
        drop(files);
        assert_eq!(nudges.load(Relaxed), 1, "one is enough for all");
        assert_eq!(count(&folder), 4, "who drops does not touch the disk");
        spill.sweep();
        assert_eq!(count(&folder), 1);
        assert!(kept.path().exists());
        drop(kept);
        assert_eq!(nudges.load(Relaxed), 2);
        spill.sweep();
        assert_eq!(count(&folder), 0);
    }

    #[test]
    fn what_is_removed_by_hand_is_not_swept() {
        let (folder, spill) = spill();
        spill.swept_on(|| panic!("nothing is to be swept"));
        let (file, _) = spill.create(0).unwrap();
        file.remove();
        assert_eq!(count(&folder), 0);
    }

    #[test]
    fn nothing_is_left_when_it_is_closed() {
        let (folder, spill) = spill();
        let (kept, _) = spill.create(0).unwrap();
        drop(spill.create(1).unwrap());
        assert_eq!(count(&folder), 2);
        spill.close();
        assert_eq!(count(&folder), 0);
        assert!(spill.create(2).is_err());
        drop(kept);
        assert_eq!(count(&folder), 0);
    }
}
