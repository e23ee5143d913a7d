//! The checklist is looked at for one fix. What was ticked for a fix that turned out to be no good is open
//! again for the next one.

use super::super::body::{Body, CheckState, WatchVerdict};
use super::super::state::{Before, PlanRun, State, UNDONE};

/// What people call the fix that a record condemns: one that was deployed in this incident, and whose watch
/// failed anywhere, or that was taken back from production. What was there before the incident is no fix,
/// and going back elsewhere is practice. `None`: it condemns none.
pub(super) fn condemned(state: &State, body: &Body) -> Option<String> {
    let deploy = |environment: &str, commit: &str| {
        let of = |plan: &&PlanRun| plan.purpose == "deploy" && plan.target == environment;
        let about = |plan: &&PlanRun| plan.subject().is_some_and(|(about, _)| about == commit);
        state.plans.iter().rev().filter(of).find(about)
    };
    let (plan, anywhere) = match body {
        Body::ReleaseJudged(judged) if judged.verdict == WatchVerdict::Failed => {
            (deploy(&judged.environment, &judged.commit)?, judged.why != UNDONE)
        }
        Body::Released(back) if back.rollback => {
            let mut known = state.releases.iter().rev();
            let mut last = || known.find(|release| release.environment == back.environment);
            let replaced = back.replaces.clone().or_else(|| Some(last()?.commit.clone()))?;
            (deploy(&back.environment, &replaced).filter(|_| replaced != back.commit)?, false)
        }
        _ => return None,
    };
    (anywhere || plan.is_production()).then(|| plan.brings())
}

/// Opens what was looked at for this fix. What failed stays: it is to be looked at in any case.
pub(super) fn open_again(state: &mut State, fix: &str) {
    for tick in state.ticks.values_mut() {
        if matches!(tick.state, CheckState::Passed | CheckState::Na) {
            tick.before = Some(Before { state: tick.state, fix: fix.to_owned() });
            tick.state = CheckState::Open;
        }
    }
}
