//! The runs of a workflow: how they stand, what they wait for, and what GitHub's API says of them. Pure.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::workflow::{Does, Workflow};

/// The environment that somebody has to approve a deploy to.
pub(super) const PROTECTED: &str = "production";
/// Its number.
const PROTECTED_ID: u64 = 1;
/// Who may approve.
const REVIEWERS: (&str, &str) = ("Release managers", "release-managers");
/// Numbers of runs begin here, as those of a repository that has run a while.
const FIRST: u64 = 4_120;

/// What the API says of an environment; `None`: there is none of that name.
pub(super) fn environment(name: &str) -> Option<Value> {
    let rules = match name {
        PROTECTED => json!([{ "id": 1, "type": "required_reviewers", "prevent_self_review": false,
            "reviewers": [{ "type": "Team", "reviewer": team() }] }]),
        "staging" => json!([]),
        _ => return None,
    };
    Some(
        json!({ "id": PROTECTED_ID, "name": name, "protection_rules": rules, "deployment_branch_policy": null }),
    )
}

/// Who may approve.
fn team() -> Value {
    json!({ "id": 1, "name": REVIEWERS.0, "slug": REVIEWERS.1 })
}

/// How a job or step stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Queued,
    Waiting,
    Running,
    Done(&'static str),
}

pub(super) const SUCCESS: Stage = Stage::Done("success");
pub(super) const FAILURE: Stage = Stage::Done("failure");
pub(super) const CANCELLED: Stage = Stage::Done("cancelled");
const SKIPPED: Stage = Stage::Done("skipped");

impl Stage {
    fn is_over(self) -> bool {
        matches!(self, Self::Done(_))
    }

    /// Its status and conclusion.
    fn said(self) -> (&'static str, Option<&'static str>) {
        match self {
            Self::Queued => ("queued", None),
            Self::Waiting => ("waiting", None),
            Self::Running => ("in_progress", None),
            Self::Done(conclusion) => ("completed", Some(conclusion)),
        }
    }
}

/// A step of a job.
#[derive(Debug, Clone)]
pub(super) struct Step {
    pub(super) does: Does,
    pub(super) stage: Stage,
}

/// A job of a run.
#[derive(Debug, Clone)]
pub(super) struct Job {
    /// Its number, another one for each attempt.
    pub(super) id: u64,
    name: String,
    environment: String,
    pub(super) steps: Vec<Step>,
    pub(super) stage: Stage,
    started: Option<Timestamp>,
    ended: Option<Timestamp>,
}

/// A run of the workflow.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub(super) id: u64,
    number: u64,
    attempt: u64,
    /// The branch or tag that it runs on.
    pub(super) reference: String,
    /// The commit of that when it was started.
    pub(super) sha: String,
    created: Timestamp,
    /// When its last attempt began.
    began: Timestamp,
    jobs: Vec<Job>,
    /// What a reviewer said: whether it is approved, and with which comment.
    review: Option<(bool, String)>,
    /// Somebody cancelled it; whether by force.
    pub(super) cancel: Option<bool>,
}

/// What a run needs to go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Nothing: it is over.
    Over,
    /// A reviewer.
    Review,
    /// That this job is done, counted from 0.
    Work(usize),
}

/// Why something was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Refused {
    /// There is no such thing.
    NotFound,
    /// It is not in a state for that.
    Conflict(&'static str),
}

/// All runs.
#[derive(Debug, Default)]
pub(super) struct Runs {
    runs: Vec<Run>,
    jobs: u64,
}

impl Runs {
    /// Makes a run. Returns its number.
    pub(super) fn start(&mut self, workflow: &Workflow, reference: &str, sha: &str, now: Timestamp) -> u64 {
        let number = self.runs.len() as u64 + 1;
        let jobs = workflow.jobs.iter().map(|planned| {
            self.jobs += 1;
            let step = |does: &Does| Step { does: does.clone(), stage: Stage::Queued };
            Job {
                id: self.jobs,
                name: planned.name.clone(),
                environment: planned.environment.clone(),
                steps: planned.steps.iter().map(step).collect(),
                stage: Stage::Queued,
                started: None,
                ended: None,
            }
        });
        let run = Run {
            id: FIRST + number,
            number,
            attempt: 1,
            reference: reference.to_owned(),
            sha: sha.to_owned(),
            created: now,
            began: now,
            jobs: jobs.collect(),
            review: None,
            cancel: None,
        };
        let id = run.id;
        self.runs.push(run);
        id
    }

    /// All, newest first.
    pub(super) fn newest(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().rev()
    }

