//! What the journal knows of where records came from, which no record can say of itself.

use std::collections::BTreeMap;

use jiff::Timestamp;
use rusqlite::{Connection, Row, params};

use super::Journal;
use super::read::{incident_no, places};
use crate::failure::Result;
use crate::incident::{Body, IncidentId, Met, Record, Vouched};

/// What is written down of an installation, each under a key of its own: how many of its records came signed, and when
/// it was heard of first.
const SIGNED: &str = "signed";
const MET: &str = "met";
/// What is written down of an installation beside that: whose it said it is when it joined, signed.
const PERSON: &str = "person";

impl Journal {
    /// Tells where the records of an incident came from, as far as that is known.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn vouched(&self, incident: IncidentId) -> Result<Vouched> {
        let look = || -> rusqlite::Result<Vouched> {
            let own = self.author.node;
            Ok(Vouched {
                own,
                others: others(&self.conn, incident, own)?,
                earlier: elsewhere(&self.conn, incident, own)?,
            })
        };
        look().map_err(|error| self.failed("looking where records came from", &error))
    }
}

fn others(conn: &Connection, incident: IncidentId, own: u64) -> rusqlite::Result<BTreeMap<u64, Met>> {
    let signed = of_installations(conn, SIGNED, incident)?;
    // Where nothing came from others nobody has to be told apart.
    let Some(no) = incident_no(conn, incident)?.filter(|_| !signed.is_empty()) else {
        return Ok(BTreeMap::new());
    };
    let since = of_installations(conn, MET, incident)?;
    let mut others: BTreeMap<u64, Met> = BTreeMap::new();
    for (node, signed) in signed {
        let since = since.get(&node).copied().unwrap_or(i64::MAX);
        others.insert(node, Met { signed: signed as u64, since, person: String::new() });
    }
    let (first, last) = places(no);
    let mut joined = conn.prepare_cached(
        "SELECT bytes FROM record WHERE place BETWEEN ?1 AND ?2
         AND instr(bytes, CAST('\"kind\":\"joined\"' AS BLOB)) > 0 ORDER BY place",
    )?;
    let mut rows = joined.query([first, last])?;
    while let Some(row) = rows.next()? {
        let Ok(Record { author, body: Body::Joined(_), .. }) = Record::decode(row.get_ref(0)?.as_bytes()?)
        else {
            continue;
        };
        // Whoever uses this machine was here before anybody who only says so.
        let new = || Met { signed: 0, since: i64::MIN, person: String::new() };
        if author.node == own {
            others.entry(own).or_insert_with(new);
        }
        let Some(met) = others.get_mut(&author.node) else { continue };
        // The first word of an installation counts.
        if met.person.is_empty() {
            met.person = author.name;
        }
    }
    Ok(others)
}

/// Whose the installations in other incidents said they are, and when they were heard of there.
fn elsewhere(conn: &Connection, incident: IncidentId, own: u64) -> rusqlite::Result<Vec<(u64, Met)>> {
    let mut query = conn.prepare_cached(
        "SELECT person.key, person.value, met.value FROM meta person
         JOIN meta met ON met.key = ?2 || substr(person.key, length(?1) + 1)
         WHERE person.key >= ?1 || ' ' AND person.key < ?1 || '!'
         AND typeof(person.value) = 'text' AND typeof(met.value) = 'integer'",
    )?;
    let row = |row: &Row<'_>| {
        let met = Met { signed: 0, person: row.get(1)?, since: row.get(2)? };
        Ok((row.get::<_, String>(0)?, met))
    };
    let found = query.query_map([PERSON, MET], row)?.collect::<rusqlite::Result<Vec<_>>>()?;
    let here = format!("{} ", key(PERSON, incident));
    let of_others = found.into_iter().filter(|(key, _)| !key.starts_with(&here));
    let known = of_others.filter_map(|(key, met)| Some((node_of(&key)?, met)));
    Ok(known.filter(|(node, _)| *node != own).collect())
}

/// The installation that a key ends in.
fn node_of(key: &str) -> Option<u64> {
    u64::from_str_radix(key.rsplit(' ').next()?, 16).ok()
}

/// What is written down of the installations in an incident under a name.
fn of_installations(
    conn: &Connection,
    what: &str,
    incident: IncidentId,
) -> rusqlite::Result<BTreeMap<u64, i64>> {
    let mut query =
        conn.prepare_cached("SELECT key, value FROM meta WHERE key >= ?1 || ' ' AND key < ?1 || '!'")?;
    let pair = |row: &Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?));
    let found = query.query_map([key(what, incident)], pair)?.collect::<rusqlite::Result<Vec<_>>>()?;
    Ok(found.into_iter().filter_map(|(key, value)| Some((node_of(&key)?, value))).collect())
}

fn key(what: &str, incident: IncidentId) -> String {
    format!("{what} {incident}")
}

/// Writes down how many records of an installation in an incident came signed, when it was heard of first, and whose
/// it said it is; what came again says no less, and the first word counts.
pub(super) fn vouch(
    conn: &Connection,
    now: Timestamp,
    (incident, node): (IncidentId, u64),
    signed: u64,
    person: Option<&str>,
) -> rusqlite::Result<()> {
    let named = |what| format!("{} {node:016x}", key(what, incident));
    conn.prepare_cached(
        "INSERT INTO meta (key, value) VALUES (?1, ?2)
         ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)",
    )?
    .execute(params![named(SIGNED), signed as i64])?;
    let mut first = conn.prepare_cached("INSERT OR IGNORE INTO meta (key, value) VALUES (?1, ?2)")?;
    first.execute(params![named(MET), now.as_millisecond()])?;
    if let Some(person) = person {
        first.execute(params![named(PERSON), person])?;
    }
    Ok(())
}
