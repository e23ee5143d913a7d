//! Folds turned into documents: the incident report, and Markdown taken apart for drawing.
//! Pure: the text of a report is made here, writing it to a file is the caller's affair.

mod approvals;
pub mod blocks;
mod chains;
mod document;
mod followups;
mod runs;

pub use chains::{Chains, read as chains};
pub use document::markdown;
