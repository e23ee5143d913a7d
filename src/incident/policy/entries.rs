//! Changes to one entry of a list of the policy, by the entry's id: what a file does not name stays.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact as friendly;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::words::Severity;
use super::{ChecklistItem, Culprit, PhasePolicy, Question, Role, RollbackStep, Suspicion};
use crate::config::types::{Concern, DeadlineText, DurationText};

/// What a team changes about one entry of a list.
pub(super) trait Change {
    /// What the list has.
    type Entry;

    /// What it is found by.
    fn id(entry: &Self::Entry) -> &str;

    /// Makes a new one; `None`: there can be no others.
    fn fresh(id: &str) -> Option<Self::Entry>;

    /// Tells whether the team has none.
    fn drops(&self) -> bool;

    /// Takes the changes in.
    fn apply(&self, entry: &mut Self::Entry);
}

/// Takes changes of entries into their list; new ones come last.
pub(super) fn change<C: Change>(list: &mut Vec<C::Entry>, changes: &BTreeMap<String, C>) {
    for (id, change) in changes {
        let at = list.iter().position(|entry| C::id(entry) == id);
        match at {
            Some(at) if change.drops() => {
                list.remove(at);
            }
            Some(at) => change.apply(&mut list[at]),
            None => list.extend(C::fresh(id).filter(|_| !change.drops()).map(|mut entry| {
                change.apply(&mut entry);
                entry
            })),
        }
    }
}

/// Puts what is given in place of what is there.
pub(super) fn set<T: Clone>(value: &mut T, given: Option<&T>) {
    if let Some(given) = given {
        value.clone_from(given);
    }
}

/// A team's changes to one role.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RoleChange {
    /// Title: `incident commander`. A role of the team's own needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Short form for the header: `IC`. Left out of a new one: its id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub short: Option<String>,
    /// Whether the team has no such role.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
}

impl Change for RoleChange {
    type Entry = Role;

    fn id(entry: &Role) -> &str {
        &entry.id
    }

    fn fresh(id: &str) -> Option<Role> {
        Some(Role { id: id.to_owned(), title: id.to_owned(), short: id.to_owned() })
    }

    fn drops(&self) -> bool {
        self.drop
    }

    fn apply(&self, role: &mut Role) {
        set(&mut role.title, self.title.as_ref());
        set(&mut role.short, self.short.as_ref());
    }
}

/// A team's changes to one item of the built-in checklist.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ItemChange {
    /// What has to be looked at. An item of the team's own needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What exactly to try.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Whether the team does not look at it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
}

impl Change for ItemChange {
    type Entry = ChecklistItem;

    fn id(entry: &ChecklistItem) -> &str {
        &entry.id
    }

    fn fresh(id: &str) -> Option<ChecklistItem> {
        Some(ChecklistItem { id: id.to_owned(), title: id.to_owned(), hint: String::new() })
    }

    fn drops(&self) -> bool {
        self.drop
    }

    fn apply(&self, item: &mut ChecklistItem) {
        set(&mut item.title, self.title.as_ref());
        set(&mut item.hint, self.hint.as_ref());
    }
}

/// A team's changes to one phase.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PhaseChange {
    /// What the team calls it: `triage`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Its time budget.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub budget: Option<SignedDuration>,
    /// When it is done, one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub done_when: Option<String>,
}

impl Change for PhaseChange {
    type Entry = PhasePolicy;

    fn id(entry: &PhasePolicy) -> &str {
        entry.phase.name()
    }

    fn fresh(_: &str) -> Option<PhasePolicy> {
        None
    }

    fn drops(&self) -> bool {
        false
    }

    fn apply(&self, phase: &mut PhasePolicy) {
        set(&mut phase.name, self.name.as_ref());
        set(&mut phase.budget, self.budget.as_ref());
        set(&mut phase.done_when, self.done_when.as_ref());
    }
}

/// A team's changes to one question of the severity tree.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct QuestionChange {
    /// The question, to be answered yes or no. One of the team's own needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ask: Option<String>,
    /// Severity if the answer is yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yes: Option<Severity>,
    /// Severity if it is no and no question follows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub no: Option<Severity>,
    /// Examples of a yes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub examples: Option<Vec<String>>,
    /// Whether the team does not ask it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
}

impl Change for QuestionChange {
    type Entry = Question;

    fn id(entry: &Question) -> &str {
        &entry.id
    }

    fn fresh(id: &str) -> Option<Question> {
        Some(Question {
            id: id.to_owned(),
            ask: String::new(),
            yes: Severity::P0,
            no: None,
            examples: Vec::new(),
        })
    }

    fn drops(&self) -> bool {
        self.drop
    }

    fn apply(&self, question: &mut Question) {
        set(&mut question.ask, self.ask.as_ref());
        set(&mut question.yes, self.yes.as_ref());
        set(&mut question.examples, self.examples.as_ref());
        question.no = self.no.or(question.no);
    }
}

/// A team's changes to one step of going back.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct StepChange {
    /// It usually takes at least this long.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DeadlineText>")]
    pub from: Option<SignedDuration>,
    /// And at most this long.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub until: Option<SignedDuration>,
    /// What it is about, one line.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<String>,
    /// Whether the team has no such step.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
}

impl Change for StepChange {
    type Entry = RollbackStep;

    fn id(entry: &RollbackStep) -> &str {
        &entry.title
    }

    fn fresh(id: &str) -> Option<RollbackStep> {
        let (from, until) = (SignedDuration::ZERO, SignedDuration::ZERO);
        Some(RollbackStep { title: id.to_owned(), from, until, about: String::new() })
    }

    fn drops(&self) -> bool {
        self.drop
    }

    fn apply(&self, step: &mut RollbackStep) {
        set(&mut step.from, self.from.as_ref());
        set(&mut step.until, self.until.as_ref());
        set(&mut step.about, self.about.as_ref());
    }
}

/// A team's changes to one of the things that usually break a service.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CulpritChange {
    /// What it is called. One of the team's own needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// What to look for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The kinds of change that look like it, as `suspects` calls them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suspicions: Option<Vec<Suspicion>>,
    /// The probes that tell of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub concerns: Option<Concern>,
    /// Whether the team does not look at it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
}

impl Change for CulpritChange {
    type Entry = Culprit;

    fn id(entry: &Culprit) -> &str {
        &entry.id
    }

    fn fresh(id: &str) -> Option<Culprit> {
        let (hint, suspicions) = (String::new(), Vec::new());
        Some(Culprit { id: id.to_owned(), title: id.to_owned(), hint, suspicions, concerns: None })
    }

    fn drops(&self) -> bool {
        self.drop
    }

    fn apply(&self, culprit: &mut Culprit) {
        set(&mut culprit.title, self.title.as_ref());
        set(&mut culprit.hint, self.hint.as_ref());
        set(&mut culprit.suspicions, self.suspicions.as_ref());
        culprit.concerns = self.concerns.or(culprit.concerns);
    }
}
