//! A run that is over is run again.

use super::{PLAN, Team};

#[test]
fn a_retry_reruns_the_jobs_that_failed_and_follows_the_new_attempt() {
    for (kind, more, how, failed, done) in [
        ("github-actions", "workflow = \"deploy.yml\"\n", "9001 rerun-failed-jobs", "completed", "completed"),
        ("gitlab", "", "9001 retry", "failed", "success"),
    ] {
        let team = Team::at(kind, more);
        let mut verb = team.yard.begin(&["deploy", "staging"]);
        team.wait_state("queued");
        team.ci.set(failed, Some("failure"));
        assert!(!verb.wait("the deploy").success());
        let shown = team.yard.shell.flightdeck(&["plan", "show", PLAN]).succeeded().stdout;
        assert!(shown.contains("rerun the failed jobs of "), "{kind}: {shown}");
        let mut again = team.yard.begin(&["plan", "retry", PLAN]);
        let state = if kind == "gitlab" { "running" } else { "queued" };
        team.wait_state(state);
        team.ci.set(done, Some("success"));
        assert!(again.wait("the retry").success(), "{kind}: {}", team.log());
        assert_eq!(team.ci.kept().rerun, [how]);
        assert_eq!(
            (team.ci.started(), team.records("released").len()),
            (1, 1),
            "{kind}: nothing was started anew"
        );
        if kind == "github-actions" {
            assert_eq!(team.records("pipeline-seen").last().unwrap()["attempt"], 2);
        }
    }
}

#[test]
fn a_rerun_whose_conductor_was_killed_is_followed_and_not_asked_for_again() {
    let team = Team::actions();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.set("completed", Some("failure"));
    assert!(!verb.wait("the deploy").success());
    let mut again = team.yard.begin(&["plan", "retry", PLAN]);
    team.wait_state("queued");
    team.yard.kill_conductor();
    again.wait("the retry");
    team.ci.set("completed", Some("success"));
    team.yard.shell.flightdeck(&["plan", "resume", PLAN]).succeeded();
    assert_eq!(team.ci.kept().rerun, ["9001 rerun-failed-jobs"]);
    assert_eq!((team.ci.started(), team.records("released").len()), (1, 1));
}

#[test]
fn a_rerun_that_is_refused_says_why_and_starts_nothing() {
    let team = Team::actions();
    let mut verb = team.yard.begin(&["deploy", "staging"]);
    team.wait_state("queued");
    team.ci.set("completed", Some("failure"));
    assert!(!verb.wait("the deploy").success());
    team.ci.kept().no_rerun = true;
    team.yard
        .shell
        .flightdeck(&["plan", "retry", PLAN])
        .ended_with(1)
        .said("Unable to retry this workflow run because it was created over a month ago");
    assert_eq!((team.ci.started(), team.ci.kept().rerun.len()), (1, 0));
}
