//! The fold: a set of records, in the order of their clocks, makes one state.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;

use super::apply::Fold;
use super::body::{Body, Declared};
use super::marks::{self, Marks};
use super::record::{Hlc, Record, RecordId};
use super::state::{EntryKind, History, Origins, State, Vouched};
use super::timeline::Entry;
use super::wording;

/// The state that the records of one incident fold to, and the records themselves, in order. Of
/// an incident that is too long for that they are not kept; see [`Stream`].
#[derive(Debug, Clone)]
pub struct Log {
    kept: Option<Kept>,
    /// Where the last record sorts.
    last: (Hlc, RecordId),
    marks: Marks,
    fold: Fold,
}

/// Records in order.
#[derive(Debug, Clone)]
struct Kept {
    records: Vec<Record>,
    /// Where each record is, to find the target of a mark without a search.
    places: HashMap<RecordId, usize>,
}

/// What became of a record that was handed to a [`Log`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It was known.
    Known,
    /// It is in the state.
    Folded,
    /// The records would have to be folded anew and are not kept: load the incident again.
    Anew,
}

/// A record that another log of the same incident lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing<'a> {
    /// When it was written down, by its author's clock.
    pub recorded_at: Timestamp,
    /// Who wrote it.
    pub author: &'a str,
    /// Stored name of its kind (of a note: `note`, `finding`, …).
    pub name: &'a str,
    /// What it said; empty where it makes no line of its own.
    pub text: &'a str,
}

impl Log {
    /// Folds records given in any order, repeated or not, and keeps them. `None` if no `declared`
    /// record is among them.
    pub fn new(mut records: Vec<Record>) -> Option<Self> {
        if !records.is_sorted_by(|a, b| a.order() < b.order()) {
            records.sort_by_key(|record| (record.order(), record.hash.0));
            let mut seen = HashSet::with_capacity(records.len());
            records.retain(|record| seen.insert(record.id));
        }
        let (fold, marks) = fold_all(&records)?;
        let last = records.last()?.order();
        let places = places(&records);
        Some(Self { kept: Some(Kept { records, places }), last, marks, fold })
    }

    /// Takes in one more record. One that sorts last costs its own fold only; one that sorts
    /// earlier folds anew.
    pub fn insert(&mut self, record: Record) -> Taken {
        let order = record.order();
        let Some(kept) = &mut self.kept else { return self.fold_unkept(&record) };
        if kept.places.contains_key(&record.id) {
            return Taken::Known;
        }
        if self.last < order {
            self.last = order;
            self.push(record);
        } else {
            let place = kept.records.partition_point(|known| known.order() < order);
            kept.records.insert(place, record);
            kept.places = places(&kept.records);
            self.refold();
        }
        Taken::Folded
    }

    fn push(&mut self, record: Record) {
        let Some(kept) = &mut self.kept else { return };
        let target = self.marks.push(&record);
        let target_place = target.and_then(|id| kept.places.get(&id).copied());
        kept.places.insert(record.id, kept.records.len());
        let marks_state = target_place
            .and_then(|place| kept.records.get(place))
            .is_some_and(|target| reaches_state(&record.body, &target.body));
        kept.records.push(record);
        if marks_state {
            return self.refold();
        }
        if let Some(target) = target {
            self.fold.mark(target, self.marks.on(target));
        }
        if let Some(record) = kept.records.last() {
            self.fold.apply(record, self.marks.on(record.id));
        }
    }

    /// Takes in a record where none are kept.
    fn fold_unkept(&mut self, record: &Record) -> Taken {
        let order = record.order();
        let timeline = &self.fold.state().timeline;
        if order <= self.last {
            let is_known = order == self.last || timeline.find(record.id).is_some();
            return if is_known { Taken::Known } else { Taken::Anew };
        }
        let marks_line = match &record.body {
            Body::Retracted(mark) => is_note(&self.fold, mark.target),
            Body::Amended(mark) => is_note(&self.fold, mark.target),
            _ => true,
        };
        if !marks_line {
            return Taken::Anew;
        }
        self.last = order;
        if let Some(target) = self.marks.push(record) {
            self.fold.mark(target, self.marks.on(target));
        }
        self.fold.apply(record, self.marks.on(record.id));
        Taken::Folded
    }

    fn refold(&mut self) {
        // The `declared` record that was here is still here.
        if let Some((mut fold, marks)) = self.kept.as_ref().and_then(|kept| fold_all(&kept.records)) {
            fold.set_elsewhere(self.state().elsewhere.clone());
            fold.set_origins(self.state().origins.clone());
            self.fold = fold;
            self.marks = marks;
        }
    }

    /// Takes what other incidents of the repository recorded of releases. Records that come later keep
    /// it.
    pub fn set_elsewhere(&mut self, history: History) {
        self.fold.set_elsewhere(Arc::new(history));
    }

    /// Takes what the journal knows of where records came from.
    pub fn set_vouched(&mut self, vouched: Vouched) {
        self.fold.set_origins(Origins(Some(Arc::new(vouched))));
    }

    /// The state now.
    pub fn state(&self) -> &State {
        self.fold.state()
    }

    /// The state now, for whoever needs the records no more.
    pub fn into_state(self) -> State {
        self.fold.into_state()
    }

