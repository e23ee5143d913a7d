//! The record of the incident that services are asked about every few seconds: what was read is kept, and only what
//! is new is read again.

use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use jiff::Timestamp;

use crate::failure::Result;
use crate::incident::{Draft, IncidentId, Log, Record, State};
use crate::journal::{Journal, Seq};

/// What was read last.
static LAST: Mutex<Option<Kept>> = Mutex::new(None);

/// The record of an incident as far as it was read.
pub(super) struct Kept {
    place: PathBuf,
    incident: IncidentId,
    log: Log,
    seen: Seq,
}

impl Kept {
    /// What is on record by now. Whoever takes it has it alone; who comes meanwhile reads it anew.
    pub(super) fn of(journal: &Journal, incident: IncidentId) -> Result<Self> {
        let last = LAST.lock().unwrap_or_else(PoisonError::into_inner).take();
        let same = last.filter(|last| last.incident == incident && last.place == journal.path());
        // Where the end of a record was cut off, what was read of it does not stand any more.
        if let Some(mut same) = same
            && same.catch_up(journal).is_ok()
        {
            return Ok(same);
        }
        let (log, seen) = journal.load(incident)?;
        Ok(Self { place: journal.path().to_owned(), incident, log, seen })
    }

    /// Leaves it for the next question.
    pub(super) fn keep(self) {
        *LAST.lock().unwrap_or_else(PoisonError::into_inner) = Some(self);
    }

    /// The incident.
    pub(super) fn state(&self) -> &State {
        self.log.state()
    }

    /// Takes in what was written since it was looked at last, by whomever.
    pub(super) fn catch_up(&mut self, journal: &Journal) -> Result<()> {
        let (records, seen) = journal.since(self.incident, self.seen)?;
        journal.fold_in(&mut self.log, records)?;
        self.seen = seen;
        Ok(())
    }

    /// Commits what was decided on what was read; `None`: something else was written meanwhile.
    pub(super) fn append(&self, journal: &mut Journal, drafts: Vec<Draft>) -> Result<Option<Vec<Record>>> {
        journal.append_unless_moved(Timestamp::now(), self.incident, self.seen, drafts)
    }
}
