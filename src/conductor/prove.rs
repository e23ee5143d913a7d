//! Asks the world about the steps of unknown fate of a plan, and says what that makes of it.

use std::time::Duration;

use jiff::Timestamp;

use super::ask::ask;
use super::conduct::approved;
use super::secrets::Vault;
use super::{early, orphan, release};
use crate::clock::Stopwatch;
use crate::failure::{Failure, Result};
use crate::incident::{
    Body, Draft, IncidentId, Log, Outcome, PlanEnd, PlanEnded, PlanRun, PlanState, Proof, Proved, Record,
    Run, State, StepRun, StepState,
};
use crate::journal::Journal;
use crate::plan::{Plan, Probe, Step, Undo, stored};
use crate::text::visible;

/// The pause between two questions about what may still be on its way.
const PAUSE: Duration = Duration::from_secs(10);

/// What is written of a success that the conductor could not have proven any more.
pub(super) const UNASKED: &str = "the conductor was gone before it could ask";

/// Asks the world about the steps of unknown fate of a plan, and records the answers and what
/// they make of the plan. Steps that a signal ended are asked about too: what they had begun
/// may be done all the same. An answer that is known already is not recorded again.
///
/// # Errors
/// The plan is not known, was started on another machine, or the journal refuses.
pub fn prove(journal: &mut Journal, incident: IncidentId, plan: &str) -> Result<Vec<Record>> {
    prove_at(journal, incident, plan, &Timestamp::now)
}

fn prove_at(
    journal: &mut Journal,
    incident: IncidentId,
    plan: &str,
    now: &dyn Fn() -> Timestamp,
) -> Result<Vec<Record>> {
    let (log, _) = journal.load(incident)?;
    let doing = || format!("asking what became of {}", visible(plan));
    let spec = approved(journal, incident, plan).map_err(|cause| {
        Failure::new(doing(), cause, "check yourself, and record what you see with flightdeck note")
    })?;
    let Some(state) = log.state().plan(plan).filter(|plan| !plan.state.is_under_way()) else {
        // Whoever is at it asks.
        return Ok(Vec::new());
    };
    let spec = spec.with_learned(state);
    let mut vault = Vault::open(&spec);
    let mut drafts = Vec::new();
    for question in questions(&spec, state) {
        let (proof, why) = match question.probe {
            Some(probe) => {
                let said = question.weighed(incident, ask(probe, &mut vault), now());
                if question.undo {
                    said
                } else {
                    release::weighed(said, &spec, question.step, question.run, log.state())
                }
            }
            None => (Proof::Unknown, "nothing is configured that could tell whether it is done".to_owned()),
        };
        if question.known != Some((proof, why.as_str())) {
            let (plan, step, undo) = (plan.to_owned(), question.step, question.undo);
            drafts.push(Draft::now(incident, Proved { plan, step, proof, why, undo }));
        }
    }
    let mut records = journal.append(Timestamp::now(), drafts)?;
    records.extend(conclude(journal, incident, &spec)?);
    Ok(records)
}

/// Does the same as [`prove`], and asks again until the answers count: what was begun may still be on
/// its way.
///
/// # Errors
/// As [`prove`].
pub fn prove_until_settled(journal: &mut Journal, incident: IncidentId, plan: &str) -> Result<()> {
    // The clock is read once: from there on what was waited is measured.
    let (from, waited) = (Timestamp::now(), Stopwatch::start());
    let now = || from.checked_add(waited.took()).unwrap_or(from);
    loop {
        prove_at(journal, incident, plan, &now)?;
        let (log, _) = journal.load(incident)?;
        if !log.state().plan(plan).is_some_and(is_unsettled) {
            return Ok(());
        }
        std::thread::sleep(PAUSE);
    }
}

/// Tells whether an answer about a plan that nobody is at came too early to count.
fn is_unsettled(run: &PlanRun) -> bool {
    let early = |step: &StepRun| {
        let proof = if step.undo.is_some() { &step.undo_proof } else { &step.proof };
        step.fate() == StepState::Unknown
            && proof.as_ref().is_some_and(|(_, _, why)| early::may_be_asked_again(why))
    };
    !run.state.is_under_way() && run.steps.iter().any(early)
}

