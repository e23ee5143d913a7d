//! What is known beyond one incident: of releases and ways back, and of what was put up for approval.

use jiff::{SignedDuration, Timestamp};

use super::{MergeBack, Proposal, Release, Trial, Vote};

/// What is known of releases and of ways back beyond one incident: everything this repository's
/// incidents recorded, and what environments themselves told.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct History {
    /// What was brought into environments, oldest first.
    pub releases: Vec<Release>,
    /// Watches that failed before what they looked at was brought to everybody, and what was not at fault
    /// although it was taken back, oldest first.
    pub trials: Vec<Trial>,
    /// Ways back that were carried out to their end, oldest first.
    pub rehearsals: Vec<Rehearsal>,
    /// Fixes that went out before they were merged back.
    pub merges_back: Vec<MergeBack>,
    /// What was put up for approval in other incidents that are not closed.
    pub asked: Vec<Asked>,
}

/// What an incident has on record of plans that were put up for approval.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Asked {
    /// Every plan put up, oldest first.
    pub proposals: Vec<Proposal>,
    /// Who voted on them, in order.
    pub votes: Vec<Vote>,
    /// Purpose and target of the plans that were started, and when.
    pub started: Vec<(String, String, Timestamp)>,
}

/// A way back that was carried out to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rehearsal {
    /// Id of the way.
    pub way: String,
    /// Name of the environment.
    pub environment: String,
    /// The name of what it went back to; empty: nothing that was recorded.
    pub to: String,
    /// When it began.
    pub at: Timestamp,
    /// How long it took.
    pub took: SignedDuration,
}
