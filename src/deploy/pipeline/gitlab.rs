//! What GitLab CI/CD answers, as its REST documentation describes it (version 4).

use jiff::Timestamp;
use serde::Deserialize;

use super::github::time;
use super::{Job, Review, Seen, Stands, page};
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
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    archived: bool,
    #[serde(default)]
    artifacts_expire_at: Option<String>,
    #[serde(default)]
    pipeline: Option<OfJob>,
}

/// The pipeline of a job, as the job tells of it.
#[derive(Debug, Deserialize)]
struct OfJob {
    #[serde(default)]
    sha: String,
    #[serde(default)]
    status: String,
}

impl RunJob {
    /// How its pipeline stands; `None`: it does not tell.
    pub fn stands(&self) -> Option<Stands> {
        let pipeline = self.pipeline.as_ref().filter(|pipeline| !pipeline.status.is_empty())?;
        let (state, said) = (state(&pipeline.status), short_name(&pipeline.status));
        Some(Stands { state, said, commit: short_name(&pipeline.sha) })
    }
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
    #[serde(default)]
    environment: serde_json::Value,
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

/// A project, as far as it tells whether what was deployed before may be deployed again.
#[derive(Debug, Deserialize)]
pub struct Project {
    /// Older deployments are refused.
    #[serde(default)]
    ci_forward_deployment_enabled: bool,
    /// But not where a job is run again to go back.
    #[serde(default)]
    ci_forward_deployment_rollback_allowed: bool,
}

impl Project {
    /// Tells whether a job that deployed before may be run again.
    pub fn goes_back(&self) -> bool {
        !self.ci_forward_deployment_enabled || self.ci_forward_deployment_rollback_allowed
    }
}

/// An environment.
#[derive(Debug, Deserialize)]
pub struct Environment {
    name: String,
    /// `available`, `stopping`, `stopped`.
    #[serde(default)]
    pub state: String,
}

impl Environment {
    /// The one of that name among those that are listed.
    pub fn named<'a>(all: &'a [Self], name: &str) -> Option<&'a Self> {
        all.iter().find(|one| one.name == name)
    }
}

/// The name of the job that deployed by a pipeline, among the deployments of an environment.
pub fn deployed_by(all: &[Deployment], pipeline: &str) -> Option<String> {
    let job = |one: &Deployment| {
        let job = one.deployable.as_ref()?;
        let is_it = job["pipeline"]["id"].as_u64().is_some_and(|id| id.to_string() == pipeline);
        job["name"].as_str().filter(|_| is_it).map(short_name)
    };
    all.iter().find_map(job)
}

/// The jobs of that name in a pipeline, oldest first: each but the last was run again.
fn attempts<'a>(jobs: &'a [RunJob], name: &str) -> Vec<&'a RunJob> {
    let mut all: Vec<&RunJob> = jobs.iter().filter(|job| short_name(&job.name) == name).collect();
    all.sort_by_key(|job| job.id);
    all
}

/// A pipeline as one of its jobs has it, which may be run again though the pipeline is over: how often that was, and
/// since when the last goes on.
pub fn as_of_job(pipeline: Seen, jobs: &[RunJob], name: &str) -> Seen {
    let all = attempts(jobs, name);
    let Some(last) = all.last() else { return pipeline };
    let job = state(&last.status);
    // A pipeline takes a moment to hear of it.
    let state = if pipeline.state.is_over() && !job.is_over() { job } else { pipeline.state };
    let (attempt, began) = (all.len() as u64, time(last.created_at.as_deref()));
    Seen { attempt, state, began, ..pipeline }
}

/// The number of the job of that name that can be run again.
pub fn last_job(jobs: &[RunJob], name: &str) -> Option<u64> {
    attempts(jobs, name).last().map(|job| job.id)
}

/// Why a job cannot be run again, as far as its pipeline tells; `None`: it can.
pub fn not_again(jobs: &[RunJob], name: &str, now: Timestamp) -> Option<String> {
    let all = attempts(jobs, name);
    let Some(job) = all.last() else { return Some(format!("it has no job {name} any more")) };
    if job.archived {
        return Some(format!("{name} is archived"));
    }
    let expired = |job: &&RunJob| {
        let at = time(job.artifacts_expire_at.as_deref())?;
        (at <= now && short_name(&job.name) != name).then(|| (short_name(&job.name), at))
    };
    // Which of them it takes nobody says.
    let (other, at) = jobs.iter().find_map(|job| expired(&job))?;
    Some(format!("the artifacts of {other} expired on {}, and {name} may need them", at.strftime("%Y-%m-%d")))
}

impl Deployment {
    /// Tells whether something outside of CI reported it, of this commit and no earlier than this.
    pub fn was_told(&self, commit: &str, since: Timestamp) -> bool {
        let made = self.created_at.parse::<Timestamp>();
        self.deployable.is_none() && self.sha == commit && made.is_ok_and(|made| made >= since)
    }

    /// What is waited for, of the job that deploys: its approval, by these.
    pub fn review(&self, job: &Job, who: Vec<String>) -> Review {
        // Several jobs may deploy to one environment.
        let place = self.environment["name"].as_str().map(short_name);
        let what = match place.filter(|place| *place != job.name) {
            Some(place) => format!("{} ({place})", job.name),
            None => job.name.clone(),
        };
        Review { id: format!("{}/{}", job.id, self.id), what, who, may: None, until: None }
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

/// The manual jobs that a pipeline does not go on without.
pub fn held(jobs: &[Job]) -> impl Iterator<Item = &Job> {
    jobs.iter().filter(|job| job.state == RemoteState::Waiting && !job.may_fail)
}

/// A manual job as what is waited for.
pub fn review(job: &Job) -> Review {
    Review { id: job.id.clone(), what: job.name.clone(), who: Vec::new(), may: None, until: None }
}

/// A deployment to a protected environment, as far as it tells which approvals it lacks.
#[derive(Debug, Deserialize)]
pub struct Blocked {
    /// `blocked` as long as it lacks any.
    #[serde(default)]
    pub status: String,
    #[serde(default)]
    approval_summary: Option<Summary>,
}

#[derive(Debug, Default, Deserialize)]
struct Summary {
    #[serde(default)]
    rules: Vec<Rule>,
}

#[derive(Debug, Deserialize)]
struct Rule {
    #[serde(default)]
    access_level_description: Option<String>,
    #[serde(default)]
    required_approvals: usize,
    #[serde(default)]
    deployment_approvals: Vec<serde_json::Value>,
}

impl Blocked {
    /// Those who have not given their approval yet.
    pub fn lacks(&self) -> Vec<String> {
        let rules = self.approval_summary.iter().flat_map(|summary| &summary.rules);
        let lacks = rules.filter(|rule| rule.deployment_approvals.len() < rule.required_approvals);
        lacks.filter_map(|rule| rule.access_level_description.as_deref()).map(short_name).collect()
    }
}

/// The deployment that holds a job, among those that are blocked.
pub fn holds<'a>(all: &'a [Deployment], job: &Job) -> Option<&'a Deployment> {
    let of = |one: &&Deployment| {
        let id = one.deployable.as_ref().and_then(|deployable| deployable["id"].as_u64());
        id.is_some_and(|id| id.to_string() == job.id)
    };
    all.iter().find(of)
}
