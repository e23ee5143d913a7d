//! The detached process: carries one plan out to its end, step by step.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use super::files::{Note, log_dir, make_dir, make_file, make_new_dir, why_file};
use super::recorder::{Recorder, run_id};
use super::run::{Finished, Watcher, run};
use super::secrets::Vault;
use super::signals::Signals;
use super::stop::{Why, Wish};
use super::{frozen, process};
use crate::failure::{Failure, Result};
use crate::incident::{
    IncidentId, Outcome, PlanEnd, PlanEnded, PlanState, Process, Signalled, StepEnded, StepStarted, duration,
};
use crate::journal::{Journal, Seq};
use crate::plan::{Action, Plan, Purpose, Step};

/// How long the end of a plan is tried to be written before whoever looks next must do it.
const PERSISTENCE: Duration = Duration::from_secs(15 * 60);

/// The body of `flightdeck conduct`: carries the plan out to its end. Returns when every
/// step has ended and the record says so.
///
/// # Errors
/// The plan cannot be begun, or its end could not be recorded; the reason is left beside the
/// logs for whoever looks.
pub fn conduct(state_dir: &Path, author: &str, incident: IncidentId, plan: &str) -> Result<()> {
    // Out of the session of whoever started it: a closed terminal is nothing to it. This
    // fails only where it leads a session already.
    let _ = rustix::process::setsid();
    let carried = std::panic::catch_unwind(|| carry_out(state_dir, author, incident, plan));
    let result = carried.unwrap_or_else(|panic| Err(broken(plan, &*panic)));
    if let Err(failure) = &result {
        leave_why(&why_file(state_dir, incident, plan), failure);
    }
    result
}

/// Leaves the reason where whoever looks next finds it. There is nobody else to tell.
fn leave_why(path: &Path, failure: &Failure) {
    let _ = path.parent().map(make_dir);
    if let Ok(mut file) = make_file(path) {
        let _ = file.write_all(failure.cause.as_bytes());
    }
}

fn broken(plan: &str, panic: &(dyn std::any::Any + Send)) -> Failure {
    let said = panic.downcast_ref::<String>().map(String::as_str);
    let said = said.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no reason");
    Failure::new(
        format!("carrying out {plan}"),
        format!("the conductor broke down: {said}"),
        "report it with this text",
    )
}

fn carry_out(state_dir: &Path, author: &str, incident: IncidentId, id: &str) -> Result<()> {
    let doing = || format!("carrying out {id}");
    let cannot = |cause: String| Failure::new(doing(), cause, "start it again");
    let signals = Signals::catch().map_err(|e| cannot(format!("signals cannot be caught: {e}")))?;
    let journal = Journal::open(state_dir, author)?;
    let (plan, seq) = load(&journal, incident, id).map_err(&cannot)?;
    let lease = journal.leases()?.into_iter().find(|lease| lease.incident == incident && lease.plan == id);
    let lease = lease.ok_or_else(|| cannot("nobody holds the lease of this plan any more".to_owned()))?;
    let process = process::this().ok_or_else(|| cannot("this process cannot be identified".to_owned()))?;
    let mut recorder = Recorder::new(journal, incident, lease, process, seq);
    // Claims the lease: whoever gave this plan up in the meantime has won.
    recorder.beat()?;
    let vault = Vault::open(&plan);
    let mut conductor =
        Conductor { recorder, signals, incident, state_dir: state_dir.to_owned(), plan, vault };
    let ended = conductor.steps();
    conductor.end(&ended)
}

/// Reads the plan as it was approved.
fn load(journal: &Journal, incident: IncidentId, id: &str) -> Result<(Plan, Seq), String> {
    let (log, seq) = journal.load(incident).map_err(|failure| failure.cause)?;
    let started = log.state().plan(id).ok_or("the journal knows no such plan")?;
    if started.state != PlanState::Running || started.steps.iter().any(|step| step.run.is_some()) {
        return Err("it was carried out before".to_owned());
    }
    Ok((approved(journal, &log, id)?, seq))
}

