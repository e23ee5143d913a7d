//! The timeline as people read it: one line for a plan, one for probes that turned together, one for items of
//! the checklist that one person ticked in a row; and, where that is asked for, one for all that the program wrote
//! between what two people did.
//!
//! The record keeps every step and every alarm; a call needs one line for each thing that happened. The
//! line stands where the news is: of a plan where it ended, or where it waits; of alarms where the first
//! of them was raised, and of probes that recovered where the last of them did. Where probes turned while a
//! plan changed their environment, its start has a line of its own: what came first has to stand first.

use std::collections::{HashMap, HashSet};

use jiff::{SignedDuration, Timestamp};

use super::body::CheckState;
use super::state::{EntryKind, PlanRun, State};
use super::timeline::{Entry, Timeline};

/// Alarms of one environment that follow the first of them this closely turned together.
const TOGETHER: SignedDuration = SignedDuration::from_secs(60);

/// Items ticked within this time of the one before were ticked in a row.
const IN_A_ROW: SignedDuration = SignedDuration::from_mins(5);

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
    /// What is folded in it, where it stands for several rows.
    pub fold: Option<Fold>,
}

/// Rows that the program wrote one after another, as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Fold {
    /// How many rows they are.
    pub rows: usize,
    /// How many of them are alarms.
    pub alarms: usize,
    /// In how many of them something failed.
    pub failures: usize,
    /// Index of the line that the last of them stands at.
    pub last: usize,
}

impl Row {
    /// A line that stands for itself.
    pub fn of(line: usize) -> Self {
        Self { line, lines: vec![line], fold: None }
    }

    /// Tells whether it stands for several lines.
    pub fn is_group(&self) -> bool {
        self.lines.len() > 1
    }
}

/// Gathers the lines of an incident's timeline. `environment` names where a probe belongs to. `None`: it is
/// too long for that.
pub fn rows(state: &State, environment: impl Fn(&str) -> String) -> Option<Vec<Row>> {
    let timeline = &state.timeline;
    if timeline.len() > MOST {
        return None;
    }
    let mut rows: Vec<Row> = Vec::with_capacity(timeline.len());
    let mut plans: HashMap<&str, usize> = HashMap::new();
    // Of each kind and environment the row that is open, and the probes in it.
    let mut alarms: HashMap<(EntryKind, String), (usize, HashSet<&str>)> = HashMap::new();
    for (index, entry) in timeline.iter().enumerate() {
        if is_own(&entry) {
            match rows.last_mut().filter(|row| follows(timeline, row, &entry)) {
                Some(row) => {
                    row.lines.push(index);
                    row.line = index;
                }
                None => rows.push(Row::of(index)),
            }
        } else if is_of_plan(&entry) {
            if let Some(place) = plans.get(entry.about) {
                rows[*place].lines.push(index);
            } else {
                plans.insert(entry.about, rows.len());
                rows.push(Row::of(index));
            }
        } else {
            // What is near its limit turned together with what failed.
            let kind = if entry.kind == EntryKind::AlarmWarned { EntryKind::AlarmRaised } else { entry.kind };
            let key = (kind, environment(entry.about));
            let open = alarms.get_mut(&key).filter(|(place, probes)| {
                let first = rows[*place].lines.first().and_then(|line| timeline.get(*line));
                let first = first.map(|first| first.at);
                first.is_some_and(|first| entry.at.duration_since(first) <= TOGETHER)
                    && !probes.contains(entry.about)
            });
            if let Some((place, probes)) = open {
                probes.insert(entry.about);
                rows[*place].lines.push(index);
                // Not everything had recovered before the last had; what fails is more than what warned before it.
                let stands = timeline.get(rows[*place].line).map(|shown| shown.kind);
                let fails = stands == Some(EntryKind::AlarmWarned) && entry.kind == EntryKind::AlarmRaised;
                if fails || entry.kind == EntryKind::AlarmCleared {
                    rows[*place].line = index;
                }
            } else {
                // What turns the other way ends what turned together before.
                alarms.retain(|(_, place), _| *place != key.1);
                alarms.insert(key, (rows.len(), HashSet::from([entry.about])));
                rows.push(Row::of(index));
            }
        }
    }
    let turned: Vec<(usize, String)> = rows
        .iter()
        .filter_map(|row| Some((row.line, timeline.get(row.line)?)))
        .filter(|(_, entry)| !is_own(entry) && !is_of_plan(entry))
        .map(|(line, entry)| (line, environment(entry.about)))
        .collect();
    let changed: HashMap<&str, &str> = state.plans.iter().filter_map(changes).collect();
    let mut begun = Vec::new();
    for (plan, place) in plans {
        let row = &mut rows[place];
        row.line = news(timeline, &row.lines);
        let Some(target) = changed.get(plan) else { continue };
        let Some(start) = row.lines.first().copied().filter(|start| *start < row.line) else { continue };
        let between = |(line, place): &(usize, String)| {
            start < *line && *line < row.line && (target.is_empty() || place.is_empty() || place == target)
        };
        if turned.iter().any(between) {
            row.lines.retain(|line| *line != start);
            begun.push(Row::of(start));
        }
    }
    rows.append(&mut begun);
    rows.sort_by_key(|row| row.line);
    Some(rows)
}

