//! What a gate demands, without how it stands: this is part of what is approved. And what was
//! demanded when somebody approved a plan and is demanded no longer: it still is, until the same
//! people have approved the plan as it is now.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{ApprovalRule, Gate, Met, approvals};
use crate::incident::{Proposal, Severity, State, Vote, at_severity, same_person};

/// What a gate demands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "gate", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Demand {
    /// These checks are green on the commit.
    Checks {
        /// Their names.
        checks: Vec<String>,
        /// What each of them runs, by [`super::runs`]; versions before did not say.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        runs: BTreeMap<String, String>,
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
            Self::Checks { checks, runs, .. } => {
                Demand::Checks { checks: checks.clone(), runs: runs.clone() }
            }
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
            (Self::Checks { checks, runs }, Self::Checks { checks: others, runs: theirs }) => {
                all_in(others, checks)
                    && theirs.iter().all(|(check, other)| runs.get(check).is_none_or(|own| own == other))
            }
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

/// A gate that was demanded when somebody approved or rejected a plan for the same, and is not any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lost {
    /// The gate as it was then.
    pub gate: Gate,
    /// Who approved it then.
    pub by: Vec<String>,
    /// Who rejected it then.
    pub against: Vec<String>,
}

impl Lost {
    /// Why it still is demanded, in a few words.
    pub fn why(&self) -> String {
        let approved = self.by.join(" and ");
        let rejected = self.against.join(" and ");
        let when = match (self.by.is_empty(), self.against.is_empty()) {
            (false, true) => format!("{approved} approved"),
            (true, _) => format!("{rejected} rejected it"),
            (false, false) => format!("{approved} approved and {rejected} rejected it"),
        };
        format!("demanded when {when}, and dropped from the configuration since")
    }
}

/// The gates that were demanded of what people voted on for the same purpose and target, that none of
/// `gates` covers: in this incident, and in the others of the repository that are not closed. `hash` is that
/// of the plan as it is now, `by` who would start it.
pub fn lost(
    gates: &[Gate],
    (purpose, target, hash): (&str, &str, &str),
    state: &State,
    by: &str,
    now: Timestamp,
) -> Vec<Lost> {
    let mut found: Vec<Lost> = Vec::new();
    for (proposal, voters) in before(state, purpose, target) {
        if proposal.hash == hash || voters.is_empty() {
            continue;
        }
        let Some(was) = proposal.spec.get("gates") else { continue };
        let was: Vec<Gate> = Deserialize::deserialize(was).unwrap_or_default();
        if agreed(&was, &voters, hash, state, by, now) {
            continue;
        }
        for gate in was {
            let demand = gate.demand();
            let covered = gates.iter().chain(found.iter().map(|lost| &lost.gate));
            if !covered.map(Gate::demand).any(|own| own.covers(&demand)) {
                let (by, against) = (names(&voters, true), names(&voters, false));
                found.push(Lost { gate, by, against });
            }
        }
    }
    found
}

/// What was put up for the same since the last of it was started, newest first, with who voted on it.
fn before<'a>(state: &'a State, purpose: &str, target: &str) -> Vec<(&'a Proposal, Vec<&'a Vote>)> {
    let others = &state.elsewhere.asked;
    let here = state.plans.iter().map(|run| (&run.purpose, &run.target, run.started_at));
    let there = others.iter().flat_map(|asked| &asked.started).map(|(what, target, at)| (what, target, *at));
    let same = |what: &str, at: &str| what == purpose && at == target;
    let since = here.chain(there).filter(|(what, at, _)| same(what, at)).map(|(.., at)| at).max();
    let all = std::iter::once((&state.proposals, &state.votes))
        .chain(others.iter().map(|asked| (&asked.proposals, &asked.votes)));
    let mut found = Vec::new();
    for (proposals, votes) in all {
        for proposal in proposals.iter().rev() {
            if same(&proposal.purpose, &proposal.target) && since.is_none_or(|since| proposal.at > since) {
                let is_of = |vote: &&Vote| !vote.hash.is_empty() && vote.hash == proposal.hash;
                found.push((proposal, votes.iter().filter(is_of).collect()));
            }
        }
    }
    found
}

/// Tells whether those who voted then have approved the plan as it is now, with what it demands
/// now; and where a rule said who had to, all of those.
fn agreed(was: &[Gate], voters: &[&Vote], hash: &str, state: &State, by: &str, now: Timestamp) -> bool {
    let approving =
        || state.votes.iter().filter(|vote| vote.approves && !hash.is_empty() && vote.hash == hash);
    let again =
        |voter: &&Vote| approving().any(|vote| vote.role == voter.role && same_person(&vote.by, &voter.by));
    let rule = was.iter().find_map(|gate| match gate {
        Gate::Approvals { rules } => at_severity(rules, state.severity),
        _ => None,
    });
    voters.iter().all(again)
        && rule.is_none_or(|rule| approvals(state, rule, hash, by, now).stand().0 != Met::No)
}

fn names(voters: &[&Vote], approve: bool) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for vote in voters.iter().filter(|vote| vote.approves == approve) {
        if !names.iter().any(|known| same_person(known, &vote.by)) {
            names.push(vote.by.clone());
        }
    }
    names
}
