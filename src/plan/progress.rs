//! Where a plan stands, what comes next in it, and what a person may decide about it.

mod meaning;

use super::pipeline::{Pipeline, Runner};
use super::{Action, Plan, Purpose, Step, Undo};
use crate::incident::{
    Decision, Outcome, PlanEnd, PlanRun, PlanState, Remote, RemoteState, StepRun, StepState, share_before,
};

pub use meaning::{Meaning, meaning};

/// What a person may decide about a plan now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The step it is about, counted from 0.
    pub step: usize,
    /// The last run of that step, if it began: what is decided on one run is no answer to
    /// another.
    pub run: Option<String>,
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

/// The step that matters now: the one being undone or carried out, else the next one, else the
/// last.
pub fn current(run: &PlanRun) -> usize {
    let goes_on = |run: &crate::incident::Run| run.outcome.is_none();
    let undone = run.steps.iter().position(|step| step.undo.as_ref().is_some_and(goes_on));
    let running = || run.steps.iter().position(|step| step.run.as_ref().is_some_and(goes_on));
    let last = run.steps.len().saturating_sub(1);
    undone.or_else(running).or_else(|| next_step(run)).unwrap_or(last)
}

/// The step that a plan came to: of one that has ended the last that began, also where what came before it was
/// undone since.
pub fn reached(run: &PlanRun) -> usize {
    let began = |step: &StepRun| step.run.is_some();
    let last = run.steps.iter().rposition(began).filter(|_| !run.state.is_under_way() && !run.is_done());
    last.map_or_else(|| current(run), |last| last.max(current(run)))
}

/// What may be decided about a plan as it stands at an installation (0: it is not known which). What ended elsewhere is
/// taken up again only there, and a pipeline is approved with the token of the machine that carries the plan out.
pub fn choices_at(plan: &Plan, run: &PlanRun, here: u64) -> Vec<Choice> {
    let mut choices = choices(plan, run);
    if here != 0 && run.elsewhere(here).is_some() {
        let is_carried = run.state.is_under_way();
        choices.retain(|choice| is_carried && !matches!(choice.decision, Decision::Review { .. }));
    }
    choices
}

/// What may be decided about a plan as it stands.
pub fn choices(plan: &Plan, run: &PlanRun) -> Vec<Choice> {
    let under_way = run.state.is_under_way();
    let Some(index) = next_step(run) else {
        // All is done: there is nothing left but to undo it.
        return if under_way { Vec::new() } else { undo_choice(plan, run).into_iter().collect() };
    };
    let (Some(planned), Some(step)) = (plan.steps.get(index), run.steps.get(index)) else {
        return Vec::new();
    };
    if is_being_changed(run, planned, step) {
        // What changes the world right now is stopped, not decided about; but it can be said
        // beforehand that there is no way on from it but back.
        return undo_choice(plan, run).into_iter().collect();
    }
    if let Action::Pipeline(pipeline) = &planned.action
        && under_way
        && step.fate() == StepState::Running
    {
        // It goes on at its host, whatever is decided here. It is stopped, or what it waits for is given.
        return reviews(index, pipeline, step);
    }
    let mut list: Vec<(Decision, String, bool)> = Vec::new();
    list.extend(resume(planned, step, under_way));
    list.extend(retry(planned, step, under_way));
    list.extend(skip(plan, planned, step, under_way));
    let mut list: Vec<Choice> = list
        .into_iter()
        .map(|(decision, title, risky)| Choice { step: index, run: run_of(step), decision, title, risky })
        .collect();
    list.extend(undo_choice(plan, run));
    if run.state != PlanState::Ended(PlanEnd::Cancelled) {
        let title = "abandon the plan, for good".to_owned();
        list.push(Choice { step: index, run: run_of(step), decision: Decision::GiveUp, title, risky: false });
    }
    list
}

