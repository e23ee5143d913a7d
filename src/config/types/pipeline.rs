//! Deploys that a pipeline elsewhere carries out.

use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact as friendly;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::DurationText;

/// What runs a pipeline.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PipelineKind {
    /// A workflow of GitHub Actions.
    GithubActions,
    /// A pipeline of GitLab CI/CD.
    Gitlab,
    /// Commands of this team's own: `start`, `status`, `logs` and `cancel`.
    Command,
}

/// What brings a pipeline about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum PipelineOn {
    /// The deploy starts it.
    #[default]
    Start,
    /// A push of the commit starts it; the deploy finds it and follows it.
    Push,
}

/// A pipeline that deploys, in place of a `deploy` command. It is started or found, and followed to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// What runs it: `github-actions`, `gitlab` or `command`.
    pub kind: PipelineKind,
    /// What brings it about: `start` (the deploy starts it) or `push` (a push of the commit does).
    #[serde(default, skip_serializing_if = "is_start")]
    pub on: PipelineOn,
    /// File name of the workflow at GitHub: `deploy.yml`.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub workflow: String,
    /// The branch or tag that it runs on. `{ref}`, what is deployed, where it is left out. With another one the
    /// commit has to be among the inputs. With `on = "push"`: the branch whose push deploys; the branch in production
    /// where it is left out.
    #[serde(default, rename = "ref", skip_serializing_if = "String::is_empty")]
    pub reference: String,
    /// Its inputs, or variables; `{ref}`, `{commit}` and `{env}` as in commands.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub inputs: BTreeMap<String, String>,
    /// After this long it is cancelled: `45m`. Left out: the `timeout` of the environment.
    #[serde(default, serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DurationText>")]
    pub timeout: Option<SignedDuration>,
    /// How long to look for what a push starts: `2m`.
    #[serde(default = "default_within", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub within: SignedDuration,
    /// How often its host is asked while it moves: `5s`, at least `1s`. While it does not move it is asked less often.
    #[serde(default = "default_interval", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub interval: SignedDuration,
    /// Name of the secret with the token. Empty: the one that pull requests are made with.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub token: String,
    /// Name of the secret with a trigger token of GitLab. Empty: the token of the API starts it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub trigger: String,
    /// Name of the environment whose deployments the code host lists: they tell what was released here before, as
    /// `history` does. Empty: they are not read.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub deployments: String,
    /// Base address of the API. Empty: that of pull requests.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub api: String,
    /// The repository it runs in: `shop/deploys`. Empty: this one.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub repository: String,
    /// Program and arguments that start it and print its id, or the JSON that `status` prints. No shell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub start: Vec<String>,
    /// Program and arguments that print how it stands: `{"id":"42","state":"running","url":"…","commit":"…"}`. `{id}`
    /// stands for its id; where `on` is `push` it is asked for the commit first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<String>,
    /// Program and arguments that print its output; `{id}` as above. Empty: nobody can tell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub logs: Vec<String>,
    /// Program and arguments that cancel it; `{id}` as above. Empty: it cannot be cancelled from here.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub cancel: Vec<String>,
}

impl Pipeline {
    /// Tells whether it is told the commit as an input.
    pub fn takes_commit(&self) -> bool {
        self.inputs.values().any(|value| value.contains("{commit}"))
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_start(on: &PipelineOn) -> bool {
    *on == PipelineOn::Start
}

fn default_within() -> SignedDuration {
    SignedDuration::from_mins(2)
}

fn default_interval() -> SignedDuration {
    SignedDuration::from_secs(5)
}
