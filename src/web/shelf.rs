//! # Shelf: files that are part of the program
//!
//! They are in memory already, so the loop answers with them at once. One that gains by it is
//! compressed when it is first asked for, and kept in both forms.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::file::Asked;
use super::folder::{BESIDE, hash_of};
use crate::http::{Body, Coding, Gzip, Representation, Response, Status, media, preferred_coding};

/// Compressed once and sent often: as small as it gets.
const LEVEL: u8 = 9;

/// A file that is part of the program: see [`assets!`](crate::assets).
///
/// One whose content is no file of its own is written down:
///
/// ```
/// use parlour::web::{App, Asset};
///
/// const ROBOTS: &[Asset] = &[Asset {
///     path: "robots.txt",
///     bytes: b"User-agent: *\nDisallow: /drafts/\n",
/// }];
/// let app = App::new(()).embedded("/", ROBOTS);
/// # drop(app);
/// ```
#[derive(Clone, Copy)]
pub struct Asset {
    /// Its path below the prefix at which it is served, such as `css/app.css`.
    pub path: &'static str,
    /// What is in it.
    pub bytes: &'static [u8],
}

impl std::fmt::Debug for Asset {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({} bytes)", self.path, self.bytes.len())
    }
}

/// Makes files of a folder part of the program, for
/// [`App::embedded`](crate::web::App::embedded). The folder is one beside the source file that says
/// this. A file with the ending `.br` or `.gz` stands in for the one without where clients take it; text
/// without any is compressed by the program.
///
/// ```standalone_crate
/// use parlour::web::{App, Asset};
///
/// const ASSETS: &[Asset] = parlour::assets!("shelf": ["app.css", "app.css.gz"]);
/// let app = App::new(()).embedded("/static", ASSETS);
/// # drop(app);
/// ```
#[macro_export]
macro_rules! assets {
    ($folder:literal : [$($path:literal),* $(,)?]) => {
        &[$($crate::web::Asset {
            path: $path,
            bytes: include_bytes!(concat!($folder, "/", $path)),
        }),*]
    };
}

/// Files by their paths.
#[derive(Debug)]
pub(super) struct Shelf {
    files: BTreeMap<&'static str, File>,
    /// When they became part of the program.
    made_s: Option<u64>,
}

/// When this program, and so everything embedded in it, was made, in seconds since 1970; nothing where
/// the system does not tell.
pub fn made_s() -> Option<u64> {
    let program = std::env::current_exe().ok()?;
    let modified = program.metadata().ok()?.modified().ok()?;
    let since = modified.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(since.as_secs())
}

#[derive(Debug)]
struct File {
    bytes: &'static [u8],
    /// Of the content.
    hash: u64,
    /// The same compressed, once it was asked for, and the hash of that; nothing where it gains
    /// nothing.
    packed: OnceLock<Option<(Vec<u8>, u64)>>,
}

impl File {
    fn packed(&self) -> Option<(&[u8], u64)> {
        let pack = || {
            let packed = Gzip::new(LEVEL).pack(self.bytes);
            let hash = hash_of(&packed);
            (packed.len() < self.bytes.len()).then_some((packed, hash))
        };
        let (bytes, hash) = self.packed.get_or_init(pack).as_ref()?;
        Some((bytes, *hash))
    }
}

impl Shelf {
    /// Files, or which of them could never be asked for.
    pub(super) fn new(assets: &[Asset]) -> Result<Self, String> {
        let mut files = BTreeMap::new();
        for Asset { path, bytes } in assets {
            let is_plain = path
                .split('/')
                .all(|it| !it.is_empty() && !it.starts_with('.'));
            if !is_plain {
                return Err(format!(
                    "the embedded file '{path}': a path is segments that do not begin with a dot, \
                     and slashes between them"
                ));
            }
            let file = File {
                bytes,
                hash: hash_of(bytes),
                packed: OnceLock::new(),
            };
            if files.insert(*path, file).is_some() {
                return Err(format!("the embedded file '{path}' is there twice"));
            }
        }
        let made_s = made_s();
        Ok(Self { files, made_s })
    }

    pub(super) fn hash(&self, name: &str) -> Option<u64> {
        self.files.get(name).map(|file| file.hash)
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// The answer with a file, and the hash of its content.
    pub(super) fn answer(&self, name: &str, asked: &Asked) -> Option<(Response, u64)> {
        let file = self.files.get(name)?;
        let content_type = media::by_path(name);
        let mut forms: Vec<(Coding, Body, u64)> = BESIDE
            .into_iter()
            .filter_map(|(coding, ending)| {
                let form = self.files.get(format!("{name}.{ending}").as_str())?;
                Some((coding, form.bytes.into(), form.hash))
            })
            .collect();
        if forms.is_empty() && media::is_compressible(content_type) {
            let packed = file.packed();
            forms.extend(packed.map(|(bytes, hash)| (Coding::Gzip, bytes.to_vec().into(), hash)));
        }
        let varies = !forms.is_empty();
        let codings: Vec<Coding> = forms.iter().map(|(coding, ..)| *coding).collect();
        let coding = preferred_coding(asked.head().all_fields(), &codings);
        let form = forms.into_iter().find(|(it, ..)| Some(*it) == coding);
        let plain = || (Coding::Identity, file.bytes.into(), file.hash);
        let (coding, bytes, of_form) = form.unwrap_or_else(plain);
        let tag = format!("\"{of_form:016x}\"");
        let thing = Representation {
            length: bytes.bytes().len() as u64,
            content_type,
            etag: Some(&tag),
            last_modified_s: self.made_s,
        };
        let mut response = thing.serve(&asked.head(), asked.unix_ms(), bytes);
        let has_content = matches!(response.status(), Status::OK | Status::PARTIAL_CONTENT);
        if let (true, Some(coding)) = (has_content, coding.name()) {
            response.push_field("Content-Encoding", coding.as_bytes());
        }
        if varies {
            response.vary("Accept-Encoding");
        }
        Some((response, file.hash))
    }
}
