//! `flightdeck.toml` as typed values. Every field has a doc comment: they are the
//! descriptions in the JSON schema and the comments that `init` writes.

use std::borrow::Cow;

use jiff::SignedDuration;
use jiff::fmt::serde::duration::friendly::compact as friendly;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::incident::{ChecklistItem, PolicyChange};

mod action;
mod channel;
mod flag;
mod hotfix;
mod person;
mod pipeline;
mod present;
mod probe;
mod report;
mod runbook;
mod share;
mod version;

pub use action::{Action, ActionScope, Reaches};
pub use channel::{Channel, ChannelKind, ComponentState, MailTls, Mailbox, Messages, To};
pub use flag::{Flag, FlagCall, FlagKind, FlagRequest, FlagRequests, SETTING_METHODS, not_an_address};
pub use hotfix::{FLOW_SETTING, Flow, FlowFrom, Forge, Hotfix, PullConfig, VersionFile};
pub use person::Person;
pub use pipeline::{Pipeline, PipelineKind, PipelineOn};
pub use present::Present;
pub(in crate::config) use probe::is_status_page;
pub use probe::{
    Alerts, Concern, Datadog, Gauge, HERE, Keys, Point, Probe, Query, Reduce, Source, SourceKind, Sql,
    THIRD_PARTY, Tls, Unfit,
};
pub use report::DeploymentReport;
pub use runbook::Runbooks;
pub use share::Share;
pub use version::{VersionKind, version_pattern};

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
    /// Feature flags that can be turned off and on.
    pub flags: Vec<Flag>,
    /// Commands of this team's own, each with a key if it has one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Action>,
    /// Where runbooks are.
    pub runbooks: Runbooks,
    /// Where messages are sent.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub channels: Vec<Channel>,
    /// Templates of messages.
    pub messages: Messages,
    /// Sharing an incident with other machines.
    pub share: Share,
    /// Presenter mode.
    #[serde(skip_serializing_if = "Present::is_empty")]
    pub present: Present,
    /// Secrets by name, and where their values come from. Values never stand in this file.
    pub secrets: Vec<Secret>,
    /// Times in which nothing is deployed.
    pub freezes: Vec<Freeze>,
    /// Who may be needed, and how to reach them. Names complete from here.
    pub people: Vec<Person>,
    /// The manual checklist. Empty: the built-in eight items.
    pub checklist: Vec<ChecklistItem>,
    /// Changes to the built-in policy.
    pub policy: PolicyChange,
    /// SHA-256 of the bytes this was read from; empty: there is no file.
    #[serde(skip)]
    pub content: String,
}

impl Config {
    /// Finds the environment users are served from: the first protected one, else the last.
    pub fn production(&self) -> Option<&Environment> {
        self.environments.iter().find(|env| env.protected).or_else(|| self.environments.last())
    }

    /// Tells whether a probe judges the canaries of production and nothing else.
    pub fn is_for_canaries(&self, probe: &str) -> bool {
        let Some(env) = self.production() else { return false };
        let names = |list: &[String]| list.iter().any(|name| name == probe);
        let aborts = env.canary.as_ref().is_some_and(|canary| names(&canary.abort));
        aborts && !env.watched.is_empty() && !names(&env.watched)
    }

    /// Lists the audiences and roles that a channel reaches, by id.
    pub fn reached(&self) -> Vec<String> {
        self.channels.iter().flat_map(|channel| channel.audiences.iter().cloned()).collect()
    }

    /// Lists the names of the probes that tell of something besides this service.
    pub fn concerned(&self, concern: Concern) -> impl Iterator<Item = &str> {
        let about = self.probes.iter().filter(move |probe| probe.concern() == Some(concern));
        about.map(|probe| probe.name.as_str())
    }

    /// Tells whether a probe of this environment watches production, as one of none does. Where no
    /// environment is configured all do, but what tells of this machine or of somebody else's service.
    pub fn watches_production(&self, environment: &str) -> bool {
        if [HERE, THIRD_PARTY].contains(&environment) {
            return false;
        }
        environment.is_empty() || self.production().is_none_or(|production| production.name == environment)
    }
}

