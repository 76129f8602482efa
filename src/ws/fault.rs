//! # Faults: what a peer can do wrong
//!
//! One variant per rule. The room remembers the first and says it in its close frame.
//!
//! Promises
//! 1. Every fault has the close code that the RFC wants for it.
//! 2. Its message fits into a close frame.

use std::fmt;

/// A rule that the peer broke. The connection is of no more use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A reserved bit that no negotiated extension gives a meaning (RFC 6455, 5.2).
    ReservedBits,
    /// The compression bit on a control frame or a continuation (RFC 7692, 6.1).
    MisplacedCompression,
    /// An opcode that means nothing (RFC 6455, 5.2).
    ReservedOpcode(u8),
    /// A control frame without its final bit (RFC 6455, 5.5).
    FragmentedControl,
    /// A control frame over 125 bytes (RFC 6455, 5.5).
    LongControl,
    /// A client that did not mask (RFC 6455, 5.1).
    UnmaskedFrame,
    /// A server that masked (RFC 6455, 5.1).
    MaskedFrame,
    /// A length in more bytes than it needs (RFC 6455, 5.2).
    WideLength,
    /// A length with its highest bit set (RFC 6455, 5.2).
    HugeLength,
    /// A frame over the limit (RFC 6455, 10.4).
    FrameTooLarge,
    /// A message over the limit, as sent or as inflated (RFC 6455, 10.4).
    MessageTooLarge,
    /// A message in more fragments than the limit (RFC 6455, 10.4).
    TooManyFragments,
    /// A continuation with nothing to continue (RFC 6455, 5.4).
    NothingToContinue,
    /// A new message inside an unfinished one (RFC 6455, 5.4).
    UnfinishedMessage,
    /// Text that is not UTF-8 (RFC 6455, 8.1).
    InvalidUtf8,
    /// A close frame with one byte: half a code (RFC 6455, 5.5.1).
    HalfCloseCode,
    /// A close code that must not be on the wire (RFC 6455, 7.4).
    InvalidCloseCode(u16),
    /// A close reason that is not UTF-8 (RFC 6455, 5.5.1 and 8.1).
    InvalidReason,
    /// Compressed bytes that do not inflate (RFC 7692, 7.2.2).
    InvalidDeflate,
}

impl Fault {
    /// The code for the close frame that answers the fault.
    pub const fn close_code(self) -> u16 {
        match self {
            Self::FrameTooLarge | Self::MessageTooLarge | Self::TooManyFragments => 1009,
            Self::InvalidUtf8 | Self::InvalidReason | Self::InvalidDeflate => 1007,
            Self::ReservedBits
            | Self::MisplacedCompression
            | Self::ReservedOpcode(_)
            | Self::FragmentedControl
            | Self::LongControl
            | Self::UnmaskedFrame
            | Self::MaskedFrame
            | Self::WideLength
            | Self::HugeLength
            | Self::NothingToContinue
            | Self::UnfinishedMessage
            | Self::HalfCloseCode
            | Self::InvalidCloseCode(_) => 1002,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ReservedBits => f.write_str("a reserved bit is set, but no extension uses it"),
            Self::MisplacedCompression => {
                f.write_str("the compression bit belongs on a message's first frame only")
            }
            Self::ReservedOpcode(opcode) => write!(f, "opcode {opcode:#x} is reserved"),
            Self::FragmentedControl => f.write_str("a control frame must not be fragmented"),
            Self::LongControl => f.write_str("a control frame holds at most 125 bytes"),
            Self::UnmaskedFrame => f.write_str("a client must mask its frames"),
            Self::MaskedFrame => f.write_str("a server must not mask its frames"),
            Self::WideLength => f.write_str("a length must use as few bytes as possible"),
            Self::HugeLength => f.write_str("a length must not have its highest bit set"),
            Self::FrameTooLarge => f.write_str("the frame is too large, send smaller ones"),
            Self::MessageTooLarge => f.write_str("the message is too large, send smaller ones"),
            Self::TooManyFragments => f.write_str("the message has too many fragments"),
            Self::NothingToContinue => f.write_str("a continuation came without a beginning"),
            Self::UnfinishedMessage => {
                f.write_str("a message began before the one before it was finished")
            }
            Self::InvalidUtf8 => f.write_str("a text message must be UTF-8"),
            Self::HalfCloseCode => f.write_str("a close code has two bytes, not one"),
            Self::InvalidCloseCode(code) => write!(f, "close code {code} must not be sent"),
            Self::InvalidReason => f.write_str("a close reason must be UTF-8"),
            Self::InvalidDeflate => f.write_str("a compressed message does not inflate"),
        }
    }
}

impl std::error::Error for Fault {}
