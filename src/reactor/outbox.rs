//! # Outbox: what a connection still has to say
//!
//! Everything that is said in a turn is encoded at the end of one growing [`Block`], and a
//! connection's outbox holds stretches of it. A message for a thousand members is encoded once and
//! held a thousand times; and because what a turn says lies side by side, sixteen messages to one
//! member are still one stretch, which leaves in one plain write.
//!
//! Promises
//! 1. Bytes leave in the order in which they came, each once.
//! 2. `queued` is the sum of what is queued.
//! 3. An empty outbox owns no heap memory.
//! 4. What is left at the end of a turn pins at most twice its own size: a stretch that is less
//!    than half of its block is copied out of it.
//!
//! Never knows: sockets, rooms, budgets, why something is said. Start reading at
//! [`Blocks::write`], then [`Outbox::push`] and [`Outbox::advance`].

use std::cell::{Ref, RefCell};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::rc::Rc;

/// A block is closed once it is this long; larger ones fall out of the processor's cache.
const BLOCK_BYTES: usize = 64 * 1024;
/// Blocks that wait to be used again. More than a busy turn needs would only be memory held.
const SPARE_BLOCKS_MAX: usize = 16;
/// Stretches that leave in one write; the kernel takes 1024, but few ever queue.
const SLICES_MAX: usize = 64;

/// Bytes that several outboxes may hold stretches of. Only ever appended to while it is shared.
type Block = Rc<RefCell<Vec<u8>>>;

/// A stretch of a block.
#[derive(Clone, Debug)]
pub(crate) struct Piece {
    block: Block,
    from: u32,
    to: u32,
}

impl Piece {
    pub(crate) const fn len(&self) -> usize {
        (self.to - self.from) as usize
    }

    fn is_followed_by(&self, next: &Self) -> bool {
        self.to == next.from && Rc::ptr_eq(&self.block, &next.block)
    }

    /// Whether it is less than half of its block, and so pins more than twice its size.
    fn is_loose(&self) -> bool {
        self.len() * 2 < self.block.borrow().len()
    }

    /// The same bytes in a block of their own.
    fn owned(&self) -> Self {
        let bytes = self.bytes().to_vec();
        let to = bytes.len() as u32;
        let block = Rc::new(RefCell::new(bytes));
        Self { block, from: 0, to }
    }

    /// Takes the bytes of the next piece into its block, if that is its own and has room.
    fn absorb(&mut self, next: &Self) -> bool {
        if Rc::strong_count(&self.block) > 1 {
            return false;
        }
        let mut block = self.block.borrow_mut();
        let has_room = self.to as usize == block.len() && block.len() < BLOCK_BYTES;
        if has_room {
            block.extend_from_slice(&next.bytes());
            self.to = block.len() as u32;
        }
        has_room
    }

    fn bytes(&self) -> Ref<'_, [u8]> {
        Ref::map(self.block.borrow(), |block| {
            &block[self.from as usize..self.to as usize]
        })
    }
}

/// Where a turn's output is written, one block after the other.
#[derive(Debug, Default)]
pub(crate) struct Blocks {
    current: Block,
    /// Blocks that this turn has filled.
    full: Vec<Block>,
    /// Blocks that nobody holds any more, empty.
    spare: Vec<Block>,
}

impl Blocks {
    /// Lets `encode` append to the current block; the stretch that it wrote, or nothing.
    #[inline]
    pub(crate) fn write<T>(
        &mut self,
        encode: impl FnOnce(&mut Vec<u8>) -> T,
    ) -> (T, Option<Piece>) {
        let mut block = self.current.borrow_mut();
        let from = block.len();
        let result = encode(&mut block);
        let to = block.len();
        drop(block);
        if to == from {
            return (result, None);
        }
        assert!(
            u32::try_from(to).is_ok(),
            "what is said at once is shorter than 4 GiB: more must be streamed"
        );
        let piece = Piece {
            block: Rc::clone(&self.current),
            from: from as u32,
            to: to as u32,
        };
        if to >= BLOCK_BYTES {
            let next = self.spare.pop().unwrap_or_default();
            self.full.push(std::mem::replace(&mut self.current, next));
        }
        (result, Some(piece))
    }

