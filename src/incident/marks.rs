//! Records that point at others: which are taken back, corrected, pinned.
//!
//! A mark holds whether its target came before or after it, or never comes. A retraction
//! is itself undone only by a later one, so that two cannot cancel each other in a ring.

use std::collections::HashMap;

use super::body::Body;
use super::record::{Record, RecordId};
use super::state::same_person;

/// Target of each mark, and the place of the record that makes it.
#[derive(Debug, Clone, Default)]
pub(super) struct Marks {
    retracted: HashMap<RecordId, usize>,
    amended: HashMap<RecordId, usize>,
    pinned: HashMap<RecordId, usize>,
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
        let pointing = || records.iter().enumerate().rev();
        for (place, record) in pointing() {
            if let Body::Retracted(retracted) = &record.body
                && !marks.retracted.contains_key(&record.id)
            {
                marks.retracted.entry(retracted.target).or_insert(place);
            }
        }
        for (place, record) in pointing() {
            let (map, target) = match &record.body {
                Body::Amended(amended) => (&mut marks.amended, amended.target),
                Body::Pinned(pinned) => (&mut marks.pinned, pinned.target),
                _ => continue,
            };
            if !marks.retracted.contains_key(&record.id) {
                map.entry(target).or_insert(place);
            }
        }
        marks
    }

    /// Takes in a record that sorts last. Returns its target if it marks one.
    pub(super) fn push(&mut self, record: &Record, place: usize) -> Option<RecordId> {
        let (map, target) = match &record.body {
            Body::Retracted(retracted) => {
                self.retracted.insert(retracted.target, place);
                return Some(retracted.target);
            }
            Body::Amended(amended) => (&mut self.amended, amended.target),
            Body::Pinned(pinned) => (&mut self.pinned, pinned.target),
            _ => return None,
        };
        if self.retracted.contains_key(&record.id) {
            return None;
        }
        map.insert(target, place);
        Some(target)
    }

    /// What is said about a record.
    pub(super) fn on<'a>(&self, records: &'a [Record], id: RecordId) -> Mark<'a> {
        let marking_record =
            |map: &HashMap<RecordId, usize>| map.get(&id).and_then(|place| records.get(*place));
        let marking = |map: &HashMap<RecordId, usize>| marking_record(map).map(|r| &r.body);
        Mark {
            retracted_by: marking_record(&self.retracted).map(|record| record.author.name.as_str()),
            retracted: match marking(&self.retracted) {
                Some(Body::Retracted(retracted)) => Some(&retracted.reason),
                _ => None,
            },
            amended: match marking(&self.amended) {
                Some(Body::Amended(amended)) => Some(&amended.text),
                _ => None,
            },
            pinned: matches!(marking(&self.pinned), Some(Body::Pinned(pinned)) if pinned.pinned),
        }
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
            | Body::Titled(_)
            | Body::ImpactDescribed(_)
            | Body::CauseDescribed(_)
            | Body::Paged(_)
            | Body::Told(_)
            | Body::Ticked(_)
            | Body::Mitigated(_)
            | Body::Resolved(_)
            | Body::Reopened(_)
            | Body::Closed(_)
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
    matches!(body, Body::Declared(_) | Body::Titled(_) | Body::ImpactDescribed(_) | Body::CauseDescribed(_))
}

/// Tells whether a record of this kind is itself a mark.
pub(super) fn is_mark(body: &Body) -> bool {
    matches!(body, Body::Retracted(_) | Body::Amended(_) | Body::Pinned(_))
}
