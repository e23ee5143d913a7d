//! Whether a commit was deployed to another environment before, and is still there.

use super::{Content, Met};
use crate::incident::{PlanEnd, PlanRun, PlanState, State, WatchVerdict};

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
    let not_smoked = |since: jiff::Timestamp| match of(&["smoke"]).find(|plan| plan.started_at >= since) {
        None => Some(format!("not smoke-tested on {environment} since it was deployed")),
        Some(plan) if !plan.is_done() => {
            Some(format!("the smoke test on {environment} is {}", plan.state.name()))
        }
        Some(_) => None,
    };
    let tested = if smoke { " and smoke-tested" } else { "" };
    let met = || (Met::Yes, format!("deployed{tested} on {environment}"));
    // A push of a finish deploys, too: what it brought there last is what counts.
    let by_push = release.filter(|release| {
        let is_deploy = deploys().any(|plan| plan.id == release.plan);
        let is_last = deploys().next().is_none_or(|last| release.at >= last.started_at);
        !release.plan.is_empty() && !is_deploy && is_last
    });
    if let Some(release) = by_push.filter(|release| what.is(&release.commit)) {
        let under_way = state.plan(&release.plan).is_some_and(|plan| plan.state.is_under_way());
        return match &release.verdict {
            Some((_, WatchVerdict::Failed, _)) => (Met::No, format!("it failed its watch on {environment}")),
            None if under_way => (Met::No, format!("the deploy to {environment} is under way")),
            _ => match not_smoked(release.at).filter(|_| smoke) {
                Some(why) => (Met::No, why),
                None => met(),
            },
        };
    }
    let Some(last) = deploys().next() else {
        let what = if by_push.is_some() { "this commit was " } else { "" };
        return (Met::No, format!("{what}not deployed to {environment}"));
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
    match not_smoked(last.ended_at.unwrap_or(last.started_at)).filter(|_| smoke) {
        Some(why) => (Met::No, why),
        None => met(),
    }
}
