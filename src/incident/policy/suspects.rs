//! How suspects are weighed: every figure as data, with a team's changes on top.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact as friendly;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::entries::set;
use crate::config::types::{DeadlineText, DurationText};

/// How changes since the last good release are weighed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SuspectPolicy {
    /// Most changes that are looked at, newest first.
    pub most: usize,
    /// A merge that brought more commits than this is opened: they are suspects of their own.
    pub open_above: usize,
    /// The begin of an incident is known no better than this.
    pub grace: SignedDuration,
    /// What more than so many per cent of the changes have in common tells them apart no more.
    pub common_percent: usize,
    /// A fix to the same files counts as one within this time.
    pub fixed_within: SignedDuration,
    /// What each reason counts.
    pub weights: BTreeMap<Suspicion, i32>,
    /// What live or merged shortly before the begin counts, nearest first.
    pub onset: Vec<OnsetWeight>,
    /// What the size of a change counts, largest first.
    pub sizes: Vec<SizeWeight>,
    /// What paths tell: folders that end in `/`, and names of files with `*`.
    pub paths: BTreeMap<PathKind, Vec<String>>,
    /// Words in changed lines that tell of a limit.
    pub limit_words: Vec<String>,
    /// First words of the subject of a fix.
    pub fix_words: Vec<String>,
    /// Words that say nothing about where a fault is.
    pub stop_words: Vec<String>,
}

/// What being live or merged within a time before the begin counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OnsetWeight {
    /// Within this time before it.
    #[serde(serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub within: SignedDuration,
    /// Counts so much.
    pub weight: i32,
}

/// What the size of a change counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SizeWeight {
    /// From so many lines added and taken away.
    pub lines: usize,
    /// Counts so much.
    pub weight: i32,
}

/// A reason to look at a change first, or to leave it for later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Suspicion {
    /// It touches a file that the failure names, or one named like what fails.
    FailingPath,
    /// Its changed lines speak of what fails.
    FailingLines,
    /// It went live shortly before it began.
    Onset,
    /// It came after it began.
    After,
    /// It changes the database schema.
    Schema,
    /// It changes configuration or infrastructure.
    Config,
    /// It changes what an API promises.
    Api,
    /// It changes a library or its version.
    Dependencies,
    /// It changes a limit: memory, connections, a timeout.
    Limits,
    /// It touches what the hotfix branch touches.
    Hotfix,
    /// It brings back what was taken back before.
    Again,
    /// It had to be fixed soon after.
    FixedAgain,
    /// It takes something back.
    Undoes,
    /// It was taken back since.
    Undone,
    /// It is large.
    Size,
    /// It touches nothing that runs.
    Harmless,
    /// A flag was turned.
    Flag,
    /// Something was deployed.
    Deploy,
}

impl Suspicion {
    /// The name in JSON and in the policy.
    pub fn name(self) -> &'static str {
        match self {
            Self::FailingPath => "failing-path",
            Self::FailingLines => "failing-lines",
            Self::Onset => "onset",
            Self::After => "after",
            Self::Schema => "schema",
            Self::Config => "config",
            Self::Api => "api",
            Self::Dependencies => "dependencies",
            Self::Limits => "limits",
            Self::Hotfix => "hotfix",
            Self::Again => "again",
            Self::FixedAgain => "fixed-again",
            Self::Undoes => "undoes",
            Self::Undone => "undone",
            Self::Size => "size",
            Self::Harmless => "harmless",
            Self::Flag => "flag",
            Self::Deploy => "deploy",
        }
    }
}

/// What a path is that tells something by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PathKind {
    /// Libraries and their versions.
    Dependencies,
    /// What an API promises.
    Api,
    /// Configuration and infrastructure.
    Config,
    /// Tests and documents.
    Harmless,
}

