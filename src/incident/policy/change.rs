//! What a team changes about the policy, and the policy with it.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact as friendly;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::clocks::audience;
use super::super::words::Severity;
use super::clocks::{Audience, AudienceChange, ClockChange, ClockPolicy, UpdatePolicy};
use super::entries::{
    self, CulpritChange, ItemChange, PhaseChange, QuestionChange, RoleChange, StepChange, set,
};
use super::{Culprit, HotfixLimit, Policy, Question, Role, RollbackStep, SeverityPolicy, SuspectsChange};
use crate::config::types::{DeadlineText, DurationText, Flow};

/// A team's changes to the policy, under `[policy]`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PolicyChange {
    /// What the worst severity demands: `[policy.P0]`.
    #[serde(rename = "P0")]
    pub p0: SeverityChange,
    /// The same for P1.
    #[serde(rename = "P1")]
    pub p1: SeverityChange,
    /// The same for P2.
    #[serde(rename = "P2")]
    pub p2: SeverityChange,
    /// A severity of the team: `[policy.P3]`, with its own `word` and `means`.
    #[serde(rename = "P3", skip_serializing_if = "Option::is_none")]
    pub p3: Option<SeverityChange>,
    /// Another one.
    #[serde(rename = "P4", skip_serializing_if = "Option::is_none")]
    pub p4: Option<SeverityChange>,
    /// Another one.
    #[serde(rename = "P5", skip_serializing_if = "Option::is_none")]
    pub p5: Option<SeverityChange>,
    /// Another one.
    #[serde(rename = "P6", skip_serializing_if = "Option::is_none")]
    pub p6: Option<SeverityChange>,
    /// Another one.
    #[serde(rename = "P7", skip_serializing_if = "Option::is_none")]
    pub p7: Option<SeverityChange>,
    /// Another one.
    #[serde(rename = "P8", skip_serializing_if = "Option::is_none")]
    pub p8: Option<SeverityChange>,
    /// Another one.
    #[serde(rename = "P9", skip_serializing_if = "Option::is_none")]
    pub p9: Option<SeverityChange>,
    /// How long after the start something due at once counts as in time: `5m`.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub at_once: Option<SignedDuration>,
    /// Text of a ticket for what needs no hotfix, with `{title}` in it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backlog: Option<String>,
    /// Roles in place of the built-in ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<Role>>,
    /// One role by its id, changed, added or dropped: `[policy.role.lead]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub role: BTreeMap<String, RoleChange>,
    /// One item of the built-in checklist by its id, changed, added or dropped: `[policy.check.payments]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub check: BTreeMap<String, ItemChange>,
    /// What is due once, in place of the built-in clocks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clocks: Option<Vec<ClockPolicy>>,
    /// One clock by its id, changed, added or dropped: `[policy.clock.page]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub clock: BTreeMap<String, ClockChange>,
    /// Who is told, in place of the built-in audiences.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audiences: Option<Vec<Audience>>,
    /// One audience by its id, changed, added or dropped: `[policy.audience.business]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub audience: BTreeMap<String, AudienceChange>,
    /// One phase by its name: `[policy.phase.respond]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub phase: BTreeMap<String, PhaseChange>,
    /// The severity tree in place of the built-in one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub questions: Option<Vec<Question>>,
    /// One question of it by its id: `[policy.question.everybody]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub question: BTreeMap<String, QuestionChange>,
    /// The steps of going back in place of the built-in ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rollback_steps: Option<Vec<RollbackStep>>,
    /// One of them by its title: `[policy.rollback_step.assess]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rollback_step: BTreeMap<String, StepChange>,
    /// Files and folders that tell what keeps an environment as a repository describes it:
    /// `[policy.gitops]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub gitops: BTreeMap<String, Vec<String>>,
    /// What usually breaks this service, in place of the built-in six.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub culprits: Option<Vec<Culprit>>,
    /// One of them by its id, changed, added or dropped: `[policy.culprit.cache]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub culprit: BTreeMap<String, CulpritChange>,
    /// How long an approval holds: `4h`.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub approval_valid_for: Option<SignedDuration>,
    /// When somebody who was given a task reports back, if nothing else is said: `10m`.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub task_time: Option<SignedDuration>,
    /// How long objections to a proposal are heard, if nothing else is said: `5m`.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub objection_time: Option<SignedDuration>,
    /// How long a page may go without being acknowledged: `5m`.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub acknowledge_within: Option<SignedDuration>,
    /// How long production is watched after a deploy: `30m`.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub immediate_watch: Option<SignedDuration>,
    /// How long the extended watch after that takes: `24h`; `0s`: there is none.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DeadlineText>")]
    pub extended_watch: Option<SignedDuration>,
    /// Gates that guard environments whose name has to be typed, in place of all six.
    pub gates: Option<Vec<String>>,
    /// Gates that guard a rollback besides that of the way itself: `approvals`, `freeze`, …
    pub rollback_gates: Option<Vec<String>>,
    /// How long production is watched after going back: `5m`.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub rollback_watch: Option<SignedDuration>,
    /// Gates that guard the end of a hotfix, by development model: `[policy.finish_gates]`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub finish_gates: BTreeMap<Flow, Vec<String>>,
    /// How big a fix may be without a warning: `{ files = 5, lines = 60 }`.
    pub hotfix_limit: Option<HotfixLimit>,
    /// How long after a fetch the remote is taken to be as it was then, where it cannot be asked
    /// without a person: `5m`.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub fetch_valid_for: Option<SignedDuration>,
    /// Paths of database migrations in place of the usual ones: folders that end in `/`, and names
    /// of files with `*`.
    pub migrations: Option<Vec<String>>,
    /// How changes since the last good release are weighed: `[policy.suspects]`.
    pub suspects: SuspectsChange,
}