/// The plans of an incident with steps of unknown fate about which the world was not asked yet,
/// though it could tell.
pub fn unasked(state: &State) -> Vec<String> {
    let asks = |plan: &&PlanRun| {
        !plan.state.is_under_way()
            && stored::read(&plan.spec).is_ok_and(|stored::Recorded { plan: spec, .. }| {
                let open = |asked: &Question<'_>| {
                    asked.known.is_none_or(|(_, why)| {
                        why == UNASKED
                            || orphan::may_be_asked_again(why, state.id, asked.run)
                            || early::may_be_asked_again(why)
                    })
                };
                questions(&spec, plan).iter().any(|asked| asked.probe.is_some() && open(asked))
            })
    };
    state.plans.iter().filter(asks).map(|plan| plan.id.clone()).collect()
}

/// A question to the world.
struct Question<'a> {
    step: usize,
    planned: &'a Step,
    undo: bool,
    probe: Option<&'a Probe>,
    /// What the question is about.
    run: Option<&'a Run>,
    /// What it said last.
    known: Option<(Proof, &'a str)>,
}

impl Question<'_> {
    /// What an answer is worth now.
    fn weighed(&self, incident: IncidentId, said: (Proof, String), now: Timestamp) -> (Proof, String) {
        let said = orphan::weighed(said, incident, self.run);
        let undoing = early::undoing(self.planned).filter(|_| self.undo);
        early::weighed(said, undoing.as_ref().unwrap_or(self.planned), self.run, now)
    }
}

fn questions<'a>(spec: &'a Plan, run: &'a PlanRun) -> Vec<Question<'a>> {
    let steps = spec.steps.iter().zip(&run.steps).enumerate();
    steps.filter_map(|(index, (planned, step))| question(index, planned, step)).collect()
}

fn question<'a>(index: usize, planned: &'a Step, step: &'a StepRun) -> Option<Question<'a>> {
    let said = |proof: &'a Option<(Timestamp, Proof, String)>| {
        proof.as_ref().map(|(_, proof, why)| (*proof, why.as_str()))
    };
    let signalled = step.fate() == StepState::Failed
        && matches!(step.run.as_ref()?.outcome, Some(Outcome::Signalled { .. }));
    if step.fate() != StepState::Unknown && !signalled {
        return None;
    }
    let undone = match &planned.undo {
        Undo::By { proof, .. } if step.undo.is_some() => proof.as_ref(),
        _ => None,
    };
    let question = match (undone, &planned.proof) {
        (Some(probe), _) => {
            let (run, known) = (step.undo.as_ref(), said(&step.undo_proof));
            Question { step: index, planned, undo: true, probe: Some(probe), run, known }
        }
        (None, probe) => {
            let (run, known) = (step.run.as_ref(), said(&step.proof));
            Question { step: index, planned, undo: false, probe: probe.as_ref(), run, known }
        }
    };
    // That nothing can tell is said once.
    (question.probe.is_some() || question.known.is_none()).then_some(question)
}

/// Records what the answers of the world make of a plan: what it released, and that it is done
/// after all. Once, whoever else does the same.
fn conclude(journal: &mut Journal, incident: IncidentId, spec: &Plan) -> Result<Vec<Record>> {
    loop {
        let (log, seen) = journal.load(incident)?;
        let drafts: Vec<Draft> =
            conclusions(spec, &log).into_iter().map(|body| Draft::now(incident, body)).collect();
        if drafts.is_empty() {
            return Ok(Vec::new());
        }
        if let Some(records) = journal.append_unless_moved(Timestamp::now(), incident, seen, drafts)? {
            return Ok(records);
        }
    }
}

fn conclusions(spec: &Plan, log: &Log) -> Vec<Body> {
    let Some(run) = log.state().plan(&spec.id) else { return Vec::new() };
    let mut bodies: Vec<Body> = release::due(spec, run, log.state());
    if run.state != PlanState::Ended(PlanEnd::Unknown) {
        return bodies;
    }
    let fates: Vec<_> = run.steps.iter().map(StepRun::fate).collect();
    let ended = |end, why: &str| PlanEnded { plan: spec.id.clone(), end, why: why.to_owned() };
    if run.steps.iter().all(StepRun::is_settled) {
        bodies.push(ended(PlanEnd::Done, "found to be done").into());
    } else if !fates.contains(&StepState::Unknown) {
        let why =
            if fates.contains(&StepState::Failed) { "a step was found not to be done" } else { &run.why };
        bodies.push(ended(PlanEnd::Failed, why).into());
    }
    bodies
}
