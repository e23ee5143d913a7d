//! A run that is over is run again: its failed jobs on a retry, all of it as a way back.

use super::super::world::wait_until;
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
fn a_rerun_whose_conductor_was_killed_before_its_answer_is_found_by_its_attempt() {
    for end in [None, Some("success")] {
        let team = Team::actions();
        let mut verb = team.yard.begin(&["deploy", "staging"]);
        team.wait_state("queued");
        team.ci.set("completed", Some("failure"));
        assert!(!verb.wait("the deploy").success());
        team.ci.kept().hangs = true;
        let mut again = team.yard.begin(&["plan", "retry", PLAN]);
        wait_until("the rerun", || (!team.ci.kept().rerun.is_empty()).then_some(()));
        team.yard.kill_conductor();
        again.wait("the retry");
        team.ci.kept().hangs = false;
        assert_eq!(team.states().last().map(String::as_str), Some("failed"), "nothing of it is on record");
        // It may be over by the time that anybody looks.
        if end.is_some() {
            team.ci.set("completed", end);
        }
        let mut on = team.yard.begin(&["plan", "resume", PLAN]);
        if end.is_none() {
            team.wait_state("queued");
            team.ci.set("completed", Some("success"));
        }
        assert!(on.wait("going on").success(), "{}", team.show());
        assert_eq!(team.ci.kept().rerun, ["9001 rerun-failed-jobs"]);
        assert_eq!((team.ci.started(), team.records("released").len()), (1, 1));
    }
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

#[test]
fn the_run_of_the_last_good_release_is_rerun_as_a_way_back() {
    let rest = "[[probes]]\nname = \"api\"\nenvironment = \"staging\"\ncommand = [\"true\"]\ninterval = \"1s\"\n\
                [policy]\nextended_watch = \"0s\"\nrollback_watch = \"1s\"\n";
    let team = Team::made("github-actions", "workflow = \"deploy.yml\"\n", "watch = \"1s\"\n", rest);
    let git = |arguments: &[&str]| team.yard.shell.run("git", arguments).succeeded().stdout.trim().to_owned();
    let deploy = || {
        let before = team.records("pipeline-seen").len();
        let mut verb = team.yard.begin(&["deploy", "staging"]);
        wait_until("the run", || (team.records("pipeline-seen").len() > before).then_some(()));
        team.ci.set("completed", Some("success"));
        assert!(verb.wait("the deploy").success());
    };
    let list = || team.yard.shell.flightdeck(&["rollback", "--env", "staging", "--list"]).succeeded().stdout;
    deploy();
    let good = team.ci.kept().head.clone();
    git(&["commit", "-q", "--allow-empty", "-m", "Break it"]);
    team.ci.kept().head = git(&["rev-parse", "HEAD"]);
    deploy();
    team.ci.made_at("2026-01-05T09:00:00Z");
    assert!(
        list().contains("deploy.yml #42 is from 2026-01-05, and GitHub reruns the last 30 days"),
        "{}",
        list()
    );
    team.ci.made_at(&jiff::Timestamp::now().to_string());
    let ways = list();
    assert!(ways.contains("rerun deploy.yml #42, which deployed main"), "{ways}");
    assert!(ways.contains("its pipeline runs on a branch or tag, and no tag is on it"), "{ways}");
    let mut back = team.yard.begin(&["rollback", "rerun", "--env", "staging", "--confirm", "staging"]);
    wait_until("the rerun", || (team.ci.kept().rerun == ["9001 rerun"]).then_some(()));
    team.ci.set("completed", Some("success"));
    assert!(back.wait("the rollback").success());
    let released = team.records("released").pop().unwrap();
    assert_eq!((released["commit"].as_str(), released["rollback"].as_bool()), (Some(&*good), Some(true)));
    assert_eq!((team.ci.started(), team.ci.kept().rerun.len()), (2, 1));
}

/// Two releases of staging by pipelines of GitLab, of which the first is good and the second is live.
fn released_twice() -> Team {
    let rest = "[[probes]]\nname = \"api\"\nenvironment = \"staging\"\ncommand = [\"true\"]\ninterval = \"1s\"\n\
                [policy]\nextended_watch = \"0s\"\nrollback_watch = \"1s\"\n";
    let team = Team::made("gitlab", "", "watch = \"1s\"\n", rest);
    let git = |arguments: &[&str]| team.yard.shell.run("git", arguments).succeeded().stdout.trim().to_owned();
    for round in 0..2 {
        if round > 0 {
            git(&["commit", "-q", "--allow-empty", "-m", "Break it"]);
            team.ci.kept().head = git(&["rev-parse", "HEAD"]);
        }
        let before = team.records("pipeline-seen").len();
        let mut verb = team.yard.begin(&["deploy", "staging"]);
        wait_until("the run", || (team.records("pipeline-seen").len() > before).then_some(()));
        team.ci.jobs(&[("release", "success", None)]);
        team.ci.set("success", Some("success"));
        assert!(verb.wait("the deploy").success());
        if round == 0 {
            team.ci.released();
        }
    }
    team
}

const BACK: [&str; 6] = ["rollback", "rerun", "--env", "staging", "--confirm", "staging"];

#[test]
fn the_job_that_deployed_the_last_good_release_is_rerun_at_gitlab() {
    let team = released_twice();
    let good = team.records("released")[0]["commit"].as_str().unwrap().to_owned();
    let list = || team.yard.shell.flightdeck(&["rollback", "--env", "staging", "--list"]).succeeded().stdout;
    let refused = |why: &str| {
        let ways = list();
        assert!(ways.contains(why), "{why} in {ways}");
    };
    team.ci.kept().no_rerun = true;
    refused("\u{201c}Allow job retries for rollback deployments\u{201d} is off");
    team.ci.kept().no_rerun = false;
    team.ci.change_jobs("archived", &true.into());
    refused("release is archived");
    team.ci.change_jobs("archived", &false.into());
    team.ci.jobs(&[("build", "success", None), ("release", "success", None)]);
    team.ci.change_jobs("artifacts_expire_at", &"2026-01-05T09:00:00Z".into());
    refused("the artifacts of build expired on 2026-01-05, and release may need them");
    team.ci.jobs(&[("release", "success", None)]);
    assert!(list().contains("rerun release of pipeline #42, which deployed main"), "{}", list());
    let mut back = team.yard.begin(&BACK);
    wait_until("the rerun", || (team.ci.kept().rerun == ["job 501"]).then_some(()));
    team.wait_state("running");
    team.ci.change_jobs("status", &"success".into());
    assert!(back.wait("the rollback").success());
    let released = team.records("released").pop().unwrap();
    assert_eq!((released["commit"].as_str(), released["rollback"].as_bool()), (Some(&*good), Some(true)));
    assert_eq!((team.ci.started(), team.ci.kept().rerun.len()), (2, 1));
}

#[test]
fn a_rerun_whose_conductor_was_killed_before_the_record_is_found_and_not_asked_for_again() {
    let team = released_twice();
    let before = team.records("pipeline-seen").len();
    team.ci.kept().hangs = true;
    let mut back = team.yard.begin(&BACK);
    wait_until("the rerun", || (team.ci.kept().rerun == ["job 501"]).then_some(()));
    team.yard.kill_conductor();
    back.wait("the rollback");
    team.ci.kept().hangs = false;
    assert_eq!(team.records("pipeline-seen").len(), before, "it was killed before it wrote that down");
    // It ends before anybody looks again.
    team.ci.change_jobs("status", &"success".into());
    team.yard.shell.flightdeck(&["plan", "resume", "rollback-staging-1", "--confirm", "staging"]).succeeded();
    assert_eq!(team.ci.kept().rerun, ["job 501"]);
    let plan = team.yard.shell.json(&["plan", "show", "--json", "rollback-staging-1"]);
    assert_eq!(plan["state"], "done", "{plan}");
}