/// Tells whether a step has failed and the conductor of its plan has yet to write what becomes of
/// the plan: for that moment there is less to decide than there will be.
pub fn is_between_steps(run: &PlanRun) -> bool {
    let ended = |step: &StepRun| matches!(step.state(), StepState::Failed | StepState::Unknown);
    run.state == PlanState::Running
        && next_step(run).and_then(|index| run.steps.get(index)).is_some_and(ended)
}

/// The pipeline that the last run of a step followed, where that goes on.
fn followed(step: &StepRun) -> Option<&Remote> {
    step.run.as_ref()?.remote.as_ref().filter(|remote| !remote.state.is_over())
}

/// What may be said to what a pipeline waits for at its host.
fn reviews(index: usize, pipeline: &Pipeline, step: &StepRun) -> Vec<Choice> {
    let remote = step.run.as_ref().and_then(|run| run.remote.as_ref());
    let Some(remote) = remote.filter(|remote| remote.asks) else { return Vec::new() };
    let what = remote.approval().map_or(remote.note.trim_start_matches("for "), |(place, _)| place);
    let choice = |approve: bool, word: &str| Choice {
        step: index,
        run: run_of(step),
        decision: Decision::Review {
            approve,
            comment: String::new(),
            waits_for: remote.note.clone(),
            ids: remote.ids.clone(),
        },
        title: format!("{word} {what} in {} ({})", remote.name, pipeline.host()),
        risky: false,
    };
    vec![choice(true, "approve"), choice(false, "reject")]
}

fn run_of(step: &StepRun) -> Option<String> {
    step.run.as_ref().map(|run| run.id.clone())
}

/// Tells whether the step changes the world at this moment, or is just about to begin.
fn is_being_changed(run: &PlanRun, planned: &Step, step: &StepRun) -> bool {
    if !run.state.is_under_way() {
        return false;
    }
    match step.state() {
        StepState::Waiting => false,
        // Its own part is over; it is asked whether that took effect.
        StepState::Running if is_being_proven(step) => false,
        StepState::Running => planned.action.changes_something(),
        _ => true,
    }
}

/// Tells whether what a step does has ended, and flightdeck is checking whether it is done.
pub fn is_being_proven(step: &StepRun) -> bool {
    step.undo.is_none()
        && step.fate() == StepState::Running
        && step.run.as_ref().is_some_and(|run| run.outcome.is_some())
}

fn resume(planned: &Step, step: &StepRun, under_way: bool) -> Option<(Decision, String, bool)> {
    let holds = matches!(planned.action, Action::Hold { .. });
    let title = &planned.title;
    let title = match (step.fate(), under_way) {
        (StepState::Unknown, _) if matches!(planned.action, Action::Pipeline(_)) => match followed(step) {
            Some(remote) => format!("follow {} again, starting nothing", remote.name),
            None => format!("look for its run, starting nothing: {title}"),
        },
        (StepState::Unknown, _) if planned.proof.is_some() => {
            format!("check again whether it is done: {title}")
        }
        // A person stands between a failure and what comes next, under way or not.
        (StepState::Failed, true) if step.waiting.is_none() => return None,
        (StepState::Failed, _) if planned.settle.is_some() => {
            format!("resume, once no conflict is left: {title}")
        }
        (StepState::Failed, _) if planned.proof.is_some() => {
            format!("check whether it was done since, and resume: {title}")
        }
        // It says that it failed, or nothing could tell: there is nothing to go on from but to
        // try again.
        (StepState::Failed | StepState::Unknown, _) => return None,
        (StepState::Running, true) if holds => "release the hold".to_owned(),
        (StepState::Running, true) => match planned.action {
            Action::Gate { .. } => "look again".to_owned(),
            _ if step.waiting.is_some() => format!("start again: {title}"),
            _ => return None,
        },
        _ if step.state() == StepState::Undone => format!("run it again and continue: {title}"),
        _ => format!("continue with: {title}"),
    };
    Some((Decision::Resume, title, false))
}

