//! Loading: the list of incidents, the records of one, and what came since.

use std::path::Path;
use std::sync::mpsc;

use jiff::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, params};
use uuid::Uuid;

use super::schema::{self, is_landmark};
use super::write::{hash, unknown_incident};
use super::{Journal, Seq, Summary, repository};
use crate::failure::{Failure, Result};
use crate::incident::{
    Asked, Hash, History, IncidentId, Log, NotARecord, Record, Severity, State, Status, Stream, Streamed,
    Taken,
};
use crate::text::visible;

/// Bits of a place that count the records of one incident; those above are its number.
pub(super) const COUNT_BITS: u32 = 32;
/// So many incidents a file can hold.
pub(super) const MOST_INCIDENTS: i64 = (1 << (63 - COUNT_BITS)) - 2;

/// The first and last place the records of an incident can have.
pub(super) fn places(no: i64) -> (i64, i64) {
    // A number that this version never gives away must end nothing.
    let begin = |no: i64| no.wrapping_shl(COUNT_BITS);
    (begin(no).wrapping_add(1), begin(no.wrapping_add(1)))
}

/// Ids of the incidents that are open in the journal of a state directory, newest first; none where it
/// cannot be read.
pub fn open_incidents(state_dir: &Path) -> Vec<String> {
    let all = Journal::open_again(state_dir, "nobody").and_then(|journal| journal.incidents(None));
    let all = all.inspect_err(|failure| tracing::warn!(%failure, "listing the open incidents"));
    all.unwrap_or_default().iter().filter(|one| one.is_open()).map(|one| one.id.to_string()).collect()
}

/// Says which incidents are listed, though no record declares them.
pub fn listed_only(all: &[Summary]) -> Failure {
    let numbers: Vec<_> = all.iter().map(|one| one.number.as_str()).collect();
    let (are, them) = if all.len() == 1 { ("is", "it") } else { ("are", "them") };
    let cause = format!("{} {are} in the list, and no record declares {them}", visible(&numbers.join(", ")));
    let hint = "run flightdeck verify: records were removed, or the list was tampered with";
    Failure::new("listing the incidents", cause, hint)
}

impl Journal {
    /// All incidents, newest first; those of one repository if given.
    pub fn incidents(&self, repository: Option<&str>) -> Result<Vec<Summary>> {
        self.query_incidents(repository).map_err(|error| self.failed("listing the incidents", &error))
    }

    /// The incidents of a repository that a record declares, each with what is read of it. One that cannot be read
    /// is in nobody's way.
    pub fn each_declared<T>(
        &self,
        repository: Option<&str>,
        mut read: impl FnMut(&Summary) -> Result<T>,
    ) -> Result<Vec<(Summary, Result<T>)>> {
        let declared = self.incidents(repository)?.into_iter().filter(|one| one.is_declared);
        Ok(declared
            .map(|one| {
                let found = read(&one);
                (one, found)
            })
            .collect())
    }

    fn query_incidents(&self, repository: Option<&str>) -> rusqlite::Result<Vec<Summary>> {
        let mut statement = self.conn.prepare_cached(
            "SELECT no, id, number, title, severity, status, repository, declared_ms,
                 (SELECT count(*) FROM incident AS same WHERE same.number = incident.number) > 1
             FROM incident WHERE ?1 IS NULL OR repository = ?1 ORDER BY declared_ms DESC, no DESC",
        )?;
        let rows = statement.query_map([repository], |row| {
            let (id, number) = (IncidentId(uuid(row, 1)?), row.get::<_, String>(2)?);
            let declared = repository::declaration(&self.conn, row.get(0)?)?;
            Ok(Summary {
                id,
                number: if row.get(8)? { id.tell_apart(&number) } else { number },
                title: row.get(3)?,
                severity: severity(row.get_ref(4)?.as_str()?),
                status: status(row.get_ref(5)?.as_str()?),
                repository: row.get(6)?,
                declared_at: timestamp(row.get(7)?),
                is_declared: declared.is_some_and(|(incident, _)| incident == id),
            })
        })?;
        rows.collect()
    }

    /// What the incidents of a repository recorded of releases and ways back. Costs what there
    /// is of them, not what there is of records.
    pub fn history(&self, repository: &str) -> Result<History> {
        let records = incidents_of(&self.conn, repository)
            .and_then(|incidents| landmarks(&self.conn, &incidents))
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
        let no = self.number_of(incident)?;
        let failed = |error| self.failed("loading an incident from the journal", &error);
        let (log, seq) = load_log(&self.conn, no).map_err(failed)?;
        let mut log = log.ok_or_else(|| undeclared(incident))?;
        log.set_elsewhere(elsewhere(&self.conn, no).map_err(failed)?);
        log.set_vouched(self.vouched(incident)?);
        Ok((log, seq))
    }

