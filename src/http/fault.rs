//! # Fault: the rule that a request broke
//!
//! One variant per rule, named by the rule, and one table that gives each its status and its
//! sentence. Whoever breaks one gets that answer and the end of the connection: after broken
//! framing nobody can say where the next request begins.

use std::fmt;

use super::Status;

/// A rule of HTTP that the peer broke.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Fault {
    /// A line ends in LF without CR (RFC 9112 2.2 lets us take it; smugglers live on it).
    BareLineFeed,
    /// More empty lines before the request than anybody sends by mistake (RFC 9112 2.2).
    EmptyLines,
    /// The request line is not `method SP target SP version` (RFC 9112 3).
    BadRequestLine,
    /// The method is no token (RFC 9110 9.1).
    BadMethod,
    /// The method is a token that nobody here knows (RFC 9110 9.1).
    UnknownMethod,
    /// CONNECT asks for a tunnel; an origin server has none (RFC 9110 9.3.6).
    Tunnel,
    /// The target has none of the four forms, or characters that belong in none (RFC 9112 3.2).
    BadTarget,
    /// A `%` in the path is not followed by two hexadecimal digits (RFC 3986 2.1).
    BrokenPercent,
    /// The request line is longer than we read (RFC 9110 15.5.15).
    LongTarget,
    /// The version is not `HTTP/` DIGIT `.` DIGIT (RFC 9112 2.3).
    BadVersion,
    /// A major version other than 1 (RFC 9110 15.6.6).
    OtherVersion,
    /// Request line and fields are longer than we read (RFC 6585 5).
    LongHead,
    /// More field lines than we read (RFC 6585 5).
    TooManyFields,
    /// A field line begins with white space: obs-fold (RFC 9112 5.2).
    FoldedField,
    /// White space between field name and colon (RFC 9112 5.1).
    SpaceBeforeColon,
    /// A field line without a colon (RFC 9112 5).
    NoColon,
    /// A field name that is no token (RFC 9110 5.1).
    BadFieldName,
    /// NUL or another control character in a field value (RFC 9110 5.5).
    BadFieldValue,
    /// A CR that is not followed by LF (RFC 9112 2.2).
    BareCarriageReturn,
    /// HTTP/1.1 without Host (RFC 9112 3.2).
    NoHost,
    /// More than one Host (RFC 9112 3.2).
    TwoHosts,
    /// Host, or the authority of the target, is not `uri-host [":" port]` (RFC 9110 7.2).
    BadHost,
    /// Content-Length is not one run of digits (RFC 9110 8.6).
    BadLength,
    /// More than one Content-Length, even if they agree (RFC 9112 6.3).
    TwoLengths,
    /// A Content-Length beyond 64 bits (RFC 9110 8.6).
    LengthOverflow,
    /// Transfer-Encoding together with Content-Length (RFC 9112 6.1).
    LengthAndCoding,
    /// A transfer coding that is not `chunked` (RFC 9112 6.1).
    UnknownCoding,
    /// `chunked` is not the last coding, or stands twice (RFC 9112 6.3).
    ChunkedNotLast,
    /// Transfer-Encoding in HTTP/1.0, which did not have it (RFC 9112 6.1).
    CodingInOldVersion,
    /// A body was required and none was announced (RFC 9110 15.5.12).
    LengthRequired,
    /// The body is longer than the caller takes (RFC 9110 15.5.14).
    BodyTooLong,
    /// An expectation other than `100-continue` (RFC 9110 10.1.1).
    UnknownExpectation,
    /// A chunk size that is not 1 to 16 hexadecimal digits (RFC 9112 7.1).
    BadChunkSize,
    /// A malformed chunk extension (RFC 9112 7.1.1).
    BadChunkExtension,
    /// A chunk line, or all extensions together, longer than we read (RFC 9112 7.1.1).
    LongChunkLine,
    /// Chunk data is not followed by CRLF (RFC 9112 7.1).
    BadChunkEnd,
    /// The trailer section is longer than we read (RFC 9112 7.1.2, RFC 6585 5).
    LongTrailers,
    /// The peer stopped sending in the middle of a request (RFC 9112 8).
    CutShort,
    /// The request did not arrive in time: said by whoever keeps the time (RFC 9110 15.5.9).
    TooSlow,
}

