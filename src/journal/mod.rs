//! The store of records: one SQLite file a state directory, and the only writer of it.
//!
//! A record is acknowledged only after its transaction is committed to disk. Leases of
//! plans and health samples live beside the records; they are not records.
//!
//! `open` opens or makes the file, `schema` is what is in it, `write` appends, `read` loads;
//! `place` notices where the files are taken away meanwhile, `tampering` what was put into them; `heads`
//! keeps the ends of the chains beside them; `leases`, `samples`, `export`, `import`, `chains` and `verify` are what their names say. Nothing
//! here decides anything about an incident: that is the fold's.

mod chains;
mod errors;
mod export;
mod heads;
mod import;
mod leases;
mod limits;
mod open;
mod place;
mod read;
mod rebuild;
mod repository;
mod samples;
mod schema;
mod tampering;
#[cfg(test)]
mod tests;
mod verify;
mod vouched;
mod write;

use std::cell::Cell;
use std::path::PathBuf;

use jiff::Timestamp;
use rusqlite::Connection;

use crate::incident::{Author, Hash, Hlc, IncidentId, Process, Record, RecordId, Severity, Status};

pub use chains::{Received, Written};
pub use heads::heads_unwritten;
pub use place::Gone;
pub use read::{listed_only, open_incidents};
pub use repository::Kin;
pub use samples::{Kept, Sample};

/// What to do where the journal was taken away under whoever uses it.
const REPLACED_HINT: &str =
    "put the journal back where it was; or, to use the one that is there, do it again";

/// An open journal: one connection. Not shared between threads; open one each.
#[derive(Debug)]
pub struct Journal {
    conn: Connection,
    path: PathBuf,
    author: Author,
    read_only: Option<ReadOnly>,
    /// What may be written by whom it was opened for.
    only: limits::Only,
    /// The latest clock reading in the file, and the version of the data it was read at:
    /// good as long as nobody else has written.
    latest: Cell<Option<(i64, Hlc)>>,
    /// The version of the schema that was last found to be ours.
    schema: Cell<Option<i64>>,
    /// When samples were thinned last, by the time of the newest sample.
    thinned: Option<Timestamp>,
    /// Where the journal cannot even be read in place, the copy that is read instead.
    /// Declared after the connection, so that it outlives it.
    _copy: Option<open::Copy>,
    place: place::Place,
    /// After the connection, too: it must not be closed before that.
    _hold: place::Hold,
}

/// What keeps a journal from being written.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ReadOnly {
    /// What.
    why: String,
    /// What to do about it.
    remedy: String,
}

/// Position in the order in which this file received the records of an incident, and the record that
/// stands there: where its place was taken by another one, it is another position. The default is before
/// the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Seq {
    count: i64,
    last: Hash,
}

impl Seq {
    /// How many records have been received up to here.
    pub fn count(self) -> i64 {
        self.count
    }
}

/// One line about an incident, without folding it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Identity.
    pub id: IncidentId,
    /// `INC-2026-0007`; where several here have that number `INC-2026-0007-3f2a`, with the end of
    /// its id.
    pub number: String,
    /// What is broken.
    pub title: String,
    /// Severity now.
    pub severity: Severity,
    /// Status now, by the last status record received.
    pub status: Status,
    /// What its repository goes by in this file: see [`Journal::repository`].
    pub repository: String,
    /// When it was declared.
    pub declared_at: Timestamp,
    /// Whether a record declares it. Without one nothing stands behind this line: it cannot be loaded,
    /// and verify names it.
    pub is_declared: bool,
}

impl Summary {
    /// Whether it is going on.
    pub fn is_open(&self) -> bool {
        self.is_declared && matches!(self.status, Status::Open | Status::Mitigated)
    }
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

/// What a plan shuts beside its own target, and what has to be free for it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Beside {
    /// Targets that nobody deploys to while it goes on: its own push does. A way back may still be taken there.
    pub shuts: Vec<String>,
    /// Targets that nobody may hold or shut.
    pub needs: Vec<String>,
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
    pub chains: Vec<(Author, Hash)>,
    /// The first bad record and what is wrong with it; `None`: all is well.
    pub bad: Option<(String, String)>,
    /// Files beside the journal that should say where chains end, and cannot be read.
    pub unread: Vec<String>,
}

/// What was written down elsewhere about a chain of records: a journal that does not hold it has
/// lost records, or other ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witness {
    /// The incident.
    pub incident: IncidentId,
    /// Its number.
    pub number: String,
    /// Whose chain; `None`: only the installation is known.
    pub author: Option<String>,
    /// The installation.
    pub node: u64,
    /// How many records the chain had.
    pub records: i64,
    /// The hash of the last of them.
    pub head: Hash,
    /// Its id, if that is known.
    pub last: Option<RecordId>,
    /// Where that is written.
    pub source: PathBuf,
}

/// What `import` did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Imported {
    /// Incidents that were new.
    pub incidents: Vec<IncidentId>,
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
    /// Name of the directory beside it that says where chains end.
    pub const HEADS: &'static str = heads::DIR;
    /// Longest record taken in, in bytes of its stored form.
    pub const MAX_RECORD: usize = 1 << 20;

    /// Why nothing can be written; `None` where it can.
    pub fn read_only(&self) -> Option<&str> {
        if self.only.is_nothing() {
            return Some(limits::NOTHING);
        }
        self.read_only.as_ref().map(|known| known.why.as_str())
    }

    /// What to do so that it can be written; empty where it can.
    pub fn remedy(&self) -> &str {
        self.read_only.as_ref().map_or("", |known| &known.remedy)
    }

    /// How the files at its path differ from those that are open; `None`: not at all. What is
    /// written while they do is found by nobody.
    pub fn gone(&self) -> Option<Gone> {
        self.place.gone()
    }

    /// The author that new records get.
    pub fn author(&self) -> &Author {
        &self.author
    }

    /// The file.
    pub fn path(&self) -> &std::path::Path {
        &self.path
    }
}
