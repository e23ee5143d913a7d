//! Records that point at others: which are taken back, corrected, pinned.
//!
//! A mark holds whether its target came before or after it, or never comes. A retraction
//! is itself undone only by a later one, so that two cannot cancel each other in a ring.

use std::collections::HashMap;

use super::body::{Body, Retracted};
use super::record::{Record, RecordId};
use super::state::same_person;

/// Target of each mark, and what it says.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    retracted: HashMap<RecordId, Retraction>,
    amended: HashMap<RecordId, String>,
    pinned: HashMap<RecordId, bool>,
}

/// Why a record was taken back, and by whom.
#[derive(Debug, Clone)]
struct Retraction {
    reason: String,
    by: String,
}

/// What other records say about one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mark<'a> {
    /// Why it was taken back.
    pub(super) retracted: Option<&'a str>,
    /// Who took it back.
    pub(super) retracted_by: Option<&'a str>,
    /// Its corrected text.
    pub(super) amended: Option<&'a str>,
    /// Whether it is pinned.
    pub(super) pinned: bool,
}

impl Marks {
    /// Reads the marks off records in their order.
    pub(super) fn of(records: &[Record]) -> Self {
        let mut marks = Self::default();
        for record in records.iter().rev() {
            if let Body::Retracted(retracted) = &record.body
                && !marks.retracted.contains_key(&record.id)
            {
                marks.retracted.entry(retracted.target).or_insert_with(|| Retraction::of(record, retracted));
            }
        }
        for record in records.iter().rev() {
            if marks.retracted.contains_key(&record.id) {
                continue;
            }
            match &record.body {
                Body::Amended(amended) => {
                    marks.amended.entry(amended.target).or_insert_with(|| amended.text.clone());
                }
                Body::Pinned(pinned) => {
                    marks.pinned.entry(pinned.target).or_insert(pinned.pinned);
                }
                _ => {}
            }
        }
        marks
    }

    /// Takes in a record that sorts last. Returns its target if it marks one.
    pub(super) fn push(&mut self, record: &Record) -> Option<RecordId> {
        let is_taken_back = self.retracted.contains_key(&record.id);
        match &record.body {
            Body::Retracted(retracted) => {
                self.retracted.insert(retracted.target, Retraction::of(record, retracted));
                Some(retracted.target)
            }
            Body::Amended(amended) if !is_taken_back => {
                self.amended.insert(amended.target, amended.text.clone());
                Some(amended.target)
            }
            Body::Pinned(pinned) if !is_taken_back => {
                self.pinned.insert(pinned.target, pinned.pinned);
                Some(pinned.target)
            }
            _ => None,
        }
    }

    /// What is said about a record.
    pub(super) fn on(&self, id: RecordId) -> Mark<'_> {
        let retraction = self.retracted.get(&id);
        Mark {
            retracted: retraction.map(|retraction| retraction.reason.as_str()),
            retracted_by: retraction.map(|retraction| retraction.by.as_str()),
            amended: self.amended.get(&id).map(String::as_str),
            pinned: self.pinned.get(&id).copied().unwrap_or(false),
        }
    }
}

impl Retraction {
    fn of(record: &Record, retracted: &Retracted) -> Self {
        Self { reason: retracted.reason.clone(), by: record.author.name.clone() }
    }
}

/// Tells whether taking a record of this kind back changes more than how its line is
/// drawn. What machines saw and did (alarms, plans, signals) stays true.
pub(super) fn retraction_changes_state(body: &Body) -> bool {
    matches!(
        body,
        Body::SeverityChanged(_)
            | Body::PhaseEntered(_)
            | Body::RoleTaken(_)
            | Body::Began(_)
            | Body::Titled(_)
            | Body::ImpactDescribed(_)
            | Body::CauseDescribed(_)
            | Body::Paged(_)
            | Body::Told(_)
            | Body::Messaged(_)
            | Body::Suggested(_)
            | Body::Ticked(_)
            | Body::Mitigated(_)
            | Body::Resolved(_)
            | Body::Reopened(_)
            | Body::Closed(_)
            | Body::ReportSaved(_)
            | Body::Snoozed(_)
            | Body::HandoffOffered(_)
            | Body::HandoffAccepted(_)
            | Body::HandoffDeclined(_)
            | Body::ItemAssigned(_)
            | Body::CulpritJudged(_)
            | Body::TaskGiven(_)
            | Body::TaskEnded(_)
            | Body::Proposed(_)
            | Body::Objected(_)
            | Body::Decided(_)
            | Body::FollowUpAdded(_)
            | Body::FollowUpChanged(_)
            | Body::FollowUpEnded(_)
            | Body::FollowUpLinked(_)
            | Body::Reviewed(_)
            | Body::PlanProposed(_)
            | Body::MergeOwed(_)
            | Body::Approved(_)
            | Body::Rejected(_)
    )
}

/// Tells whether a record is taken back so that it has no effect any more. A rejection is
/// lifted by nobody but whoever wrote it.
pub(super) fn takes_no_effect(record: &Record, mark: Mark<'_>) -> bool {
    let own = || mark.retracted_by.is_some_and(|by| same_person(by, &record.author.name));
    mark.retracted.is_some()
        && retraction_changes_state(&record.body)
        && (!matches!(record.body, Body::Rejected(_)) || own())
}

/// Tells whether correcting the text of a record of this kind changes more than its line.
pub(super) fn amendment_changes_state(body: &Body) -> bool {
    matches!(
        body,
        Body::Declared(_)
            | Body::Titled(_)
            | Body::ImpactDescribed(_)
            | Body::CauseDescribed(_)
            | Body::TaskGiven(_)
            | Body::Proposed(_)
            | Body::FollowUpAdded(_)
    )
}

/// Tells whether a record of this kind is itself a mark.
pub(super) fn is_mark(body: &Body) -> bool {
    matches!(body, Body::Retracted(_) | Body::Amended(_) | Body::Pinned(_))
}
