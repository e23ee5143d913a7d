//! Health samples: kept in full while they are fresh, thinned with age, dropped at last.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::Journal;
use super::read::timestamp;
use super::schema;
use crate::failure::Result;
use crate::health::series::Verdict;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Nothing is kept longer.
const KEPT_MS: i64 = 30 * DAY_MS;
/// Every sample is kept at first. From an age on, up to another, one of each stretch is kept: a day and
/// more in minutes, so that the same time yesterday can be compared with.
const THINNED: [(i64, i64, i64); 3] = [
    (HOUR_MS, 6 * HOUR_MS, 10_000),
    (6 * HOUR_MS, 2 * DAY_MS, MINUTE_MS),
    (2 * DAY_MS, KEPT_MS, 15 * MINUTE_MS),
];
/// The lowest and the highest value and the worst fault of each stretch are kept for as long as they are drawn.
const NOTABLE_MS: i64 = 2 * DAY_MS;
/// Thinning is spread out: this often, over what has aged since, with room to spare.
const EVERY: SignedDuration = SignedDuration::from_mins(5);
const OVERLAP_MS: i64 = HOUR_MS;

/// A sample of a probe, to be stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// The name of the probe.
    pub probe: String,
    /// When.
    pub at: Timestamp,
    /// What was drawn of it.
    pub value: Option<f64>,
    /// Whether it was bad, or nobody answered.
    pub fault: Option<Verdict>,
}

/// All that is kept of a probe and a time, oldest first.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Kept {
    /// Samples. Of old times those that stand for their stretch, and the lowest and the highest.
    pub samples: Vec<(Timestamp, Option<f64>)>,
    /// Which of them were bad or not answered.
    pub faults: Vec<(Timestamp, Verdict)>,
}

impl Journal {
    /// For how long it is kept which samples were bad.
    pub const FAULTS_KEPT: SignedDuration = SignedDuration::from_millis(NOTABLE_MS);

    /// Stores health samples of a repository. Thins old ones.
    pub fn put_samples(&mut self, repository: &str, samples: &[Sample]) -> Result<()> {
        let Some(newest) = samples.iter().map(|sample| sample.at).max() else { return Ok(()) };
        let last = self.thinned;
        let due = last.is_none_or(|last| newest.duration_since(last) >= EVERY);
        self.write("storing health samples", newest, |writing| {
            for Sample { probe, at, value, fault } in samples {
                let no = probe_no(&writing.tx, repository, probe)?;
                // Not-a-number is no number: stored as no data.
                let value = value.filter(|value| value.is_finite());
                if let Some(fault) = fault.and_then(number_of) {
                    put_notable(&writing.tx, no, (at.as_millisecond(), value, Some(fault)))?;
                }
                writing
                    .tx
                    .prepare_cached(
                        "INSERT OR REPLACE INTO sample (probe, at_ms, value) VALUES (?1, ?2, ?3)",
                    )?
                    .execute(params![no, at.as_millisecond(), value])?;
            }
            if due {
                thin(&writing.tx, newest.as_millisecond(), last.is_none())?;
            }
            Ok(())
        })?;
        if due {
            self.thinned = Some(newest);
        }
        Ok(())
    }

