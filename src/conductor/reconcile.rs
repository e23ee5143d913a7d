//! What became of a plan whose conductor is gone: told from what it left, and never guessed.

use std::path::Path;

use jiff::Timestamp;

use super::files::{Ended, Note, log_dir, why_file};
use super::process::{self, Life, life};
use super::prove::UNASKED;
use super::{orphan, release};
use crate::failure::Result;
use crate::incident::{
    Body, Draft, IncidentId, Outcome, PlanEnd, PlanEnded, PlanRun, Precision, Proof, Proved, Record, Run,
    State, StepEnded, StepRun, StepState,
};
use crate::journal::{Acquired, Journal, Lease};
use crate::plan::{Action, Plan, Undo, stored};
use crate::text::visible_lines;

/// What the lease is called while it is being found out what became of its plan.
const SETTLING: &str = "settling:";

/// Looks for plans of an incident whose conductor is gone, and records what became of them:
/// what it wrote down last, or that nobody knows. Costs one small query where there are none.
/// Returns the records written.
///
/// # Errors
/// The journal cannot be read or written.
pub fn reconcile(journal: &mut Journal, state_dir: &Path, incident: IncidentId) -> Result<Vec<Record>> {
    let mut written = Vec::new();
    for lease in journal.leases()? {
        if lease.incident == incident {
            written.extend(settle_gone(journal, state_dir, &lease)?);
        }
    }
    Ok(written)
}

fn gone(lease: &Lease) -> bool {
    lease.process.as_ref().is_some_and(process::is_gone)
}

/// Ends the plan of a lease whose holder is gone. Does nothing where it is not.
pub(super) fn settle_gone(journal: &mut Journal, state_dir: &Path, lease: &Lease) -> Result<Vec<Record>> {
    if !gone(lease) {
        return Ok(Vec::new());
    }
    Ok(settle(journal, state_dir, lease, Vec::new(), None, &gone)?.unwrap_or_default())
}

/// Takes a lease that may be taken (`may_take`), with drafts, and ends its plan. `cause` says
/// why its conductor is not there, where that is known. `None`: somebody else was first.
pub(super) fn settle(
    journal: &mut Journal,
    state_dir: &Path,
    lease: &Lease,
    drafts: Vec<Draft>,
    cause: Option<&str>,
    may_take: &dyn Fn(&Lease) -> bool,
) -> Result<Option<Vec<Record>>> {
    let plan = lease.plan.strip_prefix(SETTLING).unwrap_or(&lease.plan);
    let settling = format!("{SETTLING}{plan}");
    let now = Timestamp::now();
    let mine = Lease {
        plan: settling.clone(),
        by: journal.author().name.clone(),
        process: process::this(),
        taken_at: now,
        heartbeat_at: now,
        ..lease.clone()
    };
    // Whoever takes it over first settles it; a conductor that comes up late finds its lease
    // gone and begins nothing.
    let Acquired::Yes(mut records) = journal.acquire(now, mine, drafts, may_take)? else { return Ok(None) };
    let (log, _) = journal.load(lease.incident)?;
    let drafts = verdict(state_dir, log.state(), plan, lease, cause);
    records.extend(journal.release(Timestamp::now(), &lease.repository, &lease.target, &settling, drafts)?);
    Ok(Some(records))
}

/// What is to be recorded about a plan whose conductor is gone.
fn verdict(state_dir: &Path, state: &State, id: &str, lease: &Lease, known: Option<&str>) -> Vec<Draft> {
    let Some(plan) = state.plan(id).filter(|plan| plan.state.is_under_way()) else {
        return Vec::new();
    };
    let cause = known.map_or_else(|| cause(state_dir, state.id, id, lease), str::to_owned);
    // What it can no longer read is told as if it changed the world: nothing is made light of.
    let spec = stored::read(&plan.spec).ok().map(|recorded| recorded.plan.with_learned(plan));
    let mut settling = Settling { state_dir, state, cause, spec, plan: plan.clone(), drafts: Vec::new() };
    for index in 0..plan.steps.len() {
        settling.step(index);
    }
    settling.over()
}

/// A plan that is being settled: as it stands with what was found out so far.
struct Settling<'a> {
    state_dir: &'a Path,
    state: &'a State,
    cause: String,
    spec: Option<Plan>,
    plan: PlanRun,
    drafts: Vec<Draft>,
}

