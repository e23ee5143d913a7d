//! The situation of an incident, put together from all that can be asked: the record, the
//! policy, the repository and the probes. What `status` prints is made of this alone.

use jiff::Timestamp;

use crate::config::types::Hotfix;
use crate::deploy::rollback::{self, Way};
use crate::health::series::{State as HealthState, Status as Health};
use crate::hotfix::outlook::Outlook;
use crate::hotfix::standing;
use crate::hotfix::state::BranchState;
use crate::incident::{
    CheckState, ChecklistItem, Clock, Facts, Fix, Next, Policy, Release, RunbookFor, State, Tick, WayBack,
    all_clocks, brief, next,
};

/// Everything there is to tell.
#[derive(Debug, Clone)]
pub(crate) struct Situation {
    /// The moment it is told for.
    pub(crate) now: Timestamp,
    /// The fold.
    pub(crate) state: State,
    /// The policy in force.
    pub(crate) policy: Policy,
    /// What is due.
    pub(crate) clocks: Vec<Clock>,
    /// What should be done, most pressing first.
    pub(crate) next: Vec<Next>,
    /// Every item that is shown, with its last tick.
    pub(crate) checklist: Vec<Item>,
    /// The branch; `None` where there is none to read, or when the past is told.
    pub(crate) hotfix: Option<BranchState>,
    /// What is ahead of it, as far as somebody looked.
    pub(crate) outlook: Option<Outlook>,
    /// How hotfixes are made here.
    pub(crate) settings: Hotfix,
    /// The environment users are served from; empty where there is none.
    pub(crate) production: String,
    /// Probes in the order they are configured.
    pub(crate) health: Vec<ProbeState>,
    /// What was brought into environments, oldest first.
    pub(crate) releases: Vec<Release>,
    /// Ways back in production, best first, as far as they can be told without asking it.
    pub(crate) ways: Vec<Way>,
    /// Plans that wait for approval of what is no longer there.
    pub(crate) moved: Vec<Moved>,
    /// What that was worked out from.
    pub(crate) facts: Facts,
    /// What stands in the way of knowing more, one line each.
    pub(crate) remarks: Vec<String>,
}

/// A plan that was proposed and can no longer start: what it was made for has moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Moved {
    /// Id of the proposal.
    pub(crate) id: String,
    /// What has moved: one line.
    pub(crate) why: String,
    /// How it is proposed anew.
    pub(crate) anew: String,
}

impl Moved {
    /// What that means for whoever waits for approval, and what to do.
    pub(crate) fn advice(&self) -> [String; 2] {
        [
            "this plan can no longer start, and its approvals no longer count".to_owned(),
            format!("→ ask for approval of what is there now: {}", self.anew),
        ]
    }
}

/// A checklist item and its last tick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Item {
    /// Id.
    pub(crate) id: String,
    /// Title.
    pub(crate) title: String,
    /// The last tick, if it was ever ticked.
    pub(crate) tick: Option<Tick>,
    /// Who looks at it, a role with whoever has it; may be empty.
    pub(crate) assigned: String,
}

impl Item {
    /// How it stands.
    pub(crate) fn state(&self) -> CheckState {
        self.tick.as_ref().map_or(CheckState::Open, |tick| tick.state)
    }

    /// Who looks at it, behind its title.
    pub(crate) fn looked_at_by(&self) -> String {
        if self.assigned.is_empty() { String::new() } else { format!("  → {}", self.assigned) }
    }
}

/// A probe, as far as `status` tells of it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ProbeState {
    /// Name.
    pub(crate) name: String,
    /// The environment it watches; may be empty.
    pub(crate) environment: String,
    /// State.
    pub(crate) state: HealthState,
    /// The value drawn, if there is one.
    pub(crate) value: Option<f64>,
    /// Its unit; may be empty.
    pub(crate) unit: String,
    /// The limit as written.
    pub(crate) limit: Option<String>,
    /// When that was seen.
    pub(crate) at: Option<Timestamp>,
    /// Why it is not good, or what was seen; may be empty.
    pub(crate) why: String,
    /// The release since which its metric is gone.
    pub(crate) gone_since: Option<String>,
    /// Whether it says that it does not work, and not only that a number is over its limit.
    pub(crate) is_down: bool,
}

impl From<&Health> for ProbeState {
    fn from(health: &Health) -> Self {
        let last = health.last.as_ref();
        let why = last.map_or_else(String::new, |sample| {
            if sample.why.is_empty() { sample.headline.clone() } else { sample.why.clone() }
        });
        Self {
            name: health.name.clone(),
            environment: health.environment.clone(),
            state: health.state,
            value: last.and_then(|sample| sample.value),
            unit: health.unit.clone(),
            limit: health.limit.clone(),
            at: last.map(|sample| sample.at),
            why,
            gone_since: None,
            is_down: health.is_down(health.state, last.map_or("", |sample| &sample.why)),
        }
    }
}

