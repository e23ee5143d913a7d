//! What GitLab CI/CD answers, as its REST documentation describes it (version 4).

use jiff::Timestamp;
use serde::Deserialize;

use super::github::time;
use super::{Job, Review, Seen, page};
use crate::incident::RemoteState;
use crate::text::short_name;

/// A pipeline.
#[derive(Debug, Deserialize)]
pub struct Run {
    id: u64,
    #[serde(default)]
    iid: Option<u64>,
    #[serde(default)]
    sha: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    web_url: String,
    #[serde(default)]
    created_at: Option<String>,
}

/// A job of a pipeline.
#[derive(Debug, Deserialize)]
pub struct RunJob {
    id: u64,
    name: String,
    #[serde(default)]
    stage: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    allow_failure: bool,
    #[serde(default)]
    started_at: Option<String>,
    #[serde(default)]
    finished_at: Option<String>,
}

/// A deployment.
#[derive(Debug, Deserialize)]
pub struct Deployment {
    /// Its number in the instance.
    #[serde(default)]
    pub id: u64,
    /// How it stands: `running`, `success`, `failed`, `canceled`.
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    deployable: Option<serde_json::Value>,
    sha: String,
    #[serde(default, rename = "ref")]
    reference: String,
    created_at: String,
    #[serde(default)]
    user: Option<Person>,
}

#[derive(Debug, Deserialize)]
struct Person {
    #[serde(default)]
    username: String,
}

impl Deployment {
    /// Tells whether something outside of CI reported it, of this commit and no earlier than this.
    pub fn was_told(&self, commit: &str, since: Timestamp) -> bool {
        let made = self.created_at.parse::<Timestamp>();
        self.deployable.is_none() && self.sha == commit && made.is_ok_and(|made| made >= since)
    }
}

/// A deployment as a line of a history.
pub fn line(deployment: &Deployment) -> String {
    let by = deployment.user.as_ref().map_or("", |user| user.username.as_str());
    let (commit, at, reference) = (&deployment.sha, &deployment.created_at, &deployment.reference);
    serde_json::json!({ "commit": commit, "at": at, "reference": reference, "by": by }).to_string()
}

/// Reads a state.
pub fn state(status: &str) -> RemoteState {
    match status {
        "created" | "waiting_for_resource" | "waiting_for_callback" | "preparing" | "pending" => {
            RemoteState::Queued
        }
        "manual" | "scheduled" => RemoteState::Waiting,
        "running" | "canceling" => RemoteState::Running,
        "success" => RemoteState::Succeeded,
        "failed" => RemoteState::Failed,
        "canceled" => RemoteState::Cancelled,
        "skipped" => RemoteState::Skipped,
        _ => RemoteState::Unknown,
    }
}

impl From<Run> for Seen {
    fn from(run: Run) -> Self {
        Self {
            id: run.id.to_string(),
            name: format!("pipeline #{}", run.iid.unwrap_or(run.id)),
            state: state(&run.status),
            said: short_name(&run.status),
            url: page(run.web_url),
            attempt: 1,
            commit: short_name(&run.sha),
            created: time(run.created_at.as_deref()),
            began: None,
            workflow: String::new(),
        }
    }
}

impl From<RunJob> for Job {
    fn from(job: RunJob) -> Self {
        Self {
            id: job.id.to_string(),
            name: short_name(&job.name),
            stage: short_name(&job.stage),
            state: state(&job.status),
            started: time(job.started_at.as_deref()),
            ended: time(job.finished_at.as_deref()),
            may_fail: job.allow_failure,
            steps: Vec::new(),
        }
    }
}

/// What a pipeline waits for: the manual jobs that it does not go on without.
pub fn reviews(jobs: &[Job]) -> Vec<Review> {
    let held = jobs.iter().filter(|job| job.state == RemoteState::Waiting && !job.may_fail);
    held.map(|job| Review {
        id: job.id.clone(),
        what: job.name.clone(),
        who: Vec::new(),
        may: None,
        until: None,
    })
    .collect()
}
