//! Events that were written down elsewhere: tables, lines of JSON, channels of Slack. Reading them is pure:
//! bytes in, rows and broken rows out.
//!
//! A row is known by what it says, not by where it stands: the same file in another order, or read
//! twice, brings the same rows. Of rows that say the same the second is another one.

mod chat;
mod json;
mod slack;
mod table;
mod when;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use sha2::{Digest as _, Sha256};

use super::body::{Imported, NoteKind};
use super::record::{Draft, Precision};
use super::state::State;
use crate::text::counted;

pub use chat::read_chat;
pub use json::read_json_lines;
pub use slack::{SlackUsers, read_slack};
pub use table::read_table;
use when::When;

/// How the times of what is imported are to be understood.
#[derive(Debug, Clone)]
pub struct Times {
    /// The zone of a time that names none.
    pub zone: TimeZone,
    /// When the incident began: a time of day without a date is the one nearest to it.
    pub began: Timestamp,
    /// The time now: nothing that is imported can have happened later.
    pub now: Timestamp,
}

/// An event that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// When it happened.
    pub at: Timestamp,
    /// How well that is known.
    pub precision: Precision,
    /// What it is about.
    pub kind: NoteKind,
    /// What happened.
    pub text: String,
    /// Who wrote it; may be empty.
    pub author: String,
    /// What else the source says, by the name of its column.
    pub extra: BTreeMap<String, String>,
    /// What the source calls it, if it has a name for it.
    pub key: Option<String>,
    /// Whether its time names no zone.
    pub zoneless: bool,
}

/// A row that cannot be taken in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// Number of its line, or of its place in the list, from 1.
    pub line: u64,
    /// What is wrong with it, in one line.
    pub why: String,
}

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Read {
    /// What can be taken in.
    pub rows: Vec<Row>,
    /// What cannot.
    pub broken: Vec<Broken>,
}

impl Read {
    /// Tells whether a time had to be read in the zone that was given.
    pub fn is_zoneless(&self) -> bool {
        self.rows.iter().any(|row| row.zoneless)
    }

    /// What was taken in otherwise than it may have been meant, a line each: kinds that there are not, and columns
    /// that mean nothing here.
    pub fn remarks(&self) -> Vec<String> {
        let kept = || self.rows.iter().flat_map(|row| &row.extra);
        let is_kind = |name: &str| Column::of(name) == Some(Column::Kind);
        let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
        kept().filter(|(name, _)| is_kind(name)).for_each(|(_, kind)| *kinds.entry(kind).or_default() += 1);
        let names: BTreeSet<&str> =
            kept().map(|(name, _)| name.as_str()).filter(|name| !is_kind(name)).collect();
        let known: Vec<&str> = NoteKind::ALL.iter().map(|kind| kind.name()).collect();
        let mut said: Vec<String> = kinds
            .into_iter()
            .map(|(kind, rows)| {
                let notes = if rows == 1 { "a note" } else { "notes" };
                let rows = counted(rows, "row");
                format!("unknown kind {kind}: {rows} imported as {notes}; kinds are {}", known.join(", "))
            })
            .collect();
        if !names.is_empty() {
            let names: Vec<&str> = names.into_iter().collect();
            said.push(format!("extra columns kept with the events: {}", names.join(", ")));
        }
        said
    }

    fn put(&mut self, line: u64, row: Result<Row, String>) {
        match row {
            Ok(row) => self.rows.push(row),
            Err(why) => self.broken.push(Broken { line, why }),
        }
    }
}

/// Makes drafts of the rows that an incident does not have yet, in the order of their times, and says how
/// many it has.
pub fn drafts(state: &State, source: &str, mut rows: Vec<Row>) -> (Vec<Draft>, usize) {
    rows.sort_by(|a, b| (a.at, &a.text, &a.author, &a.key).cmp(&(b.at, &b.text, &b.author, &b.key)));
    let mut seen: HashMap<String, u32> = HashMap::new();
    let mut said: HashMap<String, u32> = HashMap::new();
    let mut known = 0;
    let mut drafts = Vec::with_capacity(rows.len());
    for row in rows {
        let digest = row.digest();
        let name = row.name(&digest);
        let again = seen.entry(name.clone()).or_default();
        *again += 1;
        let name = if *again == 1 { name } else { format!("{name}/{again}") };
        let there = state.imported.elsewhere(&digest, source);
        let nth = said.entry(digest).or_default();
        *nth += 1;
        if *nth <= there || state.imported.has(source, &name) {
            known += 1;
            continue;
        }
        let body = Imported {
            source: source.to_owned(),
            row: name,
            kind: row.kind,
            text: row.text,
            author: row.author,
            extra: row.extra,
        };
        drafts.push(Draft { occurred: Some((row.at, row.precision)), ..Draft::now(state.id, body) });
    }
    (drafts, known)
}

