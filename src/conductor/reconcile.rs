//! What became of a plan whose conductor is gone: told from what it left, and never guessed.

use std::path::Path;

use jiff::Timestamp;

use super::files::{Ended, Note, log_dir, why_file};
use super::process::{self, Life, life};
use super::recorder::run_id;
use crate::failure::Result;
use crate::incident::{
    Draft, IncidentId, Outcome, PlanEnd, PlanEnded, PlanRun, Precision, Record, State, StepEnded,
};
use crate::journal::{Acquired, Journal, Lease};
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
    let mut drafts = Vec::new();
    let mut outcomes = Vec::new();
    for (index, step) in plan.steps.iter().enumerate() {
        let Some(run) = &step.run else { continue };
        let outcome = run.outcome.clone().unwrap_or_else(|| {
            let (draft, outcome) = lost_step(state_dir, state.id, plan, index, &cause);
            drafts.push(draft);
            outcome
        });
        outcomes.push(outcome);
    }
    let all = outcomes.len() == plan.steps.len();
    let (end, why) = if outcomes.iter().any(|outcome| matches!(outcome, Outcome::Unknown { .. })) {
        (PlanEnd::Unknown, cause)
    } else if all && outcomes.iter().all(Outcome::succeeded) {
        (PlanEnd::Done, String::new())
    } else if all || outcomes.last().is_some_and(|last| !last.succeeded()) {
        (PlanEnd::Failed, format!("a step failed; then {cause}"))
    } else {
        let next = plan.steps.get(outcomes.len()).map_or("anything", |step| step.title.as_str());
        (PlanEnd::Failed, format!("{cause}, before it began: {next}"))
    };
    drafts.push(Draft::now(state.id, PlanEnded { plan: id.to_owned(), end, why }));
    drafts
}

/// Why the conductor is not there any more.
fn cause(state_dir: &Path, incident: IncidentId, plan: &str, lease: &Lease) -> String {
    if let Ok(why) = std::fs::read(why_file(state_dir, incident, plan)) {
        let why = String::from_utf8_lossy(&why).into_owned();
        return format!("the conductor gave up: {}", visible_lines(why.trim()));
    }
    match lease.process.as_ref().map(life) {
        Some(Life::LostAtReboot) => "lost at reboot".to_owned(),
        _ => "the conductor was killed or broke down".to_owned(),
    }
}

/// The end of a step that was running: from the note beside its log, else unknown.
fn lost_step(
    state_dir: &Path,
    incident: IncidentId,
    plan: &PlanRun,
    index: usize,
    cause: &str,
) -> (Draft, Outcome) {
    let run = plan.steps.get(index).and_then(|step| step.run.as_ref());
    let id = run.map_or_else(|| run_id(&plan.id, index), |run| run.id.clone());
    let note = Note::read(&log_dir(state_dir, incident, &id));
    let process = run.and_then(|run| run.process.as_ref());
    let ended = note.unwrap_or_else(|| {
        let why = match process.map(|process| (process.pid, life(process))) {
            Some((pid, Life::Alive)) => format!("{cause}; its command still runs as process {pid}"),
            Some(_) => cause.to_owned(),
            None => format!("{cause}; whether its command was started is not known"),
        };
        let at_ms = Timestamp::now().as_millisecond();
        Ended { outcome: Outcome::Unknown { why }, summary: String::new(), survivors: Vec::new(), at_ms }
    });
    let occurred = Timestamp::from_millisecond(ended.at_ms).ok().map(|at| (at, Precision::Exact));
    let Ended { outcome, summary, survivors, .. } = ended;
    let plan = plan.id.clone();
    let body = StepEnded {
        plan,
        step: index,
        run: id,
        outcome: outcome.clone(),
        summary,
        survivors,
        unproven: false,
    };
    (Draft { occurred, ..Draft::now(incident, body) }, outcome)
}

#[cfg(test)]
mod tests;
