//! Verify: stored bytes against their hashes, every record against the one before it in its
//! chain, every chain against its end and against what was written down of it elsewhere, and
//! what the list of incidents says against the records.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Connection, OptionalExtension as _, Row};

use super::read::{COUNT_BITS, places, uuid};
use super::rebuild::Rebuilt;
use super::schema::{self, is_landmark};
use super::write::hash;
use super::{Journal, Verified, Witness, heads, tampering};
use crate::failure::{Failure, Result};
use crate::incident::{Author, Hash, Hlc, IncidentId, Record, RecordId};

/// How far a chain was followed.
#[derive(Clone, Default)]
struct Followed {
    records: i64,
    head: Hash,
    last: Option<RecordId>,
    at: Hlc,
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
    /// Checks stored bytes, hashes and chains of one incident, or of all, and what is shown of
    /// them in lists.
    pub fn verify(&self, incident: Option<IncidentId>) -> Result<Verified> {
        self.verify_against(incident, Vec::new())
    }

    /// The same, and whether the chains are those that `witnesses` tell of.
    pub fn verify_against(&self, incident: Option<IncidentId>, witnesses: Vec<Witness>) -> Result<Verified> {
        let only = incident.map(|id| self.number_of(id)).transpose()?;
        let (known, unread) =
            self.path.parent().map_or_else(Default::default, |state_dir| heads::read(state_dir, incident));
        let mut witnesses = [witnesses, known].concat();
        let mut verified = Verified { records: 0, chains: Vec::new(), bad: None, unread };
        let doing = "verifying the journal";
        self.verify_all(only, &mut witnesses, &mut verified).map_err(|error| self.failed(doing, &error))?;
        if verified.bad.is_none() {
            self.check_schema(doing, verified.records)?;
            self.check_file(doing, verified.records)?;
        }
        Ok(verified)
    }

    /// A chain that says it was written here, and of which nothing is written down beside the journal.
    fn planted(&self, incident: IncidentId, chains: &Chains) -> Option<Bad> {
        let (author, remedy) =
            heads::planted(self.path.parent()?, incident, self.author.node, chains.keys())?;
        let why = format!(
            "it says that it was written here, and nobody wrote it down beside the journal: {remedy}"
        );
        Some((format!("the chain of {}", author.name), why))
    }

    /// Writes down beside the journal where all chains end, for later. To be called with a
    /// journal that was found sound.
    pub fn note_heads(&self) -> Result<()> {
        let all = || -> rusqlite::Result<Vec<i64>> {
            self.conn.prepare("SELECT no FROM incident")?.query_map([], |row| row.get(0))?.collect()
        };
        for no in all().map_err(|error| self.failed("listing the incidents", &error))? {
            self.note_heads_of(no, true);
        }
        Ok(())
    }

