//! What becomes of a run, and that what is said of it is what a client of GitHub reads.

use super::*;
use crate::deploy::pipeline::{self, Review, Seen, github, protect};
use crate::incident::RemoteState;

fn now() -> Timestamp {
    "2026-11-30T09:00:00Z".parse().unwrap()
}

fn started(environment: &str) -> (Runs, u64) {
    let workflow = "jobs:\n  build:\n    steps:\n      - run: true\n  deploy:\n    environment: ENV\n    steps:\n      - run: true\n";
    let workflow = Workflow::read(&workflow.replace("ENV", environment));
    let mut runs = Runs::default();
    let id = runs.start(&workflow, "v1.4.3", "77b0d13", now());
    (runs, id)
}

fn seen(run: &Run) -> Seen {
    let run: github::Run =
        serde_json::from_value(run.json("http://127.0.0.1:1", "shop/payments-api")).unwrap();
    run.into()
}

fn jobs(run: &Run) -> Vec<(String, RemoteState)> {
    let page: github::Jobs = serde_json::from_value(run.jobs_json()).unwrap();
    page.jobs.into_iter().map(pipeline::Job::from).map(|job| (job.name, job.state)).collect()
}

/// Carries out what is next, and ends it so.
fn work(run: &mut Run, stage: Stage) {
    let Next::Work(index) = run.next(now()) else { panic!("nothing to do: {run:?}") };
    run.job(index).unwrap().end(stage, now());
}

#[test]
fn production_waits_for_a_reviewer_and_staging_does_not() {
    let (mut runs, id) = started("staging");
    let run = runs.of_mut(id).unwrap();
    assert_eq!(seen(run).state, RemoteState::Queued);
    work(run, SUCCESS);
    work(run, SUCCESS);
    assert_eq!((run.next(now()), seen(run).state), (Next::Over, RemoteState::Succeeded));

    let (mut runs, id) = started("production");
    let run = runs.of_mut(id).unwrap();
    work(run, SUCCESS);
    assert_eq!((run.next(now()), seen(run).state), (Next::Review, RemoteState::Waiting));
    let pending: Vec<github::Pending> = serde_json::from_value(run.pending_json()).unwrap();
    let waits: Vec<_> = pending.into_iter().map(|one| Review::from(one).line(now())).collect();
    assert_eq!(waits, ["approval of production by release-managers"]);
    let protected: protect::Environment = serde_json::from_value(environment("production").unwrap()).unwrap();
    assert_eq!(protect::Protection::from(protected).who, ["team release-managers"]);
    assert_ne!(run.reviewed(&[7], true, "go"), Ok(()), "another environment");
    run.reviewed(&[PROTECTED_ID], true, "go").unwrap();
    assert!(matches!(run.next(now()), Next::Work(1)));
    assert_ne!(run.reviewed(&[PROTECTED_ID], false, "no"), Ok(()), "it was decided");
    run.job(1).unwrap().end(SUCCESS, now());
    assert_eq!((run.next(now()), seen(run).state), (Next::Over, RemoteState::Succeeded));
    assert!(run.page("", "").contains("approved: go"));
}

#[test]
fn what_is_rejected_or_fails_deploys_nothing() {
    let (mut runs, id) = started("production");
    let run = runs.of_mut(id).unwrap();
    work(run, SUCCESS);
    run.next(now());
    run.reviewed(&[PROTECTED_ID], false, "not now").unwrap();
    assert_eq!((run.next(now()), seen(run).state), (Next::Over, RemoteState::Failed));

    let (mut runs, id) = started("production");
    let run = runs.of_mut(id).unwrap();
    work(run, FAILURE);
    assert_eq!((run.next(now()), seen(run).state), (Next::Over, RemoteState::Failed));
    assert_eq!(jobs(run)[1], ("deploy".to_owned(), RemoteState::Skipped));
    // Once more: only what did not succeed, with a number of its own.
    assert_eq!(run.next(now()), Next::Over);
    runs.again(id, false, now()).unwrap();
    let run = runs.of_mut(id).unwrap();
    assert_eq!((seen(run).attempt, seen(run).state), (2, RemoteState::Queued));
    assert_eq!(seen(run).began, Some(now()), "it says when that attempt began");
    work(run, SUCCESS);
    assert_eq!(run.next(now()), Next::Review);
    assert!(runs.again(id, true, now()).is_err(), "it is under way");
}

#[test]
fn a_cancelled_run_ends_where_it_is() {
    let (mut runs, id) = started("production");
    let run = runs.of_mut(id).unwrap();
    work(run, SUCCESS);
    run.next(now());
    run.cancelled(false).unwrap();
    assert_eq!((run.next(now()), seen(run).state), (Next::Over, RemoteState::Cancelled));
    assert!(run.cancelled(true).is_err(), "it is over");
    assert_eq!(run.pending_json(), json!([]));
}

#[test]
fn inputs_that_are_missing_or_strange_are_refused_as_at_github() {
    let workflow = Workflow { inputs: vec!["environment".into()], jobs: Vec::new() };
    let given = |inputs: Value| inputs_of(&workflow, &inputs);
    assert_eq!(given(json!({ "environment": "staging" })).unwrap()["environment"], "staging");
    assert!(given(json!({})).unwrap_err().contains("'environment' not provided"));
    assert!(given(json!({ "environment": "a; b" })).is_err());
    let strange = given(json!({ "environment": "staging", "sha": "1" })).unwrap_err();
    assert_eq!(strange, "Unexpected inputs provided: [\"sha\"]");
}

fn inputs_of(workflow: &Workflow, inputs: &Value) -> Result<BTreeMap<String, String>, String> {
    super::inputs(workflow, &json!({ "inputs": inputs }))
}