/// A team's changes to one severity. Durations as `2h`, `15m`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SeverityChange {
    /// What the team calls it: `SEV1`. Records keep the rank.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// One word: `critical`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub word: Option<String>,
    /// What it means, one sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub means: Option<String>,
    /// Examples of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examples: Option<Vec<String>>,
    /// What its written review is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub review: Option<String>,
    /// Fix in production within.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub fix_within: Option<SignedDuration>,
    /// Roles that have to approve a deploy.
    pub approvals: Option<Vec<String>>,
    /// Ids of the gates that may be passed over with a recorded reason: `checks`, `checklist`,
    /// `approvals`, `rollback`, `staging`, `freeze`.
    pub may_pass_over: Option<Vec<String>>,
    /// Whether an approval that was said, and written down by somebody else, counts.
    pub verbal_approval: Option<bool>,
    /// Whether whoever starts a plan may be one of those who approve it.
    pub own_approval: Option<bool>,
    /// Tell stakeholders within.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DeadlineText>")]
    pub tell_within: Option<SignedDuration>,
    /// Who is told anew how often, in place of the built-in ones:
    /// `[{ audience = "stakeholders", every = "30m", quiet = "24h" }]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub updates: Option<Vec<UpdatePolicy>>,
    /// Update stakeholders every.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub update_every: Option<SignedDuration>,
    /// Update stakeholders every, while no fix is in flight.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub update_every_quiet: Option<SignedDuration>,
    /// Page on-call within.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DeadlineText>")]
    pub page_within: Option<SignedDuration>,
    /// Escalate to the engineering lead within.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DeadlineText>")]
    pub escalate_within: Option<SignedDuration>,
    /// Notify executives if not resolved within.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DeadlineText>")]
    pub executives_after: Option<SignedDuration>,
    /// Written review due within, from the resolution.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DeadlineText>")]
    pub review_within: Option<SignedDuration>,
}

impl PolicyChange {
    /// The severities that it says something about, worst first.
    pub fn severities(&self) -> impl Iterator<Item = (Severity, &SeverityChange)> {
        let more = [&self.p3, &self.p4, &self.p5, &self.p6, &self.p7, &self.p8, &self.p9];
        let all =
            [Some(&self.p0), Some(&self.p1), Some(&self.p2)].into_iter().chain(more.map(Option::as_ref));
        Severity::all().zip(all).filter_map(|(severity, change)| Some((severity, change?)))
    }

    /// What it says about a severity.
    pub fn severity_mut(&mut self, severity: Severity) -> &mut SeverityChange {
        match severity.rank() {
            0 => &mut self.p0,
            1 => &mut self.p1,
            2 => &mut self.p2,
            3 => self.p3.get_or_insert_default(),
            4 => self.p4.get_or_insert_default(),
            5 => self.p5.get_or_insert_default(),
            6 => self.p6.get_or_insert_default(),
            7 => self.p7.get_or_insert_default(),
            8 => self.p8.get_or_insert_default(),
            _ => self.p9.get_or_insert_default(),
        }
    }
}