    /// Checks that nothing is in the file that acts by itself.
    fn check_schema(&self, doing: &str, records: usize) -> Result<()> {
        let find = || tampering::find(&*self.conn.unchecked_transaction()?);
        let tampering = find().map_err(|error| self.failed(doing, &error))?;
        tampering.map_or(Ok(()), |tampering| {
            let shown = self.path.display();
            let cause = format!("{records} records are sound, but {shown} {}", tampering.what);
            Err(Failure::new(doing, cause, tampering.remedy))
        })
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

    fn verify_all(
        &self,
        only: Option<i64>,
        witnesses: &mut Vec<Witness>,
        verified: &mut Verified,
    ) -> rusqlite::Result<()> {
        // One view of the file, whoever writes meanwhile.
        let tx = self.conn.unchecked_transaction()?;
        let mut statement =
            tx.prepare("SELECT no, id FROM incident WHERE ?1 IS NULL OR no = ?1 ORDER BY no")?;
        let incidents = statement.query_map([only], |row| Ok((row.get(0)?, IncidentId(uuid(row, 1)?))))?;
        for incident in incidents {
            let (no, id) = incident?;
            let mut chains = Chains::new();
            let (mut told, others) =
                std::mem::take(witnesses).into_iter().partition(|one| one.incident == id);
            *witnesses = others;
            let mut rebuilt = Rebuilt::default();
            let mut bad = follow(&tx, no, id, &mut chains, &mut told, &mut rebuilt, &mut verified.records)?;
            if bad.is_none() {
                bad = check_ends(&tx, no, &chains)?;
            }
            if bad.is_none() {
                bad = unmet(&told, &chains);
            }
            if bad.is_none() {
                bad = rebuilt.differs(&tx, no)?;
            }
            if bad.is_none() {
                bad = self.planted(id, &chains);
            }
            verified.chains.extend(chains.into_iter().map(|(author, chain)| (author, chain.head)));
            if bad.is_some() {
                verified.bad = bad;
                return Ok(());
            }
        }
        if only.is_none() {
            verified.bad = match homeless(&tx)? {
                None => homeless_chain(&tx)?,
                bad => bad,
            };
        }
        if verified.bad.is_none() {
            verified.bad = unmet(witnesses, &Chains::new());
        }
        if only.is_none() && verified.bad.is_none() {
            verified.bad = spare_landmark(&tx)?;
        }
        Ok(())
    }
}

/// Follows the chains of an incident through its records, up to the first bad one. Takes away the
/// witnesses that it meets.
fn follow(
    conn: &Connection,
    no: i64,
    incident: IncidentId,
    chains: &mut Chains,
    witnesses: &mut Vec<Witness>,
    rebuilt: &mut Rebuilt,
    count: &mut usize,
) -> rusqlite::Result<Option<Bad>> {
    // A file of an older version that cannot be written was never brought up to this one.
    let landmarks = schema::user_version(conn)? >= schema::LANDMARKS;
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
        if gap {
            let why = "it does not follow the one before it: others are missing there, or it was moved";
            return Ok(Some((record.id.to_string(), why.to_owned())));
        }
        chain.records += 1;
        chain.head = record.hash;
        chain.last = Some(record.id);
        chain.at = record.at;
        witnesses.retain(|witness| !is_met(witness, &record, chain));
        rebuilt.take(place, &record);
        if landmarks && is_landmark(&record.body) && !has_landmark(conn, place)? {
            let why = "it is missing in the index of releases, so rollback and finish do not see it";
            return Ok(Some((record.id.to_string(), why.to_owned())));
        }
    }
    Ok(None)
}

fn has_landmark(conn: &Connection, place: i64) -> rusqlite::Result<bool> {
    conn.prepare_cached("SELECT EXISTS (SELECT 1 FROM landmark WHERE place = ?1)")?
        .query_row([place], |row| row.get(0))
}

/// Tells whether a chain, followed up to this record, is what a witness tells of.
fn is_met(witness: &Witness, record: &Record, chain: &Followed) -> bool {
    witness.records == chain.records
        && witness.head == chain.head
        && witness.node == record.author.node
        && witness.author.as_ref().is_none_or(|author| *author == record.author.name)
}

/// What it means that chains are not as witnesses tell: of the first, and how many there are.
fn unmet(witnesses: &[Witness], chains: &Chains) -> Option<Bad> {
    let witness = witnesses.first()?;
    let Witness { number, records, head, source, .. } = witness;
    let record = witness.last.map_or_else(|| format!("record {head}"), |id| id.to_string());
    let of = |author: &Author| {
        author.node == witness.node && witness.author.as_ref().is_none_or(|name| *name == author.name)
    };
    let longest = chains.iter().filter(|(author, _)| of(author)).map(|(_, chain)| chain.records).max();
    let whose = witness.author.as_ref().map_or_else(String::new, |author| format!(" of {author}"));
    let found = match longest {
        None if chains.is_empty() => format!("the incident is not here: {}", missing(*records, "")),
        None => format!("the chain is not here: {}", missing(*records, "")),
        Some(found) if found < *records => {
            format!("the chain has {found} here: {}", missing(records - found, "at least "))
        }
        // Where it left the way of the one that is missing nobody has written down.
        Some(_) => format!("another stands in its place: {}", missing(1, "at least ")),
    };
    let others = match witnesses.len() - 1 {
        0 => String::new(),
        1 => "; another end that was written down is missing, too".to_owned(),
        others => format!("; {others} other ends that were written down are missing, too"),
    };
    let s = if *records == 1 { "" } else { "s" };
    let why = format!(
        "it is missing: by {}, the chain{whose} in {number} had {records} record{s} and ended with it; \
         {found}{others}",
        source.display()
    );
    Some((record, why))
}