/// A plan that was approved on this installation, exactly as it was approved.
pub(super) fn approved(journal: &Journal, log: &crate::incident::Log, id: &str) -> Result<Plan, String> {
    let here = journal.author().node;
    let record = log.records().iter().find_map(|record| match &record.body {
        crate::incident::Body::PlanStarted(started) if started.plan == id => Some((record, started)),
        _ => None,
    });
    let Some((record, started)) = record else { return Err("the journal knows no such plan".to_owned()) };
    if record.author.node != here {
        return Err("it was started on another machine; its commands were never trusted here".to_owned());
    }
    let plan: Plan = serde_json::from_value(started.spec.clone())
        .map_err(|error| format!("it cannot be read as a plan: {error}"))?;
    if plan.hash() != started.hash || plan.id != id {
        return Err("what is to be run is not what was approved".to_owned());
    }
    Ok(plan)
}

struct Conductor {
    recorder: Recorder,
    signals: Signals,
    incident: IncidentId,
    state_dir: PathBuf,
    plan: Plan,
    vault: Vault,
}

/// What a step means for the plan.
struct StepEnd {
    end: PlanEnd,
    why: String,
    /// The steps after it may still be carried out.
    goes_on: bool,
}

impl Conductor {
    fn steps(&mut self) -> PlanEnded {
        let mut failed: Vec<StepEnd> = Vec::new();
        for index in 0..self.plan.steps.len() {
            let last = index + 1 == self.plan.steps.len();
            let mut step = self.step(index);
            let goes_on = step.goes_on && !last;
            if !step.goes_on && !last && step.end == PlanEnd::Done {
                // Stopped between two steps: what is done is done, the rest is not.
                step.end = PlanEnd::Cancelled;
            }
            if step.end != PlanEnd::Done {
                failed.push(step);
            }
            if !goes_on {
                break;
            }
        }
        let worst = [PlanEnd::Unknown, PlanEnd::Cancelled, PlanEnd::Failed]
            .into_iter()
            .find(|end| failed.iter().any(|step| step.end == *end));
        let whys: Vec<_> = failed.iter().map(|step| step.why.as_str()).collect();
        PlanEnded { plan: self.plan.id.clone(), end: worst.unwrap_or(PlanEnd::Done), why: whys.join("; ") }
    }

    fn step(&mut self, index: usize) -> StepEnd {
        let Some(step) = self.plan.steps.get(index).cloned() else {
            return StepEnd { end: PlanEnd::Failed, why: "no such step".to_owned(), goes_on: false };
        };
        let run_id = run_id(&self.plan.id, index);
        let began = StepStarted {
            plan: self.plan.id.clone(),
            step: index,
            run: run_id.clone(),
            process: None,
            undo: false,
        };
        // Written down before anything starts: whatever happens next, it is known that it may
        // have started. What cannot be written down is not started.
        if let Err(failure) = self.recorder.insist(began) {
            let why = format!("{} was not begun: {}", step.title, failure.cause);
            return StepEnd { end: PlanEnd::Failed, why, goes_on: false };
        }
        let finished = self.run(index, &step, &run_id);
        let ended = StepEnded {
            plan: self.plan.id.clone(),
            step: index,
            run: run_id,
            outcome: finished.ended.outcome.clone(),
            summary: finished.ended.summary.clone(),
            survivors: finished.ended.survivors.clone(),
            unproven: false,
        };
        self.recorder.record(ended);
        judge(&step, &finished, self.plan.purpose)
    }

    fn run(&mut self, index: usize, step: &Step, run_id: &str) -> Finished {
        let Action::Command(command) = &step.action else {
            return Finished::did_not_start("this kind of step is not known here".to_owned());
        };
        // Later steps may move the references themselves: it is what they are for.
        if index == 0
            && let Err(why) = frozen::check(&command.cwd, &self.plan.frozen)
        {
            return Finished::did_not_start(why);
        }
        if let Err(failure) = self.vault.need_for_action(&step.action) {
            return Finished::did_not_start(failure.cause);
        }
        let dir = log_dir(&self.state_dir, self.incident, run_id);
        let note = make_new_dir(&dir).and_then(|()| Note::make(&dir));
        let mut note = match note {
            Ok(note) => note,
            Err(error) => {
                return Finished::did_not_start(format!(
                    "its log cannot be begun in {}: {error}",
                    dir.display()
                ));
            }
        };
        let timeout = Duration::try_from(step.timeout).unwrap_or_default();
        let mark = format!("{}/{run_id}", self.incident);
        let (plan, run_name) = (self.plan.id.clone(), run_id.to_owned());
        let mut watcher = StepWatcher { recorder: &mut self.recorder, plan, index, run: run_name };
        let finished = run(command, &dir, &mark, timeout, &self.vault, &self.signals, &mut watcher);
        let _ = note.write(&finished.ended);
        finished
    }

