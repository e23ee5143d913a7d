//! How a team makes hotfixes.

use std::collections::BTreeSet;

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact as friendly;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DurationText;

/// How hotfix branches are named, what they start from, and where they go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hotfix {
    /// The development model. Left out: git flow where the remote has `develop` or `git flow init` left
    /// its settings, else GitHub flow.
    pub flow: Flow,
    /// The branch that is in production. Empty: found out (`main`, `master`, the remote's default).
    pub base: String,
    /// Prefix of hotfix branches. Left out: what `git flow` was told.
    pub prefix: String,
    /// The remote. Empty: `origin`, or the only one.
    pub remote: String,
    /// In git flow: the branch of the next release.
    pub develop: String,
    /// In git flow: prefix of release branches. A fix goes into open ones, too.
    pub release_prefix: String,
    /// What the tag of a version begins with. Left out: what `git flow` was told, else what most of
    /// the newest tags begin with.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag_prefix: Option<String>,
    /// How long a push may still show at the remote after the connection was lost: `2m`. The hooks
    /// there work on; until then “not there” does not count as not done. It is given 10 s at least.
    #[serde(serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub proof_within: SignedDuration,
    /// Files that hold the version, besides those that are recognised.
    pub versions: Vec<VersionFile>,
    /// How pull requests are opened.
    pub pull: PullConfig,
    /// Where the development model comes from.
    #[serde(skip)]
    pub flow_from: FlowFrom,
    /// The keys that the file has. What is not among them may be found out.
    #[serde(skip)]
    pub written: BTreeSet<String>,
}

impl Hotfix {
    /// The development model and why it is that: `git flow: origin has develop`.
    pub fn flow_line(&self) -> String {
        format!("{}: {}", self.flow.title(), self.flow_from)
    }

    /// The same for a branch that is still to be made: what was chosen for the current one says nothing
    /// about it.
    #[must_use]
    pub fn for_a_new_branch(&self) -> Self {
        match &self.flow_from {
            FlowFrom::Start(otherwise) => {
                let (flow, flow_from) = (**otherwise).clone();
                Self { flow, flow_from, ..self.clone() }
            }
            _ => self.clone(),
        }
    }

    /// The same with a flow that somebody asks for; `None`: nobody does.
    #[must_use]
    pub fn asked_for(self, flow: Option<Flow>) -> Self {
        match flow {
            Some(flow) => Self { flow, flow_from: FlowFrom::Asked, ..self },
            None => self,
        }
    }
}

impl Default for Hotfix {
    fn default() -> Self {
        Self {
            flow: Flow::default(),
            base: String::new(),
            prefix: "hotfix/".to_owned(),
            remote: String::new(),
            develop: "develop".to_owned(),
            release_prefix: "release/".to_owned(),
            tag_prefix: None,
            proof_within: SignedDuration::from_mins(2),
            versions: Vec::new(),
            pull: PullConfig::default(),
            flow_from: FlowFrom::default(),
            written: BTreeSet::new(),
        }
    }
}

/// The git setting of a branch that keeps the flow it was started with:
/// `branch.hotfix/pool-limit.flightdeckFlow`. On a branch that stays the ids of the incidents follow that
/// were open then, a space before each: it holds as long as one of them is.
pub const FLOW_SETTING: &str = "flightdeckFlow";

/// Where the development model comes from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum FlowFrom {
    /// Nothing tells: it is the usual one.
    #[default]
    Usual,
    /// `flow` in `flightdeck.toml`.
    File,
    /// The settings that `git flow init` leaves in a repository.
    GitFlowSettings,
    /// A branch that only git flow has, and where it is: `origin has develop`.
    Branch(String),
    /// It was chosen when the current branch was started. With what it would be otherwise.
    Start(Box<(Flow, FlowFrom)>),
    /// Somebody asks for it now.
    Asked,
}

impl std::fmt::Display for FlowFrom {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Usual => "the default",
            Self::File => "from flightdeck.toml",
            Self::GitFlowSettings => "gitflow.* in the git settings here",
            Self::Branch(which) => which,
            Self::Start(_) => "chosen at hotfix start",
            Self::Asked => "asked for with --flow",
        })
    }
}

/// A file that holds the version.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VersionFile {
    /// Its path from the root of the repository.
    pub path: String,
    /// A regular expression whose one group is the version, wherever it matches: `^` and `$` stand
    /// for the ends of a line. Empty: the file is one of a kind that is recognised by its name.
    #[serde(default)]
    pub pattern: String,
    /// It holds something else, and is left alone though its name is one that is recognised.
    #[serde(default)]
    pub ignore: bool,
}

/// How pull requests (at GitLab: merge requests) are opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct PullConfig {
    /// What kind of place keeps them. Left out: found out by the address of the remote.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub forge: Option<Forge>,
    /// Base address of its API: `https://git.example.com/api/v3`. Empty: that of github.com or
    /// gitlab.com, or of the remote's host.
    pub api: String,
    /// The repository there: `shop/payments-api`. Empty: that of the remote.
    pub repository: String,
    /// What its title begins with.
    pub title_prefix: String,
    /// Labels it gets.
    pub labels: Vec<String>,
    /// Who is asked to review it: user names.
    pub reviewers: Vec<String>,
}

impl Default for PullConfig {
    fn default() -> Self {
        Self {
            forge: None,
            api: String::new(),
            repository: String::new(),
            title_prefix: "HOTFIX: ".to_owned(),
            labels: vec!["hotfix".to_owned()],
            reviewers: Vec::new(),
        }
    }
}

/// A kind of place that keeps pull requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Forge {
    /// GitHub, and GitHub Enterprise.
    Github,
    /// GitLab, there or on a server of one's own.
    Gitlab,
}

/// A development model.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, Default, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Flow {
    /// `main` and `develop`, merged with `--no-ff`.
    GitFlow,
    /// Pull requests into `main`.
    #[default]
    GithubFlow,
    /// Commits straight on `main`.
    Trunk,
}

impl Flow {
    /// The name in configuration and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::GitFlow => "git-flow",
            Self::GithubFlow => "github-flow",
            Self::Trunk => "trunk",
        }
    }

    /// The name in sentences and titles.
    pub fn title(self) -> &'static str {
        match self {
            Self::GitFlow => "git flow",
            Self::GithubFlow => "GitHub flow",
            Self::Trunk => "trunk",
        }
    }

    /// Reads a name as it stands in configuration and JSON.
    pub fn parse(name: &str) -> Option<Self> {
        [Self::GitFlow, Self::GithubFlow, Self::Trunk].into_iter().find(|flow| flow.name() == name)
    }
}
