//! Any fields are an upgrade or a refusal, and both ends understand the answer alike.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| parlour::ws::properties::extensions(input));
