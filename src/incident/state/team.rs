//! Who takes over, who does what until when, and what was proposed to everybody.

use jiff::Timestamp;

use crate::incident::body::CulpritVerdict;
use crate::incident::record::RecordId;

/// A reminder that was put off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snooze {
    /// Id of the clock.
    pub clock: String,
    /// When it was put off.
    pub at: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// By whom.
    pub by: String,
    /// Why.
    pub reason: String,
}

/// A role that was offered to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The record of the offer.
    pub id: RecordId,
    /// Role id.
    pub role: String,
    /// Who had it when it was offered; may be empty.
    pub from: String,
    /// Who is to have it.
    pub to: String,
    /// Who offered it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// What they have to know, as Markdown.
    pub brief: String,
    /// What became of it.
    pub end: OfferEnd,
}

/// What became of an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OfferEnd {
    /// It waits for an answer.
    Open,
    /// It was accepted.
    Accepted,
    /// It was declined or withdrawn.
    Declined,
    /// The role was given otherwise, or offered anew.
    Replaced,
}

/// A task with a time to report back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The record that gave it.
    pub id: RecordId,
    /// What is to be done.
    pub text: String,
    /// Who does it.
    pub owner: String,
    /// Who gave it.
    pub by: String,
    /// When it was given.
    pub at: Timestamp,
    /// When they report back.
    pub until: Timestamp,
    /// How it ended, and when.
    pub end: Option<TaskEnd>,
}

/// What was found of one of the usual culprits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CulpritState {
    /// What.
    pub verdict: CulpritVerdict,
    /// Its title at the time.
    pub title: String,
    /// When.
    pub at: Timestamp,
    /// Who said so.
    pub by: String,
    /// What shows it; may be empty.
    pub note: String,
}

/// How a task ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskEnd {
    /// When.
    pub at: Timestamp,
    /// Whether it was done.
    pub done: bool,
    /// What came of it; may be empty.
    pub result: String,
}

/// Something that was proposed to everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Motion {
    /// The record of the proposal.
    pub id: RecordId,
    /// What is to be decided.
    pub text: String,
    /// Who proposed it.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Objections are heard until then.
    pub until: Timestamp,
    /// Who objected, when, and why, in order.
    pub objections: Vec<Objection>,
    /// When it was decided, and whether it was accepted.
    pub decided: Option<(Timestamp, bool)>,
}

/// An objection to what was proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    /// Who objected.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}
