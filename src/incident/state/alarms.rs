//! What probes turned to, by the alarms on record.

use std::sync::Arc;

use jiff::Timestamp;

use super::super::body::Alarm;
use super::super::record::{Record, RecordId};
use super::super::timeline::Entry;
use super::super::wording;
use super::{EntryKind, State};

/// What a probe turned to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Turned {
    /// It fails, or nobody answers.
    Failing,
    /// It is near its limit.
    Warning,
    /// It is good.
    Good,
    /// It has no data.
    Silent,
}

impl Turned {
    /// What a state comes to, in the words of `status --json`; `None`: it is on the way to another.
    pub fn of(state: &str) -> Option<Self> {
        match state {
            "ok" => Some(Self::Good),
            "unknown" => Some(Self::Silent),
            "warn" => Some(Self::Warning),
            "pending" | "recovering" => None,
            _ => Some(Self::Failing),
        }
    }

    /// What its line in the timeline is about.
    pub fn kind(self) -> EntryKind {
        match self {
            Self::Failing => EntryKind::AlarmRaised,
            Self::Warning => EntryKind::AlarmWarned,
            Self::Good => EntryKind::AlarmCleared,
            Self::Silent => EntryKind::AlarmUnknown,
        }
    }
}

/// When a probe turned, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// The record that says so.
    pub id: RecordId,
    /// When.
    pub at: Timestamp,
    /// Where it stands among the others.
    pub place: Timestamp,
    /// Name of the probe.
    pub probe: Arc<str>,
    /// What it turned to.
    pub to: Turned,
    /// Bytes at the end of its line that say what was seen.
    why: u32,
    /// Whether somebody took it back.
    pub is_retracted: bool,
}

impl Turn {
    /// What was seen, as its line has it; may be empty.
    pub fn why<'a>(&self, line: &Entry<'a>) -> &'a str {
        let text = line.original.unwrap_or(line.text);
        let start = text.len().saturating_sub(self.why as usize);
        text.get(start..).unwrap_or_default()
    }
}

impl State {
    /// What the line of a record says that a probe turned to.
    pub fn turn(&self, id: RecordId, place: Timestamp) -> Option<&Turn> {
        let first = self.turns.partition_point(|turn| turn.place < place);
        self.turns.iter().skip(first).take_while(|turn| turn.place == place).find(|turn| turn.id == id)
    }

    /// Takes in what a probe turned to, where it belongs.
    pub(in crate::incident) fn turned(&mut self, record: &Record, alarm: &Alarm, is_retracted: bool) {
        let Some(to) = Turned::of(&alarm.to) else { return };
        // There are few probes, and what turned last mostly turns next.
        let known = self.turns.iter().rev().take(16).find(|turn| *turn.probe == alarm.probe);
        let turn = Turn {
            id: record.id,
            at: wording::shown_at(record).0,
            place: wording::place(record),
            probe: known.map_or_else(|| Arc::from(alarm.probe.as_str()), |known| Arc::clone(&known.probe)),
            to,
            why: u32::try_from(alarm.why.len()).unwrap_or_default(),
            is_retracted,
        };
        let behind = self.turns.last().is_none_or(|last| last.place <= turn.place);
        let index = if behind {
            self.turns.len()
        } else {
            self.turns.partition_point(|known| known.place <= turn.place)
        };
        self.turns.insert(index, turn);
    }

    /// Says whether somebody takes back what a record says of a probe.
    pub(in crate::incident) fn turn_retracted(&mut self, id: RecordId, is_retracted: bool) {
        if let Some(turn) = self.turns.iter_mut().rev().find(|turn| turn.id == id) {
            turn.is_retracted = is_retracted;
        }
    }
}
