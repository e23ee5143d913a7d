//! What is known besides the record, as what is next depends on it: one view for the cockpit and for
//! `status`, whatever each of them has asked.

use jiff::{SignedDuration, Timestamp};

use super::ways::{self, Looked, Readiness};
use crate::config::types::{Concern, Config};
use crate::deploy::rollback;
use crate::health::series::{State as Health, Status};
use crate::hotfix::outlook::Outlook;
use crate::hotfix::state::BranchState;
use crate::hotfix::{pull, standing};
use crate::incident::{ChecklistItem, Facts, Fix, RunbookFor, State, WayBack};

/// What is known of an incident besides its record.
#[derive(Debug)]
pub struct Known<'a> {
    /// The incident; `None`: none is open.
    pub state: Option<&'a State>,
    /// The configuration in force.
    pub config: &'a Config,
    /// The checklist in force.
    pub checklist: &'a [ChecklistItem],
    /// Whether what the configuration names may run.
    pub may_run: bool,
    /// Whether it waits to be trusted.
    pub untrusted: bool,
    /// Who looks; empty: anybody.
    pub me: &'a str,
    /// The installation that looks; 0: it is not known.
    pub here: u64,
    /// The time.
    pub now: Timestamp,
    /// All probes.
    pub probes: Vec<Probed<'a>>,
    /// Since when production is seen to be well, if it was not.
    pub green_since: Option<Timestamp>,
    /// The branch that is checked out.
    pub branch: Option<&'a BranchState>,
    /// What is ahead of it.
    pub outlook: Option<&'a Outlook>,
    /// Its pull request.
    pub pull: Option<&'a pull::Looked>,
    /// Ways back in production, as they were looked for last.
    pub looked: Option<&'a Looked>,
    /// Whether who looks has looked at what changed.
    pub has_looked: bool,
    /// The runbook that fits best what fails in production.
    pub runbook: Option<RunbookFor>,
    /// Gates of a deploy to production that are not met.
    pub missing: Vec<(String, String)>,
}

/// A probe, as far as what is next depends on it.
#[derive(Debug, Clone, Copy)]
pub struct Probed<'a> {
    /// Its name.
    pub name: &'a str,
    /// The environment it watches; may be empty.
    pub environment: &'a str,
    /// How it is.
    pub state: Health,
    /// Whether nobody knows how it is.
    pub is_unknown: bool,
    /// Whether it says that it does not work, and not only that a number is over its limit.
    pub is_down: bool,
}

impl<'a> From<&'a Status> for Probed<'a> {
    fn from(probe: &'a Status) -> Self {
        Self {
            name: &probe.name,
            environment: &probe.environment,
            state: probe.state,
            is_unknown: probe.is_unknown(),
            is_down: probe.is_down(probe.state, probe.last.as_ref().map_or("", |sample| &sample.why)),
        }
    }
}

