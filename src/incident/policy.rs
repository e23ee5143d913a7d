//! The policy: every figure of the procedure as data, with a team's changes on top.

mod change;
mod clocks;
mod entries;
mod severities;
mod suspects;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact as friendly;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{Phase, Severity};
use crate::config::types::{Concern, DeadlineText, DurationText, Flow};

pub use change::{PolicyChange, SeverityChange};
pub use clocks::{
    Audience, AudienceChange, ClockChange, ClockPolicy, CountedFrom, Figure, MetBy, UpdatePolicy,
};
pub use entries::{CulpritChange, ItemChange, PhaseChange, QuestionChange, RoleChange, StepChange};
pub use severities::at_severity;
pub use suspects::{OnsetWeight, PathKind, SizeWeight, SuspectPolicy, SuspectsChange, Suspicion};

/// The policy in force: `assets/policy.toml` with a team's changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// How long after the start something due at once (a zero below) counts as in time.
    pub at_once: SignedDuration,
    /// How long an approval holds.
    pub approval_valid_for: SignedDuration,
    /// When somebody who was given a task reports back, if nothing else is said.
    pub task_time: SignedDuration,
    /// How long objections to a proposal are heard, if nothing else is said.
    pub objection_time: SignedDuration,
    /// How long a page may go without being acknowledged.
    pub acknowledge_within: SignedDuration,
    /// How long production is watched after a deploy.
    pub immediate_watch: SignedDuration,
    /// How long the extended watch after that takes.
    pub extended_watch: SignedDuration,
    /// Gates that guard environments whose name has to be typed.
    pub gates: Vec<String>,
    /// Gates that guard a rollback besides that of the way itself, which always does.
    pub rollback_gates: Vec<String>,
    /// How long production is watched after going back.
    pub rollback_watch: SignedDuration,
    /// Gates that guard the end of a hotfix, by development model: what brings the fix to where
    /// production is deployed from.
    pub finish_gates: BTreeMap<Flow, Vec<String>>,
    /// What a fix that is more than this is more than minimal.
    pub hotfix_limit: HotfixLimit,
    /// For so long after a fetch the remote is taken to be as it was then, where it cannot be asked
    /// without a person.
    pub fetch_valid_for: SignedDuration,
    /// Paths of database migrations: folders that end in `/`, and names of files with `*`.
    pub migrations: Vec<String>,
    /// How changes since the last good release are weighed.
    pub suspects: SuspectPolicy,
    /// What keeps an environment as a repository describes it, and the files that tell.
    pub gitops: BTreeMap<String, Vec<String>>,
    /// The steps of going back, in order.
    pub rollback_steps: Vec<RollbackStep>,
    /// By severity name.
    pub severities: BTreeMap<Severity, SeverityPolicy>,
    /// What is due once.
    pub clocks: Vec<ClockPolicy>,
    /// Who is told, in the order of the menu.
    pub audiences: Vec<Audience>,
    /// In order.
    pub phases: Vec<PhasePolicy>,
    /// In order.
    pub roles: Vec<Role>,
    /// The severity tree, in order: the first yes decides.
    pub questions: Vec<Question>,
    /// What a P2 is told instead of a hotfix: text of a backlog ticket with `{title}`.
    pub backlog: String,
    /// What usually breaks a service, in order.
    pub culprits: Vec<Culprit>,
    /// The default manual checklist.
    pub checklist: Vec<ChecklistItem>,
}

/// How big a minimal fix may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HotfixLimit {
    /// Files changed, tests and files that hold the version left out.
    pub files: usize,
    /// Lines added and taken away in them.
    pub lines: usize,
}

