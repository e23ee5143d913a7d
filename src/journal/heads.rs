//! Where the chains of an incident end, written down outside of the journal: who takes all records
//! away with their chains leaves nothing in the file that tells.
//!
//! One file an incident, written after the commit. It may lag behind the journal, and is not synced
//! for it; a journal that is behind it has lost records. That it cannot be written harms no record, and
//! is told.

use std::collections::BTreeMap;
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, Row};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Witness;
use super::read::uuid;
use super::write::hash;
use crate::failure::Failure;
use crate::incident::{Hash, IncidentId, RecordId};

/// The directory of these files, in the state directory.
pub(super) const DIR: &str = "heads";
/// The form they are written in.
const VERSION: u32 = 1;
/// Tells files apart that are written at the same time.
static TURN: AtomicU64 = AtomicU64::new(0);
/// Why they could not be written last, by state directory, whichever connection of this process tried.
static UNWRITTEN: Mutex<BTreeMap<PathBuf, String>> = Mutex::new(BTreeMap::new());
/// More than this is none of these files.
const MAX_BYTES: u64 = 1 << 24;

#[derive(Serialize, Deserialize)]
struct Heads {
    version: u32,
    number: String,
    chains: Vec<Head>,
    /// Ends that were written down and that the journal no longer held at a later write: what comes after
    /// must not cover what was cut off, changed or put back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    lost: Vec<Head>,
}

#[derive(Serialize, Deserialize)]
struct Head {
    author: String,
    /// Hexadecimal.
    node: String,
    records: i64,
    #[serde(rename = "head")]
    hash: Hash,
    last: RecordId,
}

/// What is kept where the journal no longer holds what was written down.
const LOST: &str = "the journal no longer holds all that was written down there";
/// Most such ends that are kept of an incident.
const MOST_LOST: usize = 256;

/// Says what is wrong where the ends of chains could not be written down beside a journal last.
pub fn heads_unwritten(state_dir: &Path) -> Option<Failure> {
    let known = UNWRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let doing = format!("writing down in {} where the record ends", state_dir.join(DIR).display());
    let hint = "make that directory writable. Records are saved all the same; but should some be cut off \
                the journal later, verify cannot notice";
    known.get(state_dir).map(|why| match why.as_str() {
        LOST => {
            let doing = format!("comparing the journal with {}", state_dir.join(DIR).display());
            let hint =
                "run flightdeck verify: records were cut off or changed, or an older journal was put back";
            Failure::new(doing, LOST, hint)
        }
        why => Failure::new(doing, why, hint),
    })
}

/// Writes down where the chains of an incident, by its number in the file, end now. That it cannot be
/// written is kept for [`heads_unwritten`].
pub(super) fn note(state_dir: &Path, conn: &Connection, no: i64) {
    let written = write(state_dir, conn, no);
    let mut known = UNWRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    match written {
        Ok(()) => known.remove(state_dir),
        Err(error) => known.insert(state_dir.to_owned(), error.to_string()),
    };
}

fn write(state_dir: &Path, conn: &Connection, no: i64) -> io::Result<()> {
    // The file first: what others commit and write down meanwhile the journal holds by the time it is read.
    let id = id_of(conn, no).map_err(io::Error::other)?;
    let before = read_file(&path_of(state_dir, id));
    let mut heads = read_journal(conn, no).map_err(io::Error::other)?;
    if let Ok(before) = before {
        heads.lost = lost(before, &heads.chains);
    }
    let dir = state_dir.join(DIR);
    match DirBuilder::new().mode(0o700).create(&dir) {
        Ok(()) => fs::set_permissions(&dir, Permissions::from_mode(0o700))?,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    let turn = TURN.fetch_add(1, Ordering::Relaxed);
    let beside = dir.join(format!(".{id}.{}.{turn}", std::process::id()));
    let written =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).and_then(|mut file| {
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(&serde_json::to_vec(&heads)?)?;
            fs::rename(&beside, path_of(state_dir, id))
        });
    if written.is_err() {
        // What is left of the attempt; there may be nothing.
        let _ = fs::remove_file(&beside);
    }
    written?;
    if heads.lost.is_empty() { Ok(()) } else { Err(io::Error::other(LOST)) }
}

