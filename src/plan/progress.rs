//! Where a plan stands, what comes next in it, and what a person may decide about it.

use super::{Action, Plan, Undo};
use crate::incident::{Decision, PlanRun, PlanState, StepState};

/// What a person may decide about a plan now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The step it is about, counted from 0.
    pub step: usize,
    /// The kind of decision, with empty reasons.
    pub decision: Decision,
    /// What it would do, in one line.
    pub title: String,
    /// Whether the step may have been carried out already, so that this could do it twice.
    pub risky: bool,
}

/// The first step that is neither done nor passed over; `None`: all are.
pub fn next_step(run: &PlanRun) -> Option<usize> {
    run.steps.iter().position(|step| !step.is_settled())
}

/// What may be decided about a plan as it stands.
pub fn choices(plan: &Plan, run: &PlanRun) -> Vec<Choice> {
    let Some(step) = next_step(run) else { return undo_choice(plan, run) };
    let (Some(planned), Some(ran)) = (plan.steps.get(step), run.steps.get(step)) else {
        return Vec::new();
    };
    let state = ran.state();
    let under_way = run.state.is_under_way();
    let choice = |decision, title: String, risky| Choice { step, decision, title, risky };
    let mut list = Vec::new();
    let watches = matches!(planned.action, Action::Watch(_));
    let holds = matches!(planned.action, Action::Hold { .. });
    if under_way && state == StepState::Running && planned.action.changes_something() {
        // A command that runs is stopped, not decided about.
        return list;
    }
    if run.state == PlanState::Waiting || (under_way && holds) || !under_way {
        let title = match state {
            StepState::Failed => None,
            _ if holds => Some("let it go on".to_owned()),
            _ => Some(format!("go on with: {}", planned.title)),
        };
        list.extend(title.map(|title| choice(Decision::Resume, title, false)));
    }
    if matches!(state, StepState::Failed | StepState::Unknown)
        || (state == StepState::Waiting && ran.run.is_some())
    {
        let unknown =
            state == StepState::Unknown || ran.run.as_ref().is_some_and(|run| run.outcome.is_none());
        let risky = !planned.retry_is_safe && planned.action.changes_something() && unknown;
        list.push(choice(Decision::Retry, format!("carry out again: {}", planned.title), risky));
    }
    if !under_way || matches!(state, StepState::Waiting) || watches || holds {
        let title = if watches && under_way {
            "promote now, before the watch is over".to_owned()
        } else {
            format!("go on without: {}", planned.title)
        };
        list.push(choice(Decision::Skip { reason: String::new() }, title, false));
    }
    list.extend(undo_choice(plan, run));
    if under_way || !matches!(run.state, PlanState::Ended(crate::incident::PlanEnd::Cancelled)) {
        list.push(choice(Decision::GiveUp, "leave it as it is, for good".to_owned(), false));
    }
    list
}

/// Undoing goes back to the first step that can be undone without an irreversible one after
/// it.
fn undo_choice(plan: &Plan, run: &PlanRun) -> Vec<Choice> {
    let begun = |index: &usize| {
        run.steps.get(*index).is_some_and(|step| {
            step.run.is_some() && !matches!(step.state(), StepState::Undone | StepState::Skipped)
        })
    };
    let mut to = None;
    for (index, step) in plan.steps.iter().enumerate().rev() {
        if !begun(&index) {
            continue;
        }
        match &step.undo {
            Undo::By { .. } => to = Some(index),
            Undo::Nothing => {}
            Undo::Irreversible { .. } => break,
        }
    }
    let step = next_step(run).unwrap_or(plan.steps.len().saturating_sub(1));
    to.map(|to| {
        let title = plan.steps.get(to).map_or("", |step| &step.title);
        Choice {
            step,
            decision: Decision::Undo { to },
            title: format!("undo, back to and including: {title}"),
            risky: false,
        }
    })
    .into_iter()
    .collect()
}

/// What undoing a plan back to and including a step carries out, in that order: index of the
/// step, and what undoes it; `None` where it leaves nothing behind.
pub fn undoing<'a>(plan: &'a Plan, run: &PlanRun, to: usize) -> Vec<(usize, Option<&'a Action>)> {
    let begun = |(index, _): &(usize, &super::Step)| {
        *index >= to
            && run.steps.get(*index).is_some_and(|step| {
                step.run.is_some() && !matches!(step.state(), StepState::Undone | StepState::Skipped)
            })
    };
    let steps = plan.steps.iter().enumerate().rev().filter(begun);
    let undone = |step: &'a super::Step| match &step.undo {
        Undo::By { action, .. } => Some(action),
        Undo::Nothing | Undo::Irreversible { .. } => None,
    };
    steps.map(|(index, step)| (index, undone(step))).collect()
}

/// Tells whether a decision lets something in the world be changed that was stopped at: in a
/// protected environment its name has to be given for it.
pub fn changes_world(decision: &Decision) -> bool {
    matches!(decision, Decision::Retry | Decision::Skip { .. } | Decision::Undo { .. })
}

/// What has to be given before a decision is carried out: the name of the target, where that is
/// protected or the step could be done twice.
pub fn word<'a>(plan: &'a Plan, choice: &Choice) -> Option<&'a str> {
    if choice.risky {
        return Some(plan.confirm.as_deref().unwrap_or(&plan.target));
    }
    plan.confirm.as_deref().filter(|_| changes_world(&choice.decision))
}

/// Why a decision is risky, for whoever has to confirm it.
pub const RISK: &str =
    "nobody knows whether it was done, and running it twice is not known to be safe: it may be done twice";
