//! # Deflate: compression that many connections share
//!
//! RFC 7692 with its state in one place: a compressor's is 250 to 380 kB and an inflater's 47 kB,
//! too much for every connection. Without context takeover each message stands alone, so one
//! compressor per window size and one inflater serve a whole reactor. Sessions that negotiated
//! takeover own theirs, for 2.8 times instead of 1.2 on small similar messages.
//!
//! Promises
//! 1. A message's compressed bytes refer to at most its window, 8 bits too: a 9-bit compressor
//!    reaches 512 - 262 = 250 bytes back.
//! 2. Inflating stops at `message_bytes_max`, piece by piece, whatever the input promises.
//! 3. What compression would make larger is sent plain (but for takeover, where both ends must
//!    have seen the same).
//! 4. State and scratch are made at first use.

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use crate::ws::utf8::Collector;
use crate::ws::{Fault, Message, frame};

/// What a sync flush ends with; senders leave it away and receivers put it back (7.2.1, 7.2.2).
const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
/// An empty final block: an inflater that takes it and ends stood between two blocks.
const FINAL: [u8; 5] = [0x01, 0x00, 0x00, 0xff, 0xff];
/// How much is inflated before it is looked at.
const PIECE_BYTES: usize = 16 * 1024;
/// Kept room for compressed bytes; what a large message needed beyond is given back.
const PACKED_BYTES_KEPT: usize = 64 * 1024;
/// Whether and how to compress.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DeflatePolicy {
    /// Whether compression is offered and accepted at all.
    pub enabled: bool,
    /// 0 (none) to 9 (best). On 176-byte JSON messages level 1 took 3 µs for a ratio of 1.17,
    /// level 6 took 9 µs for 1.37: the loop's time is dearer than that.
    pub level: u8,
    /// Shorter messages are sent plain: they hardly shrink.
    pub bytes_min: usize,
    /// Whether messages may refer to earlier ones, for some 300 kB a connection.
    pub context_takeover: bool,
}

impl Default for DeflatePolicy {
    fn default() -> Self {
        Self {
            enabled: true,
            level: 1,
            bytes_min: 512,
            context_takeover: false,
        }
    }
}

/// The compressors and the inflater of a reactor.
#[derive(Debug)]
pub struct Deflate {
    policy: DeflatePolicy,
    /// By window bits, 9 to 15.
    compressors: [Option<Compress>; 7],
    inflater: Option<Decompress>,
    packed: Vec<u8>,
    piece: Vec<u8>,
}

/// A message's payload after inflating.
#[derive(Debug)]
pub(super) enum Inflated {
    Text(String),
    Binary(Vec<u8>),
}

impl Deflate {
    /// State for a reactor: nothing is allocated before it is needed.
    pub const fn new(policy: DeflatePolicy) -> Self {
        Self {
            policy,
            compressors: [const { None }; 7],
            inflater: None,
            packed: Vec::new(),
            piece: Vec::new(),
        }
    }

    /// Whether and how to compress.
    pub const fn policy(&self) -> &DeflatePolicy {
        &self.policy
    }

    /// Whether a message of `len` bytes is worth the effort.
    pub(super) const fn is_worth(&self, len: usize) -> bool {
        self.policy.enabled && len >= self.policy.bytes_min
    }

    /// A compressor for a session that keeps its own.
    pub(super) fn compressor(&self, window_bits: u8) -> Compress {
        let level = Compression::new(u32::from(self.policy.level.min(9)));
        Compress::new_with_window_bits(level, false, window_bits.max(9))
    }

    /// An inflater for a session that keeps its own.
    pub(super) fn own_inflater(window_bits: u8) -> Decompress {
        Decompress::new_with_window_bits(false, window_bits.max(9))
    }

    /// Compresses a message that stands alone; `None` if that does not make it smaller.
    pub(super) fn pack(&mut self, window_bits: u8, bytes: &[u8]) -> Option<&[u8]> {
        let slot = usize::from(window_bits.clamp(9, 15) - 9);
        let mut compressor = self.compressors[slot]
            .take()
            .unwrap_or_else(|| self.compressor(window_bits));
        compressor.reset();
        pack_into(&mut compressor, bytes, &mut self.packed);
        self.compressors[slot] = Some(compressor);
        (self.packed.len() < bytes.len()).then_some(&self.packed)
    }