/// What was imported.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Brought {
    /// Source and row of each event.
    rows: BTreeSet<(String, String)>,
    /// How often each source has brought what a row says, by its digest.
    said: BTreeMap<String, BTreeMap<String, u32>>,
}

impl Brought {
    /// Tells whether a source has brought this row.
    pub(super) fn has(&self, source: &str, row: &str) -> bool {
        self.rows.contains(&(source.to_owned(), row.to_owned()))
    }

    /// Tells whether a source has brought an event that it calls so, whatever that said then.
    pub fn has_named(&self, source: &str, key: &str) -> bool {
        let next = self.rows.range((source.to_owned(), format!("{key}:"))..).next();
        next.is_some_and(|(from, row)| from == source && row.split(':').next() == Some(key))
    }

    /// Tells whether a row says what nobody has brought: neither this source nor, as often, another one. Two people
    /// may read the same file under two names at the same moment.
    pub(super) fn is_news(&self, source: &str, row: &str) -> bool {
        let (digest, nth) = said(row);
        let own = self.said.get(digest).and_then(|by| by.get(source)).copied().unwrap_or_default();
        !self.has(source, row) && self.elsewhere(digest, source) < nth.max(own + 1)
    }

    pub(super) fn insert(&mut self, source: &str, row: &str) {
        if self.rows.insert((source.to_owned(), row.to_owned())) {
            let (digest, nth) = said(row);
            let by = self.said.entry(digest.to_owned()).or_default();
            let count = by.entry(source.to_owned()).or_default();
            *count = nth.max(*count + 1);
        }
    }

    /// How often what a row says was brought by another source: a file that was copied brings nothing new. The
    /// source that has it most often counts.
    fn elsewhere(&self, digest: &str, source: &str) -> u32 {
        let by = self.said.get(digest).into_iter().flatten();
        by.filter(|(from, _)| *from != source).map(|(_, count)| *count).max().unwrap_or_default()
    }
}

/// What the name of a row holds of what it says, and which of those that say the same it is.
fn said(name: &str) -> (&str, u32) {
    let said = name.rsplit_once(':').map_or(name, |(_, said)| said);
    let (digest, nth) = said.split_once('/').unwrap_or((said, "1"));
    (digest, nth.parse().unwrap_or(1))
}

impl Row {
    /// What tells this row from others of its source: the name it has there, and what it says.
    fn name(&self, digest: &str) -> String {
        // Another file may use the same keys.
        self.key.as_ref().map_or_else(|| digest.to_owned(), |key| format!("{key}:{digest}"))
    }

    /// What it says: when, by whom, what.
    fn digest(&self) -> String {
        let mut hash = Sha256::new();
        for part in [&self.at.to_string(), &self.author, &self.text] {
            hash.update(part.len().to_le_bytes());
            hash.update(part);
        }
        let start = hash.finalize().iter().take(8).fold(0_u64, |all, byte| all << 8 | u64::from(*byte));
        format!("{start:016x}")
    }
}

/// Longer than this is no entry of a timeline, in bytes.
const LONGEST: usize = 100_000;

/// What a source may call what an event is about.
fn kind(text: &str) -> Option<NoteKind> {
    NoteKind::ALL.into_iter().find(|kind| kind.name().eq_ignore_ascii_case(text.trim()))
}

/// How well a time is known, as an export of flightdeck says it.
fn precision(text: &str) -> Option<Precision> {
    Some(match text {
        "exact" => Precision::Exact,
        "about" => Precision::About,
        "before" => Precision::Before,
        _ => return None,
    })
}