/// What a severity demands. Times count from the start of the incident.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeverityPolicy {
    /// What the team calls it, where that is not its rank.
    #[serde(default)]
    pub name: String,
    /// One word: `critical`.
    pub word: String,
    /// What it means, one sentence.
    pub means: String,
    /// Examples.
    pub examples: Vec<String>,
    /// Fix in production within; `None`: next regular release.
    #[serde(default)]
    pub fix_within: Option<SignedDuration>,
    /// Roles that have to approve a deploy.
    #[serde(default)]
    pub approvals: Vec<String>,
    /// Tell stakeholders within.
    #[serde(default)]
    pub tell_within: Option<SignedDuration>,
    /// Who is told anew, and how often.
    #[serde(default)]
    pub updates: Vec<UpdatePolicy>,
    /// Page on-call within.
    #[serde(default)]
    pub page_within: Option<SignedDuration>,
    /// Escalate to the engineering lead within.
    #[serde(default)]
    pub escalate_within: Option<SignedDuration>,
    /// Notify executives if not resolved within.
    #[serde(default)]
    pub executives_after: Option<SignedDuration>,
    /// Written review due within, counted from the resolution.
    #[serde(default)]
    pub review_within: Option<SignedDuration>,
    /// What the written review is called.
    #[serde(default)]
    pub review: String,
    /// Ids of the gates that may be passed over with a recorded reason.
    #[serde(default)]
    pub may_pass_over: Vec<String>,
    /// Whether an approval that was said, and written down by somebody else, counts.
    #[serde(default)]
    pub verbal_approval: bool,
    /// Whether whoever starts a plan may be one of those who approve it.
    #[serde(default)]
    pub own_approval: bool,
}

/// A phase of the procedure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhasePolicy {
    /// The phase.
    pub phase: Phase,
    /// What the team calls it, where that is not its name.
    #[serde(default)]
    pub name: String,
    /// Its time budget.
    pub budget: SignedDuration,
    /// When it is done, one line.
    pub done_when: String,
}

/// A step of going back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RollbackStep {
    /// One word: `assess`.
    pub title: String,
    /// It usually takes at least this long.
    #[serde(serialize_with = "friendly::required")]
    #[schemars(with = "DeadlineText")]
    pub from: SignedDuration,
    /// And at most this long.
    #[serde(serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub until: SignedDuration,
    /// What it is about, one line.
    pub about: String,
}

/// A role in the incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Role {
    /// Id: `commander`.
    pub id: String,
    /// Title: `incident commander`.
    pub title: String,
    /// Short form for the header: `IC`.
    pub short: String,
}

impl Role {
    /// Id of the role that leads the incident.
    pub const COMMANDER: &'static str = "commander";
    /// Id of the role that is paged.
    pub const ON_CALL: &'static str = "on-call";
    /// Id of the role an incident is escalated to.
    pub const LEAD: &'static str = "lead";
}

/// A question of the severity tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// Id, unique: `everybody`.
    pub id: String,
    /// The question, to be answered yes or no.
    pub ask: String,
    /// Severity if the answer is yes.
    pub yes: Severity,
    /// Severity if it is no and no question follows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no: Option<Severity>,
    /// Examples of a yes.
    pub examples: Vec<String>,
}

/// Something that usually breaks a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Culprit {
    /// Id: `schema`.
    pub id: String,
    /// What it is called: `database schema`.
    pub title: String,
    /// What to look for.
    #[serde(default)]
    pub hint: String,
    /// The kinds of change that look like it, as `suspects` calls them.
    #[serde(default)]
    pub suspicions: Vec<Suspicion>,
    /// The probes that tell of it.
    #[serde(default)]
    pub concerns: Option<Concern>,
}

/// An item of the manual checklist.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChecklistItem {
    /// Id, unique: `payments`.
    pub id: String,
    /// What has to be looked at.
    pub title: String,
    /// What exactly to try; may be empty.
    #[serde(default)]
    pub hint: String,
}

impl Policy {
    /// The built-in policy, from `assets/policy.toml`.
    pub fn built_in() -> Self {
        static READ: LazyLock<Policy> = LazyLock::new(|| {
            let text = include_str!("../../assets/policy.toml");
            toml::from_str(text).expect("the built-in policy is part of the program and tested")
        });
        READ.clone()
    }

    /// The title of a role; the id itself where the policy does not know it.
    pub fn role_title<'a>(&'a self, id: &'a str) -> &'a str {
        self.roles.iter().find(|role| role.id == id).map_or(id, |role| &role.title)
    }

    /// What is handed over with a role: `command`, `the role of engineering lead`.
    pub fn handed(&self, role: &str) -> String {
        match role {
            Role::COMMANDER => "command".to_owned(),
            role => format!("the role of {}", self.role_title(role)),
        }
    }

