//! What is left to do, gathered from the record. Each is one Markdown line.

use jiff::Timestamp;

use super::document::{items, utc};
use crate::incident::{
    CheckState, ChecklistItem, ClockState, EntryKind, NoteKind, Outcome, PlanEnd, PlanState, Policy, Proof,
    State, Status, clocks,
};
use crate::text::markdown::inline;

/// Everything that is still open, most pressing first.
pub(super) fn gather(
    state: &State,
    policy: &Policy,
    checklist: &[ChecklistItem],
    now: Timestamp,
) -> Vec<String> {
    let mut open = Vec::new();
    conflict(state, &mut open);
    unknown_outcomes(state, &mut open);
    merges_back(state, &mut open);
    due(state, policy, now, &mut open);
    missing(state, &mut open);
    checks(state, checklist, &mut open);
    problems(state, &mut open);
    open
}

fn conflict(state: &State, open: &mut Vec<String>) {
    if state.in_conflict() {
        let said: Vec<String> = state
            .heads
            .iter()
            .map(|head| format!("{} by {} {}", head.status.name(), inline(&head.by), utc(head.at)))
            .collect();
        open.push(format!("Decide what holds: {}", said.join("; ")));
    }
}

fn unknown_outcomes(state: &State, open: &mut Vec<String>) {
    for plan in &state.plans {
        let title = inline(&plan.title);
        match plan.state {
            PlanState::Ended(PlanEnd::Unknown) => {
                open.push(format!("Find out what became of: {title}"));
            }
            PlanState::Running | PlanState::Waiting => {
                open.push(format!("Still running when this was written: {title}"));
            }
            PlanState::Ended(PlanEnd::Done | PlanEnd::Failed | PlanEnd::Cancelled) => {
                let lost = plan.steps.iter().filter(|step| {
                    let unknown = step.run.as_ref().is_some_and(|run| {
                        matches!(run.outcome, Some(Outcome::Unknown { .. })) || run.outcome.is_none()
                    });
                    unknown && !matches!(step.proof, Some((_, Proof::Done | Proof::NotDone, _)))
                });
                open.extend(lost.map(|step| format!("Find out what became of: {}", inline(&step.title))));
            }
        }
    }
}

fn merges_back(state: &State, open: &mut Vec<String>) {
    for merge in state.merges_owed() {
        let why = if merge.why.is_empty() { String::new() } else { format!(": {}", inline(&merge.why)) };
        open.push(format!("Merge {} back into {}{why}", inline(&merge.tag), inline(&merge.into)));
    }
}

fn due(state: &State, policy: &Policy, now: Timestamp, open: &mut Vec<String>) {
    let review = policy.severity(state.severity).review.as_str();
    for clock in clocks(state, policy, now) {
        let title = if clock.id == "review" && !review.is_empty() { review } else { &clock.title };
        match clock.state {
            ClockState::Overdue => {
                open.push(format!("Overdue since {}: {}", utc(clock.due_at), inline(title)));
            }
            ClockState::Running if clock.id == "review" => {
                open.push(format!("Due {}: {}", utc(clock.due_at), inline(title)));
            }
            ClockState::Running | ClockState::Met | ClockState::Late | ClockState::Stopped => {}
        }
    }
}

fn missing(state: &State, open: &mut Vec<String>) {
    if state.cause.trim().is_empty() {
        open.push("Describe the root cause".to_owned());
    }
    if state.impact.trim().is_empty() {
        open.push("Describe the impact".to_owned());
    }
}

fn checks(state: &State, checklist: &[ChecklistItem], open: &mut Vec<String>) {
    for (title, tick) in items(state, checklist) {
        match tick.map_or(CheckState::Open, |tick| tick.state) {
            CheckState::Failed => {
                let note = tick.map_or("", |tick| tick.note.as_str());
                let note =
                    if note.trim().is_empty() { String::new() } else { format!(" ({})", inline(note)) };
                open.push(format!("Failed check: {}{note}", inline(title)));
            }
            // While the incident goes on, an open item is work in hand.
            CheckState::Open if matches!(state.status, Status::Resolved | Status::Closed) => {
                open.push(format!("Never looked at: {}", inline(title)));
            }
            CheckState::Open | CheckState::Passed | CheckState::Na => {}
        }
    }
}

fn problems(state: &State, open: &mut Vec<String>) {
    let noted = state
        .timeline
        .iter()
        .filter(|entry| entry.kind == EntryKind::Note(NoteKind::Problem) && entry.retracted.is_none());
    open.extend(noted.map(|entry| format!("Problem noted {}: {}", utc(entry.at), inline(entry.text))));
}
