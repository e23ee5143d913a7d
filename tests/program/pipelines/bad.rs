//! What goes wrong at hosts: refusals, runs that nobody ends, logs that are too long or gone, hosts that are down.

use serde_json::{Value, json};

use super::super::world::wait_until;
use super::Team;
use super::host::{LOG, SECRET};

#[test]
fn a_log_of_500_mb_is_read_from_its_end_and_one_that_is_gone_is_named() {
    for (long, gone, said, has_end) in [
        (Some(true), false, "longer than 1 MiB: this is the end of it", true),
        (Some(false), false, "it goes on, and is too long to be read to its end", false),
        (None, true, "the output of migrate is not there, or is gone already", false),
    ] {
        let team = Team::actions();
        (team.ci.kept().long, team.ci.kept().gone) = (long, gone);
        let mut verb = team.yard.begin(&["deploy", "staging"]);
        team.wait_state("queued");
        team.ci.jobs(&[("migrate", "completed", Some("failure"))]);
        team.ci.set("completed", Some("failure"));
        assert!(!verb.wait("the deploy").success());
        let log = team.log();
        assert!(log.contains(said), "{said} in {:?}", log.lines().rev().take(5).collect::<Vec<_>>());
        assert_eq!((log.contains(LOG), log.contains(SECRET)), (has_end, false));
        assert!(log.len() < 3 << 20, "{} bytes", log.len());
    }
}

#[test]
fn what_the_host_cancels_itself_has_failed_and_is_not_started_again() {
    // Another run of its concurrency group took its place.
    let team = Team::actions();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.set("pending", None);
    team.ci.set("completed", Some("cancelled"));
    assert!(!verb.wait("the deploy").success());
    let plan = team.show();
    let why = plan["steps"][0]["outcome"]["why"].as_str().unwrap();
    assert!(why.starts_with("deploy.yml #42 was cancelled: https://"), "{why}");
    assert_eq!((plan["state"].as_str(), team.ci.started(), team.ci.cancelled()), (Some("failed"), 1, 0));
    assert!(team.records("released").is_empty());
}

#[test]
fn a_run_that_never_leaves_the_queue_is_cancelled_in_the_end() {
    let team = Team::at("github-actions", "workflow = \"deploy.yml\"\ntimeout = \"2s\"\n");
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    wait_until("the cancel", || (team.ci.cancelled() == 1).then_some(()));
    assert_eq!(team.states(), ["queued"]);
    assert_eq!(team.show()["state"], "running", "it is not over before its host says so");
    team.ci.set("completed", Some("cancelled"));
    assert!(!verb.wait("the deploy").success());
    assert!(team.log().contains("told deploy.yml #42 to cancel"), "{}", team.log());
    assert_eq!((team.show()["state"].as_str(), team.ci.cancelled()), (Some("failed"), 1));
}

#[test]
fn of_two_that_a_push_started_for_one_commit_a_person_decides() {
    let team = Team::at("github-actions", "workflow = \"deploy.yml\"\non = \"push\"\nwithin = \"20s\"\n");
    team.ci.pushed();
    team.ci.pushed();
    team.yard
        .shell
        .flightdeck(&["deploy", "staging"])
        .ended_with(6)
        .said("2 runs may be the one: deploy.yml #42");
}

