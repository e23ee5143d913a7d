//! Appending: one transaction a call, acknowledged once it is on disk.

use std::collections::BTreeMap;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::limits::Only;
use super::open::existing;
use super::read::{MOST_INCIDENTS, incident_no, load_log, places, received};
use super::schema::is_landmark;
use super::{Gone, Journal, ReadOnly, Seq, Summary, heads, tampering};
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{
    Author, Body, Declared, Draft, Hash, Hlc, IncidentId, Precision, Record, RecordId, Recorded, Status,
    is_plausible,
};

/// How far ahead of this machine's clock a record may be that others are made to follow.
const MAX_AHEAD: SignedDuration = SignedDuration::from_hours(24);

/// What goes wrong inside a transaction: SQLite's errors are put into words outside.
pub(super) enum Trouble {
    Sql(rusqlite::Error),
    Said(Failure),
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sql(error)
    }
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Said(failure)
    }
}

/// The end of a chain.
pub(super) struct ChainEnd {
    /// Number of records in it.
    pub(super) records: i64,
    /// Hash of its last record.
    pub(super) head: Hash,
}

/// A transaction that writes, holding the write lock from its beginning.
pub(super) struct Writing<'a> {
    pub(super) tx: Transaction<'a>,
    path: &'a Path,
    author: &'a Author,
    only: Only,
    now: Timestamp,
    latest: Hlc,
    /// Where the new records of incidents are, by the number of the incident in the file.
    stored: BTreeMap<i64, Stored>,
}

/// New records of an incident.
#[derive(Clone, Copy)]
struct Stored {
    /// Place of the first and of the last one.
    places: (i64, i64),
    /// Hash of the last one.
    last: Hash,
}

impl Journal {
    /// Opens an incident: gives it identity and the next number of the year, and commits its
    /// `declared` record, whose `number` is filled in here.
    pub fn declare(
        &mut self,
        now: Timestamp,
        started_at: Option<Timestamp>,
        mut declared: Declared,
    ) -> Result<Record> {
        self.write("declaring an incident", now, |writing| {
            declared.number = next_number(&writing.tx, now)?;
            let incident = IncidentId(new_id(now));
            let no = new_incident(&writing.tx, incident, &declared, now)?;
            let occurred = started_at.map(|at| (at, Precision::Exact));
            writing.put(no, Draft { occurred, ..Draft::now(incident, declared) })
        })
    }

    /// Commits drafts in one transaction and returns the records they became.
    pub fn append(&mut self, now: Timestamp, drafts: Vec<Draft>) -> Result<Vec<Record>> {
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        self.write("saving to the journal", now, |writing| writing.put_all(drafts))
    }

    /// Commits drafts if nothing was written to the incident since `seen`; `None`: something
    /// was, and nothing was committed. For what is decided on what was read.
    pub fn append_unless_moved(
        &mut self,
        now: Timestamp,
        incident: IncidentId,
        seen: Seq,
        drafts: Vec<Draft>,
    ) -> Result<Option<Vec<Record>>> {
        self.write("saving to the journal", now, |writing| {
            if writing.reached(incident)? != seen {
                return Ok(None);
            }
            writing.put_all(drafts).map(Some)
        })
    }

