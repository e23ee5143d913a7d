//! Clocks, updates and audiences as the policy has them: what is due when, counted from what, and what
//! meets it.

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact as friendly;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::super::clocks::audience;
use super::super::words::Severity;
use super::entries::{Change, set};
use super::{Policy, SeverityPolicy};
use crate::config::types::{DeadlineText, DurationText};

/// Something that is due once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClockPolicy {
    /// Id, unique: `page`.
    pub id: String,
    /// Short title for the header: `page on-call`.
    pub title: String,
    /// The value of a severity that says within which time, where `after` does not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub figure: Option<Figure>,
    /// Within which time: `72h`; `0s`: at once.
    #[serde(default, serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DeadlineText>")]
    pub after: Option<SignedDuration>,
    /// At which severities, by rank; empty: at all that say a time.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub severities: Vec<Severity>,
    /// What it counts from.
    #[serde(default)]
    pub from: CountedFrom,
    /// Until when it runs, if it is not met; `None`: until it is resolved, or closed where it counts from that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<RunsUntil>,
    /// What meets it, whichever comes first.
    pub met_by: Vec<MetBy>,
    /// The role or audience that this is about.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub who: String,
}

/// The value of a severity that a clock takes its time from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Figure {
    /// Fix in production within.
    FixWithin,
    /// Tell stakeholders within.
    TellWithin,
    /// Page on-call within.
    PageWithin,
    /// Escalate within.
    EscalateWithin,
    /// Notify executives after.
    ExecutivesAfter,
    /// Written review within.
    ReviewWithin,
}

impl ClockPolicy {
    /// Tells whether it runs on when the incident is resolved.
    pub fn ends_closed(&self) -> bool {
        self.until.map_or(self.from == CountedFrom::Resolved, |until| until == RunsUntil::Closed)
    }
}

/// Until when a clock runs that is not met.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RunsUntil {
    /// Until it is resolved.
    Resolved,
    /// Until it is closed.
    Closed,
}

/// What a clock counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum CountedFrom {
    /// When the fault began.
    #[default]
    Began,
    /// When it was declared.
    Declared,
    /// When users were served again.
    Mitigated,
    /// When it was resolved.
    Resolved,
}

/// What meets a clock: an act on record, never a tick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum MetBy {
    /// Somebody was paged as that role, or by a name that may have it.
    Paged,
    /// That audience was told.
    Told,
    /// Somebody took that role.
    Role,
    /// The fix is in production.
    Fixed,
    /// Users are served again.
    Mitigated,
    /// It is resolved.
    Resolved,
    /// The review was held, or the incident closed without one.
    Reviewed,
}

impl MetBy {
    /// The name in the policy.
    pub fn name(self) -> &'static str {
        match self {
            Self::Paged => "paged",
            Self::Told => "told",
            Self::Role => "role",
            Self::Fixed => "fixed",
            Self::Mitigated => "mitigated",
            Self::Resolved => "resolved",
            Self::Reviewed => "reviewed",
        }
    }
}

/// How often an audience is told anew.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UpdatePolicy {
    /// Who: `stakeholders`.
    pub audience: String,
    /// How often.
    #[serde(serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub every: SignedDuration,
    /// How often while no fix is in flight (before the develop phase), where that differs.
    #[serde(default, serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub quiet: Option<SignedDuration>,
}

/// Those who are told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Audience {
    /// Id, unique: `stakeholders`.
    pub id: String,
    /// What they are called.
    pub title: String,
    /// Telling these tells that audience: `update` is `stakeholders`, told again.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub is: String,
    /// What is asked when they were told; left out: that they were.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub asked: String,
}

impl Audience {
    /// The question whether they were told.
    pub fn question(&self) -> String {
        if self.asked.is_empty() { format!("{} were told: how?", self.title) } else { self.asked.clone() }
    }
}

impl ClockPolicy {
    /// Within which time it is due at a severity; `None`: it is not asked for there.
    pub fn within(&self, policy: &Policy, severity: Severity) -> Option<SignedDuration> {
        let known = policy.known(severity);
        if !self.severities.is_empty() && !self.severities.contains(&known) {
            return None;
        }
        let demands = policy.severity(severity);
        self.after.or_else(|| self.figure.and_then(|figure| figure.of(demands)))
    }
}