#[test]
fn each_refusal_says_what_to_do_and_starts_nothing() {
    let team = Team::actions();
    for (answer, said) in [
        (("401 Unauthorized", r#"{"message":"Bad credentials"}"#), "GITHUB_TOKEN is still valid"),
        (
            ("403 Forbidden", r#"{"message":"Resource not accessible by personal access token"}"#),
            "no permission",
        ),
        (("404 Not Found", r#"{"message":"Not Found"}"#), "has no workflow deploy.yml"),
        (("200 OK", "<html>log in</html>"), "does not understand"),
        (("403 Forbidden\r\nretry-after: 1800", r#"{"message":"secondary rate limit"}"#), "too many calls"),
        (("429 Too Many Requests\r\nretry-after: 1800", "{}"), "too many calls; it asks to wait for 30m"),
        (("409 Conflict", r#"{"message":"Conflict"}"#), "answers 409: it refuses; it says: Conflict"),
        (("502 Bad Gateway", "<html>no upstream</html>"), "answers 502: it crashed"),
    ] {
        team.ci.kept().refuses = Some(answer);
        team.yard.shell.flightdeck(&["deploy", "staging"]).ended_with(1).said(said);
    }
    team.ci.kept().refuses = None;
    team.ci.kept().workflow = "disabled_manually";
    team.yard
        .shell
        .flightdeck(&["deploy", "staging"])
        .ended_with(1)
        .said("is disabled manually: enable it first");
    team.ci.kept().workflow = "active";
    team.ci.kept().no_ref = true;
    let said = "No ref found for: main: push main first: git push origin main";
    team.yard.shell.flightdeck(&["deploy", "staging"]).ended_with(1).said(said);
    team.ci.kept().no_ref = false;
    team.ci.kept().unexpected = true;
    team.yard.shell.flightdeck(&["deploy", "staging"]).ended_with(1).said("Unexpected inputs provided");
    assert_eq!(team.ci.started(), 0);
}

#[test]
fn each_refusal_of_gitlab_says_which_scope_and_role_the_token_needs() {
    let team = Team::at("gitlab", "");
    for (answer, said) in [
        (("401 Unauthorized", r#"{"message":"401 Unauthorized"}"#), "GITLAB_TOKEN is still valid"),
        (
            (
                "403 Forbidden",
                r#"{"error":"insufficient_scope","error_description":"The request requires higher privileges"}"#,
            ),
            "the token needs the scope api, and its owner the role Developer",
        ),
        (("404 Not Found", r#"{"message":"404 Project Not Found"}"#), "the token needs the scope api"),
    ] {
        team.ci.kept().refuses = Some(answer);
        team.yard.shell.flightdeck(&["deploy", "staging"]).ended_with(1).said(said);
    }
    assert_eq!(team.ci.started(), 0);
}

#[test]
fn whatever_is_answered_while_it_is_followed_is_no_end_of_it() {
    let team = Team::actions();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    for (answer, said) in [
        (("401 Unauthorized", r#"{"message":"Bad credentials"}"#), "GITHUB_TOKEN is still valid"),
        (("404 Not Found", r#"{"message":"Not Found"}"#), "the token may not see it"),
        (("200 OK", "<html>log in</html>"), "does not understand"),
        (("429 Too Many Requests\r\nretry-after: 3", "{}"), "too many calls; it asks to wait for 3s"),
        (
            ("503 Service Unavailable\r\nretry-after: 3", "<html>"),
            "is not available, and asks to wait for 3s",
        ),
    ] {
        team.ci.kept().refuses = Some(answer);
        wait_until(said, || {
            let seen = team.records("pipeline-seen").pop()?;
            let note = seen["note"].as_str().unwrap_or_default();
            (note.starts_with("not seen since") && note.contains(said)).then_some(())
        });
        assert_eq!(team.show()["state"], "running", "{said}");
        let status = team.yard.shell.flightdeck(&["status"]).succeeded().stdout;
        assert!(status.contains("not seen since"), "{status}");
        team.ci.kept().refuses = None;
        wait_until("it to be seen again", || {
            (team.records("pipeline-seen").pop()?["note"].is_null()).then_some(())
        });
    }
    team.ci.set("completed", Some("success"));
    assert!(verb.wait("the deploy").success());
    assert_eq!((team.ci.started(), team.records("released").len()), (1, 1));
}

#[test]
fn a_pipeline_of_gitlab_whose_jobs_cannot_be_read_any_more_is_asked_itself() {
    let team = Team::at("gitlab", "");
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.jobs(&[("release", "running", None)]);
    let head = team.ci.kept().head.clone();
    team.ci.change_jobs("pipeline", &json!({ "status": "running", "sha": head }));
    team.ci.set("running", None);
    team.wait_state("running");
    wait_until("its jobs", || team.log().contains("release is running").then_some(()));
    team.ci.kept().hides_jobs = true;
    wait_until("the trouble", || team.log().contains("its jobs: 127.0.0.1").then_some(()));
    team.ci.set("success", None);
    assert!(verb.wait("the deploy").success());
    let notes = team.records("pipeline-seen");
    let is_empty = |seen: &Value| seen["note"].as_str().unwrap_or_default().is_empty();
    assert!(notes.iter().all(is_empty), "it was seen all the time: {notes:?}");
}

#[test]
fn a_host_that_is_down_is_no_end_of_the_run() {
    let team = Team::actions();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.kept().down = true;
    wait_until("the note", || {
        let seen = team.records("pipeline-seen");
        seen.last()
            .and_then(|seen| seen["note"].as_str())
            .is_some_and(|note| note.starts_with("not seen since"))
            .then_some(())
    });
    assert_eq!(team.show()["state"], "running");
    // It stays so for as long as the host is down, neither failed nor done, and is on record once.
    let asked = team.ci.service.requests().len();
    wait_until("more questions", || (team.ci.service.requests().len() > asked + 5).then_some(()));
    assert_eq!((team.show()["state"].as_str(), team.states().len()), (Some("running"), 2));
    let status = team.yard.shell.flightdeck(&["status"]).succeeded().stdout;
    assert!(status.contains("not seen since"), "{status}");
    team.ci.kept().down = false;
    team.ci.set("completed", Some("success"));
    assert!(verb.wait("the deploy").success());
}

#[test]
fn a_run_whose_jobs_cannot_be_read_is_seen_all_the_same() {
    let team = Team::actions();
    team.ci.kept().hides_jobs = true;
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.set("in_progress", None);
    team.wait_state("running");
    wait_until("the trouble", || team.log().contains("its jobs: 127.0.0.1").then_some(()));
    team.ci.set("completed", Some("success"));
    assert!(verb.wait("the deploy").success());
    let notes = team.records("pipeline-seen");
    assert!(
        notes.iter().all(|seen| seen["note"].as_str().unwrap_or_default().is_empty()),
        "it was seen all the time: {notes:?}"
    );
    assert_eq!(team.log().matches("its jobs:").count(), 1, "{}", team.log());
}