    /// Runs `work` in a transaction that holds the write lock, and commits what it did.
    pub(super) fn write<T>(
        &mut self,
        doing: &str,
        now: Timestamp,
        work: impl FnOnce(&mut Writing<'_>) -> Result<T, Trouble>,
    ) -> Result<T> {
        self.only.refuse_all(doing)?;
        // What was put into the file is found under the lock.
        if self.read_only.is_some() || self.place.gone().is_some() {
            self.find_again();
            self.refuse_read_only(doing)?;
            self.refuse_gone(doing, "nothing of this was saved")?;
        }
        match self.try_write(doing, now, work) {
            Ok((done, version, latest, stored)) => {
                self.latest.set(Some((version, latest)));
                // Committed to a file that nobody will find is not saved.
                self.refuse_gone(doing, "what was written last may be lost")?;
                for no in stored.into_keys() {
                    self.note_heads_of(no, false);
                }
                Ok(done)
            }
            Err(trouble) => {
                self.latest.set(None);
                Err(match trouble {
                    Trouble::Sql(error) => self.failed(doing, &error),
                    Trouble::Said(failure) => failure,
                })
            }
        }
    }

    fn try_write<T>(
        &mut self,
        doing: &str,
        now: Timestamp,
        work: impl FnOnce(&mut Writing<'_>) -> Result<T, Trouble>,
    ) -> Result<(T, i64, Hlc, BTreeMap<i64, Stored>), Trouble> {
        let tx = self.conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        // Nobody else can change the schema from here on to the commit.
        if let Some(known) = tampering::since(&tx, &self.path, &self.schema)? {
            let refused = only_read(doing, &known);
            self.read_only = Some(known);
            return Err(refused.into());
        }
        let version = data_version(&tx)?;
        let latest = match self.latest.get() {
            Some((at, latest)) if at == version => latest,
            _ => latest_clock(&tx, None)?,
        };
        let (path, author, only, stored) = (self.path.as_path(), &self.author, self.only, BTreeMap::new());
        let mut writing = Writing { tx, path, author, only, now, latest, stored };
        let done = work(&mut writing)?;
        let (latest, stored) = (writing.latest, std::mem::take(&mut writing.stored));
        for stored in stored.values() {
            stored.look_for(&writing.tx)?;
        }
        // The lock may have been waited for a long time.
        if let Some(gone) = self.place.gone() {
            return Err(lost(doing, &gone, "nothing of this was saved").into());
        }
        writing.tx.commit()?;
        Ok((done, version, latest, stored))
    }

    /// Tells whether the journal holds no incident, though the heads kept beside it name some.
    pub fn is_emptied(&self) -> bool {
        let Some(state_dir) = self.path.parent() else { return false };
        let is_empty = |all: Vec<Summary>| all.iter().all(|one| !one.is_declared);
        self.incidents(None).is_ok_and(is_empty) && !heads::read(state_dir, None).0.is_empty()
    }

    /// Writes down outside of the journal where the chains of an incident end.
    pub(super) fn note_heads_of(&self, no: i64, again: bool) {
        if let Some(state_dir) = self.path.parent() {
            heads::note(state_dir, &self.conn, no, self.author.node, again);
        }
    }

    fn refuse_read_only(&self, doing: &str) -> Result<()> {
        match &self.read_only {
            None => Ok(()),
            Some(known) => Err(only_read(doing, known)),
        }
    }

    fn refuse_gone(&self, doing: &str, so: &str) -> Result<()> {
        self.place.gone().map_or(Ok(()), |gone| Err(lost(doing, &gone, so)))
    }

    /// Opens the journal anew where that makes it whole again: it could only be read, or its file
    /// was replaced by one that holds everything that is here. Returns whether it did.
    pub fn find_again(&mut self) -> bool {
        let gone = self.place.gone();
        if gone.is_none() && self.read_only.is_none() {
            self.read_only = self.tampering();
        }
        match &gone {
            None if self.read_only.is_none() => return false,
            // The database is the same, and its new companions must not meet those in use here.
            Some(Gone::Companion(_)) => return false,
            _ => {}
        }
        let path = self.path.clone();
        // Nothing is made where there is nothing.
        let Ok(other) = Self::open_file(path, &self.author.name, existing) else {
            return false;
        };
        let better = other.read_only.is_none() || self.read_only.is_some() && gone.is_some();
        if !better || !self.is_continued_by(&other).unwrap_or(false) {
            return false;
        }
        *self = Self { only: self.only, ..other };
        true
    }

    /// What was done to the file since it was opened that keeps it from being written.
    fn tampering(&self) -> Option<ReadOnly> {
        // Whoever writes hears of an error.
        if tampering::schema_version(&self.conn).ok() == self.schema.get() {
            return None;
        }
        let tx = self.conn.unchecked_transaction().ok()?;
        tampering::since(&tx, &self.path, &self.schema).ok().flatten()
    }

    /// Tells whether another file begins with all that this one holds, each record in its place.
    fn is_continued_by(&self, other: &Self) -> rusqlite::Result<bool> {
        let all = [
            (
                "SELECT no, id FROM incident",
                "SELECT EXISTS (SELECT 1 FROM incident WHERE no = ?1 AND id = ?2)",
            ),
            (
                "SELECT place, hash FROM record",
                "SELECT EXISTS (SELECT 1 FROM record WHERE place = ?1 AND hash = ?2)",
            ),
        ];
        for (mine, theirs) in all {
            let (mut mine, mut theirs) = (self.conn.prepare(mine)?, other.conn.prepare(theirs)?);
            let mut rows = mine.query([])?;
            while let Some(row) = rows.next()? {
                let key = params![row.get::<_, i64>(0)?, row.get_ref(1)?.as_blob()?];
                if !theirs.query_row(key, |row| row.get::<_, bool>(0))? {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// The place of the last record of all, whoever wrote it: it changes with each record, and with no sample or
    /// lease. 0 where there is none.
    pub fn written(&self) -> Result<i64> {
        let last = "SELECT coalesce(max(place), 0) FROM record";
        self.conn
            .query_row(last, [], |row| row.get(0))
            .map_err(|error| self.failed("looking for new records in the journal", &error))
    }
}

impl Writing<'_> {
    /// Where the records of an incident end now.
    pub(super) fn reached(&self, incident: IncidentId) -> Result<Seq, Trouble> {
        let no = incident_no(&self.tx, incident)?.ok_or_else(|| unknown_incident(incident))?;
        Ok(received(&self.tx, no)?)
    }

    /// Appends drafts of whatever incidents.
    pub(super) fn put_all(&mut self, drafts: Vec<Draft>) -> Result<Vec<Record>, Trouble> {
        let mut known: Option<(IncidentId, i64)> = None;
        let mut records = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let no = match known {
                Some((id, no)) if id == draft.incident => no,
                _ => {
                    incident_no(&self.tx, draft.incident)?.ok_or_else(|| unknown_incident(draft.incident))?
                }
            };
            known = Some((draft.incident, no));
            records.push(self.put(no, draft)?);
        }
        Ok(records)
    }

    /// Makes a record of a draft and appends it to its incident and chain.
    fn put(&mut self, no: i64, draft: Draft) -> Result<Record, Trouble> {
        let doing = "saving to the journal";
        self.only.refuse(draft.body.kind())?;
        if self.author.name.is_empty() {
            let hint = "set FLIGHTDECK_USER, or git config user.name";
            return Err(Failure::of(FailureKind::Usage, doing, "nobody's name is known", hint).into());
        }
        if !is_plausible(self.now) {
            let cause = format!("the clock of this machine says {:.0}", self.now);
            return Err(Failure::new(doing, cause, "set the clock, then do it again").into());
        }
        let at = self.followed(no)?.next(self.now);
        let id = RecordId(new_id(self.now));
        let end = chain_end(&self.tx, no, self.author)?;
        let prev = end.as_ref().map_or_else(Hash::default, |end| end.head);
        let (record, bytes) = Record::seal_at(id, draft, self.author.clone(), at, self.now, prev)
            .map_err(|error| Failure::new(doing, error, ""))?;
        if bytes.len() > Journal::MAX_RECORD {
            let cause = format!("it takes {} bytes; a record may take {}", bytes.len(), Journal::MAX_RECORD);
            return Err(Failure::new(doing, cause, "shorten it, or put it into a file and name that").into());
        }
        self.store(no, &record, &bytes, end.map_or(0, |end| end.records))?;
        Ok(record)
    }

    /// The clock reading that a new record of an incident has to follow: the latest in the file.
    /// One that is too far ahead holds only for the incident it is in, so that one wrong clock
    /// does not drag along everything that is ever written here.
    fn followed(&self, no: i64) -> rusqlite::Result<Hlc> {
        if self.latest.timestamp().duration_since(self.now) <= MAX_AHEAD {
            return Ok(self.latest);
        }
        latest_clock(&self.tx, Some(no))
    }

    /// Stores a record at the end of its incident and of its chain of `records`.
    pub(super) fn store(
        &mut self,
        no: i64,
        record: &Record,
        bytes: &[u8],
        records: i64,
    ) -> rusqlite::Result<()> {
        let place = last_place(&self.tx, no)? + 1;
        if records == 0 && place > places(no).0 && record.author.node == self.author.node {
            // Should it fail, writing down where the chain ends tells why.
            let _ = self.path.parent().map(|dir| heads::begin(dir, record.incident, &record.author));
        }
        let stored = self.stored.entry(no).or_insert(Stored { places: (place, place), last: record.hash });
        (stored.places.1, stored.last) = (place, record.hash);
        let added = self
            .tx
            .prepare_cached("INSERT INTO record (place, id, hash, bytes) VALUES (?1, ?2, ?3, ?4)")?
            .execute(params![place, &record.id.0.as_bytes()[..], &record.hash.0[..], bytes])?;
        only_one(added)?;
        let added = self
            .tx
            .prepare_cached(
                "INSERT OR REPLACE INTO chain
                 (incident, author, node, records, head, head_id, wall_ms, count)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
            )?
            .execute(params![
                no,
                record.author.name,
                record.author.node as i64,
                records + 1,
                &record.hash.0[..],
                &record.id.0.as_bytes()[..],
                record.at.wall_ms,
                record.at.count,
            ])?;
        only_one(added)?;
        self.latest = self.latest.max(record.at);
        if is_landmark(&record.body) {
            only_one(self.tx.prepare_cached("INSERT INTO landmark (place) VALUES (?1)")?.execute([place])?)?;
        }
        self.summarise(no, record)
    }

    /// Keeps the incident's line in the list of incidents true.
    fn summarise(&self, no: i64, record: &Record) -> rusqlite::Result<()> {
        let (column, value) = match &record.body {
            Body::SeverityChanged(body) => ("severity", body.severity.name()),
            Body::Titled(body) => ("title", body.text.as_str()),
            Body::Mitigated(_) => ("status", Status::Mitigated.name()),
            Body::Resolved(_) => ("status", Status::Resolved.name()),
            Body::Reopened(_) => ("status", Status::Open.name()),
            Body::Closed(_) => ("status", Status::Closed.name()),
            Body::Amended(body) => return self.summarise_anew(no, body.target),
            Body::Retracted(body) => return self.summarise_anew(no, body.target),
            _ => return Ok(()),
        };
        self.tx
            .prepare_cached(&format!("UPDATE incident SET {column} = ?2 WHERE no = ?1"))?
            .execute(params![no, value])?;
        Ok(())
    }

    /// A record that the summary may have been made of was corrected or taken back: only
    /// the fold knows what it is now.
    fn summarise_anew(&self, no: i64, target: RecordId) -> rusqlite::Result<()> {
        let (first, last) = places(no);
        let bytes: Option<Vec<u8>> = self
            .tx
            .prepare_cached("SELECT bytes FROM record WHERE place BETWEEN ?1 AND ?2 AND id = ?3")?
            .query_row(params![first, last, &target.0.as_bytes()[..]], |row| row.get(0))
            .optional()?;
        let body = bytes.and_then(|bytes| Record::decode(&bytes).ok()).map(|record| record.body);
        let matters = matches!(
            body,
            Some(
                Body::Declared(_)
                    | Body::SeverityChanged(_)
                    | Body::Titled(_)
                    | Body::Mitigated(_)
                    | Body::Resolved(_)
                    | Body::Reopened(_)
                    | Body::Closed(_)
                    // Taken back itself, it lets what it was about stand again.
                    | Body::Amended(_)
                    | Body::Retracted(_)
            )
        );
        if !matters {
            return Ok(());
        }
        let (Some(log), _) = load_log(&self.tx, no)? else { return Ok(()) };
        let state = log.state();
        self.tx.execute(
            "UPDATE incident SET title = ?2, severity = ?3, status = ?4 WHERE no = ?1",
            params![no, state.title, state.severity.name(), state.status.name()],
        )?;
        Ok(())
    }
}

impl Stored {
    /// Looks whether they are in the file: what SQLite calls inserted may have been taken out again.
    fn look_for(&self, conn: &Connection) -> rusqlite::Result<()> {
        let ((first, last), found) =
            (self.places, "SELECT count(*) FROM record WHERE place BETWEEN ?1 AND ?2");
        let found: i64 = conn.prepare_cached(found)?.query_row([first, last], |row| row.get(0))?;
        let mut newest = conn.prepare_cached("SELECT hash FROM record WHERE place = ?1")?;
        let newest = newest.query_row([last], |row| hash(row, 0)).optional()?;
        if found == last - first + 1 && newest == Some(self.last) {
            return Ok(());
        }
        Err(rusqlite::Error::StatementChangedRows(usize::try_from(found).unwrap_or(0)))
    }
}

/// Refuses that anything but one row was written.
pub(super) fn only_one(changed: usize) -> rusqlite::Result<()> {
    if changed == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(changed)) }
}

fn only_read(doing: &str, known: &ReadOnly) -> Failure {
    let cause = format!("the journal is open for reading only: {}", known.why);
    Failure::new(doing, cause, known.remedy.as_str())
}

fn lost(doing: &str, gone: &Gone, so: &str) -> Failure {
    Failure::new(doing, format!("{gone}: {so}"), gone.remedy())
}

pub(super) fn unknown_incident(id: IncidentId) -> Failure {
    Failure::usage(
        "looking for an incident in the journal",
        format!("unknown incident {id} here"),
        "see them all with flightdeck history",
    )
}

/// Adds an incident to the list and returns its number in this file.
pub(super) fn new_incident(
    tx: &Transaction<'_>,
    id: IncidentId,
    declared: &Declared,
    at: Timestamp,
) -> rusqlite::Result<i64> {
    let clone = Recorded { path: &declared.repository, id: &declared.repository_id };
    let repository = super::repository::key(tx, &clone)?;
    let no = free_number(tx)?;
    let added = tx
        .prepare_cached(
            "INSERT INTO incident (no, id, number, title, severity, status, repository, declared_ms)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
        )?
        .execute(params![
            no,
            &id.0.as_bytes()[..],
            declared.number,
            declared.title,
            declared.severity.name(),
            Status::Open.name(),
            repository,
            at.as_millisecond(),
        ])?;
    only_one(added)?;
    Ok(no)
}

/// The number in the file for one more incident: after all others, and none under which anything stands
/// already. That was put there by somebody else, and the incident must not go on from it.
fn free_number(tx: &Transaction<'_>) -> rusqlite::Result<i64> {
    // Not after a number that nobody gave away: places of records are made of it.
    let highest = "SELECT coalesce(max(no), 0) FROM incident WHERE no BETWEEN 1 AND ?1";
    let highest: i64 = tx.prepare_cached(highest)?.query_row([MOST_INCIDENTS], |row| row.get(0))?;
    let mut is_taken = tx.prepare_cached(
        "SELECT EXISTS (SELECT 1 FROM incident WHERE no = ?1)
             OR EXISTS (SELECT 1 FROM chain WHERE incident = ?1)
             OR EXISTS (SELECT 1 FROM record WHERE place BETWEEN ?2 AND ?3)
             OR EXISTS (SELECT 1 FROM landmark WHERE place BETWEEN ?2 AND ?3)",
    )?;
    for no in (highest + 1..=MOST_INCIDENTS).chain(1..=highest) {
        let (first, last) = places(no);
        if !is_taken.query_row([no, first, last], |row| row.get::<_, bool>(0))? {
            return Ok(no);
        }
    }
    Err(rusqlite::Error::QueryReturnedNoRows)
}

/// The number after the highest of the year.
fn next_number(tx: &Transaction<'_>, now: Timestamp) -> rusqlite::Result<String> {
    let prefix = format!("INC-{}-", now.strftime("%Y"));
    let mut statement = tx.prepare_cached("SELECT number FROM incident WHERE substr(number, 1, ?1) = ?2")?;
    let taken = statement.query_map(params![prefix.len() as i64, prefix], |row| row.get::<_, String>(0))?;
    let mut highest = 0_u32;
    for number in taken {
        let number = number?.strip_prefix(&prefix).and_then(|n| n.parse().ok()).unwrap_or(0);
        highest = highest.max(number);
    }
    Ok(format!("{prefix}{:04}", u64::from(highest) + 1))
}

fn new_id(at: Timestamp) -> Uuid {
    let ms = u64::try_from(at.as_millisecond()).unwrap_or(0);
    let nanos = (ms % 1000) as u32 * 1_000_000;
    Uuid::new_v7(uuid::Timestamp::from_unix(uuid::NoContext, ms / 1000, nanos))
}

fn last_place(conn: &Connection, no: i64) -> rusqlite::Result<i64> {
    let (first, last) = places(no);
    conn.prepare_cached("SELECT place FROM record WHERE place BETWEEN ?1 AND ?2 ORDER BY place DESC LIMIT 1")?
        .query_row([first, last], |row| row.get(0))
        .optional()
        .map(|place| place.unwrap_or(first - 1))
}

/// How the chain of an author in an incident ends; `None` before its first record.
pub(super) fn chain_end(conn: &Connection, no: i64, author: &Author) -> rusqlite::Result<Option<ChainEnd>> {
    conn.prepare_cached("SELECT records, head FROM chain WHERE incident = ?1 AND author = ?2 AND node = ?3")?
        .query_row(params![no, author.name, author.node as i64], |row| {
            Ok(ChainEnd { records: row.get(0)?, head: hash(row, 1)? })
        })
        .optional()
}

/// Reads a stored hash.
pub(super) fn hash(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Hash> {
    let stored = row.get_ref(column)?.as_blob()?;
    stored.try_into().map(Hash).map_err(|_| {
        rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, "a hash has 32 bytes".into())
    })
}

/// The latest clock reading in an incident, or in the whole file.
fn latest_clock(conn: &Connection, incident: Option<i64>) -> rusqlite::Result<Hlc> {
    let query = "SELECT wall_ms, count FROM chain WHERE ?1 IS NULL OR incident = ?1
                 ORDER BY wall_ms DESC, count DESC LIMIT 1";
    conn.prepare_cached(query)?
        .query_row([incident], |row| {
            // One that no clock of ours gave must not keep anybody from writing.
            let count = u32::try_from(row.get::<_, i64>(1)?).unwrap_or(u32::MAX);
            Ok(Hlc { wall_ms: row.get(0)?, count })
        })
        .optional()
        .map(Option::unwrap_or_default)
}

fn data_version(conn: &Connection) -> rusqlite::Result<i64> {
    conn.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))
}
