//! What GitHub and GitLab document is read as documented. Each answer is kept in `tests/golden/hosts` with the page of the
//! documentation that describes it; names and times are ours.

use serde::de::DeserializeOwned;
use serde_json::Value;

use super::*;
use RemoteState::{Failed, Queued, Skipped, Succeeded, Waiting};

const COMMIT: &str = "4f2c91e07bd0f13c5a6e8d2941b7c03fe5a8d6b2";

/// Reads a golden file, as it is and with every field of null left out, as some versions do.
fn golden<T: DeserializeOwned>(name: &str) -> T {
    let path = format!("{}/tests/golden/hosts/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let kept: Value = serde_json::from_slice(&std::fs::read(&path).expect(&path)).expect(&path);
    let source = kept["source"].as_str().unwrap_or_default();
    assert!(source.starts_with("https://docs.git"), "{path} names its source");
    let mut bare = kept["answer"].clone();
    without_null(&mut bare);
    serde_json::from_value::<T>(bare).expect(&path);
    serde_json::from_value(kept["answer"].clone()).expect(&path)
}

fn without_null(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_null);
        }
        Value::Array(all) => all.iter_mut().for_each(without_null),
        _ => {}
    }
}

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

#[test]
fn runs_of_github_are_read_as_documented() {
    let run: Seen = golden::<github::Run>("github/run").into();
    assert_eq!((run.name.as_str(), run.id.as_str()), ("deploy.yml #562", "30433642"));
    assert_eq!((run.state, run.said.as_str(), run.attempt), (Failed, "completed failure", 2));
    assert_eq!((run.commit.as_str(), run.created), (COMMIT, Some(at("2026-11-30T09:00:05Z"))));
    assert_eq!((run.began, run.workflow.as_str()), (Some(at("2026-11-30T09:00:05Z")), "deploy.yml"));
    assert_eq!(run.url, "https://github.com/shop/payments-api/actions/runs/30433642");
    let all = golden::<github::Runs>("github/runs").workflow_runs.into_iter().map(Seen::from);
    assert_eq!(all.map(|run| run.state).collect::<Vec<_>>(), [Waiting, Succeeded]);
    let dispatched: github::Dispatched = golden("github/dispatch");
    assert_eq!((dispatched.workflow_run_id, dispatched.html_url), (30_433_642, run.url));
    assert_eq!(golden::<github::Workflow>("github/workflow").state, "active");
}

#[test]
fn jobs_of_github_are_read_as_documented() {
    let jobs: Vec<Job> = golden::<github::Jobs>("github/jobs").jobs.into_iter().map(Job::from).collect();
    assert_eq!(jobs.iter().map(|job| job.state).collect::<Vec<_>>(), [Succeeded, Failed]);
    assert_eq!((jobs[1].id.as_str(), jobs[1].name.as_str()), ("399444497", "deploy (eu-west-1)"));
    assert_eq!(jobs[0].started, Some(at("2026-11-30T09:00:06Z")));
    assert_eq!(jobs[0].ended, Some(at("2026-11-30T09:01:21Z")));
    let steps: Vec<_> = jobs[1].steps.iter().map(|step| (step.name.as_str(), step.state)).collect();
    assert_eq!(steps, [("Set up job", Succeeded), ("Run ./deploy.sh", Failed), ("Complete job", Skipped)]);
}

#[test]
fn what_waits_at_github_is_read_as_documented() {
    let pending: Vec<github::Pending> = golden("github/pending_deployments");
    let review: Vec<Review> = pending.into_iter().map(Review::from).collect();
    let [review] = review.as_slice() else { panic!("{review:?}") };
    assert_eq!((review.id.as_str(), review.may), ("161088068", Some(true)));
    assert!(review.asks(), "whoever may approve may do so whatever its timer says");
    assert_eq!(
        review.line(at("2026-11-30T09:10:00Z")),
        "approval of production by omar, release-managers; wait timer until 09:31 UTC"
    );
    assert_eq!(review.line(at("2026-11-30T09:40:00Z")), "approval of production by omar, release-managers");
}

#[test]
fn whom_an_environment_waits_for_is_read_as_documented() {
    let hub = protect::Protection::from(golden::<protect::Environment>("github/environment"));
    assert_eq!(
        hub.lines(&protect::place(Forge::Github, "production")),
        [
            "the pipeline waits 30m (GitHub environment production, wait timer)",
            "the pipeline waits for a reviewer: omar, team release-managers (GitHub environment production)"
        ]
    );
    let lab = protect::Protection::from(golden::<protect::Protected>("gitlab/protected_environment"));
    assert_eq!(
        lab.lines(&protect::place(Forge::Gitlab, "production")),
        ["the pipeline waits for 3 approvals: qa-group, security-group (GitLab environment production)"]
    );
    assert!(protect::Protection::default().lines("GitHub environment staging").is_empty());
}

#[test]
fn deployments_of_github_are_read_as_documented() {
    let all: Vec<github::Deployment> = golden("github/deployments");
    let line: Value = serde_json::from_str(&github::line(&all[0])).unwrap();
    assert_eq!((line["commit"].as_str(), line["reference"].as_str()), (Some(COMMIT), Some("v1.4.3")));
    assert_eq!(
        (line["at"].as_str(), line["by"].as_str()),
        (Some("2026-11-30T09:02:11Z"), Some("github-actions[bot]"))
    );
    let statuses: Vec<github::DeploymentStatus> = golden("github/deployment_statuses");
    assert!(github::was_there(&statuses), "another took its place since");
    assert!(!github::was_there(&statuses[2..]));
}

