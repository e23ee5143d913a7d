//! What records say of pipelines that run elsewhere, at a code host or a deploy service.

use serde::{Deserialize, Serialize};

/// The state of a pipeline, or of a job or step in one, as the host that runs it tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RemoteState {
    /// It waits for a runner, a resource, or its turn.
    Queued,
    /// It waits for a person, or for a timer that a person set.
    Waiting,
    /// It runs.
    Running,
    /// It ended well.
    Succeeded,
    /// It ended with a failure.
    Failed,
    /// Somebody or something cancelled it.
    Cancelled,
    /// Its host ended it because it took too long.
    TimedOut,
    /// Nothing of it was run.
    Skipped,
    /// It ended, and says neither that it went well nor that it failed.
    Neutral,
    /// Its host gave it up before it ended.
    Stale,
    /// Its host says something that is not known here, or nothing.
    #[serde(other)]
    Unknown,
}

impl RemoteState {
    /// Tells whether nothing more comes of it.
    pub fn is_over(self) -> bool {
        !matches!(self, Self::Queued | Self::Waiting | Self::Running | Self::Unknown)
    }

    /// Tells whether it ended so that its step did, well or not.
    pub fn is_plain_end(self) -> bool {
        self.is_over() && !matches!(self, Self::Neutral | Self::Stale)
    }

    /// Names it for people: `is queued`, `failed`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Queued => "is queued",
            Self::Waiting => "is waiting",
            Self::Running => "is running",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "was cancelled",
            Self::TimedOut => "timed out",
            Self::Skipped => "was skipped",
            Self::Neutral => "ended neutral",
            Self::Stale => "went stale",
            Self::Unknown => "is in an unknown state",
        }
    }
}

/// A pipeline that a step started or found, and how it stands. The first record of one is written before
/// it is followed; each later one says that something changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PipelineSeen {
    /// The plan.
    pub plan: String,
    /// Index of the step, from 0.
    pub step: usize,
    /// The run of the step.
    pub run: String,
    /// What its host knows it by.
    pub id: String,
    /// What people call it: `deploy.yml #42`.
    pub name: String,
    /// Where people look at it; empty: its host does not say.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
    /// The commit it is of, as a full id, where that became known with it: a push of this plan started it. Empty: it
    /// stands in the plan.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub commit: String,
    /// Which attempt of it this is, from 1.
    #[serde(default = "first", skip_serializing_if = "is_first")]
    pub attempt: u64,
    /// How it stands.
    pub state: RemoteState,
    /// It waits for a person, and the owner of our token may be the one.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub asks: bool,
    /// What more there is to say, in one line: what it waits for, since when it was not seen.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub note: String,
    /// What its host knows that by, and nothing else: two deployments may be called the same.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ids: Vec<String>,
}

/// It became known which commit a push of a plan brought about, and holds from then on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommitLearned {
    /// The plan.
    pub plan: String,
    /// Index of the step that follows what the push started, from 0.
    pub step: usize,
    /// The branch that it went to.
    pub branch: String,
    /// The commit, as a full id.
    pub commit: String,
}

/// How a deploy stands that is reported at a code host.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reported {
    /// It is being carried out.
    Running,
    /// What it brings is there for everybody.
    Succeeded,
    /// It failed.
    Failed,
    /// Somebody stopped it.
    Cancelled,
    /// It was undone.
    Inactive,
    /// Nobody knows.
    #[serde(other)]
    Unknown,
}

impl Reported {
    /// Names it for people.
    pub fn word(self) -> &'static str {
        match self {
            Self::Running => "in progress",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
            Self::Inactive => "inactive",
            Self::Unknown => "outcome unknown",
        }
    }
}

/// A deploy was reported at a code host, or could not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeploymentReported {
    /// The plan that deploys.
    pub plan: String,
    /// Name of the environment there.
    pub environment: String,
    /// The host: `GitHub`.
    pub host: String,
    /// What the host knows the deployment by; empty: nothing is known of one there.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub id: String,
    /// How it stands.
    pub state: Reported,
    /// Why that could not be told; empty: it was.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub why: String,
}

fn first() -> u64 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it over so")]
fn is_first(attempt: &u64) -> bool {
    *attempt == 1
}
