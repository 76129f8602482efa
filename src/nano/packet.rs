//! # Packets: the stream cut into its parts
//!
//! A byte of type, three of length, and the body. Whole packets are borrowed from the input; the
//! beginning of one that is not whole yet is kept until the rest has come.

use super::Fault;

/// Bytes in front of each body.
pub const HEADER_BYTES: usize = 4;
/// The longest body if nothing else is said, as in the original.
pub const BODY_BYTES_MAX: usize = 65_536;

/// What a packet is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Packet {
    /// Both ways, the first word of each.
    Handshake = 1,
    /// The client has understood the handshake.
    HandshakeAck = 2,
    /// A sign of life.
    Heartbeat = 3,
    /// A [`Message`](super::Message).
    Data = 4,
    /// The server ends the session.
    Kick = 5,
}

impl Packet {
    /// The kind that a byte means.
    pub const fn of(byte: u8) -> Option<Self> {
        Some(match byte {
            1 => Self::Handshake,
            2 => Self::HandshakeAck,
            3 => Self::Heartbeat,
            4 => Self::Data,
            5 => Self::Kick,
            _ => return None,
        })
    }
}

/// Appends a packet.
///
/// # Panics
///
/// If the body is longer than three bytes of length can say: 16 MiB.
pub fn write(kind: Packet, body: &[u8], out: &mut Vec<u8>) {
    write_with(kind, out, |out| out.extend_from_slice(body));
}

/// Appends a packet whose body is written in place.
///
/// # Panics
///
/// If the body is longer than three bytes of length can say: 16 MiB.
pub fn write_with<T>(kind: Packet, out: &mut Vec<u8>, body: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let start = out.len();
    out.extend_from_slice(&[kind as u8, 0, 0, 0]);
    let result = body(out);
    let len = out.len() - start - HEADER_BYTES;
    assert!(len < 1 << 24, "a packet's length has three bytes");
    let [_, high, middle, low] = (len as u32).to_be_bytes();
    out[start + 1..start + HEADER_BYTES].copy_from_slice(&[high, middle, low]);
    result
}

/// A packet that was cut off the stream, and its body if that came in one piece.
type Cut<'i> = (Packet, Option<&'i [u8]>);

/// Cuts a stream into packets.
///
/// ```
/// use parlour::nano::{Packet, Packets};
///
/// let mut packets = Packets::default();
/// let mut input = &b"\x03\0\0\0\x04\0\0\x05he"[..];
/// assert_eq!(packets.next(&mut input, 100), Ok(Some((Packet::Heartbeat, &b""[..]))));
/// assert_eq!(packets.next(&mut input, 100), Ok(None));
/// let mut input = &b"llo"[..];
/// assert_eq!(packets.next(&mut input, 100), Ok(Some((Packet::Data, &b"hello"[..]))));
/// ```
#[derive(Debug, Default)]
pub struct Packets {
    /// The beginning of a packet, or all of the one that was handed out last.
    held: Vec<u8>,
    /// What is held was handed out.
    is_told: bool,
}

impl Packets {
    /// The next packet; nothing if more input is needed, of which all is taken then. A packet that
    /// breaks a rule does so again at each call.
    pub fn next<'s, 'i: 's>(
        &'s mut self,
        input: &mut &'i [u8],
        body_bytes_max: usize,
    ) -> Result<Option<(Packet, &'s [u8])>, Fault> {
        let found = self.advance(input, body_bytes_max)?;
        Ok(found.map(|(kind, body)| (kind, body.unwrap_or_else(|| self.body()))))
    }

    /// The same; a body that did not come in one piece is at [`Packets::body`].
    pub(super) fn advance<'i>(
        &mut self,
        input: &mut &'i [u8],
        body_bytes_max: usize,
    ) -> Result<Option<Cut<'i>>, Fault> {
        if std::mem::take(&mut self.is_told) {
            self.held = Vec::new();
        }
        if self.held.is_empty() {
            if let Some((kind, len)) = header(input, body_bytes_max)?
                && input.len() >= HEADER_BYTES + len
            {
                let (packet, rest) = input.split_at(HEADER_BYTES + len);
                *input = rest;
                return Ok(Some((kind, Some(&packet[HEADER_BYTES..]))));
            }
            self.held.extend_from_slice(input);
            *input = &[];
            return Ok(None);
        }
        self.take(input, HEADER_BYTES);
        let Some((kind, len)) = header(&self.held, body_bytes_max)? else {
            return Ok(None);
        };
        self.take(input, HEADER_BYTES + len);
        if self.held.len() < HEADER_BYTES + len {
            return Ok(None);
        }
        self.is_told = true;
        Ok(Some((kind, None)))
    }

    /// The body of the packet that was put together last.
    pub(super) fn body(&self) -> &[u8] {
        self.held.get(HEADER_BYTES..).unwrap_or_default()
    }

    /// Whether a packet has begun and is not whole.
    pub const fn is_cut(&self) -> bool {
        !self.is_told && !self.held.is_empty()
    }

    /// Bytes that are kept.
    pub const fn held_bytes(&self) -> usize {
        self.held.len()
    }

    /// Takes from the input until so many bytes are held.
    fn take(&mut self, input: &mut &[u8], upto: usize) {
        let missing = upto.saturating_sub(self.held.len()).min(input.len());
        let (taken, rest) = input.split_at(missing);
        self.held.extend_from_slice(taken);
        *input = rest;
    }
}

/// What the first bytes of a packet say, as soon as they are there.
fn header(bytes: &[u8], body_bytes_max: usize) -> Result<Option<(Packet, usize)>, Fault> {
    let Some(&first) = bytes.first() else {
        return Ok(None);
    };
    let kind = Packet::of(first).ok_or(Fault::UnknownPacket)?;
    let Some(&[_, high, middle, low]) = bytes.first_chunk() else {
        return Ok(None);
    };
    let len = u32::from_be_bytes([0, high, middle, low]) as usize;
    if len > body_bytes_max {
        return Err(Fault::PacketTooLong);
    }
    Ok(Some((kind, len)))
}
