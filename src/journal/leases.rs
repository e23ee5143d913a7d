//! Leases: one plan a target at a time.

use jiff::Timestamp;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::read::{timestamp, uuid};
use super::write::only_one;
use super::{Acquired, Beside, Journal, Lease, Seq};
use crate::failure::{Failure, FailureKind, Result};
use crate::incident::{Draft, IncidentId, Process, Record};

const COLUMNS: &str =
    "repository, target, incident, plan, by, host, pid, started, boot, taken_ms, heartbeat_ms";

impl Journal {
    /// Takes the lease of a target and commits drafts in the same transaction, or does
    /// neither. A lease whose holder is known to be gone (`is_gone`) is taken over.
    pub fn acquire(
        &mut self,
        now: Timestamp,
        lease: Lease,
        drafts: Vec<Draft>,
        is_gone: &dyn Fn(&Lease) -> bool,
    ) -> Result<Acquired> {
        self.acquire_beside(now, lease, &Beside::default(), drafts, is_gone)
    }

    /// The same for a plan whose own push deploys, or which nothing may deploy beside.
    #[expect(clippy::needless_pass_by_value, reason = "a lease is handed over, not lent")]
    pub fn acquire_beside(
        &mut self,
        now: Timestamp,
        lease: Lease,
        beside: &Beside,
        drafts: Vec<Draft>,
        is_gone: &dyn Fn(&Lease) -> bool,
    ) -> Result<Acquired> {
        self.write("taking the lease of a target", now, |writing| {
            let held = find(&writing.tx, &lease.repository, &lease.target)?;
            if let Some(held) = held.filter(|held| !is_gone(held)) {
                return Ok(Acquired::Held(held));
            }
            if let Some(held) = in_the_way(&writing.tx, &lease, beside)? {
                return Ok(Acquired::Held(held));
            }
            put(&writing.tx, &lease)?;
            shut(&writing.tx, &lease, beside)?;
            Ok(Acquired::Yes(writing.put_all(drafts)?))
        })
    }

    /// Like [`Journal::acquire`], but only if nothing was written to the incident since `seen`:
    /// what was decided then was decided on what stands.
    #[expect(clippy::needless_pass_by_value, reason = "a lease is handed over, not lent")]
    pub fn acquire_unless_moved(
        &mut self,
        now: Timestamp,
        lease: Lease,
        beside: &Beside,
        drafts: Vec<Draft>,
        seen: Seq,
    ) -> Result<Option<Acquired>> {
        self.write("taking the lease of a target", now, |writing| {
            if let Some(held) = find(&writing.tx, &lease.repository, &lease.target)? {
                return Ok(Some(Acquired::Held(held)));
            }
            if writing.reached(lease.incident)? != seen {
                return Ok(None);
            }
            if let Some(held) = in_the_way(&writing.tx, &lease, beside)? {
                return Ok(Some(Acquired::Held(held)));
            }
            put(&writing.tx, &lease)?;
            shut(&writing.tx, &lease, beside)?;
            Ok(Some(Acquired::Yes(writing.put_all(drafts)?)))
        })
    }

    /// Shows a sign of life, and the process on the first call.
    ///
    /// # Errors
    /// The lease is no longer held by this plan, or nothing can be written.
    pub fn heartbeat(
        &mut self,
        now: Timestamp,
        repository: &str,
        target: &str,
        plan: &str,
        process: &Process,
    ) -> Result<()> {
        let doing = "renewing the lease of a plan";
        self.write(doing, now, |writing| {
            let changed = writing
                .tx
                .prepare_cached(
                    "UPDATE lease SET host = ?4, pid = ?5, started = ?6, boot = ?7, heartbeat_ms = ?8
                     WHERE repository = ?1 AND target = ?2 AND plan = ?3",
                )?
                .execute(params![
                    repository,
                    target,
                    plan,
                    process.host,
                    process.pid,
                    process.started as i64,
                    process.boot,
                    now.as_millisecond(),
                ])?;
            if changed == 0 {
                let cause = format!("{plan} no longer holds {target}");
                return Err(Failure::of(
                    FailureKind::Held,
                    doing,
                    cause,
                    "see who does: flightdeck plan list",
                )
                .into());
            }
            Ok(())
        })
    }