    /// Folds an incident alone, without what others of its repository recorded of releases: what it costs does
    /// not depend on how many there are.
    pub fn alone(&self, incident: IncidentId) -> Result<State> {
        let no = self.number_of(incident)?;
        let (log, _) = load_log(&self.conn, no)
            .map_err(|error| self.failed("loading an incident from the journal", &error))?;
        log.map(Log::into_state).ok_or_else(|| undeclared(incident))
    }

    /// How far the records of an incident go by now.
    pub fn reached(&self, incident: IncidentId) -> Result<Seq> {
        let no = self.number_of(incident)?;
        received(&self.conn, no).map_err(|error| self.failed("reading the journal", &error))
    }

    /// Folds more records of an incident in, which are in this journal. Where that is not enough it is
    /// loaded again, with all of them.
    pub fn fold_in(&self, log: &mut Log, records: impl IntoIterator<Item = Record>) -> Result<()> {
        for record in records {
            if log.insert(record) == Taken::Anew {
                *log = self.load(log.state().id)?.0;
                return Ok(());
            }
        }
        Ok(())
    }

    /// The state of an incident as it was at a time: only what had been written down by then.
    /// `None`: it was not declared yet.
    pub fn as_of(&self, incident: IncidentId, time: Timestamp) -> Result<Option<State>> {
        let no = self.number_of(incident)?;
        let then = received(&self.conn, no).and_then(|all| stream(&self.conn, no, all.count, Some(time)));
        let then = then.map_err(|error| self.failed("reading the journal", &error))?;
        Ok(then.map(Log::into_state))
    }

    /// Hands over the records of an incident up to a position, in the order they were received.
    pub fn each(
        &self,
        incident: IncidentId,
        up_to: Option<Seq>,
        mut take: impl FnMut(Record) + Send,
    ) -> Result<()> {
        let no = self.number_of(incident)?;
        let all = each_row(&self.conn, no, (0, up_to.map_or(ALL, Seq::count)), &mut |_, bytes, hash| {
            take(Record::decode_with(bytes, hash).map_err(undecoded)?);
            Ok(true)
        });
        all.map(|_| ()).map_err(|error| self.failed("reading the journal", &error))
    }

    /// Records of an incident received after a position, by whomever.
    ///
    /// # Errors
    /// The journal cannot be read, or no longer holds what was read up to there: see
    /// [`Journal::is_cut`].
    pub fn since(&self, incident: IncidentId, after: Seq) -> Result<(Vec<Record>, Seq)> {
        let doing = "reading the journal";
        let no = self.number_of(incident)?;
        let found = query_since(&self.conn, no, after).map_err(|error| self.failed(doing, &error))?;
        found.ok_or_else(|| self.cut(doing))
    }

    /// Tells whether the record at a position that was read is there no more: the end of the incident was
    /// cut off since then, and others may have been written in its place.
    pub fn is_cut(&self, incident: IncidentId, at: Seq) -> Result<bool> {
        let stands = incident_no(&self.conn, incident)
            .and_then(|no| no.map_or(Ok(at == Seq::default()), |no| stands(&self.conn, no, at)));
        stands.map(|stands| !stands).map_err(|error| self.failed("reading the journal", &error))
    }

    /// The failure of whoever finds that what was read is there no more.
    pub fn cut(&self, doing: &str) -> Failure {
        let cause = format!(
            "{} no longer holds all records that were read from it: its end was cut off",
            self.path.display()
        );
        let hint = "run flightdeck verify; put a backup back or import your last export for what is missing";
        Failure::new(doing, cause, hint)
    }

    /// The number of an incident in this file.
    pub(super) fn number_of(&self, incident: IncidentId) -> Result<i64> {
        incident_no(&self.conn, incident)
            .map_err(|error| self.failed("reading the journal", &error))?
            .ok_or_else(|| unknown_incident(incident))
    }
}

/// What the other incidents of an incident's repository recorded of releases and ways back.
fn elsewhere(conn: &Connection, no: i64) -> rusqlite::Result<History> {
    let repository: String = conn
        .prepare_cached("SELECT repository FROM incident WHERE no = ?1")?
        .query_row([no], |row| row.get(0))?;
    let mut incidents = incidents_of(conn, &repository)?;
    incidents.retain(|other| *other != no);
    let mut history = History::of(&landmarks(conn, &incidents)?);
    for other in incidents {
        history.asked.extend(asked(conn, other)?);
    }
    Ok(history)
}

