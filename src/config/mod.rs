//! `flightdeck.toml`, the user's settings, and trust.
//!
//! `types` is pure data. Reading files is here and nowhere else.

pub mod types;
