//! # Multipart fault: the rule that a form broke
//!
//! As with the faults of the room, one variant per rule and one table for status and sentence. The
//! request around it is sound: a connection may go on when its body was read to its end.

use std::fmt;

use crate::http::{Fault, Response, Status};

/// A rule of `multipart/form-data` that the peer broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum MultipartFault {
    /// The content type is another one (RFC 9110 15.5.16).
    OtherType,
    /// The content type has no boundary (RFC 7578 4.1).
    NoBoundary,
    /// The boundary is not 1 to 70 of its characters (RFC 2046 5.1.1).
    BadBoundary,
    /// What follows a boundary is neither two hyphens nor the end of its line (RFC 2046 5.1.1).
    BadDelimiter,
    /// A line of a part's head ends in LF without CR (RFC 2046 4.1.1).
    BareLineFeed,
    /// More parts than we read.
    TooManyParts,
    /// The head of a part is longer than we read.
    LongHead,
    /// A part has more fields than we read.
    TooManyFields,
    /// A field of a part breaks a rule that fields of a request have too.
    BadField(Fault),
    /// A part without `Content-Disposition` (RFC 7578 4.2).
    NoDisposition,
    /// The disposition of a part is not `form-data` (RFC 7578 4.2).
    OtherDisposition,
    /// Parameters of a disposition are not `name=value` or `name="value"` (RFC 2183 2).
    BadDisposition,
    /// A disposition without a name (RFC 7578 4.2).
    NoName,
    /// Something that decides what a part is stands there twice.
    Repeated,
    /// A name, a file name or a content type is not UTF-8 (RFC 7578 5.1).
    NotText,
    /// The content is in Base64 or another encoding, which no browser does (RFC 7578 4.7).
    Encoded,
    /// The body ended before the last delimiter (RFC 2046 5.1.1).
    CutShort,
}

impl MultipartFault {
    /// The status of the answer.
    pub const fn status(self) -> Status {
        self.rule().0
    }

    /// What to tell the peer, in one line.
    pub const fn reason(self) -> &'static str {
        self.rule().1
    }

    const fn rule(self) -> (Status, &'static str) {
        use Status as S;
        match self {
            Self::OtherType => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "the content type is not multipart/form-data",
            ),
            Self::NoBoundary => (S::BAD_REQUEST, "the content type has no boundary"),
            Self::BadBoundary => (S::BAD_REQUEST, "malformed boundary"),
            Self::BadDelimiter => (S::BAD_REQUEST, "a boundary is not alone in its line"),
            Self::BareLineFeed => (
                S::BAD_REQUEST,
                "a line of a part's head ends in LF without CR",
            ),
            Self::TooManyParts => (S::CONTENT_TOO_LARGE, "the form has too many parts"),
            Self::LongHead => (S::CONTENT_TOO_LARGE, "the head of a part is too long"),
            Self::TooManyFields => (S::CONTENT_TOO_LARGE, "a part has too many fields"),
            Self::BadField(fault) => (S::BAD_REQUEST, fault.reason()),
            Self::NoDisposition => (S::BAD_REQUEST, "a part without Content-Disposition"),
            Self::OtherDisposition => {
                (S::BAD_REQUEST, "the disposition of a part is not form-data")
            }
            Self::BadDisposition => (S::BAD_REQUEST, "malformed Content-Disposition"),
            Self::NoName => (S::BAD_REQUEST, "a part without a name"),
            Self::Repeated => (
                S::BAD_REQUEST,
                "what describes a part or the form stands there twice",
            ),
            Self::NotText => (S::BAD_REQUEST, "what describes a part is not UTF-8"),
            Self::Encoded => (
                S::UNSUPPORTED_MEDIA_TYPE,
                "the content of a part is encoded: send it as it is",
            ),
            Self::CutShort => (S::BAD_REQUEST, "the form was cut short"),
        }
    }
}

impl From<Fault> for MultipartFault {
    /// A rule that the head of a part broke.
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::TooManyFields => Self::TooManyFields,
            fault => Self::BadField(fault),
        }
    }
}

impl From<MultipartFault> for Response {
    /// The refusal of a form.
    fn from(fault: MultipartFault) -> Self {
        Self::refusal(fault.status(), fault.reason())
    }
}

impl fmt::Display for MultipartFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for MultipartFault {}
