//! Any bytes of a form are parts or one fault, the same ones however they were cut.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| parlour::http::properties::multipart(input));
