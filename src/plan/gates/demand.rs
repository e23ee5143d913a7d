//! What a gate demands, without how it stands: this is part of what is approved. And what was
//! demanded when somebody approved a plan and is demanded no longer: it still is, until the same
//! people have approved the plan as it is now.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ApprovalRule, Gate, Met, approvals};
use crate::incident::{Proposal, Severity, State, Vote, same_person};

/// What a gate demands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "gate", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Demand {
    /// These checks are green on the commit.
    Checks {
        /// Their names.
        checks: Vec<String>,
    },
    /// These items were looked at.
    Checklist {
        /// Their ids.
        items: Vec<String>,
    },
    /// People have approved it.
    Approvals {
        /// Who, by severity.
        rules: BTreeMap<Severity, ApprovalRule>,
    },
    /// There is a way back.
    Rollback,
    /// It was deployed to this environment before.
    Staging {
        /// The environment.
        environment: String,
        /// And smoke-tested there.
        smoke: bool,
    },
    /// None of these freezes is in force.
    Freeze {
        /// From when until when each lasts.
        windows: Vec<(Timestamp, Timestamp)>,
    },
}

impl Gate {
    /// What it demands.
    pub fn demand(&self) -> Demand {
        match self {
            Self::Checks { checks, .. } => Demand::Checks { checks: checks.clone() },
            Self::Checklist { items } => {
                Demand::Checklist { items: items.iter().map(|(id, _)| id.clone()).collect() }
            }
            Self::Approvals { rules } => Demand::Approvals { rules: rules.clone() },
            Self::Rollback { .. } => Demand::Rollback,
            Self::Staging { environment, smoke, .. } => {
                Demand::Staging { environment: environment.clone(), smoke: *smoke }
            }
            Self::Freeze { windows } => {
                Demand::Freeze { windows: windows.iter().map(|window| (window.from, window.until)).collect() }
            }
        }
    }
}

impl Demand {
    /// Tells whether meeting this meets the other one as well.
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Checks { checks }, Self::Checks { checks: others }) => all_in(others, checks),
            (Self::Checklist { items }, Self::Checklist { items: others }) => all_in(others, items),
            (Self::Approvals { rules }, Self::Approvals { rules: others }) => {
                others.iter().all(|(severity, other)| match rules.get(severity) {
                    Some(rule) => is_as_strict(rule, other),
                    None => other.roles.is_empty(),
                })
            }
            (Self::Rollback, Self::Rollback) => true,
            (
                Self::Staging { environment, smoke },
                Self::Staging { environment: other, smoke: other_smoke },
            ) => environment == other && (*smoke || !other_smoke),
            (Self::Freeze { windows }, Self::Freeze { windows: others }) => all_in(others, windows),
            _ => false,
        }
    }
}

fn all_in<T: PartialEq>(some: &[T], all: &[T]) -> bool {
    some.iter().all(|one| all.contains(one))
}

fn is_as_strict(rule: &ApprovalRule, other: &ApprovalRule) -> bool {
    all_in(&other.roles, &rule.roles)
        && (other.roles.is_empty()
            || ((!rule.verbal || other.verbal)
                && (!rule.own || other.own)
                && rule.valid_for <= other.valid_for))
}

/// A gate that was demanded when somebody approved a plan for the same, and is not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The gate as it was then.
    pub gate: Gate,
    /// Who approved it then.
    pub by: Vec<String>,
}

impl Lost {
    /// Why it still is demanded, in a few words.
    pub fn why(&self) -> String {
        format!("demanded when {} approved, and dropped from the configuration since", self.by.join(" and "))
    }
}

/// The gates that were demanded of what people approved for the same purpose and target, that none of
/// `gates` covers. `hash` is that of the plan as it is now, `by` who would start it.
pub fn lost(
    gates: &[Gate],
    (purpose, target, hash): (&str, &str, &str),
    state: &State,
    by: &str,
    now: Timestamp,
) -> Vec<Lost> {
    let mut found: Vec<Lost> = Vec::new();
    for proposal in before(state, purpose, target).filter(|proposal| proposal.hash != hash) {
        let voters: Vec<&Vote> = approving(state, &proposal.hash).collect();
        let Some(was) = proposal.spec.get("gates").filter(|_| !voters.is_empty()) else { continue };
        let was: Vec<Gate> = Deserialize::deserialize(was).unwrap_or_default();
        if agreed(&was, &voters, hash, state, by, now) {
            continue;
        }
        for gate in was {
            let demand = gate.demand();
            let covered = gates.iter().chain(found.iter().map(|lost| &lost.gate));
            if !covered.map(Gate::demand).any(|own| own.covers(&demand)) {
                found.push(Lost { gate, by: names(&voters) });
            }
        }
    }
    found
}

/// What was put up for the same since the last of it was started, newest first.
fn before<'a>(state: &'a State, purpose: &str, target: &str) -> impl Iterator<Item = &'a Proposal> {
    let started = state.plans.iter().rev().find(|run| run.purpose == purpose && run.target == target);
    let since = started.map(|run| run.started_at);
    let same = move |proposal: &&Proposal| {
        proposal.purpose == purpose
            && proposal.target == target
            && since.is_none_or(|since| proposal.at > since)
    };
    let found: Vec<&Proposal> = state.proposals.iter().rev().filter(same).collect();
    found.into_iter()
}

fn approving<'a>(state: &'a State, hash: &str) -> impl Iterator<Item = &'a Vote> {
    state.votes.iter().filter(move |vote| vote.approves && !hash.is_empty() && vote.hash == hash)
}

/// Tells whether those who approved then have approved the plan as it is now, with what it demands
/// now; and where a rule said who had to, all of those.
fn agreed(was: &[Gate], voters: &[&Vote], hash: &str, state: &State, by: &str, now: Timestamp) -> bool {
    let again = |voter: &&Vote| {
        approving(state, hash).any(|vote| vote.role == voter.role && same_person(&vote.by, &voter.by))
    };
    let rule = was.iter().find_map(|gate| match gate {
        Gate::Approvals { rules } => rules.get(&state.severity),
        _ => None,
    });
    voters.iter().all(again)
        && rule.is_none_or(|rule| approvals(state, rule, hash, by, now).stand().0 != Met::No)
}

fn names(voters: &[&Vote]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for vote in voters {
        if !names.iter().any(|known| same_person(known, &vote.by)) {
            names.push(vote.by.clone());
        }
    }
    names
}
