//! What is left to do after the incident.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::incident::record::RecordId;

/// Work that is to be done after the incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUp {
    /// The record that added it.
    pub id: RecordId,
    /// What is to be done.
    pub text: String,
    /// Who does it; may be empty.
    pub owner: String,
    /// By when.
    pub due: Option<Date>,
    /// The entry it comes from.
    pub of: Option<RecordId>,
    /// When it was added.
    pub at: Timestamp,
    /// How it ended.
    pub end: Option<FollowUpEnd>,
}

/// How a follow-up ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FollowUpEnd {
    /// When.
    pub at: Timestamp,
    /// Whether it was done, or dropped.
    pub done: bool,
    /// Why it was dropped, or what came of it; may be empty.
    pub reason: String,
}

/// A review that was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewHeld {
    /// When.
    pub at: Timestamp,
    /// Who was there.
    pub people: Vec<String>,
}
