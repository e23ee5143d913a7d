//! Folds turned into documents: the incident report, and Markdown taken apart for drawing.
//! Pure: the text of a report is made here, writing it to a file is the caller's affair.

pub mod blocks;

use crate::incident::{ChecklistItem, Policy, State};

/// The incident report as Markdown.
pub fn markdown(
    _state: &State,
    _policy: &Policy,
    _checklist: &[ChecklistItem],
    _now: jiff::Timestamp,
) -> String {
    todo!()
}
