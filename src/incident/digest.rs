//! The timeline as people read it: one line for a plan, one for probes that turned together.
//!
//! The record keeps every step and every alarm; a call needs one line for each thing that happened. The
//! line stands where the news is: of a plan where it ended, or where it waits; of alarms where the first
//! of them was raised.

use std::collections::{HashMap, HashSet};

use jiff::SignedDuration;

use super::state::EntryKind;
use super::timeline::{Entry, Timeline};

/// Alarms of one environment that follow the first of them this closely turned together.
const TOGETHER: SignedDuration = SignedDuration::from_secs(60);

/// Longer timelines are read line by line: finding what belongs together would cost too much at every
/// change.
const MOST: usize = 200_000;

/// A row of the timeline as it is read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Index of the line that stands for it.
    pub line: usize,
    /// Indices of all its lines, in their order; that one alone where it stands for itself.
    pub lines: Vec<usize>,
}

impl Row {
    /// A line that stands for itself.
    pub fn of(line: usize) -> Self {
        Self { line, lines: vec![line] }
    }

    /// Tells whether it stands for several lines.
    pub fn is_group(&self) -> bool {
        self.lines.len() > 1
    }
}

/// Gathers the lines of a timeline. `environment` names where a probe belongs to. `None`: it is too long
/// for that.
pub fn rows(timeline: &Timeline, environment: impl Fn(&str) -> String) -> Option<Vec<Row>> {
    if timeline.len() > MOST {
        return None;
    }
    let mut rows: Vec<Row> = Vec::with_capacity(timeline.len());
    let mut plans: HashMap<&str, usize> = HashMap::new();
    // Of each kind and environment the row that is open, and the probes in it.
    let mut alarms: HashMap<(EntryKind, String), (usize, HashSet<&str>)> = HashMap::new();
    for (index, entry) in timeline.iter().enumerate() {
        if is_own(&entry) {
            rows.push(Row::of(index));
        } else if is_of_plan(&entry) {
            if let Some(place) = plans.get(entry.about) {
                rows[*place].lines.push(index);
            } else {
                plans.insert(entry.about, rows.len());
                rows.push(Row::of(index));
            }
        } else {
            let key = (entry.kind, environment(entry.about));
            let open = alarms.get_mut(&key).filter(|(place, probes)| {
                let first = timeline.get(rows[*place].line).map(|first| first.at);
                first.is_some_and(|first| entry.at.duration_since(first) <= TOGETHER)
                    && !probes.contains(entry.about)
            });
            if let Some((place, probes)) = open {
                probes.insert(entry.about);
                rows[*place].lines.push(index);
            } else {
                // What turns the other way ends what turned together before.
                alarms.retain(|(_, place), _| *place != key.1);
                alarms.insert(key, (rows.len(), HashSet::from([entry.about])));
                rows.push(Row::of(index));
            }
        }
    }
    for place in plans.into_values() {
        let row = &mut rows[place];
        row.line = news(timeline, &row.lines);
    }
    rows.sort_by_key(|row| row.line);
    Some(rows)
}

/// Tells whether a line stands for itself: people's words, decisions, and alarms that were marked
/// afterwards. What is marked of a plan stays with it: the row tells how the plan stands.
fn is_own(entry: &Entry<'_>) -> bool {
    let is_marked = entry.pinned || entry.retracted.is_some() || entry.original.is_some();
    entry.about.is_empty() || (is_marked && !is_of_plan(entry))
}

fn is_of_plan(entry: &Entry<'_>) -> bool {
    entry.name != "alarm"
}

/// The line that tells how a plan stands: its end, unless it was taken up again after that; else what it
/// waits for or what failed; else its start.
fn news(timeline: &Timeline, lines: &[usize]) -> usize {
    let is = |line: &usize, kinds: &[&str]| {
        timeline.get(*line).is_some_and(|entry| kinds.contains(&entry.name) && entry.retracted.is_none())
    };
    let last = |kinds: &[&str]| lines.iter().rev().find(|line| is(line, kinds)).copied();
    let first = lines.first().copied().unwrap_or_default();
    let begun = last(&["plan-started", "plan-resumed"]).unwrap_or(first);
    let told = last(&["plan-ended", "step-waiting", "run-waiting", "step-ended", "proved"]);
    // A step that is done is no news of a plan that goes on.
    let goes_on = |told: &usize| {
        let entry = timeline.get(*told);
        entry.is_some_and(|entry| entry.kind == EntryKind::PlanDone && entry.name != "plan-ended")
    };
    told.filter(|told| *told > begun && !goes_on(told)).unwrap_or(begun)
}
