//! # gzip: answers made smaller on the way out
//!
//! For answers that are made anew for each request; files are better compressed once, beforehand.
//! One compressor serves a whole server, its owner hands it over for each answer.
//!
//! Promises
//! 1. An answer is compressed only if its client takes that, its type gains by it and it became
//!    smaller; it says what it depends on in any case, so that caches keep the forms apart.
//! 2. An answer that was compressed has another entity tag than it had: a weak one, since the bytes
//!    of a tag that is strong are those that were sent.
//!
//! What an answer repeats of its request beside something secret can be told from its length: an
//! app that does so leaves such an answer as it is.

use flate2::{Compress, Compression, FlushCompress, Status as Progress};

use super::{Body, Coding, Fields, Response, Status, media, preferred_coding};

/// Shorter bodies are left as they are: they and their head fit into one packet anyway.
const BYTES_MIN: usize = 512;
/// Behind which compressed bytes may refer: the usual 32 KiB.
const WINDOW_BITS: u8 = 15;

/// A compressor that is used again and again: it holds some 300 kB from its first use on.
///
/// ```
/// use parlour::http::Gzip;
///
/// let mut gzip = Gzip::new(6);
/// let packed = gzip.pack(&[b'a'; 10_000]);
/// assert!(packed.len() < 100 && packed.starts_with(b"\x1f\x8b"));
/// ```
#[derive(Debug)]
pub struct Gzip {
    level: Compression,
    compressor: Option<Compress>,
}

impl Gzip {
    /// From 0 (none) to 9 (best); for answers that somebody waits for, 1 to 6.
    pub fn new(level: u8) -> Self {
        Self {
            level: Compression::new(u32::from(level.min(9))),
            compressor: None,
        }
    }

    /// All of `bytes` as one member of a gzip file, without a name or a time: the same bytes give
    /// the same bytes.
    pub fn pack(&mut self, mut bytes: &[u8]) -> Vec<u8> {
        let level = self.level;
        let compressor = self
            .compressor
            .get_or_insert_with(|| Compress::new_gzip(level, WINDOW_BITS));
        compressor.reset();
        let mut packed = Vec::new();
        loop {
            packed.reserve(bytes.len() / 4 + 128);
            let before = compressor.total_in();
            let progress = compressor
                .compress_vec(bytes, &mut packed, FlushCompress::Finish)
                .expect("a compressor that was reset takes any bytes");
            bytes = &bytes[(compressor.total_in() - before) as usize..];
            if progress == Progress::StreamEnd {
                return packed;
            }
        }
    }

    /// The answer as this client likes it best. Bodies in parts, streams, what has a coding already
    /// and what says `no-transform` stay as they are.
    pub fn suit(&mut self, request: Fields<'_>, mut response: Response) -> Response {
        if !may_be_packed(&response) {
            return response;
        }
        response.vary("Accept-Encoding");
        let coding = preferred_coding(request, &[Coding::Gzip]);
        let bytes = response.content().bytes();
        if coding != Some(Coding::Gzip) || bytes.len() < BYTES_MIN {
            return response;
        }
        let packed = self.pack(bytes);
        if packed.len() >= bytes.len() {
            return response;
        }
        let strong = response.fields().first("etag");
        let weak = strong
            .filter(|tag| !tag.starts_with(b"W/"))
            .map(|tag| [b"W/", tag].concat());
        if let Some(weak) = weak {
            response.set_field("ETag", &weak);
        }
        // Ranges would be cut from other bytes than these.
        response.remove_field("Accept-Ranges");
        response.push_field("Content-Encoding", b"gzip");
        response.body(packed)
    }
}

