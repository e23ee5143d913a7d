//! What pipelines wait for, and what people answer: given, refused, or given in part.

use serde_json::{Value, json};

use super::super::world::{Running, wait_until};
use super::Team;

const APPROVE: [&str; 6] = ["plan", "review", "--approve", "--comment", "on the call", "--detach"];
const REJECT: [&str; 6] = ["plan", "review", "--reject", "--comment", "wrong build", "--detach"];

/// A pipeline of GitLab with jobs that wait for somebody, each the deployment of a protected environment if it lacks
/// approvals.
fn held(jobs: &[&str], approvals: usize) -> (Team, Running) {
    let team = Team::at("gitlab", "");
    team.ci.kept().approvals = approvals;
    team.ci.kept().regions = jobs.len() as u64;
    let verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    let jobs: Vec<_> = jobs.iter().map(|name| (*name, "manual", None)).collect();
    team.ci.jobs(&jobs);
    team.ci.set("manual", None);
    team.wait_state("waiting");
    (team, verb)
}

fn seen(team: &Team) -> Value {
    team.records("pipeline-seen").pop().unwrap()
}

fn wait_note(team: &Team, wanted: &str) -> Value {
    wait_until(wanted, || {
        Some(seen(team)).filter(|seen| seen["note"].as_str().is_some_and(|note| note.contains(wanted)))
    })
}

#[test]
fn one_answer_to_several_deployments_says_which_took_it_and_which_did_not() {
    let (team, mut verb) = held(&["eu", "us", "ap"], 1);
    wait_note(&team, "for approval of eu (staging) by Release managers, approval of us (staging)");
    wait_until("all of them", || (seen(&team)["ids"].as_array()?.len() == 3).then_some(()));
    team.ci.kept().no_approval = vec![(301, "403 Forbidden")];
    team.yard.shell.flightdeck(&APPROVE).succeeded();
    wait_note(&team, "approved eu (staging), ap (staging); could not approve us (staging): ");
    let all = team.records("pipeline-seen");
    let is_it = |seen: &&Value| {
        seen["note"].as_str().is_some_and(|note| note.contains("; approved eu (staging), ap"))
    };
    let said = all.iter().find(is_it).unwrap_or_else(|| panic!("{all:?}"));
    assert!(said["note"].as_str().unwrap().starts_with("for approval of us (staging)"), "{said}");
    assert_eq!(
        (&said["ids"], &team.ci.kept().rerun[..]),
        (&json!(["502/301"]), &["play 501", "play 503"].map(str::to_owned)[..])
    );
    team.ci.jobs(&[("eu", "success", None), ("us", "manual", None), ("ap", "success", None)]);
    wait_note(&team, "for approval of us (staging) by Release managers");
    // That its host wants to be left alone is on record before the ten minutes are over.
    team.ci.kept().no_approval = vec![(301, "429 Too Many Requests\r\nretry-after: 600")];
    team.yard.shell.flightdeck(&APPROVE).succeeded();
    wait_note(&team, "could not approve it: 127.0.0.1");
    let status = team.yard.shell.flightdeck(&["status"]).succeeded().stdout;
    assert!(status.contains("it asks to wait for 10m"), "{status}");
    assert_eq!(team.ci.kept().rerun.len(), 2);
    team.yard.kill_conductor();
    verb.wait("the deploy");
}

#[test]
fn many_protected_deployments_are_asked_about_a_few_at_a_time() {
    let names: Vec<String> = (0..60).map(|number| format!("region {number}")).collect();
    let (team, mut verb) = held(&names.iter().map(String::as_str).collect::<Vec<_>>(), 1);
    wait_until("some of those who may approve", || {
        let note = seen(&team)["note"].as_str()?.to_owned();
        (note.matches("by Release managers").count() >= 5).then_some(())
    });
    assert_eq!(seen(&team)["ids"].as_array().unwrap().len(), 60, "all of them are named");
    let (mut row, mut longest) = (0, 0);
    for request in team.ci.service.requests() {
        row = if request.contains("/deployments") { row + 1 } else { 0 };
        longest = longest.max(row);
    }
    assert!((2..=3).contains(&longest), "{longest} requests in one turn");
    team.yard.kill_conductor();
    verb.wait("the deploy");
}

#[test]
fn what_waits_at_github_is_rejected_and_the_step_fails_with_it() {
    let team = Team::actions();
    team.ci.kept().may_approve = true;
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.set("waiting", None);
    team.wait_state("waiting");
    team.yard.shell.flightdeck(&REJECT).succeeded();
    let told = wait_until("the rejection", || team.ci.kept().reviewed.clone());
    assert_eq!(
        told,
        json!({ "environment_ids": [31], "state": "rejected", "comment": "wrong build (Maya)" })
    );
    assert_eq!(team.show()["state"], "waiting", "it is not over before its host says so");
    team.ci.set("completed", Some("failure"));
    assert!(!verb.wait("the deploy").success());
    assert_eq!((team.show()["state"].as_str(), team.records("released").len()), (Some("failed"), 0));
}

#[test]
fn what_waits_at_gitlab_is_rejected_by_cancelling_its_job_or_its_deployment() {
    for approvals in [0, 1] {
        let (team, mut verb) = held(&["release"], approvals);
        wait_note(&team, "approval of release");
        team.yard.shell.flightdeck(&REJECT).succeeded();
        if approvals == 0 {
            wait_until("the cancel", || (team.ci.kept().rerun == ["cancel 501"]).then_some(()));
        } else {
            let told = wait_until("the rejection", || team.ci.kept().reviewed.clone());
            assert_eq!(told, json!({ "status": "rejected", "comment": "wrong build (Maya)" }));
            assert!(team.ci.kept().rerun.is_empty(), "what is rejected fails there");
        }
        let (job, end) = if approvals == 0 { ("canceled", "canceled") } else { ("failed", "failed") };
        team.ci.jobs(&[("release", job, None)]);
        team.ci.set(end, None);
        assert!(!verb.wait("the deploy").success());
        assert_eq!((team.show()["state"].as_str(), team.records("released").len()), (Some("failed"), 0));
    }
}
