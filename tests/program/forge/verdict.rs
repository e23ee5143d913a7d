//! Waiting for the checks at the code host, as a test run.

use serde_json::json;

use super::super::world::wait_until;
use super::{BROKE, Team, run, trouble, workflow};

const CHECK: &str = "[[environments]]\nname = \"staging\"\ndeploy = [\"true\"]\ngates = [\"checks\"]\n\
                     [[checks]]\nname = \"unit\"\ncommand = [\"false\"]\n";
const REMOTE: [&str; 2] = ["test", "--remote"];

#[test]
fn the_verdict_of_the_code_host_is_waited_for_and_meets_the_gate() {
    let team = Team::with("github", CHECK);
    team.shell.flightdeck(&["deploy", "staging"]).ended_with(3).said("unit not run on this commit");
    // One bot is early, and the workflow that builds is still queued: no check run tells of it.
    team.hub.kept().runs = vec![run(1, "cla", "completed", "success")];
    let mut queued = workflow(7, 70, "CI");
    queued["status"] = "queued".into();
    team.hub.kept().workflows = vec![queued];
    // Trouble on the way is no verdict.
    team.hub.kept().troubles.push_back(trouble("GET /api/v3/repos/shop/payments-api/commits", false, BROKE));
    let waiting = std::thread::scope(|scope| {
        let asked = scope.spawn(|| team.shell.flightdeck(&REMOTE));
        wait_until("a second look", || {
            let looks = team.hub.service.requests();
            (looks.iter().filter(|line| line.contains("/check-runs")).count() >= 2).then_some(())
        });
        team.hub.kept().runs =
            vec![run(1, "cla", "completed", "success"), run(2, "build", "completed", "success")];
        team.hub.kept().workflows = vec![workflow(7, 70, "CI")];
        asked.join().unwrap()
    });
    waiting.succeeded().said("2 checks at GitHub passed on");
    team.shell.flightdeck(&["deploy", "staging"]).succeeded();
    let plan = team.shell.json(&["plan", "show", "--json", "test-remote-1"]);
    assert_eq!(plan["state"], "done");
}

#[test]
fn what_failed_there_is_named_and_what_nobody_can_read_is_no_verdict() {
    let team = Team::with("github", CHECK);
    team.hub.kept().runs =
        vec![run(1, "build", "completed", "success"), run(2, "e2e", "completed", "failure")];
    team.hub.kept().runs[1]["html_url"] = "https://git.test/job/2".into();
    let said = "at shop/payments-api failed: e2e; read why at https://git.test/job/2";
    team.shell.flightdeck(&REMOTE).ended_with(1).said(said);
    team.shell.flightdeck(&["deploy", "staging"]).ended_with(3).said("unit not run on this commit");
    team.hub.kept().runs = vec![run(1, "build", "completed", "success")];
    team.hub.kept().statuses = vec![json!({ "context": "ci/legacy", "state": "failure", "updated_at": "x" })];
    team.shell.flightdeck(&REMOTE).ended_with(1).said("failed: ci/legacy");
}

#[test]
fn the_verdict_of_gitlab_is_waited_for_too() {
    let team = Team::with("gitlab", CHECK);
    let head = team.head();
    let pipeline = |status: &str| {
        vec![
            json!({ "id": 50, "sha": head, "status": status, "source": "push", "web_url": "https://git.test/p/50" }),
        ]
    };
    team.hub.kept().pipelines = pipeline("failed");
    let said = "failed: pipeline (push); read why at https://git.test/p/50";
    team.shell.flightdeck(&REMOTE).ended_with(1).said(said);
    team.shell.flightdeck(&["deploy", "staging"]).ended_with(3);
    team.hub.kept().pipelines = pipeline("running");
    let waiting = std::thread::scope(|scope| {
        let asked = scope.spawn(|| team.shell.flightdeck(&REMOTE));
        let looks = || {
            let all = team.hub.service.requests();
            all.iter().filter(|line| line.contains("/pipelines?sha=")).count()
        };
        let before = looks();
        wait_until("two looks", || (looks() >= before + 2).then_some(()));
        team.hub.kept().pipelines = pipeline("success");
        asked.join().unwrap()
    });
    waiting.succeeded().said("1 check at GitLab passed on");
    team.shell.flightdeck(&["deploy", "staging"]).succeeded();
}