fn retry(planned: &Step, step: &StepRun, under_way: bool) -> Option<(Decision, String, bool)> {
    let fate = step.fate();
    if !matches!(fate, StepState::Failed | StepState::Unknown) || (under_way && step.waiting.is_none()) {
        return None;
    }
    if followed(step).is_some() {
        // It goes on at its host: there is nothing to start again.
        return None;
    }
    let risky = !planned.retry_is_safe && planned.action.changes_something() && fate == StepState::Unknown;
    let title = match failed_run(planned, step) {
        Some(remote) => format!("rerun the failed jobs of {}: {}", remote.name, planned.title),
        None => format!("retry: {}", planned.title),
    };
    Some((Decision::Retry, title, risky))
}

/// The run that a step followed last, where it failed and its host can run the failed jobs of it again.
pub fn failed_run<'a>(planned: &Step, step: &'a StepRun) -> Option<&'a Remote> {
    let Action::Pipeline(pipeline) = &planned.action else { return None };
    if step.fate() != StepState::Failed || matches!(pipeline.runner, Runner::Command { .. }) {
        return None;
    }
    let remote = step.run.iter().chain(step.earlier.iter().rev()).find_map(|run| run.remote.as_ref())?;
    matches!(remote.state, RemoteState::Failed | RemoteState::TimedOut).then_some(remote)
}

fn skip(plan: &Plan, planned: &Step, step: &StepRun, under_way: bool) -> Option<(Decision, String, bool)> {
    let title = match &planned.action {
        // Gates are passed over one by one, where the severity allows it, and never in passing.
        Action::Gate { .. } => return None,
        // A rollback is where it should be: there is nothing to promote.
        Action::Watch(_)
            if under_way && step.fate() == StepState::Running && plan.purpose == Purpose::Rollback =>
        {
            "end the watch now, before it is over".to_owned()
        }
        Action::Watch(_) if under_way && step.fate() == StepState::Running => {
            "promote now, before the watch is over".to_owned()
        }
        _ if step.state() == StepState::Undone => format!("skip it and continue: {}", planned.title),
        _ => format!("continue without: {}", planned.title),
    };
    Some((Decision::Skip { reason: String::new() }, title, false))
}

/// Undoing goes back to the first step that can be undone without an irreversible one after
/// it.
fn undo_choice(plan: &Plan, run: &PlanRun) -> Option<Choice> {
    let mut to = None;
    for (index, (planned, step)) in plan.steps.iter().zip(&run.steps).enumerate().rev() {
        if !may_have_left_something(step) {
            continue;
        }
        match &planned.undo {
            Undo::By { .. } => to = Some(index),
            Undo::Nothing => {}
            Undo::Irreversible { .. } => break,
        }
    }
    let to = to?;
    let step = next_step(run).unwrap_or(plan.steps.len().saturating_sub(1));
    let began = run.steps.get(to).and_then(|step| step.undo.as_ref());
    Some(Choice {
        step,
        run: run.steps.get(step).and_then(run_of),
        decision: Decision::Undo { to },
        title: undo_title(plan, to),
        risky: began.is_some_and(|undo| matches!(undo.outcome, Some(Outcome::Unknown { .. }))),
    })
}

/// What undoing back to and including a step comes to, in one line.
pub fn undo_title(plan: &Plan, to: usize) -> String {
    match share_before(plan.steps.iter().take(to + 1).map(|step| step.title.as_str())) {
        Some(left) => format!("undo: {left}"),
        None => format!("undo back to: {}", plan.steps.get(to).map_or("", |step| &step.title)),
    }
}

/// Tells whether a step may have left something behind that its undoing would have to take
/// away. What is known never to have happened has not.
pub fn may_have_left_something(step: &StepRun) -> bool {
    let Some(run) = &step.run else { return false };
    if step.fate() == StepState::Undone {
        return false;
    }
    let nothing = matches!(
        run.outcome,
        Some(Outcome::DidNotStart { .. } | Outcome::NotMet { .. } | Outcome::Interrupted { .. })
    );
    // The run before it may have.
    !nothing || !step.earlier.is_empty()
}

