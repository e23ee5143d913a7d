//! Where the chains of an incident end, written down outside of the journal: who takes all records
//! away with their chains leaves nothing in the file that tells.
//!
//! One file an incident, written after the commit and never synced. So it may lag behind the journal, after a
//! power cut too: the chain goes on past an old head, is followed and accepted. It is never ahead, since the
//! commit was synced before; a journal that is behind it has lost records. That it cannot be written harms no
//! record, and is told.
//!
//! A small file is written over where it is: taking its place costs more than the commit. It ends with a
//! checksum, so that whoever reads it meanwhile reads it again, and one that a crash of the machine has torn
//! is told and written anew.
//!
//! A chain that this installation begins is written down before its first commit, in a file that is only added
//! to. So whatever is killed when, a chain of this installation of which nothing is written down here was put
//! into the journal from outside.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, DirBuilder, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use rusqlite::{Connection, OptionalExtension as _, Row, params};
use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::Witness;
use super::read::{places, uuid};
use super::write::hash;
use crate::failure::Failure;
use crate::incident::{Author, Hash, IncidentId, Record, RecordId};

/// The directory of these files, in the state directory.
pub(super) const DIR: &str = "heads";
/// The form they are written in.
const VERSION: u32 = 1;
/// Tells files apart that are written at the same time.
static TURN: AtomicU64 = AtomicU64::new(0);
/// Why they could not be written last, by state directory, whichever connection of this process tried.
static UNWRITTEN: Mutex<BTreeMap<PathBuf, Unwritten>> = Mutex::new(BTreeMap::new());
/// More than this is none of these files.
const MAX_BYTES: u64 = 1 << 24;
/// So much is written at once, or not at all.
const PAGE: usize = 4096;
/// A file is as long as a multiple of this.
const SECTOR: usize = 512;
/// How often a file is read that somebody may be writing.
const LOOKS: usize = 8;

/// What keeps the ends of chains from being written down as they are in the journal.
enum Unwritten {
    Failed(String),
    /// Records are gone.
    Lost,
    /// Records of somebody are there that nobody wrote here.
    Planted {
        author: String,
        file: PathBuf,
    },
}

impl From<io::Error> for Unwritten {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

impl From<rusqlite::Error> for Unwritten {
    fn from(error: rusqlite::Error) -> Self {
        Self::Failed(error.to_string())
    }
}

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
    /// Which record of the incident the last one is, in the order in which this file received them: where
    /// to look for it. Another file may have it elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    at: Option<i64>,
}

impl Heads {
    /// Whose chains are written down, also those that were lost.
    fn authors(&self) -> BTreeSet<Author> {
        self.chains.iter().chain(&self.lost).filter_map(Head::author).collect()
    }
}

impl Head {
    fn is_of_chain(&self, other: &Self) -> bool {
        self.author == other.author && self.node == other.node
    }

    fn author(&self) -> Option<Author> {
        Some(Author { name: self.author.clone(), node: u64::from_str_radix(&self.node, 16).ok()? })
    }
}

/// Most such ends that are kept of an incident.
const MOST_LOST: usize = 256;

/// Says what is wrong where the ends of chains could not be written down beside a journal last.
pub fn heads_unwritten(state_dir: &Path) -> Option<Failure> {
    let known = UNWRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    let dir = state_dir.join(DIR);
    let comparing = format!("comparing the journal with {}", dir.display());
    known.get(state_dir).map(|why| match why {
        Unwritten::Failed(why) => Failure::new(
            format!("writing down in {} where the record ends", dir.display()),
            why,
            "make that directory writable. Records are saved anyway; but should some be cut off \
             the journal later, verify cannot notice",
        ),
        Unwritten::Lost => Failure::new(
            comparing,
            "the journal no longer holds all that was written down there",
            "run flightdeck verify: records were cut off or changed, or an older journal was put back",
        ),
        Unwritten::Planted { author, file } => Failure::new(
            comparing,
            format!("the journal holds records of {author} that nobody wrote here"),
            planted_remedy(author, file),
        ),
    })
}

/// What to do where records are there that nobody wrote here.
fn planted_remedy(author: &str, file: &Path) -> String {
    format!("ask {author}. If they are real, remove {}: it is made anew", file.display())
}

/// Writes down where the chains of an incident, by its number in the file, end now. That it cannot be
/// written is kept for [`heads_unwritten`]. With `again`, what was lost is looked for once more.
pub(super) fn note(state_dir: &Path, conn: &Connection, no: i64, node: u64, again: bool) {
    let written = write(state_dir, conn, no, node, again);
    let mut known = UNWRITTEN.lock().unwrap_or_else(PoisonError::into_inner);
    match written {
        Ok(()) => known.remove(state_dir),
        Err(why) => known.insert(state_dir.to_owned(), why),
    };
}

