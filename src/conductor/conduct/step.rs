//! A step from just before its beginning to just after its end, each on record before what
//! comes after it.

use super::super::claim::Keeping;
use super::super::early;
use super::super::files::log_dir;
use super::super::pushed::{self, Report};
use super::super::run::Finished;
use super::super::{issues, orphan, release, report};
use super::judge::StepEnd;
use super::proof::Answered;
use super::wait::who;
use super::{Conductor, Turn};
use crate::incident::{Body, Outcome, PlanEnd, Proof, StepEnded, StepStarted, StepState};
use crate::plan::programs::of_step;
use crate::plan::{Action, Probe, Step};

impl Conductor {
    /// Carries a step out.
    pub(super) fn step(&mut self, index: usize) -> Turn {
        self.carry_out(index, None)
    }

    /// Carries a step out, with something else in place of what it does where it is concluded after a
    /// person settled it.
    pub(super) fn carry_out(&mut self, index: usize, conclude: Option<&Action>) -> Turn {
        let Some(step) = self.plan.steps.get(index).cloned() else { return self.over() };
        // What was done so far is on disk before anything more is.
        if let Err(failure) = self.recorder.settle() {
            return self.not_begun(index, &step.title, &failure.cause);
        }
        if let Some(turn) = self.stopped_before(&step) {
            return turn;
        }
        if let Some(why) = self.still_alive() {
            return self.not_begun(index, &step.title, &why);
        }
        let may_begin = self
            .check_frozen()
            .and_then(|()| self.vault.check_programs(of_step(&step)))
            .and_then(|()| self.check_guards(&step));
        if let Err(why) = may_begin {
            return self.refused(index, &step, why);
        }
        if let Some(turn) = self.stopped_before(&step) {
            return turn;
        }
        let action = conclude.unwrap_or(&step.action);
        if action.changes_something()
            && let Some(question) = self.unsure_of_target()
        {
            return Turn::Wait(index, question);
        }
        match self.put_back(index, action) {
            Ok(true) => {}
            Ok(false) => return self.found_done(index, "nothing of it is left".to_owned()),
            Err(why) => return self.not_begun(index, &step.title, &why),
        }
        let run = self.recorder.next_run(index, false);
        // Written down before anything starts: whatever happens next, it is known that it may
        // have started. What cannot be written down is not started.
        if let Err(failure) = self.recorder.insist(self.began(index, &run, false)) {
            return self.not_begun(index, &step.title, &failure.cause);
        }
        let finished = self.act(index, action, &run, step.timeout, false);
        // What it is about may have become known only with it.
        let step = self.plan.steps.get(index).cloned().unwrap_or(step);
        self.close(index, &step, run, finished)
    }

    /// What a person is asked before more is changed at a target that others may hold by now: once each time.
    fn unsure_of_target(&mut self) -> Option<String> {
        let trouble = self.lease_there.as_ref().and_then(Keeping::trouble);
        let is_asked = std::mem::replace(&mut self.asked_about_lease, trouble.is_some());
        trouble.filter(|_| !is_asked)
    }

    /// The end of the plan, where somebody wants it to go no further than here.
    fn stopped_before(&mut self, step: &Step) -> Option<Turn> {
        let wish = if self.is_stopping() { self.stopping.take() } else { None }?;
        let why = format!("{}, before it began: {}", who(&wish.why), step.title);
        Some(Turn::End(PlanEnd::Cancelled, why))
    }

    /// Why nothing may begin now: what is alive of a step that did not come to its own end.
    pub(super) fn still_alive(&self) -> Option<String> {
        let (run, alive) = orphan::still_alive(self.incident, self.recorder.plan()?, false)?;
        Some(format!("{run} did not come to its own end; {alive}"))
    }

    pub(super) fn began(&self, index: usize, run: &str, undo: bool) -> StepStarted {
        let (plan, run) = (self.plan.id.clone(), run.to_owned());
        StepStarted { plan, step: index, run, process: None, undo }
    }

    pub(super) fn ended(&self, index: usize, run: String, finished: &Finished, unproven: bool) -> StepEnded {
        StepEnded {
            plan: self.plan.id.clone(),
            step: index,
            run,
            outcome: finished.ended.outcome.clone(),
            summary: finished.ended.summary.clone(),
            survivors: finished.ended.survivors.clone(),
            unproven,
            tail: finished.ended.tail.clone(),
        }
    }

    fn not_begun(&mut self, index: usize, title: &str, cause: &str) -> Turn {
        let mut end = StepEnd::new(PlanEnd::Failed, format!("{title} was not begun: {cause}"));
        // Nothing that comes after it could be begun either.
        end.stopped = true;
        self.verdict(index, end)
    }

    /// A step that may not begin now. What is known of a run before stays as it is.
    fn refused(&mut self, index: usize, step: &Step, why: String) -> Turn {
        let ran = !matches!(self.fate(index), StepState::Open | StepState::Undone);
        if ran {
            return self.not_begun(index, &step.title, &why);
        }
        let run = self.recorder.next_run(index, false);
        let finished = Finished::did_not_start(why);
        let began: Body = self.began(index, &run, false).into();
        let ended = self.ended(index, run, &finished, false).into();
        self.recorder.record_all([began, ended]);
        self.verdict(index, StepEnd::of(step, &finished, None))
    }

