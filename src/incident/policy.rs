//! The policy: every figure of the procedure as data, with a team's changes on top.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{Phase, Severity};

/// The policy in force: `assets/policy.toml` with a team's changes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// By severity name.
    pub severities: BTreeMap<Severity, SeverityPolicy>,
    /// In order.
    pub phases: Vec<PhasePolicy>,
    /// In order.
    pub roles: Vec<Role>,
    /// The severity tree, in order: the first yes decides.
    pub questions: Vec<Question>,
    /// What a P2 is told instead of a hotfix: text of a backlog ticket with `{title}`.
    pub backlog: String,
    /// The default manual checklist.
    pub checklist: Vec<ChecklistItem>,
}

/// What a severity demands. Times count from the start of the incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SeverityPolicy {
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
    /// Update them every.
    #[serde(default)]
    pub update_every: Option<SignedDuration>,
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
    /// Whether gates may be passed over with a recorded reason.
    #[serde(default)]
    pub may_override: bool,
}

/// A phase of the procedure.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhasePolicy {
    /// The phase.
    pub phase: Phase,
    /// Its time budget.
    pub budget: SignedDuration,
    /// When it is done, one line.
    pub done_when: String,
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

/// A question of the severity tree.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The question, to be answered yes or no.
    pub ask: String,
    /// Severity if the answer is yes.
    pub yes: Severity,
    /// Severity if it is no and no question follows.
    #[serde(default)]
    pub no: Option<Severity>,
    /// Examples of a yes.
    pub examples: Vec<String>,
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

/// A team's changes to the policy, under `[policy]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyChange {
    /// By severity name: `[policy.P0]`.
    #[serde(rename = "P0")]
    pub p0: SeverityChange,
    /// The same for P1.
    #[serde(rename = "P1")]
    pub p1: SeverityChange,
    /// The same for P2.
    #[serde(rename = "P2")]
    pub p2: SeverityChange,
    /// Roles in place of the built-in ones.
    pub roles: Option<Vec<Role>>,
}

/// A team's changes to one severity. Durations as `2h`, `15m`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SeverityChange {
    /// Fix in production within.
    #[schemars(with = "Option<String>")]
    pub fix_within: Option<SignedDuration>,
    /// Roles that have to approve a deploy.
    pub approvals: Option<Vec<String>>,
    /// Tell stakeholders within.
    #[schemars(with = "Option<String>")]
    pub tell_within: Option<SignedDuration>,
    /// Update them every.
    #[schemars(with = "Option<String>")]
    pub update_every: Option<SignedDuration>,
    /// Page on-call within.
    #[schemars(with = "Option<String>")]
    pub page_within: Option<SignedDuration>,
    /// Escalate to the engineering lead within.
    #[schemars(with = "Option<String>")]
    pub escalate_within: Option<SignedDuration>,
    /// Notify executives if not resolved within.
    #[schemars(with = "Option<String>")]
    pub executives_after: Option<SignedDuration>,
    /// Written review due within, from the resolution.
    #[schemars(with = "Option<String>")]
    pub review_within: Option<SignedDuration>,
}

impl Policy {
    /// The built-in policy, from `assets/policy.toml`.
    pub fn built_in() -> Self {
        todo!()
    }

    /// The policy with a team's changes on top.
    #[must_use]
    pub fn with(self, _change: &PolicyChange) -> Self {
        todo!()
    }

    /// What a severity demands.
    pub fn severity(&self, _severity: Severity) -> &SeverityPolicy {
        todo!()
    }
}
