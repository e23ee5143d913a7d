//! Verify: stored bytes against their hashes, every record against the one before it in its
//! chain, and every chain against its end.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, Row};

use super::read::{number_at, places, uuid};
use super::write::hash;
use super::{Journal, Verified};
use crate::failure::{Failure, Result};
use crate::incident::{Author, Hash, IncidentId, Record, RecordId};

/// How far a chain was followed.
#[derive(Clone, Default)]
struct Followed {
    records: i64,
    head: Hash,
    last: Option<RecordId>,
}

impl Followed {
    /// Names the last record.
    fn name(&self) -> String {
        self.last.map_or_else(|| "a record".to_owned(), |id| id.to_string())
    }
}

type Chains = BTreeMap<Author, Followed>;
/// A bad record, by id or by where it is, and what is wrong with it.
type Bad = (String, String);

impl Journal {
    /// Checks stored bytes, hashes and chains of one incident, or of all.
    pub fn verify(&self, incident: Option<IncidentId>) -> Result<Verified> {
        let only = incident.map(|id| self.number_of(id)).transpose()?;
        let mut verified = Verified { records: 0, chains: Vec::new(), bad: None };
        let doing = "verifying the journal";
        self.verify_all(only, &mut verified).map_err(|error| self.failed(doing, &error))?;
        if verified.bad.is_none() {
            self.check_file(doing, verified.records)?;
        }
        Ok(verified)
    }

    /// Checks what the records do not go through themselves: indexes, and pages between them.
    fn check_file(&self, doing: &str, records: usize) -> Result<()> {
        let said = self.conn.query_row("PRAGMA integrity_check(1)", [], |row| row.get::<_, String>(0));
        let said = said.unwrap_or_else(|error| error.to_string());
        if said == "ok" {
            return Ok(());
        }
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        Err(Failure::new(
            doing,
            format!(
                "{} records are sound, but {} is damaged around them ({said})",
                records,
                self.path.display()
            ),
            "export what can be read, move the file aside, and import the export",
        ))
    }

    fn verify_all(&self, only: Option<i64>, verified: &mut Verified) -> rusqlite::Result<()> {
        // One view of the file, whoever writes meanwhile.
        let tx = self.conn.unchecked_transaction()?;
        let mut statement =
            tx.prepare("SELECT no, id FROM incident WHERE ?1 IS NULL OR no = ?1 ORDER BY no")?;
        let incidents = statement.query_map([only], |row| Ok((row.get(0)?, IncidentId(uuid(row, 1)?))))?;
        for incident in incidents {
            let (no, id) = incident?;
            let mut chains = Chains::new();
            let mut bad = follow(&tx, no, id, &mut chains, &mut verified.records)?;
            if bad.is_none() {
                bad = check_ends(&tx, no, &chains)?;
            }
            verified.chains.extend(chains.into_iter().map(|(author, chain)| (author, chain.head)));
            if bad.is_some() {
                verified.bad = bad;
                return Ok(());
            }
        }
        if only.is_none() {
            verified.bad = homeless(&tx)?;
        }
        Ok(())
    }
}

/// Follows the chains of an incident through its records, up to the first bad one.
fn follow(
    conn: &Connection,
    no: i64,
    incident: IncidentId,
    chains: &mut Chains,
    count: &mut usize,
) -> rusqlite::Result<Option<Bad>> {
    let (first, last) = places(no);
    let mut statement =
        conn.prepare_cached("SELECT place, id, hash, bytes FROM record WHERE place BETWEEN ?1 AND ?2")?;
    let mut rows = statement.query([first, last])?;
    let mut expected = first;
    while let Some(row) = rows.next()? {
        *count += 1;
        let place: i64 = row.get(0)?;
        let gap = place != expected;
        expected = place + 1;
        let record = match sound(row, incident) {
            Ok(record) => record,
            Err(bad) => return Ok(Some(bad)),
        };
        let chain = chains.entry(record.author.clone()).or_default();
        if record.prev != chain.head {
            return Ok(Some(broken_link(conn, no, &record, chain, gap)?));
        }
        chain.records += 1;
        chain.head = record.hash;
        chain.last = Some(record.id);
    }
    Ok(None)
}