    /// What is done by whoever takes a role: `take command`, `take over as engineering lead`.
    pub fn taking(&self, role: &str) -> String {
        match role {
            Role::COMMANDER => "take command".to_owned(),
            role => format!("take over as {}", self.role_title(role)),
        }
    }

    /// Finds a role by its id, title or short form.
    pub fn find_role(&self, named: &str) -> Option<&Role> {
        let is = |name: &str| name.eq_ignore_ascii_case(named.trim());
        self.roles.iter().find(|role| is(&role.id) || is(&role.title) || is(&role.short))
    }

    /// What a phase is called: by the team, else by its own name.
    pub fn phase_name(&self, phase: Phase) -> &str {
        let named = self.phase(phase).map_or("", |policy| policy.name.as_str());
        if named.is_empty() { phase.name() } else { named }
    }

    /// Finds a phase by what the team calls it, or by its own name.
    pub fn find_phase(&self, text: &str) -> Option<Phase> {
        let named = |name: &dyn Fn(Phase) -> bool| Phase::ALL.into_iter().find(|phase| name(*phase));
        named(&|phase| self.phase_name(phase).eq_ignore_ascii_case(text))
            .or_else(|| named(&|phase| phase.name().eq_ignore_ascii_case(text)))
    }

    /// The time budget and end of a phase, if the policy has it.
    pub fn phase(&self, phase: Phase) -> Option<&PhasePolicy> {
        self.phases.iter().find(|p| p.phase == phase)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_line_of_the_ticket_breaks_in_the_middle_of_a_sentence() {
        for line in Policy::built_in().backlog.lines().filter(|line| !line.is_empty()) {
            assert!(line.ends_with(['.', ':', '}']), "{line}");
        }
    }

    #[test]
    fn the_built_in_policy_is_whole() {
        let policy = Policy::built_in();
        for severity in policy.ranks() {
            assert!(!policy.severity(severity).examples.is_empty());
        }
        let phases: Vec<_> = policy.phases.iter().map(|p| p.phase).collect();
        assert_eq!(phases, Phase::ALL);
        assert_eq!(policy.checklist.len(), 8);
        let mut ids: Vec<_> = policy.checklist.iter().map(|item| &item.id).collect();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), 8, "checklist ids are unique");
        for severity in policy.severities.values() {
            for role in &severity.approvals {
                assert!(policy.roles.iter().any(|r| &r.id == role), "approving role {role} exists");
            }
        }
    }

    #[test]
    fn the_severity_tree_ends_in_every_severity() {
        let policy = Policy::built_in();
        let yes: Vec<_> = policy.questions.iter().map(|q| q.yes).collect();
        assert_eq!(yes, [Severity::P0, Severity::P1]);
        assert_eq!(policy.questions.last().and_then(|q| q.no), Some(Severity::P2));
    }

    #[test]
    fn the_figures_of_the_procedure() {
        let policy = Policy::built_in();
        let p0 = policy.severity(Severity::P0);
        assert_eq!(p0.fix_within, Some(SignedDuration::from_hours(2)));
        assert_eq!(p0.updates[0].every, SignedDuration::from_mins(15));
        assert_eq!(p0.executives_after, Some(SignedDuration::from_hours(4)));
        assert_eq!(p0.may_pass_over, policy.gates);
        assert!(p0.verbal_approval);
        let p1 = policy.severity(Severity::P1);
        assert_eq!(p1.tell_within, Some(SignedDuration::from_hours(1)));
        assert_eq!(p1.executives_after, None);
        assert!(p1.may_pass_over.is_empty() && !p1.verbal_approval);
        assert_eq!(policy.severity(Severity::P2).fix_within, None);
    }

    #[test]
    fn a_team_changes_only_what_it_names() {
        let change: PolicyChange =
            toml::from_str("[P1]\nfix_within = \"4h\"\napprovals = [\"lead\"]").unwrap();
        let policy = Policy::built_in().with(&change);
        let p1 = policy.severity(Severity::P1);
        assert_eq!(p1.fix_within, Some(SignedDuration::from_hours(4)));
        assert_eq!(p1.approvals, ["lead"]);
        assert_eq!(p1.tell_within, Some(SignedDuration::from_hours(1)));
        assert_eq!(policy.severity(Severity::P0), Policy::built_in().severity(Severity::P0));
    }
}