/// What is known besides the record.
#[derive(Debug, Clone, Default)]
pub(crate) struct Around {
    /// The branch.
    pub(crate) hotfix: Option<BranchState>,
    /// What is ahead of it.
    pub(crate) outlook: Option<Outlook>,
    /// How hotfixes are made.
    pub(crate) settings: Hotfix,
    /// Probes.
    pub(crate) health: Vec<ProbeState>,
    /// Names of the probes that tell of somebody else's service.
    pub(crate) of_others: Vec<String>,
    /// Since when somebody looked at production again and again; `None`: since whenever it was recorded.
    pub(crate) seen_since: Option<Timestamp>,
    /// The checklist in force.
    pub(crate) checklist: Vec<ChecklistItem>,
    /// Names of configured checks.
    pub(crate) checks: Vec<String>,
    /// Names of environments, and whether they are protected.
    pub(crate) environments: Vec<(String, bool)>,
    /// The environment users are served from; empty where there is none.
    pub(crate) production: String,
    /// Names of environments that have a smoke test.
    pub(crate) smokable: Vec<String>,
    /// Audiences and roles that a channel reaches.
    pub(crate) reached: Vec<String>,
    /// Gates of production that are not met: id, and what is missing.
    pub(crate) missing: Vec<(String, String)>,
    /// Whether the configuration waits to be trusted.
    pub(crate) untrusted: bool,
    /// What was brought into environments, oldest first.
    pub(crate) releases: Vec<Release>,
    /// What production says it runs, where the record has something else by hand.
    pub(crate) unrecorded: Option<Release>,
    /// Ways back in production, best first.
    pub(crate) ways: Vec<Way>,
    /// The runbook that fits best what fails in production.
    pub(crate) runbook: Option<RunbookFor>,
    /// Plans that wait for approval of what is no longer there.
    pub(crate) moved: Vec<Moved>,
    /// What stands in the way of knowing more, one line each.
    pub(crate) remarks: Vec<String>,
}

impl Situation {
    /// What has moved since a plan was proposed, by its id.
    pub(crate) fn moved(&self, id: &str) -> Option<&Moved> {
        self.moved.iter().find(|moved| moved.id == id)
    }

    /// What whoever takes over a role has to know. That the role is to be given is no news to them.
    pub(crate) fn brief(&self, role: Option<&str>) -> String {
        let is_this = |next: &&Next| next.action == "role" && Some(next.argument.as_str()) == role;
        let next: Vec<Next> = self.next.iter().filter(|next| !is_this(next)).cloned().collect();
        brief(&self.state, &self.policy, &self.facts, &next, self.now)
    }

    /// Puts together what is known at a moment.
    pub(crate) fn new(state: State, policy: Policy, around: Around, now: Timestamp) -> Self {
        let checklist = items(&state, &policy, &around.checklist);
        let facts = around.facts(&state, now);
        let clocks_off = state.clock_warnings(now).into_iter().map(|warning| warning.words);
        Self {
            clocks: all_clocks(&state, &policy, now),
            next: next(&state, &policy, &facts, now),
            facts,
            now,
            state,
            policy,
            checklist,
            hotfix: around.hotfix,
            outlook: around.outlook,
            settings: around.settings,
            production: around.production,
            health: around.health,
            releases: around.releases,
            ways: around.ways,
            moved: around.moved,
            remarks: around.remarks.into_iter().chain(clocks_off).collect(),
        }
    }
}

impl Around {
    /// The probes of production, and those of no environment.
    pub(crate) fn of_production(&self) -> impl Iterator<Item = &ProbeState> {
        let (health, production) = (&self.health, &self.production);
        health.iter().filter(move |probe| {
            probe.environment.is_empty() || production.is_empty() || probe.environment == *production
        })
    }

    /// Since when all probes of production are on record as good again.
    pub(crate) fn recovered_at(&self, state: &State) -> Option<Timestamp> {
        state.recovered_at(self.of_production().map(|probe| probe.name.as_str()))
    }

    /// Names of the probes of production in such a state.
    fn names(&self, is_such: impl Fn(HealthState) -> bool) -> Vec<String> {
        let such = self.of_production().filter(|probe| is_such(probe.state));
        such.map(|probe| probe.name.clone()).collect()
    }

    /// Probes that tell of somebody else's service and are not well.
    fn third_parties(&self) -> Vec<String> {
        let off = |probe: &&ProbeState| probe.state.is_bad() || probe.state == HealthState::Warn;
        let about = |probe: &&ProbeState| self.of_others.contains(&probe.name);
        self.health.iter().filter(off).filter(about).map(|probe| probe.name.clone()).collect()
    }

