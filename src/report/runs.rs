//! What was run, as rows of a table.

use jiff::Timestamp;

use super::document::{spell, took, utc};
use super::escape::{cell, inline, table};
use crate::incident::{Outcome, PlanRun, PlanState, Proof, State, StepRun};

/// The table of plans and their steps; `None` where none was started.
pub(super) fn section(state: &State, now: Timestamp) -> Option<String> {
    let rows: Vec<[String; 6]> = state.plans.iter().flat_map(|plan| rows_of(plan, now)).collect();
    (!rows.is_empty())
        .then(|| table(["Began (UTC)", "Plan or step", "Outcome", "Took", "By", "Last output"], rows))
}

fn rows_of(plan: &PlanRun, now: Timestamp) -> Vec<[String; 6]> {
    let head = [
        spell(plan.started_at),
        format!("**{}**", cell(&plan.title)),
        with_why(plan_words(plan.state), &plan.why),
        took(plan.started_at, plan.ended_at, now),
        cell(&plan.by),
        cell(""),
    ];
    std::iter::once(head).chain(plan.steps.iter().map(|step| row_of(step, now))).collect()
}

fn row_of(step: &StepRun, now: Timestamp) -> [String; 6] {
    let Some(run) = &step.run else {
        return [cell(""), cell(&step.title), "not started".to_owned(), cell(""), cell(""), cell("")];
    };
    let mut outcome = run.outcome.as_ref().map_or_else(|| "running".to_owned(), outcome_words);
    if let Some((at, proof, why)) = &step.proof {
        let found = match proof {
            Proof::Done => "found to be done",
            Proof::NotDone => "found not to be done",
            Proof::Unknown => "could not be found out",
        };
        outcome = format!("{outcome}; {} {}", with_why(found, why), utc(*at));
    }
    if let Some((at, by)) = &run.stop_asked {
        outcome = format!("{outcome}; stop asked for by {} {}", cell(by), utc(*at));
    }
    [
        spell(run.started_at),
        cell(&step.title),
        outcome,
        took(run.started_at, run.ended_at, now),
        cell(""),
        cell(&run.summary),
    ]
}

fn plan_words(state: PlanState) -> &'static str {
    match state {
        PlanState::Ended(crate::incident::PlanEnd::Unknown) => "**unknown**",
        state => state.name(),
    }
}

/// How a command ended, in words; Markdown.
fn outcome_words(outcome: &Outcome) -> String {
    match outcome {
        Outcome::Exited { code: 0 } => "exit code 0".to_owned(),
        Outcome::Exited { code } => format!("failed, exit code {code}"),
        Outcome::Signalled { signal } => format!("ended by signal {signal}"),
        Outcome::DidNotStart { why } => with_why("did not start", why),
        Outcome::Unknown { why } => with_why("**unknown**", why),
        Outcome::Met => "done".to_owned(),
        Outcome::NotMet { why } => with_why("failed", why),
        Outcome::Interrupted { why } => with_why("broken off", why),
    }
}

fn with_why(words: &str, why: &str) -> String {
    match inline(why) {
        why if why.is_empty() => words.to_owned(),
        why => format!("{words}: {why}"),
    }
}