fn write(state_dir: &Path, conn: &Connection, no: i64, node: u64, again: bool) -> Result<(), Unwritten> {
    // The file first: what others commit and write down meanwhile the journal holds by the time it is read.
    let id = id_of(conn, no)?;
    let path = path_of(state_dir, id);
    let before = match read_file(&path) {
        // What it keeps must not be thrown away by who cannot read it.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => return Err(error.into()),
        before => before.ok(),
    };
    let known = before.as_ref().map(Heads::authors);
    let mut heads = compared(conn, no, before, again)?;
    let mut planted = None;
    if let Some(mut known) = known {
        // After the journal was read: what that holds was begun before.
        known.extend(begun(state_dir, id)?);
        let is_planted =
            |head: &Head| head.author().is_some_and(|of| of.node == node && !known.contains(&of));
        planted = heads.chains.iter().find(|head| is_planted(head)).map(|head| head.author.clone());
        heads.chains.retain(|head| !is_planted(head));
    }
    let mut text = serde_json::to_vec(&heads).map_err(io::Error::from)?;
    let sum = Hash::of(&text);
    text.extend_from_slice(format!("\n{sum}\n").as_bytes());
    if write_over(&path, &text).is_err() {
        replace(state_dir, id, &text)?;
    }
    match planted {
        _ if !heads.lost.is_empty() => Err(Unwritten::Lost),
        Some(author) => Err(Unwritten::Planted { author, file: path }),
        None => Ok(()),
    }
}

/// Writes over a file, if that is one of ours and small enough to be whole whoever is killed.
fn write_over(path: &Path, text: &[u8]) -> io::Result<()> {
    // A link or a pipe is replaced, and not followed or waited for.
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let file = OpenOptions::new().write(true).custom_flags(flags.bits().cast_signed()).open(path)?;
    let found = file.metadata()?;
    let room = text.len().max(usize::try_from(found.len()).unwrap_or(usize::MAX));
    let is_ours = found.is_file() && found.nlink() == 1 && found.permissions().mode() & 0o777 == 0o600;
    if !is_ours || room > PAGE {
        return Err(io::ErrorKind::Unsupported.into());
    }
    // What is left of a longer one is wiped out, and its length seldom changes.
    let mut text = text.to_vec();
    text.resize(room.next_multiple_of(SECTOR), b' ');
    file.write_all_at(&text, 0)
}

fn make_dir(state_dir: &Path) -> io::Result<()> {
    let dir = state_dir.join(DIR);
    match DirBuilder::new().mode(0o700).create(&dir) {
        Ok(()) => fs::set_permissions(&dir, Permissions::from_mode(0o700)),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
    }
}

/// Writes a file that takes the place of the one there is, or of none.
fn replace(state_dir: &Path, id: IncidentId, text: &[u8]) -> io::Result<()> {
    make_dir(state_dir)?;
    let dir = state_dir.join(DIR);
    let turn = TURN.fetch_add(1, Ordering::Relaxed);
    let beside = dir.join(format!(".{id}.{}.{turn}", std::process::id()));
    let written =
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside).and_then(|mut file| {
            file.set_permissions(Permissions::from_mode(0o600))?;
            file.write_all(text)?;
            fs::rename(&beside, path_of(state_dir, id))
        });
    if written.is_err() {
        // What is left of the attempt; there may be nothing.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// Writes down that an author of this installation is about to begin a chain, and sees to it that this outlives
/// the machine: to be called before the first commit.
pub(super) fn begin(state_dir: &Path, id: IncidentId, author: &Author) -> io::Result<()> {
    let path = begun_path(state_dir, id);
    make_dir(state_dir)?;
    let is_there = path.exists();
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(&path)?;
    file.set_permissions(Permissions::from_mode(0o600))?;
    // A line that a crash has torn stays alone.
    let name = serde_json::to_string(&author.name)?;
    file.write_all(format!("\n{:016x} {name}\n", author.node).as_bytes())?;
    file.sync_all()?;
    if is_there { Ok(()) } else { fs::File::open(state_dir.join(DIR))?.sync_all() }
}

/// Whose chains were begun here after the declaration.
fn begun(state_dir: &Path, id: IncidentId) -> io::Result<BTreeSet<Author>> {
    let text = match fs::read(begun_path(state_dir, id)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        text => text?,
    };
    let of = |line: &str| {
        let (node, name) = line.split_once(' ')?;
        Some(Author { name: serde_json::from_str(name).ok()?, node: u64::from_str_radix(node, 16).ok()? })
    };
    Ok(String::from_utf8_lossy(&text).lines().filter_map(of).collect())
}

/// Finds a chain of an installation that nobody began here, if what was written down of the incident can be
/// read. To be called after the journal was read.
pub(super) fn planted<'a>(
    state_dir: &Path,
    id: IncidentId,
    node: u64,
    mut chains: impl Iterator<Item = &'a Author>,
) -> Option<(&'a Author, String)> {
    let path = path_of(state_dir, id);
    let mut known = read_file(&path).ok()?.authors();
    known.extend(begun(state_dir, id).ok()?);
    let author = chains.find(|author| author.node == node && !known.contains(author))?;
    Some((author, planted_remedy(&author.name, &path)))
}

