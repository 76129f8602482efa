//! # Media types: what a file's name says about its bytes
//!
//! A table of what web sites are made of, sorted by extension. Text says that it is UTF-8; what is
//! not in the table is bytes, which a browser saves and does not interpret.

/// What is said of bytes of which nothing is known.
pub const OCTET_STREAM: &str = "application/octet-stream";

const TYPES: [(&str, &str); 72] = [
    ("7z", "application/x-7z-compressed"),
    ("aac", "audio/aac"),
    ("apng", "image/apng"),
    ("atom", "application/atom+xml"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("bz2", "application/x-bzip2"),
    ("css", "text/css; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    (
        "docx",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    ),
    ("eot", "application/vnd.ms-fontobject"),
    ("epub", "application/epub+zip"),
    ("flac", "audio/flac"),
    ("geojson", "application/geo+json"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("htm", "text/html; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/vnd.microsoft.icon"),
    ("ics", "text/calendar; charset=utf-8"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("jsonld", "application/ld+json"),
    ("jxl", "image/jxl"),
    ("log", "text/plain; charset=utf-8"),
    ("m3u8", "application/vnd.apple.mpegurl"),
    ("m4a", "audio/mp4"),
    ("m4v", "video/mp4"),
    ("map", "application/json"),
    ("md", "text/markdown; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("mov", "video/quicktime"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("mpd", "application/dash+xml"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("opus", "audio/ogg"),
    ("otf", "font/otf"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    (
        "pptx",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    ),
    ("rss", "application/rss+xml"),
    ("rtf", "application/rtf"),
    ("svg", "image/svg+xml; charset=utf-8"),
    ("tar", "application/x-tar"),
    ("tif", "image/tiff"),
    ("tiff", "image/tiff"),
    ("toml", "application/toml"),
    ("tsv", "text/tab-separated-values; charset=utf-8"),
    ("ttc", "font/collection"),
    ("ttf", "font/ttf"),
    ("txt", "text/plain; charset=utf-8"),
    ("vcf", "text/vcard; charset=utf-8"),
    ("vtt", "text/vtt; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("wav", "audio/wav"),
    ("weba", "audio/webm"),
    ("webm", "video/webm"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xhtml", "application/xhtml+xml; charset=utf-8"),
    (
        "xlsx",
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ),
    ("xml", "application/xml"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("zip", "application/zip"),
];

/// No extension of the table is longer.
const EXTENSION_BYTES_MAX: usize = 11;

/// The media type of an extension, which is written without its dot and in any case.
///
/// ```
/// # use parlour::http::media::by_extension;
/// assert_eq!(by_extension("HTML"), Some("text/html; charset=utf-8"));
/// assert_eq!(by_extension("exe"), None);
/// ```
pub fn by_extension(extension: &str) -> Option<&'static str> {
    let mut lower = [0; EXTENSION_BYTES_MAX];
    let lower = lower.get_mut(..extension.len())?;
    lower.copy_from_slice(extension.as_bytes());
    lower.make_ascii_lowercase();
    let at = TYPES.binary_search_by(|(known, _)| known.as_bytes().cmp(lower));
    at.ok().map(|at| TYPES[at].1)
}

/// The media type of a file by the end of its path; [`OCTET_STREAM`] if that says nothing.
///
/// ```
/// # use parlour::http::media::by_path;
/// assert_eq!(by_path("static/app.min.js"), "text/javascript; charset=utf-8");
/// assert_eq!(by_path("js/README"), "application/octet-stream");
/// ```
pub fn by_path(path: &str) -> &'static str {
    let name = path.rsplit('/').next().unwrap_or(path);
    // A name that begins with its only dot has no extension.
    let extension = name
        .rsplit_once('.')
        .filter(|(stem, _)| !stem.is_empty())
        .map(|(_, extension)| extension);
    extension.and_then(by_extension).unwrap_or(OCTET_STREAM)
}

/// Whether bytes of this type become smaller by compression: text does, and what is text below
/// another name; pictures, sounds and archives are compressed already.
///
/// ```
/// # use parlour::http::media::is_compressible;
/// assert!(is_compressible("application/json; charset=utf-8"));
/// assert!(!is_compressible("image/png"));
/// ```
pub fn is_compressible(media_type: &str) -> bool {
    let essence = media_type.split(';').next().unwrap_or(media_type).trim();
    let essence = essence.to_ascii_lowercase();
    match essence.split_once('/') {
        // A compressor would keep the events of a stream back until it has enough of them.
        Some(("text", "event-stream")) => false,
        Some(("text", _)) => true,
        Some((_, subtype)) if subtype.ends_with("+json") || subtype.ends_with("+xml") => true,
        Some(("application", subtype)) => matches!(
            subtype,
            "javascript"
                | "json"
                | "rtf"
                | "toml"
                | "vnd.apple.mpegurl"
                | "vnd.ms-fontobject"
                | "wasm"
                | "x-ndjson"
                | "x-tar"
                | "xml"
                | "yaml"
        ),
        Some(("font", subtype)) => matches!(subtype, "collection" | "otf" | "ttf"),
        Some(("image", subtype)) => matches!(subtype, "bmp" | "vnd.microsoft.icon" | "x-icon"),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_short_enough_to_be_found() {
        assert!(TYPES.is_sorted_by(|(one, _), (other, _)| one < other));
        for (extension, media_type) in TYPES {
            assert_eq!(by_extension(extension), Some(media_type));
            assert_eq!(extension, extension.to_ascii_lowercase());
            let is_text = media_type.starts_with("text/");
            assert!(!is_text || media_type.ends_with("; charset=utf-8"));
        }
        let longest = TYPES.iter().map(|(extension, _)| extension.len()).max();
        assert_eq!(longest, Some(EXTENSION_BYTES_MAX));
    }

    #[test]
    fn only_the_end_of_the_last_segment_counts() {
        let check = |path: &str, expected: &str| assert_eq!(by_path(path), expected, "{path}");
        check("a.css", "text/css; charset=utf-8");
        check("/a/b.PNG", "image/png");
        check("a.tar.gz", "application/gzip");
        check("html", OCTET_STREAM);
        check(".html", OCTET_STREAM);
        check("a/.html", OCTET_STREAM);
        check("a.", OCTET_STREAM);
        check("", OCTET_STREAM);
        check("a.html/b", OCTET_STREAM);
        check("a.hTmÉ", OCTET_STREAM);
        check("a.longer-than-any-in-the-table", OCTET_STREAM);
    }

    #[test]
    fn text_is_compressed_and_what_is_packed_is_not() {
        let check = |media_type: &str, expected| {
            assert_eq!(is_compressible(media_type), expected, "{media_type}");
        };
        check("text/html; charset=utf-8", true);
        check("TEXT/Plain", true);
        check("text/event-stream", false);
        check("application/json", true);
        check("application/problem+json", true);
        check("image/svg+xml", true);
        check("application/wasm", true);
        check("font/ttf", true);
        check("font/woff2", false);
        check("image/webp", false);
        check("video/mp4", false);
        check("application/zip", false);
        check("application/octet-stream", false);
        check("", false);
        check("text", false);
    }
}
