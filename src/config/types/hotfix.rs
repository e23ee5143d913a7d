//! How a team makes hotfixes.

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact as friendly;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DurationText;

/// How hotfix branches are named, what they start from, and where they go.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hotfix {
    /// The development model.
    pub flow: Flow,
    /// The branch that is in production. Empty: found out (`main`, `master`, the remote's default).
    pub base: String,
    /// Prefix of hotfix branches.
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
        }
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
}