    /// What is next depends on this, besides the record.
    pub(crate) fn facts(&self, state: &State, now: Timestamp) -> Facts {
        let branch = self.hotfix.as_ref();
        let on_hotfix = branch.and_then(|branch| standing::branch(&self.settings, branch));
        Facts {
            healthy: healthy(self.of_production()),
            down: self.of_production().any(|probe| probe.is_down),
            failing: self.names(HealthState::is_bad),
            silent: self.names(|state| state == HealthState::Unknown),
            warning: self.names(|state| state == HealthState::Warn),
            third_parties: self.third_parties(),
            // A verb tells everybody the same.
            me: String::new(),
            live: state
                .releases
                .iter()
                .rfind(|release| release.environment == self.production)
                .map(Release::name),
            green_since: self.recovered_at(state).map(|at| self.seen_since.map_or(at, |seen| seen.max(at))),
            failed_again: state
                .failed_again(|name| self.of_production().any(|probe| probe.name == name), now),
            // A verb knows of each probe what is on record, not how often it is asked.
            settles: jiff::SignedDuration::from_mins(1),
            hotfix_branch: on_hotfix.map(str::to_owned),
            hotfix_commits: branch.map_or(Some(0), |branch| standing::commits(&self.settings, branch)),
            fix: branch.map_or_else(Fix::default, |branch| {
                standing::fix(&self.settings, branch, self.outlook.as_ref(), None)
            }),
            head: branch.and_then(BranchState::commit).map(str::to_owned),
            same: branch.map_or_else(Vec::new, |branch| branch.same_content.clone()),
            checks: self.checks.clone(),
            environments: self.environments.clone(),
            smokable: self.smokable.clone(),
            reached: self.reached.clone(),
            checklist: self.checklist.iter().map(|item| item.id.clone()).collect(),
            repository: branch.is_some_and(|b| b.commit().is_some()),
            untrusted: self.untrusted,
            // A verb asks production only where nothing is on record that was proven.
            unrecorded: self.unrecorded.as_ref().map(|found| {
                let short = || found.commit.chars().take(12).collect();
                (found.name(), found.tag.clone().unwrap_or_else(short))
            }),
            way_back: rollback::nearest(&self.ways).or(rollback::flag(&self.ways)).map(|_| WayBack {
                ready: rollback::best(&self.ways).map(|way| way.title.clone()),
                flag: rollback::flag(&self.ways).map(|way| way.title.clone()),
            }),
            no_way_back: !self.ways.is_empty()
                && rollback::nearest(&self.ways).or(rollback::flag(&self.ways)).is_none(),
            missing: self.missing.clone(),
            runbook: self.runbook.clone(),
        }
    }
}

/// All good, something bad, or not known. What is not known is never good.
fn healthy<'a>(health: impl Iterator<Item = &'a ProbeState>) -> Option<bool> {
    let states: Vec<HealthState> = health.map(|probe| probe.state).collect();
    if states.iter().any(|state| state.is_bad()) {
        Some(false)
    } else if states.is_empty() || states.contains(&HealthState::Unknown) {
        None
    } else {
        Some(true)
    }
}

/// The items of the checklist, and those ticked that are no longer on it.
fn items(state: &State, policy: &Policy, checklist: &[ChecklistItem]) -> Vec<Item> {
    let on_list = checklist.iter().map(|item| Item {
        id: item.id.clone(),
        title: item.title.clone(),
        tick: state.ticks.get(&item.id).cloned(),
        assigned: assigned(state, policy, &item.id),
    });
    let gone = state.ticks.iter().filter(|(id, _)| checklist.iter().all(|item| item.id != **id)).map(
        |(id, tick)| Item {
            id: id.clone(),
            title: if tick.title.is_empty() { id.clone() } else { tick.title.clone() },
            tick: Some(tick.clone()),
            assigned: assigned(state, policy, id),
        },
    );
    on_list.chain(gone).collect()
}

/// Who looks at an item.
fn assigned(state: &State, policy: &Policy, item: &str) -> String {
    let Some(to) = state.assigned.get(item) else { return String::new() };
    let title = policy.role_title(to);
    match state.roles.get(to) {
        Some(person) => format!("{person}, {title}"),
        None => title.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn probe(state: HealthState) -> ProbeState {
        ProbeState {
            name: "api".to_owned(),
            environment: String::new(),
            state,
            value: None,
            unit: String::new(),
            limit: None,
            at: None,
            why: String::new(),
            gone_since: None,
            is_down: state == HealthState::Error,
        }
    }

    #[test]
    fn what_is_not_known_is_not_healthy() {
        assert_eq!(healthy(std::iter::empty()), None);
        assert_eq!(healthy([probe(HealthState::Ok), probe(HealthState::Unknown)].iter()), None);
        assert_eq!(healthy([probe(HealthState::Ok), probe(HealthState::Error)].iter()), Some(false));
        assert_eq!(healthy([probe(HealthState::Unknown), probe(HealthState::Failing)].iter()), Some(false));
        assert_eq!(healthy([probe(HealthState::Ok), probe(HealthState::Warn)].iter()), Some(true));
    }
}