    /// Gives a lease back; commits drafts in the same transaction. What happened is
    /// committed even where the lease was lost meanwhile.
    pub fn release(
        &mut self,
        now: Timestamp,
        repository: &str,
        target: &str,
        plan: &str,
        drafts: Vec<Draft>,
    ) -> Result<Vec<Record>> {
        self.write("releasing the lease of a target", now, |writing| {
            writing
                .tx
                .prepare_cached("DELETE FROM lease WHERE repository = ?1 AND target = ?2 AND plan = ?3")?
                .execute([repository, target, plan])?;
            tidy(&writing.tx)?;
            writing.put_all(drafts)
        })
    }

    /// All leases held.
    pub fn leases(&self) -> Result<Vec<Lease>> {
        let query = || -> rusqlite::Result<Vec<Lease>> {
            let sql = format!("SELECT {COLUMNS} FROM lease WHERE substr(target, 1, 1) <> char(1)");
            let mut statement = self.conn.prepare_cached(&sql)?;
            statement.query_map([], lease)?.collect()
        };
        query().map_err(|error| self.failed("reading who holds what", &error))
    }
}

/// The name by which a target is shut: no target of a plan begins like that.
fn shut_name(target: &str) -> String {
    format!("\u{1}{target}")
}

/// Who holds or shuts a target that has to be free for a plan.
fn in_the_way(conn: &Connection, lease: &Lease, beside: &Beside) -> rusqlite::Result<Option<Lease>> {
    tidy(conn)?;
    let is_ours = |held: &Lease| held.incident == lease.incident && held.plan == lease.plan;
    for target in &beside.needs {
        for name in [target.clone(), shut_name(target)] {
            let held = find(conn, &lease.repository, &name)?.filter(|held| !is_ours(held));
            if let Some(held) = held {
                return Ok(Some(Lease { target: target.clone(), ..held }));
            }
        }
    }
    Ok(None)
}

/// Shuts targets for as long as a lease is held.
fn shut(conn: &Connection, lease: &Lease, beside: &Beside) -> rusqlite::Result<()> {
    let mut shuts = beside.shuts.iter().filter(|target| **target != lease.target);
    shuts.try_for_each(|target| put(conn, &Lease { target: shut_name(target), ..lease.clone() }))
}

/// Opens what was shut by plans that hold their own target no more.
fn tidy(conn: &Connection) -> rusqlite::Result<()> {
    conn.prepare_cached(
        "DELETE FROM lease WHERE substr(target, 1, 1) = char(1) AND NOT EXISTS (SELECT 1 FROM lease AS own
         WHERE own.repository = lease.repository AND own.incident = lease.incident AND own.plan = lease.plan
         AND substr(own.target, 1, 1) <> char(1))",
    )?
    .execute([])
    .map(drop)
}

fn find(conn: &Connection, repository: &str, target: &str) -> rusqlite::Result<Option<Lease>> {
    conn.prepare_cached(&format!("SELECT {COLUMNS} FROM lease WHERE repository = ?1 AND target = ?2"))?
        .query_row([repository, target], lease)
        .optional()
}

fn put(conn: &Connection, lease: &Lease) -> rusqlite::Result<()> {
    let process = lease.process.as_ref();
    let added = conn
        .prepare_cached(&format!(
            "INSERT OR REPLACE INTO lease ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"
        ))?
        .execute(params![
            lease.repository,
            lease.target,
            &lease.incident.0.as_bytes()[..],
            lease.plan,
            lease.by,
            process.map(|p| &p.host),
            process.map(|p| p.pid),
            process.map(|p| p.started as i64),
            process.map(|p| &p.boot),
            lease.taken_at.as_millisecond(),
            lease.heartbeat_at.as_millisecond(),
        ])?;
    only_one(added)
}

fn lease(row: &Row<'_>) -> rusqlite::Result<Lease> {
    let host: Option<String> = row.get(5)?;
    let process = match host {
        None => None,
        Some(host) => {
            Some(Process { host, pid: row.get(6)?, started: row.get::<_, i64>(7)? as u64, boot: row.get(8)? })
        }
    };
    Ok(Lease {
        repository: row.get(0)?,
        target: row.get(1)?,
        incident: IncidentId(uuid(row, 2)?),
        plan: row.get(3)?,
        by: row.get(4)?,
        process,
        taken_at: timestamp(row.get(9)?),
        heartbeat_at: timestamp(row.get(10)?),
    })
}
