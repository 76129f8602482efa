//! # A seeded random source
//!
//! Masks, jitter and the simulator's faults come from here: small, fast, and the same seed gives
//! the same numbers on every machine. Not for secrets.

/// Numbers that look random and are wholly decided by the seed (the SplitMix64 sequence).
#[derive(Clone, Debug)]
pub struct Seed(u64);

impl Seed {
    /// A source that always says the same for the same `seed`.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next 64 bits.
    pub const fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number below `bound`, which must not be zero.
    pub const fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "a number below zero does not exist");
        // The bias of a remainder is far below anything that a test or a jitter could see.
        self.bits() % bound
    }

    /// True once in `times`.
    pub const fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == 0
    }

    /// Four bytes for a client's frame mask.
    pub const fn mask(&mut self) -> [u8; 4] {
        (self.bits() as u32).to_le_bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (mut a, mut b) = (Seed::new(7), Seed::new(7));
        assert!((0..100).all(|_| a.bits() == b.bits()));
        // The first number of the published sequence for seed 0.
        assert_eq!(Seed::new(0).bits(), 0xe220_a839_7b1d_cdaf);
    }
}
