//! Which plan a person should look at first.

use super::super::body::PlanEnd;
use super::{PlanRun, PlanState, Run, State, StepRun};

impl State {
    /// Plans that stand still until a person decides, most pressing first: those that wait, then
    /// those of unknown outcome that nothing has overtaken since. Newest first among equals.
    pub fn undecided(&self) -> impl Iterator<Item = &PlanRun> {
        let waiting = self.plans.iter().rev().filter(|plan| plan.state == PlanState::Waiting);
        let unknown = self.plans.iter().enumerate().rev().filter(|(index, plan)| {
            plan.state == PlanState::Ended(PlanEnd::Unknown) && !self.overtaken(*index)
        });
        waiting.chain(unknown.map(|(_, plan)| plan))
    }

    /// A later plan for the same target runs or is done: what became of this one shows there.
    fn overtaken(&self, index: usize) -> bool {
        let Some(plan) = self.plans.get(index) else { return false };
        self.plans.iter().skip(index + 1).any(|later| {
            later.target == plan.target
                && later.purpose == plan.purpose
                && (later.state.is_under_way() || later.is_done())
        })
    }

    /// The plan that is meant where none is named and something is to be decided: one that waits,
    /// else a canary that still has a share of the users, else the last that failed or is unknown and was not overtaken, else the last that is under
    /// way, else one whose fate nobody ever found out. A watch from a distance is decided about by name.
    pub fn plan_to_decide(&self) -> Option<&PlanRun> {
        let near = || self.plans.iter().rev().filter(|plan| !plan.is_extended());
        let last = |wanted: &dyn Fn(PlanState) -> bool| near().find(|plan| wanted(plan.state));
        let failed = || {
            let is = |state| matches!(state, PlanState::Ended(PlanEnd::Failed | PlanEnd::Unknown));
            let mut plans = self.plans.iter().enumerate().rev();
            let open =
                |index, plan: &PlanRun| is(plan.state) && !plan.is_extended() && !self.overtaken(index);
            plans.find(|(index, plan)| open(*index, plan)).map(|(_, plan)| plan)
        };
        let left = || self.shares_left().next().map(|share| share.plan);
        last(&|state| state == PlanState::Waiting)
            .or_else(left)
            .or_else(failed)
            .or_else(|| last(&PlanState::is_under_way))
            .or_else(|| last(&|state| state == PlanState::Ended(PlanEnd::Unknown)))
    }

    /// The plan that is meant where one is to be looked at: one that stands still until somebody
    /// decides, else a canary that still has a share of the users, else one that runs, else the last.
    pub fn plan_to_see(&self) -> Option<&PlanRun> {
        let under_way = || self.plans.iter().rev().filter(|plan| plan.state.is_under_way());
        let running = || under_way().find(|plan| !plan.is_extended()).or_else(|| under_way().next());
        let left = || self.shares_left().next().map(|share| share.plan);
        self.undecided().next().or_else(left).or_else(running).or(self.plans.last())
    }

    /// Tells whether a plan changed its environment last and did not come to a good end: it can be rolled back.
    pub fn can_go_back_from(&self, run: &PlanRun) -> bool {
        let changes = |plan: &&PlanRun| plan.target == run.target && plan.is_deploy();
        let last = self.plans.iter().rev().find(changes);
        let began = run.steps.iter().any(|step| step.run.is_some());
        began && !run.state.is_under_way() && !run.is_done() && last.is_some_and(|last| last.id == run.id)
    }

    /// The run whose output is to be seen: the last one; of a plan that failed, the last of those that did.
    pub fn run_to_see(&self) -> Option<&Run> {
        let (plan, last) = self.runs().next_back()?;
        let is_bad = |run: &&Run| run.outcome.as_ref().is_some_and(|outcome| !outcome.succeeded());
        let failed = || plan.steps.iter().rev().filter_map(|step| step.run.as_ref()).find(is_bad);
        let has_failed = plan.state == PlanState::Ended(PlanEnd::Failed);
        Some(failed().filter(|_| has_failed).unwrap_or(last))
    }
}

impl StepRun {
    /// What it waits for, in words that do not name it once more.
    pub fn waits_for(&self) -> Option<&str> {
        let (_, why) = self.waiting.as_ref()?;
        let rest = why.strip_prefix(self.title.as_str()).and_then(|rest| rest.strip_prefix(' '));
        Some(rest.unwrap_or(why))
    }
}
