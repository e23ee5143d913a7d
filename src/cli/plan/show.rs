//! A plan on paper: what each step came to, and what can be done now.

use jiff::Timestamp;
use serde::Serialize;

use super::super::End;
use super::super::approve;
use super::super::carry::preview;
use super::super::context::{Context, Loaded};
use super::super::follow::{about_waiting, how_to_answer, words};
use super::super::preview::preview as preview_with;
use crate::conductor;
use crate::failure::{self, Failure};
use crate::incident::{
    BESIDE, Decision, Outcome, PlanRun, Policy, Proof, Proposal, Remote, Run, Spec, State, StepRun,
    StepState, Waits,
};
use crate::plan::progress::{self, Choice};
use crate::plan::stored::{self, Unreadable};
use crate::plan::{Plan, gates, proposal};
use crate::text::address::take_secrets;
use crate::text::visible;

/// Where the second column begins.
const INDENT: &str = "               ";

/// What is shown as JSON, without the credentials of addresses and the values of headers.
pub(in super::super) fn shown(what: &impl Serialize) -> failure::Result<serde_json::Value> {
    let cannot = |error| Failure::new("showing the plan", error, "run it without --json");
    let mut value = serde_json::to_value(what).map_err(cannot)?;
    take_secrets(&mut value);
    Ok(value)
}

/// The plan that is being carried out.
pub(super) fn decoded(run: &PlanRun) -> Result<Plan, Unreadable> {
    stored::read(&run.spec).map(|recorded| recorded.plan)
}

/// The verb that makes a choice, as it would be typed.
pub(in super::super) fn verb(plan: &Plan, run: &PlanRun, choice: &Choice) -> String {
    let name = choice.decision.name();
    let given = match choice.decision {
        Decision::Skip { .. } => " --reason WHY",
        Decision::Review { approve: true, .. } => " --approve --comment \"…\"",
        Decision::Review { approve: false, .. } => " --reject --comment \"…\"",
        _ => "",
    };
    let confirm = progress::word(plan, run, choice)
        .map_or_else(String::new, |word| format!(" --confirm {}", visible(word)));
    format!("flightdeck plan {name} {}{given}{confirm}", visible(&run.id))
}

/// What can be decided about a plan now, a line each with its verb.
pub(in super::super) fn choices(run: &PlanRun, here: u64) -> Vec<String> {
    let Ok(plan) = decoded(run) else { return Vec::new() };
    let mut lines = Vec::new();
    for choice in progress::choices_at(&plan, run, here) {
        lines.push(verb(&plan, run, &choice));
        lines.push(format!("    {}", visible(&choice.title)));
        if choice.risky {
            lines.push(format!("    careful: {}", progress::RISK));
        }
    }
    lines.extend(elsewhere(&plan, run, here));
    lines
}

/// What can be decided only at another machine, and where else; `None`: nothing.
fn elsewhere(plan: &Plan, run: &PlanRun, here: u64) -> Option<String> {
    let machine = run.elsewhere(here)?;
    let (all, can) = (progress::choices(plan, run), progress::choices_at(plan, run, here));
    if all.len() == can.len() {
        return None;
    }
    let machine = visible(&machine);
    let is_review = |choice: &Choice| matches!(choice.decision, Decision::Review { .. });
    Some(match all.iter().find(|choice| is_review(choice)).filter(|_| run.state.is_under_way()) {
        Some(choice) => format!("at {}, or on {machine}: {}", run.pipeline_host(), visible(&choice.title)),
        None => format!("on {machine}: flightdeck plan show {}", visible(&run.id)),
    })
}

/// Prints all plans, a line each.
pub(super) fn list(cx: &Context, state: &State, here: u64, json: bool) -> failure::Result<End> {
    if json {
        let waiting = proposal::waiting(state).map(|waits| {
            serde_json::json!({
                "id": waits.id, "title": waits.title, "purpose": waits.purpose, "target": waits.target,
                "state": "proposed", "why": "waits for approval", "by": waits.by,
                "by_assistant": waits.by_assistant, "hash": waits.hash, "at": waits.at, "steps": waits.steps,
            })
        });
        let plans = state.plans.iter().map(|run| serde_json::to_value(sheet(run, here)).unwrap_or_default());
        cx.out.json(&shown(&waiting.chain(plans).collect::<Vec<_>>())?)?;
        return Ok(End::Done);
    }
    for waits in proposal::waiting(state) {
        let at = waits.at.strftime("%H:%M:%S");
        let progress = format!("0/{}", waits.steps.len());
        cx.out.line(&format!(
            "{at}  {:<15}  {progress:>5}  {}  {}: waits for approval{}",
            "proposed",
            waits.id,
            waits.title,
            if waits.by_assistant { format!(", by {}", waits.whose()) } else { String::new() }
        ))?;
    }
    for plan in &state.plans {
        let why = match waiting(plan) {
            Some((_, step)) => format!(": {}", step.waiting.as_ref().map_or("", |(_, why)| why)),
            None if plan.why.is_empty() => String::new(),
            None => format!(": {}", plan.why),
        };
        let at = plan.started_at.strftime("%H:%M:%S");
        let progress = format!("{}/{}", settled(plan), plan.steps.len());
        cx.out.line(&format!(
            "{at}  {:<15}  {progress:>5}  {}  {}{why}",
            plan.state.word(),
            plan.id,
            plan.title
        ))?;
    }
    Ok(End::Done)
}

