//! Which gates guard a plan. What each of them says is decided in `plan::gates`. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::Resolved;
use crate::config::types::{Config, Environment};
use crate::incident::{Policy, Proposal, Severity, State};
use crate::plan::gates::{self, ApprovalRule, Gate, Standing, Window};
use crate::plan::{Plan, Purpose, proposal};

/// What was found out about ways back when a plan is made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    /// Id of the best way that is ready; `None`: none is.
    pub ready: Option<String>,
    /// What was found, in one line.
    pub why: String,
    /// Whether nobody could find out that it works.
    pub unproven: bool,
}

fn rollback(way: WayBack) -> Gate {
    Gate::Rollback { ready: way.ready, why: way.why, unproven: way.unproven }
}

/// Ids of the gates that guard an environment.
pub fn ids(environment: &Environment, policy: &Policy) -> Vec<String> {
    match &environment.gates {
        Some(ids) => ids.clone(),
        None if environment.protected => policy.gates.clone(),
        None => Vec::new(),
    }
}

/// The plan with the gates of its environment.
#[must_use]
pub fn attach(
    mut plan: Plan,
    config: &Config,
    policy: &Policy,
    environment: &str,
    what: &Resolved,
    mut back: Option<WayBack>,
) -> Plan {
    let Some(place) = config.environments.iter().position(|env| env.name == environment) else {
        return plan;
    };
    let Some(env) = config.environments.get(place) else { return plan };
    let before = place.checked_sub(1).and_then(|before| config.environments.get(before));
    let wanted = ids(env, policy);
    for id in Gate::IDS.into_iter().filter(|id| wanted.iter().any(|wanted| wanted == id)) {
        plan.gates.extend(match id {
            "rollback" => back.take().map(rollback),
            "staging" => before.map(|before| Gate::Staging {
                environment: before.name.clone(),
                commit: what.commit.clone(),
                same: what.same.clone(),
                smoke: !before.smoke.is_empty(),
            }),
            id => plain(id, config, policy, &what.commit, &what.same),
        });
    }
    plan
}

/// The plan of a finish with the gates that a deploy has to an environment that its own push deploys to, as far as it
/// does not have them already. If that is protected, its name confirms the plan, unless something else has to be named.
#[must_use]
pub fn attach_pushed(
    mut plan: Plan,
    config: &Config,
    policy: &Policy,
    env: &Environment,
    what: &Resolved,
    (base, back): (&str, Option<WayBack>),
) -> Plan {
    let none = Plan::new("", "", Purpose::Deploy, &env.name);
    for gate in attach(none, config, policy, &env.name, what, back).gates {
        let has = plan.gates.iter().any(|known| match (known, &gate) {
            (Gate::Staging { environment, .. }, Gate::Staging { environment: other, .. }) => {
                environment == other
            }
            // Each environment has ways back of its own.
            (Gate::Rollback { .. }, _) => known == &gate,
            _ => known.id() == gate.id(),
        });
        if !has {
            plan.gates.push(gate);
        }
    }
    plan.gates.sort_by_key(|gate| Gate::IDS.iter().position(|id| *id == gate.id()));
    if env.protected && plan.confirm.as_deref().is_none_or(|word| word == base) {
        plan.confirm = Some(env.name.clone());
    }
    plan
}

/// The plan with those gates of an environment that are about people and times, not about a commit.
#[must_use]
pub fn attach_people(mut plan: Plan, config: &Config, policy: &Policy, environment: &Environment) -> Plan {
    let wanted = ids(environment, policy);
    let wanted = |id: &&str| ["approvals", "freeze"].contains(id) && wanted.iter().any(|it| it == id);
    plan.gates
        .extend(Gate::IDS.into_iter().filter(wanted).filter_map(|id| plain(id, config, policy, "", &[])));
    plan
}

/// The plan with the gates of a rollback: that the way it takes is not known to fail, and what
/// else the policy names. Where a release came from says nothing about going back to it.
#[must_use]
pub fn attach_rollback(mut plan: Plan, config: &Config, policy: &Policy, way: WayBack) -> Plan {
    plan.gates.push(rollback(way));
    let commit = plan.subject.as_ref().map(|subject| subject.commit.clone()).unwrap_or_default();
    let wanted = |id: &&str| policy.rollback_gates.iter().any(|wanted| wanted == id);
    let others = Gate::IDS.into_iter().filter(wanted).filter(|id| !["rollback", "staging"].contains(id));
    plan.gates.extend(others.filter_map(|id| plain(id, config, policy, &commit, &[])));
    plan
}

