//! Going on with a step that failed: the world is asked whether it was done by hand since, and what
//! only a person can settle, the conflicts of a merge, is concluded once nothing is left.

use super::super::left;
use super::super::release;
use super::super::{issues, report};
use super::{Conductor, Turn};
use crate::incident::{Body, Outcome, PlanEnd, Proof, Proved, StepEnded};
use crate::plan::{Action, OnFailure, Settle, Step};
use crate::text::visible;

/// How many paths are named.
const NAMED: usize = 8;

impl Conductor {
    /// Goes on with a step that failed. One that says so itself is never simply carried out again: that
    /// is asked for as such. One whose end nobody saw is, once the world says that it is not done.
    pub(super) fn after_failure(&mut self, index: usize) -> Turn {
        let Some(step) = self.plan.steps.get(index).cloned() else { return self.over() };
        let under_way = self.to_conclude(index);
        if let Some(settle) = &under_way {
            match self.left(settle) {
                Ok(left) if left.is_empty() => {}
                Ok(left) => return stays(index, &step, &still(settle, &left)),
                Err(why) => {
                    let why = format!("cannot find out which conflicts are left: {why}");
                    return stays(index, &step, &why);
                }
            }
        }
        let said = step.proof.as_ref().map(|probe| self.ask(probe));
        let said = said.map(|said| self.weighed(index, said));
        let run = self.last_run(index);
        let unseen = run.is_some_and(|run| matches!(run.outcome, Some(Outcome::Unknown { .. })));
        match (said, under_way) {
            (Some((Proof::Done, why)), _) => self.found_done(index, why),
            (_, Some(settle)) => self.carry_out(index, Some(&Action::Command(settle.conclude))),
            // Where nothing is under way there is nothing to conclude: it is begun again.
            (_, None) if step.settle.is_some() => Turn::Step(index),
            // Only its host can tell whether it was started.
            (_, None) if unseen && self.pipeline_of(index).is_some() => self.look_at_host(index),
            (Some((Proof::NotDone, _)), None) if unseen => Turn::Step(index),
            (Some((_, why)), None) => stays(index, &step, &format!("it is not done: {why}")),
            (None, None) => stays(index, &step, "nothing is configured that could tell whether it is done"),
        }
    }

    /// Goes on with a step of unknown fate about which the world was asked. What still is not known
    /// holds the target only where that must not be left alone: who looks into it may need it.
    pub(super) fn after_asking(&mut self, index: usize, (proof, why): (Proof, String)) -> Turn {
        let Some(step) = self.plan.steps.get(index).cloned() else { return self.over() };
        let seen = self.last_run(index).and_then(|run| run.outcome.as_ref()).is_some_and(Outcome::succeeded);
        match proof {
            Proof::Done => self.after(index),
            // It had its time, and says itself that it went well.
            Proof::NotDone if seen => stays(index, &step, &format!("it is not done: {why}")),
            Proof::NotDone => self.again(index),
            // What it was at is ours: it is put back, and carried out again.
            Proof::Unknown if self.is_beside(index) && self.is_lost_and_gone(index) => self.again(index),
            Proof::Unknown => {
                let why = format!("unknown whether it was done: {why}");
                match step.on_failure {
                    OnFailure::Ask => Turn::Wait(index, why),
                    _ => Turn::End(PlanEnd::Unknown, why),
                }
            }
        }
    }

    /// A step that was done by hand: a run of its own that did nothing but ask, so that what follows
    /// from it is on record with it.
    pub(super) fn found_done(&mut self, index: usize, why: String) -> Turn {
        let run = self.recorder.next_run(index, false);
        let plan = self.plan.id.clone();
        let began = self.began(index, &run, false);
        let ended = StepEnded {
            plan: plan.clone(),
            step: index,
            run,
            outcome: Outcome::Met,
            summary: "found to be done".to_owned(),
            survivors: Vec::new(),
            unproven: false,
            tail: Vec::new(),
        };
        let linked = issues::linked(&self.plan, index, &why).or_else(|| report::saved(&self.plan, index));
        let proved = Proved { plan, step: index, proof: Proof::Done, why, undo: false };
        let bodies: [Body; 3] = [began.into(), ended.into(), proved.into()];
        let follows = release::by_step(&self.plan, index);
        self.recorder.record_all(bodies.into_iter().chain(follows).chain(linked));
        self.after(index)
    }

    /// What a person has to settle, in place of the last line of its output; `None`: nothing is left
    /// to be settled, or that cannot be found out.
    pub(super) fn unsettled(&self, index: usize) -> Option<String> {
        let settle = self.plan.steps.get(index)?.settle.as_ref()?;
        let left = self.left(settle).ok().filter(|left| !left.is_empty())?;
        Some(self.vault.mask(&conflicts(settle, &left)))
    }

    /// The paths that are left to be settled.
    fn left(&self, settle: &Settle) -> Result<Vec<String>, String> {
        if !std::path::Path::new(&settle.place).is_dir() {
            let place = visible(&settle.place);
            return Err(format!(
                "{place} is gone; cancel this plan and make a new one: it does what is left to do"
            ));
        }
        self.vault.check_programs([settle.left.asked()])?;
        let variables = self.vault.variables(&settle.left);
        left::asked(&settle.left, variables).map_err(|why| self.vault.mask(&why))
    }
}

/// The plan as it stood: nothing was done.
fn stays(index: usize, step: &Step, why: &str) -> Turn {
    let why = format!("{}: {why}", step.title);
    if step.on_failure == OnFailure::Ask { Turn::Wait(index, why) } else { Turn::End(PlanEnd::Failed, why) }
}

fn named(left: &[String]) -> String {
    let names: Vec<_> = left.iter().take(NAMED).map(|path| visible(path)).collect();
    let more = left.len().saturating_sub(NAMED);
    if more == 0 { names.join(", ") } else { format!("{} and {more} more", names.join(", ")) }
}

fn conflicts(settle: &Settle, left: &[String]) -> String {
    format!("conflicts in {}; resolve them in {}, then continue", named(left), visible(&settle.place))
}

fn still(settle: &Settle, left: &[String]) -> String {
    format!("conflicts are left in {}; resolve them in {}", named(left), visible(&settle.place))
}
