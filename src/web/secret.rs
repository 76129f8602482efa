//! # Secret: what only this server can sign
//!
//! A key of 32 random bytes, and HMAC-SHA256 with it, over purpose and value.
//!
//! Promises
//! 1. A key's file is whole or not there: two servers that make it at the same time get the same.
//! 2. Comparing takes the same time wherever the difference is.
//! 3. Without random bytes from the system nothing is made up: whoever asks is told by a panic,
//!    which costs one answer.

use std::fmt;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{Error, ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;

use ctutils::CtEq;
use data_encoding::BASE64URL_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// The key's file in a folder.
const FILE: &str = "secret.key";

const KEY_BYTES: usize = 32;

/// What stands between a value and its signature.
const DOT: char = '.';

/// A key for signing. Whoever has it can sign in as anybody.
///
/// What is signed can be read by everybody, and made by nobody else. Each use names its purpose, so that
/// what was signed for one thing is worth nothing for another.
///
/// ```
/// # use parlour::web::Secret;
/// let secret = Secret::random();
/// let signed = secret.sign("unsubscribe", "ann");
/// assert_eq!(secret.unsign("unsubscribe", &signed), Some("ann"));
/// assert_eq!(secret.unsign("sign in", &signed), None);
/// assert_eq!(Secret::random().unsign("unsubscribe", &signed), None);
/// ```
#[derive(Clone)]
pub struct Secret {
    key: [u8; KEY_BYTES],
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

impl Secret {
    /// A key that ends with the process, and with it all that was signed.
    pub fn random() -> Self {
        Self {
            key: random_bytes(),
        }
    }

    /// The key of a folder, which is made the first time. Only its owner can read it.
    ///
    /// ```
    /// use parlour::web::Secret;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let data = folder.path();
    /// let signed = Secret::in_folder(data)?.sign("invitation", "ann");
    /// // What was signed outlasts the process.
    /// assert_eq!(Secret::in_folder(data)?.unsign("invitation", &signed), Some("ann"));
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn in_folder(folder: impl AsRef<Path>) -> Result<Self, Error> {
        let folder = folder.as_ref();
        let path = folder.join(FILE);
        match read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => make(folder, &path),
            other => other,
        }
    }

    /// The value with its signature behind it. Letters, digits, `-`, `_` and `.` are added.
    pub fn sign(&self, purpose: &str, value: &str) -> String {
        let signature = self.mac(purpose, value).finalize().into_bytes();
        format!("{value}{DOT}{}", BASE64URL_NOPAD.encode(&signature))
    }

    /// The value, if it was signed for this purpose with this key.
    pub fn unsign<'a>(&self, purpose: &str, signed: &'a str) -> Option<&'a str> {
        let (value, signature) = signed.rsplit_once(DOT)?;
        let signature = BASE64URL_NOPAD.decode(signature.as_bytes()).ok()?;
        let mac = self.mac(purpose, value);
        mac.verify_slice(&signature).ok().map(|()| value)
    }

    fn mac(&self, purpose: &str, value: &str) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(&self.key).expect("HMAC takes keys of any length");
        // The length keeps purpose and value apart, whatever they have in them.
        mac.update(&(purpose.len() as u64).to_le_bytes());
        mac.update(purpose.as_bytes());
        mac.update(value.as_bytes());
        mac
    }
}

fn read(path: &Path) -> Result<Secret, Error> {
    let file = File::open(path)?;
    if file.metadata()?.mode() & 0o077 != 0 {
        let path = path.display();
        log::warn!("{path} can be read by others: chmod 600 it, or delete it for a new one");
    }
    let mut bytes = Vec::new();
    file.take(KEY_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    let key = <[u8; KEY_BYTES]>::try_from(bytes).map_err(|_| {
        let path = path.display();
        let tell = format!(
            "{path} is not a key of {KEY_BYTES} bytes: delete it, and everybody has to sign in anew"
        );
        Error::new(ErrorKind::InvalidData, tell)
    })?;
    Ok(Secret { key })
}

/// Writes a new key beside its place and links it there, unless somebody else was faster.
fn make(folder: &Path, path: &Path) -> Result<Secret, Error> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)?;
    let name = BASE64URL_NOPAD.encode(&random_bytes::<12>());
    let draft = folder.join(format!(".{FILE}-{name}"));
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    let key = random_bytes::<KEY_BYTES>();
    let linked = file
        .write_all(&key)
        .and_then(|()| file.sync_all())
        .and_then(|()| std::fs::hard_link(&draft, path));
    let removed = std::fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        other => other?,
    }
    removed?;
    File::open(folder)?.sync_all()?;
    read(path)
}

/// Bytes that nobody can guess.
pub(super) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the system gives random bytes");
    bytes
}

/// Whether they are the same, without telling where they differ.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    one.ct_eq(other).into()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_folder_keeps_its_key() {
        let data = tempfile::tempdir().unwrap();
        let folder = data.path().join("deep").join("data");
        let signed = Secret::in_folder(&folder).unwrap().sign("p", "v");
        let again = Secret::in_folder(&folder).unwrap();
        assert_eq!(again.unsign("p", &signed), Some("v"));
        let names: Vec<_> = std::fs::read_dir(&folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        assert_eq!(names, [FILE]);
        let mode = std::fs::metadata(folder.join(FILE)).unwrap().permissions();
        assert_eq!(mode.mode() & 0o777, 0o600);
    }

    #[test]
    fn whoever_comes_second_takes_the_first_key() {
        let data = tempfile::tempdir().unwrap();
        let first = Secret::in_folder(data.path()).unwrap();
        let second = make(data.path(), &data.path().join(FILE)).unwrap();
        assert_eq!(first.key, second.key);
    }

    #[test]
    fn a_file_that_is_no_key_is_refused_and_left() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join(FILE);
        for bytes in [0, 31, 33] {
            std::fs::write(&path, vec![7; bytes]).unwrap();
            let error = Secret::in_folder(data.path()).unwrap_err().to_string();
            assert!(error.contains("delete it"), "{error}");
            assert_eq!(std::fs::read(&path).unwrap().len(), bytes);
        }
    }

    #[test]
    fn a_signature_is_the_known_one() {
        // From Python: hmac.new(bytes(32), struct.pack('<Q', 1) + b'p' + b'v', 'sha256').
        let secret = Secret {
            key: [0; KEY_BYTES],
        };
        assert_eq!(
            secret.sign("p", "v"),
            "v.yVXOkO6ASwIYbtuimbtuVUr5IrAlhnVUBss5z1lbKIs"
        );
    }

    proptest! {
        #[test]
        fn only_what_was_signed_is_taken(value in ".{0,20}", at in 0_usize..64, by in 1_u8..128) {
            let secret = Secret::random();
            let signed = secret.sign("p", &value);
            prop_assert_eq!(secret.unsign("p", &signed), Some(value.as_str()));
            prop_assert_eq!(secret.unsign("q", &signed), None);
            let mut bytes = signed.into_bytes();
            let at = at % bytes.len();
            bytes[at] ^= by;
            if let Ok(text) = String::from_utf8(bytes) {
                prop_assert_eq!(secret.unsign("p", &text), None);
            }
        }

        #[test]
        fn junk_is_not_signed(text in "\\PC{0,60}") {
            prop_assert_eq!(Secret::random().unsign("p", &text), None);
        }
    }
}
