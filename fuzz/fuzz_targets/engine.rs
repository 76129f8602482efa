//! Any script of what the world may do leaves the engine in order, and ends.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| parlour::reactor::properties::engine(input));