/// Number of steps with nothing left to do.
fn settled(plan: &PlanRun) -> usize {
    plan.steps.iter().filter(|step| step.is_settled()).count()
}

fn waiting(plan: &PlanRun) -> Option<(usize, &StepRun)> {
    plan.steps.iter().enumerate().find(|(_, step)| step.waiting.is_some())
}

/// Prints one plan.
pub(super) fn show(
    cx: &Context,
    state: &State,
    plan: &PlanRun,
    here: u64,
    json: bool,
) -> failure::Result<End> {
    if json {
        cx.out.json(&shown(&sheet(plan, here))?)?;
        return Ok(End::Done);
    }
    cx.out.line(&format!("{}: {}", plan.id, plan.state.word()))?;
    if !plan.why.is_empty() {
        cx.out.line(&format!("  {}", plan.why))?;
    }
    cx.out.line(&format!("  started by {} at {:.0}", plan.by, plan.started_at))?;
    if let Some(at) = plan.ended_at {
        cx.out.line(&format!("  ended at {at:.0}"))?;
    }
    doubts(cx, state, &plan.hash)?;
    for (index, step) in plan.steps.iter().enumerate() {
        cx.out.line(&format!("{:>3}  {:<9} {}", index + 1, step.state().name(), step.title))?;
        for line in about(step) {
            cx.out.line(&format!("{INDENT}{line}"))?;
        }
    }
    for passed in state.passed_over.iter().filter(|passed| passed.plan == plan.id) {
        cx.out.line(&format!(
            "  gate {} overridden by {}: {} ({})",
            passed.gate, passed.by, passed.reason, passed.missing
        ))?;
    }
    match decoded(plan) {
        // Its gates were looked at when it started, and it is confirmed.
        Ok(spec) => cx.out.lines(&preview(&Plan { confirm: None, gates: Vec::new(), ..spec }))?,
        Err(why) => cx.out.line(&format!("  ▲ {why}: its steps can neither be shown nor run here"))?,
    }
    let mut choices = choices(plan, here);
    if state.can_go_back_from(plan) {
        choices.push(format!("flightdeck rollback --list --env {}", visible(&plan.target)));
        choices.push("    see how it can be rolled back, and take an option".to_owned());
    }
    if !choices.is_empty() {
        cx.out.line("what can be done now:")?;
        for line in choices {
            cx.out.line(&format!("  {line}"))?;
        }
    }
    Ok(End::Done)
}

/// Prints a plan that was proposed: what would run, how its gates stand, and what speaks against starting
/// it as it was approved.
pub(super) fn proposed(cx: &Context, loaded: &Loaded, waits: &Proposal, json: bool) -> failure::Result<()> {
    let state = loaded.state();
    let plan = proposal::plan(waits);
    let standings = plan.as_ref().ok().map(|plan| {
        let policy = cx.setup().map_or_else(|_| Policy::built_in(), |setup| setup.policy);
        gates::evaluate(plan, &waits.hash, state, &policy, &loaded.journal.author().name, cx.now())
    });
    let is_waiting = proposal::waiting(state).any(|other| other.id == waits.id);
    let moved = plan.as_ref().ok().zip(cx.root().ok()).filter(|_| is_waiting);
    let moved = moved.and_then(|(plan, root)| approve::moved(root, waits, plan));
    if json {
        let plan = plan.ok();
        return cx.out.json(&shown(&serde_json::json!({
            "id": waits.id, "title": waits.title, "state": "proposed", "hash": waits.hash,
            "by": waits.by, "by_assistant": waits.by_assistant, "at": waits.at, "plan": plan, "gates": standings,
            "moved": moved.map(|moved| moved.why),
        }))?);
    }
    let how = if is_waiting { "waits for approval" } else { "no longer waits" };
    cx.out.line(&format!("{}: {how}, proposed by {}: {}", waits.id, waits.whose(), waits.title))?;
    match &plan {
        Ok(plan) => cx.out.lines(&preview_with(plan, standings.as_deref(), true))?,
        Err(why) => cx.out.line(&format!("  ▲ {why}: its steps cannot be shown"))?,
    }
    if let Some(moved) = moved {
        cx.out.line(&format!("  ▲ {}", moved.why))?;
        for line in moved.advice() {
            cx.out.line(&format!("    {line}"))?;
        }
    }
    let changed = plan.map(|plan| conductor::changed_programs(&plan)).unwrap_or_default();
    if !changed.is_empty() {
        let approved = state.votes.iter().filter(|vote| vote.approves && vote.hash == waits.hash);
        let by: Vec<&str> = approved.map(|vote| vote.by.as_str()).collect();
        let after = if by.is_empty() {
            "since it was proposed; propose it again".to_owned()
        } else {
            format!("after {} approved it; look at the plan again and approve it", by.join(", "))
        };
        cx.out.line(&format!("  ▲ {} changed {after}", changed.join(", ")))?;
    }
    doubts(cx, state, &waits.hash)
}

