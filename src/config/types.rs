//! `flightdeck.toml` as typed values. Every field has a doc comment: they are the
//! descriptions in the JSON schema and the comments that `init` writes.

use std::borrow::Cow;
use std::collections::BTreeMap;

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact as friendly;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::incident::{ChecklistItem, PolicyChange};

/// What `flightdeck.toml` at the root of a repository says about its service.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// The service.
    pub service: Service,
    /// The hotfix branch.
    pub hotfix: Hotfix,
    /// Commands that check the code: tests, linters, security scans. Keyed by order.
    pub checks: Vec<Check>,
    /// Where the service runs, in the order a release goes through.
    pub environments: Vec<Environment>,
    /// What is asked, again and again, to know how the service is doing.
    pub probes: Vec<Probe>,
    /// The manual checklist. Empty: the built-in eight items.
    pub checklist: Vec<ChecklistItem>,
    /// Changes to the built-in policy.
    pub policy: PolicyChange,
}

/// The service this repository holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Service {
    /// Name shown in the header. Empty: the name of the repository's directory.
    pub name: String,
}

/// How hotfix branches are named and what they start from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Hotfix {
    /// The development model.
    pub flow: Flow,
    /// The branch that is in production. Empty: found out (`main`, `master`, the remote's default).
    pub base: String,
    /// Prefix of hotfix branches.
    pub prefix: String,
}

impl Default for Hotfix {
    fn default() -> Self {
        Self { flow: Flow::default(), base: String::new(), prefix: "hotfix/".to_owned() }
    }
}

/// A development model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, JsonSchema)]
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

/// A command that checks the code.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Check {
    /// Name, unique among the checks: `unit`.
    pub name: String,
    /// Program and arguments, run at the root of the repository. No shell.
    pub command: Vec<String>,
    /// After this long it is stopped: `15m`.
    #[serde(default = "default_check_timeout", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub timeout: SignedDuration,
    /// Names of environment variables it gets besides PATH, HOME and the like.
    #[serde(default)]
    pub env: Vec<String>,
}

/// A place where the service runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Environment {
    /// Name, unique among the environments: `staging`.
    pub name: String,
    /// Program and arguments that deploy. `{ref}` stands for what was asked for (a branch or
    /// tag), `{commit}` for the commit it is, `{env}` for the environment's name. No shell.
    pub deploy: Vec<String>,
    /// Program and arguments of the smoke test; same words in braces. Empty: there is none.
    #[serde(default)]
    pub smoke: Vec<String>,
    /// A command that prints what is deployed now, to find out after a crash whether a deploy
    /// is done. Empty: nobody can tell.
    #[serde(default)]
    pub proof: Vec<String>,
    /// What the first line of the proof's output is once the deploy is done.
    #[serde(default = "default_expect")]
    pub expect: String,
    /// Whether its name has to be typed before anything changes there.
    #[serde(default)]
    pub protected: bool,
    /// After this long a deploy is stopped: `30m`.
    #[serde(default = "default_deploy_timeout", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub timeout: SignedDuration,
    /// Names of environment variables the commands get besides PATH, HOME and the like.
    #[serde(default)]
    pub env: Vec<String>,
}

/// Something asked again and again. Exactly one of `url` and `command` is given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Probe {
    /// Name, unique among the probes: `api /health`.
    pub name: String,
    /// `http://` or `https://` address to GET.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// Program and arguments; what it prints is the body. No shell.
    #[serde(default)]
    pub command: Option<Vec<String>>,
    /// Further request headers. They are sent to this host only, not where it redirects to.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Names of environment variables the command gets besides PATH, HOME and the like.
    #[serde(default)]
    pub env: Vec<String>,
    /// The environment it watches; empty: the service as a whole.
    #[serde(default)]
    pub environment: String,
    /// How often, on a fixed schedule: `10s`.
    #[serde(default = "default_interval", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub interval: SignedDuration,
    /// After this long there is no answer: `5s`. Shorter than the interval.
    #[serde(default = "default_probe_timeout", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub timeout: SignedDuration,
    /// Conditions that must all hold: `status == 200`, `latency < 800ms`,
    /// `body.status == "ok"`, `exit == 0`. Default: status 200 to 299, or exit code 0.
    #[serde(default)]
    pub expect: Vec<String>,
    /// What is drawn: `latency`, or a number in a JSON body: `body.checks.errors.rate`. Default:
    /// the latency.
    #[serde(default)]
    pub value: Option<String>,
    /// Unit shown behind the value: `%`, `ms`.
    #[serde(default)]
    pub unit: String,
    /// Limit of the value that makes it a warning: `> 1`. A latency's is in ms, or `> 1.5s`.
    #[serde(default)]
    pub warn: Option<String>,
    /// Limit of the value that makes it fail: `> 5`.
    #[serde(default)]
    pub fail: Option<String>,
    /// How many samples in a row change its state.
    #[serde(default = "default_confirm")]
    #[schemars(range(min = 1, max = 100))]
    pub confirm: u32,
}

/// Stands for a duration in the JSON schema: a text such as `90s`, `15m` or `1h 30m`.
pub struct DurationText;

impl DurationText {
    /// The schema's `format` of a duration. Editors that do not know it ignore it.
    pub const FORMAT: &str = "friendly-duration";
}

impl JsonSchema for DurationText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": Self::FORMAT, "examples": ["90s", "15m", "1h 30m"] })
    }
}

/// Stands for a deadline in the JSON schema: a duration that may be `0s`, at once.
pub struct DeadlineText;

impl DeadlineText {
    /// The schema's `format` of a deadline.
    pub const FORMAT: &str = "friendly-deadline";
}

impl JsonSchema for DeadlineText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Deadline".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": Self::FORMAT, "examples": ["0s", "30m", "24h"] })
    }
}

fn default_check_timeout() -> SignedDuration {
    SignedDuration::from_mins(15)
}

fn default_deploy_timeout() -> SignedDuration {
    SignedDuration::from_mins(30)
}

pub(super) fn default_interval() -> SignedDuration {
    SignedDuration::from_secs(10)
}

pub(super) fn default_probe_timeout() -> SignedDuration {
    SignedDuration::from_secs(5)
}

fn default_confirm() -> u32 {
    2
}

fn default_expect() -> String {
    "{commit}".to_owned()
}
