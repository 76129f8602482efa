//! # Limits: how much of a request is read before it is refused
//!
//! A head must be whole before anything can be said about it, so its size is memory that a
//! stranger can make us hold. Each bound has its reason and what others chose.

/// Bounds of what the receiver reads. Each counts the line ends too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the request line; longer ones are 414. RFC 9112 3 wants at least 8000, Apache
    /// reads 8190, nginx 8 KiB.
    pub line_bytes_max: usize,
    /// Bytes of request line and fields; longer ones are 431. nginx reads 4 × 8 KiB, Node.js
    /// 16 KiB, Go 1 MiB; one cookie may have 4 KiB.
    pub head_bytes_max: usize,
    /// Fields of a head or a trailer section; more are 431. Apache reads 100, hyper 100; browsers
    /// send about 20.
    pub fields_max: usize,
    /// Bytes of one chunk line; longer ones are 400. Nobody sends extensions; hyper reads 16 KiB of
    /// them in a whole body, Go 4 KiB in a line.
    pub chunk_line_bytes_max: usize,
    /// Bytes by which the chunk extensions of a body may exceed its data: without it a peer can
    /// send megabytes of them around a body that stays below its own bound. hyper reads 16 KiB.
    pub chunk_extension_bytes_max: u32,
    /// Bytes of the trailer section; longer ones are 431. A checksum and a signature fit many
    /// times.
    pub trailer_bytes_max: usize,
    /// Empty lines before a request line; more are 400. One is a known mistake of old clients (RFC
    /// 9112 2.2), an endless row of them is not.
    pub empty_lines_max: u8,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            line_bytes_max: 8 << 10,
            head_bytes_max: 32 << 10,
            fields_max: 100,
            chunk_line_bytes_max: 1 << 10,
            chunk_extension_bytes_max: 16 << 10,
            trailer_bytes_max: 8 << 10,
            empty_lines_max: 4,
        }
    }
}

/// Offsets into a head are 32 bits wide.
const OFFSETS_END: usize = u32::MAX as usize;

impl Limits {
    /// At least a CRLF, so that a CR alone is never too long to become an empty line.
    pub(super) fn line_bytes(&self) -> usize {
        self.line_bytes_max.clamp(2, OFFSETS_END)
    }

    pub(super) fn head_bytes(&self) -> usize {
        self.head_bytes_max.min(OFFSETS_END)
    }

    pub(super) fn chunk_line_bytes(&self) -> usize {
        self.chunk_line_bytes_max.min(OFFSETS_END)
    }

    pub(super) fn trailer_bytes(&self) -> usize {
        self.trailer_bytes_max.min(OFFSETS_END)
    }
}
