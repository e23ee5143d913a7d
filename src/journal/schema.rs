//! What is in the file, and how older files become like it.
//!
//! One append touches two pages: the last leaf of its incident in `record`, whose key holds
//! incident and place so that no further index is needed, and the leaf of its chain. The
//! chain's row says how the chain ends, so that a missing last record is noticed.
//! The few records that are asked for over all incidents have their places in `landmark`.

use rusqlite::{Connection, TransactionBehavior};

use super::tampering::{self, Tampering};
use crate::incident::Body;

/// Marks the file as a journal of ours: `FLDK`.
pub(super) const APPLICATION_ID: i32 = 0x464C_444B;

/// Each step takes a file from its index to the next version. SQLite keeps the text that makes a table, and
/// `tampering` compares it: a step that was released stays as it is.
pub(super) const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE meta (key TEXT PRIMARY KEY, value ANY NOT NULL) STRICT, WITHOUT ROWID;
    CREATE TABLE incident (
        no INTEGER PRIMARY KEY,
        id BLOB NOT NULL UNIQUE,
        number TEXT NOT NULL,
        title TEXT NOT NULL,
        severity TEXT NOT NULL,
        status TEXT NOT NULL,
        repository TEXT NOT NULL,
        declared_ms INTEGER NOT NULL
    ) STRICT;
    CREATE TABLE record (
        place INTEGER PRIMARY KEY,
        id BLOB NOT NULL,
        hash BLOB NOT NULL,
        bytes BLOB NOT NULL
    ) STRICT;
    CREATE TABLE chain (
        incident INTEGER NOT NULL,
        author TEXT NOT NULL,
        node INTEGER NOT NULL,
        records INTEGER NOT NULL,
        head BLOB NOT NULL,
        head_id BLOB NOT NULL,
        wall_ms INTEGER NOT NULL,
        count INTEGER NOT NULL,
        PRIMARY KEY (incident, author, node)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE lease (
        repository TEXT NOT NULL,
        target TEXT NOT NULL,
        incident BLOB NOT NULL,
        plan TEXT NOT NULL,
        by TEXT NOT NULL,
        host TEXT,
        pid INTEGER,
        started INTEGER,
        boot TEXT,
        taken_ms INTEGER NOT NULL,
        heartbeat_ms INTEGER NOT NULL,
        PRIMARY KEY (repository, target)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE probe (
        no INTEGER PRIMARY KEY,
        repository TEXT NOT NULL,
        name TEXT NOT NULL,
        UNIQUE (repository, name)
    ) STRICT;
    CREATE TABLE sample (
        probe INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        value REAL,
        PRIMARY KEY (probe, at_ms)
    ) STRICT, WITHOUT ROWID;
",
    // Records of what came into environments and of ways back are few among many, and asked for
    // over all incidents at once: their places are kept, so that nobody looks for them. What is
    // too many here costs a look; what is missing would be forgotten.
    "
    CREATE TABLE landmark (place INTEGER PRIMARY KEY) STRICT;
    INSERT INTO landmark SELECT place FROM record
        WHERE instr(bytes, CAST('\"kind\":\"released\"' AS BLOB)) > 0
           OR instr(bytes, CAST('\"kind\":\"release-judged\"' AS BLOB)) > 0
           OR instr(bytes, CAST('\"kind\":\"plan-started\"' AS BLOB)) > 0
           OR instr(bytes, CAST('\"kind\":\"plan-ended\"' AS BLOB)) > 0;
",
    // Of thinned samples the lowest, the highest and the worst are kept beside those that stand for their
    // stretch: what compares times needs samples that were not chosen for their values. And since when a
    // probe asks what it asks: samples of another address under the same name are not its own.
    "
    CREATE TABLE notable (
        probe INTEGER NOT NULL,
        at_ms INTEGER NOT NULL,
        value REAL,
        fault INTEGER,
        PRIMARY KEY (probe, at_ms)
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE asked (probe INTEGER PRIMARY KEY, source INTEGER NOT NULL, since_ms INTEGER NOT NULL) STRICT;
",
];

/// Tells whether a record is one of those whose place is kept in `landmark`.
pub(super) fn is_landmark(body: &Body) -> bool {
    match body {
        Body::Released(_)
        | Body::ReleaseJudged(_)
        | Body::PlanEnded(_)
        | Body::MergeOwed(_)
        | Body::MergePaid(_) => true,
        Body::PlanStarted(started) => started.purpose == "rollback",
        _ => false,
    }
}

/// The first version that keeps them.
pub(super) const LANDMARKS: i32 = 2;

/// The first version that keeps what is notable among samples, and what a probe asks.
pub(super) const NOTABLE: i32 = 3;

/// The version this program writes.
pub(super) fn version() -> i32 {
    i32::try_from(MIGRATIONS.len()).unwrap_or(i32::MAX)
}

/// Brings a file up to the last of `steps`, all in one transaction: whatever happens in the
/// middle, the file is as it was or as it should be. One that was tampered with is left alone, and how is
/// returned.
pub(super) fn migrate(conn: &mut Connection, steps: &[&str]) -> rusqlite::Result<Option<Tampering>> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Exclusive)?;
    let found = user_version(&tx)?;
    let from = usize::try_from(found).unwrap_or(0);
    if let Some(missing) = steps.get(from..)
        && !missing.is_empty()
    {
        if from > 0
            && let Some(tampering) = tampering::find(&tx)?
        {
            return Ok(Some(tampering));
        }
        for step in missing {
            tx.execute_batch(step)?;
        }
        if from == 0 {
            tx.pragma_update(None, "application_id", APPLICATION_ID)?;
            tx.execute("INSERT INTO meta VALUES ('node', ?1)", [new_node()])?;
        }
        tx.pragma_update(None, "user_version", steps.len() as i64)?;
    }
    tx.commit()?;
    Ok(None)
}

pub(super) fn user_version(conn: &Connection) -> rusqlite::Result<i32> {
    conn.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// A random number for a new state directory.
fn new_node() -> i64 {
    let random = crate::incident::Hash::of(uuid::Uuid::now_v7().as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&random.0[..8]);
    i64::from_be_bytes(first)
}