    /// Compresses a message with a session's own compressor.
    pub(super) fn pack_with(&mut self, compressor: &mut Compress, bytes: &[u8]) -> &[u8] {
        pack_into(compressor, bytes, &mut self.packed);
        &self.packed
    }

    /// Gives back what a large message needed.
    pub(super) fn tidy(&mut self) {
        if self.packed.capacity() > PACKED_BYTES_KEPT {
            self.packed = Vec::new();
        }
    }

    /// Inflates a message's bytes, with a session's own inflater if it has one.
    pub(super) fn inflate(
        &mut self,
        own: Option<&mut Decompress>,
        bytes: &[u8],
        is_text: bool,
        bytes_max: usize,
    ) -> Result<Inflated, Fault> {
        self.piece.resize(PIECE_BYTES, 0);
        let stands_alone = own.is_none();
        let inflater = own.unwrap_or_else(|| {
            let shared = self.inflater.get_or_insert_with(|| Self::own_inflater(15));
            shared.reset(false);
            shared
        });
        let target = if is_text {
            Target::Text(Collector::default())
        } else {
            Target::Binary(Vec::new())
        };
        let mut work = Inflating {
            inflater,
            piece: &mut self.piece,
            target,
            left: bytes_max,
            ended: false,
        };
        work.message(bytes, stands_alone)?;
        match work.target {
            Target::Text(text) => text.finish().map(Inflated::Text),
            Target::Binary(bytes) => Ok(Inflated::Binary(bytes)),
        }
    }
}

/// Appends one message as a whole unmasked server frame, compressed if that makes it smaller, so
/// that all receivers with the same [`shared_bits`](crate::ws::Session::shared_bits) can share it.
///
/// ```
/// use parlour::ws::{Deflate, DeflatePolicy, Message, deflated_frame};
///
/// let mut deflate = Deflate::new(DeflatePolicy::default());
/// let mut out = Vec::new();
/// deflated_frame(Message::Text(&"again ".repeat(200)), 15, &mut deflate, &mut out);
/// assert!(out.len() < 100 && out[0] == 0b1100_0001);
/// ```
pub fn deflated_frame(
    message: Message<'_>,
    agreed_bits: u8,
    deflate: &mut Deflate,
    out: &mut Vec<u8>,
) {
    if !deflate.is_worth(message.bytes().len()) {
        return frame(message, out);
    }
    match deflate.pack(agreed_bits, message.bytes()) {
        Some(packed) => {
            frame::write(
                frame::FIN | frame::RSV1 | frame::opcode(message),
                None,
                packed,
                out,
            );
        }
        None => frame(message, out),
    }
    deflate.tidy();
}

/// Compresses `bytes` up to a byte boundary and leaves the tail away.
fn pack_into(compressor: &mut Compress, mut bytes: &[u8], packed: &mut Vec<u8>) {
    packed.clear();
    loop {
        packed.reserve(bytes.len() / 2 + 64);
        let before = compressor.total_in();
        compressor
            .compress_vec(bytes, packed, FlushCompress::Sync)
            .expect("a compressor that is never finished takes any bytes");
        bytes = &bytes[(compressor.total_in() - before) as usize..];
        // Room left over means that the flush is through.
        if bytes.is_empty() && packed.len() < packed.capacity() {
            break;
        }
    }
    if packed.ends_with(&TAIL) {
        packed.truncate(packed.len() - TAIL.len());
    } else {
        assert!(packed.is_empty(), "a flush ends with an empty block");
    }
    if packed.is_empty() {
        // A flush after a flush says nothing, but an empty message is one byte (7.2.3.6).
        packed.push(0);
    }
}

/// Where inflated bytes go.
enum Target {
    Text(Collector),
    Binary(Vec<u8>),
}

/// A message on its way through an inflater.
struct Inflating<'a> {
    inflater: &'a mut Decompress,
    piece: &'a mut [u8],
    target: Target,
    /// How many bytes may still come out.
    left: usize,
    /// The last block was final: whatever follows begins a new stream.
    ended: bool,
}