/// A team's changes to how suspects are weighed, under `[policy.suspects]`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SuspectsChange {
    /// What a reason counts, in place of the usual: `{ schema = 40 }`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub weights: BTreeMap<Suspicion, i32>,
    /// Paths of a kind in place of the usual ones: `{ config = ["ops/", "*.tf"] }`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub paths: BTreeMap<PathKind, Vec<String>>,
    /// Most changes that are looked at, newest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub most: Option<usize>,
    /// A merge that brought more commits than this is opened.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_above: Option<usize>,
    /// The begin of an incident is known no better than this.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DeadlineText>")]
    pub grace: Option<SignedDuration>,
    /// What more than so many per cent of the changes have in common tells them apart no more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub common_percent: Option<usize>,
    /// A fix to the same files counts as one within this time.
    #[serde(serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub fixed_within: Option<SignedDuration>,
    /// What being live or merged shortly before the begin counts, nearest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub onset: Option<Vec<OnsetWeight>>,
    /// What the size of a change counts, largest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sizes: Option<Vec<SizeWeight>>,
    /// Words in changed lines that tell of a limit, in place of the usual ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_words: Option<Vec<String>>,
    /// First words of the subject of a fix, in place of the usual ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix_words: Option<Vec<String>>,
    /// More words that say nothing about where a fault is: the name of the service.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop_words: Vec<String>,
}

impl SuspectPolicy {
    /// What a reason counts; 0 where nothing is said of it.
    pub fn weight(&self, reason: Suspicion) -> i32 {
        self.weights.get(&reason).copied().unwrap_or_default()
    }

    /// The paths of a kind.
    pub fn paths(&self, kind: PathKind) -> &[String] {
        self.paths.get(&kind).map_or(&[], Vec::as_slice)
    }

    /// Takes a team's changes in.
    pub(super) fn change(&mut self, change: &SuspectsChange) {
        self.weights.extend(&change.weights);
        self.paths.extend(change.paths.clone());
        set(&mut self.most, change.most.as_ref());
        set(&mut self.open_above, change.open_above.as_ref());
        set(&mut self.grace, change.grace.as_ref());
        set(&mut self.common_percent, change.common_percent.as_ref());
        set(&mut self.fixed_within, change.fixed_within.as_ref());
        set(&mut self.onset, change.onset.as_ref());
        set(&mut self.sizes, change.sizes.as_ref());
        set(&mut self.limit_words, change.limit_words.as_ref());
        set(&mut self.fix_words, change.fix_words.as_ref());
        for word in &change.stop_words {
            if !self.stop_words.contains(word) {
                self.stop_words.push(word.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::{Policy, PolicyChange};

    #[test]
    fn every_reason_that_is_no_table_has_a_weight_and_every_kind_has_paths() {
        let suspects = Policy::built_in().suspects;
        let value = serde_json::to_value(&suspects).unwrap();
        let weights = value["weights"].as_object().unwrap();
        assert_eq!(weights.len(), 16, "all but those with tables of their own: {weights:?}");
        assert_eq!(suspects.paths.len(), 4);
        assert!(suspects.onset.is_sorted_by_key(|step| step.within));
        assert!(suspects.sizes.iter().rev().is_sorted_by_key(|step| step.lines));
        for reason in suspects.weights.keys() {
            assert_eq!(serde_json::to_value(reason).unwrap(), reason.name());
        }
    }

    #[test]
    fn a_team_changes_what_it_names_and_nothing_unknown() {
        let change: PolicyChange =
            toml::from_str("[suspects.weights]\nschema = 40\n[suspects.paths]\nconfig = [\"ops/\"]").unwrap();
        let (usual, changed) = (Policy::built_in().suspects, Policy::built_in().with(&change).suspects);
        assert_eq!(changed.weight(Suspicion::Schema), 40);
        assert_eq!(changed.weight(Suspicion::Api), usual.weight(Suspicion::Api));
        assert_eq!(changed.paths(PathKind::Config), ["ops/"]);
        assert_eq!(changed.paths(PathKind::Api), usual.paths(PathKind::Api));
        assert!(toml::from_str::<PolicyChange>("[suspects.weights]\nschemas = 40").is_err());
    }
}
