//! Starting extended watches that are due, and taking up those whose conductor is gone.

use std::path::Path;
use std::time::{Duration, Instant};

use jiff::Timestamp;

use super::conduct::{TOLD_TO_END, approved};
use super::decide::decide;
use super::start::start;
use super::{Started, held};
use crate::deploy::extended::{due, goes_on};
use crate::failure::Result;
use crate::incident::{Decision, Draft, IncidentId, NoteKind, Noted, PlanRun, Policy, Record, State};
use crate::journal::Journal;
use crate::plan::progress::{Choice, choices};
use crate::plan::stored;

/// How long the extended watch of what was there before may take to notice that it is over.
const PATIENCE: Duration = Duration::from_secs(90);
/// How often it is looked whether it has.
const GLANCE: Duration = Duration::from_secs(1);

/// Starts the extended watch that is to follow a plan that has just ended, if one is. What keeps it from
/// starting is on record: nobody else would hear of it.
pub(super) fn start_after(journal: &mut Journal, state_dir: &Path, incident: IncidentId, plan: &str) {
    let give_up = Instant::now() + PATIENCE;
    let failure = loop {
        match start_one(journal, state_dir, incident, plan) {
            Ok(Some(Started::Held(_))) if Instant::now() < give_up => std::thread::sleep(GLANCE),
            Ok(Some(Started::Held(lease))) => {
                break held("starting the extended watch", &lease, Timestamp::now());
            }
            Ok(_) => return,
            Err(failure) => break failure,
        }
    };
    let text = format!("what {plan} released is not watched any further: {}", failure.cause);
    let _ =
        journal.append(Timestamp::now(), vec![Draft::now(incident, Noted { kind: NoteKind::Problem, text })]);
}

fn start_one(
    journal: &mut Journal,
    state_dir: &Path,
    incident: IncidentId,
    plan: &str,
) -> Result<Option<Started>> {
    let (log, _) = journal.load(incident)?;
    let now = Timestamp::now();
    let Some(run) = log.state().plan(plan) else { return Ok(None) };
    let is_due = |run: &PlanRun| {
        let spec = stored::read(&run.spec).ok()?.plan;
        due(&spec, run, log.state(), now)
    };
    // What was started elsewhere is watched on from there.
    let Some(watch) = is_due(run).filter(|_| approved(journal, incident, plan).is_ok()) else {
        return Ok(None);
    };
    let repository = journal.repository_of(incident)?;
    let how = format!("follows {plan}");
    start(journal, state_dir, incident, &repository, &watch, &how, &Policy::built_in(), &[]).map(Some)
}

/// Tells whether an extended watch of an incident is due, or is to be taken up again.
pub fn is_due(state: &State) -> bool {
    let now = Timestamp::now();
    state.plans.iter().any(|run| wanted(run, state, now).is_some())
}

/// What an ended plan asks for.
enum Wanted {
    /// The extended watch that follows it.
    Start,
    /// The extended watch that it is goes on.
    Resume(Choice),
}

fn wanted(run: &PlanRun, state: &State, now: Timestamp) -> Option<Wanted> {
    // Everything else need not be read whole.
    if run.state.is_under_way() || !(run.is_done() || run.is_extended()) {
        return None;
    }
    let plan = stored::read(&run.spec).ok()?.plan;
    if due(&plan, run, state, now).is_some() {
        return Some(Wanted::Start);
    }
    let choice = || choices(&plan, run).into_iter().find(|it| it.decision == Decision::Resume);
    goes_on(&plan, run, state, TOLD_TO_END, now).then(choice).flatten().map(Wanted::Resume)
}

/// Starts what extended watches are due of an incident, and takes up again those whose conductor is gone.
/// Returns the records written.
///
/// # Errors
/// The journal cannot be read.
pub fn tend(journal: &mut Journal, state_dir: &Path, incident: IncidentId) -> Result<Vec<Record>> {
    let (log, _) = journal.load(incident)?;
    let (state, now) = (log.state(), Timestamp::now());
    let mut written = Vec::new();
    for run in &state.plans {
        let started = match wanted(run, state, now) {
            // What was started on another machine goes on there.
            Some(_) if approved(journal, incident, &run.id).is_err() => Ok(None),
            Some(Wanted::Start) => start_one(journal, state_dir, incident, &run.id),
            Some(Wanted::Resume(choice)) => {
                let repository = journal.repository_of(incident)?;
                decide(journal, state_dir, incident, &repository, &run.id, &choice, &[]).map(Some)
            }
            None => Ok(None),
        };
        // Somebody else was first, or it cannot be started: that was recorded when it was first tried.
        if let Ok(Some(Started::Yes(records))) = started {
            written.extend(records);
        }
    }
    Ok(written)
}
