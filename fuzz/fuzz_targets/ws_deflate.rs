//! Any bytes inflate within the limit or are refused; what is compressed inflates.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| parlour::ws::properties::deflate(input));