/// What was put up for approval in an incident that is not closed; `None`: nothing was, or it is.
fn asked(conn: &Connection, no: i64) -> rusqlite::Result<Option<Asked>> {
    // Few among many: the others are not decoded.
    let query = "SELECT bytes, hash FROM record WHERE place BETWEEN ?1 AND ?2
         AND EXISTS (SELECT 1 FROM incident WHERE no = ?3 AND status <> ?4)
         AND (instr(bytes, CAST('\"kind\":\"declared\"' AS BLOB)) > 0
           OR instr(bytes, CAST('\"kind\":\"plan-proposed\"' AS BLOB)) > 0
           OR instr(bytes, CAST('\"kind\":\"plan-started\"' AS BLOB)) > 0
           OR instr(bytes, CAST('\"kind\":\"approved\"' AS BLOB)) > 0
           OR instr(bytes, CAST('\"kind\":\"rejected\"' AS BLOB)) > 0
           OR instr(bytes, CAST('\"kind\":\"amended\"' AS BLOB)) > 0
           OR instr(bytes, CAST('\"kind\":\"retracted\"' AS BLOB)) > 0)";
    let (first, last) = places(no);
    let mut records = Vec::new();
    let mut statement = conn.prepare_cached(query)?;
    let mut rows = statement.query(params![first, last, no, Status::Closed.name()])?;
    while let Some(row) = rows.next()? {
        records.push(Record::decode_with(row.get_ref(0)?.as_bytes()?, hash(row, 1)?).map_err(undecoded)?);
    }
    let state = Log::new(records).map(Log::into_state).filter(|state| !state.votes.is_empty());
    Ok(state.map(|state| Asked {
        started: state.plans.into_iter().map(|run| (run.purpose, run.target, run.started_at)).collect(),
        proposals: state.proposals,
        votes: state.votes,
    }))
}

/// The incidents of a repository, by their numbers in this file.
fn incidents_of(conn: &Connection, repository: &str) -> rusqlite::Result<Vec<i64>> {
    conn.prepare_cached("SELECT no FROM incident WHERE repository = ?1")?
        .query_map([repository], |row| row.get(0))?
        .collect()
}

/// The records of incidents that tell of releases and ways back.
fn landmarks(conn: &Connection, incidents: &[i64]) -> rusqlite::Result<Vec<Record>> {
    // A file of an older version that cannot be written was never brought up to this one.
    let query = if schema::user_version(conn)? >= schema::LANDMARKS {
        "SELECT record.bytes, record.hash FROM landmark CROSS JOIN record USING (place)
         WHERE landmark.place BETWEEN ?1 AND ?2"
    } else {
        "SELECT bytes, hash FROM record WHERE place BETWEEN ?1 AND ?2"
    };
    let mut statement = conn.prepare_cached(query)?;
    let mut records = Vec::new();
    for no in incidents.iter().copied() {
        let (first, last) = places(no);
        let mut rows = statement.query([first, last])?;
        while let Some(row) = rows.next()? {
            let decoded = Record::decode_with(row.get_ref(0)?.as_bytes()?, hash(row, 1)?);
            let record = decoded.map_err(undecoded)?;
            if is_landmark(&record.body) {
                records.push(record);
            }
        }
    }
    Ok(records)
}

/// The records of an incident are kept in memory up to so many. They are looked at again where one
/// comes late, or takes another back.
const KEPT: i64 = 50_000;
/// Rows handed on at a time. Those of a long incident are decoded while the next are read.
const BATCH: usize = 512;
/// Batches that may wait: reading is faster than decoding.
const WINDOW: usize = 8;
/// Room for so many bytes a row to begin with.
const ROW: usize = 480;

/// What came after a position, and where it ends; `None`: the record there is not the one that was read.
fn query_since(conn: &Connection, no: i64, after: Seq) -> rusqlite::Result<Option<(Vec<Record>, Seq)>> {
    // One view of the file: what is looked at and what is read must be the same.
    let view = conn.unchecked_transaction()?;
    if !stands(&view, no, after)? {
        return Ok(None);
    }
    let mut records = Vec::new();
    let reached = each_row(&view, no, (after.count, ALL), &mut |_, bytes, hash| {
        records.push(Record::decode_with(bytes, hash).map_err(undecoded)?);
        Ok(true)
    })?;
    Ok(Some((records, reached.unwrap_or(after))))
}

