//! Which repository an incident is of, as this file knows it: the path of the clone that came
//! first. Incidents that were declared in other clones, here or elsewhere, go by the same.

use rusqlite::{Connection, OptionalExtension as _, params};

use super::Journal;
use super::read::places;
use crate::failure::Result;
use crate::incident::repository::{is_kin, is_same};
use crate::incident::{Body, Checkout, Declared, IncidentId, Record, Recorded, Status};

/// So many incidents are looked at, the newest first. The repository of an older one is known by
/// its path alone.
const NEWEST: i64 = 500;

impl Journal {
    /// Finds what a repository goes by in this file, for all that takes a `repository` here: its
    /// path, or that of another clone which came first.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn repository(&self, clone: &dyn Checkout) -> Result<String> {
        key(&self.conn, clone).map_err(|error| self.failed("looking for the repository", &error))
    }
}

/// An incident that may be of a repository though it is found in no clone of it by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kin {
    /// Its number.
    pub number: String,
    /// Its title.
    pub title: String,
    /// What its repository goes by elsewhere: its remotes, else where it was.
    pub of: Vec<String>,
}

impl Journal {
    /// Finds the incidents that are not over and whose history begins as that of a clone does, which shares no
    /// remote with theirs.
    ///
    /// # Errors
    /// The file cannot be read.
    pub fn kin(&self, clone: &dyn Checkout) -> Result<Vec<Kin>> {
        let failed = |error| self.failed("looking for the repository", &error);
        let mut found = Vec::new();
        let over = [Status::Resolved, Status::Closed];
        let newest = usize::try_from(NEWEST).unwrap_or(usize::MAX);
        for one in self.incidents(None)?.into_iter().filter(|one| !over.contains(&one.status)).take(newest) {
            let no = self.number_of(one.id)?;
            let Some(declared) = declared(&self.conn, no).map_err(failed)? else { continue };
            if is_kin(clone, Recorded { path: &declared.repository, id: &declared.repository_id }) {
                let remotes = declared.repository_id.remotes;
                let of = if remotes.is_empty() { vec![declared.repository] } else { remotes };
                found.push(Kin { number: one.number, title: one.title, of });
            }
        }
        Ok(found)
    }
}

/// What a repository goes by; its own path if none of the incidents is of it.
pub(super) fn key(conn: &Connection, clone: &dyn Checkout) -> rusqlite::Result<String> {
    let path = clone.path();
    let ours = "SELECT no, repository FROM incident WHERE repository = ?1 ORDER BY no DESC LIMIT 1";
    let newest: Option<(i64, String)> =
        conn.prepare_cached(ours)?.query_row([&path], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let is_of = |no: i64| match declared(conn, no)? {
        Some(declared) => {
            let there = Recorded { path: &declared.repository, id: &declared.repository_id };
            Ok::<_, rusqlite::Error>(is_same(clone, there))
        }
        None => Ok(false),
    };
    if let Some((no, key)) = newest
        && is_of(no)?
    {
        return Ok(key);
    }
    let mut statement =
        conn.prepare_cached("SELECT no, repository FROM incident ORDER BY no DESC LIMIT ?1")?;
    let mut rows = statement.query(params![NEWEST])?;
    let mut taken = false;
    while let Some(row) = rows.next()? {
        let (no, key): (i64, String) = (row.get(0)?, row.get(1)?);
        if is_of(no)? {
            return Ok(key);
        }
        taken |= key == path;
    }
    // Another repository was at this path.
    Ok(if taken { format!("{path} (another)") } else { path })
}

/// What declares an incident.
pub(super) fn declared(conn: &Connection, no: i64) -> rusqlite::Result<Option<Declared>> {
    Ok(declaration(conn, no)?.map(|(_, declared)| declared))
}

/// The same, and of which incident: it is the first record of a number in the file, or among the first.
pub(super) fn declaration(conn: &Connection, no: i64) -> rusqlite::Result<Option<(IncidentId, Declared)>> {
    let (first, last) = places(no);
    let mut statement = conn
        .prepare_cached("SELECT bytes FROM record WHERE place BETWEEN ?1 AND ?2 ORDER BY place LIMIT 16")?;
    let mut rows = statement.query([first, last])?;
    while let Some(row) = rows.next()? {
        if let Ok(Record { incident, body: Body::Declared(declared), .. }) =
            Record::decode(row.get_ref(0)?.as_bytes()?)
        {
            return Ok(Some((incident, declared)));
        }
    }
    Ok(None)
}
