//! What is left to do, gathered from the record. Each is one Markdown line.

use std::collections::HashSet;

use jiff::Timestamp;

use super::document::items;
use super::words::{capitalised, clock_after, inside, listed, opened};
use super::{people, production};
use crate::config::types::Probe;
use crate::incident::{
    CheckState, ChecklistItem, ClockState, EntryKind, FollowUp, Issue, NoteKind, Outcome, PlanEnd, PlanState,
    Policy, Proof, RecordId, State, Status, Tick, audience, clocks,
};
use crate::text::address::is_page;
use crate::text::markdown::inline;

/// Everything that is still open, most pressing first: what people wrote down as such, too.
pub(super) fn gather(
    state: &State,
    policy: &Policy,
    checklist: &[ChecklistItem],
    probes: &[Probe],
    now: Timestamp,
) -> Vec<String> {
    let mut open = left(state, policy, checklist, probes, now);
    open.extend(state.open_follow_ups().map(follow_up));
    problems(state, &mut open);
    open
}

/// What the procedure still asks for, most pressing first.
pub(super) fn left(
    state: &State,
    policy: &Policy,
    checklist: &[ChecklistItem],
    probes: &[Probe],
    now: Timestamp,
) -> Vec<String> {
    let mut open = Vec::new();
    conflict(state, &mut open);
    unknown_outcomes(state, &mut open);
    merges_back(state, &mut open);
    open.extend(production::merged_still(state).map(|text| inline(&text)));
    open.extend(production::unmerged(state));
    // While the incident goes on, that is work in hand.
    if state.resolved_at.is_some() {
        open.extend(production::failing_elsewhere(state, probes));
        open.extend(production::unfixed(state));
    }
    flags_off(state, &mut open);
    end_told(state, policy, &mut open);
    owed(state, policy, &mut open);
    review(state, policy, now, &mut open);
    checks(state, checklist, &mut open);
    // What was tried twice is to be done once.
    let mut told = HashSet::new();
    open.retain(|line| told.insert(line.clone()));
    open
}

/// A time to act on, in full.
fn when(state: &State, at: Timestamp) -> String {
    format!("{} UTC", clock_after(state.started_at, at))
}

