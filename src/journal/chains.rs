//! Chains of other installations: what was written here for them, and what they wrote for us.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::import::{Target, misdated, target};
use super::read::{each_row, incident_no, places, received, stands};
use super::vouched::vouch;
use super::write::{ChainEnd, Trouble, chain_end};
use super::{Journal, Seq};
use crate::failure::Result;
use crate::incident::{Author, Body, Hash, IncidentId, Record};
use rusqlite::params;

/// Most records that can have been written within one millisecond.
const MOST_TIES: u32 = 1 << 24;

/// What came of records that another installation wrote.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Received {
    /// Records that were new.
    pub added: usize,
    /// Chains that a record is wrong in: whose, and what is wrong. Nothing more of them is taken in.
    pub aside: Vec<(String, String)>,
    /// Whether nothing was taken in, because nothing here declares the incident, and no record among these.
    pub undeclared: bool,
}

/// What this installation wrote in an incident after a position.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Written {
    /// The records as they are stored, in the order they were written.
    pub records: Vec<Vec<u8>>,
    /// The position behind all that was looked at.
    pub seq: Seq,
}

impl Journal {
    /// Finds what this installation wrote in an incident after a position, whoever of its users did.
    ///
    /// # Errors
    /// The journal cannot be read, or no longer holds what was read up to there.
    pub fn written_here(&self, incident: IncidentId, after: Seq) -> Result<Written> {
        let doing = "reading what is to be shared";
        let no = self.number_of(incident)?;
        let node = self.author.node;
        let look = || -> rusqlite::Result<Option<Written>> {
            // One view of the file: what is looked at and what is read must be the same.
            let view = self.conn.unchecked_transaction()?;
            if !stands(&view, no, after)? {
                return Ok(None);
            }
            let seq = received(&view, no)?;
            let mut records = Vec::new();
            each_row(&view, no, (after.count, seq.count), &mut |_, bytes, hash| {
                if Record::decode_with(bytes, hash).is_ok_and(|record| record.author.node == node) {
                    records.push(bytes.to_vec());
                }
                Ok(true)
            })?;
            Ok(Some(Written { records, seq }))
        };
        look().map_err(|error| self.failed(doing, &error))?.ok_or_else(|| self.cut(doing))
    }

    /// Takes in what another installation wrote in an incident: each author's records as far as they are sound and
    /// follow each other. A record that is wrong holds up its own chain and no other. `signed` is how many it signed with these.
    ///
    /// # Errors
    /// The journal cannot be written; nothing was taken in then.
    pub fn receive(
        &mut self,
        now: Timestamp,
        incident: IncidentId,
        node: u64,
        (records, signed): (&[Vec<u8>], u64),
    ) -> Result<Received> {
        self.write("taking in what colleagues wrote", now, |writing| {
            let mut done = Received::default();
            let mut aside: BTreeMap<Author, String> = BTreeMap::new();
            let mut into: Option<Target> = None;
            let mut person: Option<String> = None;
            let unreadable = Author { name: "nobody".to_owned(), node };
            for bytes in records {
                let record = match sound(bytes, incident, node) {
                    Ok(record) => record,
                    Err((author, why)) => {
                        let author = author.unwrap_or_else(|| unreadable.clone());
                        aside.entry(author).or_insert(why);
                        continue;
                    }
                };
                if aside.contains_key(&record.author) || aside.contains_key(&unreadable) {
                    continue;
                }
                if into.is_none() {
                    into = target(writing, &record)?;
                }
                let Some(target) = &mut into else {
                    done.undeclared = true;
                    return Ok(done);
                };
                let again = matches!(record.body, Body::Declared(_))
                    && !target.known.is_empty()
                    && !target.known.contains_key(&record.id);
                if again {
                    let why = "it declares an incident that is declared here already";
                    aside.insert(record.author.clone(), why.to_owned());
                    continue;
                }
                match take_in(writing, target, &record, bytes)? {
                    Ok(added) => {
                        done.added += usize::from(added);
                        if person.is_none() && matches!(record.body, Body::Joined(_)) {
                            person = Some(record.author.name.clone());
                        }
                    }
                    Err(why) => {
                        aside.insert(record.author.clone(), why);
                    }
                }
            }
            done.aside = aside.into_iter().map(|(author, why)| (author.name, why)).collect();
            if done.aside.is_empty() {
                vouch(&writing.tx, now, (incident, node), signed, person.as_deref())?;
            }
            Ok(done)
        })
    }