    /// The run of a number.
    pub(super) fn of(&self, id: u64) -> Result<&Run, Refused> {
        self.runs.iter().find(|run| run.id == id).ok_or(Refused::NotFound)
    }

    /// The same, to change it.
    pub(super) fn of_mut(&mut self, id: u64) -> Result<&mut Run, Refused> {
        self.runs.iter_mut().find(|run| run.id == id).ok_or(Refused::NotFound)
    }

    /// Tells whether a job is over; there may be none of that number.
    pub(super) fn job_is_over(&self, id: u64) -> Option<bool> {
        let mut jobs = self.runs.iter().flat_map(|run| &run.jobs);
        jobs.find(|job| job.id == id).map(|job| job.stage.is_over())
    }

    /// Runs again what did not succeed, or all of it.
    pub(super) fn again(&mut self, id: u64, all: bool, now: Timestamp) -> Result<(), Refused> {
        let mut next = self.jobs;
        let run = self.of_mut(id)?;
        if !run.is_over() {
            return Err(Refused::Conflict("This workflow run is not completed"));
        }
        for job in run.jobs.iter_mut().filter(|job| all || job.stage != SUCCESS) {
            next += 1;
            (job.id, job.stage, job.started, job.ended) = (next, Stage::Queued, None, None);
            job.steps.iter_mut().for_each(|step| step.stage = Stage::Queued);
        }
        run.attempt += 1;
        (run.review, run.cancel, run.began) = (None, None, now);
        self.jobs = next;
        Ok(())
    }
}

impl Run {
    /// Its job, counted from 0.
    pub(super) fn job(&mut self, index: usize) -> Option<&mut Job> {
        self.jobs.get_mut(index)
    }

    /// Says what it needs next, and takes down what follows from how it stands.
    pub(super) fn next(&mut self, now: Timestamp) -> Next {
        while let Some(index) = self.jobs.iter().position(|job| !job.stage.is_over()) {
            if self.cancel.is_some() {
                self.leave(CANCELLED, now);
            } else if self.jobs[..index].iter().any(|job| job.stage != SUCCESS) {
                self.leave(SKIPPED, now);
            } else if self.jobs[index].environment == PROTECTED && self.review.is_none() {
                self.jobs[index].stage = Stage::Waiting;
                return Next::Review;
            } else if self.jobs[index].environment == PROTECTED && !self.is_approved() {
                self.jobs[index].end(FAILURE, now);
            } else {
                let job = &mut self.jobs[index];
                (job.stage, job.started) = (Stage::Running, Some(now));
                return Next::Work(index);
            }
        }
        Next::Over
    }

    fn is_approved(&self) -> bool {
        self.review.as_ref().is_some_and(|(approved, _)| *approved)
    }

    /// Ends all jobs that have not ended.
    fn leave(&mut self, stage: Stage, now: Timestamp) {
        self.jobs.iter_mut().filter(|job| !job.stage.is_over()).for_each(|job| job.end(stage, now));
    }

    fn is_over(&self) -> bool {
        self.jobs.iter().all(|job| job.stage.is_over())
    }

    /// Takes down what a reviewer says.
    pub(super) fn reviewed(
        &mut self,
        environments: &[u64],
        approve: bool,
        comment: &str,
    ) -> Result<(), Refused> {
        if !self.waits() || environments != [PROTECTED_ID] {
            return Err(Refused::Conflict("There are no pending deployment requests to approve or reject"));
        }
        self.review = Some((approve, comment.to_owned()));
        Ok(())
    }

    fn waits(&self) -> bool {
        self.jobs.iter().any(|job| job.stage == Stage::Waiting)
    }

    /// Cancels it.
    pub(super) fn cancelled(&mut self, force: bool) -> Result<(), Refused> {
        if self.is_over() {
            return Err(Refused::Conflict("Cannot cancel a workflow run that is completed."));
        }
        self.cancel = Some(force || self.cancel == Some(true));
        Ok(())
    }

    fn stage(&self) -> Stage {
        let any = |wanted| self.jobs.iter().any(|job| job.stage == wanted);
        let done = |wanted| self.jobs.iter().any(|job| job.stage == wanted);
        if any(Stage::Running) {
            Stage::Running
        } else if any(Stage::Waiting) {
            Stage::Waiting
        } else if self.jobs.iter().all(|job| job.stage == Stage::Queued) {
            Stage::Queued
        } else if !self.is_over() {
            Stage::Running
        } else if done(FAILURE) {
            FAILURE
        } else if done(CANCELLED) {
            CANCELLED
        } else {
            SUCCESS
        }
    }

