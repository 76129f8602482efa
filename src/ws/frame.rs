//! # Frames: headers read and written
//!
//! The layout of RFC 6455, 5.2, and nothing else: which headers are lawful when is the session's
//! matter. Written by hand because this runs for every frame: a tenth of the time of the general
//! reader that the tests compare it with.
//!
//! Promises
//! 1. `Head::read` asks for more bytes exactly as long as the header is not complete.
//! 2. What is written uses the shortest length, and reads back as itself.

use crate::ws::{Message, mask};

/// The first byte's final bit.
pub(super) const FIN: u8 = 0x80;
/// The first byte's bit that permessage-deflate took.
pub(super) const RSV1: u8 = 0x40;
/// All three reserved bits.
pub(super) const RSV: u8 = 0x70;

pub(super) const CONTINUATION: u8 = 0;
pub(super) const TEXT: u8 = 1;
pub(super) const BINARY: u8 = 2;
pub(super) const CLOSE: u8 = 8;
pub(super) const PING: u8 = 9;
pub(super) const PONG: u8 = 10;

/// The most bytes that a header has.
pub(super) const HEAD_BYTES_MAX: usize = 14;
/// The most payload that a control frame has.
pub(super) const CONTROL_BYTES_MAX: usize = 125;

/// A frame's header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Final bit, reserved bits and opcode, as on the wire.
    pub first: u8,
    /// The mask, if there is one.
    pub mask: Option<[u8; 4]>,
    /// The payload's length.
    pub len: u64,
    /// How many bytes the header took.
    pub size: usize,
}

impl Head {
    /// The header at the beginning of `bytes`, once it is there.
    ///
    /// ```
    /// use parlour::ws::frame::Head;
    ///
    /// let head = Head::read(b"\x81\x05Hello").unwrap();
    /// assert_eq!((head.len, head.size, head.mask), (5, 2, None));
    /// assert!(Head::read(b"\x81\x85\x37\xfa").is_none(), "half of a mask");
    /// ```
    #[inline]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let (len, size, rest) = match second & 0x7f {
            126 => {
                let (len, rest) = rest.split_first_chunk()?;
                (u64::from(u16::from_be_bytes(*len)), 4, rest)
            }
            127 => {
                let (len, rest) = rest.split_first_chunk()?;
                (u64::from_be_bytes(*len), 10, rest)
            }
            short => (u64::from(short), 2, rest),
        };
        if second & 0x80 == 0 {
            return Some(Self {
                first,
                mask: None,
                len,
                size,
            });
        }
        let mask = *rest.first_chunk()?;
        Some(Self {
            first,
            mask: Some(mask),
            len,
            size: size + 4,
        })
    }

    /// The opcode's four bits.
    #[inline]
    pub const fn opcode(&self) -> u8 {
        self.first & 0x0f
    }

    /// Whether the message ends with this frame.
    #[inline]
    pub const fn is_final(&self) -> bool {
        self.first & FIN != 0
    }

    /// Whether this is a control frame.
    #[inline]
    pub const fn is_control(&self) -> bool {
        self.first & 0x08 != 0
    }

    /// Whether the length was written in as few bytes as it needs.
    #[inline]
    pub const fn is_minimal(&self) -> bool {
        let mask = if self.mask.is_some() { 4 } else { 0 };
        self.size - mask == length_size(self.len) + 1
    }
}

/// How many bytes a length takes, the mask's bit included.
#[inline]
const fn length_size(len: u64) -> usize {
    match len {
        0..=125 => 1,
        126..=0xffff => 3,
        _ => 9,
    }
}

/// Appends one message as a whole unmasked frame, so that many receivers can share it.
///
/// ```
/// use parlour::ws::{Message, frame};
///
/// let mut out = Vec::new();
/// frame(Message::Text("Hello"), &mut out);
/// assert_eq!(out, b"\x81\x05Hello");
/// ```
pub fn frame(message: Message<'_>, out: &mut Vec<u8>) {
    write(FIN | opcode(message), None, message.bytes(), out);
}

