//! What went well and what did not, as far as the record tells: targets met and missed, watches, gates
//! that were overridden. What people noted for the review meanwhile stands first, in their words.

use jiff::{SignedDuration, Timestamp};

use super::document::{Setting, items};
use super::times::targets;
use super::words::{
    capitalised, clock_after, finding, happened, in_one_go, inside, listed, release as named, sentences,
    spoken,
};
use super::{plans, production};
use crate::incident::{
    CheckState, ClockState, EntryKind, NoteKind, PassedOver, Phase, PlanEnd, PlanRun, PlanState, Release,
    State, Task, WatchVerdict, detected_late, duration,
};
use crate::text::markdown::inline;

/// What people noted for the review.
pub(super) fn noted(state: &State, kind: NoteKind) -> Vec<String> {
    let entries = state.timeline.iter().filter(|entry| entry.kind == EntryKind::Note(kind));
    let entries = entries.filter(|entry| entry.retracted.is_none());
    entries.map(|entry| format!("{} ({})", sentences(&inline(entry.text)), inline(entry.author))).collect()
}

/// What went well, a Markdown line each.
pub(super) fn well(state: &State, setting: Setting<'_>, now: Timestamp) -> Vec<String> {
    let Setting { policy, checklist, probes, .. } = setting;
    let mut said = noted(state, NoteKind::Well);
    let targets = targets(state, policy, probes, now);
    let met: Vec<String> =
        targets.iter().filter(|clock| clock.state == ClockState::Met).map(|c| happened(state, c)).collect();
    if !met.is_empty() {
        said.push(format!("On time: {}.", met.join(", ")));
    }
    // What somebody only said to be good has passed no watch, and what passes on the way to production is
    // no news.
    let watched = |release: &&Release| !release.vouched && production::is(state, &release.environment);
    for release in state.releases.iter().filter(watched) {
        if let Some((_, WatchVerdict::Passed, _)) = &release.verdict {
            let (name, target) = (named(state, release), inline(&release.environment));
            let back = if release.rollback { "The rollback to " } else { "The release " };
            let line = format!("{back}{name} passed its watch in {target}.");
            // Back to the same release twice is worth a line.
            if !said.contains(&line) {
                said.push(line);
            }
        }
    }
    let ticks: Vec<(&str, CheckState)> = items(state, checklist)
        .into_iter()
        .map(|(title, tick)| (title, tick.map_or(CheckState::Open, |tick| tick.state)))
        .collect();
    let of = |wanted: CheckState| ticks.iter().filter(move |(_, state)| *state == wanted);
    let (all, passed) = (ticks.len(), of(CheckState::Passed).count());
    let left_out: Vec<String> = of(CheckState::Na).map(|(title, _)| inline(title)).collect();
    // What was ticked in one go was not looked at one by one: that is in the timeline, and nothing to be proud of.
    let ticked = state.ticks.values().filter(|tick| tick.state == CheckState::Passed).map(|tick| tick.at);
    if passed > 0 && passed + left_out.len() == all && in_one_go(ticked).is_none() {
        said.push(match left_out.as_slice() {
            [] => format!("All {all} checklist items passed."),
            [one] => format!("{passed} of {all} checklist items passed; {one} does not apply."),
            _ => format!("{passed} of {all} checklist items passed; {} do not apply.", listed(&left_out)),
        });
    }
    said
}

