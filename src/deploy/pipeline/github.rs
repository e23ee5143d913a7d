//! What GitHub Actions answers, as its REST documentation describes it (version 2022-11-28).

use jiff::Timestamp;
use serde::Deserialize;

use super::{Job, JobStep, Review, Seen, page};
use crate::incident::RemoteState;
use crate::text::short_name;

/// A workflow run.
#[derive(Debug, Deserialize)]
pub struct Run {
    id: u64,
    #[serde(default)]
    name: Option<String>,
    #[serde(default)]
    path: Option<String>,
    #[serde(default, rename = "run_number")]
    number: Option<u64>,
    #[serde(default, rename = "run_attempt")]
    attempt: Option<u64>,
    #[serde(default)]
    head_sha: String,
    #[serde(default)]
    html_url: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    conclusion: Option<String>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default, rename = "run_started_at")]
    started_at: Option<String>,
}

/// A page of workflow runs.
#[derive(Debug, Deserialize)]
pub struct Runs {
    /// The runs, newest first.
    pub workflow_runs: Vec<Run>,
}

/// A page of jobs.
#[derive(Debug, Deserialize)]
pub struct Jobs {
    /// The jobs.
    pub jobs: Vec<RunJob>,
}

/// A job of a run.
#[derive(Debug, Deserialize)]
pub struct RunJob {
    id: u64,
    name: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    conclusion: Option<String>,
    #[serde(default)]
    started_at: Option<String>,
    #[serde(default)]
    completed_at: Option<String>,
    #[serde(default)]
    steps: Vec<RunStep>,
}

/// A step of a job.
#[derive(Debug, Deserialize)]
pub struct RunStep {
    name: String,
    #[serde(default)]
    status: Option<String>,
    #[serde(default)]
    conclusion: Option<String>,
}

/// What a dispatch answers since February 2026, where it was asked to.
#[derive(Debug, Deserialize)]
pub struct Dispatched {
    /// The run that was started.
    pub workflow_run_id: u64,
    /// Where people look at it.
    #[serde(default)]
    pub html_url: String,
}

/// A workflow.
#[derive(Debug, Deserialize)]
pub struct Workflow {
    /// `active`, `disabled_manually`, `disabled_inactivity`, `disabled_fork`, `deleted`.
    pub state: String,
}

/// A deployment that waits for a protection rule of its environment.
#[derive(Debug, Deserialize)]
pub struct Pending {
    environment: Named,
    #[serde(default)]
    wait_timer: i64,
    #[serde(default)]
    wait_timer_started_at: Option<String>,
    #[serde(default)]
    current_user_can_approve: bool,
    #[serde(default)]
    reviewers: Vec<Reviewer>,
}

#[derive(Debug, Deserialize)]
struct Named {
    id: u64,
    name: String,
}

#[derive(Debug, Deserialize)]
pub(super) struct Reviewer {
    reviewer: Option<Person>,
}

impl Reviewer {
    /// What people call them.
    pub(super) fn title(self) -> Option<String> {
        let person = self.reviewer?;
        Some(match (person.login, person.slug.or(person.name)) {
            (Some(login), _) => short_name(&login),
            (None, team) => format!("team {}", short_name(&team?)),
        })
    }
}

#[derive(Debug, Deserialize)]
struct Person {
    #[serde(default)]
    login: Option<String>,
    #[serde(default)]
    slug: Option<String>,
    #[serde(default)]
    name: Option<String>,
}

/// A deployment.
#[derive(Debug, Deserialize)]
pub struct Deployment {
    /// Its number.
    pub id: u64,
    sha: String,
    #[serde(default, rename = "ref")]
    reference: String,
    created_at: String,
    #[serde(default)]
    creator: Option<Person>,
    #[serde(default)]
    payload: serde_json::Value,
}

impl Deployment {
    /// Tells whether we have made it, by this name. Some servers hand the payload back as a text.
    pub fn is_ours(&self, key: &str) -> bool {
        let told = match &self.payload {
            serde_json::Value::String(text) => serde_json::from_str(text).unwrap_or_default(),
            payload => payload.clone(),
        };
        told["flightdeck"] == key
    }
}

/// What became of a deployment, newest first.
#[derive(Debug, Deserialize)]
pub struct DeploymentStatus {
    /// `success`, `inactive`, `failure`, `error`, `in_progress`, `queued`, `pending`.
    pub state: String,
}

/// Tells whether a deployment was there for users once: it is, or another took its place.
pub fn was_there(statuses: &[DeploymentStatus]) -> bool {
    statuses.iter().any(|status| status.state == "success")
}

