//! What is to keep it from coming back: work with an owner and a date, what nobody has taken yet, and the
//! signals that showed it.

use std::collections::HashSet;

use super::followups::linked;
use super::third_parties::is_third_party;
use super::words::{clock_after, inside, listed, opened};
use super::{production, signals};
use crate::config::types::{Probe, THIRD_PARTY};
use crate::incident::{Entry, EntryKind, FollowUp, NoteKind, RecordId, State, Turned};
use crate::text::markdown::{cell, inline, table};

/// Signals that are named one by one.
const MOST: usize = 8;

/// The section as Markdown.
pub(super) fn section(state: &State, probes: &[Probe]) -> String {
    let rows: Vec<[String; 4]> =
        state.follow_ups.iter().map(|one| planned(state, one)).chain(unplanned(state)).collect();
    let mut parts = Vec::new();
    if rows.is_empty() {
        parts.push("Nothing is planned yet.".to_owned());
    } else {
        parts.push(table(["What", "Owner", "Due", "State"], rows).trim_end().to_owned());
    }
    parts.extend(watch_for(state, probes));
    parts.join("\n\n")
}

/// Work that was taken down as such.
fn planned(state: &State, one: &FollowUp) -> [String; 4] {
    let became = match &one.end {
        None => match &one.issue {
            Some(issue) => format!("open as issue {}", linked(issue)),
            None => "open".to_owned(),
        },
        Some(end) => {
            let word = if end.done { "✓ done" } else { "dropped" };
            let why =
                if end.reason.is_empty() { String::new() } else { format!(": {}", inside(&end.reason)) };
            format!("{word} {}{why}", clock_after(state.started_at, end.at))
        }
    };
    let due = one.due.map_or_else(|| cell(""), |due| due.to_string());
    [opened(&inside(&one.text)), cell(&one.owner), due, became]
}

/// What people noted as odd, or as what could be better, and nobody has taken.
fn unplanned(state: &State) -> impl Iterator<Item = [String; 4]> {
    let taken: HashSet<RecordId> = state.follow_ups.iter().filter_map(|one| one.of).collect();
    let entries = state.timeline.iter().filter(move |entry| {
        let noted = [NoteKind::Better, NoteKind::Problem].map(EntryKind::Note).contains(&entry.kind);
        noted && entry.retracted.is_none() && !taken.contains(&entry.id)
    });
    entries.map(|entry| {
        let (by, at) = (inline(entry.author), clock_after(state.started_at, entry.at));
        let open = format!("nobody has it yet; noted by {by} at {at}");
        [opened(&inside(entry.text)), cell(""), cell(""), open]
    })
}

/// The signals that showed it, in the order in which they did. What failed where nobody is served warns of nothing.
fn watch_for(state: &State, probes: &[Probe]) -> Option<String> {
    let elsewhere = |name: &str| {
        let known = probes.iter().find(|probe| probe.name == name);
        known.is_some_and(|probe| {
            !["", THIRD_PARTY].contains(&probe.environment.as_str())
                && !production::is(state, &probe.environment)
        })
    };
    let alarms = state.timeline.iter().filter(|entry| entry.name == "alarm" && entry.retracted.is_none());
    // Others call themselves degraded where their service fails ours.
    let is_bad = |entry: &Entry<'_>| {
        let turn = state.turn(entry.id, entry.place);
        let is_warning = turn.is_some_and(|turn| turn.to == Turned::Warning);
        entry.kind == EntryKind::AlarmRaised || (is_warning && is_third_party(probes, entry.about))
    };
    let raised = alarms.filter(|entry| is_bad(entry) && !elsewhere(entry.about));
    let mut named: Vec<String> = Vec::new();
    let mut first = None;
    for entry in raised {
        let name = inline(entry.about);
        if !named.contains(&name) {
            first = first.or(Some(entry.at));
            named.push(name);
        }
    }
    let first = signals::first_alarm(state, probes, first?);
    if named.len() > MOST {
        let more = named.len() - MOST;
        named.truncate(MOST);
        named.push(format!("{more} more"));
    }
    Some(format!("What to watch for: {}. This time: {first}.", listed(&named)))
}