    /// Records the end of a step, asks the world about it, and says what that means.
    fn close(&mut self, index: usize, step: &Step, run: String, mut finished: Finished) -> Turn {
        let dir = log_dir(&self.state_dir, self.incident, &run);
        let report = pushed::report(step, &finished.ended.outcome, &dir);
        if report == Some(Report::CutOff)
            && let Outcome::Exited { code } = finished.ended.outcome
        {
            // It says that it was cut off, and not what became of it.
            let why = if finished.signalled { "it was stopped" } else { "the connection was lost" };
            let why = format!("git exited {code}: {why} before the remote answered");
            finished.ended.outcome = Outcome::Unknown { why };
        }
        let outcome = finished.ended.outcome.clone();
        let unproven = outcome.succeeded() && step.proof.is_some();
        let mut bodies: Vec<Body> = vec![self.ended(index, run, &finished, unproven).into()];
        if outcome.succeeded() && !unproven {
            // With the end, in one transaction: there is no moment at which one is without the
            // other.
            bodies.extend(release::by_step(&self.plan, index));
        }
        bodies.extend(release::by_watch(&self.plan, index, &outcome, &finished.ended.summary));
        self.recorder.record_all(bodies);
        let asks = unproven || (step.action.changes_something() && has_begun(&outcome));
        let proof = match step.proof.as_ref().filter(|_| asks) {
            None => None,
            Some(probe) => {
                let said = match self.asked(step, probe, &outcome, report.as_ref()) {
                    (Proof::Done, why) => Answered::Said((Proof::Done, why)),
                    // Its own word that nothing came of it is worth more than silence.
                    said if report == Some(Report::Failed) => Answered::Said(said),
                    said if finished.stopped.is_some() && outcome.succeeded() => {
                        // Whoever stopped it waits for nothing more.
                        let now = self.recorder.now();
                        Answered::Said(early::weighed(said, step, self.last_run(index), now))
                    }
                    said => self.until_settled(index, step, said),
                };
                let said = match said {
                    Answered::Said(said) => said,
                    Answered::Otherwise(turn) => return turn,
                };
                let said = self.weighed(index, said);
                self.record_proof(index, &outcome, &said, false);
                Some(said)
            }
        };
        finished.stopped = finished.stopped.or(self.stopping.take().map(|wish| wish.why));
        let mut end = StepEnd::of(step, &finished, proof.as_ref());
        if step.settle.is_some() && end.end == PlanEnd::Failed && !finished.ended.summary.is_empty() {
            end.why = format!("{}: {}", end.why, finished.ended.summary);
        }
        self.verdict(index, end)
    }

    /// What an answer about a step is worth.
    pub(super) fn weighed(&self, index: usize, said: (Proof, String)) -> (Proof, String) {
        let run = self.last_run(index);
        let said = orphan::weighed(said, self.incident, run);
        let said = match self.plan.steps.get(index) {
            Some(step) => early::settled(said, step, run),
            None => said,
        };
        release::weighed(said, &self.plan, index, run, self.recorder.state())
    }

    /// Asks the world about a step that has just ended: once where that is asked on until the answer
    /// counts, else for as long as it was expected to take.
    fn asked(
        &mut self,
        step: &Step,
        probe: &Probe,
        outcome: &Outcome,
        report: Option<&Report>,
    ) -> (Proof, String) {
        let push = pushed::push_of(step).filter(|push| pushed::asks_its_remote(push, probe));
        match (push, report) {
            // What was ended while nothing was sent needs no remote to say so.
            (Some(_), Some(Report::Failed)) if matches!(outcome, Outcome::Signalled { .. }) => {
                (Proof::NotDone, "git had sent nothing yet".to_owned())
            }
            // A new connection may need a person to answer for it. The old one has told.
            (Some(_), Some(Report::Taken(line))) => match self.ask(probe) {
                (Proof::Unknown, why) => {
                    let line = self.vault.mask(line);
                    (Proof::Done, format!("git reported: {line} (asking again did not work: {why})"))
                }
                (Proof::NotDone, _) => self.ask_within(probe, step.proof_within),
                done => done,
            },
            _ if outcome.succeeded() && early::patience(step, outcome).is_none() => {
                self.ask_within(probe, step.proof_within)
            }
            _ => self.ask(probe),
        }
    }

    /// Records what the world said of a step, and with it what that released.
    pub(super) fn record_proof(
        &mut self,
        index: usize,
        outcome: &Outcome,
        said: &(Proof, String),
        undo: bool,
    ) {
        let (proof, why) = said.clone();
        let proved = crate::incident::Proved { plan: self.plan.id.clone(), step: index, proof, why, undo };
        let done = !undo && proof == Proof::Done && outcome.fate(Some(proof)) == StepState::Done;
        let released = if done { release::by_step(&self.plan, index) } else { Vec::new() };
        let linked =
            || issues::linked(&self.plan, index, &said.1).or_else(|| report::saved(&self.plan, index));
        let linked = done.then(linked).flatten();
        self.recorder.record_all(std::iter::once(proved.into()).chain(released).chain(linked));
    }
}

/// Tells whether something may have been done at all.
fn has_begun(outcome: &Outcome) -> bool {
    !matches!(outcome, Outcome::DidNotStart { .. } | Outcome::NotMet { .. } | Outcome::Interrupted { .. })
}