    /// Stores numbers that a source knew before anybody here asked it, where no sample of the probe is as near
    /// as `apart`. What was seen here counts.
    pub fn fill_samples(
        &mut self,
        repository: &str,
        probe: &str,
        numbers: &[(Timestamp, f64)],
        apart: SignedDuration,
    ) -> Result<()> {
        let Some((newest, _)) = numbers.last() else { return Ok(()) };
        let apart = i64::try_from(apart.as_millis()).unwrap_or(i64::MAX);
        self.write("storing health samples", *newest, |writing| {
            let no = probe_no(&writing.tx, repository, probe)?;
            let span = numbers.first().zip(numbers.last());
            let Some(((first, _), (last, _))) = span else { return Ok(()) };
            let (first, last) = (first.as_millisecond() - apart, last.as_millisecond() + apart);
            let seen: Vec<i64> = writing
                .tx
                .prepare_cached(
                    "SELECT at_ms FROM sample WHERE probe = ?1 AND at_ms > ?2 AND at_ms < ?3 ORDER BY at_ms",
                )?
                .query_map(params![no, first, last], |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            let mut insert = writing
                .tx
                .prepare_cached("INSERT OR IGNORE INTO sample (probe, at_ms, value) VALUES (?1, ?2, ?3)")?;
            for (at, value) in numbers.iter().filter(|(_, value)| value.is_finite()) {
                let at = at.as_millisecond();
                let next = seen.partition_point(|seen| *seen <= at - apart);
                if seen.get(next).is_none_or(|seen| *seen >= at + apart) {
                    insert.execute(params![no, at, value])?;
                }
            }
            Ok(())
        })
    }

    /// Keeps what a probe asks, in a number, as of a time. Where it is another question than before, samples of that
    /// are not told any more.
    pub fn probe_asks(&mut self, repository: &str, probe: &str, source: i64, now: Timestamp) -> Result<()> {
        let known = self
            .conn
            .prepare_cached(
                "SELECT source FROM asked JOIN probe ON no = asked.probe WHERE repository = ?1 AND name = ?2",
            )
            .and_then(|mut statement| statement.query_row([repository, probe], |row| row.get(0)).optional())
            .map_err(|error| self.failed("reading health samples", &error))?;
        if known == Some(source) {
            return Ok(());
        }
        // Of what was stored before this was kept nobody knows better.
        let since = if known.is_some() { now.as_millisecond() } else { i64::MIN };
        self.write("storing health samples", now, |writing| {
            let no = probe_no(&writing.tx, repository, probe)?;
            writing
                .tx
                .prepare_cached("INSERT OR REPLACE INTO asked (probe, source, since_ms) VALUES (?1, ?2, ?3)")?
                .execute([no, source, since])?;
            Ok(())
        })
    }

    /// All that is kept of a probe from a time on: the spikes and faults of old times, too.
    pub fn kept(&self, repository: &str, probe: &str, from: Timestamp) -> Result<Kept> {
        let samples = self.samples(repository, probe, (from, Timestamp::MAX))?;
        if !self.keeps_notable()? {
            return Ok(Kept { samples, faults: Vec::new() });
        }
        let query = || -> rusqlite::Result<Vec<Notable>> {
            let sql = format!(
                "SELECT at_ms, value, fault FROM notable WHERE probe = {PROBE} AND at_ms >= {FROM} ORDER BY at_ms"
            );
            let mut statement = self.conn.prepare_cached(&sql)?;
            let from = params![repository, probe, from.as_millisecond()];
            statement.query_map(from, notable)?.collect()
        };
        let notable = query().map_err(|error| self.failed("reading health samples", &error))?;
        let faults =
            notable.iter().filter_map(|(at, _, fault)| Some((timestamp(*at), verdict_of((*fault)?)?)));
        let faults = faults.collect();
        let values = notable.iter().map(|(at, value, _)| (timestamp(*at), *value));
        let mut samples: Vec<_> = samples.into_iter().chain(values).collect();
        samples.sort_by_key(|(at, _)| *at);
        samples.dedup_by_key(|(at, _)| *at);
        Ok(Kept { samples, faults })
    }

    /// Whether the file has what this version keeps besides samples: one that can only be read may be older.
    fn keeps_notable(&self) -> Result<bool> {
        let version = schema::user_version(&self.conn);
        Ok(version.map_err(|error| self.failed("reading health samples", &error))? >= schema::NOTABLE)
    }

    /// Health samples from a time up to, and not including, another, oldest first. Of old times there is one of
    /// each stretch, whatever its value.
    pub fn samples(
        &self,
        repository: &str,
        probe: &str,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<(Timestamp, Option<f64>)>> {
        let from_sql = if self.keeps_notable()? { FROM } else { "?3" };
        let query = || -> rusqlite::Result<Vec<_>> {
            let mut statement = self.conn.prepare_cached(&format!(
                "SELECT at_ms, value FROM sample
                 WHERE probe = {PROBE} AND at_ms >= {from_sql} AND at_ms < ?4
                 ORDER BY at_ms",
            ))?;
            statement
                .query_map(params![repository, probe, from.as_millisecond(), to.as_millisecond()], |row| {
                    Ok((timestamp(row.get(0)?), row.get(1)?))
                })?
                .collect()
        };
        query().map_err(|error| self.failed("reading health samples", &error))
    }
}

fn probe_no(conn: &Connection, repository: &str, name: &str) -> rusqlite::Result<i64> {
    let known = conn
        .prepare_cached("SELECT no FROM probe WHERE repository = ?1 AND name = ?2")?
        .query_row([repository, name], |row| row.get(0))
        .optional()?;
    if let Some(no) = known {
        return Ok(no);
    }
    conn.prepare_cached("INSERT INTO probe (repository, name) VALUES (?1, ?2)")?
        .execute([repository, name])?;
    Ok(conn.last_insert_rowid())
}

/// The probe of a repository `?1` and a name `?2`.
const PROBE: &str = "(SELECT no FROM probe WHERE repository = ?1 AND name = ?2)";
/// From `?3` on, as far as it asks what it asks.
const FROM: &str = "max(?3, coalesce((SELECT since_ms FROM asked JOIN probe ON no = asked.probe
                     WHERE repository = ?1 AND name = ?2), ?3))";

/// When, the value, and the fault as it is stored.
type Notable = (i64, Option<f64>, Option<i64>);

fn notable(row: &Row<'_>) -> rusqlite::Result<Notable> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?))
}

