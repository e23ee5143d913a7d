//! The store of records: one SQLite file a state directory, and the only writer of it.
//!
//! A record is acknowledged only after its transaction is committed to disk. Leases of
//! plans and health samples live beside the records; they are not records.

use std::path::Path;

use jiff::Timestamp;

use crate::failure::Result;
use crate::incident::{Author, Draft, IncidentId, Log, Process, Record, Severity, Status};

/// An open journal: one connection. Not shared between threads; open one each.
pub struct Journal {}

/// Position in the order in which this file received records. Grows by one a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Seq(pub i64);

/// One line about an incident, without folding it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Identity.
    pub id: IncidentId,
    /// `INC-2026-0007`.
    pub number: String,
    /// What is broken.
    pub title: String,
    /// Severity now.
    pub severity: Severity,
    /// Status now, by the last status record received.
    pub status: Status,
    /// Repository identity, as declared.
    pub repository: String,
    /// When it was declared.
    pub declared_at: Timestamp,
}

/// Who carries out a plan on a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lease {
    /// Repository identity and target: `production`, `repository`, …
    pub repository: String,
    /// The target.
    pub target: String,
    /// The incident and plan.
    pub incident: IncidentId,
    /// Id of the plan.
    pub plan: String,
    /// Name of the person who started it.
    pub by: String,
    /// The conductor; `None` until it has come up.
    pub process: Option<Process>,
    /// When it was taken.
    pub taken_at: Timestamp,
    /// Last sign of life.
    pub heartbeat_at: Timestamp,
}

/// What became of an attempt to start a plan.
#[derive(Debug, Clone, PartialEq)]
pub enum Acquired {
    /// The lease is ours and the records are committed.
    Yes(Vec<Record>),
    /// Somebody else holds it; nothing was written.
    Held(Lease),
}

/// What `verify` found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Records looked at.
    pub records: usize,
    /// Chains (author and installation) looked at, with their heads.
    pub chains: Vec<(Author, crate::incident::Hash)>,
    /// The first bad record and what is wrong with it; `None`: all is well.
    pub bad: Option<(String, String)>,
}

/// What `import` did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Imported {
    /// Records that were new.
    pub added: usize,
    /// Records that were here already.
    pub known: usize,
}

/// Format of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// One record a line, byte for byte as stored. Can be imported.
    Jsonl,
    /// A table for people: time, author, kind, text.
    Csv,
}

impl Journal {
    /// Name of the file in the state directory.
    pub const FILE: &'static str = "journal.db";

    /// Opens the journal of a state directory, making both (0700, 0600) where they are
    /// missing. Where the file can only be read it opens all the same; see
    /// [`Journal::read_only`].
    ///
    /// # Errors
    /// The directory cannot be made, the file is not a journal, is corrupt, or was written
    /// by a newer version.
    pub fn open(_state_dir: &Path, _author: &str) -> Result<Self> {
        todo!()
    }

    /// Why nothing can be written; `None` where it can.
    pub fn read_only(&self) -> Option<&str> {
        todo!()
    }

    /// The author that new records get.
    pub fn author(&self) -> &Author {
        todo!()
    }

    /// All incidents, newest first; those of one repository if given.
    pub fn incidents(&self, _repository: Option<&str>) -> Result<Vec<Summary>> {
        todo!()
    }

    /// Opens an incident: gives it identity and the next number of the year, and commits its
    /// `declared` record, whose `number` is filled in here.
    pub fn declare(
        &mut self,
        _now: Timestamp,
        _started_at: Option<Timestamp>,
        _declared: crate::incident::Declared,
    ) -> Result<Record> {
        todo!()
    }

    /// Loads and folds an incident; the position continues with [`Journal::since`].
    pub fn load(&self, _incident: IncidentId) -> Result<(Log, Seq)> {
        todo!()
    }

    /// Commits drafts in one transaction and returns the records they became.
    pub fn append(&mut self, _now: Timestamp, _drafts: Vec<Draft>) -> Result<Vec<Record>> {
        todo!()
    }

    /// Records of an incident received after a position, by whomever.
    pub fn since(&self, _incident: IncidentId, _after: Seq) -> Result<(Vec<Record>, Seq)> {
        todo!()
    }

    /// Takes the lease of a target and commits drafts in the same transaction, or does
    /// neither. A lease whose holder is known to be gone (`is_gone`) is taken over.
    pub fn acquire(
        &mut self,
        _now: Timestamp,
        _lease: Lease,
        _drafts: Vec<Draft>,
        _is_gone: &dyn Fn(&Lease) -> bool,
    ) -> Result<Acquired> {
        todo!()
    }

    /// Shows a sign of life, and the process on the first call.
    pub fn heartbeat(
        &mut self,
        _now: Timestamp,
        _repository: &str,
        _target: &str,
        _plan: &str,
        _process: &Process,
    ) -> Result<()> {
        todo!()
    }

    /// Gives a lease back; commits drafts in the same transaction.
    pub fn release(
        &mut self,
        _now: Timestamp,
        _repository: &str,
        _target: &str,
        _plan: &str,
        _drafts: Vec<Draft>,
    ) -> Result<Vec<Record>> {
        todo!()
    }

    /// All leases held.
    pub fn leases(&self) -> Result<Vec<Lease>> {
        todo!()
    }

    /// Stores health samples of a repository: probe name, time, value. Thins old ones.
    pub fn put_samples(
        &mut self,
        _repository: &str,
        _samples: &[(String, Timestamp, Option<f64>)],
    ) -> Result<()> {
        todo!()
    }

    /// Health samples since a time, oldest first.
    pub fn samples(
        &self,
        _repository: &str,
        _probe: &str,
        _since: Timestamp,
    ) -> Result<Vec<(Timestamp, Option<f64>)>> {
        todo!()
    }

    /// Writes the records of an incident, in the order they were received.
    pub fn export(
        &self,
        _incident: IncidentId,
        _format: ExportFormat,
        _out: &mut dyn std::io::Write,
    ) -> Result<()> {
        todo!()
    }

    /// Takes in an export. Nothing is stored unless every line is sound.
    pub fn import(&mut self, _input: &mut dyn std::io::BufRead) -> Result<Imported> {
        todo!()
    }

    /// Checks stored bytes, hashes and chains of one incident, or of all.
    pub fn verify(&self, _incident: Option<IncidentId>) -> Result<Verified> {
        todo!()
    }
}
