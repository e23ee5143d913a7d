//! Whether a commit was deployed to another environment before, and is still there.

use super::{Content, Met};
use crate::incident::{PlanEnd, PlanRun, PlanState, State};

/// How the gate stands.
pub(super) fn stands(state: &State, environment: &str, what: &Content<'_>, smoke: bool) -> (Met, String) {
    let of = |purposes: &'static [&'static str]| {
        let here =
            move |plan: &&PlanRun| purposes.contains(&plan.purpose.as_str()) && plan.target == environment;
        state.plans.iter().rev().filter(here)
    };
    let deploys = || of(&["deploy", "rollback"]);
    let about = |plan: &PlanRun| plan.subject().is_some_and(|(about, _)| what.is(about));
    let release = state.releases.iter().rfind(|release| release.environment == environment);
    let replaced = || (Met::No, format!("{environment} has had another deploy since"));
    let Some(last) = deploys().next() else {
        return (Met::No, format!("not deployed to {environment}"));
    };
    if !about(last) {
        let earlier = deploys().any(|plan| about(plan) && plan.is_done());
        return if earlier {
            replaced()
        } else {
            (Met::No, format!("this commit was not deployed to {environment}"))
        };
    }
    let how = match last.state {
        PlanState::Ended(PlanEnd::Done) => None,
        PlanState::Running | PlanState::Waiting => Some("is under way"),
        PlanState::Ended(PlanEnd::Failed) => Some("failed"),
        PlanState::Ended(PlanEnd::Cancelled) => Some("was cancelled"),
        PlanState::Ended(PlanEnd::Unknown) => Some("has an unknown outcome"),
    };
    if let Some(how) = how {
        return (Met::No, format!("the deploy to {environment} {how}"));
    }
    // What came there without a deploy counts as well: a push of a finish deploys, too.
    if release.is_some_and(|release| release.at >= last.started_at && !what.is(&release.commit)) {
        return replaced();
    }
    if smoke {
        let there = last.ended_at.unwrap_or(last.started_at);
        match of(&["smoke"]).find(|plan| plan.started_at >= there) {
            None => return (Met::No, format!("not smoke-tested on {environment} since it was deployed")),
            Some(plan) if !plan.is_done() => {
                return (Met::No, format!("the smoke test on {environment} is {}", plan.state.name()));
            }
            Some(_) => {}
        }
    }
    let tested = if smoke { " and smoke-tested" } else { "" };
    (Met::Yes, format!("deployed{tested} on {environment}"))
}