    /// Finds the key that an installation said it signs with: in an incident, else in any other one that it takes part
    /// in. The first word counts.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn key_of(&self, incident: IncidentId, node: u64) -> Result<Option<String>> {
        let look = || -> rusqlite::Result<Option<String>> {
            let here = incident_no(&self.conn, incident)?;
            let mut others = self.conn.prepare_cached(
                "SELECT DISTINCT incident FROM chain WHERE node = ?1 ORDER BY incident = ?2 DESC, incident DESC LIMIT 64",
            )?;
            let others =
                others.query_map(params![node as i64, here.unwrap_or(0)], |row| row.get::<_, i64>(0))?;
            for no in others.collect::<rusqlite::Result<Vec<_>>>()? {
                let (first, last) = places(no);
                let mut joined = self.conn.prepare_cached(
                    "SELECT bytes FROM record WHERE place BETWEEN ?1 AND ?2
                     AND instr(bytes, CAST('\"kind\":\"joined\"' AS BLOB)) > 0 ORDER BY place",
                )?;
                let mut rows = joined.query([first, last])?;
                while let Some(row) = rows.next()? {
                    if let Ok(Record { author, body: Body::Joined(joined), .. }) =
                        Record::decode(row.get_ref(0)?.as_bytes()?)
                        && author.node == node
                    {
                        return Ok(Some(joined.key));
                    }
                }
            }
            Ok(None)
        };
        look().map_err(|error| self.failed("looking who an installation is", &error))
    }

    /// Tells whether an incident is in this file.
    ///
    /// # Errors
    /// The journal cannot be read.
    pub fn holds(&self, incident: IncidentId) -> Result<bool> {
        let found = incident_no(&self.conn, incident);
        found.map(|no| no.is_some()).map_err(|error| self.failed("reading the journal", &error))
    }
}

/// Reads a record that has to be of an incident and an installation.
fn sound(bytes: &[u8], incident: IncidentId, node: u64) -> Result<Record, (Option<Author>, String)> {
    if bytes.len() > Journal::MAX_RECORD {
        return Err((None, "a record is longer than one can be".to_owned()));
    }
    let record =
        Record::decode(bytes).map_err(|error| (None, format!("a record cannot be read: {error}")))?;
    let wrong = if record.author.node != node {
        Some(format!("a record claims to be of installation {}", record.author.installation()))
    } else if record.incident != incident {
        Some("a record is of another incident".to_owned())
    } else if record.at.count > MOST_TIES {
        Some("a record has a clock that no clock gives".to_owned())
    } else {
        misdated(&record)
    };
    match wrong {
        Some(why) => Err((Some(Author { node, ..record.author }), why)),
        None => Ok(record),
    }
}

/// Stores a record that is new and follows the one before it; tells whether it is new, or what is wrong.
fn take_in(
    writing: &mut super::write::Writing<'_>,
    target: &mut Target,
    record: &Record,
    bytes: &[u8],
) -> Result<Result<bool, String>, Trouble> {
    match target.known.get(&record.id) {
        Some(hash) if *hash == record.hash => return Ok(Ok(false)),
        Some(_) => return Ok(Err(format!("record {} is here already and says something else", record.id))),
        None => {}
    }
    let end = chain_end(&writing.tx, target.no, &record.author)?
        .unwrap_or(ChainEnd { records: 0, head: Hash::default() });
    if record.prev != end.head {
        return Ok(Err(format!("record {} does not follow the one before it", record.id)));
    }
    writing.store(target.no, record, bytes, end.records)?;
    target.known.insert(record.id, record.hash);
    Ok(Ok(true))
}
