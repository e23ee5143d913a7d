//! What is left to do after the incident.

use jiff::Timestamp;
use jiff::civil::Date;

use crate::incident::body::SignalKept;
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
    /// Its issue at the code host, as it was last seen.
    pub issue: Option<Issue>,
    /// How it ended.
    pub end: Option<FollowUpEnd>,
}

/// An issue at the code host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Issue {
    /// Its number.
    pub number: u64,
    /// Where people read it.
    pub url: String,
    /// Whether it was open when that was looked at.
    pub open: bool,
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

/// A time at which it was said to be over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ending {
    /// The record that says so.
    pub record: RecordId,
    /// When.
    pub at: Timestamp,
    /// Who said so.
    pub by: String,
    /// What spoke against it then.
    pub open: Vec<String>,
    /// Why it was over all the same; may be empty.
    pub reason: String,
}

/// How a signal was, as it was kept last.
#[derive(Debug, Clone, PartialEq)]
pub struct KeptSignal {
    /// When its first column begins.
    pub from: Timestamp,
    /// How long a column is, in seconds.
    pub step: u32,
    /// What was kept.
    pub kept: SignalKept,
}

/// A review that was held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReviewHeld {
    /// When.
    pub at: Timestamp,
    /// Who was there.
    pub people: Vec<String>,
}
