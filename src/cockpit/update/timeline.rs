//! The rows of the timeline: filtered, folded, and what that hides.

use jiff::Timestamp;

use super::super::model::{Model, Pane};
use super::super::sift::Sift;
use super::Cx;
use crate::incident::digest::{self, Row};
use crate::incident::{Entry, EntryKind, Timeline};

/// The rows of the timeline; `None`: a row for every line.
pub(super) fn rows(model: &Model) -> Option<Vec<Row>> {
    digest::rows(model.incident()?, |probe| model.environment_of(probe).to_owned())
}

/// What the timeline is filtered by, and since when what the program wrote is folded.
pub(super) fn shown_as(model: &Model) -> (String, Option<Timestamp>) {
    let view = model.view(Pane::Timeline);
    (view.filter.clone(), view.folded)
}

/// Shows the rows that pass the filter; without one, folded if that is asked for.
pub(super) fn show(model: &mut Model) {
    let (filter, since) = shown_as(model);
    let timeline = model.incident().map(|state| &state.timeline);
    let len = timeline.map_or(0, Timeline::len);
    let shown = match (model.incident(), since) {
        (Some(state), _) if !filter.is_empty() => Some(sifted(model, &state.timeline, &filter)),
        (Some(state), Some(since)) => Some(match &model.derived.rows {
            Some(rows) => digest::folded(state, rows.iter().cloned(), since),
            None => digest::folded(state, (0..len).map(Row::of), since),
        }),
        _ => None,
    };
    model.derived.timeline_all = model.derived.rows.as_ref().map_or(len, Vec::len);
    model.derived.timeline = shown;
    model.derived.hidden = hidden_alarms(model);
    model.derived.shown_as = (filter, since);
}

fn sifted(model: &Model, timeline: &Timeline, filter: &str) -> Vec<Row> {
    let mut sift = Sift::of(filter, timeline);
    let mut takes = |line: usize| timeline.get(line).is_some_and(|entry| sift.takes(&entry));
    match &model.derived.rows {
        Some(rows) => rows.iter().filter(|row| row.lines.iter().any(|line| takes(*line))).cloned().collect(),
        None => (0..timeline.len()).filter(|line| takes(*line)).map(Row::of).collect(),
    }
}

/// How many alarms that came since the timeline is filtered are in none of its rows.
fn hidden_alarms(model: &Model) -> usize {
    let since = model.view(Pane::Timeline).filtered_since;
    let (Some(since), Some(shown), Some(state)) = (since, &model.derived.timeline, model.incident()) else {
        return 0;
    };
    let timeline = &state.timeline;
    let is_alarm = |kind| matches!(kind, EntryKind::AlarmRaised | EntryKind::AlarmWarned);
    let is_new = |entry: &Entry<'_>| entry.at >= since && is_alarm(entry.kind);
    let new = |line: &usize| timeline.get(*line).is_some_and(|entry| is_new(&entry));
    let all = timeline.iter().filter(is_new).count();
    all - shown.iter().flat_map(|row| &row.lines).filter(|line| new(line)).count()
}

/// Takes in new rows; the cursor stays on the entry it was on, wherever that is now.
pub(super) fn follow(model: &mut Model) {
    let cursor = model.view(Pane::Timeline).cursor;
    let id = cursor.and_then(|row| model.timeline_at.filter(|(at, _)| *at == row)).map(|(_, id)| id);
    show(model);
    if let Some(id) = id {
        let row = (0..model.timeline_len())
            .rev()
            .find(|row| model.timeline_entries(*row).iter().any(|entry| entry.id == id));
        if let Some(row) = row {
            model.view_mut(Pane::Timeline).cursor = Some(row);
        }
    }
}

/// Folds what the program wrote, or unfolds it. What the filter shows is not folded.
pub(super) fn fold(cx: &mut Cx<'_>) {
    let now = cx.model.now;
    let view = cx.model.view_mut(Pane::Timeline);
    let folds = view.folded.is_none();
    view.folded = folds.then_some(now);
    let is_filtered = !view.filter.is_empty();
    follow(cx.model);
    let any = cx.model.derived.timeline.iter().flatten().any(|row| row.fold.is_some());
    if folds && is_filtered {
        cx.say("the program's entries are folded once the filter is cleared");
    } else if folds && !any {
        cx.say("nothing to fold");
    }
}