/// A fault as it is stored, the worse the higher.
fn number_of(fault: Verdict) -> Option<i64> {
    match fault {
        Verdict::Bad => Some(1),
        Verdict::NoAnswer => Some(2),
        Verdict::Good | Verdict::Warn | Verdict::NoData => None,
    }
}

fn verdict_of(fault: i64) -> Option<Verdict> {
    match fault {
        1 => Some(Verdict::Bad),
        2 => Some(Verdict::NoAnswer),
        _ => None,
    }
}

fn put_notable(conn: &Connection, probe: i64, (at, value, fault): Notable) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "INSERT OR REPLACE INTO notable (probe, at_ms, value, fault) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![probe, at, value, fault])?;
    Ok(())
}

/// Thins the samples of every probe that are old enough; `all` of them, or only what has aged lately.
fn thin(conn: &Connection, now_ms: i64, all: bool) -> rusqlite::Result<()> {
    let probes: Vec<i64> = conn
        .prepare_cached("SELECT no FROM probe")?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    for probe in probes {
        for (table, age) in [("sample", KEPT_MS), ("notable", NOTABLE_MS)] {
            conn.prepare_cached(&format!("DELETE FROM {table} WHERE probe = ?1 AND at_ms < ?2"))?
                .execute([probe, now_ms - age])?;
        }
        for (older_than, kept_until, length) in THINNED {
            let to = now_ms - older_than;
            let from = if all { now_ms - kept_until } else { to - OVERLAP_MS };
            thin_probe(conn, probe, (from - from.rem_euclid(length), to), length, now_ms - NOTABLE_MS)?;
        }
    }
    Ok(())
}

/// Keeps of each stretch of a probe the first sample, and as notable the lowest and the highest value and the worst
/// fault.
fn thin_probe(
    conn: &Connection,
    probe: i64,
    (from, to): (i64, i64),
    length: i64,
    notable_from: i64,
) -> rusqlite::Result<()> {
    let span = params![probe, from, to];
    let mut all: Vec<(Notable, bool)> = Vec::new();
    let mut known: Vec<i64> = Vec::new();
    {
        let mut sampled = conn.prepare_cached(
            "SELECT at_ms, value, NULL FROM sample WHERE probe = ?1 AND at_ms >= ?2 AND at_ms < ?3 ORDER BY at_ms",
        )?;
        for row in sampled.query_map(span, notable)? {
            all.push((row?, true));
        }
        let mut noted = conn.prepare_cached(
            "SELECT at_ms, value, fault FROM notable WHERE probe = ?1 AND at_ms >= ?2 AND at_ms < ?3 ORDER BY at_ms",
        )?;
        for row in noted.query_map(span, notable)? {
            let row = row?;
            known.push(row.0);
            all.push((row, false));
        }
    }
    // Of one moment, what says more comes first among equals; samples before what is only notable.
    all.sort_by_key(|((at, ..), is_sample)| (*at, !is_sample));
    for stretch in all.chunk_by(|((a, ..), _), ((b, ..), _)| a.div_euclid(length) == b.div_euclid(length)) {
        let first = stretch.iter().find(|(_, is_sample)| *is_sample).map(|((at, ..), _)| *at);
        let valued = || stretch.iter().filter_map(|((at, value, _), _)| Some((*at, (*value)?)));
        // The first of equals, on whichever side.
        let low = valued().min_by(|a, b| a.1.total_cmp(&b.1));
        let high = valued().min_by(|a, b| b.1.total_cmp(&a.1));
        let worst = stretch.iter().filter_map(|((at, _, fault), _)| Some((*at, (*fault)?)));
        let worst = worst.min_by_key(|(_, fault)| -fault);
        let fault_at = |at: i64| stretch.iter().find_map(|((of, _, fault), _)| fault.filter(|_| *of == at));
        let value_at = |at: i64| stretch.iter().find_map(|((of, value, _), _)| value.filter(|_| *of == at));
        let wanted = [low.map(|(at, _)| at), high.map(|(at, _)| at), worst.map(|(at, _)| at)];
        for at in wanted.into_iter().flatten().filter(|at| *at >= notable_from) {
            // The first sample is kept as it is; only what it says of a fault is beside it.
            let fault = fault_at(at);
            if (Some(at) != first || fault.is_some()) && known.binary_search(&at).is_err() {
                put_notable(conn, probe, (at, value_at(at), fault))?;
            }
        }
        for ((at, ..), is_sample) in stretch {
            let (table, is_kept) = if *is_sample {
                ("sample", first == Some(*at))
            } else {
                ("notable", wanted.contains(&Some(*at)))
            };
            if !is_kept {
                conn.prepare_cached(&format!("DELETE FROM {table} WHERE probe = ?1 AND at_ms = ?2"))?
                    .execute([probe, *at])?;
            }
        }
    }
    Ok(())
}
