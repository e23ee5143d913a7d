//! `flightdeck.toml`, the user's settings, and trust.
//!
//! `types` is pure data. Reading files is here and nowhere else; what is read is checked
//! whole before anything uses it, and nothing a file names is run from here.

mod check;
pub mod detect;
pub mod dirs;
pub mod draft;
pub mod effective;
mod headers;
pub mod load;
pub mod problem;
pub mod samples;
pub mod settings;
mod shape;
pub mod trust;
pub mod types;

pub use check::{action, programs};
