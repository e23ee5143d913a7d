//! The detached process: carries one plan out from wherever the record says it stands.
//!
//! Each turn reads the record, does one thing, and writes down what became of it: `step` begins
//! and ends a step, `act` does what it does, `wait` is what takes time or a person, `proof` asks
//! the world, `settle` goes on after a failure, `undo` goes back, `judge` says what an end means.

mod act;
mod beside;
mod extended;
mod judge;
mod pipeline;
mod proof;
mod settle;
mod step;
mod undo;
mod wait;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub(super) use self::wait::TOLD_TO_END;

use self::judge::StepEnd;
use self::proof::Answered;
use super::claim::Keeping;
use super::deployments::Reporter;
use super::extended::start_after;
use super::files::{make_dir, make_file, why_file};
use super::recorder::{Decided, Recorder};
use super::secrets::Vault;
use super::sharing::Rounds;
use super::signals::Signals;
use super::stop::Wish;
use super::{frozen, process, release};
use jiff::SignedDuration;

use crate::failure::{Failure, Result};
use crate::incident::{
    Author, Body, Decision, IncidentId, PlanEnd, PlanEnded, PlanResumed, PlanStarted, Process, State,
    StepSkipped, StepState,
};
use crate::journal::{Journal, Lease};
use crate::plan::progress::has_moved_refs;
use crate::plan::{Action, OnFailure, Pipeline, Plan, stored};

/// How long a pipeline is looked for that may have been started before.
const SOUGHT: SignedDuration = SignedDuration::from_secs(30);
/// How long the end of a plan is tried to be written before whoever looks next must do it.
const PERSISTENCE: Duration = Duration::from_secs(15 * 60);

/// How long the last round of sharing is waited for: colleagues are to see how the plan ended.
const LAST_ROUND: Duration = Duration::from_secs(20);

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
        format!("running {plan}"),
        format!("the process of the plan crashed: {said}"),
        "report it with this text",
    )
}

fn carry_out(state_dir: &Path, author: &str, incident: IncidentId, id: &str) -> Result<()> {
    let doing = || format!("running {id}");
    let cannot = |cause: String| Failure::new(doing(), cause, "start it again");
    let signals = Signals::catch().map_err(|e| cannot(format!("cannot catch signals: {e}")))?;
    let journal = Journal::open_again(state_dir, author)?;
    let (log, seq) = journal.load(incident)?;
    let plan = load(&journal, log.state(), id).map_err(&cannot)?;
    let lease = journal.leases()?.into_iter().find(|lease| lease.incident == incident && lease.plan == id);
    let lease = lease.ok_or_else(|| cannot("nobody holds the lease of this plan any more".to_owned()))?;
    let process = process::this().ok_or_else(|| cannot("this process cannot be identified".to_owned()))?;
    if is_another_at_it(&lease, &process) {
        return Err(cannot("another process is running it".to_owned()));
    }
    let resumed = last_resumed(&journal, incident, id)?;
    let reporter = Reporter::start(state_dir, author, incident, &log, id);
    let rounds = Rounds::start(state_dir, author, incident);
    let lease_there = Keeping::start(state_dir, author, incident, &plan);
    let mut recorder = Recorder::new(journal, incident, lease, process, (log, seq))?;
    // Claims the lease: whoever gave this plan up in the meantime has won.
    recorder.beat()?;
    if resumed.is_none() {
        recorder.measure();
    }
    let vault = Vault::open(&plan);
    let mut conductor = Conductor {
        recorder,
        signals,
        incident,
        state_dir: state_dir.to_owned(),
        plan,
        vault,
        pending: None,
        unwell: Vec::new(),
        checked: false,
        resumed: resumed.is_some(),
        looked_beside: false,
        lease_there,
        asked_about_lease: false,
        stopping: None,
    };
    let ended = conductor.carry_on(resumed);
    conductor.end(&ended)?;
    // What comes after it takes a lease of its own.
    if let Some(keeping) = conductor.lease_there.take() {
        keeping.finish();
    }
    if ended.end == PlanEnd::Done && !conductor.signals.asked_to_end() {
        start_after(conductor.recorder.journal_mut(), state_dir, incident, id);
    }
    if !conductor.signals.asked_to_end()
        && let Some(reporter) = reporter
    {
        reporter.finish();
    }
    if !conductor.signals.asked_to_end()
        && let Some(rounds) = rounds
    {
        rounds.finish(LAST_ROUND);
    }
    Ok(())
}

/// Reads the plan as it was approved, and makes sure that it can be gone on with.
fn load(journal: &Journal, state: &State, id: &str) -> Result<Plan, String> {
    let run = state.plan(id).ok_or("the journal has no such plan")?;
    if run.node != journal.author().node {
        return Err("a plan of another machine has its id".to_owned());
    }
    if !run.state.is_under_way() {
        return Err("it has run already".to_owned());
    }
    // Whatever began has an end on record, or this is not the only conductor there is.
    if run.steps.iter().any(|step| step.fate() == StepState::Running) {
        return Err("a step of it is running".to_owned());
    }
    approved(journal, state.id, id).map(|plan| plan.with_learned(run))
}

