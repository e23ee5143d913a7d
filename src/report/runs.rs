//! What was run, as rows of a table.

use jiff::Timestamp;

use super::links::{self, Place};
use super::words::{brought, spell, took, utc};
use crate::incident::{Outcome, PlanEnd, PlanRun, PlanState, Proof, State, StepRun, WatchVerdict, finding};
use crate::text::markdown::{cell, inline, table};

/// The table of plans and their steps; `None` where none was started.
pub(super) fn section(state: &State, now: Timestamp) -> Option<String> {
    let plans = state.plans.iter().enumerate();
    let rows: Vec<[String; 6]> =
        plans.flat_map(|(number, plan)| rows_of(state, plan, Place::Plan(number), now)).collect();
    (!rows.is_empty())
        .then(|| table(["Began (UTC)", "Plan or step", "Outcome", "Took", "By", "Last output"], rows))
}

fn rows_of(state: &State, plan: &PlanRun, place: Place, now: Timestamp) -> Vec<[String; 6]> {
    let head = [
        [place.anchor(), spell(plan.started_at)].concat(),
        format!("**{}**", cell(&plan.title)),
        with_why(plan_words(plan.state), &plan.why),
        took(plan.started_at, plan.ended_at, now),
        cell(&plan.by),
        cell(""),
    ];
    std::iter::once(head).chain(plan.steps.iter().map(|step| row_of(state, step, now))).collect()
}

fn row_of(state: &State, step: &StepRun, now: Timestamp) -> [String; 6] {
    let said = said(step).join("; ");
    let Some(run) = &step.run else {
        return [cell(""), cell(&step.title), said, cell(""), cell(""), cell("")];
    };
    [
        spell(run.started_at),
        cell(&step.title),
        said,
        took(run.started_at, run.ended_at, now),
        cell(""),
        if run.summary.trim().is_empty() { cell("") } else { links::text(state, run.found()) },
    ]
}

/// All that became of a step, in order.
fn said(step: &StepRun) -> Vec<String> {
    let mut said = Vec::new();
    for before in step.earlier.iter().filter(|_| step.run.is_some()) {
        let ended = before.outcome.as_ref().map_or_else(|| "end not seen".to_owned(), outcome_words);
        said.push(format!("before, {}: {ended}", utc(before.started_at)));
    }
    match &step.run {
        None if step.skipped.is_none() => said.push("not started".to_owned()),
        None => {}
        Some(run) => {
            said.push(run.outcome.as_ref().map_or_else(|| "running".to_owned(), |o| ended_words(o, step)));
            if let Some((at, by)) = &run.stop_asked {
                said.push(format!("stop asked for by {} {}", cell(by), utc(*at)));
            }
        }
    }
    let agreed = step.run.as_ref().is_some_and(|run| run.outcome.as_ref().is_some_and(Outcome::succeeded));
    // That the world agrees with a command which ended well is what is expected.
    if let Some((at, proof, why)) =
        step.proof.as_ref().filter(|(_, proof, _)| !agreed || *proof != Proof::Done)
    {
        said.push(format!("{} {}", with_why(found(*proof, "done"), why), utc(*at)));
    }
    if let Some((at, why)) = &step.waiting {
        said.push(with_why(&format!("**waits** since {}", utc(*at)), why));
    }
    if let Some((at, by, reason)) = &step.skipped {
        said.push(with_why(&format!("**skipped** by {} {}", cell(by), utc(*at)), reason));
    }
    if let Some(undo) = &step.undo {
        let ended = match &undo.outcome {
            None => "being undone".to_owned(),
            Some(outcome) if outcome.succeeded() => "**undone**".to_owned(),
            Some(outcome) => format!("undoing it: {}", outcome_words(outcome)),
        };
        said.push(format!("{ended} {}", utc(undo.ended_at.unwrap_or(undo.started_at))));
    }
    if let Some((at, proof, why)) = &step.undo_proof {
        said.push(format!("{} {}", with_why(found(*proof, "undone"), why), utc(*at)));
    }
    said
}

/// What the world said of a step, in words.
fn found(proof: Proof, what: &str) -> &'static str {
    match (proof, what) {
        (Proof::Done, "undone") => "found to be undone",
        (Proof::NotDone, "undone") => "found not to be undone",
        (Proof::Done, _) => "found to be done",
        (Proof::NotDone, _) => "found not to be done",
        (Proof::Unknown, _) => "nobody knows",
    }
}

/// What was brought into environments, with what watching it showed; `None` where nothing was.
pub(super) fn releases(state: &State) -> Option<String> {
    let rows: Vec<[String; 6]> = state
        .releases
        .iter()
        .enumerate()
        .map(|(number, release)| {
            let back = if release.rollback { "back to " } else { "" };
            let verdict = match &release.verdict {
                None => "not watched".to_owned(),
                Some((at, WatchVerdict::Passed, why)) if release.vouched => {
                    format!("not watched: {} {}", cell(finding(why)), utc(*at))
                }
                Some((at, verdict, why)) => {
                    let word = match verdict {
                        WatchVerdict::Passed => "✓ passed",
                        WatchVerdict::Failed => "✗ **failed**",
                        WatchVerdict::Unknown => "**could not be told**",
                    };
                    format!("{} {}", with_why(word, finding(why)), utc(*at))
                }
            };
            [
                [Place::Release(number).anchor(), spell(release.at)].concat(),
                cell(&release.environment),
                format!("{back}{}", links::tag(state, release.tag.as_deref(), cell(&release.name()))),
                links::commit(state, &release.commit, short(&release.commit)),
                cell(&release.by),
                verdict,
            ]
        })
        .collect();
    let head = ["When (UTC)", "Environment", "Release", "Commit", "By", "Watch"];
    let brought = state.releases.iter().filter(|release| !release.rollback).filter_map(|release| {
        let commits = brought(state.plan(&release.plan)?);
        let (name, place) = (inline(&release.name()), inline(&release.environment));
        (!commits.is_empty()).then(|| format!("\n{name} brought to {place}: {commits}.\n"))
    });
    (!rows.is_empty()).then(|| table(head, rows) + &brought.collect::<String>())
}

/// A commit by its first letters, as code.
fn short(commit: &str) -> String {
    format!("`{}`", cell(commit.get(..7).unwrap_or(commit)))
}

fn plan_words(state: PlanState) -> &'static str {
    match state {
        PlanState::Ended(PlanEnd::Unknown) => "**unknown**",
        state => state.word(),
    }
}

/// How the last run of a step ended, in words; Markdown.
fn ended_words(outcome: &Outcome, step: &StepRun) -> String {
    match (outcome, &step.proof) {
        (outcome, Some((_, Proof::Done, _))) if outcome.succeeded() => "done".to_owned(),
        (outcome, None) if outcome.succeeded() => "done".to_owned(),
        _ => outcome_words(outcome),
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
        Outcome::NotMet { why } | Outcome::Failed { why } => with_why("failed", why),
        Outcome::Interrupted { why } => with_why("interrupted", why),
    }
}

fn with_why(words: &str, why: &str) -> String {
    match inline(why) {
        why if why.is_empty() => words.to_owned(),
        why => format!("{words}: {why}"),
    }
}
