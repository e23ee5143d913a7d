//! Folds turned into documents: the incident report, and Markdown taken apart for drawing.
//! Pure: the text of a report is made here, writing it to a file is the caller's affair.
//!
//! `document` puts it together: the account for people (`live`, `people`, `prose`, `account`, `times`, `lessons`,
//! `followups`, `relapses`, `resolution`, `prevention`, `third_parties`; `plans` says what plans did), then the record as tables (`appendix`, `runs`, `approvals`, `chains`).
//! `past` is what many incidents came to.

mod account;
mod agenda;
mod appendix;
mod approvals;
pub mod blocks;
mod chains;
mod document;
mod followups;
mod gaps;
mod html;
pub mod issue;
mod lessons;
mod links;
mod live;
mod messages;
pub mod past;
mod people;
mod plans;
mod prevention;
mod production;
mod prose;
mod relapses;
mod resolution;
pub mod runbook;
mod runbooks;
mod runs;
mod signals;
mod third_parties;
mod times;
mod words;

pub use agenda::agenda;
pub use chains::{Chains, read as chains};
pub use document::{Setting, markdown};
pub use gaps::{Gap, gaps};
pub use html::html;
pub(crate) use words::{capitalised, spoken};