/// The service this repository holds.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Service {
    /// Name shown in the header. Empty: the name of the repository's directory.
    pub name: String,
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
    /// tag), `{commit}` for the commit it is, `{env}` for the environment's name. No shell. Of a
    /// canary it brings the new version beside the old; blue-green has a command of its own.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub deploy: Vec<String>,
    /// Program and arguments of the smoke test; same words in braces. Empty: there is none.
    #[serde(default)]
    pub smoke: Vec<String>,
    /// A command that prints the deployed version. After a crash it tells whether the deploy is done; for a
    /// canary, the version of the canary. Empty: unknown.
    #[serde(default)]
    pub proof: Vec<String>,
    /// What the first line of the proof's output is once the deploy is done.
    #[serde(default = "default_expect")]
    pub expect: String,
    /// Ask for its name before changing anything there. With probes, deploys are watched.
    #[serde(default)]
    pub protected: bool,
    /// How long the deploy should take to show after its command ended: `1m`. The proof is asked
    /// again until then. After that the plan says that it is still going and somebody may decide;
    /// it goes on asking, and counts as not done once `timeout` is over, too.
    #[serde(default = "default_proof_within", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub proof_within: SignedDuration,
    /// Gates that have to be met before a deploy: `checks`, `checklist`, `approvals`,
    /// `rollback`, `staging`, `freeze`. Default: those of the policy where it is protected, else
    /// none.
    #[serde(default)]
    pub gates: Option<Vec<String>>,
    /// How long a release is watched before it counts as good: `30m`. Left out: for the policy's
    /// `immediate_watch` where it is protected and has probes, else not. `0s`: not at all.
    #[serde(default, serialize_with = "friendly::optional", skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<DeadlineText>")]
    pub watch: Option<SignedDuration>,
    /// How long probes may still fail at the beginning of a watch, while a deploy takes effect.
    #[serde(default = "default_settle", serialize_with = "friendly::required")]
    #[schemars(with = "DeadlineText")]
    pub settle: SignedDuration,
    /// Names of the probes that are watched. Empty: those of this environment.
    #[serde(default)]
    pub watched: Vec<String>,
    /// A command that lists what was released here before, newest last, a JSON object a line:
    /// `{"commit":"…","tag":"v1.2.2","at":"2026-11-20T09:00:00Z","verdict":"passed"}`. For teams
    /// that also deploy by other means.
    #[serde(default)]
    pub history: Vec<String>,
    /// Deploys a small share first, and widens it while health holds.
    #[serde(default)]
    pub canary: Option<Canary>,
    /// Deploys beside what is live, and switches over.
    #[serde(default)]
    pub blue_green: Option<BlueGreen>,
    /// A pipeline that deploys, in place of `deploy`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<Pipeline>,
    /// Where its deploys are reported. Left out: nowhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<DeploymentReport>,
    /// Further ways back besides redeploying and reverting, best first.
    #[serde(default)]
    pub rollbacks: Vec<Rollback>,
    /// What keeps this environment as it is described elsewhere, and would undo a rollback made
    /// by hand: `argocd`, `flux`. Empty: nothing does.
    #[serde(default)]
    pub gitops: String,
    /// After this long a deploy is stopped: `30m`.
    #[serde(default = "default_deploy_timeout", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub timeout: SignedDuration,
    /// Names of environment variables the commands get besides PATH, HOME and the like.
    #[serde(default)]
    pub env: Vec<String>,
}

impl Environment {
    /// Tells whether it can be asked what was released there before.
    pub fn tells_history(&self) -> bool {
        !self.history.is_empty() || self.pipeline.as_ref().is_some_and(|one| !one.deployments.is_empty())
    }

    /// An environment with a deploy command and all else as it is when left out.
    pub fn new(name: &str, deploy: Vec<String>) -> Self {
        Self {
            name: name.to_owned(),
            deploy,
            smoke: Vec::new(),
            proof: Vec::new(),
            expect: default_expect(),
            protected: false,
            proof_within: default_proof_within(),
            gates: None,
            watch: None,
            settle: default_settle(),
            watched: Vec::new(),
            history: Vec::new(),
            canary: None,
            blue_green: None,
            pipeline: None,
            report: None,
            rollbacks: Vec::new(),
            gitops: String::new(),
            timeout: default_deploy_timeout(),
            env: Vec::new(),
        }
    }
}