/// What did not, a Markdown line each.
pub(super) fn badly(state: &State, setting: Setting<'_>, now: Timestamp) -> Vec<String> {
    let at = |at: Timestamp| clock_after(state.started_at, at);
    let mut said = noted(state, NoteKind::Better);
    let over = state.resolved_at.into_iter();
    said.extend(over.flat_map(|end| {
        let found = production::unwell(state, setting.probes, end).into_iter();
        found.map(move |found| format!("When it was resolved at {}, {found}.", at(end)))
    }));
    let allowed = setting.policy.phase(Phase::Detect).map(|phase| phase.budget);
    if let Some(allowed) = allowed.filter(|_| detected_late(state, setting.policy).is_some()) {
        let took = spoken(state.declared_at.duration_since(state.started_at));
        said.push(format!("It was declared {took} after the fault began (target {}).", spoken(allowed)));
    }
    for clock in targets(state, setting.policy, setting.probes, now) {
        let done = happened(state, &clock);
        // A fix that was not due yet was not missed.
        if clock.state == ClockState::Stopped && clock.stopped_at.is_some_and(|end| clock.due_at > end) {
            continue;
        }
        match (clock.state, clock.met_at) {
            (ClockState::Late, Some(met)) => {
                let late = spoken(met.duration_since(clock.due_at));
                said.push(format!("{} {late} late.", capitalised(&done)));
            }
            (ClockState::Stopped, _) => {
                said.push(format!("It is not on record that {done} (due at {}).", at(clock.due_at)));
            }
            (ClockState::Overdue, _) => {
                said.push(format!("It is not on record yet that {done} (due at {}).", at(clock.due_at)));
            }
            _ => {}
        }
    }
    said.extend(late_tasks(state, now));
    for release in &state.releases {
        if let Some((when, WatchVerdict::Failed, why)) = &release.verdict {
            let (name, target) = (named(state, release), inline(&release.environment));
            let why = finding(why);
            let because = if why.is_empty() { String::new() } else { format!(": {why}") };
            said.push(format!("The release {name} failed its watch in {target} at {}{because}.", at(*when)));
        }
    }
    let changes = |plan: &PlanRun| ["deploy", "rollback", "flag", "hotfix"].contains(&plan.purpose.as_str());
    let stopped = state.plans.iter().filter(|plan| {
        let begun = plan.steps.iter().any(|step| step.run.is_some());
        changes(plan) && begun && plan.state == PlanState::Ended(PlanEnd::Cancelled)
    });
    for plan in stopped {
        let (when, what) = (at(plan.started_at), plans::opening(plan));
        said.push(format!("{what}, begun at {when}, was stopped{}.", production::stopped(plan)));
    }
    let failed = state.plans.iter().filter(|plan| {
        let judged =
            state.releases.iter().any(|release| release.plan == plan.id && release.verdict.is_some());
        changes(plan) && !judged && plan.state == PlanState::Ended(PlanEnd::Failed)
    });
    for plan in failed {
        let why = plans::why(plan);
        let because = if why.is_empty() { String::new() } else { format!(": {why}") };
        said.push(format!("{}, begun at {}, failed{because}.", plans::opening(plan), at(plan.started_at)));
    }
    said.extend(overridden(state));
    let reopened = state.timeline.iter().filter(|entry| entry.kind == EntryKind::Reopened);
    for entry in reopened.filter(|entry| entry.retracted.is_none()) {
        said.push(format!("It was taken to be over, and had to be reopened at {}.", at(entry.at)));
    }
    said
}

/// The gates that were overridden, a line for those of a plan that one person overrode for one reason.
fn overridden(state: &State) -> Vec<String> {
    let mut together: Vec<(&PassedOver, Vec<String>)> = Vec::new();
    for over in &state.passed_over {
        let missing = inside(&over.missing);
        let missing = if missing.is_empty() { String::new() } else { format!(" ({missing})") };
        let gate = format!("{}{missing}", inline(&over.gate));
        let is_one =
            |one: &PassedOver| (&one.plan, &one.by, &one.reason) == (&over.plan, &over.by, &over.reason);
        match together.iter_mut().find(|(one, _)| is_one(one)) {
            Some((_, gates)) => gates.push(gate),
            None => together.push((over, vec![gate])),
        }
    }
    let line = |(over, gates): &(&PassedOver, Vec<String>)| {
        let what = state.plan(&over.plan).map_or_else(|| inline(&over.plan), plans::noun);
        let (at, reason) = (clock_after(state.started_at, over.at), sentences(&inside(&over.reason)));
        let gates = match gates.as_slice() {
            [one] => format!("A gate was **overridden**: {one}"),
            all => format!("{} gates were **overridden**: {}", all.len(), all.join(", ")),
        };
        format!("{gates}. That was for {what} at {at}. Reason: {reason}")
    };
    together.iter().map(line).collect()
}

/// Tasks whose owner was not back in time.
fn late_tasks(state: &State, now: Timestamp) -> impl Iterator<Item = String> {
    /// Nobody counts the seconds.
    const JUST: SignedDuration = SignedDuration::from_mins(1);
    let late = move |task: &Task| {
        let length = task.end.as_ref().map_or(now, |end| end.at).duration_since(task.until);
        (length > JUST).then(|| duration(length))
    };
    state.tasks.iter().filter_map(move |task| {
        let (owner, text, late) = (inline(&task.owner), inside(&task.text), late(task)?);
        Some(match &task.end {
            Some(_) => format!("A task ended {late} late: {text} ({owner})."),
            None => format!(
                "It is not on record what came of a task: {text} ({owner}, back by {}).",
                clock_after(state.started_at, task.until)
            ),
        })
    })
}
