//! The plans in plain text: those that stand still until somebody decides before all others.

use jiff::SignedDuration;

use super::follow::{about_waiting, how_to_answer};
use super::sheet::{Hue, Line, Sheet};
use super::situation::Situation;
use super::status_text::more_before;
use crate::incident::{PlanEnd, PlanRun, PlanState, StepRun, StepState, duration};

/// Plans listed: what does not fit is counted, never dropped in silence.
const RUNS: usize = 5;

/// Writes the plans, the last ones and those that wait for a decision.
pub(super) fn runs(page: &mut Sheet, situation: &Situation) {
    let plans = &situation.state.plans;
    if plans.is_empty() {
        return;
    }
    let undecided: Vec<&PlanRun> = situation.state.undecided().collect();
    if !undecided.is_empty() {
        page.section("DECIDE");
        for run in &undecided {
            plan(page, situation, run);
            page.prose(&format!("flightdeck plan show {}  shows what can be done", run.id), Hue::Strong);
        }
    }
    let known = |run: &&PlanRun| undecided.iter().any(|one| one.id == run.id);
    let rest: Vec<&PlanRun> = plans.iter().filter(|run| !known(run)).collect();
    if rest.is_empty() {
        return;
    }
    page.section("RUNS");
    more_before(page, rest.len().saturating_sub(RUNS), "plans");
    for run in rest.iter().skip(rest.len().saturating_sub(RUNS)) {
        plan(page, situation, run);
    }
}

fn plan(page: &mut Sheet, situation: &Situation, plan: &PlanRun) {
    let (glyph, hue) = match plan.state {
        PlanState::Running => ("▶", Hue::Strong),
        PlanState::Waiting => ("‖", Hue::Warn),
        PlanState::Ended(PlanEnd::Done) => ("✓", Hue::Good),
        PlanState::Ended(PlanEnd::Unknown) => ("?", Hue::Warn),
        PlanState::Ended(PlanEnd::Cancelled) => ("■", Hue::Warn),
        PlanState::Ended(PlanEnd::Failed) => ("✗", Hue::Bad),
    };
    let end = plan.ended_at.unwrap_or(situation.now);
    let length = duration(end.duration_since(plan.started_at).max(SignedDuration::ZERO));
    page.line(
        Line::new()
            .put(glyph, hue)
            .plain(" ")
            .cell(&plan.title, 45, Hue::Plain)
            .plain("  ")
            .cell(plan.state.word(), 15, hue)
            .plain(" ")
            .put(&length, Hue::Dim),
    );
    if plan.is_done() {
        return;
    }
    if let Some(time) = plan.extended_for().filter(|_| plan.state.is_under_way()) {
        page.prose(&format!("nothing worse so far, {length} of {}", duration(time)), Hue::Dim);
        return;
    }
    for run in &plan.steps {
        step(page, run);
    }
    if !plan.why.is_empty() {
        page.prose(&plan.why, hue);
    }
}

fn step(page: &mut Sheet, step: &StepRun) {
    let state = step.state();
    let hue = match state {
        StepState::Waiting | StepState::Unknown => Hue::Warn,
        StepState::Failed => Hue::Bad,
        _ => Hue::Dim,
    };
    page.line(Line::new().plain("    ").cell(&step.title, 43, Hue::Dim).plain("  ").put(state.name(), hue));
    for run in step.run.iter().chain(&step.undo).filter(|run| run.outcome.is_none()) {
        let Some((waits, words)) = run.waits.as_ref().zip(run.waits_for()) else { continue };
        page.prose(&format!("    {words}"), Hue::Warn);
        let pid = run.process.as_ref().map(|process| process.pid);
        page.prose(&format!("    {}", about_waiting(waits, pid)), Hue::Dim);
        for line in how_to_answer(&run.id, waits) {
            page.prose(&format!("    {line}"), Hue::Strong);
        }
    }
    if let Some(remote) = step.run.as_ref().and_then(|run| run.remote.as_ref()) {
        page.prose(&format!("    {}", remote.line()), Hue::Dim);
    }
    if let Some((_, why)) = &step.waiting {
        page.prose(&format!("    waits: {why}"), hue);
    }
    if let Some((_, by, reason)) = &step.skipped {
        page.prose(&format!("    overridden by {by}: {reason}"), hue);
    }
}
