//! How far a plan came, in the few words that there is room for.

use jiff::{SignedDuration, Timestamp};

use super::glyph;
use super::ui::stopwatch;
use crate::health::series::Status;
use crate::incident::{PlanRun, PlanState, Run, StepRun, StepState, duration};
use crate::plan::{Action, progress};

/// What a step that runs shows of its time: what is left of a hold, how much of a watch is
/// over, how long a command has been going.
pub(super) fn clock(run: &Run, action: Option<&Action>, now: Timestamp) -> String {
    let since = now.duration_since(run.started_at).max(SignedDuration::ZERO);
    match action {
        Some(Action::Hold { time: Some(time) }) => {
            format!("{} left", stopwatch((*time - since).max(SignedDuration::ZERO)))
        }
        Some(Action::Watch(watch)) => {
            format!("{} of {}", stopwatch(since.min(watch.time)), stopwatch(watch.time))
        }
        _ => stopwatch(since),
    }
}

/// How a watch from a distance stands: one failure ends it.
pub(super) fn extended(plan: &PlanRun, now: Timestamp) -> Option<String> {
    let time = plan.extended_for()?;
    let since = now.duration_since(plan.started_at).max(SignedDuration::ZERO).min(time);
    let points: Vec<_> = plan.left_to_people().iter().map(|point| point.name()).collect();
    let left =
        if points.is_empty() { String::new() } else { format!("; look at {} yourself", points.join(", ")) };
    Some(format!("nothing worse, {} of {}{left}", duration(since), duration(time)))
}

/// What a probe last saw, in a word or two.
pub(super) fn seen(probe: &Status) -> String {
    let Some(last) = &probe.last else { return "no data".to_owned() };
    match last.value {
        Some(value) => format!("{} {}", number(value), probe.unit).trim_end().to_owned(),
        None if last.headline.is_empty() => probe.state.name().to_owned(),
        None => last.headline.clone(),
    }
}

fn number(value: f64) -> String {
    if value.fract() == 0.0 || value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") }
}

/// The step of a plan that matters now.
pub(super) fn step(plan: &PlanRun) -> Option<(usize, &StepRun)> {
    let index = progress::current(plan);
    plan.steps.get(index).map(|step| (index, step))
}

/// How far a plan came: `3/7`; empty for a plan of one step.
pub(super) fn count(plan: &PlanRun) -> String {
    match plan.steps.len() {
        0 | 1 => String::new(),
        all if plan.is_done() => format!("{all}/{all}"),
        all => format!("{}/{all}", progress::reached(plan) + 1),
    }
}

/// The action of a step as it was planned, read from the record.
fn action(plan: &PlanRun, index: usize) -> Option<Action> {
    let action = plan.spec.get("steps")?.get(index)?.get("action")?;
    serde::Deserialize::deserialize(action).ok()
}

/// What a plan of several steps is at, in words, and how far that came in time; empty where that says nothing.
pub(super) fn at(plan: &PlanRun, now: Timestamp) -> (String, String) {
    let Some((index, step)) = step(plan) else { return (plan.state.word().to_owned(), String::new()) };
    if plan.is_done() {
        return (plan.state.word().to_owned(), String::new());
    }
    if let Some(why) = step.waits_for() {
        return (format!("waits: {why}"), String::new());
    }
    if let Some(undo) = step.undo.as_ref().filter(|undo| undo.outcome.is_none()) {
        return (format!("undoing {}", step.title), clock(undo, None, now));
    }
    let words = match (&step.run, plan.state) {
        (Some(run), PlanState::Running) if run.outcome.is_none() => {
            let stopped = if run.stop_asked.is_some() { "being stopped: " } else { "" };
            let action = action(plan, index);
            let time = match &action {
                Some(Action::Hold { .. } | Action::Watch(_)) => clock(run, action.as_ref(), now),
                _ => String::new(),
            };
            return (format!("{stopped}{}", step.title), time);
        }
        (_, PlanState::Running | PlanState::Waiting) => step.title.clone(),
        (run, state) => {
            let ended = run.as_ref().and_then(|run| run.outcome.as_ref()).filter(|o| !o.succeeded());
            let ended = ended.map(glyph::outcome_words);
            match (ended, step.state()) {
                (Some(ended), StepState::Failed | StepState::Unknown) => format!("{}: {ended}", step.title),
                _ if plan.why.is_empty() => state.word().to_owned(),
                _ => format!("{}: {}", state.word(), plan.why),
            }
        }
    };
    (words, String::new())
}