/// Prints what may be wrong with who approved the plan with this hash.
fn doubts(cx: &Context, state: &State, hash: &str) -> failure::Result<()> {
    for vote in state.votes.iter().filter(|vote| vote.approves && vote.hash == hash) {
        if let Some(doubt) = state.doubt(vote) {
            cx.out.line(&format!("  ▲ {} as {}: {doubt}", vote.by, vote.role))?;
        }
    }
    Ok(())
}

/// All that is known of a step besides its state.
fn about(step: &StepRun) -> Vec<String> {
    let mut lines: Vec<String> = step.earlier.iter().map(|run| format!("before: {}", ran(run))).collect();
    if let Some(run) = &step.run {
        lines.push(ran(run));
        if let Some((waits, words)) = run.waits.as_ref().zip(run.waits_for()) {
            let pid = run.process.as_ref().map(|process| process.pid);
            lines.push(format!("{words} ({})", about_waiting(waits, pid)));
            lines.extend(how_to_answer(&run.id, waits));
        }
        lines.extend(run.tail.iter().map(|line| format!("│ {line}")));
        lines.extend(run.signals.iter().map(|(at, signal)| format!("{signal} sent at {at:.0}")));
    }
    if let Some(remote) = step.run.as_ref().and_then(|run| run.remote.as_ref()) {
        lines.push(remote.line());
    }
    if progress::is_being_proven(step) {
        lines.push("flightdeck is checking whether it is done".to_owned());
    }
    if let Some((at, why)) = &step.waiting {
        lines.push(format!("waits since {at:.0}: {why}"));
    }
    if let Some((_, proof, why)) = &step.proof {
        lines.push(checked(*proof, false, why));
    }
    if let Some((at, by, reason)) = &step.skipped {
        lines.push(format!("skipped by {by} at {at:.0}: {reason}"));
    }
    if let Some(undo) = &step.undo {
        lines.push(format!("undone by {}", ran(undo)));
    }
    lines
}

fn ran(run: &Run) -> String {
    let outcome = run.outcome.as_ref().map_or("running".to_owned(), words);
    let summary = run.summary.trim_start_matches(BESIDE);
    let dash = if summary.is_empty() { "" } else { " — " };
    format!("{}: {outcome}{dash}{summary}", run.id)
}

/// What checking a step, or its undo, found out.
pub(in super::super) fn checked(proof: Proof, undo: bool, why: &str) -> String {
    let done = if undo { "undone" } else { "done" };
    let found = match proof {
        Proof::Done => format!("checked: it is {done}"),
        Proof::NotDone => format!("checked: it is not {done}"),
        Proof::Unknown => format!("could not check whether it is {done}"),
    };
    if why.is_empty() { found } else { format!("{found} ({})", visible(why)) }
}

/// A plan as JSON.
#[derive(Serialize)]
struct Sheet<'a> {
    id: &'a str,
    title: &'a str,
    purpose: &'a str,
    target: &'a str,
    state: &'static str,
    why: &'a str,
    by: &'a str,
    hash: &'a str,
    started_at: Timestamp,
    ended_at: Option<Timestamp>,
    steps: Vec<StepSheet<'a>>,
    choices: Vec<ChoiceSheet>,
    spec: &'a Spec,
}

#[derive(Serialize)]
struct StepSheet<'a> {
    title: &'a str,
    state: &'static str,
    run: Option<&'a str>,
    attempts: usize,
    outcome: Option<&'a Outcome>,
    proof: Option<Proof>,
    proof_why: Option<&'a str>,
    waiting: Option<&'a str>,
    waits: Option<&'a Waits>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pipeline: Option<&'a Remote>,
    skipped_by: Option<&'a str>,
    skip_reason: Option<&'a str>,
    undone: bool,
    undo_outcome: Option<&'a Outcome>,
}

