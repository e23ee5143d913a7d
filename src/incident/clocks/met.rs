//! What meets a clock: acts on record.

use jiff::Timestamp;

use super::super::body::{Phase, WatchVerdict};
use super::super::policy::{ClockPolicy, CountedFrom, MetBy, Policy, Role};
use super::super::state::{PlanRun, Proposal, Release, State, UNDONE, Vote, same_person};

/// When what a clock asks for was done first. What counts from a moment of the incident is asked for only after
/// that.
pub(super) fn first(
    rule: &ClockPolicy,
    state: &State,
    policy: &Policy,
    counted: Timestamp,
) -> Option<Timestamp> {
    let after = match rule.from {
        CountedFrom::Began | CountedFrom::Declared => Timestamp::MIN,
        CountedFrom::Mitigated | CountedFrom::Resolved => counted,
    };
    rule.met_by.iter().filter_map(|act| met(*act, &rule.who, state, policy, after)).min()
}

fn met(act: MetBy, who: &str, state: &State, policy: &Policy, after: Timestamp) -> Option<Timestamp> {
    match act {
        MetBy::Paged => paged(state, who, after),
        MetBy::Told => {
            let told = state.told.iter().filter(|(_, one)| policy.told_as(one) == policy.told_as(who));
            told.map(|(at, _)| *at).filter(|at| *at >= after).min()
        }
        MetBy::Role => {
            let taken = state.assignments.iter().filter(|(_, role, _)| role == who);
            // Whoever approved as that was brought in, whatever they are called here.
            let voted = state.votes.iter().filter(|vote| vote.approves && vote.role == who);
            // Who approves what they run themselves is nobody else.
            let voted = voted.filter(|vote| !is_own(state, vote));
            taken.map(|(at, ..)| *at).chain(voted.map(|vote| vote.at)).filter(|at| *at >= after).min()
        }
        MetBy::Fixed => fixed(state),
        MetBy::Mitigated => state.mitigated_at,
        MetBy::Resolved => state.resolved_at,
        MetBy::Reviewed => state.reviewed_at().or_else(|| super::closed(state)),
    }
}

/// Whether somebody approved a plan of their own.
fn is_own(state: &State, vote: &Vote) -> bool {
    let is_it = |hash: &str| !hash.is_empty() && hash == vote.hash;
    let run = state.plans.iter().rev().find(|plan| is_it(&plan.hash)).map(|plan| plan.by.as_str());
    let proposed = state.proposals.iter().rev().find(|one| is_it(&one.hash)).map(Proposal::owner);
    run.or(proposed).is_some_and(|owner| same_person(owner, &vote.by))
}

/// Somebody was paged as a role. Where that is who is on call, by a name of their own too: whoever is paged by the
/// name of another role is not.
fn paged(state: &State, role: &str, after: Timestamp) -> Option<Timestamp> {
    let other = |who: &str| [Role::COMMANDER, Role::LEAD].contains(&who) || state.roles.contains_key(who);
    let is = |who: &str| who == role || (role == Role::ON_CALL && !other(who));
    state.paged.iter().filter(|(_, who)| is(who)).map(|(at, _)| *at).filter(|at| *at >= after).min()
}

/// The fix counts from when it came into production, as long as nobody went back to the
/// code since; without a deploy on record, from the resolution. What was there before already fixes
/// nothing, nor does what was rolled back or failed its watch, and going back is no fix.
fn fixed(state: &State) -> Option<Timestamp> {
    if state.phase != Phase::Verify && state.resolved_at.is_none() {
        return None;
    }
    let failed =
        |release: &Release| matches!(&release.verdict, Some((_, WatchVerdict::Failed, why)) if why != UNDONE);
    let is_new = |plan: &PlanRun| {
        let Some(at) = state.releases.iter().position(|release| release.plan == plan.id) else { return true };
        let (before, after) = (&state.releases[..at], &state.releases[at + 1..]);
        let release = &state.releases[at];
        if failed(release) {
            return false;
        }
        let here = |other: &&Release| other.environment == release.environment;
        before.iter().rfind(here).is_none_or(|was| was.commit != release.commit)
            && !after.iter().filter(here).any(|later| later.rollback)
    };
    let deploys =
        state.plans.iter().filter(|p| p.purpose == "deploy" && p.is_production() && p.is_done() && is_new(p));
    let last = deploys.filter_map(|plan| plan.ended_at).max();
    let by_us = |release: &&Release| state.plan(&release.plan).is_some_and(PlanRun::is_production);
    let live = state.releases.iter().rfind(by_us);
    last.or(state.resolved_at.filter(|_| !live.is_some_and(|live| live.rollback || failed(live))))
}
