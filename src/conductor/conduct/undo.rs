//! Going back: what was begun is undone, from the last step to the one that was named.

use std::time::Instant;

use jiff::SignedDuration;

use super::super::{early, orphan, release};
use super::{Conductor, Turn};
use crate::incident::{Body, Outcome, PlanEnd, Proof, Run, StepState, share_before};
use crate::plan::progress::may_have_left_something;
use crate::plan::{Action, Probe, Step, Undo};

impl Conductor {
    /// Undoes all that was begun, back to and including a step; then the plan is over. It has failed
    /// if a step of it has: that what was done is taken back makes no success of it. It is cancelled
    /// if a person asked for it.
    pub(super) fn undo(&mut self, to: usize, end: PlanEnd, why: &str) -> Turn {
        for index in (to..self.plan.steps.len()).rev() {
            let Some(step) = self.plan.steps.get(index).cloned() else { continue };
            if let Err(failure) = self.recorder.settle() {
                return undoing(&step, PlanEnd::Failed, &format!("was not begun: {}", failure.cause), why);
            }
            let ran = self.recorder.plan().and_then(|run| run.steps.get(index));
            if !ran.is_some_and(may_have_left_something) {
                continue;
            }
            let ended = match &step.undo {
                Undo::Nothing => continue,
                Undo::Irreversible { why: never } => {
                    Err((PlanEnd::Failed, format!("is not possible: {never}")))
                }
                Undo::By { action, proof } => self.undo_step(index, &step, action, proof.as_ref()),
            };
            if let Err((end, how)) = ended {
                return undoing(&step, end, &how, why);
            }
        }
        let titles = self.plan.steps.iter().take(to + 1).map(|step| step.title.as_str());
        let how = share_before(titles).unwrap_or_else(|| {
            let title = self.plan.steps.get(to).map_or("", |step| &step.title);
            format!("back to and including {title}")
        });
        Turn::End(end, format!("undone, {how}: {why}"))
    }

    fn undo_step(
        &mut self,
        index: usize,
        step: &Step,
        action: &Action,
        proof: Option<&Probe>,
    ) -> Result<(), (PlanEnd, String)> {
        if self.is_stopping() {
            let why = self.stopping.take().map(|wish| super::wait::who(&wish.why)).unwrap_or_default();
            return Err((PlanEnd::Cancelled, format!("was not begun: {why}")));
        }
        if let Some(why) = self.still_alive() {
            return Err((PlanEnd::Failed, format!("was not begun: {why}")));
        }
        if let Some(probe) = proof
            && self.is_undoing_unknown(index)
        {
            let said = self.ask(probe);
            let now = self.recorder.now();
            let said = match early::undoing(step) {
                Some(undoing) => early::weighed(said, &undoing, self.last_undo(index), now),
                None => said,
            };
            self.record_undone(index, &said);
            if said.0 == Proof::Done {
                return Ok(());
            }
        }
        let run = self.recorder.next_run(index, true);
        self.recorder
            .insist(self.began(index, &run, true))
            .map_err(|failure| (PlanEnd::Failed, format!("was not begun: {}", failure.cause)))?;
        let finished = self.act(index, action, &run, step.timeout, true);
        let outcome = finished.ended.outcome.clone();
        let unproven = outcome.succeeded() && proof.is_some();
        let mut bodies: Vec<Body> = vec![self.ended(index, run, &finished, unproven).into()];
        if outcome.succeeded() && !unproven {
            bodies.extend(self.taken_back(index));
        }
        self.recorder.record_all(bodies);
        if let Some(probe) = proof
            && !matches!(outcome, Outcome::DidNotStart { .. })
        {
            let said = self.until_undone(index, step, probe, &outcome);
            let run = self.last_undo(index);
            let said = orphan::weighed(said, self.incident, run);
            self.record_undone(index, &said);
            return match said {
                (Proof::Done, _) => Ok(()),
                (Proof::NotDone, why) => Err((PlanEnd::Failed, format!("did not work: {why}"))),
                (Proof::Unknown, why) => Err((PlanEnd::Unknown, format!("cannot be proven: {why}"))),
            };
        }
        match outcome {
            outcome if outcome.succeeded() => Ok(()),
            Outcome::Unknown { why } => Err((PlanEnd::Unknown, format!("has an unknown outcome: {why}"))),
            outcome => Err((PlanEnd::Failed, format!("failed: {}", super::judge::how(&outcome, None)))),
        }
    }

    /// Asks whether a step is undone for as long as “no” may be “not yet”, and says so meanwhile. A wish
    /// to stop ends it.
    fn until_undone(
        &mut self,
        index: usize,
        step: &Step,
        probe: &Probe,
        outcome: &Outcome,
    ) -> (Proof, String) {
        let began = Instant::now();
        let expected = if outcome.succeeded() { step.proof_within } else { SignedDuration::ZERO };
        let said = self.ask_within(probe, expected);
        let undoing = early::undoing(step).unwrap_or_else(|| step.clone());
        let Some(patience) = early::patience(&undoing, outcome).filter(|_| said.0 == Proof::NotDone) else {
            return said;
        };
        let left = patience - SignedDuration::try_from(began.elapsed()).unwrap_or_default();
        if left.is_positive() && !self.is_stopping() {
            let going = early::still_going(&undoing, outcome.succeeded(), &said.1);
            let until = self.recorder.now().checked_add(left).map_or_else(|_| String::new(), early::at);
            self.record_undone(index, &(Proof::Unknown, format!("{going}; asked again until {until}")));
        }
        let said = if left.is_positive() { self.ask_within(probe, left) } else { said };
        let now = self.recorder.now();
        early::weighed(said, &undoing, self.last_undo(index), now)
    }

    /// The last run that was to undo a step.
    fn last_undo(&self, index: usize) -> Option<&Run> {
        self.recorder.plan()?.steps.get(index)?.undo.as_ref()
    }

    /// Tells whether an attempt to undo it was made whose end nobody knows.
    fn is_undoing_unknown(&self, index: usize) -> bool {
        let step = self.recorder.plan().and_then(|run| run.steps.get(index));
        step.is_some_and(|step| step.undo.is_some() && step.fate() == StepState::Unknown)
    }

    fn record_undone(&mut self, index: usize, said: &(Proof, String)) {
        let (proof, why) = said.clone();
        let proved =
            crate::incident::Proved { plan: self.plan.id.clone(), step: index, proof, why, undo: true };
        let mut bodies: Vec<Body> = vec![proved.into()];
        if proof == Proof::Done {
            bodies.extend(self.taken_back(index));
        }
        self.recorder.record_all(bodies);
    }

    fn taken_back(&self, index: usize) -> Vec<Body> {
        let known = self.recorder.journal().history(self.recorder.repository());
        let releases = known.map(|history| history.releases).unwrap_or_default();
        release::taken_back(&self.plan, index, self.recorder.state(), &releases)
    }
}

fn undoing(step: &Step, end: PlanEnd, how: &str, why: &str) -> Turn {
    Turn::End(end, format!("undoing {} {how}; it had to be undone because {why}", step.title))
}
