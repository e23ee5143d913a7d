//! Import: all lines of an export, or none.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, HashMap};
use std::io::{BufRead, Read as _};
use std::path::Path;

use jiff::Timestamp;

use super::read::{incident_no, places, uuid};
use super::write::{ChainEnd, Trouble, Writing, chain_end, hash, new_incident};
use super::{Imported, Journal, Witness, heads};
use crate::failure::{Failure, Result};
use crate::incident::{Author, Body, Hash, IncidentId, Record, RecordId, is_plausible};

const DOING: &str = "importing records";
/// More than this is not an export of incidents.
const MAX_TOTAL: usize = 1 << 29;

/// What is known of an incident while records are added to it.
pub(super) struct Target {
    pub(super) no: i64,
    pub(super) known: HashMap<RecordId, Hash>,
}

impl Journal {
    /// Takes in an export. Nothing is stored unless every line is sound.
    pub fn import(&mut self, input: &mut dyn BufRead) -> Result<Imported> {
        // Read before the lock is taken: what is imported may come slowly.
        let lines = read_lines(input)?;
        let (now, own) = (Timestamp::now(), self.author.node);
        let state_dir = self.path.parent().map_or_else(Default::default, Path::to_path_buf);
        self.write(DOING, now, |writing| {
            let mut imported = Imported::default();
            let (mut targets, mut owned) = (HashMap::new(), BTreeMap::new());
            for (number, line) in &lines {
                take_in(writing, &mut targets, &mut imported, (own, &mut owned), (*number, line))?;
            }
            for ((incident, name), no) in owned {
                let author = Author { name, node: own };
                let end = chain_end(&writing.tx, no, &author)?;
                let (known, _) = heads::read(&state_dir, Some(incident));
                if !end.is_some_and(|end| known.iter().any(|witness| is_end(witness, &author, &end))) {
                    return Err(claimed(&author).into());
                }
            }
            Ok(imported)
        })
    }
}

/// The lines that are not empty, with their numbers.
fn read_lines(input: &mut dyn BufRead) -> Result<Vec<(usize, Vec<u8>)>> {
    let hint = "import a file that flightdeck export wrote";
    let mut lines = Vec::new();
    let mut total = 0;
    for number in 1.. {
        let mut line = Vec::new();
        let limit = Journal::MAX_RECORD as u64 + 2;
        let read = (&mut *input)
            .take(limit)
            .read_until(b'\n', &mut line)
            .map_err(|error| Failure::new(DOING, error, "check that the file can be read"))?;
        if read == 0 {
            break;
        }
        while line.last().is_some_and(u8::is_ascii_whitespace) {
            line.pop();
        }
        total += line.len();
        if line.len() > Journal::MAX_RECORD {
            return Err(refused(number, "it is longer than a record can be", hint));
        }
        if total > MAX_TOTAL {
            return Err(Failure::new(DOING, "the file is larger than any export", hint));
        }
        if !line.is_empty() {
            lines.push((number, line));
        }
    }
    Ok(lines)
}

fn take_in(
    writing: &mut Writing<'_>,
    targets: &mut HashMap<IncidentId, Target>,
    imported: &mut Imported,
    (own, owned): (u64, &mut BTreeMap<(IncidentId, String), i64>),
    (number, line): (usize, &[u8]),
) -> Result<(), Trouble> {
    let again = "export again where it comes from; nothing was imported";
    let record = Record::decode(line).map_err(|error| refused(number, &error.to_string(), again))?;
    let target = match targets.entry(record.incident) {
        Entry::Occupied(known) => known.into_mut(),
        Entry::Vacant(place) => {
            let undeclared =
                || refused(number, "it comes before the record that declares its incident", again);
            let target = target(writing, &record)?.ok_or_else(undeclared)?;
            if target.known.is_empty() {
                imported.incidents.push(record.incident);
            }
            place.insert(target)
        }
    };
    match target.known.get(&record.id) {
        Some(hash) if *hash == record.hash => {
            imported.known += 1;
            return Ok(());
        }
        Some(_) => {
            let cause = format!("record {} is here already and says something else", record.id);
            return Err(refused(number, &cause, "compare both journals with flightdeck verify").into());
        }
        None => {}
    }
    if let Some(cause) = misdated(&record) {
        let hint = "that line was not written by a sound flightdeck: export again where it comes from";
        return Err(refused(number, &cause, hint).into());
    }
    if record.author.node == own {
        owned.insert((record.incident, record.author.name.clone()), target.no);
    }
    let end = chain_end(&writing.tx, target.no, &record.author)?
        .unwrap_or(ChainEnd { records: 0, head: Hash::default() });
    if record.prev != end.head {
        let cause =
            format!("the record before it in the chain of {} is missing or was changed", record.author.name);
        return Err(refused(number, &cause, again).into());
    }
    writing.store(target.no, &record, line, end.records)?;
    target.known.insert(record.id, record.hash);
    imported.added += 1;
    Ok(())
}

/// Tells whether a chain ends where it was written down that it ended: it was lost, and is put back.
fn is_end(witness: &Witness, author: &Author, end: &ChainEnd) -> bool {
    let is_whose = witness.node == author.node && witness.author.as_ref() == Some(&author.name);
    is_whose && witness.records == end.records && witness.head == end.head
}

/// The failure of records that would be signed and sent as what was written here.
fn claimed(author: &Author) -> Failure {
    let cause = format!(
        "the file claims that {} wrote records on this machine, and this journal has no trace of them",
        author.name
    );
    let hint = "where the journal was put back from a backup, put the newer one back, or import into another state \
                directory (FLIGHTDECK_STATE_DIR); nothing was imported";
    Failure::new(DOING, cause, hint)
}

/// What is wrong with the times of a record. A clock that is far ahead is no reason to refuse: its
/// record was saved where it was written, and dates nothing but itself.
pub(super) fn misdated(record: &Record) -> Option<String> {
    let times = [record.at.timestamp(), record.written_at(), record.occurred_at];
    let at = times.into_iter().find(|at| !is_plausible(*at))?;
    Some(format!("a record of {} is dated {at:.0}, which cannot be", record.author.name))
}

/// The incident a record belongs to, made anew if the record declares it.
pub(super) fn target(writing: &Writing<'_>, record: &Record) -> rusqlite::Result<Option<Target>> {
    if let Some(no) = incident_no(&writing.tx, record.incident)? {
        let (first, last) = places(no);
        let mut statement =
            writing.tx.prepare_cached("SELECT id, hash FROM record WHERE place BETWEEN ?1 AND ?2")?;
        let known = statement.query_map([first, last], |row| Ok((RecordId(uuid(row, 0)?), hash(row, 1)?)))?;
        return Ok(Some(Target { no, known: known.collect::<rusqlite::Result<_>>()? }));
    }
    let Body::Declared(declared) = &record.body else { return Ok(None) };
    let no = new_incident(&writing.tx, record.incident, declared, record.written_at())?;
    Ok(Some(Target { no, known: HashMap::new() }))
}

fn refused(number: usize, cause: &str, hint: &str) -> Failure {
    Failure::new(DOING, format!("line {number}: {cause}"), hint)
}
