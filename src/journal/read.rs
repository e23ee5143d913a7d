//! Loading: the list of incidents, the records of one, and what came since.

use std::collections::VecDeque;
use std::thread::ScopedJoinHandle;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::schema::{self, is_landmark};
use super::write::{hash, severity, status, unknown_incident};
use super::{Journal, Seq, Summary};
use crate::failure::{Failure, Result};
use crate::incident::{Hash, History, IncidentId, Log, Record};

/// Bits of a place that count the records of one incident; those above are its number.
const COUNT_BITS: u32 = 32;

/// The first and last place the records of an incident can have.
pub(super) fn places(no: i64) -> (i64, i64) {
    ((no << COUNT_BITS) + 1, (no + 1) << COUNT_BITS)
}

/// The number of the incident whose records have this place.
pub(super) fn number_at(place: i64) -> i64 {
    (place - 1) >> COUNT_BITS
}

impl Journal {
    /// All incidents, newest first; those of one repository if given.
    pub fn incidents(&self, repository: Option<&str>) -> Result<Vec<Summary>> {
        self.query_incidents(repository).map_err(|error| self.failed("listing the incidents", &error))
    }

    fn query_incidents(&self, repository: Option<&str>) -> rusqlite::Result<Vec<Summary>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT id, number, title, severity, status, repository, declared_ms,
                 (SELECT count(*) FROM incident AS same WHERE same.number = incident.number) > 1
             FROM incident WHERE ?1 IS NULL OR repository = ?1 ORDER BY declared_ms DESC, no DESC",
        )?;
        let rows = statement.query_map([repository], |row| {
            let (id, number) = (IncidentId(uuid(row, 0)?), row.get::<_, String>(1)?);
            Ok(Summary {
                id,
                number: if row.get(7)? { id.tell_apart(&number) } else { number },
                title: row.get(2)?,
                severity: severity(row.get_ref(3)?.as_str()?),
                status: status(row.get_ref(4)?.as_str()?),
                repository: row.get(5)?,
                declared_at: timestamp(row.get(6)?),
            })
        })?;
        rows.collect()
    }

    /// What the incidents of a repository recorded of releases and ways back. Costs what there
    /// is of them, not what there is of records.
    pub fn history(&self, repository: &str) -> Result<History> {
        let records = landmarks(&self.conn, repository)
            .map_err(|error| self.failed("reading what was released", &error))?;
        Ok(History::of(&records))
    }

    /// The number of an incident, as [`Journal::incidents`] gives it.
    pub fn number(&self, incident: IncidentId) -> Result<String> {
        let same =
            "SELECT number, (SELECT count(*) FROM incident AS same WHERE same.number = incident.number) > 1
             FROM incident WHERE no = ?1";
        let no = self.number_of(incident)?;
        let found =
            self.conn.query_row(same, [no], |row| Ok((row.get::<_, String>(0)?, row.get::<_, bool>(1)?)));
        let (number, shared) = found.map_err(|error| self.failed("reading the journal", &error))?;
        Ok(if shared { incident.tell_apart(&number) } else { number })
    }

    /// What the repository of an incident goes by in this file.
    pub fn repository_of(&self, incident: IncidentId) -> Result<String> {
        let no = self.number_of(incident)?;
        self.conn
            .query_row("SELECT repository FROM incident WHERE no = ?1", [no], |row| row.get(0))
            .map_err(|error| self.failed("reading the journal", &error))
    }

    /// Loads and folds an incident; the position continues with [`Journal::since`].
    pub fn load(&self, incident: IncidentId) -> Result<(Log, Seq)> {
        let (records, seq) = self.since(incident, Seq::default())?;
        let log = Log::new(records).ok_or_else(|| {
            Failure::new(
                "loading an incident from the journal",
                format!("incident {incident} has no record that declares it"),
                "run flightdeck verify",
            )
        })?;
        Ok((log, seq))
    }

    /// Records of an incident received after a position, by whomever.
    pub fn since(&self, incident: IncidentId, after: Seq) -> Result<(Vec<Record>, Seq)> {
        let doing = "reading the journal";
        let no = self.number_of(incident)?;
        query_since(&self.conn, no, after).map_err(|error| self.failed(doing, &error))
    }

    /// The number of an incident in this file.
    pub(super) fn number_of(&self, incident: IncidentId) -> Result<i64> {
        incident_no(&self.conn, incident)
            .map_err(|error| self.failed("reading the journal", &error))?
            .ok_or_else(|| unknown_incident(incident))
    }
}

/// The records of a repository's incidents that tell of releases and ways back.
fn landmarks(conn: &Connection, repository: &str) -> rusqlite::Result<Vec<Record>> {
    let incidents: Vec<i64> = conn
        .prepare_cached("SELECT no FROM incident WHERE repository = ?1")?
        .query_map([repository], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    // A file of an older version that cannot be written was never brought up to this one.
    let query = if schema::user_version(conn)? >= schema::LANDMARKS {
        "SELECT record.bytes, record.hash FROM landmark CROSS JOIN record USING (place)
         WHERE landmark.place BETWEEN ?1 AND ?2"
    } else {
        "SELECT bytes, hash FROM record WHERE place BETWEEN ?1 AND ?2"
    };
    let mut statement = conn.prepare_cached(query)?;
    let mut records = Vec::new();
    for no in incidents {
        let (first, last) = places(no);
        let mut rows = statement.query([first, last])?;
        while let Some(row) = rows.next()? {
            let decoded = Record::decode_with(row.get_ref(0)?.as_bytes()?, hash(row, 1)?);
            let record = decoded
                .map_err(|error| rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(error)))?;
            if is_landmark(&record.body) {
                records.push(record);
            }
        }
    }
    Ok(records)
}

