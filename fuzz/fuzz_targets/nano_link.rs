//! Any bytes are events of a nano link or one fault, the same ones however they were cut.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| parlour::nano::properties::link(input));