impl Fault {
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
            Self::BareLineFeed => (S::BAD_REQUEST, "a line ends in LF without CR"),
            Self::EmptyLines => (S::BAD_REQUEST, "too many empty lines before the request"),
            Self::BadRequestLine => (
                S::BAD_REQUEST,
                "the request line is not method, target and version",
            ),
            Self::BadMethod => (S::BAD_REQUEST, "the method is no token"),
            Self::UnknownMethod => (S::NOT_IMPLEMENTED, "unknown method"),
            Self::Tunnel => (S::NOT_IMPLEMENTED, "no tunnels here"),
            Self::BadTarget => (S::BAD_REQUEST, "malformed request target"),
            Self::BrokenPercent => (S::BAD_REQUEST, "broken percent-encoding in the path"),
            Self::LongTarget => (S::URI_TOO_LONG, "the request target is too long"),
            Self::BadVersion => (S::BAD_REQUEST, "malformed HTTP version"),
            Self::OtherVersion => (S::VERSION_NOT_SUPPORTED, "only HTTP/1.0 and HTTP/1.1"),
            Self::LongHead => (S::FIELDS_TOO_LARGE, "the header section is too long"),
            Self::TooManyFields => (S::FIELDS_TOO_LARGE, "too many header fields"),
            Self::FoldedField => (S::BAD_REQUEST, "a field line begins with white space"),
            Self::SpaceBeforeColon => (S::BAD_REQUEST, "white space between field name and colon"),
            Self::NoColon => (S::BAD_REQUEST, "a field line without a colon"),
            Self::BadFieldName => (S::BAD_REQUEST, "a field name that is no token"),
            Self::BadFieldValue => (S::BAD_REQUEST, "a control character in a field value"),
            Self::BareCarriageReturn => (S::BAD_REQUEST, "a CR without LF"),
            Self::NoHost => (S::BAD_REQUEST, "no Host"),
            Self::TwoHosts => (S::BAD_REQUEST, "more than one Host"),
            Self::BadHost => (S::BAD_REQUEST, "malformed host or port"),
            Self::BadLength => (S::BAD_REQUEST, "Content-Length is not a number"),
            Self::TwoLengths => (S::BAD_REQUEST, "more than one Content-Length"),
            Self::LengthOverflow => (S::CONTENT_TOO_LARGE, "Content-Length is beyond 64 bits"),
            Self::LengthAndCoding => (S::BAD_REQUEST, "both Content-Length and Transfer-Encoding"),
            Self::UnknownCoding => (S::NOT_IMPLEMENTED, "a transfer coding other than chunked"),
            Self::ChunkedNotLast => (S::BAD_REQUEST, "chunked is not the last coding, once"),
            Self::CodingInOldVersion => (S::BAD_REQUEST, "Transfer-Encoding in HTTP/1.0"),
            Self::LengthRequired => (S::LENGTH_REQUIRED, "the length of the body is required"),
            Self::BodyTooLong => (S::CONTENT_TOO_LARGE, "the body is too long"),
            Self::UnknownExpectation => (
                S::EXPECTATION_FAILED,
                "no expectation but 100-continue is met here",
            ),
            Self::BadChunkSize => (S::BAD_REQUEST, "malformed chunk size"),
            Self::BadChunkExtension => (S::BAD_REQUEST, "malformed chunk extension"),
            Self::LongChunkLine => (S::BAD_REQUEST, "chunk extensions are too long"),
            Self::BadChunkEnd => (S::BAD_REQUEST, "no CRLF behind the data of a chunk"),
            Self::LongTrailers => (S::FIELDS_TOO_LARGE, "the trailer section is too long"),
            Self::CutShort => (S::BAD_REQUEST, "the request was cut short"),
            Self::TooSlow => (S::REQUEST_TIMEOUT, "the request did not arrive in time"),
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Fault {}