fn conflict(state: &State, open: &mut Vec<String>) {
    if state.in_conflict() {
        let said: Vec<String> = state
            .heads
            .iter()
            .map(|head| {
                format!("{} ({}, {})", head.status.name(), people::told(&head.by), when(state, head.at))
            })
            .collect();
        open.push(format!("Decide its status: {}", said.join(", ")));
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

/// What was turned off for the time being.
fn flags_off(state: &State, open: &mut Vec<String>) {
    let off = state.flags_off().into_iter();
    open.extend(off.map(|flag| format!("Turn {} on again, or keep it off on purpose", inline(flag))));
}

/// Stakeholders who were told that it began, and not that it is over.
fn end_told(state: &State, policy: &Policy, open: &mut Vec<String>) {
    let asked = policy.severity(state.severity).tell_within.is_some();
    let Some(over) = state.resolved_at.filter(|_| asked) else { return };
    let told = |(at, who): &(Timestamp, String)| *at >= over && policy.told_as(who) == audience::STAKEHOLDERS;
    if !state.told.iter().any(told) {
        open.push("Tell stakeholders that it is over".to_owned());
    }
}

/// What people owe each other: a report on a task, an end to a proposal, an answer to an offer.
fn owed(state: &State, policy: &Policy, open: &mut Vec<String>) {
    let at = |at| clock_after(state.started_at, at);
    open.extend(state.open_tasks().into_iter().map(|task| {
        let (owner, text) = (people::told(&task.owner), inside(&task.text));
        format!("Hear from {owner} what came of a task: {text} (back by {})", at(task.until))
    }));
    open.extend(state.open_motions().map(|motion| {
        let objectors: Vec<String> = motion.objections.iter().map(|one| people::told(&one.by)).collect();
        let against =
            if objectors.is_empty() { String::new() } else { format!("; {} objected", listed(&objectors)) };
        let (text, by) = (inside(&motion.text), people::told(&motion.by));
        format!("Decide what was proposed: {text} (by {by} at {}{against})", at(motion.at))
    }));
    open.extend(state.open_offers().map(|offer| {
        let (to, by, what) =
            (people::told(&offer.to), people::told(&offer.by), inline(&policy.handed(&offer.role)));
        format!("Answer to a handoff: {by} offered {to} {what} at {}", at(offer.at))
    }));
}

/// The written review, once it is over.
fn review(state: &State, policy: &Policy, now: Timestamp, open: &mut Vec<String>) {
    let name = policy.severity(state.severity).review.as_str();
    for clock in clocks(state, policy, now).into_iter().filter(|clock| clock.id == "review") {
        let title = if name.is_empty() { "Written review".to_owned() } else { capitalised(&inline(name)) };
        let at = when(state, clock.due_at);
        match clock.state {
            ClockState::Overdue => open.push(format!("{title}: overdue since {at}")),
            ClockState::Running => open.push(format!("{title}: due {at}")),
            ClockState::Met | ClockState::Late | ClockState::Stopped => {}
        }
    }
}

/// An issue by its number, as a link where its address is a plain one.
pub(super) fn linked(issue: &Issue) -> String {
    let number = format!("#{}", issue.number);
    if is_page(&issue.url) { format!("[{number}]({})", issue.url) } else { number }
}

/// What somebody wrote down as left to do.
fn follow_up(one: &FollowUp) -> String {
    let owner = (!one.owner.is_empty()).then(|| people::told(&one.owner));
    let due = one.due.map(|due| format!("by {due}"));
    let issue = one.issue.as_ref().map(|issue| format!("issue {}", linked(issue)));
    let terms: Vec<String> = owner.into_iter().chain(due).chain(issue).collect();
    let terms = if terms.is_empty() { "nobody yet".to_owned() } else { terms.join(", ") };
    format!("{} ({terms})", opened(&inside(&one.text)))
}

fn checks(state: &State, checklist: &[ChecklistItem], open: &mut Vec<String>) {
    let mut untouched = Vec::new();
    let mut earlier: Vec<(&str, Vec<String>)> = Vec::new();
    let all = items(state, checklist);
    let count = all.len();
    for (title, tick) in all {
        match tick.map_or(CheckState::Open, |tick| tick.state) {
            CheckState::Failed => {
                let note = tick.map(Tick::remark).unwrap_or_default();
                let note = if note.is_empty() { note } else { format!(" ({})", inline(&note)) };
                open.push(format!("Failed on the checklist: {}{note}", inline(title)));
            }
            CheckState::Open => match tick.and_then(|tick| tick.before.as_ref()) {
                Some(before) => match earlier.iter_mut().find(|(fix, _)| *fix == before.fix) {
                    Some((_, items)) => items.push(inline(title)),
                    None => earlier.push((&before.fix, vec![inline(title)])),
                },
                None => untouched.push(inline(title)),
            },
            CheckState::Passed | CheckState::Na => {}
        }
    }
    // While the incident goes on, an open item is work in hand.
    if !matches!(state.status, Status::Resolved | Status::Closed) {
        return;
    }
    let live = production::live(state).map_or_else(|| "what is live".to_owned(), |live| inline(&live.name()));
    for (fix, items) in earlier {
        let became = state.what_became_of(fix);
        let fix = inline(fix);
        open.push(if items.len() == count {
            format!("Check {live}: all {count} checklist items passed on {fix}, which {became}")
        } else {
            format!("Check {live}: only on {fix}, which {became}, passed {}", listed(&items))
        });
    }
    if !untouched.is_empty() {
        open.push(format!("Checklist items nobody looked at: {}", listed(&untouched)));
    }
}

fn problems(state: &State, open: &mut Vec<String>) {
    // What somebody has taken up already stands among the follow-ups.
    let taken: HashSet<RecordId> = state.follow_ups.iter().filter_map(|one| one.of).collect();
    let noted = state.timeline.iter().filter(|entry| {
        let odd = entry.kind == EntryKind::Note(NoteKind::Problem) && entry.retracted.is_none();
        odd && !taken.contains(&entry.id)
    });
    open.extend(noted.map(|entry| {
        let at = clock_after(state.started_at, entry.at);
        format!("{} (noted by {} at {at})", opened(&inside(entry.text)), inline(entry.author))
    }));
}