impl Figure {
    fn of(self, demands: &SeverityPolicy) -> Option<SignedDuration> {
        match self {
            Self::FixWithin => demands.fix_within,
            Self::TellWithin => demands.tell_within,
            Self::PageWithin => demands.page_within,
            Self::EscalateWithin => demands.escalate_within,
            Self::ExecutivesAfter => demands.executives_after,
            Self::ReviewWithin => demands.review_within,
        }
    }
}

impl Policy {
    /// How often an audience is told anew at a severity.
    pub fn update(&self, severity: Severity, audience: &str) -> Option<&UpdatePolicy> {
        self.severity(severity).updates.iter().find(|update| update.audience == audience)
    }

    /// The audience that telling this one tells.
    pub fn told_as<'a>(&'a self, audience: &'a str) -> &'a str {
        let known = self.audiences.iter().find(|known| known.id == audience);
        let is = known.map(|known| known.is.as_str()).filter(|is| !is.is_empty());
        // It stays an update to stakeholders where a team has no audience of that name.
        let usual = if audience == audience::UPDATE { audience::STAKEHOLDERS } else { audience };
        is.unwrap_or(if known.is_some() { audience } else { usual })
    }

    /// The audience by which an update to stakeholders is recorded.
    pub fn updated(&self) -> &'static str {
        let has = self.audiences.iter().any(|known| known.id == audience::UPDATE);
        if has { audience::UPDATE } else { audience::STAKEHOLDERS }
    }

    /// What an audience is called; the id itself where the policy does not know it.
    pub fn audience_title<'a>(&'a self, audience: &'a str) -> &'a str {
        let known = self.audiences.iter().find(|known| known.id == audience);
        known.map_or(audience, |known| known.title.as_str())
    }

    /// Who they are, without what they are told: telling again, `stakeholders: an update`, is told to the same.
    pub fn audience_name<'a>(&'a self, audience: &'a str) -> &'a str {
        let title = self.audience_title(self.told_as(audience));
        title.split_once(": ").map_or(title, |(who, _)| who)
    }
}

/// A team's changes to one clock.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ClockChange {
    /// Short title for the header. A clock of the team's own needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Within which time: `72h`; `0s`: at once.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DeadlineText>")]
    pub after: Option<SignedDuration>,
    /// At which severities, by rank: `["P0"]`. Left out of a new one: at all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severities: Option<Vec<Severity>>,
    /// What it counts from: `began`, `declared`, `mitigated`, `resolved`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<CountedFrom>,
    /// Until when it runs, if it is not met: `resolved`, `closed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<RunsUntil>,
    /// What meets it: `paged`, `told`, `role`, `fixed`, `mitigated`, `resolved`, `reviewed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub met_by: Option<Vec<MetBy>>,
    /// The role or audience that this is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub who: Option<String>,
    /// Whether the team has no such clock.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
}

impl Change for ClockChange {
    type Entry = ClockPolicy;

    fn id(entry: &ClockPolicy) -> &str {
        &entry.id
    }

    fn fresh(id: &str) -> Option<ClockPolicy> {
        Some(ClockPolicy {
            id: id.to_owned(),
            title: id.to_owned(),
            figure: None,
            after: None,
            severities: Vec::new(),
            from: CountedFrom::Began,
            until: None,
            met_by: Vec::new(),
            who: String::new(),
        })
    }

    fn drops(&self) -> bool {
        self.drop
    }

    fn apply(&self, clock: &mut ClockPolicy) {
        set(&mut clock.title, self.title.as_ref());
        set(&mut clock.severities, self.severities.as_ref());
        set(&mut clock.from, self.from.as_ref());
        set(&mut clock.met_by, self.met_by.as_ref());
        set(&mut clock.who, self.who.as_ref());
        clock.after = self.after.or(clock.after);
        clock.until = self.until.or(clock.until);
    }
}

/// A team's changes to one audience.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct AudienceChange {
    /// What they are called. An audience of the team's own needs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Telling these tells that audience.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<String>,
    /// What is asked when they were told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<String>,
    /// Whether there are none.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub drop: bool,
}

impl Change for AudienceChange {
    type Entry = Audience;

    fn id(entry: &Audience) -> &str {
        &entry.id
    }

    fn fresh(id: &str) -> Option<Audience> {
        let (is, asked) = (String::new(), String::new());
        Some(Audience { id: id.to_owned(), title: id.to_owned(), is, asked })
    }

    fn drops(&self) -> bool {
        self.drop
    }

    fn apply(&self, audience: &mut Audience) {
        set(&mut audience.title, self.title.as_ref());
        set(&mut audience.is, self.is.as_ref());
        set(&mut audience.asked, self.asked.as_ref());
    }
}