impl Settling<'_> {
    fn add(&mut self, body: impl Into<Body>) {
        self.drafts.push(Draft::now(self.state.id, body.into()));
    }

    /// Finds out how the runs of a step ended that have no end on record.
    fn step(&mut self, index: usize) {
        for undo in [false, true] {
            let Some(step) = self.plan.steps.get(index) else { return };
            let run = if undo { &step.undo } else { &step.run };
            let Some(run) = run.clone() else { continue };
            let planned = self.spec.as_ref().and_then(|spec| spec.steps.get(index));
            let (action, proof) = match planned.map(|planned| (planned, &planned.undo)) {
                Some((planned, _)) if !undo => (Some(&planned.action), planned.proof.as_ref()),
                Some((_, Undo::By { action, proof })) => (Some(action), proof.as_ref()),
                _ => (None, None),
            };
            let has_proof = proof.is_some();
            let mut run = run;
            if run.outcome.is_none() {
                let ended = self.lost(&run, action);
                run.unproven = ended.outcome.succeeded() && has_proof;
                run.outcome = Some(ended.outcome.clone());
                self.record_end(index, &run, ended, undo);
            }
            let said = if undo { &self.plan.steps[index].undo_proof } else { &self.plan.steps[index].proof };
            let unasked =
                run.unproven && said.is_none() && run.outcome.as_ref().is_some_and(Outcome::succeeded);
            let said = unasked.then(|| (Timestamp::now(), Proof::Unknown, UNASKED.to_owned()));
            let step = &mut self.plan.steps[index];
            if undo {
                step.undo = Some(run);
                step.undo_proof = said.or_else(|| step.undo_proof.take());
            } else {
                step.run = Some(run);
                step.proof = said.or_else(|| step.proof.take());
            }
            if unasked {
                let (plan, why) = (self.plan.id.clone(), UNASKED.to_owned());
                self.add(Proved { plan, step: index, proof: Proof::Unknown, why, undo });
            }
        }
    }

    /// The end of a run that was going on: from the note beside its log, else unknown.
    fn lost(&self, run: &Run, action: Option<&Action>) -> Ended {
        if let Some(ended) = Note::read(&log_dir(self.state_dir, self.state.id, &run.id)) {
            return ended;
        }
        let cause = &self.cause;
        let outcome = match action {
            Some(Action::Gate { .. } | Action::Hold { .. } | Action::Watch(_)) => {
                Outcome::Interrupted { why: cause.clone() }
            }
            Some(Action::Pipeline(_)) => Outcome::Unknown {
                why: match &run.remote {
                    Some(remote) => format!("{cause}; {} goes on without it", remote.name),
                    None => format!("{cause}; whether a pipeline was started is not known"),
                },
            },
            Some(Action::Http(_) | Action::Forge(_)) => {
                Outcome::Unknown { why: format!("{cause}; whether the call was answered is not known") }
            }
            Some(Action::Command(_)) | None => {
                Outcome::Unknown { why: orphan::lost(cause, self.state.id, run) }
            }
        };
        let at_ms = Timestamp::now().as_millisecond();
        Ended { outcome, summary: String::new(), survivors: Vec::new(), tail: Vec::new(), at_ms }
    }

    fn record_end(&mut self, index: usize, run: &Run, ended: Ended, undo: bool) {
        let occurred = Timestamp::from_millisecond(ended.at_ms).ok().map(|at| (at, Precision::Exact));
        let Ended { outcome, summary, survivors, tail, .. } = ended;
        let verdict = self.spec.as_ref().filter(|_| !undo);
        let verdict = verdict.and_then(|spec| release::by_watch(spec, index, &outcome, &summary));
        let plan = self.plan.id.clone();
        let (run, unproven) = (run.id.clone(), run.unproven);
        let body = StepEnded { plan, step: index, run, outcome, summary, survivors, unproven, tail };
        self.drafts.push(Draft { occurred, ..Draft::now(self.state.id, body) });
        self.drafts.extend(verdict.map(|body| Draft::now(self.state.id, body)));
    }

    /// The end of the plan, as its steps stand.
    fn over(mut self) -> Vec<Draft> {
        let due = self.spec.as_ref().map(|spec| release::due(spec, &self.plan, self.state));
        let due = due.into_iter().flatten().map(|body| Draft::now(self.state.id, body));
        // A verdict on a release comes after it.
        let first = self.drafts.iter().position(|draft| matches!(draft.body, Body::ReleaseJudged(_)));
        let first = first.unwrap_or(self.drafts.len());
        self.drafts.splice(first..first, due);
        let cause = &self.cause;
        let steps = &self.plan.steps;
        let fates: Vec<StepState> = steps.iter().map(StepRun::fate).collect();
        let next = fates.iter().position(|fate| !matches!(fate, StepState::Done | StepState::Skipped));
        let (end, why) = if fates.contains(&StepState::Unknown) {
            (PlanEnd::Unknown, cause.clone())
        } else if let Some(next) = next {
            let title = &steps[next].title;
            let why = match fates[next] {
                StepState::Failed => format!("a step failed; then {cause}"),
                StepState::Undone => format!("{cause}, while it was being undone"),
                _ if steps[next].run.is_some() => format!("{cause}, before it was over: {title}"),
                _ => format!("{cause}, before it began: {title}"),
            };
            (PlanEnd::Failed, why)
        } else {
            (PlanEnd::Done, String::new())
        };
        let plan = self.plan.id.clone();
        self.add(PlanEnded { plan, end, why });
        self.drafts
    }
}

/// Why the conductor is not there any more.
fn cause(state_dir: &Path, incident: IncidentId, plan: &str, lease: &Lease) -> String {
    if let Ok(why) = std::fs::read(why_file(state_dir, incident, plan)) {
        let why = String::from_utf8_lossy(&why).into_owned();
        return format!("the process of the plan gave up: {}", visible_lines(why.trim()));
    }
    match lease.process.as_ref().map(life) {
        Some(Life::LostAtReboot) => "lost at reboot".to_owned(),
        _ => "the process of the plan was killed or crashed".to_owned(),
    }
}

#[cfg(test)]
mod tests;
