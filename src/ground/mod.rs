//! # Ground: the words every floor speaks
//!
//! Time as a value and a seeded random source. Knows nothing but `std`, reads no clock and no
//! entropy: a driver hands both in, so that the same inputs give the same run.

#[cfg(test)]
pub(crate) mod corpus;
pub mod memory;
pub mod nearest;
pub mod priority;
pub mod seed;
pub mod time;
pub(crate) mod words;
