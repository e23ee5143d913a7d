//! The situation of an incident, put together from all that can be asked: the record, the
//! policy, the repository and the probes. What `status` prints is made of this alone.

use jiff::Timestamp;

use crate::cockpit::known::{Known, Probed};
use crate::cockpit::ways::Looked;
use crate::config::types::{Config, Hotfix};
use crate::deploy::rollback::Way;
use crate::health::series::{State as HealthState, Status as Health};
use crate::hotfix::outlook::Outlook;
use crate::hotfix::pull;
use crate::hotfix::state::BranchState;
use crate::incident::{
    CheckState, ChecklistItem, Clock, Facts, Next, Policy, Release, RunbookFor, State, Tick, all_clocks,
    brief, next,
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
    /// Its pull request; `None`: nobody looked.
    pub(crate) pull: Option<pull::Looked>,
    /// Who asks; empty: nobody knows.
    pub(crate) me: String,
    /// How hotfixes are made here.
    pub(crate) settings: Hotfix,
    /// The environment users are served from; empty where there is none.
    pub(crate) production: String,
    /// Probes in the order they are configured.
    pub(crate) health: Vec<ProbeState>,
    /// What was brought into environments, oldest first.
    pub(crate) releases: Vec<Release>,
    /// Ways back in production, and what it says is live there; `None`: nobody looked.
    pub(crate) looked: Option<Looked>,
    /// Plans that wait for approval of what is no longer there.
    pub(crate) moved: Vec<Moved>,
    /// How far it is shared with other machines; `None`: it is not.
    pub(crate) shared: Option<SharedWith>,
    /// What that was worked out from.
    pub(crate) facts: Facts,
    /// What stands in the way of knowing more, one line each.
    pub(crate) remarks: Vec<String>,
}

/// How far an incident is shared with other machines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SharedWith {
    /// What the remote is called.
    pub(crate) remote: String,
    /// Records that were written here and are not there.
    pub(crate) unsent: usize,
    /// Since when and why they could not be sent.
    pub(crate) trouble: Option<(Timestamp, String)>,
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
    /// Whether it was asked once, and nobody looked at it in the minutes before.
    pub(crate) from_one_sample: bool,
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
            from_one_sample: false,
        }
    }
}

impl ProbeState {
    /// The probe, as far as what is next depends on it.
    fn probed(&self) -> Probed<'_> {
        Probed {
            name: &self.name,
            environment: &self.environment,
            state: self.state,
            is_unknown: self.state == HealthState::Unknown,
            is_down: self.is_down,
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
    /// Its pull request; `None`: nobody looked.
    pub(crate) pull: Option<pull::Looked>,
    /// Who asks; empty: nobody knows.
    pub(crate) me: String,
    /// The installation that asks; 0: it is not known.
    pub(crate) here: u64,
    /// What `flightdeck.toml` says.
    pub(crate) config: Config,
    /// Whether what it names may run.
    pub(crate) may_run: bool,
    /// Probes.
    pub(crate) health: Vec<ProbeState>,
    /// Since when somebody looked at production again and again; `None`: since whenever it was recorded.
    pub(crate) seen_since: Option<Timestamp>,
    /// The checklist in force.
    pub(crate) checklist: Vec<ChecklistItem>,
    /// Gates of production that are not met: id, and what is missing.
    pub(crate) missing: Vec<(String, String)>,
    /// Whether the configuration waits to be trusted.
    pub(crate) untrusted: bool,
    /// What was brought into environments, oldest first.
    pub(crate) releases: Vec<Release>,
    /// Ways back in production, and what it says is live there; `None`: nobody looked.
    pub(crate) looked: Option<Looked>,
    /// The runbook that fits best what fails in production.
    pub(crate) runbook: Option<RunbookFor>,
    /// Plans that wait for approval of what is no longer there.
    pub(crate) moved: Vec<Moved>,
    /// How far it is shared with other machines; `None`: it is not.
    pub(crate) shared: Option<SharedWith>,
    /// What stands in the way of knowing more, one line each.
    pub(crate) remarks: Vec<String>,
}

impl Situation {
    /// Ways back in production, best first.
    pub(crate) fn ways(&self) -> &[Way] {
        self.looked.as_ref().and_then(|looked| looked.ways.as_deref().ok()).unwrap_or_default()
    }

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
        let production = around.production().to_owned();
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
            pull: around.pull,
            me: around.me,
            production,
            settings: around.config.hotfix,
            health: around.health,
            releases: around.releases,
            looked: around.looked,
            moved: around.moved,
            shared: around.shared,
            remarks: around.remarks.into_iter().chain(clocks_off).collect(),
        }
    }
}

impl Around {
    /// The environment users are served from; empty where there is none.
    pub(crate) fn production(&self) -> &str {
        self.config.production().map_or("", |env| env.name.as_str())
    }

    /// The probes of production, and those of no environment.
    pub(crate) fn of_production(&self) -> impl Iterator<Item = &ProbeState> {
        self.health.iter().filter(|probe| self.config.watches_production(&probe.environment))
    }

    /// Since when all probes of production are on record as good again.
    pub(crate) fn recovered_at(&self, state: &State) -> Option<Timestamp> {
        state.recovered_at(self.of_production().map(|probe| probe.name.as_str()))
    }

    /// What is next depends on this, besides the record.
    pub(crate) fn facts(&self, state: &State, now: Timestamp) -> Facts {
        let green_since = self.recovered_at(state).map(|at| self.seen_since.map_or(at, |seen| seen.max(at)));
        let known = Known {
            state: Some(state),
            config: &self.config,
            checklist: &self.checklist,
            may_run: self.may_run,
            untrusted: self.untrusted,
            // A verb tells everybody the same.
            me: "",
            here: self.here,
            now,
            probes: self.health.iter().map(ProbeState::probed).collect(),
            green_since,
            branch: self.hotfix.as_ref(),
            outlook: self.outlook.as_ref(),
            pull: self.pull.as_ref(),
            looked: self.looked.as_ref(),
            has_looked: false,
            runbook: self.runbook.clone(),
            missing: self.missing.clone(),
        };
        known.facts()
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
#[path = "situation_tests.rs"]
mod tests;
