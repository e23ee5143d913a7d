//! What the checks at the code host say of a commit, as last waited for.

use super::Content;
use crate::incident::{State, StepState};
use crate::plan::forge::Wanted;
use crate::plan::{Action, stored};

/// Title of the step that waits for the checks at the code host.
pub const REMOTE_CHECKS: &str = "checks at the code host";

/// What passed at the code host on what a commit holds: `5 checks at GitHub passed on 4f2c91e`. `None`: they were
/// not waited for, or were not seen to pass. That somebody went on without them is not that they passed.
pub(super) fn passed(state: &State, what: &Content<'_>) -> Option<String> {
    let tests = state.plans.iter().rev().filter(|plan| plan.purpose == "test");
    let mut about = tests.filter(|plan| plan.subject().is_some_and(|(about, _)| what.is(about)));
    let step = about.find_map(|plan| {
        let recorded = stored::read(&plan.spec).ok()?;
        let waits = recorded.plan.steps.iter().position(|step| match &step.action {
            Action::Forge(call) => {
                matches!(&call.wanted, Wanted::Verdict { commit } if what.is(commit))
            }
            _ => false,
        })?;
        plan.steps.get(waits)
    })?;
    let run = step.run.as_ref().filter(|_| step.fate() == StepState::Done)?;
    Some(if run.summary.is_empty() { format!("{REMOTE_CHECKS} passed") } else { run.summary.clone() })
}
