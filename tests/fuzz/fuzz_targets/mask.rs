//! Looks for secrets, texts and cuts that the masker does not stand.

#![no_main]

use flightdeck::text::mask::Masker;
use libfuzzer_sys::fuzz_target;

#[path = "../checker.rs"]
mod checker;

fuzz_target!(|bytes: &[u8]| {
    checker::check(bytes);
    checker::check_exactly(bytes);
});
