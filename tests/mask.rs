//! Masking under random secrets, texts and cuts. A fuzzer in `tests/fuzz` goes on where this
//! ends, with the same checks.

#![expect(clippy::format_push_string, reason = "the checker is to be easy to read, and is shared")]

use flightdeck::text::mask::Masker;
use proptest::prelude::*;
use proptest::test_runner::RngSeed;

#[path = "fuzz/checker.rs"]
mod checker;

/// The same cases every time: the fuzzer is for finding new ones.
fn config() -> ProptestConfig {
    ProptestConfig { cases: 240, rng_seed: RngSeed::Fixed(20_261_128), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn nothing_secret_comes_out_and_everything_else_does(bytes in proptest::collection::vec(any::<u8>(), 8..600)) {
        checker::check(&bytes);
    }

    #[test]
    fn exactly_the_secrets_go(bytes in proptest::collection::vec(any::<u8>(), 8..300)) {
        checker::check_exactly(&bytes);
    }
}