fn may_be_packed(response: &Response) -> bool {
    let fields = response.fields();
    let media_type = fields.first("content-type");
    let media_type = media_type.and_then(|media_type| str::from_utf8(media_type).ok());
    let mut cache = fields.tokens("cache-control");
    !matches!(response.content(), Body::Empty | Body::Stream { .. })
        && !response.status().is_bodiless()
        && response.status() != Status::PARTIAL_CONTENT
        && media_type.is_some_and(media::is_compressible)
        && fields.first("content-encoding").is_none()
        && !cache.any(|rule| rule.eq_ignore_ascii_case("no-transform"))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use flate2::read::GzDecoder;
    use proptest::prelude::*;

    use super::*;

    const TAKES: &[u8] = b"Accept-Encoding: gzip\r\n";

    fn unpacked(packed: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        GzDecoder::new(packed).read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn page() -> Response {
        Response::html("a page, ".repeat(100)).field("ETag", "\"a\"")
    }

    /// Whether it was compressed; what it says must fit.
    fn suited(request: &[u8], response: &Response) -> bool {
        let found = Gzip::new(1).suit(Fields::new(request), response.clone());
        let was = found.content().bytes() != response.content().bytes();
        let coding = found.fields().first("content-encoding");
        if was {
            assert_eq!(coding, Some(&b"gzip"[..]));
            assert_eq!(
                unpacked(found.content().bytes()),
                response.content().bytes()
            );
        } else {
            assert_eq!(coding, response.fields().first("content-encoding"));
        }
        was
    }

    #[test]
    fn who_takes_it_gets_it() {
        assert!(suited(TAKES, &page()));
        assert!(!suited(b"", &page()));
        assert!(!suited(b"Accept-Encoding: br\r\n", &page()));
        assert!(!suited(b"Accept-Encoding: gzip;q=0\r\n", &page()));
        assert!(!suited(
            b"Accept-Encoding: identity, gzip;q=0.5\r\n",
            &page()
        ));
    }

    #[test]
    fn what_gains_nothing_or_may_not_be_touched_stays() {
        let text = || "a page, ".repeat(100);
        let mut word = 1_u32;
        let noise = |_| {
            word ^= word << 13;
            word ^= word >> 17;
            word ^= word << 5;
            word as u8
        };
        let noise: Vec<u8> = (0..1000).map(noise).collect();
        assert!(!suited(TAKES, &Response::text("short")));
        assert!(!suited(TAKES, &Response::text(noise)));
        assert!(!suited(TAKES, &Response::new(Status::OK).body(text())));
        let png = Response::new(Status::OK).field("Content-Type", "image/png");
        assert!(!suited(TAKES, &png.body(text())));
        assert!(!suited(TAKES, &page().field("Content-Encoding", "br")));
        assert!(!suited(
            TAKES,
            &page().field("Cache-Control", "private, No-Transform")
        ));
        assert!(!suited(TAKES, &page().with_status(Status::PARTIAL_CONTENT)));
        assert!(!suited(TAKES, &page().with_status(Status::NOT_MODIFIED)));
        assert!(!suited(TAKES, &page().stream(None)));
        assert!(suited(TAKES, &page().with_status(Status::NOT_FOUND)));
    }

    #[test]
    fn an_answer_says_what_became_of_it() {
        let fields = |request: &[u8]| {
            let response = page()
                .field("Accept-Ranges", "bytes")
                .field("Vary", "Cookie");
            let found = Gzip::new(6).suit(Fields::new(request), response);
            let of = |name| {
                found
                    .fields()
                    .first(name)
                    .map(|v| v.escape_ascii().to_string())
            };
            [of("etag"), of("vary"), of("accept-ranges")]
        };
        let some = |text: &str| Some(text.to_owned());
        let vary = some("Cookie, Accept-Encoding");
        let plain = [some("\\\"a\\\""), vary.clone(), some("bytes")];
        assert_eq!(fields(b""), plain);
        assert_eq!(fields(TAKES), [some("W/\\\"a\\\""), vary, None]);
        let weak = Response::html("a page, ".repeat(100)).field("ETag", "W/\"b\"");
        let weak = Gzip::new(6).suit(Fields::new(TAKES), weak);
        assert_eq!(weak.fields().first("etag"), Some(&b"W/\"b\""[..]));
    }

    proptest! {
        #[test]
        fn what_is_packed_comes_out_again(
            texts in prop::collection::vec((prop::collection::vec(any::<u8>(), 0..40), 0_usize..100), 1..4),
            level in 0_u8..12,
        ) {
            let mut gzip = Gzip::new(level);
            for (piece, count) in texts {
                let bytes = piece.repeat(count);
                let packed = gzip.pack(&bytes);
                prop_assert_eq!(unpacked(&packed), bytes);
            }
        }
    }
}