    /// Writes the end down. While the disk is full it waits; the notes beside the logs hold
    /// what whoever looks next needs, should this process end before.
    fn end(&mut self, ended: &PlanEnded) -> Result<()> {
        let give_up = Instant::now() + PERSISTENCE;
        let mut pause = Duration::from_millis(200);
        loop {
            match self.recorder.end(ended.clone()) {
                Ok(()) => return Ok(()),
                Err(failure) if Instant::now() >= give_up || self.signals.asked_to_end() => {
                    return Err(failure);
                }
                Err(_) => std::thread::sleep(pause),
            }
            pause = (pause * 2).min(Duration::from_secs(5));
        }
    }
}

/// What the end of a step means.
fn judge(step: &Step, finished: &Finished, purpose: Purpose) -> StepEnd {
    let outcome = &finished.ended.outcome;
    let title = &step.title;
    let how = match outcome {
        Outcome::Exited { code: 0 } => "exited 0".to_owned(),
        Outcome::Exited { code } => format!("exited {code}"),
        Outcome::Signalled { signal } => format!("was killed by signal {signal}"),
        Outcome::DidNotStart { why } => format!("did not start: {why}"),
        Outcome::Unknown { why } => format!("has an unknown end: {why}"),
        Outcome::Met => "is done".to_owned(),
        Outcome::NotMet { why } => format!("failed: {why}"),
        Outcome::Interrupted { why } => format!("was broken off: {why}"),
    };
    let asked = match &finished.stopped {
        Some(Why::Asked { by }) => Some(format!("{by} asked for a stop")),
        Some(Why::Ending) => Some("the conductor was told to end".to_owned()),
        Some(Why::Timeout) | None => None,
    };
    // Checks are independent of each other: a red one says nothing about the next.
    let independent = purpose == Purpose::Test && asked.is_none();
    if matches!(outcome, Outcome::Unknown { .. }) {
        return StepEnd { end: PlanEnd::Unknown, why: format!("{title} {how}"), goes_on: false };
    }
    if let Some(asked) = asked {
        // It was over before anything was done about it.
        let end = if outcome.succeeded() && !finished.signalled { PlanEnd::Done } else { PlanEnd::Cancelled };
        return StepEnd { end, why: format!("{asked}; {title} {how}"), goes_on: false };
    }
    if finished.stopped == Some(Why::Timeout) && finished.signalled {
        let why = format!("{title} was stopped after {} and {how}", duration(step.timeout));
        return StepEnd { end: PlanEnd::Failed, why, goes_on: independent };
    }
    if outcome.succeeded() {
        return StepEnd { end: PlanEnd::Done, why: String::new(), goes_on: true };
    }
    StepEnd { end: PlanEnd::Failed, why: format!("{title} {how}"), goes_on: independent }
}

struct StepWatcher<'a> {
    recorder: &'a mut Recorder,
    plan: String,
    index: usize,
    run: String,
}

impl Watcher for StepWatcher<'_> {
    fn started(&mut self, process: Option<Process>) {
        self.recorder.record(StepStarted {
            plan: self.plan.clone(),
            step: self.index,
            run: self.run.clone(),
            process,
            undo: false,
        });
    }

    fn tick(&mut self) -> Option<Wish> {
        self.recorder.tick()
    }

    fn signalling(&mut self, signal: &'static str) {
        self.recorder.record(Signalled { run: self.run.clone(), signal: signal.to_owned() });
    }
}