/// The ends of the chains as they are now, and those of before that they do not meet: a chain has to hold
/// as many records as it had, the last of them with the hash that was written down.
fn compared(conn: &Connection, no: i64, before: Option<Heads>, again: bool) -> rusqlite::Result<Heads> {
    // One view of the file, whoever writes meanwhile.
    let view = conn.unchecked_transaction()?;
    let mut heads = read_journal(&view, no)?;
    let (chains, mut lost) = before.map_or_else(Default::default, |before| (before.chains, before.lost));
    for new in &mut heads.chains {
        if !chains.iter().any(|old| old.is_of_chain(new)) {
            new.at = find(&view, no, new.hash)?;
        }
    }
    for old in chains {
        match heads.chains.iter_mut().find(|new| new.is_of_chain(&old)) {
            Some(new) if new.records == old.records && new.hash == old.hash => new.at = old.at,
            Some(new) => {
                new.at = goes_on(&view, no, &old, new)?;
                if new.at.is_none() {
                    lost.push(old);
                }
            }
            None => lost.push(old),
        }
    }
    if again {
        let mut unmet = Vec::new();
        for old in lost {
            let end = heads.chains.iter().find(|new| new.is_of_chain(&old));
            let is_met = end.map_or(Ok(None), |end| goes_on(&view, no, &old, end))?.is_some();
            unmet.extend((!is_met).then_some(old));
        }
        lost = unmet;
    }
    lost.truncate(MOST_LOST);
    heads.lost = lost;
    Ok(heads)
}

/// Follows a chain from an end that was written down to where it ends now, and returns which record of the
/// incident that is; `None`: it does not lead from one to the other.
fn goes_on(conn: &Connection, no: i64, old: &Head, new: &Head) -> rusqlite::Result<Option<i64>> {
    if new.records < old.records {
        return Ok(None);
    }
    let (first, last) = places(no);
    let is_there = |at: i64| {
        let mut statement = conn.prepare_cached("SELECT hash FROM record WHERE place = ?1")?;
        let there = statement.query_row([first.saturating_add(at - 1)], |row| hash(row, 0)).optional()?;
        Ok::<_, rusqlite::Error>(there == Some(old.hash))
    };
    let (mut from, mut records, mut head) = (first, 0, Hash::default());
    if let Some(at) = old.at
        && is_there(at)?
    {
        (from, records, head) = (first.saturating_add(at), old.records, old.hash);
    }
    let reached = |place: i64| Some(place - first + 1);
    if records == new.records && head == new.hash {
        return Ok(reached(from - 1));
    }
    let mut statement =
        conn.prepare_cached("SELECT place, hash, bytes FROM record WHERE place BETWEEN ?1 AND ?2")?;
    let mut rows = statement.query([from, last])?;
    while let Some(row) = rows.next()? {
        let stored = hash(row, 1)?;
        // What cannot be read is missed where it should be followed.
        let Ok(record) = Record::decode(row.get_ref(2)?.as_bytes()?) else { continue };
        if record.author.name != old.author || format!("{:016x}", record.author.node) != old.node {
            continue;
        }
        if record.hash != stored || record.prev != head {
            return Ok(None);
        }
        (records, head) = (records + 1, stored);
        if records == old.records && head != old.hash {
            return Ok(None);
        }
        if records == new.records {
            return Ok(reached(row.get(0)?).filter(|_| records >= old.records && head == new.hash));
        }
    }
    Ok(None)
}

/// Which record of the incident has a hash: mostly one of the last.
fn find(conn: &Connection, no: i64, wanted: Hash) -> rusqlite::Result<Option<i64>> {
    let (first, last) = places(no);
    let find =
        "SELECT place FROM record WHERE place BETWEEN ?1 AND ?2 AND hash = ?3 ORDER BY place DESC LIMIT 1";
    let mut statement = conn.prepare_cached(find)?;
    let found = statement.query_row(params![first, last, &wanted.0[..]], |row| row.get::<_, i64>(0));
    Ok(found.optional()?.map(|place| place - first + 1))
}

fn path_of(state_dir: &Path, id: IncidentId) -> PathBuf {
    state_dir.join(DIR).join(id.to_string())
}

fn begun_path(state_dir: &Path, id: IncidentId) -> PathBuf {
    state_dir.join(DIR).join(format!("{id}.begun"))
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
            at: None,
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
    let mut looks = (0..LOOKS).map(|_| parse(&fs::read(path)?)).skip_while(Result::is_err);
    let heads = match looks.next() {
        Some(heads) => heads?,
        None => parse(&fs::read(path)?)?,
    };
    if heads.version > VERSION {
        return Err(io::Error::new(io::ErrorKind::Unsupported, "a newer flightdeck wrote it"));
    }
    Ok(heads)
}

/// Reads what stands in a file; older versions wrote no checksum.
fn parse(text: &[u8]) -> io::Result<Heads> {
    let end = text.iter().position(|byte| *byte == b'\n').unwrap_or(text.len());
    let (heads, sum) = (&text[..end], text[end..].trim_ascii());
    if !sum.is_empty() && sum != Hash::of(heads).to_string().as_bytes() {
        return Err(io::Error::other("it is not whole"));
    }
    Ok(serde_json::from_slice(heads)?)
}
