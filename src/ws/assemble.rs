//! # Assembly: a message that arrives in pieces
//!
//! Lives in a box of the session from a message's first piece to its last, and not a moment
//! longer. Compressed bytes are kept as they came and inflated at the end: so one inflater
//! serves all connections of a reactor.
//!
//! Promises
//! 1. Holds no more than what arrived.
//! 2. Text that is not UTF-8 is refused at the very byte.

use crate::ws::frame::TEXT;
use crate::ws::utf8::Collector;
use crate::ws::{Fault, frame};

/// What has arrived of a message.
#[derive(Debug)]
pub(super) struct Assembly {
    /// Frames so far.
    pub(super) fragments: u32,
    /// Payload so far.
    pub(super) parts: Parts,
}

/// Payload so far, by what it has to become.
#[derive(Debug)]
pub(super) enum Parts {
    Text(Collector),
    Binary(Vec<u8>),
    Deflated { is_text: bool, bytes: Vec<u8> },
}

impl Assembly {
    /// A message that begins with this header.
    pub(super) fn new(head: &frame::Head) -> Self {
        let is_text = head.opcode() == TEXT;
        let parts = if head.first & frame::RSV1 != 0 {
            Parts::Deflated {
                is_text,
                bytes: Vec::new(),
            }
        } else if is_text {
            Parts::Text(Collector::default())
        } else {
            Parts::Binary(Vec::new())
        };
        Self {
            fragments: 0,
            parts,
        }
    }

    /// Bytes so far, as sent.
    pub(super) fn len(&self) -> usize {
        match &self.parts {
            Parts::Text(collector) => collector.len(),
            Parts::Binary(bytes) | Parts::Deflated { bytes, .. } => bytes.len(),
        }
    }

    /// How much memory that takes.
    #[cfg(any(test, fuzzing))]
    pub(super) fn held_bytes(&self) -> usize {
        match &self.parts {
            Parts::Text(collector) => collector.held_bytes(),
            Parts::Binary(bytes) | Parts::Deflated { bytes, .. } => bytes.capacity(),
        }
    }

    /// Whether the message is compressed.
    pub(super) const fn is_deflated(&self) -> bool {
        matches!(self.parts, Parts::Deflated { .. })
    }

    /// Takes the next unmasked bytes.
    pub(super) fn push(&mut self, piece: &[u8]) -> Result<(), Fault> {
        match &mut self.parts {
            Parts::Text(collector) => collector.push(piece)?,
            Parts::Binary(bytes) | Parts::Deflated { bytes, .. } => bytes.extend_from_slice(piece),
        }
        Ok(())
    }
}
