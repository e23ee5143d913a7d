//! What meets a gate: the act that a refusal names and the verb that does it. Pure.

use jiff::Timestamp;

use super::gates::{self, CANARY, Gate, Judged, LEASE, Met, Standing, VERDICT, approvals};
use super::{Plan, Purpose, proposal};
use crate::incident::{PlanState, Policy, State, at_severity};
use crate::text::visible;

/// What of a staging gate is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Staging {
    /// The deploy; and the smoke test after it, where one is asked for.
    Deploy {
        /// Whether one is.
        smoke: bool,
    },
    /// The smoke test alone: the commit is there.
    Smoke,
    /// Nothing that anybody has to do: a plan is at work there.
    Wait,
}

/// A plan that does not start, and what its gates are judged by.
#[derive(Debug, Clone, Copy)]
pub struct Refused<'a> {
    /// The plan.
    pub plan: &'a Plan,
    /// What it is known by.
    pub hash: &'a str,
    /// The incident.
    pub state: &'a State,
    /// The policy in force.
    pub policy: &'a Policy,
    /// Who would start it.
    pub by: &'a str,
    /// The time.
    pub now: Timestamp,
}

impl<'a> Refused<'a> {
    /// Tells what a staging gate misses; `None`: the plan has no such gate, or it is met.
    pub fn staging(&self) -> Option<(&'a str, Staging)> {
        let (environment, commit, same, smoke) = self.plan.gates.iter().find_map(|gate| match gate {
            Gate::Staging { environment, commit, same, smoke } => Some((environment, commit, same, *smoke)),
            _ => None,
        })?;
        let met = |smoke| {
            let (environment, commit) = (environment.clone(), commit.clone());
            self.met(&Gate::Staging { environment, commit, same: same.clone(), smoke })
        };
        let busy = self.state.plans.iter().any(|run| run.target == *environment && is_at_work(run.state));
        let missing = match (met(smoke), met(false)) {
            (true, _) => return None,
            _ if busy => Staging::Wait,
            (false, true) => Staging::Smoke,
            (false, false) => Staging::Deploy { smoke },
        };
        Some((environment, missing))
    }

    /// Says what to do about the gates that block, a line each: the act that meets it, then which of them
    /// may be overridden.
    pub fn hint(&self, standings: &[Standing]) -> String {
        let blocking: Vec<&Standing> = standings.iter().filter(|standing| standing.blocks()).collect();
        let mut parts: Vec<String> =
            blocking.iter().map(|standing| format!("{}: {}", standing.id, self.act(standing.id))).collect();
        let ids = |may: bool| -> Vec<&str> {
            let ids = blocking.iter().filter(|standing| standing.may_pass_over == may);
            ids.map(|standing| standing.id).collect()
        };
        match ids(true).as_slice() {
            [] => {}
            [one] => parts.push(format!("or override it: --override {one} --reason WHY")),
            all => parts.push(format!("or override {}, each: --override GATE --reason WHY", listed(all))),
        }
        let fixed = ids(false);
        if !fixed.is_empty() {
            let severity = self.policy.severity_name(self.state.severity);
            parts.push(format!("{} cannot be overridden at {severity}", listed(&fixed)));
        }
        parts.join("\n")
    }