/// Rows decoded at a time. A long incident is decoded beside the reading of the next rows.
const BATCH: usize = 2048;
/// Batches that are held as they are stored at a time: reading is faster than decoding.
const WINDOW: usize = 4;
/// Room for so many bytes a row to begin with.
const ROW: usize = 480;

fn query_since(conn: &Connection, no: i64, after: Seq) -> rusqlite::Result<(Vec<Record>, Seq)> {
    let (first, last) = places(no);
    let mut statement =
        conn.prepare_cached("SELECT place, hash, bytes FROM record WHERE place BETWEEN ?1 AND ?2")?;
    let mut rows = statement.query(params![first.saturating_add(after.0.max(0)), last])?;
    let mut reached = after;
    let mut records = Vec::new();
    std::thread::scope(|scope| {
        let mut decoding = VecDeque::new();
        let mut batch = if after == Seq::default() { Batch::large() } else { Batch::default() };
        while let Some(row) = rows.next()? {
            reached = Seq(row.get::<_, i64>(0)? - first + 1);
            batch.push(row.get_ref(2)?.as_bytes()?, hash(row, 1)?);
            if batch.ends.len() == BATCH {
                let full = std::mem::replace(&mut batch, Batch::large());
                if decoding.len() == WINDOW
                    && let Some(oldest) = decoding.pop_front()
                {
                    records.append(&mut decoded(oldest)?);
                }
                decoding.push_back(scope.spawn(move || full.decode()));
            }
        }
        let mut last = batch.decode()?;
        for batch in decoding {
            records.append(&mut decoded(batch)?);
        }
        records.append(&mut last);
        Ok::<_, rusqlite::Error>(())
    })?;
    Ok((records, reached))
}

/// Waits until a batch is decoded.
fn decoded(batch: ScopedJoinHandle<'_, rusqlite::Result<Vec<Record>>>) -> rusqlite::Result<Vec<Record>> {
    batch.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// Rows as they are stored, one after the other.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    /// Where each row ends in `bytes`.
    ends: Vec<usize>,
    hashes: Vec<Hash>,
}

impl Batch {
    /// One that will be filled, most likely.
    fn large() -> Self {
        let (ends, hashes) = (Vec::with_capacity(BATCH), Vec::with_capacity(BATCH));
        Self { bytes: Vec::with_capacity(BATCH * ROW), ends, hashes }
    }

    fn push(&mut self, bytes: &[u8], hash: Hash) {
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len());
        self.hashes.push(hash);
    }

    fn decode(&self) -> rusqlite::Result<Vec<Record>> {
        let starts = std::iter::once(0).chain(self.ends.iter().copied());
        let rows = starts.zip(&self.ends).zip(&self.hashes);
        rows.map(|((start, end), hash)| Record::decode_with(&self.bytes[start..*end], *hash))
            .collect::<Result<_, _>>()
            .map_err(|error| rusqlite::Error::FromSqlConversionFailure(2, Type::Blob, Box::new(error)))
    }
}

/// Loads and folds an incident by its number in this file.
pub(super) fn load_log(conn: &Connection, no: i64) -> rusqlite::Result<Option<Log>> {
    Ok(Log::new(query_since(conn, no, Seq::default())?.0))
}

/// The same as it was when so many of its records had been received.
pub(super) fn load_log_up_to(conn: &Connection, no: i64, count: i64) -> rusqlite::Result<Option<Log>> {
    let (first, _) = places(no);
    let mut statement =
        conn.prepare_cached("SELECT bytes, hash FROM record WHERE place BETWEEN ?1 AND ?2")?;
    let mut rows = statement.query([first, first + count - 1])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        let decoded = Record::decode_with(row.get_ref(0)?.as_bytes()?, hash(row, 1)?);
        records
            .push(decoded.map_err(|error| {
                rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(error))
            })?);
    }
    Ok(Log::new(records))
}

/// The number of an incident in this file, if it is there.
pub(super) fn incident_no(conn: &Connection, incident: IncidentId) -> rusqlite::Result<Option<i64>> {
    conn.prepare_cached("SELECT no FROM incident WHERE id = ?1")?
        .query_row([&incident.0.as_bytes()[..]], |row| row.get(0))
        .optional()
}

/// Reads a stored id.
pub(super) fn uuid(row: &rusqlite::Row<'_>, column: usize) -> rusqlite::Result<Uuid> {
    Uuid::from_slice(row.get_ref(column)?.as_blob()?)
        .map_err(|error| rusqlite::Error::FromSqlConversionFailure(column, Type::Blob, Box::new(error)))
}

/// Makes a time of stored milliseconds.
pub(super) fn timestamp(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or_default()
}