/// Tells whether the record at a position is the one that was read there.
pub(super) fn stands(conn: &Connection, no: i64, at: Seq) -> rusqlite::Result<bool> {
    if at.count == 0 {
        return Ok(true);
    }
    let place = places(no).0.saturating_add(at.count - 1);
    let there = conn
        .prepare_cached("SELECT hash FROM record WHERE place = ?1")?
        .query_row([place], |row| hash(row, 0))
        .optional()?;
    Ok(there == Some(at.last))
}

/// More records than there are.
const ALL: i64 = 1 << COUNT_BITS;

/// What takes a stored record: its place, bytes and hash. It returns false to have no more.
type Take<'a> = dyn FnMut(i64, &[u8], Hash) -> rusqlite::Result<bool> + Send + 'a;

/// Hands over the records after so many up to so many, on a thread of its own where there are a lot.
/// Returns where they end; `None`: there was none.
pub(super) fn each_row(
    conn: &Connection,
    no: i64,
    (after, up_to): (i64, i64),
    take: &mut Take<'_>,
) -> rusqlite::Result<Option<Seq>> {
    let (first, last) = places(no);
    let last = last.min(first.saturating_add(up_to - 1));
    let mut statement =
        conn.prepare_cached("SELECT place, hash, bytes FROM record WHERE place BETWEEN ?1 AND ?2")?;
    let mut rows = statement.query(params![first.saturating_add(after.max(0)), last])?;
    let mut reached = None;
    // Fills a batch; returns false where there is no more.
    let mut fill = |batch: &mut Batch| {
        while batch.rows.len() < BATCH {
            let Some(row) = rows.next()? else { return Ok(false) };
            let place = row.get::<_, i64>(0)?;
            let hash = hash(row, 1)?;
            reached = Some(Seq { count: place - first + 1, last: hash });
            batch.push(place, row.get_ref(2)?.as_bytes()?, hash);
        }
        Ok::<_, rusqlite::Error>(true)
    };
    let mut batch = Batch::default();
    if !fill(&mut batch)? {
        batch.hand_on(take)?;
        return Ok(reached);
    }
    std::thread::scope(|scope| {
        let (ready, to_take) = mpsc::sync_channel::<Batch>(WINDOW);
        let (empty, to_fill) = mpsc::channel();
        let taking = scope.spawn(move || {
            for mut batch in to_take {
                if !batch.hand_on(take)? {
                    break;
                }
                batch.clear();
                // Whoever reads may be done.
                let _ = empty.send(batch);
            }
            Ok::<_, rusqlite::Error>(())
        });
        let mut is_more = true;
        // Nobody takes any more where something is wrong, or enough was seen.
        while ready.send(batch).is_ok() && is_more {
            batch = to_fill.try_recv().unwrap_or_else(|_| Batch::large());
            is_more = fill(&mut batch)?;
        }
        drop(ready);
        taking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })?;
    Ok(reached)
}

/// Rows as they are stored, one after the other.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    /// Place, hash, and where the row ends in `bytes`.
    rows: Vec<(i64, Hash, usize)>,
}

impl Batch {
    /// One that will be filled, most likely.
    fn large() -> Self {
        Self { bytes: Vec::with_capacity(BATCH * ROW), rows: Vec::with_capacity(BATCH) }
    }

    fn push(&mut self, place: i64, bytes: &[u8], hash: Hash) {
        self.bytes.extend_from_slice(bytes);
        self.rows.push((place, hash, self.bytes.len()));
    }

    /// Hands every row over; returns false if no more are wanted.
    fn hand_on(&self, take: &mut Take<'_>) -> rusqlite::Result<bool> {
        let mut start = 0;
        for (place, hash, end) in &self.rows {
            if !take(*place, &self.bytes[start..*end], *hash)? {
                return Ok(false);
            }
            start = *end;
        }
        Ok(true)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.rows.clear();
    }
}

fn undecoded(error: NotARecord) -> rusqlite::Error {
    rusqlite::Error::FromSqlConversionFailure(0, Type::Blob, Box::new(error))
}

fn undeclared(incident: IncidentId) -> Failure {
    Failure::new(
        "loading an incident from the journal",
        format!("incident {incident} has no record that declares it"),
        "run flightdeck verify",
    )
}

/// Loads and folds an incident by its number in this file.
pub(super) fn load_log(conn: &Connection, no: i64) -> rusqlite::Result<(Option<Log>, Seq)> {
    let all = received(conn, no)?;
    Ok((load_log_up_to(conn, no, all.count)?, all))
}