    /// Ends the turn: blocks that all has been said of are used again, the others belong to those
    /// who still hold stretches of them.
    pub(crate) fn end_turn(&mut self) {
        if !self.current.borrow().is_empty() {
            let next = self.spare.pop().unwrap_or_default();
            self.full.push(std::mem::replace(&mut self.current, next));
        }
        for block in self.full.drain(..) {
            let mut bytes = block.borrow_mut();
            if Rc::strong_count(&block) > 1 {
                bytes.shrink_to_fit();
                continue;
            }
            if self.spare.len() < SPARE_BLOCKS_MAX && bytes.capacity() <= 2 * BLOCK_BYTES {
                bytes.clear();
                drop(bytes);
                self.spare.push(block);
            }
        }
    }

    /// Gives back what waits to be used again.
    pub(crate) fn shrink(&mut self) {
        self.spare = Vec::new();
        self.full = Vec::new();
    }
}

/// What one connection still has to say.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    first: Option<Piece>,
    /// Whatever does not adjoin `first`. Boxed, so that the many outboxes without it stay small.
    others: Option<Box<Others>>,
    queued: usize,
}

#[derive(Debug, Default)]
struct Others {
    pieces: VecDeque<Piece>,
    /// How many of them were looked at by an earlier `settle`.
    settled: usize,
}

impl Outbox {
    /// Bytes that wait to leave.
    #[inline]
    pub(crate) const fn queued(&self) -> usize {
        self.queued
    }

    #[inline]
    pub(crate) const fn is_empty(&self) -> bool {
        self.queued == 0
    }

    /// Queues a stretch behind what is there.
    #[inline]
    pub(crate) fn push(&mut self, piece: &Piece) {
        self.queued += piece.len();
        let last = match &mut self.others {
            Some(others) => others.pieces.back_mut(),
            None => self.first.as_mut(),
        };
        match last {
            Some(last) if last.is_followed_by(piece) => last.to = piece.to,
            Some(_) => {
                let others = self.others.get_or_insert_default();
                others.pieces.push_back(piece.clone());
            }
            None => self.first = Some(piece.clone()),
        }
    }

