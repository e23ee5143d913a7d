//! Masking under random secrets, texts and cuts. A fuzzer in `tests/fuzz` goes on where this
//! ends, with the same checks.

#![expect(clippy::format_push_string, reason = "the checker is to be easy to read, and is shared")]

use flightdeck::conductor::mask::Masker;
use proptest::prelude::*;

#[path = "fuzz/checker.rs"]
mod checker;

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn nothing_secret_comes_out_and_everything_else_does(bytes in proptest::collection::vec(any::<u8>(), 8..600)) {
        checker::check(&bytes);
    }

    #[test]
    fn exactly_the_secrets_go(bytes in proptest::collection::vec(any::<u8>(), 8..300)) {
        checker::check_exactly(&bytes);
    }
}
