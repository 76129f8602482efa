//! Any bytes are requests or one fault, the same ones however they were cut.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| parlour::http::properties::requests(input));