    /// Shows what is to leave, as slices for one write. Must not be empty.
    #[inline]
    pub(crate) fn show<T>(&self, write: impl FnOnce(&[IoSlice<'_>]) -> T) -> T {
        let first = self
            .first
            .as_ref()
            .expect("an outbox with queued bytes has a first piece");
        let Some(others) = &self.others else {
            return write(&[IoSlice::new(&first.bytes())]);
        };
        let held: Vec<Ref<'_, [u8]>> = std::iter::once(first)
            .chain(&others.pieces)
            .take(SLICES_MAX)
            .map(Piece::bytes)
            .collect();
        let slices: Vec<IoSlice<'_>> = held.iter().map(|bytes| IoSlice::new(bytes)).collect();
        write(&slices)
    }

    /// Forgets the first `sent` bytes: they have left.
    #[inline]
    pub(crate) fn advance(&mut self, mut sent: usize) {
        assert!(sent <= self.queued, "no more can leave than was queued");
        self.queued -= sent;
        while let Some(first) = &mut self.first {
            if sent < first.len() {
                first.from += sent as u32;
                return;
            }
            sent -= first.len();
            self.first = self.others.as_mut().and_then(|others| {
                others.settled = others.settled.saturating_sub(1);
                others.pieces.pop_front()
            });
            if self.others.as_ref().is_some_and(|it| it.pieces.is_empty()) {
                self.others = None;
            }
        }
    }

    /// At the end of a turn in which not all could leave: keeps promise 4. Looks at what is new
    /// since the last time, for a peer may be blocked for many turns; and puts what it copies
    /// together, so that many small messages are not many small blocks.
    pub(crate) fn settle(&mut self) {
        if let Some(first) = &mut self.first
            && first.is_loose()
        {
            *first = first.owned();
        }
        let Some(others) = &mut self.others else {
            return;
        };
        for piece in others.pieces.split_off(others.settled) {
            if !piece.is_loose() {
                others.pieces.push_back(piece);
                continue;
            }
            let last = others.pieces.back_mut();
            if !last.is_some_and(|last| last.absorb(&piece)) {
                others.pieces.push_back(piece.owned());
            }
        }
        others.settled = others.pieces.len();
    }

    /// Drops everything unsaid.
    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    /// How much memory the blocks take of which it holds something.
    #[cfg(test)]
    pub(crate) fn pinned_bytes(&self) -> usize {
        let others = self.others.iter().flat_map(|others| &others.pieces);
        let blocks = self.first.iter().chain(others);
        blocks.map(|piece| piece.block.borrow().capacity()).sum()
    }

    /// Asserts the promises that can be seen from outside of a turn.
    pub(crate) fn check(&self) {
        let others = self.others.iter().flat_map(|others| &others.pieces);
        let sum: usize = self.first.iter().chain(others).map(Piece::len).sum();
        assert_eq!(
            sum, self.queued,
            "promise 2: queued is the sum of the pieces"
        );
        assert!(
            self.first.is_some() || self.others.is_none(),
            "a first piece comes before others"
        );
        assert!(
            self.queued > 0 || self.first.is_none(),
            "promise 3: empty owns nothing"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn said(outbox: &Outbox) -> Vec<u8> {
        if outbox.is_empty() {
            return Vec::new();
        }
        outbox.show(|slices| slices.iter().flat_map(|slice| slice.to_vec()).collect())
    }

    fn write(blocks: &mut Blocks, bytes: &[u8]) -> Piece {
        blocks
            .write(|block| block.extend_from_slice(bytes))
            .1
            .unwrap()
    }

    #[test]
    fn neighbours_are_one_stretch() {
        let (mut blocks, mut outbox) = (Blocks::default(), Outbox::default());
        for word in ["to", "get", "her"] {
            outbox.push(&write(&mut blocks, word.as_bytes()));
        }
        assert!(outbox.others.is_none());
        assert_eq!(said(&outbox), b"together");
    }

    #[test]
    fn an_outbox_is_small() {
        assert!(size_of::<Outbox>() <= 32, "{}", size_of::<Outbox>());
    }

    #[test]
    fn a_block_of_which_all_is_said_is_used_again() {
        let (mut blocks, mut outbox) = (Blocks::default(), Outbox::default());
        outbox.push(&write(&mut blocks, b"hello"));
        let address = Rc::as_ptr(&blocks.current);
        outbox.advance(5);
        blocks.end_turn();
        blocks.end_turn();
        assert!(
            blocks
                .spare
                .iter()
                .any(|spare| Rc::as_ptr(spare) == address)
        );
    }

    #[test]
    fn what_is_left_pins_no_more_than_twice_its_size() {
        let (mut blocks, mut outbox) = (Blocks::default(), Outbox::default());
        let small = write(&mut blocks, b"small");
        let _large = write(&mut blocks, &[0; 1000]);
        let block = Rc::downgrade(&small.block);
        outbox.push(&small);
        drop((small, _large));
        outbox.settle();
        blocks.end_turn();
        blocks.shrink();
        assert!(
            block
                .upgrade()
                .is_none_or(|block| block.borrow().is_empty())
        );
        assert_eq!(said(&outbox), b"small");
    }

    proptest! {
        /// Whatever is pushed, sent and settled: the bytes come out once and in order.
        #[test]
        fn bytes_leave_once_and_in_order(
            acts in prop::collection::vec((0..4u8, 0..2usize, 1..300usize), 1..200)
        ) {
            let mut blocks = Blocks::default();
            let mut boxes = [Outbox::default(), Outbox::default()];
            let mut wanted = [Vec::new(), Vec::new()];
            let mut got = [Vec::new(), Vec::new()];
            let mut next = 0u8;
            for (act, who, size) in acts {
                match act {
                    0 => {
                        let bytes: Vec<u8> = (0..size).map(|_| { next = next.wrapping_add(1); next }).collect();
                        let piece = write(&mut blocks, &bytes);
                        boxes[who].push(&piece);
                        wanted[who].extend_from_slice(&bytes);
                        if size % 2 == 0 {
                            boxes[1 - who].push(&piece);
                            wanted[1 - who].extend_from_slice(&bytes);
                        }
                    }
                    1 => {
                        let count = size.min(boxes[who].queued());
                        got[who].extend_from_slice(&said(&boxes[who])[..count.min(said(&boxes[who]).len())]);
                        let count = count.min(said(&boxes[who]).len());
                        boxes[who].advance(count);
                    }
                    2 => boxes[who].settle(),
                    _ => blocks.end_turn(),
                }
                boxes.iter().for_each(Outbox::check);
            }
            for who in 0..2 {
                while !boxes[who].is_empty() {
                    let bytes = said(&boxes[who]);
                    boxes[who].advance(bytes.len());
                    got[who].extend_from_slice(&bytes);
                }
                prop_assert_eq!(&got[who], &wanted[who]);
            }
        }
    }
}