impl Known<'_> {
    /// What is next depends on this, besides the record.
    pub fn facts(self) -> Facts {
        let (config, state) = (self.config, self.state);
        let production = || self.probes.iter().filter(|probe| config.watches_production(probe.environment));
        let names = |is_such: fn(&Probed<'_>) -> bool| -> Vec<String> {
            production().filter(|probe| is_such(probe)).map(|probe| probe.name.to_owned()).collect()
        };
        let target = config.production().map(|env| env.name.as_str());
        let environments = || config.environments.iter().filter(|_| self.may_run);
        let checks = || config.checks.iter().filter(|_| self.may_run);
        let commits = |branch| standing::commits(&config.hotfix, branch);
        let hotfix_branch = self.branch.and_then(|branch| standing::branch(&config.hotfix, branch));
        let fix = |branch| standing::fix(&config.hotfix, branch, self.outlook, self.pull);
        let is_production = |name: &str| production().any(|probe| probe.name == name);
        Facts {
            healthy: healthy(production().copied()),
            down: production().any(|probe| probe.is_down),
            failing: names(|probe| probe.state.is_bad()),
            silent: names(|probe| probe.is_unknown),
            warning: names(|probe| probe.state == Health::Warn),
            third_parties: self.third_parties(),
            failing_elsewhere: self.failing_elsewhere(),
            me: self.me.to_owned(),
            here: self.here,
            green_since: self.green_since,
            failed_again: state.and_then(|state| state.failed_again(is_production, self.now)),
            settles: settles(config),
            hotfix_branch: hotfix_branch.map(str::to_owned),
            hotfix_commits: self.branch.map_or(Some(0), commits),
            fix: self.branch.map_or_else(Fix::default, fix),
            head: self.branch.and_then(BranchState::commit).map(str::to_owned),
            tag: self.branch.and_then(|branch| branch.tags.last().cloned()),
            same: self.branch.map_or_else(Vec::new, |branch| branch.same_content.clone()),
            checks: checks().map(|check| check.name.clone()).collect(),
            environments: environments().map(|env| (env.name.clone(), env.protected)).collect(),
            smokable: environments()
                .filter(|env| !env.smoke.is_empty())
                .map(|env| env.name.clone())
                .collect(),
            reached: if self.may_run { config.reached() } else { Vec::new() },
            checklist: self.checklist.iter().map(|item| item.id.clone()).collect(),
            way_back: self.looked.and_then(way_back),
            no_way_back: self.looked.is_some_and(|looked| looked.readiness() == Readiness::NoWay),
            live: ways::live(state, target, self.looked).0,
            unrecorded: ways::unrecorded(state, self.looked).map(|found| {
                let short = || found.commit.chars().take(12).collect();
                (found.name(), found.tag.clone().unwrap_or_else(short))
            }),
            repository: self.branch.is_some_and(|branch| branch.commit().is_some()),
            untrusted: self.untrusted,
            looked: self.has_looked,
            runbook: self.runbook,
            missing: self.missing,
        }
    }

    /// Probes of the environments besides production that fail.
    fn failing_elsewhere(&self) -> Vec<(String, String)> {
        let named = |name: &str| self.config.environments.iter().any(|env| env.name == name);
        let other = |probe: &&Probed<'_>| {
            named(probe.environment) && !self.config.watches_production(probe.environment)
        };
        let bad = self.probes.iter().filter(other).filter(|probe| probe.state.is_bad());
        bad.map(|probe| (probe.environment.to_owned(), probe.name.to_owned())).collect()
    }

    /// Probes that tell of somebody else's service and are not well.
    fn third_parties(&self) -> Vec<String> {
        let off = |probe: &Probed<'_>| probe.state.is_bad() || probe.state == Health::Warn;
        let bad = |name: &&str| self.probes.iter().any(|probe| probe.name == *name && off(probe));
        self.config.concerned(Concern::ThirdParty).filter(bad).map(str::to_owned).collect()
    }
}

/// Health of what these probes watch: all good, something bad, or not known. What is not known is never good.
pub fn healthy<'a>(probes: impl Iterator<Item = Probed<'a>>) -> Option<bool> {
    let (mut any, mut unknown) = (false, false);
    for probe in probes {
        if probe.state.is_bad() {
            return Some(false);
        }
        any = true;
        unknown |= probe.is_unknown;
    }
    if !any || unknown { None } else { Some(true) }
}

/// What is known about going back in production.
fn way_back(looked: &Looked) -> Option<WayBack> {
    let ways = looked.ways.as_deref().ok()?;
    let ready = rollback::best(ways).map(|way| way.title.clone());
    // Where nothing at all can be taken there is nothing to look at.
    let flag = rollback::flag(ways);
    let any = rollback::nearest(ways).or(flag);
    any.map(|_| WayBack { ready, flag: flag.map(|way| way.title.clone()) })
}

/// How long the probes of production take to say that something helped: some answers each, and time to work.
fn settles(config: &Config) -> SignedDuration {
    let of_production = config.probes.iter().filter(|probe| config.watches_production(&probe.environment));
    let takes = of_production.map(|probe| probe.interval * (i32::try_from(probe.confirm).unwrap_or(2) + 1));
    let takes = takes.max().unwrap_or_default();
    takes.clamp(SignedDuration::from_secs(30), SignedDuration::from_mins(5))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_healthy() {
        let of = |states: &[Health]| {
            let is_unknown = |state| state == Health::Unknown;
            healthy(states.iter().map(|state| Probed {
                name: "api",
                environment: "",
                state: *state,
                is_unknown: is_unknown(*state),
                is_down: false,
            }))
        };
        assert_eq!(of(&[]), None);
        assert_eq!(of(&[Health::Ok, Health::Unknown]), None);
        assert_eq!(of(&[Health::Ok, Health::Error]), Some(false));
        assert_eq!(of(&[Health::Unknown, Health::Failing]), Some(false));
        assert_eq!(of(&[Health::Ok, Health::Warn]), Some(true));
    }
}