impl Policy {
    /// The policy with a team's changes on top.
    #[must_use]
    pub fn with(mut self, change: &PolicyChange) -> Self {
        for (severity, change) in change.severities() {
            change.apply(self.severities.entry(severity).or_default());
        }
        set(&mut self.roles, change.roles.as_ref());
        entries::change(&mut self.roles, &change.role);
        entries::change(&mut self.checklist, &change.check);
        set(&mut self.clocks, change.clocks.as_ref());
        entries::change(&mut self.clocks, &change.clock);
        set(&mut self.audiences, change.audiences.as_ref());
        entries::change(&mut self.audiences, &change.audience);
        entries::change(&mut self.phases, &change.phase);
        set(&mut self.questions, change.questions.as_ref());
        entries::change(&mut self.questions, &change.question);
        set(&mut self.rollback_steps, change.rollback_steps.as_ref());
        entries::change(&mut self.rollback_steps, &change.rollback_step);
        set(&mut self.backlog, change.backlog.as_ref());
        self.gitops.extend(change.gitops.clone());
        self.at_once = change.at_once.unwrap_or(self.at_once);
        set(&mut self.culprits, change.culprits.as_ref());
        entries::change(&mut self.culprits, &change.culprit);
        self.approval_valid_for = change.approval_valid_for.unwrap_or(self.approval_valid_for);
        self.task_time = change.task_time.unwrap_or(self.task_time);
        self.objection_time = change.objection_time.unwrap_or(self.objection_time);
        self.acknowledge_within = change.acknowledge_within.unwrap_or(self.acknowledge_within);
        self.immediate_watch = change.immediate_watch.unwrap_or(self.immediate_watch);
        self.extended_watch = change.extended_watch.unwrap_or(self.extended_watch);
        set(&mut self.gates, change.gates.as_ref());
        set(&mut self.rollback_gates, change.rollback_gates.as_ref());
        self.rollback_watch = change.rollback_watch.unwrap_or(self.rollback_watch);
        self.finish_gates.extend(change.finish_gates.clone());
        self.hotfix_limit = change.hotfix_limit.unwrap_or(self.hotfix_limit);
        self.fetch_valid_for = change.fetch_valid_for.unwrap_or(self.fetch_valid_for);
        set(&mut self.migrations, change.migrations.as_ref());
        self.suspects.change(&change.suspects);
        self
    }
}

impl SeverityChange {
    fn apply(&self, policy: &mut SeverityPolicy) {
        let texts = [
            (&self.name, &mut policy.name),
            (&self.word, &mut policy.word),
            (&self.means, &mut policy.means),
            (&self.review, &mut policy.review),
        ];
        for (changed, text) in texts {
            if let Some(changed) = changed {
                text.clone_from(changed);
            }
        }
        let times = [
            (&self.fix_within, &mut policy.fix_within),
            (&self.tell_within, &mut policy.tell_within),
            (&self.page_within, &mut policy.page_within),
            (&self.escalate_within, &mut policy.escalate_within),
            (&self.executives_after, &mut policy.executives_after),
            (&self.review_within, &mut policy.review_within),
        ];
        for (changed, value) in times {
            if changed.is_some() {
                *value = *changed;
            }
        }
        set(&mut policy.updates, self.updates.as_ref());
        if let Some(every) = self.update_every {
            let theirs = |update: &&mut UpdatePolicy| update.audience == audience::STAKEHOLDERS;
            // A team that names one rhythm means it for the whole incident.
            match policy.updates.iter_mut().find(theirs) {
                Some(update) => (update.every, update.quiet) = (every, None),
                None => policy.updates.push(UpdatePolicy {
                    audience: audience::STAKEHOLDERS.to_owned(),
                    every,
                    quiet: None,
                }),
            }
        }
        for update in policy.updates.iter_mut().filter(|update| update.audience == audience::STAKEHOLDERS) {
            update.quiet = self.update_every_quiet.or(update.quiet);
        }
        if let Some(examples) = &self.examples {
            policy.examples.clone_from(examples);
        }
        if let Some(approvals) = &self.approvals {
            policy.approvals.clone_from(approvals);
        }
        if let Some(gates) = &self.may_pass_over {
            policy.may_pass_over.clone_from(gates);
        }
        policy.verbal_approval = self.verbal_approval.unwrap_or(policy.verbal_approval);
        policy.own_approval = self.own_approval.unwrap_or(policy.own_approval);
    }
}