    /// What meets one gate.
    fn act(&self, id: &str) -> String {
        let name = self.place();
        let target = visible(name);
        let gate = self.plan.gates.iter().find(|gate| gate.id() == id);
        match (id, gate) {
            (VERDICT, _) => {
                let brings = self.plan.brings();
                let found = self.state.condemned(name, |commit| brings.contains(&commit));
                if found.is_some_and(|found| !found.watched) {
                    // What is live by now is what it was taken back to.
                    return "commit a better fix, or record why this one was not at fault".to_owned();
                }
                format!(
                    "commit a better fix; to get {target} back until then: flightdeck rollback --env {target}"
                )
            }
            (CANARY, _) => self.canary(),
            (LEASE, _) => format!("ask on the call that nobody else deploys to {target}"),
            ("checks", gate) => self.checks(gate),
            ("checklist", gate) => self.checklist(gate),
            ("approvals", gate) => self.approve(gate),
            ("rollback", _) if self.plan.purpose == Purpose::Rollback => {
                format!(
                    "take an option that is proven ready: flightdeck rollback --list{}",
                    self.environment()
                )
            }
            ("rollback", _) => format!(
                "name a release to go back to: flightdeck live {target} TAG --good; what is missing: \
                 flightdeck rollback --env {target} --list"
            ),
            ("staging", _) => match self.staging() {
                Some((place, Staging::Smoke)) => format!("flightdeck smoke {}", visible(place)),
                Some((place, Staging::Wait)) => format!("wait for what runs on {}", visible(place)),
                Some((place, Staging::Deploy { smoke })) => {
                    let place = visible(place);
                    let then = if smoke { format!(", then flightdeck smoke {place}") } else { String::new() };
                    format!("flightdeck deploy {place}{}{then}", self.reference())
                }
                None => "deploy it there first, and smoke-test it".to_owned(),
            },
            ("freeze", Some(Gate::Freeze { windows })) => {
                let in_force = windows.iter().filter(|one| one.from <= self.now && self.now < one.until);
                match in_force.map(|one| one.until).max() {
                    Some(end) => format!("wait until {}", end.strftime("%Y-%m-%d %H:%M UTC")),
                    None => "wait until it ends".to_owned(),
                }
            }
            _ => "look at the plan with --dry-run".to_owned(),
        }
    }

    /// The environment that it is about: where its own push deploys, the first that is shut to its commit.
    fn place(&self) -> &str {
        let (pushes_to, brings) = (self.plan.pushes_to(), self.plan.brings());
        let is_shut = |name: &&str| self.state.condemned(name, |commit| brings.contains(&commit)).is_some();
        let shut = pushes_to.iter().copied().find(is_shut);
        shut.or(pushes_to.first().copied()).unwrap_or(&self.plan.target)
    }

    /// Takes the share of a canary back that was left behind, or goes on with it.
    fn canary(&self) -> String {
        let Some(share) = self.state.share_left(&self.plan.target) else {
            return "make the plan again: the canary was undone".to_owned();
        };
        let id = visible(&share.plan.id);
        if share.plan.is_done() {
            return format!("take the share back: flightdeck plan undo {id}");
        }
        format!("take the share back: flightdeck plan undo {id}, or continue it: flightdeck plan resume {id}")
    }

    /// Runs the checks that are not green.
    fn checks(&self, gate: Option<&Gate>) -> String {
        if self.state.plans.iter().any(|run| run.purpose == "test" && is_at_work(run.state)) {
            return "wait for the checks that run".to_owned();
        }
        let Some(Gate::Checks { checks, runs, commit, same }) = gate else {
            return "flightdeck test".to_owned();
        };
        let is_red = |check: &&String| {
            let checks = vec![(*check).clone()];
            let (runs, commit, same) = (runs.clone(), commit.clone(), same.clone());
            !self.met(&Gate::Checks { checks, runs, commit, same })
        };
        let red: Vec<_> = checks.iter().filter(is_red).map(|check| visible(check)).collect();
        if red.is_empty() || red.len() == checks.len() {
            return "flightdeck test".to_owned();
        }
        format!("flightdeck test {}", red.join(" "))
    }

    /// Ticks the items that are open or failed.
    fn checklist(&self, gate: Option<&Gate>) -> String {
        let items = match gate {
            Some(Gate::Checklist { items }) => items.as_slice(),
            _ => &[],
        };
        let is_open = |(_, item): &(usize, &(String, String))| {
            !self.met(&Gate::Checklist { items: vec![(*item).clone()] })
        };
        let open = items.iter().enumerate().filter(is_open);
        let numbers: Vec<String> = open.map(|(index, _)| (index + 1).to_string()).collect();
        match numbers.as_slice() {
            [] => "flightdeck tick ITEM".to_owned(),
            [one] => format!("flightdeck tick {one}"),
            all => format!("flightdeck tick N, for {}", listed(all)),
        }
    }

