//! # Uploads: files that came with a form
//!
//! A small file is in memory, a large one in a temporary file that goes with its [`Upload`].

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::PathBuf;

use super::helper::Wait;
use super::spill::Spilled;

/// A file that came with a form.
///
/// A small one is in memory and a large one in a temporary file, which goes with this: whoever wants to
/// keep it [saves](Self::save) it and need not care which.
///
/// ```
/// use parlour::web::Cx;
///
/// fn list(cx: &mut Cx<'_, ()>) -> String {
///     let files = cx.request.uploads().iter();
///     files.map(|file| format!("{}: {} bytes\n", file.file_name(), file.len())).collect()
/// }
/// # let _ = list;
/// ```
#[derive(Debug)]
pub struct Upload {
    /// The name of the form's field.
    pub(super) field: String,
    pub(super) file_name: String,
    pub(super) media_type: Option<String>,
    pub(super) length: u64,
    pub(super) content: Content,
}

/// Where the bytes of an upload are.
#[derive(Debug)]
pub(super) enum Content {
    Memory(Vec<u8>),
    Spilled(Spilled),
}

impl Upload {
    /// The name of the form's field.
    pub fn field(&self) -> &str {
        &self.field
    }

    /// The file's name, without a path and fit to be one: see [`crate::http::file_name::safe`].
    pub fn file_name(&self) -> &str {
        &self.file_name
    }

    /// What the client thinks that it is. That may be wrong, and may be a lie.
    pub fn media_type(&self) -> Option<&str> {
        self.media_type.as_deref()
    }

    /// How many bytes it has.
    pub const fn len(&self) -> u64 {
        self.length
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.length == 0
    }

    /// The bytes, if they are in memory.
    pub fn bytes(&self) -> Option<&[u8]> {
        match &self.content {
            Content::Memory(bytes) => Some(bytes),
            Content::Spilled(_) => None,
        }
    }

    /// Writes all of it somewhere. Waits for the disk, and so is for a helper.
    ///
    /// ```
    /// use parlour::web::{Cx, Error, Reply, Wait};
    ///
    /// fn upload(cx: &mut Cx<'_, ()>) -> Reply<()> {
    ///     let Some(picture) = cx.request.take_upload("picture") else {
    ///         return Reply::of(Error::bad_request("choose a picture first"));
    ///     };
    ///     let count = Wait::on_helper(move || picture.copy_to(&mut std::io::sink()));
    ///     count.then(|_, copied| match copied {
    ///         Ok(bytes) => Ok(format!("{bytes} bytes")),
    ///         Err(error) => Err(Error::internal(error)),
    ///     })
    /// }
    /// # let _ = upload;
    /// ```
    pub fn copy_to(self, to: &mut impl Write) -> io::Result<u64> {
        match self.content {
            Content::Memory(bytes) => to.write_all(&bytes)?,
            Content::Spilled(spilled) => {
                let copied =
                    File::open(spilled.path()).and_then(|mut from| io::copy(&mut from, to));
                spilled.remove();
                copied?;
            }
        }
        Ok(self.length)
    }

    /// Saves it as a file, which must not be there yet. Whoever waits gets how many bytes it has.
    ///
    /// ```
    /// use parlour::web::{Cx, Error, Reply};
    ///
    /// fn upload(cx: &mut Cx<'_, ()>) -> Reply<()> {
    ///     let Some(picture) = cx.request.take_upload("picture") else {
    ///         return Reply::of(Error::bad_request("choose a picture first"));
    ///     };
    ///     let path = format!("pictures/{}", picture.file_name());
    ///     picture.save(path).then(|_, saved| match saved {
    ///         Ok(length) => Ok(format!("{length} bytes are saved")),
    ///         Err(error) => Err(Error::internal(error)),
    ///     })
    /// }
    /// ```
    pub fn save(self, path: impl Into<PathBuf>) -> Wait<io::Result<u64>> {
        let path = path.into();
        Wait::on_helper(move || {
            let mut file = OpenOptions::new()
                .write(true)
                .create_new(true)
                .open(&path)?;
            let saved = self.copy_to(&mut file);
            let saved = saved.and_then(|bytes| file.sync_all().map(|()| bytes));
            if saved.is_err() {
                // Half a file is worse than none.
                let _ = std::fs::remove_file(&path);
            }
            saved
        })
    }
}
