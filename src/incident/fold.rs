//! The fold: a set of records, in the order of their clocks, makes one state.

use std::collections::HashMap;

use super::apply::Fold;
use super::body::Body;
use super::marks::{self, Marks};
use super::record::{Record, RecordId};
use super::state::State;

/// The records of one incident, kept in order, and the state they fold to.
#[derive(Debug, Clone)]
pub struct Log {
    records: Vec<Record>,
    /// Where each record is, to find the target of a mark without a search.
    places: HashMap<RecordId, usize>,
    marks: Marks,
    fold: Fold,
}

impl Log {
    /// Folds records given in any order, repeated or not. `None` if no `declared` record is
    /// among them.
    pub fn new(mut records: Vec<Record>) -> Option<Self> {
        if !records.is_sorted_by(|a, b| a.order() < b.order()) {
            records.sort_by_key(|record| (record.order(), record.hash.0));
            let mut seen = std::collections::HashSet::with_capacity(records.len());
            records.retain(|record| seen.insert(record.id));
        }
        let (fold, marks) = fold_all(&records)?;
        let places = places(&records);
        Some(Self { records, places, marks, fold })
    }

    /// Takes in one more record; returns false if it was known. A record that sorts last
    /// costs its own fold only; one that sorts earlier folds anew.
    pub fn insert(&mut self, record: Record) -> bool {
        if self.places.contains_key(&record.id) {
            return false;
        }
        let order = record.order();
        if self.records.last().is_none_or(|last| last.order() < order) {
            self.push(record);
        } else {
            let place = self.records.partition_point(|known| known.order() < order);
            self.records.insert(place, record);
            self.places = places(&self.records);
            self.refold();
        }
        true
    }

    fn push(&mut self, record: Record) {
        let place = self.records.len();
        let target = self.marks.push(&record, place);
        let target_place = target.and_then(|id| self.places.get(&id).copied());
        self.places.insert(record.id, place);
        self.records.push(record);
        let record = &self.records[place];
        if let Some(target) = target_place.map(|at| &self.records[at]) {
            if reaches_state(&record.body, &target.body) {
                return self.refold();
            }
            self.fold.mark(target, self.marks.on(&self.records, target.id));
        }
        self.fold.apply(record, self.marks.on(&self.records, record.id));
    }

    fn refold(&mut self) {
        // The `declared` record that was here is still here.
        if let Some((fold, marks)) = fold_all(&self.records) {
            self.fold = fold;
            self.marks = marks;
        }
    }

    /// The state now.
    pub fn state(&self) -> &State {
        self.fold.state()
    }

    /// The state now, for whoever needs the records no more.
    pub fn into_state(self) -> State {
        self.fold.into_state()
    }

    /// The records in order.
    pub fn records(&self) -> &[Record] {
        &self.records
    }

    /// The state as it was at a time: only what had been written down by then.
    pub fn at(&self, time: jiff::Timestamp) -> Option<State> {
        let known = |record: &&Record| record.written_at() <= time;
        let end = self.records.iter().position(|record| !known(&record)).unwrap_or(self.records.len());
        let (before, after) = self.records.split_at_checked(end)?;
        // Clocks differ: of those written down by then, some may sort after one that was not.
        let late: Vec<Record> = after.iter().filter(known).cloned().collect();
        let folded = if late.is_empty() { fold_all(before) } else { fold_all(&[before, &late].concat()) };
        folded.map(|(fold, _)| fold.into_state())
    }

    /// A record by id.
    pub fn get(&self, id: RecordId) -> Option<&Record> {
        self.places.get(&id).and_then(|place| self.records.get(*place))
    }
}

/// Tells whether a mark on a target changes more than the target's own line.
fn reaches_state(mark: &Body, target: &Body) -> bool {
    match mark {
        Body::Retracted(_) => marks::retraction_changes_state(target) || marks::is_mark(target),
        Body::Amended(_) => marks::amendment_changes_state(target),
        _ => false,
    }
}

fn places(records: &[Record]) -> HashMap<RecordId, usize> {
    records.iter().enumerate().map(|(place, record)| (record.id, place)).collect()
}

fn fold_all(records: &[Record]) -> Option<(Fold, Marks)> {
    let (first, declared) = records.iter().find_map(|record| match &record.body {
        Body::Declared(declared) => Some((record, declared)),
        _ => None,
    })?;
    let marks = Marks::of(records);
    let mut fold = Fold::new(first, declared, marks.on(records, first.id), records.len());
    for record in records {
        fold.apply(record, marks.on(records, record.id));
    }
    fold.settle();
    Some((fold, marks))
}
