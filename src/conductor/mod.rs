//! Carries out a plan in a process of its own: terminal, capture, signals, reattaching.
//!
//! `flightdeck conduct` runs here, detached, in a session of its own. Everybody else starts
//! it, follows its records and its log, and asks it to stop by a record.

use std::path::{Path, PathBuf};

use crate::failure::Result;
use crate::incident::{IncidentId, Record};
use crate::journal::{Journal, Lease};
use crate::plan::{Plan, Request};

/// What became of an attempt to start a plan.
#[derive(Debug)]
pub enum Started {
    /// It runs; these records say so.
    Yes(Vec<Record>),
    /// Somebody else holds the target.
    Held(Lease),
}

/// Makes a plan of a request: resolves refs in the repository at `root` and reads the
/// trusted configuration's commands.
pub fn prepare(
    _root: &Path,
    _config: &crate::config::types::Config,
    _id: &str,
    _request: &Request,
) -> Result<Plan> {
    todo!()
}

/// An id for a new plan: `deploy-staging-3`.
pub fn plan_id(_state: &crate::incident::State, _request: &Request) -> String {
    todo!()
}

/// Takes the lease, commits `plan-started`, and starts the conductor as a detached process.
/// `confirmed` says how the plan was confirmed, in words.
pub fn start(
    _journal: &mut Journal,
    _state_dir: &Path,
    _incident: IncidentId,
    _repository: &str,
    _plan: &Plan,
    _confirmed: &str,
) -> Result<Started> {
    todo!()
}

/// The body of `flightdeck conduct`: carries the plan out to its end. Returns when every
/// step has ended and the record says so.
pub fn conduct(_state_dir: &Path, _author: &str, _incident: IncidentId, _plan: &str) -> Result<()> {
    todo!()
}

/// Looks for plans that the record says are running and whose conductor is gone, and
/// records their outcome as unknown. Returns the records written.
pub fn reconcile(_journal: &mut Journal, _incident: IncidentId) -> Result<Vec<Record>> {
    todo!()
}

/// Asks the world about the steps of unknown fate of a plan, and records the answers.
pub fn prove(_journal: &mut Journal, _incident: IncidentId, _plan: &str) -> Result<Vec<Record>> {
    todo!()
}

/// The directory that holds the log of a run.
pub fn log_dir(_state_dir: &Path, _incident: IncidentId, _run: &str) -> PathBuf {
    todo!()
}

/// Sends keys to the terminal of a running command.
pub fn send_input(_state_dir: &Path, _incident: IncidentId, _run: &str, _bytes: &[u8]) -> Result<()> {
    todo!()
}

/// Reads the log of a run from any position, while it is being written or afterwards.
pub struct LogReader {}

/// A piece of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Chunk {
    /// Raw terminal output.
    Bytes(Vec<u8>),
    /// So many bytes were dropped here: the log is capped.
    Dropped(u64),
}

impl LogReader {
    /// Opens the log at `position` bytes from its beginning.
    pub fn open(_dir: &Path, _position: u64) -> Result<Self> {
        todo!()
    }

    /// Reads up to `max` bytes that are there now; `None` where there are no more yet.
    pub fn read(&mut self, _max: usize) -> Result<Option<Chunk>> {
        todo!()
    }

    /// The position reached.
    pub fn position(&self) -> u64 {
        todo!()
    }

    /// Bytes written so far.
    pub fn len(&self) -> u64 {
        todo!()
    }

    /// Tells whether nothing was written yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
