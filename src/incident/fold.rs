//! The fold: a set of records, in the order of their clocks, makes one state.

use super::record::{Record, RecordId};
use super::state::State;

/// The records of one incident, kept in order, and the state they fold to.
#[derive(Debug, Clone)]
pub struct Log {}

impl Log {
    /// Folds records given in any order, repeated or not. `None` if no `declared` record is
    /// among them.
    pub fn new(_records: Vec<Record>) -> Option<Self> {
        todo!()
    }

    /// Takes in one more record; returns false if it was known. A record that sorts last
    /// costs its own fold only; one that sorts earlier folds anew.
    pub fn insert(&mut self, _record: Record) -> bool {
        todo!()
    }

    /// The state now.
    pub fn state(&self) -> &State {
        todo!()
    }

    /// The records in order.
    pub fn records(&self) -> &[Record] {
        todo!()
    }

    /// The state as it was at a time: only what had been written down by then.
    pub fn at(&self, _time: jiff::Timestamp) -> Option<State> {
        todo!()
    }

    /// A record by id.
    pub fn get(&self, _id: RecordId) -> Option<&Record> {
        todo!()
    }
}