    /// What the API says of it.
    pub(super) fn json(&self, base: &str, repository: &str) -> Value {
        let (status, conclusion) = self.stage().said();
        json!({
            "id": self.id,
            "name": "Deploy",
            "path": ".github/workflows/deploy.yml",
            "head_branch": self.reference,
            "head_sha": self.sha,
            "run_number": self.number,
            "run_attempt": self.attempt,
            "event": "workflow_dispatch",
            "status": status,
            "conclusion": conclusion,
            "created_at": self.created.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "run_started_at": self.began.strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "html_url": format!("{base}/{repository}/actions/runs/{}", self.id),
        })
    }

    /// What the API says of its jobs.
    pub(super) fn jobs_json(&self) -> Value {
        let jobs: Vec<Value> = self.jobs.iter().map(|job| job.json(self)).collect();
        json!({ "total_count": jobs.len(), "jobs": jobs })
    }

    /// What the API says of what it waits for.
    pub(super) fn pending_json(&self) -> Value {
        let pending = self.waits().then(|| {
            json!({
                "environment": { "id": PROTECTED_ID, "name": PROTECTED },
                "wait_timer": 0,
                "wait_timer_started_at": null,
                "current_user_can_approve": true,
                "reviewers": [{ "type": "Team", "reviewer": team() }],
            })
        });
        pending.into_iter().collect::<Vec<_>>().into()
    }

    /// What people see of it in a browser.
    pub(super) fn page(&self, base: &str, repository: &str) -> String {
        let word = |stage: Stage| match stage.said() {
            (_, Some(conclusion)) => conclusion,
            (status, None) => status,
        };
        let short = self.sha.get(..7).unwrap_or(&self.sha);
        let mut lines =
            vec![format!("Deploy #{}: {} at {short}, {}", self.number, self.reference, word(self.stage()))];
        for job in &self.jobs {
            lines.push(format!("\n{}: {}", job.name, word(job.stage)));
            lines.extend(
                job.steps.iter().map(|step| format!("  {:<12} {}", word(step.stage), step.does.title())),
            );
            if job.started.is_some() {
                lines.push(format!("  {base}/api/v3/repos/{repository}/actions/jobs/{}/logs", job.id));
            }
        }
        if let Some((approve, comment)) = &self.review {
            lines.push(format!("\n{}: {comment}", if *approve { "approved" } else { "rejected" }));
        }
        lines.push(String::new());
        lines.join("\n")
    }
}

impl Job {
    /// Ends it.
    pub(super) fn end(&mut self, stage: Stage, now: Timestamp) {
        (self.stage, self.ended) = (stage, Some(now));
    }

    fn json(&self, run: &Run) -> Value {
        let (status, conclusion) = self.stage.said();
        let steps = self.steps.iter().enumerate().map(|(number, step)| {
            let (status, conclusion) = step.stage.said();
            json!({ "name": step.does.title(), "number": number + 1, "status": status, "conclusion": conclusion })
        });
        let time = |at: Option<Timestamp>| at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
        // A job that has not begun has no steps yet.
        let steps: Vec<Value> = if self.started.is_some() { steps.collect() } else { Vec::new() };
        json!({
            "id": self.id,
            "run_id": run.id,
            "run_attempt": run.attempt,
            "head_sha": run.sha,
            "name": self.name,
            "status": status,
            "conclusion": conclusion,
            "started_at": time(self.started),
            "completed_at": time(self.ended),
            "steps": steps,
        })
    }
}

/// The inputs of a dispatch, as far as the workflow takes them.
///
/// # Errors
/// One is missing, or is none of its own: what GitHub says then.
pub(super) fn inputs(workflow: &Workflow, sent: &Value) -> Result<BTreeMap<String, String>, String> {
    let empty = serde_json::Map::new();
    let sent = sent["inputs"].as_object().unwrap_or(&empty);
    let strange: Vec<_> = sent.keys().filter(|name| !workflow.inputs.contains(name)).collect();
    if !strange.is_empty() {
        return Err(format!("Unexpected inputs provided: {strange:?}"));
    }
    let mut inputs = BTreeMap::new();
    for name in &workflow.inputs {
        let value = sent.get(name).and_then(Value::as_str).unwrap_or_default();
        if !super::workflow::is_plain(value) {
            return Err(format!("Required input '{name}' not provided"));
        }
        inputs.insert(name.clone(), value.to_owned());
    }
    Ok(inputs)
}

#[cfg(test)]
#[path = "runs_tests.rs"]
mod tests;
