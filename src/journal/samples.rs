//! Health samples: kept in full while they are fresh, thinned with age, dropped at last.

use jiff::{SignedDuration, Timestamp};
use rusqlite::{Connection, OptionalExtension as _, params};

use super::Journal;
use super::read::timestamp;
use crate::failure::Result;

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
/// Thinning is spread out: this often, over what has aged since, with room to spare.
const EVERY: SignedDuration = SignedDuration::from_mins(5);
const OVERLAP_MS: i64 = HOUR_MS;

impl Journal {
    /// Stores health samples of a repository: probe name, time, value. Thins old ones.
    pub fn put_samples(
        &mut self,
        repository: &str,
        samples: &[(String, Timestamp, Option<f64>)],
    ) -> Result<()> {
        let Some(newest) = samples.iter().map(|(_, at, _)| *at).max() else { return Ok(()) };
        let last = self.thinned;
        let due = last.is_none_or(|last| newest.duration_since(last) >= EVERY);
        self.write("storing health samples", newest, |writing| {
            for (probe, at, value) in samples {
                let no = probe_no(&writing.tx, repository, probe)?;
                // Not-a-number is no number: stored as no data.
                let value = value.filter(|value| value.is_finite());
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

    /// Health samples from a time up to, and not including, another, oldest first.
    pub fn samples(
        &self,
        repository: &str,
        probe: &str,
        (from, to): (Timestamp, Timestamp),
    ) -> Result<Vec<(Timestamp, Option<f64>)>> {
        let query = || -> rusqlite::Result<Vec<_>> {
            let mut statement = self.conn.prepare_cached(
                "SELECT at_ms, value FROM sample
                 WHERE probe = (SELECT no FROM probe WHERE repository = ?1 AND name = ?2) AND at_ms >= ?3 AND at_ms < ?4
                 ORDER BY at_ms",
            )?;
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

/// Keeps the first sample of each stretch that is old enough to be thinned; `all` of them,
/// or only what has aged lately.
fn thin(conn: &Connection, now_ms: i64, all: bool) -> rusqlite::Result<()> {
    conn.prepare_cached("DELETE FROM sample WHERE at_ms < ?1")?.execute([now_ms - KEPT_MS])?;
    for (older_than, kept_until, stretch) in THINNED {
        let to = now_ms - older_than;
        let from = if all { now_ms - kept_until } else { to - OVERLAP_MS };
        conn.prepare_cached(
            "DELETE FROM sample WHERE at_ms >= ?1 AND at_ms < ?2 AND EXISTS (
                 SELECT 1 FROM sample AS kept WHERE kept.probe = sample.probe
                 AND kept.at_ms < sample.at_ms AND kept.at_ms >= sample.at_ms - sample.at_ms % ?3)",
        )?
        .execute([from, to, stretch])?;
    }
    Ok(())
}
