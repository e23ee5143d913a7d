//! What records say of the time afterwards: follow-ups, the review, what was imported.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use super::NoteKind;
use crate::incident::record::RecordId;

/// Adds work that is to be done after the incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpAdded {
    /// What is to be done.
    pub text: String,
    /// Who does it; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
    /// By when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Date>,
    /// The entry it comes from, as a problem that was noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<RecordId>,
}

/// Gives a follow-up to somebody, or another date. What is `None` stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpChanged {
    /// The follow-up.
    pub follow_up: RecordId,
    /// Who does it; empty: nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// By when.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Date>,
}

/// Ends a follow-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpEnded {
    /// The follow-up.
    pub follow_up: RecordId,
    /// Whether it was done, or dropped.
    pub done: bool,
    /// Why it was dropped, or what came of it; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// Keeps how the signals of the incident were, in few columns: samples are not part of the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignalsKept {
    /// When the first column begins.
    pub from: Timestamp,
    /// How long a column is, in seconds.
    pub step: u32,
    /// The signals.
    pub signals: Vec<SignalKept>,
}

/// What is kept of one of them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SignalKept {
    /// Name of the probe.
    pub probe: String,
    /// Unit of its values; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// Its limit as written, `> 5`; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub limit: String,
    /// The number of that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// The lowest value that was seen.
    pub lowest: f64,
    /// The highest.
    pub highest: f64,
    /// The last.
    pub last: f64,
    /// Of each column the value nearest to harm; `null` where nothing was seen.
    pub values: Vec<Option<f64>>,
}

/// Says what a follow-up is at the code host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FollowUpLinked {
    /// The follow-up.
    pub follow_up: RecordId,
    /// The number of its issue.
    pub number: u64,
    /// Where people read it.
    pub url: String,
    /// Whether it was open when that was looked at.
    pub open: bool,
}

/// Says that the review was held.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Reviewed {
    /// Who was there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<String>,
}

/// Takes in an event that was written down elsewhere. The time of the record is that of the event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Where it comes from: `timeline.csv`, `slack:incident-7`.
    pub source: String,
    /// Which event of the source it is; the same one is taken in once.
    pub row: String,
    /// What it is about.
    #[serde(default)]
    pub kind: NoteKind,
    /// The text.
    pub text: String,
    /// Who wrote it there; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub author: String,
    /// What else the source had, by the name of its column.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extra: BTreeMap<String, String>,
}