/// The ends written down before that these chains do not meet, and those that were lost already. A chain
/// that is longer than it was is taken to go on from there; `verify` looks.
fn lost(before: Heads, now: &[Head]) -> Vec<Head> {
    let is_met = |old: &Head| {
        now.iter().any(|new| {
            let same = new.author == old.author && new.node == old.node;
            same && (new.records > old.records || (new.records == old.records && new.hash == old.hash))
        })
    };
    let fresh = before.chains.into_iter().filter(|old| !is_met(old));
    before.lost.into_iter().chain(fresh).take(MOST_LOST).collect()
}

fn path_of(state_dir: &Path, id: IncidentId) -> PathBuf {
    state_dir.join(DIR).join(id.to_string())
}

fn id_of(conn: &Connection, no: i64) -> rusqlite::Result<IncidentId> {
    let mut statement = conn.prepare_cached("SELECT id FROM incident WHERE no = ?1")?;
    statement.query_row([no], |row| Ok(IncidentId(uuid(row, 0)?)))
}

fn read_journal(conn: &Connection, no: i64) -> rusqlite::Result<Heads> {
    let number = conn
        .prepare_cached("SELECT number FROM incident WHERE no = ?1")?
        .query_row([no], |row| row.get(0))?;
    let mut statement =
        conn.prepare_cached("SELECT author, node, records, head, head_id FROM chain WHERE incident = ?1")?;
    let head = |row: &Row<'_>| {
        Ok(Head {
            author: row.get(0)?,
            node: format!("{:016x}", row.get::<_, i64>(1)? as u64),
            records: row.get(2)?,
            hash: hash(row, 3)?,
            last: RecordId(uuid(row, 4)?),
        })
    };
    let chains = statement.query_map([no], head)?.collect::<rusqlite::Result<_>>()?;
    Ok(Heads { version: VERSION, number, chains, lost: Vec::new() })
}

/// What is written down of all incidents, or of one; and of which files it cannot be read.
pub(super) fn read(state_dir: &Path, only: Option<IncidentId>) -> (Vec<Witness>, Vec<String>) {
    let dir = state_dir.join(DIR);
    let entries = match fs::read_dir(&dir) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return (Vec::new(), Vec::new()),
        Err(error) => return (Vec::new(), vec![format!("{}: {error}", dir.display())]),
    };
    let ids = entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<Uuid>().ok());
    let mut ids: Vec<IncidentId> =
        ids.map(IncidentId).filter(|id| only.is_none_or(|only| only == *id)).collect();
    ids.sort_unstable();
    let (mut witnesses, mut unread) = (Vec::new(), Vec::new());
    for id in ids {
        let path = path_of(state_dir, id);
        match read_file(&path) {
            Ok(heads) => witnesses.extend(heads.chains.into_iter().chain(heads.lost).filter_map(|head| {
                Some(Witness {
                    incident: id,
                    number: heads.number.clone(),
                    author: Some(head.author),
                    node: u64::from_str_radix(&head.node, 16).ok()?,
                    records: head.records,
                    head: head.hash,
                    last: Some(head.last),
                    source: path.clone(),
                })
            })),
            Err(error) => unread.push(format!("{}: {error}", path.display())),
        }
    }
    (witnesses, unread)
}

fn read_file(path: &Path) -> io::Result<Heads> {
    let found = fs::metadata(path)?;
    // Reading a pipe would wait for whoever writes to it.
    if !found.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    if found.len() > MAX_BYTES {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    let heads: Heads = serde_json::from_slice(&fs::read(path)?)?;
    if heads.version > VERSION {
        return Err(io::Error::other("a newer flightdeck wrote it"));
    }
    Ok(heads)
}