/// Whether a decision can be acted upon.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Offered {
    /// It can.
    Yes,
    /// The plan has moved on since it was made.
    MovedOn,
    /// It makes no sense as the plan stands.
    No,
}

/// Tells whether a decision can be acted upon, that was made on a step (from 0) and its last
/// run. Abandoning and undoing are about the plan, and stay good when it moves on.
pub fn offered(plan: &Plan, run: &PlanRun, step: usize, last: Option<&str>, decision: &Decision) -> Offered {
    let anywhere = matches!(decision, Decision::Undo { .. } | Decision::GiveUp);
    match offered_to_others(plan, run, step, last, decision) {
        Offered::MovedOn if anywhere => Offered::Yes,
        offered => offered,
    }
}

/// The same of a decision that was made on another machine. It may have been on its way for long: none of them stays
/// good when the plan moves on.
pub fn offered_to_others(
    plan: &Plan,
    run: &PlanRun,
    step: usize,
    last: Option<&str>,
    decision: &Decision,
) -> Offered {
    let matches = |offer: &&Choice| match (&offer.decision, decision) {
        (Decision::Undo { to }, Decision::Undo { to: wanted }) => wanted >= to && *wanted < plan.steps.len(),
        (Decision::Review { approve, .. }, Decision::Review { approve: wanted, .. }) => approve == wanted,
        (offer, wanted) => offer.name() == wanted.name(),
    };
    let choices = choices(plan, run);
    let Some(offer) = choices.iter().find(matches) else { return Offered::No };
    if offer.step == step && offer.run.as_deref() == last { Offered::Yes } else { Offered::MovedOn }
}

/// What undoing a plan back to and including a step carries out, in that order: index of the
/// step, and what undoes it; `None` where it leaves nothing behind.
pub fn undoing<'a>(plan: &'a Plan, run: &PlanRun, to: usize) -> Vec<(usize, Option<&'a Action>)> {
    let begun = |(index, _): &(usize, &Step)| {
        *index >= to && run.steps.get(*index).is_some_and(may_have_left_something)
    };
    let steps = plan.steps.iter().enumerate().rev().filter(begun);
    let undone = |step: &'a Step| match &step.undo {
        Undo::By { action, .. } => Some(action),
        Undo::Nothing | Undo::Irreversible { .. } => None,
    };
    steps.map(|(index, step)| (index, undone(step))).collect()
}

/// Tells whether a decision lets something in the world be changed that was stopped at: in a
/// protected environment its name has to be given for it.
pub fn changes_world(decision: &Decision) -> bool {
    matches!(
        decision,
        Decision::Retry
            | Decision::Skip { .. }
            | Decision::Undo { .. }
            | Decision::Review { approve: true, .. }
    )
}

/// What has to be given before a decision is carried out: the name of the target, where that is
/// protected or the step could be done twice. A plan that has ended is not begun again without it
/// either.
pub fn word<'a>(plan: &'a Plan, run: &PlanRun, choice: &Choice) -> Option<&'a str> {
    if choice.risky {
        return Some(plan.word());
    }
    let again = choice.decision == Decision::Resume && !run.state.is_under_way();
    plan.confirm.as_deref().filter(|_| again || changes_world(&choice.decision))
}

/// Why a decision is risky, for whoever has to confirm it.
pub const RISK: &str = "unknown whether it was done: if you run it again, it may be done twice";

/// Tells whether the commits a plan was made for may have been moved by its own steps: those
/// that run git are there to do just that.
pub fn has_moved_refs(plan: &Plan, run: &PlanRun) -> bool {
    plan.steps.iter().zip(&run.steps).any(|(planned, step)| {
        let runs_git = matches!(&planned.action, Action::Command(command)
            if command.argv.first().is_some_and(|program| program == "git"));
        runs_git && step.run.is_some()
    })
}

#[cfg(test)]
mod tests;