/// A deployment as a line of a history.
pub fn line(deployment: &Deployment) -> String {
    let by = deployment.creator.as_ref().and_then(|person| person.login.as_deref()).unwrap_or_default();
    let (commit, at, reference) = (&deployment.sha, &deployment.created_at, &deployment.reference);
    serde_json::json!({ "commit": commit, "at": at, "reference": reference, "by": by }).to_string()
}

/// A repository, or a project of GitLab, as far as it tells what the owner of the token may do.
#[derive(Debug, Deserialize)]
pub struct Repository {
    #[serde(default)]
    permissions: serde_json::Value,
}

impl Repository {
    /// Tells whether the owner of the token may write there. At GitLab developers may (access level 30).
    pub fn may_write(&self) -> bool {
        let level = |of: &str| self.permissions[of]["access_level"].as_u64().unwrap_or_default();
        let pushes = ["push", "maintain", "admin"].iter().any(|may| self.permissions[*may] == true);
        pushes || level("project_access").max(level("group_access")) >= 30
    }
}

/// Reads a state: while something is under way its `status`, after that its `conclusion`.
pub fn state(status: Option<&str>, conclusion: Option<&str>) -> RemoteState {
    match (status, conclusion) {
        (Some("queued" | "requested" | "pending"), _) => RemoteState::Queued,
        (Some("waiting"), _) => RemoteState::Waiting,
        (Some("in_progress"), _) => RemoteState::Running,
        (Some("completed"), Some(conclusion)) => match conclusion {
            "success" => RemoteState::Succeeded,
            "failure" | "startup_failure" => RemoteState::Failed,
            "cancelled" => RemoteState::Cancelled,
            "timed_out" => RemoteState::TimedOut,
            "skipped" => RemoteState::Skipped,
            "neutral" => RemoteState::Neutral,
            "stale" => RemoteState::Stale,
            "action_required" => RemoteState::Waiting,
            _ => RemoteState::Unknown,
        },
        _ => RemoteState::Unknown,
    }
}

impl From<Run> for Seen {
    fn from(run: Run) -> Self {
        let file = run.path.as_deref().map(|path| path.split('@').next().unwrap_or(path));
        let file = file.and_then(|path| path.rsplit('/').next()).filter(|file| !file.is_empty());
        let called = file.or(run.name.as_deref()).unwrap_or("run");
        let number = run.number.map_or_else(|| run.id.to_string(), |number| format!("#{number}"));
        let said = [run.status.as_deref(), run.conclusion.as_deref()].into_iter().flatten();
        Self {
            id: run.id.to_string(),
            name: format!("{} {number}", short_name(called)),
            state: state(run.status.as_deref(), run.conclusion.as_deref()),
            said: short_name(&said.collect::<Vec<_>>().join(" ")),
            url: page(run.html_url),
            attempt: run.attempt.unwrap_or(1),
            commit: short_name(&run.head_sha),
            created: time(run.created_at.as_deref()),
            began: time(run.started_at.as_deref()),
            workflow: short_name(file.unwrap_or_default()),
        }
    }
}

impl From<RunJob> for Job {
    fn from(job: RunJob) -> Self {
        let step = |step: RunStep| JobStep {
            state: state(step.status.as_deref(), step.conclusion.as_deref()),
            name: short_name(&step.name),
        };
        Self {
            id: job.id.to_string(),
            state: state(job.status.as_deref(), job.conclusion.as_deref()),
            name: short_name(&job.name),
            stage: String::new(),
            started: time(job.started_at.as_deref()),
            ended: time(job.completed_at.as_deref()),
            may_fail: false,
            steps: job.steps.into_iter().map(step).collect(),
        }
    }
}

impl From<Pending> for Review {
    fn from(pending: Pending) -> Self {
        let minutes = jiff::SignedDuration::try_from_mins(pending.wait_timer).unwrap_or_default();
        let began = time(pending.wait_timer_started_at.as_deref()).filter(|_| pending.wait_timer > 0);
        let name = |reviewer: Reviewer| {
            let person = reviewer.reviewer?;
            Some(short_name(&person.login.or(person.slug).or(person.name)?))
        };
        Self {
            id: pending.environment.id.to_string(),
            what: short_name(&pending.environment.name),
            who: pending.reviewers.into_iter().filter_map(name).collect(),
            may: Some(pending.current_user_can_approve),
            until: began.and_then(|began| began.checked_add(minutes).ok()),
        }
    }
}

pub(super) fn time(text: Option<&str>) -> Option<Timestamp> {
    text?.parse().ok()
}