/// The plan with the gates that guard the end of a hotfix, for the commit that is brought to where
/// production is deployed from.
#[must_use]
pub fn attach_finish(mut plan: Plan, config: &Config, policy: &Policy, commit: &str) -> Plan {
    let wanted = policy.finish_gates.get(&config.hotfix.flow).map(Vec::as_slice).unwrap_or_default();
    let staging = || {
        let place = config.environments.iter().position(|env| env.protected)?;
        let before = config.environments.get(place.checked_sub(1)?)?;
        let environment = before.name.clone();
        Some(Gate::Staging {
            environment,
            commit: commit.to_owned(),
            same: Vec::new(),
            smoke: !before.smoke.is_empty(),
        })
    };
    for id in Gate::IDS.into_iter().filter(|id| wanted.iter().any(|wanted| wanted == id)) {
        plan.gates.extend(if id == "staging" { staging() } else { plain(id, config, policy, commit, &[]) });
    }
    plan
}

/// A gate that asks for nothing but the configuration and a commit.
fn plain(id: &str, config: &Config, policy: &Policy, commit: &str, same: &[String]) -> Option<Gate> {
    match id {
        "checks" => Some(Gate::Checks {
            checks: config.checks.iter().map(|check| check.name.clone()).collect(),
            runs: config
                .checks
                .iter()
                .map(|check| (check.name.clone(), gates::runs(&check.command, &check.env)))
                .collect(),
            commit: commit.to_owned(),
            same: same.to_vec(),
        }),
        "checklist" => {
            let items = if config.checklist.is_empty() { &policy.checklist } else { &config.checklist };
            let items = items.iter().map(|item| (item.id.clone(), item.title.clone())).collect();
            Some(Gate::Checklist { items })
        }
        "approvals" => Some(Gate::Approvals { rules: rules(policy) }),
        "freeze" => Some(Gate::Freeze { windows: windows(config) }),
        _ => None,
    }
}

/// The gates that a deploy to an environment would have, without what only making its plan finds
/// out.
pub fn ahead(config: &Config, policy: &Policy, environment: &str, what: &Resolved) -> Vec<Gate> {
    let plan = Plan::new("", "", Purpose::Deploy, environment);
    attach(plan, config, policy, environment, what, None).gates
}

/// What was put up for approval last to bring this commit to an environment.
pub fn put_up<'a>(state: &'a State, environment: &str, commit: &str) -> Option<&'a Proposal> {
    let is_it = |proposal: &&Proposal| {
        proposal.target == environment
            && proposal.purpose == Purpose::Deploy.name()
            && proposal.commit() == commit
    };
    let newest = || state.proposals.iter().rev().filter(is_it);
    newest().find(|proposal| !proposal.by_assistant).or_else(|| newest().next())
}

/// How those gates stand now for whoever would start it. Approvals are looked for under what was
/// put up for this commit.
pub fn standing_ahead(
    config: &Config,
    policy: &Policy,
    environment: &str,
    what: &Resolved,
    state: &State,
    by: &str,
    now: Timestamp,
) -> Vec<Standing> {
    let put_up = put_up(state, environment, &what.commit);
    let ahead = ahead(config, policy, environment, what);
    let purpose = Purpose::Deploy.name();
    // Whether there is a way back is found out with the plan; that one is demanded is known now.
    let demands_back = config
        .environments
        .iter()
        .any(|env| env.name == environment && ids(env, policy).iter().any(|id| id == "rollback"));
    let back = demands_back.then(|| Gate::Rollback { ready: None, why: String::new(), unproven: false });
    let demanded: Vec<Gate> = ahead.iter().cloned().chain(back).collect();
    let lost = gates::still_demanded(&demanded, (purpose, environment, ""), state, policy, by, now);
    // What was put up demanded more than what would be started now: that is another plan.
    let put_up = put_up.filter(|_| lost.is_empty());
    let hash = put_up.map_or("", |proposal| proposal.hash.as_str());
    // Of what was put up it is known whether a way leads back from it.
    let planned = put_up.and_then(|proposal| proposal::plan(proposal).ok());
    let back = planned.into_iter().flat_map(|plan| plan.gates);
    let back = back.filter(|gate| demands_back && matches!(gate, Gate::Rollback { .. }));
    let known: Vec<Gate> = ahead.iter().cloned().chain(back).collect();
    let mut standings = gates::of(&known, hash, state, policy, by, now);
    standings.extend(lost);
    let commits: Vec<&str> = std::iter::once(&what.commit)
        .chain(&what.same)
        .map(String::as_str)
        .filter(|it| !it.is_empty())
        .collect();
    standings.extend(gates::verdict(state, policy, environment, &commits));
    standings.extend(gates::canary(state, environment));
    standings
}

/// What each severity demands of approvals.
pub fn rules(policy: &Policy) -> BTreeMap<Severity, ApprovalRule> {
    policy.ranks().map(|severity| (severity, ApprovalRule::of(policy, severity))).collect()
}

/// The freezes that can be read; those that cannot are refused when the file is loaded.
fn windows(config: &Config) -> Vec<Window> {
    let read = |text: &str| text.parse::<Timestamp>().ok();
    config
        .freezes
        .iter()
        .filter_map(|freeze| {
            Some(Window { from: read(&freeze.from)?, until: read(&freeze.until)?, why: freeze.why.clone() })
        })
        .collect()
}