/// Checks one row by itself.
fn sound(row: &Row<'_>, incident: IncidentId) -> Result<Record, Bad> {
    let named = uuid(row, 1)
        .map_or_else(|_| format!("row {}", row.get::<_, i64>(0).unwrap_or_default()), |id| id.to_string());
    let bad = |what: &str| (named.clone(), what.to_owned());
    let stored = hash(row, 2).map_err(|_| bad("its hash is damaged"))?;
    let bytes = row
        .get_ref(3)
        .ok()
        .and_then(|value| value.as_bytes().ok())
        .ok_or_else(|| bad("its bytes are damaged"))?;
    if Hash::of(bytes) != stored {
        return Err(bad("it was changed after it was written: its hash does not fit"));
    }
    let record = Record::decode_with(bytes, stored).map_err(|error| bad(&error.to_string()))?;
    if record.id.to_string() != named {
        return Err(bad("it is stored under the id of another record"));
    }
    if record.incident != incident {
        return Err(bad("it belongs to another incident"));
    }
    Ok(record)
}

/// Finds out which record is to blame where one does not follow from the one before it.
fn broken_link(
    conn: &Connection,
    no: i64,
    record: &Record,
    before: &Followed,
    gap: bool,
) -> rusqlite::Result<Bad> {
    let id = record.id.to_string();
    let (first, last) = places(no);
    let elsewhere: bool = conn
        .prepare_cached("SELECT EXISTS (SELECT 1 FROM record WHERE place BETWEEN ?1 AND ?2 AND hash = ?3)")?
        .query_row(rusqlite::params![first, last, &record.prev.0[..]], |row| row.get(0))?;
    let author = &record.author.name;
    Ok(match before.last {
        _ if elsewhere || record.prev == Hash::default() => {
            (id, format!("it is not in its place in the chain of {author}"))
        }
        _ if gap => (id, format!("the record before it in the chain of {author} is missing")),
        None => (id, format!("it should be the first in the chain of {author}, and names one before it")),
        Some(last) => (
            last.to_string(),
            format!(
                "it was changed after it was written: the next in the chain of {author} names another hash"
            ),
        ),
    })
}

/// Compares what was followed with how each chain is known to end.
fn check_ends(conn: &Connection, no: i64, chains: &Chains) -> rusqlite::Result<Option<Bad>> {
    let mut statement =
        conn.prepare_cached("SELECT author, node, records, head, head_id FROM chain WHERE incident = ?1")?;
    let mut rows = statement.query([no])?;
    let none = Followed::default();
    let mut ends = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let author = Author { name: row.get(0)?, node: row.get::<_, i64>(1)? as u64 };
        let (records, head): (i64, _) = (row.get(2)?, hash(row, 3)?);
        let followed = chains.get(&author).unwrap_or(&none);
        ends.insert(author.clone());
        if followed.head == head && followed.records == records {
            continue;
        }
        let name = &author.name;
        let last = uuid(row, 4)?.to_string();
        return Ok(Some(match followed.records.cmp(&records) {
            Ordering::Less => (last, format!("it is missing: the chain of {name} should end with it")),
            Ordering::Equal => (
                last,
                format!("it was changed after it was written: the chain of {name} should end otherwise"),
            ),
            Ordering::Greater => {
                (followed.name(), format!("it was added to the chain of {name} from outside"))
            }
        }));
    }
    let stray = chains.iter().find(|(author, _)| !ends.contains(author));
    Ok(stray.map(|(_, chain)| (chain.name(), "its chain was added from outside".to_owned())))
}

/// A record whose incident is not listed.
fn homeless(conn: &Connection) -> rusqlite::Result<Option<Bad>> {
    let mut known = conn.prepare("SELECT EXISTS (SELECT 1 FROM incident WHERE no = ?1)")?;
    let mut after = 0_i64;
    let mut next = conn.prepare("SELECT place, id FROM record WHERE place >= ?1 ORDER BY place LIMIT 1")?;
    loop {
        let mut rows = next.query([after])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let no = number_at(row.get(0)?);
        let listed: bool = known.query_row([no], |row| row.get(0))?;
        if !listed {
            let id = uuid(row, 1).map_or_else(|_| "a record".to_owned(), |id| id.to_string());
            return Ok(Some((id, "it belongs to an incident that is not in the list".to_owned())));
        }
        after = places(no).1 + 1;
    }
}
