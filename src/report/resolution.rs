//! What was done until it was over: in what order, by whom, and what came last before users were served again.
//! That it helped is for people to say.

use jiff::Timestamp;

use super::words::{capitalised, clock_after, done, inside, sentences};
use super::{people, plans, production, prose, relapses};
use crate::config::types::Probe;
use crate::incident::{EntryKind, NoteKind, PlanRun, State, Status};
use crate::text::markdown::{inline, line_start};

/// Something that was done: when, what, and whether it changed production.
struct Deed {
    at: Timestamp,
    text: String,
    changes: bool,
}

/// Tells whether anything is on record that may have ended it.
pub(super) fn is_told(state: &State) -> bool {
    deeds(state, &[]).iter().any(|deed| deed.changes)
}

/// What was done, in order.
fn deeds(state: &State, probes: &[Probe]) -> Vec<Deed> {
    let mut deeds: Vec<Deed> = prose::changes(state, probes)
        .into_iter()
        .map(|(at, text)| Deed { at, text, changes: true })
        .collect();
    deeds.extend(by_hand(state));
    deeds.extend(merged(state));
    deeds.sort_by_key(|deed| deed.at);
    deeds
}

/// The section as Markdown.
pub(super) fn section(state: &State, probes: &[Probe]) -> String {
    let deeds = deeds(state, probes);
    let mut parts = Vec::new();
    if deeds.is_empty() {
        parts.push("No change is on record.".to_owned());
    } else {
        let lines = deeds.iter().enumerate().map(|(n, deed)| format!("{}. {}", n + 1, deed.text));
        parts.push(lines.collect::<Vec<_>>().join("\n"));
    }
    parts.extend(ended(state, &deeds, probes));
    parts.join("\n\n")
}

/// What people did and decided.
fn by_hand(state: &State) -> Vec<Deed> {
    let entries = state.timeline.iter().filter(|entry| entry.retracted.is_none());
    let told = entries.filter_map(|entry| {
        let at = clock_after(state.started_at, entry.at);
        let (who, text) = (people::told(entry.author), inside(entry.text));
        let (text, changes) = match entry.kind {
            EntryKind::Note(NoteKind::Decision) => (format!("{who} decided at {at}: {text}."), false),
            EntryKind::Note(NoteKind::Action) => (format!("{who} did by hand at {at}: {text}."), true),
            EntryKind::Proposal if entry.text.starts_with("agreed: ") => (
                format!("It was agreed at {at}: {}.", inside(entry.text.trim_start_matches("agreed: "))),
                false,
            ),
            _ => return None,
        };
        Some(Deed { at: entry.at, text, changes })
    });
    told.collect()
}

/// Fixes that were brought to where production is deployed from.
fn merged(state: &State) -> impl Iterator<Item = Deed> {
    let finished = state.plans.iter().filter(|plan| plan.is_finish() && PlanRun::is_done(plan));
    finished.map(|plan| {
        let (at, by) = (plan.ended_at.unwrap_or(plan.started_at), people::told(&plan.by));
        let clock = clock_after(state.started_at, at);
        let text = match plans::finished(plan) {
            Some(did) => format!("{by} {did} at {clock}."),
            None => format!("{} at {clock} ({by}).", done(plan)),
        };
        Deed { at, text, changes: false }
    })
}

/// Who said that it was over, what came last before that, and what was open then.
fn ended(state: &State, deeds: &[Deed], probes: &[Probe]) -> Vec<String> {
    let mut said = Vec::new();
    let served = state.served_at().or(state.resolved_at);
    if let Some(served) = served {
        let found = state.mitigated_at.map(|_| production::recovered(state, probes, served));
        let at = clock_after(state.started_at, found.map_or(served, |found| found.at));
        let what = if state.mitigated_at.is_some() { "users were served again" } else { "it was resolved" };
        let last = deeds.iter().rposition(|deed| deed.changes && deed.at <= served);
        said.push(match last {
            Some(_) if deeds.len() == 1 => format!("It was the last change before {what}, at {at}."),
            Some(last) => format!("Step {} was the last change before {what}, at {at}.", last + 1),
            // That nothing is on record was said.
            None if deeds.is_empty() => format!("{} at {at}.", capitalised(what)),
            None => format!("What ended it is not on record: nothing was changed before {what} at {at}."),
        });
        let again = relapses::all(state, probes);
        let again: Vec<String> =
            again.iter().filter(|one| one.from > served).map(|one| one.sentence(state)).collect();
        said.extend((!again.is_empty()).then(|| again.join(" ")));
    }
    let is_over = matches!(state.status, Status::Resolved | Status::Closed);
    if let Some(ending) = state.endings.last().filter(|_| is_over) {
        let (by, at) = (people::told(&ending.by), clock_after(state.started_at, ending.at));
        let reason = if ending.reason.is_empty() {
            String::new()
        } else {
            format!(" Reason: {}", sentences(&inline(&ending.reason)))
        };
        said.push(match ending.open.as_slice() {
            [] => line_start(format!("{by} resolved it at {at}.{reason}")),
            open => {
                let open: Vec<String> = open.iter().map(|line| format!("- {}", inside(line))).collect();
                let open = open.join("\n");
                line_start(format!("{by} resolved it at {at} with this still open.{reason}\n\n{open}"))
            }
        });
    }
    said
}