/// The same as it was when so many of its records had been received.
pub(super) fn load_log_up_to(conn: &Connection, no: i64, up_to: i64) -> rusqlite::Result<Option<Log>> {
    if up_to > KEPT {
        return stream(conn, no, up_to, None);
    }
    let mut records = Vec::new();
    each_row(conn, no, (0, up_to), &mut |_, bytes, hash| {
        records.push(Record::decode_with(bytes, hash).map_err(undecoded)?);
        Ok(true)
    })?;
    Ok(Log::new(records))
}

/// The position behind the last record of an incident.
pub(super) fn received(conn: &Connection, no: i64) -> rusqlite::Result<Seq> {
    let (first, last) = places(no);
    let newest = "SELECT place, hash FROM record WHERE place BETWEEN ?1 AND ?2 ORDER BY place DESC LIMIT 1";
    let newest = conn
        .prepare_cached(newest)?
        .query_row([first, last], |row| {
            Ok(Seq { count: row.get::<_, i64>(0)? - first + 1, last: hash(row, 1)? })
        })
        .optional()?;
    Ok(newest.unwrap_or_default())
}

/// Folds the first records of an incident and keeps none; those that had been written down by a
/// time, if one is given. They may be read several times; what is written meanwhile is behind them.
pub(super) fn stream(
    conn: &Connection,
    no: i64,
    up_to: i64,
    then: Option<Timestamp>,
) -> rusqlite::Result<Option<Log>> {
    let expected = usize::try_from(up_to).unwrap_or(0);
    let mut stream = Stream::new(expected);
    // Where they do not lie in the order of the fold: what came from elsewhere may sort before what
    // was there already.
    let mut sorted: Option<Vec<i64>> = None;
    loop {
        let mut over = None;
        let mut is_sorted = true;
        let mut take = |_, bytes: &[u8], hash| {
            let record = decode_over(&mut over, bytes, hash)?;
            is_sorted = is_after(record, then) || stream.take(record);
            Ok(is_sorted)
        };
        match &sorted {
            Some(places) => each_at(conn, places, &mut take)?,
            None => {
                each_row(conn, no, (0, up_to), &mut take)?;
            }
        }
        if !is_sorted && sorted.is_none() {
            sorted = Some(places_in_order(conn, no, up_to)?);
            stream = Stream::new(expected);
            continue;
        }
        match stream.end() {
            Streamed::Folded(log) => return Ok(Some(*log)),
            Streamed::Again(again) => stream = *again,
            Streamed::Undeclared => return Ok(None),
        }
    }
}

fn is_after(record: &Record, then: Option<Timestamp>) -> bool {
    then.is_some_and(|then| record.written_at() > then)
}

/// Decodes a record in the place of the one before it.
fn decode_over<'a>(over: &'a mut Option<Record>, bytes: &[u8], hash: Hash) -> rusqlite::Result<&'a Record> {
    match over {
        Some(record) => {
            record.decode_over(bytes, hash).map_err(undecoded)?;
            Ok(record)
        }
        none => Ok(none.insert(Record::decode_with(bytes, hash).map_err(undecoded)?)),
    }
}

/// The places of the records in the order of the fold.
fn places_in_order(conn: &Connection, no: i64, up_to: i64) -> rusqlite::Result<Vec<i64>> {
    let (mut all, mut over) = (Vec::new(), None);
    each_row(conn, no, (0, up_to), &mut |place, bytes, hash| {
        all.push((decode_over(&mut over, bytes, hash)?.order(), place));
        Ok(true)
    })?;
    all.sort_unstable();
    Ok(all.into_iter().map(|(_, place)| place).collect())
}

/// Hands over the records at these places.
fn each_at(conn: &Connection, places: &[i64], take: &mut Take<'_>) -> rusqlite::Result<()> {
    let mut statement = conn.prepare_cached("SELECT bytes, hash FROM record WHERE place = ?1")?;
    for place in places {
        let mut rows = statement.query([place])?;
        if let Some(row) = rows.next()? {
            take(*place, row.get_ref(0)?.as_bytes()?, hash(row, 1)?)?;
        }
    }
    Ok(())
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

/// Reads a stored severity; what cannot be read counts as worst.
fn severity(name: &str) -> Severity {
    Severity::parse(name).unwrap_or(Severity::P0)
}

/// Reads a stored status; what cannot be read counts as open.
fn status(name: &str) -> Status {
    [Status::Mitigated, Status::Resolved, Status::Closed]
        .into_iter()
        .find(|status| status.name() == name)
        .unwrap_or(Status::Open)
}