/// What can be decided now.
#[derive(Serialize)]
struct ChoiceSheet {
    decision: &'static str,
    step: usize,
    title: String,
    risky: bool,
    verb: String,
}

fn sheet(run: &PlanRun, here: u64) -> Sheet<'_> {
    let plan = decoded(run).ok();
    let choices = plan.iter().flat_map(|plan| {
        progress::choices_at(plan, run, here).into_iter().map(|choice| ChoiceSheet {
            decision: choice.decision.name(),
            step: choice.step + 1,
            verb: verb(plan, run, &choice),
            risky: choice.risky,
            title: choice.title,
        })
    });
    Sheet {
        id: &run.id,
        title: &run.title,
        purpose: &run.purpose,
        target: &run.target,
        state: run.state.name(),
        why: &run.why,
        by: &run.by,
        hash: &run.hash,
        started_at: run.started_at,
        ended_at: run.ended_at,
        steps: run.steps.iter().map(step_sheet).collect(),
        choices: choices.collect(),
        spec: &run.spec,
    }
}

fn step_sheet(step: &StepRun) -> StepSheet<'_> {
    StepSheet {
        title: &step.title,
        state: step.state().name(),
        run: step.run.as_ref().map(|run| run.id.as_str()),
        attempts: step.earlier.len() + usize::from(step.run.is_some()),
        outcome: step.run.as_ref().and_then(|run| run.outcome.as_ref()),
        proof: step.proof.as_ref().map(|(_, proof, _)| *proof),
        proof_why: step.proof.as_ref().map(|(_, _, why)| why.as_str()),
        waiting: step.waiting.as_ref().map(|(_, why)| why.as_str()),
        waits: step.run.as_ref().and_then(|run| run.waits.as_ref()),
        pipeline: step.run.as_ref().and_then(|run| run.remote.as_ref()),
        skipped_by: step.skipped.as_ref().map(|(_, by, _)| by.as_str()),
        skip_reason: step.skipped.as_ref().map(|(_, _, reason)| reason.as_str()),
        undone: step.state() == StepState::Undone,
        undo_outcome: step.undo.as_ref().and_then(|run| run.outcome.as_ref()),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser as _;

    use super::super::super::args::Cli;
    use super::*;
    use crate::incident::PlanState;
    use crate::plan::Purpose;

    #[test]
    fn every_choice_is_printed_as_a_command_that_can_be_run() {
        let plan = Plan {
            confirm: Some("production".into()),
            ..Plan::new("p", "p", Purpose::Rollback, "production")
        };
        let run = PlanRun {
            id: "rollback-production-1".into(),
            title: String::new(),
            purpose: "rollback".into(),
            target: "production".into(),
            hash: String::new(),
            by: "maya".into(),
            node: 1,
            started_at: Timestamp::UNIX_EPOCH,
            ended_at: None,
            state: PlanState::Waiting,
            why: String::new(),
            steps: Vec::new(),
            spec: Spec::default(),
            told_host: crate::incident::ToldHost::default(),
        };
        let review = |approve| Decision::Review {
            approve,
            comment: String::new(),
            waits_for: String::new(),
            ids: Vec::new(),
        };
        let skip = Decision::Skip { reason: String::new() };
        let all =
            [review(true), review(false), skip, Decision::Resume, Decision::Retry, Decision::Undo { to: 0 }];
        for decision in all.into_iter().chain([Decision::GiveUp]) {
            let choice = Choice { step: 0, run: None, decision, title: String::new(), risky: false };
            let typed = verb(&plan, &run, &choice);
            let parsed = Cli::try_parse_from(typed.replace('"', "").split(' '));
            assert!(parsed.is_ok(), "{typed}: {}", parsed.unwrap_err());
        }
        let said = |approve| {
            let decision = review(approve);
            verb(&plan, &run, &Choice { step: 0, run: None, decision, title: String::new(), risky: false })
        };
        let begun = "flightdeck plan review rollback-production-1";
        assert_eq!(said(true), format!("{begun} --approve --comment \"…\" --confirm production"));
        assert_eq!(said(false), format!("{begun} --reject --comment \"…\""));
    }

    #[test]
    fn what_a_proof_found_is_said_as_a_person_would() {
        for (proof, undo, why, wanted) in [
            (Proof::Done, false, "", "checked: it is done"),
            (Proof::Done, false, "it answers v1.4.3", "checked: it is done (it answers v1.4.3)"),
            (Proof::NotDone, true, "", "checked: it is not undone"),
            (
                Proof::Unknown,
                false,
                "the proof exited 7",
                "could not check whether it is done (the proof exited 7)",
            ),
        ] {
            assert_eq!(checked(proof, undo, why), wanted);
        }
    }
}