/// A small share first, then more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Canary {
    /// The shares of traffic, in percent, each larger than the one before; the last is 100.
    #[schemars(inner(range(min = 1, max = 100)))]
    pub weights: Vec<u8>,
    /// Program and arguments that set a share: `{weight}` stands for it. No shell.
    pub set: Vec<String>,
    /// A command that prints the share in force now. Empty: nobody can tell.
    #[serde(default)]
    pub weight: Vec<String>,
    /// How long each share is looked at before the next.
    #[serde(default = "default_look", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub look: SignedDuration,
    /// Names of the probes that abort it when they fail. Empty: those watched in this
    /// environment.
    #[serde(default)]
    pub abort: Vec<String>,
    /// Whether a person lets it go on from share to share, even where all is well.
    #[serde(default)]
    pub ask: bool,
    /// Program and arguments that end it once all of it held, to bring the release to where the
    /// old version was and take the share back. Empty: the next deploy sees to that.
    #[serde(default)]
    pub finish: Vec<String>,
    /// How long it waits for that person: `4h`. Then the plan stops, with the share as it is.
    #[serde(default = "default_patience", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub patience: SignedDuration,
}

/// Beside what is live, then a switch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BlueGreen {
    /// The names of the two sides.
    #[serde(default = "default_sides")]
    pub sides: [String; 2],
    /// A command that prints which side is live now.
    pub live: Vec<String>,
    /// Program and arguments that deploy to the idle side, `{side}`.
    pub deploy: Vec<String>,
    /// Program and arguments that check the idle side before the switch. Empty: not checked.
    #[serde(default)]
    pub check: Vec<String>,
    /// Program and arguments that make a side live, `{side}`.
    pub switch: Vec<String>,
    /// A command that prints what is deployed on a side, `{side}`. Empty: nobody can tell.
    #[serde(default)]
    pub version: Vec<String>,
}

/// A way back of this team's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Rollback {
    /// Name, unique in its environment: `rollout-undo`.
    pub name: String,
    /// Program and arguments. No shell.
    pub command: Vec<String>,
    /// A command that prints what it would go back to; it has to exit with 0. Empty: not known.
    #[serde(default)]
    pub target: Vec<String>,
    /// A command that prints what is there afterwards, to find out whether it is done. Empty:
    /// nobody can tell.
    #[serde(default)]
    pub proof: Vec<String>,
    /// What the first line of the proof's output is then; `{target}` stands for the first line of
    /// what `target` printed.
    #[serde(default = "default_rollback_expect")]
    pub expect: String,
    /// After this long it is stopped: `15m`.
    #[serde(default = "default_check_timeout", serialize_with = "friendly::required")]
    #[schemars(with = "DurationText")]
    pub timeout: SignedDuration,
}

/// A secret, by name. At most one of `env`, `file` and `command`; with none of them it is the
/// environment variable of its own name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Secret {
    /// Name: `DEPLOY_TOKEN`. Commands that list it in `env` get it in the variable of this name.
    pub name: String,
    /// An environment variable that holds it.
    #[serde(default)]
    pub env: Option<String>,
    /// A file that holds it; relative to the root of the repository, `~/` is the home directory.
    #[serde(default)]
    pub file: Option<String>,
    /// A command that prints it. No shell.
    #[serde(default)]
    pub command: Option<Vec<String>>,
}

/// A time in which nothing is deployed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Freeze {
    /// From this time on: `2026-12-24T00:00:00Z`.
    pub from: String,
    /// Until this time.
    pub until: String,
    /// Why: `year-end closing`.
    #[serde(default)]
    pub why: String,
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

fn default_proof_within() -> SignedDuration {
    SignedDuration::from_mins(1)
}

fn default_settle() -> SignedDuration {
    SignedDuration::from_mins(1)
}

fn default_patience() -> SignedDuration {
    SignedDuration::from_hours(4)
}

pub(super) fn default_look() -> SignedDuration {
    SignedDuration::from_mins(5)
}

fn default_sides() -> [String; 2] {
    ["blue".to_owned(), "green".to_owned()]
}

fn default_rollback_expect() -> String {
    "{target}".to_owned()
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