fn missing(records: i64, about: &str) -> String {
    let are = if records == 1 { "record is" } else { "records are" };
    format!("{about}{records} {are} missing")
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
    let mut statement = conn.prepare_cached(
        "SELECT author, node, records, head, head_id, wall_ms, count FROM chain WHERE incident = ?1",
    )?;
    let mut rows = statement.query([no])?;
    let none = Followed::default();
    let mut ends = BTreeSet::new();
    while let Some(row) = rows.next()? {
        let author = Author { name: row.get(0)?, node: row.get::<_, i64>(1)? as u64 };
        let (records, head): (i64, _) = (row.get(2)?, hash(row, 3)?);
        let followed = chains.get(&author).unwrap_or(&none);
        if followed.records == 0 && records <= 0 {
            return Ok(Some((format!("the chain of {}", author.name), "it has no records".to_owned())));
        }
        ends.insert(author.clone());
        if followed.head == head && followed.records == records {
            let at = Hlc { wall_ms: row.get(5)?, count: row.get(6)? };
            if at != followed.at {
                let name = &author.name;
                let why = format!("the chain of {name} says that its last record is of another time");
                return Ok(Some((followed.name(), why)));
            }
            if uuid(row, 4).ok() != followed.last.map(|id| id.0) {
                let name = &author.name;
                let why = format!("the chain of {name} gives its last record another id");
                return Ok(Some((followed.name(), why)));
            }
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

/// A record whose incident is not listed, wherever it is.
fn homeless(conn: &Connection) -> rusqlite::Result<Option<Bad>> {
    let find = format!(
        "SELECT place, id FROM record
         WHERE NOT EXISTS (SELECT 1 FROM incident WHERE no = (place - 1) >> {COUNT_BITS}) LIMIT 1"
    );
    let found = conn.query_row(&find, [], |row| {
        Ok(uuid(row, 1)
            .map_or_else(|_| format!("row {}", row.get::<_, i64>(0).unwrap_or(0)), |id| id.to_string()))
    });
    let why = "it belongs to an incident that is not in the list";
    Ok(found.optional()?.map(|id| (id, why.to_owned())))
}

/// A place in the index of releases at which there is no record.
fn spare_landmark(conn: &Connection) -> rusqlite::Result<Option<Bad>> {
    // A file of an older version that cannot be written was never brought up to this one.
    if schema::user_version(conn)? < schema::LANDMARKS {
        return Ok(None);
    }
    let find = "SELECT place FROM landmark WHERE place NOT IN (SELECT place FROM record) LIMIT 1";
    let found = conn.query_row(find, [], |row| row.get::<_, i64>(0)).optional()?;
    let why = "no record at that place: it was added from outside, or the record is gone";
    Ok(found.map(|place| (format!("row {place} of the index of releases"), why.to_owned())))
}

/// A chain whose incident is not listed.
fn homeless_chain(conn: &Connection) -> rusqlite::Result<Option<Bad>> {
    let find = "SELECT author FROM chain WHERE incident NOT IN (SELECT no FROM incident) LIMIT 1";
    let found = conn.query_row(find, [], |row| row.get::<_, String>(0)).optional()?;
    let why = "it belongs to an incident that is not in the list";
    Ok(found.map(|author| (format!("the chain of {author}"), why.to_owned())))
}
