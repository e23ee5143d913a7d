//! The line of an incident in the list, made anew from its records: what is shown of it must follow
//! from them.

use std::collections::HashSet;

use rusqlite::Connection;

use super::read::{load_log_up_to, places};
use super::repository;
use crate::incident::repository::is_same;
use crate::incident::{
    Amended, Body, Declared, Hlc, Record, RecordId, Recorded, Retracted, Severity, Status,
};

/// What one record changes in the line.
enum Change {
    Title(String),
    Severity(Severity),
    Status(Status),
    /// Another record was corrected or taken back: only the fold knows what it is now.
    Anew,
    /// The same of such a record. Older versions did not heed that.
    AnewAgain,
}

/// What the records of an incident say about its line, as far as they were looked at.
#[derive(Default)]
pub(super) struct Rebuilt {
    declared: Option<(RecordId, Declared, Hlc)>,
    /// Records the line is made of.
    telling: HashSet<RecordId>,
    /// Records that correct others or take them back.
    marks: HashSet<RecordId>,
    /// By place.
    changes: Vec<(i64, Change)>,
}

impl Rebuilt {
    /// Takes in the next record, in the order they were received.
    pub(super) fn take(&mut self, place: i64, record: &Record) {
        let change = match &record.body {
            Body::Declared(declared) => {
                self.telling.insert(record.id);
                if self.declared.is_none() {
                    self.declared = Some((record.id, declared.clone(), record.at));
                }
                return;
            }
            Body::SeverityChanged(body) => Change::Severity(body.severity),
            Body::Titled(body) => Change::Title(body.text.clone()),
            Body::Mitigated(_) => Change::Status(Status::Mitigated),
            Body::Resolved(_) => Change::Status(Status::Resolved),
            Body::Reopened(_) => Change::Status(Status::Open),
            Body::Closed(_) => Change::Status(Status::Closed),
            Body::Amended(Amended { target, .. }) | Body::Retracted(Retracted { target, .. }) => {
                self.marks.insert(record.id);
                if self.telling.contains(target) {
                    self.changes.push((place, Change::Anew));
                } else if self.marks.contains(target) {
                    self.changes.push((place, Change::AnewAgain));
                }
                return;
            }
            _ => return,
        };
        self.telling.insert(record.id);
        self.changes.push((place, change));
    }

    /// Compares the line that is stored with what the records say; returns the record that
    /// declared the incident, and the first difference.
    pub(super) fn differs(self, conn: &Connection, no: i64) -> rusqlite::Result<Option<(String, String)>> {
        let Some((id, declared, at)) = &self.declared else {
            let number = "SELECT number FROM incident WHERE no = ?1";
            let number = conn.prepare_cached(number)?.query_row([no], |row| row.get(0))?;
            return Ok(Some((
                number,
                "it is in the list of incidents, and no record declares it".to_owned(),
            )));
        };
        let (stored, declared_ms): ([String; 5], i64) = conn
            .prepare_cached(
                "SELECT number, title, severity, status, repository, declared_ms FROM incident WHERE no = ?1",
            )?
            .query_row([no], |row| {
                Ok(([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?], row.get(5)?))
            })?;
        // What it goes by in this file depends on which clones came before.
        let repository = if is_filed_right(conn, no, declared, &stored[4])? {
            stored[4].as_str()
        } else {
            declared.repository.as_str()
        };
        let line = |again| self.line(conn, no, declared, repository, again);
        let said = line(true)?;
        if stored != said && stored != line(false)? {
            let differing = NAMES.into_iter().zip(stored.iter().zip(&said)).find(|(_, (a, b))| a != b);
            return Ok(differing.map(|(name, (stored, said))| {
                let why = format!("the list of incidents gives {name} {stored:?}, its records say {said:?}");
                (id.to_string(), why)
            }));
        }
        // The clock of the record may have run ahead of the time it was declared at.
        let fits = if at.count == 0 { declared_ms == at.wall_ms } else { declared_ms <= at.wall_ms };
        Ok((!fits).then(|| {
            let why = "the list of incidents says that it was declared at another time than its records do";
            (id.to_string(), why.to_owned())
        }))
    }

    /// What the line should be; with `again`, as this version writes it.
    fn line(
        &self,
        conn: &Connection,
        no: i64,
        declared: &Declared,
        repository: &str,
        again: bool,
    ) -> rusqlite::Result<[String; 5]> {
        let (mut title, mut severity, mut status) = (declared.title.clone(), declared.severity, Status::Open);
        let anew = self.changes.iter().rposition(|(_, change)| {
            matches!(change, Change::Anew) || again && matches!(change, Change::AnewAgain)
        });
        if let Some(anew) = anew
            && let Some(log) = load_log_up_to(conn, no, self.changes[anew].0 - places(no).0 + 1)?
        {
            let state = log.state();
            (title, severity, status) = (state.title.clone(), state.severity, state.status);
        }
        for (_, change) in self.changes.iter().skip(anew.map_or(0, |anew| anew + 1)) {
            match change {
                Change::Title(text) => title.clone_from(text),
                Change::Severity(now) => severity = *now,
                Change::Status(now) => status = *now,
                Change::Anew | Change::AnewAgain => {}
            }
        }
        let (severity, status) = (severity.name().to_owned(), status.name().to_owned());
        Ok([declared.number.clone(), title, severity, status, repository.to_owned()])
    }
}

/// Tells whether an incident can have been filed under what its line says: its own path, or what
/// another incident of the same repository goes by, which began with the path of one of them.
fn is_filed_right(conn: &Connection, no: i64, declared: &Declared, stored: &str) -> rusqlite::Result<bool> {
    let is_own = |declared: &Declared| {
        let path = &declared.repository;
        stored == path || stored.strip_suffix(" (another)").is_some_and(|stored| stored == path)
    };
    if is_own(declared) {
        return Ok(true);
    }
    let here = Recorded { path: &declared.repository, id: &declared.repository_id };
    let (mut same, mut first) = (false, false);
    let mut statement = conn.prepare_cached("SELECT no FROM incident WHERE repository = ?1 AND no <> ?2")?;
    let mut rows = statement.query(rusqlite::params![stored, no])?;
    while let Some(row) = rows.next()? {
        let Some(other) = repository::declared(conn, row.get(0)?)? else { continue };
        first |= is_own(&other);
        same |= is_same(&here, Recorded { path: &other.repository, id: &other.repository_id });
        if same && first {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What the columns of the line are called.
const NAMES: [&str; 5] = ["the number", "the title", "the severity", "the status", "the repository"];