    /// Asks for the approvals that are missing, or has them given.
    fn approve(&self, gate: Option<&Gate>) -> String {
        let rule = match gate {
            Some(Gate::Approvals { rules }) => at_severity(rules, self.state.severity),
            _ => None,
        };
        let judged = Judged { hash: self.hash, plan: Some(self.plan) };
        let standing = rule.map(|rule| approvals(self.state, rule, judged, self.by, self.now));
        let against = standing.iter().flat_map(|standing| &standing.rejections);
        let against: Vec<_> = against.map(|vote| visible(&vote.by)).collect();
        if !against.is_empty() {
            return format!("settle it with {}", listed(&against));
        }
        let roles = standing.iter().flat_map(|standing| &standing.roles);
        let missing: Vec<_> =
            roles.filter(|role| role.approval.is_none()).map(|role| visible(role.role)).collect();
        let waits = proposal::waiting(self.state).rfind(|waits| waits.hash == self.hash);
        // One that an assistant proposed has to be named.
        let named = waits.filter(|waits| waits.by_assistant);
        let named = named.map_or_else(String::new, |waits| format!(" --plan {}", waits.id));
        let vote = match missing.as_slice() {
            [] => format!("flightdeck approve ROLE{named}"),
            [one] => format!("flightdeck approve {one}{named}"),
            all => format!("flightdeck approve ROLE{named}, for {}", listed(all)),
        };
        if waits.is_some() {
            return vote;
        }
        format!("{}, then {vote}", self.propose())
    }

    /// The verb that puts the plan up for approval.
    fn propose(&self) -> String {
        let target = visible(&self.plan.target);
        match self.plan.purpose {
            Purpose::Deploy => format!("flightdeck deploy {target}{} --propose", self.reference()),
            Purpose::Hotfix => "flightdeck hotfix finish --propose".to_owned(),
            Purpose::Rollback => {
                let way =
                    self.plan.way.as_deref().map_or_else(String::new, |way| format!(" {}", visible(way)));
                format!("flightdeck rollback{way}{} --propose", self.environment())
            }
            Purpose::Action => {
                let name = self.plan.title.strip_prefix("run ").unwrap_or_default();
                format!("flightdeck action {} --propose", shell_words::quote(name))
            }
            Purpose::Runbook => {
                let named = self.plan.title.replacen(", block ", " ", 1);
                format!("flightdeck {} --propose", named.replacen("runbook ", "runbook run ", 1))
            }
            _ => "ask with --propose".to_owned(),
        }
    }

    /// The argument that names the environment of a rollback; a flag and the repository are none.
    fn environment(&self) -> String {
        let target = &self.plan.target;
        let other = target.starts_with("flag:") || target == "repository";
        if other { String::new() } else { format!(" --env {}", visible(target)) }
    }

    /// The argument that names what the plan brings, as the verb was given it.
    fn reference(&self) -> String {
        let reference = self.plan.release.as_ref().map(|release| release.reference.as_str());
        let reference = reference.filter(|reference| !reference.is_empty());
        reference.map_or_else(String::new, |reference| format!(" --ref {}", visible(reference)))
    }

    fn met(&self, gate: &Gate) -> bool {
        let gates = std::slice::from_ref(gate);
        let standings = gates::of(gates, self.hash, self.state, self.policy, self.by, self.now);
        standings.iter().all(|standing| standing.met != Met::No)
    }
}

fn is_at_work(state: PlanState) -> bool {
    matches!(state, PlanState::Running | PlanState::Waiting)
}

/// `a, b and c`.
fn listed(names: &[impl AsRef<str>]) -> String {
    let mut text = String::new();
    for (index, name) in names.iter().enumerate() {
        text.push_str(match index {
            0 => "",
            last if last + 1 == names.len() => " and ",
            _ => ", ",
        });
        text.push_str(name.as_ref());
    }
    text
}

#[cfg(test)]
mod tests;