/// Tells whether the lease is held by a conductor that lives and is not this one. Until a
/// conductor has shown a sign of life its starter holds it.
fn is_another_at_it(lease: &Lease, this: &Process) -> bool {
    let Some(holder) = &lease.process else { return false };
    let starter = rustix::process::getppid().map(|pid| pid.as_raw_pid().unsigned_abs());
    holder != this && Some(holder.pid) != starter && !process::is_gone(holder)
}

/// The decision because of which a plan was taken up again; `None`: it was just started.
fn last_resumed(journal: &Journal, incident: IncidentId, id: &str) -> Result<Option<Decided>> {
    let here = journal.author().node;
    let mut last = None;
    journal.each(incident, None, |record| match record.body {
        // Only here it is started and taken up: what another installation says of that is not so.
        _ if record.author.node != here => {}
        Body::PlanStarted(started) if started.plan == id => last = None,
        Body::PlanResumed(PlanResumed { plan, step, decision }) if plan == id => {
            let by = record.author.name;
            last = Some(Decided { by, step, run: None, decision, is_from_afar: false });
        }
        _ => {}
    })?;
    Ok(last)
}

/// A plan that was approved on this installation, exactly as it was approved.
pub(super) fn approved(journal: &Journal, incident: IncidentId, id: &str) -> Result<Plan, String> {
    let here = journal.author().node;
    let mut first = None;
    let read = journal.each(incident, None, |record| match record.body {
        Body::PlanStarted(started) if started.plan == id => {
            // Another installation may have taken its id.
            let is_known = |(author, _): &(Author, PlanStarted)| author.node == here;
            if first.is_none() || (record.author.node == here && !first.as_ref().is_some_and(is_known)) {
                first = Some((record.author, started));
            }
        }
        _ => {}
    });
    read.map_err(|failure| failure.to_string())?;
    let Some((author, started)) = first else { return Err("the journal has no such plan".to_owned()) };
    if author.node != here {
        return Err("it was started on another machine; its commands were never trusted here".to_owned());
    }
    let stored::Recorded { plan, hash } = stored::read(&started.spec).map_err(|why| why.to_string())?;
    if hash != started.hash || plan.id != id {
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
    /// A decision that is acted upon as soon as what is going on has ended.
    pending: Option<Decided>,
    /// Steps that did not go well though the plan went on.
    unwell: Vec<StepEnd>,
    /// The commits the plan was made for were looked at.
    checked: bool,
    /// The plan was taken up again.
    resumed: bool,
    /// A work tree of ours was put back to what the plan found it at.
    looked_beside: bool,
    /// The lease of the target where everybody can see it.
    lease_there: Option<Keeping>,
    /// Somebody was asked whether to go on without it.
    asked_about_lease: bool,
    /// Why the plan is to go no further, where that was heard in passing.
    stopping: Option<Wish>,
}

/// What comes next.
enum Turn {
    /// This step is carried out.
    Step(usize),
    /// Somebody has decided.
    Heed(Box<Decided>),
    /// A person has to decide about this step; the question.
    Wait(usize, String),
    /// All is undone back to this step, and then the plan has this end; why.
    Undo(usize, PlanEnd, String),
    /// The plan is over.
    End(PlanEnd, String),
}

impl Conductor {
    fn carry_on(&mut self, resumed: Option<Decided>) -> PlanEnded {
        // A conductor before this one may have ended between the step and the release.
        let due = self.recorder.plan().map(|run| release::due(&self.plan, run, self.recorder.state()));
        self.recorder.record_all(due.unwrap_or_default());
        let mut turn = match resumed {
            Some(decided) => Turn::Heed(Box::new(decided)),
            None => Turn::Step(0),
        };
        loop {
            turn = match turn {
                Turn::Step(index) => self.step(index),
                Turn::Heed(decided) => self.heed(*decided),
                Turn::Wait(index, question) => self.wait(index, &question),
                Turn::Undo(to, end, why) => self.undo(to, end, &why),
                Turn::End(end, why) => return PlanEnded { plan: self.plan.id.clone(), end, why },
            };
        }
    }

    /// Acts upon a decision. It was checked against what could be decided.
    fn heed(&mut self, decided: Decided) -> Turn {
        let Decided { by, step, decision, .. } = decided;
        match decision {
            // Only a pipeline that is followed can be reviewed: here it is over, and nothing is started for that.
            Decision::Resume | Decision::Review { .. } => self.resume(step),
            Decision::Retry => self.again(step),
            Decision::Skip { reason } => {
                let why = format!("{by} promoted before it was over: {reason}");
                let verdict = release::by_promotion(&self.plan, step, self.recorder.state(), &why);
                let skipped = StepSkipped { plan: self.plan.id.clone(), step, by, reason };
                self.recorder.record_all(std::iter::once(skipped.into()).chain(verdict));
                self.after(step)
            }
            Decision::Undo { to } => Turn::Undo(to, PlanEnd::Cancelled, format!("{by} asked for it")),
            Decision::GiveUp => Turn::End(PlanEnd::Cancelled, format!("{by} abandoned it")),
        }
    }

    /// Goes on with a step: a fate that is not known is asked about first, and is not guessed; so is
    /// whether what failed was done by hand since.
    fn resume(&mut self, index: usize) -> Turn {
        match self.fate(index) {
            StepState::Done | StepState::Skipped => self.after(index),
            // Its host is asked what became of it: it goes on, or is found, or nobody knows.
            StepState::Unknown if self.pipeline_of(index).is_some() => self.look_at_host(index),
            StepState::Unknown => match self.prove_again(index) {
                Answered::Said(said) => self.after_asking(index, said),
                Answered::Otherwise(turn) => turn,
            },
            StepState::Failed => self.after_failure(index),
            _ => Turn::Step(index),
        }
    }

    /// Looks for the pipeline of a step, and starts nothing.
    fn look_at_host(&mut self, index: usize) -> Turn {
        let sought = self.pipeline_of(index).map(|pipeline| pipeline.looked_for(SOUGHT));
        let action = sought.map(|sought| Action::Pipeline(Box::new(sought)));
        self.carry_out(index, action.as_ref())
    }

    fn pipeline_of(&self, index: usize) -> Option<&Pipeline> {
        match &self.plan.steps.get(index)?.action {
            Action::Pipeline(pipeline) => Some(pipeline),
            _ => None,
        }
    }

    fn fate(&self, index: usize) -> StepState {
        let step = self.recorder.plan().and_then(|run| run.steps.get(index));
        step.map_or(StepState::Open, crate::incident::StepRun::fate)
    }

    /// What comes after a step that is dealt with.
    fn after(&mut self, index: usize) -> Turn {
        for next in index + 1..self.plan.steps.len() {
            let (fate, title) = (self.fate(next), self.plan.steps[next].title.clone());
            let end = match fate {
                StepState::Done | StepState::Skipped => continue,
                StepState::Open | StepState::Undone => return Turn::Step(next),
                StepState::Failed => PlanEnd::Failed,
                StepState::Unknown | StepState::Running | StepState::Waiting => PlanEnd::Unknown,
            };
            // It was carried out before: that is not done again unasked.
            self.unwell.push(StepEnd::new(end, format!("{title} is {}", fate.name())));
            if self.plan.steps[next].on_failure != OnFailure::GoOn {
                break;
            }
        }
        self.over()
    }

    /// The end of a plan of which nothing is left to do.
    fn over(&self) -> Turn {
        let worst = [PlanEnd::Unknown, PlanEnd::Cancelled, PlanEnd::Failed]
            .into_iter()
            .find(|end| self.unwell.iter().any(|step| step.end == *end));
        let whys: Vec<_> = self.unwell.iter().map(|step| step.why.as_str()).collect();
        Turn::End(worst.unwrap_or(PlanEnd::Done), whys.join("; "))
    }

    /// What the end of a step makes of the plan.
    fn verdict(&mut self, index: usize, end: StepEnd) -> Turn {
        let planned = &self.plan.steps[index];
        let (on_failure, last) = (planned.on_failure, index + 1 == self.plan.steps.len());
        if let Some(decided) = self.pending.take() {
            if end.end == PlanEnd::Done && last && decided.decision == Decision::GiveUp {
                return self.over();
            }
            return Turn::Heed(Box::new(decided));
        }
        match (end.end, on_failure) {
            (PlanEnd::Done, _) if !end.stopped => self.after(index),
            (PlanEnd::Done, _) if last => self.over(),
            // Stopped between two steps: what is done is done, the rest is not.
            (PlanEnd::Done | PlanEnd::Cancelled, _) => Turn::End(PlanEnd::Cancelled, end.why),
            (_, _) if end.stopped => Turn::End(end.end, end.why),
            (_, OnFailure::Ask) | (PlanEnd::Unknown, OnFailure::UndoTo { .. }) => Turn::Wait(index, end.why),
            (PlanEnd::Failed, OnFailure::UndoTo { step }) => Turn::Undo(step, PlanEnd::Failed, end.why),
            (PlanEnd::Failed, OnFailure::GoOn) => {
                self.unwell.push(end);
                self.after(index)
            }
            (PlanEnd::Failed | PlanEnd::Unknown, _) => {
                self.unwell.push(end);
                self.over()
            }
        }
    }

    /// Looks whether the plan still is about what it was approved for. Its own steps may have
    /// moved the references: it is what they are for.
    fn check_frozen(&mut self) -> Result<(), String> {
        let own = self.recorder.plan().is_some_and(|run| has_moved_refs(&self.plan, run));
        if !self.checked && !own {
            frozen::check_plan(&self.plan)?;
        }
        self.checked = true;
        Ok(())
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

#[cfg(test)]
mod tests;