/// The columns of a source that are understood, by the names they usually have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Column {
    Time,
    /// A day, with the time of day in another column; or both in this one.
    Date,
    Text,
    Author,
    Kind,
    Key,
    Precision,
}

impl Column {
    /// What a column of this name holds; `None`: it is kept as it is.
    fn of(name: &str) -> Option<Self> {
        let name = name.trim_start_matches('\u{feff}').trim().to_lowercase().replace([' ', '-'], "_");
        // `Time (UTC)`, `Date (Berlin)`.
        let name = name.split_once("_(").map_or(name.as_str(), |(name, _)| name);
        Some(match name {
            "date" | "day" => Self::Date,
            "time" | "timestamp" | "at" | "datetime" | "date_time" | "when" | "occurred_at" | "occurred"
            | "created_at" | "ts" | "time_utc" => Self::Time,
            "event" | "text" | "message" | "description" | "what" | "entry" | "summary" | "note"
            | "details" | "content" | "what_happened" => Self::Text,
            "author" | "who" | "by" | "user" | "name" | "person" | "actor" | "username" => Self::Author,
            "kind" | "type" | "category" => Self::Kind,
            "id" | "key" | "uuid" => Self::Key,
            "precision" => Self::Precision,
            _ => return None,
        })
    }
}

/// What a source says of one event, by its columns.
#[derive(Debug, Default)]
struct Fields {
    time: Option<String>,
    /// The column of the day, and what it says.
    date: Option<(String, String)>,
    texts: Vec<String>,
    author: String,
    kind: NoteKind,
    key: Option<String>,
    precision: Option<Precision>,
    extra: BTreeMap<String, String>,
}

impl Fields {
    /// Takes in one field. The first of a kind counts; a second one is kept under its own name.
    fn take(&mut self, column: Option<Column>, name: &str, value: &str) {
        let value = value.trim();
        if value.is_empty() {
            return;
        }
        match column {
            Some(Column::Time) if self.time.is_none() => self.time = Some(value.to_owned()),
            Some(Column::Date) if self.date.is_none() => {
                self.date = Some((name.to_owned(), value.to_owned()));
            }
            Some(Column::Text) if self.texts.is_empty() => self.texts.push(value.to_owned()),
            Some(Column::Author) if self.author.is_empty() => value.clone_into(&mut self.author),
            Some(Column::Key) if self.key.is_none() => self.key = Some(value.to_owned()),
            Some(Column::Precision) if precision(value).is_some() => self.precision = precision(value),
            Some(Column::Kind) if kind(value).is_some() => self.kind = kind(value).unwrap_or_default(),
            _ => {
                let name = name.trim();
                let free = |name: &String| !self.extra.contains_key(name);
                let named = std::iter::once(name.to_owned()).chain((2..).map(|n| format!("{name} {n}")));
                if let Some(name) = named.take(1000).find(free) {
                    self.extra.insert(name, value.to_owned());
                }
            }
        }
    }

    /// When it happened: a day and a time of day from two columns, or all of it from one. What the other says is
    /// kept.
    fn when(&mut self, times: &Times) -> Result<When, String> {
        match (self.time.take(), self.date.take()) {
            (None, None) => Err("it has no time".to_owned()),
            (Some(time), None) => when::read(&time, times),
            (None, Some((_, date))) => when::read(&date, times),
            (Some(time), Some((name, date))) => {
                if let Ok(when) = when::read(&date, times) {
                    self.take(None, "time", &time);
                    return Ok(when);
                }
                if when::has_day(&time, times) {
                    self.take(None, &name, &date);
                    return when::read(&time, times);
                }
                when::read(&when::joined(&date, &time)?, times)
            }
        }
    }

    fn row(mut self, times: &Times) -> Result<Row, String> {
        let when = self.when(times)?;
        let Some(text) = self.texts.into_iter().next() else {
            return Err("it does not say what happened".to_owned());
        };
        if text.len() > LONGEST {
            return Err(format!("its text is longer than {} kB", LONGEST / 1000));
        }
        Ok(Row {
            at: when.at,
            precision: self.precision.unwrap_or(when.precision),
            kind: self.kind,
            text,
            author: self.author,
            extra: self.extra,
            key: self.key,
            zoneless: when.zoneless,
        })
    }
}

#[cfg(test)]
mod tests;
