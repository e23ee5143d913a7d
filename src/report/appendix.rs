//! The appendix: the record as tables, for whoever wants to check what stands above.

use jiff::{SignedDuration, Timestamp};

use super::document::items;
use super::links::{self, Place};
use super::words::{impossible, kind, spell, utc};
use super::{approvals, chains, messages, runs, signals};
use crate::config::types::Probe;
use crate::incident::{CheckState, ChecklistItem, Entry, Policy, Precision, State, duration};
use crate::plan::gates::void;
use crate::text::markdown::{cell, inline, struck, table};

/// An entry written down this much later than it happened says so.
const LATE: SignedDuration = SignedDuration::from_mins(1);

/// The parts of it, with their headings, as far as there is something to say.
pub(super) fn sections(
    state: &State,
    policy: &Policy,
    checklist: &[ChecklistItem],
    probes: &[Probe],
    now: Timestamp,
) -> Vec<(&'static str, String)> {
    let parts = [
        ("Signals", signals::section(state, probes)),
        ("Severity", answers(state, policy)),
        ("Phases", Some(phases(state, policy, now))),
        ("Checklist", checks(state, checklist)),
        ("Messages", messages::section(state, policy, now)),
        ("Releases", runs::releases(state)),
        ("Approvals and gates", approvals::section(state, policy, now)),
        ("Plans and their steps", runs::section(state, now)),
        ("Log", Some(log(state, policy, now))),
        // What reads a report back looks for this heading.
        ("Record", Some(record(state))),
    ];
    parts.into_iter().filter_map(|(title, body)| Some((title, body?))).collect()
}

/// The questions that the severity was found by, as they were answered.
fn answers(state: &State, policy: &Policy) -> Option<String> {
    let rows = state.answers.iter().map(|answer| [inline(&answer.question), answer.said().to_owned()]);
    let set = format!("{} by these questions:\n\n", inline(policy.severity_name(state.severity)));
    (!state.answers.is_empty()).then(|| set + &table(["Question", "Answer"], rows))
}

fn phases(state: &State, policy: &Policy, now: Timestamp) -> String {
    let end = state.resolved_at.unwrap_or(now);
    let rows = state.phases.iter().enumerate().map(|(i, (phase, entered))| {
        // What is detected had begun before anybody said so.
        let entered = if i == 0 { entered.min(&state.started_at) } else { entered };
        let left = state.phases.get(i + 1).map_or(end, |(_, next)| *next);
        let spent = left.duration_since(*entered);
        let budget = policy.phases.iter().find(|p| p.phase == *phase).map(|p| p.budget);
        let verdict = match budget {
            _ if spent.is_negative() => cell(""),
            Some(budget) if spent > budget => format!("over by {}", duration(spent - budget)),
            Some(_) => "within".to_owned(),
            None => cell(""),
        };
        [
            inline(policy.phase_name(*phase)),
            spell(*entered),
            if spent.is_negative() { impossible(*entered, left) } else { duration(spent) },
            budget.map_or_else(|| cell(""), duration),
            verdict,
        ]
    });
    table(["Phase", "Entered (UTC)", "Took", "Budget", ""], rows)
}

fn checks(state: &State, checklist: &[ChecklistItem]) -> Option<String> {
    let rows: Vec<[String; 5]> = items(state, checklist)
        .into_iter()
        .map(|(title, tick)| match tick {
            None => [cell(title), "open".to_owned(), cell(""), cell(""), cell("")],
            Some(tick) => {
                [cell(title), check_words(tick.state), cell(&tick.by), spell(tick.at), cell(&tick.remark())]
            }
        })
        .collect();
    (!rows.is_empty()).then(|| table(["Item", "State", "By", "When (UTC)", "Note"], rows))
}

fn check_words(state: CheckState) -> String {
    match state {
        CheckState::Open => "open",
        CheckState::Passed => "✓ passed",
        CheckState::Failed => "✗ **failed**",
        CheckState::Na => "not applicable",
    }
    .to_owned()
}

/// Every entry, with all that was done to it since.
fn log(state: &State, policy: &Policy, now: Timestamp) -> String {
    let rows = state.timeline.iter().enumerate().map(|(number, entry)| {
        let void = if entry.name == "approved" { void(state, policy, entry.id, now) } else { None };
        let void = void.map_or_else(String::new, |why| format!(" (**did not count**: {})", cell(&why)));
        // Nobody said what a probe saw: whose cockpit wrote it down first does not matter.
        let who = if entry.name == "alarm" { "" } else { entry.author };
        let at = [Place::Log(number).anchor(), moment(&entry)].concat();
        [at, cell(who), cell(kind(&entry)), format!("{}{void}", wording(state, policy, &entry))]
    });
    table(["Time (UTC)", "Author", "Kind", "What"], rows)
}

/// When an entry happened, and how well that is known.
fn moment(entry: &Entry<'_>) -> String {
    let at = spell(entry.at);
    match entry.precision {
        Precision::Exact => at,
        Precision::About => format!("about {at}"),
        Precision::Before => format!("before {at}"),
    }
}

/// What an entry says, with all that was done to it since.
fn wording(state: &State, policy: &Policy, entry: &Entry<'_>) -> String {
    let text = policy.in_our_words(entry.kind, entry.text);
    let mut parts = Vec::new();
    if entry.pinned {
        parts.push("★".to_owned());
    }
    match entry.retracted {
        None if text.trim().is_empty() => parts.push(cell("")),
        None => parts.push(links::text(state, &text)),
        Some(reason) => {
            parts.push(struck(&text));
            parts.push(format!("(retracted: {})", cell(reason)));
        }
    }
    if let Some(original) = entry.original {
        parts.push(format!("(amended; first: {})", cell(original)));
    }
    if entry.recorded_at.duration_since(entry.at) >= LATE {
        parts.push(format!("(written down {})", utc(entry.recorded_at)));
    }
    parts.retain(|part| !part.is_empty());
    parts.join(" ")
}

fn record(state: &State) -> String {
    let unknown = match state.unknown {
        0 => String::new(),
        n => format!(" ({n} of a kind that this version does not know)"),
    };
    let clocks: Vec<String> =
        state.clocks_off.iter().map(|off| format!("\n- {}", inline(&off.words()))).collect();
    let clocks = match clocks.as_slice() {
        [] => String::new(),
        lines => {
            format!("\n\nClocks differed, so times of different people do not compare:\n{}", lines.concat())
        }
    };
    format!(
        "Made from {} records, the last one written at {}: `{}`{unknown}. Each author and installation has a chain of \
         records; those of incident `{}` end in:\n\n{}\nA record that was changed or taken out since no longer leads to these.{clocks}",
        state.records,
        utc(state.latest),
        state.head,
        state.id,
        table(["Author", "Installation", "Records", "Last record"], chains::rows(state)),
    )
}