impl Inflating<'_> {
    fn message(&mut self, bytes: &[u8], stands_alone: bool) -> Result<(), Fault> {
        if bytes.is_empty() {
            return Ok(());
        }
        self.feed(bytes)?;
        // A sender that forgot the byte after its final block is understood all the same.
        if !self.ended {
            self.feed(&TAIL)?;
            if stands_alone {
                self.feed(&FINAL)?;
                if !self.ended {
                    return Err(Fault::InvalidDeflate);
                }
            }
        }
        if self.ended {
            self.inflater.reset(false);
        }
        Ok(())
    }

    fn feed(&mut self, mut bytes: &[u8]) -> Result<(), Fault> {
        while !bytes.is_empty() {
            if self.ended {
                // A block after a final one begins a new stream, which does not refer back
                // (RFC 1951, 3.2.3). It costs 38 ns for two bytes: no need to count them.
                self.inflater.reset(false);
            }
            let (consumed, made) = (self.inflater.total_in(), self.inflater.total_out());
            let status = self
                .inflater
                .decompress(bytes, self.piece, FlushDecompress::None)
                .map_err(|_| Fault::InvalidDeflate)?;
            let consumed = (self.inflater.total_in() - consumed) as usize;
            let made = (self.inflater.total_out() - made) as usize;
            bytes = &bytes[consumed..];
            self.take(made)?;
            self.ended = status == Status::StreamEnd;
            if consumed == 0 && made == 0 && !self.ended {
                return Err(Fault::InvalidDeflate);
            }
        }
        self.drain()
    }

    /// What an inflater still holds after it took the last byte: more than a piece could.
    fn drain(&mut self) -> Result<(), Fault> {
        while !self.ended {
            let made = self.inflater.total_out();
            let status = self
                .inflater
                .decompress(&[], self.piece, FlushDecompress::None)
                .map_err(|_| Fault::InvalidDeflate)?;
            let made = (self.inflater.total_out() - made) as usize;
            self.take(made)?;
            self.ended = status == Status::StreamEnd;
            if made == 0 {
                break;
            }
        }
        Ok(())
    }

    fn take(&mut self, made: usize) -> Result<(), Fault> {
        self.left = self.left.checked_sub(made).ok_or(Fault::MessageTooLarge)?;
        let piece = &self.piece[..made];
        match &mut self.target {
            Target::Text(text) => text.push(piece),
            Target::Binary(bytes) => {
                bytes.extend_from_slice(piece);
                Ok(())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;
    use crate::ground::seed::Seed;

    /// A slow inflater of our own (RFC 1951), because no library tells how far back it went.
    struct Reader<'a> {
        bytes: &'a [u8],
        bit: usize,
        out: Vec<u8>,
        distance_max: usize,
    }

    /// Symbols by the length and the bits of their codes.
    type Codes = HashMap<(usize, usize), usize>;

    /// The canonical code with these lengths (3.2.2).
    fn codes(lengths: &[usize]) -> Codes {
        let mut codes = Codes::new();
        let mut code = 0;
        for len in 1..16 {
            code <<= 1;
            for symbol in (0..lengths.len()).filter(|at| lengths[*at] == len) {
                codes.insert((len, code), symbol);
                code += 1;
            }
        }
        codes
    }

    impl Reader<'_> {
        fn bits(&mut self, count: usize) -> usize {
            let bit = |at: usize| usize::from(self.bytes[at / 8] >> (at % 8) & 1);
            let value = (0..count).map(|at| bit(self.bit + at) << at).sum();
            self.bit += count;
            value
        }

        fn symbol(&mut self, codes: &Codes) -> usize {
            let mut code = 0;
            for len in 1..16 {
                code = code << 1 | self.bits(1);
                if let Some(symbol) = codes.get(&(len, code)) {
                    return *symbol;
                }
            }
            panic!("no such code");
        }

        fn tables(&mut self) -> (Codes, Codes) {
            let (literals, distances) = (self.bits(5) + 257, self.bits(5) + 1);
            let mut order = [0; 19];
            let count = self.bits(4) + 4;
            for at in [
                16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
            ]
            .into_iter()
            .take(count)
            {
                order[at] = self.bits(3);
            }
            let order = codes(&order);
            let mut lengths = Vec::new();
            while lengths.len() < literals + distances {
                let (value, times) = match self.symbol(&order) {
                    16 => (lengths[lengths.len() - 1], 3 + self.bits(2)),
                    17 => (0, 3 + self.bits(3)),
                    18 => (0, 11 + self.bits(7)),
                    len => (len, 1),
                };
                lengths.extend(std::iter::repeat_n(value, times));
            }
            let distances = lengths.split_off(literals);
            (codes(&lengths), codes(&distances))
        }

        fn block(&mut self, literals: &Codes, distances: &Codes) {
            // Base and extra bits grow in groups of four lengths and of two distances (3.2.5).
            let grown = |code: usize, group: usize, base: usize| {
                let extra = (code / group).saturating_sub(1);
                let begin = if extra == 0 {
                    code
                } else {
                    (group + code % group) << extra
                };
                (begin + base, extra)
            };
            loop {
                match self.symbol(literals) {
                    256 => return,
                    literal @ 0..256 => self.out.push(literal as u8),
                    code => {
                        let (base, extra) = if code == 285 {
                            (258, 0)
                        } else {
                            grown(code - 257, 4, 3)
                        };
                        let len = base + self.bits(extra);
                        let (base, extra) = grown(self.symbol(distances), 2, 1);
                        let distance = base + self.bits(extra);
                        self.distance_max = self.distance_max.max(distance);
                        for _ in 0..len {
                            self.out.push(self.out[self.out.len() - distance]);
                        }
                    }
                }
            }
        }

        /// Every block there is, up to the empty one that the tail makes.
        fn run(&mut self) {
            while self.bit.div_ceil(8) < self.bytes.len() {
                assert_eq!(self.bits(1), 0, "a flush makes no final block");
                match self.bits(2) {
                    0 => {
                        self.bit = self.bit.next_multiple_of(8);
                        let len = self.bits(16);
                        assert_eq!(self.bits(16), len ^ 0xffff);
                        let stored: Vec<u8> = (0..len).map(|_| self.bits(8) as u8).collect();
                        self.out.extend(stored);
                    }
                    1 => {
                        let literals = [vec![8; 144], vec![9; 112], vec![7; 24], vec![8; 8]];
                        self.block(&codes(&literals.concat()), &codes(&[5; 32]));
                    }
                    2 => {
                        let (literals, distances) = self.tables();
                        self.block(&literals, &distances);
                    }
                    _ => panic!("a reserved block"),
                }
            }
        }
    }

    #[test]
    fn no_level_refers_back_beyond_the_window_that_was_agreed() {
        // Phrases that come back after every distance, over many windows.
        let mut seed = Seed::new(5);
        let phrases: Vec<String> = (0..40).map(|_| format!("{:x} ", seed.bits())).collect();
        let plain: String = (0..2000)
            .map(|_| phrases[seed.below(40) as usize].as_str())
            .collect();
        for level in 1..=9 {
            for bits in [8, 10, 12] {
                let mut deflate = Deflate::new(DeflatePolicy {
                    level,
                    ..DeflatePolicy::default()
                });
                let packed = deflate.pack(bits, plain.as_bytes()).unwrap();
                let bytes = [packed, &TAIL].concat();
                let mut reader = Reader {
                    bytes: &bytes,
                    bit: 0,
                    out: Vec::new(),
                    distance_max: 0,
                };
                reader.run();
                assert!(reader.out == plain.as_bytes(), "level {level}, {bits} bits");
                let distance_max = reader.distance_max;
                assert!(
                    distance_max <= 1 << bits,
                    "level {level}, {bits} bits: {distance_max}"
                );
                assert!(
                    distance_max > 1 << (bits - 1),
                    "the test reaches far: {distance_max}"
                );
            }
        }
    }

    #[test]
    fn what_does_not_shrink_is_not_packed() {
        let mut deflate = Deflate::new(DeflatePolicy::default());
        let noise: Vec<u8> = std::iter::repeat_with({
            let mut seed = Seed::new(9);
            move || seed.bits() as u8
        })
        .take(100_000)
        .collect();
        assert_eq!(deflate.pack(15, &noise), None);
        assert_eq!(deflate.pack(15, b""), None);
        deflate.tidy();
        assert!(deflate.packed.capacity() <= PACKED_BYTES_KEPT);
    }
}