/// The opcode that a message's first frame has.
#[inline]
pub(super) const fn opcode(message: Message<'_>) -> u8 {
    match message {
        Message::Text(_) => TEXT,
        Message::Binary(_) => BINARY,
    }
}

/// Appends a frame, masked if there is a mask.
#[inline]
pub(crate) fn write(first: u8, mask: Option<[u8; 4]>, payload: &[u8], out: &mut Vec<u8>) {
    out.reserve(HEAD_BYTES_MAX + payload.len());
    let masked = if mask.is_some() { 0x80 } else { 0 };
    let len = payload.len() as u64;
    match length_size(len) {
        1 => out.extend_from_slice(&[first, masked | len as u8]),
        3 => {
            out.extend_from_slice(&[first, masked | 126]);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        _ => {
            out.extend_from_slice(&[first, masked | 127]);
            out.extend_from_slice(&len.to_be_bytes());
        }
    }
    let Some(key) = mask else {
        return out.extend_from_slice(payload);
    };
    out.extend_from_slice(&key);
    let begin = out.len();
    out.extend_from_slice(payload);
    mask::apply(key, 0, &mut out[begin..]);
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;
    use tungstenite::protocol::frame::FrameHeader;
    use tungstenite::protocol::frame::coding::OpCode;

    use super::*;

    /// What the foreign reader says of the same bytes, in our words.
    fn foreign(bytes: &[u8]) -> Option<Head> {
        let mut cursor = Cursor::new(bytes);
        let (header, len) = FrameHeader::parse(&mut cursor).ok()??;
        let first = u8::from(header.opcode)
            | if header.is_final { FIN } else { 0 }
            | if header.rsv1 { RSV1 } else { 0 }
            | if header.rsv2 { 0x20 } else { 0 }
            | if header.rsv3 { 0x10 } else { 0 };
        Some(Head {
            first,
            mask: header.mask,
            len,
            size: cursor.position() as usize,
        })
    }

    proptest! {
        #[test]
        fn headers_are_read_as_by_a_foreign_reader(bytes in prop::collection::vec(any::<u8>(), 0..20)) {
            // It refuses reserved opcodes at once; here the session does.
            let is_reserved = matches!(bytes.first().map(|first| first & 0x0f), Some(3..=7 | 11..));
            if !is_reserved {
                prop_assert_eq!(Head::read(&bytes), foreign(&bytes));
            }
        }

        #[test]
        fn headers_are_written_as_by_a_foreign_writer(
            len in prop_oneof![0usize..130, 65_530usize..65_540],
            mask: Option<[u8; 4]>,
        ) {
            let mut out = Vec::new();
            write(FIN | BINARY, mask, &vec![0; len], &mut out);
            let header = FrameHeader { opcode: OpCode::from(BINARY), mask, ..FrameHeader::default() };
            let mut expected = Vec::new();
            header.format(len as u64, &mut expected).unwrap();
            prop_assert_eq!(&out[..expected.len()], expected);
            let head = Head::read(&out).unwrap();
            prop_assert!(head.is_minimal() && head.is_final() && !head.is_control());
            prop_assert_eq!(head.size + len, out.len());
        }
    }

    #[test]
    fn only_the_shortest_length_is_minimal() {
        let check = |bytes: &[u8], minimal| {
            assert_eq!(
                Head::read(bytes).map(|head| head.is_minimal()),
                Some(minimal),
                "{bytes:x?}"
            );
        };
        check(b"\x82\x7d", true);
        check(b"\x82\x7e\x00\x7d", false);
        check(b"\x82\x7e\x00\x7e", true);
        check(b"\x82\xfe\x00\x7emask", true);
        check(b"\x82\x7f\0\0\0\0\0\0\xff\xff", false);
        check(b"\x82\x7f\0\0\0\0\0\x01\0\0", true);
    }
}