#[test]
fn pipelines_of_gitlab_are_read_as_documented() {
    let run: Seen = golden::<gitlab::Run>("gitlab/pipeline").into();
    assert_eq!((run.name.as_str(), run.id.as_str(), run.state), ("pipeline #144", "287", Waiting));
    assert_eq!((run.commit.as_str(), run.created), (COMMIT, Some(at("2026-11-30T09:00:05.2Z"))));
    let listed = golden::<Vec<gitlab::Run>>("gitlab/pipelines").pop().map(Seen::from);
    assert_eq!(listed, Some(run));
}

#[test]
fn jobs_of_gitlab_tell_how_their_pipeline_stands() {
    let jobs: Vec<gitlab::RunJob> = golden("gitlab/jobs");
    let stands = jobs[0].stands().unwrap();
    assert_eq!((stands.state, stands.said.as_str(), stands.commit.as_str()), (Waiting, "manual", COMMIT));
}

#[test]
fn jobs_of_gitlab_are_read_as_documented() {
    let jobs: Vec<Job> = golden::<Vec<gitlab::RunJob>>("gitlab/jobs").into_iter().map(Job::from).collect();
    let read: Vec<_> =
        jobs.iter().map(|job| (job.name.as_str(), job.stage.as_str(), job.state, job.may_fail)).collect();
    assert_eq!(
        read,
        [
            ("release", "deploy", Waiting, false),
            ("lint", "test", Failed, true),
            ("build", "build", Succeeded, false)
        ]
    );
    assert_eq!(gitlab::held(&jobs).map(|job| job.name.as_str()).collect::<Vec<_>>(), ["release"]);
    // Its environment is protected, and one of two groups has approved.
    let blocked: gitlab::Blocked = golden("gitlab/deployment_blocked");
    let listed: gitlab::Deployment = golden("gitlab/deployment_blocked");
    let line = listed.review(&jobs[0], blocked.lacks()).line(at("2026-11-30T09:00:00Z"));
    assert_eq!(
        (line.as_str(), blocked.status.as_str()),
        ("approval of release (production) by security-group", "blocked")
    );
    assert_ne!(jobs[0].state, Queued);
}

#[test]
fn deployments_of_gitlab_are_read_as_documented() {
    let all: Vec<gitlab::Deployment> = golden("gitlab/deployments");
    let line: Value = serde_json::from_str(&gitlab::line(&all[0])).unwrap();
    assert_eq!((line["commit"].as_str(), line["by"].as_str()), (Some(COMMIT), Some("li")));
    // An environment tells of its last deployment in the same shape.
    let environment: Value = golden("gitlab/environment");
    let last: gitlab::Deployment = serde_json::from_value(environment["last_deployment"].clone()).unwrap();
    assert_eq!(gitlab::line(&last), gitlab::line(&all[0]));
}

#[test]
fn deployments_that_are_reported_are_known_again() {
    let made: github::Deployment = golden("github/deployment_created");
    assert_eq!(made.id, 42);
    assert!(made.is_ours("01a22923-0fa7-7320-8fb0-b947ad911fbf/deploy-production-1"));
    assert!(!made.is_ours("01a22923-0fa7-7320-8fb0-b947ad911fbf/deploy-production-2"));
    let others: Vec<github::Deployment> = golden("github/deployments");
    assert!(
        others.iter().all(|one| !one.is_ours("01a22923-0fa7-7320-8fb0-b947ad911fbf/deploy-production-1"))
    );
    let made: gitlab::Deployment = golden("gitlab/deployment_created");
    assert_eq!((made.id, made.status.as_str()), (42, "running"));
    assert!(made.was_told(COMMIT, at("2026-11-30T09:00:00Z")));
    assert!(!made.was_told(COMMIT, at("2026-11-30T09:10:00Z")), "it was there before");
    let of_ci: Vec<gitlab::Deployment> = golden("gitlab/deployments");
    assert!(of_ci.iter().all(|one| !one.was_told(COMMIT, at("2026-11-30T09:00:00Z"))), "a job makes its own");
}

#[test]
fn a_job_of_gitlab_that_was_run_again_is_another_attempt() {
    let deployments: Vec<gitlab::Deployment> = golden("gitlab/deployments");
    assert_eq!(gitlab::deployed_by(&deployments, "287").as_deref(), Some("deploy"));
    assert_eq!(gitlab::deployed_by(&deployments, "288"), None);
    let project: gitlab::Project = golden("gitlab/project");
    assert!(!project.goes_back(), "older deployments are refused, and retries are no exception");
    let jobs = || golden::<Vec<gitlab::RunJob>>("gitlab/jobs");
    let pipeline = || Seen::from(golden::<gitlab::Run>("gitlab/pipeline"));
    let seen = gitlab::as_of_job(pipeline(), &jobs(), "release");
    assert_eq!((seen.attempt, seen.began), (1, Some(at("2026-11-30T09:00:06.727Z"))));
    assert_eq!(gitlab::not_again(&jobs(), "release", at("2026-11-30T09:00:00Z")), None);
    let late = gitlab::not_again(&jobs(), "release", at("2027-11-30T09:00:00Z"));
    assert!(late.is_none_or(|why| why.contains("expired")));
    assert_eq!(
        gitlab::not_again(&jobs(), "ship", at("2026-11-30T09:00:00Z")).as_deref(),
        Some("it has no job ship any more")
    );
}