/// Folds rows that the program wrote, where several follow one another. What needs somebody stays: a plan that is
/// under way or whose end is unknown, and what went wrong `since` they are folded.
pub fn folded(state: &State, rows: impl IntoIterator<Item = Row>, since: Timestamp) -> Vec<Row> {
    let mut out: Vec<Row> = Vec::new();
    // The last row of `out` may take more in.
    let mut open = false;
    for row in rows {
        let Some(fold) = foldable(state, &row, since) else {
            open = false;
            out.push(row);
            continue;
        };
        match out.last_mut().filter(|_| open) {
            Some(before) => {
                let first = before.line;
                let sum = before.fold.get_or_insert_with(|| count(&state.timeline, first));
                sum.rows += fold.rows;
                sum.alarms += fold.alarms;
                sum.failures += fold.failures;
                sum.last = fold.last;
                before.lines.extend(row.lines);
            }
            None => out.push(row),
        }
        open = true;
    }
    for row in &mut out {
        // Rows that were gathered lie in one another.
        row.lines.sort_unstable();
    }
    out
}

/// A row as one that may be folded with others; `None`: it has to be seen.
fn foldable(state: &State, row: &Row, since: Timestamp) -> Option<Fold> {
    let timeline = &state.timeline;
    let shown = timeline.get(row.line)?;
    let needs_somebody = matches!(shown.kind, EntryKind::PlanWaiting | EntryKind::PlanUnknown)
        || state.plan(shown.about).is_some_and(|plan| plan.state.is_under_way());
    let is_news = |entry: Entry<'_>| {
        let is_bad =
            entry.kind.is_failure() || (entry.kind.is_alarm() && entry.kind != EntryKind::AlarmCleared);
        is_bad && entry.at.max(entry.recorded_at) >= since
    };
    let stays = !shown.kind.is_automatic()
        || needs_somebody
        || timeline_of(timeline, row).any(|entry| entry.is_marked() || is_news(entry));
    (!stays).then(|| count(timeline, row.line))
}

fn timeline_of<'a>(timeline: &'a Timeline, row: &'a Row) -> impl Iterator<Item = Entry<'a>> {
    row.lines.iter().filter_map(|line| timeline.get(*line))
}

fn count(timeline: &Timeline, line: usize) -> Fold {
    let kind = timeline.get(line).map(|entry| entry.kind);
    Fold {
        rows: 1,
        alarms: usize::from(matches!(kind, Some(EntryKind::AlarmRaised | EntryKind::AlarmWarned))),
        failures: usize::from(kind.is_some_and(EntryKind::is_failure)),
        last: line,
    }
}

/// A plan that changes an environment, and which; empty: a flag may change any.
fn changes(plan: &PlanRun) -> Option<(&str, &str)> {
    match plan.purpose.as_str() {
        _ if plan.is_flag() => Some((&plan.id, "")),
        "deploy" | "rollback" => Some((&plan.id, &plan.target)),
        _ => None,
    }
}

/// Tells whether a line stands for itself: people's words, decisions, and alarms that were marked
/// afterwards. What is marked of a plan stays with it: the row tells how the plan stands.
fn is_own(entry: &Entry<'_>) -> bool {
    let decides = matches!(entry.kind, EntryKind::Approval | EntryKind::Rejection);
    entry.about.is_empty() || decides || (entry.is_marked() && !is_of_plan(entry))
}

/// Tells whether an item that passed was ticked right after those of a row, by the same person. One that
/// failed, and what somebody wrote to it, is worth a row of its own.
fn follows(timeline: &Timeline, row: &Row, entry: &Entry<'_>) -> bool {
    let Some(before) = timeline.get(row.line).filter(is_plain_tick) else { return false };
    is_plain_tick(entry)
        && before.author == entry.author
        && entry.at.duration_since(before.at).abs() <= IN_A_ROW
}

/// Tells whether a line says only that an item passed.
fn is_plain_tick(entry: &Entry<'_>) -> bool {
    entry.kind == EntryKind::Check(CheckState::Passed) && !entry.is_marked() && !entry.text.ends_with(')')
}

fn is_of_plan(entry: &Entry<'_>) -> bool {
    entry.name != "alarm"
}

/// The line that tells how a plan stands: its end, unless it was taken up again after that; else what it
/// waits for or what failed; else its start.
fn news(timeline: &Timeline, lines: &[usize]) -> usize {
    let is =
        |line: &usize, kinds: &[&str]| timeline.get(*line).is_some_and(|entry| kinds.contains(&entry.name));
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