    /// What another log of the same incident lacks: how many records, and up to `most` of them, the newest
    /// first. Where records are not kept, only those that make a line are known.
    pub fn missing_in(&self, other: &Self, most: usize) -> (usize, Vec<Missing<'_>>) {
        let unkept = if other.kept.is_some() { 0 } else { other.state().timeline.len() };
        let lines: HashSet<RecordId> =
            other.state().timeline.iter().take(unkept).map(|line| line.id).collect();
        let is_missing = |id: &RecordId| match &other.kept {
            Some(kept) => !kept.places.contains_key(id),
            None => !lines.contains(id),
        };
        let missing: Vec<RecordId> = match &self.kept {
            Some(kept) => kept.records.iter().rev().map(|record| record.id).filter(is_missing).collect(),
            None => self.state().timeline.iter().rev().map(|line| line.id).filter(is_missing).collect(),
        };
        let newest = missing.iter().take(most).filter_map(|id| self.missing(*id)).collect();
        (missing.len(), newest)
    }

    fn missing(&self, id: RecordId) -> Option<Missing<'_>> {
        if let Some(Entry { recorded_at, author, name, text, .. }) = self.state().timeline.find(id) {
            return Some(Missing { recorded_at, author, name, text });
        }
        let kept = self.kept.as_ref()?;
        let record = kept.records.get(*kept.places.get(&id)?)?;
        let name = wording::name(&record.body);
        Some(Missing { recorded_at: record.written_at(), author: &record.author.name, name, text: "" })
    }

    /// The records in order, where they are kept.
    #[cfg(test)]
    pub(crate) fn records(&self) -> &[Record] {
        self.kept.as_ref().map_or(&[], |kept| &kept.records)
    }
}

/// Folds records that come one by one, in order, and keeps none of them.
///
/// Marks have to be known before what they mark is folded. Where there are any, the records are
/// wanted a second time.
#[derive(Debug)]
pub struct Stream {
    expected: usize,
    fold: Option<Fold>,
    last: Option<(Hlc, RecordId)>,
    /// What sorts before the record that declares the incident.
    early: Vec<Record>,
    /// Marks that a first reading found.
    marks: Marks,
    /// The records that make them; `None` where they have been found.
    marking: Option<Vec<Record>>,
}

/// What a [`Stream`] came to.
#[derive(Debug)]
pub enum Streamed {
    /// All is folded.
    Folded(Box<Log>),
    /// The same records are to be given once more.
    Again(Box<Stream>),
    /// No record declares the incident.
    Undeclared,
}

impl Stream {
    /// Begins one of about so many records.
    pub fn new(expected: usize) -> Self {
        Self {
            expected,
            fold: None,
            last: None,
            early: Vec::new(),
            marks: Marks::default(),
            marking: Some(Vec::new()),
        }
    }

    /// Takes the next record in. Returns false, and takes nothing, if it does not sort after the
    /// one before it.
    pub fn take(&mut self, record: &Record) -> bool {
        let order = record.order();
        if self.last.is_some_and(|last| last >= order) {
            return false;
        }
        self.last = Some(order);
        if let Some(marking) = &mut self.marking
            && marks::is_mark(&record.body)
        {
            marking.push(record.clone());
        }
        let marks = &self.marks;
        if let Some(fold) = &mut self.fold {
            fold.apply(record, marks.on(record.id));
        } else if let Body::Declared(declared) = &record.body {
            let mut fold = Fold::new(record, declared, marks.on(record.id), self.expected);
            for early in &std::mem::take(&mut self.early) {
                fold.apply(early, marks.on(early.id));
            }
            fold.apply(record, marks.on(record.id));
            self.fold = Some(fold);
        } else {
            self.early.push(record.clone());
        }
        true
    }

    /// Says that there are no more.
    pub fn end(self) -> Streamed {
        let (Some(mut fold), Some(last)) = (self.fold, self.last) else { return Streamed::Undeclared };
        if let Some(marking) = self.marking.filter(|marking| !marking.is_empty()) {
            let marks = Marks::of(&marking);
            return Streamed::Again(Box::new(Self { marks, marking: None, ..Self::new(self.expected) }));
        }
        fold.settle();
        Streamed::Folded(Box::new(Log { kept: None, last, marks: self.marks, fold }))
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

/// Tells whether a record is a note: a mark on one changes its own line only. What only looks like one (a verdict on a
/// culprit) has a name of its own.
fn is_note(fold: &Fold, id: RecordId) -> bool {
    let entry = fold.state().timeline.find(id);
    entry.is_some_and(|entry| matches!(entry.kind, EntryKind::Note(kind) if kind.name() == entry.name))
}

fn places(records: &[Record]) -> HashMap<RecordId, usize> {
    records.iter().enumerate().map(|(place, record)| (record.id, place)).collect()
}

fn fold_all(records: &[Record]) -> Option<(Fold, Marks)> {
    let (first, declared) = records.iter().find_map(declaration)?;
    let marks = Marks::of(records);
    let mut fold = Fold::new(first, declared, marks.on(first.id), records.len());
    for record in records {
        fold.apply(record, marks.on(record.id));
    }
    fold.settle();
    Some((fold, marks))
}

fn declaration(record: &Record) -> Option<(&Record, &Declared)> {
    match &record.body {
        Body::Declared(declared) => Some((record, declared)),
        _ => None,
    }
}
